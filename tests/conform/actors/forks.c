/* Forks and bound subnets (mm1-spec C: MSG-03, MSG-04, MSG-09 to MSG-13; LINK-06). */
#include "suite.h"

static const struct mm1_net served = {.addr = {0xfff0000012340000u}, .mask = 48};

/* A fork: sends its own address to the actor that is named, then echoes notes; note 0 ends the fork. */
static mm1_status branch_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    mm1_addr owner = start->from;
    MUST(mm1_is_fork(ctx));
    mm1_init_done(ctx, mm1_self(ctx)); /* nobody awaits it */
    MUST_OK(mm1_tell(ctx, owner, suite_note, .number = 1, .from = mm1_self(ctx)));
    for (;;) {
        const struct mm1_envelope *envelope;
        MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
        const struct suite_note *note = envelope->msg;
        MUST(mm1_addr_equal(envelope->to, mm1_self(ctx)));
        uint64_t number = note->number;
        if (number == 0) {
            return MM1_OK;
        }
        MUST_OK(mm1_tell(ctx, owner, suite_note, .number = number + 1, .from = mm1_main(ctx)));
    }
}

static const struct mm1_function branch = MM1_FUNCTION("branch", branch_run);

static mm1_addr fork_branch(struct mm1_ctx *ctx, mm1_addr owner)
{
    mm1_addr address;
    struct suite_note note = {.from = owner};
    MUST_OK(mm1_fork(ctx,
                     &(struct mm1_fork){.behaviour = &branch.behaviour,
                                        .arg_type = &suite_note_type,
                                        .arg = &note},
                     &address));
    return address;
}

/* An actor with a fork, both waiting. The number is a reason of which its main ends when it is told to go. */
static mm1_status tree_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    mm1_addr address = fork_branch(ctx, start->from);
    MUST(!mm1_addr_equal(address, mm1_self(ctx)));
    mm1_trap_exit(ctx, start->number == 2);
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    return start->number == 1 ? MM1_IO : MM1_OK;
}

static const struct mm1_function tree = MM1_FUNCTION("tree", tree_run);

/* The address of the fork of a tree that was just spawned. */
static mm1_addr fork_of(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
    return ((const struct suite_note *)envelope->msg)->from;
}

static void a_fork_has_an_address_of_its_own(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_addr peer = suite_spawn(ctx, &tree);
    mm1_addr fork = fork_of(ctx);
    MUST_OK(mm1_tell(ctx, fork, suite_note, .number = 5));
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
    const struct suite_note *note = envelope->msg;
    MUST(note->number == 6 && mm1_addr_equal(note->from, peer));
    MUST(!mm1_addr_equal(fork, peer));
    mm1_addr owner;
    MUST(mm1_owner(ctx, fork, &owner) && mm1_addr_equal(owner, fork));
}

static void the_end_of_a_fork_is_normal(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn(ctx, &tree);
    mm1_addr fork = fork_of(ctx);
    uint64_t ref = suite_watch(ctx, fork);
    uint64_t of_peer = suite_watch(ctx, peer);
    mm1_trap_exit(ctx, true);
    MUST_OK(mm1_link(ctx, fork));
    MUST_OK(mm1_tell(ctx, fork, suite_note, .number = 0));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
    MUST(suite_exited(ctx, fork).kind == MM1_REASON_NORMAL);
    /* What is sent there now is lost, and who watches it learns that nobody is there. */
    MUST_OK(mm1_tell(ctx, fork, suite_note, .number = 3));
    MUST(suite_down(ctx, suite_watch(ctx, fork)).kind == MM1_REASON_NOPROC);
    MUST_BE_QUIET();
    MUST_OK(suite_go_tell(ctx, peer));
    MUST(suite_down(ctx, of_peer).kind == MM1_REASON_NORMAL);
}

static void forks_share_the_fate_of_their_actor(struct mm1_ctx *ctx)
{
    uint64_t refs[2];
    mm1_addr peer = suite_spawn_with(ctx, &tree, 1, false);
    mm1_addr fork = fork_of(ctx);
    refs[0] = suite_watch(ctx, fork);
    refs[1] = suite_watch(ctx, peer);
    MUST_OK(suite_go_tell(ctx, peer));
    MUST(suite_is_error(suite_down(ctx, refs[0]), MM1_IO));
    MUST(suite_is_error(suite_down(ctx, refs[1]), MM1_IO));
    peer = suite_spawn(ctx, &tree);
    fork = fork_of(ctx);
    refs[0] = suite_watch(ctx, fork);
    refs[1] = suite_watch(ctx, peer);
    MUST_OK(mm1_kill(ctx, fork)); /* by any address of it */
    MUST(suite_down(ctx, refs[0]).kind == MM1_REASON_KILLED);
    MUST(suite_down(ctx, refs[1]).kind == MM1_REASON_KILLED);
}

static void an_exit_signal_to_a_fork_ends_its_actor(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn(ctx, &tree);
    mm1_addr fork = fork_of(ctx);
    uint64_t ref = suite_watch(ctx, peer);
    MUST_OK(mm1_exit(ctx, fork, mm1_reason_error(5, "")));
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    mm1_addr trapping = suite_spawn_with(ctx, &tree, 2, false);
    fork = fork_of(ctx);
    ref = suite_watch(ctx, trapping);
    MUST_OK(mm1_exit(ctx, fork, mm1_reason_error(5, ""))); /* trap_exit is the actor's */
    MUST_OK(suite_go_tell(ctx, trapping));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
}

