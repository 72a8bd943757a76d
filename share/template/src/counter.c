/* The actors, a property that judges them, and the system they make. */
#include <inttypes.h>
#include <stdio.h>

#include "counter.h"

MM1_MSG_DEFINE(counter_add, "counter::Add", COUNTER_ADD_FIELDS)
MM1_REQUEST_DEFINE(counter_add, "counter::Add")
MM1_MSG_DEFINE(counter_sum, "counter::Sum", COUNTER_SUM_FIELDS)
MM1_RESPONSE_DEFINE(counter_sum, "counter::Sum")
MM1_MSG_DEFINE(counter_told, "counter::Told", COUNTER_TOLD_FIELDS)
MM1_MSG_DEFINE(counter_server_args, "counter::ServerArgs", COUNTER_SERVER_ARGS_FIELDS)
MM1_MSG_DEFINE(counter_client_args, "counter::ClientArgs", COUNTER_CLIENT_ARGS_FIELDS)

/* --- the server: a table of handlers -------------------------------------------------------------------------- */

struct server {
    uint64_t sum;
};

/* Actors get new addresses at each start of their node; what others must find is served at a fixed one. */
static mm1_status server_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct counter_server_args *args = arg;
    (void)state;
    return args == NULL ? MM1_OK
                        : mm1_bind(ctx, (struct mm1_net){.addr = args->self, .mask = 64}, 0);
}

MM1_ANSWERER(on_add, struct server, counter_add)
{
    (void)ctx;
    state->sum += m->n;
    return mm1_outcome_reply(outcome, counter_sum, .sum = state->sum);
}

static const struct mm1_server_case server_cases[] = {MM1_SERVER_ANSWER(counter_add, on_add)};
const struct mm1_server counter_server =
    MM1_SERVER("counter", struct server, server_init, NULL, server_cases);

/* --- the client: a function ----------------------------------------------------------------------------------- */

static mm1_status client_main(struct mm1_ctx *ctx, const void *arg)
{
    const struct counter_client_args *args = arg;
    for (uint64_t adds = 1; adds <= args->adds; adds++) {
        const struct counter_sum *answer;
        mm1_status status;
        while ((status = mm1_ask(ctx, args->server, args->timeout, counter_add, counter_sum,
                                 &answer, .n = 1)) != MM1_OK) {
            /* No link yet, a broken one, or an answer that is late: wait, and ask again. */
            if (status == MM1_NOMEM) {
                return status;
            }
            MM1_TRY(mm1_sleep(ctx, args->timeout));
        }
        mm1_observe(ctx, counter_told, .adds = adds, .sum = answer->sum);
    }
    return MM1_OK;
}

const struct mm1_function counter_client = MM1_FUNCTION("client", client_main);

/* --- the property --------------------------------------------------------------------------------------------- */

/* No add is lost. One whose answer was lost is made again, so the sum may be more than the number of adds. */
static enum mm1_verdict see(void *state, struct mm1_alloc *alloc, const struct mm1_sight *sight,
                            struct mm1_finding *finding)
{
    (void)alloc;
    if (sight->event->kind != MM1_EVENT_OBSERVE || sight->event->type != &counter_told_type) {
        return MM1_PASS;
    }
    const struct counter_told *told = sight->event->msg;
    ++*(uint64_t *)state;
    if (told->sum >= told->adds) {
        return MM1_PASS;
    }
    snprintf(finding->text, sizeof(finding->text), "%" PRIu64 " was added and the sum is %" PRIu64,
             told->adds, told->sum);
    return MM1_VIOLATED;
}

static enum mm1_verdict end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                            struct mm1_finding *finding)
{
    (void)alloc;
    (void)finding;
    *evaluated = *(uint64_t *)state;
    return MM1_PASS;
}

static const struct mm1_property properties[] = {
    {.name = "nothing-lost",
     .about = "each add is in the sum",
     .state_size = sizeof(uint64_t),
     .see = see,
     .end = end},
};

/* --- the system ----------------------------------------------------------------------------------------------- */

static const struct mm1_role roles[] = {
    {.name = "server",
     .about = "counts",
     .main = &counter_server.behaviour,
     .arg_type = &counter_server_args_type},
    {.name = "client",
     .about = "adds",
     .main = &counter_client.behaviour,
     .arg_type = &counter_client_args_type},
};

static const struct mm1_msg_type *const types[] = {
    &counter_add_request_type,
    &counter_sum_response_type,
    &counter_told_type,
};

const struct mm1_system counter_system = {
    .abi = MM1_SYSTEM_ABI,
    .name = "counter",
    .source_version = "1",
    .about = "a counter, and a client that asks it",
    .types = types,
    .type_count = MM1_COUNT_OF(types),
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = properties,
    .property_count = MM1_COUNT_OF(properties),
};
