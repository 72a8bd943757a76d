/* The clock port on the kernel's clocks, with one thread that fires timers. */
#ifndef MM1_POSIX_CLOCK_H
#define MM1_POSIX_CLOCK_H

#include <pthread.h>

#include <mm1/clock.h>
#include <mm1/status.h>

#include "base/tree.h"

struct mm1__posix_clock {
    struct mm1_clock base;
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a timer is due before wakes_ns, or the thread shall stop */
    struct mm1_tree timers; /* by (due, sequence) */
    bool firing;            /* one that is not background */
    uint64_t wakes_ns;      /* when the thread looks again by itself; 0: it is not waiting */
    uint64_t next_seq;
    pthread_t thread;
    bool running;
    bool stopping;
};

/* Starts the clock and its thread. MM1_RESOURCE: no thread. */
MM1_NODISCARD mm1_status mm1__posix_clock_open(struct mm1__posix_clock *clock);
/* Ends the thread: nothing fires any more. Time and cancel go on working. */
void mm1__posix_clock_stop(struct mm1__posix_clock *clock);
/* Frees what is left; no timer may be armed. Stops first where that was not done. */
void mm1__posix_clock_close(struct mm1__posix_clock *clock);

/* CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds. */
uint64_t mm1__posix_monotonic(void);
uint64_t mm1__posix_wall(void);

#endif
