/* A scenario: what a file in scenarios/ says, as plain data with every name resolved and every default filled in.
 *
 * sim_scenario_load_* reads the text strictly; sim_scenario_resolve ties it to its system (roles, arguments,
 * properties). Everything a scenario points to belongs to it and lives until sim_scenario_free, but for the system.
 * The format is described by sim/scenario.schema.json. */
#ifndef SIM_SCENARIO_H
#define SIM_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/system.h>

#include "host/diag.h"

/* A window of time, both ends included: from which a latency or a dwell time is drawn. min_ns <= max_ns. */
struct sim_window {
    uint64_t min_ns;
    uint64_t max_ns;
};

/* num out of den; den > 0 and num <= den. */
struct sim_ratio {
    uint32_t num;
    uint32_t den;
};

/* A set of hosts or another list of indices, ascending and without repetition. */
struct sim_indices {
    const uint32_t *items;
    uint32_t count;
};

/* A host: what crashes, pauses and is cut off as one. Several nodes may live on one. */
struct sim_host {
    const char *name;
};

struct sim_node {
    const char *name;
    uint32_t host;           /* index in hosts */
    uint64_t at_ns;          /* when it starts, counted from the start of the run */
    struct mm1_net auto_net; /* no net of a scenario overlaps another */
    const struct mm1_net *binds;
    uint32_t bind_count;
    /* names it listens at: "tcp://host:port" or "uds:///path" on its own host */
    const char *const *inbound;
    uint32_t inbound_count;
    const char *const *outbound; /* names it dials: each is in the inbound of some node */
    uint32_t outbound_count;
    const char *role_name;
    /* Set by sim_scenario_resolve. */
    const struct mm1_role *role; /* borrowed from the system */
    const void *arg;             /* a struct of role->arg_type; null when the role has none */
    size_t arg_size;             /* bytes of its block */
    /* Of nodes that a test adds: a node without a role has no first actor. */
    const struct mm1_settings *settings;
};

/* A pair of hosts with a latency of its own, both ways. a != b; a pair occurs once. */
struct sim_link {
    uint32_t a;
    uint32_t b;
    struct sim_window latency;
};

enum sim_granularity {
    SIM_GRANULARITY_TURN,
    SIM_GRANULARITY_EFFECT,
    SIM_GRANULARITY_MIX, /* one of the two, drawn per seed */
};

enum sim_local_delivery {
    SIM_LOCAL_CAUSAL,   /* inside a node a message arrives when it is sent */
    SIM_LOCAL_PAIRWISE, /* only the order of a pair is kept */
};

/* Classes of fault. In scenario files: the names in lower case. */
enum sim_fault_class {
    SIM_FAULT_PARTITION, /* what is sent between the two sides waits, in order, until the cut heals */
    SIM_FAULT_CRASH,     /* power loss of a host, then a restart of its nodes */
    SIM_FAULT_RESET,     /* all connections between two hosts break; both sides are told */
    SIM_FAULT_DELAY,     /* latency of a pair of hosts is taken from another window */
    SIM_FAULT_HALF_OPEN, /* host b's ends of its connections with a break, and a is not told: what a sends vanishes */
    SIM_FAULT_PAUSE, /* a host stands still: no turn, no timer, nothing arrives */
    SIM_FAULT_CLASSES,
};
/* "partition", "crash", … */
const char *sim_fault_class_name(enum sim_fault_class class);

/* One direction of one pair of hosts. */
struct sim_cut {
    uint32_t from;
    uint32_t to;
};

struct sim_scripted_fault {
    enum sim_fault_class class;
    uint64_t at_ns;
    uint64_t for_ns; /* 0: until all faults end (faults.until). Not of RESET. */
    uint32_t a;      /* CRASH, PAUSE: the host. RESET, DELAY, HALF_OPEN: the first of the two. */
    uint32_t b;      /* RESET, DELAY, HALF_OPEN */
    struct sim_window latency;  /* DELAY */
    const struct sim_cut *cuts; /* PARTITION: the directions that are cut */
    uint32_t cut_count;
};

struct sim_random_fault {
    bool configured;   /* it stands in the file; else nothing below counts */
    uint64_t every_ns; /* mean pause between two beginnings: each is drawn from 0 to twice this */
    struct sim_window dwell; /* how long one lasts. Not of RESET. */
    struct sim_ratio on;     /* of the seeds that have this class at all */
    /* which hosts it may hit, for a pair both ends; at least one, or two for pairs */
    struct sim_indices hosts;
    struct sim_window latency; /* DELAY */
    struct sim_ratio one_way;  /* PARTITION: of those that cut one direction only */
};

