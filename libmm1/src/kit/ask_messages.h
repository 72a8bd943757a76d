/* What asks of behaviours and of function actors share: the message with which an asker learns that it has waited long
 * enough, and the beginning of a question. */
#ifndef MM1_KIT_ASK_MESSAGES_H
#define MM1_KIT_ASK_MESSAGES_H

#include <mm1/ask.h>

#define MM1_ASK_TIMEOUT_FIELDS(F) F(id, id)
MM1_MSG_DECLARE(mm1_ask_timeout, MM1_ASK_TIMEOUT_FIELDS)

/* Set in the number of every call that a function actor waits for, and in no other reference: references are counted
 * up, and numbers below 2^53 pass through all that reads JSON. So what comes too late for such a call is told from what
 * the function began with the forms for behaviours, without a memory of the calls that ended. */
#define MM1__WAITED_FOR (UINT64_C(1) << 52)

/* mm1_ask_begin_any; `mark` is 0 or MM1__WAITED_FOR. */
MM1_NODISCARD mm1_status mm1__ask_begin(struct mm1_ctx *ctx, struct mm1_ask *ask, mm1_addr server,
                                        uint64_t timeout_ns, const struct mm1_msg_type *type,
                                        void *request, uint64_t mark);
/* Whether messages of this type are answers, T_response for some T. */
bool mm1__is_response(const struct mm1_msg_type *type);
/* Arms a timer, unless `timeout_ns` is UINT64_MAX: then `*timer` is 0. */
MM1_NODISCARD mm1_status mm1__timeout_start(struct mm1_ctx *ctx, uint64_t timeout_ns,
                                            const struct mm1_msg_type *type, const void *msg,
                                            uint64_t *timer);
/* Ends it, if there is one, and sets it to 0. */
void mm1__timeout_cancel(struct mm1_ctx *ctx, uint64_t *timer);

#endif
