/* The step harness: what actors see of the world, signals, time, chance, streams and logs. */
#include "harness_actors.h"

/* --- signals of the test ------------------------------------------------------------------------------------------ */

static mm1_status do_trap(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    return MM1_OK;
}

Test(harness, signals_of_the_test)
{
    open_plain();
    mm1_harness_unseen(h, MM1_EFFECT_TRAP_EXIT, true);
    mm1_addr addr = actor_that(do_trap);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(mm1_harness_exit(h, addr, MM1_SHUTDOWN), MM1_OK);
    mm1_harness_expect_wait(h, addr);
    cr_assert_str_eq(seen.downs, "exited 1;", "%s", seen.downs);
    mm1_addr meek = spawn_named(NULL);
    mm1_harness_expect_wait(h, meek);
    cr_assert_eq(mm1_harness_exit(h, meek, mm1_reason_error(2, "two")), MM1_OK);
    mm1_harness_expect_ended(h, meek, MM1_REASON_ERROR);
    cr_assert_eq(mm1_harness_kill(h, addr), MM1_OK);
    mm1_harness_expect_ended(h, addr, MM1_REASON_KILLED);
    cr_assert_eq(mm1_harness_kill(h, addr), MM1_NOPROC);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status do_kill_parent(struct mm1_ctx *ctx)
{
    return mm1_kill(ctx, mm1_parent(ctx));
}

Test(harness, the_test_can_be_killed_too)
{
    open_plain();
    mm1_addr addr = actor_that(do_kill_parent);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_KILL);
    cr_assert(mm1_addr_equal(step->effect.target, mm1_harness_self(h)));
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_rest(h);
    cr_assert_eq(mm1_harness_kill(h, addr), MM1_NOPROC);
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &doer}, &addr), MM1_NOPROC);
    mm1_harness_close(h);
}

/* --- time --------------------------------------------------------------------------------------------------------- */

static mm1_status ticker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, go, m) {
        seen.status = mm1_every(ctx, 10, &seen.number, note, .no = 1);
        return seen.status;
    }
    MM1_ON(envelope, note, m) {
        seen.notes[seen.note_count++] = mm1_now(ctx);
        if (seen.note_count == 3) {
            seen.flag = mm1_timer_cancel(ctx, seen.number);
        }
    }
    return MM1_OK;
}

static const struct mm1_behaviour ticker = {.name = "ticker", .receive = ticker_receive};

static mm1_addr spawn_ticker(void)
{
    mm1_addr addr;
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &ticker}, &addr), MM1_OK);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    return addr;
}

Test(harness, each_timer_at_its_time)
{
    open_plain();
    mm1_addr addr = spawn_ticker();
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
    cr_assert_eq(step->effect.number, 15);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_advance(h, 9);
    mm1_harness_expect_rest(h);
    cr_assert_eq(mm1_harness_now(h), 14);
    mm1_harness_advance(h, 100);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(mm1_harness_now(h), 15);
    mm1_harness_expect_wait(h, addr);
    step = mm1_harness_expect(h, MM1_EFFECT_TIMER_CANCEL);
    cr_assert_eq(step->effect.number, seen.number);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_rest(h);
    cr_assert(seen.note_count == 3 && seen.notes[0] == 15 && seen.notes[1] == 25 &&
              seen.notes[2] == 35 && seen.flag);
    cr_assert_eq(mm1_harness_now(h), 114, "the rest of the time passed");
    mm1_harness_close(h);
}

Test(harness, timer_answered)
{
    open_plain();
    mm1_addr addr = spawn_ticker();
    mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
    answer(MM1_OK, 99);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.number, 99);
    mm1_harness_advance(h, 1000);
    mm1_harness_expect_rest(h);
    for (int i = 0; i < 2; i++) {
        mm1_harness_tell(h, addr, note, .no = 1);
        mm1_harness_expect_wait(h, addr);
    }
    mm1_harness_tell(h, addr, note, .no = 1);
    mm1_harness_expect(h, MM1_EFFECT_TIMER_CANCEL);
    answer(MM1_OK, 1);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.flag);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    mm1_harness_expect(h, MM1_EFFECT_TIMER_ARM);
    answer(MM1_NOMEM, 0);
    mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    mm1_harness_close(h);
}

