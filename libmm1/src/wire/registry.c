/* The types that may arrive, and the check of their descriptors. */
#include <mm1/msg.h>

#include "base/utf8.h"
#include "wire/layout.h"

#define CAPACITY_MIN 16
#define NAME_MAX_SIZE 65535u /* what a declaration on the wire can hold */
#define FIELDS_MAX 256u      /* what the reader of maps can hold */

static const uint8_t KIND_SIZES[] = {
    [MM1_KIND_BOOL] = sizeof(bool),
    [MM1_KIND_U8] = 1,
    [MM1_KIND_U16] = 2,
    [MM1_KIND_U32] = 4,
    [MM1_KIND_U64] = 8,
    [MM1_KIND_I32] = 4,
    [MM1_KIND_I64] = 8,
    [MM1_KIND_F64] = 8,
    [MM1_KIND_TEXT] = sizeof(struct mm1_text),
    [MM1_KIND_BYTES] = sizeof(struct mm1_bytes),
    [MM1_KIND_ADDR] = sizeof(mm1_addr),
    [MM1_KIND_NET] = sizeof(struct mm1_net),
    [MM1_KIND_ID] = 8,
    [MM1_KIND_DURATION] = 8,
    [MM1_KIND_SUB] = 0, /* the size of its type */
    [MM1_KIND_ANY] = sizeof(struct mm1_any),
};

static bool name_valid(const char *name)
{
    size_t size = name == NULL ? 0 : strlen(name);
    return size > 0 && size <= NAME_MAX_SIZE && mm1__utf8_valid(name, size);
}

/* Where the last byte of a field ends in its struct; 0 for a form that is none. */
static size_t field_end(const struct mm1_field *field)
{
    switch (field->form) {
    case MM1_FORM_ONE:
        return field->offset + field->item_size;
    case MM1_FORM_OPT:
        return field->value_offset == 0 ? 0
                                        : field->offset + field->value_offset + field->item_size;
    case MM1_FORM_LIST:
        return field->offset + sizeof(struct mm1__list);
    }
    return 0;
}

static bool field_valid(const struct mm1_msg_type *type, const struct mm1_field *field)
{
    if (!name_valid(field->name) || (unsigned)field->kind >= MM1_COUNT_OF(KIND_SIZES)) {
        return false;
    }
    size_t size = KIND_SIZES[field->kind];
    if (field->kind == MM1_KIND_SUB) {
        /* A local-only part would make every encoding of the whole fail. */
        if (field->sub == NULL || ((field->sub->flags & ~type->flags) & MM1_MSG_LOCAL_ONLY) != 0) {
            return false;
        }
        size = field->sub->size;
    } else if (field->sub != NULL) {
        return false;
    }
    size_t end = field_end(field);
    return field->item_size == size && end != 0 && end <= type->size;
}

static bool type_valid(const struct mm1_msg_type *type)
{
    bool unit = (type->flags & MM1_MSG_UNIT) != 0;
    bool newtype = (type->flags & MM1_MSG_NEWTYPE) != 0;
    if (!name_valid(type->name) || type->size == 0 || type->field_count > FIELDS_MAX ||
        unit != (type->field_count == 0) || (newtype && type->field_count != 1)) {
        return false;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        if (!field_valid(type, &type->fields[i])) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(type->fields[i].name, type->fields[k].name) == 0) {
                return false;
            }
        }
    }
    return true;
}

/* The index of the first type whose name is not smaller. */
static size_t at_least(const struct mm1_msg_registry *registry, struct mm1_text name)
{
    size_t low = 0;
    size_t high = registry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (mm1_text_compare(mm1_text_of(registry->types[middle]->name), name) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct mm1_msg_registry *registry, size_t index, struct mm1_text name)
{
    return index < registry->count &&
           mm1_text_equal(mm1_text_of(registry->types[index]->name), name);
}

static mm1_status grow(struct mm1_msg_registry *registry)
{
    if (registry->count < registry->capacity) {
        return MM1_OK;
    }
    size_t item = sizeof(registry->types[0]);
    size_t capacity = registry->capacity == 0 ? CAPACITY_MIN : registry->capacity * 2;
    const struct mm1_msg_type **types = mm1_take(registry->alloc, capacity * item);
    if (types == NULL) {
        return MM1_NOMEM;
    }
    if (registry->count != 0) {
        memcpy(types, registry->types, registry->count * item);
    }
    mm1_give(registry->alloc, registry->types, registry->capacity * item);
    registry->types = types;
    registry->capacity = capacity;
    return MM1_OK;
}

static void remove_type(struct mm1_msg_registry *registry, const struct mm1_msg_type *type)
{
    size_t index = at_least(registry, mm1_text_of(type->name));
    registry->count--;
    memmove(registry->types + index, registry->types + index + 1,
            (registry->count - index) * sizeof(registry->types[0]));
}

mm1_status mm1_msg_register(struct mm1_msg_registry *registry, const struct mm1_msg_type *type)
{
    if (!type_valid(type)) {
        return MM1_INVALID;
    }
    struct mm1_text name = mm1_text_of(type->name);
    size_t index = at_least(registry, name);
    if (stands_at(registry, index, name)) {
        return registry->types[index] == type ? MM1_OK : MM1_CONFLICT;
    }
    MM1_TRY(grow(registry));
    memmove(registry->types + index + 1, registry->types + index,
            (registry->count - index) * sizeof(registry->types[0]));
    registry->types[index] = type;
    registry->count++;
    /* The type itself stands there first, so that types that name each other come to an end. */
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].kind != MM1_KIND_SUB) {
            continue;
        }
        mm1_status status = mm1_msg_register(registry, type->fields[i].sub);
        if (status != MM1_OK) {
            remove_type(registry, type);
            return status;
        }
    }
    return MM1_OK;
}

const struct mm1_msg_type *mm1_msg_lookup(const struct mm1_msg_registry *registry,
                                          struct mm1_text name)
{
    size_t index = at_least(registry, name);
    return stands_at(registry, index, name) ? registry->types[index] : NULL;
}

void mm1_msg_registry_close(struct mm1_msg_registry *registry)
{
    mm1_give(registry->alloc, registry->types, registry->capacity * sizeof(registry->types[0]));
    *registry = MM1_MSG_REGISTRY(registry->alloc);
}
