/* Asks, as far as mm1's statements go and no other test: ASK-01, ASK-04, ASK-06. */
#include "script.h"

/* Answers with a result, whatever is expected; with a note before it where the number is odd. */
static mm1_status asks_for_another_type(struct mm1_ctx *ctx)
{
    const struct job *nothing;
    mm1_status status = mm1_ask_any(
        ctx, server, 10 * MS, &job_request_type, &(struct job_request){.body = {.n = 3}},
        &job_response_type, &nothing);
    say("%s; ", mm1_status_text(status));
    return say_all(ctx);
}
