/* What reads the parts of a node's configuration. Each part is read in two passes: first its form, where the first
 * error ends the reading; then, once all parts are well-formed, its references and rules, which report all that they
 * find. */
#ifndef MM1_POSIX_NODE_CONFIG_PARTS_H
#define MM1_POSIX_NODE_CONFIG_PARTS_H

#include "posix/node_config.h"

/* --- findings ------------------------------------------------------------------------------------------------- */

/* Adds an error, or a warning, at a value of the file. */
void mm1__node_error(struct mm1__node_file *file, struct mm1__findings *findings,
                     const struct mm1__json_node *node, const char *format, ...) MM1_PRINTF(4, 5);
void mm1__node_warn(struct mm1__node_file *file, struct mm1__findings *findings,
                    const struct mm1__json_node *node, const char *format, ...) MM1_PRINTF(4, 5);

/* --- local_subnets, inbound, outbound ------------------------------------------------------------------------- */

void mm1__node_read_nets(struct mm1__json_object *object, struct mm1__node_file *file);
/* A name of the transport, to listen at or to dial. */
void mm1__node_read_net_name(const struct mm1__json_node *node, bool is_dial, struct mm1_text *out);
void mm1__node_check_subnets(struct mm1__node_file *file, struct mm1__findings *findings);
void mm1__node_check_links(struct mm1__node_file *file, struct mm1__findings *findings);

/* --- runtime, actor ------------------------------------------------------------------------------------------- */

void mm1__node_read_runtimes(struct mm1__json_object *object, struct mm1__node_file *file);
void mm1__node_read_actors(struct mm1__json_object *object, struct mm1__node_file *file);
void mm1__node_check_runtimes(struct mm1__node_file *file, struct mm1__findings *findings);

#endif
