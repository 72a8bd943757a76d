/* The test header itself: what must pass on both backends. What must fail is in tests/selftest/. */
#include <stdlib.h>
#include <unistd.h>

#include "mm1_test.h"

static int prepared;

static void prepare(void)
{
    prepared = 7;
}

static void check_after(void)
{
    cr_assert_eq(prepared, 8);
}

Test(harness, every_assertion_holds_on_what_is_true)
{
    int a[2] = {1, 2};
    int b[2] = {1, 2};
    int c[2] = {1, 3};
    cr_assert(1 < 2);
    cr_assert(1 < 2, "with %s", "a message");
    cr_assert_not(1 > 2);
    cr_assert_eq(a[0], 1);
    cr_assert_eq(a[0], 1, "index %d", 0);
    cr_assert_neq(a[0], 2);
    cr_assert_lt(1, 2);
    cr_assert_leq(2, 2);
    cr_assert_gt(2, 1);
    cr_assert_geq(2, 2);
    cr_assert_null(NULL);
    cr_assert_not_null(a);
    cr_assert_str_eq("x", "x");
    cr_assert_str_neq("x", "y");
    cr_assert_str_empty("");
    cr_assert_arr_eq(a, b, sizeof(a));
    cr_assert_arr_neq(a, c, sizeof(a));
    cr_expect(1 < 2, "never shown");
    cr_expect_eq(2, 2);
    cr_expect_str_eq("x", "x");
}

Test(harness, fixtures_run_around_the_body, .init = prepare, .fini = check_after)
{
    cr_assert_eq(prepared, 7);
    prepared = 8;
}

Test(harness, an_expected_exit_code_passes, .exit_code = 3)
{
    _exit(3);
}

Test(harness, a_disabled_test_does_not_run, .disabled = true)
{
    cr_assert(0, "ran although disabled");
}

TestSuite(harness_suite, .init = prepare);

Test(harness_suite, takes_the_fixture_of_its_suite)
{
    cr_assert_eq(prepared, 7);
}
