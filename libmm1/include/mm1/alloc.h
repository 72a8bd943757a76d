/* The allocator port: all memory of the runtime, fiber stacks included, comes through it.
 *
 * It is declared on the lowest floor because the containers need it. An implementation owns its memory; it may
 * refuse any request (a null answer), and every caller survives that. */
#ifndef MM1_ALLOC_H
#define MM1_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include <mm1/check.h>

struct mm1_alloc;

struct mm1_alloc_ops {
    const char *name;
    /* A block of `size` > 0 bytes aligned for any type, contents undefined; null when refused. Any thread. */
    void *(*take)(struct mm1_alloc *self, size_t size);
    /* Gives a block back. `size` is the size it was taken with. `block` may not be null. Any thread. */
    void (*give)(struct mm1_alloc *self, void *block, size_t size);
    /* A stack of at least `size` bytes: its lowest usable address, with `*usable` set. `*guarded`: whether an overflow
     * of it faults; where it does not, the user of the stack keeps a canary at its low end. Null when refused. */
    void *(*take_stack)(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded);
    /* Gives a stack back: what take_stack returned, with the usable size it set. */
    void (*give_stack)(struct mm1_alloc *self, void *stack, size_t usable);
};

struct mm1_alloc {
    const struct mm1_alloc_ops *ops;
};

/* `size` bytes, contents undefined; null when refused. */
static inline void *mm1_take(struct mm1_alloc *alloc, size_t size)
{
    return alloc->ops->take(alloc, size);
}

/* `size` bytes set to zero; null when refused. */
MM1_API void *mm1_take_zero(struct mm1_alloc *alloc, size_t size);

/* Gives back `block`, which was taken with `size`; a null block is ignored. */
static inline void mm1_give(struct mm1_alloc *alloc, void *block, size_t size)
{
    if (block != NULL) {
        alloc->ops->give(alloc, block, size);
    }
}

#endif
