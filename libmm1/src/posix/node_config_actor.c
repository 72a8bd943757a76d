/* Runtimes and the tree of actor settings of a node's configuration. */
#include <string.h>

#include "posix/node_config_parts.h"

#define DEFAULT "default"
#define NAME_MAX_BYTES 255 /* of an actor's name (mm1/trace.h) */
#define STACK_MIN ((uint64_t)64 << 10)
#define STACK_MAX ((uint64_t)1 << 30)
#define STACK_DEFAULT ((size_t)2 << 20)
#define BLOCKING_MAX 65536
#define KEEP_ALIVE_MAX_S UINT64_C(1000000000)

/* --- runtimes ------------------------------------------------------------------------------------------------- */

/* A number of bytes, or a size like "2MiB". */
static void read_stack_size(const struct mm1__json_node *node, size_t *out)
{
    uint64_t size = *out;
    if (node != NULL && mm1__json_kind(node) == MM1__JSON_NUMBER) {
        mm1__json_u64(node, STACK_MIN, STACK_MAX, &size);
    } else {
        mm1__json_size(node, &size);
    }
    if (node != NULL && !mm1__json_failed(node) && (size < STACK_MIN || size > STACK_MAX)) {
        mm1__json_expected(node, "a size from \"64KiB\" to \"1GiB\"");
    }
    *out = (size_t)size;
}

static void read_keep_alive(const struct mm1__json_node *node)
{
    struct mm1__json_object object;
    uint64_t secs = 0;
    uint64_t nanos = 0;
    if (node == NULL) {
        return;
    }
    mm1__json_object_begin(&object, node);
    mm1__json_u64(mm1__json_required(&object, "secs"), 0, KEEP_ALIVE_MAX_S, &secs);
    mm1__json_u64(mm1__json_required(&object, "nanos"), 0, 999999999, &nanos);
    mm1__json_object_end(&object);
}

/* Keys that have no counterpart here are read for their form alone. */
static void read_runtime(const struct mm1__json_node *node, struct mm1_posix_pool *pool)
{
    struct mm1__json_object object;
    uint64_t threads = 0;
    uint64_t blocking = 0;
    bool flag = true;
    mm1__json_object_begin(&object, node);
    mm1__json_u64(mm1__json_optional(&object, "worker_threads"), 1, MM1__NODE_THREADS_MAX,
                  &threads);
    mm1__json_u64(mm1__json_optional(&object, "blocking_threads_max"), 1, BLOCKING_MAX, &blocking);
    read_keep_alive(mm1__json_optional(&object, "blocking_thread_keep_alive"));
    read_stack_size(mm1__json_optional(&object, "thread_stack_size"), &pool->stack_size);
    mm1__json_bool(mm1__json_optional(&object, "enable_io"), &flag);
    mm1__json_bool(mm1__json_optional(&object, "enable_time"), &flag);
    mm1__json_object_end(&object);
    pool->threads = (unsigned)threads;
}

void mm1__node_read_runtimes(struct mm1__json_object *object, struct mm1__node_file *file)
{
    const struct mm1__json_node *runtimes = mm1__json_optional(object, "runtime");
    file->options.stack_size = STACK_DEFAULT;
    file->options.pools = file->pools;
    if (runtimes == NULL || mm1__json_failed(runtimes)) {
        return;
    }
    if (mm1__json_kind(runtimes) != MM1__JSON_OBJECT) {
        mm1__json_expected(runtimes, "an object of runtimes by their names");
    }
    MM1__JSON_FOREACH(runtime, runtimes) {
        const char *name = mm1__json_key(runtime).data;
        struct mm1_posix_pool pool = {.name = name, .stack_size = STACK_DEFAULT};
        if (mm1__json_failed(runtime)) {
            return;
        }
        if (!mm1__system_name_valid(name)) {
            mm1__json_fail_key(runtime, "expected a name of 1 to 64 letters, digits, \"_\" and "
                                        "\"-\" for a runtime");
            return;
        }
        read_runtime(runtime, &pool);
        if (strcmp(name, DEFAULT) == 0) {
            file->options.threads = pool.threads;
            file->options.stack_size = pool.stack_size;
        } else if (file->options.pool_count < MM1_COUNT_OF(file->pools)) {
            file->pools[file->options.pool_count++] = pool;
        } else {
            mm1__json_fail(runtimes, "expected at most %d runtimes beside \"" DEFAULT "\"",
                           MM1__NODE_RUNTIMES_MAX);
        }
    }
}

