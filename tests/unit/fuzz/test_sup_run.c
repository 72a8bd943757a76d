/* One run of a case: the same again, and the same as the scenario file that is printed of it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mutant.h"
#include "fuzz/sup_alone.h"
#include "fuzz/sup_gen.h"
#include "mm1_test.h"
#include "test_alloc.h"

static struct test_alloc alloc;

static void init(void)
{
    test_alloc_init(&alloc);
}

static void done(void)
{
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_run, .init = init, .fini = done);

static void generate(uint64_t seed, struct mm1__arena *arena, struct sup_case *out)
{
    mm1__arena_init(arena);
    cr_assert_eq(sup_generate(arena, seed, NULL, out), MM1_OK);
}

static void assert_alike(const struct sup_run *a, const struct sup_run *b, uint64_t seed)
{
    cr_assert_eq(a->failed, b->failed, "seed %llu", (unsigned long long)seed);
    cr_assert_str_eq(a->signature, b->signature);
    cr_assert_str_eq(a->text, b->text);
    cr_assert_eq(a->code, b->code);
    cr_assert_eq(a->events, b->events, "seed %llu", (unsigned long long)seed);
    cr_assert_eq(a->virtual_ns, b->virtual_ns);
    cr_assert_eq(a->starts, b->starts);
    cr_assert_eq(a->again, b->again);
    cr_assert_eq(a->began, b->began);
}

Test(sup_run, a_case_in_a_world_is_one_run)
{
    uint64_t again = 0;
    uint64_t began = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct mm1__arena arena;
        struct sup_case made;
        struct sup_run first;
        struct sup_run second;
        struct sup_world world = sup_world_of(seed);
        generate(seed, &arena, &made);
        cr_assert_eq(sup_run_case(&made, &world, NULL, &first), MM1_OK);
        cr_assert_eq(sup_run_case(&made, &world, NULL, &second), MM1_OK);
        assert_alike(&first, &second, seed);
        cr_assert_eq(first.hash, second.hash);
        cr_assert(!first.failed, "seed %llu: %s", (unsigned long long)seed, first.text);
        cr_assert(first.starts > 0 && first.events > first.starts);
        again += first.again;
        began += first.began ? 1 : 0;
        world.start_ns++;
        cr_assert_eq(sup_run_case(&made, &world, NULL, &second), MM1_OK);
        cr_assert_neq(first.hash, second.hash);
        mm1__arena_close(&arena);
    }
    cr_assert(again > 50, "%llu", (unsigned long long)again);
    cr_assert(began > 40, "%llu", (unsigned long long)began);
}

Test(sup_run, worlds_are_of_every_kind)
{
    size_t effects = 0;
    size_t pairwise = 0;
    size_t exact = 0;
    size_t zero = 0;
    size_t huge = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        struct sup_world world = sup_world_of(seed);
        cr_assert_eq(world.seed, seed);
        effects += world.effects ? 1 : 0;
        pairwise += world.pairwise ? 1 : 0;
        exact += world.exact ? 1 : 0;
        zero += world.start_ns == 0 ? 1 : 0;
        huge += world.start_ns == UINT64_C(876000) * 3600 * 1000000000 ? 1 : 0;
    }
    cr_assert(effects > 400 && effects < 600, "%zu", effects);
    cr_assert(pairwise > 250 && pairwise < 420, "%zu", pairwise);
    cr_assert(exact > 400 && exact < 600, "%zu", exact);
    cr_assert(zero > 100 && huge > 100, "%zu %zu", zero, huge);
}

static void same_as_scenario(uint64_t seed, size_t *failed)
{
    struct mm1__arena arena;
    struct sup_case made;
    struct sup_run run;
    struct sup_run again;
    struct mm1_buf text = MM1_BUF(&alloc.base);
    struct sup_world world = sup_world_of(seed);
    generate(seed, &arena, &made);
    cr_assert_eq(sup_run_case(&made, &world, NULL, &run), MM1_OK);
    cr_assert_eq(sup_scenario_print(&made, &world, &run, &text), MM1_OK);
    mm1_status status = sup_run_scenario(mm1_buf_text(&text), NULL, &again);
    cr_assert_eq(status, MM1_OK, "seed %llu: %s\n%.*s", (unsigned long long)seed,
                 mm1_status_text(status), (int)text.size, (const char *)text.data);
    assert_alike(&run, &again, seed);
    *failed += run.failed ? 1 : 0;
    mm1_buf_close(&text);
    mm1__arena_close(&arena);
}

Test(sup_run, the_scenario_plays_just_this)
{
    size_t failed = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        same_as_scenario(seed, &failed);
    }
    cr_assert_eq(failed, 0);
}

#ifdef MM1_MUTANTS
Test(sup_run, the_scenario_fails_just_so)
{
    size_t failed = 0;
    cr_assert(mm1__mutant_choose("limit-ge"));
    for (uint64_t seed = 1; seed <= 50; seed++) {
        same_as_scenario(seed, &failed);
    }
    cr_assert(failed > 3, "%zu", failed);
}
#endif

Test(sup_run, a_scenario_that_cannot_be_read_is_refused)
{
    struct sup_run run;
    cr_assert_eq(sup_run_scenario(MM1_TEXT("{\"system\": \"supervisors\"}"), NULL, &run),
                 MM1_INVALID);
}

/* --- alone ---------------------------------------------------------------------------------------------------- */

static void crashes(uint64_t seed)
{
    if (seed == 3) {
        (void)fprintf(stderr, "about to end\n");
        (void)raise(SIGSEGV);
    }
}

static void hangs(uint64_t seed)
{
    for (volatile bool forever = seed == 3; forever;) {
    }
}

static void run_alone(uint64_t seed, void (*before)(uint64_t), struct sup_run *out)
{
    struct mm1__arena arena;
    struct sup_case made;
    struct sup_alone alone;
    struct sup_world world = sup_world_of(seed);
    const struct sup_errand errand = {.the_case = &made, .world = &world};
    generate(seed, &arena, &made);
    cr_assert_eq(sup_alone_open(&alone, 300, NULL), MM1_OK);
    alone.before = before;
    cr_assert_eq(sup_alone_run(&alone, &errand, out), MM1_OK);
    sup_alone_close(&alone);
    mm1__arena_close(&arena);
}

Test(sup_run, alone_it_comes_to_the_same)
{
    struct mm1__arena arena;
    struct sup_case made;
    struct sup_run here;
    struct sup_run alone;
    struct sup_world world = sup_world_of(5);
    generate(5, &arena, &made);
    cr_assert_eq(sup_run_case(&made, &world, NULL, &here), MM1_OK);
    run_alone(5, crashes, &alone);
    assert_alike(&here, &alone, 5);
    cr_assert_eq(here.hash, alone.hash);
    mm1__arena_close(&arena);
}

Test(sup_run, a_crash_is_a_failed_run)
{
    struct sup_run run;
    run_alone(3, crashes, &run);
    cr_assert(run.failed);
    cr_assert_eq(run.code, 10);
    cr_assert(strncmp(run.signature, "crash SIGSEGV", 13) == 0, "%s", run.signature);
    cr_assert_not_null(strstr(run.text, "about to end"), "%s", run.text);
}

Test(sup_run, a_hang_is_a_failed_run)
{
    struct sup_run run;
    run_alone(3, hangs, &run);
    cr_assert(run.failed);
    cr_assert_eq(run.code, 10);
    cr_assert_str_eq(run.signature, "hang");
}
