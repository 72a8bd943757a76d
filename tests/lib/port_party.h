/* An actor that uses every verb of streams and logs, and keeps account: what was begun is answered once, whatever
 * memory is refused. It talks to itself: it dials where it listens.
 *
 *     struct party party = {.name = "tcp://a:1", .nobody = "tcp://a:2"};
 *     spawn PARTY_SPAWN(&party), refuse memory, let the world work until it rests; then party_check(&party); */
#ifndef MM1_TEST_PORT_PARTY_H
#define MM1_TEST_PORT_PARTY_H

#include <mm1/actor.h>
#include <mm1/store.h>
#include <mm1/transport.h>

#include "mm1_test.h"

#define PARTY_CREDIT 1000

struct party_stream {
    mm1_handle handle; /* 0: none */
    unsigned sends;
    unsigned sents;
    size_t sent_bytes;
    size_t received;
    bool ended;
    mm1_status status; /* of its end */
};

struct party {
    const char *name;
    const char *nobody;
    unsigned refused; /* verbs that said MM1_NOMEM */
    unsigned begun;   /* listen, dials, open */
    unsigned answered;
    mm1_handle listener;
    mm1_handle log;
    bool listens;
    bool connected;
    bool opened;
    unsigned accepted;
    struct party_stream near; /* dialed */
    struct party_stream far;  /* accepted */
    uint32_t ops_begun;       /* a bit for each op */
    uint32_t ops_answered;
    unsigned reads_failed;
    unsigned unreasoned; /* failures without a reason */
};

static const char party_bytes[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* Notes what a verb said; true: it began. A handle may have ended, with its last word still in the queue. */
static inline bool party_begins(struct party *p, mm1_status status)
{
    cr_assert(status == MM1_OK || status == MM1_NOMEM || status == MM1_NOT_FOUND, "%s",
              mm1_status_text(status));
    p->refused += status == MM1_NOMEM;
    return status == MM1_OK;
}

static inline void party_send(struct mm1_ctx *ctx, struct party *p, struct party_stream *stream,
                              size_t size)
{
    struct mm1_bytes bytes = {.data = (const uint8_t *)party_bytes + stream->sent_bytes,
                              .size = size};
    if (party_begins(p, mm1_net_send(ctx, stream->handle, bytes))) {
        stream->sends++;
        stream->sent_bytes += size;
    }
}

static inline void party_op(struct mm1_ctx *ctx, struct party *p, unsigned op)
{
    struct mm1_bytes bytes = {.data = (const uint8_t *)party_bytes, .size = 60};
    mm1_status status = MM1_OK;
    switch (op) {
    case 0: /* fails, and is yet no failed open */
        status = mm1_log_truncate(ctx, p->log, op, 1000000);
        break;
    case 1:
    case 3:
        status = mm1_log_append(ctx, p->log, op, bytes);
        break;
    case 2:
        status = mm1_log_sync(ctx, p->log, op);
        break;
    case 4:
        status = mm1_log_truncate(ctx, p->log, op, 50);
        break;
    default:
        status = mm1_log_read(ctx, p->log, op, 0, 100);
        break;
    }
    if (party_begins(p, status)) {
        p->ops_begun |= (uint32_t)1 << op;
    }
}

static inline void party_op_answered(struct party *p, uint64_t op)
{
    uint32_t bit = (uint32_t)1 << op;
    cr_assert((p->ops_begun & bit) != 0 && (p->ops_answered & bit) == 0, "op %u", (unsigned)op);
    p->ops_answered |= bit;
}

static inline struct party_stream *party_stream(struct party *p, mm1_handle handle)
{
    struct party_stream *stream = handle == p->near.handle ? &p->near : &p->far;
    cr_assert(handle != 0 && handle == stream->handle && !stream->ended);
    return stream;
}

static inline mm1_status party_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct party *p = *(struct party *const *)arg;
    mm1_handle stray;
    *(struct party **)state = p;
    p->begun += party_begins(p, mm1_net_listen(ctx, mm1_text_of(p->name), &p->listener));
    p->begun += party_begins(p, mm1_net_dial(ctx, mm1_text_of(p->nobody), &stray));
    p->begun += party_begins(p, mm1_log_open(ctx, MM1_TEXT("log"), &p->log));
    return MM1_OK;
}

static inline void party_talk(struct mm1_ctx *ctx, struct party *p, struct party_stream *stream)
{
    (void)party_begins(p, mm1_net_read(ctx, stream->handle, PARTY_CREDIT));
    for (size_t size = 10; size < 13; size++) {
        party_send(ctx, p, stream, size);
    }
}

