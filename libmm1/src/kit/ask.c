/* Ask: requests with a timeout, the watch of who is asked, replies, and what is recognised as none of them. */
#include <mm1/ask.h>

#include "kit/ask_messages.h"
#include "kit/ask_metrics.h"

MM1_MSG_DEFINE(mm1_request_header, "mm1_proto_ask::RequestHeader", MM1_REQUEST_HEADER_FIELDS)
MM1_MSG_DEFINE(mm1_response_header, "mm1_proto_ask::ResponseHeader", MM1_RESPONSE_HEADER_FIELDS)
MM1_MSG_DEFINE(mm1_ask_timeout, "mm1_local::AskTimeout", MM1_ASK_TIMEOUT_FIELDS)

/* Header and body of what MM1_REQUEST_DEFINE and MM1_RESPONSE_DEFINE wrap. */
static bool is_wrapper(const struct mm1_msg_type *type, const struct mm1_msg_type *header)
{
    return type->field_count == 2 && type->fields[0].sub == header && type->fields[0].offset == 0;
}

bool mm1__is_response(const struct mm1_msg_type *type)
{
    return is_wrapper(type, &mm1_response_header_type);
}

mm1_status mm1__timeout_start(struct mm1_ctx *ctx, uint64_t timeout_ns,
                              const struct mm1_msg_type *type, const void *msg, uint64_t *timer)
{
    *timer = 0;
    if (timeout_ns == UINT64_MAX) {
        return MM1_OK;
    }
    struct mm1_timer_spec spec = {.after_ns = timeout_ns, .type = type, .msg = msg};
    return mm1_timer_start(ctx, &spec, timer);
}

void mm1__timeout_cancel(struct mm1_ctx *ctx, uint64_t *timer)
{
    if (*timer != 0) {
        (void)mm1_timer_cancel(ctx, *timer);
        *timer = 0;
    }
}

/* Nothing is under way any more, and what the watch had to say is not received. */
static void stop(struct mm1_ctx *ctx, struct mm1_ask *ask, enum mm1__ask_end how)
{
    mm1__timeout_cancel(ctx, &ask->timer);
    if (ask->watch != 0) {
        (void)mm1_unwatch_flush(ctx, ask->watch);
        ask->watch = 0;
    }
    ask->id = 0;
    mm1__ask_ended(ctx, ask->request, ask->began_ns, how);
}

/* Watches who serves the address, or finds out that nobody does. A remote server cannot be watched, and this actor
 * itself need not be. */
static mm1_status watch(struct mm1_ctx *ctx, struct mm1_ask *ask, mm1_addr server)
{
    mm1_addr owner;
    if (mm1_owner(ctx, server, &owner)) {
        return mm1_addr_equal(owner, mm1_main(ctx)) ? MM1_OK : mm1_watch(ctx, owner, &ask->watch);
    }
    return mm1_is_local(ctx, server) ? mm1_watch(ctx, server, &ask->watch) : MM1_OK;
}

mm1_status mm1__ask_begin(struct mm1_ctx *ctx, struct mm1_ask *ask, mm1_addr server,
                          uint64_t timeout_ns, const struct mm1_msg_type *type, void *request,
                          uint64_t mark)
{
    MM1_CHECK(ask->id == 0);
    MM1_CHECK(is_wrapper(type, &mm1_request_header_type));
    uint64_t id = mm1_next_ref(ctx) | mark;
    *ask = (struct mm1_ask){.began_ns = mm1_now(ctx), .request = type};
    struct mm1_ask_timeout over = {.id = id};
    MM1_TRY(mm1__timeout_start(ctx, timeout_ns, &mm1_ask_timeout_type, &over, &ask->timer));
    mm1_status status = watch(ctx, ask, server);
    if (status == MM1_OK) {
        struct mm1_request_header *header = request;
        *header = (struct mm1_request_header){.id = id, .reply_to = mm1_self(ctx)};
        status = mm1_send(ctx, server, type, request, NULL);
    }
    if (status != MM1_OK) {
        stop(ctx, ask, MM1__ASK_UNSENT);
        return status;
    }
    ask->id = id;
    mm1__ask_began(ctx, type);
    return MM1_OK;
}

mm1_status mm1_ask_begin_any(struct mm1_ctx *ctx, struct mm1_ask *ask, mm1_addr server,
                             uint64_t timeout_ns, const struct mm1_msg_type *type, void *request)
{
    return mm1__ask_begin(ctx, ask, server, timeout_ns, type, request, 0);
}

static enum mm1_ask_outcome take_down(struct mm1_ctx *ctx, struct mm1_ask *ask,
                                      const struct mm1_down *down)
{
    if (ask->watch != 0 && down->ref == ask->watch) {
        ask->reason = mm1_reason_of_why(&down->why);
        ask->watch = 0;
        stop(ctx, ask, MM1__ASK_DOWN);
        return MM1_ASK_DOWN;
    }
    return MM1_ASK_NOT_MINE;
}

enum mm1_ask_outcome mm1_ask_take(struct mm1_ctx *ctx, struct mm1_ask *ask,
                                  const struct mm1_envelope *envelope,
                                  const struct mm1_msg_type *response, const void **body)
{
    MM1_CHECK(mm1__is_response(response));
    MM1_ON(envelope, mm1_ask_timeout, timeout) {
        if (ask->id == 0 || timeout->id != ask->id) {
            return MM1_ASK_STALE;
        }
        ask->timer = 0;
        stop(ctx, ask, MM1__ASK_TIMED_OUT);
        return MM1_ASK_TIMEOUT;
    }
    MM1_ON(envelope, mm1_down, down) {
        return take_down(ctx, ask, down);
    }
    if (!mm1_is(envelope, response)) {
        return MM1_ASK_NOT_MINE;
    }
    const struct mm1_response_header *header = envelope->msg;
    if (ask->id == 0 || header->id != ask->id) {
        return MM1_ASK_STALE;
    }
    stop(ctx, ask, MM1__ASK_REPLIED);
    *body = (const char *)envelope->msg + response->fields[1].offset;
    return MM1_ASK_REPLY;
}

void mm1_ask_cancel(struct mm1_ctx *ctx, struct mm1_ask *ask)
{
    if (ask->id != 0) {
        stop(ctx, ask, MM1__ASK_CANCELLED);
    }
}

mm1_status mm1_reply_any(struct mm1_ctx *ctx, const struct mm1_request_header *header,
                         const struct mm1_msg_type *type, void *response)
{
    MM1_CHECK(mm1__is_response(type));
    struct mm1_response_header *answer = response;
    *answer = (struct mm1_response_header){.id = header->id};
    return mm1_send(ctx, header->reply_to, type, response, &(struct mm1_header){.priority = true});
}
