/* The rules of a supervisor, as a program over a log that is finished: where a supervisor does something, it must stand
 * next in the log; where it waits, the log says what came. */
#include <stdio.h>
#include <string.h>

#include "fuzz/sup_spec_inside.h"

/* --- starting ------------------------------------------------------------------------------------------------- */

/* The process was killed, for it took too long: nothing else is done until it has ended. */
static bool wait_until_dead(struct spec *s, struct spec_process *process)
{
    while (!process->down) {
        bool timeout;
        const struct sup_entry *entry = spec_arrival(s, "the end of whom it killed", &timeout);
        if (entry == NULL) {
            return false;
        }
        bool its_own = entry->process == process->address &&
                       (entry->kind == SUP_TOOK_STARTED || entry->kind == SUP_TOOK_DOWN ||
                        entry->kind == SUP_TOOK_START_FAILED);
        if (its_own && entry->kind == SUP_TOOK_START_FAILED && spec_goes_on(s)) {
            return true; /* it tells the end as well as a down */
        }
        if (!its_own && !spec_set_aside(s, entry)) {
            return false;
        }
    }
    return true;
}

static bool start_timed_out(struct spec *s, struct spec_process *process,
                            struct spec_outcome *outcome)
{
    const struct sup_entry kill = {.kind = SUP_DID_KILL, .process = process->address};
    outcome->what = SPEC_FAILED;
    outcome->reason = mm1_reason_of(MM1_REASON_TIMEOUT);
    outcome->reason_known = !process->down;
    if (process->down) {
        (void)spec_may(s, SUP_DID_KILL, process->address); /* dead, or so it will be told at once */
        return true;
    }
    return spec_expect(s, "start timeout", &kill) && wait_until_dead(s, process);
}

/* Of a child with ack: until it says that it is ready, or not. */
static bool wait_for_start(struct spec *s, struct spec_process *process,
                           struct spec_outcome *outcome)
{
    for (;;) {
        bool timeout;
        const struct sup_entry *entry = spec_arrival(s, "the start that is under way", &timeout);
        if (entry == NULL) {
            return false;
        }
        bool its_own = entry->process == process->address;
        if (timeout) {
            return start_timed_out(s, process, outcome);
        }
        if (its_own && entry->kind == SUP_TOOK_STARTED) {
            outcome->what = SPEC_STARTED;
            return true;
        }
        if (its_own && entry->kind == SUP_TOOK_START_FAILED) {
            outcome->what = entry->ignored ? SPEC_IGNORED : SPEC_FAILED;
            outcome->reason = entry->reason;
            outcome->reason_known = true;
            return true;
        }
        if (!(its_own && entry->kind == SUP_TOOK_DOWN) && !spec_set_aside(s, entry)) {
            return false;
        }
    }
}

static void become_alive(struct spec *s, struct spec_child *child, struct spec_process *process)
{
    spec_lose_process(child);
    child->process = process;
    child->state = SPEC_PROCESS;
    process->child = child;
    if (child->spec->announce_parent) {
        process->unannounced = true;
        s->unannounced++;
    }
}

bool spec_start(struct spec *s, struct spec_child *child, struct spec_outcome *outcome)
{
    const struct sup_entry want = {.kind = SUP_DID_SPAWN,
                                   .id = s->strategy == SPEC_UNIFORM ? child->name : child->id};
    if (!spec_expect(s, "start order", &want)) {
        return false;
    }
    const struct sup_entry *spawn = &s->log->entries[s->at - 1];
    child->name = spawn->id;
    *outcome = (struct spec_outcome){.what = SPEC_STARTED};
    s->awaited = child;
    s->timed = false;
    if (spawn->process == 0) {
        outcome->what = SPEC_FAILED;
        if (child->spec->ack) {
            spec_may_arm(s); /* whoever does so before it looks */
        }
        return true;
    }
    s->at--;
    struct spec_process *process = spec_add_process(s, child, spawn->process);
    if (process == NULL) {
        return false;
    }
    s->at++;
    process->child = NULL;
    if (child->spec->ack && (!spec_expect_arm(s, "start timeout", child->means.start_timeout_ns) ||
                             !wait_for_start(s, process, outcome))) {
        return false;
    }
    if (outcome->what == SPEC_STARTED) {
        become_alive(s, child, process);
    }
    return true;
}

