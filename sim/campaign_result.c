/* What becomes of results: which seeds run again, which have failed, and in which order they are reported. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/campaign_state.h"
#include "sim/report.h"

struct sim_slot *sim_campaign_slot(struct sim_campaign_state *state, uint64_t index)
{
    return &state->slots[index & (SIM_WINDOW - 1)];
}

void sim_finding_free(struct sim_finding *finding)
{
    if (finding != NULL) {
        free(finding->batch);
        free(finding->crash);
        free(finding->difference);
        free(finding);
    }
}

bool sim_indices_add(struct sim_indices_queue *queue, uint64_t index)
{
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        uint64_t *items = realloc(queue->items, capacity * sizeof(*items));
        if (items == NULL) {
            return false;
        }
        queue->items = items;
        queue->capacity = capacity;
    }
    queue->items[queue->count++] = index;
    return true;
}

static void nomem(struct sim_campaign_state *state)
{
    sim_campaign_fail(state, 3, "out of memory");
}

/* --- vacuity -------------------------------------------------------------------------------------------------- */

/* The number of what was vacuous in a run; runs of one scenario have few different ones. */
static uint32_t vacuous_number(struct sim_campaign_state *state, const char *text)
{
    bool fresh = false;
    if (text[0] == '\0') {
        return 0;
    }
    uint32_t number = sim_names_number(&state->vacuous_names, mm1_text_of(text), &fresh);
    if (fresh) {
        char **texts = realloc(state->vacuous_texts, number * sizeof(*texts));
        if (texts != NULL) {
            state->vacuous_texts = texts;
            texts[number - 1] = strdup(text);
        }
        if (texts == NULL || texts[number - 1] == NULL) {
            state->vacuous_names.count--;
            number = 0;
        }
    }
    if (number == 0) {
        nomem(state);
    }
    return number;
}

/* True when `item` is one of the items of `list`, which has "; " between them. */
static bool has_item(const char *list, const char *item, size_t size)
{
    while (*list != '\0') {
        size_t length = strcspn(list, ";");
        if (length == size && memcmp(list, item, size) == 0) {
            return true;
        }
        list += length;
        list += strspn(list, "; ");
    }
    return false;
}

/* Keeps of what was vacuous in all runs so far only what is so in this one. */
static void intersect_vacuous(struct sim_campaign_state *state, uint32_t number)
{
    const char *now = number == 0 ? "" : state->vacuous_texts[number - 1];
    if (state->vacuous == NULL) {
        state->vacuous = strdup(now);
        if (state->vacuous == NULL) {
            nomem(state);
        }
        return;
    }
    if (strcmp(state->vacuous, now) == 0) {
        return;
    }
    char *to = state->vacuous;
    const char *from = state->vacuous;
    while (*from != '\0') {
        size_t length = strcspn(from, ";");
        if (has_item(now, from, length)) {
            if (to != state->vacuous) {
                *to++ = ';';
                *to++ = ' ';
            }
            memmove(to, from, length);
            to += length;
        }
        from += length;
        from += strspn(from, "; ");
    }
    *to = '\0';
}

/* --- results -------------------------------------------------------------------------------------------------- */

static bool failed(enum sim_verdict verdict)
{
    return verdict != SIM_PASSED && verdict != SIM_VACUOUS && verdict != SIM_INCONCLUSIVE;
}

static struct sim_finding *new_finding(struct sim_campaign_state *state,
                                       const struct sim_worker *worker, size_t at,
                                       const struct sim_result *result)
{
    struct sim_finding *finding = calloc(1, sizeof(*finding));
    uint64_t *batch = malloc((at + 1) * sizeof(*batch));
    if (finding == NULL || batch == NULL) {
        free(finding);
        free(batch);
        nomem(state);
        return NULL;
    }
    memcpy(batch, worker->seeds, (at + 1) * sizeof(*batch));
    finding->index = worker->indices[at];
    finding->result = *result;
    finding->batch = batch;
    finding->batch_count = at + 1;
    sim_campaign_slot(state, finding->index)->finding = finding;
    return finding;
}

