/* Faults: scripted ones at their time, random ones by class after drawn pauses, each for a drawn while; and the calm at
 * the end, when all of them heal. */
#include <stdio.h>

#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* A fault to come, or in force. */
struct sim_fault {
    struct mm1_list link;       /* in world->faults */
    struct sim_arrival arrival; /* its beginning, then its end */
    enum sim_fault_class class;
    bool scripted;
    bool by_hand; /* the calm is not awaited */
    bool in_force;
    uint64_t number;
    uint64_t for_ns; /* 0: until the calm */
    uint32_t a;
    uint32_t b;
    struct sim_window latency;
    struct sim_cut *cuts;
    uint32_t cut_count;
    char what[160];
};

/* A class of random faults in this run. */
struct sim_random_class {
    struct sim_arrival arrival; /* the next beginning */
    enum sim_fault_class class;
    struct sim_stream gaps;
    struct sim_stream dwells;
    struct sim_stream targets;
};

static void describe(struct sim_key *key, const char *what, const char *class)
{
    snprintf(key->text, sizeof(key->text), "%s %s", what, class);
    key->hash = XXH3_64bits(key->text, strlen(key->text));
}

/* --- in force ------------------------------------------------------------------------------------------------- */

static const char *host_name(const struct sim_world *world, uint32_t host)
{
    return world->hosts[host].spec->name;
}

static void name_cuts(const struct sim_world *world, struct sim_fault *fault)
{
    size_t used = (size_t)snprintf(fault->what, sizeof(fault->what), "partition");
    for (uint32_t i = 0; i < fault->cut_count && used + 1 < sizeof(fault->what); i++) {
        int size =
            snprintf(fault->what + used, sizeof(fault->what) - used, " %s>%s",
                     host_name(world, fault->cuts[i].from), host_name(world, fault->cuts[i].to));
        used += size < 0 ? 0 : (size_t)size;
    }
}

static void name_fault(const struct sim_world *world, struct sim_fault *fault)
{
    if (fault->class == SIM_FAULT_PARTITION) {
        name_cuts(world, fault);
    } else if (fault->class == SIM_FAULT_CRASH || fault->class == SIM_FAULT_PAUSE) {
        snprintf(fault->what, sizeof(fault->what), "%s %s", sim_fault_class_name(fault->class),
                 host_name(world, fault->a));
    } else {
        snprintf(fault->what, sizeof(fault->what), "%s %s %s", sim_fault_class_name(fault->class),
                 host_name(world, fault->a), host_name(world, fault->b));
    }
}

static void tell(struct sim_world *world, const struct sim_fault *fault, bool heals)
{
    char text[200];
    snprintf(text, sizeof(text), "%s%s", heals ? "heal " : "", fault->what);
    uint64_t seq = sim_world_event(world, MM1_EVENT_FAULT, NULL, text);
    world->cause = seq;
    if (world->spec->sink != NULL) {
        world->spec->sink->ops->fault(world->spec->sink, seq, world->now, fault->number, heals,
                                      sim_fault_class_name(fault->class), fault->what);
    }
}

static struct sim_fault **delay_of(const struct sim_world *world, uint32_t a, uint32_t b)
{
    uint32_t low = a < b ? a : b;
    uint32_t high = a < b ? b : a;
    return &world->delays[low * world->host_capacity + high];
}

struct sim_window sim_fault_latency(const struct sim_world *world, uint32_t a, uint32_t b)
{
    const struct sim_fault *delay = *delay_of(world, a, b);
    return delay != NULL ? delay->latency : sim_scenario_latency(world->scenario, a, b);
}

static void change_cuts(struct sim_world *world, const struct sim_fault *fault, bool add)
{
    for (uint32_t i = 0; i < fault->cut_count; i++) {
        uint32_t *count =
            &world->cuts[fault->cuts[i].from * world->host_capacity + fault->cuts[i].to];
        *count = add ? *count + 1 : *count - 1;
    }
    sim_net_recut(world);
}

static void pause_host(struct sim_world *world, uint32_t host, uint64_t until)
{
    world->hosts[host].paused_until = until;
    for (uint32_t i = 0; i < world->scenario->node_count; i++) {
        struct sim_node_state *node = &world->nodes[i];
        if (node->host->index == host && node->run_earliest < until) {
            node->run_earliest = until;
            node->run_latest = until + world->scenario->time.run_within_ns;
        }
    }
}

