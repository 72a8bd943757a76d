/* Turns: take what has arrived, let signals act, hand one item to the behaviour; and the end of an actor. */
#include "core/core.h"
#include "core/metrics.h"

static struct mm1_actor *actor_of(const struct mm1_runnable *runnable)
{
    return MM1_CONTAINER_OF(runnable, struct mm1_actor, runnable);
}

/* All that has arrived, oldest first. */
static inline struct mm1__item *take_arrived(struct mm1_actor *actor)
{
    struct mm1__item *newest = atomic_load_explicit(&actor->arrived, memory_order_relaxed);
    if (newest == NULL) {
        return NULL;
    }
    if (mm1__node_of(actor)->one_thread) {
        atomic_store_explicit(&actor->arrived, NULL, memory_order_relaxed);
    } else {
        newest = atomic_exchange(&actor->arrived, NULL);
    }
    if (newest->next == NULL) {
        return newest;
    }
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

/* Whether a message was still on its way when its inbox was closed: it comes behind mm1_closed. */
static bool is_too_late(struct mm1_actor *actor, const struct mm1__item *item)
{
    struct mm1_ctx *ctx = mm1__context(actor, item->route);
    /* A completion comes from nobody, and without a permit. */
    bool completion = item->from == 0 && item->inbox == NULL && !item->env.priority;
    if (ctx == NULL || item->kind != MM1__MESSAGE || completion) {
        return false;
    }
    bool late = ctx->drained;
    ctx->drained = late || (item->env.type == &mm1_closed_type &&
                            item->from == mm1__address(actor) && ctx->closed);
    return late;
}

/* One to answer here: what only passes through, on its way to another node, is a message. */
static bool is_ping(const struct mm1_node *node, const struct mm1__item *item)
{
    return item->kind == MM1__MESSAGE && item->env.type == &mm1_ping_type &&
           ((const struct mm1_ping *)item->env.msg)->reply_to.some &&
           mm1__is_local(node, item->env.to);
}

/* Lines up what has arrived. True: a signal ended the actor, for turn->reason; what came after it is bounced. */
static bool line_up_arrived(struct mm1_actor *actor, struct mm1__turn *turn, uint64_t address)
{
    struct mm1_node *node = mm1__node_of(actor);
    bool ended = false;
    struct mm1__item *item = take_arrived(actor);
    while (item != NULL) {
        struct mm1__item *next = item->next;
        if (mm1__block(node, item->route) != address) {
            mm1__bounce(node, item);
        } else if (item->kind == MM1__MESSAGE || item->kind == MM1__TIMER) {
            if (is_ping(node, item) && !ended) {
                mm1__pong(actor, item);
            } else if (actor->closing && is_too_late(actor, item)) {
                mm1__permit_end(node, item);
                mm1__bounce(node, item);
            } else {
                /* Also behind the end: a timer is still known to its actor. */
                mm1__enqueue(item->env.priority ? &actor->urgent : &actor->queue, item);
            }
        } else if (ended) {
            mm1__bounce(node, item);
        } else {
            ended = mm1__signal_act(actor, item, &turn->reason, &actor->main.cause);
        }
        item = next;
    }
    return ended;
}

/* Takes in what has arrived. True: the actor is to end, for turn->reason.
 * What a killer sent before its kill acts before it, and what it sent after is not handed over: so all that arrived
 * is taken between a look at the flag that finds it set and the end, and between a turn and a look that does not. */
static bool take_in(struct mm1_actor *actor, struct mm1__turn *turn, uint64_t address)
{
    for (;;) {
        bool killed = atomic_load(&actor->kill) == address + 1;
        if (line_up_arrived(actor, turn, address)) {
            return true;
        }
        if (killed) {
            turn->reason = mm1_reason_of(MM1_REASON_KILLED);
            actor->main.cause = atomic_load(&actor->kill_cause);
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

void mm1__state_close(struct mm1_ctx *ctx, bool cut_off)
{
    const struct mm1_behaviour *behaviour = ctx->behaviour;
    /* State that an interrupted turn was about to change may not be fit to be freed by its owner. */
    if (ctx->started && cut_off && behaviour->abandon != NULL) {
        behaviour->abandon(ctx->state);
    }
    if (ctx->started && !cut_off && behaviour->fini != NULL) {
        behaviour->fini(ctx->state);
    }
    ctx->started = false;
    mm1_give(ctx->node->env.alloc, ctx->state, behaviour->state_size);
    ctx->state = NULL;
}

static void free_life(struct mm1_actor *actor)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (actor->bonds != NULL) {
        mm1__names_close(node, actor->bonds);
        mm1_give(node->env.alloc, actor->bonds, sizeof(*actor->bonds));
        actor->bonds = NULL;
    }
    if (actor->started != NULL) {
        mm1__item_free(node, &actor->started->item);
        actor->started = NULL;
    }
    mm1_path_drop(actor->path);
    actor->path = NULL;
}

static void tell_failed(const struct mm1_actor *actor, const struct mm1_reason *reason)
{
    struct mm1_failure_sink *sink = mm1__node_of(actor)->failures;
    if (sink != NULL && !mm1_reason_is_clean(reason)) {
        sink->failed(sink, actor->path, MM1_ADDR(mm1__address(actor)), reason);
    }
}

/* Unless another main has been spawned meanwhile. */
static void main_ends(struct mm1_node *node, uint64_t address, const struct mm1_reason *reason)
{
    mm1__lock(node);
    if (atomic_load(&node->main_live) == address + 1) {
        node->main_reason = *reason;
        atomic_store(&node->main_ended, true);
    }
    mm1__unlock(node);
}

static void end_actor(struct mm1_actor *actor, const struct mm1_reason *reason)
{
    struct mm1_node *node = mm1__node_of(actor);
    uint64_t address = mm1__address(actor);
    uint64_t cause = actor->main.cause;
    if (actor->bonds != NULL) {
        mm1__forks_drop(actor, false);
    }
    mm1__state_close(&actor->main, false);
    if (mm1__traced(node)) {
        struct mm1_event event = {.kind = MM1_EVENT_EXIT, .cause = cause, .reason = reason};
        cause = mm1__emit_of(actor, &event);
    }
    mm1__metric_exit(actor, reason);
    tell_failed(actor, reason);
    if (atomic_load(&node->main_live) == address + 1) {
        main_ends(node, address, reason);
    }
    if (actor->bonds != NULL) {
        mm1__timers_close(actor, 0);
        mm1__handles_close(actor, 0);
    }
    if (actor->main.bound) {
        mm1__bound_remove_all(node, address);
    }
    atomic_store(&actor->live, 0);
    discard_queue(actor, &actor->urgent);
    discard_queue(actor, &actor->main.aside);
    discard_queue(actor, &actor->queue);
    bounce_arrived(actor);
    mm1__bonds_break(actor, address, reason, cause);
    free_life(actor);
    (void)atomic_fetch_sub(&node->actors, 1);
    mm1__slot_give(node, actor);
}

static inline bool has_work(const struct mm1_actor *actor)
{
    uint64_t live = atomic_load(&actor->live);
    return atomic_load(&actor->arrived) != NULL || (live != 0 && atomic_load(&actor->kill) == live);
}

static bool is_suspended(const struct mm1_actor *actor)
{
    uint64_t suspended = atomic_load_explicit(&actor->suspended, memory_order_relaxed);
    return suspended != 0 && suspended == atomic_load(&actor->live);
}

/* Gives the token back, unless something has arrived meanwhile. */
static enum mm1_turn rest(struct mm1_actor *actor)
{
    struct mm1_node *node = mm1__node_of(actor);
    bool queued = actor->urgent.head != NULL || actor->queue.head != NULL;
    if (queued && !is_suspended(actor)) {
        return MM1_TURN_MORE;
    }
    if (node->one_thread) {
        if (has_work(actor)) {
            return MM1_TURN_MORE;
        }
        atomic_store_explicit(&actor->token, false, memory_order_relaxed);
    } else {
        atomic_store(&actor->token, false);
        /* A resume that came before the token was given back woke nobody. */
        bool more = has_work(actor) || (queued && !is_suspended(actor));
        if (more && !atomic_exchange(&actor->token, true)) {
            return MM1_TURN_MORE;
        }
    }
    (void)mm1__add(node, &node->awake, UINT64_MAX);
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
        /* one that was cancelled after it fired */
        mm1__item_free(mm1__node_of(actor), item);
    }
}

static void trace_turn(struct mm1_ctx *ctx, const struct mm1__item *item)
{
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

static void tap_received(const struct mm1_ctx *ctx, const struct mm1__item *item)
{
    struct mm1_tap *tap = mm1__tap(ctx->actor);
    if (tap != NULL && item->kind != MM1__START) {
        tap->ops->received(tap, ctx->actor->path, MM1_ADDR(ctx->address), &item->env);
    }
}

static mm1_status hand_over(struct mm1_ctx *ctx, struct mm1__item *item)
{
    const struct mm1_behaviour *behaviour = ctx->behaviour;
    mm1__permit_end(ctx->node, item);
    if (item->kind == MM1__START) {
        ctx->started = true;
        return behaviour->init == NULL ? MM1_OK : behaviour->init(ctx, ctx->state, item->env.msg);
    }
    mm1__metric_receive(ctx->actor);
    return behaviour->receive(ctx, ctx->state, &item->env);
}

/* The item of a turn that is over. */
static void put_down(struct mm1_ctx *ctx, struct mm1__item *item)
{
    if (item->kind == MM1__TIMER) {
        mm1__timer_taken(ctx->node, ctx->actor, item);
    } else {
        mm1__item_free(ctx->node, item);
    }
}

/* Hands one item to its context. True: the actor is to end, for turn->reason. */
static bool run_item(struct mm1_ctx *ctx, struct mm1__turn *turn, struct mm1__item *item)
{
    struct mm1_actor *actor = ctx->actor;
    bool first = item->kind == MM1__START;
    ctx->turn = turn;
    ctx->background = item->background;
    ctx->trace_id = item->kind == MM1__TIMER ? mm1_trace_new(ctx) : item->env.trace_id;
    ctx->cause = 0;
    if (mm1__traced(ctx->node)) {
        trace_turn(ctx, item);
    }
    if (mm1__tap(actor) != NULL) {
        tap_received(ctx, item);
    }
    actor->in_hand = item;
    actor->in_turn = true;
    mm1_status status = hand_over(ctx, item);
    actor->in_turn = false;
    if (actor->in_hand != NULL) {
        actor->in_hand = NULL;
        put_down(ctx, item);
    }
    if (turn->counted) {
        (void)mm1__add(ctx->node, &ctx->node->unrest, UINT64_MAX);
    }
    ctx->turn = NULL;
    actor->main.cause = ctx->cause;
    if (status != MM1_OK) {
        turn->reason = first ? mm1_reason_of(MM1_REASON_INIT_FAILED)
                             : mm1_reason_error((int32_t)status, mm1_status_text(status));
        return true;
    }
    if (turn->quitting) {
        return true;
    }
    if (ctx->ended) {
        mm1__fork_close(ctx);
    }
    return false;
}

/* Gives the next item, if there is one, to its context. True: the actor is to end. */
static bool run_next(struct mm1_actor *actor, struct mm1__turn *turn)
{
    struct mm1__item *item = is_suspended(actor) ? NULL : next_item(actor);
    if (item == NULL) {
        return false;
    }
    struct mm1_ctx *ctx = mm1__context(actor, item->route);
    /* A fork that has ended, or never was (MSG-04); or one that an urgent message reached before its init. */
    if (ctx == NULL || (!ctx->started && item->kind != MM1__START)) {
        mm1__permit_end(mm1__node_of(actor), item);
        mm1__bounce(mm1__node_of(actor), item);
        return false;
    }
    actor->runnable.context = MM1_ADDR(ctx->address);
    return run_item(ctx, turn, item);
}

enum mm1_turn mm1_runnable_turn(struct mm1_runnable *runnable)
{
    struct mm1_actor *actor = actor_of(runnable);
    uint64_t live = atomic_load(&actor->live);
    if (live == 0) {
        bounce_arrived(actor);
    } else {
        mm1__metric_turn(actor);
        struct mm1__turn turn;
        turn.quitting = false;
        turn.counted = false;
        if (take_in(actor, &turn, live - 1) || run_next(actor, &turn)) {
            end_actor(actor, &turn.reason);
        }
    }
    return rest(actor);
}

/* --- suspended, idle ------------------------------------------------------------------------------------------ */

mm1_status mm1_node_suspend(struct mm1_node *node, mm1_addr addr)
{
    struct mm1_actor *actor = mm1__live(node, addr.bits);
    if (actor == NULL) {
        return MM1_NOPROC;
    }
    atomic_store(&actor->suspended, mm1__block(node, addr.bits) + 1);
    return MM1_OK;
}

mm1_status mm1_node_resume(struct mm1_node *node, mm1_addr addr)
{
    struct mm1_actor *actor = mm1__live(node, addr.bits);
    if (actor == NULL) {
        return MM1_NOPROC;
    }
    uint64_t mine = mm1__block(node, addr.bits) + 1;
    if (atomic_compare_exchange_strong(&actor->suspended, &mine, 0)) {
        mm1__wake(actor);
    }
    return MM1_OK;
}

bool mm1_node_idle(const struct mm1_node *node)
{
    return atomic_load(&node->awake) == 0;
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
