/* The scenario loader: the top level of the file and all of it but nodes and faults. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim/scenario.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "host/load.h"
#include "host/units.h"
#include "sim/scenario_read.h"

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)
#define EVENTS_MAX UINT64_C(1000000000000)
/* a monotonic clock that started half a century ago */
#define LARGE_START (480000 * (3600 * SECOND))

/* --- readers that all parts use ------------------------------------------------------------------------------- */

void *sim__scenario_array(struct sim_scenario *scenario, const struct mm1__json_node *node,
                          size_t count, size_t size)
{
    void *array = mm1__arena_array(&scenario->own->arena, count, size);
    if (array == NULL) {
        mm1__json_nomem(node);
    }
    return array;
}

void sim__read_string(const struct mm1__json_node *node, const char **out)
{
    struct mm1_text text = {0};
    mm1__json_text(node, &text);
    if (text.data != NULL) {
        *out = text.data; /* texts of a document are terminated */
    }
}

void sim__read_time(const struct mm1__json_node *node, uint64_t *out)
{
    uint64_t value = *out;
    mm1__json_duration(node, &value);
    if (node != NULL && value > SIM_TIME_MAX_HOURS * (3600 * SECOND)) {
        mm1__json_expected(node, "a duration of at most %dh", SIM_TIME_MAX_HOURS);
        return;
    }
    *out = value;
}

void sim__read_time_above_zero(const struct mm1__json_node *node, uint64_t *out)
{
    uint64_t value = *out;
    sim__read_time(node, &value);
    if (node != NULL && !mm1__json_failed(node) && value == 0) {
        mm1__json_expected(node, "a duration above zero");
        return;
    }
    *out = value;
}

void sim__read_window(const struct mm1__json_node *node, struct sim_window *out)
{
    struct sim_window window = {0};
    size_t count = 0;
    if (node == NULL || mm1__json_failed(node)) {
        return;
    }
    if (mm1__json_kind(node) == MM1__JSON_TEXT) {
        sim__read_time(node, &window.min_ns);
        window.max_ns = window.min_ns;
    } else if (mm1__json_kind(node) != MM1__JSON_LIST) {
        mm1__json_expected(node, "a duration like \"5ms\" or two like [\"1ms\", \"10ms\"]");
    } else {
        mm1__json_list(node, 2, 2, &count);
    }
    if (count == 2) {
        const struct mm1__json_node *last = mm1__json_next(mm1__json_first(node));
        sim__read_time(mm1__json_first(node), &window.min_ns);
        sim__read_time(last, &window.max_ns);
        if (!mm1__json_failed(node) && window.min_ns > window.max_ns) {
            mm1__json_expected(last, "a duration that is not smaller than the first");
        }
    }
    *out = window;
}

void sim__read_host(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                    uint32_t *out)
{
    struct mm1_text name = {0};
    char hint[160];
    mm1__json_text(node, &name);
    if (name.data == NULL) {
        return;
    }
    struct mm1__nearest nearest = mm1__nearest(name);
    for (uint32_t i = 0; i < scenario->host_count; i++) {
        if (strcmp(scenario->hosts[i].name, name.data) == 0) {
            *out = i;
            return;
        }
        mm1__nearest_offer(&nearest, mm1_text_of(scenario->hosts[i].name));
    }
    mm1__json_fail(node, "expected the name of a host, got \"%.100s\", which is not in /hosts%s",
                   name.data, mm1__nearest_hint(&nearest, hint, sizeof(hint)));
}

void sim__read_pair(const struct sim_scenario *scenario, const struct mm1__json_node *node,
                    uint32_t *a, uint32_t *b)
{
    size_t count = 0;
    mm1__json_list(node, 2, 2, &count);
    if (count != 2) {
        return;
    }
    sim__read_host(scenario, mm1__json_first(node), a);
    sim__read_host(scenario, mm1__json_next(mm1__json_first(node)), b);
    if (!mm1__json_failed(node) && *a == *b) {
        mm1__json_fail(mm1__json_next(mm1__json_first(node)),
                       "expected two different hosts, got one twice");
    }
}

