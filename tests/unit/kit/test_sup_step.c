/* The decisions of supervisors, statement by statement (the letters are those of docs/parity.md). */
#include <signal.h>

#include "sup_script.h"

#define ONE MM1__SUP_ONE_FOR_ONE
#define ALL MM1__SUP_ALL_FOR_ONE
#define REST MM1__SUP_REST_FOR_ONE
#define UNIFORM MM1__SUP_UNIFORM
#define EVER UINT64_MAX

static struct script s;

static void close_script(void)
{
    script_close(&s);
}

TestSuite(sup_step, .fini = close_script);

/* --- start (VS) ----------------------------------------------------------------------------------------------- */

Test(sup_step, vs1_starts_from_left_to_right)
{
    script_open(&s, ONE, 0, EVER, "a b/ack=5 c/ack");
    PLAY(&s, "begin | start a", "started | start b; arm 5", "started | disarm; start c",
         "started | ready", "list | a b c", "parent shutdown | exit c; arm 100",
         "gone c | disarm; exit b; arm 100", "gone b | disarm; exit a; arm 100",
         "gone a | disarm; quit shutdown");
}

Test(sup_step, vs1_without_children_it_is_ready_at_once)
{
    script_open(&s, REST, 0, EVER, "");
    PLAY(&s, "begin | ready", "parent normal | quit normal");
}

Test(sup_step, vs2_a_failed_first_start_stops_those_before_it)
{
    script_open(&s, REST, 9, EVER, "a b/brutal c/temporary d");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "failed c crash | kill b",
         "gone b | exit a; arm 100", "gone a | disarm; quit crash failed c");
}

Test(sup_step, vs2_a_failed_first_start_of_the_only_child)
{
    script_open(&s, ONE, 9, EVER, "a");
    PLAY(&s, "begin | start a", "failed a shutdown:x | quit shutdown:x failed a");
}

Test(sup_step, vs2_those_that_died_meanwhile_are_not_waited_for)
{
    script_open(&s, ONE, 9, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "dead a |",
         "failed c killed | exit b; arm 100", "gone b | disarm; quit killed failed c");
}

Test(sup_step, vs3_ignored_ones_stay_unless_temporary)
{
    script_open(&s, ONE, 0, EVER, "a b/temporary c/transient d/temporary/ack=9");
    PLAY(&s, "begin | start a", "ignored | start b", "ignored | forget b; start c",
         "ignored | start d; arm 9", "ignored | disarm; forget d; ready", "list | a- c-",
         "parent shutdown | quit shutdown");
}

Test(sup_step, vs4_a_death_during_the_start_of_others_is_handled_afterwards)
{
    script_open(&s, ONE, 1, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "dead a |", "started | ready", "list | a! b",
         "ended a crash | start a", "started |", "list | a b");
}

Test(sup_step, a_late_first_start_is_killed_and_fails_for_timeout)
{
    script_open(&s, ONE, 0, EVER, "a b/ack=5");
    PLAY(&s, "begin | start a", "started | start b; arm 5", "timeout | kill b", "started |",
         "gone b | exit a; arm 100", "gone a | disarm; quit timeout failed b");
}

Test(sup_step, what_a_killed_start_still_says_is_ignored)
{
    script_open(&s, ONE, 9, EVER, "a/ack=0");
    PLAY(&s, "begin | start a; arm 0", "started | disarm; ready", "ended a crash | start a; arm 0",
         "timeout | kill a", "list | a+", "ignored |", "failed a crash |", "timeout |", "list | a+",
         "gone a | resend a", "list | a?", "retry a | start a; arm 0",
         "failed a crash | disarm; resend a", "retry a | start a; arm 0", "timeout | kill a",
         "gone a | resend a", "timeout |");
}

/* --- restarts (VR) -------------------------------------------------------------------------------------------- */

