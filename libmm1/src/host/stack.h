/* A pool of stacks for fibers: many of them carved from few mappings, so that hundreds of thousands fit into what the
 * kernel allows, each with room below it that nobody may touch where the kernel can see to that.
 *
 *     one chunk:  header | guard | stack | guard | stack | ...        low addresses on the left
 *
 * Both worlds' allocators own pools. A pool belongs to one thread at a time, but for mm1__stacks_find. */
#ifndef MM1_HOST_STACK_H
#define MM1_HOST_STACK_H

#include <stdbool.h>
#include <stddef.h>

struct mm1__stack_chunk;
struct mm1__stack_slot;

/* What keeps an overflow from a neighbour's memory, best first. One that the kernel lacks gives way to the next. */
enum mm1__stack_guard {
    MM1__STACK_GUARD_BEST,    /* whichever of these there is */
    MM1__STACK_GUARD_INSTALL, /* MADV_GUARD_INSTALL: costs no mapping */
    MM1__STACK_GUARD_PROTECT, /* mprotect: two mappings a stack, so for a number of stacks only */
    MM1__STACK_GUARD_NONE,    /* the room below is there, but can be written */
};

/* The room below each stack. */
#define MM1__STACK_GUARD_SIZE ((size_t)16 << 10)
/* One page, two pages, four ... */
#define MM1__STACK_CLASSES 20

struct mm1__stack_class {
    struct mm1__stack_slot *warm;   /* free, with the memory they touched */
    struct mm1__stack_slot *cold;   /* free, their memory is given back to the kernel */
    struct mm1__stack_chunk *chunk; /* the newest: where fresh ones are carved */
    size_t warm_count;
    size_t chunk_size; /* of the class; 0 until it has one */
};

struct mm1__stacks {
    enum mm1__stack_guard guard; /* BEST until it was tried */
    size_t protected_max;        /* stacks guarded by mprotect; 0: as the kernel's limit allows */
    size_t protected_count;
    size_t page;                     /* its size; 0 until the first stack */
    struct mm1__stack_chunk *chunks; /* all, newest first; read without a lock */
    struct mm1__stack_class classes[MM1__STACK_CLASSES];
};

/* An empty pool, as all zeros are; asks the kernel for nothing yet. `protected_max` as above. */
void mm1__stacks_init(struct mm1__stacks *stacks, enum mm1__stack_guard guard,
                      size_t protected_max);
/* Unmaps everything, stacks that were not given back included. It is empty then, and can be used anew. */
void mm1__stacks_close(struct mm1__stacks *stacks);
/* A stack of at least `size` > 0 bytes: its lowest usable address, with `*usable` set, contents undefined; null when
 * refused. `*guarded`: whether an overflow faults. */
void *mm1__stacks_take(struct mm1__stacks *stacks, size_t size, size_t *usable, bool *guarded);
/* Gives back what was taken, with the usable size that was set. A few free stacks of a size keep their memory and are
 * the first to be taken again, the last one given before the others; what is given beyond them keeps none. */
void mm1__stacks_give(struct mm1__stacks *stacks, void *stack, size_t usable);

/* Writes which guard is in force, and for how many stacks, as a sentence without its full stop. */
#define MM1__STACKS_TEXT_MAX 64
void mm1__stacks_describe(struct mm1__stacks *stacks, char out[MM1__STACKS_TEXT_MAX]);

struct mm1__stack_place {
    const void *stack; /* lowest usable address */
    size_t usable;
    bool below; /* the address is in the room below the stack */
};
/* Whose address this is; false: none of the pool's. Takes no lock: any thread, and a signal's handler too, as long as
 * nobody closes the pool. */
bool mm1__stacks_find(const struct mm1__stacks *stacks, const void *address,
                      struct mm1__stack_place *place);

/* For the handler of a fault, with its ucontext_t: whether `address` is so near the stack pointer that what was touched
 * there was to be the stack. False where the architecture is not known. */
bool mm1__stack_fault_is_near(const void *address, const void *context);

#endif
