/* The scheduler port: pools, each with one ready queue under a mutex and N workers. Whoever is taken from it gets a
 * budget of turns, then goes to the tail, so that nobody starves. */
#include <sched.h>
#include <unistd.h>

#include <mm1/alloc.h>
#include <mm1/node.h>

#include "posix/fault.h"
#include "posix/sched.h"
#include "posix/thread.h"
#include "posix/watchdog.h"

#define TURNS_BUDGET 64

static struct mm1__posix_sched *of(struct mm1_sched *self)
{
    return MM1_CONTAINER_OF(self, struct mm1__posix_sched, base);
}

/* With the lock held. */
static void enqueue(struct mm1__posix_pool *pool, struct mm1_runnable *runnable)
{
    runnable->next = NULL;
    *pool->last = runnable;
    pool->last = &runnable->next;
    if (pool->waiting > 0) {
        pthread_cond_signal(&pool->work);
    }
}

static void ready(struct mm1_sched *self, struct mm1_runnable *runnable)
{
    struct mm1__posix_sched *sched = of(self);
    MM1_CHECK(runnable->pool < sched->pool_count);
    struct mm1__posix_pool *pool = &sched->pools[runnable->pool];
    pthread_mutex_lock(&pool->lock);
    enqueue(pool, runnable);
    pthread_mutex_unlock(&pool->lock);
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

/* --- workers -------------------------------------------------------------------------------------------------- */

/* Only this thread writes it: nothing is locked. Whoever sees what a turn did sees its beat too. */
static void beat(struct mm1__posix_worker *worker)
{
    uint64_t beats = __atomic_load_n(&worker->beats, __ATOMIC_RELAXED);
    __atomic_store_n(&worker->beats, beats + 1, __ATOMIC_RELEASE);
}

/* The next to run, or null when the workers shall end. With the lock held. */
static struct mm1_runnable *dequeue(struct mm1__posix_worker *worker)
{
    struct mm1__posix_pool *pool = worker->pool;
    while (pool->first == NULL && !pool->stopping) {
        pool->waiting++;
        pthread_cond_wait(&pool->work, &pool->lock);
        pool->waiting--;
    }
    if (pool->stopping) {
        return NULL;
    }
    struct mm1_runnable *runnable = pool->first;
    pool->first = runnable->next;
    if (pool->first == NULL) {
        pool->last = &pool->first;
    }
    beat(worker); /* before the path is seen: the wait was no turn */
    const struct mm1_path *path = pool->sched->publishes ? mm1_runnable_path(runnable) : NULL;
    if (path != NULL) { /* who is dead already, and was woken once more, has none */
        /* Held, since the actor may be gone with its last turn while somebody still reads the path. */
        worker->path = mm1_path_hold((struct mm1_path *)(uintptr_t)path);
    }
    return runnable;
}

static enum mm1_turn give_turns(struct mm1__posix_worker *worker, struct mm1_runnable *runnable)
{
    enum mm1_turn turn = MM1_TURN_MORE;
    mm1__fault_running(runnable);
    for (unsigned turns = 0; turns < TURNS_BUDGET && turn == MM1_TURN_MORE; turns++) {
        turn = mm1_runnable_turn(runnable);
        beat(worker);
    }
    mm1__fault_running(NULL);
    return turn;
}

static void wake_waiter(const struct mm1__posix_sched *sched)
{
    uint64_t one = 1;
    /* It can only fail when the counter is full, and then the waiter is awake. */
    ssize_t written = write(sched->wake_fd, &one, sizeof(one));
    (void)written;
}

/* Tells who waits for the end of a main, when it has come. With the lock held. */
static void look_for_end(struct mm1__posix_pool *pool)
{
    struct mm1_node *watched = pool->watched;
    if (watched == NULL) {
        return;
    }
    /* Not under the lock: the node may have locks of its own, under which it calls ready. */
    pool->looking++;
    pthread_mutex_unlock(&pool->lock);
    struct mm1_reason reason;
    bool ended = mm1_node_main_ended(watched, &reason);
    pthread_mutex_lock(&pool->lock);
    pool->looking--;
    if (ended && pool->watched == watched) {
        pool->watched = NULL;
        wake_waiter(pool->sched);
    }
}

static void *work(void *arg)
{
    struct mm1__posix_worker *worker = arg;
    struct mm1__posix_pool *pool = worker->pool;
    mm1__fault_thread_begin();
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct mm1_runnable *runnable = dequeue(worker);
        if (runnable == NULL) {
            break;
        }
        pthread_mutex_unlock(&pool->lock);
        enum mm1_turn turn = give_turns(worker, runnable);
        pthread_mutex_lock(&pool->lock);
        mm1_path_drop(worker->path);
        worker->path = NULL;
        if (turn == MM1_TURN_MORE) {
            enqueue(pool, runnable);
        } else {
            look_for_end(pool);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    mm1__fault_thread_end();
    return NULL;
}

/* --- life ----------------------------------------------------------------------------------------------------- */

static mm1_status pool_open(struct mm1__posix_sched *sched, struct mm1__posix_pool *pool,
                            unsigned threads)
{
    MM1_CHECK(threads > 0);
    *pool = (struct mm1__posix_pool){.sched = sched};
    pool->last = &pool->first;
    MM1_CHECK(pthread_mutex_init(&pool->lock, NULL) == 0);
    MM1_CHECK(pthread_cond_init(&pool->work, NULL) == 0);
    pool->workers = mm1_take_zero(sched->alloc, threads * sizeof(*pool->workers));
    if (pool->workers == NULL) {
        return MM1_NOMEM;
    }
    pool->capacity = threads;
    for (unsigned i = 0; i < threads; i++) {
        pool->workers[i].pool = pool;
    }
    return MM1_OK;
}

static mm1_status pool_start(struct mm1__posix_pool *pool, const struct mm1_posix_pool *options)
{
    const char *name = options->name == NULL ? "mm1-worker" : options->name;
    while (pool->started < pool->capacity) {
        struct mm1__posix_worker *worker = &pool->workers[pool->started];
        MM1_TRY(mm1__thread_start_sized(&worker->thread, name, options->stack_size, work, worker));
        pool->started++;
    }
    return MM1_OK;
}

/* All queues are there before any actor runs: it may wake one of another pool. */
static mm1_status start(struct mm1__posix_sched *sched, const struct mm1_posix_pool *pools,
                        size_t count)
{
    sched->pools = mm1_take(sched->alloc, count * sizeof(*sched->pools));
    if (sched->pools == NULL) {
        return MM1_NOMEM;
    }
    sched->pool_capacity = count;
    while (sched->pool_count < count) {
        struct mm1__posix_pool *pool = &sched->pools[sched->pool_count];
        mm1_status status = pool_open(sched, pool, pools[sched->pool_count].threads);
        sched->pool_count++;
        MM1_TRY(status);
    }
    for (size_t i = 0; i < count; i++) {
        MM1_TRY(pool_start(&sched->pools[i], &pools[i]));
    }
    return mm1__watchdog_start(sched);
}

mm1_status mm1__posix_sched_open(struct mm1__posix_sched *sched, struct mm1_alloc *alloc,
                                 const struct mm1_posix_pool *pools, size_t count, int wake_fd,
                                 struct mm1_trace *trace, uint64_t limit_ns)
{
    pthread_condattr_t attributes;
    MM1_CHECK(count > 0);
    *sched = (struct mm1__posix_sched){.base = {.ops = &OPS, .passes = true},
                                       .alloc = alloc,
                                       .wake_fd = wake_fd,
                                       .trace = trace,
                                       .limit_ns = limit_ns,
                                       .publishes = limit_ns != 0};
    MM1_CHECK(pthread_condattr_init(&attributes) == 0);
    MM1_CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    MM1_CHECK(pthread_cond_init(&sched->watchdog_wake, &attributes) == 0);
    MM1_CHECK(pthread_condattr_destroy(&attributes) == 0);
    MM1_CHECK(pthread_mutex_init(&sched->watchdog_lock, NULL) == 0);
    mm1_status status = start(sched, pools, count);
    if (status != MM1_OK) {
        mm1__posix_sched_close(sched);
    }
    return status;
}

void mm1__posix_sched_watch(struct mm1__posix_sched *sched, struct mm1_node *node)
{
    for (size_t i = 0; i < sched->pool_count; i++) {
        pthread_mutex_lock(&sched->pools[i].lock);
        sched->pools[i].watched = node;
        /* Who looks at the one that was watched is about to be done; after that it may be closed. */
        while (sched->pools[i].looking > 0) {
            pthread_mutex_unlock(&sched->pools[i].lock);
            (void)sched_yield();
            pthread_mutex_lock(&sched->pools[i].lock);
        }
        pthread_mutex_unlock(&sched->pools[i].lock);
    }
}

uint64_t mm1__posix_sched_beats(const struct mm1__posix_sched *sched)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < sched->pool_count; i++) {
        for (unsigned j = 0; j < sched->pools[i].capacity; j++) {
            sum += __atomic_load_n(&sched->pools[i].workers[j].beats, __ATOMIC_ACQUIRE);
        }
    }
    return sum;
}

