/* The shrinker, with failures of our own making: what is left is what they need and nothing else. */
#include <stdio.h>

#include "fuzz/sup_gen.h"
#include "fuzz/sup_shrink.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define SEEDS 300

static struct test_alloc alloc;

static void init(void)
{
    test_alloc_init(&alloc);
}

static void done(void)
{
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_shrink, .init = init, .fini = done);

/* --- failures ------------------------------------------------------------------------------------------------- */

typedef bool needs(const struct sup_case *the_case, const struct sup_world *world);

static const struct sup_member *exited(const struct sup_case *the_case,
                                       const struct sup_event *event)
{
    return event->kind == SUP_EV_EXIT ? sup_case_member(the_case, event->id) : NULL;
}

/* A transient child exits under rest_for_one. */
static bool transient_exit(const struct sup_case *the_case, const struct sup_world *world)
{
    (void)world;
    for (size_t i = 0; i < the_case->event_count; i++) {
        const struct sup_member *member = exited(the_case, &the_case->events[i]);
        if (member != NULL && !member->is_supervisor && member->restart == SUP_TRANSIENT &&
            the_case->members[member->parent].strategy == SUP_REST_FOR_ONE) {
            return true;
        }
    }
    return false;
}

/* A child exits and its supervisor, not the root, is killed, in one batch. */
static bool batched_kill(const struct sup_case *the_case, const struct sup_world *world)
{
    (void)world;
    for (size_t i = 0; i < the_case->step_count; i++) {
        const struct sup_step *step = &the_case->steps[i];
        for (size_t k = 0; step->batch && k < step->count * step->count; k++) {
            const struct sup_event *kill = &the_case->events[step->first + k % step->count];
            const struct sup_event *exit = &the_case->events[step->first + k / step->count];
            const struct sup_member *above = exited(the_case, kill);
            const struct sup_member *child = exited(the_case, exit);
            if (above != NULL && child != NULL && above != the_case->members &&
                kill->exit == SUP_EXIT_KILL && child != the_case->members &&
                &the_case->members[child->parent] == above) {
                return true;
            }
        }
    }
    return false;
}

/* Somebody waits for as long as 1,234 ns. */
static bool long_wait(const struct sup_case *the_case, const struct sup_world *world)
{
    (void)world;
    for (size_t i = 0; i < the_case->event_count; i++) {
        if (the_case->events[i].kind == SUP_EV_WAIT && the_case->events[i].ns >= 1234) {
            return true;
        }
    }
    return false;
}

/* A child is started with a spec that says temporary, in a world of its own kind. */
static bool started_temporary(const struct sup_case *the_case, const struct sup_world *world)
{
    for (size_t i = 0; i < the_case->event_count; i++) {
        const struct sup_member *member = the_case->events[i].member;
        if (member != NULL && member->restart == SUP_TEMPORARY) {
            return world->effects && world->start_ns > 100;
        }
    }
    return false;
}

/* As a schedule would have it: about one seed in five fails, another one for each case. */
static bool now_and_then(const struct sup_case *the_case, const struct sup_world *world)
{
    uint64_t mix = world->seed * 2654435761u + the_case->event_count * 97 + the_case->member_count;
    return mix % 5 == 0;
}

/* --- the test bench ------------------------------------------------------------------------------------------- */

struct bench {
    needs *fails;
    unsigned runs;
};

/* Whatever the shrinker tries can be read back. */
static void must_be_readable(const struct sup_case *the_case)
{
    struct mm1_buf text = MM1_BUF(&alloc.base);
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    cr_assert_eq(sup_case_print(the_case, &text), MM1_OK);
    mm1_status status =
        sup_cases_read(&alloc.base, mm1_buf_text(&text), "candidate", true, &cases, error);
    cr_assert_eq(status, MM1_OK, "%s\n%.*s", error, (int)text.size, (const char *)text.data);
    sup_cases_close(&cases);
    mm1_buf_close(&text);
}

static bool ask(void *arg, const struct sup_case *the_case, const struct sup_world *world)
{
    struct bench *bench = arg;
    bench->runs++;
    must_be_readable(the_case);
    return bench->fails(the_case, world);
}

struct small {
    struct mm1__arena arena;
    struct sup_case the_case;
    struct sup_world world;
    struct mm1_buf text;
    unsigned runs;
};

/* False: that seed does not fail. */
static bool shrink(uint64_t seed, needs *fails, const struct sup_shrink_options *said,
                   struct small *out)
{
    struct bench bench = {.fails = fails};
    struct sup_shrink_options options = *said;
    *out = (struct small){.world = sup_world_of(seed), .text = MM1_BUF(&alloc.base)};
    mm1__arena_init(&out->arena);
    cr_assert_eq(sup_generate(&out->arena, seed, NULL, &out->the_case), MM1_OK);
    if (!fails(&out->the_case, &out->world)) {
        mm1__arena_close(&out->arena);
        return false;
    }
    options.fails = ask;
    options.arg = &bench;
    out->runs = sup_shrink(&out->arena, &out->the_case, &out->world, &options);
    cr_assert_eq(out->runs, bench.runs);
    cr_assert(fails(&out->the_case, &out->world), "what is left fails no more");
    out->the_case.name = "x";
    cr_assert_eq(sup_case_print(&out->the_case, &out->text), MM1_OK);
    return true;
}