static bool is_sampled(const struct sim_campaign_state *state, uint64_t index)
{
    return index % state->options->twice.den < state->options->twice.num;
}

static void set_done(struct sim_campaign_state *state, uint64_t index, enum sim_verdict verdict,
                     uint64_t hash)
{
    struct sim_slot *slot = sim_campaign_slot(state, index);
    slot->state = SIM_SLOT_DONE;
    slot->verdict = verdict;
    slot->hash = hash;
}

static void take_first(struct sim_campaign_state *state, struct sim_worker *worker, size_t at,
                       const struct sim_result *result, bool cut_off)
{
    uint64_t index = worker->indices[at];
    struct sim_slot *slot = sim_campaign_slot(state, index);
    slot->verdict = result->verdict;
    slot->hash = result->hash;
    slot->vacuous = vacuous_number(state, result->vacuous);
    if (!failed(result->verdict)) {
        bool again = is_sampled(state, index);
        if (result->verdict == SIM_INCONCLUSIVE && new_finding(state, worker, at, result) == NULL) {
            return;
        }
        slot->state = again ? SIM_SLOT_AGAIN : SIM_SLOT_DONE;
        if (again && !sim_indices_add(&state->second, index)) {
            nomem(state);
        }
        return;
    }
    struct sim_finding *finding = new_finding(state, worker, at, result);
    if (finding != NULL) {
        finding->cut_off = cut_off;
        slot->state = SIM_SLOT_AGAIN;
        *state->alone_end = finding;
        state->alone_end = &finding->next;
    }
}

/* The same seed, another outcome. */
static void set_unsteady(struct sim_campaign_state *state, struct sim_finding *finding,
                         const struct sim_result *now, const char *where)
{
    struct sim_result *result = &finding->result;
    char text[SIM_TEXT_MAX];
    (void)snprintf(text, sizeof(text),
                   "the same seed gave two runs: first %s (hash %016llx), "
                   "then, %s, %s (hash %016llx)",
                   sim_verdict_text(result->verdict), (unsigned long long)result->hash, where,
                   sim_verdict_text(now->verdict), (unsigned long long)now->hash);
    (void)snprintf(result->text, sizeof(result->text), "%s", text);
    (void)snprintf(result->signature, sizeof(result->signature), "nondeterminism");
    result->verdict = SIM_NONDETERMINISM;
    result->property[0] = '\0';
    set_done(state, finding->index, SIM_NONDETERMINISM, result->hash);
}

static void take_second(struct sim_campaign_state *state, const struct sim_worker *worker,
                        size_t at, const struct sim_result *result)
{
    uint64_t index = worker->indices[at];
    struct sim_slot *slot = sim_campaign_slot(state, index);
    if (slot->verdict == result->verdict && slot->hash == result->hash) {
        slot->state = SIM_SLOT_DONE;
        return;
    }
    struct sim_finding *finding = slot->finding;
    if (finding == NULL) {
        finding = new_finding(state, worker, at, result);
        if (finding == NULL) {
            return;
        }
        finding->result.verdict = slot->verdict;
        finding->result.hash = slot->hash;
    }
    set_unsteady(state, finding, result, "in another process");
}

static void take_alone(struct sim_campaign_state *state, const struct sim_worker *worker,
                       const struct sim_result *result, bool cut_off)
{
    struct sim_finding *finding = worker->finding;
    const struct sim_result *first = &finding->result;
    /* A run that was slow may pass when it is given time. Otherwise only the same end is the same run. */
    bool same_end =
        cut_off ? strcmp(result->signature, first->signature) == 0 : result->hash == first->hash;
    bool same = first->verdict == SIM_HANG || (result->verdict == first->verdict && same_end);
    if (!same) {
        set_unsteady(state, finding, result, "alone");
        return;
    }
    if (cut_off && worker->child.shared->crash.signal != 0) {
        finding->crash = malloc(sizeof(*finding->crash));
        if (finding->crash != NULL) {
            *finding->crash = worker->child.shared->crash;
        }
    }
    finding->result = *result;
    set_done(state, finding->index, result->verdict, result->hash);
    sim_campaign_slot(state, finding->index)->vacuous = vacuous_number(state, result->vacuous);
    if (!failed(result->verdict) && result->verdict != SIM_INCONCLUSIVE) {
        sim_campaign_slot(state, finding->index)->finding = NULL;
        sim_finding_free(finding);
    }
}

