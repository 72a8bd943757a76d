/* Erlang/OTP in a process that is kept running and plays cases on its own supervisor (share/otp/oracle.erl). */
#ifndef FUZZ_SUP_OTP_H
#define FUZZ_SUP_OTP_H

#include <signal.h>
#include <sys/types.h>

#include <mm1/bytes.h>
#include <mm1/status.h>

#define SUP_OTP_ERROR_MAX 256

struct sup_otp {
    pid_t pid; /* 0: none */
    int to;    /* its standard input */
    int from;  /* its standard output */
    const volatile sig_atomic_t *stop;
    char release[16];              /* "25" */
    char error[SUP_OTP_ERROR_MAX]; /* what the last status other than MM1_OK came from, in words */
};

/* Starts it; `jobs`: how many cases it plays at a time. MM1_NOT_FOUND: Erlang is not installed; MM1_CLOSED: `*stop`
 * is set; MM1_IO; MM1_NOMEM. It is to be closed in any case. */
MM1_NODISCARD mm1_status sup_otp_open(struct sup_otp *otp, struct mm1_alloc *alloc, unsigned jobs,
                                      const volatile sig_atomic_t *stop);
/* Gives it cases, as text, and returns while it plays them. MM1_CLOSED, MM1_TIMEOUT: it does not take them; MM1_IO. */
MM1_NODISCARD mm1_status sup_otp_ask(struct sup_otp *otp, struct mm1_text cases);
/* Waits for what they came to, and appends it: an output after the other, each from "case" to "end". A case that OTP
 * does not come to an end with has the one line "stuck" there, one that breaks the oracle "broken". MM1_CLOSED,
 * MM1_TIMEOUT, MM1_IO, MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_otp_answers(struct sup_otp *otp, struct mm1_buf *out);
void sup_otp_close(struct sup_otp *otp);

#endif
