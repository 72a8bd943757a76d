/* The inside of the specification. A file each: how a log is read (sup_spec_log.c), what a tree says (sup_spec_tree.c),
 * what calls are answered with (sup_spec_calls.c), and the rules (sup_spec.c).
 *
 * Functions that answer bool say whether there is anything left to judge: false, and the verdict stands. */
#ifndef FUZZ_SUP_SPEC_INSIDE_H
#define FUZZ_SUP_SPEC_INSIDE_H

#include "base/list.h"
#include "base/tree.h"
#include "fuzz/sup_spec.h"

/* What a child's spec means, defaults filled in. */
enum spec_restart { SPEC_PERMANENT, SPEC_TRANSIENT, SPEC_TEMPORARY };
enum spec_stop { SPEC_STOP_TIMEOUT, SPEC_STOP_BRUTAL, SPEC_STOP_INFINITY };
enum spec_strategy { SPEC_ONE_FOR_ONE, SPEC_ALL_FOR_ONE, SPEC_REST_FOR_ONE, SPEC_UNIFORM };
enum spec_auto { SPEC_AUTO_NEVER, SPEC_AUTO_ANY, SPEC_AUTO_ALL };

struct spec_meaning {
    enum spec_restart restart;
    enum spec_stop stop;
    uint64_t stop_timeout_ns;
    uint64_t start_timeout_ns;
};

enum spec_state {
    SPEC_NONE,       /* no process: OTP's undefined */
    SPEC_PROCESS,    /* a process, dead or alive, whose end was not handled */
    SPEC_RESTARTING, /* its restart failed */
};

/* A child: its place in the order is that in the list. */
struct spec_child {
    struct mm1_list link;
    const struct mm1_child *spec;
    struct spec_meaning means;
    const char *id; /* that of the spec, terminated */
    const char *
        name; /* of its processes under a uniform supervisor, where their argument says it; null: none yet */
    enum spec_state state;
    /* Of PROCESS the current one. Of RESTARTING under a uniform supervisor the dead one, by which it is known. */
    struct spec_process *process;
    unsigned incarnations;
};

struct spec_process {
    struct mm1_tree_node by_address;
    uint64_t address;
    struct spec_child *child; /* whose `process` it is; null: nobody's any more */
    bool down;                /* its down was taken */
    bool told;                /* a uniform supervisor told it to end */
    bool unannounced;         /* mm1_set_parent is due */
    char name[24];            /* "a#2", for reports */
};

/* What was taken and is to be handled. */
struct spec_item {
    struct mm1_list link;
    const struct sup_entry *entry;
    bool set_aside; /* it is to be taken again first */
};

/* A retry that was sent and not yet taken. */
struct spec_retry {
    struct mm1_list link;
    const char *id;
    uint64_t process;
};

struct spec_block;

#define SPEC_FIRST_BYTES 4096

struct spec {
    struct mm1_alloc *alloc;
    const struct mm1_tree_spec *tree;
    enum spec_strategy strategy;
    enum spec_auto auto_shutdown;
    const struct sup_log *log;
    bool rests;
    struct sup_finding *finding;
    enum sup_verdict verdict;
    size_t at; /* the entry to read next */
    struct mm1_list children;
    struct mm1_tree processes;
    struct mm1_list items;
    struct mm1_list retries;
    const struct spec_item *item; /* in hand; null: the start of the tree */
    uint64_t now;                 /* when it was taken to be handled */
    /* Whose end or start it waits for, and in which words; null: nobody's. */
    const struct spec_child *awaited;
    const char *awaited_for;
    const struct spec_child *restarted; /* in the course of this item; null: nobody */
    const struct spec_child *failed;    /* by whom the start of the tree failed */
    bool armed;
    bool timed; /* what it waits for now has that timer */
    uint64_t due_ns;
    size_t unannounced;
    /* All restarts there were. */
    uint64_t *restarts;
    size_t restart_count;
    size_t restart_capacity;
    /* What the limit says about the item in hand. */
    enum { SPEC_LIMIT_UNASKED, SPEC_LIMIT_KEPT, SPEC_LIMIT_EXCEEDED } limit;
    /* Memory: until the end of the judgement. */
    struct spec_block *blocks;
    size_t first_used;
    _Alignas(16) char first[SPEC_FIRST_BYTES];
};

/* --- sup_spec_log.c ------------------------------------------------------------------------------------------- */

