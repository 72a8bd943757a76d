/* Finding and loading systems. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mm1/msg.h>

#include "host/arena.h"
#include "host/load.h"

#define PLACES_MAX 32
#define NAME_MAX_SIZE 64
#define SUFFIX ".so"

/* The folders to look at, in order. */
struct places {
    char *items[PLACES_MAX];
    size_t count;
};

/* --- places --------------------------------------------------------------------------------------------------- */

static void places_close(struct places *places)
{
    for (size_t i = 0; i < places->count; i++) {
        free(places->items[i]);
    }
    places->count = 0;
}

/* Adds a folder of `size` bytes with `below` (may be "") behind it, unless it is there already. */
static mm1_status add_place(struct places *places, const char *folder, size_t size,
                            const char *below)
{
    char *place = malloc(size + strlen(below) + 1);
    if (place == NULL) {
        return MM1_NOMEM;
    }
    memcpy(place, folder, size);
    memcpy(place + size, below, strlen(below) + 1);
    for (size_t i = 0; i < places->count; i++) {
        if (strcmp(places->items[i], place) == 0) {
            free(place);
            return MM1_OK;
        }
    }
    if (places->count == PLACES_MAX) {
        free(place);
        return MM1_TOO_LARGE;
    }
    places->items[places->count++] = place;
    return MM1_OK;
}

static mm1_status add_executable_place(struct places *places)
{
    char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (size <= 0) {
        return MM1_OK; /* without /proc there is one place less */
    }
    path[size] = '\0';
    const char *slash = strrchr(path, '/');
    return add_place(places, path, slash == NULL ? 0 : (size_t)(slash - path), "/systems");
}

static mm1_status add_path_places(struct places *places)
{
    const char *path = getenv("MM1_SYSTEM_PATH");
    while (path != NULL && *path != '\0') {
        size_t size = strcspn(path, ":");
        if (size != 0) {
            MM1_TRY(add_place(places, path, size, ""));
        }
        path += size + (path[size] == ':');
    }
    return MM1_OK;
}

/* `beside`: a folder that comes first, `size` bytes; null: none. */
static mm1_status find_places(struct places *places, const char *beside, size_t size)
{
    if (beside != NULL) {
        MM1_TRY(add_place(places, size == 0 ? "." : beside, size == 0 ? 1 : size, ""));
    }
    MM1_TRY(add_executable_place(places));
    return add_path_places(places);
}

/* Reports why the places could not be gathered. */
static void report_places(mm1_status status, const char *what, struct mm1_diag *diag)
{
    if (status == MM1_TOO_LARGE) {
        mm1__diag_set(diag, what,
                      "MM1_SYSTEM_PATH names too many folders (at most %d are searched)",
                      PLACES_MAX);
    } else {
        mm1__diag_set(diag, what, "%s", mm1_status_text(status));
    }
}

/* --- checking a descriptor ------------------------------------------------------------------------------------ */

static bool empty(const char *text)
{
    return text == NULL || text[0] == '\0';
}

static mm1_status broken(const char *what, struct mm1_diag *diag, const char *why, size_t index)
{
    mm1__diag_set(diag, what, "exports a broken system: %s %zu", why, index);
    return MM1_INVALID;
}

static mm1_status check_roles(const struct mm1_system *system, const char *what,
                              struct mm1_diag *diag)
{
    if (system->roles == NULL || system->role_count == 0) {
        mm1__diag_set(diag, what, "exports a broken system: no roles");
        return MM1_INVALID;
    }
    for (size_t i = 0; i < system->role_count; i++) {
        const struct mm1_role *role = &system->roles[i];
        if (empty(role->name)) {
            return broken(what, diag, "no name for role", i);
        }
        if (role->main == NULL || empty(role->main->name) || role->main->receive == NULL) {
            return broken(what, diag, "no behaviour with a name and a receive function for role",
                          i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(system->roles[j].name, role->name) == 0) {
                return broken(what, diag, "the same name twice: role", i);
            }
        }
    }
    return MM1_OK;
}

static mm1_status check_properties(const struct mm1_system *system, const char *what,
                                   struct mm1_diag *diag)
{
    if (system->properties == NULL && system->property_count != 0) {
        mm1__diag_set(diag, what, "exports a broken system: properties are counted and missing");
        return MM1_INVALID;
    }
    for (size_t i = 0; i < system->property_count; i++) {
        const struct mm1_property *property = &system->properties[i];
        if (empty(property->name)) {
            return broken(what, diag, "no name for property", i);
        }
        if (property->see == NULL) {
            return broken(what, diag, "no see function for property", i);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(system->properties[j].name, property->name) == 0) {
                return broken(what, diag, "the same name twice: property", i);
            }
        }
    }
    return MM1_OK;
}

