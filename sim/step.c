/* One step: what is enabled, which of it is chosen, and the clock that follows. */
#include <stdio.h>

#include "base/order.h"
#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* The smallest latest time of all: what begins after it cannot be next. */
static uint64_t horizon_of(const struct sim_world *world)
{
    const struct mm1_heap_node *first = mm1_heap_first(&world->deadlines);
    uint64_t horizon = first == NULL ? UINT64_MAX : first->key;
    for (size_t i = 0; i < world->active_count; i++) {
        uint64_t latest = world->nodes[world->active[i]].run_latest;
        horizon = latest < horizon ? latest : horizon;
    }
    return horizon;
}

static int compare_time_key(const void *key, const struct mm1_tree_node *node)
{
    uint64_t earliest = MM1_CONTAINER_OF(node, const struct sim_arrival, by_earliest)->earliest;
    return earliest <= *(const uint64_t *)key ? 1 : -1;
}

/* What can be chosen: first the arrivals in their order, then the ready actors of each node that may run. */
struct menu {
    uint64_t horizon;
    size_t arrivals;
    size_t total;
};

static void menu_make(const struct sim_world *world, struct menu *menu)
{
    menu->horizon = horizon_of(world);
    menu->arrivals = mm1_tree_rank(&world->arrivals, &menu->horizon, compare_time_key);
    menu->total = menu->arrivals;
    for (size_t i = 0; i < world->active_count; i++) {
        const struct sim_node_state *node = &world->nodes[world->active[i]];
        if (node->run_earliest <= menu->horizon) {
            menu->total += node->ready_count;
        }
    }
}

static struct sim_arrival *menu_arrival(const struct sim_world *world, uint64_t pick)
{
    struct mm1_tree_node *node = mm1_tree_nth(&world->arrivals, pick);
    return MM1_CONTAINER_OF(node, struct sim_arrival, by_earliest);
}

/* The node and the index of the ready actor that `pick`, counted behind the arrivals, means. */
static struct sim_node_state *menu_ready(const struct sim_world *world, const struct menu *menu,
                                         uint64_t pick, size_t *index)
{
    for (size_t i = 0; i < world->active_count; i++) {
        struct sim_node_state *node = &world->nodes[world->active[i]];
        if (node->run_earliest > menu->horizon) {
            continue;
        }
        if (pick < node->ready_count) {
            *index = (size_t)pick;
            return node;
        }
        pick -= node->ready_count;
    }
    mm1_check_failed("a pick within the menu", __FILE__, __LINE__, __func__);
}

/* --- names of picks ------------------------------------------------------------------------------------------- */

static uint64_t hash_address(void *arg, mm1_addr addr)
{
    const struct sim_world *world = arg;
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        const struct sim_node_state *node = &world->nodes[i];
        if (mm1_net_contains(node->spec->auto_net, addr)) {
            const struct mm1_path *path =
                node->node == NULL ? NULL : mm1_node_path(node->node, addr);
            return path == NULL ? 0 : path->hash;
        }
    }
    return addr.bits;
}

static void describe_ready(struct sim_world *world, const struct sim_ready *ready,
                           struct sim_key *key)
{
    char path[MM1_PATH_TEXT_MAX];
    const void *msg = NULL;
    const struct mm1_msg_type *type =
        ready->turn != NULL ? NULL : mm1_runnable_next(ready->runnable, &msg);
    uint64_t fingerprint = type == NULL ? 0 : mm1_msg_fingerprint(type, msg, hash_address, world);
    (void)mm1_path_print(mm1_runnable_path(ready->runnable), path);
    snprintf(key->text, sizeof(key->text), "%s %.200s%s%.100s",
             ready->turn != NULL ? "resume" : "run", path, type == NULL ? "" : " ",
             type == NULL ? "" : type->name);
    key->hash = XXH3_64bits_withSeed(key->text, strlen(key->text), fingerprint);
}

static void describe_pick(struct sim_world *world, uint64_t pick, struct sim_key *key)
{
    struct menu menu;
    menu_make(world, &menu);
    if (pick < menu.arrivals) {
        const struct sim_arrival *arrival = menu_arrival(world, pick);
        arrival->ops->describe(world, arrival, key);
        return;
    }
    size_t index;
    const struct sim_node_state *node = menu_ready(world, &menu, pick - menu.arrivals, &index);
    describe_ready(world, &node->ready[index], key);
}

/* --- taking a step -------------------------------------------------------------------------------------------- */

static void set_clock(struct sim_world *world, uint64_t earliest)
{
    if (earliest > world->now) {
        world->now = earliest;
    }
}

static void take_arrival(struct sim_world *world, struct sim_arrival *arrival)
{
    const struct sim_host_state *host = arrival->host;
    set_clock(world, arrival->earliest);
    uint64_t slack = arrival->by_latest.key - arrival->earliest;
    sim_arrival_remove(world, arrival);
    if (host != NULL && host->paused_until > world->now) {
        sim_arrival_add(world, arrival, host->paused_until, host->paused_until + slack);
        return;
    }
    arrival->ops->arrive(world, arrival);
}

bool sim_world_step(struct sim_world *world)
{
    struct menu menu;
    menu_make(world, &menu);
    if (menu.total == 0) {
        return false;
    }
    struct sim_menu names = {
        .enabled = world->arrivals_enabled + world->ready_enabled + menu.total,
        .describe = describe_pick,
    };
    uint64_t pick = sim_choose(world, &world->steps, menu.total, &names);
    world->result->steps++;
    world->cause = 0;
    if (pick < menu.arrivals) {
        take_arrival(world, menu_arrival(world, pick));
        return true;
    }
    size_t index;
    struct sim_node_state *node = menu_ready(world, &menu, pick - menu.arrivals, &index);
    set_clock(world, node->run_earliest);
    sim_turn_run(world, node, index);
    return true;
}
