/* Copies in one block, equality, and padding. */
#include <stdlib.h>

#include <mm1/msg.h>

#include "mm1_test.h"
#include "wire_types.h"

Test(copy, random_messages)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 0; seed < 300; seed++) {
            wt_gen_begin(&gen, seed);
            void *msg = wt_gen_message(&gen, WT_TYPES[i]);
            size_t size = mm1_msg_copy_size(WT_TYPES[i], msg);
            void *block = malloc(size);
            memset(block, 0xee, size);
            mm1_msg_copy(WT_TYPES[i], msg, block);
            cr_assert(mm1_msg_equal(WT_TYPES[i], msg, block));
            cr_assert_eq(mm1_msg_copy_size(WT_TYPES[i], block), size);
            /* The copy borrows nothing. */
            uint64_t before = mm1_msg_fingerprint(WT_TYPES[i], block, NULL, NULL);
            memset(gen.arena, 0x11, gen.used);
            cr_assert_eq(mm1_msg_fingerprint(WT_TYPES[i], block, NULL, NULL), before);
            free(block);
        }
    }
    wt_gen_close(&gen);
}

/* Two copies at the same place, over different rubbish: every byte must be written. */
Test(copy, padding_is_zero)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        wt_gen_begin(&gen, 5);
        void *msg = wt_gen_message(&gen, WT_TYPES[i]);
        size_t size = mm1_msg_copy_size(WT_TYPES[i], msg);
        uint8_t *block = malloc(size);
        uint8_t *first = malloc(size);
        memset(block, 0, size);
        mm1_msg_copy(WT_TYPES[i], msg, block);
        memcpy(first, block, size);
        memset(block, 0xff, size);
        mm1_msg_copy(WT_TYPES[i], msg, block);
        cr_assert_arr_eq(first, block, size);
        free(first);
        free(block);
    }
    wt_gen_close(&gen);
    struct wt_small small;
    struct wt_small clean;
    memset(&small, 0xff, sizeof(small));
    memset(&clean, 0, sizeof(clean));
    small.a = clean.a = 1;
    small.b = clean.b = 2;
    struct wt_small copy;
    cr_assert_eq(mm1_msg_copy_size(&wt_small_type, &small), sizeof(small));
    mm1_msg_copy(&wt_small_type, &small, &copy);
    cr_assert_arr_eq(&copy, &clean, sizeof(copy));
}

Test(copy, a_local_message_moves_by_bytes)
{
    struct wt_local local = {.token = 5, .name = MM1_TEXT("here")};
    struct wt_local copy;
    cr_assert_eq(mm1_msg_copy_size(&wt_local_type, &local), sizeof(local));
    mm1_msg_copy(&wt_local_type, &local, &copy);
    cr_assert_eq(copy.name.data, local.name.data);
    cr_assert(mm1_msg_equal(&wt_local_type, &local, &copy));
}

Test(copy, equality_sees_each_field)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        const struct mm1_msg_type *type = WT_TYPES[i];
        wt_gen_begin(&gen, 8);
        uint8_t *msg = wt_gen_message(&gen, type);
        wt_gen_begin(&gen, 8);
        struct wt_gen other_gen;
        wt_gen_init(&other_gen);
        wt_gen_begin(&other_gen, 9);
        uint8_t *other = wt_gen_message(&other_gen, type);
        for (size_t k = 0; k < type->field_count; k++) {
            /* Only this field comes from the other message. */
            const struct mm1_field *field = &type->fields[k];
            size_t end = k + 1 < type->field_count ? type->fields[k + 1].offset : type->size;
            struct mm1_msg_type only = {
                .name = "only", .size = type->size, .fields = field, .field_count = 1};
            uint8_t *mixed = malloc(type->size);
            memcpy(mixed, msg, type->size);
            memcpy(mixed + field->offset, other + field->offset, end - field->offset);
            cr_assert_eq(mm1_msg_equal(type, msg, mixed), mm1_msg_equal(&only, msg, other), "%s.%s",
                         type->name, field->name);
            free(mixed);
        }
        wt_gen_close(&other_gen);
    }
    wt_gen_close(&gen);
}