/* --- chance, log, observations ------------------------------------------------------------------------------------ */

static mm1_status do_draw(struct mm1_ctx *ctx)
{
    seen.notes[seen.note_count++] = mm1_random(ctx, 10);
    mm1_log(ctx, MM1_LOG_WARN, "drew %u", (unsigned)seen.notes[seen.note_count - 1]);
    mm1_observe(ctx, note, .no = 5);
    return MM1_OK;
}

static void draw_once(mm1_addr addr, bool pass)
{
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_RANDOM);
    cr_assert_eq(step->effect.number, 10);
    if (pass) {
        mm1_harness_pass(h);
    } else {
        answer(MM1_OK, 3);
    }
    step = mm1_harness_expect(h, MM1_EFFECT_OBSERVE);
    cr_assert_eq(((const struct note *)step->effect.msg)->no, 5);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
}

Test(harness, chance)
{
    static const uint64_t draws[] = {27, 4};
    uint64_t third[2];
    for (int i = 0; i < 2; i++) {
        open_with(&(struct mm1_harness_options){.draws = draws, .draw_count = 2, .seed = 9});
        mm1_addr addr = spawn_named(NULL);
        mm1_harness_expect_wait(h, addr);
        script = do_draw;
        draw_once(addr, true);
        draw_once(addr, false);
        draw_once(addr, true);
        draw_once(addr, true);
        cr_assert(seen.notes[0] == 7 && seen.notes[1] == 3 && seen.notes[2] == 4);
        third[i] = seen.notes[3];
        cr_assert_lt(third[i], 10);
        cr_assert_not_null(strstr(mm1_harness_log(h), "warn drew 7\nwarn drew 3\n"));
        mm1_harness_close(h);
    }
    cr_assert_eq(third[0], third[1]);
}

/* --- streams and logs --------------------------------------------------------------------------------------------- */

static mm1_status filer_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    mm1_handle handle;
    MM1_ON(envelope, go, m) {
        MM1_TRY(mm1_net_dial(ctx, MM1_TEXT("tcp://far:1"), &handle));
        seen.number = handle;
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_connected, m) {
        return mm1_net_send(ctx, m->handle,
                            (struct mm1_bytes){.data = (const uint8_t *)"hi", .size = 2});
    }
    MM1_ON(envelope, mm1_failed, m) {
        seen.status = (mm1_status)m->status;
        return mm1_log_open(ctx, MM1_TEXT("wal"), &handle);
    }
    MM1_ON(envelope, mm1_log_failed, m) {
        seen.flag = true;
    }
    return MM1_OK;
}

static const struct mm1_behaviour filer = {.name = "filer", .receive = filer_receive};

static mm1_addr spawn_filer(void)
{
    mm1_addr addr;
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &filer}, &addr), MM1_OK);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_NET_DIAL);
    cr_assert_eq(step->effect.data.size, strlen("tcp://far:1"));
    cr_assert_arr_eq(step->effect.data.data, "tcp://far:1", step->effect.data.size);
    return addr;
}

Test(harness, streams_answered)
{
    open_plain();
    mm1_addr addr = spawn_filer();
    answer(MM1_OK, 12);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.number, 12);
    mm1_harness_tell(h, addr, mm1_connected, .handle = 12);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_NET_SEND);
    cr_assert(step->effect.number == 12 && step->effect.data.size == 2);
    cr_assert_arr_eq(step->effect.data.data, "hi", 2);
    answer(MM1_OK, 0);
    waits_and_rests(addr);
}

Test(harness, streams_and_logs_passed_are_refused)
{
    open_plain();
    mm1_addr addr = spawn_filer();
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect(h, MM1_EFFECT_LOG_OPEN);
    cr_assert_eq(seen.status, MM1_REFUSED);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.flag);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}
