/* Child processes: they run seeds, the parent never does. A child is this program, executed again with a hidden first
 * argument; a piece of shared memory carries the order to it, and results, rows and the traces of a crash back. */
#ifndef SIM_CHILD_H
#define SIM_CHILD_H

#include <stdatomic.h>
#include <sys/types.h>

#include "host/load.h"
#include "sim/crash.h"
#include "sim/ring.h"
#include "sim/rows.h"
#include "sim/run.h"

#define SIM_CHILD_ARGUMENT "--child"
#define SIM_GENERATOR "threefry2x64-20"
#define SIM_BATCH_MAX 1024
#define SIM_CHILD_ERROR_MAX 2048

/* What a child is to tell of the last seed of its list, besides the result. */
enum sim_telling {
    SIM_TELL_RESULT,
    SIM_TELL_LAST, /* which event was the last, should it crash */
    SIM_TELL_ROWS, /* all rows, through the ring */
};

/* What all children of a campaign have in common. Borrowed. */
struct sim_job {
    const char *file;     /* the scenario; systems are looked for beside it */
    struct mm1_text text; /* of the scenario */
    const char *system;   /* null: the one that the scenario names */
};

struct sim_order {
    const uint64_t *seeds; /* none: only describe the scenario */
    size_t count;          /* at most SIM_BATCH_MAX */
    enum sim_telling telling;
    size_t decisions; /* how many decisions the one seed is to repeat; 0: the seed decides */
};

/* What a scenario turned out to be. */
struct sim_description {
    char scenario[128];
    char scenario_hash[40];
    char system[128];
    char system_version[128];
    char strategy[64];
    char options[256];
    char options_hash[40];
    uint64_t first_seed; /* of the scenario's own range */
    uint64_t last_seed;
    uint32_t system_abi;
};

/* The head of the shared memory. Offsets count from it. */
struct sim_shared {
    uint64_t size_of_head; /* tells another build apart */
    uint64_t seeds_at;
    uint64_t count;
    uint64_t results_at;
    uint64_t decisions_at;
    uint64_t decision_count;
    uint64_t text_at;
    uint64_t text_size;
    uint64_t file_at;   /* terminated */
    uint64_t system_at; /* terminated; 0: none */
    uint64_t ring_at;
    uint64_t ring_size;
    uint32_t telling;
    /* Set by the child. */
    _Atomic uint32_t described;
    _Atomic uint64_t done; /* results that are complete */
    /* seeds that were begun: the last of them is in flight unless it is done */
    _Atomic uint64_t begun;
    volatile uint64_t progress; /* events of the seed in flight */
    volatile uint64_t last_seq;
    volatile uint64_t last_hash;
    volatile uint64_t last_time_ns;
    volatile uint64_t first_time_ns;
    int32_t status; /* mm1_status: why it could not begin */
    char error[SIM_CHILD_ERROR_MAX];
    struct sim_description description;
    struct sim_crash crash;
    struct sim_ring_shared ring;
};

/* The parent's view of a child. */
struct sim_child {
    pid_t pid;
    int pid_file;
    int memory; /* of the shared memory */
    int output[2];
    struct sim_shared *shared;
    size_t size;
    struct sim_ring ring;
    struct sim_rows_reader rows;
    bool reaped;
    int wait_status;
};

/* Makes the shared memory, not yet the process. The seeds are copied. MM1_NOMEM, MM1_IO: `error` says why. */
MM1_NODISCARD mm1_status sim_child_prepare(struct sim_child *child, const struct sim_job *job,
                                           const struct sim_order *order, char *error,
                                           size_t error_size);
/* Where the decisions go, between prepare and start. */
struct sim_decision *sim_child_decisions(const struct sim_child *child);
/* Starts the process. */
MM1_NODISCARD mm1_status sim_child_start(struct sim_child *child, char *error, size_t error_size);
/* Both. */
MM1_NODISCARD mm1_status sim_child_run(struct sim_child *child, const struct sim_job *job,
                                       const struct sim_order *order, char *error,
                                       size_t error_size);
/* True when it has ended; collects its exit status. */
bool sim_child_ended(struct sim_child *child);
/* Ends it at once and waits for it. */
void sim_child_kill(struct sim_child *child);
/* The same for one that hangs: it is given a moment to say where. */
void sim_child_abort(struct sim_child *child);
/* Ends it if need be, and frees all. A zeroed child is ignored. */
void sim_child_close(struct sim_child *child);

const struct sim_result *sim_child_result(const struct sim_child *child, size_t index);
/* What it printed on stream 1 or 2, at most the last `most` bytes; the caller frees `data`. */
struct mm1_text sim_child_output(const struct sim_child *child, int stream, size_t most);
/* How it ended, in words: "SIGSEGV", "exit code 3". */
#define SIM_END_TEXT_MAX 32
const char *sim_child_end_text(const struct sim_child *child, char out[SIM_END_TEXT_MAX]);

/* The main function of a child: argv is program, SIM_CHILD_ARGUMENT, number of the shared memory. */
int sim_child_main(int argc, char **argv, const struct mm1__linked_systems *linked);

#endif
