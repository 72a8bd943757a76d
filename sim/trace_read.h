/* Reading traces: which runs a file holds, their identities, decisions and events. The file is never changed. */
#ifndef SIM_TRACE_READ_H
#define SIM_TRACE_READ_H

#include "sim/trace_db.h"

struct sim_trace;

/* Opens a trace. Not MM1_OK: `error` says in one line what is wrong (missing, no SQLite file, truncated, another
 * schema). */
MM1_NODISCARD mm1_status sim_trace_open(const char *path, struct sim_trace **out,
                                        char error[SIM_ERROR_MAX]);
/* Null is ignored. */
void sim_trace_close(struct sim_trace *trace);
sqlite3 *sim_trace_handle(struct sim_trace *trace);

/* A recorded run. Its texts belong to it. */
struct sim_recorded {
    uint64_t run;
    struct sim_identity identity;
    struct sim_result result;
    bool complete;
    size_t decision_count;
    char *texts[13]; /* what `identity` points to */
};

/* Reads run number `run`; 0: the one with the lowest seed. */
MM1_NODISCARD mm1_status sim_trace_run(struct sim_trace *trace, uint64_t run,
                                       struct sim_recorded **out, char error[SIM_ERROR_MAX]);
void sim_recorded_free(struct sim_recorded *recorded);

/* Reads the decisions of a run into `items`, which has room for `count`. */
MM1_NODISCARD mm1_status sim_trace_decisions(struct sim_trace *trace, uint64_t run,
                                             struct sim_decision *items, size_t count,
                                             char error[SIM_ERROR_MAX]);

/* Walks over the events of a run. Rows borrow from the cursor until the next call. */
struct sim_trace_cursor {
    sqlite3_stmt *statement;
};
MM1_NODISCARD mm1_status sim_trace_cursor_open(sqlite3 *sqlite, uint64_t run,
                                               struct sim_trace_cursor *cursor);
/* False: there is none left. `*code` is the sqlite code. */
bool sim_trace_cursor_next(struct sim_trace_cursor *cursor, struct sim_event_row *row, int *code);
void sim_trace_cursor_close(struct sim_trace_cursor *cursor);

#endif
