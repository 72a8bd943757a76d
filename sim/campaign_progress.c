/* Progress of a campaign on standard error: a bar on a terminal, a line now and then elsewhere. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/campaign_state.h"

#define BAR_MS 200u
#define LINE_MS 5000u
#define BAR_WIDTH 30u

static void print_bar(const struct sim_campaign_state *state, uint64_t rate)
{
    char bar[BAR_WIDTH + 1];
    const char *plain = getenv("NO_COLOR");
    bool red = state->failed > 0 && (plain == NULL || plain[0] == '\0');
    /* Without overflow for any number of seeds. */
    unsigned full =
        (unsigned)(state->total < BAR_WIDTH ? state->frontier * BAR_WIDTH / state->total
                                            : state->frontier / (state->total / BAR_WIDTH));
    full = full > BAR_WIDTH ? BAR_WIDTH : full;
    memset(bar, '.', BAR_WIDTH);
    memset(bar, '#', full);
    bar[BAR_WIDTH] = '\0';
    (void)fprintf(stderr, "\r[%s] %llu/%llu seeds, %s%llu failed%s, %llu seeds/s\033[K", bar,
                  (unsigned long long)state->frontier, (unsigned long long)state->total,
                  red ? "\033[31m" : "", (unsigned long long)state->failed, red ? "\033[0m" : "",
                  (unsigned long long)rate);
}

void sim_campaign_progress(struct sim_campaign_state *state, bool last)
{
    uint64_t now = sim_now_ns() / 1000000;
    bool terminal = isatty(STDERR_FILENO) == 1;
    uint64_t since = now - state->begun_ns / 1000000 + 1;
    if (state->told_ms == 0) {
        state->told_ms = now;
    }
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
    uint64_t rate = state->frontier * 1000 / since;
    if (terminal) {
        print_bar(state, rate);
    } else {
        (void)fprintf(stderr, "mm1: %llu/%llu seeds, %llu failed, %llu seeds/s\n",
                      (unsigned long long)state->frontier, (unsigned long long)state->total,
                      (unsigned long long)state->failed, (unsigned long long)rate);
    }
    (void)fflush(stderr);
}
