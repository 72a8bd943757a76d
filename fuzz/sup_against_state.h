/* The inside of a comparison with OTP: what its parts share. */
#ifndef FUZZ_SUP_AGAINST_STATE_H
#define FUZZ_SUP_AGAINST_STATE_H

#include "fuzz/sup_against.h"
#include "fuzz/sup_apart.h"
#include "fuzz/sup_otp.h"
#include "fuzz/sup_otp_rules.h"

/* What a case came to on both sides. */
enum sup_against_kind {
    SUP_AGAINST_EQUAL,
    SUP_AGAINST_DIFFERS,
    SUP_AGAINST_CRASHED, /* from here on libmm1 alone */
    SUP_AGAINST_HUNG,
    SUP_AGAINST_RESTLESS,
    SUP_AGAINST_BROKEN, /* OTP or the oracle could not play it, or libmm1 had no memory to: proves nothing */
};

/* Texts are of the buffers of the state, until the next case is asked. */
struct sup_against_verdict {
    enum sup_against_kind kind;
    struct sup_otp_difference difference;
    struct mm1_text theirs;
    struct mm1_text mine;
};

struct sup_against_state {
    const struct sup_against_options *options;
    struct mm1_alloc *alloc;
    struct sup_otp otp;
    struct sup_apart apart;
    struct mm1_buf text;   /* cases to ask */
    struct mm1_buf theirs; /* OTP's outputs */
    uint64_t cases;        /* that were compared */
    uint64_t excused;      /* lines that differ by VD10 */
    uint64_t begun_ms;
    uint64_t told_ms;
};

/* A finding, as small as it got. */
struct sup_against_finding {
    uint64_t seed;
    struct sup_case the_case;
    struct sup_against_verdict verdict;
    unsigned runs;
    size_t members_before;
    size_t events_before;
    bool again; /* it came a second time */
};

/* sup_against_report.c */
void sup_against_progress(struct sup_against_state *state);
void sup_against_summary(const struct sup_against_state *state, bool equal);
/* Prints a finding as a case file. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_against_print(const struct sup_against_state *state,
                                           const struct sup_against_finding *finding);

#endif
