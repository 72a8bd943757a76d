/* For tests of multi-node messaging: messages of the captured session, an actor that notes what it gets, nodes. */
#ifndef MN_FIXTURE_H
#define MN_FIXTURE_H

#include <stdio.h>

#include <mm1/ask.h>
#include <mm1/kit.h>
#include <mm1/multinode.h>

#include "mini_world.h"
#include "mm1_test.h"

/* --- the messages of the captured session ------------------------------------------------------------------------- */

MM1_MSG_DECLARE_UNIT(hi)
MM1_MSG_DEFINE_UNIT(hi, "mn::proto::Hi")
#define DATA_FIELDS(F) F(addr, reply_to) F(text, text) F(u32, n)
MM1_MSG_DECLARE(data, DATA_FIELDS)
MM1_MSG_DEFINE(data, "mn::proto::Data", DATA_FIELDS)
MM1_MSG_DECLARE_UNIT(rq)
MM1_MSG_DEFINE_UNIT(rq, "mn::proto::Rq")
MM1_REQUEST_DECLARE(rq)
MM1_REQUEST_DEFINE(rq, "mn::proto::Rq")
#define RS_FIELDS(F) F(u8, number)
MM1_MSG_DECLARE(rs, RS_FIELDS)
MM1_MSG_DEFINE_NEWTYPE(rs, "mn::proto::Rs", RS_FIELDS)
MM1_RESPONSE_DECLARE(rs)
MM1_RESPONSE_DEFINE(rs, "mn::proto::Rs")
#define BULK_FIELDS(F) F(bytes, data)
MM1_MSG_DECLARE(bulk, BULK_FIELDS)
MM1_MSG_DEFINE(bulk, "mn::proto::Bulk", BULK_FIELDS)

/* What a probe does when told to: 0: tell Hi; 1: ask; 2: bulk of `size` bytes; 3: Data. */
#define ORDER_FIELDS(F) F(u8, what) F(addr, to) F(u32, size)
MM1_MSG_DECLARE(order, ORDER_FIELDS)
MM1_MSG_DEFINE(order, "mm1_local::test::Order", ORDER_FIELDS)
enum { TELL_HI, ASK_RQ, TELL_BULK, TELL_DATA };

/* --- a probe: an actor at a fixed address that notes what it gets, and answers requests ------------------------ */

struct probe {
    struct mm1_ask ask;
};

static char seen[4096];

static void note(const char *format, ...) MM1_PRINTF(1, 2);
static void note(const char *format, ...)
{
    size_t size = strlen(seen);
    va_list args;
    va_start(args, format);
    vsnprintf(seen + size, sizeof(seen) - size, format, args);
    va_end(args);
}

static mm1_status probe_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    const mm1_addr *at = arg;
    return mm1_bind(ctx, (struct mm1_net){.addr = *at, .mask = 64}, 0);
}

static void note_sent(mm1_status status)
{
    if (status != MM1_OK) {
        note("%s; ", mm1_status_text(status));
    }
}

static void probe_obey(struct mm1_ctx *ctx, struct probe *probe, const struct order *m)
{
    if (m->what == TELL_HI) {
        note_sent(mm1_tell(ctx, m->to, hi, .mm1_unit = 0));
    } else if (m->what == ASK_RQ) {
        note_sent(mm1_ask_begin(ctx, &probe->ask, m->to, MM1_NS_PER_SEC, rq, .mm1_unit = 0));
    } else if (m->what == TELL_DATA) {
        note_sent(mm1_tell(ctx, m->to, data, .reply_to = mm1_self(ctx), .text = MM1_TEXT("hello"),
                           .n = 300));
    } else {
        static const uint8_t bytes[100000];
        note_sent(mm1_tell(ctx, m->to, bulk, .data = {.data = bytes, .size = m->size}));
    }
}

static mm1_status probe_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct probe *probe = state;
    MM1_ON(envelope, order, m) {
        probe_obey(ctx, probe, m);
        return MM1_OK;
    }
    const void *body;
    switch (mm1_ask_take(ctx, &probe->ask, envelope, &rs_response_type, &body)) {
    case MM1_ASK_REPLY:
        note("reply %u; ", (unsigned)((const struct rs *)body)->number);
        return MM1_OK;
    case MM1_ASK_TIMEOUT:
        note("timeout; ");
        return MM1_OK;
    case MM1_ASK_DOWN:
        note("down; ");
        return MM1_OK;
    case MM1_ASK_STALE:
        note("stale; ");
        return MM1_OK;
    case MM1_ASK_NOT_MINE:
        break;
    }
    char to[MM1_ADDR_TEXT_MAX];
    mm1_addr_print(envelope->to, to);
    note("%s to %s ttl %u%s", envelope->type->name, to, (unsigned)envelope->ttl,
         envelope->priority ? " priority" : "");
    MM1_ON(envelope, data, m) {
        note(" no %llu trace %llx %.*s %u", (unsigned long long)envelope->no,
             (unsigned long long)envelope->trace_id, (int)m->text.size, m->text.data,
             (unsigned)m->n);
        break;
    }
    note("; ");
    MM1_ON(envelope, rq_request, m) {
        return mm1_reply(ctx, &m->header, rs, .number = 7);
    }
    return MM1_OK;
}

