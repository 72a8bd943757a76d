/* Which cases OTP is asked, and which of its answers count as the same. Needs no Erlang. */
#include <stdio.h>

#include "fuzz/sup_gen.h"
#include "fuzz/sup_otp_rules.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define SEEDS 20000

static struct test_alloc alloc;

static void init(void)
{
    test_alloc_init(&alloc);
}

static void done(void)
{
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_otp_rules, .init = init, .fini = done);

static void read(const char *text, struct sup_cases *out)
{
    char error[SUP_CASE_ERROR_MAX];
    cr_assert_eq(sup_cases_read(&alloc.base, mm1_text_of(text), "t", true, out, error), MM1_OK,
                 "%s", error);
    cr_assert_eq(out->count, 1);
}

#define ROOT "case t\nsup root strategy=one_for_one intensity=3 period=100000\n"
#define UNIFORM                                                                                    \
    "case t\nsup root strategy=simple_one_for_one intensity=3 period=100000\nchild m root\n"
#define NESTED                                                                                     \
    ROOT "sup s root strategy=one_for_all intensity=1 period=100000 shutdown=infinity\n"           \
         "child a s\nchild b root\n"

Test(sup_otp_rules, takes_all_that_is_drawn_for_otp)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct mm1__arena arena;
        struct sup_case the_case;
        mm1__arena_init(&arena);
        cr_assert_eq(sup_generate(&arena, seed, &(struct sup_gen_options){.otp = true}, &the_case),
                     MM1_OK);
        cr_assert(sup_otp_takes(&the_case), "seed %llu", (unsigned long long)seed);
        mm1__arena_close(&arena);
    }
}

Test(sup_otp_rules, takes)
{
    static const char *const texts[] = {
        ROOT "child a root term=ignore shutdown=brutal_kill\nchild b root term=ignore shutdown=12\n"
             "end\n",
        ROOT "child a root shutdown=0\nchild b root term=slow:5 shutdown=infinity\nend\n",
        ROOT "child a root\nev start_child root n term=clean\nev dienext n 1 crash\nend\n",
        NESTED "batch\nev exit s crash\nev which s\ncommit\nend\n",
        NESTED "batch\nev exit s kill\nev exit b crash\nev failnext a 1 error\nev which root\n"
               "commit\nend\n",
        NESTED "batch\nev sup_exit crash\nev exit b crash\ncommit\nend\n",
        UNIFORM "ev failnext x 1 ignore\nev start_child root x\nend\n",
        UNIFORM "ev start_child root x\nev failnext x 3 error\nev exit x crash\nend\n",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        struct sup_cases cases;
        read(texts[i], &cases);
        cr_assert(sup_otp_takes(&cases.cases[0]), "%s", texts[i]);
        sup_cases_close(&cases);
    }
}

