/* The small system that the tests of mm1/sim.h drive: a counter, a function actor, an actor that ticks. */
#ifndef MM1_TEST_API_SYSTEM_H
#define MM1_TEST_API_SYSTEM_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <mm1/function.h>
#include <mm1/server.h>
#include <mm1/sim.h>

#include "mm1_test.h"

#define MS MM1_NS_PER_MS

#define API_ADD_FIELDS(F) F(u64, n)
MM1_MSG_DECLARE(api_add, API_ADD_FIELDS)
MM1_MSG_DEFINE(api_add, "test::Add", API_ADD_FIELDS)
MM1_MSG_DECLARE_UNIT(api_get)
MM1_MSG_DEFINE_UNIT(api_get, "test::Get")
MM1_REQUEST_DECLARE(api_get)
MM1_REQUEST_DEFINE(api_get, "test::Get")
#define API_VALUE_FIELDS(F) F(u64, n) F(u64, now) F(u64, wall)
MM1_MSG_DECLARE(api_value, API_VALUE_FIELDS)
MM1_MSG_DEFINE(api_value, "test::Value", API_VALUE_FIELDS)
MM1_RESPONSE_DECLARE(api_value)
MM1_RESPONSE_DEFINE(api_value, "test::Value")
/* What the counter observes. */
#define API_SAW_FIELDS(F) F(u64, n)
MM1_MSG_DECLARE(api_saw, API_SAW_FIELDS)
MM1_MSG_DEFINE(api_saw, "test::Saw", API_SAW_FIELDS)
MM1_MSG_DECLARE_UNIT(api_tick)
MM1_MSG_DEFINE_UNIT(api_tick, "test::Tick")
/* Where to serve, 0: nowhere; and with what to begin. */
#define API_COUNTER_ARGS_FIELDS(F) F(addr, self) F(u64, n)
MM1_MSG_DECLARE(api_counter_args, API_COUNTER_ARGS_FIELDS)
MM1_MSG_DEFINE(api_counter_args, "test::CounterArgs", API_COUNTER_ARGS_FIELDS)
/* How often to tick, and whether that is background. */
#define API_TICKER_ARGS_FIELDS(F) F(duration, every) F(bool, background)
MM1_MSG_DECLARE(api_ticker_args, API_TICKER_ARGS_FIELDS)
MM1_MSG_DEFINE(api_ticker_args, "test::TickerArgs", API_TICKER_ARGS_FIELDS)
/* Whom to send two adds, in this order. */
#define API_PAIR_ARGS_FIELDS(F) F(addr, first) F(addr, second)
MM1_MSG_DECLARE(api_pair_args, API_PAIR_ARGS_FIELDS)
MM1_MSG_DEFINE(api_pair_args, "test::PairArgs", API_PAIR_ARGS_FIELDS)

struct counter {
    uint64_t n;
};

static mm1_status counter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct api_counter_args *args = arg;
    ((struct counter *)state)->n = args == NULL ? 0 : args->n;
    if (args == NULL || args->self.bits == 0) {
        return MM1_OK;
    }
    return mm1_bind(ctx, (struct mm1_net){.addr = args->self, .mask = 64}, 0);
}

MM1_HANDLER(on_add, struct counter, api_add)
{
    (void)outcome;
    state->n += m->n;
    mm1_observe(ctx, api_saw, .n = state->n);
    return MM1_OK;
}

MM1_ANSWERER(on_get, struct counter, api_get)
{
    (void)m;
    return mm1_outcome_reply(outcome, api_value, .n = state->n, .now = mm1_now(ctx),
                             .wall = mm1_wall(ctx));
}

static const struct mm1_server_case counter_cases[] = {
    MM1_SERVER_ON(api_add, on_add),
    MM1_SERVER_ANSWER(api_get, on_get),
};
static const struct mm1_server counter_server =
    MM1_SERVER("counter", struct counter, counter_init, NULL, counter_cases);

static mm1_status ticker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct api_ticker_args *args = arg;
    uint64_t timer;
    (void)state;
    return mm1_timer_start(ctx,
                           &(struct mm1_timer_spec){.after_ns = args->every,
                                                    .every_ns = args->every,
                                                    .type = &api_tick_type,
                                                    .msg = &(struct api_tick){0},
                                                    .background = args->background},
                           &timer);
}

static mm1_status ticker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    uint64_t *ticks = state;
    MM1_ON(envelope, api_tick, tick) {
        ++*ticks;
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour ticker = {.name = "ticker",
                                            .state_size = sizeof(uint64_t),
                                            .init = ticker_init,
                                            .receive = ticker_receive};

/* Lives on when it is sent an exit signal. */
static mm1_status stubborn_main(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    mm1_trap_exit(ctx, true);
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
    }
}
static const struct mm1_function stubborn = MM1_FUNCTION("stubborn", stubborn_main);

