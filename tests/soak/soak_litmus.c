/* The litmus programs for long: every legal outcome in the first 1,000 seeds of the simulator and no other in all of
 * them; on threads no other in any run. Arguments: --short, or how many runs each program gets in the simulator. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/conform/litmus/litmus_sim.h"
#include "tests/conform/litmus/litmus_threads.h"

#define REACHED_WITHIN 1000
#define WORKERS_MAX 4

static bool play_sim(const struct litmus_program *program, uint64_t runs)
{
    uint64_t first = runs < REACHED_WITHIN ? runs : REACHED_WITHIN;
    struct litmus_tally tally = litmus_sim_play(program, 1, first);
    for (unsigned i = 0; i < litmus_legal(program) && tally.wrong[0] == '\0'; i++) {
        if (tally.reached[i] == 0 && runs >= REACHED_WITHIN) {
            (void)snprintf(tally.wrong, sizeof(tally.wrong), "outcome %u was never reached", i + 1);
        }
    }
    if (tally.wrong[0] == '\0' && runs > first) {
        struct litmus_tally rest = litmus_sim_play(program, 1 + first, runs - first);
        for (unsigned i = 0; i < LITMUS_OUTCOMES_MAX; i++) {
            tally.reached[i] += rest.reached[i];
        }
        memcpy(tally.wrong, rest.wrong, sizeof(tally.wrong));
    }
    (void)printf("  %-26s %-24s", program->name, program->outcomes);
    for (unsigned i = 0; i < litmus_legal(program); i++) {
        (void)printf(" %7llu", (unsigned long long)tally.reached[i]);
    }
    (void)printf("%s%s\n", tally.wrong[0] == '\0' ? "" : "  WRONG: ", tally.wrong);
    (void)fflush(stdout);
    return tally.wrong[0] == '\0';
}

static bool play_threads(unsigned workers, uint64_t runs)
{
    bool right = true;
    struct litmus_bench *bench = litmus_bench_new(workers);
    if (bench == NULL) {
        (void)printf("no node on %u workers\n", workers);
        return false;
    }
    for (size_t i = 0; i < litmus_program_count && right; i++) {
        uint64_t reached[LITMUS_OUTCOMES_MAX] = {0};
        const char *wrong = litmus_bench_play(bench, &litmus_programs[i], runs, reached);
        right = wrong[0] == '\0';
        if (!right) {
            (void)printf("  %s on %u workers  WRONG: %s\n", litmus_programs[i].name, workers,
                         wrong);
        }
    }
    litmus_bench_free(bench);
    return right;
}

int main(int argc, char **argv)
{
    bool is_short = argc > 1 && strcmp(argv[1], "--short") == 0;
    uint64_t runs = is_short ? 100 : argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    uint64_t thread_runs = is_short ? 20 : runs / 10;
    unsigned wrong = 0;
    if (runs == 0) {
        (void)fprintf(stderr, "usage: soak_litmus [--short | RUNS]\n");
        return 2;
    }
    for (size_t i = 0; i < litmus_program_count; i++) {
        wrong += !play_sim(&litmus_programs[i], runs);
    }
    for (unsigned workers = 1; workers <= WORKERS_MAX && wrong == 0; workers *= 2) {
        wrong += !play_threads(workers, thread_runs);
    }
    (void)printf(
        "litmus: %zu programs, %llu runs of each in the simulator, %llu on 1, 2 and 4 workers "
        "each: %s\n",
        litmus_program_count, (unsigned long long)runs, (unsigned long long)thread_runs,
        wrong == 0 ? "legal outcomes alone" : "FAILED");
    return wrong == 0 ? 0 : 1;
}
