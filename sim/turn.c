/* The simulated scheduler: ready actors, turns on stacks of their own where effects may interleave, and local delivery
 * by pairs where only the order of a pair is promised. */
#include <stdio.h>

#include "base/order.h"
#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A turn on a stack of its own. */
struct sim_turn {
    struct mm1_list link; /* in world->idle_turns or world->suspended */
    struct mm1_fiber fiber;
    struct mm1_fiber
        *at; /* the one that was interrupted: this, or that of a function actor; null: none yet */
    struct sim_node_state *node;
    struct mm1_runnable *runnable;
    enum mm1_turn outcome;
};

/* --- who is ready --------------------------------------------------------------------------------------------- */

static void activate(struct sim_node_state *node)
{
    struct sim_world *world = node->world;
    world->active[world->active_count++] = node->index;
    node->active_place = world->active_count;
    if (node->run_earliest < world->now) {
        node->run_earliest = world->now;
    }
    if (node->run_earliest < node->host->paused_until) {
        node->run_earliest = node->host->paused_until;
    }
    node->run_latest = node->run_earliest + world->scenario->time.run_within_ns;
}

static void deactivate(struct sim_node_state *node)
{
    struct sim_world *world = node->world;
    uint32_t last = world->active[--world->active_count];
    world->active[node->active_place - 1] = last;
    world->nodes[last].active_place = node->active_place;
    node->active_place = 0;
}

static void sched_ready(struct mm1_sched *self, struct mm1_runnable *runnable)
{
    struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_sched, base)->node;
    if (node->ready_count == node->ready_capacity) {
        size_t capacity = node->ready_capacity == 0 ? 16 : 2 * node->ready_capacity;
        struct sim_ready *ready = mm1_take(node->world->alloc, capacity * sizeof(*ready));
        MM1_CHECK(ready != NULL);
        if (node->ready_count != 0) {
            memcpy(ready, node->ready, node->ready_count * sizeof(*ready));
        }
        mm1_give(node->world->alloc, node->ready, node->ready_capacity * sizeof(*ready));
        node->ready = ready;
        node->ready_capacity = capacity;
    }
    node->ready[node->ready_count++] = (struct sim_ready){.runnable = runnable};
    node->world->ready_enabled += runnable->entity;
    if (node->ready_count == 1) {
        activate(node);
    }
}

static void ready_remove(struct sim_node_state *node, size_t index, uint64_t entity)
{
    node->ready[index] = node->ready[--node->ready_count];
    node->world->ready_enabled -= entity;
    if (node->ready_count == 0) {
        deactivate(node);
    }
}

static void ready_clear(struct sim_node_state *node)
{
    for (size_t i = 0; i < node->ready_count; i++) {
        node->world->ready_enabled -= node->ready[i].runnable->entity;
    }
    if (node->ready_count != 0) {
        node->ready_count = 0;
        deactivate(node);
    }
    mm1_give(node->world->alloc, node->ready, node->ready_capacity * sizeof(node->ready[0]));
    node->ready = NULL;
    node->ready_capacity = 0;
}

/* --- turns ---------------------------------------------------------------------------------------------------- */

static void turn_main(void *arg)
{
    struct sim_turn *turn = arg;
    turn->outcome = mm1_runnable_turn(turn->runnable);
}

static struct sim_turn *turn_new(struct sim_world *world)
{
    struct mm1_list *idle = mm1_list_pop_front(&world->idle_turns);
    if (idle != NULL) {
        return MM1_CONTAINER_OF(idle, struct sim_turn, link);
    }
    struct sim_turn *turn = mm1_take_zero(world->alloc, sizeof(*turn));
    MM1_CHECK(turn != NULL);
    MM1_CHECK(mm1_fiber_init(&turn->fiber, world->alloc,
                             (size_t)world->scenario->bounds.fiber_stack) == MM1_OK);
    mm1_list_init(&turn->link);
    return turn;
}

static void turn_free(struct sim_world *world, struct sim_turn *turn)
{
    mm1_list_remove(&turn->link);
    mm1_fiber_close(&turn->fiber);
    mm1_give(world->alloc, turn, sizeof(*turn));
}

