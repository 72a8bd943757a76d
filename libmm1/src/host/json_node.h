/* Inside of JSON documents; only for the files of the reader. */
#ifndef MM1_HOST_JSON_NODE_H
#define MM1_HOST_JSON_NODE_H

#include <cjson/cJSON.h>

#include "host/json.h"

struct mm1__json_node {
    struct mm1__json *json;
    const cJSON *item;
    struct mm1__json_node *parent;
    struct mm1__json_node *first;
    struct mm1__json_node *last;
    struct mm1__json_node *next;
    enum mm1__json_kind kind;
    uint32_t begin; /* bytes of the text, [begin, end) */
    uint32_t end;
    uint32_t key;   /* where its key begins, or MM1__JSON_NONE */
    uint32_t index; /* among its parent's children */
    uint32_t count; /* of children */
};

struct mm1__json {
    struct mm1_text text; /* of malloc, terminated */
    char *name;
    cJSON *tree;
    struct mm1__json_node *nodes; /* in the order of the text; the root first */
    struct mm1_diag *diag;
    mm1_status status; /* of the first error */
};

/* Line and column of a byte of the text, from 1. */
void mm1__json_place_of(struct mm1_text text, size_t offset, uint32_t *line, uint32_t *column);

#endif
