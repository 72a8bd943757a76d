/* mm1/sim.h: faults. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/api.h"

static struct sim_host_state *host_state(const struct mm1_sim_host *host)
{
    return &host->sim->world.hosts[host->index];
}

/* --- hosts ---------------------------------------------------------------------------------------------------- */

mm1_status mm1_sim_host_crash(struct mm1_sim_host *host)
{
    struct sim_scripted_fault fault = {.class = SIM_FAULT_CRASH, .a = host->index};
    return sim_fault_inject(&host->sim->world, &fault) == 0 ? MM1_CONFLICT : MM1_OK;
}

mm1_status mm1_sim_host_restart(struct mm1_sim_host *host)
{
    struct sim_world *world = &host->sim->world;
    uint64_t number = sim_fault_crash_of(world, host->index);
    if (number == 0) {
        return MM1_CONFLICT;
    }
    sim_fault_heal(world, number);
    return MM1_OK;
}

mm1_status mm1_sim_host_pause(struct mm1_sim_host *host, uint64_t for_ns)
{
    struct sim_scripted_fault fault = {
        .class = SIM_FAULT_PAUSE, .for_ns = for_ns, .a = host->index};
    if (for_ns == 0 || for_ns >= UINT64_MAX / 2) {
        return MM1_INVALID;
    }
    return sim_fault_inject(&host->sim->world, &fault) == 0 ? MM1_CONFLICT : MM1_OK;
}

