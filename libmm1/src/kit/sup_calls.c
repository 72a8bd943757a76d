/* Requests to a supervisor. What only looks is answered at once; what changes something is an event of the step. */
#include "base/mutant.h"
#include "kit/sup_actor.h"

/* --- answers -------------------------------------------------------------------------------------------------- */

/* An asker that is gone, or an answer that cannot be sent, is no matter; without memory for it the supervisor ends, so
 * that the asker hears of that. */
static void sent(struct mm1_ctx *ctx, struct mm1__supervisor *sup, mm1_status status)
{
    sup->refused |= status == MM1_NOMEM;
    if (status == MM1_TOO_LARGE) {
        mm1_log(ctx, MM1_LOG_WARN, "an answer is too large to be sent");
    }
}

static void answer(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                   const struct mm1_request_header *header, enum mm1_sup_code code)
{
    sent(ctx, sup, mm1_reply(ctx, header, mm1_sup_answer, .code = (uint8_t)code));
}

static void answer_why(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                       const struct mm1_request_header *header, enum mm1_sup_code code,
                       const struct mm1_reason *why)
{
    sent(ctx, sup,
         mm1_reply(ctx, header, mm1_sup_answer, .code = (uint8_t)code, .why = mm1_why_of(why)));
}

/* With the address of the child, if it has one. */
static void answer_addr(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                        const struct mm1_request_header *header, enum mm1_sup_code code,
                        const struct mm1__sup_record *record)
{
    bool alive = record->child.life == MM1__SUP_ALIVE;
    sent(ctx, sup,
         mm1_reply(ctx, header, mm1_sup_answer, .code = (uint8_t)code,
                   .child = {.some = alive, .value = alive ? record->process.given : MM1_ADDR(0)}));
}

void mm1__sup_reply(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                    const struct mm1__sup_action *action)
{
    bool of_start = sup->cause == MM1__SUP_CALL_START || sup->cause == MM1__SUP_CALL_RESTART;
    if (action->code == MM1_SUP_FAILED) {
        answer_why(ctx, sup, &sup->caller, action->code, &action->reason);
    } else if (action->code == MM1_SUP_OK && of_start) {
        answer_addr(ctx, sup, &sup->caller, action->code, mm1__sup_record_of(action->child));
    } else {
        answer(ctx, sup, &sup->caller, action->code);
    }
}

/* --- what changes something ----------------------------------------------------------------------------------- */

static void begin(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                  const struct mm1_request_header *header, enum mm1__sup_event_kind kind,
                  struct mm1__sup_record *record)
{
    struct mm1__sup_event event = {.kind = kind};
    if (record != NULL) {
        event.child = &record->child;
    }
    sup->caller = *header;
    mm1__sup_begin(ctx, sup, &event);
}

static void begin_start(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                        const struct mm1_request_header *header, struct mm1__sup_record *record)
{
    if (record == NULL) {
        struct mm1_reason why = mm1_reason_error((int32_t)MM1_NOMEM, mm1_status_text(MM1_NOMEM));
        answer_why(ctx, sup, header, MM1_SUP_FAILED, &why);
        return;
    }
    sup->fresh = record;
    begin(ctx, sup, header, MM1__SUP_CALL_START, record);
}

static bool is_uniform(const struct mm1__supervisor *sup)
{
    return sup->step.strategy == MM1__SUP_UNIFORM;
}

static void start_child(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                        const struct mm1_request_header *header, const void *body)
{
    const struct mm1_child *spec = &((const struct mm1_sup_start_child *)body)->child;
    char error[MM1_TREE_ERROR_MAX];
    if (is_uniform(sup)) {
        answer(ctx, sup, header, MM1_SUP_UNIFORM);
        return;
    }
    if (mm1__sup_check_child(sup, spec, error) != MM1_OK) {
        struct mm1_reason why = mm1_reason_error((int32_t)MM1_INVALID, error);
        answer_why(ctx, sup, header, MM1_SUP_INVALID, &why);
        return;
    }
    struct mm1__sup_record *known = mm1__sup_find_id(sup, spec->id);
    if (MM1_MUTANT(start_known) && known != NULL && known->child.life != MM1__SUP_ALIVE) {
        begin(ctx, sup, header, MM1__SUP_CALL_RESTART, known);
    } else if (known == NULL) {
        begin_start(ctx, sup, header, mm1__sup_record_new(sup, spec));
    } else if (known->child.life == MM1__SUP_ALIVE) {
        answer_addr(ctx, sup, header, MM1_SUP_ALREADY_STARTED, known);
    } else {
        answer(ctx, sup, header, MM1_SUP_ALREADY_PRESENT);
    }
}

