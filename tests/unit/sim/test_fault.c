/* Faults: scripted ones at their time, random ones within their bounds, and what each does to a host. */
#include "sim/net.h"
#include "sim_book.h"

/* Says that it is there, then again and again. */
#define BORN_FIELDS(F) F(addr, self)
MM1_MSG_DECLARE(born, BORN_FIELDS)
MM1_MSG_DEFINE(born, "test::Born", BORN_FIELDS)
MM1_MSG_DECLARE_UNIT(beat)
MM1_MSG_DEFINE_UNIT(beat, "test::Beat")

static mm1_status heart_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    uint64_t timer;
    struct beat msg = {0};
    (void)state;
    (void)arg;
    mm1_observe(ctx, born, .self = mm1_self(ctx));
    return mm1_timer_start(ctx,
                           &(struct mm1_timer_spec){.after_ns = 10 * MM1_NS_PER_MS,
                                                    .every_ns = 10 * MM1_NS_PER_MS,
                                                    .type = &beat_type,
                                                    .msg = &msg,
                                                    .background = true},
                           &timer);
}

static mm1_status heart_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, beat, m) {
        mm1_observe_any(ctx, &beat_type, m);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour heart = {
    .name = "heart", .init = heart_init, .receive = heart_receive};
static const struct mm1_role roles[] = {{.name = "heart", .main = &heart},
                                        {.name = "idle", .main = &heart}};
static const struct mm1_msg_type *const types[] = {&born_type, &beat_type};
static const struct mm1_system hearts = {.abi = MM1_SYSTEM_ABI,
                                         .name = "hearts",
                                         .source_version = "1",
                                         .types = types,
                                         .type_count = MM1_COUNT_OF(types),
                                         .roles = roles,
                                         .role_count = MM1_COUNT_OF(roles)};

#define TWO_NODES                                                                                  \
    "\"system\": \"hearts\", \"hosts\": {\"a\": {}, \"b\": {}}, \"nodes\": {"                      \
    "\"a\": {\"role\": \"heart\", \"auto\": \"<a0:>/16\"}, "                                       \
    "\"b\": {\"role\": \"heart\", \"auto\": \"<b0:>/16\"}}, \"time\": {\"start\": [\"0s\"]}, "     \
    "\"end\": {\"at_most\": \"3s\", \"quiet\": false}"
#define FAULTS(faults) "{" TWO_NODES ", \"faults\": {" faults "}}"

#define MS MM1_NS_PER_MS

/* Beats of a node between two times, neither included. */
static unsigned beats(const struct sim_book *book, int32_t node, uint64_t from_ms, uint64_t to_ms)
{
    unsigned count = 0;
    for (size_t i = 0; i < book->events.count; i++) {
        const struct sim_book_event *event = &book->events.items[i];
        count += event->kind == MM1_EVENT_OBSERVE && event->node == node &&
                 event->time_ns > from_ms * MS && event->time_ns < to_ms * MS;
    }
    return count;
}

static unsigned events_of(const struct sim_book *book, enum mm1_event_kind kind, int32_t node)
{
    unsigned count = 0;
    for (size_t i = 0; i < book->events.count; i++) {
        count += book->events.items[i].kind == kind && book->events.items[i].node == node;
    }
    return count;
}

static void expect_fault(const struct sim_book *book, const char *what, bool heals, uint64_t at_ms)
{
    for (size_t i = 0; i < book->faults.count; i++) {
        const struct sim_book_fault *fault = &book->faults.items[i];
        if (fault->heals == heals && strcmp(fault->what, what) == 0 &&
            fault->time_ns == at_ms * MS) {
            return;
        }
    }
    cr_assert(false, "%s %s not at %llu ms", heals ? "end of" : "begin of", what,
              (unsigned long long)at_ms);
}

Test(fault, scripted_ones_come_at_their_time)
{
    struct sim_scenario *scenario =
        sim_rig_load(FAULTS("\"until\": \"2s\", \"scripted\": ["
                            "{\"at\": \"100ms\", \"for\": \"50ms\", \"partition\": [[\"a\"]]},"
                            "{\"at\": \"200ms\", \"for\": \"50ms\", \"partition\": [[\"a\"], "
                            "[\"b\"]], \"one_way\": true},"
                            "{\"at\": \"300ms\", \"for\": \"50ms\", \"crash\": \"b\"},"
                            "{\"at\": \"400ms\", \"reset\": [\"a\", \"b\"]},"
                            "{\"at\": \"500ms\", \"for\": \"50ms\", \"delay\": [\"a\", \"b\"], "
                            "\"latency\": \"1s\"},"
                            "{\"at\": \"600ms\", \"half_open\": [\"a\", \"b\"]},"
                            "{\"at\": \"700ms\", \"for\": \"50ms\", \"pause\": \"a\"},"
                            "{\"at\": \"1800ms\", \"crash\": \"a\"}]"),
                     &hearts);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result result = sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
        cr_assert_str_empty(result.vacuous);
        cr_assert_eq(result.faults, 8);
        cr_assert_eq(book.faults.count, 14);
        expect_fault(&book, "partition a>b b>a", false, 100);
        expect_fault(&book, "partition a>b b>a", true, 150);
        expect_fault(&book, "partition a>b", false, 200);
        expect_fault(&book, "partition a>b", true, 250);
        expect_fault(&book, "crash b", false, 300);
        expect_fault(&book, "crash b", true, 350);
        expect_fault(&book, "reset a b", false, 400);
        expect_fault(&book, "delay a b", false, 500);
        expect_fault(&book, "delay a b", true, 550);
        expect_fault(&book, "half_open a b", false, 600);
        expect_fault(&book, "pause a", false, 700);
        expect_fault(&book, "pause a", true, 750);
        expect_fault(&book, "crash a", false, 1800);
        expect_fault(&book, "crash a", true, 2000);
        sim_book_close(&book);
    }
    sim_scenario_free(scenario);
}

