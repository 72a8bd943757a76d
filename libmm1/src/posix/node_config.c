/* Reads the configuration of a real node. */
#include <string.h>

#include <mm1/kit.h>

#include "host/json_msg.h"
#include "posix/net_name.h"
#include "posix/node_config.h"

/* A node's actors take a block of 256 addresses each (mm1/node.h). */
#define AUTO_MASK_MAX 56

static void read_name(const struct mm1__json_node *node, struct mm1_text *out)
{
    mm1__json_text(node, out);
    if (node != NULL && !mm1__json_failed(node) && !mm1__system_name_valid(out->data)) {
        mm1__json_expected(node, "1 to 64 letters, digits, \"_\" and \"-\"");
    }
}

/* --- subnets -------------------------------------------------------------------------------------------------- */

/* One of the list; kind 0 is auto. */
static void read_subnet(const struct mm1__json_node *item, struct mm1_net *net, size_t *kind)
{
    static const char *const kinds[] = {"auto", "bind"};
    struct mm1__json_object object;
    mm1__json_object_begin(&object, item);
    const struct mm1__json_node *net_node = mm1__json_required(&object, "net");
    mm1__json_net(net_node, net);
    mm1__json_choice(mm1__json_required(&object, "kind"), kinds, MM1_COUNT_OF(kinds), kind);
    mm1__json_object_end(&object);
    if (net_node != NULL && !mm1__json_failed(item) && *kind == 0 && net->mask > AUTO_MASK_MAX) {
        mm1__json_expected(
            net_node, "a subnet with room for actors, which take 256 addresses each: /%d or wider",
            AUTO_MASK_MAX);
    }
}

static void check_overlap(const struct mm1__node_file *file, const struct mm1__json_node *item,
                          struct mm1_net net, bool has_auto)
{
    char mine[MM1_NET_TEXT_MAX];
    char other[MM1_NET_TEXT_MAX];
    for (size_t i = has_auto ? 0 : 1; i < file->net_count; i++) {
        if (!mm1__json_failed(item) && mm1_net_overlaps(file->nets[i], net)) {
            (void)mm1_net_print(net, mine);
            (void)mm1_net_print(file->nets[i], other);
            mm1__json_fail(item, "the subnet %s overlaps %s", mine, other);
        }
    }
}

static void read_subnets(const struct mm1__json_node *list, struct mm1__node_file *file)
{
    file->nets[0] = MM1_NET_DEFAULT_AUTO;
    file->nets[1] = MM1_NET_DEFAULT_BIND;
    file->net_count = 2;
    if (list == NULL) {
        return;
    }
    size_t count = 0;
    bool has_auto = false;
    mm1__json_list(list, 1, MM1__NODE_BINDS_MAX + 1, &count);
    file->net_count = 1; /* the place of the auto subnet */
    MM1__JSON_FOREACH(item, list) {
        struct mm1_net net = {0};
        size_t kind = 0;
        read_subnet(item, &net, &kind);
        if (mm1__json_failed(item)) {
            return;
        }
        check_overlap(file, item, net, has_auto);
        if (kind == 0 && has_auto) {
            mm1__json_fail(item, "there is an auto subnet already");
        } else if (kind == 0) {
            file->nets[0] = net;
            has_auto = true;
        } else if (file->net_count < MM1_COUNT_OF(file->nets)) {
            file->nets[file->net_count++] = net;
        }
    }
    if (!has_auto && !mm1__json_failed(list)) {
        mm1__json_fail(list, "expected one subnet of kind \"auto\", got none");
    }
}

/* --- the rest ------------------------------------------------------------------------------------------------- */

static size_t read_links(const struct mm1__json_node *list, struct mm1_text *out, bool is_dial)
{
    size_t count = 0;
    size_t next = 0;
    mm1__json_list(list, 0, MM1__NODE_LINKS_MAX, &count);
    MM1__JSON_FOREACH(item, list) {
        struct mm1__json_object object;
        mm1__json_object_begin(&object, item);
        const struct mm1__json_node *addr = mm1__json_required(&object, "addr");
        mm1__json_object_end(&object);
        if (mm1__json_failed(item)) {
            return 0;
        }
        struct mm1__net_name name;
        mm1__json_text(addr, &out[next]);
        if (mm1__json_failed(item)) {
            return 0;
        }
        if (mm1__net_name_parse(out[next], &name) != MM1_OK ||
            (is_dial && name.is_tcp && name.address.sin_port == 0)) {
            mm1__json_expected(addr, "\"tcp://IPv4:port\" or \"uds:///path\"");
        }
        next++;
    }
    return next;
}