Test(sup_step, vr1_who_is_restarted)
{
    static const char *const reasons[] = {"normal",  "shutdown", "shutdown:x",   "kill",
                                          "killed",  "noproc",   "noconnection", "init_failed",
                                          "timeout", "crash"};
    for (size_t i = 0; i < MM1_COUNT_OF(reasons); i++) {
        script_open(&s, ONE, 1, EVER, "p t/transient u/temporary");
        PLAY(&s, "begin | start p", "started | start t", "started | start u", "started | ready");
        char line[64];
        snprintf(line, sizeof(line), "ended u %s | forget u", reasons[i]);
        PLAY(&s, line);
        bool clean = i < 3;
        snprintf(line, sizeof(line), "ended t %s |%s", reasons[i], clean ? "" : " start t");
        PLAY(&s, line);
        PLAY(&s, clean ? "list | p t-" : "started |");
        s.sup.max_restarts = 2;
        snprintf(line, sizeof(line), "ended p %s | start p", reasons[i]);
        PLAY(&s, line);
        PLAY(&s, "started |", clean ? "list | p t-" : "list | p t");
        script_close(&s);
    }
    script_open(&s, ONE, 0, 0, "");
}

Test(sup_step, vr2_all_for_one)
{
    script_open(&s, ALL, 1, EVER, "a b/infinity c/brutal d");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | start d",
         "started | ready", "ended b crash | exit d; arm 100", "gone d | disarm; kill c",
         "gone c | exit a; arm 100", "gone a | disarm; start a", "started | start b",
         "started | start c", "started | start d", "started |", "list | a b c d");
}

Test(sup_step, vr3_rest_for_one)
{
    script_open(&s, REST, 9, EVER, "a b c d");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | start d",
         "started | ready", "ended c crash | exit d; arm 100", "gone d | disarm; start c",
         "list | a b c+ d-", "started | start d", "started |", "ended d crash | start d",
         "started |", "list | a b c d");
}

Test(sup_step, vr4_temporary_ones_in_the_range_are_forgotten)
{
    script_open(&s, ALL, 9, EVER, "t/temporary a u/temporary b v/temporary");
    PLAY(&s, "begin | start t", "started | start a", "started | start u", "started | start b",
         "started | start v", "started | ready", "dead u |", "ended b crash | exit v; arm 100",
         "gone v | disarm; forget v; forget u; exit a; arm 100", "gone a | disarm; exit t; arm 100",
         "gone t | disarm; forget t; start a", "started | start b", "started |", "list | a b");
}

Test(sup_step, vr4_rest_for_one_leaves_those_before)
{
    script_open(&s, REST, 9, EVER, "t/temporary a u/temporary");
    PLAY(&s, "begin | start t", "started | start a", "started | start u", "started | ready",
         "ended a crash | exit u; arm 100", "gone u | disarm; forget u; start a", "started |",
         "list | t a");
}

Test(sup_step, vr5_vr6_a_group_restart_starts_those_without_a_process_too)
{
    script_open(&s, ALL, 9, EVER, "a/transient b c d");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "ignored | start d",
         "started | ready", "ended a normal |", "terminate b | exit b; arm 100",
         "gone b | disarm; reply ok", "list | a- b- c- d", "ended d crash | start a",
         "started | start b", "started | start c", "started | start d", "started |",
         "list | a b c d");
}

Test(sup_step, vr7_who_is_not_restarted_triggers_nothing)
{
    script_open(&s, ALL, 0, EVER, "a b/transient c/temporary");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "ended b shutdown |", "ended c crash | forget c", "list | a b-");
}

Test(sup_step, vr8_the_order_of_starts)
{
    script_open(&s, ALL, 9, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "start d | start d", "started | reply ok d", "terminate a | exit a; arm 100",
         "gone a | disarm; reply ok", "delete a | reply ok; forget a", "start a | start a",
         "started | reply ok a", "terminate c | exit c; arm 100", "gone c | disarm; reply ok",
         "restart c | start c", "started | reply ok c", "list | b c d a",
         "parent shutdown | exit a; arm 100", "gone a | disarm; exit d; arm 100",
         "gone d | disarm; exit c; arm 100", "gone c | disarm; exit b; arm 100",
         "gone b | disarm; quit shutdown");
}

/* --- failing restarts (VF) ------------------------------------------------------------------------------------ */

Test(sup_step, vf1_a_failed_restart_is_tried_again_and_counts)
{
    script_open(&s, ONE, 3, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "ended a crash | start a",
         "failed a crash | resend a", "list | a? b", "retry a | start a",
         "failed a crash | resend a", "retry a | start a", "started |", "list | a b",
         "ended b crash | exit a; arm 100", "gone a | disarm; quit shutdown");
}

