/* A supervisor as an actor: gives what happens to the step as events, and carries out the actions.
 *
 * While the step is busy, what it does not wait for is set aside; as soon as it is idle the messages come back one by
 * one, so that a flood of them is looked at once or twice each. The end of a child's process is told by its watch
 * (docs/decisions/0013): exit signals of anybody but the parent are ignored. */
#include <stdio.h>

#include <mm1/metrics.h>

#include "base/mutant.h"
#include "kit/sup_actor.h"

static const struct mm1_metric restarts = {
    .name = "mm1_supervisor_restarts",
    .help = "Starts of children by a restart, those that failed included.",
    .labels = {"supervisor"},
};
static const struct mm1_metric gave_up = {
    .name = "mm1_supervisor_gave_up",
    .help = "Supervisors that ended because of too many restarts.",
    .labels = {"supervisor"},
};

#define REASON_MAX 96

static const char *reason_text(const struct mm1__supervisor *sup, const struct mm1_reason *reason,
                               char out[REASON_MAX])
{
    struct mm1_buf buf = MM1_BUF(sup->alloc);
    if (mm1_reason_print(reason, &buf) == MM1_OK) {
        (void)snprintf(out, REASON_MAX, "%.*s", (int)buf.size, (const char *)buf.data);
    } else {
        (void)snprintf(out, REASON_MAX, "no memory to say why");
    }
    mm1_buf_close(&buf);
    return out;
}

static struct mm1_reason reason_of_status(mm1_status status)
{
    return mm1_reason_error((int32_t)status, mm1_status_text(status));
}

void mm1__sup_postpone(struct mm1_ctx *ctx, struct mm1__supervisor *sup)
{
    mm1_postpone(ctx);
    sup->aside = true;
}

/* --- starts --------------------------------------------------------------------------------------------------- */

static void set_outcome(struct mm1__supervisor *sup, const struct mm1__sup_event *event)
{
    MM1_CHECK(!sup->has_outcome);
    sup->outcome = *event;
    sup->has_outcome = true;
}

static mm1_status make_spawn(struct mm1_ctx *ctx, const struct mm1__supervisor *sup,
                             const struct mm1__sup_record *record, struct mm1_spawn *spawn)
{
    const struct mm1_factory *factory = record->factory;
    *spawn = (struct mm1_spawn){.name = record->name,
                                .arg_type = record->arg.type,
                                .arg = record->arg.msg,
                                .inbox_size = record->spec->inbox_size};
    if (MM1_MUTANT(uniform_forgets_arg) && sup->pattern != NULL && sup->restarts) {
        spawn->arg = sup->pattern->arg.msg;
    }
    if (factory == NULL) {
        spawn->behaviour = &sup->kind->behaviour;
    } else if (factory->produce == NULL) {
        spawn->behaviour = factory->behaviour;
    } else {
        MM1_TRY(factory->produce(ctx, factory, record->spec, spawn));
    }
    return spawn->behaviour == NULL ? MM1_INVALID : MM1_OK;
}

static mm1_status spawn_child(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                              struct mm1__sup_record *record)
{
    struct mm1_spawn spawn;
    struct mm1__sup_process process;
    MM1_TRY(make_spawn(ctx, sup, record, &spawn));
    spawn.link = true;
    spawn.watch = MM1_MUTANT(watch_late) ? 0 : mm1_next_ref(ctx);
    spawn.start = record->child.ack ? mm1_next_ref(ctx) : 0;
    MM1_TRY(mm1_spawn(ctx, &spawn, &process.main));
    process.given = process.main;
    process.watch = spawn.watch;
    record->before = record->process;
    mm1__sup_set_process(sup, record, &process);
    sup->start = spawn.start;
    sup->starting = record;
    return MM1_OK;
}

/* Of watch_late. */
static void watch_now(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                      struct mm1__sup_record *record)
{
    struct mm1__sup_process process = record->process;
    sup->refused |= mm1_watch(ctx, process.main, &process.watch) != MM1_OK;
    mm1__sup_set_process(sup, record, &process);
}

