/* The scenario loader: what good files become, and what each bad file of the corpus is told. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mm1/msg.h>

#include "host/load.h"
#include "mm1_test.h"
#include "sim/scenario.h"

#define CORPUS MM1_TEST_SOURCE_DIR "/tests/scenarios-corpus"

/* A scenario tied to its system. */
struct sim_case {
    struct sim_scenario *scenario;
    struct mm1__loaded_system system;
};

static void sim_case_close(struct sim_case *opened)
{
    sim_scenario_free(opened->scenario);
    mm1__system_unload(&opened->system);
    opened->scenario = NULL;
}

static mm1_status sim_case_open(const struct mm1__linked_systems *linked, const char *path,
                                struct sim_case *out, struct mm1_diag *diag)
{
    struct sim_case opened = {0};
    MM1_TRY(sim_scenario_load_file(path, &opened.scenario, diag));
    mm1_status status =
        mm1__system_load(linked, path, opened.scenario->system_name, &opened.system, diag);
    if (status == MM1_OK) {
        status = sim_scenario_resolve(opened.scenario, opened.system.system, diag);
    }
    if (status != MM1_OK) {
        sim_case_close(&opened);
        return status;
    }
    *out = opened;
    return MM1_OK;
}

/* --- the corpus' system --------------------------------------------------------------------------------------- */

#define CORPUS_STORE_FIELDS(F) F(text, name) F(u64, size) F(duration, pause) F(opt(addr), peer)
MM1_MSG_DECLARE(corpus_store, CORPUS_STORE_FIELDS)
MM1_MSG_DEFINE(corpus_store, "corpus::Store", CORPUS_STORE_FIELDS)
#define CORPUS_RELAXED_FIELDS(F) F(opt(u8), level) F(opt(any), extra)
MM1_MSG_DECLARE(corpus_relaxed, CORPUS_RELAXED_FIELDS)
MM1_MSG_DEFINE(corpus_relaxed, "corpus::Relaxed", CORPUS_RELAXED_FIELDS)

static mm1_status receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    return MM1_OK;
}

static enum mm1_verdict see(void *state, struct mm1_alloc *alloc, const struct mm1_sight *sight,
                            struct mm1_finding *finding)
{
    (void)state;
    (void)alloc;
    (void)sight;
    (void)finding;
    return MM1_PASS;
}

static const struct mm1_behaviour behaviour = {.name = "idle", .receive = receive};
static const struct mm1_role roles[] = {
    {.name = "store", .main = &behaviour, .arg_type = &corpus_store_type},
    {.name = "plain", .about = "Takes nothing.", .main = &behaviour},
    {.name = "relaxed", .main = &behaviour, .arg_type = &corpus_relaxed_type},
};
static const struct mm1_property properties[] = {
    {.name = "first", .see = see}, {.name = "second", .see = see}, {.name = "third", .see = see}};
static const struct mm1_msg_type *const types[] = {&corpus_relaxed_type};
static const struct mm1_system corpus = {.abi = MM1_SYSTEM_ABI,
                                         .name = "corpus",
                                         .source_version = "1",
                                         .about = "What the corpus is about.",
                                         .types = types,
                                         .type_count = 1,
                                         .roles = roles,
                                         .role_count = MM1_COUNT_OF(roles),
                                         .properties = properties,
                                         .property_count = MM1_COUNT_OF(properties)};
static const struct mm1_system *const linked_items[] = {&corpus};
static const struct mm1__linked_systems linked = {.items = linked_items, .count = 1};

/* --- good ----------------------------------------------------------------------------------------------------- */

static struct sim_case open_good(const char *name)
{
    char path[512];
    char line[MM1_DIAG_LINE_MAX];
    struct sim_case opened = {0};
    struct mm1_diag diag = {0};
    (void)snprintf(path, sizeof(path), CORPUS "/good/%s.json", name);
    mm1_status status = sim_case_open(&linked, path, &opened, &diag);
    (void)mm1__diag_print(&diag, line);
    cr_assert_eq(status, MM1_OK, "%s", line);
    return opened;
}

static uint64_t ms(uint64_t count)
{
    return count * 1000000;
}

