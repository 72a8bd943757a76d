/* mm1 node: the same actors on threads, sockets and files. */
#include "cli/cli.h"
#include "posix/node_main.h"

static const char help[] = "node CONFIG\n"
                           "\n"
                           "Runs a real node, as its configuration (JSON) says, until its main "
                           "actor ends or SIGINT or SIGTERM asks it to.\n"
                           "\n"
                           "Exit codes: 0 main ended well, 2 bad configuration, 3 environment (a "
                           "port in use, a store that cannot be used),\n"
                           "4 main failed, 130 and 143 interrupted.\n";

static const struct option options_list[] = {{0}};

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    if (cli_option(&cli_node, argc, argv, options_list) != -1) {
        return CLI_USAGE;
    }
    if (argc - optind != 1) {
        return cli_usage(&cli_node, "expected one configuration");
    }
    return mm1__posix_node(argv[optind], linked);
}

const struct cli_verb cli_node = {
    .name = "node",
    .about = "run a real node: threads, sockets and files",
    .help = help,
    .run = run,
};
