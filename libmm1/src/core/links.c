/* Links and watches: the verbs, and what the signals between actors do when they arrive.
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

/* A link is known by both its ends, a watcher by its address and reference. */
struct pair {
    uint64_t peer;
    uint64_t number;
};

static int compare_pairs(uint64_t peer_a, uint64_t number_a, uint64_t peer_b, uint64_t number_b)
{
    int by_peer = mm1__order_u64(peer_a, peer_b);
    return by_peer != 0 ? by_peer : mm1__order_u64(number_a, number_b);
}

static int compare_link_key(const void *key, const struct mm1_tree_node *node)
{
    const struct pair *pair = key;
    return compare_pairs(pair->peer, pair->number, at(node)->peer, at(node)->own);
}

static int compare_links(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_pairs(at(a)->peer, at(a)->own, at(b)->peer, at(b)->own);
}

static int compare_watcher_key(const void *key, const struct mm1_tree_node *node)
{
    const struct pair *pair = key;
    return compare_pairs(pair->peer, pair->number, at(node)->peer, at(node)->ref);
}

static int compare_watchers(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_pairs(at(a)->peer, at(a)->ref, at(b)->peer, at(b)->ref);
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

static struct mm1__signal *signal_at(struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct mm1__signal, node);
}

static struct mm1__signal *find_link(const struct mm1_actor *actor, uint64_t peer, uint64_t own)
{
    struct pair key = {.peer = peer, .number = own};
    return signal_at(mm1_tree_find(&actor->links, &key, compare_link_key));
}

static struct mm1__signal *find_watcher(const struct mm1_actor *actor, uint64_t peer, uint64_t ref)
{
    struct pair key = {.peer = peer, .number = ref};
    return signal_at(mm1_tree_find(&actor->watchers, &key, compare_watcher_key));
}

static struct mm1__signal *find_watch(struct mm1_actor *actor, uint64_t ref)
{
    if (actor->bonds == NULL) {
        return NULL;
    }
    return signal_at(mm1_tree_find(&actor->bonds->watches, &ref, compare_ref_key));
}

/* --- sending -------------------------------------------------------------------------------------------------- */

