/* The reader of cases: members, events, and cases put together. */
#include <inttypes.h>

#include <mm1/clock.h>

#include "fuzz/sup_case_read.h"

#define MEMBERS_MAX 10000
#define COUNT_MAX 1000000
#define MS_MAX (UINT64_MAX / MM1_NS_PER_MS)

static const struct sup_member MEMBER_DEFAULT = {.shutdown_ms = 5000};

/* --- members -------------------------------------------------------------------------------------------------- */

static struct sup_member *members(const struct sup_reader *r)
{
    return (struct sup_member *)(void *)r->members.data;
}

static size_t member_count(const struct sup_reader *r)
{
    return r->members.size / sizeof(struct sup_member);
}

/* The members that are known so far, as those of a case. */
static struct sup_case known(const struct sup_reader *r)
{
    return (struct sup_case){.members = members(r), .member_count = member_count(r)};
}

const struct sup_member *sup_case_member(const struct sup_case *the_case, const char *id)
{
    for (size_t i = 0; i < the_case->member_count; i++) {
        if (strcmp(the_case->members[i].id, id) == 0) {
            return &the_case->members[i];
        }
    }
    return NULL;
}

static mm1_status read_root(struct sup_reader *r)
{
    struct sup_member member = MEMBER_DEFAULT;
    if (!sup_is_word(r->tokens[0], "sup") || r->count < 2 || !sup_is_word(r->tokens[1], "root")) {
        return sup_wrong(r, "expected \"sup root\" as the first declaration");
    }
    member.is_supervisor = true;
    MM1_TRY(sup_keep(r, r->tokens[1], &member.id));
    MM1_TRY(sup_read_keys(r, 2, true, &member));
    return mm1_buf_append(&r->members, &member, sizeof(member));
}

static mm1_status check_parent(const struct sup_reader *r, const struct sup_member *member,
                               const struct sup_member *parent, const char *parent_id)
{
    struct sup_case so_far = known(r);
    const struct sup_member *same = sup_case_member(&so_far, member->id);
    if (parent == NULL || !parent->is_supervisor) {
        return sup_wrong(r, "\"%s\" is under \"%s\", which is no supervisor declared before",
                         member->id, sup_show(mm1_text_of(parent_id)).text);
    }
    if (same != NULL && (same == members(r) || same->parent != member->parent ||
                         same->is_supervisor || member->is_supervisor)) {
        return sup_wrong(r, "\"%s\" is declared twice", member->id);
    }
    if (parent->strategy != SUP_SIMPLE) {
        return MM1_OK;
    }
    if (member->is_supervisor) {
        return sup_wrong(r, "\"%s\" is under \"%s\", whose one child is a worker", member->id,
                         parent->id);
    }
    for (size_t i = 1; i < so_far.member_count; i++) {
        if (so_far.members[i].parent == member->parent) {
            return sup_wrong(
                r,
                "\"%s\": a simple_one_for_one supervisor has one child, and \"%s\" has "
                "\"%s\"",
                member->id, parent->id, so_far.members[i].id);
        }
    }
    return MM1_OK;
}

static mm1_status read_member(struct sup_reader *r)
{
    struct sup_member member = MEMBER_DEFAULT;
    const char *parent_id;
    if (member_count(r) == 0) {
        return read_root(r);
    }
    member.is_supervisor = sup_is_word(r->tokens[0], "sup");
    if (member_count(r) == MEMBERS_MAX) {
        return sup_wrong(r, "more than %d members", MEMBERS_MAX);
    }
    if (r->count < 3) {
        return sup_wrong(r, "expected \"%s ID SUPERVISOR\"",
                         member.is_supervisor ? "sup" : "child");
    }
    MM1_TRY(sup_read_id(r, "id", r->tokens[1], &member.id));
    MM1_TRY(sup_read_id(r, "supervisor", r->tokens[2], &parent_id));
    struct sup_case so_far = known(r);
    const struct sup_member *parent = sup_case_member(&so_far, parent_id);
    member.parent = parent == NULL ? 0 : (size_t)(parent - so_far.members);
    MM1_TRY(check_parent(r, &member, parent, parent_id));
    MM1_TRY(sup_read_keys(r, 3, false, &member));
    return mm1_buf_append(&r->members, &member, sizeof(member));
}

