/* The stage: what starts come to, how workers end, plans, callers, the gate, and a case that is played. */
#include <stdio.h>
#include <string.h>

#include <mm1/sim.h>

#include "fuzz/sup_stage.h"
#include "mm1_test.h"

TestSuite(sup_stage);

#define MS MM1_NS_PER_MS

/* --- what the stage and its callers observe ------------------------------------------------------------------- */

#define CALLS_MAX 32

struct called {
    unsigned times;
    bool answer, children, counts, childspec, down;
    uint8_t code;
    mm1_addr child;
    size_t listed;
    uint64_t active;
    bool found;
    uint8_t down_kind;
};

/* Of one world: property states are not to be looked at from outside, so the test keeps its own. */
struct notes {
    unsigned began, played;
    bool failed, ignored;
    uint64_t began_ns, played_ns;
    mm1_addr root;
    struct mm1_reason why;
    struct called calls[CALLS_MAX];
};
static struct notes *notes;

static void note_call(const struct sup_called *m)
{
    cr_assert_lt(m->number, CALLS_MAX);
    struct called *call = &notes->calls[m->number];
    call->times++;
    call->answer = m->answer.some;
    call->children = m->children.some;
    call->counts = m->counts.some;
    call->childspec = m->childspec.some;
    call->down = m->down.some;
    if (m->answer.some) {
        call->code = m->answer.value.code;
        call->child = m->answer.value.child.some ? m->answer.value.child.value : MM1_ADDR(0);
    }
    call->listed = m->children.some ? m->children.value.children.count : 0;
    call->active = m->counts.some ? m->counts.value.active : 0;
    call->found = m->childspec.some && m->childspec.value.found;
    call->down_kind = m->down.some ? m->down.value.kind : 0;
}

static enum mm1_verdict see(void *state, struct mm1_alloc *alloc, const struct mm1_sight *sight,
                            struct mm1_finding *finding)
{
    const struct mm1_event *event = sight->event;
    (void)state;
    (void)alloc;
    (void)finding;
    if (event->kind != MM1_EVENT_OBSERVE) {
        return MM1_PASS;
    }
    if (event->type == &sup_began_type) {
        const struct sup_began *m = event->msg;
        notes->began++;
        notes->failed = m->why.some;
        notes->ignored = m->ignored;
        notes->root = m->root;
        notes->began_ns = sight->time_ns;
        if (m->why.some) {
            notes->why = mm1_reason_of_why(&m->why.value);
        }
    } else if (event->type == &sup_played_type) {
        notes->played++;
        notes->played_ns = sight->time_ns;
    } else if (event->type == &sup_called_type) {
        note_call(event->msg);
    }
    return MM1_PASS;
}

static const struct mm1_property properties[] = {{.name = "notes", .see = see}};
static const struct mm1_role roles[] = {
    {.name = "case", .main = &sup_stage, .arg_type = &sup_stage_arg_type}};
static const struct mm1_system stage_system = {.abi = MM1_SYSTEM_ABI,
                                               .name = "stage",
                                               .source_version = "1",
                                               .types = sup_stage_types,
                                               .type_count = SUP_STAGE_TYPE_COUNT,
                                               .roles = roles,
                                               .role_count = 1,
                                               .properties = properties,
                                               .property_count = 1};

/* --- a world with a stage ------------------------------------------------------------------------------------- */

struct world {
    struct mm1_sim *sim;
    struct mm1_sim_node *node;
    mm1_addr stage;
    struct notes notes;
};

static void rest(struct world *w)
{
    cr_assert_eq(mm1_sim_run_until_quiet(w->sim, MM1_FOREVER), MM1_OK, "%s",
                 mm1_sim_report(w->sim));
}

static void pass(struct world *w, uint64_t ns)
{
    cr_assert_eq(mm1_sim_run_for(w->sim, ns), MM1_OK, "%s", mm1_sim_report(w->sim));
}

/* The stage is there; nothing has happened yet. */
static void raise_stage(struct world *w, const char *script, bool plays, uint64_t seed)
{
    char error[MM1_SIM_ERROR_MAX];
    struct mm1_sim_options options = {.name = "sup_stage/test",
                                      .seed = seed,
                                      .system = &stage_system,
                                      .repeat_every = UINT32_MAX,
                                      .silent = true};
    *w = (struct world){.sim = NULL};
    notes = &w->notes;
    cr_assert_eq(mm1_sim_open(&options, &w->sim, error), MM1_OK, "%s", error);
    struct mm1_sim_node_spec node = {.name = "a"};
    cr_assert_eq(mm1_sim_node_add(w->sim, &node, &w->node), MM1_OK);
    struct sup_stage_arg arg = {.script = mm1_text_of(script), .plays = plays};
    struct mm1_spawn spawn = {
        .behaviour = &sup_stage, .name = "stage", .arg_type = &sup_stage_arg_type, .arg = &arg};
    cr_assert_eq(mm1_sim_spawn(w->node, &spawn, &w->stage), MM1_OK);
}

