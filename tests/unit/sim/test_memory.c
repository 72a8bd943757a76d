/* The budget of a node: with whatever memory, a run ends with a verdict, the same each time, and gives back what its
 * nodes took. */
#include <mm1/ask.h>

#include "sim_book.h"

/* A glutton spawns children, tells them texts, arms timers, opens logs and streams; it does not mind a refusal. */
#define MORSEL_FIELDS(F) F(u64, no) F(text, text)
MM1_MSG_DECLARE(morsel, MORSEL_FIELDS)
MM1_MSG_DEFINE(morsel, "test::Morsel", MORSEL_FIELDS)

struct glutton {
    unsigned refused;
    mm1_handle log;
    mm1_handle stream;
};

static mm1_status eater_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    uint64_t timer;
    (void)state;
    MM1_ON(envelope, morsel, m) {
        if (m->no % 3 != 0) {
            return mm1_after(ctx, MM1_NS_PER_MS, &timer, morsel, .no = m->no - m->no % 3,
                             .text = m->text);
        }
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour eater = {.name = "eater", .receive = eater_receive};

static void note(struct glutton *glutton, mm1_status status)
{
    glutton->refused += status == MM1_OK ? 0 : 1;
}

static mm1_status glutton_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct glutton *glutton = state;
    static const char text[] =
        "a text that takes some room in whoever gets it, and in the buffers on its way";
    (void)arg;
    note(glutton, mm1_log_open(ctx, MM1_TEXT("log"), &glutton->log));
    note(glutton, mm1_net_listen(ctx, MM1_TEXT("tcp://a:1"), &glutton->stream));
    note(glutton, mm1_net_dial(ctx, MM1_TEXT("tcp://a:1"), &glutton->stream));
    note(glutton, mm1_net_dial(ctx, MM1_TEXT("tcp://b:1"), &glutton->stream));
    mm1_trap_exit(ctx, true);
    for (uint64_t no = 0; no < 40; no++) {
        mm1_addr child;
        uint64_t ref;
        mm1_status status =
            mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &eater, .link = no % 2 == 0}, &child);
        note(glutton, status);
        if (status == MM1_OK) {
            note(glutton, mm1_watch(ctx, child, &ref));
            note(glutton, mm1_tell(ctx, child, morsel, .no = no, .text = mm1_text_of(text)));
        }
        note(glutton, mm1_log_append(ctx, glutton->log, no, mm1_bytes_of_text(mm1_text_of(text))));
    }
    mm1_observe(ctx, morsel, .no = glutton->refused);
    return MM1_OK;
}

