/* Puppets: actors that do what a test tells them, one verb a turn, and write down what they receive.
 *
 * Every test runs in a world of its own; its end checks that nothing counts as unrest, nobody lives on and nothing
 * leaks. What a puppet wrote stands in `log`: "note 1; down b#2 killed; …". */
#ifndef PUPPET_H
#define PUPPET_H

#include <stdarg.h>
#include <stdio.h>

#include "core/core.h"
#include "mini_world.h"
#include "mm1_test.h"

#define CMD_FIELDS(F) F(u8, op) F(addr, peer) F(u64, n) F(u64, call)
MM1_MSG_DECLARE(cmd, CMD_FIELDS)
MM1_MSG_DEFINE(cmd, "test::Cmd", CMD_FIELDS)
#define NOTE_FIELDS(F) F(u64, no)
MM1_MSG_DECLARE(note, NOTE_FIELDS)
MM1_MSG_DEFINE(note, "test::Note", NOTE_FIELDS)

enum op {
    OP_NOTE,
    OP_URGENT_NOTE,
    OP_LINK,
    OP_UNLINK,
    OP_WATCH,
    OP_UNWATCH,
    OP_TRAP,
    OP_EXIT,
    OP_KILL,
    OP_QUIT,
    OP_FAIL,
    OP_CALL,
};

struct puppet;
typedef void puppet_fn(struct mm1_ctx *ctx, struct puppet *p);

struct puppet {
    const char *name;
    mm1_addr addr;
    char log[2048];
    size_t log_size;
    uint64_t refs[16]; /* of watches, or of what a test likes */
    unsigned ref_count;
    mm1_status status; /* what the last verb said */
    bool answer;
    puppet_fn *at_init;
    mm1_status init_status;
    puppet_fn *at_note;       /* null: just written down */
    struct mm1_envelope last; /* of the last note; its message is gone */
    struct puppet *other;
    mm1_handle handle;
    mm1_handle accepted; /* the last that was */
    unsigned finis;
    bool silent; /* writes no notes */
};

#define PUPPETS_MAX 16

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;
static struct puppet *cast[PUPPETS_MAX];
static unsigned cast_size;

#define NET_AUTO ((struct mm1_net){.addr = {0xaa00000000000000u}, .mask = 16})
#define NET_LOCAL ((struct mm1_net){.addr = {0xaa10000000000000u}, .mask = 16})
#define NOWHERE MM1_ADDR(0xbb00000000000001u)

/* --- what they write ------------------------------------------------------------------------------------------ */

static inline void write_down(struct puppet *p, const char *format, ...) MM1_PRINTF(2, 3);
static inline void write_down(struct puppet *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int size = vsnprintf(p->log + p->log_size, sizeof(p->log) - p->log_size, format, args);
    va_end(args);
    cr_assert(size > 0 && p->log_size + (size_t)size < sizeof(p->log), "the log is full");
    p->log_size += (size_t)size;
}

static inline const char *name_of(mm1_addr addr)
{
    for (unsigned i = 0; i < cast_size; i++) {
        if (mm1_addr_equal(cast[i]->addr, addr)) {
            return cast[i]->name;
        }
    }
    return "nobody";
}

static inline const char *why_text(const struct mm1_why *why, struct mm1_buf *buf)
{
    struct mm1_reason reason = mm1_reason_of_why(why);
    mm1_buf_clear(buf);
    cr_assert_eq(mm1_reason_print(&reason, buf), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(buf), MM1_OK);
    return (const char *)buf->data;
}

/* What `p` wrote since the last look. */
#define expect_log(p, text)                                                                        \
    do {                                                                                           \
        cr_assert_str_eq((p)->log, (text), "%s: \"%s\"", (p)->name, (p)->log);                     \
        (p)->log[0] = '\0';                                                                        \
        (p)->log_size = 0;                                                                         \
    } while (0)

/* --- what they do --------------------------------------------------------------------------------------------- */

