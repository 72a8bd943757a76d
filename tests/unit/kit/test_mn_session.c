/* The byte stream of a peer: whole, in pieces, cut off, and wrong in every way that a stream can be. */
#include <stdlib.h>
#include <string.h>

#include "kit/mn_session.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define STREAM_MAX 200000

static uint8_t stream[STREAM_MAX];
static size_t stream_size;

static void put(const void *bytes, size_t size)
{
    cr_assert_leq(stream_size + size, sizeof(stream));
    if (size != 0) {
        memcpy(stream + stream_size, bytes, size);
    }
    stream_size += size;
}

/* Bytes of a literal, padded with zeros to `frame` bytes. */
static void put_padded(const char *bytes, size_t size, size_t frame)
{
    static const uint8_t zeros[MM1_MN_HEADER];
    put(bytes, size);
    put(zeros, frame - size);
}
#define HEADER(literal) put_padded(literal, sizeof(literal) - 1, MM1_MN_HEADER)
#define NEGOTIATION(literal) put_padded(literal, sizeof(literal) - 1, MM1_MN_NEGOTIATION)
#define BODY(literal) put(literal, sizeof(literal) - 1)

/* What node 2 of the captured session (H8) says. */
static void put_capture(void)
{
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x01");
    NEGOTIATION("\x00\x06");
    BODY("s3cret");
    NEGOTIATION("\x01");
    HEADER("\x03\x01\x01\x0d");
    BODY("mn::proto::Hi");
    HEADER("\x03\x03\x01\x25");
    BODY("mm1_proto_ask::Request<mn::proto::Rq>");
    HEADER("\x02\xfd\x00\x00\x00\x00\x00\x00\x20\xaa\x10\x01\x01\x01\x00");
    HEADER("\x02\xfd\x00\x00\x00\x00\x00\x00\x30\xaa\x10\x01\x01\x01\x00");
    HEADER("\x01");
    HEADER("\x04\xfd\x01\x0b\x00\x00\x00\x00\x00\xaa\x03\x01\x00\xcf\x0d\x0c\x00");
    BODY("\x92\x92\x25\xcf\xaa\x20\x00\x00\x00\x00\x0b\x03\x90");
}

static const char CAPTURE_TEXT[] =
    "welcome, verified, up, declare 1 mn::proto::Hi, "
    "declare 3 mm1_proto_ask::Request<mn::proto::Rq>, "
    "distance aa20000000000000/16 0, distance aa30000000000000/16 0, keep-alive, "
    "transmit aa00000000000b01 13 bytes, ";

/* Appends what an event says. */
static void describe(const struct mm1_mn_event *event, struct mm1_buf *out)
{
    mm1_status status = MM1_OK;
    switch (event->kind) {
    case MM1_MN_MORE:
        return;
    case MM1_MN_WELCOME:
        status = mm1_buf_format(out, "welcome, ");
        break;
    case MM1_MN_VERIFIED:
        status = mm1_buf_format(out, "verified, ");
        break;
    case MM1_MN_UP:
        status = mm1_buf_format(out, "up, ");
        break;
    case MM1_MN_PDU:
        if (event->pdu.tag == MM1_MN_KEEP_ALIVE) {
            status = mm1_buf_format(out, "keep-alive, ");
        } else if (event->pdu.tag == MM1_MN_DECLARE_TYPE) {
            status = mm1_buf_format(out, "declare %u %.*s, ", (unsigned)event->pdu.key.idx,
                                    (int)event->body.size, (const char *)event->body.data);
        } else if (event->pdu.tag == MM1_MN_SUBNET_DISTANCE) {
            status = mm1_buf_format(
                out, "distance %llx/%u %u, ", (unsigned long long)event->pdu.distance.net.addr.bits,
                (unsigned)event->pdu.distance.net.mask, (unsigned)event->pdu.distance.metric);
        } else {
            status =
                mm1_buf_format(out, "transmit %llx %zu bytes, ",
                               (unsigned long long)event->pdu.transmit.dst.bits, event->body.size);
        }
        break;
    }
    cr_assert_eq(status, MM1_OK);
}

