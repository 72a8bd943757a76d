/* The clock port: time, and the armed timers. Integer nanoseconds. */
#ifndef MM1_CLOCK_H
#define MM1_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/check.h>

struct mm1_clock;

#define MM1_NS_PER_US UINT64_C(1000)
#define MM1_NS_PER_MS UINT64_C(1000000)
#define MM1_NS_PER_SEC UINT64_C(1000000000)

/* An armed timer, embedded in a block of the core's, which keeps it at one place until it has fired or was cancelled.
 * Arming takes no memory that can be refused: what a clock needs to keep a timer is in here. */
struct mm1_timer {
    uint64_t due_ns; /* monotonic */
    uint64_t entity; /* names the timer in every run alike (path of its actor and ordinal) */
    bool background; /* what it causes does not count as unrest (mm1/actor.h) */
    /* Called once when due, by the clock, with no lock of the clock held; the timer is the core's again. */
    void (*fire)(struct mm1_timer *timer);
    void *port[12]; /* the clock's own */
};

struct mm1_clock_ops {
    const char *name;
    /* Monotonic time; never goes back. Any thread. */
    uint64_t (*monotonic)(struct mm1_clock *self);
    /* Time since 1970-01-01 UTC; may be stepped. Any thread. */
    uint64_t (*wall)(struct mm1_clock *self);
    /* Arms a timer whose fields above `port` are set; a due time in the past fires soon. Any thread. */
    void (*arm)(struct mm1_clock *self, struct mm1_timer *timer);
    /* True: the timer will not fire any more and is the caller's. False: it has fired or is firing. Any thread. */
    bool (*cancel)(struct mm1_clock *self, struct mm1_timer *timer);
    /* When the first timer that is not background is due: 0 while one is firing, UINT64_MAX when none is armed. For
     * tests that wait until a node is idle. Any thread. */
    uint64_t (*next_due)(struct mm1_clock *self);
};

struct mm1_clock {
    const struct mm1_clock_ops *ops;
};

#endif
