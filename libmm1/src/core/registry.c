/* Who is where: slots and their addresses, and the table of bound subnets. Lookups take no lock. */
#include "core/core.h"

void mm1__lock(struct mm1_node *node)
{
    while (atomic_flag_test_and_set_explicit(&node->lock, memory_order_acquire)) {
    }
}

void mm1__unlock(struct mm1_node *node)
{
    atomic_flag_clear_explicit(&node->lock, memory_order_release);
}

/* --- slots ---------------------------------------------------------------------------------------------------- */

static uint64_t block_of(const struct mm1_node *node, uint64_t address)
{
    return (address - mm1_net_first(node->auto_net).bits) >> MM1__BLOCK_BITS;
}

static struct mm1_actor *slot_at(const struct mm1_node *node, uint32_t slot)
{
    if (slot >= atomic_load_explicit(&node->slots_used, memory_order_acquire)) {
        return NULL;
    }
    struct mm1_actor *page =
        atomic_load_explicit(&node->pages[slot / MM1__PAGE_SLOTS], memory_order_relaxed);
    return &page[slot % MM1__PAGE_SLOTS];
}

struct mm1_actor *mm1__slot_of(const struct mm1_node *node, uint64_t address)
{
    return slot_at(node, (uint32_t)(block_of(node, address) & (node->slots_max - 1)));
}

struct mm1_actor *mm1__live(const struct mm1_node *node, uint64_t address)
{
    if (!mm1_net_contains(node->auto_net, MM1_ADDR(address))) {
        return NULL;
    }
    struct mm1_actor *actor = mm1__slot_of(node, address);
    if (actor == NULL) {
        return NULL;
    }
    uint64_t live = atomic_load_explicit(&actor->live, memory_order_acquire);
    return live != 0 && live - 1 == address ? actor : NULL; /* the last address + 1 is 0 */
}

/* The address of the next life in a slot: slots and generations number the blocks from the one drawn at the start of
 * the node, round the subnet. */
static uint64_t next_address(const struct mm1_node *node, const struct mm1_actor *actor)
{
    uint64_t blocks = (~mm1_mask_bits(node->auto_net.mask) >> MM1__BLOCK_BITS) + 1;
    uint64_t generation = node->first_generation + actor->generation;
    uint64_t block = (generation * node->slots_max + actor->slot) & (blocks - 1);
    return mm1_net_first(node->auto_net).bits + (block << MM1__BLOCK_BITS);
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
        struct mm1_actor *actor = slot_at(node, *link - 1);
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
    actor->generation++;
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
        slot_at(node, node->free_last - 1)->free_next = actor->slot + 1;
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

static bool bound_find(const struct mm1_node *node, uint64_t address, uint64_t *owner)
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
        *owner = found ? atomic_load(&table->rows[at].owner) : 0;
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

mm1_status mm1__bound_add(struct mm1_node *node, struct mm1_net net, uint64_t owner)
{
    uint64_t first = mm1_net_first(net).bits;
    uint64_t last = mm1_net_last(net).bits;
    if (mm1_net_overlaps(net, node->auto_net)) {
        return MM1_CONFLICT;
    }
    mm1__lock(node);
    mm1_status status = bound_grow(node);
    struct mm1__bound_table *table = atomic_load(&node->bounds);
    size_t count = atomic_load(&node->bound_count);
    size_t at = status == MM1_OK ? bound_search(table, count, first) : 0;
    if (status == MM1_OK && at < count && atomic_load(&table->rows[at].first) <= last) {
        status = MM1_CONFLICT;
    }
    if (status == MM1_OK) {
        atomic_fetch_add(&node->bound_seq, 1);
        for (size_t i = count; i > at; i--) {
            row_copy(&table->rows[i], &table->rows[i - 1]);
        }
        atomic_store(&table->rows[at].first, first);
        atomic_store(&table->rows[at].last, last);
        atomic_store(&table->rows[at].owner, owner);
        atomic_store(&node->bound_count, count + 1);
        atomic_fetch_add(&node->bound_seq, 1);
    }
    mm1__unlock(node);
    return status;
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
        }
    }
    atomic_store(&node->bound_count, kept);
    atomic_fetch_add(&node->bound_seq, 1);
    mm1__unlock(node);
}

void mm1__bound_close(struct mm1_node *node)
{
    struct mm1__bound_table *table = atomic_load(&node->bounds);
    while (table != NULL) {
        struct mm1__bound_table *older = table->older;
        mm1_give(node->env.alloc, table, sizeof(*table) + table->capacity * sizeof(table->rows[0]));
        table = older;
    }
}

enum mm1__where mm1__resolve(const struct mm1_node *node, mm1_addr to, uint64_t *main, bool *direct)
{
    if (mm1_net_contains(node->auto_net, to)) {
        *direct = true;
        *main = to.bits;
        return mm1__live(node, to.bits) != NULL ? MM1__ACTOR : MM1__NOBODY;
    }
    *direct = false;
    if (bound_find(node, to.bits, main)) {
        return MM1__ACTOR;
    }
    for (size_t i = 0; i < node->local_count; i++) {
        if (mm1_net_contains(node->locals[i], to)) {
            return MM1__NOBODY;
        }
    }
    return MM1__UNROUTED;
}
