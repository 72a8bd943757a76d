/* Views of bytes and of text, and a growable buffer. Views borrow; the buffer owns. */
#ifndef MM1_BYTES_H
#define MM1_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <mm1/alloc.h>
#include <mm1/status.h>

/* Borrowed bytes. `data` may be null when `size` is 0. */
struct mm1_bytes {
    const uint8_t *data;
    size_t size;
};

/* Borrowed UTF-8 text, not terminated by a NUL. */
struct mm1_text {
    const char *data;
    size_t size;
};

/* A view of a string literal. */
#define MM1_TEXT(literal) ((struct mm1_text){.data = (literal), .size = sizeof(literal) - 1})

/* A view of a terminated string; null gives the empty text. */
static inline struct mm1_text mm1_text_of(const char *string)
{
    return (struct mm1_text){.data = string, .size = string == NULL ? 0 : strlen(string)};
}

static inline struct mm1_bytes mm1_bytes_of_text(struct mm1_text text)
{
    return (struct mm1_bytes){.data = (const uint8_t *)text.data, .size = text.size};
}

/* True when both hold the same bytes. */
MM1_API bool mm1_text_equal(struct mm1_text a, struct mm1_text b);
/* Order by unsigned bytes, a prefix first: < 0, 0, > 0. */
MM1_API int mm1_text_compare(struct mm1_text a, struct mm1_text b);

/* A growable buffer. Zero-initialise with MM1_BUF(alloc); close when done. */
struct mm1_buf {
    struct mm1_alloc *alloc;
    uint8_t *data;
    size_t size;
    size_t capacity;
};

#define MM1_BUF(alloc_) ((struct mm1_buf){.alloc = (alloc_)})

/* Makes room for `more` bytes beyond the size. MM1_NOMEM leaves the buffer as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_buf_reserve(struct mm1_buf *buf, size_t more);
/* Appends `size` bytes. MM1_NOMEM leaves the buffer as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_buf_append(struct mm1_buf *buf, const void *data, size_t size);
/* Appends formatted text, without its NUL. MM1_NOMEM leaves the buffer as it was. No floating point formats. */
MM1_API MM1_NODISCARD mm1_status mm1_buf_format(struct mm1_buf *buf, const char *format, ...)
    MM1_PRINTF(2, 3);
/* Appends a NUL beyond the size (the size does not change), so that `data` reads as a string. */
MM1_API MM1_NODISCARD mm1_status mm1_buf_terminate(struct mm1_buf *buf);
/* Removes the first `size` bytes, which must be there. */
MM1_API void mm1_buf_consume(struct mm1_buf *buf, size_t size);
/* Empties the buffer and keeps its memory. */
static inline void mm1_buf_clear(struct mm1_buf *buf)
{
    buf->size = 0;
}
/* Gives the memory back and leaves an empty buffer with the same allocator. */
MM1_API void mm1_buf_close(struct mm1_buf *buf);

static inline struct mm1_bytes mm1_buf_bytes(const struct mm1_buf *buf)
{
    return (struct mm1_bytes){.data = buf->data, .size = buf->size};
}

static inline struct mm1_text mm1_buf_text(const struct mm1_buf *buf)
{
    return (struct mm1_text){.data = (const char *)buf->data, .size = buf->size};
}

/* The other byte order where the machine is big-endian. */
static inline uint64_t mm1__le64(uint64_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap64(value);
}
static inline uint32_t mm1__le32(uint32_t value)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? value : __builtin_bswap32(value);
}

/* Little-endian integers, unaligned. */
static inline void mm1_put_le64(uint8_t *to, uint64_t value)
{
    value = mm1__le64(value);
    memcpy(to, &value, sizeof(value));
}
static inline void mm1_put_le32(uint8_t *to, uint32_t value)
{
    value = mm1__le32(value);
    memcpy(to, &value, sizeof(value));
}
static inline uint64_t mm1_get_le64(const uint8_t *from)
{
    uint64_t value;
    memcpy(&value, from, sizeof(value));
    return mm1__le64(value);
}
static inline uint32_t mm1_get_le32(const uint8_t *from)
{
    uint32_t value;
    memcpy(&value, from, sizeof(value));
    return mm1__le32(value);
}

#endif
