/* The scheduler port's conformance suite in the simulator. */
#include "sched.h"
#include "sim_world.h"

#undef CONFORM_SCHED_CASE
#define CONFORM_SCHED_CASE(suite, make, name) SIM_CONFORM_CASE(suite, make, 10, sched, name)

MM1_CONFORM_SCHED(sim_sched, sim_world_whole)
