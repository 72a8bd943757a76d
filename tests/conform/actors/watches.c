/* Watches (otp 3; mm1-spec WATCH). */
#include "suite.h"

static void each_watch_tells_once(struct mm1_ctx *ctx)
{
    uint64_t refs[5];
    mm1_addr puppet = suite_puppet_new(ctx);
    for (unsigned i = 0; i < 5; i++) {
        refs[i] = suite_watch(ctx, puppet);
        MUST(i == 0 || refs[i] > refs[i - 1]);
    }
    MUST_OK(mm1_exit(ctx, puppet, mm1_reason_error(5, "")));
    for (unsigned i = 0; i < 5; i++) {
        const struct mm1_envelope *envelope;
        MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &mm1_down_type, &envelope));
        const struct mm1_down *down = envelope->msg;
        MUST(down->ref == refs[i]);
        MUST(mm1_addr_equal(down->peer, puppet));
        MUST(suite_is_error(mm1_reason_of_why(&down->why), 5));
    }
    MUST_BE_QUIET();
}

static void a_watch_goes_one_way(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr b = suite_puppet_new(ctx);
    (void)suite_do(ctx, a, SUITE_WATCH, .peer = b);
    suite_crash(ctx, a, 5);
    MUST(suite_take(ctx, b).what == SUITE_NOTHING);
}

static void a_watch_of_oneself_never_tells(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    (void)suite_watch(ctx, mm1_self(ctx));
    (void)suite_do(ctx, a, SUITE_WATCH, .peer = a);
    suite_crash(ctx, a, 5);
    MUST_BE_QUIET();
}

static void after_unwatch_nothing_is_told(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    uint64_t stays = suite_watch(ctx, a);
    mm1_unwatch(ctx, ref);
    mm1_unwatch(ctx, ref);
    suite_crash(ctx, a, 5);
    MUST(suite_is_error(suite_down(ctx, stays), 5));
    MUST_BE_QUIET();
    a = suite_puppet_new(ctx);
    ref = suite_watch(ctx, a);
    MUST_OK(mm1_exit(ctx, a, mm1_reason_error(6, "")));
    mm1_unwatch(ctx, ref); /* what it has to say may be on its way here */
    MUST_BE_QUIET();
}

/* Once it lies in the queue, it stays there. */
static void unwatch_takes_nothing_back(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    suite_crash(ctx, a, 5);
    suite_settle(ctx);
    mm1_unwatch(ctx, ref);
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    MUST_BE_QUIET();
}

static void a_flush_takes_it_back(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    suite_crash(ctx, a, 5);
    suite_settle(ctx);
    MUST(!mm1_unwatch_flush(ctx, ref));
    MUST_BE_QUIET();
    a = suite_puppet_new(ctx);
    ref = suite_watch(ctx, a);
    MUST(mm1_unwatch_flush(ctx, ref));
    MUST(!mm1_unwatch_flush(ctx, ref));
    suite_crash(ctx, a, 6);
    MUST_BE_QUIET();
}

static void a_watch_is_its_owners(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr b = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    (void)suite_do(ctx, b, SUITE_UNWATCH, .number = ref);
    (void)suite_do(ctx, a, SUITE_UNWATCH, .number = ref);
    suite_settle(ctx);
    suite_crash(ctx, a, 5);
    MUST(suite_is_error(suite_down(ctx, ref), 5));
}

static void a_down_is_a_message_like_others(struct mm1_ctx *ctx)
{
    static const enum mm1_reason_kind kinds[] = {MM1_REASON_NORMAL,      MM1_REASON_SHUTDOWN,
                                                 MM1_REASON_KILL,        MM1_REASON_KILLED,
                                                 MM1_REASON_INIT_FAILED, MM1_REASON_TIMEOUT};
    for (size_t i = 0; i < MM1_COUNT_OF(kinds); i++) {
        mm1_addr a = suite_puppet_new(ctx);
        uint64_t ref = suite_watch(ctx, a);
        suite_end(ctx, a, kinds[i]);
        MUST(suite_down(ctx, ref).kind == kinds[i]);
    }
    MUST_BE_QUIET();
}

static void a_watch_ends_with_its_owner(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr b = suite_puppet_new(ctx);
    uint64_t refs[2] = {suite_watch(ctx, a), suite_watch(ctx, b)};
    for (unsigned i = 0; i < 3; i++) {
        (void)suite_do(ctx, a, SUITE_WATCH, .peer = b);
        (void)suite_do(ctx, b, SUITE_WATCH, .peer = a);
    }
    suite_settle(ctx);
    suite_crash(ctx, a, 5);
    MUST(suite_is_error(suite_down(ctx, refs[0]), 5));
    for (unsigned i = 0; i < 3; i++) {
        MUST(suite_saw(suite_take(ctx, b), SUITE_DOWN, a, MM1_REASON_ERROR, 5));
    }
    suite_crash(ctx, b, 6);
    MUST(suite_is_error(suite_down(ctx, refs[1]), 6));
    MUST_BE_QUIET();
}

/* A watch is a signal among others of its pair. */
static void a_watch_keeps_its_place(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    MUST_OK(mm1_exit(ctx, a, mm1_reason_error(5, "")));
    uint64_t late = suite_watch(ctx, a);
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    MUST(suite_down(ctx, late).kind == MM1_REASON_NOPROC);
    a = suite_puppet_new(ctx);
    MUST_OK(mm1_kill(ctx, a));
    MUST(suite_down(ctx, suite_watch(ctx, a)).kind == MM1_REASON_NOPROC);
    MUST_BE_QUIET();
}

static void an_exit_and_a_down_of_one_death_both_come(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_trap_exit(ctx, true);
    uint64_t ref = suite_watch(ctx, a);
    MUST_OK(mm1_link(ctx, a));
    MUST_OK(mm1_exit(ctx, a, mm1_reason_error(5, "")));
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    MUST(suite_is_error(suite_exited(ctx, a), 5));
    MUST_BE_QUIET();
}

static const struct suite_case cases[] = {
    {"each_watch_tells_once", "M1 M2 M4 WATCH-01", each_watch_tells_once},
    {"a_watch_goes_one_way", "M1", a_watch_goes_one_way},
    {"a_watch_of_oneself_never_tells", "M5", a_watch_of_oneself_never_tells},
    {"after_unwatch_nothing_is_told", "M6 WATCH-03", after_unwatch_nothing_is_told},
    {"unwatch_takes_nothing_back", "M6 WATCH-03", unwatch_takes_nothing_back},
    {"a_flush_takes_it_back", "M6", a_flush_takes_it_back},
    {"a_watch_is_its_owners", "M7", a_watch_is_its_owners},
    {"a_down_is_a_message_like_others", "M9", a_down_is_a_message_like_others},
    {"a_watch_ends_with_its_owner", "M10 WATCH-04", a_watch_ends_with_its_owner},
    {"a_watch_keeps_its_place", "M11 X11", a_watch_keeps_its_place},
    {"an_exit_and_a_down_of_one_death_both_come", "M12", an_exit_and_a_down_of_one_death_both_come},
};
SUITE_TABLE(suite_watches, cases);
