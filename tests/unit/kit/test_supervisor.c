/* Supervisors: starts, restarts, stops, and their own end. */
#include "sup_fixture.h"

#define LIMIT .max_restarts = 3, .within = SOME(1000 * MS)

static const struct mm1_child abc[] = {
    {.id = ID("a"), .factory = W, .ack = true},
    {.id = ID("b"), .factory = W, .ack = true},
    {.id = ID("c"), .factory = W, .ack = true},
};
static const struct mm1_tree_spec one_for_one = {LIMIT, .children = MM1_LIST(abc)};
static const struct mm1_tree_spec all_for_one = {
    .strategy = MM1_ALL_FOR_ONE, LIMIT, .children = MM1_LIST(abc)};
static const struct mm1_tree_spec rest_for_one = {
    .strategy = MM1_REST_FOR_ONE, LIMIT, .children = MM1_LIST(abc)};

/* --- starts ------------------------------------------------------------------------------------------------------ */

TREE_TEST(supervisor, starts_in_order_and_stops_in_reverse)
{
    plant(&one_for_one);
    expect("+a1; +b1; +c1; ");
    end_top(MM1_SHUTDOWN);
    expect("-c1; -b1; -a1; ");
    cr_assert_not(lives(top));
}

/* Who does not acknowledge is started when it is spawned. */
TREE_TEST(supervisor, without_acknowledgement)
{
    static const struct mm1_child children[] = {{.id = ID("a"), .factory = W},
                                                {.id = ID("b"), .factory = W}};
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    plan("a", SILENT, 1);
    plant(&tree);
    expect("+a1; +b1; ");
    do_now("a", CRASH);
    expect("-a1; +a2; ");
    end_top(MM1_SHUTDOWN);
    expect("-b1; -a2; ");
}

