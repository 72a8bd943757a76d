/* The one test header: Criterion, or with MM1_TEST_INPROC a small backend of ours for the same subset.
 *
 * Criterion maps memory where ThreadSanitizer keeps its own, so the tsan build cannot use it. Both backends know:
 * Test(suite, name, .init, .fini, .signal, .exit_code, .disabled), TestSuite(suite, ...), cr_assert and cr_expect,
 * each also with _eq _neq _lt _leq _gt _geq _null _not_null _str_eq _str_neq _str_empty _arr_eq _arr_neq, all with an
 * optional printf message. Use nothing else. A loop over seeds belongs inside one Test: each Test costs a process. */
#ifndef MM1_TEST_H
#define MM1_TEST_H

#ifndef MM1_TEST_INPROC

#include <criterion/criterion.h>

#else

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* What stands behind the options of Test() and TestSuite(). */
struct mm1_test_options {
    void (*init)(void);
    void (*fini)(void);
    int signal;
    int exit_code;
    bool disabled;
    double timeout; /* ignored: CTest holds the clock */
    const char *description;
    int end; /* set by the macros, so that an empty list of options is one */
};

struct mm1_test {
    const char *suite;
    const char *name; /* null for the options of a suite */
    void (*run)(void);
    const struct mm1_test_options *options;
    struct mm1_test *next;
};

/* Called by constructors before main. */
void mm1_test_register(struct mm1_test *test);

/* Reports a failed assertion; does not return when `fatal`. `format` may be empty. */
void mm1_test_failed(bool fatal, const char *file, int line, const char *expression,
                     const char *format, ...);

