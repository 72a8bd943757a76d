/* mm1 sim: scenarios in the simulator. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "host/units.h"
#include "sim/campaign.h"

static const char help[] =
    "sim SCENARIO... [options]\n"
    "\n"
    "Runs scenario files in the simulator, one run a seed.\n"
    "\n"
    "  --seed N|A..B           a seed, or a range with both ends; decimal or 0x hex (default: the "
    "scenario's range)\n"
    "  --jobs N                processes at a time (default: one a core)\n"
    "  --trace FILE            record the run of one seed, or the lowest failing seed of each "
    "signature of a range\n"
    "  --out DIR               where failing seeds are recorded without --trace (default: "
    "mm1-out)\n"
    "  --fail-fast             stop at the first failing seed\n"
    "  --strict                fail when something was configured and never happened\n"
    "  --hashes                print the line of every seed, not only of failing ones\n"
    "  --check-determinism A/B share of passing seeds that are run a second time (default: 1/16)\n"
    "\n"
    "On standard output, for one seed and for each failing one: seed N VERDICT hash H.\n"
    "Exit codes: 0 passed, 10 crash or hang, 11 property, 12 liveness or livelock, 13 "
    "nondeterminism, 14 vacuous\n"
    "(--strict), 15 inconclusive; that of the lowest failing seed.\n";

enum { SEED = 1, JOBS, TRACE, OUT, FAIL_FAST, STRICT, HASHES, CHECK };

static const struct option options_list[] = {
    {"seed", required_argument, NULL, SEED},
    {"jobs", required_argument, NULL, JOBS},
    {"trace", required_argument, NULL, TRACE},
    {"out", required_argument, NULL, OUT},
    {"fail-fast", no_argument, NULL, FAIL_FAST},
    {"strict", no_argument, NULL, STRICT},
    {"hashes", no_argument, NULL, HASHES},
    {"check-determinism", required_argument, NULL, CHECK},
    {0},
};

static bool take_number_option(int code, struct sim_campaign_options *options)
{
    uint64_t number = 0;
    switch (code) {
    case SEED:
        options->seeds_given = true;
        if (sim_seeds_parse(mm1_text_of(optarg), &options->seeds) == MM1_OK &&
            options->seeds.last - options->seeds.first != UINT64_MAX) {
            return true;
        }
        (void)cli_usage(&cli_sim,
                        "--seed \"%s\": expected a seed or a range like 1..100 that holds a seed",
                        optarg);
        return false;
    case JOBS:
        if (cli_number(optarg, 1, 1024, &number)) {
            options->jobs = (unsigned)number;
            return true;
        }
        (void)cli_usage(&cli_sim, "--jobs \"%s\": expected a number from 1 to 1024", optarg);
        return false;
    default:
        if (mm1__ratio_parse(mm1_text_of(optarg), &options->twice.num, &options->twice.den) ==
            MM1_OK) {
            return true;
        }
        (void)cli_usage(&cli_sim, "--check-determinism \"%s\": expected a ratio like 1/16", optarg);
        return false;
    }
}

static bool take_options(int argc, char **argv, struct sim_campaign_options *options)
{
    for (;;) {
        int code = cli_option(&cli_sim, argc, argv, options_list);
        switch (code) {
        case -1:
            return true;
        case '?':
            return false;
        case TRACE:
            options->trace_path = optarg;
            break;
        case OUT:
            options->out = optarg;
            break;
        case FAIL_FAST:
            options->fail_fast = true;
            break;
        case STRICT:
            options->strict = true;
            break;
        case HASHES:
            options->hashes = true;
            break;
        default:
            if (!take_number_option(code, options)) {
                return false;
            }
        }
    }
}

/* Puts the named trace in place, or takes it back when nothing was recorded. Returns the exit code. */
static int end_trace(struct sim_trace_db *trace, size_t traced, int code)
{
    char error[SIM_ERROR_MAX];
    if (trace == NULL) {
        return code;
    }
    if (traced == 0 || code == 130 || code == 143 || code == CLI_INPUT || code == CLI_ENVIRONMENT) {
        sim_trace_db_abandon(trace);
        return code;
    }
    if (sim_trace_db_commit(trace, error) != MM1_OK) {
        (void)fprintf(stderr, "mm1: %s\n", error);
        return CLI_ENVIRONMENT;
    }
    return code;
}

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    (void)linked; /* children find them by themselves */
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct sim_campaign_options options = {
        .jobs = cores < 1     ? 1
                : cores > 256 ? 256
                              : (unsigned)cores,
        .out = "mm1-out",
        .twice = {.num = 1, .den = 16},
    };
    struct sim_campaign_sum sum = {0};
    char error[SIM_ERROR_MAX];
    if (!take_options(argc, argv, &options)) {
        return CLI_USAGE;
    }
    if (optind == argc) {
        return cli_usage(&cli_sim, "no scenario was named");
    }
    options.stop = cli_watch_signals();
    if (options.trace_path != NULL &&
        sim_trace_db_open(options.trace_path, &options.trace, error) != MM1_OK) {
        (void)fprintf(stderr, "mm1: %s\n", error);
        return CLI_ENVIRONMENT;
    }
    bool go_on = true;
    for (int i = optind; i < argc && go_on; i++) {
        options.file = argv[i];
        go_on = sim_campaign(&options, &sum);
    }
    return end_trace(options.trace, sum.traced, sum.code);
}

const struct cli_verb cli_sim = {
    .name = "sim",
    .about = "run scenarios in the simulator",
    .help = help,
    .run = run,
};
