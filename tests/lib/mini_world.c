/* The small world: its scheduler, clock, random numbers, trace and streams. */
#include <assert.h>

#include "mini_world.h"

/* What a clock keeps in struct mm1_timer.port. */
struct mini_slot {
    struct mm1_tree_node in_timers;
    uint64_t seq;
};
static_assert(sizeof(struct mini_slot) <= sizeof(((struct mm1_timer *)NULL)->port),
              "a timer has too little room");

/* --- clock ---------------------------------------------------------------------------------------------------- */

static struct mini_world *world_of_clock(struct mm1_clock *self)
{
    return MM1_CONTAINER_OF(self, struct mini_world, clock);
}

static struct mini_slot *slot_of(struct mm1_timer *timer)
{
    return (struct mini_slot *)(void *)timer->port;
}

static struct mm1_timer *timer_of(const struct mm1_tree_node *node)
{
    struct mini_slot *slot = MM1_CONTAINER_OF(node, struct mini_slot, in_timers);
    return MM1_CONTAINER_OF(slot, struct mm1_timer, port);
}

static int timer_compare(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    struct mm1_timer *left = timer_of(a);
    struct mm1_timer *right = timer_of(b);
    if (left->due_ns != right->due_ns) {
        return left->due_ns < right->due_ns ? -1 : 1;
    }
    uint64_t left_seq = slot_of(left)->seq;
    uint64_t right_seq = slot_of(right)->seq;
    return (left_seq > right_seq) - (left_seq < right_seq);
}

static uint64_t clock_monotonic(struct mm1_clock *self)
{
    return world_of_clock(self)->now_ns;
}

static uint64_t clock_wall(struct mm1_clock *self)
{
    struct mini_world *world = world_of_clock(self);
    return world->now_ns + world->wall_offset_ns;
}

static void clock_arm(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct mini_world *world = world_of_clock(self);
    struct mini_slot *slot = slot_of(timer);
    *slot = (struct mini_slot){.seq = world->timer_seq++};
    MM1_CHECK(mm1_tree_insert(&world->timers, &slot->in_timers) == NULL);
}

static bool clock_cancel(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct mini_slot *slot = slot_of(timer);
    if (!mm1_tree_linked(&slot->in_timers)) {
        return false;
    }
    mm1_tree_remove(&world_of_clock(self)->timers, &slot->in_timers);
    return true;
}

static uint64_t clock_next_due(struct mm1_clock *self)
{
    MM1_TREE_FOREACH(node, &world_of_clock(self)->timers) {
        const struct mm1_timer *timer = timer_of(node);
        if (!timer->background) {
            return timer->due_ns;
        }
    }
    return UINT64_MAX;
}

static const struct mm1_clock_ops clock_ops = {
    .name = "mini",
    .monotonic = clock_monotonic,
    .wall = clock_wall,
    .arm = clock_arm,
    .cancel = clock_cancel,
    .next_due = clock_next_due,
};

/* --- random: a mix of the question, so that each stream is its own ---------------------------------------------- */

static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint64_t random_draw(struct mm1_random *self, enum mm1_random_purpose purpose,
                            uint64_t entity, uint64_t nth, uint64_t n)
{
    (void)self;
    uint64_t drawn = mix(mix(mix((uint64_t)purpose) ^ entity) ^ nth);
    return n == 0 ? drawn : drawn % n;
}

static const struct mm1_random_ops random_ops = {.name = "mini", .draw = random_draw};

/* --- scheduler ------------------------------------------------------------------------------------------------ */

static struct mini_world *world_of_sched(struct mm1_sched *self)
{
    return MM1_CONTAINER_OF(self, struct mini_world, sched);
}

/* A signal that waits to be landed. */
struct mini_held {
    struct mm1_list in_world;
    struct mm1_node *node;
    void *signal;
    mm1_addr from;
    mm1_addr to;
};

static void sched_ready(struct mm1_sched *self, struct mm1_runnable *runnable)
{
    struct mini_world *world = world_of_sched(self);
    runnable->next = NULL;
    *world->ready_last = runnable;
    world->ready_last = &runnable->next;
}

