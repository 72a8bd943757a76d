/* The inside of a simulated world, shared by the files that make it up: hosts, nodes, pending arrivals, faults.
 *
 * A run is a sequence of steps. Each step chooses one of what is enabled: a pending arrival (a due timer, the head of a
 * stream, a completion of a log, a fault), or a ready actor. Time is a result of what was chosen:
 *
 *     arrivals  [2ms..12ms] [5ms..9ms] [10ms..20ms]      ready actors, node a: [4ms..5ms]
 *
 * The smallest latest time of all is 5 ms. So the arrivals at 2 and 5 ms and each ready actor of a are enabled, the one
 * at 10 ms is not. Whichever is chosen, the clock then stands at max(now, its earliest). */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/node.h>

#include "base/fiber.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/tree.h"
#include "sim/pool.h"
#include "sim/run.h"

struct sim_world;
struct sim_host_state;
struct sim_node_state;
struct sim_arrival;

/* --- arrivals (arrival.c) ------------------------------------------------------------------------------------- */

/* What a pick would be, for the key of a decision. */
struct sim_key {
    uint64_t hash;
    char text[SIM_KEY_MAX];
};

struct sim_arrival_ops {
    /* It was chosen; it is pending no more. */
    void (*arrive)(struct sim_world *world, struct sim_arrival *arrival);
    void (*describe)(const struct sim_world *world, const struct sim_arrival *arrival,
                     struct sim_key *key);
};

/* Something that will happen within a window of time; embedded in what it is about. It fits into mm1_timer.port. */
struct sim_arrival {
    struct mm1_tree_node by_earliest; /* order: (earliest, sequence) */
    struct mm1_heap_node by_latest;   /* order: (latest, sequence) */
    uint64_t earliest;
    const struct sim_arrival_ops *ops;
    struct sim_host_state
        *host;       /* whom it happens to: a paused host is not reached; null: the world */
    uint64_t entity; /* names it in the digest of what is enabled */
};

void sim_arrival_add(struct sim_world *world, struct sim_arrival *arrival, uint64_t earliest,
                     uint64_t latest);
static inline bool sim_arrival_pending(const struct sim_arrival *arrival)
{
    return mm1_tree_linked(&arrival->by_earliest);
}
/* Takes it back; one that is not pending is ignored. */
void sim_arrival_remove(struct sim_world *world, struct sim_arrival *arrival);

/* --- nodes and hosts ------------------------------------------------------------------------------------------ */

struct sim_clock {
    struct mm1_clock base;
    struct sim_node_state *node;
};
struct sim_random {
    struct mm1_random base;
    struct sim_node_state *node;
};
struct sim_sched {
    struct mm1_sched base;
    struct sim_node_state *node;
};
struct sim_transport {
    struct mm1_transport base;
    struct sim_node_state *node;
    struct mm1_port_sink *sink;
    struct mm1_tree sockets; /* by handle */
};
struct sim_store {
    struct mm1_store base;
    struct sim_node_state *node;
    struct mm1_port_sink *sink;
};
struct sim_trace {
    struct mm1_trace base;
    struct sim_node_state *node;
};

/* A ready actor; `turn` when its turn was interrupted and waits to go on. */
struct sim_ready {
    struct mm1_runnable *runnable;
    struct sim_turn *turn;
};

struct sim_node_state {
    struct sim_world *world;
    const struct sim_node *spec;
    uint32_t index;
    struct sim_host_state *host;
    struct mm1_node *node; /* null while it is down */
    uint32_t starts;
    struct sim_pool pool;
    struct mm1_env env;
    struct sim_clock clock;
    struct sim_random random;
    struct sim_sched sched;
    struct sim_transport transport;
    struct sim_store store;
    struct sim_trace trace;
    struct mm1_list held; /* signals kept by pairwise delivery */
    /* Ready actors, and the window in which one of them runs next. */
    struct sim_ready *ready;
    size_t ready_count;
    size_t ready_capacity;
    size_t active_place; /* 1 + index in world->active; 0: none is ready */
    uint64_t run_earliest;
    uint64_t run_latest;
};

struct sim_host_state {
    struct sim_world *world;
    const struct sim_host *spec;
    uint32_t index;
    bool down;
    uint64_t paused_until;
    uint64_t wall_shift_ns; /* of its wall clock; modulo 2^64, so that it may go back */
    struct mm1_list files;  /* of its disk */
};

