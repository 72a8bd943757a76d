/* Messages: send, forward, and what a context knows about itself. */
#include "core/core.h"
#include "core/metrics.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

mm1_addr mm1_self(const struct mm1_ctx *ctx)
{
    return MM1_ADDR(ctx->address);
}

mm1_addr mm1_main(const struct mm1_ctx *ctx)
{
    return MM1_ADDR(mm1__address(ctx->actor));
}

mm1_addr mm1_parent(const struct mm1_ctx *ctx)
{
    return MM1_ADDR(ctx->actor->parent);
}

const struct mm1_path *mm1_self_path(const struct mm1_ctx *ctx)
{
    return ctx->actor->path;
}

const struct mm1_behaviour *mm1_behaviour_of(const struct mm1_ctx *ctx)
{
    return ctx->behaviour;
}

struct mm1_runnable *mm1_ctx_runnable(const struct mm1_ctx *ctx)
{
    return &ctx->actor->runnable;
}

uint64_t mm1_next_ref(struct mm1_ctx *ctx)
{
    return ++ctx->actor->next_ref;
}

const struct mm1_msg_registry *mm1_types(const struct mm1_ctx *ctx)
{
    return ctx->node->types;
}

struct mm1_alloc *mm1_ctx_alloc(const struct mm1_ctx *ctx)
{
    return ctx->node->env.alloc;
}

bool mm1_ctx_background(const struct mm1_ctx *ctx)
{
    return ctx->background;
}

void mm1_quit(struct mm1_ctx *ctx, struct mm1_reason reason)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_QUIT, .reason = &reason};
    struct mm1_answer answer;
    bool called_in_its_own_turn = ctx->turn != NULL;
    MM1_CHECK(called_in_its_own_turn);
    if (mm1__effect(ctx, &effect, &answer) && !ctx->turn->quitting) {
        ctx->turn->quitting = true;
        ctx->turn->reason = reason;
        mm1__emit_verb(ctx, &effect, MM1_OK);
    }
}

uint64_t mm1_now(struct mm1_ctx *ctx)
{
    return ctx->node->env.clock->ops->monotonic(ctx->node->env.clock);
}

uint64_t mm1_wall(struct mm1_ctx *ctx)
{
    return ctx->node->env.clock->ops->wall(ctx->node->env.clock);
}

uint64_t mm1_random(struct mm1_ctx *ctx, uint64_t n)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_RANDOM, .number = n};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.value;
    }
    struct mm1_random *random = ctx->node->env.random;
    uint64_t value = random->ops->draw(random, MM1_RANDOM_USER, ctx->actor->runnable.entity,
                                       ctx->actor->draws++, n);
    effect.number = value;
    mm1__emit_verb(ctx, &effect, MM1_OK);
    return value;
}

uint64_t mm1_trace_id(const struct mm1_ctx *ctx)
{
    return ctx->trace_id;
}

void mm1_trace_set(struct mm1_ctx *ctx, uint64_t trace_id)
{
    ctx->trace_id = trace_id;
}

/* Distinct by the actor and its count, and between nodes and their starts by what the node drew. */
uint64_t mm1_trace_new(struct mm1_ctx *ctx)
{
    const uint64_t words[] = {ctx->actor->runnable.entity, ctx->actor->traces++};
    uint64_t id = XXH3_64bits_withSeed(words, sizeof(words), ctx->node->trace_seed);
    return id == 0 ? 1 : id;
}

