/* The metrics of a node as OpenMetrics text. */
#include "core/metrics.h"

#define TRY_PUT(out, ...) MM1_TRY(mm1_buf_format((out), __VA_ARGS__))

/* As OpenMetrics spells the bounds of the buckets. */
static const char *const bucket_text[] = {
    "1e-06", "5e-06", "1e-05", "5e-05", "0.0001", "0.0005", "0.001", "0.005",
    "0.01",  "0.05",  "0.1",   "0.5",   "1.0",    "5.0",    "10.0",
};
_Static_assert(MM1_COUNT_OF(bucket_text) == MM1__BUCKETS, "each bucket has its text");

static const char *const unsent_text[] = {
    [MM1__UNSENT_CLOSED] = "closed",     [MM1__UNSENT_FULL] = "full",
    [MM1__UNSENT_NOBODY] = "nobody",     [MM1__UNSENT_NO_MEMORY] = "no_memory",
    [MM1__UNSENT_NO_ROUTE] = "no_route", [MM1__UNSENT_REFUSED] = "refused",
    [MM1__UNSENT_TTL] = "ttl",
};
_Static_assert(MM1_COUNT_OF(unsent_text) == MM1__UNSENT_REASONS, "each reason has its text");

/* What is printed of each behaviour, in this order. */
enum own {
    OWN_ALIVE,
    OWN_EXITS,
    OWN_RECEIVED,
    OWN_SPAWNS,
    OWN_TURNS,
    OWN_INBOX,
    OWN_INBOX_MAX,
    OWN_UNSENT,
    OWN_DROPPED,
    OWN_COUNT,
};
static const struct own_text {
    const char *name;
    const char *type;
    const char *help;
} own_texts[] = {
    [OWN_ALIVE] = {"mm1_actors", "gauge", "Actors that live."},
    [OWN_EXITS] = {"mm1_actor_exits", "counter",
                   "Actors that ended; normal: for reason normal or shutdown."},
    [OWN_RECEIVED] = {"mm1_actor_messages", "counter",
                      "Messages that were received, those of timers and ports included."},
    [OWN_SPAWNS] = {"mm1_actor_spawns", "counter", "Actors that were spawned."},
    [OWN_TURNS] = {"mm1_actor_turns", "counter", "Turns that were given."},
    [OWN_INBOX] = {"mm1_inbox_messages", "gauge",
                   "Messages that wait and were sent without priority."},
    [OWN_INBOX_MAX] = {"mm1_inbox_messages_max", "gauge", "The same, of the fullest inbox."},
    [OWN_UNSENT] = {"mm1_messages_unsent", "counter",
                    "Messages that were not left in an inbox; nobody: they were lost."},
    [OWN_DROPPED] = {"mm1_metrics_dropped", "counter",
                     "What was not counted: memory was refused, labels were too many or not UTF-8, "
                     "or the metric is malformed."},
};
_Static_assert(MM1_COUNT_OF(own_texts) == OWN_COUNT, "each has its text");

bool mm1__metric_is_own(const char *name)
{
    for (size_t i = 0; i < OWN_COUNT; i++) {
        if (strcmp(name, own_texts[i].name) == 0) {
            return true;
        }
    }
    return false;
}

/* --- pieces --------------------------------------------------------------------------------------------------- */

static mm1_status put_escaped(struct mm1_buf *out, const char *text)
{
    while (*text != '\0') {
        size_t plain = 0;
        while (text[plain] != '\0' && text[plain] != '\\' && text[plain] != '"' &&
               text[plain] != '\n') {
            plain++;
        }
        MM1_TRY(mm1_buf_append(out, text, plain));
        text += plain;
        if (*text != '\0') {
            TRY_PUT(out, "\\%c", *text == '\n' ? 'n' : *text);
            text++;
        }
    }
    return MM1_OK;
}

static mm1_status put_head(struct mm1_buf *out, const char *name, const char *type,
                           const char *unit, const char *help)
{
    TRY_PUT(out, "# TYPE %s %s\n", name, type);
    if (unit != NULL) {
        TRY_PUT(out, "# UNIT %s %s\n", name, unit);
    }
    TRY_PUT(out, "# HELP %s ", name);
    MM1_TRY(put_escaped(out, help));
    return mm1_buf_append(out, "\n", 1);
}

/* The labels of a series and, where `name` is not null, one more. */
static mm1_status put_labels(struct mm1_buf *out, const struct mm1__series *series,
                             const char *name, const char *value)
{
    char before = '{';
    for (size_t i = 0; series != NULL && i < MM1_METRIC_LABELS_MAX; i++) {
        if (series->labels[i] != NULL) {
            TRY_PUT(out, "%c%s=\"", before, series->family->metric->labels[i]);
            MM1_TRY(put_escaped(out, series->labels[i]));
            MM1_TRY(mm1_buf_append(out, "\"", 1));
            before = ',';
        }
    }
    if (name != NULL) {
        TRY_PUT(out, "%c%s=\"%s\"", before, name, value);
        before = ',';
    }
    return before == '{' ? MM1_OK : mm1_buf_append(out, "}", 1);
}

