/* The binary heap. A node knows its place, so that it can be removed from the middle. */
#include <string.h>

#include "base/heap.h"

#define CAPACITY_MIN 16

static bool before(const struct mm1_heap_node *a, const struct mm1_heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->seq < b->seq;
}

static void put(struct mm1_heap *heap, size_t index, struct mm1_heap_node *node)
{
    heap->nodes[index] = node;
    node->place = index + 1;
}

/* Moves `node`, for which `index` is free, towards the root. */
static void rise(struct mm1_heap *heap, size_t index, struct mm1_heap_node *node)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!before(node, heap->nodes[parent])) {
            break;
        }
        put(heap, index, heap->nodes[parent]);
        index = parent;
    }
    put(heap, index, node);
}

/* Moves `node`, for which `index` is free, towards the leaves. */
static void sink(struct mm1_heap *heap, size_t index, struct mm1_heap_node *node)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= heap->count) {
            break;
        }
        if (child + 1 < heap->count && before(heap->nodes[child + 1], heap->nodes[child])) {
            child++;
        }
        if (!before(heap->nodes[child], node)) {
            break;
        }
        put(heap, index, heap->nodes[child]);
        index = child;
    }
    put(heap, index, node);
}

mm1_status mm1_heap_reserve(struct mm1_heap *heap, size_t more)
{
    if (more <= heap->capacity - heap->count) {
        return MM1_OK;
    }
    size_t limit = SIZE_MAX / 2 / sizeof(heap->nodes[0]);
    if (more > limit - heap->count) {
        return MM1_NOMEM;
    }
    size_t capacity = heap->capacity < CAPACITY_MIN ? CAPACITY_MIN : heap->capacity;
    while (capacity < heap->count + more) {
        capacity *= 2;
    }
    struct mm1_heap_node **nodes = mm1_take(heap->alloc, capacity * sizeof(heap->nodes[0]));
    if (nodes == NULL) {
        return MM1_NOMEM;
    }
    if (heap->count != 0) {
        memcpy(nodes, heap->nodes, heap->count * sizeof(heap->nodes[0]));
    }
    mm1_give(heap->alloc, heap->nodes, heap->capacity * sizeof(heap->nodes[0]));
    heap->nodes = nodes;
    heap->capacity = capacity;
    return MM1_OK;
}

mm1_status mm1_heap_push(struct mm1_heap *heap, struct mm1_heap_node *node)
{
    MM1_CHECK(node->place == 0);
    MM1_TRY(mm1_heap_reserve(heap, 1));
    rise(heap, heap->count++, node);
    return MM1_OK;
}

void mm1_heap_remove(struct mm1_heap *heap, struct mm1_heap_node *node)
{
    MM1_CHECK(node->place != 0 && node->place <= heap->count);
    size_t index = node->place - 1;
    MM1_CHECK(heap->nodes[index] == node);
    node->place = 0;
    struct mm1_heap_node *last = heap->nodes[--heap->count];
    if (last == node) {
        return;
    }
    if (index > 0 && before(last, heap->nodes[(index - 1) / 2])) {
        rise(heap, index, last);
    } else {
        sink(heap, index, last);
    }
}

void mm1_heap_close(struct mm1_heap *heap)
{
    mm1_give(heap->alloc, heap->nodes, heap->capacity * sizeof(heap->nodes[0]));
    *heap = MM1_HEAP(heap->alloc);
}
