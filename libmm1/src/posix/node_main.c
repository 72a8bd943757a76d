/* Runs one real node. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "posix/node_config.h"
#include "posix/node_init.h"
#include "posix/node_main.h"
#include "posix/node_report.h"
#include "posix/os_error.h"
#include "posix/world.h"

#define EXIT_BAD_INPUT 2
#define EXIT_ENVIRONMENT 3
#define EXIT_MAIN_FAILED 4
#define EXIT_BY_SIGNAL 128 /* and the signal's number */
#define GRACE_NS (5 * MM1_NS_PER_SEC)
#define KILL_NS MM1_NS_PER_SEC
#define BOOT_NS (10 * MM1_NS_PER_SEC) /* its steps have limits of their own */

/* A node while it runs. */
struct run {
    const struct mm1__node_file *file;
    struct mm1_posix *posix;
    struct mm1_node *node;
    mm1_addr main;
    int signal_fd;
    uint64_t grace_ns;
    uint64_t kill_ns;
    struct mm1_multinode_config multinode; /* borrows from the file */
    struct mm1__node_init init;
    struct mm1__node_report report;
    struct mm1_tap *taps[1];
};

static MM1_PRINTF(2, 3) void say(const struct run *run, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "mm1: node %s: %s\n", run->file->name.data, text);
}

/* --- how it begins -------------------------------------------------------------------------------------------- */

static mm1_status open_node(struct run *run)
{
    const struct mm1__node_file *file = run->file;
    mm1__node_report_init(&run->report, mm1_posix_env(run->posix)->trace);
    run->taps[0] = &run->report.tap;
    const struct mm1_node_config config = {
        .name = file->name,
        .locals = file->nets + 1,
        .local_count = file->net_count - 1,
        .auto_net = file->nets[0],
        .types = &file->types,
        .settings = file->settings,
        .taps = run->taps,
        .tap_count = MM1_COUNT_OF(run->taps),
        .failures = file->drop_failures ? NULL : &run->report.failures,
        .metrics = file->metrics.size != 0,
    };
    return mm1_node_open(mm1_posix_env(run->posix), &config, &run->node);
}

static mm1_status start_init(struct run *run)
{
    const struct mm1__node_file *file = run->file;
    struct mm1__node_init *init = &run->init;
    bool has_links = file->inbound_count + file->outbound_count > 0;
    run->multinode = (struct mm1_multinode_config){
        .locals = {.items = file->nets, .count = file->net_count},
        .inbound = {.items = file->inbound, .count = file->inbound_count},
        .outbound = {.items = file->outbound, .count = file->outbound_count},
        .cookie = {.some = file->cookie.size > 0, .value = file->cookie},
    };
    *init = (struct mm1__node_init){.posix = run->posix,
                                    .multinode = has_links ? &run->multinode : NULL,
                                    .metrics = file->metrics};
    const struct mm1_spawn spawn = {
        .behaviour = &mm1__node_init_behaviour, .arg = &init, .arg_size = sizeof(init)};
    mm1_addr address;
    return mm1_node_spawn(run->node, &spawn, &address);
}

/* Until the node's own actors are there. */
static bool wait_for_init(struct run *run)
{
    struct mm1_reason reason;
    char why[MM1__REASON_LINE_MAX];
    enum mm1__posix_event event = mm1__posix_wait(run->posix, run->node, &reason, -1, BOOT_NS);
    int state = __atomic_load_n(&run->init.state, __ATOMIC_SEQ_CST);
    if (state == MM1__NODE_READY) {
        return true;
    }
    if (state == MM1__NODE_FAILED) {
        say(run, "%s", run->init.failure);
    } else if (event == MM1__POSIX_MAIN_ENDED) {
        say(run, "it cannot be started: %s", mm1__reason_line(&reason, why));
    } else {
        say(run, "it cannot be started: %s", mm1_status_text(MM1_TIMEOUT));
    }
    return false;
}

static bool boot(struct run *run)
{
    mm1_status status = open_node(run);
    if (status == MM1_OK) {
        status = start_init(run);
    }
    if (status == MM1_OK) {
        if (!wait_for_init(run)) {
            return false;
        }
        /* The last, so that the node answers for its end. */
        const struct mm1_role *role = run->file->role;
        const struct mm1_spawn spawn = {.behaviour = role->main,
                                        .name = role->name,
                                        .arg_type = role->arg_type,
                                        .arg = run->file->args};
        status = mm1_node_spawn(run->node, &spawn, &run->main);
    }
    if (status != MM1_OK) {
        say(run, "it cannot be started: %s", mm1_status_text(status));
    }
    return status == MM1_OK;
}

/* --- how it ends ---------------------------------------------------------------------------------------------- */

static int main_ended(const struct run *run, const struct mm1_reason *reason)
{
    char why[MM1__REASON_LINE_MAX];
    if (mm1_reason_is_clean(reason)) {
        return 0;
    }
    say(run, "its main failed: %s", mm1__reason_line(reason, why));
    return EXIT_MAIN_FAILED;
}

