/* Links, watches, exits and kills: what the signals between actors do.
 *
 * A record is a block that will one day travel: a link's becomes the exit signal, a watcher's the notification, a
 * watch's the request to forget it. So the end of an actor needs no memory. */
#include "base/order.h"
#include "core/core.h"

/* --- the trees ------------------------------------------------------------------------------------------------ */

static const struct mm1__signal *at(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct mm1__signal, node);
}

struct pair {
    uint64_t peer;
    uint64_t ref;
};

static int compare_pair_key(const void *key, const struct mm1_tree_node *node)
{
    const struct pair *pair = key;
    int by_peer = mm1__order_u64(pair->peer, at(node)->peer);
    return by_peer != 0 ? by_peer : mm1__order_u64(pair->ref, at(node)->ref);
}

static int compare_pairs(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_pair_key(&(struct pair){.peer = at(a)->peer, .ref = at(a)->ref}, b);
}

static int compare_ref_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, at(node)->ref);
}

static int compare_refs(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(at(a)->ref, at(b)->ref);
}

void mm1__bonds_init(struct mm1__bonds *bonds)
{
    memset(bonds, 0, sizeof(*bonds));
    bonds->links.compare = compare_pairs; /* links have ref 0 */
    bonds->watchers.compare = compare_pairs;
    bonds->watches.compare = compare_refs;
    mm1_list_init(&bonds->handles);
}

struct mm1__bonds *mm1__bonds_of(struct mm1_actor *actor)
{
    if (actor->bonds == NULL) {
        actor->bonds = mm1_take(mm1__node_of(actor)->env.alloc, sizeof(*actor->bonds));
        if (actor->bonds != NULL) {
            mm1__bonds_init(actor->bonds);
        }
    }
    return actor->bonds;
}

static struct mm1__signal *find_pair(struct mm1_tree *tree, uint64_t peer, uint64_t ref)
{
    struct pair key = {.peer = peer, .ref = ref};
    struct mm1_tree_node *node = mm1_tree_find(tree, &key, compare_pair_key);
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct mm1__signal, node);
}

static struct mm1__signal *find_link(struct mm1_actor *actor, uint64_t peer)
{
    return actor->bonds == NULL ? NULL : find_pair(&actor->bonds->links, peer, 0);
}

static struct mm1__signal *find_watch(struct mm1_actor *actor, uint64_t ref)
{
    if (actor->bonds == NULL) {
        return NULL;
    }
    struct mm1_tree_node *node = mm1_tree_find(&actor->bonds->watches, &ref, compare_ref_key);
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct mm1__signal, node);
}

/* --- sending -------------------------------------------------------------------------------------------------- */

/* Sends a signal from `self` (main address) to the actor with main address `to`. */
static void send_signal(struct mm1_node *node, struct mm1__signal *signal, enum mm1__kind kind,
                        uint64_t self, uint64_t to, uint64_t cause, bool background)
{
    signal->item.kind = (uint8_t)kind;
    signal->item.from = self;
    signal->item.route = to;
    signal->item.cause = cause;
    signal->item.background = background;
    mm1__item_enlist(node, &signal->item);
    mm1__post(node, &signal->item);
}

/* A signal that answers at once for a peer that has none to answer. */
static void answer_self(const struct mm1_ctx *ctx, struct mm1__signal *signal, enum mm1__kind kind,
                        mm1_addr peer, enum mm1_reason_kind reason)
{
    signal->item.kind = (uint8_t)kind;
    signal->item.from = peer.bits;
    signal->item.route = mm1__address(ctx->actor);
    signal->item.cause = ctx->cause;
    signal->item.background = ctx->background;
    signal->reason = mm1_reason_of(reason);
    mm1__item_enlist(ctx->node, &signal->item);
    mm1__post(ctx->node, &signal->item); /* behind what a dead peer had sent before */
}

/* Why a link or watch of `peer` fails at once, when it does (LINK-09, WATCH-05). */
static bool unreachable(const struct mm1_node *node, mm1_addr peer, enum mm1_reason_kind *reason)
{
    uint64_t main;
    bool direct;
    enum mm1__where where = mm1__resolve(node, peer, &main, &direct);
    if (where == MM1__ACTOR && direct) {
        return false;
    }
    *reason = where == MM1__NOBODY ? MM1_REASON_NOPROC : MM1_REASON_NOCONNECTION;
    return true;
}