static inline mm1_status obey(struct mm1_ctx *ctx, struct puppet *p, const struct cmd *m)
{
    struct mm1_header urgent = {.priority = true};
    switch ((enum op)m->op) {
    case OP_NOTE:
    case OP_URGENT_NOTE:
        p->status = mm1_send(ctx, m->peer, &note_type, &(struct note){.no = m->n},
                             m->op == OP_URGENT_NOTE ? &urgent : NULL);
        return MM1_OK;
    case OP_LINK:
        p->status = mm1_link(ctx, m->peer);
        return MM1_OK;
    case OP_UNLINK:
        p->status = mm1_unlink(ctx, m->peer);
        return MM1_OK;
    case OP_WATCH:
        cr_assert_lt(p->ref_count, 16);
        p->status = mm1_watch(ctx, m->peer, &p->refs[p->ref_count++]);
        return MM1_OK;
    case OP_UNWATCH:
        mm1_unwatch(ctx, m->n);
        return MM1_OK;
    case OP_TRAP:
        mm1_trap_exit(ctx, m->n != 0);
        return MM1_OK;
    case OP_EXIT:
        p->status = mm1_exit(ctx, m->peer, mm1_reason_of((enum mm1_reason_kind)m->n));
        p->answer = p->status == MM1_OK;
        return MM1_OK;
    case OP_KILL:
        p->status = mm1_kill(ctx, m->peer);
        p->answer = p->status == MM1_OK;
        return MM1_OK;
    case OP_QUIT:
        mm1_quit(ctx, mm1_reason_of((enum mm1_reason_kind)m->n));
        return MM1_OK;
    case OP_FAIL:
        return (mm1_status)m->n;
    case OP_CALL:
        ((puppet_fn *)(uintptr_t)m->call)(ctx, p);
        return MM1_OK;
    }
    return MM1_INVALID;
}

static inline mm1_status puppet_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct puppet *p = *(struct puppet *const *)arg;
    *(struct puppet **)state = p;
    p->addr = mm1_self(ctx);
    if (p->at_init != NULL) {
        p->at_init(ctx, p);
    }
    return p->init_status;
}

static inline mm1_status puppet_receive(struct mm1_ctx *ctx, void *state,
                                        const struct mm1_envelope *envelope)
{
    struct puppet *p = *(struct puppet **)state;
    struct mm1_buf buf = MM1_BUF(&world.own.base);
    mm1_status status = MM1_OK;
    MM1_ON(envelope, cmd, m) {
        return obey(ctx, p, m);
    }
    MM1_ON(envelope, note, m) {
        p->last = *envelope;
        if (!p->silent) {
            write_down(p, "note %llu; ", (unsigned long long)m->no);
        }
        if (p->at_note != NULL) {
            p->at_note(ctx, p);
        }
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_exited, m) {
        write_down(p, "exited %s %s; ", name_of(m->peer), why_text(&m->why, &buf));
        cr_assert_not(envelope->priority);
    }
    MM1_ON(envelope, mm1_down, m) {
        write_down(p, "down %s#%llu %s; ", name_of(m->peer), (unsigned long long)m->ref,
                   why_text(&m->why, &buf));
        cr_assert_not(envelope->priority);
    }
    MM1_ON(envelope, mm1_accepted, m) {
        p->accepted = m->handle;
    }
    if (envelope->type != &mm1_exited_type && envelope->type != &mm1_down_type) {
        write_down(p, "%s; ", envelope->type->name);
        status = mm1_unhandled(ctx, envelope);
    }
    mm1_buf_close(&buf);
    return status;
}

static inline void puppet_fini(void *state)
{
    struct puppet *p = *(struct puppet **)state;
    if (p != NULL) {
        p->finis++;
    }
}

static const struct mm1_behaviour puppet_behaviour = {.name = "puppet",
                                                      .state_size = sizeof(struct puppet *),
                                                      .init = puppet_init,
                                                      .receive = puppet_receive,
                                                      .fini = puppet_fini};

/* --- what a test says ----------------------------------------------------------------------------------------- */

#define SPAWN_OF(p_)                                                                               \
    {                                                                                              \
        .behaviour = &puppet_behaviour, .arg = &(struct puppet *){p_},                             \
        .arg_size = sizeof(struct puppet *)                                                        \
    }

static inline void enrol(struct puppet *p, const char *name)
{
    cr_assert_lt(cast_size, PUPPETS_MAX);
    *p = (struct puppet){
        .name = name, .at_init = p->at_init, .init_status = p->init_status, .at_note = p->at_note};
    cast[cast_size++] = p;
}

