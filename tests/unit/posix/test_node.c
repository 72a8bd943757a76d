/* `mm1 node`: how a node begins and ends, and what it says. Each node is a child process. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mm1/system.h>

#include "../../conform/posix_world.h"
#include "posix/node_main.h"

/* --- a system ------------------------------------------------------------------------------------------------- */

#define NODE_ARG_FIELDS(F) F(u32, code) F(opt(text), word)
MM1_MSG_DECLARE(node_arg, NODE_ARG_FIELDS)
MM1_MSG_DEFINE(node_arg, "test::Arg", NODE_ARG_FIELDS)
MM1_MSG_DECLARE_UNIT(node_go)
MM1_MSG_DEFINE_UNIT(node_go, "test::Go")

struct ender {
    uint32_t code;
};

static mm1_status ender_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct node_arg *given = arg;
    ((struct ender *)state)->code = given->code;
    mm1_log(ctx, MM1_LOG_INFO, "word %.*s", (int)given->word.value.size,
            given->word.some ? given->word.value.data : "");
    if (given->code == 99) {
        return MM1_INVALID;
    }
    return mm1_tell(ctx, mm1_self(ctx), node_go, .mm1_unit = 0);
}

static mm1_status ender_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    uint32_t code = ((struct ender *)state)->code;
    (void)envelope;
    mm1_quit(ctx, code == 0 ? MM1_NORMAL : mm1_reason_error((int32_t)code, "as told"));
    return MM1_OK;
}

/* Says it is up, and says how it ends. */
static mm1_status waiter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    mm1_trap_exit(ctx, true);
    mm1_log(ctx, MM1_LOG_INFO, "up");
    return MM1_OK;
}

static mm1_status waiter_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, mm1_exited, exited) {
        mm1_log(ctx, MM1_LOG_INFO, "asked to end: kind %u", exited->why.kind);
        mm1_quit(ctx, mm1_reason_of_why(&exited->why));
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static mm1_status spawn_one(struct mm1_ctx *ctx, const struct mm1_behaviour *behaviour)
{
    mm1_addr child;
    return mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = behaviour, .name = behaviour->name},
                     &child);
}

/* Would start another when it is asked to end. */
static mm1_status late_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope);

static const struct mm1_behaviour late = {
    .name = "late", .init = waiter_init, .receive = late_receive};

static mm1_status late_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    mm1_log(ctx, MM1_LOG_INFO, "spawn: %s", mm1_status_text(spawn_one(ctx, &late)));
    return waiter_receive(ctx, state, envelope);
}

static mm1_status blocker_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    (void)state;
    (void)envelope;
    mm1_log(ctx, MM1_LOG_INFO, "blocking");
    while (pause() == -1) {
    }
    return MM1_OK;
}

static mm1_status sleeper_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    (void)usleep(400000);
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

/* Tells itself to go on, and where it runs. */
static mm1_status goer_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    char thread[16];
    (void)state;
    (void)arg;
    cr_assert_eq(pthread_getname_np(pthread_self(), thread, sizeof(thread)), 0);
    mm1_log(ctx, MM1_LOG_INFO, "on thread %s", thread);
    mm1_log(ctx, MM1_LOG_DEBUG, "in detail");
    return mm1_tell(ctx, mm1_self(ctx), node_go, .mm1_unit = 0);
}

static mm1_status quitter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    mm1_addr names;
    (void)state;
    (void)envelope;
    mm1_log(ctx, MM1_LOG_INFO, "names are %s",
            mm1_owner(ctx, MM1_ADDR_NAME_SERVICE, &names) ? "served" : "missing");
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static mm1_status stubborn_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour ender = {.name = "ender",
                                           .state_size = sizeof(struct ender),
                                           .init = ender_init,
                                           .receive = ender_receive};
static const struct mm1_behaviour waiter = {
    .name = "waiter", .init = waiter_init, .receive = waiter_receive};
static const struct mm1_behaviour stubborn = {
    .name = "stubborn", .init = waiter_init, .receive = stubborn_receive};
static const struct mm1_behaviour blocker = {
    .name = "blocker", .init = goer_init, .receive = blocker_receive};
