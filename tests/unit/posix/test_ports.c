/* What is particular to the real ports, beyond the conformance suites: racing timers, lines of log, waiting, pools. */
#define _GNU_SOURCE /* pthread_getname_np */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mm1/posix.h>

#include "mm1_test.h"
#include "posix/clock.h"
#include "posix/trace_log.h"
#include "posix/world.h"

/* --- the allocator -------------------------------------------------------------------------------------------- */

Test(alloc, is_the_allocator_port)
{
    struct mm1_alloc *alloc = mm1_posix_alloc();
    size_t usable = 0;
    void *block = mm1_take(alloc, 100);
    cr_assert_not_null(block);
    mm1_give(alloc, block, 100);
    bool guarded = false;
    void *stack = alloc->ops->take_stack(alloc, 1, &usable, &guarded);
    cr_assert_not_null(stack);
    alloc->ops->give_stack(alloc, stack, usable);
}

/* --- timers --------------------------------------------------------------------------------------------------- */

enum { TIMERS = 300, ROUNDS = 20, CANCELLERS = 3 };

struct racing_timer {
    struct mm1_timer timer;
    atomic_uint fired;
    atomic_uint cancelled;
};

struct race {
    struct mm1__posix_clock clock;
    struct racing_timer timers[TIMERS];
};

static void count_firing(struct mm1_timer *timer)
{
    (void)atomic_fetch_add(&MM1_CONTAINER_OF(timer, struct racing_timer, timer)->fired, 1);
}

static void *cancel_all(void *arg)
{
    struct race *race = arg;
    for (size_t i = 0; i < TIMERS; i++) {
        struct racing_timer *timer = &race->timers[i];
        if (race->clock.base.ops->cancel(&race->clock.base, &timer->timer)) {
            (void)atomic_fetch_add(&timer->cancelled, 1);
        }
    }
    return NULL;
}

Test(clock, fires_or_is_cancelled_never_both)
{
    static struct race race;
    pthread_t threads[CANCELLERS];
    cr_assert_eq(mm1__posix_clock_open(&race.clock), MM1_OK);
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t now_ns = mm1__posix_monotonic();
        for (size_t i = 0; i < TIMERS; i++) {
            atomic_store(&race.timers[i].fired, 0);
            atomic_store(&race.timers[i].cancelled, 0);
            race.timers[i].timer =
                (struct mm1_timer){.due_ns = now_ns + i * 1000, .fire = count_firing};
            race.clock.base.ops->arm(&race.clock.base, &race.timers[i].timer);
        }
        for (unsigned i = 0; i < CANCELLERS; i++) {
            cr_assert_eq(pthread_create(&threads[i], NULL, cancel_all, &race), 0);
        }
        for (unsigned i = 0; i < CANCELLERS; i++) {
            cr_assert_eq(pthread_join(threads[i], NULL), 0);
        }
        for (size_t i = 0; i < TIMERS; i++) {
            struct racing_timer *timer = &race.timers[i];
            while (atomic_load(&timer->fired) + atomic_load(&timer->cancelled) == 0) {
                (void)sched_yield(); /* it is firing; a hang here is CTest's to end */
            }
        }
        for (size_t i = 0; i < TIMERS; i++) {
            struct racing_timer *timer = &race.timers[i];
            cr_assert_eq(atomic_load(&timer->fired) + atomic_load(&timer->cancelled), 1,
                         "timer %zu", i);
        }
    }
    mm1__posix_clock_close(&race.clock);
}

static atomic_uint order[3];
static atomic_uint next_place;

static void note_order(struct mm1_timer *timer)
{
    atomic_store(&order[timer->entity], atomic_fetch_add(&next_place, 1) + 1);
}

Test(clock, fires_in_the_order_of_due_times)
{
    static struct mm1__posix_clock clock;
    static struct mm1_timer timers[3];
    cr_assert_eq(mm1__posix_clock_open(&clock), MM1_OK);
    uint64_t now_ns = mm1__posix_monotonic();
    for (unsigned i = 0; i < 3; i++) {
        timers[i] = (struct mm1_timer){
            .due_ns = now_ns + (3 - i) * 20 * MM1_NS_PER_MS, .entity = i, .fire = note_order};
        clock.base.ops->arm(&clock.base, &timers[i]);
    }
    while (atomic_load(&next_place) < 3) {
        (void)usleep(1000);
    }
    while (atomic_load(&order[0]) == 0) {
        (void)usleep(1000);
    }
    cr_assert_eq(atomic_load(&order[2]), 1);
    cr_assert_eq(atomic_load(&order[1]), 2);
    cr_assert_eq(atomic_load(&order[0]), 3);
    mm1__posix_clock_close(&clock);
}

