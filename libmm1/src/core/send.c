/* Messages: send, forward, and what a context knows about itself. */
#include "core/core.h"

mm1_addr mm1_self(const struct mm1_ctx *ctx)
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
    struct mm1_effect effect = {.kind = MM1_EFFECT_QUIT};
    struct mm1_answer answer;
    if (mm1__effect(ctx, &effect, &answer) && !ctx->quitting) {
        ctx->quitting = true;
        ctx->reason = reason;
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

mm1_status mm1_bind(struct mm1_ctx *ctx, struct mm1_net net)
{
    uint8_t mask[8];
    mm1_put_le64(mask, net.mask);
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_BIND, .target = net.addr, .data = {.data = mask, .size = 1}};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status =
        net.mask > 64 ? MM1_INVALID : mm1__bound_add(ctx->node, net, mm1__address(ctx->actor));
    if (status == MM1_OK) {
        ctx->actor->bound = true;
    }
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

/* --- sending -------------------------------------------------------------------------------------------------- */

/* A message on its way: what sends and forwards have in common. */
struct parcel {
    enum mm1_event_kind event;
    const struct mm1_ctx *ctx; /* null from outside any turn */
    mm1_addr to;
    struct mm1_envelope env; /* type and msg are the sender's */
};

static void trace_send(struct mm1_node *node, const struct parcel *parcel, struct mm1__item *item,
                       mm1_status status)
{
    if (!mm1__traced(node)) {
        return;
    }
    struct mm1_event event = {
        .kind = MM1_EVENT_SEND,
        .status = status,
        .peer = parcel->to,
        .signal = item == NULL ? 0 : item->number,
        .type = parcel->env.type,
        .msg = item == NULL ? parcel->env.msg : item->env.msg,
    };
    if (item != NULL) {
        event.encoded = mm1__encoded(node);
    }
    uint64_t mark = parcel->ctx != NULL ? mm1__emit(parcel->ctx, &event)
                                        : node->env.trace->ops->emit(node->env.trace, &event);
    if (item != NULL) {
        item->cause = mark;
    }
}

/* Takes a permit of the inbox behind `main`, or gives one back; false: none is left. True as well when the actor has
 * ended: then what is sent is lost, and its permit with it. */
static bool move_permit(const struct mm1_node *node, uint64_t main, bool take)
{
    struct mm1_actor *actor = mm1__live(node, main);
    if (actor == NULL) {
        return true;
    }
    uint64_t life = mm1__life(main);
    uint64_t inbox = atomic_load_explicit(&actor->inbox, memory_order_relaxed);
    uint64_t moved;
    do {
        if ((inbox & ~(uint64_t)UINT32_MAX) != life) {
            return true;
        }
        if (take &&
            (uint32_t)inbox >= atomic_load_explicit(&actor->inbox_size, memory_order_relaxed)) {
            return false;
        }
        moved = take ? inbox + 1 : inbox - 1;
    } while (!atomic_compare_exchange_weak_explicit(&actor->inbox, &inbox, moved,
                                                    memory_order_relaxed, memory_order_relaxed));
    return true;
}

static mm1_status deliver(struct mm1_node *node, const struct parcel *parcel)
{
    uint64_t main = 0;
    bool direct;
    struct mm1__item *item;
    enum mm1__where where = mm1__resolve(node, parcel->to, &main, &direct);
    if (where == MM1__UNROUTED) {
        return MM1_NOT_FOUND;
    }
    bool permit = !parcel->env.priority && where == MM1__ACTOR;
    if (permit && !move_permit(node, main, true)) {
        return MM1_FULL;
    }
    mm1_status status = mm1__item_new(node, parcel->env.type, parcel->env.msg, &item);
    if (status != MM1_OK) {
        if (permit) {
            (void)move_permit(node, main, false);
        }
        return status;
    }
    const void *msg = item->env.msg;
    item->kind = MM1__MESSAGE;
    item->permit = permit;
    item->route = where == MM1__ACTOR ? main : parcel->to.bits;
    item->from = parcel->ctx == NULL ? 0 : mm1__address(parcel->ctx->actor);
    item->background = parcel->ctx != NULL && parcel->ctx->background;
    mm1__item_enlist(node, item);
    item->env = parcel->env;
    item->env.msg = msg;
    if (item->env.no == 0) {
        item->env.no = item->number;
    }
    trace_send(node, parcel, item, MM1_OK);
    if (where == MM1__NOBODY) {
        mm1__bounce(node, item);
    } else {
        mm1__post(node, item);
    }
    return MM1_OK;
}

static mm1_status dispatch(struct mm1_node *node, struct parcel *parcel)
{
    mm1_status status = MM1_TTL_EXHAUSTED;
    if (parcel->env.ttl != 0) {
        parcel->env.ttl--;
        status = deliver(node, parcel);
    }
    if (status != MM1_OK) {
        trace_send(node, parcel, NULL, status);
    }
    return status;
}

static struct mm1_envelope envelope_of(mm1_addr to, const struct mm1_msg_type *type,
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

mm1_status mm1_send(struct mm1_ctx *ctx, mm1_addr to, const struct mm1_msg_type *type,
                    const void *msg, const struct mm1_header *header)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_SEND, .target = to, .type = type, .msg = msg};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    struct parcel parcel = {
        .ctx = ctx, .to = to, .env = envelope_of(to, type, msg, header, ctx->trace_id)};
    return dispatch(ctx->node, &parcel);
}

mm1_status mm1_node_send(struct mm1_node *node, mm1_addr to, const struct mm1_msg_type *type,
                         const void *msg, const struct mm1_header *header)
{
    struct parcel parcel = {.to = to, .env = envelope_of(to, type, msg, header, 0)};
    return dispatch(node, &parcel);
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
    return dispatch(ctx->node, &parcel);
}

mm1_status mm1_unhandled(struct mm1_ctx *ctx, const struct mm1_envelope *envelope)
{
    mm1_log(ctx, MM1_LOG_WARN, "unhandled message %s", envelope->type->name);
    return MM1_OK;
}
