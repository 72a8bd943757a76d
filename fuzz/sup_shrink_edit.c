/* What may be cut from a case, or made plainer. */
#include <stdio.h>
#include <string.h>

#include <mm1/clock.h>

#include "fuzz/sup_gen.h"
#include "fuzz/sup_shrink_edit.h"

/* --- drafts --------------------------------------------------------------------------------------------------- */

mm1_status sup_draft_open(struct mm1__arena *arena, const struct sup_case *the_case,
                          struct sup_draft *out)
{
    *out = (struct sup_draft){0};
    out->at.members = mm1__arena_array(arena, the_case->member_count, sizeof(struct sup_member));
    out->at.pre = mm1__arena_array(arena, the_case->pre_count, sizeof(struct sup_event));
    out->at.events = mm1__arena_array(arena, the_case->event_count, sizeof(struct sup_event));
    /* Each event may become a step of its own. */
    out->at.steps = mm1__arena_array(arena, the_case->step_count + the_case->event_count,
                                     sizeof(struct sup_step));
    out->specs = mm1__arena_array(arena, the_case->event_count, sizeof(struct sup_member));
    if (out->at.members == NULL || out->at.pre == NULL || out->at.events == NULL ||
        out->at.steps == NULL || out->specs == NULL) {
        return MM1_NOMEM;
    }
    sup_draft_copy(out, the_case);
    return MM1_OK;
}

static void copy_items(void *to, const void *from, size_t count, size_t size)
{
    if (count != 0) {
        memcpy(to, from, count * size);
    }
}

void sup_draft_copy(struct sup_draft *to, const struct sup_case *from)
{
    struct sup_case *at = &to->at;
    copy_items(at->members, from->members, from->member_count, sizeof(struct sup_member));
    copy_items(at->pre, from->pre, from->pre_count, sizeof(struct sup_event));
    copy_items(at->events, from->events, from->event_count, sizeof(struct sup_event));
    copy_items(at->steps, from->steps, from->step_count, sizeof(struct sup_step));
    for (size_t i = 0; i < from->event_count; i++) {
        if (from->events[i].member != NULL) {
            to->specs[i] = *from->events[i].member;
            at->events[i].member = &to->specs[i];
        }
    }
    at->name = from->name;
    at->line = from->line;
    at->member_count = from->member_count;
    at->pre_count = from->pre_count;
    at->event_count = from->event_count;
    at->step_count = from->step_count;
}

/* --- events and steps ----------------------------------------------------------------------------------------- */

static void drop_events(struct sup_case *at, size_t first, size_t count)
{
    memmove(at->events + first, at->events + first + count,
            (at->event_count - first - count) * sizeof(struct sup_event));
    at->event_count -= count;
}

bool sup_draft_drop_steps(struct sup_draft *draft, size_t first, size_t count)
{
    struct sup_case *at = &draft->at;
    size_t events = 0;
    if (first >= at->step_count || count == 0) {
        return false;
    }
    count = count < at->step_count - first ? count : at->step_count - first;
    for (size_t i = first; i < first + count; i++) {
        events += at->steps[i].count;
    }
    drop_events(at, at->steps[first].first, events);
    memmove(at->steps + first, at->steps + first + count,
            (at->step_count - first - count) * sizeof(struct sup_step));
    at->step_count -= count;
    for (size_t i = first; i < at->step_count; i++) {
        at->steps[i].first -= events;
    }
    return true;
}

bool sup_draft_drop_event(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    size_t i = 0;
    if (index >= at->event_count) {
        return false;
    }
    while (at->steps[i].first + at->steps[i].count <= index) {
        i++;
    }
    if (at->steps[i].count == 1) {
        return sup_draft_drop_steps(draft, i, 1);
    }
    drop_events(at, index, 1);
    at->steps[i].count--;
    at->steps[i].batch = at->steps[i].batch && at->steps[i].count > 1;
    while (++i < at->step_count) {
        at->steps[i].first--;
    }
    return true;
}

bool sup_draft_drop_before(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    if (index >= at->pre_count) {
        return false;
    }
    memmove(at->pre + index, at->pre + index + 1,
            (at->pre_count - index - 1) * sizeof(struct sup_event));
    at->pre_count--;
    return true;
}

