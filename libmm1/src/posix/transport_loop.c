/* The loop thread of the transport port: what was asked of an end becomes libuv calls, and libuv's answers become
 * completions. A completion is posted with no lock held. */
#include <stdio.h>
#include <sys/socket.h>

#include "posix/os_error.h"
#include "posix/transport.h"

#define LISTEN_BACKLOG 128
#define KEEPALIVE_SECS 30
#define LINGER_MS 10000  /* a closed connection that makes no progress for so long is cut */
#define PATIENCE_MS 1000 /* for all of them, when the transport stops */

static void accept_one(struct mm1__net_end *listener);

/* --- the end of an end ---------------------------------------------------------------------------------------- */

/* Gives a connection that was turned away back to its listener, for the next. False: it is not needed. */
static bool give_back(struct mm1__net_end *end)
{
    MM1_LIST_FOREACH(at, &end->transport->ends) {
        struct mm1__net_end *listener = MM1_CONTAINER_OF(at, struct mm1__net_end, link);
        if (listener->is_listener && listener->handle == end->handle) {
            if (listener->disposed || listener->spare != NULL) {
                return false;
            }
            mm1__net_end_renew(end);
            listener->spare = end;
            if (listener->starved) {
                accept_one(listener);
            }
            return true;
        }
    }
    return false;
}

static void when_closed(struct mm1__net_end *end)
{
    struct mm1__posix_transport *transport = end->transport;
    if (end->open_handles > 0) {
        return;
    }
    if (end->lock_fd >= 0) {
        /* libuv removed the socket's file when it closed the handle. */
        mm1__net_path_unlock(end->where.path, end->lock_fd);
        end->lock_fd = -1;
    }
    mm1_list_remove(&end->link);
    if (!end->turned_away || !give_back(end)) {
        mm1__net_end_free(end);
    }
    if (transport->ending && mm1_list_empty(&transport->ends) &&
        !uv_is_closing((uv_handle_t *)&transport->patience)) {
        uv_close((uv_handle_t *)&transport->patience, NULL);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct mm1__net_end *end = handle->data;
    end->open_handles--;
    when_closed(end);
}

/* Closes what is open and frees the end when that has happened. The end is forgotten before. */
static void dispose(struct mm1__net_end *end)
{
    if (end->disposed) {
        return;
    }
    end->disposed = true;
    if (!end->has_uv) {
        when_closed(end);
        return;
    }
    bool reset = end->reset && end->where.is_tcp;
    if (!reset || uv_tcp_close_reset(&end->uv.tcp, on_closed) != 0) {
        uv_close(&end->uv.handle, on_closed);
    }
    uv_close((uv_handle_t *)&end->linger, on_closed);
}

/* A listen or dial that did not succeed. `error` is a positive errno, or 0 where `status` says it all. */
static void fail(struct mm1__net_end *end, mm1_status status, int error)
{
    char why[MM1__OS_TEXT_MAX];
    if (error != 0) {
        mm1__os_text(error, why);
    }
    if (mm1__net_end_forget(end)) {
        struct mm1_failed failed = {
            .handle = end->handle,
            .status = (uint32_t)status,
            .reason = mm1_text_of(error != 0 ? why : mm1_status_text(status)),
        };
        struct mm1_port_sink *sink = end->transport->sink;
        sink->post(sink, end->handle, false, &mm1_failed_type, &failed);
    }
    dispose(end);
}

static void fail_uv(struct mm1__net_end *end, int code)
{
    fail(end, mm1__os_status(-code), -code);
}

/* libuv takes a hang-up after the last bytes for an end without asking what kind it is: the socket knows. */
static int true_end(const struct mm1__net_end *end, int code)
{
    uv_os_fd_t fd;
    int error = 0;
    socklen_t size = sizeof(error);
    if (code == UV_EOF && uv_fileno(&end->uv.handle, &fd) == 0 &&
        getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0) {
        return -error;
    }
    return code;
}

static void finish(struct mm1__net_end *end, mm1_status status)
{
    if (mm1__net_end_forget(end)) {
        struct mm1_ended ended = {.handle = end->handle, .status = (uint32_t)status};
        struct mm1_port_sink *sink = end->transport->sink;
        sink->post(sink, end->handle, false, &mm1_ended_type, &ended);
    }
    dispose(end);
}

/* The stream is over; `code` is libuv's. */
static void end_stream(struct mm1__net_end *end, int code)
{
    code = true_end(end, code);
    finish(end, code == UV_EOF ? MM1_CLOSED : mm1__os_status(-code));
}

/* --- reading -------------------------------------------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)suggested;
    struct mm1__net_end *end = handle->data;
    /* Never more than the credit is taken from the kernel: what is beyond stays there and holds the peer back. */
    size_t room = sizeof(end->transport->buffer);
    if (!end->draining && end->credit < room) {
        room = end->credit;
    }
    *buf = uv_buf_init((char *)end->transport->buffer, (unsigned)room);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct mm1__net_end *end = stream->data;
    if (count == 0) {
        return;
    }
    if (count < 0) {
        end_stream(end, (int)count);
        return;
    }
    if (end->draining) {
        return; /* nobody wants it; it is read so that the kernel does not answer the peer with a reset */
    }
    MM1_CHECK((size_t)count <= end->credit);
    end->credit -= (size_t)count;
    if (end->credit == 0) {
        end->reading = false;
        (void)uv_read_stop(stream);
    }
    if (mm1__net_end_wanted(end)) {
        struct mm1_received received = {
            .handle = end->handle,
            .data = {.data = (const uint8_t *)buf->base, .size = (size_t)count},
        };
        struct mm1_port_sink *sink = end->transport->sink;
        mm1_status status =
            sink->post_data(sink, end->handle, false, &mm1_received_type, &received);
        if (status != MM1_OK) {
            end->reset = true; /* these bytes are lost: so is the stream */
            finish(end, status);
        }
    }
}

