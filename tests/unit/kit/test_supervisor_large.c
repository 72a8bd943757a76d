/* Supervisors of many children, which take turns and memory in proportion to their number; and one that begins later
 * than it was born. */
#include "sup_fixture.h"

/* --- many -------------------------------------------------------------------------------------------------------- */

#define MANY 20000

static struct mm1_child many[MANY];
static char ids[MANY][8];

static mm1_status quiet_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour quiet = {.name = "quiet", .receive = quiet_receive};
static const struct mm1_factory quiet_factories[1] = {{.name = "quiet", .behaviour = &quiet}};
static const struct mm1_supervisor large = MM1_SUPERVISOR("large", quiet_factories);

static size_t listed;
static bool reversed;

static mm1_status lists(struct mm1_ctx *ctx)
{
    const struct mm1_sup_children *children;
    MM1_TRY(mm1_ask(ctx, top, MM1_FOREVER, mm1_sup_which_children, mm1_sup_children, &children,
                    .unused = false));
    listed = children->children.count;
    reversed = true;
    for (size_t i = 0; i < listed; i++) {
        const struct mm1_sup_entry *entry = &children->children.items[i];
        reversed &= entry->child.some;
        reversed &= mm1_text_equal(entry->id, many[MANY - 1 - i].id);
    }
    return MM1_OK;
}

static mm1_status starts_many(struct mm1_ctx *ctx)
{
    for (size_t i = 0; i < MANY; i++) {
        const struct mm1_sup_answer *answer;
        MM1_TRY(mm1_ask(ctx, top, MM1_FOREVER, mm1_sup_start, mm1_sup_answer, &answer,
                        .arg = {.some = false}));
        cr_assert_eq(answer->code, MM1_SUP_OK);
    }
    const struct mm1_sup_children *children;
    MM1_TRY(mm1_ask(ctx, top, MM1_FOREVER, mm1_sup_which_children, mm1_sup_children, &children,
                    .unused = false));
    listed = children->children.count;
    return MM1_OK;
}

static void setup_large(void)
{
    struct mm1_net locals[] = {MM1_NET_DEFAULT_BIND};
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .locals = locals,
                                     .local_count = 1,
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .actors_max = 32768,
                                     .types = &types,
                                     .one_thread = true};
    setup_tree();
    mini_node_close(&node);
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_OK);
}

static void plant_large(const struct mm1_tree_spec *tree)
{
    struct mm1_spawn spawn = {
        .behaviour = &large.behaviour, .arg_type = &mm1_tree_spec_type, .arg = tree};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &top), MM1_OK);
    mini_settle(&world);
}

Test(supervisor_large, mixed, .init = setup_large, .fini = teardown_tree)
{
    for (size_t i = 0; i < MANY; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        many[i] = (struct mm1_child){.id = mm1_text_of(ids[i]), .factory = ID("quiet")};
    }
    const struct mm1_tree_spec tree = {.children = MM1_LIST(many)};
    plant_large(&tree);
    cr_assert_eq(mm1_node_actors(node.node), MANY + 1);
    play(lists);
    cr_assert_eq(listed, MANY);
    cr_assert(reversed);
    uint64_t before = world.turns;
    end_top(MM1_SHUTDOWN);
    cr_assert_eq(mm1_node_actors(node.node), 0);
    cr_assert_lt(world.turns - before, 5 * MANY);
}

Test(supervisor_large, uniform, .init = setup_large, .fini = teardown_tree)
{
    static const struct mm1_child template[] = {{.id = ID("quiet")}};
    static const struct mm1_tree_spec tree = {.strategy = MM1_UNIFORM,
                                              .children = MM1_LIST(template)};
    plant_large(&tree);
    play(starts_many);
    cr_assert_eq(listed, MANY);
    uint64_t before = world.turns;
    end_top(MM1_SHUTDOWN);
    cr_assert_eq(mm1_node_actors(node.node), 0);
    cr_assert_lt(world.turns - before, 5 * MANY);
}

/* --- a gate in front of one -------------------------------------------------------------------------------------- */

static const struct mm1_child ab[] = {{.id = ID("a"), .factory = W, .ack = true},
                                      {.id = ID("b"), .factory = W, .ack = true}};
static const struct mm1_tree_spec ab_tree = {.max_restarts = 3, .children = MM1_LIST(ab)};

static mm1_status gate_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx, (void)state, (void)arg;
    return MM1_OK;
}

static mm1_status gate_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    if (*(void **)state != NULL) {
        return mm1__supervisor_receive(ctx, state, envelope);
    }
    if (mm1_is(envelope, &note_type)) {
        mm1_unpostpone(ctx);
        return mm1__supervisor_init(ctx, state, &ab_tree);
    }
    mm1_postpone(ctx);
    return MM1_OK;
}

static const struct mm1_supervisor gate = {
    .behaviour = {.name = "gate",
                  .state_size = MM1__SUPERVISOR_STATE,
                  .init = gate_init,
                  .receive = gate_receive,
                  .fini = mm1__supervisor_fini},
    .factories = factories,
    .factory_count = MM1_COUNT_OF(factories),
};

TREE_TEST(supervisor_large, begins_later)
{
    struct mm1_spawn spawn = {.behaviour = &gate.behaviour};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &top), MM1_OK);
    CALL(.call = COUNT);
    expect("");
    send_to(top, &note_type, &(struct note){.n = 1}, false);
    mini_settle(&world);
    expect("+a1; +b1; specs=2 active=2 supervisors=0 workers=2; ");
    do_now("a", CRASH);
    end_top(MM1_SHUTDOWN);
    expect("-a1; +a2; -b1; -a2; ");
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &top), MM1_OK);
    mini_settle(&world);
    end_top(mm1_reason_of(MM1_REASON_KILL));
    expect("");
}
