/* Cases on libmm1, several in a process of their own, so that one that crashes or hangs is told as well. */
#ifndef FUZZ_SUP_APART_H
#define FUZZ_SUP_APART_H

#include "fuzz/sup_alone.h"

#define SUP_APART_MAX 256

enum sup_apart_kind {
    SUP_APART_MISSING, /* not come to: one before it ended the process */
    SUP_APART_PLAYED,
    SUP_APART_RESTLESS, /* does not come to rest */
    SUP_APART_CRASHED,
    SUP_APART_HUNG,
    SUP_APART_FAILED, /* could not be played: no memory */
};

/* What a case came to. */
struct sup_apart_answer {
    enum sup_apart_kind kind;
    struct mm1_text
        text; /* the output; of those that did not end well, as far as it went, and then why */
};

struct sup_apart_shared;
struct sup_apart {
    struct sup_apart_shared *shared;
    int words; /* what it says on standard error */
    int told;  /* the outputs */
    unsigned limit_ms;
    const volatile sig_atomic_t *stop;
    struct mm1_buf texts;         /* of the answers */
    void (*before)(size_t index); /* called there before each case; null: nothing. For tests */
};

/* `limit_ms`: how long a case may take. MM1_IO. To be closed in any case. */
MM1_NODISCARD mm1_status sup_apart_open(struct sup_apart *apart, struct mm1_alloc *alloc,
                                        unsigned limit_ms, const volatile sig_atomic_t *stop);
void sup_apart_close(struct sup_apart *apart);
/* Plays cases, at most SUP_APART_MAX, in the simulator. Texts of `answers` stay until the next time. MM1_IO, MM1_NOMEM;
 * MM1_CLOSED: it was stopped. */
MM1_NODISCARD mm1_status sup_apart_play(struct sup_apart *apart, const struct sup_case *cases,
                                        size_t count, struct sup_apart_answer *answers);

#endif