void mm1__signal_send_from(struct mm1_node *node, struct mm1__signal *signal, enum mm1__kind kind,
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

void mm1__signal_send(const struct mm1_ctx *ctx, struct mm1__signal *signal, enum mm1__kind kind,
                      uint64_t to)
{
    mm1__signal_send_from(ctx->node, signal, kind, mm1__address(ctx->actor), to, ctx->cause,
                          ctx->background);
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

bool mm1__unreachable(const struct mm1_node *node, mm1_addr peer, enum mm1_reason_kind *reason)
{
    struct mm1__place place;
    enum mm1__where where = mm1__resolve(node, peer, &place);
    if (where == MM1__ACTOR && place.direct) {
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
    if (mm1__unreachable(ctx->node, peer, &reason)) {
        answer_self(ctx, signal, answer, peer, reason);
    } else {
        mm1__signal_send(ctx, signal, kind, peer.bits);
    }
}

/* --- links ---------------------------------------------------------------------------------------------------- */

void mm1__link_enter(struct mm1_actor *actor, struct mm1__signal *record, uint64_t peer,
                     uint64_t own)
{
    record->peer = peer;
    record->own = own;
    struct mm1__signal *same = find_link(actor, peer, own);
    if (same != NULL) {
        /* Subnets can be so small that an address is back before the end of its last life was heard of. */
        mm1_tree_remove(&actor->links, &same->node);
        mm1__item_free(mm1__node_of(actor), &same->item);
    }
    actor->links.compare = compare_links;
    (void)mm1_tree_insert(&actor->links, &record->node);
}

static void link_remove(struct mm1_actor *actor, struct mm1__signal *record)
{
    mm1_tree_remove(&actor->links, &record->node);
    mm1__item_free(mm1__node_of(actor), &record->item);
}

/* The link of a start goes on when the child is ready: nothing is to end it any more. */
static void stay_linked(struct mm1_node *node, struct mm1__signal *record)
{
    if (record->start != 0 && record->msg.spare != NULL) {
        mm1__item_free(node, &record->msg.spare->item);
        record->msg.spare = NULL;
    }
}

/* Links two that are linked already. A child that is not ready yet says it to its starter, who may mean to end it. */
static mm1_status link_again(struct mm1_ctx *ctx, struct mm1__signal *record)
{
    struct mm1__signal *signal;
    stay_linked(ctx->node, record);
    if (ctx->actor->started == NULL || record->peer != ctx->actor->parent) {
        return MM1_OK;
    }
    MM1_TRY(mm1__signal_new(ctx->node, MM1__LINK, &signal));
    mm1__signal_send(ctx, signal, MM1__LINK, record->peer);
    return MM1_OK;
}

static mm1_status link_peer(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_actor *actor = ctx->actor;
    uint64_t self = mm1__address(actor);
    struct mm1__signal *record = find_link(actor, peer.bits, self);
    if (peer.bits == self) {
        return MM1_OK;
    }
    if (record != NULL && record->unlink == 0) {
        return link_again(ctx, record);
    }
    struct mm1__signal *signal;
    MM1_TRY(mm1__signal_new(ctx->node, MM1__LINK, &signal));
    if (record != NULL) {
        record->unlink = 0;
    } else {
        mm1_status status = mm1__signal_new(ctx->node, MM1__LINK, &record);
        if (status != MM1_OK) {
            mm1__item_free(ctx->node, &signal->item);
            return status;
        }
        mm1__link_enter(actor, record, peer.bits, self);
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

static mm1_status unlink_peer(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_actor *actor = ctx->actor;
    struct mm1__signal *record = find_link(actor, peer.bits, mm1__address(actor));
    struct mm1__signal *signal;
    if (record == NULL) {
        record = find_link(actor, peer.bits, ctx->address); /* one that the peer made with a fork */
    }
    if (record == NULL || record->unlink != 0) {
        return MM1_OK;
    }
    if (actor->started != NULL && peer.bits == actor->parent) {
        return MM1_CONFLICT;
    }
    if (record->start != 0) {
        return record->msg.spare != NULL
                   ? MM1_OK
                   : mm1__signal_new(ctx->node, MM1__UNLINK, &record->msg.spare);
    }
    if (mm1__bonds_of(actor) == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(mm1__signal_new(ctx->node, MM1__UNLINK, &signal));
    record->unlink = ++actor->bonds->unlinks;
    signal->unlink = record->unlink;
    signal->own = record->own;
    mm1__signal_send_from(ctx->node, signal, MM1__UNLINK, record->own, peer.bits, ctx->cause,
                          ctx->background);
    return MM1_OK;
}

mm1_status mm1_unlink(struct mm1_ctx *ctx, mm1_addr peer)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_UNLINK, .target = peer};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.status;
    }
    mm1_status status = unlink_peer(ctx, peer);
    mm1__emit_verb(ctx, &effect, status);
    return status;
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
    record->own = ctx->address;
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

void mm1__watch_enter(const struct mm1_ctx *parent, struct mm1__signal *watch,
                      struct mm1_actor *child, struct mm1__signal *watcher, uint64_t ref)
{
    watch->ref = ref;
    watch->peer = mm1__address(child);
    watch->own = parent->address;
    struct mm1_tree_node *same = mm1_tree_insert(&parent->actor->bonds->watches, &watch->node);
    MM1_CHECK(same == NULL);
    watcher->ref = ref;
    watcher->peer = mm1__address(parent->actor);
    watcher->own = mm1__address(child);
    child->watchers.compare = compare_watchers;
    (void)mm1_tree_insert(&child->watchers, &watcher->node);
}

/* False: the watch was over, or unknown. */
static bool end_watch(struct mm1_ctx *ctx, uint64_t ref)
{
    struct mm1__signal *record = find_watch(ctx->actor, ref);
    if (record == NULL) {
        return false;
    }
    mm1_tree_remove(&ctx->actor->bonds->watches, &record->node);
    mm1__signal_send(ctx, record, MM1__UNWATCH, record->peer);
    return true;
}

void mm1_unwatch(struct mm1_ctx *ctx, uint64_t ref)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_UNWATCH, .number = ref};
    struct mm1_answer answer;
    if (mm1__effect(ctx, &effect, &answer)) {
        mm1__emit_verb(ctx, &effect, MM1_OK);
        (void)end_watch(ctx, ref);
    }
}

/* Drops the notification of a watch that is over. */
static void flush_down(struct mm1_ctx *ctx, struct mm1__queue *queue, uint64_t ref)
{
    struct mm1__item *before = NULL;
    for (struct mm1__item *item = queue->head; item != NULL; before = item, item = item->next) {
        if (item->kind == MM1__DOWN && mm1__signal_of(item)->ref == ref) {
            mm1__queue_remove(queue, before, item);
            mm1__item_free(ctx->node, item);
            return;
        }
    }
}

static void flush_aside(struct mm1_ctx *ctx, void *ref)
{
    flush_down(ctx, &ctx->aside, *(const uint64_t *)ref);
}

bool mm1_unwatch_flush(struct mm1_ctx *ctx, uint64_t ref)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_UNWATCH, .number = ref};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return answer.value != 0;
    }
    mm1__emit_verb(ctx, &effect, MM1_OK);
    bool stood = end_watch(ctx, ref);
    if (!stood) {
        flush_down(ctx, &ctx->actor->queue, ref);
        mm1__each_context(ctx->actor, flush_aside, &ref);
    }
    return stood;
}

