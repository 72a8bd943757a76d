/* Forks: MSG-03, MSG-04, MSG-11 to MSG-13, LINK-06, and what belongs to a context. */
#include "puppet.h"

static struct puppet a, b, f, g;
static uint64_t timer;

static void fork_one(struct mm1_ctx *ctx, struct puppet *child)
{
    struct mm1_fork spec = {.behaviour = &puppet_behaviour,
                            .arg = &(struct puppet *){child},
                            .arg_size = sizeof(struct puppet *)};
    mm1_addr addr;
    a.status = mm1_fork(ctx, &spec, &addr);
    if (a.status == MM1_OK) {
        child->addr = addr;
    }
}

static void fork_f(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    fork_one(ctx, &f);
}

static void end_here(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_fork_end(ctx);
}

/* A fork is part of its actor: it does not stand in the cast that the end of a test clears. */
static void name_fork(struct puppet *p, const char *name)
{
    *p = (struct puppet){.name = name};
}

static void two_and_fork(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
    name_fork(&f, "f");
    name_fork(&g, "g");
    call(&a, fork_f);
    cr_assert_eq(a.status, MM1_OK);
    cast[cast_size++] = &f;
}

static void forget_fork(void)
{
    cast_size--;
}

CORE_TEST(fork, has_its_own_address)
{
    two_and_fork();
    cr_assert(f.addr.bits > a.addr.bits && f.addr.bits < a.addr.bits + 256);
    make(&b, OP_NOTE, f.addr, 1);
    make(&b, OP_NOTE, a.addr, 2);
    make(&b, OP_URGENT_NOTE, f.addr, 3);
    cr_assert_eq(f.last.to.bits, f.addr.bits);
    expect_log(&f, "note 1; note 3; ");
    expect_log(&a, "note 2; ");
    cr_assert_eq(mm1_node_actors(home.node), 2);
    forget_fork();
}

/* One queue: what was sent first is received first, whichever context it is for. */
static unsigned arrivals[4];
static unsigned arrived;

static void count_arrival(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)ctx;
    arrivals[arrived++] = p == &a ? 1 : 2;
}

CORE_TEST(fork, one_order_for_all_contexts)
{
    two_and_fork();
    a.at_note = count_arrival;
    f.at_note = count_arrival;
    arrived = 0;
    struct note m = {.no = 1};
    const mm1_addr to[] = {f.addr, a.addr, a.addr, f.addr};
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(mm1_node_send(home.node, to[i], &note_type, &m, NULL), MM1_OK);
    }
    mini_settle(&world);
    cr_assert(arrivals[0] == 2 && arrivals[1] == 1 && arrivals[2] == 1 && arrivals[3] == 2);
    forget_fork();
    a.at_note = NULL;
}

CORE_TEST(fork, shares_the_inbox)
{
    spawn_small(&a, "a", 1);
    name_fork(&f, "f");
    call(&a, fork_f);
    struct note m = {.no = 1};
    cr_assert_eq(mm1_node_send(home.node, f.addr, &note_type, &m, NULL), MM1_OK);
    cr_assert_eq(mm1_node_send(home.node, a.addr, &note_type, &m, NULL), MM1_FULL);
    mini_settle(&world);
    cr_assert_eq(mm1_node_send(home.node, a.addr, &note_type, &m, NULL), MM1_OK);
}

/* MSG-04: accepted, and lost. */
CORE_TEST(fork, an_address_without_a_fork)
{
    two_and_fork();
    world.keep_log = true;
    make(&b, OP_NOTE, MM1_ADDR(a.addr.bits + 200), 1);
    cr_assert_eq(b.status, MM1_OK);
    expect_log(&a, "");
    make(&b, OP_WATCH, MM1_ADDR(a.addr.bits + 200), 0);
    expect_log(&b, "down nobody#1 noproc; ");
    make(&b, OP_TRAP, a.addr, 1);
    make(&b, OP_LINK, MM1_ADDR(a.addr.bits + 200), 0);
    expect_log(&b, "exited nobody noproc; ");
    make(&b, OP_EXIT, MM1_ADDR(a.addr.bits + 200), MM1_REASON_SHUTDOWN);
    cr_assert(lives(&a));
    forget_fork();
}

CORE_TEST(fork, end_is_normal_for_those_who_know_it)
{
    two_and_fork();
    struct puppet *c = &g;
    spawn(c, "c");
    make(&b, OP_TRAP, a.addr, 1);
    make(&b, OP_LINK, f.addr, 0);
    make(&b, OP_WATCH, f.addr, 0);
    make(c, OP_LINK, f.addr, 0);
    call(&f, end_here);
    cr_assert_eq(f.finis, 1);
    expect_log(&b, "exited f normal; down f#1 normal; ");
    expect_log(c, "");
    cr_assert(lives(c) && lives(&a));
    cr_assert_not(linked(c, &f));
    make(&b, OP_WATCH, f.addr, 0);
    expect_log(&b, "down f#2 noproc; ");
    cast[2] = c;
    cast_size = 3;
}

CORE_TEST(fork, ends_with_its_actor)
{
    two_and_fork();
    make(&b, OP_WATCH, f.addr, 0);
    make(&b, OP_TRAP, a.addr, 1);
    make(&b, OP_LINK, f.addr, 0);
    make(&a, OP_QUIT, a.addr, MM1_REASON_SHUTDOWN);
    cr_assert_eq(f.finis, 1);
    cr_assert_eq(a.finis, 1);
    expect_log(&b, "exited f shutdown; down f#1 shutdown; ");
    forget_fork();
}

