/* Steps of tests on the transport port: listen, dial, accept, send, receive, each with its checks. */
#ifndef MM1_CONFORM_TRANSPORT_STEPS_H
#define MM1_CONFORM_TRANSPORT_STEPS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conform.h"
#include "mm1_test.h"

struct conform_pair {
    mm1_handle listener;
    mm1_handle near;             /* dialled */
    mm1_handle far;              /* accepted */
    char name[CONFORM_NAME_MAX]; /* where the listener is */
};

static inline void conform_listen_as(struct conform_world *w, mm1_handle handle, const char *name)
{
    cr_assert_eq(w->env.transport->ops->listen(w->env.transport, handle, mm1_text_of(name)),
                 MM1_OK);
}

/* Listens at a fresh name; `name` becomes what Listening said. */
static inline mm1_handle conform_listen(struct conform_world *w, char name[CONFORM_NAME_MAX])
{
    mm1_handle listener = conform_handle(&w->sink);
    w->ops->listen_name(w, name);
    conform_listen_as(w, listener, name);
    const struct mm1_listening *listening = CONFORM_AWAIT(w, listener, mm1_listening);
    cr_assert_not_null(listening);
    cr_assert_eq(listening->handle, listener);
    cr_assert(listening->name.size > 0 && listening->name.size < CONFORM_NAME_MAX);
    memcpy(name, listening->name.data, listening->name.size);
    name[listening->name.size] = '\0';
    return listener;
}

static inline mm1_handle conform_dial(struct conform_world *w, const char *name)
{
    mm1_handle handle = conform_handle(&w->sink);
    cr_assert_eq(w->env.transport->ops->dial(w->env.transport, handle, mm1_text_of(name)), MM1_OK);
    return handle;
}

static inline mm1_handle conform_accept(struct conform_world *w, mm1_handle listener)
{
    const struct mm1_accepted *accepted = CONFORM_AWAIT(w, listener, mm1_accepted);
    cr_assert_not_null(accepted);
    cr_assert_eq(accepted->listener, listener);
    cr_assert(accepted->handle != 0 && accepted->handle != listener);
    return accepted->handle;
}

static inline void conform_connect(struct conform_world *w, struct conform_pair *pair)
{
    pair->listener = conform_listen(w, pair->name);
    pair->near = conform_dial(w, pair->name);
    cr_assert_not_null(CONFORM_AWAIT(w, pair->near, mm1_connected));
    pair->far = conform_accept(w, pair->listener);
    cr_assert_neq(pair->far, pair->near);
}

static inline void conform_send(struct conform_world *w, mm1_handle handle, const void *data,
                                size_t size)
{
    struct mm1_bytes bytes = {.data = data, .size = size};
    cr_assert_eq(w->env.transport->ops->send(w->env.transport, handle, bytes, false), MM1_OK);
}

static inline void conform_credit(struct conform_world *w, mm1_handle handle, size_t size)
{
    w->env.transport->ops->read(w->env.transport, handle, size);
}

static inline void conform_close(struct conform_world *w, mm1_handle handle)
{
    conform_release(&w->sink, handle);
    w->env.transport->ops->close(w->env.transport, handle);
}

/* Byte number `i` of a stream: says where it belongs. */
static inline uint8_t conform_byte(size_t i)
{
    return (uint8_t)(i * 131 + (i >> 8) * 7 + (i >> 16));
}

static inline uint8_t *conform_stream(size_t size)
{
    uint8_t *data = malloc(size);
    cr_assert_not_null(data);
    for (size_t i = 0; i < size; i++) {
        data[i] = conform_byte(i);
    }
    return data;
}

/* Takes Received until byte `to` of the stream, of which `from` bytes were received before; checks each byte. */
static inline void conform_receive(struct conform_world *w, mm1_handle handle, size_t from,
                                   size_t to)
{
    while (from < to) {
        const struct mm1_received *received = CONFORM_AWAIT(w, handle, mm1_received);
        cr_assert_not_null(received, "%zu bytes missing", to - from);
        cr_assert_eq(received->handle, handle);
        cr_assert_gt(received->data.size, 0);
        cr_assert_leq(received->data.size, to - from, "more than the credit");
        for (size_t i = 0; i < received->data.size; i++) {
            cr_assert_eq(received->data.data[i], conform_byte(from + i), "byte %zu", from + i);
        }
        from += received->data.size;
    }
}

static inline void conform_expect_ended(struct conform_world *w, mm1_handle handle,
                                        mm1_status status)
{
    const struct mm1_ended *ended = CONFORM_AWAIT(w, handle, mm1_ended);
    cr_assert_not_null(ended);
    cr_assert_eq(ended->handle, handle);
    cr_assert_eq(ended->status, (uint32_t)status, "%s", mm1_status_text((mm1_status)ended->status));
}

static inline void conform_expect_failed(struct conform_world *w, mm1_handle handle,
                                         mm1_status status)
{
    const struct mm1_failed *failed = CONFORM_AWAIT(w, handle, mm1_failed);
    cr_assert_not_null(failed);
    cr_assert_eq(failed->handle, handle);
    cr_assert_eq(failed->status, (uint32_t)status, "%s",
                 mm1_status_text((mm1_status)failed->status));
    cr_assert_gt(failed->reason.size, 0);
}

/* Some traffic on a connection of its own: what else was due has then had its chance. */
static inline void conform_let_work(struct conform_world *w)
{
    struct conform_pair pair;
    uint8_t *data = conform_stream(1000);
    conform_connect(w, &pair);
    for (size_t i = 0; i < 10; i++) {
        conform_send(w, pair.near, data + i * 100, 100);
        conform_credit(w, pair.far, 100);
        conform_receive(w, pair.far, i * 100, i * 100 + 100);
    }
    conform_close(w, pair.near);
    conform_close(w, pair.far);
    conform_close(w, pair.listener);
    free(data);
}

#endif