/* Feeds the first `size` bytes of the stream, cut into pieces; the status at the end. */
static mm1_status play(struct mm1_mn_session *session, size_t size, size_t piece,
                       struct mm1_buf *out)
{
    for (size_t at = 0; at < size; at += piece) {
        size_t left = size - at;
        /* A copy of exactly that size, so that a read beyond it shows. */
        size_t count = left < piece ? left : piece;
        uint8_t *copy = malloc(count);
        memcpy(copy, stream + at, count);
        mm1__mn_session_feed(session, (struct mm1_bytes){.data = copy, .size = count});
        struct mm1_mn_event event;
        mm1_status status;
        while ((status = mm1__mn_session_next(session, &event)) == MM1_OK &&
               event.kind != MM1_MN_MORE) {
            describe(&event, out);
        }
        free(copy);
        if (status != MM1_OK) {
            return status;
        }
    }
    return MM1_OK;
}

/* Plays the stream in pieces of some sizes and expects these events and this status. */
static void expect(const char *cookie, const char *events, mm1_status status, const char *why)
{
    static const size_t pieces[] = {1, 2, 7, 47, 48, 49, 64, 1000, STREAM_MAX};
    for (size_t i = 0; i < MM1_COUNT_OF(pieces); i++) {
        struct test_alloc alloc;
        test_alloc_init(&alloc);
        struct mm1_buf out = MM1_BUF(&alloc.base);
        struct mm1_mn_session session;
        mm1__mn_session_init(&session, &alloc.base, mm1_text_of(cookie));
        cr_assert_eq(play(&session, stream_size, pieces[i], &out), status, "in pieces of %zu",
                     pieces[i]);
        cr_assert_eq(mm1_buf_terminate(&out), MM1_OK);
        cr_assert_str_eq((const char *)out.data, events);
        if (status != MM1_OK) {
            struct mm1_mn_event event;
            cr_assert_str_eq(session.why, why);
            cr_assert_eq(mm1__mn_session_next(&session, &event), status, "it stays over");
        }
        mm1__mn_session_close(&session);
        mm1_buf_close(&out);
        cr_assert_eq(alloc.live, 0);
    }
}

Test(mn_session, captured_session)
{
    put_capture();
    expect("s3cret", CAPTURE_TEXT, MM1_OK, NULL);
}

Test(mn_session, each_truncation_waits_for_more)
{
    put_capture();
    size_t whole = stream_size;
    for (size_t cut = 0; cut < whole; cut++) {
        struct test_alloc alloc;
        test_alloc_init(&alloc);
        struct mm1_buf out = MM1_BUF(&alloc.base);
        struct mm1_mn_session session;
        mm1__mn_session_init(&session, &alloc.base, MM1_TEXT("s3cret"));
        cr_assert_eq(play(&session, cut, cut + 1, &out), MM1_OK);
        cr_assert_eq(mm1_buf_terminate(&out), MM1_OK);
        cr_assert_lt(out.size, sizeof(CAPTURE_TEXT) - 1);
        cr_assert_arr_eq(out.data, CAPTURE_TEXT, out.size);
        /* The rest makes it whole. */
        mm1__mn_session_feed(&session,
                             (struct mm1_bytes){.data = stream + cut, .size = whole - cut});
        struct mm1_mn_event event;
        do {
            cr_assert_eq(mm1__mn_session_next(&session, &event), MM1_OK);
            describe(&event, &out);
        } while (event.kind != MM1_MN_MORE);
        cr_assert_eq(mm1_buf_terminate(&out), MM1_OK);
        cr_assert_str_eq((const char *)out.data, CAPTURE_TEXT);
        mm1__mn_session_close(&session);
        mm1_buf_close(&out);
        cr_assert_eq(alloc.live, 0);
    }
}

Test(mn_session, trusted)
{
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    NEGOTIATION("\x01");
    HEADER("\x01");
    expect(NULL, "welcome, verified, up, keep-alive, ", MM1_OK, NULL);
    expect("s3cret", "", MM1_REFUSED, "another way of authentication");
}

Test(mn_session, long_cookie)
{
    char cookie[301];
    memset(cookie, 'x', 300);
    cookie[300] = '\0';
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x01");
    NEGOTIATION("\x00\xfb\x2c\x01");
    put(cookie, 300);
    NEGOTIATION("\x01");
    expect(cookie, "welcome, verified, up, ", MM1_OK, NULL);
    cookie[299] = 'y';
    expect(cookie, "welcome, ", MM1_REFUSED, "another cookie");
    cookie[299] = '\0';
    expect(cookie, "welcome, ", MM1_REFUSED, "another cookie");
    expect(NULL, "", MM1_REFUSED, "another way of authentication");
}

