/* The step harness: the cases of mm1's own trait_by_trait tests, under their names. */
#include "harness_actors.h"

/* --- trait_by_trait ---------------------------------------------------------------------------------------------- */

static mm1_status do_quit(struct mm1_ctx *ctx)
{
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

Test(harness, simplest)
{
    open_plain();
    mm1_addr addr = spawn_named(NULL);
    init_script = do_quit;
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_QUIT);
    cr_assert(mm1_addr_equal(step->actor, addr) && mm1_addr_equal(step->context, addr));
    cr_assert_eq(step->effect.reason->kind, MM1_REASON_NORMAL);
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, addr, MM1_REASON_NORMAL);
    mm1_harness_expect_rest(h);
    mm1_harness_expect_rest(h);
    cr_assert_eq(seen.finis, 1);
    cr_assert_eq(mm1_node_actors(mm1_harness_node(h)), 1, "the test alone");
    mm1_harness_close(h);
}

Test(harness, verbs_come_before_the_end_of_steps)
{
    for (int i = 0; i < 64; i++) {
        open_plain();
        init_script = do_tell;
        (void)spawn_named(NULL);
        cr_assert_not_null(mm1_harness_next(h));
        mm1_harness_pass(h);
        cr_assert_not_null(mm1_harness_next(h));
        cr_assert_null(mm1_harness_next(h));
        mm1_harness_close(h);
    }
}

static mm1_status do_spawn(struct mm1_ctx *ctx)
{
    seen.status = mm1_spawn(ctx,
                            &(struct mm1_spawn){.behaviour = &doer,
                                                .name = "child",
                                                .arg_type = &note_type,
                                                .arg = &(struct note){.no = 3},
                                                .link = true},
                            &seen.addr);
    return MM1_OK;
}

Test(harness, spawn_answered)
{
    open_plain();
    mm1_addr addr = actor_that(do_spawn);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_SPAWN);
    cr_assert_eq(step->effect.spawn->behaviour, &doer);
    cr_assert(step->effect.spawn->link);
    cr_assert_eq(step->effect.spawn->start, 0);
    cr_assert(step->effect.type == &note_type && ((const struct note *)step->effect.msg)->no == 3);
    cr_assert(mm1_addr_equal(step->actor, addr));
    answer(MM1_OK, FAR.bits);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.status == MM1_OK && mm1_addr_equal(seen.addr, FAR));
    mm1_harness_expect_rest(h);
    cr_assert_eq(mm1_node_actors(mm1_harness_node(h)), 2, "no child was born");
    mm1_harness_close(h);
}

Test(harness, spawn_passed_and_refused)
{
    open_plain();
    mm1_addr addr = actor_that(do_spawn);
    mm1_harness_expect(h, MM1_EFFECT_SPAWN);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    cr_assert(mm1_addr_equal(seen.addr, mm1_harness_spawned(h)));
    mm1_harness_expect_wait(h, seen.addr);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    mm1_harness_expect(h, MM1_EFFECT_SPAWN);
    answer(MM1_RESOURCE, 0);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.status, MM1_RESOURCE);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

/* A starter keeps its start in its state. */
static struct mm1_start start;

static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, go, m) {
        seen.status = mm1_start_begin(ctx, &start, &(struct mm1_spawn){.behaviour = &doer},
                                      2 * MM1_NS_PER_SEC);
        return MM1_OK;
    }
    if (mm1_start_take(ctx, &start, envelope) == MM1_CALL_DONE) {
        seen.status = start.status;
        seen.addr = start.addr;
        seen.flag = true;
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour starter = {.name = "starter", .receive = starter_receive};

/* A start up to where the starter waits for its child; returns its reference. */
static uint64_t begin_start(mm1_addr *addr)
{
    open_plain();
    start = (struct mm1_start){.id = 0};
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &starter}, addr), MM1_OK);
    mm1_harness_expect_wait(h, *addr);
    mm1_harness_tell(h, *addr, go, .mm1_unit = 0);
    mm1_harness_unseen(h, MM1_EFFECT_TIMER_CANCEL, true);
    mm1_harness_unseen(h, MM1_EFFECT_UNLINK, true);
    uint64_t id = 0;
    const struct mm1_step *step;
    while ((step = mm1_harness_next(h)) != NULL && step->kind == MM1_STEP_VERB) {
        if (step->effect.kind == MM1_EFFECT_SPAWN) {
            id = step->effect.spawn->start;
            cr_assert_eq(step->effect.spawn->behaviour, &doer);
            answer(MM1_OK, FAR.bits);
        } else {
            cr_assert_eq(step->effect.kind, MM1_EFFECT_TIMER_ARM);
            cr_assert_eq(step->effect.number, 5 + 2 * MM1_NS_PER_SEC);
            mm1_harness_pass(h);
        }
    }
    cr_assert(id != 0 && step != NULL && step->kind == MM1_STEP_WAIT);
    return id;
}

