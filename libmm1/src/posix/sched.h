/* The scheduler port on threads: pools of workers, each with a queue of its own. */
#ifndef MM1_POSIX_SCHED_H
#define MM1_POSIX_SCHED_H

#include <pthread.h>

#include <mm1/posix.h>
#include <mm1/sched.h>
#include <mm1/status.h>

struct mm1__posix_pool;

/* A thread that gives turns. */
struct mm1__posix_worker {
    struct mm1__posix_pool *pool;
    pthread_t thread;
    /* Whom it runs next; atomic. Only the worker fills it, anybody may take it out. */
    struct mm1_runnable *next;
    unsigned turns; /* it gave since it last looked what the others would run next */
    bool looking;   /* at the node that is watched; atomic */
    /* Of the actor that has its turns now, held; null: none has, or nobody asks. Under the pool's lock. */
    struct mm1_path *path;
    /* Atomic, written by the worker alone: it changes before and after each turn. */
    uint64_t beats;
    /* The watchdog's: since when it has seen the same beat, and whose turn it has reported. */
    uint64_t seen_beats;
    uint64_t seen_since_ns;
    struct mm1_path *reported;
    unsigned char apart[64]; /* from the next worker's beats */
};

struct mm1__posix_pool {
    struct mm1__posix_sched *sched;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct mm1_runnable *first; /* the ready queue */
    struct mm1_runnable **last;
    unsigned waiting; /* workers that wait for work; atomic, written under the lock */
    bool stopping;    /* atomic, written under the lock */
    /* Whose main is waited for; null: nobody waits. Atomic, written under the lock. */
    struct mm1_node *watched;
    struct mm1__posix_worker *workers;
    unsigned started;
    unsigned capacity;
};

struct mm1__posix_sched {
    struct mm1_sched base;
    struct mm1_alloc *alloc;
    int wake_fd; /* eventfd, written once a watched node has ended its main */
    struct mm1__posix_pool *pools;
    size_t pool_count;
    size_t pool_capacity;
    bool publishes; /* the workers say whose turn it is */
    /* The watchdog; see posix/watchdog.h. */
    struct mm1_trace *trace;
    uint64_t limit_ns; /* 0: there is none */
    pthread_t watchdog;
    pthread_mutex_t watchdog_lock;
    pthread_cond_t watchdog_wake;
    bool watchdog_running;
    bool watchdog_stopping;
};

/* Starts the workers of `count` > 0 pools; each has at least one. `wake_fd` is borrowed. `limit_ns` not 0: a turn that
 * takes longer is reported to `trace`, which is borrowed. MM1_NOMEM; MM1_RESOURCE: no thread. */
MM1_NODISCARD mm1_status mm1__posix_sched_open(struct mm1__posix_sched *sched,
                                               struct mm1_alloc *alloc,
                                               const struct mm1_posix_pool *pools, size_t count,
                                               int wake_fd, struct mm1_trace *trace,
                                               uint64_t limit_ns);
/* From now on `wake_fd` is written when a turn has ended the main of `node`. What ended before the call is the
 * caller's to check, after it. */
void mm1__posix_sched_watch(struct mm1__posix_sched *sched, struct mm1_node *node);
/* A number that is another one once a turn has begun. Any thread. */
uint64_t mm1__posix_sched_beats(const struct mm1__posix_sched *sched);
/* The path of one of the actors whose turn is running, held for the caller; null: no turn is, or there is no watchdog.
 * Any thread. */
struct mm1_path *mm1__posix_sched_running(struct mm1__posix_sched *sched);
/* Lets running turns end, and ends the workers. What is ready then, or becomes ready later, is never run. */
void mm1__posix_sched_stop(struct mm1__posix_sched *sched);
/* Frees what is left; touches no runnable. Stops first where that was not done. */
void mm1__posix_sched_close(struct mm1__posix_sched *sched);

#endif
