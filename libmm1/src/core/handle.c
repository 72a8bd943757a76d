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

/* All of these run with the node's lock held. */

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

static void leave(struct mm1_node *node, struct mm1__handle *record)
{
    mm1_tree_remove(&node->handles, &record->node);
    mm1_list_remove(&record->of_actor);
}

static struct mm1__item *reserve_pop(struct mm1__handle *record)
{
    struct mm1__item *item = record->reserve;
    if (item != NULL) {
        record->reserve = item->next;
    }
    return item;
}

static void reserve_push(struct mm1__handle *record, struct mm1__item *item)
{
    item->next = record->reserve;
    record->reserve = item;
}

/* From here on without the lock. */

static void record_free(struct mm1_node *node, struct mm1__handle *record)
{
    struct mm1__item *item;
    while ((item = reserve_pop(record)) != NULL) {
        mm1__item_free(node, item);
    }
    mm1_path_drop(record->path);
    mm1_give(node->env.alloc, record, sizeof(*record));
}

/* A record that nobody has entered yet, with `words` blocks in reserve; null when memory is refused. */
static struct mm1__handle *record_new(struct mm1_node *node, unsigned words)
{
    struct mm1__handle *record = mm1_take_zero(node->env.alloc, sizeof(*record));
    for (unsigned i = 0; record != NULL && i < words; i++) {
        struct mm1__item *item;
        if (mm1__item_reserve(node, &item) != MM1_OK) {
            record_free(node, record);
            return NULL;
        }
        reserve_push(record, item);
    }
    return record;
}

/* A new handle of the running actor; 0 when memory is refused. */
static mm1_handle handle_new(struct mm1_ctx *ctx, enum mm1_effect_kind kind)
{
    struct mm1_node *node = ctx->node;
    /* A dial is told that it stands, and later that it ended; of others the first word may be the last. */
    struct mm1__handle *record = record_new(node, kind == MM1_EFFECT_NET_DIAL ? 2 : 1);
    if (record == NULL) {
        return 0;
    }
    if (mm1__bonds_of(ctx->actor) == NULL) {
        record_free(node, record);
        return 0;
    }
    record->is_log = kind == MM1_EFFECT_LOG_OPEN;
    record->is_listener = kind == MM1_EFFECT_NET_LISTEN;
    record->path = mm1_path_hold(ctx->actor->path);
    mm1__lock(node);
    enter(node, record, ctx->address);
    mm1_handle handle = record->handle;
    mm1__unlock(node);
    return handle;
}

/* With the lock held: the record of a handle of this actor, or null. */
static struct mm1__handle *find_owned(struct mm1_ctx *ctx, mm1_handle handle, bool is_log)
{
    struct mm1__handle *record = find(ctx->node, handle);
    bool yes = record != NULL && mm1__block(ctx->node, record->owner) == mm1__address(ctx->actor) &&
               record->is_log == is_log;
    return yes ? record : NULL;
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
    struct mm1__handle *record = find_owned(ctx, handle, is_log);
    if (record != NULL) {
        leave(ctx->node, record);
    }
    mm1__unlock(ctx->node);
    if (record != NULL) {
        close_one(ctx->node, record);
    }
}

/* With the lock held: the first handle of the actor, of the context where it is not 0. */
static struct mm1__handle *first_of(struct mm1_actor *actor, uint64_t context)
{
    MM1_LIST_FOREACH(link, &actor->bonds->handles) {
        struct mm1__handle *record = MM1_CONTAINER_OF(link, struct mm1__handle, of_actor);
        if (context == 0 || record->owner == context) {
            return record;
        }
    }
    return NULL;
}

