/* What calls do, and what they are answered with. */
#include <inttypes.h>
#include <string.h>

#include "fuzz/sup_spec_inside.h"

/* --- answers -------------------------------------------------------------------------------------------------- */

/* The reply to the call in hand, read; null: the verdict stands. */
static const struct sup_entry *read_reply(struct spec *s, const struct sup_entry *want)
{
    if (!spec_expect(s, "reply", want)) {
        return NULL;
    }
    return &s->log->entries[s->at - 1];
}

/* As above, and the code and the process are as said. */
static const struct sup_entry *read_answer(struct spec *s, enum mm1_sup_code code, uint64_t process)
{
    const struct sup_entry want = {
        .kind = SUP_DID_REPLY, .number = s->item->entry->number, .code = code, .process = process};
    const struct sup_entry *reply = read_reply(s, &want);
    if (reply != NULL && (reply->code != code || reply->process != process)) {
        s->at--;
        (void)spec_reject_next(s, "reply", &want);
        return NULL;
    }
    return reply;
}

static bool answer(struct spec *s, enum mm1_sup_code code)
{
    return read_answer(s, code, 0) != NULL;
}

static bool answer_failed(struct spec *s, const struct spec_outcome *outcome)
{
    const struct sup_entry *reply = read_answer(s, MM1_SUP_FAILED, 0);
    if (reply == NULL || !outcome->reason_known) {
        return reply != NULL;
    }
    const struct mm1_reason *reason = &outcome->reason;
    bool same = reply->reason.kind == reason->kind;
    if (reason->kind != MM1_REASON_TIMEOUT) { /* whose text is the supervisor's own */
        same = same && reply->reason.code == reason->code &&
               strcmp(reply->reason.text, reason->text) == 0;
    }
    if (!same) {
        const struct sup_entry want = {.kind = SUP_DID_REPLY,
                                       .number = s->item->entry->number,
                                       .code = MM1_SUP_FAILED,
                                       .reason = *reason};
        s->at--;
        return spec_reject_next(s, "reply", &want);
    }
    return true;
}

static uint64_t address_of(const struct spec_child *child)
{
    return child->state == SPEC_PROCESS ? child->process->address : 0;
}

/* --- starts --------------------------------------------------------------------------------------------------- */

/* A new child is started: kept, unless it failed, or was ignored and is temporary. */
static bool start_new(struct spec *s, struct spec_child *child)
{
    struct spec_outcome outcome;
    if (!spec_start(s, child, &outcome)) {
        return false;
    }
    if (outcome.what == SPEC_FAILED) {
        spec_remove(child);
        return answer_failed(s, &outcome);
    }
    uint64_t process = address_of(child);
    if (outcome.what == SPEC_IGNORED) {
        spec_forget(s, child);
    }
    return read_answer(s, MM1_SUP_OK, process) != NULL;
}

static bool start_child(struct spec *s, const struct sup_entry *call)
{
    struct spec_meaning means;
    if (!spec_read_child(s, call->child, &means)) {
        return answer(s, MM1_SUP_INVALID);
    }
    MM1_LIST_FOREACH(node, &s->children) {
        const struct spec_child *known = spec_child_at(node);
        if (!mm1_text_equal(known->spec->id, call->child->id)) {
            continue;
        }
        if (known->state == SPEC_PROCESS) {
            return read_answer(s, MM1_SUP_ALREADY_STARTED, address_of(known)) != NULL;
        }
        return answer(s, MM1_SUP_ALREADY_PRESENT);
    }
    struct spec_child *child = spec_add_child(s, call->child, &means);
    return child != NULL && start_new(s, child);
}

static bool start_uniform(struct spec *s)
{
    const struct mm1_child *template = &s->tree->children.items[0];
    struct spec_meaning means;
    (void)spec_read_child(s, template, &means);
    struct spec_child *child = spec_add_child(s, template, &means);
    return child != NULL && start_new(s, child);
}

/* --- calls upon a child ---------------------------------------------------------------------------------------- */

static bool terminate(struct spec *s, struct spec_child *child)
{
    if (child == NULL) {
        return answer(s, MM1_SUP_NOT_FOUND);
    }
    if (!spec_stop_one(s, child)) {
        return false;
    }
    spec_forget(s, child);
    return answer(s, MM1_SUP_OK);
}

