/* The scenario loader: hosts and nodes. */
#include <stdio.h>
#include <string.h>

#include "host/units.h"
#include "sim/scenario_read.h"

#define NAME_SIZE_MAX 64

/* Names stand in paths ("/a/store#1") and in "tcp://a:9000". */
static void check_name(const struct mm1__json_node *node)
{
    struct mm1_text name = mm1__json_key(node);
    bool good = name.size >= 1 && name.size <= NAME_SIZE_MAX && strchr("_.-", name.data[0]) == NULL;
    for (size_t i = 0; i < name.size && good; i++) {
        char c = name.data[i];
        char letter = (char)(c | 0x20);
        good =
            (c >= '0' && c <= '9') || (letter >= 'a' && letter <= 'z') || strchr("_.-", c) != NULL;
    }
    if (!good) {
        mm1__json_fail_key(node,
                           "a name is 1 to %d letters, digits, \"_\", \".\" and \"-\", the first a "
                           "letter or digit",
                           NAME_SIZE_MAX);
    }
}

/* Checks the size of an object whose members are named things; 0 when it is none or something is wrong. */
static size_t count_members(const struct mm1__json_node *node, const char *what, size_t max)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    size_t count = mm1__json_count(object.node);
    if (mm1__json_failed(node)) {
        return 0;
    }
    if (count == 0 || count > max) {
        mm1__json_fail(node, "expected 1 to %zu %s, got %zu", max, what, count);
        return 0;
    }
    return count;
}

void sim__read_all_hosts(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    size_t count = count_members(node, "hosts", SIM_HOSTS_MAX);
    if (count == 0) {
        return;
    }
    struct sim_host *hosts = sim__scenario_array(scenario, node, count, sizeof(*hosts));
    if (hosts == NULL) {
        return;
    }
    MM1__JSON_FOREACH(item, node) {
        struct mm1__json_object object;
        check_name(item);
        mm1__json_object_begin(&object, item);
        mm1__json_object_end(&object);
        hosts[scenario->host_count++].name = mm1__json_key(item).data;
    }
    scenario->hosts = hosts;
}

/* --- endpoints ------------------------------------------------------------------------------------------------ */

struct endpoint {
    struct mm1_text host; /* of tcp; empty for uds */
};

static bool starts_with(struct mm1_text text, const char *beginning)
{
    size_t size = strlen(beginning);
    return text.size >= size && memcmp(text.data, beginning, size) == 0;
}

static bool parse_endpoint(struct mm1_text text, struct endpoint *out)
{
    uint64_t port = 0;
    if (starts_with(text, "uds:///")) {
        *out = (struct endpoint){.host = MM1_TEXT("")};
        return text.size > strlen("uds:///");
    }
    if (!starts_with(text, "tcp://")) {
        return false;
    }
    const char *host = text.data + strlen("tcp://");
    const char *colon = strchr(host, ':');
    if (colon == NULL || colon[1] == '0' || colon == host) {
        return false;
    }
    *out = (struct endpoint){.host = {.data = host, .size = (size_t)(colon - host)}};
    return mm1__u64_parse(mm1_text_of(colon + 1), &port) == MM1_OK && port >= 1 && port <= 65535;
}

/* Checks one name; sets the host it is on, which for a socket file is the node's own. */
static void read_endpoint(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                          uint32_t own_host, uint32_t *host, const char **out)
{
    struct endpoint endpoint = {.host = MM1_TEXT("")};
    struct mm1_text text = {0};
    char hint[160];
    mm1__json_text(node, &text);
    if (text.data == NULL) {
        return;
    }
    if (!parse_endpoint(text, &endpoint)) {
        mm1__json_expected(node, "a name like \"tcp://%s:9000\" or \"uds:///path\"",
                           scenario->hosts[0].name);
        return;
    }
    *out = text.data;
    *host = own_host;
    if (endpoint.host.size == 0) {
        return;
    }
    struct mm1__nearest nearest = mm1__nearest(endpoint.host);
    for (uint32_t i = 0; i < scenario->host_count; i++) {
        struct mm1_text name = mm1_text_of(scenario->hosts[i].name);
        if (mm1_text_equal(name, endpoint.host)) {
            *host = i;
            return;
        }
        mm1__nearest_offer(&nearest, name);
    }
    mm1__json_fail(node, "expected a host of /hosts after \"tcp://\", got \"%.*s\"%s",
                   (int)endpoint.host.size, endpoint.host.data,
                   mm1__nearest_hint(&nearest, hint, sizeof(hint)));
}

/* True when the node listens at `name`, seen from `host`: a socket file is known on its own host alone. */
static bool listens(const struct sim_node *node, const char *name, uint32_t host)
{
    for (uint32_t i = 0; i < node->inbound_count; i++) {
        bool local = starts_with(mm1_text_of(name), "uds:");
        if (strcmp(node->inbound[i], name) == 0 && (!local || node->host == host)) {
            return true;
        }
    }
    return false;
}

