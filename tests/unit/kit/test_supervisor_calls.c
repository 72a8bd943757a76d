/* Supervisors: what may be asked of them, and each of the answers. */
#include "sup_fixture.h"

static const struct note one = {.n = 1};
static const struct note three = {.n = 3};

static const struct mm1_child abc[] = {
    {.id = ID("a"), .factory = W, .ack = true},
    {.id = ID("b"), .factory = W, .ack = true, .restart = MM1_TRANSIENT},
    {.id = ID("c"), .factory = W, .ack = true, .restart = MM1_TEMPORARY},
};
static const struct mm1_tree_spec tree = {.max_restarts = 3, .children = MM1_LIST(abc)};

/* --- a child more ------------------------------------------------------------------------------------------------ */

#define CHILD_D                                                                                    \
    {                                                                                              \
        .id = ID("d"), .factory = W, .ack = true                                                   \
    }

TREE_TEST(supervisor_calls, start_child)
{
    plant(&tree);
    CALL(.call = START_CHILD, .child = CHILD_D);
    CALL(.call = START_CHILD, .child = CHILD_D);
    CALL(.call = WHICH);
    expect("+a1; +b1; +c1; +d1; ok d1; already started d1; [d=d1 c=c1 b=b1 a=a1]; ");
    do_now("d", CRASH);
    expect("-d1; +d2; ");
    CALL(.call = TERMINATE, .id = "d");
    CALL(.call = START_CHILD, .child = CHILD_D);
    expect("-d2; ok; already present; ");
    CALL(.call = DELETE, .id = "d");
    CALL(.call = START_CHILD, .child = CHILD_D);
    expect("ok; +d3; ok d3; ");
    end_top(MM1_SHUTDOWN);
    expect("-d3; -c1; -b1; -a1; ");
}

TREE_TEST(supervisor_calls, start_child_that_fails)
{
    plant(&tree);
    plan("d", FAIL, 1);
    CALL(.call = START_CHILD, .child = CHILD_D);
    CALL(.call = GET, .id = "d");
    plan("d", SILENT, 1);
    CALL(.call = START_CHILD, .child = CHILD_D);
    mini_advance(&world, 5000 * MS);
    CALL(.call = WHICH);
    expect("+a1; +b1; +c1; +d1; -d1; start failed (init_failed); not found; "
           "+d2; -d2; start failed (timeout); [c=c1 b=b1 a=a1]; ");
    cr_assert(lives(top));
}

TREE_TEST(supervisor_calls, start_child_that_is_ignored)
{
    plant(&tree);
    plan("d", IGNORE, 2);
    CALL(.call = START_CHILD, .child = CHILD_D);
    CALL(.call = GET, .id = "d");
    CALL(.call = START_CHILD, .child = CHILD_D);
    CALL(.call = DELETE, .id = "d");
    expect("+a1; +b1; +c1; +d1; -d1; ok; ok; already present; ok; ");
    struct mm1_child temporary = CHILD_D;
    temporary.restart = (struct mm1_text)MM1_TEMPORARY;
    CALL(.call = START_CHILD, .child = temporary);
    CALL(.call = GET, .id = "d");
    expect("+d2; -d2; ok; not found; ");
}

TREE_TEST(supervisor_calls, start_child_with_a_bad_spec)
{
    plant(&tree);
    expect("+a1; +b1; +c1; ");
    CALL(.call = START_CHILD, .child = {.id = ID("d"), .factory = ID("nobody")});
    CALL(.call = START_CHILD, .child = {.id = ID("d"), .factory = W, .restart = ID("allways")});
    CALL(.call = START_CHILD,
         .child = {.id = ID("d"), .factory = W, .restart = MM1_TRANSIENT, .significant = true});
    CALL(.call = START_CHILD, .child = {.id = ID(""), .factory = W});
    CALL(.call = START_CHILD, .child = {.id = ID("d"), .factory = SUPERVISOR});
    expect("invalid spec (error 2: factory \"nobody\": the supervisor has none of th); "
           "invalid spec (error 2: restart \"allways\": expected permanent, transien); "
           "invalid spec (error 2: significant: not with auto_shutdown never); "
           "invalid spec (error 2: id: expected 1 to 255 bytes); "
           "invalid spec (error 2: arg: a supervisor expects a mm1_sup::Tree); ");
    CALL(.call = COUNT);
    expect("specs=3 active=3 supervisors=0 workers=3; ");
}

