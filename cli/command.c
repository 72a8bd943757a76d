/* The command: finds the verb and hands over. */
#include <stdio.h>
#include <stdlib.h>

#include <mm1/command.h>

#include "cli/cli.h"
#include "fuzz/sup_system.h"
#include "mm1_version.h"
#include "sim/child.h"

static const struct cli_verb *const verbs[] = {
    &cli_sim, &cli_replay, &cli_query, &cli_check, &cli_list, &cli_node, &cli_fuzz,
};

static const struct cli_verb *find(const char *name)
{
    for (size_t i = 0; i < MM1_COUNT_OF(verbs); i++) {
        if (strcmp(verbs[i]->name, name) == 0) {
            return verbs[i];
        }
    }
    return NULL;
}

static int print_help(void)
{
    (void)printf("usage: mm1 VERB [arguments]\n\n");
    for (size_t i = 0; i < MM1_COUNT_OF(verbs); i++) {
        (void)printf("  %-10s  %s\n", verbs[i]->name, verbs[i]->about);
    }
    (void)printf("  %-10s  this text, or that of a verb\n  %-10s  the version and the build\n",
                 "help", "--version");
    return CLI_OK;
}

static int unknown_verb(const char *name)
{
    char hint[128];
    struct mm1__nearest nearest = mm1__nearest(mm1_text_of(name));
    for (size_t i = 0; i < MM1_COUNT_OF(verbs); i++) {
        mm1__nearest_offer(&nearest, mm1_text_of(verbs[i]->name));
    }
    mm1__nearest_offer(&nearest, MM1_TEXT("help"));
    mm1__nearest_offer(&nearest, MM1_TEXT("--version"));
    (void)fprintf(stderr, "mm1: unknown verb \"%s\"%s; see \"mm1 help\"\n", name,
                  mm1__nearest_hint(&nearest, hint, sizeof(hint)));
    return CLI_USAGE;
}

static int help_verb(int argc, char **argv)
{
    if (argc == 0) {
        return print_help();
    }
    const struct cli_verb *verb = find(argv[0]);
    if (verb == NULL || argc > 1) {
        return unknown_verb(argv[verb == NULL ? 0 : 1]);
    }
    (void)printf("usage: mm1 %s", verb->help);
    return CLI_OK;
}

static int print_version(void)
{
    (void)printf("mm1 %s\nsources %s\nbuild   %s\n", MM1_VERSION, MM1_SOURCE_VERSION, MM1_BUILD_ID);
    return CLI_OK;
}

static int dispatch(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    if (argc < 2) {
        (void)fprintf(stderr, "mm1: no verb was given; see \"mm1 help\"\n");
        return CLI_USAGE;
    }
    const char *name = argv[1];
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        return help_verb(argc - 2, argv + 2);
    }
    if (strcmp(name, "--version") == 0) {
        return print_version();
    }
    const struct cli_verb *verb = find(name);
    if (verb == NULL) {
        return unknown_verb(name);
    }
    if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
        return help_verb(1, argv + 1);
    }
    return verb->run(argc - 1, argv + 1, linked);
}

/* The systems that every mm1 has. */
static const struct mm1_system *const built_in[] = {&sup_system};

static bool is_named(const struct mm1_system *const *systems, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (systems[i]->name != NULL && strcmp(systems[i]->name, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Those of the program, and the built-in ones that none of them has the name of. Null: no memory. */
static const struct mm1_system **join_systems(const struct mm1_system *const *systems, size_t count,
                                              size_t *joined)
{
    const struct mm1_system **all = calloc(count + MM1_COUNT_OF(built_in), sizeof(const void *));
    *joined = count;
    if (all == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        all[i] = systems[i];
    }
    for (size_t i = 0; i < MM1_COUNT_OF(built_in); i++) {
        if (!is_named(systems, count, built_in[i]->name)) {
            all[(*joined)++] = built_in[i];
        }
    }
    return all;
}

static int run_command(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    if (argc > 1 && strcmp(argv[1], SIM_CHILD_ARGUMENT) == 0) {
        return sim_child_main(argc, argv, linked);
    }
    /* A pipe that is gone, or a file that is too large, is an error to report, not an end without a word. */
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
    int code = dispatch(argc, argv, linked);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        if (code == CLI_OK) {
            (void)fprintf(stderr, "mm1: standard output cannot be written\n");
            code = CLI_ENVIRONMENT;
        }
    }
    return code;
}

int mm1_command_main(int argc, char **argv, const struct mm1_system *const *systems, size_t count)
{
    struct mm1__linked_systems linked;
    const struct mm1_system **all = join_systems(systems, count, &linked.count);
    if (all == NULL) {
        (void)fprintf(stderr, "mm1: out of memory\n");
        return CLI_ENVIRONMENT;
    }
    linked.items = all;
    int code = run_command(argc, argv, &linked);
    free(all);
    return code;
}
