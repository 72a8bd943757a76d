/* The strict JSON reader: what it refuses and where, and what its readers give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/json.h"
#include "host/units.h"
#include "mm1_test.h"

static struct mm1_diag diag;

static struct mm1__json *parse(const char *text)
{
    struct mm1__json *json = NULL;
    char line[MM1_DIAG_LINE_MAX];
    mm1_status status = mm1__json_parse(mm1_text_of(text), "t", &diag, &json);
    (void)mm1__diag_print(&diag, line);
    cr_assert_eq(status, MM1_OK, "%s: %s", text, line);
    return json;
}

/* The finding of the last error, as a line. */
static const char *finding(void)
{
    static char line[MM1_DIAG_LINE_MAX];
    (void)mm1__diag_print(&diag, line);
    return line;
}

static void expect_refused(const char *text, size_t size, const char *expected)
{
    struct mm1__json *json = NULL;
    diag = (struct mm1_diag){0};
    mm1_status status =
        mm1__json_parse((struct mm1_text){.data = text, .size = size}, "t", &diag, &json);
    cr_expect_eq(status, MM1_INVALID, "%s", text);
    cr_expect_null(json);
    cr_expect_str_eq(finding(), expected);
}

#define REFUSED(literal, expected) expect_refused((literal), sizeof(literal) - 1, (expected))

/* --- syntax --------------------------------------------------------------------------------------------------- */

Test(json, values_are_refused_with_their_place)
{
    REFUSED("", "t:1:1: expected a value, got an empty text");
    REFUSED("  ", "t:1:3: expected a value, got the end of the text");
    REFUSED("nul", "t:1:1: expected a value, got \"n\"");
    REFUSED("True", "t:1:1: expected a value, got \"T\"");
    REFUSED("NaN", "t:1:1: expected a value, got \"N\"");
    REFUSED("'a'", "t:1:1: expected a value, got \"'\"");
    REFUSED("é", "t:1:1: expected a value, got \"é\"");
    REFUSED("\x01", "t:1:1: expected a value, got the byte 0x01");
    REFUSED("\0", "t:1:1: expected a value, got the byte 0x00");
    REFUSED("1\0", "t:1:2: expected the end of the text after the value, got the byte 0x00");
    REFUSED("1\f", "t:1:2: expected the end of the text after the value, got the byte 0x0c");
    REFUSED("1 2", "t:1:3: expected the end of the text after the value, got \"2\"");
    REFUSED("\"a\" \"b\"", "t:1:5: expected the end of the text after the value, got a quote");
    REFUSED("// x\n1", "t:1:1: expected a value, got \"/\"");
    REFUSED("\xef\xbb\xbf{}", "t:1:1: a byte order mark: save the file as UTF-8 without it");
}

Test(json, numbers_are_refused)
{
    REFUSED("01", "t:1:1: a number with a leading zero");
    REFUSED("-01", "t:1:1: a number with a leading zero");
    REFUSED("00", "t:1:1: a number with a leading zero");
    REFUSED("-", "t:1:2: expected a digit, got the end of the text");
    REFUSED("1.", "t:1:3: expected a digit, got the end of the text");
    REFUSED("1.e5", "t:1:3: expected a digit, got \"e\"");
    REFUSED("1.5e", "t:1:5: expected a digit, got the end of the text");
    REFUSED("1e+", "t:1:4: expected a digit, got the end of the text");
    REFUSED("+1", "t:1:1: expected a value, got \"+\"");
    REFUSED(".5", "t:1:1: expected a value, got \".\"");
    REFUSED("0x10", "t:1:2: expected the end of the text after the value, got \"x\"");
    REFUSED("1111111111111111111111111111111111111111111111111111111111111",
            "t:1:1: a number of more than 60 characters");
    static const char *const GOOD[] = {"0", "-0", "10", "1.5", "-1.5e10", "1E+5", "0e0", "1e400"};
    for (size_t i = 0; i < MM1_COUNT_OF(GOOD); i++) {
        struct mm1__json *json = parse(GOOD[i]);
        struct mm1_text text = mm1__json_number_text(mm1__json_root(json));
        cr_expect(mm1_text_equal(text, mm1_text_of(GOOD[i])));
        mm1__json_free(json);
    }
}

