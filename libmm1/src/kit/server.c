/* Servers: the table of handlers, looked through for each message. */
#include <mm1/metrics.h>
#include <mm1/server.h>

static const struct mm1_metric on_message = {
    .name = "mm1_server_on_message",
    .help = "Messages that a server handled.",
    .labels = {"beh", "msg"},
};
static const struct mm1_metric on_request = {
    .name = "mm1_server_on_request",
    .help = "Requests that a server handled.",
    .labels = {"beh", "req"},
};

static const struct mm1_server *server_of(const struct mm1_ctx *ctx)
{
    return MM1_CONTAINER_OF(mm1_behaviour_of(ctx), const struct mm1_server, behaviour);
}

static bool is_request(const struct mm1_msg_type *type)
{
    return type->field_count == 2 && type->fields[0].sub == &mm1_request_header_type &&
           type->fields[0].offset == 0;
}

static const struct mm1_server_case *find_case(const struct mm1_server *server,
                                               const struct mm1_msg_type *type)
{
    for (size_t i = 0; i < server->case_count; i++) {
        if (server->cases[i].type == type) {
            return &server->cases[i];
        }
    }
    return NULL;
}

mm1_status mm1__server_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct mm1_server *server = server_of(ctx);
    for (size_t i = 0; i < server->case_count; i++) {
        const struct mm1_server_case *it = &server->cases[i];
        bool message = it->on_message != NULL;
        bool request = it->on_request != NULL;
        if (message == request || (request && !is_request(it->type))) {
            mm1_log(ctx, MM1_LOG_ERROR, "server %s: the case of %s has no fit handler",
                    server->behaviour.name, it->type->name);
            return MM1_INVALID;
        }
        if (find_case(server, it->type) != it) {
            mm1_log(ctx, MM1_LOG_ERROR, "server %s: a second handler of %s is never called",
                    server->behaviour.name, it->type->name);
        }
    }
    return server->init == NULL ? MM1_OK : server->init(ctx, state, arg);
}

static mm1_status handle(struct mm1_ctx *ctx, void *state, const struct mm1_server_case *it,
                         struct mm1_outcome *outcome)
{
    const struct mm1_envelope *envelope = outcome->envelope;
    const struct mm1_metric *metric = it->on_message != NULL ? &on_message : &on_request;
    mm1_count(ctx, metric, MM1_LABELS(mm1_behaviour_of(ctx)->name, it->type->name), 1);
    if (it->on_message != NULL) {
        return it->on_message(ctx, state, envelope->msg, outcome);
    }
    outcome->header = envelope->msg;
    const void *body = (const char *)envelope->msg + it->type->fields[1].offset;
    return it->on_request(ctx, state, outcome->header, body, outcome);
}

mm1_status mm1__server_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    const struct mm1_server *server = server_of(ctx);
    const struct mm1_server_case *it = find_case(server, envelope->type);
    if (it == NULL) {
        return mm1_unhandled(ctx, envelope);
    }
    struct mm1_outcome outcome = {.ctx = ctx, .envelope = envelope};
    mm1_status status = handle(ctx, state, it, &outcome);
    if (status != MM1_OK) {
        mm1_log(ctx, MM1_LOG_ERROR, "server %s: its handler of %s failed: %s",
                server->behaviour.name, it->type->name, mm1_status_text(status));
        return status;
    }
    if (outcome.stop) {
        mm1_quit(ctx, MM1_NORMAL);
    }
    return MM1_OK;
}

mm1_status mm1_outcome_reply_any(struct mm1_outcome *outcome, const struct mm1_msg_type *type,
                                 void *response)
{
    if (outcome->header == NULL) {
        return MM1_INVALID;
    }
    mm1_status status = mm1_reply_any(outcome->ctx, outcome->header, type, response);
    return status == MM1_NOMEM || status == MM1_INVALID ? status : MM1_OK;
}

mm1_status mm1_outcome_forward(struct mm1_outcome *outcome, mm1_addr to)
{
    return mm1_forward(outcome->ctx, to, outcome->envelope);
}
