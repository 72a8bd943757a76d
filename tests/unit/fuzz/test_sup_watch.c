/* The property of the system "supervisors" on streams of events made by hand: one that is in order, and for each thing
 * that must hold one in which it does not. */
#include <string.h>

#include <mm1/sched.h>

#include "fuzz/sup_actors.h"
#include "fuzz/sup_watch.h"
#include "kit/sup_messages.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define STAGE 1
#define ROOT 100
#define A 200
#define B 300
#define CALLER 900
#define MS MM1_NS_PER_MS

static struct test_alloc alloc;      /* the property's */
static struct test_alloc path_alloc; /* the runtime's */
static void *state;
static uint64_t seq;
static uint64_t clock_ns;
static uint64_t number; /* of messages */
static enum mm1_verdict verdict;
static struct mm1_finding finding;

static void begin(void)
{
    test_alloc_init(&alloc);
    test_alloc_init(&path_alloc);
    state = mm1_take_zero(&alloc.base, sup_watch_property.state_size);
    cr_assert_not_null(state);
    seq = 0;
    clock_ns = 7 * MM1_NS_PER_SEC;
    number = 0;
    verdict = MM1_PASS;
    finding.text[0] = '\0';
}

static void done(void)
{
    sup_watch_property.close(state, &alloc.base);
    mm1_give(&alloc.base, state, sup_watch_property.state_size);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_watch, .init = begin, .fini = done);

/* --- events ------------------------------------------------------------------------------------------------------ */

static void see(struct mm1_event event)
{
    struct mm1_sight sight = {
        .seq = ++seq, .time_ns = clock_ns, .clock_ns = clock_ns, .node = "a", .event = &event};
    if (verdict == MM1_PASS) {
        verdict = sup_watch_property.see(state, &alloc.base, &sight, &finding);
    }
}

static void born(uint64_t parent, uint64_t child, const char *behaviour, const char *id,
                 const struct mm1_msg_type *type, const void *arg)
{
    struct mm1_path *path = mm1_path_new(&path_alloc.base, NULL, mm1_text_of(id), true, 1);
    cr_assert_not_null(path);
    see((struct mm1_event){.kind = MM1_EVENT_SPAWN,
                           .self = {parent},
                           .peer = {child},
                           .other = path,
                           .type = type,
                           .msg = arg,
                           .text = mm1_text_of(behaviour)});
    mm1_path_drop(path);
}

static void born_worker(uint64_t address, const char *id, enum sup_term term)
{
    struct sup_worker_arg arg = {.id = {.data = id, .size = strlen(id) + 1}, .term = (uint8_t)term};
    born(ROOT, address, SUP_WORKER_NAME, id, &sup_worker_arg_type, &arg);
}

static void says(uint64_t self, enum mm1_effect_kind verb, uint64_t peer, uint64_t what)
{
    static const struct mm1_reason reason = {.kind = MM1_REASON_SHUTDOWN};
    see((struct mm1_event){.kind = MM1_EVENT_VERB,
                           .verb = (uint8_t)verb,
                           .self = {self},
                           .peer = {peer},
                           .number = what,
                           .type = verb == MM1_EFFECT_TIMER_ARM ? &mm1_sup_timeout_type : NULL,
                           .reason = verb == MM1_EFFECT_EXIT ? &reason : NULL});
}

static uint64_t takes(uint64_t self, uint64_t from, const struct mm1_msg_type *type,
                      const void *msg)
{
    see((struct mm1_event){.kind = MM1_EVENT_RECEIVE,
                           .self = {self},
                           .peer = {from},
                           .signal = ++number,
                           .type = type,
                           .msg = msg});
    return number;
}

static void takes_go(uint64_t self)
{
    struct sup_go go = {.what = SUP_GO_RUN};
    takes(self, STAGE, &sup_go_type, &go);
}

/* A start by the root that is over at once. */
static void starts(uint64_t address, const char *id, enum sup_term term)
{
    struct mm1_started started = {.addr = {address}};
    born_worker(address, id, term);
    says(ROOT, MM1_EFFECT_TIMER_ARM, 0, clock_ns + MM1_START_TIMEOUT_DEFAULT);
    says(address, MM1_EFFECT_INIT_DONE, address, 0);
    takes(ROOT, address, &mm1_started_type, &started);
    says(ROOT, MM1_EFFECT_TIMER_CANCEL, 0, 1);
}

