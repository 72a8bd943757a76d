/* Binary heap of intrusive nodes ordered by (key, sequence): total, so that equal keys leave in the order they came. */
#ifndef MM1_BASE_HEAP_H
#define MM1_BASE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/alloc.h>
#include <mm1/status.h>

struct mm1_heap_node {
    uint64_t key;
    uint64_t seq;
    size_t place; /* 1 + index in the heap; 0: in no heap */
};

struct mm1_heap {
    struct mm1_alloc *alloc;
    struct mm1_heap_node **nodes;
    size_t count;
    size_t capacity;
};

#define MM1_HEAP(alloc_) ((struct mm1_heap){.alloc = (alloc_)})

/* Makes room for `more` nodes beyond those present. MM1_NOMEM leaves the heap as it was. */
MM1_NODISCARD mm1_status mm1_heap_reserve(struct mm1_heap *heap, size_t more);
/* Inserts a node whose key and seq are set. MM1_NOMEM leaves the heap as it was. */
MM1_NODISCARD mm1_status mm1_heap_push(struct mm1_heap *heap, struct mm1_heap_node *node);
/* Removes a node that is in this heap. */
void mm1_heap_remove(struct mm1_heap *heap, struct mm1_heap_node *node);
/* The node with the smallest (key, seq), left in the heap; null when empty. */
static inline struct mm1_heap_node *mm1_heap_first(const struct mm1_heap *heap)
{
    return heap->count == 0 ? NULL : heap->nodes[0];
}
/* Gives the memory back; the nodes are the caller's. */
void mm1_heap_close(struct mm1_heap *heap);

#endif