bool sup_draft_split(struct sup_draft *draft, size_t step)
{
    struct sup_case *at = &draft->at;
    if (step >= at->step_count || !at->steps[step].batch) {
        return false;
    }
    struct sup_step whole = at->steps[step];
    if (whole.count > 1) {
        memmove(at->steps + step + 1, at->steps + step,
                (at->step_count - step) * sizeof(struct sup_step));
        at->step_count++;
        at->steps[step] = (struct sup_step){.first = whole.first, .count = 1};
        at->steps[step + 1].first++;
        at->steps[step + 1].count--;
        at->steps[step + 1].batch = whole.count > 2;
    } else {
        at->steps[step].batch = false;
    }
    return true;
}

/* --- members -------------------------------------------------------------------------------------------------- */

static bool has_children(const struct sup_case *at, size_t index)
{
    for (size_t i = 1; i < at->member_count; i++) {
        if (at->members[i].parent == index) {
            return true;
        }
    }
    return false;
}

static bool is_id(const char *id, const char *other)
{
    return id != NULL && other != NULL && strcmp(id, other) == 0;
}

static bool names(const struct sup_event *event, const char *id)
{
    return is_id(event->id, id) || is_id(event->child, id) ||
           (event->member != NULL && is_id(event->member->id, id));
}

/* Whoever of that id is no longer there is no longer spoken of. */
static void forget(struct sup_draft *draft, const char *id)
{
    struct sup_case *at = &draft->at;
    if (sup_case_member(at, id) != NULL) {
        return;
    }
    for (size_t i = at->event_count; i-- > 0;) {
        if (names(&at->events[i], id)) {
            (void)sup_draft_drop_event(draft, i);
        }
    }
    for (size_t i = at->pre_count; i-- > 0;) {
        if (names(&at->pre[i], id)) {
            (void)sup_draft_drop_before(draft, i);
        }
    }
}

/* One member without children. */
static void remove_member(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    const char *id = at->members[index].id;
    memmove(at->members + index, at->members + index + 1,
            (at->member_count - index - 1) * sizeof(struct sup_member));
    at->member_count--;
    for (size_t i = index; i < at->member_count; i++) {
        at->members[i].parent -= at->members[i].parent > index ? 1 : 0;
    }
    forget(draft, id);
}

bool sup_draft_drop_member(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    if (index == 0 || index >= at->member_count ||
        at->members[at->members[index].parent].strategy == SUP_SIMPLE) {
        return false;
    }
    /* Children stand behind their supervisor. */
    for (size_t i = at->member_count; i-- > index + 1;) {
        bool below = false;
        for (size_t above = i; above != 0; above = at->members[above].parent) {
            below = below || at->members[above].parent == index;
        }
        if (below) {
            remove_member(draft, i);
        }
    }
    remove_member(draft, index);
    return true;
}

bool sup_draft_dissolve(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    if (index == 0 || index >= at->member_count || !at->members[index].is_supervisor ||
        at->members[index].strategy == SUP_SIMPLE || !has_children(at, index)) {
        return false;
    }
    size_t above = at->members[index].parent;
    for (size_t i = index + 1; i < at->member_count; i++) {
        at->members[i].parent = at->members[i].parent == index ? above : at->members[i].parent;
    }
    remove_member(draft, index);
    return true;
}

static bool is_below(const struct sup_case *at, size_t index, size_t above)
{
    while (index != 0 && index != above) {
        index = at->members[index].parent;
    }
    return index == above;
}

/* What was about the root goes; what was about the heir is about the root. */
static void inherit(struct sup_draft *draft, const char *heir)
{
    struct sup_case *at = &draft->at;
    const char *root = at->members[0].id;
    for (size_t i = at->event_count; i-- > 0;) {
        struct sup_event *event = &at->events[i];
        if (is_id(event->id, root)) {
            (void)sup_draft_drop_event(draft, i);
        } else if (is_id(event->id, heir)) {
            event->id = root;
        }
    }
    for (size_t i = at->pre_count; i-- > 0;) {
        at->pre[i].id = is_id(at->pre[i].id, heir) ? root : at->pre[i].id;
    }
}

