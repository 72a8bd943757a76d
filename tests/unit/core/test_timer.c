/* Timers: once, periodic, cancelled at every moment, and of actors that are gone. */
#include "puppet.h"

static struct puppet a, b;
static bool answers[4];

static uint64_t start(struct mm1_ctx *ctx, uint64_t after_ns, uint64_t every_ns, uint64_t no)
{
    uint64_t id = 0;
    struct note m = {.no = no};
    struct mm1_timer_spec spec = {
        .after_ns = after_ns, .every_ns = every_ns, .type = &note_type, .msg = &m};
    cr_assert_eq(mm1_timer_start(ctx, &spec, &id), MM1_OK);
    cr_assert_neq(id, 0);
    return id;
}

static void once(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[0] = start(ctx, 100, 0, 1);
}

static void periodic(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[0] = start(ctx, 100, 50, 1);
}

static void cancel(struct mm1_ctx *ctx, struct puppet *p)
{
    p->answer = mm1_timer_cancel(ctx, p->refs[0]);
}

CORE_TEST(timer, once)
{
    spawn(&a, "a");
    call(&a, once);
    cr_assert_eq(mm1_node_unrest(home.node), 1);
    mini_advance(&world, 99);
    expect_log(&a, "");
    mini_advance(&world, 1);
    expect_log(&a, "note 1; ");
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    cr_assert_eq(a.last.ttl, MM1_TTL_DEFAULT);
    cr_assert(mm1_addr_equal(a.last.to, a.addr));
    call(&a, cancel);
    cr_assert_not(a.answer);
    mini_advance(&world, 1000);
    expect_log(&a, "");
}

/* Periods count from the due time, not from when the message is received. */
CORE_TEST(timer, periodic)
{
    spawn(&a, "a");
    call(&a, periodic);
    mini_advance(&world, 210);
    expect_log(&a, "note 1; note 1; note 1; ");
    mini_advance(&world, 40);
    expect_log(&a, "note 1; ");
    cr_assert_eq(mm1_node_unrest(home.node), 1);
    call(&a, cancel);
    cr_assert(a.answer);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_advance(&world, 1000);
    expect_log(&a, "");
    call(&a, cancel);
    cr_assert_not(a.answer);
}

CORE_TEST(timer, cancelled_before)
{
    spawn(&a, "a");
    call(&a, once);
    call(&a, cancel);
    cr_assert(a.answer);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_advance(&world, 1000);
    expect_log(&a, "");
    a.refs[0] = 12345;
    call(&a, cancel);
    cr_assert_not(a.answer);
}

/* It has fired and lies in the queue: it is dropped. */
static void start_three(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[1] = start(ctx, 100, 0, 1);
    p->refs[2] = start(ctx, 100, 50, 2);
    p->refs[3] = start(ctx, 100, 0, 3);
}

static void cancel_two(struct mm1_ctx *ctx, struct puppet *p)
{
    answers[1] = mm1_timer_cancel(ctx, p->refs[1]);
    answers[2] = mm1_timer_cancel(ctx, p->refs[2]);
}

static void fire_all(void)
{
    world.now_ns += 100;
    while (mm1_tree_first(&world.timers) != NULL) {
        struct mm1_tree_node *first = mm1_tree_first(&world.timers);
        mm1_tree_remove(&world.timers, first);
        struct mm1_timer *timer = NULL;
        timer = MM1_CONTAINER_OF((void *(*)[12])(void *)first, struct mm1_timer, port);
        timer->fire(timer);
    }
}

CORE_TEST(timer, cancelled_in_the_queue)
{
    spawn(&a, "a");
    call(&a, start_three);
    tell_call(&a, cancel_two);
    fire_all();
    mini_settle(&world);
    cr_assert(answers[1] && answers[2]);
    expect_log(&a, "note 3; ");
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    cr_assert_eq(mm1_tree_count(&world.timers), 0);
}

