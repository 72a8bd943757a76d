/* The simulated trace port: chains every event into the hash of the run, shows it to properties, and writes rows when
 * somebody reads them. */
#include <stdio.h>

#include "base/order.h"
#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* --- actors as rows ------------------------------------------------------------------------------------------- */

struct actor_row {
    struct mm1_tree_node node;
    uint64_t path;
    uint64_t row;
};

static int compare_rows(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(MM1_CONTAINER_OF(a, const struct actor_row, node)->path,
                          MM1_CONTAINER_OF(b, const struct actor_row, node)->path);
}

static int compare_path_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key,
                          MM1_CONTAINER_OF(node, const struct actor_row, node)->path);
}

static uint64_t row_of(const struct sim_world *world, const struct mm1_path *path)
{
    if (path == NULL) {
        return 0;
    }
    struct mm1_tree_node *found = mm1_tree_find(&world->actor_rows, &path->hash, compare_path_key);
    return found == NULL ? 0 : MM1_CONTAINER_OF(found, struct actor_row, node)->row;
}

static void actor_born(struct sim_world *world, const struct sim_node_state *node,
                       const struct mm1_event *event, uint64_t seq)
{
    struct actor_row *entry = mm1_take_zero(world->alloc, sizeof(*entry));
    MM1_CHECK(entry != NULL);
    entry->path = event->other->hash;
    entry->row = ++world->actor_count;
    world->actor_rows.compare = compare_rows;
    if (mm1_tree_insert(&world->actor_rows, &entry->node) != NULL) {
        mm1_give(world->alloc, entry, sizeof(*entry));
        return;
    }
    char path[MM1_PATH_TEXT_MAX];
    char behaviour[64];
    (void)mm1_path_print(event->other, path);
    snprintf(behaviour, sizeof(behaviour), "%.*s", (int)event->text.size, event->text.data);
    struct sim_actor_row row = {
        .actor = entry->row,
        .node = node->index,
        .parent = row_of(world, event->actor),
        .born = seq,
        .path = path,
        .behaviour = behaviour,
        .incarnation = event->other->ordinal,
        .address = event->peer,
    };
    world->spec->sink->ops->actor(world->spec->sink, &row);
}

void sim_actor_rows_close(struct sim_world *world)
{
    MM1_TREE_FOREACH(node, &world->actor_rows) {
        struct actor_row *entry = MM1_CONTAINER_OF(node, struct actor_row, node);
        mm1_tree_remove(&world->actor_rows, node);
        mm1_give(world->alloc, entry, sizeof(*entry));
    }
}

/* --- the hash chain ------------------------------------------------------------------------------------------- */

/* The hash of a type's name, remembered by the descriptor's place; the place decides nothing but the speed. */
static uint64_t type_hash(struct sim_world *world, const struct mm1_msg_type *type)
{
    size_t slot = ((uintptr_t)type / sizeof(void *)) % SIM_TYPE_CACHE;
    if (world->type_cache[slot].type != type) {
        world->type_cache[slot].type = type;
        world->type_cache[slot].hash = XXH3_64bits(type->name, strlen(type->name));
    }
    return world->type_cache[slot].hash;
}

/* Events that say for the first time what is in a message; later ones refer to it by the signal's number. */
static bool has_content(enum mm1_event_kind kind)
{
    return kind != MM1_EVENT_RECEIVE && kind != MM1_EVENT_START && kind != MM1_EVENT_LOST;
}

static struct mm1_bytes content_of(struct sim_world *world, const struct mm1_event *event)
{
    if (event->encoded.size != 0 || event->msg == NULL || event->type == NULL ||
        !has_content(event->kind) || (event->type->flags & MM1_MSG_LOCAL_ONLY) != 0) {
        return event->encoded;
    }
    mm1_buf_clear(&world->scratch);
    if (mm1_msg_encode(event->type, event->msg, &world->scratch) != MM1_OK) {
        mm1_buf_clear(&world->scratch);
    }
    return mm1_buf_bytes(&world->scratch);
}

#define RECORD_WORDS 12