void sim_campaign_take(struct sim_campaign_state *state, struct sim_worker *worker, size_t at,
                       const struct sim_result *result, bool cut_off)
{
    state->runs++;
    state->events += result->events;
    state->virtual_ns += result->end_ns >= result->start_ns ? result->end_ns - result->start_ns : 0;
    if (result->verdict == SIM_UNABLE) {
        sim_campaign_fail(state, 3, "%s, seed %llu: the run could not be made: %s",
                          state->options->file, (unsigned long long)result->seed, result->text);
        return;
    }
    switch (worker->purpose) {
    case SIM_FIRST:
        take_first(state, worker, at, result, cut_off);
        break;
    case SIM_SECOND:
        take_second(state, worker, at, result);
        break;
    case SIM_ALONE:
        take_alone(state, worker, result, cut_off);
        break;
    }
}

/* --- reporting in order --------------------------------------------------------------------------------------- */

static struct sim_group *group_of(struct sim_campaign_state *state, const char *signature)
{
    for (size_t i = 0; i < state->group_count; i++) {
        if (strcmp(state->groups[i].signature, signature) == 0) {
            return &state->groups[i];
        }
    }
    struct sim_group *groups = realloc(state->groups, (state->group_count + 1) * sizeof(*groups));
    if (groups == NULL) {
        return NULL;
    }
    state->groups = groups;
    struct sim_group *group = &groups[state->group_count++];
    *group = (struct sim_group){0};
    (void)snprintf(group->signature, sizeof(group->signature), "%s", signature);
    return group;
}

/* Adds a failing seed to its group. Only the lowest of a group is kept whole. */
static void add_to_group(struct sim_campaign_state *state, struct sim_finding *finding)
{
    struct sim_group *group = group_of(state, finding->result.signature);
    uint64_t *seeds =
        group == NULL ? NULL : realloc(group->seeds, (group->count + 1) * sizeof(*group->seeds));
    if (seeds == NULL) {
        sim_finding_free(finding);
        nomem(state);
        return;
    }
    group->seeds = seeds;
    seeds[group->count++] = state->first + finding->index;
    if (group->lowest == NULL) {
        group->lowest = finding;
    } else {
        sim_finding_free(finding);
    }
}

static void report(struct sim_campaign_state *state, struct sim_slot *slot)
{
    bool fails = failed(slot->verdict);
    bool shown =
        fails || slot->verdict == SIM_INCONCLUSIVE || state->options->hashes || state->total == 1;
    struct sim_finding *finding = slot->finding;
    slot->finding = NULL;
    if (shown) {
        sim_report_seed(stdout, state->first + state->frontier, slot->verdict, slot->hash);
    }
    if (fails) {
        state->failed++;
        add_to_group(state, finding);
        state->over = state->over || state->options->fail_fast;
        return;
    }
    intersect_vacuous(state, slot->vacuous);
    if (slot->verdict != SIM_INCONCLUSIVE) {
        state->passed++;
        sim_finding_free(finding);
    } else {
        state->inconclusive++;
        if (state->first_inconclusive == NULL) {
            state->first_inconclusive = finding;
        } else {
            sim_finding_free(finding);
        }
    }
}

void sim_campaign_advance(struct sim_campaign_state *state)
{
    uint64_t before = state->frontier;
    while (!state->over && state->frontier < state->next) {
        struct sim_slot *slot = sim_campaign_slot(state, state->frontier);
        if (slot->state != SIM_SLOT_DONE) {
            break;
        }
        report(state, slot);
        *slot = (struct sim_slot){0};
        state->frontier++;
    }
    if (state->frontier != before && fflush(stdout) != 0) {
        sim_campaign_fail(state, 3, "standard output cannot be written");
    }
}
