/* mm1/sim.h: hosts and nodes. */
#include <stdio.h>
#include <string.h>

#include "sim/api.h"

#define NAME_SIZE_MAX 64

/* As names in scenario files. */
static bool is_name(const char *name)
{
    size_t size = name == NULL ? 0 : strlen(name);
    bool good = size >= 1 && size <= NAME_SIZE_MAX && strchr("_.-", name[0]) == NULL;
    for (size_t i = 0; i < size && good; i++) {
        char c = name[i];
        char letter = (char)(c | 0x20);
        good =
            (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z') || strchr("_.-", c) != NULL;
    }
    return good;
}

static void place_host(struct mm1_sim *sim, uint32_t index)
{
    sim->hosts[index] = (struct mm1_sim_host){.sim = sim, .index = index};
}

static void place_node(struct mm1_sim *sim, uint32_t index)
{
    sim->nodes[index].sim = sim;
    sim->nodes[index].index = index;
}

mm1_status sim_api_nodes_open(struct mm1_sim *sim, char error[MM1_SIM_ERROR_MAX])
{
    struct sim_scenario *s = &sim->scenario;
    size_t hosts = s->host_count + sim->options.hosts_max;
    size_t nodes = s->node_count + sim->options.nodes_max;
    (void)error;
    sim->host_specs = mm1__arena_array(&sim->arena, hosts, sizeof(sim->host_specs[0]));
    sim->node_specs = mm1__arena_array(&sim->arena, nodes, sizeof(sim->node_specs[0]));
    sim->hosts = mm1__arena_array(&sim->arena, hosts, sizeof(sim->hosts[0]));
    sim->nodes = mm1__arena_array(&sim->arena, nodes, sizeof(sim->nodes[0]));
    if (sim->host_specs == NULL || sim->node_specs == NULL || sim->hosts == NULL ||
        sim->nodes == NULL) {
        return MM1_NOMEM;
    }
    for (uint32_t i = 0; i < s->host_count; i++) {
        sim->host_specs[i] = s->hosts[i];
        place_host(sim, i);
    }
    for (uint32_t i = 0; i < s->node_count; i++) {
        sim->node_specs[i] = s->nodes[i];
        place_node(sim, i);
    }
    s->hosts = sim->host_specs;
    s->nodes = sim->node_specs;
    return MM1_OK;
}

/* --- hosts ---------------------------------------------------------------------------------------------------- */

struct mm1_sim_host *mm1_sim_host_find(struct mm1_sim *sim, const char *name)
{
    for (uint32_t i = 0; i < sim->scenario.host_count; i++) {
        if (strcmp(sim->host_specs[i].name, name) == 0) {
            return &sim->hosts[i];
        }
    }
    return NULL;
}

struct mm1_sim_node *mm1_sim_node_find(struct mm1_sim *sim, const char *name)
{
    for (uint32_t i = 0; i < sim->scenario.node_count; i++) {
        if (strcmp(sim->node_specs[i].name, name) == 0) {
            return &sim->nodes[i];
        }
    }
    return NULL;
}

struct mm1_sim_host *mm1_sim_node_host(const struct mm1_sim_node *node)
{
    return &node->sim->hosts[node->sim->node_specs[node->index].host];
}

mm1_status mm1_sim_host_add(struct mm1_sim *sim, const char *name, struct mm1_sim_host **out)
{
    if (!is_name(name)) {
        return MM1_INVALID;
    }
    if (mm1_sim_host_find(sim, name) != NULL) {
        return MM1_CONFLICT;
    }
    uint32_t index = sim->scenario.host_count;
    if (index == sim->world.host_capacity) {
        return MM1_RESOURCE;
    }
    const char *copy = mm1__arena_text(&sim->arena, mm1_text_of(name));
    if (copy == NULL) {
        return MM1_NOMEM;
    }
    sim->host_specs[index].name = copy;
    sim->scenario.host_count = index + 1;
    place_host(sim, index);
    sim_host_make(&sim->world, index);
    *out = &sim->hosts[index];
    return MM1_OK;
}

/* --- what a node is ------------------------------------------------------------------------------------------- */

static bool is_free_net(const struct mm1_sim *sim, struct mm1_net net)
{
    for (uint32_t i = 0; i < sim->scenario.node_count; i++) {
        const struct sim_node *node = &sim->node_specs[i];
        if (mm1_net_overlaps(net, node->auto_net)) {
            return false;
        }
        for (uint32_t k = 0; k < node->bind_count; k++) {
            if (mm1_net_overlaps(net, node->binds[k])) {
                return false;
            }
        }
    }
    return true;
}

/* <a000:>/16, <a001:>/16, …: the first that is free, here and among `binds`. */
static mm1_status choose_net(const struct mm1_sim *sim, const struct mm1_sim_node_spec *spec,
                             struct mm1_net *out)
{
    for (uint64_t i = 0; i < 0x1000; i++) {
        struct mm1_net net = {.addr = {(0xa000 + i) << 48}, .mask = 16};
        bool is_free = is_free_net(sim, net);
        for (size_t k = 0; k < spec->bind_count; k++) {
            is_free = is_free && !mm1_net_overlaps(net, spec->binds[k]);
        }
        if (is_free) {
            *out = net;
            return MM1_OK;
        }
    }
    return MM1_RESOURCE;
}

static mm1_status read_nets(struct mm1_sim *sim, const struct mm1_sim_node_spec *spec,
                            struct sim_node *out)
{
    if (spec->auto_net.mask == 0) {
        MM1_TRY(choose_net(sim, spec, &out->auto_net));
    } else if (spec->auto_net.mask > 56 || !is_free_net(sim, spec->auto_net)) {
        return MM1_INVALID;
    } else {
        out->auto_net = spec->auto_net;
    }
    struct mm1_net *binds = mm1__arena_array(&sim->arena, spec->bind_count, sizeof(*binds));
    if (binds == NULL) {
        return MM1_NOMEM;
    }
    for (size_t i = 0; i < spec->bind_count; i++) {
        binds[i] = spec->binds[i];
        bool good = binds[i].mask <= 64 && is_free_net(sim, binds[i]) &&
                    !mm1_net_overlaps(binds[i], out->auto_net);
        for (size_t k = 0; k < i; k++) {
            good = good && !mm1_net_overlaps(binds[i], binds[k]);
        }
        if (!good) {
            return MM1_INVALID;
        }
    }
    out->binds = binds;
    out->bind_count = (uint32_t)spec->bind_count;
    return MM1_OK;
}

static mm1_status copy_names(struct mm1_sim *sim, const char *const *names, size_t count,
                             const char *const **out)
{
    const char **copies = mm1__arena_array(&sim->arena, count, sizeof(*copies));
    if (copies == NULL) {
        return MM1_NOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        copies[i] = mm1__arena_text(&sim->arena, mm1_text_of(names[i]));
        if (copies[i] == NULL) {
            return MM1_NOMEM;
        }
    }
    *out = copies;
    return MM1_OK;
}

static mm1_status copy_arg(struct mm1_sim *sim, const struct mm1_msg_type *type, const void *arg,
                           struct sim_node *out)
{
    if (type == NULL) {
        return arg == NULL ? MM1_OK : MM1_INVALID;
    }
    out->arg_size = arg == NULL ? type->size : mm1_msg_copy_size(type, arg);
    void *copy = mm1__arena_array(&sim->arena, 1, out->arg_size);
    if (copy == NULL) {
        return MM1_NOMEM;
    }
    if (arg != NULL) {
        mm1_msg_copy(type, arg, copy);
    }
    out->arg = copy;
    return MM1_OK;
}

/* The first actor: a role of the system, a behaviour, or nobody. */
static mm1_status read_main(struct mm1_sim *sim, const struct mm1_sim_node_spec *spec,
                            struct mm1_sim_node *node, struct sim_node *out)
{
    MM1_CHECK(node != NULL);
    out->role_name = "";
    if (spec->role != NULL) {
        if (spec->main != NULL || spec->arg_type != NULL) {
            return MM1_INVALID;
        }
        for (size_t i = 0; i < sim->system.role_count && out->role == NULL; i++) {
            const struct mm1_role *role = &sim->system.roles[i];
            out->role = strcmp(role->name, spec->role) == 0 ? role : NULL;
        }
        if (out->role == NULL) {
            return MM1_INVALID;
        }
    } else if (spec->main != NULL) {
        node->role = (struct mm1_role){
            .name = spec->main->name, .about = "", .main = spec->main, .arg_type = spec->arg_type};
        out->role = &node->role;
    } else {
        return spec->arg_type == NULL && spec->arg == NULL ? MM1_OK : MM1_INVALID;
    }
    out->role_name = out->role->name;
    return copy_arg(sim, out->role->arg_type, spec->arg, out);
}

static mm1_status read_spec(struct mm1_sim *sim, const struct mm1_sim_node_spec *spec,
                            struct mm1_sim_node *node, struct sim_node *out)
{
    out->at_ns = mm1_sim_elapsed(sim);
    out->settings = spec->settings;
    out->name = mm1__arena_text(&sim->arena, mm1_text_of(spec->name));
    if (out->name == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(read_main(sim, spec, node, out));
    MM1_TRY(read_nets(sim, spec, out));
    MM1_TRY(copy_names(sim, spec->inbound, spec->inbound_count, &out->inbound));
    MM1_TRY(copy_names(sim, spec->outbound, spec->outbound_count, &out->outbound));
    out->inbound_count = (uint32_t)spec->inbound_count;
    out->outbound_count = (uint32_t)spec->outbound_count;
    return MM1_OK;
}

/* --- adding one ----------------------------------------------------------------------------------------------- */

/* The host it is to live on, which must be up. */
static mm1_status find_host(struct mm1_sim *sim, const struct mm1_sim_node_spec *spec,
                            struct mm1_sim_host **out)
{
    *out = spec->host != NULL ? spec->host : mm1_sim_host_find(sim, spec->name);
    if (*out == NULL) {
        return mm1_sim_host_add(sim, spec->name, out);
    }
    return sim->world.hosts[(*out)->index].down ? MM1_CLOSED : MM1_OK;
}

mm1_status mm1_sim_node_add(struct mm1_sim *sim, const struct mm1_sim_node_spec *spec,
                            struct mm1_sim_node **out)
{
    if (!is_name(spec->name) || (spec->host != NULL && spec->host->sim != sim)) {
        return MM1_INVALID;
    }
    if (mm1_sim_node_find(sim, spec->name) != NULL) {
        return MM1_CONFLICT;
    }
    uint32_t index = sim->scenario.node_count;
    if (index == sim->world.node_capacity) {
        return MM1_RESOURCE;
    }
    struct sim_node node = {0};
    struct mm1_sim_host *host = NULL;
    MM1_TRY(read_spec(sim, spec, &sim->nodes[index], &node));
    MM1_TRY(find_host(sim, spec, &host));
    node.host = host->index;
    sim->node_specs[index] = node;
    sim->scenario.node_count = index + 1;
    place_node(sim, index);
    sim_node_make(&sim->world, index);
    *out = &sim->nodes[index];
    sim->world.nodes[index].pool.fail_at = spec->fail_alloc;
    sim->world.cause = 0;
    return sim_node_boot(&sim->world.nodes[index]);
}

struct mm1_node *mm1_sim_node_get(const struct mm1_sim_node *node)
{
    return sim_api_state(node)->node;
}