Test(sup_step, vf2_all_for_one_the_first_failure_ends_the_pass)
{
    script_open(&s, ALL, 9, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "dead a |", "dead b |", "ended c crash | start a", "started | start b",
         "failed b crash | resend b", "list | a b? c-", "retry b | exit a; arm 100",
         "gone a | disarm; start a", "started | start b", "started | start c", "started |",
         "list | a b c");
}

Test(sup_step, vf3_rest_for_one_the_retry_begins_at_the_failed_one)
{
    script_open(&s, REST, 9, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "dead c |", "dead b |", "ended a crash | start a", "started | start b",
         "failed b crash | resend b", "list | a b? c-", "retry b | start b", "started | start c",
         "started |", "list | a b c");
}

Test(sup_step, vf4_calls_about_one_to_restart)
{
    script_open(&s, ONE, 9, EVER, "a");
    PLAY(&s, "begin | start a", "started | ready", "ended a crash | start a",
         "failed a crash | resend a", "restart a | reply restarting", "delete a | reply restarting",
         "terminate a | reply ok", "list | a-", "retry a |", "delete a | reply ok; forget a",
         "retry a |", "list |");
}

Test(sup_step, vf5_calls_between_attempts_see_what_is_there)
{
    script_open(&s, ALL, 9, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead b |",
         "ended a crash | start a", "failed a crash | resend a", "list | a? b-",
         "restart b | start b", "started | reply ok b", "retry a | exit b; arm 100",
         "gone b | disarm; start a", "started | start b", "started |");
}

Test(sup_step, vf6_an_ignored_restart_is_one)
{
    script_open(&s, ALL, 9, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready",
         "ended b crash | exit a; arm 100", "gone a | disarm; start a", "ignored | start b",
         "ignored |", "list | a- b-");
    script_close(&s);
    script_open(&s, ONE, 9, EVER, "a/transient");
    PLAY(&s, "begin | start a", "started | ready", "ended a crash | start a", "ignored |",
         "list | a-");
}

Test(sup_step, vf7_retries_exceed_the_intensity)
{
    script_open(&s, ALL, 2, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead a |",
         "ended b crash | start a", "started | start b", "failed b crash | resend b",
         "retry b | exit a; arm 100", "gone a | disarm; start a", "started | start b",
         "failed b crash | resend b", "retry b | exit a; arm 100",
         "gone a | disarm; quit shutdown");
}

Test(sup_step, vf8_a_sibling_that_dies_in_the_pass_is_handled_afterwards)
{
    script_open(&s, ALL, 9, EVER, "a/transient b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead a |",
         "ended b crash | start a", "started | start b", "dead a |", "started |", "list | a! b",
         "ended a normal |", "list | a- b");
}

Test(sup_step, vf9_the_end_of_a_sibling_before_the_retry)
{
    script_open(&s, ALL, 9, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead a |",
         "ended b crash | start a", "started | start b", "failed b crash | resend b",
         "ended a crash | start a", "started | start b", "started |", "retry b |", "list | a b");
}

Test(sup_step, vf10_the_parent_ends_it_between_attempts)
{
    script_open(&s, ONE, MM1_RESTARTS_UNLIMITED, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "ended a crash | start a",
         "failed a crash | resend a", "parent killed | exit b; arm 100",
         "gone b | disarm; quit killed");
}

/* --- intensity (VI) ------------------------------------------------------------------------------------------- */

Test(sup_step, vi1_without_restarts_the_first_one_is_too_many)
{
    script_open(&s, ONE, 0, 0, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "ended b crash | exit c; arm 100", "gone c | disarm; exit a; arm 100",
         "gone a | disarm; quit shutdown");
    cr_assert_null(s.sup.restarts.times);
}

/* One permanent child; `times` are those of its ends. Whether it quits at the last one, and not before. */
static void window(uint32_t max_restarts, uint64_t within_ns, bool quits, const uint64_t *times,
                   size_t count)
{
    script_open(&s, ONE, max_restarts, within_ns, "a");
    PLAY(&s, "begin | start a", "started | ready");
    for (size_t i = 0; i < count; i++) {
        char line[64];
        snprintf(line, sizeof(line), "at %llu |", (unsigned long long)times[i]);
        PLAY(&s, line);
        if (quits && i + 1 == count) {
            PLAY(&s, "ended a crash | quit shutdown");
        } else {
            PLAY(&s, "ended a crash | start a", "started |");
        }
    }
    script_close(&s);
}
#define TIMES(...)                                                                                 \
    (const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t)

