/* The simulated transport port: listening, dialing, sending and closing, and what faults do to connections. */
#include <stdio.h>

#include "base/order.h"
#include "sim/net.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static const struct sim_socket *at(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct sim_socket, by_handle);
}

static int compare_sockets(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(at(a)->handle, at(b)->handle);
}

static int compare_handle_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const mm1_handle *)key, at(node)->handle);
}

static struct sim_transport *transport_of(struct mm1_transport *self)
{
    return MM1_CONTAINER_OF(self, struct sim_transport, base);
}

static struct sim_socket *find(struct sim_transport *transport, mm1_handle handle)
{
    struct mm1_tree_node *node = mm1_tree_find(&transport->sockets, &handle, compare_handle_key);
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct sim_socket, by_handle);
}

static struct sim_socket *socket_new(struct sim_node_state *node, enum sim_socket_kind kind,
                                     mm1_handle handle, struct mm1_text name)
{
    struct mm1_alloc *alloc = node->world->alloc;
    struct sim_socket *socket = mm1_take_zero(alloc, sizeof(*socket));
    char *copy = mm1_take(alloc, name.size + 1);
    MM1_CHECK(socket != NULL && copy != NULL);
    if (name.size != 0) {
        memcpy(copy, name.data, name.size);
    }
    socket->kind = kind;
    socket->node = node;
    socket->handle = handle;
    socket->name = (struct mm1_text){.data = copy, .size = name.size};
    mm1_list_init(&socket->link);
    mm1_list_init(&socket->early);
    socket->arrival.host = node->host;
    (void)mm1_tree_insert(&node->transport.sockets, &socket->by_handle);
    return socket;
}

static void attempt_forget(struct sim_socket *socket)
{
    if (sim_arrival_pending(&socket->arrival)) {
        sim_arrival_remove(socket->node->world, &socket->arrival);
        socket->node->world->unrest--;
    }
}

/* The first piece of what was sent too early, taken out; null when there is none. */
static struct sim_piece *early_pop(struct sim_socket *socket)
{
    struct mm1_list *link = mm1_list_pop_front(&socket->early);
    return link == NULL ? NULL : MM1_CONTAINER_OF(link, struct sim_piece, link);
}

void sim_socket_free(struct sim_socket *socket)
{
    struct mm1_alloc *alloc = socket->node->world->alloc;
    struct sim_piece *piece;
    attempt_forget(socket);
    while ((piece = early_pop(socket)) != NULL) {
        mm1_give(alloc, piece, sizeof(*piece) + piece->size);
    }
    mm1_list_remove(&socket->link);
    mm1_tree_remove(&socket->node->transport.sockets, &socket->by_handle);
    mm1_give(alloc, (void *)(uintptr_t)socket->name.data, socket->name.size + 1);
    mm1_give(alloc, socket, sizeof(*socket));
}

static void post(struct sim_socket *socket, const struct mm1_msg_type *type, const void *msg)
{
    struct mm1_port_sink *sink = socket->node->transport.sink;
    sink->post(sink, socket->handle, false, type, msg);
}

/* Tells that a listen or dial did not succeed, and forgets it. */
static void fail(struct sim_socket *socket, mm1_status status)
{
    struct mm1_failed failed = {.handle = socket->handle,
                                .status = (uint32_t)status,
                                .reason = mm1_text_of(mm1_status_text(status))};
    struct mm1_port_sink *sink = socket->node->transport.sink;
    sim_socket_free(socket);
    sink->post(sink, failed.handle, false, &mm1_failed_type, &failed);
}

/* --- names ---------------------------------------------------------------------------------------------------- */

/* One to five digits, at most 65535. */
static bool parse_port(const char *digits, size_t count, uint32_t *port)
{
    *port = 0;
    for (size_t i = 0; i < count && i < 6; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        *port = *port * 10 + (uint32_t)(digits[i] - '0');
    }
    return count >= 1 && count <= 5 && *port <= UINT16_MAX;
}

