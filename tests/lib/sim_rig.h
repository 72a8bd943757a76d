/* A simulated world without its nodes: they would start much later, and their ports are the test's until then. Each
 * node is a place from which the test uses the ports, with a sink that collects the completions (conform.h). */
#ifndef MM1_TEST_SIM_RIG_H
#define MM1_TEST_SIM_RIG_H

#include <stdio.h>
#include <stdlib.h>

#include <mm1/node.h>
#include <mm1/system.h>

#include "conform.h"
#include "mm1_test.h"
#include "sim/world.h"

#define SIM_RIG_PLACES 4
/* When the nodes would start. */
#define SIM_RIG_START_NS (100 * 3600 * MM1_NS_PER_SEC)

struct sim_rig;

struct sim_place {
    struct conform_world base;
    struct sim_rig *rig;
    struct sim_node_state *node;
    unsigned names;
};

struct sim_rig {
    struct sim_world world;
    struct sim_scenario *scenario;
    struct sim_run_spec spec;
    struct sim_result result;
    struct sim_place places[SIM_RIG_PLACES];
    unsigned count;
};

static inline mm1_status sim_rig_receive(struct mm1_ctx *ctx, void *state,
                                         const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static inline const struct mm1_system *sim_rig_system(void)
{
    static const struct mm1_behaviour behaviour = {.name = "idle", .receive = sim_rig_receive};
    static const struct mm1_role role = {.name = "idle", .main = &behaviour};
    static const struct mm1_system system = {.abi = MM1_SYSTEM_ABI,
                                             .name = "rig",
                                             .source_version = "1",
                                             .roles = &role,
                                             .role_count = 1};
    return &system;
}

/* Loads a scenario from its text. */
static inline struct sim_scenario *sim_rig_load(const char *text, const struct mm1_system *system)
{
    struct sim_scenario *scenario = NULL;
    struct mm1_diag diag;
    mm1_status status = sim_scenario_load_text(mm1_text_of(text), "test.json", &scenario, &diag);
    cr_assert_eq(status, MM1_OK, "%s %s", status == MM1_OK ? "" : diag.path,
                 status == MM1_OK ? "" : diag.text);
    status = sim_scenario_resolve(scenario, system, &diag);
    cr_assert_eq(status, MM1_OK, "%s %s", status == MM1_OK ? "" : diag.path,
                 status == MM1_OK ? "" : diag.text);
    return scenario;
}

static inline uint64_t sim_rig_horizon(const struct sim_world *world)
{
    const struct mm1_heap_node *first = mm1_heap_first(&world->deadlines);
    uint64_t horizon = first == NULL ? UINT64_MAX : first->key;
    for (size_t i = 0; i < world->active_count; i++) {
        uint64_t latest = world->nodes[world->active[i]].run_latest;
        horizon = latest < horizon ? latest : horizon;
    }
    return horizon;
}

/* One step, unless nothing is left but the nodes' start. */
static inline bool sim_rig_step(struct sim_rig *rig)
{
    struct sim_world *world = &rig->world;
    return sim_rig_horizon(world) < world->start + SIM_RIG_START_NS && sim_world_step(world);
}

/* Steps until nothing is left to do. */
static inline void sim_rig_settle(struct sim_rig *rig)
{
    while (sim_rig_step(rig)) {
    }
}

struct sim_rig_alarm {
    struct mm1_timer timer;
    bool rang;
};

static inline void sim_rig_ring(struct mm1_timer *timer)
{
    MM1_CONTAINER_OF(timer, struct sim_rig_alarm, timer)->rang = true;
}

/* Lets the world work for so long, and up to the timer slack longer. The first host may not be paused meanwhile. */
static inline void sim_rig_advance(struct sim_rig *rig, uint64_t ns)
{
    struct mm1_clock *clock = rig->places[0].base.env.clock;
    struct sim_rig_alarm alarm = {.timer = {.fire = sim_rig_ring}};
    alarm.timer.due_ns = rig->world.now + ns;
    clock->ops->arm(clock, &alarm.timer);
    while (!alarm.rang) {
        cr_assert(sim_rig_step(rig));
    }
}

static inline bool sim_rig_drive(struct conform_world *base, bool (*done)(void *arg), void *arg)
{
    struct sim_rig *rig = MM1_CONTAINER_OF(base, struct sim_place, base)->rig;
    for (unsigned i = 0; i < 5000000; i++) {
        if (done(arg)) {
            return true;
        }
        if (!sim_rig_step(rig)) {
            return false;
        }
    }
    return false;
}

/* Attaches the place's sink to the ports of its node as they are now. */
static inline void sim_place_attach(struct sim_place *place)
{
    struct mm1_env *env = &place->base.env;
    *env = place->node->env;
    env->transport->ops->attach(env->transport, &place->base.sink.base);
    env->store->ops->attach(env->store, &place->base.sink.base);
}

static inline struct sim_rig *sim_rig_new(const char *text, uint64_t seed,
                                          const struct conform_ops *ops)
{
    struct sim_rig *rig = calloc(1, sizeof(*rig));
    cr_assert_not_null(rig);
    rig->scenario = sim_rig_load(text, sim_rig_system());
    rig->spec =
        (struct sim_run_spec){.scenario = rig->scenario, .system = sim_rig_system(), .seed = seed};
    sim_world_open(&rig->world, &rig->spec, &rig->result);
    cr_assert_eq(rig->result.verdict, SIM_PASSED, "%s", rig->result.text);
    rig->count = rig->scenario->node_count;
    cr_assert_leq(rig->count, SIM_RIG_PLACES);
    for (unsigned i = 0; i < rig->count; i++) {
        struct sim_place *place = &rig->places[i];
        place->rig = rig;
        place->node = &rig->world.nodes[i];
        place->base.ops = ops;
        place->base.one_thread = true;
        sim_ports_init(place->node);
        conform_sink_init(&place->base.sink);
        sim_place_attach(place);
    }
    return rig;
}

static inline void sim_rig_free(struct sim_rig *rig)
{
    sim_world_close(&rig->world);
    for (unsigned i = 0; i < rig->count; i++) {
        conform_sink_close(&rig->places[i].base.sink);
    }
    sim_scenario_free(rig->scenario);
    free(rig);
}

#endif
