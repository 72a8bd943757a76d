/* What ties two actors together, counted from the runtime's events: watches and their notifications, links and their
 * exit signals, calls and their answers. */
#include <mm1/sched.h>

#include "base/order.h"
#include "fuzz/sup_actors.h"
#include "fuzz/sup_watch_state.h"

static struct sup_bond *bond_at(const struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct sup_bond, by_watcher);
}

static struct sup_caller *caller_at(const struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct sup_caller, by_address);
}

struct bond_key {
    uint64_t watcher;
    uint64_t ref;
};

static int compare_bond(const void *key, const struct mm1_tree_node *node)
{
    const struct bond_key *bond = key;
    int by_watcher = mm1__order_u64(bond->watcher, bond_at(node)->watcher);
    return by_watcher != 0 ? by_watcher : mm1__order_u64(bond->ref, bond_at(node)->ref);
}

static int compare_bonds(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    struct bond_key key = {.watcher = bond_at(a)->watcher, .ref = bond_at(a)->ref};
    return compare_bond(&key, b);
}

static int compare_caller(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, caller_at(node)->address);
}

static int compare_callers(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_caller(&caller_at(a)->address, b);
}

void sup_bonds_init(struct sup_watch *watch)
{
    watch->bonds = MM1_TREE(compare_bonds);
    watch->callers = MM1_TREE(compare_callers);
}

static void bond_free(struct sup_watch *watch, struct sup_bond *bond)
{
    mm1_tree_remove(&watch->bonds, &bond->by_watcher);
    mm1_give(watch->alloc, bond, sizeof(*bond));
}

void sup_bonds_close(struct sup_watch *watch)
{
    MM1_TREE_FOREACH(node, &watch->bonds) {
        bond_free(watch, bond_at(node));
    }
    MM1_TREE_FOREACH(node, &watch->callers) {
        struct sup_caller *caller = caller_at(node);
        mm1_tree_remove(&watch->callers, node);
        mm1_give(watch->alloc, caller, sizeof(*caller));
    }
}

/* --- watches ----------------------------------------------------------------------------------------------------- */

static struct sup_bond *find_bond(const struct sup_watch *watch, uint64_t watcher, uint64_t ref)
{
    struct bond_key key = {.watcher = watcher, .ref = ref};
    return bond_at(mm1_tree_find(&watch->bonds, &key, compare_bond));
}

mm1_status sup_bond_verb(struct sup_watch *watch, const struct mm1_event *event)
{
    if (event->verb == MM1_EFFECT_UNWATCH) {
        struct sup_bond *bond = find_bond(watch, event->self.bits, event->number);
        if (bond != NULL) {
            bond_free(watch, bond);
        }
        return MM1_OK;
    }
    if (event->status != MM1_OK || event->number == 0) {
        return MM1_OK;
    }
    struct sup_bond *bond = mm1_take_zero(watch->alloc, sizeof(*bond));
    if (bond == NULL) {
        return MM1_NOMEM;
    }
    bond->watcher = event->self.bits;
    bond->ref = event->number;
    bond->target = event->peer.bits;
    if (mm1_tree_insert(&watch->bonds, &bond->by_watcher) != NULL) {
        mm1_give(watch->alloc, bond, sizeof(*bond));
        sup_found(watch, NULL, 0, "watch", "%s made two watches with one reference",
                  sup_name_of(watch, event->self.bits));
    }
    return MM1_OK;
}

void sup_bond_down(struct sup_watch *watch, const struct mm1_event *event)
{
    const struct mm1_down *down = event->msg;
    struct sup_bond *bond = find_bond(watch, event->self.bits, down->ref);
    if (bond != NULL && ++bond->downs > 1) {
        sup_found(watch, NULL, 0, "watch", "%s was told twice, for one watch, that %s ended",
                  sup_name_of(watch, event->self.bits), sup_name_of(watch, down->peer.bits));
    }
    struct sup_seen *seen = sup_seen_at(watch, down->peer.bits);
    if (bond == NULL && seen != NULL && seen->above != NULL &&
        seen->above->self->process->address == event->self.bits && ++seen->downs > 1) {
        sup_found(watch, seen->above, seen->above->log.count, "watch",
                  "was told twice, for the watch since its birth, that %s ended",
                  sup_name_of(watch, down->peer.bits));
    }
}

void sup_bond_exit(struct sup_watch *watch, uint64_t watcher)
{
    struct bond_key key = {.watcher = watcher};
    struct sup_bond *bond = bond_at(mm1_tree_at_least(&watch->bonds, &key, compare_bond));
    while (bond != NULL && bond->watcher == watcher) {
        struct mm1_tree_node *next = mm1_tree_next(&bond->by_watcher);
        bond_free(watch, bond);
        bond = bond_at(next);
    }
}

/* --- links ------------------------------------------------------------------------------------------------------- */

