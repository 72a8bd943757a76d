/* Strict JSON (RFC 8259), without building values. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "host/json_scan.h"

/* cJSON reads at most 63 characters of a number. */
#define NUMBER_SIZE_MAX 60

struct scanner {
    struct mm1__json_scan *scan;
    struct mm1_text text;
    uint32_t at;
};

static mm1_status scan_value(struct scanner *scanner, uint32_t parent, uint32_t key,
                             unsigned depth);

static MM1_PRINTF(3, 4) mm1_status
    fail(struct scanner *scanner, uint32_t at, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(scanner->scan->error, sizeof(scanner->scan->error), format, arguments);
    va_end(arguments);
    scanner->scan->error_at = at;
    return MM1_INVALID;
}

static bool at_end(const struct scanner *scanner)
{
    return scanner->at == scanner->text.size;
}

/* The byte at the cursor; 0, which is never valid, at the end. */
static char peek(const struct scanner *scanner)
{
    return at_end(scanner) ? '\0' : scanner->text.data[scanner->at];
}

static void skip_space(struct scanner *scanner)
{
    char c = peek(scanner);
    while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        scanner->at++;
        c = peek(scanner);
    }
}

/* Says what stands at the cursor instead of what was expected. */
static mm1_status fail_expected(struct scanner *scanner, const char *expected)
{
    if (at_end(scanner)) {
        return fail(scanner, scanner->at, "expected %s, got the end of the text", expected);
    }
    const char *data = scanner->text.data + scanner->at;
    size_t length = mm1__utf8_sequence(data, scanner->text.size - scanner->at);
    if (length == 0 || (unsigned char)*data < 0x20 || *data == 0x7f) {
        return fail(scanner, scanner->at, "expected %s, got the byte 0x%02x", expected,
                    (unsigned char)*data);
    }
    if (*data == '"') {
        return fail(scanner, scanner->at, "expected %s, got a quote", expected);
    }
    return fail(scanner, scanner->at, "expected %s, got \"%.*s\"", expected, (int)length, data);
}

static mm1_status add_mark(struct scanner *scanner, uint32_t parent, uint32_t key, uint32_t *index)
{
    struct mm1__json_scan *scan = scanner->scan;
    if (scan->count == scan->capacity) {
        uint32_t capacity = scan->capacity == 0 ? 64 : scan->capacity * 2;
        struct mm1__json_mark *marks = realloc(scan->marks, capacity * sizeof(*marks));
        if (marks == NULL) {
            return MM1_NOMEM;
        }
        scan->marks = marks;
        scan->capacity = capacity;
    }
    *index = scan->count++;
    scan->marks[*index] =
        (struct mm1__json_mark){.begin = scanner->at, .key = key, .parent = parent};
    return MM1_OK;
}

/* Reads the four digits of a \u escape whose backslash is at the cursor; false when they are not there. */
static bool read_escape(const struct scanner *scanner, uint32_t at, unsigned *unit)
{
    *unit = 0;
    if (scanner->text.size - at < 6 || scanner->text.data[at] != '\\' ||
        scanner->text.data[at + 1] != 'u') {
        return false;
    }
    for (uint32_t i = at + 2; i < at + 6; i++) {
        char c = scanner->text.data[i];
        char letter = (char)(c | 0x20);
        bool digit = c >= '0' && c <= '9';
        if (!digit && (letter < 'a' || letter > 'f')) {
            return false;
        }
        *unit = *unit << 4 | (unsigned)(digit ? c - '0' : letter - 'a' + 10);
    }
    return true;
}

