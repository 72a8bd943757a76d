/* Multi-node messaging under the simulator: three nodes ask each other while links break, hosts crash and streams are
 * cut anywhere. When the faults are over, every question has been answered. */
#include <mm1/ask.h>
#include <mm1/system.h>

#include "mm1_test.h"
#include "sim/run.h"

#define QUESTION_FIELDS(F) F(u32, number)
MM1_MSG_DECLARE(question, QUESTION_FIELDS)
MM1_MSG_DEFINE(question, "test::Question", QUESTION_FIELDS)
MM1_REQUEST_DECLARE(question)
MM1_REQUEST_DEFINE(question, "test::Question")
#define ANSWER_FIELDS(F) F(u32, number)
MM1_MSG_DECLARE(answer, ANSWER_FIELDS)
MM1_MSG_DEFINE(answer, "test::Answer", ANSWER_FIELDS)
MM1_RESPONSE_DECLARE(answer)
MM1_RESPONSE_DEFINE(answer, "test::Answer")

/* A member answers at `self`, and asks each peer in turn until it has `rounds` answers. */
#define MEMBER_ARGS_FIELDS(F) F(addr, self) F(list(addr), peers) F(u32, rounds)
MM1_MSG_DECLARE(member_args, MEMBER_ARGS_FIELDS)
MM1_MSG_DEFINE(member_args, "test::MemberArgs", MEMBER_ARGS_FIELDS)
MM1_MSG_DECLARE_UNIT(again)
MM1_MSG_DEFINE_UNIT(again, "mm1_local::test::Again")
MM1_MSG_DECLARE_UNIT(finished)
MM1_MSG_DEFINE_UNIT(finished, "mm1_local::test::Finished")

#define PEERS_MAX 4

struct member {
    struct mm1_ask ask;
    mm1_addr peers[PEERS_MAX];
    size_t peer_count;
    uint32_t answers;
    uint32_t rounds;
};

static mm1_status ask_later(struct mm1_ctx *ctx)
{
    uint64_t timer;
    return mm1_after(ctx, 100 * MM1_NS_PER_MS, &timer, again, .mm1_unit = 0);
}

static mm1_status ask_next(struct mm1_ctx *ctx, struct member *m)
{
    mm1_addr peer = m->peers[m->answers % m->peer_count];
    mm1_status status =
        mm1_ask_begin(ctx, &m->ask, peer, 400 * MM1_NS_PER_MS, question, .number = m->answers);
    return status == MM1_NOT_FOUND ? ask_later(ctx) : status;
}

static mm1_status member_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct member *m = state;
    const struct member_args *args = arg;
    m->rounds = args->rounds;
    m->peer_count = args->peers.count;
    memcpy(m->peers, args->peers.items, args->peers.count * sizeof(m->peers[0]));
    MM1_TRY(mm1_bind(ctx, (struct mm1_net){.addr = args->self, .mask = 64}, 0));
    return ask_next(ctx, m);
}

static mm1_status member_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct member *m = state;
    MM1_ON(envelope, question_request, q) {
        mm1_status status = mm1_reply(ctx, &q->header, answer, .number = q->body.number + 1);
        return status == MM1_NOT_FOUND ? MM1_OK : status;
    }
    MM1_ON(envelope, again, message) {
        return ask_next(ctx, m);
    }
    const void *body;
    switch (mm1_ask_take(ctx, &m->ask, envelope, &answer_response_type, &body)) {
    case MM1_ASK_REPLY:
        if (((const struct answer *)body)->number != m->answers + 1) {
            return MM1_INTERNAL;
        }
        m->answers++;
        if (m->answers == m->rounds) {
            mm1_observe(ctx, finished, .mm1_unit = 0);
            return MM1_OK;
        }
        return ask_next(ctx, m);
    case MM1_ASK_TIMEOUT:
        return ask_next(ctx, m);
    case MM1_ASK_DOWN:
        return ask_later(ctx);
    case MM1_ASK_STALE:
        return MM1_OK;
    case MM1_ASK_NOT_MINE:
        break;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour member_behaviour = {
    .name = "member",
    .state_size = sizeof(struct member),
    .init = member_init,
    .receive = member_receive,
};

/* --- the property: whoever was started has finished --------------------------------------------------------------- */

struct counts {
    uint64_t waiting[3]; /* by node: 1 from its start until it has finished */
};

static enum mm1_verdict counts_see(void *state, struct mm1_alloc *alloc,
                                   const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)alloc, (void)finding;
    struct counts *counts = state;
    if (sight->event->kind == MM1_EVENT_NODE_UP) {
        counts->waiting[sight->node[0] - 'a'] = 1;
    } else if (sight->event->kind == MM1_EVENT_OBSERVE) {
        counts->waiting[sight->node[0] - 'a'] = 0;
    }
    return MM1_PASS;
}

static enum mm1_verdict counts_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                   struct mm1_finding *finding)
{
    (void)alloc;
    const struct counts *counts = state;
    *evaluated = 1;
    for (int i = 0; i < 3; i++) {
        if (counts->waiting[i] != 0) {
            snprintf(finding->text, sizeof(finding->text), "node %c has not finished", 'a' + i);
            return MM1_VIOLATED;
        }
    }
    return MM1_PASS;
}

