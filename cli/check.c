/* mm1 check: is a scenario, or the configuration of a node, well-formed? */
#include <stdio.h>

#include "cli/cli.h"
#include "host/json.h"
#include "posix/node_config.h"
#include "sim/traced.h"

static const char help[] = "check SCENARIO|CONFIG...\n"
                           "\n"
                           "Reads scenarios and configurations of nodes strictly, with the systems "
                           "they name, and says what is\n"
                           "wrong and where.\n"
                           "Exit codes: 0 all are well, 2 the first file that is not.\n";

static const struct option options_list[] = {{0}};

static int complain(const struct mm1_diag *diag, mm1_status status)
{
    char line[MM1_DIAG_LINE_MAX];
    (void)mm1__diag_print(diag, line);
    (void)fprintf(stderr, "mm1: %s\n", line);
    return status == MM1_NOMEM ? CLI_ENVIRONMENT : CLI_INPUT;
}

static int check_config(const char *path, const struct mm1__linked_systems *linked)
{
    struct mm1__findings findings;
    struct mm1__node_file file;
    mm1_status status = mm1__node_file_read(path, linked, &file, &findings);
    mm1__findings_print(&findings);
    if (status != MM1_OK) {
        return status == MM1_NOMEM ? CLI_ENVIRONMENT : CLI_INPUT;
    }
    (void)printf("%s: node %.*s, system %s, role %s\n", path, (int)file.name.size, file.name.data,
                 file.loaded.system->name, file.role->name);
    mm1__node_file_close(&file);
    return CLI_OK;
}

static int check_scenario(const char *path)
{
    struct mm1_diag diag = {0};
    struct sim_scenario *scenario = NULL;
    struct sim_description description;
    char error[SIM_CHILD_ERROR_MAX];
    const struct sim_watch watch = {.limit_ms = sim_watch_ms(), .stop = cli_watch_signals()};
    mm1_status status = sim_scenario_load_file(path, &scenario, &diag);
    if (status != MM1_OK) {
        return complain(&diag, status);
    }
    const struct sim_job job = {.file = path,
                                .text = {.data = scenario->text, .size = scenario->text_size}};
    int code = CLI_OK;
    status = sim_describe(&job, &watch, &description, error, sizeof(error));
    if (status == MM1_INTERRUPTED) {
        code = 128 + (int)*watch.stop;
    } else if (status != MM1_OK) {
        (void)fprintf(stderr, "mm1: %s\n", error);
        code = status == MM1_NOMEM || status == MM1_IO ? CLI_ENVIRONMENT : CLI_INPUT;
    } else {
        (void)printf("%s: scenario %s, system %s, %u hosts, %u nodes, seeds %llu..%llu\n", path,
                     scenario->name, description.system, scenario->host_count, scenario->node_count,
                     (unsigned long long)scenario->seeds.first,
                     (unsigned long long)scenario->seeds.last);
    }
    sim_scenario_free(scenario);
    return code;
}

/* The configuration of a node has a role at its top, a scenario never has. */
static bool is_config(const char *path)
{
    struct mm1_diag diag;
    struct mm1__json *json = NULL;
    bool found = false;
    if (mm1__json_read(path, &diag, &json) == MM1_OK) {
        found = mm1__json_find(mm1__json_root(json), "role") != NULL;
        mm1__json_free(json);
    }
    return found;
}

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    int code = CLI_OK;
    if (cli_option(&cli_check, argc, argv, options_list) != -1) {
        return CLI_USAGE;
    }
    if (optind == argc) {
        return cli_usage(&cli_check, "no file was named");
    }
    for (int i = optind; i < argc && code == CLI_OK; i++) {
        code = is_config(argv[i]) ? check_config(argv[i], linked) : check_scenario(argv[i]);
    }
    return code;
}

const struct cli_verb cli_check = {
    .name = "check",
    .about = "read scenarios and configurations strictly, and say what is wrong",
    .help = help,
    .run = run,
};
