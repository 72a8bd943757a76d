/* The random port: the only entropy. */
#ifndef MM1_RANDOM_H
#define MM1_RANDOM_H

#include <stdint.h>

#include <mm1/check.h>

struct mm1_random;

/* What a stream of draws is for; with an entity (the hash of an actor's path) it names the stream, so that one more
 * draw in one stream shifts nothing in another. */
enum mm1_random_purpose {
    MM1_RANDOM_FIRST_BLOCK = 1, /* first address block of a start of a node; entity: the node */
    MM1_RANDOM_USER,            /* mm1_random; entity: the actor */
    MM1_RANDOM_TRACE_ID,        /* fresh trace ids; entity: the actor */
};

struct mm1_random_ops {
    const char *name;
    /* A number in [0, n), or any 64 bits when n is 0: draw number `nth` of the stream. The same question may get
     * another answer in another run of the program, but not in a replay. Any thread. */
    uint64_t (*draw)(struct mm1_random *self, enum mm1_random_purpose purpose, uint64_t entity,
                     uint64_t nth, uint64_t n);
};

struct mm1_random {
    const struct mm1_random_ops *ops;
};

#endif
