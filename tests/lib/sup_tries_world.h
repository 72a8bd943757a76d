/* The world of sup_tries.h: one supervisor's step, its children's processes, and what is on its way. It is one block at
 * one place, pointers into itself included: so it is saved and brought back as bytes. */
#ifndef MM1_TEST_SUP_TRIES_WORLD_H
#define MM1_TEST_SUP_TRIES_WORLD_H

#include "fuzz/sup_log.h"
#include "kit/sup_step.h"
#include "sup_tries.h"

#define TRY_SLOTS 4
#define TRY_MESSAGES 16
#define TRY_RING 8
#define TRY_WINDOW 10
#define TRY_STOP_NS 1000
#define TRY_START_NS 2000

struct try_slot {
    struct mm1__sup_child child;
    bool kept;        /* the supervisor knows it */
    bool refuse;      /* the next spawn of it is refused */
    uint64_t process; /* its current one; dead or alive; while it restarts the one before */
    uint64_t fresh;   /* whose start is under way, else 0 */
    /* Of fresh, if there is one, else of process: */
    bool lives;
    bool said; /* that it is ready */
    bool told; /* to end */
    bool killed;
    bool heard; /* its end was taken */
};

struct try_message {
    enum sup_entry_kind kind;
    enum sup_call call;
    enum mm1_reason_kind reason;
    unsigned slot; /* of a call */
    uint64_t process;
    uint64_t number;
    const char *id;
};

struct try_queue {
    struct try_message at[TRY_MESSAGES];
    unsigned count;
};

struct try_world {
    struct mm1__sup sup;
    struct try_slot slots[TRY_SLOTS];
    uint64_t rings[2]
                  [TRY_RING]; /* where restarts are recorded, in turn; no larger than it asks for */
    unsigned ring;
    struct try_queue inbox;
    struct try_queue aside;
    uint64_t now;
    bool armed;
    bool fired; /* its timeout is on its way */
    uint64_t due;
    uint64_t processes; /* so many there were */
    uint64_t numbers;
    uint64_t call; /* number of the one in hand */
    bool parent_exited;
    bool ended;
    /* What follows from an action, given when there is none left. */
    bool follows;
    struct mm1__sup_event next;
    size_t log_count;
    const char *broken; /* an invariant; null: none */
};

/* A tree, and the log of what its supervisor does. */
struct try_tree {
    struct mm1_tree_spec spec;
    struct mm1_child children[TRY_SLOTS]; /* the last one is what start_child brings */
    unsigned count;
    bool uniform;
    enum mm1__sup_restart kinds[TRY_SLOTS];
    enum mm1__sup_stop stops[TRY_SLOTS];
    enum mm1__sup_strategy strategy;
    enum mm1__sup_auto auto_shutdown;
    struct sup_log log;
};

/* The world before the supervisor's first event, and after it. */
void try_world_begin(struct try_world *world, struct try_tree *tree);
/* Takes what comes next: what was set aside, when it is idle, else from the inbox. False: there is nothing. */
bool try_world_take(struct try_world *world, struct try_tree *tree);
bool try_world_can_take(const struct try_world *world);
/* Something is on its way. */
void try_world_send(struct try_world *world, const struct try_message *message);
/* A process ends. */
void try_world_die(struct try_world *world, struct try_slot *slot, enum mm1_reason_kind reason);
/* Nothing is on its way and nobody is to do anything. */
bool try_world_rests(const struct try_world *world);
uint64_t try_world_digest(const struct try_world *world, uint64_t seed);
uint64_t try_process_of(const struct try_slot *slot);

#endif
