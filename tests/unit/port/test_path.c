/* Paths: their text, their hash, their references. */
#include <mm1/trace.h>

#include "mm1_test.h"
#include "test_alloc.h"

static struct test_alloc alloc;

static struct mm1_path *make(struct mm1_path *parent, const char *name, bool named,
                             uint32_t ordinal)
{
    struct mm1_path *path = mm1_path_new(&alloc.base, parent, mm1_text_of(name), named, ordinal);
    cr_assert_not_null(path);
    return path;
}

static void expect_text(const struct mm1_path *path, const char *expected)
{
    char text[MM1_PATH_TEXT_MAX];
    memset(text, '?', sizeof(text));
    size_t size = mm1_path_print(path, text);
    cr_assert_eq(size, strlen(expected));
    cr_assert_str_eq(text, expected);
}

Test(path, text)
{
    test_alloc_init(&alloc);
    struct mm1_path *root = make(NULL, "a", true, 1);
    struct mm1_path *again = make(NULL, "a", true, 2);
    struct mm1_path *named = make(root, "sup", true, 3);
    struct mm1_path *unnamed = make(named, "worker", false, 12);
    expect_text(NULL, "-");
    expect_text(root, "/a");
    expect_text(again, "/a#2");
    expect_text(named, "/a/sup#3");
    expect_text(unnamed, "/a/sup#3/worker.12");
    mm1_path_drop(root);
    mm1_path_drop(named); /* held by its child */
    expect_text(unnamed, "/a/sup#3/worker.12");
    mm1_path_drop(unnamed);
    mm1_path_drop(again);
    mm1_path_drop(NULL);
    cr_assert_eq(alloc.live, 0);
}

/* Each part counts, and the same path has the same hash wherever it lies. */
Test(path, hash)
{
    test_alloc_init(&alloc);
    struct mm1_path *root = make(NULL, "a", true, 1);
    struct mm1_path *twin = make(NULL, "a", true, 1);
    struct mm1_path *all[] = {
        make(root, "w", true, 1),  make(root, "w", true, 2), make(root, "w", false, 1),
        make(root, "v", true, 1),  make(NULL, "w", true, 1), make(NULL, "aw", true, 1),
        make(root, "w1", true, 1),
    };
    struct mm1_path *same = make(twin, "w", true, 1);
    enum { COUNT = sizeof(all) / sizeof(all[0]) };
    cr_assert_eq(root->hash, twin->hash);
    cr_assert_eq(same->hash, all[0]->hash);
    for (unsigned i = 0; i < COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            cr_assert_neq(all[i]->hash, all[j]->hash, "%u %u", i, j);
        }
    }
    for (unsigned i = 0; i < COUNT; i++) {
        mm1_path_drop(all[i]);
    }
    mm1_path_drop(same);
    mm1_path_drop(root);
    mm1_path_drop(twin);
    cr_assert_eq(alloc.live, 0);
}

/* Names are cut at 255 bytes; deep paths lose their beginning, and the text always fits. */
Test(path, long_ones)
{
    char name[300];
    char text[MM1_PATH_TEXT_MAX];
    test_alloc_init(&alloc);
    memset(name, 'n', sizeof(name));
    struct mm1_path *wide =
        mm1_path_new(&alloc.base, NULL, (struct mm1_text){.data = name, .size = 300}, true, 1);
    cr_assert_eq(wide->name_size, 255);
    cr_assert_eq(mm1_path_print(wide, text), 256);
    mm1_path_drop(wide);
    struct mm1_path *path = make(NULL, "root", true, 1);
    for (uint32_t depth = 1; depth <= 300; depth++) {
        struct mm1_path *child = make(path, "child", true, depth);
        mm1_path_drop(path);
        path = child;
        size_t size = mm1_path_print(path, text);
        cr_assert_lt(size, MM1_PATH_TEXT_MAX);
        cr_assert_eq(text[size], '\0');
        cr_assert_eq(size, strlen(text));
        cr_assert(strncmp(text, "/root", 5) == 0 || strncmp(text, ".../", 4) == 0, "%s", text);
    }
    cr_assert_str_eq(text + strlen(text) - 10, "/child#300");
    mm1_path_drop(path); /* no deep recursion */
    cr_assert_eq(alloc.live, 0);
}

Test(path, no_memory)
{
    test_alloc_init(&alloc);
    struct mm1_path *root = make(NULL, "a", true, 1);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_null(mm1_path_new(&alloc.base, root, MM1_TEXT("b"), true, 1));
    cr_assert_eq(root->references, 1);
    mm1_path_drop(root);
    cr_assert_eq(alloc.live, 0);
}
