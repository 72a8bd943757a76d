/* The transport port on libuv: TCP and Unix sockets on one loop thread of its own. libuv stays inside these files. */
#ifndef MM1_POSIX_TRANSPORT_H
#define MM1_POSIX_TRANSPORT_H

#include <pthread.h>
#include <uv.h>

#include <mm1/transport.h>

#include "base/list.h"
#include "base/tree.h"
#include "posix/net_name.h"

#define MM1__NET_READ_MAX 65536
#define MM1__NET_PIECE_MAX ((size_t)1 << 30) /* a larger send is refused as out of memory */

struct mm1__posix_transport {
    struct mm1_transport base;
    struct mm1_alloc *alloc;
    struct mm1_port_sink *sink;
    pthread_t thread;
    uv_loop_t loop;
    uv_async_t wake;

    pthread_mutex_t lock;  /* guards what follows up to the next comment */
    struct mm1_tree known; /* ends that verbs may name, by handle */
    struct mm1_list dirty; /* ends with work for the loop thread */
    bool stopping;         /* no verb does anything any more */

    struct mm1_list
        ends;            /* the loop thread's alone from here on: all ends, closing ones included */
    bool ending;         /* it has seen `stopping` */
    uv_timer_t patience; /* how long it waits for what is still to be sent when it stops */
    uint8_t buffer[MM1__NET_READ_MAX];
};

/* One end: a listener, or a connection's near side. Verbs of any thread leave their wishes in it, which takes no memory
 * but for bytes to send, and put it on the dirty list. */
struct mm1__net_end {
    struct mm1__posix_transport *transport;
    mm1_handle handle;
    bool is_listener;
    struct mm1_text name; /* as given; owned; empty for an accepted connection */
    /* Of a listener: what the next connection is taken with, so that it can be refused when no memory is left. */
    struct mm1__net_end *spare;

    struct mm1_tree_node node; /* under the lock, up to the next comment */
    struct mm1_list dirty;
    struct mm1_list asked_sends; /* of struct mm1__net_piece */
    size_t asked_credit;
    bool asked_open;
    bool asked_close;

    struct mm1_list link;  /* in `ends`; the loop thread's alone from here on */
    struct mm1_list sends; /* taken, and waiting for the connection to stand */
    struct mm1__net_name where;
    int lock_fd; /* of a listening path; -1: none */
    size_t credit;
    bool has_uv;    /* the handle below is initialised */
    bool connected; /* bytes can flow */
    bool reading;
    bool draining;    /* closed by its owner; what was sent still leaves */
    bool shut;        /* all has left */
    bool starved;     /* a listener with a connection to take, and no spare */
    bool turned_away; /* a connection for which there was no memory; its handle is the listener's */
    bool reset;       /* the peer shall see that it broke */
    bool disposed;
    size_t left; /* what was still to be sent when last looked at */
    unsigned open_handles;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    uv_timer_t linger;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
};

/* Bytes on their way out. */
struct mm1__net_piece {
    struct mm1_list link;
    struct mm1__net_end *end;
    uv_write_t write;
    bool background;
    size_t size;
    uint8_t data[];
};

/* Starts the loop and its thread. MM1_RESOURCE, MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__posix_transport_open(struct mm1__posix_transport *transport,
                                                   struct mm1_alloc *alloc);
/* Ends the thread: listeners close, what was sent is given a second to leave. Nothing is posted afterwards, and
 * verbs do nothing. */
void mm1__posix_transport_stop(struct mm1__posix_transport *transport);
/* Frees what is left. Stops first where that was not done. */
void mm1__posix_transport_close(struct mm1__posix_transport *transport);

/* --- between transport.c (any thread) and transport_loop.c (the loop thread) ----------------------------------- */

/* An end of no handle yet; `name` is copied. Null when memory is refused. */
struct mm1__net_end *mm1__net_end_new(struct mm1__posix_transport *transport, bool is_listener,
                                      struct mm1_text name);
/* Makes an accepted connection that is closed what mm1__net_end_new made. */
void mm1__net_end_renew(struct mm1__net_end *end);
/* Gives an end back that is on no list and has no open handle, with its pieces. */
void mm1__net_end_free(struct mm1__net_end *end);
void mm1__net_piece_free(struct mm1__net_piece *piece);
/* Makes the end known to verbs under `handle`. */
void mm1__net_end_publish(struct mm1__net_end *end, mm1_handle handle);
/* Makes it unknown. True when its owner has not closed it before, so that a completion may still be posted. */
bool mm1__net_end_forget(struct mm1__net_end *end);
/* False once its owner has closed it. */
bool mm1__net_end_wanted(struct mm1__net_end *end);
/* The work of the loop thread when it is woken. */
void mm1__net_on_wake(uv_async_t *wake);

#endif
