/* The multi-node actors, below the manager, and the copy of a spawn argument that each of them keeps. */
#ifndef MM1_KIT_MN_ACTORS_H
#define MM1_KIT_MN_ACTORS_H

#include <mm1/actor.h>

#include "kit/mn_messages.h"

extern const struct mm1_behaviour mm1__mn_acceptor;   /* argument: mm1_mn_endpoint */
extern const struct mm1_behaviour mm1__mn_connector;  /* argument: mm1_mn_endpoint */
extern const struct mm1_behaviour mm1__mn_connection; /* argument: mm1_mn_endpoint */
extern const struct mm1_behaviour mm1__mn_ingress;    /* argument: mm1_mn_table */

/* Messages that may wait at a connection: more than an ingress can hold, so that a sender sees MM1_FULL instead of a
 * loss behind its back. */
#define MM1_MN_CONNECTION_INBOX 65536u

/* A message in a block of its own. */
struct mm1_mn_copy {
    struct mm1_alloc *alloc;
    void *msg; /* null: none */
    size_t size;
};

/* Replaces the copy; MM1_NOMEM leaves it as it was. */
MM1_NODISCARD mm1_status mm1__mn_copy_set(struct mm1_mn_copy *copy, struct mm1_alloc *alloc,
                                          const struct mm1_msg_type *type, const void *msg);
void mm1__mn_copy_close(struct mm1_mn_copy *copy);
/* An acceptor or connector that traps exits: true when `exited` is of its parent; then it ends for the same reason. */
bool mm1__mn_parent_ended(struct mm1_ctx *ctx, const struct mm1_exited *exited);
/* Spawns a linked connection for an endpoint. */
MM1_NODISCARD mm1_status mm1__mn_spawn_connection(struct mm1_ctx *ctx,
                                                  const struct mm1_mn_endpoint *endpoint,
                                                  mm1_addr *out);

#endif
