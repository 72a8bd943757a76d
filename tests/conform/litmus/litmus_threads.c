/* Runs of litmus programs on threads. */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <mm1/kit.h>
#include <mm1/posix.h>

#include "litmus_threads.h"

struct litmus_bench {
    struct mm1_msg_registry types;
    struct mm1_posix *posix;
    struct mm1_node *node;
    char wrong[256];
};

static const struct litmus_pace pace = {
    .while_ns = 20 * MM1_NS_PER_US, .late_ns = 2 * MM1_NS_PER_MS, .jitter = 400};

static bool open_all(struct litmus_bench *bench, unsigned workers)
{
    struct mm1_posix_options options = {.threads = workers, .log_off = true};
    bench->types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    mm1_status status = mm1_kit_register(&bench->types);
    for (size_t i = 0; i < litmus_type_count && status == MM1_OK; i++) {
        status = mm1_msg_register(&bench->types, litmus_types[i]);
    }
    if (status == MM1_OK) {
        status = mm1_posix_open(&options, &bench->posix, NULL);
    }
    if (status == MM1_OK) {
        struct mm1_node_config config = {
            .name = MM1_TEXT("litmus"),
            .auto_net = {.addr = {0xfff8000000000000u}, .mask = 13},
            .actors_max = 1024,
            .types = &bench->types,
        };
        status = mm1_node_open(mm1_posix_env(bench->posix), &config, &bench->node);
    }
    return status == MM1_OK;
}

struct litmus_bench *litmus_bench_new(unsigned workers)
{
    struct litmus_bench *bench = calloc(1, sizeof(*bench));
    if (bench != NULL && !open_all(bench, workers)) {
        litmus_bench_free(bench);
        bench = NULL;
    }
    return bench;
}

void litmus_bench_free(struct litmus_bench *bench)
{
    if (bench->posix != NULL) {
        mm1_posix_close(bench->posix, bench->node);
    }
    mm1_msg_registry_close(&bench->types);
    free(bench);
}

static uint64_t seconds(void)
{
    struct timespec now;
    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? (uint64_t)now.tv_sec : 0;
}

static bool has_outcome(struct mm1_node *node)
{
    (void)node;
    return litmus_outcome() != NULL;
}

static bool is_empty(struct mm1_node *node)
{
    mm1_node_kill_all(node);
    return mm1_node_actors(node) == 0 && mm1_node_unrest(node) == 0;
}

/* False: not within a minute. */
static bool wait_for(struct mm1_node *node, bool (*done)(struct mm1_node *node))
{
    uint64_t until = seconds() + 60;
    for (unsigned i = 0; !done(node); i++) {
        if (i < 50) {
            (void)sched_yield();
            continue;
        }
        struct timespec pause = {.tv_nsec = 20 * 1000};
        (void)nanosleep(&pause, NULL);
        if (seconds() > until) {
            return false;
        }
    }
    return true;
}

const char *litmus_bench_play(struct litmus_bench *bench, const struct litmus_program *program,
                              uint64_t runs, uint64_t reached[LITMUS_OUTCOMES_MAX])
{
    mm1_addr address;
    litmus_begin(program, &pace);
    for (uint64_t i = 0; i < runs; i++) {
        litmus_again();
        struct mm1_spawn spawn = {.behaviour = &litmus_main.behaviour};
        if (mm1_node_spawn(bench->node, &spawn, &address) != MM1_OK) {
            return "the first actor could not be spawned";
        }
        if (!wait_for(bench->node, has_outcome)) {
            return "it never ended";
        }
        const char *outcome = litmus_outcome();
        int index = litmus_index(program, outcome);
        if (index < 0) {
            (void)snprintf(bench->wrong, sizeof(bench->wrong), "run %llu: %s",
                           (unsigned long long)i, outcome);
            return bench->wrong;
        }
        reached[index]++;
        if (!wait_for(bench->node, is_empty)) {
            return "actors or items are left";
        }
    }
    return "";
}
