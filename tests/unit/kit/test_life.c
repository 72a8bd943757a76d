/* Start, shutdown and ping in the form for behaviours: their steps, and what is stale or somebody else's. */
#include <mm1/life.h>

#include "script.h"

enum { START, START_LINKED, START_WATCHED, CANCEL, SHUTDOWN, PING, PING_NOWHERE, TRAP };

/* What a caller does when a note tells it to; each call at most once at a time. */
struct caller {
    struct mm1_start start;
    struct mm1_shutdown shutdown;
    struct mm1_pinging ping;
    mm1_addr child;
};

static script *child_script;
static mm1_addr last_child;

static void began(mm1_status status, const uint64_t *number)
{
    cr_assert_eq(status == MM1_OK, *number != 0);
    if (status != MM1_OK) {
        say("%s; ", mm1_status_text(status));
    }
}

static void obey(struct mm1_ctx *ctx, struct caller *c, uint32_t what)
{
    struct mm1_spawn spawn = spawn_of(&child_script);
    spawn.link = what == START_LINKED;
    spawn.watch = what == START_WATCHED ? mm1_next_ref(ctx) : 0;
    switch (what) {
    case START:
    case START_LINKED:
    case START_WATCHED:
        began(mm1_start_begin(ctx, &c->start, &spawn, 10 * MS), &c->start.id);
        last_child = c->start.child;
        break;
    case CANCEL:
        mm1_start_cancel(ctx, &c->start);
        mm1_start_cancel(ctx, &c->start);
        break;
    case SHUTDOWN:
        began(mm1_shutdown_begin(ctx, &c->shutdown, c->child, 10 * MS), &c->shutdown.ref);
        break;
    case PING:
        began(mm1_ping_begin(ctx, &c->ping, c->child, 10 * MS), &c->ping.id);
        break;
    case PING_NOWHERE:
        began(mm1_ping_begin(ctx, &c->ping, MM1_ADDR(0x1234), 10 * MS), &c->ping.id);
        break;
    default:
        mm1_trap_exit(ctx, true);
    }
}

static bool take_start(struct mm1_ctx *ctx, struct caller *c, const struct mm1_envelope *envelope)
{
    enum mm1_call call = mm1_start_take(ctx, &c->start, envelope);
    if (call == MM1_CALL_DONE) {
        cr_assert_eq(c->start.id, 0);
        say("start %s %s%s; ", mm1_status_text(c->start.status),
            c->start.status == MM1_EXITED ? reason_text(&c->start.reason) : "",
            c->start.ignored ? " ignored" : "");
        c->child = c->start.addr;
    }
    return call == MM1_CALL_DONE || call == MM1_CALL_GOES_ON;
}

static bool take_shutdown(struct mm1_ctx *ctx, struct caller *c,
                          const struct mm1_envelope *envelope)
{
    enum mm1_call call = mm1_shutdown_take(ctx, &c->shutdown, envelope);
    if (call == MM1_CALL_DONE) {
        cr_assert_eq(c->shutdown.ref, 0);
        say("shutdown %s %s; ", mm1_status_text(c->shutdown.status),
            reason_text(&c->shutdown.reason));
    } else if (call == MM1_CALL_GOES_ON) {
        say("kills; ");
    }
    return call == MM1_CALL_DONE || call == MM1_CALL_GOES_ON;
}

static bool take_ping(struct mm1_ctx *ctx, struct caller *c, const struct mm1_envelope *envelope)
{
    enum mm1_call call = mm1_ping_take(ctx, &c->ping, envelope);
    if (call == MM1_CALL_DONE) {
        cr_assert_eq(c->ping.id, 0);
        say("ping %s; ", mm1_status_text(c->ping.status));
    }
    return call == MM1_CALL_DONE;
}

static mm1_status caller_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct caller *c = state;
    MM1_ON(envelope, note, m) {
        obey(ctx, c, m->n);
        return MM1_OK;
    }
    if (!take_start(ctx, c, envelope) && !take_shutdown(ctx, c, envelope) &&
        !take_ping(ctx, c, envelope)) {
        struct mm1_start idle = {.id = 0};
        say("%s", mm1_start_take(ctx, &idle, envelope) == MM1_CALL_STALE ? "stale " : "");
        say_message(envelope);
    }
    return MM1_OK;
}

