/* Function actors: a behaviour whose state is a stack on which a function runs, and waits by leaving it.
 *
 * A turn hands one message over by switching to the stack of the function; the function switches back when it waits
 * again. All that is kept for a function stands in one block at the top of its stack, so that an idle one takes a page
 * and no more.
 *
 * What comes too late for a call never reaches the function. Answers, ready children and pongs are told by the mark in
 * their number (MM1__WAITED_FOR); the mm1_down of a question is taken back with its watch. */
#include <mm1/function.h>
#include <mm1/node.h>

#include "base/fiber.h"
#include "kit/ask_messages.h"
#include "kit/function_messages.h"
#include "kit/life_messages.h"

MM1_MSG_DEFINE(mm1_wait_over, "mm1_local::WaitOver", MM1_WAIT_OVER_FIELDS)

/* What is given back at the end: memory for the function, or a clean-up. */
struct thing {
    _Alignas(max_align_t) struct thing *next; /* the one before it in time */
    size_t size;
    void (*clean_up)(void *arg); /* null: memory, which follows */
    void *arg;
};

/* What the function still uses of the message in hand. */
enum borrowed { NOTHING, THE_MESSAGE, THE_ANSWER };

struct mm1__function {
    struct mm1_fiber fiber;
    struct mm1_ctx *ctx;
    const void *arg;
    const struct mm1_envelope *envelope; /* what this turn handed over */
    enum borrowed borrowed;
    bool aside;       /* messages were set aside */
    bool over;        /* the function has returned */
    uint64_t awaited; /* number of the call under way */
    struct mm1_kept *argument;
    struct mm1_kept *message; /* what mm1_recv gave */
    struct mm1_kept *answer;  /* what mm1_ask gave */
    struct thing *things;     /* the latest first */
    struct mm1_reason reason; /* of the last call that ended with MM1_EXITED */
};

/* --- the stack ------------------------------------------------------------------------------------------------- */

/* The function that runs in this context: it stands where its stack is. */
static struct mm1__function *running(const struct mm1_ctx *ctx)
{
    bool called_in_a_function_actor = mm1_behaviour_of(ctx)->init == mm1__function_init;
    MM1_CHECK(called_in_a_function_actor);
    struct mm1_fiber *fiber = mm1_ctx_runnable(ctx)->fiber;
    MM1_CHECK(fiber != NULL);
    struct mm1__function *function = MM1_CONTAINER_OF(fiber, struct mm1__function, fiber);
    bool called_with_its_own_context = function->ctx == ctx;
    MM1_CHECK(called_with_its_own_context);
    return function;
}

/* Where there is no guard, an overflow is found here, before another stack runs. */
static void check_stack(const struct mm1__function *function)
{
    if (!mm1_fiber_intact(&function->fiber)) {
        char text[sizeof("stack overflow in ") + MM1_PATH_TEXT_MAX] = "stack overflow in ";
        (void)mm1_path_print(mm1_self_path(function->ctx), text + strlen(text));
        mm1_check_failed(text, __FILE__, __LINE__, __func__);
    }
}

/* Lets the function run until it waits or ends. */
static void resume(struct mm1__function *function)
{
    struct mm1_runnable *runnable = mm1_ctx_runnable(function->ctx);
    struct mm1_fiber *caller = runnable->fiber;
    struct mm1_fiber thread;
    if (caller == NULL) {
        mm1_fiber_init_thread(&thread);
    }
    runnable->fiber = &function->fiber;
    mm1_fiber_switch(caller == NULL ? &thread : caller, &function->fiber);
    runnable->fiber = caller;
}

static void leave(struct mm1__function *function)
{
    check_stack(function);
    mm1_fiber_jump(&function->fiber, function->fiber.back);
}

static void function_main(void *arg)
{
    struct mm1__function *function = arg;
    struct mm1_ctx *ctx = function->ctx;
    const struct mm1_behaviour *behaviour = mm1_behaviour_of(ctx);
    mm1_status status =
        MM1_CONTAINER_OF(behaviour, const struct mm1_function, behaviour)->run(ctx, function->arg);
    if (status != MM1_OK) {
        mm1_quit(ctx, mm1_reason_error((int32_t)status, mm1_status_text(status)));
    } else if (mm1_is_fork(ctx)) {
        mm1_fork_end(ctx);
    } else {
        mm1_quit(ctx, MM1_NORMAL);
    }
    check_stack(function);
    function->over = true;
}