/* --- streams of choices --------------------------------------------------------------------------------------- */

/* What can be picked, for recording and for replay by name. */
struct sim_menu {
    uint64_t enabled; /* digest */
    void (*describe)(struct sim_world *world, uint64_t pick, struct sim_key *key);
};

/* The one verb: a number in [0, n), or any 64 bits when n is 0. n = 1 asks nobody. `menu` may be null. */
uint64_t sim_choose(struct sim_world *world, struct sim_stream *stream, uint64_t n,
                    const struct sim_menu *menu);
/* A number in [window.min_ns, window.max_ns]. */
uint64_t sim_choose_within(struct sim_world *world, struct sim_stream *stream,
                           struct sim_window window);
/* As sim_choose for a stream whose position the caller keeps. */
uint64_t sim_choose_at(struct sim_world *world, enum sim_site site, uint64_t entity, uint64_t nth,
                       uint64_t n, const struct sim_menu *menu);

/* --- the world ------------------------------------------------------------------------------------------------ */

struct sim_fault;

struct sim_property_state {
    const struct mm1_property *property;
    void *state;
    enum mm1_verdict verdict;
    uint32_t events; /* kinds that it sees, as bits */
    uint64_t seen;
};

#define SIM_TYPE_CACHE 256u

struct sim_world {
    const struct sim_run_spec *spec;
    const struct sim_scenario *scenario;
    struct sim_result *result;
    struct sim_pool pool; /* the world's own memory */
    struct mm1_alloc *alloc;
    struct mm1_msg_registry types;

    uint64_t start;
    uint64_t now;
    uint64_t sequence; /* numbers arrivals */
    struct mm1_tree arrivals;
    struct mm1_heap deadlines;
    uint64_t arrivals_enabled; /* digest: sum over pending arrivals */
    uint64_t ready_enabled;    /* digest: sum over ready actors */
    uint64_t unrest;           /* pending arrivals of the ports that are not background */

    uint32_t host_capacity;
    uint32_t node_capacity;
    struct sim_host_state *hosts;
    struct sim_node_state *nodes;
    uint32_t *active; /* indices of nodes with ready actors */
    size_t active_count;

    struct sim_stream steps;
    bool effects; /* granularity */
    bool pairwise;
    struct mm1_fiber self;
    struct sim_turn *turn; /* the turn that is running; null between turns */
    struct mm1_list idle_turns;
    struct mm1_list suspended; /* all interrupted turns */

    /* network */
    struct mm1_list listeners;
    struct mm1_list connections;
    uint64_t connection_count;
    uint32_t *cuts;            /* [from * host_capacity + to]: partitions in force */
    struct sim_fault **delays; /* [a * host_capacity + b], a < b: the delay in force */

    /* faults */
    struct mm1_list faults; /* in force, and to come */
    uint64_t fault_count;
    struct sim_arrival calm; /* when all faults end */
    bool calm_now;
    uint32_t fired[SIM_FAULT_CLASSES];
    bool swarm[SIM_FAULT_CLASSES];
    struct sim_random_class *classes;

    /* trace */
    uint64_t hash;
    uint64_t cause; /* mark of what leads to the next event, where the event does not say */
    uint64_t instant;
    uint64_t instant_events;
    struct mm1_buf scratch;
    struct mm1_buf json;
    struct {
        const struct mm1_msg_type *type;
        uint64_t hash;
    } type_cache[SIM_TYPE_CACHE];
    struct mm1_tree actor_rows; /* by path hash; only with a sink */
    uint64_t actor_count;
    uint64_t log_lines;
    struct sim_property_state *properties;
    uint32_t seen_events; /* what any of them sees */
    uint64_t quiet_since; /* UINT64_MAX: restless */

    bool stop;
    uint64_t next_decision;
};

/* Ends the run with a verdict, unless it has one; the first counts. */
void sim_world_fail(struct sim_world *world, enum sim_verdict verdict, const char *signature,
                    const char *property, const char *format, ...) MM1_PRINTF(5, 6);

/* run.c: a world at its first instant, with its nodes about to start; and the end of it. */
void sim_world_open(struct sim_world *world, const struct sim_run_spec *spec,
                    struct sim_result *result);
