/* What is particular to real sockets: socket files and their locks, resets, many threads at once. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../conform/posix_world.h"
#include "../../conform/transport_steps.h"
#include "posix/net_name.h"

static struct posix_world *of(struct conform_world *world)
{
    return MM1_CONTAINER_OF(world, struct posix_world, base);
}

static void path_of(struct conform_world *w, const char *name, char out[CONFORM_NAME_MAX])
{
    (void)snprintf(out, CONFORM_NAME_MAX, "%s/%s", of(w)->dir, name);
}

static void uds_name_of(struct conform_world *w, const char *name, char out[CONFORM_NAME_MAX])
{
    (void)snprintf(out, CONFORM_NAME_MAX, "uds://%s/%s", of(w)->dir, name);
}

static mm1_handle begin_listen(struct conform_world *w, const char *name)
{
    mm1_handle listener = conform_handle(&w->sink);
    conform_listen_as(w, listener, name);
    return listener;
}

static int bind_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    cr_assert_lt(strlen(path), sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* --- names ---------------------------------------------------------------------------------------------------- */

Test(net_name, parses)
{
    struct mm1__net_name name;
    cr_assert_eq(mm1__net_name_parse(MM1_TEXT("tcp://10.1.2.3:65535"), &name), MM1_OK);
    cr_assert(name.is_tcp && name.address.sin_port == htons(65535));
    cr_assert_eq(name.address.sin_addr.s_addr, htonl(0x0a010203));
    cr_assert_eq(mm1__net_name_parse(MM1_TEXT("uds:///run/x.sock"), &name), MM1_OK);
    cr_assert(!name.is_tcp);
    cr_assert_str_eq(name.path, "/run/x.sock");
    cr_assert_eq(mm1__net_name_parse(MM1_TEXT("uds://rel/x"), &name), MM1_OK);
    cr_assert_str_eq(name.path, "rel/x");
}

Test(net_name, refuses)
{
    const char *const bad[] = {"tcp://localhost:1",
                               "tcp://[::1]:1",
                               "tcp://1.2.3:4",
                               "tcp://1.2.3.4:65536",
                               "tcp://1.2.3.4:-1",
                               "tcp://1.2.3.4: 1",
                               "tcp://:1",
                               "TCP://1.2.3.4:1",
                               "tcp:/1.2.3.4:1",
                               "uds:/x",
                               "tcp://1.2.3.4:000001"};
    struct mm1__net_name name;
    for (size_t i = 0; i < MM1_COUNT_OF(bad); i++) {
        cr_assert_eq(mm1__net_name_parse(mm1_text_of(bad[i]), &name), MM1_INVALID, "%s", bad[i]);
    }
    char longest[6 + 108];
    memset(longest, 'p', sizeof(longest));
    memcpy(longest, "uds://", 6);
    struct mm1_text text = {.data = longest, .size = 6 + 107};
    cr_assert_eq(mm1__net_name_parse(text, &name), MM1_OK);
    text.size++;
    cr_assert_eq(mm1__net_name_parse(text, &name), MM1_INVALID, "it would be cut");
    cr_assert_eq(mm1__net_name_parse(MM1_TEXT("uds://a\0b"), &name), MM1_INVALID);
}

/* --- socket files --------------------------------------------------------------------------------------------- */

Test(socket_file, is_removed_with_its_lock)
{
    struct conform_world *w = posix_uds_world();
    char name[CONFORM_NAME_MAX];
    char path[CONFORM_NAME_MAX];
    char lock[CONFORM_NAME_MAX];
    uds_name_of(w, "s", name);
    path_of(w, "s", path);
    path_of(w, "s.lock", lock);
    mm1_handle listener = begin_listen(w, name);
    cr_assert_not_null(CONFORM_AWAIT(w, listener, mm1_listening));
    cr_assert(access(path, F_OK) == 0 && access(lock, F_OK) == 0);
    conform_close(w, listener);
    conform_let_work(w);
    cr_assert(access(path, F_OK) != 0 && access(lock, F_OK) != 0);
    /* And so they are when the transport ends under a listener. */
    cr_assert_not_null(CONFORM_AWAIT(w, begin_listen(w, name), mm1_listening));
    mm1__posix_transport_stop(&of(w)->transport);
    cr_assert(access(path, F_OK) != 0 && access(lock, F_OK) != 0);
    w->ops->free(w);
}

