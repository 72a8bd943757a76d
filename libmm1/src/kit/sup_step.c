/* The step as a machine: an event is taken, which sets the phase and what is owed; then `next` gives one action after
 * the other: first what is owed, then what the phase has to do, until it waits or rests. */
#include "base/mutant.h"
#include "kit/sup_step.h"

enum phase {
    NEW,        /* BEGIN is still to come */
    IDLE,       /* nothing is under way */
    CLIMBING,   /* starts children, from `at` to the last one */
    STARTING,   /* waits for the start of `at` */
    ABANDONING, /* has killed `at` in its start; waits for its GONE */
    DESCENDING, /* stops children, from `at` back to `from` */
    STOPPING,   /* waits for the GONE of `at` */
    TELLING,    /* uniform: tells all to end, from `at` on */
    GATHERING,  /* uniform: waits for `waiting` of them */
    KILLING,    /* uniform: kills those that are left, from `at` on */
    QUITTING,
    OVER,
};

enum purpose {
    /* of starts: */
    OF_BEGIN,
    OF_ONE,   /* its restart alone */
    OF_GROUP, /* restarts of a range; first their stops */
    OF_CALL_START,
    OF_CALL_RESTART,
    /* of stops: */
    OF_CALL_TERMINATE,
    OF_QUIT,
};

/* In the order in which they come. */
enum owed {
    OWED_DISARM = 1 << 0,
    OWED_KILL = 1 << 1,  /* of `at` */
    OWED_ARM = 1 << 2,   /* of the start or stop of `at` */
    OWED_REPLY = 1 << 3, /* these about `subject` */
    OWED_FORGET = 1 << 4,
    OWED_RESEND = 1 << 5,
};

/* --- the list ------------------------------------------------------------------------------------------------- */

/* The child of a link; null for that of the list itself. */
static struct mm1__sup_child *child_at(const struct mm1__sup *sup, struct mm1_list *link)
{
    return link == &sup->children ? NULL : MM1_CONTAINER_OF(link, struct mm1__sup_child, link);
}

static struct mm1__sup_child *first_child(const struct mm1__sup *sup)
{
    return child_at(sup, sup->children.next);
}

static struct mm1__sup_child *last_child(const struct mm1__sup *sup)
{
    return child_at(sup, sup->children.prev);
}

static struct mm1__sup_child *child_after(const struct mm1__sup *sup,
                                          const struct mm1__sup_child *child)
{
    return child_at(sup, child->link.next);
}

/* Whether a child without a process, and without a restart to come, is not kept. */
static bool is_fleeting(const struct mm1__sup *sup, const struct mm1__sup_child *child)
{
    return sup->strategy == MM1__SUP_UNIFORM || child->restart == MM1__SUP_TEMPORARY;
}

static void set_life(struct mm1__sup_child *child, enum mm1__sup_life life)
{
    child->life = life;
    child->gone = false;
    child->signaled = false;
}

/* Whether there is a process to be told to end. */
static bool must_stop(const struct mm1__sup_child *child)
{
    return child->life == MM1__SUP_ALIVE && !child->gone;
}

/* --- what is owed --------------------------------------------------------------------------------------------- */

static void owe(struct mm1__sup *sup, enum owed what)
{
    sup->owed |= (unsigned)what;
}

static void owe_of(struct mm1__sup *sup, enum owed what, struct mm1__sup_child *subject)
{
    owe(sup, what);
    sup->subject = subject;
}

static void owe_forget(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    mm1_list_remove(&child->link);
    owe_of(sup, OWED_FORGET, child);
}

static void owe_reply(struct mm1__sup *sup, struct mm1__sup_child *child, enum mm1_sup_code code)
{
    sup->code = code;
    owe_of(sup, OWED_REPLY, child);
}

static void end_timer(struct mm1__sup *sup)
{
    if (sup->armed) {
        sup->armed = false;
        owe(sup, OWED_DISARM);
    }
}

/* --- restarts ------------------------------------------------------------------------------------------------- */

