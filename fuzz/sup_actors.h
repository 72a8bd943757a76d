/* The actors around the stage, as its own files know them: sup_worker.c, sup_tree.c and sup_caller.c. */
#ifndef FUZZ_SUP_ACTORS_H
#define FUZZ_SUP_ACTORS_H

#include "fuzz/sup_stage.h"

/* What members are made by: the factory of the workers, and the supervisors behind their gate. */
#define SUP_WORKER_FACTORY "worker"
extern const struct mm1_supervisor sup_gated;

/* Makes a call: spawns a caller that asks and observes. `supervisor` 0: nobody, noproc. `simple`: it is one of a simple
 * one; `target` is whom terminate_child and childspec mean then, 0: nobody was ever started. Statuses of mm1_spawn. */
struct sup_asked {
    const struct sup_event *event;
    bool simple;
    enum sup_term term; /* of the template of a simple one */
    uint64_t slow_ms;
    uint64_t number;
    mm1_addr supervisor;
    mm1_addr target;
};
MM1_NODISCARD mm1_status sup_ask(struct mm1_ctx *ctx, const struct sup_asked *asked);
/* Sends `peer` an exit signal by an actor that is nobody's parent, and ends. Statuses of mm1_spawn. */
MM1_NODISCARD mm1_status sup_strange_exit(struct mm1_ctx *ctx, mm1_addr peer,
                                          struct mm1_reason reason);

/* What a caller and a stranger are born with. */
#define SUP_CALLER_ARG_FIELDS(F) F(u64, number) F(addr, supervisor) F(any, request)
MM1_MSG_DECLARE(sup_caller_arg, SUP_CALLER_ARG_FIELDS)
#define SUP_STRANGER_ARG_FIELDS(F) F(addr, peer) F(sub(mm1_why), why)
MM1_MSG_DECLARE(sup_stranger_arg, SUP_STRANGER_ARG_FIELDS)

/* Fills in the argument of a worker. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_worker_arg_of(struct mm1__arena *arena, const char *id,
                                           enum sup_term term, uint64_t slow_ms,
                                           struct sup_worker_arg *out);
/* Milliseconds in nanoseconds, at most UINT64_MAX. */
uint64_t sup_ns_of_ms(uint64_t ms);

#endif