/* Sends a link or watch to a peer that can answer it, or gives the answer, of kind `answer`, in its place. */
static void ask_peer(const struct mm1_ctx *ctx, struct mm1__signal *signal, enum mm1__kind kind,
                     enum mm1__kind answer, mm1_addr peer)
{
    enum mm1_reason_kind reason;
    if (unreachable(ctx->node, peer, &reason)) {
        answer_self(ctx, signal, answer, peer, reason);
    } else {
        send_signal(ctx->node, signal, kind, mm1__address(ctx->actor), peer.bits, ctx->cause,
                    ctx->background);
    }
}

/* --- links ---------------------------------------------------------------------------------------------------- */

void mm1__link_enter(struct mm1_actor *actor, struct mm1__signal *record, uint64_t peer)
{
    record->peer = peer;
    record->ref = 0;
    struct mm1__signal *same = find_link(actor, peer);
    if (same != NULL) {
        /* Subnets can be so small that an address is back before the end of its last life was heard of. */
        mm1_tree_remove(&actor->bonds->links, &same->node);
        mm1__item_free(mm1__node_of(actor), &same->item);
    }
    (void)mm1_tree_insert(&actor->bonds->links, &record->node);
}

static mm1_status link_peer(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__signal *record = find_link(actor, peer.bits);
    if (peer.bits == mm1__address(actor) || (record != NULL && record->unlink == 0)) {
        return MM1_OK;
    }
    struct mm1__signal *signal;
    if (mm1__bonds_of(actor) == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(mm1__signal_new(ctx->node, MM1__LINK, &signal));
    if (record != NULL) {
        record->unlink = 0;
    } else {
        mm1_status status = mm1__signal_new(ctx->node, MM1__LINK, &record);
        if (status != MM1_OK) {
            mm1__item_free(ctx->node, &signal->item);
            return status;
        }
        mm1__link_enter(actor, record, peer.bits);
    }
    ask_peer(ctx, signal, MM1__LINK, MM1__EXIT_LINK, peer);
    return MM1_OK;
}

mm1_status mm1_link(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_LINK, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status = link_peer(ctx, peer);
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

void mm1_unlink(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_UNLINK, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return;
    }
    mm1__emit_verb(ctx, &effect, MM1_OK);
    struct mm1__bonds *bonds = ctx->actor->bonds;
    struct mm1__signal *record = find_link(ctx->actor, peer.bits);
    struct mm1__signal *signal;
    if (record == NULL || record->unlink != 0) {
        return;
    }
    if (mm1__signal_new(ctx->node, MM1__UNLINK, &signal) == MM1_OK) {
        record->unlink = ++bonds->unlinks;
        signal->unlink = record->unlink;
    } else {
        /* Without memory the record itself travels: nobody waits for the answer. */
        mm1_tree_remove(&bonds->links, &record->node);
        signal = record;
    }
    send_signal(ctx->node, signal, MM1__UNLINK, mm1__address(ctx->actor), peer.bits, ctx->cause,
                ctx->background);
}

void mm1_trap_exit(struct mm1_ctx *ctx, bool on)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_TRAP_EXIT, .number = on ? 1 : 0};
    struct mm1_answer answer;
    if (mm1__effect(ctx, &effect, &answer)) {
        mm1__emit_verb(ctx, &effect, MM1_OK);
        ctx->actor->trap_exit = on;
    }
}

/* --- watches -------------------------------------------------------------------------------------------------- */

static mm1_status watch_peer(struct mm1_ctx *ctx, mm1_addr peer, uint64_t *ref)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__signal *record;
    struct mm1__signal *signal;
    if (mm1__bonds_of(actor) == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(mm1__signal_new(ctx->node, MM1__UNWATCH, &record));
    mm1_status status = mm1__signal_new(ctx->node, MM1__WATCH, &signal);
    if (status != MM1_OK) {
        mm1__item_free(ctx->node, &record->item);
        return status;
    }
    record->ref = ++actor->next_ref;
    record->peer = peer.bits;
    signal->ref = record->ref;
    *ref = record->ref;
    (void)mm1_tree_insert(&actor->bonds->watches, &record->node);
    ask_peer(ctx, signal, MM1__WATCH, MM1__DOWN, peer);
    return MM1_OK;
}

