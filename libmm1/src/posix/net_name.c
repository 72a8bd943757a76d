/* Names of the transport, and the lock that guards a socket's file. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "posix/net_name.h"
#include "posix/os_error.h"

static bool take_prefix(struct mm1_text *text, struct mm1_text prefix)
{
    if (text->size < prefix.size || memcmp(text->data, prefix.data, prefix.size) != 0) {
        return false;
    }
    text->data += prefix.size;
    text->size -= prefix.size;
    return true;
}

/* One to five digits, at most 65535. */
static bool parse_port(struct mm1_text text, uint16_t *port)
{
    uint32_t value = 0;
    if (text.size == 0 || text.size > 5) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
        value = value * 10 + (uint32_t)(text.data[i] - '0');
    }
    *port = (uint16_t)value;
    return value <= UINT16_MAX;
}

static mm1_status parse_tcp(struct mm1_text text, struct mm1__net_name *out)
{
    char host[INET_ADDRSTRLEN];
    const char *colon = text.size == 0 ? NULL : memchr(text.data, ':', text.size);
    if (colon == NULL) {
        return MM1_INVALID;
    }
    size_t host_size = (size_t)(colon - text.data);
    struct mm1_text port_text = {.data = colon + 1, .size = text.size - host_size - 1};
    uint16_t port = 0;
    if (host_size >= sizeof(host) || !parse_port(port_text, &port)) {
        return MM1_INVALID;
    }
    memcpy(host, text.data, host_size);
    host[host_size] = '\0';
    out->is_tcp = true;
    out->address.sin_family = AF_INET;
    out->address.sin_port = htons(port);
    return inet_pton(AF_INET, host, &out->address.sin_addr) == 1 ? MM1_OK : MM1_INVALID;
}

mm1_status mm1__net_name_parse(struct mm1_text text, struct mm1__net_name *out)
{
    memset(out, 0, sizeof(*out));
    if (take_prefix(&text, MM1_TEXT("tcp://"))) {
        return parse_tcp(text, out);
    }
    if (!take_prefix(&text, MM1_TEXT("uds://")) || text.size == 0 ||
        text.size >= sizeof(out->path) || memchr(text.data, '\0', text.size) != NULL) {
        return MM1_INVALID;
    }
    memcpy(out->path, text.data, text.size);
    return MM1_OK;
}

#define LOCK_PATH_MAX (sizeof(((struct mm1__net_name *)0)->path) + sizeof(".lock"))

static void lock_path_of(const char *path, char out[LOCK_PATH_MAX])
{
    (void)snprintf(out, LOCK_PATH_MAX, "%s.lock", path);
}

/* True when `fd` is still the file of that name: whoever ended before us may have removed it in between. */
static bool is_file_at(int fd, const char *path)
{
    struct stat by_fd;
    struct stat by_path;
    return fstat(fd, &by_fd) == 0 && stat(path, &by_path) == 0 && by_fd.st_dev == by_path.st_dev &&
           by_fd.st_ino == by_path.st_ino;
}

static mm1_status take_lock(const char *path, int *lock_fd, int *error)
{
    char lock_path[LOCK_PATH_MAX];
    lock_path_of(path, lock_path);
    for (;;) {
        int fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0) {
            *error = errno;
            return mm1__os_status(*error);
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            *error = errno == EWOULDBLOCK ? EADDRINUSE : errno;
            (void)close(fd);
            return mm1__os_status(*error);
        }
        if (is_file_at(fd, lock_path)) {
            *lock_fd = fd;
            return MM1_OK;
        }
        (void)close(fd);
    }
}

/* True when somebody answers at the socket file, lock or no lock. */
static bool somebody_listens(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return false;
    }
    bool answers =
        connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 || errno == EAGAIN;
    (void)close(fd);
    return answers;
}

mm1_status mm1__net_path_lock(const char *path, int *lock_fd, int *error)
{
    MM1_TRY(take_lock(path, lock_fd, error));
    struct stat info;
    if (lstat(path, &info) != 0) {
        return MM1_OK; /* the usual case: nothing there */
    }
    if (!S_ISSOCK(info.st_mode) || somebody_listens(path)) {
        *error = EADDRINUSE;
    } else {
        *error = unlink(path) == 0 ? 0 : errno;
    }
    if (*error != 0) {
        mm1__net_path_unlock(path, *lock_fd);
    }
    return mm1__os_status(*error);
}

void mm1__net_path_unlock(const char *path, int lock_fd)
{
    char lock_path[LOCK_PATH_MAX];
    lock_path_of(path, lock_path);
    (void)unlink(lock_path); /* it may be gone already; the lock goes with the descriptor */
    (void)close(lock_fd);
}