static bool sched_effect(struct mm1_sched *self, struct mm1_runnable *runnable,
                         const struct mm1_effect *effect, struct mm1_answer *answer)
{
    struct mini_world *world = world_of_sched(self);
    return world->effect == NULL || world->effect(world, runnable, effect, answer);
}

static bool sched_hold(struct mm1_sched *self, struct mm1_node *node, void *signal, mm1_addr from,
                       mm1_addr to)
{
    struct mini_world *world = world_of_sched(self);
    if (!world->hold_signals || from.bits == 0) {
        return false;
    }
    struct mini_held *held = mm1_take(&world->own.base, sizeof(*held));
    MM1_CHECK(held != NULL);
    *held = (struct mini_held){.node = node, .signal = signal, .from = from, .to = to};
    mm1_list_push_back(&world->held, &held->in_world);
    return true;
}

static void held_land(struct mini_world *world, struct mini_held *held)
{
    mm1_list_remove(&held->in_world);
    mm1_node_land(held->node, held->signal);
    mm1_give(&world->own.base, held, sizeof(*held));
}

bool mini_land(struct mini_world *world, mm1_addr from, mm1_addr to)
{
    MM1_LIST_FOREACH(item, &world->held) {
        struct mini_held *held = MM1_CONTAINER_OF(item, struct mini_held, in_world);
        if (mm1_addr_equal(held->from, from) && mm1_addr_equal(held->to, to)) {
            held_land(world, held);
            return true;
        }
    }
    return false;
}

void mini_land_all(struct mini_world *world)
{
    mini_settle(world);
    while (!mm1_list_empty(&world->held)) {
        held_land(world, MM1_CONTAINER_OF(world->held.next, struct mini_held, in_world));
        mini_settle(world);
    }
}

static void held_drop(struct mini_world *world, const struct mm1_node *node)
{
    MM1_LIST_FOREACH(item, &world->held) {
        struct mini_held *held = MM1_CONTAINER_OF(item, struct mini_held, in_world);
        if (held->node == node) {
            mm1_list_remove(item);
            mm1_node_drop(held->node, held->signal);
            mm1_give(&world->own.base, held, sizeof(*held));
        }
    }
}

static const struct mm1_sched_ops sched_ops = {
    .name = "mini",
    .ready = sched_ready,
    .effect = sched_effect,
    .hold = sched_hold,
};

size_t mini_run(struct mini_world *world, size_t turns)
{
    size_t given = 0;
    while (given < turns && world->ready_first != NULL) {
        struct mm1_runnable *runnable = world->ready_first;
        world->ready_first = runnable->next;
        if (world->ready_first == NULL) {
            world->ready_last = &world->ready_first;
        }
        given++;
        world->turns++;
        if (mm1_runnable_turn(runnable) == MM1_TURN_MORE) {
            sched_ready(&world->sched, runnable);
        }
    }
    return given;
}

void mini_settle(struct mini_world *world)
{
    MM1_CHECK(mini_run(world, 1000000) < 1000000);
}

void mini_advance(struct mini_world *world, uint64_t ns)
{
    uint64_t end = world->now_ns + ns;
    mini_settle(world);
    for (;;) {
        struct mm1_tree_node *first = mm1_tree_first(&world->timers);
        if (first == NULL || timer_of(first)->due_ns > end) {
            break;
        }
        struct mm1_timer *timer = timer_of(first);
        mm1_tree_remove(&world->timers, first);
        if (timer->due_ns > world->now_ns) {
            world->now_ns = timer->due_ns;
        }
        timer->fire(timer);
        mini_settle(world);
    }
    world->now_ns = end;
}

/* --- trace ---------------------------------------------------------------------------------------------------- */

static uint64_t trace_emit(struct mm1_trace *self, const struct mm1_event *event)
{
    struct mini_world *world = MM1_CONTAINER_OF(self, struct mini_world, trace);
    MM1_CHECK((size_t)event->kind < MINI_EVENT_KINDS);
    world->events[event->kind]++;
    if (event->kind == MM1_EVENT_LOG) {
        MM1_CHECK(mm1_buf_format(&world->log, "%u %.*s\n", (unsigned)event->number,
                                 (int)event->text.size, event->text.data) == MM1_OK);
    }
    return ++world->event_seq;
}

static const struct mm1_trace_ops trace_ops = {.name = "mini", .emit = trace_emit};

