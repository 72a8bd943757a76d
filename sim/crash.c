/* The handler that notes what a process dies of. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <sys/resource.h>
#include <ucontext.h>

#include <mm1/node.h>

#include "host/stack.h"
#include "sim/crash.h"

#define ALTERNATIVE_STACK ((size_t)64 << 10)

/* For the signal handler; a process has one. */
static struct sim_crash *dying;
static const struct mm1_runnable *const volatile *running;

static void note_frame(struct sim_crash *crash, const void *address)
{
    Dl_info info;
    if (crash->frames == SIM_FRAMES_MAX || dladdr(address, &info) == 0 || info.dli_fname == NULL) {
        return;
    }
    struct sim_frame *frame = &crash->frame[crash->frames++];
    frame->offset = (uint64_t)((const char *)address - (const char *)info.dli_fbase);
    size_t size = strnlen(info.dli_fname, sizeof(frame->module) - 1);
    memcpy(frame->module, info.dli_fname, size);
    frame->module[size] = '\0';
}

/* Where the signal struck, null where the architecture is not known. */
static void *struck_at(const void *context)
{
    const ucontext_t *at = context;
#if defined(__x86_64__)
    return (void *)(uintptr_t)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (void *)(uintptr_t)at->uc_mcontext.pc;
#else
    (void)at;
    return NULL;
#endif
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    struct sim_crash *crash = dying;
    void *addresses[SIM_FRAMES_MAX];
    /* First what is certain: the walk over the stack may crash in turn. */
    crash->signal = number;
    crash->overflow = (number == SIGSEGV || number == SIGBUS) && info->si_code > 0 &&
                      mm1__stack_fault_is_near(info->si_addr, context);
    void *at = struck_at(context);
    int count = backtrace(addresses, SIM_FRAMES_MAX);
    int first = 0;
    while (first < count && addresses[first] != at) {
        first++;
    }
    if (first ==
        count) { /* the frames above the handler are not told apart: begin with the place itself */
        note_frame(crash, at);
        first = 0;
    }
    for (int i = first; i < count; i++) {
        /* A return address may belong to the next function already. */
        note_frame(crash, i == first && addresses[i] == at ? at : (char *)addresses[i] - 1);
    }
    if (*running != NULL) {
        (void)mm1_path_print(mm1_runnable_path(*running), crash->actor);
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

bool sim_crash_watch(struct sim_crash *crash, const struct mm1_runnable *const volatile *whose_turn)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};
    static uint8_t stack[ALTERNATIVE_STACK];
    void *one[1];
    const struct rlimit no_core = {0, 0};
    const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    dying = crash;
    running = whose_turn;
    (void)backtrace(one, 1); /* loads what it needs now, not in the handler */
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (sigaltstack(&alternative, NULL) != 0) {
        return false;
    }
    for (size_t i = 0; i < MM1_COUNT_OF(signals); i++) {
        if (sigaction(signals[i], &action, NULL) != 0) {
            return false;
        }
    }
    return true;
}
