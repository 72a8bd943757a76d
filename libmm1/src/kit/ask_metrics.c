/* What is counted of asks. */
#include <mm1/metrics.h>

#include "kit/ask_metrics.h"

static const struct mm1_metric started = {
    .name = "mm1_ask_started",
    .help = "Requests that were sent.",
    .labels = {"req"},
};
static const struct mm1_metric done = {
    .name = "mm1_ask_done",
    .help = "Requests that are waited for no more; unsent: they never were.",
    .labels = {"req", "outcome"},
};
static const struct mm1_metric latency = {
    .name = "mm1_ask_seconds",
    .help = "From a request to its reply.",
    .kind = MM1_METRIC_SECONDS,
    .labels = {"req"},
};

static const char *const end_text[] = {
    [MM1__ASK_REPLIED] = "replied", [MM1__ASK_TIMED_OUT] = "timed_out",
    [MM1__ASK_DOWN] = "down",       [MM1__ASK_CANCELLED] = "cancelled",
    [MM1__ASK_UNSENT] = "unsent",
};

void mm1__ask_began(struct mm1_ctx *ctx, const struct mm1_msg_type *type)
{
    mm1_count(ctx, &started, MM1_LABELS(type->name), 1);
}

void mm1__ask_ended(struct mm1_ctx *ctx, const struct mm1_msg_type *type, uint64_t began_ns,
                    enum mm1__ask_end how)
{
    if (!mm1_metrics_on(ctx)) {
        return;
    }
    mm1_count(ctx, &done, MM1_LABELS(type->name, end_text[how]), 1);
    if (how == MM1__ASK_REPLIED) {
        mm1_measure_ns(ctx, &latency, MM1_LABELS(type->name), mm1_now(ctx) - began_ns);
    }
}