static void lower(struct world *w)
{
    cr_expect(!mm1_sim_failed(w->sim), "%s", mm1_sim_report(w->sim));
    mm1_sim_close(w->sim);
}

/* A tree that has started. */
static void begin(struct world *w, const char *script)
{
    raise_stage(w, script, false, 1);
    rest(w);
    cr_assert_eq(w->notes.began, 1u);
}

static mm1_addr find(const struct world *w, const char *path)
{
    char full[128];
    mm1_addr addr = {0};
    (void)snprintf(full, sizeof(full), "/a/stage#1/%s", path);
    return mm1_sim_find(w->sim, full, &addr) ? addr : MM1_ADDR(0);
}

static bool lives(const struct world *w, const char *path)
{
    return find(w, path).bits != 0;
}

static void plan(const struct world *w, const char *event)
{
    cr_assert_eq(mm1_sim_tell(w->node, w->stage, sup_plan, .event = mm1_text_of(event)), MM1_OK);
}

static void call_at(const struct world *w, uint64_t number, const char *event, mm1_addr supervisor,
                    mm1_addr target)
{
    struct sup_do_call m = {.event = mm1_text_of(event),
                            .supervisor = supervisor,
                            .target = {.some = target.bits != 0, .value = target},
                            .number = number};
    cr_assert_eq(mm1_sim_send(w->node, w->stage, &sup_do_call_type, &m, NULL), MM1_OK);
}

/* A call to the root, and what came of it. */
static const struct called *call(struct world *w, uint64_t number, const char *event)
{
    call_at(w, number, event, w->notes.root, MM1_ADDR(0));
    rest(w);
    const struct called *called = &w->notes.calls[number];
    cr_assert_eq(called->times, 1u, "%s: observed %u times", event, called->times);
    return called;
}

static void expect_reason(const struct world *w, mm1_addr addr, enum mm1_reason_kind kind,
                          int32_t code, const char *text)
{
    struct mm1_reason reason = MM1_NORMAL;
    cr_assert(mm1_sim_ended(w->sim, addr, &reason));
    cr_expect_eq(reason.kind, kind, "kind %d", (int)reason.kind);
    cr_expect_eq(reason.code, code);
    cr_expect_str_eq(reason.text, text);
}

#define ROOT "case t\nsup root strategy=one_for_one intensity=20 period=100000\n"

/* --- what a start comes to ------------------------------------------------------------------------------------ */

Test(sup_stage, starts_run)
{
    struct world w;
    begin(&w, ROOT "child a root\nsup s root strategy=one_for_all intensity=1 period=5\n"
                   "child b s\nchild c root term=ignore\nend\n");
    cr_expect(!w.notes.failed && !w.notes.ignored);
    cr_expect(mm1_addr_equal(w.notes.root, find(&w, "root#1")));
    cr_expect(lives(&w, "root#1/a#1"));
    cr_expect(lives(&w, "root#1/s#1/b#1"));
    cr_expect(lives(&w, "root#1/c#1"));
    cr_expect_eq(w.notes.played, 0u);
    lower(&w);
}

Test(sup_stage, starts_fail)
{
    struct world w;
    struct mm1_reason reason;
    begin(&w, ROOT "child a root\nchild b root\npre failnext b 1 error\nend\n");
    cr_expect(w.notes.failed && !w.notes.ignored);
    cr_expect_neq(w.notes.why.kind, MM1_REASON_NORMAL);
    cr_expect(mm1_sim_ended(w.sim, w.notes.root, &reason));
    cr_expect(!mm1_sim_ended(w.sim, w.stage, NULL), "the stage stays");
    /* whoever calls finds nobody */
    cr_expect_eq(call(&w, 0, "which root")->down_kind, MM1_REASON_NOPROC);
    lower(&w);

    begin(&w, ROOT "child b root\npre failnext root 1 error\nend\n");
    cr_expect(w.notes.failed);
    cr_expect_eq(w.notes.why.kind, MM1_REASON_ERROR);
    cr_expect_eq(w.notes.why.code, 1);
    cr_expect_str_eq(w.notes.why.text, "boom");
    lower(&w);
}

Test(sup_stage, starts_ignored)
{
    struct world w;
    begin(&w, ROOT "child a root\nchild b root\npre failnext a 1 ignore\nend\n");
    cr_expect(!w.notes.failed);
    cr_expect(!lives(&w, "root#1/a"));
    cr_expect_eq(call(&w, 0, "which root")->listed, 2u);
    cr_expect_eq(call(&w, 1, "count root")->active, 1u);
    lower(&w);

    begin(&w, ROOT "pre failnext root 1 ignore\nend\n");
    cr_expect(w.notes.failed && w.notes.ignored);
    lower(&w);
}