static void chain(struct sim_world *world, uint32_t node, const struct mm1_event *event)
{
    uint8_t record[RECORD_WORDS * 8];
    const uint64_t words[RECORD_WORDS] = {
        (uint64_t)event->kind | (uint64_t)event->verb << 8 | (uint64_t)event->status << 16 |
            (uint64_t)node << 32,
        world->now,
        event->actor == NULL ? 0 : event->actor->hash,
        event->other == NULL ? 0 : event->other->hash,
        event->self.bits,
        event->peer.bits,
        event->cause,
        event->signal,
        event->number,
        event->type == NULL ? 0 : type_hash(world, event->type),
        event->reason == NULL
            ? 0
            : ((uint64_t)event->reason->kind << 32 | (uint32_t)event->reason->code),
        event->text.size,
    };
    for (size_t i = 0; i < RECORD_WORDS; i++) {
        mm1_put_le64(record + 8 * i, words[i]);
    }
    uint64_t hash = XXH3_64bits_withSeed(record, sizeof(record), world->hash);
    struct mm1_bytes content = content_of(world, event);
    if (content.size != 0) {
        hash = XXH3_64bits_withSeed(content.data, content.size, hash);
    }
    if (event->text.size != 0) {
        hash = XXH3_64bits_withSeed(event->text.data, event->text.size, hash);
    }
    if (event->reason != NULL) {
        hash = XXH3_64bits_withSeed(event->reason->text, strlen(event->reason->text), hash);
    }
    world->hash = hash;
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

static const struct mm1_path *path_of_peer(const struct sim_node_state *node,
                                           const struct mm1_event *event)
{
    if (event->other != NULL) {
        return event->other;
    }
    return node == NULL || node->node == NULL ? NULL : mm1_node_path(node->node, event->peer);
}

static struct mm1_text json_of(struct sim_world *world, const struct mm1_event *event)
{
    mm1_buf_clear(&world->json);
    if (event->msg != NULL && event->type != NULL && has_content(event->kind) &&
        mm1_msg_print(event->type, event->msg, &world->json) != MM1_OK) {
        mm1_buf_clear(&world->json);
    }
    return mm1_buf_text(&world->json);
}

static struct mm1_text text_of(struct sim_world *world, const struct mm1_event *event)
{
    if (event->reason == NULL) {
        return event->text;
    }
    mm1_buf_clear(&world->scratch);
    if (mm1_reason_print(event->reason, &world->scratch) != MM1_OK) {
        mm1_buf_clear(&world->scratch);
    }
    return mm1_buf_text(&world->scratch);
}

static bool has_verb(const struct mm1_event *event)
{
    return event->kind == MM1_EVENT_VERB || event->kind == MM1_EVENT_SIGNAL;
}

static void write_row(struct sim_world *world, const struct sim_node_state *node, uint64_t seq,
                      const struct mm1_event *event)
{
    struct sim_sink *sink = world->spec->sink;
    struct sim_event_row row = {
        .seq = seq,
        .time_ns = world->now,
        .node = node == NULL ? -1 : (int32_t)node->index,
        .kind = event->kind,
        .actor = row_of(world, event->actor),
        .peer = row_of(world, path_of_peer(node, event)),
        .peer_address = event->peer,
        .verb = has_verb(event) ? event->verb : -1,
        .status = event->status,
        .type = event->type == NULL ? NULL : event->type->name,
        .json = json_of(world, event),
        .text = text_of(world, event),
        .cause = event->cause,
        .signal = event->signal,
        .number = event->number,
        .reason = event->reason,
        .hash = world->hash,
    };
    sink->ops->event(sink, &row);
}

/* --- emitting ------------------------------------------------------------------------------------------------- */

static void bound_events(struct sim_world *world)
{
    const struct sim_bounds *bounds = &world->scenario->bounds;
    if (world->instant != world->now) {
        world->instant = world->now;
        world->instant_events = 0;
    }
    if (++world->instant_events > bounds->events_per_instant) {
        sim_world_fail(world, SIM_LIVELOCK, "livelock: events in one instant", "",
                       "more than %llu events in one instant",
                       (unsigned long long)bounds->events_per_instant);
    } else if (world->result->events > bounds->events) {
        sim_world_fail(world, SIM_LIVELOCK, "livelock: events", "", "more than %llu events",
                       (unsigned long long)bounds->events);
    }
}

static uint64_t note(struct sim_world *world, const struct sim_node_state *node,
                     const struct mm1_event *event)
{
    struct mm1_event caused;
    uint64_t seq = ++world->result->events;
    if (world->spec->progress != NULL) {
        *world->spec->progress = seq;
    }
    if (event->cause == 0 && world->cause != 0) {
        caused = *event;
        caused.cause = world->cause;
        event = &caused;
    }
    chain(world, node == NULL ? UINT32_MAX : node->index, event);
    if (world->spec->sink != NULL) {
        if (event->kind == MM1_EVENT_SPAWN && event->other != NULL) {
            actor_born(world, node, event, seq);
        }
        write_row(world, node, seq, event);
    }
    bound_events(world);
    if ((world->seen_events & MM1_EVENT_BIT(event->kind)) != 0) {
        sim_properties_see(world, node, seq, event);
    }
    return seq;
}

/* A line of log goes past the chain and takes no number: a run is the same with one line more. */
static void note_log(struct sim_world *world, const struct sim_node_state *node,
                     const struct mm1_event *event)
{
    struct sim_sink *sink = world->spec->sink;
    struct sim_log_row row = {
        .line = ++world->log_lines,
        .seq = world->result->events,
        .time_ns = world->now,
        .actor = sink == NULL ? 0 : row_of(world, event->actor),
        .node = node->index,
        .level = (enum mm1_log_level)event->number,
        .text = event->text,
    };
    if (sink != NULL) {
        sink->ops->log(sink, &row);
    }
}

static uint64_t trace_emit(struct mm1_trace *self, const struct mm1_event *event)
{
    struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_trace, base)->node;
    struct mm1_trace *listener = node->world->spec->listener;
    if (listener != NULL) {
        (void)listener->ops->emit(listener, event);
    }
    if (event->kind == MM1_EVENT_LOG) {
        note_log(node->world, node, event);
        return 0;
    }
    return note(node->world, node, event);
}

static const struct mm1_trace_ops trace_ops = {.name = "sim", .emit = trace_emit};

void sim_trace_init(struct sim_node_state *node)
{
    node->trace = (struct sim_trace){.base = {.ops = &trace_ops}, .node = node};
}

uint64_t sim_world_event(struct sim_world *world, enum mm1_event_kind kind,
                         const struct sim_node_state *node, const char *text)
{
    struct mm1_event event = {.kind = kind, .text = mm1_text_of(text)};
    return note(world, node, &event);
}
