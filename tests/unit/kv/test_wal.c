/* The log records of the key-value store: both ways, in pieces of every size, torn at every byte, and damaged. */
#include "base/prng.h"
#include "mm1_test.h"
#include "test_alloc.h"
#include "wal.h"

#define RECORDS 40u

static struct kv_record record_at(uint64_t i)
{
    struct kv_record record = {.kind = mm1_prng_word(1, i, 0, 0) % 4 == 0 ? KV_RECORD_EPOCH
                                                                          : KV_RECORD_ENTRY};
    record.entry.epoch = mm1_prng_word(1, i, 1, 0) >> (mm1_prng_word(1, i, 2, 0) % 64);
    if (record.kind == KV_RECORD_ENTRY) {
        record.entry.seq = mm1_prng_word(1, i, 3, 0);
        record.entry.client = mm1_prng_word(1, i, 4, 0);
        record.entry.number = i;
        record.entry.key = mm1_prng_word(1, i, 5, 0) % 3;
        record.entry.value = UINT64_MAX - i;
    }
    return record;
}

/* All records in a row; `ends` gets where each ends. */
static size_t write_log(uint8_t log[RECORDS * KV_RECORD_MAX], size_t ends[RECORDS])
{
    size_t size = 0;
    for (size_t i = 0; i < RECORDS; i++) {
        struct kv_record record = record_at(i);
        uint8_t bytes[KV_RECORD_MAX];
        size_t used = kv_record_encode(&record, bytes);
        cr_assert_leq(used, KV_RECORD_MAX);
        memcpy(log + size, bytes, used);
        size += used;
        ends[i] = size;
    }
    return size;
}

static bool same(const struct kv_record *a, const struct kv_record *b)
{
    return a->kind == b->kind && mm1_msg_equal(&kv_entry_type, &a->entry, &b->entry);
}

/* Reads `size` bytes in pieces; checks that what comes is what was written, and says how many came. */
static size_t read_log(const uint8_t *log, size_t size, size_t piece, uint64_t *good)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct kv_wal_reader reader = {.rest = MM1_BUF(&alloc.base)};
    size_t count = 0;
    for (size_t at = 0; at < size; at += piece) {
        size_t more = size - at < piece ? size - at : piece;
        cr_assert_eq(kv_wal_feed(&reader, (struct mm1_bytes){log + at, more}), MM1_OK);
        struct kv_record record;
        while (kv_wal_next(&reader, &record)) {
            struct kv_record expected = record_at(count);
            cr_assert(same(&record, &expected), "record %zu", count);
            count++;
        }
    }
    *good = reader.good;
    kv_wal_close(&reader);
    cr_assert_eq(alloc.live, 0);
    return count;
}

Test(wal, comes_back_whatever_the_pieces)
{
    static uint8_t log[RECORDS * KV_RECORD_MAX];
    size_t ends[RECORDS];
    size_t size = write_log(log, ends);
    for (size_t piece = 1; piece <= size; piece = piece < 70 ? piece + 1 : piece * 2) {
        uint64_t good;
        cr_assert_eq(read_log(log, size, piece, &good), RECORDS);
        cr_assert_eq(good, size);
    }
}

Test(wal, a_torn_tail_is_seen_at_every_byte)
{
    static uint8_t log[RECORDS * KV_RECORD_MAX];
    size_t ends[RECORDS];
    size_t size = write_log(log, ends);
    size_t whole = 0;
    for (size_t cut = 0; cut <= size; cut++) {
        while (whole < RECORDS && ends[whole] <= cut) {
            whole++;
        }
        uint64_t good;
        cr_assert_eq(read_log(log, cut, 64, &good), whole, "cut at %zu", cut);
        cr_assert_eq(good, whole == 0 ? 0 : ends[whole - 1]);
    }
}

Test(wal, what_was_never_written_reads_as_torn)
{
    /* A file that has its size already, and not its bytes. */
    static uint8_t log[RECORDS * KV_RECORD_MAX + 200];
    size_t ends[RECORDS];
    size_t size = write_log(log, ends);
    uint64_t good;
    cr_assert_eq(read_log(log, size + 200, 4096, &good), RECORDS);
    cr_assert_eq(good, size);
    memset(log + size, 0xff, 200);
    cr_assert_eq(read_log(log, size + 200, 4096, &good), RECORDS);
    cr_assert_eq(good, size);
}

Test(wal, every_flipped_bit_is_seen)
{
    static uint8_t log[RECORDS * KV_RECORD_MAX];
    size_t ends[RECORDS];
    (void)write_log(log, ends);
    for (size_t bit = ends[0] * 8; bit < ends[3] * 8; bit++) {
        log[bit / 8] ^= (uint8_t)(1u << bit % 8);
        size_t record = 1;
        while (ends[record] * 8 <= bit) {
            record++;
        }
        uint64_t good;
        cr_assert_eq(read_log(log, ends[5], 4096, &good), record, "bit %zu", bit);
        cr_assert_eq(good, ends[record - 1]);
        log[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

Test(wal, the_format_is_fixed)
{
    /* Logs outlive a build: these bytes may not change. */
    struct kv_record record = {
        .kind = KV_RECORD_ENTRY,
        .entry = {.seq = 2, .epoch = 1, .client = 3, .number = 4, .key = 5, .value = 6}};
    uint8_t bytes[KV_RECORD_MAX];
    cr_assert_eq(kv_record_encode(&record, bytes), 61);
    cr_assert_eq(mm1_get_le32(bytes), 49);
    cr_assert_eq(bytes[12], 2);
    for (uint64_t i = 0; i < 6; i++) {
        cr_assert_eq(mm1_get_le64(bytes + 13 + 8 * i), i + 1);
    }
    cr_assert_eq(mm1_get_le64(bytes + 4), UINT64_C(0xad031078039a2939));
    record = (struct kv_record){.kind = KV_RECORD_EPOCH, .entry.epoch = 7};
    cr_assert_eq(kv_record_encode(&record, bytes), 21);
    cr_assert_eq(mm1_get_le32(bytes), 9);
    cr_assert_eq(bytes[12], 1);
    cr_assert_eq(mm1_get_le64(bytes + 13), 7);
    cr_assert_eq(mm1_get_le64(bytes + 4), UINT64_C(0xa37a4d57e7457851));
}

Test(wal, refused_memory)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct kv_wal_reader reader = {.rest = MM1_BUF(&alloc.base)};
    uint8_t bytes[KV_RECORD_MAX];
    struct kv_record record = record_at(1);
    size_t size = kv_record_encode(&record, bytes);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(kv_wal_feed(&reader, (struct mm1_bytes){bytes, size}), MM1_NOMEM);
    cr_assert_not(kv_wal_next(&reader, &record));
    cr_assert_eq(kv_wal_feed(&reader, (struct mm1_bytes){bytes, size}), MM1_OK);
    cr_assert(kv_wal_next(&reader, &record));
    kv_wal_close(&reader);
    cr_assert_eq(alloc.live, 0);
}
