/* The actor that keeps a connection to one name: it spawns one that dials, and another a while after that ended. */
#include <mm1/multinode.h>

#include "kit/mn_actors.h"

struct connector {
    struct mm1_mn_copy endpoint;
};

static mm1_status redial_later(struct mm1_ctx *ctx)
{
    struct mm1_mn_redial message = {0};
    struct mm1_timer_spec spec = {
        .after_ns = MM1_MULTINODE_RETRY_NS,
        .type = &mm1_mn_redial_type,
        .msg = &message,
        .background = true,
    };
    uint64_t timer;
    return mm1_timer_start(ctx, &spec, &timer);
}

static mm1_status dial(struct mm1_ctx *ctx, const struct connector *connector)
{
    mm1_addr connection;
    mm1_status status = mm1__mn_spawn_connection(ctx, connector->endpoint.msg, &connection);
    if (status != MM1_OK) {
        mm1_log(ctx, MM1_LOG_WARN, "no connection is tried for now: %s", mm1_status_text(status));
        return redial_later(ctx);
    }
    return MM1_OK;
}

static mm1_status connector_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct connector *connector = state;
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1__mn_copy_set(&connector->endpoint, mm1_ctx_alloc(ctx), &mm1_mn_endpoint_type, arg));
    const struct mm1_mn_endpoint *endpoint = connector->endpoint.msg;
    mm1_log(ctx, MM1_LOG_INFO, "dialing %.*s, each second until it answers",
            (int)endpoint->name.size, endpoint->name.data);
    return dial(ctx, connector);
}

static mm1_status connector_receive(struct mm1_ctx *ctx, void *state,
                                    const struct mm1_envelope *envelope)
{
    const struct connector *connector = state;
    MM1_ON(envelope, mm1_exited, exited) {
        return mm1__mn_parent_ended(ctx, exited) ? MM1_OK : redial_later(ctx);
    }
    MM1_ON(envelope, mm1_mn_redial, redial) {
        return dial(ctx, connector);
    }
    return mm1_unhandled(ctx, envelope);
}

static void connector_fini(void *state)
{
    struct connector *connector = state;
    mm1__mn_copy_close(&connector->endpoint);
}

const struct mm1_behaviour mm1__mn_connector = {
    .name = "mn_connector",
    .state_size = sizeof(struct connector),
    .init = connector_init,
    .receive = connector_receive,
    .fini = connector_fini,
};
