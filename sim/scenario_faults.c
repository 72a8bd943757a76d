/* The scenario loader: faults, scripted and random. */
#include <stdio.h>
#include <string.h>

#include "sim/scenario_read.h"

static const char *const CLASS_NAMES[SIM_FAULT_CLASSES] = {
    [SIM_FAULT_PARTITION] = "partition", [SIM_FAULT_CRASH] = "crash",
    [SIM_FAULT_RESET] = "reset",         [SIM_FAULT_DELAY] = "delay",
    [SIM_FAULT_HALF_OPEN] = "half_open", [SIM_FAULT_PAUSE] = "pause"};

const char *sim_fault_class_name(enum sim_fault_class class)
{
    MM1_CHECK(class < SIM_FAULT_CLASSES);
    return CLASS_NAMES[class];
}

/* True for the classes that hit one host; the others lie between hosts. */
static bool hits_one(enum sim_fault_class class)
{
    return class == SIM_FAULT_CRASH || class == SIM_FAULT_PAUSE;
}

/* --- partitions ----------------------------------------------------------------------------------------------- */

#define NO_GROUP UINT32_MAX

/* Reads the groups: which one each host is in. Hosts in none are cut off from nobody, unless there is one group: then
 * all others are the second. */
static size_t read_groups(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                          uint32_t group_of[SIM_HOSTS_MAX])
{
    size_t count = 0;
    uint32_t group = 0;
    for (size_t i = 0; i < SIM_HOSTS_MAX; i++) {
        group_of[i] = NO_GROUP;
    }
    mm1__json_list(node, 1, scenario->host_count, &count);
    for (const struct mm1__json_node *item = count == 0 ? NULL : mm1__json_first(node);
         item != NULL; item = mm1__json_next(item)) {
        size_t members = 0;
        mm1__json_list(item, 1, scenario->host_count, &members);
        for (const struct mm1__json_node *member = members == 0 ? NULL : mm1__json_first(item);
             member != NULL; member = mm1__json_next(member)) {
            uint32_t host = 0;
            sim__read_host(scenario, member, &host);
            if (mm1__json_failed(member)) {
                return 0;
            }
            if (group_of[host] != NO_GROUP) {
                mm1__json_fail(member, "the host \"%s\" occurs twice", scenario->hosts[host].name);
                return 0;
            }
            group_of[host] = group;
        }
        group++;
    }
    for (uint32_t i = 0; i < scenario->host_count && count == 1; i++) {
        group_of[i] = group_of[i] == NO_GROUP ? 1 : group_of[i];
    }
    return count;
}

/* Whether what `from` sends to `to` is cut. One way: what the first group sends. */
static bool is_cut(const uint32_t group_of[SIM_HOSTS_MAX], uint32_t from, uint32_t to, bool one_way)
{
    return group_of[from] != NO_GROUP && group_of[to] != NO_GROUP &&
           group_of[from] != group_of[to] && (!one_way || group_of[from] == 0);
}

static void read_partition(struct sim_scenario *scenario, const struct mm1__json_node *node,
                           const struct mm1__json_node *one_way_node,
                           struct sim_scripted_fault *fault)
{
    uint32_t group_of[SIM_HOSTS_MAX];
    bool one_way = false;
    uint32_t count = 0;
    size_t groups = read_groups(scenario, node, group_of);
    mm1__json_bool(one_way_node, &one_way);
    if (mm1__json_failed(node)) {
        return;
    }
    if (one_way && groups > 2) {
        mm1__json_fail_key(one_way_node, "\"one_way\" needs one or two groups, got %zu", groups);
        return;
    }
    for (int fill = 0; fill < 2; fill++) {
        struct sim_cut *cuts = NULL;
        if (fill == 1) {
            cuts = sim__scenario_array(scenario, node, count, sizeof(*cuts));
            if (cuts == NULL) {
                return;
            }
        }
        count = 0;
        for (uint32_t from = 0; from < scenario->host_count; from++) {
            for (uint32_t to = 0; to < scenario->host_count; to++) {
                if (is_cut(group_of, from, to, one_way)) {
                    if (cuts != NULL) {
                        cuts[count] = (struct sim_cut){.from = from, .to = to};
                    }
                    count++;
                }
            }
        }
        fault->cuts = cuts;
    }
    fault->cut_count = count;
    if (count == 0) {
        mm1__json_fail(node, "expected hosts on both sides, got all on one");
    }
}

/* --- scripted ------------------------------------------------------------------------------------------------- */

/* The class whose key the fault has; SIM_FAULT_CLASSES when it has none, or, with a finding, several. */
static enum sim_fault_class class_of(const struct mm1__json_node *node)
{
    enum sim_fault_class class = SIM_FAULT_CLASSES;
    for (unsigned i = 0; i < SIM_FAULT_CLASSES; i++) {
        const struct mm1__json_node *member = mm1__json_find(node, CLASS_NAMES[i]);
        if (member != NULL && class != SIM_FAULT_CLASSES) {
            mm1__json_fail_key(member, "one fault at a time: \"%s\" stands here already",
                               CLASS_NAMES[class]);
            return SIM_FAULT_CLASSES;
        }
        if (member != NULL) {
            class = (enum sim_fault_class)i;
        }
    }
    return class;
}

static void refuse_without_class(const struct mm1__json_node *node, struct mm1__json_object *object)
{
    for (unsigned i = 0; i < SIM_FAULT_CLASSES; i++) {
        (void)mm1__json_optional(object, CLASS_NAMES[i]);
    }
    (void)mm1__json_optional(object, "for");
    (void)mm1__json_optional(object, "latency");
    (void)mm1__json_optional(object, "one_way");
    mm1__json_object_end(object);
    mm1__json_fail(
        node,
        "expected one of the keys \"partition\", \"crash\", \"reset\", \"delay\", \"half_open\", "
        "\"pause\"");
}

