/* The specification of supervisors: logs of one who does it right are accepted, and each single deviation is rejected,
 * under the rule that it breaks. */
#include <stdio.h>
#include <string.h>

#include "fuzz/sup_spec.h"
#include "mm1_test.h"
#include "test_alloc.h"

static struct test_alloc alloc;
static struct sup_log log_;
static struct sup_finding finding;

static void init(void)
{
    test_alloc_init(&alloc);
    log_ = SUP_LOG(&alloc.base);
}

static void done(void)
{
    sup_log_close(&log_);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_spec, .init = init, .fini = done);

/* --- logs in short -------------------------------------------------------------------------------------------- */

#define CRASH                                                                                      \
    {                                                                                              \
        .kind = MM1_REASON_ERROR, .code = 1, .text = "crash"                                       \
    }
#define BOOM                                                                                       \
    {                                                                                              \
        .kind = MM1_REASON_ERROR, .code = 2, .text = "boom"                                        \
    }
#define KILLED                                                                                     \
    {                                                                                              \
        .kind = MM1_REASON_KILLED                                                                  \
    }
#define TIMED_OUT                                                                                  \
    {                                                                                              \
        .kind = MM1_REASON_TIMEOUT                                                                 \
    }
#define CLEAN                                                                                      \
    {                                                                                              \
        .kind = MM1_REASON_NORMAL                                                                  \
    }
#define SHUT                                                                                       \
    {                                                                                              \
        .kind = MM1_REASON_SHUTDOWN                                                                \
    }
#define UNSTARTED(id_)                                                                             \
    {                                                                                              \
        .kind = MM1_REASON_SHUTDOWN_TEXT, .text = "failed_to_start_child:" id_ ":boom"             \
    }

#define SPAWN(id_, p)                                                                              \
    {                                                                                              \
        .kind = SUP_DID_SPAWN, .id = (id_), .process = (p)                                         \
    }
#define EXIT(p)                                                                                    \
    {                                                                                              \
        .kind = SUP_DID_EXIT, .process = (p), .reason = SHUT                                       \
    }
#define EXIT_AS(p, ...)                                                                            \
    {                                                                                              \
        .kind = SUP_DID_EXIT, .process = (p), .reason = __VA_ARGS__                                \
    }
#define KILL(p)                                                                                    \
    {                                                                                              \
        .kind = SUP_DID_KILL, .process = (p)                                                       \
    }
#define ARM(t, n)                                                                                  \
    {                                                                                              \
        .kind = SUP_DID_ARM, .time_ns = (t), .ns = (n)                                             \
    }
#define DISARM                                                                                     \
    {                                                                                              \
        .kind = SUP_DID_DISARM                                                                     \
    }
#define RESEND(id_)                                                                                \
    {                                                                                              \
        .kind = SUP_DID_RESEND, .id = (id_)                                                        \
    }
#define RESEND_OF(p)                                                                               \
    {                                                                                              \
        .kind = SUP_DID_RESEND, .process = (p)                                                     \
    }
#define READY                                                                                      \
    {                                                                                              \
        .kind = SUP_DID_READY                                                                      \
    }
#define ANNOUNCE(p)                                                                                \
    {                                                                                              \
        .kind = SUP_DID_ANNOUNCE, .process = (p)                                                   \
    }
#define END(...)                                                                                   \
    {                                                                                              \
        .kind = SUP_DID_END, .reason = __VA_ARGS__                                                 \
    }
#define WAS_KILLED                                                                                 \
    {                                                                                              \
        .kind = SUP_WAS_KILLED                                                                     \
    }
#define REPLY(n, code_, p)                                                                         \
    {                                                                                              \
        .kind = SUP_DID_REPLY, .number = (n), .code = MM1_SUP_##code_, .process = (p)              \
    }
#define REPLY_FAILED(n, ...)                                                                       \
    {                                                                                              \
        .kind = SUP_DID_REPLY, .number = (n), .code = MM1_SUP_FAILED, .reason = __VA_ARGS__        \
    }

/* Each taken message has a number, by which it is taken again; `t` is the time. */
#define DOWN(t, p, ...)                                                                            \
    {                                                                                              \
        .kind = SUP_TOOK_DOWN, .time_ns = (t), .process = (p), .number = 1000 + (p),               \
        .reason = __VA_ARGS__                                                                      \
    }
#define STARTED(p)                                                                                 \
    {                                                                                              \
        .kind = SUP_TOOK_STARTED, .process = (p)                                                   \
    }
#define FAILED(p, ...)                                                                             \
    {                                                                                              \
        .kind = SUP_TOOK_START_FAILED, .process = (p), .reason = __VA_ARGS__                       \
    }
#define IGNORED(p)                                                                                 \
    {                                                                                              \
        .kind = SUP_TOOK_START_FAILED, .process = (p), .ignored = true                             \
    }
#define TIMEOUT(t)                                                                                 \
    {                                                                                              \
        .kind = SUP_TOOK_TIMEOUT, .time_ns = (t)                                                   \
    }
#define RETRY(t, id_)                                                                              \
    {                                                                                              \
        .kind = SUP_TOOK_RETRY, .time_ns = (t), .id = (id_), .number = 500                         \
    }
#define RETRY_OF(t, p)                                                                             \
    {                                                                                              \
        .kind = SUP_TOOK_RETRY, .time_ns = (t), .process = (p), .number = 500                      \
    }
#define PARENT(...)                                                                                \
    {                                                                                              \
        .kind = SUP_TOOK_PARENT, .number = 600, .reason = __VA_ARGS__                              \
    }
#define OTHER                                                                                      \
    {                                                                                              \
        .kind = SUP_TOOK_OTHER, .number = 700                                                      \
    }
#define AGAIN(t, n)                                                                                \
    {                                                                                              \
        .kind = SUP_TOOK_AGAIN, .time_ns = (t), .number = (n)                                      \
    }
