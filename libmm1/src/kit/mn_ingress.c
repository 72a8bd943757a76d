/* The actor that serves a peer's subnet on this node, and hands what is sent there to the right connection. */
#include "kit/mn_actors.h"

struct ingress {
    struct mm1_mn_copy table;
};

static mm1_status ingress_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct ingress *ingress = state;
    const struct mm1_mn_table *table = arg;
    MM1_TRY(mm1__mn_copy_set(&ingress->table, mm1_ctx_alloc(ctx), &mm1_mn_table_type, table));
    return mm1_bind(ctx, table->net, 0);
}

/* The connection for messages of a type; false: there is none. */
static bool gateway_for(const struct ingress *ingress, const struct mm1_msg_registry *types,
                        const struct mm1_msg_type *type, mm1_addr *out)
{
    const struct mm1_mn_table *table = ingress->table.msg;
    uint32_t index;
    if (!mm1__mn_index(types, mm1_text_of(type->name), &index) || index >= table->choice.size) {
        return false;
    }
    uint8_t choice = table->choice.data[index];
    if (choice == 0 || choice > table->gateways.count) {
        return false;
    }
    *out = table->gateways.items[choice - 1];
    return true;
}

static mm1_status ingress_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct ingress *ingress = state;
    if (mm1_addr_equal(envelope->to, mm1_self(ctx))) {
        MM1_ON(envelope, mm1_mn_table, table) {
            return mm1__mn_copy_set(&ingress->table, mm1_ctx_alloc(ctx), &mm1_mn_table_type, table);
        }
        return mm1_unhandled(ctx, envelope);
    }
    mm1_addr gateway;
    if (!gateway_for(ingress, mm1_types(ctx), envelope->type, &gateway)) {
        char to[MM1_ADDR_TEXT_MAX];
        mm1_addr_print(envelope->to, to);
        mm1_log(ctx, MM1_LOG_WARN, "a %s for %s is dropped: no peer there takes this type",
                envelope->type->name, to);
        return MM1_OK;
    }
    mm1_status status = mm1_forward(ctx, gateway, envelope);
    if (status != MM1_OK) {
        char to[MM1_ADDR_TEXT_MAX];
        mm1_addr_print(envelope->to, to);
        mm1_log(ctx, MM1_LOG_WARN, "a %s for %s is dropped: %s", envelope->type->name, to,
                mm1_status_text(status));
    }
    return MM1_OK;
}

static void ingress_fini(void *state)
{
    struct ingress *ingress = state;
    mm1__mn_copy_close(&ingress->table);
}

const struct mm1_behaviour mm1__mn_ingress = {
    .name = "mn_ingress",
    .state_size = sizeof(struct ingress),
    .init = ingress_init,
    .receive = ingress_receive,
    .fini = ingress_fini,
};
