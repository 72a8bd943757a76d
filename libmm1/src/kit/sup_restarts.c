/* The window of restarts that a supervisor counts in. A restart is recorded once and dropped once. */
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

/* Whether a restart still counts. */
static bool is_within(const struct mm1__sup *sup, uint64_t then, uint64_t now_ns)
{
    if (MM1_MUTANT(limit_no_prune)) {
        return true;
    }
    if (MM1_MUTANT(window_underflow) && sup->within_ns > now_ns) {
        return false;
    }
    uint64_t age = now_ns - then;
    return age < sup->within_ns || (age == sup->within_ns && !MM1_MUTANT(window_exclusive));
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
    }
    if (restarts->count + (MM1_MUTANT(limit_ge) ? 1 : 0) >= sup->max_restarts) {
        return false;
    }
    MM1_CHECK(restarts->count < restarts->capacity);
    size_t to = restarts->first + restarts->count;
    restarts->times[to < restarts->capacity ? to : to - restarts->capacity] = now_ns;
    restarts->count++;
    return true;
}