/* --- acting --------------------------------------------------------------------------------------------------- */

static void trace_line_up(struct mm1_actor *actor, struct mm1__signal *signal)
{
    if (mm1__traced(mm1__node_of(actor))) {
        struct mm1_event event = {
            .kind = MM1_EVENT_POST,
            .peer = MM1_ADDR(signal->item.from),
            .cause = signal->item.cause,
            .signal = signal->item.number,
            .type = signal->item.env.type,
            .msg = &signal->msg,
            .reason = &signal->reason,
        };
        signal->item.cause = mm1__emit_of(actor, &event);
    }
}

/* Lines up the message in the block of its signal, for the context at `to`. */
static void line_up(struct mm1_actor *actor, struct mm1__signal *signal, uint64_t to,
                    const struct mm1_msg_type *type)
{
    signal->item.route = to;
    signal->item.env = (struct mm1_envelope){
        .type = type,
        .msg = &signal->msg,
        .to = MM1_ADDR(to),
        .no = signal->item.number,
        .ttl = MM1_TTL_DEFAULT,
    };
    trace_line_up(actor, signal);
    mm1__enqueue(&actor->queue, &signal->item);
}

static void line_up_exited(struct mm1_actor *actor, struct mm1__signal *signal)
{
    signal->msg.exited = (struct mm1_exited){.peer = MM1_ADDR(signal->item.from),
                                             .why = mm1_why_of(&signal->reason)};
    line_up(actor, signal, signal->item.route, &mm1_exited_type);
}

static bool act_exit_link(struct mm1_actor *actor, struct mm1__signal *signal,
                          struct mm1_reason *reason)
{
    struct mm1_node *node = mm1__node_of(actor);
    struct mm1__signal *record = find_link(actor, signal->item.from, signal->item.route);
    if (record == NULL || record->unlink != 0) {
        mm1__item_free(node, &signal->item);
        return false;
    }
    uint64_t start = record->start;
    uint64_t starter = record->ref;
    link_remove(actor, record);
    if (start != 0) {
        signal->msg.start_failed = (struct mm1_start_failed){.start = start,
                                                             .child = MM1_ADDR(signal->item.from),
                                                             .ignored = signal->msg.ignored,
                                                             .why = mm1_why_of(&signal->reason)};
        line_up(actor, signal, starter, &mm1_start_failed_type);
        return false;
    }
    if (actor->trap_exit) {
        line_up_exited(actor, signal);
        return false;
    }
    *reason = signal->reason;
    mm1__item_free(node, &signal->item);
    return !mm1_reason_is_normal(reason);
}

