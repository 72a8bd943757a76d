/* Executes a recorded run again, from the trace and the system alone. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "mm1_version.h"
#include "replay/replay.h"
#include "sim/compare.h"
#include "sim/report.h"
#include "sim/trace_read.h"
#include "sim/traced.h"

struct replay {
    const struct replay_options *options;
    struct sim_trace *trace;
    struct sim_recorded *recorded;
    struct sim_job job;
    struct sim_compare compare;
    struct sim_traced traced;
};

static int complain(mm1_status status, const char *text)
{
    (void)fprintf(stderr, "mm1: %s\n", text);
    return status == MM1_NOMEM || status == MM1_IO || status == MM1_INTERNAL ? 3 : 2;
}

static int interrupted(const struct replay_options *options)
{
    (void)fprintf(stdout, "interrupted\n");
    return 128 + (int)*options->stop;
}

/* --- the same program? ---------------------------------------------------------------------------------------- */

static void warn(const char *what, const char *recorded, const char *now)
{
    if (strcmp(recorded, now) != 0) {
        (void)fprintf(stderr, "mm1: warning: recorded with %s %s, replayed with %s\n", what,
                      recorded, now);
    }
}

/* 0, or the exit code: another system is refused, another version of the same is warned of. */
static int check_system(struct replay *replay)
{
    const struct sim_identity *identity = &replay->recorded->identity;
    const struct sim_watch watch = {.limit_ms = sim_watch_ms(), .stop = replay->options->stop};
    struct sim_description now;
    char error[SIM_ERROR_MAX * 2];
    mm1_status status = sim_describe(&replay->job, &watch, &now, error, sizeof(error));
    if (status == MM1_INTERRUPTED) {
        return interrupted(replay->options);
    }
    if (status != MM1_OK) {
        return complain(status, error);
    }
    if (strcmp(now.system, identity->system) != 0 || now.system_abi != identity->system_abi) {
        (void)fprintf(
            stderr, "mm1: %s: recorded with the system \"%s\" of ABI %u; found \"%s\" of ABI %u\n",
            replay->options->path, identity->system, identity->system_abi, now.system,
            now.system_abi);
        return 2;
    }
    warn("sources of the system", identity->system_version, now.system_version);
    warn("sources of libmm1", identity->source_version, MM1_SOURCE_VERSION);
    warn("the build", identity->build_id, MM1_BUILD_ID);
    return 0;
}

/* --- the run -------------------------------------------------------------------------------------------------- */

static int execute(struct replay *replay)
{
    char error[SIM_ERROR_MAX * 2];
    struct sim_child child;
    const struct sim_recorded *recorded = replay->recorded;
    bool hangs = recorded->result.verdict == SIM_HANG;
    const struct sim_watch watch = {
        .limit_ms = hangs ? sim_watch_ms() : sim_watch_ms() * 10,
        .stop = replay->options->stop,
        .enough = &replay->compare.enough,
    };
    const struct sim_order order = {
        .seeds = &recorded->result.seed,
        .count = 1,
        .telling = SIM_TELL_ROWS,
        .decisions = recorded->decision_count,
    };
    mm1_status status = sim_child_prepare(&child, &replay->job, &order, error, sizeof(error));
    if (status != MM1_OK) {
        return complain(status, error);
    }
    status = sim_trace_decisions(replay->trace, recorded->run, sim_child_decisions(&child),
                                 recorded->decision_count, error);
    if (status == MM1_OK) {
        status = sim_compare_open(&replay->compare, sim_trace_handle(replay->trace), recorded->run,
                                  NULL);
        (void)snprintf(error, sizeof(error), "%s: the events of the trace cannot be read",
                       replay->options->path);
    }
    if (status != MM1_OK) {
        sim_child_close(&child);
        return complain(status, error);
    }
    replay->compare.until = replay->options->until;
    status = sim_traced_run(&child, &replay->compare.sink, &watch, &replay->traced, error,
                            sizeof(error));
    if (status == MM1_INTERRUPTED) {
        return interrupted(replay->options);
    }
    return status == MM1_OK ? 0 : complain(status, error);
}

/* --- what became of it ---------------------------------------------------------------------------------------- */

static void print_block(struct replay *replay, const struct sim_result *result)
{
    const char *file = replay->recorded->identity.scenario_file;
    const struct sim_failure failure = {
        .result = result,
        .scenario = replay->recorded->identity.scenario,
        .scenario_file = access(file, R_OK) == 0 ? file : NULL,
        .crash = replay->traced.crash,
        .sqlite = sim_trace_handle(replay->trace),
        .run = replay->recorded->run,
        .trace = replay->options->path,
    };
    sim_report_failure(stdout, &failure);
}

