/* The transport port's conformance suite on the real transport, over TCP and over Unix sockets. */
#define _GNU_SOURCE
#include "posix_world.h"
#include "transport.h"

MM1_CONFORM_TRANSPORT(posix_tcp, posix_tcp_world)
MM1_CONFORM_TRANSPORT(posix_uds, posix_uds_world)
