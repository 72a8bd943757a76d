/* The parent's side of child processes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/child.h"

#define RING_SIZE ((size_t)4 << 20)
#define LAST_WORDS_MS 1000
#define PAD_NAME "MM1_PAD="
#define POISON_NAME "MALLOC_PERTURB_="
#define POISON_SIZE 32

static size_t padded(size_t size, size_t to)
{
    return (size + to - 1) & ~(to - 1);
}

/* --- shared memory -------------------------------------------------------------------------------------------- */

/* Lays out the memory; returns its size. */
static size_t lay_out(struct sim_shared *shared, const struct sim_job *job,
                      const struct sim_order *order)
{
    size_t at = padded(sizeof(*shared), 64);
    *shared = (struct sim_shared){.size_of_head = sizeof(*shared),
                                  .count = order->count,
                                  .decision_count = order->decisions,
                                  .text_size = job->text.size,
                                  .telling = order->telling};
    shared->seeds_at = at;
    at = padded(at + order->count * sizeof(uint64_t), 64);
    shared->results_at = at;
    at = padded(at + order->count * sizeof(struct sim_result), 64);
    shared->decisions_at = at;
    at = padded(at + order->decisions * sizeof(struct sim_decision), 64);
    shared->text_at = at;
    at += job->text.size + 1;
    shared->file_at = at;
    at += strlen(job->file) + 1;
    if (job->system != NULL) {
        shared->system_at = at;
        at += strlen(job->system) + 1;
    }
    at = padded(at, 4096);
    if (order->telling == SIM_TELL_ROWS) {
        shared->ring_at = at;
        shared->ring_size = RING_SIZE;
        at += RING_SIZE;
    }
    return at;
}

static mm1_status fail(struct sim_child *child, char *error, size_t error_size, const char *what)
{
    (void)snprintf(error, error_size, "a child process cannot be started: %s: %s", what,
                   strerror(errno));
    sim_child_close(child);
    return MM1_IO;
}

mm1_status sim_child_prepare(struct sim_child *child, const struct sim_job *job,
                             const struct sim_order *order, char *error, size_t error_size)
{
    MM1_CHECK(order->count <= SIM_BATCH_MAX);
    struct sim_shared head;
    *child = (struct sim_child){.pid = -1, .pid_file = -1, .memory = -1, .output = {-1, -1}};
    size_t size = lay_out(&head, job, order);
    child->memory = memfd_create("mm1-run", MFD_CLOEXEC);
    child->output[0] = memfd_create("mm1-out", MFD_CLOEXEC);
    child->output[1] = memfd_create("mm1-err", MFD_CLOEXEC);
    if (child->memory < 0 || child->output[0] < 0 || child->output[1] < 0) {
        return fail(child, error, error_size, "shared memory");
    }
    if (ftruncate(child->memory, (off_t)size) != 0) {
        return fail(child, error, error_size, "shared memory");
    }
    uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, child->memory, 0);
    if (memory == MAP_FAILED) {
        return fail(child, error, error_size, "shared memory");
    }
    child->shared = (struct sim_shared *)(void *)memory;
    child->size = size;
    memcpy(child->shared, &head, sizeof(head));
    if (order->count > 0) {
        memcpy(memory + head.seeds_at, order->seeds, order->count * sizeof(uint64_t));
    }
    memcpy(memory + head.text_at, job->text.data, job->text.size);
    memcpy(memory + head.file_at, job->file, strlen(job->file) + 1);
    if (job->system != NULL) {
        memcpy(memory + head.system_at, job->system, strlen(job->system) + 1);
    }
    if (order->telling == SIM_TELL_ROWS) {
        if (sim_ring_map(&child->ring, &child->shared->ring, child->memory, (size_t)head.ring_at,
                         (size_t)head.ring_size) != MM1_OK) {
            return fail(child, error, error_size, "shared memory");
        }
        child->rows.ring = &child->ring;
    }
    return MM1_OK;
}

struct sim_decision *sim_child_decisions(const struct sim_child *child)
{
    return (struct sim_decision *)(void *)((uint8_t *)child->shared + child->shared->decisions_at);
}

const struct sim_result *sim_child_result(const struct sim_child *child, size_t index)
{
    const uint8_t *memory = (const uint8_t *)child->shared;
    return (const struct sim_result *)(const void *)(memory + child->shared->results_at) + index;
}

/* --- the process ---------------------------------------------------------------------------------------------- */

/* An environment for the `nth` child: another size and another poison each time, so that nothing may depend on where
 * the stack begins or on what fresh memory holds. Null: no memory. */
static char **environment(unsigned nth)
{
    size_t count = 0;
    size_t kept = 0;
    while (environ[count] != NULL) {
        count++;
    }
    size_t pad = 16 + nth * 977 % 4001;
    char **list = malloc((count + 3) * sizeof(*list) + POISON_SIZE + sizeof(PAD_NAME) + pad);
    if (list == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        if (strncmp(environ[i], PAD_NAME, sizeof(PAD_NAME) - 1) != 0 &&
            strncmp(environ[i], POISON_NAME, sizeof(POISON_NAME) - 1) != 0) {
            list[kept++] = environ[i];
        }
    }
    char *poison = (char *)(list + count + 3);
    char *padding = poison + POISON_SIZE;
    (void)snprintf(poison, POISON_SIZE, POISON_NAME "%u", 1 + nth * 37 % 254);
    memcpy(padding, PAD_NAME, sizeof(PAD_NAME) - 1);
    memset(padding + sizeof(PAD_NAME) - 1, 'x', pad);
    padding[sizeof(PAD_NAME) - 1 + pad] = '\0';
    list[kept++] = poison;
    list[kept++] = padding;
    list[kept] = NULL;
    return list;
}

