/* One run in a child of its own. */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "sim/symbol.h"
#include "sim/traced.h"

#define OUTPUT_MAX ((size_t)1 << 20)
#define WAIT_MS 5u
#define ACTOR_SHOWN 64

unsigned sim_watch_ms(void)
{
    const char *text = getenv("MM1_WATCHDOG_MS");
    unsigned long limit = text == NULL ? 0 : strtoul(text, NULL, 10);
    return limit == 0 || limit > 3600000 ? 10000 : (unsigned)limit;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What it said on standard error before it died: the line of a sanitizer, else the last line. */
static struct mm1_text last_words(struct mm1_text said)
{
    static const char *const marks[] = {"ERROR: ", "runtime error: "};
    while (said.size > 0 && said.data[said.size - 1] == '\n') {
        said.size--;
    }
    const char *begin = memrchr(said.data, '\n', said.size);
    for (size_t i = 0; i < MM1_COUNT_OF(marks); i++) {
        const char *mark = memmem(said.data, said.size, marks[i], strlen(marks[i]));
        if (mark != NULL) {
            begin = memrchr(said.data, '\n', (size_t)(mark - said.data));
            /* A sanitizer puts the number of the process in front of its mark, which is another one each time. */
            begin = i == 0 ? mark - 1 : begin;
            break;
        }
    }
    begin = begin == NULL || begin < said.data ? said.data : begin + 1;
    size_t left = said.size - (size_t)(begin - said.data);
    const char *end = memchr(begin, '\n', left);
    return (struct mm1_text){.data = begin, .size = end == NULL ? left : (size_t)(end - begin)};
}

static void add_last_words(const struct sim_child *child, struct sim_result *result)
{
    struct mm1_text said = sim_child_output(child, 2, OUTPUT_MAX);
    size_t used = strlen(result->text);
    if (said.size > 0) {
        struct mm1_text words = last_words(said);
        (void)snprintf(result->text + used, sizeof(result->text) - used, "; its last words: %.*s",
                       (int)(words.size > 300 ? 300 : words.size), words.data);
    }
    free((void *)(uintptr_t)said.data);
}

/* What a crash says of itself: the signal, then the place, or of a stack overflow the actor: where in a recursion the
 * stack ends depends on where it began. */
static void describe_crash(const struct sim_child *child, struct sim_result *result)
{
    const struct sim_crash *crash = &child->shared->crash;
    const struct sim_frame *frame = sim_symbol_place(crash);
    const char *link = frame == NULL ? "" : " in ";
    char end[SIM_END_TEXT_MAX];
    char place[80] = "";
    if (frame != NULL) {
        (void)sim_symbol(frame, place, sizeof(place));
    }
    (void)sim_child_end_text(child, end);
    if (crash->overflow) {
        const char *actor = crash->actor[0] == '\0' ? "no actor's turn" : crash->actor;
        size_t size = strlen(actor);
        actor += size > ACTOR_SHOWN ? size - ACTOR_SHOWN : 0; /* the end of a path tells most */
        (void)snprintf(result->signature, sizeof(result->signature),
                       "crash %s, stack overflow in %.*s", end, ACTOR_SHOWN, actor);
        (void)snprintf(result->text, sizeof(result->text),
                       "the process that ran it ended with %s: stack overflow in %.*s", end,
                       ACTOR_SHOWN, actor);
        return;
    }
    (void)snprintf(result->signature, sizeof(result->signature), "crash %s%s%s", end, link, place);
    (void)snprintf(result->text, sizeof(result->text), "the process that ran it ended with %s%s%s",
                   end, link, place);
    if (crash->actor[0] != '\0') {
        size_t used = strlen(result->text);
        (void)snprintf(result->text + used, sizeof(result->text) - used, ", in a turn of %.150s",
                       crash->actor);
    }
}

void sim_traced_cut_off(const struct sim_child *child, bool hung, struct sim_result *result)
{
    const struct sim_shared *shared = child->shared;
    uint64_t begun = atomic_load(&shared->begun);
    const uint8_t *memory = (const uint8_t *)shared;
    const uint64_t *seeds = (const uint64_t *)(const void *)(memory + shared->seeds_at);
    bool rows = shared->telling == SIM_TELL_ROWS;
    *result = (struct sim_result){.verdict = hung ? SIM_HANG : SIM_CRASH};
    result->seed = begun > 0 && begun <= shared->count ? seeds[begun - 1] : 0;
    result->hash = rows ? child->rows.last_hash : shared->last_hash;
    result->failed_seq = rows ? child->rows.last_seq : shared->last_seq;
    result->start_ns = rows ? child->rows.first_time_ns : shared->first_time_ns;
    result->end_ns = rows ? child->rows.last_time_ns : shared->last_time_ns;
    result->failed_time_ns = result->end_ns - result->start_ns;
    result->events = result->failed_seq > 0 ? result->failed_seq : shared->progress;
    (void)snprintf(result->active_faults, sizeof(result->active_faults), "not known");
    if (hung) {
        (void)snprintf(result->signature, sizeof(result->signature), "hang");
        (void)snprintf(result->text, sizeof(result->text), "a turn did not end");
        return;
    }
    describe_crash(child, result);
    add_last_words(child, result);
}

/* Reads rows until the child has ended. False: it was killed, `*hung` says whether for hanging. */
static bool follow(struct sim_child *child, struct sim_sink *sink, const struct sim_watch *watch,
                   bool *hung, bool *broken)
{
    uint64_t moved = now_ms();
    uint64_t progress = 0;
    for (;;) {
        bool ended = sim_child_ended(child);
        size_t got = sim_rows_read(&child->rows, sink, ended ? 0 : WAIT_MS, broken);
        bool enough = watch->enough != NULL && *watch->enough;
        bool stop = watch->stop != NULL && *watch->stop != 0;
        if (ended && got == 0) {
            return true;
        }
        if (got > 0 || child->shared->progress != progress) {
            progress = child->shared->progress;
            moved = now_ms();
        }
        *hung = now_ms() - moved > watch->limit_ms;
        if (*hung) {
            sim_child_abort(child);
        }
        if (enough || stop || *hung || *broken) {
            sim_child_kill(child);
            return false;
        }
    }
}

static mm1_status refused(const struct sim_child *child, char *error, size_t error_size)
{
    const struct sim_shared *shared = child->shared;
    char end[SIM_END_TEXT_MAX];
    if (shared->status != MM1_OK) {
        (void)snprintf(error, error_size, "%s", shared->error);
        return (mm1_status)shared->status;
    }
    (void)snprintf(error, error_size, "a child process ended before it began a run: %s",
                   sim_child_end_text(child, end));
    return MM1_INTERNAL;
}

mm1_status sim_describe(const struct sim_job *job, const struct sim_watch *watch,
                        struct sim_description *description, char *error, size_t error_size)
{
    struct sim_child child = {0};
    const struct sim_order order = {.count = 0};
    char end[SIM_END_TEXT_MAX];
    uint64_t begun = now_ms();
    mm1_status status = MM1_OK;
    MM1_TRY(sim_child_run(&child, job, &order, error, error_size));
    while (status == MM1_OK && !sim_child_ended(&child)) {
        struct pollfd file = {.fd = child.pid_file, .events = POLLIN};
        if (*watch->stop != 0) {
            (void)snprintf(error, error_size, "interrupted");
            status = MM1_INTERRUPTED;
        } else if (now_ms() - begun > watch->limit_ms) {
            (void)snprintf(error, error_size, "%s: loading the system did not end", job->file);
            status = MM1_INVALID;
        } else {
            (void)poll(&file, 1, 50);
        }
    }
    *description = child.shared->description;
    if (status == MM1_OK && child.shared->status != MM1_OK) {
        (void)snprintf(error, error_size, "%s", child.shared->error);
        status = (mm1_status)child.shared->status;
    } else if (status == MM1_OK && atomic_load(&child.shared->described) == 0) {
        (void)snprintf(error, error_size, "%s: loading the system ended the process: %s", job->file,
                       sim_child_end_text(&child, end));
        status = MM1_INVALID;
    }
    sim_child_close(&child);
    return status;
}

static void keep_output(const struct sim_child *child, struct sim_traced *traced)
{
    for (int stream = 1; stream <= 2; stream++) {
        traced->output[stream - 1] = sim_child_output(child, stream, OUTPUT_MAX);
    }
}

mm1_status sim_traced_run(struct sim_child *child, struct sim_sink *sink,
                          const struct sim_watch *watch, struct sim_traced *traced, char *error,
                          size_t error_size)
{
    bool hung = false;
    bool broken = false;
    *traced = (struct sim_traced){0};
    MM1_TRY(sim_child_start(child, error, error_size));
    (void)follow(child, sink, watch, &hung, &broken);
    const struct sim_shared *shared = child->shared;
    mm1_status status = MM1_OK;
    traced->description = shared->description;
    if (watch->stop != NULL && *watch->stop != 0) {
        (void)snprintf(error, error_size, "interrupted");
        status = MM1_INTERRUPTED;
    } else if (atomic_load(&shared->begun) == 0 && !hung) {
        status = refused(child, error, error_size);
    } else if (atomic_load(&shared->done) == shared->count) {
        traced->result = *sim_child_result(child, (size_t)shared->count - 1);
        traced->complete = true;
    } else {
        sim_traced_cut_off(child, hung, &traced->result);
        if (shared->crash.signal != 0) {
            traced->crash = malloc(sizeof(*traced->crash));
            if (traced->crash != NULL) {
                *traced->crash = shared->crash;
            }
        }
    }
    if (broken) {
        (void)snprintf(error, error_size, "a child process wrote rows that cannot be read");
        status = MM1_INTERNAL;
    }
    keep_output(child, traced);
    sim_child_close(child);
    return status;
}

void sim_traced_close(struct sim_traced *traced)
{
    free(traced->crash);
    for (size_t i = 0; i < 2; i++) {
        free((void *)(uintptr_t)traced->output[i].data);
    }
    *traced = (struct sim_traced){0};
}
