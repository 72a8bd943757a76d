/* Steps of tests on the store port: open, append, read, each with its checks. */
#ifndef MM1_CONFORM_STORE_STEPS_H
#define MM1_CONFORM_STORE_STEPS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "conform.h"
#include "mm1_test.h"

static inline mm1_handle conform_log_begin(struct conform_world *w, const char *name)
{
    mm1_handle log = conform_handle(&w->sink);
    cr_assert_eq(w->env.store->ops->open(w->env.store, log, mm1_text_of(name)), MM1_OK);
    return log;
}

static inline mm1_handle conform_log_open(struct conform_world *w, const char *name, uint64_t size)
{
    mm1_handle log = conform_log_begin(w, name);
    const struct mm1_log_opened *opened = CONFORM_AWAIT(w, log, mm1_log_opened);
    cr_assert_not_null(opened);
    cr_assert_eq(opened->handle, log);
    cr_assert_eq(opened->size, size, "size %llu", (unsigned long long)opened->size);
    return log;
}

static inline void conform_log_close(struct conform_world *w, mm1_handle log)
{
    conform_release(&w->sink, log);
    w->env.store->ops->close(w->env.store, log);
}

static inline void conform_log_append(struct conform_world *w, mm1_handle log, uint64_t op,
                                      const void *data, size_t size)
{
    struct mm1_bytes bytes = {.data = data, .size = size};
    cr_assert_eq(w->env.store->ops->append(w->env.store, log, op, bytes), MM1_OK);
}

static inline void conform_log_sync(struct conform_world *w, mm1_handle log, uint64_t op)
{
    cr_assert_eq(w->env.store->ops->sync(w->env.store, log, op), MM1_OK);
}

static inline void conform_log_truncate(struct conform_world *w, mm1_handle log, uint64_t op,
                                        uint64_t size)
{
    cr_assert_eq(w->env.store->ops->truncate(w->env.store, log, op, size), MM1_OK);
}

static inline void conform_log_read(struct conform_world *w, mm1_handle log, uint64_t op,
                                    uint64_t offset, size_t size)
{
    cr_assert_eq(w->env.store->ops->read(w->env.store, log, op, offset, size), MM1_OK);
}

static inline void conform_log_expect_done(struct conform_world *w, mm1_handle log, uint64_t op,
                                           uint64_t size)
{
    const struct mm1_log_done *done = CONFORM_AWAIT(w, log, mm1_log_done);
    cr_assert_not_null(done);
    cr_assert_eq(done->handle, log);
    cr_assert_eq(done->op, op);
    cr_assert_eq(done->size, size);
}

static inline void conform_log_expect_failed(struct conform_world *w, mm1_handle log, uint64_t op,
                                             mm1_status status)
{
    const struct mm1_log_failed *failed = CONFORM_AWAIT(w, log, mm1_log_failed);
    cr_assert_not_null(failed);
    cr_assert_eq(failed->handle, log);
    cr_assert_eq(failed->op, op);
    cr_assert_eq(failed->status, (uint32_t)status, "%s",
                 mm1_status_text((mm1_status)failed->status));
    cr_assert_gt(failed->reason.size, 0);
}

/* Reads, and expects exactly these bytes. */
static inline void conform_log_expect(struct conform_world *w, mm1_handle log, uint64_t offset,
                                      size_t ask, const void *data, size_t size)
{
    conform_log_read(w, log, 77, offset, ask);
    const struct mm1_log_data *got = CONFORM_AWAIT(w, log, mm1_log_data);
    cr_assert_not_null(got);
    cr_assert_eq(got->handle, log);
    cr_assert_eq(got->op, 77);
    cr_assert_eq(got->offset, offset);
    cr_assert_eq(got->data.size, size);
    cr_assert(size == 0 || memcmp(got->data.data, data, size) == 0);
}

#endif
