/* What is particular to the real ports, beyond the conformance suites: stacks, racing timers, lines of log, waiting. */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mm1/posix.h>

#include "host/stack.h"
#include "mm1_test.h"
#include "posix/clock.h"
#include "posix/trace_log.h"
#include "posix/world.h"

/* --- stacks --------------------------------------------------------------------------------------------------- */

/* Whether a byte can be read, without touching it: the kernel looks. */
static bool is_readable(const char *at)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    bool readable = write(fds[1], at, 1) == 1;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return readable;
}

Test(stack, has_a_guard_below)
{
    size_t usable = 0;
    char *stack = mm1__stack_map(10000, &usable);
    cr_assert_not_null(stack);
    cr_assert_geq(usable, 10000);
    memset(stack, 7, usable);
    cr_assert(is_readable(stack) && is_readable(stack + usable - 1));
    cr_assert(!is_readable(stack - 1), "the guard");
    cr_assert(!is_readable(stack - 4096));
    mm1__stack_unmap(stack, usable);
}

Test(stack, refuses_what_cannot_be)
{
    size_t usable = 0;
    cr_assert_null(mm1__stack_map(SIZE_MAX, &usable));
    cr_assert_null(mm1__stack_map(SIZE_MAX / 4, &usable));
}

Test(alloc, is_the_allocator_port)
{
    struct mm1_alloc *alloc = mm1_posix_alloc();
    size_t usable = 0;
    void *block = mm1_take(alloc, 100);
    cr_assert_not_null(block);
    mm1_give(alloc, block, 100);
    void *stack = alloc->ops->take_stack(alloc, 1, &usable);
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

/* --- lines of log --------------------------------------------------------------------------------------------- */

/* Emits to a pipe and reads what came out. */
static void emit_to(char *out, size_t size, enum mm1_log_level level, bool events,
                    const struct mm1_event *event)
{
    int fds[2];
    struct mm1__trace_log log;
    cr_assert_eq(pipe(fds), 0);
    mm1__trace_log_init(&log, fds[1], level, events);
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
    cr_assert_not_null(strstr(line, " event=exit "), "%s", line);
    cr_assert_not_null(strstr(line, " code=7"), "%s", line);
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
    cr_assert(mm1_node_exit(node, main_addr, mm1_reason_error(3, "enough")));
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
