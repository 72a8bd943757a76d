/* What a tree says: its checks, with errors of one line, and the records that a supervisor keeps of its children. */
#include <stdarg.h>
#include <stdio.h>

#include "base/mutant.h"
#include "base/order.h"
#include "base/utf8.h"
#include "kit/sup_actor.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* --- errors --------------------------------------------------------------------------------------------------- */

/* Where a spec stands: children[index] of the supervisor that is `up`. Null: the top, or a request. */
struct place {
    const struct place *up;
    size_t index;
    struct mm1_text id;
};

/* Nobody nests deeper; a spec in memory that refers to itself would. */
#define DEPTH_MAX 64

#define QUOTE_MAX 40

/* A text as it may stand in a line: cut, and without what is no text. */
static const char *quote(struct mm1_text text, char out[QUOTE_MAX])
{
    size_t used = 0;
    size_t at = 0;
    while (at < text.size) {
        size_t length = mm1__utf8_sequence(text.data + at, text.size - at);
        bool plain = length != 0 && (unsigned char)text.data[at] >= ' ' && text.data[at] != 0x7f;
        size_t size = plain ? length : 1;
        if (used + size + sizeof("...") > QUOTE_MAX) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        memcpy(out + used, plain ? text.data + at : "?", size);
        used += size;
        at += length == 0 ? 1 : length;
    }
    out[used] = '\0';
    return out;
}

static size_t print_place(const struct place *place, char error[MM1_TREE_ERROR_MAX])
{
    char id[QUOTE_MAX];
    if (place == NULL) {
        return 0;
    }
    size_t used = print_place(place->up, error);
    int more = snprintf(error + used, MM1_TREE_ERROR_MAX - used,
                        "children[%zu] \"%s\": ", place->index, quote(place->id, id));
    size_t end = used + (size_t)(more < 0 ? 0 : more);
    return end < MM1_TREE_ERROR_MAX ? end : MM1_TREE_ERROR_MAX - 1;
}

static mm1_status wrong(const struct place *place, char error[MM1_TREE_ERROR_MAX],
                        const char *format, ...) MM1_PRINTF(3, 4);
static mm1_status wrong(const struct place *place, char error[MM1_TREE_ERROR_MAX],
                        const char *format, ...)
{
    va_list args;
    error[0] = '\0';
    size_t used = print_place(place, error);
    va_start(args, format);
    (void)vsnprintf(error + used, MM1_TREE_ERROR_MAX - used, format, args);
    va_end(args);
    return MM1_INVALID;
}

/* --- words ---------------------------------------------------------------------------------------------------- */

/* The words of a field, in the order of their enum; empty stands for the first. */
struct words {
    const char *field;
    const char *expected;
    const char *texts[4];
};

static const struct words strategies = {"strategy",
                                        "one_for_one, all_for_one, rest_for_one or uniform",
                                        {"one_for_one", "all_for_one", "rest_for_one", "uniform"}};
static const struct words autos = {"auto_shutdown",
                                   "never, any_significant or all_significant",
                                   {"never", "any_significant", "all_significant"}};
static const struct words restarts = {
    "restart", "permanent, transient or temporary", {"permanent", "transient", "temporary"}};
static const struct words stops = {
    "stop", "timeout, brutal or infinity", {"timeout", "brutal", "infinity"}};

static mm1_status read_word(const struct place *place, const struct words *words,
                            struct mm1_text text, unsigned *out, char error[MM1_TREE_ERROR_MAX])
{
    char quoted[QUOTE_MAX];
    for (unsigned i = 0; i < MM1_COUNT_OF(words->texts) && words->texts[i] != NULL; i++) {
        if (mm1_text_equal(text, mm1_text_of(words->texts[i])) || (i == 0 && text.size == 0)) {
            *out = i;
            return MM1_OK;
        }
    }
    return wrong(place, error, "%s \"%s\": expected %s", words->field, quote(text, quoted),
                 words->expected);
}

/* --- a child -------------------------------------------------------------------------------------------------- */

#define ID_MAX 255 /* what a path holds */

static mm1_status check_id(const struct place *place, struct mm1_text id,
                           char error[MM1_TREE_ERROR_MAX])
{
    if (id.size == 0 || id.size > ID_MAX) {
        return wrong(place, error, "id: expected 1 to %d bytes", ID_MAX);
    }
    if (memchr(id.data, 0, id.size) != NULL || !mm1__utf8_valid(id.data, id.size)) {
        return wrong(place, error, "id: expected text without NUL");
    }
    return MM1_OK;
}

