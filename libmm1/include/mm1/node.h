/* A node: one runtime, made from an env and a configuration, with no state outside itself. Many live in one process.
 * This header is for those who host nodes (a scheduler, a world, a main); actors use mm1/actor.h. */
#ifndef MM1_NODE_H
#define MM1_NODE_H

#include <mm1/actor.h>
#include <mm1/env.h>

struct mm1_node;

/* Settings for the actors at a place in the tree of paths, by their names alone (G-02, G-05): a child that is named
 * exactly, else one named "_"; what is said deeper down overrides what is said above it. */
struct mm1_settings {
    struct mm1_text name; /* of the actor; ignored at the root, which says what holds for all */
    bool has_netmask;
    uint8_t netmask; /* 0 to 64: an actor has 2^(64 - netmask) addresses, its own and its forks' */
    bool has_inbox_size;
    uint32_t inbox_size; /* 0: no message without priority ever fits (G-03) */
    bool has_pool;
    uint32_t pool;       /* for mm1_runnable.pool */
    struct mm1_text tap; /* empty: not said; a key of the taps, any other: no tap */
    const struct mm1_settings *children;
    size_t child_count;
};

/* Sees the messages of the actors whose settings name its key (MSG-15): each that they send, also one that fails, and
 * each that they receive. Called inside turns, from any thread; it calls no verb. */
struct mm1_tap;
struct mm1_tap_ops {
    void (*sent)(struct mm1_tap *self, const struct mm1_path *sender, mm1_addr from, mm1_addr to,
                 const struct mm1_envelope *envelope);
    void (*received)(struct mm1_tap *self, const struct mm1_path *receiver, mm1_addr by,
                     const struct mm1_envelope *envelope);
};
struct mm1_tap {
    const struct mm1_tap_ops *ops;
    struct mm1_text key;
};

/* Told of every actor that ends for another reason than normal, shutdown and shutdown(text) (A-NODE-07). Called inside
 * its last turn, from any thread; it calls no verb. */
struct mm1_failure_sink {
    void (*failed)(struct mm1_failure_sink *self, const struct mm1_path *path, mm1_addr addr,
                   const struct mm1_reason *reason);
};

struct mm1_node_config {
    struct mm1_text name;         /* root of all paths; copied */
    uint32_t incarnation;         /* of the name: 0 and 1 are the first; part of the root */
    const struct mm1_net *locals; /* bind subnets; borrowed for the call; they may not overlap */
    size_t local_count;
    struct mm1_net auto_net; /* where actors get their blocks of 256 addresses */
    /* Rounded down to a power of two. 0: 2^21, or fewer where auto_net is so small that addresses would come back
     * soon (/32: 2^16, /40: 1024). */
    size_t actors_max;
    const struct mm1_msg_registry *types; /* what may arrive; borrowed as long as the node lives */
    /* Messages between local actors are encoded and decoded: no pointer is smuggled. For one thread alone. */
    bool encode;
    /* Only one thread will ever call this node and its ports: no instruction is locked. */
    bool one_thread;
    bool metrics;                        /* count what happens (mm1/metrics.h) */
    const struct mm1_settings *settings; /* the root; null: defaults. Copied. */
    struct mm1_tap *const *taps;         /* outlive the node */
    size_t tap_count;
    struct mm1_failure_sink *failures; /* null: nobody asks; outlives the node */
};

/* Makes a node. `env` and the ports outlive it. MM1_INVALID: a hole in the env, overlapping or malformed subnets.
 * MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_node_open(const struct mm1_env *env,
                                               const struct mm1_node_config *config,
                                               struct mm1_node **out);
/* Spawns an actor from outside any turn: the node's main. As mm1_spawn, without a link. */
MM1_API MM1_NODISCARD mm1_status mm1_node_spawn(struct mm1_node *node,
                                                const struct mm1_spawn *spawn, mm1_addr *out);
/* Sends from outside any turn. As mm1_send. Any thread. */
MM1_API MM1_NODISCARD mm1_status mm1_node_send(struct mm1_node *node, mm1_addr to,
                                               const struct mm1_msg_type *type, const void *msg,
                                               const struct mm1_header *header);
/* Sends an exit signal from outside any turn; for shutdown of the node's main. Any thread. Statuses of mm1_exit. */
MM1_API MM1_NODISCARD mm1_status mm1_node_exit(struct mm1_node *node, mm1_addr peer,
                                               struct mm1_reason reason);
