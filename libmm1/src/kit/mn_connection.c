/* The actor of one connection to a peer: handshake, declarations, heartbeat, and messages both ways.
 *
 * What arrives for another address than its own was sent to the peer and goes out (an ingress forwards it). */
#include <stdio.h>

#include <mm1/multinode.h>

#include "kit/mn_actors.h"
#include "kit/mn_foreign.h"
#include "kit/mn_session.h"

#define CREDIT ((size_t)256 * 1024)
/* bytes that the peer has not taken; beyond, messages are dropped */
#define UNSENT_MAX ((size_t)4 * 1024 * 1024)

struct connection {
    struct mm1_mn_copy endpoint; /* mm1_mn_endpoint */
    mm1_handle handle;
    struct mm1_mn_session session;
    struct mm1_mn_foreign foreign;
    struct mm1_buf routes; /* struct mm1_mn_route: what the piece at hand says */
    struct mm1_buf out;    /* the frames being made */
    uint64_t heard_ns;     /* when the peer was last heard; before that, when this actor began */
    uint64_t unsent;
    size_t credit;
    bool introduced; /* Done, declarations and distances are out */
    bool over;       /* the end is decided */
};

static const struct mm1_mn_endpoint *endpoint_of(const struct connection *c)
{
    return c->endpoint.msg;
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static void log_peer(struct mm1_ctx *ctx, const struct connection *c, enum mm1_log_level level,
                     const char *what)
{
    struct mm1_text name = endpoint_of(c)->name;
    if (name.size == 0) {
        mm1_log(ctx, level, "connection with a peer that dialed %s", what);
    } else {
        mm1_log(ctx, level, "connection with the peer at %.*s %s", (int)name.size, name.data, what);
    }
}

/* Ends this connection, and nothing else: whoever dialed dials again. */
static void give_up(struct mm1_ctx *ctx, struct connection *c, enum mm1_log_level level,
                    mm1_status status, const char *why)
{
    if (c->over) {
        return;
    }
    c->over = true;
    char what[128];
    snprintf(what, sizeof(what), "ended: %s", why);
    log_peer(ctx, c, level, what);
    mm1_net_close(ctx, c->handle);
    mm1_quit(ctx, mm1_reason_error((int32_t)status, why));
}

/* --- out ------------------------------------------------------------------------------------------------------ */

static mm1_status put_pdu(struct connection *c, const struct mm1_mn_pdu *pdu)
{
    uint8_t header[MM1_MN_HEADER];
    mm1__mn_encode(pdu, header);
    return mm1_buf_append(&c->out, header, sizeof(header));
}

static mm1_status put_negotiation(struct connection *c, enum mm1_mn_negotiation_tag tag,
                                  struct mm1_text cookie)
{
    struct mm1_mn_negotiation frame = {.tag = tag, .size = (uint16_t)cookie.size};
    uint8_t bytes[MM1_MN_NEGOTIATION];
    mm1__mn_negotiation_encode(&frame, bytes);
    MM1_TRY(mm1_buf_append(&c->out, bytes, sizeof(bytes)));
    return mm1_buf_append(&c->out, cookie.data, cookie.size);
}

static struct mm1_mn_key key_of(size_t index)
{
    return (struct mm1_mn_key){.idx = (uint32_t)index + 1, .version = 1};
}

static mm1_status put_declarations(struct mm1_ctx *ctx, struct connection *c)
{
    const struct mm1_msg_registry *types = mm1_types(ctx);
    for (size_t i = 0; i < types->count; i++) {
        if (!mm1__mn_shared(types->types[i])) {
            continue;
        }
        struct mm1_text name = mm1_text_of(types->types[i]->name);
        struct mm1_mn_pdu pdu = {
            .tag = MM1_MN_DECLARE_TYPE, .key = key_of(i), .declare = {.size = (uint16_t)name.size}};
        MM1_TRY(put_pdu(c, &pdu));
        MM1_TRY(mm1_buf_append(&c->out, name.data, name.size));
    }
    return MM1_OK;
}

static mm1_status put_distances(struct mm1_ctx *ctx, struct connection *c)
{
    const struct mm1_msg_registry *types = mm1_types(ctx);
    const struct mm1_mn_endpoint *endpoint = endpoint_of(c);
    for (size_t i = 0; i < types->count; i++) {
        for (size_t k = 0; k < endpoint->locals.count && mm1__mn_shared(types->types[i]); k++) {
            struct mm1_mn_pdu pdu = {
                .tag = MM1_MN_SUBNET_DISTANCE,
                .key = key_of(i),
                .distance = {.net = endpoint->locals.items[k], .some = true, .metric = 0},
            };
            MM1_TRY(put_pdu(c, &pdu));
        }
    }
    return MM1_OK;
}

/* Hands what lies in `out` to the transport. A handle that is gone is no error: its end is in the queue. */
static mm1_status flush(struct mm1_ctx *ctx, struct connection *c)
{
    struct mm1_bytes bytes = mm1_buf_bytes(&c->out);
    mm1_status status = mm1_net_send(ctx, c->handle, bytes);
    if (status == MM1_OK) {
        c->unsent += bytes.size;
    }
    mm1_buf_clear(&c->out);
    return status == MM1_NOT_FOUND ? MM1_OK : status;
}

static mm1_status say_hello(struct mm1_ctx *ctx, struct connection *c)
{
    bool trusted = endpoint_of(c)->cookie.size == 0;
    struct mm1_mn_pdu pdu = {.tag = MM1_MN_HELLO,
                             .hello = {.auth = trusted ? MM1_MN_TRUSTED : MM1_MN_COOKIE}};
    MM1_TRY(put_pdu(c, &pdu));
    return flush(ctx, c);
}

static mm1_status say_cookie(struct mm1_ctx *ctx, struct connection *c)
{
    if (endpoint_of(c)->cookie.size == 0) {
        return MM1_OK;
    }
    MM1_TRY(put_negotiation(c, MM1_MN_NEG_COOKIE, endpoint_of(c)->cookie));
    return flush(ctx, c);
}

static mm1_status say_keep_alive(struct mm1_ctx *ctx, struct connection *c)
{
    MM1_TRY(put_pdu(c, &(struct mm1_mn_pdu){.tag = MM1_MN_KEEP_ALIVE}));
    return flush(ctx, c);
}

/* The peer is who it should be: Done, and all that this node takes. */
static mm1_status introduce(struct mm1_ctx *ctx, struct connection *c)
{
    MM1_TRY(put_negotiation(c, MM1_MN_NEG_DONE, (struct mm1_text){0}));
    MM1_TRY(put_declarations(ctx, c));
    MM1_TRY(put_distances(ctx, c));
    MM1_TRY(say_keep_alive(ctx, c));
    c->introduced = true;
    return MM1_OK;
}

static void log_dropped(struct mm1_ctx *ctx, const char *type, mm1_addr to, const char *why)
{
    char text[MM1_ADDR_TEXT_MAX];
    mm1_addr_print(to, text);
    mm1_log(ctx, MM1_LOG_WARN, "a %s for %s is dropped: %s", type, text, why);
}

/* Header and body of an outgoing message into `out`. MM1_TOO_LARGE: more than a frame holds. */
static mm1_status put_message(struct connection *c, const struct mm1_envelope *envelope,
                              uint32_t type)
{
    mm1_buf_clear(&c->out);
    MM1_TRY(mm1_buf_reserve(&c->out, MM1_MN_HEADER));
    c->out.size = MM1_MN_HEADER;
    MM1_TRY(mm1_msg_encode(envelope->type, envelope->msg, &c->out));
    size_t size = c->out.size - MM1_MN_HEADER;
    if (size > MM1_MN_BODY_MAX) {
        return MM1_TOO_LARGE;
    }
    struct mm1_mn_pdu pdu = {
        .tag = MM1_MN_TRANSMIT,
        .key = key_of(type),
        .transmit = {.dst = envelope->to,
                     .trace_id = envelope->trace_id,
                     .no = envelope->no,
                     .size = (uint16_t)size,
                     .ttl = (uint8_t)(envelope->ttl - 1),
                     .priority = envelope->priority},
    };
    mm1__mn_encode(&pdu, c->out.data);
    return MM1_OK;
}

static mm1_status transmit(struct mm1_ctx *ctx, struct connection *c,
                           const struct mm1_envelope *envelope)
{
    const char *name = envelope->type->name;
    uint32_t type;
    if (!c->introduced || !mm1__mn_index(mm1_types(ctx), mm1_text_of(name), &type)) {
        log_dropped(ctx, name, envelope->to, "this connection does not carry it");
        return MM1_OK;
    }
    if (envelope->ttl == 0) {
        log_dropped(ctx, name, envelope->to, mm1_status_text(MM1_TTL_EXHAUSTED));
        return MM1_OK;
    }
    if (c->unsent > UNSENT_MAX) {
        log_dropped(ctx, name, envelope->to, "the peer does not read");
        return MM1_OK;
    }
    mm1_status status = put_message(c, envelope, type);
    if (status == MM1_OK) {
        status = flush(ctx, c);
    }
    if (status != MM1_OK) {
        log_dropped(ctx, name, envelope->to,
                    status == MM1_TOO_LARGE ? "more than 65535 bytes" : mm1_status_text(status));
        mm1_buf_close(&c->out);
    }
    return MM1_OK;
}

/* --- in ------------------------------------------------------------------------------------------------------- */

static void take_declaration(struct mm1_ctx *ctx, struct connection *c,
                             const struct mm1_mn_event *event)
{
    struct mm1_text name = {.data = (const char *)event->body.data, .size = event->body.size};
    uint32_t type;
    if (!mm1__mn_index(mm1_types(ctx), name, &type)) {
        type = MM1_MN_NO_TYPE;
    }
    mm1_status status = mm1__mn_foreign_add(&c->foreign, event->pdu.key, type, name);
    if (status == MM1_CONFLICT) {
        give_up(ctx, c, MM1_LOG_WARN, MM1_MALFORMED, "a type declared twice");
    } else if (status != MM1_OK) {
        give_up(ctx, c, MM1_LOG_WARN, status, "no room for the types it declares");
    }
}

static void take_distance(struct mm1_ctx *ctx, struct connection *c, const struct mm1_mn_pdu *pdu)
{
    const struct mm1_mn_foreign_type *foreign = mm1__mn_foreign_find(&c->foreign, pdu->key);
    if (foreign == NULL) {
        give_up(ctx, c, MM1_LOG_WARN, MM1_UNKNOWN_TYPE,
                "a distance for a type that it did not declare");
        return;
    }
    if (foreign->type == MM1_MN_NO_TYPE) {
        return;
    }
    struct mm1_mn_route route = {
        .net = {.addr = mm1_net_first(pdu->distance.net), .mask = pdu->distance.net.mask},
        .type = foreign->type,
        .metric = MM1_MN_UNREACHABLE,
    };
    if (pdu->distance.some && pdu->distance.metric < MM1_MN_UNREACHABLE) {
        route.metric = (uint8_t)(pdu->distance.metric + 1);
    }
    mm1_status status = mm1_buf_append(&c->routes, &route, sizeof(route));
    if (status != MM1_OK) {
        give_up(ctx, c, MM1_LOG_WARN, status, "no memory for its routes");
    }
}

static bool is_local(const struct connection *c, mm1_addr addr)
{
    const struct mm1_mn_endpoint *endpoint = endpoint_of(c);
    for (size_t i = 0; i < endpoint->locals.count; i++) {
        if (mm1_net_contains(endpoint->locals.items[i], addr)) {
            return true;
        }
    }
    return false;
}

/* Decodes a body that was checked, and sends it on to an actor of this node. */
static void deliver(struct mm1_ctx *ctx, const struct mm1_mn_event *event,
                    const struct mm1_msg_type *type, size_t size)
{
    struct mm1_alloc *alloc = mm1_ctx_alloc(ctx);
    void *block = mm1_take(alloc, size);
    if (block == NULL) {
        log_dropped(ctx, type->name, event->pdu.transmit.dst, mm1_status_text(MM1_NOMEM));
        return;
    }
    mm1_msg_decode(type, event->body, mm1_types(ctx), block);
    struct mm1_header header = {
        .trace_id = event->pdu.transmit.trace_id,
        .no = event->pdu.transmit.no,
        .ttl = event->pdu.transmit.ttl,
        .priority = event->pdu.transmit.priority,
    };
    mm1_status status = mm1_send(ctx, event->pdu.transmit.dst, type, block, &header);
    mm1_give(alloc, block, size);
    if (status != MM1_OK) {
        log_dropped(ctx, type->name, event->pdu.transmit.dst, mm1_status_text(status));
    }
}

static void take_message(struct mm1_ctx *ctx, struct connection *c,
                         const struct mm1_mn_event *event)
{
    mm1_addr to = event->pdu.transmit.dst;
    struct mm1_mn_foreign_type *foreign = mm1__mn_foreign_find(&c->foreign, event->pdu.key);
    if (foreign == NULL) {
        give_up(ctx, c, MM1_LOG_WARN, MM1_UNKNOWN_TYPE,
                "a message of a type that it did not declare");
        return;
    }
    if (foreign->type == MM1_MN_NO_TYPE) {
        if (!foreign->noted) {
            foreign->noted = true;
            mm1_log(ctx, MM1_LOG_WARN,
                    "messages of the type %.*s are dropped: this node does not know it",
                    (int)foreign->name_size, foreign->name);
        }
        return;
    }
    const struct mm1_msg_type *type = mm1_types(ctx)->types[foreign->type];
    if (!is_local(c, to)) {
        log_dropped(ctx, type->name, to, "this node passes nothing on for others");
        return;
    }
    size_t size;
    mm1_status status = mm1_msg_decoded_size(type, event->body, mm1_types(ctx), &size);
    if (status != MM1_OK) {
        mm1_log(ctx, MM1_LOG_WARN, "the body of a %s: %s", type->name, mm1_status_text(status));
        give_up(ctx, c, MM1_LOG_WARN, status, "a message that cannot be read");
        return;
    }
    if (event->pdu.transmit.ttl == 0) {
        log_dropped(ctx, type->name, to, mm1_status_text(MM1_TTL_EXHAUSTED));
        return;
    }
    deliver(ctx, event, type, size);
}

static void take_event(struct mm1_ctx *ctx, struct connection *c, const struct mm1_mn_event *event)
{
    mm1_status status = MM1_OK;
    switch (event->kind) {
    case MM1_MN_MORE:
        break;
    case MM1_MN_UP:
        log_peer(ctx, c, MM1_LOG_INFO, "is up");
        break;
    case MM1_MN_WELCOME:
        status = say_cookie(ctx, c);
        break;
    case MM1_MN_VERIFIED:
        status = introduce(ctx, c);
        break;
    case MM1_MN_PDU:
        if (event->pdu.tag == MM1_MN_DECLARE_TYPE) {
            take_declaration(ctx, c, event);
        } else if (event->pdu.tag == MM1_MN_SUBNET_DISTANCE) {
            take_distance(ctx, c, &event->pdu);
        } else if (event->pdu.tag == MM1_MN_TRANSMIT) {
            take_message(ctx, c, event);
        }
        break;
    }
    if (status != MM1_OK) {
        give_up(ctx, c, MM1_LOG_WARN, status, "its answer could not be sent");
    }
}

static void report_routes(struct mm1_ctx *ctx, struct connection *c)
{
    struct mm1_mn_routes message = {
        .gateway = mm1_self(ctx),
        .routes = {.items = (const struct mm1_mn_route *)(const void *)c->routes.data,
                   .count = c->routes.size / sizeof(struct mm1_mn_route)},
    };
    mm1_status status = mm1_send(ctx, endpoint_of(c)->manager, &mm1_mn_routes_type, &message,
                                 &(struct mm1_header){.priority = true});
    mm1_buf_close(&c->routes);
    if (status != MM1_OK) {
        give_up(ctx, c, MM1_LOG_WARN, status, "its routes could not be kept");
    }
}

static mm1_status take_bytes(struct mm1_ctx *ctx, struct connection *c, struct mm1_bytes data)
{
    c->heard_ns = mm1_now(ctx);
    mm1__mn_session_feed(&c->session, data);
    while (!c->over) {
        struct mm1_mn_event event;
        mm1_status status = mm1__mn_session_next(&c->session, &event);
        if (status != MM1_OK) {
            give_up(ctx, c, MM1_LOG_WARN, status, c->session.why);
        } else if (event.kind == MM1_MN_MORE) {
            break;
        } else {
            take_event(ctx, c, &event);
        }
    }
    if (!c->over && c->routes.size != 0) {
        report_routes(ctx, c);
    }
    c->credit -= data.size < c->credit ? data.size : c->credit;
    if (!c->over && c->credit < CREDIT / 2) {
        size_t more = CREDIT - c->credit;
        c->credit = CREDIT;
        mm1_status status = mm1_net_read(ctx, c->handle, more);
        return status == MM1_NOT_FOUND ? MM1_OK : status;
    }
    return MM1_OK;
}

/* --- life ----------------------------------------------------------------------------------------------------- */

static mm1_status start_heartbeat(struct mm1_ctx *ctx)
{
    struct mm1_mn_tick message = {0};
    struct mm1_timer_spec spec = {
        .after_ns = MM1_MULTINODE_KEEP_ALIVE_NS,
        .every_ns = MM1_MULTINODE_KEEP_ALIVE_NS,
        .type = &mm1_mn_tick_type,
        .msg = &message,
        .background = true,
    };
    uint64_t timer;
    return mm1_timer_start(ctx, &spec, &timer);
}

static mm1_status tick(struct mm1_ctx *ctx, struct connection *c)
{
    if (mm1_now(ctx) - c->heard_ns >= MM1_MULTINODE_SILENCE_NS) {
        give_up(ctx, c, MM1_LOG_WARN, MM1_TIMEOUT, "nothing was heard for 5 s");
    } else if (c->introduced) {
        return say_keep_alive(ctx, c);
    }
    return MM1_OK;
}

/* The stream stands: both sides speak at once. */
static mm1_status begin(struct mm1_ctx *ctx, struct connection *c)
{
    c->credit = CREDIT;
    MM1_TRY(mm1_net_read(ctx, c->handle, CREDIT));
    return say_hello(ctx, c);
}

static mm1_status connection_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct connection *c = state;
    struct mm1_alloc *alloc = mm1_ctx_alloc(ctx);
    mm1__mn_foreign_init(&c->foreign, alloc);
    c->routes = MM1_BUF(alloc);
    c->out = MM1_BUF(alloc);
    mm1__mn_session_init(&c->session, alloc, (struct mm1_text){0});
    MM1_TRY(mm1__mn_copy_set(&c->endpoint, alloc, &mm1_mn_endpoint_type, arg));
    c->session.cookie = endpoint_of(c)->cookie;
    c->heard_ns = mm1_now(ctx);
    MM1_TRY(start_heartbeat(ctx));
    if (endpoint_of(c)->name.size != 0) {
        return mm1_net_dial(ctx, endpoint_of(c)->name, &c->handle);
    }
    c->handle = endpoint_of(c)->handle;
    MM1_TRY(mm1_net_accept(ctx, c->handle));
    return begin(ctx, c);
}

