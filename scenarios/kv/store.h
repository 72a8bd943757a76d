/* The store actor of a replica: what its files share. docs: README.md of this folder. */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "log.h"
#include "table.h"

#define KV_BATCH 64u /* entries in one message at most */

/* In the order in which a replica goes through them. */
enum kv_phase {
    KV_LOADING,   /* it reads its log, and waits until that is synced */
    KV_FOLLOWING, /* a backup at work: the only phase that follows for a backup */
    KV_ASKING,    /* the primary asks how far the other logs go */
    KV_FETCHING,  /* it takes over what another log has and its own has not */
    KV_STARTING,  /* it waits until a majority has the mark of its epoch, and with it all before */
    KV_SERVING,
};

/* Another replica, as the primary knows it. */
struct kv_peer {
    mm1_addr addr;
    bool begun; /* it heeds this epoch, and its log ends at: */
    uint64_t last_seq;
    uint64_t last_epoch;
    uint64_t acked; /* up to here its log is this one's, and synced */
    uint64_t next;  /* the first entry to send */
    uint64_t sent;  /* the last entry of the message that was not answered yet; 0: none is */
};

struct kv_store {
    struct mm1_alloc *alloc;
    struct kv_replica *config;
    size_t config_size;
    enum kv_phase phase;
    struct kv_log log;
    /* A backup's. */
    uint64_t fits;   /* up to here its log is known to be the primary's of this epoch */
    bool owes_begun; /* answers that wait until all is synced */
    bool owes_append;
    /* The primary's. */
    bool early; /* the fault */
    struct kv_peer *peers;
    size_t peer_count;
    struct kv_peer *source; /* the one it fetches from */
    uint64_t fetch_prev;    /* it asks for what follows this entry */
    unsigned fetch_tries;
    uint64_t start;   /* seq of the mark of its epoch */
    uint64_t applied; /* seq of the last entry that is in the table */
    struct kv_table table;
    bool resend_armed;
    bool flush_armed;
};

extern const struct mm1_behaviour kv_store_behaviour; /* its argument is a struct kv_replica */

/* Sends a message between replicas. One that cannot be sent is one that was lost: whoever waits for an answer says it
 * again. */
void kv_tell_any(struct mm1_ctx *ctx, mm1_addr to, const struct mm1_msg_type *type,
                 const void *msg);
#define kv_tell(ctx, to, T, ...) kv_tell_any((ctx), (to), &T##_type, &(struct T){__VA_ARGS__})

/* How many replicas are more than half of them. */
static inline size_t kv_majority(const struct kv_store *store)
{
    return (store->config->peers.count + 1) / 2 + 1;
}

/* backup.c */
MM1_NODISCARD mm1_status kv_backup_loaded(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_backup_synced(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_backup_receive(struct mm1_ctx *ctx, struct kv_store *store,
                                           const struct mm1_envelope *envelope);

/* recovery.c: from a log that was read to the phase STARTING. */
MM1_NODISCARD mm1_status kv_recovery_loaded(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_recovery_synced(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_recovery_resend(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_recovery_receive(struct mm1_ctx *ctx, struct kv_store *store,
                                             const struct mm1_envelope *envelope);

/* primary.c: from there on. */
MM1_NODISCARD mm1_status kv_primary_start(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_primary_synced(struct mm1_ctx *ctx, struct kv_store *store);
MM1_NODISCARD mm1_status kv_primary_receive(struct mm1_ctx *ctx, struct kv_store *store,
                                            const struct mm1_envelope *envelope);
/* Arms the timer that says again what was not answered, if something was not. */
MM1_NODISCARD mm1_status kv_primary_arm_resend(struct mm1_ctx *ctx, struct kv_store *store);
/* The peer of that address, or null. */
struct kv_peer *kv_primary_peer(struct kv_store *store, mm1_addr addr);

#endif