size_t mm1__sup_room(const struct mm1__sup *sup)
{
    const struct mm1__sup_restarts *restarts = &sup->restarts;
    /* Only what comes to an idle one leads to a restart. */
    if (sup->phase != IDLE || sup->max_restarts == MM1_RESTARTS_UNLIMITED ||
        restarts->count == sup->max_restarts) {
        return restarts->count;
    }
    return restarts->count + 1;
}

/* Stops all children, then quits. */
static void quit(struct mm1__sup *sup, const struct mm1_reason *reason)
{
    sup->reason = *reason;
    sup->purpose = OF_QUIT;
    if (sup->strategy == MM1__SUP_UNIFORM) {
        sup->phase = TELLING;
        sup->at = first_child(sup);
    } else {
        sup->phase = DESCENDING;
        sup->at = MM1_MUTANT(stop_order) ? first_child(sup) : last_child(sup);
        sup->from = NULL;
    }
}

/* There were too many restarts. */
static void give_up(struct mm1__sup *sup)
{
    if (MM1_MUTANT(escalates_abnormal)) {
        struct mm1_reason reason = mm1_reason_error((int32_t)MM1_INTERNAL, "escalated");
        quit(sup, &reason);
        return;
    }
    quit(sup, &MM1_SHUTDOWN);
    if (MM1_MUTANT(escalates_at_once)) {
        sup->phase = QUITTING;
    }
}

/* Of group_skips_absent: those that have no process are `gone`, which means nothing else of them. */
static void mark_absent(struct mm1__sup *sup)
{
    MM1_LIST_FOREACH(node, &sup->children) {
        struct mm1__sup_child *child = child_at(sup, node);
        child->gone |= child->life == MM1__SUP_ABSENT;
    }
}

static bool is_group(const struct mm1__sup *sup, bool again)
{
    if ((MM1_MUTANT(rest_restarts_one) && sup->strategy == MM1__SUP_REST_FOR_ONE) ||
        (MM1_MUTANT(retry_alone) && again)) {
        return false;
    }
    return sup->strategy == MM1__SUP_ALL_FOR_ONE || sup->strategy == MM1__SUP_REST_FOR_ONE;
}

/* Where the restart of a group begins. */
static struct mm1__sup_child *group_from(const struct mm1__sup *sup, struct mm1__sup_child *child,
                                         bool again)
{
    if (MM1_MUTANT(rest_restarts_all) || (MM1_MUTANT(retry_whole_group) && again)) {
        return NULL;
    }
    return sup->strategy == MM1__SUP_REST_FOR_ONE ? child : NULL;
}

static void restart_alone(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    sup->purpose = OF_ONE;
    sup->phase = CLIMBING;
    sup->at = child;
}

static void restart(struct mm1__sup *sup, struct mm1__sup_child *child, uint64_t now)
{
    bool again = child->life == MM1__SUP_TO_RESTART;
    if (MM1_MUTANT(group_skips_absent)) {
        mark_absent(sup);
    }
    set_life(child, MM1__SUP_ABSENT);
    if (!(MM1_MUTANT(limit_forgets_retries) && again) && !mm1__sup_count_restart(sup, now)) {
        if (sup->strategy == MM1__SUP_UNIFORM) {
            owe_forget(sup, child);
        }
        give_up(sup);
        return;
    }
    if (is_group(sup, again)) {
        sup->purpose = OF_GROUP;
        sup->phase = DESCENDING;
        sup->at = last_child(sup);
        sup->from = group_from(sup, child, again);
    } else {
        restart_alone(sup, child);
    }
}

/* --- ends of children ----------------------------------------------------------------------------------------- */

static bool significant_left(const struct mm1__sup *sup)
{
    MM1_LIST_FOREACH(node, &sup->children) {
        const struct mm1__sup_child *child = child_at(sup, node);
        if (MM1_MUTANT(significant_restarting) && child->life == MM1__SUP_TO_RESTART) {
            continue;
        }
        if (child->significant && child->life != MM1__SUP_ABSENT) {
            return true;
        }
    }
    return false;
}

