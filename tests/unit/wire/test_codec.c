/* The MessagePack codec: bytes of known messages, round trips of every kind and form, lenient reading. */
#include <stdlib.h>

#include <mm1/msg.h>

#include "mm1_test.h"
#include "test_alloc.h"
#include "wire_types.h"

/* The worked examples of mm1's wire format. */
#define DATA_FIELDS(F) F(addr, reply_to) F(text, text) F(u64, n)
MM1_MSG_DECLARE(data, DATA_FIELDS)
MM1_MSG_DEFINE(data, "mn::Data", DATA_FIELDS)
#define REQUEST_HEAD_FIELDS(F) F(u64, id) F(addr, reply_to)
MM1_MSG_DECLARE(request_head, REQUEST_HEAD_FIELDS)
MM1_MSG_DEFINE(request_head, "mn::RequestHead", REQUEST_HEAD_FIELDS)
#define REQUEST_FIELDS(F) F(sub(request_head), head) F(sub(wt_unit), payload)
MM1_MSG_DECLARE(request, REQUEST_FIELDS)
MM1_MSG_DEFINE(request, "mn::Request", REQUEST_FIELDS)
#define RESPONSE_HEAD_FIELDS(F) F(u64, id)
MM1_MSG_DECLARE(response_head, RESPONSE_HEAD_FIELDS)
MM1_MSG_DEFINE(response_head, "mn::ResponseHead", RESPONSE_HEAD_FIELDS)
#define RESPONSE_FIELDS(F) F(sub(response_head), head) F(sub(wt_newtype), payload)
MM1_MSG_DECLARE(response, RESPONSE_FIELDS)
MM1_MSG_DEFINE(response, "mn::Response", RESPONSE_FIELDS)
#define PING_FIELDS(F) F(opt(addr), reply_to) F(u64, id)
MM1_MSG_DECLARE(ping, PING_FIELDS)
MM1_MSG_DEFINE(ping, "mn::Ping", PING_FIELDS)

/* One field of each kind, to look at single values. */
#define ONE(kind)                                                                                  \
    MM1_MSG_DECLARE(one_##kind, ONE_##kind##_FIELDS)                                               \
    MM1_MSG_DEFINE_NEWTYPE(one_##kind, "one::" #kind, ONE_##kind##_FIELDS)
#define ONE_u8_FIELDS(F) F(u8, v)
ONE(u8)
#define ONE_u16_FIELDS(F) F(u16, v)
ONE(u16)
#define ONE_u32_FIELDS(F) F(u32, v)
ONE(u32)
#define ONE_i32_FIELDS(F) F(i32, v)
ONE(i32)
#define ONE_i64_FIELDS(F) F(i64, v)
ONE(i64)
#define ONE_f64_FIELDS(F) F(f64, v)
ONE(f64)
#define ONE_bytes_FIELDS(F) F(bytes, v)
ONE(bytes)
#define ONE_text_FIELDS(F) F(text, v)
ONE(text)
#define ONE_net_FIELDS(F) F(net, v)
ONE(net)
#define ONE_duration_FIELDS(F) F(duration, v)
ONE(duration)
#define ONE_any_FIELDS(F) F(any, v)
ONE(any)

static struct test_alloc alloc;
static struct mm1_msg_registry registry;

static void setup(void)
{
    test_alloc_init(&alloc);
    registry = MM1_MSG_REGISTRY(&alloc.base);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        cr_assert_eq(mm1_msg_register(&registry, WT_TYPES[i]), MM1_OK);
    }
}

static void teardown(void)
{
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(codec, .init = setup, .fini = teardown);

static struct mm1_bytes from_hex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; *hex != 0; hex++) {
        if (*hex == ' ') {
            continue;
        }
        char digits[3] = {hex[0], hex[1], 0};
        out[size++] = (uint8_t)strtoul(digits, NULL, 16);
        hex++;
    }
    return (struct mm1_bytes){.data = out, .size = size};
}

static void encodes_to(const struct mm1_msg_type *type, const void *msg, const char *hex)
{
    uint8_t bytes[600];
    struct mm1_bytes wanted = from_hex(hex, bytes);
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_msg_encode(type, msg, &buf), MM1_OK);
    cr_assert_eq(buf.size, wanted.size, "%s: %zu bytes", hex, buf.size);
    cr_assert_arr_eq(buf.data, wanted.data, wanted.size, "%s", hex);
    mm1_buf_close(&buf);
}