static const struct mm1_behaviour sleeper = {
    .name = "sleeper", .init = goer_init, .receive = sleeper_receive};
static const struct mm1_behaviour quitter = {
    .name = "quitter", .init = goer_init, .receive = quitter_receive};

/* Parents of each kind of child; they end when told, by a message or a signal. */
static mm1_status parent_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    if (mm1_is(envelope, &mm1_exited_type)) {
        mm1_quit(ctx, MM1_SHUTDOWN);
        return MM1_OK;
    }
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

/* Not before its child is up: to quit at once would leave no child to stop. */
static mm1_status later(struct mm1_ctx *ctx)
{
    uint64_t timer;
    mm1_trap_exit(ctx, true);
    return mm1_after(ctx, 100 * MM1_NS_PER_MS, &timer, node_go, .mm1_unit = 0);
}

static mm1_status of_waiter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    MM1_TRY(spawn_one(ctx, &waiter));
    return later(ctx);
}

static mm1_status of_late_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    MM1_TRY(spawn_one(ctx, &late));
    return later(ctx);
}

static mm1_status of_stubborn_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    MM1_TRY(spawn_one(ctx, &stubborn));
    return later(ctx);
}

static mm1_status of_blocker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    MM1_TRY(spawn_one(ctx, &blocker));
    return later(ctx);
}

static const struct mm1_behaviour of_waiter = {
    .name = "of_waiter", .init = of_waiter_init, .receive = parent_receive};
static const struct mm1_behaviour of_late = {
    .name = "of_late", .init = of_late_init, .receive = parent_receive};
static const struct mm1_behaviour of_stubborn = {
    .name = "of_stubborn", .init = of_stubborn_init, .receive = parent_receive};
static const struct mm1_behaviour of_blocker = {
    .name = "of_blocker", .init = of_blocker_init, .receive = parent_receive};

static const struct mm1_msg_type *const types[] = {&node_arg_type, &node_go_type};
static const struct mm1_role roles[] = {
    {.name = "ender", .about = "ends as told", .main = &ender, .arg_type = &node_arg_type},
    {.name = "waiter", .about = "waits", .main = &waiter},
    {.name = "stubborn", .about = "never ends", .main = &stubborn},
    {.name = "sleeper", .about = "ends after a long turn", .main = &sleeper},
    {.name = "quitter", .about = "ends at once", .main = &quitter},
    {.name = "of_waiter", .about = "leaves a waiter", .main = &of_waiter},
    {.name = "of_late", .about = "leaves one that spawns at its end", .main = &of_late},
    {.name = "of_stubborn", .about = "leaves a stubborn one", .main = &of_stubborn},
    {.name = "of_blocker", .about = "leaves one that blocks", .main = &of_blocker},
};
static const struct mm1_system test_system = {.abi = MM1_SYSTEM_ABI,
                                              .name = "test",
                                              .source_version = "1",
                                              .about = "for this test",
                                              .types = types,
                                              .type_count = MM1_COUNT_OF(types),
                                              .roles = roles,
                                              .role_count = MM1_COUNT_OF(roles)};

/* --- running one ---------------------------------------------------------------------------------------------- */

struct child {
    char dir[64];
    char said[65536]; /* its standard error so far */
    size_t size;
    pid_t pid;
    int fd;
};

/* What the next child is started with. */
static struct mm1__node_options node_options;

static void child_begin(struct child *child)
{
    memset(child, 0, sizeof(*child));
    (void)snprintf(child->dir, sizeof(child->dir), "/tmp/mm1-node-XXXXXX");
    cr_assert_not_null(mkdtemp(child->dir));
}

