/* Watches: WATCH-01 to WATCH-05 and what OTP says of monitors. */
#include "puppet.h"

static struct puppet a, b, c;

static void two(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
}

/* WATCH-01, OTP M1, M4, M9: independent, each once, with the reason as it is. */
CORE_TEST(watch, each_once)
{
    two();
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    cr_assert_neq(a.refs[0], a.refs[1]);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    expect_log(&a, "down b#1 normal; down b#2 normal; ");
}

CORE_TEST(watch, keeps_the_reason)
{
    two();
    make(&a, OP_WATCH, b.addr, 0);
    make(&b, OP_FAIL, b.addr, MM1_NO_SPACE);
    expect_log(&a, "down b#1 error 20: no space left; ");
    cr_assert(lives(&a)); /* it kills nobody */
}

/* WATCH-02, OTP M3. */
CORE_TEST(watch, dead)
{
    two();
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    make(&a, OP_WATCH, b.addr, 0);
    expect_log(&a, "down b#1 noproc; ");
    make(&a, OP_WATCH, MM1_ADDR(0xaa00000000000000u), 0); /* never used */
    expect_log(&a, "down nobody#2 noproc; ");
}

/* The request arrives when its target has ended. */
CORE_TEST(watch, too_late)
{
    two();
    world.hold_signals = true;
    make(&a, OP_WATCH, b.addr, 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    mini_land_all(&world);
    expect_log(&a, "down b#1 noproc; ");
}

/* WATCH-03, OTP M6, M7. */
CORE_TEST(watch, unwatch)
{
    two();
    spawn(&c, "c");
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_UNWATCH, b.addr, a.refs[0]);
    make(&a, OP_UNWATCH, b.addr, a.refs[0]);
    make(&a, OP_UNWATCH, b.addr, 77);
    make(&c, OP_UNWATCH, b.addr, a.refs[1]); /* not the owner */
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    expect_log(&a, "down b#2 normal; ");
    make(&a, OP_UNWATCH, b.addr, a.refs[1]);
}

/* WATCH-03: on its way it is dropped, in the queue it stays. */
CORE_TEST(watch, unwatch_meets_down)
{
    two();
    make(&a, OP_WATCH, b.addr, 0);
    world.hold_signals = true;
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    make(&a, OP_UNWATCH, b.addr, a.refs[0]);
    mini_land_all(&world);
    expect_log(&a, "");

    world.hold_signals = false;
    spawn(&b, "b2");
    make(&a, OP_WATCH, b.addr, 0);
    tell(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    tell(&a, OP_NOTE, NOWHERE, 0);
    tell(&a, OP_NOTE, NOWHERE, 0);
    cr_assert_eq(mini_run(&world, 2), 2);
    tell(&a, OP_UNWATCH, b.addr, a.refs[1]);
    mini_settle(&world);
    expect_log(&a, "down b2#2 normal; ");
}

/* WATCH-04, OTP M10: the watcher's end leaves nothing with the watched. */
CORE_TEST(watch, watcher_ends)
{
    two();
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    cr_assert_eq(mm1_tree_count(&mm1__live(home.node, b.addr.bits)->watchers), 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
}

/* WATCH-05. */
static void bind_local(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_bind(ctx, (struct mm1_net){.addr = {0xaa10000000000100u}, .mask = 64}, 0);
}

CORE_TEST(watch, bound_or_remote)
{
    two();
    call(&b, bind_local);
    make(&a, OP_WATCH, MM1_ADDR(0xaa10000000000100u), 0);
    make(&a, OP_WATCH, NOWHERE, 0);
    expect_log(&a, "down nobody#1 noconnection; down nobody#2 noconnection; ");
}

/* OTP M5: of oneself; it never fires. */
CORE_TEST(watch, oneself)
{
    spawn(&a, "a");
    make(&a, OP_WATCH, a.addr, 0);
    cr_assert_eq(a.status, MM1_OK);
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    cr_assert_not(lives(&a));
}

/* OTP M12: link and watch of one death both speak. */
CORE_TEST(watch, with_a_link)
{
    two();
    make(&a, OP_TRAP, a.addr, 1);
    make(&a, OP_LINK, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    expect_log(&a, "exited b shutdown; down b#1 shutdown; ");
}

/* OTP S1: the watch was sent before the kill, so the reason is known. */
static void watch_then_kill(struct mm1_ctx *ctx, struct puppet *p)
{
    cr_assert_eq(mm1_watch(ctx, p->other->addr, &p->refs[0]), MM1_OK);
    cr_assert_eq(mm1_kill(ctx, p->other->addr), MM1_OK);
}

CORE_TEST(watch, then_kill)
{
    two();
    a.other = &b;
    call(&a, watch_then_kill);
    expect_log(&a, "down b#1 killed; ");
}

/* OTP's demonitor with flush and info: M6. */
static uint64_t first_ref;

static void flush_first(struct mm1_ctx *ctx, struct puppet *p)
{
    p->answer = mm1_unwatch_flush(ctx, first_ref);
}

CORE_TEST(watch, flushed)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    first_ref = a.refs[0];
    call(&a, flush_first);
    cr_assert(a.answer);
    call(&a, flush_first);
    cr_assert_not(a.answer);
    /* The notifications lie behind a call that takes one of them back. */
    first_ref = a.refs[1];
    cr_assert_eq(mm1_node_suspend(home.node, a.addr), MM1_OK);
    tell_call(&a, flush_first);
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    cr_assert_eq(mm1_node_resume(home.node, a.addr), MM1_OK);
    mini_settle(&world);
    cr_assert_not(a.answer);
    expect_log(&a, "down b#3 shutdown; ");
}