/* Asks main to shut down. `*grace_ns`: how long the others are then given. */
static int end_by_signal(struct run *run, uint64_t *grace_ns)
{
    struct signalfd_siginfo info = {0};
    struct mm1_reason reason;
    ssize_t got = read(run->signal_fd, &info, sizeof(info));
    MM1_CHECK(got == (ssize_t)sizeof(info));
    int number = (int)info.ssi_signo;
    say(run, "%s: shutting down", number == SIGINT ? "SIGINT" : "SIGTERM");
    enum mm1__posix_event event = MM1__POSIX_STOPPED;
    mm1_status status = mm1_node_exit(run->node, run->main, MM1_SHUTDOWN);
    if (status != MM1_OK && status != MM1_NOPROC) {
        say(run, "its main cannot be asked to: %s", mm1_status_text(status));
        return EXIT_BY_SIGNAL + number; /* all are asked next, and killed where that fails */
    }
    while (event == MM1__POSIX_STOPPED) { /* links may fail now: it ends anyway */
        event = mm1__posix_wait(run->posix, run->node, &reason, run->signal_fd, run->grace_ns);
    }
    if (event == MM1__POSIX_TIMED_OUT) {
        say(run, "its main did not shut down within %llu ms",
            (unsigned long long)(run->grace_ns / MM1_NS_PER_MS));
        *grace_ns = run->kill_ns;
    } else if (event == MM1__POSIX_FD) {
        say(run, "its main did not shut down");
    }
    return EXIT_BY_SIGNAL + number;
}

static int wait_for_end(struct run *run, uint64_t *grace_ns)
{
    struct mm1_reason reason;
    for (;;) {
        switch (mm1__posix_wait(run->posix, run->node, &reason, run->signal_fd, UINT64_MAX)) {
        case MM1__POSIX_MAIN_ENDED:
            return main_ended(run, &reason);
        case MM1__POSIX_FD:
            return end_by_signal(run, grace_ns);
        case MM1__POSIX_STOPPED:
        case MM1__POSIX_TIMED_OUT:
            break;
        }
        if (__atomic_load_n(&run->init.state, __ATOMIC_SEQ_CST) == MM1__NODE_FAILED) {
            say(run, "%s", run->init.failure);
            return EXIT_ENVIRONMENT;
        }
    }
}

/* Ends all actors (mm1-spec SHUT-01). False: some are left. */
static bool shut_down(struct run *run, uint64_t grace_ns)
{
    char name[MM1_PATH_TEXT_MAX];
    mm1_node_refuse_spawns(run->node);
    mm1_node_exit_all(run->node, MM1_SHUTDOWN);
    if (mm1__posix_wait_gone(run->node, run->signal_fd, grace_ns) == MM1__POSIX_MAIN_ENDED) {
        return true;
    }
    mm1_node_kill_all(run->node);
    if (mm1__posix_wait_gone(run->node, -1, run->kill_ns) == MM1__POSIX_MAIN_ENDED) {
        return true;
    }
    struct mm1_path *path = mm1__posix_sched_running(&run->posix->sched);
    (void)mm1_path_print(path, name);
    size_t left = mm1_node_actors(run->node);
    say(run, "%zu actor%s not end%s%s", left, left == 1 ? " does" : "s do",
        path == NULL ? "" : ": still in a turn: ", path == NULL ? "" : name);
    mm1_path_drop(path);
    return false;
}

static int run_node(struct run *run)
{
    char error[MM1_POSIX_ERROR_MAX];
    uint64_t grace_ns = run->grace_ns;
    mm1_status status = mm1_posix_open(&run->file->options, &run->posix, error);
    if (status != MM1_OK) {
        say(run, "%s", error);
        return EXIT_ENVIRONMENT;
    }
    int code = boot(run) ? wait_for_end(run, &grace_ns) : EXIT_ENVIRONMENT;
    if (run->node != NULL && !shut_down(run, grace_ns)) {
        (void)fflush(NULL);
        _exit(code); /* a worker cannot be joined, and uses all that could be freed */
    }
    mm1_posix_close(run->posix, run->node);
    return code;
}

/* Reads the configuration, and prints what is wrong with it. */
static mm1_status read_config(const char *path, const struct mm1__linked_systems *linked,
                              const struct mm1__node_options *options, struct mm1__node_file *file)
{
    struct mm1__findings *findings = mm1_take(mm1_posix_alloc(), sizeof(*findings));
    if (findings == NULL) {
        fprintf(stderr, "mm1: %s\n", mm1_status_text(MM1_NOMEM));
        return MM1_NOMEM;
    }
    mm1_status status = mm1__node_file_read(path, linked, file, findings);
    mm1__findings_print(findings);
    mm1_give(mm1_posix_alloc(), findings, sizeof(*findings));
    if (status == MM1_OK && options->has_log_level) {
        mm1__node_set_log_level(&file->options, options->log_level);
    }
    if (status == MM1_OK && options->log_filter_count > 0) {
        file->options.log_filter = options->log_filter;
        file->options.log_filter_count = options->log_filter_count;
    }
    return status;
}

int mm1__posix_node(const char *config_path, const struct mm1__linked_systems *linked,
                    const struct mm1__node_options *options)
{
    static const struct mm1__node_options none;
    options = options == NULL ? &none : options;
    struct mm1__node_file *file = mm1_take(mm1_posix_alloc(), sizeof(*file));
    if (file == NULL) {
        fprintf(stderr, "mm1: out of memory\n");
        return EXIT_ENVIRONMENT;
    }
    mm1_status status = read_config(config_path, linked, options, file);
    if (status != MM1_OK) {
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
                      .signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK),
                      .grace_ns = options->grace_ns == 0 ? GRACE_NS : options->grace_ns,
                      .kill_ns = options->kill_ns == 0 ? KILL_NS : options->kill_ns};
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
