/* Numbers in JSON. Digits come from the C library, the rest from here, so that no locale shows. */
#include <stdio.h>
#include <stdlib.h>

#include "wire/json_number.h"

#define SAFE_MAX ((uint64_t)1 << 53)
#define DIGITS_MAX 17 /* enough for every double */
#define PLAIN_MAX 16  /* from this power of ten on, and below 10^-5, with an exponent */
#define PLAIN_MIN (-5)

static size_t digits_of(uint64_t value, char out[20])
{
    char reversed[20];
    size_t size = 0;
    do {
        reversed[size++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < size; i++) {
        out[i] = reversed[size - 1 - i];
    }
    return size;
}

/* Up to 20 digits with sign and quotes. */
static mm1_status put_number(uint64_t magnitude, bool negative, bool quoted, struct mm1_buf *out)
{
    char text[24];
    size_t size = 0;
    if (quoted) {
        text[size++] = '"';
    }
    if (negative) {
        text[size++] = '-';
    }
    size += digits_of(magnitude, text + size);
    if (quoted) {
        text[size++] = '"';
    }
    return mm1_buf_append(out, text, size);
}

static uint64_t magnitude_of(int64_t value)
{
    return value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
}

mm1_status mm1__json_uint(uint64_t value, struct mm1_buf *out)
{
    return put_number(value, false, false, out);
}

mm1_status mm1__json_int(int64_t value, struct mm1_buf *out)
{
    return put_number(magnitude_of(value), value < 0, false, out);
}

mm1_status mm1__json_uint_safe(uint64_t value, struct mm1_buf *out)
{
    return put_number(value, false, value > SAFE_MAX, out);
}

mm1_status mm1__json_int_safe(int64_t value, struct mm1_buf *out)
{
    return put_number(magnitude_of(value), value<0, magnitude_of(value)> SAFE_MAX, out);
}

/* The significant digits of a finite number, without trailing zeros, and its power of ten. */
struct decimal {
    char digits[DIGITS_MAX];
    size_t count;
    int exponent; /* of the first digit */
};

static struct decimal decimal_of(double magnitude)
{
    char text[40];
    for (int precision = DIGITS_MAX - 3;; precision++) {
        (void)snprintf(text, sizeof(text), "%.*e", precision, magnitude);
        if (precision == DIGITS_MAX - 1 || strtod(text, NULL) == magnitude) {
            break;
        }
    }
    struct decimal decimal = {.count = 0};
    const char *at = text;
    for (; *at != 'e'; at++) {
        if (*at >= '0' && *at <= '9') { /* whatever the locale's point is */
            decimal.digits[decimal.count++] = *at;
        }
    }
    for (const char *digit = at + 2; *digit != 0; digit++) {
        decimal.exponent = decimal.exponent * 10 + (*digit - '0');
    }
    if (at[1] == '-') {
        decimal.exponent = -decimal.exponent;
    }
    while (decimal.count > 1 && decimal.digits[decimal.count - 1] == '0') {
        decimal.count--;
    }
    return decimal;
}

/* Digits with the point after `before` of them, zeros where there are none. */
static size_t put_plain(const struct decimal *decimal, char *out)
{
    size_t size = 0;
    int count = (int)decimal->count;
    int last = decimal->exponent >= count ? decimal->exponent : count - 1;
    for (int i = decimal->exponent < 0 ? decimal->exponent : 0; i <= last; i++) {
        out[size++] = i >= 0 && i < count ? decimal->digits[i] : '0';
        if (i == decimal->exponent && i < last) {
            out[size++] = '.';
        }
    }
    return size;
}

static size_t put_scientific(const struct decimal *decimal, char *out)
{
    size_t size = 0;
    out[size++] = decimal->digits[0];
    if (decimal->count > 1) {
        out[size++] = '.';
        memcpy(out + size, decimal->digits + 1, decimal->count - 1);
        size += decimal->count - 1;
    }
    out[size++] = 'e';
    if (decimal->exponent < 0) {
        out[size++] = '-';
    }
    return size + digits_of((uint64_t)abs(decimal->exponent), out + size);
}

mm1_status mm1__json_f64(double value, struct mm1_buf *out)
{
    if (__builtin_isnan(value)) {
        return mm1_buf_append(out, "\"nan\"", 5);
    }
    if (__builtin_isinf(value)) {
        return value < 0 ? mm1_buf_append(out, "\"-inf\"", 6) : mm1_buf_append(out, "\"inf\"", 5);
    }
    char text[64];
    size_t size = 0;
    bool negative = __builtin_signbit(value) != 0;
    if (negative) {
        text[size++] = '-';
    }
    struct decimal decimal = decimal_of(negative ? -value : value);
    if (decimal.exponent >= PLAIN_MIN && decimal.exponent < PLAIN_MAX) {
        size += put_plain(&decimal, text + size);
    } else {
        size += put_scientific(&decimal, text + size);
    }
    return mm1_buf_append(out, text, size);
}
