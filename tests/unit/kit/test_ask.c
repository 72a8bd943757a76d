/* Ask: replies, timeouts, ends of servers, what comes too late, and several questions at once. */
#include <stdio.h>

#include <mm1/ask.h>
#include <mm1/kit.h>

#include "mini_world.h"
#include "mm1_test.h"

#define DOUBLE_IT_FIELDS(F) F(u32, number) F(duration, delay)
MM1_MSG_DECLARE(double_it, DOUBLE_IT_FIELDS)
MM1_MSG_DEFINE(double_it, "test::DoubleIt", DOUBLE_IT_FIELDS)
MM1_REQUEST_DECLARE(double_it)
MM1_REQUEST_DEFINE(double_it, "test::DoubleIt")
#define DOUBLED_FIELDS(F) F(u32, number)
MM1_MSG_DECLARE(doubled, DOUBLED_FIELDS)
MM1_MSG_DEFINE(doubled, "test::Doubled", DOUBLED_FIELDS)
MM1_RESPONSE_DECLARE(doubled)
MM1_RESPONSE_DEFINE(doubled, "test::Doubled")

#define LATER_FIELDS(F) F(sub(mm1_request_header), header) F(u32, number)
MM1_MSG_DECLARE(later, LATER_FIELDS)
MM1_MSG_DEFINE(later, "mm1_local::test::Later", LATER_FIELDS)

/* What the asker does when told to. */
#define GO_FIELDS(F)                                                                               \
    F(u32, number) F(duration, delay) F(duration, timeout) F(u8, slot) F(bool, cancel)
MM1_MSG_DECLARE(go, GO_FIELDS)
MM1_MSG_DEFINE(go, "test::Go", GO_FIELDS)

static struct mini_world world;
static struct mini_node node;
static struct mm1_msg_registry types;
static mm1_addr server;
static mm1_addr asker;

/* --- a server that doubles numbers, now or after a while; some it answers with silence or its end ----------------- */

#define UNANSWERED 13
#define ANSWERED_AT_LAST 14
#define ENDS 15
#define FAILS 16

static mm1_status server_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, double_it_request, m) {
        cr_assert_not(envelope->priority);
        if (m->body.number == UNANSWERED) {
            return MM1_OK;
        }
        if (m->body.number == ENDS || m->body.number == ANSWERED_AT_LAST) {
            mm1_quit(ctx, MM1_NORMAL);
        }
        if (m->body.number == ENDS || m->body.number == FAILS) {
            return m->body.number == ENDS ? MM1_OK : MM1_INTERNAL;
        }
        if (m->body.delay == 0) {
            return mm1_reply(ctx, &m->header, doubled, .number = 2 * m->body.number);
        }
        uint64_t timer;
        return mm1_after(ctx, m->body.delay, &timer, later, .header = m->header,
                         .number = m->body.number);
    }
    MM1_ON(envelope, later, m) {
        return mm1_reply(ctx, &m->header, doubled, .number = 2 * m->number);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour server_behaviour = {.name = "server", .receive = server_receive};

/* --- an asker with two questions at a time; what became of them is in `seen` -------------------------------------- */

struct asker {
    struct mm1_ask asks[2];
};

static char seen[1024];
static uint64_t ids[16];
static size_t id_count;

static void note(const char *format, unsigned slot, unsigned number)
{
    size_t size = strlen(seen);
    snprintf(seen + size, sizeof(seen) - size, format, slot, number);
}

static mm1_status asker_go(struct mm1_ctx *ctx, struct asker *a, const struct go *m)
{
    struct mm1_ask *ask = &a->asks[m->slot];
    if (m->cancel) {
        mm1_ask_cancel(ctx, ask);
        return MM1_OK;
    }
    mm1_status status = mm1_ask_begin(ctx, ask, server, m->timeout, double_it, .number = m->number,
                                      .delay = m->delay);
    if (status != MM1_OK) {
        note("%u failed %u, ", m->slot, (unsigned)status);
        cr_assert_eq(ask->id, 0);
        return MM1_OK;
    }
    ids[id_count++] = ask->id;
    return MM1_OK;
}

static mm1_status asker_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct asker *a = state;
    MM1_ON(envelope, go, m) {
        return asker_go(ctx, a, m);
    }
    bool stale = false;
    bool mine = false;
    for (unsigned i = 0; i < 2; i++) {
        const void *body = NULL;
        switch (mm1_ask_take(ctx, &a->asks[i], envelope, &doubled_response_type, &body)) {
        case MM1_ASK_NOT_MINE:
            break;
        case MM1_ASK_STALE:
            stale = mine = true;
            break;
        case MM1_ASK_REPLY:
            cr_assert(envelope->priority, "replies take the priority lane (ASK-02)");
            cr_assert_eq(a->asks[i].id, 0);
            note("%u got %u, ", i, ((const struct doubled *)body)->number);
            return MM1_OK;
        case MM1_ASK_TIMEOUT:
            cr_assert_eq(a->asks[i].id, 0);
            note("%u timed out, ", i, 0);
            return MM1_OK;
        case MM1_ASK_DOWN:
            cr_assert_eq(a->asks[i].id, 0);
            note("%u down %u, ", i, (unsigned)a->asks[i].reason.kind);
            return MM1_OK;
        }
    }
    if (!mine) {
        note("not mine, ", 0, 0);
        return mm1_unhandled(ctx, envelope);
    }
    cr_assert(stale);
    note("stale, ", 0, 0);
    return MM1_OK;
}

