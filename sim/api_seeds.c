/* mm1/sim.h: the same scene with many seeds, and the environment. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/stack.h"
#include "sim/api.h"
#include "sim/scenario.h"

#define REPEAT_DEFAULT 16u
#define CRASH_STACK ((size_t)32 << 10)

/* --- crashes -------------------------------------------------------------------------------------------------- */

static const int SIGNALS[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS, SIGTRAP};

/* For the signal handler: a process has one run in flight that it speaks for, the innermost. */
static struct watch *volatile in_flight;

struct watch {
    struct watch *outer;
    struct sigaction before[MM1_COUNT_OF(SIGNALS)];
    stack_t stack_before;
    void *stack;
    const struct mm1_runnable *volatile *running; /* whose turn it is */
    char line[1280];                              /* what is said */
    size_t size;
};

static void say(const char *text, size_t size)
{
    ssize_t written = write(STDERR_FILENO, text, size);
    (void)written;
}

static void say_turn(const struct mm1_runnable *runnable, bool overflow)
{
    static const char TURN[] = "  in a turn of ";
    static const char OVERFLOW[] = "  stack overflow in ";
    char path[MM1_PATH_TEXT_MAX];
    size_t size = mm1_path_print(mm1_runnable_path(runnable), path);
    if (overflow) {
        say(OVERFLOW, sizeof(OVERFLOW) - 1);
    } else {
        say(TURN, sizeof(TURN) - 1);
    }
    path[size] = '\n';
    say(path, size + 1);
}

/* Says what it can, and lets whoever was there before go on: the signal comes again at once. */
static void on_crash(int number, siginfo_t *info, void *context)
{
    struct watch *watch = in_flight;
    if (watch == NULL) {
        return;
    }
    bool overflow = (number == SIGSEGV || number == SIGBUS) && info->si_code > 0 &&
                    mm1__stack_fault_is_near(info->si_addr, context);
    say(watch->line, watch->size);
    if (*watch->running != NULL) {
        say_turn(*watch->running, overflow);
    }
    for (size_t i = 0; i < MM1_COUNT_OF(SIGNALS); i++) {
        (void)sigaction(SIGNALS[i], &watch->before[i], NULL);
    }
    in_flight = watch->outer;
    (void)raise(number);
}

