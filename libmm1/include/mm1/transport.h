/* The transport port: byte streams. No verb blocks; what becomes of it arrives as a message in the inbox of the actor
 * that owns the handle. A verb fails at the call only for want of memory, and then nothing was begun; what was begun is
 * answered, whatever memory is left: MM1_NOMEM later on ends a stream, and no bytes vanish from its middle.
 *
 * Names: "tcp://127.0.0.1:9000", "uds:///run/x.sock"; in simulation the same texts, with a host's name for its
 * address ("tcp://a:9000"). */
#ifndef MM1_TRANSPORT_H
#define MM1_TRANSPORT_H

#include <stdint.h>

#include <mm1/msg.h>

struct mm1_transport;

/* A connection or a listener: unique within a start of a node, never reused; 0 is none. */
typedef uint64_t mm1_handle;

/* Where a port leaves its completions: implemented by the node. Any thread may call. */
struct mm1_port_sink {
    /* Posts a completion message to the actor that owns `handle`; it is copied. Needs no inbox permit. `background`:
     * it does not count as unrest. Dropped when nobody owns the handle any more. Never fails: memory for it was put
     * aside when the handle was made or the verb called that it answers, so nothing is answered twice. Where memory
     * is refused, the reason of a failure arrives empty. */
    void (*post)(struct mm1_port_sink *sink, mm1_handle handle, bool background,
                 const struct mm1_msg_type *type, const void *msg);
    /* As above, for those that carry what the port has found: Listening, Received and log_data. If it is not MM1_OK
     * (MM1_NOMEM, or what encoding says), nothing was posted, and the port posts in its place what takes no more
     * memory and carries that status: Failed, Ended, log_failed. */
    MM1_NODISCARD mm1_status (*post_data)(struct mm1_port_sink *sink, mm1_handle handle,
                                          bool background, const struct mm1_msg_type *type,
                                          const void *msg);
    /* A new handle, owned by whoever owns `parent` (an accepted connection under its listener), with what its Accepted
     * needs. 0 when memory is refused, or when nobody owns the parent any more: the connection is reset. */
    mm1_handle (*adopt)(struct mm1_port_sink *sink, mm1_handle parent);
};

struct mm1_transport_ops {
    const char *name;
    /* Told once, before any other call, where completions go. */
    void (*attach)(struct mm1_transport *self, struct mm1_port_sink *sink);
    /* Listens: Listening or Failed; then an Accepted for each connection that came in. A connection for which memory
     * is refused is reset at once, and the listener goes on. MM1_NOMEM: nothing was begun. */
    MM1_NODISCARD mm1_status (*listen)(struct mm1_transport *self, mm1_handle handle,
                                       struct mm1_text name);
    /* Dials: Connected or Failed. MM1_NOMEM: nothing was begun. */
    MM1_NODISCARD mm1_status (*dial)(struct mm1_transport *self, mm1_handle handle,
                                     struct mm1_text name);
    /* Gives credit for `size` more bytes. Each Received carries at least one byte and takes from the credit what it
     * carries; without credit nothing is delivered and the peer is held back. When memory for a Received is refused,
     * the stream ends with MM1_NOMEM, and the peer sees a reset. */
    void (*read)(struct mm1_transport *self, mm1_handle handle, size_t size);
    /* Sends bytes, which are copied, in order: Sent once they are handed to the network, which says nothing about
     * their arrival. Of what is not handed over any more, the end of the stream is the only answer. `background` as
     * in the sink. MM1_NOMEM: nothing was sent. */
    MM1_NODISCARD mm1_status (*send)(struct mm1_transport *self, mm1_handle handle,
                                     struct mm1_bytes bytes, bool background);
    /* Closes a connection (what was sent is still delivered, then the peer sees Closed) or a listener (unclaimed
     * connections close with it). No completion is posted for this handle any more. A handle that is not known any
     * more is ignored. */
    void (*close)(struct mm1_transport *self, mm1_handle handle);
};

struct mm1_transport {
    const struct mm1_transport_ops *ops;
};

/* The completions. */
#define MM1_LISTENING_FIELDS(F) F(id, handle) F(text, name)
MM1_MSG_DECLARE(mm1_listening,
                MM1_LISTENING_FIELDS) /* `name` has the real port where 0 was asked for */
#define MM1_CONNECTED_FIELDS(F) F(id, handle)
MM1_MSG_DECLARE(mm1_connected, MM1_CONNECTED_FIELDS)
/* A listen or dial that did not succeed; the handle is gone. `status`: an mm1_status. */
#define MM1_FAILED_FIELDS(F) F(id, handle) F(u32, status) F(text, reason)
MM1_MSG_DECLARE(mm1_failed, MM1_FAILED_FIELDS)
/* A connection came in: whoever calls mm1_net_accept owns it. */
#define MM1_ACCEPTED_FIELDS(F) F(id, listener) F(id, handle)
MM1_MSG_DECLARE(mm1_accepted, MM1_ACCEPTED_FIELDS)
#define MM1_RECEIVED_FIELDS(F) F(id, handle) F(bytes, data)
MM1_MSG_DECLARE(mm1_received, MM1_RECEIVED_FIELDS)
#define MM1_SENT_FIELDS(F) F(id, handle) F(u64, size)
MM1_MSG_DECLARE(mm1_sent, MM1_SENT_FIELDS)
/* The stream ended: MM1_CLOSED when the peer closed it after all its bytes, MM1_RESET or another when it broke; a Unix
 * socket cannot tell its peer of a reset, which sees it closed. MM1_NOMEM: bytes came, and memory for them was refused.
 * The handle is gone. */
#define MM1_ENDED_FIELDS(F) F(id, handle) F(u32, status)
MM1_MSG_DECLARE(mm1_ended, MM1_ENDED_FIELDS)

#endif
