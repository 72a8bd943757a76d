/* What a process could still say when it died of a signal. */
#ifndef SIM_CRASH_H
#define SIM_CRASH_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/sched.h>
#include <mm1/trace.h>

#define SIM_FRAMES_MAX 24

struct sim_frame {
    uint64_t offset; /* in its module */
    char module[192];
};

/* What a dying process could still say. */
struct sim_crash {
    int32_t signal;                /* 0: it did not say */
    bool overflow;                 /* its stack ended: the fault was next to the stack pointer */
    char actor[MM1_PATH_TEXT_MAX]; /* whose turn it was; "": none's */
    uint32_t frames;
    struct sim_frame frame[SIM_FRAMES_MAX];
};

/* Has this process note there what it dies of, before it does. Once a process; both are to last, and to be seen by
 * whoever reads it then. `whose_turn`: null between turns. False: not possible. */
bool sim_crash_watch(struct sim_crash *crash,
                     const struct mm1_runnable *const volatile *whose_turn);

#endif
