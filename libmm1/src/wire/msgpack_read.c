/* MessagePack in: a bounded reader driven by the field lists. One walk both checks and measures (no block) and, over
 * input that was checked, decodes. Nothing is read beyond the input, and no count is believed further than the bytes
 * that are left. */
#include <mm1/msg.h>

#include "base/utf8.h"
#include "wire/layout.h"

/* A list of large structs may grow sixteenfold at most. */
#define DECODED_MAX ((size_t)MM1_MSG_SIZE_MAX * 16)
/* Fields that a map may name: a bit for each. */
#define MAP_FIELDS_MAX 256u

struct reader {
    const uint8_t *at;
    const uint8_t *end;
    const struct mm1_msg_registry *registry;
    struct mm1__layout layout;
};

static mm1_status get_message(struct reader *r, const struct mm1_msg_type *type, void *to,
                              unsigned depth);

static inline size_t left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

static inline mm1_status get_byte(struct reader *r, uint8_t *out)
{
    if (r->at == r->end) {
        return MM1_TRUNCATED;
    }
    *out = *r->at++;
    return MM1_OK;
}

/* A big-endian number of `size` bytes. */
static mm1_status get_be(struct reader *r, size_t size, uint64_t *out)
{
    if (left(r) < size) {
        return MM1_TRUNCATED;
    }
    uint64_t value = 0;
    if (size == sizeof(value)) {
        memcpy(&value, r->at, sizeof(value));
        value = __builtin_bswap64(value);
    } else {
        for (size_t i = 0; i < size; i++) {
            value = value << 8 | r->at[i];
        }
    }
    r->at += size;
    *out = value;
    return MM1_OK;
}

/* A place in the block; the decoded size is bounded here. */
static mm1_status place(struct reader *r, size_t size, size_t align, void **to)
{
    if (size > DECODED_MAX - r->layout.used) {
        return MM1_TOO_LARGE;
    }
    *to = mm1__place(&r->layout, size, align);
    return r->layout.used > DECODED_MAX ? MM1_TOO_LARGE : MM1_OK;
}

/* An integer of any width: its bits, and whether it is below 0. */
static __attribute__((noinline)) mm1_status get_wide_integer(struct reader *r, uint8_t tag,
                                                             uint64_t *bits, bool *negative)
{
    *negative = false;
    if (tag >= 0xe0) {
        *negative = true;
        *bits = (uint64_t)(int64_t)(int8_t)tag;
        return MM1_OK;
    }
    if (tag < 0xcc || tag > 0xd3) {
        return MM1_MALFORMED;
    }
    size_t size = (size_t)1 << (tag & 3u);
    MM1_TRY(get_be(r, size, bits));
    if (tag >= 0xd0) {
        unsigned shift = (unsigned)(64 - 8 * size);
        *bits = (uint64_t)((int64_t)(*bits << shift) >> shift);
        *negative = (int64_t)*bits < 0;
    }
    return MM1_OK;
}

static inline mm1_status get_uint(struct reader *r, uint64_t max, uint64_t *out)
{
    uint8_t tag;
    MM1_TRY(get_byte(r, &tag));
    if (tag < 0x80) {
        *out = tag;
        return tag <= max ? MM1_OK : MM1_MALFORMED;
    }
    bool negative;
    MM1_TRY(get_wide_integer(r, tag, out, &negative));
    return negative || *out > max ? MM1_MALFORMED : MM1_OK;
}

static inline mm1_status get_int(struct reader *r, int64_t min, int64_t max, int64_t *out)
{
    uint8_t tag;
    MM1_TRY(get_byte(r, &tag));
    if (tag < 0x80) {
        *out = tag;
        return MM1_OK;
    }
    uint64_t bits;
    bool negative;
    MM1_TRY(get_wide_integer(r, tag, &bits, &negative));
    if (!negative && bits > INT64_MAX) {
        return MM1_MALFORMED;
    }
    *out = (int64_t)bits;
    return *out < min || *out > max ? MM1_MALFORMED : MM1_OK;
}

/* The count of a head whose long form has the tags `tag16` and the next. */
static mm1_status get_long_count(struct reader *r, uint8_t tag, uint8_t tag16, size_t *count)
{
    if (tag != tag16 && tag != tag16 + 1) {
        return MM1_MALFORMED;
    }
    uint64_t value = 0;
    MM1_TRY(get_be(r, tag == tag16 ? 2 : 4, &value));
    *count = (size_t)value;
    return MM1_OK;
}

static inline mm1_status get_array(struct reader *r, size_t *count)
{
    uint8_t tag;
    MM1_TRY(get_byte(r, &tag));
    if ((tag & 0xf0u) == 0x90) {
        *count = tag & 15u;
        return MM1_OK;
    }
    return get_long_count(r, tag, 0xdc, count);
}

