/* A campaign: keeps the jobs at work, and takes what they tell. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/sup_campaign_state.h"
#include "sim/traced.h"

#define TICK_MS 10
#define LINES_MIN 4096u

uint64_t sup_now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void broke(struct sup_campaign_state *state, const char *what)
{
    if (!state->broken) {
        (void)fprintf(stderr, "mm1: %s: %s\n", what, strerror(errno));
    }
    state->broken = true;
}

/* --- findings ------------------------------------------------------------------------------------------------- */

static struct sup_group *group_of(struct sup_campaign_state *state, const char *signature)
{
    for (size_t i = 0; i < state->group_count; i++) {
        if (strcmp(state->groups[i].run.signature, signature) == 0) {
            return &state->groups[i];
        }
    }
    struct sup_group *larger =
        realloc(state->groups, (state->group_count + 1) * sizeof(*state->groups));
    if (larger == NULL) {
        broke(state, "findings");
        return NULL;
    }
    state->groups = larger;
    struct sup_group *group = &larger[state->group_count++];
    *group = (struct sup_group){.lowest = UINT64_MAX};
    return group;
}

static void take_failed(struct sup_campaign_state *state, uint64_t index, const struct sup_run *run)
{
    struct sup_group *group = group_of(state, run->signature);
    if (group == NULL) {
        return;
    }
    state->failed++;
    group->count++;
    if (index < group->lowest) {
        group->lowest = index;
        group->run = *run;
    }
    if (state->options->fail_fast && index < atomic_load(&state->shared->limit)) {
        /* What is below is still run, so that the lowest one is found. */
        atomic_store(&state->shared->limit, index);
    }
}

/* --- the lines of --hashes ------------------------------------------------------------------------------------- */

static void print_lines(struct sup_campaign_state *state)
{
    while (state->line_next < state->line_room && state->lines[state->line_next].done) {
        const struct sup_line *line = &state->lines[state->line_next];
        (void)fprintf(stdout, "seed %" PRIu64 " %s hash %016llx\n",
                      state->options->first + state->line_next, line->failed ? "failed" : "passed",
                      (unsigned long long)line->hash);
        state->line_next++;
    }
}

static void take_line(struct sup_campaign_state *state, uint64_t index, const struct sup_run *run)
{
    uint64_t room = state->line_room == 0 ? LINES_MIN : state->line_room;
    while (room <= index) {
        room *= 2;
    }
    if (room > state->line_room) {
        struct sup_line *larger = realloc(state->lines, room * sizeof(*larger));
        if (larger == NULL) {
            broke(state, "lines");
            return;
        }
        memset(larger + state->line_room, 0, (room - state->line_room) * sizeof(*larger));
        state->lines = larger;
        state->line_room = room;
    }
    state->lines[index] = (struct sup_line){.done = true, .failed = run->failed, .hash = run->hash};
    print_lines(state);
}

static void take(struct sup_campaign_state *state, uint64_t index, const struct sup_run *run)
{
    if (run->failed) {
        take_failed(state, index, run);
    }
    if (state->options->hashes) {
        take_line(state, index, run);
    }
}

/* --- jobs ----------------------------------------------------------------------------------------------------- */

static void start(struct sup_campaign_state *state, unsigned i)
{
    struct sup_job *job = &state->jobs[i];
    if (ftruncate(job->words, 0) != 0 || lseek(job->words, 0, SEEK_SET) != 0) {
        broke(state, "a process cannot be started");
        return;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        sup_work(state, i);
    }
    if (pid < 0) {
        broke(state, "a process cannot be started");
        return;
    }
    job->pid = pid;
    job->moved_ms = sup_now_ms();
}

static void take_told(struct sup_campaign_state *state, unsigned i)
{
    struct sup_slot *slot = &state->shared->slots[i];
    uint64_t put = atomic_load(&slot->put);
    for (uint64_t at = atomic_load(&slot->taken); at < put; at++) {
        const struct sup_told *told = &slot->told[at % SUP_TOLD_MAX];
        take(state, told->index, &told->run);
        atomic_store(&slot->taken, at + 1);
    }
}

