/* Who is where: slots and their addresses, and the table of bound subnets. Lookups take no lock. */
#include "core/core.h"

void mm1__lock(struct mm1_node *node)
{
    while (!node->one_thread &&
           atomic_flag_test_and_set_explicit(&node->lock, memory_order_acquire)) {
    }
}

void mm1__unlock(struct mm1_node *node)
{
    if (!node->one_thread) {
        atomic_flag_clear_explicit(&node->lock, memory_order_release);
    }
}

/* --- slots ---------------------------------------------------------------------------------------------------- */

static uint64_t life_address(const struct mm1_node *node, const struct mm1_actor *actor)
{
    uint64_t blocks = (~node->auto_bits >> node->block_bits) + 1;
    uint64_t generation = node->first_generation + actor->generation;
    uint64_t block = (generation * node->slots_max + actor->slot) & (blocks - 1);
    return node->auto_first + (block << node->block_bits);
}

/* The address of the next life in a slot: slots and generations number the blocks from the one drawn at the start of
 * the node, round the subnet, past the well-known addresses, and 0, which stands for what comes from outside. */
static uint64_t next_address(const struct mm1_node *node, struct mm1_actor *actor)
{
    uint64_t address;
    do {
        address = life_address(node, actor);
        actor->generation++;
    } while (address == 0 || mm1_net_contains(MM1_NET_WELL_KNOWN, MM1_ADDR(address)));
    return address;
}

/* A slot that was never used. Only it is set to zero, not its page: the memory of a page is touched as it is needed. */
static struct mm1_actor *fresh_slot(struct mm1_node *node)
{
    uint32_t slot = atomic_load_explicit(&node->slots_used, memory_order_relaxed);
    if (slot == node->slots_max) {
        return NULL;
    }
    _Atomic(struct mm1_actor *) *place = &node->pages[slot / MM1__PAGE_SLOTS];
    struct mm1_actor *page = atomic_load_explicit(place, memory_order_relaxed);
    if (page == NULL) {
        page = mm1_take(node->env.alloc, MM1__PAGE_SLOTS * sizeof(*page));
        if (page == NULL) {
            return NULL;
        }
        atomic_store_explicit(place, page, memory_order_relaxed);
    }
    struct mm1_actor *actor = &page[slot % MM1__PAGE_SLOTS];
    memset(actor, 0, sizeof(*actor));
    actor->slot = slot;
    actor->runnable.node = node;
    atomic_store_explicit(&node->slots_used, slot + 1, memory_order_release);
    return actor;
}

/* The first free slot whose token nobody holds. A late sender may still have one under way. */
static struct mm1_actor *freed_slot(struct mm1_node *node)
{
    uint32_t *link = &node->free_slot;
    uint32_t before = 0;
    while (*link != 0) {
        struct mm1_actor *actor = mm1__slot(node, *link - 1);
        if (!atomic_exchange_explicit(&actor->token, true, memory_order_acq_rel)) {
            *link = actor->free_next;
            node->free_last = actor->free_next == 0 ? before : node->free_last;
            return actor;
        }
        before = actor->slot + 1;
        link = &actor->free_next;
    }
    return NULL;
}

/* Whether a page that is there has slots that were never used. They come first, so that addresses come back late. */
static bool page_begun(const struct mm1_node *node)
{
    return atomic_load_explicit(&node->slots_used, memory_order_relaxed) % MM1__PAGE_SLOTS != 0;
}

mm1_status mm1__slot_take(struct mm1_node *node, struct mm1_actor **out, uint64_t *address)
{
    mm1__lock(node);
    struct mm1_actor *actor = page_begun(node) ? fresh_slot(node) : NULL;
    if (actor != NULL) {
        atomic_store_explicit(&actor->token, true, memory_order_relaxed);
    } else {
        actor = freed_slot(node);
    }
    if (actor == NULL) {
        bool full =
            atomic_load_explicit(&node->slots_used, memory_order_relaxed) == node->slots_max;
        actor = fresh_slot(node);
        if (actor == NULL) {
            mm1__unlock(node);
            return full ? MM1_RESOURCE : MM1_NOMEM;
        }
        atomic_store_explicit(&actor->token, true, memory_order_relaxed);
    }
    mm1__unlock(node);
    *address = next_address(node, actor);
    *out = actor;
    return MM1_OK;
}

void mm1__slot_give(struct mm1_node *node, struct mm1_actor *actor)
{
    mm1__lock(node);
    actor->free_next = 0;
    if (node->free_last == 0) {
        node->free_slot = actor->slot + 1;
    } else {
        mm1__slot(node, node->free_last - 1)->free_next = actor->slot + 1;
    }
    node->free_last = actor->slot + 1;
    mm1__unlock(node);
}

