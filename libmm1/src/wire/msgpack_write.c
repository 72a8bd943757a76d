/* MessagePack out: what the field lists say, in the smallest form (mm1-spec H7). */
#include <mm1/msg.h>

#include "base/utf8.h"
#include "wire/layout.h"

/* A value that is neither text, bytes, message nor list takes at most this many bytes: [u64, u32]. */
#define SCALAR_MAX 16u
#define HEAD_MAX 5u

struct writer {
    uint8_t *at;
    uint8_t *end;
    struct mm1_buf *buf;
    size_t start; /* size of the buffer before */
};

static mm1_status put_message(struct writer *w, const struct mm1_msg_type *type, const void *msg,
                              unsigned depth);

static __attribute__((noinline)) mm1_status grow(struct writer *w, size_t more)
{
    struct mm1_buf *buf = w->buf;
    buf->size = (size_t)(w->at - buf->data);
    if (buf->size - w->start > MM1_MSG_SIZE_MAX) {
        return MM1_TOO_LARGE;
    }
    MM1_TRY(mm1_buf_reserve(buf, more));
    w->at = buf->data + buf->size;
    w->end = buf->data + buf->capacity;
    return MM1_OK;
}

static inline mm1_status room(struct writer *w, size_t more)
{
    return more <= (size_t)(w->end - w->at) ? MM1_OK : grow(w, more);
}

/* The functions below, up to put_scalar, write where there is room already. */

static inline void put_byte(struct writer *w, unsigned byte)
{
    *w->at++ = (uint8_t)byte;
}

static inline void put_be16(struct writer *w, unsigned tag, uint16_t value)
{
    value = __builtin_bswap16(value);
    *w->at = (uint8_t)tag;
    memcpy(w->at + 1, &value, sizeof(value));
    w->at += 1 + sizeof(value);
}

static inline void put_be32(struct writer *w, unsigned tag, uint32_t value)
{
    value = __builtin_bswap32(value);
    *w->at = (uint8_t)tag;
    memcpy(w->at + 1, &value, sizeof(value));
    w->at += 1 + sizeof(value);
}

static inline void put_be64(struct writer *w, unsigned tag, uint64_t value)
{
    value = __builtin_bswap64(value);
    *w->at = (uint8_t)tag;
    memcpy(w->at + 1, &value, sizeof(value));
    w->at += 1 + sizeof(value);
}

static inline void put_uint(struct writer *w, uint64_t value)
{
    if (value < 0x80) {
        put_byte(w, (unsigned)value);
    } else if (value <= UINT8_MAX) {
        put_byte(w, 0xcc);
        put_byte(w, (unsigned)value);
    } else if (value <= UINT16_MAX) {
        put_be16(w, 0xcd, (uint16_t)value);
    } else if (value <= UINT32_MAX) {
        put_be32(w, 0xce, (uint32_t)value);
    } else {
        put_be64(w, 0xcf, value);
    }
}

static inline void put_int(struct writer *w, int64_t value)
{
    if (value >= 0) {
        put_uint(w, (uint64_t)value);
    } else if (value >= -32) {
        put_byte(w, (unsigned)(value & 0xff));
    } else if (value >= INT8_MIN) {
        put_byte(w, 0xd0);
        put_byte(w, (unsigned)(value & 0xff));
    } else if (value >= INT16_MIN) {
        put_be16(w, 0xd1, (uint16_t)value);
    } else if (value >= INT32_MIN) {
        put_be32(w, 0xd2, (uint32_t)value);
    } else {
        put_be64(w, 0xd3, (uint64_t)value);
    }
}

/* The head of an array. `count` fits 32 bits: a message is not that large. */
static inline void put_array(struct writer *w, size_t count)
{
    if (count < 16) {
        put_byte(w, 0x90u | (unsigned)count);
    } else if (count <= UINT16_MAX) {
        put_be16(w, 0xdc, (uint16_t)count);
    } else {
        put_be32(w, 0xdd, (uint32_t)count);
    }
}