/* Decodes into a block of exactly the right size; the caller frees it. */
static void *decoded(const struct mm1_msg_type *type, struct mm1_bytes bytes)
{
    size_t size = 0;
    cr_assert_eq(mm1_msg_decoded_size(type, bytes, &registry, &size), MM1_OK);
    void *block = malloc(size);
    memset(block, 0xee, size);
    mm1_msg_decode(type, bytes, &registry, block);
    return block;
}

static void decodes_from(const struct mm1_msg_type *type, const void *msg, const char *hex)
{
    uint8_t bytes[600];
    void *block = decoded(type, from_hex(hex, bytes));
    cr_assert(mm1_msg_equal(type, msg, block), "%s", hex);
    free(block);
}

static void both_ways(const struct mm1_msg_type *type, const void *msg, const char *hex)
{
    encodes_to(type, msg, hex);
    decodes_from(type, msg, hex);
}

static void refused(const struct mm1_msg_type *type, mm1_status status, const char *hex)
{
    uint8_t bytes[600];
    size_t size = 77;
    cr_assert_eq(mm1_msg_decoded_size(type, from_hex(hex, bytes), &registry, &size), status, "%s",
                 hex);
    cr_assert_eq(size, 77);
}

Test(codec, worked_examples)
{
    struct wt_unit hi = {0};
    both_ways(&wt_unit_type, &hi, "90");
    decodes_from(&wt_unit_type, &hi, "c0");
    struct data data = {.reply_to = {0xaa20000000000b01u}, .text = MM1_TEXT("hello"), .n = 300};
    both_ways(&data_type, &data, "93 cf aa 20 00 00 00 00 0b 01 a5 68 65 6c 6c 6f cd 01 2c");
    struct request request = {.head = {.id = 37, .reply_to = {0xaa20000000000b03u}}};
    both_ways(&request_type, &request, "92 92 25 cf aa 20 00 00 00 00 0b 03 90");
    struct response response = {.head.id = 37, .payload.value = 7};
    both_ways(&response_type, &response, "92 91 25 07");
    struct ping ping = {.reply_to = {true, {0xaa00000000000201u}}, .id = 42};
    both_ways(&ping_type, &ping, "92 cf aa 00 00 00 00 00 02 01 2a");
    struct ping lost = {.id = 1};
    both_ways(&ping_type, &lost, "92 c0 01");
}

Test(codec, integers_are_as_small_as_can_be)
{
    static const struct {
        int64_t value;
        const char *hex;
    } CASES[] = {{0, "00"},
                 {127, "7f"},
                 {128, "cc80"},
                 {255, "ccff"},
                 {256, "cd0100"},
                 {65535, "cdffff"},
                 {65536, "ce00010000"},
                 {UINT32_MAX, "ceffffffff"},
                 {(int64_t)1 << 32, "cf0000000100000000"},
                 {INT64_MAX, "cf7fffffffffffffff"},
                 {-1, "ff"},
                 {-32, "e0"},
                 {-33, "d0df"},
                 {-128, "d080"},
                 {-129, "d1ff7f"},
                 {-32768, "d18000"},
                 {-32769, "d2ffff7fff"},
                 {INT32_MIN, "d280000000"},
                 {(int64_t)INT32_MIN - 1, "d3ffffffff7fffffff"},
                 {INT64_MIN, "d38000000000000000"}};
    for (size_t i = 0; i < MM1_COUNT_OF(CASES); i++) {
        struct one_i64 number = {CASES[i].value};
        both_ways(&one_i64_type, &number, CASES[i].hex);
        struct one_i32 narrow = {(int32_t)CASES[i].value};
        if (narrow.v == CASES[i].value) {
            both_ways(&one_i32_type, &narrow, CASES[i].hex);
        } else {
            refused(&one_i32_type, MM1_MALFORMED, CASES[i].hex);
        }
        struct wt_newtype wide = {(uint64_t)CASES[i].value};
        if (CASES[i].value >= 0) {
            both_ways(&wt_newtype_type, &wide, CASES[i].hex);
        } else {
            refused(&wt_newtype_type, MM1_MALFORMED, CASES[i].hex);
        }
        struct one_u8 tiny = {(uint8_t)CASES[i].value};
        if (tiny.v == CASES[i].value) {
            both_ways(&one_u8_type, &tiny, CASES[i].hex);
        } else {
            refused(&one_u8_type, MM1_MALFORMED, CASES[i].hex);
        }
    }
    struct wt_newtype most = {UINT64_MAX};
    both_ways(&wt_newtype_type, &most, "cfffffffffffffffff");
    refused(&one_i64_type, MM1_MALFORMED, "cfffffffffffffffff");
    refused(&one_i64_type, MM1_MALFORMED, "cf8000000000000000");
}

