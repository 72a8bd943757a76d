/* One run in a process of its own, and what is left of a process that died. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz/sup_alone.h"
#include "sim/symbol.h"

#define WORDS_MAX 2000
#define TICK_MS 50

struct sup_alone_shared {
    struct sim_crash crash;
    volatile uint64_t progress;
    mm1_status status;
    volatile bool done;
    struct sup_run run;
};

/* --- processes ------------------------------------------------------------------------------------------------ */

int sup_child_words(void)
{
    return memfd_create("mm1-err", MFD_CLOEXEC);
}

bool sup_child_begin(int words, struct sim_crash *crash,
                     const struct mm1_runnable *const volatile *whose_turn)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A Ctrl-C reaches the whole group of the terminal; what becomes of children is for the parent to say. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    return dup2(words, STDOUT_FILENO) == STDOUT_FILENO &&
           dup2(words, STDERR_FILENO) == STDERR_FILENO && sim_crash_watch(crash, whose_turn);
}

/* The line of a sanitizer, else the last line that was said; a number of a process in front of it is left out. */
static void add_last_words(int words, struct sup_run *out)
{
    char text[WORDS_MAX + 1];
    struct stat file;
    if (fstat(words, &file) != 0 || file.st_size == 0) {
        return;
    }
    off_t from = 0;
    ssize_t got = pread(words, text, WORDS_MAX, from);
    if (got <= 0) {
        return;
    }
    text[got] = '\0';
    const char *mark = strstr(text, "ERROR: ");
    mark = mark == NULL ? strstr(text, "runtime error: ") : mark;
    mark = mark == NULL ? text : mark;
    size_t used = strlen(out->text);
    (void)snprintf(out->text + used, sizeof(out->text) - used, "; its words: %.*s",
                   (int)strcspn(mark, "\n"), mark);
}

static void name_end(int wait_status, int signal_number, char out[32])
{
    signal_number =
        signal_number == 0 && WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : signal_number;
    if (signal_number != 0) {
        const char *name = sigabbrev_np(signal_number);
        (void)snprintf(out, 32, "SIG%.16s", name == NULL ? "?" : name);
    } else {
        (void)snprintf(out, 32, "exit code %d", WEXITSTATUS(wait_status));
    }
}

void sup_child_ended(const struct sim_crash *crash, int wait_status, bool hung, int words,
                     struct sup_run *out)
{
    char end[32];
    char place[56] = "";
    *out = (struct sup_run){.failed = true, .code = 10};
    if (hung) {
        (void)snprintf(out->signature, sizeof(out->signature), "hang");
        (void)snprintf(out->text, sizeof(out->text), "a turn did not end");
        return;
    }
    const struct sim_frame *frame = sim_symbol_place(crash);
    name_end(wait_status, crash->signal, end);
    if (crash->overflow) {
        (void)snprintf(place, sizeof(place), "a stack overflow");
    } else if (frame != NULL) {
        (void)sim_symbol(frame, place, sizeof(place));
    }
    (void)snprintf(out->signature, sizeof(out->signature), "crash %.20s%s%s", end,
                   place[0] == '\0' ? "" : " in ", place);
    (void)snprintf(out->text, sizeof(out->text),
                   "the process that ran it ended with %s%s%s%s%.150s", end,
                   place[0] == '\0' ? "" : " in ", place,
                   crash->actor[0] == '\0' ? "" : ", in a turn of ", crash->actor);
    add_last_words(words, out);
}

/* --- alone ---------------------------------------------------------------------------------------------------- */

mm1_status sup_alone_open(struct sup_alone *alone, unsigned limit_ms,
                          const volatile sig_atomic_t *stop)
{
    *alone = (struct sup_alone){.words = sup_child_words(), .limit_ms = limit_ms, .stop = stop};
    void *memory = alone->words < 0 ? MAP_FAILED
                                    : mmap(NULL, sizeof(*alone->shared), PROT_READ | PROT_WRITE,
                                           MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        if (alone->words >= 0) {
            (void)close(alone->words);
        }
        alone->words = -1;
        return MM1_IO;
    }
    alone->shared = memory;
    return MM1_OK;
}

void sup_alone_close(struct sup_alone *alone)
{
    if (alone->shared != NULL) {
        (void)munmap(alone->shared, sizeof(*alone->shared));
        (void)close(alone->words);
    }
    *alone = (struct sup_alone){.words = -1};
}

MM1_NORETURN static void work(const struct sup_alone *alone, const struct sup_errand *errand)
{
    static const struct mm1_runnable *volatile running;
    struct sup_alone_shared *shared = alone->shared;
    const struct sup_run_watch watch = {.progress = &shared->progress, .running = &running};
    if (!sup_child_begin(alone->words, &shared->crash, &running)) {
        _exit(3);
    }
    if (alone->before != NULL && errand->world != NULL) {
        alone->before(errand->world->seed);
    }
    shared->status = errand->the_case != NULL
                         ? sup_run_case(errand->the_case, errand->world, &watch, &shared->run)
                         : sup_run_scenario(errand->scenario, &watch, &shared->run);
    shared->done = true;
    _exit(0);
}

/* Waits until it has ended; true: it was ended for not moving, or for a stop. */
static bool await(const struct sup_alone *alone, pid_t pid, int *wait_status)
{
    struct pollfd file = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    uint64_t progress = 0;
    unsigned still_ms = 0;
    bool given_up = false;
    /* Without a file every wait is one tick long. */
    while (waitpid(pid, wait_status, WNOHANG) == 0) {
        (void)poll(&file, 1, TICK_MS);
        still_ms = alone->shared->progress == progress ? still_ms + TICK_MS : 0;
        progress = alone->shared->progress;
        bool stop = alone->stop != NULL && *alone->stop != 0;
        if (still_ms > alone->limit_ms || stop) {
            given_up = true;
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, wait_status, 0);
            break;
        }
    }
    if (file.fd >= 0) {
        (void)close(file.fd);
    }
    return given_up;
}

mm1_status sup_alone_run(struct sup_alone *alone, const struct sup_errand *errand,
                         struct sup_run *out)
{
    int wait_status = 0;
    memset(alone->shared, 0, sizeof(*alone->shared));
    if (ftruncate(alone->words, 0) != 0 || lseek(alone->words, 0, SEEK_SET) != 0) {
        return MM1_IO;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work(alone, errand);
    }
    if (pid < 0) {
        return MM1_IO;
    }
    bool given_up = await(alone, pid, &wait_status);
    if (given_up && alone->stop != NULL && *alone->stop != 0) {
        return MM1_CLOSED;
    }
    if (given_up || !alone->shared->done) {
        sup_child_ended(&alone->shared->crash, wait_status, given_up, alone->words, out);
        return MM1_OK;
    }
    *out = alone->shared->run;
    return alone->shared->status;
}
