/* The parent of a store actor: starts it again when it ends, after a while, and not for ever. */
#include "messages.h"
#include "parent.h"
#include "store.h"

/* More restarts than this within the window, and the parent gives up. */
#define RESTARTS_MAX 5u
#define RESTARTS_WINDOW_NS (30 * MM1_NS_PER_SEC)

struct parent {
    struct mm1_alloc *alloc;
    struct kv_replica *config;
    size_t config_size;
    mm1_addr store;
    uint64_t restarts[RESTARTS_MAX]; /* times of the last ones, a ring */
    size_t restart_count;
};

static mm1_status start_store(struct mm1_ctx *ctx, struct parent *parent)
{
    return mm1_spawn(ctx,
                     &(struct mm1_spawn){.behaviour = &kv_store_behaviour,
                                         .name = "store",
                                         .arg_type = &kv_replica_type,
                                         .arg = parent->config,
                                         .link = true},
                     &parent->store);
}

static mm1_status parent_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct parent *parent = state;
    parent->alloc = mm1_ctx_alloc(ctx);
    parent->config_size = mm1_msg_copy_size(&kv_replica_type, arg);
    parent->config = mm1_take(parent->alloc, parent->config_size);
    if (parent->config == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(&kv_replica_type, arg, parent->config);
    mm1_trap_exit(ctx, true);
    return start_store(ctx, parent);
}

static void parent_fini(void *state)
{
    struct parent *parent = state;
    mm1_give(parent->alloc, parent->config, parent->config_size);
}

static mm1_status store_exited(struct mm1_ctx *ctx, struct parent *parent, struct mm1_reason reason)
{
    uint64_t now = mm1_now(ctx);
    uint64_t *oldest = &parent->restarts[parent->restart_count % RESTARTS_MAX];
    if (parent->restart_count >= RESTARTS_MAX && now - *oldest < RESTARTS_WINDOW_NS) {
        mm1_log(ctx, MM1_LOG_ERROR, "the store ended too often: %s", reason.text);
        mm1_quit(ctx, reason);
        return MM1_OK;
    }
    *oldest = now;
    parent->restart_count++;
    uint64_t timer;
    return mm1_after(ctx, parent->config->restart_after, &timer, kv_restart_now, .mm1_unit = 0);
}

static mm1_status parent_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct parent *parent = state;
    MM1_ON(envelope, mm1_exited, m) {
        struct mm1_reason reason = mm1_reason_of_why(&m->why);
        if (mm1_addr_equal(m->peer, parent->store)) {
            return store_exited(ctx, parent, reason);
        }
        mm1_quit(ctx, reason); /* the store is linked: it ends with its parent */
        return MM1_OK;
    }
    MM1_ON(envelope, kv_restart_now, m) {
        return start_store(ctx, parent);
    }
    return mm1_unhandled(ctx, envelope);
}

const struct mm1_behaviour kv_parent_behaviour = {
    .name = "parent",
    .state_size = sizeof(struct parent),
    .init = parent_init,
    .receive = parent_receive,
    .fini = parent_fini,
};
