/* Function actors: ask, start, shutdown and ping, what comes too late for them, and refused memory. */
#include "script.h"

static mm1_status ask(struct mm1_ctx *ctx, mm1_addr to, const struct job *m)
{
    const struct result *twice;
    mm1_status status = mm1_ask(ctx, to, 10 * MS, job, result, &twice, .n = m->n, .delay = m->delay,
                                .silent = m->silent, .end = m->end, .fail = m->fail);
    if (status == MM1_OK) {
        say("%u; ", twice->n);
    } else if (status == MM1_EXITED) {
        say("exited %s; ", reason_text(mm1_call_reason(ctx)));
    } else {
        say("%s; ", mm1_status_text(status));
    }
    return status;
}

/* --- ask --------------------------------------------------------------------------------------------------------- */

static mm1_status asks(struct mm1_ctx *ctx)
{
    (void)ask(ctx, server, &(struct job){.n = 1});
    (void)ask(ctx, server, &(struct job){.n = 2, .delay = 9 * MS});
    (void)ask(ctx, server, &(struct job){.silent = true});
    (void)ask(ctx, MM1_ADDR(0x1234), &(struct job){.n = 1});
    (void)ask(ctx, MM1_ADDR(mm1_self(ctx).bits + 256 * 100), &(struct job){.n = 1});
    (void)ask(ctx, child(ctx, serve, false), &(struct job){.silent = true, .end = true});
    (void)ask(ctx, child(ctx, serve, false), &(struct job){.silent = true, .fail = true});
    return say_all(ctx);
}

Test(function_calls, all_ends_of_an_ask, .init = setup, .fini = teardown)
{
    play(asks);
    mini_advance(&world, 100 * MS);
    expect("2; 4; timed out; not found; no such actor; exited normal; "
           "exited error 25: internal error; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

static mm1_status asks_the_slow(struct mm1_ctx *ctx)
{
    (void)ask(ctx, server, &(struct job){.n = 1, .delay = 15 * MS});
    (void)ask(ctx, server, &(struct job){.n = 2, .delay = 1 * MS});
    (void)ask(ctx, server, &(struct job){.n = 3, .delay = 15 * MS});
    return say_all(ctx);
}

Test(function_calls, stale_reply_is_not_accepted, .init = setup, .fini = teardown)
{
    play(asks_the_slow);
    mini_advance(&world, 100 * MS);
    expect("timed out; 4; timed out; ");
}

static mm1_status asks_first(struct mm1_ctx *ctx)
{
    (void)ask(ctx, server, &(struct job){.n = 1, .delay = 5 * MS});
    return say_all(ctx);
}

Test(function_calls, bystander_is_not_destroyed, .init = setup, .fini = teardown)
{
    play(asks_first);
    tell(1);
    mini_settle(&world);
    send_to(actor, &note_type, &(struct note){.n = 2}, true);
    tell(3);
    mini_settle(&world);
    tell_word("a");
    expect("");
    mini_advance(&world, 5 * MS);
    expect("2; 2; 1; 3; a; ");
}

static mm1_status asks_in_vain(struct mm1_ctx *ctx)
{
    (void)ask(ctx, server, &(struct job){.silent = true});
    return say_all(ctx);
}

Test(function_calls, bystanders_of_a_timeout, .init = setup, .fini = teardown)
{
    play(asks_in_vain);
    tell(1);
    mini_advance(&world, 5 * MS);
    tell(2);
    mini_advance(&world, 5 * MS);
    expect("timed out; 1; 2; ");
}

/* Servers that answer and end: each leaves an mm1_down in the queue, behind other messages, which the function does not
 * look at before it asks the next. */
static mm1_status asks_the_dying(struct mm1_ctx *ctx)
{
    for (uint32_t n = 0; n < 30; n++) {
        for (uint32_t i = 0; i < 5; i++) {
            MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = n));
        }
        (void)ask(ctx, child(ctx, serve, false), &(struct job){.n = n, .end = true});
    }
    say("\n");
    for (uint32_t i = 0; i < 150; i++) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv_for(ctx, 0, &envelope));
        cr_assert(mm1_is(envelope, &note_type), "%s", envelope->type->name);
        cr_assert_eq(((const struct note *)envelope->msg)->n, i / 5);
    }
    const struct mm1_envelope *none;
    say("%s; ", mm1_status_text(mm1_recv_for(ctx, 0, &none)));
    return MM1_OK;
}

