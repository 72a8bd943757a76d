/* Runs of small systems that are linked into a test, and a sink that keeps what a traced run tells. */
#ifndef MM1_TEST_SIM_BOOK_H
#define MM1_TEST_SIM_BOOK_H

#include "sim_rig.h"

struct sim_book_event {
    uint64_t seq;
    uint64_t time_ns;
    int32_t node;
    enum mm1_event_kind kind;
    uint64_t actor;
    uint64_t peer;
    uint64_t cause;
    uint64_t hash;
    const char *type; /* null: none */
    char text[80];    /* the message as JSON, or the text; cut */
};

struct sim_book_actor {
    uint64_t actor;
    uint32_t node;
    uint32_t incarnation;
    mm1_addr address;
    char path[120];
};

struct sim_book_fault {
    uint64_t time_ns;
    uint64_t fault;
    bool heals;
    char kind[16];
    char what[64];
};

struct sim_book_property {
    char name[64];
    enum mm1_verdict verdict;
    uint64_t evaluated;
    uint64_t seq;
};

#define SIM_BOOK_LIST(T)                                                                           \
    struct {                                                                                       \
        struct T *items;                                                                           \
        size_t count;                                                                              \
        size_t capacity;                                                                           \
    }

struct sim_book {
    struct sim_sink sink;
    uint64_t lines; /* of log */
    SIM_BOOK_LIST(sim_book_event) events;
    SIM_BOOK_LIST(sim_decision) decisions;
    SIM_BOOK_LIST(sim_book_actor) actors;
    SIM_BOOK_LIST(sim_book_fault) faults;
    SIM_BOOK_LIST(sim_book_property) properties;
    unsigned nodes;
};

/* Makes room for one more item and leads to it. */
#define SIM_BOOK_NEXT(list)                                                                        \
    ((list)->items =                                                                               \
         sim_book_grow((list)->items, sizeof((list)->items[0]), (list)->count, &(list)->capacity), \
     &(list)->items[(list)->count++])

static inline void *sim_book_grow(void *items, size_t size, size_t count, size_t *capacity)
{
    if (count == *capacity) {
        *capacity = *capacity * 2 + 64;
        items = realloc(items, *capacity * size);
        MM1_CHECK(items != NULL);
    }
    return items;
}

static inline struct sim_book *sim_book_of(struct sim_sink *sink)
{
    return MM1_CONTAINER_OF(sink, struct sim_book, sink);
}

static inline void sim_book_node(struct sim_sink *sink, const struct sim_node_row *row)
{
    (void)row;
    sim_book_of(sink)->nodes++;
}

static inline void sim_book_actor(struct sim_sink *sink, const struct sim_actor_row *row)
{
    struct sim_book *book = sim_book_of(sink);
    struct sim_book_actor *actor = SIM_BOOK_NEXT(&book->actors);
    *actor = (struct sim_book_actor){.actor = row->actor,
                                     .node = row->node,
                                     .incarnation = row->incarnation,
                                     .address = row->address};
    (void)snprintf(actor->path, sizeof(actor->path), "%s", row->path);
}

static inline void sim_book_event(struct sim_sink *sink, const struct sim_event_row *row)
{
    struct sim_book *book = sim_book_of(sink);
    struct sim_book_event *event = SIM_BOOK_NEXT(&book->events);
    struct mm1_text text = row->json.size != 0 ? row->json : row->text;
    *event = (struct sim_book_event){.seq = row->seq,
                                     .time_ns = row->time_ns,
                                     .node = row->node,
                                     .kind = row->kind,
                                     .actor = row->actor,
                                     .peer = row->peer,
                                     .cause = row->cause,
                                     .hash = row->hash,
                                     .type = row->type};
    (void)snprintf(event->text, sizeof(event->text), "%.*s", (int)text.size,
                   text.size == 0 ? "" : text.data);
}

static inline void sim_book_decision(struct sim_sink *sink, const struct sim_decision *decision)
{
    struct sim_book *book = sim_book_of(sink);
    *SIM_BOOK_NEXT(&book->decisions) = *decision;
}

static inline void sim_book_log(struct sim_sink *sink, const struct sim_log_row *row)
{
    sim_book_of(sink)->lines = row->line;
}

static inline void sim_book_fault(struct sim_sink *sink, uint64_t seq, uint64_t time_ns,
                                  uint64_t fault, bool heals, const char *kind, const char *what)
{
    struct sim_book *book = sim_book_of(sink);
    struct sim_book_fault *entry = SIM_BOOK_NEXT(&book->faults);
    (void)seq;
    *entry = (struct sim_book_fault){.time_ns = time_ns, .fault = fault, .heals = heals};
    (void)snprintf(entry->kind, sizeof(entry->kind), "%s", kind);
    (void)snprintf(entry->what, sizeof(entry->what), "%s", what);
}

static inline void sim_book_property(struct sim_sink *sink, const char *name,
                                     enum mm1_verdict verdict, uint64_t evaluated, uint64_t seq,
                                     const char *text)
{
    struct sim_book *book = sim_book_of(sink);
    struct sim_book_property *entry = SIM_BOOK_NEXT(&book->properties);
    (void)text;
    *entry = (struct sim_book_property){.verdict = verdict, .evaluated = evaluated, .seq = seq};
    (void)snprintf(entry->name, sizeof(entry->name), "%s", name);
}

static inline void sim_book_init(struct sim_book *book)
{
    static const struct sim_sink_ops ops = {.node = sim_book_node,
                                            .actor = sim_book_actor,
                                            .event = sim_book_event,
                                            .decision = sim_book_decision,
                                            .log = sim_book_log,
                                            .fault = sim_book_fault,
                                            .property = sim_book_property};
    *book = (struct sim_book){.sink = {.ops = &ops}};
}

static inline void sim_book_close(struct sim_book *book)
{
    free(book->events.items);
    free(book->decisions.items);
    free(book->actors.items);
    free(book->faults.items);
    free(book->properties.items);
}

static inline struct sim_decisions sim_book_decisions(const struct sim_book *book)
{
    return (struct sim_decisions){.items = book->decisions.items, .count = book->decisions.count};
}

/* One run. `book` and `decisions` may be null. */
static inline struct sim_result sim_play(const struct sim_scenario *scenario, uint64_t seed,
                                         struct sim_book *book,
                                         const struct sim_decisions *decisions)
{
    struct sim_result result;
    struct sim_run_spec spec = {.scenario = scenario,
                                .system = scenario->system,
                                .seed = seed,
                                .sink = book == NULL ? NULL : &book->sink,
                                .decisions = decisions};
    sim_run(&spec, &result);
    return result;
}

#endif
