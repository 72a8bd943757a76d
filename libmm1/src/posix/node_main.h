/* What `mm1 node CONFIG` does: one real node, until its main ends or a signal asks for the end. */
#ifndef MM1_POSIX_NODE_MAIN_H
#define MM1_POSIX_NODE_MAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/bytes.h>

#include "host/load.h"

/* All zero: as the configuration says, with the usual limits. */
struct mm1__node_options {
    bool has_log_level; /* in the place of the configuration's */
    unsigned log_level; /* of posix/log_filter.h */
    /* In the place of the configuration's, unless there is none. */
    const struct mm1_text *log_filter;
    size_t log_filter_count;
    uint64_t grace_ns; /* for an orderly end; 0: 5 seconds */
    uint64_t kill_ns;  /* for killed actors to end their turns; 0: 1 second */
};

/* Runs the node of that configuration; `linked` and `options` may be null. Answers the exit code, all but 0 with a line
 * on standard error:
 * 0: its main ended normally, or by shutdown.
 * 2: the configuration is bad.
 * 3: the environment: a port in use, a store that cannot be used.
 * 4: its main failed.
 * 130, 143: SIGINT, SIGTERM. Main was asked to shut down first; a second signal cuts its time short.
 *
 * When main has ended, all other actors are asked to shut down, and killed after their time. Where a turn does not end
 * even then, the process does, with that code: nothing that the turn uses can be freed. */
int mm1__posix_node(const char *config_path, const struct mm1__linked_systems *linked,
                    const struct mm1__node_options *options);

#endif