mm1_status mm1_bind(struct mm1_ctx *ctx, struct mm1_net net, uint32_t inbox_size)
{
    uint8_t mask[8];
    mm1_put_le64(mask, net.mask);
    struct mm1_effect effect = {.kind = MM1_EFFECT_BIND,
                                .target = net.addr,
                                .number = inbox_size,
                                .data = {.data = mask, .size = 1}};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status = MM1_INVALID;
    if (net.mask <= 64) {
        status = mm1__bound_add(ctx->node, net, ctx->address,
                                inbox_size == 0 ? MM1_INBOX_DEFAULT : inbox_size);
    }
    if (status == MM1_OK) {
        ctx->bound = true;
        if (ctx->closed) {
            mm1__bound_shut(ctx->node, ctx->address);
        }
    }
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

static mm1_status close_inbox(struct mm1_ctx *ctx)
{
    struct mm1__item *item;
    if (ctx->closed) {
        return MM1_OK;
    }
    MM1_TRY(mm1__item_new(ctx->node, &mm1_closed_type, &(struct mm1_closed){0}, &item));
    item->kind = MM1__MESSAGE;
    item->route = ctx->address;
    item->from = mm1__address(ctx->actor);
    item->cause = ctx->cause;
    item->background = ctx->background;
    mm1__item_enlist(ctx->node, item);
    item->env.to = MM1_ADDR(ctx->address);
    item->env.no = item->number;
    item->env.ttl = MM1_TTL_DEFAULT;
    ctx->closed = true;
    ctx->actor->closing = true;
    if (ctx == &ctx->actor->main) {
        atomic_store(&ctx->actor->inbox.closed, true);
    }
    if (ctx->bound) {
        mm1__bound_shut(ctx->node, ctx->address);
    }
    mm1__land(ctx->node, item); /* behind all that has arrived */
    return MM1_OK;
}

mm1_status mm1_close(struct mm1_ctx *ctx)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_CLOSE};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status = close_inbox(ctx);
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

/* --- messages that stay --------------------------------------------------------------------------------------- */

/* It goes on with its permit: senders see it as waiting still. */
static void permit_back(struct mm1_ctx *ctx, struct mm1__item *item)
{
    if (item->inbox != NULL) {
        item->permit = true;
        mm1__permit_move(ctx->node, item->inbox, item->life, true);
    }
}

void mm1_postpone(struct mm1_ctx *ctx)
{
    struct mm1__item *item = ctx->actor->in_hand;
    MM1_CHECK(item != NULL && item->kind != MM1__START);
    ctx->actor->in_hand = NULL;
    permit_back(ctx, item);
    if (item->again) {
        struct mm1__queue front = {.head = NULL};
        mm1__enqueue(&front, item);
        mm1__requeue(&ctx->aside, &front);
    } else {
        mm1__enqueue(&ctx->aside, item);
    }
}

void mm1_unpostpone(struct mm1_ctx *ctx)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__queue urgent = {.head = NULL};
    struct mm1__queue queue = {.head = NULL};
    struct mm1__item *item;
    while ((item = mm1__dequeue(&ctx->aside)) != NULL) {
        item->again = false;
        mm1__enqueue(item->env.priority ? &urgent : &queue, item);
    }
    mm1__requeue(&actor->urgent, &urgent);
    mm1__requeue(&actor->queue, &queue);
}

bool mm1_unpostpone_next(struct mm1_ctx *ctx)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__item *item;
    while ((item = mm1__dequeue(&ctx->aside)) != NULL) {
        if (item->kind != MM1__TIMER || !mm1__timer_of(item)->cancelled) {
            struct mm1__queue front = {.head = NULL};
            item->again = true;
            mm1__enqueue(&front, item);
            mm1__requeue(item->env.priority ? &actor->urgent : &actor->queue, &front);
            return true;
        }
        mm1__item_free(ctx->node, item);
    }
    return false;
}

struct mm1_kept *mm1_keep(struct mm1_ctx *ctx)
{
    struct mm1__item *item = ctx->actor->in_hand;
    if (item == NULL) {
        return NULL;
    }
    ctx->actor->in_hand = NULL;
    if (item->kind == MM1__TIMER) {
        mm1__timer_of(item)->kept = true;
    }
    ctx->turn->counted |= item->counted;
    item->counted = false;
    item->home = ctx->node;
    return (struct mm1_kept *)item;
}

const struct mm1_envelope *mm1_kept_envelope(const struct mm1_kept *kept)
{
    return &((const struct mm1__item *)kept)->env;
}