Test(sup_stage, starts_die)
{
    static const char *const words[] = {"normal", "shutdown", "shutdown:x",
                                        "crash",  "kill",     "selfkill"};
    static const struct {
        enum mm1_reason_kind kind;
        int32_t code;
        const char *text;
    } ends[] = {{MM1_REASON_NORMAL, 0, ""},         {MM1_REASON_SHUTDOWN, 0, ""},
                {MM1_REASON_SHUTDOWN_TEXT, 0, "x"}, {MM1_REASON_ERROR, 2, "crash"},
                {MM1_REASON_KILLED, 0, ""},         {MM1_REASON_KILL, 0, ""}};
    for (size_t i = 0; i < MM1_COUNT_OF(words); i++) {
        struct world w;
        char script[256];
        (void)snprintf(script, sizeof(script),
                       ROOT
                       "child a root restart=transient\npre slownext a 1 1000000\npre dienext a 1 "
                       "%s\nend\n",
                       words[i]);
        begin(&w, script);
        mm1_addr first = find(&w, "root#1/a#1");
        cr_assert_neq(first.bits, 0u, "%s", words[i]);
        /* the next start dies, the one after that does not */
        cr_assert_eq(mm1_sim_tell(w.node, first, sup_do_exit, .exit = SUP_EXIT_CRASH), MM1_OK);
        pass(&w, 0);
        mm1_addr second = {0};
        for (size_t step = 0; second.bits == 0 && mm1_sim_step(w.sim); step++) {
            second = find(&w, "root#1/a#2");
        }
        rest(&w);
        expect_reason(&w, first, MM1_REASON_ERROR, 2, "crash");
        expect_reason(&w, second, ends[i].kind, ends[i].code, ends[i].text);
        bool again = i >= 3; /* a transient one is not missed otherwise */
        cr_expect_eq(lives(&w, "root#1/a#3"), again, "%s", words[i]);
        lower(&w);
    }
}

Test(sup_stage, starts_slow_and_hanging)
{
    struct world w;
    begin(&w, ROOT "child a root\npre slownext a 1 700000000\nend\n");
    cr_expect(!w.notes.failed);
    cr_expect_geq(w.notes.began_ns, 700 * MS);
    cr_expect_lt(w.notes.began_ns, 800 * MS);
    lower(&w);

    begin(&w, ROOT "child a root\nchild b root\npre hangnext b 1\nend\n");
    cr_expect(w.notes.failed);
    cr_expect_geq(w.notes.began_ns, MM1_START_TIMEOUT_DEFAULT);
    cr_expect(!lives(&w, "root#1/b"));
    lower(&w);
}

/* --- how workers end ------------------------------------------------------------------------------------------ */

Test(sup_stage, terms)
{
    static const struct {
        const char *term;
        enum mm1_reason_kind kind;
        int32_t code;
        uint64_t takes_ns;
    } cases[] = {{"term=die", MM1_REASON_SHUTDOWN, 0, 0},
                 {"term=clean", MM1_REASON_SHUTDOWN, 0, 0},
                 {"term=slow:300", MM1_REASON_SHUTDOWN, 0, 300 * MS},
                 {"term=normal", MM1_REASON_NORMAL, 0, 0},
                 {"term=crash", MM1_REASON_ERROR, 2, 0},
                 {"term=ignore shutdown=400", MM1_REASON_KILLED, 0, 400 * MS},
                 {"term=ignore shutdown=brutal_kill", MM1_REASON_KILLED, 0, 0},
                 {"term=slow:300 shutdown=infinity", MM1_REASON_SHUTDOWN, 0, 300 * MS}};
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        struct world w;
        char script[256];
        (void)snprintf(script, sizeof(script), ROOT "child a root %s\nend\n", cases[i].term);
        begin(&w, script);
        mm1_addr a = find(&w, "root#1/a#1");
        uint64_t before = mm1_sim_elapsed(w.sim);
        cr_expect_eq(call(&w, 0, "terminate_child root a")->code, MM1_SUP_OK);
        uint64_t took = mm1_sim_elapsed(w.sim) - before;
        expect_reason(&w, a, cases[i].kind, cases[i].code, cases[i].code == 2 ? "crash" : "");
        cr_expect(took >= cases[i].takes_ns && took < cases[i].takes_ns + 100 * MS, "%s: %llu",
                  cases[i].term, (unsigned long long)took);
        cr_expect(!lives(&w, "root#1/a"));
        lower(&w);
    }
}