Test(harness, start_answered)
{
    mm1_addr addr;
    uint64_t id = begin_start(&addr);
    mm1_harness_tell(h, addr, mm1_started, .start = id, .addr = FAR);
    mm1_harness_run(h);
    cr_assert(seen.flag && seen.status == MM1_OK && mm1_addr_equal(seen.addr, FAR));
    mm1_harness_close(h);
}

Test(harness, start_answered_with_a_failure)
{
    mm1_addr addr;
    uint64_t id = begin_start(&addr);
    struct mm1_reason reason = mm1_reason_of(MM1_REASON_INIT_FAILED);
    mm1_harness_tell(h, addr, mm1_start_failed, .start = id, .child = FAR,
                     .why = mm1_why_of(&reason));
    mm1_harness_run(h);
    cr_assert(seen.flag && seen.status == MM1_EXITED);
    cr_assert_eq(start.reason.kind, MM1_REASON_INIT_FAILED);
    mm1_harness_close(h);
}

Test(harness, start_that_times_out)
{
    mm1_addr addr;
    (void)begin_start(&addr);
    mm1_harness_advance(h, 2 * MM1_NS_PER_SEC);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_KILL);
    cr_assert(mm1_addr_equal(step->effect.target, FAR));
    answer(MM1_OK, 0);
    mm1_harness_run(h);
    cr_assert(seen.flag && seen.status == MM1_TIMEOUT);
    mm1_harness_close(h);
}

Test(harness, recv)
{
    open_plain();
    mm1_addr addr;
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &taker}, &addr), MM1_OK);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_rest(h);
    cr_assert_eq(mm1_harness_deliver(h, addr, &note_type, &(struct note){.no = 1}, NULL), MM1_OK);
    cr_assert_eq(mm1_harness_deliver(h, addr, &note_type, &(struct note){.no = 2},
                                     &(struct mm1_header){.trace_id = 77, .priority = true}),
                 MM1_OK);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.note_count == 1 && seen.notes[0] == 2, "priority overtakes");
    cr_assert(seen.flag && seen.number == 77);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.note_count == 2 && seen.notes[1] == 1 && !seen.flag);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status do_init_done(struct mm1_ctx *ctx)
{
    mm1_init_done(ctx, mm1_self(ctx));
    return MM1_OK;
}

Test(harness, init_done)
{
    open_plain();
    mm1_addr addr = actor_that(do_init_done);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_INIT_DONE);
    cr_assert(mm1_addr_equal(step->effect.target, addr));
    mm1_harness_pass(h);
    waits_and_rests(addr);
}

static mm1_status do_init_ignore(struct mm1_ctx *ctx)
{
    mm1_init_ignore(ctx);
    return MM1_OK;
}

Test(harness, init_ignore)
{
    open_plain();
    mm1_addr addr = actor_that(do_init_ignore);
    mm1_harness_expect(h, MM1_EFFECT_INIT_IGNORE);
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, addr, MM1_REASON_NORMAL);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

/* Nothing is done: the actor is as it was. */
Test(harness, init_ignore_answered)
{
    open_plain();
    mm1_addr addr = actor_that(do_init_ignore);
    mm1_harness_expect(h, MM1_EFFECT_INIT_IGNORE);
    mm1_harness_answer(h, &(struct mm1_answer){.status = MM1_OK});
    waits_and_rests(addr);
}

static mm1_status do_close(struct mm1_ctx *ctx)
{
    seen.status = mm1_close(ctx);
    return MM1_OK;
}

Test(harness, recv_close)
{
    open_plain();
    mm1_addr addr = actor_that(do_close);
    mm1_harness_tell(h, addr, note, .no = 4);
    mm1_harness_expect(h, MM1_EFFECT_CLOSE);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.status, MM1_OK);
    cr_assert_eq(mm1_harness_deliver(h, addr, &note_type, &(struct note){.no = 5}, NULL),
                 MM1_CLOSED);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.note_count == 1 && seen.notes[0] == 4, "what had arrived is received");
    const struct mm1_step *step = mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    cr_assert_eq(step->reason.code, MM1_CLOSED);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status do_fork(struct mm1_ctx *ctx)
{
    if (mm1_is_fork(ctx)) {
        mm1_fork_end(ctx);
        return MM1_OK;
    }
    seen.status = mm1_fork(ctx, &(struct mm1_fork){.behaviour = &doer}, &seen.addr);
    return MM1_OK;
}

