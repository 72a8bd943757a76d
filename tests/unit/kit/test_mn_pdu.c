/* The frames of multi-node messaging, byte by byte, against the worked examples of mm1-spec H2 to H4 and H8. */
#include <stdio.h>
#include <string.h>

#include "kit/mn_pdu.h"
#include "mm1_test.h"

/* Reads "04 fd 01" into a frame of zeros; returns how many bytes there were. */
static size_t hex(const char *text, uint8_t *out, size_t size)
{
    memset(out, 0, size);
    size_t count = 0;
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == ' ') {
            continue;
        }
        static const char digits[] = "0123456789abcdef";
        cr_assert_lt(count, size);
        const char *high = strchr(digits, at[0]);
        const char *low = strchr(digits, at[1]);
        cr_assert(high != NULL && low != NULL && at[1] != '\0');
        out[count++] = (uint8_t)((high - digits) << 4 | (low - digits));
        at++;
    }
    return count;
}

static struct mm1_mn_pdu decoded(const char *text)
{
    uint8_t frame[MM1_MN_HEADER];
    hex(text, frame, sizeof(frame));
    struct mm1_mn_pdu pdu;
    const char *why = "unset";
    cr_assert_eq(mm1__mn_decode(frame, &pdu, &why), MM1_OK, "%s", why);
    cr_assert_null(why);
    return pdu;
}

static void refused(const char *text, const char *expected)
{
    uint8_t frame[MM1_MN_HEADER];
    hex(text, frame, sizeof(frame));
    struct mm1_mn_pdu pdu;
    const char *why = NULL;
    cr_assert_eq(mm1__mn_decode(frame, &pdu, &why), MM1_MALFORMED, "%s", text);
    cr_assert_str_eq(why, expected);
    cr_assert_eq(mm1__mn_decode(frame, &pdu, NULL), MM1_MALFORMED);
}

static void encodes(const struct mm1_mn_pdu *pdu, const char *text)
{
    uint8_t expected[MM1_MN_HEADER];
    hex(text, expected, sizeof(expected));
    uint8_t frame[MM1_MN_HEADER];
    memset(frame, 0xee, sizeof(frame));
    mm1__mn_encode(pdu, frame);
    cr_assert_arr_eq(frame, expected, sizeof(frame), "%s", text);
}

Test(mn_pdu, hello)
{
    struct mm1_mn_pdu pdu = {.tag = MM1_MN_HELLO, .hello = {.auth = MM1_MN_TRUSTED}};
    encodes(&pdu, "00 4d 4d 31 21 00");
    cr_assert_eq(decoded("00 4d 4d 31 21 00").hello.auth, MM1_MN_TRUSTED);
    pdu.hello.auth = MM1_MN_COOKIE;
    encodes(&pdu, "00 4d 4d 31 21 01");
    cr_assert_eq(decoded("00 4d 4d 31 21 01").hello.auth, MM1_MN_COOKIE);
    cr_assert_eq(decoded("00 4d 4d 31 21 02").hello.auth, MM1_MN_SHARED_SECRET);
    refused("00 4d 4d 31 21 03", "a hello with an unknown capability");
    refused("00 4d 4d 31 22 00", "a hello without its magic");
    refused("00 00 4d 31 21 00", "a hello without its magic");
    refused("00 4d 4d 31 21 00 01", "stray data in a hello");
}

Test(mn_pdu, only_the_data_of_a_hello_must_be_zero)
{
    uint8_t frame[MM1_MN_HEADER];
    for (size_t i = 6; i < MM1_MN_HEADER; i++) {
        hex("00 4d 4d 31 21 00", frame, sizeof(frame));
        frame[i] = 1;
        struct mm1_mn_pdu pdu;
        bool stray = i < 1 + MM1_MN_HELLO_DATA;
        cr_assert_eq(mm1__mn_decode(frame, &pdu, NULL), stray ? MM1_MALFORMED : MM1_OK, "byte %zu",
                     i);
    }
}

Test(mn_pdu, keep_alive)
{
    struct mm1_mn_pdu pdu = {.tag = MM1_MN_KEEP_ALIVE};
    encodes(&pdu, "01");
    cr_assert_eq(decoded("01").tag, MM1_MN_KEEP_ALIVE);
    cr_assert_eq(decoded("01 ff ff ff").tag, MM1_MN_KEEP_ALIVE, "padding is ignored");
}

