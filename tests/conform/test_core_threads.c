/* The core under threads: four workers, few slots that are used again and again, and actors that spawn, end, kill,
 * link, watch, bind, set timers and send at random, at addresses most of which are old. What must hold is counted by
 * auditors, who outlive the others: one Down for each watch that was not ended, one Exited for each link, and no
 * message for a stranger. */
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <mm1/posix.h>

#include "mm1_test.h"

#define TICK_FIELDS(F) F(addr, meant)
MM1_MSG_DECLARE(tick, TICK_FIELDS)
MM1_MSG_DEFINE(tick, "stress::Tick", TICK_FIELDS)

enum {
    AUDITORS = 4,
    PLACES = 48, /* addresses that are known to all */
    BIRTHS = 1 << 16,
    REFS = 8192,
    LINKS = 4096,
    SERVED = 16,
};

enum ref_state { REF_NONE, REF_WATCHED, REF_UNWATCHED, REF_DOWN };

struct auditor {
    mm1_addr addr;
    uint8_t refs[REFS]; /* by reference */
    uint64_t last_ref;
    uint64_t linked[LINKS];
    unsigned links;
    unsigned exited;
    unsigned downs;
};

static struct {
    _Atomic uint64_t places[PLACES];
    _Atomic uint64_t born[BIRTHS];
    _Atomic unsigned births;
    _Atomic unsigned ended;
    _Atomic int budget; /* ticks to be sent */
    _Atomic unsigned wrong;
    _Atomic uint64_t events;
    struct auditor auditors[AUDITORS];
} board;

static const struct mm1_net served = {.addr = {0xaa10000000000000u}, .mask = 16};

static void wrong(const char *what)
{
    fprintf(stderr, "%s\n", what);
    (void)atomic_fetch_add(&board.wrong, 1);
}

static mm1_addr any_place(struct mm1_ctx *ctx)
{
    return MM1_ADDR(atomic_load(&board.places[mm1_random(ctx, PLACES)]));
}

/* Sends a tick; a full inbox and an address that nobody serves are part of the game. */
static void send_tick(struct mm1_ctx *ctx, mm1_addr to, bool priority)
{
    if (atomic_fetch_sub(&board.budget, 1) <= 0) {
        return;
    }
    struct tick m = {.meant = to};
    mm1_status status =
        mm1_send(ctx, to, &tick_type, &m, &(struct mm1_header){.priority = priority});
    if (status != MM1_OK && status != MM1_FULL) {
        wrong("a send failed");
    }
}

/* --- workers -------------------------------------------------------------------------------------------------- */

struct worker {
    uint64_t ref;
    uint64_t timer;
    bool began;
};

static mm1_status worker_init(struct mm1_ctx *ctx, void *state, const void *arg);
static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope);

static void worker_fini(void *state)
{
    if (!((struct worker *)state)->began) {
        wrong("fini without init");
    }
    (void)atomic_fetch_add(&board.ended, 1);
}

static const struct mm1_behaviour worker = {.name = "worker",
                                            .state_size = sizeof(struct worker),
                                            .init = worker_init,
                                            .receive = worker_receive,
                                            .fini = worker_fini};

static mm1_status worker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)arg;
    ((struct worker *)state)->began = true;
    unsigned no = atomic_fetch_add(&board.births, 1);
    if (no >= BIRTHS) {
        wrong("too many births");
        return MM1_RESOURCE;
    }
    atomic_store(&board.born[no], mm1_self(ctx).bits);
    atomic_store(&board.places[mm1_random(ctx, PLACES)], mm1_self(ctx).bits);
    mm1_trap_exit(ctx, mm1_random(ctx, 2) == 0);
    send_tick(ctx, any_place(ctx), false);
    return mm1_random(ctx, 16) == 0 ? MM1_IO : MM1_OK;
}

static void spawn_one(struct mm1_ctx *ctx)
{
    mm1_addr child;
    struct mm1_spawn spawn = {
        .behaviour = &worker, .link = mm1_random(ctx, 2) == 0, .inbox_size = 8};
    if (atomic_load(&board.births) >= BIRTHS - 64) {
        return;
    }
    mm1_status status = mm1_spawn(ctx, &spawn, &child);
    if (status == MM1_OK) {
        send_tick(ctx, child, false);
    } else if (status != MM1_RESOURCE) {
        wrong("a spawn failed");
    }
}

static mm1_status start_timer(struct mm1_ctx *ctx, struct worker *w)
{
    if (atomic_fetch_sub(&board.budget, 1) <= 0) {
        return MM1_OK;
    }
    return mm1_after(ctx, mm1_random(ctx, 3) * 50000, &w->timer, tick, .meant = mm1_self(ctx));
}