/* The child is ready, at the address `given`. */
static void started(struct mm1_ctx *ctx, struct mm1__supervisor *sup, mm1_addr given)
{
    struct mm1__sup_record *record = sup->starting;
    sup->starting = NULL;
    if (MM1_MUTANT(watch_late)) {
        watch_now(ctx, sup, record);
    }
    record->process.given = given;
    if (record->spec->announce_parent && !MM1_MUTANT(announce_forgotten)) {
        mm1_status told = mm1_tell(ctx, given, mm1_set_parent, .parent = mm1_main(ctx));
        (void)told; /* SUP-C-03 */
    }
    if ((MM1_MUTANT(collateral_unacked) && !record->child.ack) ||
        (MM1_MUTANT(collateral_nested) && record->factory == NULL)) {
        mm1_status told = mm1_exit(ctx, record->process.main, MM1_NORMAL);
        (void)told;
    }
}

/* It is not, and its process is gone: the child is known by the one before. */
static void not_started(struct mm1__supervisor *sup)
{
    struct mm1__sup_record *record = sup->starting;
    sup->starting = NULL;
    mm1__sup_set_process(sup, record, &record->before);
}

static void log_failed_start(struct mm1_ctx *ctx, const struct mm1__supervisor *sup,
                             const struct mm1__sup_record *record, const struct mm1_reason *reason)
{
    char text[REASON_MAX];
    mm1_log(ctx, MM1_LOG_WARN, "%s: start failed: %s", record->name,
            reason_text(sup, reason, text));
}

static void start(struct mm1_ctx *ctx, struct mm1__supervisor *sup, struct mm1__sup_record *record)
{
    struct mm1__sup_event event = {.kind = MM1__SUP_STARTED, .child = &record->child};
    if (sup->restarts) {
        mm1_count(ctx, &restarts, MM1_LABELS(sup->kind->behaviour.name), 1);
        mm1_log(ctx, MM1_LOG_INFO, "%s: restarts", record->name);
    }
    mm1_status status = spawn_child(ctx, sup, record);
    if (status != MM1_OK) {
        event.kind = MM1__SUP_START_FAILED;
        event.reason = reason_of_status(status);
        log_failed_start(ctx, sup, record, &event.reason);
        set_outcome(sup, &event);
    } else if (!record->child.ack) {
        started(ctx, sup, record->process.main);
        set_outcome(sup, &event);
    }
}

/* Makes room for the time of one more restart. False: no memory. */
static bool make_room(struct mm1__supervisor *sup)
{
    size_t capacity = sup->step.restarts.capacity;
    if (mm1__sup_room(&sup->step) <= capacity) {
        return true;
    }
    size_t more = capacity == 0 ? 4 : 2 * capacity;
    more = more > sup->step.max_restarts ? sup->step.max_restarts : more;
    uint64_t *times = mm1_take(sup->alloc, more * sizeof(*times));
    if (times == NULL) {
        return false;
    }
    uint64_t *old = mm1__sup_grow(&sup->step, times, more);
    mm1_give(sup->alloc, old, capacity * sizeof(*old));
    return true;
}

/* --- actions -------------------------------------------------------------------------------------------------- */

/* Of unlink_first: the rest is done in a turn of its own, at a timeout without a number. */
static void unlink_and_wait(struct mm1_ctx *ctx, const struct mm1__sup_record *record)
{
    mm1_status status = mm1_unlink(ctx, record->process.main);
    if (status == MM1_OK) {
        status = mm1_tell(ctx, mm1_main(ctx), mm1_sup_timeout, .number = 0);
    }
    (void)status;
}