Test(clock, is_silent_once_stopped)
{
    static struct race race;
    cr_assert_eq(mm1__posix_clock_open(&race.clock), MM1_OK);
    mm1__posix_clock_stop(&race.clock);
    struct racing_timer *timer = &race.timers[0];
    timer->timer = (struct mm1_timer){.fire = count_firing};
    race.clock.base.ops->arm(&race.clock.base, &timer->timer);
    cr_assert(race.clock.base.ops->cancel(&race.clock.base, &timer->timer));
    cr_assert_eq(atomic_load(&timer->fired), 0);
    mm1__posix_clock_close(&race.clock);
}

static atomic_uint gate;

static void wait_at_gate(struct mm1_timer *timer)
{
    (void)timer;
    atomic_store(&gate, 1);
    while (atomic_load(&gate) != 2) {
        (void)usleep(1000);
    }
}

Test(clock, knows_when_the_next_timer_is_due)
{
    static struct mm1__posix_clock posix;
    static struct mm1_timer timers[3];
    struct mm1_clock *clock = &posix.base;
    cr_assert_eq(mm1__posix_clock_open(&posix), MM1_OK);
    cr_assert_eq(clock->ops->next_due(clock), UINT64_MAX);
    uint64_t far_ns = mm1__posix_monotonic() + 3600 * MM1_NS_PER_SEC;
    timers[0] = (struct mm1_timer){.due_ns = far_ns, .background = true, .fire = wait_at_gate};
    clock->ops->arm(clock, &timers[0]);
    cr_assert_eq(clock->ops->next_due(clock), UINT64_MAX, "background ones do not count");
    timers[1] = (struct mm1_timer){.due_ns = far_ns + 5, .fire = wait_at_gate};
    clock->ops->arm(clock, &timers[1]);
    cr_assert_eq(clock->ops->next_due(clock), far_ns + 5);
    timers[2] = (struct mm1_timer){.fire = wait_at_gate};
    clock->ops->arm(clock, &timers[2]);
    while (atomic_load(&gate) == 0) {
        (void)usleep(1000);
    }
    cr_assert_eq(clock->ops->next_due(clock), 0, "one is firing");
    atomic_store(&gate, 2);
    while (clock->ops->next_due(clock) == 0) {
        (void)usleep(1000);
    }
    cr_assert_eq(clock->ops->next_due(clock), far_ns + 5);
    cr_assert(clock->ops->cancel(clock, &timers[1]));
    cr_assert(clock->ops->cancel(clock, &timers[0]));
    cr_assert_eq(clock->ops->next_due(clock), UINT64_MAX);
    mm1__posix_clock_close(&posix);
}

/* --- lines of log --------------------------------------------------------------------------------------------- */

static const struct mm1__log_filter *filter; /* of the next line; null: none */

/* Emits to a pipe and reads what came out. */
static void emit_to(char *out, size_t size, enum mm1_log_level level, bool events,
                    const struct mm1_event *event)
{
    int fds[2];
    struct mm1__trace_log log;
    cr_assert_eq(pipe(fds), 0);
    mm1__trace_log_init(&log, fds[1], level, events, filter);
    (void)log.base.ops->emit(&log.base, event);
    (void)close(fds[1]);
    size_t got = 0;
    for (ssize_t n = 1; n > 0; got += (size_t)n) {
        n = read(fds[0], out + got, size - 1 - got);
        cr_assert_geq(n, 0);
    }
    out[got] = '\0';
    (void)close(fds[0]);
}