/* Makes room itself. */
static mm1_status put_data(struct writer *w, const void *data, size_t size)
{
    if (size > MM1_MSG_SIZE_MAX) {
        return MM1_TOO_LARGE;
    }
    MM1_TRY(room(w, size));
    if (size != 0) {
        memcpy(w->at, data, size);
        w->at += size;
    }
    return MM1_OK;
}

static mm1_status put_text(struct writer *w, struct mm1_text text)
{
    if (text.size > MM1_MSG_SIZE_MAX) {
        return MM1_TOO_LARGE;
    }
    if (!mm1__utf8_valid(text.data, text.size)) {
        return MM1_INVALID;
    }
    MM1_TRY(room(w, HEAD_MAX));
    if (text.size < 32) {
        put_byte(w, 0xa0u | (unsigned)text.size);
    } else if (text.size <= UINT8_MAX) {
        put_byte(w, 0xd9);
        put_byte(w, (unsigned)text.size);
    } else if (text.size <= UINT16_MAX) {
        put_be16(w, 0xda, (uint16_t)text.size);
    } else {
        put_be32(w, 0xdb, (uint32_t)text.size);
    }
    return put_data(w, text.data, text.size);
}

static mm1_status put_bytes(struct writer *w, struct mm1_bytes bytes)
{
    if (bytes.size > MM1_MSG_SIZE_MAX) {
        return MM1_TOO_LARGE;
    }
    MM1_TRY(room(w, HEAD_MAX));
    if (bytes.size <= UINT8_MAX) {
        put_byte(w, 0xc4);
        put_byte(w, (unsigned)bytes.size);
    } else if (bytes.size <= UINT16_MAX) {
        put_be16(w, 0xc5, (uint16_t)bytes.size);
    } else {
        put_be32(w, 0xc6, (uint32_t)bytes.size);
    }
    return put_data(w, bytes.data, bytes.size);
}

static mm1_status put_any(struct writer *w, const struct mm1_any *any, unsigned depth)
{
    MM1_TRY(room(w, SCALAR_MAX));
    if (any->type == NULL) {
        put_byte(w, 0xc0);
        return MM1_OK;
    }
    put_byte(w, 0x92);
    MM1_TRY(put_text(w, mm1_text_of(any->type->name)));
    return put_message(w, any->type, any->msg, depth + 1);
}

static void put_f64(struct writer *w, const void *from)
{
    uint64_t bits;
    memcpy(&bits, from, sizeof(bits));
    put_be64(w, 0xcb, bits);
}

/* Writes one value; there is room for SCALAR_MAX bytes. */
static inline mm1_status put_value(struct writer *w, const struct mm1_field *field,
                                   const void *from, unsigned depth)
{
    switch (field->kind) {
    case MM1_KIND_BOOL:
        put_byte(w, 0xc2u | *(const bool *)from);
        return MM1_OK;
    case MM1_KIND_U8:
        put_uint(w, *(const uint8_t *)from);
        return MM1_OK;
    case MM1_KIND_U16:
        put_uint(w, *(const uint16_t *)from);
        return MM1_OK;
    case MM1_KIND_U32:
        put_uint(w, *(const uint32_t *)from);
        return MM1_OK;
    case MM1_KIND_U64:
    case MM1_KIND_ID:
        put_uint(w, *(const uint64_t *)from);
        return MM1_OK;
    case MM1_KIND_ADDR:
        put_uint(w, ((const mm1_addr *)from)->bits);
        return MM1_OK;
    case MM1_KIND_I32:
        put_int(w, *(const int32_t *)from);
        return MM1_OK;
    case MM1_KIND_I64:
        put_int(w, *(const int64_t *)from);
        return MM1_OK;
    case MM1_KIND_F64:
        put_f64(w, from);
        return MM1_OK;
    case MM1_KIND_NET: {
        const struct mm1_net *net = from;
        if (net->mask > 64) {
            return MM1_INVALID;
        }
        put_byte(w, 0x92);
        put_uint(w, net->addr.bits);
        put_uint(w, net->mask);
        return MM1_OK;
    }
    case MM1_KIND_DURATION: {
        uint64_t duration_ns = *(const uint64_t *)from;
        put_byte(w, 0x92);
        put_uint(w, duration_ns / 1000000000u);
        put_uint(w, duration_ns % 1000000000u);
        return MM1_OK;
    }
    case MM1_KIND_TEXT:
        return put_text(w, *(const struct mm1_text *)from);
    case MM1_KIND_BYTES:
        return put_bytes(w, *(const struct mm1_bytes *)from);
    case MM1_KIND_SUB:
        return put_message(w, field->sub, from, depth + 1);
    case MM1_KIND_ANY:
        return put_any(w, from, depth);
    }
    return MM1_INVALID;
}

