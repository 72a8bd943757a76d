/* The simulated ports as worlds of the conformance suites: each case is stamped over many seeds. */
#ifndef MM1_CONFORM_SIM_WORLD_H
#define MM1_CONFORM_SIM_WORLD_H

#include "sim_rig.h"

static inline struct sim_place *sim_place_of(struct conform_world *base)
{
    return MM1_CONTAINER_OF(base, struct sim_place, base);
}

static inline void sim_world_listen_name(struct conform_world *base, char out[CONFORM_NAME_MAX])
{
    (void)snprintf(out, CONFORM_NAME_MAX, "tcp://127.0.0.1:%u", 9000 + ++sim_place_of(base)->names);
}

static inline void sim_world_port_zero(struct conform_world *base, char out[CONFORM_NAME_MAX])
{
    (void)base;
    (void)snprintf(out, CONFORM_NAME_MAX, "tcp://127.0.0.1:0");
}

static inline void sim_world_uds_name(struct conform_world *base, char out[CONFORM_NAME_MAX])
{
    (void)snprintf(out, CONFORM_NAME_MAX, "uds:///run/%u", ++sim_place_of(base)->names);
}

static inline void sim_world_nobody_name(struct conform_world *base, char out[CONFORM_NAME_MAX])
{
    (void)base;
    (void)snprintf(out, CONFORM_NAME_MAX, "tcp://127.0.0.1:1");
}

/* As a node that is closed does: it closes its handles. */
static inline void sim_world_store_restart(struct conform_world *base)
{
    struct sim_place *place = sim_place_of(base);
    for (mm1_handle handle = 1; handle < base->sink.next_handle; handle++) {
        base->env.store->ops->close(base->env.store, handle);
    }
    sim_store_init(place->node);
    sim_place_attach(place);
}

static inline void sim_world_store_crash(struct conform_world *base)
{
    struct sim_place *place = sim_place_of(base);
    sim_disk_crash(place->node->host);
    sim_store_init(place->node);
    sim_place_attach(place);
}

static inline void sim_world_node_close(struct conform_world *base, struct mm1_node *node)
{
    sim_sched_close(sim_place_of(base)->node);
    mm1_node_close(node);
}

static inline void sim_world_free(struct conform_world *base)
{
    sim_rig_free(sim_place_of(base)->rig);
}

static inline struct conform_world *sim_world_make(const char *settings, uint64_t seed,
                                                   const struct conform_ops *ops)
{
    char text[1024];
    (void)snprintf(text, sizeof(text),
                   "{\"system\": \"rig\", \"hosts\": {\"127.0.0.1\": {}}, \"nodes\": {\"n\": "
                   "{\"host\": \"127.0.0.1\", \"role\": \"idle\", \"at\": \"100h\"}}, "
                   "\"end\": {\"at_most\": \"200h\", \"quiet\": false}%s}",
                   settings);
    return &sim_rig_new(text, seed, ops)->places[0].base;
}

static inline struct conform_world *sim_world_tcp(uint64_t seed)
{
    static const struct conform_ops named = {.drive = sim_rig_drive,
                                             .listen_name = sim_world_listen_name,
                                             .nobody_name = sim_world_nobody_name,
                                             .store_restart = sim_world_store_restart,
                                             .store_crash = sim_world_store_crash,
                                             .node_close = sim_world_node_close,
                                             .free = sim_world_free};
    static const struct conform_ops free_port = {.drive = sim_rig_drive,
                                                 .listen_name = sim_world_port_zero,
                                                 .nobody_name = sim_world_nobody_name,
                                                 .free = sim_world_free};
    const char *settings = seed % 3 == 0 ? ", \"network\": {\"latency\": \"0s\"}, "
                                           "\"store\": {\"latency\": \"0s\"}"
                                         : "";
    return sim_world_make(settings, seed, seed % 2 == 0 ? &named : &free_port);
}

static inline struct conform_world *sim_world_uds(uint64_t seed)
{
    static const struct conform_ops ops = {.drive = sim_rig_drive,
                                           .listen_name = sim_world_uds_name,
                                           .nobody_name = sim_world_uds_name,
                                           .free = sim_world_free};
    return sim_world_make("", seed, &ops);
}

static inline struct conform_world *sim_world_whole(uint64_t seed)
{
    static const struct conform_ops ops = {.drive = sim_rig_drive,
                                           .store_restart = sim_world_store_restart,
                                           .store_crash = sim_world_store_crash,
                                           .node_close = sim_world_node_close,
                                           .free = sim_world_free};
    return sim_world_make("", seed, &ops);
}

static inline bool sim_world_is_large(const char *name)
{
    return strcmp(name, "held_back") == 0 || strcmp(name, "close_delivers") == 0 ||
           strcmp(name, "large") == 0;
}

/* A case of a suite, over seeds; `make` takes the seed. Cases that move megabytes run on one. */
#define SIM_CONFORM_CASE(suite, make, seeds, port, name)                                           \
    Test(suite, name)                                                                              \
    {                                                                                              \
        for (uint64_t seed = 1; seed <= (sim_world_is_large(#name) ? 1 : (seeds)); seed++) {       \
            struct conform_world *world = make(seed);                                              \
            conform_##port##_##name(world);                                                        \
            world->ops->free(world);                                                               \
        }                                                                                          \
    }

#endif