static const struct mm1_property all_finish = {
    .name = "all-finish",
    .about = "every member gets all its answers",
    .state_size = sizeof(struct counts),
    .see = counts_see,
    .end = counts_end,
};

static const struct mm1_msg_type *const TYPES[] = {
    &question_request_type, &answer_response_type, &member_args_type, &again_type, &finished_type,
};
static const struct mm1_role ROLES[] = {
    {.name = "member", .about = "x", .main = &member_behaviour, .arg_type = &member_args_type},
};
static const struct mm1_system SYSTEM = {
    .abi = MM1_SYSTEM_ABI,
    .name = "members",
    .source_version = "1",
    .about = "members that ask each other",
    .types = TYPES,
    .type_count = MM1_COUNT_OF(TYPES),
    .roles = ROLES,
    .role_count = MM1_COUNT_OF(ROLES),
    .properties = &all_finish,
    .property_count = 1,
};

#define NODES                                                                                      \
    "\"system\": \"members\", \"hosts\": {\"a\": {}, \"b\": {}, \"c\": {}}, \"nodes\": {"          \
    "\"a\": {\"role\": \"member\", \"auto\": \"<a0:>/16\", \"bind\": [\"<aa1:>/16\"],"             \
    " \"inbound\": [\"tcp://a:1\"], \"outbound\": [\"tcp://b:1\"],"                                \
    " \"args\": {\"self\": \"<aa1:1>\", \"peers\": [\"<bb1:1>\", \"<cc1:1>\"], \"rounds\": 20}},"  \
    "\"b\": {\"role\": \"member\", \"auto\": \"<b0:>/16\", \"bind\": [\"<bb1:>/16\"],"             \
    " \"inbound\": [\"tcp://b:1\"], \"outbound\": [\"tcp://a:1\", \"tcp://c:1\"],"                 \
    " \"args\": {\"self\": \"<bb1:1>\", \"peers\": [\"<cc1:1>\", \"<aa1:1>\"], \"rounds\": 20}},"  \
    "\"c\": {\"role\": \"member\", \"auto\": \"<c0:>/16\", \"bind\": [\"<cc1:>/16\"],"             \
    " \"inbound\": [\"tcp://c:1\"], \"outbound\": [\"tcp://a:1\"],"                                \
    " \"args\": {\"self\": \"<cc1:1>\", \"peers\": [\"<aa1:1>\", \"<bb1:1>\"], \"rounds\": 20}}}," \
    "\"network\": {\"latency\": [\"1ms\", \"10ms\"]}, \"properties\": [\"all-finish\"],"           \
    "\"end\": {\"at_most\": \"60s\", \"quiet\": true}"

static struct sim_scenario *load(const char *text)
{
    struct mm1_diag diag;
    struct sim_scenario *scenario;
    cr_assert_eq(sim_scenario_load_text(mm1_text_of(text), "test.json", &scenario, &diag), MM1_OK,
                 "%s", diag.text);
    cr_assert_eq(sim_scenario_resolve(scenario, &SYSTEM, &diag), MM1_OK, "%s", diag.text);
    return scenario;
}

/* Runs seeds; each passes, and says the same twice. The number of faults that were injected. */
static uint64_t run_seeds(const char *text, uint64_t seeds)
{
    struct sim_scenario *scenario = load(text);
    uint64_t faults = 0;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct sim_run_spec spec = {.scenario = scenario, .system = &SYSTEM, .seed = seed};
        struct sim_result result;
        sim_run(&spec, &result);
        cr_assert_eq(result.verdict, SIM_PASSED, "seed %llu: %s", (unsigned long long)seed,
                     result.text);
        cr_assert_geq(result.checks, 1);
        faults += result.faults;
        if (seed % 10 == 1) {
            struct sim_result again;
            sim_run(&spec, &again);
            cr_assert_eq(again.hash, result.hash, "seed %llu", (unsigned long long)seed);
        }
    }
    sim_scenario_free(scenario);
    return faults;
}

Test(multinode_sim, without_faults)
{
    cr_assert_eq(run_seeds("{" NODES "}", 30), 0);
}

Test(multinode_sim, without_faults_at_granularity_effect)
{
    cr_assert_eq(run_seeds("{" NODES ", \"granularity\": \"effect\"}", 20), 0);
}

#define FAULTY                                                                                     \
    "{" NODES ", \"faults\": {\"until\": \"8s\", \"random\": {"                                    \
    "\"crash\": {\"every\": \"2s\", \"for\": [\"100ms\", \"1500ms\"]},"                            \
    "\"partition\": {\"every\": \"3s\", \"for\": [\"200ms\", \"7s\"]},"                            \
    "\"delay\": {\"every\": \"3s\", \"for\": [\"500ms\", \"2s\"], \"latency\": [\"20ms\", "        \
    "\"250ms\"]},"                                                                                 \
    "\"reset\": {\"every\": \"1s\"},"                                                              \
    "\"half_open\": {\"every\": \"3s\", \"for\": [\"200ms\", \"1500ms\"]},"                        \
    "\"pause\": {\"every\": \"3s\", \"for\": [\"50ms\", \"800ms\"]}}}}"

Test(multinode_sim, with_faults)
{
    cr_assert_gt(run_seeds(FAULTY, 100), 500);
}