/* How long a fault without an end of its own lasts: until the calm, or for ever when it is healed by hand. */
static uint64_t end_of(const struct sim_world *world, const struct sim_fault *fault)
{
    if (fault->by_hand) {
        return fault->for_ns == 0 ? UINT64_MAX : world->now + fault->for_ns;
    }
    uint64_t calm = world->start + world->scenario->faults.until_ns;
    uint64_t end = fault->for_ns == 0 ? calm : world->now + fault->for_ns;
    return end < calm ? end : calm;
}

static void crash(struct sim_world *world, const struct sim_fault *fault)
{
    struct sim_stream stream = {.site = SIM_SITE_CRASH_PEERS, .entity = fault->number};
    bool reset = sim_choose(world, &stream, 2, NULL) == 0;
    struct sim_host_state *host = &world->hosts[fault->a];
    sim_net_lose_host(world, fault->a, reset);
    sim_disk_crash(host);
    sim_host_crash(host);
}

static void begin(struct sim_world *world, struct sim_fault *fault)
{
    fault->in_force = true;
    world->result->faults++;
    world->fired[fault->class]++;
    tell(world, fault, false);
    switch (fault->class) {
    case SIM_FAULT_PARTITION:
        change_cuts(world, fault, true);
        break;
    case SIM_FAULT_CRASH:
        crash(world, fault);
        break;
    case SIM_FAULT_RESET:
        sim_net_reset(world, fault->a, fault->b);
        break;
    case SIM_FAULT_DELAY:
        *delay_of(world, fault->a, fault->b) = fault;
        break;
    case SIM_FAULT_HALF_OPEN:
        sim_net_half_open(world, fault->a, fault->b);
        break;
    case SIM_FAULT_PAUSE:
        pause_host(world, fault->a, end_of(world, fault));
        break;
    case SIM_FAULT_CLASSES:
        break;
    }
}

static void heal(struct sim_world *world, struct sim_fault *fault)
{
    fault->in_force = false;
    tell(world, fault, true);
    switch (fault->class) {
    case SIM_FAULT_PARTITION:
        change_cuts(world, fault, false);
        break;
    case SIM_FAULT_CRASH:
        sim_host_boot(&world->hosts[fault->a]);
        break;
    case SIM_FAULT_DELAY:
        if (*delay_of(world, fault->a, fault->b) == fault) {
            *delay_of(world, fault->a, fault->b) = NULL;
        }
        break;
    case SIM_FAULT_PAUSE: /* its time is over; the next pause may have begun at this instant */
    case SIM_FAULT_RESET:
    case SIM_FAULT_HALF_OPEN:
    case SIM_FAULT_CLASSES:
        break;
    }
}

static bool lasts(enum sim_fault_class class)
{
    return class != SIM_FAULT_RESET && class != SIM_FAULT_HALF_OPEN;
}

static void fault_free(struct sim_world *world, struct sim_fault *fault)
{
    sim_arrival_remove(world, &fault->arrival);
    mm1_list_remove(&fault->link);
    mm1_give(world->alloc, fault->cuts, fault->cut_count * sizeof(fault->cuts[0]));
    mm1_give(world->alloc, fault, sizeof(*fault));
}

static bool hits_down_host(const struct sim_world *world, const struct sim_fault *fault)
{
    bool one = fault->class == SIM_FAULT_CRASH || fault->class == SIM_FAULT_PAUSE;
    return one && (world->hosts[fault->a].down || world->hosts[fault->a].paused_until > world->now);
}

/* A scripted fault that found its host down or paused. */
static void note_missed(struct sim_world *world, const struct sim_fault *fault)
{
    char *out = world->result->vacuous;
    size_t used = strlen(out);
    if (fault->scripted) {
        snprintf(out + used, sizeof(world->result->vacuous) - used,
                 "%sscripted fault found its host down or paused: %s", used == 0 ? "" : "; ",
                 fault->what);
    }
}