static void read_scripted(struct sim_scenario *scenario, const struct mm1__json_node *node,
                          struct sim_scripted_fault *fault)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *at = mm1__json_required(&object, "at");
    sim__read_time(at, &fault->at_ns);
    fault->class = class_of(node);
    if (mm1__json_failed(node)) {
        return;
    }
    if (fault->class == SIM_FAULT_CLASSES) {
        refuse_without_class(node, &object);
        return;
    }
    const struct mm1__json_node *what = mm1__json_required(&object, CLASS_NAMES[fault->class]);
    if (fault->class != SIM_FAULT_RESET) {
        sim__read_time_above_zero(mm1__json_optional(&object, "for"), &fault->for_ns);
    }
    if (fault->class == SIM_FAULT_PARTITION) {
        read_partition(scenario, what, mm1__json_optional(&object, "one_way"), fault);
    } else if (hits_one(fault->class)) {
        sim__read_host(scenario, what, &fault->a);
    } else {
        sim__read_pair(scenario, what, &fault->a, &fault->b);
    }
    if (fault->class == SIM_FAULT_DELAY) {
        sim__read_window(mm1__json_required(&object, "latency"), &fault->latency);
    }
    mm1__json_object_end(&object);
    if (!mm1__json_failed(node) && fault->at_ns >= scenario->faults.until_ns) {
        mm1__json_expected(at, "a time before all faults end (/faults/until)");
    }
}

static void read_script(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    size_t count = 0;
    size_t index = 0;
    mm1__json_list(node, 0, SIM_SCRIPTED_MAX, &count);
    if (count == 0) {
        return;
    }
    struct sim_scripted_fault *faults = sim__scenario_array(scenario, node, count, sizeof(*faults));
    if (faults == NULL) {
        return;
    }
    MM1__JSON_FOREACH(item, node) {
        if (mm1__json_failed(item)) {
            return;
        }
        read_scripted(scenario, item, &faults[index++]);
    }
    scenario->faults.scripted = faults;
    scenario->faults.scripted_count = (uint32_t)count;
}

/* --- random --------------------------------------------------------------------------------------------------- */

static void read_all_as_hosts(struct sim_scenario *scenario, const struct mm1__json_node *node,
                              struct sim_indices *out)
{
    uint32_t *items = sim__scenario_array(scenario, node, scenario->host_count, sizeof(*items));
    for (uint32_t i = 0; items != NULL && i < scenario->host_count; i++) {
        items[i] = i;
    }
    *out = (struct sim_indices){.items = items, .count = scenario->host_count};
}

static void read_random_class(struct sim_scenario *scenario, const struct mm1__json_node *node,
                              enum sim_fault_class class)
{
    struct sim_random_fault *fault = &scenario->faults.random[class];
    struct mm1__json_object object;
    size_t least = hits_one(class) ? 1 : 2;
    mm1__json_object_begin(&object, node);
    *fault = (struct sim_random_fault){.configured = true, .on = {1, 2}, .one_way = {0, 1}};
    sim__read_time_above_zero(mm1__json_required(&object, "every"), &fault->every_ns);
    if (class != SIM_FAULT_RESET) {
        const struct mm1__json_node *dwell = mm1__json_required(&object, "for");
        sim__read_window(dwell, &fault->dwell);
        if (dwell != NULL && !mm1__json_failed(dwell) && fault->dwell.max_ns == 0) {
            mm1__json_expected(dwell, "a duration above zero");
        }
    }
    mm1__json_ratio(mm1__json_optional(&object, "on"), &fault->on.num, &fault->on.den);
    const struct mm1__json_node *hosts = mm1__json_optional(&object, "hosts");
    if (hosts == NULL) {
        read_all_as_hosts(scenario, node, &fault->hosts);
    }
    sim__read_hosts(scenario, hosts, least, &fault->hosts);
    if (class == SIM_FAULT_DELAY) {
        sim__read_window(mm1__json_required(&object, "latency"), &fault->latency);
    }
    if (class == SIM_FAULT_PARTITION) {
        mm1__json_ratio(mm1__json_optional(&object, "one_way"), &fault->one_way.num,
                        &fault->one_way.den);
    }
    mm1__json_object_end(&object);
    if (!mm1__json_failed(node) && fault->hosts.count < least) {
        mm1__json_fail_key(node, "\"%s\" needs two hosts, the scenario has one",
                           CLASS_NAMES[class]);
    }
}

static void read_random(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    for (unsigned i = 0; i < SIM_FAULT_CLASSES; i++) {
        const struct mm1__json_node *class = mm1__json_optional(&object, CLASS_NAMES[i]);
        if (class != NULL) {
            read_random_class(scenario, class, (enum sim_fault_class)i);
        }
    }
    mm1__json_object_end(&object);
}

void sim__read_faults(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    if (node == NULL || mm1__json_failed(node)) {
        return;
    }
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *until = mm1__json_required(&object, "until");
    sim__read_time_above_zero(until, &scenario->faults.until_ns);
    const struct mm1__json_node *scripted = mm1__json_optional(&object, "scripted");
    const struct mm1__json_node *random = mm1__json_optional(&object, "random");
    mm1__json_object_end(&object);
    if (mm1__json_failed(node)) {
        return;
    }
    if (scenario->faults.until_ns >= scenario->end.at_most_ns) {
        mm1__json_expected(
            until, "a time before the end of the run (/end/at_most), so that the system can heal");
        return;
    }
    read_script(scenario, scripted);
    read_random(scenario, random);
}