/* A child says that it is ready: from now on its link is like any other, or ends. */
static void act_started(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    struct mm1__signal *record = find_link(actor, signal->item.from, signal->item.route);
    uint64_t start = signal->msg.started.start;
    uint64_t starter = signal->item.route;
    if (record != NULL && record->start == start) {
        struct mm1__signal *spare = record->msg.spare;
        record->start = 0;
        starter = record->ref;
        if (spare != NULL) {
            record->unlink =
                ++actor->bonds->unlinks; /* a parent has bonds: the names of its children */
            spare->unlink = record->unlink;
            mm1__signal_send_from(node, spare, MM1__UNLINK, signal->item.route, signal->item.from,
                                  signal->item.cause, signal->item.background);
        }
    }
    line_up(actor, signal, starter, &mm1_started_type);
}

/* exit/2 of OTP: kill is unconditional, normal is ignored unless it comes from oneself. */
static bool act_exit(struct mm1_actor *actor, struct mm1__signal *signal, struct mm1_reason *reason)
{
    struct mm1_node *node = mm1__node_of(actor);
    bool own = signal->item.from == mm1__address(actor);
    *reason = signal->reason;
    if (mm1__context(actor, signal->item.route) == NULL) {
        mm1__item_free(node, &signal->item); /* a fork that is not there */
        return false;
    }
    if (reason->kind == MM1_REASON_KILL) {
        *reason = mm1_reason_of(MM1_REASON_KILLED);
        mm1__item_free(node, &signal->item);
        return true;
    }
    if (actor->trap_exit) {
        line_up_exited(actor, signal);
        return false;
    }
    mm1__item_free(node, &signal->item);
    return own || !mm1_reason_is_normal(reason);
}

/* A link that meets an unlink of this actor which the peer had not seen is void: the peer takes the unlink next. */
static void act_link(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    struct mm1__signal *record = find_link(actor, signal->item.from, signal->item.route);
    if (record != NULL) {
        stay_linked(node, record);
        mm1__item_free(node, &signal->item);
        return;
    }
    if (mm1__context(actor, signal->item.route) == NULL) {
        mm1__bounce(node, &signal->item);
        return;
    }
    mm1__item_settle(node, &signal->item);
    mm1__link_enter(actor, signal, signal->item.from, signal->item.route);
}

/* The answer lets the peer take links again: those it still ignores were sent before this actor saw the unlink. */
static void act_unlink(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    struct mm1__signal *record = find_link(actor, signal->item.from, signal->item.route);
    if (record != NULL && record->unlink == 0) {
        link_remove(actor, record);
    }
    if (signal->unlink == 0) {
        mm1__item_free(node, &signal->item);
        return;
    }
    mm1__signal_send_from(node, signal, MM1__UNLINKED, signal->item.route, signal->item.from,
                          signal->item.cause, signal->item.background);
}

static void act_unlinked(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1__signal *record = find_link(actor, signal->item.from, signal->item.route);
    if (record != NULL && record->unlink == signal->unlink) {
        link_remove(actor, record);
    }
    mm1__item_free(mm1__node_of(actor), &signal->item);
}

static void act_watch(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (mm1__context(actor, signal->item.route) == NULL) {
        mm1__bounce(node, &signal->item);
        return;
    }
    mm1__item_settle(node, &signal->item);
    signal->peer = signal->item.from;
    signal->own = signal->item.route;
    actor->watchers.compare = compare_watchers;
    struct mm1_tree_node *same = mm1_tree_insert(&actor->watchers, &signal->node);
    MM1_CHECK(same == NULL);
}

static void act_down(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1__signal *record = find_watch(actor, signal->ref);
    if (record == NULL) {
        mm1__item_free(mm1__node_of(actor), &signal->item);
        return;
    }
    uint64_t own = record->own;
    mm1_tree_remove(&actor->bonds->watches, &record->node);
    mm1__item_free(mm1__node_of(actor), &record->item);
    signal->msg.down = (struct mm1_down){.peer = MM1_ADDR(signal->item.from),
                                         .ref = signal->ref,
                                         .why = mm1_why_of(&signal->reason)};
    line_up(actor, signal, own, &mm1_down_type);
}

