/* The process of Erlang/OTP: its start, the two pipes, its end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/sup_otp.h"
#include "otp_oracle.h"

#define TICK_MS 100
/* How long it may neither take nor say anything; longer than the oracle waits for a case. */
#define SILENT_MS 120000
/* How long it may take to end when it was told to. */
#define END_MS 3000
#define CHUNK 65536u

/* Reads the oracle, form by form, from the standard input, up to the mark that is written behind it, and runs it: no
 * file is left anywhere, and what comes after the mark are cases. */
static const char load[] =
    "Read = fun Read(Forms) ->"
    "    case io:parse_erl_form(standard_io, '') of"
    "        {ok, {attribute, _, end_of_program, _}, _} -> lists:reverse(Forms);"
    "        {ok, Form, _} -> Read([Form | Forms])"
    "    end "
    "end,"
    "{ok, Name, Code} = compile:forms(Read([]), []),"
    "{module, Name} = code:load_binary(Name, \"oracle.erl\", Code),"
    "Name:main(init:get_plain_arguments()).";
static const char mark[] = "-end_of_program(true).\n";

static mm1_status broke(struct sup_otp *otp, mm1_status status, const char *what)
{
    (void)snprintf(otp->error, sizeof(otp->error), "%s", what);
    return status;
}

/* --- start ---------------------------------------------------------------------------------------------------- */

/* A process group of its own: a Ctrl-C is for the command, which then ends it. */
static int spawn(struct sup_otp *otp, int in, int out, char *const *arguments)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t usual;
    (void)sigemptyset(&usual);
    (void)sigaddset(&usual, SIGPIPE);
    (void)sigaddset(&usual, SIGXFSZ);
    (void)sigaddset(&usual, SIGINT);
    (void)sigaddset(&usual, SIGTERM);
    if (posix_spawn_file_actions_init(&files) != 0) {
        return ENOMEM;
    }
    if (posix_spawnattr_init(&how) != 0) {
        (void)posix_spawn_file_actions_destroy(&files);
        return ENOMEM;
    }
    int failed = posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    failed = failed != 0 ? failed : posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    failed = failed != 0 ? failed : posix_spawnattr_setsigdefault(&how, &usual);
    failed = failed != 0
                 ? failed
                 : posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
    failed = failed != 0 ? failed
                         : posix_spawnp(&otp->pid, arguments[0], &files, &how, arguments, environ);
    (void)posix_spawnattr_destroy(&how);
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}

static mm1_status start(struct sup_otp *otp, unsigned jobs)
{
    char at_a_time[16];
    char code[sizeof(load)];
    /* Its own words come on standard error as they are; what it would dump when it dies, nobody asked for. */
    char *arguments[] = {
        "erl", "-noshell", "-boot", "no_dot_erlang", "-env",    "ERL_CRASH_DUMP_BYTES",
        "0",   "-eval",    code,    "-extra",        at_a_time, NULL};
    int in[2];
    int out[2];
    memcpy(code, load, sizeof(load));
    (void)snprintf(at_a_time, sizeof(at_a_time), "%u", jobs);
    if (pipe2(in, O_CLOEXEC) != 0) {
        return broke(otp, MM1_IO, "no pipe to Erlang");
    }
    otp->to = in[1];
    if (pipe2(out, O_CLOEXEC) != 0) {
        (void)close(in[0]);
        return broke(otp, MM1_IO, "no pipe from Erlang");
    }
    otp->from = out[0];
    int failed = spawn(otp, in[0], out[1], arguments);
    (void)close(in[0]);
    (void)close(out[1]);
    if (failed != 0) {
        otp->pid = 0;
        (void)snprintf(otp->error, sizeof(otp->error), "Erlang cannot be started: erl: %s",
                       strerror(failed));
        return failed == ENOENT
                   ? broke(otp, MM1_NOT_FOUND,
                           "Erlang is not installed: no program erl is in PATH; on Debian it is "
                           "in the package erlang-base")
                   : MM1_IO;
    }
    if (fcntl(otp->to, F_SETFL, O_NONBLOCK) != 0 || fcntl(otp->from, F_SETFL, O_NONBLOCK) != 0) {
        return broke(otp, MM1_IO, "the pipes of Erlang cannot be made not to wait");
    }
    return MM1_OK;
}

/* --- talk ----------------------------------------------------------------------------------------------------- */

/* Waits until the file can be used. */
static mm1_status await(struct sup_otp *otp, int fd, short events)
{
    struct pollfd file = {.fd = fd, .events = events};
    for (unsigned ms = 0; ms < SILENT_MS; ms += TICK_MS) {
        if (*otp->stop != 0) {
            return broke(otp, MM1_CLOSED, "stopped");
        }
        int ready = poll(&file, 1, TICK_MS);
        if (ready > 0) {
            return MM1_OK;
        }
        if (ready < 0 && errno != EINTR) {
            return broke(otp, MM1_IO, strerror(errno));
        }
    }
    return broke(otp, MM1_TIMEOUT, "Erlang does not answer");
}

