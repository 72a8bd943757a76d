/* The scheduler port: one ready queue under a mutex, N workers. Whoever is taken from the queue gets a budget of turns,
 * then goes to the tail, so that nobody starves. */
#include <unistd.h>

#include <mm1/alloc.h>
#include <mm1/node.h>

#include "posix/sched.h"
#include "posix/thread.h"

#define TURNS_BUDGET 64

static struct mm1__posix_sched *of(struct mm1_sched *self)
{
    return MM1_CONTAINER_OF(self, struct mm1__posix_sched, base);
}

/* With the lock held. */
static void enqueue(struct mm1__posix_sched *sched, struct mm1_runnable *runnable)
{
    runnable->next = NULL;
    *sched->last = runnable;
    sched->last = &runnable->next;
    if (sched->waiting > 0) {
        pthread_cond_signal(&sched->work);
    }
}

static void ready(struct mm1_sched *self, struct mm1_runnable *runnable)
{
    struct mm1__posix_sched *sched = of(self);
    pthread_mutex_lock(&sched->lock);
    enqueue(sched, runnable);
    pthread_mutex_unlock(&sched->lock);
}

static bool effect(struct mm1_sched *self, struct mm1_runnable *runnable,
                   const struct mm1_effect *effect, struct mm1_answer *answer)
{
    (void)self;
    (void)runnable;
    (void)effect;
    (void)answer;
    return true;
}

static bool hold(struct mm1_sched *self, struct mm1_node *node, void *signal, mm1_addr from,
                 mm1_addr to)
{
    (void)self;
    (void)node;
    (void)signal;
    (void)from;
    (void)to;
    return false;
}

static const struct mm1_sched_ops OPS = {
    .name = "posix",
    .ready = ready,
    .effect = effect,
    .hold = hold,
};

/* The next to run, or null when the workers shall end. With the lock held. */
static struct mm1_runnable *dequeue(struct mm1__posix_sched *sched)
{
    while (sched->first == NULL && !sched->stopping) {
        sched->waiting++;
        pthread_cond_wait(&sched->work, &sched->lock);
        sched->waiting--;
    }
    if (sched->stopping) {
        return NULL;
    }
    struct mm1_runnable *runnable = sched->first;
    sched->first = runnable->next;
    if (sched->first == NULL) {
        sched->last = &sched->first;
    }
    return runnable;
}

static void wake_waiter(const struct mm1__posix_sched *sched)
{
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the waiter is awake. */
    ssize_t written = write(sched->wake_fd, &one, sizeof(one));
    (void)written;
}

static void *work(void *arg)
{
    struct mm1__posix_sched *sched = arg;
    pthread_mutex_lock(&sched->lock);
    for (;;) {
        struct mm1_runnable *runnable = dequeue(sched);
        if (runnable == NULL) {
            break;
        }
        pthread_mutex_unlock(&sched->lock);
        enum mm1_turn turn = MM1_TURN_MORE;
        for (unsigned turns = 0; turns < TURNS_BUDGET && turn == MM1_TURN_MORE; turns++) {
            turn = mm1_runnable_turn(runnable);
        }
        pthread_mutex_lock(&sched->lock);
        if (turn == MM1_TURN_MORE) {
            enqueue(sched, runnable);
            continue;
        }
        struct mm1_node *watched = sched->watched;
        if (watched != NULL) {
            /* Not under the lock: the node may have locks of its own, under which it calls ready. */
            pthread_mutex_unlock(&sched->lock);
            struct mm1_reason reason;
            bool ended = mm1_node_main_ended(watched, &reason);
            pthread_mutex_lock(&sched->lock);
            if (ended && sched->watched == watched) {
                sched->watched = NULL;
                wake_waiter(sched);
            }
        }
    }
    pthread_mutex_unlock(&sched->lock);
    return NULL;
}

mm1_status mm1__posix_sched_open(struct mm1__posix_sched *sched, struct mm1_alloc *alloc,
                                 unsigned threads, int wake_fd)
{
    MM1_CHECK(threads > 0);
    *sched = (struct mm1__posix_sched){.base.ops = &OPS, .alloc = alloc, .wake_fd = wake_fd};
    sched->last = &sched->first;
    sched->threads = mm1_take(alloc, threads * sizeof(*sched->threads));
    if (sched->threads == NULL) {
        return MM1_NOMEM;
    }
    sched->capacity = threads;
    MM1_CHECK(pthread_mutex_init(&sched->lock, NULL) == 0);
    MM1_CHECK(pthread_cond_init(&sched->work, NULL) == 0);
    while (sched->started < threads) {
        mm1_status status =
            mm1__thread_start(&sched->threads[sched->started], "mm1-worker", work, sched);
        if (status != MM1_OK) {
            mm1__posix_sched_close(sched);
            return status;
        }
        sched->started++;
    }
    return MM1_OK;
}

void mm1__posix_sched_watch(struct mm1__posix_sched *sched, struct mm1_node *node)
{
    pthread_mutex_lock(&sched->lock);
    sched->watched = node;
    pthread_mutex_unlock(&sched->lock);
}

void mm1__posix_sched_stop(struct mm1__posix_sched *sched)
{
    pthread_mutex_lock(&sched->lock);
    sched->stopping = true;
    pthread_cond_broadcast(&sched->work);
    pthread_mutex_unlock(&sched->lock);
    while (sched->started > 0) {
        MM1_CHECK(pthread_join(sched->threads[--sched->started], NULL) == 0);
    }
}

void mm1__posix_sched_close(struct mm1__posix_sched *sched)
{
    mm1__posix_sched_stop(sched);
    mm1_give(sched->alloc, sched->threads, sched->capacity * sizeof(*sched->threads));
    sched->threads = NULL;
    MM1_CHECK(pthread_cond_destroy(&sched->work) == 0);
    MM1_CHECK(pthread_mutex_destroy(&sched->lock) == 0);
}
