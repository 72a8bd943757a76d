/* The message types that the kit's actors use among themselves. */
#ifndef MM1_KIT_KIT_H
#define MM1_KIT_KIT_H

#include <mm1/msg.h>

/* Adds them to the types of a node. Statuses of mm1_msg_register. */
MM1_NODISCARD mm1_status mm1__kit_register(struct mm1_msg_registry *registry);

#endif
