/* Supervisors: bad input. Trees that break a rule, factories that make nothing, children that turn against their
 * supervisor, and strangers. */
#include <mm1/metrics.h>

#include "host/json_msg.h"
#include "kit/sup_messages.h"
#include "sup_fixture.h"

/* --- trees that break a rule ------------------------------------------------------------------------------------- */

static char error[MM1_TREE_ERROR_MAX];

#define CHECK_TREE(expected, ...)                                                                  \
    do {                                                                                           \
        const struct mm1_tree_spec spec = {__VA_ARGS__};                                           \
        cr_assert_eq(mm1_tree_check(&sup, &spec, error), MM1_INVALID);                             \
        cr_assert_str_eq(error, expected, "%s", error);                                            \
    } while (0)

/* The only child is number 1. */
#define CHECK_CHILD(expected, ...)                                                                 \
    do {                                                                                           \
        const struct mm1_child both[] = {{.id = ID("first"), .factory = W}, {__VA_ARGS__}};        \
        CHECK_TREE(expected, .children = MM1_LIST(both));                                          \
    } while (0)

Test(supervisor_bad, trees)
{
    static const struct mm1_child two[] = {{.id = ID("a"), .factory = W},
                                           {.id = ID("b"), .factory = W}};
    static const struct mm1_child same[] = {{.id = ID("a"), .factory = W},
                                            {.id = ID("b"), .factory = W},
                                            {.id = ID("a"), .factory = W}};
    CHECK_TREE(
        "strategy \"one_for_al\": expected one_for_one, all_for_one, rest_for_one or uniform",
        .strategy = ID("one_for_al"));
    CHECK_TREE("auto_shutdown \"all\": expected never, any_significant or all_significant",
               .auto_shutdown = ID("all"));
    CHECK_TREE("children: 0 of them: uniform expects one, the template", .strategy = MM1_UNIFORM);
    CHECK_TREE("children: 2 of them: uniform expects one, the template", .strategy = MM1_UNIFORM,
               .children = MM1_LIST(two));
    CHECK_TREE("children[2] \"a\": id: that of children[0] already", .children = MM1_LIST(same));
}

Test(supervisor_bad, children)
{
    static char long_id[256];
    memset(long_id, 'x', sizeof(long_id));
    CHECK_CHILD("children[1] \"\": id: expected 1 to 255 bytes", .factory = W);
    CHECK_CHILD(
        "children[1] \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...\": id: expected 1 to 255 bytes",
        .id = {.data = long_id, .size = sizeof(long_id)}, .factory = W);
    CHECK_CHILD("children[1] \"a?b\": id: expected text without NUL", .id = ID("a\0b"),
                .factory = W);
    CHECK_CHILD("children[1] \"?\": id: expected text without NUL", .id = ID("\xff"), .factory = W);
    CHECK_CHILD("children[1] \"q\": factory \"q\": the supervisor has none of that name",
                .id = ID("q"));
    CHECK_CHILD("children[1] \"a\": factory \"no?one\": the supervisor has none of that name",
                .id = ID("a"), .factory = ID("no\none"));
    CHECK_CHILD(
        "children[1] \"a\": restart \"allways\": expected permanent, transient or temporary",
        .id = ID("a"), .factory = W, .restart = ID("allways"));
    CHECK_CHILD("children[1] \"a\": stop \"kill\": expected timeout, brutal or infinity",
                .id = ID("a"), .factory = W, .stop = ID("kill"));
    CHECK_CHILD("children[1] \"a\": significant: not for a permanent child", .id = ID("a"),
                .factory = W, .significant = true);
    CHECK_CHILD("children[1] \"a\": significant: not with auto_shutdown never", .id = ID("a"),
                .factory = W, .significant = true, .restart = MM1_TEMPORARY);
    CHECK_CHILD("children[1] \"a\": arg: a supervisor expects a mm1_sup::Tree", .id = ID("a"),
                .factory = SUPERVISOR);
}

