/* Pooled stacks by mmap. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <mm1/check.h>

#include "host/stack.h"

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define WITH_VALGRIND 1
#endif
#endif

#ifndef MADV_GUARD_INSTALL /* Linux 6.13 */
#define MADV_GUARD_INSTALL 102
#endif

#define CHUNK_STACKS ((size_t)64)
#define CHUNK_SIZE_MAX ((size_t)64 << 20) /* beyond it a chunk holds fewer, at last one */
#define WARM_MAX ((size_t)32)             /* free stacks of a class that keep their memory */
#define MAPS_DEFAULT ((size_t)65530)      /* the kernel's own default */
#define MAPS_PER_GUARD ((size_t)2)
#define NEAR ((size_t)64 << 10)

struct mm1__stack_slot {
    struct mm1__stack_slot *next; /* while it is free */
    bool guarded;
    bool taken;
};

/* At the start of its mapping, whose size is a power of two and which is aligned to it. */
struct mm1__stack_chunk {
    struct mm1__stack_chunk *next;
    char *first; /* the room below the first stack */
    size_t size; /* of the mapping */
    size_t guard;
    size_t usable;
    size_t stride; /* both */
    size_t count;
    size_t carved; /* that were ever handed out */
    struct mm1__stack_slot slots[];
};

/* --- what the tools are told ---------------------------------------------------------------------------------- */

static void tell_taken(void *stack, size_t usable)
{
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(stack, usable);
#endif
#ifdef WITH_VALGRIND
    (void)VALGRIND_MAKE_MEM_UNDEFINED(stack, usable);
#endif
    (void)stack;
    (void)usable;
}

static void tell_given(void *stack, size_t usable)
{
#ifdef WITH_ASAN
    __asan_poison_memory_region(stack, usable);
#endif
#ifdef WITH_VALGRIND
    (void)VALGRIND_MAKE_MEM_NOACCESS(stack, usable);
#endif
    (void)stack;
    (void)usable;
}

/* --- sizes ---------------------------------------------------------------------------------------------------- */

static size_t page_size(void)
{
    long size = sysconf(_SC_PAGESIZE);
    MM1_CHECK(size > 0);
    return (size_t)size;
}

static size_t guard_size(void)
{
    size_t page = page_size();
    return page > MM1__STACK_GUARD_SIZE ? page : MM1__STACK_GUARD_SIZE;
}

/* MM1__STACK_CLASSES when it is too large for any. */
static size_t class_of(struct mm1__stacks *stacks, size_t size)
{
    size_t number = 0;
    if (stacks->page == 0) {
        stacks->page = page_size();
    }
    while (number < MM1__STACK_CLASSES && stacks->page << number < size) {
        number++;
    }
    return number;
}

static size_t chunk_size(size_t stride)
{
    size_t count = CHUNK_STACKS;
    while (count > 1 && count * stride > CHUNK_SIZE_MAX) {
        count /= 2;
    }
    size_t size = page_size();
    while (size < count * stride + page_size()) {
        size *= 2;
    }
    return size;
}

static size_t header_size(size_t count)
{
    size_t page = page_size();
    size_t size = sizeof(struct mm1__stack_chunk) + count * sizeof(struct mm1__stack_slot);
    return (size + page - 1) / page * page;
}

static char *stack_of(const struct mm1__stack_chunk *chunk, size_t index)
{
    return chunk->first + index * chunk->stride + chunk->guard;
}

/* --- chunks --------------------------------------------------------------------------------------------------- */

/* Memory at a multiple of its size, a power of two; null when refused. */
static char *map_aligned(size_t size)
{
    const int kind = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK;
    char *whole = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, kind, -1, 0);
    if (whole == MAP_FAILED) {
        return NULL;
    }
    size_t before = (size - (uintptr_t)whole % size) % size;
    char *base = whole + before;
    /* What cannot be unmapped, for the kernel's limit of mappings, costs addresses and no memory. */
    if (before > 0) {
        (void)munmap(whole, before);
    }
    (void)munmap(base + size, size - before);
    /* Else the first page touched could bring two megabytes. */
    (void)madvise(base, size, MADV_NOHUGEPAGE);
    return base;
}

static struct mm1__stack_chunk *chunk_new(struct mm1__stacks *stacks, struct mm1__stack_class *same,
                                          size_t usable)
{
    size_t guard = guard_size();
    size_t stride = guard + usable;
    if (same->chunk_size == 0) {
        same->chunk_size = chunk_size(stride);
    }
    size_t size = same->chunk_size;
    char *base = map_aligned(size);
    if (base == NULL) {
        return NULL;
    }
    size_t count = size / stride;
    while (header_size(count) + count * stride > size) {
        count--;
    }
    MM1_CHECK(count > 0);
    struct mm1__stack_chunk *chunk = (struct mm1__stack_chunk *)(void *)base;
    chunk->next = stacks->chunks;
    chunk->first = base + header_size(count);
    chunk->size = size;
    chunk->guard = guard;
    chunk->usable = usable;
    chunk->stride = stride;
    chunk->count = count;
    __atomic_store_n(&stacks->chunks, chunk, __ATOMIC_RELEASE);
    return chunk;
}

