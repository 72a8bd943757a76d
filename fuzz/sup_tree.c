/* A case's tree as the kit's supervisors take it. */
#include <stdio.h>

#include "fuzz/sup_actors.h"

/* One word for each value of an enum of cases. */
static const struct mm1_text strategies[] = {MM1_ONE_FOR_ONE, MM1_ALL_FOR_ONE, MM1_REST_FOR_ONE,
                                             MM1_UNIFORM};
static const struct mm1_text autos[] = {MM1_AUTO_NEVER, MM1_AUTO_ANY, MM1_AUTO_ALL};
static const struct mm1_text restarts[] = {MM1_PERMANENT, MM1_TRANSIENT, MM1_TEMPORARY};
static const struct mm1_text stops[] = {MM1_STOP_TIMEOUT, MM1_STOP_BRUTAL, MM1_STOP_INFINITY};

uint64_t sup_ns_of_ms(uint64_t ms)
{
    return ms > UINT64_MAX / MM1_NS_PER_MS ? UINT64_MAX : ms * MM1_NS_PER_MS;
}

mm1_status sup_worker_arg_of(struct mm1__arena *arena, const char *id, enum sup_term term,
                             uint64_t slow_ms, struct sup_worker_arg *out)
{
    size_t size = strlen(id) + 1;
    char *name = mm1__arena_array(arena, size, 1);
    if (name == NULL) {
        return MM1_NOMEM;
    }
    memcpy(name, id, size);
    *out = (struct sup_worker_arg){
        .id = {.data = name, .size = size}, .term = (uint8_t)term, .slow = sup_ns_of_ms(slow_ms)};
    return MM1_OK;
}

/* All that a supervisor is but its children. */
static struct mm1_tree_spec *bare_tree(struct mm1__arena *arena, const struct sup_member *member)
{
    struct mm1_tree_spec *tree = mm1__arena_array(arena, 1, sizeof(*tree));
    if (tree != NULL) {
        *tree = (struct mm1_tree_spec){
            .strategy = strategies[member->strategy],
            .max_restarts =
                member->intensity > UINT32_MAX ? UINT32_MAX : (uint32_t)member->intensity,
            .within = {.some = true, .value = member->period_ns},
            .auto_shutdown = autos[member->auto_shutdown],
        };
    }
    return tree;
}

/* A child whose argument is still to be said. */
static struct mm1_child bare_child(const struct sup_member *member)
{
    return (struct mm1_child){
        .id = mm1_text_of(member->id),
        .factory = mm1_text_of(member->is_supervisor ? MM1_FACTORY_SUPERVISOR : SUP_WORKER_FACTORY),
        .restart = restarts[member->restart],
        .significant = member->significant,
        .supervisor = member->type_supervisor,
        .stop = stops[member->shutdown],
        .stop_timeout = {.some = member->shutdown == SUP_SHUTDOWN_MS,
                         .value = member->shutdown == SUP_SHUTDOWN_MS
                                      ? sup_ns_of_ms(member->shutdown_ms)
                                      : 0},
        .ack = !member->unacked,
        .announce_parent = member->announced,
    };
}

static mm1_status worker_child(struct mm1__arena *arena, const struct sup_member *member,
                               struct mm1_child *out)
{
    struct sup_worker_arg *arg = mm1__arena_array(arena, 1, sizeof(*arg));
    if (arg == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(sup_worker_arg_of(arena, member->id, member->term, member->slow_ms, arg));
    *out = bare_child(member);
    out->arg.some = true;
    out->arg.value = (struct mm1_any){.type = &sup_worker_arg_type, .msg = arg};
    return MM1_OK;
}

static mm1_status supervisor_child(const struct sup_member *member,
                                   const struct mm1_tree_spec *tree, struct mm1_child *out)
{
    if (tree == NULL) {
        return MM1_NOMEM;
    }
    *out = bare_child(member);
    out->arg.some = true;
    out->arg.value = (struct mm1_any){.type = &mm1_tree_spec_type, .msg = tree};
    return MM1_OK;
}

mm1_status sup_child_of(struct mm1__arena *arena, const struct sup_member *member,
                        struct mm1_child *out)
{
    return member->is_supervisor ? supervisor_child(member, bare_tree(arena, member), out)
                                 : worker_child(arena, member, out);
}

static bool is_child(const struct sup_case *the_case, size_t index, size_t parent)
{
    return index != 0 && the_case->members[index].parent == parent;
}

const struct mm1_tree_spec *sup_tree_of(struct mm1__arena *arena, const struct sup_case *the_case,
                                        size_t member)
{
    size_t count = 0;
    for (size_t i = 0; i < the_case->member_count; i++) {
        count += is_child(the_case, i, member) ? 1 : 0;
    }
    struct mm1_tree_spec *tree = bare_tree(arena, &the_case->members[member]);
    struct mm1_child *children = mm1__arena_array(arena, count, sizeof(*children));
    if (tree == NULL || children == NULL) {
        return NULL;
    }
    tree->children.items = children;
    for (size_t i = 0; i < the_case->member_count; i++) {
        const struct sup_member *child = &the_case->members[i];
        if (!is_child(the_case, i, member)) {
            continue;
        }
        mm1_status status = child->is_supervisor
                                ? supervisor_child(child, sup_tree_of(arena, the_case, i),
                                                   &children[tree->children.count])
                                : worker_child(arena, child, &children[tree->children.count]);
        if (status != MM1_OK) {
            return NULL;
        }
        tree->children.count++;
    }
    return tree;
}

struct mm1_reason sup_reason_of(enum sup_exit exit, const char *text)
{
    struct mm1_reason reason = MM1_SHUTDOWN;
    switch (exit) {
    case SUP_EXIT_NORMAL:
        return MM1_NORMAL;
    case SUP_EXIT_SHUTDOWN:
        return reason;
    case SUP_EXIT_SHUTDOWN_TEXT:
        reason.kind = MM1_REASON_SHUTDOWN_TEXT;
        (void)snprintf(reason.text, sizeof(reason.text), "%s", text == NULL ? "" : text);
        return reason;
    case SUP_EXIT_CRASH:
        return mm1_reason_error(2, "crash");
    case SUP_EXIT_KILL:
        return mm1_reason_of(MM1_REASON_KILLED);
    case SUP_EXIT_SELFKILL:
        return mm1_reason_of(MM1_REASON_KILL);
    }
    return mm1_reason_error(MM1_INVALID, "no such exit");
}
