/* What people read: lines about seeds, and the block about a failure. */
#ifndef SIM_REPORT_H
#define SIM_REPORT_H

#include <sqlite3.h>
#include <stdio.h>

#include "sim/child.h"

/* "seed N VERDICT hash H". */
void sim_report_seed(FILE *to, uint64_t seed, enum sim_verdict verdict, uint64_t hash);

/* A duration in seconds, without zeros at its end, with a NUL; returns `out`. */
#define SIM_TIME_TEXT 40
const char *sim_report_time(uint64_t time_ns, char out[SIM_TIME_TEXT]);
/* `text` as one word of a shell command, with a NUL, cut at `size`; returns `out`. */
const char *sim_report_word(const char *text, char *out, size_t size);

struct sim_failure {
    const struct sim_result *result;
    const char *scenario;          /* its name */
    const char *scenario_file;     /* null: it is not there any more */
    const struct sim_crash *crash; /* null: none */
    sqlite3 *sqlite;               /* the trace, for the last causal chain; null: none */
    uint64_t run;
    const char *trace; /* where the trace is, to paste; null: there is none */
    /* of nondeterminism: the first differing event, both sides; null: none */
    const char *difference;
};
/* The events that led to the one at which the run failed (`failed_seq` of `result`), the last of them last. */
void sim_report_chain(FILE *to, sqlite3 *sqlite, uint64_t run, const struct sim_result *result);
void sim_report_failure(FILE *to, const struct sim_failure *failure);

/* One line about speed. `wall_ns` > 0. */
void sim_report_speed(FILE *to, uint64_t seeds, uint64_t events, uint64_t virtual_ns,
                      uint64_t wall_ns, unsigned jobs);

#endif
