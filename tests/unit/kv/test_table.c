/* The table of the key-value store: values, versions and sessions, against a plain array; refused memory. */
#include "base/prng.h"
#include "mm1_test.h"
#include "table.h"
#include "test_alloc.h"

#define KEYS 50u
#define CLIENTS 30u

Test(table, does_what_an_array_does)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct kv_table table = KV_TABLE(&alloc.base);
    uint64_t values[KEYS] = {0};
    uint64_t versions[KEYS] = {0};
    uint64_t numbers[CLIENTS] = {0};
    for (uint64_t i = 0; i < 3000; i++) {
        uint64_t key = mm1_prng_below(mm1_prng_word(1, i, 0, 0), KEYS);
        uint64_t client = mm1_prng_below(mm1_prng_word(2, i, 0, 0), CLIENTS);
        struct kv_entry entry = {.seq = i + 1,
                                 .client = client << 50,
                                 .number = ++numbers[client],
                                 .key = key << 40,
                                 .value = i};
        cr_assert_eq(kv_table_apply(&table, &entry), MM1_OK);
        values[key] = i;
        versions[key]++;
        struct kv_session *session;
        cr_assert_eq(kv_table_session(&table, client << 50, &session), MM1_OK);
        cr_assert_eq(session->client, client << 50);
        cr_assert_eq(session->applied, numbers[client]);
        cr_assert_eq(session->logged, numbers[client]);
        cr_assert_eq(session->version, versions[key]);
        uint64_t other = mm1_prng_below(mm1_prng_word(3, i, 0, 0), KEYS);
        const struct kv_cell *cell = kv_table_cell(&table, other << 40);
        cr_assert_eq(cell != NULL, versions[other] > 0);
        if (cell != NULL) {
            cr_assert_eq(cell->value, values[other]);
            cr_assert_eq(cell->version, versions[other]);
        }
    }
    cr_assert_null(kv_table_cell(&table, 1));
    cr_assert_eq(table.session_count, CLIENTS);
    kv_table_close(&table);
    cr_assert_eq(alloc.live, 0);
}

Test(table, refused_memory_changes_no_value)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct kv_table table = KV_TABLE(&alloc.base);
    unsigned refused = 0;
    for (uint64_t i = 0; i < 100; i++) {
        struct kv_entry entry = {.seq = i + 1, .client = i, .number = 1, .key = i, .value = i + 7};
        for (size_t k = 1;; k++) {
            test_alloc_fail_at(&alloc, k);
            mm1_status status = kv_table_apply(&table, &entry);
            if (status == MM1_OK) {
                break;
            }
            cr_assert_eq(status, MM1_NOMEM);
            cr_assert_null(kv_table_cell(&table, i));
            refused++;
        }
        cr_assert_eq(kv_table_cell(&table, i)->version, 1);
    }
    cr_assert_gt(refused, 4);
    kv_table_close(&table);
    cr_assert_eq(alloc.live, 0);
}