/* Between fork and exec: only what is safe there. */
MM1_NORETURN static void become(const struct sim_child *child, int nothing, char *const argv[],
                                char *const envp[])
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    /* A Ctrl-C reaches the whole group of the terminal; what becomes of children is for the parent to say. */
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    bool good = dup2(nothing, 0) == 0 && dup2(child->output[0], 1) == 1 &&
                dup2(child->output[1], 2) == 2 && fcntl(child->memory, F_SETFD, 0) == 0;
    if (good) {
        (void)execve("/proc/self/exe", argv, envp);
    }
    _exit(126);
}

mm1_status sim_child_start(struct sim_child *child, char *error, size_t error_size)
{
    static unsigned nth; /* varies what may not matter */
    char self[4096];
    char number[16];
    ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
    self[size < 0 ? 0 : size] = '\0';
    (void)snprintf(number, sizeof(number), "%d", child->memory);
    char *argv[] = {self, (char *)(uintptr_t)SIM_CHILD_ARGUMENT, number, NULL};
    char **envp = environment(nth++);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    child->pid = envp == NULL || nothing < 0 ? -1 : fork();
    if (child->pid == 0) {
        become(child, nothing, argv, envp);
    }
    int cause = errno;
    free(envp);
    if (nothing >= 0) {
        (void)close(nothing);
    }
    if (child->pid > 0) {
        child->pid_file = pidfd_open(child->pid, 0);
        cause = errno;
    }
    if (child->pid_file < 0) {
        errno = cause;
        return fail(child, error, error_size, "fork");
    }
    return MM1_OK;
}

mm1_status sim_child_run(struct sim_child *child, const struct sim_job *job,
                         const struct sim_order *order, char *error, size_t error_size)
{
    MM1_TRY(sim_child_prepare(child, job, order, error, error_size));
    return sim_child_start(child, error, error_size);
}

bool sim_child_ended(struct sim_child *child)
{
    if (!child->reaped && child->pid > 0) {
        child->reaped = waitpid(child->pid, &child->wait_status, WNOHANG) == child->pid;
    }
    return child->reaped;
}

void sim_child_kill(struct sim_child *child)
{
    if (child->pid > 0 && !child->reaped) {
        (void)kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &child->wait_status, 0) < 0 && errno == EINTR) {
        }
        child->reaped = true;
    }
}

void sim_child_abort(struct sim_child *child)
{
    if (child->pid > 0 && !child->reaped) {
        struct pollfd file = {.fd = child->pid_file, .events = POLLIN};
        (void)kill(child->pid, SIGABRT);
        (void)poll(&file, 1, LAST_WORDS_MS);
    }
    sim_child_kill(child);
}

static void close_file(int file)
{
    if (file >= 0) {
        (void)close(file);
    }
}

void sim_child_close(struct sim_child *child)
{
    if (child->size == 0 && child->pid == 0) {
        return;
    }
    sim_child_kill(child);
    sim_rows_reader_close(&child->rows);
    sim_ring_unmap(&child->ring);
    if (child->shared != NULL) {
        (void)munmap(child->shared, child->size);
    }
    close_file(child->memory);
    close_file(child->output[0]);
    close_file(child->output[1]);
    close_file(child->pid_file);
    *child = (struct sim_child){0};
}

/* --- what it left --------------------------------------------------------------------------------------------- */

struct mm1_text sim_child_output(const struct sim_child *child, int stream, size_t most)
{
    struct stat file;
    int from = child->output[stream - 1];
    if (fstat(from, &file) != 0 || file.st_size == 0) {
        return (struct mm1_text){0};
    }
    size_t size = (size_t)file.st_size < most ? (size_t)file.st_size : most;
    char *data = malloc(size);
    if (data == NULL) {
        return (struct mm1_text){0};
    }
    ssize_t got = pread(from, data, size, file.st_size - (off_t)size);
    if (got <= 0) {
        free(data);
        return (struct mm1_text){0};
    }
    return (struct mm1_text){.data = data, .size = (size_t)got};
}

const char *sim_child_end_text(const struct sim_child *child, char out[SIM_END_TEXT_MAX])
{
    int signal_number = WIFSIGNALED(child->wait_status) ? WTERMSIG(child->wait_status) : 0;
    if (child->shared->crash.signal != 0) {
        signal_number = child->shared->crash.signal;
    }
    if (signal_number != 0) {
        const char *name = sigabbrev_np(signal_number);
        (void)snprintf(out, SIM_END_TEXT_MAX, "SIG%.16s", name == NULL ? "?" : name);
    } else {
        (void)snprintf(out, SIM_END_TEXT_MAX, "exit code %d", WEXITSTATUS(child->wait_status));
    }
    return out;
}
