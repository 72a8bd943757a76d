/* Paths: what an actor is called in every run alike. */
#include <stdio.h>

#include <mm1/trace.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_path(const struct mm1_path *path)
{
    uint8_t tail[8 + 4 + 1];
    mm1_put_le64(tail, path->parent == NULL ? 0 : path->parent->hash);
    mm1_put_le32(tail + 8, path->ordinal);
    tail[12] = path->named ? 1 : 0;
    return XXH3_64bits_withSeed(path->name, path->name_size, XXH3_64bits(tail, sizeof(tail)));
}

struct mm1_path *mm1_path_new(struct mm1_alloc *alloc, struct mm1_path *parent,
                              struct mm1_text name, bool named, uint32_t ordinal)
{
    size_t size = name.size > UINT8_MAX ? UINT8_MAX : name.size;
    struct mm1_path *path = mm1_take(alloc, sizeof(*path) + size);
    if (path == NULL) {
        return NULL;
    }
    *path = (struct mm1_path){
        .parent = parent == NULL ? NULL : mm1_path_hold(parent),
        .alloc = alloc,
        .references = 1,
        .ordinal = ordinal,
        .named = named,
        .name_size = (uint8_t)size,
    };
    if (size != 0) {
        memcpy(path->name, name.data, size);
    }
    path->hash = hash_path(path);
    return path;
}

struct mm1_path *mm1_path_hold(struct mm1_path *path)
{
    (void)__atomic_fetch_add(&path->references, 1, __ATOMIC_RELAXED);
    return path;
}

void mm1_path_drop(struct mm1_path *path)
{
    while (path != NULL && __atomic_fetch_sub(&path->references, 1, __ATOMIC_ACQ_REL) == 1) {
        struct mm1_path *parent = path->parent;
        mm1_give(path->alloc, path, sizeof(*path) + path->name_size);
        path = parent;
    }
}

/* Writes the segment before `end` and returns its start; null when it does not fit after `begin`. */
static char *print_segment(const struct mm1_path *path, char *begin, char *end)
{
    char tail[16] = "";
    if (path->parent != NULL || path->ordinal > 1) {
        snprintf(tail, sizeof(tail), "%c%u", path->named ? '#' : '.', path->ordinal);
    }
    size_t tail_size = strlen(tail);
    size_t size = 1 + path->name_size + tail_size;
    if ((size_t)(end - begin) < size) {
        return NULL;
    }
    char *start = end - size;
    start[0] = '/';
    memcpy(start + 1, path->name, path->name_size);
    memcpy(start + 1 + path->name_size, tail, tail_size);
    return start;
}

size_t mm1_path_print(const struct mm1_path *path, char out[MM1_PATH_TEXT_MAX])
{
    if (path == NULL) {
        memcpy(out, "-", 2);
        return 1;
    }
    char *end = out + MM1_PATH_TEXT_MAX - 1;
    char *start = end;
    for (; path != NULL; path = path->parent) {
        char *next = print_segment(path, out + 3, start);
        if (next == NULL) {
            start -= 3;
            memcpy(start, "...", 3);
            break;
        }
        start = next;
    }
    size_t size = (size_t)(end - start);
    memmove(out, start, size);
    out[size] = '\0';
    return size;
}
