/* The metrics server: the head of a request by itself, and whole connections. */
#include <stdio.h>

#include <mm1/kit.h>
#include <mm1/life.h>
#include <mm1/metrics.h>
#include <mm1/node.h>

#include "kit/http_get.h"
#include "mini_world.h"
#include "mm1_test.h"
#include "open_metrics.h"

#define HOST "Host: x\r\n"
#define NAME "tcp://home:9464"

/* --- heads ---------------------------------------------------------------------------------------------------- */

static int head(const char *text)
{
    return mm1__http_get(mm1_bytes_of_text(mm1_text_of(text)), MM1_TEXT("/metrics"));
}

Test(http_get, good)
{
    static const char *const heads[] = {
        "GET /metrics HTTP/1.1\r\n" HOST "\r\n",
        "GET /metrics HTTP/1.0\r\n\r\n",
        "GET /metrics HTTP/1.0\r\n" HOST "\r\n",
        "GET /metrics HTTP/1.9\r\nhOST:x\r\nAccept:\t*/*, text/plain ; q=\"1\" \r\nX-Y_z: "
        "\x80\r\n\r\n",
        "GET /metrics? HTTP/1.1\r\n" HOST "\r\n",
        "GET /metrics?a=b?c HTTP/1.1\r\n" HOST "\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "\r\nmore that nobody reads\n",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(heads); i++) {
        cr_assert_eq(head(heads[i]), 200, "%s", heads[i]);
    }
}

Test(http_get, another_path_or_method)
{
    cr_assert_eq(head("GET / HTTP/1.1\r\n" HOST "\r\n"), 404);
    cr_assert_eq(head("GET /metricsx HTTP/1.1\r\n" HOST "\r\n"), 404);
    cr_assert_eq(head("GET /metrics/ HTTP/1.1\r\n" HOST "\r\n"), 404);
    cr_assert_eq(head("GET /Metrics HTTP/1.1\r\n" HOST "\r\n"), 404);
    cr_assert_eq(head("POST /other HTTP/1.1\r\n" HOST "\r\n"), 404);
    cr_assert_eq(head("POST /metrics HTTP/1.1\r\n" HOST "\r\n"), 405);
    cr_assert_eq(head("HEAD /metrics HTTP/1.1\r\n" HOST "\r\n"), 405);
    cr_assert_eq(head("get /metrics HTTP/1.1\r\n" HOST "\r\n"), 405);
}

Test(http_get, malformed)
{
    static const char *const heads[] = {
        "\r\n\r\n",
        "GET /metrics\r\n\r\n",
        "GET /metrics HTTP/2.0\r\n" HOST "\r\n",
        "GET /metrics HTTP/1.1 \r\n" HOST "\r\n",
        "GET /metrics HTTP/1.\r\n" HOST "\r\n",
        "GET /metrics HTTP/1.x\r\n" HOST "\r\n",
        "GET /metrics http/1.1\r\n" HOST "\r\n",
        "GET  /metrics HTTP/1.1\r\n" HOST "\r\n",
        " GET /metrics HTTP/1.1\r\n" HOST "\r\n",
        "G@T /metrics HTTP/1.1\r\n" HOST "\r\n",
        "GET metrics HTTP/1.1\r\n" HOST "\r\n",
        "GET /metr\x80ics HTTP/1.1\r\n" HOST "\r\n",
        "GET http://x/metrics HTTP/1.1\r\n" HOST "\r\n",
        "GET /metrics HTTP/1.1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST HOST "\r\n",
        "GET /metrics HTTP/1.0\r\n" HOST HOST "\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "Accept\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "Accept : x\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST ": x\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "Accept: x,\r\n y\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n",
        "GET /metrics HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n",
        /* Told apart before the end is in. */
        "GET /metrics HTTP/1.1\n",
        "GET /metrics HTTP/1.1\rX",
        "GET /metrics\tHTTP/1.1\r\n\x01",
        "\x16\x03\x01",
        "GET /\x7f",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(heads); i++) {
        cr_assert_eq(head(heads[i]), 400, "%s", heads[i]);
    }
    cr_assert_eq(mm1__http_get((struct mm1_bytes){.data = (const uint8_t *)"GET\0", .size = 4},
                               MM1_TEXT("/metrics")),
                 400);
}

