/* The random port's conformance suite in the simulator. */
#include "random.h"
#include "sim_world.h"

#undef CONFORM_RANDOM_CASE
#define CONFORM_RANDOM_CASE(suite, make, name) SIM_CONFORM_CASE(suite, make, 50, random, name)

MM1_CONFORM_RANDOM(sim_random, sim_world_whole)
