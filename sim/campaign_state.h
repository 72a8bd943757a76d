/* The inside of a campaign: what its parts share. */
#ifndef SIM_CAMPAIGN_STATE_H
#define SIM_CAMPAIGN_STATE_H

#include "sim/campaign.h"
#include "sim/child.h"
#include "sim/traced.h"

/* seeds between the first that is not reported and the next to run */
#define SIM_WINDOW ((uint64_t)1 << 16)
#define SIM_DIFFERENCE_MAX (2 * 1024 + 256)

/* A seed that did not pass. Seeds are counted from the first of the campaign: its index. */
struct sim_finding {
    uint64_t index;
    struct sim_result result; /* the first run's, then the final one */
    bool cut_off;             /* the first run crashed or hung */
    uint64_t *batch;          /* the seeds that ran in that process, up to and with this one */
    size_t batch_count;
    struct sim_crash *crash;
    uint64_t trace_run;       /* number of its run in the trace; 0: none yet */
    char *difference;         /* of nondeterminism; null: not looked for */
    struct sim_finding *next; /* in the queue of those that are to run again, alone */
};

enum sim_slot_state {
    SIM_SLOT_EMPTY,
    SIM_SLOT_AGAIN, /* passed, and is to run a second time; or failed, and is to run alone */
    SIM_SLOT_DONE,
};

/* A seed within the window. */
struct sim_slot {
    enum sim_slot_state state;
    enum sim_verdict verdict;
    uint64_t hash;
    uint32_t vacuous;            /* number of the text; 0: nothing was vacuous */
    struct sim_finding *finding; /* null when it passed */
};

/* Failing seeds with one signature. */
struct sim_group {
    char signature[128];
    struct sim_finding *lowest;
    uint64_t *seeds;
    size_t count;
};

enum sim_purpose { SIM_FIRST, SIM_SECOND, SIM_ALONE };

struct sim_worker {
    struct sim_child child;
    bool busy;
    enum sim_purpose purpose;
    uint64_t indices[SIM_BATCH_MAX];
    uint64_t seeds[SIM_BATCH_MAX];
    size_t count;
    size_t taken; /* results that were looked at */
    uint64_t begun_ms;
    uint64_t moved_ms;
    uint64_t progress;
    unsigned limit_ms;
    struct sim_finding *finding; /* of SIM_ALONE */
};

/* Indices that are to run: a part of a batch whose child died, or second runs. */
struct sim_indices_queue {
    uint64_t *items;
    size_t count;
    size_t capacity;
};

struct sim_campaign_state {
    const struct sim_campaign_options *options;
    struct sim_scenario *scenario;
    struct sim_job job;
    struct sim_description description;
    uint64_t first; /* seed of index 0 */
    uint64_t total;
    uint64_t next;     /* index */
    uint64_t frontier; /* first index that is not reported */
    struct sim_slot *slots;
    struct sim_worker *workers;
    struct sim_indices_queue left;
    struct sim_indices_queue second;
    struct sim_finding *alone;
    struct sim_finding **alone_end;
    size_t batch;
    unsigned watchdog_ms;

    struct sim_group *groups;
    size_t group_count;
    uint64_t passed;
    uint64_t failed;
    uint64_t inconclusive;
    struct sim_finding *first_inconclusive;
    struct sim_names vacuous_names;
    char **vacuous_texts; /* by number - 1 */
    char *vacuous;        /* what was vacuous in all runs so far; null before the first */

    uint64_t runs; /* all, repeated ones too */
    uint64_t events;
    uint64_t virtual_ns;
    uint64_t begun_ns;
    uint64_t told_ms; /* when progress was last shown */

    size_t traced; /* runs in the named trace */
    bool over;     /* enough: no more seeds */
    int code;      /* not 0: an error ended it; `error` says which */
    char error[SIM_ERROR_MAX * 3];
};

uint64_t sim_now_ns(void);

/* Ends the campaign with an error. The first one counts. */
void sim_campaign_fail(struct sim_campaign_state *state, int code, const char *format, ...)
    MM1_PRINTF(3, 4);
struct sim_slot *sim_campaign_slot(struct sim_campaign_state *state, uint64_t index);

/* campaign_work.c: runs children until all seeds are reported, or it is over. */
void sim_campaign_work(struct sim_campaign_state *state);
/* campaign_result.c: takes a result, the first or a later one. */
void sim_campaign_take(struct sim_campaign_state *state, struct sim_worker *worker, size_t at,
                       const struct sim_result *result, bool cut_off);
/* Reports all that is done, in the order of the seeds. */
void sim_campaign_advance(struct sim_campaign_state *state);
void sim_finding_free(struct sim_finding *finding);
bool sim_indices_add(struct sim_indices_queue *queue, uint64_t index);
/* campaign_trace.c: writes the traces of the lowest seed of each signature, and prints the summary. */
void sim_campaign_finish(struct sim_campaign_state *state);
/* campaign_progress.c */
void sim_campaign_progress(struct sim_campaign_state *state, bool last);

#endif
