/* Reads the configuration of a real node. */
#include <stdio.h>
#include <string.h>

#include <mm1/kit.h>

#include "host/json_msg.h"
#include "posix/log_filter.h"
#include "posix/node_config_parts.h"

/* --- findings ------------------------------------------------------------------------------------------------- */

static void keep(struct mm1__findings *findings, bool is_warning)
{
    findings->errors += !is_warning;
    if (findings->count < MM1_COUNT_OF(findings->items)) {
        findings->items[findings->count] = findings->next;
        findings->is_warning[findings->count] = is_warning;
    }
    findings->count++;
}

/* Through the document, which knows the place, and without an end to its reading. */
static MM1_PRINTF(5, 0) void find(struct mm1__node_file *file, struct mm1__findings *findings,
                                  const struct mm1__json_node *node, bool is_warning,
                                  const char *format, va_list arguments)
{
    char text[sizeof(findings->next.text)];
    (void)vsnprintf(text, sizeof(text), format, arguments);
    mm1__json_fail(node, "%s", text);
    mm1__json_redirect(file->json, &findings->next);
    keep(findings, is_warning);
}

void mm1__node_error(struct mm1__node_file *file, struct mm1__findings *findings,
                     const struct mm1__json_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    find(file, findings, node, false, format, arguments);
    va_end(arguments);
}

void mm1__node_warn(struct mm1__node_file *file, struct mm1__findings *findings,
                    const struct mm1__json_node *node, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    find(file, findings, node, true, format, arguments);
    va_end(arguments);
}

void mm1__findings_print(const struct mm1__findings *findings)
{
    char line[MM1_DIAG_LINE_MAX];
    for (size_t i = 0; i < findings->count && i < MM1_COUNT_OF(findings->items); i++) {
        (void)mm1__diag_print(&findings->items[i], line);
        (void)fprintf(stderr, "mm1: %s%s\n", findings->is_warning[i] ? "warning: " : "", line);
    }
    if (findings->count > MM1_COUNT_OF(findings->items)) {
        (void)fprintf(stderr, "mm1: and %zu more\n",
                      findings->count - MM1_COUNT_OF(findings->items));
    }
}

/* --- parts ---------------------------------------------------------------------------------------------------- */

static void read_name(const struct mm1__json_node *node, struct mm1_text *out)
{
    mm1__json_text(node, out);
    if (node != NULL && !mm1__json_failed(node) && !mm1__system_name_valid(out->data)) {
        mm1__json_expected(node, "1 to 64 letters, digits, \"_\" and \"-\"");
    }
}

void mm1__node_set_log_level(struct mm1_posix_options *options, unsigned level)
{
    options->log_level = level > MM1_LOG_DEBUG ? MM1_LOG_DEBUG : (enum mm1_log_level)level;
    options->log_events = level >= MM1__LOG_TRACE;
}

static void read_level(const struct mm1__json_node *node, unsigned *level)
{
    static const char *const levels[] = {"error", "warn", "info", "debug", "trace"};
    size_t choice = 0;
    struct mm1_text text = {0};
    if (node != NULL && mm1__json_kind(node) == MM1__JSON_TEXT) {
        mm1__json_text(node, &text);
    }
    if (!mm1__log_level_parse(text, level)) { /* letters of any case */
        mm1__json_choice(node, levels, MM1_COUNT_OF(levels), &choice);
    }
}

static void read_logging(const struct mm1__json_node *node, struct mm1__node_file *file)
{
    struct mm1__json_object object;
    unsigned level = MM1_LOG_INFO;
    size_t count = 0;
    file->options.log_filter = file->log_filter;
    mm1__json_object_begin(&object, node);
    read_level(mm1__json_optional(&object, "min_log_level"), &level);
    const struct mm1__json_node *list = mm1__json_optional(&object, "log_target_filter");
    mm1__json_object_end(&object);
    mm1__node_set_log_level(&file->options, level);
    mm1__json_list(list, 0, MM1__NODE_FILTERS_MAX, &count);
    MM1__JSON_FOREACH(item, list) {
        struct mm1_text *text = &file->log_filter[file->options.log_filter_count];
        struct mm1__log_statement statement;
        mm1__json_text(item, text);
        if (mm1__json_failed(item)) {
            return;
        }
        if (mm1__log_statement_parse(*text, &statement) != MM1_OK) {
            mm1__json_expected(item, "\"NAME::NAME=LEVEL\" with LEVEL error, warn, info, debug or "
                                     "trace");
            return;
        }
        file->options.log_filter_count++;
    }
}

