/* Supervisors: what mm1's specification and tests, and OTP's statements, say besides what test_supervisor.c and
 * test_supervisor_calls.c show (docs/parity.md names the tests). */
#include "sup_fixture.h"

/* Says for which reason the supervisor ended. */
static mm1_status watcher(struct mm1_ctx *ctx)
{
    uint64_t ref;
    const struct mm1_envelope *envelope;
    MM1_TRY(mm1_watch(ctx, top, &ref));
    MM1_TRY(mm1_recv(ctx, &envelope));
    say_message(envelope);
    return MM1_OK;
}

static const struct mm1_tree_spec *tree_to_start;

static mm1_status starter(struct mm1_ctx *ctx)
{
    struct mm1_spawn spawn = {.behaviour = &sup.behaviour,
                              .arg_type = &mm1_tree_spec_type,
                              .arg = tree_to_start,
                              .link = true};
    say("%s; ", mm1_status_text(mm1_start(ctx, &spawn, MM1_FOREVER, &top)));
    return mm1_sleep(ctx, MM1_FOREVER);
}

static void start_it(const struct mm1_tree_spec *tree)
{
    tree_to_start = tree;
    play(starter);
}

/* --- the first start --------------------------------------------------------------------------------------------- */

static const struct mm1_child hasty[] = {
    {.id = ID("a"), .factory = W, .restart = MM1_TEMPORARY},
    {.id = ID("b"), .factory = W, .restart = MM1_TRANSIENT},
    {.id = ID("c"), .factory = W},
    {.id = ID("d"), .factory = W, .ack = true},
};

/* Who has ended before the last one was started, for good or not, does not keep the supervisor from being ready
 * (SUP-M-15, SUP-M-17). */
static void end_early(const struct mm1_tree_spec *tree)
{
    plan("a", QUIT, 1);
    plan("b", QUIT, 1);
    plan("c", QUIT, 1);
    plan("d", LATE, 1);
    start_it(tree);
    expect("+a1; -a1; +b1; -b1; +c1; -c1; +d1; ");
    mini_advance(&world, 10 * MS);
}

TREE_TEST(supervisor_parity, early_ends_hold_nobody_up)
{
    static const struct mm1_tree_spec tree = {.max_restarts = 1, .children = MM1_LIST(hasty)};
    end_early(&tree);
    CALL(.call = WHICH);
    expect("ok; +c2; [d=d1 c=c2 b=none]; ");
}

TREE_TEST(supervisor_parity, early_ends_hold_nobody_up_in_a_group)
{
    static const struct mm1_tree_spec tree = {
        .strategy = MM1_ALL_FOR_ONE, .max_restarts = 1, .children = MM1_LIST(hasty)};
    end_early(&tree);
    CALL(.call = WHICH);
    expect("ok; -d1; +b2; +c2; +d2; [d=d2 c=c2 b=b2]; ");
}

