/* What supervisors cost: restarts, on threads with one worker and in simulation, and trees of many children; beside
 * Erlang's supervisor, in the same run, where escript is installed.
 *
 *     bench_sup [CASE COUNT]
 *
 * With a case (restart, restart-ack, mixed, uniform) it makes COUNT restarts or children, on threads, and counts only
 * them: under callgrind with --instr-atstart=no (cost.sh). */
#define _GNU_SOURCE /* sched_setaffinity */
#include <valgrind/callgrind.h>

#include <mm1/kit.h>
#include <mm1/life.h>
#include <mm1/posix.h>
#include <mm1/supervisor.h>

#include "bench.h"

#define BATCH 100u /* requests that wait for their answers at the same time */
#define LONG_NS (MM1_NS_PER_SEC * 3600)
#define FEW 10000u
#define MANY 100000u
#define RESTARTS 300000u
#define SIM_RESTARTS 100000u

enum work { RESTART, RESTART_ACK, MIXED, UNIFORM, WORKS };
static const char *const work_names[WORKS] = {"restart", "restart-ack", "mixed", "uniform"};

/* Seconds of a tree. */
struct phases {
    double start;
    double which;
    double stop;
};

/* What the benchmark and the actors of its only node tell each other. */
static struct {
    uint64_t restarts_left;
    double begun;
    double took; /* the restarts */
    struct phases tree;
} board;

static double lap(void)
{
    double now = bench_seconds();
    double took = now - board.begun;
    board.begun = now;
    return took;
}

#define SUP_ORDER_FIELDS(F) F(u64, work) F(u64, count)
MM1_MSG_DECLARE(sup_order, SUP_ORDER_FIELDS)
MM1_MSG_DEFINE(sup_order, "bench::SupOrder", SUP_ORDER_FIELDS)

/* --- children ------------------------------------------------------------------------------------------------- */

static mm1_status child_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

/* Ends at once, until the restarts are made. */
static mm1_status brief_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    if (board.restarts_left == 0) {
        CALLGRIND_STOP_INSTRUMENTATION;
        board.took = lap();
        return MM1_OK;
    }
    board.restarts_left--;
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static mm1_status brief_ack_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    mm1_init_done(ctx, mm1_self(ctx));
    return brief_init(ctx, state, arg);
}

static const struct mm1_behaviour idle_behaviour = {.name = "idle", .receive = child_receive};
static const struct mm1_behaviour brief_behaviour = {
    .name = "brief", .init = brief_init, .receive = child_receive};
static const struct mm1_behaviour brief_ack_behaviour = {
    .name = "brief_ack", .init = brief_ack_init, .receive = child_receive};

static const struct mm1_factory factories[] = {
    {.name = "brief", .behaviour = &brief_behaviour},
    {.name = "brief_ack", .behaviour = &brief_ack_behaviour},
    {.name = "idle", .behaviour = &idle_behaviour},
};
static const struct mm1_supervisor supervisor = MM1_SUPERVISOR("sup", factories);

/* --- trees ---------------------------------------------------------------------------------------------------- */

static const struct mm1_child brief_child[] = {{.id = MM1_TEXT_INIT("brief")}};
static const struct mm1_child brief_ack_child[] = {{.id = MM1_TEXT_INIT("brief_ack"), .ack = true}};
static const struct mm1_child idle_template[] = {{.id = MM1_TEXT_INIT("idle")}};

/* A limit that is not reached, so that restarts are counted, as Erlang's are. */
#define LIMIT .max_restarts = 100000000, .within = {.some = true, .value = MM1_NS_PER_SEC}

static const struct mm1_tree_spec trees[WORKS] = {
    [RESTART] = {LIMIT, .children = MM1_LIST(brief_child)},
    [RESTART_ACK] = {LIMIT, .children = MM1_LIST(brief_ack_child)},
    [UNIFORM] = {.strategy = MM1_UNIFORM, .children = MM1_LIST(idle_template)},
};

#define ID_MAX 24

/* As many children of the factory "idle", under one_for_one. */
static void make_tree(struct mm1_tree_spec *tree, size_t count)
{
    struct mm1_child *children = calloc(count, sizeof(*children));
    char(*ids)[ID_MAX] = calloc(count, ID_MAX);
    if (children == NULL || ids == NULL) {
        bench_die("no memory for a tree");
    }
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(ids[i], ID_MAX, "c%zu", i);
        children[i] =
            (struct mm1_child){.id = mm1_text_of(ids[i]), .factory = MM1_TEXT_INIT("idle")};
    }
    *tree = (struct mm1_tree_spec){.children = {.items = children, .count = count}};
}

static void free_tree(struct mm1_tree_spec *tree)
{
    free((void *)tree->children.items[0].id.data);
    free((void *)tree->children.items);
}