/* Of other kinds of supervisors as well, which have factories of their own. */
static const struct mm1_factory their_factories[] = {{.name = "theirs", .behaviour = &worker}};
static const struct mm1_supervisor their_sup = MM1_SUPERVISOR("their_sup", their_factories);
static const struct mm1_factory our_factories[] = {
    {.name = "w", .behaviour = &worker}, {.name = "they", .behaviour = &their_sup.behaviour}};
static const struct mm1_supervisor our_sup = MM1_SUPERVISOR("our_sup", our_factories);

Test(supervisor_bad, nested)
{
    static const struct mm1_child leaves[] = {{.id = ID("theirs")}, {.id = ID("w")}};
    static const struct mm1_tree_spec low = {.children = MM1_LIST(leaves)};
    static const struct mm1_child lows[] = {
        {.id = ID("w")}, {.id = ID("low"), .factory = ID("they"), .arg = BELOW(&low)}};
    static const struct mm1_tree_spec middle = {.children = MM1_LIST(lows)};
    static const struct mm1_child highs[] = {
        {.id = ID("middle"), .factory = SUPERVISOR, .arg = BELOW(&middle)}};
    static const struct mm1_tree_spec high = {.children = MM1_LIST(highs)};
    cr_assert_eq(mm1_tree_check(&our_sup, &high, error), MM1_INVALID);
    cr_assert_str_eq(error, "children[0] \"middle\": children[1] \"low\": children[1] \"w\": "
                            "factory \"w\": the supervisor has none of that name");
    static const struct mm1_tree_spec good = {.children = {.items = leaves, .count = 1}};
    cr_assert_eq(mm1_tree_check(&their_sup, &good, error), MM1_OK);
    cr_assert_str_eq(error, "");
    static const struct mm1_child no_tree[] = {{.id = ID("they")}};
    static const struct mm1_tree_spec without = {.children = MM1_LIST(no_tree)};
    cr_assert_eq(mm1_tree_check(&our_sup, &without, error), MM1_INVALID);
}

/* A spec in memory that holds itself. */
Test(supervisor_bad, endless)
{
    static struct mm1_tree_spec endless;
    static const struct mm1_child self[] = {
        {.id = ID("self"), .factory = SUPERVISOR, .arg = BELOW(&endless)}};
    endless = (struct mm1_tree_spec){.children = MM1_LIST(self)};
    cr_assert_eq(mm1_tree_check(&sup, &endless, error), MM1_INVALID);
    cr_assert_lt(strlen(error), sizeof(error));
}

/* Ids of many children, two of which are the same, wherever these are. */
#define MANY 3000

Test(supervisor_bad, one_id_among_many)
{
    static char ids[MANY][8];
    static struct mm1_child many[MANY];
    static const size_t twins[][2] = {{0, 1}, {0, MANY - 1}, {MANY - 2, MANY - 1}, {1234, 2345}};
    for (size_t i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        many[i] = (struct mm1_child){.id = mm1_text_of(ids[i]), .factory = W};
    }
    const struct mm1_tree_spec spec = {.children = MM1_LIST(many)};
    cr_assert_eq(mm1_tree_check(&sup, &spec, error), MM1_OK);
    for (size_t i = 0; i < MM1_COUNT_OF(twins); i++) {
        char expected[sizeof(error)];
        snprintf(expected, sizeof(expected),
                 "children[%zu] \"%s\": id: that of children[%zu] already", twins[i][1],
                 ids[twins[i][0]], twins[i][0]);
        many[twins[i][1]].id = many[twins[i][0]].id;
        cr_assert_eq(mm1_tree_check(&sup, &spec, error), MM1_INVALID);
        cr_assert_str_eq(error, expected, "%s", error);
        many[twins[i][1]].id = mm1_text_of(ids[twins[i][1]]);
    }
}

/* --- a supervisor that is given such a tree ---------------------------------------------------------------------- */

static struct mm1_spawn how;

static mm1_status starter(struct mm1_ctx *ctx)
{
    mm1_status status = mm1_start(ctx, &how, MM1_FOREVER, &top);
    say("%s: %s; ", mm1_status_text(status), reason_text(mm1_call_reason(ctx)));
    return MM1_OK;
}