/* --- events --------------------------------------------------------------------------------------------------- */

/* The shape of an event: its words behind the first one, as messages show them. */
static const char *const shapes[] = {
    [SUP_EV_EXIT] = "exit ID REASON",
    [SUP_EV_SUP_EXIT] = "sup_exit REASON",
    [SUP_EV_FAIL] = "failnext ID COUNT error|ignore",
    [SUP_EV_DIE] = "dienext ID COUNT REASON",
    [SUP_EV_START_CHILD] = "start_child SUPERVISOR ID",
    [SUP_EV_TERMINATE_CHILD] = "terminate_child SUPERVISOR ID",
    [SUP_EV_DELETE_CHILD] = "delete_child SUPERVISOR ID",
    [SUP_EV_RESTART_CHILD] = "restart_child SUPERVISOR ID",
    [SUP_EV_CHILDSPEC] = "childspec SUPERVISOR ID",
    [SUP_EV_WHICH] = "which SUPERVISOR",
    [SUP_EV_COUNT] = "count SUPERVISOR",
    [SUP_EV_ADVANCE] = "advance MILLISECONDS",
    [SUP_EV_WAIT] = "wait NANOSECONDS",
    [SUP_EV_SLOW] = "slownext ID COUNT NANOSECONDS",
    [SUP_EV_HANG] = "hangnext ID COUNT",
};

static size_t words_of_shape(const char *shape)
{
    size_t count = 1;
    for (; *shape != '\0'; shape++) {
        count += *shape == ' ' ? 1 : 0;
    }
    return count;
}

static mm1_status read_plan(const struct sup_reader *r, const struct mm1_text *t,
                            const struct sup_case *the_case, struct sup_event *event)
{
    MM1_TRY(sup_read_id(r, "id", t[1], &event->id));
    MM1_TRY(sup_read_number(r, "count", t[2], COUNT_MAX, &event->count));
    if (event->kind == SUP_EV_FAIL) {
        event->ignore = sup_is_word(t[3], "ignore");
        return event->ignore || sup_is_word(t[3], "error")
                   ? MM1_OK
                   : sup_wrong(r, "\"%s\": expected error or ignore", sup_show(t[3]).text);
    }
    if (event->kind == SUP_EV_SLOW) {
        return sup_read_ns(r, "slownext", t[3], &event->ns);
    }
    if (event->kind == SUP_EV_HANG) {
        return MM1_OK;
    }
    const struct sup_member *member = sup_case_member(the_case, event->id);
    if (!r->fuzzed && member != NULL && (member->is_supervisor || member->parent != 0)) {
        return sup_wrong(r, "dienext \"%s\": expected a worker of the root", event->id);
    }
    return sup_read_exit(r, t[3], event);
}

static mm1_status read_start_child(const struct sup_reader *r, const struct mm1_text *t,
                                   const struct sup_member *supervisor, struct sup_event *event)
{
    if (supervisor->strategy == SUP_SIMPLE) {
        return r->count == (size_t)(t - r->tokens) + 3
                   ? sup_read_id(r, "tag", t[2], &event->child)
                   : sup_wrong(r, "start_child of \"%s\": expected a tag alone", supervisor->id);
    }
    struct sup_member *member = mm1__arena_array(r->arena, 1, sizeof(*member));
    if (member == NULL) {
        return MM1_NOMEM;
    }
    *member = MEMBER_DEFAULT;
    MM1_TRY(sup_read_id(r, "id", t[2], &member->id));
    MM1_TRY(sup_read_keys(r, (size_t)(t - r->tokens) + 3, false, member));
    event->member = member;
    return MM1_OK;
}