Test(sup_stage, exits)
{
    static const struct {
        enum sup_exit exit;
        enum mm1_reason_kind kind;
        int32_t code;
        const char *text;
    } cases[] = {{SUP_EXIT_NORMAL, MM1_REASON_NORMAL, 0, ""},
                 {SUP_EXIT_SHUTDOWN, MM1_REASON_SHUTDOWN, 0, ""},
                 {SUP_EXIT_SHUTDOWN_TEXT, MM1_REASON_SHUTDOWN_TEXT, 0, "bye"},
                 {SUP_EXIT_CRASH, MM1_REASON_ERROR, 2, "crash"},
                 {SUP_EXIT_KILL, MM1_REASON_KILLED, 0, ""},
                 {SUP_EXIT_SELFKILL, MM1_REASON_KILL, 0, ""}};
    struct world w;
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        begin(&w, ROOT "child a root restart=temporary\nchild b root\nend\n");
        mm1_addr a = find(&w, "root#1/a#1");
        cr_assert_eq(mm1_sim_tell(w.node, a, sup_do_exit, .exit = (uint8_t)cases[i].exit,
                                  .text = MM1_TEXT("bye")),
                     MM1_OK);
        rest(&w);
        expect_reason(&w, a, cases[i].kind, cases[i].code, cases[i].text);
        cr_expect(lives(&w, "root#1/b#1") && !lives(&w, "root#1/a"));
        struct mm1_reason said = sup_reason_of(cases[i].exit, "bye");
        cr_expect(said.kind == cases[i].kind && said.code == cases[i].code);
        cr_expect_str_eq(said.text, cases[i].text);
        lower(&w);
    }
    begin(&w, ROOT "child a root restart=temporary\nend\n");
    mm1_addr a = find(&w, "root#1/a#1");
    cr_assert_eq(mm1_sim_tell(w.node, a, sup_do_exit, .exit = 99), MM1_OK);
    rest(&w);
    expect_reason(&w, a, MM1_REASON_ERROR, MM1_INVALID, mm1_status_text(MM1_INVALID));
    lower(&w);
}

/* A killed supervisor's workers hear of it by their links. */
Test(sup_stage, orphans)
{
    struct world w;
    begin(&w, ROOT
          "child a root term=die\nchild b root term=clean\nchild c root term=slow:50\n"
          "child d root term=normal\nchild e root term=crash\nchild f root term=ignore\nend\n");
    mm1_addr workers[6];
    for (size_t i = 0; i < 6; i++) {
        char path[] = {'r', 'o', 'o', 't', '#', '1', '/', (char)('a' + (int)i), '#', '1', '\0'};
        workers[i] = find(&w, path);
    }
    cr_assert_eq(mm1_sim_kill(w.sim, "/a/stage#1/root#1"), MM1_OK);
    rest(&w);
    expect_reason(&w, workers[0], MM1_REASON_KILLED, 0, "");
    expect_reason(&w, workers[1], MM1_REASON_KILLED, 0, "");
    expect_reason(&w, workers[2], MM1_REASON_KILLED, 0, "");
    expect_reason(&w, workers[3], MM1_REASON_NORMAL, 0, "");
    expect_reason(&w, workers[4], MM1_REASON_ERROR, 2, "crash");
    cr_expect(!mm1_sim_ended(w.sim, workers[5], NULL));
    cr_expect(!mm1_sim_ended(w.sim, w.stage, NULL), "the stage stays");
    lower(&w);
}

/* --- plans ---------------------------------------------------------------------------------------------------- */

Test(sup_stage, plans)
{
    struct world w;
    begin(&w, ROOT "child a root\nchild b root\nend\n");
    plan(&w, "failnext a 2 error");
    plan(&w, "failnext a 1 ignore");
    plan(&w, "failnext a 0 error");
    plan(&w, "failnext b 1 error");
    plan(&w, "failnext nobody 1 error");
    rest(&w);
    cr_expect_eq(call(&w, 0, "terminate_child root a")->code, MM1_SUP_OK);
    cr_expect_eq(call(&w, 1, "restart_child root a")->code, MM1_SUP_FAILED);
    cr_expect_eq(call(&w, 2, "restart_child root a")->code, MM1_SUP_FAILED);
    const struct called *ignored = call(&w, 3, "restart_child root a");
    cr_expect(ignored->code == MM1_SUP_OK && ignored->child.bits == 0);
    const struct called *started = call(&w, 4, "restart_child root a");
    cr_expect(started->code == MM1_SUP_OK && started->child.bits == find(&w, "root#1/a").bits);
    /* b's own is still there */
    cr_expect_eq(call(&w, 5, "terminate_child root b")->code, MM1_SUP_OK);
    cr_expect_eq(call(&w, 6, "restart_child root b")->code, MM1_SUP_FAILED);
    lower(&w);
}

