/* Spawn and start (otp 5 and G1, G2; mm1-spec LIFE). */
#include "suite.h"

/* What a child does that is spawned with a number. */
enum child {
    CHILD_ERROR,
    CHILD_NORMAL,
    CHILD_WAITS,
    CHILD_READY,
    CHILD_READY_ERROR,
    CHILD_READY_TWICE,
    CHILD_IGNORES
};

static mm1_status child_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    MUST(mm1_addr_equal(mm1_parent(ctx), start->from));
    switch ((enum child)start->number) {
    case CHILD_ERROR:
        return MM1_IO;
    case CHILD_NORMAL:
        return MM1_OK;
    case CHILD_READY_ERROR:
        mm1_init_done(ctx, mm1_self(ctx));
        return MM1_IO;
    case CHILD_READY_TWICE:
        mm1_init_done(ctx, mm1_self(ctx));
        mm1_init_done(ctx, MM1_ADDR(1));
        break;
    case CHILD_IGNORES:
        mm1_init_ignore(ctx);
        return MM1_OK;
    case CHILD_READY:
        mm1_init_done(ctx, mm1_self(ctx));
        break;
    case CHILD_WAITS:
        break;
    }
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    return MM1_OK;
}

static const struct mm1_function child = MM1_FUNCTION("child", child_run);

static mm1_status start_child(struct mm1_ctx *ctx, enum child what, bool link, uint64_t timeout_ns,
                              mm1_addr *out)
{
    struct suite_note note = {.number = what, .from = mm1_self(ctx)};
    return mm1_start(ctx,
                     &(struct mm1_spawn){.behaviour = &child.behaviour,
                                         .arg_type = &suite_note_type,
                                         .arg = &note,
                                         .link = link},
                     timeout_ns, out);
}

static void a_linked_child_is_never_noproc(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    for (unsigned i = 0; i < 5; i++) {
        mm1_addr peer = suite_spawn_with(ctx, &child, CHILD_ERROR, true);
        MUST(suite_is_error(suite_exited(ctx, peer), MM1_IO));
        peer = suite_spawn_with(ctx, &child, CHILD_NORMAL, true);
        MUST(suite_exited(ctx, peer).kind == MM1_REASON_NORMAL);
    }
    MUST_BE_QUIET();
}

/* Spawn and watch are two steps: a child that ended between them is not there. */
static void a_watched_child_ends_or_is_gone(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn_with(ctx, &child, CHILD_ERROR, false);
    struct mm1_reason reason = suite_down(ctx, suite_watch(ctx, peer));
    MUST(suite_is_error(reason, MM1_IO) || reason.kind == MM1_REASON_NOPROC);
    MUST_BE_QUIET();
}

/* A watch that begins with the child always tells its reason, also after a start that failed. */
static void a_child_watched_from_birth_is_never_noproc(struct mm1_ctx *ctx)
{
    for (unsigned i = 0; i < 8; i++) {
        struct suite_note note = {.number = i % 2 == 0 ? CHILD_ERROR : CHILD_NORMAL,
                                  .from = mm1_self(ctx)};
        struct mm1_spawn spawn = {.behaviour = &child.behaviour,
                                  .arg_type = &suite_note_type,
                                  .arg = &note,
                                  .watch = mm1_next_ref(ctx)};
        mm1_addr peer;
        if (i < 4) {
            MUST_OK(mm1_spawn(ctx, &spawn, &peer));
        } else {
            MUST(mm1_start(ctx, &spawn, MM1_FOREVER, &peer) == MM1_EXITED);
        }
        struct mm1_reason reason = suite_down(ctx, spawn.watch);
        MUST(i % 2 == 0 ? suite_is_error(reason, MM1_IO) : reason.kind == MM1_REASON_NORMAL);
    }
    MUST_BE_QUIET();
}

static mm1_status parent_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    mm1_addr peer = suite_spawn_with(ctx, &child, CHILD_WAITS, start->number == 1);
    MUST_OK(mm1_tell(ctx, start->from, suite_note, .number = 0, .from = peer));
    return MM1_IO;
}

static const struct mm1_function parent = MM1_FUNCTION("parent", parent_run);

static void a_linked_child_ends_with_its_parent(struct mm1_ctx *ctx)
{
    for (uint64_t linked = 0; linked < 2; linked++) {
        const struct mm1_envelope *envelope;
        (void)suite_spawn_with(ctx, &parent, linked, false);
        MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
        mm1_addr peer = ((const struct suite_note *)envelope->msg)->from;
        uint64_t ref = suite_watch(ctx, peer);
        if (linked == 1) {
            struct mm1_reason reason = suite_down(ctx, ref);
            MUST(suite_is_error(reason, MM1_IO) || reason.kind == MM1_REASON_NOPROC);
        } else {
            suite_settle(ctx);
            MUST_OK(suite_go_tell(ctx, peer));
            MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
        }
    }
}

static void a_start_waits_until_the_child_is_ready(struct mm1_ctx *ctx)
{
    mm1_addr peer;
    MUST_OK(start_child(ctx, CHILD_READY, false, MM1_FOREVER, &peer));
    uint64_t ref = suite_watch(ctx, peer);
    MUST_OK(suite_go_tell(ctx, peer));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
    mm1_trap_exit(ctx, true);
    MUST_OK(start_child(ctx, CHILD_READY_TWICE, true, MM1_FOREVER, &peer));
    MUST_OK(suite_go_tell(ctx, peer));
    MUST(suite_exited(ctx, peer).kind == MM1_REASON_NORMAL);
    MUST_BE_QUIET();
}

