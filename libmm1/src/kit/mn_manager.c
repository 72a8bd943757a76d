/* The actor that starts a node's multi-node actors, keeps the routes, and runs an ingress for each peer's subnet that
 * something leads to. */
#include <mm1/multinode.h>

#include "kit/mn_actors.h"
#include "kit/mn_routes.h"

/* An acceptor or a connector. */
struct endpoint {
    const struct mm1_behaviour *behaviour;
    struct mm1_text name; /* in the manager's copy of the configuration */
    mm1_addr actor;
};

struct manager {
    struct mm1_mn_copy config; /* mm1_multinode_config */
    struct endpoint *endpoints;
    size_t endpoint_count;
    struct mm1_mn_routing routing;
    uint8_t *choice; /* room for a table; routing.type_count bytes */
};

enum ingress_state {
    INGRESS_NONE,
    INGRESS_SERVING,
    INGRESS_STOPPING, /* it was told to end: another one cannot bind the subnet yet */
};

static const struct mm1_multinode_config *config_of(const struct manager *manager)
{
    return manager->config.msg;
}

/* --- ingresses ------------------------------------------------------------------------------------------------ */

static mm1_status spawn_ingress(struct mm1_ctx *ctx, struct mm1_mn_remote *remote,
                                const struct mm1_mn_table *table)
{
    struct mm1_spawn spawn = {
        .behaviour = &mm1__mn_ingress, .arg_type = &mm1_mn_table_type, .arg = table, .link = true};
    MM1_TRY(mm1_spawn(ctx, &spawn, &remote->ingress));
    remote->ingress_state = INGRESS_SERVING;
    return MM1_OK;
}

/* Brings the ingress of a subnet in line with the routes. Frees a subnet that nothing leads to. */
static mm1_status refresh(struct mm1_ctx *ctx, struct manager *manager,
                          struct mm1_mn_remote *remote)
{
    mm1_addr gateways[MM1_MN_CHOICES_MAX];
    struct mm1_mn_routing *routing = &manager->routing;
    size_t count = mm1__mn_remote_table(routing, remote, manager->choice, gateways);
    remote->changed = false;
    struct mm1_mn_table table = {
        .net = remote->net,
        .gateways = {.items = gateways, .count = count},
        .choice = {.data = manager->choice, .size = routing->type_count},
    };
    switch ((enum ingress_state)remote->ingress_state) {
    case INGRESS_NONE:
        if (count != 0) {
            return spawn_ingress(ctx, remote, &table);
        }
        mm1__mn_remote_remove(routing, remote);
        return MM1_OK;
    case INGRESS_SERVING:
        if (count != 0) {
            return mm1_send(ctx, remote->ingress, &mm1_mn_table_type, &table,
                            &(struct mm1_header){.priority = true});
        }
        if (mm1_exit(ctx, remote->ingress, MM1_SHUTDOWN) == MM1_NOMEM) {
            (void)mm1_kill(ctx, remote->ingress);
        }
        remote->ingress_state = INGRESS_STOPPING;
        return MM1_OK;
    case INGRESS_STOPPING:
        break;
    }
    return MM1_OK;
}

static mm1_status refresh_changed(struct mm1_ctx *ctx, struct manager *manager)
{
    MM1_LIST_FOREACH(item, &manager->routing.remotes) {
        if (MM1_MN_REMOTE_OF(item)->changed) {
            MM1_TRY(refresh(ctx, manager, MM1_MN_REMOTE_OF(item)));
        }
    }
    return MM1_OK;
}

static mm1_status retry_later(struct mm1_ctx *ctx)
{
    struct mm1_mn_redial message = {0};
    struct mm1_timer_spec spec = {
        .after_ns = MM1_MULTINODE_RETRY_NS,
        .type = &mm1_mn_redial_type,
        .msg = &message,
        .background = true,
    };
    uint64_t timer;
    return mm1_timer_start(ctx, &spec, &timer);
}

/* Tries again what could not be served. */
static mm1_status retry(struct mm1_ctx *ctx, struct manager *manager)
{
    MM1_LIST_FOREACH(item, &manager->routing.remotes) {
        struct mm1_mn_remote *remote = MM1_MN_REMOTE_OF(item);
        remote->changed = remote->changed || remote->ingress_state == INGRESS_NONE;
    }
    return refresh_changed(ctx, manager);
}

