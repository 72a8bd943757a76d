/* Runs of small scenarios: verdicts, hashes, both granularities, delivery by pairs. */
#include <stdlib.h>

#include "host/load.h"
#include "mm1_test.h"
#include "sim/run.h"

struct fixture {
    struct mm1__loaded_system loaded;
    struct sim_scenario *scenario;
};

static void fixture_open(struct fixture *f, const char *file)
{
    struct mm1_diag diag;
    char path[512];
    snprintf(path, sizeof(path), "%s/scenarios/%s", MM1_TEST_SOURCE_DIR, file);
    cr_assert_eq(sim_scenario_load_file(path, &f->scenario, &diag), MM1_OK, "%s", diag.text);
    setenv("MM1_SYSTEM_PATH", MM1_TEST_BINARY_DIR "/systems", 1);
    cr_assert_eq(mm1__system_load(NULL, NULL, f->scenario->system_name, &f->loaded, &diag), MM1_OK,
                 "%s", diag.text);
    cr_assert_eq(sim_scenario_resolve(f->scenario, f->loaded.system, &diag), MM1_OK, "%s",
                 diag.text);
}

static void fixture_close(struct fixture *f)
{
    sim_scenario_free(f->scenario);
    mm1__system_unload(&f->loaded);
}

static struct sim_result run(const struct fixture *f, uint64_t seed)
{
    struct sim_result result;
    struct sim_run_spec spec = {.scenario = f->scenario, .system = f->loaded.system, .seed = seed};
    sim_run(&spec, &result);
    return result;
}

Test(run, ring_passes_with_the_same_hash_each_time)
{
    struct fixture f;
    fixture_open(&f, "ring/ring.json");
    struct sim_result first = run(&f, 1);
    struct sim_result again = run(&f, 1);
    struct sim_result other = run(&f, 2);
    cr_assert_eq(first.verdict, SIM_PASSED, "%s", first.text);
    cr_assert_eq(first.hash, again.hash);
    cr_assert_neq(first.hash, other.hash);
    cr_assert_gt(first.turns, 10000);
    cr_assert_eq(first.checks, 1);
    fixture_close(&f);
}

Test(run, effects_and_pairs_pass_as_well)
{
    struct fixture f;
    fixture_open(&f, "ring/ring.json");
    uint64_t hashes[4];
    for (int i = 0; i < 4; i++) {
        f.scenario->granularity = i & 1 ? SIM_GRANULARITY_EFFECT : SIM_GRANULARITY_TURN;
        f.scenario->local_delivery = i & 2 ? SIM_LOCAL_PAIRWISE : SIM_LOCAL_CAUSAL;
        struct sim_result result = run(&f, 7);
        struct sim_result again = run(&f, 7);
        cr_assert_eq(result.verdict, SIM_PASSED, "%d: %s", i, result.text);
        cr_assert_eq(result.hash, again.hash, "%d", i);
        hashes[i] = result.hash;
        for (int j = 0; j < i; j++) {
            cr_assert_neq(hashes[i], hashes[j]);
        }
    }
    fixture_close(&f);
}

Test(run, bounds_are_a_livelock)
{
    struct fixture f;
    fixture_open(&f, "ring/pingpong.json");
    f.scenario->bounds.events = 1000;
    struct sim_result result = run(&f, 1);
    cr_assert_eq(result.verdict, SIM_LIVELOCK);
    cr_assert_geq(result.events, 1001);
    fixture_close(&f);
}

Test(run, a_restless_end_is_a_liveness_failure)
{
    struct fixture f;
    fixture_open(&f, "ring/pingpong.json");
    f.scenario->end.at_most_ns = MM1_NS_PER_MS;
    struct sim_result result = run(&f, 1);
    cr_assert_eq(result.verdict, SIM_LIVENESS, "%s", result.text);
    fixture_close(&f);
}
