/* `mm1 node`: configurations good and bad, how a node ends, and what it says. Each node is a child process. */
#define _GNU_SOURCE
#include <fcntl.h>
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

static const struct mm1_msg_type *const types[] = {&node_arg_type, &node_go_type};
static const struct mm1_role roles[] = {
    {.name = "ender", .about = "ends as told", .main = &ender, .arg_type = &node_arg_type},
    {.name = "waiter", .about = "waits", .main = &waiter},
    {.name = "stubborn", .about = "never ends", .main = &stubborn},
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
        _exit(mm1__posix_node(path, &linked));
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
                   "{\"name\": \"a\", \"system\": \"test\", \"role\": \"%s\", \"threads\": 2, "
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

static const struct {
    const char *config;
    const char *said;
} bad_configs[] = {
    {"", "node.json"},
    {"[]", "node.json:1:1"},
    {"{\"name\": \"a\", \"system\": \"test\"}", "role"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"thread\": 2}", "threads"},
    {"{\"name\": \"a\", \"name\": \"b\", \"system\": \"test\", \"role\": \"waiter\"}", "name"},
    {"{\"name\": \"a/b\", \"system\": \"test\", \"role\": \"waiter\"}", "/name"},
    {"{\"name\": \"a\", \"system\": \"none\", \"role\": \"waiter\"}", "none"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waitr\"}", "waiter"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"args\": {}}",
     "takes no args"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"ender\"}", "args"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"ender\", \"args\": {\"code\": -1}}",
     "/args/code"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"threads\": 0}", "/threads"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"log_level\": \"loud\"}",
     "/log_level"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"store\": \"\"}", "/store"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"inbound\": [{\"addr\": "
     "\"tcp://host:1\"}]}",
     "/inbound/0/addr"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"outbound\": [{\"addr\": "
     "\"tcp://127.0.0.1:0\"}]}",
     "/outbound/0/addr"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"inbound\": [{}]}", "addr"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", \"local_subnets\": []}",
     "/local_subnets"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", "
     "\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"bind\"}]}",
     "auto"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", "
     "\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"auto\"}, {\"net\": \"<aa:>/16\", "
     "\"kind\": \"bind\"}]}",
     "overlaps"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\", "
     "\"local_subnets\": [{\"net\": \"<aa:>/60\", \"kind\": \"auto\"}]}",
     "/local_subnets/0/net"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"waiter\"} x", "node.json:1:"},
};

Test(node, refuses_bad_configurations)
{
    for (size_t i = 0; i < MM1_COUNT_OF(bad_configs); i++) {
        static struct child child;
        child_begin(&child);
        child_start(&child, bad_configs[i].config);
        child_expect_exit(&child, 2);
        child_expect_said(&child, bad_configs[i].said);
        cr_assert(strncmp(child.said, "mm1: ", 5) == 0, "%s", child.said);
        cr_assert_eq(strchr(child.said, '\n'), child.said + child.size - 1, "one line: %s",
                     child.said);
        child_end(&child);
    }
}

Test(node, refuses_what_is_no_file)
{
    cr_assert_eq(mm1__posix_node("/nowhere/node.json", NULL), 2);
    cr_assert_eq(mm1__posix_node("/tmp", NULL), 2);
}
