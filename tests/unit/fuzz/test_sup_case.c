/* Cases as text: what is read prints as it was, and what is malformed is refused where it is. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/sup_case.h"
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

TestSuite(sup_case, .init = init, .fini = done);

/* --- what is read prints as it was ---------------------------------------------------------------------------- */

static char *read_file(const char *name, size_t *size)
{
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/tests/otp/%s", MM1_TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = malloc(1 << 20);
    cr_assert_not_null(text);
    *size = fread(text, 1, 1 << 20, file);
    cr_assert(*size < 1 << 20);
    cr_assert_eq(fclose(file), 0);
    return text;
}

/* The text without the lines that are comments. */
static size_t drop_comments(char *text, size_t size)
{
    size_t to = 0;
    for (size_t at = 0; at < size;) {
        char *end = memchr(text + at, '\n', size - at);
        cr_assert_not_null(end);
        size_t line = (size_t)(end - text) + 1 - at;
        if (line < 2 || memcmp(text + at, "#!", 2) != 0) {
            memmove(text + to, text + at, line);
            to += line;
        }
        at += line;
    }
    return to;
}

static void print_all(const struct sup_cases *cases, struct mm1_buf *out)
{
    for (size_t i = 0; i < cases->count; i++) {
        cr_assert_eq(sup_case_print(&cases->cases[i], out), MM1_OK);
    }
}

static void round_trip(char *text, size_t size, bool fuzzed, size_t count)
{
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    struct mm1_buf printed = MM1_BUF(&alloc.base);
    struct mm1_text view = {.data = text, .size = size};
    mm1_status status = sup_cases_read(&alloc.base, view, "cases", fuzzed, &cases, error);
    cr_assert_eq(status, MM1_OK, "%s", error);
    cr_assert_eq(cases.count, count);
    print_all(&cases, &printed);
    size = drop_comments(text, size);
    for (size_t at = 0, line = 1; at < size && at < printed.size; at++) {
        cr_assert_eq(text[at], (char)printed.data[at], "line %zu without comments", line);
        line += text[at] == '\n' ? 1 : 0;
    }
    cr_assert_eq(printed.size, size);
    mm1_buf_close(&printed);
    sup_cases_close(&cases);
}

Test(sup_case, given_cases_print_as_they_were)
{
    static const struct {
        const char *name;
        size_t count;
    } files[] = {{"cases-500.txt", 500}, {"cases-hand.txt", 64}};
    for (size_t i = 0; i < MM1_COUNT_OF(files); i++) {
        size_t size = 0;
        char *text = read_file(files[i].name, &size);
        round_trip(text, size, false, files[i].count);
        free(text);
    }
}

Test(sup_case, events_of_the_fuzzer_print_as_they_were)
{
    char text[] = "case a\n"
                  "sup root strategy=one_for_one intensity=18446744073709551615 period=1500ns\n"
                  "sup m root strategy=rest_for_one intensity=0 period=0\n"
                  "child w m term=slow:7 shutdown=0\n"
                  "pre slownext w 3 12ns\n"
                  "pre hangnext w 1\n"
                  "ev wait 18446744073709551615ns\n"
                  "ev slownext m 2 5ns\n"
                  "ev dienext w 1 shutdown:x\n"
                  "batch\n"
                  "commit\n"
                  "end\n";
    round_trip(text, sizeof(text) - 1, true, 1);
}

Test(sup_case, blanks_and_comments_do_not_count)
{
    static const char TEXT[] =
        "#! first\n\n  case\ta \r\n sup  root intensity=1 period=2\tstrategy="
        "one_for_one\n#!\n ev which root\nend";
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    struct mm1_buf printed = MM1_BUF(&alloc.base);
    mm1_status status = sup_cases_read(&alloc.base, MM1_TEXT(TEXT), "cases", false, &cases, error);
    cr_assert_eq(status, MM1_OK, "%s", error);
    cr_assert_eq(cases.cases[0].line, 3);
    print_all(&cases, &printed);
    cr_assert_eq(mm1_buf_terminate(&printed), MM1_OK);
    cr_assert_str_eq((const char *)printed.data,
                     "case a\nsup root intensity=1 period=2 strategy=one_for_one\nev which root\n"
                     "end\n");
    mm1_buf_close(&printed);
    sup_cases_close(&cases);
}

