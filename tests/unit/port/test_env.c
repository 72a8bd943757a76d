/* An env with a hole is refused by name; the ports that are not there refuse. */
#include "mini_world.h"
#include "mm1_test.h"

static struct mini_world world;
static struct mini_node node;
static struct mm1_env env;

static void begin(void)
{
    struct mm1_node_config config = {.name = MM1_TEXT("n"), .auto_net = MM1_NET_DEFAULT_AUTO};
    mini_world_init(&world);
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_OK);
    env = node.env;
}

static void end(void)
{
    mini_node_close(&node);
    mini_world_close(&world);
}

static void expect_hole(const char *expected)
{
    const char *hole = NULL;
    struct mm1_node *other = NULL;
    struct mm1_node_config config = {.name = MM1_TEXT("n"), .auto_net = MM1_NET_DEFAULT_AUTO};
    cr_assert_eq(mm1_env_check(&env, &hole), MM1_INVALID, "%s", expected);
    cr_assert_str_eq(hole, expected);
    cr_assert_eq(mm1_node_open(&env, &config, &other), MM1_INVALID);
    cr_assert_null(other);
}

/* The port, its ops, its name, and each slot in turn. */
#define HOLE_IN_SLOT(port_, slot_)                                                                 \
    do {                                                                                           \
        struct mm1_##port_##_ops ops = *node.env.port_->ops;                                       \
        struct mm1_##port_ holed = {.ops = &ops};                                                  \
        ops.slot_ = NULL;                                                                          \
        env.port_ = &holed;                                                                        \
        expect_hole(#port_ "." #slot_);                                                            \
        env = node.env;                                                                            \
    } while (0)

#define HOLES_IN_PORT(port_)                                                                       \
    do {                                                                                           \
        struct mm1_##port_ port = {.ops = NULL};                                                   \
        env.port_ = NULL;                                                                          \
        expect_hole(#port_);                                                                       \
        env.port_ = &port;                                                                         \
        expect_hole(#port_ ".ops");                                                                \
        HOLE_IN_SLOT(port_, name);                                                                 \
    } while (0)

Test(env, whole)
{
    const char *hole = "?";
    begin();
    cr_assert_eq(mm1_env_check(&env, &hole), MM1_OK);
    cr_assert_null(hole);
    end();
}

Test(env, missing_ports)
{
    begin();
    HOLES_IN_PORT(alloc);
    HOLES_IN_PORT(clock);
    HOLES_IN_PORT(random);
    HOLES_IN_PORT(sched);
    HOLES_IN_PORT(transport);
    HOLES_IN_PORT(store);
    HOLES_IN_PORT(trace);
    end();
}

Test(env, missing_slots)
{
    begin();
    HOLE_IN_SLOT(alloc, take);
    HOLE_IN_SLOT(alloc, give);
    HOLE_IN_SLOT(alloc, take_stack);
    HOLE_IN_SLOT(alloc, give_stack);
    HOLE_IN_SLOT(clock, monotonic);
    HOLE_IN_SLOT(clock, wall);
    HOLE_IN_SLOT(clock, arm);
    HOLE_IN_SLOT(clock, cancel);
    HOLE_IN_SLOT(clock, next_due);
    HOLE_IN_SLOT(random, draw);
    HOLE_IN_SLOT(sched, ready);
    HOLE_IN_SLOT(sched, effect);
    HOLE_IN_SLOT(sched, hold);
    HOLE_IN_SLOT(transport, attach);
    HOLE_IN_SLOT(transport, listen);
    HOLE_IN_SLOT(transport, dial);
    HOLE_IN_SLOT(transport, read);
    HOLE_IN_SLOT(transport, send);
    HOLE_IN_SLOT(transport, close);
    HOLE_IN_SLOT(store, attach);
    HOLE_IN_SLOT(store, open);
    HOLE_IN_SLOT(store, append);
    HOLE_IN_SLOT(store, sync);
    HOLE_IN_SLOT(store, truncate);
    HOLE_IN_SLOT(store, read);
    HOLE_IN_SLOT(store, close);
    HOLE_IN_SLOT(trace, emit);
    end();
}

/* --- the ports that are not there ----------------------------------------------------------------------------- */

static unsigned refusals;

static void count_refusal(struct mm1_port_sink *sink, mm1_handle handle, bool background,
                          const struct mm1_msg_type *type, const void *msg)
{
    (void)sink, (void)background;
    if (type == &mm1_failed_type) {
        const struct mm1_failed *m = msg;
        cr_assert(m->handle == handle && m->status == MM1_REFUSED && m->reason.size > 0);
    } else {
        const struct mm1_log_failed *m = msg;
        cr_assert_eq(type, &mm1_log_failed_type);
        cr_assert(m->handle == handle && m->status == MM1_REFUSED && m->op == 0);
    }
    refusals++;
}

Test(none, refuses)
{
    struct mm1_transport_none transport;
    struct mm1_store_none store;
    struct mm1_port_sink sink = {.post = count_refusal};
    struct mm1_bytes bytes = {.data = (const uint8_t *)"x", .size = 1};
    mm1_transport_none_init(&transport);
    mm1_store_none_init(&store);
    const struct mm1_transport_ops *t = transport.base.ops;
    const struct mm1_store_ops *s = store.base.ops;
    t->attach(&transport.base, &sink);
    s->attach(&store.base, &sink);
    cr_assert_eq(t->listen(&transport.base, 1, MM1_TEXT("tcp://a:1")), MM1_OK);
    cr_assert_eq(t->dial(&transport.base, 2, MM1_TEXT("tcp://a:1")), MM1_OK);
    cr_assert_eq(s->open(&store.base, 3, MM1_TEXT("log")), MM1_OK);
    cr_assert_eq(refusals, 3);
    /* All else is about handles that are gone. */
    cr_assert_eq(t->send(&transport.base, 1, bytes, false), MM1_OK);
    t->read(&transport.base, 1, 1);
    t->close(&transport.base, 1);
    cr_assert_eq(s->append(&store.base, 3, 1, bytes), MM1_OK);
    cr_assert_eq(s->sync(&store.base, 3, 1), MM1_OK);
    cr_assert_eq(s->truncate(&store.base, 3, 1, 0), MM1_OK);
    cr_assert_eq(s->read(&store.base, 3, 1, 0, 1), MM1_OK);
    s->close(&store.base, 3);
    cr_assert_eq(refusals, 3);
    cr_assert(mm1_trace_null.quiet);
    cr_assert_eq(mm1_trace_null.ops->emit(&mm1_trace_null, &(struct mm1_event){.actor = NULL}), 0);
}
