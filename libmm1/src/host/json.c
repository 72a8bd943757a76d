/* JSON documents: the scan's places paired with cJSON's values, findings, and objects that know their keys. */
#include <cjson/cJSON.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/utf8.h"
#include "host/json.h"
#include "host/json_node.h"
#include "host/json_scan.h"

/* --- places and findings -------------------------------------------------------------------------------------- */

void mm1__json_place_of(struct mm1_text text, size_t offset, uint32_t *line, uint32_t *column)
{
    *line = 1;
    *column = 1;
    for (size_t at = 0; at < offset;) {
        size_t length = mm1__utf8_sequence(text.data + at, text.size - at);
        *column += 1;
        if (text.data[at] == '\n') {
            *line += 1;
            *column = 1;
        }
        at += length == 0 ? 1 : length;
    }
}

static MM1_PRINTF(4, 0) void report(struct mm1__json *json, uint32_t offset,
                                    const struct mm1__json_node *node, const char *format,
                                    va_list arguments)
{
    if (json->status != MM1_OK) {
        return;
    }
    json->status = MM1_INVALID;
    mm1__diag_vset(json->diag, json->name, format, arguments);
    mm1__json_place_of(json->text, offset, &json->diag->line, &json->diag->column);
    if (node != NULL) {
        (void)mm1__json_path(node, json->diag->path, sizeof(json->diag->path));
    }
}

static MM1_PRINTF(3, 4) void report_at(struct mm1__json *json, uint32_t offset, const char *format,
                                       ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(json, offset, NULL, format, arguments);
    va_end(arguments);
}

void mm1__json_fail(const struct mm1__json_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(node->json, node->begin, node, format, arguments);
    va_end(arguments);
}

void mm1__json_fail_key(const struct mm1__json_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(node->json, node->key == MM1__JSON_NONE ? node->begin : node->key, node, format,
           arguments);
    va_end(arguments);
}

void mm1__json_expected(const struct mm1__json_node *node, const char *format, ...)
{
    char expected[400];
    char got[96];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(expected, sizeof(expected), format, arguments);
    va_end(arguments);
    mm1__json_fail(node, "expected %s, got %s", expected,
                   mm1__json_describe(node, got, sizeof(got)));
}

static mm1_status set_nomem(struct mm1__json *json)
{
    if (json->status == MM1_OK) {
        json->status = MM1_NOMEM;
        mm1__diag_set(json->diag, json->name, "%s", mm1_status_text(MM1_NOMEM));
    }
    return json->status;
}

void mm1__json_nomem(const struct mm1__json_node *node)
{
    (void)set_nomem(node->json);
}

bool mm1__json_failed(const struct mm1__json_node *node)
{
    return node != NULL && node->json->status != MM1_OK;
}

mm1_status mm1__json_status(const struct mm1__json *json)
{
    return json->status;
}

void mm1__json_redirect(struct mm1__json *json, struct mm1_diag *diag)
{
    json->diag = diag;
    json->status = MM1_OK;
}

/* --- building ------------------------------------------------------------------------------------------------- */

static bool same_kind(const cJSON *item, enum mm1__json_kind kind)
{
    switch (kind) {
    case MM1__JSON_NULL:
        return cJSON_IsNull(item);
    case MM1__JSON_BOOL:
        return cJSON_IsBool(item);
    case MM1__JSON_NUMBER:
        return cJSON_IsNumber(item);
    case MM1__JSON_TEXT:
        return cJSON_IsString(item);
    case MM1__JSON_LIST:
        return cJSON_IsArray(item);
    case MM1__JSON_OBJECT:
        return cJSON_IsObject(item);
    }
    return false;
}

/* Both the marks and cJSON's tree stand in the order of the text: each mark is the next item under its parent. */
static mm1_status pair(struct mm1__json *json, const struct mm1__json_scan *scan)
{
    json->nodes = calloc(scan->count, sizeof(*json->nodes));
    if (json->nodes == NULL) {
        return set_nomem(json);
    }
    for (uint32_t i = 0; i < scan->count; i++) {
        const struct mm1__json_mark *mark = &scan->marks[i];
        struct mm1__json_node *node = &json->nodes[i];
        *node = (struct mm1__json_node){.json = json,
                                        .kind = mark->kind,
                                        .begin = mark->begin,
                                        .end = mark->end,
                                        .key = mark->key};
        if (mark->parent == MM1__JSON_NONE) {
            node->item = json->tree;
        } else {
            struct mm1__json_node *parent = &json->nodes[mark->parent];
            struct mm1__json_node *previous = parent->last;
            node->parent = parent;
            node->index = parent->count++;
            node->item = previous == NULL ? parent->item->child : previous->item->next;
            if (previous == NULL) {
                parent->first = node;
            } else {
                previous->next = node;
            }
            parent->last = node;
        }
        MM1_CHECK(node->item != NULL && same_kind(node->item, node->kind));
    }
    return MM1_OK;
}

