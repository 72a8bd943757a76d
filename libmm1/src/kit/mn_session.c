/* The state machine that reads a peer's byte stream. */
#include "base/utf8.h"
#include "kit/mn_session.h"

void mm1__mn_session_init(struct mm1_mn_session *session, struct mm1_alloc *alloc,
                          struct mm1_text cookie)
{
    *session = (struct mm1_mn_session){.cookie = cookie, .partial = MM1_BUF(alloc)};
}

void mm1__mn_session_close(struct mm1_mn_session *session)
{
    mm1_buf_close(&session->partial);
}

void mm1__mn_session_feed(struct mm1_mn_session *session, struct mm1_bytes input)
{
    MM1_CHECK(session->input.size == 0 || session->failed != MM1_OK);
    session->input = input;
}

static mm1_status fail(struct mm1_mn_session *session, mm1_status status, const char *why)
{
    session->failed = status;
    session->why = why;
    return status;
}

/* How many bytes the next step takes. */
static size_t wanted(const struct mm1_mn_session *session)
{
    switch (session->expect) {
    case MM1_MN_EXPECT_HELLO:
    case MM1_MN_EXPECT_HEADER:
        return MM1_MN_HEADER;
    case MM1_MN_EXPECT_COOKIE:
    case MM1_MN_EXPECT_DONE:
        return MM1_MN_NEGOTIATION;
    case MM1_MN_EXPECT_COOKIE_BODY:
        return session->cookie_size;
    case MM1_MN_EXPECT_BODY:
        return mm1__mn_body_size(&session->pdu);
    case MM1_MN_EXPECT_VERIFIED:
        break;
    }
    return 0;
}

/* Takes `size` bytes in one piece: from the input itself when they are all there, else by way of `partial`. False:
 * they have not come yet, or memory was refused. */
static bool take(struct mm1_mn_session *session, size_t size, struct mm1_bytes *out)
{
    struct mm1_bytes *input = &session->input;
    struct mm1_buf *partial = &session->partial;
    if (session->used) {
        mm1_buf_clear(partial);
        session->used = false;
    }
    if (partial->size == 0 && input->size >= size) {
        *out = (struct mm1_bytes){.data = input->data, .size = size};
        if (size != 0) {
            *input = (struct mm1_bytes){.data = input->data + size, .size = input->size - size};
        }
        return true;
    }
    size_t missing = size - partial->size;
    size_t more = missing < input->size ? missing : input->size;
    if (more != 0) {
        if (mm1_buf_append(partial, input->data, more) != MM1_OK) {
            (void)fail(session, MM1_NOMEM, "no memory for a frame");
            return false;
        }
        *input = (struct mm1_bytes){.data = input->data + more, .size = input->size - more};
    }
    if (more < missing) {
        return false;
    }
    *out = mm1_buf_bytes(partial);
    session->used = true;
    return true;
}

static mm1_status take_hello(struct mm1_mn_session *session, struct mm1_bytes bytes,
                             struct mm1_mn_event *event)
{
    struct mm1_mn_pdu pdu;
    const char *why;
    mm1_status status = mm1__mn_decode(bytes.data, &pdu, &why);
    if (status != MM1_OK) {
        return fail(session, status, why);
    }
    if (pdu.tag != MM1_MN_HELLO) {
        return fail(session, MM1_MALFORMED, "something else than a hello");
    }
    enum mm1_mn_auth ours = session->cookie.size == 0 ? MM1_MN_TRUSTED : MM1_MN_COOKIE;
    if (pdu.hello.auth != ours) {
        return fail(session, MM1_REFUSED, "another way of authentication");
    }
    session->expect = ours == MM1_MN_COOKIE ? MM1_MN_EXPECT_COOKIE : MM1_MN_EXPECT_VERIFIED;
    event->kind = MM1_MN_WELCOME;
    return MM1_OK;
}

