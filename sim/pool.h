/* The simulator's allocator: size classes carved from chunks, with a budget, pooled stacks, and all of it freed as a
 * whole when a node loses its power. Under a sanitizer each block is a block of malloc, so that it finds what it is
 * there to find. */
#ifndef SIM_POOL_H
#define SIM_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <mm1/alloc.h>

#include "host/stack.h"

#define SIM_POOL_CLASSES 64u /* of 16 bytes each */
/* What a stack counts for in the budget, whatever its size: most of it is never touched, and how much is, the budget
 * cannot depend on. */
#define SIM_POOL_STACK_COST ((uint64_t)4 << 10)

struct sim_pool {
    struct mm1_alloc base;
    uint64_t budget;   /* bytes; 0: none */
    uint64_t requests; /* so far */
    uint64_t fail_at;  /* the request of this number is refused; 0: none */
    uint64_t used;
    void *free[SIM_POOL_CLASSES];
    uint8_t *bump;
    uint8_t *bump_end;
    struct sim_pool_block *chunks; /* and blocks too large for a class */
    struct mm1__stacks stacks;
};

void sim_pool_init(struct sim_pool *pool, uint64_t budget);
/* Frees everything that was taken from it. */
void sim_pool_close(struct sim_pool *pool);

#endif
