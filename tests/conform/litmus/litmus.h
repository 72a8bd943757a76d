/* Litmus programs: two or three actors that race, and all outcomes that are legal. After the public collection
 * aronisstav/erlang-concurrency-litmus-tests; docs/litmus.md has a row for each of its programs.
 *
 * A program is text: what each of its actors does, step by step, with T for the one that starts the others and says the
 * outcome, and A to C for these.
 *
 *   spawn X       starts X                             send X w      sends it a word
 *   spawnmon X    starts X and watches it from birth   recv w        waits for this word, leaves all else
 *   spawnlink X   as spawnmon, and linked              take          waits for anything: a word, or why it ended
 *   watch X       watches it                           takeexit      waits for an exit signal
 *   unwatch X     no more                              exited X      waits for one of X
 *   unflush X     no more; says whether it stood        exitedfor w   waits for one for this reason
 *   down X        waits for the end of X               poll          takes what is there, without waiting
 *   link X        links                                takefor       waits for a while
 *   unlink X      unlinks                              late          waits until all has arrived
 *   exit X w      sends an exit signal                 yield         lets others, and signals, act
 *   trap          traps exit signals                   timer w       starts a timer
 *   reg X         registers the name for X             cancel        cancels it
 *   regother X    registers another name               sleep         waits for a while, for nothing
 *   regshort X    as reg, for a short time             end w         ends for a reason
 *   unreg X       takes the name from X                crashif w     ends for crash if the last step gave w
 *   find          looks it up: N is who has it         crashunless w as above, if it did not
 *   sendname w    looks it up, and sends               out           the outcome is what the last step gave */
#ifndef MM1_CONFORM_LITMUS_LITMUS_H
#define MM1_CONFORM_LITMUS_LITMUS_H

#include <mm1/function.h>
#include <mm1/system.h>

enum { LITMUS_T, LITMUS_A, LITMUS_B, LITMUS_C, LITMUS_ROLES };

#define LITMUS_OUTCOMES_MAX 6

struct litmus_program {
    const char *name;
    const char *roles[LITMUS_ROLES]; /* null: none */
    const char *outcomes;            /* the legal ones, in words */
    bool names;                      /* a name service runs */
};

extern const struct litmus_program litmus_programs[];
extern const size_t litmus_program_count;

/* How long things take, and whether steps are delayed at random, for threads. */
struct litmus_pace {
    uint64_t while_ns; /* of takefor, timer, sleep and a short registration */
    uint64_t late_ns;  /* longer than anything that is sent stays on its way */
    uint64_t jitter;   /* rounds of a loop before a step, at most; 0: none */
};

/* Readies a program; ends the process when its text is malformed. */
void litmus_begin(const struct litmus_program *program, const struct litmus_pace *pace);
/* The next run begins. */
void litmus_again(void);
/* The outcome of the run, null as long as there is none. Any thread. */
const char *litmus_outcome(void);
/* Its index among the legal ones; -1: it is not legal. */
int litmus_index(const struct litmus_program *program, const char *outcome);
/* How many are legal. */
unsigned litmus_legal(const struct litmus_program *program);

/* The first actor of a run, and the types of its messages. */
extern const struct mm1_function litmus_main;
extern const struct mm1_msg_type *const litmus_types[];
extern const size_t litmus_type_count;

#endif
