/* Fingerprints: XXH3 over the values in a canonical little-endian form. They are part of recorded decisions, so the
 * form, the size of a piece included, does not change without a new version of the generator. */
#include <mm1/msg.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "wire/layout.h"

#define PIECE 256u

/* Values gather in a piece; a full piece is folded into the hash as the seed of the next. */
struct printer {
    uint64_t hash;
    mm1_addr_hash_fn *addr_hash;
    void *arg;
    size_t used;
    uint8_t piece[PIECE];
};

static void put_message(struct printer *p, const struct mm1_msg_type *type, const void *msg);

static inline void put(struct printer *p, uint64_t value)
{
    if (p->used == PIECE) {
        p->hash = XXH3_64bits_withSeed(p->piece, PIECE, p->hash);
        p->used = 0;
    }
    mm1_put_le64(p->piece + p->used, value);
    p->used += sizeof(value);
}

static void put_data(struct printer *p, const void *data, size_t size)
{
    put(p, size);
    put(p, size == 0 ? 0 : XXH3_64bits(data, size));
}

static void put_any(struct printer *p, const struct mm1_any *any)
{
    put(p, any->type != NULL);
    if (any->type != NULL) {
        put_data(p, any->type->name, strlen(any->type->name));
        put_message(p, any->type, any->msg);
    }
}

static uint64_t addr_hash(const struct printer *p, mm1_addr addr)
{
    return p->addr_hash == NULL ? 0 : p->addr_hash(p->arg, addr);
}

static void put_value(struct printer *p, const struct mm1_field *field, const void *from)
{
    uint64_t bits;
    switch (field->kind) {
    case MM1_KIND_BOOL:
        put(p, *(const bool *)from);
        break;
    case MM1_KIND_U8:
        put(p, *(const uint8_t *)from);
        break;
    case MM1_KIND_U16:
        put(p, *(const uint16_t *)from);
        break;
    case MM1_KIND_U32:
        put(p, *(const uint32_t *)from);
        break;
    case MM1_KIND_I32:
        put(p, (uint64_t)(int64_t) * (const int32_t *)from);
        break;
    case MM1_KIND_U64:
    case MM1_KIND_I64:
    case MM1_KIND_F64:
    case MM1_KIND_DURATION:
        memcpy(&bits, from, sizeof(bits));
        put(p, bits);
        break;
    case MM1_KIND_TEXT:
        put_data(p, ((const struct mm1_text *)from)->data, ((const struct mm1_text *)from)->size);
        break;
    case MM1_KIND_BYTES:
        put_data(p, ((const struct mm1_bytes *)from)->data, ((const struct mm1_bytes *)from)->size);
        break;
    case MM1_KIND_ADDR:
        put(p, addr_hash(p, *(const mm1_addr *)from));
        break;
    case MM1_KIND_NET:
        put(p, addr_hash(p, ((const struct mm1_net *)from)->addr));
        put(p, ((const struct mm1_net *)from)->mask);
        break;
    case MM1_KIND_ID:
        break;
    case MM1_KIND_SUB:
        put_message(p, field->sub, from);
        break;
    case MM1_KIND_ANY:
        put_any(p, from);
        break;
    }
}

static void put_field(struct printer *p, const struct mm1_field *field, const uint8_t *from)
{
    if (field->form == MM1_FORM_ONE) {
        put_value(p, field, from);
        return;
    }
    if (field->form == MM1_FORM_OPT) {
        put(p, *(const bool *)from);
        if (*(const bool *)from) {
            put_value(p, field, from + field->value_offset);
        }
        return;
    }
    struct mm1__list list = mm1__list_get(from);
    put(p, list.count);
    for (size_t i = 0; i < list.count; i++) {
        put_value(p, field, (const uint8_t *)list.items + i * field->item_size);
    }
}

static void put_message(struct printer *p, const struct mm1_msg_type *type, const void *msg)
{
    if ((type->flags & MM1_MSG_LOCAL_ONLY) != 0) {
        put_data(p, type->name, strlen(type->name));
        put(p, type->size);
        return;
    }
    for (size_t i = 0; i < type->field_count; i++) {
        put_field(p, &type->fields[i], (const uint8_t *)msg + type->fields[i].offset);
    }
}

uint64_t mm1_msg_fingerprint(const struct mm1_msg_type *type, const void *msg,
                             mm1_addr_hash_fn *addr_hash_fn, void *arg)
{
    struct printer p;
    p.hash = XXH3_64bits(type->name, strlen(type->name));
    p.addr_hash = addr_hash_fn;
    p.arg = arg;
    p.used = 0;
    put_message(&p, type, msg);
    return XXH3_64bits_withSeed(p.piece, p.used, p.hash);
}