struct sim_faults {
    /* then all end and none begins; 0 when the scenario has no faults. Less than end.at_most_ns. */
    uint64_t until_ns;
    const struct sim_scripted_fault *scripted; /* in the order of the file */
    uint32_t scripted_count;
    struct sim_random_fault random[SIM_FAULT_CLASSES];
};

struct sim_time {
    const uint64_t *starts_ns; /* monotonic time at the start of the run; one is drawn per seed */
    uint32_t start_count;      /* at least 1 */
    uint64_t turn_ns;          /* modelled cost of a turn */
    uint64_t run_within_ns;    /* a ready actor runs at the latest after this */
    uint64_t timer_slack_ns;   /* a due timer fires at the latest after this */
};

struct sim_network {
    struct sim_window latency;
    uint64_t chunk; /* bytes that arrive in one piece at most; > 0 */
    const struct sim_link *links;
    uint32_t link_count;
};

struct sim_end {
    uint64_t at_most_ns; /* virtual length of a run */
    /* the system must come to rest by then, else the run fails; the run ends when it has */
    bool quiet;
    uint64_t quiet_for_ns; /* how long it must have rested */
};

struct sim_bounds {
    uint64_t events;
    uint64_t events_per_instant;
    uint64_t memory;      /* bytes, of each node */
    uint64_t fiber_stack; /* bytes */
};

/* Both ends included; first <= last. */
struct sim_seeds {
    uint64_t first;
    uint64_t last;
};

#define SIM_HASH_TEXT 33 /* 32 lower-case hex digits and a NUL */

struct sim_scenario {
    const char *file; /* as given to the loader */
    const char *name; /* last part of the file's name, without ".json" */
    const char *text; /* the whole file, terminated */
    size_t text_size;
    char hash[SIM_HASH_TEXT]; /* XXH3-128 of the text */

    const char *system_name;
    const char *about;            /* "" when missing */
    const struct sim_host *hosts; /* in the order of the file; at least 1 */
    uint32_t host_count;
    struct sim_node *nodes; /* in the order of the file; at least 1 */
    uint32_t node_count;
    struct sim_time time;
    enum sim_granularity granularity;
    enum sim_local_delivery local_delivery;
    struct sim_network network;
    struct sim_window store_latency;
    struct sim_faults faults;
    struct sim_end end;
    struct sim_bounds bounds;
    struct sim_seeds seeds; /* the default range */

    /* Set by sim_scenario_resolve. */
    const struct mm1_system *system;              /* borrowed */
    const struct mm1_property *const *properties; /* those that judge, borrowed from the system */
    uint32_t property_count;

    struct sim_scenario_private *own; /* the loader's */
};

/* Reads a file, or `text`, which stands for a file called `name`. `*out` is set only with MM1_OK; else `diag` says what
 * is wrong and where. MM1_INVALID: bad input. MM1_NOT_FOUND. MM1_IO: it cannot be read. MM1_NOMEM. */
MM1_NODISCARD mm1_status sim_scenario_load_file(const char *path, struct sim_scenario **out,
                                                struct mm1_diag *diag);
MM1_NODISCARD mm1_status sim_scenario_load_text(struct mm1_text text, const char *name,
                                                struct sim_scenario **out, struct mm1_diag *diag);
/* Ties the scenario to the system it names: role names, role arguments, property names. The system outlives the
 * scenario. Once per scenario. MM1_INVALID: `diag` says which name or argument is wrong. MM1_NOMEM. */
MM1_NODISCARD mm1_status sim_scenario_resolve(struct sim_scenario *scenario,
                                              const struct mm1_system *system,
                                              struct mm1_diag *diag);
/* Null is ignored. */
void sim_scenario_free(struct sim_scenario *scenario);

/* The latency window between two hosts: its link's, else the network's. */
struct sim_window sim_scenario_latency(const struct sim_scenario *scenario, uint32_t a, uint32_t b);

/* Parses "7", "1..100" or "0x1f..0x2f". MM1_MALFORMED leaves `*out` as it was. */
MM1_NODISCARD mm1_status sim_seeds_parse(struct mm1_text text, struct sim_seeds *out);

#endif
