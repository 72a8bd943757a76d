/* Why an actor ended (OTP's exit reasons): the reason travels by value in exit signals and Down notifications. */
#ifndef MM1_REASON_H
#define MM1_REASON_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/msg.h>

enum mm1_reason_kind {
    MM1_REASON_NORMAL,
    MM1_REASON_SHUTDOWN,
    MM1_REASON_SHUTDOWN_TEXT, /* {shutdown, Text} */
    MM1_REASON_KILL, /* as sent with exit: cannot be trapped; the victim's links see KILLED */
    MM1_REASON_KILLED,
    MM1_REASON_NOPROC,
    MM1_REASON_NOCONNECTION,
    MM1_REASON_INIT_FAILED,
    MM1_REASON_TIMEOUT,
    MM1_REASON_ERROR, /* error(code, text) */
};

#define MM1_REASON_TEXT_MAX 48

struct mm1_reason {
    enum mm1_reason_kind kind;
    int32_t code;                   /* of MM1_REASON_ERROR, else 0 */
    char text[MM1_REASON_TEXT_MAX]; /* terminated; longer text is cut */
};

#define MM1_NORMAL ((struct mm1_reason){.kind = MM1_REASON_NORMAL})
#define MM1_SHUTDOWN ((struct mm1_reason){.kind = MM1_REASON_SHUTDOWN})

/* error(code, text). `text` is copied and may be null. */
MM1_API struct mm1_reason mm1_reason_error(int32_t code, const char *text);
/* A reason of another kind without text. */
MM1_API struct mm1_reason mm1_reason_of(enum mm1_reason_kind kind);
/* True for MM1_REASON_NORMAL alone, mm1's normal_exit. */
static inline bool mm1_reason_is_normal(const struct mm1_reason *reason)
{
    return reason->kind == MM1_REASON_NORMAL;
}
/* Whether an actor ended in order: normal, shutdown or shutdown(text). */
static inline bool mm1_reason_is_clean(const struct mm1_reason *reason)
{
    return reason->kind == MM1_REASON_NORMAL || reason->kind == MM1_REASON_SHUTDOWN ||
           reason->kind == MM1_REASON_SHUTDOWN_TEXT;
}
/* Appends "normal", "shutdown: text", "error 3: text", … */
MM1_API MM1_NODISCARD mm1_status mm1_reason_print(const struct mm1_reason *reason,
                                                  struct mm1_buf *out);

/* A reason inside a message. */
#define MM1_WHY_FIELDS(F) F(u8, kind) F(i32, code) F(text, text)
MM1_MSG_DECLARE(mm1_why, MM1_WHY_FIELDS)

/* Both ways; mm1_why borrows the text of `reason`. An unknown kind becomes MM1_REASON_ERROR. */
MM1_API struct mm1_why mm1_why_of(const struct mm1_reason *reason);
MM1_API struct mm1_reason mm1_reason_of_why(const struct mm1_why *why);

#endif