Test(json, texts_are_refused)
{
    REFUSED("\"a", "t:1:1: a text without its closing quote");
    REFUSED("\"a\\", "t:1:3: unknown escape in a text");
    REFUSED("\"a\nb\"", "t:1:1: a text without its closing quote");
    REFUSED("\"\t\"", "t:1:2: the control character 0x09 in a text: write it as an escape");
    REFUSED("\"a\0b\"", "t:1:3: the control character 0x00 in a text: write it as an escape");
    REFUSED("\"\\u0000\"", "t:1:2: \\u0000 is not allowed in a text");
    REFUSED("\"\\u12g4\"", "t:1:2: expected four hex digits after \\u");
    REFUSED("\"\\u12", "t:1:2: expected four hex digits after \\u");
    REFUSED("\"\\x41\"", "t:1:2: unknown escape in a text");
    REFUSED("\"\\ud800\"", "t:1:2: half of a surrogate pair");
    REFUSED("\"\\ud800\\u0041\"", "t:1:2: half of a surrogate pair");
    REFUSED("\"\\udc00\"", "t:1:2: half of a surrogate pair");
    REFUSED("\"é\xff\"", "t:1:3: not UTF-8: the byte 0xff");
    REFUSED("\"\xc0\x80\"", "t:1:2: not UTF-8: the byte 0xc0");
    REFUSED("\"\xed\xa0\x80\"", "t:1:2: not UTF-8: the byte 0xed");
    REFUSED("\"\xe2\x82\"", "t:1:2: not UTF-8: the byte 0xe2");
}

Test(json, structures_are_refused)
{
    REFUSED("[", "t:1:2: expected a value, got the end of the text");
    REFUSED("[1", "t:1:3: expected \",\" or \"]\", got the end of the text");
    REFUSED("[1,]", "t:1:4: expected a value, got \"]\"");
    REFUSED("[,1]", "t:1:2: expected a value, got \",\"");
    REFUSED("[1}", "t:1:3: expected \",\" or \"]\", got \"}\"");
    REFUSED("{", "t:1:2: expected a key in quotes, got the end of the text");
    REFUSED("{a:1}", "t:1:2: expected a key in quotes, got \"a\"");
    REFUSED("{1:1}", "t:1:2: expected a key in quotes, got \"1\"");
    REFUSED("{\"a\"}", "t:1:5: expected \":\", got \"}\"");
    REFUSED("{\"a\":1,}", "t:1:8: expected a key in quotes, got \"}\"");
    REFUSED("{\"a\":1 \"b\":2}", "t:1:8: expected \",\" or \"}\", got a quote");
    REFUSED("{\"a\":\n  [1,\n   2 3]}", "t:3:6: expected \",\" or \"]\", got \"3\"");
}

Test(json, depth)
{
    char text[4001];
    for (size_t levels = 63; levels <= 65; levels++) {
        memset(text, '[', levels);
        memset(text + levels, ']', levels);
        struct mm1__json *json = NULL;
        mm1_status status =
            mm1__json_parse((struct mm1_text){.data = text, .size = 2 * levels}, "t", &diag, &json);
        cr_expect_eq(status, levels <= MM1__JSON_DEPTH_MAX ? MM1_OK : MM1_INVALID);
        mm1__json_free(json);
    }
    memset(text, '[', 2000);
    memset(text + 2000, ']', 2000);
    expect_refused(text, 4000, "t:1:65: nested deeper than 64 levels");
    for (size_t i = 0; i < 4000; i += 5) {
        memcpy(text + i, "{\"a\":", 5);
    }
    expect_refused(text, 4000, "t:1:321: nested deeper than 64 levels");
}

Test(json, duplicate_keys)
{
    REFUSED("{\"a\":1,\"b\":2,\"a\":3}",
            "t:1:14: /a: the key \"a\" occurs twice: it stands in line 1 already");
    REFUSED("{\"x\":[{\n\"\":1,\n\"\":2}]}",
            "t:3:1: /x/0/: the key \"\" occurs twice: it stands in line 2 already");
    /* The same key in another spelling; the first repetition in the text is reported. */
    REFUSED("{\"z\":1,\n\"\\u007a\":2,\"a\":1,\"a\":2}",
            "t:2:1: /z: the key \"z\" occurs twice: it stands in line 1 already");
    struct mm1__json *json = parse("{\"a\":{\"a\":1},\"A\":2,\"\":3}"); /* case counts */
    cr_expect_eq(mm1__json_count(mm1__json_root(json)), 3);
    mm1__json_free(json);
}

