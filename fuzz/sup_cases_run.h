/* Plays a case of supervisors as OTP's oracle does, and says what happened in the same words (docs/supervisors.md,
 * "Cases"): supervisors are frozen while the events of a step are applied, then run until they rest. */
#ifndef FUZZ_SUP_CASES_RUN_H
#define FUZZ_SUP_CASES_RUN_H

#include <pthread.h>

#include "fuzz/sup_case.h"

struct sup_cases_options {
    unsigned threads; /* workers of each case's node; 0: the simulated scheduler */
    uint64_t seed;    /* of the simulated one */
    unsigned jobs;    /* cases at a time; of sup_cases_run, which makes the doors */
    /* Held while a world of threads opens and closes: of the files that come and go there by plain system calls, tools
     * do not see that they are others under the same number. Null: no other case is played meanwhile. */
    pthread_mutex_t *doors;
};

#define SUP_CASES_ERROR_MAX 256

/* Plays one case and appends its output, from "case" to "end". Any thread, several at a time. Not MM1_OK: `error` says
 * why it could not be played to its end. MM1_TIMEOUT: it does not come to rest. MM1_NOMEM; MM1_RESOURCE: no world. */
MM1_NODISCARD mm1_status sup_case_run(const struct sup_case *the_case,
                                      const struct sup_cases_options *options, struct mm1_buf *out,
                                      char error[SUP_CASES_ERROR_MAX]);
/* Plays all cases, several at a time, and gives what each came to to `each`, in their order and from this thread. Stops
 * at the first one that cannot be played to its end; `error` names it. */
MM1_NODISCARD mm1_status sup_cases_run(
    const struct sup_cases *cases, const struct sup_cases_options *options, struct mm1_alloc *alloc,
    void (*each)(void *arg, const struct sup_case *the_case, struct mm1_text output), void *arg,
    char error[SUP_CASES_ERROR_MAX]);

#endif
