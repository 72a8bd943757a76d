/* What the parts of the free generator share: the shape of a case, and who is in it. */
#ifndef FUZZ_SUP_GEN_TREE_H
#define FUZZ_SUP_GEN_TREE_H

#include "fuzz/sup_gen_draw.h"

/* What a case is like as a whole. */
struct sup_shape {
    unsigned depth_max;
    unsigned members;
    unsigned events;
    bool calm;          /* it waits behind each step until all is done */
    uint64_t window_ns; /* of most supervisors; waits are measured by it */
    /* Where a dimension is off, all are of one kind. */
    enum sup_strategy strategy;
    enum sup_restart restart;
};

/* A worker that may be named, of the tree or added later. */
struct sup_somebody {
    const char *id;
    size_t supervisor;
};

/* The tree: members, by their declarations. */
void sup_gen_tree(struct sup_gen *g, const struct sup_shape *shape);
/* What a worker is like that `supervisor` gets. */
struct sup_member sup_gen_worker(struct sup_gen *g, const struct sup_shape *shape,
                                 size_t supervisor);
/* The history, and the plans before it. */
void sup_gen_history(struct sup_gen *g, const struct sup_shape *shape);

#endif
