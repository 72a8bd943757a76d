/* The simulator's allocator. */
#include <stdlib.h>

#include "host/stack.h"
#include "sim/pool.h"

struct sim_pool_block {
    _Alignas(max_align_t) struct sim_pool_block *next;
    struct sim_pool_block *prev;
};

#define CHUNK_SIZE ((size_t)64 * 1024)
/* Where a guard costs mappings: each node has a pool, and they share the process's limit. */
#define GUARDS_MAX 1000

#if defined(__SANITIZE_ADDRESS__)
#define SIM_POOL_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SIM_POOL_PLAIN 1
#endif
#endif
#ifndef SIM_POOL_PLAIN
#define SIM_POOL_PLAIN 0
#endif

static struct sim_pool *pool_of(struct mm1_alloc *alloc)
{
    return MM1_CONTAINER_OF(alloc, struct sim_pool, base);
}

static void *take_block(struct sim_pool *pool, size_t size)
{
    struct sim_pool_block *block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    block->prev = NULL;
    block->next = pool->chunks;
    if (pool->chunks != NULL) {
        pool->chunks->prev = block;
    }
    pool->chunks = block;
    return block + 1;
}

static void give_block(struct sim_pool *pool, void *memory)
{
    struct sim_pool_block *block = (struct sim_pool_block *)memory - 1;
    if (block->next != NULL) {
        block->next->prev = block->prev;
    }
    if (block->prev != NULL) {
        block->prev->next = block->next;
    } else {
        pool->chunks = block->next;
    }
    free(block);
}

static size_t class_of(size_t size)
{
    return (size + 15) / 16 - 1;
}

static void *take_small(struct sim_pool *pool, size_t class)
{
    void *memory = pool->free[class];
    if (memory != NULL) {
        pool->free[class] = *(void **)memory;
        return memory;
    }
    size_t size = (class + 1) * 16;
    if ((size_t)(pool->bump_end - pool->bump) < size) {
        uint8_t *chunk = take_block(pool, CHUNK_SIZE);
        if (chunk == NULL) {
            return NULL;
        }
        pool->bump = chunk;
        pool->bump_end = chunk + CHUNK_SIZE;
    }
    memory = pool->bump;
    pool->bump += size;
    return memory;
}

/* Counts a request. */
static bool is_refused(struct sim_pool *pool, uint64_t size)
{
    return ++pool->requests == pool->fail_at ||
           (pool->budget != 0 && size > pool->budget - pool->used);
}

static void *pool_take(struct mm1_alloc *alloc, size_t size)
{
    struct sim_pool *pool = pool_of(alloc);
    MM1_CHECK(size > 0);
    if (is_refused(pool, size)) {
        return NULL;
    }
    size_t class = class_of(size);
    void *memory = SIM_POOL_PLAIN || class >= SIM_POOL_CLASSES ? take_block(pool, size)
                                                               : take_small(pool, class);
    if (memory != NULL) {
        pool->used += size;
    }
    return memory;
}

static void pool_give(struct mm1_alloc *alloc, void *memory, size_t size)
{
    struct sim_pool *pool = pool_of(alloc);
    size_t class = class_of(size);
    pool->used -= size;
    if (SIM_POOL_PLAIN || class >= SIM_POOL_CLASSES) {
        give_block(pool, memory);
    } else {
        *(void **)memory = pool->free[class];
        pool->free[class] = memory;
    }
}

static void *pool_take_stack(struct mm1_alloc *alloc, size_t size, size_t *usable, bool *guarded)
{
    struct sim_pool *pool = pool_of(alloc);
    if (is_refused(pool, SIM_POOL_STACK_COST)) {
        return NULL;
    }
    void *stack = mm1__stacks_take(&pool->stacks, size, usable, guarded);
    if (stack != NULL) {
        pool->used += SIM_POOL_STACK_COST;
    }
    return stack;
}

static void pool_give_stack(struct mm1_alloc *alloc, void *stack, size_t usable)
{
    struct sim_pool *pool = pool_of(alloc);
    pool->used -= SIM_POOL_STACK_COST;
    mm1__stacks_give(&pool->stacks, stack, usable);
}

static const struct mm1_alloc_ops pool_ops = {
    .name = "sim",
    .take = pool_take,
    .give = pool_give,
    .take_stack = pool_take_stack,
    .give_stack = pool_give_stack,
};

void sim_pool_init(struct sim_pool *pool, uint64_t budget)
{
    *pool = (struct sim_pool){.base = {.ops = &pool_ops}, .budget = budget};
    mm1__stacks_init(&pool->stacks, MM1__STACK_GUARD_BEST, GUARDS_MAX);
}

void sim_pool_close(struct sim_pool *pool)
{
    while (pool->chunks != NULL) {
        struct sim_pool_block *next = pool->chunks->next;
        free(pool->chunks);
        pool->chunks = next;
    }
    mm1__stacks_close(&pool->stacks);
    sim_pool_init(pool, pool->budget);
}