void mm1_kept_drop(struct mm1_kept *kept)
{
    struct mm1__item *item = (struct mm1__item *)kept;
    if (item == NULL) {
        return;
    }
    struct mm1_node *node = item->home;
    if (item->kind == MM1__TIMER) {
        mm1__timer_of(item)->kept = false;
        mm1__timer_taken(node, mm1__slot_of(node, item->route), item);
    } else {
        mm1__item_free(node, item);
    }
}

/* --- sending -------------------------------------------------------------------------------------------------- */

/* A message on its way: what sends and forwards have in common. It is handed on as a value, and the functions on the
 * way of every message stand in one piece: so that it is never laid out in memory. */
#define IN_ONE_PIECE __attribute__((always_inline)) static inline
struct parcel {
    const struct mm1_ctx *ctx; /* null from outside any turn */
    mm1_addr to;
    struct mm1_envelope env; /* type and msg are the sender's */
};

static void trace_send(struct mm1_node *node, struct parcel parcel, struct mm1__item *item,
                       mm1_status status)
{
    struct mm1_event event = {
        .kind = MM1_EVENT_SEND,
        .status = status,
        .peer = parcel.to,
        .signal = item == NULL ? 0 : item->number,
        .type = parcel.env.type,
        .msg = item == NULL ? parcel.env.msg : item->env.msg,
    };
    if (item != NULL) {
        event.encoded = mm1__encoded(node);
    }
    uint64_t mark = parcel.ctx != NULL ? mm1__emit(parcel.ctx, &event)
                                       : node->env.trace->ops->emit(node->env.trace, &event);
    if (item != NULL) {
        item->cause = mark;
    }
}

IN_ONE_PIECE mm1_status deliver(struct mm1_node *node, const struct parcel parcel)
{
    struct mm1__place place;
    struct mm1__item *item;
    enum mm1__where where = mm1__resolve(node, parcel.to, &place);
    if (where == MM1__UNROUTED) {
        return MM1_NOT_FOUND;
    }
    bool permit = false;
    if (where == MM1__ACTOR) {
        if (atomic_load_explicit(&place.inbox->closed, memory_order_relaxed)) {
            return MM1_CLOSED;
        }
        permit = !parcel.env.priority;
        if (permit && !mm1__permit_take(node, place.inbox, place.life)) {
            return MM1_FULL;
        }
    }
    mm1_status status = mm1__item_new(node, parcel.env.type, parcel.env.msg, &item);
    if (status != MM1_OK) {
        if (permit) {
            mm1__permit_move(node, place.inbox, place.life, false);
        }
        return status;
    }
    const void *msg = item->env.msg;
    item->kind = MM1__MESSAGE;
    if (permit) {
        item->permit = true;
        item->inbox = place.inbox;
        item->life = place.life;
    }
    item->route = where == MM1__ACTOR ? place.at : parcel.to.bits;
    item->from = parcel.ctx == NULL ? 0 : mm1__address(parcel.ctx->actor);
    item->background = parcel.ctx != NULL && parcel.ctx->background;
    mm1__item_enlist(node, item);
    item->env = parcel.env;
    item->env.msg = msg;
    if (item->env.no == 0) {
        item->env.no = item->number;
    }
    if (mm1__traced(node)) {
        trace_send(node, parcel, item, MM1_OK);
    }
    if (where == MM1__NOBODY) {
        mm1__bounce(node, item);
    } else if (node->env.sched->passes) {
        mm1__leave(node, place.actor, item);
    } else {
        mm1__post(node, item);
    }
    return MM1_OK;
}

static void tap_sent(struct mm1_tap *tap, struct parcel parcel)
{
    const struct mm1_ctx *ctx = parcel.ctx;
    if (parcel.env.type != &mm1_ping_type) {
        tap->ops->sent(tap, ctx->actor->path, MM1_ADDR(ctx->address), parcel.to, &parcel.env);
    }
}

