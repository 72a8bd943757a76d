/* The words of cases, each with its value; shared by their reader and their writer. */
#ifndef FUZZ_SUP_CASE_WORDS_H
#define FUZZ_SUP_CASE_WORDS_H

#include "fuzz/sup_case.h"

/* A table: its index is the value. */
struct sup_words {
    const char *const *items;
    size_t count;
};

extern const struct sup_words sup_words_strategy;
extern const struct sup_words sup_words_auto;
extern const struct sup_words sup_words_restart;
extern const struct sup_words sup_words_type;  /* worker, supervisor */
extern const struct sup_words sup_words_term;  /* slow stands for "slow:MS" */
extern const struct sup_words sup_words_exit;  /* "shutdown:" stands for "shutdown:TEXT" */
extern const struct sup_words sup_words_key;   /* of enum sup_key */
extern const struct sup_words sup_words_event; /* of enum sup_event_kind */

#endif