static mm1_status read_call(const struct sup_reader *r, const struct mm1_text *t,
                            const struct sup_case *the_case, struct sup_event *event)
{
    MM1_TRY(sup_read_id(r, "supervisor", t[1], &event->id));
    const struct sup_member *supervisor = sup_case_member(the_case, event->id);
    if (supervisor == NULL || !supervisor->is_supervisor) {
        return sup_wrong(r, "\"%s\": expected a supervisor of the case", sup_show(t[1]).text);
    }
    switch (event->kind) {
    case SUP_EV_START_CHILD:
        return read_start_child(r, t, supervisor, event);
    case SUP_EV_WHICH:
    case SUP_EV_COUNT:
        return MM1_OK;
    default:
        return sup_read_id(r, "id", t[2], &event->child);
    }
}

static mm1_status read_time(const struct sup_reader *r, const struct mm1_text *t,
                            struct sup_event *event)
{
    if (event->kind == SUP_EV_WAIT) {
        return sup_read_ns(r, "wait", t[1], &event->ns);
    }
    MM1_TRY(sup_read_number(r, "advance", t[1], MS_MAX, &event->ns));
    event->ns *= MM1_NS_PER_MS;
    return MM1_OK;
}

static mm1_status read_fields(const struct sup_reader *r, const struct mm1_text *t,
                              const struct sup_case *the_case, struct sup_event *event)
{
    switch (event->kind) {
    case SUP_EV_EXIT:
        MM1_TRY(sup_read_id(r, "id", t[1], &event->id));
        return sup_read_exit(r, t[2], event);
    case SUP_EV_SUP_EXIT:
        MM1_TRY(sup_read_exit(r, t[1], event));
        return event->exit != SUP_EXIT_SELFKILL
                   ? MM1_OK
                   : sup_wrong(r, "sup_exit \"selfkill\": only a worker ends itself so");
    case SUP_EV_FAIL:
    case SUP_EV_DIE:
    case SUP_EV_SLOW:
    case SUP_EV_HANG:
        return read_plan(r, t, the_case, event);
    case SUP_EV_ADVANCE:
    case SUP_EV_WAIT:
        return read_time(r, t, event);
    default:
        return read_call(r, t, the_case, event);
    }
}

/* The event whose words are those from `first` on. */
static mm1_status read_event(const struct sup_reader *r, size_t first,
                             const struct sup_case *the_case, struct sup_event *event)
{
    struct sup_words words = sup_words_event;
    words.count = r->fuzzed ? words.count : SUP_EV_WAIT;
    *event = (struct sup_event){0};
    if (r->count == first) {
        return sup_wrong(r, "expected an event");
    }
    const struct mm1_text *t = r->tokens + first;
    size_t kind = sup_find_word(words, t[0]);
    if (kind >= words.count) {
        return sup_wrong(r, "unknown event \"%s\"", sup_show(t[0]).text);
    }
    size_t count = words_of_shape(shapes[kind]);
    bool open = kind == SUP_EV_START_CHILD;
    if (r->count - first < count || (r->count - first > count && !open)) {
        return sup_wrong(r, "expected \"%s%s\"", shapes[kind], open ? " [KEY=VALUE...]" : "");
    }
    event->kind = (enum sup_event_kind)kind;
    return read_fields(r, t, the_case, event);
}

mm1_status sup_event_read(struct mm1__arena *arena, const struct sup_case *the_case,
                          struct mm1_text text, struct sup_event *out)
{
    char error[SUP_CASE_ERROR_MAX];
    struct sup_reader r = {.arena = arena, .name = "event", .fuzzed = true, .error = error};
    MM1_TRY(sup_split(&r, text));
    return read_event(&r, 0, the_case, out);
}

/* --- cases ---------------------------------------------------------------------------------------------------- */

static bool is_name(struct mm1_text token)
{
    for (size_t i = 0; i < token.size; i++) {
        if (token.data[i] <= ' ' || token.data[i] > '~') {
            return false;
        }
    }
    return true;
}

static size_t count_of(const struct mm1_buf *buf, size_t size)
{
    return buf->size / size;
}

static mm1_status read_declaration(struct sup_reader *r)
{
    if (r->pre.size != 0 || r->steps.size != 0) {
        return sup_wrong(r, "\"%s\" behind the declarations: expected pre, ev, batch or end",
                         sup_show(r->tokens[0]).text);
    }
    return read_member(r);
}

