/* When a child is to be restarted, and the window of restarts that a supervisor counts in: each is recorded once and
 * dropped once. */
#include <mm1/clock.h>

#include "base/mutant.h"
#include "kit/sup_step.h"

uint64_t *mm1__sup_grow(struct mm1__sup *sup, uint64_t *times, size_t capacity)
{
    struct mm1__sup_restarts *restarts = &sup->restarts;
    MM1_CHECK(capacity >= restarts->count);
    for (size_t i = 0; i < restarts->count; i++) {
        size_t from = restarts->first + i;
        times[i] = restarts->times[from < restarts->capacity ? from : from - restarts->capacity];
    }
    uint64_t *old = restarts->times;
    restarts->times = times;
    restarts->capacity = capacity;
    restarts->first = 0;
    return old;
}

/* Whether a restart that was done then still counts now. */
static bool is_within(const struct mm1__sup *sup, uint64_t then, uint64_t now)
{
    if (MM1_MUTANT(limit_no_prune)) {
        return true;
    }
    if (MM1_MUTANT(window_underflow) && now < sup->within_ns) {
        return then == now;
    }
    if (MM1_MUTANT(window_exclusive)) {
        return now - then < sup->within_ns;
    }
    if (MM1_MUTANT(window_in_seconds)) {
        return now / MM1_NS_PER_SEC - then / MM1_NS_PER_SEC <= sup->within_ns / MM1_NS_PER_SEC;
    }
    return now - then <= sup->within_ns;
}

/* Whether one restart more than those recorded is too many. */
static bool is_full(const struct mm1__sup *sup)
{
    size_t count = sup->restarts.count;
    if (MM1_MUTANT(limit_ge)) {
        return count + 1 >= sup->max_restarts;
    }
    if (MM1_MUTANT(limit_global)) {
        return mm1__mutant_restarts >= sup->max_restarts;
    }
    if (MM1_MUTANT(limit_counts_group) && sup->strategy == MM1__SUP_ALL_FOR_ONE) {
        size_t group = 0;
        MM1_LIST_FOREACH(node, &sup->children) {
            group++;
        }
        return (count + 1) * group > sup->max_restarts;
    }
    return count == sup->max_restarts;
}

bool mm1__sup_count_restart(struct mm1__sup *sup, uint64_t now_ns)
{
    if (sup->max_restarts == MM1_RESTARTS_UNLIMITED) {
        return true;
    }
    struct mm1__sup_restarts *restarts = &sup->restarts;
    while (restarts->count > 0) {
        uint64_t then = restarts->times[restarts->first];
        MM1_CHECK(now_ns >= then);
        if (is_within(sup, then, now_ns)) {
            break;
        }
        restarts->first = restarts->first + 1 == restarts->capacity ? 0 : restarts->first + 1;
        restarts->count--;
        if (MM1_MUTANT(limit_global)) {
            mm1__mutant_restarts--;
        }
    }
    if (is_full(sup)) {
        return false;
    }
    MM1_CHECK(restarts->count < restarts->capacity);
    size_t to = restarts->first + restarts->count;
    restarts->times[to < restarts->capacity ? to : to - restarts->capacity] = now_ns;
    restarts->count++;
    if (MM1_MUTANT(limit_global)) {
        mm1__mutant_restarts++;
    }
    return true;
}

static bool is_clean(const struct mm1_reason *reason)
{
    if (MM1_MUTANT(transient_as_permanent) || MM1_MUTANT(transient_never)) {
        return MM1_MUTANT(transient_never);
    }
    if (MM1_MUTANT(kill_is_clean) && reason->kind == MM1_REASON_KILLED) {
        return true;
    }
    if (MM1_MUTANT(shutdown_text_is_crash) && reason->kind == MM1_REASON_SHUTDOWN_TEXT) {
        return false;
    }
    return mm1_reason_is_clean(reason);
}

bool mm1__sup_must_restart(const struct mm1__sup_child *child, const struct mm1_reason *reason)
{
    return child->restart == MM1__SUP_PERMANENT ||
           (child->restart == MM1__SUP_TRANSIENT && !is_clean(reason));
}