static void by_id(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                  const struct mm1_request_header *header, enum mm1__sup_event_kind kind,
                  struct mm1_text id)
{
    if (is_uniform(sup)) {
        answer(ctx, sup, header, MM1_SUP_UNIFORM);
    } else {
        begin(ctx, sup, header, kind, mm1__sup_find_id(sup, id));
    }
}

static void terminate_child(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                            const struct mm1_request_header *header, const void *body)
{
    const struct mm1_sup_terminate_child *m = body;
    by_id(ctx, sup, header, MM1__SUP_CALL_TERMINATE, m->id);
}

static void delete_child(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                         const struct mm1_request_header *header, const void *body)
{
    const struct mm1_sup_delete_child *m = body;
    by_id(ctx, sup, header, MM1__SUP_CALL_DELETE, m->id);
}

static void restart_child(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                          const struct mm1_request_header *header, const void *body)
{
    const struct mm1_sup_restart_child *m = body;
    by_id(ctx, sup, header, MM1__SUP_CALL_RESTART, m->id);
}

static void start_uniform(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                          const struct mm1_request_header *header, const void *body)
{
    const struct mm1_sup_start *m = body;
    struct mm1_any arg = {.type = NULL};
    if (m->arg.some) {
        arg = m->arg.value;
    }
    if (!is_uniform(sup)) {
        answer(ctx, sup, header, MM1_SUP_UNIFORM);
    } else if (arg.type != NULL && !mm1__sup_takes(sup, &arg)) {
        struct mm1_reason why = mm1_reason_error((int32_t)MM1_INVALID, "arg: not a tree");
        answer_why(ctx, sup, header, MM1_SUP_INVALID, &why);
    } else {
        begin_start(ctx, sup, header, mm1__sup_record_like(sup, arg));
    }
}

/* Whose main address it is, or who serves it. */
static struct mm1__sup_record *find_child(struct mm1_ctx *ctx, const struct mm1__supervisor *sup,
                                          mm1_addr addr)
{
    struct mm1__sup_record *record = mm1__sup_find_addr(sup, addr, false);
    mm1_addr owner;
    if (record == NULL && mm1_owner(ctx, addr, &owner)) {
        record = mm1__sup_find_addr(sup, owner, false);
    }
    return record;
}

/* Whether nobody of this node is there any more. */
static bool is_dead(const struct mm1_ctx *ctx, mm1_addr addr)
{
    mm1_addr owner;
    return mm1_is_local(ctx, addr) && !mm1_owner(ctx, addr, &owner);
}

static void stop_uniform(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                         const struct mm1_request_header *header, const void *body)
{
    const struct mm1_sup_stop *m = body;
    struct mm1__sup_record *record = find_child(ctx, sup, m->child);
    if (!is_uniform(sup)) {
        answer(ctx, sup, header, MM1_SUP_UNIFORM);
    } else if (record != NULL) {
        begin(ctx, sup, header, MM1__SUP_CALL_TERMINATE, record);
    } else {
        answer(ctx, sup, header, is_dead(ctx, m->child) ? MM1_SUP_OK : MM1_SUP_NOT_FOUND);
    }
}

/* --- what only looks ------------------------------------------------------------------------------------------ */

