/* All ports in one struct: everything of a node that is not pure comes through it. */
#ifndef MM1_ENV_H
#define MM1_ENV_H

#include <mm1/alloc.h>
#include <mm1/clock.h>
#include <mm1/random.h>
#include <mm1/sched.h>
#include <mm1/store.h>
#include <mm1/trace.h>
#include <mm1/transport.h>

struct mm1_env {
    struct mm1_alloc *alloc;
    struct mm1_clock *clock;
    struct mm1_random *random;
    struct mm1_sched *sched;
    struct mm1_transport *transport;
    struct mm1_store *store;
    struct mm1_trace *trace;
};

/* MM1_INVALID when a port or one of its slots is missing; `*hole` then names it ("transport.dial"). */
MM1_API MM1_NODISCARD mm1_status mm1_env_check(const struct mm1_env *env, const char **hole);

/* A transport and a store that are not there: every listen, dial and open fails with MM1_REFUSED. For nodes that
 * need none; each lives as long as its node. */
struct mm1_transport_none {
    struct mm1_transport base;
    struct mm1_port_sink *sink;
};
struct mm1_store_none {
    struct mm1_store base;
    struct mm1_port_sink *sink;
};
MM1_API void mm1_transport_none_init(struct mm1_transport_none *transport);
MM1_API void mm1_store_none_init(struct mm1_store_none *store);

#endif
