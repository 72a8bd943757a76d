/* Messages as one line of JSON, for trace rows and people. A message of any type is {"type":name,"value":…},
 * nothing is null; a local-only message shows its name and size. */
#include <mm1/msg.h>

#include "base/utf8.h"
#include "wire/json_number.h"
#include "wire/layout.h"

static mm1_status put_message(const struct mm1_msg_type *type, const void *msg,
                              struct mm1_buf *out);

static mm1_status put_char(struct mm1_buf *out, char c)
{
    return mm1_buf_append(out, &c, 1);
}

static mm1_status put_literal(struct mm1_buf *out, const char *literal)
{
    return mm1_buf_append(out, literal, strlen(literal));
}

/* A character that cannot stand in a JSON string as it is. */
static mm1_status put_escape(struct mm1_buf *out, char c)
{
    switch (c) {
    case '"':
        return put_literal(out, "\\\"");
    case '\\':
        return put_literal(out, "\\\\");
    case '\n':
        return put_literal(out, "\\n");
    case '\r':
        return put_literal(out, "\\r");
    case '\t':
        return put_literal(out, "\\t");
    default: {
        const char *digits = "0123456789abcdef";
        char escape[6] = {'\\', 'u', '0', '0', digits[(uint8_t)c >> 4], digits[(uint8_t)c & 15u]};
        return mm1_buf_append(out, escape, sizeof(escape));
    }
    }
}

static bool is_escaped(char c)
{
    return (uint8_t)c < 0x20 || c == '"' || c == '\\';
}

static mm1_status put_string(struct mm1_text text, struct mm1_buf *out)
{
    MM1_TRY(put_char(out, '"'));
    size_t done = 0;
    size_t at = 0;
    while (at < text.size) {
        bool escaped = is_escaped(text.data[at]);
        size_t length = mm1__utf8_sequence(text.data + at, text.size - at);
        if (!escaped && length != 0) {
            at += length;
            continue;
        }
        MM1_TRY(mm1_buf_append(out, text.data + done, at - done));
        if (escaped) {
            MM1_TRY(put_escape(out, text.data[at]));
        } else {
            MM1_TRY(put_literal(out, "\xef\xbf\xbd"));
        }
        done = ++at;
    }
    if (at != done) {
        MM1_TRY(mm1_buf_append(out, text.data + done, at - done));
    }
    return put_char(out, '"');
}

static mm1_status put_duration(uint64_t duration_ns, struct mm1_buf *out)
{
    static const struct {
        uint64_t unit;
        const char *name;
    } UNITS[] = {{1000000000u, "s"}, {1000000u, "ms"}, {1000u, "us"}, {1u, "ns"}};
    size_t i = 0;
    while (duration_ns % UNITS[i].unit != 0) {
        i++;
    }
    MM1_TRY(mm1__json_uint(duration_ns / UNITS[i].unit, out));
    return put_literal(out, UNITS[i].name);
}

static mm1_status put_hex(struct mm1_bytes bytes, struct mm1_buf *out)
{
    if (bytes.size > SIZE_MAX / 4) {
        return MM1_NOMEM;
    }
    MM1_TRY(mm1_buf_reserve(out, 2 * bytes.size + 2));
    uint8_t *to = out->data + out->size;
    *to++ = '"';
    for (size_t i = 0; i < bytes.size; i++) {
        *to++ = (uint8_t) "0123456789abcdef"[bytes.data[i] >> 4];
        *to++ = (uint8_t) "0123456789abcdef"[bytes.data[i] & 15u];
    }
    *to = '"';
    out->size += 2 * bytes.size + 2;
    return MM1_OK;
}

static mm1_status put_any(const struct mm1_any *any, struct mm1_buf *out)
{
    if (any->type == NULL) {
        return put_literal(out, "null");
    }
    MM1_TRY(put_literal(out, "{\"type\":"));
    MM1_TRY(put_string(mm1_text_of(any->type->name), out));
    MM1_TRY(put_literal(out, ",\"value\":"));
    MM1_TRY(put_message(any->type, any->msg, out));
    return put_char(out, '}');
}