static void get_child(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                      const struct mm1_request_header *header, const void *body)
{
    const struct mm1_sup_get_child *m = body;
    const struct mm1__sup_record *record = mm1__sup_find_id(sup, m->id);
    if (is_uniform(sup)) {
        answer(ctx, sup, header, MM1_SUP_UNIFORM);
    } else if (record == NULL) {
        answer(ctx, sup, header, MM1_SUP_NOT_FOUND);
    } else {
        answer_addr(ctx, sup, header, MM1_SUP_OK, record);
    }
}

static struct mm1_sup_entry entry_of(const struct mm1__supervisor *sup,
                                     const struct mm1__sup_record *record)
{
    struct mm1_sup_entry entry = {.restarting = record->child.life == MM1__SUP_TO_RESTART,
                                  .supervisor = record->spec->supervisor};
    if (!is_uniform(sup)) {
        entry.id = record->spec->id;
    }
    if (record->child.life == MM1__SUP_ALIVE) {
        entry.child.some = true;
        entry.child.value = record->process.given;
    }
    return entry;
}

static struct mm1__sup_record *record_at(struct mm1_list *link)
{
    return mm1__sup_record_of(MM1_CONTAINER_OF(link, struct mm1__sup_child, link));
}

/* In reverse order of their start. */
static void list_mixed(struct mm1__supervisor *sup, struct mm1_sup_entry *entries)
{
    struct mm1_list *all = &sup->step.children;
    if (MM1_MUTANT(which_order)) {
        MM1_LIST_FOREACH(link, all) {
            *entries++ = entry_of(sup, record_at(link));
        }
        return;
    }
    for (struct mm1_list *link = all->prev; link != all; link = link->prev) {
        *entries++ = entry_of(sup, record_at(link));
    }
}

/* In order of their addresses, those that restart last. */
static void list_uniform(const struct mm1__supervisor *sup, struct mm1_sup_entry *entries)
{
    for (unsigned restarting = 0; restarting < 2; restarting++) {
        MM1_TREE_FOREACH(node, &sup->by_process) {
            const struct mm1__sup_record *record =
                MM1_CONTAINER_OF(node, struct mm1__sup_record, by_process);
            if ((record->child.life == MM1__SUP_TO_RESTART) == (restarting == 1)) {
                *entries++ = entry_of(sup, record);
            }
        }
    }
}

static size_t children_of(const struct mm1__supervisor *sup)
{
    return mm1_tree_count(is_uniform(sup) ? &sup->by_process : &sup->by_id);
}

static void which_children(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                           const struct mm1_request_header *header, const void *body)
{
    size_t count = children_of(sup);
    struct mm1_sup_entry *entries = NULL;
    (void)body;
    if (count > 0) {
        entries = mm1_take(sup->alloc, count * sizeof(*entries));
        if (entries == NULL) {
            sup->refused = true;
            return;
        }
    }
    if (entries != NULL && is_uniform(sup)) {
        list_uniform(sup, entries);
    } else if (entries != NULL) {
        list_mixed(sup, entries);
    }
    sent(ctx, sup,
         mm1_reply(ctx, header, mm1_sup_children, .children = {.items = entries, .count = count}));
    mm1_give(sup->alloc, entries, count * sizeof(*entries));
}

/* Of a uniform supervisor nobody looks whether they live (VD7). */
static bool is_active(const struct mm1_ctx *ctx, const struct mm1__supervisor *sup,
                      const struct mm1__sup_record *record)
{
    mm1_addr owner;
    if (MM1_MUTANT(count_dead)) {
        return record->child.life == MM1__SUP_ALIVE;
    }
    return record->child.life == MM1__SUP_ALIVE &&
           (is_uniform(sup) || mm1_owner(ctx, record->process.main, &owner));
}

static void count_children(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                           const struct mm1_request_header *header, const void *body)
{
    struct mm1_sup_counts counts = {.specs = is_uniform(sup) ? 1 : children_of(sup)};
    (void)body;
    MM1_LIST_FOREACH(link, &sup->step.children) {
        const struct mm1__sup_record *record = record_at(link);
        counts.active += is_active(ctx, sup, record);
        counts.supervisors += record->spec->supervisor;
        counts.workers += !record->spec->supervisor;
    }
    sent(ctx, sup,
         mm1_reply(ctx, header, mm1_sup_counts, .specs = counts.specs, .active = counts.active,
                   .supervisors = counts.supervisors, .workers = counts.workers));
}

