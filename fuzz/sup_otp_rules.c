/* What makes a case one for OTP, and the one difference that is a mistake of OTP. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mm1/clock.h>

#include "fuzz/sup_otp_rules.h"

/* Windows are longer than any case takes: OTP's are of whole seconds, and its time is real. */
#define PERIOD_NS (UINT64_C(100000) * MM1_NS_PER_SEC)
/* Longer than a child that obeys needs, and so short that one that does not is killed soon. */
#define OBEYS_MS 5000u
#define IGNORES_MS 12u
#define SLOW_MS 5u

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* --- members -------------------------------------------------------------------------------------------------- */

/* OTP knows such a child, and its term and its shutdown come to one end, whatever the time. */
static bool takes_child(const struct sup_member *m)
{
    if (m->unacked || m->announced) {
        return false;
    }
    bool timed = m->shutdown == SUP_SHUTDOWN_MS;
    switch (m->term) {
    case SUP_TERM_DIE:
        return true;
    case SUP_TERM_IGNORE:
        return m->shutdown == SUP_SHUTDOWN_BRUTAL || (timed && m->shutdown_ms <= IGNORES_MS);
    case SUP_TERM_SLOW:
        return m->slow_ms <= SLOW_MS && (!timed || m->shutdown_ms >= OBEYS_MS);
    default:
        return !timed || m->shutdown_ms >= OBEYS_MS;
    }
}

static size_t children_of(const struct sup_case *c, size_t supervisor)
{
    size_t count = 0;
    for (size_t i = 1; i < c->member_count; i++) {
        count += c->members[i].parent == supervisor ? 1 : 0;
    }
    return count;
}

static bool takes_member(const struct sup_case *c, size_t i)
{
    const struct sup_member *m = &c->members[i];
    if (i != 0 && c->members[m->parent].strategy == SUP_SIMPLE &&
        (m->is_supervisor || m->significant)) {
        return false;
    }
    if (!m->is_supervisor) {
        return takes_child(m);
    }
    if (m->strategy == SUP_SIMPLE &&
        (m->auto_shutdown != SUP_AUTO_NEVER || children_of(c, i) != 1)) {
        return false;
    }
    return m->period_ns >= PERIOD_NS && m->period_ns % MM1_NS_PER_SEC == 0 && !m->unacked &&
           !m->announced && (i == 0 || m->shutdown == SUP_SHUTDOWN_INFINITY);
}

/* --- events --------------------------------------------------------------------------------------------------- */

static bool is_call(const struct sup_event *event)
{
    return event->kind >= SUP_EV_START_CHILD && event->kind <= SUP_EV_COUNT;
}

static bool is_uniform(const struct sup_case *c, const char *id)
{
    const struct sup_member *m = id == NULL ? NULL : sup_case_member(c, id);
    return m != NULL && m->is_supervisor && m->strategy == SUP_SIMPLE;
}

/* Whether the event starts a child of that id. */
static bool starts(const struct sup_event *event, const char *id)
{
    return event->kind == SUP_EV_START_CHILD &&
           (event->member != NULL ? is_same(event->member->id, id) : is_same(event->child, id));
}

/* The supervisor that a member, or what start_child adds, is a child of. Null: nobody's. */
static const char *supervisor_of(const struct sup_case *c, const char *id)
{
    const struct sup_member *m = sup_case_member(c, id);
    if (m != NULL) {
        return c->members[m->parent].id;
    }
    for (size_t i = 0; i < c->event_count; i++) {
        if (starts(&c->events[i], id)) {
            return c->events[i].id;
        }
    }
    return NULL;
}

/* Whether the plan makes a restart under a uniform supervisor be ignored: releases differ there (VD11). `events`: how
 * many of the case's events come before the plan. */