#define CALL(n, call_, id_)                                                                        \
    {                                                                                              \
        .kind = SUP_TOOK_CALL, .number = (n), .call = SUP_CALL_##call_, .id = (id_)                \
    }
#define CALL_ADD(n, child_)                                                                        \
    {                                                                                              \
        .kind = SUP_TOOK_CALL, .number = (n), .call = SUP_CALL_START_CHILD, .child = (child_)      \
    }
#define CALL_OF(n, call_, p)                                                                       \
    {                                                                                              \
        .kind = SUP_TOOK_CALL, .number = (n), .call = SUP_CALL_##call_, .process = (p)             \
    }

static enum sup_verdict judge(const struct mm1_tree_spec *tree, bool rests,
                              const struct sup_entry *entries, size_t count)
{
    sup_log_clear(&log_);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(sup_log_add(&log_, &entries[i]), MM1_OK);
    }
    return sup_spec_judge(&alloc.base, tree, &log_, rests, &finding);
}

#define ACCEPTED(tree, ...)                                                                        \
    do {                                                                                           \
        const struct sup_entry entries_[] = {__VA_ARGS__};                                         \
        cr_expect_eq(judge(&(tree), true, entries_, MM1_COUNT_OF(entries_)), SUP_ACCEPTED,         \
                     "at %zu: %s: %s", finding.entry, finding.rule, finding.text);                 \
    } while (0)

/* Rejected under this rule, at this entry. */
#define REJECTED(tree, rule_, at_, ...)                                                            \
    do {                                                                                           \
        const struct sup_entry entries_[] = {__VA_ARGS__};                                         \
        cr_expect_eq(judge(&(tree), true, entries_, MM1_COUNT_OF(entries_)), SUP_REJECTED,         \
                     "accepted, expected: %s", (rule_));                                           \
        cr_expect_str_eq(finding.rule, (rule_), "%s: %s", finding.rule, finding.text);             \
        cr_expect_eq(finding.entry, (size_t)(at_), "at %zu: %s", finding.entry, finding.text);     \
    } while (0)

/* --- trees ---------------------------------------------------------------------------------------------------- */

#define ID(text) .id = MM1_TEXT_INIT(text)
#define NS(value_)                                                                                 \
    {                                                                                              \
        .some = true, .value = (value_)                                                            \
    }

static const struct mm1_child plain[] = {{ID("a")}, {ID("b")}, {ID("c")}};
static const struct mm1_tree_spec one = {
    .max_restarts = 1, .within = NS(10), .children = MM1_LIST(plain)};
static const struct mm1_tree_spec all = {
    .strategy = MM1_ALL_FOR_ONE, .max_restarts = 1, .within = NS(10), .children = MM1_LIST(plain)};
static const struct mm1_tree_spec rest = {
    .strategy = MM1_REST_FOR_ONE, .max_restarts = 1, .within = NS(10), .children = MM1_LIST(plain)};

static const struct mm1_child acked[] = {
    {ID("a"), .ack = true, .start_timeout = NS(50)},
    {ID("b"), .ack = true, .restart = MM1_TEMPORARY, .stop = MM1_STOP_BRUTAL},
};
static const struct mm1_tree_spec ack = {.max_restarts = 5, .children = MM1_LIST(acked)};

static const struct mm1_child kinds[] = {
    {ID("p"), .stop = MM1_STOP_INFINITY},
    {ID("t"), .restart = MM1_TRANSIENT, .significant = true},
    {ID("x"), .restart = MM1_TEMPORARY, .significant = true, .stop_timeout = NS(0)},
};
static const struct mm1_tree_spec any = {
    .auto_shutdown = MM1_AUTO_ANY, .max_restarts = 5, .children = MM1_LIST(kinds)};
static const struct mm1_tree_spec every = {
    .auto_shutdown = MM1_AUTO_ALL, .max_restarts = 5, .children = MM1_LIST(kinds)};

static const struct mm1_child template[] = {
    {ID("w"), .restart = MM1_TRANSIENT, .stop_timeout = NS(7)}};
static const struct mm1_tree_spec uniform = {
    .strategy = MM1_UNIFORM, .max_restarts = 3, .children = MM1_LIST(template)};

static const struct mm1_child told_to[] = {{ID("a"), .announce_parent = true}};
static const struct mm1_tree_spec announcing = {.max_restarts = 5, .children = MM1_LIST(told_to)};

static const struct mm1_child twice[] = {{ID("a")}, {ID("a")}};
static const struct mm1_tree_spec bad = {.children = MM1_LIST(twice)};

#define BORN SPAWN("a", 1), SPAWN("b", 2), SPAWN("c", 3), READY
#define STOP(p) EXIT(p), ARM(0, MM1_STOP_TIMEOUT_DEFAULT), DOWN(0, p, SHUT), DISARM

/* --- starts and stops ------------------------------------------------------------------------------------------ */

