/* The child of a job: claims seeds, runs them, and tells what did not pass. */
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mm1/clock.h>

#include "base/prng.h"
#include "fuzz/sup_campaign_state.h"

/* Seeds of one claim. */
#define CLAIM 16u
/* One seed in so many runs twice; which ones, the seed says. */
#define TWICE_OF 16u
#define KEY UINT64_C(0x7375707477696365)

static const struct mm1_runnable *volatile running;

struct worker {
    const struct sup_campaign_state *state;
    struct sup_shared *shared;
    struct sup_slot *slot;
    struct sup_run_watch watch;
};

/* The memory of one run serves the next: without this, each would give it back to the system and fault it in again. */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 128 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
}

static void tell(const struct worker *w, uint64_t index, const struct sup_run *run)
{
    struct sup_slot *slot = w->slot;
    uint64_t put = atomic_load(&slot->put);
    while (put - atomic_load(&slot->taken) == SUP_TOLD_MAX) {
        const struct timespec moment = {.tv_nsec = 500000};
        (void)nanosleep(&moment, NULL);
        slot->progress++; /* it waits, it does not hang */
    }
    slot->told[put % SUP_TOLD_MAX] = (struct sup_told){.index = index, .run = *run};
    atomic_store(&slot->put, put + 1);
}

static void add_up(struct sup_sums *sums, const struct sup_case *the_case,
                   const struct sup_run *run, bool twice)
{
    uint32_t dimensions = sup_dimensions_of(the_case);
    sums->cases++;
    sums->twice += twice ? 1 : 0;
    sums->events += run->events;
    sums->virtual_s += run->virtual_ns / MM1_NS_PER_SEC;
    sums->again += run->again;
    sums->began += run->began ? 1 : 0;
    for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
        sums->occurred[i] += dimensions >> i & 1;
    }
}

static mm1_status run_case(const struct worker *w, const struct sup_case *the_case,
                           const struct sup_world *world, struct sup_run *run)
{
    if (w->state->options->before != NULL) {
        w->state->options->before(world->seed);
    }
    return sup_run_case(the_case, world, &w->watch, run);
}

/* The same once more, where the seed is one of those. */
static mm1_status run_again(const struct worker *w, const struct sup_case *the_case,
                            const struct sup_world *world, struct sup_run *run)
{
    struct sup_run second;
    MM1_TRY(run_case(w, the_case, world, &second));
    if (second.hash == run->hash && second.failed == run->failed) {
        return MM1_OK;
    }
    run->failed = true;
    run->code = 13;
    (void)snprintf(run->signature, sizeof(run->signature), "nondeterminism");
    (void)snprintf(run->text, sizeof(run->text),
                   "the same seed gave two runs: hash %016llx, then %016llx",
                   (unsigned long long)run->hash, (unsigned long long)second.hash);
    return MM1_OK;
}

static mm1_status run_seed(const struct worker *w, uint64_t index)
{
    uint64_t seed = w->state->options->first + index;
    bool twice = mm1_prng_below(mm1_prng_word(seed, KEY, 0, 0), TWICE_OF) == 0;
    struct sup_world world = sup_world_of(seed);
    struct sup_case the_case;
    struct sup_run run;
    struct mm1__arena arena;
    mm1__arena_init(&arena);
    mm1_status status = sup_generate(&arena, seed, NULL, &the_case);
    if (status == MM1_OK) {
        status = run_case(w, &the_case, &world, &run);
    }
    if (status == MM1_OK && twice) {
        status = run_again(w, &the_case, &world, &run);
    }
    if (status == MM1_OK) {
        add_up(&w->slot->sums, &the_case, &run, twice);
        if (run.failed || w->state->options->hashes) {
            tell(w, index, &run);
        }
    }
    mm1__arena_close(&arena);
    return status;
}

/* The next seed of this job. False: there is none. */
static bool next_seed(const struct worker *w, uint64_t *index)
{
    struct sup_slot *slot = w->slot;
    uint64_t limit = atomic_load(&w->shared->limit);
    *index = atomic_load(&slot->at);
    if (*index >= atomic_load(&slot->end) || *index >= limit) {
        *index = atomic_fetch_add(&w->shared->next, CLAIM);
        atomic_store(&slot->at, *index);
        atomic_store(&slot->end, *index + CLAIM);
    }
    return *index < limit && atomic_load(&w->shared->stop) == 0;
}

void sup_work(const struct sup_campaign_state *state, unsigned job)
{
    struct worker w = {.state = state, .shared = state->shared, .slot = &state->shared->slots[job]};
    uint64_t index;
    w.watch = (struct sup_run_watch){.progress = &w.slot->progress, .running = &running};
    if (!sup_child_begin(state->jobs[job].words, &w.slot->crash, &running)) {
        exit(3);
    }
    keep_memory();
    while (next_seed(&w, &index)) {
        mm1_status status = run_seed(&w, index);
        if (status != MM1_OK) {
            (void)fprintf(stderr, "seed %" PRIu64 ": %s\n", state->options->first + index,
                          mm1_status_text(status));
            exit(3);
        }
        atomic_store(&w.slot->at, index + 1);
    }
    exit(0);
}
