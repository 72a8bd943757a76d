/* The trace port: typed events out, never text. In production it is the null trace by default. */
#ifndef MM1_TRACE_H
#define MM1_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/reason.h>

struct mm1_trace;
struct mm1_path;

/* What happened to an actor. The order is part of the trace format: append only. */
#define MM1_EVENT_MAP(X)                                                                           \
    X(SPAWN, "spawn")         /* actor spawned `other` */                                          \
    X(SEND, "send")           /* a message left the actor for `peer` */                            \
    X(LOST, "lost")           /* a message or signal found nobody, or no room: `status` */         \
    X(START, "start")         /* a turn that runs init */                                          \
    X(RECEIVE, "receive")     /* a turn that takes the message of `cause` */                       \
    X(EXIT, "exit")           /* the actor ended for `reason` */                                   \
    X(SIGNAL, "signal")       /* a signal acted: `verb` says which */                              \
    X(VERB, "verb")           /* another visible verb, `verb` */                                   \
    X(POST, "post")           /* a completion, a timer's message or a notification lined up */     \
    X(OBSERVE, "observe")     /* the actor says something for monitors: `type`, `msg` */           \
    X(LOG, "log")             /* a line of log: `text`, `number` is the level */                   \
    X(FAULT, "fault")         /* the world injected or healed something: `text` */                 \
    X(NODE_UP, "node_up")     /* a node was started */                                             \
    X(NODE_DOWN, "node_down") /* a node ended: `text` says how */                                  \
    X(PROPERTY, "property")   /* a property was violated: `text` */

enum mm1_event_kind {
#define MM1__EVENT_ENUM(code, text) MM1_EVENT_##code,
    MM1_EVENT_MAP(MM1__EVENT_ENUM)
#undef MM1__EVENT_ENUM
};
#define MM1_EVENT_BIT(kind) (UINT32_C(1) << (kind))

/* The name of a kind, "unknown" for a number outside the map. Static storage. */
MM1_API const char *mm1_event_text(enum mm1_event_kind kind);

/* One event. What it points to is borrowed for the call. */
struct mm1_event {
    enum mm1_event_kind kind;
    uint8_t verb;                 /* enum mm1_effect_kind, of SIGNAL and VERB */
    mm1_status status;            /* how a verb ended */
    const struct mm1_path *actor; /* whose event it is; null for the world's own */
    const struct mm1_path *other; /* a spawned actor; the sender of a SIGNAL; null when not known */
    mm1_addr self;                /* main address of `actor` */
    mm1_addr peer;                /* target or sender */
    uint64_t cause;               /* mark of the event that led to this one; 0: not known */
    uint64_t signal;              /* number of the message or signal within its node; 0: none */
    uint64_t number;              /* of VERB: as in struct mm1_effect; of LOG: the level */
    const struct mm1_msg_type *type;
    const void *msg;
    /* MessagePack of `msg` where the node encodes; bytes of net_send and log_append */
    struct mm1_bytes encoded;
    const struct mm1_reason *reason; /* of EXIT, and of exit and quit among signals and verbs */
    struct mm1_text text;
};

struct mm1_trace_ops {
    const char *name;
    /* Takes note of an event, before its effect. Returns its mark, which comes back as `cause` of what it leads to;
     * 0 where nobody keeps track. Any thread, and never calls back. */
    uint64_t (*emit)(struct mm1_trace *self, const struct mm1_event *event);
};

struct mm1_trace {
    const struct mm1_trace_ops *ops;
    bool quiet; /* nothing listens: events are not even built */
};

/* The trace that drops everything. */
MM1_API extern struct mm1_trace mm1_trace_null;

/* --- paths: the names of actors that are the same in every run of a seed --------------------------------------- */

/* "/node/parent/name#incarnation", or "…/behaviour.ordinal" for an actor without a name. Counted references. */
struct mm1_path {
    struct mm1_path *parent; /* null for a node's root */
    struct mm1_alloc *alloc;
    uint64_t hash;       /* of the whole path: the actor's entity */
    uint32_t references; /* atomic */
    uint32_t ordinal;    /* incarnation of a name, or ordinal of a behaviour; from 1 */
    bool named;
    uint8_t name_size;
    char name[]; /* cut at 255 bytes */
};

/* The longest text that mm1_path_print writes; deeper paths lose their beginning. */
#define MM1_PATH_TEXT_MAX 512

/* A path under `parent`, which may be null. Null when memory is refused. */
MM1_API struct mm1_path *mm1_path_new(struct mm1_alloc *alloc, struct mm1_path *parent,
                                      struct mm1_text name, bool named, uint32_t ordinal);
MM1_API struct mm1_path *mm1_path_hold(struct mm1_path *path);
/* Drops a reference; a null path is ignored. */
MM1_API void mm1_path_drop(struct mm1_path *path);
/* Prints with a NUL; returns the length without it. A null path prints as "-". */
MM1_API size_t mm1_path_print(const struct mm1_path *path, char out[MM1_PATH_TEXT_MAX]);

#endif