Test(scenario, defaults)
{
    struct sim_case opened = open_good("smallest");
    const struct sim_scenario *scenario = opened.scenario;
    cr_expect_str_eq(scenario->name, "smallest");
    cr_expect_str_eq(scenario->system_name, "corpus");
    cr_expect_str_eq(scenario->about, "");
    cr_expect_eq(scenario->host_count, 1);
    cr_expect_eq(scenario->node_count, 1);
    const struct sim_node *node = &scenario->nodes[0];
    cr_expect_eq(node->auto_net.mask, 13);
    cr_expect_eq(node->auto_net.addr.bits, UINT64_C(0xfff8000000000000));
    cr_expect_eq(node->bind_count, 1);
    cr_expect_eq(node->binds[0].addr.bits, UINT64_C(0xfff0000000000000));
    cr_expect_eq(node->role, &roles[1]);
    cr_expect_null(node->arg);
    cr_expect_eq(scenario->time.start_count, 2);
    cr_expect_eq(scenario->time.starts_ns[0], 0);
    cr_expect_eq(scenario->time.starts_ns[1], ms(UINT64_C(480000) * 3600 * 1000));
    cr_expect_eq(scenario->time.turn_ns, 2000);
    cr_expect_eq(scenario->time.run_within_ns, ms(1));
    cr_expect_eq(scenario->time.timer_slack_ns, ms(1));
    cr_expect_eq(scenario->granularity, SIM_GRANULARITY_MIX);
    cr_expect_eq(scenario->local_delivery, SIM_LOCAL_CAUSAL);
    cr_expect_eq(scenario->network.latency.min_ns, ms(1));
    cr_expect_eq(scenario->network.latency.max_ns, ms(10));
    cr_expect_eq(scenario->network.chunk, 65536);
    cr_expect_eq(scenario->store_latency.max_ns, ms(5));
    cr_expect_eq(scenario->faults.until_ns, 0);
    for (unsigned i = 0; i < SIM_FAULT_CLASSES; i++) {
        cr_expect_not(scenario->faults.random[i].configured);
    }
    cr_expect_eq(scenario->property_count, 3);
    cr_expect_eq(scenario->properties[2], &properties[2]);
    cr_expect(scenario->end.quiet);
    cr_expect_eq(scenario->end.at_most_ns, ms(60000));
    cr_expect_eq(scenario->bounds.events, 2000000);
    cr_expect_eq(scenario->bounds.memory, 256u << 20);
    cr_expect_eq(scenario->bounds.fiber_stack, 64u << 10);
    cr_expect_eq(scenario->seeds.first, 1);
    cr_expect_eq(scenario->seeds.last, 100);
    sim_case_close(&opened);
}

Test(scenario, nodes)
{
    struct sim_case opened = open_good("everything");
    const struct sim_scenario *scenario = opened.scenario;
    cr_assert_eq(scenario->host_count, 3);
    cr_assert_eq(scenario->node_count, 4);
    const struct sim_node *a = &scenario->nodes[0];
    cr_expect_str_eq(a->name, "a");
    cr_expect_eq(a->host, 0);
    cr_expect_eq(a->bind_count, 2);
    cr_expect_eq(a->binds[1].addr.bits, UINT64_C(0xab10000000000000));
    cr_expect_eq(a->inbound_count, 2);
    cr_expect_str_eq(a->inbound[1], "uds:///run/a.sock");
    cr_expect_eq(a->outbound_count, 1);
    cr_expect_str_eq(a->outbound[0], "tcp://b:9000");
    const struct corpus_store *arg = a->arg;
    cr_expect(mm1_text_equal(arg->name, MM1_TEXT("first")));
    cr_expect_eq(arg->size, 7);
    cr_expect_eq(arg->pause, ms(150));
    cr_expect_not(arg->peer.some);
    cr_expect_eq(scenario->nodes[1].host, 0);
    const struct sim_node *b = &scenario->nodes[2];
    const struct corpus_store *b_arg = b->arg;
    cr_expect_eq(b->host, 1);
    cr_expect_eq(b->at_ns, ms(1000));
    cr_expect_eq(b_arg->size, UINT64_MAX);
    cr_expect(b_arg->peer.some);
    cr_expect_eq(b_arg->peer.value.bits, UINT64_C(0xaa10000000000001));
    /* Arguments that are all optional may be left out. */
    const struct corpus_relaxed *relaxed = scenario->nodes[3].arg;
    cr_assert_not_null(relaxed);
    cr_expect_not(relaxed->level.some);
    sim_case_close(&opened);
}