Test(mn_pdu, declarations_of_the_captured_session)
{
    struct mm1_mn_pdu pdu = {
        .tag = MM1_MN_DECLARE_TYPE, .key = {.idx = 1, .version = 1}, .declare = {.size = 13}};
    encodes(&pdu, "03 01 01 0d");
    pdu = (struct mm1_mn_pdu){
        .tag = MM1_MN_DECLARE_TYPE, .key = {.idx = 3, .version = 1}, .declare = {.size = 37}};
    encodes(&pdu, "03 03 01 25");
    pdu = decoded("03 03 01 25");
    cr_assert_eq(pdu.tag, MM1_MN_DECLARE_TYPE);
    cr_assert_eq(pdu.key.idx, 3);
    cr_assert_eq(pdu.key.version, 1);
    cr_assert_eq(pdu.declare.size, 37);
    cr_assert_eq(mm1__mn_body_size(&pdu), 37);
}

Test(mn_pdu, distances_of_the_captured_session)
{
    struct mm1_mn_pdu pdu = {
        .tag = MM1_MN_SUBNET_DISTANCE,
        .key = {.idx = 1, .version = 1},
        .distance = {.net = {.addr = {0xaa20000000000000}, .mask = 16}, .some = true, .metric = 0},
    };
    encodes(&pdu, "02 fd 00 00 00 00 00 00 20 aa 10 01 01 01 00");
    pdu.distance.net.addr = MM1_ADDR(0xaa30000000000000);
    encodes(&pdu, "02 fd 00 00 00 00 00 00 30 aa 10 01 01 01 00");
    pdu.distance.some = false;
    encodes(&pdu, "02 fd 00 00 00 00 00 00 30 aa 10 01 01 00");
    pdu = decoded("02 fd 00 00 00 00 00 00 20 aa 10 01 01 01 00");
    cr_assert_eq(pdu.tag, MM1_MN_SUBNET_DISTANCE);
    cr_assert_eq(pdu.distance.net.addr.bits, 0xaa20000000000000);
    cr_assert_eq(pdu.distance.net.mask, 16);
    cr_assert(pdu.distance.some);
    cr_assert_eq(pdu.distance.metric, 0);
    cr_assert_eq(pdu.key.idx, 1);
    cr_assert_not(decoded("02 fd 00 00 00 00 00 00 20 aa 10 01 01 00").distance.some);
    cr_assert_eq(mm1__mn_body_size(&pdu), 0);
    cr_assert_eq(decoded("02 00 40 01 01 00").distance.net.mask, 64);
    refused("02 00 41 01 01 00", "a subnet mask above 64");
    refused("02 00 40 01 01 02", "a flag that is neither 0 nor 1");
}

