/* mm1/sim.h: what happened, as it is remembered for reports and questions, and as it is written into a trace. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mm1_version.h"
#include "sim/api.h"
#include "sim/child.h"

static struct sim_api_record *record_of(struct sim_sink *self)
{
    return MM1_CONTAINER_OF(self, struct sim_api_record, sink);
}

/* --- rows ----------------------------------------------------------------------------------------------------- */

static void sink_node(struct sim_sink *self, const struct sim_node_row *row)
{
    struct sim_sink *next = record_of(self)->next;
    if (next != NULL) {
        next->ops->node(next, row);
    }
}

static void add_actor(struct sim_api_record *record, const struct sim_api_actor *actor,
                      const char *path)
{
    if (record->actor_count == record->actor_capacity) {
        record->actor_capacity = record->actor_capacity == 0 ? 64 : 2 * record->actor_capacity;
        record->actors =
            realloc(record->actors, record->actor_capacity * sizeof(record->actors[0]));
        MM1_CHECK(record->actors != NULL);
    }
    struct sim_api_actor *own = &record->actors[record->actor_count++];
    *own = *actor;
    own->path = strdup(path);
    MM1_CHECK(own->path != NULL);
}

static void sink_actor(struct sim_sink *self, const struct sim_actor_row *row)
{
    struct sim_api_record *record = record_of(self);
    const struct sim_api_actor nobody = {.ended = true};
    const struct sim_api_actor actor = {.address = row->address, .node = row->node};
    while (record->actor_count + 1 < row->actor) { /* a number that was given to nobody */
        add_actor(record, &nobody, "");
    }
    add_actor(record, &actor, row->path);
    if (record->next != NULL) {
        record->next->ops->actor(record->next, row);
    }
}

static size_t add(char what[SIM_API_WHAT], size_t used, const char *data, size_t size)
{
    size_t room = SIM_API_WHAT - 1 - used;
    if (size == 0 || room < 2) {
        return used;
    }
    if (used != 0) {
        what[used++] = ' ';
        room--;
    }
    bool cut = size > room;
    size = cut ? room : size;
    memcpy(what + used, data, size);
    used += size;
    if (cut && size >= 3) {
        memcpy(what + used - 3, "...", 3);
    }
    return used;
}

static void remember(struct sim_api_record *record, const struct sim_event_row *row)
{
    struct sim_api_event *event = &record->events[row->seq % SIM_API_TAIL];
    size_t used = 0;
    *event = (struct sim_api_event){
        .seq = row->seq,
        .time_ns = row->time_ns - record->sim->world.start,
        .cause = row->cause,
        .actor = row->actor,
        .peer = row->peer,
        .node = row->node,
        .kind = row->kind,
        .verb = row->verb,
        .status = row->status,
    };
    if (row->type != NULL) {
        used = add(event->what, used, row->type, strlen(row->type));
    }
    used = add(event->what, used, row->json.data, row->json.size);
    used = add(event->what, used, row->text.data, row->text.size);
    event->what[used] = '\0';
}

static void sink_event(struct sim_sink *self, const struct sim_event_row *row)
{
    struct sim_api_record *record = record_of(self);
    remember(record, row);
    if (row->kind == MM1_EVENT_EXIT && row->actor != 0) {
        struct sim_api_actor *actor = &record->actors[row->actor - 1];
        actor->ended = true;
        actor->reason = row->reason == NULL ? MM1_NORMAL : *row->reason;
    }
    if (row->kind == MM1_EVENT_NODE_DOWN) {
        sim_api_record_node_down(record->sim, (uint32_t)row->node);
    }
    if (record->next != NULL) {
        record->next->ops->event(record->next, row);
    }
}

static void sink_decision(struct sim_sink *self, const struct sim_decision *decision)
{
    struct sim_sink *next = record_of(self)->next;
    if (next != NULL) {
        next->ops->decision(next, decision);
    }
}

static void sink_log(struct sim_sink *self, const struct sim_log_row *row)
{
    struct sim_sink *next = record_of(self)->next;
    if (next != NULL) {
        next->ops->log(next, row);
    }
}

static void sink_fault(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t fault,
                       bool heals, const char *kind, const char *what)
{
    struct sim_sink *next = record_of(self)->next;
    if (next != NULL) {
        next->ops->fault(next, seq, time_ns, fault, heals, kind, what);
    }
}

static void sink_property(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                          uint64_t evaluated, uint64_t seq, const char *text)
{
    struct sim_sink *next = record_of(self)->next;
    if (next != NULL) {
        next->ops->property(next, name, verdict, evaluated, seq, text);
    }
}

static const struct sim_sink_ops record_ops = {
    .node = sink_node,
    .actor = sink_actor,
    .event = sink_event,
    .decision = sink_decision,
    .log = sink_log,
    .fault = sink_fault,
    .property = sink_property,
};