Test(trace_log, prints_logfmt)
{
    char line[8192];
    struct mm1_alloc *alloc = mm1_posix_alloc();
    struct mm1_path *root = mm1_path_new(alloc, NULL, MM1_TEXT("a"), true, 1);
    struct mm1_path *path = mm1_path_new(alloc, root, MM1_TEXT("main"), true, 1);
    struct mm1_event event = {.kind = MM1_EVENT_LOG,
                              .number = MM1_LOG_WARN,
                              .actor = path,
                              .text = MM1_TEXT("say \"hi\"\nback\\slash \x01\x7f")};
    emit_to(line, sizeof(line), MM1_LOG_INFO, false, &event);
    cr_assert(strncmp(line, "time=20", 7) == 0, "%s", line);
    cr_assert_eq(line[4 + 1 + 26], 'Z', "%s", line);
    cr_assert_not_null(strstr(line, " level=warn node=a actor=/a/main"), "%s", line);
    cr_assert_not_null(strstr(line, " msg=\"say \\\"hi\\\"\\nback\\\\slash \\x01\\x7f\"\n"), "%s",
                       line);
    cr_assert_eq(strlen(line), (size_t)(strchr(line, '\n') - line) + 1, "one line");
    event.number = MM1_LOG_DEBUG;
    emit_to(line, sizeof(line), MM1_LOG_INFO, false, &event);
    cr_assert_str_empty(line);
    mm1_path_drop(path);
    mm1_path_drop(root);
}

Test(trace_log, cuts_long_lines)
{
    char line[8192];
    char text[6000];
    memset(text, 'x', sizeof(text));
    struct mm1_event event = {.kind = MM1_EVENT_LOG, .text = {.data = text, .size = sizeof(text)}};
    emit_to(line, sizeof(line), MM1_LOG_ERROR, false, &event);
    size_t size = strlen(line);
    cr_assert_leq(size, 4096);
    cr_assert(size > 4000 && strcmp(line + size - 2, "\"\n") == 0);
}

Test(trace_log, prints_other_events_only_when_asked)
{
    char line[8192];
    struct mm1_reason reason = mm1_reason_error(7, "x");
    struct mm1_event event = {.kind = MM1_EVENT_EXIT, .reason = &reason, .peer = MM1_ADDR(5)};
    emit_to(line, sizeof(line), MM1_LOG_DEBUG, false, &event);
    cr_assert_str_empty(line);
    emit_to(line, sizeof(line), MM1_LOG_ERROR, true, &event);
    cr_assert_not_null(strstr(line, " level=trace "), "%s", line);
    cr_assert_not_null(strstr(line, " event=exit "), "%s", line);
    cr_assert_not_null(strstr(line, " code=7"), "%s", line);
}

/* A line passes if its level and the filter let it; other events are of level trace. */
Test(trace_log, asks_the_filter)
{
    char line[8192];
    size_t bad = 0;
    struct mm1_alloc *alloc = mm1_posix_alloc();
    struct mm1_path *root = mm1_path_new(alloc, NULL, MM1_TEXT("a"), true, 1);
    struct mm1_path *path = mm1_path_new(alloc, root, MM1_TEXT("main"), true, 1);
    struct mm1__log_filter main_warn;
    const struct mm1_text statement = MM1_TEXT("main=warn");
    cr_assert_eq(mm1__log_filter_open(&main_warn, alloc, &statement, 1, &bad), MM1_OK);
    filter = &main_warn;
    struct mm1_event event = {.kind = MM1_EVENT_LOG, .actor = path, .number = MM1_LOG_WARN};
    emit_to(line, sizeof(line), MM1_LOG_DEBUG, true, &event);
    cr_assert_not_null(strstr(line, "level=warn"), "%s", line);
    emit_to(line, sizeof(line), MM1_LOG_ERROR, true, &event);
    cr_assert_str_empty(line);
    event.number = MM1_LOG_INFO;
    emit_to(line, sizeof(line), MM1_LOG_DEBUG, true, &event);
    cr_assert_str_empty(line);
    event.kind = MM1_EVENT_EXIT;
    emit_to(line, sizeof(line), MM1_LOG_DEBUG, true, &event);
    cr_assert_str_empty(line);
    event.actor = root;
    emit_to(line, sizeof(line), MM1_LOG_DEBUG, true, &event);
    cr_assert_not_null(strstr(line, "event=exit"), "%s", line);
    mm1__log_filter_close(&main_warn);
    mm1_path_drop(path);
    mm1_path_drop(root);
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

static mm1_status rest_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour rest = {.name = "rest", .receive = rest_receive};

static void *stop_soon(void *arg)
{
    mm1_posix_stop(arg);
    return NULL;
}

Test(posix, waits_for_main_or_a_stop)
{
    struct mm1_posix *posix = NULL;
    struct mm1_node *node = NULL;
    struct mm1_reason reason;
    mm1_addr main_addr;
    pthread_t thread;
    struct mm1_msg_registry types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    char error[MM1_POSIX_ERROR_MAX];
    cr_assert_eq(mm1_posix_open(&(struct mm1_posix_options){.threads = 2}, &posix, error), MM1_OK);
    struct mm1_node_config config = {
        .name = MM1_TEXT("n"), .auto_net = MM1_NET_DEFAULT_AUTO, .types = &types};
    cr_assert_eq(mm1_node_open(mm1_posix_env(posix), &config, &node), MM1_OK);
    cr_assert_eq(mm1_node_spawn(node, &(struct mm1_spawn){.behaviour = &rest}, &main_addr), MM1_OK);
    cr_assert_eq(mm1__posix_wait(posix, node, &reason, -1, MM1_NS_PER_MS), MM1__POSIX_TIMED_OUT);
    for (unsigned i = 0; i < 50; i++) {
        cr_assert_eq(pthread_create(&thread, NULL, stop_soon, posix), 0);
        cr_assert_eq(mm1_posix_run_until(posix, node, &reason), MM1_INTERRUPTED);
        cr_assert_eq(pthread_join(thread, NULL), 0);
    }
    cr_assert_eq(mm1_node_exit(node, main_addr, mm1_reason_error(3, "enough")), MM1_OK);
    cr_assert_eq(mm1_posix_run_until(posix, node, &reason), MM1_OK);
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, 3);
    mm1_posix_close(posix, node);
    mm1_msg_registry_close(&types);
}

