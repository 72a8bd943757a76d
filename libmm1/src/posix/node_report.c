/* Lines of log about actors. */
#include <stdio.h>

#include <mm1/posix.h>

#include "posix/node_config.h"
#include "posix/node_report.h"

const char *mm1__reason_line(const struct mm1_reason *reason, char out[MM1__REASON_LINE_MAX])
{
    struct mm1_buf text = MM1_BUF(mm1_posix_alloc());
    bool printed = mm1_reason_print(reason, &text) == MM1_OK;
    (void)snprintf(out, MM1__REASON_LINE_MAX, "%.*s", printed ? (int)text.size : 0,
                   printed && text.size > 0 ? (const char *)text.data : "");
    mm1_buf_close(&text);
    return out;
}

static void log_line(struct mm1_trace *trace, const struct mm1_path *path, mm1_addr self,
                     enum mm1_log_level level, struct mm1_text text)
{
    const struct mm1_event event = {
        .kind = MM1_EVENT_LOG, .actor = path, .self = self, .number = level, .text = text};
    if (!trace->quiet) {
        (void)trace->ops->emit(trace, &event);
    }
}

static void failed(struct mm1_failure_sink *self, const struct mm1_path *path, mm1_addr addr,
                   const struct mm1_reason *reason)
{
    struct mm1__node_report *report = MM1_CONTAINER_OF(self, struct mm1__node_report, failures);
    char name[MM1_PATH_TEXT_MAX];
    char why[MM1__REASON_LINE_MAX];
    char text[MM1_PATH_TEXT_MAX + MM1__REASON_LINE_MAX + 32];
    (void)mm1_path_print(path, name);
    (void)snprintf(text, sizeof(text), "actor %s failed: %s", name, mm1__reason_line(reason, why));
    log_line(report->trace, path, addr, MM1_LOG_ERROR, mm1_text_of(text));
}

/* "sent kv::Get to <aa1:1>: {…}"; without the message where there is no memory for it. */
static void log_message(struct mm1_tap *self, const struct mm1_path *path, mm1_addr by,
                        const char *verb, const char *word, mm1_addr at,
                        const struct mm1_envelope *envelope)
{
    struct mm1__node_report *report = MM1_CONTAINER_OF(self, struct mm1__node_report, tap);
    char address[MM1_ADDR_TEXT_MAX];
    struct mm1_buf text = MM1_BUF(mm1_posix_alloc());
    (void)mm1_addr_print(at, address);
    mm1_status status =
        mm1_buf_format(&text, "%s %s %s %s: ", verb,
                       envelope->type == NULL ? "-" : envelope->type->name, word, address);
    if (status == MM1_OK && envelope->type != NULL) {
        status = mm1_msg_print(envelope->type, envelope->msg, &text);
    }
    struct mm1_text line = status == MM1_NOMEM ? MM1_TEXT("a message, and no memory to print it")
                                               : mm1_buf_text(&text);
    log_line(report->trace, path, by, MM1_LOG_DEBUG, line);
    mm1_buf_close(&text);
}

static void sent(struct mm1_tap *self, const struct mm1_path *sender, mm1_addr from, mm1_addr to,
                 const struct mm1_envelope *envelope)
{
    log_message(self, sender, from, "sent", "to", to, envelope);
}

static void received(struct mm1_tap *self, const struct mm1_path *receiver, mm1_addr by,
                     const struct mm1_envelope *envelope)
{
    log_message(self, receiver, by, "received", "at", envelope->to, envelope);
}

void mm1__node_report_init(struct mm1__node_report *report, struct mm1_trace *trace)
{
    static const struct mm1_tap_ops taps = {.sent = sent, .received = received};
    *report = (struct mm1__node_report){.failures.failed = failed,
                                        .tap = {.ops = &taps, .key = MM1_TEXT(MM1__NODE_TAP)},
                                        .trace = trace};
}