bool mini_logged(struct mini_world *world, const char *text)
{
    MM1_CHECK(mm1_buf_terminate(&world->log) == MM1_OK);
    return strstr((const char *)world->log.data, text) != NULL;
}

/* --- streams -------------------------------------------------------------------------------------------------- */

static struct mini_node *node_of(struct mm1_transport *self)
{
    return MM1_CONTAINER_OF(self, struct mini_node, transport);
}

static struct mini_end *end_new(struct mini_world *world, struct mini_node *node, mm1_handle handle)
{
    struct mini_end *end = mm1_take(&world->own.base, sizeof(*end));
    MM1_CHECK(end != NULL);
    *end = (struct mini_end){
        .world = world, .node = node, .handle = handle, .in = MM1_BUF(&world->own.base)};
    mm1_list_push_back(&world->ends, &end->in_world);
    return end;
}

static struct mini_end *end_find(struct mini_node *node, mm1_handle handle)
{
    MM1_LIST_FOREACH(item, &node->world->ends) {
        struct mini_end *end = MM1_CONTAINER_OF(item, struct mini_end, in_world);
        if (end->node == node && end->handle == handle && !end->gone) {
            return end;
        }
    }
    return NULL;
}

static struct mini_end *listener_find(struct mini_world *world, struct mm1_text name)
{
    MM1_LIST_FOREACH(item, &world->ends) {
        struct mini_end *end = MM1_CONTAINER_OF(item, struct mini_end, in_world);
        if (end->listener && !end->gone && mm1_text_equal(end->name, name)) {
            return end;
        }
    }
    return NULL;
}

static void end_hang_up(struct mini_end *end, mm1_status status);

/* Bytes for the node are lost: the stream is over for both sides. */
static void end_spoil(struct mini_end *end, mm1_status status)
{
    struct mm1_ended message = {.handle = end->handle, .status = (uint32_t)status};
    end_hang_up(end, MM1_RESET);
    end->node->sink->post(end->node->sink, end->handle, false, &mm1_ended_type, &message);
}

/* Delivers what the credit allows, then the end of the stream. */
static void end_pump(struct mini_end *end)
{
    if (end->node == NULL) {
        return;
    }
    while (!end->gone && end->ending != MM1_RESET && end->in.size > 0 && end->credit > 0) {
        size_t size = end->in.size < end->credit ? end->in.size : end->credit;
        if (end->world->piece_max != 0 && size > end->world->piece_max) {
            size = end->world->piece_max;
        }
        struct mm1_received message = {.handle = end->handle,
                                       .data = {.data = end->in.data, .size = size}};
        mm1_status status = end->node->sink->post_data(end->node->sink, end->handle, false,
                                                       &mm1_received_type, &message);
        if (status != MM1_OK) {
            end_spoil(end, status);
            return;
        }
        mm1_buf_consume(&end->in, size);
        end->credit -= size;
        end->received += size;
    }
    if (!end->gone && end->ending != MM1_OK && (end->in.size == 0 || end->ending == MM1_RESET)) {
        end->gone = true;
        struct mm1_ended message = {.handle = end->handle, .status = (uint32_t)end->ending};
        end->node->sink->post(end->node->sink, end->handle, false, &mm1_ended_type, &message);
    }
}

static void end_write(struct mini_end *from, struct mm1_bytes bytes)
{
    struct mini_end *to = from->peer;
    if (to == NULL || to->gone) {
        return;
    }
    MM1_CHECK(mm1_buf_append(&to->in, bytes.data, bytes.size) == MM1_OK);
    to->received += to->node == NULL ? bytes.size : 0;
    end_pump(to);
}

/* The other side learns how this one ended. */
static void end_hang_up(struct mini_end *end, mm1_status status)
{
    end->gone = true;
    if (end->peer != NULL && end->peer->ending == MM1_OK) {
        end->peer->ending = status;
        end_pump(end->peer);
    }
}

static void name_set(struct mini_end *end, struct mm1_text name)
{
    char *copy = mm1_take(&end->world->own.base, name.size + 1);
    MM1_CHECK(copy != NULL);
    memcpy(copy, name.data, name.size);
    end->name = (struct mm1_text){.data = copy, .size = name.size};
}