static void ends(uint64_t self, struct mm1_reason reason)
{
    see((struct mm1_event){.kind = MM1_EVENT_EXIT, .self = {self}, .reason = &reason});
}

static void link_tells(uint64_t self, uint64_t who, struct mm1_reason reason)
{
    see((struct mm1_event){.kind = MM1_EVENT_SIGNAL,
                           .verb = MM1_EFFECT_EXIT,
                           .self = {self},
                           .peer = {who},
                           .reason = &reason});
}

static void watch_tells(uint64_t self, uint64_t who, uint64_t ref)
{
    struct mm1_down down = {.peer = {who}, .ref = ref};
    see((struct mm1_event){
        .kind = MM1_EVENT_POST, .self = {self}, .type = &mm1_down_type, .msg = &down});
}

static void takes_down(uint64_t self, uint64_t who, struct mm1_reason reason)
{
    struct mm1_down down = {.peer = {who}, .ref = who, .why = mm1_why_of(&reason)};
    takes(self, who, &mm1_down_type, &down);
}

/* A child of the root ends, and the root takes note of it. */
static void dies(uint64_t child, struct mm1_reason reason)
{
    ends(child, reason);
    link_tells(ROOT, child, reason);
    watch_tells(ROOT, child, child);
    takes_down(ROOT, child, reason);
}

/* --- a tree ------------------------------------------------------------------------------------------------------ */

static const struct mm1_child children[] = {
    {.id = MM1_TEXT_INIT("a"),
     .ack = true,
     .stop = MM1_STOP_TIMEOUT,
     .stop_timeout = {.some = true, .value = 5 * MS}},
    {.id = MM1_TEXT_INIT("b"), .ack = true, .stop = MM1_STOP_BRUTAL, .restart = MM1_TRANSIENT},
};
static const struct mm1_tree_spec tree = {.max_restarts = 2,
                                          .within = {.some = true, .value = MM1_NS_PER_SEC},
                                          .children = MM1_LIST(children)};

static void tree_begins(void)
{
    born(STAGE, ROOT, SUP_SUPERVISOR_NAME, "root", &mm1_tree_spec_type, &tree);
    takes_go(ROOT);
}

static void tree_stands_with(enum sup_term term)
{
    tree_begins();
    starts(A, "a", term);
    starts(B, "b", SUP_TERM_DIE);
    says(ROOT, MM1_EFFECT_INIT_DONE, ROOT, 0);
}

static void tree_stands(void)
{
    tree_stands_with(SUP_TERM_DIE);
}

static void parent_ends_it(void)
{
    struct mm1_reason reason = MM1_SHUTDOWN;
    struct mm1_exited exited = {.peer = {STAGE}, .why = mm1_why_of(&reason)};
    takes(ROOT, STAGE, &mm1_exited_type, &exited);
    says(ROOT, MM1_EFFECT_KILL, B, 0);
    dies(B, mm1_reason_of(MM1_REASON_KILLED));
    says(ROOT, MM1_EFFECT_EXIT, A, 0);
    says(ROOT, MM1_EFFECT_TIMER_ARM, 0, clock_ns + 5 * MS);
    dies(A, MM1_SHUTDOWN);
    says(ROOT, MM1_EFFECT_TIMER_CANCEL, 0, 2);
    says(ROOT, MM1_EFFECT_QUIT, 0, 0);
    ends(ROOT, MM1_SHUTDOWN);
}

static struct sup_caller_arg caller_arg(uint64_t call)
{
    return (struct sup_caller_arg){.number = call, .supervisor = {ROOT}};
}

/* A caller asks how many children there are. */
static void asks(uint64_t caller, uint64_t call)
{
    struct sup_caller_arg arg = caller_arg(call);
    struct mm1_sup_count_children_request request = {.header = {.id = call, .reply_to = {caller}}};
    born(STAGE, caller, "sup_caller", "sup_caller", &sup_caller_arg_type, &arg);
    says(caller, MM1_EFFECT_WATCH, ROOT, call);
    takes(ROOT, caller, &mm1_sup_count_children_request_type, &request);
}

static void replies(uint64_t caller, uint64_t call)
{
    struct mm1_sup_counts_response response = {.header = {.id = call},
                                               .body = {.specs = 2, .active = 2, .workers = 2}};
    see((struct mm1_event){.kind = MM1_EVENT_SEND,
                           .self = {ROOT},
                           .peer = {caller},
                           .type = &mm1_sup_counts_response_type,
                           .msg = &response});
}

