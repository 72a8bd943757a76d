/* Metrics: what a node counts by itself, what actors count, and the text of it. */
#include <stdio.h>

#include <mm1/metrics.h>
#include <mm1/node.h>

#include "mini_world.h"
#include "mm1_test.h"
#include "open_metrics.h"

#define JOB_FIELDS(F) F(u8, what) F(addr, peer) F(u64, call)
MM1_MSG_DECLARE(job, JOB_FIELDS)
MM1_MSG_DEFINE(job, "test::Job", JOB_FIELDS)

typedef void job_fn(struct mm1_ctx *ctx);
enum { JOB_NOTHING, JOB_CALL, JOB_QUIT, JOB_FAIL, JOB_SEND, JOB_CLOSE };

#define NET_LOCAL ((struct mm1_net){.addr = {0xaa10000000000000u}, .mask = 16})
#define BOUND MM1_ADDR(0xaa10000000000700u)

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;
static struct mm1_buf text;

/* --- workers -------------------------------------------------------------------------------------------------- */

static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, job, m) {
        switch (m->what) {
        case JOB_CALL:
            ((job_fn *)(uintptr_t)m->call)(ctx);
            return MM1_OK;
        case JOB_QUIT:
            mm1_quit(ctx, MM1_SHUTDOWN);
            return MM1_OK;
        case JOB_FAIL:
            return MM1_INTERNAL;
        case JOB_SEND:
            return mm1_tell(ctx, m->peer, job, .what = JOB_NOTHING) == MM1_INVALID ? MM1_INVALID
                                                                                   : MM1_OK;
        case JOB_CLOSE:
            return mm1_close(ctx);
        default:
            return MM1_OK;
        }
    }
    return MM1_OK;
}

static mm1_status binder_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    return mm1_bind(ctx, (struct mm1_net){.addr = BOUND, .mask = 60}, 8);
}

static const struct mm1_behaviour worker = {.name = "worker", .receive = worker_receive};
static const struct mm1_behaviour binder = {
    .name = "binder", .init = binder_init, .receive = worker_receive};
static const struct mm1_behaviour odd_name = {.name = "a \"b\\c\nd", .receive = worker_receive};
static const struct mm1_behaviour bad_name = {.name = "\xff", .receive = worker_receive};

static mm1_status open_home(bool metrics)
{
    static const struct mm1_net locals[] = {{.addr = {0xaa10000000000000u}, .mask = 16}};
    return mini_node_open(
        &world, &home,
        &(struct mm1_node_config){.name = MM1_TEXT("home"),
                                  .locals = locals,
                                  .local_count = 1,
                                  .auto_net = {.addr = {0xaa00000000000000u}, .mask = 16},
                                  .types = &types,
                                  .one_thread = true,
                                  .metrics = metrics});
}

static void set_up_with(bool metrics)
{
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    text = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_msg_register(&types, &job_type), MM1_OK);
    cr_assert_eq(open_home(metrics), MM1_OK);
}

static void tear_down(void)
{
    mini_node_close(&home);
    mm1_buf_close(&text);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

#define METRICS_TEST(name, on)                                                                     \
    static void name##_scenario(void);                                                             \
    Test(metrics, name)                                                                            \
    {                                                                                              \
        set_up_with(on);                                                                           \
        name##_scenario();                                                                         \
        tear_down();                                                                               \
    }                                                                                              \
    static void name##_scenario(void)

static mm1_addr spawn_with(const struct mm1_behaviour *behaviour, uint32_t inbox_size)
{
    mm1_addr addr;
    struct mm1_spawn spawn = {.behaviour = behaviour, .inbox_size = inbox_size};
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &addr), MM1_OK);
    mini_settle(&world);
    return addr;
}

static mm1_status give(mm1_addr to, struct job job)
{
    return mm1_node_send(home.node, to, &job_type, &job, NULL);
}

static void do_job(mm1_addr to, struct job job)
{
    cr_assert_eq(give(to, job), MM1_OK);
    mini_settle(&world);
}

