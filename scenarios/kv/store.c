/* The store actor: its beginning and end, and which part of it a message is for. */
#include "store.h"

void kv_tell_any(struct mm1_ctx *ctx, mm1_addr to, const struct mm1_msg_type *type, const void *msg)
{
    mm1_status status = mm1_send(ctx, to, type, msg, NULL);
    if (status != MM1_OK && status != MM1_NOT_FOUND) { /* not found: no way there, for now */
        mm1_log(ctx, MM1_LOG_WARN, "%s was not sent: %s", type->name, mm1_status_text(status));
    }
}

static mm1_status open_peers(struct kv_store *store)
{
    size_t count = store->config->peers.count;
    if (count > 0) {
        store->peers = mm1_take_zero(store->alloc, count * sizeof(*store->peers));
        if (store->peers == NULL) {
            return MM1_NOMEM;
        }
    }
    store->peer_count = count;
    for (size_t i = 0; i < count; i++) {
        store->peers[i].addr = store->config->peers.items[i];
    }
    return MM1_OK;
}

/* The argument is borrowed for this turn, so the configuration is copied. Clients and peers find the store at an
 * address that survives restarts: its main address is another one after each. */
static mm1_status store_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct kv_store *store = state;
    store->alloc = mm1_ctx_alloc(ctx);
    store->table = KV_TABLE(store->alloc);
    store->config_size = mm1_msg_copy_size(&kv_replica_type, arg);
    store->config = mm1_take(store->alloc, store->config_size);
    if (store->config == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(&kv_replica_type, arg, store->config);
    store->early = mm1_text_equal(store->config->ack, MM1_TEXT("early"));
    if (!store->early && !mm1_text_equal(store->config->ack, MM1_TEXT("synced"))) {
        mm1_log(ctx, MM1_LOG_ERROR, "ack: neither \"synced\" nor \"early\"");
        return MM1_INVALID;
    }
    MM1_TRY(open_peers(store));
    MM1_TRY(mm1_bind(ctx, (struct mm1_net){.addr = store->config->self, .mask = 64}, 0));
    return kv_log_open(ctx, &store->log, store->config->name);
}

static void store_fini(void *state)
{
    struct kv_store *store = state;
    kv_log_close(&store->log);
    kv_table_close(&store->table);
    mm1_give(store->alloc, store->peers, store->peer_count * sizeof(*store->peers));
    mm1_give(store->alloc, store->config, store->config_size);
}

static mm1_status store_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct kv_store *store = state;
    bool primary = mm1_addr_equal(store->config->self, store->config->primary);
    enum kv_log_event event;
    MM1_TRY(kv_log_take(ctx, &store->log, envelope, &event));
    switch (event) {
    case KV_LOG_NOTHING:
        return MM1_OK;
    case KV_LOG_LOADED:
        return primary ? kv_recovery_loaded(ctx, store) : kv_backup_loaded(ctx, store);
    case KV_LOG_SYNCED:
        MM1_TRY(primary ? kv_recovery_synced(ctx, store) : kv_backup_synced(ctx, store));
        return primary ? kv_primary_synced(ctx, store) : MM1_OK;
    case KV_LOG_OTHER:
        break;
    }
    if (store->phase == KV_LOADING) {
        return MM1_OK; /* whoever wants something will say so again */
    }
    return primary ? kv_primary_receive(ctx, store, envelope)
                   : kv_backup_receive(ctx, store, envelope);
}

const struct mm1_behaviour kv_store_behaviour = {
    .name = "store",
    .state_size = sizeof(struct kv_store),
    .init = store_init,
    .receive = store_receive,
    .fini = store_fini,
};
