/* The decisions of a supervisor, as a pure step: events in, actions out, no runtime and no memory beyond the state.
 *
 *     action = mm1__sup_step(sup, &event, now);
 *     while (action.kind != MM1__SUP_NONE) { carry it out; action = mm1__sup_step(sup, NULL, now); }
 *
 * What an action leads to comes back as an event: of START one of STARTED, IGNORED and START_FAILED; of EXIT and KILL a
 * GONE; of ARM a TIMEOUT, unless DISARM comes first. It may come while actions are still asked for: then it is the next
 * event after NONE.
 *
 * A step that waits for such an event is busy (mm1__sup_busy), and takes no other: the caller sets aside what arrives
 * meanwhile and gives it later, one after the other, in the order of its arrival. The end of a child's process is told
 * at once, though: as GONE where the child is `signaled`, which is waited for; else by mm1__sup_note_gone, so that a
 * child that is known to be dead is not waited for, and as ENDED when its turn comes, unless it has another process by
 * then.
 *
 * A start that is not over in time is killed. Then GONE ends it, and nothing else: a STARTED, IGNORED or START_FAILED
 * that comes before it is ignored. The start has failed for reason timeout.
 *
 * What is decided is OTP's: statements VR, VF, VI, VT, VA, VD, VX, VE (docs/parity.md). */
#ifndef MM1_KIT_SUP_STEP_H
#define MM1_KIT_SUP_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/reason.h>
#include <mm1/supervisor.h>

#include "base/list.h"

enum mm1__sup_strategy {
    MM1__SUP_ONE_FOR_ONE,
    MM1__SUP_ALL_FOR_ONE,
    MM1__SUP_REST_FOR_ONE,
    MM1__SUP_UNIFORM
};
enum mm1__sup_restart { MM1__SUP_PERMANENT, MM1__SUP_TRANSIENT, MM1__SUP_TEMPORARY };
enum mm1__sup_stop { MM1__SUP_STOP_TIMEOUT, MM1__SUP_STOP_BRUTAL, MM1__SUP_STOP_INFINITY };
enum mm1__sup_auto { MM1__SUP_AUTO_NEVER, MM1__SUP_AUTO_ANY, MM1__SUP_AUTO_ALL };

enum mm1__sup_life {
    MM1__SUP_ABSENT,     /* no process: OTP's undefined */
    MM1__SUP_BEGINNING,  /* its start is under way */
    MM1__SUP_ALIVE,      /* it has a process, dead or alive, whose end was not handled yet */
    MM1__SUP_TO_RESTART, /* its restart failed; a retry is on its way: OTP's restarting */
};

/* A child; embedded in what the caller keeps of it, who makes and frees it. */
struct mm1__sup_child {
    struct mm1_list link; /* in mm1__sup.children, in start order; linked to itself: not kept yet */
    enum mm1__sup_restart restart;
    enum mm1__sup_stop stop;
    uint64_t stop_timeout_ns;
    bool ack;
    uint64_t start_timeout_ns; /* of an ack; UINT64_MAX: none */
    bool significant;
    /* The step's: */
    enum mm1__sup_life life;
    bool gone;     /* its process has ended, of which the event is still to be given */
    bool signaled; /* it was told to end, or killed */
};

/* Recorded restarts, oldest first, in a ring that the caller makes as large as mm1__sup_room says. */
struct mm1__sup_restarts {
    uint64_t *times;
    size_t capacity;
    size_t first;
    size_t count;
};

struct mm1__sup {
    /* Set by the caller before the first event: */
    enum mm1__sup_strategy strategy;
    enum mm1__sup_auto auto_shutdown;
    uint32_t max_restarts; /* MM1_RESTARTS_UNLIMITED: no time is recorded */
    uint64_t within_ns;    /* UINT64_MAX: for ever */
    struct mm1_list
        children; /* initialised; the first ones linked, in order; a uniform supervisor has none */
    /* The step's, zeroed: */
    struct mm1__sup_restarts restarts;
    unsigned phase;   /* what it is about, sup_step.c */
    unsigned purpose; /* what a start or stop under way is for */
    unsigned owed;    /* actions that come before the phase goes on */
    bool armed;
    struct mm1__sup_child *at;      /* whom it is at in the list; null: at the end of its walk */
    struct mm1__sup_child *from;    /* where a group restart begins; null: at the first one */
    struct mm1__sup_child *subject; /* whom the owed REPLY, FORGET or RESEND is about */
    struct mm1__sup_child *failed;  /* whose first start failed */
    size_t waiting;                 /* ends that a uniform supervisor waits for */
    enum mm1_sup_code code;         /* of the owed REPLY */
    struct mm1_reason reason;       /* to quit with, or why a start failed */
};

