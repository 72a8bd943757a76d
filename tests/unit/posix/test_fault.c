/* What a dying process says of the actor whose turn it was. Each death is a child process. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mm1/function.h>
#include <mm1/posix.h>

#include "base/fiber.h"
#include "mm1_test.h"
#include "posix/alloc.h"
#include "posix/fault.h"

#define STACK_SIZE ((size_t)64 << 10)
#define OTHER_HANDLER 41

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* --- actors that die ------------------------------------------------------------------------------------------ */

enum death {
    OVERFLOW_FUNCTION,
    OVERFLOW_FIBER,
    OVERFLOW_THREAD,
    NOWHERE, /* a write to an address that is none */
    STRAY,   /* a write to the guard of a stack that does not run */
    ABORT,
    CHECK_CANARY,
};

MM1_MSG_DECLARE_UNIT(fault_go)
MM1_MSG_DEFINE_UNIT(fault_go, "test::Go")

static enum death death; /* of this process */
static char *volatile nowhere = (char *)16;

/* Calls itself until the stack ends. */
static __attribute__((noinline)) unsigned dig(volatile unsigned *above)
{
    volatile unsigned frame[32];
    frame[0] = *above + 1;
    return *above == UINT32_MAX ? 0 : dig(frame) + frame[0];
}

static void dig_deep(void *arg)
{
    volatile unsigned depth = 0;
    (void)arg;
    (void)dig(&depth);
}

static void write_low(void *arg)
{
    struct mm1_fiber *fiber = arg;
    *(volatile char *)fiber->stack = 1;
}

static void run_fiber(void (*entry)(void *arg), bool canary)
{
    struct mm1_fiber home;
    struct mm1_fiber fiber;
    mm1_fiber_init_thread(&home);
    cr_assert_eq(mm1_fiber_init(&fiber, mm1_posix_alloc(), STACK_SIZE), MM1_OK);
    fiber.canary = fiber.canary || canary;
    mm1_fiber_set(&fiber, entry, &fiber);
    mm1_fiber_switch(&home, &fiber);
}

static mm1_status victim_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    return mm1_tell(ctx, mm1_self(ctx), fault_go, .mm1_unit = 0);
}

static mm1_status victim_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    size_t usable = 0;
    bool guarded = false;
    struct mm1_alloc *alloc = mm1_posix_alloc();
    (void)ctx;
    (void)state;
    (void)envelope;
    switch (death) {
    case OVERFLOW_FUNCTION: /* another actor's */
        break;
    case OVERFLOW_FIBER:
        run_fiber(dig_deep, false);
        break;
    case OVERFLOW_THREAD:
        dig_deep(NULL);
        break;
    case NOWHERE:
        *(volatile char *)nowhere = 1;
        break;
    case STRAY:
        ((volatile char *)alloc->ops->take_stack(alloc, STACK_SIZE, &usable, &guarded))[-1] = 1;
        break;
    case ABORT:
        abort();
    case CHECK_CANARY:
        run_fiber(write_low, true);
        break;
    }
    return MM1_OK;
}

static const struct mm1_behaviour victim = {
    .name = "victim", .state_size = 1, .init = victim_init, .receive = victim_receive};

/* It overflows after a wait, not at its very start. */
static mm1_status digger_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    MM1_TRY(mm1_sleep(ctx, 1));
    dig_deep(NULL);
    return MM1_OK;
}

static const struct mm1_function digger = MM1_FUNCTION("digger", digger_run);

static void run_node(void)
{
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_reason reason;
    mm1_addr addr;
    struct mm1_msg_registry types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    const struct mm1_posix_options options = {.threads = 2, .log_off = true};
    cr_assert_eq(mm1_posix_open(&options, &posix, NULL), MM1_OK);
    cr_assert_eq(mm1_msg_register(&types, &fault_go_type), MM1_OK);
    const struct mm1_node_config config = {
        .name = MM1_TEXT("n"),
        .auto_net = MM1_NET_DEFAULT_AUTO,
        .types = &types,
    };
    cr_assert_eq(mm1_node_open(mm1_posix_env(posix), &config, &node), MM1_OK);
    const struct mm1_spawn spawn = {
        .behaviour = death == OVERFLOW_FUNCTION ? &digger.behaviour : &victim, .name = "digger"};
    cr_assert_eq(mm1_node_spawn(node, &spawn, &addr), MM1_OK);
    cr_assert_eq(mm1_posix_run_until(posix, node, &reason), MM1_OK);
    mm1_posix_close(posix, node);
}

/* --- what they leave ------------------------------------------------------------------------------------------ */

struct end {
    int status;
    char said[4096]; /* on standard error */
};

