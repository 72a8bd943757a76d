/* A node from open to close. */
#include "core/core.h"
#include "core/metrics.h"

static bool nets_valid(const struct mm1_node_config *config, uint32_t block_bits)
{
    if (block_bits > 63 || config->auto_net.mask > 64 - block_bits) {
        return false;
    }
    if (config->auto_net.mask >= MM1_NET_WELL_KNOWN.mask &&
        mm1_net_overlaps(config->auto_net, MM1_NET_WELL_KNOWN)) {
        return false; /* nothing would be left for actors */
    }
    if (config->auto_net.mask == 64 - block_bits && mm1_net_first(config->auto_net).bits == 0) {
        return false; /* as above: 0 stands for what comes from outside */
    }
    for (size_t i = 0; i < config->local_count; i++) {
        if (config->locals[i].mask > 64 || mm1_net_overlaps(config->locals[i], config->auto_net)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (mm1_net_overlaps(config->locals[i], config->locals[j])) {
                return false;
            }
        }
    }
    return true;
}

/* What a node gets that does not say how many: 256 lives a slot, or 16 where the subnet is small, before an address
 * comes back. */
static uint64_t slots_wanted(uint64_t blocks)
{
    uint64_t least = blocks / 16 < MM1__PAGE_SLOTS ? blocks / 16 : MM1__PAGE_SLOTS;
    return blocks / 256 > least ? blocks / 256 : least;
}

/* The greatest power of two that is not above what is wanted, nor above the number of blocks. */
static uint32_t slots_for(const struct mm1_node_config *config, uint64_t blocks)
{
    uint64_t wanted = config->actors_max == 0 ? slots_wanted(blocks) : config->actors_max;
    if (config->actors_max == 0 && wanted > (uint64_t)1 << 21) {
        wanted = (uint64_t)1 << 21;
    }
    uint64_t slots = 1;
    while (slots * 2 <= wanted && slots * 2 <= blocks && slots < (uint64_t)1 << 30) {
        slots *= 2;
    }
    bool has_taken = mm1_net_overlaps(config->auto_net, MM1_NET_WELL_KNOWN) ||
                     mm1_net_first(config->auto_net).bits == 0;
    if (slots == blocks && has_taken) {
        slots /= 2; /* each slot has an address that an actor may have */
    }
    return (uint32_t)slots;
}

static uint64_t block_count(const struct mm1_node *node)
{
    return (~mm1_mask_bits(node->auto_net.mask) >> node->block_bits) + 1;
}

static mm1_status node_tables(struct mm1_node *node, const struct mm1_node_config *config)
{
    struct mm1_alloc *alloc = node->env.alloc;
    node->slots_max = slots_for(config, block_count(node));
    node->page_count = (node->slots_max + MM1__PAGE_SLOTS - 1) / MM1__PAGE_SLOTS;
    node->pages = mm1_take_zero(alloc, node->page_count * sizeof(node->pages[0]));
    if (node->pages == NULL) {
        return MM1_NOMEM;
    }
    if (config->local_count != 0) {
        node->locals = mm1_take(alloc, config->local_count * sizeof(node->locals[0]));
        if (node->locals == NULL) {
            return MM1_NOMEM;
        }
        memcpy(node->locals, config->locals, config->local_count * sizeof(node->locals[0]));
        node->local_count = config->local_count;
    }
    MM1_TRY(mm1__settings_open(node, config));
    node->root = mm1_path_new(alloc, NULL, config->name, true,
                              config->incarnation == 0 ? 1 : config->incarnation);
    return node->root == NULL ? MM1_NOMEM : MM1_OK;
}

static void node_free(struct mm1_node *node)
{
    struct mm1_alloc *alloc = node->env.alloc;
    for (size_t i = 0; node->pages != NULL && i < node->page_count; i++) {
        mm1_give(alloc, atomic_load(&node->pages[i]), MM1__PAGE_SLOTS * sizeof(struct mm1_actor));
    }
    mm1_give(alloc, (void *)node->pages, node->page_count * sizeof(node->pages[0]));
    mm1_give(alloc, node->locals, node->local_count * sizeof(node->locals[0]));
    mm1__settings_close(node);
    mm1_path_drop(node->root);
    mm1__names_close(node, &node->root_bonds);
    mm1__bound_close(node);
    mm1_buf_close(&node->scratch);
    mm1__metrics_close(node->metrics);
    mm1_give(alloc, node, sizeof(*node));
}

