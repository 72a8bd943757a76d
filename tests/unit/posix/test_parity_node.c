/* A node whose name service ends goes on (A-NODE-05), one process can run a node again (A-NODE-06), and its end reaches
 * the actors of every runtime (SHUT-01). */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mm1/function.h>
#include <mm1/system.h>

#include "mm1_test.h"
#include "posix/node_main.h"

/* Kills the name service, waits until it is gone, and lives on for a while. */
static mm1_status killer_run(struct mm1_ctx *ctx, const void *arg)
{
    mm1_addr service;
    const struct mm1_envelope *envelope;
    uint64_t ref;
    (void)arg;
    if (!mm1_owner(ctx, MM1_ADDR_NAME_SERVICE, &service)) {
        return MM1_NOPROC;
    }
    MM1_TRY(mm1_watch(ctx, service, &ref));
    MM1_TRY(mm1_kill(ctx, service));
    MM1_TRY(mm1_recv_type(ctx, 10 * MM1_NS_PER_SEC, &mm1_down_type, &envelope));
    MM1_TRY(mm1_sleep(ctx, 50 * MM1_NS_PER_MS));
    if (mm1_owner(ctx, MM1_ADDR_NAME_SERVICE, &service)) {
        return MM1_CONFLICT;
    }
    mm1_log(ctx, MM1_LOG_INFO, "still here");
    return MM1_OK;
}

/* Says when it is up, on which thread, and when it is asked to end. */
static mm1_status stayer_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    char thread[16];
    (void)arg;
    mm1_trap_exit(ctx, true);
    mm1_init_done(ctx, mm1_self(ctx));
    MM1_TRY(mm1_recv_type(ctx, MM1_FOREVER, &mm1_exited_type, &envelope));
    if (pthread_getname_np(pthread_self(), thread, sizeof(thread)) != 0) {
        return MM1_INTERNAL;
    }
    mm1_log(ctx, MM1_LOG_INFO, "asked to end on thread %s", thread);
    return MM1_OK;
}

static const struct mm1_function stayer = MM1_FUNCTION("stayer", stayer_run);

/* Ends, and leaves a child that is not linked to it. */
static mm1_status leaver_run(struct mm1_ctx *ctx, const void *arg)
{
    mm1_addr child;
    (void)arg;
    return mm1_start(ctx, &(struct mm1_spawn){.behaviour = &stayer.behaviour, .name = "stayer"},
                     10 * MM1_NS_PER_SEC, &child);
}

static const struct mm1_function killer = MM1_FUNCTION("killer", killer_run);
static const struct mm1_function leaver = MM1_FUNCTION("leaver", leaver_run);
static const struct mm1_role roles[] = {
    {.name = "killer", .about = "kills the name service", .main = &killer.behaviour},
    {.name = "leaver", .about = "leaves a child", .main = &leaver.behaviour},
};
static const struct mm1_system test_system = {.abi = MM1_SYSTEM_ABI,
                                              .name = "test",
                                              .source_version = "1",
                                              .about = "for this test",
                                              .roles = roles,
                                              .role_count = MM1_COUNT_OF(roles)};

#define NODE(role, rest)                                                                           \
    "{\"name\": \"a\", \"system\": \"test\", \"role\": \"" role "\", \"runtime\": {\"default\": "  \
    "{\"worker_threads\": 2}, \"bg\": {\"worker_threads\": 1}}" rest "}"

/* Runs that node `times` times in one child process; what it writes to standard error goes to `said`. */
static void run_node(const char *config, unsigned times, char *said, size_t size)
{
    char path[] = "/tmp/mm1-parity-XXXXXX";
    int file = mkstemp(path);
    int fds[2];
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, config, strlen(config)), (ssize_t)strlen(config));
    cr_assert_eq(close(file), 0);
    cr_assert_eq(pipe(fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        const struct mm1_system *const items[] = {&test_system};
        struct mm1__linked_systems linked = {.items = items, .count = 1};
        int code = 0;
        (void)dup2(fds[1], STDERR_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        for (unsigned i = 0; i < times && code == 0; i++) {
            code = mm1__posix_node(path, &linked, NULL);
        }
        _exit(code);
    }
    (void)close(fds[1]);
    size_t at = 0;
    ssize_t got;
    while ((got = read(fds[0], said + at, size - 1 - at)) > 0) {
        at += (size_t)got;
    }
    said[at] = '\0';
    (void)close(fds[0]);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", said);
    cr_assert_eq(unlink(path), 0);
}

static unsigned count(const char *said, const char *text)
{
    unsigned n = 0;
    for (const char *at = said; (at = strstr(at, text)) != NULL; at++) {
        n++;
    }
    return n;
}

Test(parity_node, the_end_of_the_name_service_ends_nothing)
{
    static char said[65536];
    run_node(NODE("killer", ""), 1, said, sizeof(said));
    cr_assert_eq(count(said, "msg=\"still here\""), 1, "%s", said);
    cr_assert_gt(count(said, "killed"), 0, "it is told: %s", said);
}

Test(parity_node, one_process_runs_it_again)
{
    static char said[65536];
    run_node(NODE("killer", ""), 3, said, sizeof(said));
    cr_assert_eq(count(said, "msg=\"still here\""), 3, "%s", said);
}

Test(parity_node, actors_of_a_named_runtime_end_too)
{
    static char said[65536];
    run_node(NODE("leaver", ", \"actor\": {\"/\": {\"leaver\": {\"/\": {\"stayer\": {\"runtime\": "
                            "\"bg\"}}}}}"),
             1, said, sizeof(said));
    cr_assert_eq(count(said, "msg=\"asked to end on thread bg\""), 1, "%s", said);
}
