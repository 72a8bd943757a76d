/* The dimensions of cases: their names, and which of them a case has. */
#include "fuzz/sup_gen.h"

const char *sup_dimension_text(enum sup_dimension dimension)
{
    static const char *const texts[] = {
#define DIMENSION_TEXT(code, text) text,
        SUP_DIMENSION_MAP(DIMENSION_TEXT)
#undef DIMENSION_TEXT
    };
    return (size_t)dimension < MM1_COUNT_OF(texts) ? texts[dimension] : "unknown";
}

static uint32_t if_so(bool so, enum sup_dimension dimension)
{
    return so ? 1u << dimension : 0;
}

/* A window that is neither whole seconds nor a plain number of milliseconds, or a limit that never trips. */
static bool is_odd(const struct sup_member *member)
{
    uint64_t ns = member->period_ns;
    return ns == 0 || ns % 1000000 != 0 || ns == UINT64_MAX || member->intensity >= UINT32_MAX;
}

static uint32_t of_supervisor(const struct sup_member *member)
{
    return if_so(member->strategy == SUP_SIMPLE, SUP_DIM_UNIFORM) |
           if_so(member->strategy == SUP_ONE_FOR_ALL || member->strategy == SUP_REST_FOR_ONE,
                 SUP_DIM_STRATEGIES) |
           if_so(is_odd(member), SUP_DIM_WINDOW_EDGES);
}

static uint32_t of_child(const struct sup_member *member)
{
    bool usual =
        member->shutdown == (member->is_supervisor ? SUP_SHUTDOWN_INFINITY : SUP_SHUTDOWN_MS);
    return if_so(member->restart != SUP_PERMANENT, SUP_DIM_RESTARTS) |
           if_so(member->significant, SUP_DIM_SIGNIFICANT) |
           if_so(!usual || (!member->is_supervisor && member->shutdown_ms != 5000), SUP_DIM_STOPS) |
           if_so(member->term != SUP_TERM_DIE, SUP_DIM_TERMS) |
           if_so(member->unacked, SUP_DIM_UNACKED) | if_so(member->announced, SUP_DIM_ANNOUNCED) |
           if_so(member->significant && member->restart == SUP_PERMANENT, SUP_DIM_BAD_SPECS);
}

static uint32_t of_exit(const struct sup_case *the_case, const struct sup_event *event)
{
    const struct sup_member *member = sup_case_member(the_case, event->id);
    bool kill = event->exit == SUP_EXIT_KILL;
    if (member != NULL && member->is_supervisor) {
        return kill ? 1u << SUP_DIM_SUP_KILLS : 1u << SUP_DIM_STRANGERS;
    }
    return 1u << (kill ? SUP_DIM_KILLS : SUP_DIM_EXITS);
}

static bool is_nobody(const struct sup_case *the_case, const char *id)
{
    if (id == NULL || sup_case_member(the_case, id) != NULL) {
        return false;
    }
    for (size_t i = 0; i < the_case->event_count; i++) {
        const struct sup_event *event = &the_case->events[i];
        const char *started = event->kind != SUP_EV_START_CHILD ? NULL
                              : event->member != NULL           ? event->member->id
                                                                : event->child;
        if (started != NULL && strcmp(started, id) == 0) {
            return false;
        }
    }
    return true;
}

static uint32_t of_event(const struct sup_case *the_case, const struct sup_event *event)
{
    uint32_t nobody =
        if_so(is_nobody(the_case, event->id) || is_nobody(the_case, event->child), SUP_DIM_BAD_IDS);
    switch (event->kind) {
    case SUP_EV_EXIT:
        return nobody | of_exit(the_case, event);
    case SUP_EV_SUP_EXIT:
        return 1u << SUP_DIM_SUP_EXITS;
    case SUP_EV_FAIL:
        return nobody | 1u << (event->ignore ? SUP_DIM_IGNORE : SUP_DIM_FAIL);
    case SUP_EV_DIE:
        return nobody | 1u << SUP_DIM_DIE;
    case SUP_EV_SLOW:
        return nobody | 1u << SUP_DIM_SLOW;
    case SUP_EV_HANG:
        return nobody | 1u << SUP_DIM_HANG;
    case SUP_EV_START_CHILD:
        return 1u << SUP_DIM_CHANGES | (event->member == NULL ? 0 : of_child(event->member));
    case SUP_EV_TERMINATE_CHILD:
    case SUP_EV_DELETE_CHILD:
    case SUP_EV_RESTART_CHILD:
        return nobody | 1u << SUP_DIM_CHANGES;
    case SUP_EV_CHILDSPEC:
    case SUP_EV_WHICH:
    case SUP_EV_COUNT:
        return nobody | 1u << SUP_DIM_QUERIES;
    case SUP_EV_ADVANCE:
    case SUP_EV_WAIT:
        return 1u << SUP_DIM_WAITS;
    }
    return 0;
}

/* Two of one id, or one that counts for a supervisor that does not care. */
static bool is_bad(const struct sup_case *the_case, size_t index)
{
    const struct sup_member *member = &the_case->members[index];
    if (member->significant && the_case->members[member->parent].auto_shutdown == SUP_AUTO_NEVER) {
        return true;
    }
    return sup_case_member(the_case, member->id) != member;
}

uint32_t sup_dimensions_of(const struct sup_case *the_case)
{
    uint32_t found = 0;
    for (size_t i = 0; i < the_case->member_count; i++) {
        const struct sup_member *member = &the_case->members[i];
        found |= member->is_supervisor ? of_supervisor(member) : 0;
        if (i != 0) {
            found |= of_child(member) | if_so(member->is_supervisor, SUP_DIM_NESTING) |
                     if_so(is_bad(the_case, i), SUP_DIM_BAD_SPECS);
        }
    }
    for (size_t i = 0; i < the_case->pre_count; i++) {
        found |= 1u << SUP_DIM_BEFORE | of_event(the_case, &the_case->pre[i]);
    }
    for (size_t i = 0; i < the_case->event_count; i++) {
        found |= of_event(the_case, &the_case->events[i]);
    }
    for (size_t i = 0; i < the_case->step_count; i++) {
        found |= if_so(the_case->steps[i].batch, SUP_DIM_BATCHES);
    }
    return found;
}
