/* What the soaks on threads share: counters, an allocator that counts, and books that must balance. */
#ifndef SOAK_SOAK_H
#define SOAK_SOAK_H

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <mm1/kit.h>
#include <mm1/posix.h>

/* Each on a line of its own: two workers count at the same time. */
struct counter {
    _Alignas(64) _Atomic uint64_t n;
};

static inline void add(struct counter *counter)
{
    (void)atomic_fetch_add_explicit(&counter->n, 1, memory_order_relaxed);
}

static inline uint64_t now_at(struct counter *counter)
{
    return atomic_load(&counter->n);
}

static struct counter soak_complaints;

static inline void wrong(const char *what)
{
    if (atomic_fetch_add(&soak_complaints.n, 1) < 10) {
        (void)fprintf(stderr, "soak: %s\n", what);
    }
}

static inline double seconds(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0
               ? (double)now.tv_sec + (double)now.tv_nsec / 1e9
               : 0;
}

static inline void nap(void)
{
    struct timespec pause = {.tv_nsec = 1000 * 1000};
    (void)nanosleep(&pause, NULL);
}

static inline bool balance(const char *what, uint64_t left, uint64_t right)
{
    if (left != right) {
        (void)fprintf(stderr, "soak: %s: %llu and %llu\n", what, (unsigned long long)left,
                      (unsigned long long)right);
    }
    return left == right;
}

/* --- blocks and stacks, counted ----------------------------------------------------------------------------------- */

static struct {
    struct counter taken;
    struct counter given;
} soak_blocks;

static inline void *soak_take(struct mm1_alloc *self, size_t size)
{
    struct mm1_alloc *posix = mm1_posix_alloc();
    void *block = posix->ops->take(posix, size);
    (void)self;
    (void)atomic_fetch_add(&soak_blocks.taken.n, block != NULL);
    return block;
}

static inline void soak_give(struct mm1_alloc *self, void *block, size_t size)
{
    struct mm1_alloc *posix = mm1_posix_alloc();
    (void)self;
    add(&soak_blocks.given);
    posix->ops->give(posix, block, size);
}

static inline void *soak_take_stack(struct mm1_alloc *self, size_t size, size_t *usable,
                                    bool *guarded)
{
    struct mm1_alloc *posix = mm1_posix_alloc();
    void *stack = posix->ops->take_stack(posix, size, usable, guarded);
    (void)self;
    (void)atomic_fetch_add(&soak_blocks.taken.n, stack != NULL);
    return stack;
}

static inline void soak_give_stack(struct mm1_alloc *self, void *stack, size_t usable)
{
    struct mm1_alloc *posix = mm1_posix_alloc();
    (void)self;
    add(&soak_blocks.given);
    posix->ops->give_stack(posix, stack, usable);
}

static const struct mm1_alloc_ops soak_alloc_ops = {.name = "soak",
                                                    .take = soak_take,
                                                    .give = soak_give,
                                                    .take_stack = soak_take_stack,
                                                    .give_stack = soak_give_stack};
static struct mm1_alloc soak_alloc = {.ops = &soak_alloc_ops};

static inline bool check_blocks(void)
{
    return balance("blocks taken, and given back", now_at(&soak_blocks.taken),
                   now_at(&soak_blocks.given));
}

#endif
