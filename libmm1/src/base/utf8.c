/* UTF-8 validation. */
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool continues(uint8_t byte)
{
    return (byte & 0xc0u) == 0x80;
}

size_t mm1__utf8_sequence(const char *data, size_t size)
{
    const uint8_t *at = (const uint8_t *)data;
    uint8_t first = at[0];
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2 || first > 0xf4 || size < 2 || !continues(at[1])) {
        return 0;
    }
    if (first < 0xe0) {
        return 2;
    }
    /* The second byte alone decides overlong forms, surrogates and the upper end. */
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f)) {
        return 0;
    }
    if (size < 3 || !continues(at[2])) {
        return 0;
    }
    if (first < 0xf0) {
        return 3;
    }
    return size >= 4 && continues(at[3]) ? 4 : 0;
}

bool mm1__utf8_valid(const char *data, size_t size)
{
    size_t at = 0;
    while (at < size) {
        uint64_t word;
        if (size - at >= sizeof(word)) {
            memcpy(&word, data + at, sizeof(word));
            if ((word & 0x8080808080808080u) == 0) {
                at += sizeof(word);
                continue;
            }
        }
        size_t length = mm1__utf8_sequence(data + at, size - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}
