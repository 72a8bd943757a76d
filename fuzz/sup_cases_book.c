/* Log lines and answers of a case, from the runtime's events. */
#include <inttypes.h>
#include <stdlib.h>

#include "fuzz/sup_cases_book.h"
#include "fuzz/sup_stage.h"

void sup_book_init(struct sup_book *book, const struct sup_case *the_case, struct mm1_alloc *alloc)
{
    *book = (struct sup_book){
        .the_case = the_case, .alloc = alloc, .lines = MM1_BUF(alloc), .calls = MM1_BUF(alloc)};
    mm1__arena_init(&book->arena);
    sup_roll_init(&book->roll, alloc);
    MM1_CHECK(pthread_mutex_init(&book->lock, NULL) == 0);
}

void sup_book_close(struct sup_book *book)
{
    MM1_CHECK(pthread_mutex_destroy(&book->lock) == 0);
    sup_roll_close(&book->roll);
    mm1_buf_close(&book->lines);
    mm1_buf_close(&book->calls);
    mm1__arena_close(&book->arena);
}

/* --- reasons -------------------------------------------------------------------------------------------------- */

static mm1_status print_reason(const struct mm1_reason *reason, struct mm1_buf *out)
{
    switch (reason->kind) {
    case MM1_REASON_NORMAL:
        return mm1_buf_format(out, "normal");
    case MM1_REASON_SHUTDOWN:
        return mm1_buf_format(out, "shutdown");
    case MM1_REASON_SHUTDOWN_TEXT:
        return mm1_buf_format(out, "shutdown:%s", reason->text);
    case MM1_REASON_KILL:
        return mm1_buf_format(out, "kill");
    case MM1_REASON_KILLED:
        return mm1_buf_format(out, "killed");
    case MM1_REASON_ERROR:
        return mm1_buf_format(out, "%s", reason->text);
    default:
        return mm1_reason_print(reason, out);
    }
}

/* What OTP says of the children of a supervisor before it starts the first one; "" when nothing is wrong. */
static mm1_status print_bad_spec(const struct sup_case *the_case, const struct sup_member *sup,
                                 struct mm1_buf *out)
{
    size_t parent = (size_t)(sup - the_case->members);
    for (size_t i = parent + 1; i < the_case->member_count; i++) {
        const struct sup_member *child = &the_case->members[i];
        if (child->parent != parent) {
            continue;
        }
        if (child->significant &&
            (sup->auto_shutdown == SUP_AUTO_NEVER || child->restart == SUP_PERMANENT)) {
            return mm1_buf_format(out, "start_spec:bad_combination");
        }
        const struct sup_member *first = sup_case_member(the_case, child->id);
        if (first != child) {
            return mm1_buf_format(out, "start_spec:duplicate_child_name:%s", child->id);
        }
    }
    return MM1_OK;
}

/* The last start under a supervisor that failed, of this id; null `id`: of any. */
static const struct sup_process *last_failed(const struct sup_book *book, uint64_t parent,
                                             const char *id)
{
    const struct sup_process *last = NULL;
    for (const struct sup_process *p = book->roll.first; p != NULL; p = p->next) {
        if (p->parent == parent && p->ended && !p->ready && !p->ignored &&
            (id == NULL || strcmp(p->id, id) == 0)) {
            last = p;
        }
    }
    return last;
}

