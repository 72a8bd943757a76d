/* All that who writes actors, or hosts nodes of them, needs; the real ports are in mm1/posix.h, the simulator's headers
 * come with mm1::sim. */
#ifndef MM1_MM1_H
#define MM1_MM1_H

#include <mm1/actor.h>
#include <mm1/ask.h>
#include <mm1/function.h>
#include <mm1/kit.h>
#include <mm1/life.h>
#include <mm1/metrics.h>
#include <mm1/multinode.h>
#include <mm1/name_service.h>
#include <mm1/node.h>
#include <mm1/server.h>
#include <mm1/supervisor.h>
#include <mm1/system.h>

#endif