static mm1_status glutton_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct glutton *glutton = state;
    MM1_ON(envelope, mm1_accepted, m) {
        note(glutton, mm1_net_accept(ctx, m->handle));
        note(glutton, mm1_net_read(ctx, m->handle, 1000));
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_connected, m) {
        note(glutton, mm1_net_send(ctx, m->handle, mm1_bytes_of_text(MM1_TEXT("hello"))));
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_log_done, m) {
        if (m->op == 39) {
            mm1_log_close(ctx, glutton->log);
        }
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour glutton = {.name = "glutton",
                                             .state_size = sizeof(struct glutton),
                                             .init = glutton_init,
                                             .receive = glutton_receive};

/* What was refused, of the last run. */
static uint64_t refused;

static enum mm1_verdict see(void *state, struct mm1_alloc *alloc, const struct mm1_sight *sight,
                            struct mm1_finding *finding)
{
    (void)state;
    (void)alloc;
    (void)finding;
    if (sight->event->type == &morsel_type) {
        refused += ((const struct morsel *)sight->event->msg)->no;
    }
    return MM1_PASS;
}

static const struct mm1_property property = {.name = "refused", .see = see};
static const struct mm1_role role = {.name = "glutton", .main = &glutton};
static const struct mm1_msg_type *const types[] = {&morsel_type};
static const struct mm1_system gluttons = {.abi = MM1_SYSTEM_ABI,
                                           .name = "gluttons",
                                           .source_version = "1",
                                           .types = types,
                                           .type_count = MM1_COUNT_OF(types),
                                           .roles = &role,
                                           .role_count = 1,
                                           .properties = &property,
                                           .property_count = 1};

#define TEXT(settings)                                                                             \
    "{\"system\": \"gluttons\", \"hosts\": {\"a\": {}, \"b\": {}}, \"nodes\": {"                   \
    "\"a\": {\"role\": \"glutton\", \"auto\": \"<a0:>/16\", \"bind\": [\"<aa:>/32\"], "            \
    "\"inbound\": [\"tcp://a:9\"]}, "                                                              \
    "\"b\": {\"role\": \"glutton\", \"auto\": \"<b0:>/16\", \"outbound\": [\"tcp://a:9\"]}}, "     \
    "\"end\": {\"at_most\": \"20s\", \"quiet\": false}" settings "}"

/* Verdicts that a lack of memory may lead to. */
static bool is_clean(const struct sim_result *result)
{
    return result->verdict == SIM_PASSED ||
           (result->verdict == SIM_UNABLE && strstr(result->text, "cannot start") != NULL);
}

#ifdef MM1_TEST_SLOW
#define STRIDES 5 /* of the steps of a sweep one is taken */
#else
#define STRIDES 1
#endif

static void starve(const char *text, uint64_t from, uint64_t to, uint64_t by)
{
    struct sim_scenario *scenario = sim_rig_load(text, &gluttons);
    unsigned unable = 0, hungry = 0, fed = 0;
    for (uint64_t budget = from; budget <= to; budget += by * STRIDES) {
        scenario->bounds.memory = budget;
        refused = 0;
        struct sim_result first = sim_play(scenario, 1 + budget % 7, NULL, NULL);
        cr_assert(is_clean(&first), "%llu bytes: %s: %s", (unsigned long long)budget,
                  sim_verdict_text(first.verdict), first.text);
        unable += first.verdict == SIM_UNABLE;
        hungry += first.verdict != SIM_UNABLE && refused != 0;
        fed += first.verdict != SIM_UNABLE && refused == 0;
        struct sim_result again = sim_play(scenario, 1 + budget % 7, NULL, NULL);
        cr_assert_eq(first.hash, again.hash, "%llu bytes", (unsigned long long)budget);
    }
    cr_assert(unable > 0 && hungry > 0 && fed > 0, "%u %u %u", unable, hungry, fed);
    sim_scenario_free(scenario);
}

Test(memory, any_budget_ends_cleanly_between_turns)
{
    starve(TEXT(", \"granularity\": \"turn\""), 1000, 1200000, 3041);
}

Test(memory, any_budget_ends_cleanly_between_effects)
{
    starve(TEXT(", \"granularity\": \"effect\", \"local_delivery\": \"pairwise\""), 1000, 1200000,
           2029);
}

Test(memory, any_budget_ends_cleanly_under_faults)
{
    starve(TEXT(", \"faults\": {\"until\": \"2s\", \"random\": {"
                "\"crash\": {\"every\": \"200ms\", \"for\": \"50ms\", \"on\": \"1/1\"}, "
                "\"reset\": {\"every\": \"100ms\", \"on\": \"1/1\"}}}"),
           1000, 1200000, 4057);
}

/* --- given back ----------------------------------------------------------------------------------------------- */

Test(memory, a_node_gives_back_all_it_took)
{
    static const char text[] = "{\"system\": \"rig\", \"hosts\": {\"a\": {}, \"b\": {}}, "
                               "\"nodes\": {\"a\": {\"role\": \"idle\", \"at\": "
                               "\"100h\"}}, \"granularity\": \"turn\", \"end\": {\"at_most\": "
                               "\"200h\", \"quiet\": false}}";
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_rig *rig = sim_rig_new(text, seed, NULL);
        struct sim_node_state *state = rig->places[0].node;
        struct mm1_msg_registry registry = MM1_MSG_REGISTRY(rig->world.alloc);
        cr_assert_eq(mm1_msg_register(&registry, &morsel_type), MM1_OK);
        struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                         .auto_net = MM1_NET_DEFAULT_AUTO,
                                         .types = &registry,
                                         .encode = true};
        mm1_addr addr;
        cr_assert_eq(mm1_node_open(&state->env, &config, &state->node), MM1_OK);
        cr_assert_eq(mm1_node_spawn(state->node, &(struct mm1_spawn){.behaviour = &glutton}, &addr),
                     MM1_OK);
        /* It may end anywhere. */
        for (uint64_t i = 0; i < seed * 13 && sim_rig_step(rig); i++) {
        }
        cr_assert_gt(state->pool.used, 0);
        sim_sched_close(state);
        mm1_node_close(state->node);
        state->node = NULL;
        cr_assert_eq(state->pool.used, 0, "seed %llu: %llu bytes", (unsigned long long)seed,
                     (unsigned long long)state->pool.used);
        mm1_msg_registry_close(&registry);
        sim_rig_free(rig);
    }
}

