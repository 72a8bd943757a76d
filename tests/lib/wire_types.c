/* The message types of the codec's tests, and random messages. */
#include <stdlib.h>

#include "base/prng.h"
#include "wire_types.h"

#define ARENA_SIZE ((size_t)8 << 20)
#define DEPTH_MAX 4u

MM1_MSG_DEFINE_UNIT(wt_unit, "wt::Unit")
MM1_MSG_DEFINE(wt_small, "wt::Small", WT_SMALL_FIELDS)
MM1_MSG_DEFINE(wt_three, "wt::Three", WT_THREE_FIELDS)
MM1_MSG_DEFINE_NEWTYPE(wt_newtype, "wt::Newtype", WT_NEWTYPE_FIELDS)
MM1_MSG_DEFINE(wt_all, "wt::All", WT_ALL_FIELDS)
MM1_MSG_DEFINE(wt_opts, "wt::Opts", WT_OPTS_FIELDS)
MM1_MSG_DEFINE(wt_lists, "wt::Lists", WT_LISTS_FIELDS)
MM1_MSG_DEFINE(wt_node, "wt::Node", WT_NODE_FIELDS)
MM1_MSG_DEFINE_LOCAL(wt_local, "wt::Local", WT_LOCAL_FIELDS)

const struct mm1_msg_type *const WT_TYPES[] = {
    &wt_unit_type,  &wt_small_type, &wt_three_type, &wt_newtype_type, &wt_all_type, &wt_opts_type,
    &wt_lists_type, &wt_node_type,  NULL,
};

void wt_gen_init(struct wt_gen *gen)
{
    *gen = (struct wt_gen){.arena = malloc(ARENA_SIZE), .capacity = ARENA_SIZE};
    MM1_CHECK(gen->arena != NULL);
}

void wt_gen_begin(struct wt_gen *gen, uint64_t seed)
{
    gen->seed = seed;
    gen->draws = 0;
    gen->used = 0;
}

void wt_gen_close(struct wt_gen *gen)
{
    free(gen->arena);
    *gen = (struct wt_gen){0};
}

static uint64_t word(struct wt_gen *gen)
{
    return mm1_prng_word(gen->seed, 77, gen->draws++, 0);
}

uint64_t wt_gen_below(struct wt_gen *gen, uint64_t n)
{
    return mm1_prng_below(word(gen), n);
}

void *wt_gen_take(struct wt_gen *gen, size_t size)
{
    size_t at = (gen->used + 15u) & ~(size_t)15u;
    MM1_CHECK(size <= gen->capacity - at);
    gen->used = at + size;
    memset(gen->arena + at, 0xdb, size);
    return gen->arena + at;
}

/* Any number, most often one at an edge of an encoding. */
static uint64_t number(struct wt_gen *gen)
{
    static const uint64_t EDGES[] = {0,
                                     31,
                                     32,
                                     127,
                                     128,
                                     255,
                                     256,
                                     32767,
                                     32768,
                                     65535,
                                     65536,
                                     INT32_MAX,
                                     1u << 31,
                                     UINT32_MAX,
                                     (uint64_t)1 << 32,
                                     INT64_MAX,
                                     (uint64_t)1 << 63,
                                     UINT64_MAX,
                                     999999999,
                                     1000000000};
    uint64_t edge = EDGES[wt_gen_below(gen, MM1_COUNT_OF(EDGES))];
    switch (wt_gen_below(gen, 4)) {
    case 0:
        return edge;
    case 1:
        return 0 - edge;
    case 2:
        return edge + wt_gen_below(gen, 3) - 1;
    default:
        return word(gen) >> wt_gen_below(gen, 64);
    }
}

/* Sizes at the edges of the heads now and then, else small. */
static size_t size_of(struct wt_gen *gen)
{
    static const size_t EDGES[] = {15, 16, 31, 32, 33, 255, 256, 300};
    if (wt_gen_below(gen, 8) == 0) {
        return wt_gen_below(gen, 40) == 0 ? 65535 + (size_t)wt_gen_below(gen, 2)
                                          : EDGES[wt_gen_below(gen, MM1_COUNT_OF(EDGES))];
    }
    return (size_t)wt_gen_below(gen, 5);
}

