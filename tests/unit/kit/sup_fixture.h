/* A supervisor and its children in a small world, and what they write down: "+a1; " when the first incarnation of a
 * begins, "-a1; " when it has ended; "a1! " when it was told to end and goes on.
 *
 * What a child does is looked up by its name at its birth: plan("a", FAIL, 1) makes the next start fail. */
#ifndef SUP_FIXTURE_H
#define SUP_FIXTURE_H

#include <mm1/supervisor.h>

#include "script.h"

/* What a start comes to. */
enum start_plan { RUN, FAIL, IGNORE, SILENT, LATE, QUIT, NOTHING };
/* What a child does with an exit signal. */
enum ending { DIE, STUBBORN, SLOW, ENDS_NORMAL, CRASHES };
/* What a note tells a child to do. */
enum command {
    CRASH = 1,
    LEAVE,
    LEAVE_SHUTDOWN,
    LEAVE_TEXT,
    KILL_PARENT,
    EXIT_PARENT,
    LINK_PARENT,
    UNLINK_PARENT
};

struct part {
    const char *name;
    enum start_plan plan;
    unsigned times; /* how often it still holds */
    enum ending ending;
};

static struct part parts[8];
static size_t part_count;
static mm1_addr top;
static mm1_addr last_of[8]; /* by part: the latest incarnation */

static inline struct part *part_of(const char *name, size_t size)
{
    for (size_t i = 0; i < part_count; i++) {
        if (strlen(parts[i].name) == size && memcmp(parts[i].name, name, size) == 0) {
            return &parts[i];
        }
    }
    return NULL;
}

static inline struct part *part(const char *name)
{
    struct part *found = part_of(name, strlen(name));
    if (found == NULL) {
        cr_assert_lt(part_count, MM1_COUNT_OF(parts));
        found = &parts[part_count++];
        *found = (struct part){.name = name};
    }
    return found;
}

static inline void plan(const char *name, enum start_plan what, unsigned times)
{
    part(name)->plan = what;
    part(name)->times = times;
}

struct worker {
    char name[24];
    struct part *part;
};

static inline mm1_status worker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct worker *w = state;
    const struct mm1_path *path = mm1_self_path(ctx);
    uint64_t timer;
    snprintf(w->name, sizeof(w->name), "%.*s%u", path->name_size, path->name, path->ordinal);
    w->part = part_of(path->name, path->name_size);
    if (w->part == NULL) {
        char name[sizeof(w->name)];
        snprintf(name, sizeof(name), "%.*s", path->name_size, path->name);
        cr_assert(false, "no part %s", name);
    }
    if (arg != NULL) {
        say("+%s(%u); ", w->name, ((const struct note *)arg)->n);
    } else {
        say("+%s; ", w->name);
    }
    last_of[w->part - parts] = mm1_self(ctx);
    mm1_trap_exit(ctx, w->part->ending != DIE);
    enum start_plan now = RUN;
    if (w->part->times > 0) {
        w->part->times--;
        now = w->part->plan;
    }
    switch (now) {
    case RUN:
        mm1_init_done(ctx, mm1_self(ctx));
        return MM1_OK;
    case FAIL:
        return MM1_REFUSED;
    case IGNORE:
        mm1_init_ignore(ctx);
        return MM1_OK;
    case LATE:
        return mm1_after(ctx, 10 * MS, &timer, note, .n = 100);
    case QUIT:
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    case SILENT:
    case NOTHING:
        break;
    }
    return MM1_OK;
}

static inline mm1_status worker_note(struct mm1_ctx *ctx, const struct note *m)
{
    mm1_addr parent = mm1_parent(ctx);
    switch (m->n) {
    case CRASH:
        return MM1_IO;
    case LEAVE:
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    case LEAVE_SHUTDOWN:
        mm1_quit(ctx, MM1_SHUTDOWN);
        return MM1_OK;
    case LEAVE_TEXT: {
        struct mm1_reason reason = mm1_reason_error(0, "done");
        reason.kind = MM1_REASON_SHUTDOWN_TEXT;
        mm1_quit(ctx, reason);
        return MM1_OK;
    }
    case KILL_PARENT:
        return mm1_kill(ctx, parent);
    case EXIT_PARENT:
        return mm1_exit(ctx, parent, MM1_SHUTDOWN);
    case LINK_PARENT:
        return mm1_link(ctx, parent);
    case UNLINK_PARENT:
        return mm1_unlink(ctx, parent);
    case 100:
        mm1_init_done(ctx, mm1_self(ctx));
        return MM1_OK;
    case 101:
        mm1_quit(ctx, MM1_SHUTDOWN);
        return MM1_OK;
    default:
        return MM1_INTERNAL;
    }
}

