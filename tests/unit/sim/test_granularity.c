/* Where actors may interleave: between turns, between the verbs of a turn, and between messages of different pairs. */
#include "sim_book.h"

/* Three senders, each with three messages for one taker; and a relay, through which a message may overtake. */
#define WORK_FIELDS(F) F(u64, from) F(u64, no)
MM1_MSG_DECLARE(work, WORK_FIELDS)
MM1_MSG_DEFINE(work, "test::Work", WORK_FIELDS)
#define GO_FIELDS(F) F(u64, from) F(addr, taker) F(addr, relay)
MM1_MSG_DECLARE(go, GO_FIELDS)
MM1_MSG_DEFINE(go, "test::Go", GO_FIELDS)

static mm1_status taker_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, work, m) {
        mm1_observe_any(ctx, &work_type, m);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour taker = {.name = "taker", .receive = taker_receive};

/* Passes on to the taker what a sender tells it. */
static mm1_status relay_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, go, m) {
        return mm1_tell(ctx, m->taker, work, .from = m->from, .no = 99);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour relay = {.name = "relay", .receive = relay_receive};

static mm1_status sender_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, go, m) {
        if (m->relay.bits != 0) {
            MM1_TRY(mm1_tell(ctx, m->relay, go, .from = m->from, .taker = m->taker));
        }
        for (uint64_t no = 0; no < 3; no++) {
            MM1_TRY(mm1_tell(ctx, m->taker, work, .from = m->from, .no = no));
        }
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour sender = {.name = "sender", .receive = sender_receive};

#define PARENT_ARGS_FIELDS(F) F(u64, senders) F(bool, relayed)
MM1_MSG_DECLARE(parent_args, PARENT_ARGS_FIELDS)
MM1_MSG_DEFINE(parent_args, "test::ParentArgs", PARENT_ARGS_FIELDS)

static mm1_status parent_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct parent_args *args = arg;
    mm1_addr to;
    mm1_addr via = MM1_ADDR(0);
    mm1_addr from;
    (void)state;
    MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &taker}, &to));
    if (args->relayed) {
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &relay}, &via));
    }
    for (uint64_t i = 0; i < args->senders; i++) {
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &sender}, &from));
        MM1_TRY(mm1_tell(ctx, from, go, .from = i, .taker = to, .relay = via));
    }
    return MM1_OK;
}

static const struct mm1_behaviour parent = {
    .name = "parent", .init = parent_init, .receive = sender_receive};

/* What the taker saw: letters of senders in small for their own messages, in capitals for what the relay brought. */
struct story {
    size_t count;
    char seen[16];
    uint64_t next[4];
};

static char last_story[16]; /* of the last run */

static enum mm1_verdict story_see(void *state, struct mm1_alloc *alloc,
                                  const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct story *story = state;
    (void)alloc;
    if (sight->event->type != &work_type) {
        return MM1_PASS;
    }
    const struct work *m = sight->event->msg;
    story->seen[story->count++] = (char)((m->no == 99 ? 'A' : 'a') + (int)m->from);
    if (m->no != 99 && m->no != story->next[m->from]++) {
        *finding = (struct mm1_finding){.text = "messages of a pair changed places"};
        return MM1_VIOLATED;
    }
    return MM1_PASS;
}

static enum mm1_verdict story_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                  struct mm1_finding *finding)
{
    const struct story *story = state;
    (void)alloc;
    (void)finding;
    *evaluated = story->count;
    memcpy(last_story, story->seen, sizeof(last_story));
    return MM1_PASS;
}

static const struct mm1_property property = {.name = "pairs-keep-order",
                                             .state_size = sizeof(struct story),
                                             .see = story_see,
                                             .end = story_end};
static const struct mm1_role role = {
    .name = "parent", .main = &parent, .arg_type = &parent_args_type};
static const struct mm1_msg_type *const types[] = {&work_type, &go_type, &parent_args_type};
static const struct mm1_system race = {.abi = MM1_SYSTEM_ABI,
                                       .name = "race",
                                       .source_version = "1",
                                       .types = types,
                                       .type_count = MM1_COUNT_OF(types),
                                       .roles = &role,
                                       .role_count = 1,
                                       .properties = &property,
                                       .property_count = 1};

#define TEXT(args, settings)                                                                       \
    "{\"system\": \"race\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {\"role\": \"parent\", "    \
    "\"args\": " args "}}, " settings "}"