static struct mm1_text factory_name(const struct mm1_child *spec)
{
    return spec->factory.size == 0 ? spec->id : spec->factory;
}

/* The factory of that name; null: there is none, or it is the one that every supervisor has. */
static const struct mm1_factory *find_factory(const struct mm1_supervisor *kind,
                                              struct mm1_text name)
{
    for (size_t i = 0; i < kind->factory_count; i++) {
        if (mm1_text_equal(name, mm1_text_of(kind->factories[i].name))) {
            return &kind->factories[i];
        }
    }
    return NULL;
}

/* What supervisor a child is; null: none, or it is made by code. */
static const struct mm1_supervisor *nested_kind(const struct mm1_supervisor *kind,
                                                const struct mm1_factory *factory)
{
    if (factory == NULL) {
        return kind;
    }
    const struct mm1_behaviour *behaviour = factory->produce == NULL ? factory->behaviour : NULL;
    return behaviour != NULL && behaviour->init == mm1__supervisor_init
               ? MM1_CONTAINER_OF(behaviour, const struct mm1_supervisor, behaviour)
               : NULL;
}

static mm1_status check_factory(const struct place *place, const struct mm1_supervisor *kind,
                                const struct mm1_child *spec, char error[MM1_TREE_ERROR_MAX])
{
    char quoted[QUOTE_MAX];
    struct mm1_text name = factory_name(spec);
    const struct mm1_factory *factory = find_factory(kind, name);
    if (factory == NULL && !mm1_text_equal(name, MM1_TEXT(MM1_FACTORY_SUPERVISOR))) {
        return wrong(place, error, "factory \"%s\": the supervisor has none of that name",
                     quote(name, quoted));
    }
    if (nested_kind(kind, factory) != NULL &&
        (!spec->arg.some || spec->arg.value.type != &mm1_tree_spec_type)) {
        return wrong(place, error, "arg: a supervisor expects a %s", mm1_tree_spec_type.name);
    }
    return MM1_OK;
}

static void read_times(const struct mm1_child *spec, struct mm1__sup_child *out)
{
    out->stop_timeout_ns =
        spec->stop_timeout.some ? spec->stop_timeout.value : MM1_STOP_TIMEOUT_DEFAULT;
    out->start_timeout_ns =
        spec->start_timeout.some ? spec->start_timeout.value : MM1_START_TIMEOUT_DEFAULT;
    /* No clock reaches that. */
    if (out->stop == MM1__SUP_STOP_TIMEOUT && out->stop_timeout_ns == UINT64_MAX) {
        out->stop = MM1__SUP_STOP_INFINITY;
    }
}

static mm1_status read_child(const struct place *place, const struct mm1_supervisor *kind,
                             enum mm1__sup_auto auto_shutdown, const struct mm1_child *spec,
                             struct mm1__sup_child *out, char error[MM1_TREE_ERROR_MAX])
{
    unsigned restart = MM1__SUP_PERMANENT;
    unsigned stop = MM1__SUP_STOP_TIMEOUT;
    MM1_TRY(check_id(place, spec->id, error));
    MM1_TRY(check_factory(place, kind, spec, error));
    MM1_TRY(read_word(place, &restarts, spec->restart, &restart, error));
    MM1_TRY(read_word(place, &stops, spec->stop, &stop, error));
    if (spec->significant && restart == MM1__SUP_PERMANENT) {
        return wrong(place, error, "significant: not for a permanent child");
    }
    if (spec->significant && auto_shutdown == MM1__SUP_AUTO_NEVER) {
        return wrong(place, error, "significant: not with auto_shutdown never");
    }
    if (spec->stop.size == 0 && spec->supervisor) {
        stop = MM1__SUP_STOP_INFINITY;
    }
    *out = (struct mm1__sup_child){.restart = (enum mm1__sup_restart)restart,
                                   .stop = (enum mm1__sup_stop)stop,
                                   .ack = spec->ack,
                                   .significant = spec->significant};
    mm1_list_init(&out->link);
    read_times(spec, out);
    return MM1_OK;
}

/* --- a tree --------------------------------------------------------------------------------------------------- */

