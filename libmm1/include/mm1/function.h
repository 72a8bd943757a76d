/* Function actors: an actor that is one function, which waits for messages where it needs them.
 *
 *     static mm1_status counter_main(struct mm1_ctx *ctx, const void *arg)
 *     {
 *         uint64_t count = *(const uint64_t *)arg;
 *         for (;;) {
 *             const struct mm1_envelope *envelope;
 *             MM1_TRY(mm1_recv(ctx, &envelope));
 *             MM1_ON(envelope, counter_add, add) count += add->n;
 *             MM1_ON(envelope, counter_get_request, get)
 *                 MM1_TRY(mm1_reply(ctx, &get->header, counter_value, .n = count));
 *         }
 *     }
 *     static const struct mm1_function counter = MM1_FUNCTION("counter", counter_main);
 *
 *     mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &counter.behaviour, …}, &address);
 *
 * It runs on a stack of its own; all verbs of mm1/actor.h can be called in it, and those below wait. A function that
 * returns MM1_OK ends its actor with reason normal, or its fork; another status ends the actor with error(status).
 *
 * While it waits for something else than any message, what arrives is set aside and received later, in its order.
 * Signals act at each wait, in both worlds: whatever the function holds then must be in its arena or have a clean-up.
 *
 * What mm1_recv gave is borrowed until the next mm1_recv of any form in this context; what mm1_ask gave, until the next
 * mm1_ask; the argument, until the end.
 *
 * The stack is small (MM1_FUNCTION_STACK, or stack_size): an overflow ends the process and names the actor. Blocks of
 * kilobytes belong in the arena. Compile with -fstack-clash-protection, so that no large frame jumps over the 16 KiB of
 * guard below the stack. docs/actors.md is the guide. */
#ifndef MM1_FUNCTION_H
#define MM1_FUNCTION_H

#include <mm1/actor.h>
#include <mm1/ask.h>
#include <mm1/life.h>

#define MM1_FUNCTION_STACK ((size_t)64 * 1024)
#define MM1_FOREVER UINT64_MAX

struct mm1_function {
    struct mm1_behaviour behaviour;
    /* `arg` is the copied argument of spawn or fork; null when there was none. */
    MM1_NODISCARD mm1_status (*run)(struct mm1_ctx *ctx, const void *arg);
    size_t stack_size; /* 0: MM1_FUNCTION_STACK */
};

/* Initializer of a struct mm1_function, which is to be static and const. */
#define MM1_FUNCTION(name_, run_) MM1_FUNCTION_STACK_OF(name_, run_, 0)
#define MM1_FUNCTION_STACK_OF(name_, run_, stack_size_)                                            \
    {                                                                                              \
        .behaviour = {.name = (name_),                                                             \
                      .state_size = sizeof(void *),                                                \
                      .init = mm1__function_init,                                                  \
                      .receive = mm1__function_receive,                                            \
                      .fini = mm1__function_fini,                                                  \
                      .abandon = mm1__function_abandon},                                           \
        .run = (run_), .stack_size = (stack_size_)                                                 \
    }

/* --- waiting for messages ------------------------------------------------------------------------------------- */

/* The next message. MM1_CLOSED: mm1_close was called, and all has been received. */
MM1_API MM1_NODISCARD mm1_status mm1_recv(struct mm1_ctx *ctx,
                                          const struct mm1_envelope **envelope);
/* As mm1_recv, but waits at most `timeout_ns`, MM1_FOREVER: without end; 0: only takes what has arrived.
 * MM1_TIMEOUT, MM1_CLOSED; MM1_NOMEM: no timer. */
MM1_API MM1_NODISCARD mm1_status mm1_recv_for(struct mm1_ctx *ctx, uint64_t timeout_ns,
                                              const struct mm1_envelope **envelope);
/* The first message that `wanted` says true for, in the order of arrival; the others wait, in their order. Erlang's
 * selective receive. `wanted` null: any message. Statuses of mm1_recv_for. */
MM1_API MM1_NODISCARD mm1_status mm1_recv_if(struct mm1_ctx *ctx, uint64_t timeout_ns,
                                             bool (*wanted)(const struct mm1_envelope *envelope,
                                                            void *arg),
                                             void *arg, const struct mm1_envelope **envelope);
/* The first message of a type: mm1_recv_type(ctx, timeout_ns, &T_type, &envelope), then `const struct T *m =
 * envelope->msg`. Statuses of mm1_recv_for. */
MM1_API MM1_NODISCARD mm1_status mm1_recv_type(struct mm1_ctx *ctx, uint64_t timeout_ns,
                                               const struct mm1_msg_type *type,
                                               const struct mm1_envelope **envelope);