static void act_unwatch(struct mm1_actor *actor, struct mm1__signal *signal)
{
    struct mm1__signal *record = find_watcher(actor, signal->item.from, signal->ref);
    if (record != NULL) {
        mm1_tree_remove(&actor->watchers, &record->node);
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
    case MM1__STARTED:
        act_started(actor, signal);
        return false;
    case MM1__KILL: /* by whichever address of the block (STOP-02) */
        *reason = mm1_reason_of(MM1_REASON_KILLED);
        *cause = item->cause;
        mm1__item_free(mm1__node_of(actor), item);
        return true;
    case MM1__MESSAGE:
    case MM1__START:
    case MM1__TIMER:
        break;
    }
    mm1_check_failed("a signal, not a message", __FILE__, __LINE__, __func__);
}

/* --- the end -------------------------------------------------------------------------------------------------- */

/* Sends a record that is in no tree any more to the other end. */
static void break_one(struct mm1_actor *actor, struct mm1__signal *record, enum mm1__kind kind,
                      const struct mm1_reason *reason, uint64_t cause)
{
    struct mm1_node *node = mm1__node_of(actor);
    if (record->unlink != 0) {
        mm1__item_free(node, &record->item);
        return;
    }
    /* A child that is not ready goes with its starter, also where that ends for reason normal. */
    bool is_start = record->start != 0;
    stay_linked(node, record);
    record->start = 0;
    /* Unless the turn that said so ended in an error after all. */
    record->msg.ignored = actor->ignores && mm1_reason_is_normal(reason);
    record->reason = is_start && mm1_reason_is_normal(reason) ? MM1_SHUTDOWN : *reason;
    mm1__signal_send_from(node, record, kind, record->own, record->peer, cause, false);
}

static void break_all(struct mm1_actor *actor, struct mm1_tree *tree, enum mm1__kind kind,
                      const struct mm1_reason *reason, uint64_t cause)
{
    struct mm1_tree_node *node;
    while ((node = mm1_tree_first(tree)) != NULL) {
        mm1_tree_remove(tree, node);
        break_one(actor, signal_at(node), kind, reason, cause);
    }
}

/* What a watcher forgets is sent from its main address, as the watch was. */
static void forget_watches(struct mm1_actor *actor, uint64_t self, uint64_t own, uint64_t cause)
{
    if (actor->bonds == NULL) {
        return;
    }
    MM1_TREE_FOREACH(node, &actor->bonds->watches) {
        struct mm1__signal *record = signal_at(node);
        if (own == 0 || record->own == own) {
            mm1_tree_remove(&actor->bonds->watches, node);
            mm1__signal_send_from(mm1__node_of(actor), record, MM1__UNWATCH, self, record->peer,
                                  cause, false);
        }
    }
}

void mm1__bonds_break(struct mm1_actor *actor, uint64_t self, const struct mm1_reason *reason,
                      uint64_t cause)
{
    break_all(actor, &actor->links, MM1__EXIT_LINK, reason, cause);
    break_all(actor, &actor->watchers, MM1__DOWN, reason, cause);
    forget_watches(actor, self, 0, cause);
}

static void break_fork(struct mm1_actor *actor, struct mm1_tree *tree, enum mm1__kind kind,
                       uint64_t fork, uint64_t cause)
{
    MM1_TREE_FOREACH(node, tree) {
        struct mm1__signal *record = signal_at(node);
        if (record->own == fork) {
            mm1_tree_remove(tree, node);
            break_one(actor, record, kind, &MM1_NORMAL, cause);
        }
    }
}

void mm1__bonds_break_fork(struct mm1_actor *actor, uint64_t fork, uint64_t cause)
{
    break_fork(actor, &actor->links, MM1__EXIT_LINK, fork, cause);
    break_fork(actor, &actor->watchers, MM1__DOWN, fork, cause);
    forget_watches(actor, mm1__address(actor), fork, cause);
}

static void drop_all(struct mm1_actor *actor, struct mm1_tree *tree)
{
    struct mm1_tree_node *node;
    while ((node = mm1_tree_first(tree)) != NULL) {
        mm1_tree_remove(tree, node);
        mm1__item_free(mm1__node_of(actor), &signal_at(node)->item);
    }
}

void mm1__bonds_drop(struct mm1_actor *actor)
{
    drop_all(actor, &actor->links);
    drop_all(actor, &actor->watchers);
    if (actor->bonds != NULL) {
        drop_all(actor, &actor->bonds->watches);
    }
}
