/* Asks and servers (otp 8; mm1-spec ASK, SRV). */
#include <mm1/server.h>

#include "suite.h"

/* Answers, late or from elsewhere, or ends: the op of an order says which. */
enum service { AT_ONCE, LATE, NEVER, ERROR_INSTEAD, NORMAL_INSTEAD, THEN_STOP, TWICE, BY_ANOTHER };

static mm1_status answer(struct mm1_ctx *ctx, const struct mm1_request_header *header,
                         uint64_t number)
{
    return mm1_reply(ctx, header, suite_seen, .number = number);
}

/* Answers the request whose header it is given. */
static mm1_status deputy_run(struct mm1_ctx *ctx, const void *arg)
{
    return answer(ctx, &((const struct suite_order_request *)arg)->header, BY_ANOTHER);
}

static const struct mm1_function deputy = MM1_FUNCTION("deputy", deputy_run);

static mm1_status serve(struct mm1_ctx *ctx, const struct suite_order_request *request,
                        uint64_t notes)
{
    switch ((enum service)request->body.op) {
    case AT_ONCE:
        return answer(ctx, &request->header, notes);
    case LATE:
        MUST_OK(mm1_sleep(ctx, request->body.number));
        return answer(ctx, &request->header, LATE);
    case NEVER:
        return MM1_OK;
    case ERROR_INSTEAD:
        return MM1_IO;
    case NORMAL_INSTEAD:
        mm1_end(ctx, MM1_NORMAL);
    case THEN_STOP:
        MUST_OK(answer(ctx, &request->header, THEN_STOP));
        return MM1_IO;
    case TWICE:
        MUST_OK(answer(ctx, &request->header, TWICE));
        return answer(ctx, &request->header, 99);
    case BY_ANOTHER: {
        mm1_addr address;
        return mm1_spawn(ctx,
                         &(struct mm1_spawn){.behaviour = &deputy.behaviour,
                                             .arg_type = &suite_order_request_type,
                                             .arg = request},
                         &address);
    }
    }
    return MM1_INVALID;
}

static mm1_status service_run(struct mm1_ctx *ctx, const void *arg)
{
    uint64_t notes = 0;
    (void)arg;
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        MM1_ON(envelope, suite_note, note) {
            MUST(note->number == notes);
            notes++;
        }
        MM1_ON(envelope, suite_order_request, request) {
            struct suite_order_request copy = *request;
            MM1_TRY(serve(ctx, &copy, notes));
            break;
        }
    }
}

static const struct mm1_function service = MM1_FUNCTION("service", service_run);

static mm1_status ask(struct mm1_ctx *ctx, mm1_addr server, enum service what, uint64_t timeout_ns,
                      uint64_t late_ns, uint64_t *number)
{
    const struct suite_seen *seen;
    mm1_status status = mm1_ask(ctx, server, timeout_ns, suite_order, suite_seen, &seen,
                                .op = (uint8_t)what, .number = late_ns);
    if (status == MM1_OK) {
        *number = seen->number;
    }
    return status;
}

static void an_ask_is_answered(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server = suite_spawn(ctx, &service);
    for (uint64_t i = 0; i < 3; i++) {
        /* What one client sends is handled in its order, whichever way it is sent. */
        MUST_OK(mm1_tell(ctx, server, suite_note, .number = i));
        MUST_OK(ask(ctx, server, AT_ONCE, MM1_FOREVER, 0, &number));
        MUST(number == i + 1);
    }
    MUST_OK(ask(ctx, server, LATE, MM1_FOREVER, MM1_NS_PER_MS, &number));
    MUST(number == LATE);
    MUST_OK(ask(ctx, server, BY_ANOTHER, MM1_FOREVER, 0, &number));
    MUST(number == BY_ANOTHER);
    MUST_BE_QUIET();
}

static void a_late_answer_is_dropped(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server = suite_spawn(ctx, &service);
    MUST(ask(ctx, server, LATE, MM1_NS_PER_MS, 8 * MM1_NS_PER_MS, &number) == MM1_TIMEOUT);
    MUST_OK(ask(ctx, server, AT_ONCE, MM1_FOREVER, 0, &number)); /* the server lives on */
    MUST(number == 0);
    MUST(ask(ctx, server, NEVER, MM1_NS_PER_MS, 0, &number) == MM1_TIMEOUT);
    MUST_BE_QUIET();
}

static void a_second_answer_is_dropped(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server = suite_spawn(ctx, &service);
    MUST_OK(ask(ctx, server, TWICE, MM1_FOREVER, 0, &number));
    MUST(number == TWICE);
    MUST_OK(ask(ctx, server, AT_ONCE, MM1_FOREVER, 0, &number));
    MUST(number == 0);
    MUST_BE_QUIET();
}

static void an_ask_ends_with_its_server(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server = suite_spawn(ctx, &service);
    MUST(ask(ctx, server, ERROR_INSTEAD, MM1_FOREVER, 0, &number) == MM1_EXITED);
    MUST(suite_is_error(*mm1_call_reason(ctx), MM1_IO));
    MUST(ask(ctx, server, AT_ONCE, MM1_FOREVER, 0, &number) == MM1_NOPROC);
    server = suite_spawn(ctx, &service);
    MUST(ask(ctx, server, NORMAL_INSTEAD, MM1_FOREVER, 0, &number) == MM1_EXITED);
    MUST(mm1_call_reason(ctx)->kind == MM1_REASON_NORMAL);
    MUST(ask(ctx, SUITE_FOREIGN, AT_ONCE, MM1_FOREVER, 0, &number) == MM1_NOT_FOUND);
    MUST_BE_QUIET();
}