bool sup_draft_promote(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    if (index == 0 || index >= at->member_count || !at->members[index].is_supervisor) {
        return false;
    }
    /* Below the root at once, so that those between can go. */
    at->members[index].parent = 0;
    for (size_t i = at->member_count; i-- > 1;) {
        if (!is_below(at, i, index)) {
            remove_member(draft, i);
            index -= i < index ? 1 : 0;
        }
    }
    struct sup_member heir = at->members[index];
    struct sup_member *root = &at->members[0];
    inherit(draft, heir.id);
    root->strategy = heir.strategy;
    root->intensity = heir.intensity;
    root->period_ns = heir.period_ns;
    root->auto_shutdown = heir.auto_shutdown;
    for (size_t i = 1; i < at->member_count; i++) {
        at->members[i].parent = at->members[i].parent == index ? 0 : at->members[i].parent;
    }
    remove_member(draft, index);
    return true;
}

static bool is_call_of(const struct sup_event *event, const char *id)
{
    return event->kind >= SUP_EV_START_CHILD && event->kind <= SUP_EV_COUNT && is_id(event->id, id);
}

bool sup_draft_demote(struct sup_draft *draft, size_t index)
{
    struct sup_case *at = &draft->at;
    if (index == 0 || index >= at->member_count || !at->members[index].is_supervisor ||
        has_children(at, index)) {
        return false;
    }
    struct sup_member *member = &at->members[index];
    *member = (struct sup_member){.id = member->id,
                                  .parent = member->parent,
                                  .restart = member->restart,
                                  .significant = member->significant,
                                  .shutdown_ms = 5000};
    for (size_t i = at->event_count; i-- > 0;) {
        if (is_call_of(&at->events[i], member->id)) {
            (void)sup_draft_drop_event(draft, i);
        }
    }
    return true;
}

/* --- attributes ----------------------------------------------------------------------------------------------- */

static bool set_flag(bool *flag, bool value)
{
    bool changed = *flag != value;
    *flag = value;
    return changed;
}

static bool plain_shutdown(struct sup_member *member)
{
    enum sup_shutdown usual = member->is_supervisor ? SUP_SHUTDOWN_INFINITY : SUP_SHUTDOWN_MS;
    bool changed = member->shutdown != usual || member->shutdown_ms != 5000;
    /* Who ignores it is to be killed some time. */
    if (!changed || (member->term == SUP_TERM_IGNORE && member->shutdown != usual)) {
        return false;
    }
    member->shutdown = usual;
    member->shutdown_ms = 5000;
    return true;
}

static bool plain_term(struct sup_member *member)
{
    bool changed = member->term != SUP_TERM_DIE;
    member->term = SUP_TERM_DIE;
    member->slow_ms = 0;
    return changed;
}

static bool plain_period(struct sup_member *member)
{
    bool changed = member->is_supervisor && member->period_ns != 5 * MM1_NS_PER_SEC;
    member->period_ns = changed ? 5 * MM1_NS_PER_SEC : member->period_ns;
    return changed;
}

bool sup_member_plainer(struct sup_member *member, unsigned what, bool root)
{
    bool changed = false;
    if (root && what < 5) {
        return false;
    }
    switch (what) {
    case 0:
        changed = member->restart != SUP_PERMANENT;
        member->restart = SUP_PERMANENT;
        member->significant = false;
        return changed;
    case 1:
        return set_flag(&member->significant, false);
    case 2:
        return plain_shutdown(member);
    case 3:
        return set_flag(&member->type_supervisor, false);
    case 4:
        return plain_term(member);
    case 5:
        changed = member->is_supervisor && member->strategy != SUP_SIMPLE &&
                  member->strategy != SUP_ONE_FOR_ONE;
        member->strategy = changed ? SUP_ONE_FOR_ONE : member->strategy;
        return changed;
    case 6:
        changed = member->auto_shutdown != SUP_AUTO_NEVER;
        member->auto_shutdown = SUP_AUTO_NEVER;
        return changed;
    case 7:
        return plain_period(member);
    case 8:
        return set_flag(&member->unacked, false);
    case 9:
        return set_flag(&member->announced, false);
    default:
        changed = member->term == SUP_TERM_SLOW && member->slow_ms > 1;
        member->slow_ms = changed ? 1 : member->slow_ms;
        return changed;
    }
}

