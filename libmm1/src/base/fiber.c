/* The stack switch on fcontext, or on ucontext with -DMM1_FIBER_UCONTEXT.
 *
 * States of a fiber: new or finished (no context, nobody to go back to), set (an entry), running (no context, no
 * entry), suspended (a context). */
#include <stdint.h>

#include "base/fiber.h"

#ifdef MM1_FIBER_UCONTEXT
#include <ucontext.h>
#endif

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef WITH_TSAN
#include <sanitizer/tsan_interface.h>
#endif
#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define WITH_VALGRIND 1
#endif
#endif

/* Locals of the switch must stand on the real stack: the fake one of a finished fiber goes before they are read. */
#ifdef WITH_ASAN
#define ON_REAL_STACK __attribute__((no_sanitize_address))
#else
#define ON_REAL_STACK
#endif

/* --- what the tools are told --- */

static void tell_stack_new(struct mm1_fiber *fiber)
{
    fiber->asan_stack = fiber->stack;
    fiber->asan_stack_size = fiber->stack_size;
#ifdef WITH_VALGRIND
    fiber->valgrind_id =
        (unsigned)VALGRIND_STACK_REGISTER(fiber->stack, (char *)fiber->stack + fiber->stack_size);
#endif
}

static void tell_stack_gone(struct mm1_fiber *fiber)
{
#ifdef WITH_VALGRIND
    VALGRIND_STACK_DEREGISTER(fiber->valgrind_id);
    (void)VALGRIND_MAKE_MEM_UNDEFINED(fiber->stack, fiber->stack_size);
#endif
    (void)fiber;
}

/* A stack that is used anew, or given back: nothing of the frames that stood on it counts any more. */
ON_REAL_STACK static void tell_frames_gone(struct mm1_fiber *fiber)
{
#ifdef WITH_ASAN
    __asan_unpoison_memory_region(fiber->stack, fiber->stack_size);
    if (fiber->asan_fake_stack != NULL) {
        /* Only the stack that runs can drop its fake stack: pretend to be the fiber for a moment. */
        void *own = NULL;
        const void *own_stack = NULL;
        size_t own_size = 0;
        __sanitizer_start_switch_fiber(&own, fiber->asan_stack, fiber->asan_stack_size);
        __sanitizer_finish_switch_fiber(fiber->asan_fake_stack, &own_stack, &own_size);
        __sanitizer_start_switch_fiber(NULL, own_stack, own_size);
        __sanitizer_finish_switch_fiber(own, NULL, NULL);
        fiber->asan_fake_stack = NULL;
    }
#endif
#ifdef WITH_TSAN
    if (fiber->tsan_fiber != NULL) {
        __tsan_destroy_fiber(fiber->tsan_fiber);
        fiber->tsan_fiber = NULL;
    }
#endif
    (void)fiber;
}

/* Just before the switch from `self` to `fiber`. */
static inline void tell_leaving(struct mm1_fiber *self, struct mm1_fiber *fiber)
{
#ifdef WITH_ASAN
    __sanitizer_start_switch_fiber(self->finished ? NULL : &self->asan_fake_stack,
                                   fiber->asan_stack, fiber->asan_stack_size);
#endif
#ifdef WITH_TSAN
    __tsan_switch_to_fiber(fiber->tsan_fiber, 0);
#endif
    (void)self;
    (void)fiber;
}

/* The tools' part of an arrival, before anything else. */
static inline void tell_arrived(struct mm1_fiber *self, struct mm1_fiber *from)
{
#ifdef WITH_ASAN
    __sanitizer_finish_switch_fiber(self->asan_fake_stack, &from->asan_stack,
                                    &from->asan_stack_size);
    self->asan_fake_stack = NULL;
#endif
    (void)self;
    (void)from;
}

/* --- the canary --- */

#define CANARY_WORDS 8 /* a cache line: a frame may skip some words */
#define CANARY UINT64_C(0x9c0ffee5ca1ab1e5)

static void write_canary(struct mm1_fiber *fiber)
{
    MM1_CHECK(fiber->stack_size > CANARY_WORDS * sizeof(uint64_t));
    uint64_t *words = fiber->stack;
    for (uint64_t i = 0; i < CANARY_WORDS; i++) {
        words[i] = CANARY + i;
    }
}

ON_REAL_STACK bool mm1_fiber_intact(const struct mm1_fiber *fiber)
{
    const uint64_t *words = fiber->stack;
    uint64_t differences = 0;
    for (uint64_t i = 0; fiber->canary && i < CANARY_WORDS; i++) {
        differences |= words[i] ^ (CANARY + i);
    }
    return differences == 0;
}

/* Just after the switch from `from` to `self`, on the stack of `self`. */
static inline void arrived(struct mm1_fiber *self, struct mm1_fiber *from)
{
    tell_arrived(self, from);
    bool no_stack_overflow = !from->canary || mm1_fiber_intact(from);
    MM1_CHECK(no_stack_overflow);
}

/* --- the switch itself --- */

/* Who leaves and who runs next; lives on the stack that is left. */
struct step {
    struct mm1_fiber *from;
    struct mm1_fiber *to;
};

static void leave_for_ever(struct mm1_fiber *self);

static void run(struct step step)
{
    struct mm1_fiber *self = step.to;
    arrived(self, step.from);
    void (*entry)(void *arg) = self->entry;
    self->entry = NULL;
    entry(self->arg);
    self->finished = true;
    leave_for_ever(self);
}

#ifndef MM1_FIBER_UCONTEXT

struct transfer {
    void *context;
    void *data;
};

