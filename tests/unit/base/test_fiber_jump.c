/* Fibers: jumps that leave the way back as it is, and what is reserved at the top of a stack. */
#include <string.h>

#include "base/fiber.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define STACK ((size_t)64 * 1024)

static struct test_alloc alloc;
static struct mm1_fiber home;
static struct mm1_fiber outer;
static struct mm1_fiber inner;
static char seen[64];
static size_t seen_size;

static void say(char letter)
{
    cr_assert_lt(seen_size + 1, sizeof(seen));
    seen[seen_size++] = letter;
    seen[seen_size] = '\0';
}

/* As a scheduler that interrupts a turn wherever it runs: leaves the inner fiber for home, and comes back to it. */
static void inner_main(void *arg)
{
    (void)arg;
    say('a');
    mm1_fiber_jump(&inner, &home);
    say('c');
    mm1_fiber_jump(&inner, inner.back);
    say('e');
}

static void outer_main(void *arg)
{
    (void)arg;
    mm1_fiber_switch(&outer, &inner);
    say('d');
    mm1_fiber_switch(&outer, &inner);
    say('f');
}

static void open_both(void)
{
    test_alloc_init(&alloc);
    seen_size = 0;
    seen[0] = '\0';
    mm1_fiber_init_thread(&home);
    cr_assert_eq(mm1_fiber_init(&outer, &alloc.base, STACK), MM1_OK);
    cr_assert_eq(mm1_fiber_init(&inner, &alloc.base, STACK), MM1_OK);
    mm1_fiber_set(&outer, outer_main, NULL);
    mm1_fiber_set(&inner, inner_main, NULL);
}

Test(fiber_jump, a_jump_leaves_the_way_back)
{
    open_both();
    mm1_fiber_switch(&home, &outer);
    say('b');
    mm1_fiber_jump(&home, &inner);
    cr_assert_str_eq(seen, "abcdef");
    cr_assert(outer.finished && inner.finished);
    mm1_fiber_close(&inner);
    mm1_fiber_close(&outer);
    cr_assert_eq(alloc.live, 0);
}

Test(fiber_jump, both_may_be_abandoned_in_any_order)
{
    for (int order = 0; order < 2; order++) {
        open_both();
        mm1_fiber_switch(&home, &outer);
        cr_assert_str_eq(seen, "a");
        mm1_fiber_close(order == 0 ? &outer : &inner);
        mm1_fiber_close(order == 0 ? &inner : &outer);
        cr_assert_eq(alloc.live, 0);
    }
}

struct block {
    struct mm1_fiber fiber;
    unsigned char bytes[100];
    unsigned calls;
};

static void block_main(void *arg)
{
    struct block *block = arg;
    char frame[1000];
    memset(frame, 'x', sizeof(frame));
    block->calls += (unsigned)(frame[999] == 'x');
    mm1_fiber_jump(&block->fiber, block->fiber.back);
    block->calls++;
}

/* The struct of a fiber may stand at the top of its own stack. */
Test(fiber_jump, reserved_bytes_belong_to_who_took_them)
{
    struct mm1_fiber fiber;
    test_alloc_init(&alloc);
    mm1_fiber_init_thread(&home);
    cr_assert_eq(mm1_fiber_init(&fiber, &alloc.base, STACK), MM1_OK);
    char *top = (char *)fiber.stack + fiber.stack_size;
    char *first = mm1_fiber_reserve(&fiber, 5);
    cr_assert_eq(first, top - 16);
    struct block *block = mm1_fiber_reserve(&fiber, sizeof(*block));
    cr_assert_eq((size_t)block % 16, 0);
    cr_assert_leq((char *)block + sizeof(*block), first);
    memset(first, 1, 16);
    memset(block, 2, sizeof(*block));
    block->calls = 0;
    block->fiber = fiber;
    mm1_fiber_set(&block->fiber, block_main, block);
    mm1_fiber_switch(&home, &block->fiber);
    cr_assert_eq(block->calls, 1);
    mm1_fiber_switch(&home, &block->fiber);
    cr_assert_eq(block->calls, 2);
    for (size_t i = 0; i < sizeof(block->bytes); i++) {
        cr_assert_eq(block->bytes[i], 2);
    }
    for (size_t i = 0; i < 16; i++) {
        cr_assert_eq(first[i], 1);
    }
    fiber = block->fiber;
    mm1_fiber_close(&fiber);
    cr_assert_eq(alloc.live, 0);
}