Test(function_calls, ends_of_servers_that_answered_are_never_seen, .init = setup, .fini = teardown)
{
    play(asks_the_dying);
    mini_advance(&world, 1 * MS);
    expect("0; 2; 4; 6; 8; 10; 12; 14; 16; 18; 20; 22; 24; 26; 28; 30; 32; 34; 36; 38; 40; 42; 44; "
           "46; 48; 50; 52; 54; 56; 58; \ntimed out; ");
}

static mm1_status watches_and_asks(struct mm1_ctx *ctx)
{
    uint64_t ref;
    mm1_addr dying = child(ctx, serve, false);
    MM1_TRY(mm1_watch(ctx, dying, &ref));
    (void)ask(ctx, dying, &(struct job){.n = 1, .end = true});
    return say_all(ctx);
}

Test(function_calls, a_watch_of_its_own_is_told, .init = setup, .fini = teardown)
{
    play(watches_and_asks);
    expect("2; down normal; ");
}

/* Several questions at once, in the form for behaviours, beside one that waits. */
static mm1_status asks_many(struct mm1_ctx *ctx)
{
    struct mm1_ask questions[3] = {{.id = 0}};
    for (uint32_t i = 0; i < 3; i++) {
        mm1_addr to = child(ctx, serve, true);
        MM1_TRY(
            mm1_ask_begin(ctx, &questions[i], to, 100 * MS, job, .n = i, .delay = (3 - i) * MS));
    }
    (void)ask(ctx, server, &(struct job){.n = 50, .delay = 9 * MS});
    for (uint32_t answered = 0; answered < 3;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        for (uint32_t i = 0; i < 3; i++) {
            const void *body;
            if (mm1_ask_take(ctx, &questions[i], envelope, &result_response_type, &body) ==
                MM1_ASK_REPLY) {
                say("%u: %u; ", i, ((const struct result *)body)->n);
                answered++;
                break;
            }
        }
    }
    return MM1_OK;
}

Test(function_calls, questions_of_both_forms, .init = setup, .fini = teardown)
{
    play(asks_many);
    mini_advance(&world, 10 * MS);
    expect("100; 2: 4; 1: 2; 0: 0; ");
}

/* --- start ------------------------------------------------------------------------------------------------------- */

static mm1_status starts_well(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 5 * MS));
    mm1_init_done(ctx, MM1_ADDR(mm1_self(ctx).bits + 3));
    mm1_init_done(ctx, mm1_self(ctx));
    return say_all(ctx);
}

static mm1_status returns_at_once(struct mm1_ctx *ctx)
{
    (void)ctx;
    return MM1_OK;
}

static mm1_status fails_at_once(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    return MM1_IO;
}

static mm1_addr hanging;

static mm1_status hangs(struct mm1_ctx *ctx)
{
    hanging = mm1_self(ctx);
    return mm1_sleep(ctx, 1000 * MM1_NS_PER_SEC);
}

static mm1_status start(struct mm1_ctx *ctx, script *run, bool link, mm1_addr *out)
{
    struct mm1_spawn spawn = spawn_of(&run);
    spawn.link = link;
    mm1_status status = mm1_start(ctx, &spawn, 10 * MS, out);
    if (status == MM1_EXITED) {
        say("exited %s; ", reason_text(mm1_call_reason(ctx)));
    } else {
        say("%s; ", mm1_status_text(status));
    }
    return status;
}

static mm1_status starts(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    for (unsigned linked = 0; linked < 2; linked++) {
        (void)start(ctx, returns_at_once, linked != 0, &addr);
        (void)start(ctx, fails_at_once, linked != 0, &addr);
        (void)start(ctx, hangs, linked != 0, &addr);
        MM1_TRY(mm1_sleep(ctx, 1 * MS));
        cr_assert(!mm1_owner(ctx, hanging, &addr));
    }
    MM1_TRY(start(ctx, starts_well, false, &addr));
    say("%u; ", (unsigned)addr.bits % 256);
    return say_all(ctx);
}

Test(function_calls, all_ends_of_a_start, .init = setup, .fini = teardown)
{
    play(starts);
    mini_advance(&world, 100 * MS);
    expect("exited normal; exited error 18: input/output error; timed out; "
           "exited normal; exited error 18: input/output error; timed out; ok; 3; ");
    tell(1);
    mini_settle(&world);
    expect("1; ");
}

static mm1_status starts_what_is_killed(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    (void)start(ctx, hangs, true, &addr);
    return say_all(ctx);
}

static mm1_status kills_the_hanging(struct mm1_ctx *ctx)
{
    return mm1_kill(ctx, hanging);
}

Test(function_calls, a_start_whose_child_somebody_else_kills, .init = setup, .fini = teardown)
{
    play(starts_what_is_killed);
    mm1_addr starter = actor;
    play(kills_the_hanging);
    actor = starter;
    expect("exited killed; ");
    tell(1);
    mini_settle(&world);
    expect("1; ");
}