Test(sup_case, what_is_read_is_what_was_said)
{
    static const char TEXT[] =
        "case a\n"
        "sup root strategy=rest_for_one intensity=7 period=3 auto_shutdown=all_significant\n"
        "child a root\n"
        "sup m root strategy=simple_one_for_one intensity=1 period=1 restart=temporary "
        "significant=1 shutdown=infinity type=supervisor\n"
        "child t m restart=transient term=slow:4\n"
        "batch\nev exit a shutdown:why\nev start_child m x\ncommit\n"
        "ev start_child root b shutdown=9\nev advance 12\nend\n";
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    mm1_status status = sup_cases_read(&alloc.base, MM1_TEXT(TEXT), "cases", false, &cases, error);
    cr_assert_eq(status, MM1_OK, "%s", error);
    const struct sup_case *c = &cases.cases[0];
    const struct sup_member *m = c->members;
    cr_assert_eq(c->member_count, 4);
    cr_expect(m[0].strategy == SUP_REST_FOR_ONE && m[0].intensity == 7 &&
              m[0].period_ns == 3000000000 && m[0].auto_shutdown == SUP_AUTO_ALL);
    cr_expect(m[1].shutdown == SUP_SHUTDOWN_MS && m[1].shutdown_ms == 5000 && !m[1].is_supervisor);
    cr_expect(m[2].restart == SUP_TEMPORARY && m[2].significant && m[2].type_supervisor &&
              m[2].shutdown == SUP_SHUTDOWN_INFINITY && m[2].parent == 0);
    cr_expect(m[3].parent == 2 && m[3].term == SUP_TERM_SLOW && m[3].slow_ms == 4);
    cr_assert_eq(c->step_count, 3);
    cr_expect(c->steps[0].batch && c->steps[0].count == 2 && !c->steps[1].batch);
    cr_expect(c->events[0].exit == SUP_EXIT_SHUTDOWN_TEXT);
    cr_expect_str_eq(c->events[0].exit_text, "why");
    cr_expect_str_eq(c->events[1].child, "x");
    cr_expect_null(c->events[1].member);
    cr_expect_str_eq(c->events[2].member->id, "b");
    cr_expect_eq(c->events[2].member->shutdown_ms, 9);
    cr_expect_eq(c->events[3].ns, 12000000);
    cr_expect_eq(sup_case_member(c, "t"), &m[3]);
    cr_expect_null(sup_case_member(c, "x"));
    sup_cases_close(&cases);
}

/* --- what is malformed ---------------------------------------------------------------------------------------- */

static void refuse(const char *text, size_t size, bool fuzzed, const char *expected)
{
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    struct mm1_text view = {.data = text, .size = size};
    mm1_status status = sup_cases_read(&alloc.base, view, "x", fuzzed, &cases, error);
    cr_expect_eq(status, MM1_INVALID, "%s: %s", expected, error);
    cr_expect_str_eq(error, expected);
    if (status == MM1_OK) {
        sup_cases_close(&cases);
    }
}

#define ROOT "case a\nsup root strategy=one_for_one intensity=1 period=1"
#define TREE                                                                                       \
    ROOT "\nchild w root\nsup m root strategy=one_for_all intensity=1 period=1\nchild v m\n"
#define UNIFORM "case a\nsup root strategy=simple_one_for_one intensity=1 period=1\n"
#define REFUSED(text, expected) refuse((text), sizeof(text) - 1, false, "x:" expected)
#define IN_TREE(text, expected) REFUSED(TREE text "\nend\n", "6: " expected)