/* What is terminated before its start is over, with its supervisor. */
TREE_TEST(supervisor_calls, start_child_that_is_never_over)
{
    plant(&tree);
    plan("d", SILENT, 1);
    CALL(.call = START_CHILD, .child = CHILD_D);
    end_top(MM1_SHUTDOWN);
    CALL(.call = GET, .id = "a");
    expect("+a1; +b1; +c1; +d1; ");
    mini_advance(&world, 5000 * MS);
    expect("-d1; start failed (timeout); -c1; -b1; -a1; exited: shutdown; ");
}

/* --- others ------------------------------------------------------------------------------------------------------ */

TREE_TEST(supervisor_calls, terminate_child)
{
    plant(&tree);
    CALL(.call = TERMINATE, .id = "a");
    CALL(.call = TERMINATE, .id = "a");
    CALL(.call = TERMINATE, .id = "c");
    CALL(.call = TERMINATE, .id = "c");
    CALL(.call = TERMINATE, .id = "nobody");
    CALL(.call = WHICH);
    expect("+a1; +b1; +c1; -a1; ok; ok; -c1; ok; not found; not found; [b=b1 a=none]; ");
}

/* What waits in the inbox counts in its order: it was terminated, and is not restarted (VA6). */
TREE_TEST(supervisor_calls, terminate_child_that_is_dead)
{
    plant(&tree);
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    CALL(.call = TERMINATE, .id = "a");
    to("a", CRASH);
    CALL(.call = COUNT);
    CALL(.call = RESTART, .id = "b");
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    expect("+a1; +b1; +c1; -a1; ok; specs=3 active=2 supervisors=0 workers=3; running; ");
}

TREE_TEST(supervisor_calls, restart_and_delete_child)
{
    plant(&tree);
    expect("+a1; +b1; +c1; ");
    CALL(.call = RESTART, .id = "a");
    CALL(.call = DELETE, .id = "a");
    CALL(.call = RESTART, .id = "nobody");
    CALL(.call = DELETE, .id = "nobody");
    expect("running; running; not found; not found; ");
    do_now("b", LEAVE);
    plan("b", FAIL, 1);
    CALL(.call = RESTART, .id = "b");
    plan("b", IGNORE, 1);
    CALL(.call = RESTART, .id = "b");
    CALL(.call = RESTART, .id = "b");
    expect("-b1; +b2; -b2; start failed (init_failed); +b3; -b3; ok; +b4; ok b4; ");
    CALL(.call = WHICH);
    CALL(.call = TERMINATE, .id = "b");
    CALL(.call = DELETE, .id = "b");
    CALL(.call = DELETE, .id = "b");
    expect("[c=c1 b=b4 a=a1]; -b4; ok; ok; not found; ");
}

/* A dead child whose end waits counts as running (VA8), and as not active (VA5). */
TREE_TEST(supervisor_calls, a_dead_child_is_running)
{
    plant(&tree);
    CALL(.call = GET, .id = "a");
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    CALL(.call = COUNT);
    CALL(.call = RESTART, .id = "a");
    CALL(.call = START_CHILD, .child = {.id = ID("a"), .factory = W});
    to("a", CRASH);
    mini_settle(&world);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    expect("+a1; +b1; +c1; ok a1; -a1; specs=3 active=2 supervisors=0 workers=3; running; "
           "already started dead; +a2; ");
}

TREE_TEST(supervisor_calls, get_child)
{
    plant(&tree);
    CALL(.call = GET, .id = "a");
    CALL(.call = GET, .id = "nobody");
    CALL(.call = TERMINATE, .id = "a");
    CALL(.call = GET, .id = "a");
    expect("+a1; +b1; +c1; ok a1; not found; -a1; ok; ok; ");
}

TREE_TEST(supervisor_calls, of_others)
{
    plant(&tree);
    CALL(.call = START);
    CALL(.call = STOP, .addr = at("a"));
    expect("+a1; +b1; +c1; uniform; uniform; ");
}

