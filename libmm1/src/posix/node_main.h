/* What `mm1 node CONFIG` does: one real node, until its main ends or a signal asks for the end. */
#ifndef MM1_POSIX_NODE_MAIN_H
#define MM1_POSIX_NODE_MAIN_H

#include "host/load.h"

/* Runs the node of that configuration; `linked` may be null. Answers the exit code, all but 0 with a line on standard
 * error:
 * 0: its main ended normally, or by shutdown.
 * 2: the configuration is bad.
 * 3: the environment: a port in use, a store that cannot be used.
 * 4: its main failed.
 * 130, 143: SIGINT, SIGTERM. Main was asked to shut down first, and given 5 seconds; a second signal cuts them
 * short. */
int mm1__posix_node(const char *config_path, const struct mm1__linked_systems *linked);

#endif