static mm1_status scan_escape(struct scanner *scanner)
{
    uint32_t begin = scanner->at;
    char kind = begin + 1 < scanner->text.size ? scanner->text.data[begin + 1] : '\0';
    if (kind != '\0' && strchr("\"\\/bfnrt", kind) != NULL) {
        scanner->at += 2;
        return MM1_OK;
    }
    if (kind != 'u') {
        return fail(scanner, begin, "unknown escape in a text");
    }
    unsigned unit = 0;
    unsigned low = 0;
    if (!read_escape(scanner, begin, &unit)) {
        return fail(scanner, begin, "expected four hex digits after \\u");
    }
    if (unit == 0) {
        return fail(scanner, begin, "\\u0000 is not allowed in a text");
    }
    scanner->at += 6;
    if (unit >= 0xdc00 && unit <= 0xdfff) {
        return fail(scanner, begin, "half of a surrogate pair");
    }
    if (unit >= 0xd800 && unit <= 0xdbff) {
        if (!read_escape(scanner, scanner->at, &low) || low < 0xdc00 || low > 0xdfff) {
            return fail(scanner, begin, "half of a surrogate pair");
        }
        scanner->at += 6;
    }
    return MM1_OK;
}

/* A text whose opening quote is at the cursor. */
static mm1_status scan_text(struct scanner *scanner)
{
    uint32_t begin = scanner->at++;
    while (!at_end(scanner)) {
        const char *data = scanner->text.data + scanner->at;
        if (*data == '"') {
            scanner->at++;
            return MM1_OK;
        }
        if (*data == '\\') {
            MM1_TRY(scan_escape(scanner));
            continue;
        }
        if ((unsigned char)*data < 0x20) {
            return *data == '\n' || *data == '\r'
                       ? fail(scanner, begin, "a text without its closing quote")
                       : fail(scanner, scanner->at,
                              "the control character 0x%02x in a text: write it as an escape",
                              (unsigned char)*data);
        }
        size_t length = mm1__utf8_sequence(data, scanner->text.size - scanner->at);
        if (length == 0) {
            return fail(scanner, scanner->at, "not UTF-8: the byte 0x%02x", (unsigned char)*data);
        }
        scanner->at += (uint32_t)length;
    }
    return fail(scanner, begin, "a text without its closing quote");
}

/* Skips digits; false when there is none. */
static bool skip_digits(struct scanner *scanner)
{
    uint32_t begin = scanner->at;
    while (peek(scanner) >= '0' && peek(scanner) <= '9') {
        scanner->at++;
    }
    return scanner->at > begin;
}

static mm1_status scan_number(struct scanner *scanner)
{
    uint32_t begin = scanner->at;
    scanner->at += peek(scanner) == '-';
    uint32_t digits = scanner->at;
    if (!skip_digits(scanner)) {
        return fail_expected(scanner, "a digit");
    }
    if (scanner->text.data[digits] == '0' && scanner->at - digits > 1) {
        return fail(scanner, begin, "a number with a leading zero");
    }
    if (peek(scanner) == '.') {
        scanner->at++;
        if (!skip_digits(scanner)) {
            return fail_expected(scanner, "a digit");
        }
    }
    if (peek(scanner) == 'e' || peek(scanner) == 'E') {
        scanner->at++;
        scanner->at += peek(scanner) == '+' || peek(scanner) == '-';
        if (!skip_digits(scanner)) {
            return fail_expected(scanner, "a digit");
        }
    }
    if (scanner->at - begin > NUMBER_SIZE_MAX) {
        return fail(scanner, begin, "a number of more than %d characters", NUMBER_SIZE_MAX);
    }
    return MM1_OK;
}

static mm1_status scan_list(struct scanner *scanner, uint32_t self, unsigned depth)
{
    scanner->at++;
    skip_space(scanner);
    if (peek(scanner) == ']') {
        scanner->at++;
        return MM1_OK;
    }
    for (;;) {
        MM1_TRY(scan_value(scanner, self, MM1__JSON_NONE, depth + 1));
        skip_space(scanner);
        char c = peek(scanner);
        if (c != ',' && c != ']') {
            return fail_expected(scanner, "\",\" or \"]\"");
        }
        scanner->at++;
        if (c == ']') {
            return MM1_OK;
        }
    }
}