static void call(mm1_addr to, job_fn *fn)
{
    do_job(to, (struct job){.what = JOB_CALL, .call = (uint64_t)(uintptr_t)fn});
}

/* Asks for the text, which must be well-formed. */
static struct mm1_text print(void)
{
    mm1_buf_clear(&text);
    cr_assert_eq(mm1_node_metrics(home.node, &text), MM1_OK);
    const char *fault = open_metrics_fault(mm1_buf_text(&text));
    cr_assert_null(fault, "%s in\n%.*s", fault, (int)text.size, (const char *)text.data);
    return mm1_buf_text(&text);
}

#define expect_line(line)                                                                          \
    cr_assert(open_metrics_has(mm1_buf_text(&text), (line)), "no line '%s' in\n%.*s", (line),      \
              (int)text.size, (const char *)text.data)

static void expect_no(const char *part)
{
    cr_assert_eq(mm1_buf_terminate(&text), MM1_OK);
    cr_assert_null(strstr((const char *)text.data, part), "%s", part);
}

/* --- off ------------------------------------------------------------------------------------------------------ */

static const struct mm1_metric jobs = {
    .name = "test_jobs", .help = "Jobs \"done\", with a \\.", .labels = {"kind", "where"}};
static const struct mm1_metric plain = {.name = "test_plain", .help = "Nothing else."};
static const struct mm1_metric waits = {
    .name = "test_wait_seconds", .help = "Waits.", .kind = MM1_METRIC_SECONDS, .labels = {"on"}};

static void count_some(struct mm1_ctx *ctx)
{
    mm1_count(ctx, &jobs, MM1_LABELS("b", "x"), 2);
    mm1_count(ctx, &jobs, MM1_LABELS("a", "y"), 40);
    mm1_count(ctx, &plain, NULL, 7);
    mm1_count(ctx, &jobs, MM1_LABELS("b", "x"), 3);
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 3);
}

static void print_inside(struct mm1_ctx *ctx)
{
    cr_assert_eq(mm1_metrics_print(ctx, &text), mm1_metrics_on(ctx) ? MM1_OK : MM1_NOT_FOUND);
}

METRICS_TEST(off_counts_nothing, false)
{
    mm1_addr addr = spawn_with(&worker, 0);
    size_t live = world.alloc.live;
    call(addr, count_some);
    cr_assert_eq(world.alloc.live, live);
    call(addr, print_inside);
    cr_assert_eq(mm1_node_metrics(home.node, &text), MM1_NOT_FOUND);
    cr_assert_eq(text.size, 0);
}

/* --- what a node counts ----------------------------------------------------------------------------------------- */

METRICS_TEST(a_fresh_node, true)
{
    (void)print();
    expect_line("# TYPE mm1_actors gauge");
    expect_line("mm1_messages_unsent_total{reason=\"full\"} 0");
    expect_line("mm1_metrics_dropped_total 0");
}

