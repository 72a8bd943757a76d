/* Links (otp 2; mm1-spec LINK). */
#include "suite.h"

static void trap(struct mm1_ctx *ctx, mm1_addr puppet)
{
    MUST_OK((mm1_status)suite_do(ctx, puppet, SUITE_TRAP, .number = 1).status);
}

static void link(struct mm1_ctx *ctx, mm1_addr a, mm1_addr b)
{
    MUST_OK((mm1_status)suite_do(ctx, a, SUITE_LINK, .peer = b).status);
}

static void unlink(struct mm1_ctx *ctx, mm1_addr a, mm1_addr b)
{
    MUST_OK((mm1_status)suite_do(ctx, a, SUITE_UNLINK, .peer = b).status);
}

static bool is_alive(struct mm1_ctx *ctx, mm1_addr puppet)
{
    return suite_do(ctx, puppet, SUITE_TRAP, .number = 0).status == MM1_OK;
}

/* The puppet ends, and everybody has heard of it. */
static void crash(struct mm1_ctx *ctx, mm1_addr puppet, int32_t code)
{
    suite_crash(ctx, puppet, code);
    suite_settle(ctx);
}

static void a_link_works_both_ways(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr b = suite_puppet_new(ctx);
    trap(ctx, b);
    link(ctx, a, b);
    crash(ctx, a, 5);
    MUST(suite_saw(suite_take(ctx, b), SUITE_EXITED, a, MM1_REASON_ERROR, 5));
    a = suite_puppet_new(ctx);
    link(ctx, b, a);
    suite_settle(ctx);
    crash(ctx, a, 6);
    MUST(suite_saw(suite_take(ctx, b), SUITE_EXITED, a, MM1_REASON_ERROR, 6));
    MUST(suite_take(ctx, b).what == SUITE_NOTHING);
}

static void a_pair_has_one_link(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr b = suite_puppet_new(ctx);
    trap(ctx, b);
    link(ctx, a, b);
    link(ctx, a, b);
    link(ctx, b, a);
    crash(ctx, a, 5);
    MUST(suite_saw(suite_take(ctx, b), SUITE_EXITED, a, MM1_REASON_ERROR, 5));
    MUST(suite_take(ctx, b).what == SUITE_NOTHING);
    a = suite_puppet_new(ctx);
    link(ctx, a, b);
    link(ctx, a, b);
    unlink(ctx, a, b);
    crash(ctx, a, 6);
    MUST(suite_take(ctx, b).what == SUITE_NOTHING);
}

static void a_link_to_oneself_is_none(struct mm1_ctx *ctx)
{
    MUST_OK(mm1_link(ctx, mm1_self(ctx)));
    MUST_OK(mm1_unlink(ctx, mm1_self(ctx)));
    mm1_addr a = suite_puppet_new(ctx);
    link(ctx, a, a);
    suite_crash(ctx, a, 5);
    MUST_BE_QUIET();
}

static void after_unlink_no_end_is_told(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    MUST_OK(mm1_link(ctx, a));
    MUST_OK(mm1_unlink(ctx, a));
    suite_crash(ctx, a, 5); /* this actor does not trap, and lives on */
    a = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, a);
    MUST_OK(mm1_link(ctx, a));
    MUST_OK(mm1_exit(ctx, a, mm1_reason_error(6, "")));
    MUST_OK(mm1_unlink(ctx, a)); /* the exit signal may be on its way here */
    MUST(suite_is_error(suite_down(ctx, ref), 6));
    mm1_trap_exit(ctx, true);
    MUST_BE_QUIET();
}

static void unlinking_a_stranger_is_no_error(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    MUST_OK(mm1_unlink(ctx, a));
    MUST_OK(mm1_unlink(ctx, SUITE_FOREIGN));
    MUST(is_alive(ctx, a));
    MUST_BE_QUIET();
}

static void a_normal_end_harms_nobody(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr plain = suite_puppet_new(ctx);
    mm1_addr trapping = suite_puppet_new(ctx);
    trap(ctx, trapping);
    link(ctx, a, plain);
    link(ctx, a, trapping);
    suite_end(ctx, a, MM1_REASON_NORMAL);
    suite_settle(ctx);
    MUST(suite_saw(suite_take(ctx, trapping), SUITE_EXITED, a, MM1_REASON_NORMAL, 0));
    MUST(is_alive(ctx, plain));
    MUST(suite_take(ctx, plain).what == SUITE_NOTHING);
    /* The link is gone on the side of those who live as well. */
    unlink(ctx, plain, a);
    link(ctx, trapping, a);
    MUST(suite_saw(suite_take(ctx, trapping), SUITE_EXITED, a, MM1_REASON_NOPROC, 0));
}

static void ends_run_through_all_that_is_linked(struct mm1_ctx *ctx)
{
    mm1_addr chain[4];
    uint64_t refs[4];
    for (unsigned i = 0; i < 4; i++) {
        chain[i] = suite_puppet_new(ctx);
        refs[i] = suite_watch(ctx, chain[i]);
        if (i > 0) {
            link(ctx, chain[i], chain[i - 1]);
        }
    }
    suite_settle(ctx);
    suite_crash(ctx, chain[2], 5);
    for (unsigned i = 0; i < 4; i++) {
        MUST(suite_is_error(suite_down(ctx, refs[i]), 5));
    }
}

static void the_reason_kill_can_be_trapped_on_a_link(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr plain = suite_puppet_new(ctx);
    mm1_addr trapping = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, plain);
    trap(ctx, trapping);
    link(ctx, a, plain);
    link(ctx, a, trapping);
    suite_end(ctx, a, MM1_REASON_KILL);
    MUST(suite_down(ctx, ref).kind == MM1_REASON_KILL);
    MUST(suite_saw(suite_take(ctx, trapping), SUITE_EXITED, a, MM1_REASON_KILL, 0));
}