mm1_status mm1_watch(struct mm1_ctx *ctx, mm1_addr peer, uint64_t *ref)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_WATCH, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        *ref = answer.value;
        return answer.status;
    }
    *ref = 0;
    mm1_status status = watch_peer(ctx, peer, ref);
    effect.number = *ref;
    mm1__emit_verb(ctx, &effect, status);
    return status;
}

void mm1_unwatch(struct mm1_ctx *ctx, uint64_t ref)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_UNWATCH, .number = ref};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return;
    }
    mm1__emit_verb(ctx, &effect, MM1_OK);
    struct mm1__signal *record = find_watch(ctx->actor, ref);
    if (record != NULL) {
        mm1_tree_remove(&ctx->actor->bonds->watches, &record->node);
        send_signal(ctx->node, record, MM1__UNWATCH, mm1__address(ctx->actor), record->peer,
                    ctx->cause, ctx->background);
    }
}

/* --- exit and kill -------------------------------------------------------------------------------------------- */

static bool send_exit(struct mm1_node *node, uint64_t self, mm1_addr peer,
                      const struct mm1_reason *reason, uint64_t cause, bool background)
{
    struct mm1__signal *signal;
    if (mm1__live(node, peer.bits) == NULL || mm1__signal_new(node, MM1__EXIT, &signal) != MM1_OK) {
        return false;
    }
    signal->reason = *reason;
    send_signal(node, signal, MM1__EXIT, self, peer.bits, cause, background);
    return true;
}

bool mm1_exit(struct mm1_ctx *ctx, mm1_addr peer, struct mm1_reason reason)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_EXIT, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.value != 0;
    }
    bool sent =
        send_exit(ctx->node, mm1__address(ctx->actor), peer, &reason, ctx->cause, ctx->background);
    mm1__emit_verb(ctx, &effect, sent ? MM1_OK : MM1_NOPROC);
    return sent;
}

bool mm1_node_exit(struct mm1_node *node, mm1_addr peer, struct mm1_reason reason)
{
    return send_exit(node, 0, peer, &reason, 0, false);
}

bool mm1_kill(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_KILL, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.value != 0;
    }
    uint64_t main;
    bool direct;
    struct mm1_actor *victim = NULL;
    if (mm1__resolve(ctx->node, peer, &main, &direct) == MM1__ACTOR && direct) {
        victim = mm1__live(ctx->node, main);
    }
    uint64_t mark = mm1__emit_verb(ctx, &effect, victim != NULL ? MM1_OK : MM1_NOPROC);
    if (victim == NULL) {
        return false;
    }
    /* A kill of the slot's next life, made by others meanwhile, is not overwritten. */
    uint64_t kill = atomic_load(&victim->kill);
    do {
        if (mm1__live(ctx->node, main) != victim) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&victim->kill, &kill, main + 1));
    atomic_store(&victim->kill_cause, mark);
    mm1__wake(victim);
    return true;
}

/* --- acting --------------------------------------------------------------------------------------------------- */

/* Lines up an Exited or Down message in the block of its signal. */
static void line_up(struct mm1_actor *actor, struct mm1__signal *signal,
                    const struct mm1_msg_type *type)
{
    struct mm1_why why = mm1_why_of(&signal->reason);
    if (type == &mm1_exited_type) {
        signal->msg.exited = (struct mm1_exited){.peer = MM1_ADDR(signal->item.from), .why = why};
    } else {
        signal->msg.down =
            (struct mm1_down){.peer = MM1_ADDR(signal->item.from), .ref = signal->ref, .why = why};
    }
    signal->item.env = (struct mm1_envelope){
        .type = type,
        .msg = &signal->msg,
        .to = MM1_ADDR(mm1__address(actor)),
        .no = signal->item.number,
        .ttl = MM1_TTL_DEFAULT,
    };
    if (mm1__traced(mm1__node_of(actor))) {
        struct mm1_event event = {
            .kind = MM1_EVENT_POST,
            .peer = MM1_ADDR(signal->item.from),
            .cause = signal->item.cause,
            .signal = signal->item.number,
            .type = type,
            .msg = &signal->msg,
            .reason = &signal->reason,
        };
        signal->item.cause = mm1__emit_of(actor, &event);
    }
    mm1__enqueue(&actor->queue, &signal->item);
}

