/* One run in a process of its own, so that one that crashes or hangs is told as well. */
#ifndef FUZZ_SUP_ALONE_H
#define FUZZ_SUP_ALONE_H

#include <signal.h>

#include "fuzz/sup_run.h"
#include "sim/crash.h"

/* What is to run: a case in a world, or a scenario file. */
struct sup_errand {
    const struct sup_case *the_case;
    const struct sup_world *world;
    struct mm1_text scenario; /* where there is no case */
};

struct sup_alone_shared;
struct sup_alone {
    struct sup_alone_shared *shared;
    int words; /* what it says on standard error */
    unsigned limit_ms;
    void (*before)(uint64_t seed);     /* as in the options of a campaign */
    const volatile sig_atomic_t *stop; /* null: nobody asks it to end */
};

/* MM1_IO: no shared memory. `limit_ms`: how long a turn may take. */
MM1_NODISCARD mm1_status sup_alone_open(struct sup_alone *alone, unsigned limit_ms,
                                        const volatile sig_atomic_t *stop);
void sup_alone_close(struct sup_alone *alone);
/* Runs it. A crash and a hang are failed runs. MM1_IO: no process; MM1_CLOSED: it was stopped; else as sup_run_case. */
MM1_NODISCARD mm1_status sup_alone_run(struct sup_alone *alone, const struct sup_errand *errand,
                                       struct sup_run *out);

/* In a new process: what is printed goes to `words`, what it dies of to `crash`; it ends with its parent. False: not
 * possible. */
bool sup_child_begin(int words, struct sim_crash *crash,
                     const struct mm1_runnable *const volatile *whose_turn);
/* A file for the words of a process; -1: none. */
int sup_child_words(void);
/* Fills in a run that its process did not survive. `words` as above. */
void sup_child_ended(const struct sim_crash *crash, int wait_status, bool hung, int words,
                     struct sup_run *out);

#endif