/* Runs a turn, or goes on with it, until it ends or is interrupted again. True: it ended. */
static bool turn_switch(struct sim_world *world, struct sim_turn *turn)
{
    mm1_list_remove(&turn->link);
    world->turn = turn;
    if (turn->at == NULL) {
        mm1_fiber_switch(&world->self, &turn->fiber);
    } else {
        mm1_fiber_jump(&world->self, turn->at);
    }
    world->turn = NULL;
    mm1_list_push_back(turn->fiber.finished ? &world->idle_turns : &world->suspended, &turn->link);
    return turn->fiber.finished;
}

static void turn_ended(struct sim_world *world, struct sim_node_state *node, size_t index,
                       uint64_t entity, enum mm1_turn outcome)
{
    world->result->turns++;
    node->run_earliest = world->now + world->scenario->time.turn_ns;
    if (node->run_earliest < node->host->paused_until) {
        node->run_earliest = node->host->paused_until;
    }
    node->run_latest = node->run_earliest + world->scenario->time.run_within_ns;
    if (outcome == MM1_TURN_IDLE) {
        ready_remove(node, index, entity);
    }
}

/* For whoever has to explain a crash. */
static void tell_running(const struct sim_world *world, const struct mm1_runnable *runnable)
{
    if (world->spec->running != NULL) {
        *world->spec->running = runnable;
    }
}

void sim_turn_run(struct sim_world *world, struct sim_node_state *node, size_t index)
{
    struct mm1_runnable *runnable = node->ready[index].runnable;
    uint64_t entity = runnable->entity;
    tell_running(world, runnable);
    if (!world->effects) {
        enum mm1_turn outcome = mm1_runnable_turn(runnable);
        tell_running(world, NULL);
        turn_ended(world, node, index, entity, outcome);
        return;
    }
    struct sim_turn *turn = node->ready[index].turn;
    if (turn == NULL) {
        turn = turn_new(world);
        turn->node = node;
        turn->runnable = runnable;
        turn->at = NULL;
        runnable->fiber = &turn->fiber;
        mm1_fiber_set(&turn->fiber, turn_main, turn);
    }
    bool ended = turn_switch(world, turn);
    tell_running(world, NULL);
    if (ended) {
        node->ready[index].turn = NULL;
        turn_ended(world, node, index, entity, turn->outcome);
    } else {
        node->ready[index].turn = turn;
    }
}

/* Verbs between which others may run. The rest is seen by nobody else, or belongs to what went before. */
static bool is_visible(enum mm1_effect_kind kind)
{
    return kind != MM1_EFFECT_OBSERVE && kind != MM1_EFFECT_RANDOM && kind != MM1_EFFECT_QUIT &&
           kind != MM1_EFFECT_TRAP_EXIT;
}

static bool sched_effect(struct mm1_sched *self, struct mm1_runnable *runnable,
                         const struct mm1_effect *effect, struct mm1_answer *answer)
{
    struct sim_world *world = MM1_CONTAINER_OF(self, struct sim_sched, base)->node->world;
    (void)answer;
    if (world->turn != NULL && is_visible(effect->kind)) {
        world->turn->at = runnable->fiber;
        mm1_fiber_jump(runnable->fiber, &world->self);
    }
    return true;
}

void sim_turns_init(struct sim_world *world)
{
    mm1_list_init(&world->idle_turns);
    mm1_list_init(&world->suspended);
    mm1_fiber_init_thread(&world->self);
}

static void abandon_turns(struct sim_world *world, const struct sim_node_state *node)
{
    MM1_LIST_FOREACH(link, &world->suspended) {
        struct sim_turn *turn = MM1_CONTAINER_OF(link, struct sim_turn, link);
        if (turn->node == node) {
            turn_free(world, turn);
        }
    }
}

void sim_turns_close(struct sim_world *world)
{
    MM1_CHECK(mm1_list_empty(&world->suspended));
    MM1_LIST_FOREACH(link, &world->idle_turns) {
        turn_free(world, MM1_CONTAINER_OF(link, struct sim_turn, link));
    }
    mm1_fiber_close(&world->self);
}