static void post_failed(struct mini_node *node, mm1_handle handle, mm1_status status)
{
    struct mm1_failed message = {.handle = handle,
                                 .status = (uint32_t)status,
                                 .reason = mm1_text_of(mm1_status_text(status))};
    node->sink->post(node->sink, handle, false, &mm1_failed_type, &message);
}

/* A connection reached `listener`; the new end on its side, or null when the node reset it. */
static struct mini_end *listener_take(struct mini_end *listener)
{
    struct mini_node *node = listener->node;
    if (node == NULL) {
        struct mini_end *end = end_new(listener->world, NULL, 0);
        struct mini_end **last = &listener->backlog;
        while (*last != NULL) {
            last = &(*last)->backlog_next;
        }
        *last = end;
        return end;
    }
    mm1_handle handle = node->sink->adopt(node->sink, listener->handle);
    if (handle == 0) {
        return NULL;
    }
    struct mini_end *end = end_new(listener->world, node, handle);
    struct mm1_accepted message = {.listener = listener->handle, .handle = handle};
    node->sink->post(node->sink, listener->handle, false, &mm1_accepted_type, &message);
    return end;
}

/* `far` null: the connection was reset at once. */
static void join(struct mini_end *near, struct mini_end *far)
{
    near->peer = far;
    if (far == NULL) {
        near->ending = MM1_RESET;
    } else {
        far->peer = near;
    }
}

static void transport_attach(struct mm1_transport *self, struct mm1_port_sink *sink)
{
    node_of(self)->sink = sink;
}

static mm1_status transport_listen(struct mm1_transport *self, mm1_handle handle,
                                   struct mm1_text name)
{
    struct mini_node *node = node_of(self);
    if (listener_find(node->world, name) != NULL) {
        post_failed(node, handle, MM1_IN_USE);
        return MM1_OK;
    }
    struct mini_end *end = end_new(node->world, node, handle);
    end->listener = true;
    name_set(end, name);
    struct mm1_listening message = {.handle = handle, .name = name};
    mm1_status status =
        node->sink->post_data(node->sink, handle, false, &mm1_listening_type, &message);
    if (status != MM1_OK) {
        end->gone = true;
        post_failed(node, handle, status);
    }
    return MM1_OK;
}

static mm1_status transport_dial(struct mm1_transport *self, mm1_handle handle,
                                 struct mm1_text name)
{
    struct mini_node *node = node_of(self);
    struct mini_end *listener = listener_find(node->world, name);
    if (listener == NULL) {
        post_failed(node, handle, MM1_REFUSED);
        return MM1_OK;
    }
    struct mini_end *near = end_new(node->world, node, handle);
    struct mm1_connected message = {.handle = handle};
    join(near, listener_take(listener));
    node->sink->post(node->sink, handle, false, &mm1_connected_type, &message);
    end_pump(near);
    return MM1_OK;
}

static void transport_read(struct mm1_transport *self, mm1_handle handle, size_t size)
{
    struct mini_end *end = end_find(node_of(self), handle);
    if (end != NULL) {
        end->credit += size;
        end_pump(end);
    }
}

static mm1_status transport_send(struct mm1_transport *self, mm1_handle handle,
                                 struct mm1_bytes bytes, bool background)
{
    struct mini_node *node = node_of(self);
    struct mini_end *end = end_find(node, handle);
    if (end == NULL) {
        return MM1_OK;
    }
    end_write(end, bytes);
    struct mm1_sent message = {.handle = handle, .size = bytes.size};
    if (!node->world->hold_sent) {
        node->sink->post(node->sink, handle, background, &mm1_sent_type, &message);
    }
    return MM1_OK;
}

static void transport_close(struct mm1_transport *self, mm1_handle handle)
{
    struct mini_end *end = end_find(node_of(self), handle);
    if (end != NULL) {
        end_hang_up(end, MM1_CLOSED);
    }
}

static const struct mm1_transport_ops transport_ops = {
    .name = "mini",
    .attach = transport_attach,
    .listen = transport_listen,
    .dial = transport_dial,
    .read = transport_read,
    .send = transport_send,
    .close = transport_close,
};

