/* Servers: dispatch by type, replies, forwards, stops, what is not handled, and what they count. */
#include <mm1/ask.h>
#include <mm1/kit.h>
#include <mm1/metrics.h>
#include <mm1/node.h>
#include <mm1/server.h>

#include "mini_world.h"
#include "mm1_test.h"
#include "open_metrics.h"

#define ADD_FIELDS(F) F(u32, n)
MM1_MSG_DECLARE(add, ADD_FIELDS)
MM1_MSG_DEFINE(add, "test::Add", ADD_FIELDS)
/* What the handler does: see enum how. */
#define GET_FIELDS(F) F(u8, how) F(addr, to)
MM1_MSG_DECLARE(get, GET_FIELDS)
MM1_MSG_DEFINE(get, "test::Get", GET_FIELDS)
MM1_REQUEST_DECLARE(get)
MM1_REQUEST_DEFINE(get, "test::Get")
#define TOTAL_FIELDS(F) F(u32, n)
MM1_MSG_DECLARE(total, TOTAL_FIELDS)
MM1_MSG_DEFINE(total, "test::Total", TOTAL_FIELDS)
MM1_RESPONSE_DECLARE(total)
MM1_RESPONSE_DEFINE(total, "test::Total")
MM1_MSG_DECLARE_UNIT(stranger)
MM1_MSG_DEFINE_UNIT(stranger, "test::Stranger")
#define COUNTER_FIELDS(F) F(u64, n) F(u32, adds)
MM1_MSG_DECLARE(counter, COUNTER_FIELDS)
MM1_MSG_DEFINE(counter, "test::Counter", COUNTER_FIELDS)

enum how { REPLY, NO_REPLY, REPLY_AND_STOP, FORWARD, FAIL, REPLY_TWICE };

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;

/* --- the servers ---------------------------------------------------------------------------------------------- */

static uint64_t last_trace; /* of the handler that ran last */
static mm1_status last_reply;
static bool clean; /* whether a state came out as zero */
static unsigned finis;

MM1_HANDLER(on_add, struct counter, add)
{
    last_trace = mm1_trace_id(ctx);
    last_reply = mm1_outcome_reply(outcome, total, .n = 1);
    if (m->n == 13) {
        return MM1_INTERNAL;
    }
    if (m->n == 99) {
        mm1_outcome_stop(outcome);
    }
    state->n += m->n;
    state->adds++;
    return MM1_OK;
}

MM1_HANDLER(on_add_again, struct counter, add)
{
    state->n += 1000;
    return MM1_OK;
}

MM1_ANSWERER(on_get, struct counter, get)
{
    last_trace = mm1_trace_id(ctx);
    switch ((enum how)m->how) {
    case NO_REPLY:
        return MM1_OK;
    case FAIL:
        return MM1_INTERNAL;
    case FORWARD:
        return mm1_outcome_forward(outcome, m->to);
    case REPLY_AND_STOP:
        mm1_outcome_stop(outcome);
        break;
    case REPLY_TWICE:
        MM1_TRY(mm1_outcome_reply(outcome, total, .n = 1));
        break;
    case REPLY:
        break;
    }
    cr_assert_eq(header, outcome->header);
    last_reply = mm1_outcome_reply(outcome, total, .n = (uint32_t)state->n);
    return last_reply;
}

static mm1_status counter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct counter *counter = state;
    clean = counter->n == 0 && counter->adds == 0;
    cr_assert_not_null(mm1_behaviour_of(ctx)->state_type);
    counter->n = arg == NULL ? 0 : *(const uint64_t *)arg;
    return MM1_OK;
}

static void counter_fini(void *state)
{
    (void)state;
    finis++;
}

static const struct mm1_server_case cases[] = {
    MM1_SERVER_ON(add, on_add),
    MM1_SERVER_ANSWER(get, on_get),
};
static const struct mm1_server counter =
    MM1_SERVER_OF("counter", counter, counter_init, counter_fini, cases);
static const struct mm1_server bare = MM1_SERVER("bare", struct counter, NULL, NULL, cases);

static const struct mm1_server_case twice_cases[] = {
    MM1_SERVER_ON(add, on_add),
    MM1_SERVER_ANSWER(get, on_get),
    MM1_SERVER_ON(add, on_add_again),
};
static const struct mm1_server twice = MM1_SERVER("twice", struct counter, NULL, NULL, twice_cases);

