/* `mm1 fuzz supervisors`: many cases, one a seed, each in a world of its own, on several processes; findings are told
 * apart by their signature, shrunk, printed and saved. */
#ifndef FUZZ_SUP_CAMPAIGN_H
#define FUZZ_SUP_CAMPAIGN_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

struct sup_campaign_options {
    uint64_t first; /* seeds, both ends included */
    uint64_t last;
    uint64_t time_ns; /* 0: until `last`; else seeds go on from `first` until the time is over */
    unsigned jobs;
    bool fail_fast;
    bool hashes;       /* print the line of every seed */
    const char *save;  /* folder that gets a scenario of each finding; null: none */
    const char *junit; /* files; null: none */
    const char *tap;
    const char *mutant; /* that was chosen, for the lines to paste; null: none */
    void (*before)(
        uint64_t
            seed); /* called in the process of each run; null: nothing. For tests: it may crash */
    const volatile sig_atomic_t *stop; /* the signal that asked to end; 0: none */
};

/* Returns the exit code: 0, 10 crash or hang, 11 property, 12 livelock, 13 nondeterminism, 3, 130, 143; that of the
 * lowest failing seed. Progress and speed go to standard error, findings to standard output: of a range they are the
 * same whatever `jobs`. */
int sup_campaign(const struct sup_campaign_options *options);

#endif
