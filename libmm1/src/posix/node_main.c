/* Runs one real node. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "posix/node_config.h"
#include "posix/node_main.h"
#include "posix/os_error.h"
#include "posix/world.h"

#define EXIT_BAD_INPUT 2
#define EXIT_ENVIRONMENT 3
#define EXIT_MAIN_FAILED 4
#define EXIT_BY_SIGNAL 128 /* and the signal's number */
#define SHUTDOWN_NS (5 * MM1_NS_PER_SEC)

/* A node while it runs. */
struct run {
    const struct mm1__node_file *file;
    struct mm1_posix *posix;
    struct mm1_node *node;
    mm1_addr main;
    int signal_fd;
    struct mm1_multinode_config multinode; /* borrows from the file */
    struct mm1_reason multinode_reason;    /* set before the flag */
    int multinode_failed;                  /* atomic */
};

/* --- the guard: starts the multi-node manager, and ends the run when that fails --------------------------------- */

struct guard {
    struct run *run;
};

static mm1_status guard_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct guard *guard = state;
    mm1_addr manager;
    *guard = *(const struct guard *)arg;
    mm1_trap_exit(ctx, true);
    return mm1_spawn(ctx,
                     &(struct mm1_spawn){.behaviour = &mm1_multinode_manager,
                                         .name = "multinode",
                                         .arg_type = &mm1_multinode_config_type,
                                         .arg = &guard->run->multinode,
                                         .link = true},
                     &manager);
}

