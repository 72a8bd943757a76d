/* One run of a case: the world is a scenario made by hand, the very one that sup_scenario_print writes as a file. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <mm1/clock.h>

#include "base/mutant.h"
#include "base/prng.h"
#include "fuzz/sup_run.h"
#include "fuzz/sup_stage.h"
#include "fuzz/sup_system.h"
#include "sim/run.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* Keeps these draws apart from those of the run and of the generator. */
#define KEY UINT64_C(0x737570776f726c64)

#define HOUR_NS (3600 * MM1_NS_PER_SEC)
#define HOURS_MAX UINT64_C(876000) /* of a scenario */
#define EVENTS_MAX 200000u         /* of a run; beyond it, it does not end */
#define MEMORY_MIB 256u
#define STACK_KIB 256u /* the judges run on the fiber of whoever is judged */
#define TURN_NS 2000u
#define SLACK_NS MM1_NS_PER_MS

struct sup_world sup_world_of(uint64_t seed)
{
    struct sup_world world = {.seed = seed};
    const uint64_t starts[] = {0, 1, 480000 * HOUR_NS, HOURS_MAX * HOUR_NS,
                               mm1_prng_below(mm1_prng_word(seed, KEY, 1, 0), HOURS_MAX * HOUR_NS)};
    world.start_ns = starts[mm1_prng_below(mm1_prng_word(seed, KEY, 0, 0), MM1_COUNT_OF(starts))];
    world.effects = mm1_prng_below(mm1_prng_word(seed, KEY, 2, 0), 2) == 1;
    world.pairwise = mm1_prng_below(mm1_prng_word(seed, KEY, 3, 0), 3) == 1;
    world.exact = mm1_prng_below(mm1_prng_word(seed, KEY, 4, 0), 2) == 1;
    return world;
}

/* --- the scenario --------------------------------------------------------------------------------------------- */

struct stage_set {
    struct sim_host host;
    struct sim_node node;
    struct mm1_net bind;
    const struct mm1_property *property;
    struct sup_stage_arg arg;
    struct sim_scenario scenario;
};

static void set_node(struct stage_set *set, struct mm1_text script)
{
    set->host = (struct sim_host){.name = "n"};
    set->arg = (struct sup_stage_arg){.script = script, .plays = true};
    set->bind = (struct mm1_net){.addr = {0xfff0000000000000u}, .mask = 13};
    set->node = (struct sim_node){
        .name = "n",
        .auto_net = MM1_NET_DEFAULT_AUTO,
        .binds = &set->bind,
        .bind_count = 1,
        .role_name = "case",
        .role = &sup_system.roles[0],
        .arg = &set->arg,
        .arg_size = sizeof(set->arg),
    };
}

/* Whatever the file does not say is as the loader has it. */
static void set_scenario(struct stage_set *set, const struct sup_world *world)
{
    struct sim_scenario *s = &set->scenario;
    set->property = &sup_system.properties[0];
    *s = (struct sim_scenario){
        .file = "supervisors.json",
        .name = "supervisors",
        .text = "",
        .system_name = sup_system.name,
        .about = "",
        .hosts = &set->host,
        .host_count = 1,
        .nodes = &set->node,
        .node_count = 1,
        .time = {.starts_ns = &world->start_ns,
                 .start_count = 1,
                 .turn_ns = world->exact ? 0 : TURN_NS,
                 .run_within_ns = world->exact ? 0 : SLACK_NS,
                 .timer_slack_ns = world->exact ? 0 : SLACK_NS},
        .granularity = world->effects ? SIM_GRANULARITY_EFFECT : SIM_GRANULARITY_TURN,
        .local_delivery = world->pairwise ? SIM_LOCAL_PAIRWISE : SIM_LOCAL_CAUSAL,
        .network = {.latency = {MM1_NS_PER_MS, 10 * MM1_NS_PER_MS}, .chunk = 65536},
        .store_latency = {100000, 5 * MM1_NS_PER_MS},
        .end = {.at_most_ns = HOURS_MAX * HOUR_NS, .quiet = true},
        .bounds = {.events = EVENTS_MAX,
                   .events_per_instant = EVENTS_MAX,
                   .memory = (uint64_t)MEMORY_MIB << 20,
                   .fiber_stack = (uint64_t)STACK_KIB << 10},
        .seeds = {.first = world->seed, .last = world->seed},
        .system = &sup_system,
        .properties = &set->property,
        .property_count = 1,
    };
    /* What the chain of hashes begins with: the case and the world. */
    const uint64_t words[] = {world->effects, world->pairwise, world->exact, world->start_ns};
    uint64_t text = XXH3_64bits(set->arg.script.data, set->arg.script.size);
    (void)snprintf(s->hash, sizeof(s->hash), "%016" PRIx64 "%016" PRIx64, text,
                   (uint64_t)XXH3_64bits(words, sizeof(words)));
}

static mm1_status print_world(const struct sup_world *world, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_format(out, "    \"time\": {\"start\": [\"%" PRIu64 "ns\"]", world->start_ns));
    if (world->exact) {
        MM1_TRY(mm1_buf_format(
            out, ", \"turn\": \"0ns\", \"run_within\": \"0ns\", \"timer_slack\": \"0ns\""));
    }
    return mm1_buf_format(out,
                          "},\n    \"granularity\": \"%s\",\n    \"local_delivery\": \"%s\",\n"
                          "    \"end\": {\"at_most\": \"%" PRIu64 "h\"},\n"
                          "    \"bounds\": {\"events\": %u, \"events_per_instant\": %u, "
                          "\"fiber_stack\": \"%uKiB\"},\n"
                          "    \"seeds\": \"%" PRIu64 "\"\n}\n",
                          world->effects ? "effect" : "turn",
                          world->pairwise ? "pairwise" : "causal", HOURS_MAX, EVENTS_MAX,
                          EVENTS_MAX, STACK_KIB, world->seed);
}

