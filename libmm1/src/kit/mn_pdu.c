/* Encoding and decoding of the multi-node frames. */
#include <string.h>

#include "kit/mn_pdu.h"

static const uint8_t MAGIC[4] = {'M', 'M', '1', '!'};

#define VARINT_RAW_MAX 250u /* greater values have a first byte that says how wide they are */
#define VARINT_U16 0xfbu
#define VARINT_U32 0xfcu
#define VARINT_U64 0xfdu

/* --- writing: the caller's frame has room for the widest value of every field ----------------------------------- */

struct writer {
    uint8_t *at;
};

static void put_u8(struct writer *w, uint8_t value)
{
    *w->at++ = value;
}

static void put_le(struct writer *w, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++) {
        put_u8(w, (uint8_t)(value >> (8 * i)));
    }
}

static void put_varint(struct writer *w, uint64_t value)
{
    if (value <= VARINT_RAW_MAX) {
        put_u8(w, (uint8_t)value);
    } else if (value <= UINT16_MAX) {
        put_u8(w, VARINT_U16);
        put_le(w, value, 2);
    } else if (value <= UINT32_MAX) {
        put_u8(w, VARINT_U32);
        put_le(w, value, 4);
    } else {
        put_u8(w, VARINT_U64);
        put_le(w, value, 8);
    }
}

static void put_key(struct writer *w, struct mm1_mn_key key)
{
    put_varint(w, key.idx);
    put_varint(w, key.version);
}

void mm1__mn_encode(const struct mm1_mn_pdu *pdu, uint8_t out[MM1_MN_HEADER])
{
    memset(out, 0, MM1_MN_HEADER);
    struct writer w = {.at = out};
    put_varint(&w, pdu->tag);
    switch (pdu->tag) {
    case MM1_MN_HELLO:
        memcpy(w.at, MAGIC, sizeof(MAGIC));
        w.at += sizeof(MAGIC);
        put_varint(&w, pdu->hello.auth);
        break;
    case MM1_MN_KEEP_ALIVE:
        break;
    case MM1_MN_SUBNET_DISTANCE:
        put_varint(&w, pdu->distance.net.addr.bits);
        put_u8(&w, pdu->distance.net.mask);
        put_key(&w, pdu->key);
        put_u8(&w, pdu->distance.some);
        if (pdu->distance.some) {
            put_u8(&w, pdu->distance.metric);
        }
        break;
    case MM1_MN_DECLARE_TYPE:
        put_key(&w, pdu->key);
        put_varint(&w, pdu->declare.size);
        break;
    case MM1_MN_TRANSMIT:
        put_varint(&w, pdu->transmit.dst.bits);
        put_key(&w, pdu->key);
        put_varint(&w, pdu->transmit.trace_id);
        put_varint(&w, pdu->transmit.no);
        put_varint(&w, pdu->transmit.size);
        put_u8(&w, pdu->transmit.ttl);
        put_u8(&w, pdu->transmit.priority);
        break;
    }
    MM1_CHECK(w.at <= out + MM1_MN_HEADER);
}

void mm1__mn_negotiation_encode(const struct mm1_mn_negotiation *frame,
                                uint8_t out[MM1_MN_NEGOTIATION])
{
    memset(out, 0, MM1_MN_NEGOTIATION);
    struct writer w = {.at = out};
    put_varint(&w, frame->tag);
    if (frame->tag == MM1_MN_NEG_COOKIE) {
        put_varint(&w, frame->size);
    }
}

/* --- reading: the first mistake stays in `why`, and all that is read after it is 0 ------------------------------ */

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    const char *why; /* null: all well so far */
};

static void fail(struct reader *r, const char *why)
{
    if (r->why == NULL) {
        r->why = why;
    }
}

static uint8_t get_u8(struct reader *r)
{
    if (r->why != NULL || r->at == r->end) {
        fail(r, "a header that is longer than its frame");
        return 0;
    }
    return *r->at++;
}

static uint64_t get_le(struct reader *r, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint64_t)get_u8(r) << (8 * i);
    }
    return value;
}

/* A varint of a field of `width` bytes; one that is wider than needed is accepted as far as the field goes. */
static uint64_t get_varint(struct reader *r, unsigned width)
{
    uint8_t first = get_u8(r);
    if (first <= VARINT_RAW_MAX) {
        return first;
    }
    unsigned size = first > VARINT_U64 ? 16 : 2u << (first - VARINT_U16);
    if (size > width) {
        fail(r, "a varint that is wider than its field");
        return 0;
    }
    return get_le(r, size);
}