Test(sup_step, vi2_the_edges_of_the_window)
{
    const uint64_t last = UINT64_MAX;
    window(1, 10, true, TIMES(5, 15));
    window(1, 10, false, TIMES(5, 16));
    window(1, 10, true, TIMES(0, 10));
    window(1, 10, false, TIMES(0, 11));
    window(1, 0, true, TIMES(0, 0));
    window(1, 0, false, TIMES(0, 1, 2));
    window(1, 0, true, TIMES(0, 1, 1));
    window(2, 10, true, TIMES(1, 2, 3));
    window(2, 10, true, TIMES(1, 5, 12, 15));
    window(2, 10, false, TIMES(1, 5, 12, 16));
    window(3, 10, true, TIMES(0, 0, 0, 10));
    window(3, 10, false, TIMES(0, 0, 0, 11, 11, 11));
    window(1, 10, true, TIMES(last - 10, last));
    window(1, 10, false, TIMES(last - 11, last));
    /* Longer than the clock has run, and than it can. */
    window(1, last - 1, true, TIMES(0, last - 1));
    window(1, last - 1, false, TIMES(0, last));
    window(1, last, true, TIMES(0, last));
    window(1, last / 2, true, TIMES(3, 4));
    window(1, last / 2, true, TIMES(last / 2, last - 1));
    window(1, last / 2, false, TIMES(last / 2, last));
    script_open(&s, ONE, 0, 0, "");
}

Test(sup_step, vi2_unlimited_restarts_record_nothing)
{
    script_open(&s, ONE, MM1_RESTARTS_UNLIMITED, EVER, "a");
    PLAY(&s, "begin | start a", "started | ready");
    for (unsigned i = 0; i < 1000; i++) {
        PLAY(&s, "ended a crash | start a", "started |");
    }
    cr_assert_eq(s.sup.restarts.count, (size_t)0);
    cr_assert_null(s.sup.restarts.times);
}

Test(sup_step, vi4_a_group_restart_counts_once)
{
    script_open(&s, ALL, 1, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "dead a |", "dead b |", "ended c crash | start a", "started | start b",
         "started | start c", "started |", "dead b |", "dead c |", "ended a crash | quit shutdown");
}

Test(sup_step, vi5_what_does_not_count)
{
    script_open(&s, ONE, 0, EVER, "a/transient b/temporary");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "ended b crash | forget b",
         "ended a shutdown:x |", "restart a | start a", "failed a crash | reply failed crash",
         "restart a | start a", "ignored | reply ok", "restart a | start a", "started | reply ok a",
         "terminate a | exit a; arm 100", "gone a | disarm; reply ok", "start c | start c",
         "failed c crash | reply failed crash; forget c", "list | a-");
}

Test(sup_step, vi6_deaths_queued_together)
{
    script_open(&s, ONE, 1, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead b |",
         "ended a crash | start a", "started |", "ended b crash | exit a; arm 100",
         "gone a | disarm; quit shutdown");
    script_close(&s);
    /* rest_for_one: the earlier one first takes the later one with it. */
    script_open(&s, REST, 1, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead b |",
         "ended a crash | start a", "started | start b", "started |", "list | a b");
    script_close(&s);
    script_open(&s, REST, 1, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead a |",
         "ended b crash | start b", "started |", "ended a crash | exit b; arm 100",
         "gone b | disarm; quit shutdown");
}

