/* The first difference between an output and its expectation. */
#include <stdio.h>

#include "fuzz/sup_cases_compare.h"

/* The first line of a text, without its end, taken from it. False: there is none. */
static bool take_line(struct mm1_text *text, struct mm1_text *line)
{
    *line = (struct mm1_text){.size = 0};
    if (text->size == 0) {
        return false;
    }
    const char *end = memchr(text->data, '\n', text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    size_t past = end == NULL ? size : size + 1;
    *line = (struct mm1_text){.data = text->data, .size = size};
    text->data += past;
    text->size -= past;
    return true;
}

static bool drop_prefix(struct mm1_text *text, const char *prefix)
{
    size_t size = strlen(prefix);
    if (text->size < size || memcmp(text->data, prefix, size) != 0) {
        return false;
    }
    text->data += size;
    text->size -= size;
    return true;
}

void sup_compare_init(struct sup_compare *compare, struct mm1_alloc *alloc, const char *path,
                      struct mm1_text expected)
{
    *compare = (struct sup_compare){.path = path, .left = expected, .kept = MM1_BUF(alloc)};
}

void sup_compare_close(struct sup_compare *compare)
{
    mm1_buf_close(&compare->kept);
}

/* --- what is kept --------------------------------------------------------------------------------------------- */

static struct sup_difference *kept(const struct sup_compare *compare, size_t *count)
{
    *count = compare->kept.size / sizeof(struct sup_difference);
    return (struct sup_difference *)(void *)compare->kept.data;
}

static mm1_status malformed(struct sup_compare *compare, unsigned line, const char *expected)
{
    (void)snprintf(compare->text, sizeof(compare->text), "%.200s:%u: expected \"%s\"",
                   compare->kept_path, line, expected);
    return MM1_INVALID;
}

mm1_status sup_compare_keep(struct sup_compare *compare, const char *path, struct mm1_text text)
{
    struct mm1_text line;
    compare->kept_path = path;
    for (unsigned number = 1; take_line(&text, &line); number++) {
        struct sup_difference difference = {.line = number};
        if (line.size == 0 || drop_prefix(&line, "#!")) {
            continue;
        }
        const char *blank =
            drop_prefix(&line, "difference ") ? memchr(line.data, ' ', line.size) : NULL;
        if (blank == NULL) {
            return malformed(compare, number, "difference CASE STATEMENT");
        }
        difference.name = (struct mm1_text){line.data, (size_t)(blank - line.data)};
        if (!take_line(&text, &difference.expected) || !drop_prefix(&difference.expected, "- ")) {
            return malformed(compare, number + 1, "- LINE");
        }
        if (!take_line(&text, &difference.got) || !drop_prefix(&difference.got, "+ ")) {
            return malformed(compare, number + 2, "+ LINE");
        }
        number += 2;
        MM1_TRY(mm1_buf_append(&compare->kept, &difference, sizeof(difference)));
    }
    return MM1_OK;
}

/* Whether this difference is kept, and was not seen yet. */
static bool is_kept(struct sup_compare *compare, const char *name, struct mm1_text expected,
                    struct mm1_text got)
{
    size_t count;
    struct sup_difference *all = kept(compare, &count);
    for (size_t i = 0; i < count; i++) {
        if (!all[i].seen && mm1_text_equal(all[i].name, mm1_text_of(name)) &&
            mm1_text_equal(all[i].expected, expected) && mm1_text_equal(all[i].got, got)) {
            all[i].seen = true;
            return true;
        }
    }
    return false;
}

/* --- comparing ------------------------------------------------------------------------------------------------ */

static struct mm1_text or_nothing(bool any, struct mm1_text line)
{
    return any ? line : MM1_TEXT("nothing more");
}

/* As much of a line as a message has room for. */
static int shown(struct mm1_text line)
{
    return line.size < 120 ? (int)line.size : 120;
}

static void say(struct sup_compare *compare, const char *name, bool more, struct mm1_text expected,
                struct mm1_text got)
{
    struct mm1_text wanted = or_nothing(more, expected);
    compare->differs = true;
    (void)snprintf(compare->text, sizeof(compare->text),
                   "case %.80s differs at %.100s:%u:\n  expected: %.*s\n  got:      %.*s", name,
                   compare->path, compare->line, shown(wanted), wanted.data, shown(got), got.data);
}

void sup_compare_case(struct sup_compare *compare, const char *name, struct mm1_text output)
{
    struct mm1_text got;
    while (!compare->differs && take_line(&output, &got)) {
        struct mm1_text expected;
        bool more = take_line(&compare->left, &expected);
        compare->line++;
        if (!more || (!mm1_text_equal(expected, got) && !is_kept(compare, name, expected, got))) {
            say(compare, name, more, expected, got);
        }
    }
}

void sup_compare_end(struct sup_compare *compare)
{
    struct mm1_text expected;
    size_t count;
    const struct sup_difference *all = kept(compare, &count);
    if (compare->differs) {
        return;
    }
    if (take_line(&compare->left, &expected)) {
        compare->differs = true;
        (void)snprintf(compare->text, sizeof(compare->text),
                       "all cases are played, and %.100s:%u goes on:\n  expected: %.*s",
                       compare->path, compare->line + 1, shown(expected), expected.data);
        return;
    }
    for (size_t i = 0; i < count && !compare->differs; i++) {
        if (!all[i].seen) {
            compare->differs = true;
            (void)snprintf(compare->text, sizeof(compare->text),
                           "case %.*s: the difference of %.100s:%u does not occur",
                           shown(all[i].name), all[i].name.data, compare->kept_path, all[i].line);
        }
    }
}