void sup_link_signal(struct sup_watch *watch, const struct mm1_event *event)
{
    struct sup_seen *self = sup_seen_at(watch, event->self.bits);
    struct sup_seen *peer = self == NULL ? NULL : sup_seen_at(watch, event->peer.bits);
    if (peer == NULL || !peer->process->ended) {
        return;
    }
    if (self->above != NULL && self->above == peer->life) {
        self->heard = true;
    }
    if (peer->above != NULL && peer->above == self->life && ++peer->exits > 1) {
        sup_found(watch, self->life, self->life->log.count, "link",
                  "got two exit signals from %s after its end",
                  sup_name_of(watch, event->peer.bits));
    }
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

static struct sup_caller *find_caller(const struct sup_watch *watch, uint64_t address)
{
    return caller_at(mm1_tree_find(&watch->callers, &address, compare_caller));
}

static void found_unanswered(struct sup_watch *watch, const struct sup_caller *caller)
{
    sup_found(watch, NULL, 0, "call not answered", "call %llu of %s was never answered",
              (unsigned long long)caller->number, sup_name_of(watch, caller->supervisor));
}

mm1_status sup_caller_born(struct sup_watch *watch, const struct mm1_event *event)
{
    const struct sup_caller_arg *arg = event->msg;
    struct sup_caller *caller = find_caller(watch, event->peer.bits);
    if (caller == NULL) {
        caller = mm1_take_zero(watch->alloc, sizeof(*caller));
        if (caller == NULL) {
            return MM1_NOMEM;
        }
        caller->address = event->peer.bits;
        (void)mm1_tree_insert(&watch->callers, &caller->by_address);
    } else if (caller->told == 0) {
        found_unanswered(watch, caller); /* its address is back: it has ended */
    }
    caller->number = arg->number;
    caller->supervisor = arg->supervisor.bits;
    caller->told = 0;
    caller->answered = false;
    watch->checks++;
    return MM1_OK;
}

void sup_caller_sent(struct sup_watch *watch, const struct sup_life *from,
                     const struct mm1_event *event)
{
    struct sup_caller *caller = find_caller(watch, event->peer.bits);
    if (caller == NULL || caller->supervisor != from->self->process->address) {
        return;
    }
    caller->answered = true;
    caller->code = 0;
    caller->child = 0;
    if (event->type == &mm1_sup_answer_response_type) {
        const struct mm1_sup_answer *said =
            &((const struct mm1_sup_answer_response *)event->msg)->body;
        caller->code = said->code;
        caller->child = said->child.some ? said->child.value.bits : 0;
    }
}

/* Hears that the supervisor ended, or is not there. */
static void told_down(struct sup_watch *watch, const struct sup_caller *caller)
{
    const struct sup_seen *seen = sup_seen_at(watch, caller->supervisor);
    unsigned long long number = caller->number;
    if (caller->answered) {
        sup_found(watch, NULL, 0, "call lost",
                  "call %llu of %s was answered, and the caller heard of an end", number,
                  sup_name_of(watch, caller->supervisor));
    } else if (seen != NULL && !seen->process->ended) {
        sup_found(watch, NULL, 0, "call lost",
                  "the caller of call %llu heard that %s ended, which lives", number,
                  sup_name_of(watch, caller->supervisor));
    }
}

static void told_answer(struct sup_watch *watch, const struct sup_caller *caller,
                        const struct sup_called *called)
{
    unsigned long long number = caller->number;
    if (!caller->answered) {
        sup_found(watch, NULL, 0, "call lost", "call %llu of %s got an answer that nobody gave",
                  number, sup_name_of(watch, caller->supervisor));
        return;
    }
    const struct mm1_sup_answer *answer = &called->answer.value;
    uint64_t child = answer->child.some ? answer->child.value.bits : 0;
    if (called->answer.some && (answer->code != caller->code || child != caller->child)) {
        sup_found(watch, NULL, 0, "call lost",
                  "call %llu of %s got another answer than was given: %s", number,
                  sup_name_of(watch, caller->supervisor),
                  mm1_sup_code_text((enum mm1_sup_code)answer->code));
    }
}

void sup_caller_told(struct sup_watch *watch, const struct mm1_event *event)
{
    const struct sup_called *called = event->msg;
    struct sup_caller *caller = find_caller(watch, event->self.bits);
    if (caller == NULL) {
        return; /* somebody else's word */
    }
    if (++caller->told > 1) {
        sup_found(watch, NULL, 0, "call answered twice",
                  "the caller of call %llu of %s got two answers",
                  (unsigned long long)caller->number, sup_name_of(watch, caller->supervisor));
    } else if (called->down.some) {
        told_down(watch, caller);
    } else {
        told_answer(watch, caller, called);
    }
}

/* --- at rest ----------------------------------------------------------------------------------------------------- */

/* Whether a call may wait for ever: its supervisor does not begin, or waits for a child that does not finish. */
static bool waits_for_ever(struct sup_watch *watch, const struct sup_caller *caller)
{
    const struct sup_seen *seen = sup_seen_at(watch, caller->supervisor);
    return seen != NULL && !seen->process->ended && seen->life != NULL &&
           (!seen->life->begun || seen->life->busy);
}

void sup_bonds_rest(struct sup_watch *watch)
{
    MM1_TREE_FOREACH(node, &watch->callers) {
        const struct sup_caller *caller = caller_at(node);
        if (caller->told == 0 && !waits_for_ever(watch, caller)) {
            found_unanswered(watch, caller);
        }
    }
    MM1_TREE_FOREACH(node, &watch->bonds) {
        const struct sup_bond *bond = bond_at(node);
        const struct sup_seen *seen = sup_seen_at(watch, bond->target);
        if (seen != NULL && seen->process->ended && bond->downs == 0) {
            sup_found(watch, NULL, 0, "watch", "a watcher of %s was never told that it ended",
                      sup_name_of(watch, bond->target));
        }
    }
}