/* What a fault changes, before, during and after it. */
Test(fault, they_change_the_world_while_they_last)
{
    static const char text[] =
        "{\"system\": \"rig\", \"hosts\": {\"x\": {}, \"a\": {}, \"b\": {}}, \"nodes\": {\"x\": "
        "{\"role\": \"idle\", "
        "\"at\": \"100h\"}}, \"end\": {\"at_most\": \"200h\", \"quiet\": false}, \"faults\": "
        "{\"until\": \"60s\", "
        "\"scripted\": ["
        "{\"at\": \"1s\", \"for\": \"10s\", \"partition\": [[\"a\"], [\"b\"]], \"one_way\": true},"
        "{\"at\": \"5s\", \"partition\": [[\"a\"], [\"b\"]]},"
        "{\"at\": \"1s\", \"for\": \"10s\", \"delay\": [\"b\", \"a\"], \"latency\": [\"1s\", "
        "\"2s\"]},"
        "{\"at\": \"1s\", \"for\": \"10s\", \"crash\": \"a\"},"
        "{\"at\": \"1s\", \"for\": \"10s\", \"pause\": \"b\"}]}}";
    struct sim_rig *rig = sim_rig_new(text, 1, NULL);
    struct sim_world *world = &rig->world;
    uint64_t start = world->start;
    cr_assert(!sim_net_cut(world, 1, 2) && !sim_net_cut(world, 2, 1));
    cr_assert_eq(sim_fault_latency(world, 1, 2).max_ns, 10 * MS);
    sim_rig_advance(rig, 2000 * MS);
    cr_assert(sim_net_cut(world, 1, 2) && !sim_net_cut(world, 2, 1));
    cr_assert_eq(sim_fault_latency(world, 1, 2).max_ns, 2000 * MS);
    cr_assert_eq(sim_fault_latency(world, 2, 1).min_ns, 1000 * MS);
    cr_assert_eq(sim_fault_latency(world, 0, 1).max_ns, 10 * MS, "of other pairs it stays");
    cr_assert(world->hosts[1].down && !world->hosts[2].down);
    cr_assert_eq(world->hosts[2].paused_until, start + 11000 * MS);
    char faults[SIM_TEXT_MAX];
    sim_faults_describe(world, faults, sizeof(faults));
    cr_assert_not_null(strstr(faults, "crash a"));
    sim_rig_advance(rig, 10000 * MS);
    cr_assert(sim_net_cut(world, 1, 2) && sim_net_cut(world, 2, 1), "the second cut is in force");
    cr_assert_eq(sim_fault_latency(world, 1, 2).max_ns, 10 * MS);
    cr_assert(!world->hosts[1].down);
    cr_assert_leq(world->hosts[2].paused_until, world->now);
    sim_rig_advance(rig, 60000 * MS);
    cr_assert(!sim_net_cut(world, 1, 2) && !sim_net_cut(world, 2, 1), "all heals at the end");
    sim_faults_describe(world, faults, sizeof(faults));
    cr_assert_str_eq(faults, "none");
    cr_assert(mm1_list_empty(&world->faults));
    sim_rig_free(rig);
}