static const struct mm1_behaviour probe_behaviour = {.name = "probe",
                                                     .state_size = sizeof(struct probe),
                                                     .init = probe_init,
                                                     .receive = probe_receive};

/* --- nodes -------------------------------------------------------------------------------------------------------- */

static struct mini_world world;
static struct mm1_msg_registry types;
static struct mini_node nodes[3];
static mm1_addr probes[3];
static mm1_addr managers[3];

static const struct mm1_msg_type *const ALL[] = {
    &hi_type, &data_type, &rq_request_type, &rs_response_type, &bulk_type, &order_type,
};

static void setup(void)
{
    seen[0] = '\0';
    mini_world_init(&world);
    world.keep_log = true;
    types = MM1_MSG_REGISTRY(&world.own.base);
    for (size_t i = 0; i < MM1_COUNT_OF(ALL); i++) {
        cr_assert_eq(mm1_msg_register(&types, ALL[i]), MM1_OK);
    }
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
}

static void teardown(void)
{
    for (size_t i = 0; i < MM1_COUNT_OF(nodes); i++) {
        if (nodes[i].node != NULL) {
            mini_node_close(&nodes[i]);
        }
    }
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

/* Node n serves <aa(2n)0…>/16 as bind subnet and <aa(2n+1)0…>/16 as auto subnet; its probe is at …0b01. */
static struct mm1_net bind_net(unsigned n)
{
    return (struct mm1_net){.addr = {UINT64_C(0xaa00) << 48 | (uint64_t)n << 53}, .mask = 16};
}
static struct mm1_net auto_net(unsigned n)
{
    return (struct mm1_net){.addr = {bind_net(n).addr.bits | UINT64_C(0x10) << 48}, .mask = 16};
}
static mm1_addr probe_addr(unsigned n)
{
    return MM1_ADDR(bind_net(n).addr.bits | 0x0b01);
}

/* A node with its probe. */
static void open_node(unsigned n)
{
    struct mm1_net bound = bind_net(n);
    static const char *const names[] = {"a", "b", "c"};
    struct mm1_node_config config = {.name = mm1_text_of(names[n]),
                                     .locals = &bound,
                                     .local_count = 1,
                                     .auto_net = auto_net(n),
                                     .actors_max = 256,
                                     .types = &types,
                                     .encode = true};
    cr_assert_eq(mini_node_open(&world, &nodes[n], &config), MM1_OK);
    mm1_addr at = probe_addr(n);
    struct mm1_spawn spawn = {.behaviour = &probe_behaviour, .arg = &at, .arg_size = sizeof(at)};
    cr_assert_eq(mm1_node_spawn(nodes[n].node, &spawn, &probes[n]), MM1_OK);
    mini_settle(&world);
}

static mm1_status spawn_manager(unsigned n, const char *inbound, const char *outbound,
                                const char *cookie)
{
    struct mm1_net locals[] = {bind_net(n), auto_net(n)};
    struct mm1_text in = mm1_text_of(inbound);
    struct mm1_text out = mm1_text_of(outbound);
    struct mm1_multinode_config multinode = {
        .locals = {.items = locals, .count = 2},
        .inbound = {.items = &in, .count = inbound != NULL},
        .outbound = {.items = &out, .count = outbound != NULL},
        .cookie = {.some = cookie != NULL, .value = mm1_text_of(cookie)},
    };
    struct mm1_spawn spawn = {.behaviour = &mm1_multinode_manager,
                              .arg_type = &mm1_multinode_config_type,
                              .arg = &multinode};
    return mm1_node_spawn(nodes[n].node, &spawn, &managers[n]);
}

static void open(unsigned n, const char *inbound, const char *outbound, const char *cookie)
{
    open_node(n);
    cr_assert_eq(spawn_manager(n, inbound, outbound, cookie), MM1_OK);
    mini_settle(&world);
}

static void order_to(unsigned n, unsigned what, mm1_addr to, uint32_t size)
{
    struct order m = {.what = (uint8_t)what, .to = to, .size = size};
    cr_assert_eq(mm1_node_send(nodes[n].node, probes[n], &order_type, &m, NULL), MM1_OK);
    mini_settle(&world);
}

static void expect_seen(const char *text)
{
    cr_assert_str_eq(seen, text);
    seen[0] = '\0';
}

static void expect_log(const char *text)
{
    cr_assert(mini_logged(&world, text), "no \"%s\" in: %s", text, (const char *)world.log.data);
}

#endif