/* --- stopping ------------------------------------------------------------------------------------------------- */

/* Until the process has ended; killed when the timer says so. */
static bool wait_for_end(struct spec *s, struct spec_process *process)
{
    const struct sup_entry kill = {.kind = SUP_DID_KILL, .process = process->address};
    while (!process->down) {
        bool timeout;
        const struct sup_entry *entry = spec_arrival(s, "the end of whom it stops", &timeout);
        if (entry == NULL || (timeout && !spec_expect(s, "stop timeout", &kill))) {
            return false;
        }
        if (!timeout && !process->down && !spec_set_aside(s, entry)) {
            return false;
        }
    }
    return true;
}

static bool tell_to_end(struct spec *s, const struct spec_child *child)
{
    const uint64_t process = child->process->address;
    if (child->means.stop == SPEC_STOP_BRUTAL) {
        return spec_expect(s, "stop order",
                           &(struct sup_entry){.kind = SUP_DID_KILL, .process = process});
    }
    const struct sup_entry exit = {
        .kind = SUP_DID_EXIT, .process = process, .reason = MM1_SHUTDOWN};
    if (!spec_expect(s, "stop order", &exit)) {
        return false;
    }
    if (child->means.stop == SPEC_STOP_INFINITY) {
        return true;
    }
    if (child->means.stop_timeout_ns == 0 && spec_may(s, SUP_DID_KILL, process)) {
        return true;
    }
    return spec_expect_arm(s, "stop timeout", child->means.stop_timeout_ns);
}

bool spec_stop_one(struct spec *s, struct spec_child *child)
{
    if (child->state != SPEC_PROCESS || child->process->down) {
        return true;
    }
    s->timed = false;
    s->awaited = child;
    return tell_to_end(s, child) && wait_for_end(s, child->process);
}

/* --- stopping a uniform supervisor ----------------------------------------------------------------------------- */

static bool is_alive(const struct spec_child *child)
{
    return child->state == SPEC_PROCESS && !child->process->down;
}

static size_t count_alive(const struct spec *s)
{
    size_t count = 0;
    MM1_LIST_FOREACH(node, &s->children) {
        count += is_alive(spec_child_at(node)) ? 1 : 0;
    }
    return count;
}

/* All who live get the same, in whatever order: OTP defines none. */
static bool tell_all(struct spec *s, enum sup_entry_kind kind, const char *rule)
{
    const struct mm1_list *node = s->children.next;
    while (node != &s->children) {
        const struct spec_child *child = spec_child_at(node);
        if (!is_alive(child) || child->process->told) {
            node = node->next;
            continue;
        }
        struct sup_entry want = {
            .kind = kind, .process = child->process->address, .reason = MM1_SHUTDOWN};
        const struct sup_entry *entry = spec_next_deed(s, rule, &want);
        if (entry == NULL) {
            return false;
        }
        const struct spec_process *other = spec_find_process(s, entry->process);
        if (other != NULL && other->child != NULL && is_alive(other->child) && !other->told) {
            want.process = other->address;
        }
        if (!spec_expect(s, rule, &want)) {
            return false;
        }
        spec_find_process(s, want.process)->told = true;
    }
    return true;
}

static bool kill_all(struct spec *s)
{
    MM1_LIST_FOREACH(node, &s->children) {
        const struct spec_child *child = spec_child_at(node);
        if (child->process != NULL) {
            child->process->told = false;
        }
    }
    return tell_all(s, SUP_DID_KILL, "stop timeout");
}

static bool wait_for_all(struct spec *s)
{
    size_t left = count_alive(s);
    while (left > 0) {
        bool timeout;
        const struct sup_entry *entry = spec_arrival(s, "the ends of all whom it stops", &timeout);
        if (entry == NULL || (timeout && !kill_all(s))) {
            return false;
        }
        struct spec_process *process =
            entry->kind == SUP_TOOK_DOWN ? spec_find_process(s, entry->process) : NULL;
        if (process != NULL && process->told) {
            process->told = false;
            left--;
        } else if (!timeout && !spec_set_aside(s, entry)) {
            return false;
        }
    }
    return true;
}