METRICS_TEST(lives, true)
{
    mm1_addr first = spawn_with(&worker, 0);
    mm1_addr second = spawn_with(&worker, 0);
    mm1_addr third = spawn_with(&worker, 0);
    (void)spawn_with(&worker, 0);
    (void)spawn_with(&odd_name, 0);
    do_job(first, (struct job){.what = JOB_QUIT});
    do_job(second, (struct job){.what = JOB_FAIL});
    cr_assert_eq(mm1_node_exit(home.node, third, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    (void)print();
    expect_line("mm1_actors{behaviour=\"worker\"} 1");
    expect_line("mm1_actors{behaviour=\"a \\\"b\\\\c\\nd\"} 1");
    expect_line("mm1_actor_spawns_total{behaviour=\"worker\"} 4");
    expect_line("mm1_actor_exits_total{behaviour=\"worker\",kind=\"normal\"} 1");
    expect_line("mm1_actor_exits_total{behaviour=\"worker\",kind=\"abnormal\"} 2");
    expect_line("mm1_actor_messages_total{behaviour=\"worker\"} 2");
    /* Four to start, two messages, one for the exit signal. */
    expect_line("mm1_actor_turns_total{behaviour=\"worker\"} 7");
}

METRICS_TEST(inboxes, true)
{
    mm1_addr one = spawn_with(&worker, 0);
    mm1_addr two = spawn_with(&worker, 0);
    mm1_addr bound = spawn_with(&binder, 0);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(give(one, (struct job){0}), MM1_OK);
        cr_assert_eq(give(i < 3 ? two : BOUND, (struct job){0}), MM1_OK);
    }
    cr_assert_eq(give(bound, (struct job){0}), MM1_OK);
    (void)print();
    expect_line("mm1_inbox_messages{behaviour=\"worker\"} 8");
    expect_line("mm1_inbox_messages_max{behaviour=\"worker\"} 5");
    expect_line("mm1_inbox_messages{behaviour=\"binder\"} 3");
    expect_line("mm1_inbox_messages_max{behaviour=\"binder\"} 2");
    mini_settle(&world);
    (void)print();
    expect_line("mm1_inbox_messages{behaviour=\"worker\"} 0");
    expect_line("mm1_inbox_messages_max{behaviour=\"binder\"} 0");
    expect_line("mm1_actor_messages_total{behaviour=\"binder\"} 3");
}

METRICS_TEST(what_is_not_delivered, true)
{
    mm1_addr small = spawn_with(&worker, 1);
    mm1_addr ended = spawn_with(&worker, 0);
    mm1_addr closed = spawn_with(&worker, 0);
    mm1_addr sender = spawn_with(&worker, 0);
    do_job(ended, (struct job){.what = JOB_QUIT});
    do_job(closed, (struct job){.what = JOB_CLOSE});
    cr_assert_eq(give(small, (struct job){0}), MM1_OK);
    cr_assert_eq(give(small, (struct job){0}), MM1_FULL);
    cr_assert_eq(give(small, (struct job){0}), MM1_FULL);
    cr_assert_eq(give(closed, (struct job){0}), MM1_CLOSED);
    do_job(ended, (struct job){0});
    do_job(sender, (struct job){.what = JOB_SEND, .peer = ended});
    do_job(sender, (struct job){.what = JOB_SEND, .peer = {0x1234000000000000u}});
    test_alloc_fail_at(&world.alloc, 1);
    cr_assert_eq(give(sender, (struct job){0}), MM1_NOMEM);
    test_alloc_fail_at(&world.alloc, 0);
    (void)print();
    expect_line("mm1_messages_unsent_total{reason=\"full\"} 2");
    expect_line("mm1_messages_unsent_total{reason=\"closed\"} 1");
    expect_line("mm1_messages_unsent_total{reason=\"nobody\"} 2");
    expect_line("mm1_messages_unsent_total{reason=\"no_route\"} 1");
    expect_line("mm1_messages_unsent_total{reason=\"no_memory\"} 1");
    expect_line("mm1_messages_unsent_total{reason=\"ttl\"} 0");
}

/* --- what actors count ------------------------------------------------------------------------------------------ */

METRICS_TEST(counters, true)
{
    mm1_addr addr = spawn_with(&worker, 0);
    call(addr, count_some);
    call(addr, count_some);
    struct mm1_text whole = print();
    expect_line("# TYPE test_jobs counter");
    expect_line("# HELP test_jobs Jobs \\\"done\\\", with a \\\\.");
    expect_line("test_jobs_total{kind=\"a\",where=\"y\"} 80");
    expect_line("test_jobs_total{kind=\"b\",where=\"x\"} 10");
    expect_line("test_plain_total 14");
    /* Sorted: by family, then by labels. */
    cr_assert_eq(mm1_buf_terminate(&text), MM1_OK);
    const char *a = strstr(whole.data, "test_jobs_total{kind=\"a\"");
    const char *b = strstr(whole.data, "test_jobs_total{kind=\"b\"");
    const char *c = strstr(whole.data, "test_plain_total");
    const char *d = strstr(whole.data, "test_wait_seconds_count");
    cr_assert(a < b && b < c && c < d);
}

static void measure_bounds(struct mm1_ctx *ctx)
{
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 0);
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 1000);
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 1001);
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 10 * MM1_NS_PER_SEC);
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 10 * MM1_NS_PER_SEC + 5);
    mm1_measure_ns(ctx, &waits, MM1_LABELS("net"), 2 * MM1_NS_PER_MS);
}