/* One sample of `series`, which may be null, with one more label where `label` is not null. */
static mm1_status put_sample(struct mm1_buf *out, const char *name, const char *suffix,
                             const struct mm1__series *series, const char *label, const char *value,
                             uint64_t n)
{
    TRY_PUT(out, "%s%s", name, suffix);
    MM1_TRY(put_labels(out, series, label, value));
    return mm1_buf_format(out, " %llu\n", (unsigned long long)n);
}

static uint64_t value_of(const struct mm1__series *series, size_t value)
{
    return atomic_load_explicit(&series->values[value], memory_order_relaxed);
}

/* The element after `node`, the first after null. The trees only grow, so that one step at a time needs the lock. */
static struct mm1_tree_node *step(struct mm1__metrics *metrics, const struct mm1_tree *tree,
                                  const struct mm1_tree_node *node)
{
    mm1__metrics_lock(metrics);
    struct mm1_tree_node *next = node == NULL ? mm1_tree_first(tree) : mm1_tree_next(node);
    mm1__metrics_unlock(metrics);
    return next;
}

#define FOREACH_LOCKED(node, metrics, tree)                                                        \
    for (struct mm1_tree_node *node = step((metrics), (tree), NULL); node != NULL;                 \
         node = step((metrics), (tree), node))

/* --- inboxes, as they are now ---------------------------------------------------------------------------------- */

struct inboxes {
    uint64_t sum;
    uint64_t max;
};

/* By the ordinals of behaviours. */
struct survey {
    struct inboxes *rows;
    size_t count;
};

static void survey_inbox(struct survey *survey, struct mm1_actor *actor, uint64_t taken,
                         uint32_t life)
{
    const struct mm1__series *series = atomic_load_explicit(&actor->metrics, memory_order_relaxed);
    if (series == NULL || series->ordinal >= survey->count || taken >> 32 != life) {
        return;
    }
    struct inboxes *row = &survey->rows[series->ordinal];
    uint32_t waiting = (uint32_t)taken;
    row->sum += waiting;
    row->max = waiting > row->max ? waiting : row->max;
}

static void survey_actors(struct mm1_node *node, struct survey *survey)
{
    uint32_t used = atomic_load_explicit(&node->slots_used, memory_order_acquire);
    for (uint32_t slot = 0; slot < used; slot++) {
        struct mm1_actor *page =
            atomic_load_explicit(&node->pages[slot / MM1__PAGE_SLOTS], memory_order_relaxed);
        struct mm1_actor *actor = &page[slot % MM1__PAGE_SLOTS];
        uint64_t live = atomic_load_explicit(&actor->live, memory_order_acquire);
        if (live != 0) {
            uint64_t taken = atomic_load_explicit(&actor->inbox.taken, memory_order_relaxed);
            survey_inbox(survey, actor, taken, mm1__life(live - 1));
        }
    }
}

static void survey_bounds(struct mm1_node *node, struct survey *survey)
{
    mm1__lock(node);
    const struct mm1__bound_table *table = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    for (size_t i = 0; i < count; i++) {
        const struct mm1__bound *row = &table->rows[i];
        struct mm1_actor *actor = mm1__live(node, atomic_load(&row->owner));
        if (actor != NULL) {
            const struct mm1__permits *permits = atomic_load(&row->permits);
            survey_inbox(survey, actor, atomic_load(&permits->inbox.taken),
                         atomic_load(&row->life));
        }
    }
    mm1__unlock(node);
}

/* --- behaviours ----------------------------------------------------------------------------------------------- */

static mm1_status put_exits(struct mm1_buf *out, const char *name, const struct mm1__series *series)
{
    MM1_TRY(put_sample(out, name, "_total", series, "kind", "abnormal",
                       value_of(series, MM1__EXITS_ABNORMAL)));
    return put_sample(out, name, "_total", series, "kind", "normal",
                      value_of(series, MM1__EXITS_NORMAL));
}

static mm1_status put_behaviour(struct mm1_buf *out, enum own own, const struct mm1__series *series,
                                const struct survey *survey)
{
    const char *name = own_texts[own].name;
    struct inboxes inboxes = {0};
    if (series->ordinal < survey->count) {
        inboxes = survey->rows[series->ordinal];
    }
    /* Ended first: an actor that is spawned and ends in between is not counted as one less than none. */
    uint64_t ended = value_of(series, MM1__EXITS_NORMAL) + value_of(series, MM1__EXITS_ABNORMAL);
    uint64_t spawned = value_of(series, MM1__SPAWNS);
    switch (own) {
    case OWN_ALIVE:
        return put_sample(out, name, "", series, NULL, NULL, spawned > ended ? spawned - ended : 0);
    case OWN_EXITS:
        return put_exits(out, name, series);
    case OWN_RECEIVED:
        return put_sample(out, name, "_total", series, NULL, NULL, value_of(series, MM1__RECEIVED));
    case OWN_SPAWNS:
        return put_sample(out, name, "_total", series, NULL, NULL, spawned);
    case OWN_TURNS:
        return put_sample(out, name, "_total", series, NULL, NULL, value_of(series, MM1__TURNS));
    case OWN_INBOX:
        return put_sample(out, name, "", series, NULL, NULL, inboxes.sum);
    case OWN_INBOX_MAX:
        return put_sample(out, name, "", series, NULL, NULL, inboxes.max);
    case OWN_UNSENT:
    case OWN_DROPPED:
    case OWN_COUNT:
        break;
    }
    return MM1_OK;
}

