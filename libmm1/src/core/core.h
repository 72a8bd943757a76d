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
#define MM1__BLOCK_BITS                                                                            \
    8u /* an actor's block has 256 addresses, unless some setting asks for more */

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
    MM1__KILL,    /* without memory for it a flag is raised instead */
    MM1__STARTED, /* a child is ready: reserved when it is born */
};

/* What lies in a queue: header and message in one block. */
struct mm1__item {
    _Alignas(max_align_t) union {
        struct mm1__item *next;
        struct mm1_node *home; /* while it is kept */
    };
    struct mm1_envelope env;
    uint64_t route; /* address of the context it goes to */
    uint64_t from;  /* main address of who sent it */
    uint64_t cause; /* mark of the event that sent it */
    uint64_t number;
    size_t block_size;
    struct mm1__inbox *inbox; /* that it counts in; null: in none */
    uint32_t life;            /* of the inbox when it was sent */
    uint8_t kind;             /* enum mm1__kind */
    bool permit;              /* holds one of `inbox` */
    bool background : 1;
    bool
        again : 1; /* was set aside and came back alone: set aside once more, it goes in front of what is there */
    bool counted; /* is part of the node's unrest */
};

/* A link, a watch, or an exit: the same block is the record that is kept, the signal that travels, and the message
 * that is received; so that an ending actor needs no memory to say so. */
