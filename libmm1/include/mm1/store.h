/* The store port: named logs of bytes. Completions are messages, as with the transport: a verb fails at the call only
 * for want of memory (MM1_NOMEM: nothing was begun), and what was begun is answered whatever memory is left.
 *
 * What is not synced when the power goes may be lost from any point on, the last piece torn; what is synced stays. */
#ifndef MM1_STORE_H
#define MM1_STORE_H

#include <stdint.h>

#include <mm1/transport.h>

struct mm1_store;

struct mm1_store_ops {
    const char *name;
    /* Told once, before any other call, where completions go. */
    void (*attach)(struct mm1_store *self, struct mm1_port_sink *sink);
    /* Opens the log of that name and creates it when it is not there: log_opened or log_failed. One opener at a time:
     * MM1_IN_USE. A name is 1 to 64 of [A-Za-z0-9._-] and does not start with a dot: else MM1_INVALID. */
    MM1_NODISCARD mm1_status (*open)(struct mm1_store *self, mm1_handle handle,
                                     struct mm1_text name);
    /* Each of these is answered, in the order of the calls, by log_done or log_failed with the caller's `op`; `size`
     * of log_done is the size of the log after it.
     * append: adds `bytes`, which are copied, at the end. */
    MM1_NODISCARD mm1_status (*append)(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                       struct mm1_bytes bytes);
    /* sync: all that was appended and truncated before it is durable when it is answered. */
    MM1_NODISCARD mm1_status (*sync)(struct mm1_store *self, mm1_handle handle, uint64_t op);
    /* truncate: cuts the log to `size` bytes; a larger size is MM1_INVALID. */
    MM1_NODISCARD mm1_status (*truncate)(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                         uint64_t size);
    /* read: answered by log_data with up to `size` bytes at `offset`, fewer only at the end of the log. log_failed
     * with MM1_NOMEM, where memory for the bytes is refused: it may be tried again. */
    MM1_NODISCARD mm1_status (*read)(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                     uint64_t offset, size_t size);
    /* Closes: operations begun are carried out, but not answered any more. Does not sync. */
    void (*close)(struct mm1_store *self, mm1_handle handle);
};

struct mm1_store {
    const struct mm1_store_ops *ops;
};

#define MM1_LOG_OPENED_FIELDS(F) F(id, handle) F(u64, size)
MM1_MSG_DECLARE(mm1_log_opened, MM1_LOG_OPENED_FIELDS)
#define MM1_LOG_DONE_FIELDS(F) F(id, handle) F(id, op) F(u64, size)
MM1_MSG_DECLARE(mm1_log_done, MM1_LOG_DONE_FIELDS)
#define MM1_LOG_DATA_FIELDS(F) F(id, handle) F(id, op) F(u64, offset) F(bytes, data)
MM1_MSG_DECLARE(mm1_log_data, MM1_LOG_DATA_FIELDS)
/* `status`: an mm1_status. A failed open has op 0 and its handle is gone. */
#define MM1_LOG_FAILED_FIELDS(F) F(id, handle) F(id, op) F(u32, status) F(text, reason)
MM1_MSG_DECLARE(mm1_log_failed, MM1_LOG_FAILED_FIELDS)

#endif