#define ALL_RANDOM                                                                                 \
    "\"until\": \"1s\", \"random\": {"                                                             \
    "\"partition\": {\"every\": \"100ms\", \"for\": [\"0s\", \"900ms\"], \"on\": \"1/1\", "        \
    "\"one_way\": \"1/2\"},"                                                                       \
    "\"crash\": {\"every\": \"100ms\", \"for\": [\"10ms\", \"900ms\"], \"on\": \"1/1\"},"          \
    "\"reset\": {\"every\": \"100ms\", \"on\": \"1/1\"},"                                          \
    "\"delay\": {\"every\": \"100ms\", \"for\": [\"0s\", \"900ms\"], \"on\": \"1/1\", "            \
    "\"latency\": \"1s\"},"                                                                        \
    "\"half_open\": {\"every\": \"100ms\", \"for\": \"1ms\", \"on\": \"1/1\"},"                    \
    "\"pause\": {\"every\": \"100ms\", \"for\": [\"0s\", \"900ms\"], \"on\": \"1/1\"}}"

Test(fault, random_ones_keep_to_their_time_and_heal)
{
    struct sim_scenario *scenario = sim_rig_load(FAULTS(ALL_RANDOM), &hearts);
    unsigned kinds[SIM_FAULT_CLASSES] = {0};
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result result = sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
        unsigned open = 0;
        uint64_t begun = 0;
        for (size_t i = 0; i < book.faults.count; i++) {
            const struct sim_book_fault *fault = &book.faults.items[i];
            bool moment =
                strcmp(fault->kind, "reset") == 0 || strcmp(fault->kind, "half_open") == 0;
            cr_assert(fault->heals ? fault->time_ns <= 1000 * MS : fault->time_ns < 1000 * MS);
            cr_assert(!moment || !fault->heals);
            open += fault->heals ? UINT32_MAX : moment ? 0 : 1;
            begun += fault->heals ? 0 : 1;
            for (int k = 0; k < SIM_FAULT_CLASSES; k++) {
                kinds[k] += !fault->heals &&
                            strcmp(fault->kind, sim_fault_class_name((enum sim_fault_class)k)) == 0;
            }
        }
        cr_assert_eq(open, 0, "each that lasts ends");
        cr_assert_eq(begun, result.faults);
        /* Nobody is hurt for good. */
        cr_assert_geq(beats(&book, 0, 1020, 3000), 190);
        cr_assert_geq(beats(&book, 1, 1020, 3000), 190);
        sim_book_close(&book);
    }
    for (int k = 0; k < SIM_FAULT_CLASSES; k++) {
        cr_assert_gt(kinds[k], 60, "%s: %u", sim_fault_class_name((enum sim_fault_class)k),
                     kinds[k]);
    }
    sim_scenario_free(scenario);
}