/* Waits; messages wait as well. MM1_NOMEM: at once. */
MM1_API MM1_NODISCARD mm1_status mm1_sleep(struct mm1_ctx *ctx, uint64_t ns);

/* --- calls: the waiting form of mm1/ask.h and mm1/life.h --------------------------------------------------------- */

/* Asks and waits for the answer: `request` is the struct of `request_type`, `body` takes a pointer to the body of the
 * answer. MM1_OK; MM1_TIMEOUT; MM1_NOPROC: no actor there; MM1_EXITED: it ended before it answered, mm1_call_reason
 * says why; MM1_NOCONNECTION; statuses of mm1_send. (ASK-02 to ASK-04) */
MM1_API MM1_NODISCARD mm1_status mm1_ask_any(struct mm1_ctx *ctx, mm1_addr server,
                                             uint64_t timeout_ns,
                                             const struct mm1_msg_type *request_type, void *request,
                                             const struct mm1_msg_type *response_type, void *body);
/* const struct kv_value *value; mm1_ask(ctx, server, timeout_ns, kv_get, kv_value, &value, .key = k); */
#define mm1_ask(ctx, server, timeout_ns, Rq, Rs, out, ...)                                         \
    mm1_ask_any((ctx), (server), (timeout_ns), &Rq##_request_type,                                 \
                &(struct Rq##_request){.body = {__VA_ARGS__}}, &Rs##_response_type,                \
                (1 ? (out) : (const struct Rs **)NULL))
/* Spawns and waits for mm1_init_done: `*out` is the address that the child gave. MM1_OK; MM1_TIMEOUT: the child was
 * killed; MM1_EXITED: it ended before, mm1_call_reason says why (normal: it said mm1_init_ignore, or just ended), and
 * the caller lives on, linked or not; statuses of mm1_spawn. (LIFE-02) */
MM1_API MM1_NODISCARD mm1_status mm1_start(struct mm1_ctx *ctx, const struct mm1_spawn *spawn,
                                           uint64_t timeout_ns, mm1_addr *out);
/* Ends an actor: exit with reason shutdown, after `timeout_ns` a kill, and waits until it is gone. MM1_OK whatever its
 * reason, or when nobody is there; MM1_NOCONNECTION: a remote address; MM1_NOMEM: nothing was begun. A link to the peer
 * is removed first: its end is not that of the caller. Without memory for the signal it is killed at once. (STOP-04) */
MM1_API MM1_NODISCARD mm1_status mm1_shutdown(struct mm1_ctx *ctx, mm1_addr peer,
                                              uint64_t timeout_ns);
/* How long a message to the actor's runtime and back takes. MM1_OK; MM1_TIMEOUT; statuses of mm1_send. (MSG-14) */
MM1_API MM1_NODISCARD mm1_status mm1_ping_for(struct mm1_ctx *ctx, mm1_addr peer,
                                              uint64_t timeout_ns, uint64_t *round_trip_ns);
/* Why the last call of this context ended with MM1_EXITED. Borrowed until the next call. */
MM1_API const struct mm1_reason *mm1_call_reason(const struct mm1_ctx *ctx);

/* --- what ends with the function ------------------------------------------------------------------------------ */

/* Ends the actor here: as mm1_quit, but never returns (LIFE-05). */
MM1_API _Noreturn void mm1_end(struct mm1_ctx *ctx, struct mm1_reason reason);
/* Runs clean_up(arg) when the function ends, also by a kill: the last first. A clean-up calls no verb. `arg` lies in
 * the arena or outlives the actor: the function's own frame is gone when it has returned. MM1_NOMEM: it was not taken,
 * and has not run. */
MM1_API MM1_NODISCARD mm1_status mm1_defer(struct mm1_ctx *ctx, void (*clean_up)(void *arg),
                                           void *arg);
/* Memory that is given back at the end of the function, after all clean-ups; null when refused. Aligned for any type.
 * */
MM1_API void *mm1_arena_take(struct mm1_ctx *ctx, size_t size);

/* What MM1_FUNCTION refers to. */
MM1_API MM1_NODISCARD mm1_status mm1__function_init(struct mm1_ctx *ctx, void *state,
                                                    const void *arg);
MM1_API MM1_NODISCARD mm1_status mm1__function_receive(struct mm1_ctx *ctx, void *state,
                                                       const struct mm1_envelope *envelope);
MM1_API void mm1__function_fini(void *state);
MM1_API void mm1__function_abandon(void *state);

#endif