static void hears_counts(uint64_t caller, uint64_t call)
{
    struct sup_called called = {.number = call, .counts = {.some = true}};
    says(caller, MM1_EFFECT_UNWATCH, 0, call);
    see((struct mm1_event){
        .kind = MM1_EVENT_OBSERVE, .self = {caller}, .type = &sup_called_type, .msg = &called});
}

static void hears_down(uint64_t caller, uint64_t call)
{
    struct sup_called called = {.number = call, .down = {.some = true}};
    see((struct mm1_event){
        .kind = MM1_EVENT_OBSERVE, .self = {caller}, .type = &sup_called_type, .msg = &called});
}

/* --- verdicts ---------------------------------------------------------------------------------------------------- */

static uint64_t rest(void)
{
    uint64_t evaluated = 0;
    if (verdict == MM1_PASS) {
        verdict = sup_watch_property.end(state, &alloc.base, &evaluated, &finding);
    }
    return evaluated;
}

static void accepted(void)
{
    uint64_t evaluated = rest();
    cr_assert_eq(verdict, MM1_PASS, "%s", finding.text);
    cr_assert_gt(evaluated, 0);
}

/* `rule` begins the text, `words` stand in it. */
static void found(const char *rule, const char *words)
{
    (void)rest();
    cr_assert_eq(verdict, MM1_VIOLATED);
    cr_assert_eq(strncmp(finding.text, rule, strlen(rule)), 0, "%s", finding.text);
    cr_assert_eq(finding.text[strlen(rule)], ':', "%s", finding.text);
    cr_assert_not_null(strstr(finding.text, words), "%s", finding.text);
}

/* --- what is in order -------------------------------------------------------------------------------------------- */

Test(sup_watch, a_tree_that_stands)
{
    tree_stands();
    accepted();
}

Test(sup_watch, a_tree_that_is_stopped)
{
    tree_stands();
    parent_ends_it();
    accepted();
}

Test(sup_watch, a_child_that_is_restarted)
{
    tree_stands();
    dies(A, MM1_NORMAL);
    starts(A + 1, "a", SUP_TERM_DIE);
    accepted();
}

Test(sup_watch, a_transient_child_that_has_ended_well)
{
    tree_stands();
    dies(B, MM1_NORMAL);
    accepted();
}

Test(sup_watch, what_the_gate_does_is_not_judged)
{
    struct mm1_reason reason = MM1_SHUTDOWN;
    struct mm1_exited exited = {.peer = {STAGE}, .why = mm1_why_of(&reason)};
    struct sup_go go = {.what = SUP_GO_HANG};
    born(STAGE, ROOT, SUP_SUPERVISOR_NAME, "root", &mm1_tree_spec_type, &tree);
    says(ROOT, MM1_EFFECT_TRAP_EXIT, 0, 1);
    takes(ROOT, STAGE, &mm1_exited_type, &exited);
    takes(ROOT, STAGE, &sup_go_type, &go);
    says(ROOT, MM1_EFFECT_QUIT, 0, 0);
    ends(ROOT, MM1_SHUTDOWN);
    accepted();
}

Test(sup_watch, calls_are_answered)
{
    tree_stands();
    asks(CALLER, 1);
    replies(CALLER, 1);
    hears_counts(CALLER, 1);
    ends(CALLER, MM1_NORMAL);
    asks(CALLER + 1, 2);
    ends(ROOT, mm1_reason_of(MM1_REASON_KILLED));
    watch_tells(CALLER + 1, ROOT, 2);
    hears_down(CALLER + 1, 2);
    ends(CALLER + 1, MM1_NORMAL);
    ends(A, mm1_reason_of(MM1_REASON_KILLED));
    ends(B, mm1_reason_of(MM1_REASON_KILLED));
    accepted();
}

Test(sup_watch, who_ignores_exits_outlives_a_killed_supervisor)
{
    tree_stands_with(SUP_TERM_IGNORE);
    ends(ROOT, mm1_reason_of(MM1_REASON_KILLED));
    link_tells(A, ROOT, mm1_reason_of(MM1_REASON_KILLED));
    ends(B, mm1_reason_of(MM1_REASON_KILLED));
    accepted();
}

