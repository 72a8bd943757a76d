/* Actor addresses and subnets (mm1 statements ADDR-01 to ADDR-07, ADDR-11, ADDR-12). */
#ifndef MM1_ADDR_H
#define MM1_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/bytes.h>
#include <mm1/status.h>

/* An actor's address: 64 opaque bits. 0 is legal; an address says nothing about whether anybody is there. */
typedef struct mm1_addr {
    uint64_t bits;
} mm1_addr;

/* A subnet: an address and the number of leading bits that are fixed, 0 to 64. Host bits are kept as written. */
struct mm1_net {
    mm1_addr addr;
    uint8_t mask;
};

#define MM1_ADDR(bits_) ((mm1_addr){.bits = (bits_)})

/* Well-known addresses, bound on each node by the actors of that name (ADDR-11). */
#define MM1_ADDR_NAME_SERVICE MM1_ADDR(0xffffffffffff0001u)
#define MM1_ADDR_MULTINODE_MANAGER MM1_ADDR(0xffffffffffff0002u)

/* Where they lie; on every node, and routed to no other. */
#define MM1_NET_WELL_KNOWN ((struct mm1_net){.addr = {0xffffffffffff0000u}, .mask = 48})

/* Default local subnets (ADDR-12): <fff8:>/13 for actors, <fff0:>/13 for bind. */
#define MM1_NET_DEFAULT_AUTO ((struct mm1_net){.addr = {0xfff8000000000000u}, .mask = 13})
#define MM1_NET_DEFAULT_BIND ((struct mm1_net){.addr = {0xfff0000000000000u}, .mask = 13})

#define MM1_ADDR_TEXT_MAX 20 /* "<", 16 digits, ">", NUL, and one spare */
#define MM1_NET_TEXT_MAX 24

static inline bool mm1_addr_equal(mm1_addr a, mm1_addr b)
{
    return a.bits == b.bits;
}

/* The bits that a mask of 0 to 64 leading bits fixes. */
static inline uint64_t mm1_mask_bits(uint8_t mask)
{
    return mask == 0 ? 0 : ~(uint64_t)0 << (64 - mask);
}

/* First and last address of a subnet. (mm1's AddressRange keeps the low end as written, ADDR-07; here it is masked.) */
static inline mm1_addr mm1_net_first(struct mm1_net net)
{
    return MM1_ADDR(net.addr.bits & mm1_mask_bits(net.mask));
}
static inline mm1_addr mm1_net_last(struct mm1_net net)
{
    return MM1_ADDR(net.addr.bits | ~mm1_mask_bits(net.mask));
}
static inline bool mm1_net_contains(struct mm1_net net, mm1_addr addr)
{
    return ((net.addr.bits ^ addr.bits) & mm1_mask_bits(net.mask)) == 0;
}
static inline bool mm1_net_overlaps(struct mm1_net a, struct mm1_net b)
{
    uint8_t mask = a.mask < b.mask ? a.mask : b.mask;
    return ((a.addr.bits ^ b.addr.bits) & mm1_mask_bits(mask)) == 0;
}

/* Prints as ADDR-02, with a NUL; returns the length without it. */
MM1_API size_t mm1_addr_print(mm1_addr addr, char out[MM1_ADDR_TEXT_MAX]);
/* Prints as ADDR-05, with a NUL; returns the length without it. */
MM1_API size_t mm1_net_print(struct mm1_net net, char out[MM1_NET_TEXT_MAX]);
/* Parses ADDR-03. MM1_MALFORMED leaves `*out` as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_addr_parse(struct mm1_text text, mm1_addr *out);
/* Parses ADDR-04 and ADDR-05. MM1_MALFORMED leaves `*out` as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_net_parse(struct mm1_text text, struct mm1_net *out);

#endif