Test(codec, integers_of_any_width_are_read)
{
    struct one_u8 seven = {7};
    const char *texts[] = {
        "07",   "cc07",   "cd0007",     "ce00000007",        "cf0000000000000007",
        "d007", "d10007", "d200000007", "d30000000000000007"};
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        decodes_from(&one_u8_type, &seven, texts[i]);
        decodes_from(&one_i32_type, &(struct one_i32){7}, texts[i]);
    }
    struct one_i64 minus = {-2};
    const char *negatives[] = {"fe", "d0fe", "d1fffe", "d2fffffffe", "d3fffffffffffffffe"};
    for (size_t i = 0; i < MM1_COUNT_OF(negatives); i++) {
        decodes_from(&one_i64_type, &minus, negatives[i]);
        refused(&one_u8_type, MM1_MALFORMED, negatives[i]);
    }
    refused(&one_u8_type, MM1_MALFORMED, "cd0100");
    refused(&one_u16_type, MM1_MALFORMED, "ce00010000");
    refused(&one_u32_type, MM1_MALFORMED, "cf0000000100000000");
    refused(&one_u8_type, MM1_MALFORMED, "c3");
    refused(&one_u8_type, MM1_MALFORMED, "c1");
    refused(&one_u8_type, MM1_MALFORMED, "cb0000000000000000");
    refused(&one_u8_type, MM1_MALFORMED, "a137");
    refused(&one_u8_type, MM1_MALFORMED, "c0");
}

Test(codec, single_kinds)
{
    both_ways(&one_f64_type, &(struct one_f64){1.5}, "cb3ff8000000000000");
    decodes_from(&one_f64_type, &(struct one_f64){1.5}, "ca3fc00000");
    refused(&one_f64_type, MM1_MALFORMED, "01");
    uint8_t data[] = {1, 200, 3};
    both_ways(&one_bytes_type, &(struct one_bytes){{data, 3}}, "c40301c803");
    decodes_from(&one_bytes_type, &(struct one_bytes){{data, 3}}, "9301ccc803");
    decodes_from(&one_bytes_type, &(struct one_bytes){{data, 3}}, "dc000301d100c803");
    decodes_from(&one_bytes_type, &(struct one_bytes){{data, 3}}, "c6 00000003 01c803");
    both_ways(&one_bytes_type, &(struct one_bytes){{NULL, 0}}, "c400");
    refused(&one_bytes_type, MM1_MALFORMED, "91cd0100");
    refused(&one_bytes_type, MM1_MALFORMED, "a101");
    both_ways(&one_text_type, &(struct one_text){{NULL, 0}}, "a0");
    decodes_from(&one_text_type, &(struct one_text){MM1_TEXT("ab")}, "d9026162");
    decodes_from(&one_text_type, &(struct one_text){MM1_TEXT("ab")}, "db000000026162");
    refused(&one_text_type, MM1_MALFORMED, "a2c328");
    refused(&one_text_type, MM1_MALFORMED, "a3eda080");
    refused(&one_text_type, MM1_MALFORMED, "c4026162");
    struct one_net net = {{.addr = {0xaa00000000000000u}, .mask = 16}};
    both_ways(&one_net_type, &net, "92cfaa0000000000000010");
    both_ways(&one_net_type, &(struct one_net){{.mask = 64}}, "920040");
    refused(&one_net_type, MM1_MALFORMED, "920041");
    refused(&one_net_type, MM1_MALFORMED, "9100");
    refused(&one_net_type, MM1_MALFORMED, "93000000");
    both_ways(&one_duration_type, &(struct one_duration){1500000000u}, "9201ce1dcd6500");
    both_ways(&one_duration_type, &(struct one_duration){UINT64_MAX},
              "92cf000000044b82fa09ce2a4ae5ff");
    decodes_from(&one_duration_type, &(struct one_duration){3000000000u}, "9201ce77359400");
    refused(&one_duration_type, MM1_MALFORMED, "92cf000000044b82fa09ce2a4ae600");
    refused(&one_duration_type, MM1_MALFORMED, "92cfffffffffffffffff00");
}

