/* Ask: requests with a timeout, replies, and what is recognised as neither. */
#include <mm1/ask.h>

#include "kit/ask_messages.h"

MM1_MSG_DEFINE(mm1_request_header, "mm1_proto_ask::RequestHeader", MM1_REQUEST_HEADER_FIELDS)
MM1_MSG_DEFINE(mm1_response_header, "mm1_proto_ask::ResponseHeader", MM1_RESPONSE_HEADER_FIELDS)
MM1_MSG_DEFINE(mm1_ask_timeout, "mm1_local::AskTimeout", MM1_ASK_TIMEOUT_FIELDS)

/* Header and body of what MM1_REQUEST_DEFINE and MM1_RESPONSE_DEFINE wrap. */
static bool is_wrapper(const struct mm1_msg_type *type, const struct mm1_msg_type *header)
{
    return type->field_count == 2 && type->fields[0].sub == header && type->fields[0].offset == 0;
}

mm1_status mm1_ask_any(struct mm1_ctx *ctx, struct mm1_ask *ask, mm1_addr server,
                       uint64_t timeout_ns, const struct mm1_msg_type *type, void *request)
{
    MM1_CHECK(ask->id == 0);
    MM1_CHECK(is_wrapper(type, &mm1_request_header_type));
    uint64_t id = mm1_next_ref(ctx);
    uint64_t timer;
    MM1_TRY(mm1_after(ctx, timeout_ns, &timer, mm1_ask_timeout, .id = id));
    struct mm1_request_header *header = request;
    *header = (struct mm1_request_header){.id = id, .reply_to = mm1_self(ctx)};
    mm1_status status = mm1_send(ctx, server, type, request, NULL);
    if (status != MM1_OK) {
        (void)mm1_timer_cancel(ctx, timer);
        return status;
    }
    *ask = (struct mm1_ask){.id = id, .timer = timer};
    return MM1_OK;
}

enum mm1_ask_outcome mm1_ask_take(struct mm1_ctx *ctx, struct mm1_ask *ask,
                                  const struct mm1_envelope *envelope,
                                  const struct mm1_msg_type *response, const void **body)
{
    MM1_CHECK(is_wrapper(response, &mm1_response_header_type));
    MM1_ON(envelope, mm1_ask_timeout, timeout) {
        if (ask->id == 0 || timeout->id != ask->id) {
            return MM1_ASK_STALE;
        }
        *ask = (struct mm1_ask){0};
        return MM1_ASK_TIMEOUT;
    }
    if (!mm1_is(envelope, response)) {
        return MM1_ASK_NOT_MINE;
    }
    const struct mm1_response_header *header = envelope->msg;
    if (ask->id == 0 || header->id != ask->id) {
        return MM1_ASK_STALE;
    }
    mm1_ask_cancel(ctx, ask);
    *body = (const char *)envelope->msg + response->fields[1].offset;
    return MM1_ASK_REPLY;
}

void mm1_ask_cancel(struct mm1_ctx *ctx, struct mm1_ask *ask)
{
    if (ask->id != 0) {
        (void)mm1_timer_cancel(ctx, ask->timer);
        *ask = (struct mm1_ask){0};
    }
}

mm1_status mm1_reply_any(struct mm1_ctx *ctx, const struct mm1_request_header *header,
                         const struct mm1_msg_type *type, void *response)
{
    MM1_CHECK(is_wrapper(type, &mm1_response_header_type));
    struct mm1_response_header *answer = response;
    *answer = (struct mm1_response_header){.id = header->id};
    return mm1_send(ctx, header->reply_to, type, response, &(struct mm1_header){.priority = true});
}
