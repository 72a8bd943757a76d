/* mm1/sim.h: faults that a test injects. */
#include "api_system.h"

TestSuite(api_fault);

Test(api_fault, crash_and_restart)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = NULL;
        const struct api_counter_args args = {.n = 40};
        struct mm1_sim_node_spec spec = {.name = "a", .role = "counter", .arg = &args};
        mm1_addr first;
        mm1_addr second;
        struct mm1_reason reason = MM1_NORMAL;
        cr_assert_eq(mm1_sim_node_add(sim, &spec, &node), MM1_OK);
        struct mm1_sim_host *host = mm1_sim_node_host(node);
        cr_assert(mm1_sim_find(sim, "/a/counter", &first));
        cr_assert_eq(mm1_sim_tell(node, first, api_add, .n = 2), MM1_OK);
        cr_expect_eq(api_ask(node, first).n, 42);
        cr_expect_eq(mm1_sim_host_restart(host), MM1_CONFLICT);
        cr_assert_eq(mm1_sim_host_crash(host), MM1_OK);
        cr_expect_eq(mm1_sim_host_crash(host), MM1_CONFLICT);
        cr_expect_eq(mm1_sim_node_start(node), MM1_CLOSED);
        cr_expect_null(mm1_sim_node_get(node));
        cr_assert(mm1_sim_ended(sim, first, &reason));
        cr_expect_eq(reason.kind, MM1_REASON_KILLED);
        cr_expect_not(mm1_sim_find(sim, "/a/counter", &second));
        cr_assert_eq(mm1_sim_run_for(sim, MS), MM1_OK);
        cr_assert_eq(mm1_sim_host_restart(host), MM1_OK);
        cr_assert(mm1_sim_find(sim, "/a#2/counter", &second));
        cr_expect(!mm1_addr_equal(first, second));
        cr_expect_eq(api_ask(node, second).n, 40); /* the argument was kept, the sum was not */
        mm1_sim_close(sim);
    }
}

Test(api_fault, pause)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = api_node(sim, "a");
        struct mm1_sim_host *host = mm1_sim_node_host(node);
        mm1_addr counter = api_counter(node);
        cr_assert_eq(mm1_sim_run_for(sim, MS), MM1_OK);
        uint64_t paused = mm1_sim_now(sim);
        cr_expect_eq(mm1_sim_host_pause(host, 0), MM1_INVALID);
        cr_assert_eq(mm1_sim_host_pause(host, 30 * MS), MM1_OK);
        cr_expect_eq(mm1_sim_host_pause(host, 30 * MS), MM1_CONFLICT);
        cr_expect_geq(api_ask(node, counter).now, paused + 30 * MS);
        mm1_sim_close(sim);
    }
}

Test(api_fault, clock_step)
{
    struct mm1_sim *sim = api_open(1);
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr counter = api_counter(node);
    struct api_value before = api_ask(node, counter);
    mm1_sim_host_step_clock(mm1_sim_node_host(node), -(int64_t)(5 * MM1_NS_PER_SEC));
    struct api_value after = api_ask(node, counter);
    cr_expect_gt(after.now, before.now);
    cr_expect_eq(after.wall + 5 * MM1_NS_PER_SEC - before.wall, after.now - before.now);
    mm1_sim_host_step_clock(mm1_sim_node_host(node), (int64_t)(7 * MM1_NS_PER_SEC));
    after = api_ask(node, counter);
    cr_expect_eq(after.wall - 2 * MM1_NS_PER_SEC - before.wall, after.now - before.now);
    mm1_sim_close(sim);
}

Test(api_fault, stop_and_start)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = api_node(sim, "a");
        struct mm1_reason reason = MM1_NORMAL;
        mm1_addr counter = api_counter(node);
        cr_expect_eq(mm1_sim_node_start(node), MM1_CONFLICT);
        cr_assert_eq(mm1_sim_node_stop(node, 100 * MS), MM1_OK);
        cr_expect_lt(mm1_sim_elapsed(sim), 100 * MS);
        cr_assert(mm1_sim_ended(sim, counter, &reason));
        cr_expect_eq(reason.kind, MM1_REASON_SHUTDOWN);
        cr_expect_eq(mm1_sim_node_stop(node, 0), MM1_CLOSED);
        cr_assert_eq(mm1_sim_node_start(node), MM1_OK);
        /* One that traps exits is killed after the grace. */
        mm1_addr deaf = api_spawn(node, &stubborn.behaviour, "deaf", NULL, NULL);
        cr_assert_eq(mm1_sim_run_until_idle(node, 0, 100 * MS), MM1_OK);
        uint64_t asked = mm1_sim_elapsed(sim);
        cr_assert_eq(mm1_sim_node_stop(node, 100 * MS), MM1_OK);
        cr_expect_geq(mm1_sim_elapsed(sim), asked + 100 * MS);
        cr_assert(mm1_sim_ended(sim, deaf, &reason));
        cr_expect_eq(reason.kind, MM1_REASON_KILLED, "%d %d %s", (int)reason.kind, reason.code,
                     reason.text);
        cr_expect(mm1_sim_check(sim, NULL), "%s", mm1_sim_report(sim));
        mm1_sim_close(sim);
    }
}

