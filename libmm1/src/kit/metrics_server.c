/* The actor that serves the metrics of its node over HTTP: one answer for each connection, then it is closed. */
#include <stdio.h>

#include <mm1/metrics.h>

#include "base/order.h"
#include "base/tree.h"
#include "kit/http_get.h"
#include "kit/metrics_messages.h"

MM1_MSG_DEFINE(mm1_metrics_config, "mm1_local::metrics::Config", MM1_METRICS_CONFIG_FIELDS)
MM1_MSG_DEFINE(mm1_metrics_slow, "mm1_local::metrics::Slow", MM1_METRICS_SLOW_FIELDS)

/* Connections at a time; more are closed at once. */
#define PEERS_MAX 64
/* How long a peer may take to ask. */
#define PEER_NS (10 * MM1_NS_PER_SEC)

#define TYPE_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_PLAIN "text/plain; charset=utf-8"

struct peer {
    struct mm1_tree_node node; /* by handle */
    mm1_handle handle;
    uint64_t timer;
    struct mm1_buf head; /* of its request, as far as it is in */
};

struct server {
    struct mm1_alloc *alloc;
    mm1_handle listener;
    struct mm1_tree peers;
};

/* --- peers ---------------------------------------------------------------------------------------------------- */

static struct peer *peer_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct peer, node);
}

static int compare_peers(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(peer_of(a)->handle, peer_of(b)->handle);
}

static int compare_peer_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const mm1_handle *)key, peer_of(node)->handle);
}

static struct peer *find_peer(const struct server *server, mm1_handle handle)
{
    struct mm1_tree_node *node = mm1_tree_find(&server->peers, &handle, compare_peer_key);
    return node == NULL ? NULL : peer_of(node);
}

static void free_peer(struct server *server, struct peer *peer)
{
    mm1_tree_remove(&server->peers, &peer->node);
    mm1_buf_close(&peer->head);
    mm1_give(server->alloc, peer, sizeof(*peer));
}

static void drop_peer(struct mm1_ctx *ctx, struct server *server, struct peer *peer)
{
    (void)mm1_timer_cancel(ctx, peer->timer);
    mm1_net_close(ctx, peer->handle);
    free_peer(server, peer);
}

/* Anything but MM1_OK: the peer is to be dropped. */
static mm1_status begin_peer(struct mm1_ctx *ctx, struct peer *peer)
{
    struct mm1_timer_spec spec = {
        .after_ns = PEER_NS,
        .type = &mm1_metrics_slow_type,
        .msg = &(struct mm1_metrics_slow){.handle = peer->handle},
        .background = true,
    };
    MM1_TRY(mm1_net_accept(ctx, peer->handle));
    MM1_TRY(mm1_timer_start(ctx, &spec, &peer->timer));
    return mm1_net_read(ctx, peer->handle, MM1__HTTP_HEAD_MAX);
}

static void take_in(struct mm1_ctx *ctx, struct server *server, mm1_handle handle)
{
    bool room = mm1_tree_count(&server->peers) < PEERS_MAX;
    struct peer *peer = room ? mm1_take(server->alloc, sizeof(*peer)) : NULL;
    if (peer == NULL) {
        mm1_log(ctx, MM1_LOG_WARN, "metrics: a peer is turned away: %s",
                room ? "out of memory" : "too many at a time");
        if (mm1_net_accept(ctx, handle) == MM1_OK) { /* else it is gone */
            mm1_net_close(ctx, handle);
        }
        return;
    }
    *peer = (struct peer){.handle = handle, .head = MM1_BUF(server->alloc)};
    (void)mm1_tree_insert(&server->peers, &peer->node);
    if (begin_peer(ctx, peer) != MM1_OK) {
        drop_peer(ctx, server, peer);
    }
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static const char *code_text(int code)
{
    switch (code) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    default:
        return "Service Unavailable";
    }
}

static mm1_status put_head(struct mm1_buf *out, int code, const char *type, size_t size)
{
    return mm1_buf_format(out,
                          "HTTP/1.1 %d %s\r\n"
                          "Content-Type: %s\r\n"
                          "Content-Length: %llu\r\n"
                          "%s"
                          "Connection: close\r\n"
                          "\r\n",
                          code, code_text(code), type, (unsigned long long)size,
                          code == 405 ? "Allow: GET\r\n" : "");
}

static mm1_status send_metrics(struct mm1_ctx *ctx, mm1_handle handle, struct mm1_buf *head,
                               struct mm1_buf *text)
{
    MM1_TRY(mm1_metrics_print(ctx, text));
    MM1_TRY(put_head(head, 200, TYPE_METRICS, text->size));
    MM1_TRY(mm1_buf_append(head, text->data, text->size));
    return mm1_net_send(ctx, handle, mm1_buf_bytes(head));
}