METRICS_TEST(histograms, true)
{
    call(spawn_with(&worker, 0), measure_bounds);
    (void)print();
    expect_line("# TYPE test_wait_seconds histogram");
    expect_line("# UNIT test_wait_seconds seconds");
    expect_line("test_wait_seconds_bucket{on=\"disk\",le=\"1e-06\"} 2");
    expect_line("test_wait_seconds_bucket{on=\"disk\",le=\"5e-06\"} 3");
    expect_line("test_wait_seconds_bucket{on=\"disk\",le=\"5.0\"} 3");
    expect_line("test_wait_seconds_bucket{on=\"disk\",le=\"10.0\"} 4");
    expect_line("test_wait_seconds_bucket{on=\"disk\",le=\"+Inf\"} 5");
    expect_line("test_wait_seconds_count{on=\"disk\"} 5");
    expect_line("test_wait_seconds_sum{on=\"disk\"} 20.000002006");
    expect_line("test_wait_seconds_bucket{on=\"net\",le=\"0.001\"} 0");
    expect_line("test_wait_seconds_bucket{on=\"net\",le=\"0.005\"} 1");
    expect_line("test_wait_seconds_sum{on=\"net\"} 0.002000000");
}

static const struct mm1_metric jobs_again = {
    .name = "test_jobs", .help = "Another text.", .labels = {"kind", "where"}};
static const struct mm1_metric jobs_other = {
    .name = "test_jobs", .help = "Other labels.", .labels = {"kind"}};

static void count_same(struct mm1_ctx *ctx)
{
    mm1_count(ctx, &jobs, MM1_LABELS("a", "x"), 1);
    mm1_count(ctx, &jobs_again, MM1_LABELS("a", "x"), 1);
    mm1_count(ctx, &jobs_again, MM1_LABELS("b", "x"), 1);
    mm1_count(ctx, &jobs_other, MM1_LABELS("a"), 1);
}

METRICS_TEST(one_name_is_one_metric, true)
{
    call(spawn_with(&worker, 0), count_same);
    (void)print();
    expect_line("test_jobs_total{kind=\"a\",where=\"x\"} 2");
    expect_line("test_jobs_total{kind=\"b\",where=\"x\"} 1");
    expect_line("mm1_metrics_dropped_total 1");
    expect_no("Another text");
}

static const struct mm1_metric malformed[] = {
    {.name = "", .help = "h"},
    {.name = "1st", .help = "h"},
    {.name = "a-b", .help = "h"},
    {.name = "mm1_actors", .help = "h"},
    {.name = "a_total", .help = "h"},
    {.name = "no_help"},
    {.name = "bad_help", .help = "\xc3"},
    {.name = "bad_label", .help = "h", .labels = {"a b"}},
    {.name = "le_label", .help = "h", .labels = {"le"}},
    {.name = "own_label", .help = "h", .labels = {"__a"}},
    {.name = "same_label", .help = "h", .labels = {"a", "a"}},
};
static const struct mm1_metric no_unit = {
    .name = "test_wait", .help = "h", .kind = MM1_METRIC_SECONDS};

static void count_malformed(struct mm1_ctx *ctx)
{
    for (size_t i = 0; i < MM1_COUNT_OF(malformed); i++) {
        mm1_count(ctx, &malformed[i], MM1_LABELS("a", "b"), 1);
    }
    mm1_measure_ns(ctx, &no_unit, NULL, 1);
    mm1_count(ctx, &jobs, MM1_LABELS("a", "\xff"), 1);
}

METRICS_TEST(the_malformed_is_dropped, true)
{
    char line[64];
    call(spawn_with(&worker, 0), count_malformed);
    (void)print();
    (void)snprintf(line, sizeof(line), "mm1_metrics_dropped_total %zu",
                   MM1_COUNT_OF(malformed) + 2);
    expect_line(line);
    expect_no("_label");
}