Test(sup_case, frames_are_refused)
{
    REFUSED("", "0: expected \"case NAME\", got the end of the text");
    REFUSED("\n#! nothing\n", "2: expected \"case NAME\", got the end of the text");
    REFUSED("cases a\n", "1: expected \"case NAME\"");
    REFUSED("case\n", "1: expected \"case NAME\"");
    REFUSED("case a b\n", "1: expected \"case NAME\"");
    REFUSED("case \xc3\xa9\n", "1: expected \"case NAME\"");
    REFUSED("case a\n", "1: the text ends within case a: expected end");
    REFUSED("case a\nend\n", "2: expected \"sup root\" as the first declaration");
    REFUSED("case a\nchild w root\n", "2: expected \"sup root\" as the first declaration");
    REFUSED("case a\nsup m\n", "2: expected \"sup root\" as the first declaration");
    REFUSED("case a\nsup\n", "2: expected \"sup root\" as the first declaration");
    REFUSED(TREE "ev which root\n", "6: the text ends within case a: expected end");
    REFUSED(TREE "end\nend\n", "7: expected \"case NAME\"");
    IN_TREE("end x", "expected \"end\" alone");
    IN_TREE("case b", "\"case\": expected sup, child, pre, ev, batch or end");
    IN_TREE("\x01\xff", "\"??\": expected sup, child, pre, ev, batch or end");
    IN_TREE("1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5", "more than 24 words in a line");
    REFUSED(TREE "batch\nbatch\n", "7: \"batch\" in a batch: expected ev or commit");
    REFUSED(TREE "batch\nend\n", "7: \"end\" in a batch: expected ev or commit");
    REFUSED(TREE "batch\nchild x root\n", "7: \"child\" in a batch: expected ev or commit");
    REFUSED(TREE "batch\nev advance 1\n", "7: \"advance\" in a batch: no time passes there");
    REFUSED(TREE "batch\ncommit now\n", "7: expected \"commit\" alone");
    IN_TREE("commit", "\"commit\" without a batch");
    IN_TREE("batch 2", "expected \"batch\" alone");
    REFUSED(TREE "ev which root\npre failnext w 1 error\n",
            "7: \"pre\" behind the first step: expected ev, batch or end");
    REFUSED(TREE "ev which root\nchild x root\n",
            "7: \"child\" behind the declarations: expected pre, ev, batch or end");
}

Test(sup_case, members_are_refused)
{
    IN_TREE("child x", "expected \"child ID SUPERVISOR\"");
    IN_TREE("sup x", "expected \"sup ID SUPERVISOR\"");
    IN_TREE("child x-y root", "id \"x-y\": expected letters, digits and \"_\"");
    IN_TREE("child x ro.ot", "supervisor \"ro.ot\": expected letters, digits and \"_\"");
    IN_TREE("child x n", "\"x\" is under \"n\", which is no supervisor declared before");
    IN_TREE("child x w", "\"x\" is under \"w\", which is no supervisor declared before");
    IN_TREE("child w m", "\"w\" is declared twice");
    IN_TREE("child root root", "\"root\" is declared twice");
    IN_TREE("child m root", "\"m\" is declared twice");
    REFUSED(UNIFORM "end\n",
            "3: \"root\": a simple_one_for_one supervisor has one child, not none");
    REFUSED(UNIFORM "child t root\nchild u root\n",
            "4: \"u\": a simple_one_for_one supervisor has one child, and \"root\" has \"t\"");
    REFUSED(UNIFORM "sup t root strategy=one_for_one intensity=1 period=1\n",
            "3: \"t\" is under \"root\", whose one child is a worker");
}

#define ROOT_WITH(keys, expected) REFUSED("case a\nsup root " keys "\nend\n", "2: " expected)
#define CHILD_WITH(keys, expected) REFUSED(ROOT "\nchild w root " keys "\nend\n", "3: " expected)

