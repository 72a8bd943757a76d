/* The store port: its verbs, which any thread may call and which only queue, and its life. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/open_at.h"
#include "posix/os_error.h"
#include "posix/store.h"
#include "posix/thread.h"

static struct mm1__posix_store *of(struct mm1_store *self)
{
    return MM1_CONTAINER_OF(self, struct mm1__posix_store, base);
}

static struct mm1__store_log *log_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1__store_log, node);
}

static int compare_key(const void *key, const struct mm1_tree_node *node)
{
    mm1_handle a = *(const mm1_handle *)key;
    mm1_handle b = log_of(node)->handle;
    return (a > b) - (a < b);
}

static int compare(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_key(&log_of(a)->handle, b);
}

bool mm1__store_log_wanted(struct mm1__store_log *log)
{
    pthread_mutex_lock(&log->store->lock);
    bool wanted = mm1_tree_linked(&log->node);
    pthread_mutex_unlock(&log->store->lock);
    return wanted;
}

/* --- verbs ---------------------------------------------------------------------------------------------------- */

static void attach(struct mm1_store *self, struct mm1_port_sink *sink)
{
    of(self)->sink = sink;
}

/* With the lock held. */
static struct mm1__store_log *find(struct mm1__posix_store *store, mm1_handle handle)
{
    struct mm1_tree_node *node = mm1_tree_find(&store->known, &handle, compare_key);
    return node == NULL || store->stopping ? NULL : log_of(node);
}

/* With the lock held. */
static void enqueue(struct mm1__posix_store *store, struct mm1__store_request *request)
{
    mm1_list_push_back(&store->requests, &request->link);
    pthread_cond_signal(&store->work);
}

/* 1 to 64 of [A-Za-z0-9._-], no dot at the start: so it is a file's name that cannot leave the directory. */
static bool is_log_name(struct mm1_text name)
{
    if (name.size == 0 || name.size > MM1__STORE_NAME_MAX || name.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        bool legal = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '.' || c == '_' || c == '-';
        if (!legal) {
            return false;
        }
    }
    return true;
}

static mm1_status open_log(struct mm1_store *self, mm1_handle handle, struct mm1_text name)
{
    struct mm1__posix_store *store = of(self);
    struct mm1__store_log *log = mm1_take_zero(store->alloc, sizeof(*log));
    if (log == NULL) {
        return MM1_NOMEM;
    }
    log->store = store;
    log->handle = handle;
    log->fd = -1;
    log->open = (struct mm1__store_request){.log = log, .verb = MM1__STORE_OPEN};
    log->close = (struct mm1__store_request){.log = log, .verb = MM1__STORE_CLOSE};
    mm1_list_init(&log->link);
    if (is_log_name(name)) {
        memcpy(log->name, name.data, name.size);
    }
    pthread_mutex_lock(&store->lock);
    bool stopping = store->stopping;
    if (!stopping) {
        MM1_CHECK(mm1_tree_insert(&store->known, &log->node) == NULL);
        enqueue(store, &log->open);
    }
    pthread_mutex_unlock(&store->lock);
    if (stopping) {
        mm1__store_log_free(log);
    }
    return MM1_OK;
}

/* Queues a request for a log; the bytes are copied. MM1_NOMEM. A log that is not known is no error. */
static mm1_status ask(struct mm1__posix_store *store, mm1_handle handle,
                      const struct mm1__store_request *what, struct mm1_bytes bytes)
{
    struct mm1__store_request *request = NULL;
    if (bytes.size <= SIZE_MAX / 2) {
        request = mm1_take(store->alloc, sizeof(*request) + bytes.size);
    }
    if (request == NULL) {
        return MM1_NOMEM;
    }
    *request = *what;
    request->data = (uint8_t *)(request + 1);
    if (bytes.size > 0) {
        memcpy(request->data, bytes.data, bytes.size);
    }
    pthread_mutex_lock(&store->lock);
    request->log = find(store, handle);
    bool known = request->log != NULL;
    if (known) {
        enqueue(store, request);
    }
    pthread_mutex_unlock(&store->lock);
    if (!known) {
        mm1_give(store->alloc, request, sizeof(*request) + bytes.size);
    }
    return MM1_OK;
}

