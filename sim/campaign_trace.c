/* The end of a campaign: the lowest failing seed of each signature is run again, traced, and the summary is printed. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "mm1_version.h"
#include "sim/campaign_state.h"
#include "sim/compare.h"
#include "sim/report.h"

#define SEEDS_SHOWN 10
#define MORE_TRIES 5

static struct sim_identity identity_of(const struct sim_campaign_state *state)
{
    const struct sim_description *d = &state->description;
    return (struct sim_identity){
        .scenario = d->scenario,
        .scenario_file = state->options->file,
        .scenario_text = state->job.text,
        .scenario_hash = d->scenario_hash,
        .system = d->system,
        .system_abi = d->system_abi,
        .system_version = d->system_version,
        .source_version = MM1_SOURCE_VERSION,
        .version = MM1_VERSION,
        .build_id = MM1_BUILD_ID,
        .generator = SIM_GENERATOR,
        .strategy = d->strategy,
        .options = d->options,
        .options_hash = d->options_hash,
    };
}

static uint64_t seed_of(const struct sim_campaign_state *state, const struct sim_finding *finding)
{
    return state->first + finding->index;
}

/* --- one traced run ------------------------------------------------------------------------------------------- */

/* Runs `seeds` in one process, the last of them with its rows to `sink`. */
static bool run_traced(struct sim_campaign_state *state, const uint64_t *seeds, size_t count,
                       struct sim_sink *sink, bool hangs, struct sim_traced *traced)
{
    char error[SIM_ERROR_MAX * 2];
    struct sim_child child;
    const struct sim_order order = {.seeds = seeds, .count = count, .telling = SIM_TELL_ROWS};
    const struct sim_watch watch = {
        .limit_ms =
            hangs ? state->watchdog_ms : state->watchdog_ms * 10, /* a hang needs no third proof */
        .stop = state->options->stop,
    };
    *traced = (struct sim_traced){0};
    if (sim_child_prepare(&child, &state->job, &order, error, sizeof(error)) != MM1_OK) {
        sim_campaign_fail(state, 3, "%s", error);
        return false;
    }
    mm1_status status = sim_traced_run(&child, sink, &watch, traced, error, sizeof(error));
    if (status != MM1_OK && status != MM1_INTERRUPTED) {
        sim_campaign_fail(state, 3, "%s", error);
    }
    return status == MM1_OK;
}

/* Records a run in `db`. `through`: a sink that hands the rows on to the trace; null: straight into it. Returns the
 * number of the run, 0 in an error. */
static uint64_t record(struct sim_campaign_state *state, struct sim_trace_db *db,
                       const uint64_t *seeds, size_t count, struct sim_sink *through, bool hangs,
                       struct sim_traced *traced)
{
    const struct sim_identity identity = identity_of(state);
    uint64_t run = sim_trace_db_begin(db, &identity, seeds[count - 1]);
    struct sim_sink *sink = through != NULL ? through : sim_trace_db_sink(db);
    if (!run_traced(state, seeds, count, sink, hangs, traced)) {
        return 0;
    }
    for (int stream = 1; stream <= 2; stream++) {
        sim_trace_db_output(db, stream, traced->output[stream - 1]);
    }
    sim_trace_db_end(db, &traced->result, traced->complete);
    if (sim_trace_db_error(db) != NULL) {
        sim_campaign_fail(state, 3, "%s", sim_trace_db_error(db));
        return 0;
    }
    state->traced += db == state->options->trace ? 1 : 0;
    return run;
}

/* --- nondeterminism ------------------------------------------------------------------------------------------- */

static void keep_difference(struct sim_finding *finding, const struct sim_compare *compare)
{
    free(finding->difference);
    if (asprintf(&finding->difference,
                 "  first difference, after %llu equal events\n    one run      %s\n    another "
                 "run  %s\n",
                 (unsigned long long)compare->compared, compare->here, compare->there) < 0) {
        finding->difference = NULL;
    }
}

/* Runs the seed alone and compares with the recorded run. True: they differ, or it cannot go on. */
static bool try_again(struct sim_campaign_state *state, struct sim_finding *finding,
                      struct sim_trace_db *db, bool keep)
{
    struct sim_compare compare;
    struct sim_traced traced = {0};
    uint64_t seed = state->first + finding->index;
    if (sim_compare_open(&compare, sim_trace_db_handle(db), finding->trace_run,
                         keep ? sim_trace_db_sink(db) : NULL) != MM1_OK) {
        sim_campaign_fail(state, 3, "the trace cannot be read again");
        return true;
    }
    if (keep) {
        (void)record(state, db, &seed, 1, &compare.sink, false, &traced);
    } else {
        (void)run_traced(state, &seed, 1, &compare.sink, false, &traced);
    }
    sim_compare_end(&compare);
    sim_traced_close(&traced);
    if (compare.differs) {
        keep_difference(finding, &compare);
    }
    return compare.differs || state->code != 0 || *state->options->stop != 0;
}

