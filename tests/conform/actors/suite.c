/* The suite's own actors and the notes about a run. */
#include <stdio.h>
#include <string.h>

#include "suite.h"

MM1_MSG_DEFINE(suite_note, "suite::Note", SUITE_NOTE_FIELDS)
MM1_MSG_DEFINE_UNIT(suite_go, "suite::Go")
MM1_MSG_DEFINE(suite_order, "suite::Order", SUITE_ORDER_FIELDS)
MM1_REQUEST_DEFINE(suite_order, "suite::Order")
MM1_MSG_DEFINE(suite_seen, "suite::Seen", SUITE_SEEN_FIELDS)
MM1_RESPONSE_DEFINE(suite_seen, "suite::Seen")

const struct mm1_msg_type *const suite_types[] = {
    &suite_note_type, &suite_go_type, &suite_order_request_type, &suite_seen_response_type};
const size_t suite_type_count = MM1_COUNT_OF(suite_types);

const struct suite_table *const suite_tables[] = {&suite_messages, &suite_forks, &suite_links,
                                                  &suite_watches,  &suite_exits, &suite_spawns,
                                                  &suite_timers,   &suite_asks};
const size_t suite_table_count = MM1_COUNT_OF(suite_tables);

/* --- a run ---------------------------------------------------------------------------------------------------- */

static struct {
    const struct suite_case *which;
    uint64_t settle_ns;
    atomic_bool ended;
    atomic_bool wrong; /* then `why` is somebody's to write */
    atomic_bool told;  /* `why` is written */
    char why[256];
} run;

void suite_begin(const struct suite_case *which, uint64_t settle_ns)
{
    run.which = which;
    run.settle_ns = settle_ns;
    atomic_store(&run.ended, false);
    atomic_store(&run.wrong, false);
    atomic_store(&run.told, false);
    run.why[0] = '\0';
}

bool suite_over(void)
{
    return atomic_load(&run.ended) || atomic_load(&run.told);
}

bool suite_passed(const char **why)
{
    if (atomic_load(&run.told)) {
        *why = run.why;
        return false;
    }
    *why = "it never came to its end";
    return atomic_load(&run.ended);
}

_Noreturn void suite_fail(struct mm1_ctx *ctx, const char *file, int line, const char *what)
{
    if (!atomic_exchange(&run.wrong, true)) {
        const char *base = strrchr(file, '/');
        (void)snprintf(run.why, sizeof(run.why), "%s:%d: %s", base == NULL ? file : base + 1, line,
                       what);
        atomic_store(&run.told, true);
    }
    mm1_end(ctx, mm1_reason_error(99, what));
}

static mm1_status suite_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    run.which->run(ctx);
    atomic_store(&run.ended, true);
    return MM1_OK;
}

const struct mm1_function suite_main = MM1_FUNCTION("suite", suite_run);

/* --- puppets --------------------------------------------------------------------------------------------------- */

static struct mm1_reason reason_of(const struct suite_order *order)
{
    return order->kind == MM1_REASON_ERROR ? mm1_reason_error(order->code, "asked to")
                                           : mm1_reason_of((enum mm1_reason_kind)order->kind);
}

static void tell_why(struct suite_seen *seen, enum suite_what what, mm1_addr peer,
                     const struct mm1_why *why)
{
    seen->what = (uint8_t)what;
    seen->peer = peer;
    seen->kind = why->kind;
    seen->code = why->code;
}

static void look_at(const struct mm1_envelope *envelope, struct suite_seen *seen)
{
    seen->what = SUITE_OTHER;
    MM1_ON(envelope, suite_note, note) {
        seen->what = SUITE_NOTED;
        seen->number = note->number;
        seen->peer = note->from;
    }
    MM1_ON(envelope, mm1_exited, exited) {
        tell_why(seen, SUITE_EXITED, exited->peer, &exited->why);
    }
    MM1_ON(envelope, mm1_down, down) {
        tell_why(seen, SUITE_DOWN, down->peer, &down->why);
        seen->number = down->ref;
    }
}

static mm1_status take(struct mm1_ctx *ctx, uint64_t timeout_ns, struct suite_seen *seen)
{
    const struct mm1_envelope *envelope;
    mm1_status status = mm1_recv_for(ctx, timeout_ns, &envelope);
    if (status == MM1_OK) {
        look_at(envelope, seen);
    }
    return status == MM1_TIMEOUT ? MM1_OK : status;
}

static mm1_status ask(struct mm1_ctx *ctx, mm1_addr peer, struct suite_seen *seen)
{
    const struct suite_seen *answer;
    mm1_status status = mm1_ask(ctx, peer, MM1_FOREVER, suite_order, suite_seen, &answer,
                                .op = SUITE_TAKE, .number = MM1_FOREVER);
    if (status == MM1_EXITED) {
        seen->kind = (uint8_t)mm1_call_reason(ctx)->kind;
        seen->code = mm1_call_reason(ctx)->code;
    }
    return status;
}

