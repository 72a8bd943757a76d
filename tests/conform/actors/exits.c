/* Reasons, exit signals, kills, traps (otp 4; mm1-spec STOP, LIFE-05 to LIFE-07). */
#include "suite.h"

static mm1_status returns_ok(struct mm1_ctx *ctx, const void *arg)
{
    (void)ctx;
    (void)arg;
    return MM1_OK;
}

static mm1_status returns_io(struct mm1_ctx *ctx, const void *arg)
{
    (void)ctx;
    (void)arg;
    return MM1_IO;
}

static mm1_status ends_timeout(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    mm1_end(ctx, mm1_reason_of(MM1_REASON_TIMEOUT));
}

/* The first reason counts. */
static mm1_status quits_twice(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    mm1_quit(ctx, mm1_reason_error(1, ""));
    mm1_quit(ctx, mm1_reason_error(2, ""));
    mm1_end(ctx, mm1_reason_error(3, ""));
}

static mm1_status bad_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx;
    (void)state;
    (void)arg;
    return MM1_IO;
}

static mm1_status idle_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour unborn = {
    .name = "unborn", .init = bad_init, .receive = idle_receive};

static const struct mm1_function normal = MM1_FUNCTION("normal", returns_ok);
static const struct mm1_function failing = MM1_FUNCTION("failing", returns_io);
static const struct mm1_function ending = MM1_FUNCTION("ending", ends_timeout);
static const struct mm1_function quitting = MM1_FUNCTION("quitting", quits_twice);

/* How an actor that ends on its own ends: it is linked from its birth, so that no other reason is seen. */
static struct mm1_reason end_of(struct mm1_ctx *ctx, const struct mm1_behaviour *behaviour)
{
    mm1_addr peer;
    MUST_OK(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = behaviour, .link = true}, &peer));
    return suite_exited(ctx, peer);
}

static void the_reason_is_what_it_ended_for(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    MUST(end_of(ctx, &normal.behaviour).kind == MM1_REASON_NORMAL);
    MUST(suite_is_error(end_of(ctx, &failing.behaviour), MM1_IO));
    MUST(end_of(ctx, &ending.behaviour).kind == MM1_REASON_TIMEOUT);
    MUST(suite_is_error(end_of(ctx, &quitting.behaviour), 1));
    MUST(end_of(ctx, &unborn).kind == MM1_REASON_INIT_FAILED);
}

static void a_normal_exit_signal_is_ignored(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    MUST_OK(mm1_exit(ctx, a, MM1_NORMAL));
    MUST(suite_take(ctx, a).what == SUITE_NOTHING);
    (void)suite_do(ctx, a, SUITE_TRAP, .number = 1);
    MUST_OK(mm1_exit(ctx, a, MM1_NORMAL));
    MUST(suite_saw(suite_take(ctx, a), SUITE_EXITED, mm1_self(ctx), MM1_REASON_NORMAL, 0));
}

static void a_trap_does_not_hold_a_kill(struct mm1_ctx *ctx)
{
    for (unsigned by_exit = 0; by_exit < 2; by_exit++) {
        mm1_addr a = suite_puppet_new(ctx);
        uint64_t ref = suite_watch(ctx, a);
        (void)suite_do(ctx, a, SUITE_TRAP, .number = 1);
        MUST_OK(by_exit == 1 ? mm1_exit(ctx, a, mm1_reason_of(MM1_REASON_KILL)) : mm1_kill(ctx, a));
        MUST(suite_down(ctx, ref).kind == MM1_REASON_KILLED);
    }
}

static void a_trap_holds_all_else(struct mm1_ctx *ctx)
{
    static const enum mm1_reason_kind kinds[] = {MM1_REASON_NORMAL, MM1_REASON_SHUTDOWN,
                                                 MM1_REASON_KILLED, MM1_REASON_NOPROC,
                                                 MM1_REASON_NOCONNECTION};
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    (void)suite_do(ctx, a, SUITE_TRAP, .number = 1);
    for (size_t i = 0; i < MM1_COUNT_OF(kinds); i++) {
        MUST_OK(mm1_exit(ctx, a, mm1_reason_of(kinds[i])));
        MUST(suite_saw(suite_take(ctx, a), SUITE_EXITED, mm1_self(ctx), kinds[i], 0));
    }
    (void)suite_do(ctx, a, SUITE_TRAP, .number = 0);
    MUST_OK(mm1_exit(ctx, a, MM1_SHUTDOWN));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_SHUTDOWN);
}

static void what_was_trapped_stays_a_message(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    (void)suite_do(ctx, a, SUITE_TRAP, .number = 1);
    MUST_OK(mm1_exit(ctx, a, mm1_reason_error(5, "")));
    MUST_OK((mm1_status)suite_do(ctx, a, SUITE_TRAP, .number = 0).status);
    MUST(suite_saw(suite_take(ctx, a), SUITE_EXITED, mm1_self(ctx), MM1_REASON_ERROR, 5));
}

static void the_first_reason_counts(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    MUST_OK(mm1_exit(ctx, a, mm1_reason_error(5, "")));
    (void)!mm1_exit(ctx, a, mm1_reason_error(6, "")); /* it may be gone */
    (void)mm1_kill(ctx, a);
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    a = suite_puppet_new(ctx);
    ref = suite_watch(ctx, a);
    MUST_OK(mm1_kill(ctx, a));
    (void)!mm1_exit(ctx, a, mm1_reason_error(6, ""));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_KILLED);
    MUST_BE_QUIET();
}

