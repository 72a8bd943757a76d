/* Texts, the growable buffer, zeroed memory, status texts, UTF-8, and what a failed check does. */
#include <signal.h>
#include <stdlib.h>

#include <mm1/bytes.h>

#include "base/utf8.h"
#include "mm1_test.h"
#include "test_alloc.h"

Test(text, compares_by_bytes_with_prefix_first)
{
    cr_assert(mm1_text_equal(MM1_TEXT("abc"), mm1_text_of("abc")));
    cr_assert(!mm1_text_equal(MM1_TEXT("abc"), MM1_TEXT("abd")));
    cr_assert(!mm1_text_equal(MM1_TEXT("abc"), MM1_TEXT("ab")));
    cr_assert(mm1_text_equal(mm1_text_of(NULL), MM1_TEXT("")));
    cr_assert(mm1_text_compare(MM1_TEXT("ab"), MM1_TEXT("abc")) < 0);
    cr_assert(mm1_text_compare(MM1_TEXT("b"), MM1_TEXT("abc")) > 0);
    cr_assert(mm1_text_compare(MM1_TEXT("\xff"), MM1_TEXT("a")) > 0);
    cr_assert_eq(mm1_text_compare(MM1_TEXT(""), mm1_text_of(NULL)), 0);
}

Test(buf, grows_and_gives_back)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t byte = (uint8_t)i;
        cr_assert_eq(mm1_buf_append(&buf, &byte, 1), MM1_OK);
    }
    cr_assert_eq(buf.size, 1000);
    for (unsigned i = 0; i < 1000; i++) {
        cr_assert_eq(buf.data[i], (uint8_t)i);
    }
    mm1_buf_consume(&buf, 999);
    cr_assert_eq(buf.size, 1);
    cr_assert_eq(buf.data[0], (uint8_t)999);
    mm1_buf_consume(&buf, 1);
    mm1_buf_consume(&buf, 0);
    cr_assert_eq(mm1_buf_append(&buf, NULL, 0), MM1_OK);
    cr_assert_eq(buf.size, 0);
    mm1_buf_close(&buf);
    cr_assert_eq(alloc.live, 0);
    mm1_buf_close(&buf);
}

Test(buf, formats_and_terminates)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_OK);
    cr_assert_str_eq((const char *)buf.data, "");
    cr_assert_eq(mm1_buf_format(&buf, "%s-%d", "a", 7), MM1_OK);
    cr_assert_eq(mm1_buf_format(&buf, "%70d", 1), MM1_OK);
    cr_assert_eq(buf.size, 73);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_OK);
    cr_assert_eq(strlen((const char *)buf.data), 73);
    cr_assert(mm1_text_equal((struct mm1_text){(const char *)buf.data, 3}, MM1_TEXT("a-7")));
    mm1_buf_close(&buf);
    cr_assert_eq(alloc.live, 0);
}

Test(buf, a_refused_request_changes_nothing)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_buf_append(&buf, "x", 1), MM1_NOMEM);
    cr_assert_null(buf.data);
    cr_assert_eq(mm1_buf_append(&buf, "hello", 5), MM1_OK);
    uint8_t *data = buf.data;
    size_t spare = buf.capacity - buf.size;
    char *large = calloc(1, spare + 1);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_buf_append(&buf, large, spare + 1), MM1_NOMEM);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_buf_format(&buf, "%*d", (int)spare + 1, 0), MM1_NOMEM);
    cr_assert_eq(mm1_buf_reserve(&buf, SIZE_MAX), MM1_NOMEM);
    cr_assert_eq(mm1_buf_reserve(&buf, SIZE_MAX / 2), MM1_NOMEM);
    cr_assert_eq(buf.data, data);
    cr_assert_eq(buf.size, 5);
    cr_assert_arr_eq(buf.data, "hello", 5);
    cr_assert_eq(mm1_buf_append(&buf, large, spare), MM1_OK);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_NOMEM);
    free(large);
    mm1_buf_close(&buf);
    cr_assert_eq(alloc.live, 0);
}

