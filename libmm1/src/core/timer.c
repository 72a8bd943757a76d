/* Timers: one block each, which is armed, travels when it fires, and is armed again when it is periodic. */
#include "base/order.h"
#include "core/core.h"

static uint64_t id_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct mm1__timer, node)->id;
}

static int compare_timers(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(id_of(a), id_of(b));
}

static int compare_timer_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, id_of(node));
}

/* Called by the clock, on a thread of its own perhaps. */
static void timer_fire(struct mm1_timer *base)
{
    struct mm1__timer *timer = MM1_CONTAINER_OF(base, struct mm1__timer, base);
    struct mm1_node *node = timer->home;
    if (mm1__traced(node)) {
        struct mm1_event event = {
            .kind = MM1_EVENT_POST,
            .actor = timer->path,
            .self = MM1_ADDR(timer->item.route),
            .cause = timer->item.cause,
            .signal = timer->item.number,
            .number = timer->id,
            .type = timer->item.env.type,
            .msg = timer->item.env.msg,
        };
        if (mm1__live(node, timer->item.route) != NULL) {
            timer->item.cause = node->env.trace->ops->emit(node->env.trace, &event);
        }
    }
    mm1__land(node, &timer->item);
}

static void arm(struct mm1_node *node, struct mm1__timer *timer)
{
    node->env.clock->ops->arm(node->env.clock, &timer->base);
}

/* The block of a timer with its message behind it. */
static mm1_status timer_new(struct mm1_node *node, const struct mm1_timer_spec *spec,
                            struct mm1__timer **out)
{
    size_t size = mm1_msg_copy_size(spec->type, spec->msg);
    struct mm1__timer *timer = mm1_take(node->env.alloc, sizeof(*timer) + size);
    if (timer == NULL) {
        return MM1_NOMEM;
    }
    memset(timer, 0, sizeof(*timer));
    void *message = (uint8_t *)timer + sizeof(*timer);
    mm1_msg_copy(spec->type, spec->msg, message);
    timer->home = node;
    timer->every_ns = spec->every_ns;
    timer->item.kind = MM1__TIMER;
    timer->item.block_size = sizeof(*timer) + size;
    timer->item.env.type = spec->type;
    timer->item.env.msg = message;
    timer->base.fire = timer_fire;
    *out = timer;
    return MM1_OK;
}

_Static_assert(sizeof(struct mm1__timer) % _Alignof(max_align_t) == 0,
               "the message stands behind the timer, aligned for any type");

static uint64_t due_of(struct mm1_ctx *ctx, const struct mm1_timer_spec *spec)
{
    if (spec->at_ns != 0) {
        return spec->at_ns;
    }
    uint64_t now = mm1_now(ctx);
    return spec->after_ns > UINT64_MAX - now ? UINT64_MAX : now + spec->after_ns;
}

static mm1_status timer_start(struct mm1_ctx *ctx, const struct mm1_timer_spec *spec,
                              uint64_t due_ns, uint64_t *id)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__bonds *bonds = mm1__bonds_of(actor);
    struct mm1__timer *timer;
    if (bonds == NULL) {
        return MM1_NOMEM;
    }
    bonds->timers.compare = compare_timers;
    MM1_TRY(timer_new(ctx->node, spec, &timer));
    timer->path = mm1_path_hold(actor->path);
    timer->id = ++actor->next_ref;
    timer->base.due_ns = due_ns;
    timer->base.entity = actor->runnable.entity + timer->id;
    timer->base.background = spec->background || ctx->background;
    timer->item.background = timer->base.background;
    timer->item.route = ctx->address;
    timer->item.from = mm1__address(actor);
    timer->item.cause = ctx->cause;
    timer->item.env.to = MM1_ADDR(ctx->address);
    timer->item.env.ttl = MM1_TTL_DEFAULT;
    mm1__item_enlist(ctx->node, &timer->item);
    timer->item.env.no = timer->item.number;
    (void)mm1_tree_insert(&bonds->timers, &timer->node);
    *id = timer->id;
    arm(ctx->node, timer);
    return MM1_OK;
}

mm1_status mm1_timer_start(struct mm1_ctx *ctx, const struct mm1_timer_spec *spec, uint64_t *id)
{
    uint64_t due_ns = due_of(ctx, spec);
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_TIMER_ARM, .number = due_ns, .type = spec->type, .msg = spec->msg};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        *id = answer.value;
        return answer.status;
    }
    mm1_status status = timer_start(ctx, spec, due_ns, id);
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

/* Whether the message that this turn handles is all that the timer had to say. */
static bool in_hand(const struct mm1_ctx *ctx, const struct mm1_tree_node *node)
{
    const struct mm1__timer *timer = MM1_CONTAINER_OF(node, const struct mm1__timer, node);
    return (ctx->actor->in_hand == &timer->item || timer->kept) && timer->every_ns == 0;
}

bool mm1_timer_cancel(struct mm1_ctx *ctx, uint64_t id)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_TIMER_CANCEL, .number = id};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.value != 0;
    }
    struct mm1__bonds *bonds = ctx->actor->bonds;
    struct mm1_tree_node *found =
        bonds == NULL ? NULL : mm1_tree_find(&bonds->timers, &id, compare_timer_key);
    if (found != NULL && in_hand(ctx, found)) {
        found = NULL;
    }
    mm1__emit_verb(ctx, &effect, found != NULL ? MM1_OK : MM1_NOT_FOUND);
    if (found == NULL) {
        return false;
    }
    struct mm1__timer *timer = MM1_CONTAINER_OF(found, struct mm1__timer, node);
    mm1_tree_remove(&bonds->timers, &timer->node);
    struct mm1_clock *clock = ctx->node->env.clock;
    if (clock->ops->cancel(clock, &timer->base)) {
        mm1__item_free(ctx->node, &timer->item);
    } else {
        timer->cancelled = true;
    }
    return true;
}

void mm1__timer_free(struct mm1_node *node, struct mm1__timer *timer)
{
    mm1_path_drop(timer->path);
    mm1_give(node->env.alloc, timer, timer->item.block_size);
}

void mm1__timer_taken(struct mm1_node *node, struct mm1_actor *actor, struct mm1__item *item)
{
    struct mm1__timer *timer = mm1__timer_of(item);
    if (timer->cancelled) {
        mm1__item_free(node, item);
        return;
    }
    if (timer->every_ns == 0) {
        mm1_tree_remove(&actor->bonds->timers, &timer->node);
        mm1__item_free(node, item);
        return;
    }
    timer->base.due_ns = timer->every_ns > UINT64_MAX - timer->base.due_ns
                             ? UINT64_MAX
                             : timer->base.due_ns + timer->every_ns;
    item->again = false;
    /* Counted again: a kept message was not. */
    mm1__item_settle(node, item);
    mm1__item_enlist(node, item);
    arm(node, timer);
}

/* A timer that has fired already is freed where its item is found. */
void mm1__timers_close(struct mm1_actor *actor, uint64_t context)
{
    if (actor->bonds == NULL) {
        return;
    }
    struct mm1_clock *clock = mm1__node_of(actor)->env.clock;
    MM1_TREE_FOREACH(node, &actor->bonds->timers) {
        struct mm1__timer *timer = MM1_CONTAINER_OF(node, struct mm1__timer, node);
        if (context != 0 && timer->item.route != context) {
            continue;
        }
        timer->cancelled = true;
        mm1_tree_remove(&actor->bonds->timers, node);
        if (clock->ops->cancel(clock, &timer->base)) {
            mm1__item_free(mm1__node_of(actor), &timer->item);
        }
    }
}