static const struct mm1_behaviour caller_behaviour = {
    .name = "caller", .state_size = sizeof(struct caller), .receive = caller_receive};

static void setup_caller(void)
{
    setup();
    struct mm1_spawn spawn = {.behaviour = &caller_behaviour};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &actor), MM1_OK);
}

static void order(uint32_t what, uint64_t ns)
{
    tell(what);
    mini_advance(&world, ns);
}

static bool child_lives(void)
{
    return mm1_node_path(node.node, last_child) != NULL;
}

/* --- children ---------------------------------------------------------------------------------------------------- */

static mm1_status ready(struct mm1_ctx *ctx)
{
    mm1_init_done(ctx, mm1_self(ctx));
    const struct mm1_envelope *envelope;
    MM1_TRY(mm1_recv(ctx, &envelope));
    return MM1_IO;
}

static mm1_status ready_and_stubborn(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    mm1_init_done(ctx, mm1_self(ctx));
    return mm1_sleep(ctx, MM1_FOREVER);
}

static mm1_status fails(struct mm1_ctx *ctx)
{
    (void)ctx;
    return MM1_IO;
}

static mm1_status not_needed(struct mm1_ctx *ctx)
{
    mm1_init_ignore(ctx);
    return MM1_OK;
}

/* Also one that waits: its turn is over. */
static mm1_status not_needed_after_all(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 5 * MS));
    mm1_init_ignore(ctx);
    return mm1_sleep(ctx, MM1_FOREVER);
}

static mm1_status hangs(struct mm1_ctx *ctx)
{
    return mm1_sleep(ctx, MM1_FOREVER);
}

static mm1_status ready_late(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    mm1_init_done(ctx, mm1_self(ctx));
    return mm1_sleep(ctx, MM1_FOREVER);
}

/* --- start ------------------------------------------------------------------------------------------------------- */

