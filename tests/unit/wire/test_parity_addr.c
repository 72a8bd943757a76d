/* Facts of addresses, masks and subnets that mm1's statements and its tests name: ADDR-01, ADDR-04 to ADDR-07, ADDR-11,
 * ADDR-12. */
#include <stdio.h>

#include <mm1/addr.h>
#include <mm1/msg.h>

#include "mm1_test.h"

#define HOLDER_FIELDS(F) F(net, net)
MM1_MSG_DECLARE(holder, HOLDER_FIELDS)
MM1_MSG_DEFINE(holder, "test::Holder", HOLDER_FIELDS)

Test(parity_addr, well_known_and_default_subnets)
{
    cr_assert_eq(MM1_ADDR_NAME_SERVICE.bits, UINT64_C(0xffffffffffff0001));
    cr_assert_eq(MM1_ADDR_MULTINODE_MANAGER.bits, UINT64_C(0xffffffffffff0002));
    cr_assert(mm1_net_contains(MM1_NET_WELL_KNOWN, MM1_ADDR_NAME_SERVICE));
    cr_assert(mm1_net_contains(MM1_NET_WELL_KNOWN, MM1_ADDR_MULTINODE_MANAGER));
    cr_assert_eq(mm1_net_first(MM1_NET_WELL_KNOWN).bits, UINT64_C(0xffffffffffff0000));
    cr_assert_eq(mm1_net_last(MM1_NET_WELL_KNOWN).bits, UINT64_MAX);
    char text[MM1_NET_TEXT_MAX];
    (void)mm1_net_print(MM1_NET_DEFAULT_AUTO, text);
    cr_assert_str_eq(text, "<fff8:>/13");
    (void)mm1_net_print(MM1_NET_DEFAULT_BIND, text);
    cr_assert_str_eq(text, "<fff:>/13");
    cr_assert_not(mm1_net_overlaps(MM1_NET_DEFAULT_AUTO, MM1_NET_DEFAULT_BIND));
}

/* Equality is of the value alone, and 0 is a value like others. */
Test(parity_addr, zero_is_an_address)
{
    mm1_addr addr = MM1_ADDR(1);
    cr_assert_eq(mm1_addr_parse(MM1_TEXT("<:>"), &addr), MM1_OK);
    cr_assert(mm1_addr_equal(addr, MM1_ADDR(0)));
    cr_assert_not(mm1_addr_equal(addr, MM1_ADDR(1)));
}

/* Each digit stands at its place, the most significant first. */
Test(parity_addr, sixteen_digits)
{
    for (unsigned digit = 0; digit < 16; digit++) {
        char text[MM1_ADDR_TEXT_MAX];
        uint64_t bits = UINT64_C(0x1111111111111111) + (UINT64_C(0xe) << (4 * digit));
        cr_assert_eq(mm1_addr_print(MM1_ADDR(bits), text), 18);
        for (unsigned i = 0; i < 16; i++) {
            cr_assert_eq(text[1 + i], i == 15 - digit ? 'f' : '1');
        }
    }
}

static mm1_status parse_mask(unsigned mask, struct mm1_net *net)
{
    char text[MM1_NET_TEXT_MAX];
    (void)snprintf(text, sizeof(text), "<:>/%u", mask);
    return mm1_net_parse(mm1_text_of(text), net);
}

Test(parity_addr, masks_are_0_to_64)
{
    struct mm1_net net;
    for (unsigned mask = 0; mask <= 64; mask++) {
        cr_assert_eq(parse_mask(mask, &net), MM1_OK, "%u", mask);
        cr_assert_eq(net.mask, mask);
        uint64_t bits = 0;
        for (unsigned i = 0; i < mask; i++) {
            bits |= UINT64_C(1) << (63 - i);
        }
        cr_assert_eq(mm1_mask_bits((uint8_t)mask), bits, "%u", mask);
        char text[MM1_NET_TEXT_MAX];
        char expected[MM1_NET_TEXT_MAX];
        (void)mm1_net_print(net, text);
        (void)snprintf(expected, sizeof(expected), "<:>/%u", mask);
        cr_assert_str_eq(text, expected);
    }
    for (unsigned mask = 65; mask <= 300; mask++) {
        cr_assert_eq(parse_mask(mask, &net), MM1_MALFORMED, "%u", mask);
    }
}

/* ADDR-07: two ranges are apart, or they overlap and count as one place. */
Test(parity_addr, ranges_are_apart_or_overlap)
{
    struct mm1_net low = {.addr = {0x1000}, .mask = 60};
    struct mm1_net next = {.addr = {0x1010}, .mask = 60};
    struct mm1_net around = {.addr = {0x1000}, .mask = 56};
    struct mm1_net last = {.addr = {0x100f}, .mask = 64};
    cr_assert(!mm1_net_overlaps(low, next) && !mm1_net_overlaps(next, low));
    cr_assert_lt(mm1_net_last(low).bits, mm1_net_first(next).bits);
    cr_assert(mm1_net_overlaps(low, around) && mm1_net_overlaps(around, next));
    cr_assert(mm1_net_overlaps(last, low) && !mm1_net_overlaps(last, next));
    cr_assert(mm1_net_contains(low, MM1_ADDR(0x100f)) && !mm1_net_contains(low, MM1_ADDR(0x1010)));
}

/* ADDR-06: [uint, u8] on the wire; a mask beyond 64 is refused there too. */
Test(parity_addr, a_mask_out_of_range_is_not_decoded)
{
    uint8_t body[] = {0x91, 0x92, 0x00, 0xcc, 0};
    const uint8_t masks[] = {0, 13, 64, 65, 200, 255};
    for (size_t i = 0; i < MM1_COUNT_OF(masks); i++) {
        size_t size;
        body[4] = masks[i];
        mm1_status status = mm1_msg_decoded_size(
            &holder_type, (struct mm1_bytes){.data = body, .size = sizeof(body)}, NULL, &size);
        cr_assert_eq(status, masks[i] <= 64 ? MM1_OK : MM1_MALFORMED, "%u", masks[i]);
    }
}