Test(posix, says_why_it_does_not_open)
{
    struct mm1_posix *posix = NULL;
    char error[MM1_POSIX_ERROR_MAX];
    struct mm1_posix_options options = {.threads = 1, .store_dir = "/dev/null/store"};
    cr_assert_eq(mm1_posix_open(&options, &posix, error), MM1_NOT_FOUND);
    cr_assert_str_eq(error, "store directory /dev/null/store: Not a directory");
    cr_assert_eq(mm1_posix_open(&options, &posix, NULL), MM1_NOT_FOUND);
}

Test(posix, refuses_a_bad_log_filter)
{
    struct mm1_posix *posix = NULL;
    char error[MM1_POSIX_ERROR_MAX];
    const struct mm1_text statements[] = {MM1_TEXT("a=info"), MM1_TEXT("a::b")};
    struct mm1_posix_options options = {
        .threads = 1, .log_filter = statements, .log_filter_count = 2};
    cr_assert_eq(mm1_posix_open(&options, &posix, error), MM1_INVALID);
    cr_assert_str_eq(error, "log filter \"a::b\": it is not written NAME::NAME=LEVEL");
    const struct mm1_text loud = MM1_TEXT("a=loud");
    options.log_filter = &loud;
    options.log_filter_count = 1;
    cr_assert_eq(mm1_posix_open(&options, &posix, error), MM1_INVALID);
    cr_assert_str_eq(error, "log filter \"a=loud\": there is no such level");
}

/* --- pools, rest and long turns --------------------------------------------------------------------------------- */

MM1_MSG_DECLARE_UNIT(ports_go)
MM1_MSG_DEFINE_UNIT(ports_go, "ports::Go")

static atomic_uint turns_of[3]; /* by pool */
static atomic_uint wrong_turns;
static atomic_uint long_turns;

/* Its threads say which pool a turn is on. */
static unsigned pool_here(void)
{
    char name[16];
    if (pthread_getname_np(pthread_self(), name, sizeof(name)) != 0) {
        return 99;
    }
    return strcmp(name, "mm1-worker") == 0 ? 0 : strcmp(name, "one") == 0 ? 1 : 2;
}

struct pooled {
    unsigned pool;
    unsigned left;
};

static mm1_status pooled_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    *(struct pooled *)state = *(const struct pooled *)arg;
    return mm1_tell(ctx, mm1_self(ctx), ports_go, .mm1_unit = 0);
}

static mm1_status pooled_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct pooled *pooled = state;
    unsigned pool = pool_here();
    (void)envelope;
    if (pool == pooled->pool) {
        (void)atomic_fetch_add(&turns_of[pool], 1);
    } else {
        (void)atomic_fetch_add(&wrong_turns, 1);
    }
    if (--pooled->left == 0) {
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    }
    return mm1_tell(ctx, mm1_self(ctx), ports_go, .mm1_unit = 0);
}

