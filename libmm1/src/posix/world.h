/* The real ports in one piece, as seen from inside. */
#ifndef MM1_POSIX_WORLD_H
#define MM1_POSIX_WORLD_H

#include <mm1/posix.h>

#include "posix/clock.h"
#include "posix/random.h"
#include "posix/sched.h"
#include "posix/store.h"
#include "posix/trace_log.h"
#include "posix/transport.h"

struct mm1_posix {
    struct mm1_env env;
    struct mm1__posix_clock clock;
    struct mm1__posix_random random;
    struct mm1__posix_sched sched;
    struct mm1__posix_transport transport;
    struct mm1__posix_store store;
    struct mm1_store_none no_store;
    struct mm1__trace_log log;
    struct mm1__log_filter log_filter;
    int wake_fd;    /* eventfd: main ended, or a stop was asked for */
    int stop_asked; /* atomic */
    bool has_store;
    bool has_transport;
    bool has_clock;
    bool has_sched;
};

/* What ended a wait. */
enum mm1__posix_event {
    MM1__POSIX_MAIN_ENDED,
    MM1__POSIX_STOPPED, /* mm1_posix_stop */
    MM1__POSIX_FD,      /* `fd` can be read */
    MM1__POSIX_TIMED_OUT,
};
/* Waits for the first of these; `fd` -1: none; `timeout_ns` UINT64_MAX: none. */
enum mm1__posix_event mm1__posix_wait(struct mm1_posix *posix, struct mm1_node *node,
                                      struct mm1_reason *reason, int fd, uint64_t timeout_ns);
/* Waits until no actor of the node lives: MM1__POSIX_MAIN_ENDED; or for one of the last two. */
enum mm1__posix_event mm1__posix_wait_gone(const struct mm1_node *node, int fd,
                                           uint64_t timeout_ns);

#endif