static void child_ended(struct mm1__sup *sup, struct mm1__sup_child *child,
                        const struct mm1_reason *reason, uint64_t now)
{
    MM1_CHECK(child->life == MM1__SUP_ALIVE && !child->signaled);
    if (mm1__sup_must_restart(child, reason)) {
        restart(sup, child, now);
        return;
    }
    bool significant = child->significant;
    if (MM1_MUTANT(significant_missed) && child->restart == MM1__SUP_TEMPORARY) {
        significant = false;
    }
    if (MM1_MUTANT(limit_counts_clean) && child->restart == MM1__SUP_TRANSIENT &&
        !mm1__sup_count_restart(sup, now)) {
        give_up(sup);
        return;
    }
    set_life(child, MM1__SUP_ABSENT);
    if (is_fleeting(sup, child) && !MM1_MUTANT(temporary_kept)) {
        owe_forget(sup, child);
    }
    if (MM1_MUTANT(all_significant_as_any) && sup->auto_shutdown == MM1__SUP_AUTO_ALL &&
        significant) {
        quit(sup, &MM1_SHUTDOWN);
        return;
    }
    if (significant && (sup->auto_shutdown == MM1__SUP_AUTO_ANY ||
                        (sup->auto_shutdown == MM1__SUP_AUTO_ALL && !significant_left(sup)))) {
        quit(sup, &MM1_SHUTDOWN);
    }
}

/* --- starts --------------------------------------------------------------------------------------------------- */

static struct mm1__sup_action start_child(struct mm1__sup *sup)
{
    struct mm1__sup_child *child = sup->at;
    MM1_CHECK(child->life == MM1__SUP_ABSENT);
    set_life(child, MM1__SUP_BEGINNING);
    sup->phase = STARTING;
    if (child->ack && child->start_timeout_ns != UINT64_MAX && !MM1_MUTANT(start_unbounded)) {
        owe(sup, OWED_ARM);
    }
    return (struct mm1__sup_action){.kind = MM1__SUP_START, .child = child};
}

/* A start on the way up. A failure ends it: at first all children are stopped, later the start is tried again. */
static void climb_on(struct mm1__sup *sup, enum mm1__sup_event_kind outcome)
{
    struct mm1__sup_child *child = sup->at;
    sup->at = sup->purpose == OF_ONE ? NULL : child_after(sup, child);
    if (MM1_MUTANT(restart_order) && sup->purpose == OF_GROUP) {
        sup->at = child == sup->from ? NULL : child_at(sup, child->link.prev);
    }
    if (MM1_MUTANT(ignored_retried) && outcome == MM1__SUP_IGNORED && sup->purpose != OF_BEGIN) {
        outcome = MM1__SUP_START_FAILED;
    }
    sup->phase = CLIMBING;
    if (outcome == MM1__SUP_START_FAILED && sup->purpose == OF_BEGIN) {
        struct mm1_reason reason = sup->reason;
        sup->failed = child;
        quit(sup, &reason);
        if (MM1_MUTANT(failed_start_orphans)) {
            sup->phase = QUITTING;
        }
    } else if (outcome == MM1__SUP_START_FAILED && MM1_MUTANT(failed_restart_gives_up)) {
        give_up(sup);
    } else if (outcome == MM1__SUP_START_FAILED && MM1_MUTANT(failed_restart_drops)) {
        sup->phase = IDLE;
        if (is_fleeting(sup, child)) {
            owe_forget(sup, child);
        }
    } else if (outcome == MM1__SUP_START_FAILED) {
        set_life(child, MM1__SUP_TO_RESTART);
        owe_of(sup, OWED_RESEND, child);
        sup->phase = IDLE;
    } else if (outcome == MM1__SUP_IGNORED && is_fleeting(sup, child)) {
        owe_forget(sup, child);
    }
}

