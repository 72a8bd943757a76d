/* A strict reader of OpenMetrics 1.0 text, as far as this project writes it: counters, gauges and histograms, without
 * timestamps and exemplars. */
#ifndef OPEN_METRICS_H
#define OPEN_METRICS_H

#include <mm1/bytes.h>

/* Null when `text` is well-formed and means something; else what is wrong, with its line. Static storage. */
const char *open_metrics_fault(struct mm1_text text);
/* True when one line of the text is `line`, from its beginning to its end. */
bool open_metrics_has(struct mm1_text text, const char *line);

#endif
