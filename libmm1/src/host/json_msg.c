/* JSON to messages: built piece by piece in an arena, then copied into one block. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "host/arena.h"
#include "host/json_msg.h"
#include "host/units.h"
#include "wire/layout.h"

struct reader {
    struct mm1__arena arena;
    const struct mm1_msg_registry *registry;
};

static void read_message(struct reader *reader, const struct mm1__json_node *node,
                         const struct mm1_msg_type *type, unsigned depth, void *to);

/* A whole number, or a text of one where it may be beyond 2^53. */
static void read_unsigned(const struct mm1__json_node *node, uint64_t max, uint64_t *out)
{
    if (max == UINT64_MAX && mm1__json_kind(node) == MM1__JSON_TEXT) {
        struct mm1_text text = MM1_TEXT("");
        mm1__json_text(node, &text);
        if (mm1__u64_parse(text, out) != MM1_OK) {
            mm1__json_expected(node, "a whole number from 0 to %" PRIu64, max);
        }
        return;
    }
    if (max == UINT64_MAX) {
        max = MM1__JSON_INTEGER_MAX;
    }
    mm1__json_u64(node, 0, max, out);
}

static void read_i64(const struct mm1__json_node *node, int64_t *out)
{
    if (mm1__json_kind(node) != MM1__JSON_TEXT) {
        mm1__json_i64(node, -(int64_t)MM1__JSON_INTEGER_MAX, (int64_t)MM1__JSON_INTEGER_MAX, out);
        return;
    }
    struct mm1_text text = MM1_TEXT("");
    uint64_t magnitude = 0;
    mm1__json_text(node, &text);
    bool negative = text.size > 0 && text.data[0] == '-';
    struct mm1_text digits = {.data = text.data + negative, .size = text.size - negative};
    uint64_t limit = (uint64_t)INT64_MAX + negative;
    if (mm1__u64_parse(digits, &magnitude) != MM1_OK || magnitude > limit) {
        mm1__json_expected(node, "a whole number from %" PRId64 " to %" PRId64, INT64_MIN,
                           INT64_MAX);
        return;
    }
    /* Negating in the unsigned type reaches INT64_MIN as well. */
    *out = (int64_t)(negative ? 0 - magnitude : magnitude);
}

static void read_f64(const struct mm1__json_node *node, double *out)
{
    static const char *const NAMES[] = {"nan", "inf", "-inf"};
    size_t index = 0;
    if (mm1__json_kind(node) == MM1__JSON_NUMBER) {
        *out = mm1__json_number(node);
        if (__builtin_isinf(*out)) {
            mm1__json_expected(node, "a number that a double holds");
        }
        return;
    }
    if (mm1__json_kind(node) != MM1__JSON_TEXT) {
        mm1__json_expected(node, "a number");
        return;
    }
    mm1__json_choice(node, NAMES, MM1_COUNT_OF(NAMES), &index);
    *out = index == 0 ? __builtin_nan("") : index == 1 ? __builtin_inf() : -__builtin_inf();
}

/* The value of a hex digit, or -1. */
static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_bytes(struct reader *reader, const struct mm1__json_node *node,
                       struct mm1_bytes *out)
{
    struct mm1_text text = MM1_TEXT("");
    if (mm1__json_kind(node) != MM1__JSON_TEXT) {
        mm1__json_expected(node, "bytes as a text of hex digits");
        return;
    }
    mm1__json_text(node, &text);
    uint8_t *data = mm1__arena_array(&reader->arena, text.size / 2, 1);
    if (data == NULL) {
        mm1__json_nomem(node);
        return;
    }
    bool good = text.size % 2 == 0;
    for (size_t i = 0; good && i < text.size; i += 2) {
        int high = hex_digit(text.data[i]);
        int low = hex_digit(text.data[i + 1]);
        good = high >= 0 && low >= 0;
        data[i / 2] = good ? (uint8_t)(high * 16 + low) : 0;
    }
    if (!good) {
        mm1__json_expected(node, "bytes as a text of hex digits, two for each");
        return;
    }
    *out = (struct mm1_bytes){.data = data, .size = text.size / 2};
}

