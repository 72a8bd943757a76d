/* Metrics: what a node counts, as OpenMetrics text for whoever watches over it.
 *
 * A node counts when its configuration says so (struct mm1_node_config, `metrics`); else each verb below costs one look
 * at a pointer. It counts by itself: for each behaviour its actors, spawns, exits, turns, messages and inboxes; what
 * could not be sent; and through the kit the asks and what servers handle. Actors count more:
 *
 *     static const struct mm1_metric lookups = {
 *         .name = "kv_lookups", .help = "Keys that were looked up.", .labels = {"table", "found"}};
 *
 *     mm1_count(ctx, &lookups, MM1_LABELS(table, value == NULL ? "no" : "yes"), 1);
 *
 * Each set of labels is counted for itself and stays as long as the node: labels are names of kinds, not of things. */
#ifndef MM1_METRICS_H
#define MM1_METRICS_H

#include <mm1/actor.h>

#define MM1_METRIC_LABELS_MAX 2
/* Sets of labels of one metric; what comes with others is dropped, and the drops are counted. */
#define MM1_METRIC_SERIES_MAX 1024

enum mm1_metric_kind {
    MM1_METRIC_COUNTER, /* "_total" is added to its name where it is printed */
    MM1_METRIC_SECONDS, /* a histogram of durations, measured in ns; its name ends in "_seconds" */
};

/* A metric; static and const, it outlives the node. Two of one name are one, if kind and labels agree: else the first
 * counts, and what the other would count is dropped. Letters, digits and '_' make a name; "mm1_" is the runtime's. */
struct mm1_metric {
    const char *name;
    const char *help; /* a sentence */
    enum mm1_metric_kind kind;
    const char *labels[MM1_METRIC_LABELS_MAX]; /* their names; null: fewer */
};

/* The values of the labels, in the order of their names: UTF-8, copied. */
#define MM1_LABELS(...) ((const char *const[]){__VA_ARGS__})

/* Whether this node counts. */
MM1_API bool mm1_metrics_on(const struct mm1_ctx *ctx);
/* Adds `n` to a counter. `labels` has as many values as the metric has names; null when it has none. */
MM1_API void mm1_count(struct mm1_ctx *ctx, const struct mm1_metric *metric,
                       const char *const *labels, uint64_t n);
/* Adds a duration to a histogram. `labels` as above. */
MM1_API void mm1_measure_ns(struct mm1_ctx *ctx, const struct mm1_metric *metric,
                            const char *const *labels, uint64_t ns);

struct mm1_node;

/* Appends all that a node has counted: OpenMetrics 1.0, from the first metric to "# EOF", always in the same order.
 * Any thread. MM1_NOT_FOUND: the node does not count. MM1_NOMEM. Then `out` is as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_node_metrics(struct mm1_node *node, struct mm1_buf *out);
/* mm1_node_metrics of the actor's own node. */
MM1_API MM1_NODISCARD mm1_status mm1_metrics_print(struct mm1_ctx *ctx, struct mm1_buf *out);

/* --- served over HTTP ----------------------------------------------------------------------------------------- */

#define MM1_METRICS_CONFIG_FIELDS(F) F(text, addr)
MM1_MSG_DECLARE(mm1_metrics_config, MM1_METRICS_CONFIG_FIELDS)

/* An actor of the kit that answers GET /metrics with this node's metrics. Its argument is a struct mm1_metrics_config:
 * where it listens, as mm1/transport.h spells it. It says mm1_init_done when it listens, with its own address; it ends
 * with an error when it cannot listen, or when the node does not count. Types: mm1_kit_register. */
MM1_API extern const struct mm1_behaviour mm1_metrics_server;

#endif
