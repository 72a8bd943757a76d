/* Threads of ours. */
#define _GNU_SOURCE /* pthread_setname_np */
#include <signal.h>
#include <stdio.h>

#include "posix/thread.h"

static const int FAULTS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};

mm1_status mm1__thread_start(pthread_t *thread, const char *name, void *(*run)(void *arg),
                             void *arg)
{
    sigset_t blocked;
    sigset_t before;
    MM1_CHECK(sigfillset(&blocked) == 0);
    for (size_t i = 0; i < MM1_COUNT_OF(FAULTS); i++) {
        MM1_CHECK(sigdelset(&blocked, FAULTS[i]) == 0);
    }
    MM1_CHECK(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
    int error = pthread_create(thread, NULL, run, arg); /* the mask is inherited */
    MM1_CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    if (error != 0) {
        return MM1_RESOURCE;
    }
    char cut[16];
    (void)snprintf(cut, sizeof(cut), "%s", name);
    (void)pthread_setname_np(*thread, cut); /* for debuggers only */
    return MM1_OK;
}
