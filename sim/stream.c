/* Streams: pieces on their way between the two ends of a connection, in order, cut where the run chooses. */
#include <stdio.h>

#include "sim/net.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct sim_world *world_of(const struct sim_way *way)
{
    return way->connection->world;
}

static uint32_t from_host(const struct sim_way *way)
{
    return way->connection->hosts[1 - way->side];
}

static uint32_t to_host(const struct sim_way *way)
{
    return way->connection->hosts[way->side];
}

static void describe(const struct sim_world *world, uint64_t entity, const char *verb,
                     uint32_t from, uint32_t to, struct sim_key *key)
{
    snprintf(key->text, sizeof(key->text), "%s %s to %s", verb, world->hosts[from].spec->name,
             world->hosts[to].spec->name);
    key->hash = XXH3_64bits_withSeed(key->text, strlen(key->text), entity);
}

static struct sim_piece *head_of(const struct sim_way *way)
{
    return mm1_list_empty(&way->pieces)
               ? NULL
               : MM1_CONTAINER_OF(way->pieces.next, struct sim_piece, link);
}

static void piece_free(struct sim_world *world, struct sim_piece *piece)
{
    if (!piece->background) {
        world->unrest--;
    }
    mm1_list_remove(&piece->link);
    mm1_give(world->alloc, piece, sizeof(*piece) + piece->size);
}

void sim_way_clear(struct sim_way *way)
{
    way->left = way->pushed;
    sim_arrival_remove(world_of(way), &way->arrival);
    struct sim_piece *piece;
    while ((piece = head_of(way)) != NULL) {
        piece_free(world_of(way), piece);
    }
}

void sim_way_offer(struct sim_way *way)
{
    struct sim_world *world = world_of(way);
    const struct sim_piece *head = head_of(way);
    const struct sim_socket *end = way->connection->ends[way->side];
    bool ready = head != NULL && end != NULL && (head->ends || way->credit != 0) &&
                 (way->side == 0 ? way->connection->opened : true) &&
                 !sim_net_cut(world, from_host(way), to_host(way));
    if (!ready) {
        sim_arrival_remove(world, &way->arrival);
        return;
    }
    if (!sim_arrival_pending(&way->arrival)) {
        uint64_t earliest = head->earliest > world->now ? head->earliest : world->now;
        uint64_t latest = head->latest > earliest ? head->latest : earliest;
        sim_arrival_add(world, &way->arrival, earliest, latest);
    }
}

void sim_way_push(struct sim_way *way, struct mm1_bytes bytes, bool background, bool ends,
                  mm1_status status)
{
    struct sim_world *world = world_of(way);
    struct sim_piece *piece = mm1_take(world->alloc, sizeof(*piece) + bytes.size);
    MM1_CHECK(piece != NULL);
    struct sim_window latency = sim_fault_latency(world, from_host(way), to_host(way));
    *piece = (struct sim_piece){
        .earliest = world->now + latency.min_ns,
        .latest = world->now + latency.max_ns,
        .cause = world->cause,
        .background = background,
        .ends = ends,
        .status = status,
        .size = bytes.size,
    };
    if (bytes.size != 0) {
        memcpy(piece->data, bytes.data, bytes.size);
    }
    if (!background) {
        world->unrest++;
    }
    way->pushed += bytes.size;
    mm1_list_push_back(&way->pieces, &piece->link);
    sim_way_offer(way);
}

void sim_end_lose(struct sim_connection *connection, unsigned side)
{
    struct sim_socket *socket = connection->ends[side];
    if (socket != NULL) {
        connection->ends[side] = NULL;
        connection->lost[side] = true;
        sim_socket_free(socket);
    }
}

void sim_end_break(struct sim_connection *connection, unsigned side)
{
    if (connection->ends[side] != NULL) {
        sim_way_clear(&connection->ways[side]);
        sim_way_push(&connection->ways[side], (struct mm1_bytes){.size = 0}, false, true,
                     MM1_RESET);
    }
}

