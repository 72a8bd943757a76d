/* What the store's thread does with one log: a file that only grows at its end, and is cut.
 *
 * A failed append leaves the log as long as it was; where even that fails, and after a failed sync (the kernel then
 * may have dropped what it could not write), the log is broken: every further operation fails. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "posix/open_at.h"
#include "posix/os_error.h"
#include "posix/store.h"

void mm1__store_log_free(struct mm1__store_log *log)
{
    MM1_CHECK(!mm1_tree_linked(&log->node));
    mm1_list_remove(&log->link);
    if (log->fd >= 0) {
        (void)close(log->fd); /* nothing is promised of what was not synced */
    }
    mm1_give(log->store->alloc, log, sizeof(*log));
}

/* --- answers -------------------------------------------------------------------------------------------------- */

static void post(struct mm1__store_log *log, const struct mm1_msg_type *type, const void *msg)
{
    if (mm1__store_log_wanted(log)) {
        log->store->sink->post(log->store->sink, log->handle, false, type, msg);
    }
}

static struct mm1_log_failed failed_of(const struct mm1__store_log *log, uint64_t op,
                                       mm1_status status, const char *why)
{
    return (struct mm1_log_failed){
        .handle = log->handle, .op = op, .status = (uint32_t)status, .reason = mm1_text_of(why)};
}

static void answer_failed(struct mm1__store_log *log, uint64_t op, mm1_status status,
                          const char *why)
{
    struct mm1_log_failed failed = failed_of(log, op, status, why);
    post(log, &mm1_log_failed_type, &failed);
}

/* MM1_NO_SPACE and MM1_NOMEM stay, everything else the system says is MM1_IO. */
static mm1_status io_status(int error)
{
    mm1_status status = mm1__os_status(error);
    return status == MM1_NO_SPACE || status == MM1_NOMEM ? status : MM1_IO;
}

static void answer_errno(struct mm1__store_log *log, uint64_t op, int error)
{
    char why[MM1__OS_TEXT_MAX];
    mm1__os_text(error, why);
    answer_failed(log, op, io_status(error), why);
}

/* `error` 0: done. */
static void answer(struct mm1__store_log *log, uint64_t op, int error)
{
    if (error != 0) {
        answer_errno(log, op, error);
        return;
    }
    struct mm1_log_done done = {.handle = log->handle, .op = op, .size = log->size};
    post(log, &mm1_log_done_type, &done);
}

static void answer_data(struct mm1__store_log *log, const struct mm1_log_data *data)
{
    struct mm1_port_sink *sink = log->store->sink;
    if (mm1__store_log_wanted(log)) {
        mm1_status status = sink->post_data(sink, log->handle, false, &mm1_log_data_type, data);
        if (status != MM1_OK) {
            answer_failed(log, data->op, status, mm1_status_text(status));
        }
    }
}

/* --- open ----------------------------------------------------------------------------------------------------- */