static void fault_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_fault *fault = MM1_CONTAINER_OF(arrival, struct sim_fault, arrival);
    if (fault->in_force) {
        heal(world, fault);
        fault_free(world, fault);
        return;
    }
    if (hits_down_host(world, fault)) {
        note_missed(world, fault);
        fault_free(world, fault);
        return;
    }
    uint64_t end = end_of(world, fault);
    begin(world, fault);
    if (!lasts(fault->class)) {
        fault_free(world, fault);
    } else if (end < world->start + world->scenario->faults.until_ns) {
        sim_arrival_add(world, &fault->arrival, end, end);
    }
}

static void fault_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                           struct sim_key *key)
{
    const struct sim_fault *fault = MM1_CONTAINER_OF(arrival, const struct sim_fault, arrival);
    (void)world;
    describe(key, fault->in_force ? "heal" : "inject", fault->what);
}

static const struct sim_arrival_ops fault_ops = {.arrive = fault_arrive,
                                                 .describe = fault_describe};

static struct sim_fault *fault_new(struct sim_world *world, enum sim_fault_class class,
                                   uint32_t cut_count)
{
    struct sim_fault *fault = mm1_take_zero(world->alloc, sizeof(*fault));
    MM1_CHECK(fault != NULL);
    fault->class = class;
    fault->number = ++world->fault_count;
    fault->arrival.ops = &fault_ops;
    fault->arrival.entity = fault->number;
    if (cut_count != 0) {
        fault->cuts = mm1_take_zero(world->alloc, cut_count * sizeof(fault->cuts[0]));
        MM1_CHECK(fault->cuts != NULL);
        fault->cut_count = cut_count;
    }
    mm1_list_push_back(&world->faults, &fault->link);
    return fault;
}

/* --- scripted ------------------------------------------------------------------------------------------------- */

static struct sim_fault *fault_of(struct sim_world *world, const struct sim_scripted_fault *spec)
{
    struct sim_fault *fault = fault_new(world, spec->class, spec->cut_count);
    for (uint32_t i = 0; i < spec->cut_count; i++) {
        fault->cuts[i] = spec->cuts[i];
    }
    fault->for_ns = spec->for_ns;
    fault->a = spec->a;
    fault->b = spec->b;
    fault->latency = spec->latency;
    name_fault(world, fault);
    return fault;
}

static void script(struct sim_world *world, const struct sim_scripted_fault *spec)
{
    struct sim_fault *fault = fault_of(world, spec);
    fault->scripted = true;
    sim_arrival_add(world, &fault->arrival, world->start + spec->at_ns, world->start + spec->at_ns);
}

/* --- by hand -------------------------------------------------------------------------------------------------- */

uint64_t sim_fault_inject(struct sim_world *world, const struct sim_scripted_fault *spec)
{
    struct sim_fault *fault = fault_of(world, spec);
    uint64_t number = fault->number;
    fault->by_hand = true;
    if (hits_down_host(world, fault)) {
        fault_free(world, fault);
        return 0;
    }
    begin(world, fault);
    if (!lasts(fault->class)) {
        fault_free(world, fault);
    } else if (fault->for_ns != 0) {
        uint64_t end = end_of(world, fault);
        sim_arrival_add(world, &fault->arrival, end, end);
    }
    return number;
}

void sim_fault_heal(struct sim_world *world, uint64_t number)
{
    MM1_LIST_FOREACH(link, &world->faults) {
        struct sim_fault *fault = MM1_CONTAINER_OF(link, struct sim_fault, link);
        if (fault->by_hand && fault->in_force && fault->number == number) {
            heal(world, fault);
            fault_free(world, fault);
            return;
        }
    }
}

uint64_t sim_fault_crash_of(const struct sim_world *world, uint32_t host)
{
    MM1_LIST_FOREACH(link, &world->faults) {
        const struct sim_fault *fault = MM1_CONTAINER_OF(link, const struct sim_fault, link);
        if (fault->by_hand && fault->in_force && fault->class == SIM_FAULT_CRASH &&
            fault->a == host) {
            return fault->number;
        }
    }
    return 0;
}

void sim_fault_note(struct sim_world *world, const char *kind, const char *what)
{
    uint64_t seq = sim_world_event(world, MM1_EVENT_FAULT, NULL, what);
    uint64_t number = ++world->fault_count;
    world->cause = seq;
    world->result->faults++;
    if (world->spec->sink != NULL) {
        world->spec->sink->ops->fault(world->spec->sink, seq, world->now, number, false, kind,
                                      what);
    }
}

