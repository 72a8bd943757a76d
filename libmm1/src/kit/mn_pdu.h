/* The frames of multi-node messaging (mm1-spec H2, H3): headers of 48 bytes and negotiation frames of 16, zero padded,
 * fields as varints. Pure.
 *
 * Strict in what is read: a wrong tag, a varint wider than its field (0xFD in a field of 32 bits), a bool or an option
 * tag that is neither 0 nor 1, a mask above 64, a null key are MM1_MALFORMED. Padding is ignored, except in Hello. */
#ifndef MM1_KIT_MN_PDU_H
#define MM1_KIT_MN_PDU_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/addr.h>
#include <mm1/status.h>

#define MM1_MN_HEADER 48u
#define MM1_MN_NEGOTIATION 16u
#define MM1_MN_HELLO_DATA 30u   /* bytes after the tag of Hello */
#define MM1_MN_BODY_MAX 65535u  /* of a message, of a name and of a cookie */
#define MM1_MN_UNREACHABLE 255u /* a metric that stands for no route */

enum mm1_mn_tag {
    MM1_MN_HELLO,
    MM1_MN_KEEP_ALIVE,
    MM1_MN_SUBNET_DISTANCE,
    MM1_MN_DECLARE_TYPE,
    MM1_MN_TRANSMIT,
};

/* How a connection is authenticated; both sides must say the same. */
enum mm1_mn_auth {
    MM1_MN_TRUSTED,
    MM1_MN_COOKIE,
    MM1_MN_SHARED_SECRET, /* known on the wire, not served */
};

/* Names a type in one direction of one connection. The version is odd, idx is not 0xFFFFFFFF. */
struct mm1_mn_key {
    uint32_t idx;
    uint32_t version;
};

struct mm1_mn_pdu {
    enum mm1_mn_tag tag;
    struct mm1_mn_key key; /* of SUBNET_DISTANCE, DECLARE_TYPE, TRANSMIT */
    union {
        struct {
            enum mm1_mn_auth auth;
        } hello;
        struct {
            struct mm1_net net;
            bool some; /* false: withdrawn */
            uint8_t metric;
        } distance;
        struct {
            uint16_t size; /* of the name that follows */
        } declare;
        struct {
            mm1_addr dst;
            uint64_t trace_id;
            uint64_t no;
            uint16_t size; /* of the body that follows */
            uint8_t ttl;
            bool priority;
        } transmit;
    };
};

enum mm1_mn_negotiation_tag { MM1_MN_NEG_COOKIE, MM1_MN_NEG_DONE };

struct mm1_mn_negotiation {
    enum mm1_mn_negotiation_tag tag;
    uint16_t size; /* of the cookie that follows */
};

/* Writes a whole header; every value of the struct fits. */
void mm1__mn_encode(const struct mm1_mn_pdu *pdu, uint8_t out[MM1_MN_HEADER]);
/* MM1_OK or MM1_MALFORMED. `*why`, when not null, becomes a static text that says what is wrong, or null. */
MM1_NODISCARD mm1_status mm1__mn_decode(const uint8_t in[MM1_MN_HEADER], struct mm1_mn_pdu *out,
                                        const char **why);
void mm1__mn_negotiation_encode(const struct mm1_mn_negotiation *frame,
                                uint8_t out[MM1_MN_NEGOTIATION]);
MM1_NODISCARD mm1_status mm1__mn_negotiation_decode(const uint8_t in[MM1_MN_NEGOTIATION],
                                                    struct mm1_mn_negotiation *out,
                                                    const char **why);
/* How many bytes follow the header. */
size_t mm1__mn_body_size(const struct mm1_mn_pdu *pdu);

#endif
