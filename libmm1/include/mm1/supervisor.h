/* Supervisors: an actor that starts its children in order, restarts those that end, and stops them in reverse order,
 * as OTP's supervisor does (docs/supervisors.md; the letters in brackets are statements of OTP's semantics that
 * docs/parity.md lists). Names and defaults are mm1's.
 *
 *     static const struct mm1_factory factories[] = {
 *         {.name = "store", .behaviour = &store_behaviour},
 *         {.name = "cache", .behaviour = &cache.behaviour},
 *     };
 *     static const struct mm1_supervisor app = MM1_SUPERVISOR("app", factories);
 *
 *     static const struct mm1_child children[] = {
 *         {.id = MM1_TEXT_INIT("store"), .ack = true},
 *         {.id = MM1_TEXT_INIT("cache"), .restart = MM1_TRANSIENT},
 *     };
 *     static const struct mm1_tree_spec tree = {.strategy = MM1_REST_FOR_ONE, .children = MM1_LIST(children)};
 *
 *     mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &app.behaviour, .link = true,
 *                                        .arg_type = &mm1_tree_spec_type, .arg = &tree}, &supervisor)
 *
 * A tree is data: a message, so that it is also written as JSON, in a scenario or a node's configuration. What it
 * starts it names: factories are code. A child of the factory "supervisor" is a supervisor with the same factories,
 * whose argument is a struct mm1_tree_spec: trees nest to any depth.
 *
 * A supervisor says mm1_init_done when all its children are started. It traps exits: it obeys an exit signal of its
 * parent alone and ignores all others. Children are linked to it and watched by it from their birth on. While a start
 * or a stop is under way, whatever else arrives waits, in its order. */
#ifndef MM1_SUPERVISOR_H
#define MM1_SUPERVISOR_H

#include <mm1/ask.h>

/* --- what a tree is made of ----------------------------------------------------------------------------------- */

/* Initializers of a text and of a list, for static data. */
#define MM1_TEXT_INIT(literal)                                                                     \
    {                                                                                              \
        .data = (literal), .size = sizeof(literal) - 1                                             \
    }
#define MM1_LIST(array)                                                                            \
    {                                                                                              \
        .items = (array), .count = MM1_COUNT_OF(array)                                             \
    }

/* What happens to the others when a child is restarted. Empty: one_for_one. */
#define MM1_ONE_FOR_ONE MM1_TEXT_INIT("one_for_one")
#define MM1_ALL_FOR_ONE MM1_TEXT_INIT("all_for_one")
#define MM1_REST_FOR_ONE MM1_TEXT_INIT("rest_for_one")
/* One kind of children, none at first, that requests start and stop (OTP's simple_one_for_one). `children` then has one
 * entry, the template, whose id names the kind. */
#define MM1_UNIFORM MM1_TEXT_INIT("uniform")

/* When a child is restarted. Empty: permanent. */
#define MM1_PERMANENT MM1_TEXT_INIT("permanent") /* always */
#define MM1_TRANSIENT                                                                              \
    MM1_TEXT_INIT("transient") /* unless it ended normal, shutdown or shutdown(text) */
#define MM1_TEMPORARY MM1_TEXT_INIT("temporary") /* never; it is forgotten when it has ended */

/* How a child is stopped. Empty: by a timeout, a supervisor without one. */
#define MM1_STOP_TIMEOUT                                                                           \
    MM1_TEXT_INIT("timeout")                    /* exit with shutdown, after stop_timeout a kill */
#define MM1_STOP_BRUTAL MM1_TEXT_INIT("brutal") /* a kill */
#define MM1_STOP_INFINITY MM1_TEXT_INIT("infinity") /* exit with shutdown, and waiting */

/* Whether a supervisor ends with its significant children: with reason shutdown, when one of them, or the last of
 * them, has ended by itself and is not restarted. Empty: never. */
#define MM1_AUTO_NEVER MM1_TEXT_INIT("never")
#define MM1_AUTO_ANY MM1_TEXT_INIT("any_significant")
#define MM1_AUTO_ALL MM1_TEXT_INIT("all_significant")

