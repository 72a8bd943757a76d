/* The one verb for choices: words by address, and the replay of recorded decisions. */
#include "sim_book.h"

static const char RIG[] =
    "{\"system\": \"rig\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {\"role\": \"idle\", "
    "\"at\": \"100h\"}}, \"end\": {\"at_most\": \"200h\", \"quiet\": false}}";

Test(choose, a_word_depends_on_its_address_alone)
{
    struct sim_rig *rig = sim_rig_new(RIG, 7, NULL);
    struct sim_rig *again = sim_rig_new(RIG, 7, NULL);
    struct sim_rig *other = sim_rig_new(RIG, 8, NULL);
    uint64_t words[3][20];
    unsigned same = 0;
    for (uint64_t nth = 0; nth < 20; nth++) {
        for (unsigned entity = 0; entity < 3; entity++) {
            words[entity][nth] = sim_choose_at(&rig->world, SIM_SITE_CHUNK, entity, nth, 0, NULL);
        }
    }
    /* In another order, with other questions in between. */
    for (uint64_t nth = 20; nth-- > 0;) {
        for (unsigned entity = 3; entity-- > 0;) {
            (void)sim_choose_at(&again->world, SIM_SITE_TORN, entity, nth, 3, NULL);
            cr_assert_eq(sim_choose_at(&again->world, SIM_SITE_CHUNK, entity, nth, 0, NULL),
                         words[entity][nth]);
            same += sim_choose_at(&other->world, SIM_SITE_CHUNK, entity, nth, 0, NULL) ==
                    words[entity][nth];
            same += sim_choose_at(&again->world, SIM_SITE_TORN, entity, nth, 0, NULL) ==
                    words[entity][nth];
            same += words[entity][nth] == words[(entity + 1) % 3][nth];
        }
    }
    cr_assert_eq(same, 0, "other seeds, sites and entities say something else");
    sim_rig_free(rig);
    sim_rig_free(again);
    sim_rig_free(other);
}

Test(choose, one_of_one_asks_nobody)
{
    struct sim_rig *rig = sim_rig_new(RIG, 7, NULL);
    struct sim_stream stream = {.site = SIM_SITE_CHUNK};
    uint64_t before = rig->result.decisions;
    cr_assert_eq(sim_choose(&rig->world, &stream, 1, NULL), 0);
    cr_assert_eq(stream.nth, 0);
    cr_assert_eq(sim_choose_within(&rig->world, &stream, (struct sim_window){5, 5}), 5);
    cr_assert_eq(rig->result.decisions, before);
    (void)sim_choose(&rig->world, &stream, 2, NULL);
    cr_assert_eq(stream.nth, 1);
    cr_assert_eq(rig->result.decisions, before + 1);
    sim_rig_free(rig);
}

Test(choose, windows_are_closed_on_both_sides)
{
    struct sim_rig *rig = sim_rig_new(RIG, 7, NULL);
    struct sim_stream stream = {.site = SIM_SITE_FAULT_DWELL};
    unsigned seen[3] = {0};
    uint64_t high = 0;
    for (unsigned i = 0; i < 200; i++) {
        uint64_t drawn = sim_choose_within(&rig->world, &stream, (struct sim_window){10, 12});
        cr_assert(drawn >= 10 && drawn <= 12);
        seen[drawn - 10]++;
        high |= sim_choose_within(&rig->world, &stream, (struct sim_window){0, UINT64_MAX});
        cr_assert_geq(sim_choose_within(&rig->world, &stream, (struct sim_window){1, UINT64_MAX}),
                      1);
    }
    cr_assert(seen[0] > 40 && seen[1] > 40 && seen[2] > 40);
    cr_assert_eq(high, UINT64_MAX);
    sim_rig_free(rig);
}

/* --- replay --------------------------------------------------------------------------------------------------- */

/* Friends on one node that toss a coin and pass it on. */
#define COIN_FIELDS(F) F(u64, tosses) F(u64, side)
MM1_MSG_DECLARE(coin, COIN_FIELDS)
MM1_MSG_DEFINE(coin, "test::Coin", COIN_FIELDS)
#define FRIEND_FIELDS(F) F(addr, other)
MM1_MSG_DECLARE(friend, FRIEND_FIELDS)
MM1_MSG_DEFINE(friend, "test::Friend", FRIEND_FIELDS)

static uint64_t sides = 2; /* of a coin: changing it changes the program */

struct tosser {
    mm1_addr other;
};