Test(sup_stage, plans_that_are_none)
{
    static const char *const events[] = {"which root", "exit a crash", "nonsense", "failnext a"};
    for (size_t i = 0; i < MM1_COUNT_OF(events); i++) {
        struct world w;
        begin(&w, ROOT "child a root\nend\n");
        plan(&w, events[i]);
        rest(&w);
        expect_reason(&w, w.stage, MM1_REASON_ERROR, MM1_INVALID, mm1_status_text(MM1_INVALID));
        cr_expect(mm1_sim_ended(w.sim, w.notes.root, NULL), "the tree goes with the stage");
        lower(&w);
    }
}

/* --- callers -------------------------------------------------------------------------------------------------- */

Test(sup_stage, calls)
{
    struct world w;
    begin(&w, ROOT "child a root\nchild b root restart=temporary\nend\n");
    const struct called *which = call(&w, 0, "which root");
    cr_expect(which->children && which->listed == 2);
    const struct called *count = call(&w, 1, "count root");
    cr_expect(count->counts && count->active == 2);
    const struct called *spec = call(&w, 2, "childspec root a");
    cr_expect(spec->childspec && spec->found);
    cr_expect(!call(&w, 3, "childspec root nobody")->found);
    const struct called *started = call(&w, 4, "start_child root c restart=transient term=normal");
    cr_expect(started->answer && started->code == MM1_SUP_OK);
    cr_expect(started->child.bits != 0 && started->child.bits == find(&w, "root#1/c#1").bits);
    cr_expect_eq(call(&w, 5, "start_child root c")->code, MM1_SUP_ALREADY_STARTED);
    cr_expect_eq(call(&w, 6, "delete_child root c")->code, MM1_SUP_RUNNING);
    cr_expect_eq(call(&w, 7, "terminate_child root c")->code, MM1_SUP_OK);
    expect_reason(&w, started->child, MM1_REASON_NORMAL, 0, "");
    cr_expect_eq(call(&w, 8, "start_child root c")->code, MM1_SUP_ALREADY_PRESENT);
    cr_expect_eq(call(&w, 9, "delete_child root c")->code, MM1_SUP_OK);
    cr_expect_eq(call(&w, 10, "restart_child root c")->code, MM1_SUP_NOT_FOUND);
    cr_expect_eq(call(&w, 11, "start_child root d significant=1")->code, MM1_SUP_INVALID);
    /* nobody has an address, or had one */
    call_at(&w, 12, "which root", MM1_ADDR(0), MM1_ADDR(0));
    mm1_addr b = find(&w, "root#1/b#1");
    cr_assert_eq(mm1_sim_tell(w.node, b, sup_do_exit, .exit = SUP_EXIT_NORMAL), MM1_OK);
    rest(&w);
    call_at(&w, 13, "count root", b, MM1_ADDR(0));
    rest(&w);
    for (size_t i = 12; i < 14; i++) {
        cr_expect(w.notes.calls[i].down && w.notes.calls[i].times == 1);
        cr_expect_eq(w.notes.calls[i].down_kind, MM1_REASON_NOPROC);
    }
    lower(&w);
}

Test(sup_stage, calls_of_a_simple_one)
{
    struct world w;
    begin(&w, "case t\nsup root strategy=simple_one_for_one intensity=2 period=100000\n"
              "child tpl root term=normal\nend\n");
    cr_expect_eq(call(&w, 0, "start_child root x1")->code, MM1_SUP_OK);
    cr_expect_eq(call(&w, 1, "start_child root x2")->code, MM1_SUP_OK);
    mm1_addr x1 = find(&w, "root#1/x1#1");
    mm1_addr x2 = find(&w, "root#1/x2#1");
    cr_assert(x1.bits != 0 && x2.bits != 0, "they are named by their tags");
    cr_expect_eq(call(&w, 2, "which root")->listed, 2u);
    cr_expect_eq(call(&w, 3, "terminate_child root x1")->code, MM1_SUP_UNIFORM);
    cr_expect_eq(call(&w, 4, "delete_child root x1")->code, MM1_SUP_UNIFORM);
    cr_expect_eq(call(&w, 5, "restart_child root x1")->code, MM1_SUP_UNIFORM);
    call_at(&w, 6, "childspec root x1", w.notes.root, x1);
    call_at(&w, 7, "terminate_child root x1", w.notes.root, x1);
    rest(&w);
    cr_expect(w.notes.calls[6].found);
    cr_expect_eq(w.notes.calls[7].code, MM1_SUP_OK);
    expect_reason(&w, x1, MM1_REASON_NORMAL, 0, ""); /* as the template says */
    call_at(&w, 8, "terminate_child root x1", w.notes.root, w.stage);
    rest(&w);
    cr_expect_eq(w.notes.calls[8].code, MM1_SUP_NOT_FOUND, "a stranger who lives");
    /* who is started again keeps its tag */
    cr_assert_eq(mm1_sim_tell(w.node, x2, sup_do_exit, .exit = SUP_EXIT_CRASH), MM1_OK);
    rest(&w);
    cr_expect(lives(&w, "root#1/x2#2"));
    lower(&w);
}

