/* Typed readers of JSON values. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/json_node.h"
#include "host/units.h"

/* True when there is a value to read and nothing went wrong before. */
static bool wanted(const struct mm1__json_node *node)
{
    return node != NULL && !mm1__json_failed(node);
}

void mm1__json_bool(const struct mm1__json_node *node, bool *out)
{
    if (!wanted(node)) {
        return;
    }
    if (node->kind != MM1__JSON_BOOL) {
        mm1__json_expected(node, "true or false");
        return;
    }
    *out = cJSON_IsTrue(node->item);
}

/* The value's text, after a check that it is one. */
static bool read_text(const struct mm1__json_node *node, const char *expected, struct mm1_text *out)
{
    if (!wanted(node)) {
        return false;
    }
    if (node->kind != MM1__JSON_TEXT) {
        mm1__json_expected(node, "%s", expected);
        return false;
    }
    *out = mm1_text_of(node->item->valuestring);
    return true;
}

void mm1__json_text(const struct mm1__json_node *node, struct mm1_text *out)
{
    (void)read_text(node, "a text", out);
}

struct mm1_text mm1__json_number_text(const struct mm1__json_node *node)
{
    MM1_CHECK(node->kind == MM1__JSON_NUMBER);
    return (struct mm1_text){.data = node->json->text.data + node->begin,
                             .size = node->end - node->begin};
}

double mm1__json_number(const struct mm1__json_node *node)
{
    MM1_CHECK(node->kind == MM1__JSON_NUMBER);
    return node->item->valuedouble;
}

/* Reads sign and magnitude of an integer; reports what is none, or is beyond 2^53. */
static bool read_integer(const struct mm1__json_node *node, const char *expected, bool *negative,
                         uint64_t *magnitude)
{
    if (node->kind != MM1__JSON_NUMBER) {
        mm1__json_expected(node, "%s", expected);
        return false;
    }
    struct mm1_text text = mm1__json_number_text(node);
    *negative = text.data[0] == '-';
    struct mm1_text digits = {.data = text.data + *negative, .size = text.size - *negative};
    mm1_status status = mm1__u64_parse(digits, magnitude);
    if (status == MM1_MALFORMED) {
        mm1__json_expected(node, "%s without fraction or exponent", expected);
        return false;
    }
    if (status != MM1_OK || *magnitude > MM1__JSON_INTEGER_MAX) {
        mm1__json_expected(node, "%s", expected);
        return false;
    }
    return true;
}

void mm1__json_u64(const struct mm1__json_node *node, uint64_t min, uint64_t max, uint64_t *out)
{
    char expected[96];
    bool negative = false;
    uint64_t magnitude = 0;
    if (!wanted(node)) {
        return;
    }
    (void)snprintf(expected, sizeof(expected), "a whole number from %" PRIu64 " to %" PRIu64 "%s",
                   min, max, max == MM1__JSON_INTEGER_MAX ? " (beyond it, as a text)" : "");
    if (!read_integer(node, expected, &negative, &magnitude)) {
        return;
    }
    if ((negative && magnitude != 0) || magnitude < min || magnitude > max) {
        mm1__json_expected(node, "%s", expected);
        return;
    }
    *out = magnitude;
}

void mm1__json_i64(const struct mm1__json_node *node, int64_t min, int64_t max, int64_t *out)
{
    char expected[96];
    bool negative = false;
    uint64_t magnitude = 0;
    if (!wanted(node)) {
        return;
    }
    (void)snprintf(expected, sizeof(expected), "a whole number from %" PRId64 " to %" PRId64, min,
                   max);
    if (!read_integer(node, expected, &negative, &magnitude)) {
        return;
    }
    int64_t value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
    if (value < min || value > max) {
        mm1__json_expected(node, "%s", expected);
        return;
    }
    *out = value;
}

void mm1__json_seed(const struct mm1__json_node *node, uint64_t *out)
{
    struct mm1_text text;
    if (!wanted(node)) {
        return;
    }
    if (node->kind == MM1__JSON_NUMBER) {
        mm1__json_expected(node, "a 64-bit seed, which is a text like \"0x1f\"");
        return;
    }
    if (read_text(node, "a 64-bit seed like \"0x1f\"", &text) &&
        mm1__u64_parse(text, out) != MM1_OK) {
        mm1__json_expected(node, "a 64-bit seed like \"0x1f\"");
    }
}

