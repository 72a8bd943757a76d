/* A node: one runtime, made from an env and a configuration, with no state outside itself. Many live in one process.
 * This header is for those who host nodes (a scheduler, a world, a main); actors use mm1/actor.h. */
#ifndef MM1_NODE_H
#define MM1_NODE_H

#include <mm1/actor.h>
#include <mm1/env.h>

struct mm1_node;

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
/* Sends an exit signal from outside any turn; for shutdown of the node's main. Any thread. */
MM1_API bool mm1_node_exit(struct mm1_node *node, mm1_addr peer, struct mm1_reason reason);
/* No spawn succeeds any more (MM1_RESOURCE). Any thread. */
MM1_API void mm1_node_refuse_spawns(struct mm1_node *node);
/* How many actors live. Any thread. */
MM1_API size_t mm1_node_actors(const struct mm1_node *node);
/* Items in queues and armed timers that are not background: 0 when the node rests. Any thread. */
MM1_API uint64_t mm1_node_unrest(const struct mm1_node *node);
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

#endif
