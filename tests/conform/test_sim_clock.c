/* The clock port's conformance suite in the simulator. */
#include "clock.h"
#include "sim_world.h"

#undef CONFORM_CLOCK_CASE
#define CONFORM_CLOCK_CASE(suite, make, name) SIM_CONFORM_CASE(suite, make, 50, clock, name)

MM1_CONFORM_CLOCK(sim_clock, sim_world_whole)
