/* Fibers: any order of resuming, nesting, abandoning, reuse; run under sanitizers and valgrind as well. */
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/fiber.h"
#include "base/prng.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define FIBERS 40u
#define STACK_SIZE (64u << 10)

struct worker {
    struct mm1_fiber fiber;
    struct mm1_fiber *home;
    struct worker *inner;
    unsigned rounds;
    unsigned done;
    uint64_t sum;
};

/* Frames of some size with addresses taken, so that a stack that is mixed up with another shows. */
static __attribute__((noinline)) uint64_t deep(struct worker *worker, unsigned level)
{
    volatile unsigned char pad[200];
    for (size_t i = 0; i < sizeof(pad); i++) {
        pad[i] = (unsigned char)(worker->rounds + level);
    }
    uint64_t sum = 0;
    if (level == 0) {
        mm1_fiber_switch(&worker->fiber, worker->home);
    } else {
        sum = deep(worker, level - 1);
    }
    for (size_t i = 0; i < sizeof(pad); i++) {
        sum += pad[i];
    }
    return sum;
}

static uint64_t expected_sum(const struct worker *worker, unsigned level)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i <= level; i++) {
        sum += 200u * (unsigned char)(worker->rounds + i);
    }
    return sum;
}

static void work(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < worker->rounds; i++) {
        worker->sum += deep(worker, i % 5);
        cr_assert_eq(worker->sum, expected_sum(worker, i % 5));
        worker->sum = 0;
        worker->done++;
    }
}

static void worker_init(struct worker *worker, struct mm1_fiber *home, struct test_alloc *alloc)
{
    *worker = (struct worker){.home = home};
    cr_assert_eq(mm1_fiber_init(&worker->fiber, &alloc->base, STACK_SIZE), MM1_OK);
}

Test(fiber, many_are_resumed_in_any_order_and_reused)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber home;
    struct worker workers[FIBERS];
    mm1_fiber_init_thread(&home);
    for (unsigned i = 0; i < FIBERS; i++) {
        worker_init(&workers[i], &home, &alloc);
        workers[i].rounds = 1 + i % 7;
        mm1_fiber_set(&workers[i].fiber, work, &workers[i]);
    }
    unsigned finished = 0;
    for (uint64_t step = 0; step < 5000; step++) {
        struct worker *worker = &workers[mm1_prng_below(mm1_prng_word(4, 2, step, 0), FIBERS)];
        unsigned before = worker->done;
        mm1_fiber_switch(&home, &worker->fiber);
        cr_assert(worker->done == before || worker->done == before + 1);
        if (worker->fiber.finished) {
            cr_assert_eq(worker->done, worker->rounds);
            finished++;
            worker->rounds = 1 + (worker->rounds + 3) % 9;
            worker->done = 0;
            mm1_fiber_set(&worker->fiber, work, worker);
            cr_assert(!worker->fiber.finished);
        }
    }
    cr_assert_gt(finished, 500);
    /* Some are suspended in the middle: abandoned. */
    for (unsigned i = 0; i < FIBERS; i++) {
        mm1_fiber_close(&workers[i].fiber);
    }
    mm1_fiber_close(&home);
    cr_assert_eq(alloc.live, 0);
}

static void nest(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < worker->rounds; i++) {
        if (worker->inner != NULL) {
            if (worker->inner->fiber.finished) {
                mm1_fiber_set(&worker->inner->fiber, nest, worker->inner);
            }
            mm1_fiber_switch(&worker->fiber, &worker->inner->fiber);
        }
        worker->sum++;
        mm1_fiber_switch(&worker->fiber, worker->home);
    }
}

Test(fiber, a_fiber_resumes_fibers_of_its_own)
{
    enum { DEPTH = 8 };
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber home;
    struct worker workers[DEPTH];
    mm1_fiber_init_thread(&home);
    for (unsigned i = 0; i < DEPTH; i++) {
        worker_init(&workers[i], i == 0 ? &home : &workers[i - 1].fiber, &alloc);
        workers[i].inner = i + 1 < DEPTH ? &workers[i + 1] : NULL;
        workers[i].rounds = 3;
        mm1_fiber_set(&workers[i].fiber, nest, &workers[i]);
    }
    unsigned switches = 0;
    while (!workers[0].fiber.finished) {
        mm1_fiber_switch(&home, &workers[0].fiber);
        switches++;
    }
    cr_assert_eq(switches, 4);
    cr_assert_eq(workers[0].sum, 3);
    for (unsigned i = 1; i < DEPTH; i++) {
        cr_expect_eq(workers[i].sum, 3, "%u", i);
    }
    for (unsigned i = 0; i < DEPTH; i++) {
        mm1_fiber_close(&workers[i].fiber);
    }
    cr_assert_eq(alloc.live, 0);
}