Test(sup_watch, nothing_seen_is_nothing_judged)
{
    cr_assert_eq(rest(), 0);
    cr_assert_eq(verdict, MM1_PASS);
}

/* --- what is not ------------------------------------------------------------------------------------------------- */

Test(sup_watch, the_log_is_judged_when_a_life_ends)
{
    tree_stands();
    says(ROOT, MM1_EFFECT_QUIT, 0, 0);
    ends(ROOT, MM1_SHUTDOWN);
    cr_assert_eq(verdict, MM1_VIOLATED, "not only at the end of the run");
    cr_assert_not_null(strstr(finding.text, ": root#1: "), "%s", finding.text);
}

Test(sup_watch, the_log_of_who_lives_is_judged_at_rest)
{
    tree_stands();
    dies(A, MM1_NORMAL);
    cr_assert_eq(verdict, MM1_PASS);
    (void)rest();
    cr_assert_eq(verdict, MM1_VIOLATED, "a permanent child is not restarted");
    cr_assert_not_null(strstr(finding.text, ": root#1: "), "%s", finding.text);
}

Test(sup_watch, a_timer_counts_from_when_it_was_made)
{
    struct mm1_started started = {.addr = {A}};
    tree_begins();
    born_worker(A, "a", SUP_TERM_DIE);
    uint64_t due = clock_ns + MM1_START_TIMEOUT_DEFAULT;
    clock_ns += 3; /* others run before the verb is carried out */
    says(ROOT, MM1_EFFECT_TIMER_ARM, 0, due);
    says(A, MM1_EFFECT_INIT_DONE, A, 0);
    takes(ROOT, A, &mm1_started_type, &started);
    says(ROOT, MM1_EFFECT_TIMER_CANCEL, 0, 1);
    starts(B, "b", SUP_TERM_DIE);
    says(ROOT, MM1_EFFECT_INIT_DONE, ROOT, 0);
    accepted();
}

Test(sup_watch, a_wrong_timer_is_found)
{
    tree_begins();
    born_worker(A, "a", SUP_TERM_DIE);
    says(ROOT, MM1_EFFECT_TIMER_ARM, 0, clock_ns + MM1_START_TIMEOUT_DEFAULT + 1);
    (void)rest();
    cr_assert_eq(verdict, MM1_VIOLATED);
}

Test(sup_watch, an_orphan)
{
    tree_stands();
    ends(ROOT, mm1_reason_of(MM1_REASON_KILLED));
    link_tells(A, ROOT, mm1_reason_of(MM1_REASON_KILLED));
    ends(B, mm1_reason_of(MM1_REASON_KILLED));
    found("orphan", "root#1: ended, and its child a#1 lives on");
}

Test(sup_watch, an_orphan_that_its_link_forgot)
{
    tree_stands_with(SUP_TERM_IGNORE);
    ends(ROOT, mm1_reason_of(MM1_REASON_KILLED));
    ends(B, mm1_reason_of(MM1_REASON_KILLED));
    found("link", "a#1 was never told by its link that root#1 ended");
}

Test(sup_watch, a_child_twice)
{
    tree_stands();
    born_worker(A + 1, "a", SUP_TERM_DIE);
    found("child twice", "root#1: started a again while a#1 lives");
}

Test(sup_watch, a_child_twice_though_the_first_is_about_to_end)
{
    tree_begins();
    born_worker(A, "a", SUP_TERM_DIE);
    says(ROOT, MM1_EFFECT_TIMER_ARM, 0, clock_ns + MM1_START_TIMEOUT_DEFAULT);
    says(ROOT, MM1_EFFECT_KILL, A, 0);
    born_worker(A + 1, "a", SUP_TERM_DIE);
    found("child twice", "while a (not ready) lives");
}

Test(sup_watch, an_end_that_is_told_twice)
{
    tree_stands();
    dies(B, MM1_NORMAL);
    watch_tells(ROOT, B, B);
    found("watch", "root#1: was told twice, for the watch since its birth, that b#1 ended");
}

Test(sup_watch, an_end_that_is_not_told)
{
    tree_stands();
    ends(B, MM1_NORMAL);
    link_tells(ROOT, B, MM1_NORMAL);
    found("watch", "root#1: was never told that its child b#1 ended");
}

