/* The tree against a sorted array, over random operations. */
#include <stdlib.h>

#include "base/prng.h"
#include "base/tree.h"
#include "mm1_test.h"

#define ELEMENTS 400u

struct element {
    struct mm1_tree_node node;
    uint64_t key;
};

static uint64_t key_of(const struct mm1_tree_node *node)
{
    return ((const struct element *)(const void *)node)->key;
}

static int by_key(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return (key_of(a) > key_of(b)) - (key_of(a) < key_of(b));
}

static int key_order(const void *key, const struct mm1_tree_node *node)
{
    uint64_t wanted = *(const uint64_t *)key;
    return (wanted > key_of(node)) - (wanted < key_of(node));
}

/* What the tree should hold. */
struct oracle {
    struct element *sorted[ELEMENTS];
    size_t count;
};

static size_t oracle_rank(const struct oracle *oracle, uint64_t key)
{
    size_t rank = 0;
    while (rank < oracle->count && oracle->sorted[rank]->key < key) {
        rank++;
    }
    return rank;
}

static void oracle_insert(struct oracle *oracle, size_t at, struct element *element)
{
    for (size_t i = oracle->count++; i > at; i--) {
        oracle->sorted[i] = oracle->sorted[i - 1];
    }
    oracle->sorted[at] = element;
}

static void oracle_remove(struct oracle *oracle, size_t at)
{
    oracle->count--;
    for (size_t i = at; i < oracle->count; i++) {
        oracle->sorted[i] = oracle->sorted[i + 1];
    }
}

static struct mm1_tree_node *oracle_nth(const struct oracle *oracle, size_t index)
{
    return index < oracle->count ? &oracle->sorted[index]->node : NULL;
}

static void compare_whole(const struct mm1_tree *tree, const struct oracle *oracle)
{
    cr_assert(mm1_tree_valid(tree));
    cr_assert_eq(mm1_tree_count(tree), oracle->count);
    size_t i = 0;
    MM1_TREE_FOREACH(node, tree) {
        cr_assert_eq(node, oracle_nth(oracle, i));
        cr_assert_eq(mm1_tree_nth(tree, i), node);
        i++;
    }
    cr_assert_eq(i, oracle->count);
    cr_assert_null(mm1_tree_nth(tree, i));
    cr_assert_eq(mm1_tree_first(tree), oracle_nth(oracle, 0));
    cr_assert_eq(mm1_tree_last(tree), i == 0 ? NULL : oracle_nth(oracle, i - 1));
}

static void compare_at(const struct mm1_tree *tree, const struct oracle *oracle, uint64_t key)
{
    size_t rank = oracle_rank(oracle, key);
    struct mm1_tree_node *at_least = oracle_nth(oracle, rank);
    bool present = at_least != NULL && key_of(at_least) == key;
    cr_assert_eq(mm1_tree_rank(tree, &key, key_order), rank);
    cr_assert_eq(mm1_tree_at_least(tree, &key, key_order), at_least);
    cr_assert_eq(mm1_tree_find(tree, &key, key_order), present ? at_least : NULL);
}

/* `bias` of 100: how often an operation inserts. */
static void random_run(uint64_t seed, unsigned steps, unsigned bias, uint64_t keys)
{
    struct element *elements = calloc(ELEMENTS, sizeof(*elements));
    struct mm1_tree tree = MM1_TREE(by_key);
    struct oracle oracle = {.count = 0};
    for (uint64_t step = 0; step < steps; step++) {
        uint64_t word = mm1_prng_word(seed, 1, step, 0);
        struct element *element = &elements[mm1_prng_below(word, ELEMENTS)];
        uint64_t key = mm1_prng_below(mm1_prng_word(seed, 2, step, 0), keys);
        bool insert = mm1_prng_below(mm1_prng_word(seed, 3, step, 0), 100) < bias;
        if (mm1_tree_linked(&element->node)) {
            if (!insert) {
                oracle_remove(&oracle, oracle_rank(&oracle, element->key));
                mm1_tree_remove(&tree, &element->node);
                cr_assert(!mm1_tree_linked(&element->node));
            }
        } else if (insert) {
            element->key = key;
            size_t rank = oracle_rank(&oracle, key);
            struct mm1_tree_node *there = oracle_nth(&oracle, rank);
            bool equal = there != NULL && key_of(there) == key;
            cr_assert_eq(mm1_tree_insert(&tree, &element->node), equal ? there : NULL);
            if (!equal) {
                oracle_insert(&oracle, rank, element);
            }
        }
        compare_at(&tree, &oracle, key);
        if (step % 16 == 0) {
            compare_whole(&tree, &oracle);
        }
    }
    compare_whole(&tree, &oracle);
    free(elements);
}

