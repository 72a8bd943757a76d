/* A client: reads and writes at random, one operation at a time, and says what it was told. */
#ifndef KV_CLIENT_H
#define KV_CLIENT_H

#include <mm1/actor.h>

extern const struct mm1_behaviour kv_client_behaviour; /* its argument is a struct kv_client */

#endif