/* Those of the stream itself. */
static inline bool party_streams(struct mm1_ctx *ctx, struct party *p,
                                 const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, mm1_listening, m) {
        p->answered++;
        p->listens = true;
        p->begun += party_begins(p, mm1_net_dial(ctx, m->name, &p->near.handle));
        return true;
    }
    MM1_ON(envelope, mm1_failed, m) {
        p->answered++;
        p->unreasoned += m->reason.size == 0;
        return true;
    }
    MM1_ON(envelope, mm1_connected, m) {
        cr_assert(m->handle == p->near.handle && !p->connected);
        p->answered++;
        p->connected = true;
        party_talk(ctx, p, &p->near);
        return true;
    }
    MM1_ON(envelope, mm1_accepted, m) {
        p->accepted++;
        if (party_begins(p, mm1_net_accept(ctx, m->handle))) {
            p->far.handle = m->handle;
            party_talk(ctx, p, &p->far);
        }
        return true;
    }
    MM1_ON(envelope, mm1_sent, m) {
        party_stream(p, m->handle)->sents++;
        return true;
    }
    MM1_ON(envelope, mm1_received, m) {
        struct party_stream *stream = party_stream(p, m->handle);
        cr_assert_leq(stream->received + m->data.size, sizeof(party_bytes));
        cr_assert_arr_eq(m->data.data, party_bytes + stream->received, m->data.size);
        stream->received += m->data.size;
        return true;
    }
    MM1_ON(envelope, mm1_ended, m) {
        struct party_stream *stream = party_stream(p, m->handle);
        stream->ended = true;
        stream->status = (mm1_status)m->status;
        return true;
    }
    return false;
}

static inline mm1_status party_receive(struct mm1_ctx *ctx, void *state,
                                       const struct mm1_envelope *envelope)
{
    struct party *p = *(struct party **)state;
    MM1_ON(envelope, mm1_log_opened, m) {
        p->answered++;
        p->opened = true;
        for (unsigned op = 0; op < 7; op++) {
            party_op(ctx, p, op);
        }
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_log_done, m) {
        party_op_answered(p, m->op);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_log_data, m) {
        party_op_answered(p, m->op);
        for (size_t i = 0; i < m->data.size; i++) {
            cr_assert_eq(m->data.data[i], party_bytes[i % 60]);
        }
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_log_failed, m) {
        p->unreasoned += m->reason.size == 0;
        if (!p->opened) {
            p->answered++;
            return MM1_OK;
        }
        party_op_answered(p, m->op);
        if (m->op > 4) {
            cr_assert_eq(m->status, MM1_NOMEM);
            p->reads_failed++;
            party_op(ctx, p, (unsigned)m->op + 2); /* again */
        }
        return MM1_OK;
    }
    return party_streams(ctx, p, envelope) ? MM1_OK : mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour party_behaviour = {.name = "party",
                                                     .state_size = sizeof(struct party *),
                                                     .init = party_init,
                                                     .receive = party_receive};

#define PARTY_SPAWN(p)                                                                             \
    ((struct mm1_spawn){.behaviour = &party_behaviour,                                             \
                        .arg = &(struct party *){p},                                               \
                        .arg_size = sizeof(struct party *)})

static inline void party_check_stream(const struct party_stream *stream,
                                      const struct party_stream *peer)
{
    cr_assert_leq(stream->sents, stream->sends);
    cr_assert(stream->ended || stream->sents == stream->sends, "%u of %u", stream->sents,
              stream->sends);
    if (stream->ended) {
        /* Each side hears of it, or there never was another. */
        cr_assert(peer->ended || peer->handle == 0);
        cr_assert(stream->status == MM1_NOMEM || stream->status == MM1_RESET ||
                      stream->status == MM1_CLOSED,
                  "%s", mm1_status_text(stream->status));
    } else if (stream->handle != 0) {
        cr_assert_eq(stream->received, peer->sent_bytes);
    }
}

/* All that was begun is answered, and no byte of a stream that stands is missing. */
static inline void party_check(const struct party *p)
{
    cr_assert_eq(p->answered, p->begun);
    cr_assert_eq(p->ops_answered, p->ops_begun, "%x of %x", p->ops_answered, p->ops_begun);
    if (p->connected) {
        party_check_stream(&p->near, &p->far);
        cr_assert(p->near.ended || p->far.handle != 0, "turned away without a word");
    }
    if (p->far.handle != 0) {
        party_check_stream(&p->far, &p->near);
    }
}

/* Nothing was refused, and all went as it should. */
static inline void party_check_whole(const struct party *p)
{
    party_check(p);
    cr_assert(p->refused == 0 && p->reads_failed == 0 && p->unreasoned == 0);
    cr_assert(p->begun == 4 && p->listens && p->connected && p->opened && p->accepted == 1);
    cr_assert(!p->near.ended && !p->far.ended);
    cr_assert(p->near.received == 33 && p->far.received == 33);
    cr_assert_eq(p->ops_answered, 0x7fu);
}

#endif
