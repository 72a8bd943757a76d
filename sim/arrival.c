/* Pending arrivals: a tree by earliest time, which counts what is enabled, and a heap by latest time, which bounds
 * it. */
#include "base/order.h"
#include "sim/world.h"

static const struct sim_arrival *at(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct sim_arrival, by_earliest);
}

static int compare_arrivals(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    int by_time = mm1__order_u64(at(a)->earliest, at(b)->earliest);
    return by_time != 0 ? by_time : mm1__order_u64(at(a)->by_latest.seq, at(b)->by_latest.seq);
}

void sim_arrival_add(struct sim_world *world, struct sim_arrival *arrival, uint64_t earliest,
                     uint64_t latest)
{
    MM1_CHECK(!sim_arrival_pending(arrival));
    world->arrivals.compare = compare_arrivals;
    arrival->earliest = earliest;
    arrival->by_latest.key = latest < earliest ? earliest : latest;
    arrival->by_latest.seq = ++world->sequence;
    (void)mm1_tree_insert(&world->arrivals, &arrival->by_earliest);
    MM1_CHECK(mm1_heap_push(&world->deadlines, &arrival->by_latest) == MM1_OK);
    world->arrivals_enabled += arrival->entity;
}

void sim_arrival_remove(struct sim_world *world, struct sim_arrival *arrival)
{
    if (sim_arrival_pending(arrival)) {
        mm1_tree_remove(&world->arrivals, &arrival->by_earliest);
        mm1_heap_remove(&world->deadlines, &arrival->by_latest);
        world->arrivals_enabled -= arrival->entity;
    }
}
