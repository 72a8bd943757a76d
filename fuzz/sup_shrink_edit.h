/* A case that is cut and changed in place. */
#ifndef FUZZ_SUP_SHRINK_EDIT_H
#define FUZZ_SUP_SHRINK_EDIT_H

#include "fuzz/sup_case.h"

/* Its arrays have room for as much as the case that it began as; it only gets smaller. */
struct sup_draft {
    struct sup_case at;
    struct sup_member *specs; /* of the events that start a child, by their number */
};

/* MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_draft_open(struct mm1__arena *arena, const struct sup_case *the_case,
                                        struct sup_draft *out);
void sup_draft_copy(struct sup_draft *to, const struct sup_case *from);

/* Each says whether it changed anything, to a case that still can be read. */
bool sup_draft_drop_steps(struct sup_draft *draft, size_t first, size_t count);
bool sup_draft_drop_event(struct sup_draft *draft, size_t index);
bool sup_draft_drop_before(struct sup_draft *draft, size_t index);
/* A member with all below it, and the events that name them. */
bool sup_draft_drop_member(struct sup_draft *draft, size_t index);
/* A supervisor goes, and its children go to the one above. */
bool sup_draft_dissolve(struct sup_draft *draft, size_t index);
/* A supervisor takes the place of the root, and all that is not below it goes. */
bool sup_draft_promote(struct sup_draft *draft, size_t index);
/* A supervisor without children becomes a worker. */
bool sup_draft_demote(struct sup_draft *draft, size_t index);
/* One more event of a batch becomes a step of its own. */
bool sup_draft_split(struct sup_draft *draft, size_t step);

/* Attributes toward their defaults, one by one. */
#define SUP_PLAINER_MEMBER 11u
bool sup_member_plainer(struct sup_member *member, unsigned what, bool root);
#define SUP_PLAINER_EVENT 3u
bool sup_event_plainer(struct sup_event *event, unsigned what);
/* Ids toward a, b, c. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_draft_rename(struct mm1__arena *arena, struct sup_draft *draft);

#endif