static mm1_status guard_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct run *run = ((struct guard *)state)->run;
    MM1_ON(envelope, mm1_exited, exited) {
        run->multinode_reason = mm1_reason_of_why(&exited->why);
        __atomic_store_n(&run->multinode_failed, 1, __ATOMIC_SEQ_CST);
        mm1_posix_stop(run->posix);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour guard_behaviour = {
    .name = "guard",
    .state_size = sizeof(struct guard),
    .init = guard_init,
    .receive = guard_receive,
};

static mm1_status boot(struct run *run)
{
    const struct mm1__node_file *file = run->file;
    struct mm1_node_config config = {
        .name = file->name,
        .locals = file->nets + 1,
        .local_count = file->net_count - 1,
        .auto_net = file->nets[0],
        .types = &file->types,
    };
    MM1_TRY(mm1_node_open(mm1_posix_env(run->posix), &config, &run->node));
    run->multinode = (struct mm1_multinode_config){
        .locals = {.items = file->nets, .count = file->net_count},
        .inbound = {.items = file->inbound, .count = file->inbound_count},
        .outbound = {.items = file->outbound, .count = file->outbound_count},
    };
    if (file->inbound_count + file->outbound_count > 0) {
        struct guard guard = {.run = run};
        struct mm1_spawn spawn = {
            .behaviour = &guard_behaviour, .arg = &guard, .arg_size = sizeof(guard)};
        mm1_addr address;
        MM1_TRY(mm1_node_spawn(run->node, &spawn, &address));
    }
    /* The last, so that the node answers for its end. */
    struct mm1_spawn spawn = {.behaviour = file->role->main,
                              .name = file->role->name,
                              .arg_type = file->role->arg_type,
                              .arg = file->args};
    return mm1_node_spawn(run->node, &spawn, &run->main);
}

/* --- how it ends ---------------------------------------------------------------------------------------------- */

static int report(const struct run *run, const char *what, const struct mm1_reason *reason,
                  int code)
{
    struct mm1_buf text = MM1_BUF(mm1_posix_alloc());
    const char *why = "";
    if (mm1_reason_print(reason, &text) == MM1_OK && mm1_buf_terminate(&text) == MM1_OK) {
        why = (const char *)text.data;
    }
    fprintf(stderr, "mm1: node %s: %s: %s\n", run->file->name.data, what, why);
    mm1_buf_close(&text);
    return code;
}

static int main_ended(const struct run *run, const struct mm1_reason *reason)
{
    if (reason->kind == MM1_REASON_NORMAL || reason->kind == MM1_REASON_SHUTDOWN ||
        reason->kind == MM1_REASON_SHUTDOWN_TEXT) {
        return 0;
    }
    return report(run, "its main failed", reason, EXIT_MAIN_FAILED);
}

static int end_by_signal(struct run *run)
{
    struct signalfd_siginfo info = {0};
    struct mm1_reason reason;
    ssize_t got = read(run->signal_fd, &info, sizeof(info));
    MM1_CHECK(got == (ssize_t)sizeof(info));
    int number = (int)info.ssi_signo;
    const char *name = number == SIGINT ? "SIGINT" : "SIGTERM";
    fprintf(stderr, "mm1: node %s: %s: shutting down\n", run->file->name.data, name);
    (void)mm1_node_exit(run->node, run->main, MM1_SHUTDOWN);
    enum mm1__posix_event event = MM1__POSIX_STOPPED;
    while (event == MM1__POSIX_STOPPED) { /* links may fail now: it ends anyway */
        event = mm1__posix_wait(run->posix, run->node, &reason, run->signal_fd, SHUTDOWN_NS);
    }
    if (event != MM1__POSIX_MAIN_ENDED) {
        fprintf(stderr, "mm1: node %s: its main did not shut down%s\n", run->file->name.data,
                event == MM1__POSIX_TIMED_OUT ? " within 5 seconds" : "");
    }
    return EXIT_BY_SIGNAL + number;
}

static int wait_for_end(struct run *run)
{
    struct mm1_reason reason;
    switch (mm1__posix_wait(run->posix, run->node, &reason, run->signal_fd, UINT64_MAX)) {
    case MM1__POSIX_MAIN_ENDED:
        return main_ended(run, &reason);
    case MM1__POSIX_FD:
        return end_by_signal(run);
    case MM1__POSIX_STOPPED:
    case MM1__POSIX_TIMED_OUT:
        break;
    }
    MM1_CHECK(__atomic_load_n(&run->multinode_failed, __ATOMIC_SEQ_CST) != 0);
    const struct mm1_reason *why = &run->multinode_reason;
    if (why->kind != MM1_REASON_ERROR) {
        return report(run, "its links to other nodes failed", why, EXIT_ENVIRONMENT);
    }
    fprintf(stderr, "mm1: node %s: %s: %s\n", run->file->name.data, why->text,
            mm1_status_text((mm1_status)why->code));
    return EXIT_ENVIRONMENT;
}

static int run_node(struct run *run)
{
    char error[MM1_POSIX_ERROR_MAX];
    mm1_status status = mm1_posix_open(&run->file->options, &run->posix, error);
    if (status != MM1_OK) {
        fprintf(stderr, "mm1: node %s: %s\n", run->file->name.data, error);
        return EXIT_ENVIRONMENT;
    }
    int code = EXIT_ENVIRONMENT;
    status = boot(run);
    if (status == MM1_OK) {
        code = wait_for_end(run);
    } else {
        fprintf(stderr, "mm1: node %s: it cannot be started: %s\n", run->file->name.data,
                mm1_status_text(status));
    }
    mm1_posix_close(run->posix, run->node);
    return code;
}

int mm1__posix_node(const char *config_path, const struct mm1__linked_systems *linked)
{
    struct mm1_diag diag;
    struct mm1__node_file *file = mm1_take(mm1_posix_alloc(), sizeof(*file));
    if (file == NULL) {
        fprintf(stderr, "mm1: out of memory\n");
        return EXIT_ENVIRONMENT;
    }
    mm1_status status = mm1__node_file_read(config_path, linked, file, &diag);
    if (status != MM1_OK) {
        char line[MM1_DIAG_LINE_MAX];
        (void)mm1__diag_print(&diag, line);
        fprintf(stderr, "mm1: %s\n", line);
        mm1_give(mm1_posix_alloc(), file, sizeof(*file));
        return status == MM1_NOMEM ? EXIT_ENVIRONMENT : EXIT_BAD_INPUT;
    }
    /* Held back from here on and read as data: no handler, no state that a handler would share. */
    sigset_t signals;
    sigset_t before;
    MM1_CHECK(sigemptyset(&signals) == 0 && sigaddset(&signals, SIGINT) == 0 &&
              sigaddset(&signals, SIGTERM) == 0);
    MM1_CHECK(pthread_sigmask(SIG_BLOCK, &signals, &before) == 0);
    struct run run = {.file = file,
                      .signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
    int code = EXIT_ENVIRONMENT;
    if (run.signal_fd < 0) {
        char why[MM1__OS_TEXT_MAX];
        mm1__os_text(errno, why);
        fprintf(stderr, "mm1: signalfd: %s\n", why);
    } else {
        code = run_node(&run);
        /* A signal that came later has been answered too: left pending, it would end the process below. */
        struct signalfd_siginfo info;
        while (read(run.signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        }
        (void)close(run.signal_fd);
    }
    mm1__node_file_close(file);
    mm1_give(mm1_posix_alloc(), file, sizeof(*file));
    MM1_CHECK(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return code;
}
