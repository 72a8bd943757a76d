/* Ports of a node in a small world that need memory of the node's own allocator, as real ones do: its streams, and a
 * store of one log in memory that answers at once. One node a test: frugal_equip(&world, &node), while it is fresh. */
#ifndef FRUGAL_PORTS_H
#define FRUGAL_PORTS_H

#include "core/core.h"
#include "mini_world.h"
#include "mm1_test.h"

struct shelf {
    struct mm1_store base;
    struct mm1_port_sink *sink;
    uint8_t content[256];
    size_t size;
};

static struct mm1_alloc *frugal_alloc;
static const struct mm1_transport_ops *streams; /* those of the small world */
static struct shelf shelf;

static inline bool has_memory(void)
{
    void *block = mm1_take(frugal_alloc, 1);
    mm1_give(frugal_alloc, block, 1);
    return block != NULL;
}

static inline mm1_status frugal_listen(struct mm1_transport *self, mm1_handle handle,
                                       struct mm1_text name)
{
    return has_memory() ? streams->listen(self, handle, name) : MM1_NOMEM;
}

static inline mm1_status frugal_dial(struct mm1_transport *self, mm1_handle handle,
                                     struct mm1_text name)
{
    return has_memory() ? streams->dial(self, handle, name) : MM1_NOMEM;
}

static inline mm1_status frugal_send(struct mm1_transport *self, mm1_handle handle,
                                     struct mm1_bytes bytes, bool background)
{
    return has_memory() ? streams->send(self, handle, bytes, background) : MM1_NOMEM;
}

static inline void shelf_attach(struct mm1_store *self, struct mm1_port_sink *sink)
{
    (void)self;
    shelf.sink = sink;
}

static inline mm1_status shelf_open(struct mm1_store *self, mm1_handle handle, struct mm1_text name)
{
    (void)self, (void)name;
    struct mm1_log_opened opened = {.handle = handle, .size = shelf.size};
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    shelf.sink->post(shelf.sink, handle, false, &mm1_log_opened_type, &opened);
    return MM1_OK;
}

static inline mm1_status shelf_fail(mm1_handle handle, uint64_t op, mm1_status status)
{
    struct mm1_log_failed failed = {.handle = handle,
                                    .op = op,
                                    .status = (uint32_t)status,
                                    .reason = mm1_text_of(mm1_status_text(status))};
    shelf.sink->post(shelf.sink, handle, false, &mm1_log_failed_type, &failed);
    return MM1_OK;
}

static inline mm1_status shelf_done(mm1_handle handle, uint64_t op)
{
    struct mm1_log_done done = {.handle = handle, .op = op, .size = shelf.size};
    shelf.sink->post(shelf.sink, handle, false, &mm1_log_done_type, &done);
    return MM1_OK;
}

static inline mm1_status shelf_append(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                      struct mm1_bytes bytes)
{
    (void)self;
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    cr_assert_leq(shelf.size + bytes.size, sizeof(shelf.content));
    memcpy(shelf.content + shelf.size, bytes.data, bytes.size);
    shelf.size += bytes.size;
    return shelf_done(handle, op);
}

static inline mm1_status shelf_sync(struct mm1_store *self, mm1_handle handle, uint64_t op)
{
    (void)self;
    return has_memory() ? shelf_done(handle, op) : MM1_NOMEM;
}

static inline mm1_status shelf_truncate(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                        uint64_t size)
{
    (void)self;
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    if (size > shelf.size) {
        return shelf_fail(handle, op, MM1_INVALID);
    }
    shelf.size = (size_t)size;
    return shelf_done(handle, op);
}

static inline mm1_status shelf_read(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                    uint64_t offset, size_t size)
{
    (void)self;
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    size_t left = shelf.size - (size_t)offset;
    struct mm1_log_data data = {
        .handle = handle,
        .op = op,
        .offset = offset,
        .data = {.data = shelf.content + offset, .size = size < left ? size : left}};
    mm1_status status = shelf.sink->post_data(shelf.sink, handle, false, &mm1_log_data_type, &data);
    return status == MM1_OK ? MM1_OK : shelf_fail(handle, op, status);
}

static inline void shelf_close(struct mm1_store *self, mm1_handle handle)
{
    (void)self, (void)handle;
}

/* Gives a fresh node these ports. */
static inline void frugal_equip(struct mini_world *world, struct mini_node *node)
{
    static struct mm1_transport_ops frugal;
    static const struct mm1_store_ops shelf_ops = {.name = "shelf",
                                                   .attach = shelf_attach,
                                                   .open = shelf_open,
                                                   .append = shelf_append,
                                                   .sync = shelf_sync,
                                                   .truncate = shelf_truncate,
                                                   .read = shelf_read,
                                                   .close = shelf_close};
    frugal_alloc = &world->alloc.base;
    streams = node->transport.ops;
    frugal = *streams;
    frugal.listen = frugal_listen;
    frugal.dial = frugal_dial;
    frugal.send = frugal_send;
    node->transport.ops = &frugal;
    shelf = (struct shelf){.base = {.ops = &shelf_ops}, .sink = &node->node->sink};
    node->node->env.store = &shelf.base;
}

#endif
