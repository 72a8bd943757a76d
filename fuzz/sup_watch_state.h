/* The inside of the property of sup_watch.h: sup_watch_log.c writes logs, sup_watch_bonds.c counts watches and calls,
 * sup_watch_rest.c looks at what is left at the end, sup_watch.c does the rest. */
#ifndef FUZZ_SUP_WATCH_STATE_H
#define FUZZ_SUP_WATCH_STATE_H

#include <mm1/supervisor.h>

#include "fuzz/sup_log.h"
#include "fuzz/sup_roll.h"
#include "fuzz/sup_watch.h"

struct sup_life;

/* A process of the case, beside what the roll knows of it. */
struct sup_seen {
    struct sup_process *process;
    struct sup_life *above;   /* of its supervisor; null: the root */
    struct sup_life *life;    /* its own; null: a worker */
    struct sup_seen *same_id; /* the one of its id before it, if that lived when this was born */
    bool ignores;             /* a worker that does not end when it is told to */
    bool told;                /* its supervisor told it to end, or killed it */
    bool stopped;             /* a call asked its supervisor to stop it */
    uint64_t ended_seq;       /* of its end */
    bool heard;               /* an exit signal of its supervisor came after that had ended */
    unsigned downs;           /* notifications of its end that its supervisor got */
    unsigned exits;           /* exit signals that its supervisor got from it after its end */
};

/* A call that a supervisor has taken and not answered. */
struct sup_open_call {
    struct sup_open_call *next;
    uint64_t asker; /* where the answer goes */
    uint64_t id;
    uint64_t number;  /* of the request */
    uint64_t process; /* that it points to */
};

/* One life of a supervisor. */
struct sup_life {
    struct sup_life *next; /* all of the run */
    struct sup_seen *self;
    struct mm1_tree_spec *tree;
    size_t tree_size;
    bool begun; /* the gate has let it begin: what came before was not the supervisor */
    bool quit;  /* it ended itself */
    bool killed;
    bool unwatched; /* it took a watch back: then not each end is told */
    /* A call stopped or deleted a child without a process, which may have been about to restart others too. */
    bool gave_up;
    bool busy;       /* at rest: somebody has not finished his start or his end */
    uint64_t living; /* children that live */
    /* At its last event before this one. Between two events of its own it computes and nobody else runs: so that is
     * when it looked at the clock, and at who lives. */
    uint64_t clock_ns;
    uint64_t seq;
    uint64_t lived;
    struct sup_open_call *open; /* the latest first */
    struct sup_log log;
};

/* A call from its caller's side. */
struct sup_caller {
    struct mm1_tree_node by_address;
    uint64_t address;
    uint64_t number;
    uint64_t supervisor; /* 0: nobody */
    unsigned told;       /* how often it observed the end of its call */
    bool answered;       /* a supervisor sent it an answer */
    uint8_t code;        /* of that, where it has one */
    uint64_t child;
};

/* A watch made by a verb. */
struct sup_bond {
    struct mm1_tree_node by_watcher;
    uint64_t watcher;
    uint64_t ref;
    uint64_t target;
    unsigned downs;
};

#define SUP_NAME_MAX 80
#define SUP_NAMES 4

/* Who was looked up lately, also that it is nobody: most events have the actor of the one before. */
#define SUP_LOOKUPS 32
struct sup_lookup {
    uint64_t address; /* 0: none */
    struct sup_seen *seen;
};

struct sup_watch {
    struct mm1_alloc *alloc; /* null: nothing was seen yet */
    struct sup_roll roll;
    struct sup_lookup lookups[SUP_LOOKUPS];
    struct sup_life *lives;
    struct sup_open_call *spare_calls;
    struct mm1_tree callers;
    struct mm1_tree bonds;
    uint64_t *taken; /* bits: numbers of what some supervisor took */
    size_t taken_words;
    struct mm1_buf ids;  /* scratch: terminated copies of ids */
    struct mm1_buf told; /* scratch: struct sup_told_child */
    struct mm1_buf text; /* scratch: of findings */
    uint64_t checks;
    bool over; /* the node went down, or a finding was made */
    /* Names of processes, for findings: the last few asked for. */
    char names[SUP_NAMES][SUP_NAME_MAX];
    unsigned name_next;
    struct mm1_finding *finding; /* where a finding goes; null: nobody wants one now */
    bool violated;
};

/* The one of that address, or null. */
struct sup_seen *sup_seen_at(struct sup_watch *watch, uint64_t address);
/* "a#2"; of one that did not become ready "a, which was not ready". Stays for SUP_NAMES - 1 calls more. */
const char *sup_name_of(struct sup_watch *watch, uint64_t address);
/* Makes a finding, unless there is one. `life` is whose log led to it, up to the entry `entry`; null: nobody's. */
void sup_found(struct sup_watch *watch, const struct sup_life *life, size_t entry, const char *rule,
               const char *format, ...) MM1_PRINTF(5, 6);
/* Lets the specification judge a life; `rests`: as for sup_spec_judge. */
void sup_judge(struct sup_watch *watch, struct sup_life *life, bool rests);

/* --- sup_watch_log.c --------------------------------------------------------------------------------------------- */

/* An event of a supervisor that has begun: RECEIVE, SEND, VERB, or the SPAWN of a child. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_life_see(struct sup_watch *watch, struct sup_life *life,
                                      const struct mm1_sight *sight);
/* Its end. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_life_end(struct sup_watch *watch, struct sup_life *life,
                                      const struct mm1_sight *sight);

/* --- sup_watch_bonds.c ------------------------------------------------------------------------------------------- */

void sup_bonds_init(struct sup_watch *watch);
void sup_bonds_close(struct sup_watch *watch);
/* VERB of watch and unwatch. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_bond_verb(struct sup_watch *watch, const struct mm1_event *event);
/* POST of mm1_down: a notification lies in the watcher's queue. */
void sup_bond_down(struct sup_watch *watch, const struct mm1_event *event);
/* EXIT of anybody: its watches are over. */
void sup_bond_exit(struct sup_watch *watch, uint64_t watcher);
/* SIGNAL of an exit. */
void sup_link_signal(struct sup_watch *watch, const struct mm1_event *event);
/* SPAWN of a caller. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_caller_born(struct sup_watch *watch, const struct mm1_event *event);
/* The supervisor `from` sends an answer: one of response types. */
void sup_caller_sent(struct sup_watch *watch, const struct sup_life *from,
                     const struct mm1_event *event);
/* OBSERVE of sup_called. */
void sup_caller_told(struct sup_watch *watch, const struct mm1_event *event);

/* --- sup_watch_rest.c -------------------------------------------------------------------------------------------- */

/* All that must hold when the run is at rest. */
void sup_rest(struct sup_watch *watch);
void sup_bonds_rest(struct sup_watch *watch);

#endif
