/* The configuration of a real node: one strict JSON file. Keys: name, system, role, args, local_subnets, inbound,
 * outbound, threads, store, log_level; the first three are required. */
#ifndef MM1_POSIX_NODE_CONFIG_H
#define MM1_POSIX_NODE_CONFIG_H

#include <mm1/multinode.h>
#include <mm1/posix.h>
#include <mm1/system.h>

#include "host/json.h"
#include "host/load.h"

#define MM1__NODE_BINDS_MAX 32
#define MM1__NODE_LINKS_MAX 256
#define MM1__NODE_THREADS_MAX 1024

struct mm1__node_file {
    struct mm1__json *json; /* the texts below borrow from it */
    struct mm1__loaded_system loaded;
    struct mm1_msg_registry types; /* of the kit and of the system */
    struct mm1_text name;
    const struct mm1_role *role;
    void *args; /* null: none */
    size_t args_size;
    struct mm1_net nets[1 + MM1__NODE_BINDS_MAX]; /* the auto subnet first, then those to bind */
    size_t net_count;
    struct mm1_text inbound[MM1__NODE_LINKS_MAX];
    size_t inbound_count;
    struct mm1_text outbound[MM1__NODE_LINKS_MAX];
    size_t outbound_count;
    struct mm1_posix_options options;
};

/* Reads and checks all of it, and loads the system. On failure `diag` has the finding and `file` holds nothing.
 * Statuses of mm1__json_read, mm1__system_load and mm1__json_msg. */
MM1_NODISCARD mm1_status mm1__node_file_read(const char *path,
                                             const struct mm1__linked_systems *linked,
                                             struct mm1__node_file *file, struct mm1_diag *diag);
void mm1__node_file_close(struct mm1__node_file *file);

#endif
