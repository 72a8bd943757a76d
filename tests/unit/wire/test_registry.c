/* The registry of types: order, conflicts, rules for descriptors, refused memory. */
#include <stdio.h>
#include <stdlib.h>

#include <mm1/msg.h>

#include "mm1_test.h"
#include "test_alloc.h"
#include "wire_types.h"

Test(registry, finds_what_was_added)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&alloc.base);
    cr_assert_null(mm1_msg_lookup(&registry, MM1_TEXT("wt::All")));
    for (unsigned again = 0; again < 2; again++) {
        for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
            cr_assert_eq(mm1_msg_register(&registry, WT_TYPES[i]), MM1_OK);
        }
        cr_assert_eq(registry.count, 8);
    }
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        cr_assert_eq(mm1_msg_lookup(&registry, mm1_text_of(WT_TYPES[i]->name)), WT_TYPES[i]);
    }
    cr_assert_null(mm1_msg_lookup(&registry, MM1_TEXT("wt::Al")));
    cr_assert_null(mm1_msg_lookup(&registry, MM1_TEXT("wt::All2")));
    cr_assert_null(mm1_msg_lookup(&registry, MM1_TEXT("")));
    for (size_t i = 1; i < registry.count; i++) {
        cr_assert_lt(strcmp(registry.types[i - 1]->name, registry.types[i]->name), 0);
    }
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}

Test(registry, adds_the_types_inside)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&alloc.base);
    cr_assert_eq(mm1_msg_register(&registry, &wt_lists_type), MM1_OK);
    cr_assert_eq(registry.count, 4);
    cr_assert_eq(mm1_msg_lookup(&registry, MM1_TEXT("wt::Small")), &wt_small_type);
    cr_assert_eq(mm1_msg_register(&registry, &wt_node_type), MM1_OK);
    cr_assert_eq(mm1_msg_register(&registry, &wt_local_type), MM1_OK);
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}

Test(registry, another_type_of_the_same_name_is_a_conflict)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&alloc.base);
    struct mm1_msg_type twin = wt_small_type;
    cr_assert_eq(mm1_msg_register(&registry, &twin), MM1_OK);
    cr_assert_eq(mm1_msg_register(&registry, &wt_small_type), MM1_CONFLICT);
    cr_assert_eq(mm1_msg_register(&registry, &wt_all_type), MM1_CONFLICT);
    cr_assert_null(mm1_msg_lookup(&registry, MM1_TEXT("wt::All")));
    cr_assert_eq(mm1_msg_lookup(&registry, MM1_TEXT("wt::Small")), &twin);
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}

static void is_invalid(const struct mm1_msg_type *type)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&alloc.base);
    cr_assert_eq(mm1_msg_register(&registry, type), MM1_INVALID);
    cr_assert_eq(registry.count, 0);
    mm1_msg_registry_close(&registry);
}

static void invalid_field(struct mm1_field field)
{
    struct mm1_field fields[2] = {wt_small_type.fields[0], field};
    struct mm1_msg_type type = {
        .name = "bad", .size = sizeof(struct wt_small), .fields = fields, .field_count = 2};
    is_invalid(&type);
}

Test(registry, refuses_descriptors_that_break_a_rule)
{
    struct mm1_msg_type type = wt_small_type;
    type.name = NULL;
    is_invalid(&type);
    type.name = "";
    is_invalid(&type);
    type.name = "\xff";
    is_invalid(&type);
    type = wt_small_type;
    type.flags = MM1_MSG_NEWTYPE;
    is_invalid(&type);
    type.flags = MM1_MSG_UNIT;
    is_invalid(&type);
    type = wt_small_type;
    type.field_count = 0;
    is_invalid(&type);
    type = wt_small_type;
    type.size = 0;
    is_invalid(&type);
    type.size = 4;
    is_invalid(&type);

    struct mm1_field good = wt_small_type.fields[1];
    struct mm1_field field = good;
    field.name = "a";
    invalid_field(field);
    field.name = NULL;
    invalid_field(field);
    field = good;
    field.item_size = 8;
    invalid_field(field);
    field = good;
    field.offset = sizeof(struct wt_small);
    invalid_field(field);
    field = good;
    field.form = MM1_FORM_OPT;
    invalid_field(field);
    field = good;
    field.form = MM1_FORM_LIST;
    invalid_field(field);
    field = good;
    field.sub = &wt_unit_type;
    invalid_field(field);
    field = good;
    field.kind = MM1_KIND_SUB;
    invalid_field(field);
    field.sub = &wt_local_type;
    field.item_size = sizeof(struct wt_local);
    invalid_field(field);
    field = good;
    field.kind = (enum mm1_kind)99;
    invalid_field(field);
}

Test(registry, each_refused_request_leaves_it_whole)
{
    enum { MANY = 40 };
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&alloc.base);
    struct mm1_msg_type types[MANY];
    char names[MANY][16];
    unsigned refused = 0;
    for (unsigned i = 0; i < MANY; i++) {
        (void)snprintf(names[i], sizeof(names[i]), "t%u", i * 7 % MANY);
        types[i] = wt_newtype_type;
        types[i].name = names[i];
        test_alloc_fail_at(&alloc, 1);
        mm1_status status = mm1_msg_register(&registry, &types[i]);
        if (status == MM1_NOMEM) {
            refused++;
            cr_assert_null(mm1_msg_lookup(&registry, mm1_text_of(names[i])));
            status = mm1_msg_register(&registry, &types[i]);
        }
        cr_assert_eq(status, MM1_OK);
        for (unsigned k = 0; k <= i; k++) {
            cr_assert_eq(mm1_msg_lookup(&registry, mm1_text_of(names[k])), &types[k]);
        }
    }
    cr_assert_eq(refused, 3);
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}