static mm1_status append(struct mm1_store *self, mm1_handle handle, uint64_t op,
                         struct mm1_bytes bytes)
{
    struct mm1__store_request what = {.verb = MM1__STORE_APPEND, .op = op, .size = bytes.size};
    return ask(of(self), handle, &what, bytes);
}

static mm1_status sync_log(struct mm1_store *self, mm1_handle handle, uint64_t op)
{
    struct mm1__store_request what = {.verb = MM1__STORE_SYNC, .op = op};
    return ask(of(self), handle, &what, (struct mm1_bytes){0});
}

static mm1_status truncate_log(struct mm1_store *self, mm1_handle handle, uint64_t op,
                               uint64_t size)
{
    struct mm1__store_request what = {.verb = MM1__STORE_TRUNCATE, .op = op, .offset = size};
    return ask(of(self), handle, &what, (struct mm1_bytes){0});
}

static mm1_status read_log(struct mm1_store *self, mm1_handle handle, uint64_t op, uint64_t offset,
                           size_t size)
{
    struct mm1__store_request what = {
        .verb = MM1__STORE_READ, .op = op, .offset = offset, .size = size};
    return ask(of(self), handle, &what, (struct mm1_bytes){0});
}

/* With the lock held. */
static void forget(struct mm1__posix_store *store, struct mm1__store_log *log)
{
    mm1_tree_remove(&store->known, &log->node);
    enqueue(store, &log->close);
}

bool mm1__store_log_forget(struct mm1__store_log *log)
{
    pthread_mutex_lock(&log->store->lock);
    bool wanted = mm1_tree_linked(&log->node);
    if (wanted) {
        forget(log->store, log);
    }
    pthread_mutex_unlock(&log->store->lock);
    return wanted;
}

static void close_log(struct mm1_store *self, mm1_handle handle)
{
    struct mm1__posix_store *store = of(self);
    pthread_mutex_lock(&store->lock);
    struct mm1__store_log *log = find(store, handle);
    if (log != NULL) {
        forget(store, log);
    }
    pthread_mutex_unlock(&store->lock);
}

static const struct mm1_store_ops OPS = {
    .name = "posix",
    .attach = attach,
    .open = open_log,
    .append = append,
    .sync = sync_log,
    .truncate = truncate_log,
    .read = read_log,
    .close = close_log,
};

/* --- life ----------------------------------------------------------------------------------------------------- */

static void *serve(void *arg)
{
    struct mm1__posix_store *store = arg;
    pthread_mutex_lock(&store->lock);
    for (;;) {
        struct mm1_list *first = mm1_list_pop_front(&store->requests);
        if (first != NULL) {
            pthread_mutex_unlock(&store->lock);
            mm1__store_carry_out(MM1_CONTAINER_OF(first, struct mm1__store_request, link));
            pthread_mutex_lock(&store->lock);
        } else if (store->stopping) {
            break;
        } else {
            pthread_cond_wait(&store->work, &store->lock);
        }
    }
    pthread_mutex_unlock(&store->lock);
    return NULL;
}

static mm1_status report(const char *dir, int number, char error[MM1__STORE_ERROR_MAX])
{
    char why[MM1__OS_TEXT_MAX];
    mm1__os_text(number, why);
    (void)snprintf(error, MM1__STORE_ERROR_MAX, "store directory %.120s: %s", dir, why);
    return number == EROFS ? MM1_REFUSED : mm1__os_status(number);
}

/* Makes sure that a directory that was made is still there after a power loss. 0 or an errno. */
static int sync_parent(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return errno;
    }
    int parent_fd = mm1__open_at(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    int error = parent_fd < 0 || fsync(parent_fd) != 0 ? errno : 0;
    if (parent_fd >= 0) {
        (void)close(parent_fd);
    }
    (void)close(fd);
    return error;
}

