/* Plays a case step by step, from outside of all its actors. */
#include <stdio.h>

#include "fuzz/sup_cases_place.h"

/* How long after the last thing that a case may wait for it counts as at rest. */
#define MARGIN_NS (200 * MM1_NS_PER_MS)

struct player {
    const struct sup_case *the_case;
    struct sup_place *place;
    struct sup_book *book;
    struct mm1_buf *out;
    struct mm1_buf text; /* of events */
    char *error;
    struct mm1_buf frozen; /* mm1_addr of supervisors */
};

static mm1_status cannot(const struct player *p, mm1_status status, const char *what)
{
    if (status != MM1_OK) {
        (void)snprintf(p->error, SUP_CASES_ERROR_MAX, "%s: %s", what, mm1_status_text(status));
    }
    return status;
}

static mm1_status rest(struct player *p)
{
    MM1_TRY(cannot(p, p->place->ops->rest(p->place), "it does not come to rest"));
    return cannot(p, p->book->status, "its events");
}

/* Who is gone meanwhile needs nothing. */
static mm1_status unless_gone(mm1_status status)
{
    return status == MM1_NOPROC ? MM1_OK : status;
}

/* --- freezing ------------------------------------------------------------------------------------------------- */

static mm1_status freeze(struct player *p)
{
    mm1_buf_clear(&p->frozen);
    for (struct sup_process *s = p->book->roll.first; s != NULL; s = s->next) {
        mm1_addr addr = {s->address};
        if (s->is_supervisor && s->ready && !s->ended) {
            MM1_TRY(mm1_buf_append(&p->frozen, &addr, sizeof(addr)));
            MM1_TRY(cannot(p, unless_gone(p->place->ops->suspend(p->place, addr)), "suspend"));
        }
    }
    return MM1_OK;
}

static mm1_status thaw(struct player *p)
{
    const mm1_addr *addrs = (const mm1_addr *)(const void *)p->frozen.data;
    for (size_t i = 0; i < p->frozen.size / sizeof(*addrs); i++) {
        MM1_TRY(cannot(p, unless_gone(p->place->ops->resume(p->place, addrs[i])), "resume"));
    }
    return MM1_OK;
}

/* --- events --------------------------------------------------------------------------------------------------- */

static mm1_status echo(struct player *p, const struct sup_event *event, bool nobody)
{
    MM1_TRY(mm1_buf_format(p->out, "ev "));
    MM1_TRY(sup_event_print(event, p->out));
    return mm1_buf_format(p->out, "%s\n", nobody ? " (noproc)" : "");
}

static struct mm1_text words_of(struct player *p, const struct sup_event *event, mm1_status *status)
{
    mm1_buf_clear(&p->text);
    *status = sup_event_print(event, &p->text);
    return mm1_buf_text(&p->text);
}

static mm1_status plan(struct player *p, const struct sup_event *event)
{
    mm1_status status;
    const struct sup_plan plan = {.event = words_of(p, event, &status)};
    MM1_TRY(status);
    MM1_TRY(echo(p, event, false));
    return p->place->ops->send(p->place, p->place->stage, &sup_plan_type, &plan);
}

/* Thaws all supervisors below, so that they can stop what is theirs when the one above is gone. */
static mm1_status thaw_below(struct player *p, uint64_t address)
{
    for (struct sup_process *s = p->book->roll.first; s != NULL; s = s->next) {
        if (s->is_supervisor && s->ready && !s->ended && s->parent == address) {
            mm1_addr addr = {s->address};
            MM1_TRY(cannot(p, unless_gone(p->place->ops->resume(p->place, addr)), "resume"));
            MM1_TRY(thaw_below(p, s->address));
        }
    }
    return MM1_OK;
}