static void read_options(struct mm1__json_object *object, struct mm1__node_file *file)
{
    static const char *const failures[] = {"log", "drop"};
    struct mm1__json_object metrics;
    struct mm1_text store = {0};
    size_t failure = 0;
    const struct mm1__json_node *store_node = mm1__json_optional(object, "store");
    mm1__json_text(store_node, &store);
    if (store_node != NULL && !mm1__json_failed(store_node) && store.size == 0) {
        mm1__json_expected(store_node, "a directory");
    }
    file->options.store_dir = store.size == 0 ? NULL : store.data;
    read_logging(mm1__json_optional(object, "logging"), file);
    const struct mm1__json_node *metrics_node = mm1__json_optional(object, "metrics");
    mm1__json_object_begin(&metrics, metrics_node);
    if (metrics_node != NULL) {
        mm1__node_read_net_name(mm1__json_required(&metrics, "addr"), false, &file->metrics);
    }
    mm1__json_object_end(&metrics);
    file->options.watchdog_ns = MM1__NODE_WATCHDOG_NS;
    mm1__json_duration(mm1__json_optional(object, "watchdog"), &file->options.watchdog_ns);
    mm1__json_choice(mm1__json_optional(object, "failures"), failures, MM1_COUNT_OF(failures),
                     &failure);
    file->drop_failures = failure == 1;
}

/* --- system and role ------------------------------------------------------------------------------------------ */

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
        char got[96];
        mm1__json_fail(node, "expected a role of the system \"%s\", got %s%s", system->name,
                       mm1__json_describe(node, got, sizeof(got)),
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

/* The form of the file. */
static mm1_status read_form(const struct mm1__json_node *root, struct mm1__node_file *file)
{
    struct mm1__json_object object;
    mm1__json_object_begin(&object, root);
    read_name(mm1__json_required(&object, "name"), &file->name);
    read_name(mm1__json_required(&object, "system"), &file->system);
    (void)mm1__json_required(&object, "role");
    (void)mm1__json_optional(&object, "args");
    mm1__node_read_nets(&object, file);
    mm1__node_read_runtimes(&object, file);
    mm1__node_read_actors(&object, file);
    read_options(&object, file);
    mm1__json_object_end(&object);
    return mm1__json_status(file->json);
}

static mm1_status read_role(const char *path, const struct mm1__linked_systems *linked,
                            struct mm1__node_file *file, struct mm1_diag *diag)
{
    const struct mm1__json_node *root = mm1__json_root(file->json);
    MM1_TRY(mm1__system_load(linked, path, file->system.data, &file->loaded, diag));
    file->role = find_role(file->loaded.system, mm1__json_find(root, "role"));
    MM1_TRY(mm1__json_status(file->json));
    mm1_status status = register_types(file);
    if (status != MM1_OK) {
        mm1__diag_set(diag, path, "the message types of the system \"%s\": %s", file->system.data,
                      mm1_status_text(status));
        return status;
    }
    return read_args(file, root, mm1__json_find(root, "args"));
}

/* Not MM1_OK: `findings->next` says why, or there are errors among the findings. */
static mm1_status read_file(const char *path, const struct mm1__linked_systems *linked,
                            struct mm1__node_file *file, struct mm1__findings *findings)
{
    MM1_TRY(mm1__json_read(path, &findings->next, &file->json));
    MM1_TRY(read_form(mm1__json_root(file->json), file));
    mm1__node_check_runtimes(file, findings);
    mm1__node_check_subnets(file, findings);
    mm1__node_check_links(file, findings);
    return findings->errors > 0 ? MM1_INVALID : read_role(path, linked, file, &findings->next);
}

mm1_status mm1__node_file_read(const char *path, const struct mm1__linked_systems *linked,
                               struct mm1__node_file *file, struct mm1__findings *findings)
{
    memset(file, 0, sizeof(*file));
    memset(findings, 0, sizeof(*findings));
    mm1_status status = read_file(path, linked, file, findings);
    if (status != MM1_OK) {
        if (findings->errors == 0) {
            keep(findings, false);
        }
        mm1__node_file_close(file);
    }
    return status;
}

void mm1__node_file_close(struct mm1__node_file *file)
{
    mm1_give(mm1_posix_alloc(), file->args, file->args_size);
    file->args = NULL;
    mm1_give(mm1_posix_alloc(), file->settings, file->settings_capacity * sizeof(*file->settings));
    file->settings = NULL;
    if (file->types.alloc != NULL) {
        mm1_msg_registry_close(&file->types);
    }
    if (file->loaded.system != NULL) {
        mm1__system_unload(&file->loaded);
    }
    mm1__json_free(file->json);
    file->json = NULL;
}
