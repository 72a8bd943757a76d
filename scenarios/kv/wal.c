/* Records of the log: pure, so that they are tested without an actor. */
#include "wal.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define HEAD 12u /* length and checksum */
#define EPOCH_SIZE (1u + 8u)
#define ENTRY_SIZE (1u + 6u * 8u)

/* The numbers of an entry, in the order in which they are written. */
static const size_t entry_numbers[] = {
    offsetof(struct kv_entry, epoch),  offsetof(struct kv_entry, seq),
    offsetof(struct kv_entry, client), offsetof(struct kv_entry, number),
    offsetof(struct kv_entry, key),    offsetof(struct kv_entry, value),
};

static uint32_t body_size(enum kv_record_kind kind)
{
    return kind == KV_RECORD_EPOCH ? EPOCH_SIZE : ENTRY_SIZE;
}

size_t kv_record_encode(const struct kv_record *record, uint8_t out[KV_RECORD_MAX])
{
    uint32_t size = body_size(record->kind);
    uint8_t *body = out + HEAD;
    body[0] = (uint8_t)record->kind;
    for (size_t i = 0; i < (size - 1) / 8; i++) {
        uint64_t number;
        memcpy(&number, (const char *)&record->entry + entry_numbers[i], sizeof(number));
        mm1_put_le64(body + 1 + 8 * i, number);
    }
    mm1_put_le32(out, size);
    mm1_put_le64(out + 4, XXH3_64bits(body, size));
    return HEAD + size;
}

/* Size of the whole record at the start of `bytes`; 0 when there is none. */
static size_t record_decode(struct mm1_bytes bytes, struct kv_record *record)
{
    if (bytes.size < HEAD) {
        return 0;
    }
    uint32_t size = mm1_get_le32(bytes.data);
    const uint8_t *body = bytes.data + HEAD;
    if ((size != EPOCH_SIZE && size != ENTRY_SIZE) || bytes.size - HEAD < size ||
        mm1_get_le64(bytes.data + 4) != XXH3_64bits(body, size)) {
        return 0;
    }
    if ((body[0] != KV_RECORD_EPOCH && body[0] != KV_RECORD_ENTRY) ||
        body_size((enum kv_record_kind)body[0]) != size) {
        return 0;
    }
    *record = (struct kv_record){.kind = (enum kv_record_kind)body[0]};
    for (size_t i = 0; i < (size - 1) / 8; i++) {
        uint64_t number = mm1_get_le64(body + 1 + 8 * i);
        memcpy((char *)&record->entry + entry_numbers[i], &number, sizeof(number));
    }
    return HEAD + size;
}

mm1_status kv_wal_feed(struct kv_wal_reader *reader, struct mm1_bytes piece)
{
    return mm1_buf_append(&reader->rest, piece.data, piece.size);
}

bool kv_wal_next(struct kv_wal_reader *reader, struct kv_record *record)
{
    size_t size = record_decode(mm1_buf_bytes(&reader->rest), record);
    mm1_buf_consume(&reader->rest, size);
    reader->good += size;
    return size > 0;
}

void kv_wal_close(struct kv_wal_reader *reader)
{
    mm1_buf_close(&reader->rest);
}
