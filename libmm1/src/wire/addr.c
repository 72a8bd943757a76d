/* Texts of addresses and subnets (ADDR-02 to ADDR-05). */
#include <mm1/addr.h>

#define DIGITS 16u

/* The leftmost longest run of zero digits: where it starts; `*length` is 0 when there is none. */
static unsigned zero_run(uint64_t bits, unsigned *length)
{
    unsigned best = 0;
    unsigned run = 0;
    *length = 0;
    for (unsigned i = 0; i < DIGITS; i++) {
        run = (bits >> (4 * (DIGITS - 1 - i)) & 15u) == 0 ? run + 1 : 0;
        if (run > *length) {
            *length = run;
            best = i + 1 - run;
        }
    }
    return best;
}

size_t mm1_addr_print(mm1_addr addr, char out[MM1_ADDR_TEXT_MAX])
{
    unsigned skip_length;
    unsigned skip = zero_run(addr.bits, &skip_length);
    size_t size = 0;
    out[size++] = '<';
    for (unsigned i = 0; i < DIGITS; i++) {
        if (skip_length >= 2 && i == skip) {
            out[size++] = ':';
            i += skip_length - 1;
            continue;
        }
        out[size++] = "0123456789abcdef"[addr.bits >> (4 * (DIGITS - 1 - i)) & 15u];
    }
    out[size++] = '>';
    out[size] = 0;
    return size;
}

size_t mm1_net_print(struct mm1_net net, char out[MM1_NET_TEXT_MAX])
{
    size_t size = mm1_addr_print(net.addr, out);
    out[size++] = '/';
    if (net.mask >= 100) {
        out[size++] = (char)('0' + net.mask / 100);
    }
    if (net.mask >= 10) {
        out[size++] = (char)('0' + net.mask / 10 % 10);
    }
    out[size++] = (char)('0' + net.mask % 10);
    out[size] = 0;
    return size;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

mm1_status mm1_addr_parse(struct mm1_text text, mm1_addr *out)
{
    if (text.size < 2 || text.size > DIGITS + 2 || text.data[0] != '<' ||
        text.data[text.size - 1] != '>') {
        return MM1_MALFORMED;
    }
    size_t inner = text.size - 2;
    uint64_t bits = 0;
    bool colon = false;
    for (size_t i = 1; i <= inner; i++) {
        if (text.data[i] == ':') {
            if (colon) {
                return MM1_MALFORMED;
            }
            colon = true;
            /* The colon stands for as many zeros as are missing, all 16 at most. */
            size_t zeros = DIGITS - inner + 1;
            bits = zeros == DIGITS ? 0 : bits << (4 * zeros);
            continue;
        }
        int digit = hex_digit(text.data[i]);
        if (digit < 0) {
            return MM1_MALFORMED;
        }
        bits = bits << 4 | (uint64_t)digit;
    }
    out->bits = bits;
    return MM1_OK;
}

/* A decimal number of 0 to 64; a plus and leading zeros are allowed. */
static mm1_status parse_mask(struct mm1_text text, uint8_t *out)
{
    size_t at = text.size > 0 && text.data[0] == '+' ? 1 : 0;
    if (at == text.size) {
        return MM1_MALFORMED;
    }
    unsigned mask = 0;
    for (; at < text.size; at++) {
        if (text.data[at] < '0' || text.data[at] > '9') {
            return MM1_MALFORMED;
        }
        mask = mask * 10 + (unsigned)(text.data[at] - '0');
        if (mask > 64) {
            return MM1_MALFORMED;
        }
    }
    *out = (uint8_t)mask;
    return MM1_OK;
}

mm1_status mm1_net_parse(struct mm1_text text, struct mm1_net *out)
{
    const char *slash = text.size == 0 ? NULL : memchr(text.data, '/', text.size);
    if (slash == NULL) {
        return MM1_MALFORMED;
    }
    size_t left = (size_t)(slash - text.data);
    struct mm1_net net = {.mask = 0};
    MM1_TRY(mm1_addr_parse((struct mm1_text){text.data, left}, &net.addr));
    MM1_TRY(parse_mask((struct mm1_text){slash + 1, text.size - left - 1}, &net.mask));
    *out = net;
    return MM1_OK;
}