Test(scenario, faults)
{
    struct sim_case opened = open_good("everything");
    const struct sim_faults *faults = &opened.scenario->faults;
    cr_assert_eq(faults->scripted_count, 7);
    const struct sim_scripted_fault *script = faults->scripted;
    cr_expect_eq(script[0].class, SIM_FAULT_CRASH);
    cr_expect_eq(script[0].a, 1);
    cr_expect_eq(script[0].at_ns, ms(2000));
    cr_expect_eq(script[0].for_ns, ms(500));
    /* One way, from {a} to {b, c}. */
    cr_assert_eq(script[1].cut_count, 2);
    cr_expect_eq(script[1].cuts[0].from, 0);
    cr_expect_eq(script[1].cuts[0].to, 1);
    cr_expect_eq(script[1].cuts[1].from, 0);
    cr_expect_eq(script[1].cuts[1].to, 2);
    /* One group: against all others, both ways, until faults end. */
    cr_expect_eq(script[2].cut_count, 4);
    cr_expect_eq(script[2].for_ns, 0);
    cr_expect_eq(script[3].class, SIM_FAULT_RESET);
    cr_expect_eq(script[4].latency.max_ns, ms(200));
    cr_expect_eq(script[5].class, SIM_FAULT_HALF_OPEN);
    cr_expect_eq(script[5].a, 1);
    cr_expect_eq(script[5].b, 0);
    cr_expect_eq(script[6].class, SIM_FAULT_PAUSE);
    const struct sim_random_fault *crash = &faults->random[SIM_FAULT_CRASH];
    cr_expect(crash->configured);
    cr_expect_eq(crash->hosts.count, 2);
    cr_expect_eq(crash->hosts.items[0], 0); /* ascending, whatever the file says */
    cr_expect_eq(crash->hosts.items[1], 2);
    cr_expect_eq(crash->dwell.min_ns, ms(1000));
    cr_expect_eq(crash->dwell.max_ns, ms(1000));
    cr_expect_eq(crash->on.num, 1);
    cr_expect_eq(crash->on.den, 2);
    const struct sim_random_fault *partition = &faults->random[SIM_FAULT_PARTITION];
    cr_expect_eq(partition->one_way.den, 4);
    cr_expect_eq(partition->hosts.count, 3);
    cr_expect_eq(faults->random[SIM_FAULT_DELAY].on.num, 0);
    cr_expect_eq(faults->random[SIM_FAULT_DELAY].latency.max_ns, ms(90));
    sim_case_close(&opened);
}

Test(scenario, the_rest)
{
    struct sim_case opened = open_good("everything");
    const struct sim_scenario *scenario = opened.scenario;
    cr_expect_eq(scenario->time.start_count, 3);
    cr_expect_eq(scenario->time.starts_ns[1], ms(20 * 60000));
    cr_expect_eq(scenario->time.turn_ns, 0);
    cr_expect_eq(scenario->granularity, SIM_GRANULARITY_EFFECT);
    cr_expect_eq(scenario->local_delivery, SIM_LOCAL_PAIRWISE);
    cr_expect_eq(scenario->network.chunk, 1460);
    cr_expect_eq(sim_scenario_latency(scenario, 1, 0).max_ns, ms(30));
    cr_expect_eq(sim_scenario_latency(scenario, 1, 2).max_ns, ms(40));
    cr_expect_eq(sim_scenario_latency(scenario, 0, 2).max_ns, ms(10));
    cr_expect_eq(scenario->property_count, 2);
    cr_expect_eq(scenario->properties[0], &properties[1]); /* in the order of the file */
    cr_expect_eq(scenario->end.quiet_for_ns, ms(2000));
    cr_expect_eq(scenario->seeds.first, 16);
    cr_expect_eq(scenario->seeds.last, 31);
    cr_expect_eq(scenario->text_size, strlen(scenario->text));
    sim_case_close(&opened);
    opened = open_good("unquiet");
    cr_expect_not(opened.scenario->end.quiet);
    cr_expect_eq(opened.scenario->seeds.first, UINT64_MAX);
    cr_expect_eq(opened.scenario->property_count, 0);
    sim_case_close(&opened);
}

