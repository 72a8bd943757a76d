/* The conformance suite of the transport port: MM1_CONFORM_TRANSPORT(suite, make) stamps it for one implementation;
 * `make` answers a struct conform_world whose transport is attached to its sink. */
#ifndef MM1_CONFORM_TRANSPORT_H
#define MM1_CONFORM_TRANSPORT_H

#include <stdlib.h>
#include <string.h>

#include "transport_steps.h"

/* --- the tests ------------------------------------------------------------------------------------------------ */

static void conform_transport_connects(struct conform_world *w)
{
    struct conform_pair pair;
    conform_connect(w, &pair);
    cr_assert_eq(conform_count(&w->sink, pair.near, NULL), 1);
    cr_assert_eq(conform_count(&w->sink, pair.listener, NULL), 2);
}

static void conform_transport_refused(struct conform_world *w)
{
    char name[CONFORM_NAME_MAX];
    w->ops->nobody_name(w, name);
    mm1_handle handle = conform_dial(w, name);
    conform_expect_failed(w, handle, MM1_REFUSED);
    /* The handle is gone: verbs on it are ignored. */
    conform_credit(w, handle, 10);
    conform_send(w, handle, "x", 1);
    w->env.transport->ops->close(w->env.transport, handle);
    conform_let_work(w);
    cr_assert_eq(conform_count(&w->sink, handle, NULL), 1);
}

static void conform_transport_bad_names(struct conform_world *w)
{
    const char *const names[] = {"",
                                 "nonsense",
                                 "tcp://",
                                 "tcp://127.0.0.1",
                                 "tcp://127.0.0.1:",
                                 "tcp://127.0.0.1:99999",
                                 "tcp://127.0.0.1:1x",
                                 "uds://",
                                 "http://127.0.0.1:1"};
    for (size_t i = 0; i < MM1_COUNT_OF(names); i++) {
        mm1_handle listener = conform_handle(&w->sink);
        conform_listen_as(w, listener, names[i]);
        conform_expect_failed(w, listener, MM1_INVALID);
        conform_expect_failed(w, conform_dial(w, names[i]), MM1_INVALID);
    }
}

static void conform_transport_name_in_use(struct conform_world *w)
{
    char name[CONFORM_NAME_MAX];
    mm1_handle first = conform_listen(w, name);
    mm1_handle second = conform_handle(&w->sink);
    conform_listen_as(w, second, name);
    conform_expect_failed(w, second, MM1_IN_USE);
    /* The first is none the worse. */
    mm1_handle near = conform_dial(w, name);
    cr_assert_not_null(CONFORM_AWAIT(w, near, mm1_connected));
    (void)conform_accept(w, first);
}

static void conform_transport_streams(struct conform_world *w)
{
    struct conform_pair pair;
    const size_t size = 300000;
    uint8_t *data = conform_stream(size);
    conform_connect(w, &pair);
    conform_credit(w, pair.far, size);
    size_t pieces = 0;
    for (size_t at = 0; at < size; pieces++) {
        size_t piece = 1 + (at * 7919) % 9000;
        piece = piece < size - at ? piece : size - at;
        conform_send(w, pair.near, data + at, piece);
        at += piece;
    }
    conform_receive(w, pair.far, 0, size);
    size_t sent_size = 0;
    for (size_t i = 0; i < pieces; i++) {
        const struct mm1_sent *sent = CONFORM_AWAIT(w, pair.near, mm1_sent);
        cr_assert_not_null(sent);
        size_t piece = 1 + (sent_size * 7919) % 9000;
        cr_assert_eq(sent->size, piece < size - sent_size ? piece : size - sent_size);
        sent_size += sent->size;
    }
    cr_assert_eq(sent_size, size);
    cr_assert_eq(conform_count(&w->sink, pair.near, &mm1_sent_type), pieces);
    free(data);
}