/* Answers whatever is asked. */
MM1_ANSWERER(on_any_get, struct counter, get)
{
    return mm1_outcome_reply(outcome, total, .n = 321);
}
static const struct mm1_server_case last_cases[] = {MM1_SERVER_ANSWER(get, on_any_get)};
static const struct mm1_server last_server =
    MM1_SERVER("last", struct counter, NULL, NULL, last_cases);

static const struct mm1_server_case odd_cases[] = {
    {.type = &add_type, .on_request = on_get},
};
static const struct mm1_server odd = MM1_SERVER("odd", struct counter, NULL, NULL, odd_cases);
static const struct mm1_server_case empty_cases[] = {{.type = &add_type}};
static const struct mm1_server empty = MM1_SERVER("empty", struct counter, NULL, NULL, empty_cases);

/* --- an asker, and one that notes how a forwarded request came ---------------------------------------------------- */

static struct mm1_envelope noted;
static uint64_t noted_id;
static mm1_addr noted_reply_to;
static unsigned replies;
static uint32_t reply_number;
static bool reply_priority;

static mm1_status noter_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    MM1_ON(envelope, get_request, m) {
        noted = *envelope;
        noted_id = m->header.id;
        noted_reply_to = m->header.reply_to;
    }
    MM1_ON(envelope, total_response, m) {
        replies++;
        noted_id = m->header.id;
        reply_number = m->body.n;
        reply_priority = envelope->priority;
    }
    return MM1_OK;
}

static const struct mm1_behaviour noter = {.name = "noter", .receive = noter_receive};

/* --- the world ------------------------------------------------------------------------------------------------ */

static mm1_addr spawn_with(const struct mm1_behaviour *behaviour)
{
    mm1_addr addr;
    struct mm1_spawn spawn = {.behaviour = behaviour};
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &addr), MM1_OK);
    mini_settle(&world);
    return addr;
}

static void set_up(void)
{
    mini_world_init(&world);
    world.keep_log = true;
    types = MM1_MSG_REGISTRY(&world.own.base);
    const struct mm1_msg_type *const all[] = {&add_type, &get_request_type, &total_response_type,
                                              &stranger_type, &mm1_closed_type};
    for (size_t i = 0; i < MM1_COUNT_OF(all); i++) {
        cr_assert_eq(mm1_msg_register(&types, all[i]), MM1_OK);
    }
    cr_assert_eq(mini_node_open(&world, &home,
                                &(struct mm1_node_config){
                                    .name = MM1_TEXT("home"),
                                    .auto_net = {.addr = {UINT64_C(0xaa) << 56}, .mask = 16},
                                    .types = &types,
                                    .metrics = true,
                                    .encode = true}),
                 MM1_OK);
    replies = 0;
    finis = 0;
}