/* The starter learns how the child ended, from start alone, and lives on whether it traps or not. */
static void a_start_of_a_child_that_ends(struct mm1_ctx *ctx)
{
    mm1_addr peer;
    for (unsigned i = 0; i < 4; i++) {
        mm1_trap_exit(ctx, i % 2 == 1);
        MUST(start_child(ctx, CHILD_ERROR, i / 2 == 1, MM1_FOREVER, &peer) == MM1_EXITED);
        MUST(suite_is_error(*mm1_call_reason(ctx), MM1_IO));
        MUST(start_child(ctx, CHILD_NORMAL, i / 2 == 1, MM1_FOREVER, &peer) == MM1_EXITED);
        MUST(mm1_call_reason(ctx)->kind == MM1_REASON_NORMAL);
    }
    MUST_BE_QUIET();
}

static void a_start_that_takes_too_long(struct mm1_ctx *ctx)
{
    mm1_addr peer;
    mm1_trap_exit(ctx, true);
    MUST(start_child(ctx, CHILD_WAITS, true, MM1_NS_PER_MS, &peer) == MM1_TIMEOUT);
    MUST_BE_QUIET();
}

/* The starter hears of a normal end and lives on, linked or not. */
static void a_child_that_is_not_needed(struct mm1_ctx *ctx)
{
    mm1_addr peer;
    for (unsigned i = 0; i < 4; i++) {
        mm1_trap_exit(ctx, i % 2 == 1);
        MUST(start_child(ctx, CHILD_IGNORES, i / 2 == 1, MM1_FOREVER, &peer) == MM1_EXITED);
        MUST(mm1_call_reason(ctx)->kind == MM1_REASON_NORMAL);
    }
    MUST(suite_exited(ctx, suite_spawn_with(ctx, &child, CHILD_IGNORES, true)).kind ==
         MM1_REASON_NORMAL);
    MUST_BE_QUIET();
}

/* That it is ready comes before its end. */
static void ready_comes_before_the_end(struct mm1_ctx *ctx)
{
    mm1_addr peer;
    mm1_trap_exit(ctx, true);
    MUST_OK(start_child(ctx, CHILD_READY_ERROR, true, MM1_FOREVER, &peer));
    MUST(suite_is_error(suite_exited(ctx, peer), MM1_IO));
    MUST_OK(start_child(ctx, CHILD_READY_ERROR, false, MM1_FOREVER, &peer));
    struct mm1_reason reason = suite_down(ctx, suite_watch(ctx, peer));
    MUST(suite_is_error(reason, MM1_IO) || reason.kind == MM1_REASON_NOPROC);
    MUST_BE_QUIET();
}

static void a_starter_that_does_not_trap_ends_with_its_linked_child(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    struct suite_seen seen = suite_do(ctx, a, SUITE_SPAWN, .number = 1);
    suite_crash(ctx, seen.peer, 5);
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    a = suite_puppet_new(ctx);
    seen = suite_do(ctx, a, SUITE_SPAWN, .number = 0);
    suite_crash(ctx, seen.peer, 5);
    suite_settle(ctx);
    MUST_OK((mm1_status)suite_do(ctx, a, SUITE_TRAP, .number = 0).status);
}

static void a_child_inherits_nothing(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr friend = suite_puppet_new(ctx);
    (void)suite_do(ctx, a, SUITE_TRAP, .number = 1);
    (void)suite_do(ctx, a, SUITE_LINK, .peer = friend);
    (void)suite_do(ctx, a, SUITE_WATCH, .peer = friend);
    mm1_addr born = suite_do(ctx, a, SUITE_SPAWN, .number = 0).peer;
    uint64_t ref = suite_watch(ctx, born);
    suite_crash(ctx, friend, 5);
    MUST(suite_take(ctx, born).what == SUITE_NOTHING);
    MUST_OK(mm1_exit(ctx, born, mm1_reason_error(6, ""))); /* it does not trap */
    MUST(suite_is_error(suite_down(ctx, ref), 6));
}

static const struct suite_case cases[] = {
    {"a_linked_child_is_never_noproc", "A1 LIFE-01", a_linked_child_is_never_noproc},
    {"a_watched_child_ends_or_is_gone", "A2", a_watched_child_ends_or_is_gone},
    {"a_child_watched_from_birth_is_never_noproc", "A2",
     a_child_watched_from_birth_is_never_noproc},
    {"a_linked_child_ends_with_its_parent", "A3 LINK-02", a_linked_child_ends_with_its_parent},
    {"a_start_waits_until_the_child_is_ready", "A7 G1 LIFE-02 LIFE-04",
     a_start_waits_until_the_child_is_ready},
    {"a_start_of_a_child_that_ends", "A7 G2 LIFE-02 LIFE-03", a_start_of_a_child_that_ends},
    {"a_start_that_takes_too_long", "A7 G19 LIFE-02", a_start_that_takes_too_long},
    {"a_child_that_is_not_needed", "A7 G2", a_child_that_is_not_needed},
    {"ready_comes_before_the_end", "A4 LIFE-02", ready_comes_before_the_end},
    {"a_starter_that_does_not_trap_ends_with_its_linked_child", "A1 L7 LIFE-01",
     a_starter_that_does_not_trap_ends_with_its_linked_child},
    {"a_child_inherits_nothing", "A6", a_child_inherits_nothing},
};
SUITE_TABLE(suite_spawns, cases);
