/* Keeps the children at work: what runs next, what has come back, and who no longer moves. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sim/campaign_state.h"

#define BATCH_FIRST 8
#define BATCH_MS 500 /* how long a batch is meant to take */
#define TICK_MS 50
#define SECOND_MIN 64 /* second runs that are worth a process */

uint64_t sim_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t now_ms(void)
{
    return sim_now_ns() / 1000000;
}

static bool stopped(const struct sim_campaign_state *state)
{
    return state->over || state->code != 0 || *state->options->stop != 0;
}

/* --- giving work ---------------------------------------------------------------------------------------------- */

static size_t take_from(struct sim_indices_queue *queue, uint64_t *to, size_t most)
{
    size_t count = queue->count < most ? queue->count : most;
    memcpy(to, queue->items, count * sizeof(*to));
    memmove(queue->items, queue->items + count, (queue->count - count) * sizeof(*to));
    queue->count -= count;
    return count;
}

static bool take_alone(struct sim_campaign_state *state, struct sim_worker *worker)
{
    struct sim_finding *finding = state->alone;
    if (finding == NULL) {
        return false;
    }
    state->alone = finding->next;
    if (state->alone == NULL) {
        state->alone_end = &state->alone;
    }
    finding->next = NULL;
    worker->purpose = SIM_ALONE;
    worker->finding = finding;
    worker->indices[0] = finding->index;
    worker->count = 1;
    worker->limit_ms =
        finding->result.verdict == SIM_HANG ? state->watchdog_ms * 10 : state->watchdog_ms;
    return true;
}

/* How many seeds the next batch gets: the last ones are shared out evenly. */
static size_t batch_size(const struct sim_campaign_state *state)
{
    uint64_t left = state->total - state->next;
    uint64_t window = state->frontier + SIM_WINDOW - state->next;
    uint64_t share = (left + state->options->jobs - 1) / state->options->jobs;
    uint64_t size = state->batch < share ? state->batch : share;
    return (size_t)(size < window ? size : window);
}

/* Second runs wait for company, unless they hold up the report of all that comes after them. */
static bool holds_up(const struct sim_campaign_state *state)
{
    for (size_t i = 0; i < state->second.count; i++) {
        if (state->second.items[i] == state->frontier) {
            return true;
        }
    }
    return false;
}

/* Second runs go the other way round, so that what one run leaves behind meets another one than before. */
static void reverse(uint64_t *items, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        uint64_t item = items[i];
        items[i] = items[count - 1 - i];
        items[count - 1 - i] = item;
    }
}

/* Finds work for a free worker. False: there is none now. */
static bool find_work(struct sim_campaign_state *state, struct sim_worker *worker)
{
    worker->finding = NULL;
    worker->limit_ms = state->watchdog_ms;
    if (take_alone(state, worker)) {
        return true;
    }
    size_t size = state->left.count > 0 ? 0 : batch_size(state);
    worker->purpose = SIM_FIRST;
    if (state->left.count > 0) {
        worker->count = take_from(&state->left, worker->indices, state->batch);
        return true;
    }
    if (state->second.count >= SECOND_MIN || holds_up(state) ||
        (size == 0 && state->second.count > 0)) {
        worker->purpose = SIM_SECOND;
        worker->count = take_from(&state->second, worker->indices,
                                  state->batch > SECOND_MIN ? state->batch : SECOND_MIN);
        reverse(worker->indices, worker->count);
        return true;
    }
    for (size_t i = 0; i < size; i++) {
        worker->indices[i] = state->next++;
    }
    worker->count = size;
    return size > 0;
}

static void give_work(struct sim_campaign_state *state)
{
    char error[SIM_ERROR_MAX];
    for (unsigned i = 0; i < state->options->jobs && !stopped(state); i++) {
        struct sim_worker *worker = &state->workers[i];
        if (worker->busy || !find_work(state, worker)) {
            continue;
        }
        for (size_t k = 0; k < worker->count; k++) {
            worker->seeds[k] = state->first + worker->indices[k];
        }
        const struct sim_order order = {
            .seeds = worker->seeds,
            .count = worker->count,
            .telling = worker->purpose == SIM_ALONE ? SIM_TELL_LAST : SIM_TELL_RESULT,
        };
        if (sim_child_run(&worker->child, &state->job, &order, error, sizeof(error)) != MM1_OK) {
            sim_campaign_fail(state, 3, "%s", error);
            return;
        }
        worker->busy = true;
        worker->taken = 0;
        worker->progress = 0;
        worker->begun_ms = worker->moved_ms = now_ms();
    }
}

/* --- taking results ------------------------------------------------------------------------------------------- */