static void read_options(struct mm1__json_object *object, struct mm1_posix_options *options)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};
    uint64_t threads = 0;
    size_t level = MM1_LOG_INFO;
    struct mm1_text store = {0};
    mm1__json_u64(mm1__json_optional(object, "threads"), 1, MM1__NODE_THREADS_MAX, &threads);
    const struct mm1__json_node *store_node = mm1__json_optional(object, "store");
    mm1__json_text(store_node, &store);
    if (store_node != NULL && !mm1__json_failed(store_node) && store.size == 0) {
        mm1__json_expected(store_node, "a directory");
    }
    mm1__json_choice(mm1__json_optional(object, "log_level"), levels, MM1_COUNT_OF(levels), &level);
    *options = (struct mm1_posix_options){
        .threads = (unsigned)threads,
        .store_dir = store.size == 0 ? NULL : store.data,
        .log_level = level > MM1_LOG_DEBUG ? MM1_LOG_DEBUG : (enum mm1_log_level)level,
        .log_events = level > MM1_LOG_DEBUG,
    };
}

static const struct mm1_role *find_role(const struct mm1_system *system,
                                        const struct mm1__json_node *node)
{
    struct mm1_text wanted = {0};
    char hint[160];
    mm1__json_text(node, &wanted);
    struct mm1__nearest nearest = mm1__nearest(wanted);
    for (size_t i = 0; i < system->role_count; i++) {
        struct mm1_text name = mm1_text_of(system->roles[i].name);
        if (mm1_text_equal(name, wanted)) {
            return &system->roles[i];
        }
        mm1__nearest_offer(&nearest, name);
    }
    if (node != NULL) {
        mm1__json_expected(node, "a role of the system \"%s\"%s", system->name,
                           mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    }
    return NULL;
}

static mm1_status register_types(struct mm1__node_file *file)
{
    file->types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    MM1_TRY(mm1_kit_register(&file->types));
    const struct mm1_system *system = file->loaded.system;
    for (size_t i = 0; i < system->type_count; i++) {
        MM1_TRY(mm1_msg_register(&file->types, system->types[i]));
    }
    return MM1_OK;
}

static mm1_status read_args(struct mm1__node_file *file, const struct mm1__json_node *root,
                            const struct mm1__json_node *args)
{
    const struct mm1_role *role = file->role;
    if (args == NULL && role->arg_type != NULL) {
        mm1__json_fail(root, "\"args\" is missing: the role \"%s\" takes them", role->name);
    } else if (args != NULL && role->arg_type == NULL) {
        mm1__json_fail(args, "the role \"%s\" takes no args", role->name);
    } else if (args != NULL) {
        return mm1__json_msg(args, role->arg_type, &file->types, mm1_posix_alloc(), &file->args,
                             &file->args_size);
    }
    return mm1__json_status(file->json);
}

static mm1_status read_file(const char *path, const struct mm1__linked_systems *linked,
                            struct mm1__node_file *file, struct mm1_diag *diag)
{
    struct mm1__json_object object;
    struct mm1_text system = {0};
    MM1_TRY(mm1__json_read(path, diag, &file->json));
    const struct mm1__json_node *root = mm1__json_root(file->json);
    mm1__json_object_begin(&object, root);
    read_name(mm1__json_required(&object, "name"), &file->name);
    read_name(mm1__json_required(&object, "system"), &system);
    const struct mm1__json_node *role = mm1__json_required(&object, "role");
    const struct mm1__json_node *args = mm1__json_optional(&object, "args");
    read_subnets(mm1__json_optional(&object, "local_subnets"), file);
    file->inbound_count = read_links(mm1__json_optional(&object, "inbound"), file->inbound, false);
    file->outbound_count =
        read_links(mm1__json_optional(&object, "outbound"), file->outbound, true);
    read_options(&object, &file->options);
    mm1__json_object_end(&object);
    MM1_TRY(mm1__json_status(file->json));
    MM1_TRY(mm1__system_load(linked, path, system.data, &file->loaded, diag));
    file->role = find_role(file->loaded.system, role);
    MM1_TRY(mm1__json_status(file->json));
    mm1_status status = register_types(file);
    if (status != MM1_OK) {
        mm1__diag_set(diag, path, "the message types of the system \"%s\": %s", system.data,
                      mm1_status_text(status));
        return status;
    }
    return read_args(file, root, args);
}

mm1_status mm1__node_file_read(const char *path, const struct mm1__linked_systems *linked,
                               struct mm1__node_file *file, struct mm1_diag *diag)
{
    memset(file, 0, sizeof(*file));
    mm1_status status = read_file(path, linked, file, diag);
    if (status != MM1_OK) {
        mm1__node_file_close(file);
    }
    return status;
}

void mm1__node_file_close(struct mm1__node_file *file)
{
    mm1_give(mm1_posix_alloc(), file->args, file->args_size);
    file->args = NULL;
    if (file->types.alloc != NULL) {
        mm1_msg_registry_close(&file->types);
    }
    if (file->loaded.system != NULL) {
        mm1__system_unload(&file->loaded);
    }
    mm1__json_free(file->json);
    file->json = NULL;
}