struct mm1__signal {
    struct mm1__item item;
    struct mm1_tree_node node; /* in links, watches or watchers */
    uint64_t peer;             /* address at the other end */
    uint64_t own;              /* address at this end: main, or of the fork it is about */
    uint64_t ref;
    /* Of a record in links: the unlink that the peer has not answered yet, 0 while the link holds. Of an unlink and
     * its answer: which it is; 0: no answer is wanted. */
    uint64_t unlink;
    /* Of the parent's record of a child that it starts: the reference, 0 once it is ready. `ref` is the address of the
     * context that awaits it. */
    uint64_t start;
    struct mm1_reason reason;
    union {
        struct mm1_exited exited;
        struct mm1_down down;
        struct mm1_started started;
        struct mm1_start_failed start_failed;
        /* Of a record with `start`: what ends the link when the child is ready, null where it shall stay. */
        struct mm1__signal *spare;
        bool ignored; /* of the end of a linked actor: a child that was not needed */
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
    bool kept;      /* its message is out of the actor's queues */
    struct mm1__item item;
};

/* A stream or a log. Guarded by the node's lock. */
struct mm1__handle {
    struct mm1_tree_node node; /* in the node's handles */
    struct mm1_list of_actor;
    mm1_handle handle;
    uint64_t owner;        /* address of the context */
    mm1_handle parent;     /* listener of a connection that nobody has claimed */
    struct mm1_path *path; /* of the owner, which may end while a completion is posted */
    /* Blocks for what its owner is still to be told: the last word about it, and an answer to each operation that was
     * begun. Linked by `next`. */
    struct mm1__item *reserve;
    bool is_log;
    bool is_listener;
    bool opened;  /* a log: its owner was told so */
    bool adopted; /* a listener: connections came in through it */
};

/* What only some actors have. */
struct mm1__bonds {
    struct mm1_tree watches; /* mm1__signal by ref: what this actor watches */
    struct mm1_tree timers;  /* mm1__timer by id */
    struct mm1_tree names;   /* mm1__name: how many children had it */
    struct mm1_tree forks;   /* mm1__fork by address */
    struct mm1_list handles;
    uint64_t unlinks;   /* numbers of unlinks given out */
    uint64_t fork_last; /* address of the last fork made */
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

/* A context: the main one of an actor stands in it, a fork's in a block of its own. */
struct mm1_ctx {
    struct mm1_actor *actor;
    struct mm1_node *node;
    uint64_t address;
    const struct mm1_behaviour *behaviour;
    void *state;
    struct mm1__queue aside; /* postponed */
    struct mm1__turn *turn;  /* the one that is under way; null: none */
    uint64_t cause;          /* mark of the event that began the turn */
    uint64_t trace_id;
    bool background;
    bool started; /* init was called: fini is owed */
    bool closed;
    bool drained; /* mm1_closed is lined up */
    bool bound;   /* serves subnets */
    bool ended;   /* a fork that ends with its turn */
};

struct mm1__fork {
    struct mm1_ctx ctx;
    struct mm1_tree_node node; /* in the actor's forks */
};

/* A turn while it runs; on the stack of whoever gives it. */
struct mm1__turn {
    bool quitting;
    bool counted; /* is part of the node's unrest, since its item was kept and is not any more */
    struct mm1_reason reason; /* of the end, when the actor is to end */
};

/* Permits: the life that they belong to in the upper half, how many are taken in the lower. */
struct mm1__inbox {
    _Atomic uint64_t taken;
    _Atomic uint32_t size;
    atomic_bool closed;
};

struct mm1_actor {
    struct mm1_runnable runnable;
    _Atomic uint64_t live;       /* main address + 1; 0: nobody */
    _Atomic uint64_t kill;       /* main address + 1 of whom is to be killed */
    _Atomic uint64_t kill_cause; /* mark of the kill, for traces */
    _Atomic(struct mm1__item *) arrived;
    atomic_bool token;
    bool in_turn;
    /* Bits, so that a slot stays small. */
    bool trap_exit : 1;
    bool ignores : 1;     /* said mm1_init_ignore to a parent that awaits it */
    bool closing : 1;     /* some context has closed its inbox */
    bool on_settings : 1; /* `settings` is this actor's own place in the tree */
    uint32_t slot;
    _Atomic uint64_t suspended; /* main address + 1 of whom is suspended */
    uint32_t free_next;         /* slot + 1 */
    uint32_t generation;        /* lives begun in this slot */
    struct mm1__inbox inbox;
    /* Of the turn that is under way, or was abandoned; null once it was postponed or kept. */
    struct mm1__item *in_hand;
    struct mm1__queue urgent;
    struct mm1__queue queue;
    struct mm1_ctx main;
    struct mm1_path *path;
    const struct mm1__settings *settings;  /* null: nothing is said */
    _Atomic(struct mm1__series *) metrics; /* of its behaviour; null: not counted */
    struct mm1__signal
        *started; /* to the parent that waits for it; null once sent, or never wanted */
    /* Not among the bonds: a link or watch that comes in must not need memory. */
    struct mm1_tree links;    /* mm1__signal by (peer, own) */
    struct mm1_tree watchers; /* mm1__signal by (peer, ref): who watches it */
    struct mm1__bonds *bonds;
    uint64_t parent;
    uint64_t next_ref; /* of watches and timers */
    uint64_t draws;
    uint64_t traces; /* ids given out */
};

/* The permits of a bound subnet. They outlive it: a late sender may still look at them. */
struct mm1__permits {
    struct mm1__inbox inbox;
    struct mm1__permits *next; /* among the free ones, or all of a node */
};

struct mm1__bound {
    _Atomic uint64_t first;
    _Atomic uint64_t last;
    _Atomic uint64_t owner; /* address of the context */
    _Atomic(struct mm1__permits *) permits;
    _Atomic uint32_t life; /* of the permits */
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
    uint64_t auto_first; /* of it: the first address, and the bits that all have in common */
    uint64_t auto_bits;
    struct mm1_net *locals;
    size_t local_count;
    bool encode;
    bool one_thread;
    uint32_t block_bits; /* of an actor's block of addresses */
    struct mm1__settings *settings;
    struct mm1_tap *const *taps;
    size_t tap_count;
    struct mm1_failure_sink *failures;
    struct mm1__metrics *metrics; /* null: it does not count */

    atomic_flag lock;            /* guards what follows up to the next comment */
    _Atomic uint32_t slots_used; /* what lies below it is read without the lock */
    uint32_t slots_max;
    /* slot + 1; 0: none. The one that is free for longest: its address comes back last */
    uint32_t free_slot;
    uint32_t free_last;
    uint64_t first_generation;
    uint64_t trace_seed;
    struct mm1_tree handles;
    mm1_handle next_handle;
    struct mm1__bonds root_bonds; /* only its names */

    _Atomic(struct mm1_actor *) *pages;
    size_t page_count;
    _Atomic(struct mm1__bound_table *) bounds;
    _Atomic size_t bound_count;
    _Atomic uint64_t bound_seq;