static mm1_status put_value(const struct mm1_field *field, const void *from, struct mm1_buf *out)
{
    char text[MM1_NET_TEXT_MAX];
    double number;
    switch (field->kind) {
    case MM1_KIND_BOOL:
        return put_literal(out, *(const bool *)from ? "true" : "false");
    case MM1_KIND_U8:
        return mm1__json_uint(*(const uint8_t *)from, out);
    case MM1_KIND_U16:
        return mm1__json_uint(*(const uint16_t *)from, out);
    case MM1_KIND_U32:
        return mm1__json_uint(*(const uint32_t *)from, out);
    case MM1_KIND_U64:
    case MM1_KIND_ID:
        return mm1__json_uint_safe(*(const uint64_t *)from, out);
    case MM1_KIND_I32:
        return mm1__json_int(*(const int32_t *)from, out);
    case MM1_KIND_I64:
        return mm1__json_int_safe(*(const int64_t *)from, out);
    case MM1_KIND_F64:
        memcpy(&number, from, sizeof(number));
        return mm1__json_f64(number, out);
    case MM1_KIND_TEXT:
        return put_string(*(const struct mm1_text *)from, out);
    case MM1_KIND_BYTES:
        return put_hex(*(const struct mm1_bytes *)from, out);
    case MM1_KIND_ADDR:
        (void)mm1_addr_print(*(const mm1_addr *)from, text);
        return put_string(mm1_text_of(text), out);
    case MM1_KIND_NET:
        (void)mm1_net_print(*(const struct mm1_net *)from, text);
        return put_string(mm1_text_of(text), out);
    case MM1_KIND_DURATION:
        MM1_TRY(put_char(out, '"'));
        MM1_TRY(put_duration(*(const uint64_t *)from, out));
        return put_char(out, '"');
    case MM1_KIND_SUB:
        return put_message(field->sub, from, out);
    case MM1_KIND_ANY:
        return put_any(from, out);
    }
    return MM1_INVALID;
}

static mm1_status put_field(const struct mm1_field *field, const uint8_t *from, struct mm1_buf *out)
{
    if (field->form == MM1_FORM_ONE) {
        return put_value(field, from, out);
    }
    if (field->form == MM1_FORM_OPT) {
        return *(const bool *)from ? put_value(field, from + field->value_offset, out)
                                   : put_literal(out, "null");
    }
    struct mm1__list list = mm1__list_get(from);
    MM1_TRY(put_char(out, '['));
    for (size_t i = 0; i < list.count; i++) {
        if (i != 0) {
            MM1_TRY(put_char(out, ','));
        }
        MM1_TRY(put_value(field, (const uint8_t *)list.items + i * field->item_size, out));
    }
    return put_char(out, ']');
}

static mm1_status put_local_only(const struct mm1_msg_type *type, struct mm1_buf *out)
{
    MM1_TRY(put_literal(out, "{\"local_only\":"));
    MM1_TRY(put_string(mm1_text_of(type->name), out));
    MM1_TRY(put_literal(out, ",\"size\":"));
    MM1_TRY(mm1__json_uint(type->size, out));
    return put_char(out, '}');
}

static mm1_status put_message(const struct mm1_msg_type *type, const void *msg, struct mm1_buf *out)
{
    if ((type->flags & MM1_MSG_LOCAL_ONLY) != 0) {
        return put_local_only(type, out);
    }
    MM1_TRY(put_char(out, '{'));
    for (size_t i = 0; i < type->field_count; i++) {
        const struct mm1_field *field = &type->fields[i];
        if (i != 0) {
            MM1_TRY(put_char(out, ','));
        }
        MM1_TRY(put_string(mm1_text_of(field->name), out));
        MM1_TRY(put_char(out, ':'));
        MM1_TRY(put_field(field, (const uint8_t *)msg + field->offset, out));
    }
    return put_char(out, '}');
}

/* What was written stays only if all of it was. */
static mm1_status all_or_nothing(mm1_status status, size_t before, struct mm1_buf *out)
{
    if (status != MM1_OK) {
        out->size = before;
    }
    return status;
}

mm1_status mm1_msg_print(const struct mm1_msg_type *type, const void *msg, struct mm1_buf *out)
{
    size_t before = out->size;
    return all_or_nothing(put_message(type, msg, out), before, out);
}

mm1_status mm1_json_string(struct mm1_text text, struct mm1_buf *out)
{
    size_t before = out->size;
    return all_or_nothing(put_string(text, out), before, out);
}

mm1_status mm1_duration_print(uint64_t duration_ns, struct mm1_buf *out)
{
    size_t before = out->size;
    return all_or_nothing(put_duration(duration_ns, out), before, out);
}
