/* Rows per second and bytes per row of traces: the writer alone, fed with the events of a made-up run of two actors
 * that send each other small messages; and end to end, the simulator running the ring's ping-pong and kv with every
 * event written. "With the index" is until the file stands complete under its name. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <sys/stat.h>

#include "bench.h"
#include "sim/trace_db.h"

#define EVENTS 400000u
#define HOPS 150000u
#define SEEDS 40u

struct rates {
    double written[BENCH_ROUNDS]; /* rows per second until the last row is given */
    double done[BENCH_ROUNDS];    /* until the trace is complete */
    double bytes[BENCH_ROUNDS];   /* of the file, per row */
};

/* --- one trace ------------------------------------------------------------------------------------------------ */

struct trace {
    const char *path;
    struct sim_trace_db *db;
    double begun;
};

static void trace_open(struct trace *trace)
{
    char error[SIM_ERROR_MAX];
    trace->begun = bench_seconds();
    if (sim_trace_db_open(trace->path, &trace->db, error) != MM1_OK) {
        bench_die(error);
    }
}

static void trace_begin(struct trace *trace, uint64_t seed)
{
    const struct sim_identity identity = {.scenario = "bench", .scenario_text = MM1_TEXT("{}")};
    (void)sim_trace_db_begin(trace->db, &identity, seed);
}

static void trace_close(struct trace *trace, double rows, struct rates *rates, int round)
{
    char error[SIM_ERROR_MAX];
    struct stat file;
    double written = bench_seconds();
    if (sim_trace_db_commit(trace->db, error) != MM1_OK) {
        bench_die(error);
    }
    double done = bench_seconds();
    if (stat(trace->path, &file) != 0) {
        bench_die("the trace is not there");
    }
    rates->written[round] = rows / (written - trace->begun);
    rates->done[round] = rows / (done - trace->begun);
    rates->bytes[round] = (double)file.st_size / rows;
}

/* --- the writer alone ----------------------------------------------------------------------------------------- */

static void give_event(struct sim_sink *sink, uint64_t seq, const char *json, size_t json_size)
{
    bool send = seq % 2 == 0;
    const struct sim_event_row row = {
        .seq = seq,
        .time_ns = 1000000 + seq * 750,
        .kind = send ? MM1_EVENT_SEND : MM1_EVENT_RECEIVE,
        .actor = 1 + seq / 2 % 2,
        .peer = send ? 1 + (seq / 2 + 1) % 2 : 0,
        .peer_address = MM1_ADDR(send ? 0xfff8000000000100u + (seq / 2 + 1) % 2 : 0),
        .verb = -1,
        .type = "bench::Ping",
        .json = {.data = send ? json : NULL, .size = send ? json_size : 0},
        .cause = seq - 1,
        .signal = send ? seq / 2 : 0,
        .hash = seq * 0x9e3779b97f4a7c15u,
    };
    sink->ops->event(sink, &row);
}

static void give_people(struct sim_sink *sink)
{
    const struct sim_node_row node = {.name = "a", .host = "a", .role = "player"};
    sink->ops->node(sink, &node);
    for (uint64_t actor = 1; actor <= 2; actor++) {
        const struct sim_actor_row row = {.actor = actor,
                                          .born = 1,
                                          .path = "/bench/player#1",
                                          .behaviour = "player",
                                          .address = MM1_ADDR(0xfff8000000000100u + actor - 1)};
        sink->ops->actor(sink, &row);
    }
}

static void writer_alone(const char *path, struct rates *rates, int round)
{
    struct trace trace = {.path = path};
    const struct sim_result result = {.events = EVENTS};
    trace_open(&trace);
    trace_begin(&trace, 1);
    struct sim_sink *sink = sim_trace_db_sink(trace.db);
    give_people(sink);
    for (uint64_t seq = 1; seq <= EVENTS; seq++) {
        char json[64];
        int size = snprintf(json, sizeof(json), "{\"round\":%" PRIu64 "}", seq);
        give_event(sink, seq, json, (size_t)size);
    }
    sim_trace_db_end(trace.db, &result, true);
    trace_close(&trace, EVENTS, rates, round);
}

/* --- end to end ----------------------------------------------------------------------------------------------- */

/* Rows are events; the decisions, of which a run has fewer, are written beside them and not counted. */
static void end_to_end(const struct bench_scenario *bench, uint64_t seeds, const char *path,
                       struct rates *rates, int round)
{
    struct trace trace = {.path = path};
    double rows = 0;
    trace_open(&trace);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct sim_result result;
        trace_begin(&trace, seed);
        (void)bench_run(bench, seed, sim_trace_db_sink(trace.db), &result);
        sim_trace_db_end(trace.db, &result, true);
        rows += (double)result.events;
    }
    trace_close(&trace, rows, rates, round);
}

static void print_rates(const char *what, struct rates *rates, double goal)
{
    char text[64];
    (void)snprintf(text, sizeof(text), "trace, %s", what);
    bench_row(text, bench_median(rates->written), 0, "rows/s", goal);
    (void)snprintf(text, sizeof(text), "trace, %s, with the index", what);
    bench_row(text, bench_median(rates->done), 0, "rows/s", goal);
    (void)snprintf(text, sizeof(text), "trace, %s, size", what);
    bench_row(text, bench_median(rates->bytes), 1, "bytes/row", 0);
}

int main(void)
{
    char folder[] = "/tmp/mm1-bench-XXXXXX";
    char path[64];
    static struct rates alone;
    static struct rates pair;
    static struct rates kv;
    struct bench_scenario pair_bench;
    struct bench_scenario kv_bench;
    bench_pin();
    bench_open_ring(&pair_bench, 2, HOPS);
    bench_open_file(&kv_bench, "scenarios/kv/quiet.json");
    if (mkdtemp(folder) == NULL) {
        bench_die("a temporary folder cannot be made");
    }
    (void)snprintf(path, sizeof(path), "%s/trace.db", folder);
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        writer_alone(path, &alone, round);
        end_to_end(&pair_bench, 1, path, &pair, round);
        end_to_end(&kv_bench, SEEDS, path, &kv, round);
    }
    (void)unlink(path);
    (void)rmdir(folder);
    print_rates("writer alone", &alone, 600000);
    print_rates("end to end, ping-pong", &pair, 350000);
    print_rates("end to end, kv", &kv, 350000);
    bench_close(&pair_bench);
    bench_close(&kv_bench);
    return 0;
}