/* --- the parent ----------------------------------------------------------------------------------------------- */

struct parent {
    enum work work;
    uint64_t count;
    uint64_t asked; /* starts of a uniform supervisor, */
    uint64_t answered;
    mm1_addr supervisor;
    struct mm1_start start;
    struct mm1_ask which;
    struct mm1_shutdown stop;
};

static mm1_status start_tree(struct mm1_ctx *ctx, struct parent *parent,
                             const struct mm1_tree_spec *tree)
{
    (void)lap();
    CALLGRIND_START_INSTRUMENTATION;
    return mm1_start_begin(ctx, &parent->start,
                           &(struct mm1_spawn){.behaviour = &supervisor.behaviour,
                                               .link = true,
                                               .arg_type = &mm1_tree_spec_type,
                                               .arg = tree},
                           LONG_NS);
}

static mm1_status parent_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct sup_order *order = arg;
    struct parent *parent = state;
    struct mm1_tree_spec tree;
    parent->work = (enum work)order->work;
    parent->count = order->count;
    mm1_trap_exit(ctx, true);
    if (parent->work != MIXED) {
        board.restarts_left = parent->count;
        return start_tree(ctx, parent, &trees[parent->work]);
    }
    make_tree(&tree, parent->count);
    mm1_status status = start_tree(ctx, parent, &tree);
    free_tree(&tree);
    return status;
}

static mm1_status ask_which(struct mm1_ctx *ctx, struct parent *parent)
{
    board.tree.start = lap();
    return mm1_ask_begin(ctx, &parent->which, parent->supervisor, LONG_NS, mm1_sup_which_children,
                         .unused = false);
}

static mm1_status ask_starts(struct mm1_ctx *ctx, struct parent *parent)
{
    struct mm1_sup_start_request request = {.header = {.reply_to = mm1_self(ctx)}};
    for (unsigned i = 0; i < BATCH && parent->asked < parent->count; i++) {
        request.header.id = ++parent->asked;
        MM1_TRY(mm1_send(ctx, parent->supervisor, &mm1_sup_start_request_type, &request, NULL));
    }
    return MM1_OK;
}

static mm1_status take_started(struct mm1_ctx *ctx, struct parent *parent)
{
    if (parent->start.status != MM1_OK) {
        return parent->start.status;
    }
    parent->supervisor = parent->start.addr;
    if (parent->work == MIXED) {
        return ask_which(ctx, parent);
    }
    return parent->work == UNIFORM ? ask_starts(ctx, parent) : MM1_OK;
}

static mm1_status take_answer(struct mm1_ctx *ctx, struct parent *parent,
                              const struct mm1_sup_answer *answer)
{
    if (answer->code != MM1_SUP_OK) {
        return MM1_REFUSED;
    }
    if (++parent->answered == parent->count) {
        return ask_which(ctx, parent);
    }
    return parent->answered == parent->asked ? ask_starts(ctx, parent) : MM1_OK;
}

static mm1_status take_children(struct mm1_ctx *ctx, struct parent *parent,
                                const struct mm1_sup_children *children)
{
    board.tree.which = lap();
    if (children->children.count != parent->count) {
        return MM1_REFUSED;
    }
    (void)lap();
    return mm1_shutdown_begin(ctx, &parent->stop, parent->supervisor, LONG_NS);
}

static mm1_status parent_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct parent *parent = state;
    const void *body;
    MM1_ON(envelope, mm1_sup_answer_response, m) {
        return take_answer(ctx, parent, &m->body);
    }
    if (mm1_start_take(ctx, &parent->start, envelope) == MM1_CALL_DONE) {
        return take_started(ctx, parent);
    }
    if (mm1_ask_take(ctx, &parent->which, envelope, &mm1_sup_children_response_type, &body) ==
        MM1_ASK_REPLY) {
        return take_children(ctx, parent, body);
    }
    if (mm1_shutdown_take(ctx, &parent->stop, envelope) == MM1_CALL_DONE) {
        CALLGRIND_STOP_INSTRUMENTATION;
        board.tree.stop = lap();
        return MM1_OK;
    }
    return MM1_OK; /* exited, which shutdown has told */
}

static const struct mm1_behaviour parent_behaviour = {
    .name = "parent",
    .state_size = sizeof(struct parent),
    .init = parent_init,
    .receive = parent_receive,
};

/* --- on threads ----------------------------------------------------------------------------------------------- */

static void check(mm1_status status, const char *what)
{
    if (status != MM1_OK) {
        bench_die(what);
    }
}

