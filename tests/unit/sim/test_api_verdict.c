/* mm1/sim.h: verdicts, reports, many seeds, traces, scenarios. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "api_system.h"
#include "sim/trace_read.h"

TestSuite(api_verdict);

static void add(struct mm1_sim *sim, struct mm1_sim_node *node, mm1_addr counter, uint64_t n)
{
    cr_assert_eq(mm1_sim_tell(node, counter, api_add, .n = n), MM1_OK);
    mm1_status status = mm1_sim_run_until_quiet(sim, 100 * MS);
    cr_assert(status == MM1_OK || status == MM1_CLOSED, "%s", mm1_status_text(status));
}

Test(api_verdict, property)
{
    struct mm1_sim *sim = api_open(17);
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr counter = api_counter(node);
    struct mm1_sim_verdict verdict;
    add(sim, node, counter, 10);
    cr_expect_not(mm1_sim_failed(sim));
    add(sim, node, counter, 3);
    cr_expect(mm1_sim_failed(sim));
    cr_expect_not(mm1_sim_step(sim));
    cr_expect_eq(mm1_sim_run_until_quiet(sim, MS), MM1_CLOSED);
    cr_expect_not(mm1_sim_check(sim, &verdict));
    cr_expect_str_eq(verdict.word, "property");
    cr_expect_str_eq(verdict.property, "not-thirteen");
    cr_expect_str_eq(verdict.text, "thirteen was seen");
    cr_expect_eq(verdict.hash, mm1_sim_hash(sim));
    const char *report = mm1_sim_report(sim);
    static const char *const parts[] = {
        "seed 17 failed: property not-thirteen",
        "thirteen was seen",
        "faults in force: none",
        "what led to it",
        "observe test::Saw {\"n\":13}",
        "receive",
        "/a/counter#1",
        "MM1_SIM_SEED=17 ",
        " --filter api/test\n",
        "MM1_SIM_TRACE=",
    };
    for (size_t i = 0; i < MM1_COUNT_OF(parts); i++) {
        cr_expect(strstr(report, parts[i]) != NULL, "%s is not in\n%s", parts[i], report);
    }
    mm1_sim_close(sim);
}

Test(api_verdict, checks_are_counted)
{
    struct mm1_sim *sim = api_open(1);
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr counter = api_counter(node);
    struct mm1_sim_verdict verdict;
    add(sim, node, counter, 1);
    add(sim, node, counter, 1);
    cr_expect(mm1_sim_check(sim, &verdict));
    cr_expect(verdict.passed);
    cr_expect_eq(verdict.checks, 2);
    cr_expect_gt(verdict.events, 4);
    cr_expect(mm1_sim_check(sim, &verdict));
    cr_expect_eq(verdict.checks, 2);
    mm1_sim_close(sim);
}

Test(api_verdict, expectations)
{
    struct mm1_sim *sim = api_open(5);
    struct mm1_sim_verdict verdict;
    (void)api_node(sim, "a");
    cr_expect(MM1_SIM_EXPECT(sim, 1 + 1 == 2));
    cr_expect(MM1_SIM_OK(sim, MM1_OK));
    cr_expect(mm1_sim_check(sim, NULL) && !mm1_sim_failed(sim));
    mm1_sim_close(sim);

    sim = api_open(5);
    (void)api_node(sim, "a");
    cr_expect_not(MM1_SIM_OK(sim, MM1_FULL));
    cr_expect_not(MM1_SIM_EXPECT(sim, 1 + 1 == 3)); /* the first one counts */
    cr_expect(mm1_sim_failed(sim));
    cr_expect_not(mm1_sim_check(sim, &verdict));
    cr_expect(strstr(verdict.text, "MM1_FULL: inbox full") != NULL, "%s", verdict.text);
    cr_expect(strstr(verdict.text, "test_api_verdict.c:") != NULL, "%s", verdict.text);
    mm1_sim_close(sim);
}