Test(tree, agrees_with_a_sorted_array)
{
    random_run(1, 4000, 50, 1000000);
    random_run(2, 4000, 80, 300);
    random_run(3, 4000, 30, 1000000);
    for (uint64_t seed = 10; seed < 40; seed++) {
        random_run(seed, 300, 60, 50);
    }
}

static void count_up_and_down(const uint64_t *order, const uint64_t *removal, uint64_t n)
{
    struct element *elements = calloc(n, sizeof(*elements));
    struct mm1_tree tree = MM1_TREE(by_key);
    for (uint64_t i = 0; i < n; i++) {
        elements[order[i]].key = order[i];
        cr_assert_null(mm1_tree_insert(&tree, &elements[order[i]].node));
        cr_assert(mm1_tree_valid(&tree));
    }
    for (uint64_t i = 0; i < n; i++) {
        mm1_tree_remove(&tree, &elements[removal[i]].node);
        cr_assert(mm1_tree_valid(&tree));
    }
    cr_assert_null(tree.root);
    free(elements);
}

Test(tree, stays_balanced_in_every_sorted_order)
{
    enum { N = 300 };
    uint64_t up[N];
    uint64_t down[N];
    uint64_t outside_in[N];
    for (uint64_t i = 0; i < N; i++) {
        up[i] = i;
        down[i] = N - 1 - i;
        outside_in[i] = i % 2 == 0 ? i / 2 : N - 1 - i / 2;
    }
    const uint64_t *orders[] = {up, down, outside_in};
    for (size_t a = 0; a < 3; a++) {
        for (size_t b = 0; b < 3; b++) {
            count_up_and_down(orders[a], orders[b], N);
        }
    }
}

/* All orders of insertion of n keys, each followed by removal in the order of another pattern. */
static void permute(uint64_t *order, uint64_t fixed, uint64_t n, const uint64_t *removal)
{
    if (fixed == n) {
        count_up_and_down(order, removal, n);
        return;
    }
    for (uint64_t i = fixed; i < n; i++) {
        uint64_t kept = order[fixed];
        order[fixed] = order[i];
        order[i] = kept;
        permute(order, fixed + 1, n, removal);
        order[i] = order[fixed];
        order[fixed] = kept;
    }
}

Test(tree, is_valid_after_every_order_of_a_small_scope)
{
    uint64_t order[7] = {0, 1, 2, 3, 4, 5, 6};
    const uint64_t removal[7] = {3, 1, 5, 0, 2, 6, 4};
    permute(order, 0, 7, removal);
}

Test(tree, an_element_may_be_removed_while_visited)
{
    struct element elements[50] = {0};
    struct mm1_tree tree = MM1_TREE(by_key);
    for (uint64_t i = 0; i < 50; i++) {
        elements[i].key = i * 7 % 50;
        cr_assert_null(mm1_tree_insert(&tree, &elements[i].node));
    }
    uint64_t seen = 0;
    MM1_TREE_FOREACH(node, &tree) {
        cr_assert_eq(key_of(node), seen);
        seen++;
        if (key_of(node) % 3 != 0) {
            mm1_tree_remove(&tree, node);
        }
    }
    cr_assert_eq(seen, 50);
    cr_assert_eq(mm1_tree_count(&tree), 17);
    cr_assert(mm1_tree_valid(&tree));
}

Test(tree, valid_sees_what_is_broken)
{
    struct element elements[5] = {0};
    struct mm1_tree tree = MM1_TREE(by_key);
    cr_assert(mm1_tree_valid(&tree));
    for (uint64_t i = 0; i < 5; i++) {
        elements[i].key = i;
        cr_assert_null(mm1_tree_insert(&tree, &elements[i].node));
    }
    cr_assert(mm1_tree_valid(&tree));
    elements[2].key = 9;
    cr_assert(!mm1_tree_valid(&tree));
    elements[2].key = 2;
    tree.root->count++;
    cr_assert(!mm1_tree_valid(&tree));
    tree.root->count--;
    struct mm1_tree_node *child = tree.root->child[0];
    child->parent = NULL;
    cr_assert(!mm1_tree_valid(&tree));
    child->parent = tree.root;
    cr_assert(mm1_tree_valid(&tree));
}