/* --- random --------------------------------------------------------------------------------------------------- */

#define SIDE_WORDS 4u /* of 64 hosts each */

/* A side for each of `count` hosts, both sides inhabited: a bit for each. */
static void draw_sides(struct sim_world *world, struct sim_random_class *class, uint32_t count,
                       uint64_t sides[SIDE_WORDS])
{
    MM1_CHECK(count >= 2 && count <= SIDE_WORDS * 64);
    memset(sides, 0, SIDE_WORDS * sizeof(sides[0]));
    if (count <= 64) {
        sides[0] = 1 + sim_choose(world, &class->targets, ((uint64_t)1 << (count - 1)) - 1, NULL);
        return;
    }
    for (uint32_t i = 0; i < SIDE_WORDS; i++) {
        sides[i] = sim_choose(world, &class->targets, 0, NULL);
    }
    sides[0] |= 1;                                                   /* the first is on the left */
    sides[(count - 1) / 64] &= ~((uint64_t)1 << ((count - 1) % 64)); /* the last is not */
}

static bool is_left(const uint64_t sides[SIDE_WORDS], uint32_t i)
{
    return (sides[i / 64] >> (i % 64) & 1) != 0;
}

/* The cuts between two sides, or one direction of them. */
static struct sim_fault *draw_partition(struct sim_world *world, struct sim_random_class *class,
                                        const struct sim_random_fault *spec)
{
    uint32_t count = spec->hosts.count;
    uint64_t sides[SIDE_WORDS];
    draw_sides(world, class, count, sides);
    bool one_way = sim_choose(world, &class->targets, spec->one_way.den, NULL) < spec->one_way.num;
    bool forth = sim_choose(world, &class->targets, 2, NULL) == 0;
    uint32_t left = 0;
    for (uint32_t i = 0; i < count; i++) {
        left += is_left(sides, i) ? 1 : 0;
    }
    struct sim_fault *fault =
        fault_new(world, SIM_FAULT_PARTITION, left * (count - left) * (one_way ? 1 : 2));
    uint32_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t j = 0; j < count; j++) {
            bool from_left = is_left(sides, i);
            bool to_left = is_left(sides, j);
            if (from_left != to_left && (!one_way || from_left == forth)) {
                fault->cuts[at++] =
                    (struct sim_cut){.from = spec->hosts.items[i], .to = spec->hosts.items[j]};
            }
        }
    }
    MM1_CHECK(at == fault->cut_count);
    return fault;
}

static struct sim_fault *draw_fault(struct sim_world *world, struct sim_random_class *class,
                                    const struct sim_random_fault *spec)
{
    if (class->class == SIM_FAULT_PARTITION) {
        return draw_partition(world, class, spec);
    }
    struct sim_fault *fault = fault_new(world, class->class, 0);
    uint32_t count = spec->hosts.count;
    uint32_t a = (uint32_t)sim_choose(world, &class->targets, count, NULL);
    fault->a = spec->hosts.items[a];
    fault->latency = spec->latency;
    if (class->class != SIM_FAULT_CRASH && class->class != SIM_FAULT_PAUSE) {
        uint32_t b = (uint32_t)sim_choose(world, &class->targets, count - 1, NULL);
        fault->b = spec->hosts.items[b < a ? b : b + 1];
    }
    return fault;
}

static void schedule_next(struct sim_world *world, struct sim_random_class *class)
{
    const struct sim_random_fault *spec = &world->scenario->faults.random[class->class];
    struct sim_window gap = {.min_ns = 0, .max_ns = 2 * spec->every_ns};
    uint64_t at = world->now + sim_choose_within(world, &class->gaps, gap);
    if (at < world->start + world->scenario->faults.until_ns) {
        sim_arrival_add(world, &class->arrival, at, at);
    }
}

static void class_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_random_class *class = MM1_CONTAINER_OF(arrival, struct sim_random_class, arrival);
    const struct sim_random_fault *spec = &world->scenario->faults.random[class->class];
    struct sim_fault *fault = draw_fault(world, class, spec);
    if (lasts(class->class)) {
        fault->for_ns = sim_choose_within(world, &class->dwells, spec->dwell);
        fault->for_ns = fault->for_ns == 0 ? 1 : fault->for_ns;
    }
    name_fault(world, fault);
    fault_arrive(world, &fault->arrival);
    schedule_next(world, class);
}