static mm1_status scan_object(struct scanner *scanner, uint32_t self, unsigned depth)
{
    scanner->at++;
    skip_space(scanner);
    if (peek(scanner) == '}') {
        scanner->at++;
        return MM1_OK;
    }
    for (;;) {
        skip_space(scanner);
        uint32_t key = scanner->at;
        if (peek(scanner) != '"') {
            return fail_expected(scanner, "a key in quotes");
        }
        MM1_TRY(scan_text(scanner));
        skip_space(scanner);
        if (peek(scanner) != ':') {
            return fail_expected(scanner, "\":\"");
        }
        scanner->at++;
        MM1_TRY(scan_value(scanner, self, key, depth + 1));
        skip_space(scanner);
        char c = peek(scanner);
        if (c != ',' && c != '}') {
            return fail_expected(scanner, "\",\" or \"}\"");
        }
        scanner->at++;
        if (c == '}') {
            return MM1_OK;
        }
    }
}

static mm1_status scan_word(struct scanner *scanner, const char *word)
{
    size_t size = strlen(word);
    if (scanner->text.size - scanner->at < size ||
        memcmp(scanner->text.data + scanner->at, word, size) != 0) {
        return fail_expected(scanner, "a value");
    }
    scanner->at += (uint32_t)size;
    return MM1_OK;
}

static mm1_status scan_by_kind(struct scanner *scanner, uint32_t self, unsigned depth,
                               enum mm1__json_kind *kind)
{
    switch (peek(scanner)) {
    case '{':
        *kind = MM1__JSON_OBJECT;
        return scan_object(scanner, self, depth);
    case '[':
        *kind = MM1__JSON_LIST;
        return scan_list(scanner, self, depth);
    case '"':
        *kind = MM1__JSON_TEXT;
        return scan_text(scanner);
    case 't':
        *kind = MM1__JSON_BOOL;
        return scan_word(scanner, "true");
    case 'f':
        *kind = MM1__JSON_BOOL;
        return scan_word(scanner, "false");
    case 'n':
        *kind = MM1__JSON_NULL;
        return scan_word(scanner, "null");
    default:
        break;
    }
    *kind = MM1__JSON_NUMBER;
    if (peek(scanner) != '-' && (peek(scanner) < '0' || peek(scanner) > '9')) {
        return fail_expected(scanner, "a value");
    }
    return scan_number(scanner);
}

static mm1_status scan_value(struct scanner *scanner, uint32_t parent, uint32_t key, unsigned depth)
{
    uint32_t self = 0;
    enum mm1__json_kind kind = MM1__JSON_NULL;
    skip_space(scanner);
    if (depth > MM1__JSON_DEPTH_MAX) {
        return fail(scanner, scanner->at, "nested deeper than %d levels", MM1__JSON_DEPTH_MAX);
    }
    MM1_TRY(add_mark(scanner, parent, key, &self));
    MM1_TRY(scan_by_kind(scanner, self, depth, &kind));
    scanner->scan->marks[self].kind = kind;
    scanner->scan->marks[self].end = scanner->at;
    return MM1_OK;
}

mm1_status mm1__json_scan(struct mm1_text text, struct mm1__json_scan *scan)
{
    struct scanner scanner = {.scan = scan, .text = text};
    *scan = (struct mm1__json_scan){0};
    MM1_CHECK(text.size <= MM1__JSON_SIZE_MAX);
    if (text.size == 0) {
        return fail(&scanner, 0, "expected a value, got an empty text");
    }
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) {
        return fail(&scanner, 0, "a byte order mark: save the file as UTF-8 without it");
    }
    MM1_TRY(scan_value(&scanner, MM1__JSON_NONE, MM1__JSON_NONE, 1));
    skip_space(&scanner);
    if (!at_end(&scanner)) {
        return fail_expected(&scanner, "the end of the text after the value");
    }
    return MM1_OK;
}

void mm1__json_scan_close(struct mm1__json_scan *scan)
{
    free(scan->marks);
    *scan = (struct mm1__json_scan){0};
}
