/* A server: a behaviour that is a table of handlers, one for each type of message and request (SRV-01 to SRV-07).
 *
 *     struct counter { uint64_t n; };
 *     MM1_HANDLER(on_add, struct counter, counter_add)
 *     {
 *         state->n += m->n;
 *         return MM1_OK;
 *     }
 *     MM1_ANSWERER(on_get, struct counter, counter_get)
 *     {
 *         return mm1_outcome_reply(outcome, counter_value, .n = state->n);
 *     }
 *     static const struct mm1_server_case cases[] = {
 *         MM1_SERVER_ON(counter_add, on_add),
 *         MM1_SERVER_ANSWER(counter_get, on_get),
 *     };
 *     static const struct mm1_server counter = MM1_SERVER("counter", struct counter, NULL, NULL, cases);
 *
 * Spawn `&counter.behaviour`. Handlers run one at a time, under the trace of their message. A type without a handler is
 * noted as mm1_unhandled does. A request is a T_request of mm1/ask.h; the body is what its handler sees. What the
 * runtime tells an actor (mm1_down, mm1_closed, timers) is a message too. */
#ifndef MM1_SERVER_H
#define MM1_SERVER_H

#include <mm1/actor.h>
#include <mm1/ask.h>

/* What a handler decides. The default, all zero: no reply, go on. */
struct mm1_outcome {
    struct mm1_ctx *ctx;                     /* set before the handler is called */
    const struct mm1_envelope *envelope;     /* as above */
    const struct mm1_request_header *header; /* as above; null for a message */
    bool stop; /* then_stop: the server ends with reason normal, after the reply */
};

/* Replies to the request in hand, now. That the asker cannot be reached is no error (SRV-03). MM1_NOMEM; MM1_INVALID:
 * the response breaks a rule of its type, or no request is in hand. */
MM1_API MM1_NODISCARD mm1_status mm1_outcome_reply_any(struct mm1_outcome *outcome,
                                                       const struct mm1_msg_type *type,
                                                       void *response);
#define mm1_outcome_reply(outcome, T, ...)                                                         \
    mm1_outcome_reply_any((outcome), &T##_response_type,                                           \
                          &(struct T##_response){.body = {__VA_ARGS__}})
/* Passes the message or request on as it came: who answers it answers its first sender (SRV-04). Statuses of
 * mm1_forward; a server that returns one ends (SRV-03). */
MM1_API MM1_NODISCARD mm1_status mm1_outcome_forward(struct mm1_outcome *outcome, mm1_addr to);
/* Ends the server after this handler (then_stop). */
static inline void mm1_outcome_stop(struct mm1_outcome *outcome)
{
    outcome->stop = true;
}

struct mm1_server_case {
    const struct mm1_msg_type *type;
    /* One of them. Anything but MM1_OK ends the server with error(status). */
    mm1_status (*on_message)(struct mm1_ctx *ctx, void *state, const void *msg,
                             struct mm1_outcome *outcome);
    mm1_status (*on_request)(struct mm1_ctx *ctx, void *state,
                             const struct mm1_request_header *header, const void *body,
                             struct mm1_outcome *outcome);
};

struct mm1_server {
    struct mm1_behaviour behaviour;
    mm1_status (*init)(struct mm1_ctx *ctx, void *state, const void *arg); /* the user's, or null */
    const struct mm1_server_case *cases;
    size_t case_count; /* of two for one type the first counts, and the other is logged (SRV-06) */
};

/* A case for messages of struct T, and one for requests T_request. A handler is declared with MM1_HANDLER or
 * MM1_ANSWERER, and sees its message as `const struct T *m`:
 *
 *     MM1_HANDLER(on_add, struct counter, counter_add) { state->n += m->n; return MM1_OK; } */
#define MM1_SERVER_ON(T, handler)                                                                  \
    {                                                                                              \
        .type = &T##_type, .on_message = (handler)                                                 \
    }
#define MM1_SERVER_ANSWER(T, handler)                                                              \
    {                                                                                              \
        .type = &T##_request_type, .on_request = (handler)                                         \
    }

#define MM1_HANDLER(handler, State, T)                                                             \
    static mm1_status handler##_typed(struct mm1_ctx *ctx, State *state, const struct T *m,        \
                                      struct mm1_outcome *outcome);                                \
    static mm1_status handler(struct mm1_ctx *ctx, void *state, const void *msg,                   \
                              struct mm1_outcome *outcome)                                         \
    {                                                                                              \
        return handler##_typed(ctx, state, msg, outcome);                                          \
    }                                                                                              \
    static mm1_status handler##_typed(__attribute__((unused)) struct mm1_ctx *ctx,                 \
                                      __attribute__((unused)) State *state,                        \
                                      __attribute__((unused)) const struct T *m,                   \
                                      __attribute__((unused)) struct mm1_outcome *outcome)
#define MM1_ANSWERER(handler, State, T)                                                            \
    static mm1_status handler##_typed(struct mm1_ctx *ctx, State *state,                           \
                                      const struct mm1_request_header *header, const struct T *m,  \
                                      struct mm1_outcome *outcome);                                \
    static mm1_status handler(struct mm1_ctx *ctx, void *state,                                    \
                              const struct mm1_request_header *header, const void *body,           \
                              struct mm1_outcome *outcome)                                         \
    {                                                                                              \
        return handler##_typed(ctx, state, header, body, outcome);                                 \
    }                                                                                              \
    static mm1_status handler##_typed(                                                             \
        __attribute__((unused)) struct mm1_ctx *ctx, __attribute__((unused)) State *state,         \
        __attribute__((unused)) const struct mm1_request_header *header,                           \
        __attribute__((unused)) const struct T *m,                                                 \
        __attribute__((unused)) struct mm1_outcome *outcome)

/* Initializer of a struct mm1_server, which is to be static and const. `init_` and `fini_` as in struct mm1_behaviour,
 * they may be null. */
#define MM1_SERVER(name_, State, init_, fini_, cases_)                                             \
    MM1__SERVER(name_, sizeof(State), NULL, init_, fini_, cases_)
/* The same with a state that has a field list, and so can be hashed and printed: `T` as in MM1_MSG_DECLARE. */
#define MM1_SERVER_OF(name_, T, init_, fini_, cases_)                                              \
    MM1__SERVER(name_, sizeof(struct T), &T##_type, init_, fini_, cases_)

#define MM1__SERVER(name_, state_size_, state_type_, init_, fini_, cases_)                         \
    {                                                                                              \
        .behaviour = {.name = (name_),                                                             \
                      .state_size = (state_size_),                                                 \
                      .state_type = (state_type_),                                                 \
                      .init = mm1__server_init,                                                    \
                      .receive = mm1__server_receive,                                              \
                      .fini = (fini_)},                                                            \
        .init = (init_), .cases = (cases_), .case_count = MM1_COUNT_OF(cases_)                     \
    }

/* What MM1_SERVER refers to. */
MM1_API MM1_NODISCARD mm1_status mm1__server_init(struct mm1_ctx *ctx, void *state,
                                                  const void *arg);
MM1_API MM1_NODISCARD mm1_status mm1__server_receive(struct mm1_ctx *ctx, void *state,
                                                     const struct mm1_envelope *envelope);

#endif
