/* Compares what cases came to with what they are to come to, but for differences that are kept on purpose.
 *
 * These are a text of their own, where each must occur, and just as it says:
 *
 *     #! why
 *     difference CASE STATEMENT
 *     - the line that is expected
 *     + the line in its place */
#ifndef FUZZ_SUP_CASES_COMPARE_H
#define FUZZ_SUP_CASES_COMPARE_H

#include <stdbool.h>

#include <mm1/bytes.h>

struct sup_difference {
    struct mm1_text name;
    struct mm1_text expected;
    struct mm1_text got;
    unsigned line; /* of the text */
    bool seen;
};

#define SUP_COMPARE_TEXT_MAX 512

/* Its texts are borrowed. */
struct sup_compare {
    const char *path;     /* what messages call the expectation */
    struct mm1_text left; /* of the expectation */
    unsigned line;        /* of it, the last one that was taken */
    const char *kept_path;
    struct mm1_buf kept; /* struct sup_difference */
    bool differs;
    char text[SUP_COMPARE_TEXT_MAX]; /* the first difference, in lines */
};

void sup_compare_init(struct sup_compare *compare, struct mm1_alloc *alloc, const char *path,
                      struct mm1_text expected);
void sup_compare_close(struct sup_compare *compare);
/* Reads the differences to keep. MM1_INVALID: `compare->text` says "NAME:LINE: what is wrong". MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_compare_keep(struct sup_compare *compare, const char *path,
                                          struct mm1_text text);
/* The next case and its output. */
void sup_compare_case(struct sup_compare *compare, const char *name, struct mm1_text output);
/* There are no more: then nothing more is expected. */
void sup_compare_end(struct sup_compare *compare);

#endif