Test(sup_step, vi7_restarts_leave_the_window_and_the_ring_goes_round)
{
    script_open(&s, ONE, 5, 99, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready");
    for (unsigned i = 0; i < 500; i++) {
        s.now += 20;
        if (i % 2 == 0) {
            PLAY(&s, "ended a crash | start a", "started |");
        } else {
            PLAY(&s, "ended b crash | start b", "started |");
        }
    }
    cr_assert_eq(s.sup.restarts.count, (size_t)5);
    cr_assert_eq(s.sup.restarts.capacity, (size_t)5);
    s.now += 19; /* now the first of five is in it still (VI9: they share it) */
    PLAY(&s, "ended a crash | exit b; arm 100", "gone b | disarm; quit shutdown");
}

Test(sup_step, the_ring_grows_where_it_has_gone_round)
{
    struct mm1__sup sup = {.max_restarts = 100, .within_ns = 10};
    mm1_list_init(&sup.children);
    mm1__sup_step(&sup, &(struct mm1__sup_event){.kind = MM1__SUP_BEGIN}, 0);
    cr_assert_eq(mm1__sup_room(&sup), (size_t)1);
    uint64_t three[3];
    cr_assert_null(mm1__sup_grow(&sup, three, 3));
    cr_assert(mm1__sup_count_restart(&sup, 0) && mm1__sup_count_restart(&sup, 1) &&
              mm1__sup_count_restart(&sup, 9));
    cr_assert(mm1__sup_count_restart(&sup, 12));
    cr_assert_eq(sup.restarts.first, (size_t)2);
    cr_assert_eq(mm1__sup_room(&sup), (size_t)3);
    cr_assert(mm1__sup_count_restart(&sup, 12));
    cr_assert_eq(mm1__sup_room(&sup), (size_t)4);
    uint64_t five[5];
    cr_assert_eq(mm1__sup_grow(&sup, five, 5), three);
    cr_assert(mm1__sup_count_restart(&sup, 13) && mm1__sup_count_restart(&sup, 14));
    static const uint64_t expected[] = {9, 12, 12, 13, 14};
    cr_assert_arr_eq(five, expected, sizeof(expected));
    sup.max_restarts = 5;
    cr_assert_eq(mm1__sup_room(&sup), (size_t)5);
    cr_assert_not(mm1__sup_count_restart(&sup, 19));
    cr_assert(mm1__sup_count_restart(&sup, 20));
}

/* --- stops (VT) ----------------------------------------------------------------------------------------------- */

Test(sup_step, vt1_vt2_ways_of_stopping)
{
    script_open(&s, ONE, 0, EVER, "a b/brutal c/infinity d/stop=0 e/stop=7");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | start d",
         "started | start e", "started | ready", "parent crash | exit e; arm 7", "timeout | kill e",
         "timeout |", "gone e | exit d; kill d", "gone d | exit c", "gone c | kill b",
         "gone b | exit a; arm 100", "gone a | disarm; quit crash");
}

Test(sup_step, vt5_timeouts_add_up)
{
    script_open(&s, ONE, 0, EVER, "a/stop=5 b/stop=6");
    PLAY(&s, "begin | start a", "started | start b", "started | ready",
         "parent shutdown | exit b; arm 6", "timeout | kill b", "gone b | exit a; arm 5",
         "timeout | kill a", "gone a | quit shutdown");
}

Test(sup_step, vt7_who_died_during_the_stop_of_another_is_not_waited_for)
{
    script_open(&s, ONE, 0, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "parent shutdown | exit c; arm 100", "dead a |", "gone c | disarm; exit b; arm 100",
         "gone b | disarm; quit shutdown");
}

/* --- calls (VA) ----------------------------------------------------------------------------------------------- */

Test(sup_step, va1_start_child)
{
    script_open(&s, REST, 0, EVER, "a");
    PLAY(&s, "begin | start a", "ignored | ready", "start b/ack=5 | start b; arm 5",
         "started | disarm; reply ok b", "start c | start c", "ignored | reply ok",
         "start d/temporary | start d", "ignored | reply ok; forget d",
         "start e/temporary | start e", "started | reply ok e", "start f/ack=5 | start f; arm 5",
         "failed f killed | disarm; reply failed killed; forget f",
         "start g/ack=5 | start g; arm 5", "timeout | kill g", "started |",
         "gone g | reply failed timeout; forget g", "list | a- b c- e");
}

Test(sup_step, va2_terminate_child)
{
    script_open(&s, ALL, 0, EVER, "a b/brutal t/temporary/stop=3");
    PLAY(&s, "begin | start a", "started | start b", "started | start t", "started | ready",
         "terminate a | exit a; arm 100", "timeout | kill a", "gone a | reply ok",
         "terminate a | reply ok", "terminate b | kill b", "gone b | reply ok",
         "terminate t | exit t; arm 3", "gone t | disarm; reply ok; forget t",
         "terminate t | reply unknown", "list | a- b-");
}

Test(sup_step, va3_delete_child)
{
    script_open(&s, ONE, 0, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "ignored | ready", "delete a | reply running",
         "delete b | reply ok; forget b", "delete b | reply unknown", "list | a");
}