static mm1_status get_text(struct reader *r, struct mm1_text *out)
{
    uint8_t tag;
    MM1_TRY(get_byte(r, &tag));
    uint64_t size = tag & 31u;
    if ((tag & 0xe0u) != 0xa0) {
        if (tag < 0xd9 || tag > 0xdb) {
            return MM1_MALFORMED;
        }
        MM1_TRY(get_be(r, (size_t)1 << (tag - 0xd9u), &size));
    }
    if (size > left(r)) {
        return MM1_TRUNCATED;
    }
    *out = (struct mm1_text){.data = (const char *)r->at, .size = (size_t)size};
    r->at += size;
    /* While decoding, the same bytes have been checked before. */
    return r->layout.block != NULL || mm1__utf8_valid(out->data, out->size) ? MM1_OK
                                                                            : MM1_MALFORMED;
}

static mm1_status read_text(struct reader *r, struct mm1_text *to)
{
    struct mm1_text text;
    MM1_TRY(get_text(r, &text));
    void *data = NULL;
    if (text.size != 0) {
        MM1_TRY(place(r, text.size, 1, &data));
    }
    if (to != NULL) {
        if (data != NULL) {
            memcpy(data, text.data, text.size);
        }
        *to = (struct mm1_text){.data = data, .size = text.size};
    }
    return MM1_OK;
}

/* Bytes that came as an array of numbers. */
static mm1_status read_byte_array(struct reader *r, size_t count, uint8_t *data)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        MM1_TRY(get_uint(r, UINT8_MAX, &value));
        if (data != NULL) {
            data[i] = (uint8_t)value;
        }
    }
    return MM1_OK;
}

static mm1_status read_bytes(struct reader *r, struct mm1_bytes *to)
{
    if (r->at == r->end) {
        return MM1_TRUNCATED;
    }
    uint8_t tag = *r->at;
    bool is_bin = tag >= 0xc4 && tag <= 0xc6;
    size_t size;
    if (is_bin) {
        uint64_t value;
        r->at++;
        MM1_TRY(get_be(r, (size_t)1 << (tag - 0xc4u), &value));
        size = (size_t)value;
    } else {
        MM1_TRY(get_array(r, &size));
    }
    if (size > left(r)) {
        return MM1_TRUNCATED;
    }
    void *data = NULL;
    if (size != 0) {
        MM1_TRY(place(r, size, 1, &data));
    }
    if (to != NULL) {
        *to = (struct mm1_bytes){.data = data, .size = size};
    }
    if (!is_bin) {
        return read_byte_array(r, size, data);
    }
    if (data != NULL) {
        memcpy(data, r->at, size);
    }
    r->at += size;
    return MM1_OK;
}

static mm1_status read_f64(struct reader *r, void *to)
{
    uint8_t tag;
    uint64_t bits;
    MM1_TRY(get_byte(r, &tag));
    if (tag == 0xcb) {
        MM1_TRY(get_be(r, sizeof(double), &bits));
    } else if (tag == 0xca) {
        MM1_TRY(get_be(r, sizeof(float), &bits));
        uint32_t narrow = (uint32_t)bits;
        float value;
        memcpy(&value, &narrow, sizeof(value));
        double wide = (double)value;
        memcpy(&bits, &wide, sizeof(bits));
    } else {
        return MM1_MALFORMED;
    }
    if (to != NULL) {
        memcpy(to, &bits, sizeof(bits));
    }
    return MM1_OK;
}

/* [uint, uint], each within its bound. */
static mm1_status get_pair(struct reader *r, uint64_t max_first, uint64_t *first,
                           uint64_t max_second, uint64_t *second)
{
    size_t count;
    MM1_TRY(get_array(r, &count));
    if (count != 2) {
        return MM1_MALFORMED;
    }
    MM1_TRY(get_uint(r, max_first, first));
    return get_uint(r, max_second, second);
}

static mm1_status read_net(struct reader *r, struct mm1_net *to)
{
    uint64_t bits;
    uint64_t mask;
    MM1_TRY(get_pair(r, UINT64_MAX, &bits, 64, &mask));
    if (to != NULL) {
        to->addr.bits = bits;
        to->mask = (uint8_t)mask;
    }
    return MM1_OK;
}

static mm1_status read_duration(struct reader *r, uint64_t *to)
{
    uint64_t seconds;
    uint64_t nanoseconds;
    uint64_t sum;
    MM1_TRY(get_pair(r, UINT64_MAX, &seconds, UINT32_MAX, &nanoseconds));
    if (__builtin_mul_overflow(seconds, (uint64_t)1000000000, &sum) ||
        __builtin_add_overflow(sum, nanoseconds, &sum)) {
        return MM1_MALFORMED;
    }
    if (to != NULL) {
        *to = sum;
    }
    return MM1_OK;
}