/* Reports a text that did not parse: badly written, or too large for its place. */
static void refuse(const struct mm1__json_node *node, mm1_status status, const char *expected)
{
    char got[96];
    if (status == MM1_TOO_LARGE) {
        mm1__json_fail(node, "%s is out of range", mm1__json_describe(node, got, sizeof(got)));
    } else if (status != MM1_OK) {
        mm1__json_expected(node, "%s", expected);
    }
}

void mm1__json_duration(const struct mm1__json_node *node, uint64_t *out)
{
    const char *expected = "a duration in ns, us, ms, s, m or h, like \"150ms\"";
    struct mm1_text text;
    if (read_text(node, expected, &text)) {
        refuse(node, mm1__duration_parse(text, out), expected);
    }
}

void mm1__json_size(const struct mm1__json_node *node, uint64_t *out)
{
    const char *expected = "a size in B, KiB, MiB or GiB, like \"64KiB\"";
    struct mm1_text text;
    if (read_text(node, expected, &text)) {
        refuse(node, mm1__size_parse(text, out), expected);
    }
}

void mm1__json_ratio(const struct mm1__json_node *node, uint32_t *num, uint32_t *den)
{
    const char *expected = "a ratio like \"1/100\"";
    struct mm1_text text;
    if (read_text(node, expected, &text)) {
        refuse(node, mm1__ratio_parse(text, num, den), expected);
    }
}

void mm1__json_addr(const struct mm1__json_node *node, mm1_addr *out)
{
    const char *expected = "an address like \"<aa1:1>\"";
    struct mm1_text text;
    if (read_text(node, expected, &text)) {
        refuse(node, mm1_addr_parse(text, out), expected);
    }
}

void mm1__json_net(const struct mm1__json_node *node, struct mm1_net *out)
{
    const char *expected = "a subnet like \"<aa1:>/16\"";
    struct mm1_text text;
    if (read_text(node, expected, &text)) {
        refuse(node, mm1_net_parse(text, out), expected);
    }
}

void mm1__json_choice(const struct mm1__json_node *node, const char *const *names, size_t count,
                      size_t *out)
{
    char expected[300] = "";
    char hint[160];
    char got[96];
    size_t at = 0;
    if (!wanted(node)) {
        return;
    }
    struct mm1_text text = MM1_TEXT("");
    if (node->kind == MM1__JSON_TEXT) {
        text = mm1_text_of(node->item->valuestring);
    }
    struct mm1__nearest nearest = mm1__nearest(text);
    for (size_t i = 0; i < count; i++) {
        if (node->kind == MM1__JSON_TEXT && mm1_text_equal(text, mm1_text_of(names[i]))) {
            *out = i;
            return;
        }
        mm1__nearest_offer(&nearest, mm1_text_of(names[i]));
        int printed = snprintf(expected + at, sizeof(expected) - at, "%s\"%s\"",
                               i == 0           ? ""
                               : i + 1 == count ? " or "
                                                : ", ",
                               names[i]);
        at += at + (size_t)printed < sizeof(expected) ? (size_t)printed : 0;
    }
    (void)mm1__json_describe(node, got, sizeof(got));
    mm1__json_fail(node, "expected %s, got %s%s", expected, got,
                   mm1__nearest_hint(&nearest, hint, sizeof(hint)));
}

void mm1__json_list(const struct mm1__json_node *node, size_t min, size_t max, size_t *count)
{
    *count = 0;
    if (!wanted(node)) {
        return;
    }
    if (node->kind != MM1__JSON_LIST) {
        mm1__json_expected(node, "a list");
    } else if (node->count < min || node->count > max) {
        if (min == max) {
            mm1__json_fail(node, "expected a list of %zu, got one of %u", min, node->count);
        } else if (max == SIZE_MAX) {
            mm1__json_fail(node, "expected a list of at least %zu, got one of %u", min,
                           node->count);
        } else {
            mm1__json_fail(node, "expected a list of %zu to %zu, got one of %u", min, max,
                           node->count);
        }
    } else {
        *count = node->count;
    }
}