/* `size` bytes until the end, zeroed. Null: the verdict stands. */
void *spec_take(struct spec *s, size_t size);
void spec_close(struct spec *s);
/* The verdict: accepted; rejected, for what the text says. Both false. */
bool spec_accept(struct spec *s);
bool spec_reject(struct spec *s, const char *rule, const char *format, ...) MM1_PRINTF(3, 4);
/* Rejected, since `want` should stand where the next entry is. */
bool spec_reject_next(struct spec *s, const char *rule, const struct sup_entry *want);

/* The next thing done, not yet read. Null: the verdict stands; `rule` and `want` are for it. */
const struct sup_entry *spec_next_deed(struct spec *s, const char *rule,
                                       const struct sup_entry *want);
/* The next thing done is this. */
bool spec_expect(struct spec *s, const char *rule, const struct sup_entry *want);
/* Whether the next entry is a deed of this kind upon this process; reads it then. */
bool spec_may(struct spec *s, enum sup_entry_kind kind, uint64_t process);
/* Whether the next entry is a deed. */
bool spec_goes_on(const struct spec *s);
/* A timer may be armed that says nothing. */
void spec_may_arm(struct spec *s);
/* A timer is armed, of so many ns; it may be, when these are for ever. */
bool spec_expect_arm(struct spec *s, const char *rule, uint64_t ns);
/* Waits for whatever arrives next, reads it, and notes the end of a process. `*timeout`: it is that of the timer armed
 * last. Null: the verdict stands. */
const struct sup_entry *spec_arrival(struct spec *s, const char *for_what, bool *timeout);
/* Leaves it for later. */
bool spec_set_aside(struct spec *s, const struct sup_entry *entry);
/* What is to be handled next: that which came first. Null: the verdict stands. */
const struct spec_item *spec_next_item(struct spec *s);
/* The item in hand makes a difference: if it was set aside, it is taken again now. */
bool spec_retake(struct spec *s);

struct spec_process *spec_process_at(const struct mm1_tree_node *node);
/* Null: never spawned. */
struct spec_process *spec_find_process(const struct spec *s, uint64_t address);
/* Null: the verdict stands. */
struct spec_process *spec_add_process(struct spec *s, struct spec_child *child, uint64_t address);

/* --- sup_spec_digest.c ---------------------------------------------------------------------------------------- */

/* What the verdict on any continuation of the log depends on, with times as distances from `now` and processes as
 * children's: two logs with the same digest need not both be continued. */
uint64_t spec_digest(const struct spec *s, uint64_t now);

/* --- sup_spec_tree.c ------------------------------------------------------------------------------------------ */

/* False: the tree breaks a rule, `*why` says which. */
bool spec_read_tree(struct spec *s, const char **why);
/* False: the spec breaks a rule in this supervisor. */
bool spec_read_child(const struct spec *s, const struct mm1_child *child, struct spec_meaning *out);
/* Whether `told` is the spec with all defaults filled in; null, or what differs. */
const char *spec_child_differs(const struct mm1_child *spec, const struct spec_meaning *means,
                               const struct mm1_child *told);
/* Null: nobody of that name, or no name. */
struct spec_child *spec_find_child(struct spec *s, const char *id);
struct spec_child *spec_child_at(const struct mm1_list *node);
/* A record at the end of the list, or null: the verdict stands. */
struct spec_child *spec_add_child(struct spec *s, const struct mm1_child *child,
                                  const struct spec_meaning *means);
/* It has no process any more. */
void spec_lose_process(struct spec_child *child);
/* As above, and a temporary one, or one of a uniform supervisor, is removed. */
void spec_forget(const struct spec *s, struct spec_child *child);
void spec_remove(struct spec_child *child);

/* --- sup_spec.c ----------------------------------------------------------------------------------------------- */

/* sup_spec_judge, and the digest of a log that is accepted. */
enum sup_verdict spec_judge(struct mm1_alloc *alloc, const struct mm1_tree_spec *tree,
                            const struct sup_log *log, bool rests, struct sup_finding *finding,
                            uint64_t now, uint64_t *digest);

struct spec_outcome {
    enum { SPEC_STARTED, SPEC_IGNORED, SPEC_FAILED } what;
    bool reason_known;
    struct mm1_reason reason;
};
/* Starts a child and waits until that is over. */
bool spec_start(struct spec *s, struct spec_child *child, struct spec_outcome *outcome);
/* Stops the process of a child, if it has one, and waits for its end. */
bool spec_stop_one(struct spec *s, struct spec_child *child);

/* --- sup_spec_calls.c ----------------------------------------------------------------------------------------- */

bool spec_call(struct spec *s, const struct sup_entry *call);

#endif
