/* What a supervisor sends itself. */
#ifndef MM1_KIT_SUP_MESSAGES_H
#define MM1_KIT_SUP_MESSAGES_H

#include <mm1/supervisor.h>

/* The restart of a child failed and is to be tried again: by its id, under a uniform supervisor by the address of its
 * last incarnation. It goes through the inbox: what arrived before is served before. */
#define MM1_SUP_RETRY_FIELDS(F) F(text, id) F(addr, child)
MM1_MSG_DECLARE(mm1_sup_retry, MM1_SUP_RETRY_FIELDS)

/* The time of a start or a stop is over: its number. */
#define MM1_SUP_TIMEOUT_FIELDS(F) F(id, number)
MM1_MSG_DECLARE(mm1_sup_timeout, MM1_SUP_TIMEOUT_FIELDS)

/* Adds all types of supervisors to the types of a node. Statuses of mm1_msg_register. */
MM1_NODISCARD mm1_status mm1__sup_register(struct mm1_msg_registry *registry);

#endif