/* Whoever waits for an answer hears of the end. */
Test(sup_stage, calls_to_the_dying)
{
    struct world w;
    begin(&w, ROOT "child a root term=slow:100\nend\n");
    cr_assert_eq(mm1_sim_exit(w.node, find(&w, "root#1"), MM1_SHUTDOWN), MM1_OK);
    rest(&w);
    cr_expect(lives(&w, "root#1"), "a stranger's exit is ignored");
    cr_assert_eq(mm1_sim_suspend(w.node, w.notes.root), MM1_OK);
    call_at(&w, 0, "which root", w.notes.root, MM1_ADDR(0));
    cr_assert_eq(mm1_sim_run_until_idle(w.node, 0, MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(mm1_sim_kill(w.sim, "/a/stage#1/root#1"), MM1_OK);
    rest(&w);
    cr_expect(w.notes.calls[0].down && w.notes.calls[0].down_kind == MM1_REASON_KILLED);
    lower(&w);
}

/* --- the gate ------------------------------------------------------------------------------------------------- */

#define NESTED                                                                                     \
    ROOT "child a root\nsup s root strategy=one_for_one intensity=1 period=5 shutdown=infinity\n"  \
         "child b s\n"

/* Steps until somebody of that path lives. */
static mm1_addr await(struct world *w, const char *path)
{
    mm1_addr addr = {0};
    for (;;) {
        addr = find(w, path);
        if (addr.bits != 0) {
            return addr;
        }
        cr_assert(mm1_sim_step(w->sim), "nobody at %s", path);
    }
}

Test(sup_stage, requests_wait_at_the_gate)
{
    struct world w;
    raise_stage(&w, NESTED "pre slownext s 1 500000000\nend\n", false, 1);
    mm1_addr s = await(&w, "root#1/s#1");
    pass(&w, 10 * MS);
    call_at(&w, 0, "start_child s c", s, MM1_ADDR(0));
    pass(&w, 10 * MS);
    call_at(&w, 1, "which s", s, MM1_ADDR(0));
    pass(&w, 200 * MS);
    cr_expect_eq(w.notes.calls[0].times + w.notes.calls[1].times, 0u);
    cr_expect(!lives(&w, "root#1/s#1/b"));
    rest(&w);
    cr_expect_eq(w.notes.calls[0].code, MM1_SUP_OK);
    cr_expect_eq(w.notes.calls[1].listed, 2u, "in the order of their arrival");
    cr_expect(lives(&w, "root#1/s#1/b#1") && lives(&w, "root#1/s#1/c#1"));
    lower(&w);
}

Test(sup_stage, the_parents_end_waits_at_the_gate)
{
    static const struct {
        const char *plan;
        uint64_t at_ns;
    } cases[] = {{"pre slownext s 1 500000000\nend\n", 500 * MS}, {"pre hangnext s 1\nend\n", 0}};
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        struct world w;
        char script[512];
        (void)snprintf(script, sizeof(script), NESTED "%s", cases[i].plan);
        raise_stage(&w, script, false, 1);
        mm1_addr s = await(&w, "root#1/s#1");
        pass(&w, 50 * MS);
        cr_assert_eq(mm1_sim_exit(w.node, s, MM1_SHUTDOWN), MM1_OK); /* a stranger's */
        pass(&w, 50 * MS);
        cr_expect(!mm1_sim_ended(w.sim, s, NULL));
        cr_assert_eq(mm1_sim_kill(w.sim, "/a/stage#1/root#1"), MM1_OK);
        rest(&w);
        expect_reason(&w, s, MM1_REASON_KILLED, 0, "");
        cr_expect_geq(mm1_sim_elapsed(w.sim), cases[i].at_ns);
        cr_expect_lt(mm1_sim_elapsed(w.sim), cases[i].at_ns + 200 * MS);
        lower(&w);
    }
}

/* --- playing -------------------------------------------------------------------------------------------------- */

static const char played_case[] =
    "case t\n"
    "sup root strategy=rest_for_one intensity=10 period=100000\n"
    "child a root\n"
    "sup s root strategy=one_for_one intensity=10 period=100000 shutdown=infinity\n"
    "child b s term=slow:3\n"
    "child c s restart=temporary term=ignore shutdown=5\n"
    "sup u root strategy=simple_one_for_one intensity=10 period=100000 shutdown=infinity\n"
    "child tpl u\n"
    "pre slownext b 1 1000000\n"
    "ev which root\n"      /* 0 */
    "ev exit b crash\n"    /* 1 */
    "ev wait 2000000000\n" /* 2 */
    "batch\n"
    "ev failnext a 1 error\n" /* 3 */
    "ev exit a kill\n"        /* 4 */
    "ev count s\n"            /* 5 */
    "commit\n"
    "ev exit s normal\n"          /* 6: a stranger's */
    "ev advance 1000\n"           /* 7 */
    "ev exit s kill\n"            /* 8 */
    "ev wait 1000000000\n"        /* 9 */
    "ev start_child u x1\n"       /* 10 */
    "ev wait 1000000000\n"        /* 11 */
    "ev terminate_child u x1\n"   /* 12 */
    "ev childspec u x1\n"         /* 13 */
    "ev exit nobody crash\n"      /* 14 */
    "ev start_child s d\n"        /* 15 */
    "ev restart_child s nobody\n" /* 16 */
    "ev wait 1000000000\n"        /* 17 */
    "ev which s\n"                /* 18 */
    "ev wait 1000000000\n"        /* 19 */
    "ev sup_exit shutdown\n"      /* 20 */
    "ev wait 1000000000\n"        /* 21 */
    "ev which root\n"             /* 22 */
    "end\n";

Test(sup_stage, plays)
{
    static const size_t calls[] = {0, 5, 10, 12, 13, 15, 16, 18, 22};
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct world w;
        raise_stage(&w, played_case, true, seed);
        rest(&w);
        cr_assert_eq(w.notes.began, 1u);
        cr_assert(!w.notes.failed);
        cr_expect_eq(w.notes.played, 1u);
        cr_expect_geq(w.notes.played_ns, 8000 * MS);
        cr_expect_lt(w.notes.played_ns, 8500 * MS);
        size_t next = 0;
        for (size_t i = 0; i < CALLS_MAX; i++) {
            bool is_call = next < MM1_COUNT_OF(calls) && calls[next] == i;
            next += is_call ? 1 : 0;
            cr_expect_eq(w.notes.calls[i].times, is_call ? 1u : 0u, "seed %llu, call %zu",
                         (unsigned long long)seed, i);
        }
        cr_expect_eq(w.notes.calls[0].listed, 3u);
        cr_expect_eq(w.notes.calls[10].code, MM1_SUP_OK);
        cr_expect_eq(w.notes.calls[12].code, MM1_SUP_OK, "the latest of that tag is meant");
        cr_expect(w.notes.calls[13].found);
        cr_expect_eq(w.notes.calls[15].code, MM1_SUP_OK);
        cr_expect_eq(w.notes.calls[16].code, MM1_SUP_NOT_FOUND);
        /* c is temporary: gone with the first s, started anew with the next */
        cr_expect_eq(w.notes.calls[18].listed, 3u);
        cr_expect_eq(w.notes.calls[22].down_kind, MM1_REASON_NOPROC);
        expect_reason(&w, w.notes.root, MM1_REASON_SHUTDOWN, 0, "");
        cr_expect(!mm1_sim_ended(w.sim, w.stage, NULL), "the stage stays");
        lower(&w);
    }
}

