/* The actor that boots a node (mm1-spec A-NODE-03, A-NODE-05). */
#include <stdio.h>
#include <string.h>

#include <mm1/life.h>
#include <mm1/metrics.h>
#include <mm1/name_service.h>

#include "posix/alloc.h"
#include "posix/node_init.h"
#include "posix/node_report.h"

struct init {
    struct mm1__node_init *boot;
    struct mm1_start start; /* of the name service, then of the metrics server */
    mm1_addr names;
    mm1_addr multinode;
    mm1_addr metrics;
};

static void change_state(struct mm1__node_init *boot, enum mm1__node_state state)
{
    __atomic_store_n(&boot->state, (int)state, __ATOMIC_SEQ_CST);
    mm1_posix_stop(boot->posix);
}

static mm1_status fail(struct mm1__node_init *boot, const char *what, const char *why)
{
    if (__atomic_load_n(&boot->state, __ATOMIC_SEQ_CST) != (int)MM1__NODE_FAILED) {
        (void)snprintf(boot->failure, sizeof(boot->failure), "%s: %s", what, why);
        change_state(boot, MM1__NODE_FAILED);
    }
    return MM1_OK;
}

static mm1_status init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct init *self = state;
    self->boot = *(struct mm1__node_init *const *)arg;
    mm1_trap_exit(ctx, true);
    const struct mm1_spawn spawn = {
        .behaviour = &mm1_name_service, .name = "name_service", .link = true};
    return mm1_start_begin(ctx, &self->start, &spawn, MM1__NODE_START_NS);
}

static mm1_status start_multinode(struct mm1_ctx *ctx, struct init *self)
{
    const struct mm1_spawn spawn = {.behaviour = &mm1_multinode_manager,
                                    .name = "multinode",
                                    .arg_type = &mm1_multinode_config_type,
                                    .arg = self->boot->multinode,
                                    .link = true};
    if (self->boot->multinode == NULL) {
        return MM1_OK;
    }
    return mm1_spawn(ctx, &spawn, &self->multinode);
}

static mm1_status start_metrics(struct mm1_ctx *ctx, struct init *self)
{
    const struct mm1_metrics_config config = {.addr = self->boot->metrics};
    const struct mm1_spawn spawn = {.behaviour = &mm1_metrics_server,
                                    .name = "metrics",
                                    .arg_type = &mm1_metrics_config_type,
                                    .arg = &config,
                                    .link = true};
    return mm1_start_begin(ctx, &self->start, &spawn, MM1__NODE_START_NS);
}

static mm1_status not_started(struct init *self, const char *what)
{
    char why[MM1__REASON_LINE_MAX];
    const struct mm1_start *start = &self->start;
    return fail(self->boot, what,
                start->status == MM1_EXITED ? mm1__reason_line(&start->reason, why)
                                            : mm1_status_text(start->status));
}

/* The last step: links to other nodes, and then the node's main may come. */
static mm1_status go_on_to_links(struct mm1_ctx *ctx, struct init *self)
{
    mm1_status status = start_multinode(ctx, self);
    if (status != MM1_OK) {
        return fail(self->boot, "its multi-node manager did not start", mm1_status_text(status));
    }
    char guard[MM1__STACKS_TEXT_MAX];
    mm1__posix_stacks_describe(guard);
    mm1_log(ctx, MM1_LOG_INFO, "stacks of function actors: %s", guard);
    change_state(self->boot, MM1__NODE_READY);
    return MM1_OK;
}

static mm1_status started(struct mm1_ctx *ctx, struct init *self)
{
    if (self->names.bits != 0) {
        if (self->start.status != MM1_OK) {
            return not_started(self, "its metrics server did not start");
        }
        self->metrics = self->start.child;
        return go_on_to_links(ctx, self);
    }
    if (self->start.status != MM1_OK) {
        return not_started(self, "its name service did not start");
    }
    self->names = self->start.child;
    if (self->boot->metrics.size == 0) {
        return go_on_to_links(ctx, self);
    }
    mm1_status status = start_metrics(ctx, self);
    return status == MM1_OK
               ? MM1_OK
               : fail(self->boot, "its metrics server did not start", mm1_status_text(status));
}

/* One of ours: that is noted, and the node goes on; but not deaf. Anyone else: it asks this actor to end. */
static mm1_status ended(struct mm1_ctx *ctx, struct init *self, const struct mm1_exited *exited)
{
    static const char deaf[] = "cannot listen on ";
    char line[MM1__REASON_LINE_MAX];
    struct mm1_reason reason = mm1_reason_of_why(&exited->why);
    bool is_actor = exited->peer.bits != 0; /* and not the node itself */
    bool is_names = is_actor && mm1_addr_equal(exited->peer, self->names);
    bool is_multinode = is_actor && mm1_addr_equal(exited->peer, self->multinode);
    bool is_metrics = is_actor && mm1_addr_equal(exited->peer, self->metrics);
    if (!is_names && !is_multinode && !is_metrics) {
        mm1_quit(ctx, reason);
        return MM1_OK;
    }
    bool ends_well = reason.kind == MM1_REASON_SHUTDOWN || reason.kind == MM1_REASON_SHUTDOWN_TEXT;
    mm1_log(ctx, ends_well ? MM1_LOG_DEBUG : MM1_LOG_ERROR, "the %s ended: %s",
            is_names       ? "name service"
            : is_multinode ? "multi-node manager"
                           : "metrics server",
            mm1__reason_line(&reason, line));
    if (is_multinode && reason.kind == MM1_REASON_ERROR &&
        strncmp(reason.text, deaf, sizeof(deaf) - 1) == 0) {
        return fail(self->boot, reason.text, mm1_status_text((mm1_status)reason.code));
    }
    return MM1_OK;
}

static mm1_status receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *envelope)
{
    struct init *self = state;
    switch (mm1_start_take(ctx, &self->start, envelope)) {
    case MM1_CALL_DONE:
        return started(ctx, self);
    case MM1_CALL_GOES_ON:
    case MM1_CALL_STALE:
        return MM1_OK;
    case MM1_CALL_NOT_MINE:
        break;
    }
    MM1_ON(envelope, mm1_exited, exited) {
        return ended(ctx, self, exited);
    }
    return mm1_unhandled(ctx, envelope);
}

const struct mm1_behaviour mm1__node_init_behaviour = {
    .name = "init",
    .state_size = sizeof(struct init),
    .init = init,
    .receive = receive,
};
