/* The property of the system "supervisors": whether a simulated run of a case was supervised as it must be.
 *
 * It sees the runtime's events alone. Of each life of each supervisor it makes a log (sup_log.h), which the
 * specification judges when the life ends, or at the end of the run. Beside that it holds what no single supervisor can
 * be blamed for. Its rules, besides those of the specification:
 *
 *     orphan               who lives at rest has a living supervisor above, unless it is a worker that ignores exits
 *                          and whose supervisor was killed
 *     child twice          a supervisor has one living process of an id, even while the first is about to end (not of a
 *                          uniform one, whose children may have one name)
 *     watch                every watch of an actor that ended is told once, while the watcher lives and wants it
 *     link                 of a supervisor and its child, each is told of the other's end once
 *     tree                 it is whole or has given up: a living supervisor has all the permanent children of its tree,
 *                          but for those that a call has stopped
 *     call not answered, call answered twice, call lost
 *                          every caller gets one answer, the one that the supervisor gave, or hears that it ended
 *
 * Calls are linearizable by this: a supervisor takes one request at a time, and the specification accepts its replies
 * in the order in which it took them. That order keeps real time, since all is seen in one order of events: a call that
 * began after another was answered was sent, and so taken, after that answer was given.
 *
 * The run is to end at rest: nothing on its way, nothing armed. A case is played by one node that stays up. */
#ifndef FUZZ_SUP_WATCH_H
#define FUZZ_SUP_WATCH_H

#include <mm1/system.h>

/* The text of a finding begins with its rule and ": ", which is what findings are told apart by: "child twice: …". */
extern const struct mm1_property sup_watch_property;

#endif
