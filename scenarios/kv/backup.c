/* A backup: it keeps the log as the primary has it, and answers for nothing that is not synced. */
#include "store.h"

mm1_status kv_backup_loaded(struct mm1_ctx *ctx, struct kv_store *store)
{
    return kv_log_sync(ctx, &store->log);
}

/* Gives the answers that are owed, once all that they speak of is synced. */
static void answer(struct mm1_ctx *ctx, struct kv_store *store)
{
    const struct kv_log *log = &store->log;
    if (!kv_log_settled(log)) {
        return;
    }
    if (store->owes_begun) {
        store->owes_begun = false;
        kv_tell(ctx, store->config->primary, kv_begun, .from = store->config->self,
                .epoch = log->epoch, .last_seq = log->last,
                .last_epoch = kv_log_epoch_at(log, log->last));
    }
    if (store->owes_append) {
        store->owes_append = false;
        kv_tell(ctx, store->config->primary, kv_appended, .from = store->config->self,
                .epoch = log->epoch, .fits = true, .seq = store->fits);
    }
}

mm1_status kv_backup_synced(struct mm1_ctx *ctx, struct kv_store *store)
{
    if (store->phase == KV_LOADING && kv_log_settled(&store->log)) {
        store->phase = KV_FOLLOWING;
    }
    answer(ctx, store);
    return MM1_OK;
}

/* Whether a message of that epoch counts. A new epoch is noted first, and what was owed to an earlier primary is owed
 * no more. */
static mm1_status heed(struct kv_store *store, uint64_t epoch, bool *counts)
{
    *counts = epoch >= store->log.epoch;
    if (epoch > store->log.epoch) {
        store->owes_begun = false;
        store->owes_append = false;
        store->fits = 0;
        return kv_log_enter(&store->log, epoch);
    }
    return MM1_OK;
}

static mm1_status on_begin(struct mm1_ctx *ctx, struct kv_store *store, const struct kv_begin *m)
{
    bool counts;
    MM1_TRY(heed(store, m->epoch, &counts));
    if (counts) {
        store->owes_begun = true;
        MM1_TRY(kv_log_sync(ctx, &store->log));
        answer(ctx, store);
    }
    return MM1_OK;
}

static mm1_status on_append(struct mm1_ctx *ctx, struct kv_store *store, const struct kv_append *m)
{
    struct kv_log *log = &store->log;
    bool counts;
    MM1_TRY(heed(store, m->epoch, &counts));
    if (!counts) {
        return MM1_OK;
    }
    if (!kv_log_has(log, m->prev_seq, m->prev_epoch)) {
        kv_tell(ctx, store->config->primary, kv_appended, .from = store->config->self,
                .epoch = m->epoch, .fits = false, .seq = kv_log_hint(log, m->prev_seq));
        return kv_log_sync(ctx, log);
    }
    for (size_t i = 0; i < m->entries.count; i++) {
        MM1_TRY(kv_log_add(log, &m->entries.items[i]));
    }
    uint64_t fits = m->prev_seq + m->entries.count;
    store->fits = store->fits > fits ? store->fits : fits;
    store->owes_append = true;
    MM1_TRY(kv_log_sync(ctx, log));
    answer(ctx, store);
    return MM1_OK;
}

/* What this log has after an entry. Whoever asks was told kv_begun in this epoch: since then, and across restarts, the
 * log has not changed, and all of it is synced. */
static mm1_status on_fetch(struct mm1_ctx *ctx, struct kv_store *store, const struct kv_fetch *m)
{
    const struct kv_log *log = &store->log;
    if (m->epoch != log->epoch) {
        return MM1_OK;
    }
    struct kv_fetched found = {
        .from = store->config->self, .epoch = m->epoch, .prev_seq = m->prev_seq};
    found.fits = kv_log_has(log, m->prev_seq, m->prev_epoch);
    if (!found.fits) {
        found.seq = kv_log_hint(log, m->prev_seq);
    } else if (m->prev_seq < log->last) {
        uint64_t more = log->last - m->prev_seq;
        found.entries.items = &log->entries[m->prev_seq];
        found.entries.count = more < KV_BATCH ? more : KV_BATCH;
    }
    kv_tell_any(ctx, store->config->primary, &kv_fetched_type, &found);
    return MM1_OK;
}

mm1_status kv_backup_receive(struct mm1_ctx *ctx, struct kv_store *store,
                             const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, kv_append, m) {
        return on_append(ctx, store, m);
    }
    MM1_ON(envelope, kv_begin, m) {
        return on_begin(ctx, store, m);
    }
    MM1_ON(envelope, kv_fetch, m) {
        return on_fetch(ctx, store, m);
    }
    return mm1_unhandled(ctx, envelope);
}