Test(json, every_prefix_of_a_text_is_refused_or_read)
{
    const char *whole =
        "{\"a\": [1, -2.5e3, \"x\\u00e9\\n\\ud83d\\ude00é\", true, false, null], \"b\": {}}";
    size_t size = strlen(whole);
    for (size_t cut = 0; cut <= size; cut++) {
        char *copy = malloc(cut + 1); /* its own block, so that a sanitizer sees the end */
        memcpy(copy, whole, cut);
        struct mm1__json *json = NULL;
        mm1_status status =
            mm1__json_parse((struct mm1_text){.data = copy, .size = cut}, "t", &diag, &json);
        cr_expect_eq(status, cut == size ? MM1_OK : MM1_INVALID, "%.*s", (int)cut, whole);
        mm1__json_free(json);
        free(copy);
    }
}

/* Each single byte of a text replaced by each other: nothing reads beyond it, and the scan and cJSON agree (they are
 * checked against each other when paired). */
Test(json, every_changed_byte_is_refused_or_read)
{
    const char *whole = "{\"a\":[1,-2.5e3,\"\\u00e9\\n\\ud83d\\ude00\"],\"b\":true}";
    size_t size = strlen(whole);
    size_t good = 0;
    char copy[128];
    for (size_t at = 0; at < size; at++) {
        memcpy(copy, whole, size);
        for (unsigned byte = 0; byte < 256; byte++) {
            copy[at] = (char)byte;
            struct mm1__json *json = NULL;
            mm1_status status =
                mm1__json_parse((struct mm1_text){.data = copy, .size = size}, "t", &diag, &json);
            cr_assert(status == MM1_OK || status == MM1_INVALID);
            good += status == MM1_OK;
            mm1__json_free(json);
        }
    }
    cr_expect_gt(good, size);
}

/* --- files ---------------------------------------------------------------------------------------------------- */

Test(json, files)
{
    struct mm1__json *json = NULL;
    char path[] = "/tmp/mm1_json_XXXXXX";
    cr_expect_eq(mm1__json_read("/", &diag, &json), MM1_INVALID);
    cr_expect_str_eq(finding(), "/: is a directory");
    cr_expect_eq(mm1__json_read("no/such\nfile", &diag, &json), MM1_NOT_FOUND);
    cr_expect_str_eq(finding(), "no/such?file: cannot be opened: No such file or directory");
    cr_expect_eq(mm1__json_read("/dev/zero", &diag, &json), MM1_INVALID);
    cr_expect_str_eq(finding(), "/dev/zero: larger than 4194304 bytes");
    cr_expect_null(json);
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, "{\"a\": 1}\n", 9), 9);
    cr_expect_eq(mm1__json_read(path, &diag, &json), MM1_OK);
    cr_assert_not_null(json);
    cr_expect(mm1_text_equal(mm1__json_source(json), MM1_TEXT("{\"a\": 1}\n")));
    mm1__json_free(json);
    (void)close(file);
    (void)unlink(path);
}

/* --- places --------------------------------------------------------------------------------------------------- */

Test(json, each_value_knows_where_it_stands)
{
    struct mm1__json *json = parse("{\n  \"é~/\": [1,\n\t{\"k\": \"x\"}]\n}");
    const struct mm1__json_node *root = mm1__json_root(json);
    const struct mm1__json_node *list = mm1__json_first(root);
    const struct mm1__json_node *second = mm1__json_next(mm1__json_first(list));
    const struct mm1__json_node *leaf = mm1__json_find(second, "k");
    char path[64];
    uint32_t line = 0;
    uint32_t column = 0;
    cr_expect_str_eq(mm1__json_path(root, path, sizeof(path)), "");
    cr_expect_str_eq(mm1__json_path(leaf, path, sizeof(path)), "/é~0~1/1/k");
    mm1__json_place(list, &line, &column);
    cr_expect_eq(line, 2);
    cr_expect_eq(column, 10); /* é is one character */
    mm1__json_place(leaf, &line, &column);
    cr_expect_eq(line, 3);
    cr_expect_eq(column, 8);
    char small[6];
    cr_expect_str_eq(mm1__json_path(second, small, sizeof(small)), "/é~0");
    cr_expect(mm1_text_equal(mm1__json_key(leaf), MM1_TEXT("k")));
    cr_expect_eq(mm1__json_key(second).size, 0);
    mm1__json_free(json);
}