/* --- handed over ---------------------------------------------------------------------------------------------- */

/* A Sent to come. */
struct sent {
    struct mm1_list link; /* in way->sents */
    uint64_t earliest;
    uint64_t until; /* the peer's way has carried so many bytes with these */
    size_t size;
    bool background;
};

/* Time that the network takes to take bytes over. */
#define SENT_NS (10 * MM1_NS_PER_US)
/* So many bytes may wait between two ends: more are not taken over. */
#define WINDOW_BYTES ((uint64_t)256 * 1024)

static struct sent *sent_head(const struct sim_way *way)
{
    return mm1_list_empty(&way->sents) ? NULL
                                       : MM1_CONTAINER_OF(way->sents.next, struct sent, link);
}

/* Looks again whether the next Sent can arrive. */
static void sent_offer(struct sim_way *way)
{
    struct sim_world *world = world_of(way);
    const struct sim_connection *connection = way->connection;
    const struct sim_way *out = &connection->ways[1 - way->side];
    const struct sent *head = sent_head(way);
    if (head == NULL || sim_arrival_pending(&way->sent) ||
        (connection->ends[1 - way->side] != NULL && head->until > out->left + WINDOW_BYTES)) {
        return;
    }
    uint64_t earliest = head->earliest > world->now ? head->earliest : world->now;
    sim_arrival_add(world, &way->sent, earliest, earliest + SENT_NS);
}

void sim_way_sent(struct sim_way *way, size_t size, bool background)
{
    struct sim_world *world = world_of(way);
    struct sent *sent = mm1_take(world->alloc, sizeof(*sent));
    MM1_CHECK(sent != NULL);
    *sent = (struct sent){
        .earliest = world->now + SENT_NS,
        .until = way->connection->ways[1 - way->side].pushed,
        .size = size,
        .background = background,
    };
    if (!background) {
        world->unrest++;
    }
    mm1_list_push_back(&way->sents, &sent->link);
    sent_offer(way);
}

static void sent_free(struct sim_way *way, struct sent *sent)
{
    if (!sent->background) {
        world_of(way)->unrest--;
    }
    mm1_list_remove(&sent->link);
    mm1_give(world_of(way)->alloc, sent, sizeof(*sent));
}

static void sent_forget(struct sim_way *way)
{
    struct sent *sent;
    sim_arrival_remove(world_of(way), &way->sent);
    while ((sent = sent_head(way)) != NULL) {
        sent_free(way, sent);
    }
}

static void sent_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_way *way = MM1_CONTAINER_OF(arrival, struct sim_way, sent);
    struct sim_socket *end = way->connection->ends[way->side];
    struct sent *head = sent_head(way);
    struct mm1_sent sent = {.handle = end->handle, .size = head->size};
    bool background = head->background;
    (void)world;
    sent_free(way, head);
    sent_offer(way);
    end->node->transport.sink->post(end->node->transport.sink, end->handle, background,
                                    &mm1_sent_type, &sent);
}

static void sent_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                          struct sim_key *key)
{
    const struct sim_way *way = MM1_CONTAINER_OF(arrival, const struct sim_way, sent);
    describe(world, arrival->entity, "sent from", to_host(way), from_host(way), key);
}

static const struct sim_arrival_ops sent_ops = {.arrive = sent_arrive, .describe = sent_describe};

/* --- arriving ------------------------------------------------------------------------------------------------- */

/* How many bytes have come so far, up to `most`. */
static size_t bytes_here(const struct sim_way *way, size_t most)
{
    size_t size = 0;
    MM1_LIST_FOREACH(link, &way->pieces) {
        const struct sim_piece *piece = MM1_CONTAINER_OF(link, struct sim_piece, link);
        if (piece->ends || piece->earliest > world_of(way)->now) {
            break;
        }
        size += piece->size - piece->taken;
        if (size >= most) {
            return most;
        }
    }
    return size;
}

