/* The stage: the actors with which a case is played on a node of either world.
 *
 *     stage             the first actor: it reads the case, spawns the root supervisor, keeps the plans
 *     root, a, b, …     supervisors and workers, as the case declares them, each named by its id
 *     callers           one for each call; it asks, and observes what the answer was
 *
 * A member that is born asks the stage what its start is to come to (sup_hello) and does as it is told: so plans hold
 * for workers and supervisors alike, and need nothing but messages. A supervisor of a case is the kit's own: the gate
 * in front of it lets it begin when the stage said so, and is not there any more afterwards. What arrives before that
 * waits in the gate, in its order. A supervisor cannot end within its start: it takes SUP_GO_DIE for SUP_GO_RUN. */
#ifndef FUZZ_SUP_STAGE_H
#define FUZZ_SUP_STAGE_H

#include <mm1/supervisor.h>
#include <mm1/system.h>

#include "fuzz/sup_case.h"

/* Names of the behaviours, by which members are told from others. */
#define SUP_WORKER_NAME "sup_worker"
#define SUP_SUPERVISOR_NAME "sup_supervisor"

/* Where members greet the stage, on each node that has one. */
#define SUP_STAGE_ADDR MM1_ADDR(0xffffffffffff7375u)

/* The argument of the stage: the case as text. `plays`: it carries out the history by itself, as the fuzzer has it;
 * else it only starts the tree, and somebody outside says what happens. */
#define SUP_STAGE_ARG_FIELDS(F) F(text, script) F(bool, plays)
MM1_MSG_DECLARE(sup_stage_arg, SUP_STAGE_ARG_FIELDS)

/* The argument of a worker. Its id, with a NUL at the end: it is spawned under that name, also where a uniform
 * supervisor starts it. */
#define SUP_WORKER_ARG_FIELDS(F) F(text, id) F(u8, term) F(duration, slow)
MM1_MSG_DECLARE(sup_worker_arg, SUP_WORKER_ARG_FIELDS)

/* A member to the stage, at its birth; and the answer. */
#define SUP_HELLO_FIELDS(F) F(text, id) F(addr, self)
MM1_MSG_DECLARE(sup_hello, SUP_HELLO_FIELDS)
enum sup_go_what { SUP_GO_RUN, SUP_GO_ERROR, SUP_GO_IGNORE, SUP_GO_DIE, SUP_GO_SLOW, SUP_GO_HANG };
#define SUP_GO_FIELDS(F) F(u8, what) F(u8, exit) F(text, exit_text) F(duration, slow)
MM1_MSG_DECLARE(sup_go, SUP_GO_FIELDS)
/* A timer of a member: its slow start is over, or its slow end. */
#define SUP_WAKE_FIELDS(F) F(bool, ends)
MM1_MSG_DECLARE(sup_wake, SUP_WAKE_FIELDS)

/* To a worker: end by yourself. */
#define SUP_DO_EXIT_FIELDS(F) F(u8, exit) F(text, text)
MM1_MSG_DECLARE(sup_do_exit, SUP_DO_EXIT_FIELDS)
/* To the stage: a plan that holds from now on (an event of kind FAIL, DIE, SLOW or HANG, as text). */
#define SUP_PLAN_FIELDS(F) F(text, event)
MM1_MSG_DECLARE(sup_plan, SUP_PLAN_FIELDS)
/* To the stage, which is the root's parent: send the root an exit signal. */
#define SUP_ROOT_EXIT_FIELDS(F) F(u8, exit) F(text, text)
MM1_MSG_DECLARE(sup_root_exit, SUP_ROOT_EXIT_FIELDS)
/* To the stage: make a call (an event of a kind that is a call, as text) to the supervisor at that address; `number` is
 * told with the answer. `target` is the process that terminate_child and childspec of a simple supervisor mean. */
#define SUP_DO_CALL_FIELDS(F) F(text, event) F(addr, supervisor) F(opt(addr), target) F(u64, number)
MM1_MSG_DECLARE(sup_do_call, SUP_DO_CALL_FIELDS)

/* Observed by a caller when its call is over, one of: */
#define SUP_CALLED_FIELDS(F)                                                                       \
    F(u64, number)                                                                                 \
    F(opt(sub(mm1_sup_answer)), answer)                                                            \
    F(opt(sub(mm1_sup_children)), children)                                                        \
    F(opt(sub(mm1_sup_counts)), counts)                                                            \
    F(opt(sub(mm1_sup_childspec)), childspec)                                                      \
    F(opt(sub(mm1_why)), down) /* the supervisor ended, or was not there */
MM1_MSG_DECLARE(sup_called, SUP_CALLED_FIELDS)

/* Observed by the stage when the root's start is over: it stands, or why not. */
#define SUP_BEGAN_FIELDS(F) F(addr, root) F(bool, ignored) F(opt(sub(mm1_why)), why)
MM1_MSG_DECLARE(sup_began, SUP_BEGAN_FIELDS)
/* Observed by a stage that plays, when it has carried out the last event, or when there is no tree to play with. The
 * number of a call is then the index of its event in the case. */
MM1_MSG_DECLARE_UNIT(sup_played)

extern const struct mm1_behaviour sup_stage;
/* Every type that may arrive at a node with a stage, the kit's aside. */
#define SUP_STAGE_TYPE_COUNT 15
extern const struct mm1_msg_type *const sup_stage_types[SUP_STAGE_TYPE_COUNT];
extern const size_t sup_stage_type_count;

/* The argument of a supervisor of the case, and of those below it. Memory of `arena`; null when refused. */
const struct mm1_tree_spec *sup_tree_of(struct mm1__arena *arena, const struct sup_case *the_case,
                                        size_t member);
/* The child of a spec that start_child brings. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_child_of(struct mm1__arena *arena, const struct sup_member *member,
                                      struct mm1_child *out);
/* The reason that is meant; `text` of SUP_EXIT_SHUTDOWN_TEXT, else ignored. Of SUP_EXIT_KILL: killed. */
struct mm1_reason sup_reason_of(enum sup_exit exit, const char *text);

#endif
