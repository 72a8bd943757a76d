/* The rows of a traced run as bytes. Both sides are the same program, so a row travels as its struct. */
#include <stdio.h>
#include <stdlib.h>

#include "sim/rows.h"

enum row {
    ROW_TYPE = 1,
    ROW_NODE,
    ROW_ACTOR,
    ROW_EVENT,
    ROW_DECISION,
    ROW_FAULT,
    ROW_PROPERTY,
    ROW_LOG
};

#define TEXTS 3

/* The head of a row; its fixed part and then its texts follow, all padded to 8 bytes. */
struct head {
    uint32_t size; /* of all */
    uint32_t row;
    uint32_t texts[TEXTS]; /* sizes with their NUL; 0: null */
    uint32_t fixed;
};

struct fault {
    uint64_t seq;
    uint64_t time_ns;
    uint64_t fault;
    bool heals;
};

struct property {
    uint64_t evaluated;
    uint64_t seq;
    enum mm1_verdict verdict;
};

/* --- writing -------------------------------------------------------------------------------------------------- */

static size_t padded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

static struct mm1_text text_of(const char *text)
{
    return mm1_text_of(text);
}

static void write_row(struct sim_rows_writer *writer, enum row row, const void *fixed,
                      size_t fixed_size, const struct mm1_text texts[TEXTS])
{
    struct head head = {.row = row, .fixed = (uint32_t)fixed_size};
    size_t size = sizeof(head) + padded(fixed_size);
    for (size_t i = 0; i < TEXTS; i++) {
        head.texts[i] = texts[i].data == NULL ? 0 : (uint32_t)texts[i].size + 1;
        size += padded(head.texts[i]);
    }
    head.size = (uint32_t)size;
    uint8_t *to = sim_ring_reserve(writer->ring, size);
    memcpy(to, &head, sizeof(head));
    to += sizeof(head);
    memcpy(to, fixed, fixed_size);
    to += padded(fixed_size);
    for (size_t i = 0; i < TEXTS; i++) {
        if (head.texts[i] > 0) {
            memcpy(to, texts[i].data, texts[i].size);
            to[texts[i].size] = 0;
            to += padded(head.texts[i]);
        }
    }
    sim_ring_publish(writer->ring, size);
}

static void write_node(struct sim_sink *self, const struct sim_node_row *row)
{
    const struct mm1_text texts[TEXTS] = {text_of(row->name), text_of(row->host),
                                          text_of(row->role)};
    write_row((struct sim_rows_writer *)(void *)self, ROW_NODE, row, sizeof(*row), texts);
}

static void write_actor(struct sim_sink *self, const struct sim_actor_row *row)
{
    const struct mm1_text texts[TEXTS] = {text_of(row->path), text_of(row->behaviour)};
    write_row((struct sim_rows_writer *)(void *)self, ROW_ACTOR, row, sizeof(*row), texts);
}

/* The number of a type stands in the row in the place of its name's address. */
static uint64_t type_number(struct sim_rows_writer *writer, const char *name)
{
    bool fresh = false;
    if (name == NULL) {
        return 0;
    }
    uint64_t number = sim_names_number(&writer->types, mm1_text_of(name), &fresh);
    if (fresh) {
        const struct mm1_text texts[TEXTS] = {mm1_text_of(name)};
        write_row(writer, ROW_TYPE, &number, sizeof(number), texts);
    }
    return number;
}

struct event {
    struct sim_event_row row;
    uint64_t type;
};

static void write_event(struct sim_sink *self, const struct sim_event_row *row)
{
    struct sim_rows_writer *writer = (struct sim_rows_writer *)(void *)self;
    struct event event = {.row = *row, .type = type_number(writer, row->type)};
    struct mm1_text texts[TEXTS] = {row->json, row->text};
    char cut[64];
    size_t most = sim_ring_record_max(writer->ring) - sizeof(event) - sizeof(struct head) - 64;
    if (texts[1].size > most / 2) {
        texts[1].size = most / 2;
    }
    if (texts[0].size > most / 2) {
        int size = snprintf(cut, sizeof(cut), "\"left out: %zu bytes\"", row->json.size);
        texts[0] = (struct mm1_text){.data = cut, .size = (size_t)size};
    }
    write_row(writer, ROW_EVENT, &event, sizeof(event), texts);
}

