/* The records of the write-ahead log: encoding, and reading them back after whatever happened.
 *
 * A record is its length (u32), the XXH3 of what follows (u64), and then a kind (u8) and numbers (u64), all little
 * endian. The log is only ever appended to. An entry replaces the one with its number and all that came after it, so a
 * log cut at any point is the log as it was at an earlier time; a power loss can do no worse than that. */
#ifndef KV_WAL_H
#define KV_WAL_H

#include <mm1/bytes.h>

#include "messages.h"

enum kv_record_kind {
    KV_RECORD_EPOCH =
        1, /* no epoch before entry.epoch will be heeded; nothing else of `entry` counts */
    KV_RECORD_ENTRY,
};

struct kv_record {
    enum kv_record_kind kind;
    struct kv_entry entry;
};

#define KV_RECORD_MAX 61u /* bytes of the longest record */

/* Writes the record; returns its size. */
size_t kv_record_encode(const struct kv_record *record, uint8_t out[KV_RECORD_MAX]);

/* Reads a log piece by piece. Zero-initialise with an allocator: {.rest = MM1_BUF(alloc)}. */
struct kv_wal_reader {
    struct mm1_buf rest; /* read, and not yet a whole record */
    uint64_t good;       /* bytes of the log that are whole records */
};

/* Adds the next piece. MM1_NOMEM. */
MM1_NODISCARD mm1_status kv_wal_feed(struct kv_wal_reader *reader, struct mm1_bytes piece);
/* The next whole record; false when there is none, now or ever: what is left then at the end of the log is torn. */
bool kv_wal_next(struct kv_wal_reader *reader, struct kv_record *record);
void kv_wal_close(struct kv_wal_reader *reader);

#endif