/* Each class is on in its share of the seeds, whatever the others do. */
Test(fault, the_swarm_keeps_its_ratios)
{
    struct sim_scenario *scenario = sim_rig_load(
        FAULTS(
            "\"until\": \"50ms\", \"random\": {\"reset\": {\"every\": \"1ms\", \"on\": \"1/4\"}, "
            "\"half_open\": {\"every\": \"1ms\", \"for\": \"1ms\", \"on\": \"3/4\"}, "
            "\"delay\": {\"every\": \"1ms\", \"for\": \"1ms\", \"latency\": \"1ms\", \"on\": "
            "\"0/1\"}, "
            "\"partition\": {\"every\": \"1ms\", \"for\": \"1ms\", \"on\": \"1/1\"}}"),
        &hearts);
    scenario->end.at_most_ns = 60 * MS;
    unsigned on[4] = {0};
    unsigned both = 0;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        (void)sim_play(scenario, seed, &book, NULL);
        bool seen[4] = {false};
        for (size_t i = 0; i < book.faults.count; i++) {
            static const char *const names[] = {"reset", "half_open", "delay", "partition"};
            for (unsigned k = 0; k < 4; k++) {
                seen[k] = seen[k] || strcmp(book.faults.items[i].kind, names[k]) == 0;
            }
        }
        for (unsigned k = 0; k < 4; k++) {
            on[k] += seen[k];
        }
        both += seen[0] && seen[1];
        sim_book_close(&book);
    }
    cr_assert(on[0] >= 70 && on[0] <= 130, "%u", on[0]);
    cr_assert(on[1] >= 270 && on[1] <= 330, "%u", on[1]);
    cr_assert_eq(on[2], 0);
    cr_assert_eq(on[3], 400);
    cr_assert(both >= 50 && both <= 100, "independent: %u", both);
    sim_scenario_free(scenario);
}

Test(fault, a_crash_boots_anew_under_other_addresses)
{
    struct sim_scenario *scenario =
        sim_rig_load(FAULTS("\"until\": \"1s\", \"scripted\": [{\"at\": \"100ms\", \"for\": "
                            "\"100ms\", \"crash\": \"a\"}, "
                            "{\"at\": \"300ms\", \"for\": \"100ms\", \"crash\": \"a\"}]"),
                     &hearts);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        (void)sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(events_of(&book, MM1_EVENT_NODE_UP, 0), 3);
        cr_assert_eq(events_of(&book, MM1_EVENT_NODE_DOWN, 0), 2);
        cr_assert_eq(events_of(&book, MM1_EVENT_NODE_UP, 1), 1);
        cr_assert_eq(beats(&book, 0, 100, 200) + beats(&book, 0, 300, 400), 0);
        cr_assert_geq(beats(&book, 0, 200, 300), 8);
        cr_assert_geq(beats(&book, 1, 100, 400), 28, "the other host does not care");
        const char *const paths[] = {"/a/heart#1", "/a#2/heart#1", "/a#3/heart#1"};
        mm1_addr born[3];
        unsigned found = 0;
        for (size_t i = 0; i < book.actors.count; i++) {
            if (book.actors.items[i].node == 0) {
                cr_assert_lt(found, 3);
                cr_assert_str_eq(book.actors.items[i].path, paths[found]);
                born[found++] = book.actors.items[i].address;
            }
        }
        cr_assert_eq(found, 3);
        cr_assert(born[0].bits != born[1].bits && born[1].bits != born[2].bits &&
                  born[0].bits != born[2].bits);
        sim_book_close(&book);
    }
    sim_scenario_free(scenario);
}