Test(codec, any_carries_its_name)
{
    struct wt_small small = {.a = 1, .b = 300};
    struct one_any any = {{&wt_small_type, &small}};
    both_ways(&one_any_type, &any, "92 a9 77743a3a536d616c6c 92 01 cd012c");
    both_ways(&one_any_type, &(struct one_any){{NULL, NULL}}, "c0");
    refused(&one_any_type, MM1_UNKNOWN_TYPE, "92 a9 77743a3a536d616c6d 92 01 cd012c");
    refused(&one_any_type, MM1_MALFORMED, "93 a9 77743a3a536d616c6c 92 01 cd012c 00");
    uint8_t bytes[40];
    size_t size;
    struct mm1_bytes input = from_hex("92 a9 77743a3a536d616c6c 92 01 cd012c", bytes);
    cr_assert_eq(mm1_msg_decoded_size(&one_any_type, input, NULL, &size), MM1_UNKNOWN_TYPE);
    cr_assert_eq(mm1_msg_decoded_size(&one_any_type, from_hex("c0", bytes), NULL, &size), MM1_OK);
}

Test(codec, structs_come_with_names_too)
{
    struct wt_small small = {.a = 5, .b = 6};
    decodes_from(&wt_small_type, &small, "82 a161 05 a162 06");
    decodes_from(&wt_small_type, &small, "82 a162 06 a161 05");
    decodes_from(&wt_small_type, &small, "de0002 a162 06 d90161 05");
    decodes_from(&wt_small_type, &small, "df00000002 a162 06 a161 05");
    refused(&wt_small_type, MM1_MALFORMED, "81 a161 05");
    refused(&wt_small_type, MM1_MALFORMED, "82 a161 05 a163 06");
    refused(&wt_small_type, MM1_MALFORMED, "82 a161 05 a161 06");
    refused(&wt_small_type, MM1_MALFORMED, "83 a161 05 a162 06 a163 07");
    refused(&wt_small_type, MM1_MALFORMED, "82 01 05 02 06");
    refused(&wt_small_type, MM1_TRUNCATED, "82 a161 05 a162");
    refused(&wt_unit_type, MM1_MALFORMED, "80");
    struct wt_all all = {.newtype_.value = 3};
    cr_assert_eq(all.newtype_.value, 3);
}

Test(codec, arrays_have_the_exact_length)
{
    refused(&wt_small_type, MM1_MALFORMED, "91 05");
    refused(&wt_small_type, MM1_MALFORMED, "93 05 06 07");
    refused(&wt_small_type, MM1_MALFORMED, "90");
    refused(&wt_small_type, MM1_MALFORMED, "c0");
    refused(&wt_unit_type, MM1_MALFORMED, "91 00");
    decodes_from(&wt_small_type, &(struct wt_small){5, 6}, "dc0002 05 06");
    decodes_from(&wt_small_type, &(struct wt_small){5, 6}, "dd00000002 05 06");
    decodes_from(&wt_small_type, &(struct wt_small){5, 6},
                 "92 05 06 ff ff c1"); /* what follows is ignored */
}