static void an_answer_before_the_end_counts(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server = suite_spawn(ctx, &service);
    MUST_OK(ask(ctx, server, THEN_STOP, MM1_FOREVER, 0, &number));
    MUST(number == THEN_STOP);
    MUST_BE_QUIET();
}

static void an_asker_of_a_killed_server_learns_it(struct mm1_ctx *ctx)
{
    mm1_addr server = suite_puppet_new(ctx);
    mm1_addr asker = suite_puppet_new(ctx);
    mm1_addr killer = suite_spawn(ctx, &service); /* only to have something in between */
    uint64_t number;
    struct suite_order_request request = {.body = {.op = SUITE_ASK, .peer = server}};
    struct mm1_ask pending = {0};
    MUST_OK(
        mm1_ask_begin_any(ctx, &pending, asker, UINT64_MAX, &suite_order_request_type, &request));
    MUST_OK(ask(ctx, killer, AT_ONCE, MM1_FOREVER, 0, &number));
    suite_settle(ctx);
    MUST_OK(mm1_kill(ctx, server));
    for (;;) {
        const struct mm1_envelope *envelope;
        const void *body;
        MUST_OK(mm1_recv(ctx, &envelope));
        if (mm1_ask_take(ctx, &pending, envelope, &suite_seen_response_type, &body) ==
            MM1_ASK_REPLY) {
            const struct suite_seen *seen = body;
            MUST(seen->status == MM1_EXITED && seen->kind == MM1_REASON_KILLED);
            return;
        }
    }
}

static void bystanders_keep_their_order(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server = suite_spawn(ctx, &service);
    for (uint64_t i = 1; i <= 3; i++) {
        MUST_OK(mm1_tell(ctx, mm1_self(ctx), suite_note, .number = i));
    }
    MUST_OK(ask(ctx, server, LATE, MM1_FOREVER, MM1_NS_PER_MS, &number));
    for (uint64_t i = 1; i <= 3; i++) {
        MUST(suite_noted(ctx) == i);
    }
    MUST_BE_QUIET();
}

/* --- a server of handlers --------------------------------------------------------------------------------------- */

struct tally {
    uint64_t notes;
};

MM1_HANDLER(on_note, struct tally, suite_note)
{
    state->notes += m->number;
    return MM1_OK;
}

MM1_ANSWERER(on_order, struct tally, suite_order)
{
    if (m->op == NEVER) {
        return MM1_OK;
    }
    if (m->op == BY_ANOTHER) {
        return mm1_outcome_forward(outcome, m->peer);
    }
    if (m->op == THEN_STOP) {
        mm1_outcome_stop(outcome);
    }
    return m->op == ERROR_INSTEAD ? MM1_IO
                                  : mm1_outcome_reply(outcome, suite_seen, .number = state->notes);
}

static const struct mm1_server_case tally_cases[] = {
    MM1_SERVER_ON(suite_note, on_note),
    MM1_SERVER_ANSWER(suite_order, on_order),
};
static const struct mm1_server tally_server =
    MM1_SERVER("tally", struct tally, NULL, NULL, tally_cases);

static void a_server_of_handlers(struct mm1_ctx *ctx)
{
    uint64_t number = 0;
    mm1_addr server;
    const struct suite_seen *seen;
    MUST_OK(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &tally_server.behaviour}, &server));
    mm1_addr other = suite_spawn(ctx, &service);
    uint64_t ref = suite_watch(ctx, server);
    MUST_OK(mm1_tell(ctx, server, suite_note, .number = 3));
    MUST_OK(suite_go_tell(ctx, server)); /* nobody handles it */
    MUST_OK(mm1_tell(ctx, server, suite_note, .number = 4));
    MUST_OK(ask(ctx, server, AT_ONCE, MM1_FOREVER, 0, &number));
    MUST(number == 7);
    MUST(ask(ctx, server, NEVER, MM1_NS_PER_MS, 0, &number) == MM1_TIMEOUT);
    MUST_OK(mm1_tell(ctx, other, suite_note, .number = 0));
    MUST_OK(mm1_ask(ctx, server, MM1_FOREVER, suite_order, suite_seen, &seen, .op = BY_ANOTHER,
                    .peer = other));
    MUST(seen->number == BY_ANOTHER);
    MUST_OK(ask(ctx, server, THEN_STOP, MM1_FOREVER, 0, &number));
    MUST(number == 7);
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
    MUST_OK(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &tally_server.behaviour}, &server));
    MUST(ask(ctx, server, ERROR_INSTEAD, MM1_FOREVER, 0, &number) == MM1_EXITED);
    MUST(suite_is_error(*mm1_call_reason(ctx), MM1_IO));
    MUST_BE_QUIET();
}

static const struct suite_case cases[] = {
    {"an_ask_is_answered", "G9 G10 ASK-01 ASK-02", an_ask_is_answered},
    {"a_late_answer_is_dropped", "G5 G8 S12 ASK-03 ASK-04", a_late_answer_is_dropped},
    {"a_second_answer_is_dropped", "G10 S12 M14 ASK-04", a_second_answer_is_dropped},
    {"an_ask_ends_with_its_server", "G6 G7 X13", an_ask_ends_with_its_server},
    {"an_answer_before_the_end_counts", "G11", an_answer_before_the_end_counts},
    {"an_asker_of_a_killed_server_learns_it", "G7", an_asker_of_a_killed_server_learns_it},
    {"bystanders_keep_their_order", "S3 ASK-04", bystanders_keep_their_order},
    {"a_server_of_handlers", "G9 G11 G18 SRV-01 SRV-02 SRV-03 SRV-04 SRV-05 SRV-07",
     a_server_of_handlers},
};
SUITE_TABLE(suite_asks, cases);