static bool ignores_restart(const struct sup_case *c, const struct sup_event *plan, size_t events)
{
    const char *above = supervisor_of(c, plan->id);
    size_t started = 0;
    if (!plan->ignore || sup_case_member(c, plan->id) != NULL || !is_uniform(c, above)) {
        return false;
    }
    /* It is for a first start when there is just one, behind it, and no other plan for it before. */
    for (size_t i = 0; i < c->event_count; i++) {
        const struct sup_event *other = &c->events[i];
        bool plans = other->kind == SUP_EV_FAIL || other->kind == SUP_EV_DIE;
        bool starts_it = starts(other, plan->id);
        started += starts_it ? 1 : 0;
        if ((starts_it && i < events) ||
            (plans && i < events && other != plan && is_same(other->id, plan->id))) {
            return true;
        }
    }
    for (size_t i = 0; i < c->pre_count; i++) {
        if (&c->pre[i] != plan && is_same(c->pre[i].id, plan->id)) {
            return true;
        }
    }
    return plan->count > 1 || started > 1;
}

static bool takes_event(const struct sup_case *c, const struct sup_event *event, size_t before)
{
    switch (event->kind) {
    case SUP_EV_ADVANCE:
    case SUP_EV_WAIT:
    case SUP_EV_SLOW:
    case SUP_EV_HANG:
        return false;
    case SUP_EV_FAIL:
        return !ignores_restart(c, event, before);
    case SUP_EV_DIE: {
        const char *above = supervisor_of(c, event->id);
        const struct sup_member *m = sup_case_member(c, event->id);
        return (above == NULL || is_same(above, "root")) && (m == NULL || !m->is_supervisor);
    }
    case SUP_EV_START_CHILD:
        return is_uniform(c, event->id) == (event->member == NULL) &&
               (event->member == NULL || takes_child(event->member));
    default:
        return true;
    }
}

/* The supervisor whose mailbox gets something by an event. Null: nobody's. */
static const char *concerned(const struct sup_case *c, const struct sup_event *event)
{
    if (is_call(event)) {
        return event->id;
    }
    if (event->kind == SUP_EV_SUP_EXIT) {
        return "root";
    }
    if (event->kind != SUP_EV_EXIT) {
        return NULL;
    }
    const struct sup_member *m = sup_case_member(c, event->id);
    bool itself = m != NULL && m->is_supervisor && event->exit != SUP_EXIT_KILL;
    return itself ? event->id : supervisor_of(c, event->id);
}

/* What several supervisors find at one time, they take in an order that is anybody's. */
static bool takes_batch(const struct sup_case *c, const struct sup_step *step)
{
    const char *all = NULL;
    for (size_t i = 0; i < step->count; i++) {
        const char *one = concerned(c, &c->events[step->first + i]);
        if (one != NULL && all != NULL && !is_same(one, all)) {
            return false;
        }
        all = one == NULL ? all : one;
    }
    return true;
}

bool sup_otp_takes(const struct sup_case *the_case)
{
    bool takes = true;
    for (size_t i = 0; i < the_case->member_count; i++) {
        takes = takes && takes_member(the_case, i);
    }
    for (size_t i = 0; i < the_case->pre_count; i++) {
        takes = takes && takes_event(the_case, &the_case->pre[i], 0);
    }
    for (size_t i = 0; i < the_case->event_count; i++) {
        takes = takes && takes_event(the_case, &the_case->events[i], i);
    }
    for (size_t i = 0; i < the_case->step_count; i++) {
        takes = takes && takes_batch(the_case, &the_case->steps[i]);
    }
    return takes;
}

/* --- what OTP counts wrong ------------------------------------------------------------------------------------ */

/* How many children of a uniform supervisor may have been terminated while they waited for a restart: nobody waits
 * when a step begins. */
static long long miscounts(const struct sup_case *c, const char *supervisor)
{
    long long count = 0;
    for (size_t i = 0; i < c->step_count; i++) {
        const struct sup_step *step = &c->steps[i];
        for (size_t k = 0; step->batch && k < step->count; k++) {
            const struct sup_event *event = &c->events[step->first + k];
            count +=
                event->kind == SUP_EV_TERMINATE_CHILD && is_same(event->id, supervisor) ? 1 : 0;
        }
    }
    return count;
}

