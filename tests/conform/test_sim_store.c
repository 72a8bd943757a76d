/* The store port's conformance suite in the simulator. */
#include "sim_world.h"
#include "store.h"

#undef CONFORM_STORE_CASE
#define CONFORM_STORE_CASE(suite, make, name) SIM_CONFORM_CASE(suite, make, 50, store, name)

MM1_CONFORM_STORE(sim_store, sim_world_whole)
MM1_CONFORM_STORE_CRASH(sim_store, sim_world_whole)
