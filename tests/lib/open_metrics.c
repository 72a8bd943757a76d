/* The reader of OpenMetrics text: line by line, family by family. */
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "open_metrics.h"

#define FAMILIES_MAX 256
#define SAMPLES_MAX 4096
#define LABELS_MAX 16

enum kind { KIND_NONE, KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

struct label {
    struct mm1_text name;
    struct mm1_text value;
};

struct sample {
    struct mm1_text name;
    struct label labels[LABELS_MAX];
    size_t label_count;
    struct mm1_text number;
};

struct reader {
    const char *fault;
    struct mm1_text families[FAMILIES_MAX];
    size_t family_count;
    enum kind kind; /* of the last family */
    bool has_help;
    bool has_unit;
    size_t samples;                    /* of the family */
    struct mm1_text seen[SAMPLES_MAX]; /* their names and labels, as written */
    /* Of the histogram that is read: its labels but for le, as written before it. */
    struct sample histogram;
    double bound;
    unsigned long long count;
    bool open; /* buckets were read, no bound is +Inf yet */
    bool has_inf;
    bool has_count;
    bool has_sum;
};

static bool fail(struct reader *reader, const char *fault)
{
    if (reader->fault == NULL) {
        reader->fault = fault;
    }
    return false;
}

#define REQUIRE(reader, condition, fault)                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            return fail((reader), (fault));                                                        \
        }                                                                                          \
    } while (0)

/* --- words ---------------------------------------------------------------------------------------------------- */

static struct mm1_text take(struct mm1_text *rest, size_t size)
{
    struct mm1_text piece = {.data = rest->data, .size = size};
    rest->data += size;
    rest->size -= size;
    return piece;
}

static bool eat(struct mm1_text *rest, const char *word)
{
    size_t size = strlen(word);
    if (rest->size < size || memcmp(rest->data, word, size) != 0) {
        return false;
    }
    (void)take(rest, size);
    return true;
}

/* A name: letters, digits, '_' and, of a metric, ':'; empty when there is none. */
static struct mm1_text take_name(struct mm1_text *rest, bool colons)
{
    size_t size = 0;
    for (; size < rest->size; size++) {
        char c = rest->data[size];
        bool digit = c >= '0' && c <= '9';
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(digit && size > 0) && !(colons && c == ':')) {
            break;
        }
    }
    return take(rest, size);
}

/* An escaped string up to a quote that is not escaped, or to the end. False: an escape is broken. */
static bool take_escaped(struct mm1_text *rest, struct mm1_text *out)
{
    size_t size = 0;
    while (size < rest->size && rest->data[size] != '"') {
        if (rest->data[size] == '\\') {
            size++;
            if (size == rest->size || memchr("\\\"n", rest->data[size], 3) == NULL) {
                return false;
            }
        }
        size++;
    }
    *out = take(rest, size);
    return true;
}

static bool digits(struct mm1_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return text.size != 0;
}

static unsigned long long number(struct mm1_text text)
{
    char copy[32] = {0};
    memcpy(copy, text.data, text.size < sizeof(copy) - 1 ? text.size : sizeof(copy) - 1);
    return strtoull(copy, NULL, 10);
}

/* --- descriptors ---------------------------------------------------------------------------------------------- */

static struct mm1_text family(const struct reader *reader)
{
    return reader->family_count == 0 ? (struct mm1_text){0}
                                     : reader->families[reader->family_count - 1];
}

static bool end_histogram(struct reader *reader)
{
    REQUIRE(reader, !reader->open, "a histogram without a +Inf bucket");
    REQUIRE(reader, !reader->has_inf || (reader->has_count && reader->has_sum),
            "a histogram without a count or a sum");
    reader->has_inf = reader->has_count = reader->has_sum = false;
    return true;
}

static bool begin_family(struct reader *reader, struct mm1_text name)
{
    if (!end_histogram(reader)) {
        return false;
    }
    for (size_t i = 0; i < reader->family_count; i++) {
        REQUIRE(reader, !mm1_text_equal(reader->families[i], name), "a family comes twice");
    }
    REQUIRE(reader, reader->family_count < FAMILIES_MAX, "too many families for this reader");
    reader->families[reader->family_count++] = name;
    reader->kind = KIND_NONE;
    reader->has_help = reader->has_unit = false;
    reader->samples = 0;
    return true;
}

static bool read_kind(struct reader *reader, struct mm1_text rest)
{
    REQUIRE(reader, reader->kind == KIND_NONE, "a second TYPE");
    reader->kind = mm1_text_equal(rest, MM1_TEXT("counter"))     ? KIND_COUNTER
                   : mm1_text_equal(rest, MM1_TEXT("gauge"))     ? KIND_GAUGE
                   : mm1_text_equal(rest, MM1_TEXT("histogram")) ? KIND_HISTOGRAM
                                                                 : KIND_NONE;
    REQUIRE(reader, reader->kind != KIND_NONE, "an unknown TYPE");
    return true;
}

