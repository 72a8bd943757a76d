/* Memory: each request in turn is refused while a cast of actors uses every verb there is. A verb says OK, NOMEM, or
 * what follows from a refusal elsewhere; who cannot go on ends cleanly; what was promised comes; who is linked or
 * watches is told; nothing leaks and nothing is left to do. */
#include <mm1/name_service.h>
#include <mm1/server.h>

#include "frugal_ports.h"
#include "port_party.h"
#include "script.h"

#define OR(status) (UINT64_C(1) << MM1_##status)

static unsigned refusals; /* verbs that said MM1_NOMEM */

static bool was_refused(void)
{
    return world.alloc.fail_at != 0 && world.alloc.requests >= world.alloc.fail_at;
}

/* What a verb said. True: it was carried out; else it was refused memory, or says one of `also`, since something that
 * it needs was refused before. */
static bool done_or(mm1_status status, uint64_t also)
{
    if (status == MM1_OK) {
        return true;
    }
    cr_assert(was_refused(), "%s, and yet all memory was there", mm1_status_text(status));
    cr_assert(((OR(NOMEM) | also) >> status & 1) != 0, "%s", mm1_status_text(status));
    refusals += status == MM1_NOMEM;
    return false;
}

static bool done(mm1_status status)
{
    return done_or(status, 0);
}

/* --- the cast ---------------------------------------------------------------------------------------------------- */

enum role { NAMES, DESK, BACKUP, BUSY, FUNCTION, PARTY, ROLES };

struct member {
    struct mm1_spawn spawn;
    mm1_addr addr;
    bool there;    /* it was spawned, linked to the observer */
    bool watched;  /* by the observer */
    unsigned ends; /* exit signals of it */
    unsigned downs;
    struct mm1_reason reason;
};

static struct member cast[ROLES];
static struct party party;
static struct party *party_at = &party;

/* Starts all, and is told of their ends; it was there before memory ran out. */
static mm1_status observer_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state, (void)arg;
    mm1_trap_exit(ctx, true);
    for (size_t i = 0; i < ROLES; i++) {
        uint64_t ref;
        cast[i].spawn.link = true;
        cast[i].there = done(mm1_spawn(ctx, &cast[i].spawn, &cast[i].addr));
        cast[i].watched = cast[i].there && done(mm1_watch(ctx, cast[i].addr, &ref));
    }
    return MM1_OK;
}

static struct member *member_at(mm1_addr addr)
{
    for (size_t i = 0; i < ROLES; i++) {
        if (cast[i].there && mm1_addr_equal(cast[i].addr, addr)) {
            return &cast[i];
        }
    }
    cr_assert(false, "told of a stranger");
    return NULL;
}

static mm1_status observer_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, mm1_exited, m) {
        struct member *member = member_at(m->peer);
        member->ends++;
        member->reason = mm1_reason_of_why(&m->why);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_down, m) {
        member_at(m->peer)->downs++;
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour observer = {
    .name = "observer", .init = observer_init, .receive = observer_receive};

/* --- whom others start ------------------------------------------------------------------------------------------- */

static mm1_status leaf_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state, (void)arg;
    mm1_init_done(ctx, mm1_self(ctx));
    return MM1_OK;
}

static mm1_status leaf_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour leaf = {
    .name = "leaf", .init = leaf_init, .receive = leaf_receive};

/* --- servers ----------------------------------------------------------------------------------------------------- */

#define BY_THE_BACKUP 100

struct no_state {
    char unused;
};

/* The desk passes large jobs on; one that ends stops the server. */
MM1_ANSWERER(on_job, struct no_state, job)
{
    if (m->n >= BY_THE_BACKUP && mm1_addr_equal(mm1_self(ctx), cast[DESK].addr)) {
        mm1_status status = mm1_outcome_forward(outcome, cast[BACKUP].addr);
        return done_or(status, OR(NOT_FOUND)) ? MM1_OK : status;
    }
    if (m->end) {
        mm1_outcome_stop(outcome);
    }
    mm1_status status = mm1_outcome_reply(outcome, result, .n = 2 * m->n);
    return done(status) ? MM1_OK : status;
}