static bool is_open(const struct mm1__posix_store *store, const char *name)
{
    MM1_LIST_FOREACH(at, &store->logs) {
        const struct mm1__store_log *log = MM1_CONTAINER_OF(at, struct mm1__store_log, link);
        if (strcmp(log->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Opens or creates the file; a new file's name is made durable at once. 0 or an errno. */
static int open_file(struct mm1__store_log *log)
{
    int dir_fd = log->store->dir_fd;
    log->fd = mm1__open_at(dir_fd, log->name, O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0);
    if (log->fd < 0 && errno == ENOENT) {
        log->fd = mm1__open_at(dir_fd, log->name,
                               O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (log->fd >= 0 && fsync(dir_fd) != 0) {
            return errno;
        }
    }
    if (log->fd < 0) {
        return errno;
    }
    off_t size = lseek(log->fd, 0, SEEK_END);
    if (size < 0) {
        return errno;
    }
    log->size = (uint64_t)size;
    log->dirty = true; /* what a process before us wrote may not be synced */
    log->truncated = true;
    return 0;
}

static void open_log(struct mm1__store_log *log)
{
    char text[MM1__OS_TEXT_MAX];
    const char *why = "not a name for a log";
    mm1_status status = MM1_INVALID;
    if (log->name[0] != '\0' && is_open(log->store, log->name)) {
        status = MM1_IN_USE;
        why = "already open";
    } else if (log->name[0] != '\0') {
        int error = open_file(log);
        status = error == 0 ? MM1_OK : io_status(error);
        if (error != 0) {
            mm1__os_text(error, text);
            why = text;
        }
    }
    if (status == MM1_OK) {
        mm1_list_push_back(&log->store->logs, &log->link);
        struct mm1_log_opened opened = {.handle = log->handle, .size = log->size};
        post(log, &mm1_log_opened_type, &opened);
        return;
    }
    /* It stays, broken, until the requests behind this one have passed: they point to it. */
    log->broken = true;
    if (mm1__store_log_forget(log)) {
        struct mm1_log_failed failed = failed_of(log, 0, status, why);
        log->store->sink->post(log->store->sink, log->handle, false, &mm1_log_failed_type, &failed);
    }
}

/* --- the other operations ------------------------------------------------------------------------------------- */

/* Writes all of it at the end of the log. 0 or an errno; then how much was written is not known. */
static int write_all(const struct mm1__store_log *log, const uint8_t *data, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t written = pwrite(log->fd, data + done, size - done, (off_t)(log->size + done));
        if (written < 0 && errno != EINTR) {
            return errno;
        }
        if (written == 0) {
            return ENOSPC;
        }
        done += written > 0 ? (size_t)written : 0;
    }
    return 0;
}

static int cut(struct mm1__store_log *log, uint64_t size)
{
    int result = 0;
    do {
        result = ftruncate(log->fd, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? 0 : errno;
}

static void append(struct mm1__store_log *log, const struct mm1__store_request *request)
{
    int error = write_all(log, request->data, request->size);
    if (error == 0) {
        log->size += request->size;
    } else if (cut(log, log->size) != 0) {
        log->broken = true;
    }
    log->dirty = true;
    answer(log, request->op, error);
}

static void sync_log(struct mm1__store_log *log, uint64_t op)
{
    int error = 0;
    if (log->truncated) {
        error = fsync(log->fd) == 0 ? 0 : errno;
    } else if (log->dirty) {
        error = fdatasync(log->fd) == 0 ? 0 : errno;
    }
    log->broken = error != 0;
    if (error == 0) {
        log->dirty = false;
        log->truncated = false;
    }
    answer(log, op, error);
}

static void truncate_log(struct mm1__store_log *log, uint64_t op, uint64_t size)
{
    if (size > log->size) {
        answer_failed(log, op, MM1_INVALID, "larger than the log");
        return;
    }
    int error = cut(log, size);
    if (error == 0) {
        log->size = size;
        log->truncated = true;
    }
    answer(log, op, error);
}

/* Reads all of it. 0 or an errno; EIO when the file is shorter than it was. */
static int read_all(const struct mm1__store_log *log, uint64_t offset, uint8_t *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(log->fd, to + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno != EINTR) {
            return errno;
        }
        if (got == 0) {
            return EIO;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static void read_log(struct mm1__store_log *log, const struct mm1__store_request *request)
{
    uint64_t left = request->offset < log->size ? log->size - request->offset : 0;
    size_t size = request->size < left ? request->size : (size_t)left;
    uint8_t *data = size == 0 ? NULL : mm1_take(log->store->alloc, size);
    if (size > 0 && data == NULL) {
        answer_errno(log, request->op, ENOMEM);
        return;
    }
    int error = read_all(log, request->offset, data, size);
    if (error != 0) {
        answer_errno(log, request->op, error);
    } else {
        struct mm1_log_data answered = {.handle = log->handle,
                                        .op = request->op,
                                        .offset = request->offset,
                                        .data = {.data = data, .size = size}};
        answer_data(log, &answered);
    }
    mm1_give(log->store->alloc, data, size);
}

static void operate(struct mm1__store_log *log, const struct mm1__store_request *request)
{
    if (log->broken) {
        answer_failed(log, request->op, MM1_IO, "the log is broken by an earlier failure");
        return;
    }
    if (request->verb == MM1__STORE_APPEND) {
        append(log, request);
    } else if (request->verb == MM1__STORE_SYNC) {
        sync_log(log, request->op);
    } else if (request->verb == MM1__STORE_TRUNCATE) {
        truncate_log(log, request->op, request->offset);
    } else {
        MM1_CHECK(request->verb == MM1__STORE_READ);
        read_log(log, request);
    }
}

void mm1__store_carry_out(struct mm1__store_request *request)
{
    struct mm1__store_log *log = request->log;
    if (request->verb == MM1__STORE_OPEN) {
        open_log(log);
    } else if (request->verb == MM1__STORE_CLOSE) {
        mm1__store_log_free(log);
    } else {
        size_t size = sizeof(*request) + (request->verb == MM1__STORE_APPEND ? request->size : 0);
        operate(log, request);
        mm1_give(log->store->alloc, request, size);
    }
}
