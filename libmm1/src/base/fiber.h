/* The stack switch: fcontext of Boost.Context called from C, with annotations for ASan, TSan and valgrind.
 * It serves interrupted turns in the simulator and function actors. Stacks come from the allocator port. */
#ifndef MM1_BASE_FIBER_H
#define MM1_BASE_FIBER_H

#include <stdbool.h>
#include <stddef.h>

#include <mm1/alloc.h>
#include <mm1/status.h>

struct mm1_fiber {
    struct mm1_alloc *alloc;
    /* lowest usable address; null for the fiber that stands for the thread's own stack */
    void *stack;
    size_t stack_size;
    size_t reserved;        /* bytes at its top that are not for frames */
    void *context;          /* where it stands while it does not run */
    struct mm1_fiber *back; /* who switched to it last, without a jump */
    void (*entry)(void *arg);
    void *arg;
    bool finished;
    bool canary; /* words at the low end of the stack tell of an overflow, since no guard does */
    void *asan_fake_stack;
    /* the stack as ASan names it; for a thread's own stack learned when it is left */
    const void *asan_stack;
    size_t asan_stack_size;
    void *tsan_fiber;
    unsigned valgrind_id;
};

/* Prepares a fiber that will run entry(arg) on a stack of `stack_size` bytes from `alloc`. MM1_NOMEM when refused. */
MM1_NODISCARD mm1_status mm1_fiber_init(struct mm1_fiber *fiber, struct mm1_alloc *alloc,
                                        size_t stack_size);
/* Takes `size` bytes off the top of a stack on which nothing was run yet: aligned to 16, contents undefined, theirs who
 * asked for them until the fiber is closed. */
void *mm1_fiber_reserve(struct mm1_fiber *fiber, size_t size);
/* Sets what the fiber runs at its next switch. It must be new or finished, so a stack can be reused. */
void mm1_fiber_set(struct mm1_fiber *fiber, void (*entry)(void *arg), void *arg);
/* Makes `self` stand for the stack that is running now, so that fibers can switch back to it. */
void mm1_fiber_init_thread(struct mm1_fiber *self);
/* Leaves `self`, which is running, and runs `fiber` until it switches back or its entry returns. Whoever is left with
 * a broken canary fails a check: memory is corrupt then. */
void mm1_fiber_switch(struct mm1_fiber *self, struct mm1_fiber *fiber);
/* Leaves `self`, which is running, and goes on with `to`, which is suspended: to whom `to` returns at its end stays as
 * it is. So a fiber that was switched to goes back with mm1_fiber_jump(self, self->back), or elsewhere for a while. */
void mm1_fiber_jump(struct mm1_fiber *self, struct mm1_fiber *to);
/* False: the stack overflowed. Only told for stacks without a guard; the others fault. */
bool mm1_fiber_intact(const struct mm1_fiber *fiber);
/* Gives the stack back. The fiber may be suspended: then what lives on its stack is abandoned. */
void mm1_fiber_close(struct mm1_fiber *fiber);

#endif
