/* Timers and waits that end (otp 7). */
#include "suite.h"

static uint64_t start(struct mm1_ctx *ctx, uint64_t after_ns, uint64_t number)
{
    uint64_t id;
    MUST_OK(mm1_after(ctx, after_ns, &id, suite_note, .number = number));
    return id;
}

static void a_timer_is_never_early(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    uint64_t began = mm1_now(ctx);
    (void)start(ctx, 3 * MM1_NS_PER_MS, 7);
    MUST(suite_noted(ctx) == 7);
    MUST(mm1_now(ctx) - began >= 3 * MM1_NS_PER_MS);
    began = mm1_now(ctx);
    MUST_OK(mm1_sleep(ctx, 2 * MM1_NS_PER_MS));
    MUST(mm1_now(ctx) - began >= 2 * MM1_NS_PER_MS);
    began = mm1_now(ctx);
    MUST(mm1_recv_for(ctx, 2 * MM1_NS_PER_MS, &envelope) == MM1_TIMEOUT);
    MUST(mm1_now(ctx) - began >= 2 * MM1_NS_PER_MS);
}

static void timers_fire_in_the_order_of_their_times(struct mm1_ctx *ctx)
{
    (void)start(ctx, 9 * MM1_NS_PER_MS, 3);
    (void)start(ctx, 1 * MM1_NS_PER_MS, 1);
    (void)start(ctx, 5 * MM1_NS_PER_MS, 2);
    for (uint64_t number = 1; number <= 3; number++) {
        MUST(suite_noted(ctx) == number);
    }
}

static void a_cancelled_timer_never_comes(struct mm1_ctx *ctx)
{
    uint64_t id = start(ctx, 50 * MM1_NS_PER_MS, 1);
    MUST(mm1_timer_cancel(ctx, id));
    MUST(!mm1_timer_cancel(ctx, id));
    id = start(ctx, 0, 2);
    suite_settle(ctx); /* it waits in the queue */
    MUST(mm1_timer_cancel(ctx, id));
    id = start(ctx, 0, 3);
    MUST(suite_noted(ctx) == 3);
    MUST(!mm1_timer_cancel(ctx, id));
    MUST(!mm1_timer_cancel(ctx, id + 1000));
    MUST_BE_QUIET();
}

static void a_cancel_that_races_with_its_timer(struct mm1_ctx *ctx)
{
    for (unsigned i = 0; i < 10; i++) {
        uint64_t id = start(ctx, mm1_random(ctx, 3) * MM1_NS_PER_US, 1);
        MUST_OK(mm1_sleep(ctx, mm1_random(ctx, 3) * MM1_NS_PER_US));
        MUST(mm1_timer_cancel(ctx, id));
    }
    MUST_BE_QUIET();
}

static void a_timer_of_no_time_fires(struct mm1_ctx *ctx)
{
    uint64_t id;
    (void)start(ctx, 0, 1);
    MUST(suite_noted(ctx) == 1);
    struct suite_note note = {.number = 2};
    MUST_OK(mm1_timer_start(
        ctx, &(struct mm1_timer_spec){.at_ns = 1, .type = &suite_note_type, .msg = &note}, &id));
    MUST(suite_noted(ctx) == 2); /* in the past */
}

static void a_timer_at_a_time(struct mm1_ctx *ctx)
{
    uint64_t id;
    uint64_t due = mm1_now(ctx) + 2 * MM1_NS_PER_MS;
    struct suite_note note = {.number = 1};
    MUST_OK(mm1_timer_start(
        ctx, &(struct mm1_timer_spec){.at_ns = due, .type = &suite_note_type, .msg = &note}, &id));
    MUST(suite_noted(ctx) == 1);
    MUST(mm1_now(ctx) >= due);
}

static void a_periodic_timer_goes_on_until_it_is_cancelled(struct mm1_ctx *ctx)
{
    uint64_t id;
    uint64_t began = mm1_now(ctx);
    MUST_OK(mm1_every(ctx, MM1_NS_PER_MS, &id, suite_note, .number = 1));
    for (unsigned i = 1; i <= 4; i++) {
        MUST(suite_noted(ctx) == 1);
        MUST(mm1_now(ctx) - began >= i * MM1_NS_PER_MS);
    }
    MUST(mm1_timer_cancel(ctx, id));
    MUST(!mm1_timer_cancel(ctx, id));
    MUST_BE_QUIET();
}

static mm1_status armed_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < 5; i++) {
        (void)start(ctx, i * 100 * MM1_NS_PER_US, i);
    }
    return MM1_OK;
}

static const struct mm1_function armed = MM1_FUNCTION("armed", armed_run);

/* Its successors, which may have its place, never hear of them. */
static void timers_end_with_their_actor(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    for (unsigned i = 0; i < 3; i++) {
        mm1_addr peer = suite_spawn_with(ctx, &armed, 0, true);
        MUST(suite_exited(ctx, peer).kind == MM1_REASON_NORMAL);
    }
    mm1_addr puppet = suite_puppet_new(ctx);
    MUST(suite_take(ctx, puppet).what == SUITE_NOTHING);
    MUST_BE_QUIET();
}

static mm1_status drip_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *begin = arg;
    for (;;) {
        MUST_OK(suite_go_tell(ctx, begin->from));
        MUST_OK(mm1_sleep(ctx, 300 * MM1_NS_PER_US));
    }
}

static const struct mm1_function drip = MM1_FUNCTION("drip", drip_run);

static void other_messages_do_not_prolong_a_wait(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_addr peer = suite_spawn(ctx, &drip);
    uint64_t ref = suite_watch(ctx, peer);
    uint64_t began = mm1_now(ctx);
    MUST(mm1_recv_type(ctx, 5 * MM1_NS_PER_MS, &suite_note_type, &envelope) == MM1_TIMEOUT);
    MUST(mm1_now(ctx) - began >= 5 * MM1_NS_PER_MS);
    MUST_OK(mm1_kill(ctx, peer));
    (void)suite_down(ctx, ref);
    MUST_OK(mm1_recv_for(ctx, 0, &envelope));
    MUST(mm1_is(envelope, &suite_go_type));
}

static const struct suite_case cases[] = {
    {"a_timer_is_never_early", "T1 T7", a_timer_is_never_early},
    {"timers_fire_in_the_order_of_their_times", "T2", timers_fire_in_the_order_of_their_times},
    {"a_cancelled_timer_never_comes", "T3", a_cancelled_timer_never_comes},
    {"a_cancel_that_races_with_its_timer", "T3", a_cancel_that_races_with_its_timer},
    {"a_timer_of_no_time_fires", "T6", a_timer_of_no_time_fires},
    {"a_timer_at_a_time", "T9", a_timer_at_a_time},
    {"a_periodic_timer_goes_on_until_it_is_cancelled", "T3 TIMER",
     a_periodic_timer_goes_on_until_it_is_cancelled},
    {"timers_end_with_their_actor", "T5", timers_end_with_their_actor},
    {"other_messages_do_not_prolong_a_wait", "T10", other_messages_do_not_prolong_a_wait},
};
SUITE_TABLE(suite_timers, cases);