/* --- readers -------------------------------------------------------------------------------------------------- */

/* Reads {"v": VALUE} with `read` and gives the finding, or "" when it was read. */
static const char *read_with(const char *value, void (*read)(const struct mm1__json_node *node))
{
    char text[256];
    (void)snprintf(text, sizeof(text), "{\"v\": %s}", value);
    struct mm1__json *json = parse(text);
    diag = (struct mm1_diag){0};
    read(mm1__json_find(mm1__json_root(json), "v"));
    bool good = mm1__json_status(json) == MM1_OK;
    mm1__json_free(json);
    return good ? "" : finding();
}

static uint64_t number;
static int64_t signed_number;
static uint32_t pair[2];
static size_t choice;
static mm1_addr addr;
static struct mm1_net net;
static bool flag;

static void read_u64(const struct mm1__json_node *node)
{
    mm1__json_u64(node, 2, 1000, &number);
}
static void read_large(const struct mm1__json_node *node)
{
    mm1__json_u64(node, 0, MM1__JSON_INTEGER_MAX, &number);
}
static void read_i64(const struct mm1__json_node *node)
{
    mm1__json_i64(node, -5, 5, &signed_number);
}
static void read_seed(const struct mm1__json_node *node)
{
    mm1__json_seed(node, &number);
}
static void read_duration(const struct mm1__json_node *node)
{
    mm1__json_duration(node, &number);
}
static void read_size(const struct mm1__json_node *node)
{
    mm1__json_size(node, &number);
}
static void read_ratio(const struct mm1__json_node *node)
{
    mm1__json_ratio(node, &pair[0], &pair[1]);
}
static void read_addr(const struct mm1__json_node *node)
{
    mm1__json_addr(node, &addr);
}
static void read_net(const struct mm1__json_node *node)
{
    mm1__json_net(node, &net);
}
static void read_bool(const struct mm1__json_node *node)
{
    mm1__json_bool(node, &flag);
}
static void read_choice(const struct mm1__json_node *node)
{
    static const char *const NAMES[] = {"turn", "effect", "mix"};
    mm1__json_choice(node, NAMES, MM1_COUNT_OF(NAMES), &choice);
}

Test(json, numbers)
{
    cr_expect_str_eq(read_with("2", read_u64), "");
    cr_expect_eq(number, 2);
    cr_expect_str_eq(read_with("1001", read_u64),
                     "t:1:7: /v: expected a whole number from 2 to 1000, got the number 1001");
    cr_expect_str_eq(read_with("-2", read_u64),
                     "t:1:7: /v: expected a whole number from 2 to 1000, got the number -2");
    cr_expect_str_eq(read_with("2.0", read_u64),
                     "t:1:7: /v: expected a whole number from 2 to 1000 without fraction or "
                     "exponent, got the number 2.0");
    cr_expect_str_eq(read_with("\"2\"", read_u64),
                     "t:1:7: /v: expected a whole number from 2 to 1000, got the text \"2\"");
    cr_expect_eq(number, 2); /* an error leaves the result alone */
    cr_expect_str_eq(read_with("9007199254740992", read_large), "");
    cr_expect_eq(number, (uint64_t)1 << 53);
    cr_expect_str_eq(read_with("9007199254740993", read_large),
                     "t:1:7: /v: expected a whole number from 0 to 9007199254740992 (beyond it, as "
                     "a text), got the "
                     "number 9007199254740993");
    cr_expect_str_neq(read_with("18446744073709551617", read_large), "");
    cr_expect_str_eq(read_with("-0", read_large), "");
    cr_expect_str_eq(read_with("-5", read_i64), "");
    cr_expect_eq(signed_number, -5);
    cr_expect_str_eq(read_with("-6", read_i64),
                     "t:1:7: /v: expected a whole number from -5 to 5, got the number -6");
}

