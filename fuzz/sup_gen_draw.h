/* The inside of the generator: what is drawn, and where it goes. */
#ifndef FUZZ_SUP_GEN_DRAW_H
#define FUZZ_SUP_GEN_DRAW_H

#include <mm1/clock.h>

#include "fuzz/sup_gen.h"

/* Subjects that are drawn apart, so that one more draw about one of them shifts nothing in the others. Part of the
 * generator's version. */
enum sup_subject {
    SUP_ABOUT_SHAPE,
    SUP_ABOUT_TREE,
    SUP_ABOUT_MEMBER,
    SUP_ABOUT_HISTORY,
    SUP_ABOUT_EVENT,
    SUP_SUBJECTS
};

#define SUP_ID_MAX 24

struct sup_gen {
    struct mm1__arena *arena;
    uint64_t seed;
    uint64_t drawn[SUP_SUBJECTS];
    uint32_t on; /* dimensions, bit 1 << enum sup_dimension */
    struct sup_case made;
    size_t member_room;
    size_t event_room;
    size_t pre_room;
    size_t step_room;
    bool in_batch;
    bool failed; /* no memory */
};

static inline bool sup_gen_on(const struct sup_gen *g, enum sup_dimension dimension)
{
    return (g->on & 1u << dimension) != 0;
}

/* A number below n; any 64 bits when n is 0. */
uint64_t sup_draw(struct sup_gen *g, enum sup_subject about, uint64_t n);
/* One out of so many. */
bool sup_draw_chance(struct sup_gen *g, enum sup_subject about, uint64_t num, uint64_t den);
/* An index by its weight; at least one weight is not 0. */
size_t sup_draw_weighted(struct sup_gen *g, enum sup_subject about, const unsigned *weights,
                         size_t count);
#define SUP_DRAW_OF(g, about, array) ((array)[sup_draw((g), (about), MM1_COUNT_OF(array))])

/* A copy of a text made by format; "" when there is no memory. */
const char *sup_gen_text(struct sup_gen *g, const char *format, ...) MM1_PRINTF(2, 3);
/* Adds a member and returns its index; what it says is filled in at the end. */
size_t sup_gen_member(struct sup_gen *g, const struct sup_member *member);
/* Adds an event: a step of its own, or one of the batch that is open. */
void sup_gen_event(struct sup_gen *g, struct sup_event event);
void sup_gen_before(struct sup_gen *g, struct sup_event event);
void sup_gen_batch(struct sup_gen *g, bool begins);
/* A copy for start_child. */
const struct sup_member *sup_gen_spec(struct sup_gen *g, struct sup_member member);

/* The two kinds of cases. */
void sup_gen_free(struct sup_gen *g, const struct sup_gen_options *options);
void sup_gen_otp(struct sup_gen *g);

#endif