static mm1_status put_own(struct mm1__metrics *metrics, const struct survey *survey,
                          struct mm1_buf *out)
{
    for (size_t own = 0; own < OWN_COUNT; own++) {
        const struct own_text *text = &own_texts[own];
        MM1_TRY(put_head(out, text->name, text->type, NULL, text->help));
        if (own == OWN_UNSENT) {
            for (size_t i = 0; i < MM1__UNSENT_REASONS; i++) {
                uint64_t n = atomic_load_explicit(&metrics->unsent[i], memory_order_relaxed);
                MM1_TRY(put_sample(out, text->name, "_total", NULL, "reason", unsent_text[i], n));
            }
        } else if (own == OWN_DROPPED) {
            uint64_t n = atomic_load_explicit(&metrics->dropped, memory_order_relaxed);
            MM1_TRY(put_sample(out, text->name, "_total", NULL, NULL, NULL, n));
        } else {
            FOREACH_LOCKED(node, metrics, &metrics->actors.series)
            {
                MM1_TRY(put_behaviour(out, (enum own)own,
                                      MM1_CONTAINER_OF(node, const struct mm1__series, node),
                                      survey));
            }
        }
    }
    return MM1_OK;
}

/* --- what actors count ----------------------------------------------------------------------------------------- */

static mm1_status put_histogram(struct mm1_buf *out, const struct mm1__series *series)
{
    const char *name = series->family->metric->name;
    uint64_t count = 0;
    for (size_t i = 0; i < MM1__BUCKETS; i++) {
        count += value_of(series, i);
        MM1_TRY(put_sample(out, name, "_bucket", series, "le", bucket_text[i], count));
    }
    count += value_of(series, MM1__BUCKETS);
    MM1_TRY(put_sample(out, name, "_bucket", series, "le", "+Inf", count));
    MM1_TRY(put_sample(out, name, "_count", series, NULL, NULL, count));
    uint64_t sum = value_of(series, MM1__SUM);
    TRY_PUT(out, "%s_sum", name);
    MM1_TRY(put_labels(out, series, NULL, NULL));
    return mm1_buf_format(out, " %llu.%09llu\n", (unsigned long long)(sum / MM1_NS_PER_SEC),
                          (unsigned long long)(sum % MM1_NS_PER_SEC));
}

static mm1_status put_families(struct mm1__metrics *metrics, struct mm1_buf *out)
{
    FOREACH_LOCKED(family_node, metrics, &metrics->families)
    {
        const struct mm1__family *family =
            MM1_CONTAINER_OF(family_node, const struct mm1__family, node);
        const struct mm1_metric *metric = family->metric;
        bool counter = metric->kind == MM1_METRIC_COUNTER;
        MM1_TRY(put_head(out, metric->name, counter ? "counter" : "histogram",
                         counter ? NULL : "seconds", metric->help));
        FOREACH_LOCKED(node, metrics, &family->series)
        {
            const struct mm1__series *series =
                MM1_CONTAINER_OF(node, const struct mm1__series, node);
            if (counter) {
                MM1_TRY(put_sample(out, metric->name, "_total", series, NULL, NULL,
                                   value_of(series, 0)));
            } else {
                MM1_TRY(put_histogram(out, series));
            }
        }
    }
    return MM1_OK;
}

static mm1_status put_all(struct mm1_node *node, const struct survey *survey, struct mm1_buf *out)
{
    MM1_TRY(put_own(node->metrics, survey, out));
    MM1_TRY(put_families(node->metrics, out));
    return mm1_buf_append(out, "# EOF\n", 6);
}

mm1_status mm1_node_metrics(struct mm1_node *node, struct mm1_buf *out)
{
    struct mm1__metrics *metrics = node->metrics;
    if (metrics == NULL) {
        return MM1_NOT_FOUND;
    }
    mm1__metrics_lock(metrics);
    struct survey survey = {.count = mm1_tree_count(&metrics->actors.series)};
    mm1__metrics_unlock(metrics);
    size_t rows_size = survey.count * sizeof(survey.rows[0]);
    if (survey.count != 0) {
        survey.rows = mm1_take_zero(metrics->alloc, rows_size);
        if (survey.rows == NULL) {
            return MM1_NOMEM;
        }
    }
    survey_actors(node, &survey);
    survey_bounds(node, &survey);
    size_t was = out->size;
    mm1_status status = put_all(node, &survey, out);
    mm1_give(metrics->alloc, survey.rows, rows_size);
    if (status != MM1_OK) {
        out->size = was;
    }
    return status;
}

mm1_status mm1_metrics_print(struct mm1_ctx *ctx, struct mm1_buf *out)
{
    return mm1_node_metrics(ctx->node, out);
}