void sim__read_hosts(struct sim_scenario *scenario, const struct mm1__json_node *node, size_t min,
                     struct sim_indices *out)
{
    bool seen[SIM_HOSTS_MAX] = {false};
    size_t count = 0;
    mm1__json_list(node, min, scenario->host_count, &count);
    MM1__JSON_FOREACH(item, node) {
        uint32_t host = 0;
        sim__read_host(scenario, item, &host);
        if (mm1__json_failed(item)) {
            return;
        }
        if (seen[host]) {
            mm1__json_fail(item, "the host \"%s\" occurs twice", scenario->hosts[host].name);
            return;
        }
        seen[host] = true;
    }
    if (count == 0) {
        return;
    }
    uint32_t *items = sim__scenario_array(scenario, node, count, sizeof(*items));
    uint32_t filled = 0;
    for (uint32_t host = 0; items != NULL && host < scenario->host_count; host++) {
        if (seen[host]) {
            items[filled++] = host;
        }
    }
    *out = (struct sim_indices){.items = items, .count = filled};
}

/* --- sections ------------------------------------------------------------------------------------------------- */

static void read_starts(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    static const uint64_t DEFAULTS[] = {0, LARGE_START};
    size_t count = 0;
    size_t index = 0;
    scenario->time.starts_ns = DEFAULTS;
    scenario->time.start_count = MM1_COUNT_OF(DEFAULTS);
    mm1__json_list(node, 1, 16, &count);
    if (count == 0) {
        return;
    }
    uint64_t *starts = sim__scenario_array(scenario, node, count, sizeof(*starts));
    if (starts == NULL) {
        return;
    }
    MM1__JSON_FOREACH(item, node) {
        sim__read_time(item, &starts[index++]);
    }
    scenario->time.starts_ns = starts;
    scenario->time.start_count = (uint32_t)count;
}

static void read_time(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    scenario->time = (struct sim_time){.turn_ns = 2000, .run_within_ns = MS, .timer_slack_ns = MS};
    read_starts(scenario, mm1__json_optional(&object, "start"));
    sim__read_time(mm1__json_optional(&object, "turn"), &scenario->time.turn_ns);
    sim__read_time(mm1__json_optional(&object, "run_within"), &scenario->time.run_within_ns);
    sim__read_time(mm1__json_optional(&object, "timer_slack"), &scenario->time.timer_slack_ns);
    mm1__json_object_end(&object);
}

static bool same_pair(const struct sim_link *link, uint32_t a, uint32_t b)
{
    return (link->a == a && link->b == b) || (link->a == b && link->b == a);
}

static void read_link(struct sim_scenario *scenario, const struct mm1__json_node *node,
                      struct sim_link *link)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *between = mm1__json_required(&object, "between");
    sim__read_pair(scenario, between, &link->a, &link->b);
    sim__read_window(mm1__json_required(&object, "latency"), &link->latency);
    mm1__json_object_end(&object);
    for (uint32_t i = 0; i < scenario->network.link_count && !mm1__json_failed(node); i++) {
        if (same_pair(&scenario->network.links[i], link->a, link->b)) {
            mm1__json_fail(between, "these two hosts have a link already, /network/links/%u", i);
        }
    }
}

static void read_links(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    size_t count = 0;
    mm1__json_list(node, 0, SIM_HOSTS_MAX * SIM_HOSTS_MAX / 2, &count);
    if (count == 0) {
        return;
    }
    struct sim_link *links = sim__scenario_array(scenario, node, count, sizeof(*links));
    if (links == NULL) {
        return;
    }
    scenario->network.links = links;
    MM1__JSON_FOREACH(item, node) {
        if (mm1__json_failed(item)) {
            return;
        }
        read_link(scenario, item, &links[scenario->network.link_count]);
        scenario->network.link_count++;
    }
}