/* Most pieces arrive whole, together with what else has come; one in eight is cut anywhere. */
static size_t choose_size(struct sim_way *way)
{
    struct sim_world *world = world_of(way);
    size_t most = way->credit;
    if (most > world->scenario->network.chunk) {
        most = (size_t)world->scenario->network.chunk;
    }
    size_t here = bytes_here(way, most);
    if (here > 1 && sim_choose(world, &way->chunks, 8, NULL) == 0) {
        return (size_t)(1 + sim_choose(world, &way->chunks, here - 1, NULL));
    }
    return here;
}

/* What the sink says of them. */
static mm1_status deliver_bytes(struct sim_way *way, struct sim_socket *end)
{
    struct sim_world *world = world_of(way);
    size_t size = choose_size(way);
    uint8_t *data = mm1_take(world->alloc, size);
    MM1_CHECK(data != NULL);
    bool background = true;
    for (size_t filled = 0; filled < size;) {
        struct sim_piece *piece = head_of(way);
        size_t part = piece->size - piece->taken;
        part = part < size - filled ? part : size - filled;
        memcpy(data + filled, piece->data + piece->taken, part);
        filled += part;
        piece->taken += part;
        background = background && piece->background;
        world->cause = piece->cause;
        if (piece->taken == piece->size) {
            piece_free(world, piece);
        }
    }
    way->credit -= size;
    way->left += size;
    struct mm1_received received = {.handle = end->handle, .data = {.data = data, .size = size}};
    struct mm1_port_sink *sink = end->node->transport.sink;
    mm1_status status =
        sink->post_data(sink, end->handle, background, &mm1_received_type, &received);
    mm1_give(world->alloc, data, size);
    return status;
}

/* The end is told how the stream ended, and is gone. The connection may be gone with it. */
static void finish(struct sim_way *way, struct sim_socket *end, mm1_status status, bool background)
{
    struct sim_connection *connection = way->connection;
    struct mm1_port_sink *sink = end->node->transport.sink;
    struct mm1_ended ended = {.handle = end->handle, .status = (uint32_t)status};
    sim_way_clear(way);
    sim_end_lose(connection, way->side);
    sink->post(sink, ended.handle, background, &mm1_ended_type, &ended);
    sim_connection_settle(connection);
}

static void deliver_end(struct sim_way *way, struct sim_socket *end)
{
    const struct sim_piece *piece = head_of(way);
    world_of(way)->cause = piece->cause;
    finish(way, end, piece->status, piece->background);
}

static void way_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_way *way = MM1_CONTAINER_OF(arrival, struct sim_way, arrival);
    struct sim_socket *end = way->connection->ends[way->side];
    (void)world;
    if (head_of(way)->ends) {
        deliver_end(way, end);
        return;
    }
    mm1_status status = deliver_bytes(way, end);
    if (status != MM1_OK) {
        /* They are lost: so is the stream, for both. */
        sim_end_break(way->connection, 1 - way->side);
        finish(way, end, status, false);
        return;
    }
    sim_way_offer(way);
    sent_offer(&way->connection->ways[1 - way->side]);
}

static void way_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                         struct sim_key *key)
{
    const struct sim_way *way = MM1_CONTAINER_OF(arrival, const struct sim_way, arrival);
    describe(world, arrival->entity, "bytes from", from_host(way), to_host(way), key);
}

static const struct sim_arrival_ops way_ops = {.arrive = way_arrive, .describe = way_describe};

/* --- connections ---------------------------------------------------------------------------------------------- */

static void connected_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_connection *connection = MM1_CONTAINER_OF(arrival, struct sim_connection, connected);
    struct sim_socket *dialer = connection->ends[0];
    if (sim_net_cut(world, connection->hosts[1], connection->hosts[0])) {
        /* The answer is lost, and comes again. */
        sim_arrival_add(world, arrival, world->now + MM1_NS_PER_SEC,
                        world->now + 2 * MM1_NS_PER_SEC);
        return;
    }
    world->unrest--;
    connection->opened = true;
    struct mm1_connected connected = {.handle = dialer->handle};
    dialer->node->transport.sink->post(dialer->node->transport.sink, dialer->handle, false,
                                       &mm1_connected_type, &connected);
    sim_socket_flush(dialer);
    sim_way_offer(&connection->ways[0]);
}