Test(sup_step, va4_restart_child)
{
    script_open(&s, ONE, 0, EVER, "a b/ack=4");
    PLAY(&s, "begin | start a", "ignored | start b; arm 4", "ignored | disarm; ready",
         "restart x | reply unknown", "restart b | start b; arm 4",
         "failed b crash | disarm; reply failed crash", "list | a- b-",
         "restart b | start b; arm 4", "timeout | kill b", "gone b | reply failed timeout",
         "list | a- b-", "restart b | start b; arm 4", "ignored | disarm; reply ok",
         "restart a | start a", "started | reply ok a", "restart a | reply running", "list | a b-");
}

Test(sup_step, va6_a_stop_before_its_end_is_handled_takes_the_end_with_it)
{
    script_open(&s, ONE, 0, EVER, "a t/temporary");
    PLAY(&s, "begin | start a", "started | start t", "started | ready", "dead a |", "dead t |",
         "terminate a | reply ok", "terminate t | reply ok; forget t", "list | a-");
}

Test(sup_step, va8_a_dead_child_whose_end_is_to_be_handled_runs)
{
    script_open(&s, ONE, 0, EVER, "a");
    PLAY(&s, "begin | start a", "started | ready", "dead a |", "restart a | reply running",
         "delete a | reply running", "list | a!");
}

/* --- uniform (VD) --------------------------------------------------------------------------------------------- */

Test(sup_step, vd1_vd2_uniform_starts)
{
    script_open(&s, UNIFORM, 0, EVER, "");
    PLAY(&s, "begin | ready", "start a | start a", "started | reply ok a",
         "start b/ack=5 | start b; arm 5", "started | disarm; reply ok b", "start c | start c",
         "failed c crash | reply failed crash; forget c", "start d | start d",
         "ignored | reply ok; forget d", "list | a b");
}

Test(sup_step, vd3_uniform_restarts_one_by_one)
{
    script_open(&s, UNIFORM, 4, EVER, "");
    PLAY(&s, "begin | ready", "start a | start a", "started | reply ok a", "start b | start b",
         "started | reply ok b", "ended a crash | start a", "started |", "ended b crash | start b",
         "failed b crash | resend b", "list | a b?", "retry b | start b", "started |",
         "ended a crash | start a", "ignored | forget a", "retry a |",
         "ended b crash | forget b; quit shutdown");
}

Test(sup_step, vd4_vd8_uniform_terminate)
{
    script_open(&s, UNIFORM, 4, EVER, "");
    PLAY(&s, "begin | ready", "start a | start a", "started | reply ok a", "start b | start b",
         "started | reply ok b", "terminate a | exit a; arm 100", "dead b |",
         "gone a | disarm; reply ok; forget a", "ended b crash | start b",
         "failed b crash | resend b", "terminate b | reply ok; forget b", "retry b |", "list |");
}

Test(sup_step, vd5_who_is_not_restarted_vanishes)
{
    script_open(&s, UNIFORM, 0, EVER, "");
    PLAY(&s, "begin | ready", "start a/transient | start a", "started | reply ok a",
         "start b/temporary | start b", "started | reply ok b", "ended a normal | forget a",
         "ended b crash | forget b", "list |");
}

Test(sup_step, vd6_uniform_stops_all_at_once)
{
    script_open(&s, UNIFORM, 9, EVER, "");
    PLAY(&s, "begin | ready", "start a | start a", "started | reply ok a", "start b | start b",
         "started | reply ok b", "start c | start c", "started | reply ok c", "start d | start d",
         "started | reply ok d", "start e | start e", "started | reply ok e",
         "ended d crash | start d", "failed d crash | resend d", "dead e |",
         "parent killed | exit a; exit b; exit c; arm 100", "gone b |", "timeout | kill a; kill c",
         "timeout |", "gone c |", "gone a | quit killed");
}

Test(sup_step, vd6_uniform_each_way_of_stopping)
{
    static const char *const ways[][3] = {
        {"brutal", "parent normal | kill a; kill b", "gone b | quit normal"},
        {"infinity", "parent normal | exit a; exit b", "gone b | quit normal"},
        {"stop=0", "parent normal | exit a; exit b; kill a; kill b", "gone b | quit normal"},
        {"stop=9", "parent normal | exit a; exit b; arm 9", "gone b | disarm; quit normal"},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(ways); i++) {
        script_open(&s, UNIFORM, 0, EVER, "");
        char first[32];
        snprintf(first, sizeof(first), "start a/%s | start a", ways[i][0]);
        char second[32];
        snprintf(second, sizeof(second), "start b/%s | start b", ways[i][0]);
        PLAY(&s, "begin | ready", first, "started | reply ok a", second, "started | reply ok b",
             ways[i][1], "gone a |", ways[i][2]);
        script_close(&s);
    }
    script_open(&s, UNIFORM, 0, EVER, "");
    PLAY(&s, "begin | ready", "fail | quit crash");
}

