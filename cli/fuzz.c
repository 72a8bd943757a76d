/* mm1 fuzz: what is fuzzed here, one word each. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mm1/posix.h>

#include "base/mutant.h"
#include "cli/cli.h"
#include "fuzz/sup_against.h"
#include "fuzz/sup_campaign.h"
#include "fuzz/sup_cases_compare.h"
#include "fuzz/sup_cases_run.h"
#include "host/units.h"
#include "sim/scenario.h"

static const char help[] =
    "fuzz supervisors [options]\n"
    "\n"
    "Draws trees of supervisors and histories of what happens to them, one a seed, plays each in "
    "the simulator under "
    "an\n"
    "order of its own, and holds what is seen against the rules of OTP (docs/supervisors.md).\n"
    "\n"
    "  --seed N|A..B           a seed, or a range with both ends (default: 1..10000)\n"
    "  --time 10m              go on from the first seed for so long\n"
    "  --jobs N                processes at a time (default: one a core)\n"
    "  --fail-fast             stop at the first failing seed\n"
    "  --hashes                print the line of every seed\n"
    "  --save DIR              write each finding, shrunk, as a scenario: mm1 sim plays it\n"
    "  --junit FILE            write what it came to as JUnit XML\n"
    "  --tap FILE              the same as TAP\n"
    "  --mutant NAME           with a seeded bug, in builds that have them; --mutants lists them\n"
    "\n"
    "Findings are told apart by their signature; of each, the lowest seed is shrunk and printed. "
    "Exit codes: 0 passed, "
    "10\n"
    "crash or hang, 11 a rule was broken, 12 no rest or livelock, 13 nondeterminism; that of the "
    "lowest failing "
    "seed.\n"
    "\n"
    "fuzz supervisors --cases FILE [options]\n"
    "\n"
    "Plays cases of supervisors and prints what happened, in the format in which they are compared "
    "with Erlang/OTP.\n"
    "\n"
    "  --cases FILE            the cases\n"
    "  --expected FILE         compare: what they are to come to\n"
    "  --differences FILE      from that, which are kept on purpose\n"
    "  --scheduler sim         in the simulator (default)\n"
    "  --scheduler threads:N   on N threads, in real time\n"
    "  --seed N                of the simulator (default: 1)\n"
    "  --jobs N                cases at a time (default: 1; on threads 16)\n"
    "\n"
    "Standard output is the trace alone. Exit codes: 0 played to the end, and equal; 11 a "
    "difference; 12 a case does "
    "not\n"
    "come to rest; 2 a malformed case.\n"
    "\n"
    "fuzz supervisors --against-otp [options]\n"
    "\n"
    "Draws cases, one a seed, plays each on libmm1 and on the supervisor of Erlang/OTP, and prints "
    "the first difference,\n"
    "shrunk, as a file of cases with both outputs in it.\n"
    "\n"
    "  --seed N|A..B           a seed, or a range with both ends (default: 1..1000)\n"
    "  --count N               so many seeds, from that of --seed on\n"
    "  --time 10m              go on from the first seed for so long\n"
    "  --jobs N                cases that OTP plays at a time (default: 8)\n"
    "  --mutant NAME           with a seeded bug, in builds that have them\n"
    "\n"
    "Exit codes: 0 all equal; 11 a difference; 10 libmm1 crashes or hangs; 12 it does not come to "
    "rest; 13 a difference\n"
    "that does not come again; 3 there is no Erlang (Debian: the package erlang-base).\n";

enum {
    CASES = 1,
    EXPECTED,
    DIFFERENCES,
    SCHEDULER,
    SEED,
    JOBS,
    TIME, /* from here on of campaigns alone */
    FAIL_FAST,
    HASHES,
    SAVE,
    JUNIT,
    TAP,
    MUTANT,
    MUTANTS,
    AGAINST,
    COUNT,
};

static const struct option options_list[] = {
    {"cases", required_argument, NULL, CASES},
    {"expected", required_argument, NULL, EXPECTED},
    {"differences", required_argument, NULL, DIFFERENCES},
    {"scheduler", required_argument, NULL, SCHEDULER},
    {"seed", required_argument, NULL, SEED},
    {"jobs", required_argument, NULL, JOBS},
    {"time", required_argument, NULL, TIME},
    {"fail-fast", no_argument, NULL, FAIL_FAST},
    {"hashes", no_argument, NULL, HASHES},
    {"save", required_argument, NULL, SAVE},
    {"junit", required_argument, NULL, JUNIT},
    {"tap", required_argument, NULL, TAP},
    {"mutant", required_argument, NULL, MUTANT},
    {"mutants", no_argument, NULL, MUTANTS},
    {"against-otp", no_argument, NULL, AGAINST},
    {"count", required_argument, NULL, COUNT},
    {0},
};

