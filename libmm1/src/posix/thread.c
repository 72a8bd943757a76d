/* Threads of ours. */
#define _GNU_SOURCE /* pthread_setname_np */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "posix/thread.h"

static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

/* In whole pages, and not below the least that the system takes. */
static int create(pthread_t *thread, size_t stack_size, void *(*run)(void *arg), void *arg)
{
    pthread_attr_t attributes;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t least = (size_t)sysconf(_SC_THREAD_STACK_MIN);
    size_t size = stack_size < least ? least : stack_size;
    MM1_CHECK(pthread_attr_init(&attributes) == 0);
    int error = stack_size == 0
                    ? 0
                    : pthread_attr_setstacksize(&attributes, (size + page - 1) / page * page);
    if (error == 0) {
        error = pthread_create(thread, &attributes, run, arg);
    }
    MM1_CHECK(pthread_attr_destroy(&attributes) == 0);
    return error;
}

mm1_status mm1__thread_start(pthread_t *thread, const char *name, void *(*run)(void *arg),
                             void *arg)
{
    return mm1__thread_start_sized(thread, name, 0, run, arg);
}

mm1_status mm1__thread_start_sized(pthread_t *thread, const char *name, size_t stack_size,
                                   void *(*run)(void *arg), void *arg)
{
    sigset_t blocked;
    sigset_t before;
    MM1_CHECK(sigfillset(&blocked) == 0);
    for (size_t i = 0; i < MM1_COUNT_OF(FAULTS); i++) {
        MM1_CHECK(sigdelset(&blocked, FAULTS[i]) == 0);
    }
    MM1_CHECK(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
    int error = create(thread, stack_size, run, arg); /* the mask is inherited */
    MM1_CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (error != 0) {
        return MM1_RESOURCE;
    }
    char cut[16];
    (void)snprintf(cut, sizeof(cut), "%s", name);
    (void)pthread_setname_np(*thread, cut); /* for debuggers only */
    return MM1_OK;
}
