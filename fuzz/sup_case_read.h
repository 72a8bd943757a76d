/* The inside of the reader of cases: sup_case_fields.c reads lines and their words, sup_case.c puts cases together. */
#ifndef FUZZ_SUP_CASE_READ_H
#define FUZZ_SUP_CASE_READ_H

#include "fuzz/sup_case_words.h"

#define SUP_TOKENS_MAX 24
#define SUP_KEYS_MAX 16
#define SUP_SHOWN_MAX 48
#define SUP_LIST_MAX 160

/* What is read, and how far; the case at hand lies in scratch memory until its end. */
struct sup_reader {
    struct mm1__arena *arena;
    struct mm1_text left;
    const char *name;
    bool fuzzed;
    char *error;
    unsigned line;
    struct mm1_text tokens[SUP_TOKENS_MAX];
    size_t count;
    /* the case at hand */
    struct sup_case at;
    bool in_batch;
    struct mm1_buf members;
    struct mm1_buf pre;
    struct mm1_buf events;
    struct mm1_buf steps;
    struct mm1_buf cases;
};

/* A piece of the text as it may stand in a message of one line. */
struct sup_shown {
    char text[SUP_SHOWN_MAX + 4];
};
struct sup_shown sup_show(struct mm1_text text);

/* Says what is wrong in the line at hand; returns MM1_INVALID. */
mm1_status sup_wrong(const struct sup_reader *r, const char *format, ...) MM1_PRINTF(2, 3);

/* The tokens of the next line that is not blank; none at the end of the text. */
MM1_NODISCARD mm1_status sup_next_line(struct sup_reader *r);
/* The tokens of a line. */
MM1_NODISCARD mm1_status sup_split(struct sup_reader *r, struct mm1_text line);
bool sup_is_word(struct mm1_text token, const char *word);
size_t sup_find_word(struct sup_words words, struct mm1_text token);
MM1_NODISCARD mm1_status sup_keep(const struct sup_reader *r, struct mm1_text token,
                                  const char **out);

/* Each reads one token; MM1_INVALID: `what` names it in the message. */
MM1_NODISCARD mm1_status sup_read_number(const struct sup_reader *r, const char *what,
                                         struct mm1_text token, uint64_t max, uint64_t *out);
MM1_NODISCARD mm1_status sup_read_ns(const struct sup_reader *r, const char *what,
                                     struct mm1_text token, uint64_t *out);
MM1_NODISCARD mm1_status sup_read_id(const struct sup_reader *r, const char *what,
                                     struct mm1_text token, const char **out);
MM1_NODISCARD mm1_status sup_read_exit(const struct sup_reader *r, struct mm1_text token,
                                       struct sup_event *event);
/* The tokens from `first` on, each a key=value. */
MM1_NODISCARD mm1_status sup_read_keys(const struct sup_reader *r, size_t first, bool root,
                                       struct sup_member *member);

#endif
