/* The members of a case: workers, and the kit's supervisors behind a gate. */
#include <stdio.h>

#include "fuzz/sup_actors.h"

static mm1_status greet(struct mm1_ctx *ctx)
{
    const struct mm1_path *path = mm1_self_path(ctx);
    return mm1_tell(ctx, SUP_STAGE_ADDR, sup_hello,
                    .id = {.data = path->name, .size = path->name_size}, .self = mm1_main(ctx));
}

static struct mm1_reason boom(void)
{
    return mm1_reason_error(1, "boom");
}

static mm1_status wake_after(struct mm1_ctx *ctx, uint64_t ns, bool ends)
{
    uint64_t timer;
    return mm1_after(ctx, ns, &timer, sup_wake, .ends = ends);
}

/* --- workers -------------------------------------------------------------------------------------------------- */

struct worker {
    enum sup_term term;
    uint64_t slow_ns;
    bool ending; /* it was told to end, and takes its time */
    struct mm1_reason reason;
};

static mm1_status worker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct worker *worker = state;
    const struct sup_worker_arg *said = arg;
    if (said == NULL || said->term > SUP_TERM_IGNORE) {
        return MM1_INVALID;
    }
    worker->term = (enum sup_term)said->term;
    worker->slow_ns = said->slow;
    mm1_trap_exit(ctx, worker->term != SUP_TERM_DIE);
    return greet(ctx);
}

/* Ends by itself, as a case has it; also who is to look killed, since a kill would come in a turn of its own. */
static mm1_status end_by_itself(struct mm1_ctx *ctx, uint8_t exit, struct mm1_text text)
{
    char copy[MM1_REASON_TEXT_MAX];
    if (exit > SUP_EXIT_SELFKILL) {
        return MM1_INVALID;
    }
    (void)snprintf(copy, sizeof(copy), "%.*s", (int)text.size, text.size == 0 ? "" : text.data);
    mm1_quit(ctx, sup_reason_of((enum sup_exit)exit, copy));
    return MM1_OK;
}

static mm1_status worker_go(struct mm1_ctx *ctx, const struct sup_go *go)
{
    switch ((enum sup_go_what)go->what) {
    case SUP_GO_RUN:
        mm1_init_done(ctx, mm1_self(ctx));
        return MM1_OK;
    case SUP_GO_ERROR:
        mm1_quit(ctx, boom());
        return MM1_OK;
    case SUP_GO_IGNORE:
        mm1_init_ignore(ctx);
        return MM1_OK;
    case SUP_GO_DIE:
        /* Both in one turn: its parent cannot see it ready before it has ended. */
        mm1_init_done(ctx, mm1_self(ctx));
        return end_by_itself(ctx, go->exit, go->exit_text);
    case SUP_GO_SLOW:
        return wake_after(ctx, go->slow, false);
    case SUP_GO_HANG:
        return MM1_OK;
    }
    return MM1_INVALID;
}

/* Somebody tells it to end; it traps, or would not hear of it. */
static mm1_status worker_told(struct mm1_ctx *ctx, struct worker *worker,
                              const struct mm1_exited *exited)
{
    switch (worker->term) {
    case SUP_TERM_DIE:
    case SUP_TERM_CLEAN:
        mm1_quit(ctx, mm1_reason_of_why(&exited->why));
        return MM1_OK;
    case SUP_TERM_SLOW:
        if (worker->ending) {
            return MM1_OK;
        }
        worker->ending = true;
        worker->reason = mm1_reason_of_why(&exited->why);
        return wake_after(ctx, worker->slow_ns, true);
    case SUP_TERM_NORMAL:
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    case SUP_TERM_CRASH:
        mm1_quit(ctx, sup_reason_of(SUP_EXIT_CRASH, NULL));
        return MM1_OK;
    case SUP_TERM_IGNORE:
        return MM1_OK;
    }
    return MM1_INVALID;
}

