/* What one step costs beside many actors that do nothing and many timers that are far from due.
 *
 *     bench_cost [WORK [IDLE TIMERS STEPS]]
 *
 * Two actors pass a token to and fro, STEPS times, and do WORK at each hop: "send" is nothing else, "cancel" arms a
 * timer and cancels that of the hop before, "fire" has the token come back by a timer instead, "spawn" starts a child
 * that ends at once.
 * The counting begins when all IDLE actors have started and all TIMERS are armed: under callgrind with
 * --instr-atstart=no only the hops are counted (cost.sh). Without numbers it prints the time of each case as a row. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <valgrind/callgrind.h>

#include "bench.h"

enum work { SEND, CANCEL, FIRE, SPAWN, WORKS };
static const char *const work_names[WORKS] = {"send", "cancel", "fire", "spawn"};

/* What the benchmark and the actors of its only world tell each other: when the hops began and ended. */
static struct {
    double begun;
    double took;
} hops;

#define COST_ARGS_FIELDS(F) F(u64, work) F(u64, idle) F(u64, timers) F(u64, steps)
MM1_MSG_DECLARE(cost_args, COST_ARGS_FIELDS)
MM1_MSG_DEFINE(cost_args, "cost::Args", COST_ARGS_FIELDS)

/* Sent to oneself by a timer, once all have started. */
MM1_MSG_DECLARE_UNIT(cost_go)
MM1_MSG_DEFINE_UNIT(cost_go, "cost::Go")

#define COST_TOKEN_FIELDS(F) F(u64, hops_left) F(addr, other)
MM1_MSG_DECLARE(cost_token, COST_TOKEN_FIELDS)
MM1_MSG_DEFINE(cost_token, "cost::Token", COST_TOKEN_FIELDS)

#define GO_AFTER_NS (MM1_NS_PER_SEC * 3600)
#define FAR_NS (MM1_NS_PER_SEC * 360000)
#define NEAR_NS (MM1_NS_PER_SEC * 3600)

/* --- who does nothing ----------------------------------------------------------------------------------------- */

static mm1_status idle_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour idle_behaviour = {.name = "idle", .receive = idle_receive};

static mm1_status brief_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static const struct mm1_behaviour brief_behaviour = {
    .name = "brief", .init = brief_init, .receive = idle_receive};

/* --- who plays ------------------------------------------------------------------------------------------------ */

struct player {
    enum work work;
    uint64_t timer;
};

static mm1_status player_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx;
    ((struct player *)state)->work = (enum work)((const struct cost_args *)arg)->work;
    return MM1_OK;
}

static mm1_status pass_on(struct mm1_ctx *ctx, struct player *player, const struct cost_token *m)
{
    mm1_addr other = m->other;
    const struct cost_token next = {.hops_left = m->hops_left - 1, .other = mm1_self(ctx)};
    mm1_addr child;
    switch (player->work) {
    case CANCEL:
        (void)mm1_timer_cancel(ctx, player->timer);
        MM1_TRY(mm1_after(ctx, NEAR_NS, &player->timer, cost_go, .mm1_unit = 0));
        break;
    case FIRE: /* a hop is a message to oneself, which takes a step to fire and one to arrive */
        return mm1_timer_start(
            ctx, &(struct mm1_timer_spec){.after_ns = 1000, .type = &cost_token_type, .msg = &next},
            &player->timer);
    case SPAWN:
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &brief_behaviour}, &child));
        break;
    case SEND:
    case WORKS:
        break;
    }
    return mm1_send(ctx, other, &cost_token_type, &next, NULL);
}

static mm1_status player_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, cost_token, m) {
        if (m->hops_left != 0) {
            return pass_on(ctx, state, m);
        }
        CALLGRIND_STOP_INSTRUMENTATION;
        hops.took = bench_seconds() - hops.begun;
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour player_behaviour = {
    .name = "player",
    .state_size = sizeof(struct player),
    .init = player_init,
    .receive = player_receive,
};

/* --- who begins ----------------------------------------------------------------------------------------------- */

struct starter {
    uint64_t steps;
    mm1_addr players[2];
};

static mm1_status starter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct cost_args *args = arg;
    struct starter *starter = state;
    mm1_addr idle;
    uint64_t timer;
    starter->steps = args->steps;
    for (uint64_t i = 0; i < args->idle; i++) {
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &idle_behaviour}, &idle));
    }
    for (uint64_t i = 0; i < args->timers; i++) {
        MM1_TRY(mm1_after(ctx, FAR_NS + i, &timer, cost_go, .mm1_unit = 0));
    }
    for (int i = 0; i < 2; i++) {
        MM1_TRY(mm1_spawn(ctx,
                          &(struct mm1_spawn){.behaviour = &player_behaviour,
                                              .arg_type = &cost_args_type,
                                              .arg = args},
                          &starter->players[i]));
    }
    return mm1_after(ctx, GO_AFTER_NS, &timer, cost_go, .mm1_unit = 0);
}