/* The host that a name is about: of "tcp://host:port", or `own` for "uds://…". False: malformed or unknown. */
static bool host_of(const struct sim_world *world, struct mm1_text name, uint32_t own,
                    uint32_t *host, uint32_t *port)
{
    if (name.size > 6 && memcmp(name.data, "uds://", 6) == 0) {
        *host = own;
        *port = 1;
        return true;
    }
    if (name.size <= 6 || memcmp(name.data, "tcp://", 6) != 0) {
        return false;
    }
    const char *begin = name.data + 6;
    const char *colon = memchr(begin, ':', name.size - 6);
    if (colon == NULL ||
        !parse_port(colon + 1, (size_t)(name.data + name.size - colon) - 1, port)) {
        return false;
    }
    struct mm1_text part = {.data = begin, .size = (size_t)(colon - begin)};
    for (uint32_t i = 0; i < world->scenario->host_count; i++) {
        if (mm1_text_equal(part, mm1_text_of(world->hosts[i].spec->name))) {
            *host = i;
            return true;
        }
    }
    return false;
}

static struct sim_socket *listener_at(const struct sim_world *world, uint32_t host,
                                      struct mm1_text name)
{
    MM1_LIST_FOREACH(link, &world->listeners) {
        struct sim_socket *socket = MM1_CONTAINER_OF(link, struct sim_socket, link);
        if (socket->node->host->index == host && socket->failure == MM1_OK &&
            mm1_text_equal(socket->name, name)) {
            return socket;
        }
    }
    return NULL;
}

bool sim_net_cut(const struct sim_world *world, uint32_t from, uint32_t to)
{
    return world->cuts[from * world->host_capacity + to] != 0;
}

/* --- listening ------------------------------------------------------------------------------------------------ */

static void attempt_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                             struct sim_key *key)
{
    const struct sim_socket *socket = MM1_CONTAINER_OF(arrival, const struct sim_socket, arrival);
    (void)world;
    snprintf(key->text, sizeof(key->text), "%s %s %.*s", socket->node->host->spec->name,
             socket->kind == SIM_LISTENER ? "listens at" : "dials", (int)socket->name.size,
             socket->name.data);
    key->hash = XXH3_64bits_withSeed(key->text, strlen(key->text), arrival->entity);
}

static void listen_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_socket *socket = MM1_CONTAINER_OF(arrival, struct sim_socket, arrival);
    world->unrest--;
    if (socket->failure != MM1_OK) {
        fail(socket, socket->failure);
        return;
    }
    struct mm1_listening listening = {.handle = socket->handle, .name = socket->name};
    struct mm1_port_sink *sink = socket->node->transport.sink;
    mm1_status status =
        sink->post_data(sink, socket->handle, false, &mm1_listening_type, &listening);
    if (status != MM1_OK) {
        fail(socket, status);
    }
}

static const struct sim_arrival_ops listen_ops = {.arrive = listen_arrive,
                                                  .describe = attempt_describe};

static void attempt_add(struct sim_socket *socket, const struct sim_arrival_ops *ops,
                        uint64_t after_min, uint64_t after_max)
{
    struct sim_world *world = socket->node->world;
    socket->arrival.ops = ops;
    socket->arrival.entity = socket->handle;
    world->unrest++;
    sim_arrival_add(world, &socket->arrival, world->now + after_min, world->now + after_max);
}

#define LISTEN_NAME_MAX 128
#define FIRST_FREE_PORT 49152u

/* A name for who listens at port 0. */
static struct mm1_text free_name(const struct sim_node_state *node, char out[LISTEN_NAME_MAX])
{
    for (uint32_t port = FIRST_FREE_PORT;; port++) {
        (void)snprintf(out, LISTEN_NAME_MAX, "tcp://%s:%u", node->host->spec->name, port);
        if (listener_at(node->world, node->host->index, mm1_text_of(out)) == NULL) {
            return mm1_text_of(out);
        }
    }
}

