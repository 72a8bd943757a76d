/* What a tree says, and the children that a supervisor keeps. */
#include <string.h>

#include "fuzz/sup_spec_inside.h"

/* --- words ---------------------------------------------------------------------------------------------------- */

/* Which of `count` words it is, the first one when empty; `count`: none. */
static unsigned which_word(struct mm1_text text, const char *const *words, unsigned count)
{
    if (text.size == 0) {
        return 0;
    }
    for (unsigned i = 0; i < count; i++) {
        if (mm1_text_equal(text, mm1_text_of(words[i]))) {
            return i;
        }
    }
    return count;
}

static const char *const strategies[] = {"one_for_one", "all_for_one", "rest_for_one", "uniform"};
static const char *const autos[] = {"never", "any_significant", "all_significant"};
static const char *const restarts[] = {"permanent", "transient", "temporary"};
static const char *const stops[] = {"timeout", "brutal", "infinity"};

bool spec_read_child(const struct spec *s, const struct mm1_child *child, struct spec_meaning *out)
{
    unsigned restart = which_word(child->restart, restarts, MM1_COUNT_OF(restarts));
    unsigned stop = which_word(child->stop, stops, MM1_COUNT_OF(stops));
    if (child->stop.size == 0 && child->supervisor) {
        stop = SPEC_STOP_INFINITY;
    }
    if (restart == MM1_COUNT_OF(restarts) || stop == MM1_COUNT_OF(stops)) {
        return false;
    }
    *out = (struct spec_meaning){
        .restart = (enum spec_restart)restart,
        .stop = (enum spec_stop)stop,
        .stop_timeout_ns =
            child->stop_timeout.some ? child->stop_timeout.value : MM1_STOP_TIMEOUT_DEFAULT,
        .start_timeout_ns =
            child->start_timeout.some ? child->start_timeout.value : MM1_START_TIMEOUT_DEFAULT,
    };
    return !child->significant ||
           (s->auto_shutdown != SPEC_AUTO_NEVER && out->restart != SPEC_PERMANENT);
}

/* --- children ------------------------------------------------------------------------------------------------- */

struct spec_child *spec_child_at(const struct mm1_list *node)
{
    return MM1_CONTAINER_OF(node, struct spec_child, link);
}

struct spec_child *spec_find_child(struct spec *s, const char *id)
{
    if (id == NULL) {
        return NULL;
    }
    MM1_LIST_FOREACH(node, &s->children) {
        struct spec_child *child = spec_child_at(node);
        if (strcmp(child->id, id) == 0) {
            return child;
        }
    }
    return NULL;
}

struct spec_child *spec_add_child(struct spec *s, const struct mm1_child *child,
                                  const struct spec_meaning *means)
{
    struct spec_child *added = spec_take(s, sizeof(*added) + child->id.size + 1);
    if (added == NULL) {
        return NULL;
    }
    char *id = (char *)(added + 1);
    if (child->id.size > 0) {
        memcpy(id, child->id.data, child->id.size);
    }
    added->id = id;
    added->spec = child;
    added->means = *means;
    mm1_list_push_back(&s->children, &added->link);
    return added;
}

void spec_lose_process(struct spec_child *child)
{
    if (child->process != NULL) {
        child->process->child = NULL;
    }
    child->process = NULL;
    child->state = SPEC_NONE;
}

void spec_remove(struct spec_child *child)
{
    spec_lose_process(child);
    mm1_list_remove(&child->link);
}

void spec_forget(const struct spec *s, struct spec_child *child)
{
    spec_lose_process(child);
    if (child->means.restart == SPEC_TEMPORARY || s->strategy == SPEC_UNIFORM) {
        spec_remove(child);
    }
}

/* --- the tree ------------------------------------------------------------------------------------------------- */

static bool is_known(const struct spec *s, struct mm1_text id)
{
    MM1_LIST_FOREACH(node, &s->children) {
        if (mm1_text_equal(spec_child_at(node)->spec->id, id)) {
            return true;
        }
    }
    return false;
}

bool spec_read_tree(struct spec *s, const char **why)
{
    unsigned strategy = which_word(s->tree->strategy, strategies, MM1_COUNT_OF(strategies));
    unsigned autoshut = which_word(s->tree->auto_shutdown, autos, MM1_COUNT_OF(autos));
    if (strategy == MM1_COUNT_OF(strategies) || autoshut == MM1_COUNT_OF(autos)) {
        *why = "unknown strategy or auto_shutdown";
        return false;
    }
    s->strategy = (enum spec_strategy)strategy;
    s->auto_shutdown = (enum spec_auto)autoshut;
    if (s->strategy == SPEC_UNIFORM && s->tree->children.count != 1) {
        *why = "a uniform supervisor has one child, the template";
        return false;
    }
    for (size_t i = 0; i < s->tree->children.count; i++) {
        const struct mm1_child *child = &s->tree->children.items[i];
        struct spec_meaning means;
        if (!spec_read_child(s, child, &means)) {
            *why = "a child's spec breaks a rule";
            return false;
        }
        if (is_known(s, child->id)) {
            *why = "an id is there twice";
            return false;
        }
        if (s->strategy != SPEC_UNIFORM && spec_add_child(s, child, &means) == NULL) {
            *why = NULL;
            return false;
        }
    }
    return true;
}

/* --- specs as they are told ----------------------------------------------------------------------------------- */

static bool equal_args(const struct mm1_child *spec, const struct mm1_child *told)
{
    if (!spec->arg.some || !told->arg.some) {
        return spec->arg.some == told->arg.some;
    }
    return spec->arg.value.type == told->arg.value.type &&
           mm1_msg_equal(spec->arg.value.type, spec->arg.value.msg, told->arg.value.msg);
}

const char *spec_child_differs(const struct mm1_child *spec, const struct spec_meaning *means,
                               const struct mm1_child *told)
{
    struct mm1_text factory = spec->factory.size > 0 ? spec->factory : spec->id;
    if (!mm1_text_equal(spec->id, told->id)) {
        return "id";
    }
    if (!mm1_text_equal(factory, told->factory)) {
        return "factory";
    }
    if (!mm1_text_equal(mm1_text_of(restarts[means->restart]), told->restart)) {
        return "restart";
    }
    if (!mm1_text_equal(mm1_text_of(stops[means->stop]), told->stop)) {
        return "stop";
    }
    if (means->stop == SPEC_STOP_TIMEOUT &&
        (!told->stop_timeout.some || told->stop_timeout.value != means->stop_timeout_ns)) {
        return "stop_timeout";
    }
    if (spec->ack &&
        (!told->start_timeout.some || told->start_timeout.value != means->start_timeout_ns)) {
        return "start_timeout";
    }
    if (spec->significant != told->significant) {
        return "significant";
    }
    if (spec->supervisor != told->supervisor || spec->ack != told->ack ||
        spec->announce_parent != told->announce_parent) {
        return "supervisor, ack or announce_parent";
    }
    if (spec->inbox_size != 0 && spec->inbox_size != told->inbox_size) {
        return "inbox_size";
    }
    return equal_args(spec, told) ? NULL : "arg";
}
