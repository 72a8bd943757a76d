/* JSON to messages: what mm1_msg_print writes is read back, and what breaks a rule is told where. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/json_msg.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define INNER_FIELDS(F) F(u8, level) F(opt(text), note)
MM1_MSG_DECLARE(inner, INNER_FIELDS)
MM1_MSG_DEFINE(inner, "t::Inner", INNER_FIELDS)

#define OUTER_FIELDS(F)                                                                            \
    F(bool, on)                                                                                    \
    F(u16, port)                                                                                   \
    F(u32, count)                                                                                  \
    F(u64, large)                                                                                  \
    F(i32, small)                                                                                  \
    F(i64, deep)                                                                                   \
    F(f64, share)                                                                                  \
    F(text, name)                                                                                  \
    F(bytes, key)                                                                                  \
    F(addr, peer)                                                                                  \
    F(net, home)                                                                                   \
    F(id, ref)                                                                                     \
    F(duration, pause)                                                                             \
    F(sub(inner), one)                                                                             \
    F(opt(sub(inner)), maybe)                                                                      \
    F(list(sub(inner)), many)                                                                      \
    F(list(u16), ports)                                                                            \
    F(any, extra)
MM1_MSG_DECLARE(outer, OUTER_FIELDS)
MM1_MSG_DEFINE(outer, "t::Outer", OUTER_FIELDS)

MM1_MSG_DECLARE_UNIT(nothing)
MM1_MSG_DEFINE_UNIT(nothing, "t::Nothing")

#define WRAP_FIELDS(F) F(any, what)
MM1_MSG_DECLARE(wrap, WRAP_FIELDS)
MM1_MSG_DEFINE(wrap, "t::Wrap", WRAP_FIELDS)

#define SECRET_FIELDS(F) F(u8, level)
MM1_MSG_DECLARE(secret, SECRET_FIELDS)
MM1_MSG_DEFINE_LOCAL(secret, "t::Secret", SECRET_FIELDS)

static struct test_alloc memory;
static struct mm1_msg_registry registry;
static struct mm1_diag diag;

static void set_up(void)
{
    test_alloc_init(&memory);
    registry = MM1_MSG_REGISTRY(&memory.base);
    const struct mm1_msg_type *const types[] = {&outer_type, &nothing_type, &wrap_type,
                                                &secret_type};
    for (size_t i = 0; i < MM1_COUNT_OF(types); i++) {
        cr_assert_eq(mm1_msg_register(&registry, types[i]), MM1_OK);
    }
}

static void tear_down(void)
{
    mm1_msg_registry_close(&registry);
    cr_assert_eq(memory.live, 0);
}

TestSuite(json_msg, .init = set_up, .fini = tear_down);

/* Reads `text` as `type`; the document is gone before the message is looked at. */
static mm1_status read(const char *text, const struct mm1_msg_type *type, void **msg, size_t *size)
{
    struct mm1__json *json = NULL;
    diag = (struct mm1_diag){0};
    MM1_TRY(mm1__json_parse(mm1_text_of(text), "t", &diag, &json));
    mm1_status status =
        mm1__json_msg(mm1__json_root(json), type, &registry, &memory.base, msg, size);
    mm1__json_free(json);
    return status;
}

static const char *finding(void)
{
    static char line[MM1_DIAG_LINE_MAX];
    (void)mm1__diag_print(&diag, line);
    return line;
}

static void expect_refused(const struct mm1_msg_type *type, const char *text, const char *expected)
{
    void *msg = NULL;
    size_t size = 0;
    cr_expect_eq(read(text, type, &msg, &size), MM1_INVALID, "%s", text);
    cr_expect_null(msg);
    cr_expect_str_eq(finding(), expected);
}

static const struct nothing nothing_value;
static const struct inner inners[] = {{.level = 255},
                                      {.level = 1, .note = {.some = true, .value = {"", 0}}}};
static const uint16_t port_list[] = {0, 65535};
static const struct outer whole = {.on = true,
                                   .port = 65535,
                                   .count = UINT32_MAX,
                                   .large = UINT64_MAX,
                                   .small = INT32_MIN,
                                   .deep = INT64_MIN,
                                   .share = 0.1,
                                   .name = {"a \"quoted\" é\n\x01", 15},
                                   .key = {(const uint8_t *)"\x00\x7f\xff", 3},
                                   .peer = {UINT64_C(0xaa10000000000001)},
                                   .home = {{UINT64_C(0xaa00000000000000)}, 12},
                                   .ref = ((uint64_t)1 << 53) + 1,
                                   .pause = 1500000,
                                   .one = {.level = 7, .note = {.some = true, .value = {"x", 1}}},
                                   .maybe = {.some = true, .value = {.level = 2}},
                                   .many = {.items = inners, .count = 2},
                                   .ports = {.items = port_list, .count = 2},
                                   .extra = {.type = &nothing_type, .msg = &nothing_value}};

