/* Texts of addresses and subnets: the examples and the errors of ADDR-02 to ADDR-05, and both ways at random. */
#include <stdlib.h>

#include <mm1/addr.h>

#include "base/prng.h"
#include "mm1_test.h"

static void both_ways(uint64_t bits, const char *text)
{
    char out[MM1_ADDR_TEXT_MAX];
    cr_assert_eq(mm1_addr_print(MM1_ADDR(bits), out), strlen(text));
    cr_assert_str_eq(out, text);
    mm1_addr addr = MM1_ADDR(~bits);
    cr_assert_eq(mm1_addr_parse(mm1_text_of(text), &addr), MM1_OK, "%s", text);
    cr_assert_eq(addr.bits, bits, "%s", text);
}

static void reads_as(const char *text, uint64_t bits)
{
    mm1_addr addr = MM1_ADDR(~bits);
    cr_assert_eq(mm1_addr_parse(mm1_text_of(text), &addr), MM1_OK, "%s", text);
    cr_assert_eq(addr.bits, bits, "%s", text);
}

static void is_no_address(const char *text)
{
    mm1_addr addr = MM1_ADDR(42);
    cr_assert_eq(mm1_addr_parse(mm1_text_of(text), &addr), MM1_MALFORMED, "%s", text);
    cr_assert_eq(addr.bits, 42);
}

Test(addr, prints_and_parses)
{
    both_ways(0, "<:>");
    both_ways(1, "<:1>");
    both_ways(0xffff000000000001u, "<ffff:1>");
    both_ways(0xff00000000000000u, "<ff:>");
    both_ways(0xfff0000000001000u, "<fff:1000>");
    both_ways(0x0000000100000000u, "<00000001:>");
    both_ways(0xf0f0f0f0f0f0f0f0u, "<f0f0f0f0f0f0f0f0>");
    both_ways(0xff0000ff0000ff00u, "<ff:ff0000ff00>");
    both_ways(0x123456789abcdef0u, "<123456789abcdef0>");
    both_ways(UINT64_MAX, "<ffffffffffffffff>");
    both_ways(0x1001000000000001u, "<1001:1>");
    both_ways(0x0012345678901234u, "<:12345678901234>");
    both_ways(MM1_ADDR_NAME_SERVICE.bits, "<ffffffffffff:1>");
}

Test(addr, parses_what_it_would_print_otherwise)
{
    reads_as("<1>", 1);
    reads_as("<>", 0);
    reads_as("<0>", 0);
    reads_as("<1:>", 0x1000000000000000u);
    reads_as("<ABCDEF>", 0xabcdef);
    reads_as("<fFfF:1>", 0xffff000000000001u);
    reads_as("<0000000000000001>", 1);
    reads_as("<00000000:0000001>", 1);
    reads_as("<12345678:2345678>", 0x1234567802345678u);
    reads_as("<:0>", 0);
}

Test(addr, refuses_the_rest)
{
    const char *texts[] = {"",
                           "<",
                           ">",
                           "<1",
                           "1>",
                           "1",
                           "<12345678901234567>",
                           "<::>",
                           "<1::2>",
                           "<1:2:3>",
                           "<g>",
                           "< 1>",
                           "<1 >",
                           " <1>",
                           "<1> ",
                           "<0x1>",
                           "<-1>",
                           "<+1>",
                           "<12345678:12345678>",
                           "<<1>>",
                           "<1>2",
                           "<\xc3\xa4>"};
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        is_no_address(texts[i]);
    }
    mm1_addr addr = MM1_ADDR(42);
    cr_assert_eq(mm1_addr_parse((struct mm1_text){"<\0>", 3}, &addr), MM1_MALFORMED);
    cr_assert_eq(mm1_addr_parse((struct mm1_text){NULL, 0}, &addr), MM1_MALFORMED);
    /* The view ends where it says, not where the string does. */
    cr_assert_eq(mm1_addr_parse((struct mm1_text){"<12>", 3}, &addr), MM1_MALFORMED);
    cr_assert_eq(mm1_addr_parse((struct mm1_text){"<1>2>", 3}, &addr), MM1_OK);
    cr_assert_eq(addr.bits, 1);
}

