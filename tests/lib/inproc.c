/* The in-process test backend (see mm1_test.h): no exec, no library, so it runs under ThreadSanitizer.
 *
 * Each test runs in a forked child, so that a crash, a leak or a race is charged to the test that made it.
 * MM1_TEST_NOFORK=1 runs all in this process, for a debugger. Arguments: patterns of suite/name, or --list. */
#include "mm1_test.h"

#ifdef MM1_TEST_INPROC

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define ASSERTION_FAILED 99 /* an exit code that no test expects */

static struct mm1_test *tests;
static bool forked;
static int failures; /* of the running test, atomically: threads may assert */

void mm1_test_register(struct mm1_test *test)
{
    /* Ordered by suite and name: constructors run in no order worth keeping. */
    struct mm1_test **at = &tests;
    while (*at != NULL) {
        int order = strcmp((*at)->suite, test->suite);
        if (order == 0) {
            order = strcmp((*at)->name == NULL ? "" : (*at)->name,
                           test->name == NULL ? "" : test->name);
        }
        if (order > 0) {
            break;
        }
        at = &(*at)->next;
    }
    test->next = *at;
    *at = test;
}

void mm1_test_failed(bool fatal, const char *file, int line, const char *expression,
                     const char *format, ...)
{
    va_list args;
    va_start(args, format);
    flockfile(stderr);
    fprintf(stderr, "%s:%d: failed: %s", file, line, expression);
    if (format[0] != '\0') {
        fputs(": ", stderr);
        vfprintf(stderr, format, args);
    }
    fputc('\n', stderr);
    funlockfile(stderr);
    va_end(args);
    __atomic_add_fetch(&failures, 1, __ATOMIC_SEQ_CST);
    if (fatal) {
        if (!forked) {
            abort();
        }
        _exit(
            ASSERTION_FAILED); /* not exit: an abandoned test has not freed what a leak check would ask for */
    }
}

static const struct mm1_test_options *suite_options(const char *suite)
{
    static const struct mm1_test_options none;
    for (struct mm1_test *test = tests; test != NULL; test = test->next) {
        if (test->name == NULL && strcmp(test->suite, suite) == 0) {
            return test->options;
        }
    }
    return &none;
}

static void run_body(const struct mm1_test *test)
{
    const struct mm1_test_options *suite = suite_options(test->suite);
    void (*init)(void) = test->options->init != NULL ? test->options->init : suite->init;
    void (*fini)(void) = test->options->fini != NULL ? test->options->fini : suite->fini;
    if (init != NULL) {
        init();
    }
    test->run();
    if (fini != NULL) {
        fini();
    }
}

static bool run_here(const struct mm1_test *test)
{
    failures = 0;
    run_body(test);
    return __atomic_load_n(&failures, __ATOMIC_SEQ_CST) == 0;
}

static bool run_forked(const struct mm1_test *test)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        forked = true;
        exit(run_here(test) ? 0 : ASSERTION_FAILED); /* exit, so that sanitizers look for leaks */
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        perror("mm1_test: fork");
        return false;
    }
    const struct mm1_test_options *options = test->options;
    if (options->signal != 0) {
        return WIFSIGNALED(status) && WTERMSIG(status) == options->signal;
    }
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "%s/%s: ended by signal %d\n", test->suite, test->name, WTERMSIG(status));
        return false;
    }
    return WEXITSTATUS(status) == options->exit_code;
}

static bool selected(const struct mm1_test *test, int argc, char **argv)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", test->suite, test->name);
    for (int i = 1; i < argc; i++) {
        if (fnmatch(argv[i], full, 0) == 0) {
            return true;
        }
    }
    return argc <= 1;
}

int main(int argc, char **argv)
{
    bool list = argc == 2 && strcmp(argv[1], "--list") == 0;
    bool nofork = getenv("MM1_TEST_NOFORK") != NULL;
    unsigned passed = 0;
    unsigned failed = 0;
    for (struct mm1_test *test = tests; test != NULL; test = test->next) {
        if (test->name == NULL || test->options->disabled || suite_options(test->suite)->disabled) {
            continue;
        }
        if (list) {
            printf("%s/%s\n", test->suite, test->name);
            continue;
        }
        if (!selected(test, argc, argv)) {
            continue;
        }
        bool dies = test->options->signal != 0 || test->options->exit_code != 0;
        if (nofork && !dies ? run_here(test) : run_forked(test)) {
            passed++;
        } else {
            failed++;
            fprintf(stderr, "FAILED %s/%s\n", test->suite, test->name);
        }
    }
    if (list) {
        return 0;
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed == 0 && passed > 0 ? 0 : 1;
}

#else

/* A translation unit may not be empty. */
typedef int mm1_test_uses_criterion;

#endif