/* Hands over to its inner fiber, which switches past it, straight home. */
static void hand_over(void *arg)
{
    struct worker *worker = arg;
    worker->sum = 1;
    mm1_fiber_switch(&worker->fiber, &worker->inner->fiber);
    worker->sum = 2;
}

static void go_home(void *arg)
{
    struct worker *worker = arg;
    mm1_fiber_switch(&worker->fiber, worker->home);
    worker->sum = 7;
}

Test(fiber, a_switch_may_skip_the_one_who_came)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber home;
    struct worker outer;
    struct worker inner;
    mm1_fiber_init_thread(&home);
    worker_init(&outer, &home, &alloc);
    worker_init(&inner, &home, &alloc);
    outer.inner = &inner;
    mm1_fiber_set(&outer.fiber, hand_over, &outer);
    mm1_fiber_set(&inner.fiber, go_home, &inner);
    mm1_fiber_switch(&home, &outer.fiber);
    cr_assert_eq(outer.sum, 1);
    cr_assert(!outer.fiber.finished);
    mm1_fiber_switch(&home, &outer.fiber); /* not innermost first */
    cr_assert_eq(outer.sum, 2);
    cr_assert(outer.fiber.finished);
    mm1_fiber_switch(&home, &inner.fiber);
    cr_assert_eq(inner.sum, 7);
    cr_assert(inner.fiber.finished);
    mm1_fiber_close(&outer.fiber);
    mm1_fiber_close(&inner.fiber);
    cr_assert_eq(alloc.live, 0);
}

Test(fiber, abandoned_stacks_can_be_taken_again)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber home;
    mm1_fiber_init_thread(&home);
    for (unsigned i = 0; i < 200; i++) {
        struct worker worker;
        worker_init(&worker, &home, &alloc);
        worker.rounds = 5;
        mm1_fiber_set(&worker.fiber, work, &worker);
        mm1_fiber_switch(&home, &worker.fiber);
        /* Touching every byte of it is no fault once it is closed and taken anew. */
        mm1_fiber_close(&worker.fiber);
        size_t usable;
        bool guarded;
        void *stack = alloc.base.ops->take_stack(&alloc.base, STACK_SIZE, &usable, &guarded);
        memset(stack, 0x11, usable);
        alloc.base.ops->give_stack(&alloc.base, stack, usable);
    }
    cr_assert_eq(alloc.live, 0);
}

static void print_much(void *arg)
{
    char text[4096];
    int length = snprintf(text, sizeof(text), "%0*d %.17g", 3000, 7, 0.1);
    *(int *)arg = length;
}

Test(fiber, library_calls_run_on_its_stack)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber home;
    struct mm1_fiber fiber;
    int length = 0;
    mm1_fiber_init_thread(&home);
    cr_assert_eq(mm1_fiber_init(&fiber, &alloc.base, STACK_SIZE), MM1_OK);
    mm1_fiber_set(&fiber, print_much, &length);
    mm1_fiber_switch(&home, &fiber);
    cr_assert(fiber.finished);
    cr_assert_eq(length, 3020);
    mm1_fiber_close(&fiber);
    mm1_fiber_close(&fiber);
    cr_assert_eq(alloc.live, 0);
}

Test(fiber, a_refused_stack_is_nomem)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber fiber;
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_fiber_init(&fiber, &alloc.base, STACK_SIZE), MM1_NOMEM);
    mm1_fiber_close(&fiber);
    cr_assert_eq(alloc.live, 0);
}

Test(fiber, a_finished_fiber_cannot_be_resumed, .signal = SIGABRT)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_fiber home;
    struct worker worker;
    mm1_fiber_init_thread(&home);
    worker_init(&worker, &home, &alloc);
    mm1_fiber_set(&worker.fiber, work, &worker);
    mm1_fiber_switch(&home, &worker.fiber);
    mm1_fiber_switch(&home, &worker.fiber);
}

