/* The step harness from open to close, and what the test does through an actor of its own. */
#include <stdlib.h>

#include "sim/harness.h"

struct mm1_harness *mm1_harness_at(struct mm1_harness *h, const char *file, unsigned line)
{
    h->file = file;
    h->line = line;
    return h;
}

/* --- the test's actor ----------------------------------------------------------------------------------------- */

MM1_MSG_DECLARE_UNIT(sim_harness_poke)
MM1_MSG_DEFINE_UNIT(sim_harness_poke, "mm1_harness::Poke")

static mm1_status tester_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    mm1_trap_exit(ctx, true);
    return MM1_OK;
}

static mm1_status tester_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    if (mm1_is(envelope, &sim_harness_poke_type)) {
        struct mm1_harness *h =
            MM1_CONTAINER_OF(mm1_ctx_alloc(ctx), struct mm1_harness, alloc.base);
        struct sim_harness_command *command = h->command;
        h->command = NULL;
        command->status = command->run(ctx, command);
    }
    return MM1_OK;
}

static const struct mm1_behaviour tester_behaviour = {
    .name = "test",
    .init = tester_init,
    .receive = tester_receive,
};

/* Does something in a turn of the test's actor, at once. MM1_NOPROC: it was killed. */
static mm1_status command(struct mm1_harness *h, struct sim_harness_command *command)
{
    h->command = command;
    mm1_status status =
        mm1_node_send(h->node, h->tester_addr, &sim_harness_poke_type,
                      &(struct sim_harness_poke){0}, &(struct mm1_header){.priority = true});
    if (status == MM1_OK) {
        sim_harness_run_tester(h);
        status = h->command == NULL ? command->status : MM1_NOPROC;
    }
    h->command = NULL;
    return status;
}

static mm1_status run_spawn(struct mm1_ctx *ctx, struct sim_harness_command *command)
{
    return mm1_spawn(ctx, command->spawn, &command->addr);
}

static mm1_status run_exit(struct mm1_ctx *ctx, struct sim_harness_command *command)
{
    return mm1_exit(ctx, command->addr, command->reason);
}

static mm1_status run_kill(struct mm1_ctx *ctx, struct sim_harness_command *command)
{
    return mm1_kill(ctx, command->addr);
}

mm1_status mm1_harness_spawn(struct mm1_harness *h, const struct mm1_spawn *spawn, mm1_addr *out)
{
    struct sim_harness_command spawning = {.run = run_spawn, .spawn = spawn};
    mm1_status status = command(h, &spawning);
    *out = spawning.addr;
    return status;
}

mm1_status mm1_harness_exit(struct mm1_harness *h, mm1_addr peer, struct mm1_reason reason)
{
    return command(h,
                   &(struct sim_harness_command){.run = run_exit, .addr = peer, .reason = reason});
}

mm1_status mm1_harness_kill(struct mm1_harness *h, mm1_addr peer)
{
    return command(h, &(struct sim_harness_command){.run = run_kill, .addr = peer});
}

mm1_status mm1_harness_deliver(struct mm1_harness *h, mm1_addr to, const struct mm1_msg_type *type,
                               const void *msg, const struct mm1_header *header)
{
    return mm1_node_send(h->node, to, type, msg, header);
}

/* --- what the harness knows ----------------------------------------------------------------------------------- */

uint64_t mm1_harness_now(const struct mm1_harness *h)
{
    return h->now_ns;
}

mm1_addr mm1_harness_self(const struct mm1_harness *h)
{
    return h->tester_addr;
}

mm1_addr mm1_harness_spawned(const struct mm1_harness *h)
{
    return h->spawned;
}

const char *mm1_harness_log(struct mm1_harness *h)
{
    MM1_CHECK(mm1_buf_terminate(&h->log) == MM1_OK);
    return (const char *)h->log.data;
}

struct mm1_node *mm1_harness_node(struct mm1_harness *h)
{
    return h->node;
}

void mm1_harness_fail_at(struct mm1_harness *h, uint64_t k)
{
    h->alloc.requests = 0;
    h->alloc.fail_at = k;
}

uint64_t mm1_harness_requests(const struct mm1_harness *h)
{
    return h->alloc.requests;
}

/* --- open and close ------------------------------------------------------------------------------------------- */

static mm1_status open_node(struct mm1_harness *h)
{
    const struct mm1_net bind = MM1_NET_DEFAULT_BIND;
    const struct mm1_node_config plain = {.locals = &bind, .local_count = 1};
    struct mm1_node_config config = h->options.node == NULL ? plain : *h->options.node;
    if (config.name.size == 0) {
        config.name = MM1_TEXT("harness");
    }
    if (config.auto_net.addr.bits == 0) {
        config.auto_net = MM1_NET_DEFAULT_AUTO;
    }
    if (config.types == NULL) {
        config.types = &h->no_types;
    }
    config.one_thread = true;
    MM1_TRY(mm1_node_open(&h->env, &config, &h->node));
    const struct mm1_spawn tester = {.behaviour = &tester_behaviour, .name = "test"};
    h->opening = true;
    mm1_status status = mm1_node_spawn(h->node, &tester, &h->tester_addr);
    h->opening = false;
    if (status != MM1_OK) {
        mm1_node_close(h->node);
        return status;
    }
    sim_harness_run_tester(h);
    return MM1_OK;
}

static void harness_free(struct mm1_harness *h)
{
    mm1_buf_close(&h->log);
    sim_harness_alloc_close(&h->alloc);
    sim_harness_alloc_close(&h->own);
    free(h);
}

mm1_status mm1_harness_open(const struct mm1_harness_options *options, struct mm1_harness **out)
{
    struct mm1_harness *h = calloc(1, sizeof(*h));
    if (h == NULL) {
        return MM1_NOMEM;
    }
    if (options != NULL) {
        h->options = *options;
    }
    h->now_ns = h->options.start_ns;
    h->target_ns = h->options.start_ns;
    sim_harness_ports_init(h);
    sim_harness_sched_init(h);
    h->no_types = MM1_MSG_REGISTRY(&h->own.base);
    mm1_status status = open_node(h);
    if (status != MM1_OK) {
        (void)sim_harness_turns_close(h);
        harness_free(h);
        return status;
    }
    h->options.node = NULL; /* was borrowed for the call */
    *out = h;
    return MM1_OK;
}

void mm1_harness_close(struct mm1_harness *h)
{
    char leak[200];
    bool abandoned = sim_harness_turns_close(h);
    mm1_node_close(h->node);
    bool leaked = !abandoned && (h->alloc.block_count != 0 || h->alloc.stack_count != 0);
    if (leaked) {
        sim_harness_leak_print(&h->alloc, leak, sizeof(leak));
    }
    /* It does not return when it fails: what is left must not look like one more leak. */
    struct mm1_harness place = {
        .options = {.fail = h->options.fail}, .file = h->file, .line = h->line};
    harness_free(h);
    if (leaked) {
        sim_harness_fail(&place, "%s", leak);
    }
}