static void start(const struct mm1_tree_spec *tree)
{
    how = (struct mm1_spawn){.behaviour = &sup.behaviour,
                             .arg_type = tree == NULL ? NULL : &mm1_tree_spec_type,
                             .arg = tree};
    play(starter);
}

TREE_TEST(supervisor_bad, refuses_a_tree)
{
    static const struct mm1_child same[] = {{.id = ID("a"), .factory = W},
                                            {.id = ID("a"), .factory = W}};
    static const struct mm1_tree_spec twice = {.children = MM1_LIST(same)};
    static const struct mm1_tree_spec unknown = {.strategy = ID("?")};
    start(&twice);
    expect("exited: error 2: children[1] \"a\": id: that of children[0] alread; ");
    start(&unknown);
    expect("exited: error 2: strategy \"?\": expected one_for_one, all_for_one; ");
    start(NULL);
    expect("exited: error 2: arg: a supervisor expects a mm1_sup::Tree; ");
    static const struct mm1_tree_spec no_template = {.strategy = MM1_UNIFORM};
    start(&no_template);
    expect("exited: error 2: children: 0 of them: uniform expects one, the t; ");
}

/* A wrong tree below is a failed start of the child that it is of. */
TREE_TEST(supervisor_bad, refuses_a_tree_below)
{
    static const struct mm1_tree_spec low = {.strategy = ID("?")};
    static const struct mm1_child children[] = {
        {.id = ID("a"), .factory = W},
        {.id = ID("s"), .factory = SUPERVISOR, .ack = true, .arg = BELOW(&low)}};
    static const struct mm1_tree_spec tree = {.children = MM1_LIST(children)};
    start(&tree);
    expect("+a1; -a1; exited: shutdown: failed_to_start_child:s:error 2: strategy \"?\": ; ");
}

/* Children that are supervisors take nothing but trees. */
TREE_TEST(supervisor_bad, a_uniform_one_of_supervisors)
{
    static const struct mm1_child leaves[] = {{.id = ID("a"), .factory = W}};
    static const struct mm1_tree_spec low = {.children = MM1_LIST(leaves)};
    static const struct mm1_child pattern[] = {
        {.id = ID("low"), .factory = SUPERVISOR, .ack = true, .arg = BELOW(&low)}};
    static const struct mm1_tree_spec lows = {.strategy = MM1_UNIFORM,
                                              .children = MM1_LIST(pattern)};
    plant(&lows);
    CALL(.call = START, .arg = 7);
    CALL(.call = START);
    expect("invalid spec (error 2: arg: not a tree); +a1; ok low1; ");
}

/* --- factories --------------------------------------------------------------------------------------------------- */

static const struct mm1_child made[] = {{.id = ID("a"), .factory = ID("made"), .ack = true},
                                        {.id = ID("b"), .factory = ID("made")}};
static const struct mm1_tree_spec made_tree = {.max_restarts = 2, .children = MM1_LIST(made)};

TREE_TEST(supervisor_bad, a_factory_that_makes_nothing)
{
    plan("b", NOTHING, 1);
    start(&made_tree);
    expect("+a1; -a1; exited: shutdown: failed_to_start_child:b:error 2: invalid argume; ");
    plan("b", FAIL, 1);
    start(&made_tree);
    expect("+a1; -a1; exited: shutdown: failed_to_start_child:b:error 13: refused; ");
    plant(&made_tree);
    plan("a", NOTHING, 1);
    do_now("a", CRASH);
    CALL(.call = WHICH);
    expect("+a1; +b1; -a1; +a2; [b=b1 a=a2]; ");
    plan("a", NOTHING, 1);
    do_now("a", CRASH);
    expect("-a2; -b1; ");
    cr_assert_not(lives(top));
}

/* --- children ---------------------------------------------------------------------------------------------------- */

static const struct mm1_child ab[] = {{.id = ID("a"), .factory = W, .ack = true},
                                      {.id = ID("b"), .factory = W, .ack = true}};
static const struct mm1_tree_spec tree = {.max_restarts = 3, .children = MM1_LIST(ab)};