void mm1__handles_close(struct mm1_actor *actor, uint64_t context)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (actor->bonds == NULL) {
        return;
    }
    for (;;) {
        mm1__lock(node);
        struct mm1__handle *record = first_of(actor, context);
        if (record != NULL) {
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
static bool ends_handle(const struct mm1__handle *record, const struct mm1_msg_type *type)
{
    return type == &mm1_failed_type || type == &mm1_ended_type ||
           (type == &mm1_log_failed_type && !record->opened);
}

/* Where a completion goes. */
struct target {
    uint64_t owner;
    mm1_handle handle;
    struct mm1_path *path; /* null: nobody wants to know */
    bool background;
};

/* With the lock held. */
static struct target target_of(struct mm1_node *node, const struct mm1__handle *record,
                               bool background)
{
    return (struct target){
        .owner = record->owner,
        .handle = record->handle,
        .path = mm1__traced(node) ? mm1_path_hold(record->path) : NULL,
        .background = background,
    };
}

static void deliver(struct mm1_node *node, const struct target *target, struct mm1__item *item)
{
    item->kind = MM1__MESSAGE;
    item->route = target->owner;
    item->background = target->background;
    mm1__item_enlist(node, item);
    item->env.to = MM1_ADDR(target->owner);
    item->env.no = item->number;
    item->env.ttl = MM1_TTL_DEFAULT;
    if (target->path != NULL && mm1__live(node, target->owner) != NULL) {
        struct mm1_event event = {
            .kind = MM1_EVENT_POST,
            .actor = target->path,
            .self = MM1_ADDR(target->owner),
            .signal = item->number,
            .number = target->handle,
            .type = item->env.type,
            .msg = item->env.msg,
            .encoded = mm1__encoded(node),
        };
        item->cause = node->env.trace->ops->emit(node->env.trace, &event);
    }
    mm1_path_drop(target->path);
    mm1__land(node, item);
}

/* The item of a completion: the block that was reserved for it, or one that has room for the reason of a failure; where
 * memory is refused the reason is left out. */
static struct mm1__item *word_of(struct mm1_node *node, struct mm1__item *reserved,
                                 const struct mm1_msg_type *type, const void *msg)
{
    MM1_CHECK(reserved != NULL); /* a port answers what it was asked, once */
    mm1_status status = mm1__item_fill(node, reserved, type, msg);
    struct mm1__item *whole;
    if (status == MM1_OK) {
        return reserved;
    }
    if (mm1__item_new(node, type, msg, &whole) == MM1_OK) {
        mm1__item_free(node, reserved);
        return whole;
    }
    if (type == &mm1_failed_type) {
        struct mm1_failed failed = *(const struct mm1_failed *)msg;
        failed.reason = (struct mm1_text){0};
        status = mm1__item_fill(node, reserved, type, &failed);
    } else if (type == &mm1_log_failed_type) {
        struct mm1_log_failed failed = *(const struct mm1_log_failed *)msg;
        failed.reason = (struct mm1_text){0};
        status = mm1__item_fill(node, reserved, type, &failed);
    }
    MM1_CHECK(status == MM1_OK);
    return reserved;
}

static void sink_post(struct mm1_port_sink *sink, mm1_handle handle, bool background,
                      const struct mm1_msg_type *type, const void *msg)
{
    struct mm1_node *node = MM1_CONTAINER_OF(sink, struct mm1_node, sink);
    struct mm1__handle *gone = NULL;
    mm1__lock(node);
    struct mm1__handle *record = find(node, handle);
    if (record == NULL) {
        mm1__unlock(node);
        return;
    }
    struct target target = target_of(node, record, background);
    struct mm1__item *reserved = reserve_pop(record);
    if (ends_handle(record, type)) {
        leave(node, record);
        gone = record;
    }
    record->opened = record->opened || type == &mm1_log_opened_type;
    mm1__unlock(node);
    if (gone != NULL) {
        record_free(node, gone);
    }
    deliver(node, &target, word_of(node, reserved, type, msg));
}

static mm1_status sink_post_data(struct mm1_port_sink *sink, mm1_handle handle, bool background,
                                 const struct mm1_msg_type *type, const void *msg)
{
    struct mm1_node *node = MM1_CONTAINER_OF(sink, struct mm1_node, sink);
    struct mm1__item *item;
    MM1_TRY(mm1__item_new(node, type, msg, &item));
    mm1__lock(node);
    struct mm1__handle *record = find(node, handle);
    if (record == NULL) {
        mm1__unlock(node);
        mm1__item_free(node, item);
        return MM1_OK;
    }
    struct target target = target_of(node, record, background);
    struct mm1__item *spared = type == &mm1_received_type ? NULL : reserve_pop(record);
    mm1__unlock(node);
    if (spared != NULL) {
        mm1__item_free(node, spared);
    }
    deliver(node, &target, item);
    return MM1_OK;
}

static mm1_handle sink_adopt(struct mm1_port_sink *sink, mm1_handle parent)
{
    struct mm1_node *node = MM1_CONTAINER_OF(sink, struct mm1_node, sink);
    /* Its own last word, and the listener's about it. */
    struct mm1__handle *record = record_new(node, 2);
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
        reserve_push(listener, reserve_pop(record));
        enter(node, record, listener->owner);
        handle = record->handle;
    }
    mm1__unlock(node);
    if (handle == 0) {
        record_free(node, record);
    }
    return handle;
}

void mm1__sink_init(struct mm1_node *node)
{
    node->sink =
        (struct mm1_port_sink){.post = sink_post, .post_data = sink_post_data, .adopt = sink_adopt};
    node->handles.compare = compare_handles;
}

/* --- the verbs ------------------------------------------------------------------------------------------------ */

/* The port was not able to begin: what stands for the handle goes again. */
static void open_undo(struct mm1_node *node, mm1_handle handle)
{
    mm1__lock(node);
    struct mm1__handle *record = find(node, handle);
    if (record != NULL) {
        leave(node, record);
    }
    mm1__unlock(node);
    if (record != NULL) {
        record_free(node, record);
    }
}

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
    *handle = handle_new(ctx, kind);
    effect.number = *handle;
    mm1_status status = *handle == 0 ? MM1_NOMEM : MM1_OK;
    mm1__emit_verb(ctx, &effect, status);
    if (status != MM1_OK) {
        return status;
    }
    if (kind == MM1_EFFECT_NET_LISTEN) {
        status = env->transport->ops->listen(env->transport, *handle, name);
    } else if (kind == MM1_EFFECT_NET_DIAL) {
        status = env->transport->ops->dial(env->transport, *handle, name);
    } else {
        status = env->store->ops->open(env->store, *handle, name);
    }
    if (status != MM1_OK) {
        open_undo(ctx->node, *handle);
        *handle = 0;
    }
    return status;
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
            record->owner = ctx->address;
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

/* Whether a verb may act on a handle; `answered`: then a block for its answer is put in reserve. */
static mm1_status prepare(struct mm1_ctx *ctx, const struct mm1_effect *effect, bool is_log,
                          bool answered)
{
    struct mm1__item *item = NULL;
    mm1_status status = answered ? mm1__item_reserve(ctx->node, &item) : MM1_OK;
    bool streams = effect->kind == MM1_EFFECT_NET_READ || effect->kind == MM1_EFFECT_NET_SEND;
    mm1__lock(ctx->node);
    struct mm1__handle *record = find_owned(ctx, effect->number, is_log);
    /* Whoever listens may turn a connection away that nobody has claimed. */
    bool claimed = record != NULL && (record->parent == 0 || effect->kind == MM1_EFFECT_NET_CLOSE);
    bool fits = claimed && !(streams && record->is_listener);
    if (fits && item != NULL) {
        reserve_push(record, item);
        item = NULL;
    }
    mm1__unlock(ctx->node);
    if (item != NULL) {
        mm1__item_free(ctx->node, item);
    }
    return fits ? status : MM1_NOT_FOUND;
}

/* True: `effect` is to be carried out on a handle of this actor; else `*status` is the verb's. */
static bool on_handle(struct mm1_ctx *ctx, const struct mm1_effect *effect, bool is_log,
                      bool answered, mm1_status *status)
{
    struct mm1_answer answer;
    if (!mm1__effect(ctx, effect, &answer)) {
        *status = answer.status;
        return false;
    }
    *status = prepare(ctx, effect, is_log, answered);
    mm1__emit_verb(ctx, effect, *status);
    return *status == MM1_OK;
}

/* `status` is the port's. Unless it began, there will be no answer. */
static mm1_status begun(struct mm1_ctx *ctx, mm1_handle handle, mm1_status status)
{
    if (status == MM1_OK) {
        return status;
    }
    mm1__lock(ctx->node);
    struct mm1__handle *record = find(ctx->node, handle);
    struct mm1__item *item = record == NULL ? NULL : reserve_pop(record);
    mm1__unlock(ctx->node);
    if (item != NULL) {
        mm1__item_free(ctx->node, item);
    }
    return status;
}

mm1_status mm1_net_read(struct mm1_ctx *ctx, mm1_handle handle, size_t size)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_READ, .number = handle};
    struct mm1_transport *transport = ctx->node->env.transport;
    mm1_status status;
    if (on_handle(ctx, &effect, false, false, &status)) {
        transport->ops->read(transport, handle, size);
    }
    return status;
}