Test(sup_step, vd3_uniform_gives_up)
{
    script_open(&s, UNIFORM, 1, EVER, "");
    PLAY(&s, "begin | ready", "start a | start a", "started | reply ok a", "start b | start b",
         "started | reply ok b", "ended a crash | start a", "failed a crash | resend a",
         "retry a | forget a; exit b; arm 100", "gone b | disarm; quit shutdown");
}

/* --- automatic shutdown (VX) ---------------------------------------------------------------------------------- */

static void open_auto(enum mm1__sup_auto auto_shutdown, enum mm1__sup_strategy strategy,
                      uint32_t max_restarts, const char *children)
{
    script_open(&s, strategy, max_restarts, EVER, children);
    s.sup.auto_shutdown = auto_shutdown;
}

Test(sup_step, vx1_any_significant)
{
    open_auto(MM1__SUP_AUTO_ANY, ONE, 0, "a b/transient/sig c/temporary/sig d/transient");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | start d",
         "started | ready", "ended d normal |", "ended b normal | exit c; arm 100",
         "gone c | disarm; exit a; arm 100", "gone a | disarm; quit shutdown");
    script_close(&s);
    open_auto(MM1__SUP_AUTO_ANY, ONE, 0, "a c/temporary/sig");
    PLAY(&s, "begin | start a", "started | start c", "started | ready",
         "ended c crash | forget c; exit a; arm 100", "gone a | disarm; quit shutdown");
}

Test(sup_step, vx1_never)
{
    open_auto(MM1__SUP_AUTO_NEVER, ONE, 0, "a/transient/sig");
    PLAY(&s, "begin | start a", "started | ready", "ended a normal |", "list | a-");
}

Test(sup_step, vx2_a_crash_is_a_restart)
{
    open_auto(MM1__SUP_AUTO_ANY, ONE, 1, "a/transient/sig");
    PLAY(&s, "begin | start a", "started | ready", "ended a crash | start a", "started |",
         "ended a shutdown | quit shutdown");
}

Test(sup_step, vx3_vx4_all_significant)
{
    open_auto(MM1__SUP_AUTO_ALL, ONE, 0, "a b/transient/sig c/temporary/sig d/transient/sig");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | start d",
         "started | ready", "ended b normal |", "terminate d | exit d; arm 100",
         "gone d | disarm; reply ok", "ended c crash | forget c; exit a; arm 100",
         "gone a | disarm; quit shutdown");
}

Test(sup_step, vx4_terminate_of_the_last_one_triggers_nothing)
{
    open_auto(MM1__SUP_AUTO_ALL, ONE, 0, "a b/transient/sig");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "dead b |",
         "terminate b | reply ok", "list | a b-");
}

Test(sup_step, vx5_deaths_in_a_group_restart_trigger_nothing)
{
    open_auto(MM1__SUP_AUTO_ANY, ALL, 9, "a b/transient/sig c/temporary/sig");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "dead b |", "ended a crash | exit c; arm 100", "gone c | disarm; forget c; start a",
         "started | start b", "started |", "list | a b");
}

Test(sup_step, vx6_one_to_restart_is_present)
{
    open_auto(MM1__SUP_AUTO_ALL, ONE, 9, "a/transient/sig b/transient/sig");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "ended b crash | start b",
         "failed b crash | resend b", "ended a normal |", "list | a- b?", "retry b | start b",
         "ignored |", "list | a- b-");
}

/* --- its own end (VE) ----------------------------------------------------------------------------------------- */

Test(sup_step, ve1_it_gives_up_in_reverse_order)
{
    script_open(&s, REST, 1, EVER, "a b c");
    PLAY(&s, "begin | start a", "started | start b", "started | start c", "started | ready",
         "ended c crash | start c", "started |", "ended a crash | exit c; arm 100",
         "gone c | disarm; exit b; arm 100", "gone b | disarm; quit shutdown");
}