TREE_TEST(supervisor_bad, a_child_links_again)
{
    plant(&tree);
    do_now("a", LINK_PARENT);
    do_now("a", CRASH);
    expect("+a1; +b1; -a1; +a2; ");
    end_top(MM1_SHUTDOWN);
    expect("-b1; -a2; ");
}

/* It is watched all the same, and stopped (VT4); a supervisor that is killed leaves it behind. */
TREE_TEST(supervisor_bad, a_child_unlinks)
{
    plant(&tree);
    do_now("a", UNLINK_PARENT);
    do_now("a", CRASH);
    do_now("b", UNLINK_PARENT);
    expect("+a1; +b1; -a1; +a2; ");
    end_top(MM1_SHUTDOWN);
    expect("-b1; -a2; ");
}

/* It lives: nobody else is started in its place. */
TREE_TEST(supervisor_bad, a_child_sends_an_exit_signal)
{
    plant(&tree);
    do_now("a", EXIT_PARENT);
    CALL(.call = WHICH);
    expect("+a1; +b1; [b=b1 a=a1]; ");
}

TREE_TEST(supervisor_bad, a_child_kills_its_supervisor)
{
    plant(&tree);
    do_now("b", KILL_PARENT);
    expect("+a1; +b1; -a1; -b1; ");
    cr_assert_not(lives(top));
}

/* --- strangers --------------------------------------------------------------------------------------------------- */

static mm1_status strange(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_exit(ctx, top, MM1_SHUTDOWN));
    MM1_TRY(mm1_exit(ctx, top, MM1_NORMAL));
    MM1_TRY(mm1_exit(ctx, top, mm1_reason_error(1, "stranger")));
    MM1_TRY(mm1_link(ctx, top));
    MM1_TRY(mm1_tell(ctx, top, note, .n = 1));
    MM1_TRY(mm1_tell(ctx, top, mm1_sup_retry, .id = MM1_TEXT("a")));
    MM1_TRY(mm1_tell(ctx, top, mm1_sup_retry, .id = MM1_TEXT("nobody")));
    MM1_TRY(mm1_tell(ctx, top, mm1_sup_timeout, .number = 1000));
    MM1_TRY(mm1_tell(ctx, top, mm1_down, .peer = at("a"), .ref = 1000));
    MM1_TRY(mm1_tell(ctx, top, mm1_started, .start = 1000, .addr = at("a")));
    MM1_TRY(mm1_tell(ctx, top, mm1_start_failed, .start = 1000, .child = at("a")));
    return mm1_tell(ctx, top, mm1_exited, .peer = at("a"));
}

TREE_TEST(supervisor_bad, strangers)
{
    plant(&tree);
    play(strange);
    CALL(.call = WHICH);
    expect("+a1; +b1; [b=b1 a=a1]; ");
    plan("b", SILENT, 1);
    do_now("b", CRASH);
    play(strange);
    CALL(.call = WHICH);
    expect("-b1; +b2; ");
    mini_advance(&world, 5000 * MS);
    expect("-b2; [b=restarting a=a1]; +b3; ");
}

/* --- as JSON ----------------------------------------------------------------------------------------------------- */

static mm1_status read_json(const char *text, void **msg, size_t *size, struct mm1_diag *diag)
{
    struct mm1__json *json = NULL;
    MM1_TRY(mm1__json_parse(mm1_text_of(text), "tree.json", diag, &json));
    mm1_status status = mm1__json_msg(mm1__json_root(json), &mm1_tree_spec_type, &types,
                                      &world.own.base, msg, size);
    mm1__json_free(json);
    return status;
}

/* One child in full, and the rest of the tree around it. */
#define REST                                                                                       \
    "\"significant\":false,\"supervisor\":false,\"stop\":\"\",\"announce_parent\":false,"          \
    "\"inbox_size\":0,\"ack\":true"
#define JSON_CHILD(id, factory, more)                                                              \
    "{\"id\":\"" id "\",\"factory\":\"" factory "\",\"restart\":\"\"," more REST "}"
