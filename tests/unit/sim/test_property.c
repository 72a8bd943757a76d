/* Properties: how they see, judge, and what their verdicts make of a run. */
#include "sim_book.h"

#define STEP_FIELDS(F) F(u64, no)
MM1_MSG_DECLARE(step, STEP_FIELDS)
MM1_MSG_DEFINE(step, "test::Step", STEP_FIELDS)
MM1_MSG_DECLARE(twin, STEP_FIELDS)
MM1_MSG_DEFINE(twin, "test::Step", STEP_FIELDS) /* the same name, another type */

#define WALK_FIELDS(F) F(u64, steps) F(bool, restless)
MM1_MSG_DECLARE(walk, WALK_FIELDS)
MM1_MSG_DEFINE(walk, "test::Walk", WALK_FIELDS)

static mm1_status walker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct walk *args = arg;
    uint64_t timer;
    (void)state;
    for (uint64_t no = 1; no <= args->steps; no++) {
        mm1_observe(ctx, step, .no = no);
    }
    mm1_log(ctx, MM1_LOG_INFO, "walked");
    return args->restless ? mm1_after(ctx, 3600 * MM1_NS_PER_SEC, &timer, step, .no = 0) : MM1_OK;
}

static const struct mm1_behaviour walker = {
    .name = "walker", .init = walker_init, .receive = sim_rig_receive};

/* --- properties of all kinds ---------------------------------------------------------------------------------- */

struct tally {
    uint64_t steps;
    void *memory;
};

static unsigned closed;

static enum mm1_verdict tally_see(void *state, struct mm1_alloc *alloc,
                                  const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct tally *tally = state;
    (void)finding;
    if (tally->memory == NULL) {
        tally->memory = mm1_take(alloc, 64);
    }
    tally->steps += sight->event->type == &step_type;
    return MM1_PASS;
}

static enum mm1_verdict third_see(void *state, struct mm1_alloc *alloc,
                                  const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)tally_see(state, alloc, sight, finding);
    if (sight->event->type == &step_type && ((struct tally *)state)->steps == 3) {
        cr_assert_str_eq(sight->node, "a");
        *finding = (struct mm1_finding){.text = "a third step"};
        return MM1_VIOLATED;
    }
    return MM1_PASS;
}

static enum mm1_verdict unsure_see(void *state, struct mm1_alloc *alloc,
                                   const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)tally_see(state, alloc, sight, finding);
    return ((struct tally *)state)->steps == 2 ? MM1_INCONCLUSIVE : MM1_PASS;
}

static enum mm1_verdict pass_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                 struct mm1_finding *finding)
{
    (void)alloc;
    (void)finding;
    *evaluated = ((struct tally *)state)->steps;
    return MM1_PASS;
}

static enum mm1_verdict violated_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                     struct mm1_finding *finding)
{
    (void)pass_end(state, alloc, evaluated, finding);
    return MM1_VIOLATED; /* without a word */
}

static enum mm1_verdict unsure_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                   struct mm1_finding *finding)
{
    (void)pass_end(state, alloc, evaluated, finding);
    *finding = (struct mm1_finding){.text = "the search was too long"};
    return MM1_INCONCLUSIVE;
}

/* What those see that ask for more, and those that do not, in the same run. */
static unsigned kinds_wide;
static unsigned kinds_plain;
static bool clock_right;

static enum mm1_verdict wide_see(void *state, struct mm1_alloc *alloc,
                                 const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)finding;
    (void)alloc;
    const struct mm1_event *event = sight->event;
    struct tally *tally = state;
    tally->steps++;
    kinds_wide |= MM1_EVENT_BIT(event->kind);
    if (event->kind == MM1_EVENT_VERB && event->verb == MM1_EFFECT_TIMER_ARM) {
        clock_right = event->number == sight->clock_ns + 3600 * MM1_NS_PER_SEC;
    }
    return MM1_PASS;
}

static enum mm1_verdict plain_see(void *state, struct mm1_alloc *alloc,
                                  const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)tally_see(state, alloc, sight, finding);
    kinds_plain |= MM1_EVENT_BIT(sight->event->kind);
    return MM1_PASS;
}