void mm1_sim_host_step_clock(struct mm1_sim_host *host, int64_t by_ns)
{
    struct sim_host_state *state = host_state(host);
    char what[128];
    state->wall_shift_ns += (uint64_t)by_ns;
    (void)snprintf(what, sizeof(what), "clock_step %s %" PRId64 "ns", state->spec->name, by_ns);
    sim_fault_note(&host->sim->world, "clock_step", what);
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

static bool is_empty(struct mm1_sim *sim, void *arg)
{
    const struct sim_node_state *node = arg;
    (void)sim;
    return node->node == NULL || mm1_node_actors(node->node) == 0;
}

mm1_status mm1_sim_node_stop(struct mm1_sim_node *node, uint64_t grace_ns)
{
    struct mm1_sim *sim = node->sim;
    struct sim_node_state *state = sim_api_state(node);
    char what[128];
    if (state->node == NULL || sim_api_over(sim)) {
        return MM1_CLOSED;
    }
    (void)snprintf(what, sizeof(what), "stop %s", state->spec->name);
    sim_fault_note(&sim->world, "stop", what);
    mm1_node_refuse_spawns(state->node);
    mm1_node_exit_all(state->node, MM1_SHUTDOWN);
    mm1_status status = mm1_sim_run_until(sim, grace_ns, is_empty, state);
    if (status == MM1_TIMEOUT) {
        mm1_node_kill_all(state->node);
        status = mm1_sim_run_until(sim, UINT64_MAX, is_empty, state);
        MM1_CHECK(status != MM1_TIMEOUT || mm1_node_actors(state->node) == 0);
    }
    if (status != MM1_OK || state->node == NULL) {
        return MM1_CLOSED;
    }
    sim->world.cause = 0;
    sim_node_end(state, "stopped");
    return MM1_OK;
}

mm1_status mm1_sim_node_start(struct mm1_sim_node *node)
{
    struct sim_node_state *state = sim_api_state(node);
    if (state->node != NULL) {
        return MM1_CONFLICT;
    }
    if (state->host->down) {
        return MM1_CLOSED;
    }
    node->sim->world.cause = 0;
    return sim_node_boot(state);
}

void mm1_sim_node_fail_alloc(struct mm1_sim_node *node, uint64_t k)
{
    struct sim_pool *pool = &sim_api_state(node)->pool;
    pool->fail_at = k == 0 ? 0 : pool->requests + k;
}

uint64_t mm1_sim_node_allocs(const struct mm1_sim_node *node)
{
    return sim_api_state(node)->pool.requests;
}

bool mm1_sim_node_alloc_failed(const struct mm1_sim_node *node)
{
    const struct sim_pool *pool = &sim_api_state(node)->pool;
    return pool->fail_at != 0 && pool->requests >= pool->fail_at;
}

/* --- between hosts -------------------------------------------------------------------------------------------- */

/* Remembers what is healed with number 0. */
static uint64_t inject(struct mm1_sim *sim, const struct sim_scripted_fault *fault)
{
    struct sim_api_fault *own = mm1__arena_array(&sim->arena, 1, sizeof(*own));
    MM1_CHECK(own != NULL);
    own->number = sim_fault_inject(&sim->world, fault);
    mm1_list_push_back(&sim->faults, &own->link);
    return own->number;
}

uint64_t mm1_sim_cut(struct mm1_sim_host *from, struct mm1_sim_host *to)
{
    struct sim_cut cut = {.from = from->index, .to = to->index};
    struct sim_scripted_fault fault = {.class = SIM_FAULT_PARTITION, .cuts = &cut, .cut_count = 1};
    MM1_CHECK(from->sim == to->sim && from != to);
    return inject(from->sim, &fault);
}

uint64_t mm1_sim_partition(struct mm1_sim *sim, struct mm1_sim_host *const *side, size_t count)
{
    uint32_t hosts = sim->scenario.host_count;
    bool *inside = mm1__arena_array(&sim->arena, hosts, sizeof(*inside));
    struct sim_cut *cuts = mm1__arena_array(&sim->arena, (size_t)hosts * hosts, sizeof(*cuts));
    uint32_t cut_count = 0;
    MM1_CHECK(inside != NULL && cuts != NULL);
    for (size_t i = 0; i < count; i++) {
        MM1_CHECK(side[i]->sim == sim);
        inside[side[i]->index] = true;
    }
    for (uint32_t i = 0; i < hosts; i++) {
        for (uint32_t j = 0; j < hosts; j++) {
            if (inside[i] != inside[j]) {
                cuts[cut_count++] = (struct sim_cut){.from = i, .to = j};
            }
        }
    }
    struct sim_scripted_fault fault = {
        .class = SIM_FAULT_PARTITION, .cuts = cuts, .cut_count = cut_count};
    return inject(sim, &fault);
}

uint64_t mm1_sim_delay(struct mm1_sim_host *a, struct mm1_sim_host *b,
                       struct mm1_sim_window latency)
{
    struct sim_scripted_fault fault = {
        .class = SIM_FAULT_DELAY,
        .a = a->index,
        .b = b->index,
        .latency = {.min_ns = latency.min_ns, .max_ns = latency.max_ns}};
    MM1_CHECK(a->sim == b->sim && a != b && latency.min_ns <= latency.max_ns);
    return inject(a->sim, &fault);
}

void mm1_sim_heal(struct mm1_sim *sim, uint64_t number)
{
    MM1_LIST_FOREACH(link, &sim->faults) {
        const struct sim_api_fault *own = MM1_CONTAINER_OF(link, struct sim_api_fault, link);
        if (number == 0 || own->number == number) {
            mm1_list_remove(link);
            sim_fault_heal(&sim->world, own->number);
        }
    }
}

static void inject_between(struct mm1_sim_host *a, struct mm1_sim_host *b,
                           enum sim_fault_class class)
{
    struct sim_scripted_fault fault = {.class = class, .a = a->index, .b = b->index};
    MM1_CHECK(a->sim == b->sim && a != b);
    (void)sim_fault_inject(&a->sim->world, &fault);
}

void mm1_sim_reset(struct mm1_sim_host *a, struct mm1_sim_host *b)
{
    inject_between(a, b, SIM_FAULT_RESET);
}

void mm1_sim_half_open(struct mm1_sim_host *a, struct mm1_sim_host *b)
{
    inject_between(a, b, SIM_FAULT_HALF_OPEN);
}

/* --- actors --------------------------------------------------------------------------------------------------- */

mm1_status mm1_sim_kill(struct mm1_sim *sim, const char *path)
{
    mm1_addr addr;
    if (!mm1_sim_find(sim, path, &addr)) {
        return MM1_NOPROC;
    }
    for (uint32_t i = 0; i < sim->scenario.node_count; i++) {
        struct sim_node_state *node = &sim->world.nodes[i];
        if (node->node != NULL && mm1_net_contains(node->spec->auto_net, addr)) {
            char what[MM1_PATH_TEXT_MAX];
            (void)snprintf(what, sizeof(what), "kill %.480s", path);
            sim_fault_note(&sim->world, "kill", what);
            return mm1_node_exit(node->node, addr, mm1_reason_of(MM1_REASON_KILL));
        }
    }
    return MM1_NOPROC;
}
