/* Spawning: a slot, a path, a state, and a first item. */
#include "base/order.h"
#include "core/core.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_of(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, const struct mm1__name, node)->hash;
}

static int compare_names(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1__order_u64(hash_of(a), hash_of(b));
}

static int compare_name_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, hash_of(node));
}

/* How often a child of that name was born, this birth included; 0 when memory is refused. */
static uint32_t next_ordinal(struct mm1_node *node, struct mm1__bonds *bonds, struct mm1_text name,
                             bool named)
{
    uint64_t hash = XXH3_64bits_withSeed(name.data, name.size, named ? 1 : 0);
    bonds->names.compare = compare_names;
    struct mm1_tree_node *found = mm1_tree_find(&bonds->names, &hash, compare_name_key);
    if (found == NULL) {
        struct mm1__name *record = mm1_take_zero(node->env.alloc, sizeof(*record));
        if (record == NULL) {
            return 0;
        }
        record->hash = hash;
        found = &record->node;
        (void)mm1_tree_insert(&bonds->names, found);
    }
    return ++MM1_CONTAINER_OF(found, struct mm1__name, node)->count;
}

void mm1__names_close(struct mm1_node *node, struct mm1__bonds *bonds)
{
    MM1_TREE_FOREACH(tree_node, &bonds->names) {
        struct mm1__name *record = MM1_CONTAINER_OF(tree_node, struct mm1__name, node);
        mm1_tree_remove(&bonds->names, tree_node);
        mm1_give(node->env.alloc, record, sizeof(*record));
    }
}

/* What a birth takes before anything is visible. */
struct birth {
    struct mm1_path *path;
    void *state;
    struct mm1__item *start;
    struct mm1__bonds *bonds;     /* of the child */
    struct mm1__signal *to_child; /* the parent's record of the link */
    struct mm1__signal *to_parent;
};

static mm1_status start_item(struct mm1_node *node, const struct mm1_spawn *spawn,
                             struct mm1__item **out)
{
    if (spawn->arg_type != NULL && spawn->arg != NULL) {
        MM1_TRY(mm1__item_new(node, spawn->arg_type, spawn->arg, out));
    } else {
        size_t size = spawn->arg == NULL ? 0 : spawn->arg_size;
        struct mm1__item *item = mm1_take(node->env.alloc, sizeof(*item) + size);
        if (item == NULL) {
            return MM1_NOMEM;
        }
        *item = (struct mm1__item){.block_size = sizeof(*item) + size};
        if (size != 0) {
            memcpy((uint8_t *)item + sizeof(*item), spawn->arg, size);
            item->env.msg = (uint8_t *)item + sizeof(*item);
        }
        *out = item;
    }
    (*out)->kind = MM1__START;
    return MM1_OK;
}

static mm1_status birth_path(struct mm1_node *node, struct mm1_ctx *parent,
                             const struct mm1_spawn *spawn, struct birth *birth)
{
    bool named = spawn->name != NULL;
    struct mm1_text name = mm1_text_of(named ? spawn->name : spawn->behaviour->name);
    struct mm1__bonds *bonds = parent == NULL ? &node->root_bonds : mm1__bonds_of(parent->actor);
    if (bonds == NULL) {
        return MM1_NOMEM;
    }
    uint32_t ordinal = next_ordinal(node, bonds, name, named);
    if (ordinal == 0) {
        return MM1_NOMEM;
    }
    birth->path = mm1_path_new(node->env.alloc, parent == NULL ? node->root : parent->actor->path,
                               name, named, ordinal);
    return birth->path == NULL ? MM1_NOMEM : MM1_OK;
}

static mm1_status birth_link(struct mm1_node *node, struct birth *birth)
{
    birth->bonds = mm1_take(node->env.alloc, sizeof(*birth->bonds));
    if (birth->bonds == NULL) {
        return MM1_NOMEM;
    }
    mm1__bonds_init(birth->bonds);
    MM1_TRY(mm1__signal_new(node, MM1__LINK, &birth->to_child));
    return mm1__signal_new(node, MM1__LINK, &birth->to_parent);
}

static mm1_status birth_prepare(struct mm1_node *node, struct mm1_ctx *parent,
                                const struct mm1_spawn *spawn, struct birth *birth)
{
    size_t state_size = spawn->behaviour->state_size;
    MM1_TRY(birth_path(node, parent, spawn, birth));
    if (state_size != 0) {
        birth->state = mm1_take_zero(node->env.alloc, state_size);
        if (birth->state == NULL) {
            return MM1_NOMEM;
        }
    }
    MM1_TRY(start_item(node, spawn, &birth->start));
    if (spawn->link && parent != NULL) {
        MM1_TRY(birth_link(node, birth));
    }
    return MM1_OK;
}

