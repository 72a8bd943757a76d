/* Actors: a behaviour with a state struct, and the verbs it may use on its context.
 *
 * An actor is run by one thread at a time. A turn takes one item of its queue; what it sends is copied, and what it
 * receives is borrowed until the turn ends. All verbs are called inside a turn, on the context whose turn it is.
 *
 * An actor has one context for its main address and one for each fork: an address, a behaviour and a state. Links,
 * exit signals, watches and "parent" mean the actor: they carry main addresses, whichever context used the verb.
 *
 * Actors that are written as functions, which wait for messages where they need them: mm1/function.h.
 *
 * Errors: a verb that cannot be carried out says so in its status and changes nothing. A step harness or an injected
 * fault may answer any verb with any status. */
#ifndef MM1_ACTOR_H
#define MM1_ACTOR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include <mm1/clock.h>
#include <mm1/msg.h>
#include <mm1/reason.h>
#include <mm1/store.h>
#include <mm1/transport.h>

struct mm1_ctx; /* a context: main or fork; it stays at one place as long as it lives */

/* A message as it arrived (CORE-06, CORE-07). Borrowed for the turn. */
struct mm1_envelope {
    const struct mm1_msg_type *type;
    const void *msg;
    /* where it was first sent: a forward keeps it, and of a bound subnet it says which address */
    mm1_addr to;
    uint64_t no;       /* number given by its node */
    uint64_t trace_id; /* 0: none */
    uint8_t ttl;       /* hops left (TTL-01) */
    bool priority;     /* overtakes what waits without */
};

/* What an actor is made of. All functions run in turns of the actor. */
struct mm1_behaviour {
    const char *name;  /* for paths and traces */
    size_t state_size; /* bytes of the state struct, zeroed before init */
    /* The state struct's field list, or null; only with it the state can be hashed and printed. */
    const struct mm1_msg_type *state_type;
    /* First turn. `arg` is the copied argument of spawn, borrowed for this turn; null when there was none. Anything but
     * MM1_OK ends the actor with init_failed. May be null. */
    MM1_NODISCARD mm1_status (*init)(struct mm1_ctx *ctx, void *state, const void *arg);
    /* Takes one message. Anything but MM1_OK ends the actor with error(status). */
    MM1_NODISCARD mm1_status (*receive)(struct mm1_ctx *ctx, void *state,
                                        const struct mm1_envelope *envelope);
    /* Frees what the state owns; no verb may be used. Runs once for each actor whose init was called, however it
     * ends, but for a simulated power loss in the middle of its turn (docs/decisions/0006). May be null. */
    void (*fini)(void *state);
    /* In the place of fini where a power loss cuts a turn off: gives back what the runtime itself holds for this
     * behaviour, and runs nothing of the user's. May be null. */
    void (*abandon)(void *state);
};

#define MM1_TTL_DEFAULT 15
#define MM1_INBOX_DEFAULT 1024

/* --- about oneself -------------------------------------------------------------------------------------------- */

/* The address of this context: the actor's main address, or that of a fork. */
MM1_API mm1_addr mm1_self(const struct mm1_ctx *ctx);
/* The actor's main address. */
MM1_API mm1_addr mm1_main(const struct mm1_ctx *ctx);
/* The behaviour of this context, as it was spawned or forked with. */
MM1_API const struct mm1_behaviour *mm1_behaviour_of(const struct mm1_ctx *ctx);
/* The main address of the actor that spawned this one; bits 0 for the first actor of a node. */
MM1_API mm1_addr mm1_parent(const struct mm1_ctx *ctx);
/* The actor's path. Borrowed. */
MM1_API const struct mm1_path *mm1_self_path(const struct mm1_ctx *ctx);
/* A number that this actor has not seen before, never 0, for references of its own making; watches and timers get
 * theirs from the same source. */
MM1_API uint64_t mm1_next_ref(struct mm1_ctx *ctx);
/* The types that may arrive at this node. Borrowed. */
MM1_API const struct mm1_msg_registry *mm1_types(const struct mm1_ctx *ctx);
/* Memory of the node, through the allocator port. */
MM1_API struct mm1_alloc *mm1_ctx_alloc(const struct mm1_ctx *ctx);

/* --- messages ------------------------------------------------------------------------------------------------- */

/* Case of a receive function: declares `m` when the envelope holds a struct T. Each case ends in `return`; in a
 * function actor it may also end without, and `break` and `continue` leave the case alone. */
