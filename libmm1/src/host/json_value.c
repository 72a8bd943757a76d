/* JSON values: walking, describing, and objects that know which keys they may have. */
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "host/json_node.h"
#include "host/json_scan.h"

const struct mm1__json_node *mm1__json_root(const struct mm1__json *json)
{
    return &json->nodes[0];
}

const struct mm1__json *mm1__json_of(const struct mm1__json_node *node)
{
    return node->json;
}

struct mm1_text mm1__json_source(const struct mm1__json *json)
{
    return json->text;
}

enum mm1__json_kind mm1__json_kind(const struct mm1__json_node *node)
{
    return node->kind;
}

struct mm1_text mm1__json_key(const struct mm1__json_node *node)
{
    return node->key == MM1__JSON_NONE ? MM1_TEXT("") : mm1_text_of(node->item->string);
}

const struct mm1__json_node *mm1__json_first(const struct mm1__json_node *node)
{
    return node == NULL ? NULL : node->first;
}

const struct mm1__json_node *mm1__json_next(const struct mm1__json_node *node)
{
    return node->next;
}

size_t mm1__json_count(const struct mm1__json_node *node)
{
    return node == NULL ? 0 : node->count;
}

const struct mm1__json_node *mm1__json_find(const struct mm1__json_node *node, const char *key)
{
    if (node == NULL || node->kind != MM1__JSON_OBJECT) {
        return NULL;
    }
    MM1__JSON_FOREACH(child, node) {
        if (strcmp(child->item->string, key) == 0) {
            return child;
        }
    }
    return NULL;
}

void mm1__json_place(const struct mm1__json_node *node, uint32_t *line, uint32_t *column)
{
    mm1__json_place_of(node->json->text, node->begin, line, column);
}

/* Appends one character while there is room for it and the NUL. */
static size_t put(char *out, size_t size, size_t at, char c)
{
    if (at + 1 < size) {
        out[at++] = c;
    }
    return at;
}

/* Appends a key as a part of a JSON pointer. */
static size_t put_key(char *out, size_t size, size_t at, const char *key)
{
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/') {
            at = put(out, size, at, '~');
            at = put(out, size, at, *key == '~' ? '0' : '1');
        } else {
            at = put(out, size, at, *key);
        }
    }
    return at;
}

const char *mm1__json_path(const struct mm1__json_node *node, char *out, size_t size)
{
    const struct mm1__json_node *chain[MM1__JSON_DEPTH_MAX];
    size_t depth = 0;
    size_t at = 0;
    for (; node->parent != NULL; node = node->parent) {
        MM1_CHECK(depth < MM1__JSON_DEPTH_MAX);
        chain[depth++] = node;
    }
    while (depth > 0) {
        const struct mm1__json_node *part = chain[--depth];
        char number[16];
        (void)snprintf(number, sizeof(number), "%u", part->index);
        at = put(out, size, at, '/');
        at = put_key(out, size, at, part->key == MM1__JSON_NONE ? number : part->item->string);
    }
    out[at] = '\0';
    return out;
}

/* The longest beginning of `text` of at most `most` bytes that ends between two characters. */
static int cut(const char *text, size_t most)
{
    size_t size = strlen(text);
    if (size > most) {
        size = most;
        while (size > 0 && ((unsigned char)text[size] & 0xc0u) == 0x80) {
            size--;
        }
    }
    return (int)size;
}

const char *mm1__json_describe(const struct mm1__json_node *node, char *out, size_t size)
{
    switch (node->kind) {
    case MM1__JSON_NULL:
        (void)snprintf(out, size, "null");
        break;
    case MM1__JSON_BOOL:
        (void)snprintf(out, size, "%s", cJSON_IsTrue(node->item) ? "true" : "false");
        break;
    case MM1__JSON_NUMBER:
        (void)snprintf(out, size, "the number %.*s", (int)(node->end - node->begin),
                       node->json->text.data + node->begin);
        break;
    case MM1__JSON_TEXT: {
        const char *text = node->item->valuestring;
        int shown = cut(text, 60);
        (void)snprintf(out, size, "the text \"%.*s%s\"", shown, text,
                       text[shown] == '\0' ? "" : "…");
        break;
    }
    case MM1__JSON_LIST:
        (void)snprintf(out, size, "a list");
        break;
    case MM1__JSON_OBJECT:
        (void)snprintf(out, size, "an object");
        break;
    }
    return out;
}

/* --- objects -------------------------------------------------------------------------------------------------- */

void mm1__json_object_begin(struct mm1__json_object *object, const struct mm1__json_node *node)
{
    *object = (struct mm1__json_object){.node = node};
    if (node != NULL && node->kind != MM1__JSON_OBJECT) {
        mm1__json_expected(node, "an object");
        object->node = NULL;
    }
}

const struct mm1__json_node *mm1__json_optional(struct mm1__json_object *object, const char *key)
{
    MM1_CHECK(object->known_count < MM1__JSON_FIELDS_MAX);
    object->known[object->known_count++] = key;
    return mm1__json_find(object->node, key);
}

const struct mm1__json_node *mm1__json_required(struct mm1__json_object *object, const char *key)
{
    const struct mm1__json_node *member = mm1__json_optional(object, key);
    if (member == NULL && object->missing == NULL) {
        object->missing = key;
    }
    return member;
}

static bool is_known(const struct mm1__json_object *object, const char *key)
{
    for (size_t i = 0; i < object->known_count; i++) {
        if (strcmp(object->known[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static void report_unknown(const struct mm1__json_object *object,
                           const struct mm1__json_node *member)
{
    char hint[160];
    char valid[400] = "; no key is expected here";
    size_t at = 0;
    struct mm1__nearest nearest = mm1__nearest(mm1__json_key(member));
    for (size_t i = 0; i < object->known_count; i++) {
        mm1__nearest_offer(&nearest, mm1_text_of(object->known[i]));
        int printed = snprintf(valid + at, sizeof(valid) - at, "%s\"%s\"",
                               i == 0 ? "; expected one of " : ", ", object->known[i]);
        at += at + (size_t)printed < sizeof(valid) ? (size_t)printed : 0;
    }
    (void)mm1__nearest_hint(&nearest, hint, sizeof(hint));
    mm1__json_fail_key(member, "unknown key \"%.100s\"%s", member->item->string,
                       hint[0] != '\0' ? hint : valid);
}

void mm1__json_object_end(struct mm1__json_object *object)
{
    if (object->node == NULL) {
        return;
    }
    MM1__JSON_FOREACH(member, object->node) {
        if (!is_known(object, member->item->string)) {
            report_unknown(object, member);
            return;
        }
    }
    if (object->missing != NULL) {
        mm1__json_fail(object->node, "the key \"%s\" is missing", object->missing);
    }
}