static bool read_unit(struct reader *reader, struct mm1_text name, struct mm1_text unit)
{
    REQUIRE(reader, !reader->has_unit, "a second UNIT");
    reader->has_unit = true;
    struct mm1_text copy = unit;
    REQUIRE(reader, take_name(&copy, true).size == unit.size && unit.size != 0, "a bad unit");
    REQUIRE(reader,
            name.size > unit.size + 1 && name.data[name.size - unit.size - 1] == '_' &&
                memcmp(name.data + name.size - unit.size, unit.data, unit.size) == 0,
            "the name does not end in its unit");
    return true;
}

static bool read_descriptor(struct reader *reader, struct mm1_text rest)
{
    bool type = eat(&rest, "TYPE ");
    bool unit = !type && eat(&rest, "UNIT ");
    bool help = !type && !unit && eat(&rest, "HELP ");
    REQUIRE(reader, type || unit || help, "an unknown descriptor");
    struct mm1_text name = take_name(&rest, true);
    REQUIRE(reader, name.size != 0, "a bad name");
    REQUIRE(reader, eat(&rest, " "), "no blank after the name");
    if (!mm1_text_equal(name, family(reader)) && !begin_family(reader, name)) {
        return false;
    }
    REQUIRE(reader, reader->samples == 0, "a descriptor behind samples");
    if (type) {
        return read_kind(reader, rest);
    }
    if (unit) {
        return read_unit(reader, name, rest);
    }
    struct mm1_text text;
    REQUIRE(reader, !reader->has_help, "a second HELP");
    reader->has_help = true;
    REQUIRE(reader, take_escaped(&rest, &text) && rest.size == 0, "a bad escape");
    return true;
}

/* --- samples -------------------------------------------------------------------------------------------------- */

static bool read_label(struct reader *reader, struct sample *sample, struct mm1_text *rest)
{
    REQUIRE(reader, sample->label_count < LABELS_MAX, "too many labels for this reader");
    struct label *label = &sample->labels[sample->label_count];
    label->name = take_name(rest, false);
    REQUIRE(reader, label->name.size != 0, "a bad label name");
    for (size_t i = 0; i < sample->label_count; i++) {
        REQUIRE(reader, !mm1_text_equal(sample->labels[i].name, label->name), "a label twice");
    }
    REQUIRE(reader, eat(rest, "=\"") && take_escaped(rest, &label->value) && eat(rest, "\""),
            "a bad label value");
    sample->label_count++;
    return true;
}

static bool split_sample(struct reader *reader, struct mm1_text line, struct sample *sample)
{
    struct mm1_text rest = line;
    sample->name = take_name(&rest, true);
    REQUIRE(reader, sample->name.size != 0, "a bad name");
    if (eat(&rest, "{")) {
        do {
            if (!read_label(reader, sample, &rest)) {
                return false;
            }
        } while (eat(&rest, ","));
        REQUIRE(reader, eat(&rest, "}"), "labels without an end");
    }
    struct mm1_text key = {.data = line.data, .size = line.size - rest.size};
    for (size_t i = 0; i < reader->samples; i++) {
        REQUIRE(reader, !mm1_text_equal(reader->seen[i], key), "a sample comes twice");
    }
    REQUIRE(reader, reader->samples < SAMPLES_MAX, "too many samples for this reader");
    reader->seen[reader->samples++] = key;
    REQUIRE(reader, eat(&rest, " "), "no blank before the number");
    sample->number = rest;
    return true;
}

/* What follows the name of the family. False: it is another family's. */
static bool suffix_of(const struct reader *reader, const struct sample *sample,
                      struct mm1_text *suffix)
{
    struct mm1_text name = family(reader);
    if (name.size == 0 || sample->name.size < name.size ||
        memcmp(sample->name.data, name.data, name.size) != 0) {
        return false;
    }
    *suffix = (struct mm1_text){.data = sample->name.data + name.size,
                                .size = sample->name.size - name.size};
    return true;
}

static bool same_labels(const struct sample *a, const struct sample *b)
{
    bool same = a->label_count == b->label_count;
    for (size_t i = 0; same && i < a->label_count; i++) {
        same = mm1_text_equal(a->labels[i].name, b->labels[i].name) &&
               mm1_text_equal(a->labels[i].value, b->labels[i].value);
    }
    return same;
}

