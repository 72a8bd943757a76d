/* The inside of mm1/sim.h, shared by its files: api.c opens and closes worlds, api_nodes.c adds to them, api_outside.c
 * speaks to actors, api_run.c steps, api_fault.c injects, api_record.c keeps what happened, api_report.c says how it
 * went, api_seeds.c does it many times. */
#ifndef SIM_API_H
#define SIM_API_H

#include <mm1/sim.h>

#include "base/list.h"
#include "host/arena.h"
#include "sim/trace_db.h"
#include "sim/world.h"

#define SIM_API_TAIL 4096u /* events that a world remembers */
#define SIM_API_WHAT 160

/* An event as it is remembered. */
struct sim_api_event {
    uint64_t seq;
    uint64_t time_ns; /* since the start */
    uint64_t cause;
    uint64_t actor; /* row; 0: none */
    uint64_t peer;
    int32_t node;
    enum mm1_event_kind kind;
    int verb; /* -1: none */
    mm1_status status;
    char what[SIM_API_WHAT]; /* type, message and text, cut */
};

/* An actor that was born; its row is 1 + its index. */
struct sim_api_actor {
    char *path;
    mm1_addr address;
    uint32_t node;
    bool ended;
    struct mm1_reason reason;
};

/* Keeps what happened, and hands all rows on to a trace that is written. */
struct sim_api_record {
    struct sim_sink sink;
    struct mm1_sim *sim;
    struct sim_sink *next;        /* null: no trace */
    struct sim_api_event *events; /* ring, by seq */
    struct sim_api_actor *actors;
    size_t actor_count;
    size_t actor_capacity;
};

/* What lasts until it is healed by hand. */
struct sim_api_fault {
    struct mm1_list link;
    uint64_t number; /* of the world */
};

struct mm1_sim_host {
    struct mm1_sim *sim;
    uint32_t index;
};

struct mm1_sim_node {
    struct mm1_sim *sim;
    uint32_t index;
    struct mm1_role role;        /* of one that was added with a behaviour */
    struct mm1_sim_probe *asker; /* null: nothing was asked yet */
    uint32_t asker_start;        /* start of the node in which it lives */
    uint64_t asked;              /* id of the last question */
    const struct mm1_envelope *answer;
};

/* A message that a probe received. */
struct sim_api_message {
    struct mm1_list link;
    struct mm1_envelope envelope;
    size_t size; /* of the copy */
    _Alignas(max_align_t) unsigned char copy[];
};

struct mm1_sim_probe {
    struct mm1_list link; /* in sim->probes */
    struct mm1_sim *sim;
    mm1_addr address;
    struct mm1_list messages;
    size_t count;
    struct sim_api_message *taken;
};

struct mm1_sim {
    struct sim_world world;
    struct sim_run_spec spec;
    struct sim_result result;
    struct sim_scenario scenario; /* a copy of the loaded one, that grows */
    struct sim_scenario *loaded;
    bool has_scenario;
    struct mm1_system system;
    struct mm1_sim_options options; /* texts are copies */
    struct mm1__arena arena;        /* of names, arguments and lists */
    struct sim_host *host_specs;
    struct sim_node *node_specs;
    struct mm1_sim_host *hosts;
    struct mm1_sim_node *nodes;
    struct sim_api_record record;
    struct mm1_list probes;
    struct mm1_list faults;
    const struct mm1_runnable *volatile running; /* whose turn it is */
    struct sim_arrival alarm;                    /* ends a run after a time */
    bool rang;
    bool judged;
    bool reported;
    char *report;
    struct sim_trace_db *trace;
    char identity[512]; /* what the options are, in words */
};

/* api_record.c */
mm1_status sim_api_record_open(struct mm1_sim *sim);
void sim_api_record_close(struct mm1_sim *sim);
/* The event of that number; null when it is forgotten, or was none. */
const struct sim_api_event *sim_api_event_of(const struct mm1_sim *sim, uint64_t seq);
/* A node lost its power or was stopped: its actors are gone. */
void sim_api_record_node_down(struct mm1_sim *sim, uint32_t node);
/* Opens the trace that was asked for, and writes it. */
mm1_status sim_api_trace_open(struct mm1_sim *sim, char error[MM1_SIM_ERROR_MAX]);
void sim_api_trace_close(struct mm1_sim *sim);

/* api_nodes.c: the lists of hosts and nodes, with what the scenario has. */
mm1_status sim_api_nodes_open(struct mm1_sim *sim, char error[MM1_SIM_ERROR_MAX]);

/* api_outside.c */
void sim_api_probes_close(struct mm1_sim *sim);
static inline struct sim_node_state *sim_api_state(const struct mm1_sim_node *node)
{
    return &node->sim->world.nodes[node->index];
}

/* api_run.c: true when nothing is stepped any more. */
static inline bool sim_api_over(const struct mm1_sim *sim)
{
    return sim->judged || sim->world.stop || sim->result.verdict != SIM_PASSED;
}

/* api_report.c: prints the report once, if there is something to report. */
void sim_api_tell(struct mm1_sim *sim);
/* What one pastes to have this seed again; `trace`: and a trace of it. Cut at `size`. */
void sim_api_reproducer(const char *name, uint64_t seed, char *out, size_t size);

#endif