/* Makes the directory and those above it that are missing. 0 or an errno. */
static int make_directory(const char *dir)
{
    char path[PATH_MAX];
    size_t size = strlen(dir);
    if (size >= sizeof(path)) {
        return ENAMETOOLONG;
    }
    memcpy(path, dir, size + 1);
    for (size_t i = 1; i <= size; i++) {
        if (dir[i] != '/' && dir[i] != '\0') {
            continue;
        }
        path[i] = '\0';
        bool made = mkdir(path, 0777) == 0;
        int error = made || errno == EEXIST ? 0 : errno;
        error = made ? sync_parent(path) : error;
        if (error != 0) {
            return error;
        }
        path[i] = dir[i];
    }
    return 0;
}

/* 0 or an errno. */
static int open_directory(const char *dir, int *dir_fd)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
    *dir_fd = open(dir, flags);
    if (*dir_fd < 0 && errno == ENOENT) {
        int error = make_directory(dir);
        if (error != 0) {
            return error;
        }
        *dir_fd = open(dir, flags);
    }
    return *dir_fd < 0 ? errno : 0;
}

static mm1_status lock_directory(struct mm1__posix_store *store, const char *dir,
                                 char error[MM1__STORE_ERROR_MAX])
{
    int number = open_directory(dir, &store->dir_fd);
    if (number == 0 && faccessat(store->dir_fd, ".", W_OK | X_OK, AT_EACCESS) != 0) {
        number = errno;
    }
    if (number == 0) {
        store->lock_fd =
            mm1__open_at(store->dir_fd, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        number = store->lock_fd < 0 ? errno : 0;
    }
    if (number != 0) {
        return report(dir, number, error);
    }
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            return report(dir, errno, error);
        }
        (void)snprintf(error, MM1__STORE_ERROR_MAX,
                       "store directory %.120s: in use by another process", dir);
        return MM1_IN_USE;
    }
    return MM1_OK;
}

static void close_descriptors(struct mm1__posix_store *store)
{
    if (store->lock_fd >= 0) {
        (void)close(store->lock_fd);
    }
    if (store->dir_fd >= 0) {
        (void)close(store->dir_fd);
    }
}

mm1_status mm1__posix_store_open(struct mm1__posix_store *store, struct mm1_alloc *alloc,
                                 const char *dir, char error[MM1__STORE_ERROR_MAX])
{
    *store = (struct mm1__posix_store){
        .base.ops = &OPS, .alloc = alloc, .dir_fd = -1, .lock_fd = -1, .known = MM1_TREE(compare)};
    mm1_list_init(&store->requests);
    mm1_list_init(&store->logs);
    mm1_status status = lock_directory(store, dir, error);
    if (status != MM1_OK) {
        close_descriptors(store);
        return status;
    }
    MM1_CHECK(pthread_mutex_init(&store->lock, NULL) == 0);
    MM1_CHECK(pthread_cond_init(&store->work, NULL) == 0);
    status = mm1__thread_start(&store->thread, "mm1-store", serve, store);
    if (status != MM1_OK) {
        (void)snprintf(error, MM1__STORE_ERROR_MAX, "store: no thread could be started");
        mm1__posix_store_close(store);
        return status;
    }
    store->running = true;
    return MM1_OK;
}

void mm1__posix_store_stop(struct mm1__posix_store *store)
{
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
    if (store->running) {
        MM1_CHECK(pthread_join(store->thread, NULL) == 0);
        store->running = false;
    }
}

void mm1__posix_store_close(struct mm1__posix_store *store)
{
    mm1__posix_store_stop(store);
    MM1_LIST_FOREACH(at, &store->logs) {
        struct mm1__store_log *log = MM1_CONTAINER_OF(at, struct mm1__store_log, link);
        mm1_tree_remove(&store->known, &log->node);
        mm1__store_log_free(log);
    }
    MM1_CHECK(mm1_list_empty(&store->requests) && mm1_tree_count(&store->known) == 0);
    close_descriptors(store);
    MM1_CHECK(pthread_cond_destroy(&store->work) == 0);
    MM1_CHECK(pthread_mutex_destroy(&store->lock) == 0);
}