#define MM1_TEST_ENTRY(id, suite_, name_, run_, ...)                                               \
    static const struct mm1_test_options id##_options = {__VA_ARGS__};                             \
    static struct mm1_test id##_entry = {suite_, name_, run_, &id##_options, NULL};                \
    __attribute__((constructor)) static void id##_register(void)                                   \
    {                                                                                              \
        mm1_test_register(&id##_entry);                                                            \
    }

#define Test(...) MM1_TEST_DEFINE(__VA_ARGS__, .end = 0)
#define MM1_TEST_DEFINE(suite_, name_, ...)                                                        \
    static void suite_##_##name_##_impl(void);                                                     \
    MM1_TEST_ENTRY(suite_##_##name_, #suite_, #name_, suite_##_##name_##_impl, __VA_ARGS__)        \
    static void suite_##_##name_##_impl(void)

#define TestSuite(...) MM1_TEST_SUITE_DEFINE(__VA_ARGS__, .end = 0)
#define MM1_TEST_SUITE_DEFINE(suite_, ...)                                                         \
    MM1_TEST_ENTRY(suite_##_suite, #suite_, NULL, NULL, __VA_ARGS__)                               \
    struct mm1_test

/* The trailing "" is the message when none is given, and a spare argument that printf ignores when one is. */
#define MM1_TEST_TRUE(fatal, ...) MM1_TEST_TRUE_(fatal, __VA_ARGS__, "")
#define MM1_TEST_TRUE_(fatal, cond, ...)                                                           \
    ((cond) ? (void)0 : mm1_test_failed(fatal, __FILE__, __LINE__, #cond, __VA_ARGS__))
#define MM1_TEST_FALSE(fatal, ...) MM1_TEST_FALSE_(fatal, __VA_ARGS__, "")
#define MM1_TEST_FALSE_(fatal, cond, ...)                                                          \
    (!(cond) ? (void)0 : mm1_test_failed(fatal, __FILE__, __LINE__, "not: " #cond, __VA_ARGS__))
#define MM1_TEST_OP(fatal, op, ...) MM1_TEST_OP_(fatal, op, __VA_ARGS__, "")
#define MM1_TEST_OP_(fatal, op, a, b, ...)                                                         \
    (((a)op(b)) ? (void)0                                                                          \
                : mm1_test_failed(fatal, __FILE__, __LINE__, #a " " #op " " #b, __VA_ARGS__))
#define MM1_TEST_STR(fatal, op, ...) MM1_TEST_STR_(fatal, op, __VA_ARGS__, "")
#define MM1_TEST_STR_(fatal, op, a, b, ...)                                                        \
    ((strcmp((a), (b)) op 0) ? (void)0                                                             \
                             : mm1_test_failed(fatal, __FILE__, __LINE__,                          \
                                               #a " " #op " " #b " as strings", __VA_ARGS__))
#define MM1_TEST_ARR(fatal, op, ...) MM1_TEST_ARR_(fatal, op, __VA_ARGS__, "")
#define MM1_TEST_ARR_(fatal, op, a, b, size, ...)                                                  \
    ((memcmp((a), (b), (size)) op 0)                                                               \
         ? (void)0                                                                                 \
         : mm1_test_failed(fatal, __FILE__, __LINE__, #a " " #op " " #b " as arrays",              \
                           __VA_ARGS__))
#define MM1_TEST_NULL(fatal, op, ...) MM1_TEST_NULL_(fatal, op, __VA_ARGS__, "")
#define MM1_TEST_NULL_(fatal, op, a, ...)                                                          \
    (((const void *)(a)op NULL)                                                                    \
         ? (void)0                                                                                 \
         : mm1_test_failed(fatal, __FILE__, __LINE__, #a " " #op " NULL", __VA_ARGS__))
#define MM1_TEST_EMPTY(fatal, ...) MM1_TEST_EMPTY_(fatal, __VA_ARGS__, "")
#define MM1_TEST_EMPTY_(fatal, a, ...)                                                             \
    (((a)[0] == '\0') ? (void)0                                                                    \
                      : mm1_test_failed(fatal, __FILE__, __LINE__, #a " is empty", __VA_ARGS__))

#define cr_assert(...) MM1_TEST_TRUE(true, __VA_ARGS__)
#define cr_assert_not(...) MM1_TEST_FALSE(true, __VA_ARGS__)
#define cr_assert_eq(...) MM1_TEST_OP(true, ==, __VA_ARGS__)
#define cr_assert_neq(...) MM1_TEST_OP(true, !=, __VA_ARGS__)
#define cr_assert_lt(...) MM1_TEST_OP(true, <, __VA_ARGS__)
#define cr_assert_leq(...) MM1_TEST_OP(true, <=, __VA_ARGS__)
#define cr_assert_gt(...) MM1_TEST_OP(true, >, __VA_ARGS__)
#define cr_assert_geq(...) MM1_TEST_OP(true, >=, __VA_ARGS__)
#define cr_assert_null(...) MM1_TEST_NULL(true, ==, __VA_ARGS__)
#define cr_assert_not_null(...) MM1_TEST_NULL(true, !=, __VA_ARGS__)
#define cr_assert_str_eq(...) MM1_TEST_STR(true, ==, __VA_ARGS__)
#define cr_assert_str_neq(...) MM1_TEST_STR(true, !=, __VA_ARGS__)
#define cr_assert_str_empty(...) MM1_TEST_EMPTY(true, __VA_ARGS__)
#define cr_assert_arr_eq(...) MM1_TEST_ARR(true, ==, __VA_ARGS__)
#define cr_assert_arr_neq(...) MM1_TEST_ARR(true, !=, __VA_ARGS__)

#define cr_expect(...) MM1_TEST_TRUE(false, __VA_ARGS__)
#define cr_expect_not(...) MM1_TEST_FALSE(false, __VA_ARGS__)
#define cr_expect_eq(...) MM1_TEST_OP(false, ==, __VA_ARGS__)
#define cr_expect_neq(...) MM1_TEST_OP(false, !=, __VA_ARGS__)
#define cr_expect_lt(...) MM1_TEST_OP(false, <, __VA_ARGS__)
#define cr_expect_leq(...) MM1_TEST_OP(false, <=, __VA_ARGS__)
#define cr_expect_gt(...) MM1_TEST_OP(false, >, __VA_ARGS__)
#define cr_expect_geq(...) MM1_TEST_OP(false, >=, __VA_ARGS__)
#define cr_expect_null(...) MM1_TEST_NULL(false, ==, __VA_ARGS__)
#define cr_expect_not_null(...) MM1_TEST_NULL(false, !=, __VA_ARGS__)
#define cr_expect_str_eq(...) MM1_TEST_STR(false, ==, __VA_ARGS__)
#define cr_expect_str_neq(...) MM1_TEST_STR(false, !=, __VA_ARGS__)
#define cr_expect_str_empty(...) MM1_TEST_EMPTY(false, __VA_ARGS__)
#define cr_expect_arr_eq(...) MM1_TEST_ARR(false, ==, __VA_ARGS__)
#define cr_expect_arr_neq(...) MM1_TEST_ARR(false, !=, __VA_ARGS__)

#endif
#endif
