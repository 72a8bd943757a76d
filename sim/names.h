/* Numbers for texts: 1, 2, … in the order in which they are first met. */
#ifndef SIM_NAMES_H
#define SIM_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include <mm1/bytes.h>

struct sim_names {
    struct sim_name *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* The number of `text`; `*fresh` says whether it is new. The text is copied. 0 when memory is refused. */
uint32_t sim_names_number(struct sim_names *names, struct mm1_text text, bool *fresh);
/* True when `key` was not there; it is then. Keys and texts of one struct do not mix. False too when memory is
 * refused: `*nomem` is set then. */
bool sim_names_add_key(struct sim_names *names, uint64_t key, bool *nomem);
void sim_names_close(struct sim_names *names);

#endif
