/* The clock port's conformance suite on the real clock. */
#define _GNU_SOURCE
#include "clock.h"
#include "posix_world.h"

MM1_CONFORM_CLOCK(posix_clock, posix_clock_world)
