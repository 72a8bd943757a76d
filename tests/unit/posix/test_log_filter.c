/* The filter of log targets: levels, statements, and which target each statement reaches. */
#include "mm1_test.h"
#include "posix/alloc.h"
#include "posix/log_filter.h"

enum { ERROR = MM1_LOG_ERROR, WARN = MM1_LOG_WARN, INFO = MM1_LOG_INFO, DEBUG = MM1_LOG_DEBUG };
#define TRACE MM1__LOG_TRACE

static struct mm1__log_filter filter;

static void open_filter(const struct mm1_text *statements, size_t count)
{
    size_t bad = 0;
    cr_assert_eq(mm1__log_filter_open(&filter, mm1__posix_alloc(), statements, count, &bad),
                 MM1_OK);
}

#define OPEN(...)                                                                                  \
    open_filter((const struct mm1_text[]){__VA_ARGS__},                                            \
                MM1_COUNT_OF(((const struct mm1_text[]){__VA_ARGS__})))

/* That a target passes up to `level` and no further. */
static void expect_level(const char *target, unsigned level)
{
    for (unsigned i = ERROR; i <= TRACE; i++) {
        cr_expect_eq(mm1__log_filter_allows(&filter, mm1_text_of(target), i), i <= level,
                     "%s at %s", target, mm1__log_level_text(i));
    }
}

Test(log_filter, empty_filter_allows_all)
{
    open_filter(NULL, 0);
    expect_level("", TRACE);
    expect_level("a::b::c", TRACE);
    cr_expect(mm1__log_filter_allows_path(&filter, NULL, TRACE));
    mm1__log_filter_close(&filter);
    filter = (struct mm1__log_filter){0};
    expect_level("a", TRACE);
}

Test(log_filter, statement_reaches_what_is_below)
{
    OPEN(MM1_TEXT("a::b=debug"), MM1_TEXT("a::b::c=error"));
    expect_level("a", TRACE); /* nothing fits */
    expect_level("b", TRACE);
    expect_level("a::b", DEBUG);
    expect_level("a::b::x", DEBUG);
    expect_level("a::b::x::c", DEBUG);
    expect_level("a::bb", TRACE); /* whole names only */
    expect_level("a::b::c", ERROR);
    expect_level("a::b::c::d", ERROR);
    mm1__log_filter_close(&filter);
}

Test(log_filter, more_specific_statement_wins_in_any_order)
{
    OPEN(MM1_TEXT("a::b::c=trace"), MM1_TEXT("a=warn"), MM1_TEXT("z=info"), MM1_TEXT("z=error"));
    expect_level("a", WARN);
    expect_level("a::b", WARN);
    expect_level("a::b::c::d", TRACE);
    expect_level("a::c", WARN);
    expect_level("z", ERROR); /* the later one */
    mm1__log_filter_close(&filter);
}

Test(log_filter, star_stands_for_one_other_name)
{
    OPEN(MM1_TEXT("*=error"), MM1_TEXT("a::*::c=info"), MM1_TEXT("a::b=debug"),
         MM1_TEXT("*::x=trace"));
    expect_level("q", ERROR);
    expect_level("q::r", ERROR);
    expect_level("q::x", TRACE);
    expect_level("q::x::y", TRACE);
    expect_level("q::r::x", ERROR); /* one name, no more */
    expect_level("a", TRACE);       /* its own name comes first, and says nothing */
    expect_level("a::x", TRACE);    /* and there is no way back to the star */
    expect_level("a::q::c", INFO);
    expect_level("a::q::d", TRACE);
    expect_level("a::b", DEBUG);
    expect_level("a::b::c", DEBUG); /* "a::*::c" is not for b */
    mm1__log_filter_close(&filter);
}