static void read_network(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    scenario->network = (struct sim_network){.latency = {MS, 10 * MS}, .chunk = 65536};
    sim__read_window(mm1__json_optional(&object, "latency"), &scenario->network.latency);
    const struct mm1__json_node *chunk = mm1__json_optional(&object, "chunk");
    mm1__json_size(chunk, &scenario->network.chunk);
    if (chunk != NULL && !mm1__json_failed(chunk) && scenario->network.chunk == 0) {
        mm1__json_expected(chunk, "a size above zero");
    }
    read_links(scenario, mm1__json_optional(&object, "links"));
    mm1__json_object_end(&object);
}

static void read_store(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    scenario->store_latency = (struct sim_window){100000, 5 * MS};
    sim__read_window(mm1__json_optional(&object, "latency"), &scenario->store_latency);
    mm1__json_object_end(&object);
}

static void read_end(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, node);
    scenario->end = (struct sim_end){.at_most_ns = 60 * SECOND, .quiet = true};
    sim__read_time_above_zero(mm1__json_optional(&object, "at_most"), &scenario->end.at_most_ns);
    mm1__json_bool(mm1__json_optional(&object, "quiet"), &scenario->end.quiet);
    const struct mm1__json_node *quiet_for = mm1__json_optional(&object, "quiet_for");
    sim__read_time(quiet_for, &scenario->end.quiet_for_ns);
    if (quiet_for != NULL && !mm1__json_failed(quiet_for)) {
        if (!scenario->end.quiet) {
            mm1__json_fail_key(quiet_for, "\"quiet_for\" has no meaning with \"quiet\": false");
        } else if (scenario->end.quiet_for_ns >= scenario->end.at_most_ns) {
            mm1__json_expected(quiet_for, "a duration shorter than \"at_most\"");
        }
    }
    mm1__json_object_end(&object);
}

static void read_bounds(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    struct sim_bounds *bounds = &scenario->bounds;
    mm1__json_object_begin(&object, node);
    *bounds = (struct sim_bounds){.events = 2000000,
                                  .events_per_instant = 100000,
                                  .memory = (uint64_t)256 << 20,
                                  .fiber_stack = (uint64_t)64 << 10};
    mm1__json_u64(mm1__json_optional(&object, "events"), 1, EVENTS_MAX, &bounds->events);
    mm1__json_u64(mm1__json_optional(&object, "events_per_instant"), 1, EVENTS_MAX,
                  &bounds->events_per_instant);
    const struct mm1__json_node *memory = mm1__json_optional(&object, "memory");
    const struct mm1__json_node *stack = mm1__json_optional(&object, "fiber_stack");
    mm1__json_size(memory, &bounds->memory);
    mm1__json_size(stack, &bounds->fiber_stack);
    mm1__json_object_end(&object);
    if (node != NULL && !mm1__json_failed(node)) {
        if (bounds->memory < (uint64_t)1 << 20) {
            mm1__json_expected(memory, "at least 1MiB");
        } else if (bounds->fiber_stack < (uint64_t)16 << 10 || bounds->fiber_stack > (uint64_t)1
                                                                                         << 30) {
            mm1__json_expected(stack, "16KiB to 1GiB");
        }
    }
}

static void read_seeds(struct sim_scenario *scenario, const struct mm1__json_node *node)
{
    struct mm1_text text = {0};
    scenario->seeds = (struct sim_seeds){.first = 1, .last = 100};
    if (node != NULL && mm1__json_kind(node) == MM1__JSON_NUMBER) {
        mm1__json_expected(node, "a text like \"1..100\": a 64-bit seed is a text");
        return;
    }
    mm1__json_text(node, &text);
    if (text.data != NULL && sim_seeds_parse(text, &scenario->seeds) != MM1_OK) {
        mm1__json_expected(node, "a range of 64-bit seeds like \"1..100\" or \"0x1f\"");
    }
}