Test(sup_otp_rules, does_not_take)
{
    static const char *const texts[] = {
        /* What ends in another way when somebody is late. */
        ROOT "child a root term=ignore shutdown=infinity\nend\n",
        ROOT "child a root term=ignore\nend\n",
        ROOT "child a root term=clean shutdown=50\nend\n",
        ROOT "child a root term=slow:6\nend\n",
        ROOT "child a root term=slow:5 shutdown=4999\nend\n",
        ROOT "ev start_child root a term=ignore\nend\n",
        ROOT "sup s root strategy=one_for_one intensity=1 period=100000 shutdown=5000\nend\n",
        /* What time has a say in. */
        "case t\nsup root strategy=one_for_one intensity=3 period=5\nend\n",
        "case t\nsup root strategy=one_for_one intensity=3 period=100000000000001ns\nend\n",
        ROOT "ev advance 1\nend\n",
        ROOT "ev wait 1\nend\n",
        /* What OTP does not know. */
        ROOT "child a root\nev slownext a 1 5\nend\n",
        ROOT "child a root\npre hangnext a 1\nend\n",
        ROOT "child a root ack=0\nend\n",
        ROOT "child a root announce=1\nend\n",
        /* What releases of OTP differ in. */
        "case t\nsup root strategy=simple_one_for_one intensity=3 period=100000 "
        "auto_shutdown=any_significant\nchild m root\nend\n",
        "case t\nsup root strategy=simple_one_for_one intensity=3 period=100000\n"
        "child m root restart=transient significant=1\nend\n",
        UNIFORM "ev start_child root x\nev failnext x 1 ignore\nend\n",
        UNIFORM "ev failnext x 2 ignore\nev start_child root x\nend\n",
        UNIFORM "ev dienext x 1 crash\nev failnext x 1 ignore\nev start_child root x\nend\n",
        UNIFORM "pre failnext x 1 error\nev failnext x 1 ignore\nev start_child root x\nend\n",
        /* What two supervisors find at a time. */
        NESTED "batch\nev exit a crash\nev exit b crash\ncommit\nend\n",
        NESTED "batch\nev which s\nev which root\ncommit\nend\n",
        NESTED "batch\nev exit s crash\nev sup_exit crash\ncommit\nend\n",
        /* Where nobody looks who died at the start. */
        NESTED "ev dienext a 1 crash\nend\n",
        NESTED "ev dienext s 1 crash\nend\n",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        struct sup_cases cases;
        read(texts[i], &cases);
        cr_assert_not(sup_otp_takes(&cases.cases[0]), "%s", texts[i]);
        sup_cases_close(&cases);
    }
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

/* The second call is `count`; one child may have been terminated while it waited. */
#define COUNTED                                                                                    \
    UNIFORM "ev start_child root x\nbatch\nev failnext x 1 error\nev exit x crash\n"               \
            "ev terminate_child root x\ncommit\nev count root\nend\n"
#define REPLIES "reply ok x#1\nreply ok\n"

static struct sup_otp_difference compare(const char *the_case, const char *theirs, const char *mine)
{
    struct sup_cases cases;
    read(the_case, &cases);
    struct sup_otp_difference d =
        sup_otp_compare(&cases.cases[0], mm1_text_of(theirs), mm1_text_of(mine));
    sup_cases_close(&cases);
    return d;
}

Test(sup_otp_rules, tells_the_first_difference)
{
    static const struct {
        const char *theirs;
        const char *mine;
        unsigned line;
    } pairs[] = {
        {"", "", 0},
        {"a\nb\n", "a\nb\n", 0},
        {"a\nb\n", "a\nc\n", 2},
        {"a\nb\nc\n", "a\nb\n", 3},
        {"a\n", "a\nb\n", 2},
        {"a\nb\n", "a\nB\nc\n", 2},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(pairs); i++) {
        cr_assert_eq(compare(COUNTED, pairs[i].theirs, pairs[i].mine).line, pairs[i].line);
    }
    struct sup_otp_difference d = compare(COUNTED, "a\nb\n", "a\n");
    cr_assert(mm1_text_equal(d.theirs, MM1_TEXT("b")));
    cr_assert_eq(d.mine.size, 0);
}

#define COUNT(active) "specs=1 active=" active " supervisors=0 workers=0\n"

Test(sup_otp_rules, excuses_the_count_that_otp_has_wrong)
{
    struct sup_otp_difference d =
        compare(COUNTED, REPLIES "reply " COUNT("-1") "final\ncount root " COUNT("-1"),
                REPLIES "reply " COUNT("0") "final\ncount root " COUNT("0"));
    cr_assert_eq(d.line, 0);
    cr_assert_eq(d.excused, 2);
}

Test(sup_otp_rules, excuses_nothing_else)
{
    static const char tree[] =
        NESTED "batch\nev exit b crash\nev terminate_child root b\ncommit\nev count root\nend\n";
    static const char one_by_one[] =
        UNIFORM "ev start_child root x\nev terminate_child root x\nev count root\nend\n";
    static const struct {
        const char *the_case;
        const char *theirs;
        const char *mine;
    } pairs[] = {
        /* too large, smaller by more than can be, another number, another line, something behind it */
        {COUNTED, REPLIES "reply " COUNT("1"), REPLIES "reply " COUNT("0")},
        {COUNTED, REPLIES "reply " COUNT("-2"), REPLIES "reply " COUNT("0")},
        {COUNTED, REPLIES "reply specs=1 active=0 supervisors=1 workers=0\n",
         REPLIES "reply " COUNT("1")},
        {COUNTED, REPLIES "ok " COUNT("0"), REPLIES "ok " COUNT("1")},
        {COUNTED, REPLIES "reply specs=1 active=0 supervisors=0 workers=0 x\n",
         REPLIES "reply specs=1 active=1 supervisors=0 workers=0 x\n"},
        /* the answer to no call, or about somebody else */
        {COUNTED, REPLIES "reply ok\nreply " COUNT("0"), REPLIES "reply ok\nreply " COUNT("1")},
        {COUNTED, "count other " COUNT("0"), "count other " COUNT("1")},
        {COUNTED, "count root " COUNT("0"), "count rooT " COUNT("1")},
        /* nobody waits for a restart when a step begins; others count right */
        {one_by_one, REPLIES "reply " COUNT("0"), REPLIES "reply " COUNT("1")},
        {tree, "reply ok\nreply " COUNT("0"), "reply ok\nreply " COUNT("1")},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(pairs); i++) {
        cr_assert_neq(compare(pairs[i].the_case, pairs[i].theirs, pairs[i].mine).line, 0, "%zu", i);
    }
}
