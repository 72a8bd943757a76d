/* What a node's log says of its actors beside their own lines: who failed, and which messages pass an actor whose
 * settings name the tap "log". */
#ifndef MM1_POSIX_NODE_REPORT_H
#define MM1_POSIX_NODE_REPORT_H

#include <mm1/node.h>

struct mm1__node_report {
    struct mm1_failure_sink failures; /* a line at level error each */
    struct mm1_tap tap;               /* a line at level debug for each message */
    struct mm1_trace *trace;
};

/* `trace` is borrowed. */
void mm1__node_report_init(struct mm1__node_report *report, struct mm1_trace *trace);

/* The text of a reason, with a NUL; returns `out`. */
#define MM1__REASON_LINE_MAX 128
const char *mm1__reason_line(const struct mm1_reason *reason, char out[MM1__REASON_LINE_MAX]);

#endif
