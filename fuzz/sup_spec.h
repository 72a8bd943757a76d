/* The specification of a supervisor, executable: reads the log of one life of one supervisor and says whether it did
 * what OTP's rules say, nothing else, in that order. Written as the rules are told, as a program that waits where a
 * supervisor waits; apart from libmm1/src/kit/sup_step.c, of which it knows nothing. */
#ifndef FUZZ_SUP_SPEC_H
#define FUZZ_SUP_SPEC_H

#include "fuzz/sup_log.h"

enum sup_verdict {
    SUP_ACCEPTED,
    SUP_REJECTED,
};

#define SUP_FINDING_MAX 400

struct sup_finding {
    const char *
        rule; /* short and stable, for signatures: "stop order", "restart limit", "reply", … Static. */
    size_t
        entry; /* the first one that is wrong; the count of the log: something is missing at its end */
    char text[SUP_FINDING_MAX]; /* expected …, saw …: a sentence a tired person understands */
};

/* Judges a log. `tree` is the supervisor's argument, `rests`: the log ends where the supervisor had nothing left to do,
 * so that whatever it had to do must have been done; else a log that stops early is accepted. */
enum sup_verdict sup_spec_judge(struct mm1_alloc *alloc, const struct mm1_tree_spec *tree,
                                const struct sup_log *log, bool rests, struct sup_finding *finding);

#endif
