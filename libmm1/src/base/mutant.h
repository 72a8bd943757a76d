/* Seeded bugs: mistakes that a supervisor could be built with, by which the fuzzer is tested. They exist only in builds
 * with -DMM1_MUTANTS, in which one of them is chosen by name (mm1 fuzz supervisors --mutant NAME); in all other builds
 * MM1_MUTANT is false and the mistake is not there. */
#ifndef MM1_BASE_MUTANT_H
#define MM1_BASE_MUTANT_H

#include <stdbool.h>
#include <stddef.h>

/* X(name, what it does wrong). In the order of docs/mutants.md. */
#define MM1__MUTANT_MAP(X)                                                                         \
    /* the limit */                                                                                \
    X(limit_ge, "gives up at max_restarts, not above it (>= for >)")                               \
    X(limit_no_prune, "counts restarts that left the window")                                      \
    X(limit_global, "one counter for all supervisors")                                             \
    X(limit_counts_group, "all_for_one: a restart counts once for each child")                     \
    X(limit_counts_clean, "counts the clean end of a transient child")                             \
    X(limit_forgets_retries, "does not count the retries of a failed restart")                     \
    X(window_underflow, "a window beyond the clock forgets all (mm1 SUP-C-04)")                    \
    X(window_exclusive, "a restart exactly a window old does not count")                           \
    X(window_in_seconds, "counts time in whole seconds")                                           \
    X(escalates_abnormal, "gives up with an error, not with shutdown (mm1 SUP-M-10)")              \
    X(escalates_at_once, "gives up without stopping its children")                                 \
    /* orders */                                                                                   \
    X(start_order, "starts its children in reverse order")                                         \
    X(restart_order, "a group is started again in reverse order")                                  \
    X(stop_order, "stops its children in the order of their start")                                \
    X(start_child_first, "start_child puts the child first in the order")                          \
    X(which_order, "which_children in the order of start")                                         \
    /* who is restarted */                                                                         \
    X(transient_as_permanent, "restarts a transient child after a clean end")                      \
    X(transient_never, "never restarts a transient child (mm1 SUP-U-06)")                          \
    X(kill_is_clean, "a transient child that was killed is not restarted")                         \
    X(shutdown_text_is_crash, "shutdown(text) is no clean end")                                    \
    X(temporary_restarted, "a temporary child is restarted along with its siblings")               \
    X(temporary_kept, "a temporary child is not forgotten at its end")                             \
    X(group_skips_absent, "a group restart leaves out who had no process (VR5)")                   \
    X(rest_restarts_all, "rest_for_one restarts all")                                              \
    X(rest_restarts_one, "rest_for_one restarts the one alone")                                    \
    X(uniform_forgets_arg, "uniform: restarts with the template's argument")                       \
    /* failed starts */                                                                            \
    X(failed_start_orphans, "a failed first start leaves those before it unstopped")               \
    X(failed_restart_drops, "a restart that fails is not tried again (mm1 SUP-U-09)")              \
    X(failed_restart_gives_up, "a restart that fails ends the supervisor (mm1 SUP-M-07)")          \
    X(ignored_retried, "an ignored restart is tried again")                                        \
    X(retry_private, "tries again at once, not by a message through its inbox")                    \
    X(retry_whole_group, "rest_for_one: a retry begins at the first child")                        \
    X(retry_alone, "a retry restarts the one child, not its group")                                \
    X(retry_unchecked, "a retry restarts a child that does not wait for it any more")              \
    X(start_unbounded, "waits for an acknowledgement without a limit")                             \
    X(announce_forgotten, "announce_parent is not looked at")                                      \
    X(late_ack, "an acknowledgement after the kill is taken for a start")                          \
    X(ready_lost, "a child that ends early loses mm1_init_done (mm1 SUP-M-15)")                    \
    /* stops */                                                                                    \
    X(kill_forgotten, "no kill when the time of a stop is over")                                   \
    X(brutal_told, "a brutal stop is an exit signal")                                              \
    X(stop_reason, "children are told the supervisor's own reason")                                \
    X(unlink_first, "unlinks a child in one turn and tells it to end in another (ERL-724)")        \
    X(quit_early, "does not wait for the end of the last child")                                   \
    X(restart_during_stop, "restarts a child that ends while all are being stopped")               \
    X(uniform_kills_one, "uniform: kills one alone when the time of the stop is over")             \
    X(uniform_abnormal, "uniform: an orderly end is reported as an error (mm1 SUP-U-08)")          \
    X(all_stalls, "waits for any message between stops and starts of a group (mm1 SUP-M-14)")      \
    X(stale_timeout, "leaves a timer running, and takes it for the one that is armed")             \
    /* links and watches */                                                                        \
    X(watch_late, "watches a child when it has started, not from its birth (otp#5193)")            \
    X(collateral_unacked, "an unacknowledged child goes with its starter (mm1 SUP-C-06)")          \
    X(collateral_nested, "a nested supervisor hears of the end of its starter (mm1 SUP-C-06)")     \
    X(obeys_strangers, "an exit signal of anybody ends it (mm1 SUP-M-09)")                         \
    X(obeys_orphans, "the end of a child that it stops ends it (mm1 SUP-M-16)")                    \
    X(parent_lost, "its parent's exit signal is lost while it is busy")                            \
    X(down_lost, "the end of a child is lost while it is busy")                                    \
    X(down_sent_again, "the end of a child that comes while it is busy goes to the end of its "    \
                       "inbox")                                                                    \
    X(aside_waits, "looks at what it set aside with the next message only")                        \
    /* automatic shutdown */                                                                       \
    X(significant_missed, "the end of a temporary significant child is missed")                    \
    X(significant_restarting, "one that waits for its retry is not significant")                   \
    X(all_significant_as_any, "all_significant is any_significant")                                \
    X(auto_on_terminate, "terminate_child of a significant one ends all")                          \
    /* calls */                                                                                    \
    X(terminate_restarts, "terminate_child restarts a permanent child")                            \
    X(terminate_keeps_retry, "terminate_child does not give up the retry")                         \
    X(reply_early, "terminate_child is answered before the end of the child")                      \
    X(delete_running, "delete_child forgets a child that runs")                                    \
    X(delete_restarting, "delete_child forgets a child that waits for its retry")                  \
    X(start_known, "start_child starts a child whose id is known and has no process")              \
    X(count_dead, "count_children counts the dead whose end was not handled")                      \
    X(looks_early, "which_children is answered in the middle of a restart")                        \
    X(childspec_as_said, "get_childspec leaves out the defaults")

enum mm1__mutant {
    MM1__MUTANT_none,
#define MM1__MUTANT_ENUM(name, text) MM1__MUTANT_##name,
    MM1__MUTANT_MAP(MM1__MUTANT_ENUM)
#undef MM1__MUTANT_ENUM
};

#ifdef MM1_MUTANTS
extern enum mm1__mutant mm1__mutant; /* chosen before anything runs */
#define MM1_MUTANT(name) (mm1__mutant == MM1__MUTANT_##name)
#else
#define MM1_MUTANT(name) false
#endif

/* What limit_global counts: restarts of all supervisors of a run. */
extern size_t mm1__mutant_restarts;
/* A run begins: what a seeded bug keeps for longer than an actor lives is forgotten. */
void mm1__mutant_reset(void);

/* Chooses one by its name; '-' may stand for '_'. False: there is none of that name, or this build has none. */
bool mm1__mutant_choose(const char *name);
/* Name, as in the map, and text of the i-th; null beyond the last, and in builds without. */
const char *mm1__mutant_name(size_t i, const char **text);

#endif
