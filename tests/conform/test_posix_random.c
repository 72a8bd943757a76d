/* The random port's conformance suite on the real source. */
#define _GNU_SOURCE
#include "posix_world.h"
#include "random.h"

MM1_CONFORM_RANDOM(posix_random, posix_clock_world)

/* Two starts share nothing. */
Test(posix_random_key, is_drawn_anew)
{
    struct mm1__posix_random first;
    struct mm1__posix_random second;
    cr_assert_eq(mm1__posix_random_open(&first), MM1_OK);
    cr_assert_eq(mm1__posix_random_open(&second), MM1_OK);
    cr_assert_neq(first.base.ops->draw(&first.base, MM1_RANDOM_FIRST_BLOCK, 1, 0, 0),
                  second.base.ops->draw(&second.base, MM1_RANDOM_FIRST_BLOCK, 1, 0, 0));
}
