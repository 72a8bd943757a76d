/* Ports that are not there: the null trace, and a transport and a store that refuse everything. */
#include <mm1/env.h>

static uint64_t null_emit(struct mm1_trace *self, const struct mm1_event *event)
{
    (void)self;
    (void)event;
    return 0;
}

static const struct mm1_trace_ops null_trace_ops = {.name = "null", .emit = null_emit};
struct mm1_trace mm1_trace_null = {.ops = &null_trace_ops, .quiet = true};

static void transport_attach(struct mm1_transport *self, struct mm1_port_sink *sink)
{
    MM1_CONTAINER_OF(self, struct mm1_transport_none, base)->sink = sink;
}

static mm1_status transport_refuse(struct mm1_transport *self, mm1_handle handle,
                                   struct mm1_text name)
{
    struct mm1_port_sink *sink = MM1_CONTAINER_OF(self, struct mm1_transport_none, base)->sink;
    (void)name;
    sink->post(sink, handle, false, &mm1_failed_type,
               &(struct mm1_failed){.handle = handle,
                                    .status = MM1_REFUSED,
                                    .reason = MM1_TEXT("this node has no transport")});
    return MM1_OK;
}

static void transport_read(struct mm1_transport *self, mm1_handle handle, size_t size)
{
    (void)self;
    (void)handle;
    (void)size;
}

static mm1_status transport_send(struct mm1_transport *self, mm1_handle handle,
                                 struct mm1_bytes bytes, bool background)
{
    (void)self;
    (void)handle;
    (void)bytes;
    (void)background;
    return MM1_OK;
}

static void transport_close(struct mm1_transport *self, mm1_handle handle)
{
    (void)self;
    (void)handle;
}

static const struct mm1_transport_ops transport_ops = {
    .name = "none",
    .attach = transport_attach,
    .listen = transport_refuse,
    .dial = transport_refuse,
    .read = transport_read,
    .send = transport_send,
    .close = transport_close,
};

void mm1_transport_none_init(struct mm1_transport_none *transport)
{
    *transport = (struct mm1_transport_none){.base = {.ops = &transport_ops}};
}

static void store_attach(struct mm1_store *self, struct mm1_port_sink *sink)
{
    MM1_CONTAINER_OF(self, struct mm1_store_none, base)->sink = sink;
}

static mm1_status store_open(struct mm1_store *self, mm1_handle handle, struct mm1_text name)
{
    struct mm1_port_sink *sink = MM1_CONTAINER_OF(self, struct mm1_store_none, base)->sink;
    (void)name;
    sink->post(sink, handle, false, &mm1_log_failed_type,
               &(struct mm1_log_failed){.handle = handle,
                                        .status = MM1_REFUSED,
                                        .reason = MM1_TEXT("this node has no store")});
    return MM1_OK;
}

static mm1_status store_append(struct mm1_store *self, mm1_handle handle, uint64_t op,
                               struct mm1_bytes bytes)
{
    (void)self;
    (void)handle;
    (void)op;
    (void)bytes;
    return MM1_OK;
}

static mm1_status store_sync(struct mm1_store *self, mm1_handle handle, uint64_t op)
{
    (void)self;
    (void)handle;
    (void)op;
    return MM1_OK;
}

static mm1_status store_truncate(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                 uint64_t size)
{
    (void)self;
    (void)handle;
    (void)op;
    (void)size;
    return MM1_OK;
}

static mm1_status store_read(struct mm1_store *self, mm1_handle handle, uint64_t op,
                             uint64_t offset, size_t size)
{
    (void)self;
    (void)handle;
    (void)op;
    (void)offset;
    (void)size;
    return MM1_OK;
}

static void store_close(struct mm1_store *self, mm1_handle handle)
{
    (void)self;
    (void)handle;
}

static const struct mm1_store_ops store_ops = {
    .name = "none",
    .attach = store_attach,
    .open = store_open,
    .append = store_append,
    .sync = store_sync,
    .truncate = store_truncate,
    .read = store_read,
    .close = store_close,
};

void mm1_store_none_init(struct mm1_store_none *store)
{
    *store = (struct mm1_store_none){.base = {.ops = &store_ops}};
}