/* Boost.Context's assembly: the ABI has been the same since 1.61. */
struct transfer jump_fcontext(void *to, void *data);
void *make_fcontext(void *top, size_t size, void (*entry)(struct transfer transfer));

static void start(struct transfer transfer)
{
    struct step *step = transfer.data;
    step->from->context = transfer.context;
    run(*step);
}

ON_REAL_STACK static void leave(struct mm1_fiber *self, struct mm1_fiber *fiber)
{
    void *context = fiber->context;
    if (context == NULL) {
        size_t size = fiber->stack_size - fiber->reserved;
        context = make_fcontext((char *)fiber->stack + size, size, start);
    }
    fiber->context = NULL;
    struct step step = {.from = self, .to = fiber};
    tell_leaving(self, fiber);
    struct transfer transfer = jump_fcontext(context, &step);
    struct step *came = transfer.data;
    came->from->context = came->from->finished ? NULL : transfer.context;
    arrived(self, came->from);
}

#else

/* makecontext passes only ints: the pointer travels in two. */
static void start(unsigned high, unsigned low)
{
    struct step *step = (struct step *)(uintptr_t)((uint64_t)high << 32 | low);
    run(*step);
}

/* What a suspended stack keeps: its context, and who came when it runs again. */
struct pause {
    ucontext_t context;
    struct mm1_fiber *came;
};

/* A context that will run start(step) on the stack of `fiber`. */
static void prepare(ucontext_t *fresh, const struct mm1_fiber *fiber, struct step *step)
{
    MM1_CHECK(getcontext(fresh) == 0);
    fresh->uc_stack.ss_sp = fiber->stack;
    fresh->uc_stack.ss_size = fiber->stack_size - fiber->reserved;
    fresh->uc_link = NULL;
    uint64_t bits = (uintptr_t)step;
    __extension__ void (*entry)(void) = (void (*)(void))start;
    makecontext(fresh, entry, 2, (unsigned)(bits >> 32), (unsigned)bits);
}

ON_REAL_STACK static void leave(struct mm1_fiber *self, struct mm1_fiber *fiber)
{
    struct pause here = {.came = NULL};
    struct pause *there = fiber->context;
    struct step step = {.from = self, .to = fiber};
    ucontext_t fresh;
    if (there != NULL) {
        there->came = self;
    } else {
        prepare(&fresh, fiber, &step);
    }
    fiber->context = NULL;
    self->context = self->finished ? NULL : &here;
    tell_leaving(self, fiber);
    MM1_CHECK(swapcontext(&here.context, there != NULL ? &there->context : &fresh) == 0);
    arrived(self, here.came);
}

#endif

static void leave_for_ever(struct mm1_fiber *self)
{
    struct mm1_fiber *back = self->back;
    self->back = NULL;
    MM1_CHECK(back->context != NULL);
    leave(self, back);
    __builtin_unreachable();
}

mm1_status mm1_fiber_init(struct mm1_fiber *fiber, struct mm1_alloc *alloc, size_t stack_size)
{
    *fiber = (struct mm1_fiber){.alloc = alloc};
    bool guarded = false;
    fiber->stack = alloc->ops->take_stack(alloc, stack_size, &fiber->stack_size, &guarded);
    if (fiber->stack == NULL) {
        return MM1_NOMEM;
    }
    tell_stack_new(fiber);
    if (!guarded) {
        write_canary(fiber);
        fiber->canary = true;
    }
    return MM1_OK;
}

void *mm1_fiber_reserve(struct mm1_fiber *fiber, size_t size)
{
    MM1_CHECK(fiber->context == NULL && fiber->entry == NULL && fiber->arg == NULL);
    size_t aligned = (size + 15) / 16 * 16;
    MM1_CHECK(aligned >= size && aligned < fiber->stack_size - fiber->reserved);
    fiber->reserved += aligned;
    return (char *)fiber->stack + (fiber->stack_size - fiber->reserved);
}

void mm1_fiber_set(struct mm1_fiber *fiber, void (*entry)(void *arg), void *arg)
{
    MM1_CHECK(fiber->stack != NULL && entry != NULL);
    MM1_CHECK(fiber->context == NULL && fiber->back == NULL);
    tell_frames_gone(fiber);
#ifdef WITH_TSAN
    fiber->tsan_fiber = __tsan_create_fiber(0);
#endif
    fiber->entry = entry;
    fiber->arg = arg;
    fiber->finished = false;
}

void mm1_fiber_init_thread(struct mm1_fiber *self)
{
    *self = (struct mm1_fiber){0};
#ifdef WITH_TSAN
    self->tsan_fiber = __tsan_get_current_fiber();
#endif
}

void mm1_fiber_switch(struct mm1_fiber *self, struct mm1_fiber *fiber)
{
    MM1_CHECK(self != fiber && self->context == NULL && !self->finished);
    MM1_CHECK(fiber->context != NULL || fiber->entry != NULL);
    fiber->back = self;
    leave(self, fiber);
}

void mm1_fiber_jump(struct mm1_fiber *self, struct mm1_fiber *to)
{
    MM1_CHECK(self != to && self->context == NULL && !self->finished);
    MM1_CHECK(to->context != NULL);
    leave(self, to);
}

void mm1_fiber_close(struct mm1_fiber *fiber)
{
    if (fiber->stack != NULL) {
        MM1_CHECK(fiber->context != NULL || fiber->back == NULL);
        tell_frames_gone(fiber);
        tell_stack_gone(fiber);
        fiber->alloc->ops->give_stack(fiber->alloc, fiber->stack, fiber->stack_size);
    }
    *fiber = (struct mm1_fiber){0};
}
