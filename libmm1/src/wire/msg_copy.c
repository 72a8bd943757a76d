/* Copies of messages in one block, and their equality. */
#include "wire/layout.h"

static void copy_fields(struct mm1__layout *layout, const struct mm1_msg_type *type,
                        const void *msg, void *to);

/* A copy of `size` bytes in the block; null for none. */
static const void *copy_data(struct mm1__layout *layout, const void *data, size_t size)
{
    if (size == 0) {
        return NULL;
    }
    void *to = mm1__place(layout, size, 1);
    if (to != NULL) {
        memcpy(to, data, size);
    }
    return to;
}

static void copy_any(struct mm1__layout *layout, const struct mm1_any *any, struct mm1_any *to)
{
    if (any->type == NULL) {
        return;
    }
    void *msg = mm1__place(layout, any->type->size, sizeof(uint64_t));
    if (to != NULL) {
        memset(msg, 0, any->type->size);
        *to = (struct mm1_any){.type = any->type, .msg = msg};
    }
    copy_fields(layout, any->type, any->msg, msg);
}

/* Copies one value to zeroed memory, or measures when `to` is null. */
static inline void copy_value(struct mm1__layout *layout, const struct mm1_field *field,
                              const void *from, void *to)
{
    switch (field->kind) {
    case MM1_KIND_TEXT: {
        const struct mm1_text *text = from;
        const char *data = copy_data(layout, text->data, text->size);
        if (to != NULL) {
            *(struct mm1_text *)to = (struct mm1_text){.data = data, .size = text->size};
        }
        break;
    }
    case MM1_KIND_BYTES: {
        const struct mm1_bytes *bytes = from;
        const uint8_t *data = copy_data(layout, bytes->data, bytes->size);
        if (to != NULL) {
            *(struct mm1_bytes *)to = (struct mm1_bytes){.data = data, .size = bytes->size};
        }
        break;
    }
    case MM1_KIND_NET:
        if (to != NULL) {
            ((struct mm1_net *)to)->addr = ((const struct mm1_net *)from)->addr;
            ((struct mm1_net *)to)->mask = ((const struct mm1_net *)from)->mask;
        }
        break;
    case MM1_KIND_SUB:
        copy_fields(layout, field->sub, from, to);
        break;
    case MM1_KIND_ANY:
        copy_any(layout, from, to);
        break;
    default:
        if (to == NULL) {
            break;
        }
        if (field->item_size == sizeof(uint64_t)) {
            memcpy(to, from, sizeof(uint64_t));
        } else {
            memcpy(to, from, field->item_size);
        }
        break;
    }
}

/* True for kinds whose values neither point anywhere nor hold padding. */
static bool is_plain(enum mm1_kind kind)
{
    switch (kind) {
    case MM1_KIND_TEXT:
    case MM1_KIND_BYTES:
    case MM1_KIND_NET:
    case MM1_KIND_SUB:
    case MM1_KIND_ANY:
        return false;
    default:
        return true;
    }
}

static void copy_list(struct mm1__layout *layout, const struct mm1_field *field, const void *from,
                      void *to)
{
    struct mm1__list list = mm1__list_get(from);
    if (list.count == 0) {
        return;
    }
    size_t item_size = field->item_size;
    uint8_t *items = mm1__place(layout, list.count * item_size, mm1__kind_align(field->kind));
    if (to != NULL) {
        mm1__list_set(to, items, list.count);
    }
    if (is_plain(field->kind)) {
        if (items != NULL) {
            memcpy(items, list.items, list.count * item_size);
        }
        return;
    }
    if (items != NULL) {
        memset(items, 0, list.count * item_size);
    }
    for (size_t i = 0; i < list.count; i++) {
        copy_value(layout, field, (const uint8_t *)list.items + i * item_size,
                   items == NULL ? NULL : items + i * item_size);
    }
}