static mm1_status take_negotiation(struct mm1_mn_session *session, struct mm1_bytes bytes,
                                   enum mm1_mn_negotiation_tag tag, struct mm1_mn_event *event)
{
    struct mm1_mn_negotiation frame;
    const char *why;
    mm1_status status = mm1__mn_negotiation_decode(bytes.data, &frame, &why);
    if (status != MM1_OK) {
        return fail(session, status, why);
    }
    if (frame.tag != tag) {
        return fail(session, MM1_MALFORMED, "a negotiation frame out of turn");
    }
    if (tag == MM1_MN_NEG_DONE) {
        session->expect = MM1_MN_EXPECT_HEADER;
        event->kind = MM1_MN_UP;
        return MM1_OK;
    }
    if (frame.size != session->cookie.size) {
        return fail(session, MM1_REFUSED, "another cookie");
    }
    session->cookie_size = frame.size;
    session->expect = MM1_MN_EXPECT_COOKIE_BODY;
    return MM1_OK;
}

/* Compares in a time that does not depend on where the cookies differ. */
static mm1_status take_cookie(struct mm1_mn_session *session, struct mm1_bytes bytes)
{
    unsigned difference = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        difference |= (unsigned)(bytes.data[i] ^ (uint8_t)session->cookie.data[i]);
    }
    if (difference != 0) {
        return fail(session, MM1_REFUSED, "another cookie");
    }
    session->expect = MM1_MN_EXPECT_VERIFIED;
    return MM1_OK;
}

static mm1_status take_header(struct mm1_mn_session *session, struct mm1_bytes bytes,
                              struct mm1_mn_event *event)
{
    const char *why;
    mm1_status status = mm1__mn_decode(bytes.data, &session->pdu, &why);
    if (status != MM1_OK) {
        return fail(session, status, why);
    }
    switch (session->pdu.tag) {
    case MM1_MN_HELLO:
        return fail(session, MM1_MALFORMED, "a hello after the handshake");
    case MM1_MN_DECLARE_TYPE:
    case MM1_MN_TRANSMIT:
        session->expect = MM1_MN_EXPECT_BODY;
        return MM1_OK;
    case MM1_MN_KEEP_ALIVE:
    case MM1_MN_SUBNET_DISTANCE:
        break;
    }
    *event = (struct mm1_mn_event){.kind = MM1_MN_PDU, .pdu = session->pdu};
    return MM1_OK;
}

static mm1_status take_body(struct mm1_mn_session *session, struct mm1_bytes bytes,
                            struct mm1_mn_event *event)
{
    if (session->pdu.tag == MM1_MN_DECLARE_TYPE &&
        !mm1__utf8_valid((const char *)bytes.data, bytes.size)) {
        return fail(session, MM1_MALFORMED, "a type name that is not UTF-8");
    }
    session->expect = MM1_MN_EXPECT_HEADER;
    *event = (struct mm1_mn_event){.kind = MM1_MN_PDU, .pdu = session->pdu, .body = bytes};
    return MM1_OK;
}

mm1_status mm1__mn_session_next(struct mm1_mn_session *session, struct mm1_mn_event *event)
{
    *event = (struct mm1_mn_event){.kind = MM1_MN_MORE};
    while (session->failed == MM1_OK && event->kind == MM1_MN_MORE) {
        struct mm1_bytes bytes;
        if (!take(session, wanted(session), &bytes)) {
            return session->failed;
        }
        mm1_status status = MM1_OK;
        switch (session->expect) {
        case MM1_MN_EXPECT_HELLO:
            status = take_hello(session, bytes, event);
            break;
        case MM1_MN_EXPECT_VERIFIED:
            session->expect = MM1_MN_EXPECT_DONE;
            event->kind = MM1_MN_VERIFIED;
            break;
        case MM1_MN_EXPECT_COOKIE:
            status = take_negotiation(session, bytes, MM1_MN_NEG_COOKIE, event);
            break;
        case MM1_MN_EXPECT_COOKIE_BODY:
            status = take_cookie(session, bytes);
            break;
        case MM1_MN_EXPECT_DONE:
            status = take_negotiation(session, bytes, MM1_MN_NEG_DONE, event);
            break;
        case MM1_MN_EXPECT_HEADER:
            status = take_header(session, bytes, event);
            break;
        case MM1_MN_EXPECT_BODY:
            status = take_body(session, bytes, event);
            break;
        }
        MM1_TRY(status);
    }
    return session->failed;
}