static void connected_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                               struct sim_key *key)
{
    const struct sim_connection *connection =
        MM1_CONTAINER_OF(arrival, const struct sim_connection, connected);
    describe(world, arrival->entity, "connected", connection->hosts[0], connection->hosts[1], key);
}

static const struct sim_arrival_ops connected_ops = {.arrive = connected_arrive,
                                                     .describe = connected_describe};

static void way_init(struct sim_connection *connection, unsigned side)
{
    struct sim_world *world = connection->world;
    struct sim_way *way = &connection->ways[side];
    way->connection = connection;
    way->side = side;
    mm1_list_init(&way->pieces);
    mm1_list_init(&way->sents);
    way->arrival.ops = &way_ops;
    way->arrival.host = &world->hosts[connection->hosts[side]];
    way->arrival.entity = connection->number * 4 + side;
    way->sent.ops = &sent_ops;
    way->sent.host = way->arrival.host;
    way->sent.entity = connection->number * 4 + 2 + side;
    way->chunks =
        (struct sim_stream){.site = SIM_SITE_CHUNK, .entity = connection->number * 2 + side};
}

struct sim_connection *sim_connection_new(struct sim_world *world, struct sim_socket *dialer,
                                          struct sim_socket *accepted)
{
    struct sim_connection *connection = mm1_take_zero(world->alloc, sizeof(*connection));
    MM1_CHECK(connection != NULL);
    connection->world = world;
    connection->number = ++world->connection_count;
    connection->hosts[0] = dialer->node->host->index;
    connection->hosts[1] = accepted->node->host->index;
    connection->ends[0] = dialer;
    connection->ends[1] = accepted;
    for (unsigned side = 0; side < 2; side++) {
        way_init(connection, side);
        connection->ends[side]->kind = SIM_END;
        connection->ends[side]->connection = connection;
        connection->ends[side]->side = side;
    }
    connection->ways[0].credit = dialer->early_credit;
    connection->connected.ops = &connected_ops;
    connection->connected.host = dialer->node->host;
    connection->connected.entity = connection->number;
    mm1_list_push_back(&world->connections, &connection->link);
    struct sim_window latency =
        sim_fault_latency(world, connection->hosts[1], connection->hosts[0]);
    world->unrest++;
    sim_arrival_add(world, &connection->connected, world->now + latency.min_ns,
                    world->now + latency.max_ns);
    return connection;
}

void sim_connection_free(struct sim_connection *connection)
{
    struct sim_world *world = connection->world;
    for (unsigned side = 0; side < 2; side++) {
        sim_way_clear(&connection->ways[side]);
        sent_forget(&connection->ways[side]);
    }
    if (sim_arrival_pending(&connection->connected)) {
        sim_arrival_remove(world, &connection->connected);
        world->unrest--;
    }
    mm1_list_remove(&connection->link);
    mm1_give(world->alloc, connection, sizeof(*connection));
}

void sim_connection_settle(struct sim_connection *connection)
{
    for (unsigned side = 0; side < 2; side++) {
        if (connection->ends[side] == NULL) {
            sim_way_clear(&connection->ways[side]);
            sent_forget(&connection->ways[side]);
            sent_offer(&connection->ways[1 - side]);
        }
    }
    if (connection->ends[0] == NULL && sim_arrival_pending(&connection->connected)) {
        sim_arrival_remove(connection->world, &connection->connected);
        connection->world->unrest--;
    }
    if (connection->ends[0] == NULL && connection->ends[1] == NULL) {
        sim_connection_free(connection);
    }
}
