/* One run: a scenario and a seed in, a verdict and a hash out. What a run needs is in its spec; nothing outlives it. */
#ifndef SIM_RUN_H
#define SIM_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/system.h>

#include "sim/choose.h"
#include "sim/scenario.h"

/* How a run ended. X(code, word on stdout, exit code) */
#define SIM_VERDICT_MAP(X)                                                                         \
    X(PASSED, "passed", 0)                                                                         \
    X(CRASH, "crash", 10)       /* given by the parent: the process that ran it died */            \
    X(HANG, "hang", 10)         /* given by the parent: a turn did not end */                      \
    X(PROPERTY, "property", 11) /* a property was violated */                                      \
    X(LIVENESS, "liveness", 12) /* it did not become quiet in time */                              \
    X(LIVELOCK, "livelock", 12) /* too many events in the run, or in one instant */                \
    X(NONDETERMINISM, "nondeterminism", 13) /* given by the parent: the same seed, another hash */ \
    X(DIVERGED, "diverged", 13)             /* it could not repeat the recorded decisions */       \
    X(VACUOUS, "vacuous", 14)                                                                      \
    X(INCONCLUSIVE, "inconclusive", 15)                                                            \
    X(UNABLE, "unable", 3)            /* the world could not be built: `text` says why */          \
    X(EXPECTATION, "expectation", 11) /* of a test: mm1/sim.h */

enum sim_verdict {
#define SIM__VERDICT_ENUM(code, text, exit_code) SIM_##code,
    SIM_VERDICT_MAP(SIM__VERDICT_ENUM)
#undef SIM__VERDICT_ENUM
};

const char *sim_verdict_text(enum sim_verdict verdict);
int sim_verdict_exit(enum sim_verdict verdict);

/* --- what a traced run tells, row by row. Everything is borrowed for the call. ---------------------------------- */

struct sim_node_row {
    uint32_t node; /* index in the scenario */
    const char *name;
    const char *host;
    const char *role;
};

struct sim_actor_row {
    uint64_t actor; /* 1, 2, … in order of birth */
    uint32_t node;
    uint64_t parent; /* 0: none */
    uint64_t born;   /* seq */
    const char *path;
    const char *behaviour;
    uint32_t incarnation;
    mm1_addr address;
};

struct sim_event_row {
    uint64_t seq;     /* 1, 2, … */
    uint64_t time_ns; /* virtual */
    int32_t node;     /* -1: the world's own */
    enum mm1_event_kind kind;
    uint64_t actor; /* row of the actor; 0: none */
    uint64_t peer;  /* row of the target or sender where it is known; 0: none */
    mm1_addr peer_address;
    int verb; /* enum mm1_effect_kind of VERB and SIGNAL; -1: none */
    mm1_status status;
    const char *type;     /* wire name; null: none */
    struct mm1_text json; /* the message; empty: none */
    struct mm1_text text;
    uint64_t cause; /* seq; 0: none */
    uint64_t signal;
    uint64_t number;
    /* what `text` says of an EXIT or a SIGNAL; null where it is not known, as in rows of another process */
    const struct mm1_reason *reason;
    uint64_t hash; /* of the chain up to this event */
};

/* A line of log. It is no event: it has no place in the hash, so that one line more changes no run. */
struct sim_log_row {
    uint64_t line; /* 1, 2, … */
    uint64_t seq;  /* the last event before it */
    uint64_t time_ns;
    uint64_t actor; /* row */
    uint32_t node;
    enum mm1_log_level level;
    struct mm1_text text;
};

struct sim_sink;
struct sim_sink_ops {
    void (*node)(struct sim_sink *self, const struct sim_node_row *row);
    void (*actor)(struct sim_sink *self, const struct sim_actor_row *row);
    /* Called before the event's effect, so that a crash still leaves its cause. */
    void (*event)(struct sim_sink *self, const struct sim_event_row *row);
    void (*decision)(struct sim_sink *self, const struct sim_decision *decision);
    void (*log)(struct sim_sink *self, const struct sim_log_row *row);
    /* A fault begins (`heals` false) or ends. `fault` numbers them from 1. */
    void (*fault)(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t fault, bool heals,
                  const char *kind, const char *what);
    /* How a property judged at the end, or when it was violated. */
    void (*property)(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                     uint64_t evaluated, uint64_t seq, const char *text);
};
struct sim_sink {
    const struct sim_sink_ops *ops;
};

/* --- the run -------------------------------------------------------------------------------------------------- */

struct sim_run_spec {
    const struct sim_scenario *scenario; /* resolved against `system` */
    const struct mm1_system *system;
    uint64_t seed;
    /* Room for hosts and nodes that are added later; 0: none but the scenario's. */
    uint32_t hosts_max;
    uint32_t nodes_max;
    struct sim_sink *sink;                 /* null: only the hash is made */
    struct mm1_trace *listener;            /* also sees the nodes' events; null: nobody does */
    const struct sim_decisions *decisions; /* null: the seed decides */
    /* Told what is about to run, before it runs, so that a crash can be attributed even without a sink: the number of
     * events so far. Null: nobody asks. */
    volatile uint64_t *progress;
    /* The same of whose turn it is, null between turns. Null: nobody asks. */
    const struct mm1_runnable *volatile *running;
};

#define SIM_TEXT_MAX 512
#define SIM_FAULTS_MAX 16

/* Plain data, without pointers: it goes through shared memory. */
struct sim_result {
    uint64_t seed;
    enum sim_verdict verdict;
    uint64_t hash;
    char signature
        [128]; /* what makes two failures the same finding: verdict, property or place; "" when passed */
    char property[64]; /* "" when none */
    /* why, in words; of DIVERGED: what was expected and what was offered */
    char text[SIM_TEXT_MAX];
    char active_faults[SIM_TEXT_MAX]; /* faults in force when it failed, "none" */
    char vacuous[SIM_TEXT_MAX];       /* what was configured and never happened; "" when all did */
    uint64_t failed_seq;              /* event at which it failed; 0: at the end */
    uint64_t failed_time_ns;          /* virtual */
    uint64_t start_ns;                /* virtual time at which the run began */
    uint64_t end_ns;
    uint64_t events;
    uint64_t steps;
    uint64_t decisions;
    uint64_t turns;
    uint64_t faults; /* injected */
    uint64_t checks; /* made by properties */
};

/* Runs. The result is complete whatever happens short of a crash of the code under test. */
void sim_run(const struct sim_run_spec *spec, struct sim_result *result);

#endif