Test(scenario, the_hash_is_that_of_the_text)
{
    struct mm1_diag diag;
    struct sim_scenario *first = NULL;
    struct sim_scenario *second = NULL;
    struct mm1_text text = MM1_TEXT(
        "{\"system\":\"corpus\",\"hosts\":{\"a\":{}},\"nodes\":{\"a\":{\"role\":\"plain\"}}}");
    struct mm1_text longer = MM1_TEXT(
        "{\"system\":\"corpus\",\"hosts\":{\"a\":{}},\"nodes\":{\"a\":{\"role\":\"plain\"}}} ");
    cr_assert_eq(sim_scenario_load_text(text, "dir/x", &first, &diag), MM1_OK);
    cr_assert_eq(sim_scenario_load_text(longer, "y.json", &second, &diag), MM1_OK);
    /* What libxxhash says of the same bytes: it is the same in every process and on every machine. */
    cr_expect_str_eq(first->hash, "2955048e6e9807b6044c57987af08efc");
    cr_expect_str_neq(first->hash, second->hash);
    cr_expect_str_eq(first->name, "x");
    cr_expect_str_eq(second->name, "y");
    cr_expect_str_eq(first->file, "dir/x");
    sim_scenario_free(first);
    sim_scenario_free(second);
}

Test(scenario, a_system_of_another_name_is_refused)
{
    struct mm1_diag diag;
    struct sim_scenario *scenario = NULL;
    char line[MM1_DIAG_LINE_MAX];
    struct mm1_text text = MM1_TEXT(
        "{\"system\":\"other\",\"hosts\":{\"a\":{}},\"nodes\":{\"a\":{\"role\":\"plain\"}}}");
    cr_assert_eq(sim_scenario_load_text(text, "x.json", &scenario, &diag), MM1_OK);
    cr_assert_eq(sim_scenario_resolve(scenario, &corpus, &diag), MM1_INVALID);
    (void)mm1__diag_print(&diag, line);
    cr_expect_str_eq(
        line, "x.json:1:11: /system: the scenario is for the system \"other\", not for \"corpus\"");
    sim_scenario_free(scenario);
}

Test(scenario, seeds)
{
    struct sim_seeds seeds = {.first = 3, .last = 4};
    cr_expect_eq(sim_seeds_parse(MM1_TEXT("7"), &seeds), MM1_OK);
    cr_expect_eq(seeds.first, 7);
    cr_expect_eq(seeds.last, 7);
    cr_expect_eq(sim_seeds_parse(MM1_TEXT("0..0xffffffffffffffff"), &seeds), MM1_OK);
    cr_expect_eq(seeds.first, 0);
    cr_expect_eq(seeds.last, UINT64_MAX);
    static const char *const BAD[] = {"",      "..",   "1..", "..1",   "1.2",
                                      "1...2", "2..1", "01",  "1..1 ", "-1",
                                      "+1",    "0x",   "0xg", "0X1",   "1..18446744073709551616"};
    for (size_t i = 0; i < MM1_COUNT_OF(BAD); i++) {
        cr_expect_eq(sim_seeds_parse(mm1_text_of(BAD[i]), &seeds), MM1_MALFORMED, "%s", BAD[i]);
    }
    cr_expect_eq(seeds.last, UINT64_MAX); /* left alone */
}

/* --- bad ------------------------------------------------------------------------------------------------------ */

static int only_json(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

/* The first line of NAME.expect, without its end. */
static void read_expected(const char *path, char *out, size_t size)
{
    char expect[600];
    (void)snprintf(expect, sizeof(expect), "%.*s.expect", (int)(strlen(path) - strlen(".json")),
                   path);
    FILE *file = fopen(expect, "r");
    cr_assert_not_null(file, "%s is missing", expect);
    cr_assert_not_null(fgets(out, (int)size, file), "%s is empty", expect);
    out[strcspn(out, "\n")] = '\0';
    (void)fclose(file);
}

Test(scenario, each_bad_file_is_told_what_is_wrong_and_where)
{
    struct dirent **entries = NULL;
    int count = scandir(CORPUS "/bad", &entries, only_json, alphasort);
    cr_assert_geq(count, 90);
    for (int i = 0; i < count; i++) {
        char path[600];
        char expected[MM1_DIAG_LINE_MAX];
        char line[MM1_DIAG_LINE_MAX];
        struct sim_case opened = {0};
        struct mm1_diag diag = {0};
        (void)snprintf(path, sizeof(path), CORPUS "/bad/%s", entries[i]->d_name);
        read_expected(path, expected, sizeof(expected));
        mm1_status status = sim_case_open(&linked, path, &opened, &diag);
        cr_expect_eq(status, MM1_INVALID, "%s: %s", path, mm1_status_text(status));
        cr_expect_null(opened.scenario);
        (void)mm1__diag_print(&diag, line);
        const char *shown = line + strlen(CORPUS "/bad/");
        cr_expect_str_eq(shown, expected);
        free(entries[i]);
    }
    free(entries);
}
