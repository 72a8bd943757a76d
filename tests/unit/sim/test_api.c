/* mm1/sim.h: worlds that a test makes, steps and speaks to. */
#include "api_system.h"

TestSuite(api);

static mm1_status open_with(const struct mm1_sim_options *options, const char *says)
{
    struct mm1_sim *sim = NULL;
    char error[MM1_SIM_ERROR_MAX];
    mm1_status status = mm1_sim_open(options, &sim, error);
    if (status == MM1_OK) {
        cr_assert_str_eq(error, "");
        mm1_sim_close(sim);
    } else {
        cr_assert_null(sim);
        cr_assert(strstr(error, says) != NULL, "%s", error);
    }
    return status;
}

Test(api, options)
{
    static const struct mm1_system other_abi = {.abi = 99, .name = "other"};
    static const struct mm1_msg_type twin = {.name = "test::Add", .size = 8};
    static const struct mm1_msg_type *const twins[] = {&api_add_type, &twin};
    cr_expect_eq(open_with(&(struct mm1_sim_options){.seed = 1}, ""), MM1_OK);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.latency = {2, 1}}, "before it begins"),
                 MM1_INVALID);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.hosts_max = 257}, "at most 256"),
                 MM1_INVALID);
    cr_expect_eq(
        open_with(&(struct mm1_sim_options){.granularity = (enum mm1_sim_granularity)7}, "value"),
        MM1_INVALID);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.scenario = "{}"}, "needs its system"),
                 MM1_INVALID);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.system = &other_abi}, "another mm1"),
                 MM1_INVALID);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.system = &api_system, .scenario = "{}"},
                           "\"system\" is missing"),
                 MM1_INVALID);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.system = &api_system,
                                                     .scenario = "{}",
                                                     .scenario_file = "x"},
                           "at most one"),
                 MM1_INVALID);
    cr_expect_eq(open_with(&(struct mm1_sim_options){.system = &api_system,
                                                     .scenario_file = "/nonexistent.json"},
                           "nonexistent"),
                 MM1_NOT_FOUND);
    cr_expect_eq(
        open_with(&(struct mm1_sim_options){.types = twins, .type_count = 2}, "two of one name"),
        MM1_INVALID);
    cr_expect_neq(
        open_with(&(struct mm1_sim_options){.trace = "/nonexistent/x.db"}, "/nonexistent"), MM1_OK);
    mm1_sim_close(NULL);
}

static mm1_status add_node(struct mm1_sim *sim, const struct mm1_sim_node_spec *spec)
{
    struct mm1_sim_node *node = NULL;
    mm1_status status = mm1_sim_node_add(sim, spec, &node);
    cr_assert_eq(status == MM1_OK, node != NULL);
    return status;
}

Test(api, nodes)
{
    struct mm1_sim *sim = NULL;
    struct mm1_sim_host *host = NULL;
    struct mm1_sim_options options = {.system = &api_system, .hosts_max = 2, .nodes_max = 3};
    const struct mm1_net net = {.addr = {0xb000000000000000u}, .mask = 8};
    const struct mm1_net inside = {.addr = {0xb001000000000000u}, .mask = 16};
    const struct api_counter_args args = {.n = 5};
    cr_assert_eq(mm1_sim_open(&options, &sim, NULL), MM1_OK);
    cr_expect_eq(mm1_sim_host_add(sim, "a b", &host), MM1_INVALID);
    cr_expect_eq(mm1_sim_host_add(sim, "h", &host), MM1_OK);
    cr_expect_eq(mm1_sim_host_add(sim, "h", &host), MM1_CONFLICT);
    cr_expect_eq(mm1_sim_host_find(sim, "h"), host);
    cr_expect_null(mm1_sim_host_find(sim, "k"));
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "-"}), MM1_INVALID);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "n", .role = "count"}),
                 MM1_INVALID);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "n", .arg = &args}),
                 MM1_INVALID);
    cr_expect_eq(add_node(sim,
                          &(struct mm1_sim_node_spec){
                              .name = "n", .auto_net = net, .binds = &inside, .bind_count = 1}),
                 MM1_INVALID);
    cr_expect_null(mm1_sim_node_find(sim, "n"));
    cr_expect_eq(
        add_node(sim,
                 &(struct mm1_sim_node_spec){
                     .name = "n", .host = host, .auto_net = net, .role = "counter", .arg = &args}),
        MM1_OK);
    cr_expect_eq(mm1_sim_node_host(mm1_sim_node_find(sim, "n")), host);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "n"}), MM1_CONFLICT);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "m", .auto_net = inside}),
                 MM1_INVALID);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "m"}), MM1_OK);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "o"}), MM1_RESOURCE);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "o", .host = host}), MM1_OK);
    cr_expect_eq(add_node(sim, &(struct mm1_sim_node_spec){.name = "p", .host = host}),
                 MM1_RESOURCE);
    mm1_addr counter;
    cr_assert(mm1_sim_find(sim, "/n/counter", &counter));
    cr_expect_eq(api_ask(mm1_sim_node_find(sim, "n"), counter).n, 5);
    mm1_sim_close(sim);
}