#define MM1_STOP_TIMEOUT_DEFAULT UINT64_C(1000000000)  /* ns (SUP-C-01) */
#define MM1_START_TIMEOUT_DEFAULT UINT64_C(5000000000) /* ns */
#define MM1_RESTARTS_UNLIMITED UINT32_MAX

/* A child. Zero, empty or none means the default.
 *
 *     id               its name, unique in its supervisor
 *     factory          which makes it; default: the one named as the child
 *     arg              what each of its incarnations is born with
 *     restart          MM1_PERMANENT, …
 *     significant      for auto_shutdown; not of permanent ones, nor with auto_shutdown never
 *     supervisor       a label, and what `stop` is when empty
 *     stop             MM1_STOP_TIMEOUT, …
 *     stop_timeout     MM1_STOP_TIMEOUT_DEFAULT; 0: the kill follows at once
 *     ack              its start is over when it says mm1_init_done
 *     start_timeout    of an ack: MM1_START_TIMEOUT_DEFAULT; then it is killed, and its start has failed
 *     announce_parent  it is sent mm1_set_parent when it has started
 *     inbox_size       MM1_INBOX_DEFAULT */
#define MM1_CHILD_FIELDS(F)                                                                        \
    F(text, id)                                                                                    \
    F(text, factory)                                                                               \
    F(opt(any), arg)                                                                               \
    F(text, restart)                                                                               \
    F(bool, significant)                                                                           \
    F(bool, supervisor)                                                                            \
    F(text, stop)                                                                                  \
    F(opt(duration), stop_timeout)                                                                 \
    F(bool, ack)                                                                                   \
    F(opt(duration), start_timeout)                                                                \
    F(bool, announce_parent)                                                                       \
    F(u32, inbox_size)
MM1_MSG_DECLARE(mm1_child, MM1_CHILD_FIELDS)

/* A supervisor. The argument of its spawn. It gives up, with reason shutdown, when there are more than max_restarts
 * restarts within `within`: a restart counts iff now - then <= within (VI2; OTP floors to seconds). max_restarts 0: the
 * first one is one too many; MM1_RESTARTS_UNLIMITED. within none: for ever. */
#define MM1_TREE_SPEC_FIELDS(F)                                                                    \
    F(text, strategy)                                                                              \
    F(u32, max_restarts)                                                                           \
    F(opt(duration), within)                                                                       \
    F(text, auto_shutdown)                                                                         \
    F(list(sub(mm1_child)), children)
MM1_MSG_DECLARE(mm1_tree_spec, MM1_TREE_SPEC_FIELDS)

/* What children are made by. */
struct mm1_factory {
    const char *name;
    const struct mm1_behaviour *behaviour;
    /* In the place of `behaviour`, when not null: fills in behaviour, name and inbox_size of `spawn`, whose arg is set;
     * called for each start, in a turn of the supervisor. Another status than MM1_OK, and a spawn left without a
     * behaviour, is a failed start. */
    mm1_status (*produce)(struct mm1_ctx *ctx, const struct mm1_factory *self,
                          const struct mm1_child *child, struct mm1_spawn *spawn);
    const void *data; /* for produce */
};

/* The name of the factory that every supervisor has. */
#define MM1_FACTORY_SUPERVISOR "supervisor"

struct mm1_supervisor {
    struct mm1_behaviour behaviour;
    const struct mm1_factory *factories;
    size_t factory_count;
};

/* Initializer of a struct mm1_supervisor, which is to be static and const, as the factories are. */
#define MM1_SUPERVISOR(name_, factories_)                                                          \
    {                                                                                              \
        .behaviour = {.name = (name_),                                                             \
                      .state_size = MM1__SUPERVISOR_STATE,                                         \
                      .init = mm1__supervisor_init,                                                \
                      .receive = mm1__supervisor_receive,                                          \
                      .fini = mm1__supervisor_fini},                                               \
        .factories = (factories_), .factory_count = MM1_COUNT_OF(factories_)                       \
    }