static void start_reading(struct mm1__net_end *end)
{
    if (end->reading || !end->connected || (end->credit == 0 && !end->draining)) {
        return;
    }
    int code = uv_read_start(&end->uv.stream, on_alloc, on_read);
    if (code != 0) {
        end_stream(end, code);
        return;
    }
    end->reading = true;
}

/* --- sending -------------------------------------------------------------------------------------------------- */

static void on_written(uv_write_t *write, int code)
{
    struct mm1__net_piece *piece = write->data;
    struct mm1__net_end *end = piece->end;
    if (code == 0 && mm1__net_end_wanted(end)) {
        struct mm1_sent sent = {.handle = end->handle, .size = piece->size};
        struct mm1_port_sink *sink = end->transport->sink;
        sink->post(sink, end->handle, piece->background, &mm1_sent_type, &sent);
    }
    mm1__net_piece_free(piece);
    if (code != 0 && !end->disposed) {
        end_stream(end, code);
    }
}

/* Hands what is queued to libuv, in order. */
static void flush(struct mm1__net_end *end)
{
    if (!end->connected) {
        return;
    }
    MM1_LIST_FOREACH(at, &end->sends) {
        struct mm1__net_piece *piece = MM1_CONTAINER_OF(at, struct mm1__net_piece, link);
        mm1_list_remove(at);
        uv_buf_t buf = uv_buf_init((char *)piece->data, (unsigned)piece->size);
        piece->write.data = piece;
        int code = uv_write(&piece->write, &end->uv.stream, &buf, 1, on_written);
        if (code != 0) {
            mm1__net_piece_free(piece);
            end_stream(end, code);
            return;
        }
    }
}

/* --- closing a connection ------------------------------------------------------------------------------------- */

static void on_linger(uv_timer_t *timer)
{
    struct mm1__net_end *end = timer->data;
    size_t left = uv_stream_get_write_queue_size(&end->uv.stream);
    if (end->shut || left >= end->left) {
        dispose(end);
        return;
    }
    end->left = left;
}

