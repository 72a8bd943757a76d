/* Quantities with units. */
#include <stdbool.h>

#include "host/units.h"

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit duration_units[] = {{"ns", 1},          {"us", 1000},
                                             {"ms", 1000000},    {"s", 1000000000},
                                             {"m", 60000000000}, {"h", 3600000000000}};
static const struct unit size_units[] = {
    {"B", 1}, {"KiB", (uint64_t)1 << 10}, {"MiB", (uint64_t)1 << 20}, {"GiB", (uint64_t)1 << 30}};

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes decimal digits, without a leading zero, off the front of `text`. */
static mm1_status take_decimal(struct mm1_text *text, uint64_t *out)
{
    size_t at = 0;
    uint64_t value = 0;
    bool fits = true;
    while (at < text->size && digit(text->data[at])) {
        uint64_t next = (uint64_t)(text->data[at] - '0');
        fits = fits && !__builtin_mul_overflow(value, 10u, &value) &&
               !__builtin_add_overflow(value, next, &value);
        at++;
    }
    if (at == 0 || (at > 1 && text->data[0] == '0')) {
        return MM1_MALFORMED;
    }
    text->data += at;
    text->size -= at;
    *out = value;
    return fits ? MM1_OK : MM1_TOO_LARGE;
}

static mm1_status parse_with_unit(struct mm1_text text, const struct unit *units, size_t count,
                                  uint64_t *out)
{
    uint64_t value = 0;
    mm1_status status = take_decimal(&text, &value);
    if (status == MM1_MALFORMED) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        if (mm1_text_equal(text, mm1_text_of(units[i].name))) {
            if (status != MM1_OK || __builtin_mul_overflow(value, units[i].factor, &value)) {
                return MM1_TOO_LARGE;
            }
            *out = value;
            return MM1_OK;
        }
    }
    return MM1_MALFORMED;
}

mm1_status mm1__duration_parse(struct mm1_text text, uint64_t *out)
{
    return parse_with_unit(text, duration_units, MM1_COUNT_OF(duration_units), out);
}

mm1_status mm1__size_parse(struct mm1_text text, uint64_t *out)
{
    return parse_with_unit(text, size_units, MM1_COUNT_OF(size_units), out);
}

mm1_status mm1__ratio_parse(struct mm1_text text, uint32_t *num, uint32_t *den)
{
    uint64_t above = 0;
    uint64_t below = 0;
    mm1_status first = take_decimal(&text, &above);
    if (first == MM1_MALFORMED || text.size == 0 || text.data[0] != '/') {
        return MM1_MALFORMED;
    }
    text.data++;
    text.size--;
    mm1_status second = take_decimal(&text, &below);
    if (second == MM1_MALFORMED || text.size != 0) {
        return MM1_MALFORMED;
    }
    if (first != MM1_OK || second != MM1_OK || below > UINT32_MAX || above > below || below == 0) {
        return MM1_TOO_LARGE;
    }
    *num = (uint32_t)above;
    *den = (uint32_t)below;
    return MM1_OK;
}

static mm1_status parse_hex(struct mm1_text text, uint64_t *out)
{
    uint64_t value = 0;
    if (text.size == 0) {
        return MM1_MALFORMED;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        char letter = (char)(c | 0x20);
        if (!digit(c) && (letter < 'a' || letter > 'f')) {
            return MM1_MALFORMED;
        }
        value = value << 4 | (uint64_t)(digit(c) ? c - '0' : letter - 'a' + 10);
    }
    if (text.size > 16) {
        return MM1_TOO_LARGE;
    }
    *out = value;
    return MM1_OK;
}

mm1_status mm1__u64_parse(struct mm1_text text, uint64_t *out)
{
    if (text.size > 2 && text.data[0] == '0' && text.data[1] == 'x') {
        return parse_hex((struct mm1_text){.data = text.data + 2, .size = text.size - 2}, out);
    }
    uint64_t value = 0;
    mm1_status status = take_decimal(&text, &value);
    if (status == MM1_MALFORMED || text.size != 0) {
        return MM1_MALFORMED;
    }
    if (status == MM1_OK) {
        *out = value;
    }
    return status;
}