static void tally_close(void *state, struct mm1_alloc *alloc)
{
    struct tally *tally = state;
    mm1_give(alloc, tally->memory, 64);
    closed++;
}

#define PROPERTY(name_, see_, end_)                                                                \
    {                                                                                              \
        .name = name_, .state_size = sizeof(struct tally), .see = see_, .end = end_,               \
        .close = tally_close                                                                       \
    }
static const struct mm1_property properties[] = {
    PROPERTY("counts", tally_see, pass_end),
    PROPERTY("never-three", third_see, pass_end),
    PROPERTY("wordless", tally_see, violated_end),
    PROPERTY("too-long", tally_see, unsure_end),
    PROPERTY("unsure", unsure_see, NULL),
    {.name = "blind"},
    PROPERTY("plain", plain_see, pass_end),
    {.name = "wide",
     .state_size = sizeof(struct tally),
     .see = wide_see,
     .end = pass_end,
     .events = MM1_EVENT_BIT(MM1_EVENT_SPAWN) | MM1_EVENT_BIT(MM1_EVENT_VERB) |
               MM1_EVENT_BIT(MM1_EVENT_LOG)},
};
static const struct mm1_role role = {.name = "walker", .main = &walker, .arg_type = &walk_type};
static const struct mm1_msg_type *const types[] = {&step_type, &walk_type};
static const struct mm1_system walkers = {.abi = MM1_SYSTEM_ABI,
                                          .name = "walkers",
                                          .source_version = "1",
                                          .types = types,
                                          .type_count = MM1_COUNT_OF(types),
                                          .roles = &role,
                                          .role_count = 1,
                                          .properties = properties,
                                          .property_count = MM1_COUNT_OF(properties)};

static struct sim_result walk_with(const char *names, unsigned steps, bool restless,
                                   struct sim_book *book)
{
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"system\": \"walkers\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": "
                   "{\"role\": \"walker\", \"args\": "
                   "{\"steps\": %u, \"restless\": %s}}}, \"properties\": [%s]}",
                   steps, restless ? "true" : "false", names);
    struct sim_scenario *scenario = sim_rig_load(text, &walkers);
    struct sim_result result = sim_play(scenario, 1, book, NULL);
    sim_scenario_free(scenario);
    return result;
}

Test(property, a_pass_is_counted)
{
    closed = 0;
    struct sim_result result = walk_with("\"counts\"", 5, false, NULL);
    cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
    cr_assert_eq(result.checks, 5);
    cr_assert_str_empty(result.vacuous);
    cr_assert_eq(closed, 1);
}

Test(property, a_violation_stops_the_run_where_it_is_seen)
{
    struct sim_book book;
    sim_book_init(&book);
    closed = 0;
    struct sim_result result = walk_with("\"counts\", \"never-three\"", 2, false, NULL);
    cr_assert_eq(result.verdict, SIM_PASSED);
    result = walk_with("\"counts\", \"never-three\"", 5, false, &book);
    cr_assert_eq(result.verdict, SIM_PROPERTY);
    cr_assert_eq(sim_verdict_exit(result.verdict), 11);
    cr_assert_str_eq(result.property, "never-three");
    cr_assert_str_eq(result.signature, "property never-three");
    cr_assert_str_eq(result.text, "a third step");
    cr_assert_str_eq(result.active_faults, "none");
    const struct sim_book_event *event = &book.events.items[result.failed_seq - 1];
    cr_assert_eq(event->kind, MM1_EVENT_OBSERVE);
    cr_assert_str_eq(event->text, "{\"no\":3}");
    cr_assert_eq(book.properties.count, 1);
    cr_assert_eq(book.properties.items[0].verdict, MM1_VIOLATED);
    cr_assert_eq(book.properties.items[0].seq, result.failed_seq);
    cr_assert_eq(closed, 4, "each is closed, however the run ends");
    sim_book_close(&book);
}

Test(property, a_violation_needs_no_words)
{
    struct sim_result result = walk_with("\"counts\", \"wordless\"", 1, false, NULL);
    cr_assert_eq(result.verdict, SIM_PROPERTY);
    cr_assert_str_eq(result.property, "wordless");
    cr_assert_eq(result.failed_seq, 0, "at the end");
}