/* A supervisor is killed: what is above it stays frozen, and the ends of all that is below are one group. */
static mm1_status kill_supervisor(struct player *p, const struct sup_process *victim)
{
    MM1_TRY(sup_book_flush(p->book, false, p->out));
    MM1_TRY(thaw_below(p, victim->address));
    MM1_TRY(rest(p));
    mm1_addr addr = {victim->address};
    MM1_TRY(p->place->ops->exit(p->place, addr, mm1_reason_of(MM1_REASON_KILL)));
    MM1_TRY(rest(p));
    return sup_book_flush(p->book, true, p->out);
}

static mm1_status exit_member(struct player *p, const struct sup_event *event)
{
    const char *text = event->exit_text == NULL ? "" : event->exit_text;
    const struct sup_process *process = sup_book_living(p->book, event->id);
    struct mm1_reason reason = sup_reason_of(event->exit, text);
    MM1_TRY(echo(p, event, process == NULL));
    if (process == NULL) {
        return MM1_OK;
    }
    mm1_addr addr = {process->address};
    if (process->is_supervisor && event->exit == SUP_EXIT_KILL) {
        return kill_supervisor(p, process);
    }
    if (process->is_supervisor || event->exit == SUP_EXIT_KILL) {
        return p->place->ops->exit(
            p->place, addr, event->exit == SUP_EXIT_KILL ? mm1_reason_of(MM1_REASON_KILL) : reason);
    }
    const struct sup_do_exit order = {.exit = (uint8_t)event->exit, .text = mm1_text_of(text)};
    return p->place->ops->send(p->place, addr, &sup_do_exit_type, &order);
}

static mm1_status exit_root(struct player *p, const struct sup_event *event)
{
    const char *text = event->exit_text == NULL ? "" : event->exit_text;
    const struct sup_process *root = sup_book_living(p->book, "root");
    MM1_TRY(echo(p, event, root == NULL));
    if (root == NULL) {
        return MM1_OK;
    }
    if (event->exit == SUP_EXIT_KILL) {
        return kill_supervisor(p, root);
    }
    const struct sup_root_exit order = {.exit = (uint8_t)event->exit, .text = mm1_text_of(text)};
    return p->place->ops->send(p->place, p->place->stage, &sup_root_exit_type, &order);
}

/* Makes a call; `*number` is that of its answer. */
static mm1_status call(struct player *p, const struct sup_event *event, uint64_t *number)
{
    mm1_status status;
    struct sup_do_call order = {.event = words_of(p, event, &status)};
    const struct sup_process *supervisor = sup_book_living(p->book, event->id);
    const struct sup_rolled_id *child =
        event->child == NULL ? NULL : sup_roll_id(&p->book->roll, event->child);
    MM1_TRY(status);
    MM1_TRY(sup_book_call(p->book, event, supervisor == NULL ? "exit noproc" : NULL, number));
    if (supervisor == NULL) {
        return MM1_OK;
    }
    order.supervisor = (mm1_addr){supervisor->address};
    order.number = *number;
    if (sup_case_member(p->the_case, event->id)->strategy == SUP_SIMPLE && child != NULL &&
        child->last != NULL) {
        order.target.some = true;
        order.target.value = (mm1_addr){child->last->address};
    }
    return p->place->ops->send(p->place, p->place->stage, &sup_do_call_type, &order);
}

