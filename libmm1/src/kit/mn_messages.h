/* What the multi-node actors of one node say to each other, and what they share about types.
 *
 * A type is named by its index in the node's registry, which all actors of a node see alike. */
#ifndef MM1_KIT_MN_MESSAGES_H
#define MM1_KIT_MN_MESSAGES_H

#include <mm1/msg.h>

/* Spawn argument of acceptors, connectors and connections. A connection dials `name`, or when that is empty claims
 * `handle`. */
#define MM1_MN_ENDPOINT_FIELDS(F)                                                                  \
    F(addr, manager) F(list(net), locals) F(text, cookie) F(text, name) F(id, handle)
MM1_MSG_DECLARE(mm1_mn_endpoint, MM1_MN_ENDPOINT_FIELDS)

/* Connection to manager: what its peer says about distances. `metric` is that of the route through the peer,
 * MM1_MN_UNREACHABLE when it was withdrawn. */
#define MM1_MN_ROUTE_FIELDS(F) F(net, net) F(u32, type) F(u8, metric)
MM1_MSG_DECLARE(mm1_mn_route, MM1_MN_ROUTE_FIELDS)
#define MM1_MN_ROUTES_FIELDS(F) F(addr, gateway) F(list(sub(mm1_mn_route)), routes)
MM1_MSG_DECLARE(mm1_mn_routes, MM1_MN_ROUTES_FIELDS)

/* Manager to ingress, and its spawn argument: choice[type] - 1 is the index of the connection to use; 0: none. */
#define MM1_MN_TABLE_FIELDS(F) F(net, net) F(list(addr), gateways) F(bytes, choice)
MM1_MSG_DECLARE(mm1_mn_table, MM1_MN_TABLE_FIELDS)

MM1_MSG_DECLARE_UNIT(mm1_mn_tick)   /* a connection's heartbeat */
MM1_MSG_DECLARE_UNIT(mm1_mn_redial) /* a connector's */

/* True for types that peers may send and be sent. */
bool mm1__mn_shared(const struct mm1_msg_type *type);
/* The index of the shared type of that name. */
bool mm1__mn_index(const struct mm1_msg_registry *registry, struct mm1_text name, uint32_t *index);

#endif
