/* Ends: STOP-01 to STOP-03, LIFE-06, and OTP's rules of exit signals. */
#include <setjmp.h>

#include "puppet.h"

static struct puppet a, b, w;

static void three(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
    spawn(&w, "w");
    make(&w, OP_WATCH, b.addr, 0);
}

/* STOP-01, STOP-03, OTP X4. */
CORE_TEST(ends, with_a_reason)
{
    three();
    make(&a, OP_EXIT, b.addr, MM1_REASON_SHUTDOWN);
    cr_assert(a.answer);
    expect_log(&w, "down b#1 shutdown; ");
    cr_assert_eq(b.finis, 1);
    make(&a, OP_EXIT, b.addr, MM1_REASON_SHUTDOWN); /* dead, OTP X10 */
    cr_assert_not(a.answer);
    make(&a, OP_EXIT, NOWHERE, MM1_REASON_SHUTDOWN);
    cr_assert_not(a.answer);
}

/* OTP X4, L11: one that traps is told who sent it; its links stay as they are. */
CORE_TEST(ends, trapped)
{
    three();
    make(&b, OP_TRAP, b.addr, 1);
    make(&b, OP_LINK, a.addr, 0);
    make(&a, OP_EXIT, b.addr, MM1_REASON_SHUTDOWN);
    make(&a, OP_EXIT, b.addr, MM1_REASON_NORMAL); /* X2 */
    expect_log(&b, "exited a shutdown; exited a normal; ");
    cr_assert(linked(&a, &b) && linked(&b, &a));
}

/* OTP X5: the flag counts at reception; what is a message stays one. */
CORE_TEST(ends, trap_is_looked_at_late)
{
    three();
    make(&b, OP_TRAP, b.addr, 1);
    tell(&b, OP_NOTE, NOWHERE, 0);
    cr_assert_eq(mm1_node_exit(home.node, b.addr, MM1_SHUTDOWN), MM1_OK);
    tell(&b, OP_TRAP, b.addr, 0);
    mini_settle(&world);
    cr_assert(lives(&b));
    expect_log(&b, "exited nobody shutdown; ");
    make(&a, OP_EXIT, b.addr, MM1_REASON_SHUTDOWN);
    cr_assert_not(lives(&b));
}

/* OTP X2: normal of another is ignored. */
CORE_TEST(ends, normal_is_ignored)
{
    three();
    make(&a, OP_EXIT, b.addr, MM1_REASON_NORMAL);
    cr_assert(a.answer && lives(&b));
}

/* OTP X3, L9: kill becomes killed, also for one that traps, and its links can trap that. */
CORE_TEST(ends, kill_as_reason_of_exit)
{
    three();
    make(&w, OP_TRAP, w.addr, 1);
    make(&w, OP_LINK, b.addr, 0);
    make(&b, OP_TRAP, b.addr, 1);
    make(&a, OP_EXIT, b.addr, MM1_REASON_KILL);
    expect_log(&w, "exited b killed; down b#1 killed; ");
    expect_log(&b, "");
}

/* STOP-02. */
CORE_TEST(ends, kill)
{
    three();
    make(&b, OP_TRAP, b.addr, 1);
    make(&a, OP_KILL, b.addr, 0);
    cr_assert(a.answer);
    expect_log(&w, "down b#1 killed; ");
    cr_assert_eq(b.finis, 1);
    make(&a, OP_KILL, b.addr, 0);
    cr_assert_not(a.answer);
    make(&a, OP_KILL, NOWHERE, 0);
    cr_assert_not(a.answer);
    make(&a, OP_KILL, MM1_ADDR(UINT64_MAX), 0);
    cr_assert_not(a.answer);
}

