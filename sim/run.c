/* One run, from an empty world to a verdict. */
#include <stdio.h>

#include "sim/run.h"
#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

const char *sim_verdict_text(enum sim_verdict verdict)
{
    static const char *const texts[] = {
#define VERDICT_TEXT(code, text, exit_code) text,
        SIM_VERDICT_MAP(VERDICT_TEXT)
#undef VERDICT_TEXT
    };
    return (size_t)verdict < MM1_COUNT_OF(texts) ? texts[verdict] : "unknown";
}

int sim_verdict_exit(enum sim_verdict verdict)
{
    static const int codes[] = {
#define VERDICT_EXIT(code, text, exit_code) exit_code,
        SIM_VERDICT_MAP(VERDICT_EXIT)
#undef VERDICT_EXIT
    };
    return (size_t)verdict < MM1_COUNT_OF(codes) ? codes[verdict] : 3;
}

void sim_world_fail(struct sim_world *world, enum sim_verdict verdict, const char *signature,
                    const char *property, const char *format, ...)
{
    struct sim_result *result = world->result;
    if (result->verdict != SIM_PASSED) {
        return;
    }
    va_list args;
    va_start(args, format);
    vsnprintf(result->text, sizeof(result->text), format, args);
    va_end(args);
    result->verdict = verdict;
    snprintf(result->signature, sizeof(result->signature), "%s", signature);
    snprintf(result->property, sizeof(result->property), "%s", property);
    result->failed_seq = result->events;
    result->failed_time_ns = world->now - world->start;
    sim_faults_describe(world, result->active_faults, sizeof(result->active_faults));
    world->stop = true;
}

uint64_t sim_world_unrest(const struct sim_world *world)
{
    uint64_t unrest = world->unrest;
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        if (world->nodes[i].node != NULL) {
            unrest += mm1_node_unrest(world->nodes[i].node);
        }
    }
    return unrest;
}

/* --- the end -------------------------------------------------------------------------------------------------- */

/* Names who is not at rest. */
static void fail_restless(struct sim_world *world, bool stuck)
{
    char who[SIM_TEXT_MAX / 2] = "";
    size_t used = 0;
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        const struct sim_node_state *node = &world->nodes[i];
        uint64_t unrest = node->node == NULL ? 0 : mm1_node_unrest(node->node);
        if (unrest != 0 && used + 1 < sizeof(who)) {
            int size =
                snprintf(who + used, sizeof(who) - used, "%s%s (%llu)", used == 0 ? "" : ", ",
                         node->spec->name, (unsigned long long)unrest);
            used += size < 0 ? 0 : (size_t)size;
        }
    }
    sim_world_fail(world, SIM_LIVENESS, "liveness: restless at the end", "",
                   "the faults ended after %llu ms, and after %llu ms the system was not at "
                   "rest%s: messages or timers are pending on %s; on the network and disks: %llu",
                   (unsigned long long)(world->scenario->faults.until_ns / MM1_NS_PER_MS),
                   (unsigned long long)((world->now - world->start) / MM1_NS_PER_MS),
                   stuck ? " and nothing could happen any more" : "", used == 0 ? "no node" : who,
                   (unsigned long long)world->unrest);
}

/* True when the run is over. */
static bool is_over(struct sim_world *world)
{
    const struct sim_end *end = &world->scenario->end;
    if (world->stop) {
        return true;
    }
    if (end->quiet && world->calm_now) {
        if (sim_world_unrest(world) != 0) {
            world->quiet_since = UINT64_MAX;
        } else if (world->quiet_since == UINT64_MAX) {
            world->quiet_since = world->now;
        }
        if (world->quiet_since != UINT64_MAX &&
            world->now - world->quiet_since >= end->quiet_for_ns) {
            return true;
        }
    }
    if (world->now - world->start >= end->at_most_ns) {
        if (end->quiet && world->quiet_since == UINT64_MAX) {
            fail_restless(world, false);
        }
        return true;
    }
    return false;
}

static void note_vacuous(struct sim_world *world)
{
    char *out = world->result->vacuous;
    size_t size = sizeof(world->result->vacuous);
    for (int i = 0; i < SIM_FAULT_CLASSES; i++) {
        size_t used = strlen(out);
        if (world->swarm[i] && world->fired[i] == 0) {
            snprintf(out + used, size - used, "%sfault never fired: %s", used == 0 ? "" : "; ",
                     sim_fault_class_name((enum sim_fault_class)i));
        }
    }
}

/* --- the world ------------------------------------------------------------------------------------------------ */

static void draw_shape(struct sim_world *world)
{
    const struct sim_scenario *scenario = world->scenario;
    struct sim_stream start = {.site = SIM_SITE_START};
    struct sim_stream granularity = {.site = SIM_SITE_GRANULARITY};
    world->start =
        scenario->time.starts_ns[sim_choose(world, &start, scenario->time.start_count, NULL)];
    world->now = world->start;
    world->effects = scenario->granularity == SIM_GRANULARITY_EFFECT ||
                     (scenario->granularity == SIM_GRANULARITY_MIX &&
                      sim_choose(world, &granularity, 2, NULL) == 1);
    world->pairwise = scenario->local_delivery == SIM_LOCAL_PAIRWISE;
    world->result->start_ns = world->start;
}

void sim_world_open(struct sim_world *world, const struct sim_run_spec *spec,
                    struct sim_result *result)
{
    memset(world, 0, sizeof(*world));
    memset(result, 0, sizeof(*result));
    result->seed = spec->seed;
    world->spec = spec;
    world->scenario = spec->scenario;
    world->result = result;
    sim_pool_init(&world->pool, 0);
    world->alloc = &world->pool.base;
    world->deadlines = MM1_HEAP(world->alloc);
    world->scratch = MM1_BUF(world->alloc);
    world->json = MM1_BUF(world->alloc);
    world->steps = (struct sim_stream){.site = SIM_SITE_STEP};
    world->quiet_since = UINT64_MAX;
    world->hash =
        XXH3_64bits_withSeed(spec->scenario->hash, strlen(spec->scenario->hash), spec->seed);
    mm1_list_init(&world->listeners);
    mm1_list_init(&world->connections);
    mm1_list_init(&world->faults);
    draw_shape(world);
    sim_turns_init(world);
    sim_properties_init(world);
    if (sim_nodes_init(world) != MM1_OK) {
        sim_world_fail(world, SIM_UNABLE, "unable", "", "the world could not be built");
    }
    sim_faults_init(world);
}

void sim_world_close(struct sim_world *world)
{
    sim_net_close(world);
    sim_nodes_close(world);
    sim_faults_close(world);
    sim_properties_close(world);
    sim_actor_rows_close(world);
    sim_turns_close(world);
    sim_pool_close(&world->pool);
}

void sim_world_run(struct sim_world *world)
{
    while (!is_over(world)) {
        if (!sim_world_step(world)) {
            if (world->scenario->end.quiet && sim_world_unrest(world) != 0) {
                fail_restless(world, true);
            }
            break;
        }
    }
}

void sim_run(const struct sim_run_spec *spec, struct sim_result *result)
{
    struct sim_world world;
    sim_world_open(&world, spec, result);
    sim_world_run(&world);
    sim_properties_end(&world);
    note_vacuous(&world);
    result->hash = world.hash;
    result->end_ns = world.now;
    sim_world_close(&world);
}