static inline void spawn_small(struct puppet *p, const char *name, uint32_t inbox_size)
{
    enrol(p, name);
    struct mm1_spawn spawn = SPAWN_OF(p);
    spawn.inbox_size = inbox_size;
    cr_assert_eq(mm1_node_spawn(home.node, &spawn, &p->addr), MM1_OK);
    mini_settle(&world);
}

static inline void spawn(struct puppet *p, const char *name)
{
    spawn_small(p, name, 0);
}

/* Puts a command in the inbox. */
static inline void tell(struct puppet *p, enum op op, mm1_addr peer, uint64_t n)
{
    struct cmd m = {.op = (uint8_t)op, .peer = peer, .n = n};
    cr_assert_eq(mm1_node_send(home.node, p->addr, &cmd_type, &m, NULL), MM1_OK);
}

/* And lets it be carried out. */
static inline void make(struct puppet *p, enum op op, mm1_addr peer, uint64_t n)
{
    tell(p, op, peer, n);
    mini_settle(&world);
}

static inline void tell_call(struct puppet *p, puppet_fn *fn)
{
    struct cmd m = {.op = OP_CALL, .call = (uint64_t)(uintptr_t)fn};
    cr_assert_eq(mm1_node_send(home.node, p->addr, &cmd_type, &m, NULL), MM1_OK);
}

static inline void call(struct puppet *p, puppet_fn *fn)
{
    tell_call(p, fn);
    mini_settle(&world);
}

static inline bool lives(const struct puppet *p)
{
    return mm1_node_path(home.node, p->addr) != NULL;
}

/* Whether `a` holds a link to `b`. */
static inline bool linked(const struct puppet *a, const struct puppet *b)
{
    struct mm1_actor *actor = mm1__live(home.node, a->addr.bits);
    cr_assert_not_null(actor);
    MM1_TREE_FOREACH(node, &actor->links) {
        const struct mm1__signal *record = MM1_CONTAINER_OF(node, const struct mm1__signal, node);
        if (record->peer == b->addr.bits) {
            return record->unlink == 0;
        }
    }
    return false;
}

/* --- the world ------------------------------------------------------------------------------------------------ */

static inline struct mm1_node_config home_config(void)
{
    static const struct mm1_net locals[] = {{.addr = {0xaa10000000000000u}, .mask = 16}};
    return (struct mm1_node_config){.name = MM1_TEXT("here"),
                                    .locals = locals,
                                    .local_count = 1,
                                    .auto_net = NET_AUTO,
                                    .types = &types,
                                    .encode = true};
}

static inline void set_up(void)
{
    mini_world_init(&world);
    cast_size = 0;
    types = MM1_MSG_REGISTRY(&world.own.base);
    cr_assert_eq(mm1_msg_register(&types, &cmd_type), MM1_OK);
    cr_assert_eq(mm1_msg_register(&types, &note_type), MM1_OK);
    struct mm1_node_config config = home_config();
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
}

/* Whoever lives is killed, and then nothing is left. Called by the test itself: Criterion ignores what fails in a
 * .fini. */
static inline void tear_down(void)
{
    mini_land_all(&world);
    for (unsigned i = 0; i < cast_size; i++) {
        if (lives(cast[i])) {
            cr_assert_eq(mm1_node_exit(home.node, cast[i]->addr, mm1_reason_of(MM1_REASON_KILL)),
                         MM1_OK);
        }
    }
    mini_land_all(&world);
    cr_assert_eq(mm1_node_actors(home.node), 0);
    cr_assert_eq(mm1_node_unrest(home.node), 0, "%llu",
                 (unsigned long long)mm1_node_unrest(home.node));
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

/* A test in a world of its own. */
#define CORE_TEST(suite, name)                                                                     \
    static void suite##_##name##_scenario(void);                                                   \
    Test(suite, name)                                                                              \
    {                                                                                              \
        set_up();                                                                                  \
        suite##_##name##_scenario();                                                               \
        tear_down();                                                                               \
    }                                                                                              \
    static void suite##_##name##_scenario(void)

#endif