static int compare_keys(const void *a, const void *b)
{
    const struct mm1__json_node *left = *(const struct mm1__json_node *const *)a;
    const struct mm1__json_node *right = *(const struct mm1__json_node *const *)b;
    int order = strcmp(left->item->string, right->item->string);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Reports the first member whose key an earlier one has. `sorted` has room for all members. */
static void check_keys(const struct mm1__json_node *object, const struct mm1__json_node **sorted)
{
    const struct mm1__json_node *again = NULL;
    const struct mm1__json_node *before = NULL;
    size_t count = 0;
    MM1__JSON_FOREACH(child, object) {
        sorted[count++] = child;
    }
    qsort(sorted, count, sizeof(*sorted), compare_keys);
    for (size_t i = 1; i < count; i++) {
        bool equal = strcmp(sorted[i - 1]->item->string, sorted[i]->item->string) == 0;
        if (equal && (again == NULL || sorted[i]->index < again->index)) {
            again = sorted[i];
            before = sorted[i - 1];
        }
    }
    if (again != NULL) {
        uint32_t line = 0;
        uint32_t column = 0;
        mm1__json_place_of(object->json->text, before->key, &line, &column);
        mm1__json_fail_key(again, "the key \"%.100s\" occurs twice: it stands in line %u already",
                           again->item->string, line);
    }
}

static mm1_status check_all_keys(struct mm1__json *json, uint32_t count)
{
    const struct mm1__json_node **sorted = calloc(count, sizeof(*sorted));
    if (sorted == NULL) {
        return set_nomem(json);
    }
    for (uint32_t i = 0; i < count && json->status == MM1_OK; i++) {
        if (json->nodes[i].kind == MM1__JSON_OBJECT) {
            check_keys(&json->nodes[i], sorted);
        }
    }
    free(sorted);
    return json->status;
}

/* Builds the document from json->text, which has a NUL behind it. */
static mm1_status build(struct mm1__json *json)
{
    struct mm1__json_scan scan;
    mm1_status status = mm1__json_scan(json->text, &scan);
    if (status == MM1_INVALID) {
        report_at(json, scan.error_at, "%s", scan.error);
    }
    if (status == MM1_OK) {
        /* The size counts the NUL: cJSON then insists that nothing but the NUL follows the value. */
        json->tree = cJSON_ParseWithLengthOpts(json->text.data, json->text.size + 1, NULL, 1);
        status = json->tree == NULL ? MM1_NOMEM : pair(json, &scan);
    }
    if (status == MM1_OK) {
        status = check_all_keys(json, scan.count);
    }
    if (status == MM1_NOMEM) {
        status = set_nomem(json);
    }
    mm1__json_scan_close(&scan);
    return status;
}

/* Takes `buffer`, of malloc: `size` bytes and a NUL. */
static mm1_status parse_owned(char *buffer, size_t size, const char *name, struct mm1_diag *diag,
                              struct mm1__json **out)
{
    struct mm1__json *json = calloc(1, sizeof(*json));
    char *copied_name = strdup(name);
    if (json == NULL || copied_name == NULL) {
        free(json);
        free(copied_name);
        free(buffer);
        mm1__diag_set(diag, name, "%s", mm1_status_text(MM1_NOMEM));
        return MM1_NOMEM;
    }
    json->name = copied_name;
    json->diag = diag;
    json->text = (struct mm1_text){.data = buffer, .size = size};
    mm1_status status = build(json);
    if (status != MM1_OK) {
        mm1__json_free(json);
        return status;
    }
    *out = json;
    return MM1_OK;
}

static mm1_status refuse_size(const char *name, struct mm1_diag *diag)
{
    mm1__diag_set(diag, name, "larger than %zu bytes", MM1__JSON_SIZE_MAX);
    return MM1_INVALID;
}

mm1_status mm1__json_parse(struct mm1_text text, const char *name, struct mm1_diag *diag,
                           struct mm1__json **out)
{
    if (text.size > MM1__JSON_SIZE_MAX) {
        return refuse_size(name, diag);
    }
    char *buffer = malloc(text.size + 1);
    if (buffer == NULL) {
        mm1__diag_set(diag, name, "%s", mm1_status_text(MM1_NOMEM));
        return MM1_NOMEM;
    }
    if (text.size != 0) {
        memcpy(buffer, text.data, text.size);
    }
    buffer[text.size] = '\0';
    return parse_owned(buffer, text.size, name, diag, out);
}

/* Reads up to one byte more than allowed; errno says what failed. */
static bool read_all(FILE *file, char *buffer, size_t *size)
{
    *size = fread(buffer, 1, MM1__JSON_SIZE_MAX + 1, file);
    return ferror(file) == 0;
}

mm1_status mm1__json_read(const char *path, struct mm1_diag *diag, struct mm1__json **out)
{
    struct stat info;
    size_t size = 0;
    if (stat(path, &info) == 0 && S_ISDIR(info.st_mode)) {
        mm1__diag_set(diag, path, "is a directory");
        return MM1_INVALID;
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        mm1_status status = errno == ENOENT ? MM1_NOT_FOUND : MM1_IO;
        mm1__diag_set(diag, path, "cannot be opened: %s", strerror(errno));
        return status;
    }
    char *buffer = malloc(MM1__JSON_SIZE_MAX + 2);
    bool good = buffer != NULL && read_all(file, buffer, &size);
    int error = errno;
    (void)fclose(file);
    if (!good) {
        mm1__diag_set(diag, path, "cannot be read: %s",
                      buffer == NULL ? mm1_status_text(MM1_NOMEM) : strerror(error));
        free(buffer);
        return buffer == NULL ? MM1_NOMEM : MM1_IO;
    }
    if (size > MM1__JSON_SIZE_MAX) {
        free(buffer);
        return refuse_size(path, diag);
    }
    char *fitting = realloc(buffer, size + 1);
    buffer = fitting == NULL ? buffer : fitting;
    buffer[size] = '\0';
    return parse_owned(buffer, size, path, diag, out);
}

void mm1__json_free(struct mm1__json *json)
{
    if (json != NULL) {
        cJSON_Delete(json->tree);
        free(json->nodes);
        free(json->name);
        free((void *)(uintptr_t)json->text.data);
        free(json);
    }
}
