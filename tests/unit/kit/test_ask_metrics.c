/* What is counted of asks: how each of them ends, and how long replies took. */
#include <mm1/ask.h>
#include <mm1/function.h>
#include <mm1/kit.h>
#include <mm1/metrics.h>
#include <mm1/node.h>

#include "mini_world.h"
#include "mm1_test.h"
#include "open_metrics.h"

#define WAIT_FIELDS(F) F(duration, delay)
MM1_MSG_DECLARE(wait, WAIT_FIELDS)
MM1_MSG_DEFINE(wait, "test::Wait", WAIT_FIELDS)
MM1_REQUEST_DECLARE(wait)
MM1_REQUEST_DEFINE(wait, "test::Wait")
#define WAITED_FIELDS(F) F(u8, n)
MM1_MSG_DECLARE(waited, WAITED_FIELDS)
MM1_MSG_DEFINE(waited, "test::Waited", WAITED_FIELDS)
MM1_RESPONSE_DECLARE(waited)
MM1_RESPONSE_DEFINE(waited, "test::Waited")

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;
static mm1_addr server;
static bool asked;

static mm1_status server_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        MM1_ON(envelope, wait_request, m) {
            MM1_TRY(mm1_sleep(ctx, m->body.delay));
            MM1_TRY(mm1_reply(ctx, &m->header, waited, .n = 1));
        }
    }
}

static mm1_status asker_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct waited *answer;
    struct mm1_ask other = {.id = 0};
    mm1_addr nowhere = MM1_ADDR(UINT64_C(0x1234) << 48);
    (void)arg;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(
            mm1_ask(ctx, server, MM1_NS_PER_SEC, wait, waited, &answer, .delay = 2 * MM1_NS_PER_MS),
            MM1_OK);
    }
    cr_assert_eq(
        mm1_ask(ctx, server, 5 * MM1_NS_PER_MS, wait, waited, &answer, .delay = 8 * MM1_NS_PER_MS),
        MM1_TIMEOUT);
    cr_assert_eq(mm1_ask(ctx, nowhere, MM1_NS_PER_SEC, wait, waited, &answer, .delay = 0),
                 MM1_NOT_FOUND);
    cr_assert_eq(mm1_ask_begin(ctx, &other, server, MM1_NS_PER_SEC, wait, .delay = 0), MM1_OK);
    mm1_ask_cancel(ctx, &other);
    mm1_ask_cancel(ctx, &other); /* nothing is under way */
    (void)mm1_kill(ctx, server);
    cr_assert_eq(mm1_ask(ctx, server, MM1_NS_PER_SEC, wait, waited, &answer, .delay = 0),
                 MM1_NOPROC);
    asked = true;
    return MM1_OK;
}

static const struct mm1_function server_actor = MM1_FUNCTION("server", server_run);
static const struct mm1_function asker_actor = MM1_FUNCTION("asker", asker_run);

static mm1_addr spawn_fn(const struct mm1_function *function)
{
    mm1_addr addr;
    struct mm1_spawn spawn = {.behaviour = &function->behaviour};
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &addr), MM1_OK);
    return addr;
}

static void expect_line(struct mm1_text text, const char *line)
{
    cr_assert(open_metrics_has(text, line), "no line '%s' in\n%.*s", line, (int)text.size,
              text.data);
}

#define REQ "req=\"mm1_proto_ask::Request<test::Wait>\""

static void expect_counts(struct mm1_text text)
{
    const char *fault = open_metrics_fault(text);
    cr_assert_null(fault, "%s", fault);
    expect_line(text, "mm1_ask_started_total{" REQ "} 6");
    expect_line(text, "mm1_ask_done_total{" REQ ",outcome=\"replied\"} 3");
    expect_line(text, "mm1_ask_done_total{" REQ ",outcome=\"timed_out\"} 1");
    expect_line(text, "mm1_ask_done_total{" REQ ",outcome=\"unsent\"} 1");
    expect_line(text, "mm1_ask_done_total{" REQ ",outcome=\"cancelled\"} 1");
    expect_line(text, "mm1_ask_done_total{" REQ ",outcome=\"down\"} 1");
    expect_line(text, "mm1_ask_seconds_bucket{" REQ ",le=\"0.001\"} 0");
    expect_line(text, "mm1_ask_seconds_bucket{" REQ ",le=\"0.005\"} 3");
    expect_line(text, "mm1_ask_seconds_count{" REQ "} 3");
    expect_line(text, "mm1_ask_seconds_sum{" REQ "} 0.006000000");
}

Test(ask_metrics, every_end_is_counted)
{
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
    cr_assert_eq(mm1_msg_register(&types, &wait_request_type), MM1_OK);
    cr_assert_eq(mm1_msg_register(&types, &waited_response_type), MM1_OK);
    cr_assert_eq(mini_node_open(&world, &home,
                                &(struct mm1_node_config){
                                    .name = MM1_TEXT("home"),
                                    .auto_net = {.addr = {UINT64_C(0xaa) << 56}, .mask = 16},
                                    .types = &types,
                                    .metrics = true,
                                    .encode = true}),
                 MM1_OK);
    server = spawn_fn(&server_actor);
    mini_settle(&world);
    (void)spawn_fn(&asker_actor);
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert(asked);
    struct mm1_buf text = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_node_metrics(home.node, &text), MM1_OK);
    expect_counts(mm1_buf_text(&text));
    mm1_buf_close(&text);
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}