/* Sends itself an exit signal: it acts at the next wait at the latest. */
static mm1_status suicide_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    static const struct mm1_reason reasons[] = {{.kind = MM1_REASON_NORMAL},
                                                {.kind = MM1_REASON_ERROR, .code = 5},
                                                {.kind = MM1_REASON_KILL}};
    bool trapping = start->number >= 10;
    mm1_trap_exit(ctx, trapping);
    MUST_OK(mm1_exit(ctx, mm1_self(ctx), reasons[start->number % 10]));
    MUST_OK(mm1_recv(ctx, &envelope));
    MUST(trapping && mm1_is(envelope, &mm1_exited_type));
    const struct mm1_exited *exited = envelope->msg;
    MUST(mm1_addr_equal(exited->peer, mm1_self(ctx)));
    MUST(exited->why.kind == reasons[start->number % 10].kind);
    return MM1_TIMEOUT;
}

static const struct mm1_function suicide = MM1_FUNCTION("suicide", suicide_run);

static void an_exit_signal_to_oneself(struct mm1_ctx *ctx)
{
    static const struct {
        uint64_t number;
        enum mm1_reason_kind kind;
        int32_t code;
    } rows[] = {
        {0, MM1_REASON_NORMAL, 0},           {1, MM1_REASON_ERROR, 5},
        {2, MM1_REASON_KILLED, 0},           {10, MM1_REASON_ERROR, MM1_TIMEOUT},
        {11, MM1_REASON_ERROR, MM1_TIMEOUT}, {12, MM1_REASON_KILLED, 0},
    };
    mm1_trap_exit(ctx, true);
    for (size_t i = 0; i < MM1_COUNT_OF(rows); i++) {
        mm1_addr peer = suite_spawn_with(ctx, &suicide, rows[i].number, true);
        struct mm1_reason reason = suite_exited(ctx, peer);
        MUST(reason.kind == rows[i].kind && reason.code == rows[i].code);
    }
}

/* --- what runs at an end ---------------------------------------------------------------------------------------- */

static _Atomic unsigned cleaned;

static void clean(void *arg)
{
    (void)atomic_fetch_add(&cleaned, *(unsigned *)arg);
}

static mm1_status tidy_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    unsigned *one = mm1_arena_take(ctx, sizeof(*one));
    MUST(one != NULL);
    *one = 1;
    MUST_OK(mm1_defer(ctx, clean, one));
    MUST_OK(suite_go_tell(ctx, start->from));
    while (mm1_recv(ctx, &envelope) == MM1_OK) {
        MUST(mm1_is(envelope, &suite_note_type));
    }
    MUST(false);
}

static const struct mm1_function tidy = MM1_FUNCTION("tidy", tidy_run);

static void nothing_but_clean_ups_runs_at_an_end(struct mm1_ctx *ctx)
{
    for (unsigned by_exit = 0; by_exit < 2; by_exit++) {
        const struct mm1_envelope *envelope;
        atomic_store(&cleaned, 0);
        mm1_addr a = suite_spawn(ctx, &tidy);
        uint64_t ref = suite_watch(ctx, a);
        MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
        MUST_OK(mm1_tell(ctx, a, suite_note, .number = 1));
        MUST_OK(by_exit == 1 ? mm1_exit(ctx, a, MM1_SHUTDOWN) : mm1_kill(ctx, a));
        (void)suite_down(ctx, ref);
        MUST(atomic_load(&cleaned) == 1);
    }
}

/* --- shutdown --------------------------------------------------------------------------------------------------- */

static void a_shutdown_waits_for_the_end(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    MUST_OK(mm1_shutdown(ctx, a, MM1_FOREVER));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_SHUTDOWN);
    MUST_OK(mm1_shutdown(ctx, a, MM1_FOREVER)); /* nobody is there */
    a = suite_puppet_new(ctx);
    ref = suite_watch(ctx, a);
    (void)suite_do(ctx, a, SUITE_TRAP, .number = 1); /* it will not go */
    MUST_OK(mm1_shutdown(ctx, a, MM1_NS_PER_MS));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_KILLED);
    MUST(mm1_shutdown(ctx, SUITE_FOREIGN, MM1_FOREVER) == MM1_NOCONNECTION);
    MUST_BE_QUIET();
}

static const struct suite_case cases[] = {
    {"the_reason_is_what_it_ended_for", "X1 A1 LIFE-05 LIFE-07 CORE-02",
     the_reason_is_what_it_ended_for},
    {"a_normal_exit_signal_is_ignored", "X2", a_normal_exit_signal_is_ignored},
    {"a_trap_does_not_hold_a_kill", "X3 X14 STOP-02", a_trap_does_not_hold_a_kill},
    {"a_trap_holds_all_else", "X4 X14 STOP-01", a_trap_holds_all_else},
    {"what_was_trapped_stays_a_message", "X5", what_was_trapped_stays_a_message},
    {"the_first_reason_counts", "X6", the_first_reason_counts},
    {"an_exit_signal_to_oneself", "X7 X8 X9 STOP-01", an_exit_signal_to_oneself},
    {"nothing_but_clean_ups_runs_at_an_end", "X12 LIFE-06", nothing_but_clean_ups_runs_at_an_end},
    {"a_shutdown_waits_for_the_end", "STOP-04", a_shutdown_waits_for_the_end},
};
SUITE_TABLE(suite_exits, cases);