static const struct mm1_server_case desk_cases[] = {MM1_SERVER_ANSWER(job, on_job)};
static const struct mm1_server desk = MM1_SERVER("desk", struct no_state, NULL, NULL, desk_cases);

/* --- a behaviour that is busy ------------------------------------------------------------------------------------ */

#define BOUND ((struct mm1_net){.addr = {0xfff0000000000100u}, .mask = 60})
#define TICKS 3

static struct busy {
    unsigned promised; /* messages, notifications and firings that must come */
    unsigned came;
    unsigned begun; /* calls, each of which must end */
    unsigned ended;
    struct mm1_ask ask;
    struct mm1_start start;
    struct mm1_pinging ping;
    struct mm1_shutdown shutdown;
    uint64_t tick;
    unsigned ticks;
    bool postponed;
    struct mm1_kept *kept;
    bool finishing;
} busy;

static void promise(bool made)
{
    busy.promised += made;
}

static void begin(bool made)
{
    busy.begun += made;
}

/* A fork: it passes on what it gets, and ends. */
static mm1_status twig_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    cr_assert(mm1_is_fork(ctx));
    promise(done(mm1_forward(ctx, mm1_main(ctx), envelope)));
    mm1_fork_end(ctx);
    return MM1_OK;
}

static const struct mm1_behaviour twig = {.name = "twig", .receive = twig_receive};

static void busy_addresses(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    uint64_t ref;
    promise(done(mm1_tell(ctx, mm1_self(ctx), note, .n = 1)));
    if (done(mm1_bind(ctx, BOUND, 4))) {
        cr_assert(mm1_owner(ctx, BOUND.addr, &addr) && mm1_addr_equal(addr, mm1_main(ctx)));
        promise(done(mm1_tell(ctx, BOUND.addr, note, .n = 2)));
    }
    if (done(mm1_fork(ctx, &(struct mm1_fork){.behaviour = &twig}, &addr))) {
        cr_assert(mm1_is_local(ctx, addr));
        bool watched = done(mm1_watch(ctx, addr, &ref));
        if (done(mm1_tell(ctx, addr, note, .n = 3))) {
            promise(watched);
        } else if (watched) {
            cr_assert(mm1_unwatch_flush(ctx, ref));
        }
    }
}

static void busy_timers(struct mm1_ctx *ctx)
{
    uint64_t id;
    struct mm1_timer_spec behind = {
        .after_ns = 1 * MS, .type = &note_type, .msg = &(struct note){0}, .background = true};
    promise(done(mm1_after(ctx, 2 * MS, &id, note, .n = 4)));
    if (done(mm1_every(ctx, 1 * MS, &busy.tick, word, .text = MM1_TEXT("tick")))) {
        busy.promised += TICKS;
    }
    if (done(mm1_timer_start(ctx, &behind, &id))) {
        cr_assert(mm1_timer_cancel(ctx, id));
    }
    cr_assert_leq(mm1_now(ctx), mm1_wall(ctx) + 300 * MS);
    cr_assert_lt(mm1_random(ctx, 10), 10);
    mm1_trace_set(ctx, mm1_trace_new(ctx));
    mm1_observe(ctx, note, .n = 1);
    mm1_log(ctx, MM1_LOG_DEBUG, "busy");
}

static void busy_peers(struct mm1_ctx *ctx)
{
    struct mm1_spawn spawn = {.behaviour = &leaf};
    mm1_addr addr;
    uint64_t ref;
    if (cast[DESK].there && done(mm1_link(ctx, cast[DESK].addr))) {
        (void)done(mm1_unlink(ctx, cast[DESK].addr));
    }
    if (cast[DESK].there && done(mm1_watch(ctx, cast[DESK].addr, &ref))) {
        mm1_unwatch(ctx, ref);
    }
    if (done(mm1_spawn(ctx, &spawn, &addr))) {
        promise(done(mm1_watch(ctx, addr, &ref)));
        if (!done(mm1_exit(ctx, addr, MM1_SHUTDOWN))) {
            cr_assert_eq(mm1_kill(ctx, addr), MM1_OK);
        }
    }
}

