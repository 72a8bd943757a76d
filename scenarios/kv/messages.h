/* What the actors of the store say to each other, to themselves, and to those who watch a run.
 *
 * Keys and values are numbers: what there is to learn here is replication, not text. */
#ifndef KV_MESSAGES_H
#define KV_MESSAGES_H

#include <mm1/ask.h>

/* --- arguments of the roles, as scenario files write them ------------------------------------------------------- */

/* A replica. `name` is that of its log, `self` the address it serves, `peers` are those of the other replicas. `ack` is
 * "synced", or "early" for the fault that this example is about. */
#define KV_REPLICA_FIELDS(F)                                                                       \
    F(text, name)                                                                                  \
    F(addr, self)                                                                                  \
    F(addr, primary)                                                                               \
    F(list(addr), peers)                                                                           \
    F(text, ack)                                                                                   \
    F(duration, flush_after)                                                                       \
    F(duration, resend_after)                                                                      \
    F(duration, restart_after)
MM1_MSG_DECLARE(kv_replica, KV_REPLICA_FIELDS)

/* A client. It writes in `write_percent` of its operations. A client that is started again under the same id goes on
 * with a `first_number` that it has not used; id 0 has it draw an id at each start. With `verify_at` it reads every key
 * at that time after its start. */
#define KV_CLIENT_FIELDS(F)                                                                        \
    F(u64, id)                                                                                     \
    F(addr, primary)                                                                               \
    F(opt(u64), first_number)                                                                      \
    F(u64, operations)                                                                             \
    F(u64, keys)                                                                                   \
    F(u64, write_percent)                                                                          \
    F(duration, start_after)                                                                       \
    F(duration, think_time)                                                                        \
    F(duration, ask_timeout)                                                                       \
    F(duration, retry_after)                                                                       \
    F(u64, attempts)                                                                               \
    F(opt(duration), verify_at)
MM1_MSG_DECLARE(kv_client, KV_CLIENT_FIELDS)

/* --- client and primary ----------------------------------------------------------------------------------------- */

/* A write, numbered by its client: however often it is asked for, it is applied once. Answered by kv_stored. */
#define KV_PUT_FIELDS(F) F(u64, client) F(u64, number) F(u64, key) F(u64, value)
MM1_MSG_DECLARE(kv_put, KV_PUT_FIELDS)
MM1_REQUEST_DECLARE(kv_put)
/* The version counts the writes of one key. */
#define KV_STORED_FIELDS(F) F(u64, version)
MM1_MSG_DECLARE(kv_stored, KV_STORED_FIELDS)
MM1_RESPONSE_DECLARE(kv_stored)

#define KV_GET_FIELDS(F) F(u64, key)
MM1_MSG_DECLARE(kv_get, KV_GET_FIELDS)
MM1_REQUEST_DECLARE(kv_get)
/* Version 0: never written. */
#define KV_VALUE_FIELDS(F) F(u64, value) F(u64, version)
MM1_MSG_DECLARE(kv_value, KV_VALUE_FIELDS)
MM1_RESPONSE_DECLARE(kv_value)

/* --- replica and replica: each of these may be lost, and may be said again --------------------------------------- */

/* An entry of the log: a write, its place in the order (seq, from 1), and the epoch of the primary that put it there.
 * Number 0: no write, but the mark with which a primary begins its epoch. */
#define KV_ENTRY_FIELDS(F)                                                                         \
    F(u64, seq) F(u64, epoch) F(u64, client) F(u64, number) F(u64, key) F(u64, value)
MM1_MSG_DECLARE(kv_entry, KV_ENTRY_FIELDS)

/* Primary to backup: these entries follow the one at (prev_seq, prev_epoch). */
#define KV_APPEND_FIELDS(F)                                                                        \
    F(u64, epoch) F(u64, prev_seq) F(u64, prev_epoch) F(list(sub(kv_entry)), entries)
MM1_MSG_DECLARE(kv_append, KV_APPEND_FIELDS)
/* The answer. `fits`: all up to `seq` is as the primary has it, and synced. Else: try what follows `seq`. */
#define KV_APPENDED_FIELDS(F) F(addr, from) F(u64, epoch) F(bool, fits) F(u64, seq)
MM1_MSG_DECLARE(kv_appended, KV_APPENDED_FIELDS)

/* A primary begins an epoch: heed no earlier one from now on, and say how far your log goes. */
#define KV_BEGIN_FIELDS(F) F(u64, epoch)
MM1_MSG_DECLARE(kv_begin, KV_BEGIN_FIELDS)
#define KV_BEGUN_FIELDS(F) F(addr, from) F(u64, epoch) F(u64, last_seq) F(u64, last_epoch)
MM1_MSG_DECLARE(kv_begun, KV_BEGUN_FIELDS)

/* The primary asks a backup for what follows the entry at (prev_seq, prev_epoch). */
#define KV_FETCH_FIELDS(F) F(u64, epoch) F(u64, prev_seq) F(u64, prev_epoch)
MM1_MSG_DECLARE(kv_fetch, KV_FETCH_FIELDS)
/* `fits`: the backup has that entry too, and these follow it. Else: ask for what follows `seq`. */
#define KV_FETCHED_FIELDS(F)                                                                       \
    F(addr, from)                                                                                  \
    F(u64, epoch) F(u64, prev_seq) F(bool, fits) F(u64, seq) F(list(sub(kv_entry)), entries)
MM1_MSG_DECLARE(kv_fetched, KV_FETCHED_FIELDS)

/* --- timers of an actor's own ------------------------------------------------------------------------------------ */

MM1_MSG_DECLARE_UNIT(kv_flush_now)   /* the primary: sync and replicate what has gathered */
MM1_MSG_DECLARE_UNIT(kv_resend_now)  /* the primary: say again what was not answered */
MM1_MSG_DECLARE_UNIT(kv_restart_now) /* the parent: start the store again */
MM1_MSG_DECLARE_UNIT(kv_go_on)       /* the client: the next operation, or the next attempt */

/* --- what clients tell the properties ----------------------------------------------------------------------------- */

enum kv_op { KV_READ, KV_WRITE };

#define KV_INVOKED_FIELDS(F) F(u64, client) F(u64, number) F(u8, op) F(u64, key) F(u64, value)
MM1_MSG_DECLARE(kv_invoked, KV_INVOKED_FIELDS)
/* Only of an operation that was answered: one that was given up may still be carried out. */
#define KV_RETURNED_FIELDS(F)                                                                      \
    F(u64, client) F(u64, number) F(u64, key) F(u64, value) F(u64, version)
MM1_MSG_DECLARE(kv_returned, KV_RETURNED_FIELDS)
/* The client has given up: the outcome stays unknown. */
#define KV_GAVE_UP_FIELDS(F) F(u64, client) F(u64, number)
MM1_MSG_DECLARE(kv_gave_up, KV_GAVE_UP_FIELDS)

/* All types that may arrive. */
#define KV_TYPE_COUNT 19
extern const struct mm1_msg_type *const kv_types[KV_TYPE_COUNT];

#endif