static void write_decision(struct sim_sink *self, const struct sim_decision *decision)
{
    const struct mm1_text texts[TEXTS] = {
        {.data = decision->key_text, .size = strnlen(decision->key_text, SIM_KEY_MAX - 1)}};
    write_row((struct sim_rows_writer *)(void *)self, ROW_DECISION, decision,
              offsetof(struct sim_decision, key_text), texts);
}

static void write_fault(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t number,
                        bool heals, const char *kind, const char *what)
{
    const struct fault fault = {.seq = seq, .time_ns = time_ns, .fault = number, .heals = heals};
    const struct mm1_text texts[TEXTS] = {text_of(kind), text_of(what)};
    write_row((struct sim_rows_writer *)(void *)self, ROW_FAULT, &fault, sizeof(fault), texts);
}

static void write_property(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                           uint64_t evaluated, uint64_t seq, const char *text)
{
    const struct property property = {.evaluated = evaluated, .seq = seq, .verdict = verdict};
    const struct mm1_text texts[TEXTS] = {text_of(name), text_of(text)};
    write_row((struct sim_rows_writer *)(void *)self, ROW_PROPERTY, &property, sizeof(property),
              texts);
}

static void write_log(struct sim_sink *self, const struct sim_log_row *row)
{
    const struct mm1_text texts[TEXTS] = {row->text};
    write_row((struct sim_rows_writer *)(void *)self, ROW_LOG, row, sizeof(*row), texts);
}

static const struct sim_sink_ops writer_ops = {
    .node = write_node,
    .actor = write_actor,
    .event = write_event,
    .decision = write_decision,
    .log = write_log,
    .fault = write_fault,
    .property = write_property,
};

void sim_rows_writer_open(struct sim_rows_writer *writer, struct sim_ring *ring)
{
    *writer = (struct sim_rows_writer){.sink = {.ops = &writer_ops}, .ring = ring};
}