Test(api_verdict, livelock)
{
    struct mm1_sim *sim = NULL;
    struct mm1_sim_options options = {.system = &api_system, .events_max = 1000, .silent = true};
    struct mm1_sim_verdict verdict;
    cr_assert_eq(mm1_sim_open(&options, &sim, NULL), MM1_OK);
    struct mm1_sim_node *node = api_node(sim, "a");
    (void)api_ticker(node, MS, false);
    cr_expect_eq(mm1_sim_run_until_quiet(sim, MM1_FOREVER), MM1_CLOSED);
    cr_expect_not(mm1_sim_check(sim, &verdict));
    cr_expect_str_eq(verdict.word, "livelock");
    mm1_sim_close(sim);
}

/* --- many seeds ----------------------------------------------------------------------------------------------- */

struct seen {
    uint64_t seeds[400];
    size_t count;
    uint64_t fails; /* the seed that is to fail */
};

static void note_seed(struct mm1_sim *sim, void *arg)
{
    struct seen *seen = arg;
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr counter = api_counter(node);
    seen->seeds[seen->count++] = mm1_sim_seed(sim);
    add(sim, node, counter, 1);
    (void)MM1_SIM_EXPECT(sim, mm1_sim_seed(sim) != seen->fails);
}

Test(api_verdict, seeds)
{
    struct mm1_sim_options options = {
        .name = "api/seeds", .system = &api_system, .silent = true, .repeat_every = UINT32_MAX};
    struct seen seen = {.fails = 0};
    cr_expect(mm1_sim_seeds(&options, 3, 12, note_seed, &seen));
    cr_assert_eq(seen.count, 10);
    cr_expect_eq(seen.seeds[0], 3);
    cr_expect_eq(seen.seeds[9], 12);
    seen = (struct seen){.fails = 7};
    cr_expect_not(mm1_sim_seeds(&options, 3, 12, note_seed, &seen));
    cr_expect_eq(seen.count, 5);
    options.repeat_every = 0; /* the first, and each sixteenth after it */
    seen = (struct seen){.fails = 0};
    cr_expect(mm1_sim_seeds(&options, 1, 32, note_seed, &seen));
    cr_expect_eq(seen.count, 34);
    seen = (struct seen){.fails = 0};
    cr_expect(mm1_sim_seeds(&options, UINT64_MAX, UINT64_MAX, note_seed, &seen));
    cr_expect_eq(seen.count, 2);
}

static void unsteady(struct mm1_sim *sim, void *arg)
{
    uint64_t *calls = arg;
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr counter = api_counter(node);
    add(sim, node, counter, ++*calls); /* what a scene may not do */
}

Test(api_verdict, nondeterminism)
{
    struct mm1_sim_options options = {.system = &api_system, .silent = true};
    uint64_t calls = 0;
    cr_expect_not(mm1_sim_seeds(&options, 1, 100, unsteady, &calls));
    cr_expect_eq(calls, 2);
}

Test(api_verdict, environment)
{
    struct mm1_sim_options options = {.seed = 1};
    uint64_t first = 1;
    uint64_t last = 100;
    unsetenv("MM1_SIM_SEED");
    unsetenv("MM1_SIM_TRACE");
    cr_expect_eq(mm1_sim_from_environment(&options, &first, &last), MM1_OK);
    cr_expect(first == 1 && last == 100 && options.trace == NULL && options.seed == 1);
    setenv("MM1_SIM_SEED", "17", 1);
    setenv("MM1_SIM_TRACE", "run.db", 1);
    cr_expect_eq(mm1_sim_from_environment(&options, &first, &last), MM1_OK);
    cr_expect(first == 17 && last == 17 && options.seed == 17);
    cr_expect_str_eq(options.trace, "run.db");
    setenv("MM1_SIM_SEED", "2..0x10", 1);
    cr_expect_eq(mm1_sim_from_environment(&options, &first, &last), MM1_OK);
    cr_expect(first == 2 && last == 16);
    setenv("MM1_SIM_SEED", "17x", 1);
    cr_expect_eq(mm1_sim_from_environment(&options, &first, &last), MM1_MALFORMED);
    cr_expect(first == 2 && last == 16);
    unsetenv("MM1_SIM_SEED");
    unsetenv("MM1_SIM_TRACE");
}