/* An ingress ended: it is followed by another one while something leads there; after a while if it could not bind. */
static mm1_status ingress_ended(struct mm1_ctx *ctx, struct manager *manager,
                                struct mm1_mn_remote *remote, const struct mm1_why *why)
{
    bool refused = remote->ingress_state == INGRESS_SERVING && why->kind == MM1_REASON_INIT_FAILED;
    remote->ingress_state = INGRESS_NONE;
    if (!refused) {
        return refresh(ctx, manager, remote);
    }
    if (!remote->refusal_noted) {
        remote->refusal_noted = true;
        char net[MM1_NET_TEXT_MAX];
        mm1_net_print(remote->net, net);
        mm1_log(ctx, MM1_LOG_ERROR, "the peer's subnet %s cannot be served on this node", net);
    }
    return retry_later(ctx);
}

/* --- routes --------------------------------------------------------------------------------------------------- */

static bool overlaps_local(const struct manager *manager, struct mm1_net net)
{
    const struct mm1_multinode_config *config = config_of(manager);
    for (size_t i = 0; i < config->locals.count; i++) {
        if (mm1_net_overlaps(config->locals.items[i], net)) {
            return true;
        }
    }
    return false;
}

static void log_refused(struct mm1_ctx *ctx, struct mm1_net net, const char *why)
{
    char text[MM1_NET_TEXT_MAX];
    mm1_net_print(net, text);
    mm1_log(ctx, MM1_LOG_WARN, "a peer's subnet %s is refused: %s", text, why);
}

/* What a connection says that is not well is refused, and noted once for each subnet of a message. */
static mm1_status take_routes(struct mm1_ctx *ctx, struct manager *manager,
                              struct mm1_mn_gateway *gateway, const struct mm1_mn_routes *message)
{
    const struct mm1_net *noted = NULL;
    for (size_t i = 0; i < message->routes.count; i++) {
        const struct mm1_mn_route *route = &message->routes.items[i];
        mm1_status status = MM1_OK;
        const char *why = "it overlaps a local one";
        if (overlaps_local(manager, route->net)) {
            status = MM1_CONFLICT;
        } else {
            status = mm1__mn_route_set(&manager->routing, gateway, route);
            why = status == MM1_CONFLICT ? "it overlaps another peer's" : "there are too many";
        }
        if (status == MM1_NOMEM) {
            return status;
        }
        if (status != MM1_OK && (noted == NULL || !mm1_addr_equal(noted->addr, route->net.addr) ||
                                 noted->mask != route->net.mask)) {
            noted = &route->net;
            log_refused(ctx, route->net, why);
        }
    }
    return refresh_changed(ctx, manager);
}

static mm1_status routes_arrived(struct mm1_ctx *ctx, struct manager *manager,
                                 const struct mm1_mn_routes *message)
{
    struct mm1_mn_gateway *gateway = mm1__mn_gateway_find(&manager->routing, message->gateway);
    if (gateway == NULL) {
        gateway = mm1__mn_gateway_add(&manager->routing, message->gateway);
        if (gateway == NULL) {
            return MM1_NOMEM;
        }
        MM1_TRY(mm1_watch(ctx, gateway->addr, &gateway->watch));
    }
    return take_routes(ctx, manager, gateway, message);
}

static mm1_status gateway_down(struct mm1_ctx *ctx, struct manager *manager,
                               const struct mm1_down *down)
{
    struct mm1_mn_gateway *gateway = mm1__mn_gateway_find(&manager->routing, down->peer);
    if (gateway == NULL || gateway->watch != down->ref) {
        return MM1_OK;
    }
    mm1__mn_gateway_remove(&manager->routing, gateway);
    return refresh_changed(ctx, manager);
}

/* --- life ----------------------------------------------------------------------------------------------------- */

static mm1_status spawn_endpoint(struct mm1_ctx *ctx, const struct manager *manager,
                                 struct endpoint *endpoint)
{
    const struct mm1_multinode_config *config = config_of(manager);
    struct mm1_mn_endpoint arg = {
        .manager = mm1_self(ctx),
        .locals = {.items = config->locals.items, .count = config->locals.count},
        .cookie = config->cookie.some ? config->cookie.value : (struct mm1_text){0},
        .name = endpoint->name,
    };
    struct mm1_spawn spawn = {
        .behaviour = endpoint->behaviour,
        .arg_type = &mm1_mn_endpoint_type,
        .arg = &arg,
        .link = true,
    };
    return mm1_spawn(ctx, &spawn, &endpoint->actor);
}

static mm1_status spawn_endpoints(struct mm1_ctx *ctx, struct manager *manager)
{
    const struct mm1_multinode_config *config = config_of(manager);
    size_t count = config->inbound.count + config->outbound.count;
    if (count == 0) {
        return MM1_OK;
    }
    manager->endpoints = mm1_take_zero(mm1_ctx_alloc(ctx), count * sizeof(*manager->endpoints));
    if (manager->endpoints == NULL) {
        return MM1_NOMEM;
    }
    manager->endpoint_count = count;
    for (size_t i = 0; i < count; i++) {
        struct endpoint *endpoint = &manager->endpoints[i];
        bool inbound = i < config->inbound.count;
        endpoint->behaviour = inbound ? &mm1__mn_acceptor : &mm1__mn_connector;
        endpoint->name =
            inbound ? config->inbound.items[i] : config->outbound.items[i - config->inbound.count];
        MM1_TRY(spawn_endpoint(ctx, manager, endpoint));
    }
    return MM1_OK;
}

