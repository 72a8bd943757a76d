/* The conformance suite of the clock port: MM1_CONFORM_CLOCK(suite, make) stamps it for one implementation. */
#ifndef MM1_CONFORM_CLOCK_H
#define MM1_CONFORM_CLOCK_H

#include <stdint.h>
#include <string.h>

#include "conform.h"
#include "mm1_test.h"

/* --- helpers -------------------------------------------------------------------------------------------------- */

struct conform_timer {
    struct mm1_timer timer;
    struct mm1_clock *clock;
    uint64_t fired_at_ns;
    unsigned fired;   /* atomic */
    unsigned rearm;   /* how often fire arms it again */
    uint64_t step_ns; /* by how much later */
};

static void conform_timer_fire(struct mm1_timer *base)
{
    struct conform_timer *timer = MM1_CONTAINER_OF(base, struct conform_timer, timer);
    timer->fired_at_ns = timer->clock->ops->monotonic(timer->clock);
    bool again = timer->rearm > 0;
    if (again) {
        timer->rearm--;
        timer->timer.due_ns += timer->step_ns;
    }
    /* The last access when it is not armed again: whoever sees the count may look at the rest. */
    (void)__atomic_add_fetch(&timer->fired, 1, __ATOMIC_SEQ_CST);
    if (again) {
        timer->clock->ops->arm(timer->clock, base);
    }
}

static unsigned conform_timer_fired(const struct conform_timer *timer)
{
    return __atomic_load_n(&timer->fired, __ATOMIC_SEQ_CST);
}

static void conform_timer_arm(struct conform_world *w, struct conform_timer *timer, uint64_t due_ns,
                              uint64_t entity)
{
    struct mm1_clock *clock = w->env.clock;
    memset(timer, 0xa5, sizeof(*timer)); /* what was in `port` before does not matter */
    timer->timer.due_ns = due_ns;
    timer->timer.entity = entity;
    timer->timer.background = false;
    timer->timer.fire = conform_timer_fire;
    timer->clock = clock;
    timer->fired = 0;
    timer->rearm = 0;
    timer->step_ns = 0;
    clock->ops->arm(clock, &timer->timer);
}

struct conform_timers {
    struct conform_timer *timers;
    size_t count;
    unsigned wanted; /* firings of each that was not cancelled */
    const bool *cancelled;
};

static bool conform_timers_done(void *arg)
{
    const struct conform_timers *all = arg;
    for (size_t i = 0; i < all->count; i++) {
        bool cancelled = all->cancelled != NULL && all->cancelled[i];
        if (!cancelled && conform_timer_fired(&all->timers[i]) < all->wanted) {
            return false;
        }
    }
    return true;
}

static void conform_timer_await(struct conform_world *w, struct conform_timer *timer,
                                unsigned wanted)
{
    struct conform_timers all = {.timers = timer, .count = 1, .wanted = wanted};
    cr_assert(w->ops->drive(w, conform_timers_done, &all));
    cr_assert_eq(conform_timer_fired(timer), wanted);
}

static uint64_t conform_now(struct conform_world *w)
{
    return w->env.clock->ops->monotonic(w->env.clock);
}

/* --- the tests ------------------------------------------------------------------------------------------------ */

static void conform_clock_never_goes_back(struct conform_world *w)
{
    uint64_t last_ns = conform_now(w);
    struct conform_timer timer;
    for (unsigned i = 0; i < 200; i++) {
        if (i % 20 == 0) {
            conform_timer_arm(w, &timer, conform_now(w) + MM1_NS_PER_MS / 10, i);
            conform_timer_await(w, &timer, 1);
        }
        uint64_t now_ns = conform_now(w);
        cr_assert_geq(now_ns, last_ns);
        last_ns = now_ns;
        (void)w->env.clock->ops->wall(w->env.clock);
    }
}

static void conform_clock_fires_once(struct conform_world *w)
{
    struct conform_timer timer;
    struct conform_timer later;
    uint64_t due_ns = conform_now(w) + 3 * MM1_NS_PER_MS;
    conform_timer_arm(w, &timer, due_ns, 1);
    conform_timer_await(w, &timer, 1);
    cr_assert_geq(timer.fired_at_ns, due_ns, "never early");
    conform_timer_arm(w, &later, conform_now(w) + 5 * MM1_NS_PER_MS, 2);
    conform_timer_await(w, &later, 1);
    cr_assert_eq(conform_timer_fired(&timer), 1);
    cr_assert(!w->env.clock->ops->cancel(w->env.clock, &timer.timer), "it has fired");
}