/* OTP X8, X9: to oneself. */
CORE_TEST(ends, oneself)
{
    three();
    make(&b, OP_TRAP, b.addr, 1);
    make(&b, OP_EXIT, b.addr, MM1_REASON_NORMAL);
    expect_log(&b, "exited b normal; ");
    make(&b, OP_TRAP, b.addr, 0);
    make(&b, OP_EXIT, b.addr, MM1_REASON_NORMAL);
    expect_log(&w, "down b#1 normal; ");
    make(&w, OP_WATCH, a.addr, 0);
    make(&a, OP_TRAP, a.addr, 1);
    make(&a, OP_EXIT, a.addr, MM1_REASON_KILL);
    expect_log(&w, "down a#2 killed; ");
}

static void kill_myself(struct mm1_ctx *ctx, struct puppet *p)
{
    cr_assert_eq(mm1_kill(ctx, p->addr), MM1_OK);
    p->answer = true; /* the turn goes on to its end */
}

CORE_TEST(ends, kill_of_oneself)
{
    three();
    tell_call(&b, kill_myself);
    tell(&b, OP_NOTE, w.addr, 1);
    mini_settle(&world);
    cr_assert(b.answer);
    expect_log(&w, "down b#1 killed; ");
}

/* OTP X6: the first reason counts. */
CORE_TEST(ends, first_reason)
{
    three();
    cr_assert_eq(mm1_node_exit(home.node, b.addr, MM1_SHUTDOWN), MM1_OK);
    cr_assert_eq(mm1_node_exit(home.node, b.addr, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    expect_log(&w, "down b#1 shutdown; ");
}

static void quit_twice(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_quit(ctx, MM1_SHUTDOWN);
    mm1_quit(ctx, MM1_NORMAL);
}

CORE_TEST(ends, first_quit)
{
    three();
    call(&b, quit_twice);
    expect_log(&w, "down b#1 shutdown; ");
}

/* OTP S11; LIFE-06: the queue of one that ends is lost, and what it sent before stands. */
CORE_TEST(ends, queue_of_the_dead)
{
    three();
    world.keep_log = true;
    world.trace.quiet = false;
    tell(&b, OP_NOTE, w.addr, 1);
    tell(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    tell(&b, OP_NOTE, w.addr, 2);
    tell(&b, OP_NOTE, w.addr, 3);
    uint64_t lost = world.events[MM1_EVENT_LOST];
    mini_settle(&world);
    expect_log(&w, "note 1; down b#1 normal; ");
    cr_assert_eq(world.events[MM1_EVENT_LOST] - lost, 2);
}

/* LIFE-06 (3): requests in the queue of one that ends are answered. */
static void link_and_watch(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_trap_exit(ctx, true);
    cr_assert_eq(mm1_link(ctx, p->other->addr), MM1_OK);
    cr_assert_eq(mm1_watch(ctx, p->other->addr, &p->refs[0]), MM1_OK);
}

static void exit_other(struct mm1_ctx *ctx, struct puppet *p)
{
    cr_assert_eq(mm1_exit(ctx, p->other->addr, MM1_SHUTDOWN), MM1_OK);
    link_and_watch(ctx, p);
}

CORE_TEST(ends, pending_requests)
{
    three();
    a.other = &b;
    call(&a, exit_other);
    expect_log(&a, "exited b noproc; down b#1 noproc; ");
    expect_log(&w, "down b#1 shutdown; ");
}

/* LIFE-06 (2), OTP S6: who hears of the end finds its addresses free. */
static const struct mm1_net served = {.addr = {0xaa10000000000500u}, .mask = 64};

static void serve(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_bind(ctx, served, 0);
}

CORE_TEST(ends, names_go_first)
{
    three();
    call(&b, serve);
    cr_assert_eq(b.status, MM1_OK);
    call(&a, serve);
    cr_assert_eq(a.status, MM1_CONFLICT);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    call(&a, serve);
    cr_assert_eq(a.status, MM1_OK);
}

/* The reason of the node's main. */
CORE_TEST(ends, main_ended)
{
    struct mm1_reason reason;
    three();
    cr_assert_not(mm1_node_main_ended(home.node, &reason));
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL); /* not the last one */
    cr_assert_not(mm1_node_main_ended(home.node, &reason));
    make(&w, OP_QUIT, w.addr, MM1_REASON_SHUTDOWN);
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_SHUTDOWN);
}

/* The trace says why: the end follows from the signal or the kill, and that from the verb. */
static struct mm1_event last_exit;
static uint64_t last_signal;
static uint64_t last_kill;

static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    uint64_t mark = ++world.event_seq;
    (void)self;
    if (event->kind == MM1_EVENT_EXIT) {
        last_exit = *event;
    } else if (event->kind == MM1_EVENT_SIGNAL) {
        last_signal = mark;
    } else if (event->kind == MM1_EVENT_VERB && event->verb == MM1_EFFECT_KILL) {
        last_kill = mark;
    }
    return mark;
}

