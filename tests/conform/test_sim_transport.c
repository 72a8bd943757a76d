/* The transport port's conformance suite in the simulator. */
#include "sim_world.h"
#include "transport.h"

#undef CONFORM_TRANSPORT_CASE
#define CONFORM_TRANSPORT_CASE(suite, make, name) SIM_CONFORM_CASE(suite, make, 30, transport, name)

MM1_CONFORM_TRANSPORT(sim_tcp, sim_world_tcp)
MM1_CONFORM_TRANSPORT(sim_uds, sim_world_uds)
