/* The scheduler port: pools, each with one ready queue under a mutex and N workers. Whoever is taken from it gets a
 * budget of turns, then goes to the tail, so that nobody starves.
 *
 * Whom a turn makes ready its own worker runs next, without the queue and its lock: one at a time, out of the same
 * budget, and only while no other worker waits for work. Others may take it away: those that run out of work, and now
 * and then those that do not, lest it waits for a turn that takes long. */
#include <sched.h>
#include <unistd.h>

#include <mm1/alloc.h>
#include <mm1/node.h>

#include "posix/fault.h"
#include "posix/sched.h"
#include "posix/thread.h"
#include "posix/watchdog.h"

#define TURNS_BUDGET 64

/* The worker that this thread is; null: none. */
__attribute__((tls_model("initial-exec"))) static _Thread_local struct mm1__posix_worker *here;

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

static struct mm1_runnable *take_next(struct mm1__posix_worker *worker)
{
    if (__atomic_load_n(&worker->next, __ATOMIC_SEQ_CST) == NULL) {
        return NULL;
    }
    return __atomic_exchange_n(&worker->next, NULL, __ATOMIC_ACQ_REL);
}

/* Leaves it to this worker to run it next. False: it belongs in the queue. */
static bool leave_next(struct mm1__posix_worker *worker, struct mm1_runnable *runnable)
{
    if (__atomic_load_n(&worker->next, __ATOMIC_RELAXED) != NULL) {
        return false;
    }
    /* Who waits counts itself before it looks here. */
    __atomic_store_n(&worker->next, runnable, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&worker->pool->waiting, __ATOMIC_SEQ_CST) == 0 ||
           take_next(worker) == NULL;
}

/* Lines up what the workers of a pool would run next. With the lock held. */
static void collect_next(struct mm1__posix_pool *pool)
{
    for (unsigned i = 0; i < pool->capacity; i++) {
        struct mm1_runnable *runnable = take_next(&pool->workers[i]);
        if (runnable != NULL) {
            enqueue(pool, runnable);
        }
    }
}

