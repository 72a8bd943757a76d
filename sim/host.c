/* Hosts and their nodes: power on, power loss. */
#include <mm1/kit.h>
#include <mm1/multinode.h>

#include "sim/world.h"

static struct mm1_text *texts_of(struct sim_world *world, const char *const *strings,
                                 uint32_t count)
{
    if (count == 0) {
        return NULL;
    }
    struct mm1_text *texts = mm1_take(world->alloc, count * sizeof(*texts));
    MM1_CHECK(texts != NULL);
    for (uint32_t i = 0; i < count; i++) {
        texts[i] = mm1_text_of(strings[i]);
    }
    return texts;
}

/* The node's own subnets: where actors live, then what they may bind. */
static struct mm1_net *nets_of(struct sim_world *world, const struct sim_node *spec)
{
    struct mm1_net *nets = mm1_take(world->alloc, (spec->bind_count + 1) * sizeof(*nets));
    MM1_CHECK(nets != NULL);
    nets[0] = spec->auto_net;
    for (uint32_t i = 0; i < spec->bind_count; i++) {
        nets[i + 1] = spec->binds[i];
    }
    return nets;
}

static mm1_status spawn_multinode(struct sim_node_state *node, const struct mm1_net *nets)
{
    struct sim_world *world = node->world;
    const struct sim_node *spec = node->spec;
    struct mm1_text *inbound = texts_of(world, spec->inbound, spec->inbound_count);
    struct mm1_text *outbound = texts_of(world, spec->outbound, spec->outbound_count);
    struct mm1_multinode_config config = {
        .locals = {.items = nets, .count = spec->bind_count + 1},
        .inbound = {.items = inbound, .count = spec->inbound_count},
        .outbound = {.items = outbound, .count = spec->outbound_count},
    };
    mm1_addr address;
    mm1_status status = mm1_node_spawn(node->node,
                                       &(struct mm1_spawn){.behaviour = &mm1_multinode_manager,
                                                           .name = "multinode",
                                                           .arg_type = &mm1_multinode_config_type,
                                                           .arg = &config},
                                       &address);
    mm1_give(world->alloc, inbound, spec->inbound_count * sizeof(*inbound));
    mm1_give(world->alloc, outbound, spec->outbound_count * sizeof(*outbound));
    return status;
}

static mm1_status boot_actors(struct sim_node_state *node, const struct mm1_net *nets)
{
    const struct sim_node *spec = node->spec;
    mm1_addr address;
    if (spec->inbound_count != 0 || spec->outbound_count != 0) {
        MM1_TRY(spawn_multinode(node, nets));
    }
    if (spec->role == NULL) {
        return MM1_OK;
    }
    return mm1_node_spawn(node->node,
                          &(struct mm1_spawn){.behaviour = spec->role->main,
                                              .name = spec->role->name,
                                              .arg_type = spec->role->arg_type,
                                              .arg = spec->arg},
                          &address);
}

static mm1_status open_node(struct sim_node_state *node, const struct mm1_net *nets)
{
    const struct sim_node *spec = node->spec;
    struct mm1_node_config config = {
        .name = mm1_text_of(spec->name),
        .incarnation = ++node->starts,
        .locals = nets + 1,
        .local_count = spec->bind_count,
        .auto_net = spec->auto_net,
        .types = &node->world->types,
        .encode = true,
        .one_thread = true,
        .settings = spec->settings,
    };
    return mm1_node_open(&node->env, &config, &node->node);
}

void sim_ports_init(struct sim_node_state *node)
{
    sim_clock_init(node);
    sim_random_init(node);
    sim_sched_init(node);
    sim_transport_init(node);
    sim_store_init(node);
    sim_trace_init(node);
    node->env = (struct mm1_env){
        .alloc = &node->pool.base,
        .clock = &node->clock.base,
        .random = &node->random.base,
        .sched = &node->sched.base,
        .transport = &node->transport.base,
        .store = &node->store.base,
        .trace = &node->trace.base,
    };
}

mm1_status sim_node_boot(struct sim_node_state *node)
{
    struct sim_world *world = node->world;
    const struct mm1_role *role = node->spec->role;
    sim_ports_init(node);
    node->run_earliest = world->now;
    (void)sim_world_event(world, MM1_EVENT_NODE_UP, node, role == NULL ? "" : role->name);
    struct mm1_net *nets = nets_of(world, node->spec);
    mm1_status status = open_node(node, nets);
    if (status == MM1_OK) {
        status = boot_actors(node, nets);
    }
    mm1_give(world->alloc, nets, (node->spec->bind_count + 1) * sizeof(*nets));
    if (status != MM1_OK && node->node != NULL) {
        sim_node_end(node, "cannot start");
    }
    return status;
}

static void boot_node(struct sim_node_state *node)
{
    mm1_status status = sim_node_boot(node);
    if (status != MM1_OK) {
        sim_world_fail(node->world, SIM_UNABLE, "unable", "", "node %s cannot start: %s",
                       node->spec->name, mm1_status_text(status));
    }
}