static void on_shutdown(uv_shutdown_t *shutdown, int code)
{
    struct mm1__net_end *end = shutdown->data;
    if (end->disposed) {
        return;
    }
    end->shut = true;
    /* Wait for the peer's own end: closing while it still sends would reset what it has not read yet. */
    if (code != 0 || end->transport->ending) {
        dispose(end);
    }
}

/* The owner is gone: what was sent still leaves, what comes is thrown away, then the end goes. */
static void begin_close(struct mm1__net_end *end)
{
    if (end->disposed || end->draining) {
        return;
    }
    if (end->is_listener || !end->connected) {
        dispose(end);
        return;
    }
    end->draining = true;
    end->left = uv_stream_get_write_queue_size(&end->uv.stream);
    end->shutdown.data = end;
    if (uv_shutdown(&end->shutdown, &end->uv.stream, on_shutdown) != 0) {
        dispose(end);
        return;
    }
    (void)uv_timer_start(&end->linger, on_linger, LINGER_MS, LINGER_MS);
    start_reading(end);
}

/* --- opening -------------------------------------------------------------------------------------------------- */

static int init_uv(struct mm1__net_end *end)
{
    uv_loop_t *loop = &end->transport->loop;
    int code =
        end->where.is_tcp ? uv_tcp_init(loop, &end->uv.tcp) : uv_pipe_init(loop, &end->uv.pipe, 0);
    if (code != 0) {
        return code;
    }
    MM1_CHECK(uv_timer_init(loop, &end->linger) == 0);
    end->uv.handle.data = end;
    end->linger.data = end;
    end->has_uv = true;
    end->open_handles = 2;
    return 0;
}

static void set_tcp_options(struct mm1__net_end *end)
{
    if (end->where.is_tcp) {
        /* Best effort: a connection without them still works. */
        (void)uv_tcp_nodelay(&end->uv.tcp, 1);
        (void)uv_tcp_keepalive(&end->uv.tcp, 1, KEEPALIVE_SECS);
    }
}

static struct mm1__net_end *new_spare(struct mm1__net_end *listener)
{
    return mm1__net_end_new(listener->transport, false, (struct mm1_text){0});
}

static void accept_one(struct mm1__net_end *listener)
{
    struct mm1__posix_transport *transport = listener->transport;
    struct mm1__net_end *end = listener->spare != NULL ? listener->spare : new_spare(listener);
    listener->starved = end == NULL;
    if (end == NULL) {
        return; /* libuv keeps the connection and takes no other, until one that was turned away is closed */
    }
    listener->spare = new_spare(listener);
    mm1_list_push_back(&transport->ends, &end->link);
    end->where.is_tcp = listener->where.is_tcp;
    if (init_uv(end) != 0 || uv_accept(&listener->uv.stream, &end->uv.stream) != 0) {
        dispose(end);
        return;
    }
    struct mm1_port_sink *sink = transport->sink;
    mm1_handle handle = 0;
    if (listener->spare == NULL) {
        end->turned_away = true;
        end->handle = listener->handle;
    } else {
        handle = sink->adopt(sink, listener->handle);
    }
    if (handle == 0) {
        end->reset = true;
        dispose(end);
        return;
    }
    set_tcp_options(end);
    end->connected = true;
    mm1__net_end_publish(end, handle);
    struct mm1_accepted accepted = {.listener = listener->handle, .handle = handle};
    sink->post(sink, listener->handle, false, &mm1_accepted_type, &accepted);
}

static void on_connection(uv_stream_t *stream, int code)
{
    struct mm1__net_end *listener = stream->data;
    /* An error here is about one connection that is gone again, or about a lack of descriptors that passes. */
    if (code == 0 && !listener->disposed) {
        accept_one(listener);
    }
}

