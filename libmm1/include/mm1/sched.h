/* The scheduler port: who runs next, and where; and the seam at which every visible verb can be held, answered, or
 * let through. */
#ifndef MM1_SCHED_H
#define MM1_SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/addr.h>
#include <mm1/msg.h>

struct mm1_sched;
struct mm1_node;
struct mm1_fiber;
struct mm1_header;
struct mm1_reason;
struct mm1_spawn;

/* Something that can be given a turn: embedded in each actor. mm1_runnable_turn() of mm1/node.h gives it one. */
struct mm1_runnable {
    struct mm1_runnable *next; /* the scheduler's, while it is ready */
    size_t place;              /* the scheduler's */
    uint64_t entity;           /* hash of the actor's path */
    void *node;                /* its struct mm1_node */
    /* The stack that runs now, while it is not the thread's own: a scheduler that runs turns on stacks of its own sets
     * it before a turn, and function actors while theirs runs. */
    struct mm1_fiber *fiber;
    mm1_addr
        context; /* whose turn this is, main or a fork; the node sets it before it runs a function of theirs */
    uint32_t pool; /* which group of workers runs it, 0 for the default one */
};

/* The visible verbs. The order is part of the trace format: append only. */
#define MM1_EFFECT_MAP(X)                                                                          \
    X(SEND, "send")                                                                                \
    X(FORWARD, "forward")                                                                          \
    X(SPAWN, "spawn")                                                                              \
    X(EXIT, "exit")                                                                                \
    X(KILL, "kill")                                                                                \
    X(LINK, "link")                                                                                \
    X(UNLINK, "unlink")                                                                            \
    X(TRAP_EXIT, "trap_exit")                                                                      \
    X(WATCH, "watch")                                                                              \
    X(UNWATCH, "unwatch")                                                                          \
    X(BIND, "bind")                                                                                \
    X(TIMER_ARM, "timer_arm")                                                                      \
    X(TIMER_CANCEL, "timer_cancel")                                                                \
    X(RANDOM, "random")                                                                            \
    X(QUIT, "quit")                                                                                \
    X(NET_LISTEN, "net_listen")                                                                    \
    X(NET_DIAL, "net_dial")                                                                        \
    X(NET_ACCEPT, "net_accept")                                                                    \
    X(NET_READ, "net_read")                                                                        \
    X(NET_SEND, "net_send")                                                                        \
    X(NET_CLOSE, "net_close")                                                                      \
    X(LOG_OPEN, "log_open")                                                                        \
    X(LOG_APPEND, "log_append")                                                                    \
    X(LOG_READ, "log_read")                                                                        \
    X(LOG_SYNC, "log_sync")                                                                        \
    X(LOG_TRUNCATE, "log_truncate")                                                                \
    X(LOG_CLOSE, "log_close")                                                                      \
    X(OBSERVE, "observe")                                                                          \
    X(FORK, "fork")                                                                                \
    X(FORK_END, "fork_end")                                                                        \
    X(CLOSE, "close")                                                                              \
    X(INIT_DONE, "init_done")                                                                      \
    X(INIT_IGNORE, "init_ignore")

enum mm1_effect_kind {
#define MM1__EFFECT_ENUM(code, text) MM1_EFFECT_##code,
    MM1_EFFECT_MAP(MM1__EFFECT_ENUM)
#undef MM1__EFFECT_ENUM
};

/* The name of a verb, "unknown" for a number outside the map. Static storage. */
MM1_API const char *mm1_effect_text(enum mm1_effect_kind kind);

/* A verb about to be carried out. What it points to is borrowed for the call. */
struct mm1_effect {
    enum mm1_effect_kind kind;
    mm1_addr target; /* of verbs that have one */
    /* message of send, forward, spawn's argument, timer, observe */
    const struct mm1_msg_type *type;
    const void *msg;
    uint64_t number; /* timer: due; watch: ref; net, log: handle; trap_exit: 0 or 1; random: n */
    /* net send, log append; name of dial, listen, open, and of a spawned child */
    struct mm1_bytes data;
    const struct mm1_header *header; /* of send; null: all defaults */
    const struct mm1_spawn *spawn;   /* of spawn */
    const struct mm1_reason *reason; /* of exit and quit */
};

/* The answer in the verb's place, when it is not to be carried out. */
struct mm1_answer {
    mm1_status status; /* what the verb returns */
    uint64_t value;    /* address, reference, number or 0/1, for verbs that give one */
};

struct mm1_sched_ops {
    const char *name;
    /* `runnable` has become ready and holds the run token: it is given turns until one answers that it is idle
     * (mm1_runnable_turn). Called once per token, from any thread. */
    void (*ready)(struct mm1_sched *self, struct mm1_runnable *runnable);
    /* Called inside a turn, before a visible verb. True: carry it out. False: `*answer` stands in its place.
     * In simulation other actors may run before this returns. */
    bool (*effect)(struct mm1_sched *self, struct mm1_runnable *runnable,
                   const struct mm1_effect *effect, struct mm1_answer *answer);
    /* Asked for each signal and message between two local actors. False: let it land now. True: the scheduler keeps
     * `signal` and lands it later with mm1_node_land() of mm1/node.h, in the order of this pair; when `node` is closed
     * before, it drops it with mm1_node_drop(). `from` and `to` are main addresses. Any thread. */
    bool (*hold)(struct mm1_sched *self, struct mm1_node *node, void *signal, mm1_addr from,
                 mm1_addr to);
};

struct mm1_sched {
    const struct mm1_sched_ops *ops;
    /* Every verb is carried out and every signal lands at once: neither effect nor hold is called. */
    bool passes;
};

#endif
