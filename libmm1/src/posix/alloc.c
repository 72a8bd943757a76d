/* The allocator port on malloc; stacks are mapped with a guard page. */
#include <stdlib.h>

#include "host/stack.h"
#include "posix/alloc.h"

static void *take(struct mm1_alloc *self, size_t size)
{
    (void)self;
    MM1_CHECK(size > 0);
    return malloc(size);
}

static void give(struct mm1_alloc *self, void *block, size_t size)
{
    (void)self;
    (void)size;
    MM1_CHECK(block != NULL);
    free(block);
}

static void *take_stack(struct mm1_alloc *self, size_t size, size_t *usable)
{
    (void)self;
    return mm1__stack_map(size, usable);
}

static void give_stack(struct mm1_alloc *self, void *stack, size_t usable)
{
    (void)self;
    mm1__stack_unmap(stack, usable);
}

static const struct mm1_alloc_ops OPS = {
    .name = "posix",
    .take = take,
    .give = give,
    .take_stack = take_stack,
    .give_stack = give_stack,
};

struct mm1_alloc *mm1__posix_alloc(void)
{
    static struct mm1_alloc alloc = {.ops = &OPS}; /* never written */
    return &alloc;
}
