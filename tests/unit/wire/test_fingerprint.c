/* Fingerprints: what they see, what they leave out, and that they stay as they are. */
#include <mm1/msg.h>

#include "mm1_test.h"
#include "wire_types.h"

static uint64_t print_of(const struct mm1_msg_type *type, const void *msg)
{
    return mm1_msg_fingerprint(type, msg, NULL, NULL);
}

static uint64_t by_table(void *arg, mm1_addr addr)
{
    const uint64_t *table = arg;
    return table[addr.bits];
}

Test(fingerprint, leaves_ids_and_addresses_out)
{
    struct wt_all a = {.u64_ = 1, .id_ = 5, .addr_ = {1}, .net_ = {{2}, 8}};
    struct wt_all b = {.u64_ = 1, .id_ = 6, .addr_ = {3}, .net_ = {{0}, 8}};
    cr_assert_eq(print_of(&wt_all_type, &a), print_of(&wt_all_type, &b));
    b.u64_ = 2;
    cr_assert_neq(print_of(&wt_all_type, &a), print_of(&wt_all_type, &b));
    b.u64_ = 1;
    b.net_.mask = 9;
    cr_assert_neq(print_of(&wt_all_type, &a), print_of(&wt_all_type, &b));
    struct wt_opts some = {.id_ = {true, 4}};
    struct wt_opts other = {.id_ = {true, 5}};
    struct wt_opts none = {.id_ = {false, 0}};
    cr_assert_eq(print_of(&wt_opts_type, &some), print_of(&wt_opts_type, &other));
    cr_assert_neq(print_of(&wt_opts_type, &some), print_of(&wt_opts_type, &none));
}

Test(fingerprint, sees_addresses_by_what_is_behind_them)
{
    uint64_t table[] = {100, 200, 100};
    struct wt_all a = {.addr_ = {0}, .net_ = {{1}, 8}};
    struct wt_all b = {.addr_ = {2}, .net_ = {{1}, 8}};
    struct wt_all c = {.addr_ = {1}, .net_ = {{1}, 8}};
    uint64_t print = mm1_msg_fingerprint(&wt_all_type, &a, by_table, table);
    cr_assert_eq(mm1_msg_fingerprint(&wt_all_type, &b, by_table, table), print);
    cr_assert_neq(mm1_msg_fingerprint(&wt_all_type, &c, by_table, table), print);
}

Test(fingerprint, sees_where_a_value_ends)
{
    struct mm1_text left[] = {MM1_TEXT("ab"), MM1_TEXT("c")};
    struct mm1_text right[] = {MM1_TEXT("a"), MM1_TEXT("bc")};
    struct wt_lists a = {.text_ = {left, 2}};
    struct wt_lists b = {.text_ = {right, 2}};
    cr_assert_neq(print_of(&wt_lists_type, &a), print_of(&wt_lists_type, &b));
    uint8_t bytes[] = {0, 0};
    struct wt_lists c = {.u8_ = {bytes, 1}};
    struct wt_lists d = {.u8_ = {bytes, 2}};
    cr_assert_neq(print_of(&wt_lists_type, &c), print_of(&wt_lists_type, &d));
    /* The type counts as well: both are [0, 0, …]. */
    cr_assert_neq(print_of(&wt_unit_type, &(struct wt_unit){0}),
                  print_of(&wt_newtype_type, &(struct wt_newtype){0}));
    struct wt_small small = {0};
    struct wt_unit unit = {0};
    struct wt_all e = {.any_ = {&wt_small_type, &small}};
    struct wt_all f = {.any_ = {&wt_unit_type, &unit}};
    cr_assert_neq(print_of(&wt_all_type, &e), print_of(&wt_all_type, &f));
}

Test(fingerprint, a_local_message_counts_by_name_and_size)
{
    struct wt_local a = {.token = 1};
    struct wt_local b = {.token = 2};
    cr_assert_eq(print_of(&wt_local_type, &a), print_of(&wt_local_type, &b));
}

/* Recorded decisions hold fingerprints: these numbers change only with the version of the generator. */
Test(fingerprint, stays_what_it_is)
{
    struct wt_three three = {.a = 1, .b = 2, .c = 3};
    struct wt_small small = {.a = 1, .b = 2};
    uint64_t numbers[100];
    for (uint64_t i = 0; i < 100; i++) {
        numbers[i] = i * i;
    }
    struct wt_lists lists = {.u64_ = {numbers, 100}};
    struct wt_all all = {.i32_ = -1,
                         .f64_ = 0.5,
                         .text_ = MM1_TEXT("text"),
                         .duration_ = 3,
                         .any_ = {&wt_small_type, &small}};
    cr_expect_eq(print_of(&wt_three_type, &three), 0x727913ee7fd2793eu);
    cr_expect_eq(print_of(&wt_unit_type, &(struct wt_unit){0}), 0xc5e620916f24af2cu);
    cr_expect_eq(print_of(&wt_lists_type, &lists), 0x64b01a2ffbfb4715u);
    cr_expect_eq(print_of(&wt_all_type, &all), 0x156e986ae34d4f37u);
}
