/* Counting: metrics, their sets of labels, and the numbers of each. */
#include "base/utf8.h"
#include "core/metrics.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

const uint64_t mm1__bucket_ns[MM1__BUCKETS] = {
    1000,     5000,     10000,     50000,     100000,     500000,     1000000,     5000000,
    10000000, 50000000, 100000000, 500000000, 1000000000, 5000000000, 10000000000,
};

static const struct mm1_metric actors_metric = {.name = "mm1_actors", .labels = {"behaviour"}};

/* --- order ---------------------------------------------------------------------------------------------------- */

static const struct mm1__family *family_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct mm1__family, node);
}

static int compare_families(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return strcmp(family_of(a)->metric->name, family_of(b)->metric->name);
}

static int compare_family_key(const void *key, const struct mm1_tree_node *node)
{
    return strcmp(key, family_of(node)->metric->name);
}

static size_t label_count(const struct mm1_metric *metric)
{
    size_t count = 0;
    while (count < MM1_METRIC_LABELS_MAX && metric->labels[count] != NULL) {
        count++;
    }
    return count;
}

static int compare_labels(const char *const *a, const char *const *b, size_t count)
{
    int order = 0;
    for (size_t i = 0; i < count && order == 0; i++) {
        order = strcmp(a[i], b[i]);
    }
    return order;
}

static int compare_series(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    const struct mm1__series *left = MM1_CONTAINER_OF(a, const struct mm1__series, node);
    const struct mm1__series *right = MM1_CONTAINER_OF(b, const struct mm1__series, node);
    return compare_labels(left->labels, right->labels, label_count(left->family->metric));
}

/* --- the store ------------------------------------------------------------------------------------------------ */

void mm1__metrics_lock(struct mm1__metrics *metrics)
{
    while (atomic_flag_test_and_set_explicit(&metrics->lock, memory_order_acquire)) {
    }
}

void mm1__metrics_unlock(struct mm1__metrics *metrics)
{
    atomic_flag_clear_explicit(&metrics->lock, memory_order_release);
}

mm1_status mm1__metrics_open(struct mm1_alloc *alloc, bool on, struct mm1__metrics **out)
{
    *out = NULL;
    if (!on) {
        return MM1_OK;
    }
    struct mm1__metrics *metrics = mm1_take_zero(alloc, sizeof(*metrics));
    if (metrics == NULL) {
        return MM1_NOMEM;
    }
    metrics->alloc = alloc;
    metrics->families = MM1_TREE(compare_families);
    metrics->actors = (struct mm1__family){.metric = &actors_metric,
                                           .series = MM1_TREE(compare_series),
                                           .value_count = MM1__ACTOR_VALUES};
    *out = metrics;
    return MM1_OK;
}

void mm1__metrics_close(struct mm1__metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    struct mm1_alloc *alloc = metrics->alloc;
    for (size_t i = 0; i < MM1__METRIC_CHAINS; i++) {
        struct mm1__series *series =
            atomic_load_explicit(&metrics->chains[i], memory_order_relaxed);
        while (series != NULL) {
            struct mm1__series *older = series->older;
            mm1_give(alloc, series, series->block_size);
            series = older;
        }
    }
    MM1_TREE_FOREACH(node, &metrics->families) {
        mm1_tree_remove(&metrics->families, node);
        mm1_give(alloc, MM1_CONTAINER_OF(node, struct mm1__family, node),
                 sizeof(struct mm1__family));
    }
    mm1_give(alloc, metrics, sizeof(*metrics));
}

/* --- what may be counted --------------------------------------------------------------------------------------- */

static bool name_valid(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        bool letter = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || *at == '_';
        bool digit = *at >= '0' && *at <= '9';
        if (!letter && (!digit || at == name)) {
            return false;
        }
    }
    return *name != '\0';
}

static bool ends_in(const char *text, const char *end)
{
    size_t size = strlen(text);
    size_t end_size = strlen(end);
    return size > end_size && strcmp(text + size - end_size, end) == 0;
}

static bool text_valid(const char *text)
{
    return text != NULL && mm1__utf8_valid(text, strlen(text));
}