/* Who is not there any more is told by the watch. */
static void tell_to_end(struct mm1_ctx *ctx, const struct mm1__supervisor *sup,
                        const struct mm1__sup_record *record)
{
    struct mm1_reason reason = MM1_SHUTDOWN;
    if (MM1_MUTANT(stop_reason) && sup->cause == MM1__SUP_PARENT) {
        reason = sup->step.reason;
    }
    if (MM1_MUTANT(unlink_first) && sup->step.strategy != MM1__SUP_UNIFORM) {
        unlink_and_wait(ctx, record);
        return;
    }
    if (mm1_exit(ctx, record->process.main, reason) == MM1_NOMEM) {
        (void)mm1_kill(ctx, record->process.main);
    }
}

static void disarm(struct mm1_ctx *ctx, struct mm1__supervisor *sup)
{
    if (sup->timer != 0 && !MM1_MUTANT(stale_timeout)) {
        (void)mm1_timer_cancel(ctx, sup->timer);
        sup->timer = 0;
    }
    sup->timed_out = false;
}

/* Without memory for a timer the time is over at once. */
static void arm(struct mm1_ctx *ctx, struct mm1__supervisor *sup, uint64_t ns)
{
    sup->alarm++;
    mm1_status status = mm1_after(ctx, ns, &sup->timer, mm1_sup_timeout, .number = sup->alarm);
    if (status != MM1_OK) {
        sup->timer = 0;
        sup->timed_out = true;
    }
}

/* Through the inbox, or behind it where that is full. */
static void resend(struct mm1_ctx *ctx, struct mm1__supervisor *sup, struct mm1__sup_record *record)
{
    struct mm1_sup_retry retry = {.id = record->spec->id, .child = record->process.main};
    if (MM1_MUTANT(retry_private) && make_room(sup)) {
        set_outcome(sup, &(struct mm1__sup_event){.kind = MM1__SUP_RETRY, .child = &record->child});
        return;
    }
    mm1_status status = mm1_send(ctx, mm1_main(ctx), &mm1_sup_retry_type, &retry, NULL);
    if (status == MM1_FULL) {
        uint64_t timer;
        struct mm1_timer_spec at_once = {.type = &mm1_sup_retry_type, .msg = &retry};
        status = mm1_timer_start(ctx, &at_once, &timer);
    }
    sup->refused |= status != MM1_OK;
}

static struct mm1_reason failed_first_start(const struct mm1__supervisor *sup,
                                            const struct mm1__sup_record *record,
                                            const struct mm1_reason *why)
{
    char reason[REASON_MAX];
    char text[MM1_REASON_TEXT_MAX + REASON_MAX];
    (void)snprintf(text, sizeof(text), "failed_to_start_child:%.*s:%s", MM1_REASON_TEXT_MAX,
                   record->name, reason_text(sup, why, reason));
    struct mm1_reason cut = mm1_reason_error(0, text);
    cut.kind = MM1_REASON_SHUTDOWN_TEXT;
    return cut;
}

static void quit(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                 const struct mm1__sup_action *action)
{
    struct mm1_reason reason = action->reason;
    if (action->failed_start) {
        reason = failed_first_start(sup, mm1__sup_record_of(action->child), &action->reason);
    } else if (sup->restarts) {
        mm1_count(ctx, &gave_up, MM1_LABELS(sup->kind->behaviour.name), 1);
        mm1_log(ctx, MM1_LOG_ERROR, "gives up: more than %u restarts",
                (unsigned)sup->step.max_restarts);
    }
    if (MM1_MUTANT(uniform_abnormal) && sup->step.strategy == MM1__SUP_UNIFORM) {
        reason = mm1_reason_error((int32_t)MM1_INTERNAL, "unknown peer");
    }
    sup->over = true;
    mm1_quit(ctx, reason);
}

