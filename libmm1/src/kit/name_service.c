/* The actor that serves names, and its messages. */
#include <mm1/name_service.h>

#include "kit/names_table.h"

MM1_MSG_DEFINE(mm1_name_register, "mm1_proto_name_service::Register", MM1_NAME_REGISTER_FIELDS)
MM1_MSG_DEFINE(mm1_name_unregister, "mm1_proto_name_service::Unregister",
               MM1_NAME_UNREGISTER_FIELDS)
MM1_MSG_DEFINE(mm1_name_resolve, "mm1_proto_name_service::Resolve", MM1_NAME_RESOLVE_FIELDS)
MM1_MSG_DEFINE(mm1_name_done, "mm1_proto_name_service::Done", MM1_NAME_DONE_FIELDS)
MM1_MSG_DEFINE(mm1_name_entry, "mm1_proto_name_service::Entry", MM1_NAME_ENTRY_FIELDS)
MM1_MSG_DEFINE(mm1_name_found, "mm1_proto_name_service::Found", MM1_NAME_FOUND_FIELDS)
MM1_REQUEST_DEFINE(mm1_name_register, "mm1_proto_name_service::Register")
MM1_REQUEST_DEFINE(mm1_name_unregister, "mm1_proto_name_service::Unregister")
MM1_REQUEST_DEFINE(mm1_name_resolve, "mm1_proto_name_service::Resolve")
MM1_RESPONSE_DEFINE(mm1_name_done, "mm1_proto_name_service::Done")
MM1_RESPONSE_DEFINE(mm1_name_found, "mm1_proto_name_service::Found")

#define INBOX_SIZE 1024

static mm1_status service_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct mm1__names *names = state;
    (void)arg;
    mm1__names_open(names, mm1_ctx_alloc(ctx));
    MM1_TRY(mm1_bind(ctx, (struct mm1_net){.addr = MM1_ADDR_NAME_SERVICE, .mask = 64}, INBOX_SIZE));
    mm1_init_done(ctx, MM1_ADDR_NAME_SERVICE);
    return MM1_OK;
}

/* An answer that cannot be sent leaves its asker waiting for nothing; the others are served on. */
static mm1_status answered(struct mm1_ctx *ctx, const struct mm1_envelope *envelope,
                           mm1_status status)
{
    if (status != MM1_OK) {
        mm1_log(ctx, MM1_LOG_WARN, "no answer to %s: %s", envelope->type->name,
                mm1_status_text(status));
    }
    return MM1_OK;
}

static mm1_status resolve(struct mm1_ctx *ctx, struct mm1__names *names,
                          const struct mm1_name_resolve_request *request)
{
    struct mm1_name_entry *entries;
    size_t count;
    mm1_status found =
        mm1__names_resolve(names, mm1_now(ctx), request->body.name, &entries, &count);
    mm1_status status = mm1_reply(ctx, &request->header, mm1_name_found, .status = (uint8_t)found,
                                  .entries = {.items = entries, .count = count});
    mm1_give(names->alloc, entries, count * sizeof(*entries));
    return status;
}

static mm1_status service_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct mm1__names *names = state;
    MM1_ON(envelope, mm1_name_register_request, m) {
        const struct mm1_name_register *body = &m->body;
        mm1_status status = mm1__names_register(names, mm1_now(ctx), body->name, body->addr,
                                                body->exclusive, body->ttl);
        return answered(ctx, envelope,
                        mm1_reply(ctx, &m->header, mm1_name_done, .status = (uint8_t)status));
    }
    MM1_ON(envelope, mm1_name_unregister_request, m) {
        mm1_status status = mm1__names_unregister(names, mm1_now(ctx), m->body.name, m->body.addr);
        return answered(ctx, envelope,
                        mm1_reply(ctx, &m->header, mm1_name_done, .status = (uint8_t)status));
    }
    MM1_ON(envelope, mm1_name_resolve_request, m) {
        return answered(ctx, envelope, resolve(ctx, names, m));
    }
    return mm1_unhandled(ctx, envelope);
}

static void service_fini(void *state)
{
    mm1__names_shut(state);
}

const struct mm1_behaviour mm1_name_service = {
    .name = "name_service",
    .state_size = sizeof(struct mm1__names),
    .init = service_init,
    .receive = service_receive,
    .fini = service_fini,
};