TREE_TEST(supervisor_calls, get_childspec)
{
    static const struct mm1_child children[] = {{.id = ID("w")},
                                                {.id = ID("low"),
                                                 .factory = W,
                                                 .supervisor = true,
                                                 .restart = MM1_TRANSIENT,
                                                 .ack = true,
                                                 .inbox_size = 7},
                                                {.id = ID("b"),
                                                 .factory = W,
                                                 .restart = MM1_TEMPORARY,
                                                 .significant = true,
                                                 .stop = MM1_STOP_BRUTAL,
                                                 .announce_parent = true,
                                                 .stop_timeout = SOME(7),
                                                 .start_timeout = SOME(8),
                                                 .arg = NUMBER(&three)}};
    static const struct mm1_tree_spec these = {.auto_shutdown = MM1_AUTO_ALL,
                                               .children = MM1_LIST(children)};
    (void)part("w");
    (void)part("low");
    plant(&these);
    expect("+w1; +low1; +b1(3); b1 has a parent; ");
    CALL(.call = SPEC, .id = "w");
    expect("{\"id\":\"w\",\"factory\":\"w\",\"arg\":null,\"restart\":\"permanent\",\"significant\":"
           "false,"
           "\"supervisor\":false,\"stop\":\"timeout\",\"stop_timeout\":\"1s\",\"ack\":false,"
           "\"start_timeout\":\"5s\",\"announce_parent\":false,\"inbox_size\":1024}; ");
    CALL(.call = SPEC, .id = "low");
    expect("{\"id\":\"low\",\"factory\":\"w\",\"arg\":null,\"restart\":\"transient\","
           "\"significant\":false,"
           "\"supervisor\":true,\"stop\":\"infinity\",\"stop_timeout\":\"1s\",\"ack\":true,"
           "\"start_timeout\":\"5s\",\"announce_parent\":false,\"inbox_size\":7}; ");
    CALL(.call = SPEC, .id = "b");
    expect(
        "{\"id\":\"b\",\"factory\":\"w\",\"arg\":{\"type\":\"test::Note\",\"value\":{\"n\":3}},"
        "\"restart\":\"temporary\",\"significant\":true,\"supervisor\":false,\"stop\":\"brutal\","
        "\"stop_timeout\":\"7ns\",\"ack\":false,\"start_timeout\":\"8ns\",\"announce_parent\":true,"
        "\"inbox_size\":1024}; ");
    CALL(.call = SPEC, .id = "nobody");
    expect("no spec; ");
}

/* --- a supervisor that is about to end --------------------------------------------------------------------------- */

TREE_TEST(supervisor_calls, of_a_dying_one)
{
    part("a")->ending = SLOW;
    plant(&tree);
    end_top(mm1_reason_error(9, "enough"));
    CALL(.call = WHICH);
    CALL(.call = TERMINATE, .id = "a");
    CALL(.call = START_CHILD, .child = CHILD_D);
    expect("+a1; +b1; +c1; -c1; -b1; a1! ");
    mini_advance(&world, 5 * MS);
    expect("-a1; exited: error 9: enough; exited: error 9: enough; exited: error 9: enough; ");
    CALL(.call = WHICH);
    expect("no such actor; ");
}

/* --- an inbox that is full --------------------------------------------------------------------------------------- */

/* A retry finds room behind it. */
TREE_TEST(supervisor_calls, a_retry_meets_a_full_inbox)
{
    static mm1_addr small;
    struct mm1_spawn spawn = {.behaviour = &sup.behaviour,
                              .arg_type = &mm1_tree_spec_type,
                              .arg = &tree,
                              .inbox_size = 2};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &small), MM1_OK);
    top = small;
    mini_settle(&world);
    plan("a", FAIL, 1);
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    to("a", CRASH);
    mini_settle(&world);
    CALL_ON(.call = COUNT);
    CALL_ON(.call = COUNT);
    CALL_ON(.call = COUNT);
    mini_settle(&world);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_advance(&world, 1);
    expect("+a1; +b1; +c1; -a1; inbox full; +a2; -a2; specs=3 active=2 supervisors=0 workers=3; "
           "specs=3 active=2 supervisors=0 workers=3; +a3; ");
}

