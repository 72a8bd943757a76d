/* The real ports as worlds of the conformance suites. */
#ifndef MM1_CONFORM_POSIX_WORLD_H
#define MM1_CONFORM_POSIX_WORLD_H

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conform.h"
#include "mm1_test.h"
#include "posix/alloc.h"
#include "posix/clock.h"
#include "posix/random.h"
#include "posix/sched.h"
#include "posix/store.h"
#include "posix/transport.h"
#include "posix/world.h"

struct posix_world {
    struct conform_world base;
    struct mm1__posix_transport transport;
    struct mm1__posix_store store;
    struct mm1__posix_clock clock;
    struct mm1__posix_random random;
    struct mm1_posix *posix; /* all of them, where a node runs */
    char dir[64];            /* of sockets, or of the store */
    unsigned names;
    int silent_fd; /* holds a port at which nobody listens; -1: none */
};

/* Half a minute of attempts: only a hang is cut by it. */
#define POSIX_ATTEMPTS 30000

static inline bool posix_drive(struct conform_world *world, bool (*done)(void *arg), void *arg)
{
    (void)world;
    for (unsigned i = 0; i < POSIX_ATTEMPTS; i++) {
        if (done(arg)) {
            return true;
        }
        struct timespec pause = {.tv_nsec = 1000 * 1000};
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

static inline int posix_remove(const char *path, const struct stat *info, int flag,
                               struct FTW *walk)
{
    (void)info;
    (void)flag;
    (void)walk;
    return remove(path);
}

static inline struct posix_world *posix_world_new(void)
{
    struct posix_world *world = calloc(1, sizeof(*world));
    cr_assert_not_null(world);
    world->base.env.alloc = mm1__posix_alloc();
    world->silent_fd = -1;
    (void)snprintf(world->dir, sizeof(world->dir), "/tmp/mm1-conform-XXXXXX");
    cr_assert_not_null(mkdtemp(world->dir));
    conform_sink_init(&world->base.sink);
    return world;
}

static inline void posix_world_free(struct posix_world *world)
{
    conform_sink_close(&world->base.sink);
    if (world->silent_fd >= 0) {
        cr_assert_eq(close(world->silent_fd), 0);
    }
    cr_assert_eq(nftw(world->dir, posix_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
    free(world);
}

static inline void posix_transport_free(struct conform_world *base)
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    mm1__posix_transport_close(&world->transport);
    posix_world_free(world);
}

static inline void posix_tcp_listen_name(struct conform_world *world, char out[CONFORM_NAME_MAX])
{
    (void)world;
    (void)snprintf(out, CONFORM_NAME_MAX, "tcp://127.0.0.1:0");
}

/* A port that is bound and not listened at: nobody else can come to listen there. */
static inline void posix_tcp_nobody_name(struct conform_world *base, char out[CONFORM_NAME_MAX])
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    world->silent_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(world->silent_fd, 0);
    cr_assert_eq(bind(world->silent_fd, (const struct sockaddr *)&address, size), 0);
    cr_assert_eq(getsockname(world->silent_fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(out, CONFORM_NAME_MAX, "tcp://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
}

static inline void posix_uds_name(struct conform_world *base, char out[CONFORM_NAME_MAX])
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    (void)snprintf(out, CONFORM_NAME_MAX, "uds://%s/%u", world->dir, ++world->names);
}

static inline struct conform_world *posix_transport_new(const struct conform_ops *ops)
{
    struct posix_world *world = posix_world_new();
    world->base.ops = ops;
    cr_assert_eq(mm1__posix_transport_open(&world->transport, world->base.env.alloc), MM1_OK);
    world->base.env.transport = &world->transport.base;
    world->transport.base.ops->attach(&world->transport.base, &world->base.sink.base);
    return &world->base;
}

static inline struct conform_world *posix_tcp_world(void)
{
    static const struct conform_ops ops = {.drive = posix_drive,
                                           .listen_name = posix_tcp_listen_name,
                                           .nobody_name = posix_tcp_nobody_name,
                                           .free = posix_transport_free};
    return posix_transport_new(&ops);
}

static inline struct conform_world *posix_uds_world(void)
{
    static const struct conform_ops ops = {.drive = posix_drive,
                                           .listen_name = posix_uds_name,
                                           .nobody_name = posix_uds_name,
                                           .free = posix_transport_free};
    return posix_transport_new(&ops);
}

static inline void posix_store_free(struct conform_world *base)
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    mm1__posix_store_close(&world->store);
    posix_world_free(world);
}

static inline void posix_store_start(struct posix_world *world)
{
    char error[MM1__STORE_ERROR_MAX] = "";
    mm1_status status =
        mm1__posix_store_open(&world->store, world->base.env.alloc, world->dir, error);
    cr_assert_eq(status, MM1_OK, "%s", error);
    world->base.env.store = &world->store.base;
    world->store.base.ops->attach(&world->store.base, &world->base.sink.base);
}

static inline void posix_store_restart(struct conform_world *base)
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    mm1__posix_store_close(&world->store);
    posix_store_start(world);
}

static inline struct conform_world *posix_store_world(void)
{
    static const struct conform_ops ops = {
        .drive = posix_drive, .store_restart = posix_store_restart, .free = posix_store_free};
    struct posix_world *world = posix_world_new();
    world->base.ops = &ops;
    posix_store_start(world);
    return &world->base;
}

static inline void posix_clock_free(struct conform_world *base)
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    mm1__posix_clock_close(&world->clock);
    posix_world_free(world);
}

/* A clock and a random source. */
static inline struct conform_world *posix_clock_world(void)
{
    static const struct conform_ops ops = {.drive = posix_drive, .free = posix_clock_free};
    struct posix_world *world = posix_world_new();
    world->base.ops = &ops;
    cr_assert_eq(mm1__posix_clock_open(&world->clock), MM1_OK);
    cr_assert_eq(mm1__posix_random_open(&world->random), MM1_OK);
    world->base.env.clock = &world->clock.base;
    world->base.env.random = &world->random.base;
    return &world->base;
}

static inline void posix_whole_free(struct conform_world *base)
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    if (world->posix != NULL) {
        mm1_posix_close(world->posix, NULL);
    }
    posix_world_free(world);
}

static inline void posix_node_close(struct conform_world *base, struct mm1_node *node)
{
    struct posix_world *world = MM1_CONTAINER_OF(base, struct posix_world, base);
    mm1_posix_close(world->posix, node);
    world->posix = NULL;
}

/* All ports, for a node. */
static inline struct conform_world *posix_whole_world(void)
{
    static const struct conform_ops ops = {
        .drive = posix_drive, .node_close = posix_node_close, .free = posix_whole_free};
    struct posix_world *world = posix_world_new();
    struct mm1_posix_options options = {.threads = 4, .log_level = MM1_LOG_ERROR};
    char error[MM1_POSIX_ERROR_MAX] = "";
    world->base.ops = &ops;
    cr_assert_eq(mm1_posix_open(&options, &world->posix, error), MM1_OK, "%s", error);
    world->base.env = *mm1_posix_env(world->posix);
    return &world->base;
}

#endif
