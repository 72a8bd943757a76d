/* The way out when an invariant is broken. */
#include <stdio.h>
#include <stdlib.h>

#include <mm1/check.h>

void mm1_check_failed(const char *expression, const char *file, unsigned line, const char *function)
{
    (void)fprintf(stderr, "mm1: check failed: %s (%s, %s:%u)\n", expression, function, file, line);
    abort();
}
