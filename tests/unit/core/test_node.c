/* A node from outside: suspended actors, rest, the steps of a shutdown; pings, owners and traces. */
#include "puppet.h"

static struct puppet a, b, c;

/* --- suspend, resume, idle ------------------------------------------------------------------------------------ */

CORE_TEST(node, suspended)
{
    spawn(&a, "a");
    spawn(&b, "b");
    cr_assert(mm1_node_idle(home.node));
    cr_assert_eq(mm1_node_suspend(home.node, a.addr), MM1_OK);
    tell(&b, OP_NOTE, a.addr, 1);
    cr_assert_not(mm1_node_idle(home.node));
    mini_settle(&world);
    make(&b, OP_NOTE, a.addr, 2);
    expect_log(&a, "");
    cr_assert(mm1_node_idle(home.node)); /* what waits at a suspended actor is no work */
    cr_assert_neq(mm1_node_unrest(home.node), 0);
    cr_assert_eq(mm1_node_resume(home.node, a.addr), MM1_OK);
    cr_assert_not(mm1_node_idle(home.node));
    mini_settle(&world);
    expect_log(&a, "note 1; note 2; ");
    cr_assert(mm1_node_idle(home.node));
    cr_assert_eq(mm1_node_resume(home.node, a.addr), MM1_OK);
    make(&b, OP_NOTE, a.addr, 3);
    expect_log(&a, "note 3; ");
}

/* Signals act on who is suspended, and what they bring waits in its order. */
CORE_TEST(node, suspended_takes_signals)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&a, OP_TRAP, a.addr, 1);
    make(&b, OP_WATCH, a.addr, 0);
    cr_assert_eq(mm1_node_suspend(home.node, a.addr), MM1_OK);
    make(&b, OP_NOTE, a.addr, 1);
    make(&b, OP_EXIT, a.addr, MM1_REASON_SHUTDOWN);
    make(&b, OP_NOTE, a.addr, 2);
    make(&b, OP_LINK, a.addr, 0);
    cr_assert(linked(&a, &b));
    cr_assert_eq(mm1_node_resume(home.node, a.addr), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "note 1; exited b shutdown; note 2; ");
    cr_assert_eq(mm1_node_suspend(home.node, a.addr), MM1_OK);
    make(&b, OP_NOTE, a.addr, 3);
    make(&b, OP_UNLINK, a.addr, 0);
    make(&b, OP_KILL, a.addr, 0);
    expect_log(&b, "down a#1 killed; ");
    cr_assert_not(lives(&a));
    cr_assert_eq(mm1_node_suspend(home.node, a.addr), MM1_NOPROC);
    cr_assert_eq(mm1_node_resume(home.node, a.addr), MM1_NOPROC);
    cr_assert_eq(mm1_node_suspend(home.node, NOWHERE), MM1_NOPROC);
    cr_assert(mm1_node_idle(home.node));
}

/* --- shutdown ------------------------------------------------------------------------------------------------- */

CORE_TEST(node, exit_all_and_kill_all)
{
    spawn(&a, "a");
    spawn(&b, "b");
    spawn(&c, "c");
    make(&b, OP_TRAP, b.addr, 1);
    mm1_node_refuse_spawns(home.node);
    mm1_node_exit_all(home.node, MM1_SHUTDOWN);
    mini_settle(&world);
    cr_assert_not(lives(&a) || lives(&c));
    expect_log(&b, "exited nobody shutdown; ");
    mm1_node_kill_all(home.node);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(home.node), 0);
    struct mm1_spawn spec = SPAWN_OF(&a);
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &a.addr), MM1_RESOURCE);
}

/* Without memory for the signal an actor is killed. */
CORE_TEST(node, exit_all_without_memory)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&b, OP_WATCH, a.addr, 0);
    make(&b, OP_TRAP, b.addr, 1);
    test_alloc_fail_at(&world.alloc, 1);
    mm1_node_exit_all(home.node, MM1_SHUTDOWN);
    test_alloc_fail_at(&world.alloc, 0);
    mini_settle(&world);
    expect_log(&b, "exited nobody shutdown; down a#1 killed; ");
}