static void busy_calls(struct mm1_ctx *ctx)
{
    struct mm1_spawn spawn = {.behaviour = &leaf, .link = true};
    struct mm1_start dropped = {0};
    struct mm1_ask unasked = {0};
    begin(done(mm1_start_begin(ctx, &busy.start, &spawn, 20 * MS)));
    if (done(mm1_start_begin(ctx, &dropped, &spawn, 20 * MS))) {
        mm1_start_cancel(ctx, &dropped);
    }
    if (cast[DESK].there) {
        begin(done(mm1_ping_begin(ctx, &busy.ping, cast[DESK].addr, 20 * MS)));
        begin(done(mm1_ask_begin(ctx, &busy.ask, cast[DESK].addr, 20 * MS, job, .n = 5)));
        if (done(mm1_ask_begin(ctx, &unasked, cast[DESK].addr, 20 * MS, job, .n = 6))) {
            mm1_ask_cancel(ctx, &unasked);
        }
    }
}

/* When nothing is awaited any more: shuts its child down, then closes, then ends. */
static void busy_go_on(struct mm1_ctx *ctx)
{
    cr_assert_leq(busy.came, busy.promised);
    cr_assert_leq(busy.ended, busy.begun);
    if (busy.came < busy.promised || busy.ended < busy.begun) {
        return;
    }
    if (!busy.finishing && busy.start.status == MM1_OK && busy.start.child.bits != 0) {
        busy.finishing = true;
        if (done(mm1_shutdown_begin(ctx, &busy.shutdown, busy.start.child, 5 * MS))) {
            begin(true);
            return;
        }
        cr_assert_eq(mm1_kill(ctx, busy.start.child), MM1_OK);
    }
    if (!done(mm1_close(ctx))) {
        mm1_quit(ctx, MM1_NORMAL);
    }
}

static mm1_status busy_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state, (void)arg;
    mm1_trap_exit(ctx, true);
    busy_addresses(ctx);
    busy_timers(ctx);
    busy_peers(ctx);
    busy_calls(ctx);
    mm1_init_done(ctx, mm1_self(ctx));
    busy_go_on(ctx);
    return MM1_OK;
}

static bool busy_ask_ends(struct mm1_ctx *ctx, const struct mm1_envelope *envelope)
{
    const void *body;
    switch (mm1_ask_take(ctx, &busy.ask, envelope, &result_response_type, &body)) {
    case MM1_ASK_REPLY:
        cr_assert_eq(((const struct result *)body)->n, 10);
        return true;
    case MM1_ASK_TIMEOUT:
    case MM1_ASK_DOWN:
        cr_assert(was_refused());
        return true;
    case MM1_ASK_NOT_MINE:
    case MM1_ASK_STALE:
        break;
    }
    return false;
}

/* Whether a call ended with this message. */
static bool busy_call_ends(struct mm1_ctx *ctx, const struct mm1_envelope *envelope)
{
    if (busy_ask_ends(ctx, envelope)) {
        return true;
    }
    if (mm1_start_take(ctx, &busy.start, envelope) == MM1_CALL_DONE) {
        (void)done_or(busy.start.status, OR(EXITED));
        return true;
    }
    if (mm1_ping_take(ctx, &busy.ping, envelope) == MM1_CALL_DONE) {
        (void)done_or(busy.ping.status, OR(TIMEOUT));
        return true;
    }
    if (mm1_shutdown_take(ctx, &busy.shutdown, envelope) == MM1_CALL_DONE) {
        cr_assert_eq(busy.shutdown.status, MM1_OK);
        return true;
    }
    return false;
}

/* What was promised. True: it came now. */
static bool busy_comes(struct mm1_ctx *ctx, const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, note, m) {
        if (!busy.postponed) {
            busy.postponed = true; /* it is received once more */
            mm1_postpone(ctx);
            mm1_unpostpone(ctx);
            return false;
        }
        if (busy.kept == NULL) {
            busy.kept = mm1_keep(ctx);
            cr_assert_eq(mm1_kept_envelope(busy.kept)->msg, m);
        }
        return true;
    }
    MM1_ON(envelope, word, m) {
        (void)m;
        cr_assert_lt(busy.ticks, TICKS);
        if (++busy.ticks == TICKS) {
            (void)mm1_timer_cancel(ctx, busy.tick);
        }
        return true;
    }
    return mm1_is(envelope, &mm1_down_type);
}