/* A flood of requests that wait for one stop: each is answered, in its order. */
#define FLOOD 500

static unsigned answered;

static mm1_status floods(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    for (uint64_t i = 0; i < FLOOD; i++) {
        struct mm1_sup_count_children_request request = {
            .header = {.id = i, .reply_to = mm1_self(ctx)}};
        MM1_TRY(mm1_send(ctx, top, &mm1_sup_count_children_request_type, &request, NULL));
    }
    for (answered = 0; answered < FLOOD; answered++) {
        MM1_TRY(mm1_recv_type(ctx, MM1_FOREVER, &mm1_sup_counts_response_type, &envelope));
        const struct mm1_sup_counts_response *response = envelope->msg;
        cr_assert_eq(response->header.id, answered);
    }
    return MM1_OK;
}

TREE_TEST(supervisor_calls, a_flood_waits)
{
    part("a")->ending = SLOW;
    plant(&tree);
    CALL(.call = TERMINATE, .id = "a");
    play(floods);
    cr_assert_eq(answered, 0);
    uint64_t before = world.turns;
    mini_advance(&world, 5 * MS);
    cr_assert_eq(answered, FLOOD);
    /* Each of them in a turn of its own, and each of their answers; not all of them for each. */
    cr_assert_lt(world.turns - before, 3 * FLOOD);
    seen[0] = '\0';
}

/* --- uniform ----------------------------------------------------------------------------------------------------- */

static const struct mm1_child template[] = {
    {.id = ID("x"), .factory = W, .ack = true, .arg = NUMBER(&one)}};
static const struct mm1_tree_spec uniform = {
    .strategy = MM1_UNIFORM, .max_restarts = 3, .children = MM1_LIST(template)};

TREE_TEST(supervisor_calls, uniform)
{
    plant(&uniform);
    CALL(.call = WHICH);
    CALL(.call = START);
    CALL(.call = START, .arg = 7);
    CALL(.call = START, .arg = 8);
    expect("[]; +x1(1); ok x1; +x2(7); ok x2; +x3(8); ok x3; ");
    CALL(.call = WHICH);
    CALL(.call = COUNT);
    expect("[=x1 =x2 =x3]; specs=1 active=3 supervisors=0 workers=3; ");
    do_now("x", CRASH);
    expect("-x3; +x4(8); ");
    CALL(.call = STOP, .addr = at("x"));
    CALL(.call = STOP, .addr = at("x"));
    CALL(.call = STOP, .addr = server);
    CALL(.call = STOP, .addr = MM1_ADDR(0x1234));
    expect("-x4; ok; ok; not found; not found; ");
    end_top(MM1_SHUTDOWN);
    expect("-x1; -x2; ");
}

TREE_TEST(supervisor_calls, uniform_starts)
{
    plant(&uniform);
    plan("x", FAIL, 1);
    CALL(.call = START);
    plan("x", IGNORE, 1);
    CALL(.call = START);
    plan("x", SILENT, 1);
    CALL(.call = START);
    mini_advance(&world, 5000 * MS);
    CALL(.call = COUNT);
    expect("+x1(1); -x1; start failed (init_failed); +x2(1); -x2; ok; +x3(1); -x3; "
           "start failed (timeout); specs=1 active=0 supervisors=0 workers=0; ");
}

TREE_TEST(supervisor_calls, uniform_is_asked_for_ids)
{
    plant(&uniform);
    CALL(.call = GET, .id = "x");
    CALL(.call = TERMINATE, .id = "x");
    CALL(.call = DELETE, .id = "x");
    CALL(.call = RESTART, .id = "x");
    CALL(.call = START_CHILD, .child = CHILD_D);
    expect("uniform; uniform; uniform; uniform; uniform; ");
}

