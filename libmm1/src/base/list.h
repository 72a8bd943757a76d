/* Intrusive doubly linked list with a sentinel, in insertion order. The element embeds struct mm1_list. */
#ifndef MM1_BASE_LIST_H
#define MM1_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include <mm1/check.h>

struct mm1_list {
    struct mm1_list *next;
    struct mm1_list *prev;
};

static inline void mm1_list_init(struct mm1_list *list)
{
    list->next = list;
    list->prev = list;
}

static inline bool mm1_list_empty(const struct mm1_list *list)
{
    return list->next == list;
}

static inline void mm1_list_push_back(struct mm1_list *list, struct mm1_list *node)
{
    node->prev = list->prev;
    node->next = list;
    list->prev->next = node;
    list->prev = node;
}

/* Takes `node` out of its list and leaves it an empty list of its own, so that removing twice is harmless. */
static inline void mm1_list_remove(struct mm1_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    mm1_list_init(node);
}

/* The first node, taken out; null when the list is empty. */
static inline struct mm1_list *mm1_list_pop_front(struct mm1_list *list)
{
    struct mm1_list *node = list->next;
    if (node == list) {
        return NULL;
    }
    mm1_list_remove(node);
    return node;
}

/* Visits each node; `node` itself may be removed in the body. */
#define MM1_LIST_FOREACH(node, list)                                                               \
    for (struct mm1_list *node = (list)->next, *node##_next = node->next; node != (list);          \
         node = node##_next, node##_next = node->next)

#endif
