/* Comparison of texts, and the growable buffer. */
#include <stdarg.h>
#include <stdio.h>

#include <mm1/bytes.h>

#define CAPACITY_MIN 64

bool mm1_text_equal(struct mm1_text a, struct mm1_text b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int mm1_text_compare(struct mm1_text a, struct mm1_text b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    if (order != 0) {
        return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

mm1_status mm1_buf_reserve(struct mm1_buf *buf, size_t more)
{
    if (more <= buf->capacity - buf->size) {
        return MM1_OK;
    }
    if (more > SIZE_MAX / 2 - buf->size) {
        return MM1_NOMEM;
    }
    size_t capacity = buf->capacity < CAPACITY_MIN ? CAPACITY_MIN : buf->capacity;
    while (capacity < buf->size + more) {
        capacity *= 2;
    }
    uint8_t *data = mm1_take(buf->alloc, capacity);
    if (data == NULL) {
        return MM1_NOMEM;
    }
    if (buf->size != 0) {
        memcpy(data, buf->data, buf->size);
    }
    mm1_give(buf->alloc, buf->data, buf->capacity);
    buf->data = data;
    buf->capacity = capacity;
    return MM1_OK;
}

mm1_status mm1_buf_append(struct mm1_buf *buf, const void *data, size_t size)
{
    MM1_TRY(mm1_buf_reserve(buf, size));
    if (size != 0) {
        memcpy(buf->data + buf->size, data, size);
        buf->size += size;
    }
    return MM1_OK;
}

mm1_status mm1_buf_format(struct mm1_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    mm1_status status = MM1_INVALID;
    if (length >= 0) {
        size_t size = (size_t)length;
        status = mm1_buf_reserve(buf, size + 1);
        if (status == MM1_OK) {
            (void)vsnprintf((char *)buf->data + buf->size, size + 1, format, again);
            buf->size += size;
        }
    }
    va_end(again);
    return status;
}

mm1_status mm1_buf_terminate(struct mm1_buf *buf)
{
    MM1_TRY(mm1_buf_reserve(buf, 1));
    buf->data[buf->size] = 0;
    return MM1_OK;
}

void mm1_buf_consume(struct mm1_buf *buf, size_t size)
{
    MM1_CHECK(size <= buf->size);
    buf->size -= size;
    if (size != 0 && buf->size != 0) {
        memmove(buf->data, buf->data + size, buf->size);
    }
}

void mm1_buf_close(struct mm1_buf *buf)
{
    mm1_give(buf->alloc, buf->data, buf->capacity);
    *buf = MM1_BUF(buf->alloc);
}
