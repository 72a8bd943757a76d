/* How the primary comes back: it may not serve before it knows every write that was ever acknowledged.
 *
 * Each start of the primary is an epoch, greater than all before, which is on its own disk before anybody hears of it.
 * It asks the backups to heed no earlier epoch and to say how far their logs go, waits until they and itself are a
 * majority, and takes over the most advanced of these logs: that with the greatest (epoch of the last entry, number of
 * the last entry). To this it adds an entry that marks its epoch, replicates, and serves once the mark is synced on a
 * majority.
 *
 * Why that finds every acknowledged write. A write was acknowledged in an epoch E when an entry of E at or after it was
 * synced on a majority. Look at the first later epoch F whose primary took over a log without it. That primary heard a
 * majority, so some replica R in it had acknowledged that entry. R did so before it heeded F, and it has the write
 * still, because entries are replaced only by those of primaries between E and F, which all had it. The log that was
 * taken over is at least as advanced as R's. If both end in the same epoch, one primary wrote both ends, and the longer
 * log contains the other one. Else it ends with an entry of an epoch between E and F, whose primary had the write; and
 * an entry is accepted only after all that its primary has before it. Either way the write is in it.
 *
 * An entry of an earlier epoch that is on a majority by chance proves nothing: a more advanced log without it may
 * still win. That is what the mark is for: what a majority has up to an entry of this epoch, no later primary
 * misses. */
#include "store.h"

#define FETCH_TRIES 8u /* unanswered ones, before the majority is asked again */

mm1_status kv_recovery_loaded(struct mm1_ctx *ctx, struct kv_store *store)
{
    MM1_TRY(kv_log_enter(&store->log, store->log.epoch + 1));
    return kv_log_sync(ctx, &store->log);
}

/* --- asking ---------------------------------------------------------------------------------------------------- */

static void ask_peers(struct mm1_ctx *ctx, const struct kv_store *store)
{
    for (size_t i = 0; i < store->peer_count; i++) {
        if (!store->peers[i].begun) {
            kv_tell(ctx, store->peers[i].addr, kv_begin, .epoch = store->log.epoch);
        }
    }
}

static void fetch(struct mm1_ctx *ctx, const struct kv_store *store)
{
    kv_tell(ctx, store->source->addr, kv_fetch, .epoch = store->log.epoch,
            .prev_seq = store->fetch_prev,
            .prev_epoch = kv_log_epoch_at(&store->log, store->fetch_prev));
}

/* Once a majority has answered: goes on with the most advanced log. */
static mm1_status choose(struct mm1_ctx *ctx, struct kv_store *store)
{
    const struct kv_log *log = &store->log;
    size_t heard = 1;
    uint64_t best_seq = log->last;
    uint64_t best_epoch = kv_log_epoch_at(log, log->last);
    store->source = NULL;
    for (size_t i = 0; i < store->peer_count; i++) {
        struct kv_peer *peer = &store->peers[i];
        heard += peer->begun;
        if (peer->begun && (peer->last_epoch > best_epoch ||
                            (peer->last_epoch == best_epoch && peer->last_seq > best_seq))) {
            store->source = peer;
            best_seq = peer->last_seq;
            best_epoch = peer->last_epoch;
        }
    }
    if (heard < kv_majority(store)) {
        return MM1_OK;
    }
    if (store->source == NULL) {
        return kv_primary_start(ctx, store);
    }
    store->phase = KV_FETCHING;
    store->fetch_tries = 0;
    store->fetch_prev = log->last < best_seq ? log->last : best_seq;
    fetch(ctx, store);
    return MM1_OK;
}

mm1_status kv_recovery_synced(struct mm1_ctx *ctx, struct kv_store *store)
{
    if (store->phase != KV_LOADING || !kv_log_settled(&store->log)) {
        return MM1_OK;
    }
    store->phase = KV_ASKING;
    ask_peers(ctx, store);
    MM1_TRY(kv_primary_arm_resend(ctx, store));
    return choose(ctx, store); /* alone it is a majority */
}

/* A backup that does not answer any more may be gone for good: then another majority will do. */
mm1_status kv_recovery_resend(struct mm1_ctx *ctx, struct kv_store *store)
{
    if (store->phase == KV_FETCHING && ++store->fetch_tries < FETCH_TRIES) {
        fetch(ctx, store);
        return MM1_OK;
    }
    if (store->phase == KV_FETCHING) {
        store->phase = KV_ASKING;
        for (size_t i = 0; i < store->peer_count; i++) {
            store->peers[i].begun = false;
        }
    }
    ask_peers(ctx, store);
    return MM1_OK;
}

static mm1_status on_begun(struct mm1_ctx *ctx, struct kv_store *store, const struct kv_begun *m)
{
    struct kv_peer *peer = kv_primary_peer(store, m->from);
    if (peer == NULL || m->epoch != store->log.epoch || store->phase != KV_ASKING) {
        return MM1_OK;
    }
    peer->begun = true;
    peer->last_seq = m->last_seq;
    peer->last_epoch = m->last_epoch;
    return choose(ctx, store);
}

/* --- fetching -------------------------------------------------------------------------------------------------- */

/* Steps back to where the logs agree, and from there on takes over entry by entry. What of its own is replaced was
 * never acknowledged; and should it crash half way, its log is the beginning of the better one. */
static mm1_status on_fetched(struct mm1_ctx *ctx, struct kv_store *store,
                             const struct kv_fetched *m)
{
    struct kv_log *log = &store->log;
    if (m->epoch != log->epoch || store->phase != KV_FETCHING ||
        !mm1_addr_equal(m->from, store->source->addr) || m->prev_seq != store->fetch_prev) {
        return MM1_OK;
    }
    store->fetch_tries = 0;
    if (!m->fits) {
        /* An answer that leads no further back would lead round in circles. */
        if (m->seq >= store->fetch_prev) {
            return MM1_MALFORMED;
        }
        store->fetch_prev = m->seq;
        fetch(ctx, store);
        return MM1_OK;
    }
    for (size_t i = 0; i < m->entries.count; i++) {
        MM1_TRY(kv_log_add(log, &m->entries.items[i]));
    }
    MM1_TRY(kv_log_write(ctx, log));
    store->fetch_prev += m->entries.count;
    if (kv_log_has(log, store->source->last_seq, store->source->last_epoch)) {
        return kv_primary_start(ctx, store);
    }
    fetch(ctx, store);
    return MM1_OK;
}

mm1_status kv_recovery_receive(struct mm1_ctx *ctx, struct kv_store *store,
                               const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, kv_begun, m) {
        return on_begun(ctx, store, m);
    }
    MM1_ON(envelope, kv_fetched, m) {
        return on_fetched(ctx, store, m);
    }
    return mm1_unhandled(ctx, envelope);
}