static const struct mm1_behaviour asker_behaviour = {
    .name = "asker", .state_size = sizeof(struct asker), .receive = asker_receive};

/* ---------------------------------------------------------------------------------------------------------------- */

static void setup(void)
{
    seen[0] = '\0';
    id_count = 0;
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    const struct mm1_msg_type *const all[] = {&double_it_request_type, &doubled_response_type,
                                              &later_type, &go_type};
    for (size_t i = 0; i < MM1_COUNT_OF(all); i++) {
        cr_assert_eq(mm1_msg_register(&types, all[i]), MM1_OK);
    }
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
    struct mm1_net locals[] = {MM1_NET_DEFAULT_BIND};
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .locals = locals,
                                     .local_count = 1,
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .actors_max = 64,
                                     .types = &types,
                                     .encode = true};
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_OK);
    cr_assert_eq(
        mm1_node_spawn(node.node, &(struct mm1_spawn){.behaviour = &server_behaviour}, &server),
        MM1_OK);
    cr_assert_eq(
        mm1_node_spawn(node.node, &(struct mm1_spawn){.behaviour = &asker_behaviour}, &asker),
        MM1_OK);
    mini_settle(&world);
}

static void teardown(void)
{
    mini_node_close(&node);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

static void tell(const struct go *m)
{
    cr_assert_eq(mm1_node_send(node.node, asker, &go_type, m, NULL), MM1_OK);
}

#define MS MM1_NS_PER_MS

Test(ask, reply, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = 21, .timeout = 100 * MS});
    mini_settle(&world);
    cr_assert_str_eq(seen, "0 got 42, ");
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 got 42, ", "its timer does not come any more");
}

Test(ask, timeout_then_late_reply, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = 1, .delay = 200 * MS, .timeout = 100 * MS});
    mini_advance(&world, 99 * MS);
    cr_assert_str_eq(seen, "");
    mini_advance(&world, 1 * MS);
    cr_assert_str_eq(seen, "0 timed out, ");
    tell(&(struct go){.number = 5, .delay = 300 * MS, .timeout = 1000 * MS});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 timed out, stale, 0 got 10, ");
}

Test(ask, unanswered, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = UNANSWERED, .timeout = 50 * MS});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 timed out, ");
}

Test(ask, timeout_of_zero, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = UNANSWERED, .timeout = 0});
    mini_advance(&world, 0);
    cr_assert_str_eq(seen, "0 timed out, ");
}

Test(ask, a_timeout_without_end, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = 1,
                      .delay = 3600 * MM1_NS_PER_SEC,
                      .timeout = UINT64_MAX / MM1_NS_PER_SEC * MM1_NS_PER_SEC});
    mini_advance(&world, 3601 * MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 got 2, ");
}

Test(ask, two_questions_with_one_deadline_both_time_out, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = UNANSWERED, .timeout = 100 * MS, .slot = 1});
    tell(&(struct go){.number = UNANSWERED, .timeout = 100 * MS, .slot = 0});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "1 timed out, 0 timed out, ");
}

Test(ask, one_is_answered_the_other_is_not, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = UNANSWERED, .timeout = 100 * MS, .slot = 0});
    tell(&(struct go){.number = 4, .delay = 50 * MS, .timeout = 100 * MS, .slot = 1});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "1 got 8, 0 timed out, ");
}

Test(ask, cancel, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = 4, .delay = 50 * MS, .timeout = 100 * MS});
    mini_settle(&world);
    tell(&(struct go){.cancel = true});
    tell(&(struct go){.cancel = true});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "stale, ");
}

Test(ask, ids_are_unique, .init = setup, .fini = teardown)
{
    for (unsigned i = 0; i < 8; i++) {
        tell(&(struct go){.number = i, .timeout = 100 * MS, .slot = (uint8_t)(i % 2)});
        mini_settle(&world);
    }
    cr_assert_eq(id_count, 8);
    for (size_t i = 0; i < id_count; i++) {
        cr_assert_neq(ids[i], 0);
        for (size_t k = 0; k < i; k++) {
            cr_assert_neq(ids[i], ids[k]);
        }
    }
}

Test(ask, an_address_without_route_fails_at_once, .init = setup, .fini = teardown)
{
    mm1_addr real = server;
    server = MM1_ADDR(0x1234);
    tell(&(struct go){.number = 4, .timeout = 100 * MS});
    mini_settle(&world);
    cr_assert_str_eq(seen, "0 failed 3, ");
    server = real;
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 failed 3, ", "its timer was cancelled");
}

/* --- the server ends --------------------------------------------------------------------------------------------- */

Test(ask, a_server_that_ends_without_an_answer, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = ENDS, .timeout = 100 * MS});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 down 0, ", "normal, and no timeout after it");
}

