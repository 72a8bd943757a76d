/* mm1 query: questions to a trace in SQL. */
#include <stdio.h>
#include <unistd.h>

#include "cli/cli.h"
#include "replay/replay.h"

static const char help[] = "query FILE SQL\n"
                           "\n"
                           "Asks a trace, which is an SQLite file, and prints the rows: in columns "
                           "on a terminal, else with tabs\n"
                           "between them. The file is only read. Tables: run, node, actor, event, "
                           "decision, fault, property, output.\n"
                           "Views with names in place of numbers: events, decisions, logs, lost, "
                           "mailbox, restarts, asks, chain.\n"
                           "\n"
                           "  mm1 query x.db 'SELECT kind, count(*) FROM event GROUP BY kind'\n"
                           "  mm1 query x.db 'SELECT * FROM chain WHERE run = 1 ORDER BY depth'\n";

static const struct option options_list[] = {{0}};

static int run(int argc, char **argv, const struct mm1__linked_systems *linked)
{
    (void)linked;
    if (cli_option(&cli_query, argc, argv, options_list) != -1) {
        return CLI_USAGE;
    }
    if (argc - optind != 2) {
        return cli_usage(&cli_query, "expected a trace and one SQL statement");
    }
    return replay_query(argv[optind], argv[optind + 1], stdout, isatty(STDOUT_FILENO) == 1);
}

const struct cli_verb cli_query = {
    .name = "query",
    .about = "ask a trace in SQL",
    .help = help,
    .run = run,
};