static void conform_transport_both_ways(struct conform_world *w)
{
    struct conform_pair pair;
    uint8_t *data = conform_stream(5000);
    conform_connect(w, &pair);
    conform_credit(w, pair.far, 5000);
    conform_credit(w, pair.near, 5000);
    for (size_t at = 0; at < 5000; at += 500) {
        conform_send(w, pair.near, data + at, 500);
        conform_send(w, pair.far, data + at, 500);
    }
    conform_receive(w, pair.near, 0, 5000);
    conform_receive(w, pair.far, 0, 5000);
    free(data);
}

static void conform_transport_credit(struct conform_world *w)
{
    struct conform_pair pair;
    uint8_t *data = conform_stream(1000);
    conform_connect(w, &pair);
    conform_send(w, pair.near, data, 1000);
    cr_assert_not_null(CONFORM_AWAIT(w, pair.near, mm1_sent));
    conform_let_work(w);
    cr_assert_eq(conform_count(&w->sink, pair.far, NULL), 0, "nothing without credit");
    conform_credit(w, pair.far, 10);
    conform_receive(w, pair.far, 0, 10);
    conform_let_work(w);
    unsigned so_far = conform_count(&w->sink, pair.far, NULL);
    conform_credit(w, pair.far, 1);
    conform_receive(w, pair.far, 10, 11);
    cr_assert_eq(conform_count(&w->sink, pair.far, NULL), so_far + 1);
    /* Credits add up. */
    conform_credit(w, pair.far, 89);
    conform_credit(w, pair.far, 900);
    conform_receive(w, pair.far, 11, 1000);
    free(data);
}

static void conform_transport_held_back(struct conform_world *w)
{
    struct conform_pair pair;
    const size_t size = 8u << 20;
    uint8_t *data = conform_stream(size);
    conform_connect(w, &pair);
    for (size_t at = 0; at < size; at += size / 16) {
        conform_send(w, pair.near, data + at, size / 16);
    }
    conform_let_work(w);
    cr_assert_eq(conform_count(&w->sink, pair.far, NULL), 0);
    for (size_t at = 0; at < size; at += size / 64) {
        conform_credit(w, pair.far, size / 64);
        conform_receive(w, pair.far, at, at + size / 64);
    }
    free(data);
}

static void conform_transport_close_delivers(struct conform_world *w)
{
    struct conform_pair pair;
    const size_t size = 16u << 20; /* more than the kernel takes at once */
    uint8_t *data = conform_stream(size);
    conform_connect(w, &pair);
    conform_send(w, pair.near, data, size);
    conform_close(w, pair.near);
    conform_let_work(w);
    /* One more than there is, so that the end is seen whatever comes first. */
    conform_credit(w, pair.far, size);
    conform_receive(w, pair.far, 0, size);
    conform_credit(w, pair.far, 1);
    conform_expect_ended(w, pair.far, MM1_CLOSED);
    cr_assert_eq(w->sink.late, 0);
    free(data);
}

static void conform_transport_close_with_unread(struct conform_world *w)
{
    /* Bytes that the closing side never read do not harm what it sent. */
    struct conform_pair pair;
    uint8_t *data = conform_stream(100000);
    conform_connect(w, &pair);
    conform_send(w, pair.far, data, 50000);
    cr_assert_not_null(CONFORM_AWAIT(w, pair.far, mm1_sent));
    conform_send(w, pair.near, data, 100000);
    conform_close(w, pair.near);
    conform_credit(w, pair.far, 100001);
    conform_receive(w, pair.far, 0, 100000);
    conform_expect_ended(w, pair.far, MM1_CLOSED);
    free(data);
}

static void conform_transport_silent_after_close(struct conform_world *w)
{
    struct conform_pair pair;
    conform_connect(w, &pair);
    conform_credit(w, pair.near, 1000);
    conform_let_work(w);
    unsigned before = conform_count(&w->sink, pair.near, NULL);
    conform_close(w, pair.near);
    conform_send(w, pair.far, "late", 4);
    conform_credit(w, pair.far, 1);
    conform_expect_ended(w, pair.far, MM1_CLOSED);
    conform_let_work(w);
    cr_assert_eq(conform_count(&w->sink, pair.near, NULL), before);
    cr_assert_eq(w->sink.late, 0, "the transport itself knows that it was closed");
}

