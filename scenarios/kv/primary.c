/* The primary at work: it orders the writes, and answers for those that are synced on a majority. */
#include <mm1/ask.h>

#include "store.h"

struct kv_peer *kv_primary_peer(struct kv_store *store, mm1_addr addr)
{
    for (size_t i = 0; i < store->peer_count; i++) {
        if (mm1_addr_equal(store->peers[i].addr, addr)) {
            return &store->peers[i];
        }
    }
    return NULL;
}

/* --- replication ----------------------------------------------------------------------------------------------- */

/* One message at a time is on its way to a peer; what comes meanwhile goes with the next one. */
static void send_entries(struct mm1_ctx *ctx, const struct kv_store *store, struct kv_peer *peer)
{
    const struct kv_log *log = &store->log;
    uint64_t more = log->last - (peer->next - 1);
    struct kv_append append = {.epoch = log->epoch,
                               .prev_seq = peer->next - 1,
                               .prev_epoch = kv_log_epoch_at(log, peer->next - 1)};
    append.entries.items = &log->entries[peer->next - 1];
    append.entries.count = more < KV_BATCH ? more : KV_BATCH;
    peer->sent = append.prev_seq + append.entries.count;
    kv_tell_any(ctx, peer->addr, &kv_append_type, &append);
}

static mm1_status replicate(struct mm1_ctx *ctx, struct kv_store *store)
{
    for (size_t i = 0; i < store->peer_count; i++) {
        struct kv_peer *peer = &store->peers[i];
        if (peer->sent == 0 && peer->next <= store->log.last) {
            send_entries(ctx, store, peer);
        }
    }
    return kv_primary_arm_resend(ctx, store);
}

static bool is_waiting(const struct kv_store *store)
{
    bool waiting = store->phase < KV_STARTING;
    for (size_t i = 0; i < store->peer_count; i++) {
        waiting = waiting || store->peers[i].acked < store->log.last;
    }
    return waiting;
}

/* Only while something is waited for, so that an idle system is at rest. */
mm1_status kv_primary_arm_resend(struct mm1_ctx *ctx, struct kv_store *store)
{
    if (store->resend_armed || !is_waiting(store)) {
        return MM1_OK;
    }
    store->resend_armed = true;
    uint64_t timer;
    return mm1_after(ctx, store->config->resend_after, &timer, kv_resend_now, .mm1_unit = 0);
}

static mm1_status on_resend_now(struct mm1_ctx *ctx, struct kv_store *store)
{
    store->resend_armed = false;
    if (store->phase < KV_STARTING) {
        MM1_TRY(kv_recovery_resend(ctx, store));
        return kv_primary_arm_resend(ctx, store);
    }
    for (size_t i = 0; i < store->peer_count; i++) {
        store->peers[i].sent = 0;
    }
    return replicate(ctx, store);
}

/* --- what is committed ----------------------------------------------------------------------------------------- */

/* The last entry that is synced on a majority. */
static uint64_t synced_on_majority(const struct kv_store *store)
{
    uint64_t best = 0;
    for (size_t i = 0; i <= store->peer_count; i++) {
        uint64_t upto = i == store->peer_count ? store->log.synced : store->peers[i].acked;
        size_t have = store->log.synced >= upto;
        for (size_t k = 0; k < store->peer_count; k++) {
            have += store->peers[k].acked >= upto;
        }
        if (have >= kv_majority(store) && upto > best) {
            best = upto;
        }
    }
    return best;
}

/* Applies a write, and tells its client. The reply may be lost: then the client asks again and finds it applied. */
static mm1_status apply(struct mm1_ctx *ctx, struct kv_store *store, const struct kv_entry *entry)
{
    if (entry->number == 0) {
        return MM1_OK;
    }
    MM1_TRY(kv_table_apply(&store->table, entry));
    struct kv_session *session;
    MM1_TRY(kv_table_session(&store->table, entry->client, &session));
    if (session->waits && session->logged == entry->number) {
        session->waits = false;
        (void)!mm1_reply(ctx, &session->header, kv_stored, .version = session->version);
    }
    return MM1_OK;
}

/* Applies what may be applied by now: what is committed. With the fault: all, as soon as it is in the log. */
static mm1_status advance(struct mm1_ctx *ctx, struct kv_store *store)
{
    uint64_t upto = synced_on_majority(store);
    if (store->phase == KV_STARTING && upto >= store->start) {
        store->phase = KV_SERVING;
        mm1_log(ctx, MM1_LOG_INFO, "serves in epoch %llu, with %llu entries",
                (unsigned long long)store->log.epoch, (unsigned long long)store->log.last);
    }
    if (store->phase != KV_SERVING) {
        return MM1_OK;
    }
    if (store->early) {
        upto = store->log.last;
    }
    while (store->applied < upto) {
        MM1_TRY(apply(ctx, store, &store->log.entries[store->applied]));
        store->applied++;
    }
    return MM1_OK;
}