/* The process ended while a seed was in flight: that is what it came to. Another one goes on behind it. */
static void take_cut_off(struct sup_campaign_state *state, unsigned i, int wait_status, bool hung)
{
    struct sup_slot *slot = &state->shared->slots[i];
    struct sup_run run;
    uint64_t at = atomic_load(&slot->at);
    sup_child_ended(&slot->crash, wait_status, hung, state->jobs[i].words, &run);
    if (!hung && WIFEXITED(wait_status) && WEXITSTATUS(wait_status) == 3) {
        (void)fprintf(stderr, "mm1: a job could not go on%s\n", run.text + strcspn(run.text, ";"));
        state->broken = true;
        return;
    }
    state->crashed++;
    take(state, at, &run);
    slot->crash = (struct sim_crash){0};
    atomic_store(&slot->at, at + 1);
    start(state, i);
}

static bool hangs(struct sup_campaign_state *state, unsigned i)
{
    struct sup_job *job = &state->jobs[i];
    const struct sup_slot *slot = &state->shared->slots[i];
    uint64_t at = atomic_load(&slot->at);
    uint64_t now = sup_now_ms();
    if (at != job->at || slot->progress != job->progress) {
        job->at = at;
        job->progress = slot->progress;
        job->moved_ms = now;
    }
    return now - job->moved_ms > state->limit_ms;
}

static void look_at(struct sup_campaign_state *state, unsigned i)
{
    struct sup_job *job = &state->jobs[i];
    int wait_status = 0;
    bool hung = hangs(state, i);
    if (hung) {
        (void)kill(job->pid, SIGKILL);
    }
    pid_t ended = waitpid(job->pid, &wait_status, hung ? 0 : WNOHANG);
    take_told(state, i);
    if (ended == job->pid) {
        job->pid = 0;
        if (hung || !WIFEXITED(wait_status) || WEXITSTATUS(wait_status) != 0) {
            take_cut_off(state, i, wait_status, hung);
        }
    }
}

static bool is_over(struct sup_campaign_state *state)
{
    const struct sup_campaign_options *o = state->options;
    uint64_t since = sup_now_ms() - state->begun_ms;
    return *o->stop != 0 || state->broken || (o->time_ns != 0 && since >= o->time_ns / 1000000);
}

static void work(struct sup_campaign_state *state)
{
    bool busy = true;
    for (unsigned i = 0; i < state->options->jobs && !state->broken; i++) {
        start(state, i);
    }
    while (busy) {
        busy = false;
        if (is_over(state)) {
            atomic_store(&state->shared->stop, 1);
        }
        for (unsigned i = 0; i < state->options->jobs; i++) {
            if (state->jobs[i].pid != 0) {
                look_at(state, i);
                busy = true;
            }
        }
        sup_campaign_progress(state, false);
        if (busy) {
            (void)poll(NULL, 0, TICK_MS);
        }
    }
    sup_campaign_progress(state, true);
}

/* --- the end -------------------------------------------------------------------------------------------------- */

static int compare_groups(const void *a, const void *b)
{
    uint64_t one = ((const struct sup_group *)a)->lowest;
    uint64_t other = ((const struct sup_group *)b)->lowest;
    int by_name = strcmp(((const struct sup_group *)a)->run.signature,
                         ((const struct sup_group *)b)->run.signature);
    return one < other ? -1 : one > other ? 1 : by_name;
}

/* With --fail-fast only the lowest failing seed counts: which others failed is a matter of speed. */
static void sort_groups(struct sup_campaign_state *state)
{
    if (state->group_count != 0) {
        qsort(state->groups, state->group_count, sizeof(*state->groups), compare_groups);
    }
    if (state->options->fail_fast && state->group_count > 1) {
        state->group_count = 1;
    }
    if (state->options->fail_fast && state->group_count == 1) {
        state->groups[0].count = 1;
    }
}