/* A tree that does not start is not played with. */
Test(sup_stage, plays_nothing)
{
    struct world w;
    raise_stage(&w, ROOT "child a root\npre failnext a 1 error\nev which root\nend\n", true, 1);
    rest(&w);
    cr_expect(w.notes.began == 1 && w.notes.failed);
    cr_expect_eq(w.notes.played, 1u);
    cr_expect_eq(w.notes.calls[0].times, 0u);
    lower(&w);
    raise_stage(&w, ROOT "child a root\nend\n", true, 1);
    rest(&w);
    cr_expect(w.notes.began == 1 && w.notes.played == 1 && !w.notes.failed);
    lower(&w);
}

Test(sup_stage, node_stop)
{
    struct world w;
    begin(&w, ROOT "child a root term=slow:20\nend\n");
    mm1_addr a = find(&w, "root#1/a#1");
    cr_assert_eq(mm1_sim_exit(w.node, w.stage, MM1_SHUTDOWN), MM1_OK);
    rest(&w);
    expect_reason(&w, w.stage, MM1_REASON_SHUTDOWN, 0, "");
    expect_reason(&w, w.notes.root, MM1_REASON_SHUTDOWN, 0, "");
    expect_reason(&w, a, MM1_REASON_SHUTDOWN, 0, "");
    lower(&w);
}

/* --- bad input ------------------------------------------------------------------------------------------------ */

