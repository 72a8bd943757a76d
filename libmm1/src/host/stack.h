/* Guarded stacks: whole pages from the kernel, with one page below that nobody may touch, so that an overflow ends in a
 * fault and not in a neighbour's memory. Both worlds' allocators use it. */
#ifndef MM1_HOST_STACK_H
#define MM1_HOST_STACK_H

#include <stddef.h>

/* A stack of at least `size` > 0 bytes: its lowest usable address, with `*usable` set; null when refused. */
void *mm1__stack_map(size_t size, size_t *usable);
/* Gives back what mm1__stack_map returned, with the usable size it set. */
void mm1__stack_unmap(void *stack, size_t usable);

#endif