mm1_status mm1__function_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct mm1_function *spec =
        MM1_CONTAINER_OF(mm1_behaviour_of(ctx), const struct mm1_function, behaviour);
    size_t size = spec->stack_size == 0 ? MM1_FUNCTION_STACK : spec->stack_size;
    struct mm1_fiber fiber;
    MM1_TRY(mm1_fiber_init(&fiber, mm1_ctx_alloc(ctx), size));
    struct mm1__function *function = mm1_fiber_reserve(&fiber, sizeof(*function));
    *function = (struct mm1__function){.fiber = fiber, .ctx = ctx, .arg = arg};
    *(struct mm1__function **)state = function;
    if (arg != NULL) {
        function->argument = mm1_keep(ctx);
    }
    mm1_fiber_set(&function->fiber, function_main, function);
    resume(function);
    return MM1_OK;
}

mm1_status mm1__function_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct mm1__function *function = *(struct mm1__function **)state;
    (void)ctx;
    if (!function->over) {
        function->envelope = envelope;
        resume(function);
    }
    return MM1_OK;
}

static void give_back(struct mm1__function *function)
{
    struct mm1_fiber fiber = function->fiber;
    mm1_kept_drop(function->answer);
    mm1_kept_drop(function->message);
    mm1_kept_drop(function->argument);
    struct thing *thing = function->things;
    while (thing != NULL) {
        struct thing *before = thing->next;
        mm1_give(fiber.alloc, thing, thing->size);
        thing = before;
    }
    mm1_fiber_close(&fiber);
}

void mm1__function_fini(void *state)
{
    struct mm1__function *function = *(struct mm1__function **)state;
    if (function == NULL) {
        return;
    }
    for (struct thing *thing = function->things; thing != NULL; thing = thing->next) {
        if (thing->clean_up != NULL) {
            thing->clean_up(thing->arg);
        }
    }
    give_back(function);
}

void mm1__function_abandon(void *state)
{
    struct mm1__function *function = *(struct mm1__function **)state;
    if (function != NULL) {
        give_back(function);
    }
}

/* --- waiting --------------------------------------------------------------------------------------------------- */

/* Whether the message belongs to a call that has ended. */
static bool is_stale(const struct mm1__function *function, const struct mm1_envelope *envelope)
{
    uint64_t id = 0;
    if (mm1__is_response(envelope->type)) {
        id = ((const struct mm1_response_header *)envelope->msg)->id;
    }
    MM1_ON(envelope, mm1_started, started) {
        id = started->start;
    }
    MM1_ON(envelope, mm1_start_failed, failed) {
        id = failed->start;
    }
    MM1_ON(envelope, mm1_ping, pong) {
        id = pong->id;
    }
    MM1_ON(envelope, mm1_ask_timeout, timeout) {
        id = timeout->id;
    }
    MM1_ON(envelope, mm1_life_timeout, timeout) {
        id = timeout->id;
    }
    MM1_ON(envelope, mm1_wait_over, over) {
        id = over->id;
    }
    return (id & MM1__WAITED_FOR) != 0 && id != function->awaited;
}

/* Leaves the stack until a message is handed over. What is borrowed of the one in hand stays. */
static const struct mm1_envelope *next(struct mm1__function *function)
{
    do {
        if (function->borrowed == THE_MESSAGE) {
            function->message = mm1_keep(function->ctx);
        } else if (function->borrowed == THE_ANSWER) {
            function->answer = mm1_keep(function->ctx);
        }
        function->borrowed = NOTHING;
        leave(function);
    } while (is_stale(function, function->envelope));
    return function->envelope;
}

static void set_aside(struct mm1__function *function)
{
    mm1_postpone(function->ctx);
    function->aside = true;
}

/* The end of a wait: what was set aside lines up again. */
static void wait_ends(struct mm1__function *function)
{
    function->awaited = 0;
    if (function->aside) {
        mm1_unpostpone(function->ctx);
        function->aside = false;
    }
}

static void let_go(struct mm1__function *function, enum borrowed what, struct mm1_kept **kept)
{
    mm1_kept_drop(*kept);
    *kept = NULL;
    if (function->borrowed == what) {
        function->borrowed = NOTHING;
    }
}

/* Begins to wait for the end of a time of this function's own. */
static mm1_status clock_start(struct mm1__function *function, uint64_t ns, uint64_t *timer)
{
    struct mm1_wait_over over = {.id = mm1_next_ref(function->ctx) | MM1__WAITED_FOR};
    MM1_TRY(mm1__timeout_start(function->ctx, ns, &mm1_wait_over_type, &over, timer));
    function->awaited = over.id;
    return MM1_OK;
}

static void clock_over(struct mm1__function *function, uint64_t trace_id)
{
    wait_ends(function);
    mm1_trace_set(function->ctx, trace_id);
}

/* --- messages -------------------------------------------------------------------------------------------------- */