static int report_divergence(struct replay *replay)
{
    const struct sim_result *now = &replay->traced.result;
    const struct sim_compare *compare = &replay->compare;
    (void)fprintf(stdout, "diverged after %llu equal events\n",
                  (unsigned long long)compare->compared);
    if (compare->differs) {
        (void)fprintf(stdout, "  recorded  %s\n  now       %s\n", compare->here, compare->there);
    }
    if (now->verdict == SIM_DIVERGED) {
        (void)fprintf(stdout, "  decision  %s\n", now->text);
    } else if (!compare->differs) {
        const struct sim_result *then = &replay->recorded->result;
        (void)fprintf(stdout, "  recorded  %s, hash %016llx\n  now       %s, hash %016llx\n",
                      sim_verdict_text(then->verdict), (unsigned long long)then->hash,
                      sim_verdict_text(now->verdict), (unsigned long long)now->hash);
    }
    return sim_verdict_exit(SIM_DIVERGED);
}

static int report(struct replay *replay)
{
    const struct sim_result *then = &replay->recorded->result;
    const struct sim_result *now = &replay->traced.result;
    if (replay->compare.enough && !replay->compare.differs) {
        struct sim_result at = *then;
        at.failed_seq = replay->options->until;
        (void)fprintf(stdout, "stopped after event %llu; all events up to it are equal\n",
                      (unsigned long long)replay->options->until);
        sim_report_chain(stdout, sim_trace_handle(replay->trace), replay->recorded->run, &at);
        return 0;
    }
    if (replay->compare.differs || now->verdict != then->verdict || now->hash != then->hash) {
        return report_divergence(replay);
    }
    (void)fprintf(stdout, "%llu events compared, the hash matches: %016llx\n",
                  (unsigned long long)replay->compare.compared, (unsigned long long)now->hash);
    sim_report_seed(stdout, now->seed, now->verdict, now->hash);
    if (now->verdict != SIM_PASSED) {
        print_block(replay, now);
    }
    return sim_verdict_exit(now->verdict);
}

static void print_identity(const struct replay *replay)
{
    const struct sim_identity *i = &replay->recorded->identity;
    (void)fprintf(
        stdout,
        "trace %s#%llu\nscenario %s, hash %s\nsystem %s, sources %.16s\nlibmm1 %s, sources %.16s, "
        "generator %s\noptions %s, hash %s\nseeds %llu\n",
        replay->options->path, (unsigned long long)replay->recorded->run, i->scenario,
        i->scenario_hash, i->system, i->system_version, i->version, i->source_version, i->generator,
        i->options, i->options_hash, (unsigned long long)replay->recorded->result.seed);
    (void)fflush(stdout);
}

static int run(struct replay *replay)
{
    char error[SIM_ERROR_MAX];
    mm1_status status = sim_trace_open(replay->options->path, &replay->trace, error);
    if (status == MM1_OK) {
        status = sim_trace_run(replay->trace, replay->options->run, &replay->recorded, error);
    }
    if (status != MM1_OK) {
        (void)complain(status, error);
        return status == MM1_NOMEM ? 3 : 2;
    }
    const struct sim_identity *identity = &replay->recorded->identity;
    if (strncmp(identity->options, SIM_OPTIONS_OF_TEST, strlen(SIM_OPTIONS_OF_TEST)) == 0) {
        (void)fprintf(stderr,
                      "mm1: %s: a test made this run, and only the test can make it again: "
                      "MM1_SIM_SEED=%llu, and the test %s\n",
                      replay->options->path, (unsigned long long)replay->recorded->result.seed,
                      identity->scenario);
        return 2;
    }
    replay->job = (struct sim_job){.file = identity->scenario_file,
                                   .text = identity->scenario_text,
                                   .system = identity->system};
    int code = check_system(replay);
    if (code != 0) {
        return code;
    }
    print_identity(replay);
    code = execute(replay);
    if (code != 0) {
        return code;
    }
    sim_compare_end(&replay->compare);
    return report(replay);
}

int replay_again(const struct replay_options *options)
{
    struct replay replay = {.options = options};
    int code = run(&replay);
    sim_trace_cursor_close(&replay.compare.recorded);
    sim_traced_close(&replay.traced);
    sim_recorded_free(replay.recorded);
    sim_trace_close(replay.trace);
    if (fflush(stdout) != 0) {
        (void)fprintf(stderr, "mm1: standard output cannot be written\n");
        return 3;
    }
    return code;
}