static void expect_round_trip(const struct outer *outer)
{
    struct mm1_buf text = MM1_BUF(&memory.base);
    void *msg = NULL;
    size_t size = 0;
    cr_assert_eq(mm1_msg_print(&outer_type, outer, &text), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(&text), MM1_OK);
    cr_assert_eq(read((const char *)text.data, &outer_type, &msg, &size), MM1_OK, "%s: %s",
                 (const char *)text.data, finding());
    cr_expect(mm1_msg_equal(&outer_type, outer, msg), "%s", (const char *)text.data);
    cr_expect_eq(size, mm1_msg_copy_size(&outer_type, outer));
    mm1_give(&memory.base, msg, size);
    mm1_buf_close(&text);
}

Test(json_msg, what_is_printed_is_read_back)
{
    static const double SHARES[] = {0,        -0.0,     1, 1.0 / 3, 5e-324, 1.7976931348623157e308,
                                    INFINITY, -INFINITY};
    expect_round_trip(&whole);
    expect_round_trip(&(struct outer){0});
    for (size_t i = 0; i < MM1_COUNT_OF(SHARES); i++) {
        struct outer outer = whole;
        outer.share = SHARES[i];
        expect_round_trip(&outer);
    }
    struct outer edge = whole;
    edge.large = (uint64_t)1 << 53;
    edge.deep = INT64_MAX;
    edge.pause = UINT64_MAX;
    edge.maybe.some = false;
    edge.maybe.value = (struct inner){0};
    expect_round_trip(&edge);
}

Test(json_msg, optional_fields_may_be_missing)
{
    void *msg = NULL;
    size_t size = 0;
    cr_assert_eq(read("{\"level\": 3}", &inner_type, &msg, &size), MM1_OK);
    const struct inner *inner = msg;
    cr_expect_eq(inner->level, 3);
    cr_expect_not(inner->note.some);
    mm1_give(&memory.base, msg, size);
    cr_assert_eq(read("{}", &nothing_type, &msg, &size), MM1_OK);
    mm1_give(&memory.base, msg, size);
}

Test(json_msg, what_breaks_a_rule_is_refused)
{
    expect_refused(&inner_type, "[]", "t:1:1: expected an object, got a list");
    expect_refused(&inner_type, "{}", "t:1:1: the key \"level\" is missing");
    expect_refused(&inner_type, "{\"level\": null}",
                   "t:1:11: /level: expected a whole number from 0 to 255, got null");
    expect_refused(&inner_type, "{\"level\": 256}",
                   "t:1:11: /level: expected a whole number from 0 to 255, got the number 256");
    expect_refused(&inner_type, "{\"level\": \"1\"}",
                   "t:1:11: /level: expected a whole number from 0 to 255, got the text \"1\"");
    expect_refused(&inner_type, "{\"level\": 1, \"noot\": \"x\"}",
                   "t:1:14: /noot: unknown key \"noot\"; did you mean \"note\"?");
    expect_refused(&inner_type, "{\"level\": 1, \"note\": 1}",
                   "t:1:22: /note: expected a text, got the number 1");
    expect_refused(&nothing_type, "{\"a\": 1}",
                   "t:1:2: /a: unknown key \"a\"; no key is expected here");
    expect_refused(&secret_type, "{\"level\": 1}",
                   "t:1:1: a message of type \"t::Secret\" cannot be written as JSON");
}

/* One type a kind, so that each rule is met alone. */
#define ONLY_U64_FIELDS(F) F(u64, v)
MM1_MSG_DECLARE(only_u64, ONLY_U64_FIELDS)
MM1_MSG_DEFINE(only_u64, "t::u64", ONLY_U64_FIELDS)
#define ONLY_I64_FIELDS(F) F(i64, v)
MM1_MSG_DECLARE(only_i64, ONLY_I64_FIELDS)
MM1_MSG_DEFINE(only_i64, "t::i64", ONLY_I64_FIELDS)
#define ONLY_F64_FIELDS(F) F(f64, v)
MM1_MSG_DECLARE(only_f64, ONLY_F64_FIELDS)
MM1_MSG_DEFINE(only_f64, "t::f64", ONLY_F64_FIELDS)
#define ONLY_BYTES_FIELDS(F) F(bytes, v)
MM1_MSG_DECLARE(only_bytes, ONLY_BYTES_FIELDS)
MM1_MSG_DEFINE(only_bytes, "t::bytes", ONLY_BYTES_FIELDS)
#define ONLY_DURATION_FIELDS(F) F(duration, v)
MM1_MSG_DECLARE(only_duration, ONLY_DURATION_FIELDS)
MM1_MSG_DEFINE(only_duration, "t::duration", ONLY_DURATION_FIELDS)

