/* The property of the system "supervisors" on real runs: cases that OTP has answered, played by the stage in worlds of
 * many seeds, are in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mm1/sim.h>

#include "fuzz/sup_stage.h"
#include "fuzz/sup_watch.h"
#include "mm1_test.h"
#include "test_alloc.h"

TestSuite(sup_watch_runs);

static const struct mm1_role roles[] = {
    {.name = "case", .main = &sup_stage, .arg_type = &sup_stage_arg_type}};
static const struct mm1_system watched = {.abi = MM1_SYSTEM_ABI,
                                          .name = "watched",
                                          .source_version = "1",
                                          .types = sup_stage_types,
                                          .type_count = SUP_STAGE_TYPE_COUNT,
                                          .roles = roles,
                                          .role_count = 1,
                                          .properties = &sup_watch_property,
                                          .property_count = 1};

/* Plays a case, which is to come to rest and to pass. */
static void plays(const char *script, uint64_t seed, enum mm1_sim_delivery delivery)
{
    char error[MM1_SIM_ERROR_MAX];
    struct mm1_sim *sim;
    struct mm1_sim_node *node;
    struct mm1_sim_verdict verdict;
    struct mm1_sim_options options = {.name = "sup_watch_runs/test",
                                      .seed = seed,
                                      .local_delivery = delivery,
                                      .system = &watched,
                                      .silent = true};
    cr_assert_eq(mm1_sim_open(&options, &sim, error), MM1_OK, "%s", error);
    struct sup_stage_arg arg = {.script = mm1_text_of(script), .plays = true};
    struct mm1_sim_node_spec spec = {.name = "a", .role = "case", .arg = &arg};
    cr_assert_eq(mm1_sim_node_add(sim, &spec, &node), MM1_OK);
    mm1_status status = mm1_sim_run_until_quiet(sim, MM1_FOREVER);
    bool passed = mm1_sim_check(sim, &verdict);
    cr_assert(passed, "seed %llu, delivery %d: %s\n%s", (unsigned long long)seed, (int)delivery,
              verdict.text, script);
    cr_assert_eq(status, MM1_OK, "%s\n%s", mm1_status_text(status), script);
    cr_assert_gt(verdict.checks, 0);
    mm1_sim_close(sim);
}

static char *read_file(const char *name)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/otp/%s", MM1_TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 20);
    cr_assert_not_null(text);
    size_t size = fread(text, 1, (1 << 20) - 1, file);
    cr_assert(size < (1 << 20) - 1);
    cr_assert_eq(fclose(file), 0);
    return text;
}

/* Every `stride`-th case, each in `seeds` worlds of either delivery. */
static void plays_file(const char *name, size_t stride, uint64_t seeds)
{
    char error[SUP_CASE_ERROR_MAX];
    struct test_alloc alloc;
    struct sup_cases cases;
    struct mm1_buf script;
    char *text = read_file(name);
    test_alloc_init(&alloc);
    script = MM1_BUF(&alloc.base);
    cr_assert_eq(sup_cases_read(&alloc.base, mm1_text_of(text), name, false, &cases, error), MM1_OK,
                 "%s", error);
    for (size_t i = 0; i < cases.count; i += stride) {
        mm1_buf_clear(&script);
        cr_assert_eq(sup_case_print(&cases.cases[i], &script), MM1_OK);
        cr_assert_eq(mm1_buf_terminate(&script), MM1_OK);
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            plays((const char *)script.data, seed, MM1_SIM_CAUSAL);
            plays((const char *)script.data, seed, MM1_SIM_PAIRWISE);
        }
    }
    mm1_buf_close(&script);
    sup_cases_close(&cases);
    free(text);
    cr_assert_eq(alloc.live, 0);
}

Test(sup_watch_runs, cases_by_hand)
{
    plays_file("cases-hand.txt", 1, 6);
}

Test(sup_watch_runs, cases_by_chance)
{
    plays_file("cases-500.txt", 5, 3);
}

/* What OTP is not asked: starts that take their time or never end, and time that passes. */
Test(sup_watch_runs, slow_and_hanging_starts)
{
    static const char *const scripts[] = {
        "case slow\n"
        "sup root strategy=one_for_all intensity=5 period=10\n"
        "child a root\n"
        "sup mid root strategy=rest_for_one intensity=2 period=3ns\n"
        "child b mid term=ignore shutdown=7\n"
        "child c mid term=slow:3 restart=transient\n"
        "pre slownext b 1 1000000\n"
        "ev slownext mid 1 2000000\n"
        "ev hangnext c 1\n"
        "ev exit b crash\n"
        "ev which mid\n"
        "ev wait 3000000000\n"
        "ev exit mid kill\n"
        "ev terminate_child root a\n"
        "ev wait 4\n"
        "ev count root\n"
        "end\n",
        "case late\n"
        "sup root strategy=one_for_one intensity=1 period=5ns\n"
        "child a root term=ignore shutdown=0\n"
        "child b root term=die\n"
        "ev hangnext b 2\n"
        "ev exit b crash\n"
        "ev exit a kill\n"
        "ev wait 5000000000\n"
        "ev sup_exit shutdown\n"
        "end\n",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(scripts); i++) {
        for (uint64_t seed = 1; seed <= 40; seed++) {
            plays(scripts[i], seed, MM1_SIM_CAUSAL);
            plays(scripts[i], seed, MM1_SIM_PAIRWISE);
        }
    }
}
