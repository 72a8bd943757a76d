/* Nodes that speak to each other, break off, come back, and run out of memory. */
#include "mn_fixture.h"

/* --- nodes with each other ---------------------------------------------------------------------------------------- */

Test(multinode, two_nodes, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, "s3cret");
    open(1, NULL, "tcp://a:1", "s3cret");
    expect_log("connection with a peer that dialed is up");
    expect_log("connection with the peer at tcp://a:1 is up");
    order_to(0, TELL_HI, probe_addr(1), 0);
    expect_seen("mn::proto::Hi to <aa2:b01> ttl 11; ");
    order_to(1, TELL_HI, probe_addr(0), 0);
    expect_seen("mn::proto::Hi to <aa:b01> ttl 11; ");
    order_to(1, ASK_RQ, probe_addr(0), 0);
    expect_seen("mm1_proto_ask::Request<mn::proto::Rq> to <aa:b01> ttl 11; reply 7; ");
    order_to(0, ASK_RQ, probe_addr(1), 0);
    expect_seen("mm1_proto_ask::Request<mn::proto::Rq> to <aa2:b01> ttl 11; reply 7; ");
    order_to(0, ASK_RQ, MM1_ADDR(probe_addr(1).bits + 1), 0);
    expect_seen("");
    mini_advance(&world, 20 * MM1_NS_PER_SEC);
    expect_seen("timeout; ");
    order_to(1, ASK_RQ, probe_addr(0), 0);
    expect_seen("mm1_proto_ask::Request<mn::proto::Rq> to <aa:b01> ttl 11; reply 7; ");
    cr_assert_eq(mm1_node_unrest(nodes[0].node), 0);
    cr_assert_eq(mm1_node_unrest(nodes[1].node), 0);
}

Test(multinode, a_node_that_restarts_is_found_again, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", NULL, NULL);
    open(1, NULL, "tcp://a:1", NULL);
    mini_node_close(&nodes[0]);
    mini_settle(&world);
    order_to(1, TELL_HI, probe_addr(0), 0);
    expect_seen("not found; ");
    mini_advance(&world, 5 * MM1_NS_PER_SEC);
    open(0, "tcp://a:1", NULL, NULL);
    mini_advance(&world, 2 * MM1_NS_PER_SEC);
    order_to(1, ASK_RQ, probe_addr(0), 0);
    expect_seen("mm1_proto_ask::Request<mn::proto::Rq> to <aa:b01> ttl 11; reply 7; ");
}

Test(multinode, three_nodes_that_all_dial_each_other, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", "tcp://b:1", NULL);
    open(1, "tcp://b:1", "tcp://c:1", NULL);
    open(2, "tcp://c:1", "tcp://a:1", NULL);
    mini_advance(&world, 3 * MM1_NS_PER_SEC);
    for (unsigned from = 0; from < 3; from++) {
        for (unsigned to = 0; to < 3; to++) {
            order_to(from, ASK_RQ, probe_addr(to), 0);
        }
    }
    size_t replies = 0;
    for (const char *at = seen; (at = strstr(at, "reply 7; ")) != NULL; at++) {
        replies++;
    }
    cr_assert_eq(replies, 9, "%s", seen);
}

/* Two nodes that dial each other have two connections; either may go. */
Test(multinode, two_connections_between_two_nodes, .init = setup, .fini = teardown)
{
    open(0, "tcp://a:1", "tcp://b:1", NULL);
    open(1, "tcp://b:1", "tcp://a:1", NULL);
    mini_advance(&world, 3 * MM1_NS_PER_SEC);
    for (unsigned i = 0; i < 10; i++) {
        struct mini_end *cut = NULL;
        unsigned living = 0;
        MM1_LIST_FOREACH(item, &world.ends) {
            struct mini_end *end = MM1_CONTAINER_OF(item, struct mini_end, in_world);
            if (!end->gone && !end->listener && end->node == &nodes[0]) {
                cut = living++ == i % 2 ? end : cut;
            }
        }
        cr_assert_eq(living, 2);
        mini_close(cut->peer, MM1_RESET);
        mini_close(cut, MM1_RESET);
        struct mm1_ended ended = {.handle = cut->peer->handle, .status = MM1_RESET};
        nodes[1].sink->post(nodes[1].sink, ended.handle, false, &mm1_ended_type, &ended);
        mini_settle(&world);
        order_to(0, ASK_RQ, probe_addr(1), 0);
        expect_seen("mm1_proto_ask::Request<mn::proto::Rq> to <aa2:b01> ttl 11; reply 7; ");
        mini_advance(&world, 2 * MM1_NS_PER_SEC);
    }
}

/* --- refused memory ------------------------------------------------------------------------------------------- */

/* True: the request was never made. */
static bool survives_refusal(size_t k)
{
    mm1_buf_clear(&world.log);
    open_node(0);
    open_node(1);
    test_alloc_fail_at(&world.alloc, k);
    bool spawned = spawn_manager(0, "tcp://a:1", NULL, NULL) == MM1_OK &&
                   spawn_manager(1, NULL, "tcp://a:1", NULL) == MM1_OK;
    mini_advance(&world, 12 * MM1_NS_PER_SEC);
    bool through = world.alloc.requests < k;
    test_alloc_fail_at(&world.alloc, 0);
    mini_advance(&world, 3 * MM1_NS_PER_SEC); /* what was given up late comes again */
    struct mm1_reason reason;
    bool ended =
        mm1_node_main_ended(nodes[0].node, &reason) || mm1_node_main_ended(nodes[1].node, &reason);
    if (spawned && !ended) {
        order_to(0, TELL_HI, probe_addr(1), 0);
        expect_seen("mn::proto::Hi to <aa2:b01> ttl 11; ");
    }
    mini_node_close(&nodes[0]);
    mini_node_close(&nodes[1]);
    cr_assert_eq(world.alloc.live, 0, "request %zu", k);
    return through;
}

/* Whatever request fails: nothing leaks, and unless a manager ended with an error the nodes find each other. */
Test(multinode, each_refused_allocation_is_survived, .init = setup, .fini = teardown)
{
    size_t k = 1;
    while (!survives_refusal(k)) {
        k++;
    }
    cr_assert_gt(k, 150);
}
