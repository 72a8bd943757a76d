/* The simulator's allocator: size classes carved from chunks, with a budget, and freed as a whole when a node loses its
 * power. Under a sanitizer each block is a block of malloc, so that it finds what it is there to find. */
#ifndef SIM_POOL_H
#define SIM_POOL_H

#include <stddef.h>
#include <stdint.h>

#include <mm1/alloc.h>

#define SIM_POOL_CLASSES 64u /* of 16 bytes each */

struct sim_pool {
    struct mm1_alloc base;
    uint64_t budget; /* bytes; 0: none */
    uint64_t used;
    void *free[SIM_POOL_CLASSES];
    uint8_t *bump;
    uint8_t *bump_end;
    struct sim_pool_block *chunks; /* and blocks too large for a class */
};

void sim_pool_init(struct sim_pool *pool, uint64_t budget);
/* Frees everything that was taken from it. */
void sim_pool_close(struct sim_pool *pool);

#endif
