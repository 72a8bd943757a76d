/* Which connections lead to which peer's subnet, and at what distance: the manager's table. Pure.
 *
 * Of several connections the one with the lowest metric is taken, then the one that was heard of first. */
#ifndef MM1_KIT_MN_ROUTES_H
#define MM1_KIT_MN_ROUTES_H

#include <mm1/bytes.h>

#include "base/list.h"
#include "kit/mn_messages.h"
#include "kit/mn_pdu.h"

#define MM1_MN_REMOTES_MAX 1024u /* peers' subnets; beyond, they are refused */
#define MM1_MN_CHOICES_MAX 255u  /* connections that a table can name */

struct mm1_mn_gateway {
    struct mm1_list list; /* in order of age */
    mm1_addr addr;
    uint64_t watch; /* the manager's */
    uint64_t age;   /* smaller: older */
};

/* A peer's subnet. */
struct mm1_mn_remote {
    struct mm1_list list;
    struct mm1_net net;
    struct mm1_list ways; /* struct mm1_mn_way */
    bool changed;         /* since the manager last looked */
    int ingress_state;    /* these three are the manager's */
    bool refusal_noted;
    mm1_addr ingress;
};

/* The distances through one connection. */
struct mm1_mn_way {
    struct mm1_list list;
    struct mm1_mn_gateway *gateway;
    uint8_t metrics[]; /* by type */
};

struct mm1_mn_routing {
    struct mm1_alloc *alloc;
    size_t type_count;
    struct mm1_list gateways;
    struct mm1_list remotes;
    size_t remote_count;
    uint64_t next_age;
};

void mm1__mn_routing_init(struct mm1_mn_routing *routing, struct mm1_alloc *alloc,
                          size_t type_count);
void mm1__mn_routing_close(struct mm1_mn_routing *routing);
/* The connection with this address; null: not known. */
struct mm1_mn_gateway *mm1__mn_gateway_find(const struct mm1_mn_routing *routing, mm1_addr addr);
/* Null when memory is refused. */
struct mm1_mn_gateway *mm1__mn_gateway_add(struct mm1_mn_routing *routing, mm1_addr addr);
/* Forgets a connection and all ways through it. */
void mm1__mn_gateway_remove(struct mm1_mn_routing *routing, struct mm1_mn_gateway *gateway);
/* Takes one distance in. MM1_CONFLICT: the subnet overlaps another peer's. MM1_TOO_LARGE: too many subnets. MM1_NOMEM.
 * A withdrawal of what is not known is no error. */
MM1_NODISCARD mm1_status mm1__mn_route_set(struct mm1_mn_routing *routing,
                                           struct mm1_mn_gateway *gateway,
                                           const struct mm1_mn_route *route);
/* Forgets a subnet. */
void mm1__mn_remote_remove(struct mm1_mn_routing *routing, struct mm1_mn_remote *remote);
/* The table for an ingress, into `choice` (type_count bytes) and `gateways` (MM1_MN_CHOICES_MAX). Returns how many
 * gateways there are, 0 when nothing leads there. */
size_t mm1__mn_remote_table(const struct mm1_mn_routing *routing,
                            const struct mm1_mn_remote *remote, uint8_t *choice,
                            mm1_addr *gateways);

#define MM1_MN_REMOTE_OF(item) MM1_CONTAINER_OF(item, struct mm1_mn_remote, list)

#endif