/* --- between hosts -------------------------------------------------------------------------------------------- */

#define SERVED MM1_ADDR(0xbb00000000000001u)

struct two {
    struct mm1_sim *sim;
    struct mm1_sim_node *server;
    struct mm1_sim_node *client;
    struct mm1_sim_host *hosts[2];
};

/* A counter on one host, and a node on another that has found it. */
static struct two two_open(uint64_t seed)
{
    static const char *const name[] = {"tcp://s:9000"};
    static const struct mm1_net served = {.addr = {0xbb00000000000000u}, .mask = 16};
    const struct api_counter_args args = {.self = SERVED};
    struct two two = {.sim = api_open(seed)};
    struct mm1_sim_node_spec server = {.name = "s",
                                       .role = "counter",
                                       .arg = &args,
                                       .binds = &served,
                                       .bind_count = 1,
                                       .inbound = name,
                                       .inbound_count = 1};
    struct mm1_sim_node_spec client = {.name = "c", .outbound = name, .outbound_count = 1};
    cr_assert_eq(mm1_sim_node_add(two.sim, &server, &two.server), MM1_OK);
    cr_assert_eq(mm1_sim_node_add(two.sim, &client, &two.client), MM1_OK);
    two.hosts[0] = mm1_sim_node_host(two.server);
    two.hosts[1] = mm1_sim_node_host(two.client);
    cr_assert_eq(mm1_sim_run_for(two.sim, 2000 * MS), MM1_OK);
    cr_assert_eq(api_ask(two.client, SERVED).n, 0);
    return two;
}

/* Asks once; false: no answer came in time. */
static bool two_ask(const struct two *two, uint64_t limit_ns)
{
    const struct api_value *value = NULL;
    mm1_status status =
        mm1_sim_ask(two->client, SERVED, limit_ns, api_get, api_value, &value, .mm1_unit = 0);
    cr_assert(status == MM1_OK || status == MM1_TIMEOUT || status == MM1_NOT_FOUND, "%s",
              mm1_status_text(status));
    return status == MM1_OK;
}

Test(api_fault, partitions)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct two two = two_open(seed);
        uint64_t cut = mm1_sim_partition(two.sim, two.hosts, 1);
        cr_expect_gt(cut, 0);
        cr_expect_not(two_ask(&two, 300 * MS));
        mm1_sim_heal(two.sim, cut);
        cr_expect(two_ask(&two, 5000 * MS));
        mm1_sim_heal(two.sim, cut);                                /* over: ignored */
        cr_expect_neq(mm1_sim_cut(two.hosts[0], two.hosts[1]), 0); /* of answers alone */
        cr_expect_not(two_ask(&two, 300 * MS));
        struct mm1_sim_verdict verdict;
        cr_expect_not(MM1_SIM_EXPECT(two.sim, two_ask(&two, 100 * MS)));
        cr_expect_not(mm1_sim_check(two.sim, &verdict));
        cr_expect_str_eq(verdict.word, "expectation");
        cr_expect_str_eq(verdict.active_faults, "partition s>c");
        cr_expect_eq(verdict.faults, 2);
        mm1_sim_close(two.sim);
    }
}

Test(api_fault, heal_all)
{
    struct two two = two_open(4);
    (void)mm1_sim_cut(two.hosts[0], two.hosts[1]);
    (void)mm1_sim_cut(two.hosts[1], two.hosts[0]);
    cr_expect_not(two_ask(&two, 300 * MS));
    mm1_sim_heal(two.sim, 0);
    cr_expect(two_ask(&two, 5000 * MS));
    mm1_sim_close(two.sim);
}

Test(api_fault, delay)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct two two = two_open(seed);
        struct mm1_sim_window slow = {.min_ns = 100 * MS, .max_ns = 200 * MS};
        uint64_t before = mm1_sim_elapsed(two.sim);
        uint64_t delay = mm1_sim_delay(two.hosts[0], two.hosts[1], slow);
        cr_expect(two_ask(&two, 1000 * MS));
        cr_expect_geq(mm1_sim_elapsed(two.sim), before + 200 * MS); /* there and back */
        mm1_sim_heal(two.sim, delay);
        cr_assert_eq(mm1_sim_run_for(two.sim, 500 * MS), MM1_OK);
        before = mm1_sim_elapsed(two.sim);
        cr_expect(two_ask(&two, 1000 * MS));
        cr_expect_lt(mm1_sim_elapsed(two.sim), before + 100 * MS);
        mm1_sim_close(two.sim);
    }
}

/* Both make the nodes connect anew: for a while there is no way to the counter, later there is. */
Test(api_fault, broken_connections)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct two two = two_open(seed);
        mm1_sim_reset(two.hosts[0], two.hosts[1]);
        cr_assert_eq(mm1_sim_run_for(two.sim, 5000 * MS), MM1_OK);
        cr_expect(two_ask(&two, 1000 * MS));
        mm1_sim_half_open(two.hosts[1], two.hosts[0]);
        cr_expect_not(two_ask(&two, 100 * MS)); /* what the client sends vanishes */
        mm1_sim_close(two.sim);
    }
}