static bool act_exit_link(struct mm1_actor *actor, struct mm1__signal *signal,
                          struct mm1_reason *reason)
{
    struct mm1_node *node = mm1__node_of(actor);
    struct mm1__signal *record = find_link(actor, signal->item.from);
    if (record == NULL || record->unlink != 0) {
        mm1__item_free(node, &signal->item);
        return false;
    }
    mm1_tree_remove(&actor->bonds->links, &record->node);
    mm1__item_free(node, &record->item);
    if (actor->trap_exit) {
        line_up(actor, signal, &mm1_exited_type);
        return false;
    }
    *reason = signal->reason;
    mm1__item_free(node, &signal->item);
    return !mm1_reason_is_normal(reason);
}

/* exit/2 of OTP: kill is unconditional, normal is ignored unless it comes from oneself. */
static bool act_exit(struct mm1_actor *actor, struct mm1__signal *signal, struct mm1_reason *reason)
{
    struct mm1_node *node = mm1__node_of(actor);
    bool own = signal->item.from == mm1__address(actor);
    *reason = signal->reason;
    if (reason->kind == MM1_REASON_KILL) {
        *reason = mm1_reason_of(MM1_REASON_KILLED);
        mm1__item_free(node, &signal->item);
        return true;
    }
    if (actor->trap_exit) {
        line_up(actor, signal, &mm1_exited_type);
        return false;
    }
    mm1__item_free(node, &signal->item);
    return own || !mm1_reason_is_normal(reason);
}

/* A link that meets an unlink of this actor which the peer had not seen is void: the peer takes the unlink next. */
static void act_link(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (find_link(actor, signal->item.from) != NULL) {
        mm1__item_free(node, &signal->item);
        return;
    }
    if (mm1__bonds_of(actor) == NULL) {
        /* No room to remember it: to the peer it is as if this actor were not there. */
        mm1__bounce(node, &signal->item);
        return;
    }
    mm1__item_settle(node, &signal->item);
    mm1__link_enter(actor, signal, signal->item.from);
}

/* The answer lets the peer take links again: those it still ignores were sent before this actor saw the unlink. */
static void act_unlink(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    struct mm1__signal *record = find_link(actor, signal->item.from);
    if (record != NULL && record->unlink == 0) {
        mm1_tree_remove(&actor->bonds->links, &record->node);
        mm1__item_free(node, &record->item);
    }
    if (signal->unlink == 0) {
        mm1__item_free(node, &signal->item);
        return;
    }
    send_signal(node, signal, MM1__UNLINKED, mm1__address(actor), signal->item.from,
                signal->item.cause, signal->item.background);
}

static void act_unlinked(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1__signal *record = find_link(actor, signal->item.from);
    if (record != NULL && record->unlink == signal->unlink) {
        mm1_tree_remove(&actor->bonds->links, &record->node);
        mm1__item_free(mm1__node_of(actor), &record->item);
    }
    mm1__item_free(mm1__node_of(actor), &signal->item);
}

static void act_watch(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (mm1__bonds_of(actor) == NULL) {
        mm1__bounce(node, &signal->item);
        return;
    }
    mm1__item_settle(node, &signal->item);
    signal->peer = signal->item.from;
    struct mm1_tree_node *same = mm1_tree_insert(&actor->bonds->watchers, &signal->node);
    MM1_CHECK(same == NULL);
}

static void act_down(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1__signal *record = find_watch(actor, signal->ref);
    if (record == NULL) {
        mm1__item_free(mm1__node_of(actor), &signal->item);
        return;
    }
    mm1_tree_remove(&actor->bonds->watches, &record->node);
    mm1__item_free(mm1__node_of(actor), &record->item);
    line_up(actor, signal, &mm1_down_type);
}

static void act_unwatch(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1__signal *record =
        actor->bonds == NULL ? NULL
                             : find_pair(&actor->bonds->watchers, signal->item.from, signal->ref);
    if (record != NULL) {
        mm1_tree_remove(&actor->bonds->watchers, &record->node);
        mm1__item_free(mm1__node_of(actor), &record->item);
    }
    mm1__item_free(mm1__node_of(actor), &signal->item);
}