static void birth_undo(struct mm1_node *node, const struct mm1_spawn *spawn, struct birth *birth)
{
    mm1_path_drop(birth->path);
    mm1_give(node->env.alloc, birth->state, spawn->behaviour->state_size);
    mm1_give(node->env.alloc, birth->bonds, sizeof(*birth->bonds));
    if (birth->start != NULL) {
        mm1__item_free(node, birth->start);
    }
    if (birth->to_child != NULL) {
        mm1__item_free(node, &birth->to_child->item);
    }
    if (birth->to_parent != NULL) {
        mm1__item_free(node, &birth->to_parent->item);
    }
}

/* Begins a life in a slot whose token is held. */
static void begin(struct mm1_actor *actor, const struct mm1_spawn *spawn, struct birth *birth,
                  uint64_t parent, uint64_t address)
{
    actor->runnable.entity = birth->path->hash;
    actor->trap_exit = false;
    actor->started = false;
    actor->in_hand = NULL;
    actor->bound = false;
    atomic_store_explicit(&actor->inbox_size,
                          spawn->inbox_size == 0 ? MM1_INBOX_DEFAULT : spawn->inbox_size,
                          memory_order_relaxed);
    atomic_store_explicit(&actor->inbox, mm1__life(address), memory_order_relaxed);
    actor->urgent = (struct mm1__queue){.head = NULL};
    actor->queue = (struct mm1__queue){.head = NULL};
    actor->behaviour = spawn->behaviour;
    actor->state = birth->state;
    actor->path = birth->path;
    actor->bonds = birth->bonds;
    actor->parent = parent;
    actor->next_ref = 0;
    actor->draws = 0;
    atomic_store(&actor->live, address + 1);
}

mm1_status mm1__spawn(struct mm1_node *node, struct mm1_ctx *parent, const struct mm1_spawn *spawn,
                      mm1_addr *out)
{
    if (atomic_load(&node->refuse_spawns)) {
        return MM1_RESOURCE;
    }
    struct birth birth = {.path = NULL};
    struct mm1_actor *actor;
    uint64_t address;
    mm1_status status = birth_prepare(node, parent, spawn, &birth);
    if (status == MM1_OK) {
        status = mm1__slot_take(node, &actor, &address);
    }
    if (status != MM1_OK) {
        birth_undo(node, spawn, &birth);
        return status;
    }
    uint64_t parent_address = parent == NULL ? 0 : mm1__address(parent->actor);
    begin(actor, spawn, &birth, parent_address, address);
    if (birth.to_child != NULL) {
        mm1__link_enter(actor, birth.to_parent, parent_address);
        (void)mm1__bonds_of(parent->actor);
        mm1__link_enter(parent->actor, birth.to_child, address);
    }
    (void)atomic_fetch_add(&node->actors, 1);
    if (parent == NULL) {
        atomic_store(&node->main_ended, false);
        atomic_store(&node->main_live, address + 1);
    }
    *out = MM1_ADDR(address);
    struct mm1__item *start = birth.start;
    start->route = address;
    start->from = parent_address;
    start->background = parent != NULL && parent->background;
    start->env.trace_id = parent == NULL ? 0 : parent->trace_id;
    start->env.to = *out;
    mm1__item_enlist(node, start);
    if (mm1__traced(node)) {
        struct mm1_event event = {
            .kind = MM1_EVENT_SPAWN,
            .other = actor->path,
            .peer = *out,
            .signal = start->number,
            .type = start->env.type,
            .msg = start->env.type == NULL ? NULL : start->env.msg,
            .text = mm1_text_of(spawn->behaviour->name),
        };
        start->cause = parent != NULL ? mm1__emit(parent, &event)
                                      : node->env.trace->ops->emit(node->env.trace, &event);
    }
    mm1__enqueue(&actor->urgent, start); /* no priority message may come before init */
    node->env.sched->ops->ready(node->env.sched, &actor->runnable);
    return MM1_OK;
}

mm1_status mm1_spawn(struct mm1_ctx *ctx, const struct mm1_spawn *spawn, mm1_addr *out)
{
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_SPAWN,
        .type = spawn->arg_type,
        .msg = spawn->arg_type == NULL ? NULL : spawn->arg,
        .data = mm1_bytes_of_text(
            mm1_text_of(spawn->name != NULL ? spawn->name : spawn->behaviour->name)),
    };
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        *out = MM1_ADDR(answer.value);
        return answer.status;
    }
    mm1_status status = mm1__spawn(ctx->node, ctx, spawn, out);
    if (status != MM1_OK) {
        mm1__emit_verb(ctx, &effect, status);
    }
    return status;
}

mm1_status mm1_node_spawn(struct mm1_node *node, const struct mm1_spawn *spawn, mm1_addr *out)
{
    return mm1__spawn(node, NULL, spawn, out);
}
