/* The routing table of a node. */
#include "kit/mn_routes.h"

static struct mm1_mn_gateway *gateway_of(struct mm1_list *item)
{
    return MM1_CONTAINER_OF(item, struct mm1_mn_gateway, list);
}

static struct mm1_mn_way *way_of(struct mm1_list *item)
{
    return MM1_CONTAINER_OF(item, struct mm1_mn_way, list);
}

static size_t way_size(const struct mm1_mn_routing *routing)
{
    return sizeof(struct mm1_mn_way) + routing->type_count;
}

void mm1__mn_routing_init(struct mm1_mn_routing *routing, struct mm1_alloc *alloc,
                          size_t type_count)
{
    *routing = (struct mm1_mn_routing){.alloc = alloc, .type_count = type_count};
    mm1_list_init(&routing->gateways);
    mm1_list_init(&routing->remotes);
}

void mm1__mn_routing_close(struct mm1_mn_routing *routing)
{
    MM1_LIST_FOREACH(item, &routing->remotes) {
        mm1__mn_remote_remove(routing, MM1_MN_REMOTE_OF(item));
    }
    MM1_LIST_FOREACH(item, &routing->gateways) {
        mm1__mn_gateway_remove(routing, gateway_of(item));
    }
}

struct mm1_mn_gateway *mm1__mn_gateway_find(const struct mm1_mn_routing *routing, mm1_addr addr)
{
    MM1_LIST_FOREACH(item, &routing->gateways) {
        if (mm1_addr_equal(gateway_of(item)->addr, addr)) {
            return gateway_of(item);
        }
    }
    return NULL;
}

struct mm1_mn_gateway *mm1__mn_gateway_add(struct mm1_mn_routing *routing, mm1_addr addr)
{
    struct mm1_mn_gateway *gateway = mm1_take(routing->alloc, sizeof(*gateway));
    if (gateway != NULL) {
        *gateway = (struct mm1_mn_gateway){.addr = addr, .age = routing->next_age++};
        mm1_list_push_back(&routing->gateways, &gateway->list);
    }
    return gateway;
}

static void way_remove(struct mm1_mn_routing *routing, struct mm1_mn_way *way)
{
    mm1_list_remove(&way->list);
    mm1_give(routing->alloc, way, way_size(routing));
}

void mm1__mn_gateway_remove(struct mm1_mn_routing *routing, struct mm1_mn_gateway *gateway)
{
    MM1_LIST_FOREACH(item, &routing->remotes) {
        struct mm1_mn_remote *remote = MM1_MN_REMOTE_OF(item);
        MM1_LIST_FOREACH(way, &remote->ways) {
            if (way_of(way)->gateway == gateway) {
                way_remove(routing, way_of(way));
                remote->changed = true;
            }
        }
    }
    mm1_list_remove(&gateway->list);
    mm1_give(routing->alloc, gateway, sizeof(*gateway));
}

void mm1__mn_remote_remove(struct mm1_mn_routing *routing, struct mm1_mn_remote *remote)
{
    MM1_LIST_FOREACH(way, &remote->ways) {
        way_remove(routing, way_of(way));
    }
    mm1_list_remove(&remote->list);
    mm1_give(routing->alloc, remote, sizeof(*remote));
    routing->remote_count--;
}

/* The remote of exactly this net, or null; MM1_CONFLICT when another one overlaps it. */
static mm1_status remote_find(const struct mm1_mn_routing *routing, struct mm1_net net,
                              struct mm1_mn_remote **out)
{
    *out = NULL;
    MM1_LIST_FOREACH(item, &routing->remotes) {
        struct mm1_mn_remote *remote = MM1_MN_REMOTE_OF(item);
        if (remote->net.mask == net.mask && mm1_addr_equal(remote->net.addr, net.addr)) {
            *out = remote;
            return MM1_OK;
        }
        if (mm1_net_overlaps(remote->net, net)) {
            return MM1_CONFLICT;
        }
    }
    return MM1_OK;
}

static mm1_status remote_add(struct mm1_mn_routing *routing, struct mm1_net net,
                             struct mm1_mn_remote **out)
{
    if (routing->remote_count == MM1_MN_REMOTES_MAX) {
        return MM1_TOO_LARGE;
    }
    struct mm1_mn_remote *remote = mm1_take_zero(routing->alloc, sizeof(*remote));
    if (remote == NULL) {
        return MM1_NOMEM;
    }
    remote->net = net;
    mm1_list_init(&remote->ways);
    mm1_list_push_back(&routing->remotes, &remote->list);
    routing->remote_count++;
    *out = remote;
    return MM1_OK;
}

static struct mm1_mn_way *way_find(const struct mm1_mn_remote *remote,
                                   const struct mm1_mn_gateway *gateway)
{
    MM1_LIST_FOREACH(item, &remote->ways) {
        if (way_of(item)->gateway == gateway) {
            return way_of(item);
        }
    }
    return NULL;
}

mm1_status mm1__mn_route_set(struct mm1_mn_routing *routing, struct mm1_mn_gateway *gateway,
                             const struct mm1_mn_route *route)
{
    MM1_CHECK(route->type < routing->type_count);
    struct mm1_mn_remote *remote;
    MM1_TRY(remote_find(routing, route->net, &remote));
    struct mm1_mn_way *way = remote == NULL ? NULL : way_find(remote, gateway);
    if (way == NULL && route->metric == MM1_MN_UNREACHABLE) {
        return MM1_OK;
    }
    if (way == NULL) {
        way = mm1_take(routing->alloc, way_size(routing));
        if (way == NULL) {
            return MM1_NOMEM;
        }
        mm1_status status = remote == NULL ? remote_add(routing, route->net, &remote) : MM1_OK;
        if (status != MM1_OK) {
            mm1_give(routing->alloc, way, way_size(routing));
            return status;
        }
        way->gateway = gateway;
        memset(way->metrics, MM1_MN_UNREACHABLE, routing->type_count);
        mm1_list_push_back(&remote->ways, &way->list);
    }
    remote->changed = remote->changed || way->metrics[route->type] != route->metric;
    way->metrics[route->type] = route->metric;
    return MM1_OK;
}

/* The way to use for a type; null: there is none. */
static const struct mm1_mn_way *best_way(const struct mm1_mn_remote *remote, size_t type)
{
    const struct mm1_mn_way *best = NULL;
    MM1_LIST_FOREACH(item, &remote->ways) {
        const struct mm1_mn_way *way = way_of(item);
        uint8_t metric = way->metrics[type];
        if (metric == MM1_MN_UNREACHABLE) {
            continue;
        }
        if (best == NULL || metric < best->metrics[type] ||
            (metric == best->metrics[type] && way->gateway->age < best->gateway->age)) {
            best = way;
        }
    }
    return best;
}

size_t mm1__mn_remote_table(const struct mm1_mn_routing *routing,
                            const struct mm1_mn_remote *remote, uint8_t *choice, mm1_addr *gateways)
{
    size_t count = 0;
    for (size_t type = 0; type < routing->type_count; type++) {
        choice[type] = 0;
        const struct mm1_mn_way *way = best_way(remote, type);
        if (way == NULL) {
            continue;
        }
        size_t place = 0;
        while (place < count && !mm1_addr_equal(gateways[place], way->gateway->addr)) {
            place++;
        }
        if (place == MM1_MN_CHOICES_MAX) {
            continue;
        }
        if (place == count) {
            gateways[count++] = way->gateway->addr;
        }
        choice[type] = (uint8_t)(place + 1);
    }
    return count;
}