static mm1_status read_flags(const struct place *place, const struct mm1_tree_spec *spec,
                             struct mm1__sup *out, char error[MM1_TREE_ERROR_MAX])
{
    unsigned strategy = MM1__SUP_ONE_FOR_ONE;
    unsigned auto_shutdown = MM1__SUP_AUTO_NEVER;
    MM1_TRY(read_word(place, &strategies, spec->strategy, &strategy, error));
    MM1_TRY(read_word(place, &autos, spec->auto_shutdown, &auto_shutdown, error));
    if (strategy == MM1__SUP_UNIFORM && spec->children.count != 1) {
        return wrong(place, error, "children: %zu of them: uniform expects one, the template",
                     spec->children.count);
    }
    out->strategy = (enum mm1__sup_strategy)strategy;
    out->auto_shutdown = (enum mm1__sup_auto)auto_shutdown;
    out->max_restarts = spec->max_restarts;
    out->within_ns = spec->within.some ? spec->within.value : UINT64_MAX;
    return MM1_OK;
}

static mm1_status twice(const struct place *up, size_t index, struct mm1_text id, size_t first,
                        char error[MM1_TREE_ERROR_MAX])
{
    struct place place = {.up = up, .index = index, .id = id};
    return wrong(&place, error, "id: that of children[%zu] already", first);
}

/* Ids are looked for part by part, each of which a table holds, so that it takes no memory. */
#define PART ((size_t)256)
#define TABLE (4 * PART)

struct table {
    size_t count;
    uint32_t at[TABLE]; /* of children, from 1 */
};

/* The child of that id that was entered before, or `i`. */
static size_t enter_id(struct table *table, const struct mm1_tree_spec *spec, uint64_t hash,
                       size_t i)
{
    struct mm1_text id = spec->children.items[i].id;
    size_t slot = (size_t)(hash % TABLE);
    for (; table->at[slot] != 0; slot = (slot + 1) % TABLE) {
        size_t other = table->at[slot] - 1;
        if (mm1_text_equal(spec->children.items[other].id, id)) {
            return other;
        }
    }
    /* A table that is full, which no honest ids make it: the rest of them is compared to one another. */
    if (table->count + 1 == TABLE) {
        for (size_t other = 0; other < i; other++) {
            if (mm1_text_equal(spec->children.items[other].id, id)) {
                return other;
            }
        }
        return i;
    }
    table->at[slot] = (uint32_t)i + 1;
    table->count++;
    return i;
}

static mm1_status check_ids(const struct place *place, const struct mm1_tree_spec *spec,
                            char error[MM1_TREE_ERROR_MAX])
{
    size_t parts = spec->children.count / PART + 1;
    for (size_t part = 0; part < parts; part++) {
        struct table table = {.count = 0};
        for (size_t i = 0; i < spec->children.count; i++) {
            struct mm1_text id = spec->children.items[i].id;
            uint64_t hash = XXH3_64bits(id.data, id.size);
            if (hash / TABLE % parts != part) {
                continue;
            }
            size_t first = enter_id(&table, spec, hash, i);
            if (first != i) {
                return twice(place, i, id, first, error);
            }
        }
    }
    return MM1_OK;
}

static mm1_status check_tree(const struct place *up, const struct mm1_supervisor *kind,
                             const struct mm1_tree_spec *spec, unsigned depth,
                             char error[MM1_TREE_ERROR_MAX])
{
    struct mm1__sup flags = {.auto_shutdown = MM1__SUP_AUTO_NEVER};
    if (depth > DEPTH_MAX) {
        return wrong(up, error, "supervisors nested deeper than %d levels", DEPTH_MAX);
    }
    MM1_TRY(read_flags(up, spec, &flags, error));
    for (size_t i = 0; i < spec->children.count; i++) {
        const struct mm1_child *child = &spec->children.items[i];
        struct place place = {.up = up, .index = i, .id = child->id};
        struct mm1__sup_child read;
        MM1_TRY(read_child(&place, kind, flags.auto_shutdown, child, &read, error));
        const struct mm1_supervisor *nested =
            nested_kind(kind, find_factory(kind, factory_name(child)));
        if (nested != NULL) {
            MM1_TRY(check_tree(&place, nested, child->arg.value.msg, depth + 1, error));
        }
    }
    return check_ids(up, spec, error);
}

mm1_status mm1_tree_check(const struct mm1_supervisor *supervisor, const struct mm1_tree_spec *spec,
                          char error[MM1_TREE_ERROR_MAX])
{
    error[0] = '\0';
    return check_tree(NULL, supervisor, spec, 1, error);
}

mm1_status mm1__sup_check_child(const struct mm1__supervisor *sup, const struct mm1_child *spec,
                                char error[MM1_TREE_ERROR_MAX])
{
    struct mm1__sup_child read;
    error[0] = '\0';
    return read_child(NULL, sup->kind, sup->step.auto_shutdown, spec, &read, error);
}

bool mm1__sup_takes(const struct mm1__supervisor *sup, const struct mm1_any *arg)
{
    return nested_kind(sup->kind, sup->pattern->factory) == NULL ||
           arg->type == &mm1_tree_spec_type;
}