static bool stop_uniform(struct spec *s, const struct spec_meaning *means)
{
    if (count_alive(s) == 0) {
        return true;
    }
    enum sup_entry_kind kind = means->stop == SPEC_STOP_BRUTAL ? SUP_DID_KILL : SUP_DID_EXIT;
    s->timed = false;
    if (!tell_all(s, kind, "stop order")) {
        return false;
    }
    if (means->stop == SPEC_STOP_TIMEOUT) {
        bool at_once = means->stop_timeout_ns == 0 && s->at < s->log->count &&
                       s->log->entries[s->at].kind == SUP_DID_KILL;
        if (!(at_once ? kill_all(s) : spec_expect_arm(s, "stop timeout", means->stop_timeout_ns))) {
            return false;
        }
    }
    return wait_for_all(s);
}

/* --- its own end ---------------------------------------------------------------------------------------------- */

static bool end(struct spec *s, const char *rule, const struct sup_entry *want)
{
    if (!spec_expect(s, rule, want)) {
        return false;
    }
    if (s->at < s->log->count) {
        return spec_reject(s, "end", "it goes on after its end");
    }
    return spec_accept(s);
}

/* Stops the children that stand after `before`, a child or the list itself, backwards. */
static bool stop_after(struct spec *s, const struct mm1_list *before)
{
    for (struct mm1_list *node = s->children.prev, *prev; node != before; node = prev) {
        prev = node->prev;
        struct spec_child *child = spec_child_at(node);
        if (!spec_stop_one(s, child)) {
            return false;
        }
        spec_forget(s, child);
    }
    return true;
}

static bool stop_children(struct spec *s)
{
    if (s->strategy != SPEC_UNIFORM) {
        return stop_after(s, &s->children);
    }
    struct spec_meaning means;
    (void)spec_read_child(s, &s->tree->children.items[0], &means);
    return stop_uniform(s, &means);
}

static bool stop_all(struct spec *s, struct mm1_reason reason)
{
    const struct sup_entry want = {.kind = SUP_DID_END, .reason = reason};
    return stop_children(s) && end(s, "end", &want);
}

/* --- restarting ----------------------------------------------------------------------------------------------- */

static bool record_restart(struct spec *s)
{
    if (s->restart_count == s->restart_capacity) {
        size_t capacity = s->restart_capacity == 0 ? 16 : 2 * s->restart_capacity;
        uint64_t *grown = spec_take(s, capacity * sizeof(*grown));
        if (grown == NULL) {
            return false;
        }
        if (s->restart_count > 0) {
            memcpy(grown, s->restarts, s->restart_count * sizeof(*grown));
        }
        s->restarts = grown;
        s->restart_capacity = capacity;
    }
    s->restarts[s->restart_count++] = s->now;
    return true;
}

/* One more restart now; whether there are too many. */
static bool ask_limit(struct spec *s)
{
    s->limit = SPEC_LIMIT_KEPT;
    if (s->tree->max_restarts == MM1_RESTARTS_UNLIMITED) {
        return true;
    }
    if (!record_restart(s)) {
        return false;
    }
    uint64_t count = 0;
    for (size_t i = 0; i < s->restart_count; i++) {
        bool counts = !s->tree->within.some || s->now - s->restarts[i] <= s->tree->within.value;
        count += counts ? 1 : 0;
    }
    if (count > s->tree->max_restarts) {
        s->limit = SPEC_LIMIT_EXCEEDED;
    }
    return true;
}

/* Its restart failed: it is tried again, by a message through the inbox. */
static bool try_later(struct spec *s, struct spec_child *child)
{
    struct sup_entry want = {.kind = SUP_DID_RESEND};
    struct spec_retry *retry = spec_take(s, sizeof(*retry));
    if (retry == NULL) {
        return false;
    }
    if (s->strategy == SPEC_UNIFORM) {
        want.process = child->process->address;
    } else {
        spec_lose_process(child);
        want.id = child->id;
    }
    child->state = SPEC_RESTARTING;
    if (!spec_expect(s, "retry", &want)) {
        return false;
    }
    const struct sup_entry *sent = &s->log->entries[s->at - 1];
    retry->id = sent->id;
    retry->process = sent->process;
    mm1_list_push_back(&s->retries, &retry->link);
    return true;
}

