/* The one verb for every choice of a run: sim_choose. The words it draws from are addressed by (site, entity, nth), and
 * where they come from can be exchanged: a seed, recorded decisions; later fuzzer bytes, search, a shrinker. */
#ifndef SIM_CHOOSE_H
#define SIM_CHOOSE_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/bytes.h>
#include <mm1/random.h>

/* What is being chosen. The number is part of the trace format: append only. X(code, text) */
#define SIM_SITE_MAP(X)                                                                            \
    X(NONE, "none")                                                                                \
    X(FIRST_BLOCK, "first_block")   /* as enum mm1_random_purpose */                               \
    X(USER, "random")               /* as enum mm1_random_purpose */                               \
    X(TRACE_ID, "trace_id")         /* as enum mm1_random_purpose */                               \
    X(STEP, "step")                 /* which of the enabled steps is next */                       \
    X(START, "start")               /* when time starts */                                         \
    X(GRANULARITY, "granularity")   /* turn or effect */                                           \
    X(SWARM, "swarm")               /* is this class of faults on in this run */                   \
    X(FAULT_GAP, "fault_gap")       /* time until the next fault of a class */                     \
    X(FAULT_DWELL, "fault_dwell")   /* how long it lasts */                                        \
    X(FAULT_TARGET, "fault_target") /* whom it hits */                                             \
    X(CHUNK, "chunk")               /* where a stream is cut */                                    \
    X(TORN, "torn")                 /* what of the unsynced writes survives a crash */             \
    X(CRASH_PEERS, "crash_peers")   /* do the peers of a crashed host see a reset or silence */

enum sim_site {
#define SIM__SITE_ENUM(code, text) SIM_SITE_##code,
    SIM_SITE_MAP(SIM__SITE_ENUM)
#undef SIM__SITE_ENUM
};

const char *sim_site_text(enum sim_site site);

/* Where the next words come from; embedded in whatever keeps asking. */
struct sim_stream {
    enum sim_site site;
    uint64_t entity;
    uint64_t nth; /* questions asked so far */
};

#define SIM_KEY_MAX 320

/* A decision, as it is recorded and replayed. `step` numbers the decisions of a run from 1. */
struct sim_decision {
    uint64_t step;
    uint64_t entity;
    uint64_t nth;
    uint64_t n; /* of how many; 0: any 64 bits */
    uint64_t pick;
    /* hash of key_text: kind, paths, message fingerprint; 0 where a pick needs no name */
    uint64_t key;
    uint64_t enabled; /* digest of what could be chosen; 0 where it is only a number */
    uint32_t site;
    char key_text[SIM_KEY_MAX]; /* terminated; for people */
};

/* Recorded decisions that a run is to repeat. Borrowed. */
struct sim_decisions {
    const struct sim_decision *items;
    size_t count;
};

#endif
