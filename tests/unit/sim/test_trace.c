/* The hash of a run and its rows: what the hash covers, and that nobody who listens changes it. */
#include "sim_book.h"

#define NOTE_FIELDS(F) F(u64, value) F(text, text)
MM1_MSG_DECLARE(note, NOTE_FIELDS)
MM1_MSG_DEFINE(note, "test::Note", NOTE_FIELDS)
#define SAME_FIELDS(F) F(u64, value) F(text, text)
MM1_MSG_DECLARE(same, SAME_FIELDS)
MM1_MSG_DEFINE(same, "test::Same", SAME_FIELDS)

/* What the program does: each test changes one of it. The seed and the scenario stay. */
struct program {
    uint64_t value;
    const char *text;
    bool other_type;
    unsigned peer;
    uint64_t delay_ns;
    uint64_t level;
    const char *line;
    int32_t code; /* of the reason for which the last child ends */
    uint64_t observed;
    bool background;
};

static struct program program;
static const struct program plain = {.value = 1,
                                     .text = "hello",
                                     .delay_ns = 1000,
                                     .level = MM1_LOG_INFO,
                                     .line = "a line",
                                     .observed = 5};

static mm1_status child_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    (void)ctx;
    (void)envelope;
    return MM1_OK;
}

static const struct mm1_behaviour child = {.name = "child", .receive = child_receive};

static mm1_status main_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    mm1_addr children[3];
    uint64_t timer;
    (void)state;
    (void)arg;
    for (unsigned i = 0; i < 3; i++) {
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &child}, &children[i]));
    }
    struct mm1_text text = mm1_text_of(program.text);
    if (program.other_type) {
        MM1_TRY(mm1_tell(ctx, children[program.peer], same, .value = program.value, .text = text));
    } else {
        MM1_TRY(mm1_tell(ctx, children[program.peer], note, .value = program.value, .text = text));
    }
    mm1_log(ctx, (enum mm1_log_level)program.level, "%s", program.line);
    mm1_observe(ctx, note, .value = program.observed);
    (void)!mm1_exit(ctx, children[2],
                    (struct mm1_reason){
                        .kind = MM1_REASON_ERROR, .code = program.code, .text = "for a reason"});
    return mm1_after(ctx, program.delay_ns, &timer, note, .value = 0);
}

static const struct mm1_behaviour main_actor = {
    .name = "main", .init = main_init, .receive = child_receive};
static const struct mm1_role role = {.name = "main", .main = &main_actor};
static const struct mm1_msg_type *const types[] = {&note_type, &same_type};
static const struct mm1_system notes = {.abi = MM1_SYSTEM_ABI,
                                        .name = "notes",
                                        .source_version = "1",
                                        .types = types,
                                        .type_count = MM1_COUNT_OF(types),
                                        .roles = &role,
                                        .role_count = 1};

static const char TEXT[] =
    "{\"system\": \"notes\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {\"role\": \"main\"}}, "
    "\"faults\": {\"until\": \"1ms\", \"scripted\": [{\"at\": \"0s\", \"for\": \"1us\", \"crash\": "
    "\"a\"}]}}";

static uint64_t hash_of(const struct program *changed)
{
    struct sim_scenario *scenario = sim_rig_load(TEXT, &notes);
    program = *changed;
    struct sim_result result = sim_play(scenario, 11, NULL, NULL);
    cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
    sim_scenario_free(scenario);
    return result.hash;
}

Test(trace, the_hash_covers_what_happens)
{
    struct program changed[9];
    uint64_t hashes[MM1_COUNT_OF(changed)];
    for (size_t i = 0; i < MM1_COUNT_OF(changed); i++) {
        changed[i] = plain;
    }
    changed[1].value = 2;
    changed[2].text = "hellp";
    changed[3].other_type = true; /* the same bytes under another name */
    changed[4].peer = 1;
    changed[5].delay_ns = 1001;
    changed[6].code = 9;
    changed[7].observed = 6;
    changed[8].text = "";
    for (size_t i = 0; i < MM1_COUNT_OF(changed); i++) {
        hashes[i] = hash_of(&changed[i]);
        cr_assert_eq(hashes[i], hash_of(&changed[i]), "%zu", i);
        for (size_t j = 0; j < i; j++) {
            cr_assert_neq(hashes[i], hashes[j], "%zu %zu", i, j);
        }
    }
}

/* So that a replay survives a line of log more, or another word in it. */
Test(trace, a_line_of_log_is_no_event)
{
    struct program changed = plain;
    uint64_t hash = hash_of(&plain);
    changed.level = MM1_LOG_WARN;
    changed.line = "another line, and a longer one";
    cr_assert_eq(hash_of(&changed), hash);
}

Test(trace, the_hash_covers_time_and_seed_and_scenario)
{
    struct sim_scenario *scenario = sim_rig_load(TEXT, &notes);
    program = plain;
    uint64_t first = sim_play(scenario, 11, NULL, NULL).hash;
    cr_assert_neq(sim_play(scenario, 12, NULL, NULL).hash, first);
    scenario->time.turn_ns++;
    cr_assert_neq(sim_play(scenario, 11, NULL, NULL).hash, first);
    scenario->time.turn_ns--;
    cr_assert_eq(sim_play(scenario, 11, NULL, NULL).hash, first);
    scenario->hash[0] = scenario->hash[0] == '0' ? '1' : '0';
    cr_assert_neq(sim_play(scenario, 11, NULL, NULL).hash, first);
    sim_scenario_free(scenario);
}

Test(trace, nobody_who_listens_changes_it)
{
    struct sim_scenario *scenario = sim_rig_load(TEXT, &notes);
    volatile uint64_t progress = 0;
    program = plain;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result silent = sim_play(scenario, seed, NULL, NULL);
        struct sim_result heard = sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(silent.hash, heard.hash);
        cr_assert_eq(memcmp(&silent, &heard, sizeof(silent)), 0, "nor anything else of the result");
        struct sim_result watched;
        struct sim_run_spec spec = {
            .scenario = scenario, .system = &notes, .seed = seed, .progress = &progress};
        sim_run(&spec, &watched);
        cr_assert_eq(watched.hash, silent.hash);
        cr_assert_eq(progress, silent.events);
        sim_book_close(&book);
    }
    sim_scenario_free(scenario);
}

Test(trace, rows_are_whole)
{
    struct sim_scenario *scenario = sim_rig_load(TEXT, &notes);
    program = plain;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result result = sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(book.events.count, result.events);
        cr_assert_eq(book.nodes, 1);
        uint64_t time = 0;
        unsigned caused = 0;
        for (size_t i = 0; i < book.events.count; i++) {
            const struct sim_book_event *event = &book.events.items[i];
            cr_assert_eq(event->seq, i + 1);
            cr_assert_geq(event->time_ns, time);
            cr_assert_lt(event->cause, event->seq);
            cr_assert_leq(event->actor, book.actors.count);
            caused += event->cause != 0;
            time = event->time_ns;
            cr_assert(event->kind != MM1_EVENT_SEND || event->cause != 0 || event->actor != 0);
        }
        cr_assert_gt(caused, book.events.count / 2);
        cr_assert_eq(book.events.items[book.events.count - 1].hash, result.hash,
                     "the last row bears the run's");
        for (size_t i = 0; i < book.actors.count; i++) {
            cr_assert_eq(book.actors.items[i].actor, i + 1);
            cr_assert_neq(book.actors.items[i].address.bits, 0);
        }
        sim_book_close(&book);
    }
    sim_scenario_free(scenario);
}
