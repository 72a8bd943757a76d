/* The child's side: takes its order from the shared memory, runs the seeds, and notes what it can when it crashes. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mm1/node.h>

#include "sim/child.h"
#include "sim/scenario.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* For the signal handler; a process has one. */
static const struct mm1_runnable *volatile running;

/* --- telling -------------------------------------------------------------------------------------------------- */

struct last_sink {
    struct sim_sink sink;
    struct sim_shared *shared;
};

static void last_event(struct sim_sink *self, const struct sim_event_row *row)
{
    struct sim_shared *shared = ((struct last_sink *)(void *)self)->shared;
    shared->last_seq = row->seq;
    shared->last_hash = row->hash;
    shared->last_time_ns = row->time_ns;
    if (row->seq == 1) {
        shared->first_time_ns = row->time_ns;
    }
}

static void no_node(struct sim_sink *self, const struct sim_node_row *row)
{
    (void)self;
    (void)row;
}

static void no_actor(struct sim_sink *self, const struct sim_actor_row *row)
{
    (void)self;
    (void)row;
}

static void no_decision(struct sim_sink *self, const struct sim_decision *decision)
{
    (void)self;
    (void)decision;
}

static void no_log(struct sim_sink *self, const struct sim_log_row *row)
{
    (void)self;
    (void)row;
}

static void no_fault(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t fault,
                     bool heals, const char *kind, const char *what)
{
    (void)self;
    (void)seq;
    (void)time_ns;
    (void)fault;
    (void)heals;
    (void)kind;
    (void)what;
}

static void no_property(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                        uint64_t evaluated, uint64_t seq, const char *text)
{
    (void)self;
    (void)name;
    (void)verdict;
    (void)evaluated;
    (void)seq;
    (void)text;
}

static const struct sim_sink_ops last_ops = {
    .node = no_node,
    .actor = no_actor,
    .event = last_event,
    .decision = no_decision,
    .log = no_log,
    .fault = no_fault,
    .property = no_property,
};

/* --- the order ------------------------------------------------------------------------------------------------ */

struct errand {
    struct sim_shared *shared;
    int memory;
    const struct mm1__linked_systems *linked;
    struct sim_scenario *scenario;
    struct mm1__loaded_system system;
    struct sim_ring ring;
};

static int refuse(struct sim_shared *shared, mm1_status status, const struct mm1_diag *diag)
{
    char line[MM1_DIAG_LINE_MAX];
    (void)mm1__diag_print(diag, line);
    (void)snprintf(shared->error, sizeof(shared->error), "%s", line);
    shared->status = (int32_t)status;
    return status == MM1_NOMEM || status == MM1_IO ? 3 : 2;
}

static void describe(const struct errand *errand)
{
    struct sim_description *d = &errand->shared->description;
    const struct sim_scenario *scenario = errand->scenario;
    static const char *const granularities[] = {"turn", "effect", "mix"};
    static const char *const deliveries[] = {"causal", "pairwise"};
    const struct mm1_system *system = errand->system.system;
    (void)snprintf(d->scenario, sizeof(d->scenario), "%s", scenario->name);
    (void)snprintf(d->scenario_hash, sizeof(d->scenario_hash), "%s", scenario->hash);
    (void)snprintf(d->system, sizeof(d->system), "%s", system->name);
    (void)snprintf(d->system_version, sizeof(d->system_version), "%s", system->source_version);
    d->system_abi = system->abi;
    d->first_seed = scenario->seeds.first;
    d->last_seed = scenario->seeds.last;
    (void)snprintf(d->strategy, sizeof(d->strategy), "random");
    int size =
        snprintf(d->options, sizeof(d->options), "strategy=random granularity=%s local_delivery=%s",
                 granularities[scenario->granularity], deliveries[scenario->local_delivery]);
    (void)snprintf(d->options_hash, sizeof(d->options_hash), "%016llx",
                   (unsigned long long)XXH3_64bits(d->options, (size_t)size));
    atomic_store(&errand->shared->described, 1);
}