static void tear_down(void)
{
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

#define SERVER_TEST(name)                                                                          \
    static void name##_scenario(void);                                                             \
    Test(server, name)                                                                             \
    {                                                                                              \
        set_up();                                                                                  \
        name##_scenario();                                                                         \
        tear_down();                                                                               \
    }                                                                                              \
    static void name##_scenario(void)

#define say(to_, T, ...)                                                                           \
    do {                                                                                           \
        struct T m = {__VA_ARGS__};                                                                \
        cr_assert_eq(mm1_node_send(home.node, (to_), &T##_type, &m, NULL), MM1_OK);                \
        mini_settle(&world);                                                                       \
    } while (0)

static void ask(mm1_addr server, mm1_addr reply_to, uint64_t id, struct get body)
{
    struct get_request request = {.header = {.id = id, .reply_to = reply_to}, .body = body};
    struct mm1_header header = {.trace_id = 77, .no = 4711, .ttl = 9, .priority = true};
    cr_assert_eq(mm1_node_send(home.node, server, &get_request_type, &request, &header), MM1_OK);
    mini_settle(&world);
}

static bool lives(mm1_addr addr)
{
    return mm1_node_path(home.node, addr) != NULL;
}

/* --- SRV-01, SRV-02: dispatch and outcomes ------------------------------------------------------------------------ */

SERVER_TEST(messages_and_requests_by_type)
{
    mm1_addr asker = spawn_with(&noter);
    mm1_addr server = spawn_with(&counter.behaviour);
    cr_assert(clean);
    say(server, add, .n = 3);
    say(server, add, .n = 4);
    ask(server, asker, 5, (struct get){.how = REPLY});
    cr_assert_eq(replies, 1);
    cr_assert_eq(reply_number, 7);
    cr_assert_eq(noted_id, 5);
    cr_assert(reply_priority);
    cr_assert(lives(server));
}

SERVER_TEST(the_argument_reaches_init)
{
    mm1_addr asker = spawn_with(&noter);
    mm1_addr server;
    struct mm1_spawn spawn = {
        .behaviour = &counter.behaviour, .arg = &(uint64_t){40}, .arg_size = sizeof(uint64_t)};
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &server), MM1_OK);
    mini_settle(&world);
    ask(server, asker, 1, (struct get){.how = REPLY});
    cr_assert_eq(reply_number, 40);
}

SERVER_TEST(no_reply)
{
    mm1_addr asker = spawn_with(&noter);
    mm1_addr server = spawn_with(&bare.behaviour);
    ask(server, asker, 1, (struct get){.how = NO_REPLY});
    cr_assert_eq(replies, 0);
    cr_assert(lives(server));
}

SERVER_TEST(a_message_is_not_replied_to)
{
    mm1_addr server = spawn_with(&bare.behaviour);
    say(server, add, .n = 1);
    cr_assert_eq(last_reply, MM1_INVALID);
    cr_assert(lives(server));
}

SERVER_TEST(then_stop)
{
    struct mm1_reason reason;
    mm1_addr asker = spawn_with(&noter);
    mm1_addr server = spawn_with(&counter.behaviour);
    ask(server, asker, 1, (struct get){.how = REPLY_AND_STOP});
    cr_assert_eq(replies, 1);
    cr_assert_not(lives(server));
    cr_assert_eq(finis, 1);
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_NORMAL);
    server = spawn_with(&counter.behaviour);
    say(server, add, .n = 99);
    cr_assert_not(lives(server));
}

/* --- SRV-03: errors ----------------------------------------------------------------------------------------------- */

SERVER_TEST(an_asker_that_cannot_be_reached_is_no_error)
{
    mm1_addr server = spawn_with(&counter.behaviour);
    mm1_addr gone = spawn_with(&counter.behaviour);
    say(gone, add, .n = 99);
    ask(server, gone, 1, (struct get){.how = REPLY});
    cr_assert_eq(last_reply, MM1_OK);
    ask(server, MM1_ADDR(UINT64_C(0x1234) << 48), 1, (struct get){.how = REPLY});
    cr_assert_eq(last_reply, MM1_OK);
    cr_assert(lives(server));
}

static void expect_internal(mm1_addr server, const char *log)
{
    struct mm1_reason reason;
    cr_assert_not(lives(server));
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, MM1_INTERNAL);
    cr_assert(mini_logged(&world, log));
    cr_assert_eq(finis, 1);
}

SERVER_TEST(a_handler_that_fails_ends_the_server)
{
    mm1_addr server = spawn_with(&counter.behaviour);
    say(server, add, .n = 13);
    expect_internal(server, "server counter: its handler of test::Add failed: internal error");
}

SERVER_TEST(an_answerer_that_fails_ends_the_server)
{
    mm1_addr server = spawn_with(&counter.behaviour);
    ask(server, server, 1, (struct get){.how = FAIL});
    expect_internal(server, "its handler of mm1_proto_ask::Request<test::Get> failed");
}

SERVER_TEST(a_forward_that_fails_ends_the_server)
{
    struct mm1_reason reason;
    mm1_addr server = spawn_with(&counter.behaviour);
    ask(server, server, 1, (struct get){.how = FORWARD, .to = {UINT64_C(0x1234) << 48}});
    cr_assert_not(lives(server));
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.code, MM1_NOT_FOUND);
}

/* --- SRV-04, SRV-07: headers and traces --------------------------------------------------------------------------- */

SERVER_TEST(a_forward_keeps_headers)
{
    mm1_addr last = spawn_with(&noter);
    mm1_addr server = spawn_with(&counter.behaviour);
    ask(server, MM1_ADDR(1234), 8, (struct get){.how = FORWARD, .to = last});
    cr_assert_eq(noted_id, 8);
    cr_assert_eq(noted_reply_to.bits, 1234);
    cr_assert_eq(noted.trace_id, 77);
    cr_assert_eq(noted.no, 4711);
    cr_assert_eq(noted.ttl, 7); /* two hops */
    cr_assert(noted.priority);
    cr_assert(mm1_addr_equal(noted.to, server));
}

