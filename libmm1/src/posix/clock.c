/* The clock port: armed timers stand in an intrusive tree under one mutex, so that arming needs no memory; one thread
 * waits for the first of them. */
#include <string.h>
#include <time.h>

#include "posix/clock.h"
#include "posix/thread.h"

/* A wait is never longer than this: far due times need no care about the kernel's limits. */
#define WAIT_MAX_NS (60 * MM1_NS_PER_SEC)

/* What an armed timer keeps in mm1_timer.port. */
struct armed {
    struct mm1_tree_node node;
    uint64_t seq;
};

_Static_assert(sizeof(struct armed) <= sizeof(((struct mm1_timer *)0)->port),
               "fits into the timer");

static struct mm1__posix_clock *of(struct mm1_clock *self)
{
    return MM1_CONTAINER_OF(self, struct mm1__posix_clock, base);
}

static struct armed *armed_of(struct mm1_timer *timer)
{
    return (struct armed *)(void *)timer->port;
}

static struct mm1_timer *timer_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1_timer, port);
}

static int compare(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    uint64_t due_a = timer_of(a)->due_ns;
    uint64_t due_b = timer_of(b)->due_ns;
    if (due_a != due_b) {
        return due_a < due_b ? -1 : 1;
    }
    uint64_t seq_a = armed_of(timer_of(a))->seq;
    uint64_t seq_b = armed_of(timer_of(b))->seq;
    return (seq_a > seq_b) - (seq_a < seq_b);
}

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    MM1_CHECK(clock_gettime(id, &now) == 0);
    return (uint64_t)now.tv_sec * MM1_NS_PER_SEC + (uint64_t)now.tv_nsec;
}

uint64_t mm1__posix_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t mm1__posix_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

static uint64_t monotonic(struct mm1_clock *self)
{
    (void)self;
    return mm1__posix_monotonic();
}

static uint64_t wall(struct mm1_clock *self)
{
    (void)self;
    return mm1__posix_wall();
}

static void arm(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct mm1__posix_clock *clock = of(self);
    pthread_mutex_lock(&clock->lock);
    memset(timer->port, 0, sizeof(timer->port));
    struct armed *armed = armed_of(timer);
    armed->seq = clock->next_seq++;
    MM1_CHECK(mm1_tree_insert(&clock->timers, &armed->node) == NULL);
    /* One that was the first and is cancelled leaves the thread waiting for its time: who arms a later one in its
     * place, as each question does, wakes nobody. */
    if (timer->due_ns < clock->wakes_ns) {
        clock->wakes_ns = 0;
        pthread_cond_signal(&clock->changed);
    }
    pthread_mutex_unlock(&clock->lock);
}

static bool cancel(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct mm1__posix_clock *clock = of(self);
    pthread_mutex_lock(&clock->lock);
    struct armed *armed = armed_of(timer);
    bool was_armed = mm1_tree_linked(&armed->node);
    if (was_armed) {
        mm1_tree_remove(&clock->timers, &armed->node);
    }
    pthread_mutex_unlock(&clock->lock);
    return was_armed;
}

static uint64_t next_due(struct mm1_clock *self)
{
    struct mm1__posix_clock *clock = of(self);
    uint64_t due_ns = UINT64_MAX;
    pthread_mutex_lock(&clock->lock);
    const struct mm1_tree_node *node = mm1_tree_first(&clock->timers);
    while (node != NULL && timer_of(node)->background) {
        node = mm1_tree_next(node);
    }
    if (clock->firing) {
        due_ns = 0;
    } else if (node != NULL) {
        due_ns = timer_of(node)->due_ns;
    }
    pthread_mutex_unlock(&clock->lock);
    return due_ns;
}

static const struct mm1_clock_ops OPS = {
    .name = "posix",
    .monotonic = monotonic,
    .wall = wall,
    .arm = arm,
    .cancel = cancel,
    .next_due = next_due,
};

/* Waits until something changed or `due_ns`; with the lock held. */
static void wait_until(struct mm1__posix_clock *clock, uint64_t now_ns, uint64_t due_ns)
{
    uint64_t until_ns = due_ns - now_ns > WAIT_MAX_NS ? now_ns + WAIT_MAX_NS : due_ns;
    struct timespec until = {.tv_sec = (time_t)(until_ns / MM1_NS_PER_SEC),
                             .tv_nsec = (long)(until_ns % MM1_NS_PER_SEC)};
    clock->wakes_ns = until_ns;
    (void)pthread_cond_timedwait(&clock->changed, &clock->lock, &until);
    clock->wakes_ns = 0;
}

/* As above, without an end. */
static void wait(struct mm1__posix_clock *clock)
{
    clock->wakes_ns = UINT64_MAX;
    (void)pthread_cond_wait(&clock->changed, &clock->lock);
    clock->wakes_ns = 0;
}

static void *fire_timers(void *arg)
{
    struct mm1__posix_clock *clock = arg;
    pthread_mutex_lock(&clock->lock);
    while (!clock->stopping) {
        struct mm1_tree_node *first = mm1_tree_first(&clock->timers);
        if (first == NULL) {
            wait(clock);
            continue;
        }
        struct mm1_timer *timer = timer_of(first);
        uint64_t now_ns = mm1__posix_monotonic();
        if (timer->due_ns > now_ns) {
            wait_until(clock, now_ns, timer->due_ns);
            continue;
        }
        /* Out of the tree under the lock: from here on cancel says false. After fire the timer is not ours. */
        mm1_tree_remove(&clock->timers, first);
        clock->firing = !timer->background;
        pthread_mutex_unlock(&clock->lock);
        timer->fire(timer);
        pthread_mutex_lock(&clock->lock);
        clock->firing = false;
    }
    pthread_mutex_unlock(&clock->lock);
    return NULL;
}

mm1_status mm1__posix_clock_open(struct mm1__posix_clock *clock)
{
    *clock = (struct mm1__posix_clock){.base.ops = &OPS, .timers = MM1_TREE(compare)};
    pthread_condattr_t attributes;
    MM1_CHECK(pthread_condattr_init(&attributes) == 0);
    MM1_CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    MM1_CHECK(pthread_cond_init(&clock->changed, &attributes) == 0);
    MM1_CHECK(pthread_condattr_destroy(&attributes) == 0);
    MM1_CHECK(pthread_mutex_init(&clock->lock, NULL) == 0);
    mm1_status status = mm1__thread_start(&clock->thread, "mm1-clock", fire_timers, clock);
    if (status != MM1_OK) {
        mm1__posix_clock_close(clock);
        return status;
    }
    clock->running = true;
    return MM1_OK;
}

void mm1__posix_clock_stop(struct mm1__posix_clock *clock)
{
    if (!clock->running) {
        return;
    }
    pthread_mutex_lock(&clock->lock);
    clock->stopping = true;
    pthread_cond_signal(&clock->changed);
    pthread_mutex_unlock(&clock->lock);
    MM1_CHECK(pthread_join(clock->thread, NULL) == 0);
    clock->running = false;
}

void mm1__posix_clock_close(struct mm1__posix_clock *clock)
{
    mm1__posix_clock_stop(clock);
    MM1_CHECK(mm1_tree_count(&clock->timers) == 0);
    MM1_CHECK(pthread_cond_destroy(&clock->changed) == 0);
    MM1_CHECK(pthread_mutex_destroy(&clock->lock) == 0);
}
