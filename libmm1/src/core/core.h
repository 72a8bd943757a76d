/* The inside of a node, shared by the files of this floor.
 *
 * Actors live in slots of pages that are freed only with the node, so that a sender may touch a slot whose actor has
 * just ended: what it leaves there carries the address it was meant for, and whoever takes it compares. A slot's
 * `token` is the right to run it, and to begin a new life in it; `live` says whose life it is. */
#ifndef MM1_CORE_CORE_H
#define MM1_CORE_CORE_H

#include <stdatomic.h>
#include <stddef.h>

#include <mm1/node.h>

#include "base/list.h"
#include "base/tree.h"

#define MM1__PAGE_SLOTS 1024u
#define MM1__BLOCK_BITS 8u /* an actor's block has 256 addresses */

enum mm1__kind {
    MM1__MESSAGE,
    MM1__START,
    MM1__TIMER,
    MM1__LINK,
    MM1__UNLINK,
    MM1__UNLINKED,  /* the peer has acted on an unlink */
    MM1__EXIT_LINK, /* the end of a linked actor */
    MM1__EXIT,      /* sent with mm1_exit */
    MM1__WATCH,
    MM1__UNWATCH,
    MM1__DOWN,
};

/* What lies in a queue: header and message in one block. */
struct mm1__item {
    _Alignas(max_align_t) struct mm1__item *next;
    struct mm1_envelope env;
    uint64_t route; /* main address of the actor it goes to */
    uint64_t from;  /* main address of who sent it */
    uint64_t cause; /* mark of the event that sent it */
    uint64_t number;
    size_t block_size;
    uint8_t kind; /* enum mm1__kind */
    bool permit;  /* holds one of the inbox */
    bool background;
    bool counted; /* is part of the node's unrest */
};

/* A link, a watch, or an exit: the same block is the record that is kept, the signal that travels, and the message
 * that is received; so that an ending actor needs no memory to say so. */
struct mm1__signal {
    struct mm1__item item;
    struct mm1_tree_node node; /* in links, watches or watchers */
    uint64_t peer;             /* main address at the other end */
    uint64_t ref;
    /* Of a record in links: the unlink that the peer has not answered yet, 0 while the link holds. Of an unlink and
     * its answer: which it is; 0: no answer is wanted. */
    uint64_t unlink;
    struct mm1_reason reason;
    union {
        struct mm1_exited exited;
        struct mm1_down down;
    } msg;
};

struct mm1__timer {
    struct mm1_timer base;
    struct mm1_tree_node node; /* in the actor's timers, by id */
    struct mm1_node *home;
    struct mm1_path *path; /* of the actor, which may end while the timer fires */
    uint64_t id;
    uint64_t every_ns;
    bool cancelled; /* fired, but not to be received any more */
    struct mm1__item item;
};

/* A stream or a log. Guarded by the node's lock. */
struct mm1__handle {
    struct mm1_tree_node node; /* in the node's handles */
    struct mm1_list of_actor;
    mm1_handle handle;
    uint64_t owner;
    mm1_handle parent;     /* listener of a connection that nobody has claimed */
    struct mm1_path *path; /* of the owner, which may end while a completion is posted */
    bool is_log;
    bool adopted; /* a listener: connections came in through it */
};

/* What only some actors have. */
struct mm1__bonds {
    struct mm1_tree links;    /* mm1__signal by peer */
    struct mm1_tree watches;  /* mm1__signal by ref: what this actor watches */
    struct mm1_tree watchers; /* mm1__signal by (peer, ref): who watches it */
    struct mm1_tree timers;   /* mm1__timer by id */
    struct mm1_tree names;    /* mm1__name: how many children had it */
    struct mm1_list handles;
    uint64_t unlinks; /* numbers of unlinks given out */
};

struct mm1__name {
    struct mm1_tree_node node;
    uint64_t hash;
    uint32_t count;
};

struct mm1__queue {
    struct mm1__item *head;
    struct mm1__item *tail;
};

struct mm1_actor {
    struct mm1_runnable runnable;
    _Atomic uint64_t live;       /* main address + 1; 0: nobody */
    _Atomic uint64_t kill;       /* main address + 1 of whom is to be killed */
    _Atomic uint64_t kill_cause; /* mark of the kill, for traces */
    _Atomic(struct mm1__item *) arrived;
    atomic_bool token;
    bool trap_exit;
    bool started; /* init was called: fini is owed */
    bool bound;
    uint32_t slot;
    uint32_t free_next;  /* slot + 1 */
    uint32_t generation; /* lives begun in this slot */
    _Atomic uint32_t inbox_size;
    _Atomic uint64_t inbox;    /* mm1__life() of whose permits they are, and how many are taken */
    struct mm1__item *in_hand; /* of the turn that is under way, or was abandoned */
    struct mm1__queue urgent;
    struct mm1__queue queue;
    const struct mm1_behaviour *behaviour;
    void *state;
    struct mm1_path *path;
    struct mm1__bonds *bonds;
    uint64_t parent;
    uint64_t next_ref; /* of watches and timers */
    uint64_t draws;
};