void sim_world_close(struct sim_world *world);

/* run.c: steps to the end that the scenario says. */
void sim_world_run(struct sim_world *world);

/* step.c: one step. False: nothing is enabled. */
bool sim_world_step(struct sim_world *world);

/* turn.c */
void sim_turns_init(struct sim_world *world);
void sim_turns_close(struct sim_world *world);
/* Gives a ready actor its turn, or goes on with one that was interrupted. */
void sim_turn_run(struct sim_world *world, struct sim_node_state *node, size_t index);
void sim_sched_init(struct sim_node_state *node);
/* Forgets the ready actors, interrupted turns and held signals of a node that ends at once. */
void sim_sched_close(struct sim_node_state *node);

/* clock.c, net.c, disk.c, trace.c: the ports of a node */
void sim_clock_init(struct sim_node_state *node);
void sim_random_init(struct sim_node_state *node);
void sim_transport_init(struct sim_node_state *node);
void sim_store_init(struct sim_node_state *node);
void sim_trace_init(struct sim_node_state *node);

/* net.c: power loss of a host (its ends vanish), a reset, a half-open break, a change of cuts. */
void sim_net_lose_host(struct sim_world *world, uint32_t host, bool peers_see_reset);
void sim_net_reset(struct sim_world *world, uint32_t a, uint32_t b);
void sim_net_half_open(struct sim_world *world, uint32_t a, uint32_t b);
void sim_net_recut(struct sim_world *world);
/* Closes what a node that has ended left open. */
void sim_net_leave(struct sim_node_state *node);
void sim_net_close(struct sim_world *world);

/* disk.c: power loss: what was not synced is lost or torn. */
void sim_disk_crash(struct sim_host_state *host);
void sim_disk_close(struct sim_host_state *host);

/* fault.c */
void sim_faults_init(struct sim_world *world);
void sim_faults_close(struct sim_world *world);
/* Appends the faults in force, "none" when there are none. */
void sim_faults_describe(const struct sim_world *world, char *out, size_t size);
/* Injects a fault by hand, now: one that lasts for `spec->for_ns`, or when that is 0 until sim_fault_heal; `at_ns` has
 * no meaning. Returns its number, 0 when its host is down or paused. */
uint64_t sim_fault_inject(struct sim_world *world, const struct sim_scripted_fault *spec);
/* Heals what was injected by hand and is in force. */
void sim_fault_heal(struct sim_world *world, uint64_t number);
/* The crash of this host that is in force, 0: none. */
uint64_t sim_fault_crash_of(const struct sim_world *world, uint32_t host);
/* Takes note of a fault that is done by whoever calls this. */
void sim_fault_note(struct sim_world *world, const char *kind, const char *what);
struct sim_window sim_fault_latency(const struct sim_world *world, uint32_t a, uint32_t b);

/* host.c */
/* The ports of a node, ready for a start of it. */
void sim_ports_init(struct sim_node_state *node);
void sim_host_boot(struct sim_host_state *host);
/* Makes the next host, or node, of the scenario; for a node that was added, there is no first start to come. */
void sim_host_make(struct sim_world *world, uint32_t index);
void sim_node_make(struct sim_world *world, uint32_t index);
/* Boots one node that is down; it stays down when that fails. */
MM1_NODISCARD mm1_status sim_node_boot(struct sim_node_state *node);
/* Ends one node that is up; `why` is what its event says. */
void sim_node_end(struct sim_node_state *node, const char *why);
void sim_host_crash(struct sim_host_state *host);
mm1_status sim_nodes_init(struct sim_world *world);
void sim_nodes_close(struct sim_world *world);

/* trace.c: an event of the world itself. Returns its number. */
uint64_t sim_world_event(struct sim_world *world, enum mm1_event_kind kind,
                         const struct sim_node_state *node, const char *text);
void sim_actor_rows_close(struct sim_world *world);

/* property.c */
void sim_properties_init(struct sim_world *world);
void sim_properties_see(struct sim_world *world, const struct sim_node_state *node, uint64_t seq,
                        const struct mm1_event *event);
void sim_properties_end(struct sim_world *world);
void sim_properties_close(struct sim_world *world);

/* Items of queues, armed timers and pending arrivals that are not background. */
uint64_t sim_world_unrest(const struct sim_world *world);

#endif
