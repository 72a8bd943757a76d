/* Numbers for texts: an open hash table over copies. */
#include <stdlib.h>

#include "sim/names.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct sim_name {
    uint64_t hash;
    char *text; /* null for a key */
    uint32_t size;
    uint32_t number; /* 0: the slot is free */
};

static struct sim_name *find(const struct sim_names *names, uint64_t hash, struct mm1_text text)
{
    size_t at = (size_t)hash & (names->capacity - 1);
    while (names->slots[at].number != 0) {
        struct sim_name *slot = &names->slots[at];
        if (slot->hash == hash && slot->size == text.size &&
            (text.size == 0 || memcmp(slot->text, text.data, text.size) == 0)) {
            break;
        }
        at = (at + 1) & (names->capacity - 1);
    }
    return &names->slots[at];
}

static bool grow(struct sim_names *names)
{
    size_t capacity = names->capacity == 0 ? 64 : names->capacity * 2;
    struct sim_name *slots = calloc(capacity, sizeof(*slots));
    if (slots == NULL) {
        return false;
    }
    for (size_t i = 0; i < names->capacity; i++) {
        const struct sim_name *old = &names->slots[i];
        if (old->number == 0) {
            continue;
        }
        size_t at = (size_t)old->hash & (capacity - 1);
        while (slots[at].number != 0) {
            at = (at + 1) & (capacity - 1);
        }
        slots[at] = *old;
    }
    free(names->slots);
    names->slots = slots;
    names->capacity = capacity;
    return true;
}

static struct sim_name *put(struct sim_names *names, uint64_t hash, struct mm1_text text,
                            bool *fresh)
{
    *fresh = false;
    if (names->count * 2 >= names->capacity && !grow(names)) {
        return NULL;
    }
    struct sim_name *slot = find(names, hash, text);
    if (slot->number == 0) {
        if (text.size > 0) {
            slot->text = malloc(text.size);
            if (slot->text == NULL) {
                return NULL;
            }
            memcpy(slot->text, text.data, text.size);
        }
        slot->hash = hash;
        slot->size = (uint32_t)text.size;
        slot->number = (uint32_t)++names->count;
        *fresh = true;
    }
    return slot;
}

uint32_t sim_names_number(struct sim_names *names, struct mm1_text text, bool *fresh)
{
    const struct sim_name *slot = put(names, XXH3_64bits(text.data, text.size), text, fresh);
    return slot == NULL ? 0 : slot->number;
}

bool sim_names_add_key(struct sim_names *names, uint64_t key, bool *nomem)
{
    bool fresh = false;
    /* Keys are hashes already, but a zero key or a counter would cluster. */
    *nomem = put(names, key * 0x9e3779b97f4a7c15u, (struct mm1_text){0}, &fresh) == NULL;
    return fresh;
}

void sim_names_close(struct sim_names *names)
{
    for (size_t i = 0; i < names->capacity; i++) {
        free(names->slots[i].text);
    }
    free(names->slots);
    *names = (struct sim_names){0};
}
