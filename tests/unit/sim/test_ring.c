/* The ring: what goes in comes out, whole and in order, also around its end, when it is full, and between processes. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm1_test.h"
#include "sim/ring.h"
#include "sim/rows.h"

#define CAPACITY ((size_t)64 << 10)

struct pair {
    int file;
    struct sim_ring_shared *shared;
    struct sim_ring ring;
};

static void open_pair(struct pair *pair)
{
    pair->file = memfd_create("test", 0);
    cr_assert(ftruncate(pair->file, (off_t)(4096 + CAPACITY)) == 0);
    pair->shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, pair->file, 0);
    cr_assert(pair->shared != MAP_FAILED);
    cr_assert_eq(sim_ring_map(&pair->ring, pair->shared, pair->file, 4096, CAPACITY), MM1_OK);
}

static void close_pair(struct pair *pair)
{
    sim_ring_unmap(&pair->ring);
    (void)munmap(pair->shared, 4096);
    (void)close(pair->file);
}

/* Record number n: its size, and that many times the same byte. */
static size_t size_of(uint32_t n)
{
    return 4 + n * 7919u % 3001u;
}

static void write_record(struct sim_ring *ring, uint32_t n)
{
    size_t size = size_of(n);
    uint8_t *to = sim_ring_reserve(ring, size);
    memset(to, (int)(n & 0xff), size);
    memcpy(to, &n, sizeof(n));
    sim_ring_publish(ring, size);
}

/* Reads what is there; returns the number of the next record. */
static uint32_t read_records(struct sim_ring *ring, uint32_t n, bool *good)
{
    size_t size = 0;
    const uint8_t *data = sim_ring_peek(ring, 20, &size);
    size_t at = 0;
    while (at < size) {
        uint32_t got = 0;
        size_t record = size_of(n);
        memcpy(&got, data + at, sizeof(got));
        *good = *good && got == n && at + record <= size &&
                data[at + record - 1] == (record == 4 ? data[at + 3] : (n & 0xff));
        if (!*good) {
            return n;
        }
        at += record;
        n++;
    }
    if (size > 0) {
        sim_ring_release(ring, size);
    }
    return n;
}

Test(ring, records_stay_whole_around_the_end)
{
    struct pair pair;
    bool good = true;
    uint32_t read = 0;
    open_pair(&pair);
    for (uint32_t n = 0; n < 5000; n++) {
        write_record(&pair.ring, n);
        if (n % 3 == 0) {
            read = read_records(&pair.ring, read, &good);
            cr_assert(good, "record %u", read);
        }
    }
    read = read_records(&pair.ring, read, &good);
    cr_assert(good && read == 5000);
    close_pair(&pair);
}

Test(ring, an_empty_ring_gives_nothing)
{
    struct pair pair;
    size_t size = 1;
    open_pair(&pair);
    cr_assert_null(sim_ring_peek(&pair.ring, 1, &size));
    cr_assert_eq(size, 0);
    close_pair(&pair);
}

Test(ring, a_broken_writer_is_not_believed)
{
    struct pair pair;
    size_t size = 1;
    open_pair(&pair);
    atomic_store(&pair.shared->written, (uint64_t)CAPACITY + 1);
    cr_assert_null(sim_ring_peek(&pair.ring, 0, &size));
    cr_assert_eq(size, 0);
    close_pair(&pair);
}

