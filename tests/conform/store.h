/* The conformance suite of the store port: MM1_CONFORM_STORE(suite, make) stamps it; `make` answers a world whose store
 * is attached to its sink. MM1_CONFORM_STORE_CRASH(suite, make) needs the slot store_crash as well. */
#ifndef MM1_CONFORM_STORE_H
#define MM1_CONFORM_STORE_H

#include <stdlib.h>
#include <string.h>

#include "store_steps.h"

/* --- the tests ------------------------------------------------------------------------------------------------ */

static void conform_store_appends(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "a", 0);
    conform_log_append(w, log, 1, "hello", 5);
    conform_log_expect_done(w, log, 1, 5);
    conform_log_append(w, log, 2, "", 0);
    conform_log_expect_done(w, log, 2, 5);
    conform_log_append(w, log, 3, " world", 6);
    conform_log_expect_done(w, log, 3, 11);
    conform_log_sync(w, log, 4);
    conform_log_expect_done(w, log, 4, 11);
    conform_log_expect(w, log, 0, 11, "hello world", 11);
    conform_log_expect(w, log, 4, 3, "o w", 3);
    conform_log_expect(w, log, 6, 1000, "world", 5);
    conform_log_expect(w, log, 11, 1, NULL, 0);
    conform_log_expect(w, log, 12345, 10, NULL, 0);
    conform_log_expect(w, log, 0, 0, NULL, 0);
}

static void conform_store_answers_in_order(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "order", 0);
    for (uint64_t op = 1; op <= 100; op++) {
        if (op % 10 == 0) {
            conform_log_sync(w, log, op);
        } else {
            uint8_t byte = (uint8_t)op;
            conform_log_append(w, log, op, &byte, 1);
        }
    }
    conform_log_truncate(w, log, 101, 45);
    for (uint64_t op = 1; op <= 100; op++) {
        conform_log_expect_done(w, log, op, op - op / 10);
    }
    conform_log_expect_done(w, log, 101, 45);
}

static void conform_store_truncates(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "t", 0);
    conform_log_append(w, log, 1, "0123456789", 10);
    conform_log_expect_done(w, log, 1, 10);
    conform_log_truncate(w, log, 2, 11);
    conform_log_expect_failed(w, log, 2, MM1_INVALID);
    conform_log_truncate(w, log, 3, 10);
    conform_log_expect_done(w, log, 3, 10);
    conform_log_truncate(w, log, 4, 4);
    conform_log_expect_done(w, log, 4, 4);
    conform_log_append(w, log, 5, "ab", 2);
    conform_log_expect_done(w, log, 5, 6);
    conform_log_expect(w, log, 0, 100, "0123ab", 6);
    conform_log_truncate(w, log, 6, 0);
    conform_log_expect_done(w, log, 6, 0);
    conform_log_expect(w, log, 0, 100, NULL, 0);
}

static void conform_store_names(struct conform_world *w)
{
    const char *const bad[] = {
        "",         ".",
        "..",       ".hidden",
        "a/b",      "/etc/passwd",
        "a b",      "a\n",
        "\xc3\xa4", "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < MM1_COUNT_OF(bad); i++) {
        conform_log_expect_failed(w, conform_log_begin(w, bad[i]), 0, MM1_INVALID);
    }
    const char *const good[] = {"a", "A.b_c-9", "a..", "-",
                                "0123456789012345678901234567890123456789012345678901234567890123"};
    for (size_t i = 0; i < MM1_COUNT_OF(good); i++) {
        (void)conform_log_open(w, good[i], 0);
    }
}

