/* The scheduler port's conformance suite on threads. */
#define _GNU_SOURCE
#include "posix_world.h"
#include "sched.h"

MM1_CONFORM_SCHED(posix_sched, posix_whole_world)
