/* The watchdog of turns. */
#include <stdio.h>
#include <time.h>

#include "posix/clock.h"
#include "posix/thread.h"
#include "posix/watchdog.h"

#define PERIOD_MAX_NS (500 * MM1_NS_PER_MS)
#define PERIOD_MIN_NS MM1_NS_PER_MS
#define DURATION_MAX 32

/* In seconds where they are whole, else in milliseconds. */
static void print_duration(uint64_t ns, char out[DURATION_MAX])
{
    if (ns >= MM1_NS_PER_SEC && ns % MM1_NS_PER_SEC == 0) {
        (void)snprintf(out, DURATION_MAX, "%llu s", (unsigned long long)(ns / MM1_NS_PER_SEC));
    } else {
        (void)snprintf(out, DURATION_MAX, "%llu ms", (unsigned long long)(ns / MM1_NS_PER_MS));
    }
}

static void report(const struct mm1__posix_sched *sched, const struct mm1_path *path,
                   const char *what, uint64_t ns)
{
    char name[MM1_PATH_TEXT_MAX];
    char duration[DURATION_MAX];
    char text[MM1_PATH_TEXT_MAX + 64];
    (void)mm1_path_print(path, name);
    print_duration(ns, duration);
    (void)snprintf(text, sizeof(text), "turn of %s %s %s", name, what, duration);
    const struct mm1_event event = {
        .kind = MM1_EVENT_LOG, .actor = path, .number = MM1_LOG_WARN, .text = mm1_text_of(text)};
    (void)sched->trace->ops->emit(sched->trace, &event);
}

/* Whose turn it is, held; null when the worker has gone on since `beats`. */
static struct mm1_path *stuck_path(struct mm1__posix_worker *worker, uint64_t beats)
{
    struct mm1_path *path = NULL;
    pthread_mutex_lock(&worker->pool->lock);
    if (worker->path != NULL && __atomic_load_n(&worker->beats, __ATOMIC_RELAXED) == beats) {
        path = mm1_path_hold(worker->path);
    }
    pthread_mutex_unlock(&worker->pool->lock);
    return path;
}

static void look(const struct mm1__posix_sched *sched, struct mm1__posix_worker *worker,
                 uint64_t now_ns)
{
    uint64_t beats = __atomic_load_n(&worker->beats, __ATOMIC_RELAXED);
    uint64_t elapsed_ns = now_ns - worker->seen_since_ns;
    if (beats == worker->seen_beats) {
        if (elapsed_ns < sched->limit_ns || worker->reported != NULL) {
            return;
        }
        worker->reported = stuck_path(worker, beats);
        if (worker->reported != NULL) {
            report(sched, worker->reported, "has run for", sched->limit_ns);
        }
        return;
    }
    if (worker->reported != NULL) {
        report(sched, worker->reported, "has ended after", elapsed_ns - elapsed_ns % MM1_NS_PER_MS);
        mm1_path_drop(worker->reported);
        worker->reported = NULL;
    }
    worker->seen_beats = beats;
    worker->seen_since_ns = now_ns;
}

static void look_at_all(const struct mm1__posix_sched *sched)
{
    uint64_t now_ns = mm1__posix_monotonic();
    for (size_t i = 0; i < sched->pool_count; i++) {
        const struct mm1__posix_pool *pool = &sched->pools[i];
        for (unsigned j = 0; j < pool->capacity; j++) {
            look(sched, &pool->workers[j], now_ns);
        }
    }
}

static void *watch(void *arg)
{
    struct mm1__posix_sched *sched = arg;
    uint64_t period_ns = sched->limit_ns / 4;
    period_ns = period_ns > PERIOD_MAX_NS ? PERIOD_MAX_NS : period_ns;
    period_ns = period_ns < PERIOD_MIN_NS ? PERIOD_MIN_NS : period_ns;
    pthread_mutex_lock(&sched->watchdog_lock);
    while (!sched->watchdog_stopping) {
        uint64_t until_ns = mm1__posix_monotonic() + period_ns;
        const struct timespec until = {.tv_sec = (time_t)(until_ns / MM1_NS_PER_SEC),
                                       .tv_nsec = (long)(until_ns % MM1_NS_PER_SEC)};
        (void)pthread_cond_timedwait(&sched->watchdog_wake, &sched->watchdog_lock, &until);
        pthread_mutex_unlock(&sched->watchdog_lock);
        look_at_all(sched);
        pthread_mutex_lock(&sched->watchdog_lock);
    }
    pthread_mutex_unlock(&sched->watchdog_lock);
    return NULL;
}

mm1_status mm1__watchdog_start(struct mm1__posix_sched *sched)
{
    if (sched->limit_ns == 0) {
        return MM1_OK;
    }
    MM1_TRY(mm1__thread_start(&sched->watchdog, "mm1-watchdog", watch, sched));
    sched->watchdog_running = true;
    return MM1_OK;
}

void mm1__watchdog_stop(struct mm1__posix_sched *sched)
{
    if (!sched->watchdog_running) {
        return;
    }
    pthread_mutex_lock(&sched->watchdog_lock);
    sched->watchdog_stopping = true;
    pthread_cond_signal(&sched->watchdog_wake);
    pthread_mutex_unlock(&sched->watchdog_lock);
    MM1_CHECK(pthread_join(sched->watchdog, NULL) == 0);
    sched->watchdog_running = false;
    for (size_t i = 0; i < sched->pool_count; i++) {
        for (unsigned j = 0; j < sched->pools[i].capacity; j++) {
            mm1_path_drop(sched->pools[i].workers[j].reported);
            sched->pools[i].workers[j].reported = NULL;
        }
    }
}