mm1_status mm1_net_send(struct mm1_ctx *ctx, mm1_handle handle, struct mm1_bytes bytes)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_SEND, .number = handle, .data = bytes};
    struct mm1_transport *transport = ctx->node->env.transport;
    mm1_status status;
    if (on_handle(ctx, &effect, false, true, &status)) {
        status =
            begun(ctx, handle, transport->ops->send(transport, handle, bytes, ctx->background));
    }
    return status;
}

void mm1_net_close(struct mm1_ctx *ctx, mm1_handle handle)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_NET_CLOSE, .number = handle};
    mm1_status status;
    if (on_handle(ctx, &effect, false, false, &status)) {
        close_owned(ctx, handle, false);
    }
}

mm1_status mm1_log_append(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op,
                          struct mm1_bytes bytes)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_APPEND, .number = handle, .data = bytes};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, true, &status)) {
        status = begun(ctx, handle, store->ops->append(store, handle, op, bytes));
    }
    return status;
}

mm1_status mm1_log_sync(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_SYNC, .number = handle};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, true, &status)) {
        status = begun(ctx, handle, store->ops->sync(store, handle, op));
    }
    return status;
}

mm1_status mm1_log_truncate(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op, uint64_t size)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_TRUNCATE, .number = handle};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, true, &status)) {
        status = begun(ctx, handle, store->ops->truncate(store, handle, op, size));
    }
    return status;
}

mm1_status mm1_log_read(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op, uint64_t offset,
                        size_t size)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_READ, .number = handle};
    struct mm1_store *store = ctx->node->env.store;
    mm1_status status;
    if (on_handle(ctx, &effect, true, true, &status)) {
        status = begun(ctx, handle, store->ops->read(store, handle, op, offset, size));
    }
    return status;
}

void mm1_log_close(struct mm1_ctx *ctx, mm1_handle handle)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LOG_CLOSE, .number = handle};
    mm1_status status;
    if (on_handle(ctx, &effect, true, false, &status)) {
        close_owned(ctx, handle, true);
    }
}
