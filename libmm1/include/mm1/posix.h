/* The real ports in one piece: clocks and timers, entropy, threads, TCP and Unix sockets, files. One node runs on it.
 *
 *     struct mm1_posix *posix;
 *     char error[MM1_POSIX_ERROR_MAX];
 *     if (mm1_posix_open(&(struct mm1_posix_options){.threads = 2}, &posix, error) != MM1_OK) …
 *     mm1_node_open(mm1_posix_env(posix), &config, &node), mm1_node_spawn(node, …)
 *     mm1_posix_run_until(posix, node, &reason);
 *     mm1_posix_close(posix, node); */
#ifndef MM1_POSIX_H
#define MM1_POSIX_H

#include <mm1/env.h>
#include <mm1/node.h>

struct mm1_posix;

/* A group of workers. An actor is run by the pool that its settings name (struct mm1_settings of mm1/node.h). */
struct mm1_posix_pool {
    const char *name;  /* of its threads, of which 15 bytes are kept; null: "mm1-worker" */
    unsigned threads;  /* 0: as many as there are processors */
    size_t stack_size; /* of each thread, at least; 0: the system's default */
};

struct mm1_posix_options {
    unsigned threads;                   /* workers of pool 0; 0: as many as there are processors */
    size_t stack_size;                  /* of each of them, at least; 0: the system's default */
    const struct mm1_posix_pool *pools; /* pools 1 and up; borrowed for the call */
    size_t pool_count;
    /* A turn that runs for longer is reported by a line at level warn, and once more when it has ended. 0: never. */
    uint64_t watchdog_ns;
    const char *store_dir;        /* of the logs, made when missing; null: every open is refused */
    enum mm1_log_level log_level; /* lines up to it go to standard error; zero is errors alone */
    bool log_off;                 /* no lines at all, and no events are built */
    bool log_events;              /* with the lines, all other events too; for debugging */
    /* What of that is printed: statements "a::b=LEVEL" on actors at /NODE/a/b and below. The longest that fits decides,
     * and what none fits passes. LEVEL is error, warn, info, debug, or trace: all other events too. Copied. */
    const struct mm1_text *log_filter;
    size_t log_filter_count;
};

#define MM1_POSIX_ERROR_MAX 256

/* Starts the ports and their threads. On failure `error` (may be null) has one line of text, and nothing is left
 * running. MM1_INVALID: a statement of the log filter. MM1_IN_USE: another process has the store's directory.
 * MM1_REFUSED: it may not be written. MM1_RESOURCE: no thread. MM1_NOMEM; MM1_IO. */
MM1_API MM1_NODISCARD mm1_status mm1_posix_open(const struct mm1_posix_options *options,
                                                struct mm1_posix **out,
                                                char error[MM1_POSIX_ERROR_MAX]);
/* The allocator of that env. It is always there, so that message types can be registered before and freed after. */
MM1_API struct mm1_alloc *mm1_posix_alloc(void);
/* The ports, for mm1_node_open. They live until the close. */
MM1_API const struct mm1_env *mm1_posix_env(const struct mm1_posix *posix);
/* Waits until the node's main has ended: MM1_OK, and `*reason` says why; or until mm1_posix_stop was called:
 * MM1_INTERRUPTED. From one thread at a time, which is none of the node's. */
MM1_API MM1_NODISCARD mm1_status mm1_posix_run_until(struct mm1_posix *posix, struct mm1_node *node,
                                                     struct mm1_reason *reason);
/* Waits until the node is idle: no turn is running, nothing is queued except at suspended actors, and no timer,
 * background ones aside, is due within `horizon_ns` from now. What sockets and files are about to bring is not seen.
 * MM1_OK; MM1_TIMEOUT: it was not within `timeout_ns`. From a thread that is none of the node's. */
MM1_API MM1_NODISCARD mm1_status mm1_posix_wait_idle(struct mm1_posix *posix, struct mm1_node *node,
                                                     uint64_t horizon_ns, uint64_t timeout_ns);
/* Makes mm1_posix_run_until return, now or the next time. Any thread; also from a signal's handler. */
MM1_API void mm1_posix_stop(struct mm1_posix *posix);
/* Ends the threads, then closes `node` (null: there is none), then frees the ports. What was sent on sockets is given a
 * second to leave; what was begun on logs is carried out. */
MM1_API void mm1_posix_close(struct mm1_posix *posix, struct mm1_node *node);

#endif
