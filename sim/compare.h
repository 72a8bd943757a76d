/* Compares a run that is under way with a recorded one, event by event, and stops at the first difference. */
#ifndef SIM_COMPARE_H
#define SIM_COMPARE_H

#include "sim/trace_read.h"

#define SIM_SIDE_MAX 1024

struct sim_compare {
    struct sim_sink sink;
    struct sim_sink *next; /* gets all rows too; null: nobody does */
    struct sim_trace_cursor recorded;
    uint64_t until;    /* seq after which it stops; 0: never */
    uint64_t compared; /* events that agreed */
    bool enough;       /* it stopped: no more rows are wanted */
    bool differs;
    char here[SIM_SIDE_MAX]; /* the first differing event, as recorded; "nothing more" at its end */
    char there[SIM_SIDE_MAX]; /* and as it is now */
};

/* Compares with run number `run` of the trace behind `sqlite`. MM1_INVALID: it cannot be read. */
MM1_NODISCARD mm1_status sim_compare_open(struct sim_compare *compare, sqlite3 *sqlite,
                                          uint64_t run, struct sim_sink *next);
/* The run has ended: looks whether the recorded one goes on. Closes the cursor. */
void sim_compare_end(struct sim_compare *compare);

/* Writes an event as one line for people, with a NUL. */
void sim_compare_print(const struct sim_event_row *row, char *out, size_t size);

#endif