/* --- bound subnets -------------------------------------------------------------------------------------------- */

/* Index of the first row whose last address is not below `address`. */
static size_t bound_search(const struct mm1__bound_table *table, size_t count, uint64_t address)
{
    size_t low = 0;
    size_t high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (atomic_load(&table->rows[middle].last) < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct bound_row {
    uint64_t owner;
    struct mm1__permits *permits;
    uint32_t life;
};

static bool bound_find(const struct mm1_node *node, uint64_t address, struct bound_row *row)
{
    for (;;) {
        uint64_t seq = atomic_load(&node->bound_seq);
        if (seq % 2 != 0) {
            continue;
        }
        const struct mm1__bound_table *table = atomic_load(&node->bounds);
        size_t count = atomic_load(&node->bound_count);
        if (count == 0) {
            return false;
        }
        /* A writer may be at work: stay within the table whatever the count says. */
        count = count < table->capacity ? count : table->capacity;
        size_t at = bound_search(table, count, address);
        bool found = at < count && atomic_load(&table->rows[at].first) <= address;
        if (found) {
            row->owner = atomic_load(&table->rows[at].owner);
            row->permits = atomic_load(&table->rows[at].permits);
            row->life = atomic_load(&table->rows[at].life);
        }
        if (atomic_load(&node->bound_seq) == seq) {
            return found;
        }
    }
}

static void row_copy(struct mm1__bound *to, struct mm1__bound *from)
{
    atomic_store(&to->first, atomic_load(&from->first));
    atomic_store(&to->last, atomic_load(&from->last));
    atomic_store(&to->owner, atomic_load(&from->owner));
    atomic_store(&to->permits, atomic_load(&from->permits));
    atomic_store(&to->life, atomic_load(&from->life));
}

static mm1_status bound_grow(struct mm1_node *node)
{
    struct mm1__bound_table *old = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    if (old != NULL && count < old->capacity) {
        return MM1_OK;
    }
    size_t capacity = old == NULL ? 8 : 2 * old->capacity;
    struct mm1__bound_table *table =
        mm1_take_zero(node->env.alloc, sizeof(*table) + capacity * sizeof(table->rows[0]));
    if (table == NULL) {
        return MM1_NOMEM;
    }
    table->older = old;
    table->capacity = capacity;
    for (size_t i = 0; i < count; i++) {
        row_copy(&table->rows[i], &old->rows[i]);
    }
    atomic_store(&node->bounds, table);
    return MM1_OK;
}

/* With the lock held. Null when memory is refused. */
static struct mm1__permits *permits_take(struct mm1_node *node, uint32_t size)
{
    struct mm1__permits *permits = node->permits_free;
    if (permits != NULL) {
        node->permits_free = permits->next;
    } else {
        permits = mm1_take_zero(node->env.alloc, sizeof(*permits));
        if (permits == NULL) {
            return NULL;
        }
    }
    atomic_store_explicit(&permits->inbox.size, size, memory_order_relaxed);
    atomic_store_explicit(&permits->inbox.closed, false, memory_order_relaxed);
    atomic_store_explicit(&permits->inbox.taken, (uint64_t)++node->permit_lives << 32,
                          memory_order_relaxed);
    return permits;
}

/* With the lock held. They belong to no life while they are free. */
static void permits_give(struct mm1_node *node, struct mm1__permits *permits)
{
    atomic_store_explicit(&permits->inbox.taken, 0, memory_order_relaxed);
    permits->next = node->permits_free;
    node->permits_free = permits;
}

/* With the lock held: makes room at `at` and enters the row. */
static void bound_enter(struct mm1_node *node, size_t at, struct mm1_net net, uint64_t owner,
                        struct mm1__permits *permits)
{
    struct mm1__bound_table *table = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    atomic_fetch_add(&node->bound_seq, 1);
    for (size_t i = count; i > at; i--) {
        row_copy(&table->rows[i], &table->rows[i - 1]);
    }
    atomic_store(&table->rows[at].first, mm1_net_first(net).bits);
    atomic_store(&table->rows[at].last, mm1_net_last(net).bits);
    atomic_store(&table->rows[at].owner, owner);
    atomic_store(&table->rows[at].permits, permits);
    atomic_store(&table->rows[at].life, node->permit_lives);
    atomic_store(&node->bound_count, count + 1);
    atomic_fetch_add(&node->bound_seq, 1);
}

static bool is_well_known(struct mm1_net net)
{
    return net.mask >= MM1_NET_WELL_KNOWN.mask && mm1_net_overlaps(net, MM1_NET_WELL_KNOWN);
}

mm1_status mm1__bound_add(struct mm1_node *node, struct mm1_net net, uint64_t owner,
                          uint32_t inbox_size)
{
    if (mm1_net_overlaps(net, node->auto_net) && !is_well_known(net)) {
        return MM1_CONFLICT;
    }
    mm1__lock(node);
    mm1_status status = bound_grow(node);
    if (status == MM1_OK) {
        const struct mm1__bound_table *table = atomic_load(&node->bounds);
        size_t count = atomic_load(&node->bound_count);
        size_t at = bound_search(table, count, mm1_net_first(net).bits);
        struct mm1__permits *permits = NULL;
        if (at < count && atomic_load(&table->rows[at].first) <= mm1_net_last(net).bits) {
            status = MM1_CONFLICT;
        } else if ((permits = permits_take(node, inbox_size)) == NULL) {
            status = MM1_NOMEM;
        } else {
            bound_enter(node, at, net, owner, permits);
        }
    }
    mm1__unlock(node);
    return status;
}

void mm1__bound_shut(struct mm1_node *node, uint64_t owner)
{
    mm1__lock(node);
    const struct mm1__bound_table *table = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&table->rows[i].owner) == owner) {
            atomic_store(&atomic_load(&table->rows[i].permits)->inbox.closed, true);
        }
    }
    mm1__unlock(node);
}