/* The chunk in which an address of this class is; its header as well. */
static struct mm1__stack_chunk *chunk_of(const struct mm1__stack_class *same, const void *address)
{
    MM1_CHECK(same->chunk_size != 0);
    uintptr_t at = (uintptr_t)address;
    return (struct mm1__stack_chunk *)(at & ~(uintptr_t)(same->chunk_size - 1));
}

static struct mm1__stack_slot *slot_of(const struct mm1__stack_class *same, const void *stack,
                                       size_t usable)
{
    struct mm1__stack_chunk *chunk = chunk_of(same, stack);
    MM1_CHECK(chunk->size == same->chunk_size && chunk->usable == usable);
    size_t index = (size_t)((const char *)stack - chunk->first) / chunk->stride;
    MM1_CHECK(index < chunk->carved && stack_of(chunk, index) == stack);
    return &chunk->slots[index];
}

static char *stack_of_slot(const struct mm1__stack_class *same, const struct mm1__stack_slot *slot)
{
    const struct mm1__stack_chunk *chunk = chunk_of(same, slot);
    return stack_of(chunk, (size_t)(slot - chunk->slots));
}

/* --- guards --------------------------------------------------------------------------------------------------- */

/* How many stacks mprotect may guard: half of the kernel's limit stays for all else in the process. */
static size_t protected_by_default(void)
{
    size_t maps = MAPS_DEFAULT;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file != NULL) {
        char line[32] = "";
        char *end = line;
        unsigned long long number =
            fgets(line, sizeof(line), file) == NULL ? 0 : strtoull(line, &end, 10);
        if (end != line) {
            maps = number > SIZE_MAX ? SIZE_MAX : (size_t)number;
        }
        (void)fclose(file);
    }
    return maps / 2 / MAPS_PER_GUARD;
}

static bool protect(struct mm1__stacks *stacks, char *guard)
{
    if (stacks->protected_max == 0) {
        stacks->protected_max = protected_by_default();
    }
    if (stacks->protected_count >= stacks->protected_max ||
        mprotect(guard, guard_size(), PROT_NONE) != 0) {
        return false;
    }
    stacks->protected_count++;
    return true;
}

/* Whether `guard` is one now. Learns at the first call what the kernel has. */
static bool install(struct mm1__stacks *stacks, char *guard)
{
    if (stacks->guard == MM1__STACK_GUARD_BEST || stacks->guard == MM1__STACK_GUARD_INSTALL) {
        if (madvise(guard, guard_size(), MADV_GUARD_INSTALL) == 0) {
            stacks->guard = MM1__STACK_GUARD_INSTALL;
            return true;
        }
        if (errno != EINVAL) {
            return false; /* for want of memory, say */
        }
        stacks->guard = MM1__STACK_GUARD_PROTECT;
    }
    return stacks->guard == MM1__STACK_GUARD_PROTECT && protect(stacks, guard);
}

void mm1__stacks_describe(struct mm1__stacks *stacks, char out[MM1__STACKS_TEXT_MAX])
{
    if (stacks->guard == MM1__STACK_GUARD_BEST || stacks->guard == MM1__STACK_GUARD_INSTALL) {
        char *guard = map_aligned(guard_size());
        if (guard != NULL) {
            (void)install(stacks, guard);
            (void)munmap(guard, guard_size());
            stacks->protected_count = 0;
        }
    }
    if (stacks->guard == MM1__STACK_GUARD_PROTECT) {
        size_t max = stacks->protected_max == 0 ? protected_by_default() : stacks->protected_max;
        char number[24];
        if (max < 1000) {
            (void)snprintf(number, sizeof(number), "%zu", max);
        } else if (max < 1000000) {
            (void)snprintf(number, sizeof(number), "%zu,%03zu", max / 1000, max % 1000);
        } else {
            (void)snprintf(number, sizeof(number), "%zu million", max / 1000000);
        }
        (void)snprintf(out, MM1__STACKS_TEXT_MAX, "guard pages for %s stacks, canaries beyond",
                       number);
    } else {
        (void)snprintf(out, MM1__STACKS_TEXT_MAX, "%s",
                       stacks->guard == MM1__STACK_GUARD_INSTALL ? "guard pages without limit"
                                                                 : "canaries, no guard pages");
    }
}

/* --- the pool ------------------------------------------------------------------------------------------------- */