Test(api, tell_and_ask)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = api_node(sim, "a");
        mm1_addr counter = api_counter(node);
        cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = 3), MM1_OK);
        cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = 4), MM1_OK);
        struct api_value value = api_ask(node, counter);
        cr_expect_eq(value.n, 7);
        cr_expect_leq(value.now, mm1_sim_now(sim));
        cr_expect_gt(mm1_sim_elapsed(sim), 0);
        const struct api_value *late = NULL;
        cr_expect_eq(mm1_sim_suspend(node, counter), MM1_OK);
        cr_expect_eq(mm1_sim_ask(node, counter, 10 * MS, api_get, api_value, &late, .mm1_unit = 0),
                     MM1_TIMEOUT);
        cr_expect_eq(mm1_sim_resume(node, counter), MM1_OK);
        cr_expect_eq(api_ask(node, counter).n, 7); /* the late answer is dropped */
        cr_expect(mm1_sim_check(sim, NULL));
        cr_expect_str_empty(mm1_sim_report(sim));
        cr_expect_not(mm1_sim_step(sim));
        cr_expect_eq(mm1_sim_run_for(sim, MS), MM1_CLOSED);
        mm1_sim_close(sim);
    }
}

/* A world with enough in it to go many ways. */
static struct mm1_sim *busy_world(const struct mm1_sim_options *options, struct mm1_sim_node **node)
{
    struct mm1_sim *sim = NULL;
    cr_assert_eq(mm1_sim_open(options, &sim, NULL), MM1_OK);
    *node = api_node(sim, "a");
    mm1_addr counter = api_counter(*node);
    (void)api_ticker(*node, 2 * MS, true);
    for (int i = 0; i < 4; i++) {
        struct api_pair_args args = {.first = counter, .second = counter};
        (void)api_spawn(*node, &pair.behaviour, NULL, &api_pair_args_type, &args);
    }
    return sim;
}

Test(api, same_calls_same_hash)
{
    uint64_t different = 0;
    uint64_t before = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct mm1_sim_options options = {.seed = seed, .system = &api_system, .silent = true};
        struct mm1_sim_node *nodes[2];
        struct mm1_sim *sims[2];
        if (seed % 3 == 0) {
            options.local_delivery = MM1_SIM_PAIRWISE;
        }
        /* Two worlds of one process, a step here, a step there; they begin at different addresses. */
        for (int i = 0; i < 2; i++) {
            sims[i] = busy_world(&options, &nodes[i]);
        }
        for (int step = 0; step < 200; step++) {
            cr_assert_eq(mm1_sim_step(sims[0]), mm1_sim_step(sims[1]));
            cr_assert_eq(mm1_sim_hash(sims[0]), mm1_sim_hash(sims[1]), "seed %d step %d", (int)seed,
                         step);
        }
        for (int i = 0; i < 2; i++) {
            cr_assert_eq(mm1_sim_host_crash(mm1_sim_node_host(nodes[i])), MM1_OK);
            cr_assert_eq(mm1_sim_run_for(sims[i], 5 * MS), MM1_OK);
            cr_assert_eq(mm1_sim_host_restart(mm1_sim_node_host(nodes[i])), MM1_OK);
            cr_assert_eq(mm1_sim_run_for(sims[i], 5 * MS), MM1_OK);
        }
        uint64_t hash = mm1_sim_hash(sims[0]);
        cr_assert_eq(hash, mm1_sim_hash(sims[1]));
        different += hash != before;
        before = hash;
        mm1_sim_close(sims[0]);
        mm1_sim_close(sims[1]);
    }
    cr_expect_eq(different, 30);
}

Test(api, options_are_part_of_the_identity)
{
    struct mm1_sim_options options = {.seed = 1, .system = &api_system};
    uint64_t hashes[2];
    for (int i = 0; i < 2; i++) {
        struct mm1_sim *sim = NULL;
        options.turn_ns = i == 0 ? 0 : 777;
        cr_assert_eq(mm1_sim_open(&options, &sim, NULL), MM1_OK);
        hashes[i] = mm1_sim_hash(sim);
        mm1_sim_close(sim);
    }
    cr_expect_neq(hashes[0], hashes[1]);
}