static void take_results(struct sim_campaign_state *state, struct sim_worker *worker)
{
    uint64_t done = atomic_load(&worker->child.shared->done);
    while (worker->taken < done && worker->taken < worker->count && state->code == 0) {
        size_t at = worker->taken++;
        sim_campaign_take(state, worker, at, sim_child_result(&worker->child, at), false);
        worker->moved_ms = now_ms();
    }
}

/* What the child had not begun goes to another one. */
static void give_back(struct sim_campaign_state *state, const struct sim_worker *worker,
                      size_t from)
{
    struct sim_indices_queue *queue = worker->purpose == SIM_SECOND ? &state->second : &state->left;
    for (size_t i = from; i < worker->count; i++) {
        if (!sim_indices_add(queue, worker->indices[i])) {
            sim_campaign_fail(state, 3, "out of memory");
        }
    }
}

/* The child ended, or was killed, before its work was done. */
static void take_cut_off(struct sim_campaign_state *state, struct sim_worker *worker, bool hung)
{
    struct sim_result result;
    char end[SIM_END_TEXT_MAX];
    const struct sim_shared *shared = worker->child.shared;
    if (atomic_load(&shared->begun) <= worker->taken) {
        if (shared->status != MM1_OK) {
            sim_campaign_fail(state, shared->status == MM1_NOMEM ? 3 : 2, "%s", shared->error);
        } else {
            sim_campaign_fail(state, 3, "a child process ended before it began a run: %s",
                              hung ? "it did not move" : sim_child_end_text(&worker->child, end));
        }
        return;
    }
    sim_traced_cut_off(&worker->child, hung, &result);
    size_t at = worker->taken++;
    sim_campaign_take(state, worker, at, &result, true);
    give_back(state, worker, worker->taken);
}

/* Later batches take about BATCH_MS, whatever the scenario. */
static void learn(struct sim_campaign_state *state, const struct sim_worker *worker)
{
    uint64_t took = now_ms() - worker->begun_ms + 1;
    uint64_t size = worker->count * BATCH_MS / took;
    if (worker->purpose == SIM_FIRST && worker->count >= state->batch) {
        uint64_t most = (uint64_t)state->batch * 4;
        size = size > most ? most : size;
        state->batch = size < 1 ? 1 : size > SIM_BATCH_MAX ? SIM_BATCH_MAX : (size_t)size;
    }
}

static void look_at(struct sim_campaign_state *state, struct sim_worker *worker)
{
    bool ended = sim_child_ended(&worker->child);
    bool hung = false;
    char end[SIM_END_TEXT_MAX];
    take_results(state, worker);
    if (!ended) {
        uint64_t progress = worker->child.shared->progress;
        uint64_t now = now_ms();
        if (progress != worker->progress) {
            worker->progress = progress;
            worker->moved_ms = now;
        }
        hung = now - worker->moved_ms > worker->limit_ms;
        if (!hung) {
            return;
        }
        sim_child_abort(&worker->child);
        take_results(state, worker);
    }
    if (worker->taken < worker->count) {
        take_cut_off(state, worker, hung);
    } else if (!hung && worker->child.wait_status != 0 && state->code == 0) {
        struct mm1_text words = sim_child_output(&worker->child, 2, 2000);
        sim_campaign_fail(state, 3, "a child process failed after its last run: %s\n%.*s",
                          sim_child_end_text(&worker->child, end), (int)words.size,
                          words.data == NULL ? "" : words.data);
        free((void *)(uintptr_t)words.data);
    }
    learn(state, worker);
    sim_child_close(&worker->child);
    worker->busy = false;
}

/* Waits until a child ends or a moment has passed. */
static void wait_a_moment(const struct sim_campaign_state *state)
{
    struct pollfd files[256];
    nfds_t count = 0;
    for (unsigned i = 0; i < state->options->jobs && count < MM1_COUNT_OF(files); i++) {
        if (state->workers[i].busy) {
            files[count++] =
                (struct pollfd){.fd = state->workers[i].child.pid_file, .events = POLLIN};
        }
    }
    (void)poll(files, count, TICK_MS);
}

void sim_campaign_work(struct sim_campaign_state *state)
{
    state->batch = BATCH_FIRST;
    while (!stopped(state) && state->frontier < state->total) {
        give_work(state);
        wait_a_moment(state);
        for (unsigned i = 0; i < state->options->jobs && state->code == 0; i++) {
            if (state->workers[i].busy) {
                look_at(state, &state->workers[i]);
            }
        }
        if (state->code == 0) {
            sim_campaign_advance(state);
        }
        sim_campaign_progress(state, false);
    }
    for (unsigned i = 0; i < state->options->jobs; i++) {
        sim_child_close(&state->workers[i].child);
    }
}
