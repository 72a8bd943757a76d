/* `mm1 fuzz supervisors --against-otp`: cases, one a seed, on libmm1 and on the supervisor of Erlang/OTP; the first
 * difference is shrunk and printed. */
#ifndef FUZZ_SUP_AGAINST_H
#define FUZZ_SUP_AGAINST_H

#include <signal.h>
#include <stdint.h>

struct sup_against_options {
    uint64_t first; /* seeds, both ends included */
    uint64_t last;
    uint64_t time_ns;   /* 0: until `last`; else from `first` until the time is over */
    unsigned jobs;      /* cases that OTP plays at a time */
    const char *mutant; /* that was chosen, for the line to paste; null: none */
    const volatile sig_atomic_t *stop; /* the signal that asked to end; 0: none */
};

/* Returns the exit code: 0 all equal, 11 a difference, 10 libmm1 crashed or hung, 12 it does not come to rest, 13 a
 * difference that does not come again, 3 no Erlang or another trouble of the machine, 130, 143. What was found goes to
 * standard output as a case file, progress and sums to standard error. */
int sup_against(const struct sup_against_options *options);

#endif