Test(mn_session, handshakes_out_of_turn)
{
    stream_size = 0;
    HEADER("\x01");
    expect(NULL, "", MM1_MALFORMED, "something else than a hello");
    stream_size = 0;
    put_padded("GET / HTTP/1.1\r\n", 16, MM1_MN_HEADER);
    expect(NULL, "", MM1_MALFORMED, "an unknown tag");
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x00\x00\x07");
    expect(NULL, "", MM1_MALFORMED, "stray data in a hello");
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    NEGOTIATION("\x00\x06");
    expect(NULL, "welcome, verified, ", MM1_MALFORMED, "a negotiation frame out of turn");
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x01");
    NEGOTIATION("\x01");
    expect("s3cret", "welcome, ", MM1_MALFORMED, "a negotiation frame out of turn");
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    NEGOTIATION("\x02");
    expect(NULL, "welcome, verified, ", MM1_MALFORMED, "an unknown negotiation tag");
}

static void put_up(void)
{
    stream_size = 0;
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    NEGOTIATION("\x01");
}
#define UP "welcome, verified, up, "

Test(mn_session, steady_state_mistakes)
{
    put_up();
    HEADER("\x00\x4d\x4d\x31\x21\x00");
    expect(NULL, UP, MM1_MALFORMED, "a hello after the handshake");
    put_up();
    HEADER("\x05");
    expect(NULL, UP, MM1_MALFORMED, "an unknown tag");
    put_up();
    HEADER("\x01");
    HEADER("\x03\xfd\x01\x00\x00\x00\x00\x00\x00\x00\x01\x01");
    expect(NULL, UP "keep-alive, ", MM1_MALFORMED, "a varint that is wider than its field");
    put_up();
    HEADER("\x03\x01\x01\x03");
    BODY("a\xffz");
    expect(NULL, UP, MM1_MALFORMED, "a type name that is not UTF-8");
}

Test(mn_session, empty_bodies)
{
    put_up();
    HEADER("\x03\x01\x01\x00");
    HEADER("\x04\x07\x01\x01\x00\x00\x00\x0c\x00");
    HEADER("\x01");
    expect(NULL, UP "declare 1 , transmit 7 0 bytes, keep-alive, ", MM1_OK, NULL);
}

Test(mn_session, longest_body)
{
    static const uint8_t body[MM1_MN_BODY_MAX];
    put_up();
    HEADER("\x04\x07\x01\x01\x00\x00\xfb\xff\xff\x0c\x00");
    put(body, sizeof(body));
    HEADER("\x01");
    expect(NULL, UP "transmit 7 65535 bytes, keep-alive, ", MM1_OK, NULL);
}

/* A header that announces a long body costs no more memory than the bytes that came. */
Test(mn_session, length_bomb)
{
    put_up();
    HEADER("\x04\x07\x01\x01\x00\x00\xfb\xff\xff\x0c\x00");
    BODY("abc");
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_buf out = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_buf_reserve(&out, 512), MM1_OK);
    size_t before = alloc.live_bytes;
    struct mm1_mn_session session;
    mm1__mn_session_init(&session, &alloc.base, (struct mm1_text){0});
    cr_assert_eq(play(&session, stream_size, stream_size, &out), MM1_OK);
    cr_assert_leq(alloc.peak_bytes, before + 64);
    mm1__mn_session_close(&session);
    mm1_buf_close(&out);
    cr_assert_eq(alloc.live, 0);
}

Test(mn_session, each_refused_allocation_is_reported)
{
    put_capture();
    size_t refusals = 0;
    for (size_t k = 1;; k++) {
        struct test_alloc mine;
        test_alloc_init(&mine);
        struct mm1_buf out = MM1_BUF(&mine.base);
        struct test_alloc alloc;
        test_alloc_init(&alloc);
        test_alloc_fail_at(&alloc, k);
        struct mm1_mn_session session;
        mm1__mn_session_init(&session, &alloc.base, MM1_TEXT("s3cret"));
        mm1_status status = play(&session, stream_size, 5, &out);
        mm1__mn_session_close(&session);
        mm1_buf_close(&out);
        cr_assert_eq(alloc.live, 0);
        if (status == MM1_OK) {
            break;
        }
        cr_assert_eq(status, MM1_NOMEM);
        refusals++;
    }
    cr_assert_geq(refusals, 1);
}