/* The name it really has: a port of 0 has become another. */
static void post_listening(struct mm1__net_end *end)
{
    char text[INET_ADDRSTRLEN + 32];
    struct mm1_listening listening = {.handle = end->handle, .name = end->name};
    struct sockaddr_in address;
    int size = sizeof(address);
    if (end->where.is_tcp &&
        uv_tcp_getsockname(&end->uv.tcp, (struct sockaddr *)&address, &size) == 0) {
        char host[INET_ADDRSTRLEN];
        MM1_CHECK(uv_ip4_name(&address, host, sizeof(host)) == 0);
        (void)snprintf(text, sizeof(text), "tcp://%s:%u", host, (unsigned)ntohs(address.sin_port));
        listening.name = mm1_text_of(text);
    }
    if (mm1__net_end_wanted(end)) {
        struct mm1_port_sink *sink = end->transport->sink;
        mm1_status status =
            sink->post_data(sink, end->handle, false, &mm1_listening_type, &listening);
        if (status != MM1_OK) {
            fail(end, status, 0);
        }
    }
}

static void open_listener(struct mm1__net_end *end)
{
    int code = 0;
    if (end->where.is_tcp) {
        code = uv_tcp_bind(&end->uv.tcp, (const struct sockaddr *)&end->where.address, 0);
    } else {
        int error = 0;
        mm1_status status = mm1__net_path_lock(end->where.path, &end->lock_fd, &error);
        if (status != MM1_OK) {
            end->lock_fd = -1;
            fail(end, status, error);
            return;
        }
        code = uv_pipe_bind(&end->uv.pipe, end->where.path);
    }
    if (code == 0) {
        code = uv_listen(&end->uv.stream, LISTEN_BACKLOG, on_connection);
    }
    if (code != 0) {
        fail_uv(end, code);
        return;
    }
    post_listening(end);
}

/* On loopback a port that nobody listens at can be dialled from itself, and TCP then connects it to itself. */
static bool is_connected_to_itself(const struct mm1__net_end *end)
{
    struct sockaddr_in near;
    struct sockaddr_in far;
    int near_size = sizeof(near);
    int far_size = sizeof(far);
    return end->where.is_tcp &&
           uv_tcp_getsockname(&end->uv.tcp, (struct sockaddr *)&near, &near_size) == 0 &&
           uv_tcp_getpeername(&end->uv.tcp, (struct sockaddr *)&far, &far_size) == 0 &&
           near.sin_port == far.sin_port && near.sin_addr.s_addr == far.sin_addr.s_addr;
}

static void on_connected(uv_connect_t *connect, int code)
{
    struct mm1__net_end *end = connect->data;
    if (end->disposed) {
        return;
    }
    if (code == UV_ENOENT || (code == 0 && is_connected_to_itself(end))) {
        code = UV_ECONNREFUSED; /* no socket there: nobody listens */
    }
    if (code != 0) {
        fail_uv(end, code);
        return;
    }
    set_tcp_options(end);
    end->connected = true;
    if (mm1__net_end_wanted(end)) {
        struct mm1_connected connected = {.handle = end->handle};
        struct mm1_port_sink *sink = end->transport->sink;
        sink->post(sink, end->handle, false, &mm1_connected_type, &connected);
    }
    flush(end);
    if (!end->disposed) {
        start_reading(end);
    }
}

static void open_dial(struct mm1__net_end *end)
{
    end->connect.data = end;
    if (!end->where.is_tcp) {
        uv_pipe_connect(&end->connect, &end->uv.pipe, end->where.path, on_connected);
        return;
    }
    int code = uv_tcp_connect(&end->connect, &end->uv.tcp,
                              (const struct sockaddr *)&end->where.address, on_connected);
    if (code != 0) {
        fail_uv(end, code);
    }
}

static void open_end(struct mm1__net_end *end)
{
    mm1_list_push_back(&end->transport->ends, &end->link);
    mm1_status status = mm1__net_name_parse(end->name, &end->where);
    if (status != MM1_OK) {
        fail(end, status, 0);
        return;
    }
    int code = init_uv(end);
    if (code != 0) {
        fail_uv(end, code);
    } else if (end->is_listener) {
        open_listener(end);
    } else {
        open_dial(end);
    }
}