static mm1_status tosser_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct tosser *tosser = state;
    MM1_ON(envelope, friend, m) {
        tosser->other = m->other;
        return MM1_OK;
    }
    MM1_ON(envelope, coin, m) {
        mm1_observe_any(ctx, &coin_type, m);
        if (m->tosses == 0) {
            return MM1_OK;
        }
        return mm1_tell(ctx, tosser->other, coin, .tosses = m->tosses - 1,
                        .side = mm1_random(ctx, sides));
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour tosser = {
    .name = "tosser", .state_size = sizeof(struct tosser), .receive = tosser_receive};

static mm1_status party_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    mm1_addr friends[6];
    (void)state;
    (void)arg;
    for (unsigned i = 0; i < 6; i++) {
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &tosser}, &friends[i]));
    }
    for (unsigned i = 0; i < 6; i++) {
        MM1_TRY(mm1_tell(ctx, friends[i], friend, .other = friends[(i + 1) % 6]));
        MM1_TRY(mm1_tell(ctx, friends[i], coin, .tosses = 10));
    }
    return MM1_OK;
}

static const struct mm1_behaviour party = {
    .name = "party", .init = party_init, .receive = sim_rig_receive};
static const struct mm1_role role = {.name = "party", .main = &party};
static const struct mm1_msg_type *const types[] = {&coin_type, &friend_type};
static const struct mm1_system coins = {.abi = MM1_SYSTEM_ABI,
                                        .name = "coins",
                                        .source_version = "1",
                                        .types = types,
                                        .type_count = MM1_COUNT_OF(types),
                                        .roles = &role,
                                        .role_count = 1};

static const char COINS[] =
    "{\"system\": \"coins\", \"hosts\": {\"a\": {}, \"b\": {}}, \"nodes\": {\"a\": {\"role\": "
    "\"party\", \"auto\": "
    "\"<a0:>/16\"}, \"b\": {\"role\": \"party\", \"auto\": \"<b0:>/16\", \"at\": \"1ms\"}}, "
    "\"faults\": {\"until\": \"1s\", "
    "\"random\": {\"crash\": {\"every\": \"50ms\", \"for\": [\"1ms\", \"100ms\"]}}}}";

struct recording {
    struct sim_scenario *scenario;
    struct sim_book book;
    struct sim_result result;
};

static void record(struct recording *r, uint64_t seed)
{
    r->scenario = sim_rig_load(COINS, &coins);
    sim_book_init(&r->book);
    r->result = sim_play(r->scenario, seed, &r->book, NULL);
    cr_assert_eq(r->result.verdict, SIM_PASSED, "%s", r->result.text);
    cr_assert_eq(r->book.decisions.count, r->result.decisions);
    cr_assert_gt(r->book.decisions.count, 100);
}

static void record_close(struct recording *r)
{
    sim_book_close(&r->book);
    sim_scenario_free(r->scenario);
}

static struct sim_result replay(const struct recording *r, uint64_t seed, size_t count)
{
    struct sim_decisions decisions = sim_book_decisions(&r->book);
    decisions.count = count;
    return sim_play(r->scenario, seed, NULL, &decisions);
}

/* The first decision from `from` on that picks by name among several (`named`), or a number of that site. */
static size_t find_decision(const struct recording *r, enum sim_site site, bool named, size_t from)
{
    for (size_t i = from; i < r->book.decisions.count; i++) {
        const struct sim_decision *decision = &r->book.decisions.items[i];
        if (decision->site == site && (decision->key != 0) == named) {
            return i;
        }
    }
    cr_assert(false, "no such decision");
    return 0;
}

Test(choose, recorded_decisions_repeat_the_run)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct recording r;
        record(&r, seed);
        for (size_t i = 0; i < r.book.decisions.count; i++) {
            cr_assert_eq(r.book.decisions.items[i].step, i + 1);
        }
        struct sim_result result = replay(&r, seed, r.book.decisions.count);
        cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
        cr_assert_eq(result.hash, r.result.hash);
        cr_assert_eq(result.decisions, r.result.decisions);
        /* Where the record ends, the seed goes on. */
        cr_assert_eq(replay(&r, seed, r.book.decisions.count / 2).hash, r.result.hash);
        record_close(&r);
    }
}

