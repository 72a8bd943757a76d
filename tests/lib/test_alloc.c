/* The test allocator: malloc with a header that remembers the size, mmap with a guard page for stacks. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test_alloc.h"

#define MAGIC_LIVE 0x6c6976656c697665u
#define MAGIC_GONE 0x676f6e65676f6e65u

struct header {
    size_t size;
    uint64_t magic;
};

_Static_assert(sizeof(struct header) % _Alignof(max_align_t) == 0, "blocks stay aligned");

static struct test_alloc *of(struct mm1_alloc *self)
{
    return MM1_CONTAINER_OF(self, struct test_alloc, base);
}

static bool refused(struct test_alloc *alloc)
{
    size_t number = __atomic_add_fetch(&alloc->requests, 1, __ATOMIC_RELAXED);
    size_t fail_at = __atomic_load_n(&alloc->fail_at, __ATOMIC_RELAXED);
    if (fail_at == 0) {
        return false;
    }
    return number == fail_at || (alloc->fail_rest && number > fail_at);
}

static void count_in(struct test_alloc *alloc, size_t size)
{
    (void)__atomic_add_fetch(&alloc->live, 1, __ATOMIC_RELAXED);
    size_t bytes = __atomic_add_fetch(&alloc->live_bytes, size, __ATOMIC_RELAXED);
    size_t peak = __atomic_load_n(&alloc->peak_bytes, __ATOMIC_RELAXED);
    while (bytes > peak && !__atomic_compare_exchange_n(&alloc->peak_bytes, &peak, bytes, true,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

static void count_out(struct test_alloc *alloc, size_t size)
{
    MM1_CHECK(__atomic_fetch_sub(&alloc->live, 1, __ATOMIC_RELAXED) > 0);
    MM1_CHECK(__atomic_fetch_sub(&alloc->live_bytes, size, __ATOMIC_RELAXED) >= size);
}

static void *take(struct mm1_alloc *self, size_t size)
{
    struct test_alloc *alloc = of(self);
    MM1_CHECK(size > 0);
    if (refused(alloc) || size > SIZE_MAX / 2) {
        return NULL;
    }
    struct header *header = malloc(sizeof(*header) + size);
    if (header == NULL) {
        return NULL;
    }
    *header = (struct header){.size = size, .magic = MAGIC_LIVE};
    memset(header + 1, 0xa5, size);
    count_in(alloc, size);
    return header + 1;
}

static void give(struct mm1_alloc *self, void *block, size_t size)
{
    MM1_CHECK(block != NULL);
    struct header *header = (struct header *)block - 1;
    MM1_CHECK(header->magic == MAGIC_LIVE);
    MM1_CHECK(header->size == size);
    header->magic = MAGIC_GONE;
    memset(block, 0x5a, size);
    count_out(of(self), size);
    free(header);
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

static void *take_stack(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    struct test_alloc *alloc = of(self);
    size_t page = page_size();
    if (refused(alloc) || size > SIZE_MAX / 2) {
        return NULL;
    }
    size_t whole = (size + page - 1) / page * page;
    char *base =
        mmap(NULL, page + whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    MM1_CHECK(mprotect(base, page, PROT_NONE) == 0);
    *usable = whole;
    *guarded = true;
    count_in(alloc, whole);
    return base + page;
}

static void give_stack(struct mm1_alloc *self, void *stack, size_t usable)
{
    size_t page = page_size();
    MM1_CHECK(stack != NULL && usable % page == 0);
    MM1_CHECK(munmap((char *)stack - page, page + usable) == 0);
    count_out(of(self), usable);
}

static const struct mm1_alloc_ops OPS = {
    .name = "test",
    .take = take,
    .give = give,
    .take_stack = take_stack,
    .give_stack = give_stack,
};

void test_alloc_init(struct test_alloc *alloc)
{
    *alloc = (struct test_alloc){.base.ops = &OPS};
}

void test_alloc_fail_at(struct test_alloc *alloc, size_t k)
{
    __atomic_store_n(&alloc->requests, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&alloc->fail_at, k, __ATOMIC_RELAXED);
}