    struct mm1__permits *permits_free; /* under the lock */
    uint32_t permit_lives;             /* as above: numbers the uses of permits */

    _Atomic uint64_t numbers;
    _Atomic uint64_t unrest;
    _Atomic uint64_t awake; /* tokens that are held */
    _Atomic size_t actors;
    atomic_bool refuse_spawns;
    _Atomic uint64_t main_live;
    atomic_bool main_ended;
    struct mm1_reason main_reason;

    struct mm1_buf scratch; /* for encoding; only where `encode` is set, which is single-threaded */
};

/* --- counters ------------------------------------------------------------------------------------------------- */

/* Adds to a counter of a node; without a locked instruction where one thread is all there is. Returns what it was. */
static inline uint64_t mm1__add(const struct mm1_node *node, _Atomic uint64_t *counter, uint64_t n)
{
    if (node->one_thread) {
        uint64_t was = atomic_load_explicit(counter, memory_order_relaxed);
        atomic_store_explicit(counter, was + n, memory_order_relaxed);
        return was;
    }
    return atomic_fetch_add_explicit(counter, n, memory_order_acq_rel);
}

static inline struct mm1_node *mm1__node_of(const struct mm1_actor *actor)
{
    return actor->runnable.node;
}

/* --- registry.c ----------------------------------------------------------------------------------------------- */

void mm1__lock(struct mm1_node *node);
void mm1__unlock(struct mm1_node *node);
static inline bool mm1__in_auto(const struct mm1_node *node, uint64_t address)
{
    return ((address ^ node->auto_first) & node->auto_bits) == 0;
}
/* Null: no such slot was ever used. */
static inline struct mm1_actor *mm1__slot(const struct mm1_node *node, uint32_t slot)
{
    if (slot >= atomic_load_explicit(&node->slots_used, memory_order_acquire)) {
        return NULL;
    }
    struct mm1_actor *page =
        atomic_load_explicit(&node->pages[slot / MM1__PAGE_SLOTS], memory_order_relaxed);
    return &page[slot % MM1__PAGE_SLOTS];
}
/* The slot that an address of the auto subnet belongs to, if it was ever used; null otherwise. */
static inline struct mm1_actor *mm1__slot_of(const struct mm1_node *node, uint64_t address)
{
    uint64_t block = (address - node->auto_first) >> node->block_bits;
    return mm1__slot(node, (uint32_t)block & (node->slots_max - 1));
}
/* The main address of the block that an address lies in. */
static inline uint64_t mm1__block(const struct mm1_node *node, uint64_t address)
{
    return address >> node->block_bits << node->block_bits;
}
/* As above, but only if the actor lives whose block the address lies in. */
static inline struct mm1_actor *mm1__live(const struct mm1_node *node, uint64_t address)
{
    struct mm1_actor *actor = mm1__in_auto(node, address) ? mm1__slot_of(node, address) : NULL;
    if (actor == NULL) {
        return NULL;
    }
    uint64_t live = atomic_load_explicit(&actor->live, memory_order_acquire);
    /* A main address is a multiple of the block's size, so that + 1 never overflows. */
    return live == mm1__block(node, address) + 1 ? actor : NULL;
}
/* Tells the lives in a slot apart: a permit is not taken from a stranger's inbox. `address` is a main address. */
static inline uint32_t mm1__life(uint64_t address)
{
    return (uint32_t)((address * UINT64_C(0x9e3779b97f4a7c15)) >> 32);
}
/* Takes a free slot with its token and sets its `live` for a new life (not yet visible); null: none is free. */
MM1_NODISCARD mm1_status mm1__slot_take(struct mm1_node *node, struct mm1_actor **out,
                                        uint64_t *address);
/* Gives a slot back, without its token. */
void mm1__slot_give(struct mm1_node *node, struct mm1_actor *actor);

/* Where an address leads. */
enum mm1__where {
    MM1__ACTOR,    /* to a living actor */
    MM1__NOBODY,   /* to an address of this node where nobody is */
    MM1__UNROUTED, /* to another node, and no way is known */
};
struct mm1__place {
    struct mm1_actor *actor;  /* the rest is of MM1__ACTOR alone */
    uint64_t main;            /* its main address when it was looked up */
    uint64_t at;              /* address of the context that serves it */
    struct mm1__inbox *inbox; /* whose permits it takes */
    uint32_t life;            /* of the inbox */
    bool direct;              /* it is an address of the actor's own block, not a bound one */
};
/* An address that is not one of a living actor's own block. */
enum mm1__where mm1__resolve_other(const struct mm1_node *node, mm1_addr to,
                                   struct mm1__place *place);
static inline enum mm1__where mm1__resolve(const struct mm1_node *node, mm1_addr to,
                                           struct mm1__place *place)
{
    struct mm1_actor *actor = mm1__live(node, to.bits);
    if (actor == NULL) {
        /* One of its own, so that `*place` need not stand in memory. */
        struct mm1__place other = {.actor = NULL};
        enum mm1__where where = mm1__resolve_other(node, to, &other);
        *place = other;
        return where;
    }
    *place = (struct mm1__place){.actor = actor,
                                 .main = mm1__block(node, to.bits),
                                 .at = to.bits,
                                 .inbox = &actor->inbox,
                                 .life = mm1__life(mm1__block(node, to.bits)),
                                 .direct = true};
    return MM1__ACTOR;
}
/* Whether an address lies in a subnet of this node. */
bool mm1__is_local(const struct mm1_node *node, mm1_addr addr);
/* Changes how many permits are taken, while `life` lasts; false: `limited`, and none is left. */
static inline bool mm1__permit_add(const struct mm1_node *node, struct mm1__inbox *inbox,
                                   uint32_t life, uint64_t change, bool limited)
{
    uint64_t taken = atomic_load_explicit(&inbox->taken, memory_order_relaxed);
    do {
        if (taken >> 32 != life) {
            return true;
        }
        if (limited &&
            (uint32_t)taken >= atomic_load_explicit(&inbox->size, memory_order_relaxed)) {
            return false;
        }
        if (node->one_thread) {
            atomic_store_explicit(&inbox->taken, taken + change, memory_order_relaxed);
            return true;
        }
    } while (!atomic_compare_exchange_weak_explicit(&inbox->taken, &taken, taken + change,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}
/* Takes a permit, unless none is left: false. True as well when `life` is over: then what is sent is lost, and its
 * permit with it. */
static inline bool mm1__permit_take(const struct mm1_node *node, struct mm1__inbox *inbox,
                                    uint32_t life)
{
    return mm1__permit_add(node, inbox, life, 1, true);
}
/* Gives one back that was taken, or takes one whether one is left or not. */
static inline void mm1__permit_move(const struct mm1_node *node, struct mm1__inbox *inbox,
                                    uint32_t life, bool take)
{
    (void)mm1__permit_add(node, inbox, life, take ? 1 : UINT64_MAX, false);
}
/* An item that is handed over, or dropped, counts no more in its inbox. */
static inline void mm1__permit_end(const struct mm1_node *node, struct mm1__item *item)
{
    if (item->permit) {
        item->permit = false;
        mm1__permit_move(node, item->inbox, item->life, false);
    }
}
/* `owner` is the address of a context. */
MM1_NODISCARD mm1_status mm1__bound_add(struct mm1_node *node, struct mm1_net net, uint64_t owner,
                                        uint32_t inbox_size);
/* Closes the permits of all subnets of a context; no message is taken any more. */
void mm1__bound_shut(struct mm1_node *node, uint64_t owner);
void mm1__bound_remove_all(struct mm1_node *node, uint64_t owner);
void mm1__bound_close(struct mm1_node *node);

/* --- settings.c ----------------------------------------------------------------------------------------------- */

/* Settings of a place in the tree of paths, with what is said above it filled in. */
struct mm1__settings {
    struct mm1__settings *children;
    size_t child_count;
    uint8_t name_size;
    char name[255];
    uint8_t netmask;
    bool has_inbox_size;
    uint32_t inbox_size;
    uint32_t pool;
    struct mm1_tap *tap;
};
/* Copies the tree of the configuration. MM1_NOMEM; MM1_INVALID: a mask above 64. */
MM1_NODISCARD mm1_status mm1__settings_open(struct mm1_node *node,
                                            const struct mm1_node_config *config);
void mm1__settings_close(struct mm1_node *node);
/* How large a block must be for the smallest mask that is asked for. `settings` may be null. */
uint32_t mm1__settings_block_bits(const struct mm1_settings *settings);
/* The place of a child of `parent` (null: the node's main), and whether it is the child's own. */
const struct mm1__settings *mm1__settings_find(const struct mm1_node *node,
                                               const struct mm1_actor *parent, struct mm1_text name,
                                               bool *own);

/* --- item.c --------------------------------------------------------------------------------------------------- */

/* An empty item. Field by field: compilers set a whole one to zero by a string instruction, which takes longer. */
static inline void mm1__item_init(struct mm1__item *item, size_t block_size)
{
    item->next = NULL;
    item->env = (struct mm1_envelope){.type = NULL};
    item->route = 0;
    item->from = 0;
    item->cause = 0;
    item->number = 0;
    item->block_size = block_size;
    item->inbox = NULL;
    item->life = 0;
    item->kind = MM1__MESSAGE;
    item->permit = false;
    item->background = false;
    item->again = false;
    item->counted = false;
}
/* Where the message of an item stands. */
static inline void *mm1__item_msg(struct mm1__item *item)
{
    return (uint8_t *)item + sizeof(*item);
}
/* As below, of a message whose bytes are not all there is to copy. */
MM1_NODISCARD mm1_status mm1__item_new_other(struct mm1_node *node, const struct mm1_msg_type *type,
                                             const void *msg, struct mm1__item **out);
/* A message in a block of its own; the encoded bytes, where the node encodes, are left in node->scratch. */
MM1_NODISCARD static inline mm1_status mm1__item_new(struct mm1_node *node,
                                                     const struct mm1_msg_type *type,
                                                     const void *msg, struct mm1__item **out)
{
    if (!type->plain || node->encode) {
        return mm1__item_new_other(node, type, msg, out);
    }
    size_t block_size = sizeof(struct mm1__item) + type->size;
    struct mm1__item *item = mm1_take(node->env.alloc, block_size);
    if (item == NULL) {
        return MM1_NOMEM;
    }
    memcpy(mm1__item_msg(item), msg, type->size);
    mm1__item_init(item, block_size);
    item->env.type = type;
    item->env.msg = mm1__item_msg(item);
    *out = item;
    return MM1_OK;
}
/* A block that mm1__item_fill needs no memory to fill with any completion of a port that carries no data. */
MM1_NODISCARD mm1_status mm1__item_reserve(struct mm1_node *node, struct mm1__item **out);
/* Makes a reserved block the item of a message. MM1_TOO_LARGE, MM1_NOMEM and what encoding says leave it reserved. */
MM1_NODISCARD mm1_status mm1__item_fill(struct mm1_node *node, struct mm1__item *item,
                                        const struct mm1_msg_type *type, const void *msg);
/* A copy of the bytes of an argument, or of a message where it has a type; an item of kind MM1__START. */
MM1_NODISCARD mm1_status mm1__start_new(struct mm1_node *node, const struct mm1_msg_type *type,
                                        const void *arg, size_t arg_size, struct mm1__item **out);
/* Bytes of the message of the last mm1__item_new, where the node encodes. */
struct mm1_bytes mm1__encoded(const struct mm1_node *node);
MM1_NODISCARD mm1_status mm1__signal_new(struct mm1_node *node, enum mm1__kind kind,
                                         struct mm1__signal **out);
/* Gives an item its number and makes it count. */
static inline void mm1__item_enlist(struct mm1_node *node, struct mm1__item *item)
{
    item->number = mm1__add(node, &node->numbers, 1) + 1;
    if (!item->background && !item->counted) {
        item->counted = true;
        (void)mm1__add(node, &node->unrest, 1);
    }
}
/* It counts no more: it is kept as a record, or is about to be freed. */
static inline void mm1__item_settle(struct mm1_node *node, struct mm1__item *item)
{
    if (item->counted) {
        (void)mm1__add(node, &node->unrest, UINT64_MAX);
        item->counted = false;
    }
}
/* As below, of what is more than a message. */
void mm1__item_free_other(struct mm1_node *node, struct mm1__item *item);
static inline void mm1__item_free(struct mm1_node *node, struct mm1__item *item)
{
    mm1__item_settle(node, item);
    if (item->kind == MM1__MESSAGE || item->kind == MM1__START) {
        node->env.alloc->ops->give(node->env.alloc, item, item->block_size);
    } else {
        mm1__item_free_other(node, item);
    }
}
/* Sends an enlisted item to the actor of item->route: through the scheduler's hold, or at once. */
void mm1__post(struct mm1_node *node, struct mm1__item *item);
/* Takes the token; false: somebody has it. */
static inline bool mm1__take_token(const struct mm1_node *node, struct mm1_actor *actor)
{
    if (node->one_thread) {
        bool taken = atomic_load_explicit(&actor->token, memory_order_relaxed);
        atomic_store_explicit(&actor->token, true, memory_order_relaxed);
        return !taken;
    }
    return !atomic_exchange(&actor->token, true);
}
/* Makes an actor ready unless it is. */
static inline void mm1__wake(struct mm1_actor *actor)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (mm1__take_token(node, actor)) {
        struct mm1_sched *sched = node->env.sched;
        (void)mm1__add(node, &node->awake, 1);
        sched->ops->ready(sched, &actor->runnable);
    }
}
static inline void mm1__push_arrived(const struct mm1_node *node, struct mm1_actor *actor,
                                     struct mm1__item *item)
{
    struct mm1__item *top = atomic_load_explicit(&actor->arrived, memory_order_relaxed);
    if (node->one_thread) {
        item->next = top;
        atomic_store_explicit(&actor->arrived, item, memory_order_relaxed);
        return;
    }
    do {
        item->next = top;
    } while (!atomic_compare_exchange_weak(&actor->arrived, &top, item));
}
/* Leaves an item with an actor that lived a moment ago. */
static inline void mm1__leave(struct mm1_node *node, struct mm1_actor *actor,
                              struct mm1__item *item)
{
    mm1__push_arrived(node, actor, item);
    mm1__wake(actor);
}
/* Leaves an item with its actor, or answers for the actor that is not there. */
void mm1__land(struct mm1_node *node, struct mm1__item *item);
/* Answers for an actor that is not there: noproc for links and watches, lost for messages. */
void mm1__bounce(struct mm1_node *node, struct mm1__item *item);
static inline void mm1__enqueue(struct mm1__queue *queue, struct mm1__item *item)
{
    item->next = NULL;
    if (queue->tail == NULL) {
        queue->head = item;
    } else {
        queue->tail->next = item;
    }
    queue->tail = item;
}
static inline struct mm1__item *mm1__dequeue(struct mm1__queue *queue)
{
    struct mm1__item *item = queue->head;
    if (item != NULL) {
        queue->head = item->next;
        if (queue->head == NULL) {
            queue->tail = NULL;
        }
    }
    return item;
}
/* Takes out an item that stands behind `before`; null: it is the first. */
void mm1__queue_remove(struct mm1__queue *queue, struct mm1__item *before, struct mm1__item *item);
/* Puts all of `front` before what `queue` holds. */
void mm1__requeue(struct mm1__queue *queue, struct mm1__queue *front);
static inline struct mm1__signal *mm1__signal_of(struct mm1__item *item)
{
    return MM1_CONTAINER_OF(item, struct mm1__signal, item);
}

/* --- spawn.c, turn.c ------------------------------------------------------------------------------------------ */

/* `spawn->start` and `spawn->watch` need a parent. */
MM1_NODISCARD mm1_status mm1__spawn(struct mm1_node *node, struct mm1_ctx *parent,
                                    const struct mm1_spawn *spawn, mm1_addr *out);
/* The context of the fork at an address, or null. */
struct mm1_ctx *mm1__context_fork(struct mm1_actor *actor, uint64_t address);
/* The context of the actor at an address, or null. */
static inline struct mm1_ctx *mm1__context(struct mm1_actor *actor, uint64_t address)
{
    return address == actor->main.address ? &actor->main : mm1__context_fork(actor, address);
}
/* Visits the contexts of an actor. */
void mm1__each_context(struct mm1_actor *actor, void (*visit)(struct mm1_ctx *ctx, void *arg),
                       void *arg);
/* The address of a fork ends: what belongs to it goes, those who know it are told. */
void mm1__fork_close(struct mm1_ctx *ctx);
/* Frees all forks without a word to anybody. `cut_off`: a turn was abandoned. */
void mm1__forks_drop(struct mm1_actor *actor, bool cut_off);
/* Runs fini, or abandon, when it is owed, and frees the state. */
void mm1__state_close(struct mm1_ctx *ctx, bool cut_off);
/* Answers a ping that has arrived. Consumes it. */
void mm1__pong(struct mm1_actor *actor, struct mm1__item *item);
/* The actor's bonds, made when there are none; null when memory is refused. */
struct mm1__bonds *mm1__bonds_of(struct mm1_actor *actor);
void mm1__bonds_init(struct mm1__bonds *bonds);
void mm1__names_close(struct mm1_node *node, struct mm1__bonds *bonds);

/* --- links.c -------------------------------------------------------------------------------------------------- */

/* Lets a signal act on a living actor. Consumes it. True: it ends the actor, for `*reason`; `*cause` is its mark. */
bool mm1__signal_act(struct mm1_actor *actor, struct mm1__item *item, struct mm1_reason *reason,
                     uint64_t *cause);
/* Tells those who are linked to a fork or watch it of its normal end, and drops its own watches. */
void mm1__bonds_break_fork(struct mm1_actor *actor, uint64_t fork, uint64_t cause);
/* Tells links, watchers and watched of the end of `self`, the actor's main address while it lived. */
void mm1__bonds_break(struct mm1_actor *actor, uint64_t self, const struct mm1_reason *reason,
                      uint64_t cause);
/* Drops all links and watches without telling anybody. */
void mm1__bonds_drop(struct mm1_actor *actor);
/* Enters a link between `peer` and the address `own` of this actor. */
void mm1__link_enter(struct mm1_actor *actor, struct mm1__signal *record, uint64_t peer,
                     uint64_t own);
/* Enters both records of the watch of a child that a context gives birth to; the parent has bonds. */
void mm1__watch_enter(const struct mm1_ctx *parent, struct mm1__signal *watch,
                      struct mm1_actor *child, struct mm1__signal *watcher, uint64_t ref);
/* Sends a signal from the address `self` to that of a context. */
void mm1__signal_send_from(struct mm1_node *node, struct mm1__signal *signal, enum mm1__kind kind,
                           uint64_t self, uint64_t to, uint64_t cause, bool background);
/* Why no signal reaches `peer`, where none does: what is only served may be another node's (LINK-09, WATCH-05). */
bool mm1__unreachable(const struct mm1_node *node, mm1_addr peer, enum mm1_reason_kind *reason);
/* Sends a signal of the running turn, from the actor's main address. */
void mm1__signal_send(const struct mm1_ctx *ctx, struct mm1__signal *signal, enum mm1__kind kind,
                      uint64_t to);

/* --- timer.c, handle.c ---------------------------------------------------------------------------------------- */

/* A timer's item was received: frees a one-shot timer, arms a periodic one again. */
void mm1__timer_taken(struct mm1_node *node, struct mm1_actor *actor, struct mm1__item *item);
void mm1__timer_free(struct mm1_node *node, struct mm1__timer *timer);
static inline struct mm1__timer *mm1__timer_of(struct mm1__item *item)
{
    return MM1_CONTAINER_OF(item, struct mm1__timer, item);
}
/* Those of one context; 0: of all. */
void mm1__timers_close(struct mm1_actor *actor, uint64_t context);
void mm1__handles_close(struct mm1_actor *actor, uint64_t context);
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
    return sched->passes || sched->ops->effect(sched, &ctx->actor->runnable, effect, answer);
}

/* Null: nobody listens. */
static inline struct mm1_tap *mm1__tap(const struct mm1_actor *actor)
{
    return actor->settings == NULL ? NULL : actor->settings->tap;
}

/* Its main address. */
static inline uint64_t mm1__address(const struct mm1_actor *actor)
{
    return atomic_load_explicit(&actor->live, memory_order_relaxed) - 1;
}

#endif