Test(mn_pdu, messages_of_the_captured_session)
{
    struct mm1_mn_pdu pdu = decoded("04 fd 01 0b 00 00 00 00 20 aa 01 01 00 c5 01 0c 00");
    cr_assert_eq(pdu.tag, MM1_MN_TRANSMIT);
    cr_assert_eq(pdu.transmit.dst.bits, 0xaa20000000000b01);
    cr_assert_eq(pdu.key.idx, 1);
    cr_assert_eq(pdu.key.version, 1);
    cr_assert_eq(pdu.transmit.trace_id, 0);
    cr_assert_eq(pdu.transmit.no, 197);
    cr_assert_eq(pdu.transmit.size, 1);
    cr_assert_eq(pdu.transmit.ttl, 12);
    cr_assert_not(pdu.transmit.priority);
    encodes(&pdu, "04 fd 01 0b 00 00 00 00 20 aa 01 01 00 c5 01 0c 00");

    pdu = decoded("04 fd 01 0b 00 00 00 00 00 aa 02 01 fb cd ab ca 13 0c 01");
    cr_assert_eq(pdu.transmit.dst.bits, 0xaa00000000000b01);
    cr_assert_eq(pdu.transmit.trace_id, 0xabcd);
    cr_assert_eq(pdu.transmit.no, 0xca);
    cr_assert_eq(pdu.transmit.size, 19);
    cr_assert(pdu.transmit.priority);
    cr_assert_eq(mm1__mn_body_size(&pdu), 19);
    encodes(&pdu, "04 fd 01 0b 00 00 00 00 00 aa 02 01 fb cd ab ca 13 0c 01");

    pdu = decoded("04 fd 01 0b 00 00 00 00 00 aa 03 01 00 cf 0d 0c 00");
    cr_assert_eq(pdu.key.idx, 3);
    encodes(&pdu, "04 fd 01 0b 00 00 00 00 00 aa 03 01 00 cf 0d 0c 00");
    pdu = decoded("04 fd 03 0b 00 00 00 00 20 aa 04 01 00 d4 04 0c 01");
    cr_assert_eq(pdu.transmit.dst.bits, 0xaa20000000000b03);
    encodes(&pdu, "04 fd 03 0b 00 00 00 00 20 aa 04 01 00 d4 04 0c 01");

    pdu.transmit.size = 65003;
    encodes(&pdu, "04 fd 03 0b 00 00 00 00 20 aa 04 01 00 d4 fb eb fd 0c 01");
    cr_assert_eq(decoded("04 fd 03 0b 00 00 00 00 20 aa 04 01 00 d4 fb eb fd 0c 01").transmit.size,
                 65003);
    refused("04 00 01 01 00 00 00 0c 02", "a flag that is neither 0 nor 1");
}

Test(mn_pdu, varints_at_their_boundaries)
{
    static const struct {
        uint64_t value;
        const char *bytes;
    } cases[] = {
        {0, "00"},
        {250, "fa"},
        {251, "fb fb 00"},
        {255, "fb ff 00"},
        {256, "fb 00 01"},
        {65535, "fb ff ff"},
        {65536, "fc 00 00 01 00"},
        {UINT32_MAX, "fc ff ff ff ff"},
        {UINT64_C(1) + UINT32_MAX, "fd 00 00 00 00 01 00 00 00"},
        {UINT64_MAX, "fd ff ff ff ff ff ff ff ff"},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        struct mm1_mn_pdu pdu = {
            .tag = MM1_MN_TRANSMIT,
            .key = {.idx = 1, .version = 1},
            .transmit =
                {.dst = MM1_ADDR(1), .trace_id = cases[i].value, .no = 2, .size = 3, .ttl = 4},
        };
        char text[128];
        snprintf(text, sizeof(text), "04 01 01 01 %s 02 03 04 00", cases[i].bytes);
        encodes(&pdu, text);
        pdu = decoded(text);
        cr_assert_eq(pdu.transmit.trace_id, cases[i].value);
        cr_assert_eq(pdu.transmit.size, 3);
    }
}

Test(mn_pdu, wider_varints_are_taken_up_to_the_width_of_the_field)
{
    cr_assert_eq(decoded("fb 01 00").tag, MM1_MN_KEEP_ALIVE);
    cr_assert_eq(decoded("fc 01 00 00 00").tag, MM1_MN_KEEP_ALIVE);
    refused("fd 01 00 00 00 00 00 00 00", "a varint that is wider than its field");
    cr_assert_eq(decoded("03 fc 07 00 00 00 fb 01 00 0d").key.idx, 7);
    refused("03 fd 07 00 00 00 00 00 00 00 01 0d", "a varint that is wider than its field");
    refused("03 07 fd 01 00 00 00 00 00 00 00 0d", "a varint that is wider than its field");
    cr_assert_eq(decoded("03 07 01 fb 0d 00").declare.size, 13);
    refused("03 07 01 fc 0d 00 00 00", "a varint that is wider than its field");
    cr_assert_eq(decoded("04 01 01 01 fd 09 00 00 00 00 00 00 00 02 03 04 00").transmit.trace_id,
                 9);
    refused("04 01 01 01 fe 09", "a varint that is wider than its field");
    refused("04 01 01 01 ff 09", "a varint that is wider than its field");
}

Test(mn_pdu, tags_and_keys)
{
    refused("05", "an unknown tag");
    refused("fa", "an unknown tag");
    refused("fb 05 00", "an unknown tag");
    refused("03 fc ff ff ff ff 01 0d", "the null key");
    cr_assert_eq(decoded("03 fc fe ff ff ff 01 0d").key.idx, 0xfffffffe);
    cr_assert_eq(decoded("03 01 02 0d").key.version, 3, "versions are made odd");
    cr_assert_eq(decoded("03 01 00 0d").key.version, 1);
}

