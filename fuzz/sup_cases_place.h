/* Where a case is played: a node with a stage on it, simulated or on threads. */
#ifndef FUZZ_SUP_CASES_PLACE_H
#define FUZZ_SUP_CASES_PLACE_H

#include "fuzz/sup_cases_book.h"
#include "fuzz/sup_cases_run.h"
#include "fuzz/sup_stage.h"

struct sup_place;

/* All from outside of any turn. Statuses of mm1_node_send and its kin. */
struct sup_place_ops {
    mm1_status (*send)(struct sup_place *place, mm1_addr to, const struct mm1_msg_type *type,
                       const void *msg);
    mm1_status (*exit)(struct sup_place *place, mm1_addr to, struct mm1_reason reason);
    mm1_status (*suspend)(struct sup_place *place, mm1_addr addr);
    mm1_status (*resume)(struct sup_place *place, mm1_addr addr);
    /* Until no turn runs, nothing is queued but at frozen actors, and no timer is due within place->horizon_ns.
     * MM1_TIMEOUT: it does not come to that. */
    mm1_status (*rest)(struct sup_place *place);
    /* Lets time pass. */
    mm1_status (*pass)(struct sup_place *place, uint64_t ns);
    void (*close)(struct sup_place *place);
};

struct sup_place {
    const struct sup_place_ops *ops;
    struct mm1_trace trace; /* what the node's events go to */
    struct sup_book *book;
    uint64_t horizon_ns;
    mm1_addr stage;
};

/* Opens a place and spawns its stage. Not MM1_OK: `error` says why. */
MM1_NODISCARD mm1_status sup_place_simulated(struct sup_book *book, uint64_t seed,
                                             const struct sup_stage_arg *arg,
                                             struct sup_place **out,
                                             char error[SUP_CASES_ERROR_MAX]);
MM1_NODISCARD mm1_status sup_place_threads(struct sup_book *book,
                                           const struct sup_cases_options *options,
                                           const struct sup_stage_arg *arg, struct sup_place **out,
                                           char error[SUP_CASES_ERROR_MAX]);

#endif