static mm1_status connection_receive(struct mm1_ctx *ctx, void *state,
                                     const struct mm1_envelope *envelope)
{
    struct connection *c = state;
    if (!mm1_addr_equal(envelope->to, mm1_self(ctx))) {
        return transmit(ctx, c, envelope);
    }
    MM1_ON(envelope, mm1_sent, sent) {
        c->unsent -= sent->size < c->unsent ? sent->size : c->unsent;
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_received, received) {
        return take_bytes(ctx, c, received->data);
    }
    MM1_ON(envelope, mm1_mn_tick, message) {
        return tick(ctx, c);
    }
    MM1_ON(envelope, mm1_connected, connected) {
        return begin(ctx, c);
    }
    MM1_ON(envelope, mm1_failed, failed) {
        give_up(ctx, c, MM1_LOG_DEBUG, (mm1_status)failed->status,
                mm1_status_text((mm1_status)failed->status));
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_ended, ended) {
        give_up(ctx, c, MM1_LOG_INFO, (mm1_status)ended->status,
                mm1_status_text((mm1_status)ended->status));
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static void connection_fini(void *state)
{
    struct connection *c = state;
    mm1__mn_session_close(&c->session);
    mm1__mn_foreign_close(&c->foreign);
    mm1_buf_close(&c->routes);
    mm1_buf_close(&c->out);
    mm1__mn_copy_close(&c->endpoint);
}

const struct mm1_behaviour mm1__mn_connection = {
    .name = "mn_connection",
    .state_size = sizeof(struct connection),
    .init = connection_init,
    .receive = connection_receive,
    .fini = connection_fini,
};