Test(life, a_start_succeeds, .init = setup_caller, .fini = teardown)
{
    child_script = ready;
    order(START, 20 * MS);
    expect("start ok ; ");
    send_to(last_child, &note_type, &(struct note){.n = 1}, false);
    mini_settle(&world);
    expect("");
    order(TRAP, 0);
    order(START_LINKED, 20 * MS);
    send_to(last_child, &note_type, &(struct note){.n = 1}, false);
    mini_settle(&world);
    expect("start ok ; exited error 18: input/output error; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

Test(life, a_start_fails, .init = setup_caller, .fini = teardown)
{
    child_script = fails;
    order(START, 20 * MS);
    order(START_LINKED, 20 * MS);
    expect(
        "start exited error 18: input/output error; start exited error 18: input/output error; ");
    cr_assert_eq(mm1_node_actors(node.node), 2, "the caller lives on");
}

Test(life, a_start_is_ignored, .init = setup_caller, .fini = teardown)
{
    child_script = not_needed;
    order(START, 20 * MS);
    child_script = not_needed_after_all;
    order(START_LINKED, 20 * MS);
    expect("start exited normal ignored; start exited normal ignored; ");
    cr_assert_eq(mm1_node_actors(node.node), 2, "the caller lives on");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
    child_script = ready;
    order(START, 0);
    expect("start ok ; ");
    child_script = fails;
    order(START, 0);
    expect("start exited error 18: input/output error; ");
}

/* The watch begins with the child, and outlives its start. */
Test(life, a_start_with_a_watch, .init = setup_caller, .fini = teardown)
{
    child_script = fails;
    order(START_WATCHED, 20 * MS);
    expect("start exited error 18: input/output error; down error 18: input/output error; ");
    child_script = not_needed;
    order(START_WATCHED, 20 * MS);
    expect("start exited normal ignored; down normal; ");
    child_script = hangs;
    order(START_WATCHED, 20 * MS);
    expect("start timed out ; stale mm1_local::StartFailed; down killed; ");
    child_script = ready;
    order(START_WATCHED, 20 * MS);
    expect("start ok ; ");
    send_to(last_child, &note_type, &(struct note){.n = 1}, false);
    mini_settle(&world);
    expect("down error 18: input/output error; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

/* Nothing is under way then, and no timer is left. */
Test(life, a_start_while_the_node_shuts_down, .init = setup_caller, .fini = teardown)
{
    child_script = ready;
    mm1_node_refuse_spawns(node.node);
    order(START_LINKED, 0);
    expect("resource constraint; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

Test(life, a_start_takes_too_long, .init = setup_caller, .fini = teardown)
{
    child_script = hangs;
    order(START_LINKED, 9 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("start timed out ; stale mm1_local::StartFailed; ");
    cr_assert(!child_lives());
    cr_assert_eq(mm1_node_actors(node.node), 2);
}

Test(life, a_child_that_is_ready_behind_the_timeout, .init = setup_caller, .fini = teardown)
{
    child_script = ready_late;
    order(START_LINKED, 0);
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    mini_advance(&world, 20 * MS);
    cr_assert_eq(mm1_node_resume(node.node, actor), MM1_OK);
    mini_settle(&world);
    expect("start timed out ; stale mm1_local::Started; ");
    cr_assert(!child_lives());
    cr_assert_eq(mm1_node_actors(node.node), 2);
}

Test(life, a_start_is_cancelled, .init = setup_caller, .fini = teardown)
{
    child_script = hangs;
    order(START, 1 * MS);
    order(CANCEL, 20 * MS);
    expect("stale mm1_local::StartFailed; ");
    cr_assert(!child_lives());
    child_script = ready;
    order(START, 1 * MS);
    expect("start ok ; ");
}

/* --- shutdown ---------------------------------------------------------------------------------------------------- */

Test(life, shutdown, .init = setup_caller, .fini = teardown)
{
    child_script = ready;
    order(START, 0);
    order(SHUTDOWN, 20 * MS);
    order(SHUTDOWN, 20 * MS);
    expect("start ok ; shutdown ok shutdown; shutdown ok noproc; ");
    child_script = ready_and_stubborn;
    order(START, 0);
    order(SHUTDOWN, 9 * MS);
    expect("start ok ; ");
    cr_assert(child_lives());
    mini_advance(&world, 1 * MS);
    expect("kills; shutdown ok killed; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

/* The end of a linked peer is told by the call alone: it is not the end of a caller that does not trap exits. */
Test(life, shutdown_of_a_linked_child, .init = setup_caller, .fini = teardown)
{
    child_script = ready;
    order(START_LINKED, 0);
    order(SHUTDOWN, 20 * MS);
    expect("start ok ; shutdown ok shutdown; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

Test(life, shutdown_of_a_remote_peer, .init = setup_caller, .fini = teardown)
{
    order(SHUTDOWN, 20 * MS);
    expect("shutdown no connection noconnection; ");
}

/* --- ping -------------------------------------------------------------------------------------------------------- */

Test(life, ping, .init = setup_caller, .fini = teardown)
{
    child_script = ready;
    order(START, 0);
    order(PING, 0);
    expect("start ok ; ping ok; ");
    cr_assert_eq(mm1_node_exit(node.node, last_child, MM1_SHUTDOWN), MM1_OK);
    order(PING, 9 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("ping timed out; ");
    order(PING_NOWHERE, 20 * MS);
    expect("not found; ");
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static unsigned refuse_each(uint32_t what, const char *success)
{
    unsigned fails_seen = 0;
    for (size_t k = 1;; k++) {
        tell(what);
        test_alloc_fail_at(&world.alloc, k);
        mini_run(&world, 1);
        test_alloc_fail_at(&world.alloc, 0);
        bool failed = strcmp(seen, "out of memory; ") == 0;
        mini_settle(&world);
        if (!failed) {
            expect(success);
            return fails_seen;
        }
        fails_seen++;
        expect("out of memory; ");
        cr_assert_eq(mm1_node_unrest(node.node), 0);
    }
}

Test(life, memory_is_refused, .init = setup_caller, .fini = teardown)
{
    child_script = ready;
    order(START, 0);
    expect("start ok ; ");
    cr_assert_geq(refuse_each(START, "start ok ; "), 6);
    child_script = not_needed;
    cr_assert_geq(refuse_each(START_WATCHED, "start exited normal ignored; down normal; "), 8);
    child_script = ready;
    order(START, 0);
    expect("start ok ; ");
    cr_assert_eq(refuse_each(PING, "ping ok; "), 2);
    /* Without memory for the exit signal the kill comes at once. */
    cr_assert_eq(refuse_each(SHUTDOWN, "shutdown ok killed; "), 3);
}