#define MM1_ON(envelope, T, m)                                                                     \
    for (const struct T *m = mm1_is(envelope, &T##_type) ? (envelope)->msg : NULL; (m) != NULL;    \
         (m) = NULL)

static inline bool mm1_is(const struct mm1_envelope *envelope, const struct mm1_msg_type *type)
{
    return envelope->type == type;
}

/* Header of a message that is not the default one. Zero means default, except for trace_id 0: the current one. */
struct mm1_header {
    uint64_t trace_id;
    uint64_t no; /* 0: the node's next number */
    uint8_t ttl; /* 0: MM1_TTL_DEFAULT */
    bool priority;
};

/* Sends a copy of `msg`. `header` null: all defaults.
 * MM1_OK: it lies in an inbox of this node, or the address is local and nobody is there (traced as lost).
 * MM1_NOT_FOUND: neither a local subnet nor a route. MM1_FULL: the inbox is full (priority messages need no permit).
 * MM1_CLOSED: the actor there closed its inbox. MM1_TTL_EXHAUSTED. MM1_NOMEM. MM1_INVALID: the message breaks a rule
 * of its type. (MSG-05, MSG-06) */
MM1_API MM1_NODISCARD mm1_status mm1_send(struct mm1_ctx *ctx, mm1_addr to,
                                          const struct mm1_msg_type *type, const void *msg,
                                          const struct mm1_header *header);
/* mm1_send of a literal: mm1_tell(ctx, to, kv_put, .key = k, .value = v). */
#define mm1_tell(ctx, to, T, ...) mm1_send((ctx), (to), &T##_type, &(struct T){__VA_ARGS__}, NULL)
/* Passes the message on to `to`: ttl is one less, the rest of the header and `envelope->to` stay (MSG-06).
 * Statuses of mm1_send. */
MM1_API MM1_NODISCARD mm1_status mm1_forward(struct mm1_ctx *ctx, mm1_addr to,
                                             const struct mm1_envelope *envelope);
/* Notes that a message was not expected, and ignores it: the last line of most receive functions. MM1_OK. */
MM1_API MM1_NODISCARD mm1_status mm1_unhandled(struct mm1_ctx *ctx,
                                               const struct mm1_envelope *envelope);

/* Sets the message in hand aside: it is received again after mm1_unpostpone, before what came later. It keeps its
 * permit of the inbox. Only in a receive function, once for each message. */
MM1_API void mm1_postpone(struct mm1_ctx *ctx);
/* Puts all that was set aside by this context back to the front, in the order of its arrival; what was sent with
 * priority overtakes again. */
MM1_API void mm1_unpostpone(struct mm1_ctx *ctx);
/* As above, of the message alone that was set aside first: for those who are ready for one. False: there is none. */
MM1_API bool mm1_unpostpone_next(struct mm1_ctx *ctx);

/* A message that outlives its turn. */
struct mm1_kept;
/* Keeps the message in hand, or the argument of spawn in an init function; whoever keeps it gives it back with
 * mm1_kept_drop, in fini at the latest. A periodic timer is armed again only then. Needs no memory. Null: it is not in
 * hand any more, since it was set aside or kept. */
MM1_API struct mm1_kept *mm1_keep(struct mm1_ctx *ctx);
MM1_API const struct mm1_envelope *mm1_kept_envelope(const struct mm1_kept *kept);
/* Null is ignored. */
MM1_API void mm1_kept_drop(struct mm1_kept *kept);

/* Takes no more messages: from now on senders get MM1_CLOSED. What has arrived is still received, then mm1_closed, the
 * last message. Exit signals, notifications, timers and completions go on. A message to a closed fork is lost.
 * Again: no change. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_close(struct mm1_ctx *ctx);
MM1_MSG_DECLARE_UNIT(mm1_closed)

/* The trace that what this turn sends belongs to: that of the message in hand, 0 for none, unless it is set. A spawned
 * actor begins with its parent's. Of a timer's message it is a fresh one (TRACE-01). */
MM1_API uint64_t mm1_trace_id(const struct mm1_ctx *ctx);
MM1_API void mm1_trace_set(struct mm1_ctx *ctx, uint64_t trace_id);
/* Draws an id that is not 0 from the random port. */
MM1_API uint64_t mm1_trace_new(struct mm1_ctx *ctx);

/* --- life ----------------------------------------------------------------------------------------------------- */

struct mm1_spawn {
    const struct mm1_behaviour *behaviour;
    const char *name; /* null: the behaviour's name and an ordinal; else copied */
    /* With it `arg` is copied as a message, else `arg_size` bytes are; an arg with neither is invalid. */
    const struct mm1_msg_type *arg_type;
    const void *arg;
    size_t arg_size;
    bool link; /* link it to the caller, atomically */
    /* 0: MM1_INBOX_DEFAULT. What the node's configuration says for the actor's path comes first. */
    uint32_t inbox_size;
    /* Not 0: the caller awaits mm1_started or mm1_start_failed with this reference (mm1/life.h, mm1_start_begin). Until
     * the first of them the child is linked to the caller, but its end is told by mm1_start_failed alone. */
    uint64_t start;
    /* Not 0: a watch of the child with this reference, from mm1_next_ref, begins atomically with its life: it tells the
     * reason of a child that ends at once (A2). */
    uint64_t watch;
};

/* Spawns an actor and returns before its init has run (LIFE-01). MM1_NOMEM; MM1_RESOURCE: no address block is free, or
 * the node is shutting down. MM1_INVALID: an arg without a type and a size, or one that breaks a rule of its type. */
MM1_API MM1_NODISCARD mm1_status mm1_spawn(struct mm1_ctx *ctx, const struct mm1_spawn *spawn,
                                           mm1_addr *out);
#define MM1_STARTED_FIELDS(F) F(id, start) F(addr, addr)
MM1_MSG_DECLARE(mm1_started, MM1_STARTED_FIELDS)
#define MM1_START_FAILED_FIELDS(F) F(id, start) F(addr, child) F(bool, ignored) F(sub(mm1_why), why)
MM1_MSG_DECLARE(mm1_start_failed, MM1_START_FAILED_FIELDS)

/* Tells the parent that awaits it that this actor is ready, at `addr`: the first call of its main context counts, all
 * others do nothing (LIFE-04, MSG-13). Needs no memory. */
MM1_API void mm1_init_done(struct mm1_ctx *ctx, mm1_addr addr);
/* In the place of mm1_init_done: this actor is not needed, which is no failure (OTP's ignore). It ends with reason
 * normal when its turn returns MM1_OK, and its parent gets mm1_start_failed with `ignored`. Only in the main context.
 */
MM1_API void mm1_init_ignore(struct mm1_ctx *ctx);

/* Ends this actor when its turn returns MM1_OK; also from a fork. The first reason counts. */
MM1_API void mm1_quit(struct mm1_ctx *ctx, struct mm1_reason reason);
/* Sends an exit signal with a reason (OTP's exit/2; STOP-01 with reason shutdown). A peer that traps exits gets Exited
 * and lives, except for MM1_REASON_KILL; normal is ignored by one that does not trap and is not the sender.
 * MM1_OK: some actor's queue took the signal. MM1_NOPROC: nobody is there. MM1_NOCONNECTION: a remote or bound address.
 * MM1_NOMEM: nothing was sent. */
MM1_API MM1_NODISCARD mm1_status mm1_exit(struct mm1_ctx *ctx, mm1_addr peer,
                                          struct mm1_reason reason);
/* Kills an actor by any address of its block: cannot be trapped (STOP-02). It acts in its place
 * among what this actor sent before and after; without memory it acts at once. MM1_OK, MM1_NOPROC;
 * MM1_NOCONNECTION: a remote or bound address. The status may be ignored. */
MM1_API mm1_status mm1_kill(struct mm1_ctx *ctx, mm1_addr peer);

/* --- forks ---------------------------------------------------------------------------------------------------- */

struct mm1_fork {
    const struct mm1_behaviour *behaviour;
    const struct mm1_msg_type *arg_type; /* as in struct mm1_spawn */
    const void *arg;
    size_t arg_size;
};
/* Opens another context of this actor, with an address, a behaviour and a state of its own; its init runs in a later
 * turn (MSG-11, MSG-12). It shares the inbox, the trap_exit flag and the end of the actor: what a function of it
 * returns but MM1_OK ends the whole actor. MM1_RESOURCE: the actor's block of addresses is used up. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_fork(struct mm1_ctx *ctx, const struct mm1_fork *fork,
                                          mm1_addr *out);
/* Ends a fork when its turn returns MM1_OK: to those who watch it or are linked to it, with reason normal (LINK-06).
 * Its timers, handles, bound subnets and watches end with it. Only for forks. */
MM1_API void mm1_fork_end(struct mm1_ctx *ctx);
static inline bool mm1_is_fork(const struct mm1_ctx *ctx)
{
    return !mm1_addr_equal(mm1_self(ctx), mm1_main(ctx));
}

/* --- links and watches ---------------------------------------------------------------------------------------- */

/* Links both ways; again is no change. A peer that is not there answers with an exit signal noproc, a remote or bound
 * one with noconnection. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_link(struct mm1_ctx *ctx, mm1_addr peer);
/* Removes the link; an exit signal of the peer that was on its way is ignored from now on. A peer that is not linked is
 * no error. MM1_NOMEM: the link stays. MM1_CONFLICT: a child that its starter waits for stays linked to it until it has
 * said mm1_init_done. */
MM1_API MM1_NODISCARD mm1_status mm1_unlink(struct mm1_ctx *ctx, mm1_addr peer);
/* Whether exit signals become mm1_exited messages. */
MM1_API void mm1_trap_exit(struct mm1_ctx *ctx, bool on);
/* Watches: one mm1_down with this reference, to this context, when the peer ends (an actor or a fork), or at once with
 * noproc (nobody there) or noconnection (remote or bound). References of an actor are never reused. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_watch(struct mm1_ctx *ctx, mm1_addr peer, uint64_t *ref);
/* Ends a watch; unknown references are ignored. No mm1_down of it is received afterwards, unless it lies in the queue
 * already (WATCH-03). */
MM1_API void mm1_unwatch(struct mm1_ctx *ctx, uint64_t ref);
/* As mm1_unwatch, and takes back a notification that lies in the queue: none is received afterwards (OTP's demonitor
 * with flush and info). True: the watch stood until now. False: it was over, or unknown. */
MM1_API bool mm1_unwatch_flush(struct mm1_ctx *ctx, uint64_t ref);

#define MM1_EXITED_FIELDS(F) F(addr, peer) F(sub(mm1_why), why)
MM1_MSG_DECLARE(mm1_exited, MM1_EXITED_FIELDS)
#define MM1_DOWN_FIELDS(F) F(addr, peer) F(id, ref) F(sub(mm1_why), why)
MM1_MSG_DECLARE(mm1_down, MM1_DOWN_FIELDS)

/* --- addresses ------------------------------------------------------------------------------------------------ */

/* Serves a subnet: whatever is sent to an address of it arrives at this context, with `to` saying which. It ends with
 * the context and has permits of its own: `inbox_size` messages, 0 for MM1_INBOX_DEFAULT. In the node's auto subnet
 * only well-known addresses (MM1_NET_WELL_KNOWN) can be bound.
 * MM1_CONFLICT: it overlaps a bound subnet, or the node's auto subnet. MM1_INVALID: a mask above 64. MM1_NOMEM.
 * (MSG-09, MSG-10) */
MM1_API MM1_NODISCARD mm1_status mm1_bind(struct mm1_ctx *ctx, struct mm1_net net,
                                          uint32_t inbox_size);
/* Whom to watch for `addr`: an address of an actor or of a fork stands for itself, a bound one for the context that
 * serves it. False: nobody of this node does. */
MM1_API bool mm1_owner(const struct mm1_ctx *ctx, mm1_addr addr, mm1_addr *owner);
/* Whether the address lies in a subnet of this node; somebody may be there or not. */
MM1_API bool mm1_is_local(const struct mm1_ctx *ctx, mm1_addr addr);

/* What mm1_ping_begin of mm1/life.h sends. It is answered by the runtime when it arrives, before what waits, and never
 * received; `reply_to` is missing in the answer (MSG-14). */
#define MM1_PING_FIELDS(F) F(opt(addr), reply_to) F(id, id)
MM1_MSG_DECLARE(mm1_ping, MM1_PING_FIELDS)

/* --- time and chance ------------------------------------------------------------------------------------------ */

/* Monotonic and wall-clock time, ns. */
MM1_API uint64_t mm1_now(struct mm1_ctx *ctx);
MM1_API uint64_t mm1_wall(struct mm1_ctx *ctx);
/* A number in [0, n); any 64 bits when n is 0. */
MM1_API uint64_t mm1_random(struct mm1_ctx *ctx, uint64_t n);

struct mm1_timer_spec {
    uint64_t at_ns;    /* monotonic; 0: use after_ns */
    uint64_t after_ns; /* from now */
    uint64_t every_ns; /* 0: once; else again each period after the first */
    const struct mm1_msg_type *type;
    const void *msg; /* copied */
    bool background; /* it and what it causes do not count as unrest (DESIGN: liveness) */
};
/* Arms a timer that sends this actor a message. `*id` is not 0 and never reused by this actor. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_timer_start(struct mm1_ctx *ctx,
                                                 const struct mm1_timer_spec *spec, uint64_t *id);
/* mm1_timer_start of a literal, once: mm1_after(ctx, delay_ns, &id, kv_retry, .no = 3). */
#define mm1_after(ctx, delay_ns, id, T, ...)                                                       \
    mm1_timer_start((ctx),                                                                         \
                    &(struct mm1_timer_spec){.after_ns = (delay_ns),                               \
                                             .type = &T##_type,                                    \
                                             .msg = &(struct T){__VA_ARGS__}},                     \
                    (id))
/* As mm1_after, again each `period_ns` until it is cancelled. */
#define mm1_every(ctx, period_ns, id, T, ...)                                                      \
    mm1_timer_start((ctx),                                                                         \
                    &(struct mm1_timer_spec){.after_ns = (period_ns),                              \
                                             .every_ns = (period_ns),                              \
                                             .type = &T##_type,                                    \
                                             .msg = &(struct T){__VA_ARGS__}},                     \
                    (id))
/* True: no message of it will be received any more; one that lies in the queue is dropped. False: it was not armed, or
 * all it had to say was received. */
MM1_API bool mm1_timer_cancel(struct mm1_ctx *ctx, uint64_t id);

/* --- streams and logs: mm1/transport.h and mm1/store.h say what each verb is answered with ------------------------ */

/* Listens at a name, or dials one. A handle belongs to this actor and is closed when it ends. MM1_NOMEM, here and
 * below: nothing was begun; what was begun is answered, whatever memory is left. */
MM1_API MM1_NODISCARD mm1_status mm1_net_listen(struct mm1_ctx *ctx, struct mm1_text name,
                                                mm1_handle *handle);
/* As above. */
MM1_API MM1_NODISCARD mm1_status mm1_net_dial(struct mm1_ctx *ctx, struct mm1_text name,
                                              mm1_handle *handle);
/* Claims the connection that an mm1_accepted named, for this actor. MM1_NOT_FOUND: it is gone or was claimed. */
MM1_API MM1_NODISCARD mm1_status mm1_net_accept(struct mm1_ctx *ctx, mm1_handle handle);
/* Gives credit for `size` more bytes. MM1_NOT_FOUND: not a connection of this actor. */
MM1_API MM1_NODISCARD mm1_status mm1_net_read(struct mm1_ctx *ctx, mm1_handle handle, size_t size);
/* Sends bytes, which are copied. MM1_NOT_FOUND: not a connection of this actor. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_net_send(struct mm1_ctx *ctx, mm1_handle handle,
                                              struct mm1_bytes bytes);
/* Closes a connection or a listener; what this actor does not own is ignored. */
MM1_API void mm1_net_close(struct mm1_ctx *ctx, mm1_handle handle);

/* Opens a log, which is made when it is not there. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_log_open(struct mm1_ctx *ctx, struct mm1_text name,
                                              mm1_handle *handle);
/* These are answered in the order of the calls, each with its `op`, which is the caller's to choose.
 * MM1_NOT_FOUND: not a log of this actor. MM1_NOMEM. Append: `bytes` are copied. */
MM1_API MM1_NODISCARD mm1_status mm1_log_append(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op,
                                                struct mm1_bytes bytes);
/* Makes durable what was appended and truncated before. MM1_NOT_FOUND, MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_log_sync(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op);
/* Cuts the log to `size` bytes. MM1_NOT_FOUND, MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_log_truncate(struct mm1_ctx *ctx, mm1_handle handle,
                                                  uint64_t op, uint64_t size);
/* Reads up to `size` bytes at `offset`. MM1_NOT_FOUND, MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_log_read(struct mm1_ctx *ctx, mm1_handle handle, uint64_t op,
                                              uint64_t offset, size_t size);
/* Closes a log, without a sync; what this actor does not own is ignored. */
MM1_API void mm1_log_close(struct mm1_ctx *ctx, mm1_handle handle);

/* --- telling the outside -------------------------------------------------------------------------------------- */

/* Says something to monitors and properties: an event with a message, null cost where nothing listens. */
MM1_API void mm1_observe_any(struct mm1_ctx *ctx, const struct mm1_msg_type *type, const void *msg);
#define mm1_observe(ctx, T, ...) mm1_observe_any((ctx), &T##_type, &(struct T){__VA_ARGS__})

enum mm1_log_level { MM1_LOG_ERROR, MM1_LOG_WARN, MM1_LOG_INFO, MM1_LOG_DEBUG };
/* One line of log, cut at 400 bytes. */
MM1_API void mm1_log(struct mm1_ctx *ctx, enum mm1_log_level level, const char *format, ...)
    MM1_PRINTF(3, 4);

#endif