/* --- canaries ------------------------------------------------------------------------------------------------- */

static void *take_unguarded(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    static _Alignas(4096) char stack[2][STACK_SIZE];
    static unsigned taken;
    (void)self;
    cr_assert(size <= STACK_SIZE && taken < 2);
    *usable = STACK_SIZE;
    *guarded = false;
    return stack[taken++];
}

static void give_unguarded(struct mm1_alloc *self, void *stack, size_t usable)
{
    (void)self;
    cr_assert(stack != NULL && usable == STACK_SIZE);
}

static const struct mm1_alloc_ops unguarded_ops = {
    .name = "unguarded", .take_stack = take_unguarded, .give_stack = give_unguarded};

static void sleeper(void *arg)
{
    struct worker *worker = arg;
    for (;;) {
        mm1_fiber_switch(&worker->fiber, worker->home);
    }
}

/* Spoils the low end of its own stack, as frames beyond it would, and goes on. */
static void spoiler(void *arg)
{
    struct worker *worker = arg;
    mm1_fiber_switch(&worker->fiber, worker->home);
    ((unsigned char *)worker->fiber.stack)[worker->rounds] ^= 1;
    mm1_fiber_switch(&worker->fiber, worker->home);
}

static void ender(void *arg)
{
    struct worker *worker = arg;
    mm1_fiber_switch(&worker->fiber, worker->home);
}

static void unguarded_init(struct worker *worker, struct mm1_alloc *alloc, struct mm1_fiber *home,
                           void (*entry)(void *arg))
{
    *worker = (struct worker){.home = home};
    cr_assert_eq(mm1_fiber_init(&worker->fiber, alloc, STACK_SIZE), MM1_OK);
    mm1_fiber_set(&worker->fiber, entry, worker);
}

Test(fiber, a_canary_stands_where_no_guard_does)
{
    struct test_alloc alloc;
    struct mm1_alloc unguarded = {.ops = &unguarded_ops};
    struct mm1_fiber home;
    struct worker workers[2];
    test_alloc_init(&alloc);
    mm1_fiber_init_thread(&home);
    cr_assert(mm1_fiber_intact(&home));
    unguarded_init(&workers[0], &unguarded, &home, sleeper);
    unguarded_init(&workers[1], &alloc.base, &home, sleeper);
    cr_assert(workers[0].fiber.canary && !workers[1].fiber.canary);
    for (unsigned i = 0; i < 2; i++) {
        unsigned char *low = workers[i].fiber.stack;
        mm1_fiber_switch(&home, &workers[i].fiber);
        cr_assert(mm1_fiber_intact(&workers[i].fiber));
        for (unsigned bit = 0; bit < 8 * 64; bit++) {
            low[bit / 8] ^= (unsigned char)(1u << bit % 8);
            cr_assert_eq(mm1_fiber_intact(&workers[i].fiber), i == 1, "bit %u", bit);
            low[bit / 8] ^= (unsigned char)(1u << bit % 8);
        }
        mm1_fiber_switch(&home, &workers[i].fiber);
        mm1_fiber_close(&workers[i].fiber);
    }
    cr_assert_eq(alloc.live, 0);
}

Test(fiber, a_broken_canary_is_found_at_the_switch, .signal = SIGABRT)
{
    struct mm1_alloc unguarded = {.ops = &unguarded_ops};
    struct mm1_fiber home;
    struct worker worker;
    mm1_fiber_init_thread(&home);
    unguarded_init(&worker, &unguarded, &home, spoiler);
    worker.rounds = 63;
    mm1_fiber_switch(&home, &worker.fiber);
    cr_assert(mm1_fiber_intact(&worker.fiber));
    mm1_fiber_switch(&home, &worker.fiber);
}

Test(fiber, a_broken_canary_is_found_when_its_fiber_ends, .signal = SIGABRT)
{
    struct mm1_alloc unguarded = {.ops = &unguarded_ops};
    struct mm1_fiber home;
    struct worker worker;
    mm1_fiber_init_thread(&home);
    unguarded_init(&worker, &unguarded, &home, ender);
    mm1_fiber_switch(&home, &worker.fiber);
    *(unsigned char *)worker.fiber.stack ^= 1;
    mm1_fiber_switch(&home, &worker.fiber);
}
