/* The decisions of supervisors in small scopes: all trees of up to three children, all sequences of events up to a
 * depth, all orders of arrival, each judged by the specification. The depths are those of sup_tries.c; `./dev soak
 * sup_step` goes deeper. */
#include <stdio.h>
#include <string.h>

#include "mm1_test.h"
#include "sup_tries.h"
#include "test_alloc.h"

/* A build that is slow tries sequences that are shorter. */
#if defined(MM1_TEST_SLOW)
#define DEEPER (-2)
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
#define DEEPER (-1)
#else
#define DEEPER 0
#endif

Test(sup_exhaustive, does_what_the_specification_says)
{
    static struct test_alloc alloc;
    static struct sup_try_result result;
    test_alloc_init(&alloc);
    for (unsigned i = 0; i < sup_try_family_count; i++) {
        const struct sup_try_family *family = &sup_try_families[i];
        sup_try_family(&alloc.base, family, DEEPER, &result);
        (void)printf("sup_exhaustive: %-8s depth %d: %llu trees, %llu states, %llu logs judged\n",
                     family->name, (int)family->depth + DEEPER, (unsigned long long)result.trees,
                     (unsigned long long)result.states, (unsigned long long)result.visits);
        (void)fflush(stdout);
        cr_assert(!result.failed, "%s", result.text);
        cr_assert(result.trees > 0 && result.states >= result.trees &&
                  result.visits >= result.states);
    }
    cr_assert_eq(alloc.live, 0);
}