Test(alloc, take_zero)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    uint8_t *block = mm1_take_zero(&alloc.base, 100);
    for (unsigned i = 0; i < 100; i++) {
        cr_assert_eq(block[i], 0);
    }
    cr_assert_eq((uintptr_t)block % _Alignof(max_align_t), 0);
    cr_assert_eq(alloc.live_bytes, 100);
    mm1_give(&alloc.base, block, 100);
    mm1_give(&alloc.base, NULL, 1);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_null(mm1_take_zero(&alloc.base, 1));
    cr_assert_eq(alloc.live, 0);
    cr_assert_eq(alloc.live_bytes, 0);
}

Test(le, is_little_endian)
{
    uint8_t bytes[8];
    mm1_put_le64(bytes, 0x0102030405060708u);
    cr_assert_arr_eq(bytes, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    cr_assert_eq(mm1_get_le64(bytes), 0x0102030405060708u);
    cr_assert_eq(mm1_get_le32(bytes), 0x05060708u);
    mm1_put_le32(bytes, 0xfffefdfcu);
    cr_assert_eq(mm1_get_le32(bytes), 0xfffefdfcu);
}

Test(status, texts)
{
    cr_assert_str_eq(mm1_status_text(MM1_OK), "ok");
    cr_assert_str_eq(mm1_status_text(MM1_INTERNAL), "internal error");
    cr_assert_str_eq(mm1_status_text((mm1_status)(MM1_INTERNAL + 1)), "unknown status");
    for (int code = MM1_OK; code <= MM1_INTERNAL; code++) {
        cr_assert_str_neq(mm1_status_text((mm1_status)code), "unknown status");
    }
}

Test(check, a_broken_invariant_aborts, .signal = SIGABRT)
{
    volatile int zero = 0;
    MM1_CHECK(zero != 0);
}

/* The length that the definition gives, computed from code points; 0 when not well-formed. */
static size_t slow_sequence(const uint8_t *at, size_t size)
{
    static const uint32_t SMALLEST[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = at[0] < 0x80       ? 1
                    : at[0] >> 5 == 6  ? 2
                    : at[0] >> 4 == 14 ? 3
                    : at[0] >> 3 == 30 ? 4
                                       : 0;
    if (length == 0 || length > size) {
        return 0;
    }
    uint32_t point = length == 1 ? at[0] : at[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if (at[i] >> 6 != 2) {
            return 0;
        }
        point = point << 6 | (at[i] & 0x3fu);
    }
    bool bad = point < SMALLEST[length] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff);
    return bad ? 0 : length;
}

Test(utf8, agrees_with_the_definition_on_all_heads)
{
    static const uint8_t EDGES[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    uint8_t bytes[4];
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            for (size_t c = 0; c < sizeof(EDGES); c++) {
                for (size_t d = 0; d < sizeof(EDGES); d++) {
                    bytes[0] = (uint8_t)a;
                    bytes[1] = (uint8_t)b;
                    bytes[2] = EDGES[c];
                    bytes[3] = EDGES[d];
                    for (size_t size = 1; size <= 4; size++) {
                        cr_assert_eq(mm1__utf8_sequence((const char *)bytes, size),
                                     slow_sequence(bytes, size), "%02x %02x %02x %02x", a, b,
                                     bytes[2], bytes[3]);
                    }
                }
            }
        }
    }
}

Test(utf8, finds_the_bad_byte_at_every_place)
{
    char text[40];
    for (size_t size = 0; size <= sizeof(text); size++) {
        memset(text, 'a', sizeof(text));
        cr_assert(mm1__utf8_valid(text, size));
        for (size_t at = 0; at < size; at++) {
            text[at] = (char)0xc3;
            cr_assert(!mm1__utf8_valid(text, size), "size %zu at %zu", size, at);
            if (at + 1 < size) {
                text[at + 1] = (char)0xa4;
                cr_assert(mm1__utf8_valid(text, size), "size %zu at %zu", size, at);
                text[at + 1] = 'a';
            }
            text[at] = 'a';
        }
    }
}