static void class_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                           struct sim_key *key)
{
    const struct sim_random_class *class =
        MM1_CONTAINER_OF(arrival, const struct sim_random_class, arrival);
    (void)world;
    describe(key, "inject a", sim_fault_class_name(class->class));
}

static const struct sim_arrival_ops class_ops = {.arrive = class_arrive,
                                                 .describe = class_describe};

static void class_init(struct sim_world *world, enum sim_fault_class index)
{
    const struct sim_random_fault *spec = &world->scenario->faults.random[index];
    struct sim_random_class *class = &world->classes[index];
    struct sim_stream swarm = {.site = SIM_SITE_SWARM, .entity = (uint64_t)index};
    *class = (struct sim_random_class){
        .class = index,
        .gaps = {.site = SIM_SITE_FAULT_GAP, .entity = (uint64_t)index},
        .dwells = {.site = SIM_SITE_FAULT_DWELL, .entity = (uint64_t)index},
        .targets = {.site = SIM_SITE_FAULT_TARGET, .entity = (uint64_t)index},
        .arrival = {.ops = &class_ops, .entity = (uint64_t)index + 1},
    };
    if (spec->configured && sim_choose(world, &swarm, spec->on.den, NULL) < spec->on.num) {
        world->swarm[index] = true;
        schedule_next(world, class);
    }
}

/* --- the calm ------------------------------------------------------------------------------------------------- */

static void calm_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    (void)arrival;
    world->calm_now = true;
    for (int i = 0; i < SIM_FAULT_CLASSES; i++) {
        sim_arrival_remove(world, &world->classes[i].arrival);
    }
    MM1_LIST_FOREACH(link, &world->faults) {
        struct sim_fault *fault = MM1_CONTAINER_OF(link, struct sim_fault, link);
        if (fault->in_force) {
            heal(world, fault);
        }
        fault_free(world, fault);
    }
}

static void calm_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                          struct sim_key *key)
{
    (void)world;
    (void)arrival;
    describe(key, "end of", "faults");
}

static const struct sim_arrival_ops calm_ops = {.arrive = calm_arrive, .describe = calm_describe};

void sim_faults_init(struct sim_world *world)
{
    const struct sim_faults *faults = &world->scenario->faults;
    size_t pairs = (size_t)world->host_capacity * world->host_capacity;
    world->cuts = mm1_take_zero(world->alloc, pairs * sizeof(world->cuts[0]));
    world->delays = mm1_take_zero(world->alloc, pairs * sizeof(world->delays[0]));
    world->classes = mm1_take_zero(world->alloc, SIM_FAULT_CLASSES * sizeof(world->classes[0]));
    MM1_CHECK(world->cuts != NULL && world->delays != NULL && world->classes != NULL);
    world->calm_now = faults->until_ns == 0;
    if (world->calm_now) {
        return;
    }
    for (uint32_t i = 0; i < faults->scripted_count; i++) {
        script(world, &faults->scripted[i]);
    }
    for (int i = 0; i < SIM_FAULT_CLASSES; i++) {
        class_init(world, (enum sim_fault_class)i);
    }
    world->calm = (struct sim_arrival){.ops = &calm_ops};
    sim_arrival_add(world, &world->calm, world->start + faults->until_ns,
                    world->start + faults->until_ns);
}

void sim_faults_close(struct sim_world *world)
{
    MM1_LIST_FOREACH(link, &world->faults) {
        fault_free(world, MM1_CONTAINER_OF(link, struct sim_fault, link));
    }
}

void sim_faults_describe(const struct sim_world *world, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    MM1_LIST_FOREACH(link, &world->faults) {
        const struct sim_fault *fault = MM1_CONTAINER_OF(link, const struct sim_fault, link);
        if (fault->in_force && used + 1 < size) {
            int more =
                snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ", fault->what);
            used += more < 0 ? 0 : (size_t)more;
        }
    }
    if (used == 0) {
        snprintf(out, size, "none");
    }
}
