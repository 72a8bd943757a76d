/* A trace that prints lines of log, for people and log collectors. */
#ifndef MM1_POSIX_TRACE_LOG_H
#define MM1_POSIX_TRACE_LOG_H

#include <mm1/actor.h>
#include <mm1/trace.h>

struct mm1__trace_log {
    struct mm1_trace base;
    int fd;
    enum mm1_log_level level;
    bool events;
};

/* Prints MM1_EVENT_LOG events up to `level` to `fd`, one logfmt line each; with `events` all others too. */
void mm1__trace_log_init(struct mm1__trace_log *trace, int fd, enum mm1_log_level level,
                         bool events);

#endif
