/* Items: what travels between actors, and how it lands. */
#include "core/core.h"

static void *message_of(struct mm1__item *item)
{
    return (uint8_t *)item + sizeof(*item);
}

_Static_assert(sizeof(struct mm1__item) % _Alignof(max_align_t) == 0,
               "the message stands behind the item, aligned for any type");

static mm1_status encoded_copy(struct mm1_node *node, const struct mm1_msg_type *type,
                               const void *msg, struct mm1__item **out)
{
    mm1_buf_clear(&node->scratch);
    MM1_TRY(mm1_msg_encode(type, msg, &node->scratch));
    size_t size;
    struct mm1_bytes bytes = mm1_buf_bytes(&node->scratch);
    MM1_TRY(mm1_msg_decoded_size(type, bytes, node->types, &size));
    struct mm1__item *item = mm1_take(node->env.alloc, sizeof(*item) + size);
    if (item == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_decode(type, bytes, node->types, message_of(item));
    *item = (struct mm1__item){.block_size = sizeof(*item) + size};
    *out = item;
    return MM1_OK;
}

static mm1_status plain_copy(struct mm1_node *node, const struct mm1_msg_type *type,
                             const void *msg, struct mm1__item **out)
{
    size_t size = mm1_msg_copy_size(type, msg);
    struct mm1__item *item = mm1_take(node->env.alloc, sizeof(*item) + size);
    if (item == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(type, msg, message_of(item));
    *item = (struct mm1__item){.block_size = sizeof(*item) + size};
    *out = item;
    return MM1_OK;
}

mm1_status mm1__item_new(struct mm1_node *node, const struct mm1_msg_type *type, const void *msg,
                         struct mm1__item **out)
{
    struct mm1__item *item;
    if (node->encode && (type->flags & MM1_MSG_LOCAL_ONLY) == 0) {
        MM1_TRY(encoded_copy(node, type, msg, &item));
    } else {
        if (node->encode) {
            mm1_buf_clear(&node->scratch);
        }
        MM1_TRY(plain_copy(node, type, msg, &item));
    }
    item->env.type = type;
    item->env.msg = message_of(item);
    *out = item;
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

void mm1__item_free(struct mm1_node *node, struct mm1__item *item)
{
    mm1__item_settle(node, item);
    switch ((enum mm1__kind)item->kind) {
    case MM1__TIMER:
        mm1__timer_free(node, mm1__timer_of(item));
        return;
    case MM1__LINK:
    case MM1__UNLINK:
    case MM1__UNLINKED:
    case MM1__EXIT_LINK:
    case MM1__EXIT:
    case MM1__WATCH:
    case MM1__UNWATCH:
    case MM1__DOWN:
        mm1_give(node->env.alloc, mm1__signal_of(item), item->block_size);
        return;
    case MM1__MESSAGE:
    case MM1__START:
        mm1_give(node->env.alloc, item, item->block_size);
        return;
    }
}

void mm1__item_settle(struct mm1_node *node, struct mm1__item *item)
{
    if (item->counted) {
        (void)atomic_fetch_sub(&node->unrest, 1);
        item->counted = false;
    }
}

void mm1__item_enlist(struct mm1_node *node, struct mm1__item *item)
{
    item->number = atomic_fetch_add(&node->numbers, 1) + 1;
    if (!item->background && !item->counted) {
        item->counted = true;
        (void)atomic_fetch_add(&node->unrest, 1);
    }
}

void mm1__enqueue(struct mm1__queue *queue, struct mm1__item *item)
{
    item->next = NULL;
    if (queue->tail == NULL) {
        queue->head = item;
    } else {
        queue->tail->next = item;
    }
    queue->tail = item;
}

struct mm1__item *mm1__dequeue(struct mm1__queue *queue)
{
    struct mm1__item *item = queue->head;
    if (item != NULL) {
        queue->head = item->next;
        if (queue->head == NULL) {
            queue->tail = NULL;
        }
    }
    return item;
}

void mm1__wake(struct mm1_actor *actor)
{
    if (!atomic_exchange(&actor->token, true)) {
        struct mm1_sched *sched = mm1__node_of(actor)->env.sched;
        sched->ops->ready(sched, &actor->runnable);
    }
}

static void push_arrived(struct mm1_actor *actor, struct mm1__item *item)
{
    struct mm1__item *top = atomic_load_explicit(&actor->arrived, memory_order_relaxed);
    do {
        item->next = top;
    } while (!atomic_compare_exchange_weak(&actor->arrived, &top, item));
}

void mm1__land(struct mm1_node *node, struct mm1__item *item)
{
    struct mm1_actor *actor = mm1__live(node, item->route);
    if (actor == NULL) {
        mm1__bounce(node, item);
        return;
    }
    push_arrived(actor, item);
    mm1__wake(actor);
}

void mm1__post(struct mm1_node *node, struct mm1__item *item)
{
    struct mm1_sched *sched = node->env.sched;
    if (!sched->ops->hold(sched, node, item, MM1_ADDR(item->from), MM1_ADDR(item->route))) {
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
    if (item->kind == MM1__LINK) {
        item->kind = MM1__EXIT_LINK;
    } else if (item->kind == MM1__WATCH) {
        item->kind = MM1__DOWN;
    } else if (item->kind == MM1__UNLINK && mm1__signal_of(item)->unlink != 0) {
        item->kind = MM1__UNLINKED;
    } else {
        if (item->kind == MM1__MESSAGE) {
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