mm1_status mm1_node_open(const struct mm1_env *env, const struct mm1_node_config *config,
                         struct mm1_node **out)
{
    const char *hole;
    MM1_TRY(mm1_env_check(env, &hole));
    uint32_t block_bits = mm1__settings_block_bits(config->settings);
    if (!nets_valid(config, block_bits)) {
        return MM1_INVALID;
    }
    struct mm1_node *node = mm1_take_zero(env->alloc, sizeof(*node));
    if (node == NULL) {
        return MM1_NOMEM;
    }
    node->env = *env;
    node->types = config->types;
    node->auto_net = config->auto_net;
    node->auto_first = mm1_net_first(config->auto_net).bits;
    node->auto_bits = mm1_mask_bits(config->auto_net.mask);
    node->encode = config->encode;
    node->one_thread = config->one_thread || config->encode;
    node->block_bits = block_bits;
    node->taps = config->taps;
    node->tap_count = config->tap_count;
    node->failures = config->failures;
    node->scratch = MM1_BUF(env->alloc);
    mm1__bonds_init(&node->root_bonds);
    mm1_status status = node_tables(node, config);
    if (status == MM1_OK) {
        status = mm1__metrics_open(env->alloc, config->metrics, &node->metrics);
    }
    if (status != MM1_OK) {
        node_free(node);
        return status;
    }
    node->first_generation =
        env->random->ops->draw(env->random, MM1_RANDOM_FIRST_BLOCK, node->root->hash, 0,
                               block_count(node) / node->slots_max);
    node->trace_seed =
        env->random->ops->draw(env->random, MM1_RANDOM_TRACE_ID, node->root->hash, 0, 0);
    mm1__sink_init(node);
    env->transport->ops->attach(env->transport, &node->sink);
    env->store->ops->attach(env->store, &node->sink);
    *out = node;
    return MM1_OK;
}

static void close_queue(struct mm1_node *node, struct mm1__queue *queue)
{
    struct mm1__item *item;
    while ((item = mm1__dequeue(queue)) != NULL) {
        mm1__item_free(node, item);
    }
}

/* Ends what is in a slot without a word to anybody. */
static void close_slot(struct mm1_node *node, struct mm1_actor *actor)
{
    struct mm1__item *item = atomic_exchange(&actor->arrived, NULL);
    bool lives = atomic_load(&actor->live) != 0;
    if (lives) {
        bool cut_off = actor->in_turn;
        mm1__forks_drop(actor, cut_off);
        mm1__state_close(&actor->main, cut_off);
        mm1__timers_close(actor, 0);
    }
    while (item != NULL) {
        struct mm1__item *next = item->next;
        mm1__item_free(node, item);
        item = next;
    }
    if (!lives) {
        return;
    }
    if (actor->in_hand != NULL) {
        mm1__item_free(node, actor->in_hand);
    }
    close_queue(node, &actor->urgent);
    close_queue(node, &actor->queue);
    close_queue(node, &actor->main.aside);
    mm1__bonds_drop(actor);
    if (actor->started != NULL) {
        mm1__item_free(node, &actor->started->item);
    }
    if (actor->bonds != NULL) {
        mm1__names_close(node, actor->bonds);
        mm1_give(node->env.alloc, actor->bonds, sizeof(*actor->bonds));
    }
    mm1_path_drop(actor->path);
}

void mm1_node_close(struct mm1_node *node)
{
    atomic_store(&node->refuse_spawns, true);
    mm1__handles_drop(node);
    uint32_t used = atomic_load(&node->slots_used);
    for (uint32_t slot = 0; slot < used; slot++) {
        struct mm1_actor *page = atomic_load(&node->pages[slot / MM1__PAGE_SLOTS]);
        close_slot(node, &page[slot % MM1__PAGE_SLOTS]);
    }
    node_free(node);
}

void mm1_node_refuse_spawns(struct mm1_node *node)
{
    atomic_store(&node->refuse_spawns, true);
}

size_t mm1_node_actors(const struct mm1_node *node)
{
    return atomic_load(&node->actors);
}

uint64_t mm1_node_unrest(const struct mm1_node *node)
{
    return atomic_load(&node->unrest);
}

bool mm1_node_main_ended(const struct mm1_node *node, struct mm1_reason *reason)
{
    if (!atomic_load(&node->main_ended)) {
        return false;
    }
    *reason = node->main_reason;
    return true;
}

const struct mm1_env *mm1_node_env(const struct mm1_node *node)
{
    return &node->env;
}

const struct mm1_path *mm1_node_path(const struct mm1_node *node, mm1_addr addr)
{
    const struct mm1_actor *actor = mm1__live(node, addr.bits);
    return actor == NULL ? NULL : actor->path;
}
