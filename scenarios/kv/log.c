/* The log of a replica: it is read once, in pieces, and appended to from then on. */
#include "log.h"

#define PIECE 4096u /* bytes read at a time */

/* The `op` of what is asked of the port. */
enum { OP_READ = 1, OP_TRUNCATE, OP_APPEND, OP_SYNC };

mm1_status kv_log_open(struct mm1_ctx *ctx, struct kv_log *log, struct mm1_text name)
{
    struct mm1_alloc *alloc = mm1_ctx_alloc(ctx);
    *log =
        (struct kv_log){.alloc = alloc, .out = MM1_BUF(alloc), .reader = {.rest = MM1_BUF(alloc)}};
    return mm1_log_open(ctx, name, &log->handle);
}

void kv_log_close(struct kv_log *log)
{
    if (log->alloc != NULL) {
        mm1_give(log->alloc, log->entries, log->capacity * sizeof(*log->entries));
        mm1_buf_close(&log->out);
        kv_wal_close(&log->reader);
    }
}

uint64_t kv_log_hint(const struct kv_log *log, uint64_t seq)
{
    if (seq > log->last) {
        return log->last;
    }
    uint64_t epoch = kv_log_epoch_at(log, seq);
    while (seq > 0 && kv_log_epoch_at(log, seq) == epoch) {
        seq--;
    }
    return seq;
}

/* --- adding ---------------------------------------------------------------------------------------------------- */

static mm1_status grow(struct kv_log *log)
{
    size_t capacity = log->capacity == 0 ? 64 : log->capacity * 2;
    struct kv_entry *entries = mm1_take(log->alloc, capacity * sizeof(*entries));
    if (entries == NULL) {
        return MM1_NOMEM;
    }
    if (log->last > 0) {
        memcpy(entries, log->entries, log->last * sizeof(*entries));
    }
    mm1_give(log->alloc, log->entries, log->capacity * sizeof(*entries));
    log->entries = entries;
    log->capacity = capacity;
    return MM1_OK;
}

/* Puts an entry in its place, in memory. */
static mm1_status place(struct kv_log *log, const struct kv_entry *entry)
{
    if (entry->seq == 0 || entry->seq > log->last + 1) {
        return MM1_MALFORMED;
    }
    if (entry->seq > log->capacity) {
        MM1_TRY(grow(log));
    }
    uint64_t before = entry->seq - 1;
    log->synced = log->synced < before ? log->synced : before;
    log->syncing_to = log->syncing_to < before ? log->syncing_to : before;
    log->entries[before] = *entry;
    log->last = entry->seq;
    log->epoch = log->epoch > entry->epoch ? log->epoch : entry->epoch;
    return MM1_OK;
}

static mm1_status record(struct kv_log *log, const struct kv_record *what)
{
    uint8_t bytes[KV_RECORD_MAX];
    return mm1_buf_append(&log->out, bytes, kv_record_encode(what, bytes));
}

mm1_status kv_log_add(struct kv_log *log, const struct kv_entry *entry)
{
    if (kv_log_has(log, entry->seq, entry->epoch)) {
        return MM1_OK;
    }
    MM1_TRY(place(log, entry));
    return record(log, &(struct kv_record){.kind = KV_RECORD_ENTRY, .entry = *entry});
}

mm1_status kv_log_enter(struct kv_log *log, uint64_t epoch)
{
    log->epoch = epoch;
    return record(log, &(struct kv_record){.kind = KV_RECORD_EPOCH, .entry.epoch = epoch});
}

mm1_status kv_log_write(struct mm1_ctx *ctx, struct kv_log *log)
{
    if (log->out.size > 0) {
        MM1_TRY(mm1_log_append(ctx, log->handle, OP_APPEND, mm1_buf_bytes(&log->out)));
        mm1_buf_clear(&log->out);
        log->dirty = true;
    }
    return MM1_OK;
}

mm1_status kv_log_sync(struct mm1_ctx *ctx, struct kv_log *log)
{
    MM1_TRY(kv_log_write(ctx, log));
    if (!log->dirty || log->syncing) {
        log->sync_again = log->dirty;
        return MM1_OK;
    }
    MM1_TRY(mm1_log_sync(ctx, log->handle, OP_SYNC));
    log->syncing = true;
    log->syncing_to = log->last;
    log->dirty = false;
    log->sync_again = false;
    return MM1_OK;
}

/* --- reading --------------------------------------------------------------------------------------------------- */

static mm1_status replay(struct kv_log *log)
{
    struct kv_record next;
    while (kv_wal_next(&log->reader, &next)) {
        if (next.kind == KV_RECORD_ENTRY) {
            MM1_TRY(place(log, &next.entry));
        } else {
            log->epoch = next.entry.epoch;
        }
    }
    return MM1_OK;
}

/* Reads the next piece. At the end, cuts what a power loss has left of the last append. */
static mm1_status read_on(struct mm1_ctx *ctx, struct kv_log *log, enum kv_log_event *event)
{
    uint64_t have = log->reader.good + log->reader.rest.size;
    if (have < log->size) {
        return mm1_log_read(ctx, log->handle, OP_READ, have, PIECE);
    }
    if (log->reader.good < log->size) {
        mm1_log(ctx, MM1_LOG_INFO, "the log ends with %llu bytes that are no record; they are cut",
                (unsigned long long)log->reader.rest.size);
        MM1_TRY(mm1_log_truncate(ctx, log->handle, OP_TRUNCATE, log->reader.good));
    }
    kv_wal_close(&log->reader);
    log->dirty = true; /* what was read may be in a cache only */
    *event = KV_LOG_LOADED;
    return MM1_OK;
}

static mm1_status on_done(struct mm1_ctx *ctx, struct kv_log *log, uint64_t op,
                          enum kv_log_event *event)
{
    if (op != OP_SYNC) {
        return MM1_OK;
    }
    log->syncing = false;
    log->synced = log->syncing_to;
    *event = KV_LOG_SYNCED;
    return log->sync_again ? kv_log_sync(ctx, log) : MM1_OK;
}

static mm1_status on_failed(struct mm1_ctx *ctx, const struct mm1_log_failed *failed)
{
    mm1_log(ctx, MM1_LOG_ERROR, "the log failed: %.*s", (int)failed->reason.size,
            failed->reason.data);
    mm1_quit(ctx, mm1_reason_error((int32_t)failed->status, "the log failed"));
    return MM1_OK;
}

mm1_status kv_log_take(struct mm1_ctx *ctx, struct kv_log *log, const struct mm1_envelope *envelope,
                       enum kv_log_event *event)
{
    *event = KV_LOG_NOTHING;
    MM1_ON(envelope, mm1_log_done, m) {
        return on_done(ctx, log, m->op, event);
    }
    MM1_ON(envelope, mm1_log_data, m) {
        MM1_TRY(kv_wal_feed(&log->reader, m->data));
        MM1_TRY(replay(log));
        return read_on(ctx, log, event);
    }
    MM1_ON(envelope, mm1_log_opened, m) {
        log->size = m->size;
        return read_on(ctx, log, event);
    }
    MM1_ON(envelope, mm1_log_failed, m) {
        return on_failed(ctx, m);
    }
    *event = KV_LOG_OTHER;
    return MM1_OK;
}