Test(harness, fork_and_run)
{
    open_plain();
    mm1_addr addr = actor_that(do_fork);
    mm1_harness_expect(h, MM1_EFFECT_FORK);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.status, MM1_OK);
    mm1_addr fork = seen.addr;
    const struct mm1_step *step = mm1_harness_expect_wait(h, fork);
    cr_assert(mm1_addr_equal(step->actor, addr) && !mm1_addr_equal(fork, addr));
    mm1_harness_tell(h, addr, note, .no = 1);
    mm1_harness_tell(h, fork, note, .no = 2);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_wait(h, fork);
    cr_assert(seen.note_count == 2 && seen.notes[0] == 1 && seen.notes[1] == 2);
    mm1_harness_tell(h, fork, go, .mm1_unit = 0);
    step = mm1_harness_expect(h, MM1_EFFECT_FORK_END);
    cr_assert(mm1_addr_equal(step->context, fork) && mm1_addr_equal(step->actor, addr));
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, fork, MM1_REASON_NORMAL);
    cr_assert_eq(seen.finis, 1);
    mm1_harness_tell(h, addr, note, .no = 3);
    waits_and_rests(addr);
}

Test(harness, forks_end_with_their_actor)
{
    open_plain();
    mm1_addr addr = actor_that(do_fork);
    mm1_harness_expect(h, MM1_EFFECT_FORK);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_wait(h, seen.addr);
    script = do_quit;
    mm1_harness_tell(h, seen.addr, go, .mm1_unit = 0);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_QUIT);
    cr_assert(mm1_addr_equal(step->context, seen.addr), "also from a fork");
    mm1_harness_pass(h);
    mm1_harness_expect_ended(h, addr, MM1_REASON_NORMAL);
    cr_assert_eq(seen.finis, 2);
    mm1_harness_tell(h, seen.addr, note, .no = 1);
    mm1_harness_expect_rest(h);
    cr_assert_eq(seen.note_count, 0);
    mm1_harness_close(h);
}

Test(harness, fork_answered)
{
    open_plain();
    mm1_addr addr = actor_that(do_fork);
    mm1_harness_expect(h, MM1_EFFECT_FORK);
    answer(MM1_OK, FAR.bits);
    mm1_harness_expect_wait(h, addr);
    cr_assert(mm1_addr_equal(seen.addr, FAR));
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static const struct mm1_net served = {.addr = {0xfff0000000010000u}, .mask = 48};

static mm1_status do_bind(struct mm1_ctx *ctx)
{
    seen.status = mm1_bind(ctx, served, 0);
    return mm1_close(ctx);
}

Test(harness, bind_net_address)
{
    open_plain();
    mm1_addr addr = actor_that(do_bind);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_BIND);
    struct mm1_net net = mm1_step_net(step);
    cr_assert(mm1_addr_equal(net.addr, served.addr) && net.mask == served.mask);
    mm1_harness_pass(h);
    mm1_harness_expect(h, MM1_EFFECT_CLOSE);
    cr_assert_eq(seen.status, MM1_OK);
    mm1_harness_tell(h, MM1_ADDR(served.addr.bits + 9), note, .no = 6);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.note_count == 1 && seen.notes[0] == 6);
    const struct mm1_step *end = mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    cr_assert_eq(end->reason.code, MM1_CLOSED);
    mm1_harness_close(h);
}

Test(harness, tell)
{
    open_plain();
    mm1_addr addr = actor_that(do_tell);
    cr_assert_eq(mm1_harness_expect_tell(h, FAR, note)->no, 7);
    answer(MM1_FULL, 0);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.status, MM1_FULL);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    mm1_harness_expect(h, MM1_EFFECT_SEND);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.status, MM1_OK);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_addr forward_to;

static mm1_status forwarder_receive(struct mm1_ctx *ctx, void *state,
                                    const struct mm1_envelope *envelope)
{
    (void)state;
    seen.status = mm1_forward(ctx, forward_to, envelope);
    return MM1_OK;
}

static const struct mm1_behaviour forwarder = {.name = "forwarder", .receive = forwarder_receive};

Test(harness, tell_that_forwards)
{
    open_plain();
    mm1_addr addr;
    forward_to = spawn_named("target");
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &forwarder}, &addr), MM1_OK);
    mm1_harness_run(h);
    mm1_harness_tell(h, addr, note, .no = 8);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_FORWARD);
    cr_assert(mm1_addr_equal(step->effect.target, forward_to) && step->effect.type == &note_type);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_wait(h, forward_to);
    cr_assert(seen.note_count == 1 && seen.notes[0] == 8);
    mm1_harness_close(h);
}