/* --- crashes -------------------------------------------------------------------------------------------------- */

static mm1_status aborting_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    abort();
}
static const struct mm1_behaviour aborting = {.name = "aborting", .receive = aborting_receive};

static void abort_in_seed_3(struct mm1_sim *sim, void *arg)
{
    (void)arg;
    struct mm1_sim_node *node = api_node(sim, "a");
    mm1_addr addr = api_spawn(node, mm1_sim_seed(sim) == 3 ? &aborting : &counter_server.behaviour,
                              "x", NULL, NULL);
    add(sim, node, addr, 1);
}

/* A process that dies has said in which seed, in whose turn. */
Test(api_verdict, crash)
{
    int ends[2];
    char said[2048];
    size_t size = 0;
    ssize_t got = 0;
    int how = 0;
    cr_assert_eq(pipe(ends), 0);
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        const struct rlimit no_core = {0, 0};
        struct mm1_sim_options options = {.name = "api/crash", .system = &api_system};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)dup2(ends[1], STDERR_FILENO);
        (void)signal(SIGABRT, SIG_DFL);
        (void)mm1_sim_seeds(&options, 1, 9, abort_in_seed_3, NULL);
        _exit(0);
    }
    (void)close(ends[1]);
    while ((got = read(ends[0], said + size, sizeof(said) - 1 - size)) > 0) {
        size += (size_t)got;
    }
    said[size] = '\0';
    (void)close(ends[0]);
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_expect(WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT, "%d", how);
    cr_expect(strstr(said, "seed 3: the process ends\n") != NULL, "%s", said);
    cr_expect(strstr(said, "MM1_SIM_SEED=3 ") != NULL, "%s", said);
    cr_expect(strstr(said, "in a turn of /a/x#1\n") != NULL, "%s", said);
}

/* --- traces --------------------------------------------------------------------------------------------------- */

static int64_t ask_trace(const char *path, const char *question)
{
    struct sim_trace *trace = NULL;
    char error[SIM_ERROR_MAX];
    sqlite3_stmt *row = NULL;
    int64_t answer = -1;
    cr_assert_eq(sim_trace_open(path, &trace, error), MM1_OK, "%s", error);
    cr_assert_eq(sqlite3_prepare_v2(sim_trace_handle(trace), question, -1, &row, NULL), SQLITE_OK,
                 "%s", sqlite3_errmsg(sim_trace_handle(trace)));
    if (sqlite3_step(row) == SQLITE_ROW) {
        answer = sqlite3_column_int64(row, 0);
    }
    (void)sqlite3_finalize(row);
    sim_trace_close(trace);
    return answer;
}

Test(api_verdict, trace)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "api-trace-%d.db", (int)getpid());
    struct mm1_sim_options options = {.name = "api/trace",
                                      .system = &api_system,
                                      .trace = path,
                                      .silent = true,
                                      .repeat_every = UINT32_MAX};
    struct seen seen = {.fails = 4};
    /* Only the failing seed is written. */
    cr_expect_not(mm1_sim_seeds(&options, 1, 9, note_seed, &seen));
    cr_expect_eq(seen.count, 5);
    cr_expect_eq(ask_trace(path, "SELECT count(*) FROM run"), 1);
    cr_expect_eq(ask_trace(path, "SELECT seed LIKE '%4' FROM run"), 1);
    cr_expect_eq(ask_trace(path, "SELECT verdict = 'expectation' FROM run"), 1);
    cr_expect_eq(ask_trace(path, "SELECT count(*) FROM actor WHERE path = '/a/counter#1'"), 1);
    cr_expect_gt(ask_trace(path, "SELECT count(*) FROM event"), 4);
    cr_expect_gt(ask_trace(path, "SELECT count(*) FROM decision"), 1);
    (void)remove(path);
    /* A single seed is written when it passes, too. */
    seen = (struct seen){.fails = 0};
    cr_expect(mm1_sim_seeds(&options, 2, 2, note_seed, &seen));
    cr_expect_eq(ask_trace(path, "SELECT verdict = 'passed' FROM run"), 1);
    (void)remove(path);
    /* None that failed: none written. */
    cr_expect(mm1_sim_seeds(&options, 1, 3, note_seed, &seen));
    cr_expect_neq(access(path, F_OK), 0);
}

