/* Which lines of log are let through, by their target: the names of an actor's path below its node, joined by "::".
 * Statements are "a::b=LEVEL": what stands at a::b or below it passes up to that level; the longest statement that fits
 * decides, and where none does, all passes (mm1-spec G-10). */
#ifndef MM1_POSIX_LOG_FILTER_H
#define MM1_POSIX_LOG_FILTER_H

#include <mm1/actor.h>
#include <mm1/trace.h>

/* After the levels of mm1_log: other events than lines of log. */
#define MM1__LOG_TRACE ((unsigned)MM1_LOG_DEBUG + 1)

/* "error" to "trace"; static storage. */
const char *mm1__log_level_text(unsigned level);
/* Its number, in any case of letters; false: no such level. */
bool mm1__log_level_parse(struct mm1_text text, unsigned *out);

struct mm1__log_statement {
    struct mm1_text target; /* borrowed from the text */
    unsigned level;
};
/* MM1_MALFORMED: no "=", or an empty name; MM1_NOT_FOUND: no such level. */
MM1_NODISCARD mm1_status mm1__log_statement_parse(struct mm1_text text,
                                                  struct mm1__log_statement *out);
/* Appends "a::b=DEBUG". */
MM1_NODISCARD mm1_status mm1__log_statement_print(const struct mm1__log_statement *statement,
                                                  struct mm1_buf *out);

/* All zero is the empty filter. */
struct mm1__log_filter {
    struct mm1_alloc *alloc;
    struct mm1__log_name *names; /* the first one is the root */
    size_t name_count;
    size_t name_capacity;
    char *texts;
    size_t texts_size;
};

/* Of two statements about the same target the later one counts. "*" stands for one name that no other statement has at
 * its place. MM1_MALFORMED, MM1_NOT_FOUND: `*bad` is the first statement that is not well; MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__log_filter_open(struct mm1__log_filter *filter,
                                              struct mm1_alloc *alloc,
                                              const struct mm1_text *statements, size_t count,
                                              size_t *bad);
void mm1__log_filter_close(struct mm1__log_filter *filter);
bool mm1__log_filter_allows(const struct mm1__log_filter *filter, struct mm1_text target,
                            unsigned level);
/* The same for the target of an actor; null: the node's own, which no statement fits. Any thread. */
bool mm1__log_filter_allows_path(const struct mm1__log_filter *filter, const struct mm1_path *path,
                                 unsigned level);

#endif