static mm1_status read_bool(struct reader *r, bool *to)
{
    uint8_t tag;
    MM1_TRY(get_byte(r, &tag));
    if ((tag & 0xfeu) != 0xc2) {
        return MM1_MALFORMED;
    }
    if (to != NULL) {
        *to = (tag & 1u) != 0;
    }
    return MM1_OK;
}

/* Skips a nil; false when another value stands there, or none. */
static bool skip_nil(struct reader *r)
{
    bool nil = r->at != r->end && *r->at == 0xc0;
    r->at += nil;
    return nil;
}

static mm1_status read_any(struct reader *r, struct mm1_any *to, unsigned depth)
{
    if (skip_nil(r)) {
        return MM1_OK;
    }
    size_t count;
    struct mm1_text name;
    MM1_TRY(get_array(r, &count));
    if (count != 2) {
        return MM1_MALFORMED;
    }
    MM1_TRY(get_text(r, &name));
    const struct mm1_msg_type *type =
        r->registry == NULL ? NULL : mm1_msg_lookup(r->registry, name);
    if (type == NULL) {
        return MM1_UNKNOWN_TYPE;
    }
    void *msg;
    MM1_TRY(place(r, type->size, sizeof(uint64_t), &msg));
    if (to != NULL) {
        memset(msg, 0, type->size);
        *to = (struct mm1_any){.type = type, .msg = msg};
    }
    return get_message(r, type, msg, depth + 1);
}

/* Reads one value to zeroed memory, or only checks it when `to` is null. */
static inline mm1_status read_value(struct reader *r, const struct mm1_field *field, void *to,
                                    unsigned depth)
{
    uint64_t value;
    int64_t number;
    switch (field->kind) {
    case MM1_KIND_BOOL:
        return read_bool(r, to);
    case MM1_KIND_U8:
        MM1_TRY(get_uint(r, UINT8_MAX, &value));
        if (to != NULL) {
            *(uint8_t *)to = (uint8_t)value;
        }
        return MM1_OK;
    case MM1_KIND_U16:
        MM1_TRY(get_uint(r, UINT16_MAX, &value));
        if (to != NULL) {
            *(uint16_t *)to = (uint16_t)value;
        }
        return MM1_OK;
    case MM1_KIND_U32:
        MM1_TRY(get_uint(r, UINT32_MAX, &value));
        if (to != NULL) {
            *(uint32_t *)to = (uint32_t)value;
        }
        return MM1_OK;
    case MM1_KIND_U64:
    case MM1_KIND_ID:
    case MM1_KIND_ADDR:
        MM1_TRY(get_uint(r, UINT64_MAX, &value));
        if (to != NULL) {
            memcpy(to, &value, sizeof(value));
        }
        return MM1_OK;
    case MM1_KIND_I32:
        MM1_TRY(get_int(r, INT32_MIN, INT32_MAX, &number));
        if (to != NULL) {
            *(int32_t *)to = (int32_t)number;
        }
        return MM1_OK;
    case MM1_KIND_I64:
        MM1_TRY(get_int(r, INT64_MIN, INT64_MAX, &number));
        if (to != NULL) {
            *(int64_t *)to = number;
        }
        return MM1_OK;
    case MM1_KIND_F64:
        return read_f64(r, to);
    case MM1_KIND_TEXT:
        return read_text(r, to);
    case MM1_KIND_BYTES:
        return read_bytes(r, to);
    case MM1_KIND_NET:
        return read_net(r, to);
    case MM1_KIND_DURATION:
        return read_duration(r, to);
    case MM1_KIND_SUB:
        return get_message(r, field->sub, to, depth + 1);
    case MM1_KIND_ANY:
        return read_any(r, to, depth);
    }
    return MM1_MALFORMED;
}

static mm1_status read_list(struct reader *r, const struct mm1_field *field, void *to,
                            unsigned depth)
{
    size_t count;
    MM1_TRY(get_array(r, &count));
    if (count > left(r)) {
        return MM1_TRUNCATED;
    }
    if (count == 0) {
        return MM1_OK;
    }
    size_t size;
    void *items;
    if (__builtin_mul_overflow(count, field->item_size, &size)) {
        return MM1_TOO_LARGE;
    }
    MM1_TRY(place(r, size, mm1__kind_align(field->kind), &items));
    if (to != NULL) {
        memset(items, 0, size);
        mm1__list_set(to, items, count);
    }
    for (size_t i = 0; i < count; i++) {
        void *item = items == NULL ? NULL : (uint8_t *)items + i * field->item_size;
        MM1_TRY(read_value(r, field, item, depth));
    }
    return MM1_OK;
}