Test(ask, a_server_that_fails, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = UNANSWERED, .timeout = 100 * MS});
    tell(&(struct go){.number = FAILS, .timeout = 100 * MS, .slot = 1});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 down 9, 1 down 9, ", "the end is told to each question: %s", seen);
}

Test(ask, nobody_is_there, .init = setup, .fini = teardown)
{
    server = MM1_ADDR(asker.bits + 256 * 1000);
    tell(&(struct go){.number = 1, .timeout = 100 * MS});
    mini_settle(&world);
    cr_assert_str_eq(seen, "0 down 5, ", "noproc");
    server = MM1_ADDR(MM1_NET_DEFAULT_BIND.addr.bits + 7);
    tell(&(struct go){.number = 1, .timeout = 100 * MS});
    mini_settle(&world);
    cr_assert_str_eq(seen, "0 down 5, 0 down 5, ", "also where a server may be bound later");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

/* Both are there when the asker runs again: the reply overtakes, and the Down behind it is taken back. */
Test(ask, the_reply_wins_over_the_end_that_follows_it, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = ANSWERED_AT_LAST, .timeout = 100 * MS});
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert_str_eq(seen, "0 got 28, ");
}

static mm1_status bound_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    return mm1_bind(
        ctx, (struct mm1_net){.addr = MM1_ADDR(MM1_NET_DEFAULT_BIND.addr.bits + 7), .mask = 64}, 0);
}

Test(ask, a_server_is_watched_at_its_bound_address, .init = setup, .fini = teardown)
{
    static const struct mm1_behaviour bound = {
        .name = "bound", .init = bound_init, .receive = server_receive};
    cr_assert_eq(mm1_node_spawn(node.node, &(struct mm1_spawn){.behaviour = &bound}, &server),
                 MM1_OK);
    server = MM1_ADDR(MM1_NET_DEFAULT_BIND.addr.bits + 7);
    mini_settle(&world);
    tell(&(struct go){.number = 2, .timeout = 100 * MS});
    tell(&(struct go){.number = ENDS, .timeout = 100 * MS});
    mini_settle(&world);
    cr_assert_str_eq(seen, "0 got 4, 0 down 0, ");
}

/* Whatever is refused, nothing is under way afterwards: the asker can ask again, and no timer is left. */
Test(ask, memory_is_refused, .init = setup, .fini = teardown)
{
    tell(&(struct go){.number = 1, .timeout = 100 * MS});
    mini_settle(&world);
    bool failed = true;
    unsigned fails = 0;
    for (size_t k = 1; failed; k++) {
        seen[0] = '\0';
        tell(&(struct go){.number = 1, .timeout = 100 * MS});
        test_alloc_fail_at(&world.alloc, k);
        mini_run(&world, 1);
        test_alloc_fail_at(&world.alloc, 0);
        failed = seen[0] != '\0';
        fails += failed ? 1 : 0;
        cr_assert(!failed || strcmp(seen, "0 failed 1, ") == 0, "%s", seen);
        mini_settle(&world);
    }
    cr_assert_eq(fails, 4, "the timer, two of the watch, the message: %u", fails);
    cr_assert_str_eq(seen, "0 got 2, ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

/* The wire form of the wrappers (mm1-spec H8: 92 92 25 cf aa 20 … 90 and 92 91 25 07). */
#define RQ_FIELDS(F) F(u8, number)
MM1_MSG_DECLARE_UNIT(rq)
MM1_MSG_DEFINE_UNIT(rq, "mn::proto::Rq")
MM1_REQUEST_DECLARE(rq)
MM1_REQUEST_DEFINE(rq, "mn::proto::Rq")
MM1_MSG_DECLARE(rs, RQ_FIELDS)
MM1_MSG_DEFINE_NEWTYPE(rs, "mn::proto::Rs", RQ_FIELDS)
MM1_RESPONSE_DECLARE(rs)
MM1_RESPONSE_DEFINE(rs, "mn::proto::Rs")

Test(ask, wire_form)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_buf out = MM1_BUF(&alloc.base);
    struct rq_request request = {.header = {.id = 37, .reply_to = MM1_ADDR(0xaa20000000000b03)}};
    static const uint8_t asked[] = {0x92, 0x92, 0x25, 0xcf, 0xaa, 0x20, 0,
                                    0,    0,    0,    0x0b, 0x03, 0x90};
    cr_assert_eq(mm1_msg_encode(&rq_request_type, &request, &out), MM1_OK);
    cr_assert_eq(out.size, sizeof(asked));
    cr_assert_arr_eq(out.data, asked, sizeof(asked));
    mm1_buf_clear(&out);
    struct rs_response response = {.header = {.id = 37}, .body = {.number = 7}};
    static const uint8_t answered[] = {0x92, 0x91, 0x25, 0x07};
    cr_assert_eq(mm1_msg_encode(&rs_response_type, &response, &out), MM1_OK);
    cr_assert_eq(out.size, sizeof(answered));
    cr_assert_arr_eq(out.data, answered, sizeof(answered));
    mm1_buf_close(&out);
    cr_assert_str_eq(rq_request_type.name, "mm1_proto_ask::Request<mn::proto::Rq>");
}
