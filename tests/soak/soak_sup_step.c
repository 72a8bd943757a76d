/* The decisions of supervisors, tried exhaustively, deeper than the unit test has time for. Arguments: --short, or how
 * many events deeper than there (1). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sup_tries.h"
#include "test_alloc.h"

int main(int argc, char **argv)
{
    int deeper = argc < 2                          ? 1
                 : strcmp(argv[1], "--short") == 0 ? -2
                                                   : (int)strtol(argv[1], NULL, 10);
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    bool failed = false;
    static struct sup_try_result result;
    for (unsigned i = 0; i < sup_try_family_count; i++) {
        const struct sup_try_family *family = &sup_try_families[i];
        sup_try_family(&alloc.base, family, deeper, &result);
        (void)printf("  %-10s depth %2d: %5llu trees, %9llu states, %10llu logs, longest %3llu%s\n",
                     family->name, (int)family->depth + deeper, (unsigned long long)result.trees,
                     (unsigned long long)result.states, (unsigned long long)result.visits,
                     (unsigned long long)result.longest, result.failed ? ": FAILED" : "");
        (void)printf("%s", result.failed ? result.text : "");
        (void)fflush(stdout);
        failed = failed || result.failed;
    }
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