static void play(enum work work, uint64_t count)
{
    char error[MM1_POSIX_ERROR_MAX];
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_msg_registry types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    struct sup_order order = {.work = (uint64_t)work, .count = count};
    struct mm1_reason reason;
    mm1_addr address;
    check(mm1_kit_register(&types), "the kit's types");
    check(mm1_msg_register(&types, &sup_order_type), "a type");
    check(mm1_posix_open(&(struct mm1_posix_options){.threads = 1, .log_off = true}, &posix, error),
          error);
    struct mm1_node_config config = {
        .name = MM1_TEXT("bench"),
        .auto_net = {.addr = {0xfff8000000000000u}, .mask = 13},
        .types = &types,
    };
    check(mm1_node_open(mm1_posix_env(posix), &config, &node), "the node");
    board.took = 0;
    board.tree = (struct phases){.start = 0};
    check(mm1_node_spawn(node,
                         &(struct mm1_spawn){.behaviour = &parent_behaviour,
                                             .arg_type = &sup_order_type,
                                             .arg = &order},
                         &address),
          "the parent");
    check(mm1_posix_wait_idle(posix, node, MM1_NS_PER_SEC, MM1_NS_PER_SEC * 600),
          "it does not end");
    if (mm1_node_main_ended(node, &reason) || !(board.took > 0 || board.tree.stop > 0)) {
        bench_die("the tree did not do what it should");
    }
    mm1_posix_close(posix, node);
    mm1_msg_registry_close(&types);
}

/* --- in simulation -------------------------------------------------------------------------------------------- */

static enum mm1_verdict done_see(void *state, struct mm1_alloc *alloc,
                                 const struct mm1_sight *sight, struct mm1_finding *finding)
{
    (void)state;
    (void)alloc;
    (void)sight;
    (void)finding;
    return MM1_PASS;
}

static enum mm1_verdict done_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                 struct mm1_finding *finding)
{
    (void)state;
    (void)alloc;
    *evaluated = 1;
    if (board.took > 0) {
        return MM1_PASS;
    }
    *finding = (struct mm1_finding){.text = "the restarts were not made"};
    return MM1_VIOLATED;
}

static const struct mm1_role roles[] = {
    {.name = "parent", .main = &parent_behaviour, .arg_type = &sup_order_type}};
static const struct mm1_msg_type *const types[] = {&sup_order_type};
static const struct mm1_property properties[] = {
    {.name = "done",
     .about = "the child is restarted as often as told",
     .see = done_see,
     .end = done_end}};
static const struct mm1_system sup_system = {
    .abi = MM1_SYSTEM_ABI,
    .name = "sup",
    .source_version = "bench",
    .about = "a supervisor whose child ends at once",
    .types = types,
    .type_count = MM1_COUNT_OF(types),
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = properties,
    .property_count = MM1_COUNT_OF(properties),
};

static void play_simulated(uint64_t count)
{
    static const struct mm1_system *const items[] = {&sup_system};
    const struct mm1__linked_systems linked = {.items = items, .count = 1};
    struct bench_scenario bench;
    struct sim_result result;
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"system\": \"sup\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {"
                   "\"role\": \"parent\", \"args\": {\"work\": %d, \"count\": %" PRIu64 "}, "
                   "\"auto\": \"<aa0:>/16\"}}, "
                   "\"granularity\": \"turn\", \"end\": {\"at_most\": \"50h\", \"quiet\": false}}",
                   (int)RESTART, count);
    bench_open_text(&bench, text, &linked);
    bench.scenario->bounds.events = UINT64_MAX;
    bench.scenario->bounds.events_per_instant = UINT64_MAX;
    bench.scenario->bounds.memory = UINT64_MAX;
    board.took = 0;
    (void)bench_run(&bench, 1, NULL, &result);
    bench_close(&bench);
}

/* --- Erlang --------------------------------------------------------------------------------------------------- */

static bool has_erlang(void)
{
    return system("command -v escript >/dev/null 2>&1") == 0; /* NOLINT(cert-env33-c) */
}

/* Runs its side of a case on the same core: the seconds that it prints, one or three. */
static void play_erlang(enum work work, uint64_t count, double seconds[3], int wanted)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "escript bench/erlang_sup.escript %s %" PRIu64,
                   work_names[work], count);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c) */
    char line[128] = "";
    if (pipe == NULL || fgets(line, sizeof(line), pipe) == NULL || pclose(pipe) != 0) {
        bench_die("bench/erlang_sup.escript failed");
    }
    char *at = line;
    for (int i = 0; i < wanted; i++) {
        char *end;
        seconds[i] = strtod(at, &end);
        if (end == at || !(seconds[i] > 0)) {
            bench_die("bench/erlang_sup.escript printed no times");
        }
        at = end;
    }
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

#define ERLANG_TIMES 3 /* the goal */