static mm1_status busy_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    if (mm1_is(envelope, &mm1_closed_type)) {
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    }
    if (busy_call_ends(ctx, envelope)) {
        busy.ended++;
    } else if (busy_comes(ctx, envelope)) {
        busy.came++;
    } else if (mm1_is(envelope, &mm1_exited_type)) {
        return mm1_unhandled(ctx, envelope);
    }
    busy_go_on(ctx);
    return MM1_OK;
}

static void busy_fini(void *state)
{
    (void)state;
    mm1_kept_drop(busy.kept);
    busy.kept = NULL;
}

static const struct mm1_behaviour busy_behaviour = {
    .name = "busy", .state_size = 1, .init = busy_init, .receive = busy_receive, .fini = busy_fini};

/* --- a function -------------------------------------------------------------------------------------------------- */

#define OF_A_SERVER (OR(TIMEOUT) | OR(EXITED) | OR(NOPROC))

static unsigned deferred, cleaned;
static unsigned parts; /* of the function that were carried out to their ends */
static mm1_addr unlinked;

static void clean_up(void *arg)
{
    (*(unsigned *)arg)++;
}

static bool is_note(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &note_type) &&
           ((const struct note *)envelope->msg)->n == *(uint32_t *)arg;
}

/* What has arrived is received, whatever memory is left. */
static void waits(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    uint32_t wanted = 2;
    bool first = done(mm1_tell(ctx, mm1_self(ctx), note, .n = 1));
    bool second = done(mm1_tell(ctx, mm1_self(ctx), note, .n = 2));
    bool text = done(mm1_tell(ctx, mm1_self(ctx), word, .text = MM1_TEXT("w")));
    if (text && !done(mm1_recv_type(ctx, 5 * MS, &word_type, &envelope))) {
        cr_assert_eq(mm1_recv_type(ctx, MM1_FOREVER, &word_type, &envelope), MM1_OK);
    }
    if (second && !done(mm1_recv_if(ctx, 5 * MS, is_note, &wanted, &envelope))) {
        cr_assert_eq(mm1_recv_if(ctx, MM1_FOREVER, is_note, &wanted, &envelope), MM1_OK);
    }
    if (first) {
        if (!done(mm1_recv_for(ctx, 5 * MS, &envelope))) {
            cr_assert_eq(mm1_recv(ctx, &envelope), MM1_OK);
        }
        cr_assert(mm1_is(envelope, &note_type));
        cr_assert_eq(((const struct note *)envelope->msg)->n, 1);
    }
    mm1_status nothing = mm1_recv_for(ctx, 1 * MS, &envelope);
    cr_assert(nothing == MM1_TIMEOUT || !done(nothing));
    parts += done(mm1_sleep(ctx, 1 * MS)) && nothing == MM1_TIMEOUT;
}

static void asks(struct mm1_ctx *ctx)
{
    const struct result *twice;
    static const struct job jobs[] = {{.n = 3}, {.n = 103}};
    for (size_t i = 0; i < MM1_COUNT_OF(jobs) && cast[DESK].there; i++) {
        mm1_status status =
            mm1_ask(ctx, cast[DESK].addr, 10 * MS, job, result, &twice, .n = jobs[i].n);
        if (done_or(status, OF_A_SERVER)) {
            cr_assert_eq(twice->n, 2 * jobs[i].n);
            parts++;
        }
        cr_assert(status != MM1_EXITED || mm1_call_reason(ctx)->kind == MM1_REASON_ERROR);
    }
    if (cast[BACKUP].there) {
        parts += done_or(mm1_ask(ctx, cast[BACKUP].addr, 10 * MS, job, result, &twice, .end = true),
                         OF_A_SERVER);
    }
}

static void starts(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    struct mm1_spawn spawn = {.behaviour = &leaf, .link = true};
    uint64_t round_trip;
    uint64_t ref;
    mm1_addr addr;
    if (!done_or(mm1_start(ctx, &spawn, 20 * MS, &addr), OR(EXITED))) {
        return;
    }
    parts += done_or(mm1_ping_for(ctx, addr, 5 * MS, &round_trip), OR(TIMEOUT));
    bool watched = done(mm1_watch(ctx, addr, &ref));
    if (done(mm1_shutdown(ctx, addr, 5 * MS))) {
        parts++;
        unlinked = addr;
    } else {
        cr_assert_eq(mm1_kill(ctx, addr), MM1_OK);
    }
    /* That needs no memory. */
    if (watched) {
        cr_assert_eq(mm1_recv_type(ctx, MM1_FOREVER, &mm1_down_type, &envelope), MM1_OK);
    }
}