mm1_status sup_scenario_print(const struct sup_case *the_case, const struct sup_world *world,
                              const struct sup_run *run, struct mm1_buf *out)
{
    struct mm1_buf script = MM1_BUF(out->alloc);
    struct mm1_buf about = MM1_BUF(out->alloc);
    mm1_status status = sup_case_print(the_case, &script);
    if (status == MM1_OK) {
        status = mm1_buf_format(&about, "%s", run->failed ? run->signature : the_case->name);
    }
    if (status == MM1_OK) {
        status =
            mm1_buf_format(out, "{\n    \"system\": \"%s\",\n    \"about\": ", sup_system.name);
    }
    if (status == MM1_OK) {
        status = mm1_json_string(mm1_buf_text(&about), out);
    }
    if (status == MM1_OK) {
        status =
            mm1_buf_format(out, ",\n    \"hosts\": {\"n\": {}},\n    \"nodes\": {\"n\": {\"role\": "
                                "\"case\", \"args\": {\"plays\": true, \"script\": ");
    }
    if (status == MM1_OK) {
        status = mm1_json_string(mm1_buf_text(&script), out);
    }
    if (status == MM1_OK) {
        status = mm1_buf_format(out, "}}},\n");
    }
    if (status == MM1_OK) {
        status = print_world(world, out);
    }
    mm1_buf_close(&script);
    mm1_buf_close(&about);
    return status;
}

/* --- the run -------------------------------------------------------------------------------------------------- */

struct counter {
    struct mm1_trace trace;
    struct sup_run *run;
};

static bool is_member(struct mm1_text behaviour)
{
    return mm1_text_equal(behaviour, MM1_TEXT(SUP_WORKER_NAME)) ||
           mm1_text_equal(behaviour, MM1_TEXT(SUP_SUPERVISOR_NAME));
}

static uint64_t count_event(struct mm1_trace *self, const struct mm1_event *event)
{
    struct sup_run *run = MM1_CONTAINER_OF(self, struct counter, trace)->run;
    if (event->kind == MM1_EVENT_SPAWN && event->status == MM1_OK && event->other != NULL &&
        is_member(event->text)) {
        run->starts++;
        run->again += event->other->ordinal > 1 ? 1 : 0;
    } else if (event->kind == MM1_EVENT_OBSERVE && event->type == &sup_began_type) {
        run->began = !((const struct sup_began *)event->msg)->why.some;
    }
    return 0;
}

static const struct mm1_trace_ops counter_ops = {.name = "counter", .emit = count_event};

/* What findings are told apart by: of a property, its rule, with which the text begins. */
static void sign(const struct sim_result *result, struct sup_run *out)
{
    const char *end = strstr(result->text, ": ");
    if (result->verdict != SIM_PROPERTY || end == NULL || end - result->text > 60) {
        (void)snprintf(out->signature, sizeof(out->signature), "%.95s", result->signature);
        return;
    }
    (void)snprintf(out->signature, sizeof(out->signature), "%.30s: %.*s", result->property,
                   (int)(end - result->text), result->text);
}

static void play(const struct sim_scenario *scenario, uint64_t seed,
                 const struct sup_run_watch *watch, struct sup_run *out)
{
    struct counter counter = {.trace = {.ops = &counter_ops}, .run = out};
    struct sim_result result;
    const struct sim_run_spec spec = {
        .scenario = scenario,
        .system = &sup_system,
        .seed = seed,
        .listener = &counter.trace,
        .progress = watch == NULL ? NULL : watch->progress,
        .running = watch == NULL ? NULL : watch->running,
    };
    *out = (struct sup_run){0};
    mm1__mutant_reset();
    sim_run(&spec, &result);
    out->failed = result.verdict != SIM_PASSED;
    out->code = sim_verdict_exit(result.verdict);
    out->events = result.events;
    out->hash = result.hash;
    out->virtual_ns = result.end_ns - result.start_ns;
    if (out->failed) {
        (void)snprintf(out->text, sizeof(out->text), "%s", result.text);
        sign(&result, out);
    }
}

mm1_status sup_run_case(const struct sup_case *the_case, const struct sup_world *world,
                        const struct sup_run_watch *watch, struct sup_run *out)
{
    struct mm1__arena arena;
    struct stage_set set;
    mm1__arena_init(&arena);
    struct mm1_buf script = MM1_BUF(&arena.base);
    mm1_status status = sup_case_print(the_case, &script);
    if (status == MM1_OK) {
        set_node(&set, mm1_buf_text(&script));
        set_scenario(&set, world);
        play(&set.scenario, world->seed, watch, out);
    }
    mm1__arena_close(&arena);
    return status;
}

mm1_status sup_run_scenario(struct mm1_text scenario, const struct sup_run_watch *watch,
                            struct sup_run *out)
{
    struct mm1_diag diag = {0};
    struct sim_scenario *loaded;
    MM1_TRY(sim_scenario_load_text(scenario, "supervisors.json", &loaded, &diag));
    mm1_status status = sim_scenario_resolve(loaded, &sup_system, &diag);
    if (status == MM1_OK) {
        play(loaded, loaded->seeds.first, watch, out);
    }
    sim_scenario_free(loaded);
    return status;
}
