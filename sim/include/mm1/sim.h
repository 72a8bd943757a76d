/* A simulated world in a test of one's own: it is made, hosts and nodes are added, it is stepped in virtual time,
 * faults are injected, and what came of it is looked at. One seed is one run: the same calls with the same seed give
 * the same hash, in every process.
 *
 *     static void adds_up(struct mm1_sim *sim, void *arg)
 *     {
 *         struct mm1_sim_node *node;
 *         mm1_addr counter;
 *         const struct counter_value *value;
 *         (void)arg;
 *         if (!MM1_SIM_OK(sim, mm1_sim_node_add(sim, &(struct mm1_sim_node_spec){.name = "a"}, &node)) ||
 *             !MM1_SIM_OK(sim, mm1_sim_spawn(node, &(struct mm1_spawn){.behaviour = &counter_behaviour}, &counter)) ||
 *             !MM1_SIM_OK(sim, mm1_sim_tell(node, counter, counter_add, .n = 3)) ||
 *             !MM1_SIM_OK(sim, mm1_sim_ask(node, counter, MM1_NS_PER_SEC, counter_get, counter_value, &value))) {
 *             return;
 *         }
 *         (void)MM1_SIM_EXPECT(sim, value->n == 3);
 *     }
 *
 *     Test(counter, adds_up)
 *     {
 *         const struct mm1_sim_options options = {.name = "counter/adds_up", .system = &counter_system};
 *         cr_assert(mm1_sim_seeds(&options, 1, 100, adds_up, NULL));
 *     }
 *
 * The first failing seed ends this, and standard error says what happened, what led to it, and a line to paste:
 * MM1_SIM_SEED=17 ./test --filter counter/adds_up. docs/testing-systems.md is the guide.
 *
 * A world belongs to one thread. Nothing here may be called inside a turn of its actors. What is said to be borrowed
 * lives as long as the world, unless it says otherwise. */
#ifndef MM1_SIM_H
#define MM1_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/ask.h>
#include <mm1/function.h>
#include <mm1/node.h>
#include <mm1/system.h>

struct mm1_sim;
struct mm1_sim_host;
struct mm1_sim_node;
struct mm1_sim_probe;

/* --- a world -------------------------------------------------------------------------------------------------- */

/* Where another actor may run: between turns, or before each visible verb of a turn. */
enum mm1_sim_granularity {
    MM1_SIM_DRAWN, /* one of the two, by the seed; a scenario: as it says */
    MM1_SIM_TURN,
    MM1_SIM_EFFECT,
};

/* When a message between two actors of one node arrives. */
enum mm1_sim_delivery {
    MM1_SIM_CAUSAL,   /* when it is sent; a scenario: as it says */
    MM1_SIM_PAIRWISE, /* later, by choice: only the order of a pair is kept, as in Erlang */
};

/* Both ends included. Both 0: the default. */
struct mm1_sim_window {
    uint64_t min_ns;
    uint64_t max_ns;
};

/* Zero means the default, everywhere. All is borrowed until the world is closed, but for texts, which are copied. */
struct mm1_sim_options {
    const char *name; /* "suite/name" of the test, for the line to paste and the trace */
    uint64_t seed;
    enum mm1_sim_granularity granularity;
    enum mm1_sim_delivery local_delivery;
    /* Its types may arrive, its roles can be booted, its properties judge. Null: none. */
    const struct mm1_system *system;
    const struct mm1_msg_type *const *types; /* that may arrive, besides the system's */
    size_t type_count;
    /* A scenario of the system, as text or as the path of a file (docs/scenarios.md): its hosts and nodes are there
     * from the start, nodes boot at their time, and its faults happen. At most one of the two. */
    const char *scenario;
    const char *scenario_file;
    /* Modelled times. Default: as a scenario that does not say. */
    uint64_t turn_ns;                    /* cost of a turn */
    uint64_t run_within_ns;              /* a ready actor runs at the latest after this */
    uint64_t timer_slack_ns;             /* a due timer fires at the latest after this */
    struct mm1_sim_window latency;       /* between any two hosts */
    struct mm1_sim_window store_latency; /* of logs */
    uint64_t memory;                     /* bytes, of each node */
    uint64_t events_max;                 /* beyond: livelock */
    uint32_t hosts_max;                  /* hosts and nodes that can be added: 16, at most 256 */
    uint32_t nodes_max;
    const char
        *trace; /* a file that gets the trace when the world is closed: mm1 query looks at it */
    struct mm1_trace *listener; /* also sees the nodes' events; null: nobody does */
    bool silent;                /* prints nothing; mm1_sim_report has the text */
    /* Of mm1_sim_seeds: one seed in so many is run twice, to compare the hashes, the first one always. Default: 16.
     * UINT32_MAX: none. */
    uint32_t repeat_every;
};