SERVER_TEST(the_last_server_answers_the_first_asker)
{
    mm1_addr asker = spawn_with(&noter);
    mm1_addr last = spawn_with(&last_server.behaviour);
    mm1_addr first = spawn_with(&counter.behaviour);
    ask(first, asker, 6, (struct get){.how = FORWARD, .to = last});
    cr_assert_eq(replies, 1);
    cr_assert_eq(noted_id, 6);
    cr_assert_eq(reply_number, 321);
}

SERVER_TEST(handlers_run_under_the_trace_of_their_message)
{
    mm1_addr server = spawn_with(&counter.behaviour);
    ask(server, MM1_ADDR(1), 1, (struct get){.how = NO_REPLY});
    cr_assert_eq(last_trace, 77);
    struct mm1_header header = {.trace_id = 78};
    struct add m = {.n = 1};
    cr_assert_eq(mm1_node_send(home.node, server, &add_type, &m, &header), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(last_trace, 78);
}

/* --- SRV-05, SRV-06: what nobody handles, and what two do --------------------------------------------------------- */

SERVER_TEST(a_type_without_a_handler)
{
    mm1_addr server = spawn_with(&counter.behaviour);
    say(server, stranger, .mm1_unit = 0);
    cr_assert(mini_logged(&world, "test::Stranger"));
    cr_assert(lives(server));
}

SERVER_TEST(the_first_of_two_handlers_counts)
{
    mm1_addr asker = spawn_with(&noter);
    mm1_addr server = spawn_with(&twice.behaviour);
    cr_assert(mini_logged(&world, "server twice: a second handler of test::Add is never called"));
    size_t logged = world.log.size;
    say(server, add, .n = 5);
    say(server, add, .n = 5);
    cr_assert_eq(world.log.size, logged);
    ask(server, asker, 1, (struct get){.how = REPLY});
    cr_assert_eq(reply_number, 10);
}

SERVER_TEST(a_case_that_does_not_fit)
{
    struct mm1_reason reason;
    cr_assert_not(lives(spawn_with(&odd.behaviour)));
    cr_assert(mini_logged(&world, "server odd: the case of test::Add has no fit handler"));
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_INIT_FAILED);
    cr_assert_not(lives(spawn_with(&empty.behaviour)));
}

/* --- what is counted ---------------------------------------------------------------------------------------------- */

SERVER_TEST(what_servers_handle_is_counted)
{
    mm1_addr server = spawn_with(&counter.behaviour);
    say(server, add, .n = 1);
    say(server, add, .n = 1);
    say(server, stranger, .mm1_unit = 0);
    ask(server, MM1_ADDR(1), 1, (struct get){.how = NO_REPLY});
    struct mm1_buf text = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_node_metrics(home.node, &text), MM1_OK);
    cr_assert_null(open_metrics_fault(mm1_buf_text(&text)));
    cr_assert(open_metrics_has(mm1_buf_text(&text),
                               "mm1_server_on_message_total{beh=\"counter\",msg=\"test::Add\"} 2"));
    cr_assert(open_metrics_has(mm1_buf_text(&text),
                               "mm1_server_on_request_total{beh=\"counter\","
                               "req=\"mm1_proto_ask::Request<test::Get>\"} 1"));
    mm1_buf_close(&text);
}

/* --- memory refused ----------------------------------------------------------------------------------------------- */

SERVER_TEST(memory_refused_for_a_reply)
{
    struct mm1_reason reason;
    mm1_addr server = spawn_with(&counter.behaviour);
    struct get_request request = {.header = {.id = 1, .reply_to = server},
                                  .body = {.how = REPLY_TWICE}};
    cr_assert_eq(mm1_node_send(home.node, server, &get_request_type, &request, NULL), MM1_OK);
    test_alloc_fail_at(&world.alloc, 1);
    world.alloc.fail_rest = true;
    mini_settle(&world);
    test_alloc_fail_at(&world.alloc, 0);
    world.alloc.fail_rest = false;
    cr_assert_not(lives(server)); /* the handler handed the status on */
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.code, MM1_NOMEM);
}