static void print_restarts(const char *what, enum work work, bool erlang)
{
    double ours[BENCH_ROUNDS];
    double theirs[BENCH_ROUNDS];
    double ratios[BENCH_ROUNDS];
    char text[128];
    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        double seconds[3];
        play(work, RESTARTS);
        ours[i] = RESTARTS / board.took;
        if (erlang) {
            play_erlang(work, RESTARTS, seconds, 1);
            theirs[i] = RESTARTS / seconds[0];
            ratios[i] = ours[i] / theirs[i];
        }
    }
    bench_row(what, bench_median(ours), 0, "restarts/s", 0);
    if (erlang) {
        (void)snprintf(text, sizeof(text), "%s, Erlang's", what);
        bench_row(text, bench_median(theirs), 0, "restarts/s", 0);
        (void)snprintf(text, sizeof(text), "%s, against Erlang's", what);
        bench_row(text, bench_median(ratios), 1, "times", ERLANG_TIMES);
    }
}

static void print_simulated(void)
{
    double rounds[BENCH_ROUNDS];
    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        play_simulated(SIM_RESTARTS);
        rounds[i] = SIM_RESTARTS / board.took;
    }
    bench_row("simulator: restarts", bench_median(rounds), 0, "restarts/s", 0);
}

enum { START, WHICH, STOP, PHASES };
static const char *const phase_names[PHASES] = {"start", "which_children", "stop"};

/* Nanoseconds a child, by phase, of one round. */
static void tree_round(enum work work, uint64_t count, bool erlang, double out[PHASES])
{
    double seconds[PHASES];
    if (erlang) {
        play_erlang(work, count, seconds, PHASES);
    } else {
        play(work, count);
        seconds[START] = board.tree.start;
        seconds[WHICH] = board.tree.which;
        seconds[STOP] = board.tree.stop;
    }
    for (int phase = 0; phase < PHASES; phase++) {
        out[phase] = seconds[phase] * 1e9 / (double)count;
    }
}

/* Per child at both sizes, and what a child costs more in the large tree. */
static void print_tree(enum work work, bool erlang)
{
    double few[PHASES][BENCH_ROUNDS];
    double many[PHASES][BENCH_ROUNDS];
    double ratios[PHASES][BENCH_ROUNDS];
    double theirs[PHASES][BENCH_ROUNDS];
    char text[128];
    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        double small[PHASES];
        double large[PHASES];
        double other[PHASES] = {0};
        tree_round(work, FEW, false, small);
        tree_round(work, MANY, false, large);
        if (erlang) {
            tree_round(work, MANY, true, other);
        }
        for (int phase = 0; phase < PHASES; phase++) {
            few[phase][i] = small[phase];
            many[phase][i] = large[phase];
            ratios[phase][i] = large[phase] / small[phase];
            theirs[phase][i] = other[phase];
        }
    }
    for (int phase = 0; phase < PHASES; phase++) {
        const char *tree = work_names[work];
        (void)snprintf(text, sizeof(text), "%s tree, %s: of 10,000", tree, phase_names[phase]);
        bench_row(text, bench_median(few[phase]), 0, "ns a child", 0);
        (void)snprintf(text, sizeof(text), "%s tree, %s: of 100,000", tree, phase_names[phase]);
        bench_row(text, bench_median(many[phase]), 0, "ns a child", 0);
        if (erlang) {
            (void)snprintf(text, sizeof(text), "%s tree, %s: Erlang's", tree, phase_names[phase]);
            bench_row(text, bench_median(theirs[phase]), 0, "ns a child", 0);
        }
        (void)snprintf(text, sizeof(text), "%s tree, %s: a child of the large", tree,
                       phase_names[phase]);
        bench_row_most(text, bench_median(ratios[phase]), 2, "times", 2);
    }
}

/* --- the command ---------------------------------------------------------------------------------------------- */

static _Noreturn void usage(void)
{
    bench_die("usage: bench_sup [CASE COUNT]");
    abort();
}

static void run_named(const char *name, const char *text)
{
    char *end;
    errno = 0;
    uint64_t count = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || count == 0) {
        usage();
    }
    for (int work = 0; work < WORKS; work++) {
        if (strcmp(name, work_names[work]) == 0) {
            play((enum work)work, count);
            return;
        }
    }
    usage();
}

int main(int argc, char **argv)
{
    bench_pin();
    if (argc == 3) {
        run_named(argv[1], argv[2]);
        return 0;
    }
    if (argc != 1) {
        usage();
    }
    bool erlang = has_erlang();
    if (!erlang) {
        (void)printf(
            "Erlang is not installed (Debian: erlang-base): nothing is compared with it\n");
    }
    print_restarts("restarts", RESTART, erlang);
    print_restarts("restarts with ack", RESTART_ACK, erlang);
    print_simulated();
    print_tree(MIXED, erlang);
    print_tree(UNIFORM, erlang);
    return 0;
}
