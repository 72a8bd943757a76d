/* A campaign: one scenario, a range of seeds, run in child processes, and what became of it on standard output. */
#ifndef SIM_CAMPAIGN_H
#define SIM_CAMPAIGN_H

#include <signal.h>
#include <stdbool.h>

#include "sim/scenario.h"
#include "sim/trace_db.h"

struct sim_campaign_options {
    const char *file; /* the scenario */
    struct sim_seeds seeds;
    bool seeds_given; /* else the scenario's own */
    unsigned jobs;    /* at least 1 */
    const char *out;  /* folder for traces, made when needed; where no trace file was named */
    struct sim_trace_db *trace; /* borrowed; null: none was named */
    const char *trace_path;
    struct sim_ratio twice; /* share of the passing seeds that run a second time */
    bool fail_fast;
    bool strict;
    bool hashes;                       /* a line for every seed */
    const volatile sig_atomic_t *stop; /* the signal that ended it; 0: none yet */
};

/* What several campaigns of one command add up to. */
struct sim_campaign_sum {
    int code; /* exit code: of the first failing campaign; 14 and 15 only where none failed otherwise */
    size_t traced; /* runs written to the named trace */
};

/* Runs it. True: go on with the next one; false: an error (`sum->code` says which) or a signal ended it. */
bool sim_campaign(const struct sim_campaign_options *options, struct sim_campaign_sum *sum);

#endif
