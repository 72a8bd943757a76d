/* mm1/sim.h: opening and closing a world. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/diag.h"
#include "sim/api.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define PLACES_DEFAULT 16u
#define PLACES_MAX 256u

/* What a world without a scenario is: every default of the format, and nobody in it. */
static const char EMPTY[] = "{\"system\": \"test\", \"hosts\": {\"none\": {}}, \"nodes\": "
                            "{\"none\": {\"role\": \"none\"}}, "
                            "\"end\": {\"quiet\": false}}";

static mm1_status refuse(char error[MM1_SIM_ERROR_MAX], mm1_status status, const char *text)
{
    (void)snprintf(error, MM1_SIM_ERROR_MAX, "%s", text);
    return status;
}

/* --- options -------------------------------------------------------------------------------------------------- */

static mm1_status check_options(const struct mm1_sim_options *o, char error[MM1_SIM_ERROR_MAX])
{
    if ((unsigned)o->granularity > MM1_SIM_EFFECT ||
        (unsigned)o->local_delivery > MM1_SIM_PAIRWISE) {
        return refuse(error, MM1_INVALID, "granularity or local_delivery: no such value");
    }
    if (o->scenario != NULL && o->scenario_file != NULL) {
        return refuse(error, MM1_INVALID, "scenario and scenario_file: at most one of the two");
    }
    if ((o->scenario != NULL || o->scenario_file != NULL) && o->system == NULL) {
        return refuse(error, MM1_INVALID, "a scenario needs its system");
    }
    if (o->latency.min_ns > o->latency.max_ns ||
        o->store_latency.min_ns > o->store_latency.max_ns) {
        return refuse(error, MM1_INVALID, "a window ends before it begins");
    }
    if (o->hosts_max > PLACES_MAX || o->nodes_max > PLACES_MAX) {
        return refuse(error, MM1_INVALID, "hosts_max or nodes_max: at most 256");
    }
    if (o->system != NULL && o->system->abi != MM1_SYSTEM_ABI) {
        return refuse(error, MM1_INVALID, "the system was built for another mm1");
    }
    return MM1_OK;
}

static mm1_status keep_text(struct mm1_sim *sim, const char **text)
{
    if (*text != NULL) {
        *text = mm1__arena_text(&sim->arena, mm1_text_of(*text));
        return *text == NULL ? MM1_NOMEM : MM1_OK;
    }
    return MM1_OK;
}

static mm1_status keep_options(struct mm1_sim *sim, const struct mm1_sim_options *options)
{
    sim->options = *options;
    struct mm1_sim_options *own = &sim->options;
    own->hosts_max = own->hosts_max == 0 ? PLACES_DEFAULT : own->hosts_max;
    own->nodes_max = own->nodes_max == 0 ? PLACES_DEFAULT : own->nodes_max;
    MM1_TRY(keep_text(sim, &own->name));
    MM1_TRY(keep_text(sim, &own->scenario_file));
    MM1_TRY(keep_text(sim, &own->trace));
    return MM1_OK;
}

/* The system that the world runs: that of the options, with the types that came besides. */
static mm1_status make_system(struct mm1_sim *sim)
{
    const struct mm1_sim_options *o = &sim->options;
    static const struct mm1_system none = {
        .abi = MM1_SYSTEM_ABI, .name = "test", .source_version = "", .about = ""};
    sim->system = o->system == NULL ? none : *o->system;
    size_t count = sim->system.type_count + o->type_count;
    const struct mm1_msg_type **types = mm1__arena_array(&sim->arena, count, sizeof(*types));
    if (types == NULL) {
        return MM1_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        types[i] = i < sim->system.type_count ? sim->system.types[i]
                                              : o->types[i - sim->system.type_count];
    }
    sim->system.types = types;
    sim->system.type_count = count;
    return MM1_OK;
}

/* --- the scenario --------------------------------------------------------------------------------------------- */

static mm1_status load(struct mm1_sim *sim, char error[MM1_SIM_ERROR_MAX])
{
    const struct mm1_sim_options *o = &sim->options;
    struct mm1_diag diag = {0};
    char line[MM1_DIAG_LINE_MAX];
    mm1_status status;
    sim->has_scenario = o->scenario != NULL || o->scenario_file != NULL;
    if (o->scenario_file != NULL) {
        status = sim_scenario_load_file(o->scenario_file, &sim->loaded, &diag);
    } else {
        const char *text = o->scenario != NULL ? o->scenario : EMPTY;
        status = sim_scenario_load_text(mm1_text_of(text), "test.json", &sim->loaded, &diag);
    }
    if (status == MM1_OK && sim->has_scenario) {
        status = sim_scenario_resolve(sim->loaded, o->system, &diag);
    }
    if (status != MM1_OK) {
        (void)mm1__diag_print(&diag, line);
        return refuse(error, status, line);
    }
    return MM1_OK;
}