Test(sup_spec, starts_in_order_and_stops_in_reverse)
{
    ACCEPTED(one, BORN);
    ACCEPTED(one, BORN, OTHER, OTHER);
    ACCEPTED(one, BORN, WAS_KILLED);
    ACCEPTED(one, SPAWN("a", 1), WAS_KILLED);
    ACCEPTED(one, BORN, PARENT(CLEAN), STOP(3), STOP(2), STOP(1), END(CLEAN));
    ACCEPTED(one, BORN, PARENT(KILLED), STOP(3), STOP(2), STOP(1), END(KILLED));

    REJECTED(one, "start order", 1, SPAWN("a", 1), SPAWN("c", 2), SPAWN("b", 3), READY);
    REJECTED(one, "start order", 2, SPAWN("a", 1), SPAWN("b", 2), READY);
    REJECTED(one, "ready", 3, SPAWN("a", 1), SPAWN("b", 2), SPAWN("c", 3), OTHER);
    REJECTED(one, "ready", 3, SPAWN("a", 1), SPAWN("b", 2), SPAWN("c", 3));
    REJECTED(one, "two processes", 1, SPAWN("a", 1), SPAWN("b", 1), SPAWN("c", 3), READY);
    REJECTED(one, "stop order", 5, BORN, PARENT(SHUT), STOP(1), STOP(2), STOP(3), END(SHUT));
    REJECTED(one, "stop order", 9, BORN, PARENT(SHUT), STOP(3), STOP(1), STOP(2), END(SHUT));
    REJECTED(one, "stop order", 13, BORN, PARENT(SHUT), STOP(3), STOP(2), END(SHUT));
    REJECTED(one, "end", 17, BORN, PARENT(CLEAN), STOP(3), STOP(2), STOP(1), END(SHUT));
    REJECTED(one, "end", 17, BORN, PARENT(SHUT), STOP(3), STOP(2), STOP(1));
    REJECTED(one, "end", 18, BORN, PARENT(SHUT), STOP(3), STOP(2), STOP(1), END(SHUT), READY);
    REJECTED(one, "end without cause", 4, BORN, END(SHUT));
    REJECTED(one, "deed without cause", 4, BORN, {.kind = SUP_DID_OTHER, .id = "link"});
    REJECTED(one, "timer", 4, BORN, DISARM);
    /* Acts before the end it waits for; EXIT for KILL; another reason; a wrong timeout. */
    REJECTED(one, "wait", 7, BORN, PARENT(SHUT), EXIT(3), ARM(0, MM1_STOP_TIMEOUT_DEFAULT),
             EXIT(2));
    REJECTED(one, "stop order", 5, BORN, PARENT(SHUT), KILL(3));
    REJECTED(one, "stop order", 5, BORN, PARENT(CLEAN), EXIT_AS(3, CLEAN));
    REJECTED(one, "stop timeout", 6, BORN, PARENT(SHUT), EXIT(3), ARM(0, 5));
    REJECTED(one, "stop timeout", 6, BORN, PARENT(SHUT), EXIT(3), DOWN(0, 3, SHUT));
}

/* A log may stop anywhere, but not one of whom nothing is left to do. */
Test(sup_spec, every_beginning_of_a_log_is_accepted)
{
    const struct sup_entry entries[] = {BORN,
                                        DOWN(0, 2, CRASH),
                                        SPAWN("b", 4),
                                        PARENT(SHUT),
                                        STOP(3),
                                        EXIT(4),
                                        ARM(0, MM1_STOP_TIMEOUT_DEFAULT),
                                        TIMEOUT(MM1_STOP_TIMEOUT_DEFAULT),
                                        KILL(4),
                                        DOWN(0, 4, KILLED),
                                        STOP(1),
                                        END(SHUT)};
    for (size_t count = 0; count <= MM1_COUNT_OF(entries); count++) {
        cr_expect_eq(judge(&one, false, entries, count), SUP_ACCEPTED, "%zu: %s", count,
                     finding.text);
    }
}

Test(sup_spec, kills_after_the_timeout)
{
#define LATE(t) EXIT(3), ARM(0, MM1_STOP_TIMEOUT_DEFAULT), TIMEOUT(t)
    const uint64_t due = MM1_STOP_TIMEOUT_DEFAULT;
    ACCEPTED(one, BORN, PARENT(SHUT), LATE(due), KILL(3), DOWN(0, 3, KILLED), STOP(2), STOP(1),
             END(SHUT));
    REJECTED(one, "stop timeout", 8, BORN, PARENT(SHUT), LATE(due), DOWN(0, 3, KILLED), STOP(2));
    REJECTED(one, "stop timeout", 8, BORN, PARENT(SHUT), LATE(due), EXIT(2));
    REJECTED(one, "stop timeout", 8, BORN, PARENT(SHUT), LATE(due), KILL(2));
    REJECTED(one, "wait", 9, BORN, PARENT(SHUT), LATE(due), KILL(3), EXIT(2));
    /* A timeout of before is none. */
    REJECTED(one, "wait", 8, BORN, PARENT(SHUT), LATE(due - 1), KILL(3));
    /* With infinity there is no timer; 0 kills at once, with a timer or without. */
#define BORN_KINDS SPAWN("p", 1), SPAWN("t", 2), SPAWN("x", 3), READY
#define STOP_T EXIT(2), ARM(0, MM1_STOP_TIMEOUT_DEFAULT), DOWN(0, 2, SHUT)
    ACCEPTED(every, BORN_KINDS, PARENT(SHUT), EXIT(3), KILL(3), DOWN(0, 3, SHUT), STOP_T, EXIT(1),
             DOWN(0, 1, SHUT), END(SHUT));
    ACCEPTED(every, BORN_KINDS, PARENT(SHUT), EXIT(3), ARM(0, 0), TIMEOUT(0), KILL(3),
             DOWN(0, 3, KILLED), STOP_T, EXIT(1), DOWN(0, 1, SHUT), END(SHUT));
    REJECTED(every, "wait", 12, BORN_KINDS, PARENT(SHUT), EXIT(3), KILL(3), DOWN(0, 3, SHUT),
             STOP_T, EXIT(1), ARM(0, 5));
}

/* --- restarts -------------------------------------------------------------------------------------------------- */

