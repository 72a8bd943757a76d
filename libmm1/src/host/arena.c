/* Blocks of malloc in a list, freed together. */
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/arena.h"

struct mm1__arena_block {
    struct mm1__arena_block *next;
    struct mm1__arena_block *previous;
    alignas(max_align_t) unsigned char data[];
};

static void *take(struct mm1_alloc *self, size_t size)
{
    struct mm1__arena *arena = MM1_CONTAINER_OF(self, struct mm1__arena, base);
    if (size > SIZE_MAX - sizeof(struct mm1__arena_block)) {
        return NULL;
    }
    struct mm1__arena_block *block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    block->previous = NULL;
    block->next = arena->first;
    if (block->next != NULL) {
        block->next->previous = block;
    }
    arena->first = block;
    return block->data;
}

static void give(struct mm1_alloc *self, void *data, size_t size)
{
    struct mm1__arena *arena = MM1_CONTAINER_OF(self, struct mm1__arena, base);
    struct mm1__arena_block *block = MM1_CONTAINER_OF(data, struct mm1__arena_block, data);
    (void)size;
    if (block->previous == NULL) {
        arena->first = block->next;
    } else {
        block->previous->next = block->next;
    }
    if (block->next != NULL) {
        block->next->previous = block->previous;
    }
    free(block);
}

static void *take_stack(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    (void)self;
    (void)size;
    *usable = 0;
    *guarded = false;
    return NULL;
}

static void give_stack(struct mm1_alloc *self, void *stack, size_t usable)
{
    (void)self;
    (void)usable;
    MM1_CHECK(stack == NULL);
}

static const struct mm1_alloc_ops ops = {.name = "arena",
                                         .take = take,
                                         .give = give,
                                         .take_stack = take_stack,
                                         .give_stack = give_stack};

void mm1__arena_init(struct mm1__arena *arena)
{
    *arena = (struct mm1__arena){.base = {.ops = &ops}};
}

void mm1__arena_close(struct mm1__arena *arena)
{
    struct mm1__arena_block *block = arena->first;
    while (block != NULL) {
        struct mm1__arena_block *next = block->next;
        free(block);
        block = next;
    }
    arena->first = NULL;
}

void *mm1__arena_array(struct mm1__arena *arena, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        return NULL;
    }
    return mm1_take_zero(&arena->base, bytes == 0 ? 1 : bytes);
}

char *mm1__arena_text(struct mm1__arena *arena, struct mm1_text text)
{
    char *copy = mm1_take(&arena->base, text.size + 1);
    if (copy != NULL) {
        if (text.size != 0) {
            memcpy(copy, text.data, text.size);
        }
        copy[text.size] = '\0';
    }
    return copy;
}
