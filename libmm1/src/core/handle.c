/* Streams and logs: who owns which handle, and where completions go. */
#include "base/order.h"
#include "core/core.h"

static const struct mm1__handle *at(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct mm1__handle, node);
}

static int compare_handles(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(at(a)->handle, at(b)->handle);
}

static int compare_handle_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const mm1_handle *)key, at(node)->handle);
}

/* All of these run under the node's lock. */

static struct mm1__handle *find(struct mm1_node *node, mm1_handle handle)
{
    struct mm1_tree_node *found = mm1_tree_find(&node->handles, &handle, compare_handle_key);
    return found == NULL ? NULL : MM1_CONTAINER_OF(found, struct mm1__handle, node);
}

static void enter(struct mm1_node *node, struct mm1__handle *record, uint64_t owner)
{
    record->owner = owner;
    record->handle = ++node->next_handle;
    (void)mm1_tree_insert(&node->handles, &record->node);
    struct mm1_actor *actor = mm1__live(node, owner);
    if (actor != NULL && actor->bonds != NULL) {
        mm1_list_push_back(&actor->bonds->handles, &record->of_actor);
    } else {
        mm1_list_init(&record->of_actor);
    }
}

static void record_free(struct mm1_node *node, struct mm1__handle *record)
{
    mm1_path_drop(record->path);
    mm1_give(node->env.alloc, record, sizeof(*record));
}

static void leave(struct mm1_node *node, struct mm1__handle *record)
{
    mm1_tree_remove(&node->handles, &record->node);
    mm1_list_remove(&record->of_actor);
}

/* A new handle of the running actor; 0 when memory is refused. */
static mm1_handle handle_new(struct mm1_ctx *ctx, bool is_log)
{
    struct mm1_node *node = ctx->node;
    struct mm1__handle *record = mm1_take_zero(node->env.alloc, sizeof(*record));
    if (record == NULL) {
        return 0;
    }
    if (mm1__bonds_of(ctx->actor) == NULL) {
        mm1_give(node->env.alloc, record, sizeof(*record));
        return 0;
    }
    record->is_log = is_log;
    record->path = mm1_path_hold(ctx->actor->path);
    mm1__lock(node);
    enter(node, record, mm1__address(ctx->actor));
    mm1_handle handle = record->handle;
    mm1__unlock(node);
    return handle;
}

static bool owned(struct mm1_ctx *ctx, mm1_handle handle, bool is_log)
{
    mm1__lock(ctx->node);
    struct mm1__handle *record = find(ctx->node, handle);
    bool yes = record != NULL && record->owner == mm1__address(ctx->actor) &&
               record->is_log == is_log && record->parent == 0;
    mm1__unlock(ctx->node);
    return yes;
}

static void port_close(struct mm1_node *node, mm1_handle handle, bool is_log)
{
    if (is_log) {
        node->env.store->ops->close(node->env.store, handle);
    } else {
        node->env.transport->ops->close(node->env.transport, handle);
    }
}

/* Takes the first connection that came in through `listener` and that nobody claimed. */
static struct mm1__handle *take_unclaimed(struct mm1_node *node, mm1_handle listener)
{
    MM1_TREE_FOREACH(tree_node, &node->handles) {
        struct mm1__handle *record = MM1_CONTAINER_OF(tree_node, struct mm1__handle, node);
        if (record->parent == listener) {
            leave(node, record);
            return record;
        }
    }
    return NULL;
}

static void close_one(struct mm1_node *node, struct mm1__handle *record)
{
    mm1_handle handle = record->handle;
    bool is_log = record->is_log;
    bool adopted = record->adopted;
    record_free(node, record);
    port_close(node, handle, is_log);
    if (!adopted) {
        return;
    }
    for (;;) {
        mm1__lock(node);
        struct mm1__handle *child = take_unclaimed(node, handle);
        mm1__unlock(node);
        if (child == NULL) {
            return;
        }
        port_close(node, child->handle, false);
        record_free(node, child);
    }
}

static void close_owned(struct mm1_ctx *ctx, mm1_handle handle, bool is_log)
{
    mm1__lock(ctx->node);
    struct mm1__handle *record = find(ctx->node, handle);
    if (record != NULL && record->owner == mm1__address(ctx->actor) && record->is_log == is_log) {
        leave(ctx->node, record);
    } else {
        record = NULL;
    }
    mm1__unlock(ctx->node);
    if (record != NULL) {
        close_one(ctx->node, record);
    }
}

