/* Ask: a request that is answered once, or ends with a timeout or with its server (ASK-01 to ASK-07). This is the form
 * for behaviours: the reply and the end of waiting arrive as messages, and mm1_ask_take recognises them. Function
 * actors wait in mm1_ask of mm1/function.h.
 *
 *     MM1_REQUEST_DECLARE(kv_get)      kv_get_request: { header, body }
 *     MM1_RESPONSE_DECLARE(kv_value)   kv_value_response: { header, body }
 *
 * in a header, with the DEFINE twins and the wire name of the body in one .c file. The server answers with
 * mm1_reply. */
#ifndef MM1_ASK_H
#define MM1_ASK_H

#include <mm1/actor.h>

#define MM1_REQUEST_HEADER_FIELDS(F) F(id, id) F(addr, reply_to)
MM1_MSG_DECLARE(mm1_request_header, MM1_REQUEST_HEADER_FIELDS)
#define MM1_RESPONSE_HEADER_FIELDS(F) F(id, id)
MM1_MSG_DECLARE(mm1_response_header, MM1_RESPONSE_HEADER_FIELDS)

/* Declares struct T_request, whose body is a struct T; and struct T_response. */
#define MM1_REQUEST_DECLARE(T)                                                                     \
    struct T##_request {                                                                           \
        struct mm1_request_header header;                                                          \
        struct T body;                                                                             \
    };                                                                                             \
    MM1_API extern const struct mm1_msg_type T##_request_type;
#define MM1_RESPONSE_DECLARE(T)                                                                    \
    struct T##_response {                                                                          \
        struct mm1_response_header header;                                                         \
        struct T body;                                                                             \
    };                                                                                             \
    MM1_API extern const struct mm1_msg_type T##_response_type;

#define MM1__WRAP_DEFINE(W, T, wire_name, header_T)                                                \
    static const struct mm1_field W##_fields[] = {{.name = "header",                               \
                                                   .kind = MM1_KIND_SUB,                           \
                                                   .sub = &header_T##_type,                        \
                                                   .offset = offsetof(struct W, header),           \
                                                   .item_size = sizeof(struct header_T)},          \
                                                  {.name = "body",                                 \
                                                   .kind = MM1_KIND_SUB,                           \
                                                   .sub = &T##_type,                               \
                                                   .offset = offsetof(struct W, body),             \
                                                   .item_size = sizeof(struct T)}};                \
    const struct mm1_msg_type W##_type = {                                                         \
        .name = wire_name, .size = sizeof(struct W), .fields = W##_fields, .field_count = 2};

/* `wire_name` is that of T, a string literal. */
#define MM1_REQUEST_DEFINE(T, wire_name)                                                           \
    MM1__WRAP_DEFINE(T##_request, T, "mm1_proto_ask::Request<" wire_name ">", mm1_request_header)
#define MM1_RESPONSE_DEFINE(T, wire_name)                                                          \
    MM1__WRAP_DEFINE(T##_response, T, "mm1_proto_ask::Response<" wire_name ">", mm1_response_header)

/* One question under way; embedded in the asker's state, zeroed when there is none. */
struct mm1_ask {
    uint64_t id;    /* 0: nothing under way */
    uint64_t timer; /* ends the waiting */
    uint64_t watch; /* of the server; 0: it is not an actor of this node */
    uint64_t began_ns;
    const struct mm1_msg_type *request; /* its type, for metrics */
    struct mm1_reason reason;           /* of MM1_ASK_DOWN: how the server ended */
};

/* Sends a request and starts waiting: `type` is a T_request type and `request` its struct, whose header is filled in
 * here. One question at a time for each struct mm1_ask. Ids are unique within a start of this actor. A server of this
 * node is watched meanwhile, whichever of its addresses is asked; an address of this node where nobody is, too.
 * Statuses of mm1_send, mm1_watch and mm1_timer_start; then nothing is under way. */
MM1_API MM1_NODISCARD mm1_status mm1_ask_begin_any(struct mm1_ctx *ctx, struct mm1_ask *ask,
                                                   mm1_addr server, uint64_t timeout_ns,
                                                   const struct mm1_msg_type *type, void *request);
/* mm1_ask_begin_any of a literal: mm1_ask_begin(ctx, &s->ask, server, timeout_ns, kv_get, .key = k). */
#define mm1_ask_begin(ctx, ask, server, timeout_ns, T, ...)                                        \
    mm1_ask_begin_any((ctx), (ask), (server), (timeout_ns), &T##_request_type,                     \
                      &(struct T##_request){.body = {__VA_ARGS__}})

enum mm1_ask_outcome {
    MM1_ASK_NOT_MINE, /* the envelope is something else: go on with it */
    MM1_ASK_STALE,    /* a reply, an end or a timeout of an earlier question: ignore it */
    MM1_ASK_REPLY, /* `*body` is the reply, a struct T of `response`'s T; nothing is under way any more */
    MM1_ASK_TIMEOUT, /* nothing is under way any more */
    /* The server ended, or is not there (reason noproc): `ask->reason`; nothing is under way any more. */
    MM1_ASK_DOWN,
};
/* Looks whether `envelope` is about a question. `response` is the T_response type that is expected. A response or
 * timeout that does not match `ask` is stale; so with several questions at once, try each: MM1_ASK_STALE of one does
 * not speak for the others. An mm1_down of another watch is not its. */
MM1_API enum mm1_ask_outcome mm1_ask_take(struct mm1_ctx *ctx, struct mm1_ask *ask,
                                          const struct mm1_envelope *envelope,
                                          const struct mm1_msg_type *response, const void **body);
/* Stops waiting; a late reply will be stale. */
MM1_API void mm1_ask_cancel(struct mm1_ctx *ctx, struct mm1_ask *ask);

/* Answers a request, on the priority lane (ASK-02). Statuses of mm1_send: an asker that is gone is no error. */
MM1_API MM1_NODISCARD mm1_status mm1_reply_any(struct mm1_ctx *ctx,
                                               const struct mm1_request_header *header,
                                               const struct mm1_msg_type *type, void *response);
/* mm1_reply_any of a literal: mm1_reply(ctx, &m->header, kv_value, .value = v). */
#define mm1_reply(ctx, request_header, T, ...)                                                     \
    mm1_reply_any((ctx), (request_header), &T##_response_type,                                     \
                  &(struct T##_response){.body = {__VA_ARGS__}})

#endif