void sim_rows_writer_close(struct sim_rows_writer *writer)
{
    sim_names_close(&writer->types);
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static const char *string(const struct mm1_text *text)
{
    return text->data == NULL ? "" : text->data;
}

static bool read_type(struct sim_rows_reader *reader, const void *fixed,
                      const struct mm1_text *name)
{
    uint64_t number = 0;
    memcpy(&number, fixed, sizeof(number));
    if (number != reader->type_count + 1) {
        return false;
    }
    char **types = realloc(reader->types, (size_t)number * sizeof(*types));
    if (types == NULL) {
        return false;
    }
    reader->types = types;
    types[reader->type_count] = strdup(string(name));
    return types[reader->type_count++] != NULL;
}

static bool read_event(struct sim_rows_reader *reader, struct sim_sink *sink, const void *fixed,
                       const struct mm1_text texts[TEXTS])
{
    struct event event;
    memcpy(&event, fixed, sizeof(event));
    if (event.type > reader->type_count) {
        return false;
    }
    event.row.type = event.type == 0 ? NULL : reader->types[event.type - 1];
    event.row.json = texts[0];
    event.row.text = texts[1];
    reader->last_seq = event.row.seq;
    reader->last_hash = event.row.hash;
    reader->last_time_ns = event.row.time_ns;
    reader->first_time_ns = event.row.seq == 1 ? event.row.time_ns : reader->first_time_ns;
    sink->ops->event(sink, &event.row);
    return true;
}

static bool read_small(struct sim_sink *sink, enum row row, const void *fixed,
                       const struct mm1_text texts[TEXTS])
{
    union {
        struct sim_node_row node;
        struct sim_actor_row actor;
        struct sim_decision decision;
        struct fault fault;
        struct property property;
        struct sim_log_row log;
    } u;
    switch (row) {
    case ROW_NODE:
        memcpy(&u.node, fixed, sizeof(u.node));
        u.node.name = string(&texts[0]);
        u.node.host = string(&texts[1]);
        u.node.role = string(&texts[2]);
        sink->ops->node(sink, &u.node);
        return true;
    case ROW_ACTOR:
        memcpy(&u.actor, fixed, sizeof(u.actor));
        u.actor.path = string(&texts[0]);
        u.actor.behaviour = string(&texts[1]);
        sink->ops->actor(sink, &u.actor);
        return true;
    case ROW_DECISION:
        memcpy(&u.decision, fixed, offsetof(struct sim_decision, key_text));
        (void)snprintf(u.decision.key_text, sizeof(u.decision.key_text), "%s", string(&texts[0]));
        sink->ops->decision(sink, &u.decision);
        return true;
    case ROW_FAULT:
        memcpy(&u.fault, fixed, sizeof(u.fault));
        sink->ops->fault(sink, u.fault.seq, u.fault.time_ns, u.fault.fault, u.fault.heals,
                         string(&texts[0]), string(&texts[1]));
        return true;
    case ROW_PROPERTY:
        memcpy(&u.property, fixed, sizeof(u.property));
        sink->ops->property(sink, string(&texts[0]), u.property.verdict, u.property.evaluated,
                            u.property.seq, string(&texts[1]));
        return true;
    case ROW_LOG:
        memcpy(&u.log, fixed, sizeof(u.log));
        u.log.text = texts[0];
        sink->ops->log(sink, &u.log);
        return true;
    default:
        return false;
    }
}

/* Reads the row at `data`; returns its size, 0 when it is none. */
static size_t read_row(struct sim_rows_reader *reader, struct sim_sink *sink, const uint8_t *data,
                       size_t size)
{
    static const size_t fixed_sizes[] = {
        [ROW_TYPE] = sizeof(uint64_t),
        [ROW_NODE] = sizeof(struct sim_node_row),
        [ROW_ACTOR] = sizeof(struct sim_actor_row),
        [ROW_EVENT] = sizeof(struct event),
        [ROW_DECISION] = offsetof(struct sim_decision, key_text),
        [ROW_FAULT] = sizeof(struct fault),
        [ROW_PROPERTY] = sizeof(struct property),
        [ROW_LOG] = sizeof(struct sim_log_row),
    };
    struct head head;
    struct mm1_text texts[TEXTS] = {0};
    if (size < sizeof(head)) {
        return 0;
    }
    memcpy(&head, data, sizeof(head));
    if (head.row < ROW_TYPE || head.row > ROW_LOG || head.fixed != fixed_sizes[head.row] ||
        head.size > size || head.size < sizeof(head) + padded(head.fixed)) {
        return 0;
    }
    size_t at = sizeof(head) + padded(head.fixed);
    for (size_t i = 0; i < TEXTS; i++) {
        if (head.texts[i] > 0) {
            if (head.texts[i] > head.size - at || data[at + head.texts[i] - 1] != 0) {
                return 0;
            }
            texts[i] =
                (struct mm1_text){.data = (const char *)data + at, .size = head.texts[i] - 1};
            at += padded(head.texts[i]);
        }
    }
    const void *fixed = data + sizeof(head);
    bool good = head.row == ROW_TYPE    ? read_type(reader, fixed, &texts[0])
                : head.row == ROW_EVENT ? read_event(reader, sink, fixed, texts)
                                        : read_small(sink, (enum row)head.row, fixed, texts);
    return good && at == head.size ? head.size : 0;
}

size_t sim_rows_read(struct sim_rows_reader *reader, struct sim_sink *sink, unsigned wait_ms,
                     bool *broken)
{
    size_t size = 0;
    const uint8_t *data = sim_ring_peek(reader->ring, wait_ms, &size);
    size_t at = 0;
    size_t given = 0;
    while (at < size) {
        size_t row = read_row(reader, sink, data + at, size - at);
        if (row == 0) {
            *broken = true;
            break;
        }
        at += row;
        if (at - given > reader->ring->capacity / 8) { /* let the writer go on meanwhile */
            sim_ring_release(reader->ring, at - given);
            given = at;
        }
    }
    if (at > given) {
        sim_ring_release(reader->ring, at - given);
    }
    return at;
}

void sim_rows_reader_close(struct sim_rows_reader *reader)
{
    for (size_t i = 0; i < reader->type_count; i++) {
        free(reader->types[i]);
    }
    free(reader->types);
    *reader = (struct sim_rows_reader){0};
}
