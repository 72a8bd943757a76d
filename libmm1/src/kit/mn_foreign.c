/* The table of a peer's types. */
#include "kit/mn_foreign.h"

static struct mm1_mn_foreign_type *type_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1_mn_foreign_type, node);
}

static int compare_key(const void *key, const struct mm1_tree_node *node)
{
    uint64_t a = *(const uint64_t *)key;
    uint64_t b = type_of(node)->key;
    return (a > b) - (a < b);
}

static int compare(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_key(&type_of(a)->key, b);
}

static uint64_t key_bits(struct mm1_mn_key key)
{
    return (uint64_t)key.idx << 32 | key.version;
}

void mm1__mn_foreign_init(struct mm1_mn_foreign *foreign, struct mm1_alloc *alloc)
{
    *foreign = (struct mm1_mn_foreign){.alloc = alloc, .tree = MM1_TREE(compare)};
}

void mm1__mn_foreign_close(struct mm1_mn_foreign *foreign)
{
    MM1_TREE_FOREACH(node, &foreign->tree) {
        mm1_tree_remove(&foreign->tree, node);
        mm1_give(foreign->alloc, type_of(node), sizeof(struct mm1_mn_foreign_type));
    }
}

mm1_status mm1__mn_foreign_add(struct mm1_mn_foreign *foreign, struct mm1_mn_key key, uint32_t type,
                               struct mm1_text name)
{
    if (mm1_tree_count(&foreign->tree) == MM1_MN_FOREIGN_MAX) {
        return MM1_TOO_LARGE;
    }
    struct mm1_mn_foreign_type *entry = mm1_take(foreign->alloc, sizeof(*entry));
    if (entry == NULL) {
        return MM1_NOMEM;
    }
    *entry = (struct mm1_mn_foreign_type){.key = key_bits(key), .type = type};
    entry->name_size = (uint8_t)(name.size < sizeof(entry->name) ? name.size : sizeof(entry->name));
    if (entry->name_size != 0) {
        memcpy(entry->name, name.data, entry->name_size);
    }
    if (mm1_tree_insert(&foreign->tree, &entry->node) != NULL) {
        mm1_give(foreign->alloc, entry, sizeof(*entry));
        return MM1_CONFLICT;
    }
    return MM1_OK;
}

struct mm1_mn_foreign_type *mm1__mn_foreign_find(const struct mm1_mn_foreign *foreign,
                                                 struct mm1_mn_key key)
{
    uint64_t bits = key_bits(key);
    struct mm1_tree_node *node = mm1_tree_find(&foreign->tree, &bits, compare_key);
    return node == NULL ? NULL : type_of(node);
}
