/* Campaigns: what they find, print and write. Seeds that crash or hang do so by our own doing. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mutant.h"
#include "fuzz/sup_campaign.h"
#include "fuzz/sup_run.h"
#include "mm1_test.h"

static const volatile sig_atomic_t never;

struct outcome {
    int code;
    char *said; /* on standard output; to be freed */
};

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    char *text = calloc(1, 1 << 20);
    cr_assert_not_null(text);
    cr_assert(fread(text, 1, (1 << 20) - 1, file) < (1 << 20) - 1);
    cr_assert_eq(fclose(file), 0);
    return text;
}

static char *folder_new(void)
{
    static char folder[64];
    (void)snprintf(folder, sizeof(folder), "/tmp/mm1-campaign-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    return folder;
}

static struct outcome run(struct sup_campaign_options options)
{
    struct outcome outcome;
    char path[] = "/tmp/mm1-campaign-out-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0);
    (void)fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    cr_assert(dup2(file, STDOUT_FILENO) == STDOUT_FILENO);
    options.stop = options.stop == NULL ? &never : options.stop;
    options.jobs = options.jobs == 0 ? 2 : options.jobs;
    outcome.code = sup_campaign(&options);
    (void)fflush(stdout);
    (void)dup2(kept, STDOUT_FILENO);
    (void)close(kept);
    (void)close(file);
    outcome.said = read_all(path);
    (void)unlink(path);
    return outcome;
}

static bool says(const struct outcome *outcome, const char *what)
{
    return strstr(outcome->said, what) != NULL;
}

TestSuite(sup_campaign);

Test(sup_campaign, a_range_passes_and_the_lines_do_not_depend_on_jobs)
{
    const struct sup_campaign_options one = {.first = 1, .last = 150, .jobs = 1, .hashes = true};
    struct sup_campaign_options three = one;
    three.jobs = 3;
    struct outcome first = run(one);
    struct outcome second = run(three);
    cr_assert_eq(first.code, 0, "%s", first.said);
    cr_assert_eq(second.code, 0);
    cr_assert_str_eq(first.said, second.said);
    cr_assert(says(&first, "seed 1 passed hash "));
    cr_assert(says(&first, "\nseed 150 passed hash "));
    cr_assert(says(&first, "\n150 passed, 0 failed\n"));
    free(first.said);
    free(second.said);
}

/* Not the last thing that is done, so that it has a frame of its own, whoever called it. */
static void crash_at_13(uint64_t seed)
{
    if (seed == 13) {
        (void)raise(SIGSEGV);
        __asm__ volatile("");
    }
}

Test(sup_campaign, a_crash_is_found_and_the_others_still_run)
{
    struct outcome outcome = run((struct sup_campaign_options){
        .first = 1, .last = 60, .hashes = true, .before = crash_at_13});
    cr_assert_eq(outcome.code, 10, "%s", outcome.said);
    cr_assert(says(&outcome, "\n59 passed, 1 failed\n"), "%s", outcome.said);
    cr_assert(says(&outcome, "\ncrash SIGSEGV"));
    cr_assert(says(&outcome, "seed       13 ("));
    cr_assert(says(&outcome, "\nseed 14 passed hash "));
    cr_assert(says(&outcome, "\nseed 60 passed hash "));
    /* It crashes whatever the case. */
    cr_assert(says(&outcome, ", 0 events; found with "), "%s", outcome.said);
    cr_assert(says(&outcome, "  again      mm1 fuzz supervisors --seed 13\n"));
    free(outcome.said);
}

static void hang_at_7(uint64_t seed)
{
    for (volatile bool forever = seed == 7; forever;) {
    }
}

Test(sup_campaign, a_hang_is_found)
{
    (void)setenv("MM1_WATCHDOG_MS", "400", 1);
    struct outcome outcome =
        run((struct sup_campaign_options){.first = 1, .last = 30, .before = hang_at_7});
    cr_assert_eq(outcome.code, 10, "%s", outcome.said);
    cr_assert(says(&outcome, "29 passed, 1 failed\n"), "%s", outcome.said);
    cr_assert(says(&outcome, "\nhang\n  seed       7 ("));
    free(outcome.said);
}

static void crash_at_two(uint64_t seed)
{
    if (seed == 9 || seed == 70) {
        abort();
    }
}

Test(sup_campaign, fail_fast_ends_with_the_lowest)
{
    for (unsigned jobs = 1; jobs <= 3; jobs++) {
        struct outcome outcome = run((struct sup_campaign_options){.first = 1,
                                                                   .last = 100000000,
                                                                   .jobs = jobs,
                                                                   .fail_fast = true,
                                                                   .before = crash_at_two});
        cr_assert_eq(outcome.code, 10);
        cr_assert(strncmp(outcome.said, "failed: seed 9\n", 15) == 0, "%s", outcome.said);
        cr_assert(says(&outcome, "\ncrash SIGABRT"));
        free(outcome.said);
    }
}

Test(sup_campaign, time_ends_it)
{
    struct outcome outcome =
        run((struct sup_campaign_options){.first = 1, .last = 1, .time_ns = 300000000});
    unsigned long long passed = 0;
    cr_assert_eq(outcome.code, 0, "%s", outcome.said);
    cr_assert_eq(sscanf(outcome.said, "%llu passed, 0 failed", &passed), 1);
    cr_assert(passed > 20, "%llu", passed);
    free(outcome.said);
}

Test(sup_campaign, a_signal_ends_it)
{
    static volatile sig_atomic_t stop = SIGTERM;
    struct outcome outcome =
        run((struct sup_campaign_options){.first = 1, .last = 100000000, .stop = &stop});
    cr_assert_eq(outcome.code, 143);
    cr_assert(strncmp(outcome.said, "interrupted; ", 13) == 0, "%s", outcome.said);
    free(outcome.said);
}

Test(sup_campaign, reports_are_written)
{
    char junit[128];
    char tap[128];
    char *folder = folder_new();
    (void)snprintf(junit, sizeof(junit), "%s/j.xml", folder);
    (void)snprintf(tap, sizeof(tap), "%s/t.tap", folder);
    struct sup_campaign_options options = {
        .first = 1, .last = 20, .junit = junit, .tap = tap, .before = crash_at_13};
    struct outcome outcome = run(options);
    cr_assert_eq(outcome.code, 10);
    char *text = read_all(junit);
    cr_assert_not_null(strstr(text, "<testsuite name=\"mm1 fuzz supervisors\" tests=\"1\" "
                                    "failures=\"1\""));
    cr_assert_not_null(strstr(text, "<failure message=\"seed 13: "));
    free(text);
    text = read_all(tap);
    cr_assert(strncmp(text, "TAP version 13\n1..1\nnot ok 1 - crash SIGSEGV", 44) == 0, "%s", text);
    free(text);
    free(outcome.said);
    options.before = NULL;
    outcome = run(options);
    cr_assert_eq(outcome.code, 0);
    text = read_all(junit);
    cr_assert_not_null(strstr(text, "tests=\"1\" failures=\"0\""));
    free(text);
    text = read_all(tap);
    cr_assert_str_eq(text, "TAP version 13\n1..1\nok 1 - seeds from 1\n");
    free(text);
    free(outcome.said);
    options.tap = "/nowhere/t.tap";
    outcome = run(options);
    cr_assert_eq(outcome.code, 3);
    free(outcome.said);
    (void)unlink(junit);
    (void)unlink(tap);
    (void)rmdir(folder);
}

#ifdef MM1_MUTANTS
Test(sup_campaign, a_seeded_bug_is_found_shrunk_and_saved)
{
    char folder[128];
    char path[256];
    (void)snprintf(folder, sizeof(folder), "%s/deep/regress", folder_new());
    cr_assert(mm1__mutant_choose("limit-ge"));
    struct outcome outcome = run((struct sup_campaign_options){
        .first = 1, .last = 100000, .fail_fast = true, .save = folder, .mutant = "limit-ge"});
    unsigned long long seed = 0;
    cr_assert_eq(outcome.code, 11, "%s", outcome.said);
    cr_assert_eq(sscanf(outcome.said, "failed: seed %llu", &seed), 1);
    const char *saved = strstr(outcome.said, "mm1 sim ");
    cr_assert_not_null(saved, "%s", outcome.said);
    cr_assert_eq(sscanf(saved, "mm1 sim %255s", path), 1);
    cr_assert(strncmp(path, folder, strlen(folder)) == 0, "%s", path);
    char *text = read_all(path);
    struct sup_run again;
    cr_assert_eq(sup_run_scenario(mm1_text_of(text), NULL, &again), MM1_OK);
    cr_assert(again.failed);
    cr_assert(says(&outcome, again.signature));
    cr_assert(mm1__mutant_choose("limit-no-prune"));
    cr_assert_eq(sup_run_scenario(mm1_text_of(text), NULL, &again), MM1_OK);
    cr_assert(!again.failed, "it does not tell one bug from another: %s", again.text);
    free(text);
    (void)unlink(path);
    (void)rmdir(folder);
    *strrchr(folder, '/') = '\0';
    (void)rmdir(folder);
    *strrchr(folder, '/') = '\0';
    (void)rmdir(folder);
    free(outcome.said);
}

static void another_each_time(uint64_t seed)
{
    static unsigned calls;
    (void)seed;
    mm1__mutant = calls++ % 2 == 0 ? MM1__MUTANT_none : MM1__MUTANT_limit_ge;
}

Test(sup_campaign, two_runs_of_a_seed_are_compared)
{
    struct outcome outcome = run((struct sup_campaign_options){
        .first = 1, .last = 400, .jobs = 1, .before = another_each_time});
    cr_assert(says(&outcome, "\nnondeterminism\n"), "%s", outcome.said);
    cr_assert(says(&outcome, "the same seed gave two runs: hash "));
    free(outcome.said);
}
#endif
