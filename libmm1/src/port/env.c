/* Refuses an env with a hole in it. */
#include <mm1/env.h>

#define REQUIRE(condition, text)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            *hole = (text);                                                                        \
            return MM1_INVALID;                                                                    \
        }                                                                                          \
    } while (0)

#define PORT(port)                                                                                 \
    REQUIRE(env->port != NULL, #port);                                                             \
    REQUIRE(env->port->ops != NULL, #port ".ops");                                                 \
    REQUIRE(env->port->ops->name != NULL, #port ".name")
#define SLOT(port, slot) REQUIRE(env->port->ops->slot != NULL, #port "." #slot)

mm1_status mm1_env_check(const struct mm1_env *env, const char **hole)
{
    PORT(alloc);
    SLOT(alloc, take);
    SLOT(alloc, give);
    SLOT(alloc, take_stack);
    SLOT(alloc, give_stack);
    PORT(clock);
    SLOT(clock, monotonic);
    SLOT(clock, wall);
    SLOT(clock, arm);
    SLOT(clock, cancel);
    SLOT(clock, next_due);
    PORT(random);
    SLOT(random, draw);
    PORT(sched);
    SLOT(sched, ready);
    SLOT(sched, effect);
    SLOT(sched, hold);
    PORT(transport);
    SLOT(transport, attach);
    SLOT(transport, listen);
    SLOT(transport, dial);
    SLOT(transport, read);
    SLOT(transport, send);
    SLOT(transport, close);
    PORT(store);
    SLOT(store, attach);
    SLOT(store, open);
    SLOT(store, append);
    SLOT(store, sync);
    SLOT(store, truncate);
    SLOT(store, read);
    SLOT(store, close);
    PORT(trace);
    SLOT(trace, emit);
    *hole = NULL;
    return MM1_OK;
}