static bool metric_valid(const struct mm1_metric *metric)
{
    if (!name_valid(metric->name) || mm1__metric_is_own(metric->name) ||
        !text_valid(metric->help) || ends_in(metric->name, "_total") ||
        (metric->kind == MM1_METRIC_SECONDS && !ends_in(metric->name, "_seconds"))) {
        return false;
    }
    for (size_t i = 0; i < label_count(metric); i++) {
        const char *label = metric->labels[i];
        if (!name_valid(label) || strcmp(label, "le") == 0 || strncmp(label, "__", 2) == 0 ||
            (i > 0 && strcmp(label, metric->labels[i - 1]) == 0)) {
            return false;
        }
    }
    return true;
}

static bool metrics_agree(const struct mm1_metric *a, const struct mm1_metric *b)
{
    size_t count = label_count(a);
    return a == b || (a->kind == b->kind && count == label_count(b) &&
                      compare_labels(a->labels, b->labels, count) == 0);
}

/* --- finding where to count ------------------------------------------------------------------------------------ */

static size_t chain_of(const struct mm1_metric *metric, const char *const *labels)
{
    uint64_t hash = XXH3_64bits(metric->name, strlen(metric->name));
    for (size_t i = 0; i < label_count(metric); i++) {
        hash = XXH3_64bits_withSeed(labels[i], strlen(labels[i]), hash);
    }
    return hash % MM1__METRIC_CHAINS;
}

static struct mm1__series *look_up(struct mm1__metrics *metrics, size_t chain,
                                   const struct mm1_metric *metric, const char *const *labels)
{
    struct mm1__series *series =
        atomic_load_explicit(&metrics->chains[chain], memory_order_acquire);
    for (; series != NULL; series = series->older) {
        const struct mm1_metric *found = series->family->metric;
        if ((found == metric ||
             (strcmp(found->name, metric->name) == 0 && metrics_agree(found, metric))) &&
            compare_labels(series->labels, labels, label_count(metric)) == 0) {
            return series;
        }
    }
    return NULL;
}

/* With the lock held. Null: it cannot be counted. */
static struct mm1__family *family_for(struct mm1__metrics *metrics, const struct mm1_metric *metric)
{
    if (metric == &actors_metric) {
        return &metrics->actors;
    }
    struct mm1_tree_node *node =
        mm1_tree_find(&metrics->families, metric->name, compare_family_key);
    if (node != NULL) {
        struct mm1__family *family = MM1_CONTAINER_OF(node, struct mm1__family, node);
        return metrics_agree(family->metric, metric) ? family : NULL;
    }
    struct mm1__family *family =
        metric_valid(metric) ? mm1_take_zero(metrics->alloc, sizeof(*family)) : NULL;
    if (family != NULL) {
        family->metric = metric;
        family->series = MM1_TREE(compare_series);
        family->value_count = metric->kind == MM1_METRIC_COUNTER ? 1 : MM1__SUM + 1;
        (void)mm1_tree_insert(&metrics->families, &family->node);
    }
    return family;
}

static struct mm1__series *series_new(struct mm1__metrics *metrics, struct mm1__family *family,
                                      const char *const *labels)
{
    size_t count = label_count(family->metric);
    size_t size = sizeof(struct mm1__series) + family->value_count * sizeof(_Atomic uint64_t);
    size_t text_at = size;
    for (size_t i = 0; i < count; i++) {
        if (!text_valid(labels[i])) {
            return NULL;
        }
        size += strlen(labels[i]) + 1;
    }
    struct mm1__series *series = mm1_take_zero(metrics->alloc, size);
    if (series == NULL) {
        return NULL;
    }
    series->family = family;
    series->block_size = size;
    series->ordinal = mm1_tree_count(&family->series);
    char *text = (char *)series + text_at;
    for (size_t i = 0; i < count; i++) {
        size_t text_size = strlen(labels[i]) + 1;
        memcpy(text, labels[i], text_size);
        series->labels[i] = text;
        text += text_size;
    }
    return series;
}

