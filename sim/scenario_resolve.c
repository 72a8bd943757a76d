/* Ties a scenario to its system: roles, their arguments, and the properties that judge. */
#include <string.h>

#include "host/json_msg.h"
#include "sim/scenario_read.h"

static const struct mm1_role *find_role(const struct mm1_system *system,
                                        const struct mm1__json_node *node)
{
    struct mm1_text name = {0};
    char hint[160];
    mm1__json_text(node, &name);
    struct mm1__nearest nearest = mm1__nearest(name);
    for (size_t i = 0; i < system->role_count; i++) {
        struct mm1_text known = mm1_text_of(system->roles[i].name);
        if (mm1_text_equal(known, name)) {
            return &system->roles[i];
        }
        mm1__nearest_offer(&nearest, known);
    }
    mm1__json_fail(node, "expected a role of the system \"%s\", got \"%.100s\"%s", system->name,
                   name.data, mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    return NULL;
}

/* Arguments that are not written: right when no field is required. */
static void default_args(struct sim_scenario *scenario, const struct mm1__json_node *node,
                         struct sim_node *out)
{
    const struct mm1_msg_type *type = out->role->arg_type;
    for (size_t i = 0; i < type->field_count; i++) {
        if (type->fields[i].form != MM1_FORM_OPT) {
            mm1__json_fail(node, "the key \"args\" is missing: the role \"%s\" needs \"%s\"",
                           out->role->name, type->fields[i].name);
            return;
        }
    }
    out->arg = sim__scenario_array(scenario, node, 1, type->size);
    out->arg_size = type->size;
}

static void resolve_node(struct sim_scenario *scenario, const struct mm1__json_node *node,
                         const struct mm1_msg_registry *types, struct sim_node *out)
{
    const struct mm1__json_node *args = mm1__json_find(node, "args");
    void *arg = NULL;
    out->role = find_role(scenario->system, mm1__json_find(node, "role"));
    if (out->role == NULL) {
        return;
    }
    if (out->role->arg_type == NULL) {
        if (args != NULL) {
            mm1__json_fail_key(args, "the role \"%s\" takes no arguments", out->role->name);
        }
        return;
    }
    if (args == NULL) {
        default_args(scenario, node, out);
        return;
    }
    mm1_status status = mm1__json_msg(args, out->role->arg_type, types, &scenario->own->arena.base,
                                      &arg, &out->arg_size);
    MM1_CHECK(status == MM1_OK || mm1__json_failed(args));
    out->arg = arg;
}

static void resolve_nodes(struct sim_scenario *scenario, const struct mm1__json_node *root)
{
    const struct mm1__json_node *nodes = mm1__json_find(root, "nodes");
    struct mm1_msg_registry types = MM1_MSG_REGISTRY(&scenario->own->arena.base);
    uint32_t index = 0;
    for (size_t i = 0; i < scenario->system->type_count; i++) {
        mm1_status status = mm1_msg_register(&types, scenario->system->types[i]);
        if (status == MM1_NOMEM) {
            mm1__json_nomem(root);
        } else if (status != MM1_OK) {
            mm1__json_fail(root, "the message type \"%s\" of the system: %s",
                           scenario->system->types[i]->name, mm1_status_text(status));
        }
    }
    MM1__JSON_FOREACH(item, nodes) {
        if (!mm1__json_failed(item)) {
            resolve_node(scenario, item, &types, &scenario->nodes[index++]);
        }
    }
    mm1_msg_registry_close(&types);
}

static const struct mm1_property *find_property(const struct mm1_system *system,
                                                const struct mm1__json_node *node)
{
    struct mm1_text name = {0};
    char hint[160];
    mm1__json_text(node, &name);
    struct mm1__nearest nearest = mm1__nearest(name);
    for (size_t i = 0; i < system->property_count; i++) {
        struct mm1_text known = mm1_text_of(system->properties[i].name);
        if (mm1_text_equal(known, name)) {
            return &system->properties[i];
        }
        mm1__nearest_offer(&nearest, known);
    }
    mm1__json_fail(node, "expected a property of the system \"%s\", got \"%.100s\"%s", system->name,
                   name.data, mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    return NULL;
}

static void resolve_properties(struct sim_scenario *scenario, const struct mm1__json_node *root)
{
    const struct mm1__json_node *list = mm1__json_find(root, "properties");
    const struct mm1_system *system = scenario->system;
    size_t count = list == NULL ? system->property_count : mm1__json_count(list);
    const struct mm1_property **properties =
        sim__scenario_array(scenario, root, count, sizeof(*properties));
    size_t index = 0;
    if (properties == NULL) {
        return;
    }
    MM1__JSON_FOREACH(item, list) {
        properties[index++] = find_property(system, item);
    }
    while (index < count) {
        properties[index] = &system->properties[index];
        index++;
    }
    scenario->properties = properties;
    scenario->property_count = (uint32_t)count;
}

mm1_status sim_scenario_resolve(struct sim_scenario *scenario, const struct mm1_system *system,
                                struct mm1_diag *diag)
{
    const struct mm1__json_node *root = mm1__json_root(scenario->own->json);
    MM1_CHECK(scenario->system == NULL);
    mm1__json_redirect(scenario->own->json, diag);
    if (strcmp(system->name, scenario->system_name) != 0) {
        mm1__json_fail(mm1__json_find(root, "system"),
                       "the scenario is for the system \"%s\", not for \"%s\"",
                       scenario->system_name, system->name);
        return mm1__json_status(scenario->own->json);
    }
    scenario->system = system;
    resolve_nodes(scenario, root);
    resolve_properties(scenario, root);
    return mm1__json_status(scenario->own->json);
}