static void conform_clock_past_is_soon(struct conform_world *w)
{
    struct conform_timer timers[3];
    struct conform_timers all = {.timers = timers, .count = 3, .wanted = 1};
    conform_timer_arm(w, &timers[0], 0, 1);
    conform_timer_arm(w, &timers[1], conform_now(w), 2);
    conform_timer_arm(w, &timers[2], conform_now(w) / 2, 3);
    cr_assert(w->ops->drive(w, conform_timers_done, &all));
}

static void conform_clock_cancels(struct conform_world *w)
{
    struct conform_timer cancelled;
    struct conform_timer later;
    uint64_t now_ns = conform_now(w);
    conform_timer_arm(w, &cancelled, now_ns + MM1_NS_PER_SEC, 1);
    cr_assert(w->env.clock->ops->cancel(w->env.clock, &cancelled.timer));
    cr_assert(!w->env.clock->ops->cancel(w->env.clock, &cancelled.timer),
              "it is not armed any more");
    conform_timer_arm(w, &later, now_ns + MM1_NS_PER_SEC + MM1_NS_PER_MS, 2);
    conform_timer_await(w, &later, 1);
    cr_assert_eq(conform_timer_fired(&cancelled), 0);
    /* And the same timer can be armed anew. */
    conform_timer_arm(w, &cancelled, conform_now(w) + MM1_NS_PER_MS, 1);
    conform_timer_await(w, &cancelled, 1);
}

static void conform_clock_far_is_late(struct conform_world *w)
{
    struct conform_timer far;
    struct conform_timer farther;
    struct conform_timer near;
    conform_timer_arm(w, &far, UINT64_MAX, 1);
    conform_timer_arm(w, &farther, conform_now(w) + 400 * 86400 * MM1_NS_PER_SEC, 2);
    conform_timer_arm(w, &near, conform_now(w) + MM1_NS_PER_MS, 3);
    conform_timer_await(w, &near, 1);
    cr_assert(w->env.clock->ops->cancel(w->env.clock, &far.timer));
    cr_assert(w->env.clock->ops->cancel(w->env.clock, &farther.timer));
    cr_assert_eq(conform_timer_fired(&far) + conform_timer_fired(&farther), 0);
}

static void conform_clock_arms_from_fire(struct conform_world *w)
{
    struct conform_timer timer;
    conform_timer_arm(w, &timer, UINT64_MAX, 1);
    cr_assert(w->env.clock->ops->cancel(w->env.clock, &timer.timer));
    timer.timer.due_ns = conform_now(w);
    timer.rearm = 9;
    timer.step_ns = MM1_NS_PER_MS / 2;
    w->env.clock->ops->arm(w->env.clock, &timer.timer);
    conform_timer_await(w, &timer, 10);
}

static void conform_clock_many(struct conform_world *w)
{
    enum { MANY = 600 };
    static struct conform_timer timers[MANY];
    static bool cancelled[MANY];
    uint64_t now_ns = conform_now(w);
    for (size_t i = 0; i < MANY; i++) {
        /* Many at the same instant, in no order. */
        conform_timer_arm(w, &timers[i],
                          now_ns + MM1_NS_PER_SEC / 4 + (i * 7919 % 40) * MM1_NS_PER_MS, i);
        cancelled[i] = false;
    }
    for (size_t i = 0; i < MANY; i += 3) {
        cancelled[i] = w->env.clock->ops->cancel(w->env.clock, &timers[i].timer);
    }
    struct conform_timers all = {
        .timers = timers, .count = MANY, .wanted = 1, .cancelled = cancelled};
    cr_assert(w->ops->drive(w, conform_timers_done, &all));
    for (size_t i = 0; i < MANY; i++) {
        cr_assert_eq(conform_timer_fired(&timers[i]), cancelled[i] ? 0 : 1, "timer %zu", i);
        cr_assert(cancelled[i] || timers[i].fired_at_ns >= timers[i].timer.due_ns, "timer %zu", i);
    }
}

/* --- the stamp ------------------------------------------------------------------------------------------------ */

#define CONFORM_CLOCK_CASE(suite, make, name)                                                      \
    Test(suite, name)                                                                              \
    {                                                                                              \
        struct conform_world *world = make();                                                      \
        conform_clock_##name(world);                                                               \
        world->ops->free(world);                                                                   \
    }

#define MM1_CONFORM_CLOCK(suite, make)                                                             \
    CONFORM_CLOCK_CASE(suite, make, never_goes_back)                                               \
    CONFORM_CLOCK_CASE(suite, make, fires_once)                                                    \
    CONFORM_CLOCK_CASE(suite, make, past_is_soon)                                                  \
    CONFORM_CLOCK_CASE(suite, make, cancels)                                                       \
    CONFORM_CLOCK_CASE(suite, make, far_is_late)                                                   \
    CONFORM_CLOCK_CASE(suite, make, arms_from_fire)                                                \
    CONFORM_CLOCK_CASE(suite, make, many)

#endif