/* The widest values of all fields still fit into a header (43 bytes). */
Test(mn_pdu, the_longest_header)
{
    struct mm1_mn_pdu pdu = {
        .tag = MM1_MN_TRANSMIT,
        .key = {.idx = 0xfffffffe, .version = UINT32_MAX},
        .transmit = {.dst = MM1_ADDR(UINT64_MAX),
                     .trace_id = UINT64_MAX,
                     .no = UINT64_MAX,
                     .size = UINT16_MAX,
                     .ttl = 255,
                     .priority = true},
    };
    uint8_t frame[MM1_MN_HEADER];
    mm1__mn_encode(&pdu, frame);
    cr_assert_eq(frame[42], 1);
    static const uint8_t zeros[5] = {0};
    cr_assert_arr_eq(frame + 43, zeros, sizeof(zeros));
    struct mm1_mn_pdu again;
    cr_assert_eq(mm1__mn_decode(frame, &again, NULL), MM1_OK);
    cr_assert_eq(again.transmit.no, UINT64_MAX);
    cr_assert_eq(again.transmit.size, UINT16_MAX);
    cr_assert_eq(again.transmit.ttl, 255);
    cr_assert(again.transmit.priority);
}

Test(mn_pdu, negotiation)
{
    uint8_t frame[MM1_MN_NEGOTIATION];
    uint8_t expected[MM1_MN_NEGOTIATION];
    static const struct {
        struct mm1_mn_negotiation frame;
        const char *bytes;
    } cases[] = {
        {{.tag = MM1_MN_NEG_COOKIE, .size = 6}, "00 06"},
        {{.tag = MM1_MN_NEG_COOKIE, .size = 300}, "00 fb 2c 01"},
        {{.tag = MM1_MN_NEG_DONE}, "01"},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        hex(cases[i].bytes, expected, sizeof(expected));
        mm1__mn_negotiation_encode(&cases[i].frame, frame);
        cr_assert_arr_eq(frame, expected, sizeof(frame));
        struct mm1_mn_negotiation again;
        cr_assert_eq(mm1__mn_negotiation_decode(frame, &again, NULL), MM1_OK);
        cr_assert_eq(again.tag, cases[i].frame.tag);
        cr_assert_eq(again.size, cases[i].frame.size);
    }
    static const char *const wrong[] = {"02", "00 fc 06 00 00 00", "fd 01 00 00 00 00 00 00 00"};
    for (size_t i = 0; i < MM1_COUNT_OF(wrong); i++) {
        hex(wrong[i], frame, sizeof(frame));
        struct mm1_mn_negotiation out;
        const char *why = NULL;
        cr_assert_eq(mm1__mn_negotiation_decode(frame, &out, &why), MM1_MALFORMED, "%s", wrong[i]);
        cr_assert_not_null(why);
    }
}

/* What decodes encodes to bytes that decode alike; nothing else happens for any input. */
Test(mn_pdu, random_frames)
{
    uint64_t x = 1;
    size_t good = 0;
    for (size_t i = 0; i < 200000; i++) {
        uint8_t frame[MM1_MN_HEADER];
        for (size_t k = 0; k < sizeof(frame); k++) {
            x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
            uint8_t byte = (uint8_t)(x >> 56);
            frame[k] = (uint8_t)((x >> 40) % 3 == 0 ? byte : byte % 6);
        }
        struct mm1_mn_pdu pdu;
        if (mm1__mn_decode(frame, &pdu, NULL) != MM1_OK) {
            continue;
        }
        good++;
        uint8_t first[MM1_MN_HEADER];
        uint8_t second[MM1_MN_HEADER];
        mm1__mn_encode(&pdu, first);
        struct mm1_mn_pdu again;
        cr_assert_eq(mm1__mn_decode(first, &again, NULL), MM1_OK);
        mm1__mn_encode(&again, second);
        cr_assert_arr_eq(first, second, sizeof(first));
    }
    cr_assert_gt(good, 1000);
}
