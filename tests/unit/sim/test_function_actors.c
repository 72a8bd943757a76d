/* Function actors in simulation: at both granularities, under both kinds of delivery, with crashes in the middle of
 * their turns. */
#include <stdio.h>

#include <mm1/function.h>
#include <mm1/system.h>

#include "mm1_test.h"
#include "sim/run.h"
#include "sim/scenario.h"

#define MS MM1_NS_PER_MS

#define SQUARE_FIELDS(F) F(u32, n) F(bool, last)
MM1_MSG_DECLARE(square, SQUARE_FIELDS)
MM1_MSG_DEFINE(square, "test::Square", SQUARE_FIELDS)
MM1_REQUEST_DECLARE(square)
MM1_REQUEST_DEFINE(square, "test::Square")
#define SQUARED_FIELDS(F) F(u32, n)
MM1_MSG_DECLARE(squared, SQUARED_FIELDS)
MM1_MSG_DEFINE(squared, "test::Squared", SQUARED_FIELDS)
MM1_RESPONSE_DECLARE(squared)
MM1_RESPONSE_DEFINE(squared, "test::Squared")
#define BOSS_FIELDS(F) F(u32, rounds)
MM1_MSG_DECLARE(boss, BOSS_FIELDS)
MM1_MSG_DEFINE(boss, "test::Boss", BOSS_FIELDS)
MM1_MSG_DECLARE_UNIT(done)
MM1_MSG_DEFINE_UNIT(done, "test::Done")
MM1_MSG_DECLARE_UNIT(noise)
MM1_MSG_DEFINE_UNIT(noise, "test::Noise")

static void clean_up(void *arg)
{
    (*(unsigned *)arg)++;
}

static mm1_status own_something(struct mm1_ctx *ctx)
{
    unsigned *count = mm1_arena_take(ctx, sizeof(*count));
    if (count == NULL) {
        return MM1_NOMEM;
    }
    *count = 0;
    return mm1_defer(ctx, clean_up, count);
}

static mm1_status worker_main(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    MM1_TRY(own_something(ctx));
    MM1_TRY(mm1_sleep(ctx, mm1_random(ctx, 2 * MS)));
    mm1_init_done(ctx, mm1_self(ctx));
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv_type(ctx, MM1_FOREVER, &square_request_type, &envelope));
        const struct square_request *m = envelope->msg;
        MM1_TRY(mm1_reply(ctx, &m->header, squared, .n = m->body.n * m->body.n));
        MM1_TRY(mm1_tell(ctx, mm1_parent(ctx), noise, .mm1_unit = 0));
        if (m->body.last) {
            return MM1_OK;
        }
    }
}

static const struct mm1_function worker = MM1_FUNCTION("worker", worker_main);

static mm1_status ask_square(struct mm1_ctx *ctx, mm1_addr to, uint32_t n, bool last)
{
    const struct squared *answer;
    MM1_TRY(mm1_ask(ctx, to, 100 * MS, square, squared, &answer, .n = n, .last = last));
    MM1_TRY(mm1_sleep(ctx, 1));
    return answer->n == n * n ? MM1_OK : MM1_INTERNAL;
}

/* Starts a worker, asks it, and ends it in one of three ways. */
static mm1_status play_round(struct mm1_ctx *ctx, uint32_t n)
{
    mm1_addr addr;
    struct mm1_spawn spawn = {.behaviour = &worker.behaviour, .link = n % 2 == 0};
    MM1_TRY(mm1_start(ctx, &spawn, 100 * MS, &addr));
    MM1_TRY(ask_square(ctx, addr, n, false));
    if (n % 3 == 0) {
        return mm1_shutdown(ctx, addr, 100 * MS);
    }
    if (n % 3 == 1) {
        return ask_square(ctx, addr, n + 1, true);
    }
    MM1_TRY(mm1_unlink(ctx, addr));
    (void)mm1_kill(ctx, addr);
    const struct squared *none;
    mm1_status status = mm1_ask(ctx, addr, 100 * MS, square, squared, &none, .n = n);
    return status == MM1_NOPROC || status == MM1_EXITED ? MM1_OK : MM1_INTERNAL;
}

static mm1_status boss_main(struct mm1_ctx *ctx, const void *arg)
{
    const struct boss *boss = arg;
    const struct mm1_envelope *envelope;
    mm1_trap_exit(ctx, true);
    MM1_TRY(own_something(ctx));
    for (uint32_t n = 0; n < boss->rounds; n++) {
        MM1_TRY(play_round(ctx, n));
    }
    mm1_status status = MM1_OK;
    while (status == MM1_OK) { /* what has come besides: nothing of a call */
        status = mm1_recv_for(ctx, 50 * MS, &envelope);
        if (status == MM1_OK && !mm1_is(envelope, &noise_type) &&
            !mm1_is(envelope, &mm1_exited_type)) {
            return MM1_INTERNAL;
        }
    }
    if (status != MM1_TIMEOUT) {
        return status;
    }
    mm1_observe(ctx, done, .mm1_unit = 0);
    return MM1_OK;
}