static struct mm1_text text(struct wt_gen *gen)
{
    static const char *const PARTS[] = {
        "a", "z", "\"", "\\", "\n", "\x01", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
    size_t size = size_of(gen);
    char *data = wt_gen_take(gen, size + 4);
    size_t used = 0;
    while (used < size) {
        const char *part = PARTS[wt_gen_below(gen, MM1_COUNT_OF(PARTS))];
        size_t length = strlen(part);
        if (used + length > size) {
            part = "x";
            length = 1;
        }
        memcpy(data + used, part, length);
        used += length;
    }
    return (struct mm1_text){.data = data, .size = size};
}

static struct mm1_bytes bytes(struct wt_gen *gen)
{
    size_t size = size_of(gen);
    uint8_t *data = wt_gen_take(gen, size + 1);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)word(gen);
    }
    return (struct mm1_bytes){.data = data, .size = size};
}

static void fill(struct wt_gen *gen, const struct mm1_msg_type *type, void *msg, unsigned depth);

static struct mm1_any any(struct wt_gen *gen, unsigned depth)
{
    size_t types = 0;
    while (WT_TYPES[types] != NULL) {
        types++;
    }
    if (depth >= DEPTH_MAX) {
        return (struct mm1_any){.type = NULL};
    }
    const struct mm1_msg_type *type = WT_TYPES[wt_gen_below(gen, types)];
    void *msg = wt_gen_take(gen, type->size);
    fill(gen, type, msg, depth + 1);
    return (struct mm1_any){.type = type, .msg = msg};
}

static void fill_value(struct wt_gen *gen, const struct mm1_field *field, void *to, unsigned depth)
{
    uint64_t value = number(gen);
    double real = (double)(int64_t)value / 1024;
    switch (field->kind) {
    case MM1_KIND_BOOL:
        *(bool *)to = (value & 1) != 0;
        break;
    case MM1_KIND_U8:
        *(uint8_t *)to = (uint8_t)value;
        break;
    case MM1_KIND_U16:
        *(uint16_t *)to = (uint16_t)value;
        break;
    case MM1_KIND_U32:
        *(uint32_t *)to = (uint32_t)value;
        break;
    case MM1_KIND_I32:
        *(int32_t *)to = (int32_t)(uint32_t)value;
        break;
    case MM1_KIND_F64:
        memcpy(to, &real, sizeof(real));
        break;
    case MM1_KIND_TEXT:
        *(struct mm1_text *)to = text(gen);
        break;
    case MM1_KIND_BYTES:
        *(struct mm1_bytes *)to = bytes(gen);
        break;
    case MM1_KIND_NET:
        ((struct mm1_net *)to)->addr.bits = value;
        ((struct mm1_net *)to)->mask = (uint8_t)wt_gen_below(gen, 65);
        break;
    case MM1_KIND_SUB:
        fill(gen, field->sub, to, depth + 1);
        break;
    case MM1_KIND_ANY:
        *(struct mm1_any *)to = any(gen, depth);
        break;
    case MM1_KIND_U64:
    case MM1_KIND_I64:
    case MM1_KIND_ADDR:
    case MM1_KIND_ID:
    case MM1_KIND_DURATION:
        memcpy(to, &value, sizeof(value));
        break;
    }
}

static void fill(struct wt_gen *gen, const struct mm1_msg_type *type, void *msg, unsigned depth)
{
    for (size_t i = 0; i < type->field_count; i++) {
        const struct mm1_field *field = &type->fields[i];
        uint8_t *to = (uint8_t *)msg + field->offset;
        if (field->form == MM1_FORM_ONE) {
            fill_value(gen, field, to, depth);
        } else if (field->form == MM1_FORM_OPT) {
            *(bool *)to = wt_gen_below(gen, 2) != 0;
            if (*(bool *)to) {
                fill_value(gen, field, to + field->value_offset, depth);
                /* Nothing inside something would read back as nothing, as in Rust. */
                struct mm1_any nothing = {.type = NULL};
                if (field->kind == MM1_KIND_ANY &&
                    memcmp(to + field->value_offset, &nothing.type, 8) == 0) {
                    *(bool *)to = false;
                }
            }
        } else {
            size_t count = depth >= DEPTH_MAX ? 0 : (size_t)wt_gen_below(gen, depth == 0 ? 20 : 4);
            uint8_t *items = wt_gen_take(gen, count * field->item_size + 1);
            for (size_t k = 0; k < count; k++) {
                fill_value(gen, field, items + k * field->item_size, depth);
            }
            const void *pointer = items;
            memcpy(to, &pointer, sizeof(pointer));
            memcpy(to + sizeof(pointer), &count, sizeof(count));
        }
    }
}

void *wt_gen_message(struct wt_gen *gen, const struct mm1_msg_type *type)
{
    void *msg = wt_gen_take(gen, type->size);
    fill(gen, type, msg, 0);
    return msg;
}