static void watch_begin(struct watch *watch, struct mm1_sim *sim)
{
    struct sigaction action = {.sa_sigaction = on_crash,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    char again[1024];
    sim_api_reproducer(sim->options.name, sim->spec.seed, again, sizeof(again));
    watch->running = &sim->running;
    int size = snprintf(watch->line, sizeof(watch->line),
                        "mm1: seed %llu: the process ends\n  again: %s\n",
                        (unsigned long long)sim->spec.seed, again);
    watch->size = size < 0 ? 0 : (size_t)size;
    watch->stack = malloc(CRASH_STACK);
    stack_t stack = {.ss_sp = watch->stack, .ss_size = CRASH_STACK};
    if (watch->stack == NULL || sigaltstack(NULL, &watch->stack_before) != 0 ||
        ((watch->stack_before.ss_flags & SS_DISABLE) != 0 && sigaltstack(&stack, NULL) != 0)) {
        free(watch->stack);
        watch->stack = NULL;
    }
    for (size_t i = 0; i < MM1_COUNT_OF(SIGNALS); i++) {
        (void)sigaction(SIGNALS[i], &action, &watch->before[i]);
    }
    watch->outer = in_flight;
    in_flight = watch;
}

static void watch_end(struct watch *watch)
{
    for (size_t i = 0; i < MM1_COUNT_OF(SIGNALS); i++) {
        (void)sigaction(SIGNALS[i], &watch->before[i], NULL);
    }
    if (watch->stack != NULL) {
        if ((watch->stack_before.ss_flags & SS_DISABLE) != 0) {
            (void)sigaltstack(&watch->stack_before, NULL);
        }
        free(watch->stack);
    }
    in_flight = watch->outer;
}

/* --- one seed ------------------------------------------------------------------------------------------------- */

struct outcome {
    bool passed;
    uint64_t hash;
    uint64_t events;
};

static void run_once(const struct mm1_sim_options *options,
                     void (*scene)(struct mm1_sim *sim, void *arg), void *arg,
                     struct outcome *outcome)
{
    char error[MM1_SIM_ERROR_MAX];
    struct mm1_sim *sim = NULL;
    struct mm1_sim_verdict verdict;
    struct watch watch = {0};
    *outcome = (struct outcome){.passed = false};
    if (mm1_sim_open(options, &sim, error) != MM1_OK) {
        (void)fprintf(stderr, "mm1: no world: %s\n", error);
        return;
    }
    watch_begin(&watch, sim);
    scene(sim, arg);
    outcome->passed = mm1_sim_check(sim, &verdict);
    outcome->hash = verdict.hash;
    outcome->events = verdict.events;
    watch_end(&watch);
    mm1_sim_close(sim);
}

static bool is_same(const struct mm1_sim_options *options, const struct outcome *first,
                    const struct outcome *second)
{
    char again[1024];
    if (first->hash == second->hash && first->passed == second->passed) {
        return true;
    }
    if (options->silent) {
        return false;
    }
    sim_api_reproducer(options->name, options->seed, again, sizeof(again));
    (void)fprintf(
        stderr,
        "mm1: seed %llu failed: nondeterminism: two runs of it are not the same\n"
        "  first %s, hash %016llx after %llu events; then %s, hash %016llx after %llu\n"
        "  something outside the world decides: a global variable, the clock, an address\n"
        "  again: %s\n",
        (unsigned long long)options->seed, first->passed ? "passed" : "failed",
        (unsigned long long)first->hash, (unsigned long long)first->events,
        second->passed ? "passed" : "failed", (unsigned long long)second->hash,
        (unsigned long long)second->events, again);
    return false;
}

bool mm1_sim_seeds(const struct mm1_sim_options *options, uint64_t first, uint64_t last,
                   void (*scene)(struct mm1_sim *sim, void *arg), void *arg)
{
    struct mm1_sim_options one = *options;
    uint32_t every = options->repeat_every == 0 ? REPEAT_DEFAULT : options->repeat_every;
    MM1_CHECK(first <= last);
    for (uint64_t i = 0;; i++) {
        struct outcome outcome;
        struct outcome twice;
        one.seed = first + i;
        one.trace = first == last ? options->trace : NULL;
        one.silent = options->silent || (options->trace != NULL && one.trace == NULL);
        run_once(&one, scene, arg, &outcome);
        if (!outcome.passed && options->trace != NULL && one.trace == NULL) {
            one.trace = options->trace;
            one.silent = options->silent;
            run_once(&one, scene, arg, &twice);
            (void)is_same(&one, &outcome, &twice);
        }
        if (!outcome.passed) {
            return false;
        }
        one.trace = NULL;
        if (every != UINT32_MAX && i % every == 0) {
            run_once(&one, scene, arg, &twice);
            if (!is_same(&one, &outcome, &twice)) {
                return false;
            }
        }
        if (one.seed == last) {
            return true;
        }
    }
}

/* --- the environment ------------------------------------------------------------------------------------------ */

mm1_status mm1_sim_from_environment(struct mm1_sim_options *options, uint64_t *first,
                                    uint64_t *last)
{
    const char *text = getenv("MM1_SIM_SEED");
    const char *trace = getenv("MM1_SIM_TRACE");
    struct sim_seeds seeds;
    if (text != NULL && text[0] != '\0') {
        if (sim_seeds_parse(mm1_text_of(text), &seeds) != MM1_OK) {
            (void)fprintf(stderr, "mm1: MM1_SIM_SEED=%s is not a seed or a range like 1..1000\n",
                          text);
            return MM1_MALFORMED;
        }
        *first = seeds.first;
        *last = seeds.last;
        options->seed = seeds.first;
    }
    if (trace != NULL && trace[0] != '\0') {
        options->trace = trace;
    }
    return MM1_OK;
}