#define MM1_SIM_ERROR_MAX 2048

/* Opens a world, without time passed. Not MM1_OK: `error`, which may be null, says why in one line. MM1_INVALID: bad
 * options or scenario. MM1_NOT_FOUND, MM1_IO: its file, or the trace's. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_open(const struct mm1_sim_options *options,
                                              struct mm1_sim **out, char error[MM1_SIM_ERROR_MAX]);
/* Ends everything at once, and writes the trace that was asked for; a trace that cannot be written is reported on
 * standard error. Null is ignored. */
MM1_API void mm1_sim_close(struct mm1_sim *sim);

/* --- hosts and nodes ------------------------------------------------------------------------------------------ */

/* Adds a host: what crashes, pauses and is cut off as one. MM1_INVALID: not a name of letters, digits, "_", "." and
 * "-". MM1_CONFLICT: there is one. MM1_RESOURCE: hosts_max. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_host_add(struct mm1_sim *sim, const char *name,
                                                  struct mm1_sim_host **out);
/* The host, or node, of that name, of a scenario too; null when there is none. */
MM1_API struct mm1_sim_host *mm1_sim_host_find(struct mm1_sim *sim, const char *name);
MM1_API struct mm1_sim_node *mm1_sim_node_find(struct mm1_sim *sim, const char *name);
MM1_API struct mm1_sim_host *mm1_sim_node_host(const struct mm1_sim_node *node);

/* What a node is. Its first actor is a role of the system, or a behaviour, or nobody; it is spawned again, with the
 * same argument, at each start of the node. What is pointed to is copied, but for the behaviour, types and settings. */
struct mm1_sim_node_spec {
    const char *name;                    /* root of all its paths */
    struct mm1_sim_host *host;           /* null: one of its own, with its name */
    const char *role;                    /* null: `main` */
    const struct mm1_behaviour *main;    /* null: nobody */
    const struct mm1_msg_type *arg_type; /* of `main`; a role says its own */
    const void *arg; /* null where there is a type: nothing said, all fields optional or zero */
    /* Where its actors live. Mask 0: a subnet /16 that no other node of this world has. */
    struct mm1_net auto_net;
    const struct mm1_net *binds; /* what it may bind, besides the well-known addresses */
    size_t bind_count;
    /* With one of them, the node has the multi-node actors: names it listens at ("tcp://host:port" of its own host),
     * and names it dials. */
    const char *const *inbound;
    size_t inbound_count;
    const char *const *outbound;
    size_t outbound_count;
    const struct mm1_settings *settings; /* inbox sizes and such, by path; null: defaults */
    uint64_t fail_alloc; /* as mm1_sim_node_fail_alloc, counted from the first start; 0: none */
};

/* Adds a node and boots it now. MM1_INVALID: bad name, unknown role, a bad or overlapping subnet. MM1_CONFLICT: the
 * name is taken. MM1_CLOSED: the host is down. MM1_RESOURCE: nodes_max. MM1_NOMEM: of the node too, then `*out` is set
 * and it is down. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_node_add(struct mm1_sim *sim,
                                                  const struct mm1_sim_node_spec *spec,
                                                  struct mm1_sim_node **out);
/* The node as mm1/node.h sees it; null while it is down. Borrowed until it goes down. */
MM1_API struct mm1_node *mm1_sim_node_get(const struct mm1_sim_node *node);

/* --- from outside --------------------------------------------------------------------------------------------- */

