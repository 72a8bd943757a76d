/* mm1/sim.h: stepping. */
#include <string.h>

#include "sim/api.h"

/* --- the alarm that ends a wait ------------------------------------------------------------------------------- */

static void alarm_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    (void)world;
    MM1_CONTAINER_OF(arrival, struct mm1_sim, alarm)->rang = true;
}

static void alarm_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                           struct sim_key *key)
{
    static const char TEXT[] = "the test's own alarm";
    (void)world;
    (void)arrival;
    memcpy(key->text, TEXT, sizeof(TEXT));
    key->hash = 1;
}

static const struct sim_arrival_ops alarm_ops = {.arrive = alarm_arrive,
                                                 .describe = alarm_describe};

/* UINT64_MAX, and what the clock cannot reach: no alarm. */
static void set_alarm(struct mm1_sim *sim, uint64_t after_ns)
{
    sim->rang = false;
    if (after_ns < UINT64_MAX - sim->world.now) {
        uint64_t at = sim->world.now + after_ns;
        sim->alarm = (struct sim_arrival){.ops = &alarm_ops, .entity = 1};
        sim_arrival_add(&sim->world, &sim->alarm, at, at);
    }
}

static void clear_alarm(struct mm1_sim *sim)
{
    sim_arrival_remove(&sim->world, &sim->alarm);
}

/* --- running -------------------------------------------------------------------------------------------------- */

bool mm1_sim_step(struct mm1_sim *sim)
{
    MM1_CHECK(sim->world.turn == NULL); /* not inside a turn */
    return !sim_api_over(sim) && sim_world_step(&sim->world);
}

mm1_status mm1_sim_run_until(struct mm1_sim *sim, uint64_t limit_ns,
                             bool (*done)(struct mm1_sim *sim, void *arg), void *arg)
{
    mm1_status status = MM1_OK;
    set_alarm(sim, limit_ns);
    while (!done(sim, arg)) {
        if (sim->rang) {
            status = MM1_TIMEOUT;
            break;
        }
        if (!mm1_sim_step(sim)) {
            status = sim_api_over(sim) ? MM1_CLOSED : MM1_TIMEOUT;
            break;
        }
    }
    clear_alarm(sim);
    return sim_api_over(sim) ? MM1_CLOSED : status;
}

static bool is_never(struct mm1_sim *sim, void *arg)
{
    (void)sim;
    (void)arg;
    return false;
}

mm1_status mm1_sim_run_for(struct mm1_sim *sim, uint64_t ns)
{
    if (ns >= UINT64_MAX - sim->world.now) {
        return MM1_INVALID;
    }
    mm1_status status = mm1_sim_run_until(sim, ns, is_never, NULL);
    return status == MM1_TIMEOUT ? MM1_OK : status;
}

static bool is_quiet(struct mm1_sim *sim, void *arg)
{
    (void)arg;
    return sim->world.calm_now && sim_world_unrest(&sim->world) == 0;
}

mm1_status mm1_sim_run_until_quiet(struct mm1_sim *sim, uint64_t limit_ns)
{
    return mm1_sim_run_until(sim, limit_ns, is_quiet, NULL);
}

struct idle {
    struct sim_node_state *node;
    uint64_t horizon_ns;
};

/* A node that went down is not waited for. */
static bool is_idle(struct mm1_sim *sim, void *arg)
{
    const struct idle *idle = arg;
    struct mm1_node *node = idle->node->node;
    if (node == NULL) {
        return true;
    }
    if (!mm1_node_idle(node) || !mm1_list_empty(&idle->node->held)) {
        return false;
    }
    struct mm1_clock *clock = mm1_node_env(node)->clock;
    uint64_t due = clock->ops->next_due(clock);
    return due == UINT64_MAX || (due > sim->world.now && due - sim->world.now > idle->horizon_ns);
}

mm1_status mm1_sim_run_until_idle(struct mm1_sim_node *node, uint64_t horizon_ns, uint64_t limit_ns)
{
    struct idle idle = {.node = sim_api_state(node), .horizon_ns = horizon_ns};
    if (idle.node->node == NULL) {
        return MM1_CLOSED;
    }
    MM1_TRY(mm1_sim_run_until(node->sim, limit_ns, is_idle, &idle));
    return idle.node->node == NULL ? MM1_CLOSED : MM1_OK;
}

mm1_status mm1_sim_run_scenario(struct mm1_sim *sim)
{
    if (!sim->has_scenario) {
        return MM1_INVALID;
    }
    if (!sim_api_over(sim)) {
        sim_world_run(&sim->world);
    }
    return sim_api_over(sim) ? MM1_CLOSED : MM1_OK;
}

uint64_t mm1_sim_now(const struct mm1_sim *sim)
{
    return sim->world.now;
}

uint64_t mm1_sim_elapsed(const struct mm1_sim *sim)
{
    return sim->world.now - sim->world.start;
}
