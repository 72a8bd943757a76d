/* What the benchmarks share: one core, a clock, medians, rows of one table, and scenarios loaded in the process.
 *
 * The programs are run from the root of the sources and print rows for `./dev bench`, which prints the heading.
 * A program defines _GNU_SOURCE first, for sched_setaffinity. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/load.h"
#include "sim/run.h"

#define BENCH_ROUNDS 7 /* odd: the median is one of them */

static inline void bench_die(const char *what)
{
    (void)fprintf(stderr, "bench: %s\n", what);
    exit(1);
}

/* Keeps the process on one core: the last that it may use, which interrupts leave alone most. */
static inline void bench_pin(void)
{
    cpu_set_t allowed;
    cpu_set_t one;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) {
        bench_die("sched_getaffinity failed");
    }
    size_t last = 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (CPU_ISSET(cpu, &allowed)) {
            last = cpu;
        }
    }
    CPU_ZERO(&one);
    CPU_SET(last, &one);
    if (sched_setaffinity(0, sizeof(one), &one) != 0) {
        bench_die("sched_setaffinity failed");
    }
}

static inline double bench_seconds(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
        bench_die("clock_gettime failed");
    }
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static inline int bench_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Sorts the values of all rounds. */
static inline double bench_median(double values[BENCH_ROUNDS])
{
    qsort(values, BENCH_ROUNDS, sizeof(values[0]), bench_compare);
    return values[BENCH_ROUNDS / 2];
}

/* --- the table ------------------------------------------------------------------------------------------------ */

/* A number with commas between the thousands; small ones keep `digits` decimals. */
static inline void bench_number(double value, int digits, char out[32])
{
    char plain[32];
    int size = snprintf(plain, sizeof(plain), "%.*f", digits, value);
    const char *dot = strchr(plain, '.');
    int whole = dot == NULL ? size : (int)(dot - plain);
    size_t used = 0;
    for (int i = 0; i < size && used + 2 < 32; i++) {
        if (i > 0 && i < whole && (whole - i) % 3 == 0) {
            out[used++] = ',';
        }
        out[used++] = plain[i];
    }
    out[used] = '\0';
}

#define BENCH_ROW "%-50s %13s %-16s %s\n"

static inline void bench_row_judged(const char *what, double value, int digits, const char *unit,
                                    const char *verdict)
{
    char number[32];
    bench_number(value, digits, number);
    (void)printf(BENCH_ROW, what, number, unit, verdict);
    (void)fflush(stdout);
}

/* One row. `goal` 0: none is set. */
static inline void bench_row(const char *what, double value, int digits, const char *unit,
                             double goal)
{
    char wanted[32];
    char verdict[64] = "";
    if (goal > 0) {
        bench_number(goal, 0, wanted);
        (void)snprintf(verdict, sizeof(verdict), "%s %s", wanted, value >= goal ? "met" : "MISSED");
    }
    bench_row_judged(what, value, digits, unit, verdict);
}

/* One row of what shall be little. */
static inline void bench_row_most(const char *what, double value, int digits, const char *unit,
                                  double goal)
{
    char wanted[32];
    char verdict[64];
    bench_number(goal, 0, wanted);
    (void)snprintf(verdict, sizeof(verdict), "at most %s %s", wanted,
                   value <= goal ? "met" : "MISSED");
    bench_row_judged(what, value, digits, unit, verdict);
}

/* --- scenarios ------------------------------------------------------------------------------------------------ */

struct bench_scenario {
    struct mm1__loaded_system loaded;
    struct sim_scenario *scenario;
};

static inline void bench_check(mm1_status status, const struct mm1_diag *diag)
{
    if (status != MM1_OK) {
        bench_die(diag->text);
    }
}

#define BENCH_PATH_MAX 4096

/* The path of something in the build, named from the folder of this program. */
static inline void bench_beside(char path[BENCH_PATH_MAX], const char *name)
{
    ssize_t size = readlink("/proc/self/exe", path, BENCH_PATH_MAX - 1);
    if (size < 0) {
        bench_die("/proc/self/exe cannot be read");
    }
    path[size] = '\0';
    char *end = strrchr(path, '/');
    size_t room = BENCH_PATH_MAX - (size_t)(end - path);
    if (strlen(name) >= room) {
        bench_die("the path of this program is too long");
    }
    memcpy(end, name, strlen(name) + 1);
}

static inline void bench_resolve(struct bench_scenario *bench,
                                 const struct mm1__linked_systems *linked)
{
    struct mm1_diag diag;
    char systems[BENCH_PATH_MAX];
    bench_beside(systems, "/../systems");
    if (setenv("MM1_SYSTEM_PATH", systems, 1) != 0) {
        bench_die("setenv failed");
    }
    bench_check(mm1__system_load(linked, NULL, bench->scenario->system_name, &bench->loaded, &diag),
                &diag);
    bench_check(sim_scenario_resolve(bench->scenario, bench->loaded.system, &diag), &diag);
}

static inline void bench_open_file(struct bench_scenario *bench, const char *file)
{
    struct mm1_diag diag;
    bench_check(sim_scenario_load_file(file, &bench->scenario, &diag), &diag);
    bench_resolve(bench, NULL);
}

/* `linked` may be null. */
static inline void bench_open_text(struct bench_scenario *bench, const char *text,
                                   const struct mm1__linked_systems *linked)
{
    struct mm1_diag diag;
    bench_check(sim_scenario_load_text(mm1_text_of(text), "bench.json", &bench->scenario, &diag),
                &diag);
    bench_resolve(bench, linked);
}

static inline void bench_close(struct bench_scenario *bench)
{
    sim_scenario_free(bench->scenario);
    mm1__system_unload(&bench->loaded);
}

/* A ring of the system "ring"; bounds that a long one does not reach. */
static inline void bench_open_ring(struct bench_scenario *bench, unsigned actors, unsigned hops)
{
    char text[512];
    (void)snprintf(text, sizeof(text),
                   "{\"system\": \"ring\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": {"
                   "\"role\": \"starter\", \"args\": {\"actors\": %u, \"hops\": %u}, "
                   "\"auto\": \"<aa0:>/16\"}}, \"granularity\": \"turn\", "
                   "\"end\": {\"at_most\": \"24h\"}}",
                   actors, hops);
    bench_open_text(bench, text, NULL);
    bench->scenario->bounds.events = UINT64_MAX;
}

/* One run; returns the seconds it took. A run that does not pass is no measurement. */
static inline double bench_run(const struct bench_scenario *bench, uint64_t seed,
                               struct sim_sink *sink, struct sim_result *result)
{
    struct sim_run_spec spec = {
        .scenario = bench->scenario, .system = bench->loaded.system, .seed = seed, .sink = sink};
    double begun = bench_seconds();
    sim_run(&spec, result);
    double took = bench_seconds() - begun;
    if (result->verdict != SIM_PASSED) {
        bench_die(result->text);
    }
    return took;
}

#endif