/* Message types of a system, and of its role arguments, must get along with each other. */
static mm1_status check_types(const struct mm1_system *system, const char *what,
                              struct mm1_diag *diag)
{
    struct mm1__arena arena;
    mm1__arena_init(&arena);
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&arena.base);
    mm1_status status = MM1_OK;
    if (system->types == NULL && system->type_count != 0) {
        mm1__diag_set(diag, what, "exports a broken system: types are counted and missing");
        return MM1_INVALID;
    }
    size_t total = system->type_count + system->role_count;
    for (size_t i = 0; i < total && status == MM1_OK; i++) {
        bool message = i < system->type_count;
        const struct mm1_msg_type *type =
            message ? system->types[i] : system->roles[i - system->type_count].arg_type;
        if (type == NULL && message) {
            status = broken(what, diag, "null for type", i);
        } else if (type != NULL) {
            status = mm1_msg_register(&registry, type);
            if (status == MM1_INVALID || status == MM1_CONFLICT) {
                mm1__diag_set(diag, what, "exports a broken system: message type \"%s\": %s",
                              type->name == NULL ? "" : type->name,
                              status == MM1_CONFLICT ? "another type has the same name"
                                                     : "malformed descriptor");
                status = MM1_INVALID;
            } else if (status != MM1_OK) {
                mm1__diag_set(diag, what, "%s", mm1_status_text(status));
            }
        }
    }
    mm1_msg_registry_close(&registry);
    mm1__arena_close(&arena);
    return status;
}

mm1_status mm1__system_check(const struct mm1_system *system, const char *what,
                             struct mm1_diag *diag)
{
    if (system->abi != MM1_SYSTEM_ABI) {
        mm1__diag_set(diag, what, "exports system ABI %u, this mm1 speaks %u", system->abi,
                      MM1_SYSTEM_ABI);
        return MM1_INVALID;
    }
    if (empty(system->name) || empty(system->source_version)) {
        mm1__diag_set(diag, what, "exports a broken system: no %s",
                      empty(system->name) ? "name" : "source version");
        return MM1_INVALID;
    }
    MM1_TRY(check_roles(system, what, diag));
    MM1_TRY(check_properties(system, what, diag));
    return check_types(system, what, diag);
}

/* --- loading -------------------------------------------------------------------------------------------------- */

bool mm1__system_name_valid(const char *name)
{
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return size > 0 && size <= NAME_MAX_SIZE && name[size] == '\0';
}

/* Loads the shared object at `path`, which `*out` takes over, and checks that it is the system `name`. */
static mm1_status open_object(const char *name, char *path, struct mm1__loaded_system *out,
                              struct mm1_diag *diag)
{
    /* A path without a slash would be looked for in the system's libraries. */
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) {
        const char *error = dlerror();
        mm1__diag_set(diag, path, "cannot be loaded: %s", error == NULL ? "unknown reason" : error);
        return MM1_INVALID;
    }
    const struct mm1_system *system = dlsym(handle, "mm1_system");
    mm1_status status = MM1_INVALID;
    if (system == NULL) {
        mm1__diag_set(diag, path, "exports no mm1_system");
    } else {
        status = mm1__system_check(system, path, diag);
    }
    if (status == MM1_OK && strcmp(system->name, name) != 0) {
        mm1__diag_set(diag, path, "exports the system \"%s\", its file name says \"%s\"",
                      system->name, name);
        status = MM1_INVALID;
    }
    if (status != MM1_OK) {
        (void)dlclose(handle);
        return status;
    }
    *out = (struct mm1__loaded_system){.system = system, .handle = handle, .path = path};
    return MM1_OK;
}

/* Loads PLACE/NAME.so. MM1_NOT_FOUND, without a finding, when there is no such file. */
static mm1_status load_from(const char *place, const char *name, struct mm1__loaded_system *out,
                            struct mm1_diag *diag)
{
    struct stat info;
    size_t size = strlen(place) + strlen(name) + sizeof("/" SUFFIX);
    char *path = malloc(size);
    if (path == NULL) {
        mm1__diag_set(diag, name, "%s", mm1_status_text(MM1_NOMEM));
        return MM1_NOMEM;
    }
    (void)snprintf(path, size, "%s/%s" SUFFIX, place, name);
    mm1_status status = MM1_NOT_FOUND;
    if (stat(path, &info) == 0 || (errno != ENOENT && errno != ENOTDIR)) {
        status = open_object(name, path, out, diag);
    }
    if (status != MM1_OK) {
        free(path);
    }
    return status;
}

static const struct mm1_system *find_linked(const struct mm1__linked_systems *linked,
                                            const char *name)
{
    for (size_t i = 0; linked != NULL && i < linked->count; i++) {
        if (linked->items[i]->name != NULL && strcmp(linked->items[i]->name, name) == 0) {
            return linked->items[i];
        }
    }
    return NULL;
}

static void report_missing(const struct places *places, const char *what, const char *name,
                           struct mm1_diag *diag)
{
    char list[600] = "";
    size_t at = 0;
    for (size_t i = 0; i < places->count && at < sizeof(list); i++) {
        int printed =
            snprintf(list + at, sizeof(list) - at, "%s%s", i == 0 ? "" : ", ", places->items[i]);
        at += (size_t)printed;
    }
    mm1__diag_set(diag, what, "no system \"%s\": looked for %s" SUFFIX " in %s", name, name, list);
}