static mm1_status act(struct mm1_ctx *ctx, struct worker *w)
{
    struct mm1_net one = {.addr = {served.addr.bits + mm1_random(ctx, SERVED)}, .mask = 64};
    switch (mm1_random(ctx, 16)) {
    case 0:
    case 1:
        return mm1_link(ctx, any_place(ctx));
    case 2:
        return mm1_unlink(ctx, any_place(ctx));
    case 3:
    case 4:
        return mm1_watch(ctx, any_place(ctx), &w->ref);
    case 5:
        mm1_unwatch(ctx, w->ref);
        return MM1_OK;
    case 6:
        (void)mm1_kill(ctx, any_place(ctx));
        return MM1_OK;
    case 7:
        (void)!mm1_exit(ctx, any_place(ctx),
                        mm1_reason_of((enum mm1_reason_kind)mm1_random(ctx, 4)));
        return MM1_OK;
    case 8:
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    case 9:
    case 10:
    case 11:
        spawn_one(ctx);
        return MM1_OK;
    case 12:
        return start_timer(ctx, w);
    case 13:
        (void)mm1_timer_cancel(ctx, w->timer);
        return MM1_OK;
    case 14: {
        mm1_status status = mm1_bind(ctx, one, 0);
        return status == MM1_CONFLICT ? MM1_OK : status;
    }
    default:
        send_tick(ctx, one.addr, false);
        return MM1_OK;
    }
}

static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct worker *w = state;
    MM1_ON(envelope, tick, m) {
        if (!mm1_net_contains(served, m->meant) && !mm1_addr_equal(m->meant, mm1_self(ctx))) {
            wrong("a stranger's message");
        }
        send_tick(ctx, any_place(ctx), mm1_random(ctx, 8) == 0);
        send_tick(ctx, any_place(ctx), false);
        return act(ctx, w);
    }
    return MM1_OK;
}

/* --- auditors ------------------------------------------------------------------------------------------------- */

static mm1_status auditor_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct auditor *a = *(struct auditor *const *)arg;
    *(struct auditor **)state = a;
    a->addr = mm1_self(ctx);
    mm1_trap_exit(ctx, true);
    return MM1_OK;
}

static void audit_link(struct mm1_ctx *ctx, struct auditor *a)
{
    mm1_addr peer = any_place(ctx);
    for (unsigned i = 0; i < a->links; i++) {
        if (a->linked[i] == peer.bits) {
            return;
        }
    }
    if (a->links < LINKS && mm1_link(ctx, peer) == MM1_OK) {
        a->linked[a->links++] = peer.bits;
    }
}

static mm1_status audit(struct mm1_ctx *ctx, struct auditor *a)
{
    if (a->last_ref + 2 < REFS) {
        mm1_addr peer = any_place(ctx);
        MM1_TRY(mm1_watch(ctx, peer, &a->last_ref));
        a->refs[a->last_ref] = REF_WATCHED;
        if (mm1_random(ctx, 4) == 0) {
            (void)mm1_kill(ctx, peer);
        }
    }
    if (mm1_random(ctx, 3) == 0 && a->last_ref > 0) {
        uint64_t ref = 1 + mm1_random(ctx, a->last_ref);
        mm1_unwatch(ctx, ref);
        if (a->refs[ref] == REF_WATCHED) {
            a->refs[ref] = REF_UNWATCHED;
        }
    }
    if (mm1_random(ctx, 4) == 0) {
        audit_link(ctx, a);
    }
    for (unsigned i = 0; i < 4; i++) {
        spawn_one(ctx);
    }
    send_tick(ctx, any_place(ctx), false);
    send_tick(ctx, mm1_self(ctx), false);
    return MM1_OK;
}

static mm1_status auditor_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct auditor *a = *(struct auditor **)state;
    MM1_ON(envelope, tick, m) {
        return audit(ctx, a);
    }
    MM1_ON(envelope, mm1_down, m) {
        if (m->ref > a->last_ref ||
            (a->refs[m->ref] != REF_WATCHED && a->refs[m->ref] != REF_UNWATCHED)) {
            wrong("a Down too many");
        } else {
            a->refs[m->ref] = REF_DOWN;
        }
        a->downs++;
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_exited, m) {
        /* The children linked at spawn are told of as well; a link once made is told of once. */
        for (unsigned i = 0; i < a->links; i++) {
            if (a->linked[i] == m->peer.bits) {
                a->linked[i] = UINT64_MAX;
                a->exited++;
                return MM1_OK;
            }
        }
        return MM1_OK;
    }
    return MM1_OK;
}