/* A restart that failed: the child is known by its last address, until it is started again. */
TREE_TEST(supervisor_calls, uniform_restarting)
{
    plant(&uniform);
    CALL(.call = START, .arg = 7);
    CALL(.call = START, .arg = 8);
    expect("+x1(7); ok x1; +x2(8); ok x2; ");
    mm1_addr second = at("x");
    plan("x", FAIL, 1);
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    do_now("x", CRASH);
    CALL(.call = WHICH);
    CALL(.call = COUNT);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    expect(
        "-x2; +x3(8); -x3; [=x1 =restarting]; specs=1 active=1 supervisors=0 workers=2; +x4(8); ");
    CALL(.call = STOP, .addr = second);
    plan("x", FAIL, 1);
    second = at("x");
    cr_assert_eq(mm1_node_suspend(node.node, top), MM1_OK);
    do_now("x", CRASH);
    CALL(.call = STOP, .addr = second);
    CALL(.call = COUNT);
    cr_assert_eq(mm1_node_resume(node.node, top), MM1_OK);
    mini_settle(&world);
    expect("ok; -x4; +x5(8); -x5; ok; specs=1 active=1 supervisors=0 workers=1; ");
}

TREE_TEST(supervisor_calls, uniform_gives_up)
{
    plant(&uniform);
    CALL(.call = START, .arg = 7);
    CALL(.call = START, .arg = 8);
    for (unsigned i = 0; i < 4; i++) {
        do_now("x", CRASH);
    }
    expect("+x1(7); ok x1; +x2(8); ok x2; -x2; +x3(8); -x3; +x4(8); -x4; +x5(8); -x5; -x1; ");
    cr_assert_not(lives(top));
}

/* All at once, under one timeout (VD6). */
TREE_TEST(supervisor_calls, uniform_stops)
{
    part("x")->ending = STUBBORN;
    plant(&uniform);
    CALL(.call = START);
    CALL(.call = START);
    CALL(.call = START);
    end_top(MM1_SHUTDOWN);
    expect("+x1(1); ok x1; +x2(1); ok x2; +x3(1); ok x3; x1! x2! x3! ");
    mini_advance(&world, 999 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("-x1; -x2; -x3; ");
    cr_assert_not(lives(top));
}

TREE_TEST(supervisor_calls, uniform_childspecs)
{
    plant(&uniform);
    CALL(.call = START, .arg = 7);
    expect("+x1(7); ok x1; ");
    CALL(.call = SPEC, .id = "x");
    cr_assert_not_null(strstr(seen, "\"value\":{\"n\":1}"));
    seen[0] = '\0';
    CALL(.call = SPEC_AT, .addr = at("x")); /* the template's, as in OTP */
    cr_assert_not_null(strstr(seen, "\"value\":{\"n\":1}"));
    seen[0] = '\0';
    CALL(.call = SPEC, .id = "nobody");
    CALL(.call = SPEC_AT, .addr = server);
    expect("no spec; no spec; ");
    CALL(.call = STOP, .addr = at("x"));
    CALL(.call = SPEC_AT, .addr = at("x"));
    cr_assert_not_null(strstr(seen, "\"value\":{\"n\":1}"));
    seen[0] = '\0';
}

/* Children that restart share one limit, each with its own argument (VD3). */
TREE_TEST(supervisor_calls, uniform_transient)
{
    static const struct mm1_child transient[] = {
        {.id = ID("x"), .factory = W, .restart = MM1_TRANSIENT}};
    static const struct mm1_tree_spec these = {
        .strategy = MM1_UNIFORM, .max_restarts = 1, .children = MM1_LIST(transient)};
    plant(&these);
    CALL(.call = START, .arg = 7);
    do_now("x", CRASH);
    do_now("x", LEAVE);
    CALL(.call = COUNT);
    expect("+x1(7); ok x1; -x1; +x2(7); -x2; specs=1 active=0 supervisors=0 workers=0; ");
}

/* --- many -------------------------------------------------------------------------------------------------------- */

Test(supervisor_calls, code_texts)
{
    cr_assert_str_eq(mm1_sup_code_text(MM1_SUP_OK), "ok");
    cr_assert_str_eq(mm1_sup_code_text(MM1_SUP_UNIFORM), "uniform");
    cr_assert_str_eq(mm1_sup_code_text((enum mm1_sup_code)200), "unknown");
}