Test(property, inconclusive_is_a_verdict_of_its_own)
{
    struct sim_result result = walk_with("\"too-long\", \"counts\"", 1, false, NULL);
    cr_assert_eq(result.verdict, SIM_INCONCLUSIVE);
    cr_assert_eq(sim_verdict_exit(result.verdict), 15);
    cr_assert_str_eq(result.text, "the search was too long");
    cr_assert_str_eq(result.property, "too-long");
    result = walk_with("\"unsure\"", 2, false, NULL);
    cr_assert_eq(result.verdict, SIM_INCONCLUSIVE);
    cr_assert_str_eq(result.property, "unsure");
    cr_assert_str_neq(result.text, "");
}

Test(property, a_violation_outweighs_doubt)
{
    const char *const orders[] = {"\"too-long\", \"wordless\"", "\"wordless\", \"too-long\""};
    for (size_t i = 0; i < 2; i++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result result = walk_with(orders[i], 1, false, &book);
        cr_assert_eq(result.verdict, SIM_PROPERTY, "%s", orders[i]);
        cr_assert_str_eq(result.property, "wordless");
        cr_assert_eq(book.properties.count, 2, "each is told");
        sim_book_close(&book);
    }
}

Test(property, one_that_checked_nothing_is_vacuous)
{
    struct sim_result result = walk_with("\"counts\", \"blind\"", 0, false, NULL);
    cr_assert_eq(result.verdict, SIM_PASSED);
    cr_assert_eq(result.checks, 0);
    cr_assert_not_null(strstr(result.vacuous, "property never evaluated: counts"), "%s",
                       result.vacuous);
    cr_assert_not_null(strstr(result.vacuous, "; property never evaluated: blind"), "%s",
                       result.vacuous);
}

Test(property, an_earlier_failure_stands)
{
    struct sim_result result = walk_with("\"wordless\"", 1, true, NULL);
    cr_assert_eq(result.verdict, SIM_LIVENESS, "%s", result.text);
    cr_assert_str_empty(result.property);
}

/* Lines of log are shown to nobody, whatever is asked for. */
Test(property, more_kinds_of_events_are_seen_by_those_who_ask)
{
    struct sim_result result = walk_with("\"plain\", \"wide\"", 2, true, NULL);
    cr_assert_eq(result.verdict, SIM_LIVENESS, "%s", result.text);
    unsigned plain = MM1_EVENT_BIT(MM1_EVENT_OBSERVE) | MM1_EVENT_BIT(MM1_EVENT_NODE_UP);
    cr_assert_eq(kinds_plain & ~MM1_EVENT_BIT(MM1_EVENT_NODE_DOWN), plain);
    cr_assert_eq(kinds_wide & ~MM1_EVENT_BIT(MM1_EVENT_NODE_DOWN),
                 plain | MM1_EVENT_BIT(MM1_EVENT_SPAWN) | MM1_EVENT_BIT(MM1_EVENT_VERB));
    cr_assert(clock_right, "the clock that actors see");
}

/* A world that cannot be built says so, and is taken down in good order. */
Test(property, types_that_clash_make_a_world_impossible)
{
    static const struct mm1_msg_type *const clash[] = {&step_type, &walk_type, &twin_type};
    struct mm1_system system = walkers;
    struct sim_scenario *scenario =
        sim_rig_load("{\"system\": \"walkers\", \"hosts\": {\"a\": {}, \"b\": {}}, \"nodes\": "
                     "{\"a\": {\"role\": \"walker\", \"args\": "
                     "{\"steps\": 1, \"restless\": false}}}, \"faults\": {\"until\": \"1s\", "
                     "\"scripted\": [{\"at\": \"1ms\", \"crash\": "
                     "\"b\"}]}}",
                     &system);
    /* The loader would refuse them. */
    system.types = clash;
    system.type_count = MM1_COUNT_OF(clash);
    struct sim_result result = sim_play(scenario, 1, NULL, NULL);
    cr_assert_eq(result.verdict, SIM_UNABLE);
    cr_assert_str_neq(result.text, "");
    sim_scenario_free(scenario);
}