static mm1_status put_list(struct writer *w, const struct mm1_field *field, const void *from,
                           unsigned depth)
{
    struct mm1__list list = mm1__list_get(from);
    if (list.count > MM1_MSG_SIZE_MAX) {
        return MM1_TOO_LARGE;
    }
    put_array(w, list.count);
    const uint8_t *item = list.items;
    for (size_t i = 0; i < list.count; i++) {
        MM1_TRY(room(w, SCALAR_MAX));
        MM1_TRY(put_value(w, field, item, depth));
        item += field->item_size;
    }
    return MM1_OK;
}

/* A value of any form, where there is room for SCALAR_MAX bytes. */
static mm1_status put_form(struct writer *w, const struct mm1_field *field, const uint8_t *from,
                           unsigned depth)
{
    if (field->form == MM1_FORM_LIST) {
        return put_list(w, field, from, depth);
    }
    if (!*(const bool *)from) {
        put_byte(w, 0xc0);
        return MM1_OK;
    }
    return put_value(w, field, from + field->value_offset, depth);
}

static mm1_status put_message(struct writer *w, const struct mm1_msg_type *type, const void *msg,
                              unsigned depth)
{
    if ((type->flags & MM1_MSG_LOCAL_ONLY) != 0) {
        return MM1_INVALID;
    }
    if (depth > MM1_MSG_DEPTH_MAX) {
        return MM1_TOO_LARGE;
    }
    size_t count = type->field_count;
    MM1_TRY(room(w, HEAD_MAX + count * SCALAR_MAX));
    if ((type->flags & MM1_MSG_NEWTYPE) == 0) {
        put_array(w, count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct mm1_field *field = &type->fields[i];
        const uint8_t *from = (const uint8_t *)msg + field->offset;
        if (field->form == MM1_FORM_ONE) {
            MM1_TRY(put_value(w, field, from, depth));
        } else {
            MM1_TRY(put_form(w, field, from, depth));
        }
        /* Only these used more than the share of room that each field has. */
        if (field->form != MM1_FORM_ONE || field->kind >= MM1_KIND_SUB ||
            field->kind == MM1_KIND_TEXT || field->kind == MM1_KIND_BYTES) {
            MM1_TRY(room(w, (count - i) * SCALAR_MAX));
        }
    }
    return MM1_OK;
}

mm1_status mm1_msg_encode(const struct mm1_msg_type *type, const void *msg, struct mm1_buf *out)
{
    struct writer w = {.buf = out, .start = out->size};
    mm1_status status = mm1_buf_reserve(out, HEAD_MAX + type->field_count * SCALAR_MAX);
    if (status != MM1_OK) {
        return status;
    }
    w.at = out->data + out->size;
    w.end = out->data + out->capacity;
    status = put_message(&w, type, msg, 0);
    size_t size = (size_t)(w.at - out->data);
    if (status == MM1_OK && size - w.start > MM1_MSG_SIZE_MAX) {
        status = MM1_TOO_LARGE;
    }
    out->size = status == MM1_OK ? size : w.start;
    return status;
}