/* A node that stops says goodbye to its peers; when it is back, it is found again. */
Test(api_fault, stop_with_connections)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct two two = two_open(seed);
        cr_assert_eq(mm1_sim_node_stop(two.server, 1000 * MS), MM1_OK);
        cr_assert_eq(mm1_sim_run_for(two.sim, 1000 * MS), MM1_OK);
        cr_expect_not(two_ask(&two, 100 * MS));
        cr_assert_eq(mm1_sim_node_start(two.server), MM1_OK);
        cr_assert_eq(mm1_sim_run_for(two.sim, 10000 * MS), MM1_OK);
        cr_expect(two_ask(&two, 1000 * MS));
        mm1_sim_close(two.sim);
    }
}

/* --- memory --------------------------------------------------------------------------------------------------- */

/* Boots a node with an actor of each kind, and asks one. True: the refusal was reached. */
static bool without_one_block(uint64_t k)
{
    struct mm1_sim *sim = api_open(k);
    struct mm1_sim_node *node = NULL;
    const struct api_value *value = NULL;
    struct mm1_sim_node_spec spec = {
        .name = "a", .role = "counter", .fail_alloc = k, .arg = &(struct api_counter_args){.n = 1}};
    mm1_status status = mm1_sim_node_add(sim, &spec, &node);
    cr_assert(status == MM1_OK || status == MM1_NOMEM, "%s", mm1_status_text(status));
    cr_assert_eq(status == MM1_OK, mm1_sim_node_get(node) != NULL);
    mm1_addr counter;
    mm1_addr deaf;
    bool reached = status != MM1_OK;
    if (status == MM1_OK && mm1_sim_find(sim, "/a/counter", &counter)) {
        struct mm1_spawn spawn = {.behaviour = &stubborn.behaviour};
        mm1_status spawned = mm1_sim_spawn(node, &spawn, &deaf);
        mm1_status told = mm1_sim_tell(node, counter, api_add, .n = 1);
        mm1_status asked =
            mm1_sim_ask(node, counter, 10 * MS, api_get, api_value, &value, .mm1_unit = 0);
        reached = mm1_sim_node_alloc_failed(node);
        cr_assert(reached || (spawned == MM1_OK && told == MM1_OK && asked == MM1_OK));
        cr_assert(reached || value->n == 2);
        cr_assert_eq(mm1_sim_node_stop(node, 10 * MS), MM1_OK);
    }
    /* The node can be used again: what failed has left nothing behind. */
    if (mm1_sim_node_get(node) == NULL) {
        cr_assert_eq(mm1_sim_node_start(node), MM1_OK);
    }
    cr_assert(mm1_sim_find(sim, "/a#2/counter", &counter));
    cr_assert_eq(api_ask(node, counter).n, 1);
    mm1_sim_close(sim);
    return reached;
}

Test(api_fault, each_block_refused)
{
    uint64_t k = 1;
    while (without_one_block(k)) {
        k++;
    }
    cr_expect_gt(k, 20, "%d", (int)k);
}

Test(api_fault, refusal_counts_from_now)
{
    struct mm1_sim *sim = api_open(1);
    struct mm1_sim_node *node = api_node(sim, "a");
    struct mm1_spawn spawn = {.behaviour = &counter_server.behaviour};
    mm1_addr counter;
    uint64_t before = mm1_sim_node_allocs(node);
    cr_expect_gt(before, 0);
    mm1_sim_node_fail_alloc(node, 1);
    cr_expect_eq(mm1_sim_spawn(node, &spawn, &counter), MM1_NOMEM);
    cr_expect(mm1_sim_node_alloc_failed(node));
    cr_expect_eq(mm1_sim_spawn(node, &spawn, &counter), MM1_OK);
    mm1_sim_node_fail_alloc(node, 1);
    mm1_sim_node_fail_alloc(node, 0);
    cr_expect_not(mm1_sim_node_alloc_failed(node));
    cr_expect_eq(mm1_sim_spawn(node, &spawn, &counter), MM1_OK);
    mm1_sim_close(sim);
}

Test(api_fault, memory_of_a_node_is_bounded)
{
    struct mm1_sim *sim = NULL;
    struct mm1_sim_options options = {.system = &api_system, .memory = (uint64_t)1 << 20};
    mm1_addr addr;
    cr_assert_eq(mm1_sim_open(&options, &sim, NULL), MM1_OK);
    struct mm1_sim_node *node = api_node(sim, "a");
    struct mm1_spawn spawn = {.behaviour = &counter_server.behaviour};
    mm1_status status = MM1_OK;
    for (int i = 0; i < 20000 && status == MM1_OK; i++) {
        status = mm1_sim_spawn(node, &spawn, &addr);
    }
    cr_expect_eq(status, MM1_NOMEM);
    mm1_sim_close(sim);
}