static mm1_status net_listen(struct mm1_transport *self, mm1_handle handle, struct mm1_text name)
{
    struct sim_node_state *node = transport_of(self)->node;
    struct sim_world *world = node->world;
    char real[LISTEN_NAME_MAX];
    mm1_status failure = MM1_OK;
    uint32_t host;
    uint32_t port;
    if (!host_of(world, name, node->host->index, &host, &port) || host != node->host->index) {
        failure = MM1_INVALID;
    } else if (port == 0) {
        name = free_name(node, real);
    } else if (listener_at(world, host, name) != NULL) {
        failure = MM1_IN_USE;
    }
    struct sim_socket *socket = socket_new(node, SIM_LISTENER, handle, name);
    socket->failure = failure;
    mm1_list_push_back(&world->listeners, &socket->link);
    attempt_add(socket, &listen_ops, 0, MM1_NS_PER_MS);
    return MM1_OK;
}

/* --- dialing -------------------------------------------------------------------------------------------------- */

#define DIAL_RETRY_NS MM1_NS_PER_SEC
#define DIAL_LIMIT_NS (10 * MM1_NS_PER_SEC)

static const struct sim_arrival_ops dial_ops;

/* The peer did not answer: TCP tries again for a while. */
static void dial_again(struct sim_socket *socket)
{
    if (socket->node->world->now - socket->begun >= DIAL_LIMIT_NS) {
        fail(socket, MM1_TIMEOUT);
    } else {
        attempt_add(socket, &dial_ops, DIAL_RETRY_NS, 2 * DIAL_RETRY_NS);
    }
}

static void dial_accept(struct sim_world *world, struct sim_socket *dialer,
                        struct sim_socket *listener)
{
    struct mm1_port_sink *sink = listener->node->transport.sink;
    mm1_handle handle = sink->adopt(sink, listener->handle);
    struct sim_socket *accepted = socket_new(listener->node, SIM_END, handle, MM1_TEXT(""));
    struct sim_connection *connection = sim_connection_new(world, dialer, accepted);
    if (handle == 0) {
        /* The host took the connection, and the node has no memory for it. */
        sim_end_lose(connection, 1);
        sim_end_break(connection, 0);
        return;
    }
    struct mm1_accepted message = {.listener = listener->handle, .handle = handle};
    post(listener, &mm1_accepted_type, &message);
}

static void dial_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_socket *socket = MM1_CONTAINER_OF(arrival, struct sim_socket, arrival);
    uint32_t own = socket->node->host->index;
    uint32_t host;
    uint32_t port;
    world->unrest--;
    if (!host_of(world, socket->name, own, &host, &port)) {
        fail(socket, MM1_INVALID);
        return;
    }
    if (sim_net_cut(world, own, host) || sim_net_cut(world, host, own) || world->hosts[host].down ||
        world->hosts[host].paused_until > world->now) {
        dial_again(socket);
        return;
    }
    struct sim_socket *listener = listener_at(world, host, socket->name);
    if (listener == NULL) {
        fail(socket, MM1_REFUSED);
    } else {
        dial_accept(world, socket, listener);
    }
}

static const struct sim_arrival_ops dial_ops = {.arrive = dial_arrive,
                                                .describe = attempt_describe};

static mm1_status net_dial(struct mm1_transport *self, mm1_handle handle, struct mm1_text name)
{
    struct sim_node_state *node = transport_of(self)->node;
    struct sim_socket *socket = socket_new(node, SIM_DIALER, handle, name);
    uint32_t own = node->host->index;
    uint32_t host = own;
    uint32_t port;
    (void)host_of(node->world, name, own, &host, &port);
    struct sim_window latency = sim_fault_latency(node->world, own, host);
    socket->begun = node->world->now;
    attempt_add(socket, &dial_ops, latency.min_ns, latency.max_ns);
    return MM1_OK;
}