static void carry_out(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                      const struct mm1__sup_action *action)
{
    struct mm1__sup_record *record = mm1__sup_record_of(action->child);
    switch (action->kind) {
    case MM1__SUP_NONE:
        break;
    case MM1__SUP_START:
        start(ctx, sup, record);
        break;
    case MM1__SUP_EXIT:
        tell_to_end(ctx, sup, record);
        break;
    case MM1__SUP_KILL:
        (void)mm1_kill(ctx, record->process.main);
        break;
    case MM1__SUP_ARM:
        arm(ctx, sup, action->ns);
        break;
    case MM1__SUP_DISARM:
        disarm(ctx, sup);
        break;
    case MM1__SUP_RESEND:
        resend(ctx, sup, record);
        break;
    case MM1__SUP_FORGET:
        mm1__sup_record_free(sup, record);
        break;
    case MM1__SUP_REPLY:
        mm1__sup_reply(ctx, sup, action);
        sup->fresh = NULL;
        break;
    case MM1__SUP_READY:
        mm1_init_done(ctx, mm1_main(ctx));
        break;
    case MM1__SUP_QUIT:
        quit(ctx, sup, action);
        break;
    }
}

/* --- events --------------------------------------------------------------------------------------------------- */

static struct mm1__sup_event no_memory(void)
{
    return (struct mm1__sup_event){.kind = MM1__SUP_FAIL, .reason = reason_of_status(MM1_NOMEM)};
}

/* What follows from what was carried out; null: nothing. */
static const struct mm1__sup_event *follow_up(struct mm1__supervisor *sup,
                                              struct mm1__sup_event *event)
{
    if (sup->has_outcome) {
        sup->has_outcome = false;
        *event = sup->outcome;
        return event;
    }
    if (sup->timed_out) {
        sup->timed_out = false;
        *event = (struct mm1__sup_event){.kind = MM1__SUP_TIMEOUT};
        return event;
    }
    if (sup->refused && !mm1__sup_busy(&sup->step)) {
        sup->refused = false;
        sup->restarts = false;
        *event = no_memory();
        return event;
    }
    return NULL;
}

static void feed(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                 const struct mm1__sup_event *event)
{
    struct mm1__sup_event next;
    uint64_t now = mm1_now(ctx);
    do {
        struct mm1__sup_action action = mm1__sup_step(&sup->step, event, now);
        while (action.kind != MM1__SUP_NONE) {
            carry_out(ctx, sup, &action);
            if (sup->over) {
                return;
            }
            action = mm1__sup_step(&sup->step, NULL, now);
        }
        event = follow_up(sup, &next);
    } while (event != NULL);
}

/* Whether the step will count a restart, for which there must be room. */
static bool counts(const struct mm1__sup_event *event)
{
    if (MM1_MUTANT(limit_counts_clean) && event->kind == MM1__SUP_ENDED) {
        return event->child->restart != MM1__SUP_TEMPORARY;
    }
    return event->kind == MM1__SUP_RETRY ||
           (event->kind == MM1__SUP_ENDED && mm1__sup_must_restart(event->child, &event->reason));
}

void mm1__sup_begin(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                    const struct mm1__sup_event *event)
{
    struct mm1__sup_event in_its_place;
    sup->restarts = counts(event);
    if (sup->restarts && !make_room(sup)) {
        sup->restarts = false;
        in_its_place = no_memory();
        event = &in_its_place;
    }
    sup->cause = event->kind;
    feed(ctx, sup, event);
}

void mm1__sup_refused(struct mm1_ctx *ctx, struct mm1__supervisor *sup)
{
    struct mm1__sup_event event = no_memory();
    mm1__sup_begin(ctx, sup, &event);
}

/* --- messages ------------------------------------------------------------------------------------------------- */

static void take_started(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                         const struct mm1_started *m)
{
    bool awaited = sup->starting != NULL && sup->start == m->start;
    /* Too late: it was killed for it. */
    if (awaited && (!sup->starting->child.signaled || MM1_MUTANT(late_ack))) {
        struct mm1__sup_event event = {.kind = MM1__SUP_STARTED, .child = &sup->starting->child};
        started(ctx, sup, m->addr);
        feed(ctx, sup, &event);
    }
}

static void take_not_started(struct mm1_ctx *ctx, struct mm1__supervisor *sup, bool ignored,
                             const struct mm1_why *why)
{
    struct mm1__sup_record *record = sup->starting;
    struct mm1__sup_event event = {.kind = ignored ? MM1__SUP_IGNORED : MM1__SUP_START_FAILED,
                                   .child = &record->child,
                                   .reason = mm1_reason_of_why(why)};
    not_started(sup);
    if (!ignored) {
        log_failed_start(ctx, sup, record, &event.reason);
    }
    feed(ctx, sup, &event);
}