/* Of delete_child and restart_child: a child that is not stopped. `*code` is what that is answered with. */
static bool is_not_stopped(const struct spec_child *child, enum mm1_sup_code *code)
{
    if (child == NULL) {
        *code = MM1_SUP_NOT_FOUND;
    } else if (child->state == SPEC_RESTARTING) {
        *code = MM1_SUP_RESTARTING;
    } else {
        *code = MM1_SUP_RUNNING;
        return child->state == SPEC_PROCESS;
    }
    return true;
}

static bool delete_child(struct spec *s, struct spec_child *child)
{
    enum mm1_sup_code code;
    if (is_not_stopped(child, &code)) {
        return answer(s, code);
    }
    spec_remove(child);
    return answer(s, MM1_SUP_OK);
}

static bool restart_child(struct spec *s, struct spec_child *child)
{
    enum mm1_sup_code code;
    if (is_not_stopped(child, &code)) {
        return answer(s, code);
    }
    struct spec_outcome outcome;
    if (!spec_start(s, child, &outcome)) {
        return false;
    }
    if (outcome.what == SPEC_FAILED) {
        return answer_failed(s, &outcome);
    }
    return read_answer(s, MM1_SUP_OK, address_of(child)) != NULL;
}

/* Under a uniform supervisor, by the main address: the one it has, or that of whom is to be restarted. */
static struct spec_child *find_mine(const struct spec *s, uint64_t process)
{
    const struct spec_process *known = spec_find_process(s, process);
    return known == NULL ? NULL : known->child;
}

static bool stop_uniform_child(struct spec *s, const struct sup_entry *call)
{
    struct spec_child *child = find_mine(s, call->process);
    if (child != NULL) {
        return terminate(s, child);
    }
    const struct sup_entry want = {
        .kind = SUP_DID_REPLY, .number = call->number, .code = MM1_SUP_OK};
    const struct sup_entry *reply = spec_next_deed(s, "reply", &want);
    if (reply == NULL) {
        return false;
    }
    return answer(s, reply->other_lives ? MM1_SUP_NOT_FOUND : MM1_SUP_OK);
}

/* --- calls that only look -------------------------------------------------------------------------------------- */

static bool reject_reply(struct spec *s, const char *what)
{
    s->at--;
    return spec_reject(s, "reply", "call %" PRIu64 " is answered with another %s than expected",
                       s->item->entry->number, what);
}

static bool is_told(const struct sup_told_child *told, const struct spec_child *child, bool named)
{
    struct mm1_text id = named ? child->spec->id : MM1_TEXT("");
    return mm1_text_equal(mm1_text_of(told->id), id) && told->process == address_of(child) &&
           told->restarting == (child->state == SPEC_RESTARTING) &&
           told->supervisor == child->spec->supervisor;
}

/* Those with a process in the order of their addresses, then those that restart. */
static bool which_uniform(struct spec *s, const struct sup_entry *reply)
{
    size_t at = 0;
    MM1_TREE_FOREACH(node, &s->processes) {
        const struct spec_child *child = spec_process_at(node)->child;
        if (child != NULL && child->state == SPEC_PROCESS) {
            if (at == reply->told_count || !is_told(&reply->told[at], child, false)) {
                return reject_reply(s, "list of children");
            }
            at++;
        }
    }
    MM1_LIST_FOREACH(node, &s->children) {
        const struct spec_child *child = spec_child_at(node);
        if (child->state == SPEC_RESTARTING) {
            if (at == reply->told_count || !is_told(&reply->told[at], child, false)) {
                return reject_reply(s, "list of children");
            }
            at++;
        }
    }
    return at == reply->told_count || reject_reply(s, "list of children");
}

static bool which(struct spec *s)
{
    const struct sup_entry *reply = read_answer(s, MM1_SUP_OK, 0);
    if (reply == NULL) {
        return false;
    }
    if (s->strategy == SPEC_UNIFORM) {
        return which_uniform(s, reply);
    }
    size_t at = 0;
    for (const struct mm1_list *node = s->children.prev; node != &s->children; node = node->prev) {
        if (at == reply->told_count || !is_told(&reply->told[at], spec_child_at(node), true)) {
            return reject_reply(s, "list of children");
        }
        at++;
    }
    return at == reply->told_count || reject_reply(s, "list of children");
}