static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct worker *worker = state;
    MM1_ON(envelope, sup_go, go) {
        return worker_go(ctx, go);
    }
    MM1_ON(envelope, sup_wake, wake) {
        if (wake->ends) {
            mm1_quit(ctx, worker->reason);
        } else {
            mm1_init_done(ctx, mm1_self(ctx));
        }
        return MM1_OK;
    }
    MM1_ON(envelope, sup_do_exit, exit) {
        return end_by_itself(ctx, exit->exit, exit->text);
    }
    MM1_ON(envelope, mm1_exited, exited) {
        return worker_told(ctx, worker, exited);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour worker_behaviour = {.name = SUP_WORKER_NAME,
                                                      .state_size = sizeof(struct worker),
                                                      .init = worker_init,
                                                      .receive = worker_receive};

static mm1_status produce_worker(struct mm1_ctx *ctx, const struct mm1_factory *self,
                                 const struct mm1_child *child, struct mm1_spawn *spawn)
{
    (void)ctx;
    (void)self;
    (void)child;
    if (spawn->arg_type != &sup_worker_arg_type) {
        return MM1_INVALID;
    }
    const struct sup_worker_arg *arg = spawn->arg;
    if (arg->id.size == 0 || arg->id.data[arg->id.size - 1] != '\0') {
        return MM1_INVALID;
    }
    spawn->behaviour = &worker_behaviour;
    spawn->name = arg->id.data;
    return MM1_OK;
}

/* --- the gate ------------------------------------------------------------------------------------------------- */

struct gate {
    unsigned char kit[MM1__SUPERVISOR_STATE]; /* first, so that it is aligned as the state is */
    struct mm1_kept *arg;                     /* of the supervisor, until it begins */
    bool begun;                               /* the kit has taken over */
    bool hangs;
};

static mm1_status gate_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct gate *gate = state;
    if (arg == NULL) {
        return MM1_INVALID;
    }
    gate->arg = mm1_keep(ctx);
    MM1_CHECK(gate->arg != NULL);
    mm1_trap_exit(ctx, true);
    return greet(ctx);
}

/* The supervisor begins, and gets what waited. A refusal ends it as one in its first turn would. */
static mm1_status gate_open(struct mm1_ctx *ctx, struct gate *gate)
{
    gate->begun = true;
    mm1_unpostpone(ctx);
    mm1_status status = mm1__supervisor_init(ctx, gate->kit, mm1_kept_envelope(gate->arg)->msg);
    mm1_kept_drop(gate->arg);
    gate->arg = NULL;
    if (status != MM1_OK) {
        mm1_quit(ctx, mm1_reason_of(MM1_REASON_INIT_FAILED));
    }
    return MM1_OK;
}

static mm1_status gate_go(struct mm1_ctx *ctx, struct gate *gate, const struct sup_go *go)
{
    switch ((enum sup_go_what)go->what) {
    case SUP_GO_RUN:
    case SUP_GO_DIE:
        return gate_open(ctx, gate);
    case SUP_GO_ERROR:
        mm1_quit(ctx, boom());
        return MM1_OK;
    case SUP_GO_IGNORE:
        mm1_init_ignore(ctx);
        return MM1_OK;
    case SUP_GO_SLOW:
        return wake_after(ctx, go->slow, false);
    case SUP_GO_HANG:
        gate->hangs = true;
        mm1_unpostpone(ctx);
        return MM1_OK;
    }
    return MM1_INVALID;
}

/* It will never begin, and nothing waits for it: only the end of its parent ends it, as nobody else could. */
static mm1_status gate_hangs(struct mm1_ctx *ctx, const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, mm1_exited, exited) {
        if (mm1_addr_equal(exited->peer, mm1_parent(ctx))) {
            mm1_quit(ctx, mm1_reason_of_why(&exited->why));
        }
    }
    return MM1_OK;
}

static mm1_status gate_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    struct gate *gate = state;
    if (gate->begun) {
        return mm1__supervisor_receive(ctx, gate->kit, envelope);
    }
    MM1_ON(envelope, sup_go, go) {
        return gate_go(ctx, gate, go);
    }
    MM1_ON(envelope, sup_wake, wake) {
        return gate_open(ctx, gate);
    }
    if (gate->hangs) {
        return gate_hangs(ctx, envelope);
    }
    mm1_postpone(ctx);
    return MM1_OK;
}

static void gate_fini(void *state)
{
    struct gate *gate = state;
    if (gate->begun) {
        mm1__supervisor_fini(gate->kit);
    }
    mm1_kept_drop(gate->arg);
}

static const struct mm1_factory factories[] = {
    {.name = SUP_WORKER_FACTORY, .produce = produce_worker},
};

const struct mm1_supervisor sup_gated = {.behaviour = {.name = SUP_SUPERVISOR_NAME,
                                                       .state_size = sizeof(struct gate),
                                                       .init = gate_init,
                                                       .receive = gate_receive,
                                                       .fini = gate_fini},
                                         .factories = factories,
                                         .factory_count = MM1_COUNT_OF(factories)};