/* Records the seed as it ran in its batch, then alone, and looks for the first event that differs. */
static void record_unsteady(struct sim_campaign_state *state, struct sim_finding *finding,
                            struct sim_trace_db *db)
{
    struct sim_traced traced = {0};
    finding->trace_run =
        record(state, db, finding->batch, finding->batch_count, NULL, false, &traced);
    if (finding->trace_run > 0) {
        finding->result.failed_time_ns = traced.result.failed_time_ns;
        finding->result.start_ns = traced.result.start_ns;
        finding->result.events = traced.result.events;
        bool found = try_again(state, finding, db, true);
        for (unsigned i = 0; i < MORE_TRIES && !found; i++) {
            found = try_again(state, finding, db, false);
        }
        if (!found) {
            finding->difference =
                strdup("  first difference: not seen again in 6 more pairs of runs\n");
        }
    }
    sim_traced_close(&traced);
}

/* --- traces of findings --------------------------------------------------------------------------------------- */

static void record_finding(struct sim_campaign_state *state, struct sim_finding *finding,
                           struct sim_trace_db *db)
{
    struct sim_traced traced = {0};
    const struct sim_result *r = &finding->result;
    if (r->verdict == SIM_NONDETERMINISM) {
        record_unsteady(state, finding, db);
        return;
    }
    uint64_t seed = state->first + finding->index;
    uint64_t run = record(state, db, &seed, 1, NULL, r->verdict == SIM_HANG, &traced);
    if (run > 0) {
        bool same = traced.result.verdict == r->verdict && traced.result.hash == r->hash;
        finding->trace_run = run;
        if (!same) {
            struct sim_result now = traced.result;
            (void)snprintf(now.text, sizeof(now.text),
                           "the same seed gave two runs: first %s (hash %016llx), "
                           "then, traced, %s (hash %016llx)",
                           sim_verdict_text(r->verdict), (unsigned long long)r->hash,
                           sim_verdict_text(now.verdict), (unsigned long long)now.hash);
            (void)snprintf(now.signature, sizeof(now.signature), "nondeterminism");
            now.verdict = SIM_NONDETERMINISM;
            finding->result = now;
        }
    }
    sim_traced_close(&traced);
}

static bool make_folders(const char *path)
{
    char *copy = strdup(path);
    bool good = copy != NULL;
    for (char *c = copy; good && *c != '\0'; c++) {
        if (*c == '/' && c != copy) {
            *c = '\0';
            good = mkdir(copy, 0777) == 0 || errno == EEXIST;
            *c = '/';
        }
    }
    good = good && (mkdir(copy, 0777) == 0 || errno == EEXIST);
    free(copy);
    return good;
}

/* A trace of its own for a finding. Returns its path, which the caller frees, or null. */
static char *trace_finding(struct sim_campaign_state *state, struct sim_finding *finding)
{
    char *path = NULL;
    char error[SIM_ERROR_MAX];
    struct sim_trace_db *db = NULL;
    if (!make_folders(state->options->out)) {
        sim_campaign_fail(state, 3, "%s: the folder cannot be made: %s", state->options->out,
                          strerror(errno));
        return NULL;
    }
    if (asprintf(&path, "%s/%s-%llu.db", state->options->out, state->description.scenario,
                 (unsigned long long)seed_of(state, finding)) < 0) {
        sim_campaign_fail(state, 3, "out of memory");
        return NULL;
    }
    if (sim_trace_db_open(path, &db, error) != MM1_OK) {
        sim_campaign_fail(state, 3, "%s", error);
        free(path);
        return NULL;
    }
    record_finding(state, finding, db);
    if (finding->trace_run == 0 || state->code != 0 || *state->options->stop != 0) {
        sim_trace_db_abandon(db);
        finding->trace_run = 0;
    } else if (sim_trace_db_commit(db, error) != MM1_OK) {
        sim_campaign_fail(state, 3, "%s", error);
        finding->trace_run = 0;
    }
    return path;
}