Test(json, seeds)
{
    cr_expect_str_eq(read_with("\"0xffffffffffffffff\"", read_seed), "");
    cr_expect_eq(number, UINT64_MAX);
    cr_expect_str_eq(read_with("\"12\"", read_seed), "");
    cr_expect_eq(number, 12);
    cr_expect_str_eq(
        read_with("12", read_seed),
        "t:1:7: /v: expected a 64-bit seed, which is a text like \"0x1f\", got the number 12");
    cr_expect_str_neq(read_with("\"0x\"", read_seed), "");
    cr_expect_str_neq(read_with("\"0x10000000000000000\"", read_seed), "");
    cr_expect_str_neq(read_with("null", read_seed), "");
}

Test(json, quantities)
{
    static const struct {
        const char *text;
        uint64_t value;
    } DURATIONS[] = {{"\"0s\"", 0},
                     {"\"7ns\"", 7},
                     {"\"3us\"", 3000},
                     {"\"150ms\"", 150000000},
                     {"\"2s\"", 2000000000},
                     {"\"3m\"", 180000000000},
                     {"\"1h\"", 3600000000000},
                     {"\"18446744073709551615ns\"", UINT64_MAX}};
    for (size_t i = 0; i < MM1_COUNT_OF(DURATIONS); i++) {
        cr_expect_str_eq(read_with(DURATIONS[i].text, read_duration), "");
        cr_expect_eq(number, DURATIONS[i].value, "%s", DURATIONS[i].text);
    }
    static const char *const BAD[] = {
        "\"\"",     "\"ms\"",  "\"1\"",   "\"1 s\"", "\"1S\"", "\"-1s\"", "\"01s\"", "\"1.5s\"",
        "\"1sec\"", "\" 1s\"", "\"1s \"", "\"1d\"",  "5",      "null",    "{}",      "[\"1s\"]"};
    for (size_t i = 0; i < MM1_COUNT_OF(BAD); i++) {
        cr_expect_not_null(
            strstr(read_with(BAD[i], read_duration), "expected a duration in ns, us"), "%s",
            BAD[i]);
    }
    cr_expect_str_eq(read_with("\"18446744074s\"", read_duration),
                     "t:1:7: /v: the text \"18446744074s\" is out of range");
    cr_expect_str_eq(read_with("\"64KiB\"", read_size), "");
    cr_expect_eq(number, 65536);
    cr_expect_str_neq(read_with("\"64KB\"", read_size), "");
    cr_expect_str_neq(read_with("\"17179869184GiB\"", read_size), "");
    cr_expect_str_eq(read_with("\"1/100\"", read_ratio), "");
    cr_expect(pair[0] == 1 && pair[1] == 100);
    static const char *const RATIOS[] = {"\"1\"",     "\"1/0\"", "\"3/2\"", "\"1/4294967296\"",
                                         "\"1/2/3\"", "\"/2\"",  "0.5"};
    for (size_t i = 0; i < MM1_COUNT_OF(RATIOS); i++) {
        cr_expect_str_neq(read_with(RATIOS[i], read_ratio), "", "%s", RATIOS[i]);
    }
}

Test(json, other_values)
{
    cr_expect_str_eq(read_with("\"<aa1:1>\"", read_addr), "");
    cr_expect_eq(addr.bits, UINT64_C(0xaa10000000000001));
    cr_expect_str_neq(read_with("\"aa1\"", read_addr), "");
    cr_expect_str_eq(read_with("\"<aa1:>/16\"", read_net), "");
    cr_expect_eq(net.mask, 16);
    cr_expect_str_neq(read_with("\"<aa1:>\"", read_net), "");
    cr_expect_str_eq(read_with("true", read_bool), "");
    cr_expect(flag);
    cr_expect_str_eq(read_with("1", read_bool),
                     "t:1:7: /v: expected true or false, got the number 1");
    cr_expect_str_eq(read_with("\"effect\"", read_choice), "");
    cr_expect_eq(choice, 1);
    cr_expect_str_eq(read_with("\"Turn\"", read_choice),
                     "t:1:7: /v: expected \"turn\", \"effect\" or \"mix\", got the "
                     "text \"Turn\"; did you mean \"turn\"?");
    cr_expect_str_eq(read_with("[]", read_choice),
                     "t:1:7: /v: expected \"turn\", \"effect\" or \"mix\", got a list");
}

/* --- objects -------------------------------------------------------------------------------------------------- */

