/* What is counted of asks, by the type of the request (COM-04). */
#ifndef MM1_KIT_ASK_METRICS_H
#define MM1_KIT_ASK_METRICS_H

#include <mm1/ask.h>

enum mm1__ask_end {
    MM1__ASK_REPLIED,
    MM1__ASK_TIMED_OUT,
    MM1__ASK_DOWN, /* the server ended, or is not there */
    MM1__ASK_CANCELLED,
    MM1__ASK_UNSENT, /* it did not even begin */
};

/* A request of `type` was sent. */
void mm1__ask_began(struct mm1_ctx *ctx, const struct mm1_msg_type *type);
/* The waiting for a request of `type` that began at `began_ns` is over. */
void mm1__ask_ended(struct mm1_ctx *ctx, const struct mm1_msg_type *type, uint64_t began_ns,
                    enum mm1__ask_end how);

#endif
