/* A case on threads: a node on the real scheduler, in real time. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mm1/kit.h>
#include <mm1/posix.h>

#include "fuzz/sup_cases_place.h"

/* Real time within which a case must rest. */
#define REST_WITHIN_NS (UINT64_C(60) * MM1_NS_PER_SEC)

/* How long a supervisor waits for the end of a child that is to end at once; it is a matter of microseconds, so that
 * nothing but a broken stage makes it longer. */
#define END_NAPS 50000
#define END_NAP_NS 20000

struct threaded {
    struct sup_place base;
    const struct sup_cases_options *how;
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_env env;
    struct mm1_msg_registry types;
};

static struct threaded *of(struct sup_place *place)
{
    return MM1_CONTAINER_OF(place, struct threaded, base);
}

static void lock_doors(const struct threaded *world)
{
    if (world->how->doors != NULL) {
        MM1_CHECK(pthread_mutex_lock(world->how->doors) == 0);
    }
}

static void unlock_doors(const struct threaded *world)
{
    if (world->how->doors != NULL) {
        MM1_CHECK(pthread_mutex_unlock(world->how->doors) == 0);
    }
}

static void nap(uint64_t ns)
{
    struct timespec left = {.tv_sec = (time_t)(ns / MM1_NS_PER_SEC),
                            .tv_nsec = (long)(ns % MM1_NS_PER_SEC)};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    struct sup_place *place = MM1_CONTAINER_OF(self, struct sup_place, trace);
    const struct sup_process *dying = sup_book_see(place->book, event);
    /* The child says that it is ready and ends in one turn: so another worker is at it now, and this one waits. */
    for (unsigned i = 0; dying != NULL && i < END_NAPS; i++) {
        if (sup_book_settled(place->book, dying, mm1_node_actors(of(place)->node))) {
            break;
        }
        nap(END_NAP_NS);
    }
    return 0;
}

static const struct mm1_trace_ops trace_ops = {.name = "cases", .emit = emit};

static mm1_status send_message(struct sup_place *place, mm1_addr to,
                               const struct mm1_msg_type *type, const void *msg)
{
    return mm1_node_send(of(place)->node, to, type, msg, NULL);
}

static mm1_status send_exit(struct sup_place *place, mm1_addr to, struct mm1_reason reason)
{
    return mm1_node_exit(of(place)->node, to, reason);
}

static mm1_status suspend(struct sup_place *place, mm1_addr addr)
{
    return mm1_node_suspend(of(place)->node, addr);
}

static mm1_status resume(struct sup_place *place, mm1_addr addr)
{
    return mm1_node_resume(of(place)->node, addr);
}

static mm1_status rest(struct sup_place *place)
{
    struct threaded *world = of(place);
    return mm1_posix_wait_idle(world->posix, world->node, place->horizon_ns, REST_WITHIN_NS);
}

static mm1_status pass(struct sup_place *place, uint64_t ns)
{
    (void)place;
    nap(ns);
    return MM1_OK;
}

static void close_place(struct sup_place *place)
{
    struct threaded *world = of(place);
    if (world->posix != NULL) {
        lock_doors(world);
        mm1_posix_close(world->posix, world->node);
        unlock_doors(world);
    }
    mm1_msg_registry_close(&world->types);
    free(world);
}

static const struct sup_place_ops ops = {.send = send_message,
                                         .exit = send_exit,
                                         .suspend = suspend,
                                         .resume = resume,
                                         .rest = rest,
                                         .pass = pass,
                                         .close = close_place};

static mm1_status register_types(struct mm1_msg_registry *types)
{
    MM1_TRY(mm1_kit_register(types));
    for (size_t i = 0; i < sup_stage_type_count; i++) {
        MM1_TRY(mm1_msg_register(types, sup_stage_types[i]));
    }
    return MM1_OK;
}

static mm1_status open_world(struct threaded *world, const struct sup_stage_arg *arg,
                             char error[SUP_CASES_ERROR_MAX])
{
    const struct mm1_posix_options options = {.threads = world->how->threads, .log_off = true};
    char text[MM1_POSIX_ERROR_MAX];
    lock_doors(world);
    mm1_status status = mm1_posix_open(&options, &world->posix, text);
    unlock_doors(world);
    if (status != MM1_OK) {
        (void)snprintf(error, SUP_CASES_ERROR_MAX, "no threads: %.200s", text);
        return status;
    }
    (void)snprintf(error, SUP_CASES_ERROR_MAX, "no node");
    MM1_TRY(register_types(&world->types));
    world->env = *mm1_posix_env(world->posix);
    world->env.trace = &world->base.trace;
    const struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                           .auto_net = {.addr = {0xfff8000000000000u}, .mask = 16},
                                           .actors_max = 16384,
                                           .types = &world->types};
    MM1_TRY(mm1_node_open(&world->env, &config, &world->node));
    return mm1_node_spawn(
        world->node,
        &(struct mm1_spawn){
            .behaviour = &sup_stage, .name = "stage", .arg_type = &sup_stage_arg_type, .arg = arg},
        &world->base.stage);
}

mm1_status sup_place_threads(struct sup_book *book, const struct sup_cases_options *options,
                             const struct sup_stage_arg *arg, struct sup_place **out,
                             char error[SUP_CASES_ERROR_MAX])
{
    struct threaded *world = calloc(1, sizeof(*world));
    if (world == NULL) {
        return MM1_NOMEM;
    }
    world->base = (struct sup_place){.ops = &ops, .trace = {.ops = &trace_ops}, .book = book};
    world->how = options;
    world->types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    mm1_status status = open_world(world, arg, error);
    if (status != MM1_OK) {
        close_place(&world->base);
        return status;
    }
    *out = &world->base;
    return MM1_OK;
}