static mm1_status ready_and_fails(struct mm1_ctx *ctx)
{
    mm1_init_done(ctx, mm1_self(ctx));
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    return MM1_IO;
}

static mm1_status starts_alone(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    MM1_TRY(start(ctx, ready_and_fails, false, &addr));
    MM1_TRY(mm1_sleep(ctx, 2 * MS));
    say("still here; ");
    return MM1_OK;
}

static mm1_status starts_linked(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    MM1_TRY(start(ctx, ready_and_fails, true, &addr));
    MM1_TRY(mm1_sleep(ctx, 2 * MS));
    say("never; ");
    return MM1_OK;
}

static mm1_status starts_linked_and_traps(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    mm1_trap_exit(ctx, true);
    MM1_TRY(start(ctx, ready_and_fails, true, &addr));
    return say_all(ctx);
}

Test(function_calls, after_a_start_the_child_is_linked_or_not, .init = setup, .fini = teardown)
{
    play(starts_alone);
    mini_advance(&world, 10 * MS);
    expect("ok; still here; ");
    play(starts_linked);
    mini_advance(&world, 10 * MS);
    expect("ok; ");
    play(starts_linked_and_traps);
    mini_advance(&world, 10 * MS);
    expect("ok; exited error 18: input/output error; ");
}

Test(function_calls, a_start_that_is_over_takes_nobody_along, .init = setup, .fini = teardown)
{
    play(starts_what_is_killed);
    mini_advance(&world, 5 * MS);
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    mini_advance(&world, 20 * MS);
    cr_assert_eq(mm1_node_resume(node.node, actor), MM1_OK);
    mini_settle(&world);
    expect("timed out; ");
    tell(1);
    mini_settle(&world);
    expect("1; ");
}

/* Ready just when the time is over: the child lies behind the timeout in the queue, and is linked already. */
static mm1_status ready_in_the_last_moment(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    mm1_init_done(ctx, mm1_self(ctx));
    return say_all(ctx);
}

static mm1_status starts_the_late(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    (void)start(ctx, ready_in_the_last_moment, true, &addr);
    return say_all(ctx);
}

Test(function_calls, a_child_that_was_ready_behind_the_timeout, .init = setup, .fini = teardown)
{
    play(starts_the_late);
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    mini_advance(&world, 20 * MS);
    cr_assert_eq(mm1_node_resume(node.node, actor), MM1_OK);
    mini_settle(&world);
    expect("timed out; ");
    tell(1);
    mini_settle(&world);
    expect("1; ");
    cr_assert_eq(mm1_node_actors(node.node), 2);
}

static mm1_status starts_in_a_fork(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    MM1_TRY(start(ctx, starts_well, true, &addr));
    (void)start(ctx, fails_at_once, true, &addr);
    return MM1_OK;
}

static mm1_status forks_a_starter(struct mm1_ctx *ctx)
{
    script *run = starts_in_a_fork;
    mm1_addr forked;
    struct mm1_fork fork = {.behaviour = &scripted.behaviour, .arg = &run, .arg_size = sizeof(run)};
    MM1_TRY(mm1_fork(ctx, &fork, &forked));
    return say_all(ctx);
}

Test(function_calls, a_fork_starts, .init = setup, .fini = teardown)
{
    play(forks_a_starter);
    mini_advance(&world, 20 * MS);
    expect("ok; exited error 18: input/output error; ");
}

/* --- shutdown ---------------------------------------------------------------------------------------------------- */

static mm1_status obeys(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1_recv_type(ctx, MM1_FOREVER, &mm1_exited_type, &envelope));
    MM1_TRY(mm1_sleep(ctx, 5 * MS));
    return MM1_IO;
}

static mm1_status resists(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    return say_all(ctx);
}

static mm1_status shuts_down(struct mm1_ctx *ctx)
{
    script *const children[] = {hangs, obeys, resists};
    for (size_t i = 0; i < MM1_COUNT_OF(children); i++) {
        mm1_addr addr = child(ctx, children[i], false);
        MM1_TRY(mm1_sleep(ctx, 1 * MS));
        uint64_t began = mm1_now(ctx);
        for (unsigned k = 0; k < 2; k++) {
            MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = k));
            mm1_status status = mm1_shutdown(ctx, addr, 10 * MS);
            say("%s %s after %u; ", mm1_status_text(status), reason_text(mm1_call_reason(ctx)),
                (unsigned)((mm1_now(ctx) - began) / MS));
        }
    }
    say("%s; ", mm1_status_text(mm1_shutdown(ctx, MM1_ADDR(0x1234), 10 * MS)));
    return say_all(ctx);
}