CORE_TEST(ends, cause)
{
    static const struct mm1_trace_ops ops = {.name = "cause", .emit = emit};
    three();
    world.trace = (struct mm1_trace){.ops = &ops};
    make(&a, OP_EXIT, b.addr, MM1_REASON_SHUTDOWN);
    cr_assert_neq(last_exit.cause, 0);
    cr_assert(mm1_addr_equal(last_exit.self, b.addr));
    /* The Down at w is a signal too, but it is told as a POST. */
    cr_assert_eq(last_exit.cause, last_signal);
    make(&w, OP_KILL, a.addr, 0);
    cr_assert(mm1_addr_equal(last_exit.self, a.addr));
    cr_assert_eq(last_exit.cause, last_kill);
    world.trace.quiet = true;
}

/* A node that is closed in the midst of a turn: the message in hand is freed, the state is let be. */
static jmp_buf out;

static bool leave_turn(struct mini_world *self, struct mm1_runnable *runnable,
                       const struct mm1_effect *effect, struct mm1_answer *answer)
{
    (void)self, (void)runnable, (void)effect, (void)answer;
    longjmp(out, 1);
}

static void reopen(void)
{
    cr_assert_eq(world.alloc.live, 0);
    struct mm1_node_config config = home_config();
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    cast_size = 0;
}

static void arm(struct mm1_ctx *ctx, struct puppet *p)
{
    cr_assert_eq(mm1_after(ctx, 10, &p->refs[0], note, .no = 1), MM1_OK);
}

static void quit_now(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_quit(ctx, MM1_NORMAL);
}

CORE_TEST(ends, closed_in_a_turn)
{
    three();
    a.at_note = quit_now;
    call(&a, arm);
    world.effect = leave_turn;
    if (setjmp(out) == 0) {
        mini_advance(&world, 100); /* a timer's message in hand */
        cr_assert(false, "the turn came to its end");
    }
    if (setjmp(out) == 0) {
        make(&b, OP_NOTE, w.addr, 1);
        cr_assert(false, "the turn came to its end");
    }
    world.effect = NULL;
    mini_node_close(&home);
    cr_assert(a.finis == 0 && b.finis == 0 && w.finis == 1);
    reopen();
}

/* A node that is closed while signals are held. */
CORE_TEST(ends, closed_while_signals_travel)
{
    three();
    world.hold_signals = true;
    make(&a, OP_LINK, b.addr, 0);
    make(&a, OP_WATCH, b.addr, 0);
    make(&a, OP_NOTE, b.addr, 1);
    make(&a, OP_UNLINK, b.addr, 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    cr_assert_not(mm1_list_empty(&world.held));
    mini_node_close(&home);
    cr_assert(mm1_list_empty(&world.held));
    reopen();
}

/* A closed node ends without a word: fini runs, nothing else. */
CORE_TEST(ends, closed_node)
{
    three();
    make(&a, OP_LINK, b.addr, 0);
    tell(&a, OP_NOTE, b.addr, 1);
    mini_node_close(&home);
    cr_assert(a.finis == 1 && b.finis == 1 && w.finis == 1);
    expect_log(&w, "");
    reopen();
}