mm1_status kv_primary_synced(struct mm1_ctx *ctx, struct kv_store *store)
{
    return advance(ctx, store);
}

static mm1_status on_appended(struct mm1_ctx *ctx, struct kv_store *store,
                              const struct kv_appended *m)
{
    struct kv_peer *peer = kv_primary_peer(store, m->from);
    if (peer == NULL || m->epoch != store->log.epoch || m->seq > store->log.last) {
        return MM1_OK;
    }
    if (m->fits) {
        peer->acked = peer->acked > m->seq ? peer->acked : m->seq;
        peer->next = peer->acked + 1;
        peer->sent = m->seq >= peer->sent ? 0 : peer->sent;
    } else if (m->seq >= peer->acked && m->seq + 1 < peer->next) {
        peer->next = m->seq + 1;
        peer->sent = 0;
    }
    MM1_TRY(advance(ctx, store));
    return replicate(ctx, store);
}

/* --- the beginning of an epoch --------------------------------------------------------------------------------- */

/* The log is whole: marks the epoch in it, and waits for a majority. */
mm1_status kv_primary_start(struct mm1_ctx *ctx, struct kv_store *store)
{
    struct kv_log *log = &store->log;
    store->start = log->last + 1;
    store->phase = KV_STARTING;
    MM1_TRY(kv_log_add(log, &(struct kv_entry){.seq = store->start, .epoch = log->epoch}));
    for (size_t i = 0; i < store->peer_count; i++) {
        store->peers[i].next = store->start;
    }
    MM1_TRY(kv_log_sync(ctx, log));
    return replicate(ctx, store);
}

/* --- clients --------------------------------------------------------------------------------------------------- */

static mm1_status on_flush_now(struct mm1_ctx *ctx, struct kv_store *store)
{
    store->flush_armed = false;
    MM1_TRY(kv_log_sync(ctx, &store->log));
    return replicate(ctx, store);
}

/* Sees to it that what was written is synced and replicated soon, together with what comes until then. */
static mm1_status flush_soon(struct mm1_ctx *ctx, struct kv_store *store)
{
    if (store->config->flush_after == 0) {
        return on_flush_now(ctx, store);
    }
    if (store->flush_armed) {
        return MM1_OK;
    }
    store->flush_armed = true;
    uint64_t timer;
    return mm1_after(ctx, store->config->flush_after, &timer, kv_flush_now, .mm1_unit = 0);
}

static mm1_status on_put(struct mm1_ctx *ctx, struct kv_store *store,
                         const struct kv_put_request *m)
{
    const struct kv_put *put = &m->body;
    struct kv_session *session;
    MM1_TRY(kv_table_session(&store->table, put->client, &session));
    if (put->number < session->logged || put->number == 0) {
        return MM1_OK; /* a latecomer: its client has given it up and gone on */
    }
    if (put->number == session->applied) {
        (void)!mm1_reply(ctx, &m->header, kv_stored, .version = session->version);
        return MM1_OK;
    }
    session->waits = true;
    session->header = m->header;
    if (put->number == session->logged) {
        return MM1_OK; /* under way; the answer goes to whoever asked last */
    }
    session->logged = put->number;
    MM1_TRY(kv_log_add(&store->log, &(struct kv_entry){.seq = store->log.last + 1,
                                                       .epoch = store->log.epoch,
                                                       .client = put->client,
                                                       .number = put->number,
                                                       .key = put->key,
                                                       .value = put->value}));
    MM1_TRY(kv_log_write(ctx, &store->log));
    MM1_TRY(advance(ctx, store));
    return flush_soon(ctx, store);
}

/* What is in the table is committed, so no read shows what could be lost; and what was acknowledged is in it. */
static mm1_status on_get(struct mm1_ctx *ctx, struct kv_store *store,
                         const struct kv_get_request *m)
{
    const struct kv_cell *cell = kv_table_cell(&store->table, m->body.key);
    (void)!mm1_reply(ctx, &m->header, kv_value, .value = cell == NULL ? 0 : cell->value,
                     .version = cell == NULL ? 0 : cell->version);
    return MM1_OK;
}

mm1_status kv_primary_receive(struct mm1_ctx *ctx, struct kv_store *store,
                              const struct mm1_envelope *envelope)
{
    bool serves = store->phase == KV_SERVING; /* clients that come too early will come again */
    MM1_ON(envelope, kv_put_request, m) {
        return serves ? on_put(ctx, store, m) : MM1_OK;
    }
    MM1_ON(envelope, kv_get_request, m) {
        return serves ? on_get(ctx, store, m) : MM1_OK;
    }
    MM1_ON(envelope, kv_appended, m) {
        return store->phase >= KV_STARTING ? on_appended(ctx, store, m) : MM1_OK;
    }
    MM1_ON(envelope, kv_flush_now, m) {
        return on_flush_now(ctx, store);
    }
    MM1_ON(envelope, kv_resend_now, m) {
        return on_resend_now(ctx, store);
    }
    return kv_recovery_receive(ctx, store, envelope);
}
