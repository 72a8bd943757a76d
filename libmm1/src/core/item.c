/* Items: what travels between actors, and how it lands. */
#include "core/core.h"
#include "core/metrics.h"

_Static_assert(sizeof(struct mm1__item) % _Alignof(max_align_t) == 0,
               "the message stands behind the item, aligned for any type");

static bool is_encoded(const struct mm1_node *node, const struct mm1_msg_type *type)
{
    return node->encode && (type->flags & MM1_MSG_LOCAL_ONLY) == 0;
}

/* How many bytes a message takes behind its item. Its encoding is then in node->scratch. */
static mm1_status measure(struct mm1_node *node, const struct mm1_msg_type *type, const void *msg,
                          size_t *size)
{
    if (node->encode) {
        mm1_buf_clear(&node->scratch);
    }
    if (!is_encoded(node, type)) {
        *size = mm1_msg_copy_size(type, msg);
        return MM1_OK;
    }
    MM1_TRY(mm1_msg_encode(type, msg, &node->scratch));
    return mm1_msg_decoded_size(type, mm1_buf_bytes(&node->scratch), node->types, size);
}

/* Writes an item and the message that was measured last into a block. */
static void place(struct mm1_node *node, const struct mm1_msg_type *type, const void *msg,
                  size_t block_size, struct mm1__item *item)
{
    if (is_encoded(node, type)) {
        mm1_msg_decode(type, mm1_buf_bytes(&node->scratch), node->types, mm1__item_msg(item));
    } else {
        mm1_msg_copy(type, msg, mm1__item_msg(item));
    }
    mm1__item_init(item, block_size);
    item->env.type = type;
    item->env.msg = mm1__item_msg(item);
}

mm1_status mm1__item_new_other(struct mm1_node *node, const struct mm1_msg_type *type,
                               const void *msg, struct mm1__item **out)
{
    size_t size;
    MM1_TRY(measure(node, type, msg, &size));
    struct mm1__item *item = mm1_take(node->env.alloc, sizeof(*item) + size);
    if (item == NULL) {
        return MM1_NOMEM;
    }
    place(node, type, msg, sizeof(*item) + size, item);
    *out = item;
    return MM1_OK;
}

/* Room for the struct of any completion, decoded or not: what it carries besides comes on top. */
union completion {
    struct mm1_connected connected;
    struct mm1_failed failed;
    struct mm1_accepted accepted;
    struct mm1_sent sent;
    struct mm1_ended ended;
    struct mm1_log_opened opened;
    struct mm1_log_done done;
    struct mm1_log_failed log_failed;
};
/* And for its encoding; the encoder asks for more than it needs. */
#define COMPLETION_ENCODED_MAX 128

mm1_status mm1__item_reserve(struct mm1_node *node, struct mm1__item **out)
{
    if (node->encode) {
        mm1_buf_clear(&node->scratch);
        MM1_TRY(mm1_buf_reserve(&node->scratch, COMPLETION_ENCODED_MAX));
    }
    size_t size = sizeof(struct mm1__item) + sizeof(union completion);
    struct mm1__item *item = mm1_take(node->env.alloc, size);
    if (item == NULL) {
        return MM1_NOMEM;
    }
    mm1__item_init(item, size);
    *out = item;
    return MM1_OK;
}

mm1_status mm1__item_fill(struct mm1_node *node, struct mm1__item *item,
                          const struct mm1_msg_type *type, const void *msg)
{
    size_t size;
    MM1_TRY(measure(node, type, msg, &size));
    if (size > item->block_size - sizeof(*item)) {
        return MM1_TOO_LARGE;
    }
    place(node, type, msg, item->block_size, item);
    return MM1_OK;
}

struct mm1_bytes mm1__encoded(const struct mm1_node *node)
{
    return mm1_buf_bytes(&node->scratch);
}

mm1_status mm1__signal_new(struct mm1_node *node, enum mm1__kind kind, struct mm1__signal **out)
{
    struct mm1__signal *signal = mm1_take_zero(node->env.alloc, sizeof(*signal));
    if (signal == NULL) {
        return MM1_NOMEM;
    }
    signal->item.kind = (uint8_t)kind;
    signal->item.block_size = sizeof(*signal);
    *out = signal;
    return MM1_OK;
}

