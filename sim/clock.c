/* The simulated clock and random ports. A timer is a pending arrival, kept in the timer's own memory. */
#include <stdio.h>

#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A timer that is armed. */
struct armed {
    struct sim_arrival arrival;
    const struct sim_node_state *node;
};

_Static_assert(sizeof(struct armed) <= sizeof(((struct mm1_timer *)NULL)->port),
               "a pending timer fits into what the clock port has of a timer");

static struct armed *armed_of(struct mm1_timer *timer)
{
    return (struct armed *)(void *)timer->port;
}

static struct mm1_timer *timer_of(const struct sim_arrival *arrival)
{
    return MM1_CONTAINER_OF(arrival, struct mm1_timer, port);
}

static uint64_t clock_monotonic(struct mm1_clock *self)
{
    return MM1_CONTAINER_OF(self, struct sim_clock, base)->node->world->now;
}

/* The wall clock shows the same hour in every run: 2020-01-01 at virtual time 0. */
#define WALL_EPOCH_NS (UINT64_C(1577836800) * MM1_NS_PER_SEC)

static uint64_t clock_wall(struct mm1_clock *self)
{
    const struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_clock, base)->node;
    return WALL_EPOCH_NS + node->world->now + node->host->wall_shift_ns;
}

static void timer_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    (void)world;
    struct mm1_timer *timer = timer_of(arrival);
    timer->fire(timer);
}

static void timer_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                           struct sim_key *key)
{
    (void)world;
    snprintf(key->text, sizeof(key->text), "timer on %s", arrival->host->spec->name);
    key->hash = XXH3_64bits_withSeed(key->text, strlen(key->text), arrival->entity);
}

static const struct sim_arrival_ops timer_ops = {.arrive = timer_arrive,
                                                 .describe = timer_describe};

static void clock_arm(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_clock, base)->node;
    struct sim_world *world = node->world;
    struct armed *armed = armed_of(timer);
    *armed = (struct armed){
        .arrival = {.ops = &timer_ops, .host = node->host, .entity = timer->entity}, .node = node};
    uint64_t earliest = timer->due_ns < world->now ? world->now : timer->due_ns;
    uint64_t slack = world->scenario->time.timer_slack_ns;
    sim_arrival_add(world, &armed->arrival, earliest,
                    slack > UINT64_MAX - earliest ? UINT64_MAX : earliest + slack);
}

static bool clock_cancel(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct sim_world *world = MM1_CONTAINER_OF(self, struct sim_clock, base)->node->world;
    struct armed *armed = armed_of(timer);
    if (!sim_arrival_pending(&armed->arrival)) {
        return false;
    }
    sim_arrival_remove(world, &armed->arrival);
    return true;
}

/* The pending arrivals stand in the order of their earliest times; only a pause of the host moves one behind its due
 * time, so all of them are looked at. */
static uint64_t clock_next_due(struct mm1_clock *self)
{
    const struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_clock, base)->node;
    uint64_t next = UINT64_MAX;
    MM1_TREE_FOREACH(tree_node, &node->world->arrivals) {
        const struct sim_arrival *arrival =
            MM1_CONTAINER_OF(tree_node, struct sim_arrival, by_earliest);
        if (arrival->ops == &timer_ops &&
            MM1_CONTAINER_OF(arrival, const struct armed, arrival)->node == node) {
            const struct mm1_timer *timer = timer_of(arrival);
            next = timer->background || timer->due_ns > next ? next : timer->due_ns;
        }
    }
    return next;
}

static const struct mm1_clock_ops clock_ops = {
    .name = "sim",
    .monotonic = clock_monotonic,
    .wall = clock_wall,
    .arm = clock_arm,
    .cancel = clock_cancel,
    .next_due = clock_next_due,
};

void sim_clock_init(struct sim_node_state *node)
{
    node->clock = (struct sim_clock){.base = {.ops = &clock_ops}, .node = node};
}

/* --- random --------------------------------------------------------------------------------------------------- */

_Static_assert((int)SIM_SITE_FIRST_BLOCK == (int)MM1_RANDOM_FIRST_BLOCK &&
                   (int)SIM_SITE_USER == (int)MM1_RANDOM_USER &&
                   (int)SIM_SITE_TRACE_ID == (int)MM1_RANDOM_TRACE_ID,
               "the purposes of the random port are sites");

static uint64_t random_draw(struct mm1_random *self, enum mm1_random_purpose purpose,
                            uint64_t entity, uint64_t nth, uint64_t n)
{
    struct sim_node_state *node = MM1_CONTAINER_OF(self, struct sim_random, base)->node;
    return sim_choose_at(node->world, (enum sim_site)purpose, entity, nth, n, NULL);
}

static const struct mm1_random_ops random_ops = {.name = "sim", .draw = random_draw};

void sim_random_init(struct sim_node_state *node)
{
    node->random = (struct sim_random){.base = {.ops = &random_ops}, .node = node};
}