static mm1_status load_object(const char *file, const char *what, const char *name,
                              struct mm1__loaded_system *out, struct mm1_diag *diag)
{
    struct places places = {.count = 0};
    const char *slash = file == NULL ? NULL : strrchr(file, '/');
    /* "/x.json" lies in "/", "x.json" in "." */
    size_t size = slash == NULL ? 0 : slash == file ? 1 : (size_t)(slash - file);
    mm1_status status = find_places(&places, file, size);
    if (status != MM1_OK) {
        report_places(status, what, diag);
        places_close(&places);
        return status == MM1_NOMEM ? status : MM1_INVALID;
    }
    status = MM1_NOT_FOUND;
    for (size_t i = 0; i < places.count && status == MM1_NOT_FOUND; i++) {
        status = load_from(places.items[i], name, out, diag);
    }
    if (status == MM1_NOT_FOUND) {
        report_missing(&places, what, name, diag);
    }
    places_close(&places);
    return status;
}

mm1_status mm1__system_load(const struct mm1__linked_systems *linked, const char *file,
                            const char *name, struct mm1__loaded_system *out, struct mm1_diag *diag)
{
    const char *what = file == NULL ? name : file;
    if (!mm1__system_name_valid(name)) {
        mm1__diag_set(diag, what,
                      "\"%.100s\" is no name of a system: letters, digits, \"_\" and \"-\"", name);
        return MM1_INVALID;
    }
    const struct mm1_system *system = find_linked(linked, name);
    if (system != NULL) {
        MM1_TRY(mm1__system_check(system, name, diag));
        *out = (struct mm1__loaded_system){.system = system};
        return MM1_OK;
    }
    return load_object(file, what, name, out, diag);
}

void mm1__system_unload(struct mm1__loaded_system *loaded)
{
    if (loaded->handle != NULL) {
        (void)dlclose(loaded->handle);
    }
    free(loaded->path);
    *loaded = (struct mm1__loaded_system){0};
}

/* --- listing -------------------------------------------------------------------------------------------------- */

static int only_objects(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    size_t suffix = sizeof(SUFFIX) - 1;
    return size > suffix && size <= NAME_MAX_SIZE + suffix &&
           strcmp(entry->d_name + size - suffix, SUFFIX) == 0;
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

/* True when a place before `index` has the system: what comes later is not reached by name. */
static bool hidden(const struct mm1__linked_systems *linked, const struct places *places,
                   size_t index, const char *name)
{
    char path[PATH_MAX];
    for (size_t i = 0; i < index; i++) {
        int size = snprintf(path, sizeof(path), "%s/%s" SUFFIX, places->items[i], name);
        if (size > 0 && (size_t)size < sizeof(path) && access(path, F_OK) == 0) {
            return true;
        }
    }
    return find_linked(linked, name) != NULL;
}

static void see_object(const char *place, const char *name, mm1__system_see_fn *see, void *arg)
{
    struct mm1__loaded_system loaded = {0};
    struct mm1_diag diag = {0};
    mm1_status status = load_from(place, name, &loaded, &diag);
    if (status == MM1_OK) {
        see(arg, &loaded, NULL);
        mm1__system_unload(&loaded);
    } else if (status != MM1_NOT_FOUND) {
        see(arg, NULL, &diag);
    }
}

static void see_place(const struct mm1__linked_systems *linked, const struct places *places,
                      size_t index, mm1__system_see_fn *see, void *arg)
{
    struct dirent **entries = NULL;
    int count = scandir(places->items[index], &entries, only_objects, by_bytes);
    for (int i = 0; i < count; i++) {
        char *name = entries[i]->d_name;
        name[strlen(name) - sizeof(SUFFIX) + 1] = '\0';
        if (mm1__system_name_valid(name) && !hidden(linked, places, index, name)) {
            see_object(places->items[index], name, see, arg);
        }
        free(entries[i]);
    }
    free(entries);
}

mm1_status mm1__system_each(const struct mm1__linked_systems *linked, const char *folder,
                            mm1__system_see_fn *see, void *arg)
{
    struct places places = {.count = 0};
    struct mm1_diag diag;
    for (size_t i = 0; linked != NULL && i < linked->count; i++) {
        struct mm1__loaded_system loaded = {.system = linked->items[i]};
        const char *name = empty(loaded.system->name) ? "a linked system" : loaded.system->name;
        bool good = mm1__system_check(loaded.system, name, &diag) == MM1_OK;
        see(arg, good ? &loaded : NULL, good ? NULL : &diag);
    }
    mm1_status status = find_places(&places, folder, folder == NULL ? 0 : strlen(folder));
    for (size_t i = 0; i < places.count && status == MM1_OK; i++) {
        see_place(linked, &places, i, see, arg);
    }
    places_close(&places);
    return status;
}