static const struct mm1_behaviour pooled = {.name = "pooled",
                                            .state_size = sizeof(struct pooled),
                                            .init = pooled_init,
                                            .receive = pooled_receive};

/* A node on ports of its own. */
struct rig {
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_msg_registry types;
};

static void rig_open(struct rig *rig, const struct mm1_posix_options *options,
                     const struct mm1_settings *settings)
{
    char error[MM1_POSIX_ERROR_MAX] = "";
    *rig = (struct rig){.types = MM1_MSG_REGISTRY(mm1_posix_alloc())};
    cr_assert_eq(mm1_posix_open(options, &rig->posix, error), MM1_OK, "%s", error);
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .types = &rig->types,
                                     .settings = settings};
    cr_assert_eq(mm1_node_open(mm1_posix_env(rig->posix), &config, &rig->node), MM1_OK);
}

static mm1_addr rig_spawn(struct rig *rig, const struct mm1_behaviour *behaviour, const char *name,
                          const void *arg, size_t arg_size)
{
    mm1_addr address;
    const struct mm1_spawn spawn = {
        .behaviour = behaviour, .name = name, .arg = arg, .arg_size = arg_size};
    cr_assert_eq(mm1_node_spawn(rig->node, &spawn, &address), MM1_OK);
    return address;
}

static void rig_close(struct rig *rig)
{
    mm1_posix_close(rig->posix, rig->node);
    mm1_msg_registry_close(&rig->types);
}

enum { POOLED = 20, POOLED_TURNS = 200 };

Test(posix, runs_an_actor_on_the_threads_of_its_pool)
{
    struct rig rig;
    const struct mm1_posix_pool pools[] = {
        {.name = "one", .threads = 1, .stack_size = 1}, /* rounded up to what the system takes */
        {.name = "a name of more than 15 bytes", .threads = 2, .stack_size = (size_t)256 << 10}};
    const struct mm1_settings children[] = {{.name = MM1_TEXT("one"), .has_pool = true, .pool = 1},
                                            {.name = MM1_TEXT("two"), .has_pool = true, .pool = 2}};
    const struct mm1_settings settings = {.children = children, .child_count = 2};
    static const char *const names[] = {"none", "one", "two"};
    rig_open(&rig,
             &(struct mm1_posix_options){
                 .threads = 2, .pools = pools, .pool_count = 2, .watchdog_ns = MM1_NS_PER_SEC},
             &settings);
    for (unsigned i = 0; i < POOLED; i++) {
        for (unsigned pool = 0; pool < 3; pool++) {
            const struct pooled arg = {.pool = pool, .left = POOLED_TURNS};
            (void)rig_spawn(&rig, &pooled, names[pool], &arg, sizeof(arg));
        }
    }
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, 60 * MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(mm1_node_actors(rig.node), 0);
    cr_assert_eq(atomic_load(&wrong_turns), 0);
    for (unsigned pool = 0; pool < 3; pool++) {
        cr_assert_eq(atomic_load(&turns_of[pool]), POOLED * POOLED_TURNS, "pool %u", pool);
    }
    rig_close(&rig);
}

static atomic_uint ticks;

/* Sleeps in each turn, and is woken by a timer that it arms itself. */
struct ticker {
    uint64_t after_ns;
    unsigned left;
    bool background;
};

static mm1_status ticker_arm(struct mm1_ctx *ctx, const struct ticker *ticker)
{
    struct ports_go message = {0};
    uint64_t id;
    const struct mm1_timer_spec spec = {.after_ns = ticker->after_ns,
                                        .type = &ports_go_type,
                                        .msg = &message,
                                        .background = ticker->background};
    return mm1_timer_start(ctx, &spec, &id);
}

static mm1_status ticker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    *(struct ticker *)state = *(const struct ticker *)arg;
    return ticker_arm(ctx, state);
}

static mm1_status ticker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct ticker *ticker = state;
    (void)envelope;
    (void)usleep(2000);
    (void)atomic_fetch_add(&ticks, 1);
    return --ticker->left == 0 ? MM1_OK : ticker_arm(ctx, ticker);
}

static const struct mm1_behaviour ticker_behaviour = {.name = "ticker",
                                                      .state_size = sizeof(struct ticker),
                                                      .init = ticker_init,
                                                      .receive = ticker_receive};

static const struct mm1_posix_options quiet = {.threads = 2, .log_off = true};

