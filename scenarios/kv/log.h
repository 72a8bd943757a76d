/* A replica's log: the entries in memory, their records on the store port, and what of them is synced. */
#ifndef KV_LOG_H
#define KV_LOG_H

#include <mm1/actor.h>

#include "wal.h"

struct kv_log {
    struct mm1_alloc *alloc;
    mm1_handle handle;
    struct kv_entry *entries; /* entry number seq is entries[seq - 1] */
    uint64_t last;            /* seq of the last one; 0: none */
    size_t capacity;
    uint64_t epoch;     /* none before it is heeded */
    struct mm1_buf out; /* records that were not yet given to the port */
    bool dirty;         /* something was appended after the last sync was begun */
    bool syncing;
    bool sync_again;
    uint64_t synced; /* seq up to which the entries are synced */
    uint64_t syncing_to;
    /* While it is read. */
    struct kv_wal_reader reader;
    uint64_t size;
};

enum kv_log_event {
    KV_LOG_OTHER,   /* the envelope is not about the log */
    KV_LOG_NOTHING, /* it was; nothing to do */
    KV_LOG_LOADED,  /* all entries are in memory; what is in the log is not known to be synced */
    KV_LOG_SYNCED,  /* a sync has ended */
};

/* Opens the log and begins to read it. */
MM1_NODISCARD mm1_status kv_log_open(struct mm1_ctx *ctx, struct kv_log *log, struct mm1_text name);
/* Takes the port's messages. When an operation failed the actor quits: what is on the disk is not known any more, and
 * a restart will find out. */
MM1_NODISCARD mm1_status kv_log_take(struct mm1_ctx *ctx, struct kv_log *log,
                                     const struct mm1_envelope *envelope, enum kv_log_event *event);
void kv_log_close(struct kv_log *log);

/* Adds an entry, unless it is there already. Another one with its number is replaced, and all that came after it is
 * gone. MM1_MALFORMED: it leaves a gap. MM1_NOMEM. */
MM1_NODISCARD mm1_status kv_log_add(struct kv_log *log, const struct kv_entry *entry);
/* Notes that no epoch before this one will be heeded. MM1_NOMEM. */
MM1_NODISCARD mm1_status kv_log_enter(struct kv_log *log, uint64_t epoch);
/* Gives what was added to the port. */
MM1_NODISCARD mm1_status kv_log_write(struct mm1_ctx *ctx, struct kv_log *log);
/* The same, and sees to it that it is synced: KV_LOG_SYNCED will say so. Does nothing when all is synced. */
MM1_NODISCARD mm1_status kv_log_sync(struct mm1_ctx *ctx, struct kv_log *log);

/* True when all that was ever added is synced. */
static inline bool kv_log_settled(const struct kv_log *log)
{
    return !log->dirty && !log->syncing && log->out.size == 0;
}
/* The epoch of an entry; 0 for what is not there. */
static inline uint64_t kv_log_epoch_at(const struct kv_log *log, uint64_t seq)
{
    return seq == 0 || seq > log->last ? 0 : log->entries[seq - 1].epoch;
}
/* True when the entry of that epoch stands at `seq`, or nothing is asked for. */
static inline bool kv_log_has(const struct kv_log *log, uint64_t seq, uint64_t epoch)
{
    return seq <= log->last && kv_log_epoch_at(log, seq) == epoch;
}
/* Where another log may still agree, when this one does not have the entry at `seq` that it should: before all entries
 * of the epoch that stands there instead. */
uint64_t kv_log_hint(const struct kv_log *log, uint64_t seq);

#endif