Test(socket_file, is_taken_over_from_the_dead)
{
    struct conform_world *w = posix_uds_world();
    char name[CONFORM_NAME_MAX];
    char path[CONFORM_NAME_MAX];
    char lock[CONFORM_NAME_MAX];
    uds_name_of(w, "s", name);
    path_of(w, "s", path);
    path_of(w, "s.lock", lock);
    /* What a killed process leaves: a socket nobody holds, and a lock file that is not locked. */
    (void)close(bind_socket(path));
    int fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && close(fd) == 0);
    mm1_handle listener = begin_listen(w, name);
    cr_assert_not_null(CONFORM_AWAIT(w, listener, mm1_listening));
    cr_assert_not_null(CONFORM_AWAIT(w, conform_dial(w, name), mm1_connected));
    w->ops->free(w);
}

Test(socket_file, is_left_to_who_holds_the_lock)
{
    struct conform_world *w = posix_uds_world();
    char name[CONFORM_NAME_MAX];
    char path[CONFORM_NAME_MAX];
    char lock[CONFORM_NAME_MAX];
    uds_name_of(w, "s", name);
    path_of(w, "s", path);
    path_of(w, "s.lock", lock);
    (void)close(bind_socket(path));
    int fd = open(lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
    conform_expect_failed(w, begin_listen(w, name), MM1_IN_USE);
    cr_assert(access(path, F_OK) == 0 && access(lock, F_OK) == 0);
    (void)close(fd);
    cr_assert_not_null(CONFORM_AWAIT(w, begin_listen(w, name), mm1_listening));
    w->ops->free(w);
}

Test(socket_file, is_left_to_who_listens_without_a_lock)
{
    struct conform_world *w = posix_uds_world();
    char name[CONFORM_NAME_MAX];
    char path[CONFORM_NAME_MAX];
    uds_name_of(w, "s", name);
    path_of(w, "s", path);
    int fd = bind_socket(path);
    cr_assert_eq(listen(fd, 4), 0);
    conform_expect_failed(w, begin_listen(w, name), MM1_IN_USE);
    cr_assert_eq(access(path, F_OK), 0);
    (void)close(fd);
    w->ops->free(w);
}

Test(socket_file, never_replaces_another_file)
{
    struct conform_world *w = posix_uds_world();
    char name[CONFORM_NAME_MAX];
    char path[CONFORM_NAME_MAX];
    char lock[CONFORM_NAME_MAX];
    uds_name_of(w, "precious", name);
    path_of(w, "precious", path);
    path_of(w, "precious.lock", lock);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && write(fd, "data", 4) == 4 && close(fd) == 0);
    conform_expect_failed(w, begin_listen(w, name), MM1_IN_USE);
    struct stat info;
    cr_assert(stat(path, &info) == 0 && info.st_size == 4);
    cr_assert(access(lock, F_OK) != 0, "nothing half-made is left");
    uds_name_of(w, "no/such/folder", name);
    conform_expect_failed(w, begin_listen(w, name), MM1_NOT_FOUND);
    w->ops->free(w);
}

/* --- peers that are not ours ----------------------------------------------------------------------------------- */

/* A plain blocking socket connected to the listener at `name`. */
static int plain_connect(const char *name)
{
    struct mm1__net_name parsed;
    cr_assert_eq(mm1__net_name_parse(mm1_text_of(name), &parsed), MM1_OK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(fd >= 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&parsed.address, sizeof(parsed.address)), 0);
    return fd;
}

static void reset_socket(int fd)
{
    struct linger linger = {.l_onoff = 1};
    cr_assert_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)), 0);
    cr_assert_eq(close(fd), 0);
}

Test(socket, a_reset_ends_with_reset)
{
    struct conform_world *w = posix_tcp_world();
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    int fd = plain_connect(name);
    mm1_handle far = conform_accept(w, listener);
    conform_credit(w, far, 10);
    reset_socket(fd);
    conform_expect_ended(w, far, MM1_RESET);
    w->ops->free(w);
}

Test(socket, a_reset_after_bytes_is_no_orderly_end)
{
    struct conform_world *w = posix_tcp_world();
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    int fd = plain_connect(name);
    mm1_handle far = conform_accept(w, listener);
    conform_send(w, far, "unread", 6);
    cr_assert_not_null(CONFORM_AWAIT(w, far, mm1_sent));
    uint8_t *data = conform_stream(100);
    cr_assert_eq(write(fd, data, 100), 100);
    (void)close(fd); /* with bytes it did not read: a reset behind its own */
    conform_credit(w, far, 1000);
    conform_receive(w, far, 0, 100);
    conform_expect_ended(w, far, MM1_RESET);
    free(data);
    w->ops->free(w);
}

