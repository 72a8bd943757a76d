/* A planted leak. Criterion passes such a test; CTest must not (see MM1_TEST_FAILURES). */
#include <stdlib.h>

#include "mm1_test.h"

Test(must_fail, leak)
{
    char *volatile lost = malloc(77);
    cr_assert_not_null(lost);
    lost = NULL;
}
