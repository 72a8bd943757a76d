/* The table of a name service: texts to addresses, each for a while (NS-02 to NS-05). It reads no clock: each
 * function is told what time it is, and first drops the entries whose time is over. */
#ifndef MM1_KIT_NAMES_TABLE_H
#define MM1_KIT_NAMES_TABLE_H

#include <mm1/name_service.h>

#include "base/tree.h"

struct mm1__names {
    struct mm1_alloc *alloc;
    struct mm1_tree names;   /* by text */
    struct mm1_tree endings; /* entries by the end of their time */
    uint64_t births;         /* entries ever made: orders those that end together */
};

void mm1__names_open(struct mm1__names *names, struct mm1_alloc *alloc);
/* Also of a table that is all zero. */
void mm1__names_shut(struct mm1__names *names);

/* Enters an address, or gives it a new time, until `now + ttl`; a time beyond all time is over at once.
 * MM1_CONFLICT: the name is exclusive to another address, or of the other kind. MM1_NOMEM: nothing changed. */
MM1_NODISCARD mm1_status mm1__names_register(struct mm1__names *names, uint64_t now,
                                             struct mm1_text name, mm1_addr addr, bool exclusive,
                                             uint64_t ttl);
/* MM1_NOT_FOUND: no such name, or exclusive to another. Of a shared name no address needs to be there. */
MM1_NODISCARD mm1_status mm1__names_unregister(struct mm1__names *names, uint64_t now,
                                               struct mm1_text name, mm1_addr addr);
/* A list of the entries of a name, in the order of their addresses; null with a count of 0 for none. To be given back
 * to the allocator. MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__names_resolve(struct mm1__names *names, uint64_t now,
                                            struct mm1_text name, struct mm1_name_entry **entries,
                                            size_t *count);

#endif