Test(sup_spec, restarts_by_strategy)
{
    ACCEPTED(one, BORN, DOWN(0, 2, CLEAN), SPAWN("b", 4));
    ACCEPTED(all, BORN, DOWN(0, 2, CRASH), STOP(3), STOP(1), SPAWN("a", 4), SPAWN("b", 5),
             SPAWN("c", 6));
    ACCEPTED(rest, BORN, DOWN(0, 2, CRASH), STOP(3), SPAWN("b", 5), SPAWN("c", 6));
    /* A child that died meanwhile, of which it knows, is neither told nor waited for; and its end is stale then. */
    ACCEPTED(all, BORN, DOWN(0, 2, CRASH), EXIT(3), ARM(0, MM1_STOP_TIMEOUT_DEFAULT),
             DOWN(1, 1, CRASH), DOWN(2, 3, SHUT), SPAWN("a", 4), SPAWN("b", 5), SPAWN("c", 6),
             AGAIN(3, 1001));

    REJECTED(one, "start order", 5, BORN, DOWN(0, 2, CRASH), OTHER);
    REJECTED(one, "start order", 5, BORN, DOWN(0, 2, CRASH), SPAWN("c", 4));
    REJECTED(one, "start without cause", 6, BORN, DOWN(0, 2, CRASH), SPAWN("b", 4), SPAWN("c", 5));
    REJECTED(all, "stop order", 5, BORN, DOWN(0, 2, CRASH), STOP(1));
    REJECTED(all, "stop order", 5, BORN, DOWN(0, 2, CRASH), SPAWN("b", 4));
    REJECTED(all, "start order", 13, BORN, DOWN(0, 2, CRASH), STOP(3), STOP(1), SPAWN("c", 4));
    REJECTED(all, "start order", 15, BORN, DOWN(0, 2, CRASH), STOP(3), STOP(1), SPAWN("a", 4),
             SPAWN("b", 5));
    REJECTED(rest, "start order", 9, BORN, DOWN(0, 2, CRASH), STOP(3), STOP(1));
    REJECTED(all, "start order", 9, BORN, DOWN(0, 2, CRASH), EXIT(3),
             ARM(0, MM1_STOP_TIMEOUT_DEFAULT), DOWN(1, 1, CRASH), DOWN(2, 3, SHUT), EXIT(1));
}

Test(sup_spec, what_is_stale_is_not_acted_upon)
{
    ACCEPTED(one, BORN, DOWN(0, 2, CRASH), SPAWN("b", 4), DOWN(1, 2, CRASH));
    REJECTED(one, "start without cause", 7, BORN, DOWN(0, 2, CRASH), SPAWN("b", 4),
             DOWN(1, 2, CRASH), SPAWN("b", 5));
    REJECTED(one, "start without cause", 5, BORN, DOWN(0, 77, CRASH), SPAWN("b", 4));
    /* Signals of strangers. */
    REJECTED(one, "stop without cause", 5, BORN, OTHER, EXIT(3));
    REJECTED(one, "end without cause", 5, BORN, OTHER, END(SHUT));
    REJECTED(one, "stop without cause", 5, BORN, TIMEOUT(7), KILL(3));
    REJECTED(one, "reply without call", 4, BORN, REPLY(1, OK, 0));
}

Test(sup_spec, restarts_by_kind)
{
    ACCEPTED(every, BORN_KINDS, DOWN(0, 2, CRASH), SPAWN("t", 4), DOWN(0, 3, CRASH));
    ACCEPTED(every, BORN_KINDS, DOWN(0, 2, SHUT), DOWN(0, 3, SHUT), EXIT(1), DOWN(0, 1, SHUT),
             END(SHUT));
    ACCEPTED(any, BORN_KINDS, DOWN(0, 3, CRASH), STOP_T, EXIT(1), DOWN(0, 1, SHUT), END(SHUT));
    ACCEPTED(any, BORN_KINDS, CALL(1, TERMINATE, "x"), EXIT(3), KILL(3), DOWN(0, 3, SHUT),
             REPLY(1, OK, 0));

    REJECTED(every, "start without cause", 5, BORN_KINDS, DOWN(0, 3, CRASH), SPAWN("x", 4));
    REJECTED(every, "start without cause", 5, BORN_KINDS, DOWN(0, 2, CLEAN), SPAWN("t", 4));
    REJECTED(every, "start order", 5, BORN_KINDS, DOWN(0, 2, KILLED));
    REJECTED(every, "stop without cause", 5, BORN_KINDS, DOWN(0, 2, CLEAN), EXIT(3));
    REJECTED(any, "stop order", 5, BORN_KINDS, DOWN(0, 3, CRASH));
    REJECTED(any, "end", 10, BORN_KINDS, DOWN(0, 3, CRASH), STOP_T, EXIT(1), DOWN(0, 1, SHUT),
             END(CRASH));
    REJECTED(any, "stop without cause", 9, BORN_KINDS, CALL(1, TERMINATE, "x"), EXIT(3), KILL(3),
             DOWN(0, 3, SHUT), REPLY(1, OK, 0), EXIT(2));
}

Test(sup_spec, gives_up_exactly_at_the_limit)
{
#define FIRST BORN, DOWN(100, 2, CRASH), SPAWN("b", 4)
    ACCEPTED(one, FIRST, DOWN(111, 4, CRASH), SPAWN("b", 5));
    ACCEPTED(one, FIRST, DOWN(110, 4, CRASH), STOP(3), STOP(1), END(SHUT));
    ACCEPTED(one, FIRST, DOWN(100, 4, CRASH), STOP(3), STOP(1), END(SHUT));
    REJECTED(one, "restart limit", 7, FIRST, DOWN(110, 4, CRASH), SPAWN("b", 5));
    REJECTED(one, "restart limit", 7, FIRST, DOWN(111, 4, CRASH), EXIT(3));
    REJECTED(one, "restart limit", 5, BORN, DOWN(100, 2, CRASH), END(SHUT));
    REJECTED(one, "end", 15, FIRST, DOWN(110, 4, CRASH), STOP(3), STOP(1), END(CRASH));
    /* What was set aside counts when it is taken again. */
#define BUSY                                                                                       \
    BORN, DOWN(100, 2, CRASH), STOP(3), SPAWN("b", 4), SPAWN("c", 5), CALL(1, TERMINATE, "c"),     \
        EXIT(5), ARM(0, MM1_STOP_TIMEOUT_DEFAULT), DOWN(105, 4, CRASH), DOWN(0, 5, SHUT),          \
        REPLY(1, OK, 0)
    ACCEPTED(rest, BUSY, AGAIN(111, 1004), SPAWN("b", 6), SPAWN("c", 7));
    ACCEPTED(rest, BUSY, AGAIN(110, 1004), STOP(1), END(SHUT));
    REJECTED(rest, "restart limit", 18, BUSY, AGAIN(110, 1004), SPAWN("b", 6));
}