void mm1__handles_close(struct mm1_actor *actor)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (actor->bonds == NULL) {
        return;
    }
    for (;;) {
        mm1__lock(node);
        struct mm1__handle *record = NULL;
        if (!mm1_list_empty(&actor->bonds->handles)) {
            record = MM1_CONTAINER_OF(actor->bonds->handles.next, struct mm1__handle, of_actor);
            leave(node, record);
        }
        mm1__unlock(node);
        if (record == NULL) {
            return;
        }
        close_one(node, record);
    }
}

void mm1__handles_drop(struct mm1_node *node)
{
    MM1_TREE_FOREACH(tree_node, &node->handles) {
        struct mm1__handle *record = MM1_CONTAINER_OF(tree_node, struct mm1__handle, node);
        leave(node, record);
        port_close(node, record->handle, record->is_log);
        record_free(node, record);
    }
}

/* --- completions ---------------------------------------------------------------------------------------------- */

/* True for the last completion of a handle. */
static bool ends_handle(const struct mm1_msg_type *type, const void *msg)
{
    return type == &mm1_failed_type || type == &mm1_ended_type ||
           (type == &mm1_log_failed_type && ((const struct mm1_log_failed *)msg)->op == 0);
}

static void sink_post(struct mm1_port_sink *sink, mm1_handle handle, bool background,
                      const struct mm1_msg_type *type, const void *msg)
{
    struct mm1_node *node = MM1_CONTAINER_OF(sink, struct mm1_node, sink);
    struct mm1__item *item;
    struct mm1__handle *gone = NULL;
    mm1_status status = mm1__item_new(node, type, msg, &item);
    mm1__lock(node);
    struct mm1__handle *record = find(node, handle);
    uint64_t owner = record == NULL ? 0 : record->owner;
    bool known = record != NULL;
    struct mm1_path *path = known && mm1__traced(node) ? mm1_path_hold(record->path) : NULL;
    if (known && ends_handle(type, msg)) {
        leave(node, record);
        gone = record;
    }
    mm1__unlock(node);
    if (gone != NULL) {
        record_free(node, gone);
    }
    if (status != MM1_OK || !known) {
        mm1_path_drop(path);
        if (status == MM1_OK) {
            mm1__item_free(node, item);
        }
        return;
    }
    item->kind = MM1__MESSAGE;
    item->route = owner;
    item->background = background;
    mm1__item_enlist(node, item);
    item->env.to = MM1_ADDR(owner);
    item->env.no = item->number;
    item->env.ttl = MM1_TTL_DEFAULT;
    if (path != NULL && mm1__live(node, owner) != NULL) {
        struct mm1_event event = {
            .kind = MM1_EVENT_POST,
            .actor = path,
            .self = MM1_ADDR(owner),
            .signal = item->number,
            .number = handle,
            .type = type,
            .msg = item->env.msg,
            .encoded = mm1__encoded(node),
        };
        item->cause = node->env.trace->ops->emit(node->env.trace, &event);
    }
    mm1_path_drop(path);
    mm1__land(node, item);
}

static mm1_handle sink_adopt(struct mm1_port_sink *sink, mm1_handle parent)
{
    struct mm1_node *node = MM1_CONTAINER_OF(sink, struct mm1_node, sink);
    struct mm1__handle *record = mm1_take_zero(node->env.alloc, sizeof(*record));
    if (record == NULL) {
        return 0;
    }
    mm1__lock(node);
    struct mm1__handle *listener = find(node, parent);
    mm1_handle handle = 0;
    if (listener != NULL) {
        record->parent = parent;
        record->path = mm1_path_hold(listener->path);
        listener->adopted = true;
        enter(node, record, listener->owner);
        handle = record->handle;
    }
    mm1__unlock(node);
    if (handle == 0) {
        mm1_give(node->env.alloc, record, sizeof(*record));
    }
    return handle;
}

void mm1__sink_init(struct mm1_node *node)
{
    node->sink = (struct mm1_port_sink){.post = sink_post, .adopt = sink_adopt};
    node->handles.compare = compare_handles;
}

/* --- the verbs ------------------------------------------------------------------------------------------------ */

static mm1_status open_handle(struct mm1_ctx *ctx, enum mm1_effect_kind kind, struct mm1_text name,
                              mm1_handle *handle)
{
    struct mm1_effect effect = {.kind = kind, .data = mm1_bytes_of_text(name)};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        *handle = answer.value;
        return answer.status;
    }
    struct mm1_env *env = &ctx->node->env;
    *handle = handle_new(ctx, kind == MM1_EFFECT_LOG_OPEN);
    effect.number = *handle;
    mm1__emit_verb(ctx, &effect, *handle == 0 ? MM1_NOMEM : MM1_OK);
    if (*handle == 0) {
        return MM1_NOMEM;
    }
    if (kind == MM1_EFFECT_NET_LISTEN) {
        env->transport->ops->listen(env->transport, *handle, name);
    } else if (kind == MM1_EFFECT_NET_DIAL) {
        env->transport->ops->dial(env->transport, *handle, name);
    } else {
        env->store->ops->open(env->store, *handle, name);
    }
    return MM1_OK;
}