static void end_of(void (*run)(void), struct end *end)
{
    int fds[2];
    size_t size = 0;
    cr_assert_eq(pipe(fds), 0);
    pid_t pid = fork();
    cr_assert_geq(pid, 0);
    if (pid == 0) {
        const struct rlimit no_core = {0, 0};
        static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        for (size_t i = 0; i < MM1_COUNT_OF(signals); i++) {
            (void)signal(signals[i], SIG_DFL);
        }
        (void)dup2(fds[1], STDERR_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        run();
        _exit(0);
    }
    (void)close(fds[1]);
    for (ssize_t got; (got = read(fds[0], end->said + size, sizeof(end->said) - 1 - size)) > 0;) {
        size += (size_t)got;
    }
    end->said[size] = '\0';
    (void)close(fds[0]);
    cr_assert_eq(waitpid(pid, &end->status, 0), pid);
}

static void expect_death(enum death how, int signal_number, const char *line)
{
    struct end end;
    death = how;
    end_of(run_node, &end);
    cr_expect(WIFSIGNALED(end.status), "%s", end.said);
    if (!SANITIZED) {
        cr_expect_eq(WTERMSIG(end.status), signal_number, "%d", WTERMSIG(end.status));
        cr_expect_not_null(strstr(end.said, line), "%s", end.said);
        const char *ours = strstr(end.said, "mm1: ");
        cr_expect(ours != NULL && (how == CHECK_CANARY || strcmp(ours, line) == 0), "%s", end.said);
    } else {
        cr_expect_null(strstr(end.said, " in /n/digger"), "the sanitizer's turn: %s", end.said);
    }
}

Test(fault, an_overflow_names_the_actor)
{
    expect_death(OVERFLOW_FUNCTION, SIGSEGV,
                 "mm1: stack overflow in /n/digger#1 (function actor, stack of 65536 bytes)\n");
    expect_death(OVERFLOW_FIBER, SIGSEGV,
                 "mm1: stack overflow in /n/digger#1 (function actor, stack of 65536 bytes)\n");
    expect_death(OVERFLOW_THREAD, SIGSEGV,
                 "mm1: stack overflow in /n/digger#1 (on its worker's own stack)\n");
}

Test(fault, a_crash_names_the_actor)
{
    expect_death(NOWHERE, SIGSEGV, "mm1: crash (signal 11) in /n/digger#1\n");
    expect_death(STRAY, SIGSEGV, "mm1: crash (signal 11) in /n/digger#1\n");
    expect_death(ABORT, SIGABRT, "mm1: crash (signal 6) in /n/digger#1\n");
    expect_death(CHECK_CANARY, SIGABRT, "check failed: no_stack_overflow");
    expect_death(CHECK_CANARY, SIGABRT, "mm1: crash (signal 6) in /n/digger#1\n");
}

/* --- whoever else handles ------------------------------------------------------------------------------------- */

static void other(int number)
{
    (void)number;
    _exit(OTHER_HANDLER);
}

static void with_other(void)
{
    (void)signal(SIGSEGV, other);
    (void)signal(SIGABRT, other);
    run_node();
}

Test(fault, another_handler_is_called_after_it)
{
    static const enum death deaths[] = {NOWHERE, ABORT};
    for (size_t i = 0; i < MM1_COUNT_OF(deaths); i++) {
        struct end end;
        death = deaths[i];
        end_of(with_other, &end);
        cr_expect(WIFEXITED(end.status) && WEXITSTATUS(end.status) == OTHER_HANDLER, "%d: %s",
                  end.status, end.said);
        cr_expect_eq(strstr(end.said, "in /n/digger#1\n") != NULL, !SANITIZED, "%s", end.said);
    }
}

static void between_turns(void)
{
    mm1__fault_install();
    mm1__fault_thread_begin();
    mm1__fault_running(NULL);
    *(volatile char *)nowhere = 1;
}

Test(fault, nothing_is_said_between_turns)
{
    struct end end;
    end_of(between_turns, &end);
    cr_assert(WIFSIGNALED(end.status));
    cr_assert_null(strstr(end.said, "mm1: "), "%s", end.said);
}

static void (*handler_of(int number))(int)
{
    struct sigaction action;
    cr_assert_eq(sigaction(number, NULL, &action), 0);
    return action.sa_handler;
}

static void install_and_remove(void)
{
    (void)signal(SIGFPE, other);
    mm1__fault_install();
    void (*ours)(int) = handler_of(SIGFPE);
    bool right = SANITIZED ? ours == other : ours != other && ours == handler_of(SIGSEGV);
    mm1__fault_install();
    mm1__fault_remove();
    right = right && handler_of(SIGFPE) == ours;
    (void)signal(SIGBUS, other);
    mm1__fault_remove();
    right = right && handler_of(SIGFPE) == other && handler_of(SIGSEGV) == SIG_DFL;
    right = right && handler_of(SIGBUS) == other;
    mm1__fault_install();
    right = right && (SANITIZED || handler_of(SIGBUS) == ours);
    mm1__fault_remove();
    right = right && handler_of(SIGBUS) == other;
    _exit(right ? 0 : 1);
}

Test(fault, installs_are_counted_and_undone)
{
    struct end end;
    end_of(install_and_remove, &end);
    cr_assert(WIFEXITED(end.status) && WEXITSTATUS(end.status) == 0, "%d", end.status);
}

Test(fault, the_guard_in_force_is_told)
{
    char text[MM1__STACKS_TEXT_MAX];
    mm1__posix_stacks_describe(text);
    cr_assert_eq(strncmp(text, "guard pages ", 12), 0, "%s", text);
}
