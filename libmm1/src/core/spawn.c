/* Spawning: a slot, a path, a state, and a first item. */
#include "base/order.h"
#include "core/core.h"
#include "core/metrics.h"

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
    struct mm1__signal *to_child; /* the parent's record of the link */
    struct mm1__signal *to_parent;
    struct mm1__signal *started; /* where the parent waits for it */
    struct mm1__signal *spare;   /* where the link ends then */
    struct mm1__signal *watch;   /* the parent's record of it */
    struct mm1__signal *watcher; /* the child's */
};

static struct mm1_text name_of(const struct mm1_spawn *spawn)
{
    return mm1_text_of(spawn->name != NULL ? spawn->name : spawn->behaviour->name);
}

static mm1_status birth_path(struct mm1_node *node, struct mm1_ctx *parent,
                             const struct mm1_spawn *spawn, struct birth *birth)
{
    bool named = spawn->name != NULL;
    struct mm1_text name = name_of(spawn);
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

static mm1_status birth_link(struct mm1_node *node, const struct mm1_spawn *spawn,
                             struct birth *birth)
{
    MM1_TRY(mm1__signal_new(node, MM1__LINK, &birth->to_child));
    MM1_TRY(mm1__signal_new(node, MM1__LINK, &birth->to_parent));
    if (spawn->start != 0) {
        MM1_TRY(mm1__signal_new(node, MM1__STARTED, &birth->started));
    }
    if (spawn->start != 0 && !spawn->link) {
        MM1_TRY(mm1__signal_new(node, MM1__UNLINK, &birth->spare));
    }
    return MM1_OK;
}

static mm1_status birth_watch(struct mm1_node *node, struct birth *birth)
{
    MM1_TRY(mm1__signal_new(node, MM1__UNWATCH, &birth->watch));
    return mm1__signal_new(node, MM1__WATCH, &birth->watcher);
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
    MM1_TRY(mm1__start_new(node, spawn->arg_type, spawn->arg, spawn->arg_size, &birth->start));
    if ((spawn->link || spawn->start != 0) && parent != NULL) {
        MM1_TRY(birth_link(node, spawn, birth));
    }
    if (spawn->watch != 0) {
        MM1_TRY(birth_watch(node, birth));
    }
    return MM1_OK;
}

static void birth_undo(struct mm1_node *node, const struct mm1_spawn *spawn, struct birth *birth)
{
    struct mm1__signal *const signals[] = {birth->to_child, birth->to_parent, birth->started,
                                           birth->spare,    birth->watch,     birth->watcher};
    mm1_path_drop(birth->path);
    mm1_give(node->env.alloc, birth->state, spawn->behaviour->state_size);
    if (birth->start != NULL) {
        mm1__item_free(node, birth->start);
    }
    for (size_t i = 0; i < MM1_COUNT_OF(signals); i++) {
        if (signals[i] != NULL) {
            mm1__item_free(node, &signals[i]->item);
        }
    }
}

/* What the configuration says of the actor's path, else the spawn, else what holds for all. */
static void begin_settings(struct mm1_actor *actor, const struct mm1_actor *parent,
                           const struct mm1_spawn *spawn)
{
    const struct mm1_node *node = mm1__node_of(actor);
    bool own;
    const struct mm1__settings *settings = mm1__settings_find(node, parent, name_of(spawn), &own);
    actor->on_settings = own;
    uint32_t inbox_size = spawn->inbox_size == 0 ? MM1_INBOX_DEFAULT : spawn->inbox_size;
    actor->settings = settings;
    actor->runnable.pool = settings == NULL ? 0 : settings->pool;
    if (settings != NULL && settings->has_inbox_size) {
        inbox_size = settings->inbox_size;
    }
    atomic_store_explicit(&actor->inbox.size, inbox_size, memory_order_relaxed);
}

/* Begins a life in a slot whose token is held. */
static void begin(struct mm1_actor *actor, const struct mm1_ctx *parent,
                  const struct mm1_spawn *spawn, struct birth *birth, uint64_t address)
{
    actor->runnable.entity = birth->path->hash;
    actor->runnable.fiber = NULL;
    actor->trap_exit = false;
    actor->ignores = false;
    actor->in_hand = NULL;
    actor->in_turn = false;
    /* Where addresses come back, a flag for the last life is none for this one. */
    atomic_store_explicit(&actor->kill, 0, memory_order_relaxed);
    atomic_store_explicit(&actor->suspended, 0, memory_order_relaxed);
    actor->closing = false;
    begin_settings(actor, parent == NULL ? NULL : parent->actor, spawn);
    atomic_store_explicit(&actor->inbox.closed, false, memory_order_relaxed);
    atomic_store_explicit(&actor->inbox.taken, (uint64_t)mm1__life(address) << 32,
                          memory_order_relaxed);
    actor->urgent = (struct mm1__queue){.head = NULL};
    actor->queue = (struct mm1__queue){.head = NULL};
    actor->main = (struct mm1_ctx){.actor = actor,
                                   .node = mm1__node_of(actor),
                                   .address = address,
                                   .behaviour = spawn->behaviour,
                                   .state = birth->state};
    actor->path = birth->path;
    actor->started = birth->started;
    actor->links = (struct mm1_tree){.root = NULL};
    actor->watchers = (struct mm1_tree){.root = NULL};
    actor->bonds = NULL;
    actor->parent = parent == NULL ? 0 : mm1__address(parent->actor);
    actor->next_ref = 0;
    actor->draws = 0;
    actor->traces = 0;
    mm1__metric_spawn(actor, spawn->behaviour);
    atomic_store(&actor->live, address + 1);
}

/* The link that a child is born with, and what its parent waits for. */
static void begin_link(struct mm1_actor *actor, const struct mm1_ctx *parent,
                       const struct mm1_spawn *spawn, const struct birth *birth)
{
    uint64_t child_address = mm1__address(actor);
    uint64_t parent_address = mm1__address(parent->actor);
    if (birth->to_child == NULL) {
        return;
    }
    mm1__link_enter(actor, birth->to_parent, parent_address, child_address);
    if (birth->started != NULL) {
        birth->started->msg.started.start = spawn->start;
        birth->to_child->start = spawn->start;
        birth->to_child->ref = parent->address;
        birth->to_child->msg.spare = birth->spare;
    }
    mm1__link_enter(parent->actor, birth->to_child, child_address, parent_address);
}

/* The first item of a life, and the event of its birth. */
static void begin_start(struct mm1_actor *actor, struct mm1_ctx *parent,
                        const struct mm1_spawn *spawn, struct mm1__item *start)
{
    struct mm1_node *node = mm1__node_of(actor);
    start->route = actor->main.address;
    start->from = actor->parent;
    start->background = parent != NULL && parent->background;
    start->env.trace_id = parent == NULL ? mm1_trace_new(&actor->main) : parent->trace_id;
    start->env.to = MM1_ADDR(actor->main.address);
    mm1__item_enlist(node, start);
    if (mm1__traced(node)) {
        struct mm1_event event = {
            .kind = MM1_EVENT_SPAWN,
            .other = actor->path,
            .peer = start->env.to,
            .signal = start->number,
            .type = start->env.type,
            .msg = start->env.type == NULL ? NULL : start->env.msg,
            .text = mm1_text_of(spawn->behaviour->name),
        };
        start->cause = parent != NULL ? mm1__emit(parent, &event)
                                      : node->env.trace->ops->emit(node->env.trace, &event);
    }
    mm1__enqueue(&actor->urgent, start); /* no priority message may come before init */
}

mm1_status mm1__spawn(struct mm1_node *node, struct mm1_ctx *parent, const struct mm1_spawn *spawn,
                      mm1_addr *out)
{
    if (atomic_load(&node->refuse_spawns)) {
        return MM1_RESOURCE;
    }
    MM1_CHECK((spawn->start == 0 && spawn->watch == 0) || parent != NULL);
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
    begin(actor, parent, spawn, &birth, address);
    if (parent != NULL) {
        begin_link(actor, parent, spawn, &birth);
    }
    if (birth.watch != NULL) {
        mm1__watch_enter(parent, birth.watch, actor, birth.watcher, spawn->watch);
    }
    (void)atomic_fetch_add(&node->actors, 1);
    if (parent == NULL) {
        mm1__lock(node);
        atomic_store(&node->main_ended, false);
        atomic_store(&node->main_live, address + 1);
        mm1__unlock(node);
    }
    *out = MM1_ADDR(address);
    begin_start(actor, parent, spawn, birth.start);
    if (atomic_load(&node->refuse_spawns)) {
        /* Refused since it was asked above: mm1_node_exit_all may have passed this slot before anybody lived there. */
        atomic_store(&actor->kill_cause, 0);
        atomic_store(&actor->kill, address + 1);
    }
    (void)mm1__add(node, &node->awake, 1);
    node->env.sched->ops->ready(node->env.sched, &actor->runnable);
    return MM1_OK;
}

void mm1_init_done(struct mm1_ctx *ctx, mm1_addr addr)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_INIT_DONE, .target = addr};
    struct mm1_answer answer;
    if (!mm1__effect(ctx, &effect, &answer)) {
        return;
    }
    struct mm1__signal *started = ctx->actor->started;
    bool counts = started != NULL && ctx == &ctx->actor->main && !ctx->actor->ignores;
    mm1__emit_verb(ctx, &effect, counts ? MM1_OK : MM1_NOT_FOUND);
    if (counts) {
        ctx->actor->started = NULL;
        started->msg.started.addr = addr;
        mm1__signal_send(ctx, started, MM1__STARTED, ctx->actor->parent);
    }
}

void mm1_init_ignore(struct mm1_ctx *ctx)
{
    struct mm1_effect effect = {.kind = MM1_EFFECT_INIT_IGNORE};
    struct mm1_answer answer;
    bool called_in_a_turn_of_main = ctx->turn != NULL && ctx == &ctx->actor->main;
    MM1_CHECK(called_in_a_turn_of_main);
    if (mm1__effect(ctx, &effect, &answer) && !ctx->turn->quitting) {
        /* Its parent hears of it by the end itself, which needs no memory. */
        ctx->actor->ignores = ctx->actor->started != NULL;
        ctx->turn->quitting = true;
        ctx->turn->reason = MM1_NORMAL;
        mm1__emit_verb(ctx, &effect, ctx->actor->ignores ? MM1_OK : MM1_NOT_FOUND);
    }
}

mm1_status mm1_spawn(struct mm1_ctx *ctx, const struct mm1_spawn *spawn, mm1_addr *out)
{
    struct mm1_effect effect = {
        .kind = MM1_EFFECT_SPAWN,
        .type = spawn->arg_type,
        .msg = spawn->arg_type == NULL ? NULL : spawn->arg,
        .data = mm1_bytes_of_text(name_of(spawn)),
        .spawn = spawn,
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