struct mm1__bound {
    _Atomic uint64_t first;
    _Atomic uint64_t last;
    _Atomic uint64_t owner;
};

/* A sorted table under a sequence lock; grown tables are kept until the node closes. */
struct mm1__bound_table {
    struct mm1__bound_table *older;
    size_t capacity;
    struct mm1__bound rows[];
};

struct mm1_node {
    struct mm1_env env;
    struct mm1_port_sink sink;
    const struct mm1_msg_registry *types;
    struct mm1_path *root;
    struct mm1_net auto_net;
    struct mm1_net *locals;
    size_t local_count;
    bool encode;

    atomic_flag lock;            /* guards what follows up to the next comment */
    _Atomic uint32_t slots_used; /* what lies below it is read without the lock */
    uint32_t slots_max;
    /* slot + 1; 0: none. The one that is free for longest: its address comes back last */
    uint32_t free_slot;
    uint32_t free_last;
    uint64_t first_generation;
    struct mm1_tree handles;
    mm1_handle next_handle;
    struct mm1__bonds root_bonds; /* only its names */

    _Atomic(struct mm1_actor *) *pages;
    size_t page_count;
    _Atomic(struct mm1__bound_table *) bounds;
    _Atomic size_t bound_count;
    _Atomic uint64_t bound_seq;

    _Atomic uint64_t numbers;
    _Atomic uint64_t unrest;
    _Atomic size_t actors;
    atomic_bool refuse_spawns;
    _Atomic uint64_t main_live;
    atomic_bool main_ended;
    struct mm1_reason main_reason;

    struct mm1_buf scratch; /* for encoding; only where `encode` is set, which is single-threaded */
};

struct mm1_ctx {
    struct mm1_actor *actor;
    struct mm1_node *node;
    uint64_t cause; /* mark of the event that began this turn */
    uint64_t trace_id;
    bool background;
    bool quitting;
    struct mm1_reason reason;
};

/* --- registry.c ----------------------------------------------------------------------------------------------- */

void mm1__lock(struct mm1_node *node);
void mm1__unlock(struct mm1_node *node);
/* The slot that an address of the auto subnet belongs to, if it was ever used; null otherwise. */
struct mm1_actor *mm1__slot_of(const struct mm1_node *node, uint64_t address);
/* As above, but only if the actor with this main address lives. */
struct mm1_actor *mm1__live(const struct mm1_node *node, uint64_t address);
/* Tells the lives in a slot apart, in the upper half of a word: a permit is not taken from a stranger's inbox. */
static inline uint64_t mm1__life(uint64_t address)
{
    return ((address >> MM1__BLOCK_BITS) * UINT64_C(0x9e3779b97f4a7c15)) & ~(uint64_t)UINT32_MAX;
}
/* Takes a free slot with its token and sets its `live` for a new life (not yet visible); null: none is free. */
MM1_NODISCARD mm1_status mm1__slot_take(struct mm1_node *node, struct mm1_actor **out,
                                        uint64_t *address);
/* Gives a slot back, without its token. */
void mm1__slot_give(struct mm1_node *node, struct mm1_actor *actor);

enum mm1__where { MM1__ACTOR, MM1__NOBODY, MM1__UNROUTED };
/* Where an address leads: MM1__ACTOR sets `*main` to the main address of whoever serves it; `*direct` says whether
 * that is the address itself. */
enum mm1__where mm1__resolve(const struct mm1_node *node, mm1_addr to, uint64_t *main,
                             bool *direct);
MM1_NODISCARD mm1_status mm1__bound_add(struct mm1_node *node, struct mm1_net net, uint64_t owner);
void mm1__bound_remove_all(struct mm1_node *node, uint64_t owner);
void mm1__bound_close(struct mm1_node *node);

/* --- item.c --------------------------------------------------------------------------------------------------- */

/* A message in a block of its own; the encoded bytes, where the node encodes, are left in node->scratch. */
MM1_NODISCARD mm1_status mm1__item_new(struct mm1_node *node, const struct mm1_msg_type *type,
                                       const void *msg, struct mm1__item **out);
/* Bytes of the message of the last mm1__item_new, where the node encodes. */
struct mm1_bytes mm1__encoded(const struct mm1_node *node);
MM1_NODISCARD mm1_status mm1__signal_new(struct mm1_node *node, enum mm1__kind kind,
                                         struct mm1__signal **out);