static mm1_status send(struct sup_otp *otp, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t went = write(otp->to, data, size);
        if (went >= 0) {
            data += went;
            size -= (size_t)went;
        } else if (errno == EAGAIN) {
            MM1_TRY(await(otp, otp->to, POLLOUT));
        } else if (errno == EPIPE) {
            return broke(otp, MM1_IO, "Erlang has ended before it was told to");
        } else if (errno != EINTR) {
            return broke(otp, MM1_IO, strerror(errno));
        }
    }
    return MM1_OK;
}

static bool ends_with(const struct mm1_buf *buf, size_t from, const char *line)
{
    size_t size = strlen(line);
    if (buf->size - from < size || memcmp(buf->data + buf->size - size, line, size) != 0) {
        return false;
    }
    return buf->size - from == size || buf->data[buf->size - size - 1] == '\n';
}

/* Appends what it says up to a line that it says nothing after. Null: any line. */
static mm1_status receive(struct sup_otp *otp, struct mm1_buf *out, const char *last)
{
    size_t from = out->size;
    while (last == NULL ? out->size == from || out->data[out->size - 1] != '\n'
                        : !ends_with(out, from, last)) {
        char chunk[CHUNK];
        ssize_t got = read(otp->from, chunk, sizeof(chunk));
        if (got > 0) {
            if (mm1_buf_append(out, chunk, (size_t)got) != MM1_OK) {
                return broke(otp, MM1_NOMEM, mm1_status_text(MM1_NOMEM));
            }
        } else if (got == 0) {
            return broke(otp, MM1_IO, "Erlang has ended before it was told to");
        } else if (errno == EAGAIN) {
            MM1_TRY(await(otp, otp->from, POLLIN));
        } else if (errno != EINTR) {
            return broke(otp, MM1_IO, strerror(errno));
        }
    }
    return MM1_OK;
}

static mm1_status greet(struct sup_otp *otp, struct mm1_buf *line)
{
    static const char question[] = "release\n";
    MM1_TRY(send(otp, otp_oracle, strlen(otp_oracle)));
    MM1_TRY(send(otp, mark, sizeof(mark) - 1));
    MM1_TRY(send(otp, question, sizeof(question) - 1));
    MM1_TRY(receive(otp, line, NULL));
    if (mm1_buf_terminate(line) != MM1_OK) {
        return broke(otp, MM1_NOMEM, mm1_status_text(MM1_NOMEM));
    }
    if (sscanf((const char *)line->data, "release %15[0-9]", otp->release) != 1) {
        return broke(otp, MM1_IO, "Erlang does not say which release it is");
    }
    return MM1_OK;
}

mm1_status sup_otp_open(struct sup_otp *otp, struct mm1_alloc *alloc, unsigned jobs,
                        const volatile sig_atomic_t *stop)
{
    struct mm1_buf line = MM1_BUF(alloc);
    *otp = (struct sup_otp){.to = -1, .from = -1, .stop = stop};
    mm1_status status = start(otp, jobs);
    if (status == MM1_OK) {
        status = greet(otp, &line);
    }
    mm1_buf_close(&line);
    return status;
}

mm1_status sup_otp_ask(struct sup_otp *otp, struct mm1_text cases)
{
    static const char run[] = "run\n";
    MM1_TRY(send(otp, cases.data, cases.size));
    return send(otp, run, sizeof(run) - 1);
}

mm1_status sup_otp_answers(struct sup_otp *otp, struct mm1_buf *out)
{
    static const char done[] = "done\n";
    MM1_TRY(receive(otp, out, done));
    out->size -= sizeof(done) - 1;
    return MM1_OK;
}

/* --- end ------------------------------------------------------------------------------------------------------ */

void sup_otp_close(struct sup_otp *otp)
{
    int wait_status;
    if (otp->to >= 0) {
        (void)close(otp->to);
    }
    /* The end of its input is its end, unless it is in the middle of something. */
    unsigned left_ms = otp->error[0] == '\0' ? END_MS : 0;
    while (otp->pid != 0 && waitpid(otp->pid, &wait_status, WNOHANG) == 0) {
        if (left_ms == 0) {
            (void)kill(-otp->pid, SIGKILL);
            (void)waitpid(otp->pid, &wait_status, 0);
            break;
        }
        (void)poll(NULL, 0, 10);
        left_ms -= left_ms < 10 ? left_ms : 10;
    }
    if (otp->from >= 0) {
        (void)close(otp->from);
    }
    otp->to = -1;
    otp->from = -1;
    otp->pid = 0;
}