static const struct mm1_function boss_function = MM1_FUNCTION("boss", boss_main);

/* --- the property: whoever was started has finished --------------------------------------------------------------- */

static enum mm1_verdict wait_see(void *state, struct mm1_alloc *alloc,
                                 const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)alloc, (void)finding;
    if (sight->event->kind == MM1_EVENT_NODE_UP) {
        *(uint64_t *)state = 1;
    } else if (sight->event->kind == MM1_EVENT_OBSERVE) {
        *(uint64_t *)state = 0;
    }
    return MM1_PASS;
}

static enum mm1_verdict wait_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                 struct mm1_finding *finding)
{
    (void)alloc;
    *evaluated = 1;
    if (*(const uint64_t *)state != 0) {
        snprintf(finding->text, sizeof(finding->text), "the boss has not finished");
        return MM1_VIOLATED;
    }
    return MM1_PASS;
}

static const struct mm1_property finishes = {
    .name = "finishes",
    .about = "the boss gets what it asks for",
    .state_size = sizeof(uint64_t),
    .see = wait_see,
    .end = wait_end,
};

static const struct mm1_msg_type *const TYPES[] = {
    &square_request_type, &squared_response_type, &boss_type, &done_type, &noise_type,
};
static const struct mm1_role ROLES[] = {
    {.name = "boss", .about = "x", .main = &boss_function.behaviour, .arg_type = &boss_type},
};
static const struct mm1_system SYSTEM = {
    .abi = MM1_SYSTEM_ABI,
    .name = "functions",
    .source_version = "1",
    .about = "function actors that call each other",
    .types = TYPES,
    .type_count = MM1_COUNT_OF(TYPES),
    .roles = ROLES,
    .role_count = MM1_COUNT_OF(ROLES),
    .properties = &finishes,
    .property_count = 1,
};

/* Runs seeds; each passes, and says the same twice. The number of faults that were injected. */
static uint64_t run_seeds(const char *more, uint64_t seeds)
{
    char text[1024];
    struct mm1_diag diag;
    struct sim_scenario *scenario;
    snprintf(text, sizeof(text),
             "{\"system\": \"functions\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {"
             "\"role\": \"boss\", \"auto\": \"<a0:>/16\", \"args\": {\"rounds\": 40}}},"
             "\"properties\": [\"finishes\"], \"end\": {\"at_most\": \"60s\", \"quiet\": true}%s}",
             more);
    cr_assert_eq(sim_scenario_load_text(mm1_text_of(text), "test.json", &scenario, &diag), MM1_OK,
                 "%s", diag.text);
    cr_assert_eq(sim_scenario_resolve(scenario, &SYSTEM, &diag), MM1_OK, "%s", diag.text);
    uint64_t faults = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct sim_run_spec spec = {.scenario = scenario, .system = &SYSTEM, .seed = seed};
        struct sim_result result;
        sim_run(&spec, &result);
        cr_assert_eq(result.verdict, SIM_PASSED, "seed %llu: %s", (unsigned long long)seed,
                     result.text);
        cr_assert_geq(result.checks, 1);
        faults += result.faults;
        if (seed % 5 == 1) {
            struct sim_result again;
            sim_run(&spec, &again);
            cr_assert_eq(again.hash, result.hash, "seed %llu", (unsigned long long)seed);
        }
    }
    sim_scenario_free(scenario);
    return faults;
}

#ifdef MM1_TEST_SLOW
#define SEEDS 5
#else
#define SEEDS 20
#endif

Test(function_sim, at_granularity_turn)
{
    cr_assert_eq(run_seeds("", SEEDS), 0);
}

Test(function_sim, at_granularity_effect)
{
    cr_assert_eq(run_seeds(", \"granularity\": \"effect\"", SEEDS), 0);
}

Test(function_sim, with_pairwise_delivery)
{
    cr_assert_eq(
        run_seeds(", \"granularity\": \"effect\", \"local_delivery\": \"pairwise\"", SEEDS), 0);
}

#define CRASHES                                                                                    \
    ", \"faults\": {\"until\": \"2s\", \"random\": {\"crash\": {\"every\": \"20ms\", \"for\": "    \
    "[\"1ms\", \"10ms\"]}}}"

Test(function_sim, with_crashes)
{
    cr_assert_gt(run_seeds(CRASHES, SEEDS), 10 * SEEDS);
}

Test(function_sim, with_crashes_in_the_middle_of_a_turn)
{
    cr_assert_gt(run_seeds(", \"granularity\": \"effect\"" CRASHES, SEEDS), 10 * SEEDS);
}