static const struct mm1_text restart_texts[] = {MM1_PERMANENT, MM1_TRANSIENT, MM1_TEMPORARY};
static const struct mm1_text stop_texts[] = {MM1_STOP_TIMEOUT, MM1_STOP_BRUTAL, MM1_STOP_INFINITY};

/* With all defaults filled in. */
static struct mm1_child whole_spec(const struct mm1__sup_record *record)
{
    const struct mm1__sup_child *child = &record->child;
    struct mm1_child spec = *record->spec;
    if (MM1_MUTANT(childspec_as_said)) {
        return spec;
    }
    if (spec.factory.size == 0) {
        spec.factory = spec.id;
    }
    spec.restart = restart_texts[child->restart];
    spec.stop = stop_texts[child->stop];
    spec.stop_timeout.some = true;
    spec.stop_timeout.value = child->stop_timeout_ns;
    spec.start_timeout.some = true;
    spec.start_timeout.value = child->start_timeout_ns;
    if (spec.inbox_size == 0) {
        spec.inbox_size = MM1_INBOX_DEFAULT;
    }
    return spec;
}

/* Of a uniform supervisor, those of the dead are the template's. */
static const struct mm1__sup_record *find_spec(struct mm1_ctx *ctx,
                                               const struct mm1__supervisor *sup,
                                               const struct mm1_sup_get_childspec *m)
{
    if (!is_uniform(sup)) {
        return mm1__sup_find_id(sup, m->id);
    }
    if (!m->child.some) {
        return mm1_text_equal(m->id, sup->pattern->spec->id) ? sup->pattern : NULL;
    }
    const struct mm1__sup_record *record = find_child(ctx, sup, m->child.value);
    return record == NULL && is_dead(ctx, m->child.value) ? sup->pattern : record;
}

static void get_childspec(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                          const struct mm1_request_header *header, const void *body)
{
    const struct mm1__sup_record *record = find_spec(ctx, sup, body);
    struct mm1_sup_childspec childspec = {.found = record != NULL};
    if (record != NULL) {
        childspec.child = whole_spec(record);
    }
    sent(ctx, sup,
         mm1_reply(ctx, header, mm1_sup_childspec, .found = childspec.found,
                   .child = childspec.child));
}

/* --- which is which ------------------------------------------------------------------------------------------- */

struct call {
    const struct mm1_msg_type *request; /* header, then body */
    void (*serve)(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                  const struct mm1_request_header *header, const void *body);
};

static const struct call calls[] = {
    {&mm1_sup_start_child_request_type, start_child},
    {&mm1_sup_terminate_child_request_type, terminate_child},
    {&mm1_sup_delete_child_request_type, delete_child},
    {&mm1_sup_restart_child_request_type, restart_child},
    {&mm1_sup_get_child_request_type, get_child},
    {&mm1_sup_start_request_type, start_uniform},
    {&mm1_sup_stop_request_type, stop_uniform},
    {&mm1_sup_which_children_request_type, which_children},
    {&mm1_sup_count_children_request_type, count_children},
    {&mm1_sup_get_childspec_request_type, get_childspec},
};

bool mm1__sup_call(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                   const struct mm1_envelope *envelope)
{
    for (size_t i = 0; i < MM1_COUNT_OF(calls); i++) {
        if (!mm1_is(envelope, calls[i].request)) {
            continue;
        }
        bool early = MM1_MUTANT(looks_early) && calls[i].serve == which_children;
        if (mm1__sup_busy(&sup->step) && !early) {
            mm1__sup_postpone(ctx, sup);
            return true;
        }
        const uint8_t *request = envelope->msg;
        calls[i].serve(ctx, sup, envelope->msg, request + calls[i].request->fields[1].offset);
        if (sup->refused && !sup->over && !mm1__sup_busy(&sup->step)) {
            sup->refused = false;
            mm1__sup_refused(ctx, sup);
        }
        return true;
    }
    return false;
}
