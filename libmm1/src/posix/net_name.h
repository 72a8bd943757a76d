/* Names of the transport: "tcp://IPv4:port" and "uds://path", and the lock that guards a socket's file. */
#ifndef MM1_POSIX_NET_NAME_H
#define MM1_POSIX_NET_NAME_H

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/un.h>

#include <mm1/bytes.h>
#include <mm1/status.h>

struct mm1__net_name {
    bool is_tcp;
    struct sockaddr_in address;                             /* of tcp */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)]; /* of uds, terminated */
};

/* MM1_INVALID: not such a name, or its path is too long for a socket. Host names are refused (mm1-spec G-06). */
MM1_NODISCARD mm1_status mm1__net_name_parse(struct mm1_text text, struct mm1__net_name *out);

/* Takes the exclusive lock "<path>.lock" and, under it, removes a socket file that a dead process left (MN-04). The
 * lock is held as long as `*lock_fd` is open.
 * MM1_IN_USE: the lock is held, somebody listens there, or the file is no socket; else by the system's error, which
 * `*error` then is. */
MM1_NODISCARD mm1_status mm1__net_path_lock(const char *path, int *lock_fd, int *error);
/* Removes the lock file and gives the lock up; the socket file must be gone. */
void mm1__net_path_unlock(const char *path, int lock_fd);

#endif
