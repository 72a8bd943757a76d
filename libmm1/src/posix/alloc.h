/* The allocator port on malloc. */
#ifndef MM1_POSIX_ALLOC_H
#define MM1_POSIX_ALLOC_H

#include <mm1/alloc.h>

/* The one there is: it has no state. Blocks come from the process, stacks from the kernel. */
struct mm1_alloc *mm1__posix_alloc(void);

#endif