Test(sup_case, keys_are_refused)
{
    ROOT_WITH("", "supervisor \"root\": strategy is missing");
    ROOT_WITH("strategy=one_for_one period=1", "supervisor \"root\": intensity is missing");
    ROOT_WITH("strategy=one_for_one intensity=1", "supervisor \"root\": period is missing");
    ROOT_WITH("strategy=one_for_two",
              "strategy \"one_for_two\": expected one_for_one, one_for_all, "
              "rest_for_one or simple_one_for_one");
    ROOT_WITH("strategy=", "strategy \"\": expected one_for_one, one_for_all, rest_for_one or "
                           "simple_one_for_one");
    ROOT_WITH("intensity=-1", "intensity \"-1\": expected a number from 0 to 18446744073709551615");
    ROOT_WITH("intensity=18446744073709551616", "intensity \"18446744073709551616\": expected a "
                                                "number from 0 to 18446744073709551615");
    ROOT_WITH("intensity=01", "intensity \"01\": expected a number from 0 to 18446744073709551615");
    ROOT_WITH("period=0", "period \"0\": expected seconds, from 1 to 18446744073");
    ROOT_WITH("period=-3", "period \"-3\": expected seconds, from 1 to 18446744073");
    ROOT_WITH("period=18446744074",
              "period \"18446744074\": expected seconds, from 1 to 18446744073");
    ROOT_WITH("period=5ns", "period \"5ns\": expected seconds, from 1 to 18446744073");
    refuse("case a\nsup root period=ns\n", 26, true,
           "x:2: period \"ns\": expected nanoseconds before \"ns\"");
    ROOT_WITH("auto_shutdown=some",
              "auto_shutdown \"some\": expected never, any_significant or all_significant");
    ROOT_WITH("restart=permanent", "restart: not for the root");
    ROOT_WITH("term=die", "term: not for the root");
    ROOT_WITH("colour=red", "unknown key \"colour\": expected strategy, intensity, period, "
                            "auto_shutdown, restart, significant, shutdown, type, term, ack or "
                            "announce");
    ROOT_WITH("strategy", "\"strategy\": expected key=value");
    ROOT_WITH("intensity=1 intensity=2", "\"intensity=2\": was \"intensity=1\" before");
    CHILD_WITH("restart=always", "restart \"always\": expected permanent, transient or temporary");
    CHILD_WITH("ack=0", "ack: only in cases of the fuzzer");
    CHILD_WITH("announce=1", "announce: only in cases of the fuzzer");
    CHILD_WITH("significant=2", "significant \"2\": expected 0 or 1");
    CHILD_WITH("significant=yes", "significant \"yes\": expected 0 or 1");
    CHILD_WITH("shutdown=brutal", "shutdown \"brutal\": expected brutal_kill, infinity or "
                                  "milliseconds, at most 18446744073709");
    CHILD_WITH("shutdown=-1", "shutdown \"-1\": expected brutal_kill, infinity or milliseconds, at "
                              "most 18446744073709");
    CHILD_WITH("shutdown=18446744073710", "shutdown \"18446744073710\": expected brutal_kill, "
                                          "infinity or milliseconds, at most 18446744073709");
    CHILD_WITH("type=boss", "type \"boss\": expected worker or supervisor");
    CHILD_WITH("term=slow", "term \"slow\": expected die, clean, slow:MS, normal, crash or ignore");
    CHILD_WITH("term=slow:", "term \"slow:\": expected milliseconds after \"slow:\"");
    CHILD_WITH("term=slow:x", "term \"slow:x\": expected milliseconds after \"slow:\"");
    CHILD_WITH("strategy=one_for_one", "strategy: not for a worker");
    REFUSED(ROOT "\nsup m root term=die\n", "3: term: not for a supervisor");
    CHILD_WITH("term=die term=die term=die term=die term=die term=die term=die term=die term=die "
               "term=die term=die term=die term=die term=die term=die term=die term=die",
               "more than 16 times key=value");
}