/* --- time ----------------------------------------------------------------------------------------------------- */

Test(api, run_for_goes_so_far)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mm1_sim *sim = api_open(seed);
        uint64_t begun = mm1_sim_now(sim);
        cr_assert_eq(mm1_sim_elapsed(sim), 0);
        cr_assert_eq(mm1_sim_run_for(sim, 7), MM1_OK);
        cr_assert_eq(mm1_sim_now(sim), begun + 7);
        struct mm1_sim_node *node = api_node(sim, "a");
        (void)api_ticker(node, MS, false);
        cr_assert_eq(mm1_sim_run_for(sim, 100 * MS), MM1_OK);
        cr_assert_eq(mm1_sim_elapsed(sim), 100 * MS + 7);
        cr_expect_eq(mm1_sim_run_for(sim, UINT64_MAX), MM1_INVALID);
        mm1_sim_close(sim);
    }
}

Test(api, quiet)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = api_node(sim, "a");
        mm1_addr counter = api_counter(node);
        (void)api_ticker(node, MS, true);
        cr_assert_eq(mm1_sim_run_until_quiet(sim, 10 * MS), MM1_OK);
        cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = 1), MM1_OK);
        cr_assert_eq(mm1_sim_run_until_quiet(sim, 10 * MS), MM1_OK);
        cr_expect_lt(mm1_sim_elapsed(sim), 20 * MS);
        uint64_t before = mm1_sim_elapsed(sim);
        (void)api_ticker(node, MS, false);
        cr_assert_eq(mm1_sim_run_until_quiet(sim, 10 * MS), MM1_TIMEOUT);
        cr_expect_eq(mm1_sim_elapsed(sim), before + 10 * MS);
        mm1_sim_close(sim);
    }
}

/* With nothing left to happen, there is no waiting for ever. */
Test(api, stuck)
{
    struct mm1_sim *sim = api_open(1);
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr counter = api_counter(node);
    cr_assert_eq(mm1_sim_run_until_quiet(sim, MM1_FOREVER), MM1_OK);
    cr_assert_eq(mm1_sim_suspend(node, counter), MM1_OK);
    cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = 1), MM1_OK);
    cr_expect_eq(mm1_sim_run_until_quiet(sim, MM1_FOREVER), MM1_TIMEOUT);
    cr_expect_eq(mm1_sim_run_until_idle(node, 0, MM1_FOREVER), MM1_OK);
    mm1_sim_close(sim);
}

Test(api, idle)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = api_node(sim, "a");
        mm1_addr counter = api_counter(node);
        (void)api_ticker(node, 50 * MS, false);
        (void)api_ticker(node, MS, true);
        cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = 1), MM1_OK);
        cr_assert_eq(mm1_sim_run_until_idle(node, 10 * MS, 20 * MS), MM1_OK);
        cr_expect_lt(mm1_sim_elapsed(sim), 10 * MS);
        struct mm1_clock *clock = mm1_node_env(mm1_sim_node_get(node))->clock;
        cr_expect_geq(clock->ops->next_due(clock), mm1_sim_now(sim) + 10 * MS);
        /* One that is due each 50 ms is always due within 60. */
        cr_expect_eq(mm1_sim_run_until_idle(node, 60 * MS, 200 * MS), MM1_TIMEOUT);
        cr_expect_eq(mm1_sim_suspend(node, counter), MM1_OK);
        cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = 1), MM1_OK);
        cr_expect_eq(mm1_sim_run_until_idle(node, MS, 100 * MS), MM1_OK);
        cr_assert_eq(mm1_sim_host_crash(mm1_sim_node_host(node)), MM1_OK);
        cr_expect_eq(mm1_sim_run_until_idle(node, 0, 100 * MS), MM1_CLOSED);
        mm1_sim_close(sim);
    }
}

/* A is told before B, and B passes it on to C, A as well: which of the two adds C sees first is a choice only where
 * a local message may be late. */