static void take_start_failed(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                              const struct mm1_start_failed *m)
{
    bool awaited = sup->starting != NULL && sup->start == m->start;
    /* One that was killed is waited for until its watch says so. */
    if (awaited && !sup->starting->child.signaled) {
        take_not_started(ctx, sup, m->ignored, &m->why);
    }
}

static void take_gone(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                      struct mm1__sup_record *record)
{
    if (record == sup->starting) {
        struct mm1_reason late = mm1_reason_of(MM1_REASON_TIMEOUT);
        not_started(sup);
        log_failed_start(ctx, sup, record, &late);
    }
    feed(ctx, sup, &(struct mm1__sup_event){.kind = MM1__SUP_GONE, .child = &record->child});
}

static void take_down(struct mm1_ctx *ctx, struct mm1__supervisor *sup, const struct mm1_down *m)
{
    struct mm1__sup_record *record = mm1__sup_find_process(sup, m->peer, m->ref);
    if (record == NULL) {
        return; /* an earlier incarnation, or a child that is forgotten */
    }
    if (record->child.signaled) {
        take_gone(ctx, sup, record);
    } else if (record == sup->starting) {
        take_not_started(ctx, sup, false, &m->why);
    } else if (record->child.life == MM1__SUP_ALIVE) {
        mm1__sup_note_gone(&record->child);
        if (MM1_MUTANT(down_lost) && mm1__sup_busy(&sup->step)) {
            return;
        }
        if (MM1_MUTANT(down_sent_again) && mm1__sup_busy(&sup->step)) {
            mm1_status sent = mm1_send(ctx, mm1_main(ctx), &mm1_down_type, m, NULL);
            (void)sent;
            return;
        }
        if (mm1__sup_busy(&sup->step)) {
            mm1__sup_postpone(ctx, sup);
            return;
        }
        char text[REASON_MAX];
        struct mm1__sup_event event = {
            .kind = MM1__SUP_ENDED, .child = &record->child, .reason = mm1_reason_of_why(&m->why)};
        mm1_log(ctx, MM1_LOG_INFO, "%s: ended: %s", record->name,
                reason_text(sup, &event.reason, text));
        mm1__sup_begin(ctx, sup, &event);
    }
}

static void take_retry(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                       const struct mm1_sup_retry *m)
{
    if (mm1__sup_busy(&sup->step)) {
        mm1__sup_postpone(ctx, sup);
        return;
    }
    struct mm1__sup_record *record = sup->step.strategy == MM1__SUP_UNIFORM
                                         ? mm1__sup_find_addr(sup, m->child, true)
                                         : mm1__sup_find_id(sup, m->id);
    struct mm1__sup_event event = {.kind = MM1__SUP_RETRY};
    if (record != NULL) {
        event.child = &record->child;
    }
    mm1__sup_begin(ctx, sup, &event);
}

/* Whether it ends when that one sends an exit signal, or has ended. */
static bool obeys(const struct mm1_ctx *ctx, const struct mm1__supervisor *sup, mm1_addr peer)
{
    if (MM1_MUTANT(obeys_strangers) && mm1__sup_find_addr(sup, peer, false) == NULL) {
        return true;
    }
    if (MM1_MUTANT(obeys_orphans)) {
        const struct mm1__sup_record *record = mm1__sup_find_addr(sup, peer, false);
        if (record != NULL && (record->child.signaled || record->child.life == MM1__SUP_ABSENT)) {
            return true;
        }
    }
    return mm1_addr_equal(peer, mm1_parent(ctx));
}

