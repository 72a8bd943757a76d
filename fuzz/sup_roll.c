/* The roll: who was born, became ready and ended, from the runtime's events. */
#include <string.h>

#include <mm1/sched.h>

#include "base/order.h"
#include "fuzz/sup_roll.h"
#include "fuzz/sup_stage.h"

static struct sup_process *process_at(const struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct sup_process, by_address);
}

static struct sup_rolled_id *id_at(const struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct sup_rolled_id, by_id);
}

static int compare_address(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, process_at(node)->address);
}

static int compare_processes(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_address(&process_at(a)->address, b);
}

static int compare_id(const void *key, const struct mm1_tree_node *node)
{
    return mm1_text_compare(*(const struct mm1_text *)key, mm1_text_of(id_at(node)->id));
}

static int compare_ids(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    struct mm1_text key = mm1_text_of(id_at(a)->id);
    return compare_id(&key, b);
}

void sup_roll_init(struct sup_roll *roll, struct mm1_alloc *alloc)
{
    *roll = (struct sup_roll){
        .alloc = alloc, .processes = MM1_TREE(compare_processes), .ids = MM1_TREE(compare_ids)};
}

void sup_roll_close(struct sup_roll *roll)
{
    while (roll->first != NULL) {
        struct sup_process *process = roll->first;
        roll->first = process->next;
        mm1_give(roll->alloc, process, sizeof(*process));
    }
    MM1_TREE_FOREACH(node, &roll->ids) {
        struct sup_rolled_id *id = id_at(node);
        mm1_tree_remove(&roll->ids, node);
        mm1_give(roll->alloc, (char *)(uintptr_t)id->id, strlen(id->id) + 1);
        mm1_give(roll->alloc, id, sizeof(*id));
    }
    *roll = (struct sup_roll){.alloc = roll->alloc};
}

struct sup_process *sup_roll_find(const struct sup_roll *roll, uint64_t address)
{
    return process_at(mm1_tree_find(&roll->processes, &address, compare_address));
}

static struct sup_rolled_id *find_id(const struct sup_roll *roll, struct mm1_text id)
{
    return id_at(mm1_tree_find(&roll->ids, &id, compare_id));
}

struct sup_rolled_id *sup_roll_id(const struct sup_roll *roll, const char *id)
{
    return find_id(roll, mm1_text_of(id));
}

/* The entry of an id, made when it is new; null: no memory. */
static struct sup_rolled_id *enter_id(struct sup_roll *roll, struct mm1_text text)
{
    struct sup_rolled_id *id = find_id(roll, text);
    if (id != NULL) {
        return id;
    }
    char *copy = mm1_take_zero(roll->alloc, text.size + 1);
    id = copy == NULL ? NULL : mm1_take_zero(roll->alloc, sizeof(*id));
    if (id == NULL) {
        mm1_give(roll->alloc, copy, text.size + 1);
        return NULL;
    }
    memcpy(copy, text.data, text.size);
    id->id = copy;
    (void)mm1_tree_insert(&roll->ids, &id->by_id);
    return id;
}

static mm1_status born(struct sup_roll *roll, const struct mm1_event *event,
                       struct sup_process **out)
{
    bool supervisor = mm1_text_equal(event->text, MM1_TEXT(SUP_SUPERVISOR_NAME));
    if (event->other == NULL ||
        (!supervisor && !mm1_text_equal(event->text, MM1_TEXT(SUP_WORKER_NAME)))) {
        return MM1_OK;
    }
    struct mm1_text name = {.data = event->other->name, .size = event->other->name_size};
    struct sup_rolled_id *id = enter_id(roll, name);
    struct sup_process *process = id == NULL ? NULL : mm1_take_zero(roll->alloc, sizeof(*process));
    if (process == NULL) {
        return MM1_NOMEM;
    }
    process->address = event->peer.bits;
    process->parent = event->self.bits;
    process->id = id->id;
    process->is_supervisor = supervisor;
    /* Addresses come back: who had this one before is known by the list alone. */
    struct sup_process *before = sup_roll_find(roll, process->address);
    if (before != NULL) {
        mm1_tree_remove(&roll->processes, &before->by_address);
    }
    (void)mm1_tree_insert(&roll->processes, &process->by_address);
    if (roll->youngest == NULL) {
        roll->first = process;
    } else {
        roll->youngest->next = process;
    }
    roll->youngest = process;
    *out = process;
    return MM1_OK;
}

static void became_ready(struct sup_roll *roll, struct sup_process *process)
{
    struct sup_rolled_id *id = sup_roll_id(roll, process->id);
    process->ready = true;
    process->number = ++id->started;
    id->last = process;
}

static void note_go(const struct sup_roll *roll, const struct mm1_event *event)
{
    struct sup_process *process = sup_roll_find(roll, event->self.bits);
    if (process != NULL && event->msg != NULL) {
        process->dying = ((const struct sup_go *)event->msg)->what == SUP_GO_DIE;
    }
}

mm1_status sup_roll_see(struct sup_roll *roll, const struct mm1_event *event,
                        struct sup_process **process)
{
    *process = NULL;
    if (event->kind == MM1_EVENT_SPAWN) {
        return born(roll, event, process);
    }
    if (event->kind == MM1_EVENT_RECEIVE && event->type == &sup_go_type) {
        note_go(roll, event);
        return MM1_OK;
    }
    bool verb = event->kind == MM1_EVENT_VERB;
    bool done = verb && event->verb == MM1_EFFECT_INIT_DONE;
    bool ignore = verb && event->verb == MM1_EFFECT_INIT_IGNORE;
    if (event->kind != MM1_EVENT_EXIT && !done && !ignore) {
        return MM1_OK;
    }
    struct sup_process *found = sup_roll_find(roll, event->self.bits);
    /* The first word counts. */
    if (found == NULL || found->ended || (verb && (found->ready || found->ignored))) {
        return MM1_OK;
    }
    *process = found;
    if (done) {
        became_ready(roll, found);
    } else if (ignore) {
        found->ignored = true;
    } else {
        found->ended = true;
        found->reason = *event->reason;
    }
    return MM1_OK;
}