void mm1__bound_remove_all(struct mm1_node *node, uint64_t owner)
{
    mm1__lock(node);
    struct mm1__bound_table *table = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    size_t kept = 0;
    atomic_fetch_add(&node->bound_seq, 1);
    for (size_t i = 0; i < count; i++) {
        if (atomic_load(&table->rows[i].owner) != owner) {
            row_copy(&table->rows[kept++], &table->rows[i]);
        } else {
            permits_give(node, atomic_load(&table->rows[i].permits));
        }
    }
    atomic_store(&node->bound_count, kept);
    atomic_fetch_add(&node->bound_seq, 1);
    mm1__unlock(node);
}

void mm1__bound_close(struct mm1_node *node)
{
    struct mm1__bound_table *table = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    for (size_t i = 0; i < count; i++) {
        permits_give(node, atomic_load(&table->rows[i].permits));
    }
    while (node->permits_free != NULL) {
        struct mm1__permits *permits = node->permits_free;
        node->permits_free = permits->next;
        mm1_give(node->env.alloc, permits, sizeof(*permits));
    }
    while (table != NULL) {
        struct mm1__bound_table *older = table->older;
        mm1_give(node->env.alloc, table, sizeof(*table) + table->capacity * sizeof(table->rows[0]));
        table = older;
    }
}

/* --- where an address leads ----------------------------------------------------------------------------------- */

static enum mm1__where resolve_bound(const struct mm1_node *node, uint64_t to,
                                     struct mm1__place *place)
{
    struct bound_row row;
    if (!bound_find(node, to, &row)) {
        return MM1__NOBODY;
    }
    *place = (struct mm1__place){.actor = mm1__live(node, row.owner),
                                 .main = mm1__block(node, row.owner),
                                 .at = row.owner,
                                 .inbox = &row.permits->inbox,
                                 .life = row.life};
    return place->actor == NULL ? MM1__NOBODY : MM1__ACTOR;
}

static bool in_locals(const struct mm1_node *node, mm1_addr to)
{
    for (size_t i = 0; i < node->local_count; i++) {
        if (mm1_net_contains(node->locals[i], to)) {
            return true;
        }
    }
    return mm1_net_contains(MM1_NET_WELL_KNOWN, to);
}

enum mm1__where mm1__resolve_other(const struct mm1_node *node, mm1_addr to,
                                   struct mm1__place *place)
{
    if (mm1__in_auto(node, to.bits) && !mm1_net_contains(MM1_NET_WELL_KNOWN, to)) {
        return MM1__NOBODY;
    }
    if (resolve_bound(node, to.bits, place) == MM1__ACTOR) {
        return MM1__ACTOR;
    }
    return mm1__is_local(node, to) ? MM1__NOBODY : MM1__UNROUTED;
}

bool mm1__is_local(const struct mm1_node *node, mm1_addr addr)
{
    return mm1__in_auto(node, addr.bits) || in_locals(node, addr);
}

bool mm1_is_local(const struct mm1_ctx *ctx, mm1_addr addr)
{
    return mm1__is_local(ctx->node, addr);
}

/* Who serves the addresses of another node is not their owner. */
bool mm1_owner(const struct mm1_ctx *ctx, mm1_addr addr, mm1_addr *owner)
{
    struct mm1__place place;
    if (!mm1_is_local(ctx, addr) || mm1__resolve(ctx->node, addr, &place) != MM1__ACTOR) {
        return false;
    }
    *owner = MM1_ADDR(place.at);
    return true;
}