static void conform_store_one_opener(struct conform_world *w)
{
    mm1_handle first = conform_log_open(w, "one", 0);
    mm1_handle second = conform_log_begin(w, "one");
    /* Asked before the failure is known: nothing comes of it. */
    conform_log_append(w, second, 5, "x", 1);
    conform_log_expect_failed(w, second, 0, MM1_IN_USE);
    conform_log_append(w, second, 6, "x", 1);
    conform_log_sync(w, second, 7);
    conform_log_append(w, first, 1, "mine", 4);
    conform_log_expect_done(w, first, 1, 4);
    cr_assert_eq(conform_count(&w->sink, second, NULL), 1, "the handle is gone");
    conform_log_close(w, first);
    mm1_handle third = conform_log_open(w, "one", 4);
    conform_log_expect(w, third, 0, 10, "mine", 4);
}

static void conform_store_close_is_silent(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "silent", 0);
    mm1_handle other = conform_log_open(w, "other", 0);
    unsigned before = conform_count(&w->sink, log, NULL);
    conform_log_close(w, log);
    conform_log_append(w, log, 1, "x", 1);
    conform_log_sync(w, log, 2);
    w->env.store->ops->close(w->env.store, log);
    conform_log_append(w, other, 1, "y", 1);
    conform_log_expect_done(w, other, 1, 1);
    cr_assert_eq(conform_count(&w->sink, log, NULL), before);
    cr_assert_eq(w->sink.late, 0);
}

static void conform_store_close_carries_out(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "begun", 0);
    for (uint64_t op = 1; op <= 50; op++) {
        conform_log_append(w, log, op, "ab", 2);
    }
    conform_log_close(w, log);
    (void)conform_log_open(w, "begun", 100);
}

static void conform_store_logs_are_apart(struct conform_world *w)
{
    mm1_handle logs[4];
    const char *const names[] = {"p", "q", "r", "s"};
    for (unsigned i = 0; i < 4; i++) {
        logs[i] = conform_log_open(w, names[i], 0);
    }
    for (uint64_t op = 1; op <= 20; op++) {
        for (unsigned i = 0; i < 4; i++) {
            conform_log_append(w, logs[i], op, names[i], 1);
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        char expected[20];
        memset(expected, names[i][0], sizeof(expected));
        for (uint64_t op = 1; op <= 20; op++) {
            conform_log_expect_done(w, logs[i], op, op);
        }
        conform_log_expect(w, logs[i], 0, 100, expected, 20);
    }
}

static void conform_store_large(struct conform_world *w)
{
    const size_t size = 3u << 20;
    uint8_t *data = malloc(size);
    cr_assert_not_null(data);
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(i * 31 + (i >> 9));
    }
    mm1_handle log = conform_log_open(w, "large", 0);
    conform_log_append(w, log, 1, "x", 1);
    conform_log_append(w, log, 2, data, size);
    conform_log_expect_done(w, log, 1, 1);
    conform_log_expect_done(w, log, 2, size + 1);
    conform_log_expect(w, log, 1, SIZE_MAX, data, size);
    conform_log_expect(w, log, 1001, 5000, data + 1000, 5000);
    free(data);
}

static void conform_store_restarts(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "kept", 0);
    mm1_handle gone = conform_log_open(w, "cut", 0);
    conform_log_append(w, log, 1, "one", 3);
    conform_log_append(w, gone, 1, "longer", 6);
    conform_log_truncate(w, gone, 2, 2);
    conform_log_sync(w, log, 2);
    conform_log_sync(w, gone, 3);
    conform_log_expect_done(w, log, 1, 3);
    conform_log_expect_done(w, log, 2, 3);
    conform_log_expect_done(w, gone, 1, 6);
    conform_log_expect_done(w, gone, 2, 2);
    conform_log_expect_done(w, gone, 3, 2);
    w->ops->store_restart(w);
    conform_log_expect(w, conform_log_open(w, "kept", 3), 0, 10, "one", 3);
    conform_log_expect(w, conform_log_open(w, "cut", 2), 0, 10, "lo", 2);
    (void)conform_log_open(w, "new", 0);
}

/* --- with power that can be cut ------------------------------------------------------------------------------- */