#define SEEDS_DEFAULT 10000
#define AGAINST_DEFAULT 1000
#define AGAINST_JOBS 8
#define DIFFERENCE 11
#define RESTLESS 12
#define FILE_MAX (UINT32_C(1) << 30)

struct fuzz_options {
    const char *cases;
    const char *expected;
    const char *differences;
    struct sim_seeds seeds;
    bool seeds_given;
    uint64_t jobs;    /* 0: the default */
    uint64_t threads; /* 0: simulated */
    struct sup_campaign_options campaign;
    const char *of_campaign; /* an option that only campaigns have; null: none was given */
    bool lists_mutants;
    bool against;
    uint64_t count; /* of seeds; 0: not given */
};

/* --- options -------------------------------------------------------------------------------------------------- */

static bool take_scheduler(const char *text, struct fuzz_options *options)
{
    static const char THREADS[] = "threads:";
    if (strcmp(text, "sim") == 0) {
        options->threads = 0;
        return true;
    }
    return strncmp(text, THREADS, sizeof(THREADS) - 1) == 0 &&
           cli_number(text + sizeof(THREADS) - 1, 1, 64, &options->threads);
}

static bool take_seeds(const char *text, struct fuzz_options *options)
{
    options->seeds_given = true;
    if (sim_seeds_parse(mm1_text_of(text), &options->seeds) == MM1_OK &&
        options->seeds.last - options->seeds.first != UINT64_MAX) {
        return true;
    }
    (void)cli_usage(
        &cli_fuzz, "--seed \"%s\": expected a seed or a range like 1..100 that holds a seed", text);
    return false;
}

static bool take_mutant(const char *name, struct fuzz_options *options)
{
    const char *about;
    options->campaign.mutant = name;
    if (mm1__mutant_choose(name)) {
        return true;
    }
    (void)cli_usage(&cli_fuzz, "--mutant \"%s\": %s", name,
                    mm1__mutant_name(0, &about) == NULL
                        ? "this build has no seeded bugs"
                        : "expected one of those that --mutants lists");
    return false;
}

static bool take_campaign_option(int code, struct fuzz_options *options)
{
    struct sup_campaign_options *campaign = &options->campaign;
    for (const struct option *option = options_list; option->name != NULL; option++) {
        options->of_campaign = option->val == code ? option->name : options->of_campaign;
    }
    switch (code) {
    case TIME:
        if (mm1__duration_parse(mm1_text_of(optarg), &campaign->time_ns) == MM1_OK &&
            campaign->time_ns != 0) {
            return true;
        }
        (void)cli_usage(&cli_fuzz, "--time \"%s\": expected a duration like 10m", optarg);
        return false;
    case FAIL_FAST:
        campaign->fail_fast = true;
        return true;
    case HASHES:
        campaign->hashes = true;
        return true;
    case SAVE:
        campaign->save = optarg;
        return true;
    case JUNIT:
        campaign->junit = optarg;
        return true;
    case TAP:
        campaign->tap = optarg;
        return true;
    case MUTANT:
        return take_mutant(optarg, options);
    case MUTANTS:
        options->lists_mutants = true;
        return true;
    case AGAINST:
        options->against = true;
        return true;
    case COUNT:
        if (cli_number(optarg, 1, UINT64_MAX, &options->count)) {
            return true;
        }
        (void)cli_usage(&cli_fuzz, "--count \"%s\": expected a number of seeds", optarg);
        return false;
    default:
        return false;
    }
}

static bool take_option(int code, struct fuzz_options *options)
{
    switch (code) {
    case CASES:
        options->cases = optarg;
        return true;
    case EXPECTED:
        options->expected = optarg;
        return true;
    case DIFFERENCES:
        options->differences = optarg;
        return true;
    case SCHEDULER:
        if (take_scheduler(optarg, options)) {
            return true;
        }
        (void)cli_usage(&cli_fuzz, "--scheduler \"%s\": expected sim or threads:N, N from 1 to 64",
                        optarg);
        return false;
    case SEED:
        return take_seeds(optarg, options);
    case JOBS:
        if (cli_number(optarg, 1, 256, &options->jobs)) {
            return true;
        }
        (void)cli_usage(&cli_fuzz, "--jobs \"%s\": expected a number from 1 to 256", optarg);
        return false;
    default:
        return take_campaign_option(code, options);
    }
}