/* Who interrupts it learns what was found, as it was found. */
static void print_findings(struct sup_campaign_state *state, struct sup_shrunk *shrunk)
{
    for (size_t i = 0; i < state->group_count; i++) {
        mm1_status status = *state->options->stop != 0
                                ? MM1_CLOSED
                                : sup_finding_open(state, &state->groups[i], &shrunk[i]);
        if (status != MM1_OK && status != MM1_CLOSED) {
            broke(state, mm1_status_text(status));
        }
        sup_finding_print(state, &state->groups[i], &shrunk[i]);
    }
}

static void print_counts(const struct sup_campaign_state *state)
{
    uint64_t cases = sup_campaign_sums(state).cases + state->crashed;
    if (state->options->fail_fast && state->group_count != 0) {
        (void)fprintf(stdout, "failed: seed %" PRIu64 "\n",
                      state->options->first + state->groups[0].lowest);
        return;
    }
    if (*state->options->stop != 0) {
        (void)fprintf(stdout, "interrupted; ");
    }
    (void)fprintf(stdout, "%llu passed, %llu failed\n", (unsigned long long)(cases - state->failed),
                  (unsigned long long)state->failed);
}

static int report(struct sup_campaign_state *state)
{
    int code = 0;
    struct sup_shrunk *shrunk = calloc(state->group_count + 1, sizeof(*shrunk));
    if (shrunk == NULL) {
        broke(state, "findings");
        return 3;
    }
    double seconds = (double)(sup_now_ms() - state->begun_ms) / 1000;
    sup_campaign_summary(state);
    sort_groups(state);
    print_counts(state);
    print_findings(state, shrunk);
    if (!sup_report_write(state, shrunk, seconds)) {
        state->broken = true;
    }
    for (size_t i = 0; i < state->group_count; i++) {
        sup_finding_close(&shrunk[i]);
    }
    free(shrunk);
    code = state->group_count != 0 ? state->groups[0].run.code : 0;
    if (fflush(stdout) != 0) {
        broke(state, "standard output");
    }
    int stopped = *state->options->stop;
    return stopped != 0 ? 128 + stopped : state->broken ? 3 : code;
}

static bool open_state(struct sup_campaign_state *state)
{
    unsigned jobs = state->options->jobs;
    state->shared_size = sizeof(*state->shared) + jobs * sizeof(struct sup_slot);
    void *memory =
        mmap(NULL, state->shared_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        broke(state, "shared memory");
        return false;
    }
    state->shared = memory;
    atomic_store(&state->shared->limit, state->total);
    for (unsigned i = 0; i < jobs; i++) {
        state->jobs[i].words = sup_child_words();
        if (state->jobs[i].words < 0) {
            broke(state, "shared memory");
            return false;
        }
    }
    return true;
}

static void close_state(struct sup_campaign_state *state)
{
    for (unsigned i = 0; i < state->options->jobs && state->shared != NULL; i++) {
        if (state->jobs[i].words > 0) {
            (void)close(state->jobs[i].words);
        }
    }
    if (state->shared != NULL) {
        (void)munmap(state->shared, state->shared_size);
    }
    free(state->groups);
    free(state->lines);
    free(state);
}

int sup_campaign(const struct sup_campaign_options *options)
{
    struct sup_campaign_state *state = calloc(1, sizeof(*state));
    if (state == NULL) {
        (void)fprintf(stderr, "mm1: %s\n", strerror(errno));
        return 3;
    }
    state->options = options;
    state->limit_ms = sim_watch_ms();
    state->total =
        options->time_ns != 0 ? UINT64_MAX - options->first : options->last - options->first + 1;
    state->begun_ms = sup_now_ms();
    int code = 3;
    if (open_state(state)) {
        work(state);
        code = report(state);
    }
    close_state(state);
    return code;
}
