/* Faults of actors: before a process dies of one, a line on standard error names the actor whose turn it was, and says
 * whether its stack overflowed. Builds with AddressSanitizer or ThreadSanitizer install nothing: these report. */
#ifndef MM1_POSIX_FAULT_H
#define MM1_POSIX_FAULT_H

struct mm1_runnable;

/* Handles SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT for the process, until as many mm1__fault_remove as installs were
 * called. After its line the handler puts back what was installed before it and lets the signal strike again, so that
 * the process dies, or the other handler is called, as without it. */
void mm1__fault_install(void);
/* A handler that somebody else installed meanwhile stays. */
void mm1__fault_remove(void);

/* This thread gives turns: it gets a stack for the handler, since its own may be the one that overflowed. Without
 * memory for it, an overflow ends the process with no line. */
void mm1__fault_thread_begin(void);
/* Before the thread ends. */
void mm1__fault_thread_end(void);

/* Whose turn begins on this thread; null: it ended. */
void mm1__fault_running(const struct mm1_runnable *runnable);

#endif