Test(log_filter, reads_paths)
{
    struct mm1_alloc *alloc = mm1__posix_alloc();
    struct mm1_path *path[70];
    path[0] = mm1_path_new(alloc, NULL, MM1_TEXT("node"), true, 1);
    path[1] = mm1_path_new(alloc, path[0], MM1_TEXT("kv"), true, 1);
    path[2] = mm1_path_new(alloc, path[1], MM1_TEXT("replica::inner"), true, 3);
    for (size_t i = 3; i < MM1_COUNT_OF(path); i++) {
        path[i] = mm1_path_new(alloc, path[i - 1], MM1_TEXT("deep"), false, 1);
    }
    OPEN(MM1_TEXT("kv::replica=warn"), MM1_TEXT("kv::replica::inner::deep=error"),
         MM1_TEXT("node=error"));
    cr_expect(mm1__log_filter_allows_path(&filter, path[0], TRACE), "the node is no part of it");
    cr_expect(mm1__log_filter_allows_path(&filter, path[1], TRACE));
    cr_expect(mm1__log_filter_allows_path(&filter, path[2], WARN));
    cr_expect_not(mm1__log_filter_allows_path(&filter, path[2], INFO));
    cr_expect_not(mm1__log_filter_allows_path(&filter, path[69], WARN), "also far down");
    cr_expect(mm1__log_filter_allows_path(&filter, path[69], ERROR));
    mm1__log_filter_close(&filter);
    for (size_t i = MM1_COUNT_OF(path); i > 0; i--) {
        mm1_path_drop(path[i - 1]);
    }
}

/* --- statements ----------------------------------------------------------------------------------------------- */

Test(log_filter, statement_survives_print_and_parse)
{
    static const char *const texts[] = {"a=ERROR", "a::b=WARN", "a::b::c=INFO", "*::x-y_z=DEBUG",
                                        "a=b=TRACE"};
    for (size_t i = 0; i < MM1_COUNT_OF(texts); i++) {
        struct mm1__log_statement statement;
        struct mm1_buf buf = MM1_BUF(mm1__posix_alloc());
        cr_assert_eq(mm1__log_statement_parse(mm1_text_of(texts[i]), &statement), MM1_OK);
        cr_expect_eq(statement.level, i);
        cr_assert_eq(mm1__log_statement_print(&statement, &buf), MM1_OK);
        cr_expect(mm1_text_equal(mm1_buf_text(&buf), mm1_text_of(texts[i])), "%s", texts[i]);
        mm1_buf_close(&buf);
    }
}

Test(log_filter, statement_is_read_strictly)
{
    static const struct {
        const char *text;
        mm1_status status;
    } cases[] = {
        {"a::b=DeBuG", MM1_OK},   {"", MM1_MALFORMED},         {"a::b", MM1_MALFORMED},
        {"=info", MM1_MALFORMED}, {"a::=info", MM1_MALFORMED}, {"::a=info", MM1_MALFORMED},
        {"a=", MM1_NOT_FOUND},    {"a=loud", MM1_NOT_FOUND},   {"a=info ", MM1_NOT_FOUND},
        {"a=inf", MM1_NOT_FOUND}, {"a=4", MM1_NOT_FOUND},
    };
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        struct mm1__log_statement statement;
        cr_expect_eq(mm1__log_statement_parse(mm1_text_of(cases[i].text), &statement),
                     cases[i].status, "%s", cases[i].text);
    }
    size_t bad = 0;
    const struct mm1_text statements[] = {MM1_TEXT("a=info"), MM1_TEXT("b=loud")};
    cr_expect_eq(mm1__log_filter_open(&filter, mm1__posix_alloc(), statements, 2, &bad),
                 MM1_NOT_FOUND);
    cr_expect_eq(bad, 1);
}

Test(log_filter, levels_have_names)
{
    static const char *const texts[] = {"error", "warn", "info", "debug", "trace"};
    for (unsigned level = ERROR; level <= TRACE; level++) {
        unsigned read = 99;
        cr_expect_str_eq(mm1__log_level_text(level), texts[level]);
        cr_expect(mm1__log_level_parse(mm1_text_of(texts[level]), &read));
        cr_expect_eq(read, level);
    }
    unsigned read = 99;
    cr_expect_not(mm1__log_level_parse(MM1_TEXT(""), &read));
    cr_expect_not(mm1__log_level_parse(MM1_TEXT("errors"), &read));
    cr_expect_eq(read, 99);
}
