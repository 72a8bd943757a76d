/* What a host of nodes must know of the kit: the message types that its actors use among themselves. */
#ifndef MM1_KIT_H
#define MM1_KIT_H

#include <mm1/msg.h>

/* Adds the types of ask, of the name service, of the metrics server, of supervisors and of the multi-node actors to the
 * types of a node. Statuses of mm1_msg_register. */
MM1_API MM1_NODISCARD mm1_status mm1_kit_register(struct mm1_msg_registry *registry);

#endif