mm1_status mm1__start_new(struct mm1_node *node, const struct mm1_msg_type *type, const void *arg,
                          size_t arg_size, struct mm1__item **out)
{
    if (type != NULL && arg != NULL) {
        MM1_TRY(mm1__item_new(node, type, arg, out));
    } else {
        size_t size = arg == NULL ? 0 : arg_size;
        if (arg != NULL && size == 0) {
            return MM1_INVALID;
        }
        struct mm1__item *item = mm1_take(node->env.alloc, sizeof(*item) + size);
        if (item == NULL) {
            return MM1_NOMEM;
        }
        mm1__item_init(item, sizeof(*item) + size);
        if (size != 0) {
            memcpy(mm1__item_msg(item), arg, size);
            item->env.msg = mm1__item_msg(item);
        }
        *out = item;
    }
    (*out)->kind = MM1__START;
    return MM1_OK;
}

void mm1__item_free_other(struct mm1_node *node, struct mm1__item *item)
{
    switch ((enum mm1__kind)item->kind) {
    case MM1__TIMER:
        mm1__timer_free(node, mm1__timer_of(item));
        return;
    case MM1__LINK:
        if (mm1__signal_of(item)->start != 0 && mm1__signal_of(item)->msg.spare != NULL) {
            struct mm1__signal *spare = mm1__signal_of(item)->msg.spare;
            mm1_give(node->env.alloc, spare, spare->item.block_size);
        }
        mm1_give(node->env.alloc, mm1__signal_of(item), item->block_size);
        return;
    case MM1__UNLINK:
    case MM1__UNLINKED:
    case MM1__KILL:
    case MM1__STARTED:
    case MM1__EXIT_LINK:
    case MM1__EXIT:
    case MM1__WATCH:
    case MM1__UNWATCH:
    case MM1__DOWN:
        mm1_give(node->env.alloc, mm1__signal_of(item), item->block_size);
        return;
    case MM1__MESSAGE: /* freed already */
    case MM1__START:
        return;
    }
}

void mm1__queue_remove(struct mm1__queue *queue, struct mm1__item *before, struct mm1__item *item)
{
    if (before == NULL) {
        queue->head = item->next;
    } else {
        before->next = item->next;
    }
    if (queue->tail == item) {
        queue->tail = before;
    }
}

void mm1__requeue(struct mm1__queue *queue, struct mm1__queue *front)
{
    if (front->tail == NULL) {
        return;
    }
    front->tail->next = queue->head;
    queue->tail = queue->tail == NULL ? front->tail : queue->tail;
    queue->head = front->head;
    *front = (struct mm1__queue){.head = NULL};
}

void mm1__land(struct mm1_node *node, struct mm1__item *item)
{
    struct mm1_actor *actor = mm1__live(node, item->route);
    if (actor == NULL) {
        mm1__bounce(node, item);
        return;
    }
    mm1__leave(node, actor, item);
}

void mm1__post(struct mm1_node *node, struct mm1__item *item)
{
    struct mm1_sched *sched = node->env.sched;
    if (sched->passes ||
        !sched->ops->hold(sched, node, item, MM1_ADDR(mm1__block(node, item->from)),
                          MM1_ADDR(mm1__block(node, item->route)))) {
        mm1__land(node, item);
    }
}

static void trace_lost(struct mm1_node *node, const struct mm1__item *item)
{
    if (mm1__traced(node)) {
        struct mm1_event event = {
            .kind = MM1_EVENT_LOST,
            .status = MM1_NOPROC,
            .peer = MM1_ADDR(item->route),
            .cause = item->cause,
            .signal = item->number,
            .type = item->env.type,
        };
        (void)node->env.trace->ops->emit(node->env.trace, &event);
    }
}

void mm1__bounce(struct mm1_node *node, struct mm1__item *item)
{
    if (item->kind == MM1__LINK && mm1__signal_of(item)->start == 0) {
        item->kind = MM1__EXIT_LINK;
    } else if (item->kind == MM1__WATCH) {
        item->kind = MM1__DOWN;
    } else if (item->kind == MM1__UNLINK && mm1__signal_of(item)->unlink != 0) {
        item->kind = MM1__UNLINKED;
    } else {
        if (item->kind == MM1__MESSAGE) {
            mm1__metric_unsent(node, MM1_NOPROC);
            trace_lost(node, item);
        }
        mm1__item_free(node, item);
        return;
    }
    mm1__signal_of(item)->reason = mm1_reason_of(MM1_REASON_NOPROC);
    uint64_t asked = item->route;
    item->route = item->from;
    item->from = asked;
    mm1__post(node, item); /* behind what the dead had sent before */
}