mm1_status mm1_net_listen(struct mm1_ctx *ctx, struct mm1_text name, mm1_handle *handle)
{
    return open_handle(ctx, MM1_EFFECT_NET_LISTEN, name, handle);
}

mm1_status mm1_net_dial(struct mm1_ctx *ctx, struct mm1_text name, mm1_handle *handle)
{
    return open_handle(ctx, MM1_EFFECT_NET_DIAL, name, handle);
}

mm1_status mm1_log_open(struct mm1_ctx *ctx, struct mm1_text name, mm1_handle *handle)
{
    return open_handle(ctx, MM1_EFFECT_LOG_OPEN, name, handle);
}

mm1_status mm1_net_accept(struct mm1_ctx *ctx, mm1_handle handle)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_ACCEPT, .number = handle};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status = MM1_NOT_FOUND;
    if (mm1__bonds_of(ctx->actor) == NULL) {
        status = MM1_NOMEM;
    } else {
        struct mm1_path *path = NULL;
        mm1__lock(ctx->node);
        struct mm1__handle *record = find(ctx->node, handle);
        if (record != NULL && record->parent != 0) {
            path = record->path;
            record->path = mm1_path_hold(ctx->actor->path);
            record->parent = 0;
            record->owner = mm1__address(ctx->actor);
            mm1_list_remove(&record->of_actor);
            mm1_list_push_back(&ctx->actor->bonds->handles, &record->of_actor);
            status = MM1_OK;
        }
        mm1__unlock(ctx->node);
        mm1_path_drop(path);
    }
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

/* True: `effect` is to be carried out on a handle of this actor; else `*status` is the verb's. */
static bool on_handle(struct mm1_ctx *ctx, const struct mm1_effect *effect, bool is_log,
                      mm1_status *status)
{
    struct mm1_answer answer;
    if (!mm1__effect(ctx, effect, &answer)) {
        *status = answer.status;
        return false;
    }
    *status = owned(ctx, effect->number, is_log) ? MM1_OK : MM1_NOT_FOUND;
    mm1__emit_verb(ctx, effect, *status);
    return *status == MM1_OK;
}

mm1_status mm1_net_read(struct mm1_ctx *ctx, mm1_handle handle, size_t size)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_READ, .number = handle};
    struct mm1_transport *transport = ctx->node->env.transport;
    mm1_status status;
    if (on_handle(ctx, &effect, false, &status)) {
        transport->ops->read(transport, handle, size);
    }
    return status;
}

mm1_status mm1_net_send(struct mm1_ctx *ctx, mm1_handle handle, struct mm1_bytes bytes)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_SEND, .number = handle, .data = bytes};
    struct mm1_transport *transport = ctx->node->env.transport;
    mm1_status status;
    if (on_handle(ctx, &effect, false, &status)) {
        status = transport->ops->send(transport, handle, bytes, ctx->background);
    }
    return status;
}

void mm1_net_close(struct mm1_ctx *ctx, mm1_handle handle)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_CLOSE, .number = handle};
    mm1_status status;
    if (on_handle(ctx, &effect, false, &status)) {
        close_owned(ctx, handle, false);
    }
}

mm1_status mm1_log_append(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op,
                          struct mm1_bytes bytes)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_APPEND, .number = handle, .data = bytes};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, &status)) {
        status = store->ops->append(store, handle, op, bytes);
    }
    return status;
}

mm1_status mm1_log_sync(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_SYNC, .number = handle};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, &status)) {
        store->ops->sync(store, handle, op);
    }
    return status;
}

mm1_status mm1_log_truncate(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op, uint64_t size)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_TRUNCATE, .number = handle};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, &status)) {
        store->ops->truncate(store, handle, op, size);
    }
    return status;
}

mm1_status mm1_log_read(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op, uint64_t offset,
                        size_t size)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_READ, .number = handle};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, &status)) {
        store->ops->read(store, handle, op, offset, size);
    }
    return status;
}

void mm1_log_close(struct mm1_ctx *ctx, mm1_handle handle)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_CLOSE, .number = handle};
    mm1_status status;
    if (on_handle(ctx, &effect, true, &status)) {
        close_owned(ctx, handle, true);
    }
}