/* Of a memory so short that not even the refusal can be sent, the peer learns by the end of its connection. */
static void send_error(struct mm1_ctx *ctx, mm1_handle handle, int code, struct mm1_buf *head)
{
    char line[64];
    int size = snprintf(line, sizeof(line), "%d %s\n", code, code_text(code));
    mm1_buf_clear(head);
    mm1_status status = put_head(head, code, TYPE_PLAIN, (size_t)size);
    if (status == MM1_OK) {
        status = mm1_buf_append(head, line, (size_t)size);
    }
    if (status == MM1_OK) {
        status = mm1_net_send(ctx, handle, mm1_buf_bytes(head));
    }
    if (status != MM1_OK) {
        mm1_log(ctx, MM1_LOG_WARN, "metrics: no answer: %s", mm1_status_text(status));
    }
}

static void answer(struct mm1_ctx *ctx, struct server *server, struct peer *peer, int code)
{
    struct mm1_buf head = MM1_BUF(server->alloc);
    struct mm1_buf text = MM1_BUF(server->alloc);
    if (code == 200 && send_metrics(ctx, peer->handle, &head, &text) != MM1_OK) {
        code = 503;
    }
    if (code != 200) {
        send_error(ctx, peer->handle, code, &head);
    }
    mm1_buf_close(&text);
    mm1_buf_close(&head);
    drop_peer(ctx, server, peer);
}

static void hear(struct mm1_ctx *ctx, struct server *server, const struct mm1_received *received)
{
    struct peer *peer = find_peer(server, received->handle);
    if (peer == NULL) {
        return;
    }
    if (mm1_buf_append(&peer->head, received->data.data, received->data.size) != MM1_OK) {
        answer(ctx, server, peer, 503);
        return;
    }
    int code = mm1__http_get(mm1_buf_bytes(&peer->head), MM1_TEXT("/metrics"));
    if (code != 0) {
        answer(ctx, server, peer, code);
    }
}

/* --- the actor ------------------------------------------------------------------------------------------------ */

static mm1_status server_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct server *server = state;
    const struct mm1_metrics_config *config = arg;
    server->alloc = mm1_ctx_alloc(ctx);
    server->peers = MM1_TREE(compare_peers);
    if (config == NULL) {
        return MM1_INVALID;
    }
    if (!mm1_metrics_on(ctx)) {
        mm1_log(ctx, MM1_LOG_ERROR, "metrics: this node does not count");
        return MM1_NOT_FOUND;
    }
    return mm1_net_listen(ctx, config->addr, &server->listener);
}

static void give_up(struct mm1_ctx *ctx, uint32_t status, struct mm1_text reason)
{
    mm1_log(ctx, MM1_LOG_ERROR, "metrics: cannot listen: %.*s", (int)reason.size, reason.data);
    mm1_quit(ctx, mm1_reason_error((int32_t)status, "metrics: cannot listen"));
}

static void end_of(struct mm1_ctx *ctx, struct server *server, const struct mm1_ended *ended)
{
    struct peer *peer = find_peer(server, ended->handle);
    if (peer != NULL) {
        drop_peer(ctx, server, peer);
    } else if (ended->handle == server->listener) {
        give_up(ctx, ended->status, mm1_text_of(mm1_status_text((mm1_status)ended->status)));
    }
}

static mm1_status server_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct server *server = state;
    MM1_ON(envelope, mm1_accepted, m) {
        take_in(ctx, server, m->handle);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_received, m) {
        hear(ctx, server, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_ended, m) {
        end_of(ctx, server, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_metrics_slow, m) {
        struct peer *peer = find_peer(server, m->handle);
        if (peer != NULL) {
            drop_peer(ctx, server, peer);
        }
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_listening, m) {
        mm1_log(ctx, MM1_LOG_INFO, "metrics at %.*s", (int)m->name.size, m->name.data);
        mm1_init_done(ctx, mm1_self(ctx));
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_failed, m) {
        give_up(ctx, m->status, m->reason);
        return MM1_OK;
    }
    return mm1_is(envelope, &mm1_sent_type) ? MM1_OK : mm1_unhandled(ctx, envelope);
}

static void server_fini(void *state)
{
    struct server *server = state;
    MM1_TREE_FOREACH(node, &server->peers) {
        free_peer(server, peer_of(node));
    }
}

const struct mm1_behaviour mm1_metrics_server = {
    .name = "metrics",
    .state_size = sizeof(struct server),
    .init = server_init,
    .receive = server_receive,
    .fini = server_fini,
};