/* Loads the scenario and its system. 0, or the exit code. */
static int prepare(struct errand *errand)
{
    struct sim_shared *shared = errand->shared;
    const char *memory = (const char *)shared;
    struct mm1_diag diag = {0};
    const char *file = memory + shared->file_at;
    const struct mm1_text text = {.data = memory + shared->text_at,
                                  .size = (size_t)shared->text_size};
    mm1_status status = sim_scenario_load_text(text, file, &errand->scenario, &diag);
    if (status != MM1_OK) {
        return refuse(shared, status, &diag);
    }
    const char *name =
        shared->system_at == 0 ? errand->scenario->system_name : memory + shared->system_at;
    status = mm1__system_load(errand->linked, file, name, &errand->system, &diag);
    if (status == MM1_OK) {
        status = sim_scenario_resolve(errand->scenario, errand->system.system, &diag);
    }
    if (status != MM1_OK) {
        return refuse(shared, status, &diag);
    }
    describe(errand);
    return 0;
}

static void run_seed(struct errand *errand, size_t index, struct sim_sink *sink)
{
    struct sim_shared *shared = errand->shared;
    uint8_t *memory = (uint8_t *)shared;
    const uint64_t *seeds = (const uint64_t *)(const void *)(memory + shared->seeds_at);
    struct sim_result *results = (struct sim_result *)(void *)(memory + shared->results_at);
    const struct sim_decisions decisions = {
        .items = (const struct sim_decision *)(const void *)(memory + shared->decisions_at),
        .count = (size_t)shared->decision_count,
    };
    const struct sim_run_spec spec = {
        .scenario = errand->scenario,
        .system = errand->system.system,
        .seed = seeds[index],
        .sink = sink,
        .decisions = shared->decision_count > 0 ? &decisions : NULL,
        .progress = &shared->progress,
        .running = &running,
    };
    shared->progress = 0;
    atomic_store(&shared->begun, index + 1);
    sim_run(&spec, &results[index]);
    atomic_store(&shared->done, index + 1);
}

static int run_seeds(struct errand *errand)
{
    struct sim_shared *shared = errand->shared;
    struct last_sink last = {.sink = {.ops = &last_ops}, .shared = shared};
    struct sim_rows_writer rows;
    for (size_t i = 0; i < shared->count; i++) {
        bool told = i + 1 == shared->count;
        if (told && shared->telling == SIM_TELL_ROWS) {
            if (sim_ring_map(&errand->ring, &shared->ring, errand->memory, (size_t)shared->ring_at,
                             (size_t)shared->ring_size) != MM1_OK) {
                return 3;
            }
            sim_rows_writer_open(&rows, &errand->ring);
            run_seed(errand, i, &rows.sink);
            sim_rows_writer_close(&rows);
        } else {
            run_seed(errand, i, told && shared->telling == SIM_TELL_LAST ? &last.sink : NULL);
        }
    }
    return 0;
}

static struct sim_shared *attach(int memory)
{
    struct stat file;
    if (fstat(memory, &file) != 0 || (size_t)file.st_size < sizeof(struct sim_shared)) {
        return NULL;
    }
    struct sim_shared *shared =
        mmap(NULL, (size_t)file.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (shared == MAP_FAILED || shared->size_of_head != sizeof(*shared)) {
        return NULL;
    }
    return shared;
}

/* The memory of one run serves the next: without this, each would give it back to the system and fault it in again. */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 128 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
}

int sim_child_main(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    struct errand errand = {.linked = linked,
                            .memory = argc == 3 ? (int)strtol(argv[2], NULL, 10) : -1};
    errand.shared = errand.memory < 3 ? NULL : attach(errand.memory);
    if (errand.shared == NULL) {
        (void)fprintf(stderr, "%s is for the program's own use\n", SIM_CHILD_ARGUMENT);
        return 1;
    }
    if (!sim_crash_watch(&errand.shared->crash, &running)) {
        return 3;
    }
    keep_memory();
    int code = prepare(&errand);
    if (code == 0) {
        code = run_seeds(&errand);
    }
    sim_ring_unmap(&errand.ring);
    sim_scenario_free(errand.scenario);
    if (errand.system.system != NULL) {
        mm1__system_unload(&errand.system);
    }
    return code;
}
