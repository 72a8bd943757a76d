/* Messages as JSON: exact text. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <mm1/msg.h>

#include "mm1_test.h"
#include "test_alloc.h"
#include "wire_types.h"

#define REAL_FIELDS(F) F(f64, v)
MM1_MSG_DECLARE(real, REAL_FIELDS)
MM1_MSG_DEFINE_NEWTYPE(real, "print::Real", REAL_FIELDS)

static struct test_alloc alloc;
static struct mm1_buf buf;

static void setup(void)
{
    test_alloc_init(&alloc);
    buf = MM1_BUF(&alloc.base);
}

static void teardown(void)
{
    mm1_buf_close(&buf);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(print, .init = setup, .fini = teardown);

static const char *printed(const struct mm1_msg_type *type, const void *msg)
{
    mm1_buf_clear(&buf);
    cr_assert_eq(mm1_msg_print(type, msg, &buf), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_OK);
    return (const char *)buf.data;
}

Test(print, every_kind)
{
    struct wt_small small = {.a = 9, .b = 10};
    uint8_t data[] = {0x00, 0xab, 0xff};
    struct wt_all all = {
        .bool_ = true,
        .u8_ = 255,
        .u16_ = 65535,
        .u32_ = UINT32_MAX,
        .u64_ = (uint64_t)1 << 53,
        .i32_ = INT32_MIN,
        .i64_ = -((int64_t)1 << 53),
        .f64_ = 0.1,
        .text_ = MM1_TEXT("a\"b\\c\n\r\t\x01\x7f\xc3\xa4"),
        .bytes_ = {data, 3},
        .addr_ = {1},
        .net_ = {.addr = {0xaa00000000000000u}, .mask = 16},
        .id_ = 7,
        .duration_ = 150000000,
        .sub_ = {.a = 1, .b = 2},
        .newtype_ = {4},
        .any_ = {&wt_small_type, &small},
    };
    cr_assert_str_eq(
        printed(&wt_all_type, &all),
        "{\"bool_\":true,\"u8_\":255,\"u16_\":65535,\"u32_\":4294967295,\"u64_\":9007199254740992,"
        "\"i32_\":-2147483648,\"i64_\":-9007199254740992,\"f64_\":0.1,"
        "\"text_\":\"a\\\"b\\\\c\\n\\r\\t\\u0001\x7f\xc3\xa4\",\"bytes_\":\"00abff\",\"addr_\":\"<:"
        "1>\","
        "\"net_\":\"<aa:>/"
        "16\",\"id_\":7,\"duration_\":\"150ms\",\"sub_\":{\"a\":1,\"b\":2},\"unit_\":{},"
        "\"newtype_\":{\"value\":4},\"any_\":{\"type\":\"wt::Small\",\"value\":{\"a\":9,\"b\":10}}"
        "}");
}

Test(print, what_a_double_cannot_hold_is_a_string)
{
    struct wt_all all = {
        .u64_ = UINT64_MAX, .i64_ = INT64_MIN, .id_ = ((uint64_t)1 << 53) + 1, .text_ = {NULL, 0}};
    cr_assert_str_eq(
        printed(&wt_all_type, &all),
        "{\"bool_\":false,\"u8_\":0,\"u16_\":0,\"u32_\":0,\"u64_\":\"18446744073709551615\","
        "\"i32_\":0,\"i64_\":\"-9223372036854775808\",\"f64_\":0,\"text_\":\"\",\"bytes_\":\"\","
        "\"addr_\":\"<:>\",\"net_\":\"<:>/0\",\"id_\":\"9007199254740993\",\"duration_\":\"0s\","
        "\"sub_\":{\"a\":0,\"b\":0},\"unit_\":{},\"newtype_\":{\"value\":0},\"any_\":null}");
}

Test(print, forms)
{
    struct wt_opts opts = {.u8_ = {true, 3}, .text_ = {true, MM1_TEXT("x")}};
    cr_assert_str_eq(
        printed(&wt_opts_type, &opts),
        "{\"bool_\":null,\"u8_\":3,\"u16_\":null,\"u32_\":null,\"u64_\":null,\"i32_\":null,"
        "\"i64_\":null,\"f64_\":null,\"text_\":\"x\",\"bytes_\":null,\"addr_\":null,\"net_\":null,"
        "\"id_\":null,\"duration_\":null,\"sub_\":null,\"newtype_\":null,\"any_\":null}");
    struct wt_node leaves[2] = {{.value = 2, .label = MM1_TEXT("l")},
                                {.value = 3, .label = MM1_TEXT("r")}};
    struct wt_node root = {.value = 1, .children = {leaves, 2}};
    cr_assert_str_eq(
        printed(&wt_node_type, &root),
        "{\"value\":1,\"label\":\"\",\"children\":[{\"value\":2,\"label\":\"l\",\"children\":[]},"
        "{\"value\":3,\"label\":\"r\",\"children\":[]}]}");
    cr_assert_str_eq(printed(&wt_unit_type, &(struct wt_unit){0}), "{}");
    cr_assert_str_eq(printed(&wt_local_type, &(struct wt_local){.token = 1}),
                     "{\"local_only\":\"wt::Local\",\"size\":24}");
}

static void real_prints(double value, const char *text)
{
    struct real real = {value};
    char wanted[100];
    (void)snprintf(wanted, sizeof(wanted), "{\"v\":%s}", text);
    cr_assert_str_eq(printed(&real_type, &real), wanted);
}

Test(print, reals_are_short_and_exact)
{
    real_prints(0, "0");
    real_prints(-0.0, "-0");
    real_prints(1, "1");
    real_prints(-1.5, "-1.5");
    real_prints(100, "100");
    real_prints(123456.789, "123456.789");
    real_prints(0.00001, "0.00001");
    real_prints(0.000001, "1e-6");
    real_prints(1.25e-7, "1.25e-7");
    real_prints(1e15, "1000000000000000");
    real_prints(1e16, "1e16");
    real_prints(0.1 + 0.2, "0.30000000000000004");
    real_prints(1.0 / 3, "0.3333333333333333");
    real_prints(DBL_MAX, "1.7976931348623157e308");
    real_prints(DBL_MIN, "2.2250738585072014e-308");
    real_prints(4.9406564584124654e-324, "4.94065645841247e-324");
    real_prints(9007199254740993.0, "9007199254740992");
    real_prints((double)NAN, "\"nan\"");
    real_prints((double)INFINITY, "\"inf\"");
    real_prints(-(double)INFINITY, "\"-inf\"");
}

Test(print, random_reals_read_back)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    wt_gen_begin(&gen, 1);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t bits = wt_gen_below(&gen, 0);
        struct real real;
        memcpy(&real, &bits, sizeof(bits));
        if (!isfinite(real.v)) {
            continue;
        }
        const char *text = printed(&real_type, &real);
        double back = strtod(text + strlen("{\"v\":"), NULL);
        cr_assert_eq(memcmp(&back, &real.v, sizeof(back)), 0, "%s", text);
    }
    wt_gen_close(&gen);
}

static void string_prints(struct mm1_text text, const char *wanted)
{
    mm1_buf_clear(&buf);
    cr_assert_eq(mm1_json_string(text, &buf), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_OK);
    cr_assert_str_eq((const char *)buf.data, wanted);
}

Test(print, strings)
{
    string_prints(MM1_TEXT(""), "\"\"");
    string_prints(mm1_text_of(NULL), "\"\"");
    string_prints(MM1_TEXT("plain"), "\"plain\"");
    string_prints(MM1_TEXT("\0\x1f/"), "\"\\u0000\\u001f/\"");
    string_prints(MM1_TEXT("a\xff"
                           "b\xc3"),
                  "\"a\xef\xbf\xbd"
                  "b\xef\xbf\xbd\"");
    string_prints(MM1_TEXT("\xed\xa0\x80"), "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
}

static void duration_prints(uint64_t duration_ns, const char *wanted)
{
    mm1_buf_clear(&buf);
    cr_assert_eq(mm1_duration_print(duration_ns, &buf), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_OK);
    cr_assert_str_eq((const char *)buf.data, wanted);
}

Test(print, durations)
{
    duration_prints(0, "0s");
    duration_prints(2000000000, "2s");
    duration_prints(150000000, "150ms");
    duration_prints(10000, "10us");
    duration_prints(7, "7ns");
    duration_prints(1000000001, "1000000001ns");
    duration_prints(61000000000, "61s");
    duration_prints(UINT64_MAX, "18446744073709551615ns");
}

Test(print, each_refused_request_leaves_the_buffer)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    wt_gen_begin(&gen, 3);
    const void *msg = wt_gen_message(&gen, &wt_lists_type);
    mm1_status status = MM1_NOMEM;
    size_t k = 0;
    while (status != MM1_OK) {
        struct mm1_buf out = MM1_BUF(&alloc.base);
        cr_assert_eq(mm1_buf_append(&out, "kept", 4), MM1_OK);
        test_alloc_fail_at(&alloc, ++k);
        status = mm1_msg_print(&wt_lists_type, msg, &out);
        test_alloc_fail_at(&alloc, 0);
        cr_assert(status == MM1_OK || (status == MM1_NOMEM && out.size == 4));
        cr_assert_arr_eq(out.data, "kept", 4);
        mm1_buf_close(&out);
    }
    cr_assert_gt(k, 2);
    wt_gen_close(&gen);
}