/* --- the thread's work ---------------------------------------------------------------------------------------- */

static void serve(struct mm1__net_end *end, bool open, bool close)
{
    if (open && close) {
        mm1__net_end_free(end); /* closed before it was opened: it never was */
        return;
    }
    if (open) {
        open_end(end); /* the end may be gone now */
        return;
    }
    flush(end);
    if (!end->disposed) {
        start_reading(end);
    }
    if (close) {
        begin_close(end);
    }
}

static void on_patience(uv_timer_t *timer)
{
    struct mm1__posix_transport *transport =
        MM1_CONTAINER_OF(timer, struct mm1__posix_transport, patience);
    MM1_LIST_FOREACH(at, &transport->ends) {
        dispose(MM1_CONTAINER_OF(at, struct mm1__net_end, link));
    }
}

static void begin_end(struct mm1__posix_transport *transport)
{
    transport->ending = true;
    uv_close((uv_handle_t *)&transport->wake, NULL);
    (void)uv_timer_start(&transport->patience, on_patience, PATIENCE_MS, 0);
    MM1_LIST_FOREACH(at, &transport->ends) {
        struct mm1__net_end *end = MM1_CONTAINER_OF(at, struct mm1__net_end, link);
        (void)mm1__net_end_forget(end);
        if (end->shut) {
            dispose(end);
        } else {
            begin_close(end);
        }
    }
    if (mm1_list_empty(&transport->ends)) {
        uv_close((uv_handle_t *)&transport->patience, NULL);
    }
}

static void retry_accepts(struct mm1__posix_transport *transport)
{
    MM1_LIST_FOREACH(at, &transport->ends) {
        struct mm1__net_end *end = MM1_CONTAINER_OF(at, struct mm1__net_end, link);
        if (end->starved && !end->disposed) {
            accept_one(end);
        }
    }
}

static void move_all(struct mm1_list *from, struct mm1_list *to)
{
    for (struct mm1_list *at = mm1_list_pop_front(from); at != NULL;
         at = mm1_list_pop_front(from)) {
        mm1_list_push_back(to, at);
    }
}

/* Takes what was asked of the ends in `batch`, one after the other, and carries it out. With the lock held. */
static void serve_batch(struct mm1__posix_transport *transport, struct mm1_list *batch)
{
    for (struct mm1_list *at = mm1_list_pop_front(batch); at != NULL;
         at = mm1_list_pop_front(batch)) {
        struct mm1__net_end *end = MM1_CONTAINER_OF(at, struct mm1__net_end, dirty);
        bool open = end->asked_open;
        bool close = end->asked_close;
        end->asked_open = false;
        end->credit =
            end->asked_credit > SIZE_MAX - end->credit ? SIZE_MAX : end->credit + end->asked_credit;
        end->asked_credit = 0;
        move_all(&end->asked_sends, &end->sends);
        pthread_mutex_unlock(&transport->lock);
        serve(end, open, close);
        pthread_mutex_lock(&transport->lock);
    }
}

void mm1__net_on_wake(uv_async_t *wake)
{
    struct mm1__posix_transport *transport =
        MM1_CONTAINER_OF(wake, struct mm1__posix_transport, wake);
    struct mm1_list batch;
    mm1_list_init(&batch);
    pthread_mutex_lock(&transport->lock);
    /* One batch a wake-up, so that verbs do not starve the sockets; all that is left when it stops. */
    do {
        move_all(&transport->dirty, &batch);
        serve_batch(transport, &batch);
    } while (transport->stopping && !mm1_list_empty(&transport->dirty));
    bool stopping = transport->stopping;
    pthread_mutex_unlock(&transport->lock);
    retry_accepts(transport);
    if (stopping && !transport->ending) {
        begin_end(transport);
    }
}
