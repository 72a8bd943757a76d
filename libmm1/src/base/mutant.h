/* Seeded bugs: mistakes that a supervisor could be built with, by which the fuzzer is tested. They exist only in builds
 * with -DMM1_MUTANTS, in which one of them is chosen by name (mm1 fuzz supervisors --mutant NAME); in all other builds
 * MM1_MUTANT is false and the mistake is not there. */
#ifndef MM1_BASE_MUTANT_H
#define MM1_BASE_MUTANT_H

#include <stdbool.h>
#include <stddef.h>

/* X(name, what it does wrong). In the order of docs/mutants.md. */
#define MM1__MUTANT_MAP(X)                                                                         \
    X(limit_ge, "gives up at max_restarts, not above it (>= for >)")                               \
    X(limit_no_prune, "counts restarts that left the window")                                      \
    X(window_underflow, "a window longer than the clock forgets all restarts (mm1 SUP-C-04)")      \
    X(window_exclusive, "a restart exactly a window old does not count")

enum mm1__mutant {
    MM1__MUTANT_none,
#define MM1__MUTANT_ENUM(name, text) MM1__MUTANT_##name,
    MM1__MUTANT_MAP(MM1__MUTANT_ENUM)
#undef MM1__MUTANT_ENUM
};

#ifdef MM1_MUTANTS
extern enum mm1__mutant mm1__mutant; /* chosen before anything runs */
#define MM1_MUTANT(name) (mm1__mutant == MM1__MUTANT_##name)
#else
#define MM1_MUTANT(name) false
#endif

/* Chooses one by its name; '-' may stand for '_'. False: there is none of that name, or this build has none. */
bool mm1__mutant_choose(const char *name);
/* Name, as in the map, and text of the i-th; null beyond the last, and in builds without. */
const char *mm1__mutant_name(size_t i, const char **text);

#endif
