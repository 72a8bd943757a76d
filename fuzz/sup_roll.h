/* The roll: which processes a case has, from the runtime's events alone (SPAWN, VERB of init_done and init_ignore,
 * EXIT, RECEIVE of sup_go). Both worlds feed it: on threads under a lock, since events come from any thread. */
#ifndef FUZZ_SUP_ROLL_H
#define FUZZ_SUP_ROLL_H

#include <mm1/trace.h>

#include "base/tree.h"

struct sup_process {
    struct mm1_tree_node by_address;
    uint64_t address; /* main */
    uint64_t parent;  /* of the process that spawned it */
    const char *id;   /* of its member: the name it was spawned with; of the root "root" */
    bool is_supervisor;
    bool ready;   /* it said mm1_init_done */
    bool ignored; /* it said mm1_init_ignore */
    bool dying;   /* the stage told it to end right after its start */
    bool ended;
    unsigned number; /* of its id, among those that became ready: a#1, a#2; 0: it is not ready */
    struct mm1_reason reason; /* of one that ended */
    struct sup_process *next; /* in the order of their births */
    void *user;               /* of whoever keeps the roll; null at first */
};

/* One id: its latest process that became ready. */
struct sup_rolled_id {
    struct mm1_tree_node by_id;
    const char *id;
    unsigned started;         /* how many became ready */
    struct sup_process *last; /* null: none yet */
    void *user;               /* of whoever keeps the roll; null at first */
};

struct sup_roll {
    struct mm1_alloc *alloc;
    struct mm1_tree processes;
    struct mm1_tree ids;
    struct sup_process *first;
    struct sup_process *youngest;
};

void sup_roll_init(struct sup_roll *roll, struct mm1_alloc *alloc);
void sup_roll_close(struct sup_roll *roll);
/* Takes note of an event; `*process` is the member that it is about, null: of nobody of the case. A SPAWN is about the
 * child. Members are those whose behaviour is named as a worker's or a supervisor's of sup_stage.h. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_roll_see(struct sup_roll *roll, const struct mm1_event *event,
                                      struct sup_process **process);
/* Null: there is none. */
struct sup_process *sup_roll_find(const struct sup_roll *roll, uint64_t address);
struct sup_rolled_id *sup_roll_id(const struct sup_roll *roll, const char *id);

#endif
