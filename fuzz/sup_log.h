/* What one supervisor was seen to take and to do, in the order in which it did: what the specification judges.
 *
 * It is written from outside, by whoever watches the runtime's events (sup_watch.c) or drives the pure step in a test;
 * the supervisor under test has no part in it. A process is named by its main address, a child by its id. */
#ifndef FUZZ_SUP_LOG_H
#define FUZZ_SUP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/alloc.h>
#include <mm1/reason.h>
#include <mm1/supervisor.h>

enum sup_entry_kind {
    /* Taken from its inbox, each when it was first taken: that is the order of arrival. What may be set aside has a
     * `number`, its own in this log; a call's is also that of the reply to it. */
    SUP_TOOK_DOWN,         /* process, reason: a process of its children ended */
    SUP_TOOK_STARTED,      /* process: it said that it is ready */
    SUP_TOOK_START_FAILED, /* process, reason, ignored */
    SUP_TOOK_TIMEOUT,      /* the time of a start or stop is over */
    SUP_TOOK_RETRY,        /* id; of a uniform supervisor process */
    SUP_TOOK_PARENT,       /* reason: an exit signal of its parent */
    SUP_TOOK_CALL,         /* call, id or process, child */
    SUP_TOOK_OTHER,        /* exit signals of others, and whatever else it is to ignore */
    SUP_TOOK_AGAIN,        /* number of what it had set aside and takes again now */
    /* Done. */
    SUP_DID_SPAWN, /* id, process; process 0: the spawn was refused */
    SUP_DID_EXIT,  /* process: exit with reason, to one of its children */
    SUP_DID_KILL,  /* process */
    SUP_DID_ARM,   /* ns */
    SUP_DID_DISARM,
    SUP_DID_RESEND, /* id; of a uniform supervisor process: a retry, to itself */
    SUP_DID_REPLY, /* number of the call; code, process, reason; or the children, counts or spec it told */
    SUP_DID_READY,    /* it said that it is ready */
    SUP_DID_ANNOUNCE, /* process: mm1_set_parent to it */
    SUP_DID_OTHER,    /* any other visible verb: id says which */
    SUP_DID_END,      /* reason: the last entry, unless it still lives */
    SUP_WAS_KILLED,   /* in the place of DID_END: by another, at any time */
};

enum sup_call {
    SUP_CALL_START_CHILD, /* child */
    SUP_CALL_TERMINATE,   /* id */
    SUP_CALL_DELETE,
    SUP_CALL_RESTART,
    SUP_CALL_GET,
    SUP_CALL_START, /* of a uniform supervisor */
    SUP_CALL_STOP,  /* process; the reply has `other_lives`: somebody lives there at that moment */
    SUP_CALL_WHICH,
    SUP_CALL_COUNT,
    SUP_CALL_CHILDSPEC, /* id, or process: `other_lives` as above */
};

/* What count_children said. */
struct sup_told_counts {
    uint64_t specs;
    uint64_t active;
    uint64_t supervisors;
    uint64_t workers;
};

/* A line of what which_children said. */
struct sup_told_child {
    const char *id;
    uint64_t process; /* 0: none */
    bool restarting;
    bool supervisor;
};

struct sup_entry {
    enum sup_entry_kind kind;
    enum sup_call call;
    enum mm1_sup_code code;
    bool ignored;
    bool other_lives;
    const char *id; /* interned: the same id is the same pointer within a log; null: none */
    uint64_t process;
    uint64_t number; /* of a message, from 1 */
    uint64_t ns;
    uint64_t time_ns; /* on the clock of the supervisor */
    uint64_t seq;     /* of the event in its run, for whoever reads a report */
    struct mm1_reason reason;
    /* Of CALL_START_CHILD and a reply to CALL_CHILDSPEC (null: not found). */
    const struct mm1_child *child;
    const struct sup_told_child *told; /* of a reply to CALL_WHICH */
    size_t told_count;
    struct sup_told_counts counts; /* of a reply to CALL_COUNT */
    /* Beside the counts: how many of its children's processes live at that moment. */
    uint64_t living;
};

struct sup_log {
    struct mm1_alloc *alloc;
    struct sup_entry *entries;
    size_t count;
    size_t capacity;
    /* Memory of ids and of what entries point to; sup_log.c. */
    struct sup_log_block *blocks;
    struct sup_log_id *ids;
};

#define SUP_LOG(alloc_) ((struct sup_log){.alloc = (alloc_)})
/* Appends an entry; ids and what it points to are copied. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_log_add(struct sup_log *log, const struct sup_entry *entry);
void sup_log_clear(struct sup_log *log); /* keeps the memory of the entries */
void sup_log_close(struct sup_log *log);
/* Appends an entry in words, "takes down of c (crash)", for reports. `name_of` gives a process a name; null: numbers.
 * */
MM1_NODISCARD mm1_status sup_entry_print(const struct sup_entry *entry,
                                         const char *(*name_of)(void *arg, uint64_t process),
                                         void *arg, struct mm1_buf *out);

#endif
