/* Which cases OTP can be asked, and when its answer counts as the same. */
#ifndef FUZZ_SUP_OTP_RULES_H
#define FUZZ_SUP_OTP_RULES_H

#include "fuzz/sup_case.h"

/* Whether neither time nor a schedule has a say in what a case comes to, in OTP and in libmm1, and OTP 25 and later
 * releases agree on it. All that sup_generate draws for OTP is so; what is cut from it need not be. */
bool sup_otp_takes(const struct sup_case *the_case);

/* The first difference between two outputs of a case. */
struct sup_otp_difference {
    unsigned line;          /* from 1; 0: there is none */
    struct mm1_text theirs; /* the lines; "" where there is no more */
    struct mm1_text mine;
    unsigned excused; /* lines before it that differ as OTP's counter does (VD10) */
};

/* Compares OTP's output with one of libmm1. */
struct sup_otp_difference sup_otp_compare(const struct sup_case *the_case, struct mm1_text theirs,
                                          struct mm1_text mine);
/* Takes the first line of a text from it, without its end. False: there is none. */
bool sup_otp_line(struct mm1_text *text, struct mm1_text *line);

#endif
