/* The pool of stacks: guards of each kind, reuse, many at once, and how little memory an idle fiber holds. */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fiber.h"
#include "host/stack.h"
#include "mm1_test.h"

#define STACK_SIZE ((size_t)64 << 10)
#ifdef MM1_TEST_SLOW
#define MANY 3000u /* valgrind keeps account of a bounded number of mappings */
#else
#define MANY 20000u
#endif

/* Whether a byte can be read, without touching it: the kernel looks. */
static bool is_readable(const char *at)
{
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    bool readable = write(fds[1], at, 1) == 1;
    (void)close(fds[0]);
    (void)close(fds[1]);
    return readable;
}

static size_t page_size(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

/* How many pages of these the process holds. */
static size_t resident(void *from, size_t size)
{
    size_t count = size / page_size();
    unsigned char *pages = malloc(count);
    cr_assert_not_null(pages);
    cr_assert_eq(mincore(from, size, pages), 0);
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        held += pages[i] & 1;
    }
    free(pages);
    return held;
}

static char *take(struct mm1__stacks *stacks, bool *guarded)
{
    size_t usable = 0;
    char *stack = mm1__stacks_take(stacks, STACK_SIZE, &usable, guarded);
    cr_assert_not_null(stack);
    cr_assert_eq(usable, STACK_SIZE);
    return stack;
}

/* --- guards --------------------------------------------------------------------------------------------------- */

static void expect_guard(char *stack, bool guarded)
{
    stack[0] = 1;
    stack[STACK_SIZE - 1] = 1;
    cr_expect(is_readable(stack) && is_readable(stack + STACK_SIZE - 1));
    cr_expect_eq(is_readable(stack - 1), !guarded);
    cr_expect_eq(is_readable(stack - MM1__STACK_GUARD_SIZE), !guarded);
}

Test(stack, has_a_guard_of_each_kind)
{
    static const enum mm1__stack_guard guards[] = {MM1__STACK_GUARD_BEST, MM1__STACK_GUARD_INSTALL,
                                                   MM1__STACK_GUARD_PROTECT};
    for (size_t i = 0; i < MM1_COUNT_OF(guards); i++) {
        struct mm1__stacks stacks;
        bool guarded[2] = {false, false};
        mm1__stacks_init(&stacks, guards[i], 0);
        char *first = take(&stacks, &guarded[0]);
        char *second = take(&stacks, &guarded[1]);
        cr_assert(guarded[0] && guarded[1]);
        memset(first, 1, STACK_SIZE);
        memset(second, 2, STACK_SIZE);
        cr_assert(first[0] == 1 && first[STACK_SIZE - 1] == 1);
        expect_guard(first, true);
        expect_guard(second, true);
        mm1__stacks_give(&stacks, first, STACK_SIZE);
        first = take(&stacks, &guarded[0]);
        cr_assert(guarded[0], "a guard stays");
        expect_guard(first, true);
        mm1__stacks_close(&stacks);
    }
}

Test(stack, has_guards_as_far_as_the_limit_goes)
{
    struct mm1__stacks stacks;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_PROTECT, 100);
    for (unsigned i = 0; i < 150; i++) {
        bool guarded = false;
        char *stack = take(&stacks, &guarded);
        cr_assert_eq(guarded, i < 100);
        expect_guard(stack, i < 100);
    }
    mm1__stacks_close(&stacks);
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_NONE, 0);
    bool guarded = true;
    expect_guard(take(&stacks, &guarded), false);
    cr_assert(!guarded);
    mm1__stacks_close(&stacks);
}