/* MSG-12, and our word on its third case: an error in a fork ends the actor. */
CORE_TEST(fork, error_ends_the_actor)
{
    two_and_fork();
    make(&b, OP_WATCH, a.addr, 0);
    make(&f, OP_FAIL, a.addr, MM1_IO);
    expect_log(&b, "down a#1 error 18: input/output error; ");
    cr_assert_eq(f.finis, 1);
    forget_fork();
}

CORE_TEST(fork, quits_the_actor)
{
    two_and_fork();
    make(&f, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    cr_assert_not(lives(&a));
    forget_fork();
}

CORE_TEST(fork, failed_init)
{
    spawn(&a, "a");
    spawn(&b, "b");
    name_fork(&f, "f");
    f.init_status = MM1_REFUSED;
    make(&b, OP_WATCH, a.addr, 0);
    call(&a, fork_f);
    expect_log(&b, "down a#1 init_failed; ");
}

/* Watches and their notifications belong to the context, links and exits to the actor. */
CORE_TEST(fork, signals_carry_main_addresses)
{
    two_and_fork();
    make(&f, OP_WATCH, b.addr, 0);
    make(&a, OP_TRAP, a.addr, 1);
    make(&f, OP_LINK, b.addr, 0);
    cr_assert(linked(&a, &b) && linked(&b, &a));
    make(&b, OP_QUIT, b.addr, MM1_REASON_SHUTDOWN);
    expect_log(&f, "down b#1 shutdown; ");
    expect_log(&a, "exited b shutdown; ");
    forget_fork();
}

static void tick(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    cr_assert_eq(mm1_every(ctx, 10, &timer, note, .no = 9), MM1_OK);
}

static void serve(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_bind(ctx, (struct mm1_net){.addr = {0xaa10000000000100u}, .mask = 60}, 0);
}

/* What a fork began ends with it, and what waits for it is dropped. */
CORE_TEST(fork, takes_along_what_is_its_own)
{
    two_and_fork();
    call(&f, tick);
    call(&f, serve);
    cr_assert_eq(f.status, MM1_OK);
    make(&f, OP_WATCH, b.addr, 0);
    mini_advance(&world, 10);
    make(&b, OP_NOTE, MM1_ADDR(0xaa10000000000101u), 4);
    expect_log(&f, "note 9; note 4; ");
    tell_call(&f, end_here);
    struct note m = {.no = 5};
    cr_assert_eq(mm1_node_send(home.node, f.addr, &note_type, &m, NULL), MM1_OK);
    mini_advance(&world, 100);
    expect_log(&f, "");
    cr_assert_eq(mm1_tree_count(&mm1__live(home.node, b.addr.bits)->watchers), 0);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    call(&a, serve);
    cr_assert_eq(a.status, MM1_OK);
    forget_fork();
}

CORE_TEST(fork, exit_and_kill_by_its_address)
{
    two_and_fork();
    make(&a, OP_TRAP, a.addr, 1);
    make(&b, OP_EXIT, f.addr, MM1_REASON_SHUTDOWN);
    expect_log(&f, "exited b shutdown; ");
    make(&b, OP_KILL, f.addr, 0);
    cr_assert_eq(b.status, MM1_OK);
    cr_assert_not(lives(&a));
    forget_fork();
}

/* An actor of a /62 has three forks; an address that was given back comes again last. */
static struct mm1_settings narrow = {.has_netmask = true, .netmask = 62};

static void fork_all(struct mm1_ctx *ctx, struct puppet *p)
{
    static struct puppet many[4];
    mm1_addr addr[4] = {{0}};
    for (unsigned i = 0; i < 4; i++) {
        name_fork(&many[i], "many");
        fork_one(ctx, &many[i]);
        addr[i] = many[i].addr;
        p->refs[i] = (uint64_t)a.status;
    }
    cr_assert_eq(addr[0].bits, a.addr.bits + 1);
    cr_assert_eq(addr[2].bits, a.addr.bits + 3);
}

CORE_TEST(fork, block_is_used_up)
{
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.settings = &narrow;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    spawn(&a, "a");
    call(&a, fork_all);
    cr_assert_eq(a.refs[0], MM1_OK);
    cr_assert_eq(a.refs[2], MM1_OK);
    cr_assert_eq(a.refs[3], MM1_RESOURCE);
}

/* A block of 16 bits: 65,535 forks could be, the address comes from far above the first 256. */
CORE_TEST(fork, wide_blocks)
{
    static struct mm1_settings wide = {.has_netmask = true, .netmask = 48};
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.settings = &wide;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    spawn(&a, "a");
    name_fork(&f, "f");
    cr_assert_eq(a.addr.bits & 0xffff, 0);
    for (unsigned i = 0; i < 300; i++) {
        call(&a, fork_f);
        call(&f, end_here);
    }
    cr_assert_eq(f.addr.bits, a.addr.bits + 300);
}

CORE_TEST(fork, no_memory)
{
    spawn(&a, "a");
    for (unsigned k = 1; k < 12; k++) {
        name_fork(&f, "f");
        tell_call(&a, fork_f);
        test_alloc_fail_at(&world.alloc, k);
        mini_settle(&world);
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert(a.status == MM1_OK || a.status == MM1_NOMEM);
        if (a.status == MM1_OK) {
            return;
        }
    }
    cr_assert(false, "the fork never came about");
}
