/* The system's error numbers as statuses. */
#undef _GNU_SOURCE /* strerror_r as POSIX has it */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "posix/os_error.h"

mm1_status mm1__os_status(int error)
{
    switch (error) {
    case 0:
        return MM1_OK;
    case ENOMEM:
        return MM1_NOMEM;
    case EADDRINUSE:
        return MM1_IN_USE;
    case ECONNREFUSED:
    case EACCES:
    case EPERM:
        return MM1_REFUSED;
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOTCONN:
        return MM1_RESET;
    case ETIMEDOUT:
        return MM1_TIMEOUT;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case ENETDOWN:
    case EHOSTDOWN:
        return MM1_NOCONNECTION;
    case ENOENT:
    case ENOTDIR:
    case EADDRNOTAVAIL:
        return MM1_NOT_FOUND;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case EAGAIN: /* a Unix socket whose backlog is full */
        return MM1_RESOURCE;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: /* the file may not grow, for whatever limit */
        return MM1_NO_SPACE;
    case EINVAL:
    case ENAMETOOLONG:
        return MM1_INVALID;
    default:
        return MM1_IO;
    }
}

void mm1__os_text(int error, char out[MM1__OS_TEXT_MAX])
{
    if (strerror_r(error, out, MM1__OS_TEXT_MAX) != 0) {
        (void)snprintf(out, MM1__OS_TEXT_MAX, "error %d", error);
    }
}