enum mm1__sup_event_kind {
    MM1__SUP_BEGIN,        /* first of all: start the children */
    MM1__SUP_STARTED,      /* of START: it is ready */
    MM1__SUP_IGNORED,      /* of START: it is not needed; there is no process any more */
    MM1__SUP_START_FAILED, /* of START: `reason`; there is no process any more, or never was */
    MM1__SUP_GONE,         /* the process of `child`, which is signaled, has ended */
    MM1__SUP_TIMEOUT,      /* of ARM */
    MM1__SUP_ENDED,        /* the process of `child`, which is ALIVE, has ended for `reason` */
    MM1__SUP_RETRY,        /* of RESEND: `child`, or null: it is not kept any more */
    MM1__SUP_PARENT,       /* an exit signal of the parent: `reason` */
    /* Calls; `child` is null where nobody is kept under that name. The caller answers what only looks, what is not for
     * this strategy, and a start whose id is known. */
    MM1__SUP_CALL_START, /* `child` is new, not linked: it is kept, or dropped by FORGET */
    MM1__SUP_CALL_TERMINATE,
    MM1__SUP_CALL_RESTART,
    MM1__SUP_CALL_DELETE,
    MM1__SUP_FAIL, /* the caller cannot go on (no memory): stop all children, quit with `reason` */
};

struct mm1__sup_event {
    enum mm1__sup_event_kind kind;
    struct mm1__sup_child *child;
    struct mm1_reason reason;
};

enum mm1__sup_action_kind {
    MM1__SUP_NONE,   /* nothing to do now */
    MM1__SUP_START,  /* give `child` a process, linked and watched */
    MM1__SUP_EXIT,   /* send its process exit with reason shutdown */
    MM1__SUP_KILL,   /* kill its process */
    MM1__SUP_ARM,    /* a TIMEOUT after `ns` */
    MM1__SUP_DISARM, /* none any more */
    MM1__SUP_RESEND, /* send a RETRY of `child` to oneself, through the inbox */
    MM1__SUP_FORGET, /* `child` is out of the list: free it; nothing names it any more */
    MM1__SUP_REPLY, /* answer the call in hand: `code`; of OK of a start whether `child` has a process says its life;
                        of FAILED `reason`. `child` may be null. Comes before a FORGET of the same child. */
    MM1__SUP_READY, /* all first children are started: mm1_init_done */
    MM1__SUP_QUIT, /* end with `reason`; the last action. Children may be left in the list, without a process. */
};

struct mm1__sup_action {
    enum mm1__sup_action_kind kind;
    struct mm1__sup_child *child;
    uint64_t ns;
    enum mm1_sup_code code;
    bool
        failed_start; /* of QUIT: the first start of `child`, still in the list, failed for `reason` */
    struct mm1_reason reason;
};

/* One event, or null: what is still to do. `now_ns` is monotonic. An event that cannot come breaks an invariant. */
struct mm1__sup_action mm1__sup_step(struct mm1__sup *sup, const struct mm1__sup_event *event,
                                     uint64_t now_ns);
/* Whether it waits for STARTED, IGNORED, START_FAILED, GONE or TIMEOUT and takes no other event. */
bool mm1__sup_busy(const struct mm1__sup *sup);
/* The process of a child that is ALIVE and not signaled has ended, whatever the step is doing. */
void mm1__sup_note_gone(struct mm1__sup_child *child);
/* Whether a child that ended for `reason` is to be restarted, if the limit allows it. */
bool mm1__sup_must_restart(const struct mm1__sup_child *child, const struct mm1_reason *reason);
/* How many times there must be room for in `restarts` before the next event: at most max_restarts. Grown with
 * mm1__sup_grow, which takes over `times`, of `capacity`, and returns the old ones to be freed. */
size_t mm1__sup_room(const struct mm1__sup *sup);
uint64_t *mm1__sup_grow(struct mm1__sup *sup, uint64_t *times, size_t capacity);
/* The step's own, sup_restarts.c: takes note of a restart; whether it may be done (VI2). */
bool mm1__sup_count_restart(struct mm1__sup *sup, uint64_t now_ns);

#endif