/* As mm1_node_spawn, mm1_node_send, mm1_node_exit, mm1_node_suspend and mm1_node_resume of mm1/node.h, with their
 * statuses. MM1_CLOSED: the node is down. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_spawn(struct mm1_sim_node *node,
                                               const struct mm1_spawn *spawn, mm1_addr *out);
MM1_API MM1_NODISCARD mm1_status mm1_sim_send(struct mm1_sim_node *node, mm1_addr to,
                                              const struct mm1_msg_type *type, const void *msg,
                                              const struct mm1_header *header);
/* mm1_sim_send of a literal: mm1_sim_tell(node, to, kv_put, .key = k). */
#define mm1_sim_tell(node, to, T, ...)                                                             \
    mm1_sim_send((node), (to), &T##_type, &(struct T){__VA_ARGS__}, NULL)
MM1_API MM1_NODISCARD mm1_status mm1_sim_exit(struct mm1_sim_node *node, mm1_addr peer,
                                              struct mm1_reason reason);
MM1_API MM1_NODISCARD mm1_status mm1_sim_suspend(struct mm1_sim_node *node, mm1_addr addr);
MM1_API MM1_NODISCARD mm1_status mm1_sim_resume(struct mm1_sim_node *node, mm1_addr addr);

/* The address of an actor by its path, "/a/main#1/worker#2". Without a number at the end, the youngest of that name.
 * False: no such actor lives. */
MM1_API bool mm1_sim_find(const struct mm1_sim *sim, const char *path, mm1_addr *out);
/* How many actors have been spawned. */
MM1_API size_t mm1_sim_spawned(const struct mm1_sim *sim);
/* Whether the actor with this main address has ended, or lost its power, and why; a power loss is reason killed.
 * `reason` may be null. False as well for an address that no actor had. */
MM1_API bool mm1_sim_ended(const struct mm1_sim *sim, mm1_addr addr, struct mm1_reason *reason);

/* A probe is an actor of the test's: it keeps what it receives. Statuses of mm1_sim_spawn. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_probe_add(struct mm1_sim_node *node, const char *name,
                                                   struct mm1_sim_probe **out);
MM1_API mm1_addr mm1_sim_probe_addr(const struct mm1_sim_probe *probe);
/* How many messages wait in it. */
MM1_API size_t mm1_sim_probe_count(const struct mm1_sim_probe *probe);
/* The next message, in the order of arrival; null when there is none. Of a local-only type `msg` is null. Borrowed
 * until the next call with this probe. */
MM1_API const struct mm1_envelope *mm1_sim_probe_take(struct mm1_sim_probe *probe);
/* Steps until a message is there, and takes it. MM1_TIMEOUT: none came within `limit_ns`. MM1_CLOSED: the run has
 * ended. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_probe_wait(struct mm1_sim_probe *probe, uint64_t limit_ns,
                                                    const struct mm1_envelope **out);

/* Asks an actor and steps until it has answered: `request` is the struct of `request_type`, whose header is filled in
 * here; `*body` is the body of the answer, borrowed until the next ask of this node. MM1_TIMEOUT: no answer within
 * `limit_ns`. MM1_CLOSED: the node is down or the run has ended. Statuses of mm1_sim_send. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_ask_any(struct mm1_sim_node *node, mm1_addr server,
                                                 uint64_t limit_ns,
                                                 const struct mm1_msg_type *request_type,
                                                 void *request,
                                                 const struct mm1_msg_type *response_type,
                                                 const void **body);
/* const struct kv_value *value; mm1_sim_ask(node, server, limit_ns, kv_get, kv_value, &value, .key = k); */
#define mm1_sim_ask(node, server, limit_ns, Rq, Rs, out, ...)                                      \
    mm1_sim_ask_any((node), (server), (limit_ns), &Rq##_request_type,                              \
                    &(struct Rq##_request){.body = {__VA_ARGS__}}, &Rs##_response_type,            \
                    (const void **)(1 ? (out) : (const struct Rs **)NULL))

/* --- time ----------------------------------------------------------------------------------------------------- */

/* One step: a chosen arrival, or a chosen turn. False: nothing can happen, or the run has ended (mm1_sim_failed). */
MM1_API bool mm1_sim_step(struct mm1_sim *sim);
/* Steps for so long; the clock then shows just that. MM1_CLOSED: the run ended first. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_run_for(struct mm1_sim *sim, uint64_t ns);
/* Steps until the world is quiet: nothing queued, on its way or armed but what is background, and no fault of a
 * scenario to come. MM1_TIMEOUT: not within `limit_ns`, MM1_FOREVER: nothing can happen any more. MM1_CLOSED: the
 * run ended. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_run_until_quiet(struct mm1_sim *sim, uint64_t limit_ns);
/* Steps until a node is idle: no turn running, nothing queued except at suspended actors, nothing on its way between
 * two actors of it, and no timer, background ones aside, due within `horizon_ns`. Statuses of
 * mm1_sim_run_until_quiet; MM1_CLOSED as well when the node is down. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_run_until_idle(struct mm1_sim_node *node,
                                                        uint64_t horizon_ns, uint64_t limit_ns);
/* Steps until `done` says true; it is asked before the first step and after each. As above. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_run_until(struct mm1_sim *sim, uint64_t limit_ns,
                                                   bool (*done)(struct mm1_sim *sim, void *arg),
                                                   void *arg);
/* Runs a scenario to the end it says, as `mm1 sim` does; a world that does not come to rest is a failure of liveness.
 * MM1_INVALID: there is no scenario. MM1_CLOSED: the run failed. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_run_scenario(struct mm1_sim *sim);
/* Virtual time as actors see it in mm1_now, and since the world was opened. */
MM1_API uint64_t mm1_sim_now(const struct mm1_sim *sim);
MM1_API uint64_t mm1_sim_elapsed(const struct mm1_sim *sim);

/* --- faults --------------------------------------------------------------------------------------------------- */

/* Power loss: its nodes end at once, and of its logs what was not synced is lost or torn. MM1_CONFLICT: it is down, or
 * stands still. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_host_crash(struct mm1_sim_host *host);
/* Its power comes back: all its nodes boot. MM1_CONFLICT: it is not down. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_host_restart(struct mm1_sim_host *host);
/* It stands still for so long: no turn, no timer, nothing arrives. MM1_CONFLICT: it is down, or stands still.
 * MM1_INVALID: 0 ns. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_host_pause(struct mm1_sim_host *host, uint64_t for_ns);
/* Moves its wall clock, forward or back; monotonic time and timers stay. */
MM1_API void mm1_sim_host_step_clock(struct mm1_sim_host *host, int64_t by_ns);

/* Stops a node in order: no spawn succeeds, every actor is sent exit with reason shutdown, and after `grace_ns` of
 * steps those that are left are killed. MM1_CLOSED: it is down, or the run ended. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_node_stop(struct mm1_sim_node *node, uint64_t grace_ns);
/* Boots a node that is down. MM1_CONFLICT: it is up. MM1_CLOSED: its host is down. MM1_NOMEM: it stays down. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_node_start(struct mm1_sim_node *node);

/* What lasts until it is healed has a number, from 1; 0 stands for all of them. */

/* What one host sends to another waits, in order: one direction. */
MM1_API uint64_t mm1_sim_cut(struct mm1_sim_host *from, struct mm1_sim_host *to);
/* The hosts of `side` and all the others, those added later not among them, are cut off from each other, both ways. */
MM1_API uint64_t mm1_sim_partition(struct mm1_sim *sim, struct mm1_sim_host *const *side,
                                   size_t count);
/* The latency between two hosts is taken from this window; the latest delay counts. */
MM1_API uint64_t mm1_sim_delay(struct mm1_sim_host *a, struct mm1_sim_host *b,
                               struct mm1_sim_window latency);
/* Ends a cut, a partition or a delay; 0: all of them. One that is over is ignored. */
MM1_API void mm1_sim_heal(struct mm1_sim *sim, uint64_t number);
/* All connections between two hosts break, and both sides are told. */
MM1_API void mm1_sim_reset(struct mm1_sim_host *a, struct mm1_sim_host *b);
/* The ends of b's break, and a is not told: what it sends vanishes. */
MM1_API void mm1_sim_half_open(struct mm1_sim_host *a, struct mm1_sim_host *b);

/* Kills an actor, which cannot trap it. By path as in mm1_sim_find. MM1_NOPROC: no such actor lives. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_kill(struct mm1_sim *sim, const char *path);
/* The k-th request for memory of the node from now is refused, 1 being the next; 0: none. A start forgets it. */
MM1_API void mm1_sim_node_fail_alloc(struct mm1_sim_node *node, uint64_t k);
/* Requests of its memory since its start; and whether the one that was to fail has been made. */
MM1_API uint64_t mm1_sim_node_allocs(const struct mm1_sim_node *node);
MM1_API bool mm1_sim_node_alloc_failed(const struct mm1_sim_node *node);

/* --- the verdict ---------------------------------------------------------------------------------------------- */

/* Says whether `good`. When not, the run fails there, unless it has failed before, and the report is printed;
 * nothing is stepped any more. `what` and `format` name the expectation; `format` may be null. */
MM1_API bool mm1_sim_expect(struct mm1_sim *sim, bool good, const char *file, int line,
                            const char *what, const char *format, ...) MM1_PRINTF(6, 7);
/* Of a condition, and of a status that is to be MM1_OK. Criterion: cr_assert(MM1_SIM_EXPECT(sim, n == 3)). */
#define MM1_SIM_EXPECT(sim, condition)                                                             \
    mm1_sim_expect((sim), (condition), __FILE__, __LINE__, #condition, NULL)
#define MM1_SIM_OK(sim, status) mm1_sim_expect_ok((sim), (status), __FILE__, __LINE__, #status)
/* What MM1_SIM_OK is. */
MM1_API bool mm1_sim_expect_ok(struct mm1_sim *sim, mm1_status status, const char *file, int line,
                               const char *what);

/* How a run stands, or ended. Borrowed texts. */
struct mm1_sim_verdict {
    bool passed;
    const char *word; /* "passed", "property", "livelock", … as `mm1 sim` says; "expectation" */
    const char *property;      /* "" when none */
    const char *text;          /* why; "" when it passed */
    const char *active_faults; /* in force when it failed */
    uint64_t seq;              /* event at which it failed; 0: at the end */
    uint64_t time_ns;          /* of that event, since the world was opened */
    uint64_t events;
    uint64_t faults; /* injected */
    uint64_t checks; /* made by properties; 0 until mm1_sim_check */
    uint64_t hash;
};

/* True when the run has failed so far: an expectation, a property, a bound. */
MM1_API bool mm1_sim_failed(const struct mm1_sim *sim);
/* Ends the run: properties judge the whole of it, nothing is stepped any more. Prints the report when it failed and was
 * not printed yet. `verdict` may be null. True: passed. May be called again. */
MM1_API bool mm1_sim_check(struct mm1_sim *sim, struct mm1_sim_verdict *verdict);
/* The report of a failure: what, when, under which faults, the events that led to it, the last events, and the line to
 * paste. "" while there is none. Borrowed. */
MM1_API const char *mm1_sim_report(struct mm1_sim *sim);
/* The chained hash of all events so far. */
MM1_API uint64_t mm1_sim_hash(const struct mm1_sim *sim);
MM1_API uint64_t mm1_sim_seed(const struct mm1_sim *sim);

/* --- many seeds ----------------------------------------------------------------------------------------------- */

/* Opens a world for each seed from `first` to `last`, calls `scene`, checks and closes it, and stops at the first
 * seed that fails, whose report is printed. Some seeds are run twice (repeat_every): another hash is a failure. A
 * scene begins anew each time, and counts nothing in `arg`. With `trace`, a failing seed is run once more to write
 * it, and a single seed writes it in any case. Of a crash inside a run, standard error gets whose turn it was and
 * the line to paste. True: all passed. */
MM1_API bool mm1_sim_seeds(const struct mm1_sim_options *options, uint64_t first, uint64_t last,
                           void (*scene)(struct mm1_sim *sim, void *arg), void *arg);
/* The one place where the environment is read: MM1_SIM_SEED, a seed or a range such as 1..1000, replaces `*first` and
 * `*last`, and `options->seed`; MM1_SIM_TRACE, a file, replaces `options->trace`. What is not set stays; what cannot be
 * read is MM1_MALFORMED. */
MM1_API MM1_NODISCARD mm1_status mm1_sim_from_environment(struct mm1_sim_options *options,
                                                          uint64_t *first, uint64_t *last);

#endif