static void take_exited(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                        const struct mm1_exited *m)
{
    if (!obeys(ctx, sup, m->peer)) {
        return;
    }
    if (MM1_MUTANT(parent_lost) && mm1__sup_busy(&sup->step)) {
        return;
    }
    if (mm1__sup_busy(&sup->step)) {
        mm1__sup_postpone(ctx, sup);
        return;
    }
    struct mm1__sup_event event = {.kind = MM1__SUP_PARENT, .reason = mm1_reason_of_why(&m->why)};
    mm1__sup_begin(ctx, sup, &event);
}

static void take_timeout(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                         const struct mm1_sup_timeout *m)
{
    if (MM1_MUTANT(unlink_first) && m->number == 0 && sup->step.at != NULL &&
        sup->step.at->signaled) {
        struct mm1__sup_record *record = mm1__sup_record_of(sup->step.at);
        mm1_status told = mm1_exit(ctx, record->process.main, MM1_SHUTDOWN);
        (void)told;
        return;
    }
    if (sup->timer != 0 && (m->number == sup->alarm || MM1_MUTANT(stale_timeout))) {
        sup->timer = 0;
        feed(ctx, sup, &(struct mm1__sup_event){.kind = MM1__SUP_TIMEOUT});
    }
}

static mm1_status take(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                       const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, mm1_down, m) {
        take_down(ctx, sup, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_started, m) {
        take_started(ctx, sup, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_start_failed, m) {
        take_start_failed(ctx, sup, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_exited, m) {
        take_exited(ctx, sup, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_sup_retry, m) {
        take_retry(ctx, sup, m);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_sup_timeout, m) {
        take_timeout(ctx, sup, m);
        return MM1_OK;
    }
    return mm1__sup_call(ctx, sup, envelope) ? MM1_OK : mm1_unhandled(ctx, envelope);
}

/* --- the behaviour -------------------------------------------------------------------------------------------- */

static void refuse(struct mm1_ctx *ctx, struct mm1__supervisor *sup, mm1_status status,
                   const char *text)
{
    mm1_log(ctx, MM1_LOG_ERROR, "%s", text);
    mm1_quit(ctx, mm1_reason_error((int32_t)status, text));
    if (sup != NULL) {
        sup->over = true;
    }
}

mm1_status mm1__supervisor_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct mm1__supervisor *sup = mm1_take_zero(mm1_ctx_alloc(ctx), sizeof(*sup));
    *(struct mm1__supervisor **)state = sup;
    if (sup == NULL) {
        refuse(ctx, NULL, MM1_NOMEM, mm1_status_text(MM1_NOMEM));
        return MM1_OK;
    }
    sup->alloc = mm1_ctx_alloc(ctx);
    sup->kind = MM1_CONTAINER_OF(mm1_behaviour_of(ctx), const struct mm1_supervisor, behaviour);
    mm1_trap_exit(ctx, true);
    char error[MM1_TREE_ERROR_MAX];
    mm1_status status = mm1__sup_read_tree(sup, arg, error);
    if (status != MM1_OK) {
        refuse(ctx, sup, status, status == MM1_INVALID ? error : mm1_status_text(status));
        return MM1_OK;
    }
    mm1__sup_begin(ctx, sup, &(struct mm1__sup_event){.kind = MM1__SUP_BEGIN});
    return MM1_OK;
}

mm1_status mm1__supervisor_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    struct mm1__supervisor *sup = *(struct mm1__supervisor **)state;
    if (sup->over) {
        return MM1_OK;
    }
    if (MM1_MUTANT(all_stalls)) {
        feed(ctx, sup, NULL);
    }
    bool was_busy = MM1_MUTANT(aside_waits) && mm1__sup_busy(&sup->step);
    mm1_status status = take(ctx, sup, envelope);
    if (was_busy) {
        return status;
    }
    if (sup->aside && !sup->over && !mm1__sup_busy(&sup->step)) {
        sup->aside = mm1_unpostpone_next(ctx);
    }
    return status;
}

void mm1__supervisor_fini(void *state)
{
    struct mm1__supervisor *sup = *(struct mm1__supervisor **)state;
    if (sup != NULL) {
        mm1__sup_close(sup);
    }
}
