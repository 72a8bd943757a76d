/* A case: a tree of supervisors and a history of what happens to it, as data and as text.
 *
 * The text is that of docs/supervisors.md, "Cases": the format in which cases are compared with Erlang/OTP, a line an
 * item. Ids are letters, digits and "_", and unique in the tree.
 *
 *     case NAME / sup root KV... / child ID SUP KV... / sup ID SUP KV... / pre PLAN / ev EVENT / batch ... commit / end
 *
 * Histories of the fuzzer use the same format and three events more, which OTP is never asked: `wait NS`, so much
 * virtual time passes before the next event; `slownext ID K NS`, the next K starts take so long; `hangnext ID K`, they
 * never end; and two keys of children more: `ack=0`, a child is started as soon as it is spawned, and what its start
 * comes to is how it ends; `announce=1`, it is told who its supervisor is. All memory is the arena of the cases. */
#ifndef FUZZ_SUP_CASE_H
#define FUZZ_SUP_CASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/bytes.h>
#include <mm1/status.h>

#include "host/arena.h"

enum sup_strategy { SUP_ONE_FOR_ONE, SUP_ONE_FOR_ALL, SUP_REST_FOR_ONE, SUP_SIMPLE };
enum sup_auto { SUP_AUTO_NEVER, SUP_AUTO_ANY, SUP_AUTO_ALL };
enum sup_restart { SUP_PERMANENT, SUP_TRANSIENT, SUP_TEMPORARY };
enum sup_shutdown { SUP_SHUTDOWN_MS, SUP_SHUTDOWN_BRUTAL, SUP_SHUTDOWN_INFINITY };
/* What a worker does when it is told to end. */
enum sup_term {
    SUP_TERM_DIE,
    SUP_TERM_CLEAN,
    SUP_TERM_SLOW,
    SUP_TERM_NORMAL,
    SUP_TERM_CRASH,
    SUP_TERM_IGNORE
};
/* How a worker ends by itself. SUP_EXIT_KILL: it is killed by another. SUP_EXIT_SELFKILL: its reason is kill. */
enum sup_exit {
    SUP_EXIT_NORMAL,
    SUP_EXIT_SHUTDOWN,
    SUP_EXIT_SHUTDOWN_TEXT,
    SUP_EXIT_CRASH,
    SUP_EXIT_KILL,
    SUP_EXIT_SELFKILL,
};

/* A worker or a supervisor of the tree, or what start_child adds. */
struct sup_member {
    const char *id;
    size_t parent;      /* index in sup_case.members; of the root: its own, 0 */
    bool is_supervisor; /* it has a strategy */
    enum sup_restart restart;
    bool significant;
    enum sup_shutdown shutdown;
    uint64_t shutdown_ms;
    bool type_supervisor; /* the label */
    bool unacked;         /* of the fuzzer: it has not to say that it is ready */
    bool announced;       /* of the fuzzer: it is told its supervisor */
    enum sup_term term;
    uint64_t slow_ms;
    /* of a supervisor: */
    enum sup_strategy strategy;
    uint64_t intensity;
    uint64_t period_ns; /* "period=3" is seconds; "period=3ns" is not for OTP */
    enum sup_auto auto_shutdown;
    /* Which keys were said, so that what was read prints as it was: bit 1 << enum sup_key; and in which order, 4 bits
     * each, the first one lowest: 1 + enum sup_key. What is said and not in the order comes last, as in the enum. */
    unsigned said;
    uint64_t order;
};
enum sup_key {
    SUP_KEY_STRATEGY,
    SUP_KEY_INTENSITY,
    SUP_KEY_PERIOD,
    SUP_KEY_AUTO,
    SUP_KEY_RESTART,
    SUP_KEY_SIGNIFICANT,
    SUP_KEY_SHUTDOWN,
    SUP_KEY_TYPE,
    SUP_KEY_TERM,
    SUP_KEY_ACK,
    SUP_KEY_ANNOUNCE,
};