/* With the lock held. */
static struct mm1__series *series_add(struct mm1__metrics *metrics, size_t chain,
                                      const struct mm1_metric *metric, const char *const *labels)
{
    struct mm1__series *series = look_up(metrics, chain, metric, labels);
    if (series != NULL) {
        return series; /* another thread was faster */
    }
    struct mm1__family *family = family_for(metrics, metric);
    if (family == NULL || mm1_tree_count(&family->series) == MM1_METRIC_SERIES_MAX) {
        return NULL;
    }
    series = series_new(metrics, family, labels);
    if (series != NULL) {
        (void)mm1_tree_insert(&family->series, &series->node);
        series->older = atomic_load_explicit(&metrics->chains[chain], memory_order_relaxed);
        atomic_store_explicit(&metrics->chains[chain], series, memory_order_release);
    }
    return series;
}

/* Null: it cannot be counted, and that is counted. */
static struct mm1__series *series_for(const struct mm1_node *node, const struct mm1_metric *metric,
                                      const char *const *labels)
{
    struct mm1__metrics *metrics = node->metrics;
    size_t chain = chain_of(metric, labels);
    struct mm1__series *series = look_up(metrics, chain, metric, labels);
    if (series == NULL) {
        mm1__metrics_lock(metrics);
        series = series_add(metrics, chain, metric, labels);
        mm1__metrics_unlock(metrics);
    }
    if (series == NULL) {
        mm1__metric_add(node, &metrics->dropped, 1);
    }
    return series;
}

/* --- what is counted ------------------------------------------------------------------------------------------- */

void mm1__metric_spawn_on(struct mm1_actor *actor, const struct mm1_behaviour *behaviour)
{
    const struct mm1_node *node = actor->runnable.node;
    const char *name = behaviour->name == NULL ? "" : behaviour->name;
    atomic_store_explicit(&actor->metrics, series_for(node, &actors_metric, MM1_LABELS(name)),
                          memory_order_relaxed);
    mm1__actor_add(actor, MM1__SPAWNS);
}

void mm1__metric_unsent_on(struct mm1_node *node, mm1_status status)
{
    enum mm1__unsent reason = status == MM1_CLOSED          ? MM1__UNSENT_CLOSED
                              : status == MM1_FULL          ? MM1__UNSENT_FULL
                              : status == MM1_NOPROC        ? MM1__UNSENT_NOBODY
                              : status == MM1_NOMEM         ? MM1__UNSENT_NO_MEMORY
                              : status == MM1_NOT_FOUND     ? MM1__UNSENT_NO_ROUTE
                              : status == MM1_TTL_EXHAUSTED ? MM1__UNSENT_TTL
                                                            : MM1__UNSENT_REFUSED;
    mm1__metric_add(node, &node->metrics->unsent[reason], 1);
}

bool mm1_metrics_on(const struct mm1_ctx *ctx)
{
    return ctx->node->metrics != NULL;
}

void mm1_count(struct mm1_ctx *ctx, const struct mm1_metric *metric, const char *const *labels,
               uint64_t n)
{
    const struct mm1_node *node = ctx->node;
    if (node->metrics == NULL) {
        return;
    }
    MM1_CHECK(metric->kind == MM1_METRIC_COUNTER);
    struct mm1__series *series = series_for(node, metric, labels);
    if (series != NULL) {
        mm1__metric_add(node, &series->values[0], n);
    }
}

void mm1_measure_ns(struct mm1_ctx *ctx, const struct mm1_metric *metric, const char *const *labels,
                    uint64_t ns)
{
    const struct mm1_node *node = ctx->node;
    if (node->metrics == NULL) {
        return;
    }
    MM1_CHECK(metric->kind == MM1_METRIC_SECONDS);
    struct mm1__series *series = series_for(node, metric, labels);
    if (series != NULL) {
        size_t bucket = 0;
        while (bucket < MM1__BUCKETS && ns > mm1__bucket_ns[bucket]) {
            bucket++;
        }
        mm1__metric_add(node, &series->values[bucket], 1);
        mm1__metric_add(node, &series->values[MM1__SUM], ns);
    }
}