mm1_status mm1_recv_if(struct mm1_ctx *ctx, uint64_t timeout_ns,
                       bool (*wanted)(const struct mm1_envelope *envelope, void *arg), void *arg,
                       const struct mm1_envelope **envelope)
{
    struct mm1__function *function = running(ctx);
    uint64_t trace_id = mm1_trace_id(ctx);
    uint64_t timer = 0;
    let_go(function, THE_MESSAGE, &function->message);
    if (timeout_ns != MM1_FOREVER) {
        MM1_TRY(clock_start(function, timeout_ns, &timer));
    }
    for (;;) {
        const struct mm1_envelope *got = next(function);
        if (mm1_is(got, &mm1_wait_over_type)) {
            clock_over(function, trace_id);
            return MM1_TIMEOUT;
        }
        bool closed = mm1_is(got, &mm1_closed_type);
        if (closed && function->aside) {
            set_aside(function); /* it comes again, behind what was set aside before */
        }
        if (closed || wanted == NULL || wanted(got, arg)) {
            mm1__timeout_cancel(ctx, &timer);
            wait_ends(function);
            if (closed) {
                return MM1_CLOSED;
            }
            function->borrowed = THE_MESSAGE;
            *envelope = got;
            return MM1_OK;
        }
        set_aside(function);
    }
}

mm1_status mm1_recv(struct mm1_ctx *ctx, const struct mm1_envelope **envelope)
{
    return mm1_recv_if(ctx, MM1_FOREVER, NULL, NULL, envelope);
}

mm1_status mm1_recv_for(struct mm1_ctx *ctx, uint64_t timeout_ns,
                        const struct mm1_envelope **envelope)
{
    return mm1_recv_if(ctx, timeout_ns, NULL, NULL, envelope);
}

static bool is_of_type(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, *(const struct mm1_msg_type **)arg);
}

mm1_status mm1_recv_type(struct mm1_ctx *ctx, uint64_t timeout_ns, const struct mm1_msg_type *type,
                         const struct mm1_envelope **envelope)
{
    return mm1_recv_if(ctx, timeout_ns, is_of_type, &type, envelope);
}

mm1_status mm1_sleep(struct mm1_ctx *ctx, uint64_t ns)
{
    struct mm1__function *function = running(ctx);
    uint64_t trace_id = mm1_trace_id(ctx);
    uint64_t timer;
    MM1_TRY(clock_start(function, ns, &timer));
    while (!mm1_is(next(function), &mm1_wait_over_type)) {
        set_aside(function);
    }
    clock_over(function, trace_id);
    return MM1_OK;
}

/* --- calls ----------------------------------------------------------------------------------------------------- */

/* Waits until `take` says that the call is over. */
static void call_wait(struct mm1__function *function, uint64_t id,
                      enum mm1_call (*take)(struct mm1_ctx *ctx, void *call,
                                            const struct mm1_envelope *envelope),
                      void *call)
{
    struct mm1_ctx *ctx = function->ctx;
    uint64_t trace_id = mm1_trace_id(ctx);
    enum mm1_call step = MM1_CALL_GOES_ON;
    function->awaited = id;
    while (step != MM1_CALL_DONE) {
        step = take(ctx, call, next(function));
        /* What is stale to this call belongs to one that the function began in the form for behaviours. */
        if (step == MM1_CALL_NOT_MINE || step == MM1_CALL_STALE) {
            set_aside(function);
        }
    }
    wait_ends(function);
    mm1_trace_set(ctx, trace_id);
}

struct asking {
    struct mm1_ask ask;
    const struct mm1_msg_type *response_type;
    const void *body;
    mm1_status status;
};

static enum mm1_call take_answer(struct mm1_ctx *ctx, void *call,
                                 const struct mm1_envelope *envelope)
{
    struct asking *asking = call;
    switch (mm1_ask_take(ctx, &asking->ask, envelope, asking->response_type, &asking->body)) {
    case MM1_ASK_REPLY:
        asking->status = MM1_OK;
        return MM1_CALL_DONE;
    case MM1_ASK_TIMEOUT:
        asking->status = MM1_TIMEOUT;
        return MM1_CALL_DONE;
    case MM1_ASK_DOWN:
        asking->status = asking->ask.reason.kind == MM1_REASON_NOPROC         ? MM1_NOPROC
                         : asking->ask.reason.kind == MM1_REASON_NOCONNECTION ? MM1_NOCONNECTION
                                                                              : MM1_EXITED;
        return MM1_CALL_DONE;
    case MM1_ASK_STALE:
    case MM1_ASK_NOT_MINE:
        break;
    }
    return MM1_CALL_NOT_MINE;
}