/* --- records -------------------------------------------------------------------------------------------------- */

static struct mm1__sup_record *record_by_id(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1__sup_record, by_id);
}

static struct mm1__sup_record *record_by_process(const struct mm1_tree_node *node)
{
    return MM1_CONTAINER_OF(node, struct mm1__sup_record, by_process);
}

static int compare_ids(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return mm1_text_compare(record_by_id(a)->spec->id, record_by_id(b)->spec->id);
}

static int compare_id_key(const void *key, const struct mm1_tree_node *node)
{
    return mm1_text_compare(*(const struct mm1_text *)key, record_by_id(node)->spec->id);
}

static int order_processes(const struct mm1__sup_process *a, const struct mm1__sup_process *b)
{
    int by_main = mm1__order_u64(a->main.bits, b->main.bits);
    return by_main != 0 ? by_main : mm1__order_u64(a->watch, b->watch);
}

static int compare_processes(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return order_processes(&record_by_process(a)->process, &record_by_process(b)->process);
}

static int compare_process_key(const void *key, const struct mm1_tree_node *node)
{
    return order_processes(key, &record_by_process(node)->process);
}

/* A record of zeroes with `more` bytes behind it. */
static struct mm1__sup_record *new_record(struct mm1__supervisor *sup, size_t more)
{
    size_t size = sizeof(struct mm1__sup_record) + more;
    struct mm1__sup_record *record = mm1_take(sup->alloc, size);
    if (record != NULL) {
        memset(record, 0, sizeof(*record));
        record->size = size;
        mm1_list_init(&record->child.link);
    }
    return record;
}

/* Of a spec that was checked: what the step has to know was read into `child`. */
static struct mm1__sup_record *copy_spec(struct mm1__supervisor *sup, const struct mm1_child *spec,
                                         const struct mm1__sup_child *child)
{
    size_t copy_size = mm1_msg_copy_size(&mm1_child_type, spec);
    struct mm1__sup_record *record = new_record(sup, copy_size + spec->id.size + 1);
    if (record == NULL) {
        return NULL;
    }
    struct mm1_child *copy = (struct mm1_child *)(void *)(record + 1);
    char *name = (char *)copy + copy_size;
    mm1_msg_copy(&mm1_child_type, spec, copy);
    memcpy(name, spec->id.data, spec->id.size);
    name[spec->id.size] = '\0';
    record->child = *child;
    mm1_list_init(&record->child.link);
    record->spec = copy;
    record->name = name;
    record->factory = find_factory(sup->kind, factory_name(copy));
    if (copy->arg.some) {
        record->arg = copy->arg.value;
    }
    return record;
}

struct mm1__sup_record *mm1__sup_record_new(struct mm1__supervisor *sup,
                                            const struct mm1_child *spec)
{
    char error[MM1_TREE_ERROR_MAX];
    struct mm1__sup_child child;
    mm1_status status = read_child(NULL, sup->kind, sup->step.auto_shutdown, spec, &child, error);
    MM1_CHECK(status == MM1_OK);
    struct mm1__sup_record *record = copy_spec(sup, spec, &child);
    if (record != NULL) {
        struct mm1_tree_node *same = mm1_tree_insert(&sup->by_id, &record->by_id);
        MM1_CHECK(same == NULL);
    }
    return record;
}

struct mm1__sup_record *mm1__sup_record_like(struct mm1__supervisor *sup, struct mm1_any arg)
{
    const struct mm1__sup_record *pattern = sup->pattern;
    size_t more = arg.type == NULL ? 0 : mm1_msg_copy_size(arg.type, arg.msg);
    struct mm1__sup_record *record = new_record(sup, more);
    if (record == NULL) {
        return NULL;
    }
    record->child = pattern->child;
    mm1_list_init(&record->child.link);
    record->spec = pattern->spec;
    record->name = pattern->name;
    record->factory = pattern->factory;
    record->arg = pattern->arg;
    if (arg.type != NULL) {
        mm1_msg_copy(arg.type, arg.msg, record + 1);
        record->arg = (struct mm1_any){.type = arg.type, .msg = record + 1};
    }
    return record;
}

void mm1__sup_record_free(struct mm1__supervisor *sup, struct mm1__sup_record *record)
{
    mm1_list_remove(&record->child.link);
    if (mm1_tree_linked(&record->by_id)) {
        mm1_tree_remove(&sup->by_id, &record->by_id);
    }
    if (mm1_tree_linked(&record->by_process)) {
        mm1_tree_remove(&sup->by_process, &record->by_process);
    }
    mm1_give(sup->alloc, record, record->size);
}

