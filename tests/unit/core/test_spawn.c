/* Spawning: LIFE-01, arguments, names and paths, failing inits, and when there is no room. */
#include "puppet.h"

static struct puppet a, b, child;
static struct mm1_spawn spec;

static void spawn_spec(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_spawn(ctx, &spec, &child.addr);
}

static void prepare(bool link)
{
    child = (struct puppet){.at_init = child.at_init, .init_status = child.init_status};
    enrol(&child, "child");
    static struct puppet *arg = &child;
    spec = (struct mm1_spawn){
        .behaviour = &puppet_behaviour, .arg = &arg, .arg_size = sizeof(arg), .link = link};
}

static void path_of(mm1_addr addr, char out[MM1_PATH_TEXT_MAX])
{
    (void)mm1_path_print(mm1_node_path(home.node, addr), out);
}

/* LIFE-01: the address is known before init has run. */
static void spawn_and_tell(struct mm1_ctx *ctx, struct puppet *p)
{
    spawn_spec(ctx, p);
    cr_assert_eq(p->status, MM1_OK);
    cr_assert_eq(mm1_tell(ctx, child.addr, note, .no = 1), MM1_OK);
    cr_assert_eq(mm1_watch(ctx, child.addr, &p->refs[0]), MM1_OK);
}

CORE_TEST(spawn, before_init)
{
    spawn(&a, "a");
    prepare(false);
    call(&a, spawn_and_tell);
    expect_log(&child, "note 1; ");
    cr_assert(lives(&child));
    cr_assert_not(linked(&a, &child));
}

/* LIFE-06, OTP A1: a linked child that dies in its init is seen with its reason, never noproc. */
CORE_TEST(spawn, linked_child_fails_in_init)
{
    spawn(&a, "a");
    make(&a, OP_TRAP, a.addr, 1);
    child.init_status = MM1_IO;
    prepare(true);
    call(&a, spawn_and_tell);
    child.init_status = MM1_OK;
    expect_log(&a, "exited child init_failed; down child#1 init_failed; ");
    cr_assert_eq(child.finis, 1);
    expect_log(&child, "");
    cr_assert_eq(mm1_tree_count(&mm1__live(home.node, a.addr.bits)->links), 0);
}

CORE_TEST(spawn, linked_child_takes_its_parent_along)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&b, OP_WATCH, a.addr, 0);
    child.init_status = MM1_IO;
    prepare(true);
    call(&a, spawn_spec);
    child.init_status = MM1_OK;
    expect_log(&b, "down a#1 init_failed; ");
}

/* Killed before its init: no init, no fini. */
static void spawn_and_kill(struct mm1_ctx *ctx, struct puppet *p)
{
    spawn_and_tell(ctx, p);
    cr_assert_eq(mm1_kill(ctx, child.addr), MM1_OK);
}

static void at_init(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)ctx;
    p->answer = true;
}

CORE_TEST(spawn, killed_before_init)
{
    spawn(&a, "a");
    child.at_init = at_init;
    prepare(false);
    call(&a, spawn_and_kill);
    child.at_init = NULL;
    cr_assert_not(child.answer);
    cr_assert_eq(child.finis, 0);
    expect_log(&a, "down child#1 killed; ");
}

/* A quit in init ends it with that reason. */
static void quit(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_quit(ctx, MM1_SHUTDOWN);
}

CORE_TEST(spawn, quits_in_init)
{
    spawn(&a, "a");
    child.at_init = quit;
    prepare(false);
    call(&a, spawn_and_tell);
    child.at_init = NULL;
    cr_assert_eq(child.finis, 1);
    expect_log(&child, "");
    expect_log(&a, "down child#1 shutdown; ");
}

/* OTP A6: a child inherits neither trap_exit nor links; it knows its parent. */
static void look_at_parent(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[0] = mm1_parent(ctx).bits;
}

CORE_TEST(spawn, inherits_nothing)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&a, OP_TRAP, a.addr, 1);
    make(&a, OP_LINK, b.addr, 0);
    child.at_init = look_at_parent;
    prepare(false);
    call(&a, spawn_spec);
    child.at_init = NULL;
    cr_assert_eq(child.refs[0], a.addr.bits);
    cr_assert_not(linked(&child, &b));
    make(&b, OP_EXIT, child.addr, MM1_REASON_SHUTDOWN);
    cr_assert_not(lives(&child));
    call(&a, look_at_parent);
    cr_assert_eq(a.refs[0], 0);
}

/* Names count births; without one the behaviour's name and an ordinal do. */
CORE_TEST(spawn, paths)
{
    char text[MM1_PATH_TEXT_MAX];
    spawn(&a, "a");
    path_of(a.addr, text);
    cr_assert_str_eq(text, "/here/puppet.1");
    for (unsigned life = 1; life <= 3; life++) {
        prepare(false);
        spec.name = "worker";
        call(&a, spawn_spec);
        path_of(child.addr, text);
        char expected[64];
        (void)snprintf(expected, sizeof(expected), "/here/puppet.1/worker#%u", life);
        cr_assert_str_eq(text, expected);
        make(&child, OP_QUIT, child.addr, MM1_REASON_NORMAL);
    }
    prepare(false);
    call(&a, spawn_spec);
    path_of(child.addr, text);
    cr_assert_str_eq(text, "/here/puppet.1/puppet.1");
    spawn(&b, "b");
    path_of(b.addr, text);
    cr_assert_str_eq(text, "/here/puppet.2");
}