/* The pool of a runtime that actors may name; 0: there is none. */
static uint32_t pool_of(const struct mm1__node_file *file, struct mm1_text name)
{
    for (size_t i = 0; i < file->options.pool_count; i++) {
        if (mm1_text_equal(name, mm1_text_of(file->pools[i].name))) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

/* --- actors --------------------------------------------------------------------------------------------------- */

static size_t count_places(const struct mm1__json_node *place)
{
    size_t count = 1;
    MM1__JSON_FOREACH(child, mm1__json_find(place, "/")) {
        count += count_places(child);
    }
    return count;
}

static void read_place(const struct mm1__json_node *node, struct mm1__node_file *file,
                       struct mm1_settings *out);

/* The children of a place stand side by side, after all that was read before them. */
static void read_children(const struct mm1__json_node *children, struct mm1__node_file *file,
                          struct mm1_settings *out)
{
    size_t count = 0;
    if (children == NULL || mm1__json_failed(children)) {
        return;
    }
    if (mm1__json_kind(children) != MM1__JSON_OBJECT) {
        mm1__json_expected(children, "an object of actors by their names");
        return;
    }
    struct mm1_settings *first = file->settings + file->settings_count;
    count = mm1__json_count(children);
    file->settings_count += count;
    out->children = first;
    out->child_count = count;
    MM1__JSON_FOREACH(child, children) {
        struct mm1_text name = mm1__json_key(child);
        if (mm1__json_failed(child)) {
            return;
        }
        if (name.size == 0 || name.size > NAME_MAX_BYTES) {
            mm1__json_fail_key(child, "expected an actor's name, of 1 to %d bytes", NAME_MAX_BYTES);
            return;
        }
        first->name = name;
        read_place(child, file, first++);
    }
}

static void read_place(const struct mm1__json_node *node, struct mm1__node_file *file,
                       struct mm1_settings *out)
{
    struct mm1__json_object object;
    struct mm1_text runtime = {0};
    uint64_t netmask = 0;
    uint64_t inbox_size = 0;
    mm1__json_object_begin(&object, node);
    const struct mm1__json_node *mask = mm1__json_optional(&object, "netmask");
    const struct mm1__json_node *inbox = mm1__json_optional(&object, "inbox_size");
    mm1__json_text(mm1__json_optional(&object, "runtime"), &runtime);
    mm1__json_text(mm1__json_optional(&object, "message_tap"), &out->tap);
    mm1__json_u64(mask, 0, 64, &netmask);
    mm1__json_u64(inbox, 0, UINT32_MAX, &inbox_size);
    out->has_netmask = mask != NULL;
    out->netmask = (uint8_t)netmask;
    out->has_inbox_size = inbox != NULL;
    out->inbox_size = (uint32_t)inbox_size;
    out->pool = pool_of(file, runtime);
    out->has_pool = out->pool != 0;
    read_children(mm1__json_optional(&object, "/"), file, out);
    mm1__json_object_end(&object);
}

void mm1__node_read_actors(struct mm1__json_object *object, struct mm1__node_file *file)
{
    const struct mm1__json_node *root = mm1__json_optional(object, "actor");
    if (root == NULL || mm1__json_failed(root)) {
        return;
    }
    file->settings_capacity = count_places(root);
    file->settings =
        mm1_take_zero(mm1_posix_alloc(), file->settings_capacity * sizeof(*file->settings));
    if (file->settings == NULL) {
        mm1__json_nomem(root);
        return;
    }
    file->settings_count = 1;
    read_place(root, file, file->settings);
    MM1_CHECK(file->settings_count <= file->settings_capacity);
}

/* --- rules ---------------------------------------------------------------------------------------------------- */

/* The blocks of all actors are as wide as the widest, and must fit into the auto subnet. */
static void check_netmask(struct mm1__node_file *file, struct mm1__findings *findings,
                          const struct mm1__json_node *node)
{
    uint64_t netmask = 64;
    char net[MM1_NET_TEXT_MAX];
    mm1__json_u64(node, 0, 64, &netmask);
    if (netmask < file->nets[0].mask) {
        (void)mm1_net_print(file->nets[0], net);
        mm1__node_error(file, findings, node,
                        "expected at least %u, so that an actor fits into the auto subnet %s",
                        file->nets[0].mask, net);
    }
}

/* `used` by pool. */
static void check_place(struct mm1__node_file *file, struct mm1__findings *findings,
                        const struct mm1__json_node *place, bool *used)
{
    const struct mm1__json_node *runtime = mm1__json_find(place, "runtime");
    const struct mm1__json_node *tap = mm1__json_find(place, "message_tap");
    struct mm1_text name = {0};
    char hint[160];
    char got[96];
    mm1__json_text(runtime, &name);
    if (runtime != NULL && mm1_text_equal(name, MM1_TEXT(DEFAULT))) {
        mm1__node_error(file, findings, runtime,
                        "the runtime \"" DEFAULT "\" cannot be named; it runs all actors for which "
                        "no other one is named");
    } else if (runtime != NULL && pool_of(file, name) == 0) {
        struct mm1__nearest nearest = mm1__nearest(name);
        for (size_t i = 0; i < file->options.pool_count; i++) {
            mm1__nearest_offer(&nearest, mm1_text_of(file->pools[i].name));
        }
        mm1__node_error(file, findings, runtime, "expected the name of a runtime, got %s%s",
                        mm1__json_describe(runtime, got, sizeof(got)),
                        mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    } else if (runtime != NULL) {
        used[pool_of(file, name)] = true;
    }
    check_netmask(file, findings, mm1__json_find(place, "netmask"));
    struct mm1_text key = {0};
    mm1__json_text(tap, &key);
    if (tap != NULL && !mm1_text_equal(key, MM1_TEXT(MM1__NODE_TAP))) {
        mm1__node_warn(file, findings, tap, "the only tap is \"" MM1__NODE_TAP "\": %s is none",
                       mm1__json_describe(tap, got, sizeof(got)));
    }
    MM1__JSON_FOREACH(child, mm1__json_find(place, "/")) {
        check_place(file, findings, child, used);
    }
}

void mm1__node_check_runtimes(struct mm1__node_file *file, struct mm1__findings *findings)
{
    const struct mm1__json_node *root = mm1__json_root(file->json);
    bool used[1 + MM1__NODE_RUNTIMES_MAX] = {true};
    const struct mm1__json_node *actor = mm1__json_find(root, "actor");
    if (actor != NULL) {
        check_place(file, findings, actor, used);
    }
    MM1__JSON_FOREACH(runtime, mm1__json_find(root, "runtime")) {
        const struct mm1__json_node *time = mm1__json_find(runtime, "enable_time");
        bool enabled = true;
        mm1__json_bool(time, &enabled);
        if (!enabled && used[pool_of(file, mm1__json_key(runtime))]) {
            mm1__node_error(file, findings, time,
                            "expected true: the runtime \"%s\" runs actors, which need time",
                            mm1__json_key(runtime).data);
        }
    }
}