/* The names are checked by sim_scenario_resolve, which knows the system; here that they are texts, and different. */
static void check_property_names(const struct mm1__json_node *node)
{
    size_t count = 0;
    mm1__json_list(node, 0, 1000, &count);
    MM1__JSON_FOREACH(item, node) {
        struct mm1_text name = {0};
        mm1__json_text(item, &name);
        for (const struct mm1__json_node *other = mm1__json_first(node);
             other != item && !mm1__json_failed(node); other = mm1__json_next(other)) {
            struct mm1_text before = {0};
            mm1__json_text(other, &before);
            if (mm1_text_equal(name, before)) {
                mm1__json_fail(item, "the property \"%.100s\" occurs twice", name.data);
            }
        }
    }
}

/* The name of a shared object without its ending. */
static void read_system_name(const struct mm1__json_node *node, const char **out)
{
    sim__read_string(node, out);
    if (node != NULL && !mm1__json_failed(node) && !mm1__system_name_valid(*out)) {
        mm1__json_expected(node, "a name of 1 to 64 letters, digits, \"_\" and \"-\"");
    }
}

static void read_choices(struct sim_scenario *scenario, struct mm1__json_object *object)
{
    static const char *const GRANULARITIES[] = {"turn", "effect", "mix"};
    static const char *const DELIVERIES[] = {"causal", "pairwise"};
    size_t granularity = SIM_GRANULARITY_MIX;
    size_t delivery = SIM_LOCAL_CAUSAL;
    mm1__json_choice(mm1__json_optional(object, "granularity"), GRANULARITIES,
                     MM1_COUNT_OF(GRANULARITIES), &granularity);
    mm1__json_choice(mm1__json_optional(object, "local_delivery"), DELIVERIES,
                     MM1_COUNT_OF(DELIVERIES), &delivery);
    scenario->granularity = (enum sim_granularity)granularity;
    scenario->local_delivery = (enum sim_local_delivery)delivery;
}

static void read_scenario(struct sim_scenario *scenario, const struct mm1__json_node *root)
{
    struct mm1__json_object object;
    const char *schema = NULL;
    mm1__json_object_begin(&object, root);
    sim__read_string(mm1__json_optional(&object, "$schema"), &schema);
    read_system_name(mm1__json_required(&object, "system"), &scenario->system_name);
    sim__read_string(mm1__json_optional(&object, "about"), &scenario->about);
    const struct mm1__json_node *hosts = mm1__json_required(&object, "hosts");
    const struct mm1__json_node *nodes = mm1__json_required(&object, "nodes");
    const struct mm1__json_node *faults = mm1__json_optional(&object, "faults");
    read_time(scenario, mm1__json_optional(&object, "time"));
    read_choices(scenario, &object);
    const struct mm1__json_node *network = mm1__json_optional(&object, "network");
    read_store(scenario, mm1__json_optional(&object, "store"));
    read_end(scenario, mm1__json_optional(&object, "end"));
    read_bounds(scenario, mm1__json_optional(&object, "bounds"));
    read_seeds(scenario, mm1__json_optional(&object, "seeds"));
    check_property_names(mm1__json_optional(&object, "properties"));
    mm1__json_object_end(&object);
    if (mm1__json_failed(root)) {
        return;
    }
    sim__read_all_hosts(scenario, hosts);
    sim__read_nodes(scenario, nodes);
    read_network(scenario, network);
    sim__read_faults(scenario, faults);
}

/* --- loading -------------------------------------------------------------------------------------------------- */

static void print_hash(struct mm1_text text, char out[SIM_HASH_TEXT])
{
    XXH128_hash_t hash = XXH3_128bits(text.data, text.size);
    (void)snprintf(out, SIM_HASH_TEXT, "%016" PRIx64 "%016" PRIx64, (uint64_t)hash.high64,
                   (uint64_t)hash.low64);
}

