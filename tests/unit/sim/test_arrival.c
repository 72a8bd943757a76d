/* Arrivals: what is enabled and where the clock goes, against a brute-force oracle; and many pending timers. */
#include "base/prng.h"
#include "sim_rig.h"

static const char TEXT[] =
    "{\"system\": \"rig\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {\"role\": "
    "\"idle\", \"at\": \"100h\"}}, \"time\": {\"start\": [\"0s\", \"480000h\"]}, "
    "\"end\": {\"at_most\": \"200h\", \"quiet\": false}}";

#define PROBES 40

struct probe {
    struct sim_arrival arrival;
    struct oracle *oracle;
    uint64_t earliest;
    uint64_t latest;
    bool pending;
};

struct oracle {
    struct sim_rig *rig;
    struct probe probes[PROBES];
    uint64_t before;      /* the clock before the step */
    uint64_t horizon;     /* the smallest latest time before the step */
    struct probe *chosen; /* by the step */
    unsigned arrived;
    unsigned overtaken; /* steps in which one with a later earliest time was chosen first */
};

static uint64_t smallest_latest(const struct oracle *oracle)
{
    uint64_t smallest = oracle->rig->world.start + SIM_RIG_START_NS;
    for (size_t i = 0; i < PROBES; i++) {
        const struct probe *probe = &oracle->probes[i];
        smallest = probe->pending && probe->latest < smallest ? probe->latest : smallest;
    }
    return smallest;
}

static void probe_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct probe *probe = MM1_CONTAINER_OF(arrival, struct probe, arrival);
    struct oracle *oracle = probe->oracle;
    cr_assert(probe->pending);
    cr_assert(!sim_arrival_pending(arrival), "it is pending no more");
    cr_assert_leq(probe->earliest, oracle->horizon, "it was not enabled");
    uint64_t expected = probe->earliest > oracle->before ? probe->earliest : oracle->before;
    cr_assert_eq(world->now, expected, "the clock is max(now, earliest)");
    cr_assert_leq(world->now, probe->latest > oracle->before ? probe->latest : oracle->before);
    for (size_t i = 0; i < PROBES; i++) {
        oracle->overtaken +=
            oracle->probes[i].pending && oracle->probes[i].earliest < probe->earliest;
    }
    probe->pending = false;
    oracle->chosen = probe;
    oracle->arrived++;
}

static void probe_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                           struct sim_key *key)
{
    (void)world;
    key->hash = arrival->entity;
    (void)snprintf(key->text, sizeof(key->text), "probe %llu", (unsigned long long)arrival->entity);
}

static const struct sim_arrival_ops probe_ops = {.arrive = probe_arrive,
                                                 .describe = probe_describe};

static uint64_t draw(uint64_t seed, uint64_t *nth, uint64_t n)
{
    return mm1_prng_below(mm1_prng_word(seed, 77, 0, (*nth)++), n);
}

static void probe_add(struct oracle *oracle, struct probe *probe, uint64_t seed, uint64_t *nth)
{
    uint64_t from = oracle->rig->world.now;
    probe->oracle = oracle;
    /* Some lie in the past, some have no width, some end at the same time. */
    probe->earliest = from + draw(seed, nth, 20) - (from > 5 ? draw(seed, nth, 5) : 0);
    probe->latest = probe->earliest + (draw(seed, nth, 3) == 0 ? 0 : draw(seed, nth, 30));
    probe->arrival =
        (struct sim_arrival){.ops = &probe_ops, .entity = (uint64_t)(probe - oracle->probes) + 1};
    sim_arrival_add(&oracle->rig->world, &probe->arrival, probe->earliest, probe->latest);
    probe->pending = true;
}

/* The digest of what is pending is the sum over it, however it came about. */
static uint64_t digest(const struct oracle *oracle)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < PROBES; i++) {
        sum += oracle->probes[i].pending ? i + 1 : 0;
    }
    return sum;
}

static unsigned play(uint64_t seed, uint64_t *order)
{
    struct oracle *oracle = calloc(1, sizeof(*oracle));
    uint64_t nth = 0;
    cr_assert_not_null(oracle);
    oracle->rig = sim_rig_new(TEXT, seed, NULL);
    uint64_t base = oracle->rig->world.arrivals_enabled;
    for (unsigned i = 0; i < 400; i++) {
        struct probe *probe = &oracle->probes[draw(seed, &nth, PROBES)];
        if (!probe->pending) {
            probe_add(oracle, probe, seed, &nth);
        } else if (draw(seed, &nth, 8) == 0) {
            sim_arrival_remove(&oracle->rig->world, &probe->arrival);
            sim_arrival_remove(&oracle->rig->world, &probe->arrival); /* again: ignored */
            probe->pending = false;
        }
        cr_assert_eq(oracle->rig->world.arrivals_enabled - base, digest(oracle));
        cr_assert(mm1_tree_valid(&oracle->rig->world.arrivals));
        if (draw(seed, &nth, 3) != 0) {
            oracle->before = oracle->rig->world.now;
            oracle->horizon = smallest_latest(oracle);
            oracle->chosen = NULL;
            cr_assert_eq(sim_rig_step(oracle->rig), oracle->chosen != NULL);
            *order = *order * 31 + (oracle->chosen == NULL ? 0 : oracle->chosen->arrival.entity);
        }
    }
    unsigned overtaken = oracle->overtaken;
    cr_assert_gt(oracle->arrived, 50);
    for (size_t i = 0; i < PROBES; i++) {
        sim_arrival_remove(&oracle->rig->world, &oracle->probes[i].arrival);
    }
    sim_rig_free(oracle->rig);
    free(oracle);
    return overtaken;
}