bool sup_event_plainer(struct sup_event *event, unsigned what)
{
    bool exits =
        event->kind == SUP_EV_EXIT || event->kind == SUP_EV_SUP_EXIT || event->kind == SUP_EV_DIE;
    bool changed = false;
    switch (what) {
    case 0:
        changed = exits && event->exit != SUP_EXIT_CRASH;
        event->exit = changed ? SUP_EXIT_CRASH : event->exit;
        event->exit_text = changed ? NULL : event->exit_text;
        return changed;
    case 1:
        changed = exits && event->exit != SUP_EXIT_CRASH && event->exit != SUP_EXIT_NORMAL;
        event->exit = changed ? SUP_EXIT_NORMAL : event->exit;
        event->exit_text = changed ? NULL : event->exit_text;
        return changed;
    default:
        changed = event->count > 1;
        event->count = changed ? 1 : event->count;
        return changed;
    }
}

/* --- names ---------------------------------------------------------------------------------------------------- */

struct names {
    const char **from;
    const char **to;
    size_t count;
};

static const char *renamed(const struct names *names, const char *id)
{
    for (size_t i = 0; id != NULL && i < names->count; i++) {
        if (strcmp(names->from[i], id) == 0) {
            return names->to[i];
        }
    }
    return id;
}

static mm1_status add_name(struct mm1__arena *arena, struct names *names, const char *id)
{
    char text[24];
    if (id == NULL || strcmp(id, "root") == 0 || renamed(names, id) != id) {
        return MM1_OK;
    }
    size_t n = names->count;
    if (n < 26) {
        (void)snprintf(text, sizeof(text), "%c", (int)('a' + n));
    } else {
        (void)snprintf(text, sizeof(text), "%c%zu", (int)('a' + n % 26), n / 26);
    }
    names->from[n] = id;
    names->to[n] = mm1__arena_text(arena, mm1_text_of(text));
    names->count++;
    return names->to[n] == NULL ? MM1_NOMEM : MM1_OK;
}

static mm1_status gather(struct mm1__arena *arena, const struct sup_case *at, struct names *names)
{
    for (size_t i = 0; i < at->member_count; i++) {
        MM1_TRY(add_name(arena, names, at->members[i].id));
    }
    for (size_t i = 0; i < at->event_count + at->pre_count; i++) {
        const struct sup_event *event =
            i < at->event_count ? &at->events[i] : &at->pre[i - at->event_count];
        MM1_TRY(add_name(arena, names, event->id));
        MM1_TRY(add_name(arena, names, event->child));
        MM1_TRY(add_name(arena, names, event->member == NULL ? NULL : event->member->id));
    }
    return MM1_OK;
}

mm1_status sup_draft_rename(struct mm1__arena *arena, struct sup_draft *draft)
{
    struct sup_case *at = &draft->at;
    size_t most = at->member_count + 3 * (at->event_count + at->pre_count);
    struct names names = {.from = mm1__arena_array(arena, most, sizeof(char *)),
                          .to = mm1__arena_array(arena, most, sizeof(char *))};
    if (names.from == NULL || names.to == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(gather(arena, at, &names));
    for (size_t i = 0; i < at->member_count; i++) {
        at->members[i].id = renamed(&names, at->members[i].id);
    }
    for (size_t i = 0; i < at->event_count + at->pre_count; i++) {
        struct sup_event *event =
            i < at->event_count ? &at->events[i] : &at->pre[i - at->event_count];
        event->id = renamed(&names, event->id);
        event->child = renamed(&names, event->child);
        if (i < at->event_count && event->member != NULL) {
            struct sup_member spec = *event->member;
            spec.id = renamed(&names, spec.id);
            draft->specs[i] = spec;
            event->member = &draft->specs[i];
        }
    }
    return MM1_OK;
}
