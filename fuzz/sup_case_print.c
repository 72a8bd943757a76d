/* Cases as text: the words, and the writer. */
#include <inttypes.h>

#include <mm1/clock.h>

#include "fuzz/sup_case_words.h"

#define WORDS(name, ...)                                                                           \
    static const char *const name##_items[] = {__VA_ARGS__};                                       \
    const struct sup_words sup_words_##name = {.items = name##_items,                              \
                                               .count = MM1_COUNT_OF(name##_items)}

WORDS(strategy, "one_for_one", "one_for_all", "rest_for_one", "simple_one_for_one");
WORDS(auto, "never", "any_significant", "all_significant");
WORDS(restart, "permanent", "transient", "temporary");
WORDS(type, "worker", "supervisor");
WORDS(term, "die", "clean", "slow", "normal", "crash", "ignore");
WORDS(exit, "normal", "shutdown", "shutdown:", "crash", "kill", "selfkill");
WORDS(key, "strategy", "intensity", "period", "auto_shutdown", "restart", "significant", "shutdown",
      "type", "term", "ack", "announce");
WORDS(event, "exit", "sup_exit", "failnext", "dienext", "start_child", "terminate_child",
      "delete_child", "restart_child", "childspec", "which", "count", "advance", "wait", "slownext",
      "hangnext");

/* --- attributes ----------------------------------------------------------------------------------------------- */

static mm1_status print_shutdown(const struct sup_member *member, struct mm1_buf *out)
{
    switch (member->shutdown) {
    case SUP_SHUTDOWN_BRUTAL:
        return mm1_buf_format(out, "brutal_kill");
    case SUP_SHUTDOWN_INFINITY:
        return mm1_buf_format(out, "infinity");
    default:
        return mm1_buf_format(out, "%" PRIu64, member->shutdown_ms);
    }
}

static mm1_status print_period(uint64_t period_ns, struct mm1_buf *out)
{
    if (period_ns % MM1_NS_PER_SEC == 0) {
        return mm1_buf_format(out, "%" PRIu64, period_ns / MM1_NS_PER_SEC);
    }
    return mm1_buf_format(out, "%" PRIu64 "ns", period_ns);
}

static mm1_status print_term(const struct sup_member *member, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_format(out, "%s", sup_words_term.items[member->term]));
    return member->term == SUP_TERM_SLOW ? mm1_buf_format(out, ":%" PRIu64, member->slow_ms)
                                         : MM1_OK;
}

static mm1_status print_key(const struct sup_member *member, enum sup_key key, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_format(out, " %s=", sup_words_key.items[key]));
    switch (key) {
    case SUP_KEY_STRATEGY:
        return mm1_buf_format(out, "%s", sup_words_strategy.items[member->strategy]);
    case SUP_KEY_INTENSITY:
        return mm1_buf_format(out, "%" PRIu64, member->intensity);
    case SUP_KEY_PERIOD:
        return print_period(member->period_ns, out);
    case SUP_KEY_AUTO:
        return mm1_buf_format(out, "%s", sup_words_auto.items[member->auto_shutdown]);
    case SUP_KEY_RESTART:
        return mm1_buf_format(out, "%s", sup_words_restart.items[member->restart]);
    case SUP_KEY_SIGNIFICANT:
        return mm1_buf_format(out, "%d", member->significant ? 1 : 0);
    case SUP_KEY_SHUTDOWN:
        return print_shutdown(member, out);
    case SUP_KEY_TYPE:
        return mm1_buf_format(out, "%s", sup_words_type.items[member->type_supervisor ? 1 : 0]);
    case SUP_KEY_ACK:
        return mm1_buf_format(out, "%d", member->unacked ? 0 : 1);
    case SUP_KEY_ANNOUNCE:
        return mm1_buf_format(out, "%d", member->announced ? 1 : 0);
    default:
        return print_term(member, out);
    }
}

static mm1_status print_keys(const struct sup_member *member, struct mm1_buf *out)
{
    unsigned left = member->said;
    for (uint64_t order = member->order; order != 0; order >>= 4) {
        unsigned key = (unsigned)(order & 15) - 1;
        if ((member->said & 1u << key) != 0) {
            MM1_TRY(print_key(member, (enum sup_key)key, out));
            left &= ~(1u << key);
        }
    }
    for (unsigned key = 0; key < sup_words_key.count; key++) {
        if ((left & 1u << key) != 0) {
            MM1_TRY(print_key(member, (enum sup_key)key, out));
        }
    }
    return MM1_OK;
}

