/* Executes a recorded run again and compares it with its trace, event by event. */
#ifndef REPLAY_REPLAY_H
#define REPLAY_REPLAY_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct replay_options {
    const char *path;
    uint64_t run;   /* 0: the one with the lowest seed */
    uint64_t until; /* stop after this event; 0: go to the end */
    const volatile sig_atomic_t *stop;
};

/* Returns the exit code: the run's own when it was repeated, 13 when it was not. */
int replay_again(const struct replay_options *options);

/* Asks the trace at `path` and prints the rows with a line of names: in columns for people, or with tabs between. The
 * file is not changed. Returns the exit code. */
int replay_query(const char *path, const char *sql, FILE *to, bool columns);

#endif
