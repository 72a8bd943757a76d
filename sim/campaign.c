/* A campaign from its scenario file to its exit code. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "mm1_version.h"
#include "sim/campaign.h"
#include "sim/campaign_state.h"
#include "sim/report.h"

void sim_campaign_fail(struct sim_campaign_state *state, int code, const char *format, ...)
{
    va_list arguments;
    if (state->code != 0) {
        return;
    }
    state->code = code;
    va_start(arguments, format);
    (void)vsnprintf(state->error, sizeof(state->error), format, arguments);
    va_end(arguments);
}

/* --- beginning ------------------------------------------------------------------------------------------------ */

static void describe(struct sim_campaign_state *state)
{
    char error[SIM_ERROR_MAX * 2];
    const struct sim_watch watch = {.limit_ms = state->watchdog_ms, .stop = state->options->stop};
    mm1_status status =
        sim_describe(&state->job, &watch, &state->description, error, sizeof(error));
    if (status != MM1_OK && status != MM1_INTERRUPTED) {
        sim_campaign_fail(state, status == MM1_NOMEM || status == MM1_IO ? 3 : 2, "%s", error);
    }
}

static void load(struct sim_campaign_state *state)
{
    struct mm1_diag diag = {0};
    char line[MM1_DIAG_LINE_MAX];
    mm1_status status = sim_scenario_load_file(state->options->file, &state->scenario, &diag);
    if (status != MM1_OK) {
        (void)mm1__diag_print(&diag, line);
        sim_campaign_fail(state, status == MM1_NOMEM ? 3 : 2, "%s", line);
        return;
    }
    const struct sim_scenario *scenario = state->scenario;
    state->job = (struct sim_job){.file = state->options->file,
                                  .text = {.data = scenario->text, .size = scenario->text_size}};
    const struct sim_seeds *seeds =
        state->options->seeds_given ? &state->options->seeds : &scenario->seeds;
    state->first = seeds->first;
    state->total = seeds->last - seeds->first + 1;
    if (seeds->last < seeds->first || state->total == 0) {
        sim_campaign_fail(state, 1, "%s: no seed to run", state->options->file);
        return;
    }
    state->slots = calloc((size_t)SIM_WINDOW, sizeof(*state->slots));
    state->workers = calloc(state->options->jobs, sizeof(*state->workers));
    if (state->slots == NULL || state->workers == NULL) {
        sim_campaign_fail(state, 3, "out of memory");
    }
}

/* Said first, so that whatever happens later, it is known what was run. */
static void print_identity(struct sim_campaign_state *state)
{
    const struct sim_description *d = &state->description;
    (void)fprintf(stdout, "scenario %s, hash %s\n", d->scenario, d->scenario_hash);
    (void)fprintf(stdout, "system %s, sources %.16s\n", d->system, d->system_version);
    (void)fprintf(stdout, "libmm1 %s, sources %.16s, generator %s\n", MM1_VERSION,
                  MM1_SOURCE_VERSION, SIM_GENERATOR);
    (void)fprintf(stdout, "options %s, hash %s\n", d->options, d->options_hash);
    if (state->total == 1) {
        (void)fprintf(stdout, "seeds %llu\n", (unsigned long long)state->first);
    } else {
        (void)fprintf(stdout, "seeds %llu..%llu\n", (unsigned long long)state->first,
                      (unsigned long long)(state->first + state->total - 1));
    }
    if (fflush(stdout) != 0) {
        sim_campaign_fail(state, 3, "standard output cannot be written");
    }
}

/* --- ending --------------------------------------------------------------------------------------------------- */

static void free_state(struct sim_campaign_state *state)
{
    for (uint64_t i = 0; state->slots != NULL && i < SIM_WINDOW; i++) {
        sim_finding_free(state->slots[i].finding);
    }
    for (size_t i = 0; i < state->group_count; i++) {
        sim_finding_free(state->groups[i].lowest);
        free(state->groups[i].seeds);
    }
    sim_finding_free(state->first_inconclusive);
    for (size_t i = 0; i < state->vacuous_names.count; i++) {
        free(state->vacuous_texts[i]);
    }
    free(state->vacuous_texts);
    sim_names_close(&state->vacuous_names);
    free(state->vacuous);
    free(state->groups);
    free(state->slots);
    free(state->workers);
    free(state->left.items);
    free(state->second.items);
    sim_scenario_free(state->scenario);
    free(state);
}

static int exit_code(const struct sim_campaign_state *state)
{
    if (state->code != 0) {
        return state->code;
    }
    if (*state->options->stop != 0) {
        return 128 + (int)*state->options->stop;
    }
    if (state->group_count > 0 && state->groups[0].lowest != NULL) {
        return sim_verdict_exit(state->groups[0].lowest->result.verdict);
    }
    if (state->inconclusive > 0) {
        return sim_verdict_exit(SIM_INCONCLUSIVE);
    }
    bool vacuous = state->vacuous != NULL && state->vacuous[0] != '\0';
    return vacuous && state->options->strict ? sim_verdict_exit(SIM_VACUOUS) : 0;
}

/* 14 and 15 count only where nothing failed otherwise. */
static void add_to_sum(struct sim_campaign_sum *sum, int code)
{
    if (code != 0 && (sum->code == 0 || ((sum->code == 14 || sum->code == 15) && code != 14))) {
        sum->code = code;
    }
}

bool sim_campaign(const struct sim_campaign_options *options, struct sim_campaign_sum *sum)
{
    struct sim_campaign_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        (void)fprintf(stderr, "mm1: out of memory\n");
        sum->code = 3;
        return false;
    }
    state->options = options;
    state->alone_end = &state->alone;
    state->watchdog_ms = sim_watch_ms();
    load(state);
    if (state->code == 0) {
        describe(state);
    }
    if (state->code == 0 && *options->stop == 0) {
        print_identity(state);
        state->begun_ns = sim_now_ns();
        sim_campaign_work(state);
        uint64_t took = sim_now_ns() - state->begun_ns;
        sim_campaign_progress(state, true);
        sim_campaign_finish(state);
        if (state->runs > 0 && took > 0) {
            sim_report_speed(stderr, state->runs, state->events, state->virtual_ns, took,
                             options->jobs);
        }
    }
    sum->traced += state->traced;
    if (state->code != 0) {
        (void)fprintf(stderr, "mm1: %s\n", state->error);
    }
    int code = exit_code(state);
    bool go_on = state->code == 0 && *options->stop == 0;
    if (go_on) {
        add_to_sum(sum, code);
    } else {
        sum->code = code;
    }
    free_state(state);
    return go_on;
}
