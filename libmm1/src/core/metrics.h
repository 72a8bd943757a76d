/* What a node counts: the hooks that the files of this floor call, nothing but a look at a null pointer where the node
 * does not count; and where the numbers are kept. */
#ifndef MM1_CORE_METRICS_H
#define MM1_CORE_METRICS_H

#include <mm1/metrics.h>

#include "core/core.h"

/* What is counted for each behaviour. */
enum mm1__actor_value {
    MM1__SPAWNS,
    MM1__EXITS_NORMAL,
    MM1__EXITS_ABNORMAL,
    MM1__TURNS,
    MM1__RECEIVED,
    MM1__ACTOR_VALUES,
};

/* Why a message was not left in an inbox. */
enum mm1__unsent {
    MM1__UNSENT_CLOSED,
    MM1__UNSENT_FULL,
    MM1__UNSENT_NOBODY,
    MM1__UNSENT_NO_MEMORY,
    MM1__UNSENT_NO_ROUTE,
    MM1__UNSENT_REFUSED,
    MM1__UNSENT_TTL,
    MM1__UNSENT_REASONS,
};

/* The values of a histogram: its bounded buckets, the one without a bound, the sum. */
#define MM1__BUCKETS 15
#define MM1__SUM (MM1__BUCKETS + 1)

struct mm1__family {
    struct mm1_tree_node node; /* in the families, by name */
    const struct mm1_metric *metric;
    struct mm1_tree series;
    size_t value_count; /* of each series */
};

/* One set of labels of one metric, and its numbers. Never freed before the node. */
struct mm1__series {
    struct mm1__series *older; /* in its chain */
    struct mm1_tree_node node; /* in its family, by labels */
    struct mm1__family *family;
    const char *labels[MM1_METRIC_LABELS_MAX]; /* the texts stand behind the values */
    size_t ordinal;                            /* within its family, by birth */
    size_t block_size;
    _Atomic uint64_t values[];
};

#define MM1__METRIC_CHAINS 256

struct mm1__metrics {
    struct mm1_alloc *alloc;
    _Atomic uint64_t dropped; /* how often something was not counted */
    _Atomic uint64_t unsent[MM1__UNSENT_REASONS];
    /* Grow at their heads: looked through without the lock. */
    _Atomic(struct mm1__series *) chains[MM1__METRIC_CHAINS];
    atomic_flag lock; /* guards the trees, which only grow */
    struct mm1_tree families;
    struct mm1__family actors; /* of behaviours; not among the families */
};

/* MM1_OK with null where the node does not count. MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__metrics_open(struct mm1_alloc *alloc, bool on,
                                           struct mm1__metrics **out);
/* Null is ignored. */
void mm1__metrics_close(struct mm1__metrics *metrics);

static inline void mm1__metric_add(const struct mm1_node *node, _Atomic uint64_t *value, uint64_t n)
{
    if (node->one_thread) {
        uint64_t was = atomic_load_explicit(value, memory_order_relaxed);
        atomic_store_explicit(value, was + n, memory_order_relaxed);
    } else {
        (void)atomic_fetch_add_explicit(value, n, memory_order_relaxed);
    }
}

static inline void mm1__actor_add(struct mm1_actor *actor, enum mm1__actor_value value)
{
    struct mm1__series *series = atomic_load_explicit(&actor->metrics, memory_order_relaxed);
    if (__builtin_expect(series != NULL, 0)) {
        mm1__metric_add(actor->runnable.node, &series->values[value], 1);
    }
}

/* A life begins: looks up where it is counted, before anybody can see the actor. */
void mm1__metric_spawn_on(struct mm1_actor *actor, const struct mm1_behaviour *behaviour);
static inline void mm1__metric_spawn(struct mm1_actor *actor, const struct mm1_behaviour *behaviour)
{
    const struct mm1_node *node = actor->runnable.node;
    if (__builtin_expect(node->metrics != NULL, 0)) {
        mm1__metric_spawn_on(actor, behaviour);
    }
}

static inline void mm1__metric_exit(struct mm1_actor *actor, const struct mm1_reason *reason)
{
    mm1__actor_add(actor, mm1_reason_is_clean(reason) ? MM1__EXITS_NORMAL : MM1__EXITS_ABNORMAL);
}

static inline void mm1__metric_turn(struct mm1_actor *actor)
{
    mm1__actor_add(actor, MM1__TURNS);
}

/* A message is handed to a behaviour. */
static inline void mm1__metric_receive(struct mm1_actor *actor)
{
    mm1__actor_add(actor, MM1__RECEIVED);
}

/* A message did not get into an inbox; MM1_NOPROC: nobody was there. */
void mm1__metric_unsent_on(struct mm1_node *node, mm1_status status);
static inline void mm1__metric_unsent(struct mm1_node *node, mm1_status status)
{
    if (__builtin_expect(node->metrics != NULL, 0)) {
        mm1__metric_unsent_on(node, status);
    }
}

/* --- for metrics_text.c --------------------------------------------------------------------------------------- */

/* Upper bounds of the buckets, in ns. */
extern const uint64_t mm1__bucket_ns[MM1__BUCKETS];
/* Whether the text has a metric of that name of its own. */
bool mm1__metric_is_own(const char *name);
void mm1__metrics_lock(struct mm1__metrics *metrics);
void mm1__metrics_unlock(struct mm1__metrics *metrics);

#endif
