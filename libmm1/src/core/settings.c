/* Settings for the actors at a place in the tree of paths (mm1-spec G-02). */
#include "core/core.h"

uint32_t mm1__settings_block_bits(const struct mm1_settings *settings)
{
    uint32_t bits = MM1__BLOCK_BITS;
    if (settings == NULL) {
        return bits;
    }
    if (settings->has_netmask && settings->netmask <= 64 && 64u - settings->netmask > bits) {
        bits = 64u - settings->netmask;
    }
    for (size_t i = 0; i < settings->child_count; i++) {
        uint32_t below = mm1__settings_block_bits(&settings->children[i]);
        bits = below > bits ? below : bits;
    }
    return bits;
}

static struct mm1_tap *find_tap(const struct mm1_node_config *config, struct mm1_text key)
{
    for (size_t i = 0; i < config->tap_count; i++) {
        if (mm1_text_equal(config->taps[i]->key, key)) {
            return config->taps[i];
        }
    }
    return NULL;
}

/* What is said here overrides what is said above. */
static mm1_status fill(struct mm1__settings *to, const struct mm1__settings *above,
                       const struct mm1_settings *from, const struct mm1_node_config *config)
{
    if (from->name.size > sizeof(to->name) || (from->has_netmask && from->netmask > 64)) {
        return MM1_INVALID;
    }
    *to = *above;
    to->children = NULL;
    to->child_count = 0;
    to->name_size = (uint8_t)from->name.size;
    if (from->name.size != 0) {
        memcpy(to->name, from->name.data, from->name.size);
    }
    if (from->has_netmask) {
        to->netmask = from->netmask;
    }
    if (from->has_inbox_size) {
        to->has_inbox_size = true;
        to->inbox_size = from->inbox_size;
    }
    if (from->has_pool) {
        to->pool = from->pool;
    }
    if (from->tap.size != 0) {
        to->tap = find_tap(config, from->tap);
    }
    return MM1_OK;
}

/* On failure what was made so far hangs on `to`. */
static mm1_status copy(struct mm1_node *node, struct mm1__settings *to,
                       const struct mm1__settings *above, const struct mm1_settings *from,
                       const struct mm1_node_config *config)
{
    MM1_TRY(fill(to, above, from, config));
    if (from->child_count == 0) {
        return MM1_OK;
    }
    to->children = mm1_take_zero(node->env.alloc, from->child_count * sizeof(*to->children));
    if (to->children == NULL) {
        return MM1_NOMEM;
    }
    to->child_count = from->child_count;
    for (size_t i = 0; i < from->child_count; i++) {
        MM1_TRY(copy(node, &to->children[i], to, &from->children[i], config));
    }
    return MM1_OK;
}

static void drop(struct mm1_node *node, struct mm1__settings *settings)
{
    for (size_t i = 0; i < settings->child_count; i++) {
        drop(node, &settings->children[i]);
    }
    mm1_give(node->env.alloc, settings->children,
             settings->child_count * sizeof(*settings->children));
}

mm1_status mm1__settings_open(struct mm1_node *node, const struct mm1_node_config *config)
{
    static const struct mm1__settings defaults = {.netmask = 64 - MM1__BLOCK_BITS};
    if (config->settings == NULL) {
        return MM1_OK;
    }
    node->settings = mm1_take_zero(node->env.alloc, sizeof(*node->settings));
    if (node->settings == NULL) {
        return MM1_NOMEM;
    }
    return copy(node, node->settings, &defaults, config->settings, config);
}

void mm1__settings_close(struct mm1_node *node)
{
    if (node->settings != NULL) {
        drop(node, node->settings);
        mm1_give(node->env.alloc, node->settings, sizeof(*node->settings));
        node->settings = NULL;
    }
}

static const struct mm1__settings *child_of(const struct mm1__settings *settings,
                                            struct mm1_text name)
{
    for (size_t i = 0; i < settings->child_count; i++) {
        const struct mm1__settings *child = &settings->children[i];
        if (mm1_text_equal((struct mm1_text){.data = child->name, .size = child->name_size},
                           name)) {
            return child;
        }
    }
    return NULL;
}

const struct mm1__settings *mm1__settings_find(const struct mm1_node *node,
                                               const struct mm1_actor *parent, struct mm1_text name,
                                               bool *own)
{
    *own = false;
    const struct mm1__settings *place = parent == NULL ? node->settings : parent->settings;
    if (place == NULL || (parent != NULL && !parent->on_settings)) {
        return place; /* the walk stopped above */
    }
    const struct mm1__settings *child = child_of(place, name);
    if (child == NULL) {
        child = child_of(place, MM1_TEXT("_"));
    }
    *own = child != NULL;
    return child != NULL ? child : place;
}
