/* The codec against msgpack-c: the same bytes out, the same values in, on random messages; and input in other widths
 * and forms than ours, which must read the same. */
#include <msgpack.h>
#include <stdlib.h>

#include <mm1/msg.h>

#include "mm1_test.h"
#include "test_alloc.h"
#include "wire_types.h"

static struct test_alloc alloc;
static struct mm1_msg_registry registry;
static struct wt_gen gen;

static void setup(void)
{
    test_alloc_init(&alloc);
    registry = MM1_MSG_REGISTRY(&alloc.base);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        cr_assert_eq(mm1_msg_register(&registry, WT_TYPES[i]), MM1_OK);
    }
    wt_gen_init(&gen);
}

static void teardown(void)
{
    wt_gen_close(&gen);
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(reference, .init = setup, .fini = teardown);

/* How the reference writes: as we do, or, while reading is tested, in any form that a reader takes. */
struct pack {
    msgpack_packer packer;
    bool odd;
};

static bool now_and_then(const struct pack *p)
{
    return p->odd && wt_gen_below(&gen, 2) == 0;
}

static void pack_uint(struct pack *p, uint64_t value)
{
    if (now_and_then(p)) {
        if (value <= INT32_MAX && now_and_then(p)) {
            msgpack_pack_fix_int32(&p->packer, (int32_t)value);
        } else if (value <= INT64_MAX && now_and_then(p)) {
            msgpack_pack_fix_int64(&p->packer, (int64_t)value);
        } else {
            msgpack_pack_fix_uint64(&p->packer, value);
        }
        return;
    }
    msgpack_pack_uint64(&p->packer, value);
}

static void pack_int(struct pack *p, int64_t value)
{
    if (now_and_then(p)) {
        msgpack_pack_fix_int64(&p->packer, value);
        return;
    }
    msgpack_pack_int64(&p->packer, value);
}

static void pack_text(struct pack *p, struct mm1_text text)
{
    msgpack_pack_str(&p->packer, text.size);
    msgpack_pack_str_body(&p->packer, text.data, text.size);
}

static void pack_bytes(struct pack *p, const struct mm1_bytes *bytes)
{
    if (now_and_then(p)) {
        msgpack_pack_array(&p->packer, bytes->size);
        for (size_t i = 0; i < bytes->size; i++) {
            pack_uint(p, bytes->data[i]);
        }
        return;
    }
    msgpack_pack_bin(&p->packer, bytes->size);
    msgpack_pack_bin_body(&p->packer, bytes->data, bytes->size);
}

static void pack_pair(struct pack *p, uint64_t first, uint64_t second)
{
    msgpack_pack_array(&p->packer, 2);
    pack_uint(p, first);
    pack_uint(p, second);
}

static void pack_message(struct pack *p, const struct mm1_msg_type *type, const void *msg);

static void pack_any(struct pack *p, const struct mm1_any *any)
{
    if (any->type == NULL) {
        msgpack_pack_nil(&p->packer);
        return;
    }
    msgpack_pack_array(&p->packer, 2);
    pack_text(p, mm1_text_of(any->type->name));
    pack_message(p, any->type, any->msg);
}

static void pack_value(struct pack *p, const struct mm1_field *field, const void *from)
{
    switch (field->kind) {
    case MM1_KIND_BOOL:
        if (*(const bool *)from) {
            msgpack_pack_true(&p->packer);
        } else {
            msgpack_pack_false(&p->packer);
        }
        break;
    case MM1_KIND_U8:
        pack_uint(p, *(const uint8_t *)from);
        break;
    case MM1_KIND_U16:
        pack_uint(p, *(const uint16_t *)from);
        break;
    case MM1_KIND_U32:
        pack_uint(p, *(const uint32_t *)from);
        break;
    case MM1_KIND_U64:
    case MM1_KIND_ID:
        pack_uint(p, *(const uint64_t *)from);
        break;
    case MM1_KIND_ADDR:
        pack_uint(p, ((const mm1_addr *)from)->bits);
        break;
    case MM1_KIND_I32:
        pack_int(p, *(const int32_t *)from);
        break;
    case MM1_KIND_I64:
        pack_int(p, *(const int64_t *)from);
        break;
    case MM1_KIND_F64:
        msgpack_pack_double(&p->packer, *(const double *)from);
        break;
    case MM1_KIND_TEXT:
        pack_text(p, *(const struct mm1_text *)from);
        break;
    case MM1_KIND_BYTES:
        pack_bytes(p, from);
        break;
    case MM1_KIND_NET:
        pack_pair(p, ((const struct mm1_net *)from)->addr.bits,
                  ((const struct mm1_net *)from)->mask);
        break;
    case MM1_KIND_DURATION:
        pack_pair(p, *(const uint64_t *)from / 1000000000u, *(const uint64_t *)from % 1000000000u);
        break;
    case MM1_KIND_SUB:
        pack_message(p, field->sub, from);
        break;
    case MM1_KIND_ANY:
        pack_any(p, from);
        break;
    }
}

static void pack_field(struct pack *p, const struct mm1_field *field, const uint8_t *from)
{
    if (field->form == MM1_FORM_ONE) {
        pack_value(p, field, from);
        return;
    }
    if (field->form == MM1_FORM_OPT) {
        if (*(const bool *)from) {
            pack_value(p, field, from + field->value_offset);
        } else {
            msgpack_pack_nil(&p->packer);
        }
        return;
    }
    const uint8_t *items;
    size_t count;
    memcpy(&items, from, sizeof(items));
    memcpy(&count, from + sizeof(items), sizeof(count));
    msgpack_pack_array(&p->packer, count);
    for (size_t i = 0; i < count; i++) {
        pack_value(p, field, items + i * field->item_size);
    }
}

static void pack_message(struct pack *p, const struct mm1_msg_type *type, const void *msg)
{
    size_t count = type->field_count;
    if ((type->flags & MM1_MSG_NEWTYPE) != 0) {
        pack_field(p, &type->fields[0], (const uint8_t *)msg + type->fields[0].offset);
        return;
    }
    bool named = count != 0 && now_and_then(p);
    size_t first = 0;
    if (named) {
        msgpack_pack_map(&p->packer, count);
        first = (size_t)wt_gen_below(&gen, count); /* any order will do: rotated */
    } else {
        msgpack_pack_array(&p->packer, count);
    }
    for (size_t i = 0; i < count; i++) {
        const struct mm1_field *field = &type->fields[(first + i) % count];
        if (named) {
            pack_text(p, mm1_text_of(field->name));
        }
        pack_field(p, field, (const uint8_t *)msg + field->offset);
    }
}

static void pack_begin(struct pack *p, msgpack_sbuffer *out, bool odd)
{
    msgpack_sbuffer_init(out);
    msgpack_packer_init(&p->packer, out, msgpack_sbuffer_write);
    p->odd = odd;
}

Test(reference, writes_the_same_bytes)
{
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 1000; seed < 1400; seed++) {
            wt_gen_begin(&gen, seed);
            const void *msg = wt_gen_message(&gen, WT_TYPES[i]);
            struct pack p;
            msgpack_sbuffer wanted;
            pack_begin(&p, &wanted, false);
            pack_message(&p, WT_TYPES[i], msg);
            struct mm1_buf buf = MM1_BUF(&alloc.base);
            cr_assert_eq(mm1_msg_encode(WT_TYPES[i], msg, &buf), MM1_OK);
            cr_assert_eq(buf.size, wanted.size, "%s, seed %u", WT_TYPES[i]->name, (unsigned)seed);
            cr_assert_arr_eq(buf.data, wanted.data, buf.size, "%s, seed %u", WT_TYPES[i]->name,
                             (unsigned)seed);
            msgpack_sbuffer_destroy(&wanted);
            mm1_buf_close(&buf);
        }
    }
}