/* An argument is a copy: a message's is deep. */
#define TEXTS_FIELDS(F) F(text, text) F(list(u64), numbers)
MM1_MSG_DECLARE(texts, TEXTS_FIELDS)
MM1_MSG_DEFINE(texts, "test::Texts", TEXTS_FIELDS)

static unsigned seen;

static mm1_status reader_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx, (void)state;
    const struct texts *m = arg;
    cr_assert(mm1_text_equal(m->text, MM1_TEXT("hello")));
    cr_assert_eq(m->numbers.count, 2);
    cr_assert_eq(m->numbers.items[1], 8);
    seen++;
    return MM1_OK;
}

static mm1_status reader_receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *e)
{
    (void)state;
    return mm1_unhandled(ctx, e);
}

static const struct mm1_behaviour reader = {
    .name = "reader", .init = reader_init, .receive = reader_receive};

CORE_TEST(spawn, message_argument)
{
    char text[] = "hello";
    uint64_t numbers[] = {7, 8};
    struct texts m = {.text = {.data = text, .size = 5}, .numbers = {.items = numbers, .count = 2}};
    struct mm1_spawn s = {.behaviour = &reader, .arg_type = &texts_type, .arg = &m};
    mm1_addr addr;
    seen = 0;
    cr_assert_eq(mm1_node_spawn(home.node, &s, &addr), MM1_OK);
    memset(text, 'x', 5);
    numbers[1] = 0;
    mini_settle(&world);
    cr_assert_eq(seen, 1);
    cr_assert_eq(mm1_node_exit(home.node, addr, MM1_SHUTDOWN), MM1_OK);
}

/* LIFE-01: a node that is shutting down, and no free block. */
CORE_TEST(spawn, refused)
{
    spawn(&a, "a");
    prepare(true);
    mm1_node_refuse_spawns(home.node);
    call(&a, spawn_spec);
    cr_assert_eq(a.status, MM1_RESOURCE);
    cast_size--;
    cr_assert_eq(mm1_node_actors(home.node), 1);
}

static const struct mm1_alloc_ops *plain_ops;

static void *take_and_shut_down(struct mm1_alloc *self, size_t size)
{
    self->ops = plain_ops;
    mm1_node_refuse_spawns(home.node);
    mm1_node_exit_all(home.node, MM1_SHUTDOWN);
    return mm1_take(self, size);
}

/* As if another thread began to shut down when the spawn was under way. */
static void spawn_late(struct mm1_ctx *ctx, struct puppet *p)
{
    static struct mm1_alloc_ops ops;
    plain_ops = world.alloc.base.ops;
    ops = *plain_ops;
    ops.take = take_and_shut_down;
    world.alloc.base.ops = &ops;
    spawn_spec(ctx, p);
}

/* SHUT-01: nobody is left whom the shutdown passed over. */
CORE_TEST(spawn, refused_meanwhile)
{
    spawn(&a, "a");
    spawn(&b, "b");
    make(&b, OP_TRAP, b.addr, 1);
    prepare(false);
    call(&b, spawn_late);
    cr_assert_eq(b.status, MM1_OK);
    cr_assert_eq(world.alloc.base.ops, plain_ops);
    expect_log(&b, "exited nobody shutdown; ");
    expect_log(&child, "");
    cr_assert_not(lives(&a));
    cr_assert_not(lives(&child));
    cr_assert_eq(child.finis, 0); /* nor did its init run */
    cr_assert_eq(mm1_node_actors(home.node), 1);
}

CORE_TEST(spawn, no_block)
{
    struct mini_node small;
    struct mm1_node_config config = home_config();
    config.actors_max = 3; /* rounded down */
    cr_assert_eq(mini_node_open(&world, &small, &config), MM1_OK);
    struct mm1_spawn s = SPAWN_OF(&a);
    mm1_addr addr;
    a.finis = 0;
    enrol(&a, "a");
    cr_assert_eq(mm1_node_spawn(small.node, &s, &addr), MM1_OK);
    cr_assert_eq(mm1_node_spawn(small.node, &s, &addr), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_node_spawn(small.node, &s, &addr), MM1_RESOURCE);
    cr_assert_eq(mm1_node_exit(small.node, a.addr, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_node_spawn(small.node, &s, &addr), MM1_OK);
    mini_settle(&world);
    mini_node_close(&small);
    cr_assert_eq(a.finis, 3);
    cast_size--;
}

/* An argument says what it is. */
CORE_TEST(spawn, argument_without_a_size)
{
    struct mm1_spawn sizeless = SPAWN_OF(&a);
    sizeless.arg_size = 0;
    mm1_addr addr;
    cr_assert_eq(mm1_node_spawn(home.node, &sizeless, &addr), MM1_INVALID);
    cr_assert_eq(mm1_node_actors(home.node), 0);
}