/* The supervisor that the call of that number, from 0, is to. */
static const char *called(const struct sup_case *c, size_t number)
{
    for (size_t i = 0; i < c->event_count; i++) {
        if (is_call(&c->events[i]) && number-- == 0) {
            return c->events[i].id;
        }
    }
    return NULL;
}

#define LINE_MAX_SIZE 128
struct count_line {
    char supervisor[LINE_MAX_SIZE]; /* "": not said */
    long long specs;
    long long active;
    long long supervisors;
    long long workers;
};

/* The number behind `key`, where `*at` stands; then it stands behind that. */
static bool read_number(const char **at, const char *key, long long *out)
{
    char *end;
    size_t size = strlen(key);
    if (strncmp(*at, key, size) != 0) {
        return false;
    }
    *out = strtoll(*at + size, &end, 10);
    bool some = end != *at + size;
    *at = end;
    return some;
}

/* "reply specs=..." or "count ID specs=...". */
static bool read_count(struct mm1_text line, struct count_line *out)
{
    char text[LINE_MAX_SIZE];
    if (line.size == 0 || line.size >= sizeof(text)) {
        return false;
    }
    memcpy(text, line.data, line.size);
    text[line.size] = '\0';
    *out = (struct count_line){.specs = 0};
    const char *at = strstr(text, " specs=");
    if (at == NULL || (strncmp(text, "reply", 5) != 0 && strncmp(text, "count ", 6) != 0)) {
        return false;
    }
    if (text[0] == 'c' && at > text + 6) {
        memcpy(out->supervisor, text + 6, (size_t)(at - text - 6));
    }
    return read_number(&at, " specs=", &out->specs) && read_number(&at, " active=", &out->active) &&
           read_number(&at, " supervisors=", &out->supervisors) &&
           read_number(&at, " workers=", &out->workers) && *at == '\0';
}

/* VD10: a uniform supervisor of OTP 25 counts a child that was terminated while its restart waited as waiting for ever,
 * so that its "active" is too small. `replies`: calls that were answered before. */
static bool is_excused(const struct sup_case *c, struct mm1_text theirs, struct mm1_text mine,
                       size_t replies)
{
    struct count_line a;
    struct count_line b;
    if (!read_count(theirs, &a) || !read_count(mine, &b) || a.specs != b.specs ||
        a.supervisors != b.supervisors || a.workers != b.workers ||
        strcmp(a.supervisor, b.supervisor) != 0) {
        return false;
    }
    const char *id = a.supervisor[0] == '\0' ? called(c, replies) : a.supervisor;
    return is_uniform(c, id) && a.active < b.active && b.active - a.active <= miscounts(c, id);
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

bool sup_otp_line(struct mm1_text *text, struct mm1_text *line)
{
    *line = (struct mm1_text){.size = 0};
    if (text->size == 0) {
        return false;
    }
    const char *end = memchr(text->data, '\n', text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    size_t past = end == NULL ? size : size + 1;
    *line = (struct mm1_text){.data = text->data, .size = size};
    text->data += past;
    text->size -= past;
    return true;
}

struct sup_otp_difference sup_otp_compare(const struct sup_case *the_case, struct mm1_text theirs,
                                          struct mm1_text mine)
{
    struct sup_otp_difference d = {.line = 0};
    size_t replies = 0;
    for (unsigned line = 1;; line++) {
        bool more = sup_otp_line(&theirs, &d.theirs);
        more = sup_otp_line(&mine, &d.mine) || more;
        if (!more) {
            return d;
        }
        if (!mm1_text_equal(d.theirs, d.mine)) {
            if (!is_excused(the_case, d.theirs, d.mine, replies)) {
                d.line = line;
                return d;
            }
            d.excused++;
        }
        replies += d.theirs.size >= 6 && memcmp(d.theirs.data, "reply ", 6) == 0 ? 1 : 0;
    }
}
