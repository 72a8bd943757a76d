/* The filter of log targets: a tree by names. */
#include <string.h>

#include "posix/log_filter.h"

#define NONE SIZE_MAX
#define DEPTH_MAX 64 /* names of a path that are looked at, from the top */

struct mm1__log_name {
    struct mm1_text text;
    size_t child; /* index of the first one, or NONE */
    size_t next;  /* under the same parent */
    bool has_level;
    unsigned level;
};

/* --- levels and statements ------------------------------------------------------------------------------------ */

static const char *const LEVELS[] = {"error", "warn", "info", "debug", "trace"};
static const char *const LEVELS_UPPER[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

const char *mm1__log_level_text(unsigned level)
{
    return LEVELS[level < MM1__LOG_TRACE ? level : MM1__LOG_TRACE];
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool mm1__log_level_parse(struct mm1_text text, unsigned *out)
{
    for (unsigned level = 0; level <= MM1__LOG_TRACE; level++) {
        size_t at = 0;
        while (at < text.size && lower(text.data[at]) == LEVELS[level][at]) {
            at++;
        }
        if (at == text.size && LEVELS[level][at] == '\0') {
            *out = level;
            return true;
        }
    }
    return false;
}

/* Cuts the first name off `*rest`; false: nothing is left. */
static bool next_name(struct mm1_text *rest, struct mm1_text *name)
{
    if (rest->data == NULL) {
        return false;
    }
    for (size_t i = 0; i + 1 < rest->size; i++) {
        if (rest->data[i] == ':' && rest->data[i + 1] == ':') {
            *name = (struct mm1_text){.data = rest->data, .size = i};
            *rest = (struct mm1_text){.data = rest->data + i + 2, .size = rest->size - i - 2};
            return true;
        }
    }
    *name = *rest;
    rest->data = NULL;
    return true;
}

mm1_status mm1__log_statement_parse(struct mm1_text text, struct mm1__log_statement *out)
{
    size_t sign = text.size;
    while (sign > 0 && text.data[sign - 1] != '=') {
        sign--;
    }
    if (sign == 0) {
        return MM1_MALFORMED;
    }
    struct mm1_text rest = {.data = text.data, .size = sign - 1};
    struct mm1_text name;
    out->target = rest;
    while (next_name(&rest, &name)) {
        if (name.size == 0) {
            return MM1_MALFORMED;
        }
    }
    struct mm1_text level = {.data = text.data + sign, .size = text.size - sign};
    return mm1__log_level_parse(level, &out->level) ? MM1_OK : MM1_NOT_FOUND;
}

mm1_status mm1__log_statement_print(const struct mm1__log_statement *statement, struct mm1_buf *out)
{
    MM1_TRY(mm1_buf_append(out, statement->target.data, statement->target.size));
    return mm1_buf_format(out, "=%s", LEVELS_UPPER[statement->level]);
}

/* --- building ------------------------------------------------------------------------------------------------- */

static size_t find_child(const struct mm1__log_filter *filter, size_t parent, struct mm1_text text)
{
    size_t at = filter->names[parent].child;
    while (at != NONE && !mm1_text_equal(filter->names[at].text, text)) {
        at = filter->names[at].next;
    }
    return at;
}

static size_t add_child(struct mm1__log_filter *filter, size_t parent, struct mm1_text text)
{
    MM1_CHECK(filter->name_count < filter->name_capacity);
    size_t at = filter->name_count++;
    filter->names[at] =
        (struct mm1__log_name){.text = text, .child = NONE, .next = filter->names[parent].child};
    filter->names[parent].child = at;
    return at;
}

static void add_statement(struct mm1__log_filter *filter,
                          const struct mm1__log_statement *statement)
{
    struct mm1_text rest = statement->target;
    struct mm1_text name;
    size_t at = 0;
    while (next_name(&rest, &name)) {
        size_t child = find_child(filter, at, name);
        at = child == NONE ? add_child(filter, at, name) : child;
    }
    filter->names[at].has_level = true;
    filter->names[at].level = statement->level;
}

/* Takes the memory for as many names as there are in all statements, and for their texts. */
static mm1_status reserve(struct mm1__log_filter *filter, const struct mm1_text *statements,
                          size_t count)
{
    size_t names = 1;
    for (size_t i = 0; i < count; i++) {
        struct mm1_text rest = statements[i];
        struct mm1_text name;
        filter->texts_size += statements[i].size;
        while (next_name(&rest, &name)) {
            names++;
        }
    }
    filter->names = mm1_take(filter->alloc, names * sizeof(*filter->names));
    filter->texts = mm1_take(filter->alloc, filter->texts_size);
    filter->name_capacity = names;
    return filter->names == NULL || filter->texts == NULL ? MM1_NOMEM : MM1_OK;
}

mm1_status mm1__log_filter_open(struct mm1__log_filter *filter, struct mm1_alloc *alloc,
                                const struct mm1_text *statements, size_t count, size_t *bad)
{
    *filter = (struct mm1__log_filter){.alloc = alloc};
    for (*bad = 0; *bad < count; ++*bad) {
        struct mm1__log_statement statement;
        MM1_TRY(mm1__log_statement_parse(statements[*bad], &statement));
    }
    if (count == 0) {
        return MM1_OK;
    }
    mm1_status status = reserve(filter, statements, count);
    if (status != MM1_OK) {
        mm1__log_filter_close(filter);
        return status;
    }
    filter->names[0] = (struct mm1__log_name){.child = NONE, .next = NONE};
    filter->name_count = 1;
    char *text = filter->texts;
    for (size_t i = 0; i < count; i++) {
        struct mm1__log_statement statement;
        memcpy(text, statements[i].data, statements[i].size);
        struct mm1_text copy = {.data = text, .size = statements[i].size};
        MM1_CHECK(mm1__log_statement_parse(copy, &statement) == MM1_OK);
        add_statement(filter, &statement);
        text += statements[i].size;
    }
    return MM1_OK;
}

void mm1__log_filter_close(struct mm1__log_filter *filter)
{
    if (filter->alloc != NULL) {
        mm1_give(filter->alloc, filter->names, filter->name_capacity * sizeof(*filter->names));
        mm1_give(filter->alloc, filter->texts, filter->texts_size);
    }
    *filter = (struct mm1__log_filter){0};
}

/* --- asking --------------------------------------------------------------------------------------------------- */

/* How far a target was followed, and the last level met. */
struct walk {
    const struct mm1__log_filter *filter;
    size_t at; /* NONE: no statement goes on from here */
    bool has_level;
    unsigned level;
};

static void follow(struct walk *walk, struct mm1_text names)
{
    struct mm1_text name;
    while (walk->at != NONE && next_name(&names, &name)) {
        size_t child = find_child(walk->filter, walk->at, name);
        if (child == NONE) {
            child = find_child(walk->filter, walk->at, MM1_TEXT("*"));
        }
        walk->at = child;
        if (child != NONE && walk->filter->names[child].has_level) {
            walk->has_level = true;
            walk->level = walk->filter->names[child].level;
        }
    }
}

static struct walk begin(const struct mm1__log_filter *filter)
{
    return (struct walk){.filter = filter, .at = filter->name_count == 0 ? NONE : 0};
}

static bool allowed(const struct walk *walk, unsigned level)
{
    return !walk->has_level || level <= walk->level;
}

bool mm1__log_filter_allows(const struct mm1__log_filter *filter, struct mm1_text target,
                            unsigned level)
{
    struct walk walk = begin(filter);
    follow(&walk, target);
    return allowed(&walk, level);
}

bool mm1__log_filter_allows_path(const struct mm1__log_filter *filter, const struct mm1_path *path,
                                 unsigned level)
{
    const struct mm1_path *chain[DEPTH_MAX];
    size_t depth = 0;
    struct walk walk = begin(filter);
    if (walk.at == NONE) {
        return true;
    }
    for (const struct mm1_path *at = path; at != NULL && at->parent != NULL; at = at->parent) {
        depth++;
    }
    size_t skipped = depth;
    for (const struct mm1_path *at = path; skipped > 0; at = at->parent) {
        skipped--;
        if (skipped < DEPTH_MAX) {
            chain[skipped] = at;
        }
    }
    for (size_t i = 0; i < depth && i < DEPTH_MAX; i++) {
        follow(&walk, (struct mm1_text){.data = chain[i]->name, .size = chain[i]->name_size});
    }
    return allowed(&walk, level);
}
