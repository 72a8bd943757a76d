/* What every allocator offers beyond its operations. */
#include <string.h>

#include <mm1/alloc.h>

void *mm1_take_zero(struct mm1_alloc *alloc, size_t size)
{
    void *block = mm1_take(alloc, size);
    if (block != NULL) {
        memset(block, 0, size);
    }
    return block;
}
