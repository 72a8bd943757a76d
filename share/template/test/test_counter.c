/* The counter in simulated worlds, each test with many seeds. */
#include <criterion/criterion.h>

#include <mm1/sim.h>

#include "counter.h"

#define SECOND MM1_NS_PER_SEC

/* Runs a scene with seeds 1 to 100, or those of MM1_SIM_SEED. */
static void run(const char *name, void (*scene)(struct mm1_sim *sim, void *arg))
{
    struct mm1_sim_options options = {.name = name, .system = &counter_system};
    uint64_t first = 1;
    uint64_t last = 100;
    cr_assert(mm1_sim_from_environment(&options, &first, &last) == MM1_OK);
    cr_assert(mm1_sim_seeds(&options, first, last, scene, NULL));
}

/* --- one actor ------------------------------------------------------------------------------------------------ */

static void sums(struct mm1_sim *sim, void *arg)
{
    struct mm1_sim_node *node;
    mm1_addr counter;
    const struct counter_sum *answer = NULL;
    (void)arg;
    if (MM1_SIM_OK(sim, mm1_sim_node_add(sim, &(struct mm1_sim_node_spec){.name = "a"}, &node)) &&
        MM1_SIM_OK(sim,
                   mm1_sim_spawn(node, &(struct mm1_spawn){.behaviour = &counter_server.behaviour},
                                 &counter)) &&
        MM1_SIM_OK(sim,
                   mm1_sim_ask(node, counter, SECOND, counter_add, counter_sum, &answer, .n = 3)) &&
        MM1_SIM_EXPECT(sim, answer->sum == 3) &&
        MM1_SIM_OK(sim,
                   mm1_sim_ask(node, counter, SECOND, counter_add, counter_sum, &answer, .n = 4))) {
        (void)MM1_SIM_EXPECT(sim, answer->sum == 7);
    }
}

Test(counter, sums)
{
    run("counter/sums", sums);
}

/* --- two nodes, and the network between them fails ------------------------------------------------------------- */

#define SERVED MM1_ADDR(0xbb00000000000001u)

static void cut_off(struct mm1_sim *sim, void *arg)
{
    static const char *const name[] = {"tcp://s:9000"};
    static const struct mm1_net served = {.addr = {0xbb00000000000000u}, .mask = 16};
    struct mm1_sim_node *server;
    struct mm1_sim_node *client;
    mm1_addr adder;
    struct mm1_reason reason = MM1_SHUTDOWN;
    (void)arg;
    if (!MM1_SIM_OK(sim, mm1_sim_node_add(sim,
                                          &(struct mm1_sim_node_spec){
                                              .name = "s",
                                              .role = "server",
                                              .arg = &(struct counter_server_args){.self = SERVED},
                                              .binds = &served,
                                              .bind_count = 1,
                                              .inbound = name,
                                              .inbound_count = 1,
                                          },
                                          &server)) ||
        !MM1_SIM_OK(
            sim, mm1_sim_node_add(sim,
                                  &(struct mm1_sim_node_spec){
                                      .name = "c",
                                      .role = "client",
                                      .arg = &(struct counter_client_args){.server = SERVED,
                                                                           .adds = 20,
                                                                           .timeout = SECOND / 10},
                                      .outbound = name,
                                      .outbound_count = 1,
                                  },
                                  &client)) ||
        !MM1_SIM_EXPECT(sim, mm1_sim_find(sim, "/c/client", &adder))) {
        return;
    }
    struct mm1_sim_host *hosts[] = {mm1_sim_node_host(server), mm1_sim_node_host(client)};
    if (!MM1_SIM_OK(sim, mm1_sim_run_for(sim, SECOND / 2))) {
        return;
    }
    uint64_t cut = mm1_sim_partition(sim, hosts, 1);
    if (!MM1_SIM_OK(sim, mm1_sim_run_for(sim, 3 * SECOND))) {
        return;
    }
    mm1_sim_heal(sim, cut);
    mm1_sim_reset(hosts[0], hosts[1]);
    if (MM1_SIM_OK(sim, mm1_sim_run_for(sim, 60 * SECOND))) {
        /* It got through in the end. That no add was lost is the property's to say. */
        (void)MM1_SIM_EXPECT(sim, mm1_sim_ended(sim, adder, &reason));
        (void)MM1_SIM_EXPECT(sim, reason.kind == MM1_REASON_NORMAL);
    }
}

Test(counter, cut_off)
{
    run("counter/cut_off", cut_off);
}

/* --- a scenario file ------------------------------------------------------------------------------------------ */

static void scenario(struct mm1_sim *sim, void *arg)
{
    mm1_addr adder;
    (void)arg;
    if (MM1_SIM_OK(sim, mm1_sim_run_scenario(sim))) {
        (void)MM1_SIM_EXPECT(
            sim, !mm1_sim_find(sim, "/client/client", &adder)); /* it has done its work */
    }
}

Test(counter, scenario)
{
    struct mm1_sim_options options = {.name = "counter/scenario",
                                      .system = &counter_system,
                                      .scenario_file = SCENARIOS "/two-nodes.json"};
    uint64_t first = 1;
    uint64_t last = 20;
    cr_assert(mm1_sim_from_environment(&options, &first, &last) == MM1_OK);
    cr_assert(mm1_sim_seeds(&options, first, last, scenario, NULL));
}
