/* The behavioural suite of actors in the simulator: each case over many seeds, for turns and for effects, with local
 * delivery as it is and by pairs. */
#include <mm1/function.h>

#include "actors/suite.h"
#include "sim_book.h"
#include "slow.h"

#define SEEDS (CONFORM_SLOW ? 30 : 200)

/* Longer than anything that is sent stays on its way. */
#define SETTLE_NS (20 * MM1_NS_PER_MS)

static const struct mm1_system *system_of_suite(void)
{
    static struct mm1_role role;
    static struct mm1_system system;
    role = (struct mm1_role){.name = "suite", .main = &suite_main.behaviour};
    system = (struct mm1_system){.abi = MM1_SYSTEM_ABI,
                                 .name = "suite",
                                 .source_version = "1",
                                 .types = suite_types,
                                 .type_count = suite_type_count,
                                 .roles = &role,
                                 .role_count = 1};
    return &system;
}

static void play(const struct sim_scenario *scenario, const struct suite_case *which,
                 const char *how)
{
    uint64_t hashes = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        const char *why;
        suite_begin(which, SETTLE_NS);
        struct sim_result result = sim_play(scenario, seed, NULL, NULL);
        bool passed = suite_passed(&why);
        cr_assert(passed, "%s, %s, seed %llu: %s", which->name, how, (unsigned long long)seed, why);
        cr_assert_eq(result.verdict, SIM_PASSED, "%s, %s, seed %llu: %s", which->name, how,
                     (unsigned long long)seed, result.text);
        hashes ^= result.hash;
    }
    cr_assert_neq(hashes, 0);
}

static void play_table(const struct suite_table *table)
{
    static const char *const how[] = {
        "\"granularity\": \"turn\"",
        "\"granularity\": \"effect\"",
        "\"granularity\": \"turn\", \"local_delivery\": \"pairwise\"",
        "\"granularity\": \"effect\", \"local_delivery\": \"pairwise\"",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(how); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{\"system\": \"suite\", \"hosts\": {\"a\": {}}, "
                       "\"nodes\": {\"a\": {\"role\": \"suite\"}}, "
                       "\"end\": {\"at_most\": \"10m\", \"quiet\": false}, %s}",
                       how[i]);
        struct sim_scenario *scenario = sim_rig_load(text, system_of_suite());
        for (size_t n = 0; n < table->count; n++) {
            play(scenario, &table->cases[n], how[i]);
        }
        sim_scenario_free(scenario);
    }
}

Test(actors_sim, messages)
{
    play_table(&suite_messages);
}

Test(actors_sim, forks)
{
    play_table(&suite_forks);
}

Test(actors_sim, links)
{
    play_table(&suite_links);
}

Test(actors_sim, watches)
{
    play_table(&suite_watches);
}

Test(actors_sim, exits)
{
    play_table(&suite_exits);
}

Test(actors_sim, spawns)
{
    play_table(&suite_spawns);
}

Test(actors_sim, timers)
{
    play_table(&suite_timers);
}

Test(actors_sim, asks)
{
    play_table(&suite_asks);
}
