/* The conformance suite of the random port: MM1_CONFORM_RANDOM(suite, make) stamps it for one implementation. */
#ifndef MM1_CONFORM_RANDOM_H
#define MM1_CONFORM_RANDOM_H

#include <stdint.h>

#include "conform.h"
#include "mm1_test.h"

static uint64_t conform_draw(struct conform_world *w, enum mm1_random_purpose purpose,
                             uint64_t entity, uint64_t nth, uint64_t n)
{
    return w->env.random->ops->draw(w->env.random, purpose, entity, nth, n);
}

static void conform_random_stays_below(struct conform_world *w)
{
    const uint64_t bounds[] = {
        1, 2, 3, 7, 10, 1000, UINT64_C(1) << 32, (UINT64_C(1) << 63) + 1, UINT64_MAX};
    for (size_t i = 0; i < MM1_COUNT_OF(bounds); i++) {
        for (uint64_t nth = 0; nth < 500; nth++) {
            cr_assert_lt(conform_draw(w, MM1_RANDOM_USER, i, nth, bounds[i]), bounds[i]);
        }
    }
}

static void conform_random_reaches_all(struct conform_world *w)
{
    /* A value of seven is missed in 1000 draws once in 10^67 runs. */
    unsigned seen[7] = {0};
    for (uint64_t nth = 0; nth < 1000; nth++) {
        seen[conform_draw(w, MM1_RANDOM_USER, 42, nth, 7)]++;
    }
    for (unsigned i = 0; i < 7; i++) {
        cr_assert_gt(seen[i], 0, "%u", i);
    }
}

static void conform_random_uses_all_bits(struct conform_world *w)
{
    uint64_t ones = 0;
    uint64_t zeros = 0;
    for (uint64_t nth = 0; nth < 200; nth++) {
        uint64_t word = conform_draw(w, MM1_RANDOM_TRACE_ID, 1, nth, 0);
        ones |= word;
        zeros |= ~word;
    }
    cr_assert_eq(ones, UINT64_MAX);
    cr_assert_eq(zeros, UINT64_MAX);
}

static void conform_random_streams_differ(struct conform_world *w)
{
    /* Draws of 64 bits from 3 purposes, 4 entities, 20 places: no two alike, but once in 10^14 runs. */
    enum { DRAWS = 3 * 4 * 20 };
    uint64_t words[DRAWS];
    size_t count = 0;
    for (unsigned purpose = MM1_RANDOM_FIRST_BLOCK; purpose <= MM1_RANDOM_TRACE_ID; purpose++) {
        for (uint64_t entity = 0; entity < 4; entity++) {
            for (uint64_t nth = 0; nth < 20; nth++) {
                words[count] = conform_draw(w, (enum mm1_random_purpose)purpose, entity, nth, 0);
                for (size_t i = 0; i < count; i++) {
                    cr_assert_neq(words[i], words[count]);
                }
                count++;
            }
        }
    }
    cr_assert_eq(count, DRAWS);
}

#define CONFORM_RANDOM_CASE(suite, make, name)                                                     \
    Test(suite, name)                                                                              \
    {                                                                                              \
        struct conform_world *world = make();                                                      \
        conform_random_##name(world);                                                              \
        world->ops->free(world);                                                                   \
    }

#define MM1_CONFORM_RANDOM(suite, make)                                                            \
    CONFORM_RANDOM_CASE(suite, make, stays_below)                                                  \
    CONFORM_RANDOM_CASE(suite, make, reaches_all)                                                  \
    CONFORM_RANDOM_CASE(suite, make, uses_all_bits)                                                \
    CONFORM_RANDOM_CASE(suite, make, streams_differ)

#endif
