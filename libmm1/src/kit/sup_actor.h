/* What the files of the supervisor actor share: its state, its records of children, and who does what.
 *
 *     sup_tree.c      what a tree says: checks, and what is kept of it
 *     sup_step.c      what is to be done
 *     supervisor.c    does it, and hears what came of it
 *     sup_calls.c     requests */
#ifndef MM1_KIT_SUP_ACTOR_H
#define MM1_KIT_SUP_ACTOR_H

#include "base/tree.h"
#include "kit/sup_messages.h"
#include "kit/sup_step.h"

/* A process of a child. */
struct mm1__sup_process {
    mm1_addr main;
    mm1_addr given; /* what it gave to mm1_init_done; until then the same */
    uint64_t watch; /* 0: there never was one */
};

/* A child: one block, with the copy of its spec, or of its argument, behind it. */
struct mm1__sup_record {
    struct mm1__sup_child child;
    struct mm1_tree_node by_id;      /* not of a uniform supervisor */
    struct mm1_tree_node by_process; /* linked when `process` is one, that lives or not */
    const struct mm1_child *spec;    /* its own, or the template's */
    const struct mm1_factory *factory;
    const char *name; /* the id, terminated */
    struct mm1_any arg;
    struct mm1__sup_process process; /* the latest */
    struct mm1__sup_process before;  /* while a start is under way, the one before it */
    size_t size;                     /* of the block */
};

struct mm1__supervisor {
    struct mm1_alloc *alloc;
    const struct mm1_supervisor *kind;
    struct mm1__sup step;
    struct mm1_tree by_id;
    struct mm1_tree by_process;      /* by main address, then watch */
    struct mm1__sup_record *pattern; /* of a uniform supervisor: the template */
    struct mm1__sup_record
        *fresh; /* what the call in hand brought, until it is known whether it is kept */
    struct mm1__sup_record *starting; /* whose start is awaited */
    uint64_t start;                   /* its number */
    uint64_t timer;                   /* 0: none */
    uint64_t alarm;                   /* number of the last timer */
    enum mm1__sup_event_kind cause;   /* the event that the step is about */
    bool restarts;                    /* it leads to a restart */
    struct mm1_request_header caller; /* of a call */
    struct mm1__sup_event outcome;    /* of a start, to be told to the step next */
    bool has_outcome;
    bool timed_out; /* a TIMEOUT is to be told to the step */
    bool refused;   /* a FAIL is, for memory */
    bool aside;     /* something may be set aside */
    bool over;      /* it has quit */
};

static inline struct mm1__sup_record *mm1__sup_record_of(struct mm1__sup_child *child)
{
    return child == NULL ? NULL : MM1_CONTAINER_OF(child, struct mm1__sup_record, child);
}

/* --- sup_tree.c ----------------------------------------------------------------------------------------------- */

/* Makes records of all children of a tree, which may be null, or of the template. MM1_INVALID: `error` says what is
 * wrong with it. MM1_NOMEM. What was made is freed by mm1__sup_close. */
MM1_NODISCARD mm1_status mm1__sup_read_tree(struct mm1__supervisor *sup,
                                            const struct mm1_tree_spec *spec,
                                            char error[MM1_TREE_ERROR_MAX]);
/* Checks a child that a request brings. */
MM1_NODISCARD mm1_status mm1__sup_check_child(const struct mm1__supervisor *sup,
                                              const struct mm1_child *spec,
                                              char error[MM1_TREE_ERROR_MAX]);
/* Whether the template's factory takes such an argument. */
bool mm1__sup_takes(const struct mm1__supervisor *sup, const struct mm1_any *arg);
/* A record of a child that was checked, entered by its id, which is not known yet; not linked. Null: no memory. */
struct mm1__sup_record *mm1__sup_record_new(struct mm1__supervisor *sup,
                                            const struct mm1_child *spec);
/* A record of one more child of a uniform supervisor; `arg` with type null: the template's. Null: no memory. */
struct mm1__sup_record *mm1__sup_record_like(struct mm1__supervisor *sup, struct mm1_any arg);
/* Takes it out of all trees and lists. */
void mm1__sup_record_free(struct mm1__supervisor *sup, struct mm1__sup_record *record);
void mm1__sup_close(struct mm1__supervisor *sup);

/* Null: there is none. */
struct mm1__sup_record *mm1__sup_find_id(const struct mm1__supervisor *sup, struct mm1_text id);
struct mm1__sup_record *mm1__sup_find_process(const struct mm1__supervisor *sup, mm1_addr main,
                                              uint64_t watch);
/* The latest that had this main address; of those whose restart is to be tried again when `restarting`. */
struct mm1__sup_record *mm1__sup_find_addr(const struct mm1__supervisor *sup, mm1_addr addr,
                                           bool restarting);
void mm1__sup_set_process(struct mm1__supervisor *sup, struct mm1__sup_record *record,
                          const struct mm1__sup_process *process);

/* --- supervisor.c --------------------------------------------------------------------------------------------- */

/* Gives an idle step an event, and does all that it says. Where that takes memory that is not there, the supervisor is
 * made to end. */
void mm1__sup_begin(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                    const struct mm1__sup_event *event);
/* Makes it end, for memory; its step is idle. */
void mm1__sup_refused(struct mm1_ctx *ctx, struct mm1__supervisor *sup);
/* Sets the message in hand aside until nothing is under way. */
void mm1__sup_postpone(struct mm1_ctx *ctx, struct mm1__supervisor *sup);

/* --- sup_calls.c ---------------------------------------------------------------------------------------------- */

/* True: the envelope is a request; it was answered, begun, or set aside. */
bool mm1__sup_call(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                   const struct mm1_envelope *envelope);
/* Answers the call that is under way. */
void mm1__sup_reply(struct mm1_ctx *ctx, struct mm1__supervisor *sup,
                    const struct mm1__sup_action *action);

#endif
