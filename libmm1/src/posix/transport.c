/* The transport port's verbs, which any thread may call: they leave what is asked in the end concerned and wake the
 * loop thread. */
#include "posix/thread.h"
#include "posix/transport.h"

static struct mm1__posix_transport *of(struct mm1_transport *self)
{
    return MM1_CONTAINER_OF(self, struct mm1__posix_transport, base);
}

static struct mm1__net_end *end_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1__net_end, node);
}

static int compare_key(const void *key, const struct mm1_tree_node *node)
{
    mm1_handle a = *(const mm1_handle *)key;
    mm1_handle b = end_of(node)->handle;
    return (a > b) - (a < b);
}

static int compare(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_key(&end_of(a)->handle, b);
}

/* --- ends ----------------------------------------------------------------------------------------------------- */

static void end_init(struct mm1__net_end *end, struct mm1__posix_transport *transport)
{
    end->transport = transport;
    end->lock_fd = -1;
    mm1_list_init(&end->dirty);
    mm1_list_init(&end->asked_sends);
    mm1_list_init(&end->link);
    mm1_list_init(&end->sends);
}

struct mm1__net_end *mm1__net_end_new(struct mm1__posix_transport *transport, bool is_listener,
                                      struct mm1_text name)
{
    struct mm1__net_end *end = mm1_take_zero(transport->alloc, sizeof(*end));
    char *copy = name.size == 0 ? NULL : mm1_take(transport->alloc, name.size);
    if (end == NULL || (name.size != 0 && copy == NULL)) {
        mm1_give(transport->alloc, end, sizeof(*end));
        mm1_give(transport->alloc, copy, name.size);
        return NULL;
    }
    if (name.size != 0) {
        memcpy(copy, name.data, name.size);
    }
    end_init(end, transport);
    end->is_listener = is_listener;
    end->name = (struct mm1_text){.data = copy, .size = name.size};
    return end;
}

void mm1__net_end_renew(struct mm1__net_end *end)
{
    struct mm1__posix_transport *transport = end->transport;
    MM1_CHECK(end->open_handles == 0 && end->name.size == 0);
    memset(end, 0, sizeof(*end));
    end_init(end, transport);
}

static void free_pieces(struct mm1_list *list)
{
    MM1_LIST_FOREACH(at, list) {
        mm1__net_piece_free(MM1_CONTAINER_OF(at, struct mm1__net_piece, link));
    }
    mm1_list_init(list);
}

void mm1__net_end_free(struct mm1__net_end *end)
{
    struct mm1_alloc *alloc = end->transport->alloc;
    MM1_CHECK(end->open_handles == 0 && !mm1_tree_linked(&end->node) &&
              mm1_list_empty(&end->dirty));
    free_pieces(&end->asked_sends);
    free_pieces(&end->sends);
    mm1_give(alloc, end->spare, sizeof(*end->spare));
    if (end->name.size > 0) {
        mm1_give(alloc, (char *)(uintptr_t)end->name.data, end->name.size);
    }
    mm1_give(alloc, end, sizeof(*end));
}

void mm1__net_piece_free(struct mm1__net_piece *piece)
{
    mm1_give(piece->end->transport->alloc, piece, sizeof(*piece) + piece->size);
}

void mm1__net_end_publish(struct mm1__net_end *end, mm1_handle handle)
{
    struct mm1__posix_transport *transport = end->transport;
    pthread_mutex_lock(&transport->lock);
    end->handle = handle;
    MM1_CHECK(mm1_tree_insert(&transport->known, &end->node) == NULL);
    pthread_mutex_unlock(&transport->lock);
}

bool mm1__net_end_forget(struct mm1__net_end *end)
{
    struct mm1__posix_transport *transport = end->transport;
    pthread_mutex_lock(&transport->lock);
    bool wanted = mm1_tree_linked(&end->node);
    if (wanted) {
        mm1_tree_remove(&transport->known, &end->node);
    }
    mm1_list_remove(&end->dirty);
    pthread_mutex_unlock(&transport->lock);
    return wanted;
}

bool mm1__net_end_wanted(struct mm1__net_end *end)
{
    struct mm1__posix_transport *transport = end->transport;
    pthread_mutex_lock(&transport->lock);
    bool wanted = mm1_tree_linked(&end->node);
    pthread_mutex_unlock(&transport->lock);
    return wanted;
}

/* --- verbs ---------------------------------------------------------------------------------------------------- */

/* With the lock held. */
static struct mm1__net_end *find(struct mm1__posix_transport *transport, mm1_handle handle)
{
    struct mm1_tree_node *node = mm1_tree_find(&transport->known, &handle, compare_key);
    return node == NULL || transport->stopping ? NULL : end_of(node);
}

/* With the lock held, and not stopping: then the async handle is open. */
static void mark(struct mm1__posix_transport *transport, struct mm1__net_end *end)
{
    if (mm1_list_empty(&end->dirty)) {
        mm1_list_push_back(&transport->dirty, &end->dirty);
    }
    MM1_CHECK(uv_async_send(&transport->wake) == 0);
}

static void attach(struct mm1_transport *self, struct mm1_port_sink *sink)
{
    of(self)->sink = sink;
}

