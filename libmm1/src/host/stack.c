/* Guarded stacks by mmap. */
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mm1/check.h>

#include "host/stack.h"

static size_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    MM1_CHECK(size > 0);
    return (size_t)size;
}

void *mm1__stack_map(size_t size, size_t *usable)
{
    size_t page = page_size();
    MM1_CHECK(size > 0);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t whole = (size + page - 1) / page * page;
    /* All of it inaccessible first, then all but the guard opened: there is no moment without a guard. */
    char *base =
        mmap(NULL, page + whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    if (mprotect(base + page, whole, PROT_READ | PROT_WRITE) != 0) {
        MM1_CHECK(munmap(base, page + whole) == 0);
        return NULL;
    }
    *usable = whole;
    return base + page;
}

void mm1__stack_unmap(void *stack, size_t usable)
{
    size_t page = page_size();
    MM1_CHECK(stack != NULL && usable > 0 && usable % page == 0);
    MM1_CHECK(munmap((char *)stack - page, page + usable) == 0);
}