Test(posix, waits_until_nothing_is_left_to_do)
{
    struct rig rig;
    rig_open(&rig, &quiet, NULL);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, UINT64_MAX, 0), MM1_OK,
                 "nobody is there");
    for (unsigned round = 0; round < 10; round++) {
        const struct ticker ticker = {.after_ns = 500 * MM1_NS_PER_US, .left = 10};
        atomic_store(&ticks, 0);
        for (unsigned i = 0; i < 3; i++) {
            (void)rig_spawn(&rig, &ticker_behaviour, NULL, &ticker, sizeof(ticker));
        }
        cr_assert_eq(
            mm1_posix_wait_idle(rig.posix, rig.node, 100 * MM1_NS_PER_MS, 60 * MM1_NS_PER_SEC),
            MM1_OK);
        cr_assert_eq(atomic_load(&ticks), 30, "none was on its way");
    }
    rig_close(&rig);
}

Test(posix, looks_at_timers_as_far_as_the_horizon)
{
    struct rig rig;
    rig_open(&rig, &quiet, NULL);
    const struct ticker far = {.after_ns = 3600 * MM1_NS_PER_SEC, .left = 1};
    const struct ticker background = {
        .after_ns = 1800 * MM1_NS_PER_SEC, .left = 1, .background = true};
    (void)rig_spawn(&rig, &ticker_behaviour, NULL, &background, sizeof(background));
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, UINT64_MAX, 60 * MM1_NS_PER_SEC), MM1_OK);
    (void)rig_spawn(&rig, &ticker_behaviour, NULL, &far, sizeof(far));
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, MM1_NS_PER_SEC, 60 * MM1_NS_PER_SEC),
                 MM1_OK);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 3600 * MM1_NS_PER_SEC, 5 * MM1_NS_PER_MS),
                 MM1_TIMEOUT);
    rig_close(&rig);
}

static mm1_status counting_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    (void)atomic_fetch_add(&ticks, 1);
    return MM1_OK;
}

static const struct mm1_behaviour counting = {.name = "counting", .receive = counting_receive};

Test(posix, is_idle_beside_suspended_actors)
{
    struct rig rig;
    rig_open(&rig, &quiet, NULL);
    mm1_addr address = rig_spawn(&rig, &counting, NULL, NULL, 0);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, 60 * MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(mm1_node_suspend(rig.node, address), MM1_OK);
    for (unsigned i = 0; i < 5; i++) {
        struct ports_go message = {0};
        cr_assert_eq(mm1_node_send(rig.node, address, &ports_go_type, &message, NULL), MM1_OK);
    }
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, 60 * MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(atomic_load(&ticks), 0);
    cr_assert_eq(mm1_node_resume(rig.node, address), MM1_OK);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, 60 * MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(atomic_load(&ticks), 5);
    rig_close(&rig);
}

static mm1_status slow_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    while (atomic_load(&gate) == 0) {
        (void)usleep(1000);
    }
    (void)atomic_fetch_add(&long_turns, 1);
    return MM1_OK;
}

static const struct mm1_behaviour slow = {.name = "slow", .receive = slow_receive};

/* Whose turn it is can be read while the turn runs, and after the actor is gone. */
Test(posix, tells_whose_turn_does_not_end)
{
    struct rig rig;
    char text[MM1_PATH_TEXT_MAX];
    rig_open(&rig,
             &(struct mm1_posix_options){
                 .threads = 1, .log_off = true, .watchdog_ns = 2 * MM1_NS_PER_MS},
             NULL);
    cr_assert_null(mm1__posix_sched_running(&rig.posix->sched));
    mm1_addr address = rig_spawn(&rig, &slow, "slow", NULL, 0);
    struct ports_go message = {0};
    cr_assert_eq(mm1_node_send(rig.node, address, &ports_go_type, &message, NULL), MM1_OK);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, 20 * MM1_NS_PER_MS), MM1_TIMEOUT);
    struct mm1_path *path = mm1__posix_sched_running(&rig.posix->sched);
    cr_assert_not_null(path);
    mm1_node_kill_all(rig.node);
    atomic_store(&gate, 1);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, 60 * MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(mm1_node_actors(rig.node), 0);
    (void)mm1_path_print(path, text);
    cr_assert_str_eq(text, "/n/slow#1");
    mm1_path_drop(path);
    cr_assert_null(mm1__posix_sched_running(&rig.posix->sched));
    rig_close(&rig);
}
