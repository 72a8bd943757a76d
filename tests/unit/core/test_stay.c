/* Messages that stay: postponed, kept, and the last of a closed inbox. */
#include "puppet.h"

static struct puppet a, b;
static unsigned wanted; /* notes below are postponed */
static bool one_back;   /* of those, one comes back for each below 7 that is taken */
static struct mm1_kept *kept[4];
static unsigned kept_count;
static uint64_t timer;

static void two(void)
{
    wanted = 0;
    one_back = false;
    kept_count = 0;
    a = (struct puppet){.name = "a"};
    spawn(&a, "a");
    spawn(&b, "b");
}

/* --- postponed ------------------------------------------------------------------------------------------------ */

/* Takes notes from `wanted` on; written down they stand in the log twice, set aside first. */
static uint64_t last_no;

static mm1_status picky_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct puppet *p = *(struct puppet **)state;
    MM1_ON(envelope, note, m) {
        if (m->no < wanted) {
            mm1_postpone(ctx);
            return MM1_OK;
        }
        write_down(p, "%llu%s ", (unsigned long long)m->no, envelope->priority ? "!" : "");
        if (one_back && m->no < 7) {
            wanted = 0;
            p->answer = mm1_unpostpone_next(ctx);
        } else if (m->no == wanted && wanted != 0) {
            wanted = 0;
            mm1_unpostpone(ctx);
        }
        last_no = m->no;
        return MM1_OK;
    }
    return puppet_receive(ctx, state, envelope);
}

static const struct mm1_behaviour picky = {.name = "picky",
                                           .state_size = sizeof(struct puppet *),
                                           .init = puppet_init,
                                           .receive = picky_receive,
                                           .fini = puppet_fini};

static void spawn_picky(uint32_t inbox_size)
{
    two();
    static struct puppet *self;
    self = &a;
    cast[0] = &b;
    cr_assert_eq(mm1_node_exit(home.node, a.addr, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
    struct mm1_spawn spec = {.behaviour = &picky,
                             .arg = &self,
                             .arg_size = sizeof(struct puppet *),
                             .inbox_size = inbox_size};
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &a.addr), MM1_OK);
    cast[0] = &a;
    mini_settle(&world);
}

static mm1_status post(uint64_t no, bool priority)
{
    struct mm1_header header = {.priority = priority};
    return mm1_node_send(home.node, a.addr, &note_type, &(struct note){.no = no}, &header);
}

CORE_TEST(stay, postponed_in_their_order)
{
    spawn_picky(0);
    wanted = 5;
    for (uint64_t no = 1; no <= 7; no++) {
        cr_assert_eq(post(no, false), MM1_OK);
    }
    mini_settle(&world);
    expect_log(&a, "5 1 2 3 4 6 7 ");
}