struct mm1_path *mm1__posix_sched_running(struct mm1__posix_sched *sched)
{
    struct mm1_path *path = NULL;
    for (size_t i = 0; i < sched->pool_count && path == NULL; i++) {
        struct mm1__posix_pool *pool = &sched->pools[i];
        pthread_mutex_lock(&pool->lock);
        for (unsigned j = 0; j < pool->capacity && path == NULL; j++) {
            if (pool->workers[j].path != NULL) {
                path = mm1_path_hold(pool->workers[j].path);
            }
        }
        pthread_mutex_unlock(&pool->lock);
    }
    return path;
}

void mm1__posix_sched_stop(struct mm1__posix_sched *sched)
{
    for (size_t i = 0; i < sched->pool_count; i++) {
        pthread_mutex_lock(&sched->pools[i].lock);
        sched->pools[i].stopping = true;
        pthread_cond_broadcast(&sched->pools[i].work);
        pthread_mutex_unlock(&sched->pools[i].lock);
    }
    for (size_t i = 0; i < sched->pool_count; i++) {
        struct mm1__posix_pool *pool = &sched->pools[i];
        while (pool->started > 0) {
            MM1_CHECK(pthread_join(pool->workers[--pool->started].thread, NULL) == 0);
        }
    }
    mm1__watchdog_stop(sched);
}

void mm1__posix_sched_close(struct mm1__posix_sched *sched)
{
    mm1__posix_sched_stop(sched);
    for (size_t i = 0; i < sched->pool_count; i++) {
        struct mm1__posix_pool *pool = &sched->pools[i];
        mm1_give(sched->alloc, pool->workers, pool->capacity * sizeof(*pool->workers));
        MM1_CHECK(pthread_cond_destroy(&pool->work) == 0);
        MM1_CHECK(pthread_mutex_destroy(&pool->lock) == 0);
    }
    if (sched->pools != NULL) {
        mm1_give(sched->alloc, sched->pools, sched->pool_capacity * sizeof(*sched->pools));
    }
    sched->pools = NULL;
    sched->pool_count = 0;
    MM1_CHECK(pthread_cond_destroy(&sched->watchdog_wake) == 0);
    MM1_CHECK(pthread_mutex_destroy(&sched->watchdog_lock) == 0);
}
