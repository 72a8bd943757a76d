/* Cases in a process of their own: what they come to, and what is left when one ends the process. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/sup_apart.h"
#include "fuzz/sup_cases_run.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define CASES 5

static struct test_alloc alloc;
static struct sup_cases cases;
static struct sup_apart apart;
static struct sup_apart_answer answers[CASES];
static volatile sig_atomic_t stopped;

static void init(void)
{
    static const char text[] =
        "case a\nsup root strategy=one_for_one intensity=1 period=9\nchild x root\nend\n"
        "case b\nsup root strategy=one_for_all intensity=0 period=9\nchild x root\nev exit x "
        "crash\n"
        "end\n"
        "case c\nsup root strategy=one_for_one intensity=1 period=9\nev which root\nend\n"
        /* It never ends, and so does its supervisor. */
        "case d\nsup root strategy=one_for_one intensity=1 period=9\n"
        "child x root term=ignore shutdown=infinity\nev terminate_child root x\nend\n"
        "case e\nsup root strategy=one_for_one intensity=1 period=9\nend\n";
    char error[SUP_CASE_ERROR_MAX];
    test_alloc_init(&alloc);
    cr_assert_eq(sup_cases_read(&alloc.base, mm1_text_of(text), "t", false, &cases, error), MM1_OK,
                 "%s", error);
    cr_assert_eq(sup_apart_open(&apart, &alloc.base, 10000, &stopped), MM1_OK);
    stopped = 0;
}

static void done(void)
{
    sup_apart_close(&apart);
    sup_cases_close(&cases);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_apart, .init = init, .fini = done);

static void expect(size_t i, enum sup_apart_kind kind, const char *says)
{
    char text[4096];
    cr_assert_eq(answers[i].kind, kind, "case %zu", i);
    cr_assert_lt(answers[i].text.size, sizeof(text));
    (void)snprintf(text, sizeof(text), "%.*s", (int)answers[i].text.size, answers[i].text.data);
    cr_assert_not_null(strstr(text, says), "case %zu: %s", i, text);
}

Test(sup_apart, each_comes_to_what_it_comes_to_alone)
{
    static const struct sup_cases_options options = {.seed = 1, .jobs = 1};
    for (int again = 0; again < 2; again++) {
        cr_assert_eq(sup_apart_play(&apart, cases.cases, CASES, answers), MM1_OK);
        for (size_t i = 0; i < CASES; i++) {
            struct mm1_buf alone = MM1_BUF(&alloc.base);
            char error[SUP_CASES_ERROR_MAX];
            mm1_status status = sup_case_run(&cases.cases[i], &options, &alone, error);
            cr_assert_eq(status, i == 3 ? MM1_TIMEOUT : MM1_OK, "%s", error);
            if (i != 3) {
                expect(i, SUP_APART_PLAYED, "end\n");
                cr_assert(mm1_text_equal(answers[i].text, mm1_buf_text(&alone)));
            }
            mm1_buf_close(&alone);
        }
        expect(3, SUP_APART_RESTLESS, "case d\n");
    }
}

static void crash_at_2(size_t index)
{
    if (index == 2) {
        (void)fprintf(stderr, "something broke\n");
        abort();
    }
}

Test(sup_apart, a_crash_is_the_answer_to_its_case)
{
    apart.before = crash_at_2;
    cr_assert_eq(sup_apart_play(&apart, cases.cases, CASES, answers), MM1_OK);
    expect(0, SUP_APART_PLAYED, "end\n");
    expect(1, SUP_APART_PLAYED, "stop x#1 crash\n");
    expect(2, SUP_APART_CRASHED, "something broke");
    expect(3, SUP_APART_MISSING, "");
    expect(4, SUP_APART_MISSING, "");
    apart.before = NULL;
    cr_assert_eq(sup_apart_play(&apart, cases.cases + 2, 1, answers), MM1_OK);
    expect(0, SUP_APART_PLAYED, "reply []\n");
}

static void hang_at_0(size_t index)
{
    while (index == 0) {
        (void)pause();
    }
}

Test(sup_apart, a_hang_is_the_answer_to_its_case)
{
    apart.before = hang_at_0;
    apart.limit_ms = 200;
    cr_assert_eq(sup_apart_play(&apart, cases.cases, CASES, answers), MM1_OK);
    expect(0, SUP_APART_HUNG, "did not end");
    expect(1, SUP_APART_MISSING, "");
}

Test(sup_apart, is_stopped)
{
    stopped = SIGINT;
    apart.before = hang_at_0;
    cr_assert_eq(sup_apart_play(&apart, cases.cases, CASES, answers), MM1_CLOSED);
}
