/* Metrics under threads: four workers count while others ask for the text; in the end nothing is missing. */
#include <stdatomic.h>

#include <mm1/metrics.h>
#include <mm1/posix.h>

#include "mm1_test.h"
#include "open_metrics.h"

enum { COUNTERS = 32, STEPS = 200, LABELS = 8 };

#define STEP_FIELDS(F) F(u32, left)
MM1_MSG_DECLARE(step, STEP_FIELDS)
MM1_MSG_DEFINE(step, "test::Step", STEP_FIELDS)

static const struct mm1_metric steps = {
    .name = "test_steps", .help = "Steps.", .labels = {"residue"}};
static const struct mm1_metric sizes = {
    .name = "test_size_seconds", .help = "Sizes.", .kind = MM1_METRIC_SECONDS};

static const char *const residues[LABELS] = {"0", "1", "2", "3", "4", "5", "6", "7"};

static mm1_status go_on(struct mm1_ctx *ctx, uint32_t left)
{
    mm1_count(ctx, &steps, MM1_LABELS(residues[left % LABELS]), 1);
    mm1_measure_ns(ctx, &sizes, NULL, left);
    return left == 0 ? MM1_OK : mm1_tell(ctx, mm1_self(ctx), step, .left = left - 1);
}

static mm1_status child_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static const struct mm1_behaviour child = {.name = "child", .init = child_init};

static mm1_status counter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    return go_on(ctx, STEPS - 1);
}

static mm1_status counter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, step, m) {
        mm1_addr addr;
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &child}, &addr));
        return go_on(ctx, m->left);
    }
    return MM1_OK;
}

static const struct mm1_behaviour counter = {
    .name = "counter", .init = counter_init, .receive = counter_receive};

/* Asks for the text as often as it gets turns, while the others are at work. */
static _Atomic unsigned reads;
static atomic_bool enough;

static mm1_status reader_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    return mm1_tell(ctx, mm1_self(ctx), step, .left = 0);
}

static mm1_status reader_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    (void)envelope;
    struct mm1_buf text = MM1_BUF(mm1_ctx_alloc(ctx));
    mm1_status status = mm1_metrics_print(ctx, &text);
    mm1_buf_close(&text);
    (void)atomic_fetch_add(&reads, 1);
    if (status != MM1_OK || atomic_load(&enough)) {
        return status;
    }
    return mm1_tell(ctx, mm1_self(ctx), step, .left = 0);
}

static const struct mm1_behaviour reader = {
    .name = "reader", .init = reader_init, .receive = reader_receive};

static void spawn_on(struct mm1_node *node, const struct mm1_behaviour *behaviour)
{
    mm1_addr addr;
    struct mm1_spawn spawn = {.behaviour = behaviour};
    cr_assert_eq(mm1_node_spawn(node, &spawn, &addr), MM1_OK);
}

static void print(struct mm1_node *node, struct mm1_buf *text)
{
    mm1_buf_clear(text);
    cr_assert_eq(mm1_node_metrics(node, text), MM1_OK);
    const char *fault = open_metrics_fault(mm1_buf_text(text));
    cr_assert_null(fault, "%s", fault);
}

static void expect_line(const struct mm1_buf *text, const char *line)
{
    cr_assert(open_metrics_has(mm1_buf_text(text), line), "no line '%s' in\n%.*s", line,
              (int)text->size, (const char *)text->data);
}

static void expect_all(const struct mm1_buf *text)
{
    /* 32 counters with 200 steps each, of which all but the first spawn a child. */
    expect_line(text, "test_steps_total{residue=\"0\"} 800");
    expect_line(text, "test_steps_total{residue=\"7\"} 800");
    expect_line(text, "test_size_seconds_count 6400");
    expect_line(text, "test_size_seconds_sum 0.000636800");
    expect_line(text, "mm1_actors{behaviour=\"counter\"} 32");
    expect_line(text, "mm1_actors{behaviour=\"child\"} 0");
    expect_line(text, "mm1_actor_spawns_total{behaviour=\"child\"} 6368");
    expect_line(text, "mm1_actor_exits_total{behaviour=\"child\",kind=\"normal\"} 6368");
    expect_line(text, "mm1_actor_messages_total{behaviour=\"counter\"} 6368");
    expect_line(text, "mm1_inbox_messages{behaviour=\"counter\"} 0");
    expect_line(text, "mm1_metrics_dropped_total 0");
}

Test(metrics_threads, nothing_is_missing)
{
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_msg_registry types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    struct mm1_buf text = MM1_BUF(mm1_posix_alloc());
    cr_assert_eq(mm1_msg_register(&types, &step_type), MM1_OK);
    cr_assert_eq(
        mm1_posix_open(&(struct mm1_posix_options){.threads = 4, .log_off = true}, &posix, NULL),
        MM1_OK);
    struct mm1_node_config config = {.name = MM1_TEXT("count"),
                                     .auto_net = {.addr = {UINT64_C(0xaa) << 56}, .mask = 16},
                                     .types = &types,
                                     .metrics = true};
    cr_assert_eq(mm1_node_open(mm1_posix_env(posix), &config, &node), MM1_OK);
    spawn_on(node, &reader);
    spawn_on(node, &reader);
    for (int i = 0; i < COUNTERS; i++) {
        spawn_on(node, &counter);
    }
    while (atomic_load(&reads) < 20) {
        print(node, &text);
    }
    atomic_store(&enough, true);
    cr_assert_eq(mm1_posix_wait_idle(posix, node, MM1_NS_PER_SEC, 60 * MM1_NS_PER_SEC), MM1_OK);
    print(node, &text);
    expect_all(&text);
    mm1_buf_close(&text);
    mm1_posix_close(posix, node);
    mm1_msg_registry_close(&types);
}