enum sup_event_kind {
    SUP_EV_EXIT,            /* id, exit */
    SUP_EV_SUP_EXIT,        /* exit: the root's parent sends it */
    SUP_EV_FAIL,            /* failnext id count error|ignore */
    SUP_EV_DIE,             /* dienext id count exit */
    SUP_EV_START_CHILD,     /* id: the supervisor; member, or under a simple one: tag */
    SUP_EV_TERMINATE_CHILD, /* id: the supervisor; child */
    SUP_EV_DELETE_CHILD,
    SUP_EV_RESTART_CHILD,
    SUP_EV_CHILDSPEC,
    SUP_EV_WHICH, /* id: the supervisor */
    SUP_EV_COUNT,
    SUP_EV_ADVANCE, /* ms */
    /* of the fuzzer: */
    SUP_EV_WAIT, /* ns: virtual time until the next event */
    SUP_EV_SLOW, /* slownext id count ns: its next starts take so long (printed with ns) */
    SUP_EV_HANG, /* hangnext id count: its next starts never end */
};

struct sup_event {
    enum sup_event_kind kind;
    const char
        *id; /* member that it is about, of a call the supervisor; null where there is none */
    const char *
        child; /* of terminate_child, delete_child, restart_child, childspec; the tag of a simple start */
    enum sup_exit exit;
    const char *exit_text;           /* of SUP_EXIT_SHUTDOWN_TEXT */
    bool ignore;                     /* of SUP_EV_FAIL: ignore in the place of error */
    uint64_t count;                  /* of plans */
    uint64_t ns;                     /* of ADVANCE, WAIT, SLOW */
    const struct sup_member *member; /* of start_child with a spec; its parent has no meaning */
};

struct sup_step {
    bool batch;
    size_t first; /* in sup_case.events */
    size_t count;
};

struct sup_case {
    const char *name;
    struct sup_member *members; /* [0] is the root; in start order of each supervisor */
    size_t member_count;
    struct sup_event *pre; /* plans that are there before the tree starts */
    size_t pre_count;
    struct sup_event *events;
    size_t event_count;
    struct sup_step *steps;
    size_t step_count;
    unsigned line; /* of its first line in the text, from 1 */
};

/* The cases of a text. */
struct sup_cases {
    struct mm1__arena arena;
    struct sup_case *cases;
    size_t count;
};

#define SUP_CASE_ERROR_MAX 256
/* Reads a text. `name` is what messages call it. MM1_INVALID: `error` says "NAME:LINE: what is wrong, and what was
 * expected". Members that are declared twice or under nobody, and unknown supervisors, are errors; what OTP refuses at
 * its start (duplicate ids in one supervisor, bad combinations) is not, nor is an exit, a plan or a child of a call
 * that is about nobody: that is answered when the case runs. `fuzzed`: the events of the fuzzer may occur. MM1_NOMEM.
 * On failure nothing is to be closed. `alloc` gives scratch memory. */
MM1_NODISCARD mm1_status sup_cases_read(struct mm1_alloc *alloc, struct mm1_text text,
                                        const char *name, bool fuzzed, struct sup_cases *out,
                                        char error[SUP_CASE_ERROR_MAX]);
void sup_cases_close(struct sup_cases *cases);
/* Appends a case as text, from "case" to "end": what was read comes out the same but for blanks and comments.
 * MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_case_print(const struct sup_case *the_case, struct mm1_buf *out);
/* Appends one event as it stands behind "ev ". MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_event_print(const struct sup_event *event, struct mm1_buf *out);
/* Reads one event as sup_event_print writes it, of a case that is known; memory of `arena`, which may be that of the
 * case. MM1_INVALID, MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_event_read(struct mm1__arena *arena, const struct sup_case *the_case,
                                        struct mm1_text text, struct sup_event *out);
/* The member of that id, or null. */
const struct sup_member *sup_case_member(const struct sup_case *the_case, const char *id);

#endif