static void copy_fields(struct mm1__layout *layout, const struct mm1_msg_type *type,
                        const void *msg, void *to)
{
    if (type->plain || (type->flags & MM1_MSG_LOCAL_ONLY) != 0) {
        if (to != NULL) {
            memcpy(to, msg, type->size);
        }
        return;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        const struct mm1_field *field = &type->fields[i];
        const uint8_t *from = (const uint8_t *)msg + field->offset;
        uint8_t *at = to == NULL ? NULL : (uint8_t *)to + field->offset;
        switch (field->form) {
        case MM1_FORM_ONE:
            copy_value(layout, field, from, at);
            break;
        case MM1_FORM_OPT:
            if (!*(const bool *)from) {
                break;
            }
            if (at != NULL) {
                *(bool *)at = true;
            }
            copy_value(layout, field, from + field->value_offset,
                       at == NULL ? NULL : at + field->value_offset);
            break;
        case MM1_FORM_LIST:
            copy_list(layout, field, from, at);
            break;
        }
    }
}

size_t mm1_msg_copy_size(const struct mm1_msg_type *type, const void *msg)
{
    if (type->plain) {
        return type->size;
    }
    struct mm1__layout layout = {.used = type->size};
    copy_fields(&layout, type, msg, NULL);
    return layout.used;
}

void mm1_msg_copy(const struct mm1_msg_type *type, const void *msg, void *block)
{
    if (type->plain) {
        memcpy(block, msg, type->size);
        return;
    }
    struct mm1__layout layout = {.block = block, .used = type->size};
    memset(block, 0, type->size);
    copy_fields(&layout, type, msg, block);
}

static bool bytes_equal(const void *a, const void *b, size_t size)
{
    return size == 0 || memcmp(a, b, size) == 0;
}

static bool value_equal(const struct mm1_field *field, const void *a, const void *b)
{
    switch (field->kind) {
    case MM1_KIND_TEXT:
        return mm1_text_equal(*(const struct mm1_text *)a, *(const struct mm1_text *)b);
    case MM1_KIND_BYTES: {
        const struct mm1_bytes *left = a;
        const struct mm1_bytes *right = b;
        return left->size == right->size && bytes_equal(left->data, right->data, left->size);
    }
    case MM1_KIND_NET: {
        const struct mm1_net *left = a;
        const struct mm1_net *right = b;
        return left->addr.bits == right->addr.bits && left->mask == right->mask;
    }
    case MM1_KIND_SUB:
        return mm1_msg_equal(field->sub, a, b);
    case MM1_KIND_ANY: {
        const struct mm1_any *left = a;
        const struct mm1_any *right = b;
        return left->type == right->type &&
               (left->type == NULL || mm1_msg_equal(left->type, left->msg, right->msg));
    }
    default:
        return memcmp(a, b, field->item_size) == 0;
    }
}

static bool field_equal(const struct mm1_field *field, const void *a, const void *b)
{
    switch (field->form) {
    case MM1_FORM_ONE:
        break;
    case MM1_FORM_OPT: {
        bool some = *(const bool *)a;
        if (some != *(const bool *)b) {
            return false;
        }
        size_t offset = field->value_offset;
        return !some ||
               value_equal(field, (const uint8_t *)a + offset, (const uint8_t *)b + offset);
    }
    case MM1_FORM_LIST: {
        struct mm1__list left = mm1__list_get(a);
        struct mm1__list right = mm1__list_get(b);
        if (left.count != right.count) {
            return false;
        }
        for (size_t i = 0; i < left.count; i++) {
            size_t offset = i * field->item_size;
            if (!value_equal(field, (const uint8_t *)left.items + offset,
                             (const uint8_t *)right.items + offset)) {
                return false;
            }
        }
        return true;
    }
    }
    return value_equal(field, a, b);
}

bool mm1_msg_equal(const struct mm1_msg_type *type, const void *a, const void *b)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct mm1_field *field = &type->fields[i];
        if (!field_equal(field, (const uint8_t *)a + field->offset,
                         (const uint8_t *)b + field->offset)) {
            return false;
        }
    }
    return true;
}