static mm1_status many_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    mm1_addr first = MM1_ADDR(0);
    struct mm1_fork fork = {.behaviour = &branch.behaviour, .arg_type = &suite_note_type};
    struct suite_note to_self = {.from = mm1_self(ctx)};
    fork.arg = &to_self;
    for (unsigned i = 0; i < 255; i++) {
        mm1_addr address;
        MUST_OK(mm1_fork(ctx, &fork, &address));
        first = i == 0 ? address : first;
    }
    mm1_addr one_more;
    MUST(mm1_fork(ctx, &fork, &one_more) == MM1_RESOURCE);
    for (unsigned i = 0; i < 255; i++) {
        MUST(suite_noted(ctx) == 1);
    }
    /* An address that was given back can be had again. */
    uint64_t ref = suite_watch(ctx, first);
    MUST_OK(mm1_tell(ctx, first, suite_note, .number = 0));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
    MUST_OK(mm1_fork(ctx, &fork, &one_more));
    MUST_OK(suite_go_tell(ctx, start->from));
    return MM1_OK;
}

static const struct mm1_function many = MM1_FUNCTION_STACK_OF("many", many_run, (size_t)32 * 1024);

static void addresses_for_forks_run_out(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    (void)suite_spawn(ctx, &many);
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
}

/* --- bound subnets ---------------------------------------------------------------------------------------------- */

static mm1_status binder_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_bind(ctx, served, 4));
    MUST_OK(suite_go_tell(ctx, start->from));
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
    MUST_OK(mm1_tell(ctx, start->from, suite_note, .number = envelope->to.bits));
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    return MM1_IO;
}

static const struct mm1_function binder = MM1_FUNCTION("binder", binder_run);

static mm1_addr binder_new(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_addr peer = suite_spawn(ctx, &binder);
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    return peer;
}

static void a_bound_subnet_leads_to_who_bound_it(struct mm1_ctx *ctx)
{
    mm1_addr peer = binder_new(ctx);
    mm1_addr inside = MM1_ADDR(served.addr.bits + 0x55);
    mm1_addr owner;
    MUST(mm1_owner(ctx, inside, &owner) && mm1_addr_equal(owner, peer));
    MUST_OK(mm1_tell(ctx, inside, suite_note, .number = 1));
    MUST(suite_noted(ctx) == inside.bits);
    MUST(mm1_bind(ctx, (struct mm1_net){.addr = inside, .mask = 64}, 0) == MM1_CONFLICT);
    MUST(mm1_bind(ctx, (struct mm1_net){.addr = mm1_self(ctx), .mask = 64}, 0) == MM1_CONFLICT);
    MUST(mm1_bind(ctx, (struct mm1_net){.addr = inside, .mask = 65}, 0) == MM1_INVALID);
    mm1_trap_exit(ctx, true);
    MUST_OK(mm1_link(ctx, inside));
    MUST(suite_exited(ctx, inside).kind == MM1_REASON_NOCONNECTION);
    MUST(suite_down(ctx, suite_watch(ctx, inside)).kind == MM1_REASON_NOCONNECTION);
    MUST(mm1_kill(ctx, inside) == MM1_NOCONNECTION);
}

static void a_subnet_is_free_again_when_its_end_is_told(struct mm1_ctx *ctx)
{
    mm1_addr peer = binder_new(ctx);
    uint64_t ref = suite_watch(ctx, peer);
    MUST_OK(mm1_kill(ctx, peer));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_KILLED);
    MUST_OK(mm1_bind(ctx, served, 0));
    MUST_OK(mm1_tell(ctx, served.addr, suite_note, .number = 9));
    MUST(suite_noted(ctx) == 9);
}

static const struct suite_case cases[] = {
    {"a_fork_has_an_address_of_its_own", "MSG-03 MSG-11 MSG-12 MSG-13 LIFE-04",
     a_fork_has_an_address_of_its_own},
    {"the_end_of_a_fork_is_normal", "LINK-06 LINK-08 MSG-04 MSG-12 S5",
     the_end_of_a_fork_is_normal},
    {"forks_share_the_fate_of_their_actor", "MSG-13 STOP-02 LIFE-06",
     forks_share_the_fate_of_their_actor},
    {"an_exit_signal_to_a_fork_ends_its_actor", "STOP-01 LINK-04 LINK-05",
     an_exit_signal_to_a_fork_ends_its_actor},
    {"addresses_for_forks_run_out", "MSG-11", addresses_for_forks_run_out},
    {"a_bound_subnet_leads_to_who_bound_it", "MSG-09 MSG-10 LINK-09 WATCH-05",
     a_bound_subnet_leads_to_who_bound_it},
    {"a_subnet_is_free_again_when_its_end_is_told", "S6 R2 MSG-10",
     a_subnet_is_free_again_when_its_end_is_told},
};
SUITE_TABLE(suite_forks, cases);
