/* The inside of the step harness, shared by its files: harness.c opens, closes and speaks for the test, harness_turn.c
 * runs actors up to their verbs, harness_ports.c is the world they see, harness_expect.c says what was expected. */
#ifndef SIM_HARNESS_H
#define SIM_HARNESS_H

#define MM1_HARNESS_NO_PLACES
#include <mm1/harness.h>

#include "base/fiber.h"
#include "base/list.h"
#include "base/tree.h"
#include "host/stack.h"

/* An allocator that knows what was not given back. */
struct sim_harness_alloc {
    struct mm1_alloc base;
    struct mm1_harness *harness;
    bool counts;       /* requests in turns have numbers, and one of them can be refused */
    uint64_t requests; /* of turns */
    uint64_t fail_at;
    struct mm1_list blocks;
    size_t block_count;
    size_t bytes;
    size_t stack_count;
    struct mm1__stacks stacks;
};

/* A turn on a stack of its own. */
struct sim_harness_turn {
    struct mm1_list
        link; /* in idle, held or resumed; in none while it runs or is the current one */
    struct mm1_list all;
    struct mm1_harness *harness;
    struct mm1_fiber fiber;
    struct mm1_runnable *runnable;
    /* The stack that stands in the verb, this one or a function actor's; null before the first verb. */
    struct mm1_fiber *at;
    struct mm1_path *path;
    enum mm1_turn outcome;
    bool handed;    /* a function of the actor ran */
    bool ended;     /* the actor did */
    bool fork_ends; /* the fork whose turn it is does */
    bool answered;  /* else the verb is passed */
    struct mm1_answer answer;
    struct mm1_step step;
};

/* What the test's actor is to do. */
struct sim_harness_command {
    mm1_status (*run)(struct mm1_ctx *ctx, struct sim_harness_command *command);
    const struct mm1_spawn *spawn;
    mm1_addr addr;
    struct mm1_reason reason;
    mm1_status status;
};

struct mm1_harness {
    struct sim_harness_alloc alloc; /* what the node takes from */
    struct sim_harness_alloc own;   /* what the harness takes for itself */
    struct mm1_clock clock;
    struct mm1_random random;
    struct mm1_sched sched;
    struct mm1_trace trace;
    struct mm1_transport_none transport;
    struct mm1_store_none store;
    struct mm1_env env;
    struct mm1_msg_registry no_types;
    struct mm1_node *node;
    struct mm1_harness_options options;
    size_t draws_used;

    const char *file; /* where the test is */
    unsigned line;

    uint64_t now_ns;
    uint64_t target_ns; /* time may pass until then */
    uint64_t timer_seq;
    struct mm1_tree timers; /* by (due, seq) */

    struct mm1_fiber self; /* the test's stack */
    struct mm1_runnable *ready_first;
    struct mm1_runnable **ready_last;
    struct sim_harness_turn *turn; /* the one that runs */
    struct mm1_list turns;         /* all */
    struct mm1_list idle;
    struct mm1_list held;
    struct mm1_list resumed;
    struct sim_harness_turn *current; /* its verb is to be resolved */
    struct mm1_step last;             /* a step that is no verb */
    struct mm1_path *last_path;
    uint64_t unseen; /* bits of kinds */

    struct mm1_runnable
        *tester; /* the test's actor; null before it is born and after it was killed */
    mm1_addr tester_addr;
    bool tester_ready;
    bool opening;
    struct sim_harness_command *command;

    mm1_addr spawned;
    uint64_t marks; /* given to events where the test has no trace */
    struct mm1_buf log;
};

/* --- harness_ports.c ------------------------------------------------------------------------------------------ */

void sim_harness_alloc_init(struct sim_harness_alloc *alloc, struct mm1_harness *h, bool counts);
/* Frees what was not given back. */
void sim_harness_alloc_close(struct sim_harness_alloc *alloc);
/* Says what was not given back, of an allocator where something was not. */
void sim_harness_leak_print(const struct sim_harness_alloc *alloc, char *out, size_t size);
/* Sets up all ports but the scheduler. */
void sim_harness_ports_init(struct mm1_harness *h);
/* Fires what is due now; false: nothing was. */
bool sim_harness_fire_due(struct mm1_harness *h);
/* Lets time pass as far as the next timer, and fires it; false: none is due before target_ns. */
bool sim_harness_pass_time(struct mm1_harness *h);

/* --- harness_turn.c ------------------------------------------------------------------------------------------- */

void sim_harness_sched_init(struct mm1_harness *h);
/* Abandons what was not resolved; true: something was. */
bool sim_harness_turns_close(struct mm1_harness *h);
/* Gives the test's actor turns while it is ready. */
void sim_harness_run_tester(struct mm1_harness *h);

/* --- harness_expect.c ----------------------------------------------------------------------------------------- */

MM1_NORETURN void sim_harness_fail(struct mm1_harness *h, const char *format, ...) MM1_PRINTF(2, 3);

#endif
