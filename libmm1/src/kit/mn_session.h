/* What a peer says on a connection: its byte stream, cut into handshake steps and PDUs with their bodies (mm1-spec H3,
 * H4). Pure; keeps at most one frame that has not come in whole.
 *
 *     mm1__mn_session_feed(s, data);
 *     while ((status = mm1__mn_session_next(s, &event)) == MM1_OK && event.kind != MM1_MN_MORE) { … }
 */
#ifndef MM1_KIT_MN_SESSION_H
#define MM1_KIT_MN_SESSION_H

#include <mm1/bytes.h>

#include "kit/mn_pdu.h"

enum mm1_mn_event_kind {
    MM1_MN_MORE,     /* nothing yet: feed more */
    MM1_MN_WELCOME,  /* the peer's Hello fits ours: with a cookie, it is time to send it */
    MM1_MN_VERIFIED, /* the peer may be trusted: it is time to send Done */
    MM1_MN_UP,       /* the peer's Done: from now on PDUs */
    MM1_MN_PDU,
};

struct mm1_mn_event {
    enum mm1_mn_event_kind kind;
    struct mm1_mn_pdu pdu; /* never a Hello */
    struct mm1_bytes body; /* name or message; borrowed until the next call */
};

enum mm1_mn_expect {
    MM1_MN_EXPECT_HELLO,
    MM1_MN_EXPECT_VERIFIED, /* nothing: the event is due */
    MM1_MN_EXPECT_COOKIE,
    MM1_MN_EXPECT_COOKIE_BODY,
    MM1_MN_EXPECT_DONE,
    MM1_MN_EXPECT_HEADER,
    MM1_MN_EXPECT_BODY,
};

struct mm1_mn_session {
    struct mm1_text cookie; /* empty: trusted; borrowed */
    enum mm1_mn_expect expect;
    size_t cookie_size;    /* of the peer's */
    struct mm1_mn_pdu pdu; /* whose body is expected */
    struct mm1_bytes input;
    struct mm1_buf partial; /* the begin of what is expected */
    bool used;              /* `partial` was handed out: it is free at the next call */
    mm1_status failed;
    const char *why; /* static text; set when `failed` is */
};

/* `cookie` empty: trusted. */
void mm1__mn_session_init(struct mm1_mn_session *session, struct mm1_alloc *alloc,
                          struct mm1_text cookie);
void mm1__mn_session_close(struct mm1_mn_session *session);
/* More bytes of the stream, borrowed until they are consumed. What was fed before must be. */
void mm1__mn_session_feed(struct mm1_mn_session *session, struct mm1_bytes input);
/* The next event. MM1_MALFORMED, MM1_REFUSED (the handshake failed), MM1_NOMEM: the session is over, and each further
 * call says the same; session->why says what is wrong. */
MM1_NODISCARD mm1_status mm1__mn_session_next(struct mm1_mn_session *session,
                                              struct mm1_mn_event *event);
/* True once the handshake is through. */
static inline bool mm1__mn_session_up(const struct mm1_mn_session *session)
{
    return session->expect >= MM1_MN_EXPECT_HEADER;
}

#endif
