/* Contexts beside the main one: an address, a behaviour and a state each, in the same actor. */
#include "base/order.h"
#include "core/core.h"

static struct mm1__fork *fork_at(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1__fork, node);
}

static int compare_forks(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(fork_at(a)->ctx.address, fork_at(b)->ctx.address);
}

static int compare_fork_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, fork_at(node)->ctx.address);
}

struct mm1_ctx *mm1__context_fork(struct mm1_actor *actor, uint64_t address)
{
    struct mm1_tree_node *found =
        actor->bonds == NULL ? NULL
                             : mm1_tree_find(&actor->bonds->forks, &address, compare_fork_key);
    return found == NULL ? NULL : &fork_at(found)->ctx;
}

/* How many forks an actor can have at a time: what its block of addresses holds besides its own. */
static uint64_t forks_max(const struct mm1_actor *actor)
{
    uint32_t bits = actor->settings == NULL ? MM1__BLOCK_BITS : 64u - actor->settings->netmask;
    return ((uint64_t)1 << (bits < 31 ? bits : 31)) - 1;
}

/* A free address of the block: the next after the one given out last, so that an address comes back late. 0: none. */
static uint64_t free_address(struct mm1_actor *actor)
{
    uint64_t max = forks_max(actor);
    struct mm1__bonds *bonds = actor->bonds;
    uint64_t main = actor->main.address;
    uint64_t last = bonds->fork_last == 0 ? main : bonds->fork_last;
    if (mm1_tree_count(&bonds->forks) >= max) {
        return 0;
    }
    for (;;) {
        last = last - main >= max ? main + 1 : last + 1;
        if (mm1_tree_find(&bonds->forks, &last, compare_fork_key) == NULL) {
            bonds->fork_last = last;
            return last;
        }
    }
}

static mm1_status fork_open(struct mm1_ctx *ctx, const struct mm1_fork *spec, mm1_addr *out)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1_node *node = ctx->node;
    struct mm1_alloc *alloc = node->env.alloc;
    struct mm1__item *start;
    if (mm1__bonds_of(actor) == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(mm1__start_new(node, spec->arg_type, spec->arg, spec->arg_size, &start));
    size_t state_size = spec->behaviour->state_size;
    struct mm1__fork *fork = mm1_take_zero(alloc, sizeof(*fork));
    void *state = state_size == 0 ? NULL : mm1_take_zero(alloc, state_size);
    uint64_t address = fork == NULL ? 0 : free_address(actor);
    if (address == 0 || (state_size != 0 && state == NULL)) {
        mm1_status status = fork != NULL && address == 0 ? MM1_RESOURCE : MM1_NOMEM;
        mm1_give(alloc, fork, sizeof(*fork));
        mm1_give(alloc, state, state_size);
        mm1__item_free(node, start);
        return status;
    }
    fork->ctx = (struct mm1_ctx){.actor = actor,
                                 .node = node,
                                 .address = address,
                                 .behaviour = spec->behaviour,
                                 .state = state};
    actor->bonds->forks.compare = compare_forks;
    (void)mm1_tree_insert(&actor->bonds->forks, &fork->node);
    *out = MM1_ADDR(address);
    start->route = address;
    start->from = mm1__address(actor);
    start->cause = ctx->cause;
    start->background = ctx->background;
    start->env.to = *out;
    start->env.trace_id = ctx->trace_id;
    mm1__item_enlist(node, start);
    mm1__enqueue(&actor->urgent, start);
    return MM1_OK;
}

mm1_status mm1_fork(struct mm1_ctx *ctx, const struct mm1_fork *fork, mm1_addr *out)
{
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_FORK,
        .type = fork->arg_type,
        .msg = fork->arg_type == NULL ? NULL : fork->arg,
        .data = mm1_bytes_of_text(mm1_text_of(fork->behaviour->name)),
    };
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        *out = MM1_ADDR(answer.value);
        return answer.status;
    }
    mm1_status status = fork_open(ctx, fork, out);
    if (status == MM1_OK) {
        effect.target = *out;
    }
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

void mm1_fork_end(struct mm1_ctx *ctx)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_FORK_END, .target = MM1_ADDR(ctx->address)};
    struct mm1_answer answer;
    MM1_CHECK(ctx != &ctx->actor->main);
    if (mm1__effect(ctx, &effect, &answer) && !ctx->ended) {
        ctx->ended = true;
        mm1__emit_verb(ctx, &effect, MM1_OK);
    }
}

static void drop_aside(struct mm1_ctx *ctx)
{
    struct mm1__item *item;
    while ((item = mm1__dequeue(&ctx->aside)) != NULL) {
        mm1__permit_end(ctx->node, item);
        mm1__bounce(ctx->node, item);
    }
}

/* What lies in the actor's queue for it is found to be for nobody when its turn comes. */
void mm1__fork_close(struct mm1_ctx *ctx)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__fork *fork = MM1_CONTAINER_OF(ctx, struct mm1__fork, ctx);
    uint64_t address = ctx->address;
    uint64_t cause = ctx->cause;
    mm1__state_close(ctx, false);
    mm1__timers_close(actor, address);
    mm1__handles_close(actor, address);
    if (ctx->bound) {
        mm1__bound_remove_all(ctx->node, address);
    }
    mm1_tree_remove(&actor->bonds->forks, &fork->node);
    drop_aside(ctx);
    mm1_give(ctx->node->env.alloc, fork, sizeof(*fork));
    mm1__bonds_break_fork(actor, address, cause);
}

void mm1__forks_drop(struct mm1_actor *actor, bool cut_off)
{
    if (actor->bonds == NULL) {
        return;
    }
    MM1_TREE_FOREACH(node, &actor->bonds->forks) {
        struct mm1__fork *fork = fork_at(node);
        struct mm1_ctx *ctx = &fork->ctx;
        mm1__state_close(ctx, cut_off);
        if (ctx->bound) {
            mm1__bound_remove_all(ctx->node, ctx->address);
        }
        struct mm1__item *item;
        while ((item = mm1__dequeue(&ctx->aside)) != NULL) {
            if (cut_off) {
                mm1__item_free(ctx->node, item);
            } else {
                mm1__enqueue(&actor->queue, item);
            }
        }
        mm1_tree_remove(&actor->bonds->forks, node);
        mm1_give(ctx->node->env.alloc, fork, sizeof(*fork));
    }
}

void mm1__each_context(struct mm1_actor *actor, void (*visit)(struct mm1_ctx *ctx, void *arg),
                       void *arg)
{
    visit(&actor->main, arg);
    if (actor->bonds != NULL) {
        MM1_TREE_FOREACH(node, &actor->bonds->forks) {
            visit(&fork_at(node)->ctx, arg);
        }
    }
}