/* Starts it in the course of a restart. `*failed`: it is to be tried again. */
static bool start_again(struct spec *s, struct spec_child *child, bool *failed)
{
    struct spec_outcome outcome;
    if (!spec_start(s, child, &outcome)) {
        return false;
    }
    *failed = outcome.what == SPEC_FAILED;
    if (outcome.what == SPEC_IGNORED) {
        spec_forget(s, child);
    }
    return !*failed || try_later(s, child);
}

/* Starts all that stand after `before`, until one fails. */
static bool start_after(struct spec *s, const struct mm1_list *before)
{
    bool failed = false;
    for (struct mm1_list *node = before->next, *next; node != &s->children && !failed;
         node = next) {
        next = node->next;
        if (!start_again(s, spec_child_at(node), &failed)) {
            return false;
        }
    }
    return true;
}

static bool restart(struct spec *s, struct spec_child *child)
{
    s->restarted = child;
    if (!ask_limit(s)) {
        return false;
    }
    if (s->limit == SPEC_LIMIT_EXCEEDED) {
        spec_forget(s, child);
        return stop_all(s, MM1_SHUTDOWN);
    }
    bool failed;
    if (s->strategy == SPEC_UNIFORM) {
        return start_again(s, child, &failed);
    }
    spec_lose_process(child);
    if (s->strategy == SPEC_ONE_FOR_ONE) {
        return start_again(s, child, &failed);
    }
    const struct mm1_list *before =
        s->strategy == SPEC_ALL_FOR_ONE ? &s->children : child->link.prev;
    return stop_after(s, before) && start_after(s, before);
}

/* --- what it handles ------------------------------------------------------------------------------------------- */

static bool is_clean(const struct mm1_reason *reason)
{
    return reason->kind == MM1_REASON_NORMAL || reason->kind == MM1_REASON_SHUTDOWN ||
           reason->kind == MM1_REASON_SHUTDOWN_TEXT;
}

static bool has_significant(const struct spec *s)
{
    MM1_LIST_FOREACH(node, &s->children) {
        const struct spec_child *child = spec_child_at(node);
        if (child->spec->significant && child->state != SPEC_NONE) {
            return true;
        }
    }
    return false;
}

static bool child_ended(struct spec *s, const struct sup_entry *down)
{
    const struct spec_process *process = spec_find_process(s, down->process);
    if (process == NULL || process->child == NULL || process->child->state != SPEC_PROCESS) {
        return true; /* an earlier incarnation, or one that was stopped */
    }
    struct spec_child *child = process->child;
    if (!spec_retake(s)) {
        return false;
    }
    enum spec_restart kind = child->means.restart;
    if (kind == SPEC_PERMANENT || (kind == SPEC_TRANSIENT && !is_clean(&down->reason))) {
        return restart(s, child);
    }
    bool significant = child->spec->significant;
    spec_forget(s, child);
    if (significant && (s->auto_shutdown == SPEC_AUTO_ANY ||
                        (s->auto_shutdown == SPEC_AUTO_ALL && !has_significant(s)))) {
        return stop_all(s, MM1_SHUTDOWN);
    }
    return true;
}

static bool retry_came(struct spec *s, const struct sup_entry *retry)
{
    struct spec_child *child;
    if (s->strategy == SPEC_UNIFORM) {
        const struct spec_process *process = spec_find_process(s, retry->process);
        child = process == NULL ? NULL : process->child;
    } else {
        child = spec_find_child(s, retry->id);
    }
    if (child == NULL || child->state != SPEC_RESTARTING) {
        return true;
    }
    return spec_retake(s) && restart(s, child);
}