static void start_over(struct mm1__sup *sup, enum mm1__sup_event_kind outcome,
                       const struct mm1_reason *reason)
{
    struct mm1__sup_child *child = sup->at;
    end_timer(sup);
    set_life(child, outcome == MM1__SUP_STARTED ? MM1__SUP_ALIVE : MM1__SUP_ABSENT);
    if (outcome == MM1__SUP_START_FAILED) {
        sup->reason = *reason;
    }
    if (sup->purpose != OF_CALL_START && sup->purpose != OF_CALL_RESTART) {
        climb_on(sup, outcome);
        return;
    }
    sup->phase = IDLE;
    owe_reply(sup, child, outcome == MM1__SUP_START_FAILED ? MM1_SUP_FAILED : MM1_SUP_OK);
    if (sup->purpose == OF_CALL_RESTART) {
        return;
    }
    if (outcome == MM1__SUP_START_FAILED ||
        (outcome == MM1__SUP_IGNORED && is_fleeting(sup, child))) {
        owe_forget(sup, child);
    } else {
        /* Last in the order; as first of the list where that is the mistake. */
        mm1_list_push_back(MM1_MUTANT(start_child_first) ? sup->children.next : &sup->children,
                           &child->link);
    }
}

/* What START came to. */
static void take_outcome(struct mm1__sup *sup, const struct mm1__sup_event *event)
{
    if (MM1_MUTANT(late_ack) && sup->phase == ABANDONING && event->kind == MM1__SUP_STARTED) {
        start_over(sup, event->kind, &event->reason);
        return;
    }
    if (sup->phase == ABANDONING) {
        return;
    }
    MM1_CHECK(sup->phase == STARTING && (event->child == NULL || event->child == sup->at));
    start_over(sup, event->kind, &event->reason);
}

/* --- stops ---------------------------------------------------------------------------------------------------- */

static struct mm1__sup_action tell_to_end(struct mm1__sup_child *child)
{
    child->signaled = true;
    bool brutal = child->stop == MM1__SUP_STOP_BRUTAL && !MM1_MUTANT(brutal_told);
    return (struct mm1__sup_action){.kind = brutal ? MM1__SUP_KILL : MM1__SUP_EXIT, .child = child};
}

static struct mm1__sup_action stop_child(struct mm1__sup *sup)
{
    struct mm1__sup_child *child = sup->at;
    sup->phase = STOPPING;
    if (MM1_MUTANT(quit_early) && sup->purpose == OF_QUIT && child == first_child(sup)) {
        sup->phase = QUITTING;
        return tell_to_end(child);
    }
    if (child->stop == MM1__SUP_STOP_TIMEOUT) {
        owe(sup, child->stop_timeout_ns == 0 ? OWED_KILL : OWED_ARM);
    }
    return tell_to_end(child);
}

/* The child that a call terminates has no process any more. */
static void terminated(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    set_life(child, MM1__SUP_ABSENT);
    sup->phase = IDLE;
    owe_reply(sup, child, MM1_SUP_OK);
    if (is_fleeting(sup, child)) {
        owe_forget(sup, child);
    }
    if (MM1_MUTANT(auto_on_terminate) && child->significant &&
        sup->auto_shutdown == MM1__SUP_AUTO_ANY) {
        quit(sup, &MM1_SHUTDOWN);
    }
}

static void take_gone(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    MM1_CHECK(child != NULL && child->signaled);
    if (sup->phase == ABANDONING) {
        MM1_CHECK(child == sup->at);
        struct mm1_reason timeout = {.kind = MM1_REASON_TIMEOUT};
        start_over(sup, MM1__SUP_START_FAILED, &timeout);
    } else if (sup->phase == STOPPING) {
        MM1_CHECK(child == sup->at);
        end_timer(sup);
        set_life(child, MM1__SUP_ABSENT);
        sup->phase = DESCENDING;
        if (sup->purpose == OF_CALL_TERMINATE) {
            terminated(sup, child);
            if (MM1_MUTANT(reply_early)) {
                sup->owed &= ~(unsigned)OWED_REPLY;
            }
            if (MM1_MUTANT(terminate_restarts) && child->restart == MM1__SUP_PERMANENT) {
                restart_alone(sup, child);
            }
        }
    } else {
        MM1_CHECK(sup->phase == GATHERING && sup->waiting > 0);
        set_life(child, MM1__SUP_ABSENT);
        if (--sup->waiting == 0) {
            end_timer(sup);
            sup->phase = QUITTING;
        }
    }
}