Test(reference, reads_what_it_writes_in_any_width_and_form)
{
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 2000; seed < 2400; seed++) {
            wt_gen_begin(&gen, seed);
            const void *msg = wt_gen_message(&gen, WT_TYPES[i]);
            struct pack p;
            msgpack_sbuffer odd;
            pack_begin(&p, &odd, true);
            pack_message(&p, WT_TYPES[i], msg);
            struct mm1_bytes bytes = {(const uint8_t *)odd.data, odd.size};
            size_t size;
            cr_assert_eq(mm1_msg_decoded_size(WT_TYPES[i], bytes, &registry, &size), MM1_OK,
                         "%s, seed %u", WT_TYPES[i]->name, (unsigned)seed);
            void *block = malloc(size);
            mm1_msg_decode(WT_TYPES[i], bytes, &registry, block);
            cr_assert(mm1_msg_equal(WT_TYPES[i], msg, block), "%s, seed %u", WT_TYPES[i]->name,
                      (unsigned)seed);
            free(block);
            msgpack_sbuffer_destroy(&odd);
        }
    }
}

/* What we accept, msgpack-c parses as one value of the same length. */
Test(reference, accepts_what_we_accept)
{
    unsigned accepted = 0;
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 3000; seed < 3500; seed++) {
            wt_gen_begin(&gen, seed);
            struct mm1_buf buf = MM1_BUF(&alloc.base);
            cr_assert_eq(mm1_msg_encode(WT_TYPES[i], wt_gen_message(&gen, WT_TYPES[i]), &buf),
                         MM1_OK);
            buf.data[wt_gen_below(&gen, buf.size)] = (uint8_t)wt_gen_below(&gen, 256);
            size_t size;
            if (mm1_msg_decoded_size(WT_TYPES[i], mm1_buf_bytes(&buf), &registry, &size) ==
                MM1_OK) {
                accepted++;
                msgpack_unpacked result;
                msgpack_unpacked_init(&result);
                size_t end = 0;
                msgpack_unpack_return answer =
                    msgpack_unpack_next(&result, (const char *)buf.data, buf.size, &end);
                cr_assert(answer == MSGPACK_UNPACK_SUCCESS || answer == MSGPACK_UNPACK_EXTRA_BYTES);
                /* No byte before that end is superfluous to us. */
                cr_assert_eq(mm1_msg_decoded_size(WT_TYPES[i], (struct mm1_bytes){buf.data, end},
                                                  &registry, &size),
                             MM1_OK);
                cr_assert_eq(mm1_msg_decoded_size(WT_TYPES[i],
                                                  (struct mm1_bytes){buf.data, end - 1}, &registry,
                                                  &size),
                             MM1_TRUNCATED);
                msgpack_unpacked_destroy(&result);
            }
            mm1_buf_close(&buf);
        }
    }
    cr_assert_gt(accepted, 1000);
}