static inline mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                        const struct mm1_envelope *envelope)
{
    struct worker *w = state;
    uint64_t timer;
    MM1_ON(envelope, note, m) {
        return worker_note(ctx, m);
    }
    MM1_ON(envelope, mm1_set_parent, m) {
        cr_assert(mm1_addr_equal(m->parent, mm1_parent(ctx)));
        say("%s has a parent; ", w->name);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_exited, m) {
        (void)m;
        switch (w->part->ending) {
        case SLOW:
            say("%s! ", w->name);
            return mm1_after(ctx, 5 * MS, &timer, note, .n = 101);
        case ENDS_NORMAL:
            mm1_quit(ctx, MM1_NORMAL);
            return MM1_OK;
        case CRASHES:
            return MM1_IO;
        case DIE:
        case STUBBORN:
            say("%s! ", w->name);
            return MM1_OK;
        }
    }
    return mm1_unhandled(ctx, envelope);
}

static inline void worker_fini(void *state)
{
    say("-%s; ", ((struct worker *)state)->name);
}

static const struct mm1_behaviour worker = {.name = "worker",
                                            .state_size = sizeof(struct worker),
                                            .init = worker_init,
                                            .receive = worker_receive,
                                            .fini = worker_fini};

/* Makes what the child's plan says; a start may also fail here. */
static inline mm1_status produce(struct mm1_ctx *ctx, const struct mm1_factory *self,
                                 const struct mm1_child *spec, struct mm1_spawn *spawn)
{
    struct part *p = part_of(spec->id.data, spec->id.size);
    (void)ctx;
    cr_assert_eq(self->data, &worker);
    if (p->times > 0 && (p->plan == NOTHING || p->plan == FAIL)) {
        p->times--;
        return p->plan == FAIL ? MM1_REFUSED : MM1_OK;
    }
    spawn->behaviour = self->data;
    return MM1_OK;
}

static const struct mm1_factory factories[] = {
    {.name = "w", .behaviour = &worker},
    {.name = "made", .produce = produce, .data = &worker},
};
static const struct mm1_supervisor sup = MM1_SUPERVISOR("sup", factories);

#define W MM1_TEXT_INIT("w")
#define ID(text) MM1_TEXT_INIT(text)
#define SUPERVISOR MM1_TEXT_INIT(MM1_FACTORY_SUPERVISOR)
#define SOME(v)                                                                                    \
    {                                                                                              \
        .some = true, .value = (v)                                                                 \
    }
#define BELOW(tree)                                                                                \
    {                                                                                              \
        .some = true, .value = {.type = &mm1_tree_spec_type, .msg = (tree) }                       \
    }
/* An argument: the address of a struct note. */
#define NUMBER(of)                                                                                 \
    {                                                                                              \
        .some = true, .value = {.type = &note_type, .msg = (of) }                                  \
    }

/* --- the root ---------------------------------------------------------------------------------------------------- */

static inline void plant_on(const struct mm1_tree_spec *tree)
{
    struct mm1_spawn spawn = {
        .behaviour = &sup.behaviour, .arg_type = &mm1_tree_spec_type, .arg = tree};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &top), MM1_OK);
}

static inline void plant(const struct mm1_tree_spec *tree)
{
    plant_on(tree);
    mini_settle(&world);
}

static inline bool lives(mm1_addr addr)
{
    return mm1_node_path(node.node, addr) != NULL;
}

static inline mm1_addr at(const char *name)
{
    return last_of[part(name) - parts];
}

/* A note to the latest incarnation. */
static inline void to(const char *name, enum command command)
{
    send_to(at(name), &note_type, &(struct note){.n = command}, false);
}

static inline void do_now(const char *name, enum command command)
{
    to(name, command);
    mini_settle(&world);
}

/* As its parent would. */
static inline void end_top(struct mm1_reason reason)
{
    cr_assert_eq(mm1_node_exit(node.node, top, reason), MM1_OK);
    mini_settle(&world);
}

/* --- calls ------------------------------------------------------------------------------------------------------- */

enum call {
    GET,
    TERMINATE,
    DELETE,
    RESTART,
    START_CHILD,
    START,
    STOP,
    WHICH,
    COUNT,
    SPEC,
    SPEC_AT
};

struct order {
    enum call call;
    mm1_addr of;
    const char *id;
    struct mm1_child child;
    mm1_addr addr;
    uint32_t arg; /* 0: none */
};

static struct order orders[8]; /* of the callers, in their order */
static size_t orders_given, orders_taken;

static inline const char *name_at(mm1_addr addr)
{
    static char name[300];
    const struct mm1_path *path = mm1_node_path(node.node, addr);
    if (path == NULL) {
        return "dead";
    }
    snprintf(name, sizeof(name), "%.*s%u", path->name_size, path->name, path->ordinal);
    return name;
}

static inline void say_answer(const struct mm1_sup_answer *answer)
{
    say("%s", mm1_sup_code_text((enum mm1_sup_code)answer->code));
    if (answer->child.some) {
        say(" %s", name_at(answer->child.value));
    }
    if (answer->code == MM1_SUP_FAILED || answer->code == MM1_SUP_INVALID) {
        struct mm1_reason why = mm1_reason_of_why(&answer->why);
        say(" (%s)", reason_text(&why));
    }
    say("; ");
}

