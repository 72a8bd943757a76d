/* Links: LINK-01 to LINK-09, what OTP says of them, and that both sides agree whatever crosses. */
#include "puppet.h"

static struct puppet a, b, c;

static void two(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
}

/* LINK-01; OTP L1: at most one link a pair. */
CORE_TEST(links, both_ways_and_once)
{
    two();
    make(&a, OP_LINK, b.addr, 0);
    cr_assert_eq(a.status, MM1_OK);
    cr_assert(linked(&a, &b) && linked(&b, &a));
    make(&a, OP_LINK, b.addr, 0);
    make(&b, OP_LINK, a.addr, 0);
    cr_assert(linked(&a, &b) && linked(&b, &a));
    make(&b, OP_UNLINK, a.addr, 0);
    cr_assert(!linked(&a, &b) && !linked(&b, &a));
}

/* Both at the same time, before either hears of the other. */
CORE_TEST(links, both_at_once)
{
    two();
    world.hold_signals = true;
    make(&a, OP_LINK, b.addr, 0);
    make(&b, OP_LINK, a.addr, 0);
    mini_land_all(&world);
    cr_assert(linked(&a, &b) && linked(&b, &a));
    make(&a, OP_UNLINK, b.addr, 0);
    mini_land_all(&world);
    cr_assert(!linked(&a, &b) && !linked(&b, &a));
}

/* OTP L2, L14. */
CORE_TEST(links, oneself_and_strangers)
{
    two();
    make(&a, OP_LINK, a.addr, 0);
    cr_assert_eq(a.status, MM1_OK);
    make(&a, OP_UNLINK, b.addr, 0);
    make(&a, OP_UNLINK, NOWHERE, 0);
    make(&a, OP_UNLINK, a.addr, 0);
    cr_assert(lives(&a) && lives(&b));
}

/* LINK-02: an abnormal end takes those that do not trap along, with the same reason, from link to link (OTP L7). */
CORE_TEST(links, abnormal_end_spreads)
{
    static struct puppet d;
    two();
    spawn(&c, "c");
    spawn(&d, "d");
    make(&a, OP_LINK, b.addr, 0);
    make(&b, OP_LINK, c.addr, 0);
    make(&d, OP_WATCH, c.addr, 0);
    make(&a, OP_FAIL, c.addr, MM1_IO);
    cr_assert(!lives(&a) && !lives(&b) && !lives(&c));
    expect_log(&d, "down c#1 error 18: input/output error; ");
    cr_assert(a.finis == 1 && b.finis == 1 && c.finis == 1);
}

/* LINK-02: a normal end removes the link and no more. */
CORE_TEST(links, normal_end_is_quiet)
{
    two();
    make(&a, OP_LINK, b.addr, 0);
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    cr_assert(!lives(&a) && lives(&b));
    cr_assert_not(linked(&b, &a));
    expect_log(&b, "");
}

/* LINK-03: one that traps is told of either end. */
CORE_TEST(links, trapping)
{
    two();
    spawn(&c, "c");
    make(&c, OP_TRAP, c.addr, 1);
    make(&c, OP_LINK, a.addr, 0);
    make(&c, OP_LINK, b.addr, 0);
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    expect_log(&c, "exited a normal; exited b shutdown; ");
    cr_assert(!linked(&c, &a) && !linked(&c, &b));
}

/* OTP L8: through a link, kill is a reason like others; it can be trapped and stays kill. */
CORE_TEST(links, kill_as_a_reason)
{
    two();
    spawn(&c, "c");
    make(&b, OP_TRAP, b.addr, 1);
    make(&a, OP_LINK, b.addr, 0);
    make(&a, OP_LINK, c.addr, 0);
    make(&b, OP_WATCH, c.addr, 0);
    make(&a, OP_QUIT, a.addr, MM1_REASON_KILL);
    expect_log(&b, "exited a kill; down c#1 kill; ");
}