METRICS_TEST(a_behaviour_that_cannot_be_counted, true)
{
    mm1_addr addr = spawn_with(&bad_name, 0);
    do_job(addr, (struct job){.what = JOB_QUIT});
    (void)print();
    expect_line("mm1_metrics_dropped_total 1");
    /* The slot is used again by one that can. */
    (void)spawn_with(&worker, 0);
    (void)print();
    expect_line("mm1_actors{behaviour=\"worker\"} 1");
}

static void count_many(struct mm1_ctx *ctx)
{
    char label[16];
    for (int i = 0; i < MM1_METRIC_SERIES_MAX + 10; i++) {
        (void)snprintf(label, sizeof(label), "%d", i);
        mm1_count(ctx, &jobs, MM1_LABELS(label, "x"), 1);
    }
    mm1_count(ctx, &jobs, MM1_LABELS("0", "x"), 1);
}

METRICS_TEST(labels_are_bounded, true)
{
    call(spawn_with(&worker, 0), count_many);
    (void)print();
    expect_line("test_jobs_total{kind=\"0\",where=\"x\"} 2");
    expect_line("test_jobs_total{kind=\"1023\",where=\"x\"} 1");
    expect_line("mm1_metrics_dropped_total 10");
    expect_no("kind=\"1024\"");
}

/* --- the same in every run --------------------------------------------------------------------------------------- */

static void count_backwards(struct mm1_ctx *ctx)
{
    mm1_measure_ns(ctx, &waits, MM1_LABELS("disk"), 3);
    mm1_count(ctx, &plain, NULL, 7);
    mm1_count(ctx, &jobs, MM1_LABELS("a", "y"), 40);
    mm1_count(ctx, &jobs, MM1_LABELS("b", "x"), 5);
}

Test(metrics, the_order_of_counting_does_not_show)
{
    char first[8192];
    set_up_with(true);
    call(spawn_with(&worker, 0), count_some);
    struct mm1_text one = print();
    cr_assert_lt(one.size, sizeof(first));
    size_t size = one.size;
    memcpy(first, one.data, size);
    tear_down();
    set_up_with(true);
    call(spawn_with(&worker, 0), count_backwards);
    struct mm1_text two = print();
    cr_assert_eq(two.size, size);
    cr_assert_arr_eq(two.data, first, size);
    tear_down();
}

METRICS_TEST(inside_a_turn, true)
{
    call(spawn_with(&worker, 0), print_inside);
    cr_assert_null(open_metrics_fault(mm1_buf_text(&text)));
    expect_line("mm1_actor_messages_total{behaviour=\"worker\"} 1");
}

/* --- memory refused ---------------------------------------------------------------------------------------------- */

Test(metrics, memory_is_refused_when_a_node_opens)
{
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    text = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_msg_register(&types, &job_type), MM1_OK);
    mm1_status status = MM1_NOMEM;
    for (size_t k = 1; status == MM1_NOMEM; k++) {
        cr_assert_lt(k, 100);
        test_alloc_fail_at(&world.alloc, k);
        status = open_home(true);
        cr_assert(status == MM1_NOMEM || status == MM1_OK);
        cr_assert(status == MM1_OK || world.alloc.live == 0);
    }
    tear_down();
}

METRICS_TEST(memory_is_refused_when_something_is_counted, true)
{
    mm1_addr addr = spawn_with(&worker, 0);
    struct job job = {.what = JOB_CALL, .call = (uint64_t)(uintptr_t)count_some};
    cr_assert_eq(give(addr, job), MM1_OK);
    test_alloc_fail_at(&world.alloc, 1);
    world.alloc.fail_rest = true;
    mini_settle(&world);
    test_alloc_fail_at(&world.alloc, 0);
    world.alloc.fail_rest = false;
    (void)print();
    expect_line("mm1_metrics_dropped_total 5");
    call(addr, count_some);
    (void)print();
    expect_line("test_plain_total 7");
}