MM1_UNUSED static void conform_store_crash_keeps_synced(struct conform_world *w)
{
    char text[400];
    for (unsigned i = 0; i < sizeof(text); i++) {
        text[i] = (char)('a' + i % 26);
    }
    uint64_t size = 0;
    uint64_t op = 0;
    for (unsigned round = 1; round <= 8; round++) {
        mm1_handle log = conform_log_open(w, "wal", size);
        for (unsigned i = 0; i < 5; i++, size += 7) {
            conform_log_append(w, log, ++op, text + size, 7);
            conform_log_expect_done(w, log, op, size + 7);
        }
        conform_log_sync(w, log, ++op);
        conform_log_expect_done(w, log, op, size);
        conform_log_append(w, log, ++op, "unsynced bytes", 14);
        conform_log_expect_done(w, log, op, size + 14);
        w->ops->store_crash(w);
        log = conform_log_begin(w, "wal");
        const struct mm1_log_opened *opened = CONFORM_AWAIT(w, log, mm1_log_opened);
        cr_assert_not_null(opened);
        cr_assert(opened->size >= size && opened->size <= size + 14);
        conform_log_expect(w, log, 0, (size_t)size, text, (size_t)size);
        conform_log_truncate(w, log, ++op, size);
        conform_log_expect_done(w, log, op, size);
        conform_log_close(w, log);
    }
}

MM1_UNUSED static void conform_store_crash_ends_handles(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "h", 0);
    w->ops->store_crash(w);
    unsigned before = conform_count(&w->sink, log, NULL);
    conform_log_append(w, log, 1, "x", 1);
    mm1_handle other = conform_log_open(w, "i", 0);
    conform_log_append(w, other, 1, "y", 1);
    conform_log_expect_done(w, other, 1, 1);
    cr_assert_eq(conform_count(&w->sink, log, NULL), before);
}

/* Bytes that the reader has no memory for: it is told so, and may try again. */
MM1_UNUSED static void conform_store_refused_read(struct conform_world *w)
{
    mm1_handle log = conform_log_open(w, "hungry", 0);
    conform_log_append(w, log, 1, "hello", 5);
    conform_log_expect_done(w, log, 1, 5);
    conform_refuse(&w->sink, 1, 0);
    conform_log_read(w, log, 2, 0, 10);
    conform_log_expect_failed(w, log, 2, MM1_NOMEM);
    conform_log_expect(w, log, 0, 10, "hello", 5);
    cr_assert_eq(conform_count(&w->sink, log, NULL), 4);
}

/* --- the stamps ----------------------------------------------------------------------------------------------- */

#define CONFORM_STORE_CASE(suite, make, name)                                                      \
    Test(suite, name)                                                                              \
    {                                                                                              \
        struct conform_world *world = make();                                                      \
        conform_store_##name(world);                                                               \
        world->ops->free(world);                                                                   \
    }

#define MM1_CONFORM_STORE(suite, make)                                                             \
    CONFORM_STORE_CASE(suite, make, appends)                                                       \
    CONFORM_STORE_CASE(suite, make, answers_in_order)                                              \
    CONFORM_STORE_CASE(suite, make, truncates)                                                     \
    CONFORM_STORE_CASE(suite, make, names)                                                         \
    CONFORM_STORE_CASE(suite, make, one_opener)                                                    \
    CONFORM_STORE_CASE(suite, make, close_is_silent)                                               \
    CONFORM_STORE_CASE(suite, make, close_carries_out)                                             \
    CONFORM_STORE_CASE(suite, make, logs_are_apart)                                                \
    CONFORM_STORE_CASE(suite, make, large)                                                         \
    CONFORM_STORE_CASE(suite, make, refused_read)                                                  \
    CONFORM_STORE_CASE(suite, make, restarts)

#define MM1_CONFORM_STORE_CRASH(suite, make)                                                       \
    CONFORM_STORE_CASE(suite, make, crash_keeps_synced)                                            \
    CONFORM_STORE_CASE(suite, make, crash_ends_handles)

#endif
