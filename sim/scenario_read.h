/* The parts of the scenario loader; only for its own files. */
#ifndef SIM_SCENARIO_READ_H
#define SIM_SCENARIO_READ_H

#include "host/arena.h"
#include "host/json.h"
#include "sim/scenario.h"

/* What a scenario keeps for itself. */
struct sim_scenario_private {
    struct mm1__arena arena;
    /* holds the texts, and the places for what sim_scenario_resolve finds */
    struct mm1__json *json;
    struct sim_scenario scenario;
};

#define SIM_HOSTS_MAX 256
#define SIM_NODES_MAX 256
#define SIM_NAMES_MAX 16 /* of a node, in one list */
#define SIM_SCRIPTED_MAX 10000
#define SIM_TIME_MAX_HOURS 876000 /* a hundred years: sums of two stay below 2^63 ns */

/* `count` zeroed items that live as long as the scenario; null, and noted at `node`, when memory is refused. */
void *sim__scenario_array(struct sim_scenario *scenario, const struct mm1__json_node *node,
                          size_t count, size_t size);
/* The document's copy of the text, terminated. Null `node` or no text: leaves it. */
void sim__read_string(const struct mm1__json_node *node, const char **out);
/* A duration of at most SIM_TIME_MAX_HOURS. */
void sim__read_time(const struct mm1__json_node *node, uint64_t *out);
/* The same, and not zero. */
void sim__read_time_above_zero(const struct mm1__json_node *node, uint64_t *out);
/* ["1ms", "10ms"], or "5ms" for both ends. */
void sim__read_window(const struct mm1__json_node *node, struct sim_window *out);
/* The name of a host, as its index. */
void sim__read_host(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                    uint32_t *out);
/* A list of two different hosts. */
void sim__read_pair(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                    uint32_t *a, uint32_t *b);
/* A list of `min` hosts or more, none twice, in ascending order. */
void sim__read_hosts(struct sim_scenario *scenario, const struct mm1__json_node *node, size_t min,
                     struct sim_indices *out);

void sim__read_all_hosts(struct sim_scenario *scenario, const struct mm1__json_node *node);
/* After the hosts. */
void sim__read_nodes(struct sim_scenario *scenario, const struct mm1__json_node *node);
/* After hosts and end. */
void sim__read_faults(struct sim_scenario *scenario, const struct mm1__json_node *node);

#endif