/* Whoever starts the highest waits for the lowest (VS9). */
TREE_TEST(supervisor_parity, a_start_waits_for_the_whole_tree)
{
    static const struct mm1_child leaves[] = {{.id = ID("a"), .factory = W, .ack = true}};
    static const struct mm1_tree_spec low = {.children = MM1_LIST(leaves)};
    static const struct mm1_child middle_children[] = {
        {.id = ID("low"), .factory = SUPERVISOR, .ack = true, .arg = BELOW(&low)},
        {.id = ID("b"), .factory = W, .ack = true}};
    static const struct mm1_tree_spec middle = {.children = MM1_LIST(middle_children)};
    static const struct mm1_child high_children[] = {
        {.id = ID("middle"), .factory = SUPERVISOR, .ack = true, .arg = BELOW(&middle)},
        {.id = ID("c"), .factory = W, .ack = true}};
    static const struct mm1_tree_spec high = {.children = MM1_LIST(high_children)};
    plan("a", LATE, 1);
    start_it(&high);
    mini_advance(&world, 9 * MS);
    expect("+a1; ");
    mini_advance(&world, 1 * MS);
    expect("+b1; +c1; ok; ");
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static const struct mm1_child abc[] = {
    {.id = ID("a"), .factory = W}, {.id = ID("b"), .factory = W}, {.id = ID("c"), .factory = W}};

/* Permanent children that end at once exceed the limit, though their reason is normal (mm1's mixed_sup_basic). */
TREE_TEST(supervisor_parity, children_that_end_at_once)
{
    static const struct mm1_tree_spec tree = {
        .max_restarts = 5, .within = SOME(30000 * MS), .children = MM1_LIST(abc)};
    plan("a", QUIT, 100);
    plan("b", QUIT, 100);
    plan("c", QUIT, 100);
    plant_on(&tree);
    play(watcher);
    expect("+a1; -a1; +b1; -b1; +c1; -c1; +a2; -a2; +b2; -b2; +c2; -c2; +a3; -a3; +b3; -b3; "
           "down shutdown; ");
}

/* A supervisor that is killed since it takes too long to stop leaves nobody behind: its links stand (VT8). */
TREE_TEST(supervisor_parity, killed_while_it_stops)
{
    static const struct mm1_child leaves[] = {{.id = ID("a"), .factory = W},
                                              {.id = ID("b"), .factory = W}};
    static const struct mm1_tree_spec low = {.children = MM1_LIST(leaves)};
    static const struct mm1_child lows[] = {{.id = ID("low"),
                                             .factory = SUPERVISOR,
                                             .ack = true,
                                             .stop_timeout = SOME(1 * MS),
                                             .arg = BELOW(&low)}};
    static const struct mm1_tree_spec tree = {.children = MM1_LIST(lows)};
    part("b")->ending = SLOW;
    plant(&tree);
    end_top(MM1_SHUTDOWN);
    expect("+a1; +b1; b1! ");
    mini_advance(&world, 1 * MS);
    expect("-a1; b1! ");
    cr_assert_not(lives(top));
    mini_advance(&world, 4 * MS);
    expect("-b1; ");
    cr_assert_eq(mm1_node_actors(node.node), 1, "the server of jobs");
}

/* --- uniform ----------------------------------------------------------------------------------------------------- */

static const struct mm1_child template[] = {{.id = ID("x"), .factory = W, .ack = true}};
static const struct mm1_tree_spec uniform = {
    .strategy = MM1_UNIFORM, .max_restarts = 2, .children = MM1_LIST(template)};

/* The next request waits until a start is over (SUP-U-02). */
TREE_TEST(supervisor_parity, uniform_starts_one_after_another)
{
    plan("x", LATE, 2);
    plant(&uniform);
    CALL(.call = START, .arg = 7);
    CALL(.call = START, .arg = 8);
    expect("+x1(7); ");
    mini_advance(&world, 10 * MS);
    expect("ok x1; +x2(8); ");
    mini_advance(&world, 10 * MS);
    expect("ok x2; ");
}

/* A stop is answered when the child has ended; a second one as well (SUP-U-03). */
TREE_TEST(supervisor_parity, uniform_stops_are_answered_at_the_end)
{
    part("x")->ending = SLOW;
    plant(&uniform);
    CALL(.call = START);
    CALL(.call = STOP, .addr = at("x"));
    CALL(.call = STOP, .addr = at("x"));
    expect("+x1; ok x1; x1! ");
    mini_advance(&world, 5 * MS);
    expect("-x1; ok; ok; ");
}

/* A permanent one is restarted whatever it ended for, with its own argument, and nobody is told (SUP-U-05); all of them
 * share one limit (SUP-U-04, VI9). */
TREE_TEST(supervisor_parity, uniform_children_share_a_limit)
{
    plant(&uniform);
    CALL(.call = START, .arg = 7);
    mm1_addr first = at("x");
    CALL(.call = START, .arg = 8);
    do_now("x", LEAVE);
    expect("+x1(7); ok x1; +x2(8); ok x2; -x2; +x3(8); ");
    mm1_addr third = at("x");
    send_to(first, &note_type, &(struct note){.n = CRASH}, false);
    mini_settle(&world);
    expect("-x1; +x4(7); ");
    send_to(third, &note_type, &(struct note){.n = CRASH}, false);
    mini_settle(&world);
    expect("-x3; -x4; ");
    cr_assert_not(lives(top));
}

/* When the limit is exceeded all others are told to end, whether one of them does or not; why it ended stays
 * (uniform/sup_actor.rs). */
TREE_TEST(supervisor_parity, uniform_gives_up_with_stubborn_children)
{
    static const struct mm1_tree_spec none = {.strategy = MM1_UNIFORM,
                                              .children = MM1_LIST(template)};
    plant(&none);
    CALL(.call = START);
    part("x")->ending = STUBBORN;
    CALL(.call = START);
    part("x")->ending = DIE;
    CALL(.call = START);
    play(watcher);
    expect("+x1; ok x1; +x2; ok x2; +x3; ok x3; ");
    part("x")->ending = STUBBORN; /* of those that trap exits */
    do_now("x", CRASH);
    expect("-x3; -x1; x2! ");
    mini_advance(&world, 999 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("-x2; down shutdown; ");
}

/* They may be significant, as in OTP 25 (VD9). */
TREE_TEST(supervisor_parity, uniform_children_may_be_significant)
{
    static const struct mm1_child significant[] = {
        {.id = ID("x"), .factory = W, .restart = MM1_TRANSIENT, .significant = true}};
    static const struct mm1_tree_spec tree = {.strategy = MM1_UNIFORM,
                                              .max_restarts = 1,
                                              .auto_shutdown = MM1_AUTO_ANY,
                                              .children = MM1_LIST(significant)};
    plant(&tree);
    CALL(.call = START);
    CALL(.call = START);
    do_now("x", CRASH);
    expect("+x1; ok x1; +x2; ok x2; -x2; +x3; ");
    do_now("x", LEAVE);
    expect("-x3; -x1; ");
    cr_assert_not(lives(top));
}

/* mm1's uni_sup_basic: many at a time, each at an address of its own, each of which can be stopped. */
#define MANY 128

static mm1_status starts_and_stops(struct mm1_ctx *ctx)
{
    mm1_addr children[MANY];
    const struct mm1_sup_answer *answer;
    for (size_t i = 0; i < MANY; i++) {
        MM1_TRY(mm1_ask(ctx, top, MM1_FOREVER, mm1_sup_start, mm1_sup_answer, &answer,
                        .arg = {.some = false}));
        cr_assert(answer->code == MM1_SUP_OK && answer->child.some);
        children[i] = answer->child.value;
        for (size_t j = 0; j < i; j++) {
            cr_assert_not(mm1_addr_equal(children[i], children[j]));
        }
    }
    cr_assert_not_null(strstr(seen, "+x128; "));
    for (size_t i = 0; i < MANY; i++) {
        uint64_t took;
        MM1_TRY(mm1_ping_for(ctx, children[i], MM1_NS_PER_SEC, &took));
        MM1_TRY(mm1_ask(ctx, top, MM1_FOREVER, mm1_sup_stop, mm1_sup_answer, &answer,
                        .child = children[i]));
        cr_assert_eq(answer->code, MM1_SUP_OK);
        cr_assert_not(lives(children[i]));
    }
    cr_assert_not_null(strstr(seen, "-x128; "));
    seen[0] = '\0';
    say("done; ");
    return MM1_OK;
}

TREE_TEST(supervisor_parity, uniform_children_by_the_dozen)
{
    plant(&uniform);
    play(starts_and_stops);
    CALL(.call = COUNT);
    expect("done; specs=1 active=0 supervisors=0 workers=0; ");
}