static unsigned overtaken(enum mm1_sim_delivery delivery)
{
    unsigned count = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct mm1_sim_options options = {
            .seed = seed, .system = &api_system, .local_delivery = delivery, .silent = true};
        struct mm1_sim *sim = NULL;
        struct mm1_sim_probe *probe = NULL;
        const struct mm1_envelope *envelope;
        cr_assert_eq(mm1_sim_open(&options, &sim, NULL), MM1_OK);
        struct mm1_sim_node *node = api_node(sim, "a");
        cr_assert_eq(mm1_sim_probe_add(node, "probe", &probe), MM1_OK);
        struct api_pair_args to_probe = {.first = mm1_sim_probe_addr(probe)};
        struct api_pair_args args = {
            .first = mm1_sim_probe_addr(probe),
            .second = api_spawn(node, &relay, NULL, &api_pair_args_type, &to_probe)};
        (void)api_spawn(node, &pair.behaviour, NULL, &api_pair_args_type, &args);
        cr_assert_eq(mm1_sim_probe_wait(probe, 100 * MS, &envelope), MM1_OK);
        cr_assert_eq(envelope->type, &api_add_type);
        count += ((const struct api_add *)envelope->msg)->n == 2;
        cr_assert_eq(mm1_sim_probe_wait(probe, 100 * MS, &envelope), MM1_OK);
        cr_expect_eq(mm1_sim_probe_wait(probe, 10 * MS, &envelope), MM1_TIMEOUT);
        mm1_sim_close(sim);
    }
    return count;
}

Test(api, pairwise)
{
    cr_expect_eq(overtaken(MM1_SIM_CAUSAL), 0);
    unsigned count = overtaken(MM1_SIM_PAIRWISE);
    cr_expect(count > 0 && count < 100, "%u", count);
}

/* --- probes --------------------------------------------------------------------------------------------------- */

Test(api, probes)
{
    struct mm1_sim *sim = api_open(3);
    struct mm1_sim_node *node = api_node(sim, "a");
    struct mm1_sim_probe *probe = NULL;
    const struct mm1_envelope *envelope = NULL;
    mm1_addr found;
    cr_assert_eq(mm1_sim_probe_add(node, "ear", &probe), MM1_OK);
    cr_expect_null(mm1_sim_probe_take(probe));
    for (uint64_t i = 1; i <= 3; i++) {
        cr_assert_eq(mm1_sim_tell(node, mm1_sim_probe_addr(probe), api_add, .n = i), MM1_OK);
    }
    cr_assert_eq(mm1_sim_run_until_quiet(sim, 100 * MS), MM1_OK);
    cr_assert_eq(mm1_sim_probe_count(probe), 3);
    envelope = mm1_sim_probe_take(probe);
    cr_expect_eq(((const struct api_add *)envelope->msg)->n, 1);
    cr_assert(mm1_sim_find(sim, "/a/ear#1", &found));
    cr_expect(mm1_addr_equal(found, mm1_sim_probe_addr(probe)));
    /* What it has heard outlives the node. */
    cr_assert_eq(mm1_sim_host_crash(mm1_sim_node_host(node)), MM1_OK);
    cr_expect_eq(((const struct api_add *)mm1_sim_probe_take(probe)->msg)->n, 2);
    cr_expect_eq(mm1_sim_tell(node, mm1_sim_probe_addr(probe), api_add, .n = 9), MM1_CLOSED);
    cr_expect_eq(mm1_sim_probe_count(probe), 1);
    mm1_sim_close(sim);
}

Test(api, exit_and_ended)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct mm1_sim *sim = api_open(seed);
        struct mm1_sim_node *node = api_node(sim, "a");
        mm1_addr counter = api_counter(node);
        mm1_addr other = api_counter(node);
        mm1_addr found;
        struct mm1_reason reason = MM1_NORMAL;
        cr_expect_eq(mm1_sim_spawned(sim), 2);
        cr_expect_not(mm1_sim_ended(sim, counter, NULL));
        cr_assert(mm1_sim_find(sim, "/a/counter", &found)); /* the youngest */
        cr_expect(mm1_addr_equal(found, other));
        cr_assert(mm1_sim_find(sim, "/a/counter#1", &found));
        cr_expect(mm1_addr_equal(found, counter));
        cr_expect_not(mm1_sim_find(sim, "/a/count", &found));
        cr_expect_not(mm1_sim_find(sim, "/a", &found));
        cr_assert_eq(mm1_sim_exit(node, counter, mm1_reason_error(7, "enough")), MM1_OK);
        cr_assert_eq(mm1_sim_kill(sim, "/a/counter#2"), MM1_OK);
        cr_assert_eq(mm1_sim_run_until_quiet(sim, 100 * MS), MM1_OK);
        cr_assert(mm1_sim_ended(sim, counter, &reason));
        cr_expect_eq(reason.kind, MM1_REASON_ERROR);
        cr_expect_eq(reason.code, 7);
        cr_expect_str_eq(reason.text, "enough");
        cr_assert(mm1_sim_ended(sim, other, &reason));
        cr_expect_eq(reason.kind, MM1_REASON_KILLED);
        cr_expect_eq(mm1_sim_kill(sim, "/a/counter#2"), MM1_NOPROC);
        mm1_sim_close(sim);
    }
}