Test(http_get, in_pieces)
{
    static const char whole[] = "GET /metrics HTTP/1.1\r\n" HOST "A: b\r\n\r\n";
    for (size_t size = 0; size < sizeof(whole) - 1; size++) {
        struct mm1_bytes part = {.data = (const uint8_t *)whole, .size = size};
        cr_assert_eq(mm1__http_get(part, MM1_TEXT("/metrics")), 0, "%zu", size);
    }
    cr_assert_eq(head(whole), 200);
}

Test(http_get, length)
{
    static char text[MM1__HTTP_HEAD_MAX + 1];
    static const char begin[] = "GET /metrics HTTP/1.1\r\n" HOST "A: ";
    memset(text, 'a', sizeof(text));
    memcpy(text, begin, sizeof(begin) - 1);
    memcpy(text + MM1__HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
    struct mm1_bytes bytes = {.data = (const uint8_t *)text, .size = MM1__HTTP_HEAD_MAX};
    cr_assert_eq(mm1__http_get(bytes, MM1_TEXT("/metrics")), 200);
    bytes.size--;
    cr_assert_eq(mm1__http_get(bytes, MM1_TEXT("/metrics")), 0);
    memcpy(text + MM1__HTTP_HEAD_MAX - 4, "aaaa\n", 5);
    bytes.size = MM1__HTTP_HEAD_MAX - 1;
    cr_assert_eq(mm1__http_get(bytes, MM1_TEXT("/metrics")), 0);
    bytes.size++;
    cr_assert_eq(mm1__http_get(bytes, MM1_TEXT("/metrics")), 400);
}

/* --- the world ------------------------------------------------------------------------------------------------ */

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;
static mm1_addr server;

static void open_home(bool metrics)
{
    mini_world_init(&world);
    world.keep_log = true;
    types = MM1_MSG_REGISTRY(&world.own.base);
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
    cr_assert_eq(mini_node_open(&world, &home,
                                &(struct mm1_node_config){
                                    .name = MM1_TEXT("home"),
                                    .auto_net = {.addr = {UINT64_C(0xaa) << 56}, .mask = 16},
                                    .types = &types,
                                    .metrics = metrics,
                                    .one_thread = true}),
                 MM1_OK);
}

static void spawn_server(void)
{
    struct mm1_metrics_config config = {.addr = MM1_TEXT(NAME)};
    struct mm1_spawn spawn = {
        .behaviour = &mm1_metrics_server, .arg_type = &mm1_metrics_config_type, .arg = &config};
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &server), MM1_OK);
    mini_settle(&world);
}