static mm1_status read_pre(struct sup_reader *r)
{
    struct sup_case so_far = known(r);
    struct sup_event event;
    if (r->steps.size != 0) {
        return sup_wrong(r, "\"pre\" behind the first step: expected ev, batch or end");
    }
    MM1_TRY(read_event(r, 1, &so_far, &event));
    if (event.kind != SUP_EV_FAIL && event.kind != SUP_EV_DIE && event.kind != SUP_EV_SLOW &&
        event.kind != SUP_EV_HANG) {
        return sup_wrong(r, "pre \"%s\": expected a plan", sup_show(r->tokens[1]).text);
    }
    return mm1_buf_append(&r->pre, &event, sizeof(event));
}

static mm1_status add_step(struct sup_reader *r, bool batch, size_t count)
{
    struct sup_step step = {
        .batch = batch, .first = count_of(&r->events, sizeof(struct sup_event)), .count = count};
    return mm1_buf_append(&r->steps, &step, sizeof(step));
}

static mm1_status read_ev(struct sup_reader *r)
{
    struct sup_case so_far = known(r);
    struct sup_event event;
    MM1_TRY(read_event(r, 1, &so_far, &event));
    if (!r->in_batch) {
        MM1_TRY(add_step(r, false, 1));
    } else if (event.kind == SUP_EV_ADVANCE || event.kind == SUP_EV_WAIT) {
        return sup_wrong(r, "\"%s\" in a batch: no time passes there", sup_show(r->tokens[1]).text);
    } else {
        struct sup_step *steps = (struct sup_step *)(void *)r->steps.data;
        steps[count_of(&r->steps, sizeof(*steps)) - 1].count++;
    }
    return mm1_buf_append(&r->events, &event, sizeof(event));
}

static mm1_status read_batch(struct sup_reader *r, bool begins)
{
    if (r->in_batch == begins) {
        return sup_wrong(r, begins ? "\"batch\" in a batch: expected ev or commit"
                                   : "\"commit\" without a batch");
    }
    if (r->count != 1) {
        return sup_wrong(r, "expected \"%s\" alone", begins ? "batch" : "commit");
    }
    r->in_batch = begins;
    return begins ? add_step(r, true, 0) : MM1_OK;
}

/* What holds of the whole tree. */
static mm1_status check_members(const struct sup_reader *r)
{
    const struct sup_member *all = members(r);
    for (size_t i = 0; i < member_count(r); i++) {
        bool has_child = false;
        for (size_t j = i + 1; j < member_count(r) && all[i].strategy == SUP_SIMPLE; j++) {
            has_child = has_child || all[j].parent == i;
        }
        if (all[i].is_supervisor && all[i].strategy == SUP_SIMPLE && !has_child) {
            return sup_wrong(r, "\"%s\": a simple_one_for_one supervisor has one child, not none",
                             all[i].id);
        }
    }
    return MM1_OK;
}

/* The items of a buffer, in memory of the cases. */
static mm1_status settle(const struct sup_reader *r, struct mm1_buf *buf, size_t size, void **items,
                         size_t *count)
{
    *count = count_of(buf, size);
    *items = mm1__arena_array(r->arena, *count, size);
    if (*items == NULL) {
        return MM1_NOMEM;
    }
    if (buf->size != 0) {
        memcpy(*items, buf->data, buf->size);
    }
    mm1_buf_clear(buf);
    return MM1_OK;
}

static mm1_status end_case(struct sup_reader *r)
{
    struct sup_case *at = &r->at;
    void *items[4];
    if (r->in_batch) {
        return sup_wrong(r, "\"end\" in a batch: expected ev or commit");
    }
    if (r->count != 1) {
        return sup_wrong(r, "expected \"end\" alone");
    }
    MM1_TRY(check_members(r));
    MM1_TRY(settle(r, &r->members, sizeof(*at->members), &items[0], &at->member_count));
    MM1_TRY(settle(r, &r->pre, sizeof(*at->pre), &items[1], &at->pre_count));
    MM1_TRY(settle(r, &r->events, sizeof(*at->events), &items[2], &at->event_count));
    MM1_TRY(settle(r, &r->steps, sizeof(*at->steps), &items[3], &at->step_count));
    at->members = items[0];
    at->pre = items[1];
    at->events = items[2];
    at->steps = items[3];
    return mm1_buf_append(&r->cases, at, sizeof(*at));
}

