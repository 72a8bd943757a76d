/* Status codes: every fallible function of libmm1 returns one. Never thread-local, never errno. */
#ifndef MM1_STATUS_H
#define MM1_STATUS_H

#include <mm1/check.h>

/* X(code, text). Append only: the number of a code is part of the trace format. */
#define MM1_STATUS_MAP(X)                                                                          \
    X(OK, "ok")                                                                                    \
    X(NOMEM, "out of memory")                                                                      \
    X(INVALID, "invalid argument")                                                                 \
    X(NOT_FOUND, "not found")                                                                      \
    X(CLOSED, "closed")                                                                            \
    X(FULL, "inbox full")                                                                          \
    X(TTL_EXHAUSTED, "ttl exhausted")                                                              \
    X(CONFLICT, "conflict")                                                                        \
    X(RESOURCE, "resource constraint")                                                             \
    X(TIMEOUT, "timed out")                                                                        \
    X(EXITED, "exited")                                                                            \
    X(NOPROC, "no such actor")                                                                     \
    X(NOCONNECTION, "no connection")                                                               \
    X(REFUSED, "refused")                                                                          \
    X(MALFORMED, "malformed")                                                                      \
    X(TRUNCATED, "truncated")                                                                      \
    X(TOO_LARGE, "too large")                                                                      \
    X(UNKNOWN_TYPE, "unknown message type")                                                        \
    X(IO, "input/output error")                                                                    \
    X(RESET, "connection reset")                                                                   \
    X(NO_SPACE, "no space left")                                                                   \
    X(IN_USE, "already in use")                                                                    \
    X(UNHANDLED, "unhandled message")                                                              \
    X(DIVERGED, "diverged")                                                                        \
    X(INTERRUPTED, "interrupted")                                                                  \
    X(INTERNAL, "internal error")

typedef enum mm1_status {
#define MM1__STATUS_ENUM(code, text) MM1_##code,
    MM1_STATUS_MAP(MM1__STATUS_ENUM)
#undef MM1__STATUS_ENUM
} mm1_status;

/* The text of a status, in lower case; "unknown status" for a number outside the map. Static storage. */
MM1_API const char *mm1_status_text(mm1_status status);

#endif