/* --- streams -------------------------------------------------------------------------------------------------- */

static void net_read(struct mm1_transport *self, mm1_handle handle, size_t size)
{
    struct sim_socket *socket = find(transport_of(self), handle);
    if (socket == NULL || socket->kind == SIM_LISTENER) {
        return;
    }
    size_t *credit = socket->kind == SIM_DIALER ? &socket->early_credit
                                                : &socket->connection->ways[socket->side].credit;
    *credit = size > SIZE_MAX - *credit ? SIZE_MAX : *credit + size;
    if (socket->kind == SIM_END) {
        sim_way_offer(&socket->connection->ways[socket->side]);
    }
}

/* True when nothing that breaks the stream is on its way yet. */
static bool goes_on(const struct sim_way *way)
{
    return mm1_list_empty(&way->pieces) ||
           !MM1_CONTAINER_OF(way->pieces.prev, const struct sim_piece, link)->ends;
}

/* Sends on a connection that stands. */
static void end_send(struct sim_socket *socket, struct mm1_bytes bytes, bool background)
{
    struct sim_connection *connection = socket->connection;
    struct sim_world *world = connection->world;
    struct sim_way *own = &connection->ways[socket->side];
    unsigned peer = 1 - socket->side;
    if (connection->ends[peer] != NULL) {
        if (bytes.size != 0) {
            sim_way_push(&connection->ways[peer], bytes, background, false, MM1_OK);
        }
    } else if (connection->lost[peer] && !connection->silent[peer] &&
               !world->hosts[connection->hosts[peer]].down && goes_on(own)) {
        /* A host that knows nothing of the connection answers with a reset. */
        sim_way_push(own, (struct mm1_bytes){.size = 0}, background, true, MM1_RESET);
    }
    sim_way_sent(own, bytes.size, background);
}

void sim_socket_flush(struct sim_socket *socket)
{
    struct sim_world *world = socket->node->world;
    struct sim_piece *piece;
    while ((piece = early_pop(socket)) != NULL) {
        world->cause = piece->cause;
        end_send(socket, (struct mm1_bytes){.data = piece->data, .size = piece->size},
                 piece->background);
        mm1_give(world->alloc, piece, sizeof(*piece) + piece->size);
    }
}

static void early_send(struct sim_socket *socket, struct mm1_bytes bytes, bool background)
{
    struct sim_world *world = socket->node->world;
    struct sim_piece *piece = mm1_take(world->alloc, sizeof(*piece) + bytes.size);
    MM1_CHECK(piece != NULL);
    *piece =
        (struct sim_piece){.cause = world->cause, .background = background, .size = bytes.size};
    if (bytes.size != 0) {
        memcpy(piece->data, bytes.data, bytes.size);
    }
    mm1_list_push_back(&socket->early, &piece->link);
}

static mm1_status net_send(struct mm1_transport *self, mm1_handle handle, struct mm1_bytes bytes,
                           bool background)
{
    struct sim_socket *socket = find(transport_of(self), handle);
    if (socket == NULL || socket->kind == SIM_LISTENER) {
        return MM1_OK;
    }
    struct sim_world *world = socket->node->world;
    world->cause = world->result->events;
    bool stands = socket->kind == SIM_END && (socket->side == 1 || socket->connection->opened);
    if (stands) {
        end_send(socket, bytes, background);
    } else {
        early_send(socket, bytes, background);
    }
    return MM1_OK;
}

static void end_close(struct sim_socket *socket)
{
    struct sim_connection *connection = socket->connection;
    unsigned side = socket->side;
    sim_socket_flush(socket);
    connection->ends[side] = NULL;
    sim_socket_free(socket);
    if (connection->ends[1 - side] != NULL && !connection->silent[side]) {
        sim_way_push(&connection->ways[1 - side], (struct mm1_bytes){.size = 0}, false, true,
                     MM1_CLOSED);
    }
    sim_connection_settle(connection);
}

