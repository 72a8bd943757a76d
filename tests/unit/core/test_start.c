/* Spawns whose parent waits until the child is ready: LIFE-02 to LIFE-04, MSG-13. */
#include "puppet.h"

static struct puppet a, b, c;
static bool link_it;
static bool done_at_init;

static void say_done(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_init_done(ctx, mm1_self(ctx));
    mm1_init_done(ctx, NOWHERE); /* only the first counts */
    (void)p;
}

static void start_c(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_addr addr;
    c = (struct puppet){
        .name = "c", .at_init = done_at_init ? say_done : NULL, .init_status = c.init_status};
    struct mm1_spawn spec = SPAWN_OF(&c);
    spec.link = link_it;
    spec.start = mm1_next_ref(ctx);
    p->status = mm1_spawn(ctx, &spec, &addr);
    c.addr = addr;
}

static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct puppet *p = *(struct puppet **)state;
    MM1_ON(envelope, mm1_started, m) {
        write_down(p, "started %s #%llu; ", name_of(m->addr), (unsigned long long)m->start);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_start_failed, m) {
        struct mm1_buf buf = MM1_BUF(&world.own.base);
        write_down(p, "failed %s #%llu %s; ", name_of(m->child), (unsigned long long)m->start,
                   why_text(&m->why, &buf));
        mm1_buf_close(&buf);
        return MM1_OK;
    }
    return puppet_receive(ctx, state, envelope);
}

static const struct mm1_behaviour starter = {.name = "starter",
                                             .state_size = sizeof(struct puppet *),
                                             .init = puppet_init,
                                             .receive = starter_receive,
                                             .fini = puppet_fini};

static void ready(bool link, bool done)
{
    link_it = link;
    done_at_init = done;
    c.init_status = MM1_OK;
    spawn(&b, "b");
    enrol(&a, "a");
    struct mm1_spawn spec = SPAWN_OF(&a);
    spec.behaviour = &starter;
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &a.addr), MM1_OK);
    mini_settle(&world);
    cast[cast_size++] = &c;
    call(&a, start_c);
    cr_assert_eq(a.status, MM1_OK);
}

CORE_TEST(start, linked)
{
    ready(true, true);
    expect_log(&a, "started c #1; ");
    cr_assert(linked(&a, &c) && linked(&c, &a));
    make(&a, OP_TRAP, a.addr, 1);
    make(&c, OP_QUIT, c.addr, MM1_REASON_SHUTDOWN);
    expect_log(&a, "exited c shutdown; ");
}

CORE_TEST(start, not_linked)
{
    ready(false, true);
    expect_log(&a, "started c #1; ");
    cr_assert_not(linked(&a, &c));
    cr_assert_not(linked(&c, &a));
    cr_assert_eq(mm1_tree_count(&mm1__live(home.node, a.addr.bits)->links), 0);
    make(&a, OP_LINK, c.addr, 0);
    cr_assert(linked(&a, &c) && linked(&c, &a));
}

/* Its end before is told once, by one message, to whom it started; whether it traps exits or not. */
CORE_TEST(start, fails_by_its_end)
{
    ready(true, false);
    expect_log(&a, "");
    make(&c, OP_FAIL, c.addr, MM1_IO);
    expect_log(&a, "failed c #1 error 18: input/output error; ");
    cr_assert(lives(&a));
    call(&a, start_c);
    make(&c, OP_QUIT, c.addr, MM1_REASON_NORMAL);
    expect_log(&a, "failed c #2 normal; ");
    call(&a, start_c);
    make(&b, OP_KILL, c.addr, 0);
    expect_log(&a, "failed c #3 killed; ");
    make(&a, OP_TRAP, a.addr, 1);
    link_it = false;
    call(&a, start_c);
    make(&b, OP_EXIT, c.addr, MM1_REASON_SHUTDOWN);
    expect_log(&a, "failed c #4 shutdown; ");
}

CORE_TEST(start, fails_in_init)
{
    ready(true, false);
    make(&c, OP_QUIT, c.addr, MM1_REASON_NORMAL);
    expect_log(&a, "failed c #1 normal; ");
    c.init_status = MM1_REFUSED;
    call(&a, start_c);
    expect_log(&a, "failed c #2 init_failed; ");
}

/* A child that is not ready yet goes with its starter. */
CORE_TEST(start, starter_ends)
{
    ready(false, false);
    make(&a, OP_QUIT, a.addr, MM1_REASON_SHUTDOWN);
    cr_assert_not(lives(&c));
}

CORE_TEST(start, starter_ends_after)
{
    ready(false, true);
    make(&a, OP_QUIT, a.addr, MM1_REASON_SHUTDOWN);
    cr_assert(lives(&c));
}

/* LIFE-04: the address that the child gives is what the starter gets. */
static void say_elsewhere(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_init_done(ctx, b.addr);
}

CORE_TEST(start, another_address)
{
    ready(true, false);
    call(&c, say_elsewhere);
    expect_log(&a, "started b #1; ");
    cr_assert(linked(&a, &c));
}

/* Nobody waits: nothing is said. */
CORE_TEST(start, nobody_waits)
{
    spawn(&a, "a");
    call(&a, say_done);
    expect_log(&a, "");
}

CORE_TEST(start, no_memory)
{
    ready(false, true);
    make(&b, OP_KILL, c.addr, 0);
    for (unsigned k = 1;; k++) {
        tell_call(&a, start_c);
        test_alloc_fail_at(&world.alloc, k);
        mini_settle(&world);
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert(a.status == MM1_OK || a.status == MM1_NOMEM);
        if (a.status == MM1_OK) {
            cr_assert(lives(&c));
            cr_assert_gt(k, 5);
            return;
        }
        cr_assert_lt(k, 40);
    }
}