static void take_timeout(struct mm1__sup *sup)
{
    if (!sup->armed) {
        return;
    }
    sup->armed = false;
    if (sup->phase == STARTING) {
        sup->at->signaled = true;
        sup->phase = ABANDONING;
        owe(sup, OWED_KILL);
    } else if (sup->phase == STOPPING) {
        if (!MM1_MUTANT(kill_forgotten)) {
            owe(sup, OWED_KILL);
        }
    } else {
        MM1_CHECK(sup->phase == GATHERING);
        sup->phase = KILLING;
        sup->at = first_child(sup);
    }
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

static void call_start(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    MM1_CHECK(child != NULL && child->link.next == &child->link);
    sup->purpose = OF_CALL_START;
    sup->phase = CLIMBING;
    sup->at = child;
}

static void call_terminate(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    if (child == NULL) {
        owe_reply(sup, NULL, MM1_SUP_NOT_FOUND);
    } else if (must_stop(child)) {
        sup->purpose = OF_CALL_TERMINATE;
        sup->phase = DESCENDING;
        sup->at = child;
        sup->from = child;
        if (MM1_MUTANT(reply_early)) {
            owe_reply(sup, child, MM1_SUP_OK);
        }
    } else if (MM1_MUTANT(terminate_keeps_retry) && child->life == MM1__SUP_TO_RESTART) {
        owe_reply(sup, child, MM1_SUP_OK);
    } else {
        terminated(sup, child);
    }
}

/* A call about a child that is to have no process: answers it and returns false where it has. */
static bool is_stopped(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    MM1_CHECK(sup->strategy != MM1__SUP_UNIFORM);
    if (child != NULL && child->life == MM1__SUP_ABSENT) {
        return true;
    }
    owe_reply(sup, child,
              child == NULL                        ? MM1_SUP_NOT_FOUND
              : child->life == MM1__SUP_TO_RESTART ? MM1_SUP_RESTARTING
                                                   : MM1_SUP_RUNNING);
    return false;
}

static void call_restart(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    if (is_stopped(sup, child)) {
        sup->purpose = OF_CALL_RESTART;
        sup->phase = CLIMBING;
        sup->at = child;
    }
}

static void call_delete(struct mm1__sup *sup, struct mm1__sup_child *child)
{
    if ((MM1_MUTANT(delete_running) && child != NULL && child->life == MM1__SUP_ALIVE) ||
        (MM1_MUTANT(delete_restarting) && child != NULL && child->life == MM1__SUP_TO_RESTART)) {
        set_life(child, MM1__SUP_ABSENT);
    }
    if (is_stopped(sup, child)) {
        owe_reply(sup, child, MM1_SUP_OK);
        owe_forget(sup, child);
    }
}

/* --- the machine ---------------------------------------------------------------------------------------------- */

static void begin(struct mm1__sup *sup)
{
    MM1_CHECK(sup->phase == NEW);
    MM1_CHECK(sup->strategy != MM1__SUP_UNIFORM || mm1_list_empty(&sup->children));
    sup->purpose = OF_BEGIN;
    sup->phase = CLIMBING;
    sup->at = first_child(sup);
}

/* What comes only to one that is idle. */
static void take_idle(struct mm1__sup *sup, const struct mm1__sup_event *event, uint64_t now)
{
    MM1_CHECK(sup->phase == IDLE);
    switch (event->kind) {
    case MM1__SUP_ENDED:
        MM1_CHECK(event->child != NULL);
        child_ended(sup, event->child, &event->reason, now);
        return;
    case MM1__SUP_RETRY:
        if (event->child != NULL &&
            (event->child->life == MM1__SUP_TO_RESTART || MM1_MUTANT(retry_unchecked))) {
            restart(sup, event->child, now);
        }
        return;
    case MM1__SUP_CALL_START:
        call_start(sup, event->child);
        return;
    case MM1__SUP_CALL_TERMINATE:
        call_terminate(sup, event->child);
        return;
    case MM1__SUP_CALL_RESTART:
        call_restart(sup, event->child);
        return;
    case MM1__SUP_CALL_DELETE:
        call_delete(sup, event->child);
        return;
    default:
        MM1_CHECK(event->kind == MM1__SUP_PARENT || event->kind == MM1__SUP_FAIL);
        quit(sup, &event->reason);
    }
}

static bool may_wait(const struct mm1__sup *sup)
{
    return sup->phase == STARTING || sup->phase == ABANDONING || sup->phase == STOPPING ||
           sup->phase == GATHERING;
}

static void take(struct mm1__sup *sup, const struct mm1__sup_event *event, uint64_t now)
{
    MM1_CHECK(sup->owed == 0 && (sup->phase == NEW || sup->phase == IDLE || may_wait(sup)));
    switch (event->kind) {
    case MM1__SUP_BEGIN:
        begin(sup);
        return;
    case MM1__SUP_STARTED:
    case MM1__SUP_IGNORED:
    case MM1__SUP_START_FAILED:
        take_outcome(sup, event);
        return;
    case MM1__SUP_GONE:
        take_gone(sup, event->child);
        return;
    case MM1__SUP_TIMEOUT:
        take_timeout(sup);
        return;
    default:
        take_idle(sup, event, now);
    }
}

static struct mm1__sup_action pay(struct mm1__sup *sup)
{
    enum owed what = (enum owed)(sup->owed & (0U - sup->owed));
    sup->owed &= ~(unsigned)what;
    switch (what) {
    case OWED_DISARM:
        return (struct mm1__sup_action){.kind = MM1__SUP_DISARM};
    case OWED_KILL:
        return (struct mm1__sup_action){.kind = MM1__SUP_KILL, .child = sup->at};
    case OWED_ARM:
        sup->armed = true;
        return (struct mm1__sup_action){.kind = MM1__SUP_ARM,
                                        .child = sup->at,
                                        .ns = sup->phase == STARTING ? sup->at->start_timeout_ns
                                                                     : sup->at->stop_timeout_ns};
    case OWED_REPLY: {
        struct mm1__sup_action reply = {
            .kind = MM1__SUP_REPLY, .child = sup->subject, .code = sup->code};
        if (sup->code == MM1_SUP_FAILED) {
            reply.reason = sup->reason;
        }
        return reply;
    }
    case OWED_FORGET:
        return (struct mm1__sup_action){.kind = MM1__SUP_FORGET, .child = sup->subject};
    case OWED_RESEND:
        break;
    }
    return (struct mm1__sup_action){.kind = MM1__SUP_RESEND, .child = sup->subject};
}

/* On the way up. NONE: it is over. */
static struct mm1__sup_action climb(struct mm1__sup *sup)
{
    while (MM1_MUTANT(group_skips_absent) && sup->purpose == OF_GROUP && sup->at != NULL &&
           sup->at->gone) {
        sup->at = child_after(sup, sup->at);
    }
    if (sup->at != NULL) {
        return start_child(sup);
    }
    sup->phase = IDLE;
    if (MM1_MUTANT(ready_lost) && sup->purpose == OF_BEGIN && first_child(sup) != NULL &&
        first_child(sup)->gone) {
        return (struct mm1__sup_action){.kind = MM1__SUP_NONE};
    }
    return (struct mm1__sup_action){.kind =
                                        sup->purpose == OF_BEGIN ? MM1__SUP_READY : MM1__SUP_NONE};
}

/* On the way down; NONE: it is over, and the next phase set. Temporary ones are forgotten (VR4), unless the supervisor
 * ends anyway: then QUIT may still name one. */
static struct mm1__sup_action descend(struct mm1__sup *sup)
{
    while (sup->at != NULL) {
        struct mm1__sup_child *child = sup->at;
        if (must_stop(child)) {
            return stop_child(sup);
        }
        if (MM1_MUTANT(restart_during_stop) && sup->purpose == OF_QUIT && child->gone &&
            child->restart == MM1__SUP_PERMANENT) {
            set_life(child, MM1__SUP_ABSENT);
            restart_alone(sup, child);
            return (struct mm1__sup_action){.kind = MM1__SUP_NONE};
        }
        if (!(MM1_MUTANT(group_skips_absent) && child->life == MM1__SUP_ABSENT)) {
            set_life(child, MM1__SUP_ABSENT);
        }
        sup->at = child == sup->from ? NULL : child_at(sup, child->link.prev);
        if (MM1_MUTANT(stop_order) && sup->purpose == OF_QUIT) {
            sup->at = child_after(sup, child);
        }
        if (sup->purpose == OF_GROUP && child->restart == MM1__SUP_TEMPORARY &&
            !MM1_MUTANT(temporary_restarted)) {
            mm1_list_remove(&child->link);
            return (struct mm1__sup_action){.kind = MM1__SUP_FORGET, .child = child};
        }
    }
    if (sup->purpose == OF_GROUP) {
        sup->phase = CLIMBING;
        sup->at = sup->from != NULL ? sup->from : first_child(sup);
        if (MM1_MUTANT(restart_order)) {
            sup->at = last_child(sup);
        }
    } else {
        sup->phase = QUITTING;
    }
    return (struct mm1__sup_action){.kind = MM1__SUP_NONE};
}

/* The children of a uniform supervisor, all at once under one timeout (VD6). NONE: there is nobody to wait for. */
static struct mm1__sup_action tell(struct mm1__sup *sup)
{
    const struct mm1__sup_child *like_all = first_child(sup);
    while (sup->at != NULL) {
        struct mm1__sup_child *child = sup->at;
        sup->at = child_after(sup, child);
        if (must_stop(child)) {
            sup->waiting++;
            return tell_to_end(child);
        }
    }
    if (sup->waiting == 0) {
        sup->phase = QUITTING;
        return (struct mm1__sup_action){.kind = MM1__SUP_NONE};
    }
    sup->phase = GATHERING;
    if (like_all->stop == MM1__SUP_STOP_TIMEOUT && like_all->stop_timeout_ns > 0) {
        sup->armed = true;
        return (struct mm1__sup_action){.kind = MM1__SUP_ARM, .ns = like_all->stop_timeout_ns};
    }
    if (like_all->stop == MM1__SUP_STOP_TIMEOUT) {
        sup->phase = KILLING;
        sup->at = first_child(sup);
    }
    return (struct mm1__sup_action){.kind = MM1__SUP_NONE};
}

/* NONE: all that were left are killed. */
static struct mm1__sup_action kill_left(struct mm1__sup *sup)
{
    while (sup->at != NULL) {
        struct mm1__sup_child *child = sup->at;
        sup->at = child_after(sup, child);
        if (child->signaled) {
            if (MM1_MUTANT(uniform_kills_one)) {
                sup->at = NULL;
            }
            return (struct mm1__sup_action){.kind = MM1__SUP_KILL, .child = child};
        }
    }
    sup->phase = GATHERING;
    return (struct mm1__sup_action){.kind = MM1__SUP_NONE};
}

static struct mm1__sup_action last_words(struct mm1__sup *sup)
{
    sup->phase = OVER;
    return (struct mm1__sup_action){.kind = MM1__SUP_QUIT,
                                    .child = sup->failed,
                                    .failed_start = sup->failed != NULL,
                                    .reason = sup->reason};
}

struct mm1__sup_action mm1__sup_step(struct mm1__sup *sup, const struct mm1__sup_event *event,
                                     uint64_t now_ns)
{
    if (event != NULL) {
        take(sup, event, now_ns);
    }
    struct mm1__sup_action action = {.kind = MM1__SUP_NONE};
    while (action.kind == MM1__SUP_NONE) {
        if (sup->owed != 0) {
            return pay(sup);
        }
        switch ((enum phase)sup->phase) {
        case NEW:
        case IDLE:
        case STARTING:
        case ABANDONING:
        case STOPPING:
        case GATHERING:
        case OVER:
            return action;
        case CLIMBING:
            action = climb(sup);
            break;
        case DESCENDING:
            action = descend(sup);
            if (MM1_MUTANT(all_stalls) && sup->phase == CLIMBING) {
                return action;
            }
            break;
        case TELLING:
            action = tell(sup);
            break;
        case KILLING:
            action = kill_left(sup);
            break;
        case QUITTING:
            return last_words(sup);
        }
    }
    return action;
}

bool mm1__sup_busy(const struct mm1__sup *sup)
{
    return sup->phase != NEW && sup->phase != IDLE && sup->phase != OVER;
}

void mm1__sup_note_gone(struct mm1__sup_child *child)
{
    MM1_CHECK(child->life == MM1__SUP_ALIVE && !child->signaled);
    child->gone = true;
}