Test(sup_step, ve3_vt6_the_reason_of_the_parent)
{
    static const char *const reasons[] = {"normal", "shutdown", "shutdown:x", "killed", "crash"};
    for (size_t i = 0; i < MM1_COUNT_OF(reasons); i++) {
        script_open(&s, ALL, 0, EVER, "a t/temporary");
        char parent[64];
        snprintf(parent, sizeof(parent), "parent %s | exit t; arm 100", reasons[i]);
        char quit[64];
        snprintf(quit, sizeof(quit), "gone a | disarm; quit %s", reasons[i]);
        PLAY(&s, "begin | start a", "started | start t", "started | ready", parent,
             "gone t | disarm; exit a; arm 100", quit);
        script_close(&s);
    }
    script_open(&s, ALL, 0, EVER, "");
}

Test(sup_step, who_cannot_go_on_stops_all)
{
    script_open(&s, ALL, 0, EVER, "a b");
    PLAY(&s, "begin | start a", "started | start b", "started | ready", "fail | exit b; arm 100",
         "gone b | disarm; exit a; arm 100", "gone a | disarm; quit crash");
}

Test(sup_step, stale_timeouts_are_ignored)
{
    script_open(&s, ONE, 1, EVER, "a");
    PLAY(&s, "begin | start a", "timeout |", "started | ready", "timeout |",
         "ended a crash | start a", "timeout |", "started |", "terminate a | exit a; arm 100",
         "timeout | kill a", "timeout |", "gone a | reply ok");
}

/* --- what cannot happen --------------------------------------------------------------------------------------- */

static void begun(enum mm1__sup_strategy strategy, const char *children)
{
    script_open(&s, strategy, 1, EVER, children);
    PLAY(&s, "begin | start a", "started | ready");
}

static void give(enum mm1__sup_event_kind kind)
{
    struct mm1__sup_event event = {.kind = kind, .child = &script_find(&s, "a")->child};
    mm1__sup_step(&s.sup, &event, 0);
}

Test(sup_step, it_begins_once, .signal = SIGABRT)
{
    begun(ONE, "a");
    give(MM1__SUP_BEGIN);
}

Test(sup_step, nothing_comes_before_begin, .signal = SIGABRT)
{
    script_open(&s, ONE, 1, EVER, "a");
    give(MM1__SUP_PARENT);
}

Test(sup_step, nobody_is_started_unasked, .signal = SIGABRT)
{
    begun(ONE, "a");
    give(MM1__SUP_STARTED);
}

Test(sup_step, nobody_is_gone_untold, .signal = SIGABRT)
{
    begun(ONE, "a");
    give(MM1__SUP_GONE);
}

Test(sup_step, an_absent_one_does_not_end, .signal = SIGABRT)
{
    begun(ONE, "a/transient");
    PLAY(&s, "ended a normal |");
    give(MM1__SUP_ENDED);
}

Test(sup_step, a_busy_one_takes_no_calls, .signal = SIGABRT)
{
    begun(ONE, "a");
    PLAY(&s, "ended a crash | start a");
    give(MM1__SUP_CALL_TERMINATE);
}

Test(sup_step, a_busy_one_does_not_take_the_parents_word, .signal = SIGABRT)
{
    begun(ONE, "a");
    PLAY(&s, "terminate a | exit a; arm 100");
    give(MM1__SUP_PARENT);
}

Test(sup_step, all_actions_are_asked_for_before_an_event, .signal = SIGABRT)
{
    begun(ONE, "a");
    give(MM1__SUP_PARENT);
    give(MM1__SUP_GONE);
}

Test(sup_step, nothing_comes_after_quit, .signal = SIGABRT)
{
    begun(ONE, "a");
    PLAY(&s, "parent normal | exit a; arm 100", "gone a | disarm; quit normal");
    give(MM1__SUP_TIMEOUT);
}

Test(sup_step, the_end_of_one_that_is_told_to_end_is_given, .signal = SIGABRT)
{
    begun(ONE, "a");
    PLAY(&s, "terminate a | exit a; arm 100");
    mm1__sup_note_gone(&script_find(&s, "a")->child);
}

Test(sup_step, the_clock_does_not_go_back, .signal = SIGABRT)
{
    begun(ONE, "a");
    PLAY(&s, "at 10 |", "ended a crash | start a", "started |", "at 9 |");
    give(MM1__SUP_ENDED);
}