/* The next one waits for an acknowledgement that comes late. */
TREE_TEST(supervisor, waits_for_acknowledgements)
{
    plan("a", LATE, 1);
    plant(&one_for_one);
    expect("+a1; ");
    mini_advance(&world, 9 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("+b1; +c1; ");
}

TREE_TEST(supervisor, no_children)
{
    static const struct mm1_tree_spec tree = {.max_restarts = 0};
    plant(&tree);
    CALL(.call = WHICH);
    CALL(.call = COUNT);
    expect("[]; specs=0 active=0 supervisors=0 workers=0; ");
    end_top(MM1_NORMAL);
    cr_assert_not(lives(top));
}

/* --- whoever starts a supervisor learns how that went ------------------------------------------------------------- */

static const struct mm1_tree_spec *tree_to_start;
static uint64_t start_timeout;

static mm1_status starter(struct mm1_ctx *ctx)
{
    struct mm1_spawn spawn = {.behaviour = &sup.behaviour,
                              .arg_type = &mm1_tree_spec_type,
                              .arg = tree_to_start,
                              .link = true};
    mm1_status status = mm1_start(ctx, &spawn, start_timeout, &top);
    say("%s%s%s; ", mm1_status_text(status), status == MM1_EXITED ? " " : "",
        status == MM1_EXITED ? reason_text(mm1_call_reason(ctx)) : "");
    return mm1_sleep(ctx, MM1_FOREVER);
}

static void start_it(const struct mm1_tree_spec *tree)
{
    tree_to_start = tree;
    start_timeout = 100000 * MS;
    play(starter);
}

TREE_TEST(supervisor, says_that_it_is_ready_when_all_are)
{
    plan("c", LATE, 1);
    start_it(&one_for_one);
    expect("+a1; +b1; +c1; ");
    mini_advance(&world, 10 * MS);
    expect("ok; ");
}

TREE_TEST(supervisor, a_first_start_fails)
{
    plan("c", FAIL, 1);
    start_it(&one_for_one);
    expect("+a1; +b1; +c1; -c1; -b1; -a1; exited shutdown: failed_to_start_child:c:init_failed; ");
}

TREE_TEST(supervisor, a_first_start_takes_too_long)
{
    plan("b", SILENT, 1);
    start_it(&one_for_one);
    expect("+a1; +b1; ");
    mini_advance(&world, 4999 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("-b1; -a1; exited shutdown: failed_to_start_child:b:timeout; ");
}

/* Both its word and the end of its time wait for the supervisor; the first of them counts. */
static const struct mm1_child hurried[] = {
    {.id = ID("a"), .factory = W, .ack = true, .start_timeout = SOME(9 * MS)},
    {.id = ID("b"), .factory = W, .ack = true, .start_timeout = SOME(11 * MS)}};
static const struct mm1_tree_spec in_a_hurry = {LIMIT, .children = MM1_LIST(hurried)};

static void restart_late(const char *name)
{
    plan(name, LATE, 1);
    do_now(name, CRASH);
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    mini_advance(&world, 20 * MS);
    CALL(.call = COUNT);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
}

TREE_TEST(supervisor, an_acknowledgement_comes_too_late)
{
    plant(&in_a_hurry);
    restart_late("a");
    expect("+a1; +b1; -a1; +a2; -a2; specs=2 active=1 supervisors=0 workers=2; +a3; ");
    restart_late("b");
    expect("-b1; +b2; specs=2 active=2 supervisors=0 workers=2; ");
    mini_advance(&world, 100 * MS);
    CALL(.call = WHICH);
    expect("[b=b2 a=a3]; ");
}

TREE_TEST(supervisor, ignored_starts)
{
    static const struct mm1_child children[] = {
        {.id = ID("a"), .factory = W, .ack = true},
        {.id = ID("b"), .factory = W, .ack = true, .restart = MM1_TEMPORARY},
        {.id = ID("c"), .factory = W, .ack = true}};
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    plan("a", IGNORE, 1);
    plan("b", IGNORE, 1);
    start_it(&tree);
    expect("+a1; -a1; +b1; -b1; +c1; ok; ");
    CALL(.call = WHICH);
    expect("[c=c1 a=none]; ");
}

/* A restart of which the start is ignored is over. */
TREE_TEST(supervisor, an_ignored_restart)
{
    plant(&one_for_one);
    plan("b", IGNORE, 1);
    do_now("b", CRASH);
    CALL(.call = WHICH);
    expect("+a1; +b1; +c1; -b1; +b2; -b2; [c=c1 b=none a=a1]; ");
}

TREE_TEST(supervisor, is_told_who_its_parent_is)
{
    static const struct mm1_child children[] = {
        {.id = ID("a"), .factory = W, .announce_parent = true},
        {.id = ID("b"), .factory = W, .ack = true, .announce_parent = true}};
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    plant(&tree);
    do_now("b", CRASH);
    expect("+a1; +b1; a1 has a parent; b1 has a parent; -b1; +b2; b2 has a parent; ");
}

/* --- restarts ---------------------------------------------------------------------------------------------------- */

TREE_TEST(supervisor, restarts_one)
{
    plant(&one_for_one);
    expect("+a1; +b1; +c1; ");
    do_now("b", CRASH);
    do_now("b", LEAVE);
    do_now("b", LEAVE_SHUTDOWN);
    expect("-b1; +b2; -b2; +b3; -b3; +b4; ");
}

TREE_TEST(supervisor, restarts_all)
{
    plant(&all_for_one);
    do_now("b", CRASH);
    expect("+a1; +b1; +c1; -b1; -c1; -a1; +a2; +b2; +c2; ");
}

TREE_TEST(supervisor, restarts_the_rest)
{
    plant(&rest_for_one);
    do_now("b", CRASH);
    expect("+a1; +b1; +c1; -b1; -c1; +b2; +c2; ");
}

static const struct mm1_child kinds[] = {
    {.id = ID("a"), .factory = W, .ack = true, .restart = MM1_TRANSIENT},
    {.id = ID("b"), .factory = W, .ack = true, .restart = MM1_TEMPORARY},
    {.id = ID("c"), .factory = W, .ack = true, .restart = MM1_TRANSIENT},
};

TREE_TEST(supervisor, transient_and_temporary)
{
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(kinds)};
    plant(&tree);
    expect("+a1; +b1; +c1; ");
    do_now("a", LEAVE_TEXT);
    do_now("b", CRASH);
    do_now("c", CRASH);
    expect("-a1; -b1; -c1; +c2; ");
    CALL(.call = WHICH);
    expect("[c=c2 a=none]; ");
}

/* A group restart starts those that ended for good as well, and forgets temporary ones. */
TREE_TEST(supervisor, a_group_restart_starts_all_in_its_range)
{
    static const struct mm1_tree_spec tree = {
        .strategy = MM1_ALL_FOR_ONE, LIMIT, .children = MM1_LIST(kinds)};
    plant(&tree);
    do_now("a", LEAVE);
    expect("+a1; +b1; +c1; -a1; ");
    do_now("c", CRASH);
    CALL(.call = WHICH);
    expect("-c1; -b1; +a2; +c2; [c=c2 a=a2]; ");
}

/* All that died at once are restarted by one pass (VI6). */
TREE_TEST(supervisor, two_die_at_once)
{
    static const struct mm1_tree_spec tree = {
        .strategy = MM1_ALL_FOR_ONE, .max_restarts = 1, .children = MM1_LIST(abc)};
    plant(&tree);
    expect("+a1; +b1; +c1; ");
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    to("a", CRASH);
    to("c", CRASH);
    mini_settle(&world);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    /* Nobody is ready in the same order twice: what is resumed is awake already. */
    expect("-a1; -c1; -b1; +a2; +b2; +c2; ");
}

/* --- restarts that fail ------------------------------------------------------------------------------------------ */

TREE_TEST(supervisor, a_failed_restart_is_tried_again)
{
    plant(&one_for_one);
    plan("b", FAIL, 2);
    do_now("b", CRASH);
    expect("+a1; +b1; +c1; -b1; +b2; -b2; +b3; -b3; +b4; ");
}

TREE_TEST(supervisor, a_retry_counts)
{
    plant(&one_for_one);
    plan("b", FAIL, 3);
    do_now("b", CRASH);
    expect("+a1; +b1; +c1; -b1; +b2; -b2; +b3; -b3; +b4; -b4; -c1; -a1; ");
    cr_assert_not(lives(top));
}

/* Requests that arrived before a retry are served before it. */
TREE_TEST(supervisor, a_retry_goes_through_the_inbox)
{
    plant(&one_for_one);
    plan("b", FAIL, 1);
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    to("b", CRASH);
    mini_settle(&world);
    CALL_ON(.call = WHICH);
    CALL_ON(.call = RESTART, .id = "b");
    CALL_ON(.call = DELETE, .id = "b");
    mini_settle(&world);
    expect("+a1; +b1; +c1; -b1; ");
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    expect("+b2; -b2; [c=c1 b=restarting a=a1]; restarting; restarting; +b3; ");
}

TREE_TEST(supervisor, a_call_gives_up_a_retry)
{
    plant(&one_for_one);
    plan("b", FAIL, 1);
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    to("b", CRASH);
    mini_settle(&world);
    CALL_ON(.call = TERMINATE, .id = "b");
    CALL_ON(.call = COUNT);
    mini_settle(&world);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    expect("+a1; +b1; +c1; -b1; +b2; -b2; ok; specs=3 active=2 supervisors=0 workers=3; ");
    CALL(.call = RESTART, .id = "b");
    expect("+b3; ok b3; ");
}

/* The first failure ends a pass: those behind it wait for the retry. */
TREE_TEST(supervisor, a_group_restart_fails)
{
    plant(&all_for_one);
    plan("b", FAIL, 1);
    do_now("c", CRASH);
    expect("+a1; +b1; +c1; -c1; -b1; -a1; +a2; +b2; -b2; -a2; +a3; +b3; +c2; ");
}

/* --- the limit --------------------------------------------------------------------------------------------------- */

static const struct mm1_tree_spec twice_in_10ms = {
    .max_restarts = 2, .within = SOME(10 * MS), .children = MM1_LIST(abc)};

TREE_TEST(supervisor, gives_up)
{
    plant(&twice_in_10ms);
    do_now("a", CRASH);
    mini_advance(&world, 10 * MS);
    do_now("b", CRASH);
    expect("+a1; +b1; +c1; -a1; +a2; -b1; +b2; ");
    do_now("c", CRASH);
    expect("-c1; -b2; -a2; ");
    cr_assert_not(lives(top));
}

TREE_TEST(supervisor, forgets_what_left_the_window)
{
    plant(&twice_in_10ms);
    expect("+a1; +b1; +c1; ");
    for (unsigned i = 0; i < 100; i++) {
        do_now("a", CRASH);
        mini_advance(&world, 5 * MS + 1);
    }
    cr_assert(lives(top));
    cr_assert_str_eq(name_at(at("a")), "a101");
    seen[0] = '\0';
}

TREE_TEST(supervisor, no_limit)
{
    static const struct mm1_tree_spec tree = {.max_restarts = MM1_RESTARTS_UNLIMITED,
                                              .children = MM1_LIST(abc)};
    plant(&tree);
    for (unsigned i = 0; i < 1000; i++) {
        seen[0] = '\0';
        do_now("a", CRASH);
    }
    cr_assert_str_eq(name_at(at("a")), "a1001");
    seen[0] = '\0';
}

/* A window that is longer than the clock has run keeps everything (SUP-C-04). */
TREE_TEST(supervisor, a_huge_window)
{
    static const struct mm1_tree_spec tree = {
        .max_restarts = 1, .within = SOME(UINT64_MAX - 1), .children = MM1_LIST(abc)};
    plant(&tree);
    do_now("a", CRASH);
    mini_advance(&world, 1000000 * MS);
    do_now("a", CRASH);
    expect("+a1; +b1; +c1; -a1; +a2; -a2; -c1; -b1; ");
}

TREE_TEST(supervisor, a_window_without_length)
{
    static const struct mm1_tree_spec tree = {
        .max_restarts = 1, .within = SOME(0), .children = MM1_LIST(abc)};
    plant(&tree);
    do_now("a", CRASH);
    mini_advance(&world, 1);
    do_now("a", CRASH);
    expect("+a1; +b1; +c1; -a1; +a2; -a2; +a3; ");
    do_now("a", CRASH);
    expect("-a3; -c1; -b1; ");
}

TREE_TEST(supervisor, the_first_one_is_one_too_many)
{
    static const struct mm1_tree_spec tree = {.children = MM1_LIST(abc)};
    plant(&tree);
    do_now("a", CRASH);
    expect("+a1; +b1; +c1; -a1; -c1; -b1; ");
}

/* --- stops ------------------------------------------------------------------------------------------------------- */

TREE_TEST(supervisor, stops_as_the_spec_says)
{
    static const struct mm1_child children[] = {
        {.id = ID("a"), .factory = W, .stop = MM1_STOP_INFINITY},
        {.id = ID("b"), .factory = W, .stop_timeout = SOME(20 * MS)},
        {.id = ID("c"), .factory = W, .stop = MM1_STOP_BRUTAL},
        {.id = ID("d"), .factory = W},
    };
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    part("a")->ending = SLOW;
    part("b")->ending = STUBBORN;
    part("c")->ending = STUBBORN;
    part("d")->ending = STUBBORN;
    plant(&tree);
    expect("+a1; +b1; +c1; +d1; ");
    end_top(MM1_SHUTDOWN);
    expect("d1! ");
    mini_advance(&world, 999 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("-d1; -c1; b1! ");
    mini_advance(&world, 20 * MS);
    expect("-b1; a1! ");
    cr_assert(lives(top));
    mini_advance(&world, 5 * MS);
    expect("-a1; ");
    cr_assert_not(lives(top));
}

TREE_TEST(supervisor, no_time_to_stop)
{
    static const struct mm1_child children[] = {
        {.id = ID("a"), .factory = W, .stop_timeout = SOME(0)},
        {.id = ID("b"), .factory = W, .stop_timeout = SOME(0)}};
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    part("b")->ending = STUBBORN;
    plant(&tree);
    end_top(MM1_SHUTDOWN);
    expect("+a1; +b1; -b1; -a1; ");
}

TREE_TEST(supervisor, a_time_to_stop_that_no_clock_reaches)
{
    static const struct mm1_child children[] = {{.id = ID("a"),
                                                 .factory = W,
                                                 .ack = true,
                                                 .stop_timeout = SOME(UINT64_MAX),
                                                 .start_timeout = SOME(UINT64_MAX)},
                                                {.id = ID("b"),
                                                 .factory = W,
                                                 .ack = true,
                                                 .stop_timeout = SOME(UINT64_MAX - 1),
                                                 .start_timeout = SOME(UINT64_MAX - 1)}};
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    part("a")->ending = SLOW;
    part("b")->ending = SLOW;
    plant(&tree);
    end_top(MM1_SHUTDOWN);
    mini_advance(&world, 10 * MS);
    expect("+a1; +b1; b1! -b1; a1! -a1; ");
}

/* What arrives during a stop waits for its end. */
TREE_TEST(supervisor, is_busy_while_it_stops)
{
    part("a")->ending = SLOW;
    plant(&one_for_one);
    CALL_ON(.call = TERMINATE, .id = "a");
    CALL(.call = WHICH);
    do_now("b", CRASH);
    CALL(.call = COUNT);
    expect("+a1; +b1; +c1; a1! -b1; ");
    mini_advance(&world, 5 * MS);
    expect("-a1; ok; [c=c1 b=dead a=none]; +b2; specs=3 active=2 supervisors=0 workers=3; ");
}

/* --- trees of trees ---------------------------------------------------------------------------------------------- */

static const struct mm1_child leaves[] = {{.id = ID("a"), .factory = W, .ack = true},
                                          {.id = ID("b"), .factory = W, .ack = true}};
static const struct mm1_tree_spec low = {.max_restarts = 1, .children = MM1_LIST(leaves)};
static const struct mm1_child middle_children[] = {
    {.id = ID("low"), .factory = SUPERVISOR, .supervisor = true, .ack = true, .arg = BELOW(&low)},
    {.id = ID("c"), .factory = W, .ack = true}};
static const struct mm1_tree_spec middle = {.max_restarts = 1,
                                            .children = MM1_LIST(middle_children)};
static const struct mm1_child high_children[] = {{.id = ID("middle"),
                                                  .factory = SUPERVISOR,
                                                  .supervisor = true,
                                                  .ack = true,
                                                  .arg = BELOW(&middle)},
                                                 {.id = ID("d"), .factory = W, .ack = true}};
static const struct mm1_tree_spec high = {.max_restarts = 1, .children = MM1_LIST(high_children)};

TREE_TEST(supervisor, nested)
{
    plant(&high);
    expect("+a1; +b1; +c1; +d1; ");
    CALL(.call = WHICH);
    expect("[d=d1 middle=middle1^]; ");
    end_top(MM1_SHUTDOWN);
    expect("-d1; -c1; -b1; -a1; ");
    cr_assert_eq(mm1_node_actors(node.node), 1, "the server of jobs, and no more");
}

/* The lowest gives up at its second restart, the one above it at its second, and so on. */
TREE_TEST(supervisor, escalates)
{
    plant(&high);
    expect("+a1; +b1; +c1; +d1; ");
    do_now("a", CRASH);
    do_now("a", CRASH);
    expect("-a1; +a2; -a2; -b1; +a1; +b1; ");
    do_now("a", CRASH);
    do_now("a", CRASH);
    expect("-a1; +a2; -a2; -b1; -c1; +a1; +b1; +c1; ");
    CALL(.call = WHICH);
    expect("[d=d1 middle=middle2^]; ");
    for (unsigned i = 0; i < 3; i++) {
        do_now("a", CRASH);
    }
    cr_assert(lives(top));
    do_now("a", CRASH);
    cr_assert_not(lives(top));
    cr_assert_eq(mm1_node_actors(node.node), 1);
    seen[0] = '\0';
}

TREE_TEST(supervisor, a_nested_first_start_fails)
{
    plan("b", FAIL, 1);
    start_it(&high);
    expect(
        "+a1; +b1; -b1; -a1; exited shutdown: failed_to_start_child:middle:shutdown: failed_t; ");
}

/* As deep as a message can be, through a function actor's stack; each level is a supervisor of the next and of a. */
#define LEVELS (MM1_MSG_DEPTH_MAX / 2)

TREE_TEST(supervisor, nests_as_deep_as_messages)
{
    static struct mm1_child children[LEVELS + 1][2];
    static struct mm1_tree_spec trees[LEVELS + 1];
    for (size_t i = 0; i <= LEVELS; i++) {
        bool lowest = i == LEVELS;
        children[i][0] = (struct mm1_child){.id = ID("a"), .factory = W, .ack = true};
        children[i][1] = (struct mm1_child){
            .id = ID("low"), .factory = SUPERVISOR, .ack = true, .supervisor = true};
        trees[i].children.items = children[i];
        trees[i].children.count = lowest ? 1 : 2;
        if (!lowest) {
            children[i][1].arg.some = true;
            children[i][1].arg.value =
                (struct mm1_any){.type = &mm1_tree_spec_type, .msg = &trees[i + 1]};
        }
    }
    char error[MM1_TREE_ERROR_MAX];
    cr_assert_eq(mm1_tree_check(&sup, &trees[0], error), MM1_OK);
    start_it(&trees[0]);
    expect("too large; ");
    start_it(&trees[1]);
    cr_assert_not_null(strstr(seen, "+a1; ok; "));
    seen[0] = '\0';
    cr_assert_eq(mm1_node_actors(node.node), 3 + 2 * LEVELS);
    end_top(mm1_reason_of(MM1_REASON_KILL));
    cr_assert_eq(mm1_node_actors(node.node), 2);
    seen[0] = '\0';
}

/* A transient supervisor that gave up is not restarted (VE2). */
TREE_TEST(supervisor, a_transient_one_that_gave_up)
{
    static const struct mm1_child children[] = {
        {.id = ID("low"),
         .factory = SUPERVISOR,
         .supervisor = true,
         .ack = true,
         .arg = BELOW(&low),
         .restart = MM1_TRANSIENT},
    };
    static const struct mm1_tree_spec tree = {LIMIT, .children = MM1_LIST(children)};
    plant(&tree);
    do_now("a", CRASH);
    do_now("a", CRASH);
    CALL(.call = WHICH);
    expect("+a1; +b1; -a1; +a2; -a2; -b1; [low=none^]; ");
}

/* --- automatic shutdown ------------------------------------------------------------------------------------------ */

static const struct mm1_child significant[] = {
    {.id = ID("a"), .factory = W, .ack = true, .restart = MM1_TRANSIENT, .significant = true},
    {.id = ID("b"), .factory = W, .ack = true, .restart = MM1_TEMPORARY, .significant = true},
    {.id = ID("c"), .factory = W, .ack = true}};

TREE_TEST(supervisor, ends_with_any_significant_child)
{
    static const struct mm1_tree_spec tree = {
        .auto_shutdown = MM1_AUTO_ANY, LIMIT, .children = MM1_LIST(significant)};
    plant(&tree);
    do_now("a", CRASH);
    expect("+a1; +b1; +c1; -a1; +a2; ");
    do_now("a", LEAVE);
    expect("-a2; -c1; -b1; ");
    cr_assert_not(lives(top));
}

TREE_TEST(supervisor, ends_with_all_significant_children)
{
    static const struct mm1_tree_spec tree = {
        .auto_shutdown = MM1_AUTO_ALL, LIMIT, .children = MM1_LIST(significant)};
    plant(&tree);
    do_now("a", LEAVE);
    expect("+a1; +b1; +c1; -a1; ");
    do_now("b", CRASH);
    expect("-b1; -c1; ");
    cr_assert_not(lives(top));
}

/* --- its own end ------------------------------------------------------------------------------------------------- */

/* It ends for the reason of its parent's signal, also for normal; its children get shutdown (VE3, VT6). */
static mm1_status parent_of_top(struct mm1_ctx *ctx)
{
    uint64_t ref;
    const struct mm1_envelope *envelope;
    struct mm1_spawn spawn = {
        .behaviour = &sup.behaviour, .arg_type = &mm1_tree_spec_type, .arg = &one_for_one};
    MM1_TRY(mm1_start(ctx, &spawn, MM1_FOREVER, &top));
    MM1_TRY(mm1_watch(ctx, top, &ref));
    MM1_TRY(mm1_exit(ctx, top, MM1_NORMAL));
    MM1_TRY(mm1_recv(ctx, &envelope));
    say_message(envelope);
    MM1_TRY(mm1_start(ctx, &spawn, MM1_FOREVER, &top));
    MM1_TRY(mm1_watch(ctx, top, &ref));
    MM1_TRY(mm1_exit(ctx, top, mm1_reason_error(7, "told to")));
    MM1_TRY(mm1_recv(ctx, &envelope));
    say_message(envelope);
    spawn.link = true;
    return mm1_start(ctx, &spawn, MM1_FOREVER, &top);
}

TREE_TEST(supervisor, obeys_its_parent)
{
    play(parent_of_top);
    expect("+a1; +b1; +c1; -c1; -b1; -a1; down normal; +a1; +b1; +c1; -c1; -b1; -a1; down error 7: "
           "told to; "
           "+a1; +b1; +c1; -c1; -b1; -a1; ");
}

/* Between two attempts of a restart that fails for ever. */
TREE_TEST(supervisor, is_stopped_between_attempts)
{
    static const struct mm1_tree_spec tree = {.max_restarts = MM1_RESTARTS_UNLIMITED,
                                              .children = MM1_LIST(abc)};
    plant(&tree);
    plan("b", FAIL, 1000000);
    to("b", CRASH);
    for (unsigned i = 0; i < 200; i++) {
        (void)mini_run(&world, 1);
        seen[0] = '\0';
    }
    cr_assert(lives(top));
    cr_assert_eq(mm1_node_exit(node.node, top, MM1_SHUTDOWN), MM1_OK);
    for (unsigned i = 0; i < 20; i++) {
        (void)mini_run(&world, 1);
    }
    cr_assert_not(lives(top));
    seen[0] = '\0';
}

/* A killed one can stop nobody; its children go with it by their links, whatever it was about (ERL-724). */
TREE_TEST(supervisor, is_killed)
{
    plant(&high);
    end_top(mm1_reason_of(MM1_REASON_KILL));
    cr_assert_eq(mm1_node_actors(node.node), 1);
    expect("+a1; +b1; +c1; +d1; -d1; -c1; -b1; -a1; ");
}

TREE_TEST(supervisor, is_killed_in_the_middle)
{
    plan("b", LATE, 1);
    plant(&one_for_one);
    end_top(mm1_reason_of(MM1_REASON_KILL));
    cr_assert_eq(mm1_node_actors(node.node), 1);
    part("c")->ending = SLOW;
    plant(&one_for_one);
    CALL(.call = TERMINATE, .id = "c");
    end_top(mm1_reason_of(MM1_REASON_KILL));
    mini_advance(&world, 10 * MS);
    CALL(.call = WHICH);
    expect("+a1; +b1; -a1; -b1; "
           "+a1; +b1; +c1; c1! -a1; -b1; c1! exited: killed; -c1; no such actor; ");
    cr_assert_eq(mm1_node_actors(node.node), 1);
}