Test(json_msg, each_kind_has_its_bounds)
{
    expect_refused(
        &only_u64_type, "{\"v\": \"18446744073709551616\"}",
        "t:1:7: /v: expected a whole number from 0 to 18446744073709551615, got the text "
        "\"18446744073709551616\"");
    expect_refused(&only_u64_type, "{\"v\": 1.0}",
                   "t:1:7: /v: expected a whole number from 0 to 9007199254740992 (beyond it, as a "
                   "text) without "
                   "fraction or exponent, got the number 1.0");
    expect_refused(&only_i64_type, "{\"v\": \"9223372036854775808\"}",
                   "t:1:7: /v: expected a whole number from -9223372036854775808 to "
                   "9223372036854775807, got the text "
                   "\"9223372036854775808\"");
    expect_refused(&only_i64_type, "{\"v\": \"--1\"}",
                   "t:1:7: /v: expected a whole number from -9223372036854775808 to "
                   "9223372036854775807, got the text "
                   "\"--1\"");
    expect_refused(&only_f64_type, "{\"v\": 1e400}",
                   "t:1:7: /v: expected a number that a double holds, got the number 1e400");
    expect_refused(&only_f64_type, "{\"v\": true}", "t:1:7: /v: expected a number, got true");
    expect_refused(
        &only_bytes_type, "{\"v\": \"abc\"}",
        "t:1:7: /v: expected bytes as a text of hex digits, two for each, got the text \"abc\"");
    expect_refused(
        &only_bytes_type, "{\"v\": \"zz\"}",
        "t:1:7: /v: expected bytes as a text of hex digits, two for each, got the text \"zz\"");
    expect_refused(&only_bytes_type, "{\"v\": []}",
                   "t:1:7: /v: expected bytes as a text of hex digits, got a list");
    expect_refused(&only_duration_type, "{\"v\": \"5\"}",
                   "t:1:7: /v: expected a duration in ns, us, ms, s, m or h, like \"150ms\", got "
                   "the text \"5\"");
    expect_refused(&only_duration_type, "{\"v\": \"20000000h\"}",
                   "t:1:7: /v: the text \"20000000h\" is out of range");
}

Test(json_msg, messages_of_any_type)
{
    void *msg = NULL;
    size_t size = 0;
    cr_assert_eq(read("{\"what\": {\"type\": \"t::Inner\", \"value\": {\"level\": 9}}}", &wrap_type,
                      &msg, &size),
                 MM1_OK, "%s", finding());
    const struct wrap *wrap = msg;
    cr_expect_eq(wrap->what.type, &inner_type); /* registered with the type that holds it */
    cr_expect_eq(((const struct inner *)wrap->what.msg)->level, 9);
    mm1_give(&memory.base, msg, size);
    cr_assert_eq(read("{\"what\": null}", &wrap_type, &msg, &size), MM1_OK);
    cr_expect_null(((const struct wrap *)msg)->what.type);
    mm1_give(&memory.base, msg, size);
    msg = NULL;
    expect_refused(
        &wrap_type, "{\"what\": {\"type\": \"t::Iner\", \"value\": {}}}",
        "t:1:19: /what/type: unknown message type \"t::Iner\"; did you mean \"t::Inner\"?");
    expect_refused(&wrap_type, "{\"what\": {\"type\": \"t::Inner\"}}",
                   "t:1:10: /what: the key \"value\" is missing");
    expect_refused(
        &wrap_type, "{\"what\": {\"type\": \"t::Inner\", \"value\": {\"level\": -1}}}",
        "t:1:50: /what/value/level: expected a whole number from 0 to 255, got the number -1");
    registry.count = 0; /* no types are known */
    expect_refused(&wrap_type, "{\"what\": {\"type\": \"t::Inner\", \"value\": {}}}",
                   "t:1:19: /what/type: unknown message type \"t::Inner\"");
}

Test(json_msg, nesting_is_bounded)
{
    struct mm1_buf text = MM1_BUF(&memory.base);
    for (int i = 0; i < MM1_MSG_DEPTH_MAX; i++) {
        cr_assert_eq(mm1_buf_format(&text, "{\"what\": {\"type\": \"t::Wrap\", \"value\": "),
                     MM1_OK);
    }
    cr_assert_eq(mm1_buf_format(&text, "{\"what\": null}"), MM1_OK);
    for (int i = 0; i < MM1_MSG_DEPTH_MAX; i++) {
        cr_assert_eq(mm1_buf_format(&text, "}}"), MM1_OK);
    }
    cr_assert_eq(mm1_buf_terminate(&text), MM1_OK);
    void *msg = NULL;
    size_t size = 0;
    cr_expect_eq(read((const char *)text.data, &wrap_type, &msg, &size), MM1_INVALID);
    mm1_buf_close(&text);
    cr_expect_not_null(strstr(finding(), "messages nested deeper than 24 levels"));
}

Test(json_msg, refused_memory_is_told)
{
    void *msg = NULL;
    size_t size = 0;
    test_alloc_fail_at(&memory, 1);
    cr_expect_eq(read("{\"level\": 3}", &inner_type, &msg, &size), MM1_NOMEM);
    cr_expect_null(msg);
    cr_expect_str_eq(finding(), "t: out of memory");
}
