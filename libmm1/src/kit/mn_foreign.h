/* The types that a peer declared on one connection: its keys, and what they are here. */
#ifndef MM1_KIT_MN_FOREIGN_H
#define MM1_KIT_MN_FOREIGN_H

#include <mm1/bytes.h>

#include "base/tree.h"
#include "kit/mn_pdu.h"

#define MM1_MN_FOREIGN_MAX 65536u    /* types of one peer */
#define MM1_MN_FOREIGN_NAME_MAX 120u /* bytes of a name that are kept, for logs */
#define MM1_MN_NO_TYPE UINT32_MAX

struct mm1_mn_foreign_type {
    struct mm1_tree_node node;
    uint64_t key;
    uint32_t type; /* index in the node's registry; MM1_MN_NO_TYPE: this node does not know it */
    bool noted;    /* a message of it was dropped and logged */
    uint8_t name_size;
    char name[MM1_MN_FOREIGN_NAME_MAX];
};

struct mm1_mn_foreign {
    struct mm1_alloc *alloc;
    struct mm1_tree tree;
};

void mm1__mn_foreign_init(struct mm1_mn_foreign *foreign, struct mm1_alloc *alloc);
void mm1__mn_foreign_close(struct mm1_mn_foreign *foreign);
/* MM1_CONFLICT: the key is declared already. MM1_TOO_LARGE, MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__mn_foreign_add(struct mm1_mn_foreign *foreign, struct mm1_mn_key key,
                                             uint32_t type, struct mm1_text name);
/* Null: the key is not declared. */
struct mm1_mn_foreign_type *mm1__mn_foreign_find(const struct mm1_mn_foreign *foreign,
                                                 struct mm1_mn_key key);

#endif