static bool read_bucket(struct reader *reader, struct sample *sample)
{
    REQUIRE(reader, digits(sample->number), "a bucket is counted in whole numbers");
    REQUIRE(reader, sample->label_count > 0, "a bucket without le");
    struct label le = sample->labels[--sample->label_count];
    REQUIRE(reader, mm1_text_equal(le.name, MM1_TEXT("le")), "le is not the last label");
    bool goes_on = reader->open && same_labels(&reader->histogram, sample);
    if (!goes_on) {
        if (!end_histogram(reader)) {
            return false;
        }
        reader->histogram = *sample;
        reader->count = 0;
    }
    char text[32] = {0};
    REQUIRE(reader, le.value.size < sizeof(text), "a long bound");
    memcpy(text, le.value.data, le.value.size);
    char *end;
    double bound = strtod(text, &end);
    bool inf = strcmp(text, "+Inf") == 0;
    REQUIRE(reader, inf || (*end == '\0' && text[0] >= '0' && text[0] <= '9'), "a bad bound");
    REQUIRE(reader, inf || strpbrk(text, ".e") != NULL, "a bound that is not canonical");
    REQUIRE(reader, !goes_on || bound > reader->bound, "bounds that do not rise");
    REQUIRE(reader, number(sample->number) >= reader->count, "buckets that are not cumulative");
    reader->bound = bound;
    reader->count = number(sample->number);
    reader->open = !inf;
    reader->has_inf = inf;
    return true;
}

static bool read_histogram(struct reader *reader, struct sample *sample, struct mm1_text suffix)
{
    if (mm1_text_equal(suffix, MM1_TEXT("_bucket"))) {
        return read_bucket(reader, sample);
    }
    REQUIRE(reader, reader->has_inf && same_labels(&reader->histogram, sample),
            "a count or sum without its buckets");
    if (mm1_text_equal(suffix, MM1_TEXT("_count"))) {
        reader->has_count = true;
        REQUIRE(reader, digits(sample->number) && number(sample->number) == reader->count,
                "a count that is not that of +Inf");
        return true;
    }
    REQUIRE(reader, mm1_text_equal(suffix, MM1_TEXT("_sum")), "a name with a bad suffix");
    reader->has_sum = true;
    struct mm1_text rest = sample->number;
    const char *point = memchr(rest.data, '.', rest.size);
    REQUIRE(reader, point != NULL, "a sum without a point");
    struct mm1_text whole = take(&rest, (size_t)(point - rest.data));
    (void)take(&rest, 1);
    REQUIRE(reader, digits(whole) && digits(rest), "a sum that is no number");
    return true;
}

static bool read_sample(struct reader *reader, struct mm1_text line)
{
    struct sample sample = {.label_count = 0};
    struct mm1_text suffix;
    if (!split_sample(reader, line, &sample)) {
        return false;
    }
    REQUIRE(reader, suffix_of(reader, &sample, &suffix), "a sample of no family");
    switch (reader->kind) {
    case KIND_COUNTER:
        REQUIRE(reader, mm1_text_equal(suffix, MM1_TEXT("_total")), "a counter without _total");
        break;
    case KIND_GAUGE:
        REQUIRE(reader, suffix.size == 0, "a gauge with a suffix");
        break;
    case KIND_HISTOGRAM:
        return read_histogram(reader, &sample, suffix);
    case KIND_NONE:
        return fail(reader, "a sample without a TYPE");
    }
    REQUIRE(reader, digits(sample.number), "a number that is not whole");
    return true;
}

const char *open_metrics_fault(struct mm1_text text)
{
    static char what[160];
    static struct reader reader;
    reader = (struct reader){.fault = NULL};
    struct mm1_text rest = text;
    unsigned line_no = 0;
    bool ended = false;
    if (!mm1__utf8_valid(text.data, text.size)) {
        return "not UTF-8";
    }
    while (rest.size != 0 && reader.fault == NULL) {
        const char *end = memchr(rest.data, '\n', rest.size);
        line_no++;
        if (end == NULL || ended) {
            (void)fail(&reader, ended ? "text behind # EOF" : "a line without an end");
            break;
        }
        struct mm1_text line = take(&rest, (size_t)(end - rest.data));
        (void)take(&rest, 1);
        if (mm1_text_equal(line, MM1_TEXT("# EOF"))) {
            ended = end_histogram(&reader);
        } else if (eat(&line, "# ")) {
            (void)read_descriptor(&reader, line);
        } else {
            (void)read_sample(&reader, line);
        }
    }
    if (reader.fault == NULL && !ended) {
        (void)fail(&reader, "no # EOF");
    }
    if (reader.fault == NULL) {
        return NULL;
    }
    (void)snprintf(what, sizeof(what), "line %u: %s", line_no, reader.fault);
    return what;
}

bool open_metrics_has(struct mm1_text text, const char *wanted)
{
    struct mm1_text rest = text;
    const char *end;
    while (rest.size != 0 && (end = memchr(rest.data, '\n', rest.size)) != NULL) {
        struct mm1_text line = take(&rest, (size_t)(end - rest.data));
        (void)take(&rest, 1);
        if (mm1_text_equal(line, mm1_text_of(wanted))) {
            return true;
        }
    }
    return false;
}
