/* Strict JSON: what scenarios and configurations are read with.
 *
 * A pass of our own over the text refuses what cJSON lets through (duplicate keys, trailing text, leading zeros, raw
 * control characters, a BOM, bad UTF-8, U+0000, deep nesting) and notes where each value stands; cJSON then builds the
 * values. Numbers are read from their text, never through a double.
 *
 * Errors stick: the first one goes to the document's diag, all later readers leave their results alone, and
 * mm1__json_status says at the end what became of it. So a loader reads on without a check at each step. Every reader
 * takes a null node, which stands for a missing value, and leaves its result alone: set defaults first. */
#ifndef MM1_HOST_JSON_H
#define MM1_HOST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/addr.h>

#include "host/diag.h"

#define MM1__JSON_DEPTH_MAX 64
#define MM1__JSON_SIZE_MAX ((size_t)4 << 20)      /* a list of numbers takes 70 times its text */
#define MM1__JSON_INTEGER_MAX ((uint64_t)1 << 53) /* a number beyond it is written as a text */

struct mm1__json;      /* a document */
struct mm1__json_node; /* a value of it, living as long as the document */

enum mm1__json_kind {
    MM1__JSON_NULL,
    MM1__JSON_BOOL,
    MM1__JSON_NUMBER,
    MM1__JSON_TEXT,
    MM1__JSON_LIST,
    MM1__JSON_OBJECT,
};

/* --- documents ------------------------------------------------------------------------------------------------ */

/* Parses `text`, which is copied; `name` stands for the file in findings. `diag` outlives the document, or is replaced
 * by mm1__json_redirect. `*out` is set only with MM1_OK. MM1_INVALID: `diag` says what and where. MM1_NOMEM: so too. */
MM1_NODISCARD mm1_status mm1__json_parse(struct mm1_text text, const char *name,
                                         struct mm1_diag *diag, struct mm1__json **out);
/* The same for a file. MM1_NOT_FOUND; MM1_INVALID for a directory too; MM1_IO when it cannot be read. */
MM1_NODISCARD mm1_status mm1__json_read(const char *path, struct mm1_diag *diag,
                                        struct mm1__json **out);
/* Null is ignored. */
void mm1__json_free(struct mm1__json *json);

const struct mm1__json_node *mm1__json_root(const struct mm1__json *json);
/* The text it was parsed from; a NUL follows it. */
struct mm1_text mm1__json_source(const struct mm1__json *json);
/* MM1_OK, or the status of the first error that a reader met. */
MM1_NODISCARD mm1_status mm1__json_status(const struct mm1__json *json);
/* The document of a value. */
const struct mm1__json *mm1__json_of(const struct mm1__json_node *node);
/* Later findings go to `diag`; a first error is forgotten. */
void mm1__json_redirect(struct mm1__json *json, struct mm1_diag *diag);

/* --- values --------------------------------------------------------------------------------------------------- */

enum mm1__json_kind mm1__json_kind(const struct mm1__json_node *node);
/* Key of a member; empty for others. Terminated, and without NUL inside, as are all texts. */
struct mm1_text mm1__json_key(const struct mm1__json_node *node);
/* Children in the order of the text; null when there is none (or `node` is null). */
const struct mm1__json_node *mm1__json_first(const struct mm1__json_node *node);
const struct mm1__json_node *mm1__json_next(const struct mm1__json_node *node);
size_t mm1__json_count(const struct mm1__json_node *node);
/* The member with exactly this key, or null; null also for what is no object. Marks nothing. */
const struct mm1__json_node *mm1__json_find(const struct mm1__json_node *node, const char *key);
/* Writes the JSON path with a NUL, cut at `size`; returns `out`. "" for the root. */
const char *mm1__json_path(const struct mm1__json_node *node, char *out, size_t size);
/* Line and column of the value, from 1. */
void mm1__json_place(const struct mm1__json_node *node, uint32_t *line, uint32_t *column);
/* What the value is, for messages: "the text \"abc\"", "the number 7", "a list", … Written with a NUL, cut at `size`;
 * returns `out`. */
const char *mm1__json_describe(const struct mm1__json_node *node, char *out, size_t size);