Test(sup_watch, a_link_that_is_silent)
{
    tree_stands();
    ends(B, MM1_NORMAL);
    watch_tells(ROOT, B, B);
    takes_down(ROOT, B, MM1_NORMAL);
    found("link", "root#1: got no exit signal of the link to b#1");
}

Test(sup_watch, a_link_that_speaks_twice)
{
    tree_stands();
    dies(B, MM1_NORMAL);
    link_tells(ROOT, B, MM1_NORMAL);
    found("link", "root#1: got two exit signals from b#1");
}

Test(sup_watch, a_watch_by_a_verb_that_is_told_twice)
{
    tree_stands();
    says(CALLER, MM1_EFFECT_WATCH, B, 4);
    dies(B, MM1_NORMAL);
    watch_tells(CALLER, B, 4);
    watch_tells(CALLER, B, 4);
    found("watch", "somebody was told twice, for one watch, that b#1 ended");
}

Test(sup_watch, a_watch_by_a_verb_that_is_not_told)
{
    tree_stands();
    says(CALLER, MM1_EFFECT_WATCH, B, 4);
    says(CALLER, MM1_EFFECT_WATCH, B, 5);
    says(CALLER + 1, MM1_EFFECT_WATCH, B, 4);
    dies(B, MM1_NORMAL);
    says(CALLER, MM1_EFFECT_UNWATCH, 0, 4);
    ends(CALLER + 1, MM1_NORMAL);
    watch_tells(CALLER, B, 5);
    accepted();
}

Test(sup_watch, a_watch_that_stands_and_is_not_told)
{
    tree_stands();
    says(CALLER, MM1_EFFECT_WATCH, B, 4);
    dies(B, MM1_NORMAL);
    found("watch", "a watcher of b#1 was never told");
}

Test(sup_watch, a_call_without_an_answer)
{
    tree_stands();
    struct sup_caller_arg arg = caller_arg(5);
    born(STAGE, CALLER, "sup_caller", "sup_caller", &sup_caller_arg_type, &arg);
    found("call not answered", "call 5 of root#1");
}

Test(sup_watch, a_call_with_two_answers)
{
    tree_stands();
    asks(CALLER, 5);
    replies(CALLER, 5);
    hears_counts(CALLER, 5);
    replies(CALLER, 5);
    found("call answered twice", "root#1");
}

Test(sup_watch, a_call_whose_caller_hears_twice)
{
    tree_stands();
    asks(CALLER, 5);
    replies(CALLER, 5);
    hears_counts(CALLER, 5);
    hears_counts(CALLER, 5);
    found("call answered twice", "call 5 of root#1");
}

Test(sup_watch, a_call_answered_by_nobody)
{
    tree_stands();
    asks(CALLER, 5);
    hears_counts(CALLER, 5);
    found("call lost", "an answer that nobody gave");
}

Test(sup_watch, a_call_that_heard_of_an_end_that_was_not)
{
    tree_stands();
    asks(CALLER, 5);
    hears_down(CALLER, 5);
    found("call lost", "heard that root#1 ended, which lives");
}

Test(sup_watch, a_call_whose_answer_was_lost)
{
    tree_stands();
    asks(CALLER, 5);
    replies(CALLER, 5);
    ends(ROOT, mm1_reason_of(MM1_REASON_KILLED));
    hears_down(CALLER, 5);
    found("call lost", "was answered, and the caller heard of an end");
}

Test(sup_watch, a_node_that_went_down_leaves_nothing_to_judge)
{
    tree_stands();
    see((struct mm1_event){.kind = MM1_EVENT_NODE_DOWN});
    (void)rest();
    cr_assert_eq(verdict, MM1_INCONCLUSIVE);
}

/* --- memory ------------------------------------------------------------------------------------------------------ */

static void a_lot(void)
{
    tree_stands();
    asks(CALLER, 5);
    replies(CALLER, 5);
    hears_counts(CALLER, 5);
    dies(A, MM1_NORMAL);
    starts(A + 1, "a", SUP_TERM_DIE);
}

Test(sup_watch, memory_that_is_refused_is_no_verdict)
{
    a_lot();
    size_t requests = alloc.requests;
    cr_assert_gt(requests, 10);
    for (size_t k = 1; k <= requests; k++) {
        done();
        begin();
        test_alloc_fail_at(&alloc, k);
        a_lot();
        cr_assert(verdict == MM1_PASS || verdict == MM1_INCONCLUSIVE, "%s", finding.text);
    }
}
