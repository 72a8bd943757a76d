/* The pass over JSON text that decides what is well-formed and notes where each value stands. */
#ifndef MM1_HOST_JSON_SCAN_H
#define MM1_HOST_JSON_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include <mm1/bytes.h>

#include "host/json.h"

#define MM1__JSON_NONE UINT32_MAX

/* A value, in the order of the text. */
struct mm1__json_mark {
    enum mm1__json_kind kind;
    uint32_t begin; /* bytes of the text, [begin, end) */
    uint32_t end;
    uint32_t key;    /* where its key begins; MM1__JSON_NONE when it is no member */
    uint32_t parent; /* index of the mark around it; MM1__JSON_NONE for the root */
};

struct mm1__json_scan {
    struct mm1__json_mark *marks; /* of malloc */
    uint32_t count;
    uint32_t capacity;
    uint32_t error_at; /* byte of the text */
    char error[160];
};

/* Scans `text`, which has at most MM1__JSON_SIZE_MAX bytes. MM1_INVALID: `error` says why, and where. MM1_NOMEM. In all
 * cases mm1__json_scan_close frees the marks. */
MM1_NODISCARD mm1_status mm1__json_scan(struct mm1_text text, struct mm1__json_scan *scan);
void mm1__json_scan_close(struct mm1__json_scan *scan);

#endif
