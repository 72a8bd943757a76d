/* mm1 node: the same actors on threads, sockets and files. */
#include "cli/cli.h"
#include "posix/log_filter.h"
#include "posix/node_main.h"

static const char help[] =
    "node CONFIG [--min-log-level LEVEL] [--log-target-filter A::B=LEVEL]...\n"
    "\n"
    "Runs a real node, as its configuration (JSON) says, until its main "
    "actor ends or SIGINT or SIGTERM asks it to.\n"
    "  --min-log-level LEVEL    error, warn, info, debug or trace, in "
    "the place of the configuration's\n"
    "  --log-target-filter S    a statement A::B=LEVEL about /NODE/A/B and "
    "below; may be repeated; in the\n"
    "                           place of all of the configuration's\n"
    "\n"
    "Exit codes: 0 main ended well, 2 bad configuration, 3 environment (a "
    "port in use, a store that cannot be used),\n"
    "4 main failed, 130 and 143 interrupted.\n";

enum { OPTION_LEVEL = 1, OPTION_FILTER };

static const struct option options_list[] = {
    {"min-log-level", required_argument, NULL, OPTION_LEVEL},
    {"log-target-filter", required_argument, NULL, OPTION_FILTER},
    {0},
};

#define FILTERS_MAX 256

struct node_options {
    struct mm1__node_options run;
    struct mm1_text filter[FILTERS_MAX];
};

/* False: it has said what is wrong. */
static bool take_level(struct node_options *options, const char *text)
{
    if (!mm1__log_level_parse(mm1_text_of(text), &options->run.log_level)) {
        (void)cli_usage(&cli_node,
                        "--min-log-level: \"%s\" is not error, warn, info, debug or trace", text);
        return false;
    }
    options->run.has_log_level = true;
    return true;
}

static bool take_filter(struct node_options *options, const char *text)
{
    struct mm1__log_statement statement;
    if (mm1__log_statement_parse(mm1_text_of(text), &statement) != MM1_OK) {
        (void)cli_usage(&cli_node, "--log-target-filter: \"%s\" is not written A::B=LEVEL", text);
        return false;
    }
    if (options->run.log_filter_count == FILTERS_MAX) {
        (void)cli_usage(&cli_node, "--log-target-filter: more than %d", FILTERS_MAX);
        return false;
    }
    options->filter[options->run.log_filter_count++] = mm1_text_of(text);
    return true;
}

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    struct node_options options = {0};
    options.run.log_filter = options.filter;
    for (;;) {
        int option = cli_option(&cli_node, argc, argv, options_list);
        if (option == -1) {
            break;
        }
        bool good = option == OPTION_LEVEL    ? take_level(&options, optarg)
                    : option == OPTION_FILTER ? take_filter(&options, optarg)
                                              : false;
        if (!good) {
            return CLI_USAGE;
        }
    }
    if (argc - optind != 1) {
        return cli_usage(&cli_node, "expected one configuration");
    }
    return mm1__posix_node(argv[optind], linked, &options.run);
}

const struct cli_verb cli_node = {
    .name = "node",
    .about = "run a real node: threads, sockets and files",
    .help = help,
    .run = run,
};
