/* Linearizability of a history of operations (Wing and Gong's search with Lowe's memo), as a library.
 *
 * A history is a set of operations, each with an invocation and, unless its outcome is unknown, a response. It is
 * linearizable when each operation can be given a point between the two (an operation without a response: any point
 * after its invocation, or none) so that the sequence is one that the model allows. Operations of different
 * partitions (keys) are independent and are checked apart. */
#ifndef MM1_LINEAR_H
#define MM1_LINEAR_H

#include <mm1/alloc.h>
#include <mm1/status.h>
#include <mm1/system.h>

struct mm1_linear_op {
    uint64_t partition; /* of the key it is about */
    uint64_t invoked;   /* position of the invocation in the history; all positions differ */
    uint64_t returned;  /* position of the response; UINT64_MAX: unknown */
    uint64_t kind;      /* the model's */
    uint64_t input;     /* the model's: e.g. a number that stands for the value written */
    /* the model's: e.g. for the value read; of no meaning when `returned` is unknown */
    uint64_t output;
};

struct mm1_linear_model {
    uint64_t initial; /* state of a partition before the first operation */
    /* The state after `op` in `state`; false when it could not have answered what it did. Pure. For an operation
     * without a response its output is not compared. */
    bool (*step)(uint64_t state, const struct mm1_linear_op *op, uint64_t *after);
};

struct mm1_linear_result {
    enum mm1_verdict verdict; /* MM1_INCONCLUSIVE: the bound was reached */
    uint64_t partition;       /* the first that fails or is not decided, in order of `partition` */
    /* index in `ops` of the response that the longest linearization could not reach */
    size_t stuck;
    size_t longest; /* operations in that linearization */
    uint64_t steps; /* states tried, all partitions together */
};

/* Checks a history. `ops` may be reordered. `bound`: states tried for each partition before it gives up. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_linear_check(const struct mm1_linear_model *model,
                                                  struct mm1_linear_op *ops, size_t count,
                                                  uint64_t bound, struct mm1_alloc *alloc,
                                                  struct mm1_linear_result *result);

#endif
