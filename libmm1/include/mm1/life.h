/* Verbs that take a while, for behaviours: start, shutdown and ping. Each begins at once and ends with a message, which
 * its take function recognises. Function actors have forms of them that wait (mm1/function.h). */
#ifndef MM1_LIFE_H
#define MM1_LIFE_H

#include <mm1/actor.h>

/* How a call stands after an envelope was looked at. */
enum mm1_call {
    MM1_CALL_NOT_MINE, /* the envelope is something else: go on with it */
    MM1_CALL_STALE,    /* it belongs to an earlier call: ignore it */
    MM1_CALL_GOES_ON,  /* it was a step of this call */
    MM1_CALL_DONE,     /* the call is over: its status says how */
};

/* --- start: spawn, and wait until the child says that it is ready (LIFE-02) -------------------------------------- */

/* A start under way; embedded in the starter's state, zeroed when there is none. */
struct mm1_start {
    uint64_t id; /* 0: nothing under way */
    uint64_t timer;
    mm1_addr child;
    mm1_status status;        /* when it is over: MM1_OK, MM1_EXITED or MM1_TIMEOUT */
    mm1_addr addr;            /* of MM1_OK: what the child gave to mm1_init_done */
    struct mm1_reason reason; /* of MM1_EXITED: why the child ended */
    bool ignored;             /* of MM1_EXITED: it said mm1_init_ignore */
};

/* Spawns; mm1_start_take says how it went. Until then the child is linked to the starter, so that it ends with it, but
 * its own end is only told here; afterwards it is linked where `spawn->link` says so. `spawn->start` is set here.
 * Statuses of mm1_spawn and mm1_timer_start: then nothing is under way. */
MM1_API MM1_NODISCARD mm1_status mm1_start_begin(struct mm1_ctx *ctx, struct mm1_start *start,
                                                 const struct mm1_spawn *spawn,
                                                 uint64_t timeout_ns);
/* After MM1_TIMEOUT the child has been killed; its end is not waited for. */
MM1_API enum mm1_call mm1_start_take(struct mm1_ctx *ctx, struct mm1_start *start,
                                     const struct mm1_envelope *envelope);
/* Kills the child and forgets the start. */
MM1_API void mm1_start_cancel(struct mm1_ctx *ctx, struct mm1_start *start);

/* --- shutdown: exit, wait, kill, wait (STOP-04) ------------------------------------------------------------------- */

struct mm1_shutdown {
    uint64_t ref;   /* of the watch; 0: nothing under way */
    uint64_t timer; /* 0 after the kill */
    mm1_addr peer;
    mm1_status status;        /* when it is over: MM1_OK, or MM1_NOCONNECTION */
    struct mm1_reason reason; /* of MM1_OK: how the peer ended; noproc when nobody was there */
};

/* Removes a link to the peer first: its end is told here alone. Without memory for the exit signal it is killed at
 * once. MM1_NOMEM: nothing is under way. */
MM1_API MM1_NODISCARD mm1_status mm1_shutdown_begin(struct mm1_ctx *ctx,
                                                    struct mm1_shutdown *shutdown, mm1_addr peer,
                                                    uint64_t timeout_ns);
MM1_API enum mm1_call mm1_shutdown_take(struct mm1_ctx *ctx, struct mm1_shutdown *shutdown,
                                        const struct mm1_envelope *envelope);

/* --- ping (MSG-14) ------------------------------------------------------------------------------------------------ */

struct mm1_pinging {
    uint64_t id; /* 0: nothing under way */
    uint64_t timer;
    uint64_t began_ns;
    mm1_status status;      /* when it is over: MM1_OK or MM1_TIMEOUT */
    uint64_t round_trip_ns; /* of MM1_OK */
};

/* Statuses of mm1_send and mm1_timer_start: then nothing is under way. */
MM1_API MM1_NODISCARD mm1_status mm1_ping_begin(struct mm1_ctx *ctx, struct mm1_pinging *ping,
                                                mm1_addr peer, uint64_t timeout_ns);
MM1_API enum mm1_call mm1_ping_take(struct mm1_ctx *ctx, struct mm1_pinging *ping,
                                    const struct mm1_envelope *envelope);

#endif
