/* Several cases in a process of their own. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mm1/posix.h>

#include "base/mutant.h"
#include "fuzz/sup_apart.h"
#include "fuzz/sup_cases_run.h"

#define TICK_MS 50

struct sup_apart_shared {
    struct sim_crash crash;
    volatile size_t done;
    struct {
        size_t end; /* in what was told */
        mm1_status status;
    } each[SUP_APART_MAX];
};

mm1_status sup_apart_open(struct sup_apart *apart, struct mm1_alloc *alloc, unsigned limit_ms,
                          const volatile sig_atomic_t *stop)
{
    *apart = (struct sup_apart){.words = sup_child_words(),
                                .told = memfd_create("mm1-told", MFD_CLOEXEC),
                                .limit_ms = limit_ms,
                                .stop = stop,
                                .texts = MM1_BUF(alloc)};
    void *memory = mmap(NULL, sizeof(*apart->shared), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    apart->shared = memory == MAP_FAILED ? NULL : memory;
    return apart->shared == NULL || apart->words < 0 || apart->told < 0 ? MM1_IO : MM1_OK;
}

void sup_apart_close(struct sup_apart *apart)
{
    if (apart->shared != NULL) {
        (void)munmap(apart->shared, sizeof(*apart->shared));
    }
    if (apart->words >= 0) {
        (void)close(apart->words);
    }
    if (apart->told >= 0) {
        (void)close(apart->told);
    }
    apart->shared = NULL;
    apart->words = -1;
    apart->told = -1;
    mm1_buf_close(&apart->texts);
}

/* --- the process ---------------------------------------------------------------------------------------------- */

static bool tell(int fd, const struct mm1_buf *text, size_t *end)
{
    for (size_t at = 0; at < text->size;) {
        ssize_t went = write(fd, text->data + at, text->size - at);
        if (went < 0 && errno != EINTR) {
            return false;
        }
        at += went < 0 ? 0 : (size_t)went;
    }
    *end += text->size;
    return true;
}

MM1_NORETURN static void work(const struct sup_apart *apart, const struct sup_case *cases,
                              size_t count)
{
    static const struct mm1_runnable *volatile running; /* nobody says whose turn it is */
    static const struct sup_cases_options options = {.seed = 1, .jobs = 1};
    struct sup_apart_shared *shared = apart->shared;
    struct mm1_buf text = MM1_BUF(mm1_posix_alloc());
    size_t end = 0;
    if (!sup_child_begin(apart->words, &shared->crash, &running)) {
        _exit(3);
    }
    for (size_t i = 0; i < count; i++) {
        char error[SUP_CASES_ERROR_MAX];
        mm1_buf_clear(&text);
        mm1__mutant_reset();
        if (apart->before != NULL) {
            apart->before(i);
        }
        mm1_status status = sup_case_run(&cases[i], &options, &text, error);
        if (status != MM1_OK && mm1_buf_format(&text, "%s\n", error) != MM1_OK) {
            _exit(3);
        }
        if (!tell(apart->told, &text, &end)) {
            _exit(3);
        }
        shared->each[i].status = status;
        shared->each[i].end = end;
        shared->done = i + 1;
    }
    _exit(0);
}

/* --- around it ------------------------------------------------------------------------------------------------ */

/* Waits until it has ended; true: it was ended for not moving, or for a stop. */
static bool await(const struct sup_apart *apart, pid_t pid, int *wait_status)
{
    struct pollfd file = {.fd = pidfd_open(pid, 0), .events = POLLIN};
    size_t done = 0;
    unsigned still_ms = 0;
    bool given_up = false;
    while (!given_up && waitpid(pid, wait_status, WNOHANG) == 0) {
        int ready = poll(&file, 1, TICK_MS);
        still_ms = apart->shared->done == done && ready == 0 ? still_ms + TICK_MS : 0;
        done = apart->shared->done;
        if (still_ms > apart->limit_ms || *apart->stop != 0) {
            given_up = true;
            (void)kill(pid, SIGKILL);
            (void)waitpid(pid, wait_status, 0);
        }
    }
    if (file.fd >= 0) {
        (void)close(file.fd);
    }
    return given_up;
}

static mm1_status read_told(struct sup_apart *apart, size_t size)
{
    mm1_buf_clear(&apart->texts);
    MM1_TRY(mm1_buf_reserve(&apart->texts, size + SUP_RUN_TEXT_MAX));
    for (size_t at = 0; at < size;) {
        ssize_t got = pread(apart->told, apart->texts.data + at, size - at, (off_t)at);
        if (got == 0 || (got < 0 && errno != EINTR)) {
            return MM1_IO;
        }
        at += got < 0 ? 0 : (size_t)got;
    }
    apart->texts.size = size;
    return MM1_OK;
}

static enum sup_apart_kind kind_of(mm1_status status)
{
    switch (status) {
    case MM1_OK:
        return SUP_APART_PLAYED;
    case MM1_NOMEM:
    case MM1_RESOURCE:
    case MM1_IO:
        return SUP_APART_FAILED;
    default:
        return SUP_APART_RESTLESS;
    }
}

static mm1_status take_answers(struct sup_apart *apart, size_t count, const struct sup_run *end,
                               struct sup_apart_answer *answers)
{
    const struct sup_apart_shared *shared = apart->shared;
    size_t done = shared->done;
    size_t from = 0;
    MM1_TRY(read_told(apart, done == 0 ? 0 : shared->each[done - 1].end));
    memset(answers, 0, count * sizeof(*answers));
    for (size_t i = 0; i < done; i++) {
        const char *data = (const char *)apart->texts.data + from;
        answers[i].kind = kind_of(shared->each[i].status);
        answers[i].text = (struct mm1_text){data, shared->each[i].end - from};
        from = shared->each[i].end;
    }
    if (done < count) {
        size_t size = strlen(end->text);
        answers[done].kind =
            strcmp(end->signature, "hang") == 0 ? SUP_APART_HUNG : SUP_APART_CRASHED;
        /* There is room, and no other text moves. */
        MM1_TRY(mm1_buf_append(&apart->texts, end->text, size));
        answers[done].text = (struct mm1_text){(const char *)apart->texts.data + from, size};
    }
    return MM1_OK;
}

mm1_status sup_apart_play(struct sup_apart *apart, const struct sup_case *cases, size_t count,
                          struct sup_apart_answer *answers)
{
    struct sup_run end = {.text = ""};
    int wait_status = 0;
    MM1_CHECK(count <= SUP_APART_MAX);
    memset(apart->shared, 0, sizeof(*apart->shared));
    if (ftruncate(apart->words, 0) != 0 || lseek(apart->words, 0, SEEK_SET) != 0 ||
        ftruncate(apart->told, 0) != 0 || lseek(apart->told, 0, SEEK_SET) != 0) {
        return MM1_IO;
    }
    (void)fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        work(apart, cases, count);
    }
    if (pid < 0) {
        return MM1_IO;
    }
    bool given_up = await(apart, pid, &wait_status);
    if (*apart->stop != 0) {
        return MM1_CLOSED;
    }
    if (apart->shared->done < count) {
        sup_child_ended(&apart->shared->crash, wait_status, given_up, apart->words, &end);
    }
    return take_answers(apart, count, &end, answers);
}
