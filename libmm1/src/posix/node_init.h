/* The first actor of a real node: it starts the actors of the node itself, in their order, and stays with them. The one
 * of the role is started after it. */
#ifndef MM1_POSIX_NODE_INIT_H
#define MM1_POSIX_NODE_INIT_H

#include <mm1/multinode.h>
#include <mm1/posix.h>

#define MM1__NODE_START_NS MM1_NS_PER_SEC

enum mm1__node_state {
    MM1__NODE_BOOTING,
    MM1__NODE_READY,
    MM1__NODE_FAILED, /* it cannot be started, or cannot listen where it was told to */
};

/* What the actor is given, by pointer: it outlives the node. */
struct mm1__node_init {
    struct mm1_posix *posix;                      /* stopped at each change of the state */
    const struct mm1_multinode_config *multinode; /* null: no links */
    struct mm1_text metrics;                      /* where metrics are served; empty: nowhere */
    int state;                                    /* atomic, enum mm1__node_state */
    char failure[MM1_REASON_TEXT_MAX + 96];       /* set before MM1__NODE_FAILED */
};

/* Argument: a struct mm1__node_init *. */
extern const struct mm1_behaviour mm1__node_init_behaviour;

#endif