Test(fault, a_pause_stops_turns_and_timers)
{
    struct sim_scenario *scenario =
        sim_rig_load(FAULTS("\"until\": \"1s\", \"scripted\": [{\"at\": \"100ms\", \"for\": "
                            "\"100ms\", \"pause\": \"a\"}, "
                            "{\"at\": \"200ms\", \"for\": \"100ms\", \"pause\": \"a\"}]"),
                     &hearts);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result result = sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(result.faults, 2);
        cr_assert_str_empty(result.vacuous);
        for (size_t i = 0; i < book.events.count; i++) {
            const struct sim_book_event *event = &book.events.items[i];
            bool inside = event->time_ns > 100 * MS && event->time_ns < 300 * MS &&
                          event->time_ns != 200 * MS;
            cr_assert(event->node != 0 || !inside, "%llu", (unsigned long long)event->time_ns);
        }
        cr_assert_geq(beats(&book, 1, 100, 300), 17);
        cr_assert_geq(beats(&book, 0, 299, 400), 9, "late, and then in step again");
        cr_assert_eq(events_of(&book, MM1_EVENT_NODE_UP, 0), 1);
        sim_book_close(&book);
    }
    sim_scenario_free(scenario);
}

/* A host that comes back in the very instant in which a node of it is to start: one start. */
Test(fault, a_node_starts_once)
{
    struct sim_scenario *scenario =
        sim_rig_load(FAULTS("\"until\": \"1s\", \"scripted\": [{\"at\": \"100ms\", \"for\": "
                            "\"50ms\", \"crash\": \"a\"}]"),
                     &hearts);
    scenario->nodes[0].at_ns = 150 * MS;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct sim_book book;
        sim_book_init(&book);
        struct sim_result result = sim_play(scenario, seed, &book, NULL);
        cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
        cr_assert_eq(events_of(&book, MM1_EVENT_NODE_UP, 0), 1);
        cr_assert_leq(beats(&book, 0, 0, 3000), 287);
        sim_book_close(&book);
    }
    sim_scenario_free(scenario);
}

Test(fault, a_scripted_one_that_missed_is_vacuous)
{
    struct sim_scenario *scenario =
        sim_rig_load(FAULTS("\"until\": \"1s\", \"scripted\": [{\"at\": \"100ms\", \"for\": "
                            "\"100ms\", \"crash\": \"a\"}, "
                            "{\"at\": \"150ms\", \"for\": \"10ms\", \"pause\": \"a\"}]"),
                     &hearts);
    struct sim_result result = sim_play(scenario, 1, NULL, NULL);
    cr_assert_eq(result.faults, 1);
    cr_assert_not_null(strstr(result.vacuous, "pause a"), "%s", result.vacuous);
    sim_scenario_free(scenario);
}

/* More hosts than a word has bits. */
Test(fault, a_partition_of_many_hosts_has_two_sides)
{
    enum { HOSTS = 150 };
    static char text[8192];
    size_t used =
        (size_t)snprintf(text, sizeof(text), "{\"system\": \"hearts\", \"hosts\": {\"h0\": {}");
    for (unsigned i = 1; i < HOSTS; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, ", \"h%u\": {}", i);
    }
    (void)snprintf(text + used, sizeof(text) - used,
                   "}, \"nodes\": {\"h0\": {\"role\": \"heart\"}}, \"end\": {\"at_most\": \"1s\"}, "
                   "\"faults\": {\"until\": "
                   "\"500ms\", \"random\": {\"partition\": {\"every\": \"20ms\", \"for\": \"5ms\", "
                   "\"on\": \"1/1\"}}}}");
    struct sim_scenario *scenario = sim_rig_load(text, &hearts);
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct sim_result result = sim_play(scenario, seed, NULL, NULL);
        cr_assert_eq(result.verdict, SIM_PASSED, "%s", result.text);
        cr_assert_gt(result.faults, 5);
    }
    sim_scenario_free(scenario);
}
