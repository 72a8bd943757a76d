/* The configuration of a real node: one strict JSON file. docs/nodes.md has its keys. */
#ifndef MM1_POSIX_NODE_CONFIG_H
#define MM1_POSIX_NODE_CONFIG_H

#include <mm1/posix.h>
#include <mm1/system.h>

#include "host/json.h"
#include "host/load.h"

#define MM1__NODE_BINDS_MAX 32
#define MM1__NODE_LINKS_MAX 256
#define MM1__NODE_THREADS_MAX 1024
#define MM1__NODE_RUNTIMES_MAX 32
#define MM1__NODE_FILTERS_MAX 256
#define MM1__NODE_WATCHDOG_NS (5 * MM1_NS_PER_SEC)
/* The only tap that a node of the command has: it logs what an actor sends and receives, at level debug. */
#define MM1__NODE_TAP "log"

/* What is wrong with a configuration. A file that is not well-formed has one error, the first; in one that is, all
 * dangling references and broken rules are found together (mm1-spec G-01). Warnings come with the latter. */
#define MM1__FINDINGS_MAX 32
struct mm1__findings {
    struct mm1_diag items[MM1__FINDINGS_MAX]; /* what is beyond is counted, not kept */
    bool is_warning[MM1__FINDINGS_MAX];
    size_t count;
    size_t errors;
    struct mm1_diag next;
};
/* Prints each as a line "mm1: file:3:14: /path: text" on standard error, warnings with a word. */
void mm1__findings_print(const struct mm1__findings *findings);

struct mm1__node_file {
    struct mm1__json *json; /* the texts below borrow from it */
    struct mm1__loaded_system loaded;
    struct mm1_msg_registry types; /* of the kit and of the system */
    struct mm1_text name;
    struct mm1_text system;
    const struct mm1_role *role;
    void *args; /* null: none */
    size_t args_size;
    struct mm1_net nets[1 + MM1__NODE_BINDS_MAX]; /* the auto subnet first, then those to bind */
    size_t net_count;
    struct mm1_text inbound[MM1__NODE_LINKS_MAX];
    size_t inbound_count;
    struct mm1_text outbound[MM1__NODE_LINKS_MAX];
    size_t outbound_count;
    struct mm1_text cookie;        /* of all links; empty: none */
    struct mm1_settings *settings; /* the root first; null: all defaults */
    size_t settings_count;
    size_t settings_capacity;
    struct mm1_posix_pool pools[MM1__NODE_RUNTIMES_MAX];
    struct mm1_text log_filter[MM1__NODE_FILTERS_MAX];
    struct mm1_text metrics;          /* name to serve metrics at; empty: none */
    bool drop_failures;               /* failures of actors are not logged */
    struct mm1_posix_options options; /* borrows from this struct: it must not move */
};

/* Reads and checks all of it, and loads the system. On failure `findings` has an error at least, and `file` holds
 * nothing. Statuses of mm1__json_read, mm1__system_load and mm1__json_msg. */
MM1_NODISCARD mm1_status mm1__node_file_read(const char *path,
                                             const struct mm1__linked_systems *linked,
                                             struct mm1__node_file *file,
                                             struct mm1__findings *findings);
void mm1__node_file_close(struct mm1__node_file *file);

/* Sets lines up to `level`, MM1__LOG_TRACE for all events too. */
void mm1__node_set_log_level(struct mm1_posix_options *options, unsigned level);

#endif