/* LINK-07, OTP L3, L4: a link to nobody is the peer's failure. */
CORE_TEST(links, to_nobody)
{
    two();
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    spawn(&c, "c");
    make(&c, OP_TRAP, c.addr, 1);
    make(&c, OP_LINK, b.addr, 0);
    expect_log(&c, "exited b noproc; ");
    cr_assert_not(linked(&c, &b));
    make(&c, OP_WATCH, a.addr, 0);
    make(&a, OP_LINK, b.addr, 0);
    expect_log(&c, "down a#1 noproc; ");
}

/* LINK-08: the request arrives when its target has ended. */
CORE_TEST(links, too_late)
{
    two();
    make(&a, OP_TRAP, a.addr, 1);
    world.hold_signals = true;
    make(&a, OP_LINK, b.addr, 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    expect_log(&a, "");
    mini_land_all(&world);
    expect_log(&a, "exited b noproc; ");
    cr_assert_not(linked(&a, &b));
}

/* LINK-09: bound and remote addresses. */
static void bind_local(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_bind(ctx, (struct mm1_net){.addr = {0xaa10000000000100u}, .mask = 56}, 0);
}

CORE_TEST(links, to_bound_or_remote)
{
    two();
    call(&b, bind_local);
    cr_assert_eq(b.status, MM1_OK);
    make(&a, OP_TRAP, a.addr, 1);
    make(&a, OP_LINK, MM1_ADDR(0xaa10000000000101u), 0);
    make(&a, OP_LINK, NOWHERE, 0);
    expect_log(&a, "exited nobody noconnection; exited nobody noconnection; ");
    make(&a, OP_LINK, MM1_ADDR(0xaa10000000000201u), 0); /* local, and nobody is there */
    expect_log(&a, "exited nobody noproc; ");
}

static void link_and_unlink(struct mm1_ctx *ctx, struct puppet *p)
{
    cr_assert_eq(mm1_link(ctx, NOWHERE), MM1_OK);
    cr_assert_eq(mm1_unlink(ctx, NOWHERE), MM1_OK);
    cr_assert_eq(mm1_link(ctx, p->other->addr), MM1_OK);
    cr_assert_eq(mm1_unlink(ctx, p->other->addr), MM1_OK);
}

/* OTP L5: after unlink no exit signal of that link acts, also one that was on its way. */
CORE_TEST(links, unlink_then_exit)
{
    two();
    make(&a, OP_LINK, b.addr, 0);
    world.hold_signals = true;
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    make(&a, OP_UNLINK, b.addr, 0);
    mini_land_all(&world);
    cr_assert(lives(&a));
    expect_log(&a, "");
    a.other = &b;
    call(&a, link_and_unlink);
    mini_land_all(&world);
    cr_assert(lives(&a));
    cr_assert_not(linked(&a, &b));
}

/* An Exited that lies in the queue is received although the link is undone (OTP L5). */
static void trap_and_wait(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_trap_exit(ctx, true);
    cr_assert_eq(mm1_link(ctx, p->other->addr), MM1_OK);
}

CORE_TEST(links, queued_exited_stays)
{
    two();
    a.other = &b;
    call(&a, trap_and_wait);
    tell(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    tell(&a, OP_NOTE, NOWHERE, 0);
    tell(&a, OP_NOTE, NOWHERE, 0);
    cr_assert_eq(mini_run(&world, 2), 2); /* b ends; a takes its Exited in behind its notes */
    tell(&a, OP_UNLINK, b.addr, 0);
    mini_settle(&world);
    expect_log(&a, "exited b shutdown; ");
}

/* OTP A1, A3: spawn and link are one. */
static struct puppet child;
static void spawn_linked(struct mm1_ctx *ctx, struct puppet *p)
{
    enrol(&child, "child");
    struct mm1_spawn spec = SPAWN_OF(&child);
    spec.link = true;
    p->status = mm1_spawn(ctx, &spec, &child.addr);
}

CORE_TEST(links, parent_ends_at_once)
{
    spawn(&a, "a");
    tell_call(&a, spawn_linked);
    tell(&a, OP_QUIT, a.addr, MM1_REASON_SHUTDOWN);
    mini_settle(&world);
    cr_assert(!lives(&a) && !lives(&child));
}

/* The half link: an unlink crosses a link of the other side (OTP L12). In the first case b's unlink and a's link
 * cross; in the second a unlinks and links again while b's unlink is under way. */
CORE_TEST(links, crossing)
{
    two();
    world.hold_signals = true;
    make(&a, OP_LINK, b.addr, 0);
    make(&b, OP_LINK, a.addr, 0);
    make(&b, OP_UNLINK, a.addr, 0);
    mini_land_all(&world);
    cr_assert_eq(linked(&a, &b), linked(&b, &a));

    make(&a, OP_LINK, b.addr, 0);
    mini_land_all(&world);
    cr_assert(linked(&a, &b) && linked(&b, &a));
    make(&a, OP_UNLINK, b.addr, 0);
    make(&b, OP_UNLINK, a.addr, 0);
    make(&a, OP_LINK, b.addr, 0);
    mini_land_all(&world);
    cr_assert_eq(linked(&a, &b), linked(&b, &a));

    make(&a, OP_LINK, b.addr, 0);
    mini_land_all(&world);
    cr_assert(linked(&a, &b) && linked(&b, &a));
    make(&a, OP_UNLINK, b.addr, 0);
    mini_land_all(&world);
    make(&b, OP_LINK, a.addr, 0); /* after all answers links hold again */
    mini_land_all(&world);
    cr_assert(linked(&a, &b) && linked(&b, &a));
}

static uint64_t draw(uint64_t *state, uint64_t n)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*state >> 33) % n;
}