Test(stack, says_which_guard_is_in_force)
{
    static const struct {
        enum mm1__stack_guard guard;
        size_t max;
        const char *says;
    } cases[] = {
        {MM1__STACK_GUARD_PROTECT, 16000, "guard pages for 16,000 stacks, canaries beyond"},
        {MM1__STACK_GUARD_PROTECT, 999, "guard pages for 999 stacks, canaries beyond"},
        {MM1__STACK_GUARD_PROTECT, 1005, "guard pages for 1,005 stacks, canaries beyond"},
        {MM1__STACK_GUARD_PROTECT, 12345678, "guard pages for 12 million stacks, canaries beyond"},
        {MM1__STACK_GUARD_NONE, 0, "canaries, no guard pages"},
    };
    struct mm1__stacks stacks;
    char text[MM1__STACKS_TEXT_MAX];
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        mm1__stacks_init(&stacks, cases[i].guard, cases[i].max);
        mm1__stacks_describe(&stacks, text);
        cr_expect_str_eq(text, cases[i].says);
        mm1__stacks_close(&stacks);
    }
    /* What the kernel has is found out before and after the first stack alike. */
    char later[MM1__STACKS_TEXT_MAX];
    bool guarded;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_BEST, 7);
    mm1__stacks_describe(&stacks, text);
    (void)take(&stacks, &guarded);
    mm1__stacks_describe(&stacks, later);
    cr_expect_str_eq(text, later);
    cr_expect(strcmp(text, "guard pages without limit") == 0 ||
                  strcmp(text, "guard pages for 7 stacks, canaries beyond") == 0,
              "%s", text);
    mm1__stacks_close(&stacks);
}

/* --- taking and giving ---------------------------------------------------------------------------------------- */

Test(stack, is_at_least_as_large_as_asked_for)
{
    struct mm1__stacks stacks;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_BEST, 0);
    for (size_t size = 1; size <= (size_t)64 << 20; size = size * 3 + 1) {
        size_t usable = 0;
        bool guarded = false;
        char *stack = mm1__stacks_take(&stacks, size, &usable, &guarded);
        cr_assert_not_null(stack);
        cr_assert_geq(usable, size);
        cr_assert_eq((size_t)stack % page_size(), 0);
        stack[0] = 1;
        stack[usable - 1] = 1;
        mm1__stacks_give(&stacks, stack, usable);
    }
    mm1__stacks_close(&stacks);
}

Test(stack, refuses_what_cannot_be)
{
    struct mm1__stacks stacks;
    size_t usable = 0;
    bool guarded = false;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_BEST, 0);
    cr_assert_null(mm1__stacks_take(&stacks, SIZE_MAX, &usable, &guarded));
    cr_assert_null(mm1__stacks_take(&stacks, SIZE_MAX / 4, &usable, &guarded));
    mm1__stacks_close(&stacks);
}

Test(stack, is_used_again_last_first)
{
    struct mm1__stacks stacks;
    char *taken[10];
    bool guarded;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_BEST, 0);
    for (size_t i = 0; i < 10; i++) {
        taken[i] = take(&stacks, &guarded);
    }
    for (size_t i = 0; i < 10; i++) {
        mm1__stacks_give(&stacks, taken[i], STACK_SIZE);
    }
    for (size_t i = 10; i-- > 0;) {
        cr_assert_eq(take(&stacks, &guarded), taken[i]);
    }
    mm1__stacks_close(&stacks);
}

Test(stack, cannot_be_given_twice, .signal = SIGABRT)
{
    struct mm1__stacks stacks;
    bool guarded;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_BEST, 0);
    char *stack = take(&stacks, &guarded);
    mm1__stacks_give(&stacks, stack, STACK_SIZE);
    mm1__stacks_give(&stacks, stack, STACK_SIZE);
}

/* How many mappings the process has. */
static size_t maps(void)
{
    char buffer[4096];
    size_t lines = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    cr_assert_not_null(file);
    for (size_t got; (got = fread(buffer, 1, sizeof(buffer), file)) > 0;) {
        for (size_t i = 0; i < got; i++) {
            lines += buffer[i] == '\n';
        }
    }
    (void)fclose(file);
    return lines;
}