static void conform_transport_after_end(struct conform_world *w)
{
    struct conform_pair pair;
    conform_connect(w, &pair);
    conform_credit(w, pair.far, 10);
    conform_close(w, pair.near);
    conform_expect_ended(w, pair.far, MM1_CLOSED);
    unsigned before = conform_count(&w->sink, pair.far, NULL);
    conform_send(w, pair.far, "x", 1);
    conform_credit(w, pair.far, 1);
    conform_let_work(w);
    cr_assert_eq(conform_count(&w->sink, pair.far, NULL), before);
    conform_close(w, pair.far);
    w->env.transport->ops->close(w->env.transport, pair.far); /* again, and ignored */
    conform_let_work(w);
}

static void conform_transport_close_listener(struct conform_world *w)
{
    struct conform_pair pair;
    conform_connect(w, &pair);
    conform_close(w, pair.listener);
    conform_let_work(w);
    conform_expect_failed(w, conform_dial(w, pair.name), MM1_REFUSED);
    /* What was accepted before lives on. */
    uint8_t *data = conform_stream(100);
    conform_send(w, pair.near, data, 100);
    conform_credit(w, pair.far, 100);
    conform_receive(w, pair.far, 0, 100);
    free(data);
    /* And the name is free again. */
    mm1_handle again = conform_handle(&w->sink);
    conform_listen_as(w, again, pair.name);
    cr_assert_not_null(CONFORM_AWAIT(w, again, mm1_listening));
    cr_assert_not_null(CONFORM_AWAIT(w, conform_dial(w, pair.name), mm1_connected));
}

static void conform_transport_close_while_dialling(struct conform_world *w)
{
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    for (unsigned i = 0; i < 20; i++) {
        mm1_handle handle = conform_dial(w, name);
        conform_send(w, handle, "x", 1);
        conform_close(w, handle);
        cr_assert_eq(conform_count(&w->sink, handle, &mm1_failed_type), 0);
    }
    mm1_handle handle = conform_dial(w, name);
    cr_assert_not_null(CONFORM_AWAIT(w, handle, mm1_connected));
    (void)conform_accept(w, listener);
}

static void conform_transport_many(struct conform_world *w)
{
    enum { MANY = 40 };
    char name[CONFORM_NAME_MAX];
    mm1_handle near[MANY];
    mm1_handle listener = conform_listen(w, name);
    for (unsigned i = 0; i < MANY; i++) {
        uint8_t id = (uint8_t)i;
        near[i] = conform_dial(w, name);
        conform_send(w, near[i], &id, 1); /* before it stands: kept until then */
    }
    bool seen[MANY] = {false};
    for (unsigned i = 0; i < MANY; i++) {
        mm1_handle far = conform_accept(w, listener);
        conform_credit(w, far, 5);
        const struct mm1_received *received = CONFORM_AWAIT(w, far, mm1_received);
        cr_assert_not_null(received);
        cr_assert_eq(received->data.size, 1);
        cr_assert(received->data.data[0] < MANY && !seen[received->data.data[0]]);
        seen[received->data.data[0]] = true;
    }
    for (unsigned i = 0; i < MANY; i++) {
        conform_close(w, near[i]);
    }
}

/* A reset, or a close where the kind of socket knows no reset. */
static void conform_expect_broken(struct conform_world *w, mm1_handle handle)
{
    const struct mm1_ended *ended = CONFORM_AWAIT(w, handle, mm1_ended);
    cr_assert_not_null(ended);
    cr_assert(ended->status == MM1_RESET || ended->status == MM1_CLOSED, "%s",
              mm1_status_text((mm1_status)ended->status));
}

static void conform_transport_refused_bytes(struct conform_world *w)
{
    struct conform_pair pair;
    uint8_t *data = conform_stream(200);
    conform_connect(w, &pair);
    conform_credit(w, pair.near, 10);
    conform_credit(w, pair.far, 1000);
    conform_send(w, pair.near, data, 100);
    conform_receive(w, pair.far, 0, 100);
    unsigned before = conform_count(&w->sink, pair.far, &mm1_received_type);
    conform_refuse(&w->sink, 1, 0);
    conform_send(w, pair.near, data + 100, 100);
    conform_expect_ended(w, pair.far, MM1_NOMEM);
    conform_expect_broken(w, pair.near);
    conform_let_work(w);
    cr_assert_eq(conform_count(&w->sink, pair.far, &mm1_received_type), before);
    cr_assert_eq(w->sink.late, 0);
    /* The listener goes on. */
    mm1_handle near = conform_dial(w, pair.name);
    cr_assert_not_null(CONFORM_AWAIT(w, near, mm1_connected));
    (void)conform_accept(w, pair.listener);
    free(data);
}

