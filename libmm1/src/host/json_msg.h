/* JSON to a message struct by its field list: the arguments of roles in scenarios and configurations.
 *
 * Reads what mm1_msg_print writes: u64, i64 and ids as numbers below 2^53 or as texts, durations "150ms", addresses
 * "<…>", subnets "<…>/n", bytes as hex digits, lists, nested objects; an optional field may be missing or null; any
 * message is {"type": "wire::Name", "value": {…}}. */
#ifndef MM1_HOST_JSON_MSG_H
#define MM1_HOST_JSON_MSG_H

#include <mm1/msg.h>

#include "host/json.h"

/* Builds a struct of `type` in one block of `*size` bytes from `alloc`, which the caller gives back; it borrows
 * nothing from the document. `node` is not null. `registry` is for fields of any message and may be null: then they
 * are refused. Not MM1_OK: the document's diag says what is unknown, missing, out of range or of a wrong unit, and
 * where. */
MM1_NODISCARD mm1_status mm1__json_msg(const struct mm1__json_node *node,
                                       const struct mm1_msg_type *type,
                                       const struct mm1_msg_registry *registry,
                                       struct mm1_alloc *alloc, void **out, size_t *size);

#endif