static void ready(struct mm1_sched *self, struct mm1_runnable *runnable)
{
    struct mm1__posix_sched *sched = of(self);
    MM1_CHECK(runnable->pool < sched->pool_count);
    struct mm1__posix_pool *pool = &sched->pools[runnable->pool];
    if (here != NULL && here->pool == pool && leave_next(here, runnable)) {
        return;
    }
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

/* Says whose turn comes, where somebody asks; null: nobody's. With the lock held. */
static void publish(struct mm1__posix_worker *worker, const struct mm1_runnable *runnable)
{
    const struct mm1_path *path = runnable == NULL ? NULL : mm1_runnable_path(runnable);
    mm1_path_drop(worker->path);
    worker->path = NULL;
    if (path != NULL) { /* who is dead already, and was woken once more, has none */
        /* Held, since the actor may be gone with its last turn while somebody still reads the path. */
        worker->path = mm1_path_hold((struct mm1_path *)(uintptr_t)path);
    }
}

/* Waits until somebody is ready, or the workers shall end. With the lock held. */
static void wait_for_work(struct mm1__posix_pool *pool)
{
    (void)__atomic_fetch_add(&pool->waiting, 1, __ATOMIC_SEQ_CST);
    collect_next(pool);
    while (pool->first == NULL && !pool->stopping) {
        pthread_cond_wait(&pool->work, &pool->lock);
    }
    (void)__atomic_fetch_sub(&pool->waiting, 1, __ATOMIC_SEQ_CST);
}

/* The next to run, or null when the workers shall end. With the lock held. */
static struct mm1_runnable *dequeue(struct mm1__posix_worker *worker)
{
    struct mm1__posix_pool *pool = worker->pool;
    if (worker->turns >= TURNS_BUDGET) {
        worker->turns = 0;
        collect_next(pool);
    }
    if (pool->first == NULL) {
        wait_for_work(pool);
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
    if (pool->sched->publishes) {
        publish(worker, runnable);
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

/* Tells who waits for the end of a main, when it has come. */
static void look_for_end(struct mm1__posix_worker *worker)
{
    struct mm1__posix_pool *pool = worker->pool;
    struct mm1_reason reason;
    if (__atomic_load_n(&pool->watched, __ATOMIC_SEQ_CST) == NULL) {
        return;
    }
    __atomic_store_n(&worker->looking, true, __ATOMIC_SEQ_CST);
    struct mm1_node *watched = __atomic_load_n(&pool->watched, __ATOMIC_SEQ_CST);
    /* Not under the lock: the node may have locks of its own, under which it calls ready. */
    if (watched != NULL && mm1_node_main_ended(watched, &reason)) {
        pthread_mutex_lock(&pool->lock);
        if (pool->watched == watched) {
            __atomic_store_n(&pool->watched, NULL, __ATOMIC_SEQ_CST);
            wake_waiter(pool->sched);
        }
        pthread_mutex_unlock(&pool->lock);
    }
    __atomic_store_n(&worker->looking, false, __ATOMIC_RELEASE);
}

/* Gives turns to `runnable` until it rests, then to whom they made ready, and so on. Returns who is still ready. */
static struct mm1_runnable *give_turns(struct mm1__posix_worker *worker,
                                       struct mm1_runnable *runnable)
{
    struct mm1__posix_pool *pool = worker->pool;
    mm1__fault_running(runnable);
    for (unsigned turns = 0; turns < TURNS_BUDGET && runnable != NULL; turns++) {
        enum mm1_turn turn = mm1_runnable_turn(runnable);
        worker->turns++;
        beat(worker);
        if (turn == MM1_TURN_MORE) {
            continue;
        }
        bool stopping = __atomic_load_n(&pool->stopping, __ATOMIC_RELAXED);
        runnable = stopping ? NULL : take_next(worker);
        mm1__fault_running(runnable);
        look_for_end(worker);
        if (pool->sched->publishes) {
            pthread_mutex_lock(&pool->lock);
            publish(worker, runnable);
            pthread_mutex_unlock(&pool->lock);
        }
    }
    mm1__fault_running(NULL);
    return runnable;
}

static void *work(void *arg)
{
    struct mm1__posix_worker *worker = arg;
    struct mm1__posix_pool *pool = worker->pool;
    struct mm1_runnable *runnable;
    mm1__fault_thread_begin();
    here = worker;
    pthread_mutex_lock(&pool->lock);
    while ((runnable = dequeue(worker)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        runnable = give_turns(worker, runnable);
        pthread_mutex_lock(&pool->lock);
        publish(worker, NULL);
        struct mm1_runnable *next = take_next(worker);
        if (next != NULL) {
            enqueue(pool, next);
        }
        if (runnable != NULL) { /* its budget is used up */
            enqueue(pool, runnable);
        }
    }
    pthread_mutex_unlock(&pool->lock);
    here = NULL;
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

/* Who looks at the one that was watched is about to be done; after that it may be closed. */
static void await_lookers(const struct mm1__posix_pool *pool)
{
    for (unsigned i = 0; i < pool->capacity; i++) {
        while (__atomic_load_n(&pool->workers[i].looking, __ATOMIC_SEQ_CST)) {
            (void)sched_yield();
        }
    }
}

void mm1__posix_sched_watch(struct mm1__posix_sched *sched, struct mm1_node *node)
{
    for (size_t i = 0; i < sched->pool_count; i++) {
        pthread_mutex_lock(&sched->pools[i].lock);
        __atomic_store_n(&sched->pools[i].watched, node, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&sched->pools[i].lock);
        await_lookers(&sched->pools[i]);
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
        __atomic_store_n(&sched->pools[i].stopping, true, __ATOMIC_RELAXED);
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