static bool config_valid(struct mm1_ctx *ctx, const struct mm1_multinode_config *config)
{
    if (config->cookie.some &&
        (config->cookie.value.size == 0 || config->cookie.value.size > MM1_MN_BODY_MAX)) {
        mm1_log(ctx, MM1_LOG_ERROR, "multinode: a cookie has 1 to 65535 bytes");
        return false;
    }
    bool named = true;
    for (size_t i = 0; i < config->inbound.count; i++) {
        named = named && config->inbound.items[i].size != 0;
    }
    for (size_t i = 0; i < config->outbound.count; i++) {
        named = named && config->outbound.items[i].size != 0;
    }
    if (!named) {
        mm1_log(ctx, MM1_LOG_ERROR, "multinode: an inbound or outbound name is empty");
    }
    return named;
}

static mm1_status manager_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct manager *manager = state;
    struct mm1_alloc *alloc = mm1_ctx_alloc(ctx);
    mm1__mn_routing_init(&manager->routing, alloc, mm1_types(ctx)->count);
    if (arg == NULL || !config_valid(ctx, arg)) {
        return MM1_INVALID;
    }
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1__mn_copy_set(&manager->config, alloc, &mm1_multinode_config_type, arg));
    if (manager->routing.type_count != 0) {
        manager->choice = mm1_take(alloc, manager->routing.type_count);
        if (manager->choice == NULL) {
            return MM1_NOMEM;
        }
    }
    return spawn_endpoints(ctx, manager);
}

/* An acceptor or connector that was killed is followed by another one. One that ended on its own account could not do
 * its work, and so the manager cannot either. */
static mm1_status endpoint_ended(struct mm1_ctx *ctx, const struct manager *manager,
                                 struct endpoint *endpoint, const struct mm1_why *why)
{
    if (why->kind == MM1_REASON_ERROR || why->kind == MM1_REASON_INIT_FAILED) {
        mm1_quit(ctx, mm1_reason_of_why(why));
        return MM1_OK;
    }
    return spawn_endpoint(ctx, manager, endpoint);
}

static mm1_status child_ended(struct mm1_ctx *ctx, struct manager *manager,
                              const struct mm1_exited *exited)
{
    MM1_LIST_FOREACH(item, &manager->routing.remotes) {
        struct mm1_mn_remote *remote = MM1_MN_REMOTE_OF(item);
        if (remote->ingress_state != INGRESS_NONE &&
            mm1_addr_equal(remote->ingress, exited->peer)) {
            return ingress_ended(ctx, manager, remote, &exited->why);
        }
    }
    for (size_t i = 0; i < manager->endpoint_count; i++) {
        struct endpoint *endpoint = &manager->endpoints[i];
        if (mm1_addr_equal(endpoint->actor, exited->peer)) {
            return endpoint_ended(ctx, manager, endpoint, &exited->why);
        }
    }
    (void)mm1__mn_parent_ended(ctx, exited);
    return MM1_OK;
}

static mm1_status manager_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct manager *manager = state;
    MM1_ON(envelope, mm1_mn_routes, routes) {
        return routes_arrived(ctx, manager, routes);
    }
    MM1_ON(envelope, mm1_down, down) {
        return gateway_down(ctx, manager, down);
    }
    MM1_ON(envelope, mm1_exited, exited) {
        return child_ended(ctx, manager, exited);
    }
    MM1_ON(envelope, mm1_mn_redial, message) {
        return retry(ctx, manager);
    }
    return mm1_unhandled(ctx, envelope);
}

static void manager_fini(void *state)
{
    struct manager *manager = state;
    size_t type_count = manager->routing.type_count;
    struct mm1_alloc *alloc = manager->routing.alloc;
    mm1__mn_routing_close(&manager->routing);
    mm1_give(alloc, manager->choice, type_count);
    mm1_give(alloc, manager->endpoints, manager->endpoint_count * sizeof(*manager->endpoints));
    mm1__mn_copy_close(&manager->config);
}

const struct mm1_behaviour mm1_multinode_manager = {
    .name = "multinode",
    .state_size = sizeof(struct manager),
    .init = manager_init,
    .receive = manager_receive,
    .fini = manager_fini,
};