/* From the handler of its own message: nothing is left to cancel of one that fires once; a periodic one ends. */
CORE_TEST(timer, cancelled_by_its_own_handler)
{
    spawn(&a, "a");
    a.at_note = cancel;
    call(&a, once);
    mini_advance(&world, 1000);
    expect_log(&a, "note 1; ");
    cr_assert_not(a.answer);
    call(&a, periodic);
    mini_advance(&world, 1000);
    expect_log(&a, "note 1; ");
    cr_assert(a.answer);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

/* An actor that ends takes its timers along: armed, fired, periodic, and the one in hand. */
CORE_TEST(timer, of_the_dead)
{
    spawn(&a, "a");
    spawn(&b, "b");
    call(&a, start_three);
    make(&b, OP_KILL, a.addr, 0);
    cr_assert_eq(mm1_tree_count(&world.timers), 0);
    cr_assert_eq(mm1_node_unrest(home.node), 0);

    spawn(&a, "a2");
    call(&a, start_three);
    tell(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    fire_all(); /* they line up behind the end */
    mini_settle(&world);
    cr_assert_not(lives(&a));
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

/* A timer that fires behind the signal that ends its actor, before either is taken in. */
CORE_TEST(timer, fires_behind_the_end)
{
    spawn(&a, "a");
    call(&a, start_three);
    cr_assert_eq(mm1_node_exit(home.node, a.addr, MM1_SHUTDOWN), MM1_OK);
    fire_all();
    mini_settle(&world);
    cr_assert_not(lives(&a));
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

static void quit(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_quit(ctx, MM1_NORMAL);
}

CORE_TEST(timer, quit_in_its_handler)
{
    spawn(&a, "a");
    a.at_note = quit;
    call(&a, periodic);
    mini_advance(&world, 1000);
    cr_assert_not(lives(&a));
    cr_assert_eq(mm1_tree_count(&world.timers), 0);
}

/* A node that is closed with timers armed and fired. */
CORE_TEST(timer, closed_node)
{
    spawn(&a, "a");
    call(&a, start_three);
    fire_all();
    mini_node_close(&home);
    cr_assert_eq(mm1_tree_count(&world.timers), 0);
    cr_assert_eq(world.alloc.live, 0);
    struct mm1_node_config config = home_config();
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    cast_size = 0;
}

/* At a time: monotonic; far away is no overflow; past is soon. */
static void at_times(struct mm1_ctx *ctx, struct puppet *p)
{
    struct note m = {.no = 1};
    struct mm1_timer_spec spec = {.at_ns = mm1_now(ctx) - 5, .type = &note_type, .msg = &m};
    cr_assert_eq(mm1_timer_start(ctx, &spec, &p->refs[1]), MM1_OK);
    m.no = 2;
    spec.at_ns = mm1_now(ctx) + 10;
    cr_assert_eq(mm1_timer_start(ctx, &spec, &p->refs[2]), MM1_OK);
    p->refs[0] = start(ctx, UINT64_MAX, UINT64_MAX, 3);
}

CORE_TEST(timer, at_a_time)
{
    spawn(&a, "a");
    call(&a, at_times);
    mini_advance(&world, 0);
    expect_log(&a, "note 1; ");
    mini_advance(&world, 10);
    expect_log(&a, "note 2; ");
    call(&a, cancel);
    cr_assert(a.answer);
}

/* Background timers and what they cause are no unrest. */
static void background(struct mm1_ctx *ctx, struct puppet *p)
{
    struct note m = {.no = 1};
    struct mm1_timer_spec spec = {
        .after_ns = 10, .every_ns = 10, .type = &note_type, .msg = &m, .background = true};
    cr_assert_eq(mm1_timer_start(ctx, &spec, &p->refs[0]), MM1_OK);
}

static void tell_b(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    cr_assert(mm1_ctx_background(ctx));
    cr_assert_eq(mm1_tell(ctx, b.addr, note, .no = 2), MM1_OK);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

CORE_TEST(timer, background)
{
    spawn(&a, "a");
    spawn(&b, "b");
    a.at_note = tell_b;
    call(&a, background);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_advance(&world, 20);
    expect_log(&a, "note 1; note 1; ");
    expect_log(&b, "note 2; note 2; ");
}

/* Ids of timers and references of watches are never the same. */
static void ids(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[0] = start(ctx, 1, 0, 1);
    cr_assert_eq(mm1_watch(ctx, b.addr, &p->refs[1]), MM1_OK);
    p->refs[2] = start(ctx, 1, 0, 1);
}

CORE_TEST(timer, ids)
{
    spawn(&a, "a");
    spawn(&b, "b");
    call(&a, ids);
    cr_assert(a.refs[0] < a.refs[1] && a.refs[1] < a.refs[2]);
    mini_advance(&world, 10);
}
