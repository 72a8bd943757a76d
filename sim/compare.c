/* Compares a run with a recorded one, event by event. */
#include <stdio.h>

#include <mm1/sched.h>

#include "sim/compare.h"

void sim_compare_print(const struct sim_event_row *row, char *out, size_t size)
{
    int at = snprintf(out, size, "event %llu at %llu ns: %s", (unsigned long long)row->seq,
                      (unsigned long long)row->time_ns, mm1_event_text(row->kind));
    size_t used = at < 0 ? 0 : (size_t)at;
#define ADD(...)                                                                                   \
    do {                                                                                           \
        if (used < size) {                                                                         \
            int more = snprintf(out + used, size - used, __VA_ARGS__);                             \
            used += more < 0 ? 0 : (size_t)more;                                                   \
        }                                                                                          \
    } while (0)
    if (row->verb >= 0) {
        ADD(" %s", mm1_effect_text((enum mm1_effect_kind)row->verb));
    }
    ADD(", node %d, actor %llu", (int)row->node, (unsigned long long)row->actor);
    if (row->peer != 0) {
        ADD(", peer %llu", (unsigned long long)row->peer);
    }
    if (row->type != NULL) {
        ADD(", %s", row->type);
    }
    if (row->json.size > 0) {
        ADD(" %.*s", (int)(row->json.size > 300 ? 300 : row->json.size), row->json.data);
    }
    if (row->text.size > 0) {
        ADD(", \"%.*s\"", (int)(row->text.size > 300 ? 300 : row->text.size), row->text.data);
    }
    ADD(", cause %llu, number %llu, hash %016llx", (unsigned long long)row->cause,
        (unsigned long long)row->number, (unsigned long long)row->hash);
#undef ADD
}

static bool same_text(struct mm1_text a, struct mm1_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool same(const struct sim_event_row *recorded, const struct sim_event_row *now)
{
    /* The address of a known peer is stored only where it is not its main one. */
    bool address = recorded->peer_address.bits == 0 && recorded->peer != 0
                       ? true
                       : recorded->peer_address.bits == now->peer_address.bits;
    bool type = recorded->type == NULL || now->type == NULL
                    ? recorded->type == now->type
                    : strcmp(recorded->type, now->type) == 0;
    return address && type && recorded->seq == now->seq && recorded->time_ns == now->time_ns &&
           recorded->node == now->node && recorded->kind == now->kind &&
           recorded->actor == now->actor && recorded->peer == now->peer &&
           recorded->verb == now->verb && recorded->status == now->status &&
           recorded->cause == now->cause && recorded->signal == now->signal &&
           recorded->number == now->number && recorded->hash == now->hash &&
           same_text(recorded->json, now->json) && same_text(recorded->text, now->text);
}

static void event(struct sim_sink *self, const struct sim_event_row *row)
{
    struct sim_compare *compare = (struct sim_compare *)(void *)self;
    struct sim_event_row recorded;
    int code = SQLITE_OK;
    if (compare->next != NULL) {
        compare->next->ops->event(compare->next, row);
    }
    if (compare->enough || compare->differs) {
        return;
    }
    bool there = sim_trace_cursor_next(&compare->recorded, &recorded, &code);
    if (there && same(&recorded, row)) {
        compare->compared++;
        compare->enough = compare->until != 0 && row->seq >= compare->until;
        return;
    }
    compare->differs = true;
    compare->enough = compare->next == NULL;
    sim_compare_print(row, compare->there, sizeof(compare->there));
    if (there) {
        sim_compare_print(&recorded, compare->here, sizeof(compare->here));
    } else {
        (void)snprintf(compare->here, sizeof(compare->here), "%s",
                       code == SQLITE_DONE ? "nothing more"
                                           : "the trace cannot be read any further");
    }
}

static void node(struct sim_sink *self, const struct sim_node_row *row)
{
    struct sim_sink *next = ((struct sim_compare *)(void *)self)->next;
    if (next != NULL) {
        next->ops->node(next, row);
    }
}

static void actor(struct sim_sink *self, const struct sim_actor_row *row)
{
    struct sim_sink *next = ((struct sim_compare *)(void *)self)->next;
    if (next != NULL) {
        next->ops->actor(next, row);
    }
}

static void decision(struct sim_sink *self, const struct sim_decision *row)
{
    struct sim_sink *next = ((struct sim_compare *)(void *)self)->next;
    if (next != NULL) {
        next->ops->decision(next, row);
    }
}

static void log_line(struct sim_sink *self, const struct sim_log_row *row)
{
    struct sim_sink *next = ((struct sim_compare *)(void *)self)->next;
    if (next != NULL) {
        next->ops->log(next, row);
    }
}

static void fault(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t number,
                  bool heals, const char *kind, const char *what)
{
    struct sim_sink *next = ((struct sim_compare *)(void *)self)->next;
    if (next != NULL) {
        next->ops->fault(next, seq, time_ns, number, heals, kind, what);
    }
}

static void property(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                     uint64_t evaluated, uint64_t seq, const char *text)
{
    struct sim_sink *next = ((struct sim_compare *)(void *)self)->next;
    if (next != NULL) {
        next->ops->property(next, name, verdict, evaluated, seq, text);
    }
}

static const struct sim_sink_ops ops = {
    .node = node,
    .actor = actor,
    .event = event,
    .decision = decision,
    .log = log_line,
    .fault = fault,
    .property = property,
};

mm1_status sim_compare_open(struct sim_compare *compare, sqlite3 *sqlite, uint64_t run,
                            struct sim_sink *next)
{
    *compare = (struct sim_compare){.sink = {.ops = &ops}, .next = next};
    return sim_trace_cursor_open(sqlite, run, &compare->recorded);
}

void sim_compare_end(struct sim_compare *compare)
{
    struct sim_event_row recorded;
    int code = SQLITE_OK;
    if (!compare->differs && !compare->enough &&
        sim_trace_cursor_next(&compare->recorded, &recorded, &code)) {
        compare->differs = true;
        sim_compare_print(&recorded, compare->here, sizeof(compare->here));
        (void)snprintf(compare->there, sizeof(compare->there), "nothing more");
    } else if (!compare->differs && !compare->enough && code != SQLITE_DONE) {
        compare->differs = true;
        (void)snprintf(compare->here, sizeof(compare->here),
                       "the trace cannot be read any further");
        (void)snprintf(compare->there, sizeof(compare->there), "the run has ended");
    }
    sim_trace_cursor_close(&compare->recorded);
}