/* It is the record that decides, not the seed: another seed tells the same story. */
Test(choose, the_record_decides_and_not_the_seed)
{
    struct recording r;
    record(&r, 3);
    struct sim_book book;
    struct sim_decisions decisions = sim_book_decisions(&r.book);
    sim_book_init(&book);
    struct sim_result result = sim_play(r.scenario, 999, &book, &decisions);
    cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
    cr_assert_eq(book.events.count, r.book.events.count);
    for (size_t i = 0; i < book.events.count; i++) {
        const struct sim_book_event *a = &book.events.items[i];
        const struct sim_book_event *b = &r.book.events.items[i];
        cr_assert(a->time_ns == b->time_ns && a->kind == b->kind && a->actor == b->actor);
        cr_assert_str_eq(a->text, b->text);
    }
    sim_book_close(&book);
    record_close(&r);
}

Test(choose, a_step_is_found_by_its_name_where_the_index_moved)
{
    struct recording r;
    record(&r, 4);
    unsigned moved = 0;
    for (size_t i = 0; i < r.book.decisions.count; i++) {
        struct sim_decision *decision = &r.book.decisions.items[i];
        if (decision->key != 0) {
            cr_assert_str_neq(decision->key_text, "");
            cr_assert_neq(decision->enabled, 0);
            decision->pick = decision->pick == 0 ? decision->n + 5 : 0;
            moved++;
        }
    }
    cr_assert_gt(moved, 50);
    struct sim_result result = replay(&r, 4, r.book.decisions.count);
    /* Two that bear the same name may be taken for one another; nothing else may change. */
    cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
    cr_assert_eq(result.hash, r.result.hash);
    record_close(&r);
}

static void expect_divergence(const struct recording *r, size_t at, const char *word)
{
    char number[64];
    struct sim_result result = replay(r, r->result.seed, r->book.decisions.count);
    cr_assert_eq(result.verdict, SIM_DIVERGED, "%s", result.text);
    cr_assert_eq(sim_verdict_exit(result.verdict), 13);
    (void)snprintf(number, sizeof(number), "decision %zu:", at + 1);
    cr_assert_not_null(strstr(result.text, number), "%s", result.text);
    cr_assert_not_null(strstr(result.text, word), "%s", result.text);
    cr_assert_not_null(strstr(result.text, "the program asks for"), "%s", result.text);
}

Test(choose, a_changed_record_diverges_and_says_where)
{
    struct recording r;
    record(&r, 5);
    size_t at = find_decision(&r, SIM_SITE_STEP, true, 40);
    struct sim_decision kept = r.book.decisions.items[at];
    r.book.decisions.items[at].site = SIM_SITE_TORN;
    expect_divergence(&r, at, "recorded torn of");
    r.book.decisions.items[at] = kept;
    r.book.decisions.items[at].entity++;
    expect_divergence(&r, at, "recorded step of");
    r.book.decisions.items[at] = kept;
    r.book.decisions.items[at].nth++;
    expect_divergence(&r, at, "recorded step of");
    r.book.decisions.items[at] = kept;
    r.book.decisions.items[at].key ^= 1;
    expect_divergence(&r, at, kept.key_text);
    r.book.decisions.items[at] = kept;
    size_t number = find_decision(&r, SIM_SITE_USER, false, 0);
    r.book.decisions.items[number].n = 3;
    expect_divergence(&r, number, "recorded random of 3; the program asks for random of 2");
    record_close(&r);
}

Test(choose, a_missing_decision_diverges)
{
    struct recording r;
    record(&r, 6);
    size_t at = find_decision(&r, SIM_SITE_USER, false, 0);
    memmove(&r.book.decisions.items[at], &r.book.decisions.items[at + 1],
            (r.book.decisions.count - at - 1) * sizeof(r.book.decisions.items[0]));
    r.book.decisions.count--;
    expect_divergence(&r, at, "random of 2");
    record_close(&r);
}

/* Another pick of a number is another run, not a mistake at this place. */
Test(choose, another_number_is_another_run)
{
    struct recording r;
    record(&r, 7);
    size_t at = find_decision(&r, SIM_SITE_USER, false, 0);
    r.book.decisions.items[at].pick ^= 1;
    struct sim_result result = replay(&r, 7, at + 1);
    cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
    cr_assert_neq(result.hash, r.result.hash);
    record_close(&r);
}

Test(choose, another_program_diverges)
{
    struct recording r;
    record(&r, 8);
    sides = 6;
    struct sim_result result = replay(&r, 8, r.book.decisions.count);
    cr_assert_eq(result.verdict, SIM_DIVERGED);
    cr_assert_not_null(
        strstr(result.text, "recorded random of 2; the program asks for random of 6"), "%s",
        result.text);
    record_close(&r);
}