Test(codec, refuses_to_encode_what_no_reader_takes)
{
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_buf_append(&buf, "kept", 4), MM1_OK);
    struct one_text bad = {{"a\xff", 2}};
    cr_assert_eq(mm1_msg_encode(&one_text_type, &bad, &buf), MM1_INVALID);
    struct one_net net = {{.mask = 65}};
    cr_assert_eq(mm1_msg_encode(&one_net_type, &net, &buf), MM1_INVALID);
    struct wt_local local = {.token = 1};
    cr_assert_eq(mm1_msg_encode(&wt_local_type, &local, &buf), MM1_INVALID);
    struct one_any any = {{&wt_local_type, &local}};
    cr_assert_eq(mm1_msg_encode(&one_any_type, &any, &buf), MM1_INVALID);
    size_t large = MM1_MSG_SIZE_MAX;
    uint8_t *data = calloc(1, large + 1);
    cr_assert_eq(mm1_msg_encode(&one_bytes_type, &(struct one_bytes){{data, large + 1}}, &buf),
                 MM1_TOO_LARGE);
    cr_assert_eq(mm1_msg_encode(&one_bytes_type, &(struct one_bytes){{data, large}}, &buf),
                 MM1_TOO_LARGE);
    cr_assert_eq(
        mm1_msg_encode(&one_text_type, &(struct one_text){{(char *)data, large - 4}}, &buf),
        MM1_TOO_LARGE);
    cr_assert_eq(buf.size, 4);
    cr_assert_eq(mm1_msg_encode(&one_bytes_type, &(struct one_bytes){{data, large - 5}}, &buf),
                 MM1_OK);
    cr_assert_eq(buf.size, 4 + large);
    cr_assert_arr_eq(buf.data, "kept", 4);
    free(data);
    mm1_buf_close(&buf);
    uint8_t local_bytes[] = {0x92, 1, 0xa0};
    size_t size;
    cr_assert_eq(
        mm1_msg_decoded_size(&wt_local_type, (struct mm1_bytes){local_bytes, 3}, NULL, &size),
        MM1_UNKNOWN_TYPE);
}

static void round_trip(const struct mm1_msg_type *type, const void *msg)
{
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    struct mm1_buf again = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_msg_encode(type, msg, &buf), MM1_OK);
    void *block = decoded(type, mm1_buf_bytes(&buf));
    cr_assert(mm1_msg_equal(type, msg, block), "%s", type->name);
    cr_assert_eq(mm1_msg_encode(type, block, &again), MM1_OK);
    cr_assert_eq(buf.size, again.size);
    cr_assert_arr_eq(buf.data, again.data, buf.size);
    cr_assert_eq(mm1_msg_fingerprint(type, msg, NULL, NULL),
                 mm1_msg_fingerprint(type, block, NULL, NULL));
    free(block);
    mm1_buf_close(&buf);
    mm1_buf_close(&again);
}

Test(codec, random_messages_come_back)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 0; seed < 400; seed++) {
            wt_gen_begin(&gen, seed);
            round_trip(WT_TYPES[i], wt_gen_message(&gen, WT_TYPES[i]));
        }
    }
    wt_gen_close(&gen);
}

/* Two blocks at the same place, filled differently before: every byte must come from the decoder. */
Test(codec, every_byte_of_the_block_is_written)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 0; seed < 50; seed++) {
            wt_gen_begin(&gen, seed);
            struct mm1_buf buf = MM1_BUF(&alloc.base);
            size_t size;
            cr_assert_eq(mm1_msg_encode(WT_TYPES[i], wt_gen_message(&gen, WT_TYPES[i]), &buf),
                         MM1_OK);
            cr_assert_eq(mm1_msg_decoded_size(WT_TYPES[i], mm1_buf_bytes(&buf), &registry, &size),
                         MM1_OK);
            uint8_t *block = malloc(size);
            uint8_t *first = malloc(size);
            memset(block, 0x00, size);
            mm1_msg_decode(WT_TYPES[i], mm1_buf_bytes(&buf), &registry, block);
            memcpy(first, block, size);
            memset(block, 0xff, size);
            mm1_msg_decode(WT_TYPES[i], mm1_buf_bytes(&buf), &registry, block);
            cr_assert_arr_eq(first, block, size);
            free(first);
            free(block);
            mm1_buf_close(&buf);
        }
    }
    wt_gen_close(&gen);
}

Test(codec, each_refused_request_leaves_the_buffer)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (uint64_t seed = 0; seed < 30; seed++) {
        wt_gen_begin(&gen, seed);
        void *msg = wt_gen_message(&gen, &wt_lists_type);
        mm1_status status = MM1_NOMEM;
        size_t k = 0;
        while (status != MM1_OK) {
            struct mm1_buf buf = MM1_BUF(&alloc.base);
            cr_assert_eq(mm1_buf_append(&buf, "kept", 4), MM1_OK);
            test_alloc_fail_at(&alloc, ++k);
            status = mm1_msg_encode(&wt_lists_type, msg, &buf);
            test_alloc_fail_at(&alloc, 0);
            cr_assert(status == MM1_OK || (status == MM1_NOMEM && buf.size == 4));
            cr_assert_arr_eq(buf.data, "kept", 4);
            mm1_buf_close(&buf);
        }
        cr_assert_gt(k, 1);
    }
    wt_gen_close(&gen);
}