/* Sends to two actors, one after the other. */
static mm1_status pair_main(struct mm1_ctx *ctx, const void *arg)
{
    const struct api_pair_args *args = arg;
    MM1_TRY(mm1_tell(ctx, args->first, api_add, .n = 1));
    MM1_TRY(mm1_tell(ctx, args->second, api_add, .n = 2));
    return mm1_sleep(ctx, 3 * MS);
}
static const struct mm1_function pair = MM1_FUNCTION("pair", pair_main);

/* Sends on what it gets. */
static mm1_status relay_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_forward(ctx, *(const mm1_addr *)state, envelope);
}
static mm1_status relay_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx;
    *(mm1_addr *)state = ((const struct api_pair_args *)arg)->first;
    return MM1_OK;
}
static const struct mm1_behaviour relay = {
    .name = "relay", .state_size = sizeof(mm1_addr), .init = relay_init, .receive = relay_receive};

/* Violated when a sum of 13 is seen. */
static enum mm1_verdict unlucky_see(void *state, struct mm1_alloc *alloc,
                                    const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)alloc;
    if (sight->event->kind != MM1_EVENT_OBSERVE || sight->event->type != &api_saw_type) {
        return MM1_PASS;
    }
    ++*(uint64_t *)state;
    if (((const struct api_saw *)sight->event->msg)->n != 13) {
        return MM1_PASS;
    }
    snprintf(finding->text, sizeof(finding->text), "thirteen was seen");
    return MM1_VIOLATED;
}

static enum mm1_verdict unlucky_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                    struct mm1_finding *finding)
{
    (void)alloc;
    (void)finding;
    *evaluated = *(uint64_t *)state;
    return MM1_PASS;
}

static const struct mm1_property api_properties[] = {{.name = "not-thirteen",
                                                      .about = "",
                                                      .state_size = sizeof(uint64_t),
                                                      .see = unlucky_see,
                                                      .end = unlucky_end}};
static const struct mm1_role api_roles[] = {
    {.name = "counter",
     .about = "",
     .main = &counter_server.behaviour,
     .arg_type = &api_counter_args_type},
    {.name = "ticker", .about = "", .main = &ticker, .arg_type = &api_ticker_args_type},
};
static const struct mm1_msg_type *const api_types[] = {
    &api_add_type, &api_get_type,  &api_get_request_type, &api_value_type, &api_value_response_type,
    &api_saw_type, &api_tick_type,
};
static const struct mm1_system api_system = {.abi = MM1_SYSTEM_ABI,
                                             .name = "api",
                                             .source_version = "1",
                                             .about = "",
                                             .types = api_types,
                                             .type_count = MM1_COUNT_OF(api_types),
                                             .roles = api_roles,
                                             .role_count = MM1_COUNT_OF(api_roles),
                                             .properties = api_properties,
                                             .property_count = MM1_COUNT_OF(api_properties)};

/* A world of that system that says nothing. */
static inline struct mm1_sim *api_open(uint64_t seed)
{
    struct mm1_sim *sim = NULL;
    char error[MM1_SIM_ERROR_MAX];
    struct mm1_sim_options options = {
        .name = "api/test", .seed = seed, .system = &api_system, .silent = true};
    cr_assert_eq(mm1_sim_open(&options, &sim, error), MM1_OK, "%s", error);
    return sim;
}

static inline struct mm1_sim_node *api_node(struct mm1_sim *sim, const char *name)
{
    struct mm1_sim_node *node = NULL;
    cr_assert_eq(mm1_sim_node_add(sim, &(struct mm1_sim_node_spec){.name = name}, &node), MM1_OK);
    return node;
}

static inline mm1_addr api_spawn(struct mm1_sim_node *node, const struct mm1_behaviour *behaviour,
                                 const char *name, const struct mm1_msg_type *type, const void *arg)
{
    mm1_addr addr = {0};
    struct mm1_spawn spawn = {.behaviour = behaviour, .name = name, .arg_type = type, .arg = arg};
    cr_assert_eq(mm1_sim_spawn(node, &spawn, &addr), MM1_OK);
    return addr;
}

static inline mm1_addr api_counter(struct mm1_sim_node *node)
{
    return api_spawn(node, &counter_server.behaviour, "counter", NULL, NULL);
}

static inline mm1_addr api_ticker(struct mm1_sim_node *node, uint64_t every, bool background)
{
    struct api_ticker_args args = {.every = every, .background = background};
    return api_spawn(node, &ticker, NULL, &api_ticker_args_type, &args);
}

/* What the counter says, all of it copied. */
static inline struct api_value api_ask(struct mm1_sim_node *node, mm1_addr counter)
{
    const struct api_value *value = NULL;
    cr_assert_eq(mm1_sim_ask(node, counter, 1000 * MS, api_get, api_value, &value, .mm1_unit = 0),
                 MM1_OK);
    return *value;
}

#endif
