/* The step harness: function actors, whose blocking verbs show as the verbs they are made of. */
#include "harness_actors.h"

/* --- function actors ---------------------------------------------------------------------------------------------- */

static unsigned cleaned;

static void clean(void *arg)
{
    (void)arg;
    cleaned++;
}

static mm1_status adder_main(struct mm1_ctx *ctx, const void *arg)
{
    uint64_t total = arg == NULL ? 0 : ((const struct note *)arg)->no;
    MM1_TRY(mm1_defer(ctx, clean, NULL));
    for (;;) {
        const struct mm1_envelope *envelope;
        mm1_status status = mm1_recv_for(ctx, 100, &envelope);
        if (status == MM1_TIMEOUT) {
            return MM1_OK;
        }
        MM1_TRY(status);
        MM1_ON(envelope, note_request, m) {
            total += m->body.no;
            MM1_TRY(mm1_reply(ctx, &m->header, sum, .sum = total));
        }
    }
}

static const struct mm1_function adder = MM1_FUNCTION("adder", adder_main);

static mm1_addr spawn_function(const struct mm1_function *function, mm1_status expected)
{
    mm1_addr addr;
    cleaned = 0;
    mm1_status status = mm1_harness_spawn(h,
                                          &(struct mm1_spawn){.behaviour = &function->behaviour,
                                                              .arg_type = &note_type,
                                                              .arg = &(struct note){.no = 40}},
                                          &addr);
    cr_assert_eq(status, expected);
    return addr;
}

Test(harness, a_function_waits)
{
    open_plain();
    mm1_addr addr = spawn_function(&adder, MM1_OK);
    mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_ask(h, addr, 3, note, .no = 2);
    mm1_harness_expect(h, MM1_EFFECT_TIMER_CANCEL);
    mm1_harness_pass(h);
    const struct sum_response *m = mm1_harness_expect_tell(h, mm1_harness_self(h), sum_response);
    cr_assert(m->header.id == 3 && m->body.sum == 42);
    mm1_harness_pass(h);
    mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_rest(h);
    mm1_harness_advance(h, 100);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_QUIT);
    cr_assert_eq(step->effect.reason->kind, MM1_REASON_NORMAL);
    cr_assert_eq(cleaned, 0);
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, addr, MM1_REASON_NORMAL);
    cr_assert_eq(cleaned, 1);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status asker_main(struct mm1_ctx *ctx, const void *arg)
{
    const struct sum *answer;
    MM1_TRY(mm1_defer(ctx, clean, NULL));
    MM1_TRY(mm1_ask(ctx, FAR, 50, note, sum, &answer, .no = ((const struct note *)arg)->no));
    seen.number = answer->sum;
    MM1_TRY(mm1_start(ctx, &(struct mm1_spawn){.behaviour = &doer}, 50, &seen.addr));
    MM1_TRY(mm1_sleep(ctx, 30));
    return MM1_UNHANDLED;
}

static const struct mm1_function asker = MM1_FUNCTION("asker", asker_main);

/* Up to where the asker waits for an answer: returns the id. */
static uint64_t expect_question(mm1_addr addr)
{
    mm1_harness_unseen(h, MM1_EFFECT_TIMER_CANCEL, true);
    mm1_harness_unseen(h, MM1_EFFECT_TIMER_ARM, true);
    mm1_harness_expect(h, MM1_EFFECT_WATCH);
    answer(MM1_OK, 900);
    const struct note_request *m = mm1_harness_expect_tell(h, FAR, note_request);
    cr_assert(mm1_addr_equal(m->header.reply_to, addr) && m->body.no == 40);
    uint64_t id = m->header.id;
    answer(MM1_OK, 0);
    mm1_harness_expect_wait(h, addr);
    return id;
}

Test(harness, a_function_asks_starts_and_sleeps)
{
    open_plain();
    mm1_addr addr = spawn_function(&asker, MM1_OK);
    uint64_t id = expect_question(addr);
    mm1_harness_reply(h, addr, id, sum, .sum = 41);
    cr_assert_eq(mm1_harness_expect(h, MM1_EFFECT_UNWATCH)->effect.number, 900);
    mm1_harness_pass(h);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_SPAWN);
    cr_assert(seen.number == 41 && step->effect.spawn->behaviour == &doer);
    id = step->effect.spawn->start;
    answer(MM1_OK, 1);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_tell(h, addr, mm1_started, .start = id, .addr = FAR);
    mm1_harness_expect_wait(h, addr);
    cr_assert(mm1_addr_equal(seen.addr, FAR));
    mm1_harness_advance(h, 30);
    step = mm1_harness_expect(h, MM1_EFFECT_QUIT);
    cr_assert_eq(step->effect.reason->code, MM1_UNHANDLED);
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    cr_assert_eq(cleaned, 1);
    mm1_harness_close(h);
}

