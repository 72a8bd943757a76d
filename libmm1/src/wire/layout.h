/* How the block of a copied or decoded message is laid out: the struct first, then what it points to in the order in
 * which it is met, each part aligned. One cursor both measures (no block) and places. */
#ifndef MM1_WIRE_LAYOUT_H
#define MM1_WIRE_LAYOUT_H

#include <mm1/msg.h>

struct mm1__layout {
    uint8_t *block; /* null: only measure */
    size_t used;
};

/* A list field, whatever its items are. */
struct mm1__list {
    const void *items;
    size_t count;
};

_Static_assert(sizeof(struct mm1__list) == sizeof(struct {
                   const uint64_t *items;
                   size_t count;
               }),
               "a list field is a pointer and a count");

/* The alignment of the items of a list. */
static inline size_t mm1__kind_align(enum mm1_kind kind)
{
    switch (kind) {
    case MM1_KIND_BOOL:
    case MM1_KIND_U8:
        return 1;
    case MM1_KIND_U16:
        return sizeof(uint16_t);
    case MM1_KIND_U32:
    case MM1_KIND_I32:
        return sizeof(uint32_t);
    default:
        return sizeof(uint64_t);
    }
}

/* Where the next part goes, `align` being a power of two; null when only measuring. The caller bounds `size`.
 * Gaps are set to zero: equal messages make equal blocks but for their pointers. */
static inline void *mm1__place(struct mm1__layout *layout, size_t size, size_t align)
{
    size_t at = (layout->used + align - 1) & ~(align - 1);
    if (layout->block != NULL) {
        memset(layout->block + layout->used, 0, at - layout->used);
    }
    layout->used = at + size;
    return layout->block == NULL ? NULL : layout->block + at;
}

/* Reads and writes the list field at `field`, whose pointer type differs from list to list. */
static inline struct mm1__list mm1__list_get(const void *field)
{
    struct mm1__list list;
    memcpy(&list, field, sizeof(list));
    return list;
}
static inline void mm1__list_set(void *field, const void *items, size_t count)
{
    struct mm1__list list = {.items = items, .count = count};
    memcpy(field, &list, sizeof(list));
}

#endif
