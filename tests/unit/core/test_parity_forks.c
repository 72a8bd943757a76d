/* Forks, as far as mm1's statements go and no other test: WATCH-03, MSG-13, G-03, STOP-01 and STOP-02. */
#include "puppet.h"

static struct puppet a, b, c, f;

static void fork_f(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_fork spec = {.behaviour = &puppet_behaviour,
                            .arg = &(struct puppet *){&f},
                            .arg_size = sizeof(struct puppet *)};
    mm1_addr addr;
    p->status = mm1_fork(ctx, &spec, &addr);
}

/* A fork does not stand in the cast that the end of a test clears. */
static void prepare_fork(puppet_fn *at_init)
{
    f = (struct puppet){.name = "f", .at_init = at_init};
}

/* WATCH-03: any context of an actor ends a watch of it. */
CORE_TEST(parity_forks, a_watch_can_be_cancelled_from_another_fork)
{
    spawn(&a, "a");
    spawn(&b, "b");
    prepare_fork(NULL);
    call(&a, fork_f);
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    make(&f, OP_UNWATCH, b.addr, a.refs[0]);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    expect_log(&a, "down b#2 normal; ");
    expect_log(&f, "");
}

/* MSG-13: a starter hears of main alone. */
static void say_done(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_init_done(ctx, mm1_self(ctx));
    p->answer = true;
}

static void start_c(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_addr addr;
    enrol(&c, "c");
    struct mm1_spawn spec = SPAWN_OF(&c);
    spec.start = mm1_next_ref(ctx);
    p->status = mm1_spawn(ctx, &spec, &addr);
}

CORE_TEST(parity_forks, init_done_of_a_fork_is_not_heard)
{
    spawn(&a, "a");
    prepare_fork(say_done);
    call(&a, start_c);
    cr_assert_eq(a.status, MM1_OK);
    call(&c, fork_f);
    cr_assert(c.status == MM1_OK && f.answer);
    expect_log(&a, "");
    call(&c, say_done);
    expect_log(&a, "mm1_local::Started; ");
}

static void open_narrow(uint8_t netmask)
{
    static struct mm1_settings settings;
    settings = (struct mm1_settings){.has_netmask = true, .netmask = netmask};
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.settings = &settings;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
}

/* G-03: of one address there is no fork; a start needs none. */
CORE_TEST(parity_forks, an_actor_of_one_address_has_none)
{
    open_narrow(64);
    spawn(&a, "a");
    prepare_fork(NULL);
    call(&a, fork_f);
    cr_assert_eq(a.status, MM1_RESOURCE);
    call(&a, start_c);
    cr_assert_eq(a.status, MM1_OK);
    call(&c, say_done);
    expect_log(&a, "mm1_local::Started; ");
}

CORE_TEST(parity_forks, an_actor_of_two_addresses_has_one)
{
    open_narrow(63);
    spawn(&a, "a");
    prepare_fork(NULL);
    call(&a, fork_f);
    cr_assert_eq(a.status, MM1_OK);
    cr_assert_eq(f.addr.bits, a.addr.bits + 1);
    call(&a, fork_f);
    cr_assert_eq(a.status, MM1_RESOURCE);
}

/* STOP-01, STOP-02: at an address of its block where no fork is, an exit is taken and ignored, and a kill acts. */
CORE_TEST(parity_forks, signals_to_an_address_without_a_fork)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&b, OP_EXIT, MM1_ADDR(a.addr.bits + 77), MM1_REASON_SHUTDOWN);
    cr_assert(b.answer && lives(&a));
    make(&a, OP_TRAP, a.addr, 1);
    make(&b, OP_EXIT, MM1_ADDR(a.addr.bits + 77), MM1_REASON_SHUTDOWN);
    expect_log(&a, "");
    make(&b, OP_KILL, MM1_ADDR(a.addr.bits + 77), 0);
    cr_assert(b.answer);
    cr_assert_not(lives(&a));
}