/* What was sent with priority overtakes again when it comes back. */
CORE_TEST(stay, postponed_with_priority)
{
    spawn_picky(0);
    wanted = 5;
    cr_assert_eq(post(1, false), MM1_OK);
    cr_assert_eq(post(2, true), MM1_OK);
    cr_assert_eq(post(3, true), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(post(5, false), MM1_OK);
    cr_assert_eq(post(6, false), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "5 2! 3! 1 6 ");
}

/* One comes back for each that was dealt with: before all that arrived later, also what arrives between them. */
CORE_TEST(stay, postponed_one_by_one)
{
    spawn_picky(0);
    wanted = 5;
    one_back = true;
    for (uint64_t no = 1; no <= 7; no++) {
        cr_assert_eq(post(no, false), MM1_OK);
    }
    mini_run(&world, 6); /* up to 5, and 1 */
    expect_log(&a, "5 1 ");
    cr_assert(a.answer);
    cr_assert_eq(post(8, false), MM1_OK);
    cr_assert_eq(post(9, true), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "9! 2 3 4 6 7 8 ");
    cr_assert_not(a.answer);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

/* The oldest is next, priority or not; one that was sent with it stands in front of those who were not. */
CORE_TEST(stay, postponed_one_by_one_with_priority)
{
    spawn_picky(0);
    wanted = 5;
    one_back = true;
    cr_assert_eq(post(1, false), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(post(2, true), MM1_OK);
    cr_assert_eq(post(3, true), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(post(4, false), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(post(5, false), MM1_OK);
    cr_assert_eq(post(6, false), MM1_OK);
    mini_run(&world, 1);
    expect_log(&a, "5 ");
    cr_assert_eq(post(7, true), MM1_OK);
    mini_run(&world, 1);
    expect_log(&a, "7! "); /* it overtakes 1, which is back */
    mini_run(&world, 1);
    expect_log(&a, "1 ");
    cr_assert_eq(post(8, true), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "2! 3! 8! 4 6 ");
}

/* Who came back too early stays the oldest. */
CORE_TEST(stay, postponed_again_is_still_the_oldest)
{
    spawn_picky(0);
    wanted = 5;
    one_back = true;
    cr_assert_eq(post(1, false), MM1_OK);
    cr_assert_eq(post(2, false), MM1_OK);
    cr_assert_eq(post(5, false), MM1_OK);
    mini_run(&world, 3);
    expect_log(&a, "5 ");
    wanted = 5; /* it is not ready for 1 any more */
    cr_assert_eq(post(6, false), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "6 1 2 ");
}

static uint64_t alarms[3];

static void set_alarms(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(mm1_after(ctx, 5 + i, &alarms[i], note, .no = i + 1), MM1_OK);
    }
}

static void cancel_two(struct mm1_ctx *ctx, struct puppet *p)
{
    cr_assert(mm1_timer_cancel(ctx, alarms[0]) && mm1_timer_cancel(ctx, alarms[1]));
    p->answer = mm1_unpostpone_next(ctx);
    wanted = 0;
}

/* A timer that was cancelled meanwhile is none to wait for. */
CORE_TEST(stay, postponed_one_by_one_past_cancelled_timers)
{
    spawn_picky(0);
    wanted = 9;
    call(&a, set_alarms);
    mini_advance(&world, 10);
    expect_log(&a, "");
    call(&a, cancel_two);
    cr_assert(a.answer);
    expect_log(&a, "3 ");
    wanted = 9;
    call(&a, set_alarms);
    mini_advance(&world, 6);
    call(&a, cancel_two);
    cr_assert_not(a.answer);
    mini_advance(&world, 1);
    expect_log(&a, "3 ");
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

CORE_TEST(stay, postponed_keeps_its_permit)
{
    spawn_picky(2);
    wanted = 9;
    cr_assert_eq(post(1, false), MM1_OK);
    cr_assert_eq(post(2, false), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(post(3, false), MM1_FULL);
    cr_assert_eq(post(9, true), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(post(4, false), MM1_OK);
    cr_assert_eq(post(5, false), MM1_OK);
    cr_assert_eq(post(6, false), MM1_FULL);
    mini_settle(&world);
    expect_log(&a, "9! 1 2 4 5 ");
}

CORE_TEST(stay, postponed_until_the_end)
{
    spawn_picky(0);
    wanted = 9;
    cr_assert_eq(post(1, false), MM1_OK);
    mini_settle(&world);
    cr_assert_neq(mm1_node_unrest(home.node), 0);
    make(&b, OP_KILL, a.addr, 0);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
}

/* --- kept ----------------------------------------------------------------------------------------------------- */

static void keep_it(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    kept[kept_count++] = mm1_keep(ctx);
}

static void drop_all(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)ctx;
    while (kept_count != 0) {
        const struct mm1_envelope *envelope = mm1_kept_envelope(kept[--kept_count]);
        write_down(p, "%s %llu; ", envelope->type->name,
                   (unsigned long long)((const struct note *)envelope->msg)->no);
        mm1_kept_drop(kept[kept_count]);
    }
    mm1_kept_drop(NULL);
}

CORE_TEST(stay, kept_beyond_its_turn)
{
    two();
    a.at_note = keep_it;
    make(&b, OP_NOTE, a.addr, 1);
    make(&b, OP_NOTE, a.addr, 2);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    expect_log(&a, "note 1; note 2; ");
    call(&a, drop_all);
    expect_log(&a, "test::Note 2; test::Note 1; ");
    a.at_note = NULL;
}

static void once_and_often(struct mm1_ctx *ctx, struct puppet *p)
{
    uint64_t once;
    (void)p;
    cr_assert_eq(mm1_after(ctx, 5, &once, note, .no = 7), MM1_OK);
    cr_assert_eq(mm1_every(ctx, 10, &timer, note, .no = 8), MM1_OK);
}

/* A periodic timer goes on when its message is given back. */
CORE_TEST(stay, kept_timers)
{
    two();
    call(&a, once_and_often);
    a.at_note = keep_it;
    mini_advance(&world, 100);
    expect_log(&a, "note 7; note 8; ");
    a.at_note = NULL;
    call(&a, drop_all);
    expect_log(&a, "test::Note 8; test::Note 7; ");
    mini_advance(&world, 9); /* it makes up for the times that went by */
    expect_log(&a, "note 8; note 8; note 8; note 8; note 8; note 8; note 8; note 8; note 8; ");
}

static void cancel_it(struct mm1_ctx *ctx, struct puppet *p)
{
    p->answer = mm1_timer_cancel(ctx, timer);
}

CORE_TEST(stay, kept_timer_cancelled)
{
    two();
    call(&a, once_and_often);
    mini_advance(&world, 5);
    a.at_note = keep_it;
    mini_advance(&world, 5);
    expect_log(&a, "note 7; note 8; ");
    call(&a, cancel_it);
    cr_assert(a.answer);
    call(&a, drop_all);
    mini_advance(&world, 100);
    expect_log(&a, "test::Note 8; ");
    a.at_note = NULL;
}

/* --- closed --------------------------------------------------------------------------------------------------- */

static void close_it(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_close(ctx);
    cr_assert_eq(mm1_close(ctx), p->status);
}

CORE_TEST(stay, closed)
{
    two();
    tell_call(&a, close_it);
    cr_assert_eq(post(1, false), MM1_OK);
    cr_assert_eq(post(2, true), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "note 2; note 1; mm1_local::Closed; ");
    cr_assert_eq(post(3, false), MM1_CLOSED);
    cr_assert_eq(post(3, true), MM1_CLOSED);
    make(&b, OP_NOTE, a.addr, 3);
    cr_assert_eq(b.status, MM1_CLOSED);
    make(&b, OP_WATCH, a.addr, 0);
    make(&b, OP_EXIT, a.addr, MM1_REASON_SHUTDOWN);
    expect_log(&b, "down a#1 shutdown; ");
}

static void serve(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_bind(ctx, (struct mm1_net){.addr = {0xaa10000000000100u}, .mask = 60}, 0);
}

CORE_TEST(stay, closed_with_its_subnets)
{
    two();
    call(&a, serve);
    call(&a, close_it);
    make(&b, OP_NOTE, MM1_ADDR(0xaa10000000000101u), 1);
    cr_assert_eq(b.status, MM1_CLOSED);
    expect_log(&a, "mm1_local::Closed; ");
}

CORE_TEST(stay, close_without_memory)
{
    two();
    tell_call(&a, close_it);
    test_alloc_fail_at(&world.alloc, 1);
    test_alloc_fail_at(&world.alloc, 0);
    mini_settle(&world);
    cr_assert_eq(a.status, MM1_OK);
}

/* What was on its way when the inbox was closed comes too late: mm1_closed is the last message. */
CORE_TEST(stay, closed_before_what_was_on_its_way)
{
    two();
    world.hold_signals = true;
    make(&b, OP_NOTE, a.addr, 1);
    make(&b, OP_WATCH, a.addr, 0);
    call(&a, close_it);
    cr_assert_eq(a.status, MM1_OK);
    mini_land_all(&world);
    expect_log(&a, "mm1_local::Closed; ");
    tell(&b, OP_EXIT, a.addr, MM1_REASON_SHUTDOWN);
    mini_land_all(&world);
    expect_log(&b, "down a#1 shutdown; ");
    world.hold_signals = false;
}
