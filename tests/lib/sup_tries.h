/* Everything that can happen to a supervisor, tried: all trees of a family, all sequences of events up to a depth, all
 * orders of arrival. The pure step (kit/sup_step.h) runs in a small world that does for it what its actor does: what
 * arrives is taken in order, set aside while the step is busy, and taken again. What it took and did is written to a
 * log, which the specification (fuzz/sup_spec.h) judges after each event.
 *
 * A state that was seen is not tried again. A state is that of the step, that of the world and that of the
 * specification, with times as distances: so nothing is missed that the step forgot and the specification did not. */
#ifndef MM1_TEST_SUP_TRIES_H
#define MM1_TEST_SUP_TRIES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <mm1/alloc.h>

/* What happens in a family of trees, beside children that end as they are told and starts that succeed: these cost
 * nothing, each of the others is one event of the depth. */
enum sup_try_event {
    SUP_TRY_NORMAL = 1 << 0, /* a child ends by itself */
    SUP_TRY_SHUTDOWN = 1 << 1,
    SUP_TRY_CRASH = 1 << 2,
    SUP_TRY_REFUSE = 1 << 3,  /* the next spawn of a child is refused */
    SUP_TRY_FAIL = 1 << 4,    /* a start that is under way fails */
    SUP_TRY_IGNORE = 1 << 5,  /* … is ignored */
    SUP_TRY_TIMEOUT = 1 << 6, /* the timer fires */
    SUP_TRY_CALLS = 1 << 7,   /* terminate, restart, delete, start_child; start and stop */
    SUP_TRY_PARENT = 1 << 8,  /* the parent's exit signal; the caller cannot go on */
    SUP_TRY_TIME = 1 << 9, /* a nanosecond passes; the window passes; all but a nanosecond of it */
    SUP_TRY_KILLED = 1 << 10, /* a child ends by itself, these ways too */
    SUP_TRY_SHUTDOWN_TEXT = 1 << 11,
};

/* Limits beside a number within the window. */
#define SUP_TRY_UNLIMITED 4
#define SUP_TRY_ONE_EVER 5 /* one, whatever time passes */

struct sup_try_family {
    const char *name;
    unsigned strategies;   /* bits 1 << enum mm1__sup_strategy */
    unsigned children_max; /* from 1 on; of a uniform one how many may be started */
    unsigned kinds;        /* bits 1 << enum mm1__sup_restart: each child has each of them */
    unsigned stops;        /* bits 1 << enum mm1__sup_stop, the same */
    unsigned acks;         /* bit 1: without, bit 2: with */
    bool
        significance; /* each child that may be is significant or not, with both kinds of auto_shutdown */
    unsigned limits; /* bits 1 << max_restarts, of these and of 0 to 3 */
    unsigned events;
    unsigned depth;
};

struct sup_try_result {
    uint64_t trees;
    uint64_t states;  /* that were different */
    uint64_t visits;  /* logs that were judged */
    uint64_t longest; /* log */
    bool failed;
    char text[8192]; /* of a failure: the tree, the log, the finding */
};

/* Tries a family `deeper` events deeper than it says. */
void sup_try_family(struct mm1_alloc *alloc, const struct sup_try_family *family, int deeper,
                    struct sup_try_result *result);

extern const struct sup_try_family sup_try_families[];
extern const unsigned sup_try_family_count;

#endif
