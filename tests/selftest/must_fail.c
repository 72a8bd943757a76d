/* Planted failures, one a test: the self test runs each alone and expects that the harness reports it. */
#include <stdlib.h>

#include "mm1_test.h"

Test(must_fail, assertion)
{
    cr_assert_eq(1, 2, "planted");
}

Test(must_fail, expectation)
{
    cr_expect_str_eq("a", "b", "planted");
}

Test(must_fail, crash)
{
    abort();
}

Test(must_fail, in_a_loop)
{
    for (int seed = 0; seed < 100; seed++) {
        cr_assert_lt(seed, 99, "planted at seed %d", seed);
    }
}
