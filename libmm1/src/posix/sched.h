/* The scheduler port on threads. */
#ifndef MM1_POSIX_SCHED_H
#define MM1_POSIX_SCHED_H

#include <pthread.h>

#include <mm1/sched.h>
#include <mm1/status.h>

struct mm1_node;

struct mm1__posix_sched {
    struct mm1_sched base;
    struct mm1_alloc *alloc;
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct mm1_runnable *first; /* the ready queue */
    struct mm1_runnable **last;
    unsigned waiting; /* workers that wait for work */
    bool stopping;
    struct mm1_node *watched; /* whose main is waited for; null: nobody waits */
    int wake_fd;              /* eventfd, written once `watched` has ended its main */
    pthread_t *threads;
    unsigned started;
    unsigned capacity;
};

/* Starts `threads` > 0 workers. `wake_fd` is borrowed. MM1_NOMEM; MM1_RESOURCE: no thread. */
MM1_NODISCARD mm1_status mm1__posix_sched_open(struct mm1__posix_sched *sched,
                                               struct mm1_alloc *alloc, unsigned threads,
                                               int wake_fd);
/* From now on `wake_fd` is written when a turn has ended the main of `node`. What ended before the call is the
 * caller's to check, after it. */
void mm1__posix_sched_watch(struct mm1__posix_sched *sched, struct mm1_node *node);
/* Lets running turns end, and ends the workers. What is ready then, or becomes ready later, is never run. */
void mm1__posix_sched_stop(struct mm1__posix_sched *sched);
/* Frees what is left; touches no runnable. Stops first where that was not done. */
void mm1__posix_sched_close(struct mm1__posix_sched *sched);

#endif
