/* mm1 list: which systems and scenarios are there. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cli/cli.h"
#include "sim/scenario.h"

static const char help[] = "list [DIR]\n"
                           "\n"
                           "Names the systems that can be found, with the roles of their nodes and "
                           "their properties, and the\n"
                           "scenarios in DIR and the folders in it (default: scenarios).\n";

static const struct option options_list[] = {{0}};

static void see_system(void *arg, const struct mm1__loaded_system *loaded,
                       const struct mm1_diag *diag)
{
    char line[MM1_DIAG_LINE_MAX];
    size_t *count = arg;
    if (loaded == NULL) {
        (void)mm1__diag_print(diag, line);
        (void)fprintf(stderr, "mm1: %s\n", line);
        return;
    }
    const struct mm1_system *system = loaded->system;
    ++*count;
    (void)printf("system %s: %s\n", system->name, system->about == NULL ? "" : system->about);
    for (size_t i = 0; i < system->role_count; i++) {
        const char *about = system->roles[i].about;
        (void)printf("  role %s: %s\n", system->roles[i].name, about == NULL ? "" : about);
    }
    for (size_t i = 0; i < system->property_count; i++) {
        const char *about = system->properties[i].about;
        (void)printf("  property %s: %s\n", system->properties[i].name, about == NULL ? "" : about);
    }
}

/* A file that loads as a scenario; other JSON files (configurations of nodes) are passed over. */
static void list_file(const char *path, size_t *count)
{
    struct sim_scenario *scenario = NULL;
    struct mm1_diag diag = {0};
    if (sim_scenario_load_file(path, &scenario, &diag) == MM1_OK) {
        ++*count;
        (void)printf("scenario %s: system %s, seeds %llu..%llu%s%s\n", path, scenario->system_name,
                     (unsigned long long)scenario->seeds.first,
                     (unsigned long long)scenario->seeds.last,
                     scenario->about[0] == '\0' ? "" : ": ", scenario->about);
        sim_scenario_free(scenario);
    }
}

/* Lists the files of a folder, and of the folders in it down to `depth`. False: it cannot be read. */
static bool list_folder(const char *folder, unsigned depth, size_t *count)
{
    struct dirent **entries = NULL;
    int found = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < found; i++) {
        struct stat file;
        char *path = NULL;
        const char *name = entries[i]->d_name;
        size_t size = strlen(name);
        if (name[0] != '.' && asprintf(&path, "%s/%s", folder, name) > 0 &&
            stat(path, &file) == 0) {
            if (S_ISDIR(file.st_mode) && depth > 0) {
                (void)list_folder(path, depth - 1, count);
            } else if (S_ISREG(file.st_mode) && size > 5 && strcmp(name + size - 5, ".json") == 0) {
                list_file(path, count);
            }
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return found >= 0;
}

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    size_t systems = 0;
    size_t scenarios = 0;
    if (cli_option(&cli_list, argc, argv, options_list) != -1) {
        return CLI_USAGE;
    }
    if (argc - optind > 1) {
        return cli_usage(&cli_list, "one folder at a time");
    }
    const char *folder = optind < argc ? argv[optind] : "scenarios";
    if (mm1__system_each(linked, NULL, see_system, &systems) != MM1_OK) {
        (void)fprintf(stderr, "mm1: out of memory\n");
        return CLI_ENVIRONMENT;
    }
    if (!list_folder(folder, 3, &scenarios) && optind < argc) {
        (void)fprintf(stderr, "mm1: %s: the folder cannot be read\n", folder);
        return CLI_INPUT;
    }
    (void)printf("%zu systems, %zu scenarios\n", systems, scenarios);
    return CLI_OK;
}

const struct cli_verb cli_list = {
    .name = "list",
    .about = "name the systems and scenarios that can be found",
    .help = help,
    .run = run,
};
