/* The store port's conformance suite on files. A power loss cannot be made here: that part is the simulator's. */
#define _GNU_SOURCE
#include "posix_world.h"
#include "store.h"

MM1_CONFORM_STORE(posix_store, posix_store_world)