/* The writer is another process, far ahead of a reader that dawdles: it must wait, and lose nothing. */
Test(ring, the_writer_waits_while_it_is_full)
{
    struct pair pair;
    bool good = true;
    uint32_t read = 0;
    const uint32_t all = 20000;
    open_pair(&pair);
    pid_t child = fork();
    if (child == 0) {
        for (uint32_t n = 0; n < all; n++) {
            write_record(&pair.ring, n);
        }
        _exit(0);
    }
    while (read < all && good) {
        read = read_records(&pair.ring, read, &good);
        if (read % 64 == 0) {
            (void)usleep(100);
        }
    }
    int status = 0;
    cr_assert(waitpid(child, &status, 0) == child);
    cr_assert(good, "record %u", read);
    cr_assert_eq(read, all);
    cr_assert_eq(status, 0);
    close_pair(&pair);
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

struct seen {
    struct sim_sink sink;
    unsigned nodes, actors, events, decisions, lines, faults, properties;
    bool good;
};

static void see_node(struct sim_sink *self, const struct sim_node_row *row)
{
    struct seen *seen = (struct seen *)(void *)self;
    seen->nodes++;
    seen->good = seen->good && strcmp(row->name, "a") == 0 && strcmp(row->role, "store") == 0 &&
                 row->node == 2;
}

static void see_actor(struct sim_sink *self, const struct sim_actor_row *row)
{
    struct seen *seen = (struct seen *)(void *)self;
    seen->actors++;
    seen->good =
        seen->good && strcmp(row->path, "/a/store#1") == 0 && row->address.bits == UINT64_MAX;
}

static void see_event(struct sim_sink *self, const struct sim_event_row *row)
{
    struct seen *seen = (struct seen *)(void *)self;
    bool typed = row->seq % 2 == 1;
    seen->events++;
    seen->good =
        seen->good && row->seq == seen->events && (row->type != NULL) == typed &&
        (!typed || strcmp(row->type, "kv::Put") == 0) && row->json.size == (typed ? 9 : 0) &&
        (!typed || memcmp(row->json.data, "{\"key\":1}", 9) == 0) && row->hash == ~row->seq;
}

static void see_decision(struct sim_sink *self, const struct sim_decision *decision)
{
    struct seen *seen = (struct seen *)(void *)self;
    seen->decisions++;
    seen->good =
        seen->good && decision->pick == 3 && strcmp(decision->key_text, "run /a/store#1") == 0;
}

static void see_log(struct sim_sink *self, const struct sim_log_row *row)
{
    struct seen *seen = (struct seen *)(void *)self;
    seen->lines++;
    seen->good = seen->good && row->line == 2 && row->seq == 3 && row->level == MM1_LOG_WARN &&
                 mm1_text_equal(row->text, MM1_TEXT("a line"));
}

static void see_fault(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t fault,
                      bool heals, const char *kind, const char *what)
{
    struct seen *seen = (struct seen *)(void *)self;
    seen->faults++;
    seen->good = seen->good && seq == 4 && time_ns == 5 && fault == 6 && heals &&
                 strcmp(kind, "crash") == 0 && strcmp(what, "crash a") == 0;
}

static void see_property(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                         uint64_t evaluated, uint64_t seq, const char *text)
{
    struct seen *seen = (struct seen *)(void *)self;
    seen->properties++;
    seen->good = seen->good && strcmp(name, "good") == 0 && verdict == MM1_VIOLATED &&
                 evaluated == 7 && seq == 8 && strcmp(text, "") == 0;
}

static const struct sim_sink_ops seen_ops = {.node = see_node,
                                             .actor = see_actor,
                                             .event = see_event,
                                             .decision = see_decision,
                                             .log = see_log,
                                             .fault = see_fault,
                                             .property = see_property};

static void write_all(struct sim_sink *sink)
{
    const struct sim_node_row node = {.node = 2, .name = "a", .host = "h", .role = "store"};
    const struct sim_actor_row actor = {
        .actor = 1, .path = "/a/store#1", .behaviour = "store", .address = MM1_ADDR(UINT64_MAX)};
    struct sim_decision decision = {.pick = 3, .key_text = "run /a/store#1"};
    sink->ops->node(sink, &node);
    sink->ops->actor(sink, &actor);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        const struct sim_event_row event = {.seq = seq,
                                            .type = seq % 2 == 1 ? "kv::Put" : NULL,
                                            .json = seq % 2 == 1 ? MM1_TEXT("{\"key\":1}")
                                                                 : (struct mm1_text){0},
                                            .hash = ~seq};
        sink->ops->event(sink, &event);
    }
    sink->ops->decision(sink, &decision);
    sink->ops->log(sink,
                   &(struct sim_log_row){
                       .line = 2, .seq = 3, .level = MM1_LOG_WARN, .text = MM1_TEXT("a line")});
    sink->ops->fault(sink, 4, 5, 6, true, "crash", "crash a");
    sink->ops->property(sink, "good", MM1_VIOLATED, 7, 8, "");
}

Test(rows, all_kinds_arrive_as_they_were_sent)
{
    struct pair pair;
    struct sim_rows_writer writer;
    struct sim_rows_reader reader = {.ring = &pair.ring};
    struct seen seen = {.sink = {.ops = &seen_ops}, .good = true};
    bool broken = false;
    open_pair(&pair);
    sim_rows_writer_open(&writer, &pair.ring);
    write_all(&writer.sink);
    cr_assert_gt(sim_rows_read(&reader, &seen.sink, 1, &broken), 0);
    cr_assert(seen.good && !broken);
    cr_assert(seen.nodes == 1 && seen.actors == 1 && seen.events == 3 && seen.decisions == 1);
    cr_assert(seen.lines == 1 && seen.faults == 1 && seen.properties == 1);
    cr_assert_eq(reader.last_seq, 3);
    cr_assert_eq(reader.last_hash, ~(uint64_t)3);
    sim_rows_reader_close(&reader);
    sim_rows_writer_close(&writer);
    close_pair(&pair);
}

Test(rows, a_message_that_is_too_large_is_left_out)
{
    struct pair pair;
    struct sim_rows_writer writer;
    struct sim_rows_reader reader = {.ring = &pair.ring};
    struct seen seen = {.sink = {.ops = &seen_ops}, .good = true};
    bool broken = false;
    char *large = malloc(CAPACITY);
    open_pair(&pair);
    cr_assert_not_null(large);
    memset(large, 'x', CAPACITY);
    sim_rows_writer_open(&writer, &pair.ring);
    const struct sim_event_row event = {.seq = 1, .json = {.data = large, .size = CAPACITY}};
    writer.sink.ops->event(&writer.sink, &event);
    cr_assert_gt(sim_rows_read(&reader, &seen.sink, 1, &broken), 0);
    cr_assert(!broken);
    cr_assert_eq(seen.events, 1);
    free(large);
    sim_rows_reader_close(&reader);
    sim_rows_writer_close(&writer);
    close_pair(&pair);
}

Test(rows, nonsense_is_found)
{
    struct pair pair;
    struct sim_rows_reader reader = {.ring = &pair.ring};
    struct seen seen = {.sink = {.ops = &seen_ops}, .good = true};
    open_pair(&pair);
    for (uint32_t n = 0; n < 64; n++) {
        bool broken = false;
        size_t size = 0;
        uint8_t *to = sim_ring_reserve(&pair.ring, 128);
        for (size_t i = 0; i < 128; i++) {
            to[i] = (uint8_t)((n * 31 + i * 17) % 251);
        }
        sim_ring_publish(&pair.ring, 128);
        (void)sim_rows_read(&reader, &seen.sink, 0, &broken);
        cr_assert(broken, "round %u", n);
        if (sim_ring_peek(&pair.ring, 0, &size) != NULL) {
            sim_ring_release(&pair.ring, size);
        }
    }
    sim_rows_reader_close(&reader);
    close_pair(&pair);
}
