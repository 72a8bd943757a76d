/* What must hold when a run has come to rest, of all processes together. */
#include "fuzz/sup_watch_state.h"

static bool is_permanent(const struct sup_life *life, const char *id)
{
    struct mm1_text text = mm1_text_of(id);
    for (size_t i = 0; i < life->tree->children.count; i++) {
        const struct mm1_child *child = &life->tree->children.items[i];
        if (mm1_text_equal(child->id, text)) {
            return child->restart.size == 0 ||
                   mm1_text_equal(child->restart, MM1_TEXT("permanent"));
        }
    }
    return false; /* a call brought it; the specification knows */
}

static bool is_uniform(const struct sup_life *life)
{
    return mm1_text_equal(life->tree->strategy, MM1_TEXT("uniform"));
}

/* A supervisor with a child that does not finish its start or its end waits, and is not to be blamed. */
static void mark_busy(const struct sup_watch *watch)
{
    for (struct sup_process *process = watch->roll.first; process != NULL;
         process = process->next) {
        const struct sup_seen *seen = process->user;
        if (!process->ended && seen->above != NULL && (seen->told || !process->ready)) {
            seen->above->busy = true;
        }
    }
}

static void look_at_living(struct sup_watch *watch, const struct sup_seen *seen)
{
    const struct sup_life *above = seen->above;
    if (above == NULL || !above->self->process->ended) {
        return;
    }
    const char *name = sup_name_of(watch, seen->process->address);
    const char *of = sup_name_of(watch, above->self->process->address);
    if (!above->killed || !seen->ignores) {
        sup_found(watch, above, above->log.count, "orphan", "ended, and its child %s lives on%s",
                  name, above->killed ? "" : ", though nobody killed its supervisor");
    } else if (!seen->heard) {
        sup_found(watch, NULL, 0, "link", "%s was never told by its link that %s ended", name, of);
    }
}

static void look_at_ended(struct sup_watch *watch, const struct sup_seen *seen)
{
    const struct sup_life *above = seen->above;
    const struct sup_process *process = seen->process;
    if (above == NULL || above->self->process->ended) {
        return;
    }
    const char *name = sup_name_of(watch, process->address);
    if (seen->downs == 0 && !above->unwatched) {
        sup_found(watch, above, above->log.count, "watch", "was never told that its child %s ended",
                  name);
    }
    if (seen->exits == 0) {
        sup_found(watch, above, above->log.count, "link",
                  "got no exit signal of the link to %s, which ended", name);
    }
    const struct sup_rolled_id *id = sup_roll_id(&watch->roll, process->id);
    bool latest = id->user == seen;
    /* Of one that the supervisor ended itself, late in its start, the specification knows what is to follow. */
    if (latest && process->ready && !seen->stopped && !seen->told && !above->busy &&
        !above->gave_up && !is_uniform(above) && is_permanent(above, process->id)) {
        sup_found(watch, above, above->log.count, "tree",
                  "lives, without its permanent child %s, which nobody asked it to stop", name);
    }
}

void sup_rest(struct sup_watch *watch)
{
    mark_busy(watch);
    for (struct sup_process *process = watch->roll.first; process != NULL;
         process = process->next) {
        struct sup_seen *seen = process->user;
        watch->checks++;
        if (process->ended) {
            look_at_ended(watch, seen);
        } else {
            look_at_living(watch, seen);
            if (seen->life != NULL && seen->life->begun) {
                sup_judge(watch, seen->life, true);
            }
        }
    }
    sup_bonds_rest(watch);
}