static inline void say_children(const struct mm1_sup_children *children)
{
    say("[");
    for (size_t i = 0; i < children->children.count; i++) {
        const struct mm1_sup_entry *entry = &children->children.items[i];
        say("%s%.*s=%s%s", i == 0 ? "" : " ", (int)entry->id.size,
            entry->id.size == 0 ? "" : entry->id.data,
            entry->restarting   ? "restarting"
            : entry->child.some ? name_at(entry->child.value)
                                : "none",
            entry->supervisor ? "^" : "");
    }
    say("]; ");
}

static inline void say_spec(const struct mm1_sup_childspec *spec)
{
    if (!spec->found) {
        say("no spec; ");
        return;
    }
    struct mm1_buf buf = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_msg_print(&mm1_child_type, &spec->child, &buf), MM1_OK);
    say("%.*s; ", (int)buf.size, (const char *)buf.data);
    mm1_buf_close(&buf);
}

static inline mm1_status say_call(struct mm1_ctx *ctx, const struct order *order)
{
    const struct mm1_sup_answer *answer;
    const struct mm1_sup_children *children;
    const struct mm1_sup_counts *counts;
    const struct mm1_sup_childspec *spec;
    struct note arg = {.n = order->arg};
    struct mm1_text id = mm1_text_of(order->id);
#define ASK(T, ...) mm1_ask(ctx, order->of, MM1_FOREVER, T, mm1_sup_answer, &answer, __VA_ARGS__)
    switch (order->call) {
    case GET:
        MM1_TRY(ASK(mm1_sup_get_child, .id = id));
        break;
    case TERMINATE:
        MM1_TRY(ASK(mm1_sup_terminate_child, .id = id));
        break;
    case DELETE:
        MM1_TRY(ASK(mm1_sup_delete_child, .id = id));
        break;
    case RESTART:
        MM1_TRY(ASK(mm1_sup_restart_child, .id = id));
        break;
    case START_CHILD:
        MM1_TRY(ASK(mm1_sup_start_child, .child = order->child));
        break;
    case START:
        MM1_TRY(ASK(mm1_sup_start,
                    .arg = {.some = order->arg != 0, .value = {.type = &note_type, .msg = &arg}}));
        break;
    case STOP:
        MM1_TRY(ASK(mm1_sup_stop, .child = order->addr));
        break;
    case WHICH:
        MM1_TRY(mm1_ask(ctx, order->of, MM1_FOREVER, mm1_sup_which_children, mm1_sup_children,
                        &children, .unused = false));
        say_children(children);
        return MM1_OK;
    case COUNT:
        MM1_TRY(mm1_ask(ctx, order->of, MM1_FOREVER, mm1_sup_count_children, mm1_sup_counts,
                        &counts, .unused = false));
        say("specs=%u active=%u supervisors=%u workers=%u; ", (unsigned)counts->specs,
            (unsigned)counts->active, (unsigned)counts->supervisors, (unsigned)counts->workers);
        return MM1_OK;
    case SPEC:
    case SPEC_AT:
        MM1_TRY(mm1_ask(ctx, order->of, MM1_FOREVER, mm1_sup_get_childspec, mm1_sup_childspec,
                        &spec, .id = id,
                        .child = {.some = order->call == SPEC_AT, .value = order->addr}));
        say_spec(spec);
        return MM1_OK;
    }
#undef ASK
    say_answer(answer);
    return MM1_OK;
}

static inline mm1_status caller(struct mm1_ctx *ctx)
{
    struct order order = orders[orders_taken++ % MM1_COUNT_OF(orders)];
    mm1_status status = say_call(ctx, &order);
    if (status == MM1_EXITED) {
        say("exited: %s; ", reason_text(mm1_call_reason(ctx)));
    } else if (status != MM1_OK) {
        say("%s; ", mm1_status_text(status));
    }
    return MM1_OK;
}

/* Sends a request that waits in the inbox; its answer is written down when it comes. */
static inline void call_on(struct order order)
{
    if (order.of.bits == 0) {
        order.of = top;
    }
    orders[orders_given++ % MM1_COUNT_OF(orders)] = order;
    play_on(caller);
}

static inline void call(struct order order)
{
    call_on(order);
    mini_settle(&world);
}

#define CALL(...) call((struct order){__VA_ARGS__})
#define CALL_ON(...) call_on((struct order){__VA_ARGS__})

/* --- a test's world ---------------------------------------------------------------------------------------------- */

static inline void setup_tree(void)
{
    part_count = 0;
    orders_given = orders_taken = 0;
    memset(last_of, 0, sizeof(last_of));
    setup();
    for (const char *name = "a\0b\0c\0d\0x\0"; *name != 0; name += 2) {
        (void)part(name);
    }
    seen[0] = '\0';
}

static inline void teardown_tree(void)
{
    cr_assert_eq(mm1_node_unrest(node.node), 0);
    mm1_node_kill_all(node.node);
    mini_settle(&world);
    teardown();
}

#define TREE_TEST(suite, name) Test(suite, name, .init = setup_tree, .fini = teardown_tree)

#endif