static const struct sim_node *find_listener(const struct sim_scenario *scenario, uint32_t count,
                                            const char *name, uint32_t host)
{
    for (uint32_t i = 0; i < count; i++) {
        if (listens(&scenario->nodes[i], name, host)) {
            return &scenario->nodes[i];
        }
    }
    return NULL;
}

static const char *const *read_endpoints(struct sim_scenario *scenario,
                                         const struct mm1__json_node *node, struct sim_node *owner,
                                         bool inbound, uint32_t *count_out)
{
    size_t count = 0;
    size_t index = 0;
    mm1__json_list(node, 0, SIM_NAMES_MAX, &count);
    if (count == 0) {
        return NULL;
    }
    const char **names = sim__scenario_array(scenario, node, count, sizeof(*names));
    if (names == NULL) {
        return NULL;
    }
    MM1__JSON_FOREACH(item, node) {
        uint32_t host = owner->host;
        read_endpoint(scenario, item, owner->host, &host, &names[index]);
        if (mm1__json_failed(item)) {
            return NULL;
        }
        if (inbound && host != owner->host) {
            mm1__json_fail(item, "expected a name on the node's own host \"%s\", got one on \"%s\"",
                           scenario->hosts[owner->host].name, scenario->hosts[host].name);
        }
        for (size_t i = 0; i < index; i++) {
            if (strcmp(names[i], names[index]) == 0) {
                mm1__json_fail(item, "\"%.100s\" occurs twice", names[i]);
            }
        }
        index++;
    }
    *count_out = (uint32_t)count;
    return names;
}

static void check_inbound(const struct sim_scenario *scenario, const struct mm1__json_node *list,
                          uint32_t self)
{
    uint32_t index = 0;
    MM1__JSON_FOREACH(item, list) {
        const struct sim_node *node = &scenario->nodes[self];
        if (mm1__json_failed(item)) {
            return;
        }
        const struct sim_node *other =
            find_listener(scenario, self, node->inbound[index++], node->host);
        if (other != NULL) {
            mm1__json_fail(item, "the node \"%s\" listens there already", other->name);
        }
    }
}