void mm1__item_free(struct mm1_node *node, struct mm1__item *item);
/* Gives an item its number and makes it count. */
void mm1__item_enlist(struct mm1_node *node, struct mm1__item *item);
/* It counts no more: it is kept as a record, or is about to be freed. */
void mm1__item_settle(struct mm1_node *node, struct mm1__item *item);
/* Sends an enlisted item to the actor of item->route: through the scheduler's hold, or at once. */
void mm1__post(struct mm1_node *node, struct mm1__item *item);
/* Leaves an item with its actor, or answers for the actor that is not there. */
void mm1__land(struct mm1_node *node, struct mm1__item *item);
/* Answers for an actor that is not there: noproc for links and watches, lost for messages. */
void mm1__bounce(struct mm1_node *node, struct mm1__item *item);
void mm1__enqueue(struct mm1__queue *queue, struct mm1__item *item);
struct mm1__item *mm1__dequeue(struct mm1__queue *queue);
static inline struct mm1__signal *mm1__signal_of(struct mm1__item *item)
{
    return MM1_CONTAINER_OF(item, struct mm1__signal, item);
}

/* --- spawn.c, turn.c ------------------------------------------------------------------------------------------ */

MM1_NODISCARD mm1_status mm1__spawn(struct mm1_node *node, struct mm1_ctx *parent,
                                    const struct mm1_spawn *spawn, mm1_addr *out);
/* The actor's bonds, made when there are none; null when memory is refused. */
struct mm1__bonds *mm1__bonds_of(struct mm1_actor *actor);
void mm1__bonds_init(struct mm1__bonds *bonds);
void mm1__names_close(struct mm1_node *node, struct mm1__bonds *bonds);
/* Makes an actor ready unless it is. */
void mm1__wake(struct mm1_actor *actor);

/* --- links.c -------------------------------------------------------------------------------------------------- */

/* Lets a signal act on a living actor. Consumes it. True: it ends the actor, for `*reason`; `*cause` is its mark. */
bool mm1__signal_act(struct mm1_actor *actor, struct mm1__item *item, struct mm1_reason *reason,
                     uint64_t *cause);
/* Tells links, watchers and watched of the end of `self`, the actor's main address while it lived. */
void mm1__bonds_break(struct mm1_actor *actor, uint64_t self, const struct mm1_reason *reason,
                      uint64_t cause);
/* Drops all links and watches without telling anybody. */
void mm1__bonds_drop(struct mm1_actor *actor);
/* Enters a link that was made with the child. */
void mm1__link_enter(struct mm1_actor *actor, struct mm1__signal *record, uint64_t peer);

/* --- timer.c, handle.c ---------------------------------------------------------------------------------------- */

/* A timer's item was received: frees a one-shot timer, arms a periodic one again. */
void mm1__timer_taken(struct mm1_node *node, struct mm1_actor *actor, struct mm1__item *item);
void mm1__timer_free(struct mm1_node *node, struct mm1__timer *timer);
static inline struct mm1__timer *mm1__timer_of(struct mm1__item *item)
{
    return MM1_CONTAINER_OF(item, struct mm1__timer, item);
}
void mm1__timers_close(struct mm1_actor *actor);
void mm1__handles_close(struct mm1_actor *actor);
void mm1__sink_init(struct mm1_node *node);
void mm1__handles_drop(struct mm1_node *node);

/* --- event.c -------------------------------------------------------------------------------------------------- */

static inline bool mm1__traced(const struct mm1_node *node)
{
    return !node->env.trace->quiet;
}
/* Emits an event of the running turn; fills in actor, self and cause. Returns its mark. */
uint64_t mm1__emit(const struct mm1_ctx *ctx, struct mm1_event *event);
/* Emits a VERB event. Returns its mark. */
uint64_t mm1__emit_verb(const struct mm1_ctx *ctx, const struct mm1_effect *effect,
                        mm1_status status);
/* Emits an event of an actor outside its turn. */
uint64_t mm1__emit_of(const struct mm1_actor *actor, struct mm1_event *event);

/* True: carry the verb out. */
static inline bool mm1__effect(const struct mm1_ctx *ctx, const struct mm1_effect *effect,
                               struct mm1_answer *answer)
{
    struct mm1_sched *sched = ctx->node->env.sched;
    return sched->ops->effect(sched, &ctx->actor->runnable, effect, answer);
}

static inline uint64_t mm1__address(const struct mm1_actor *actor)
{
    return atomic_load_explicit(&actor->live, memory_order_relaxed) - 1;
}

static inline struct mm1_node *mm1__node_of(const struct mm1_actor *actor)
{
    return actor->runnable.node;
}

#endif