Test(function_calls, shutdown, .init = setup, .fini = teardown)
{
    play(shuts_down);
    mini_advance(&world, 100 * MS);
    expect("ok shutdown after 0; ok noproc after 0; "
           "ok error 18: input/output error after 5; ok noproc after 5; "
           "exited shutdown; ok killed after 10; ok noproc after 10; "
           "no connection; 0; 1; 0; 1; 0; 1; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

/* --- ping -------------------------------------------------------------------------------------------------------- */

static mm1_status pings(struct mm1_ctx *ctx)
{
    uint64_t round_trip;
    mm1_addr busy = child(ctx, hangs, false);
    MM1_TRY(mm1_ping_for(ctx, busy, 10 * MS, &round_trip));
    say("%u; ", (unsigned)round_trip);
    mm1_addr nobody = MM1_ADDR(mm1_self(ctx).bits + 256 * 100);
    say("%s; ", mm1_status_text(mm1_ping_for(ctx, nobody, 10 * MS, &round_trip)));
    say("%s; ", mm1_status_text(mm1_ping_for(ctx, MM1_ADDR(0x1234), 10 * MS, &round_trip)));
    return say_all(ctx);
}

Test(function_calls, ping, .init = setup, .fini = teardown)
{
    play(pings);
    mini_advance(&world, 20 * MS);
    expect("0; timed out; not found; ");
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static void nothing(void *arg)
{
    (*(unsigned *)arg)++;
}

static unsigned cleaned;
static unsigned deferred;

/* Every verb that waits, and those that take memory; at what is refused it gives up. */
static mm1_status does_it_all(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    const struct result *twice;
    mm1_addr addr;
    uint64_t round_trip;
    script *run = starts_well;
    struct mm1_spawn spawn = spawn_of(&run);
    spawn.link = true;
    MM1_TRY(mm1_defer(ctx, nothing, &cleaned));
    deferred++;
    char *memory = mm1_arena_take(ctx, 100);
    if (memory == NULL) {
        return MM1_NOMEM;
    }
    memory[99] = 'x';
    MM1_TRY(mm1_recv(ctx, &envelope));
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    MM1_TRY(mm1_start(ctx, &spawn, 50 * MS, &addr));
    MM1_TRY(mm1_ask(ctx, server, 50 * MS, job, result, &twice, .n = 1));
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), word, .text = MM1_TEXT("a")));
    MM1_TRY(mm1_recv_type(ctx, 50 * MS, &word_type, &envelope));
    addr.bits -= 3;
    MM1_TRY(mm1_ping_for(ctx, addr, 50 * MS, &round_trip));
    MM1_TRY(mm1_unlink(ctx, addr));
    MM1_TRY(mm1_shutdown(ctx, addr, 50 * MS));
    MM1_TRY(mm1_ask(ctx, server, 50 * MS, job, result, &twice, .n = twice->n));
    cr_assert_eq(twice->n, 4);
    say("done; ");
    return MM1_OK;
}

/* The k-th request is refused, for all k: the actor ends in an orderly way, or did not need it. */
Test(function_calls, memory_is_refused)
{
    bool done = false;
    size_t k = 0;
    while (!done) {
        k++;
        cleaned = deferred = 0;
        setup();
        script *run = does_it_all;
        struct mm1_spawn spawn = spawn_of(&run);
        test_alloc_fail_at(&world.alloc, k);
        if (mm1_node_spawn(node.node, &spawn, &actor) == MM1_OK) {
            mm1_status sent =
                mm1_node_send(node.node, actor, &note_type, &(struct note){.n = 1}, NULL);
            cr_assert(sent == MM1_OK || sent == MM1_NOMEM);
            mini_advance(&world, 500 * MS);
            struct mm1_reason reason;
            bool ended = mm1_node_main_ended(node.node, &reason);
            cr_assert(ended || sent == MM1_NOMEM, "%zu: %s", k, seen);
            cr_assert(!ended || reason.kind == MM1_REASON_NORMAL ||
                          reason.kind == MM1_REASON_INIT_FAILED ||
                          reason.kind == MM1_REASON_ERROR || reason.kind == MM1_REASON_KILLED,
                      "%zu: %u", k, (unsigned)reason.kind);
            done = world.alloc.requests < k && strcmp(seen, "done; ") == 0;
        }
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert_eq(mm1_node_unrest(node.node), 0, "%zu: %s", k, seen);
        teardown();
        cr_assert_eq(cleaned, deferred);
        cr_assert_lt(k, 1000);
    }
    cr_assert_gt(k, 40);
}