static void check_outbound(const struct sim_scenario *scenario, const struct mm1__json_node *list,
                           uint32_t self)
{
    char hint[160];
    uint32_t index = 0;
    MM1__JSON_FOREACH(item, list) {
        const struct sim_node *node = &scenario->nodes[self];
        if (mm1__json_failed(item)) {
            return;
        }
        const char *name = node->outbound[index++];
        if (find_listener(scenario, scenario->node_count, name, node->host) != NULL) {
            continue;
        }
        struct mm1__nearest nearest = mm1__nearest(mm1_text_of(name));
        for (uint32_t i = 0; i < scenario->node_count; i++) {
            for (uint32_t j = 0; j < scenario->nodes[i].inbound_count; j++) {
                mm1__nearest_offer(&nearest, mm1_text_of(scenario->nodes[i].inbound[j]));
            }
        }
        mm1__json_fail(item, "expected a name at which some node listens, got \"%.100s\"%s", name,
                       mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    }
}

/* --- subnets -------------------------------------------------------------------------------------------------- */

static void read_binds(struct sim_scenario *scenario, const struct mm1__json_node *node,
                       struct sim_node *owner)
{
    size_t count = 0;
    size_t index = 0;
    mm1__json_list(node, 0, SIM_NAMES_MAX, &count);
    if (count == 0) {
        return;
    }
    struct mm1_net *nets = sim__scenario_array(scenario, node, count, sizeof(*nets));
    if (nets == NULL) {
        return;
    }
    MM1__JSON_FOREACH(item, node) {
        mm1__json_net(item, &nets[index++]);
    }
    owner->binds = nets;
    owner->bind_count = (uint32_t)count;
}

/* A single node has the default subnets; several need different ones, so each says its own. */
static void read_nets(struct sim_scenario *scenario, struct mm1__json_object *object,
                      struct sim_node *node, bool single)
{
    static const struct mm1_net DEFAULT_BIND = {.addr = {0xfff0000000000000u}, .mask = 13};
    const struct mm1__json_node *auto_net =
        single ? mm1__json_optional(object, "auto") : mm1__json_required(object, "auto");
    const struct mm1__json_node *binds = mm1__json_optional(object, "bind");
    node->auto_net = MM1_NET_DEFAULT_AUTO;
    mm1__json_net(auto_net, &node->auto_net);
    if (auto_net != NULL && !mm1__json_failed(auto_net) && node->auto_net.mask > 56) {
        mm1__json_expected(
            auto_net, "a subnet with room for actors, which take 256 addresses each: /56 or wider");
    }
    if (single && binds == NULL) {
        node->binds = &DEFAULT_BIND;
        node->bind_count = 1;
    }
    read_binds(scenario, binds, node);
}

/* The subnet number `index` of a node (0: auto, then bind), and its value in the file, or else the node's. */
static struct mm1_net net_of(const struct sim_node *node, uint32_t index)
{
    return index == 0 ? node->auto_net : node->binds[index - 1];
}

static const struct mm1__json_node *net_node(const struct mm1__json_node *node, uint32_t index)
{
    const struct mm1__json_node *value = mm1__json_find(node, index == 0 ? "auto" : "bind");
    const struct mm1__json_node *item = index == 0 ? NULL : mm1__json_first(value);
    for (uint32_t i = 1; item != NULL && i < index; i++) {
        item = mm1__json_next(item);
    }
    return item != NULL ? item : value != NULL ? value : node;
}

/* Reports when a net of the node `self` overlaps an earlier one, of this or another node. */
static void check_nets(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                       uint32_t self)
{
    const struct sim_node *owner = &scenario->nodes[self];
    for (uint32_t i = 0; i <= owner->bind_count; i++) {
        for (uint32_t j = 0; j <= self; j++) {
            const struct sim_node *other = &scenario->nodes[j];
            uint32_t earlier = j == self ? i : other->bind_count + 1;
            for (uint32_t k = 0; k < earlier; k++) {
                if (mm1_net_overlaps(net_of(owner, i), net_of(other, k))) {
                    char mine[MM1_NET_TEXT_MAX];
                    char text[MM1_NET_TEXT_MAX];
                    (void)mm1_net_print(net_of(owner, i), mine);
                    (void)mm1_net_print(net_of(other, k), text);
                    mm1__json_fail(net_node(node, i),
                                   "the subnet %s overlaps %s, a subnet of node \"%s\"", mine, text,
                                   other->name);
                    return;
                }
            }
        }
    }
}

/* --- nodes ---------------------------------------------------------------------------------------------------- */

/* The host of a node: named, or the one that has the node's name. */
static void read_node_host(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                           const struct mm1__json_node *host, struct sim_node *out)
{
    if (host != NULL) {
        sim__read_host(scenario, host, &out->host);
        return;
    }
    for (uint32_t i = 0; i < scenario->host_count; i++) {
        if (strcmp(scenario->hosts[i].name, out->name) == 0) {
            out->host = i;
            return;
        }
    }
    mm1__json_fail(node, "the key \"host\" is missing, and no host is called \"%s\"", out->name);
}

static void read_node(struct sim_scenario *scenario, const struct mm1__json_node *node,
                      struct sim_node *out, bool single)
{
    struct mm1__json_object object;
    check_name(node);
    out->name = mm1__json_key(node).data;
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *host = mm1__json_optional(&object, "host");
    sim__read_string(mm1__json_required(&object, "role"), &out->role_name);
    (void)mm1__json_optional(&object, "args"); /* read when the system is known */
    sim__read_time(mm1__json_optional(&object, "at"), &out->at_ns);
    const struct mm1__json_node *inbound = mm1__json_optional(&object, "inbound");
    const struct mm1__json_node *outbound = mm1__json_optional(&object, "outbound");
    read_nets(scenario, &object, out, single);
    mm1__json_object_end(&object);
    if (mm1__json_failed(node)) {
        return;
    }
    read_node_host(scenario, node, host, out);
    out->inbound = read_endpoints(scenario, inbound, out, true, &out->inbound_count);
    out->outbound = read_endpoints(scenario, outbound, out, false, &out->outbound_count);
}

void sim__read_nodes(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    size_t count = count_members(node, "nodes", SIM_NODES_MAX);
    if (count == 0) {
        return;
    }
    scenario->nodes = sim__scenario_array(scenario, node, count, sizeof(*scenario->nodes));
    if (scenario->nodes == NULL) {
        return;
    }
    MM1__JSON_FOREACH(item, node) {
        uint32_t self = scenario->node_count++;
        read_node(scenario, item, &scenario->nodes[self], count == 1);
        if (mm1__json_failed(item)) {
            return;
        }
        check_inbound(scenario, mm1__json_find(item, "inbound"), self);
        check_nets(scenario, item, self);
        if (scenario->nodes[self].at_ns >= scenario->end.at_most_ns) {
            mm1__json_expected(mm1__json_find(item, "at"),
                               "a time before the end of the run (/end/at_most)");
        }
    }
    uint32_t self = 0;
    MM1__JSON_FOREACH(item, node) {
        check_outbound(scenario, mm1__json_find(item, "outbound"), self++);
    }
}