Test(sup_stage, scripts_that_are_none)
{
    static const char *const scripts[] = {
        "", "#! nothing\n", "nonsense\n", ROOT, ROOT "end\n" ROOT "end\n", "case t\nend\n"};
    for (size_t i = 0; i < MM1_COUNT_OF(scripts); i++) {
        struct world w;
        raise_stage(&w, scripts[i], true, 1);
        rest(&w);
        expect_reason(&w, w.stage, MM1_REASON_INIT_FAILED, 0, "");
        cr_expect_eq(w.notes.began + w.notes.played, 0u, "%zu", i);
        lower(&w);
    }
}

Test(sup_stage, no_argument)
{
    struct world w;
    mm1_addr second;
    begin(&w, ROOT "end\n");
    cr_assert_eq(mm1_sim_spawn(w.node, &(struct mm1_spawn){.behaviour = &sup_stage}, &second),
                 MM1_OK);
    rest(&w);
    expect_reason(&w, second, MM1_REASON_INIT_FAILED, 0, "");
    /* one stage a node */
    struct sup_stage_arg arg = {.script = MM1_TEXT(ROOT "end\n")};
    struct mm1_spawn spawn = {
        .behaviour = &sup_stage, .arg_type = &sup_stage_arg_type, .arg = &arg};
    cr_assert_eq(mm1_sim_spawn(w.node, &spawn, &second), MM1_OK);
    rest(&w);
    expect_reason(&w, second, MM1_REASON_INIT_FAILED, 0, "");
    cr_expect(lives(&w, "root#1"));
    lower(&w);
}

/* --- trees ---------------------------------------------------------------------------------------------------- */

static bool is(struct mm1_text text, const char *word)
{
    return mm1_text_equal(text, mm1_text_of(word));
}

Test(sup_stage, trees)
{
    static const char script[] =
        "case t\n"
        "sup root strategy=rest_for_one intensity=3 period=7 auto_shutdown=any_significant\n"
        "child a root restart=transient significant=1 shutdown=12 type=supervisor term=slow:4\n"
        "sup s root strategy=one_for_all intensity=5000000000 period=1ns "
        "auto_shutdown=all_significant "
        "restart=temporary shutdown=infinity\n"
        "child b s shutdown=brutal_kill\n"
        "sup u root strategy=simple_one_for_one intensity=0 period=1\n"
        "child tpl u\n"
        "end\n";
    struct sup_cases cases;
    struct mm1__arena arena;
    char error[SUP_CASE_ERROR_MAX];
    mm1__arena_init(&arena);
    cr_assert_eq(sup_cases_read(&arena.base, mm1_text_of(script), "t", true, &cases, error), MM1_OK,
                 "%s", error);
    const struct mm1_tree_spec *tree = sup_tree_of(&arena, cases.cases, 0);
    cr_assert_not_null(tree);
    cr_expect(is(tree->strategy, "rest_for_one") && tree->max_restarts == 3);
    cr_expect(tree->within.some && tree->within.value == 7 * MM1_NS_PER_SEC);
    cr_expect(is(tree->auto_shutdown, "any_significant"));
    cr_assert_eq(tree->children.count, 3u);
    const struct mm1_child *a = &tree->children.items[0];
    cr_expect(is(a->id, "a") && is(a->restart, "transient") && a->significant && a->supervisor &&
              a->ack);
    cr_expect(is(a->stop, "timeout") && a->stop_timeout.some && a->stop_timeout.value == 12 * MS);
    cr_assert_eq(a->arg.value.type, &sup_worker_arg_type);
    const struct sup_worker_arg *arg = a->arg.value.msg;
    cr_expect(arg->id.size == 2 && strcmp(arg->id.data, "a") == 0);
    cr_expect(arg->term == SUP_TERM_SLOW && arg->slow == 4 * MS);
    const struct mm1_child *s = &tree->children.items[1];
    cr_expect(is(s->id, "s") && is(s->factory, MM1_FACTORY_SUPERVISOR) &&
              is(s->restart, "temporary"));
    cr_expect(is(s->stop, "infinity") && !s->stop_timeout.some && !s->supervisor && s->ack);
    cr_assert_eq(s->arg.value.type, &mm1_tree_spec_type);
    const struct mm1_tree_spec *nested = s->arg.value.msg;
    cr_expect(is(nested->strategy, "all_for_one") && nested->max_restarts == UINT32_MAX);
    cr_expect(nested->within.value == 1 && is(nested->auto_shutdown, "all_significant"));
    cr_assert_eq(nested->children.count, 1u);
    cr_expect(is(nested->children.items[0].stop, "brutal"));
    const struct mm1_child *u = &tree->children.items[2];
    nested = u->arg.value.msg;
    cr_expect(is(nested->strategy, "uniform") && nested->max_restarts == 0);
    cr_expect(is(u->stop, "timeout") && u->stop_timeout.value == 5000 * MS &&
              is(u->restart, "permanent"));
    sup_cases_close(&cases);
    mm1__arena_close(&arena);
}
