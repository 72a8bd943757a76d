/* A ring of bytes in shared memory with one writer and one reader. */
#define _GNU_SOURCE
#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sim/ring.h"

/* The futexes are shared between processes. */
static void futex_wait(_Atomic uint32_t *word, uint32_t value, unsigned wait_ms)
{
    struct timespec limit = {.tv_sec = wait_ms / 1000, .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    (void)syscall(SYS_futex, word, FUTEX_WAIT, value, &limit, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

mm1_status sim_ring_map(struct sim_ring *ring, struct sim_ring_shared *shared, int file,
                        size_t offset, size_t capacity)
{
    uint8_t *data = mmap(NULL, capacity * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return MM1_NOMEM;
    }
    for (size_t half = 0; half < 2; half++) {
        void *at = mmap(data + half * capacity, capacity, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_FIXED, file, (off_t)offset);
        if (at == MAP_FAILED) {
            (void)munmap(data, capacity * 2);
            return MM1_NOMEM;
        }
    }
    *ring = (struct sim_ring){.shared = shared, .data = data, .capacity = capacity};
    ring->written = atomic_load(&shared->written);
    ring->seen = atomic_load(&shared->read);
    return MM1_OK;
}

void sim_ring_unmap(struct sim_ring *ring)
{
    if (ring->data != NULL) {
        (void)munmap(ring->data, ring->capacity * 2);
    }
    *ring = (struct sim_ring){0};
}

static void wake(_Atomic uint32_t *waits)
{
    if (atomic_load(waits) != 0 && atomic_exchange(waits, 0) != 0) {
        futex_wake(waits);
    }
}

uint8_t *sim_ring_reserve(struct sim_ring *ring, size_t size)
{
    struct sim_ring_shared *shared = ring->shared;
    MM1_CHECK(size <= sim_ring_record_max(ring));
    while (ring->written + size - ring->seen > ring->capacity) {
        ring->seen = atomic_load_explicit(&shared->read, memory_order_acquire);
        if (ring->written + size - ring->seen <= ring->capacity) {
            break;
        }
        wake(&shared->reader_waits);
        atomic_store(&shared->writer_waits, 1);
        /* The reader may have read on between the two lines; the limit of the wait mends a lost race. */
        if (atomic_load(&shared->read) == ring->seen) {
            futex_wait(&shared->writer_waits, 1, 10);
        }
        atomic_store(&shared->writer_waits, 0);
    }
    return ring->data + (ring->written & (ring->capacity - 1));
}

void sim_ring_publish(struct sim_ring *ring, size_t size)
{
    struct sim_ring_shared *shared = ring->shared;
    ring->written += size;
    atomic_store_explicit(&shared->written, ring->written, memory_order_release);
    if (atomic_load_explicit(&shared->reader_waits, memory_order_relaxed) != 0 &&
        ring->written - atomic_load_explicit(&shared->read, memory_order_relaxed) >
            ring->capacity / 4) {
        wake(&shared->reader_waits);
    }
}

const uint8_t *sim_ring_peek(struct sim_ring *ring, unsigned wait_ms, size_t *size)
{
    struct sim_ring_shared *shared = ring->shared;
    uint64_t read = atomic_load_explicit(&shared->read, memory_order_relaxed);
    uint64_t written = atomic_load_explicit(&shared->written, memory_order_acquire);
    if (written == read && wait_ms > 0) {
        atomic_store(&shared->reader_waits, 1);
        written = atomic_load(&shared->written);
        if (written == read) {
            futex_wait(&shared->reader_waits, 1, wait_ms);
            written = atomic_load(&shared->written);
        }
        atomic_store(&shared->reader_waits, 0);
    }
    *size = (size_t)(written - read);
    /* The other process may be broken: never read beyond the ring. */
    if (*size == 0 || *size > ring->capacity) {
        *size = 0;
        return NULL;
    }
    return ring->data + (read & (ring->capacity - 1));
}

void sim_ring_release(struct sim_ring *ring, size_t size)
{
    atomic_fetch_add(&ring->shared->read, size);
    wake(&ring->shared->writer_waits);
}