static bool count(struct spec *s)
{
    const struct sup_entry *reply = read_answer(s, MM1_SUP_OK, 0);
    if (reply == NULL) {
        return false;
    }
    struct sup_told_counts want = {0};
    bool uniform = s->strategy == SPEC_UNIFORM;
    uint64_t most = 0; /* active: some may be dead of whom it does not know yet */
    MM1_LIST_FOREACH(node, &s->children) {
        const struct spec_child *child = spec_child_at(node);
        want.specs++;
        want.supervisors += child->spec->supervisor ? 1 : 0;
        want.workers += child->spec->supervisor ? 0 : 1;
        most += child->state == SPEC_PROCESS && (uniform || !child->process->down) ? 1 : 0;
    }
    if (uniform) {
        want.specs = 1;
    }
    const struct sup_told_counts *told = &reply->counts;
    if (told->specs != want.specs || told->supervisors != want.supervisors ||
        told->workers != want.workers) {
        return reject_reply(s, "number of children");
    }
    if (told->active < reply->living || told->active > most) {
        return reject_reply(s, "number of active children");
    }
    return true;
}

static bool childspec(struct spec *s, const struct sup_entry *call)
{
    const struct sup_entry *reply = read_answer(s, MM1_SUP_OK, 0);
    if (reply == NULL) {
        return false;
    }
    const struct mm1_child *spec = NULL;
    if (s->strategy == SPEC_UNIFORM) {
        const struct mm1_child *template = &s->tree->children.items[0];
        bool by_id = call->process == 0 && call->id != NULL &&
                     mm1_text_equal(template->id, mm1_text_of(call->id));
        bool by_process =
            call->process != 0 && (find_mine(s, call->process) != NULL || !reply->other_lives);
        spec = by_id || by_process ? template : NULL;
    } else {
        const struct spec_child *child = spec_find_child(s, call->id);
        spec = child == NULL ? NULL : child->spec;
    }
    if (spec == NULL || reply->child == NULL) {
        return (spec == NULL && reply->child == NULL) || reject_reply(s, "childspec");
    }
    struct spec_meaning means;
    (void)spec_read_child(s, spec, &means);
    const char *differs = spec_child_differs(spec, &means, reply->child);
    return differs == NULL || reject_reply(s, differs);
}

/* --- all of them ----------------------------------------------------------------------------------------------- */

static bool is_for_strategy(const struct spec *s, enum sup_call call)
{
    switch (call) {
    case SUP_CALL_START_CHILD:
    case SUP_CALL_TERMINATE:
    case SUP_CALL_DELETE:
    case SUP_CALL_RESTART:
    case SUP_CALL_GET:
        return s->strategy != SPEC_UNIFORM;
    case SUP_CALL_START:
    case SUP_CALL_STOP:
        return s->strategy == SPEC_UNIFORM;
    default:
        return true;
    }
}

bool spec_call(struct spec *s, const struct sup_entry *call)
{
    if (!is_for_strategy(s, call->call)) {
        return answer(s, MM1_SUP_UNIFORM);
    }
    struct spec_child *child = spec_find_child(s, call->id);
    switch (call->call) {
    case SUP_CALL_START_CHILD:
        return start_child(s, call);
    case SUP_CALL_TERMINATE:
        return terminate(s, child);
    case SUP_CALL_DELETE:
        return delete_child(s, child);
    case SUP_CALL_RESTART:
        return restart_child(s, child);
    case SUP_CALL_GET:
        if (child == NULL) {
            return answer(s, MM1_SUP_NOT_FOUND);
        }
        return read_answer(s, MM1_SUP_OK, address_of(child)) != NULL;
    case SUP_CALL_START:
        return start_uniform(s);
    case SUP_CALL_STOP:
        return stop_uniform_child(s, call);
    case SUP_CALL_WHICH:
        return which(s);
    case SUP_CALL_COUNT:
        return count(s);
    case SUP_CALL_CHILDSPEC:
        return childspec(s, call);
    }
    return true;
}