#define MM1__JSON_FOREACH(child, node)                                                             \
    for (const struct mm1__json_node *child = mm1__json_first(node); child != NULL;                \
         child = mm1__json_next(child))

/* --- findings ------------------------------------------------------------------------------------------------- */

/* Reports at the value, with MM1_INVALID, unless there was an error before. `node` is not null. */
void mm1__json_fail(const struct mm1__json_node *node, const char *format, ...) MM1_PRINTF(2, 3);
/* The same at the value's key. */
void mm1__json_fail_key(const struct mm1__json_node *node, const char *format, ...)
    MM1_PRINTF(2, 3);
/* Reports "expected <format>, got <the value>". */
void mm1__json_expected(const struct mm1__json_node *node, const char *format, ...)
    MM1_PRINTF(2, 3);
/* Notes that memory was refused. */
void mm1__json_nomem(const struct mm1__json_node *node);
/* True when an error was met in the node's document; false for null. */
bool mm1__json_failed(const struct mm1__json_node *node);

/* --- objects -------------------------------------------------------------------------------------------------- */

#define MM1__JSON_FIELDS_MAX 64

/* An object being read: which keys it may have is learnt from what is asked for. */
struct mm1__json_object {
    const struct mm1__json_node *node; /* null when the value is missing or is no object */
    const char *known[MM1__JSON_FIELDS_MAX];
    size_t known_count;
    const char *missing; /* first required key that is not there */
};

/* Begins; an error when `node` is there and is no object. */
void mm1__json_object_begin(struct mm1__json_object *object, const struct mm1__json_node *node);
/* A member that may be missing: then null. `key` is borrowed until the end. */
const struct mm1__json_node *mm1__json_optional(struct mm1__json_object *object, const char *key);
/* A member that must be there; the end reports it when it is not. */
const struct mm1__json_node *mm1__json_required(struct mm1__json_object *object, const char *key);
/* Reports the first key that nobody asked for, with the nearest that could be meant; else the first that is missing. */
void mm1__json_object_end(struct mm1__json_object *object);

/* --- typed readers -------------------------------------------------------------------------------------------- */

void mm1__json_bool(const struct mm1__json_node *node, bool *out);
/* Borrows from the document. */
void mm1__json_text(const struct mm1__json_node *node, struct mm1_text *out);
/* A number without fraction or exponent, min <= n <= max <= MM1__JSON_INTEGER_MAX; with that very maximum the finding
 * says that a text may go beyond it. */
void mm1__json_u64(const struct mm1__json_node *node, uint64_t min, uint64_t max, uint64_t *out);
/* A 64-bit number as a text, "0x…" or decimal; a number is refused. */
void mm1__json_seed(const struct mm1__json_node *node, uint64_t *out);
/* "150ms"; in nanoseconds. */
void mm1__json_duration(const struct mm1__json_node *node, uint64_t *out);
/* "64KiB"; in bytes. */
void mm1__json_size(const struct mm1__json_node *node, uint64_t *out);
/* "1/100". */
void mm1__json_ratio(const struct mm1__json_node *node, uint32_t *num, uint32_t *den);
void mm1__json_addr(const struct mm1__json_node *node, mm1_addr *out);
void mm1__json_net(const struct mm1__json_node *node, struct mm1_net *out);
/* One of `names`, as its index. */
void mm1__json_choice(const struct mm1__json_node *node, const char *const *names, size_t count,
                      size_t *out);
/* A list with min to max items; `*count` is set to their number, and to 0 in an error. Items: mm1__json_first, _next.
 * Null is an empty list and no error. */
void mm1__json_list(const struct mm1__json_node *node, size_t min, size_t max, size_t *count);

/* --- for readers of other modules ------------------------------------------------------------------------------ */

/* The text of a number as written. */
struct mm1_text mm1__json_number_text(const struct mm1__json_node *node);
/* The value of a number as cJSON read it; it may be infinite. */
double mm1__json_number(const struct mm1__json_node *node);
/* Parses the text of a number as an integer in [min, max]; reports when it is none. */
void mm1__json_i64(const struct mm1__json_node *node, int64_t min, int64_t max, int64_t *out);

#endif