Test(sup_spec, tries_again_through_the_inbox)
{
    ACCEPTED(one, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"), CALL(1, GET, "b"),
             REPLY(1, OK, 0), RETRY(11, "b"), SPAWN("b", 4));
    ACCEPTED(all, BORN, DOWN(0, 2, CRASH), STOP(3), STOP(1), SPAWN("a", 4), SPAWN("b", 0),
             RESEND("b"), RETRY(11, "b"), STOP(4), SPAWN("a", 5), SPAWN("b", 6), SPAWN("c", 7));
    ACCEPTED(one, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"), RETRY(9, "b"), STOP(3),
             STOP(1), END(SHUT));
    ACCEPTED(one, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"), CALL(1, TERMINATE, "b"),
             REPLY(1, OK, 0), RETRY(11, "b"));

    REJECTED(one, "retry", 6, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), SPAWN("b", 4));
    REJECTED(one, "retry", 6, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), OTHER);
    REJECTED(one, "retry", 6, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("a"));
    REJECTED(one, "retry", 7, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"));
    REJECTED(one, "start without cause", 7, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"),
             SPAWN("b", 4), RETRY(11, "b"));
    REJECTED(one, "retry", 4, BORN, RETRY(0, "b"));
    REJECTED(one, "start without cause", 10, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"),
             CALL(1, TERMINATE, "b"), REPLY(1, OK, 0), RETRY(11, "b"), SPAWN("b", 4));
    REJECTED(all, "retry", 15, BORN, DOWN(0, 2, CRASH), STOP(3), STOP(1), SPAWN("a", 4),
             SPAWN("b", 0), SPAWN("c", 5));
    REJECTED(one, "restart limit", 8, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"),
             RETRY(9, "b"), SPAWN("b", 4));
}

/* --- starts that are waited for ---------------------------------------------------------------------------------- */

#define ARM_A ARM(0, 50)
#define ARM_B ARM(0, MM1_START_TIMEOUT_DEFAULT)
#define BORN_ACK                                                                                   \
    SPAWN("a", 1), ARM_A, STARTED(1), DISARM, SPAWN("b", 2), ARM_B, STARTED(2), DISARM, READY