#define THREE "{\"senders\": 3, \"relayed\": false}"
#define RELAYED "{\"senders\": 1, \"relayed\": true}"

/* Runs seeds; counts how many stories are told, and in how many runs `odd` holds. */
static void tell_stories(const char *text, unsigned seeds, bool (*odd)(const char *story),
                         unsigned *odds, unsigned *different)
{
    struct sim_scenario *scenario = sim_rig_load(text, &race);
    char(*stories)[16] = calloc(seeds, sizeof(*stories));
    cr_assert_not_null(stories);
    *odds = 0;
    *different = 0;
    for (unsigned seed = 1; seed <= seeds; seed++) {
        struct sim_result result = sim_play(scenario, seed, NULL, NULL);
        cr_assert_eq(result.verdict, SIM_PASSED, "seed %u: %s", seed, result.text);
        unsigned i = 0;
        while (i < *different && memcmp(stories[i], last_story, sizeof(last_story)) != 0) {
            i++;
        }
        if (i == *different) {
            memcpy(stories[(*different)++], last_story, sizeof(last_story));
        }
        *odds += odd(last_story);
        struct sim_result again = sim_play(scenario, seed, NULL, NULL);
        cr_assert_eq(result.hash, again.hash, "seed %u", seed);
    }
    free(stories);
    sim_scenario_free(scenario);
}

/* A sender's three messages do not stand together. */
static bool is_torn(const char *story)
{
    cr_assert_eq(strlen(story), 9);
    for (size_t i = 0; i < 9; i += 3) {
        if (story[i] != story[i + 1] || story[i] != story[i + 2]) {
            return true;
        }
    }
    return false;
}

/* What went through the relay came before what the sender sent itself. */
static bool is_overtaken(const char *story)
{
    cr_assert_eq(strlen(story), 4);
    return story[3] != 'A';
}

Test(granularity, turns_are_whole)
{
    unsigned odds, different;
    tell_stories(TEXT(THREE, "\"granularity\": \"turn\""), 200, is_torn, &odds, &different);
    cr_assert_eq(odds, 0);
    cr_assert_eq(different, 6, "three senders in each order: %u", different);
}

Test(granularity, interrupted_turns_go_on_in_any_order)
{
    unsigned odds, different;
    tell_stories(TEXT(THREE, "\"granularity\": \"effect\""), 400, is_torn, &odds, &different);
    cr_assert_gt(odds, 200, "%u", odds);
    cr_assert_gt(different, 100, "of 1680: %u", different);
}

Test(granularity, mix_draws_one_of_the_two)
{
    unsigned odds, different;
    tell_stories(TEXT(THREE, "\"granularity\": \"mix\""), 200, is_torn, &odds, &different);
    cr_assert(odds > 60 && odds < 140, "%u", odds);
}

Test(granularity, a_race_within_a_turn_shows_only_at_effects)
{
    unsigned odds, different;
    tell_stories(TEXT(RELAYED, "\"granularity\": \"turn\""), 300, is_overtaken, &odds, &different);
    cr_assert_eq(odds, 0);
    cr_assert_eq(different, 1);
    tell_stories(TEXT(RELAYED, "\"granularity\": \"effect\""), 300, is_overtaken, &odds,
                 &different);
    cr_assert_gt(odds, 10, "%u", odds);
    cr_assert_eq(different, 4, "the relay's message in each of four places");
}

Test(granularity, pairs_reorder_senders_and_never_a_pair)
{
    unsigned odds, different;
    tell_stories(TEXT(THREE, "\"granularity\": \"turn\", \"local_delivery\": \"pairwise\""), 400,
                 is_torn, &odds, &different);
    cr_assert_gt(odds, 300, "%u", odds);
    cr_assert_gt(different, 100, "of 1680: %u", different);
    tell_stories(TEXT(RELAYED, "\"granularity\": \"turn\", \"local_delivery\": \"pairwise\""), 300,
                 is_overtaken, &odds, &different);
    cr_assert_gt(odds, 10, "%u", odds);
    cr_assert_eq(different, 4);
    tell_stories(TEXT(THREE, "\"granularity\": \"effect\", \"local_delivery\": \"pairwise\""), 100,
                 is_torn, &odds, &different);
    cr_assert_gt(odds, 70);
}