/* --- events --------------------------------------------------------------------------------------------------- */

static mm1_status print_exit(const struct sup_event *event, struct mm1_buf *out)
{
    return mm1_buf_format(out, " %s%s", sup_words_exit.items[event->exit],
                          event->exit == SUP_EXIT_SHUTDOWN_TEXT ? event->exit_text : "");
}

static mm1_status print_more(const struct sup_event *event, struct mm1_buf *out)
{
    switch (event->kind) {
    case SUP_EV_EXIT:
    case SUP_EV_SUP_EXIT:
        return print_exit(event, out);
    case SUP_EV_DIE:
        MM1_TRY(mm1_buf_format(out, " %" PRIu64, event->count));
        return print_exit(event, out);
    case SUP_EV_FAIL:
        return mm1_buf_format(out, " %" PRIu64 " %s", event->count,
                              event->ignore ? "ignore" : "error");
    case SUP_EV_HANG:
        return mm1_buf_format(out, " %" PRIu64, event->count);
    case SUP_EV_SLOW:
        return mm1_buf_format(out, " %" PRIu64 " %" PRIu64 "ns", event->count, event->ns);
    case SUP_EV_ADVANCE:
        return mm1_buf_format(out, " %" PRIu64, event->ns / MM1_NS_PER_MS);
    case SUP_EV_WAIT:
        return mm1_buf_format(out, " %" PRIu64 "ns", event->ns);
    case SUP_EV_START_CHILD:
        if (event->member != NULL) {
            MM1_TRY(mm1_buf_format(out, " %s", event->member->id));
            return print_keys(event->member, out);
        }
        return mm1_buf_format(out, " %s", event->child);
    case SUP_EV_WHICH:
    case SUP_EV_COUNT:
        return MM1_OK;
    default:
        return mm1_buf_format(out, " %s", event->child);
    }
}

mm1_status sup_event_print(const struct sup_event *event, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_format(out, "%s", sup_words_event.items[event->kind]));
    if (event->id != NULL) {
        MM1_TRY(mm1_buf_format(out, " %s", event->id));
    }
    return print_more(event, out);
}

/* --- a case --------------------------------------------------------------------------------------------------- */

static mm1_status print_line(const char *word, const struct sup_event *event, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_format(out, "%s ", word));
    MM1_TRY(sup_event_print(event, out));
    return mm1_buf_format(out, "\n");
}

static mm1_status print_members(const struct sup_case *the_case, struct mm1_buf *out)
{
    for (size_t i = 0; i < the_case->member_count; i++) {
        const struct sup_member *member = &the_case->members[i];
        MM1_TRY(mm1_buf_format(out, "%s %s", member->is_supervisor ? "sup" : "child", member->id));
        if (i != 0) {
            MM1_TRY(mm1_buf_format(out, " %s", the_case->members[member->parent].id));
        }
        MM1_TRY(print_keys(member, out));
        MM1_TRY(mm1_buf_format(out, "\n"));
    }
    return MM1_OK;
}

static mm1_status print_step(const struct sup_case *the_case, const struct sup_step *step,
                             struct mm1_buf *out)
{
    if (step->batch) {
        MM1_TRY(mm1_buf_format(out, "batch\n"));
    }
    for (size_t i = 0; i < step->count; i++) {
        MM1_TRY(print_line("ev", &the_case->events[step->first + i], out));
    }
    return step->batch ? mm1_buf_format(out, "commit\n") : MM1_OK;
}

mm1_status sup_case_print(const struct sup_case *the_case, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_format(out, "case %s\n", the_case->name));
    MM1_TRY(print_members(the_case, out));
    for (size_t i = 0; i < the_case->pre_count; i++) {
        MM1_TRY(print_line("pre", &the_case->pre[i], out));
    }
    for (size_t i = 0; i < the_case->step_count; i++) {
        MM1_TRY(print_step(the_case, &the_case->steps[i], out));
    }
    return mm1_buf_format(out, "end\n");
}