static bool take_options(int argc, char **argv, struct fuzz_options *options)
{
    for (;;) {
        int code = cli_option(&cli_fuzz, argc, argv, options_list);
        if (code == -1) {
            return true;
        }
        if (code == '?' || !take_option(code, options)) {
            return false;
        }
    }
}

/* --- files ---------------------------------------------------------------------------------------------------- */

/* The whole of a file; false: said why not. */
static bool read_file(const char *path, struct mm1_buf *out)
{
    FILE *file = fopen(path, "rb");
    bool good = file != NULL;
    size_t got = 1;
    while (good && got != 0) {
        char block[1 << 14];
        got = fread(block, 1, sizeof(block), file);
        if (out->size + got > FILE_MAX || mm1_buf_append(out, block, got) != MM1_OK) {
            errno = EFBIG;
            good = false;
        }
    }
    good = good && ferror(file) == 0;
    if (!good) {
        (void)fprintf(stderr, "mm1: %s: %s\n", path, strerror(errno));
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return good;
}

/* --- playing cases -------------------------------------------------------------------------------------------- */

/* The files, and what is made of them. */
struct cases_files {
    struct mm1_buf cases;
    struct mm1_buf expected;
    struct mm1_buf differences;
    struct sup_compare *compare; /* null: nothing is compared */
};

static void tell(void *arg, const struct sup_case *the_case, struct mm1_text output)
{
    struct sup_compare *compare = arg;
    (void)fwrite(output.data, 1, output.size, stdout);
    if (compare != NULL) {
        sup_compare_case(compare, the_case->name, output);
    }
}

static int play(const struct fuzz_options *options, const struct sup_cases *cases,
                struct sup_compare *compare)
{
    const struct sup_cases_options how = {.threads = (unsigned)options->threads,
                                          .seed = options->seeds.first,
                                          .jobs = options->jobs != 0      ? (unsigned)options->jobs
                                                  : options->threads == 0 ? 1
                                                                          : 16};
    char error[SUP_CASES_ERROR_MAX];
    mm1_status status = sup_cases_run(cases, &how, mm1_posix_alloc(), tell, compare, error);
    if (compare != NULL && status == MM1_OK) {
        sup_compare_end(compare);
    }
    (void)fflush(stdout);
    if (compare != NULL && compare->differs) {
        (void)fprintf(stderr, "mm1: %s\n", compare->text);
    }
    if (status != MM1_OK) {
        (void)fprintf(stderr, "mm1: %s\n", error);
    }
    return compare != NULL && compare->differs ? DIFFERENCE
           : status == MM1_TIMEOUT             ? RESTLESS
           : status != MM1_OK                  ? CLI_ENVIRONMENT
                                               : CLI_OK;
}

/* Says why not, of what one reader of a file said. */
static int refused(mm1_status status, const char *error)
{
    (void)fprintf(stderr, "mm1: %s\n", status == MM1_INVALID ? error : mm1_status_text(status));
    return status == MM1_INVALID ? CLI_INPUT : CLI_ENVIRONMENT;
}

static int play_files(const struct fuzz_options *options, const struct cases_files *files)
{
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    mm1_status status;
    if (options->differences != NULL) {
        status = sup_compare_keep(files->compare, options->differences,
                                  mm1_buf_text(&files->differences));
        if (status != MM1_OK) {
            return refused(status, files->compare->text);
        }
    }
    status = sup_cases_read(mm1_posix_alloc(), mm1_buf_text(&files->cases), options->cases, false,
                            &cases, error);
    if (status != MM1_OK) {
        return refused(status, error);
    }
    int code = play(options, &cases, files->compare);
    sup_cases_close(&cases);
    return code;
}

static int play_cases(const struct fuzz_options *options)
{
    struct mm1_alloc *alloc = mm1_posix_alloc();
    struct sup_compare compare;
    struct cases_files files = {.cases = MM1_BUF(alloc),
                                .expected = MM1_BUF(alloc),
                                .differences = MM1_BUF(alloc),
                                .compare = options->expected == NULL ? NULL : &compare};
    int code = CLI_INPUT;
    bool good =
        read_file(options->cases, &files.cases) &&
        (options->expected == NULL || read_file(options->expected, &files.expected)) &&
        (options->differences == NULL || read_file(options->differences, &files.differences));
    sup_compare_init(&compare, alloc, options->expected, mm1_buf_text(&files.expected));
    if (good) {
        code = play_files(options, &files);
    }
    sup_compare_close(&compare);
    mm1_buf_close(&files.cases);
    mm1_buf_close(&files.expected);
    mm1_buf_close(&files.differences);
    return code;
}

/* --- campaigns ------------------------------------------------------------------------------------------------ */

static int list_mutants(void)
{
    const char *text;
    const char *name;
    for (size_t i = 0; (name = mm1__mutant_name(i, &text)) != NULL; i++) {
        (void)printf("%-24s %s\n", name, text);
    }
    if (mm1__mutant_name(0, &text) == NULL) {
        (void)fprintf(stderr, "mm1: this build has no seeded bugs (MM1_MUTANTS)\n");
        return CLI_INPUT;
    }
    return CLI_OK;
}

static int run_campaign(struct fuzz_options *options)
{
    struct sup_campaign_options *campaign = &options->campaign;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    if (options->expected != NULL || options->differences != NULL || options->threads != 0) {
        return cli_usage(&cli_fuzz, "--cases: no file of cases was named");
    }
    if (options->lists_mutants) {
        return list_mutants();
    }
    campaign->first = options->seeds.first;
    campaign->last = options->seeds_given ? options->seeds.last : SEEDS_DEFAULT;
    campaign->jobs = options->jobs != 0 ? (unsigned)options->jobs
                     : cores < 1        ? 1
                     : cores > 256      ? 256
                                        : (unsigned)cores;
    campaign->stop = cli_watch_signals();
    return sup_campaign(campaign);
}

/* --- against OTP ---------------------------------------------------------------------------------------------- */

static int run_against(const struct fuzz_options *options)
{
    const struct sup_campaign_options *campaign = &options->campaign;
    const struct sim_seeds *seeds = &options->seeds;
    struct sup_against_options against = {.first = seeds->first,
                                          .last = seeds->last,
                                          .time_ns = campaign->time_ns,
                                          .jobs = options->jobs != 0 ? (unsigned)options->jobs
                                                                     : AGAINST_JOBS,
                                          .mutant = campaign->mutant};
    if (options->cases != NULL || options->expected != NULL || options->differences != NULL ||
        options->threads != 0 || campaign->fail_fast || campaign->hashes ||
        campaign->save != NULL || campaign->junit != NULL || campaign->tap != NULL ||
        options->lists_mutants) {
        return cli_usage(&cli_fuzz,
                         "--against-otp: goes with --seed, --count, --time, --jobs and --mutant");
    }
    if (options->count != 0 && seeds->first != seeds->last) {
        return cli_usage(&cli_fuzz, "--count: not with a range of seeds");
    }
    uint64_t count = options->count != 0    ? options->count
                     : options->seeds_given ? seeds->last - seeds->first + 1
                                            : AGAINST_DEFAULT;
    if (count - 1 > UINT64_MAX - seeds->first) {
        return cli_usage(&cli_fuzz, "--count: there are not so many seeds");
    }
    against.last = seeds->first + (count - 1);
    against.stop = cli_watch_signals();
    return sup_against(&against);
}

/* --- the verb ------------------------------------------------------------------------------------------------- */

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    struct fuzz_options options = {.seeds = {.first = 1, .last = 1}};
    (void)linked;
    if (!take_options(argc, argv, &options)) {
        return CLI_USAGE;
    }
    if (argc - optind != 1 || strcmp(argv[optind], "supervisors") != 0) {
        return cli_usage(&cli_fuzz, "expected what to fuzz: supervisors");
    }
    if (options.against) {
        return run_against(&options);
    }
    if (options.count != 0) {
        return cli_usage(&cli_fuzz, "--count: only with --against-otp");
    }
    if (options.cases == NULL) {
        return run_campaign(&options);
    }
    if (options.of_campaign != NULL) {
        return cli_usage(&cli_fuzz, "--%s: not with --cases", options.of_campaign);
    }
    if (options.seeds.first != options.seeds.last) {
        return cli_usage(&cli_fuzz, "--seed: one seed, not a range, with --cases");
    }
    if (options.differences != NULL && options.expected == NULL) {
        return cli_usage(&cli_fuzz, "--differences: from what? --expected is missing");
    }
    return play_cases(&options);
}

const struct cli_verb cli_fuzz = {
    .name = "fuzz",
    .about = "fuzz supervisors, or play histories of them",
    .help = help,
    .run = run,
};