/* With --trace and one seed, a run is recorded whatever its verdict. */
static void trace_only_seed(struct sim_campaign_state *state)
{
    struct sim_finding finding = {.index = 0};
    struct sim_traced traced = {0};
    finding.trace_run =
        record(state, state->options->trace, &state->first, 1, NULL, false, &traced);
    if (finding.trace_run > 0) {
        (void)fprintf(stdout, "trace %s#%llu\n", state->options->trace_path,
                      (unsigned long long)finding.trace_run);
    }
    sim_traced_close(&traced);
}

/* --- the summary ---------------------------------------------------------------------------------------------- */

static void print_group(const struct sim_group *group, const char *path)
{
    (void)fprintf(stdout, "  %6zu  %s: seed%s", group->count, group->signature,
                  group->count == 1 ? "" : "s");
    for (size_t i = 0; i < group->count && i < SEEDS_SHOWN; i++) {
        (void)fprintf(stdout, " %llu", (unsigned long long)group->seeds[i]);
    }
    if (group->count > SEEDS_SHOWN) {
        (void)fprintf(stdout, " and %zu more", group->count - SEEDS_SHOWN);
    }
    if (path != NULL && group->lowest->trace_run > 0) {
        (void)fprintf(stdout, "; trace %s#%llu", path,
                      (unsigned long long)group->lowest->trace_run);
    }
    (void)fprintf(stdout, "\n");
}

static void print_counts(const struct sim_campaign_state *state)
{
    if (*state->options->stop != 0) {
        (void)fprintf(stdout, "interrupted after %llu of %llu seeds; ",
                      (unsigned long long)state->frontier, (unsigned long long)state->total);
    }
    if (state->frontier > 0 || *state->options->stop != 0) {
        (void)fprintf(stdout, "%llu passed, %llu failed", (unsigned long long)state->passed,
                      (unsigned long long)state->failed);
        if (state->inconclusive > 0) {
            (void)fprintf(stdout, ", %llu inconclusive", (unsigned long long)state->inconclusive);
        }
        (void)fprintf(stdout, "\n");
    }
    if (state->first_inconclusive != NULL) {
        const struct sim_finding *finding = state->first_inconclusive;
        (void)fprintf(stdout, "inconclusive, seed %llu: %s\n",
                      (unsigned long long)seed_of(state, finding), finding->result.text);
    }
    if (state->vacuous != NULL && state->vacuous[0] != '\0') {
        (void)fprintf(stdout, "never happened: %s\n", state->vacuous);
    }
}

/* The block about the lowest failing seed, with its causal chain out of the trace. */
static void print_failure(struct sim_campaign_state *state, const char *path)
{
    struct sim_finding *finding = state->groups[0].lowest;
    struct sim_trace *trace = NULL;
    char error[SIM_ERROR_MAX];
    bool named = state->options->trace != NULL;
    finding->result.seed = state->first + finding->index;
    struct sim_failure failure = {
        .result = &finding->result,
        .scenario = state->description.scenario,
        .scenario_file = state->options->file,
        .crash = finding->crash,
        .run = finding->trace_run,
        .trace = finding->trace_run > 0 ? path : NULL,
        .difference = finding->difference,
    };
    if (finding->trace_run > 0 && named) {
        failure.sqlite = sim_trace_db_handle(state->options->trace);
    } else if (finding->trace_run > 0 && sim_trace_open(path, &trace, error) == MM1_OK) {
        failure.sqlite = sim_trace_handle(trace);
    }
    sim_report_failure(stdout, &failure);
    sim_trace_close(trace);
}

void sim_campaign_finish(struct sim_campaign_state *state)
{
    bool named = state->options->trace != NULL;
    bool whole = state->code == 0 && *state->options->stop == 0;
    char *lowest_path = NULL;
    if (state->code != 0) {
        return;
    }
    if (whole && named && state->total == 1 && state->failed == 0) {
        trace_only_seed(state);
    }
    print_counts(state);
    for (size_t i = 0; i < state->group_count && state->code == 0; i++) {
        struct sim_finding *finding = state->groups[i].lowest;
        char *path = NULL;
        if (whole && *state->options->stop == 0 && named) {
            record_finding(state, finding, state->options->trace);
            path = strdup(state->options->trace_path);
        } else if (whole && *state->options->stop == 0) {
            path = trace_finding(state, finding);
        }
        if (state->code == 0) {
            print_group(&state->groups[i], path);
        }
        if (i == 0) {
            lowest_path = path;
        } else {
            free(path);
        }
    }
    if (state->code == 0 && state->group_count > 0) {
        print_failure(state, lowest_path);
    }
    free(lowest_path);
    if (fflush(stdout) != 0) {
        sim_campaign_fail(state, 3, "standard output cannot be written");
    }
}
