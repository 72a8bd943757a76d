/* The rows of a traced run as bytes: a sink that writes them into a ring, and a reader that calls another sink. */
#ifndef SIM_ROWS_H
#define SIM_ROWS_H

#include "sim/names.h"
#include "sim/ring.h"
#include "sim/run.h"

struct sim_rows_writer {
    struct sim_sink sink;
    struct sim_ring *ring;
    struct sim_names types;
};

/* `ring` outlives the writer. */
void sim_rows_writer_open(struct sim_rows_writer *writer, struct sim_ring *ring);
void sim_rows_writer_close(struct sim_rows_writer *writer);

struct sim_rows_reader {
    struct sim_ring *ring;
    char **types; /* by number - 1 */
    size_t type_count;
    /* Of the last event that was read; 0: none was. */
    uint64_t last_seq;
    uint64_t last_hash;
    uint64_t last_time_ns;
    uint64_t first_time_ns;
};

/* Hands all rows that are there to `sink`, waiting up to `wait_ms` for the first. Returns how many bytes were read.
 * `*broken` is set when the ring holds no rows: the writer went mad. */
size_t sim_rows_read(struct sim_rows_reader *reader, struct sim_sink *sink, unsigned wait_ms,
                     bool *broken);
void sim_rows_reader_close(struct sim_rows_reader *reader);

#endif