/* Sends an exit signal to every actor, and kills those for whose signal there is no memory: the first step of an
 * orderly shutdown, after mm1_node_refuse_spawns (SHUT-01). Any thread. */
MM1_API void mm1_node_exit_all(struct mm1_node *node, struct mm1_reason reason);
/* Kills every actor: the second step. Any thread. */
MM1_API void mm1_node_kill_all(struct mm1_node *node);
/* No spawn succeeds any more (MM1_RESOURCE). One that is under way may still say MM1_OK: its actor is killed before its
 * init. Any thread. */
MM1_API void mm1_node_refuse_spawns(struct mm1_node *node);
/* How many actors live. Any thread. */
MM1_API size_t mm1_node_actors(const struct mm1_node *node);
/* Items in queues and armed timers that are not background: 0 when the node rests. On threads it is 0 for a moment as
 * well while an actor ends, whose end is still to be told: mm1_posix_wait_idle waits for rest. Any thread. */
MM1_API uint64_t mm1_node_unrest(const struct mm1_node *node);
/* A suspended actor receives nothing: its queue fills. Signals still act on it, and it can be killed. For tests.
 * MM1_NOPROC. Any thread. */
MM1_API MM1_NODISCARD mm1_status mm1_node_suspend(struct mm1_node *node, mm1_addr addr);
/* It receives again. MM1_NOPROC. Any thread. */
MM1_API MM1_NODISCARD mm1_status mm1_node_resume(struct mm1_node *node, mm1_addr addr);
/* True when no turn is running and nothing is queued, except at suspended actors. What ports are about to bring is not
 * counted: mm1_clock_ops.next_due says when the next timer fires. Any thread. */
MM1_API bool mm1_node_idle(const struct mm1_node *node);
/* Whether the actor with this main address ended, and why; true once it is gone. Only for the actor that
 * mm1_node_spawn made last (the main). Any thread. */
MM1_API bool mm1_node_main_ended(const struct mm1_node *node, struct mm1_reason *reason);
/* Ends everything at once, as a power loss would: no signal, no completion, no effect; each fini runs, but those of
 * interrupted turns, which are abandoned. No turn may be running on another thread. Cancels its timers, closes its
 * handles, frees the node. */
MM1_API void mm1_node_close(struct mm1_node *node);

/* The env the node was made from. */
MM1_API const struct mm1_env *mm1_node_env(const struct mm1_node *node);

/* --- for schedulers ------------------------------------------------------------------------------------------- */

enum mm1_turn {
    MM1_TURN_MORE, /* it stays ready and keeps its token: give it another turn */
    MM1_TURN_IDLE, /* the token is gone; ready() will be called again. It may have ended: touch it no more. */
};
/* Gives an actor one turn: takes all that has arrived, in order, lets signals act, and hands one item to the behaviour.
 * Only by whoever holds its token. */
MM1_API enum mm1_turn mm1_runnable_turn(struct mm1_runnable *runnable);
/* Its path; valid while it is ready. */
MM1_API const struct mm1_path *mm1_runnable_path(const struct mm1_runnable *runnable);
/* What its next turn will take, for a decision's key: the message's type (null: none) and struct. Simulation only: no
 * other thread may be at work. */
MM1_API const struct mm1_msg_type *mm1_runnable_next(const struct mm1_runnable *runnable,
                                                     const void **msg);
/* Lands a signal that mm1_sched_ops.hold kept. */
MM1_API void mm1_node_land(struct mm1_node *node, void *signal);
/* Drops a signal that was kept, when its node is closed. */
MM1_API void mm1_node_drop(struct mm1_node *node, void *signal);
/* Number of the signal within its node, for traces. */
MM1_API uint64_t mm1_signal_number(const void *signal);
/* The path behind a local main address, or null. Simulation only. */
MM1_API const struct mm1_path *mm1_node_path(const struct mm1_node *node, mm1_addr addr);

/* --- for typed ports ------------------------------------------------------------------------------------------ */

/* True inside a turn whose cause is background. */
MM1_API bool mm1_ctx_background(const struct mm1_ctx *ctx);
/* What the scheduler runs when it runs this context. */
MM1_API struct mm1_runnable *mm1_ctx_runnable(const struct mm1_ctx *ctx);

#endif