/* Starts a node with that configuration; "%s" in it is the child's directory. */
static void child_start(struct child *child, const char *config)
{
    char path[96];
    int fds[2];
    (void)snprintf(path, sizeof(path), "%s/node.json", child->dir);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    for (const char *at = config; *at != '\0'; at++) {
        if (at[0] == '%' && at[1] == 's') {
            cr_assert(fputs(child->dir, file) >= 0);
            at++;
        } else {
            cr_assert(fputc(*at, file) >= 0);
        }
    }
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(pipe(fds), 0);
    child->pid = fork();
    if (child->pid == 0) {
        const struct mm1_system *const items[] = {&test_system};
        struct mm1__linked_systems linked = {.items = items, .count = 1};
        (void)dup2(fds[1], STDERR_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        _exit(mm1__posix_node(path, &linked, &node_options));
    }
    (void)close(fds[1]);
    child->fd = fds[0];
}

/* Reads on until the child has said `text`, or (null) until its end. */
static void child_hear(struct child *child, const char *text)
{
    while (text == NULL || strstr(child->said, text) == NULL) {
        ssize_t got =
            read(child->fd, child->said + child->size, sizeof(child->said) - 1 - child->size);
        cr_assert_geq(got, 0);
        child->size += (size_t)got;
        if (got == 0) {
            cr_assert_null(text, "never said \"%s\", but: %s", text, child->said);
            return;
        }
    }
}

static void child_expect_exit(struct child *child, int code)
{
    int status = 0;
    child_hear(child, NULL);
    cr_assert_eq(waitpid(child->pid, &status, 0), child->pid);
    cr_assert(WIFEXITED(status), "%s", child->said);
    cr_assert_eq(WEXITSTATUS(status), code, "exit %d: %s", WEXITSTATUS(status), child->said);
    (void)close(child->fd);
}

static void child_expect_said(const struct child *child, const char *text)
{
    cr_assert_not_null(strstr(child->said, text), "expected: %s\ngot: %s", text, child->said);
}

static void child_end(struct child *child)
{
    cr_assert_eq(nftw(child->dir, posix_remove, 8, FTW_DEPTH | FTW_PHYS), 0);
}

/* A node that ends by itself. */
static void run_to_end(const char *config, int code, const char *said)
{
    static struct child child;
    child_begin(&child);
    child_start(&child, config);
    child_expect_exit(&child, code);
    child_expect_said(&child, said);
    child_end(&child);
}

/* --- how it ends ---------------------------------------------------------------------------------------------- */

Test(node, ends_with_its_main)
{
    run_to_end("{\"name\": \"a\", \"system\": \"test\", \"role\": \"ender\", \"args\": {\"code\": "
               "0, \"word\": \"hi\"}}",
               0, "level=info node=a actor=/a/ender#1 msg=\"word hi\"");
    run_to_end(
        "{\"name\": \"a\", \"system\": \"test\", \"role\": \"ender\", \"args\": {\"code\": 7}}", 4,
        "mm1: node a: its main failed: error 7: as told\n");
    run_to_end(
        "{\"name\": \"a\", \"system\": \"test\", \"role\": \"ender\", \"args\": {\"code\": 99}}", 4,
        "mm1: node a: its main failed: init_failed");
}

static void end_by_signal(const char *role, int first, int second, int code, const char *said)
{
    static struct child child;
    char config[256];
    (void)snprintf(config, sizeof(config),
                   "{\"name\": \"a\", \"system\": \"test\", \"role\": \"%s\", \"runtime\": "
                   "{\"default\": {\"worker_threads\": 2}}, "
                   "\"inbound\": [{\"addr\": \"uds://%%s/sock\"}], \"store\": \"%%s/store\"}",
                   role);
    child_begin(&child);
    child_start(&child, config);
    child_hear(&child, "msg=\"up\"");
    child_hear(&child, "listening on uds://");
    cr_assert_eq(kill(child.pid, first), 0);
    if (second != 0) {
        child_hear(&child, "shutting down");
        cr_assert_eq(kill(child.pid, second), 0);
    }
    child_expect_exit(&child, code);
    child_expect_said(&child, said);
    char path[96];
    (void)snprintf(path, sizeof(path), "%s/sock", child.dir);
    cr_assert(access(path, F_OK) != 0, "the socket's file is gone");
    child_end(&child);
}

Test(node, shuts_down_on_sigterm)
{
    end_by_signal("waiter", SIGTERM, 0, 143, "msg=\"asked to end: kind 1\"");
}

Test(node, shuts_down_on_sigint)
{
    end_by_signal("waiter", SIGINT, 0, 130, "mm1: node a: SIGINT: shutting down\n");
}

Test(node, a_second_signal_does_not_wait)
{
    end_by_signal("stubborn", SIGTERM, SIGINT, 143, "mm1: node a: its main did not shut down\n");
}

/* --- the end of the others: SHUT-01 ------------------------------------------------------------------------------ */

#define NODE(role, rest) "{\"name\": \"a\", \"system\": \"test\", \"role\": \"" role "\"" rest "}"

static uint64_t now_ms(void)
{
    struct timespec now;
    cr_assert_eq(clock_gettime(CLOCK_MONOTONIC, &now), 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

Test(node, refuses_spawns_while_it_shuts_down)
{
    run_to_end(NODE("of_late", ""), 0, "/a/of_late#1/late#1 msg=\"spawn: resource constraint\"");
}

Test(node, asks_all_others_to_shut_down)
{
    uint64_t begin_ms = now_ms();
    run_to_end(NODE("of_waiter", ""), 0, "/a/of_waiter#1/waiter#1 msg=\"asked to end: kind 1\"");
    cr_assert_lt(now_ms() - begin_ms, 4000, "all were gone: no step waited to its end");
}

Test(node, kills_those_that_do_not_end)
{
    uint64_t begin_ms = now_ms();
    node_options = (struct mm1__node_options){.grace_ns = 300 * MM1_NS_PER_MS};
    run_to_end(NODE("of_stubborn", ""), 0,
               "actor=/a/of_stubborn#1/stubborn#1 msg=\"actor /a/of_stubborn#1/stubborn#1 failed: "
               "killed\"");
    cr_assert_geq(now_ms() - begin_ms, 300, "it was given its time");
    run_to_end(NODE("ender", ", \"args\": {\"code\": 7}"), 4, "its main failed: error 7: as told");
}

Test(node, gives_up_on_a_turn_that_does_not_end)
{
    static struct child child;
    node_options =
        (struct mm1__node_options){.grace_ns = 200 * MM1_NS_PER_MS, .kill_ns = 100 * MM1_NS_PER_MS};
    child_begin(&child);
    child_start(&child, NODE("of_blocker", ", \"watchdog\": \"50ms\""));
    child_expect_exit(&child, 0);
    child_expect_said(&child, "level=warn node=a actor=/a/of_blocker#1/blocker#1 msg=\"turn of "
                              "/a/of_blocker#1/blocker#1 has run for 50 ms\"");
    child_expect_said(&child, "mm1: node a: 1 actor does not end: still in a turn: "
                              "/a/of_blocker#1/blocker#1\n");
    child_end(&child);
    run_to_end(NODE("of_blocker", ", \"watchdog\": \"0s\""), 0,
               "mm1: node a: 1 actor does not end\n");
}

Test(node, gives_up_after_a_signal_too)
{
    static struct child child;
    node_options =
        (struct mm1__node_options){.grace_ns = 200 * MM1_NS_PER_MS, .kill_ns = 100 * MM1_NS_PER_MS};
    child_begin(&child);
    child_start(&child, NODE("stubborn", ""));
    child_hear(&child, "msg=\"up\"");
    cr_assert_eq(kill(child.pid, SIGTERM), 0);
    child_expect_exit(&child, 143);
    child_expect_said(&child, "mm1: node a: its main did not shut down within 200 ms\n");
    child_expect_said(&child, "actor /a/stubborn#1 failed: killed");
    child_end(&child);
}

/* --- links ----------------------------------------------------------------------------------------------------- */

static void start_linked(struct child *child, const char *name, const char *auto_net,
                         const char *link, const char *dir, const char *authc)
{
    char config[512];
    (void)snprintf(config, sizeof(config),
                   "{\"name\": \"%s\", \"system\": \"test\", \"role\": \"waiter\", "
                   "\"local_subnets\": [{\"net\": \"%s\", \"kind\": \"auto\"}], "
                   "\"%s\": [{\"addr\": \"uds://%s/sock\", \"authc\": %s}]}",
                   name, auto_net, link, dir, authc);
    child_start(child, config);
}

static void stop(struct child *child)
{
    cr_assert_eq(kill(child->pid, SIGTERM), 0);
    child_expect_exit(child, 143);
    child_end(child);
}

Test(node, links_with_whom_has_its_cookie)
{
    static struct child server;
    static struct child friend;
    static struct child stranger;
    child_begin(&server);
    child_begin(&friend);
    child_begin(&stranger);
    start_linked(&server, "server", "<a0:>/16", "inbound", server.dir, "{\"cookie\": \"x\"}");
    start_linked(&stranger, "stranger", "<b0:>/16", "outbound", server.dir, "\"trusted\"");
    child_hear(&stranger, "level=warn");
    start_linked(&friend, "friend", "<c0:>/16", "outbound", server.dir, "{\"cookie\": \"x\"}");
    child_hear(&friend, "is up");
    stop(&friend);
    stop(&stranger);
    cr_assert_null(strstr(stranger.said, "is up"), "%s", stranger.said);
    stop(&server);
}

/* --- what it says ---------------------------------------------------------------------------------------------- */

static void run_and_keep(struct child *child, const char *config)
{
    child_begin(child);
    child_start(child, config);
    child_expect_exit(child, 0);
    child_end(child);
}

static void expect_not_said(const struct child *child, const char *text)
{
    cr_assert_null(strstr(child->said, text), "not expected: %s\ngot: %s", text, child->said);
}

Test(node, watches_long_turns)
{
    static struct child child;
    run_and_keep(&child, NODE("sleeper", ", \"watchdog\": \"100ms\""));
    child_expect_said(&child, "level=warn node=a actor=/a/sleeper#1 msg=\"turn of /a/sleeper#1 has "
                              "run for 100 ms\"");
    child_expect_said(&child, "msg=\"turn of /a/sleeper#1 has ended after ");
    char *first = strstr(child.said, "has run for");
    cr_assert_null(strstr(first + 1, "has run for"), "once: %s", child.said);
    run_and_keep(&child, NODE("sleeper", ""));
    expect_not_said(&child, "turn of");
}

Test(node, starts_the_name_service_before_main)
{
    static struct child child;
    run_and_keep(&child, NODE("quitter", ""));
    child_expect_said(&child, "actor=/a/quitter#1 msg=\"names are served\"");
}

Test(node, runs_actors_where_their_settings_say)
{
    static struct child child;
    run_and_keep(&child, NODE("quitter", ", \"runtime\": {\"io\": {\"worker_threads\": 1}, "
                                         "\"bg\": {\"worker_threads\": 2}}, \"actor\": "
                                         "{\"/\": {\"quitter\": {\"runtime\": \"bg\"}}}"));
    child_expect_said(&child, "msg=\"on thread bg\"");
    run_and_keep(&child, NODE("quitter", ", \"runtime\": {\"bg\": {\"worker_threads\": 1}}"));
    child_expect_said(&child, "msg=\"on thread mm1-worker\"");
}

Test(node, logs_what_level_and_filter_let_through)
{
    static const char filtered[] =
        NODE("quitter", ", \"logging\": {\"min_log_level\": \"debug\", \"log_target_filter\": "
                        "[\"quitter=INFO\"]}");
    static struct child child;
    run_and_keep(&child, NODE("quitter", ", \"logging\": {\"min_log_level\": \"debug\"}"));
    child_expect_said(&child, "msg=\"in detail\"");
    expect_not_said(&child, "level=trace");
    run_and_keep(&child, filtered);
    expect_not_said(&child, "in detail");
    child_expect_said(&child, "msg=\"on thread ");
    run_and_keep(&child, NODE("quitter", ", \"logging\": {\"min_log_level\": \"Trace\"}"));
    child_expect_said(&child, "level=trace node=a actor=/a/quitter#1 event=start");
    /* The command line's come first. */
    const struct mm1_text filters[] = {MM1_TEXT("other=error"), MM1_TEXT("*=warn")};
    node_options = (struct mm1__node_options){.log_filter = filters, .log_filter_count = 1};
    run_and_keep(&child, filtered);
    child_expect_said(&child, "msg=\"in detail\"");
    node_options.log_filter_count = 2;
    run_and_keep(&child, filtered);
    expect_not_said(&child, "actor=/a/quitter#1");
    node_options = (struct mm1__node_options){.has_log_level = true, .log_level = MM1_LOG_ERROR};
    run_and_keep(&child, filtered);
    expect_not_said(&child, "actor=/a/quitter#1");
}

Test(node, taps_messages_where_settings_say)
{
    static struct child child;
    run_and_keep(&child,
                 NODE("quitter", ", \"logging\": {\"min_log_level\": \"debug\"}, \"actor\": "
                                 "{\"/\": {\"quitter\": {\"message_tap\": \"log\"}}}"));
    child_expect_said(&child, "level=debug node=a actor=/a/quitter#1 msg=\"sent test::Go to <");
    child_expect_said(&child, "level=debug node=a actor=/a/quitter#1 msg=\"received test::Go at <");
    run_and_keep(&child, NODE("quitter", ", \"logging\": {\"min_log_level\": \"debug\"}"));
    expect_not_said(&child, "test::Go");
}

Test(node, tells_failures_unless_they_are_dropped)
{
    static struct child child;
    child_begin(&child);
    child_start(&child, NODE("ender", ", \"args\": {\"code\": 7}"));
    child_expect_exit(&child, 4);
    child_expect_said(&child, "level=error node=a actor=/a/ender#1 msg=\"actor /a/ender#1 failed: "
                              "error 7: as told\"");
    child_end(&child);
    child_begin(&child);
    child_start(&child, NODE("ender", ", \"args\": {\"code\": 7}, \"failures\": \"drop\""));
    child_expect_exit(&child, 4);
    expect_not_said(&child, "msg=\"actor ");
    child_expect_said(&child, "mm1: node a: its main failed: error 7: as told\n");
    child_end(&child);
}

/* --- its surroundings ------------------------------------------------------------------------------------------ */

Test(node, says_that_a_port_is_in_use)
{
    char config[256];
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (const struct sockaddr *)&address, size) == 0 &&
              listen(fd, 1) == 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    (void)snprintf(config, sizeof(config),
                   "{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", "
                   "\"inbound\": [{\"addr\": \"tcp://127.0.0.1:%u\"}]}",
                   (unsigned)ntohs(address.sin_port));
    run_to_end(config, 3, "Address already in use");
    run_to_end(config, 3, "mm1: node a: cannot listen on tcp://127.0.0.1:");
    (void)close(fd);
}

Test(node, says_that_its_store_cannot_be_used)
{
    run_to_end(
        "{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"store\": \"/dev/null/x\"}",
        3, "mm1: node a: store directory /dev/null/x: Not a directory\n");
    static struct child first;
    static struct child second;
    char config[256];
    child_begin(&first);
    child_begin(&second);
    child_start(
        &first,
        "{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"store\": \"%s/store\"}");
    child_hear(&first, "msg=\"up\"");
    (void)snprintf(
        config, sizeof(config),
        "{\"name\": \"b\", \"system\": \"test\", \"role\": \"waiter\", \"store\": \"%s/store\"}",
        first.dir);
    child_start(&second, config);
    child_expect_exit(&second, 3);
    child_expect_said(&second, "in use by another process");
    cr_assert_eq(kill(first.pid, SIGTERM), 0);
    child_expect_exit(&first, 143);
    child_end(&first);
    child_end(&second);
}

/* --- bad configurations ---------------------------------------------------------------------------------------- */

/* Each key is wrong in test_config.c; here is what becomes of it. */
Test(node, says_all_that_is_wrong)
{
    static struct child child;
    child_begin(&child);
    child_start(&child, "{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\",\n"
                        "\"actor\": {\"runtime\": \"x\", \"message_tap\": \"y\"},\n"
                        "\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"bind\"}]}");
    child_expect_exit(&child, 2);
    child_expect_said(&child, "node.json:2:22: /actor/runtime: expected the name of a runtime");
    child_expect_said(&child, "mm1: warning: ");
    child_expect_said(&child, "node.json:2:42: /actor/message_tap: ");
    child_expect_said(&child, "node.json:3:18: /local_subnets: expected one subnet of kind");
    child_end(&child);
}

Test(node, refuses_what_is_no_file)
{
    cr_assert_eq(mm1__posix_node("/nowhere/node.json", NULL, NULL), 2);
    cr_assert_eq(mm1__posix_node("/tmp", NULL, NULL), 2);
}
