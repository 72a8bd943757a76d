/* A ring of bytes in shared memory with one writer and one reader, which may be two processes. Records are written and
 * read in place: the ring is mapped twice in a row, so that none is ever cut.
 *
 * The writer waits while the ring is full. The reader is woken when much has come in, and else looks again after a few
 * milliseconds: waking it for every record would cost more than the record. */
#ifndef SIM_RING_H
#define SIM_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/status.h>

/* Stands in the shared memory, zeroed before use. */
struct sim_ring_shared {
    _Alignas(64) _Atomic uint64_t written; /* bytes ever */
    _Atomic uint32_t reader_waits;         /* futex: 1 while the reader sleeps */
    _Alignas(64) _Atomic uint64_t read;    /* bytes ever */
    _Atomic uint32_t writer_waits;
};

/* One process's view. */
struct sim_ring {
    struct sim_ring_shared *shared;
    uint8_t *data; /* capacity bytes, and again */
    size_t capacity;
    uint64_t written; /* the writer's: including what is not published */
    uint64_t seen;    /* the writer's: `read`, as of late */
};

/* Maps `capacity` bytes at `offset` of the shared memory `file`; both are multiples of the page size, and `capacity`
 * is a power of two. MM1_NOMEM. */
MM1_NODISCARD mm1_status sim_ring_map(struct sim_ring *ring, struct sim_ring_shared *shared,
                                      int file, size_t offset, size_t capacity);
void sim_ring_unmap(struct sim_ring *ring);

/* The largest record. */
static inline size_t sim_ring_record_max(const struct sim_ring *ring)
{
    return ring->capacity / 2;
}

/* Room for `size` bytes, at most the largest record, to be filled and then published; waits while the ring is full. */
uint8_t *sim_ring_reserve(struct sim_ring *ring, size_t size);
/* Lets the reader see the `size` bytes that were reserved. */
void sim_ring_publish(struct sim_ring *ring, size_t size);

/* All bytes that are there; null and `*size` 0 when none came within `wait_ms`. */
const uint8_t *sim_ring_peek(struct sim_ring *ring, unsigned wait_ms, size_t *size);
/* Gives the first `size` bytes back to the writer. */
void sim_ring_release(struct sim_ring *ring, size_t size);

#endif
