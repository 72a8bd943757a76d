/* Streams and logs of a simulated node of which memory is refused: all that was begun is answered once. */
#include "port_party.h"
#include "sim_rig.h"

static const char text[] =
    "{\"system\": \"rig\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {\"role\": \"idle\", \"at\": "
    "\"100h\"}}, \"end\": {\"at_most\": \"200h\", \"quiet\": false}}";

/* One run; `k`: the request that is refused; `bytes`: how many more the node may take, 0 for as many as it likes. True
 * when request k was made. */
static bool run(struct party *party, uint64_t seed, uint64_t k, uint64_t bytes)
{
    struct sim_rig *rig = sim_rig_new(text, seed, NULL);
    struct sim_node_state *state = rig->places[0].node;
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(rig->world.alloc);
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .types = &registry,
                                     .encode = true};
    mm1_addr addr;
    uint64_t unrest = rig->world.unrest; /* the start that is to come */
    *party = (struct party){.name = "tcp://a:1", .nobody = "tcp://a:2"};
    cr_assert_eq(mm1_node_open(&state->env, &config, &state->node), MM1_OK);
    cr_assert_eq(mm1_node_spawn(state->node, &PARTY_SPAWN(party), &addr), MM1_OK);
    uint64_t first = state->pool.requests;
    uint64_t budget = state->pool.budget;
    state->pool.fail_at = k == 0 ? 0 : first + k;
    state->pool.budget = bytes == 0 ? budget : state->pool.used + bytes;
    sim_rig_settle(rig);
    state->pool.budget = budget;
    party_check(party);
    bool reached = k != 0 && state->pool.requests >= first + k;
    cr_assert_eq(mm1_node_unrest(state->node), 0, "request %llu", (unsigned long long)k);
    cr_assert_eq(rig->world.unrest, unrest, "request %llu", (unsigned long long)k);
    sim_sched_close(state);
    mm1_node_close(state->node);
    state->node = NULL;
    cr_assert_eq(state->pool.used, 0);
    mm1_msg_registry_close(&registry);
    sim_rig_free(rig);
    return reached;
}

Test(nomem_ports, each_request)
{
    unsigned turned_away = 0, cut = 0, reads = 0;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct party party;
        uint64_t k = 1;
        for (; run(&party, seed, k, 0); k++) {
            turned_away += party.connected && party.accepted == 0;
            cut += party.near.status == MM1_NOMEM || party.far.status == MM1_NOMEM;
            reads += party.reads_failed;
        }
        cr_assert_gt(k, 25);
    }
    cr_assert(turned_away > 0 && cut > 0 && reads > 0, "%u %u %u", turned_away, cut, reads);
}

Test(nomem_ports, any_budget)
{
    unsigned refused = 0;
    for (uint64_t bytes = 1; bytes < 6000; bytes += 37) {
        struct party party;
        (void)run(&party, bytes, 0, bytes);
        refused += party.refused;
    }
    cr_assert_gt(refused, 0);
}

Test(nomem_ports, none)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct party party;
        (void)run(&party, seed, 0, 0);
        party_check_whole(&party);
    }
}