static const struct mm1_msg_type *find_type(const struct reader *reader,
                                            const struct mm1__json_node *node, struct mm1_text name)
{
    char hint[160];
    if (reader->registry == NULL) {
        mm1__json_fail(node, "a message of any type cannot stand here: no types are known");
        return NULL;
    }
    const struct mm1_msg_type *type = mm1_msg_lookup(reader->registry, name);
    if (type == NULL) {
        struct mm1__nearest nearest = mm1__nearest(name);
        for (size_t i = 0; i < reader->registry->count; i++) {
            mm1__nearest_offer(&nearest, mm1_text_of(reader->registry->types[i]->name));
        }
        mm1__json_fail(node, "unknown message type \"%.100s\"%s", name.data,
                       mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    }
    return type;
}

static void read_any(struct reader *reader, const struct mm1__json_node *node, unsigned depth,
                     struct mm1_any *out)
{
    struct mm1__json_object object;
    struct mm1_text name = MM1_TEXT("");
    if (mm1__json_kind(node) == MM1__JSON_NULL) {
        return;
    }
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *type_node = mm1__json_required(&object, "type");
    const struct mm1__json_node *value = mm1__json_required(&object, "value");
    mm1__json_text(type_node, &name);
    mm1__json_object_end(&object);
    if (mm1__json_failed(node)) {
        return;
    }
    const struct mm1_msg_type *type = find_type(reader, type_node, name);
    void *msg = type == NULL ? NULL : mm1__arena_array(&reader->arena, 1, type->size);
    if (type == NULL || msg == NULL) {
        mm1__json_nomem(node); /* no change after a finding */
        return;
    }
    read_message(reader, value, type, depth + 1, msg);
    *out = (struct mm1_any){.type = type, .msg = msg};
}

/* Small integers: the field has `size` bytes. */
static void read_small(const struct mm1__json_node *node, uint64_t max, size_t size, void *to)
{
    uint64_t value = 0;
    read_unsigned(node, max, &value);
    uint8_t u8 = (uint8_t)value;
    uint16_t u16 = (uint16_t)value;
    uint32_t u32 = (uint32_t)value;
    memcpy(to, size == 1 ? (void *)&u8 : size == 2 ? (void *)&u16 : (void *)&u32, size);
}

static void read_i32(const struct mm1__json_node *node, int32_t *out)
{
    int64_t value = 0;
    mm1__json_i64(node, INT32_MIN, INT32_MAX, &value);
    *out = (int32_t)value;
}

static void read_value(struct reader *reader, const struct mm1__json_node *node,
                       const struct mm1_field *field, unsigned depth, void *to)
{
    switch (field->kind) {
    case MM1_KIND_BOOL:
        mm1__json_bool(node, to);
        return;
    case MM1_KIND_U8:
        read_small(node, UINT8_MAX, 1, to);
        return;
    case MM1_KIND_U16:
        read_small(node, UINT16_MAX, 2, to);
        return;
    case MM1_KIND_U32:
        read_small(node, UINT32_MAX, 4, to);
        return;
    case MM1_KIND_U64:
    case MM1_KIND_ID:
        read_unsigned(node, UINT64_MAX, to);
        return;
    case MM1_KIND_I32:
        read_i32(node, to);
        return;
    case MM1_KIND_I64:
        read_i64(node, to);
        return;
    case MM1_KIND_F64:
        read_f64(node, to);
        return;
    case MM1_KIND_TEXT:
        mm1__json_text(node, to);
        return;
    case MM1_KIND_BYTES:
        read_bytes(reader, node, to);
        return;
    case MM1_KIND_ADDR:
        mm1__json_addr(node, to);
        return;
    case MM1_KIND_NET:
        mm1__json_net(node, to);
        return;
    case MM1_KIND_DURATION:
        mm1__json_duration(node, to);
        return;
    case MM1_KIND_SUB:
        read_message(reader, node, field->sub, depth + 1, to);
        return;
    case MM1_KIND_ANY:
        read_any(reader, node, depth, to);
        return;
    }
}

static void read_items(struct reader *reader, const struct mm1__json_node *node,
                       const struct mm1_field *field, unsigned depth, void *to)
{
    size_t count = 0;
    size_t index = 0;
    mm1__json_list(node, 0, SIZE_MAX, &count);
    if (mm1__json_failed(node)) {
        return;
    }
    uint8_t *items = mm1__arena_array(&reader->arena, count, field->item_size);
    if (items == NULL) {
        mm1__json_nomem(node);
        return;
    }
    MM1__JSON_FOREACH(item, node) {
        read_value(reader, item, field, depth, items + index++ * field->item_size);
    }
    mm1__list_set(to, items, count);
}

static void read_field(struct reader *reader, struct mm1__json_object *object,
                       const struct mm1_field *field, unsigned depth, uint8_t *to)
{
    bool optional = field->form == MM1_FORM_OPT;
    const struct mm1__json_node *node = optional ? mm1__json_optional(object, field->name)
                                                 : mm1__json_required(object, field->name);
    if (node == NULL || mm1__json_failed(node)) {
        return;
    }
    if (field->form == MM1_FORM_LIST) {
        read_items(reader, node, field, depth, to);
    } else if (!optional) {
        read_value(reader, node, field, depth, to);
    } else if (mm1__json_kind(node) != MM1__JSON_NULL) {
        *(bool *)to = true;
        read_value(reader, node, field, depth, to + field->value_offset);
    }
}

static void read_message(struct reader *reader, const struct mm1__json_node *node,
                         const struct mm1_msg_type *type, unsigned depth, void *to)
{
    struct mm1__json_object object;
    if (mm1__json_failed(node)) {
        return;
    }
    if (depth > MM1_MSG_DEPTH_MAX) {
        mm1__json_fail(node, "messages nested deeper than %d levels", MM1_MSG_DEPTH_MAX);
        return;
    }
    if ((type->flags & MM1_MSG_LOCAL_ONLY) != 0 || type->field_count > MM1__JSON_FIELDS_MAX) {
        mm1__json_fail(node, "a message of type \"%.100s\" cannot be written as JSON", type->name);
        return;
    }
    mm1__json_object_begin(&object, node);
    if (object.node == NULL) {
        return;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        read_field(reader, &object, &type->fields[i], depth,
                   (uint8_t *)to + type->fields[i].offset);
    }
    mm1__json_object_end(&object);
}

/* One block from the caller's allocator; what was read borrows from the arena and the document until then. */
static mm1_status finish(struct reader *reader, const struct mm1__json_node *node,
                         const struct mm1_msg_type *type, struct mm1_alloc *alloc, void **out,
                         size_t *size)
{
    void *msg = mm1__arena_array(&reader->arena, 1, type->size);
    if (msg == NULL) {
        return MM1_NOMEM;
    }
    read_message(reader, node, type, 1, msg);
    if (mm1__json_failed(node)) {
        return mm1__json_status(mm1__json_of(node));
    }
    size_t needed = mm1_msg_copy_size(type, msg);
    void *block = mm1_take(alloc, needed);
    if (block == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(type, msg, block);
    *out = block;
    *size = needed;
    return MM1_OK;
}

mm1_status mm1__json_msg(const struct mm1__json_node *node, const struct mm1_msg_type *type,
                         const struct mm1_msg_registry *registry, struct mm1_alloc *alloc,
                         void **out, size_t *size)
{
    struct reader reader = {.registry = registry};
    mm1__arena_init(&reader.arena);
    mm1_status status = finish(&reader, node, type, alloc, out, size);
    if (status == MM1_NOMEM) {
        mm1__json_nomem(node);
    }
    mm1__arena_close(&reader.arena);
    return status;
}
