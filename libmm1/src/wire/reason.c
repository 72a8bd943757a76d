/* Exit reasons: making, printing, and the message that carries one. */
#include <mm1/reason.h>

#include "base/utf8.h"

MM1_MSG_DEFINE(mm1_why, "mm1::Why", MM1_WHY_FIELDS)

/* Copies what fits, cut between characters and at a NUL; what is not UTF-8 becomes '?', so that it can be sent. */
static void set_text(struct mm1_reason *reason, const char *text, size_t size)
{
    size_t used = 0;
    for (size_t at = 0; at < size && text[at] != 0;) {
        size_t length = mm1__utf8_sequence(text + at, size - at);
        size_t step = length == 0 ? 1 : length;
        if (used + step >= MM1_REASON_TEXT_MAX) {
            break;
        }
        if (length == 0) {
            reason->text[used] = '?';
        } else {
            memcpy(reason->text + used, text + at, length);
        }
        used += step;
        at += step;
    }
    reason->text[used] = 0;
}

struct mm1_reason mm1_reason_error(int32_t code, const char *text)
{
    struct mm1_reason reason = {.kind = MM1_REASON_ERROR, .code = code};
    if (text != NULL) {
        set_text(&reason, text, strlen(text));
    }
    return reason;
}

struct mm1_reason mm1_reason_of(enum mm1_reason_kind kind)
{
    return (struct mm1_reason){.kind = kind};
}

static const char *kind_text(enum mm1_reason_kind kind)
{
    switch (kind) {
    case MM1_REASON_NORMAL:
        return "normal";
    case MM1_REASON_SHUTDOWN:
    case MM1_REASON_SHUTDOWN_TEXT:
        return "shutdown";
    case MM1_REASON_KILL:
        return "kill";
    case MM1_REASON_KILLED:
        return "killed";
    case MM1_REASON_NOPROC:
        return "noproc";
    case MM1_REASON_NOCONNECTION:
        return "noconnection";
    case MM1_REASON_INIT_FAILED:
        return "init_failed";
    case MM1_REASON_TIMEOUT:
        return "timeout";
    case MM1_REASON_ERROR:
        return "error";
    }
    return "error";
}

mm1_status mm1_reason_print(const struct mm1_reason *reason, struct mm1_buf *out)
{
    const char *name = kind_text(reason->kind);
    const char *colon = reason->text[0] == 0 ? "" : ": ";
    if (reason->kind == MM1_REASON_ERROR) {
        return mm1_buf_format(out, "%s %d%s%s", name, (int)reason->code, colon, reason->text);
    }
    return mm1_buf_format(out, "%s%s%s", name, colon, reason->text);
}

struct mm1_why mm1_why_of(const struct mm1_reason *reason)
{
    return (struct mm1_why){
        .kind = (uint8_t)reason->kind,
        .code = reason->code,
        .text = mm1_text_of(reason->text),
    };
}

struct mm1_reason mm1_reason_of_why(const struct mm1_why *why)
{
    struct mm1_reason reason = {.kind = MM1_REASON_ERROR, .code = why->code};
    if (why->kind <= MM1_REASON_ERROR) {
        reason.kind = (enum mm1_reason_kind)why->kind;
    }
    set_text(&reason, why->text.data, why->text.size);
    return reason;
}
