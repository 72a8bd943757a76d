/* The allocator port on malloc; stacks are pooled.
 *
 * Each thread keeps small blocks that it was given back, and hands them out before it asks malloc: a message is a block
 * that lives for a moment, and malloc keeps only seven of a size at hand. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

#include "posix/alloc.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WITH_SANITIZER 1
#endif
#endif
#ifdef WITH_SANITIZER
#include <malloc.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define WITH_VALGRIND 1
#endif
#endif

/* --- small blocks --------------------------------------------------------------------------------------------- */

#define SIZES 64 /* 8 bytes, 24, 40 and so on: what fills malloc's own blocks */
#define SMALL_MAX (SIZES * 16 - 8)
#define KEPT_MAX (64u << 10) /* bytes of a size that a thread keeps */

struct kept {
    struct kept *next;
};

static _Thread_local struct {
    struct kept *first[SIZES];
    uint32_t room[SIZES]; /* how many more are kept; 0 where none ever is */
    bool begun;
} small;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool has_key;

/* Of a block of at most SMALL_MAX bytes. */
static inline size_t number_of(size_t size)
{
    return (size + 7) / 16;
}

static inline size_t bytes_of(size_t number)
{
    return number * 16 + 8;
}

/* At the end of a thread: nothing is kept any more. */
static void small_end(void *value)
{
    (void)value;
    for (size_t i = 0; i < SIZES; i++) {
        small.room[i] = 0;
        while (small.first[i] != NULL) {
            struct kept *block = small.first[i];
            small.first[i] = block->next;
            free(block);
        }
    }
}

static void make_key(void)
{
    has_key = pthread_key_create(&key, small_end) == 0;
}

/* Tools that watch each block would not see that one was given back. */
static bool watched(void)
{
#if defined(WITH_SANITIZER)
    return true;
#elif defined(WITH_VALGRIND)
    char byte = 0;
    char bits;
    return VALGRIND_GET_VBITS(&byte, &bits, 1) != 0; /* memcheck answers */
#else
    return false;
#endif
}

/* Finds out whether this thread keeps blocks. */
static void small_begin(void)
{
    small.begun = true;
    (void)pthread_once(&once, make_key);
    if (watched() || !has_key || pthread_setspecific(key, &small) != 0) {
        return;
    }
    for (size_t i = 0; i < SIZES; i++) {
        small.room[i] = (uint32_t)(KEPT_MAX / bytes_of(i));
    }
}

static void *take(struct mm1_alloc *self, size_t size)
{
    (void)self;
    MM1_CHECK(size > 0);
#ifndef WITH_SANITIZER
    if (size <= SMALL_MAX) {
        size_t number = number_of(size);
        struct kept *block = small.first[number];
        if (block != NULL) {
            small.first[number] = block->next;
            small.room[number]++;
            return block;
        }
        size = bytes_of(number);
    }
#endif
    return malloc(size);
}

static void give(struct mm1_alloc *self, void *block, size_t size);

/* One for which there is no room, or the first of this thread. Apart, so that the way past it is short. */
__attribute__((noinline)) static void give_on(void *block, size_t size)
{
    if (small.begun) {
        free(block);
        return;
    }
    small_begin();
    give(NULL, block, size);
}

static void give(struct mm1_alloc *self, void *block, size_t size)
{
    (void)self;
    MM1_CHECK(block != NULL);
#ifdef WITH_SANITIZER
    bool given_with_the_size_it_was_taken_with = malloc_usable_size(block) == size;
    MM1_CHECK(given_with_the_size_it_was_taken_with);
#endif
    size_t number = number_of(size);
    if (size > SMALL_MAX || small.room[number] == 0) {
        give_on(block, size);
        return;
    }
    struct kept *kept = block;
    kept->next = small.first[number];
    small.first[number] = kept;
    small.room[number]--;
}

/* --- stacks --------------------------------------------------------------------------------------------------- */

/* Stacks are a process's own as malloc's blocks are: the kernel's limits on them are per process too. */
static struct {
    pthread_mutex_t lock;
    struct mm1__stacks stacks; /* all zero is an empty pool */
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *take_stack(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    (void)self;
    pthread_mutex_lock(&pool.lock);
    void *stack = mm1__stacks_take(&pool.stacks, size, usable, guarded);
    pthread_mutex_unlock(&pool.lock);
    return stack;
}

static void give_stack(struct mm1_alloc *self, void *stack, size_t usable)
{
    (void)self;
    pthread_mutex_lock(&pool.lock);
    mm1__stacks_give(&pool.stacks, stack, usable);
    pthread_mutex_unlock(&pool.lock);
}

static const struct mm1_alloc_ops OPS = {
    .name = "posix",
    .take = take,
    .give = give,
    .take_stack = take_stack,
    .give_stack = give_stack,
};

struct mm1_alloc *mm1__posix_alloc(void)
{
    static struct mm1_alloc alloc = {.ops = &OPS}; /* never written */
    return &alloc;
}

void mm1__posix_stacks_describe(char out[MM1__STACKS_TEXT_MAX])
{
    pthread_mutex_lock(&pool.lock);
    mm1__stacks_describe(&pool.stacks, out);
    pthread_mutex_unlock(&pool.lock);
}

bool mm1__posix_stacks_find(const void *address, struct mm1__stack_place *place)
{
    return mm1__stacks_find(&pool.stacks, address, place);
}
