/* The allocator on malloc: blocks of every size, small ones that a thread keeps, and what another thread gives back. */
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include <mm1/alloc.h>
#include <mm1/posix.h>

#include "mm1_test.h"

#define MANY 5000 /* blocks: more than a thread keeps of any size */

static unsigned char byte_of(size_t size, size_t i)
{
    return (unsigned char)(size * 31 + i);
}

static void fill(unsigned char *block, size_t size, size_t i)
{
    memset(block, byte_of(size, i), size);
}

static void check(const unsigned char *block, size_t size, size_t i)
{
    for (size_t at = 0; at < size; at++) {
        cr_assert_eq(block[at], byte_of(size, i), "size %zu, block %zu, byte %zu", size, i, at);
    }
}

/* Takes, gives and takes again three of each size: none lies on another, each has its room. */
Test(posix_alloc, blocks_of_every_size)
{
    struct mm1_alloc *alloc = mm1_posix_alloc();
    for (size_t size = 1; size < 1200; size++) {
        unsigned char *blocks[3];
        for (unsigned round = 0; round < 2; round++) {
            for (size_t i = 0; i < 3; i++) {
                blocks[i] = mm1_take(alloc, size);
                cr_assert_not_null(blocks[i]);
                cr_assert_eq((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
                fill(blocks[i], size, i);
            }
            for (size_t i = 0; i < 3; i++) {
                check(blocks[i], size, i);
                mm1_give(alloc, blocks[i], size);
            }
        }
    }
}

Test(posix_alloc, neighbouring_sizes_share_no_block_that_is_too_small)
{
    struct mm1_alloc *alloc = mm1_posix_alloc();
    for (size_t size = 2; size < 1200; size++) {
        mm1_give(alloc, mm1_take(alloc, size - 1), size - 1);
        unsigned char *block = mm1_take(alloc, size);
        cr_assert_not_null(block);
        fill(block, size, 0); /* memcheck and the sanitizers see a byte too much */
        check(block, size, 0);
        mm1_give(alloc, block, size);
    }
}

Test(posix_alloc, more_than_a_thread_keeps)
{
    static unsigned char *blocks[MANY];
    static const size_t sizes[] = {1, 24, 25, 160, 1016, 1017};
    struct mm1_alloc *alloc = mm1_posix_alloc();
    for (size_t n = 0; n < sizeof(sizes) / sizeof(sizes[0]); n++) {
        for (unsigned round = 0; round < 2; round++) {
            for (size_t i = 0; i < MANY; i++) {
                blocks[i] = mm1_take(alloc, sizes[n]);
                cr_assert_not_null(blocks[i]);
                fill(blocks[i], sizes[n], i);
            }
            for (size_t i = 0; i < MANY; i++) {
                check(blocks[i], sizes[n], i);
                mm1_give(alloc, blocks[i], sizes[n]);
            }
        }
    }
}

struct crew {
    unsigned char *blocks[MANY];
    size_t size;
};

/* Gives back what another thread took, uses its own, and ends: what it keeps goes with it. */
static void *other_thread(void *arg)
{
    struct crew *crew = arg;
    struct mm1_alloc *alloc = mm1_posix_alloc();
    for (size_t i = 0; i < MANY; i++) {
        check(crew->blocks[i], crew->size, i);
        mm1_give(alloc, crew->blocks[i], crew->size);
    }
    for (size_t i = 0; i < MANY; i++) {
        crew->blocks[i] = mm1_take(alloc, crew->size);
        if (crew->blocks[i] != NULL) {
            fill(crew->blocks[i], crew->size, i);
        }
    }
    return NULL;
}

Test(posix_alloc, what_another_thread_took)
{
    static struct crew crew;
    struct mm1_alloc *alloc = mm1_posix_alloc();
    for (crew.size = 8; crew.size < 500; crew.size += 100) {
        pthread_t thread;
        for (size_t i = 0; i < MANY; i++) {
            crew.blocks[i] = mm1_take(alloc, crew.size);
            cr_assert_not_null(crew.blocks[i]);
            fill(crew.blocks[i], crew.size, i);
        }
        cr_assert_eq(pthread_create(&thread, NULL, other_thread, &crew), 0);
        cr_assert_eq(pthread_join(thread, NULL), 0);
        for (size_t i = 0; i < MANY; i++) {
            cr_assert_not_null(crew.blocks[i]);
            check(crew.blocks[i], crew.size, i);
            mm1_give(alloc, crew.blocks[i], crew.size);
        }
    }
}
