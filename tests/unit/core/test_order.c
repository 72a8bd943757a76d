/* Arrival order: one queue for all that an actor is told; only what is sent with priority overtakes. */
#include "puppet.h"

static struct puppet a, b, c;

static void three(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
    spawn(&c, "c");
}

static void talk_and_die(struct mm1_ctx *ctx, struct puppet *p)
{
    for (uint64_t no = 1; no <= 3; no++) {
        cr_assert_eq(mm1_tell(ctx, p->other->addr, note, .no = no), MM1_OK);
    }
    mm1_quit(ctx, MM1_SHUTDOWN);
}

/* Not MSG-08: a Down does not overtake what its subject sent before (OTP S10). */
CORE_TEST(order, last_words_first)
{
    three();
    make(&a, OP_TRAP, a.addr, 1);
    make(&a, OP_LINK, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    b.other = &a;
    call(&b, talk_and_die);
    expect_log(&a, "note 1; note 2; note 3; exited b shutdown; down b#1 shutdown; ");
}

/* The same when each pair's signals travel for themselves, also for the answer to a watch that came too late. */
CORE_TEST(order, pairwise)
{
    three();
    b.other = &a;
    world.hold_signals = true;
    make(&a, OP_WATCH, b.addr, 0);
    call(&b, talk_and_die);
    cr_assert_not(lives(&b));
    cr_assert(mini_land(&world, a.addr, b.addr)); /* the watch finds nobody */
    mini_settle(&world);
    expect_log(&a, "");
    make(&a, OP_WATCH, b.addr, 0); /* this one is answered at home */
    mini_land_all(&world);
    expect_log(&a, "note 1; note 2; note 3; down b#1 noproc; down b#2 noproc; ");
}

/* A signal acts before messages that arrived earlier are received (OTP S11). */
CORE_TEST(order, signals_act_at_once)
{
    three();
    tell(&a, OP_NOTE, c.addr, 1);
    tell(&a, OP_NOTE, c.addr, 2);
    cr_assert_eq(mm1_node_exit(home.node, a.addr, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
    expect_log(&c, "");
    cr_assert_not(lives(&a));
}

CORE_TEST(order, priority_overtakes)
{
    three();
    for (uint64_t no = 1; no <= 3; no++) {
        tell(&a, OP_NOTE, c.addr, no);
        tell(&a, OP_URGENT_NOTE, c.addr, 10 + no);
    }
    while (mm1__live(home.node, a.addr.bits)->queue.head != NULL ||
           atomic_load(&mm1__live(home.node, a.addr.bits)->arrived) != NULL) {
        atomic_store(&mm1__live(home.node, c.addr.bits)->token, true); /* c waits */
        cr_assert_eq(mini_run(&world, 1), 1);
    }
    atomic_store(&mm1__live(home.node, c.addr.bits)->token, false);
    mm1__wake(mm1__live(home.node, c.addr.bits));
    mini_settle(&world);
    expect_log(&c, "note 11; note 12; note 13; note 1; note 2; note 3; ");
}

/* An Exited or Down is not urgent: what is sent with priority overtakes it as well. */
static void watch_both(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_trap_exit(ctx, true);
    cr_assert_eq(mm1_link(ctx, b.addr), MM1_OK);
    cr_assert_eq(mm1_watch(ctx, b.addr, &p->refs[0]), MM1_OK);
}

CORE_TEST(order, priority_overtakes_down)
{
    three();
    call(&a, watch_both);
    tell(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    tell(&c, OP_NOTE, a.addr, 1);
    tell(&c, OP_URGENT_NOTE, a.addr, 2);
    cr_assert_eq(mini_run(&world, 3), 3); /* b ends, c sends, a takes in */
    mini_settle(&world);
    expect_log(&a, "exited b normal; note 2; down b#1 normal; note 1; ");
}

/* What is sent to an actor before its init has run comes after it, priority or not. */
CORE_TEST(order, init_first)
{
    enrol(&a, "a");
    struct mm1_spawn spec = SPAWN_OF(&a);
    mm1_addr addr;
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &addr), MM1_OK);
    cr_assert_eq(mm1_node_send(home.node, addr, &note_type, &(struct note){.no = 1},
                               &(struct mm1_header){.priority = true}),
                 MM1_OK);
    mini_settle(&world);
    expect_log(&a, "note 1; ");
}

/* OTP S1 on a kill: what its sender sent before acts before, what was sent after is never received. */
static void kill_and_talk(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    cr_assert_eq(mm1_watch(ctx, b.addr, &p->refs[0]), MM1_OK);
    cr_assert_eq(mm1_kill(ctx, b.addr), MM1_OK);
    cr_assert_eq(mm1_send(ctx, b.addr, &note_type, &(struct note){.no = 1},
                          &(struct mm1_header){.priority = true}),
                 MM1_OK);
}

CORE_TEST(order, nothing_after_a_kill)
{
    three();
    call(&a, kill_and_talk);
    expect_log(&b, "");
    expect_log(&a, "down b#1 killed; ");
}
