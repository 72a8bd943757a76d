/* Intrusive balanced search tree that knows its ranks: the one ordered container of the project.
 *
 * It is weight-balanced: the count of a subtree balances it and also answers rank and nth, in O(log n). The order
 * comes from the caller's comparison alone, which must be total over the keys present; no address decides anything.
 * The element embeds struct mm1_tree_node; the tree takes no memory. */
#ifndef MM1_BASE_TREE_H
#define MM1_BASE_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/check.h>

struct mm1_tree_node {
    struct mm1_tree_node *parent;
    struct mm1_tree_node *child[2]; /* smaller, greater */
    size_t count;                   /* nodes of this subtree, itself included; 0: in no tree */
};

struct mm1_tree {
    struct mm1_tree_node *root;
    /* Order of two elements: < 0, 0, > 0. */
    int (*compare)(const struct mm1_tree_node *a, const struct mm1_tree_node *b);
};

/* Order of a search key and an element: < 0 when the key is smaller. */
typedef int mm1_tree_key_fn(const void *key, const struct mm1_tree_node *node);

#define MM1_TREE(compare_) ((struct mm1_tree){.compare = (compare_)})

static inline size_t mm1_tree_count(const struct mm1_tree *tree)
{
    return tree->root == NULL ? 0 : tree->root->count;
}

static inline bool mm1_tree_linked(const struct mm1_tree_node *node)
{
    return node->count != 0;
}

/* Inserts `node`, which is in no tree. Returns null, or the element equal to it, in which case nothing changed. */
struct mm1_tree_node *mm1_tree_insert(struct mm1_tree *tree, struct mm1_tree_node *node);
/* Removes `node`, which is in this tree. */
void mm1_tree_remove(struct mm1_tree *tree, struct mm1_tree_node *node);
/* The element for which key_fn(key, element) is 0, or null. */
struct mm1_tree_node *mm1_tree_find(const struct mm1_tree *tree, const void *key,
                                    mm1_tree_key_fn *key_fn);
/* The first element that is not smaller than the key, or null. */
struct mm1_tree_node *mm1_tree_at_least(const struct mm1_tree *tree, const void *key,
                                        mm1_tree_key_fn *key_fn);
/* How many elements are smaller than the key. */
size_t mm1_tree_rank(const struct mm1_tree *tree, const void *key, mm1_tree_key_fn *key_fn);
/* The element with `index` smaller ones, or null when there are not so many. */
struct mm1_tree_node *mm1_tree_nth(const struct mm1_tree *tree, size_t index);
/* Smallest, greatest, successor; null when there is none. */
struct mm1_tree_node *mm1_tree_first(const struct mm1_tree *tree);
struct mm1_tree_node *mm1_tree_last(const struct mm1_tree *tree);
struct mm1_tree_node *mm1_tree_next(const struct mm1_tree_node *node);
/* Checks order, counts, balance and parent links of the whole tree, in O(n); for tests. */
bool mm1_tree_valid(const struct mm1_tree *tree);

/* Visits in order; `node` may be removed in the body. */
#define MM1_TREE_FOREACH(node, tree)                                                               \
    for (struct mm1_tree_node *node = mm1_tree_first(tree),                                        \
                              *node##_next = node == NULL ? NULL : mm1_tree_next(node);            \
         node != NULL;                                                                             \
         node = node##_next, node##_next = node == NULL ? NULL : mm1_tree_next(node))

#endif