/* Checks a tree, its nested supervisors included, as its supervisor would. MM1_OK; MM1_INVALID: `error`, of
 * MM1_TREE_ERROR_MAX bytes, says where and what was expected ("children[2] \"cache\": restart \"allways\": expected
 * permanent, transient or temporary"). */
#define MM1_TREE_ERROR_MAX 256
MM1_API MM1_NODISCARD mm1_status mm1_tree_check(const struct mm1_supervisor *supervisor,
                                                const struct mm1_tree_spec *spec,
                                                char error[MM1_TREE_ERROR_MAX]);

/* --- what may be asked of a supervisor ------------------------------------------------------------------------ */

/* All are requests (mm1/ask.h: mm1_ask, mm1_ask_begin), served in the order of arrival and between two attempts of a
 * restart. A stop may take as long as its timeout: so should the ask. When the supervisor ends first, the ask ends with
 * its reason. */

/* The answer to what changes something: `code` is an enum mm1_sup_code. `child`: of OK of a start and of get_child,
 * none when it was ignored or has no process; of ALREADY_STARTED. `why`: of FAILED, why its start failed; of INVALID,
 * what was expected. */
#define MM1_SUP_ANSWER_FIELDS(F) F(u8, code) F(opt(addr), child) F(sub(mm1_why), why)
MM1_MSG_DECLARE(mm1_sup_answer, MM1_SUP_ANSWER_FIELDS)

enum mm1_sup_code {
    MM1_SUP_OK,
    MM1_SUP_FAILED,          /* the start failed */
    MM1_SUP_INVALID,         /* the child's spec breaks a rule */
    MM1_SUP_ALREADY_STARTED, /* the id is known and has a process */
    MM1_SUP_ALREADY_PRESENT, /* the id is known and has none */
    MM1_SUP_NOT_FOUND,
    MM1_SUP_RUNNING,    /* it has a process */
    MM1_SUP_RESTARTING, /* its restart failed and will be tried again */
    MM1_SUP_UNIFORM,    /* not of a uniform supervisor, or of no other */
};
/* "ok", "already started", …; "unknown" outside the enum. Static storage. */
MM1_API const char *mm1_sup_code_text(enum mm1_sup_code code);

/* Starts one more child, last in the order; it is kept, also when it was ignored, unless it is temporary. OK, FAILED
 * (nothing is kept), INVALID, ALREADY_STARTED, ALREADY_PRESENT; UNIFORM: of a uniform supervisor. (VA1) */
#define MM1_SUP_START_CHILD_FIELDS(F) F(sub(mm1_child), child)
MM1_MSG_DECLARE(mm1_sup_start_child, MM1_SUP_START_CHILD_FIELDS)
/* Stops a child; no strategy, no restart, no automatic shutdown. A temporary one is forgotten. OK, also when it had no
 * process; NOT_FOUND; UNIFORM. (VA2) */
#define MM1_SUP_ID_FIELDS(F) F(text, id)
MM1_MSG_DECLARE(mm1_sup_terminate_child, MM1_SUP_ID_FIELDS)
/* Forgets a child without a process. OK, RUNNING, RESTARTING, NOT_FOUND, UNIFORM. (VA3) */
MM1_MSG_DECLARE(mm1_sup_delete_child, MM1_SUP_ID_FIELDS)
/* Starts a child without a process, at its place. Statuses as above, and FAILED. (VA4) */
MM1_MSG_DECLARE(mm1_sup_restart_child, MM1_SUP_ID_FIELDS)
/* The address of a child: OK, with none while it has no process; NOT_FOUND; UNIFORM (SUP-M-06). */
MM1_MSG_DECLARE(mm1_sup_get_child, MM1_SUP_ID_FIELDS)

/* Of a uniform supervisor: starts a child, whose argument is `arg`, or the template's when there is none. OK, FAILED;
 * INVALID: the children are supervisors, and `arg` is no tree; UNIFORM: the supervisor is not uniform. (SUP-U-02, VD1,
 * VD2) */
#define MM1_SUP_START_FIELDS(F) F(opt(any), arg)
MM1_MSG_DECLARE(mm1_sup_start, MM1_SUP_START_FIELDS)
/* Stops and forgets a child by its main address. OK, also for whoever is dead; NOT_FOUND: a stranger who lives;
 * UNIFORM. (SUP-U-03, VD4) */