/* The pool itself: what is given comes back, the budget counts bytes, closing frees the rest. */
Test(memory, the_pool_counts_bytes)
{
    struct sim_pool pool;
    void *blocks[200];
    sim_pool_init(&pool, 10000);
    for (size_t i = 0; i < 100; i++) {
        blocks[i] = mm1_take(&pool.base, 100);
        cr_assert_not_null(blocks[i]);
        cr_assert_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        memset(blocks[i], 0xa5, 100);
    }
    cr_assert_null(mm1_take(&pool.base, 1));
    mm1_give(&pool.base, blocks[7], 100);
    cr_assert_null(mm1_take(&pool.base, 101));
    blocks[7] = mm1_take(&pool.base, 100);
    cr_assert_not_null(blocks[7]);
    for (size_t i = 0; i < 100; i += 2) {
        mm1_give(&pool.base, blocks[i], 100);
    }
    cr_assert_eq(pool.used, 5000);
    void *large = mm1_take(&pool.base, 5000);
    cr_assert_not_null(large);
    cr_assert_null(mm1_take(&pool.base, 1));
    cr_assert_null(mm1_take(&pool.base, SIZE_MAX));
    sim_pool_close(&pool);
    cr_assert_eq(pool.used, 0);
    cr_assert_eq(pool.budget, 10000, "and can be used anew");
    cr_assert_not_null(mm1_take(&pool.base, 10000));
    sim_pool_close(&pool);
}

/* Stacks come from the pool too, count the same whatever their size, and go when it is closed. */
Test(memory, the_pool_counts_stacks)
{
    struct sim_pool pool;
    void *stacks[3];
    size_t usable[3];
    bool guarded;
    sim_pool_init(&pool, 3 * SIM_POOL_STACK_COST + 1);
    for (size_t i = 0; i < 3; i++) {
        stacks[i] =
            pool.base.ops->take_stack(&pool.base, (size_t)1 << (14 + i), &usable[i], &guarded);
        cr_assert_not_null(stacks[i]);
        memset(stacks[i], 0xa5, usable[i]);
        cr_assert_eq(pool.used, (i + 1) * SIM_POOL_STACK_COST);
    }
    size_t more;
    cr_assert_null(pool.base.ops->take_stack(&pool.base, 1, &more, &guarded));
    pool.base.ops->give_stack(&pool.base, stacks[1], usable[1]);
    cr_assert_eq(pool.used, 2 * SIM_POOL_STACK_COST);
    cr_assert_eq(pool.base.ops->take_stack(&pool.base, (size_t)1 << 15, &more, &guarded),
                 stacks[1]);
    sim_pool_close(&pool);
    cr_assert_eq(pool.used, 0);
    cr_assert_not_null(pool.base.ops->take_stack(&pool.base, 1, &more, &guarded));
    sim_pool_close(&pool);
}