static void names(struct mm1_ctx *ctx)
{
    struct mm1_name_keep keep = {.name = MM1_TEXT("me"), .addr = mm1_self(ctx)};
    struct mm1_spawn spawn = {.behaviour = &mm1_name_keeper.behaviour,
                              .arg_type = &mm1_name_keep_type,
                              .arg = &keep,
                              .link = true};
    const struct mm1_name_done *gone;
    mm1_addr addr;
    bool kept = done_or(mm1_start(ctx, &spawn, 50 * MS, &addr), OR(EXITED));
    parts += kept;
    for (unsigned i = 0; i < 2; i++) {
        mm1_status status = i == 0 ? mm1_name_find(ctx, keep.name, 5 * MS, &addr)
                                   : mm1_name_wait(ctx, keep.name, 2, 1 * MS, &addr);
        if (done_or(status, OF_A_SERVER | OR(NOT_FOUND))) {
            cr_assert(mm1_addr_equal(addr, mm1_self(ctx)));
            parts++;
        }
    }
    mm1_status status = mm1_ask(ctx, MM1_ADDR_NAME_SERVICE, 5 * MS, mm1_name_unregister,
                                mm1_name_done, &gone, .name = keep.name, .addr = keep.addr);
    parts += done_or(status, OF_A_SERVER) && done_or((mm1_status)gone->status, OR(NOT_FOUND));
}

static mm1_status branch_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    cr_assert_eq(*(const uint32_t *)arg, 7);
    MM1_TRY(mm1_recv(ctx, &envelope));
    return MM1_OK;
}

static const struct mm1_function branch = MM1_FUNCTION("branch", branch_run);

/* A fork that finds no stack ends its actor. */
static void forks(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    uint32_t seven = 7;
    struct mm1_fork fork = {
        .behaviour = &branch.behaviour, .arg = &seven, .arg_size = sizeof(seven)};
    mm1_addr addr;
    uint64_t ref;
    if (!done(mm1_fork(ctx, &fork, &addr)) || !done(mm1_watch(ctx, addr, &ref))) {
        return;
    }
    if (done(mm1_tell(ctx, addr, note, .n = 1))) {
        cr_assert_eq(mm1_recv_type(ctx, MM1_FOREVER, &mm1_down_type, &envelope), MM1_OK);
        parts++;
    }
}

/* Who was shut down was unlinked before. */
static void check_stranger(mm1_status status, const struct mm1_envelope *envelope)
{
    if (status == MM1_OK && mm1_is(envelope, &mm1_exited_type)) {
        const struct mm1_exited *exited = envelope->msg;
        cr_assert(!mm1_addr_equal(exited->peer, unlinked));
    }
}

#define PARTS 13

static mm1_status function_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    (void)arg;
    mm1_trap_exit(ctx, true);
    deferred += done(mm1_defer(ctx, clean_up, &cleaned));
    char *memory = mm1_arena_take(ctx, 100);
    if (done(memory == NULL ? MM1_NOMEM : MM1_OK)) {
        memory[99] = 'x';
        parts++;
    }
    waits(ctx);
    asks(ctx);
    starts(ctx);
    names(ctx);
    forks(ctx);
    if (done(mm1_close(ctx))) {
        mm1_status status = MM1_OK;
        while (status == MM1_OK) {
            status = mm1_recv(ctx, &envelope);
            check_stranger(status, envelope);
        }
        cr_assert_eq(status, MM1_CLOSED);
        parts++;
    }
    mm1_end(ctx, MM1_SHUTDOWN);
}

static const struct mm1_function function = MM1_FUNCTION("function", function_run);

/* --- the sweep --------------------------------------------------------------------------------------------------- */