static bool get_bool(struct reader *r)
{
    uint8_t value = get_u8(r);
    if (value > 1) {
        fail(r, "a flag that is neither 0 nor 1");
    }
    return value == 1;
}

static struct mm1_mn_key get_key(struct reader *r)
{
    struct mm1_mn_key key;
    key.idx = (uint32_t)get_varint(r, 4);
    key.version = (uint32_t)get_varint(r, 4) | 1u;
    if (key.idx == UINT32_MAX) {
        fail(r, "the null key");
    }
    return key;
}

static void get_hello(struct reader *r, struct mm1_mn_pdu *out)
{
    r->end = r->at + MM1_MN_HELLO_DATA;
    for (size_t i = 0; i < sizeof(MAGIC); i++) {
        if (get_u8(r) != MAGIC[i]) {
            fail(r, "a hello without its magic");
        }
    }
    uint64_t auth = get_varint(r, 4);
    if (auth > MM1_MN_SHARED_SECRET) {
        fail(r, "a hello with an unknown capability");
        return;
    }
    out->hello.auth = (enum mm1_mn_auth)auth;
    while (r->why == NULL && r->at < r->end) {
        if (get_u8(r) != 0) {
            fail(r, "stray data in a hello");
        }
    }
}

static void get_distance(struct reader *r, struct mm1_mn_pdu *out)
{
    out->distance.net.addr = MM1_ADDR(get_varint(r, 8));
    out->distance.net.mask = get_u8(r);
    if (out->distance.net.mask > 64) {
        fail(r, "a subnet mask above 64");
    }
    out->key = get_key(r);
    out->distance.some = get_bool(r);
    out->distance.metric = out->distance.some ? get_u8(r) : 0;
}

static void get_transmit(struct reader *r, struct mm1_mn_pdu *out)
{
    out->transmit.dst = MM1_ADDR(get_varint(r, 8));
    out->key = get_key(r);
    out->transmit.trace_id = get_varint(r, 8);
    out->transmit.no = get_varint(r, 8);
    out->transmit.size = (uint16_t)get_varint(r, 2);
    out->transmit.ttl = get_u8(r);
    out->transmit.priority = get_bool(r);
}

mm1_status mm1__mn_decode(const uint8_t in[MM1_MN_HEADER], struct mm1_mn_pdu *out, const char **why)
{
    struct reader r = {.at = in, .end = in + MM1_MN_HEADER};
    *out = (struct mm1_mn_pdu){0};
    uint64_t tag = get_varint(&r, 4);
    if (tag > MM1_MN_TRANSMIT) {
        fail(&r, "an unknown tag");
    }
    if (r.why == NULL) {
        out->tag = (enum mm1_mn_tag)tag;
        switch (out->tag) {
        case MM1_MN_HELLO:
            get_hello(&r, out);
            break;
        case MM1_MN_KEEP_ALIVE:
            break;
        case MM1_MN_SUBNET_DISTANCE:
            get_distance(&r, out);
            break;
        case MM1_MN_DECLARE_TYPE:
            out->key = get_key(&r);
            out->declare.size = (uint16_t)get_varint(&r, 2);
            break;
        case MM1_MN_TRANSMIT:
            get_transmit(&r, out);
            break;
        }
    }
    if (why != NULL) {
        *why = r.why;
    }
    return r.why == NULL ? MM1_OK : MM1_MALFORMED;
}

mm1_status mm1__mn_negotiation_decode(const uint8_t in[MM1_MN_NEGOTIATION],
                                      struct mm1_mn_negotiation *out, const char **why)
{
    struct reader r = {.at = in, .end = in + MM1_MN_NEGOTIATION};
    *out = (struct mm1_mn_negotiation){0};
    uint64_t tag = get_varint(&r, 4);
    if (tag > MM1_MN_NEG_DONE) {
        fail(&r, "an unknown negotiation tag");
    }
    if (r.why == NULL) {
        out->tag = (enum mm1_mn_negotiation_tag)tag;
        out->size = tag == MM1_MN_NEG_COOKIE ? (uint16_t)get_varint(&r, 2) : 0;
    }
    if (why != NULL) {
        *why = r.why;
    }
    return r.why == NULL ? MM1_OK : MM1_MALFORMED;
}

size_t mm1__mn_body_size(const struct mm1_mn_pdu *pdu)
{
    switch (pdu->tag) {
    case MM1_MN_DECLARE_TYPE:
        return pdu->declare.size;
    case MM1_MN_TRANSMIT:
        return pdu->transmit.size;
    default:
        return 0;
    }
}
