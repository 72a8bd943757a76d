/* The heap: order with ties, removal from the middle, refused memory. */
#include <stdlib.h>

#include "base/heap.h"
#include "base/prng.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define NODES 300u

static bool in_order(const struct mm1_heap_node *a, const struct mm1_heap_node *b)
{
    return a->key < b->key || (a->key == b->key && a->seq < b->seq);
}

static void check_shape(const struct mm1_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++) {
        cr_assert_eq(heap->nodes[i]->place, i + 1);
        if (i > 0) {
            cr_assert(in_order(heap->nodes[(i - 1) / 2], heap->nodes[i]));
        }
    }
}

/* The smallest node that is in the heap, found the slow way. */
static struct mm1_heap_node *smallest(struct mm1_heap_node *nodes)
{
    struct mm1_heap_node *best = NULL;
    for (size_t i = 0; i < NODES; i++) {
        if (nodes[i].place != 0 && (best == NULL || in_order(&nodes[i], best))) {
            best = &nodes[i];
        }
    }
    return best;
}

Test(heap, equal_keys_leave_in_the_order_they_came)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_heap heap = MM1_HEAP(&alloc.base);
    struct mm1_heap_node nodes[NODES] = {0};
    for (uint64_t i = 0; i < NODES; i++) {
        nodes[i].key = i % 3;
        nodes[i].seq = i;
        cr_assert_eq(mm1_heap_push(&heap, &nodes[i]), MM1_OK);
    }
    struct mm1_heap_node last = {.key = 0};
    for (size_t i = 0; i < NODES; i++) {
        struct mm1_heap_node *first = mm1_heap_first(&heap);
        cr_assert(i == 0 || in_order(&last, first));
        last = *first;
        mm1_heap_remove(&heap, first);
    }
    cr_assert_null(mm1_heap_first(&heap));
    mm1_heap_close(&heap);
    cr_assert_eq(alloc.live, 0);
}

Test(heap, agrees_with_a_scan_over_random_operations)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct mm1_heap heap = MM1_HEAP(&alloc.base);
        struct mm1_heap_node *nodes = calloc(NODES, sizeof(*nodes));
        for (uint64_t step = 0; step < 1500; step++) {
            struct mm1_heap_node *node =
                &nodes[mm1_prng_below(mm1_prng_word(seed, 1, step, 0), NODES)];
            if (node->place != 0) {
                mm1_heap_remove(&heap, node);
                cr_assert_eq(node->place, 0);
            } else {
                node->key = mm1_prng_below(mm1_prng_word(seed, 2, step, 0), 40);
                node->seq = step;
                cr_assert_eq(mm1_heap_push(&heap, node), MM1_OK);
            }
            cr_assert_eq(mm1_heap_first(&heap), smallest(nodes));
        }
        check_shape(&heap);
        mm1_heap_close(&heap);
        free(nodes);
    }
    cr_assert_eq(alloc.live, 0);
}

Test(heap, a_refused_request_changes_nothing)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_heap heap = MM1_HEAP(&alloc.base);
    struct mm1_heap_node nodes[NODES] = {0};
    size_t pushed = 0;
    for (uint64_t i = 0; i < NODES; i++) {
        nodes[i].key = NODES - i;
        size_t count = heap.count;
        size_t capacity = heap.capacity;
        test_alloc_fail_at(&alloc, 1);
        mm1_status status = mm1_heap_push(&heap, &nodes[i]);
        if (count == capacity) {
            cr_assert_eq(status, MM1_NOMEM);
            cr_assert_eq(heap.count, count);
            cr_assert_eq(nodes[i].place, 0);
            status = mm1_heap_push(&heap, &nodes[i]);
        }
        cr_assert_eq(status, MM1_OK);
        pushed++;
    }
    cr_assert_eq(heap.count, pushed);
    check_shape(&heap);
    cr_assert_eq(mm1_heap_reserve(&heap, SIZE_MAX / 16), MM1_NOMEM);
    test_alloc_fail_at(&alloc, 0);
    cr_assert_eq(mm1_heap_reserve(&heap, 1000), MM1_OK);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_heap_reserve(&heap, 1000), MM1_OK);
    mm1_heap_close(&heap);
    cr_assert_eq(alloc.live, 0);
}