/* --- ping ----------------------------------------------------------------------------------------------------- */

static mm1_addr ping_to;

static void ping(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_tell(ctx, ping_to, mm1_ping, .reply_to = {true, mm1_self(ctx)}, .id = 17);
}

/* It is answered for a suspended actor, and one with a full inbox, and never received. */
CORE_TEST(node, pinged)
{
    spawn(&a, "a");
    spawn_small(&b, "b", 1);
    ping_to = b.addr;
    call(&a, ping);
    expect_log(&a, "mm1_proto_system::Ping; ");
    expect_log(&b, "");
    cr_assert_eq(mm1_node_suspend(home.node, b.addr), MM1_OK);
    call(&a, ping);
    expect_log(&a, "mm1_proto_system::Ping; ");
    ping_to = MM1_ADDR(b.addr.bits + 9); /* no such fork */
    call(&a, ping);
    cr_assert_eq(a.status, MM1_OK);
    ping_to = MM1_ADDR(b.addr.bits + 4096);
    call(&a, ping);
    cr_assert_eq(a.status, MM1_OK);
    ping_to = NOWHERE;
    call(&a, ping);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
    expect_log(&a, "");
    ping_to = b.addr;
    struct note m = {.no = 1};
    cr_assert_eq(mm1_node_send(home.node, b.addr, &note_type, &m, NULL), MM1_OK);
    call(&a, ping);
    cr_assert_eq(a.status, MM1_FULL); /* a ping without priority needs a permit */
}

/* --- who serves what ------------------------------------------------------------------------------------------ */

static void look(struct mm1_ctx *ctx, struct puppet *p)
{
    static const struct mm1_net served = {.addr = {0xaa10000000000100u}, .mask = 60};
    static const struct mm1_net foreign = {.addr = {0xbb00000000000000u}, .mask = 16};
    mm1_addr main = {0};
    cr_assert_eq(mm1_bind(ctx, served, 0), MM1_OK);
    cr_assert_eq(mm1_bind(ctx, foreign, 0), MM1_OK);
    cr_assert(mm1_owner(ctx, MM1_ADDR(0xaa10000000000101u), &main));
    cr_assert_eq(main.bits, p->addr.bits);
    cr_assert(mm1_owner(ctx, MM1_ADDR(p->addr.bits + 3), &main));
    cr_assert_not(mm1_owner(ctx, MM1_ADDR(p->addr.bits + 1024), &main));
    cr_assert_not(mm1_owner(ctx, MM1_ADDR(0xaa10000000000111u), &main));
    cr_assert_not(mm1_owner(ctx, NOWHERE, &main)); /* served for another node */
    cr_assert(mm1_is_local(ctx, p->addr));
    cr_assert(mm1_is_local(ctx, MM1_ADDR(0xaa10000000000111u)));
    cr_assert(mm1_is_local(ctx, MM1_ADDR_NAME_SERVICE));
    cr_assert_not(mm1_is_local(ctx, NOWHERE));
}

CORE_TEST(node, owners)
{
    spawn(&a, "a");
    call(&a, look);
}

/* The well-known addresses lie in the default auto subnet, and can be bound there; no actor is ever born there. */
static void bind_well_known(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_net name_service = {.addr = MM1_ADDR_NAME_SERVICE, .mask = 64};
    struct mm1_net above = {.addr = {0xffffffffffff0000u}, .mask = 47};
    cr_assert_eq(mm1_bind(ctx, name_service, 0), MM1_OK);
    cr_assert_eq(mm1_bind(ctx, name_service, 0), MM1_CONFLICT);
    cr_assert_eq(mm1_bind(ctx, above, 0), MM1_CONFLICT);
    p->status = mm1_tell(ctx, MM1_ADDR_NAME_SERVICE, note, .no = 3);
    mm1_addr main;
    cr_assert(mm1_owner(ctx, MM1_ADDR_NAME_SERVICE, &main));
    cr_assert_eq(main.bits, p->addr.bits);
}