mm1_status mm1_ask_any(struct mm1_ctx *ctx, mm1_addr server, uint64_t timeout_ns,
                       const struct mm1_msg_type *request_type, void *request,
                       const struct mm1_msg_type *response_type, void *body)
{
    struct mm1__function *function = running(ctx);
    struct asking asking = {.response_type = response_type};
    mm1_status status = mm1__ask_begin(ctx, &asking.ask, server, timeout_ns, request_type, request,
                                       MM1__WAITED_FOR);
    if (status == MM1_OK) {
        /* Not before: the request may hold what the last answer said. */
        let_go(function, THE_ANSWER, &function->answer);
        call_wait(function, asking.ask.id, take_answer, &asking);
        status = asking.status;
        function->reason = asking.ask.reason;
    }
    if (status == MM1_OK) {
        function->borrowed = THE_ANSWER;
        memcpy(body, &asking.body, sizeof(asking.body));
    }
    return status;
}

static enum mm1_call take_start(struct mm1_ctx *ctx, void *call,
                                const struct mm1_envelope *envelope)
{
    return mm1_start_take(ctx, call, envelope);
}

mm1_status mm1_start(struct mm1_ctx *ctx, const struct mm1_spawn *spawn, uint64_t timeout_ns,
                     mm1_addr *out)
{
    struct mm1__function *function = running(ctx);
    struct mm1_start start = {.id = 0};
    MM1_TRY(mm1__start_begin(ctx, &start, spawn, timeout_ns, MM1__WAITED_FOR));
    call_wait(function, start.id, take_start, &start);
    function->reason = start.reason;
    if (start.status == MM1_OK) {
        *out = start.addr;
    }
    return start.status;
}

static enum mm1_call take_shutdown(struct mm1_ctx *ctx, void *call,
                                   const struct mm1_envelope *envelope)
{
    return mm1_shutdown_take(ctx, call, envelope);
}

mm1_status mm1_shutdown(struct mm1_ctx *ctx, mm1_addr peer, uint64_t timeout_ns)
{
    struct mm1__function *function = running(ctx);
    struct mm1_shutdown shutdown = {.ref = 0};
    MM1_TRY(mm1_shutdown_begin(ctx, &shutdown, peer, timeout_ns));
    call_wait(function, 0, take_shutdown, &shutdown);
    function->reason = shutdown.reason;
    return shutdown.status;
}

static enum mm1_call take_ping(struct mm1_ctx *ctx, void *call, const struct mm1_envelope *envelope)
{
    return mm1_ping_take(ctx, call, envelope);
}

mm1_status mm1_ping_for(struct mm1_ctx *ctx, mm1_addr peer, uint64_t timeout_ns,
                        uint64_t *round_trip_ns)
{
    struct mm1__function *function = running(ctx);
    struct mm1_pinging ping = {.id = 0};
    MM1_TRY(mm1__ping_begin(ctx, &ping, peer, timeout_ns, MM1__WAITED_FOR));
    call_wait(function, ping.id, take_ping, &ping);
    if (ping.status == MM1_OK) {
        *round_trip_ns = ping.round_trip_ns;
    }
    return ping.status;
}

const struct mm1_reason *mm1_call_reason(const struct mm1_ctx *ctx)
{
    return &running(ctx)->reason;
}

/* --- the end --------------------------------------------------------------------------------------------------- */

void mm1_end(struct mm1_ctx *ctx, struct mm1_reason reason)
{
    struct mm1__function *function = running(ctx);
    mm1_quit(ctx, reason);
    function->over = true;
    leave(function);
    MM1_CHECK(false);
    __builtin_unreachable();
}

static struct thing *thing_add(struct mm1__function *function, size_t size)
{
    struct thing *thing = mm1_take(function->fiber.alloc, size);
    if (thing != NULL) {
        *thing = (struct thing){.next = function->things, .size = size};
        function->things = thing;
    }
    return thing;
}

mm1_status mm1_defer(struct mm1_ctx *ctx, void (*clean_up)(void *arg), void *arg)
{
    struct thing *thing = thing_add(running(ctx), sizeof(*thing));
    if (thing == NULL) {
        return MM1_NOMEM;
    }
    thing->clean_up = clean_up;
    thing->arg = arg;
    return MM1_OK;
}

void *mm1_arena_take(struct mm1_ctx *ctx, size_t size)
{
    struct mm1__function *function = running(ctx);
    if (size > SIZE_MAX / 2) {
        return NULL;
    }
    struct thing *thing = thing_add(function, sizeof(*thing) + size);
    return thing == NULL ? NULL : thing + 1;
}