/* Random links, unlinks and arrivals: when all has arrived, both sides say the same. */
CORE_TEST(links, always_agree)
{
    two();
    world.hold_signals = true;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        uint64_t state = seed;
        for (unsigned step = 0; step < 24; step++) {
            struct puppet *actor = draw(&state, 2) == 0 ? &a : &b;
            struct puppet *peer = actor == &a ? &b : &a;
            if (draw(&state, 2) == 0) {
                (void)mini_land(&world, actor->addr, peer->addr);
                mini_settle(&world);
            } else {
                make(actor, draw(&state, 2) == 0 ? OP_LINK : OP_UNLINK, peer->addr, 0);
            }
        }
        mini_land_all(&world);
        cr_assert_eq(linked(&a, &b), linked(&b, &a), "seed %llu", (unsigned long long)seed);
    }
}

/* A subnet of one spare address: it is back before the parent has heard of its last life's end. */
CORE_TEST(links, address_back_too_soon)
{
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.auto_net.mask = 55;
    config.actors_max = 2;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    spawn(&a, "a");
    make(&a, OP_TRAP, a.addr, 1);
    world.hold_signals = true;
    for (unsigned i = 0; i < 3; i++) {
        call(&a, spawn_linked);
        cr_assert_eq(a.status, MM1_OK);
        make(&child, OP_QUIT, child.addr, MM1_REASON_SHUTDOWN);
    }
    mini_land_all(&world);
    cr_assert_eq(mm1_tree_count(&mm1__live(home.node, a.addr.bits)->links), 0);
}

/* An unlink whose peer has ended is answered all the same: nothing is kept for it. */
CORE_TEST(links, unlink_of_the_dead)
{
    two();
    make(&a, OP_LINK, b.addr, 0);
    world.hold_signals = true;
    make(&a, OP_UNLINK, b.addr, 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    mini_land_all(&world);
    cr_assert(lives(&a));
    cr_assert_eq(mm1_tree_count(&mm1__live(home.node, a.addr.bits)->links), 0);
}