static void net_close(struct mm1_transport *self, mm1_handle handle)
{
    struct sim_socket *socket = find(transport_of(self), handle);
    if (socket == NULL) {
        return;
    }
    if (socket->kind == SIM_END) {
        end_close(socket);
    } else {
        sim_socket_free(socket);
    }
}

static void net_attach(struct mm1_transport *self, struct mm1_port_sink *sink)
{
    transport_of(self)->sink = sink;
}

static const struct mm1_transport_ops transport_ops = {
    .name = "sim",
    .attach = net_attach,
    .listen = net_listen,
    .dial = net_dial,
    .read = net_read,
    .send = net_send,
    .close = net_close,
};

void sim_transport_init(struct sim_node_state *node)
{
    node->transport = (struct sim_transport){
        .base = {.ops = &transport_ops}, .node = node, .sockets = MM1_TREE(compare_sockets)};
}

/* --- faults --------------------------------------------------------------------------------------------------- */

void sim_net_lose_host(struct sim_world *world, uint32_t host, bool peers_see_reset)
{
    MM1_LIST_FOREACH(link, &world->connections) {
        struct sim_connection *connection = MM1_CONTAINER_OF(link, struct sim_connection, link);
        for (unsigned side = 0; side < 2; side++) {
            if (connection->hosts[side] == host) {
                sim_end_lose(connection, side);
            } else if (connection->hosts[1 - side] == host && peers_see_reset) {
                sim_end_break(connection, side);
            }
        }
        sim_connection_settle(connection);
    }
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        struct sim_node_state *node = &world->nodes[i];
        if (node->host->index == host) {
            MM1_TREE_FOREACH(tree_node, &node->transport.sockets) {
                sim_socket_free(MM1_CONTAINER_OF(tree_node, struct sim_socket, by_handle));
            }
        }
    }
}

void sim_net_reset(struct sim_world *world, uint32_t a, uint32_t b)
{
    MM1_LIST_FOREACH(link, &world->connections) {
        struct sim_connection *connection = MM1_CONTAINER_OF(link, struct sim_connection, link);
        if ((connection->hosts[0] == a && connection->hosts[1] == b) ||
            (connection->hosts[0] == b && connection->hosts[1] == a)) {
            sim_end_break(connection, 0);
            sim_end_break(connection, 1);
        }
    }
}

void sim_net_half_open(struct sim_world *world, uint32_t a, uint32_t b)
{
    MM1_LIST_FOREACH(link, &world->connections) {
        struct sim_connection *connection = MM1_CONTAINER_OF(link, struct sim_connection, link);
        for (unsigned side = 0; side < 2; side++) {
            struct sim_socket *end = connection->ends[side];
            if (connection->hosts[side] == b && connection->hosts[1 - side] == a && end != NULL) {
                /* b hears of it as of any break; a's bytes meet nobody who would answer. */
                sim_end_break(connection, side);
                connection->silent[side] = true;
            }
        }
    }
}

void sim_net_recut(struct sim_world *world)
{
    MM1_LIST_FOREACH(link, &world->connections) {
        struct sim_connection *connection = MM1_CONTAINER_OF(link, struct sim_connection, link);
        sim_way_offer(&connection->ways[0]);
        sim_way_offer(&connection->ways[1]);
    }
}

void sim_net_leave(struct sim_node_state *node)
{
    MM1_TREE_FOREACH(tree_node, &node->transport.sockets) {
        net_close(&node->transport.base, at(tree_node)->handle);
    }
}

void sim_net_close(struct sim_world *world)
{
    for (uint32_t host = 0; host < world->scenario->host_count; host++) {
        sim_net_lose_host(world, host, false);
    }
    MM1_CHECK(mm1_list_empty(&world->connections));
    MM1_CHECK(mm1_list_empty(&world->listeners));
}
