/* The actor that listens under one name, and spawns a connection for each peer that comes in. */
#include <stdio.h>

#include "kit/mn_actors.h"

struct acceptor {
    struct mm1_mn_copy endpoint;
    mm1_handle listener;
};

static const struct mm1_mn_endpoint *endpoint_of(const struct acceptor *acceptor)
{
    return acceptor->endpoint.msg;
}

static mm1_status acceptor_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct acceptor *acceptor = state;
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1__mn_copy_set(&acceptor->endpoint, mm1_ctx_alloc(ctx), &mm1_mn_endpoint_type, arg));
    return mm1_net_listen(ctx, endpoint_of(acceptor)->name, &acceptor->listener);
}

static mm1_status give_up(struct mm1_ctx *ctx, const struct acceptor *acceptor, const char *verb,
                          uint32_t status, struct mm1_text reason)
{
    struct mm1_text name = endpoint_of(acceptor)->name;
    mm1_log(ctx, MM1_LOG_ERROR, "%s %.*s: %.*s", verb, (int)name.size, name.data, (int)reason.size,
            reason.data);
    char what[MM1_REASON_TEXT_MAX];
    (void)snprintf(what, sizeof(what), "%s %.*s", verb, (int)name.size, name.data);
    mm1_quit(ctx, mm1_reason_error((int32_t)status, what));
    return MM1_OK;
}

static mm1_status take_in(struct mm1_ctx *ctx, const struct acceptor *acceptor, mm1_handle handle)
{
    struct mm1_mn_endpoint endpoint = *endpoint_of(acceptor);
    endpoint.name = (struct mm1_text){0};
    endpoint.handle = handle;
    mm1_addr connection;
    mm1_status status = mm1__mn_spawn_connection(ctx, &endpoint, &connection);
    if (status != MM1_OK) {
        mm1_log(ctx, MM1_LOG_WARN, "a peer is turned away: %s", mm1_status_text(status));
        mm1_net_close(ctx, handle);
    }
    return MM1_OK;
}

static mm1_status acceptor_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    struct acceptor *acceptor = state;
    MM1_ON(envelope, mm1_accepted, accepted) {
        return take_in(ctx, acceptor, accepted->handle);
    }
    MM1_ON(envelope, mm1_listening, listening) {
        mm1_log(ctx, MM1_LOG_INFO, "listening on %.*s", (int)listening->name.size,
                listening->name.data);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_failed, failed) {
        return give_up(ctx, acceptor, "cannot listen on", failed->status, failed->reason);
    }
    MM1_ON(envelope, mm1_ended, ended) {
        if (ended->handle != acceptor->listener) {
            return MM1_OK; /* a peer that was gone before its connection claimed it */
        }
        const char *text = mm1_status_text((mm1_status)ended->status);
        return give_up(ctx, acceptor, "no longer listening on", ended->status, mm1_text_of(text));
    }
    MM1_ON(envelope, mm1_exited, exited) {
        (void)mm1__mn_parent_ended(ctx, exited);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static void acceptor_fini(void *state)
{
    struct acceptor *acceptor = state;
    mm1__mn_copy_close(&acceptor->endpoint);
}

const struct mm1_behaviour mm1__mn_acceptor = {
    .name = "mn_acceptor",
    .state_size = sizeof(struct acceptor),
    .init = acceptor_init,
    .receive = acceptor_receive,
    .fini = acceptor_fini,
};
