/* Progress of a campaign on standard error: a bar on a terminal, a line now and then elsewhere; and what it came to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/sup_campaign_state.h"

#define BAR_MS 200u
#define LINE_MS 5000u
#define BAR_WIDTH 30u

struct sup_sums sup_campaign_sums(const struct sup_campaign_state *state)
{
    struct sup_sums sum = {0};
    for (unsigned i = 0; i < state->options->jobs; i++) {
        const struct sup_sums *one = &state->shared->slots[i].sums;
        sum.cases += one->cases;
        sum.twice += one->twice;
        sum.events += one->events;
        sum.virtual_s += one->virtual_s;
        sum.again += one->again;
        sum.began += one->began;
        for (unsigned k = 0; k < SUP_DIMENSIONS; k++) {
            sum.occurred[k] += one->occurred[k];
        }
    }
    return sum;
}

/* Of a thousand; of the time or of the seeds. */
static unsigned share_done(const struct sup_campaign_state *state, uint64_t cases,
                           uint64_t since_ms)
{
    uint64_t whole =
        state->options->time_ns != 0 ? state->options->time_ns / 1000000 : state->total;
    uint64_t part = state->options->time_ns != 0 ? since_ms : cases;
    uint64_t share = whole < 1000 ? part * 1000 / (whole == 0 ? 1 : whole) : part / (whole / 1000);
    return share > 1000 ? 1000 : (unsigned)share;
}

static void print_bar(const struct sup_campaign_state *state, uint64_t cases, uint64_t since_ms)
{
    char bar[BAR_WIDTH + 1];
    const char *plain = getenv("NO_COLOR");
    bool red = state->failed > 0 && (plain == NULL || plain[0] == '\0');
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', share_done(state, cases, since_ms) * BAR_WIDTH / 1000);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r[%s] %llu cases, %s%llu failed%s (%zu kinds), %llu cases/s\033[K", bar,
                  (unsigned long long)cases, red ? "\033[31m" : "",
                  (unsigned long long)state->failed, red ? "\033[0m" : "", state->group_count,
                  (unsigned long long)(cases * 1000 / since_ms));
}

void sup_campaign_progress(struct sup_campaign_state *state, bool last)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    uint64_t now = sup_now_ms();
    uint64_t since_ms = now - state->begun_ms + 1;
    state->told_ms = state->told_ms == 0 ? now : state->told_ms;
    if (last) {
        if (terminal) {
            (void)fprintf(stderr, "\r\033[K");
        }
        return;
    }
    if (now - state->told_ms < (terminal ? BAR_MS : LINE_MS)) {
        return;
    }
    state->told_ms = now;
    uint64_t cases = sup_campaign_sums(state).cases + state->crashed;
    if (terminal) {
        print_bar(state, cases, since_ms);
    } else {
        (void)fprintf(stderr, "mm1: %llu cases, %llu failed (%zu kinds), %llu cases/s\n",
                      (unsigned long long)cases, (unsigned long long)state->failed,
                      state->group_count, (unsigned long long)(cases * 1000 / since_ms));
    }
    (void)fflush(stderr);
}

/* --- the summary ---------------------------------------------------------------------------------------------- */

/* What nobody saw, so that a campaign that proves nothing says so. */
static void print_missing(const struct sup_sums *sums)
{
    size_t missing = 0;
    for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
        if (sums->occurred[i] == 0) {
            (void)fprintf(stderr, "%s%s", missing++ == 0 ? "mm1: never occurred: " : ", ",
                          sup_dimension_text((enum sup_dimension)i));
        }
    }
    if (sums->began == 0) {
        (void)fprintf(stderr, "%sa tree that stood",
                      missing++ == 0 ? "mm1: never occurred: " : ", ");
    }
    if (sums->again == 0) {
        (void)fprintf(stderr, "%sa restart", missing++ == 0 ? "mm1: never occurred: " : ", ");
    }
    if (missing != 0) {
        (void)fprintf(stderr, "\n");
    }
}

void sup_campaign_summary(const struct sup_campaign_state *state)
{
    struct sup_sums sums = sup_campaign_sums(state);
    uint64_t took_ms = sup_now_ms() - state->begun_ms + 1;
    uint64_t cases = sums.cases + state->crashed;
    if (cases == 0) {
        return;
    }
    (void)fprintf(
        stderr,
        "mm1: %llu cases in %llu.%02llu s: %llu cases/s, %llu events/s, %llu simulated "
        "seconds; %llu restarts, %llu runs a second time\n",
        (unsigned long long)cases, (unsigned long long)(took_ms / 1000),
        (unsigned long long)(took_ms % 1000 / 10), (unsigned long long)(cases * 1000 / took_ms),
        (unsigned long long)(sums.events * 1000 / took_ms), (unsigned long long)sums.virtual_s,
        (unsigned long long)sums.again, (unsigned long long)sums.twice);
    print_missing(&sums);
}