static void who_is_killed_was_killed_to_its_links(struct mm1_ctx *ctx)
{
    mm1_addr trapping = suite_puppet_new(ctx);
    trap(ctx, trapping);
    for (unsigned by_exit = 0; by_exit < 2; by_exit++) {
        mm1_addr a = suite_puppet_new(ctx);
        uint64_t ref = suite_watch(ctx, a);
        trap(ctx, a);
        link(ctx, a, trapping);
        MUST_OK(by_exit == 1 ? mm1_exit(ctx, a, mm1_reason_of(MM1_REASON_KILL)) : mm1_kill(ctx, a));
        MUST(suite_down(ctx, ref).kind == MM1_REASON_KILLED);
        suite_settle(ctx);
        MUST(suite_saw(suite_take(ctx, trapping), SUITE_EXITED, a, MM1_REASON_KILLED, 0));
        MUST(suite_take(ctx, trapping).what == SUITE_NOTHING);
    }
}

static void a_trapped_signal_names_its_sender(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_addr b = suite_puppet_new(ctx);
    trap(ctx, b);
    (void)suite_do(ctx, a, SUITE_EXIT, .peer = b, .kind = MM1_REASON_ERROR, .code = 5);
    suite_settle(ctx);
    MUST(suite_saw(suite_take(ctx, b), SUITE_EXITED, a, MM1_REASON_ERROR, 5));
    MUST(is_alive(ctx, a));
}

/* Links and unlinks at random, then a puppet. */
static mm1_status wavering_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    mm1_trap_exit(ctx, true);
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
    mm1_addr peer = ((const struct suite_note *)envelope->msg)->from;
    for (unsigned i = 0; i < 12; i++) {
        MUST_OK(mm1_random(ctx, 2) == 0 ? mm1_link(ctx, peer) : mm1_unlink(ctx, peer));
        if (mm1_random(ctx, 3) == 0) {
            MUST_OK(mm1_sleep(ctx, 0));
        }
    }
    MUST_OK(mm1_tell(ctx, start->from, suite_note, .number = 0));
    return suite_puppet.run(ctx, NULL);
}

static const struct mm1_function wavering = MM1_FUNCTION("wavering", wavering_run);

/* After any links and unlinks that crossed on their way, both ends agree: one that comes after them counts. */
static void crossing_links_and_unlinks_end_in_agreement(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_spawn(ctx, &wavering);
    mm1_addr b = suite_spawn(ctx, &wavering);
    MUST_OK(mm1_tell(ctx, a, suite_note, .from = b));
    MUST_OK(mm1_tell(ctx, b, suite_note, .from = a));
    (void)suite_noted(ctx);
    (void)suite_noted(ctx);
    suite_settle(ctx);
    switch (mm1_random(ctx, 4)) {
    case 0:
        link(ctx, a, b);
        break;
    case 1: /* a stale half of a link would make the second link void */
        unlink(ctx, a, b);
        suite_settle(ctx);
        link(ctx, b, a);
        break;
    case 2:
        unlink(ctx, b, a);
        link(ctx, b, a);
        break;
    default:
        link(ctx, a, b);
        suite_settle(ctx);
        unlink(ctx, b, a);
        suite_settle(ctx);
        crash(ctx, b, 5);
        MUST(suite_take(ctx, a).what == SUITE_NOTHING);
        return;
    }
    suite_settle(ctx);
    crash(ctx, a, 5);
    MUST(suite_saw(suite_take(ctx, b), SUITE_EXITED, a, MM1_REASON_ERROR, 5));
    MUST(suite_take(ctx, b).what == SUITE_NOTHING);
}

static void a_link_ends_with_its_peer(struct mm1_ctx *ctx)
{
    mm1_addr a = suite_puppet_new(ctx);
    mm1_trap_exit(ctx, true);
    MUST_OK(mm1_link(ctx, a));
    suite_crash(ctx, a, 5);
    MUST(suite_is_error(suite_exited(ctx, a), 5));
    MUST_OK(mm1_unlink(ctx, a));
    MUST_BE_QUIET();
    MUST_OK(mm1_link(ctx, a)); /* so it is no link that stands already */
    MUST(suite_exited(ctx, a).kind == MM1_REASON_NOPROC);
}

static const struct suite_case cases[] = {
    {"a_link_works_both_ways", "L1 LINK-01 LINK-03", a_link_works_both_ways},
    {"a_pair_has_one_link", "L1 L13 LINK-01", a_pair_has_one_link},
    {"a_link_to_oneself_is_none", "L2", a_link_to_oneself_is_none},
    {"after_unlink_no_end_is_told", "L5 L10 LINK-01", after_unlink_no_end_is_told},
    {"unlinking_a_stranger_is_no_error", "L14", unlinking_a_stranger_is_no_error},
    {"a_normal_end_harms_nobody", "L6 L15 LINK-02 LINK-03", a_normal_end_harms_nobody},
    {"ends_run_through_all_that_is_linked", "L7 LINK-02", ends_run_through_all_that_is_linked},
    {"the_reason_kill_can_be_trapped_on_a_link", "L8", the_reason_kill_can_be_trapped_on_a_link},
    {"who_is_killed_was_killed_to_its_links", "L9 X3 STOP-02",
     who_is_killed_was_killed_to_its_links},
    {"a_trapped_signal_names_its_sender", "L11 X4 STOP-01", a_trapped_signal_names_its_sender},
    {"crossing_links_and_unlinks_end_in_agreement", "L12",
     crossing_links_and_unlinks_end_in_agreement},
    {"a_link_ends_with_its_peer", "L15 LINK-03", a_link_ends_with_its_peer},
};
SUITE_TABLE(suite_links, cases);