CORE_TEST(node, well_known_addresses)
{
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.auto_net = (struct mm1_net){.addr = {0xffffffffff000000u}, .mask = 40};
    config.actors_max = 65536; /* as many as there are blocks */
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    spawn(&a, "a");
    call(&a, bind_well_known);
    expect_log(&a, "note 3; ");
    enrol(&b, "b");
    for (unsigned i = 0; i < 70000; i++) {
        struct mm1_spawn spec = SPAWN_OF(&b);
        cr_assert_eq(mm1_node_spawn(home.node, &spec, &b.addr), MM1_OK);
        cr_assert_not(mm1_net_contains(MM1_NET_WELL_KNOWN, b.addr));
        cr_assert_eq(mm1_node_exit(home.node, b.addr, MM1_SHUTDOWN), MM1_OK);
        mini_settle(&world);
    }
    config.auto_net = MM1_NET_WELL_KNOWN;
    struct mini_node none = {0};
    cr_assert_eq(mini_node_open(&world, &none, &config), MM1_INVALID);
}

/* --- traces: TRACE-01 ----------------------------------------------------------------------------------------- */

static void note_trace(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[p->ref_count++] = mm1_trace_id(ctx);
}

static void spawn_here(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_spawn spec = SPAWN_OF(&c);
    mm1_addr addr;
    mm1_trace_set(ctx, 77);
    cr_assert_eq(mm1_spawn(ctx, &spec, &addr), MM1_OK);
    p->status = mm1_tell(ctx, b.addr, note, .no = 1);
    uint64_t first = mm1_trace_new(ctx);
    cr_assert_neq(first, 0);
    cr_assert_neq(mm1_trace_new(ctx), first);
    cr_assert_eq(mm1_trace_id(ctx), 77);
    uint64_t id;
    cr_assert_eq(mm1_every(ctx, 10, &id, note, .no = 2), MM1_OK);
}

CORE_TEST(node, traces)
{
    a = (struct puppet){.at_init = note_trace};
    spawn(&a, "a");
    cr_assert_neq(a.refs[0], 0); /* the first actor begins a trace of its own */
    b = (struct puppet){.at_note = note_trace};
    spawn(&b, "b");
    enrol(&c, "c");
    c.at_init = note_trace;
    a.at_note = note_trace;
    call(&a, spawn_here);
    cr_assert_eq(c.refs[0], 77);
    cr_assert_eq(b.refs[0], 77);
    mini_advance(&world, 20);
    cr_assert_neq(a.refs[1], 0);
    cr_assert_neq(a.refs[1], 77);
    cr_assert_neq(a.refs[2], a.refs[1]); /* each firing of a timer has its own */
    a.at_init = NULL;
    a.at_note = NULL;
    b.at_note = NULL;
    c.at_init = NULL;
}

/* A timer's message is the actor's own, a ping as well. */
static void ping_later(struct mm1_ctx *ctx, struct puppet *p)
{
    uint64_t id;
    p->status = mm1_after(ctx, 5, &id, mm1_ping, .reply_to = {true, mm1_self(ctx)}, .id = 1);
}

CORE_TEST(node, ping_of_a_timer)
{
    spawn(&a, "a");
    call(&a, ping_later);
    mini_advance(&world, 10);
    expect_log(&a, "mm1_proto_system::Ping; ");
}

/* 0 stands for what comes from outside: no actor has it. */
CORE_TEST(node, no_actor_at_address_0)
{
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    struct mm1_settings widest = {.has_netmask = true, .netmask = 0};
    config.auto_net = (struct mm1_net){.addr = {0}, .mask = 56};
    config.locals = NULL;
    config.local_count = 0;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_INVALID);
    config.auto_net.mask = 0;
    config.settings = &widest;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_INVALID);
    config.settings = NULL;
    config.auto_net.mask = 52; /* 16 blocks */
    config.actors_max = 16;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    enrol(&a, "a");
    for (unsigned i = 0; i < 64; i++) {
        struct mm1_spawn spec = SPAWN_OF(&a);
        cr_assert_eq(mm1_node_spawn(home.node, &spec, &a.addr), MM1_OK);
        cr_assert_neq(a.addr.bits, 0);
        cr_assert_eq(mm1_node_exit(home.node, a.addr, MM1_SHUTDOWN), MM1_OK);
        mini_settle(&world);
    }
}