static mm1_status apply(struct player *p, const struct sup_event *event)
{
    uint64_t number;
    mm1_status status;
    switch (event->kind) {
    case SUP_EV_EXIT:
        status = exit_member(p, event);
        break;
    case SUP_EV_SUP_EXIT:
        status = exit_root(p, event);
        break;
    case SUP_EV_FAIL:
    case SUP_EV_DIE:
    case SUP_EV_SLOW:
    case SUP_EV_HANG:
        status = plan(p, event);
        break;
    default:
        MM1_TRY(echo(p, event, false));
        status = call(p, event, &number);
    }
    MM1_TRY(p->error[0] != '\0' ? status : cannot(p, status, "an event cannot be applied"));
    return rest(p);
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

static mm1_status print_answers(struct player *p)
{
    size_t count = p->book->calls.size / sizeof(struct sup_call);
    for (uint64_t i = 0; i < count; i++) {
        const char *answer = sup_book_answer(p->book, i);
        if (answer == NULL) {
            (void)snprintf(p->error, SUP_CASES_ERROR_MAX, "a call is not answered");
            return MM1_TIMEOUT;
        }
        MM1_TRY(mm1_buf_format(p->out, "reply %s\n", answer));
    }
    mm1_buf_clear(&p->book->calls);
    return MM1_OK;
}

static mm1_status play_step(struct player *p, const struct sup_event *events, size_t count,
                            bool batch)
{
    if (count == 1 && (events[0].kind == SUP_EV_ADVANCE || events[0].kind == SUP_EV_WAIT)) {
        MM1_TRY(echo(p, &events[0], false));
        return cannot(p, p->place->ops->pass(p->place, events[0].ns), "time does not pass");
    }
    if (batch) {
        MM1_TRY(mm1_buf_format(p->out, "batch\n"));
    }
    MM1_TRY(freeze(p));
    for (size_t i = 0; i < count; i++) {
        MM1_TRY(apply(p, &events[i]));
    }
    if (batch) {
        MM1_TRY(mm1_buf_format(p->out, "commit\n"));
    }
    MM1_TRY(thaw(p));
    MM1_TRY(rest(p));
    MM1_TRY(sup_book_flush(p->book, false, p->out));
    return print_answers(p);
}

/* --- the end -------------------------------------------------------------------------------------------------- */

/* Asks a supervisor and prints "which ID ..." or "count ID ...". */
static mm1_status report_one(struct player *p, enum sup_event_kind kind, const char *id)
{
    const struct sup_event event = {.kind = kind, .id = id};
    uint64_t number;
    MM1_TRY(call(p, &event, &number));
    MM1_TRY(rest(p));
    const char *answer = sup_book_answer(p->book, number);
    MM1_TRY(mm1_buf_format(p->out, "%s %s %s\n", kind == SUP_EV_WHICH ? "which" : "count", id,
                           answer == NULL ? "is not answered" : answer));
    mm1_buf_clear(&p->book->calls);
    return MM1_OK;
}

/* A supervisor, then those below it in the order of their start. */
static mm1_status report(struct player *p, size_t index, uint64_t address)
{
    const struct sup_member *members = p->the_case->members;
    MM1_TRY(report_one(p, SUP_EV_WHICH, members[index].id));
    MM1_TRY(report_one(p, SUP_EV_COUNT, members[index].id));
    for (size_t i = index + 1; i < p->the_case->member_count; i++) {
        const struct sup_process *child = members[i].is_supervisor && members[i].parent == index
                                              ? sup_book_living(p->book, members[i].id)
                                              : NULL;
        if (child != NULL && child->parent == address) {
            MM1_TRY(report(p, i, child->address));
        }
    }
    return MM1_OK;
}

static mm1_status print_orphans(struct player *p)
{
    MM1_TREE_FOREACH(node, &p->book->roll.ids) {
        const struct sup_rolled_id *id = MM1_CONTAINER_OF(node, const struct sup_rolled_id, by_id);
        for (const struct sup_process *s = p->book->roll.first; s != NULL; s = s->next) {
            if (strcmp(s->id, id->id) == 0 && !s->is_supervisor && s->ready && !s->ended) {
                MM1_TRY(mm1_buf_format(p->out, "orphan %s\n", id->id));
            }
        }
    }
    return MM1_OK;
}

static mm1_status play_end(struct player *p)
{
    static const struct sup_event end = {.kind = SUP_EV_SUP_EXIT, .exit = SUP_EXIT_SHUTDOWN};
    const struct sup_process *root = sup_book_living(p->book, "root");
    MM1_TRY(mm1_buf_format(p->out, "final\n"));
    if (root == NULL) {
        MM1_TRY(mm1_buf_format(p->out, "dead\n"));
    } else {
        MM1_TRY(report(p, 0, root->address));
        MM1_TRY(play_step(p, &end, 1, false));
    }
    return print_orphans(p);
}

/* --- the whole ------------------------------------------------------------------------------------------------ */

/* The start of the tree; `*started`: it stood, at least for a moment. */
static mm1_status play_start(struct player *p, bool *started)
{
    MM1_TRY(rest(p));
    MM1_TRY(sup_book_flush(p->book, false, p->out));
    const struct sup_rolled_id *root = sup_roll_id(&p->book->roll, "root");
    *started = root != NULL && root->started != 0;
    if (*started) {
        return mm1_buf_format(p->out, "init ok\n");
    }
    const struct sup_process *failed = p->book->roll.first;
    if (failed == NULL || !failed->ended) {
        (void)snprintf(p->error, SUP_CASES_ERROR_MAX, "the root neither starts nor fails");
        return MM1_TIMEOUT;
    }
    MM1_TRY(mm1_buf_format(p->out, "init error "));
    MM1_TRY(sup_book_why(p->book, failed, p->out));
    return mm1_buf_format(p->out, "\n");
}

static mm1_status play(struct player *p)
{
    const struct sup_case *c = p->the_case;
    bool started;
    MM1_TRY(mm1_buf_format(p->out, "case %s\n", c->name));
    MM1_TRY(play_start(p, &started));
    for (size_t i = 0; i < c->step_count && started; i++) {
        const struct sup_step *step = &c->steps[i];
        MM1_TRY(play_step(p, c->events + step->first, step->count, step->batch));
    }
    if (started) {
        MM1_TRY(play_end(p));
    }
    return mm1_buf_format(p->out, "end\n");
}

/* The longest that anything in a case lasts: slow ends, and the timeouts of those who ignore to be told. */
static uint64_t horizon_of(const struct sup_case *the_case)
{
    uint64_t ms = 0;
    for (size_t i = 0; i < the_case->member_count + the_case->event_count; i++) {
        const struct sup_member *m = i < the_case->member_count
                                         ? &the_case->members[i]
                                         : the_case->events[i - the_case->member_count].member;
        uint64_t lasts = m == NULL                        ? 0
                         : m->term == SUP_TERM_SLOW       ? m->slow_ms
                         : m->term != SUP_TERM_IGNORE     ? 0
                         : m->shutdown == SUP_SHUTDOWN_MS ? m->shutdown_ms
                                                          : 0;
        ms = lasts > ms ? lasts : ms;
    }
    return ms > UINT64_MAX / MM1_NS_PER_MS / 2 ? UINT64_MAX / 2 : ms * MM1_NS_PER_MS + MARGIN_NS;
}

static mm1_status open_and_play(struct player *p, const struct sup_cases_options *options)
{
    MM1_TRY(sup_case_print(p->the_case, &p->text));
    const struct sup_stage_arg arg = {.script = mm1_buf_text(&p->text)};
    MM1_TRY(options->threads == 0
                ? sup_place_simulated(p->book, options->seed, &arg, &p->place, p->error)
                : sup_place_threads(p->book, options, &arg, &p->place, p->error));
    p->error[0] = '\0';
    p->place->horizon_ns = horizon_of(p->the_case);
    mm1_status status = play(p);
    p->place->ops->close(p->place);
    return status;
}

mm1_status sup_case_run(const struct sup_case *the_case, const struct sup_cases_options *options,
                        struct mm1_buf *out, char error[SUP_CASES_ERROR_MAX])
{
    struct sup_book book;
    struct player p = {.the_case = the_case,
                       .book = &book,
                       .out = out,
                       .text = MM1_BUF(out->alloc),
                       .error = error,
                       .frozen = MM1_BUF(out->alloc)};
    error[0] = '\0';
    sup_book_init(&book, the_case, out->alloc);
    mm1_status status = open_and_play(&p, options);
    if (status != MM1_OK && error[0] == '\0') {
        (void)snprintf(error, SUP_CASES_ERROR_MAX, "%s", mm1_status_text(status));
    }
    mm1_buf_close(&p.text);
    mm1_buf_close(&p.frozen);
    sup_book_close(&book);
    return status;
}