/* --- scenarios ------------------------------------------------------------------------------------------------ */

#define SCENARIO                                                                                   \
    "{\"system\": \"api\", \"hosts\": {\"a\": {}, \"b\": {}}, \"nodes\": {"                        \
    "\"a\": {\"role\": \"counter\", \"auto\": \"<a0:>/16\", \"args\": {\"self\": \"<0:0>\", "      \
    "\"n\": 2}}, \"b\": {\"role\": \"ticker\", \"auto\": \"<b0:>/16\", \"at\": \"5ms\", "          \
    "\"args\": {\"every\": \"1ms\", \"background\": %s}}}, \"end\": {\"at_most\": \"2s\"}, "       \
    "\"faults\": {\"until\": \"1s\", \"scripted\": [{\"pause\": \"b\", \"at\": \"20ms\", "         \
    "\"for\": \"100ms\"}]}}"

static struct mm1_sim *open_scenario(const char *background, uint64_t seed)
{
    char text[1024];
    char error[MM1_SIM_ERROR_MAX];
    struct mm1_sim *sim = NULL;
    (void)snprintf(text, sizeof(text), SCENARIO, background);
    struct mm1_sim_options options = {
        .seed = seed, .system = &api_system, .scenario = text, .silent = true};
    cr_assert_eq(mm1_sim_open(&options, &sim, error), MM1_OK, "%s", error);
    return sim;
}

Test(api_verdict, scenario)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct mm1_sim *sim = open_scenario("true", seed);
        struct mm1_sim_node *a = mm1_sim_node_find(sim, "a");
        struct mm1_sim_node *b = mm1_sim_node_find(sim, "b");
        mm1_addr counter;
        cr_assert(a != NULL && b != NULL && mm1_sim_host_find(sim, "b") != NULL);
        cr_expect_null(mm1_sim_node_get(b)); /* it boots after 5 ms */
        cr_assert_eq(mm1_sim_run_for(sim, 10 * MS), MM1_OK);
        cr_assert_not_null(mm1_sim_node_get(b));
        cr_assert(mm1_sim_find(sim, "/a/counter", &counter));
        cr_expect_eq(api_ask(a, counter).n, 2);
        struct mm1_sim_node *c = api_node(sim, "c"); /* one more */
        cr_expect_eq(api_ask(c, api_counter(c)).n, 0);
        cr_assert_eq(mm1_sim_run_scenario(sim), MM1_OK);
        cr_expect_geq(mm1_sim_elapsed(sim), 1000 * MS);
        struct mm1_sim_verdict verdict;
        (void)mm1_sim_check(sim, &verdict);
        cr_expect(verdict.passed, "%s", verdict.text);
        cr_expect_eq(verdict.faults, 1);
        mm1_sim_close(sim);
    }
}

Test(api_verdict, scenario_that_does_not_rest)
{
    struct mm1_sim *sim = open_scenario("false", 1);
    struct mm1_sim_verdict verdict;
    cr_expect_eq(mm1_sim_run_scenario(sim), MM1_CLOSED);
    cr_expect_not(mm1_sim_check(sim, &verdict));
    cr_expect_str_eq(verdict.word, "liveness");
    mm1_sim_close(sim);
    sim = api_open(1);
    cr_expect_eq(mm1_sim_run_scenario(sim), MM1_INVALID);
    mm1_sim_close(sim);
}