Test(harness, quit)
{
    open_plain();
    mm1_addr addr = actor_that(do_quit_badly);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_QUIT);
    cr_assert_eq(step->effect.reason->code, 3);
    answer(MM1_OK, 0);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.flag, "answered, it goes on");
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    mm1_harness_expect(h, MM1_EFFECT_QUIT);
    mm1_harness_pass(h);
    step = mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    cr_assert_str_eq(step->reason.text, "three");
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status do_fail(struct mm1_ctx *ctx)
{
    (void)ctx;
    return MM1_MALFORMED;
}

Test(harness, actor_return_error)
{
    open_plain();
    mm1_addr addr = actor_that(do_fail);
    const struct mm1_step *step = mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    cr_assert_eq(step->reason.code, MM1_MALFORMED);
    cr_assert_str_eq(step->reason.text, mm1_status_text(MM1_MALFORMED));
    init_script = do_fail;
    addr = spawn_named(NULL);
    mm1_harness_expect_ended(h, addr, MM1_REASON_INIT_FAILED);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status do_watch(struct mm1_ctx *ctx)
{
    seen.status = mm1_watch(ctx, FAR, &seen.number);
    mm1_unwatch(ctx, seen.number);
    return MM1_OK;
}

Test(harness, watching)
{
    open_plain();
    mm1_addr addr = actor_that(do_watch);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_WATCH);
    cr_assert(mm1_addr_equal(step->effect.target, FAR));
    answer(MM1_OK, 4711);
    step = mm1_harness_expect(h, MM1_EFFECT_UNWATCH);
    cr_assert_eq(step->effect.number, 4711);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.number, 4711);
    struct mm1_reason reason = mm1_reason_of(MM1_REASON_KILLED);
    mm1_harness_tell(h, addr, mm1_down, .peer = FAR, .ref = 4711, .why = mm1_why_of(&reason));
    mm1_harness_expect_wait(h, addr);
    cr_assert_str_eq(seen.downs, "down 4;", "%s", seen.downs);
    mm1_harness_close(h);
}

static mm1_status do_link(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    seen.status = mm1_link(ctx, seen.addr);
    if (seen.status == MM1_OK && seen.flag) {
        seen.status = mm1_unlink(ctx, seen.addr);
    }
    return MM1_OK;
}

Test(harness, linking)
{
    open_plain();
    seen.addr = FAR;
    seen.flag = true;
    mm1_addr addr = actor_that(do_link);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_TRAP_EXIT);
    cr_assert_eq(step->effect.number, 1);
    mm1_harness_pass(h);
    step = mm1_harness_expect(h, MM1_EFFECT_LINK);
    cr_assert(mm1_addr_equal(step->effect.target, FAR));
    answer(MM1_OK, 0);
    step = mm1_harness_expect(h, MM1_EFFECT_UNLINK);
    cr_assert(mm1_addr_equal(step->effect.target, FAR));
    answer(MM1_NOMEM, 0);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(seen.status, MM1_NOMEM);
    mm1_harness_close(h);
}

Test(harness, links_that_are_passed_are_real)
{
    open_plain();
    mm1_addr peer = spawn_named("peer");
    mm1_harness_expect_wait(h, peer);
    seen.addr = peer;
    mm1_addr addr = actor_that(do_link);
    mm1_harness_unseen(h, MM1_EFFECT_TRAP_EXIT, true);
    mm1_harness_unseen(h, MM1_EFFECT_LINK, true);
    mm1_harness_expect_wait(h, addr);
    cr_assert_eq(mm1_harness_kill(h, peer), MM1_OK);
    mm1_harness_expect_ended(h, peer, MM1_REASON_KILLED);
    mm1_harness_expect_wait(h, addr);
    cr_assert_str_eq(seen.downs, "exited 4;", "%s", seen.downs);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

static mm1_status do_stop(struct mm1_ctx *ctx)
{
    seen.status = mm1_exit(ctx, FAR, MM1_SHUTDOWN);
    seen.flag = mm1_kill(ctx, FAR) == MM1_NOPROC;
    return MM1_OK;
}

Test(harness, stop)
{
    open_plain();
    mm1_addr addr = actor_that(do_stop);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_EXIT);
    cr_assert(mm1_addr_equal(step->effect.target, FAR));
    cr_assert_eq(step->effect.reason->kind, MM1_REASON_SHUTDOWN);
    answer(MM1_NOCONNECTION, 0);
    step = mm1_harness_expect(h, MM1_EFFECT_KILL);
    cr_assert(mm1_addr_equal(step->effect.target, FAR));
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    cr_assert(seen.status == MM1_NOCONNECTION && seen.flag);
    mm1_harness_close(h);
}