struct mini_end *mini_listen(struct mini_world *world, const char *name)
{
    MM1_CHECK(listener_find(world, mm1_text_of(name)) == NULL);
    struct mini_end *end = end_new(world, NULL, 0);
    end->listener = true;
    name_set(end, mm1_text_of(name));
    return end;
}

struct mini_end *mini_accept(struct mini_end *listener)
{
    struct mini_end *end = listener->backlog;
    if (end != NULL) {
        listener->backlog = end->backlog_next;
        end->backlog_next = NULL;
    }
    return end;
}

struct mini_end *mini_dial(struct mini_world *world, const char *name)
{
    struct mini_end *listener = listener_find(world, mm1_text_of(name));
    MM1_CHECK(listener == NULL || listener->node != NULL);
    if (listener == NULL) {
        return NULL;
    }
    struct mini_end *near = end_new(world, NULL, 0);
    join(near, listener_take(listener));
    return near;
}

void mini_send(struct mini_end *end, const void *data, size_t size)
{
    end_write(end, (struct mm1_bytes){.data = data, .size = size});
}

struct mm1_bytes mini_received(const struct mini_end *end)
{
    return mm1_buf_bytes(&end->in);
}

void mini_consume(struct mini_end *end, size_t size)
{
    mm1_buf_consume(&end->in, size);
}

mm1_status mini_ending(const struct mini_end *end)
{
    return end->ending;
}

void mini_close(struct mini_end *end, mm1_status status)
{
    end_hang_up(end, status);
}

/* --- nodes and the world -------------------------------------------------------------------------------------- */

void mini_world_init(struct mini_world *world)
{
    *world = (struct mini_world){
        .clock = {.ops = &clock_ops},
        .random = {.ops = &random_ops},
        .sched = {.ops = &sched_ops},
        .trace = {.ops = &trace_ops, .quiet = true},
        .now_ns = MM1_NS_PER_SEC,
        .timers = MM1_TREE(timer_compare),
    };
    test_alloc_init(&world->alloc);
    test_alloc_init(&world->own);
    world->wall_offset_ns = UINT64_C(1700000000) * MM1_NS_PER_SEC;
    world->ready_last = &world->ready_first;
    world->log = MM1_BUF(&world->own.base);
    mm1_list_init(&world->ends);
    mm1_list_init(&world->held);
}

void mini_world_close(struct mini_world *world)
{
    MM1_LIST_FOREACH(item, &world->ends) {
        struct mini_end *end = MM1_CONTAINER_OF(item, struct mini_end, in_world);
        mm1_buf_close(&end->in);
        if (end->name.data != NULL) {
            mm1_give(&world->own.base, (char *)(uintptr_t)end->name.data, end->name.size + 1);
        }
        mm1_give(&world->own.base, end, sizeof(*end));
    }
    mm1_buf_close(&world->log);
    MM1_CHECK(mm1_tree_count(&world->timers) == 0);
    MM1_CHECK(world->ready_first == NULL);
    MM1_CHECK(world->alloc.live == 0);
    MM1_CHECK(world->own.live == 0);
}

mm1_status mini_node_open(struct mini_world *world, struct mini_node *node,
                          const struct mm1_node_config *config)
{
    *node = (struct mini_node){.world = world, .transport = {.ops = &transport_ops}};
    mm1_store_none_init(&node->store);
    world->trace.quiet = !world->keep_log;
    node->env = (struct mm1_env){
        .alloc = &world->alloc.base,
        .clock = &world->clock,
        .random = &world->random,
        .sched = &world->sched,
        .transport = &node->transport,
        .store = &node->store.base,
        .trace = &world->trace,
    };
    return mm1_node_open(&node->env, config, &node->node);
}

void mini_node_close(struct mini_node *node)
{
    struct mini_world *world = node->world;
    struct mm1_runnable **at = &world->ready_first;
    while (*at != NULL) {
        if ((*at)->node == node->node) {
            *at = (*at)->next;
        } else {
            at = &(*at)->next;
        }
    }
    world->ready_last = at;
    MM1_LIST_FOREACH(item, &world->ends) {
        struct mini_end *end = MM1_CONTAINER_OF(item, struct mini_end, in_world);
        if (end->node == node && !end->gone) {
            end_hang_up(end, MM1_RESET);
        }
    }
    held_drop(world, node->node);
    mm1_node_close(node->node);
    node->node = NULL;
}