static void conform_transport_refused_connection(struct conform_world *w)
{
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    for (unsigned i = 0; i < 3; i++) {
        const struct mm1_msg_type *got;
        conform_refuse(&w->sink, 0, 1);
        mm1_handle near = conform_dial(w, name);
        conform_credit(w, near, 10);
        const void *word =
            conform_await_either(w, near, &mm1_connected_type, &mm1_failed_type, &got);
        cr_assert_not_null(word);
        if (got == &mm1_connected_type) {
            conform_expect_broken(w, near);
        } else {
            cr_assert_eq(((const struct mm1_failed *)word)->status, MM1_RESET);
        }
        cr_assert_eq(conform_count(&w->sink, listener, &mm1_accepted_type), i);
        near = conform_dial(w, name);
        cr_assert_not_null(CONFORM_AWAIT(w, near, mm1_connected));
        (void)conform_accept(w, listener);
    }
}

static void conform_transport_refused_listening(struct conform_world *w)
{
    char name[CONFORM_NAME_MAX];
    w->ops->listen_name(w, name);
    conform_refuse(&w->sink, 1, 0);
    mm1_handle listener = conform_handle(&w->sink);
    conform_listen_as(w, listener, name);
    conform_expect_failed(w, listener, MM1_NOMEM);
    mm1_handle again = conform_handle(&w->sink);
    conform_listen_as(w, again, name);
    cr_assert_not_null(CONFORM_AWAIT(w, again, mm1_listening));
    cr_assert_eq(conform_count(&w->sink, listener, NULL), 1);
}

/* --- the stamp ------------------------------------------------------------------------------------------------ */

/* One of the tests above, in a world of its own. */
#define CONFORM_TRANSPORT_CASE(suite, make, name)                                                  \
    Test(suite, name)                                                                              \
    {                                                                                              \
        struct conform_world *world = make();                                                      \
        conform_transport_##name(world);                                                           \
        world->ops->free(world);                                                                   \
    }

#define MM1_CONFORM_TRANSPORT(suite, make)                                                         \
    CONFORM_TRANSPORT_CASE(suite, make, connects)                                                  \
    CONFORM_TRANSPORT_CASE(suite, make, refused)                                                   \
    CONFORM_TRANSPORT_CASE(suite, make, bad_names)                                                 \
    CONFORM_TRANSPORT_CASE(suite, make, name_in_use)                                               \
    CONFORM_TRANSPORT_CASE(suite, make, streams)                                                   \
    CONFORM_TRANSPORT_CASE(suite, make, both_ways)                                                 \
    CONFORM_TRANSPORT_CASE(suite, make, credit)                                                    \
    CONFORM_TRANSPORT_CASE(suite, make, held_back)                                                 \
    CONFORM_TRANSPORT_CASE(suite, make, close_delivers)                                            \
    CONFORM_TRANSPORT_CASE(suite, make, close_with_unread)                                         \
    CONFORM_TRANSPORT_CASE(suite, make, silent_after_close)                                        \
    CONFORM_TRANSPORT_CASE(suite, make, after_end)                                                 \
    CONFORM_TRANSPORT_CASE(suite, make, close_listener)                                            \
    CONFORM_TRANSPORT_CASE(suite, make, close_while_dialling)                                      \
    CONFORM_TRANSPORT_CASE(suite, make, many)                                                      \
    CONFORM_TRANSPORT_CASE(suite, make, refused_bytes)                                             \
    CONFORM_TRANSPORT_CASE(suite, make, refused_connection)                                        \
    CONFORM_TRANSPORT_CASE(suite, make, refused_listening)

#endif