Test(addr, random_addresses_come_back)
{
    for (uint64_t i = 0; i < 20000; i++) {
        /* Digits are cleared at random, so that runs of zeros are common. */
        uint64_t bits = mm1_prng_word(1, 0, i, 0);
        uint64_t mask = mm1_prng_word(2, 0, i, 0) | mm1_prng_word(3, 0, i, 0) << (i % 64);
        for (unsigned digit = 0; digit < 16; digit++) {
            if ((mask >> (digit * 2) & 3) != 0) {
                bits &= ~((uint64_t)15 << (4 * digit));
            }
        }
        char out[MM1_ADDR_TEXT_MAX];
        mm1_addr addr;
        size_t size = mm1_addr_print(MM1_ADDR(bits), out);
        cr_assert_lt(size, MM1_ADDR_TEXT_MAX);
        cr_assert_eq(strlen(out), size);
        cr_assert_eq(mm1_addr_parse(mm1_text_of(out), &addr), MM1_OK, "%s", out);
        cr_assert_eq(addr.bits, bits, "%s", out);
    }
}

static void net_reads_as(const char *text, uint64_t bits, uint8_t mask)
{
    struct mm1_net net = {.mask = 99};
    cr_assert_eq(mm1_net_parse(mm1_text_of(text), &net), MM1_OK, "%s", text);
    cr_assert_eq(net.addr.bits, bits, "%s", text);
    cr_assert_eq(net.mask, mask, "%s", text);
}

static void net_prints(uint64_t bits, uint8_t mask, const char *text)
{
    char out[MM1_NET_TEXT_MAX];
    struct mm1_net net = {.addr = {bits}, .mask = mask};
    cr_assert_eq(mm1_net_print(net, out), strlen(text));
    cr_assert_str_eq(out, text);
}

Test(net, prints_and_parses)
{
    net_reads_as("<aa0:>/16", 0xaa00000000000000u, 16);
    net_prints(0xaa00000000000000u, 16, "<aa:>/16");
    net_reads_as("<aa1:>/16", 0xaa10000000000000u, 16);
    net_prints(0xaa10000000000000u, 16, "<aa1:>/16");
    net_reads_as("<aa:1>/16", 0xaa00000000000001u, 16);
    net_prints(0xaa00000000000001u, 16, "<aa:1>/16");
    net_reads_as("<:>/0", 0, 0);
    net_reads_as("<:>/64", 0, 64);
    net_reads_as("<:>/+8", 0, 8);
    net_reads_as("<:>/016", 0, 16);
    net_reads_as("<:>/+0000064", 0, 64);
    net_prints(0xfff8000000000000u, 13, "<fff8:>/13");
    net_prints(UINT64_MAX, 64, "<ffffffffffffffff>/64");
    net_prints(0x123456789abcdef0u, 255, "<123456789abcdef0>/255");
    net_prints(0, 5, "<:>/5");
}

Test(net, refuses_the_rest)
{
    const char *texts[] = {"",
                           "/",
                           "<:>",
                           "<:>/",
                           "<:>/-1",
                           "<:>/ 8",
                           "<:>/8 ",
                           "<:>/65",
                           "<:>/255",
                           "<:>/256",
                           "<:>/9999999999999999999999",
                           "<:>/+",
                           "<:>/++8",
                           "<:>/8/8",
                           "<:>//8",
                           "<:>/0x8",
                           "<::>/8",
                           ":/8",
                           "<:> /8",
                           "<:>/8a"};
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        struct mm1_net net = {.addr = {7}, .mask = 9};
        cr_assert_eq(mm1_net_parse(mm1_text_of(texts[i]), &net), MM1_MALFORMED, "%s", texts[i]);
        cr_assert_eq(net.addr.bits, 7);
        cr_assert_eq(net.mask, 9);
    }
}

Test(net, ranges)
{
    struct mm1_net net = {.addr = {0xaa00000000000001u}, .mask = 16};
    cr_assert_eq(mm1_net_first(net).bits, 0xaa00000000000000u);
    cr_assert_eq(mm1_net_last(net).bits, 0xaa00ffffffffffffu);
    cr_assert(mm1_net_contains(net, MM1_ADDR(0xaa00ffffffffffffu)));
    cr_assert(!mm1_net_contains(net, MM1_ADDR(0xaa01000000000000u)));
    cr_assert(mm1_net_overlaps(net, (struct mm1_net){.addr = {0}, .mask = 0}));
    cr_assert(!mm1_net_overlaps(net, (struct mm1_net){.addr = {0xaa01000000000000u}, .mask = 16}));
    cr_assert(mm1_net_overlaps(net, (struct mm1_net){.addr = {0xaa00000000000005u}, .mask = 64}));
    cr_assert_eq(mm1_mask_bits(0), 0);
    cr_assert_eq(mm1_mask_bits(64), UINT64_MAX);
    cr_assert_eq(mm1_mask_bits(1), (uint64_t)1 << 63);
}
