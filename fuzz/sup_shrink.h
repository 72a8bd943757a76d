/* Makes a failing case small: fewer events, fewer members, plainer attributes, as long as it fails with the same
 * signature, in the same world or in one of a few others. */
#ifndef FUZZ_SUP_SHRINK_H
#define FUZZ_SUP_SHRINK_H

#include "fuzz/sup_run.h"

struct sup_shrink_options {
    unsigned runs_max; /* budget; 0: 4000 */
    /* Other seeds that a smaller case is tried with, since a schedule does not survive a change; 0: 20. */
    unsigned seeds;
    /* Whether a case still fails, in that world. */
    bool (*fails)(void *arg, const struct sup_case *the_case, const struct sup_world *world);
    void *arg;
};

/* `*the_case` becomes the smallest case that was found, `*world` its world. In the order of worth: steps (halves,
 * quarters, … one), members with all that is said of them, batches and counts, attributes toward their defaults
 * (permanent, one_for_one, die, intensity), waits toward 0, the world toward the plainest, names toward a, b, c. The
 * same input gives the same result. Memory of the arena; when it is refused, what was found so far. Returns how many
 * runs it took. */
unsigned sup_shrink(struct mm1__arena *arena, struct sup_case *the_case, struct sup_world *world,
                    const struct sup_shrink_options *options);

#endif