METRICS_TEST(memory_is_refused_when_it_is_printed, true)
{
    call(spawn_with(&worker, 0), count_some);
    mm1_status status = MM1_NOMEM;
    struct mm1_buf out = MM1_BUF(&world.alloc.base);
    for (size_t k = 1; status == MM1_NOMEM; k++) {
        cr_assert_lt(k, 100);
        mm1_buf_close(&out);
        out = MM1_BUF(&world.alloc.base);
        cr_assert_eq(mm1_buf_append(&out, "before", 6), MM1_OK);
        test_alloc_fail_at(&world.alloc, k);
        status = mm1_node_metrics(home.node, &out);
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert(status == MM1_OK || out.size == 6);
    }
    cr_assert_eq(status, MM1_OK);
    cr_assert_arr_eq(out.data, "before# TYPE", 12);
    mm1_buf_close(&out);
}

/* --- the reader that the tests above trust ------------------------------------------------------------------------ */

#define H "# TYPE h histogram\n"
#define BUCKETS "h_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\n"

Test(metrics, the_reader_sees_what_is_wrong)
{
    static const char *const bad[] = {
        "",
        "# EOF",
        "# EOF\n\n",
        "# TYPE a counter\n",
        "# TYPE a counter\na 1\n# EOF\n",
        "# TYPE a counter\na_total -1\n# EOF\n",
        "# TYPE a counter\na_total 1.5\n# EOF\n",
        "# TYPE a counter\na_total  1\n# EOF\n",
        "# TYPE a counter\na_total 1\na_total 2\n# EOF\n",
        "# TYPE a counter\nb_total 1\n# EOF\n",
        "# TYPE a counter\na_total{x=\"1\",x=\"2\"} 1\n# EOF\n",
        "# TYPE a counter\na_total{x=\"\\q\"} 1\n# EOF\n",
        "# TYPE a counter\na_total{x=\"1\" 1\n# EOF\n",
        "# TYPE a counter\na_total{1x=\"1\"} 1\n# EOF\n",
        "# TYPE a counter\n# TYPE a gauge\n# EOF\n",
        "# TYPE a counter\na_total 1\n# HELP a b\n# EOF\n",
        "# TYPE a counter\n# TYPE b counter\n# HELP a x\n# EOF\n",
        "# TYPE a counter\n# UNIT a seconds\n# EOF\n",
        "# TYPE a count\n# EOF\n",
        "# TYP a counter\n# EOF\n",
        "a_total 1\n# EOF\n",
        "# HELP a x\"y\n# EOF\n",
        "# HELP a \xff\n# EOF\n",
        "# TYPE a gauge\na_x 1\n# EOF\n",
        H "h_bucket{le=\"1.0\"} 1\n# EOF\n",
        H "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1.0\n# EOF\n",
        H "h_bucket{le=\"2.0\"} 1\nh_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 2\n"
          "h_count 2\nh_sum 1.0\n# EOF\n",
        H "h_bucket{le=\"1.0\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_count 2\nh_sum 1.0\n# EOF\n",
        H BUCKETS "h_count 3\nh_sum 1.0\n# EOF\n",
        H BUCKETS "h_count 2\n# EOF\n",
        H BUCKETS "h_sum 1.0\n# EOF\n",
        H BUCKETS "h_count 2\nh_sum one\n# EOF\n",
        H BUCKETS "h_count{x=\"1\"} 2\nh_sum 1.0\n# EOF\n",
    };
    static const char *const good[] = {
        "# EOF\n",
        "# TYPE a counter\n# HELP a x\na_total 1\na_total{x=\"\\\"\"} 2\n# EOF\n",
        "# TYPE a_s gauge\n# UNIT a_s s\na_s 0\n# EOF\n",
        H BUCKETS "h_count 2\nh_sum 1.0\n# EOF\n",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(bad); i++) {
        cr_assert_not_null(open_metrics_fault(mm1_text_of(bad[i])), "%s", bad[i]);
    }
    for (size_t i = 0; i < MM1_COUNT_OF(good); i++) {
        const char *fault = open_metrics_fault(mm1_text_of(good[i]));
        cr_assert_null(fault, "%s: %s", good[i], fault);
    }
}