/* The last part of the path, without ".json". */
static struct mm1_text name_of(const char *file)
{
    const char *slash = strrchr(file, '/');
    struct mm1_text name = mm1_text_of(slash == NULL ? file : slash + 1);
    const size_t suffix = sizeof(".json") - 1;
    if (name.size > suffix && memcmp(name.data + name.size - suffix, ".json", suffix) == 0) {
        name.size -= suffix;
    }
    return name;
}

/* Takes over `json`. */
static mm1_status build(struct mm1__json *json, const char *file, struct sim_scenario **out,
                        struct mm1_diag *diag)
{
    struct mm1__arena arena;
    mm1__arena_init(&arena);
    struct sim_scenario_private *own = mm1__arena_array(&arena, 1, sizeof(*own));
    if (own == NULL) {
        mm1__json_free(json);
        mm1__diag_set(diag, file, "%s", mm1_status_text(MM1_NOMEM));
        return MM1_NOMEM;
    }
    own->arena = arena;
    own->json = json;
    struct sim_scenario *scenario = &own->scenario;
    scenario->own = own;
    scenario->about = "";
    scenario->text = mm1__json_source(json).data;
    scenario->text_size = mm1__json_source(json).size;
    scenario->file = mm1__arena_text(&own->arena, mm1_text_of(file));
    scenario->name = mm1__arena_text(&own->arena, name_of(file));
    print_hash(mm1__json_source(json), scenario->hash);
    if (scenario->file == NULL || scenario->name == NULL) {
        mm1__json_nomem(mm1__json_root(json));
    } else {
        read_scenario(scenario, mm1__json_root(json));
    }
    mm1_status status = mm1__json_status(json);
    if (status != MM1_OK) {
        sim_scenario_free(scenario);
        return status;
    }
    *out = scenario;
    return MM1_OK;
}

mm1_status sim_scenario_load_file(const char *path, struct sim_scenario **out,
                                  struct mm1_diag *diag)
{
    struct mm1__json *json = NULL;
    MM1_TRY(mm1__json_read(path, diag, &json));
    return build(json, path, out, diag);
}

mm1_status sim_scenario_load_text(struct mm1_text text, const char *name, struct sim_scenario **out,
                                  struct mm1_diag *diag)
{
    struct mm1__json *json = NULL;
    MM1_TRY(mm1__json_parse(text, name, diag, &json));
    return build(json, name, out, diag);
}

void sim_scenario_free(struct sim_scenario *scenario)
{
    if (scenario != NULL) {
        mm1__json_free(scenario->own->json);
        struct mm1__arena arena = scenario->own->arena; /* the scenario itself lies in it */
        mm1__arena_close(&arena);
    }
}

struct sim_window sim_scenario_latency(const struct sim_scenario *scenario, uint32_t a, uint32_t b)
{
    for (uint32_t i = 0; i < scenario->network.link_count; i++) {
        if (same_pair(&scenario->network.links[i], a, b)) {
            return scenario->network.links[i].latency;
        }
    }
    return scenario->network.latency;
}

mm1_status sim_seeds_parse(struct mm1_text text, struct sim_seeds *out)
{
    struct sim_seeds seeds;
    size_t dots = 0;
    while (dots < text.size && text.data[dots] != '.') {
        dots++;
    }
    struct mm1_text first = {.data = text.data, .size = dots};
    struct mm1_text last = first;
    if (dots < text.size) {
        if (text.size - dots < 2 || text.data[dots + 1] != '.') {
            return MM1_MALFORMED;
        }
        last = (struct mm1_text){.data = text.data + dots + 2, .size = text.size - dots - 2};
    }
    if (mm1__u64_parse(first, &seeds.first) != MM1_OK ||
        mm1__u64_parse(last, &seeds.last) != MM1_OK || seeds.first > seeds.last) {
        return MM1_MALFORMED;
    }
    *out = seeds;
    return MM1_OK;
}