/* An object with the keys name (required), size and colour. */
static const char *read_object(const char *text, uint64_t *size)
{
    struct mm1__json *json = parse(text);
    struct mm1__json_object object;
    struct mm1_text name = {0};
    diag = (struct mm1_diag){0};
    mm1__json_object_begin(&object, mm1__json_root(json));
    mm1__json_text(mm1__json_required(&object, "name"), &name);
    mm1__json_u64(mm1__json_optional(&object, "size"), 0, 9, size);
    (void)mm1__json_optional(&object, "colour");
    mm1__json_object_end(&object);
    bool good = mm1__json_status(json) == MM1_OK;
    mm1__json_free(json);
    return good ? "" : finding();
}

Test(json, objects)
{
    uint64_t size = 5;
    cr_expect_str_eq(read_object("{\"name\": \"\"}", &size), "");
    cr_expect_eq(size, 5);
    cr_expect_str_eq(read_object("{\"size\": 3, \"name\": \"\"}", &size), "");
    cr_expect_eq(size, 3);
    cr_expect_str_eq(read_object("[]", &size), "t:1:1: expected an object, got a list");
    cr_expect_str_eq(read_object("{}", &size), "t:1:1: the key \"name\" is missing");
    cr_expect_str_eq(read_object("{\"naem\": \"\"}", &size),
                     "t:1:2: /naem: unknown key \"naem\"; did you mean \"name\"?");
    cr_expect_str_eq(read_object("{\"name\": \"\", \"color\": 1}", &size),
                     "t:1:14: /color: unknown key \"color\"; did you mean \"colour\"?");
    cr_expect_str_eq(
        read_object("{\"name\": \"\", \"x\": 1}", &size),
        "t:1:14: /x: unknown key \"x\"; expected one of \"name\", \"size\", \"colour\"");
    /* The first error is the one that is told. */
    cr_expect_str_eq(read_object("{\"name\": 1, \"size\": 99, \"x\": 1}", &size),
                     "t:1:10: /name: expected a text, got the number 1");
}

Test(json, lists)
{
    struct mm1__json *json = parse("[[1, 2], [], 3]");
    const struct mm1__json_node *pair_node = mm1__json_first(mm1__json_root(json));
    const struct mm1__json_node *empty = mm1__json_next(pair_node);
    size_t count = 9;
    mm1__json_list(NULL, 1, 5, &count);
    cr_expect_eq(count, 0);
    mm1__json_list(pair_node, 1, 2, &count);
    cr_expect_eq(count, 2);
    mm1__json_list(empty, 0, 2, &count);
    cr_expect_eq(count, 0);
    cr_expect_eq(mm1__json_status(json), MM1_OK);
    mm1__json_list(empty, 1, 5, &count);
    cr_expect_str_eq(finding(), "t:1:10: /1: expected a list of 1 to 5, got one of 0");
    mm1__json_redirect(json, &diag);
    mm1__json_list(mm1__json_next(empty), 0, 5, &count);
    cr_expect_str_eq(finding(), "t:1:14: /2: expected a list, got the number 3");
    mm1__json_free(json);
}

Test(json, nearest_names)
{
    static const struct {
        const char *wrong;
        const char *hint; /* of "partition", "crash", "x1" and "granularity" */
    } CASES[] = {{"crahs", "; did you mean \"crash\"?"},
                 {"CRASH", "; did you mean \"crash\"?"},
                 {"partitoin", "; did you mean \"partition\"?"},
                 {"granular", "; did you mean \"granularity\"?"},
                 {"y", ""},
                 {"reset", ""},
                 {"", ""},
                 {"x2", "; did you mean \"x1\"?"}};
    for (size_t i = 0; i < MM1_COUNT_OF(CASES); i++) {
        char hint[64];
        struct mm1__nearest nearest = mm1__nearest(mm1_text_of(CASES[i].wrong));
        mm1__nearest_offer(&nearest, MM1_TEXT("partition"));
        mm1__nearest_offer(&nearest, MM1_TEXT("crash"));
        mm1__nearest_offer(&nearest, MM1_TEXT("x1"));
        mm1__nearest_offer(&nearest, MM1_TEXT("granularity"));
        cr_expect_str_eq(mm1__nearest_hint(&nearest, hint, sizeof(hint)), CASES[i].hint);
    }
}

Test(json, a_finding_is_one_line_whatever_it_quotes)
{
    mm1__diag_set(&diag, "a\nb", "got \"%s\"", "x\x1b[31m\xff");
    cr_expect_str_eq(finding(), "a?b: got \"x?[31m?\"");
}
