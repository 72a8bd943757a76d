/* One run of a case in the simulator, judged. */
#ifndef FUZZ_SUP_RUN_H
#define FUZZ_SUP_RUN_H

#include <mm1/node.h>

#include "fuzz/sup_case.h"

/* How the world is: drawn from the seed by sup_world_of, or said by a scenario. */
struct sup_world {
    uint64_t seed;
    bool effects;  /* granularity: before each verb, else between turns */
    bool pairwise; /* delivery */
    bool exact;    /* nothing takes time but waiting: what is due happens at that very nanosecond */
    uint64_t start_ns; /* of the monotonic clock: 0, huge, or drawn */
};
struct sup_world sup_world_of(uint64_t seed);

#define SUP_RUN_TEXT_MAX 512
struct sup_run {
    bool failed;
    int code;           /* exit code: 0, 11 property, 12 liveness or livelock, … */
    char signature[96]; /* "supervision: orphan", "livelock", …: what findings are told apart by */
    char text[SUP_RUN_TEXT_MAX];
    uint64_t events;
    uint64_t hash;
    uint64_t virtual_ns;
    uint64_t starts; /* of members, failed ones among them */
    uint64_t again;  /* of these, starts of a name that its supervisor had started before */
    bool began;      /* the tree stood */
};

/* Where a run stands, for whoever watches from another process, and for a crash. Both may be null. */
struct sup_run_watch {
    volatile uint64_t *progress;
    const struct mm1_runnable *volatile *running;
};

/* Plays a case in a world. MM1_NOMEM; MM1_INVALID: a case that cannot be read back. */
MM1_NODISCARD mm1_status sup_run_case(const struct sup_case *the_case,
                                      const struct sup_world *world,
                                      const struct sup_run_watch *watch, struct sup_run *out);
/* Plays a scenario of the system "supervisors" under its own first seed. MM1_INVALID: it cannot be read. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_run_scenario(struct mm1_text scenario,
                                          const struct sup_run_watch *watch, struct sup_run *out);
/* The scenario file in which `mm1 sim` plays just this. Appends JSON. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_scenario_print(const struct sup_case *the_case,
                                            const struct sup_world *world,
                                            const struct sup_run *run, struct mm1_buf *out);

#endif