#define MM1_SUP_STOP_FIELDS(F) F(addr, child)
MM1_MSG_DECLARE(mm1_sup_stop, MM1_SUP_STOP_FIELDS)

/* All children, in reverse order of their start (VA5); of a uniform supervisor in order of their addresses, those that
 * restart last. */
#define MM1_SUP_WHICH_FIELDS(F) F(bool, unused)
MM1_MSG_DECLARE(mm1_sup_which_children, MM1_SUP_WHICH_FIELDS)
#define MM1_SUP_ENTRY_FIELDS(F)                                                                    \
    F(text, id)         /* empty under a uniform supervisor */                                     \
    F(opt(addr), child) /* none: it has no process */                                              \
    F(bool, restarting) F(bool, supervisor)
MM1_MSG_DECLARE(mm1_sup_entry, MM1_SUP_ENTRY_FIELDS)
#define MM1_SUP_CHILDREN_FIELDS(F) F(list(sub(mm1_sup_entry)), children)
MM1_MSG_DECLARE(mm1_sup_children, MM1_SUP_CHILDREN_FIELDS)

/* Numbers: specs (1 of a uniform one), children that live, and children by their label, with or without a process. */
MM1_MSG_DECLARE(mm1_sup_count_children, MM1_SUP_WHICH_FIELDS)
#define MM1_SUP_COUNTS_FIELDS(F) F(u64, specs) F(u64, active) F(u64, supervisors) F(u64, workers)
MM1_MSG_DECLARE(mm1_sup_counts, MM1_SUP_COUNTS_FIELDS)

/* The spec of a child with all defaults filled in, by id; of a uniform supervisor that of the template, by the address
 * of any child, or by the template's id (VA9, VD4: also for whoever is dead). */
#define MM1_SUP_GET_SPEC_FIELDS(F) F(text, id) F(opt(addr), child)
MM1_MSG_DECLARE(mm1_sup_get_childspec, MM1_SUP_GET_SPEC_FIELDS)
#define MM1_SUP_CHILDSPEC_FIELDS(F) F(bool, found) F(sub(mm1_child), child)
MM1_MSG_DECLARE(mm1_sup_childspec, MM1_SUP_CHILDSPEC_FIELDS)

MM1_REQUEST_DECLARE(mm1_sup_start_child)
MM1_REQUEST_DECLARE(mm1_sup_terminate_child)
MM1_REQUEST_DECLARE(mm1_sup_delete_child)
MM1_REQUEST_DECLARE(mm1_sup_restart_child)
MM1_REQUEST_DECLARE(mm1_sup_get_child)
MM1_REQUEST_DECLARE(mm1_sup_start)
MM1_REQUEST_DECLARE(mm1_sup_stop)
MM1_REQUEST_DECLARE(mm1_sup_which_children)
MM1_REQUEST_DECLARE(mm1_sup_count_children)
MM1_REQUEST_DECLARE(mm1_sup_get_childspec)
MM1_RESPONSE_DECLARE(mm1_sup_answer)
MM1_RESPONSE_DECLARE(mm1_sup_children)
MM1_RESPONSE_DECLARE(mm1_sup_counts)
MM1_RESPONSE_DECLARE(mm1_sup_childspec)

/* What a child that asks for it (announce_parent) is sent after its start (SUP-C-03). */
#define MM1_SET_PARENT_FIELDS(F) F(addr, parent)
MM1_MSG_DECLARE(mm1_set_parent, MM1_SET_PARENT_FIELDS)

/* What MM1_SUPERVISOR refers to. */
#define MM1__SUPERVISOR_STATE sizeof(void *)
MM1_API MM1_NODISCARD mm1_status mm1__supervisor_init(struct mm1_ctx *ctx, void *state,
                                                      const void *arg);
MM1_API MM1_NODISCARD mm1_status mm1__supervisor_receive(struct mm1_ctx *ctx, void *state,
                                                         const struct mm1_envelope *envelope);
MM1_API void mm1__supervisor_fini(void *state);

#endif