static mm1_status open_end(struct mm1_transport *self, mm1_handle handle, struct mm1_text name,
                           bool is_listener)
{
    struct mm1__posix_transport *transport = of(self);
    struct mm1__net_end *end = mm1__net_end_new(transport, is_listener, name);
    if (end == NULL) {
        return MM1_NOMEM;
    }
    if (is_listener) {
        end->spare = mm1__net_end_new(transport, false, (struct mm1_text){0});
        if (end->spare == NULL) {
            mm1__net_end_free(end);
            return MM1_NOMEM;
        }
    }
    pthread_mutex_lock(&transport->lock);
    bool stopping = transport->stopping;
    if (!stopping) {
        end->handle = handle;
        end->asked_open = true;
        MM1_CHECK(mm1_tree_insert(&transport->known, &end->node) == NULL);
        mark(transport, end);
    }
    pthread_mutex_unlock(&transport->lock);
    if (stopping) {
        mm1__net_end_free(end);
    }
    return MM1_OK;
}

static mm1_status listen_at(struct mm1_transport *self, mm1_handle handle, struct mm1_text name)
{
    return open_end(self, handle, name, true);
}

static mm1_status dial(struct mm1_transport *self, mm1_handle handle, struct mm1_text name)
{
    return open_end(self, handle, name, false);
}

static void give_credit(struct mm1_transport *self, mm1_handle handle, size_t size)
{
    struct mm1__posix_transport *transport = of(self);
    pthread_mutex_lock(&transport->lock);
    struct mm1__net_end *end = find(transport, handle);
    if (end != NULL && size > 0) {
        end->asked_credit =
            size > SIZE_MAX - end->asked_credit ? SIZE_MAX : end->asked_credit + size;
        mark(transport, end);
    }
    pthread_mutex_unlock(&transport->lock);
}

static mm1_status send_bytes(struct mm1_transport *self, mm1_handle handle, struct mm1_bytes bytes,
                             bool background)
{
    struct mm1__posix_transport *transport = of(self);
    struct mm1__net_piece *piece = NULL;
    if (bytes.size <= MM1__NET_PIECE_MAX) {
        piece = mm1_take(transport->alloc, sizeof(*piece) + bytes.size);
    }
    if (piece == NULL) {
        return MM1_NOMEM;
    }
    piece->background = background;
    piece->size = bytes.size;
    if (bytes.size > 0) {
        memcpy(piece->data, bytes.data, bytes.size);
    }
    mm1_list_init(&piece->link);
    pthread_mutex_lock(&transport->lock);
    struct mm1__net_end *end = find(transport, handle);
    piece->end = end;
    if (end != NULL) {
        mm1_list_push_back(&end->asked_sends, &piece->link);
        mark(transport, end);
    }
    pthread_mutex_unlock(&transport->lock);
    if (end == NULL) {
        /* The stream ended; its owner has been told, or will see it next. */
        mm1_give(transport->alloc, piece, sizeof(*piece) + piece->size);
    }
    return MM1_OK;
}

static void close_end(struct mm1_transport *self, mm1_handle handle)
{
    struct mm1__posix_transport *transport = of(self);
    pthread_mutex_lock(&transport->lock);
    struct mm1__net_end *end = find(transport, handle);
    if (end != NULL) {
        end->asked_close = true;
        mm1_tree_remove(&transport->known, &end->node);
        mark(transport, end);
    }
    pthread_mutex_unlock(&transport->lock);
}

static const struct mm1_transport_ops OPS = {
    .name = "posix",
    .attach = attach,
    .listen = listen_at,
    .dial = dial,
    .read = give_credit,
    .send = send_bytes,
    .close = close_end,
};

/* --- life ----------------------------------------------------------------------------------------------------- */

static void *run_loop(void *arg)
{
    struct mm1__posix_transport *transport = arg;
    MM1_CHECK(uv_run(&transport->loop, UV_RUN_DEFAULT) == 0);
    return NULL;
}

mm1_status mm1__posix_transport_open(struct mm1__posix_transport *transport,
                                     struct mm1_alloc *alloc)
{
    memset(transport, 0, sizeof(*transport));
    transport->base.ops = &OPS;
    transport->alloc = alloc;
    transport->known = MM1_TREE(compare);
    mm1_list_init(&transport->dirty);
    mm1_list_init(&transport->ends);
    if (uv_loop_init(&transport->loop) != 0) {
        return MM1_RESOURCE;
    }
    if (uv_async_init(&transport->loop, &transport->wake, mm1__net_on_wake) != 0) {
        MM1_CHECK(uv_loop_close(&transport->loop) == 0);
        return MM1_RESOURCE;
    }
    MM1_CHECK(uv_timer_init(&transport->loop, &transport->patience) == 0);
    MM1_CHECK(pthread_mutex_init(&transport->lock, NULL) == 0);
    mm1_status status = mm1__thread_start(&transport->thread, "mm1-net", run_loop, transport);
    if (status != MM1_OK) {
        transport->stopping = true;
        uv_close((uv_handle_t *)&transport->wake, NULL);
        uv_close((uv_handle_t *)&transport->patience, NULL);
        (void)run_loop(transport);
        mm1__posix_transport_close(transport);
    }
    return status;
}

void mm1__posix_transport_stop(struct mm1__posix_transport *transport)
{
    pthread_mutex_lock(&transport->lock);
    bool stopped = transport->stopping;
    if (!stopped) {
        transport->stopping = true;
        MM1_CHECK(uv_async_send(&transport->wake) == 0);
    }
    pthread_mutex_unlock(&transport->lock);
    if (!stopped) {
        MM1_CHECK(pthread_join(transport->thread, NULL) == 0);
    }
}

void mm1__posix_transport_close(struct mm1__posix_transport *transport)
{
    mm1__posix_transport_stop(transport);
    MM1_CHECK(mm1_list_empty(&transport->ends) && mm1_list_empty(&transport->dirty));
    MM1_CHECK(uv_loop_close(&transport->loop) == 0);
    MM1_CHECK(pthread_mutex_destroy(&transport->lock) == 0);
}
