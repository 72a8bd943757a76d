/* Streams and logs where memory is refused: whatever request it is, all that was begun is answered once. */
#include "frugal_ports.h"
#include "port_party.h"

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;

/* --- the sweep ------------------------------------------------------------------------------------------------ */

static void set_up(bool encode)
{
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    struct mm1_node_config config = {.name = MM1_TEXT("here"),
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .types = &types,
                                     .encode = encode};
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    frugal_equip(&world, &home);
}

static void tear_down(void)
{
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

/* True: request k was made. `rest`: all later ones are refused as well. */
static bool run(struct party *party, size_t k, bool rest, bool encode)
{
    mm1_addr addr;
    set_up(encode);
    *party = (struct party){.name = "here", .nobody = "there"};
    cr_assert_eq(mm1_node_spawn(home.node, &PARTY_SPAWN(party), &addr), MM1_OK);
    world.alloc.fail_rest = rest;
    test_alloc_fail_at(&world.alloc, k);
    mini_settle(&world);
    bool reached = k != 0 && world.alloc.requests >= k;
    test_alloc_fail_at(&world.alloc, 0);
    world.alloc.fail_rest = false;
    party_check(party);
    cr_assert_eq(mm1_node_unrest(home.node), 0, "request %zu", k);
    cr_assert_eq(mm1_node_exit(home.node, addr, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_tree_count(&home.node->handles), 0);
    tear_down();
    return reached;
}

/* What happened in all runs of a sweep: each way to be refused is among them. */
static void sweep(bool rest, bool encode)
{
    struct party party;
    unsigned verbs = 0, turned_away = 0, cut = 0, reads = 0, silent = 0, unheard = 0;
    size_t k = 1;
    for (; run(&party, k, rest, encode); k++) {
        verbs += party.refused;
        turned_away += party.connected && party.accepted == 0;
        cut += party.near.status == MM1_NOMEM || party.far.status == MM1_NOMEM;
        reads += party.reads_failed;
        silent += party.unreasoned;
        unheard += party.listener != 0 && !party.listens;
    }
    cr_assert_gt(k, 50);
    cr_assert(verbs > 0 && turned_away > 0 && cut > 0 && reads > 0 && silent > 0 && unheard > 0,
              "%u %u %u %u %u %u", verbs, turned_away, cut, reads, silent, unheard);
}

Test(nomem_ports, one_at_a_time)
{
    sweep(false, false);
}

Test(nomem_ports, one_at_a_time_encoded)
{
    sweep(false, true);
}

Test(nomem_ports, from_one_on)
{
    sweep(true, false);
}

Test(nomem_ports, from_one_on_encoded)
{
    sweep(true, true);
}

Test(nomem_ports, none)
{
    struct party party;
    for (unsigned encode = 0; encode < 2; encode++) {
        cr_assert_not(run(&party, 0, false, encode == 1));
        party_check_whole(&party);
    }
}

/* --- one by one ----------------------------------------------------------------------------------------------- */

static struct party party;

/* A party of which memory is refused from now on. */
static mm1_addr starve(bool encode)
{
    mm1_addr addr;
    set_up(encode);
    party = (struct party){.name = "here", .nobody = "there"};
    cr_assert_eq(mm1_node_spawn(home.node, &PARTY_SPAWN(&party), &addr), MM1_OK);
    mini_settle(&world);
    party_check_whole(&party);
    world.alloc.fail_rest = true;
    test_alloc_fail_at(&world.alloc, 1);
    return addr;
}

static void feed(mm1_addr addr)
{
    test_alloc_fail_at(&world.alloc, 0);
    party_check(&party);
    cr_assert_eq(mm1_node_exit(home.node, addr, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    tear_down();
}

/* A connection for which there is no memory is reset, and the listener goes on. */
Test(nomem_ports, turned_away)
{
    for (unsigned encode = 0; encode < 2; encode++) {
        mm1_addr addr = starve(encode == 1);
        for (unsigned i = 0; i < 3; i++) {
            struct mini_end *end = mini_dial(&world, "here");
            cr_assert_not_null(end);
            mini_settle(&world);
            cr_assert_eq(mini_ending(end), MM1_RESET);
        }
        cr_assert_eq(party.accepted, 1);
        test_alloc_fail_at(&world.alloc, 0);
        struct mini_end *end = mini_dial(&world, "here");
        party.far = (struct party_stream){0};
        mini_settle(&world);
        cr_assert_eq(mini_ending(end), MM1_OK);
        cr_assert_eq(party.accepted, 2);
        party.near.received = 33; /* another peer than before */
        party.far.received = 33;
        feed(addr);
    }
}

/* Bytes for which there is no memory end the stream, for both sides; those before them have come. */
Test(nomem_ports, bytes_lost)
{
    for (unsigned encode = 0; encode < 2; encode++) {
        mm1_addr addr = starve(encode == 1);
        test_alloc_fail_at(&world.alloc, 0);
        struct mini_end *end = mini_dial(&world, "here");
        party.far = (struct party_stream){0};
        mini_settle(&world);
        mini_send(end, party_bytes, 10);
        test_alloc_fail_at(&world.alloc, 1);
        mini_send(end, party_bytes + 10, 10);
        mini_send(end, party_bytes + 20, 10);
        mini_settle(&world);
        cr_assert(party.far.ended && party.far.status == MM1_NOMEM);
        cr_assert_eq(party.far.received, 10);
        cr_assert_eq(mini_ending(end), MM1_RESET);
        cr_assert_not(party.near.ended);
        party.near.ended = true; /* its peer is another than the one that ended */
        party.near.status = MM1_RESET;
        feed(addr);
    }
}