static void cast_all(void)
{
    busy = (struct busy){0};
    party = (struct party){.name = "here", .nobody = "there"};
    memset(cast, 0, sizeof(cast));
    cast[NAMES].spawn.behaviour = &mm1_name_service;
    cast[DESK].spawn.behaviour = &desk.behaviour;
    cast[BACKUP].spawn.behaviour = &desk.behaviour;
    cast[BUSY].spawn.behaviour = &busy_behaviour;
    cast[FUNCTION].spawn.behaviour = &function.behaviour;
    cast[PARTY].spawn = (struct mm1_spawn){
        .behaviour = &party_behaviour, .arg = &party_at, .arg_size = sizeof(party_at)};
    refusals = deferred = cleaned = parts = 0;
    unlinked = MM1_ADDR(0);
}

/* How those ended that end by themselves. */
static void check_ends(void)
{
    const struct member *it = &cast[FUNCTION];
    cr_assert(!cast[BUSY].there || cast[BUSY].reason.kind == MM1_REASON_NORMAL, "%s",
              reason_text(&cast[BUSY].reason));
    cr_assert_eq(busy.came, busy.promised);
    cr_assert_eq(busy.ended, busy.begun);
    cr_assert(!it->there || (it->ends == 1 && (it->reason.kind == MM1_REASON_SHUTDOWN ||
                                               it->reason.kind == MM1_REASON_INIT_FAILED)),
              "%s", reason_text(&it->reason));
    cr_assert_eq(cleaned, deferred);
    party_check(&party);
}

static void check_told(void)
{
    for (size_t i = 0; i < ROLES; i++) {
        cr_assert_eq(cast[i].ends, cast[i].there ? 1 : 0, "%zu: %u", i, cast[i].ends);
        cr_assert_eq(cast[i].downs, cast[i].watched ? 1 : 0, "%zu: %u", i, cast[i].downs);
    }
}

/* True: request k was made. `rest`: all later ones are refused as well. */
static bool run(size_t k, bool rest, bool encode)
{
    struct mm1_spawn spawn = {.behaviour = &observer};
    setup_with(encode);
    frugal_equip(&world, &node);
    cast_all();
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &actor), MM1_OK);
    world.alloc.fail_rest = rest;
    test_alloc_fail_at(&world.alloc, k);
    mini_advance(&world, 500 * MS);
    bool reached = was_refused();
    cr_assert_eq(mm1_node_unrest(node.node), 0, "request %zu", k);
    test_alloc_fail_at(&world.alloc, 0);
    check_ends();
    for (size_t i = 0; i < ROLES; i++) {
        mm1_status status = mm1_node_exit(node.node, cast[i].addr, mm1_reason_of(MM1_REASON_KILL));
        cr_assert(status == MM1_OK || status == MM1_NOPROC || !cast[i].there);
    }
    mini_settle(&world);
    check_told();
    mm1_node_kill_all(node.node);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(node.node), 0);
    cr_assert_eq(mm1_node_unrest(node.node), 0);
    cr_assert_eq(mm1_tree_count(&node.node->handles), 0);
    teardown();
    return reached;
}

static void sweep(bool rest, bool encode)
{
    unsigned said = 0;
    size_t k = 1;
    for (; run(k, rest, encode); k++) {
        said += refusals;
    }
    cr_assert_eq(refusals, 0);
    cr_assert_eq(parts, PARTS);
    cr_assert_gt(k, 150);
    cr_assert_gt(said, k / 3);
}

Test(nomem_all, one_at_a_time)
{
    sweep(false, false);
}

Test(nomem_all, one_at_a_time_encoded)
{
    sweep(false, true);
}

Test(nomem_all, from_one_on)
{
    sweep(true, false);
}

Test(nomem_all, from_one_on_encoded)
{
    sweep(true, true);
}

/* The cast does all it is meant to do when nothing is refused. */
Test(nomem_all, none)
{
    for (unsigned encode = 0; encode < 2; encode++) {
        cr_assert_not(run(0, false, encode == 1));
        cr_assert_eq(refusals, 0);
        cr_assert_eq(parts, PARTS);
        cr_assert_eq(busy.begun, 4);
        cr_assert_eq(busy.promised, 1 + 1 + 2 + 1 + TICKS + 1);
        cr_assert(busy.start.status == MM1_OK && busy.ping.status == MM1_OK);
        cr_assert_eq(cast[BACKUP].reason.kind, MM1_REASON_NORMAL);
        party_check_whole(&party);
    }
}