static mm1_status carry_out(struct mm1_ctx *ctx, const struct suite_order *order,
                            struct suite_seen *seen)
{
    switch ((enum suite_op)order->op) {
    case SUITE_TRAP:
        mm1_trap_exit(ctx, order->number != 0);
        return MM1_OK;
    case SUITE_LINK:
        return mm1_link(ctx, order->peer);
    case SUITE_UNLINK:
        return mm1_unlink(ctx, order->peer);
    case SUITE_WATCH:
        return mm1_watch(ctx, order->peer, &seen->number);
    case SUITE_UNWATCH:
        mm1_unwatch(ctx, order->number);
        return MM1_OK;
    case SUITE_EXIT:
        return mm1_exit(ctx, order->peer, reason_of(order));
    case SUITE_KILL:
        return mm1_kill(ctx, order->peer);
    case SUITE_TELL:
        return mm1_tell(ctx, order->peer, suite_note, .number = order->number,
                        .from = mm1_self(ctx));
    case SUITE_SPAWN:
        return mm1_spawn(
            ctx,
            &(struct mm1_spawn){.behaviour = &suite_puppet.behaviour, .link = order->number != 0},
            &seen->peer);
    case SUITE_TAKE:
        return take(ctx, order->number, seen);
    case SUITE_ASK:
        return ask(ctx, order->peer, seen);
    case SUITE_END:
        mm1_end(ctx, reason_of(order));
    }
    return MM1_INVALID;
}

static mm1_status puppet_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv_type(ctx, MM1_FOREVER, &suite_order_request_type, &envelope));
        struct suite_order_request request = *(const struct suite_order_request *)envelope->msg;
        struct suite_seen_response seen = {.body = {.status = MM1_OK}};
        seen.body.status = (int32_t)carry_out(ctx, &request.body, &seen.body);
        MM1_TRY(mm1_reply_any(ctx, &request.header, &suite_seen_response_type, &seen));
    }
}

const struct mm1_function suite_puppet = MM1_FUNCTION("puppet", puppet_run);

mm1_addr suite_puppet_new(struct mm1_ctx *ctx)
{
    return suite_spawn(ctx, &suite_puppet);
}

struct suite_seen suite_order_one(struct mm1_ctx *ctx, mm1_addr puppet, struct suite_order order)
{
    const struct suite_seen *answer;
    struct suite_order_request request = {.body = order};
    mm1_status status = mm1_ask_any(ctx, puppet, MM1_FOREVER, &suite_order_request_type, &request,
                                    &suite_seen_response_type, &answer);
    if (status == MM1_OK) {
        return *answer;
    }
    struct suite_seen seen = {.status = (int32_t)status};
    if (status == MM1_EXITED) {
        seen.kind = (uint8_t)mm1_call_reason(ctx)->kind;
        seen.code = mm1_call_reason(ctx)->code;
    }
    return seen;
}

struct suite_seen suite_take(struct mm1_ctx *ctx, mm1_addr puppet)
{
    return suite_do(ctx, puppet, SUITE_TAKE, .number = run.settle_ns);
}

void suite_crash(struct mm1_ctx *ctx, mm1_addr puppet, int32_t code)
{
    struct suite_seen seen =
        suite_do(ctx, puppet, SUITE_END, .kind = MM1_REASON_ERROR, .code = code);
    MUST(seen.status == MM1_EXITED);
    MUST(seen.kind == MM1_REASON_ERROR && seen.code == code);
}

void suite_end(struct mm1_ctx *ctx, mm1_addr puppet, enum mm1_reason_kind kind)
{
    struct suite_seen seen = suite_do(ctx, puppet, SUITE_END, .kind = (uint8_t)kind);
    MUST(seen.status == MM1_EXITED);
    MUST(seen.kind == kind);
}

/* --- for cases -------------------------------------------------------------------------------------------------- */

mm1_addr suite_spawn(struct mm1_ctx *ctx, const struct mm1_function *function)
{
    return suite_spawn_with(ctx, function, 0, false);
}

mm1_addr suite_spawn_with(struct mm1_ctx *ctx, const struct mm1_function *function, uint64_t number,
                          bool link)
{
    mm1_addr address;
    struct suite_note note = {.number = number, .from = mm1_self(ctx)};
    MUST_OK(mm1_spawn(ctx,
                      &(struct mm1_spawn){.behaviour = &function->behaviour,
                                          .arg_type = &suite_note_type,
                                          .arg = &note,
                                          .link = link},
                      &address));
    return address;
}

uint64_t suite_watch(struct mm1_ctx *ctx, mm1_addr peer)
{
    uint64_t ref;
    MUST_OK(mm1_watch(ctx, peer, &ref));
    return ref;
}

static bool is_down_of(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &mm1_down_type) &&
           ((const struct mm1_down *)envelope->msg)->ref == *(const uint64_t *)arg;
}

struct mm1_reason suite_down(struct mm1_ctx *ctx, uint64_t ref)
{
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_recv_if(ctx, MM1_FOREVER, is_down_of, &ref, &envelope));
    return mm1_reason_of_why(&((const struct mm1_down *)envelope->msg)->why);
}

struct mm1_reason suite_exited(struct mm1_ctx *ctx, mm1_addr peer)
{
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &mm1_exited_type, &envelope));
    const struct mm1_exited *exited = envelope->msg;
    MUST(mm1_addr_equal(exited->peer, peer));
    return mm1_reason_of_why(&exited->why);
}

uint64_t suite_noted(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
    return ((const struct suite_note *)envelope->msg)->number;
}

void suite_settle(struct mm1_ctx *ctx)
{
    MUST_OK(mm1_sleep(ctx, run.settle_ns));
}

void suite_quiet(struct mm1_ctx *ctx, int line)
{
    const struct mm1_envelope *envelope;
    mm1_status status = mm1_recv_for(ctx, run.settle_ns, &envelope);
    if (status != MM1_TIMEOUT) {
        suite_fail(ctx, "quiet", line,
                   status == MM1_OK ? envelope->type->name : mm1_status_text(status));
    }
}