Test(harness, a_function_whose_answer_does_not_come)
{
    open_plain();
    mm1_addr addr = spawn_function(&asker, MM1_OK);
    (void)expect_question(addr);
    struct mm1_reason reason = mm1_reason_of(MM1_REASON_KILLED);
    mm1_harness_tell(h, addr, mm1_down, .peer = FAR, .ref = 900, .why = mm1_why_of(&reason));
    mm1_harness_unseen(h, MM1_EFFECT_UNWATCH, true);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_QUIT);
    cr_assert_eq(step->effect.reason->code, MM1_EXITED);
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    mm1_harness_close(h);
}

Test(harness, a_function_that_has_returned_is_frozen)
{
    open_plain();
    mm1_addr addr = spawn_function(&adder, MM1_OK);
    mm1_harness_unseen(h, MM1_EFFECT_TIMER_ARM, true);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_advance(h, 100);
    mm1_harness_expect(h, MM1_EFFECT_QUIT);
    answer(MM1_OK, 0);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_ask(h, addr, 3, note, .no = 2);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(mm1_harness_kill(h, addr), MM1_OK);
    mm1_harness_expect_ended(h, addr, MM1_REASON_KILLED);
    cr_assert_eq(cleaned, 1);
    mm1_harness_close(h);
}

static mm1_status brief_main(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    return mm1_sleep(ctx, 10);
}

static const struct mm1_function brief_function = MM1_FUNCTION("brief", brief_main);

static mm1_status do_fork_function(struct mm1_ctx *ctx)
{
    return mm1_fork(ctx, &(struct mm1_fork){.behaviour = &brief_function.behaviour}, &seen.addr);
}

Test(harness, a_fork_that_is_a_function)
{
    open_plain();
    mm1_addr addr = actor_that(do_fork_function);
    mm1_harness_expect(h, MM1_EFFECT_FORK);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
    cr_assert(mm1_addr_equal(step->context, seen.addr) && mm1_addr_equal(step->actor, addr));
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, seen.addr);
    mm1_harness_advance(h, 10);
    mm1_harness_expect(h, MM1_EFFECT_FORK_END);
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, seen.addr, MM1_REASON_NORMAL);
    mm1_harness_tell(h, addr, note, .no = 1);
    waits_and_rests(addr);
}

/* Held inside a function, on a stack within a stack, while others run; killed there; and abandoned there. */
Test(harness, a_held_function)
{
    for (int i = 0; i < 3; i++) {
        open_plain();
        mm1_addr addr = spawn_function(&adder, MM1_OK);
        mm1_harness_run(h);
        mm1_harness_ask(h, addr, 3, note, .no = 2);
        mm1_harness_unseen(h, MM1_EFFECT_TIMER_CANCEL, true);
        mm1_harness_expect(h, MM1_EFFECT_SEND);
        mm1_harness_hold(h);
        mm1_addr other = spawn_function(&adder, MM1_OK);
        mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
        mm1_harness_pass(h);
        mm1_harness_expect_wait(h, other);
        if (i == 0) {
            mm1_harness_take_up(h, addr);
            mm1_harness_pass(h);
            mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
            mm1_harness_pass(h);
            mm1_harness_expect_wait(h, addr);
        } else if (i == 1) {
            cr_assert_eq(mm1_harness_kill(h, addr), MM1_OK);
            mm1_harness_expect_rest(h);
            mm1_harness_take_up(h, addr);
            mm1_harness_pass(h);
            mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
            mm1_harness_pass(h);
            mm1_harness_expect_wait(h, addr);
            mm1_harness_expect_ended(h, addr, MM1_REASON_KILLED);
            cr_assert_eq(cleaned, 1);
        }
        mm1_harness_close(h);
    }
}

Test(harness, every_request_of_a_function_can_fail)
{
    uint64_t k = 1;
    bool failed = true;
    for (; failed; k++) {
        open_plain();
        mm1_harness_fail_at(h, k);
        mm1_addr addr = spawn_function(&adder, MM1_OK);
        mm1_harness_run(h);
        mm1_harness_ask(h, addr, 3, note, .no = 2);
        mm1_harness_run(h);
        failed = k <= mm1_harness_requests(h);
        cr_assert_eq(mm1_harness_kill(h, addr), failed ? MM1_NOPROC : MM1_OK, "request %u",
                     (unsigned)k);
        mm1_harness_close(h);
    }
    cr_assert(k > 4 && k < 100, "%u requests", (unsigned)k);
}