static void close_home(void)
{
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

static bool lives(mm1_addr addr)
{
    return mm1_node_path(home.node, addr) != NULL;
}

#define HTTP_TEST(name)                                                                            \
    static void http_##name(void);                                                                 \
    Test(metrics_server, name)                                                                     \
    {                                                                                              \
        open_home(true);                                                                           \
        spawn_server();                                                                            \
        http_##name();                                                                             \
        close_home();                                                                              \
    }                                                                                              \
    static void http_##name(void)

static void send_text(struct mini_end *end, const char *text)
{
    mini_send(end, text, strlen(text));
    mini_settle(&world);
}

/* The body of an answer that must have this status line and type, say its length, and be the last. */
static struct mm1_text body_of(const struct mini_end *end, const char *status, const char *type)
{
    char wanted[512];
    struct mm1_bytes all = mini_received(end);
    struct mm1_text text = {.data = (const char *)all.data, .size = all.size};
    const char *blank = NULL;
    for (size_t i = 0; i + 4 <= text.size && blank == NULL; i++) {
        blank = memcmp(text.data + i, "\r\n\r\n", 4) == 0 ? text.data + i + 4 : NULL;
    }
    cr_assert_not_null(blank, "no end of the head in %zu bytes", text.size);
    size_t head_size = (size_t)(blank - text.data);
    int size = snprintf(wanted, sizeof(wanted),
                        "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s"
                        "Connection: close\r\n\r\n",
                        status, type, text.size - head_size,
                        strncmp(status, "405", 3) == 0 ? "Allow: GET\r\n" : "");
    cr_assert_eq((size_t)size, head_size, "%.*s", (int)head_size, text.data);
    cr_assert_arr_eq(text.data, wanted, head_size);
    cr_assert_eq(mini_ending(end), MM1_CLOSED);
    return (struct mm1_text){.data = blank, .size = text.size - head_size};
}

#define OPEN_METRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PLAIN "text/plain; charset=utf-8"

static void expect_metrics(const struct mini_end *end)
{
    struct mm1_text body = body_of(end, "200 OK", OPEN_METRICS);
    const char *fault = open_metrics_fault(body);
    cr_assert_null(fault, "%s", fault);
    cr_assert(open_metrics_has(body, "mm1_actors{behaviour=\"metrics\"} 1"));
}

static struct mini_end *dial(void)
{
    struct mini_end *end = mini_dial(&world, NAME);
    cr_assert_not_null(end);
    mini_settle(&world);
    return end;
}

#define REQUEST "GET /metrics HTTP/1.1\r\n" HOST "\r\n"

/* --- connections ---------------------------------------------------------------------------------------------- */

HTTP_TEST(serves_the_metrics)
{
    cr_assert(mini_logged(&world, "metrics at " NAME));
    struct mini_end *one = dial();
    struct mini_end *two = dial();
    send_text(one, REQUEST);
    expect_metrics(one);
    cr_assert_eq(mini_received(two).size, 0);
    send_text(two, REQUEST);
    expect_metrics(two);
    mini_advance(&world, 60 * MM1_NS_PER_SEC); /* no timer was left behind */
    cr_assert(lives(server));
}

HTTP_TEST(a_request_in_small_pieces)
{
    world.piece_max = 1;
    struct mini_end *end = dial();
    send_text(end, REQUEST);
    expect_metrics(end);
}

HTTP_TEST(what_it_does_not_serve)
{
    struct mini_end *end = dial();
    send_text(end, "GET / HTTP/1.1\r\n" HOST "\r\n");
    cr_assert(mm1_text_equal(body_of(end, "404 Not Found", PLAIN), MM1_TEXT("404 Not Found\n")));
    end = dial();
    send_text(end, "PUT /metrics HTTP/1.1\r\n" HOST "\r\n");
    (void)body_of(end, "405 Method Not Allowed", PLAIN);
    end = dial();
    send_text(end, "hello\n");
    (void)body_of(end, "400 Bad Request", PLAIN);
    cr_assert(lives(server));
}

HTTP_TEST(a_head_without_end)
{
    struct mini_end *end = dial();
    send_text(end, "GET /metrics HTTP/1.1\r\n");
    for (int i = 0; i < MM1__HTTP_HEAD_MAX / 8; i++) {
        send_text(end, "A: bc\r\n");
    }
    cr_assert_eq(mini_received(end).size, 0);
    for (int i = 0; i < MM1__HTTP_HEAD_MAX / 8; i++) {
        send_text(end, "A: bc\r\n");
    }
    (void)body_of(end, "400 Bad Request", PLAIN);
    cr_assert_leq(end->peer->received, (size_t)MM1__HTTP_HEAD_MAX);
}

HTTP_TEST(a_peer_that_is_slow)
{
    struct mini_end *end = dial();
    mini_advance(&world, 9 * MM1_NS_PER_SEC);
    send_text(end, "GET /metrics");
    cr_assert_eq(mini_ending(end), MM1_OK);
    cr_assert_eq(mm1_node_unrest(home.node), 0); /* it does not keep the node from resting */
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_eq(mini_ending(end), MM1_CLOSED);
    cr_assert_eq(mini_received(end).size, 0);
}

HTTP_TEST(a_peer_that_leaves)
{
    size_t live = world.alloc.live;
    struct mini_end *one = dial();
    struct mini_end *two = dial();
    send_text(one, "GET /metrics HT");
    mini_close(one, MM1_CLOSED);
    mini_close(two, MM1_RESET);
    mini_settle(&world);
    cr_assert_eq(world.alloc.live, live);
    cr_assert(lives(server));
}

HTTP_TEST(too_many_peers)
{
    struct mini_end *ends[64];
    for (size_t i = 0; i < MM1_COUNT_OF(ends); i++) {
        ends[i] = dial();
    }
    struct mini_end *more = dial();
    cr_assert_eq(mini_ending(more), MM1_CLOSED);
    cr_assert(mini_logged(&world, "too many at a time"));
    send_text(ends[63], REQUEST);
    expect_metrics(ends[63]);
    more = dial();
    send_text(more, REQUEST);
    expect_metrics(more);
    mini_advance(&world, 10 * MM1_NS_PER_SEC);
    cr_assert_eq(mini_ending(ends[0]), MM1_CLOSED);
}

HTTP_TEST(it_ends_with_peers)
{
    struct mini_end *end = dial();
    send_text(end, "GET ");
    cr_assert_eq(mm1_node_exit(home.node, server, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
    cr_assert_not(lives(server));
    cr_assert_neq(mini_ending(end), MM1_OK);
    cr_assert_null(mini_dial(&world, NAME));
}

/* Of any request for memory that is refused the server survives, and serves the next peer. */
HTTP_TEST(memory_refused)
{
    bool served = false;
    for (size_t k = 1; !served; k++) {
        cr_assert_lt(k, 200);
        struct mini_end *end = mini_dial(&world, NAME);
        mini_send(end, REQUEST, sizeof(REQUEST) - 1);
        test_alloc_fail_at(&world.alloc, k);
        mini_settle(&world);
        served = world.alloc.requests < k;
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert(lives(server), "%zu", k);
        mini_advance(&world, 10 * MM1_NS_PER_SEC);
        struct mini_end *next = dial();
        send_text(next, REQUEST);
        expect_metrics(next);
    }
    cr_assert(mini_logged(&world, "no answer") || mini_logged(&world, "turned away"));
}

/* --- how it begins -------------------------------------------------------------------------------------------- */

struct starter {
    struct mm1_start start;
};

static bool started;

static mm1_status starter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct starter *starter = state;
    struct mm1_metrics_config config = {.addr = MM1_TEXT(NAME)};
    struct mm1_spawn spawn = {
        .behaviour = &mm1_metrics_server, .arg_type = &mm1_metrics_config_type, .arg = &config};
    (void)arg;
    return mm1_start_begin(ctx, &starter->start, &spawn, MM1_NS_PER_SEC);
}

static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct starter *starter = state;
    if (mm1_start_take(ctx, &starter->start, envelope) == MM1_CALL_DONE) {
        started = starter->start.status == MM1_OK &&
                  mm1_addr_equal(starter->start.addr, starter->start.child);
    }
    return MM1_OK;
}

static const struct mm1_behaviour starter_behaviour = {.name = "starter",
                                                       .state_size = sizeof(struct starter),
                                                       .init = starter_init,
                                                       .receive = starter_receive};

Test(metrics_server, says_when_it_listens)
{
    mm1_addr addr;
    open_home(true);
    started = false;
    struct mm1_spawn spawn = {.behaviour = &starter_behaviour};
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &addr), MM1_OK);
    mini_settle(&world);
    cr_assert(started);
    struct mini_end *end = dial();
    send_text(end, REQUEST);
    expect_metrics(end);
    close_home();
}

Test(metrics_server, cannot_listen)
{
    struct mm1_reason reason;
    open_home(true);
    cr_assert_not_null(mini_listen(&world, NAME));
    spawn_server();
    cr_assert_not(lives(server));
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, MM1_IN_USE);
    cr_assert(mini_logged(&world, "metrics: cannot listen"));
    close_home();
}

Test(metrics_server, a_node_that_does_not_count)
{
    open_home(false);
    spawn_server();
    cr_assert_not(lives(server));
    cr_assert(mini_logged(&world, "does not count"));
    close_home();
}
