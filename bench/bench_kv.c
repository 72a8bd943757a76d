/* Seeds per second of a real scenario without faults, scenarios/kv/quiet.json: run after run in this process, and as a
 * campaign of the command, each run in a child process, as a user runs it. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <fcntl.h>
#include <malloc.h>
#include <spawn.h>
#include <sys/wait.h>

#include "bench.h"

#define FILE_NAME "scenarios/kv/quiet.json"
#define SEEDS 100u

struct rates {
    double seeds[BENCH_ROUNDS];
    double steps[BENCH_ROUNDS];
    double ratio[BENCH_ROUNDS]; /* virtual time to real time */
    double campaign[BENCH_ROUNDS];
};

static void run_seeds(const struct bench_scenario *bench, struct rates *rates, int round)
{
    double took = 0;
    double simulated = 0;
    double steps = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct sim_result result;
        took += bench_run(bench, seed, NULL, &result);
        simulated += (double)(result.end_ns - result.start_ns) / 1e9;
        steps += (double)result.steps;
    }
    rates->seeds[round] = SEEDS / took;
    rates->steps[round] = steps / took;
    rates->ratio[round] = simulated / took;
}

/* As the children of a campaign do: the memory of one run serves the next. */
static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 128 << 20);
    (void)mallopt(M_TOP_PAD, 1 << 20);
}

extern char **environ;

/* `mm1 sim` of the same seeds, one job; its output is of no interest. */
static double run_campaign(char *mm1)
{
    char range[32];
    char *argv[] = {mm1, "sim", FILE_NAME, "--seed", range, "--jobs", "1", NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    (void)snprintf(range, sizeof(range), "1..%u", SEEDS);
    if (posix_spawn_file_actions_init(&actions) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0) != 0 ||
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) != 0) {
        bench_die("no memory");
    }
    double begun = bench_seconds();
    if (posix_spawn(&child, mm1, &actions, NULL, argv, environ) != 0 ||
        waitpid(child, &status, 0) != child || status != 0) {
        bench_die("mm1 sim " FILE_NAME " did not pass");
    }
    double took = bench_seconds() - begun;
    (void)posix_spawn_file_actions_destroy(&actions);
    return SEEDS / took;
}

int main(void)
{
    static struct rates rates;
    struct bench_scenario bench;
    char mm1[BENCH_PATH_MAX];
    bench_pin();
    keep_memory();
    bench_beside(mm1, "/../mm1");
    bench_open_file(&bench, FILE_NAME);
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        run_seeds(&bench, &rates, round);
        rates.campaign[round] = run_campaign(mm1);
    }
    bench_row("kv/quiet.json: runs in one process", bench_median(rates.seeds), 0, "seeds/s", 0);
    bench_row("kv/quiet.json: mm1 sim, a child each", bench_median(rates.campaign), 0, "seeds/s",
              0);
    bench_row("kv/quiet.json: steps", bench_median(rates.steps), 0, "steps/s", 0);
    bench_row("kv/quiet.json: simulated to real time", bench_median(rates.ratio), 0, ": 1", 0);
    bench_close(&bench);
    return 0;
}