Test(sup_spec, waits_for_those_who_acknowledge)
{
    ACCEPTED(ack, BORN_ACK);
    ACCEPTED(ack, SPAWN("a", 1), ARM_A, IGNORED(1), SPAWN("b", 2), ARM_B, IGNORED(2), READY,
             CALL(1, GET, "a"), REPLY(1, OK, 0), CALL(2, GET, "b"), REPLY(2, NOT_FOUND, 0));
    ACCEPTED(ack, SPAWN("a", 1), ARM_A, FAILED(1, BOOM), END(UNSTARTED("a")));
    ACCEPTED(ack, SPAWN("a", 1), ARM_A, STARTED(1), SPAWN("b", 2), ARM_B, FAILED(2, BOOM), STOP(1),
             END(UNSTARTED("b")));
    ACCEPTED(ack, SPAWN("a", 1), ARM_A, TIMEOUT(50), KILL(1), STARTED(1), FAILED(1, KILLED),
             DOWN(0, 1, KILLED), END(UNSTARTED("a")));
    ACCEPTED(ack, BORN_ACK, CALL(1, TERMINATE, "b"), KILL(2), DOWN(0, 2, KILLED), REPLY(1, OK, 0));
    /* What arrives meanwhile waits, in its order. */
    ACCEPTED(ack, BORN_ACK, DOWN(0, 1, CRASH), SPAWN("a", 3), ARM_A, CALL(1, GET, "a"),
             DOWN(0, 2, CRASH), OTHER, CALL(2, GET, "b"), STARTED(3), AGAIN(0, 1), REPLY(1, OK, 3),
             AGAIN(0, 1002), AGAIN(0, 700), AGAIN(0, 2), REPLY(2, NOT_FOUND, 0));

    REJECTED(ack, "wait", 2, SPAWN("a", 1), ARM_A, SPAWN("b", 2), ARM_B);
    REJECTED(ack, "start timeout", 1, SPAWN("a", 1), ARM(0, 51));
    REJECTED(ack, "start timeout", 1, SPAWN("a", 1), STARTED(1));
    REJECTED(ack, "start timeout", 3, SPAWN("a", 1), ARM_A, TIMEOUT(50), END(UNSTARTED("a")));
    REJECTED(ack, "wait", 4, SPAWN("a", 1), ARM_A, TIMEOUT(50), KILL(1), END(UNSTARTED("a")));
    REJECTED(ack, "wait", 5, SPAWN("a", 1), ARM_A, TIMEOUT(50), KILL(1), STARTED(1), SPAWN("b", 2));
    REJECTED(ack, "end", 3, SPAWN("a", 1), ARM_A, FAILED(1, BOOM), SPAWN("b", 2));
    REJECTED(ack, "end", 3, SPAWN("a", 1), ARM_A, FAILED(1, BOOM), END(UNSTARTED("b")));
    REJECTED(ack, "end", 3, SPAWN("a", 1), ARM_A, FAILED(1, BOOM), END(SHUT));
    REJECTED(ack, "stop order", 6, SPAWN("a", 1), ARM_A, STARTED(1), SPAWN("b", 2), ARM_B,
             FAILED(2, BOOM), END(UNSTARTED("b")));
#define TWO_WAIT                                                                                   \
    BORN_ACK, DOWN(0, 1, CRASH), SPAWN("a", 3), ARM_A, CALL(1, GET, "a"), CALL(2, GET, "b"),       \
        STARTED(3)
    REJECTED(ack, "order of arrival", 15, TWO_WAIT, AGAIN(0, 2), REPLY(2, OK, 2));
    REJECTED(ack, "order of arrival", 16, TWO_WAIT, CALL(3, GET, "a"), REPLY(3, OK, 3));
    REJECTED(ack, "forgotten", 17, TWO_WAIT, AGAIN(0, 1), REPLY(1, OK, 3));
    REJECTED(ack, "wait", 14, BORN_ACK, DOWN(0, 1, CRASH), SPAWN("a", 3), ARM_A, CALL(1, GET, "a"),
             OTHER, REPLY(1, OK, 3));
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static const struct mm1_child another = {ID("d")};
static const struct mm1_child known = {ID("b")};
static const struct mm1_child significant = {ID("d"), .significant = true};

Test(sup_spec, answers_calls)
{
    ACCEPTED(one, BORN, CALL_ADD(1, &another), SPAWN("d", 4), REPLY(1, OK, 4), CALL_ADD(2, &known),
             REPLY(2, ALREADY_STARTED, 2), CALL_ADD(3, &significant), REPLY(3, INVALID, 0),
             PARENT(SHUT), STOP(4), STOP(3), STOP(2), STOP(1), END(SHUT));
    ACCEPTED(one, BORN, CALL(1, TERMINATE, "b"), STOP(2), REPLY(1, OK, 0), CALL_ADD(2, &known),
             REPLY(2, ALREADY_PRESENT, 0), CALL(3, RESTART, "b"), SPAWN("b", 4), REPLY(3, OK, 4),
             CALL(4, DELETE, "b"), REPLY(4, RUNNING, 0), CALL(5, DELETE, "z"),
             REPLY(5, NOT_FOUND, 0), CALL(6, START, NULL), REPLY(6, UNIFORM, 0));
    ACCEPTED(one, BORN, CALL(1, TERMINATE, "b"), STOP(2), REPLY(1, OK, 0), CALL(2, DELETE, "b"),
             REPLY(2, OK, 0), CALL_ADD(3, &known), SPAWN("b", 4), REPLY(3, OK, 4), PARENT(SHUT),
             STOP(4), STOP(3), STOP(1), END(SHUT));
    ACCEPTED(one, BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"), CALL(1, RESTART, "b"),
             REPLY(1, RESTARTING, 0), RETRY(20, "b"), SPAWN("b", 4));

    REJECTED(one, "reply", 5, BORN, CALL(1, GET, "b"), REPLY(1, OK, 3));
    REJECTED(one, "reply", 5, BORN, CALL(1, GET, "z"), REPLY(1, OK, 0));
    REJECTED(one, "reply", 5, BORN, CALL(1, GET, "b"), REPLY(2, OK, 2));
    REJECTED(one, "reply", 5, BORN, CALL(1, GET, "b"), OTHER);
    REJECTED(one, "reply", 5, BORN, CALL(1, GET, "b"));
    REJECTED(one, "reply without call", 6, BORN, CALL(1, GET, "b"), REPLY(1, OK, 2),
             REPLY(1, OK, 2));
    REJECTED(one, "wait", 7, BORN, CALL(1, TERMINATE, "b"), EXIT(2),
             ARM(0, MM1_STOP_TIMEOUT_DEFAULT), REPLY(1, OK, 0));
    REJECTED(one, "reply", 5, BORN, CALL(1, DELETE, "b"), EXIT(2));
    REJECTED(one, "start order", 5, BORN, CALL_ADD(1, &another), REPLY(1, ALREADY_PRESENT, 0));
    REJECTED(one, "reply", 5, BORN, CALL_ADD(1, &significant), SPAWN("d", 4));
    REJECTED(one, "stop order", 8, BORN, CALL_ADD(1, &another), SPAWN("d", 4), REPLY(1, OK, 4),
             PARENT(SHUT), STOP(3));
    REJECTED(one, "start without cause", 10, BORN, CALL(1, TERMINATE, "b"), STOP(2),
             REPLY(1, OK, 0), SPAWN("b", 4));
    /* A failed start tells why, and leaves nothing. */
#define ADD_ACKED CALL_ADD(1, &acked[0]), SPAWN("a", 4), ARM_A, FAILED(4, BOOM)
    static const struct mm1_tree_spec empty = {.max_restarts = 5};
    ACCEPTED(empty, READY, ADD_ACKED, REPLY_FAILED(1, BOOM), CALL(2, GET, "a"),
             REPLY(2, NOT_FOUND, 0));
    REJECTED(empty, "reply", 5, READY, ADD_ACKED, REPLY_FAILED(1, CRASH));
    REJECTED(empty, "reply", 5, READY, ADD_ACKED, REPLY(1, OK, 4));
    REJECTED(empty, "reply", 7, READY, ADD_ACKED, REPLY_FAILED(1, BOOM), CALL(2, GET, "a"),
             REPLY(2, OK, 0));
    ACCEPTED(empty, READY, CALL_ADD(1, &acked[0]), SPAWN("a", 4), ARM_A, TIMEOUT(50), KILL(4),
             DOWN(0, 4, KILLED), REPLY_FAILED(1, TIMED_OUT));
}

#define REPLY_WHICH(n, ...)                                                                        \
    {                                                                                              \
        .kind = SUP_DID_REPLY, .number = (n),                                                      \
        .told = (const struct sup_told_child[]){__VA_ARGS__},                                      \
        .told_count =                                                                              \
            sizeof((const struct sup_told_child[]){__VA_ARGS__}) / sizeof(struct sup_told_child)   \
    }
#define REPLY_COUNT(n, specs_, active_, supervisors_, workers_, living_)                           \
    {                                                                                              \
        .kind = SUP_DID_REPLY, .number = (n), .counts = {specs_, active_, supervisors_, workers_}, \
        .living = (living_)                                                                        \
    }
#define REPLY_SPEC(n, child_)                                                                      \
    {                                                                                              \
        .kind = SUP_DID_REPLY, .number = (n), .child = (child_)                                    \
    }

Test(sup_spec, tells_what_there_is)
{
#define TRIED BORN, DOWN(0, 2, CRASH), SPAWN("b", 0), RESEND("b"), CALL(1, WHICH, NULL)
#define REST RETRY(20, "b"), SPAWN("b", 4)
    ACCEPTED(one, TRIED, REPLY_WHICH(1, {"c", 3, 0, 0}, {"b", 0, 1, 0}, {"a", 1, 0, 0}), REST);
    REJECTED(one, "reply", 8, TRIED, REPLY_WHICH(1, {"a", 1, 0, 0}, {"b", 0, 1, 0}, {"c", 3, 0, 0}),
             REST);
    REJECTED(one, "reply", 8, TRIED, REPLY_WHICH(1, {"c", 3, 0, 0}, {"b", 0, 0, 0}, {"a", 1, 0, 0}),
             REST);
    REJECTED(one, "reply", 8, TRIED, REPLY_WHICH(1, {"c", 3, 0, 0}, {"b", 0, 1, 0}), REST);
    REJECTED(one, "reply", 8, TRIED, REPLY_WHICH(1, {"c", 3, 0, 0}, {"b", 2, 1, 0}, {"a", 1, 0, 0}),
             REST);
#define COUNTED BORN, CALL(1, COUNT, NULL)
    ACCEPTED(one, COUNTED, REPLY_COUNT(1, 3, 3, 0, 3, 2));
    ACCEPTED(one, COUNTED, REPLY_COUNT(1, 3, 2, 0, 3, 2));
    REJECTED(one, "reply", 5, COUNTED, REPLY_COUNT(1, 3, 1, 0, 3, 2));
    REJECTED(one, "reply", 5, COUNTED, REPLY_COUNT(1, 3, 4, 0, 3, 2));
    REJECTED(one, "reply", 5, COUNTED, REPLY_COUNT(1, 2, 3, 0, 3, 2));
    REJECTED(one, "reply", 5, COUNTED, REPLY_COUNT(1, 3, 3, 1, 2, 2));

    struct mm1_child full = {.id = MM1_TEXT_INIT("b"),
                             .factory = MM1_TEXT_INIT("b"),
                             .restart = MM1_PERMANENT,
                             .stop = MM1_STOP_TIMEOUT,
                             .stop_timeout = NS(MM1_STOP_TIMEOUT_DEFAULT)};
    ACCEPTED(one, BORN, CALL(1, CHILDSPEC, "b"), REPLY_SPEC(1, &full));
    ACCEPTED(one, BORN, CALL(1, CHILDSPEC, "z"), REPLY_SPEC(1, NULL));
    REJECTED(one, "reply", 5, BORN, CALL(1, CHILDSPEC, "z"), REPLY_SPEC(1, &full));
    REJECTED(one, "reply", 5, BORN, CALL(1, CHILDSPEC, "b"), REPLY_SPEC(1, &known));
}

/* --- uniform supervisors ------------------------------------------------------------------------------------------ */

Test(sup_spec, uniform)
{
#define W(p) SPAWN("w", p)
#define THREE                                                                                      \
    READY, CALL(1, START, NULL), W(1), REPLY(1, OK, 1), CALL(2, START, NULL), W(2),                \
        REPLY(2, OK, 2), CALL(3, START, NULL), W(3), REPLY(3, OK, 3)
    ACCEPTED(uniform, THREE, PARENT(SHUT), EXIT(1), EXIT(2), EXIT(3), ARM(0, 7), DOWN(1, 2, SHUT),
             TIMEOUT(7), KILL(1), KILL(3), DOWN(8, 3, KILLED), DOWN(8, 1, KILLED), END(SHUT));
    ACCEPTED(uniform, THREE, DOWN(0, 2, CLEAN), DOWN(0, 1, CRASH), W(4), PARENT(SHUT), EXIT(3),
             EXIT(4), ARM(0, 7), DOWN(1, 3, SHUT), DOWN(1, 4, SHUT), END(SHUT));
    ACCEPTED(uniform, THREE, CALL_OF(4, STOP, 2), EXIT(2), ARM(0, 7), DOWN(0, 2, SHUT),
             REPLY(4, OK, 0), CALL_OF(5, STOP, 2), REPLY(5, OK, 0), CALL_OF(6, STOP, 99),
             {.kind = SUP_DID_REPLY, .number = 6, .code = MM1_SUP_NOT_FOUND, .other_lives = true});
    ACCEPTED(uniform, THREE, DOWN(0, 1, CRASH), W(0), RESEND_OF(1), CALL(4, WHICH, NULL),
             REPLY_WHICH(4, {NULL, 2, 0, 0}, {NULL, 3, 0, 0}, {NULL, 0, 1, 0}), RETRY_OF(0, 1),
             W(4));
    ACCEPTED(uniform, THREE, DOWN(0, 1, CRASH), W(0), RESEND_OF(1), CALL_OF(4, STOP, 1),
             REPLY(4, OK, 0), RETRY_OF(0, 1));
    ACCEPTED(uniform, READY, CALL(1, TERMINATE, "w"), REPLY(1, UNIFORM, 0));

    REJECTED(uniform, "stop order", 12, THREE, PARENT(SHUT), EXIT(1), EXIT(1), EXIT(3), ARM(0, 7));
    REJECTED(uniform, "stop order", 13, THREE, PARENT(SHUT), EXIT(1), EXIT(2), ARM(0, 7));
    REJECTED(uniform, "stop timeout", 18, THREE, PARENT(SHUT), EXIT(1), EXIT(2), EXIT(3), ARM(0, 7),
             DOWN(1, 2, SHUT), TIMEOUT(7), KILL(1), DOWN(8, 1, KILLED));
    REJECTED(uniform, "wait", 16, THREE, PARENT(SHUT), EXIT(1), EXIT(2), EXIT(3), ARM(0, 7),
             DOWN(1, 2, SHUT), END(SHUT));
    REJECTED(uniform, "start without cause", 11, THREE, DOWN(0, 2, CLEAN), W(4));
    REJECTED(uniform, "reply", 11, THREE, CALL_OF(4, STOP, 99),
             {.kind = SUP_DID_REPLY, .number = 4, .code = MM1_SUP_OK, .other_lives = true});
    REJECTED(uniform, "start without cause", 16, THREE, DOWN(0, 1, CRASH), W(0), RESEND_OF(1),
             CALL_OF(4, STOP, 1), REPLY(4, OK, 0), RETRY_OF(0, 1), W(4));
}

/* --- the rest ------------------------------------------------------------------------------------------------------
 * */

Test(sup_spec, announces_itself_to_those_who_asked)
{
    ACCEPTED(announcing, SPAWN("a", 1), ANNOUNCE(1), READY);
    ACCEPTED(announcing, SPAWN("a", 1), READY, ANNOUNCE(1));
    REJECTED(announcing, "announce", 2, SPAWN("a", 1), READY);
    REJECTED(announcing, "announce", 2, SPAWN("a", 1), READY, DOWN(0, 1, CRASH), ANNOUNCE(1),
             SPAWN("a", 2));
    REJECTED(announcing, "announce", 2, SPAWN("a", 1), ANNOUNCE(1), ANNOUNCE(1), READY);
    REJECTED(one, "announce", 4, BORN, ANNOUNCE(1));
}

Test(sup_spec, a_bad_tree_starts_nobody)
{
    ACCEPTED(bad, END(BOOM));
    REJECTED(bad, "bad tree", 0, SPAWN("a", 1));
    REJECTED(bad, "bad tree", 0, READY);
    REJECTED(bad, "end", 1, END(BOOM), READY);
}

/* Whatever is refused, the answer is a verdict, and nothing leaks. */
Test(sup_spec, survives_a_refusal)
{
    static struct sup_entry entries[400] = {BORN};
    for (size_t i = 4; i < MM1_COUNT_OF(entries); i += 2) {
        uint64_t process = i == 4 ? 2 : i;
        entries[i] = (struct sup_entry)DOWN(20 * i, process, CRASH);
        entries[i + 1] = (struct sup_entry)SPAWN("b", i + 2);
    }
    cr_assert_eq(judge(&one, true, entries, MM1_COUNT_OF(entries)), SUP_ACCEPTED, "%s",
                 finding.text);
    size_t before = alloc.requests;
    (void)sup_spec_judge(&alloc.base, &one, &log_, true, &finding);
    size_t requests = alloc.requests - before;
    cr_assert(requests > 0);
    for (size_t k = 1; k <= requests; k++) {
        test_alloc_fail_at(&alloc, k);
        cr_expect_eq(sup_spec_judge(&alloc.base, &one, &log_, true, &finding), SUP_REJECTED);
        cr_expect_str_eq(finding.rule, "no memory");
    }
    test_alloc_fail_at(&alloc, 0);
}

Test(sup_spec, a_log_survives_a_refusal)
{
    const struct sup_entry entries[] = {BORN, CALL_ADD(1, &another),
                                        REPLY_WHICH(2, {"c", 3, 0, 0})};
    for (size_t k = 1;; k++) {
        struct sup_log log = SUP_LOG(&alloc.base);
        test_alloc_fail_at(&alloc, k);
        mm1_status status = MM1_OK;
        for (size_t i = 0; i < MM1_COUNT_OF(entries) && status == MM1_OK; i++) {
            status = sup_log_add(&log, &entries[i]);
        }
        sup_log_close(&log);
        if (status == MM1_OK) {
            cr_assert(k > 1);
            break;
        }
        cr_assert_eq(status, MM1_NOMEM);
    }
    test_alloc_fail_at(&alloc, 0);
}

Test(sup_spec, entries_in_words)
{
    static const struct {
        struct sup_entry entry;
        const char *words;
    } cases[] = {
        {DOWN(0, 3, CRASH), "takes down of process 3 (error 1: crash)"},
        {PARENT(CLEAN), "takes exit of its parent (normal)"},
        {CALL(4, TERMINATE, "b"), "takes call 4: terminate_child of \"b\""},
        {CALL_ADD(4, &another), "takes call 4: start_child of \"d\""},
        {AGAIN(0, 4), "takes again what it set aside, number 4"},
        {SPAWN("a", 2), "spawns \"a\" as process 2"},
        {SPAWN("a", 0), "spawns \"a\", refused"},
        {EXIT(2), "sends exit to process 2 (shutdown)"},
        {REPLY(3, ALREADY_STARTED, 7), "answers call 3: already started, process 7"},
        {RESEND("a"), "sends itself a retry of \"a\""},
        {END(KILLED), "ends (killed)"},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        struct mm1_buf out = MM1_BUF(&alloc.base);
        cr_assert_eq(sup_entry_print(&cases[i].entry, NULL, NULL, &out), MM1_OK);
        cr_assert_eq(mm1_buf_terminate(&out), MM1_OK);
        cr_expect_str_eq((const char *)out.data, cases[i].words);
        mm1_buf_close(&out);
    }
}