static const struct mm1_behaviour auditor = {.name = "auditor",
                                             .state_size = sizeof(struct auditor *),
                                             .init = auditor_init,
                                             .receive = auditor_receive};

/* --- the run -------------------------------------------------------------------------------------------------- */

/* Looks at what an event points to, as a real trace would. */
static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    uint64_t seen = event->actor == NULL ? 0 : event->actor->hash;
    (void)self;
    seen ^= event->other == NULL ? 0 : event->other->hash;
    return atomic_fetch_add(&board.events, 1) + (seen != 0 ? 1 : 2);
}

static const struct mm1_trace_ops trace_ops = {.name = "count", .emit = emit};

static void nap(void)
{
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    (void)nanosleep(&pause, NULL);
}

static void settle(const struct mm1_node *node)
{
    for (unsigned i = 0; mm1_node_unrest(node) != 0; i++) {
        cr_assert_lt(i, 100000, "%llu items never came to rest",
                     (unsigned long long)mm1_node_unrest(node));
        nap();
    }
}

static void reap(struct mm1_node *node)
{
    for (unsigned i = 0; mm1_node_actors(node) > AUDITORS; i++) {
        cr_assert_lt(i, 10000, "%zu actors live on", mm1_node_actors(node));
        unsigned births = atomic_load(&board.births);
        for (unsigned no = 0; no < births; no++) {
            (void)!mm1_node_exit(node, MM1_ADDR(atomic_load(&board.born[no])),
                                 mm1_reason_of(MM1_REASON_KILL));
        }
        settle(node);
    }
}

static void check_books(void)
{
    unsigned downs = 0;
    for (unsigned i = 0; i < AUDITORS; i++) {
        const struct auditor *a = &board.auditors[i];
        for (uint64_t ref = 1; ref <= a->last_ref; ref++) {
            cr_assert_neq(a->refs[ref], REF_WATCHED, "auditor %u never heard of watch %llu", i,
                          (unsigned long long)ref);
        }
        cr_assert_eq(a->exited, a->links, "auditor %u: %u of %u links ended", i, a->exited,
                     a->links);
        downs += a->downs;
    }
    cr_assert_gt(downs, 100);
    cr_assert_eq(atomic_load(&board.wrong), 0);
    cr_assert_eq(atomic_load(&board.births), atomic_load(&board.ended));
    cr_assert_gt(atomic_load(&board.births), 100);
}

static void stress(bool traced)
{
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_trace trace = {.ops = &trace_ops, .quiet = !traced};
    struct mm1_msg_registry types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    memset(&board, 0, sizeof(board));
    atomic_store(&board.budget, 100000);
    cr_assert_eq(mm1_msg_register(&types, &tick_type), MM1_OK);
    cr_assert_eq(
        mm1_posix_open(&(struct mm1_posix_options){.threads = 4, .log_off = true}, &posix, NULL),
        MM1_OK);
    struct mm1_env env = *mm1_posix_env(posix);
    env.trace = &trace;
    struct mm1_node_config config = {
        .name = MM1_TEXT("stress"),
        .locals = &served,
        .local_count = 1,
        .auto_net = {.addr = {0xaa00000000000000u}, .mask = 16},
        .actors_max = 64,
        .types = &types,
    };
    cr_assert_eq(mm1_node_open(&env, &config, &node), MM1_OK);
    for (unsigned i = 0; i < PLACES; i++) { /* nobody, at first */
        atomic_store(&board.places[i], config.auto_net.addr.bits + (i << 8));
    }
    mm1_addr addrs[AUDITORS];
    for (unsigned i = 0; i < AUDITORS; i++) {
        struct auditor *a = &board.auditors[i];
        struct mm1_spawn spawn = {
            .behaviour = &auditor, .arg = &a, .arg_size = sizeof(a), .inbox_size = 1u << 20};
        cr_assert_eq(mm1_node_spawn(node, &spawn, &addrs[i]), MM1_OK);
    }
    for (unsigned i = 0; i < AUDITORS; i++) { /* now the others may take all slots */
        struct tick m = {.meant = addrs[i]};
        cr_assert_eq(mm1_node_send(node, addrs[i], &tick_type, &m, NULL), MM1_OK);
    }
    settle(node);
    reap(node);
    check_books();
    cr_assert_eq(atomic_load(&board.events) != 0, traced);
    mm1_posix_close(posix, node);
    mm1_msg_registry_close(&types);
}

Test(core_threads, books_balance)
{
    stress(false);
}

Test(core_threads, books_balance_traced)
{
    stress(true);
}