/* --- delivery by pairs ---------------------------------------------------------------------------------------- */

/* A signal on its way between two actors of a node. The first of its pair is the one that can arrive. */
struct held {
    struct mm1_list link; /* in node->held, in the order of sending */
    struct sim_arrival arrival;
    struct sim_node_state *node;
    void *signal;
    uint64_t from;
    uint64_t to;
};

static void held_offer(struct held *held)
{
    struct sim_world *world = held->node->world;
    sim_arrival_add(world, &held->arrival, world->now,
                    world->now + world->scenario->time.run_within_ns);
}

static struct held *first_of_pair(const struct sim_node_state *node, uint64_t from, uint64_t to)
{
    MM1_LIST_FOREACH(link, &node->held) {
        struct held *held = MM1_CONTAINER_OF(link, struct held, link);
        if (held->from == from && held->to == to) {
            return held;
        }
    }
    return NULL;
}

static void held_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct held *held = MM1_CONTAINER_OF(arrival, struct held, arrival);
    struct sim_node_state *node = held->node;
    mm1_list_remove(&held->link);
    struct held *next = first_of_pair(node, held->from, held->to);
    if (next != NULL) {
        held_offer(next);
    }
    mm1_node_land(node->node, held->signal);
    mm1_give(world->alloc, held, sizeof(*held));
}

static void held_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                          struct sim_key *key)
{
    const struct held *held = MM1_CONTAINER_OF(arrival, const struct held, arrival);
    const struct mm1_path *from = mm1_node_path(held->node->node, MM1_ADDR(held->from));
    const struct mm1_path *to = mm1_node_path(held->node->node, MM1_ADDR(held->to));
    char texts[2][MM1_PATH_TEXT_MAX];
    (void)world;
    (void)mm1_path_print(from, texts[0]);
    (void)mm1_path_print(to, texts[1]);
    snprintf(key->text, sizeof(key->text), "deliver %.140s to %.140s", texts[0], texts[1]);
    key->hash = XXH3_64bits(key->text, strlen(key->text));
}

static const struct sim_arrival_ops held_ops = {.arrive = held_arrive, .describe = held_describe};

static bool sched_hold(struct mm1_sched *self, struct mm1_node *mm1_node, void *signal,
                       mm1_addr from, mm1_addr to)
{
    struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_sched, base)->node;
    struct sim_world *world = node->world;
    /* What an actor sends itself is there at once. */
    if (!world->pairwise || mm1_addr_equal(from, to)) {
        return false;
    }
    MM1_CHECK(mm1_node == node->node);
    struct held *held = mm1_take_zero(world->alloc, sizeof(*held));
    MM1_CHECK(held != NULL);
    held->node = node;
    held->signal = signal;
    held->from = from.bits;
    held->to = to.bits;
    held->arrival.ops = &held_ops;
    held->arrival.host = node->host;
    held->arrival.entity = mm1_signal_number(signal);
    bool first = first_of_pair(node, held->from, held->to) == NULL;
    mm1_list_push_back(&node->held, &held->link);
    if (first) {
        held_offer(held);
    }
    return true;
}

static void held_drop_all(struct sim_node_state *node)
{
    MM1_LIST_FOREACH(link, &node->held) {
        struct held *held = MM1_CONTAINER_OF(link, struct held, link);
        sim_arrival_remove(node->world, &held->arrival);
        mm1_list_remove(link);
        mm1_node_drop(node->node, held->signal);
        mm1_give(node->world->alloc, held, sizeof(*held));
    }
}

static const struct mm1_sched_ops sched_ops = {
    .name = "sim",
    .ready = sched_ready,
    .effect = sched_effect,
    .hold = sched_hold,
};

void sim_sched_init(struct sim_node_state *node)
{
    node->sched = (struct sim_sched){.base = {.ops = &sched_ops}, .node = node};
    mm1_list_init(&node->held);
}

void sim_sched_close(struct sim_node_state *node)
{
    held_drop_all(node);
    abandon_turns(node->world, node);
    ready_clear(node);
}
