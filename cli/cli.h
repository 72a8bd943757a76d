/* What the verbs of the command share. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/load.h"

enum {
    CLI_OK = 0,
    CLI_USAGE = 1,
    CLI_INPUT = 2,
    CLI_ENVIRONMENT = 3,
};

/* A verb: argv[0] is its name. Returns the exit code. */
struct cli_verb {
    const char *name;
    const char *about; /* one line */
    const char *help;  /* after "usage: mm1 " */
    int (*run)(int argc, char **argv, const struct mm1__linked_systems *linked);
};

extern const struct cli_verb cli_sim;
extern const struct cli_verb cli_replay;
extern const struct cli_verb cli_query;
extern const struct cli_verb cli_check;
extern const struct cli_verb cli_list;
extern const struct cli_verb cli_node;
extern const struct cli_verb cli_fuzz;

/* Says what is wrong with the command line, and how to get help; returns CLI_USAGE. */
int cli_usage(const struct cli_verb *verb, const char *format, ...) MM1_PRINTF(2, 3);
/* The next option of a verb, as getopt_long; -1 at the end, and '?' after having said what is wrong. */
int cli_option(const struct cli_verb *verb, int argc, char **argv, const struct option *options);
/* The signal that asks the command to end: 0 until then. Installs the handlers. */
const volatile sig_atomic_t *cli_watch_signals(void);
/* A number from `min` to `max`, and nothing else. */
bool cli_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);

#endif
