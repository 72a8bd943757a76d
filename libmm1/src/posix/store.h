/* The store port on files: one file a log in one directory, and one thread that carries out all operations in order. */
#ifndef MM1_POSIX_STORE_H
#define MM1_POSIX_STORE_H

#include <pthread.h>

#include <mm1/store.h>

#include "base/list.h"
#include "base/tree.h"

#define MM1__STORE_ERROR_MAX 256

struct mm1__posix_store {
    struct mm1_store base;
    struct mm1_alloc *alloc;
    struct mm1_port_sink *sink;
    int dir_fd;
    int lock_fd; /* held exclusively: a directory belongs to one process */
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; /* guards what follows up to the next comment */
    pthread_cond_t work;
    struct mm1_list requests;
    struct mm1_tree known; /* logs that verbs may name, by handle */
    bool stopping;

    struct mm1_list logs; /* the thread's alone: those it has begun to open and not yet closed */
};

/* Opens the directory `dir`, makes it and those above it where they are missing, locks it and starts the thread. On
 * failure one line of text is written to `error`. MM1_IN_USE: another process has it; MM1_REFUSED: it may not be made
 * or written; else by the system's error. */
MM1_NODISCARD mm1_status mm1__posix_store_open(struct mm1__posix_store *store,
                                               struct mm1_alloc *alloc, const char *dir,
                                               char error[MM1__STORE_ERROR_MAX]);
/* Carries out what was begun and ends the thread. Nothing is posted afterwards, and verbs do nothing. */
void mm1__posix_store_stop(struct mm1__posix_store *store);
/* Closes all logs and frees what is left. Stops first where that was not done. */
void mm1__posix_store_close(struct mm1__posix_store *store);

/* --- between store.c (any thread) and store_log.c (the store's thread) ----------------------------------------- */

enum mm1__store_verb {
    MM1__STORE_OPEN,
    MM1__STORE_APPEND,
    MM1__STORE_SYNC,
    MM1__STORE_TRUNCATE,
    MM1__STORE_READ,
    MM1__STORE_CLOSE,
};

struct mm1__store_log;

struct mm1__store_request {
    struct mm1_list link;
    struct mm1__store_log *log;
    enum mm1__store_verb verb;
    uint64_t op;
    uint64_t offset; /* of read; size of truncate */
    size_t size;     /* of data; of read */
    uint8_t *data;   /* of append; behind the request, in the same block */
};

#define MM1__STORE_NAME_MAX 64

/* A log and the requests that open and close it, which so need no memory of their own. */
struct mm1__store_log {
    struct mm1__posix_store *store;
    mm1_handle handle;
    struct mm1_tree_node node; /* under the store's lock */
    struct mm1__store_request open;
    struct mm1__store_request close;

    struct mm1_list link;               /* in `logs`; the thread's alone from here on */
    char name[MM1__STORE_NAME_MAX + 1]; /* set before the thread sees it; empty: not a legal name */
    int fd;
    uint64_t size;
    bool dirty;     /* written since the last sync */
    bool truncated; /* cut since the last sync */
    bool broken;    /* what the file holds is not known any more: nothing but close is done */
};

/* Carries out one request and posts its answer. Frees the log after a close or a failed open. */
void mm1__store_carry_out(struct mm1__store_request *request);
/* False once the log was closed: nothing is posted for it any more. */
bool mm1__store_log_wanted(struct mm1__store_log *log);
/* Makes a log unknown to verbs and queues its close behind what was begun; as above. */
bool mm1__store_log_forget(struct mm1__store_log *log);
/* Closes its file and gives the log back. */
void mm1__store_log_free(struct mm1__store_log *log);

#endif
