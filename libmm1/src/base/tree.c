/* The weight-balanced tree, with the integer parameters <3, 2> on weight = count + 1, which are proven to hold under
 * insertion and removal with one or two rotations a level. */
#include "base/tree.h"

#define DELTA 3u /* a side weighs at most this many times the other */
#define GAMMA 2u /* from this share of the inner grandchild on, the rotation is a double one */

static size_t weight(const struct mm1_tree_node *node)
{
    return node == NULL ? 1 : node->count + 1;
}

static size_t count_of(const struct mm1_tree_node *node)
{
    return node == NULL ? 0 : node->count;
}

static void recount(struct mm1_tree_node *node)
{
    node->count = 1 + count_of(node->child[0]) + count_of(node->child[1]);
}

static int side_of(const struct mm1_tree_node *node)
{
    return node->parent->child[1] == node;
}

/* Puts `now`, which may be null, where `node` hangs. */
static void replace(struct mm1_tree *tree, struct mm1_tree_node *node, struct mm1_tree_node *now)
{
    if (node->parent == NULL) {
        tree->root = now;
    } else {
        node->parent->child[side_of(node)] = now;
    }
    if (now != NULL) {
        now->parent = node->parent;
    }
}

static void hang(struct mm1_tree_node *parent, int side, struct mm1_tree_node *child)
{
    parent->child[side] = child;
    if (child != NULL) {
        child->parent = parent;
    }
}

/* Lifts the child on `side` above `node`; returns it. */
static struct mm1_tree_node *rotate(struct mm1_tree *tree, struct mm1_tree_node *node, int side)
{
    struct mm1_tree_node *up = node->child[side];
    replace(tree, node, up);
    hang(node, side, up->child[!side]);
    hang(up, !side, node);
    recount(node);
    recount(up);
    return up;
}

/* Balances `node`, whose children are balanced; returns the root of the subtree. */
static struct mm1_tree_node *balance(struct mm1_tree *tree, struct mm1_tree_node *node)
{
    size_t left = weight(node->child[0]);
    size_t right = weight(node->child[1]);
    int heavy;
    if (left > DELTA * right) {
        heavy = 0;
    } else if (right > DELTA * left) {
        heavy = 1;
    } else {
        return node;
    }
    struct mm1_tree_node *child = node->child[heavy];
    if (weight(child->child[!heavy]) >= GAMMA * weight(child->child[heavy])) {
        (void)rotate(tree, child, !heavy);
    }
    return rotate(tree, node, heavy);
}

/* Recounts and balances from `node` up to the root. */
static void balance_up(struct mm1_tree *tree, struct mm1_tree_node *node)
{
    while (node != NULL) {
        recount(node);
        node = balance(tree, node)->parent;
    }
}

struct mm1_tree_node *mm1_tree_insert(struct mm1_tree *tree, struct mm1_tree_node *node)
{
    MM1_CHECK(node->count == 0);
    struct mm1_tree_node *parent = NULL;
    struct mm1_tree_node *at = tree->root;
    int side = 0;
    while (at != NULL) {
        int order = tree->compare(node, at);
        if (order == 0) {
            return at;
        }
        parent = at;
        side = order > 0;
        at = at->child[side];
    }
    *node = (struct mm1_tree_node){.parent = parent, .count = 1};
    if (parent == NULL) {
        tree->root = node;
    } else {
        parent->child[side] = node;
        balance_up(tree, parent);
    }
    return NULL;
}

static struct mm1_tree_node *outermost(struct mm1_tree_node *node, int side)
{
    while (node != NULL && node->child[side] != NULL) {
        node = node->child[side];
    }
    return node;
}

void mm1_tree_remove(struct mm1_tree *tree, struct mm1_tree_node *node)
{
    MM1_CHECK(node->count != 0);
    struct mm1_tree_node *from; /* the lowest node whose subtree changed */
    if (node->child[0] == NULL || node->child[1] == NULL) {
        from = node->parent;
        replace(tree, node, node->child[node->child[0] == NULL]);
    } else {
        struct mm1_tree_node *heir = outermost(node->child[1], 0);
        from = heir->parent == node ? heir : heir->parent;
        replace(tree, heir, heir->child[1]);
        hang(heir, 0, node->child[0]);
        hang(heir, 1, node->child[1]);
        replace(tree, node, heir);
    }
    *node = (struct mm1_tree_node){0};
    balance_up(tree, from);
}

struct mm1_tree_node *mm1_tree_find(const struct mm1_tree *tree, const void *key,
                                    mm1_tree_key_fn *key_fn)
{
    struct mm1_tree_node *at = tree->root;
    while (at != NULL) {
        int order = key_fn(key, at);
        if (order == 0) {
            break;
        }
        at = at->child[order > 0];
    }
    return at;
}

struct mm1_tree_node *mm1_tree_at_least(const struct mm1_tree *tree, const void *key,
                                        mm1_tree_key_fn *key_fn)
{
    struct mm1_tree_node *found = NULL;
    struct mm1_tree_node *at = tree->root;
    while (at != NULL) {
        if (key_fn(key, at) > 0) {
            at = at->child[1];
        } else {
            found = at;
            at = at->child[0];
        }
    }
    return found;
}

size_t mm1_tree_rank(const struct mm1_tree *tree, const void *key, mm1_tree_key_fn *key_fn)
{
    size_t rank = 0;
    const struct mm1_tree_node *at = tree->root;
    while (at != NULL) {
        if (key_fn(key, at) > 0) {
            rank += 1 + count_of(at->child[0]);
            at = at->child[1];
        } else {
            at = at->child[0];
        }
    }
    return rank;
}

struct mm1_tree_node *mm1_tree_nth(const struct mm1_tree *tree, size_t index)
{
    struct mm1_tree_node *at = tree->root;
    while (at != NULL) {
        size_t smaller = count_of(at->child[0]);
        if (index == smaller) {
            break;
        }
        if (index < smaller) {
            at = at->child[0];
        } else {
            index -= smaller + 1;
            at = at->child[1];
        }
    }
    return at;
}

struct mm1_tree_node *mm1_tree_first(const struct mm1_tree *tree)
{
    return outermost(tree->root, 0);
}

struct mm1_tree_node *mm1_tree_last(const struct mm1_tree *tree)
{
    return outermost(tree->root, 1);
}

struct mm1_tree_node *mm1_tree_next(const struct mm1_tree_node *node)
{
    if (node->child[1] != NULL) {
        return outermost(node->child[1], 0);
    }
    while (node->parent != NULL && side_of(node) == 1) {
        node = node->parent;
    }
    return node->parent;
}

static bool node_valid(const struct mm1_tree_node *node)
{
    for (int side = 0; side < 2; side++) {
        if (node->child[side] != NULL && node->child[side]->parent != node) {
            return false;
        }
    }
    size_t left = weight(node->child[0]);
    size_t right = weight(node->child[1]);
    return node->count + 1 == left + right && left <= DELTA * right && right <= DELTA * left;
}

bool mm1_tree_valid(const struct mm1_tree *tree)
{
    if (tree->root != NULL && tree->root->parent != NULL) {
        return false;
    }
    size_t seen = 0;
    const struct mm1_tree_node *last = NULL;
    for (const struct mm1_tree_node *node = mm1_tree_first(tree); node != NULL;
         node = mm1_tree_next(node)) {
        if (!node_valid(node) || (last != NULL && tree->compare(last, node) >= 0)) {
            return false;
        }
        last = node;
        seen++;
    }
    return seen == mm1_tree_count(tree);
}