static void trace_signal(struct mm1_actor *actor, struct mm1__item *item, enum mm1_effect_kind verb)
{
    if (mm1__traced(mm1__node_of(actor))) {
        struct mm1_event event = {
            .kind = MM1_EVENT_SIGNAL,
            .verb = (uint8_t)verb,
            .peer = MM1_ADDR(item->from),
            .cause = item->cause,
            .signal = item->number,
            .number = mm1__signal_of(item)->ref,
            .reason =
                item->kind == MM1__EXIT || item->kind == MM1__EXIT_LINK || item->kind == MM1__DOWN
                    ? &mm1__signal_of(item)->reason
                    : NULL,
        };
        item->cause = mm1__emit_of(actor, &event);
    }
}

bool mm1__signal_act(struct mm1_actor *actor, struct mm1__item *item, struct mm1_reason *reason,
                     uint64_t *cause)
{
    struct mm1__signal *signal = mm1__signal_of(item);
    switch ((enum mm1__kind)item->kind) {
    case MM1__LINK:
        trace_signal(actor, item, MM1_EFFECT_LINK);
        act_link(actor, signal);
        return false;
    case MM1__UNLINK:
        trace_signal(actor, item, MM1_EFFECT_UNLINK);
        act_unlink(actor, signal);
        return false;
    case MM1__UNLINKED:
        act_unlinked(actor, signal);
        return false;
    case MM1__EXIT_LINK:
        trace_signal(actor, item, MM1_EFFECT_EXIT);
        *cause = item->cause;
        return act_exit_link(actor, signal, reason);
    case MM1__EXIT:
        trace_signal(actor, item, MM1_EFFECT_EXIT);
        *cause = item->cause;
        return act_exit(actor, signal, reason);
    case MM1__WATCH:
        trace_signal(actor, item, MM1_EFFECT_WATCH);
        act_watch(actor, signal);
        return false;
    case MM1__UNWATCH:
        trace_signal(actor, item, MM1_EFFECT_UNWATCH);
        act_unwatch(actor, signal);
        return false;
    case MM1__DOWN:
        act_down(actor, signal);
        return false;
    case MM1__MESSAGE:
    case MM1__START:
    case MM1__TIMER:
        break;
    }
    mm1_check_failed("a signal, not a message", __FILE__, __LINE__, __func__);
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static void break_all(struct mm1_actor *actor, struct mm1_tree *tree, enum mm1__kind kind,
                      const struct mm1_reason *reason, uint64_t self, uint64_t cause)
{
    struct mm1_tree_node *node;
    while ((node = mm1_tree_first(tree)) != NULL) {
        struct mm1__signal *record = MM1_CONTAINER_OF(node, struct mm1__signal, node);
        mm1_tree_remove(tree, node);
        if (record->unlink != 0) {
            mm1__item_free(mm1__node_of(actor), &record->item);
            continue;
        }
        record->reason = *reason;
        send_signal(mm1__node_of(actor), record, kind, self, record->peer, cause, false);
    }
}

void mm1__bonds_break(struct mm1_actor *actor, uint64_t self, const struct mm1_reason *reason,
                      uint64_t cause)
{
    if (actor->bonds == NULL) {
        return;
    }
    break_all(actor, &actor->bonds->links, MM1__EXIT_LINK, reason, self, cause);
    break_all(actor, &actor->bonds->watchers, MM1__DOWN, reason, self, cause);
    break_all(actor, &actor->bonds->watches, MM1__UNWATCH, reason, self, cause);
}

static void drop_all(struct mm1_actor *actor, struct mm1_tree *tree)
{
    struct mm1_tree_node *node;
    while ((node = mm1_tree_first(tree)) != NULL) {
        mm1_tree_remove(tree, node);
        mm1__item_free(mm1__node_of(actor),
                       &MM1_CONTAINER_OF(node, struct mm1__signal, node)->item);
    }
}

void mm1__bonds_drop(struct mm1_actor *actor)
{
    if (actor->bonds == NULL) {
        return;
    }
    drop_all(actor, &actor->bonds->links);
    drop_all(actor, &actor->bonds->watchers);
    drop_all(actor, &actor->bonds->watches);
}
