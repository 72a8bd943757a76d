/* A trace that prints lines of log, for people and log collectors. */
#ifndef MM1_POSIX_TRACE_LOG_H
#define MM1_POSIX_TRACE_LOG_H

#include <mm1/actor.h>
#include <mm1/trace.h>

#include "posix/log_filter.h"

struct mm1__trace_log {
    struct mm1_trace base;
    int fd;
    enum mm1_log_level level;
    bool events;
    const struct mm1__log_filter *filter;
};

/* Prints MM1_EVENT_LOG events up to `level` to `fd`, one logfmt line each; with `events` all others too, at level
 * trace. `filter` has the last word; it is borrowed, and may be null. */
void mm1__trace_log_init(struct mm1__trace_log *trace, int fd, enum mm1_log_level level,
                         bool events, const struct mm1__log_filter *filter);

#endif
