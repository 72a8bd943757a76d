/* An allocator over malloc whose blocks are freed together: the memory of what loaders build. */
#ifndef MM1_HOST_ARENA_H
#define MM1_HOST_ARENA_H

#include <mm1/alloc.h>
#include <mm1/bytes.h>

/* Pass `&arena.base` as an allocator; it has no stacks. One thread at a time. */
struct mm1__arena {
    struct mm1_alloc base;
    struct mm1__arena_block *first;
};

void mm1__arena_init(struct mm1__arena *arena);
/* Frees all blocks; the arena is empty then. */
void mm1__arena_close(struct mm1__arena *arena);
/* `count` items of `size` bytes, zeroed; null when memory is refused or the product overflows. A count of 0 gives a
 * block that is not null. */
void *mm1__arena_array(struct mm1__arena *arena, size_t count, size_t size);
/* A terminated copy; null when memory is refused. */
char *mm1__arena_text(struct mm1__arena *arena, struct mm1_text text);

#endif