static void take_many(enum mm1__stack_guard guard)
{
    struct mm1__stacks stacks;
    static char *taken[MANY];
    char text[MM1__STACKS_TEXT_MAX];
    mm1__stacks_init(&stacks, guard, 0);
    mm1__stacks_describe(&stacks, text);
    bool unlimited = strcmp(text, "guard pages without limit") == 0;
    size_t before = maps();
    size_t with_guard = 0;
    for (unsigned i = 0; i < MANY; i++) {
        bool guarded = false;
        taken[i] = take(&stacks, &guarded);
        with_guard += guarded;
        *(unsigned *)(void *)(taken[i] + STACK_SIZE - sizeof(unsigned)) = i;
        taken[i][0] = 1;
    }
    cr_assert(!unlimited || with_guard == MANY);
    cr_assert_gt(with_guard, 0);
    cr_assert_lt(maps() - before, (unlimited ? 0 : 2 * with_guard) + MANY / 20);
    size_t held = 0;
    for (unsigned i = 0; i < MANY; i++) {
        cr_assert_eq(*(unsigned *)(void *)(taken[i] + STACK_SIZE - sizeof(unsigned)), i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        mm1__stacks_give(&stacks, taken[i], STACK_SIZE);
    }
    for (unsigned i = 0; i < MANY; i++) {
        held += resident(taken[i], STACK_SIZE);
    }
    cr_assert(held > 0 && held < 200, "%zu pages of free stacks are held", held);
    /* All of them serve again. */
    size_t all = maps();
    for (unsigned i = 0; i < MANY; i++) {
        bool guarded = false;
        taken[i] = take(&stacks, &guarded);
        with_guard -= guarded;
    }
    cr_assert_eq(with_guard, 0);
    cr_assert_eq(maps(), all);
    mm1__stacks_close(&stacks);
    for (unsigned i = 0; i < MANY; i++) {
        unsigned char page;
        errno = 0;
        cr_assert(mincore(taken[i], page_size(), &page) != 0 && errno == ENOMEM, "unmapped");
    }
}

Test(stack, many_fit_and_leave_little_behind)
{
    take_many(MM1__STACK_GUARD_BEST);
    take_many(
        MM1__STACK_GUARD_PROTECT); /* where the kernel's limit is the usual one, not all have a guard */
}

Test(stack, is_found_by_its_addresses)
{
    struct mm1__stacks stacks;
    struct mm1__stack_place place;
    int elsewhere = 0;
    mm1__stacks_init(&stacks, MM1__STACK_GUARD_BEST, 0);
    cr_assert(!mm1__stacks_find(&stacks, &elsewhere, &place));
    for (size_t i = 0; i < 300; i++) {
        size_t usable;
        bool guarded;
        char *stack =
            mm1__stacks_take(&stacks, i % 2 == 0 ? STACK_SIZE : page_size(), &usable, &guarded);
        cr_assert_not_null(stack);
        const char *const own[] = {stack, stack + usable - 1};
        const char *const below[] = {stack - 1, stack - MM1__STACK_GUARD_SIZE};
        for (size_t k = 0; k < 2; k++) {
            cr_assert(mm1__stacks_find(&stacks, own[k], &place));
            cr_assert(place.stack == stack && place.usable == usable && !place.below);
            cr_assert(mm1__stacks_find(&stacks, below[k], &place));
            cr_assert(place.stack == stack && place.usable == usable && place.below);
        }
    }
    cr_assert(!mm1__stacks_find(&stacks, &elsewhere, &place));
    cr_assert(!mm1__stacks_find(&stacks, NULL, &place));
    mm1__stacks_close(&stacks);
}

/* --- fibers on them ------------------------------------------------------------------------------------------- */

struct pooled {
    struct mm1_alloc base;
    struct mm1__stacks stacks;
};

static void *pooled_take_stack(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    return mm1__stacks_take(&MM1_CONTAINER_OF(self, struct pooled, base)->stacks, size, usable,
                            guarded);
}

static void pooled_give_stack(struct mm1_alloc *self, void *stack, size_t usable)
{
    mm1__stacks_give(&MM1_CONTAINER_OF(self, struct pooled, base)->stacks, stack, usable);
}

static const struct mm1_alloc_ops pooled_ops = {
    .name = "pooled", .take_stack = pooled_take_stack, .give_stack = pooled_give_stack};

struct idler {
    struct mm1_fiber home;
    struct mm1_fiber fiber;
};

static void idle(void *arg)
{
    struct idler *idler = arg;
    mm1_fiber_switch(&idler->fiber, &idler->home);
}

static size_t pages_of_an_idle_fiber(enum mm1__stack_guard guard)
{
    struct pooled pooled = {.base = {.ops = &pooled_ops}};
    struct idler idler;
    mm1__stacks_init(&pooled.stacks, guard, 0);
    mm1_fiber_init_thread(&idler.home);
    cr_assert_eq(mm1_fiber_init(&idler.fiber, &pooled.base, STACK_SIZE), MM1_OK);
    mm1_fiber_set(&idler.fiber, idle, &idler);
    mm1_fiber_switch(&idler.home, &idler.fiber);
    cr_assert(!idler.fiber.finished);
    size_t pages = resident(idler.fiber.stack, idler.fiber.stack_size);
    mm1_fiber_switch(&idler.home, &idler.fiber);
    cr_assert(idler.fiber.finished);
    mm1_fiber_close(&idler.fiber);
    mm1_fiber_close(&idler.home);
    mm1__stacks_close(&pooled.stacks);
    return pages;
}

Test(stack, an_idle_fiber_holds_one_page)
{
    cr_assert_eq(pages_of_an_idle_fiber(MM1__STACK_GUARD_BEST), 1);
    cr_assert_eq(pages_of_an_idle_fiber(MM1__STACK_GUARD_PROTECT), 1);
    cr_assert_eq(pages_of_an_idle_fiber(MM1__STACK_GUARD_NONE), 2, "its canary is on the other");
}

/* Calls itself until the stack ends. */
static __attribute__((noinline)) unsigned dig(volatile unsigned *above)
{
    volatile unsigned frame[32];
    frame[0] = *above + 1;
    return *above == UINT32_MAX ? 0 : dig(frame) + frame[0];
}

static void overflow(void *arg)
{
    volatile unsigned depth = 0;
    (void)arg;
    (void)dig(&depth);
}

#define AT_THE_GUARD 42

/* On a stack of its own, as whoever handles the overflow of another one needs. */
static struct mm1__stacks *overflowing;

static void on_fault(int number, siginfo_t *info, void *context)
{
    struct mm1__stack_place place;
    bool below = mm1__stacks_find(overflowing, info->si_addr, &place) && place.below;
    bool near = mm1__stack_fault_is_near(info->si_addr, context);
    _exit(number == SIGSEGV && below && near && place.usable == STACK_SIZE ? AT_THE_GUARD : 1);
}

static void overflow_a_fiber(enum mm1__stack_guard guard)
{
    static struct pooled pooled = {.base = {.ops = &pooled_ops}};
    static char handlers[1 << 16];
    struct mm1_fiber home;
    struct mm1_fiber fiber;
    const stack_t stack = {.ss_sp = handlers, .ss_size = sizeof(handlers)};
    const struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    cr_assert_eq(sigaltstack(&stack, NULL), 0);
    cr_assert_eq(sigaction(SIGSEGV, &action, NULL), 0);
    mm1__stacks_init(&pooled.stacks, guard, 0);
    overflowing = &pooled.stacks;
    mm1_fiber_init_thread(&home);
    cr_assert_eq(mm1_fiber_init(&fiber, &pooled.base, STACK_SIZE), MM1_OK);
    mm1_fiber_set(&fiber, overflow, NULL);
    mm1_fiber_switch(&home, &fiber);
}

Test(stack, an_overflow_meets_the_guard, .exit_code = AT_THE_GUARD)
{
    overflow_a_fiber(MM1__STACK_GUARD_BEST);
}

Test(stack, an_overflow_meets_the_protected_guard, .exit_code = AT_THE_GUARD)
{
    overflow_a_fiber(MM1__STACK_GUARD_PROTECT);
}