static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    const struct starter *starter = state;
    MM1_ON(envelope, cost_go, m) {
        hops.begun = bench_seconds();
        CALLGRIND_START_INSTRUMENTATION;
        return mm1_tell(ctx, starter->players[0], cost_token, .hops_left = starter->steps,
                        .other = starter->players[1]);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour starter_behaviour = {
    .name = "starter",
    .state_size = sizeof(struct starter),
    .init = starter_init,
    .receive = starter_receive,
};

static enum mm1_verdict hopped_see(void *state, struct mm1_alloc *alloc,
                                   const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)state;
    (void)alloc;
    (void)sight;
    (void)finding;
    return MM1_PASS;
}

static enum mm1_verdict hopped_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                   struct mm1_finding *finding)
{
    (void)state;
    (void)alloc;
    *evaluated = 1;
    if (hops.took > 0) {
        return MM1_PASS;
    }
    *finding = (struct mm1_finding){.text = "the token did not make its hops"};
    return MM1_VIOLATED;
}

static const struct mm1_role roles[] = {
    {.name = "starter", .main = &starter_behaviour, .arg_type = &cost_args_type}};
static const struct mm1_msg_type *const types[] = {&cost_args_type, &cost_go_type,
                                                   &cost_token_type};
static const struct mm1_property properties[] = {{.name = "hopped",
                                                  .about = "the token makes all its hops",
                                                  .see = hopped_see,
                                                  .end = hopped_end}};
static const struct mm1_system cost_system = {
    .abi = MM1_SYSTEM_ABI,
    .name = "cost",
    .source_version = "bench",
    .about = "two players among idle actors and pending timers",
    .types = types,
    .type_count = MM1_COUNT_OF(types),
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = properties,
    .property_count = MM1_COUNT_OF(properties),
};

/* --- the cases ------------------------------------------------------------------------------------------------ */

/* Nanoseconds of a hop. */
static double run_case(enum work work, uint64_t idle, uint64_t timers, uint64_t steps)
{
    static const struct mm1_system *const items[] = {&cost_system};
    const struct mm1__linked_systems linked = {.items = items, .count = 1};
    struct bench_scenario bench;
    struct sim_result result;
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"system\": \"cost\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {"
                   "\"role\": \"starter\", \"args\": {\"work\": %d, \"idle\": %" PRIu64
                   ", \"timers\": %" PRIu64 ", \"steps\": %" PRIu64 "}, \"auto\": \"<aa0:>/16\"}}, "
                   "\"granularity\": \"turn\", \"end\": {\"at_most\": \"50h\", \"quiet\": false}}",
                   (int)work, idle, timers, steps);
    bench_open_text(&bench, text, &linked);
    bench.scenario->bounds.events = UINT64_MAX;
    bench.scenario->bounds.events_per_instant = UINT64_MAX;
    bench.scenario->bounds.memory = UINT64_MAX;
    hops.took = 0;
    (void)bench_run(&bench, 1, NULL, &result);
    bench_close(&bench);
    return hops.took * 1e9 / (double)steps;
}

#define FEW 1000u
#define MANY 1000000u
#define STEPS 200000u

static void print_case(const char *what, enum work work, uint64_t idle, uint64_t timers)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "hop, %s: %s", work_names[work], what);
    bench_row(text, run_case(work, idle, timers, STEPS), 0, "ns", 0);
}

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0') {
        bench_die("usage: bench_cost [WORK [IDLE TIMERS STEPS]]");
    }
    return value;
}

int main(int argc, char **argv)
{
    bench_pin();
    for (int work = 0; work < WORKS; work++) {
        if (argc > 1 && strcmp(argv[1], work_names[work]) != 0) {
            continue;
        }
        if (argc == 5) {
            (void)run_case((enum work)work, number(argv[2]), number(argv[3]), number(argv[4]));
            return 0;
        }
        print_case("1,000 idle actors", (enum work)work, FEW, FEW);
        print_case("1,000,000 idle actors", (enum work)work, MANY, FEW);
        print_case("1,000,000 pending timers", (enum work)work, FEW, MANY);
    }
    return 0;
}