static mm1_status read_case_line(struct sup_reader *r)
{
    struct mm1_text word = r->tokens[0];
    if (sup_is_word(word, "ev")) {
        return read_ev(r);
    }
    if (sup_is_word(word, "batch") || sup_is_word(word, "commit")) {
        return read_batch(r, sup_is_word(word, "batch"));
    }
    if (r->in_batch) {
        return sup_wrong(r, "\"%s\" in a batch: expected ev or commit", sup_show(word).text);
    }
    if (sup_is_word(word, "sup") || sup_is_word(word, "child")) {
        return read_declaration(r);
    }
    if (sup_is_word(word, "pre")) {
        return read_pre(r);
    }
    return sup_wrong(r, "\"%s\": expected sup, child, pre, ev, batch or end", sup_show(word).text);
}

/* From the line "case NAME", which is at hand, to the line "end". */
static mm1_status read_case(struct sup_reader *r)
{
    if (!sup_is_word(r->tokens[0], "case") || r->count != 2 || !is_name(r->tokens[1])) {
        return sup_wrong(r, "expected \"case NAME\"");
    }
    r->at = (struct sup_case){.line = r->line};
    MM1_TRY(sup_keep(r, r->tokens[1], &r->at.name));
    for (;;) {
        MM1_TRY(sup_next_line(r));
        if (r->count == 0) {
            return sup_wrong(r, "the text ends within case %s: expected end",
                             sup_show(mm1_text_of(r->at.name)).text);
        }
        if (r->members.size == 0 && !sup_is_word(r->tokens[0], "sup")) {
            return sup_wrong(r, "expected \"sup root\" as the first declaration");
        }
        if (sup_is_word(r->tokens[0], "end")) {
            return end_case(r);
        }
        MM1_TRY(read_case_line(r));
    }
}

static mm1_status read_cases(struct sup_reader *r, struct sup_cases *out)
{
    void *items = NULL;
    for (;;) {
        MM1_TRY(sup_next_line(r));
        if (r->count == 0) {
            break;
        }
        MM1_TRY(read_case(r));
    }
    if (r->cases.size == 0) {
        return sup_wrong(r, "expected \"case NAME\", got the end of the text");
    }
    MM1_TRY(settle(r, &r->cases, sizeof(*out->cases), &items, &out->count));
    out->cases = items;
    return MM1_OK;
}

mm1_status sup_cases_read(struct mm1_alloc *alloc, struct mm1_text text, const char *name,
                          bool fuzzed, struct sup_cases *out, char error[SUP_CASE_ERROR_MAX])
{
    struct sup_reader r = {.arena = &out->arena,
                           .left = text,
                           .name = name,
                           .fuzzed = fuzzed,
                           .error = error,
                           .members = MM1_BUF(alloc),
                           .pre = MM1_BUF(alloc),
                           .events = MM1_BUF(alloc),
                           .steps = MM1_BUF(alloc),
                           .cases = MM1_BUF(alloc)};
    *out = (struct sup_cases){0};
    error[0] = '\0';
    mm1__arena_init(&out->arena);
    mm1_status status = read_cases(&r, out);
    mm1_buf_close(&r.members);
    mm1_buf_close(&r.pre);
    mm1_buf_close(&r.events);
    mm1_buf_close(&r.steps);
    mm1_buf_close(&r.cases);
    if (status != MM1_OK) {
        sup_cases_close(out);
    }
    return status;
}

void sup_cases_close(struct sup_cases *cases)
{
    mm1__arena_close(&cases->arena);
    *cases = (struct sup_cases){0};
}
