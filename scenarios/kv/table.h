/* What the log amounts to: the value of each key, and for each client the last write and its result. Pure.
 *
 * Both are arrays in order of their number, found by halving: small, and the same in every run. */
#ifndef KV_TABLE_H
#define KV_TABLE_H

#include "messages.h"

struct kv_cell {
    uint64_t key;
    uint64_t value;
    uint64_t version; /* writes so far */
};

/* A client as the primary knows it, from the log alone: by it a retry is known, across restarts. A client numbers its
 * writes upwards, and waits for one at a time. */
struct kv_session {
    uint64_t client;
    uint64_t logged;  /* its last write that is in the log */
    uint64_t applied; /* its last write that was applied */
    uint64_t version; /* the result of that one */
    bool waits;       /* it is to be told when `logged` has been applied */
    struct mm1_request_header header;
};

struct kv_table {
    struct mm1_alloc *alloc;
    struct kv_cell *cells;
    size_t cell_count;
    size_t cell_capacity;
    struct kv_session *sessions;
    size_t session_count;
    size_t session_capacity;
};

#define KV_TABLE(alloc_) ((struct kv_table){.alloc = (alloc_)})

/* The cell of a key, or null. Valid until the table changes. */
const struct kv_cell *kv_table_cell(const struct kv_table *table, uint64_t key);
/* The session of a client, made when there is none. Valid until the table changes. MM1_NOMEM. */
MM1_NODISCARD mm1_status kv_table_session(struct kv_table *table, uint64_t client,
                                          struct kv_session **out);
/* Applies a write of the log; its client's session is then up to date. MM1_NOMEM leaves the table as it was. */
MM1_NODISCARD mm1_status kv_table_apply(struct kv_table *table, const struct kv_entry *entry);
void kv_table_close(struct kv_table *table);

#endif