static bool handle(struct spec *s, const struct sup_entry *entry)
{
    switch (entry->kind) {
    case SUP_TOOK_DOWN:
        return child_ended(s, entry);
    case SUP_TOOK_RETRY:
        return retry_came(s, entry);
    case SUP_TOOK_PARENT:
        return spec_retake(s) && stop_all(s, entry->reason);
    case SUP_TOOK_CALL:
        return spec_retake(s) && spec_call(s, entry);
    default:
        return true; /* too late, or not for it */
    }
}

/* --- the start of the tree ------------------------------------------------------------------------------------- */

/* The reason is shutdown with a text that begins "failed_to_start_child:ID". */
static bool end_unstarted(struct spec *s, const struct spec_child *failed)
{
    struct sup_entry want = {.kind = SUP_DID_END, .reason = {.kind = MM1_REASON_SHUTDOWN_TEXT}};
    (void)snprintf(want.reason.text, sizeof(want.reason.text), "failed_to_start_child:%s",
                   failed->id);
    const struct sup_entry *seen = spec_next_deed(s, "end", &want);
    if (seen == NULL) {
        return false;
    }
    size_t known = strlen(want.reason.text);
    if (seen->kind == SUP_DID_END && seen->reason.kind == MM1_REASON_SHUTDOWN_TEXT &&
        strncmp(seen->reason.text, want.reason.text, known) == 0) {
        want.reason = seen->reason;
    }
    return end(s, "end", &want);
}

static bool begin(struct spec *s)
{
    MM1_LIST_FOREACH(node, &s->children) {
        struct spec_child *child = spec_child_at(node);
        struct spec_outcome outcome;
        if (!spec_start(s, child, &outcome)) {
            return false;
        }
        if (outcome.what == SPEC_FAILED) {
            s->failed = child;
            return stop_after(s, &s->children) && end_unstarted(s, child);
        }
        if (outcome.what == SPEC_IGNORED) {
            spec_forget(s, child);
        }
    }
    return spec_expect(s, "ready", &(struct sup_entry){.kind = SUP_DID_READY});
}

/* One whose tree breaks a rule starts nobody, and ends with a reason that is its own. */
static bool refuse(struct spec *s, const char *why)
{
    const struct sup_entry want = {.kind = SUP_DID_END};
    const struct sup_entry *seen = spec_next_deed(s, "bad tree", &want);
    if (seen == NULL) {
        return false;
    }
    if (seen->kind != SUP_DID_END) {
        return spec_reject(s, "bad tree", "its tree must be refused: %s", why);
    }
    return end(s, "bad tree", seen);
}

static void judge(struct spec *s)
{
    const char *why = "";
    if (!spec_read_tree(s, &why)) {
        if (why != NULL) {
            (void)refuse(s, why);
        }
        return;
    }
    if (!begin(s)) {
        return;
    }
    const struct spec_item *item = spec_next_item(s);
    while (item != NULL && handle(s, item->entry)) {
        item = spec_next_item(s);
    }
}

static int compare_processes(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    uint64_t left = spec_process_at(a)->address;
    uint64_t right = spec_process_at(b)->address;
    return (left > right) - (left < right);
}

enum sup_verdict spec_judge(struct mm1_alloc *alloc, const struct mm1_tree_spec *tree,
                            const struct sup_log *log, bool rests, struct sup_finding *finding,
                            uint64_t now, uint64_t *digest)
{
    struct spec s;
    memset(&s, 0, offsetof(struct spec, first));
    s.alloc = alloc;
    s.tree = tree;
    s.log = log;
    s.rests = rests;
    s.finding = finding;
    s.processes = MM1_TREE(compare_processes);
    mm1_list_init(&s.children);
    mm1_list_init(&s.items);
    mm1_list_init(&s.retries);
    *finding = (struct sup_finding){.rule = ""};
    judge(&s);
    *digest = s.verdict == SUP_ACCEPTED ? spec_digest(&s, now) : 0;
    spec_close(&s);
    return s.verdict;
}

enum sup_verdict sup_spec_judge(struct mm1_alloc *alloc, const struct mm1_tree_spec *tree,
                                const struct sup_log *log, bool rests, struct sup_finding *finding)
{
    uint64_t digest;
    return spec_judge(alloc, tree, log, rests, finding, 0, &digest);
}
