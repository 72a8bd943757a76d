/* Callers: one actor for each call, which asks, observes what the answer was, and ends. And strangers, who send one
 * exit signal and end. */
#include <mm1/function.h>

#include "fuzz/sup_actors.h"

/* --- requests ------------------------------------------------------------------------------------------------- */

/* Any of the requests that a case can make. */
union request {
    struct mm1_sup_start_child_request start_child;
    struct mm1_sup_start_request start;
    struct mm1_sup_terminate_child_request terminate_child;
    struct mm1_sup_stop_request stop;
    struct mm1_sup_delete_child_request delete_child;
    struct mm1_sup_restart_child_request restart_child;
    struct mm1_sup_get_childspec_request get_childspec;
    struct mm1_sup_which_children_request which_children;
    struct mm1_sup_count_children_request count_children;
};

/* What each is answered with. */
struct answered {
    const struct mm1_msg_type *request;
    const struct mm1_msg_type *response;
};
static const struct answered answers[] = {
    {&mm1_sup_start_child_request_type, &mm1_sup_answer_response_type},
    {&mm1_sup_start_request_type, &mm1_sup_answer_response_type},
    {&mm1_sup_terminate_child_request_type, &mm1_sup_answer_response_type},
    {&mm1_sup_stop_request_type, &mm1_sup_answer_response_type},
    {&mm1_sup_delete_child_request_type, &mm1_sup_answer_response_type},
    {&mm1_sup_restart_child_request_type, &mm1_sup_answer_response_type},
    {&mm1_sup_get_childspec_request_type, &mm1_sup_childspec_response_type},
    {&mm1_sup_which_children_request_type, &mm1_sup_children_response_type},
    {&mm1_sup_count_children_request_type, &mm1_sup_counts_response_type},
};

static const struct mm1_msg_type *response_to(const struct mm1_msg_type *request)
{
    for (size_t i = 0; i < MM1_COUNT_OF(answers); i++) {
        if (answers[i].request == request) {
            return answers[i].response;
        }
    }
    return NULL;
}

static mm1_status start_request(struct mm1__arena *arena, const struct sup_asked *asked,
                                union request *request, const struct mm1_msg_type **type)
{
    const struct sup_event *event = asked->event;
    if (event->member != NULL) {
        *type = &mm1_sup_start_child_request_type;
        return sup_child_of(arena, event->member, &request->start_child.body.child);
    }
    struct sup_worker_arg *arg = mm1__arena_array(arena, 1, sizeof(*arg));
    if (arg == NULL) {
        return MM1_NOMEM;
    }
    *type = &mm1_sup_start_request_type;
    request->start.body.arg.some = true;
    request->start.body.arg.value = (struct mm1_any){.type = &sup_worker_arg_type, .msg = arg};
    return sup_worker_arg_of(arena, event->child, asked->term, asked->slow_ms, arg);
}

/* What the event asks for. The struct of `*type` is at the start of `*request`. */
static mm1_status request_of(struct mm1__arena *arena, const struct sup_asked *asked,
                             union request *request, const struct mm1_msg_type **type)
{
    struct mm1_text id = mm1_text_of(asked->event->child);
    bool by_address = asked->simple && asked->target.bits != 0;
    *request = (union request){.start_child = {.body = {.child = {.ack = false}}}};
    switch (asked->event->kind) {
    case SUP_EV_START_CHILD:
        return start_request(arena, asked, request, type);
    case SUP_EV_TERMINATE_CHILD:
        if (by_address) {
            *type = &mm1_sup_stop_request_type;
            request->stop.body.child = asked->target;
        } else {
            *type = &mm1_sup_terminate_child_request_type;
            request->terminate_child.body.id = id;
        }
        return MM1_OK;
    case SUP_EV_DELETE_CHILD:
        *type = &mm1_sup_delete_child_request_type;
        request->delete_child.body.id = id;
        return MM1_OK;
    case SUP_EV_RESTART_CHILD:
        *type = &mm1_sup_restart_child_request_type;
        request->restart_child.body.id = id;
        return MM1_OK;
    case SUP_EV_CHILDSPEC:
        *type = &mm1_sup_get_childspec_request_type;
        request->get_childspec.body.child.some = by_address;
        request->get_childspec.body.child.value = by_address ? asked->target : MM1_ADDR(0);
        request->get_childspec.body.id = by_address ? (struct mm1_text){.size = 0} : id;
        return MM1_OK;
    case SUP_EV_WHICH:
        *type = &mm1_sup_which_children_request_type;
        return MM1_OK;
    case SUP_EV_COUNT:
        *type = &mm1_sup_count_children_request_type;
        return MM1_OK;
    default:
        return MM1_INVALID;
    }
}