Test(socket, a_reset_is_seen_by_who_only_sends)
{
    struct conform_world *w = posix_tcp_world();
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    int fd = plain_connect(name);
    mm1_handle far = conform_accept(w, listener);
    reset_socket(fd);
    conform_send(w, far, "x", 1);
    const struct mm1_msg_type *got = &mm1_sent_type;
    for (unsigned i = 0; i < 1000 && got == &mm1_sent_type; i++) {
        (void)conform_await_either(w, far, &mm1_sent_type, &mm1_ended_type, &got);
        conform_send(w, far, "x", 1);
    }
    cr_assert_eq(got, &mm1_ended_type);
    cr_assert_eq(conform_count(&w->sink, far, &mm1_ended_type), 1);
    w->ops->free(w);
}

Test(socket, real_port_is_reported)
{
    struct conform_world *w = posix_tcp_world();
    char name[CONFORM_NAME_MAX];
    (void)conform_listen(w, name);
    cr_assert(strncmp(name, "tcp://127.0.0.1:", 16) == 0);
    cr_assert(name[16] >= '1' && name[16] <= '9', "%s", name);
    w->ops->free(w);
}

Test(socket, stop_lets_what_was_sent_leave)
{
    struct conform_world *w = posix_tcp_world();
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    int fd = plain_connect(name);
    mm1_handle far = conform_accept(w, listener);
    uint8_t *data = conform_stream(50000);
    conform_send(w, far, data, 50000);
    mm1__posix_transport_stop(&of(w)->transport);
    size_t got = 0;
    uint8_t buffer[4096];
    for (;;) {
        ssize_t size = read(fd, buffer, sizeof(buffer));
        cr_assert_geq(size, 0);
        if (size == 0) {
            break;
        }
        cr_assert(memcmp(buffer, data + got, (size_t)size) == 0);
        got += (size_t)size;
    }
    cr_assert_eq(got, 50000);
    /* Verbs on a stopped transport do nothing. */
    conform_send(w, far, "x", 1);
    conform_credit(w, far, 1);
    w->env.transport->ops->close(w->env.transport, far);
    (void)begin_listen(w, "tcp://127.0.0.1:0");
    (void)close(fd);
    free(data);
    w->ops->free(w);
}

Test(socket, stop_does_not_wait_for_a_peer_that_never_reads)
{
    struct conform_world *w = posix_tcp_world();
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    int fd = plain_connect(name);
    mm1_handle far = conform_accept(w, listener);
    const size_t size = 32u << 20; /* more than the kernel takes */
    uint8_t *data = calloc(1, size);
    cr_assert_not_null(data);
    conform_send(w, far, data, size);
    w->ops->free(w); /* returns, or CTest ends it */
    (void)close(fd);
    free(data);
}

/* --- many threads --------------------------------------------------------------------------------------------- */

enum { HAMMERS = 4, BLOWS = 200 };

struct hammer {
    struct conform_world *world;
    const char *name;
    pthread_t thread;
};

static void *hammer(void *arg)
{
    struct hammer *self = arg;
    struct conform_world *w = self->world;
    struct mm1_transport *transport = w->env.transport;
    for (unsigned i = 0; i < BLOWS; i++) {
        mm1_handle handle = conform_dial(w, self->name);
        transport->ops->read(transport, handle, 100);
        struct mm1_bytes bytes = {.data = (const uint8_t *)"hello", .size = 5};
        (void)!transport->ops->send(transport, handle, bytes, false);
        if (i % 3 != 0) {
            (void)CONFORM_AWAIT(w, handle, mm1_connected);
        }
        conform_close(w, handle);
    }
    return NULL;
}

Test(socket, takes_verbs_from_many_threads)
{
    struct conform_world *w = posix_uds_world();
    struct hammer hammers[HAMMERS];
    char name[CONFORM_NAME_MAX];
    mm1_handle listener = conform_listen(w, name);
    for (unsigned i = 0; i < HAMMERS; i++) {
        hammers[i] = (struct hammer){.world = w, .name = name};
        cr_assert_eq(pthread_create(&hammers[i].thread, NULL, hammer, &hammers[i]), 0);
    }
    for (unsigned i = 0; i < HAMMERS; i++) {
        cr_assert_eq(pthread_join(hammers[i].thread, NULL), 0);
    }
    /* It still works. */
    mm1_handle near = conform_dial(w, name);
    cr_assert_not_null(CONFORM_AWAIT(w, near, mm1_connected));
    cr_assert_not_null(CONFORM_AWAIT(w, listener, mm1_accepted));
    w->ops->free(w);
}