/* A reason's text is cut, so that of a supervisor is put together from what was seen. */
mm1_status sup_book_why(const struct sup_book *book, const struct sup_process *process,
                        struct mm1_buf *out)
{
    const struct sup_member *member = sup_case_member(book->the_case, process->id);
    for (;;) {
        const struct sup_process *child =
            process->is_supervisor ? last_failed(book, process->address, NULL) : NULL;
        if (child == NULL) {
            break;
        }
        MM1_TRY(mm1_buf_format(out, "shutdown:failed_to_start_child:%s:", child->id));
        process = child;
        member = sup_case_member(book->the_case, process->id);
    }
    size_t before = out->size;
    /* A supervisor that failed by itself: by its plan, which says so, or since its children are not in order. */
    bool planned =
        process->reason.kind == MM1_REASON_ERROR && strcmp(process->reason.text, "boom") == 0;
    if (process->is_supervisor && member != NULL && !planned) {
        MM1_TRY(print_bad_spec(book->the_case, member, out));
    }
    return out->size != before ? MM1_OK : print_reason(&process->reason, out);
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static mm1_status print_process(const struct sup_book *book, mm1_addr address, struct mm1_buf *out)
{
    const struct sup_process *process = sup_roll_find(&book->roll, address.bits);
    return process == NULL ? mm1_buf_format(out, "unknown")
                           : mm1_buf_format(out, "%s#%u", process->id, process->number);
}

static mm1_status print_failed(const struct sup_book *book, const struct sup_event *event,
                               const struct mm1_sup_answer *answer, struct mm1_buf *out)
{
    const struct sup_rolled_id *supervisor = sup_roll_id(&book->roll, event->id);
    const char *id = event->member != NULL ? event->member->id : event->child;
    const struct sup_process *failed = supervisor == NULL || supervisor->last == NULL
                                           ? NULL
                                           : last_failed(book, supervisor->last->address, id);
    struct mm1_reason reason = mm1_reason_of_why(&answer->why);
    if (failed != NULL && failed->reason.kind == reason.kind &&
        strcmp(failed->reason.text, reason.text) == 0) {
        return sup_book_why(book, failed, out);
    }
    return print_reason(&reason, out);
}

static mm1_status print_answer(const struct sup_book *book, const struct sup_event *event,
                               const struct mm1_sup_answer *answer, struct mm1_buf *out)
{
    bool starts = event->kind == SUP_EV_START_CHILD || event->kind == SUP_EV_RESTART_CHILD;
    switch ((enum mm1_sup_code)answer->code) {
    case MM1_SUP_OK:
        if (!starts) {
            return mm1_buf_format(out, "ok");
        }
        MM1_TRY(mm1_buf_format(out, "ok "));
        return answer->child.some ? print_process(book, answer->child.value, out)
                                  : mm1_buf_format(out, "undefined");
    case MM1_SUP_FAILED:
        MM1_TRY(mm1_buf_format(out, "error "));
        return print_failed(book, event, answer, out);
    case MM1_SUP_ALREADY_STARTED:
        MM1_TRY(mm1_buf_format(out, "error already_started "));
        return print_process(book, answer->child.value, out);
    case MM1_SUP_INVALID:
        return mm1_buf_format(out, "error bad_combination");
    case MM1_SUP_ALREADY_PRESENT:
        return mm1_buf_format(out, "error already_present");
    case MM1_SUP_NOT_FOUND:
        return mm1_buf_format(out, "error not_found");
    case MM1_SUP_RUNNING:
        return mm1_buf_format(out, "error running");
    case MM1_SUP_RESTARTING:
        return mm1_buf_format(out, "error restarting");
    case MM1_SUP_UNIFORM:
        return mm1_buf_format(out, "error simple_one_for_one");
    }
    return mm1_buf_format(out, "error code %u", (unsigned)answer->code);
}

static int by_name(const void *a, const void *b)
{
    const struct sup_process *one = *(const struct sup_process *const *)a;
    const struct sup_process *other = *(const struct sup_process *const *)b;
    int order = strcmp(one->id, other->id);
    return order != 0 ? order : (one->number > other->number) - (one->number < other->number);
}

/* Children of a uniform supervisor have no order of their own: sorted by name, and those without a process last. */
static mm1_status print_uniform(const struct sup_book *book, const struct mm1_sup_entry *entries,
                                size_t count, struct mm1_buf *out)
{
    const struct sup_process **found =
        mm1_take_zero(book->alloc, (count + 1) * sizeof(const struct sup_process *));
    size_t living = 0;
    mm1_status status = found == NULL ? MM1_NOMEM : MM1_OK;
    for (size_t i = 0; i < count && found != NULL; i++) {
        const struct sup_process *process =
            entries[i].child.some ? sup_roll_find(&book->roll, entries[i].child.value.bits) : NULL;
        if (process != NULL && !entries[i].restarting) {
            found[living++] = process;
        }
    }
    if (living != 0) {
        qsort(found, living, sizeof(const struct sup_process *), by_name);
    }
    for (size_t i = 0; i < count && status == MM1_OK; i++) {
        const char *blank = i == 0 ? "" : " ";
        status = i < living ? mm1_buf_format(out, "%s%s=%s#%u", blank, found[i]->id, found[i]->id,
                                             found[i]->number)
                            : mm1_buf_format(out, "%s*=restarting", blank);
    }
    mm1_give(book->alloc, found, (count + 1) * sizeof(const struct sup_process *));
    return status;
}

static mm1_status print_children(const struct sup_book *book, const struct sup_event *event,
                                 const struct mm1_sup_children *answer, struct mm1_buf *out)
{
    const struct mm1_sup_entry *entries = answer->children.items;
    size_t count = answer->children.count;
    MM1_TRY(mm1_buf_format(out, "["));
    if (sup_case_member(book->the_case, event->id)->strategy == SUP_SIMPLE) {
        MM1_TRY(print_uniform(book, entries, count, out));
        return mm1_buf_format(out, "]");
    }
    for (size_t i = 0; i < count; i++) {
        MM1_TRY(mm1_buf_format(out, "%s%.*s=", i == 0 ? "" : " ", (int)entries[i].id.size,
                               entries[i].id.data));
        if (entries[i].restarting) {
            MM1_TRY(mm1_buf_format(out, "restarting"));
        } else if (entries[i].child.some) {
            MM1_TRY(print_process(book, entries[i].child.value, out));
        } else {
            MM1_TRY(mm1_buf_format(out, "undefined"));
        }
    }
    return mm1_buf_format(out, "]");
}

static mm1_status print_childspec(const struct mm1_sup_childspec *answer, struct mm1_buf *out)
{
    const struct mm1_child *child = &answer->child;
    if (!answer->found) {
        return mm1_buf_format(out, "error not_found");
    }
    MM1_TRY(mm1_buf_format(out, "restart=%.*s significant=%d shutdown=", (int)child->restart.size,
                           child->restart.data, child->significant ? 1 : 0));
    if (mm1_text_equal(child->stop, MM1_TEXT("brutal"))) {
        MM1_TRY(mm1_buf_format(out, "brutal_kill"));
    } else if (mm1_text_equal(child->stop, MM1_TEXT("infinity"))) {
        MM1_TRY(mm1_buf_format(out, "infinity"));
    } else {
        MM1_TRY(mm1_buf_format(out, "%" PRIu64, child->stop_timeout.value / MM1_NS_PER_MS));
    }
    return mm1_buf_format(out, " type=%s", child->supervisor ? "supervisor" : "worker");
}

static mm1_status print_called(const struct sup_book *book, const struct sup_event *event,
                               const struct sup_called *called, struct mm1_buf *out)
{
    if (called->answer.some) {
        return print_answer(book, event, &called->answer.value, out);
    }
    if (called->children.some) {
        return print_children(book, event, &called->children.value, out);
    }
    if (called->childspec.some) {
        return print_childspec(&called->childspec.value, out);
    }
    if (called->counts.some) {
        const struct mm1_sup_counts *counts = &called->counts.value;
        return mm1_buf_format(
            out, "specs=%" PRIu64 " active=%" PRIu64 " supervisors=%" PRIu64 " workers=%" PRIu64,
            counts->specs, counts->active, counts->supervisors, counts->workers);
    }
    struct mm1_reason reason = mm1_reason_of_why(&called->down.value);
    MM1_TRY(mm1_buf_format(out, "exit "));
    return print_reason(&reason, out);
}

static struct sup_call *calls(const struct sup_book *book)
{
    return (struct sup_call *)(void *)book->calls.data;
}

static mm1_status note_called(struct sup_book *book, const struct sup_called *called)
{
    if (called->number >= book->calls.size / sizeof(struct sup_call)) {
        return MM1_OK;
    }
    struct sup_call *call = &calls(book)[called->number];
    struct mm1_buf text = MM1_BUF(book->alloc);
    mm1_status status = print_called(book, call->event, called, &text);
    if (status == MM1_OK) {
        call->answer = mm1__arena_text(&book->arena, mm1_buf_text(&text));
        status = call->answer == NULL ? MM1_NOMEM : MM1_OK;
    }
    mm1_buf_close(&text);
    return status;
}

mm1_status sup_book_call(struct sup_book *book, const struct sup_event *event, const char *answer,
                         uint64_t *number)
{
    const struct sup_call call = {.event = event, .answer = answer};
    (void)pthread_mutex_lock(&book->lock);
    *number = book->calls.size / sizeof(call);
    mm1_status status = mm1_buf_append(&book->calls, &call, sizeof(call));
    (void)pthread_mutex_unlock(&book->lock);
    return status;
}

const char *sup_book_answer(const struct sup_book *book, uint64_t number)
{
    return calls(book)[number].answer;
}

/* --- events --------------------------------------------------------------------------------------------------- */

static mm1_status add_line(struct sup_book *book, enum sup_line_kind kind,
                           const struct sup_process *process)
{
    const struct sup_line line = {.kind = kind, .process = process};
    return mm1_buf_append(&book->lines, &line, sizeof(line));
}

static mm1_status note_member(struct sup_book *book, const struct mm1_event *event,
                              const struct sup_process *process)
{
    if (event->kind == MM1_EVENT_EXIT) {
        return process->ignored
                   ? MM1_OK
                   : add_line(book, process->ready ? SUP_LINE_STOP : SUP_LINE_FAIL, process);
    }
    if (event->kind == MM1_EVENT_VERB) {
        return add_line(book, process->ready ? SUP_LINE_START : SUP_LINE_IGNORE, process);
    }
    return MM1_OK;
}

static mm1_status note(struct sup_book *book, const struct mm1_event *event)
{
    struct sup_process *process = NULL;
    MM1_TRY(sup_roll_see(&book->roll, event, &process));
    if (process != NULL) {
        return note_member(book, event, process);
    }
    if (event->kind == MM1_EVENT_OBSERVE && event->type == &sup_called_type) {
        return note_called(book, event->msg);
    }
    return MM1_OK;
}

const struct sup_process *sup_book_see(struct sup_book *book, const struct mm1_event *event)
{
    const struct sup_process *dying = NULL;
    (void)pthread_mutex_lock(&book->lock);
    book->living += event->kind == MM1_EVENT_SPAWN ? 1 : 0;
    book->living -= event->kind == MM1_EVENT_EXIT ? 1 : 0;
    mm1_status status = note(book, event);
    if (status != MM1_OK && book->status == MM1_OK) {
        book->status = status;
    }
    if (event->kind == MM1_EVENT_RECEIVE && event->type == &mm1_started_type) {
        const struct sup_process *child = sup_roll_find(&book->roll, event->peer.bits);
        dying = child != NULL && child->dying ? child : NULL;
    }
    (void)pthread_mutex_unlock(&book->lock);
    return dying;
}

bool sup_book_settled(struct sup_book *book, const struct sup_process *process, size_t actors)
{
    (void)pthread_mutex_lock(&book->lock);
    bool settled = process->ended && actors <= book->living;
    (void)pthread_mutex_unlock(&book->lock);
    return settled;
}

struct sup_process *sup_book_living(const struct sup_book *book, const char *id)
{
    const struct sup_rolled_id *rolled = sup_roll_id(&book->roll, id);
    return rolled == NULL || rolled->last == NULL || rolled->last->ended ? NULL : rolled->last;
}

/* --- lines ---------------------------------------------------------------------------------------------------- */

static int by_line(const void *a, const void *b)
{
    const struct sup_process *one = ((const struct sup_line *)a)->process;
    const struct sup_process *other = ((const struct sup_line *)b)->process;
    return by_name(&one, &other);
}

/* How many lines from here on are ends of children of one uniform supervisor. */
static size_t uniform_run(const struct sup_book *book, const struct sup_line *lines, size_t count)
{
    const struct sup_process *parent = sup_roll_find(&book->roll, lines[0].process->parent);
    const struct sup_member *member =
        parent == NULL ? NULL : sup_case_member(book->the_case, parent->id);
    size_t run = 0;
    if (member == NULL || member->strategy != SUP_SIMPLE) {
        return 0;
    }
    while (run < count && lines[run].kind == SUP_LINE_STOP &&
           lines[run].process->parent == lines[0].process->parent) {
        run++;
    }
    return run;
}

static mm1_status print_line(const struct sup_line *line, struct mm1_buf *out)
{
    static const char *const words[] = {[SUP_LINE_START] = "start",
                                        [SUP_LINE_FAIL] = "startfail",
                                        [SUP_LINE_IGNORE] = "startignore",
                                        [SUP_LINE_STOP] = "stop"};
    const struct sup_process *process = line->process;
    MM1_TRY(mm1_buf_format(out, "%s %s", words[line->kind], process->id));
    if (line->kind == SUP_LINE_START || line->kind == SUP_LINE_STOP) {
        MM1_TRY(mm1_buf_format(out, "#%u", process->number));
    }
    if (line->kind == SUP_LINE_STOP) {
        MM1_TRY(mm1_buf_format(out, " "));
        MM1_TRY(print_reason(&process->reason, out));
    }
    return mm1_buf_format(out, "\n");
}

mm1_status sup_book_flush(struct sup_book *book, bool group, struct mm1_buf *out)
{
    mm1_status status = MM1_OK;
    (void)pthread_mutex_lock(&book->lock);
    struct sup_line *lines = (struct sup_line *)(void *)book->lines.data;
    size_t count = book->lines.size / sizeof(*lines);
    if (group && count != 0) {
        qsort(lines, count, sizeof(*lines), by_line);
    }
    for (size_t i = 0; i < count && !group;) {
        size_t run = uniform_run(book, lines + i, count - i);
        if (run != 0) {
            qsort(lines + i, run, sizeof(*lines), by_line);
        }
        i += run == 0 ? 1 : run;
    }
    for (size_t i = 0; i < count && status == MM1_OK; i++) {
        status = print_line(&lines[i], out);
    }
    mm1_buf_clear(&book->lines);
    (void)pthread_mutex_unlock(&book->lock);
    return status;
}
