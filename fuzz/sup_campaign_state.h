/* The inside of a campaign: what its parts share. */
#ifndef FUZZ_SUP_CAMPAIGN_STATE_H
#define FUZZ_SUP_CAMPAIGN_STATE_H

#include <stdatomic.h>
#include <sys/types.h>

#include "fuzz/sup_alone.h"
#include "fuzz/sup_campaign.h"
#include "fuzz/sup_gen.h"

#define SUP_JOBS_MAX 256u
#define SUP_TOLD_MAX 256u

/* Seeds are counted from the first of the campaign: their index. */
struct sup_told {
    uint64_t index;
    struct sup_run run;
};

/* What a job adds up. */
struct sup_sums {
    uint64_t cases;
    uint64_t twice; /* of these, run a second time */
    uint64_t events;
    uint64_t virtual_s;
    uint64_t again;
    uint64_t began;
    uint64_t occurred[SUP_DIMENSIONS];
};

/* A job's place in the shared memory. The job writes it, but for `taken`; the parent moves `at` past a seed that ended
 * a process. */
struct sup_slot {
    _Atomic uint64_t at;  /* the seed in flight, or next */
    _Atomic uint64_t end; /* of the claim, which it is not part of */
    volatile uint64_t progress;
    struct sim_crash crash;
    struct sup_sums sums;
    _Atomic uint64_t put; /* of the ring: what did not pass, or everything */
    _Atomic uint64_t taken;
    struct sup_told told[SUP_TOLD_MAX];
};

struct sup_shared {
    _Atomic uint64_t next;  /* index that nobody has claimed */
    _Atomic uint64_t limit; /* no seed from here on is begun */
    _Atomic int stop;
    struct sup_slot slots[];
};

/* Seeds that failed with one signature. */
struct sup_group {
    uint64_t lowest; /* index */
    uint64_t count;
    struct sup_run run; /* of the lowest */
};

struct sup_job {
    pid_t pid; /* 0: none */
    int words;
    uint64_t at; /* what was seen of the slot when it last moved */
    uint64_t progress;
    uint64_t moved_ms;
};

/* A line of --hashes that waits for those before it. */
struct sup_line {
    bool done;
    bool failed;
    uint64_t hash;
};

struct sup_campaign_state {
    const struct sup_campaign_options *options;
    struct sup_shared *shared;
    size_t shared_size;
    struct sup_job jobs[SUP_JOBS_MAX];
    unsigned limit_ms;
    uint64_t total; /* seeds; UINT64_MAX: until the time is over */
    uint64_t begun_ms;
    uint64_t told_ms;
    struct sup_group *groups;
    size_t group_count;
    uint64_t crashed; /* seeds that no job could add up */
    uint64_t failed;
    struct sup_line *lines;
    uint64_t line_room;
    uint64_t line_next;
    bool broken; /* no memory, or no processes: said why */
};

uint64_t sup_now_ms(void);

/* sup_campaign_work.c: the child of a job. Never returns. */
MM1_NORETURN void sup_work(const struct sup_campaign_state *state, unsigned job);

/* sup_finding.c: a finding that was shrunk. */
struct sup_shrunk {
    struct mm1__arena arena;
    struct sup_case the_case;
    struct sup_world world;
    struct sup_run run; /* of what is left */
    unsigned runs;      /* that it took */
    size_t members_before;
    size_t events_before;
    bool steady; /* it failed again, alone */
    char *text;  /* of the case */
    char *path;  /* of the saved scenario; null: none */
};
/* Shrinks the lowest seed of a group, and saves it when asked. MM1_NOMEM, MM1_IO; MM1_CLOSED: stopped. */
MM1_NODISCARD mm1_status sup_finding_open(const struct sup_campaign_state *state,
                                          const struct sup_group *group, struct sup_shrunk *out);
void sup_finding_close(struct sup_shrunk *shrunk);
/* Prints it for people. */
void sup_finding_print(const struct sup_campaign_state *state, const struct sup_group *group,
                       const struct sup_shrunk *shrunk);

/* sup_report.c: --junit and --tap. False: said why. */
bool sup_report_write(const struct sup_campaign_state *state, const struct sup_shrunk *shrunk,
                      double seconds);

/* sup_campaign_progress.c */
void sup_campaign_progress(struct sup_campaign_state *state, bool last);
/* Speed, and what never occurred. */
void sup_campaign_summary(const struct sup_campaign_state *state);
struct sup_sums sup_campaign_sums(const struct sup_campaign_state *state);

#endif
