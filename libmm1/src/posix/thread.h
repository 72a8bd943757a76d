/* Threads of ours: no signal meant for the program is handled on them. */
#ifndef MM1_POSIX_THREAD_H
#define MM1_POSIX_THREAD_H

#include <pthread.h>

#include <mm1/status.h>

/* Starts run(arg) on a thread named `name` (15 bytes are kept), with all signals blocked but those that a fault of the
 * thread itself raises. So a write to a broken pipe is an error and not a SIGPIPE. MM1_RESOURCE: no thread. */
MM1_NODISCARD mm1_status mm1__thread_start(pthread_t *thread, const char *name,
                                           void *(*run)(void *arg), void *arg);
/* The same with a stack of at least `stack_size` bytes, 0 for the system's default. */
MM1_NODISCARD mm1_status mm1__thread_start_sized(pthread_t *thread, const char *name,
                                                 size_t stack_size, void *(*run)(void *arg),
                                                 void *arg);

#endif
