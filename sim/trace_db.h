/* The writer of traces: rows into a SQLite file that appears under its name only when it is complete.
 *
 * Errors stick: after the first one nothing more is written, and sim_trace_db_error says what it was. One process, one
 * thread, and never across a fork. */
#ifndef SIM_TRACE_DB_H
#define SIM_TRACE_DB_H

#include <sqlite3.h>

#include "sim/run.h"

#define SIM_TRACE_SCHEMA_VERSION 1
#define SIM_TRACE_APPLICATION_ID 0x6d6d3174 /* "mm1t" */
#define SIM_ERROR_MAX 1024

/* How the options of a run begin that a test made with mm1/sim.h: it cannot be replayed without the test. */
#define SIM_OPTIONS_OF_TEST "mm1/sim.h "

/* What a run is the run of, besides its seed. All texts are borrowed for the call. */
struct sim_identity {
    const char *scenario;
    const char *scenario_file;
    struct mm1_text scenario_text;
    const char *scenario_hash;
    const char *system;
    uint32_t system_abi;
    const char *system_version;
    const char *source_version;
    const char *version;
    const char *build_id;
    const char *generator;
    const char *strategy;
    const char *options;
    const char *options_hash;
};

struct sim_trace_db;

/* Begins a trace that will stand at `path`; until then it is a temporary file beside it. Not MM1_OK: `error` says why
 * in one line, and nothing is left behind. */
MM1_NODISCARD mm1_status sim_trace_db_open(const char *path, struct sim_trace_db **out,
                                           char error[SIM_ERROR_MAX]);
/* Begins a run; returns its number, from 1. Rows go to the sink until sim_trace_db_end. */
uint64_t sim_trace_db_begin(struct sim_trace_db *db, const struct sim_identity *identity,
                            uint64_t seed);
struct sim_sink *sim_trace_db_sink(struct sim_trace_db *db);
/* What the system printed, stored line by line. `stream`: 1 or 2. */
void sim_trace_db_output(struct sim_trace_db *db, int stream, struct mm1_text text);
/* Ends the run. `complete` is false when it was cut off by a crash. */
void sim_trace_db_end(struct sim_trace_db *db, const struct sim_result *result, bool complete);

/* Null while all is well. Lives as long as `db`. */
const char *sim_trace_db_error(const struct sim_trace_db *db);
/* The connection, with all rows written so far, for questions to the trace before it is complete. */
sqlite3 *sim_trace_db_handle(struct sim_trace_db *db);

/* Makes the indexes, closes the file and gives it its name, replacing what stood there. Frees `db` in all cases; not
 * MM1_OK: `error` says why, and nothing is left behind. */
MM1_NODISCARD mm1_status sim_trace_db_commit(struct sim_trace_db *db, char error[SIM_ERROR_MAX]);
/* Removes the temporary file and frees `db`; null is ignored. */
void sim_trace_db_abandon(struct sim_trace_db *db);

#endif