void mm1__stacks_init(struct mm1__stacks *stacks, enum mm1__stack_guard guard, size_t protected_max)
{
    *stacks = (struct mm1__stacks){.guard = guard, .protected_max = protected_max};
}

void mm1__stacks_close(struct mm1__stacks *stacks)
{
    struct mm1__stack_chunk *chunk = stacks->chunks;
    while (chunk != NULL) {
        struct mm1__stack_chunk *next = chunk->next;
        size_t size = chunk->size;
        tell_taken(chunk->first, chunk->carved * chunk->stride);
        if (munmap(chunk, size) != 0) { /* it would need one mapping more than there may be */
            (void)madvise(chunk, size, MADV_DONTNEED);
        }
        chunk = next;
    }
    mm1__stacks_init(stacks, stacks->guard, stacks->protected_max);
}

static struct mm1__stack_slot *carve(struct mm1__stacks *stacks, struct mm1__stack_class *same,
                                     size_t usable)
{
    if (same->chunk == NULL || same->chunk->carved == same->chunk->count) {
        struct mm1__stack_chunk *fresh = chunk_new(stacks, same, usable);
        if (fresh == NULL) {
            return NULL;
        }
        same->chunk = fresh;
    }
    struct mm1__stack_chunk *chunk = same->chunk;
    struct mm1__stack_slot *slot = &chunk->slots[chunk->carved];
    slot->guarded = install(stacks, stack_of(chunk, chunk->carved) - chunk->guard);
    chunk->carved++;
    return slot;
}

static struct mm1__stack_slot *pop(struct mm1__stack_slot **list)
{
    struct mm1__stack_slot *slot = *list;
    *list = slot->next;
    return slot;
}

void *mm1__stacks_take(struct mm1__stacks *stacks, size_t size, size_t *usable, bool *guarded)
{
    MM1_CHECK(size > 0);
    size_t number = class_of(stacks, size);
    if (number == MM1__STACK_CLASSES) {
        return NULL;
    }
    struct mm1__stack_class *same = &stacks->classes[number];
    struct mm1__stack_slot *slot;
    *usable = stacks->page << number;
    if (same->warm != NULL) {
        slot = pop(&same->warm);
        same->warm_count--;
    } else if (same->cold != NULL) {
        slot = pop(&same->cold);
    } else {
        slot = carve(stacks, same, *usable);
        if (slot == NULL) {
            return NULL;
        }
    }
    MM1_CHECK(!slot->taken);
    slot->taken = true;
    *guarded = slot->guarded;
    char *stack = stack_of_slot(same, slot);
    tell_taken(stack, *usable);
    return stack;
}

void mm1__stacks_give(struct mm1__stacks *stacks, void *stack, size_t usable)
{
    size_t number = class_of(stacks, usable);
    MM1_CHECK(stack != NULL && number < MM1__STACK_CLASSES);
    struct mm1__stack_class *same = &stacks->classes[number];
    struct mm1__stack_slot *slot = slot_of(same, stack, usable);
    MM1_CHECK(slot->taken);
    slot->taken = false;
    tell_given(stack, usable);
    struct mm1__stack_slot **list = &same->warm;
    if (same->warm_count < WARM_MAX) {
        same->warm_count++;
    } else {
        list = &same->cold;
        (void)madvise(stack, usable, MADV_DONTNEED); /* refused where memory is locked: it stays */
    }
    slot->next = *list;
    *list = slot;
}

/* --- faults --------------------------------------------------------------------------------------------------- */

bool mm1__stacks_find(const struct mm1__stacks *stacks, const void *address,
                      struct mm1__stack_place *place)
{
    uintptr_t at = (uintptr_t)address;
    const struct mm1__stack_chunk *chunk = __atomic_load_n(&stacks->chunks, __ATOMIC_ACQUIRE);
    for (; chunk != NULL; chunk = chunk->next) {
        uintptr_t first = (uintptr_t)chunk->first;
        if (at < first || at - first >= chunk->count * chunk->stride) {
            continue;
        }
        size_t index = (at - first) / chunk->stride;
        *place = (struct mm1__stack_place){
            .stack = stack_of(chunk, index),
            .usable = chunk->usable,
            .below = (at - first) % chunk->stride < chunk->guard,
        };
        return true;
    }
    return false;
}

bool mm1__stack_fault_is_near(const void *address, const void *context)
{
    uintptr_t at = (uintptr_t)address;
    const ucontext_t *ucontext = context;
#if defined(__x86_64__)
    uintptr_t pointer = (uintptr_t)ucontext->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
    uintptr_t pointer = (uintptr_t)ucontext->uc_mcontext.sp;
#else
    (void)ucontext;
    return false;
#endif
    return at < pointer ? pointer - at < NEAR : at - pointer < NEAR;
}