/* --- callers -------------------------------------------------------------------------------------------------- */

struct caller {
    struct mm1_ask ask;
    uint64_t number;
    const struct mm1_msg_type *response;
};

static mm1_status observe_down(struct mm1_ctx *ctx, const struct caller *caller,
                               const struct mm1_reason *reason)
{
    mm1_observe(ctx, sup_called, .number = caller->number,
                .down = {.some = true, .value = mm1_why_of(reason)});
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static mm1_status caller_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct caller *caller = state;
    const struct sup_caller_arg *said = arg;
    union request request;
    caller->number = said->number;
    caller->response = response_to(said->request.type);
    if (caller->response == NULL) {
        return MM1_INVALID;
    }
    if (said->supervisor.bits == 0) {
        struct mm1_reason nobody = mm1_reason_of(MM1_REASON_NOPROC);
        return observe_down(ctx, caller, &nobody);
    }
    MM1_CHECK(said->request.type->size <= sizeof(request));
    memcpy(&request, said->request.msg, said->request.type->size);
    return mm1_ask_begin_any(ctx, &caller->ask, said->supervisor, MM1_FOREVER, said->request.type,
                             &request);
}

static void observe_reply(struct mm1_ctx *ctx, const struct caller *caller, const void *body)
{
    struct sup_called called = {.number = caller->number};
    if (caller->response == &mm1_sup_answer_response_type) {
        called.answer.some = true;
        called.answer.value = *(const struct mm1_sup_answer *)body;
    } else if (caller->response == &mm1_sup_children_response_type) {
        called.children.some = true;
        called.children.value = *(const struct mm1_sup_children *)body;
    } else if (caller->response == &mm1_sup_counts_response_type) {
        called.counts.some = true;
        called.counts.value = *(const struct mm1_sup_counts *)body;
    } else {
        called.childspec.some = true;
        called.childspec.value = *(const struct mm1_sup_childspec *)body;
    }
    mm1_observe_any(ctx, &sup_called_type, &called);
}

static mm1_status caller_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct caller *caller = state;
    const void *body = NULL;
    switch (mm1_ask_take(ctx, &caller->ask, envelope, caller->response, &body)) {
    case MM1_ASK_REPLY:
        observe_reply(ctx, caller, body);
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    case MM1_ASK_DOWN:
        return observe_down(ctx, caller, &caller->ask.reason);
    case MM1_ASK_NOT_MINE:
        return mm1_unhandled(ctx, envelope);
    case MM1_ASK_STALE:
    case MM1_ASK_TIMEOUT: /* there is none */
        return MM1_OK;
    }
    return MM1_OK;
}

static const struct mm1_behaviour caller_behaviour = {.name = "sup_caller",
                                                      .state_size = sizeof(struct caller),
                                                      .init = caller_init,
                                                      .receive = caller_receive};

mm1_status sup_ask(struct mm1_ctx *ctx, const struct sup_asked *asked)
{
    struct mm1__arena arena;
    union request request;
    struct sup_caller_arg arg = {.number = asked->number, .supervisor = asked->supervisor};
    mm1_addr caller;
    mm1__arena_init(&arena);
    mm1_status status = request_of(&arena, asked, &request, &arg.request.type);
    arg.request.msg = &request;
    if (status == MM1_OK) {
        struct mm1_spawn spawn = {
            .behaviour = &caller_behaviour, .arg_type = &sup_caller_arg_type, .arg = &arg};
        status = mm1_spawn(ctx, &spawn, &caller);
    }
    mm1__arena_close(&arena);
    return status;
}

/* --- strangers ------------------------------------------------------------------------------------------------ */

static mm1_status stranger_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct sup_stranger_arg *said = arg;
    (void)state;
    mm1_status status = mm1_exit(ctx, said->peer, mm1_reason_of_why(&said->why));
    mm1_quit(ctx, MM1_NORMAL);
    return status == MM1_NOPROC ? MM1_OK : status;
}

static mm1_status stranger_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour stranger_behaviour = {
    .name = "sup_stranger", .init = stranger_init, .receive = stranger_receive};

mm1_status sup_strange_exit(struct mm1_ctx *ctx, mm1_addr peer, struct mm1_reason reason)
{
    mm1_addr stranger;
    struct sup_stranger_arg arg = {.peer = peer, .why = mm1_why_of(&reason)};
    struct mm1_spawn spawn = {
        .behaviour = &stranger_behaviour, .arg_type = &sup_stranger_arg_type, .arg = &arg};
    return mm1_spawn(ctx, &spawn, &stranger);
}
