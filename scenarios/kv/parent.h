/* The first actor of a replica's node. */
#ifndef KV_PARENT_H
#define KV_PARENT_H

#include <mm1/actor.h>

extern const struct mm1_behaviour kv_parent_behaviour; /* its argument is a struct kv_replica */

#endif
