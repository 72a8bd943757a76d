/* The handler of faults. It runs on a stack of its own and calls only what a signal's handler may. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mm1/node.h>

#include "posix/alloc.h"
#include "posix/fault.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

#define HANDLER_STACK ((size_t)64 << 10)
#define LINE_MAX (MM1_PATH_TEXT_MAX + 100)

static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* A process has one handler a signal. */
static struct {
    pthread_mutex_t lock;
    unsigned installs;
    struct sigaction before[MM1_COUNT_OF(SIGNALS)];
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A handler may not be the first to touch them, were they made when first touched. */
#define OF_THREAD __attribute__((tls_model("initial-exec"))) static _Thread_local
OF_THREAD const struct mm1_runnable *running;
OF_THREAD void *handler_stack;

/* --- the line ------------------------------------------------------------------------------------------------- */

struct line {
    size_t size;
    char text[LINE_MAX];
};

static void add(struct line *line, const char *text)
{
    size_t size = strlen(text);
    if (size > sizeof(line->text) - line->size) {
        size = sizeof(line->text) - line->size;
    }
    memcpy(line->text + line->size, text, size);
    line->size += size;
}

static void add_number(struct line *line, size_t number)
{
    char digits[24];
    char *at = digits + sizeof(digits) - 1;
    *at = '\0';
    do {
        *--at = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    add(line, at);
}

/* Whether the fault is the thread's stack that ended; `*size`: of a function actor's, 0: it was the thread's own. */
static bool is_overflow(int number, const siginfo_t *info, const void *context, size_t *size)
{
    struct mm1__stack_place place;
    bool touched = (number == SIGSEGV || number == SIGBUS) && info->si_code > 0;
    if (!touched || !mm1__stack_fault_is_near(info->si_addr, context)) {
        return false;
    }
    bool pooled = mm1__posix_stacks_find(info->si_addr, &place);
    *size = pooled ? place.usable : 0;
    return !pooled || place.below;
}

static void report(int number, const siginfo_t *info, const void *context)
{
    struct line line = {0};
    char path[MM1_PATH_TEXT_MAX];
    size_t size = 0;
    bool overflow = is_overflow(number, info, context, &size);
    if (overflow) {
        add(&line, "mm1: stack overflow in ");
    } else {
        add(&line, "mm1: crash (signal ");
        add_number(&line, (size_t)number);
        add(&line, ") in ");
    }
    (void)mm1_path_print(mm1_runnable_path(running), path);
    add(&line, path);
    if (overflow && size > 0) {
        add(&line, " (function actor, stack of ");
        add_number(&line, size);
        add(&line, " bytes)");
    } else if (overflow) {
        add(&line, " (on its worker's own stack)");
    }
    add(&line, "\n");
    ssize_t written = write(STDERR_FILENO, line.text, line.size);
    (void)written; /* nobody is left to be told */
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int error = errno;
    if (running != NULL) {
        report(number, info, context);
        running = NULL; /* once is enough */
    }
    for (size_t i = 0; i < MM1_COUNT_OF(SIGNALS); i++) {
        if (SIGNALS[i] == number) {
            (void)sigaction(number, &state.before[i], NULL);
        }
    }
    errno = error;
    /* What an instruction raised, it raises again. What was sent is sent again, and strikes when this returns. */
    if (info->si_code <= 0) {
        (void)raise(number);
    }
}

/* --- installing ----------------------------------------------------------------------------------------------- */

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == on_fault;
}

void mm1__fault_install(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (SANITIZED) {
        return;
    }
    MM1_CHECK(sigemptyset(&action.sa_mask) == 0);
    pthread_mutex_lock(&state.lock);
    for (size_t i = 0; state.installs == 0 && i < MM1_COUNT_OF(SIGNALS); i++) {
        MM1_CHECK(sigaction(SIGNALS[i], NULL, &state.before[i]) == 0);
        MM1_CHECK(sigaction(SIGNALS[i], &action, NULL) == 0);
    }
    state.installs++;
    pthread_mutex_unlock(&state.lock);
}

void mm1__fault_remove(void)
{
    if (SANITIZED) {
        return;
    }
    pthread_mutex_lock(&state.lock);
    MM1_CHECK(state.installs > 0);
    state.installs--;
    for (size_t i = 0; state.installs == 0 && i < MM1_COUNT_OF(SIGNALS); i++) {
        struct sigaction now;
        MM1_CHECK(sigaction(SIGNALS[i], NULL, &now) == 0);
        if (is_ours(&now)) {
            MM1_CHECK(sigaction(SIGNALS[i], &state.before[i], NULL) == 0);
        }
    }
    pthread_mutex_unlock(&state.lock);
}

/* --- threads -------------------------------------------------------------------------------------------------- */

void mm1__fault_thread_begin(void)
{
    MM1_CHECK(handler_stack == NULL);
    running = NULL;
    if (SANITIZED) {
        return;
    }
    handler_stack = malloc(HANDLER_STACK);
    if (handler_stack != NULL) {
        const stack_t stack = {.ss_sp = handler_stack, .ss_size = HANDLER_STACK};
        MM1_CHECK(sigaltstack(&stack, NULL) == 0);
    }
}

void mm1__fault_thread_end(void)
{
    const stack_t none = {.ss_flags = SS_DISABLE};
    running = NULL;
    if (handler_stack != NULL) {
        MM1_CHECK(sigaltstack(&none, NULL) == 0);
        free(handler_stack);
        handler_stack = NULL;
    }
}

void mm1__fault_running(const struct mm1_runnable *runnable)
{
    running = runnable;
}