static inline mm1_status read_field(struct reader *r, const struct mm1_field *field, void *msg,
                                    unsigned depth)
{
    uint8_t *to = msg == NULL ? NULL : (uint8_t *)msg + field->offset;
    if (__builtin_expect(field->form == MM1_FORM_ONE, 1)) {
        return read_value(r, field, to, depth);
    }
    if (field->form == MM1_FORM_LIST) {
        return read_list(r, field, to, depth);
    }
    if (skip_nil(r)) {
        return MM1_OK;
    }
    if (to != NULL) {
        *(bool *)to = true;
        to += field->value_offset;
    }
    return read_value(r, field, to, depth);
}

static size_t field_index(const struct mm1_msg_type *type, struct mm1_text name)
{
    size_t i = 0;
    while (i < type->field_count && !mm1_text_equal(mm1_text_of(type->fields[i].name), name)) {
        i++;
    }
    return i;
}

/* A struct that came with names: each exactly once. */
static mm1_status read_map(struct reader *r, const struct mm1_msg_type *type, void *to,
                           unsigned depth)
{
    uint8_t tag;
    size_t count;
    MM1_TRY(get_byte(r, &tag));
    if ((tag & 0xf0u) == 0x80) {
        count = tag & 15u;
    } else {
        MM1_TRY(get_long_count(r, tag, 0xde, &count));
    }
    if (count != type->field_count || count > MAP_FIELDS_MAX) {
        return MM1_MALFORMED;
    }
    bool seen[MAP_FIELDS_MAX] = {false};
    for (size_t i = 0; i < count; i++) {
        struct mm1_text name;
        MM1_TRY(get_text(r, &name));
        size_t index = field_index(type, name);
        if (index == count || seen[index]) {
            return MM1_MALFORMED;
        }
        seen[index] = true;
        MM1_TRY(read_field(r, &type->fields[index], to, depth));
    }
    return MM1_OK;
}

static bool is_map(uint8_t tag)
{
    return (tag & 0xf0u) == 0x80 || tag == 0xde || tag == 0xdf;
}

static mm1_status get_message(struct reader *r, const struct mm1_msg_type *type, void *to,
                              unsigned depth)
{
    if (depth > MM1_MSG_DEPTH_MAX) {
        return MM1_TOO_LARGE;
    }
    if (__builtin_expect(type->flags != 0, 0)) {
        if ((type->flags & MM1_MSG_LOCAL_ONLY) != 0) {
            return MM1_UNKNOWN_TYPE;
        }
        if ((type->flags & MM1_MSG_NEWTYPE) != 0) {
            return read_field(r, &type->fields[0], to, depth);
        }
        if (skip_nil(r)) { /* a unit */
            return MM1_OK;
        }
    }
    if (r->at != r->end && is_map(*r->at) && (type->flags & MM1_MSG_UNIT) == 0) {
        return read_map(r, type, to, depth);
    }
    size_t count;
    MM1_TRY(get_array(r, &count));
    if (count != type->field_count) {
        return MM1_MALFORMED;
    }
    for (size_t i = 0; i < count; i++) {
        MM1_TRY(read_field(r, &type->fields[i], to, depth));
    }
    return MM1_OK;
}

mm1_status mm1_msg_decoded_size(const struct mm1_msg_type *type, struct mm1_bytes bytes,
                                const struct mm1_msg_registry *registry, size_t *size)
{
    if (bytes.size == 0) {
        return MM1_TRUNCATED;
    }
    bool cut = bytes.size > MM1_MSG_SIZE_MAX;
    struct reader r = {
        .at = bytes.data,
        .end = bytes.data + (cut ? MM1_MSG_SIZE_MAX : bytes.size),
        .registry = registry,
        .layout.used = type->size,
    };
    mm1_status status = get_message(&r, type, NULL, 0);
    if (status == MM1_OK) {
        *size = r.layout.used;
    }
    return status == MM1_TRUNCATED && cut ? MM1_TOO_LARGE : status;
}

void mm1_msg_decode(const struct mm1_msg_type *type, struct mm1_bytes bytes,
                    const struct mm1_msg_registry *registry, void *block)
{
    memset(block, 0, type->size);
    struct reader r = {
        .at = bytes.data,
        .end = bytes.data + (bytes.size > MM1_MSG_SIZE_MAX ? MM1_MSG_SIZE_MAX : bytes.size),
        .registry = registry,
        .layout = {.block = block, .used = type->size},
    };
    MM1_CHECK(get_message(&r, type, block, 0) == MM1_OK);
}