IN_ONE_PIECE mm1_status dispatch(struct mm1_node *node, struct parcel parcel)
{
    mm1_status status = MM1_TTL_EXHAUSTED;
    struct mm1_tap *tap = parcel.ctx == NULL ? NULL : mm1__tap(parcel.ctx->actor);
    if (tap != NULL) {
        tap_sent(tap, parcel);
    }
    if (parcel.env.ttl != 0) {
        parcel.env.ttl--;
        status = deliver(node, parcel);
    }
    if (status != MM1_OK) {
        mm1__metric_unsent(node, status);
        if (mm1__traced(node)) {
            trace_send(node, parcel, NULL, status);
        }
    }
    return status;
}

IN_ONE_PIECE struct mm1_envelope envelope_of(mm1_addr to, const struct mm1_msg_type *type,
                                             const void *msg, const struct mm1_header *header,
                                             uint64_t trace_id)
{
    static const struct mm1_header defaults;
    header = header == NULL ? &defaults : header;
    return (struct mm1_envelope){
        .type = type,
        .msg = msg,
        .to = to,
        .no = header->no,
        .trace_id = header->trace_id != 0 ? header->trace_id : trace_id,
        .ttl = header->ttl != 0 ? header->ttl : MM1_TTL_DEFAULT,
        .priority = header->priority,
    };
}

/* True: carry it out. */
static bool send_effect(const struct mm1_ctx *ctx, mm1_addr to, const struct mm1_msg_type *type,
                        const void *msg, const struct mm1_header *header, struct mm1_answer *answer)
{
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_SEND, .target = to, .type = type, .msg = msg, .header = header};
    return mm1__effect(ctx, &effect, answer);
}

mm1_status mm1_send(struct mm1_ctx *ctx, mm1_addr to, const struct mm1_msg_type *type,
                    const void *msg, const struct mm1_header *header)
{
    struct mm1_answer answer;
    if (!ctx->node->env.sched->passes && !send_effect(ctx, to, type, msg, header, &answer)) {
        return answer.status;
    }
    struct parcel parcel = {
        .ctx = ctx, .to = to, .env = envelope_of(to, type, msg, header, ctx->trace_id)};
    return dispatch(ctx->node, parcel);
}

mm1_status mm1_node_send(struct mm1_node *node, mm1_addr to, const struct mm1_msg_type *type,
                         const void *msg, const struct mm1_header *header)
{
    struct parcel parcel = {.to = to, .env = envelope_of(to, type, msg, header, 0)};
    return dispatch(node, parcel);
}

mm1_status mm1_forward(struct mm1_ctx *ctx, mm1_addr to, const struct mm1_envelope *envelope)
{
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_FORWARD, .target = to, .type = envelope->type, .msg = envelope->msg};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    struct parcel parcel = {.ctx = ctx, .to = to, .env = *envelope};
    return dispatch(ctx->node, parcel);
}

mm1_status mm1_unhandled(struct mm1_ctx *ctx, const struct mm1_envelope *envelope)
{
    mm1_log(ctx, MM1_LOG_WARN, "unhandled message %s", envelope->type->name);
    return MM1_OK;
}

/* --- ping ----------------------------------------------------------------------------------------------------- */

void mm1__pong(struct mm1_actor *actor, struct mm1__item *item)
{
    struct mm1_node *node = mm1__node_of(actor);
    const struct mm1_ping *ping = item->env.msg;
    struct mm1_ctx *ctx = mm1__context(actor, item->route);
    if (ctx != NULL) {
        uint64_t cause = ctx->cause;
        bool background = ctx->background;
        ctx->cause = item->cause;
        ctx->background = item->background;
        const struct mm1_ping pong = {.id = ping->id};
        static const struct mm1_header urgent = {.priority = true};
        struct parcel parcel = {.ctx = ctx,
                                .to = ping->reply_to.value,
                                .env = envelope_of(ping->reply_to.value, &mm1_ping_type, &pong,
                                                   &urgent, item->env.trace_id)};
        /* An answer that cannot be sent is a lost one: who asked waits until its time is over. */
        (void)dispatch(node, parcel);
        ctx->cause = cause;
        ctx->background = background;
    }
    mm1__permit_end(node, item);
    mm1__item_free(node, item);
}
