/* The allocator port on malloc. */
#ifndef MM1_POSIX_ALLOC_H
#define MM1_POSIX_ALLOC_H

#include <mm1/alloc.h>

#include "host/stack.h"

/* The one there is. Blocks come from the process, stacks from a pool of it that keeps its addresses to the end. */
struct mm1_alloc *mm1__posix_alloc(void);
/* Which guard its stacks have, for the user: see mm1__stacks_describe. */
void mm1__posix_stacks_describe(char out[MM1__STACKS_TEXT_MAX]);
/* Whose address this is: see mm1__stacks_find. Also from a signal's handler. */
bool mm1__posix_stacks_find(const void *address, struct mm1__stack_place *place);

#endif