#define JSON_TREE(strategy, max, children)                                                         \
    "{\"strategy\":\"" strategy "\",\"max_restarts\":" max                                         \
    ",\"within\":\"5s\",\"auto_shutdown\":\"\",\"children\":[" children "]}"

TREE_TEST(supervisor_bad, as_json)
{
    struct mm1_diag diag = {0};
    void *msg = NULL;
    size_t size = 0;
    const char *text = JSON_TREE(
        "rest_for_one", "2",
        JSON_CHILD("a", "w",
                   "\"arg\":{\"type\":\"test::Note\",\"value\":{\"n\":5}}"
                   ",") "," JSON_CHILD("low", "supervisor",
                                       "\"arg\":{\"type\":\"mm1_sup::"
                                       "Tree\",\"value\":" JSON_TREE(
                                           "all_for_one", "0", JSON_CHILD("b", "w", "")) "},"));
    cr_assert_eq(read_json(text, &msg, &size, &diag), MM1_OK);
    plant(msg);
    mm1_give(&world.own.base, msg, size);
    CALL(.call = WHICH);
    expect("+a1(5); +b1; [low=low1 a=a1]; ");
    do_now("b", CRASH);
    expect("-b1; +b1; ");
    end_top(MM1_SHUTDOWN);
    expect("-b1; -a1; ");
}

TREE_TEST(supervisor_bad, as_wrong_json)
{
    static const char *const texts[] = {
        JSON_TREE("", "-1", ""),
        JSON_TREE("", "4294967296", ""),
        JSON_TREE("", "\"many\"", ""),
        JSON_TREE("", "0", JSON_CHILD("a", "w", "\"stop_timeout\":\"-1s\",")),
        JSON_TREE("", "0", JSON_CHILD("a", "w", "\"start_timeout\":\"600y\",")),
        JSON_TREE("", "0", "{\"id\":\"a\"}"),
        JSON_TREE("", "0", JSON_CHILD("a", "w", "\"arg\":{\"type\":\"no::Type\",\"value\":{}},")),
    };
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        struct mm1_diag diag = {0};
        void *msg = NULL;
        size_t size = 0;
        cr_assert_eq(read_json(texts[i], &msg, &size, &diag), MM1_INVALID, "%zu", i);
    }
}

/* --- what it says about it --------------------------------------------------------------------------------------- */

/* A node that counts and keeps its log. */
static void setup_told(void)
{
    struct mm1_net locals[] = {MM1_NET_DEFAULT_BIND};
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .locals = locals,
                                     .local_count = 1,
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .actors_max = 256,
                                     .types = &types,
                                     .metrics = true,
                                     .one_thread = true};
    setup_tree();
    mini_node_close(&node);
    world.keep_log = true;
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_OK);
}

static bool counted(const char *line)
{
    struct mm1_buf text = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_node_metrics(node.node, &text), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(&text), MM1_OK);
    bool found = strstr((const char *)text.data, line) != NULL;
    mm1_buf_close(&text);
    return found;
}

Test(supervisor_bad, is_told, .init = setup_told, .fini = teardown_tree)
{
    static const struct mm1_tree_spec bad = {.strategy = ID("?")};
    plant(&bad);
    cr_assert(mini_logged(&world, "0 strategy \"?\": expected one_for_one, all_for_one, "
                                  "rest_for_one or uniform\n"));
    plant(&tree);
    plan("a", FAIL, 2);
    do_now("a", CRASH);
    cr_assert(mini_logged(&world, "2 a: ended: error 18: input/output error\n"));
    cr_assert(mini_logged(&world, "2 a: restarts\n"));
    cr_assert(mini_logged(&world, "1 a: start failed: init_failed\n"));
    cr_assert(counted("mm1_supervisor_restarts_total{supervisor=\"sup\"} 3\n"));
    do_now("a", CRASH);
    cr_assert_not(lives(top));
    cr_assert(mini_logged(&world, "0 gives up: more than 3 restarts\n"));
    cr_assert(counted("mm1_supervisor_gave_up_total{supervisor=\"sup\"} 1\n"));
    seen[0] = '\0';
}