Test(sup_case, events_are_refused)
{
    IN_TREE("ev", "expected an event");
    IN_TREE("ev explode w", "unknown event \"explode\"");
    IN_TREE("ev wait 5ns", "unknown event \"wait\"");
    IN_TREE("ev slownext w 1 5ns", "unknown event \"slownext\"");
    IN_TREE("pre hangnext w 1", "unknown event \"hangnext\"");
    IN_TREE("ev exit w", "expected \"exit ID REASON\"");
    IN_TREE("ev exit w crash now", "expected \"exit ID REASON\"");
    IN_TREE("ev exit w! crash", "id \"w!\": expected letters, digits and \"_\"");
    IN_TREE("ev exit w bang",
            "reason \"bang\": expected normal, shutdown, shutdown:x, crash, kill or selfkill");
    IN_TREE("ev exit w shutdown:", "reason \"shutdown:\": expected at most 47 letters, digits and "
                                   "\"_\" after \"shutdown:\"");
    IN_TREE("ev exit w shutdown:123456789012345678901234567890123456789012345678",
            "reason \"shutdown:123456789012345678901234567890123456789...\": expected at most 47 "
            "letters, digits and \"_\" after \"shutdown:\"");
    IN_TREE("ev sup_exit", "expected \"sup_exit REASON\"");
    IN_TREE("ev sup_exit selfkill", "sup_exit \"selfkill\": only a worker ends itself so");
    IN_TREE("ev failnext w 1", "expected \"failnext ID COUNT error|ignore\"");
    IN_TREE("ev failnext w -1 error", "count \"-1\": expected a number from 0 to 1000000");
    IN_TREE("ev failnext w 1 boom", "\"boom\": expected error or ignore");
    IN_TREE("ev failnext ? 1 error", "id \"?\": expected letters, digits and \"_\"");
    IN_TREE("ev dienext w 1000001 crash", "count \"1000001\": expected a number from 0 to 1000000");
    IN_TREE("ev dienext w 1 bang",
            "reason \"bang\": expected normal, shutdown, shutdown:x, crash, kill or selfkill");
    IN_TREE("ev dienext v 1 crash", "dienext \"v\": expected a worker of the root");
    IN_TREE("ev dienext m 1 crash", "dienext \"m\": expected a worker of the root");
    IN_TREE("pre exit w crash", "pre \"exit\": expected a plan");
    IN_TREE("pre", "expected an event");
    IN_TREE("ev start_child root", "expected \"start_child SUPERVISOR ID [KEY=VALUE...]\"");
    IN_TREE("ev start_child w x", "\"w\": expected a supervisor of the case");
    IN_TREE("ev start_child root x-y", "id \"x-y\": expected letters, digits and \"_\"");
    IN_TREE("ev start_child root x restart=no",
            "restart \"no\": expected permanent, transient or temporary");
    IN_TREE("ev start_child root x strategy=one_for_one", "strategy: not for a worker");
    REFUSED(UNIFORM "child t root\nev start_child root x term=die\n",
            "4: start_child of \"root\": expected a tag alone");
    REFUSED(UNIFORM "child t root\nev start_child root x-y\n",
            "4: tag \"x-y\": expected letters, digits and \"_\"");
    IN_TREE("ev terminate_child root", "expected \"terminate_child SUPERVISOR ID\"");
    IN_TREE("ev terminate_child n w", "\"n\": expected a supervisor of the case");
    IN_TREE("ev terminate_child root .", "id \".\": expected letters, digits and \"_\"");
    IN_TREE("ev delete_child root", "expected \"delete_child SUPERVISOR ID\"");
    IN_TREE("ev restart_child root w w", "expected \"restart_child SUPERVISOR ID\"");
    IN_TREE("ev childspec root", "expected \"childspec SUPERVISOR ID\"");
    IN_TREE("ev which", "expected \"which SUPERVISOR\"");
    IN_TREE("ev which n", "\"n\": expected a supervisor of the case");
    IN_TREE("ev count root w", "expected \"count SUPERVISOR\"");
    IN_TREE("ev advance", "expected \"advance MILLISECONDS\"");
    IN_TREE("ev advance 5ms", "advance \"5ms\": expected a number from 0 to 18446744073709");
    refuse(TREE "ev wait 5ms\n", sizeof(TREE "ev wait 5ms\n") - 1, true,
           "x:6: wait \"5ms\": expected nanoseconds");
    refuse(TREE "ev slownext w 1 x\n", sizeof(TREE "ev slownext w 1 x\n") - 1, true,
           "x:6: slownext \"x\": expected nanoseconds");
    refuse(TREE "ev hangnext w\n", sizeof(TREE "ev hangnext w\n") - 1, true,
           "x:6: expected \"hangnext ID COUNT\"");
}

/* --- one event ------------------------------------------------------------------------------------------------ */

Test(sup_case, an_event_is_read_alone)
{
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    struct sup_event event;
    struct mm1_buf printed = MM1_BUF(&alloc.base);
    static const char *const good[] = {"exit w shutdown:x", "failnext w 2 ignore", "which m",
                                       "start_child m y significant=0 term=slow:3",
                                       "slownext w 1 7ns"};
    cr_assert_eq(sup_cases_read(&alloc.base, MM1_TEXT(TREE "end\n"), "x", false, &cases, error),
                 MM1_OK);
    for (size_t i = 0; i < MM1_COUNT_OF(good); i++) {
        mm1_buf_clear(&printed);
        cr_assert_eq(sup_event_read(&cases.arena, cases.cases, mm1_text_of(good[i]), &event),
                     MM1_OK);
        cr_assert_eq(sup_event_print(&event, &printed), MM1_OK);
        cr_assert_eq(mm1_buf_terminate(&printed), MM1_OK);
        cr_expect_str_eq((const char *)printed.data, good[i]);
    }
    cr_expect_eq(sup_event_read(&cases.arena, cases.cases, MM1_TEXT("which n"), &event),
                 MM1_INVALID);
    cr_expect_eq(sup_event_read(&cases.arena, cases.cases, MM1_TEXT(""), &event), MM1_INVALID);
    mm1_buf_close(&printed);
    sup_cases_close(&cases);
}

Test(sup_case, refused_memory_leaves_nothing)
{
    for (size_t k = 1; k < 40; k++) {
        struct sup_cases cases;
        char error[SUP_CASE_ERROR_MAX];
        test_alloc_fail_at(&alloc, k);
        mm1_status status = sup_cases_read(&alloc.base, MM1_TEXT(TREE "ev which m\nend\n"), "x",
                                           false, &cases, error);
        cr_assert(status == MM1_OK || status == MM1_NOMEM);
        if (status == MM1_OK) {
            sup_cases_close(&cases);
            return;
        }
    }
    cr_assert(false, "never enough memory");
}
