/* Names, the entries of each, and the order in which their time ends. */
#include "base/order.h"
#include "kit/names_table.h"

struct name {
    struct mm1_tree_node node; /* in the names */
    struct mm1_tree entries;   /* by address; never empty */
    bool exclusive;
    size_t size;
    char text[];
};

struct entry {
    struct mm1_tree_node node;   /* in its name */
    struct mm1_tree_node ending; /* in the endings */
    struct name *name;
    mm1_addr addr;
    uint64_t end; /* valid before */
    uint64_t birth;
};

static struct name *name_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct name, node);
}

static struct entry *entry_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct entry, node);
}

static struct entry *ending_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct entry, ending);
}

static struct mm1_text text_of(const struct name *name)
{
    return (struct mm1_text){.data = name->text, .size = name->size};
}

static int compare_names(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1_text_compare(text_of(name_of(a)), text_of(name_of(b)));
}

static int compare_name_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1_text_compare(*(const struct mm1_text *)key, text_of(name_of(node)));
}

static int compare_entries(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(entry_of(a)->addr.bits, entry_of(b)->addr.bits);
}

static int compare_entry_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(((const mm1_addr *)key)->bits, entry_of(node)->addr.bits);
}

static int compare_endings(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    const struct entry *left = ending_of(a);
    const struct entry *right = ending_of(b);
    int order = mm1__order_u64(left->end, right->end);
    return order != 0 ? order : mm1__order_u64(left->birth, right->birth);
}

static struct name *find_name(const struct mm1__names *names, struct mm1_text text)
{
    struct mm1_tree_node *node = mm1_tree_find(&names->names, &text, compare_name_key);
    return node == NULL ? NULL : name_of(node);
}

static struct entry *find_entry(const struct name *name, mm1_addr addr)
{
    struct mm1_tree_node *node = mm1_tree_find(&name->entries, &addr, compare_entry_key);
    return node == NULL ? NULL : entry_of(node);
}

static void drop_entry(struct mm1__names *names, struct entry *entry)
{
    struct name *name = entry->name;
    mm1_tree_remove(&names->endings, &entry->ending);
    mm1_tree_remove(&name->entries, &entry->node);
    mm1_give(names->alloc, entry, sizeof(*entry));
    if (mm1_tree_count(&name->entries) == 0) {
        mm1_tree_remove(&names->names, &name->node);
        mm1_give(names->alloc, name, sizeof(*name) + name->size);
    }
}

/* Drops the entries whose time is over. */
static void sweep(struct mm1__names *names, uint64_t now)
{
    struct mm1_tree_node *first;
    while ((first = mm1_tree_first(&names->endings)) != NULL && ending_of(first)->end <= now) {
        drop_entry(names, ending_of(first));
    }
}

void mm1__names_open(struct mm1__names *names, struct mm1_alloc *alloc)
{
    *names = (struct mm1__names){
        .alloc = alloc, .names = MM1_TREE(compare_names), .endings = MM1_TREE(compare_endings)};
}

void mm1__names_shut(struct mm1__names *names)
{
    struct mm1_tree_node *first;
    while ((first = mm1_tree_first(&names->endings)) != NULL) {
        drop_entry(names, ending_of(first));
    }
}

/* Null when memory is refused. */
static struct name *name_new(struct mm1__names *names, struct mm1_text text, bool exclusive)
{
    struct name *name = mm1_take(names->alloc, sizeof(*name) + text.size);
    if (name != NULL) {
        *name = (struct name){
            .entries = MM1_TREE(compare_entries), .exclusive = exclusive, .size = text.size};
        if (text.size != 0) {
            memcpy(name->text, text.data, text.size);
        }
    }
    return name;
}

/* A new entry of `name`, or, where it is null, of a new one. */
static mm1_status enter(struct mm1__names *names, struct name *name, struct mm1_text text,
                        mm1_addr addr, bool exclusive, uint64_t end)
{
    struct entry *entry = mm1_take(names->alloc, sizeof(*entry));
    if (entry == NULL) {
        return MM1_NOMEM;
    }
    if (name == NULL) {
        name = name_new(names, text, exclusive);
        if (name == NULL) {
            mm1_give(names->alloc, entry, sizeof(*entry));
            return MM1_NOMEM;
        }
        (void)mm1_tree_insert(&names->names, &name->node);
    }
    *entry = (struct entry){.name = name, .addr = addr, .end = end, .birth = ++names->births};
    (void)mm1_tree_insert(&name->entries, &entry->node);
    (void)mm1_tree_insert(&names->endings, &entry->ending);
    return MM1_OK;
}

mm1_status mm1__names_register(struct mm1__names *names, uint64_t now, struct mm1_text text,
                               mm1_addr addr, bool exclusive, uint64_t ttl)
{
    uint64_t end = ttl > UINT64_MAX - now ? now : now + ttl;
    sweep(names, now);
    struct name *name = find_name(names, text);
    struct entry *entry = name == NULL ? NULL : find_entry(name, addr);
    if (name != NULL && (name->exclusive != exclusive || (exclusive && entry == NULL))) {
        return MM1_CONFLICT;
    }
    if (entry == NULL) {
        return enter(names, name, text, addr, exclusive, end);
    }
    mm1_tree_remove(&names->endings, &entry->ending);
    entry->end = end;
    (void)mm1_tree_insert(&names->endings, &entry->ending);
    return MM1_OK;
}

mm1_status mm1__names_unregister(struct mm1__names *names, uint64_t now, struct mm1_text text,
                                 mm1_addr addr)
{
    sweep(names, now);
    struct name *name = find_name(names, text);
    struct entry *entry = name == NULL ? NULL : find_entry(name, addr);
    if (name == NULL || (name->exclusive && entry == NULL)) {
        return MM1_NOT_FOUND;
    }
    if (entry != NULL) {
        drop_entry(names, entry);
    }
    return MM1_OK;
}

mm1_status mm1__names_resolve(struct mm1__names *names, uint64_t now, struct mm1_text text,
                              struct mm1_name_entry **entries, size_t *count)
{
    sweep(names, now);
    *entries = NULL;
    *count = 0;
    const struct name *name = find_name(names, text);
    if (name == NULL) {
        return MM1_OK;
    }
    struct mm1_name_entry *list =
        mm1_take(names->alloc, mm1_tree_count(&name->entries) * sizeof(*list));
    if (list == NULL) {
        return MM1_NOMEM;
    }
    MM1_TREE_FOREACH(node, &name->entries) {
        const struct entry *entry = entry_of(node);
        list[(*count)++] = (struct mm1_name_entry){.addr = entry->addr, .ttl = entry->end - now};
    }
    *entries = list;
    return MM1_OK;
}