static void end_node(struct sim_node_state *node)
{
    if (node->node != NULL) {
        sim_sched_close(node);
        mm1_node_close(node->node);
        node->node = NULL;
        sim_net_leave(node);
        sim_pool_close(&node->pool);
    }
}

void sim_node_end(struct sim_node_state *node, const char *why)
{
    end_node(node);
    (void)sim_world_event(node->world, MM1_EVENT_NODE_DOWN, node, why);
}

void sim_host_crash(struct sim_host_state *host)
{
    struct sim_world *world = host->world;
    host->down = true;
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        struct sim_node_state *node = &world->nodes[i];
        if (node->host == host && node->node != NULL) {
            sim_node_end(node, "power loss");
        }
    }
}

/* --- starting ------------------------------------------------------------------------------------------------- */

/* The first start of a node, at its time. */
struct first_start {
    struct sim_arrival arrival;
    struct sim_node_state *node;
};

static void start_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct first_start *start = MM1_CONTAINER_OF(arrival, struct first_start, arrival);
    struct sim_node_state *node = start->node;
    mm1_give(world->alloc, start, sizeof(*start));
    world->unrest--;
    /* A host that came back at this very instant has started it already. */
    if (!node->host->down && node->node == NULL) {
        boot_node(node);
    }
}

static void start_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                           struct sim_key *key)
{
    (void)world;
    key->hash = arrival->entity;
    memcpy(key->text, "start of a node", sizeof("start of a node"));
}

static const struct sim_arrival_ops start_ops = {.arrive = start_arrive,
                                                 .describe = start_describe};

static void schedule_start(struct sim_node_state *node)
{
    struct sim_world *world = node->world;
    struct first_start *start = mm1_take_zero(world->alloc, sizeof(*start));
    MM1_CHECK(start != NULL);
    start->node = node;
    start->arrival.ops = &start_ops;
    start->arrival.host = node->host;
    start->arrival.entity = (uint64_t)node->index + 1;
    world->unrest++;
    sim_arrival_add(world, &start->arrival, world->start + node->spec->at_ns,
                    world->start + node->spec->at_ns);
}

void sim_host_boot(struct sim_host_state *host)
{
    struct sim_world *world = host->world;
    host->down = false;
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        struct sim_node_state *node = &world->nodes[i];
        bool due = world->now >= world->start + node->spec->at_ns;
        if (node->host == host && node->node == NULL && due) {
            boot_node(node);
        }
    }
}

static mm1_status register_types(struct sim_world *world)
{
    const struct mm1_system *system = world->spec->system;
    world->types = MM1_MSG_REGISTRY(world->alloc);
    MM1_TRY(mm1_kit_register(&world->types));
    for (size_t i = 0; i < system->type_count; i++) {
        MM1_TRY(mm1_msg_register(&world->types, system->types[i]));
    }
    return MM1_OK;
}

void sim_host_make(struct sim_world *world, uint32_t index)
{
    struct sim_host_state *host = &world->hosts[index];
    *host = (struct sim_host_state){
        .world = world, .spec = &world->scenario->hosts[index], .index = index};
    mm1_list_init(&host->files);
}

void sim_node_make(struct sim_world *world, uint32_t index)
{
    struct sim_node_state *node = &world->nodes[index];
    node->world = world;
    node->spec = &world->scenario->nodes[index];
    node->index = index;
    node->host = &world->hosts[node->spec->host];
    sim_pool_init(&node->pool, world->scenario->bounds.memory);
    if (world->spec->sink != NULL) {
        struct sim_node_row row = {.node = index,
                                   .name = node->spec->name,
                                   .host = node->host->spec->name,
                                   .role = node->spec->role_name};
        world->spec->sink->ops->node(world->spec->sink, &row);
    }
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a < b ? b : a;
}

mm1_status sim_nodes_init(struct sim_world *world)
{
    const struct sim_scenario *scenario = world->scenario;
    struct mm1_alloc *alloc = world->alloc;
    world->host_capacity = larger(scenario->host_count, world->spec->hosts_max);
    world->node_capacity = larger(scenario->node_count, world->spec->nodes_max);
    world->hosts = mm1_take_zero(alloc, world->host_capacity * sizeof(world->hosts[0]));
    world->nodes = mm1_take_zero(alloc, world->node_capacity * sizeof(world->nodes[0]));
    world->active = mm1_take_zero(alloc, world->node_capacity * sizeof(world->active[0]));
    if (world->hosts == NULL || world->nodes == NULL || world->active == NULL) {
        return MM1_NOMEM;
    }
    for (uint32_t i = 0; i < scenario->host_count; i++) {
        sim_host_make(world, i);
    }
    for (uint32_t i = 0; i < scenario->node_count; i++) {
        sim_node_make(world, i);
        schedule_start(&world->nodes[i]);
    }
    return register_types(world);
}

void sim_nodes_close(struct sim_world *world)
{
    for (uint32_t i = 0; world->nodes != NULL && i < world->scenario->node_count; i++) {
        end_node(&world->nodes[i]);
        sim_pool_close(&world->nodes[i].pool);
    }
    for (uint32_t i = 0; world->hosts != NULL && i < world->scenario->host_count; i++) {
        sim_disk_close(&world->hosts[i]);
    }
}
