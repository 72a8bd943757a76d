/* What a run of a case writes down: the log lines and the answers to calls, from the runtime's events, in the words of
 * docs/supervisors.md, "Cases". Events may come from any thread. */
#ifndef FUZZ_SUP_CASES_BOOK_H
#define FUZZ_SUP_CASES_BOOK_H

#include <pthread.h>

#include "fuzz/sup_case.h"
#include "fuzz/sup_roll.h"

enum sup_line_kind { SUP_LINE_START, SUP_LINE_FAIL, SUP_LINE_IGNORE, SUP_LINE_STOP };

struct sup_line {
    enum sup_line_kind kind;
    const struct sup_process *process;
};

/* A call of the step at hand. */
struct sup_call {
    const struct sup_event *event;
    const char *answer; /* in words; null: none yet */
};

struct sup_book {
    const struct sup_case *the_case;
    struct mm1_alloc *alloc;
    struct mm1__arena arena; /* of answers */
    pthread_mutex_t lock;    /* of all that follows */
    struct sup_roll roll;
    struct mm1_buf lines; /* struct sup_line, not printed yet */
    struct mm1_buf calls; /* struct sup_call; the index is its number */
    size_t living;        /* actors of all kinds that were born and have not begun to end */
    mm1_status status;    /* MM1_NOMEM: something is missing */
};

void sup_book_init(struct sup_book *book, const struct sup_case *the_case, struct mm1_alloc *alloc);
void sup_book_close(struct sup_book *book);
/* Takes note of an event. The answer is null; or the member whose word that it is ready a supervisor takes here, and
 * which was told to end at once: in OTP's order of things its end comes first. */
const struct sup_process *sup_book_see(struct sup_book *book, const struct mm1_event *event);
/* Whether nobody is in the middle of its end but those that `actors` still counts. */
bool sup_book_settled(struct sup_book *book, const struct sup_process *process, size_t actors);

/* The latest process of an id that became ready, when it lives; else null. All below: with no turn running. */
struct sup_process *sup_book_living(const struct sup_book *book, const char *id);
/* Appends the lines since the last time. `group`: in the order of their ids. */
MM1_NODISCARD mm1_status sup_book_flush(struct sup_book *book, bool group, struct mm1_buf *out);
/* Notes a call, whose number is returned in `*number`. `answer`: one that is known already, or null. */
MM1_NODISCARD mm1_status sup_book_call(struct sup_book *book, const struct sup_event *event,
                                       const char *answer, uint64_t *number);
/* The answer to a call; null: there was none. */
const char *sup_book_answer(const struct sup_book *book, uint64_t number);
/* Appends why a process ended, which was not ready: "boom", "shutdown:failed_to_start_child:a:boom", … */
MM1_NODISCARD mm1_status sup_book_why(const struct sup_book *book,
                                      const struct sup_process *process, struct mm1_buf *out);

#endif