static uint64_t or_default(uint64_t value, uint64_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void apply_window(struct sim_window *window, struct mm1_sim_window said)
{
    if (said.max_ns != 0) {
        *window = (struct sim_window){.min_ns = said.min_ns, .max_ns = said.max_ns};
    }
}

static void apply_options(struct sim_scenario *s, const struct mm1_sim_options *o)
{
    static const enum sim_granularity granularities[] = {SIM_GRANULARITY_MIX, SIM_GRANULARITY_TURN,
                                                         SIM_GRANULARITY_EFFECT};
    if (o->granularity != MM1_SIM_DRAWN) {
        s->granularity = granularities[o->granularity];
    }
    if (o->local_delivery == MM1_SIM_PAIRWISE) {
        s->local_delivery = SIM_LOCAL_PAIRWISE;
    }
    s->time.turn_ns = or_default(o->turn_ns, s->time.turn_ns);
    s->time.run_within_ns = or_default(o->run_within_ns, s->time.run_within_ns);
    s->time.timer_slack_ns = or_default(o->timer_slack_ns, s->time.timer_slack_ns);
    apply_window(&s->network.latency, o->latency);
    apply_window(&s->store_latency, o->store_latency);
    s->bounds.memory = or_default(o->memory, s->bounds.memory);
    s->bounds.events = or_default(o->events_max, s->bounds.events);
}

static mm1_status make_scenario(struct mm1_sim *sim)
{
    struct sim_scenario *s = &sim->scenario;
    const struct mm1_sim_options *o = &sim->options;
    *s = *sim->loaded;
    if (!sim->has_scenario) {
        const struct mm1_property **list =
            mm1__arena_array(&sim->arena, sim->system.property_count, sizeof(*list));
        if (list == NULL) {
            return MM1_NOMEM;
        }
        for (size_t i = 0; i < sim->system.property_count; i++) {
            list[i] = &sim->system.properties[i];
        }
        s->properties = list;
        s->property_count = (uint32_t)sim->system.property_count;
        s->host_count = 0;
        s->node_count = 0;
    }
    apply_options(s, o);
    int size =
        snprintf(sim->identity, sizeof(sim->identity),
                 SIM_OPTIONS_OF_TEST "scenario=%s granularity=%d local_delivery=%d turn=%" PRIu64
                                     " run_within=%" PRIu64 " timer_slack=%" PRIu64
                                     " latency=%" PRIu64 "..%" PRIu64 " store=%" PRIu64 "..%" PRIu64
                                     " memory=%" PRIu64 " events=%" PRIu64,
                 sim->has_scenario ? s->hash : "none", (int)s->granularity, (int)s->local_delivery,
                 s->time.turn_ns, s->time.run_within_ns, s->time.timer_slack_ns,
                 s->network.latency.min_ns, s->network.latency.max_ns, s->store_latency.min_ns,
                 s->store_latency.max_ns, s->bounds.memory, s->bounds.events);
    MM1_CHECK(size > 0 && (size_t)size < sizeof(sim->identity));
    XXH128_hash_t hash = XXH3_128bits(sim->identity, (size_t)size);
    (void)snprintf(s->hash, sizeof(s->hash), "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
                   (uint64_t)hash.low64);
    return MM1_OK;
}

/* --- opening -------------------------------------------------------------------------------------------------- */

/* Everything up to the world itself. */
static mm1_status prepare(struct mm1_sim *sim, const struct mm1_sim_options *options,
                          char error[MM1_SIM_ERROR_MAX])
{
    MM1_TRY(keep_options(sim, options));
    MM1_TRY(make_system(sim));
    MM1_TRY(load(sim, error));
    MM1_TRY(make_scenario(sim));
    MM1_TRY(sim_api_nodes_open(sim, error));
    MM1_TRY(sim_api_record_open(sim));
    return sim_api_trace_open(sim, error);
}

static void free_sim(struct mm1_sim *sim)
{
    sim_api_record_close(sim);
    sim_scenario_free(sim->loaded);
    mm1__arena_close(&sim->arena);
    free(sim->report);
    free(sim);
}

mm1_status mm1_sim_open(const struct mm1_sim_options *options, struct mm1_sim **out,
                        char error[MM1_SIM_ERROR_MAX])
{
    char unwanted[MM1_SIM_ERROR_MAX];
    error = error == NULL ? unwanted : error;
    MM1_TRY(check_options(options, error));
    (void)snprintf(error, MM1_SIM_ERROR_MAX, "%s", mm1_status_text(MM1_NOMEM));
    struct mm1_sim *sim = calloc(1, sizeof(*sim));
    if (sim == NULL) {
        return MM1_NOMEM;
    }
    mm1__arena_init(&sim->arena);
    mm1_list_init(&sim->probes);
    mm1_list_init(&sim->faults);
    mm1_status status = prepare(sim, options, error);
    if (status != MM1_OK) {
        sim_trace_db_abandon(sim->trace);
        free_sim(sim);
        return status;
    }
    sim->spec = (struct sim_run_spec){
        .scenario = &sim->scenario,
        .system = &sim->system,
        .seed = options->seed,
        .hosts_max = sim->scenario.host_count + sim->options.hosts_max,
        .nodes_max = sim->scenario.node_count + sim->options.nodes_max,
        .sink = &sim->record.sink,
        .listener = options->listener,
        .running = &sim->running,
    };
    sim_world_open(&sim->world, &sim->spec, &sim->result);
    if (sim->result.verdict != SIM_PASSED) {
        sim_trace_db_abandon(sim->trace);
        sim->trace = NULL;
        mm1_sim_close(sim);
        return refuse(error, MM1_INVALID,
                      "the types cannot be registered: two of one name, or one that breaks a rule");
    }
    error[0] = '\0';
    *out = sim;
    return MM1_OK;
}

void mm1_sim_close(struct mm1_sim *sim)
{
    if (sim == NULL) {
        return;
    }
    sim_arrival_remove(&sim->world, &sim->alarm);
    sim->result.hash = sim->world.hash;
    sim->result.end_ns = sim->world.now;
    sim_api_trace_close(sim);
    /* What ends with the world is no event of it. */
    sim->spec.sink = NULL;
    sim_world_close(&sim->world);
    sim_api_probes_close(sim);
    free_sim(sim);
}

uint64_t mm1_sim_hash(const struct mm1_sim *sim)
{
    return sim->world.hash;
}

uint64_t mm1_sim_seed(const struct mm1_sim *sim)
{
    return sim->spec.seed;
}
