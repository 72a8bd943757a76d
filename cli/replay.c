/* mm1 replay: a recorded run again. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "host/units.h"
#include "replay/replay.h"

static const char help[] = "replay FILE[#RUN[:SEQ]] [--seq N]\n"
                           "\n"
                           "Executes a recorded run again, from the decisions in the trace, and "
                           "compares it with the trace event by event.\n"
                           "Without #RUN: the run with the lowest seed in FILE.\n"
                           "\n"
                           "  --seq N                 stop after event N, and say what led to it\n"
                           "\n"
                           "Exit codes: the run's own, 13 when it could not be repeated.\n";

enum { SEQ_OPTION = 1 };

static const struct option options_list[] = {
    {"seq", required_argument, NULL, SEQ_OPTION},
    {0},
};

/* Splits "FILE#RUN:SEQ" at its last '#', when what follows are numbers; else all of it is the file. */
static void split(char *text, struct replay_options *options)
{
    char *hash = strrchr(text, '#');
    options->path = text;
    if (hash == NULL) {
        return;
    }
    char *colon = strchr(hash, ':');
    uint64_t run = 0;
    uint64_t seq = 0;
    struct mm1_text number = {
        .data = hash + 1, .size = colon == NULL ? strlen(hash + 1) : (size_t)(colon - hash - 1)};
    if (mm1__u64_parse(number, &run) == MM1_OK && run > 0 && run < (1u << 23) &&
        (colon == NULL || cli_number(colon + 1, 1, (uint64_t)1 << 39, &seq))) {
        *hash = '\0';
        options->run = run;
        options->until = seq;
    }
}

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    struct replay_options options = {0};
    uint64_t until = 0;
    (void)linked; /* the child finds them by itself */
    for (;;) {
        int code = cli_option(&cli_replay, argc, argv, options_list);
        if (code == -1) {
            break;
        }
        if (code == '?') {
            return CLI_USAGE;
        }
        if (!cli_number(optarg, 1, (uint64_t)1 << 39, &until)) {
            return cli_usage(&cli_replay, "--seq \"%s\": expected the number of an event", optarg);
        }
    }
    if (argc - optind != 1) {
        return cli_usage(&cli_replay, "%s",
                         argc == optind ? "no trace was named" : "one trace at a time");
    }
    char *path = strdup(argv[optind]);
    if (path == NULL) {
        (void)fprintf(stderr, "mm1: out of memory\n");
        return CLI_ENVIRONMENT;
    }
    split(path, &options);
    options.until = until != 0 ? until : options.until;
    options.stop = cli_watch_signals();
    int code = replay_again(&options);
    free(path);
    return code;
}

const struct cli_verb cli_replay = {
    .name = "replay",
    .about = "execute a recorded run again and compare it, event by event",
    .help = help,
    .run = run,
};