/* Children in their order, which become records. */
static mm1_status read_children(struct mm1__supervisor *sup, const struct mm1_tree_spec *spec,
                                char error[MM1_TREE_ERROR_MAX])
{
    for (size_t i = 0; i < spec->children.count; i++) {
        const struct mm1_child *child = &spec->children.items[i];
        struct place place = {.index = i, .id = child->id};
        struct mm1__sup_child read;
        MM1_TRY(read_child(&place, sup->kind, sup->step.auto_shutdown, child, &read, error));
        struct mm1__sup_record *record = copy_spec(sup, child, &read);
        if (record == NULL) {
            return MM1_NOMEM;
        }
        if (sup->step.strategy == MM1__SUP_UNIFORM) {
            sup->pattern = record;
            return MM1_OK;
        }
        struct mm1_list *all = &sup->step.children;
        mm1_list_push_back(MM1_MUTANT(start_order) ? all->next : all, &record->child.link);
        if (mm1_tree_insert(&sup->by_id, &record->by_id) != NULL) {
            return check_ids(NULL, spec, error);
        }
    }
    return MM1_OK;
}

mm1_status mm1__sup_read_tree(struct mm1__supervisor *sup, const struct mm1_tree_spec *spec,
                              char error[MM1_TREE_ERROR_MAX])
{
    sup->by_id = MM1_TREE(compare_ids);
    sup->by_process = MM1_TREE(compare_processes);
    mm1_list_init(&sup->step.children);
    error[0] = '\0';
    if (spec == NULL) {
        return wrong(NULL, error, "arg: a supervisor expects a %s", mm1_tree_spec_type.name);
    }
    MM1_TRY(read_flags(NULL, spec, &sup->step, error));
    return read_children(sup, spec, error);
}

void mm1__sup_close(struct mm1__supervisor *sup)
{
    MM1_LIST_FOREACH(node, &sup->step.children) {
        mm1__sup_record_free(
            sup, mm1__sup_record_of(MM1_CONTAINER_OF(node, struct mm1__sup_child, link)));
    }
    if (sup->fresh != NULL) {
        mm1__sup_record_free(sup, sup->fresh);
    }
    if (sup->pattern != NULL) {
        mm1__sup_record_free(sup, sup->pattern);
    }
    mm1_give(sup->alloc, sup->step.restarts.times,
             sup->step.restarts.capacity * sizeof(*sup->step.restarts.times));
    mm1_give(sup->alloc, sup, sizeof(*sup));
}

/* --- finding -------------------------------------------------------------------------------------------------- */

struct mm1__sup_record *mm1__sup_find_id(const struct mm1__supervisor *sup, struct mm1_text id)
{
    struct mm1_tree_node *node = mm1_tree_find(&sup->by_id, &id, compare_id_key);
    return node == NULL ? NULL : record_by_id(node);
}

struct mm1__sup_record *mm1__sup_find_process(const struct mm1__supervisor *sup, mm1_addr main,
                                              uint64_t watch)
{
    struct mm1__sup_process key = {.main = main, .watch = watch};
    struct mm1_tree_node *node = mm1_tree_find(&sup->by_process, &key, compare_process_key);
    return node == NULL ? NULL : record_by_process(node);
}

struct mm1__sup_record *mm1__sup_find_addr(const struct mm1__supervisor *sup, mm1_addr addr,
                                           bool restarting)
{
    struct mm1__sup_process key = {.main = addr};
    struct mm1__sup_record *found = NULL;
    struct mm1_tree_node *node = mm1_tree_at_least(&sup->by_process, &key, compare_process_key);
    /* More than one only where an address is back before its last owner's restart was given up. */
    for (; node != NULL && mm1_addr_equal(record_by_process(node)->process.main, addr);
         node = mm1_tree_next(node)) {
        struct mm1__sup_record *record = record_by_process(node);
        if (!restarting || record->child.life == MM1__SUP_TO_RESTART) {
            found = record;
        }
    }
    return found;
}

void mm1__sup_set_process(struct mm1__supervisor *sup, struct mm1__sup_record *record,
                          const struct mm1__sup_process *process)
{
    if (mm1_tree_linked(&record->by_process)) {
        mm1_tree_remove(&sup->by_process, &record->by_process);
    }
    record->process = *process;
    if (process->watch != 0) {
        struct mm1_tree_node *same = mm1_tree_insert(&sup->by_process, &record->by_process);
        MM1_CHECK(same == NULL);
    }
}
