/* Exit signals and kills: the verbs, from inside a turn and from outside. */
#include "core/core.h"

static mm1_status send_exit(struct mm1_node *node, uint64_t self, mm1_addr peer,
                            const struct mm1_reason *reason, uint64_t cause, bool background)
{
    struct mm1__signal *signal;
    enum mm1_reason_kind why;
    if (mm1__unreachable(node, peer, &why)) {
        return why == MM1_REASON_NOPROC ? MM1_NOPROC : MM1_NOCONNECTION;
    }
    MM1_TRY(mm1__signal_new(node, MM1__EXIT, &signal));
    signal->reason = *reason;
    mm1__signal_send_from(node, signal, MM1__EXIT, self, peer.bits, cause, background);
    return MM1_OK;
}

mm1_status mm1_exit(struct mm1_ctx *ctx, mm1_addr peer, struct mm1_reason reason)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_EXIT, .target = peer, .reason = &reason};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status =
        send_exit(ctx->node, mm1__address(ctx->actor), peer, &reason, ctx->cause, ctx->background);
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

mm1_status mm1_node_exit(struct mm1_node *node, mm1_addr peer, struct mm1_reason reason)
{
    return send_exit(node, 0, peer, &reason, 0, false);
}

/* Needs no memory. False: the actor that had this main address is gone. */
static bool raise_kill(struct mm1_node *node, struct mm1_actor *victim, uint64_t main,
                       uint64_t mark)
{
    /* A kill of the slot's next life, made by others meanwhile, is not overwritten. */
    uint64_t kill = atomic_load(&victim->kill);
    do {
        if (mm1__live(node, main) != victim) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&victim->kill, &kill, main + 1));
    atomic_store(&victim->kill_cause, mark);
    mm1__wake(victim);
    return true;
}

mm1_status mm1_kill(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_KILL, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    struct mm1_node *node = ctx->node;
    struct mm1__signal *signal;
    enum mm1_reason_kind why;
    mm1_status status = MM1_OK;
    if (mm1__unreachable(node, peer, &why)) {
        status = why == MM1_REASON_NOPROC ? MM1_NOPROC : MM1_NOCONNECTION;
    }
    uint64_t mark = mm1__emit_verb(ctx, &effect, status);
    if (status != MM1_OK) {
        return status;
    }
    uint64_t main = mm1__block(node, peer.bits);
    if (mm1__signal_new(node, MM1__KILL, &signal) == MM1_OK) {
        mm1__signal_send_from(node, signal, MM1__KILL, mm1__address(ctx->actor), peer.bits, mark,
                              ctx->background);
        return MM1_OK;
    }
    return raise_kill(node, mm1__slot_of(node, main), main, mark) ? MM1_OK : MM1_NOPROC;
}

/* Each slot's actor of the moment; null where there is none. */
static struct mm1_actor *actor_in(struct mm1_node *node, uint32_t slot, uint64_t *main)
{
    struct mm1_actor *page =
        atomic_load_explicit(&node->pages[slot / MM1__PAGE_SLOTS], memory_order_relaxed);
    struct mm1_actor *actor = &page[slot % MM1__PAGE_SLOTS];
    uint64_t live = atomic_load(&actor->live);
    *main = live - 1;
    return live == 0 ? NULL : actor;
}

void mm1_node_exit_all(struct mm1_node *node, struct mm1_reason reason)
{
    uint32_t used = atomic_load(&node->slots_used);
    for (uint32_t slot = 0; slot < used; slot++) {
        uint64_t main;
        struct mm1_actor *actor = actor_in(node, slot, &main);
        if (actor != NULL && send_exit(node, 0, MM1_ADDR(main), &reason, 0, false) == MM1_NOMEM) {
            (void)raise_kill(node, actor, main, 0);
        }
    }
}

void mm1_node_kill_all(struct mm1_node *node)
{
    uint32_t used = atomic_load(&node->slots_used);
    for (uint32_t slot = 0; slot < used; slot++) {
        uint64_t main;
        struct mm1_actor *actor = actor_in(node, slot, &main);
        if (actor != NULL) {
            (void)raise_kill(node, actor, main, 0);
        }
    }
}