static void close_small(struct small *small)
{
    mm1_buf_close(&small->text);
    mm1__arena_close(&small->arena);
}

/* Shrinks every failing one of the first seeds: each comes to one of these texts, and each text is met. */
static void comes_to(needs *fails, const char *const *texts, size_t count)
{
    static const struct sup_shrink_options usual = {0};
    size_t met[4] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct small small;
        bool known = false;
        if (!shrink(seed, fails, &usual, &small)) {
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            bool same = mm1_text_equal(mm1_buf_text(&small.text), mm1_text_of(texts[i]));
            known = known || same;
            met[i] += same ? 1 : 0;
        }
        cr_assert(known, "seed %llu:\n%.*s", (unsigned long long)seed, (int)small.text.size,
                  (const char *)small.text.data);
        close_small(&small);
    }
    for (size_t i = 0; i < count; i++) {
        cr_assert(met[i] != 0, "never: %s", texts[i]);
    }
}

/* --- tests ---------------------------------------------------------------------------------------------------- */

Test(sup_shrink, an_exit_of_a_transient_child)
{
    static const char *const texts[] = {
        "case x\nsup root strategy=rest_for_one intensity=0 period=5\n"
        "child a root restart=transient\nev exit a crash\nend\n",
    };
    comes_to(transient_exit, texts, MM1_COUNT_OF(texts));
}

Test(sup_shrink, a_kill_in_the_batch_of_an_exit)
{
    static const char *const texts[] = {
        "case x\nsup root strategy=one_for_one intensity=0 period=5\n"
        "sup a root strategy=one_for_one intensity=0 period=5 shutdown=infinity\nchild b a\n"
        "batch\nev exit b crash\nev exit a kill\ncommit\nend\n",
        "case x\nsup root strategy=one_for_one intensity=0 period=5\n"
        "sup a root strategy=one_for_one intensity=0 period=5 shutdown=infinity\nchild b a\n"
        "batch\nev exit a kill\nev exit b crash\ncommit\nend\n",
    };
    comes_to(batched_kill, texts, MM1_COUNT_OF(texts));
}

Test(sup_shrink, numbers_come_to_the_edge)
{
    static const char *const texts[] = {
        "case x\nsup root strategy=one_for_one intensity=0 period=5\nev wait 1234ns\nend\n",
        /* a uniform one is not without its child */
        "case x\nsup root strategy=simple_one_for_one intensity=0 period=5\nchild a root\n"
        "ev wait 1234ns\nend\n",
    };
    comes_to(long_wait, texts, MM1_COUNT_OF(texts));
}

Test(sup_shrink, the_world_gets_plain_where_it_may)
{
    static const struct sup_shrink_options usual = {0};
    size_t met = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct small small;
        if (!shrink(seed, started_temporary, &usual, &small)) {
            continue;
        }
        met++;
        cr_assert(small.world.effects && !small.world.pairwise && small.world.exact);
        cr_assert(small.world.start_ns > 100);
        cr_assert_eq(small.the_case.event_count, 1);
        close_small(&small);
    }
    cr_assert(met > 2, "%zu", met);
}

Test(sup_shrink, other_seeds_are_tried)
{
    static const struct sup_shrink_options usual = {0};
    size_t smaller = 0;
    size_t met = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct small small;
        if (!shrink(seed, now_and_then, &usual, &small)) {
            continue;
        }
        met++;
        smaller += small.the_case.event_count == 0 && small.world.seed <= 20 ? 1 : 0;
        close_small(&small);
    }
    cr_assert(met > 20 && smaller == met, "%zu of %zu", smaller, met);
}

Test(sup_shrink, the_same_comes_to_the_same)
{
    static const struct sup_shrink_options usual = {0};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct small first;
        struct small second;
        if (!shrink(seed, now_and_then, &usual, &first)) {
            continue;
        }
        cr_assert(shrink(seed, now_and_then, &usual, &second));
        cr_assert(mm1_text_equal(mm1_buf_text(&first.text), mm1_buf_text(&second.text)));
        cr_assert_eq(first.runs, second.runs);
        cr_assert_eq(first.world.seed, second.world.seed);
        close_small(&first);
        close_small(&second);
    }
}

Test(sup_shrink, the_budget_is_kept)
{
    static const struct sup_shrink_options poor = {.runs_max = 40, .seeds = 5};
    size_t met = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct small small;
        if (!shrink(seed, now_and_then, &poor, &small)) {
            continue;
        }
        met++;
        /* and the names */
        cr_assert(small.runs <= 40 + 6, "%u", small.runs);
        close_small(&small);
    }
    cr_assert(met > 20);
}
