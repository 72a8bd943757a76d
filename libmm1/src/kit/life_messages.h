/* What starts, shutdowns and pings of behaviours and of function actors share. */
#ifndef MM1_KIT_LIFE_MESSAGES_H
#define MM1_KIT_LIFE_MESSAGES_H

#include <mm1/life.h>

/* The time of a call is over: its number, of a shutdown the reference of its watch. */
#define MM1_LIFE_TIMEOUT_FIELDS(F) F(id, id)
MM1_MSG_DECLARE(mm1_life_timeout, MM1_LIFE_TIMEOUT_FIELDS)

/* As without the underscores; `mark` is 0 or MM1__WAITED_FOR. */
MM1_NODISCARD mm1_status mm1__start_begin(struct mm1_ctx *ctx, struct mm1_start *start,
                                          const struct mm1_spawn *spawn, uint64_t timeout_ns,
                                          uint64_t mark);
MM1_NODISCARD mm1_status mm1__ping_begin(struct mm1_ctx *ctx, struct mm1_pinging *ping,
                                         mm1_addr peer, uint64_t timeout_ns, uint64_t mark);

#endif