Test(arrival, what_is_enabled_is_what_the_oracle_says)
{
    unsigned overtaken = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        uint64_t first = 0;
        uint64_t again = 0;
        overtaken += play(seed, &first);
        (void)play(seed, &again);
        cr_assert_eq(first, again, "seed %llu", (unsigned long long)seed);
    }
    cr_assert_gt(overtaken, 1000, "windows overlap: order is chosen");
}

/* Every enabled arrival is chosen by some seed, none else. */
Test(arrival, each_enabled_one_can_be_first)
{
    const uint64_t windows[][2] = {{2, 12}, {5, 9}, {10, 20}, {9, 30}, {7, 9}};
    unsigned firsts[5] = {0};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct oracle *oracle = calloc(1, sizeof(*oracle));
        cr_assert_not_null(oracle);
        oracle->rig = sim_rig_new(TEXT, seed, NULL);
        uint64_t start = oracle->rig->world.start;
        for (size_t i = 0; i < 5; i++) {
            struct probe *probe = &oracle->probes[i];
            *probe = (struct probe){.oracle = oracle,
                                    .arrival = {.ops = &probe_ops, .entity = i + 1},
                                    .earliest = start + windows[i][0],
                                    .latest = start + windows[i][1],
                                    .pending = true};
            sim_arrival_add(&oracle->rig->world, &probe->arrival, probe->earliest, probe->latest);
        }
        oracle->before = oracle->rig->world.now;
        oracle->horizon = smallest_latest(oracle);
        cr_assert(sim_rig_step(oracle->rig));
        firsts[oracle->chosen - oracle->probes]++;
        for (size_t i = 0; i < 5; i++) {
            sim_arrival_remove(&oracle->rig->world, &oracle->probes[i].arrival);
        }
        sim_rig_free(oracle->rig);
        free(oracle);
    }
    cr_assert_eq(firsts[2], 0, "10 is after the smallest latest, 9");
    for (size_t i = 0; i < 5; i++) {
        cr_assert(i == 2 || (firsts[i] > 20 && firsts[i] < 90), "%zu: %u", i, firsts[i]);
    }
}

/* --- timers --------------------------------------------------------------------------------------------------- */

#define TIMERS 100000

struct bell {
    struct mm1_timer timer;
    struct sim_world *world;
    uint64_t rang_at_ns;
};

static void bell_ring(struct mm1_timer *timer)
{
    struct bell *bell = MM1_CONTAINER_OF(timer, struct bell, timer);
    bell->rang_at_ns = bell->world->now;
}

Test(arrival, a_hundred_thousand_timers_fire_in_their_windows)
{
    struct sim_rig *rig = sim_rig_new(TEXT, 3, NULL);
    struct mm1_clock *clock = rig->places[0].base.env.clock;
    struct bell *bells = calloc(TIMERS, sizeof(*bells));
    cr_assert_not_null(bells);
    uint64_t slack = rig->scenario->time.timer_slack_ns;
    for (size_t i = 0; i < TIMERS; i++) {
        bells[i].world = &rig->world;
        bells[i].timer = (struct mm1_timer){
            .due_ns = rig->world.now + i * 7919 % TIMERS * 1000, .entity = i, .fire = bell_ring};
        clock->ops->arm(clock, &bells[i].timer);
    }
    cr_assert_eq(mm1_tree_count(&rig->world.arrivals), TIMERS + 1);
    size_t cancelled = 0;
    for (size_t i = 0; i < TIMERS; i += 10, cancelled++) {
        cr_assert(clock->ops->cancel(clock, &bells[i].timer));
    }
    sim_rig_settle(rig);
    bool good = true;
    for (size_t i = 0; i < TIMERS; i++) {
        uint64_t due = bells[i].timer.due_ns;
        uint64_t at = bells[i].rang_at_ns;
        good = good && (i % 10 == 0 ? at == 0 : at >= due && at <= due + slack);
    }
    cr_assert(good);
    cr_assert_eq(rig->result.steps, TIMERS - cancelled);
    free(bells);
    sim_rig_free(rig);
}
