/* The names of events and of verbs, as traces and people write them. */
#include <mm1/sched.h>
#include <mm1/trace.h>

#define NAME(code, text) text,

const char *mm1_event_text(enum mm1_event_kind kind)
{
    static const char *const texts[] = {MM1_EVENT_MAP(NAME)};
    return (size_t)kind < MM1_COUNT_OF(texts) ? texts[kind] : "unknown";
}

const char *mm1_effect_text(enum mm1_effect_kind kind)
{
    static const char *const texts[] = {MM1_EFFECT_MAP(NAME)};
    return (size_t)kind < MM1_COUNT_OF(texts) ? texts[kind] : "unknown";
}
