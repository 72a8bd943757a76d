/* The watchdog: a thread that looks at the workers from time to time, and reports a turn that does not end, once when
 * it is over the limit and once when it has ended. Turns are seen by samples: reports are late by up to a quarter of
 * the limit, and by half a second at most. */
#ifndef MM1_POSIX_WATCHDOG_H
#define MM1_POSIX_WATCHDOG_H

#include "posix/sched.h"

/* Starts it, where there is a limit. MM1_RESOURCE: no thread. */
MM1_NODISCARD mm1_status mm1__watchdog_start(struct mm1__posix_sched *sched);
/* Ends it, where it was started. What it held of a stuck turn is dropped. */
void mm1__watchdog_stop(struct mm1__posix_sched *sched);

#endif
