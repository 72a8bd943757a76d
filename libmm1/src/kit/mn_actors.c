/* What the multi-node actors have in common. */
#include "kit/mn_actors.h"

mm1_status mm1__mn_copy_set(struct mm1_mn_copy *copy, struct mm1_alloc *alloc,
                            const struct mm1_msg_type *type, const void *msg)
{
    size_t size = mm1_msg_copy_size(type, msg);
    void *block = mm1_take(alloc, size);
    if (block == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(type, msg, block);
    mm1__mn_copy_close(copy);
    *copy = (struct mm1_mn_copy){.alloc = alloc, .msg = block, .size = size};
    return MM1_OK;
}

void mm1__mn_copy_close(struct mm1_mn_copy *copy)
{
    if (copy->msg != NULL) {
        mm1_give(copy->alloc, copy->msg, copy->size);
        *copy = (struct mm1_mn_copy){0};
    }
}

bool mm1__mn_parent_ended(struct mm1_ctx *ctx, const struct mm1_exited *exited)
{
    if (!mm1_addr_equal(exited->peer, mm1_parent(ctx))) {
        return false;
    }
    mm1_quit(ctx, mm1_reason_of_why(&exited->why));
    return true;
}

mm1_status mm1__mn_spawn_connection(struct mm1_ctx *ctx, const struct mm1_mn_endpoint *endpoint,
                                    mm1_addr *out)
{
    struct mm1_spawn spawn = {
        .behaviour = &mm1__mn_connection,
        .arg_type = &mm1_mn_endpoint_type,
        .arg = endpoint,
        .link = true,
        .inbox_size = MM1_MN_CONNECTION_INBOX,
    };
    return mm1_spawn(ctx, &spawn, out);
}
