/* Turns: take what has arrived, let signals act, hand one item to the behaviour; and the end of an actor. */
#include "core/core.h"

static struct mm1_actor *actor_of(const struct mm1_runnable *runnable)
{
    return MM1_CONTAINER_OF(runnable, struct mm1_actor, runnable);
}

/* All that has arrived, oldest first. */
static struct mm1__item *take_arrived(struct mm1_actor *actor)
{
    struct mm1__item *newest = atomic_exchange(&actor->arrived, NULL);
    struct mm1__item *oldest = NULL;
    while (newest != NULL) {
        struct mm1__item *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

static void bounce_arrived(struct mm1_actor *actor)
{
    struct mm1__item *item = take_arrived(actor);
    while (item != NULL) {
        struct mm1__item *next = item->next;
        mm1__bounce(mm1__node_of(actor), item);
        item = next;
    }
}

/* Lines up what has arrived. True: a signal ended the actor, for ctx->reason; what came after it is bounced. */
static bool line_up_arrived(struct mm1_ctx *ctx, uint64_t address)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1_node *node = ctx->node;
    bool ended = false;
    struct mm1__item *item = take_arrived(actor);
    while (item != NULL) {
        struct mm1__item *next = item->next;
        if (item->route != address) {
            mm1__bounce(node, item);
        } else if (item->kind == MM1__MESSAGE || item->kind == MM1__TIMER) {
            /* Also behind the end: a timer is still known to its actor. */
            mm1__enqueue(item->env.priority ? &actor->urgent : &actor->queue, item);
        } else if (ended) {
            mm1__bounce(node, item);
        } else {
            ended = mm1__signal_act(actor, item, &ctx->reason, &ctx->cause);
        }
        item = next;
    }
    return ended;
}

/* Takes in what has arrived. True: the actor is to end, for ctx->reason.
 * What a killer sent before its kill acts before it, and what it sent after is not handed over: so all that arrived
 * is taken between a look at the flag that finds it set and the end, and between a turn and a look that does not. */
static bool take_in(struct mm1_ctx *ctx, uint64_t address)
{
    struct mm1_actor *actor = ctx->actor;
    for (;;) {
        bool killed = atomic_load(&actor->kill) == address + 1;
        if (line_up_arrived(ctx, address)) {
            return true;
        }
        if (killed) {
            ctx->reason = mm1_reason_of(MM1_REASON_KILLED);
            ctx->cause = atomic_load(&actor->kill_cause);
            return true;
        }
        if (atomic_load(&actor->kill) != address + 1) {
            return false;
        }
    }
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static void discard_queue(struct mm1_actor *actor, struct mm1__queue *queue)
{
    struct mm1__item *item;
    while ((item = mm1__dequeue(queue)) != NULL) {
        mm1__bounce(mm1__node_of(actor), item);
    }
}

static void free_life(struct mm1_actor *actor)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (actor->bonds != NULL) {
        mm1__names_close(node, actor->bonds);
        mm1_give(node->env.alloc, actor->bonds, sizeof(*actor->bonds));
        actor->bonds = NULL;
    }
    mm1_give(node->env.alloc, actor->state, actor->behaviour->state_size);
    actor->state = NULL;
    mm1_path_drop(actor->path);
    actor->path = NULL;
}

static void end_actor(struct mm1_actor *actor, const struct mm1_reason *reason, uint64_t cause)
{
    struct mm1_node *node = mm1__node_of(actor);
    uint64_t address = mm1__address(actor);
    if (actor->started && actor->behaviour->fini != NULL) {
        actor->behaviour->fini(actor->state);
    }
    if (mm1__traced(node)) {
        struct mm1_event event = {.kind = MM1_EVENT_EXIT, .cause = cause, .reason = reason};
        cause = mm1__emit_of(actor, &event);
    }
    if (atomic_load(&node->main_live) == address + 1) {
        node->main_reason = *reason;
        atomic_store(&node->main_ended, true);
    }
    mm1__timers_close(actor);
    mm1__handles_close(actor);
    if (actor->bound) {
        mm1__bound_remove_all(node, address);
    }
    atomic_store(&actor->live, 0);
    discard_queue(actor, &actor->urgent);
    discard_queue(actor, &actor->queue);
    bounce_arrived(actor);
    mm1__bonds_break(actor, address, reason, cause);
    free_life(actor);
    (void)atomic_fetch_sub(&node->actors, 1);
    mm1__slot_give(node, actor);
}

/* Gives the token back, unless something has arrived meanwhile. */
static enum mm1_turn rest(struct mm1_actor *actor)
{
    if (actor->urgent.head != NULL || actor->queue.head != NULL) {
        return MM1_TURN_MORE;
    }
    atomic_store(&actor->token, false);
    uint64_t live = atomic_load(&actor->live);
    bool more =
        atomic_load(&actor->arrived) != NULL || (live != 0 && atomic_load(&actor->kill) == live);
    if (more && !atomic_exchange(&actor->token, true)) {
        return MM1_TURN_MORE;
    }
    return MM1_TURN_IDLE;
}

/* --- running -------------------------------------------------------------------------------------------------- */

/* The next item to hand over; timers that were cancelled after they fired are dropped on the way. */
static struct mm1__item *next_item(struct mm1_actor *actor)
{
    for (;;) {
        struct mm1__item *item = mm1__dequeue(&actor->urgent);
        if (item == NULL) {
            item = mm1__dequeue(&actor->queue);
        }
        if (item == NULL || item->kind != MM1__TIMER || !mm1__timer_of(item)->cancelled) {
            return item;
        }
        mm1__item_free(mm1__node_of(actor), item);
    }
}

static void trace_turn(struct mm1_ctx *ctx, const struct mm1__item *item)
{
    if (mm1__traced(ctx->node)) {
        struct mm1_event event = {
            .kind = item->kind == MM1__START ? MM1_EVENT_START : MM1_EVENT_RECEIVE,
            .peer = MM1_ADDR(item->from),
            .cause = item->cause,
            .signal = item->number,
            .type = item->env.type,
            .msg = item->env.msg,
        };
        ctx->cause = mm1__emit_of(ctx->actor, &event);
    }
}

static mm1_status hand_over(struct mm1_ctx *ctx, struct mm1__item *item)
{
    struct mm1_actor *actor = ctx->actor;
    if (item->permit) {
        (void)atomic_fetch_sub_explicit(&actor->inbox, 1, memory_order_relaxed);
    }
    if (item->kind == MM1__START) {
        actor->started = true;
        return actor->behaviour->init == NULL
                   ? MM1_OK
                   : actor->behaviour->init(ctx, actor->state, item->env.msg);
    }
    return actor->behaviour->receive(ctx, actor->state, &item->env);
}

/* Hands one item to the behaviour. True: the actor is to end, for ctx->reason. */
static bool run_item(struct mm1_ctx *ctx, struct mm1__item *item)
{
    bool first = item->kind == MM1__START;
    ctx->background = item->background;
    ctx->trace_id = item->env.trace_id;
    trace_turn(ctx, item);
    mm1_status status = hand_over(ctx, item);
    if (item->kind == MM1__TIMER) {
        mm1__timer_taken(ctx->node, ctx->actor, item);
    } else {
        mm1__item_free(ctx->node, item);
    }
    if (status != MM1_OK) {
        ctx->reason = first ? mm1_reason_of(MM1_REASON_INIT_FAILED)
                            : mm1_reason_error((int32_t)status, mm1_status_text(status));
        return true;
    }
    return ctx->quitting;
}

enum mm1_turn mm1_runnable_turn(struct mm1_runnable *runnable)
{
    struct mm1_actor *actor = actor_of(runnable);
    uint64_t live = atomic_load(&actor->live);
    if (live == 0) {
        bounce_arrived(actor);
        return rest(actor);
    }
    struct mm1_ctx ctx = {.actor = actor, .node = runnable->node};
    bool ended = take_in(&ctx, live - 1);
    if (!ended) {
        struct mm1__item *item = next_item(actor);
        if (item != NULL) {
            actor->in_hand = item;
            ended = run_item(&ctx, item);
            actor->in_hand = NULL;
        }
    }
    if (ended) {
        end_actor(actor, &ctx.reason, ctx.cause);
    }
    return rest(actor);
}

/* --- for schedulers ------------------------------------------------------------------------------------------- */

const struct mm1_path *mm1_runnable_path(const struct mm1_runnable *runnable)
{
    return actor_of(runnable)->path;
}

const struct mm1_msg_type *mm1_runnable_next(const struct mm1_runnable *runnable, const void **msg)
{
    const struct mm1_actor *actor = actor_of(runnable);
    const struct mm1__item *item = actor->urgent.head;
    if (item == NULL) {
        item = actor->queue.head;
    }
    for (const struct mm1__item *older = atomic_load(&actor->arrived);
         item == NULL && older != NULL; older = older->next) {
        if (older->next == NULL) {
            item = older;
        }
    }
    if (item == NULL || item->env.type == NULL) {
        *msg = NULL;
        return NULL;
    }
    *msg = item->env.msg;
    return item->env.type;
}

void mm1_node_land(struct mm1_node *node, void *signal)
{
    mm1__land(node, signal);
}

void mm1_node_drop(struct mm1_node *node, void *signal)
{
    mm1__item_free(node, signal);
}

uint64_t mm1_signal_number(const void *signal)
{
    return ((const struct mm1__item *)signal)->number;
}