mm1_status sim_api_record_open(struct mm1_sim *sim)
{
    struct sim_api_record *record = &sim->record;
    record->sink.ops = &record_ops;
    record->sim = sim;
    record->events = calloc(SIM_API_TAIL, sizeof(record->events[0]));
    return record->events == NULL ? MM1_NOMEM : MM1_OK;
}

void sim_api_record_close(struct mm1_sim *sim)
{
    struct sim_api_record *record = &sim->record;
    for (size_t i = 0; i < record->actor_count; i++) {
        free(record->actors[i].path);
    }
    free(record->actors);
    free(record->events);
}

const struct sim_api_event *sim_api_event_of(const struct mm1_sim *sim, uint64_t seq)
{
    const struct sim_api_event *event = &sim->record.events[seq % SIM_API_TAIL];
    return seq != 0 && event->seq == seq ? event : NULL;
}

void sim_api_record_node_down(struct mm1_sim *sim, uint32_t node)
{
    for (size_t i = 0; i < sim->record.actor_count; i++) {
        struct sim_api_actor *actor = &sim->record.actors[i];
        if (actor->node == node && !actor->ended) {
            actor->ended = true;
            actor->reason = mm1_reason_of(MM1_REASON_KILLED);
        }
    }
}

/* --- questions ------------------------------------------------------------------------------------------------ */

/* Whether `path` names this actor: the whole of its path, or all but the number at its end. */
static bool is_called(const struct sim_api_actor *actor, const char *path)
{
    size_t size = strlen(path);
    if (strncmp(actor->path, path, size) != 0) {
        return false;
    }
    const char *rest = actor->path + size;
    return rest[0] == '\0' ||
           (rest[0] == '#' && strspn(rest + 1, "0123456789") == strlen(rest + 1));
}

bool mm1_sim_find(const struct mm1_sim *sim, const char *path, mm1_addr *out)
{
    for (size_t i = sim->record.actor_count; i > 0; i--) {
        const struct sim_api_actor *actor = &sim->record.actors[i - 1];
        if (!actor->ended && is_called(actor, path)) {
            *out = actor->address;
            return true;
        }
    }
    return false;
}

size_t mm1_sim_spawned(const struct mm1_sim *sim)
{
    return sim->record.actor_count;
}

bool mm1_sim_ended(const struct mm1_sim *sim, mm1_addr addr, struct mm1_reason *reason)
{
    for (size_t i = sim->record.actor_count; i > 0; i--) {
        const struct sim_api_actor *actor = &sim->record.actors[i - 1];
        if (mm1_addr_equal(actor->address, addr)) {
            if (actor->ended && reason != NULL) {
                *reason = actor->reason;
            }
            return actor->ended;
        }
    }
    return false;
}

/* --- the trace ------------------------------------------------------------------------------------------------ */

mm1_status sim_api_trace_open(struct mm1_sim *sim, char error[MM1_SIM_ERROR_MAX])
{
    const struct mm1_sim_options *o = &sim->options;
    char why[SIM_ERROR_MAX];
    if (o->trace == NULL) {
        return MM1_OK;
    }
    mm1_status status = sim_trace_db_open(o->trace, &sim->trace, why);
    if (status != MM1_OK) {
        (void)snprintf(error, MM1_SIM_ERROR_MAX, "%s", why);
        return status;
    }
    const struct sim_scenario *s = &sim->scenario;
    const char *name = o->name == NULL ? "test" : o->name;
    struct mm1_text text = {.data = s->text, .size = s->text_size};
    const struct sim_identity identity = {
        .scenario = name,
        .scenario_file = sim->has_scenario ? s->file : name,
        .scenario_text = sim->has_scenario ? text : mm1_text_of(sim->identity),
        .scenario_hash = s->hash,
        .system = sim->system.name,
        .system_abi = sim->system.abi,
        .system_version = sim->system.source_version,
        .source_version = MM1_SOURCE_VERSION,
        .version = MM1_VERSION,
        .build_id = MM1_BUILD_ID,
        .generator = SIM_GENERATOR,
        .strategy = "random",
        .options = sim->identity,
        .options_hash = s->hash,
    };
    (void)sim_trace_db_begin(sim->trace, &identity, o->seed);
    sim->record.next = sim_trace_db_sink(sim->trace);
    return MM1_OK;
}

void sim_api_trace_close(struct mm1_sim *sim)
{
    char error[SIM_ERROR_MAX];
    if (sim->trace == NULL) {
        return;
    }
    sim_trace_db_end(sim->trace, &sim->result, true);
    if (sim_trace_db_commit(sim->trace, error) != MM1_OK) {
        (void)fprintf(stderr, "mm1: %s\n", error);
    }
    sim->trace = NULL;
    sim->record.next = NULL;
}
