/* Checking and listing scenarios and systems. */
#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/json.h"
#include "sim/check.h"

mm1_status sim_case_open(const struct mm1__linked_systems *linked, const char *path,
                         struct sim_case *out, struct mm1_diag *diag)
{
    struct sim_case opened = {0};
    MM1_TRY(sim_scenario_load_file(path, &opened.scenario, diag));
    mm1_status status =
        mm1__system_load(linked, path, opened.scenario->system_name, &opened.system, diag);
    if (status == MM1_OK) {
        status = sim_scenario_resolve(opened.scenario, opened.system.system, diag);
    }
    if (status != MM1_OK) {
        sim_case_close(&opened);
        return status;
    }
    *out = opened;
    return MM1_OK;
}

void sim_case_close(struct sim_case *opened)
{
    sim_scenario_free(opened->scenario);
    mm1__system_unload(&opened->system);
    opened->scenario = NULL;
}

int sim_exit_code(mm1_status status)
{
    switch (status) {
    case MM1_OK:
        return 0;
    case MM1_INVALID:
    case MM1_NOT_FOUND:
        return 2;
    default:
        return 3;
    }
}

int sim_print_finding(mm1_status status, const struct mm1_diag *diag, FILE *err)
{
    char line[MM1_DIAG_LINE_MAX];
    if (status != MM1_OK) {
        (void)mm1__diag_print(diag, line);
        (void)fprintf(err, "%s\n", line);
    }
    return sim_exit_code(status);
}

bool sim_is_scenario(const char *path)
{
    struct mm1_diag diag;
    struct mm1__json *json = NULL;
    if (mm1__json_read(path, &diag, &json) != MM1_OK) {
        return true; /* the scenario loader will say why */
    }
    const struct mm1__json_node *root = mm1__json_root(json);
    bool scenario =
        mm1__json_kind(root) != MM1__JSON_OBJECT || mm1__json_find(root, "hosts") != NULL;
    mm1__json_free(json);
    return scenario;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

int sim_check_scenario(const struct mm1__linked_systems *linked, const char *path, FILE *out,
                       FILE *err)
{
    struct sim_case opened;
    struct mm1_diag diag;
    mm1_status status = sim_case_open(linked, path, &opened, &diag);
    if (status != MM1_OK) {
        return sim_print_finding(status, &diag, err);
    }
    const struct sim_scenario *scenario = opened.scenario;
    unsigned classes = 0;
    for (unsigned i = 0; i < SIM_FAULT_CLASSES; i++) {
        classes += scenario->faults.random[i].configured;
    }
    (void)fprintf(out,
                  "%s: good: system %s, %u node%s on %u host%s, %u scripted fault%s, %u random "
                  "class%s, %u propert%s\n",
                  path, scenario->system_name, scenario->node_count, plural(scenario->node_count),
                  scenario->host_count, plural(scenario->host_count),
                  scenario->faults.scripted_count, plural(scenario->faults.scripted_count), classes,
                  classes == 1 ? "" : "es", scenario->property_count,
                  scenario->property_count == 1 ? "y" : "ies");
    sim_case_close(&opened);
    return 0;
}

/* --- systems -------------------------------------------------------------------------------------------------- */

struct listing {
    FILE *out;
    FILE *err;
    int code;
};

static const char *about(const char *text)
{
    return text == NULL ? "" : text;
}

static void print_system(void *arg, const struct mm1__loaded_system *loaded,
                         const struct mm1_diag *diag)
{
    struct listing *listing = arg;
    if (loaded == NULL) {
        listing->code = sim_print_finding(MM1_INVALID, diag, listing->err);
        return;
    }
    const struct mm1_system *system = loaded->system;
    (void)fprintf(listing->out, "system %s  %s\n  from %s\n", system->name, about(system->about),
                  loaded->path == NULL ? "this program" : loaded->path);
    for (size_t i = 0; i < system->role_count; i++) {
        (void)fprintf(listing->out, "  role %s  %s\n", system->roles[i].name,
                      about(system->roles[i].about));
    }
    for (size_t i = 0; i < system->property_count; i++) {
        (void)fprintf(listing->out, "  property %s  %s\n", system->properties[i].name,
                      about(system->properties[i].about));
    }
}

int sim_list_systems(const struct mm1__linked_systems *linked, const char *folder, FILE *out,
                     FILE *err)
{
    struct listing listing = {.out = out, .err = err};
    mm1_status status = mm1__system_each(linked, folder, print_system, &listing);
    if (status != MM1_OK) {
        (void)fprintf(err, "the folders of systems cannot be searched: %s\n",
                      mm1_status_text(status));
        return sim_exit_code(status);
    }
    return listing.code;
}

/* --- scenarios ------------------------------------------------------------------------------------------------ */

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void print_scenario(const char *path, struct listing *listing)
{
    struct sim_scenario *scenario = NULL;
    struct mm1_diag diag;
    size_t size = strlen(path);
    if (size < 5 || strcmp(path + size - 5, ".json") != 0 || !sim_is_scenario(path)) {
        return;
    }
    mm1_status status = sim_scenario_load_file(path, &scenario, &diag);
    if (status != MM1_OK) {
        listing->code = sim_print_finding(status, &diag, listing->err);
        return;
    }
    (void)fprintf(listing->out, "scenario %s  %s\n", path, scenario->about);
    sim_scenario_free(scenario);
}

static void list_folder(const char *folder, unsigned depth, struct listing *listing)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, visible, by_bytes);
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        struct stat info;
        int size = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (size > 0 && (size_t)size < sizeof(path) && stat(path, &info) == 0) {
            if (S_ISDIR(info.st_mode) && depth > 0) {
                list_folder(path, depth - 1, listing);
            } else if (S_ISREG(info.st_mode)) {
                print_scenario(path, listing);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

int sim_list_scenarios(const char *folder, FILE *out, FILE *err)
{
    struct listing listing = {.out = out, .err = err};
    list_folder(folder, 1, &listing);
    return listing.code;
}
