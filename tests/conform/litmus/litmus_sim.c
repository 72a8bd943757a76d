/* Runs of a litmus program in the simulator. */
#include <stdio.h>
#include <stdlib.h>

#include "litmus_sim.h"
#include "sim/run.h"

/* Time is abstract: what is ready may wait for longer than a timer of a while, so that the timer may fire at any
 * moment. Whoever waits until it is late waits for longer than all that. */
static const struct litmus_pace pace = {.while_ns = MM1_NS_PER_MS, .late_ns = 10 * MM1_NS_PER_SEC};
static const char text[] =
    "{\"system\": \"litmus\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {\"role\": \"litmus\"}}, "
    "\"time\": {\"run_within\": \"5ms\", \"timer_slack\": \"5ms\"}, "
    "\"granularity\": \"effect\", \"local_delivery\": \"pairwise\", "
    "\"end\": {\"at_most\": \"1h\", \"quiet\": false}}";

static struct sim_scenario *load(const struct mm1_system *system)
{
    struct sim_scenario *scenario = NULL;
    struct mm1_diag diag;
    if (sim_scenario_load_text(mm1_text_of(text), "litmus.json", &scenario, &diag) != MM1_OK ||
        sim_scenario_resolve(scenario, system, &diag) != MM1_OK) {
        (void)fprintf(stderr, "litmus.json: %s %s\n", diag.path, diag.text);
        abort();
    }
    return scenario;
}

static void count(const struct litmus_program *program, const struct sim_result *result,
                  struct litmus_tally *tally)
{
    const char *outcome = litmus_outcome();
    int index = outcome == NULL ? -1 : litmus_index(program, outcome);
    if (result->verdict == SIM_PASSED && index >= 0) {
        tally->reached[index]++;
        return;
    }
    (void)snprintf(tally->wrong, sizeof(tally->wrong), "seed %llu: %s",
                   (unsigned long long)result->seed,
                   result->verdict != SIM_PASSED ? result->text
                   : outcome == NULL             ? "it never ended"
                                                 : outcome);
}

struct litmus_tally litmus_sim_play(const struct litmus_program *program, uint64_t first,
                                    uint64_t runs)
{
    const struct mm1_role role = {.name = "litmus", .main = &litmus_main.behaviour};
    const struct mm1_system system = {.abi = MM1_SYSTEM_ABI,
                                      .name = "litmus",
                                      .source_version = "1",
                                      .types = litmus_types,
                                      .type_count = litmus_type_count,
                                      .roles = &role,
                                      .role_count = 1};
    struct litmus_tally tally = {.wrong = ""};
    struct sim_scenario *scenario = load(&system);
    litmus_begin(program, &pace);
    for (uint64_t i = 0; i < runs && tally.wrong[0] == '\0'; i++) {
        struct sim_run_spec spec = {.scenario = scenario, .system = &system, .seed = first + i};
        struct sim_result result;
        litmus_again();
        sim_run(&spec, &result);
        count(program, &result, &tally);
    }
    sim_scenario_free(scenario);
    return tally;
}
