/* One run in a child of its own, its rows given to a sink: what failing seeds, replays and --trace are made with. */
#ifndef SIM_TRACED_H
#define SIM_TRACED_H

#include <signal.h>

#include "sim/child.h"

struct sim_watch {
    unsigned limit_ms; /* a run that does not move for so long hangs; see sim_watch_ms */
    const volatile sig_atomic_t *stop; /* not 0: end at once. Null: never */
    const bool *enough;                /* true: the sink wants no more rows. Null: it wants all */
};

/* 10 s, or MM1_WATCHDOG_MS of the environment. */
unsigned sim_watch_ms(void);

/* Asks a child what a scenario and its system are. MM1_OK, or `error` says why not: MM1_INVALID and MM1_NOT_FOUND are
 * bad input, MM1_INTERRUPTED is `watch`, all others are the environment. */
MM1_NODISCARD mm1_status sim_describe(const struct sim_job *job, const struct sim_watch *watch,
                                      struct sim_description *description, char *error,
                                      size_t error_size);

struct sim_traced {
    struct sim_result result;  /* made up here when the run was cut off */
    bool complete;             /* it ended by itself */
    struct sim_crash *crash;   /* where it crashed; null when it did not */
    struct mm1_text output[2]; /* what the system printed */
    struct sim_description description;
};

/* Runs the seeds of `child`, which is prepared and not yet started, and closes it. The rows of the last seed go to
 * `sink`. Not MM1_OK: `error` says why there was no run (MM1_INVALID, MM1_NOT_FOUND: bad input; MM1_INTERRUPTED:
 * `watch` said so). sim_traced_close frees what `traced` holds, in all cases. */
MM1_NODISCARD mm1_status sim_traced_run(struct sim_child *child, struct sim_sink *sink,
                                        const struct sim_watch *watch, struct sim_traced *traced,
                                        char *error, size_t error_size);
void sim_traced_close(struct sim_traced *traced);

/* Makes up the result of the seed in flight of a child that died, or was killed because it hung. */
void sim_traced_cut_off(const struct sim_child *child, bool hung, struct sim_result *result);

#endif
