/* Function actors and forks where one thing meets another: what a review of the runtime found, and found right. */
#include "script.h"

static mm1_addr fork_addr, child_addr;

/* A fork receives nothing before its init. */
static mm1_status fork_fn(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    say("fork runs; ");
    return say_all(ctx);
}
static const struct mm1_function forked = MM1_FUNCTION("forked", fork_fn);
static unsigned inits;
static mm1_status fb_init(struct mm1_ctx *ctx, void *s, const void *a)
{
    (void)ctx;
    (void)s;
    (void)a;
    say("init; ");
    inits++;
    return MM1_OK;
}
static mm1_status fb_recv(struct mm1_ctx *ctx, void *s, const struct mm1_envelope *e)
{
    (void)ctx;
    (void)s;
    say("receive ");
    say_message(e);
    return MM1_OK;
}
static const struct mm1_behaviour fb = {.name = "fb", .init = fb_init, .receive = fb_recv};
static const struct mm1_behaviour *fork_with;
static mm1_status forks_when_told(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *e;
    MM1_TRY(mm1_recv(ctx, &e));
    MM1_TRY(mm1_fork(ctx, &(struct mm1_fork){.behaviour = fork_with}, &fork_addr));
    return say_all(ctx);
}
static void early(const struct mm1_behaviour *b)
{
    fork_with = b;
    play(forks_when_told);
    send_to(actor, &note_type, &(struct note){.n = 1}, true);
    send_to(MM1_ADDR(actor.bits + 1), &note_type, &(struct note){.n = 2}, true);
    mini_settle(&world);
}
Test(edges, early_behaviour, .init = setup, .fini = teardown)
{
    early(&fb);
    cr_assert_eq(strncmp(seen, "init; ", 6), 0, "%s", seen);
}
Test(edges, early_function, .init = setup, .fini = teardown)
{
    early(&forked.behaviour);
}

/* Flags of a life end with it, where addresses come back. */
static void setup_small(void)
{
    seen[0] = 0;
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    cr_assert_eq(mm1_msg_register(&types, &note_type), MM1_OK);
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .auto_net = {.addr = {0xfff8000000000000u}, .mask = 56},
                                     .types = &types,
                                     .one_thread = true};
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_OK);
}
static mm1_status hello(struct mm1_ctx *ctx)
{
    say("hello; ");
    return say_all(ctx);
}
Test(edges, suspended_stays, .init = setup_small, .fini = teardown)
{
    play(hello);
    expect("hello; ");
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    mm1_addr first = actor;
    mm1_node_kill_all(node.node);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(node.node), 0);
    play(hello);
    cr_assert_eq(first.bits, actor.bits);
    expect("hello; ");
}
Test(edges, kill_stays, .init = setup_small, .fini = teardown)
{
    play(hello);
    expect("hello; ");
    mm1_node_kill_all(node.node);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(node.node), 0);
    play(hello);
    expect("hello; ");
}

/* A starter unlinks: the end of the child is told all the same. */
static mm1_status waits_then_fails(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 5 * MS));
    return MM1_INTERNAL;
}
static mm1_status starter(struct mm1_ctx *ctx)
{
    struct mm1_start start = {0};
    script *run = waits_then_fails;
    struct mm1_spawn sp = spawn_of(&run);
    MM1_TRY(mm1_start_begin(ctx, &start, &sp, MM1_FOREVER));
    MM1_TRY(mm1_unlink(ctx, start.child));
    for (;;) {
        const struct mm1_envelope *e;
        MM1_TRY(mm1_recv(ctx, &e));
        if (mm1_start_take(ctx, &start, e) == MM1_CALL_DONE) {
            say("start over %s; ", mm1_status_text(start.status));
        }
    }
}
Test(edges, parent_unlinks, .init = setup, .fini = teardown)
{
    play(starter);
    mini_advance(&world, 100 * MS);
    expect("start over exited; ");
}
static mm1_status starter_shuts(struct mm1_ctx *ctx)
{
    struct mm1_start start = {0};
    script *run = waits_then_fails;
    struct mm1_spawn sp = spawn_of(&run);
    struct mm1_shutdown down = {0};
    MM1_TRY(mm1_start_begin(ctx, &start, &sp, MM1_FOREVER));
    MM1_TRY(mm1_shutdown_begin(ctx, &down, start.child, MM1_FOREVER));
    for (;;) {
        const struct mm1_envelope *e;
        MM1_TRY(mm1_recv(ctx, &e));
        if (mm1_shutdown_take(ctx, &down, e) == MM1_CALL_DONE)
            say("down; ");
        else if (mm1_start_take(ctx, &start, e) == MM1_CALL_DONE)
            say("start over %s; ", mm1_status_text(start.status));
    }
}
Test(edges, parent_shuts, .init = setup, .fini = teardown)
{
    play(starter_shuts);
    mini_advance(&world, 100 * MS);
    cr_assert(strstr(seen, "start over"), "%s", seen);
}

/* Either links the other before the child is ready: they stay linked. */
static mm1_status links_parent(struct mm1_ctx *ctx)
{
    mm1_status st = mm1_link(ctx, mm1_parent(ctx));
    say("link %s; ", mm1_status_text(st));
    mm1_init_done(ctx, mm1_self(ctx));
    return say_all(ctx);
}
static mm1_status starter2(struct mm1_ctx *ctx)
{
    script *run = links_parent;
    struct mm1_spawn sp = spawn_of(&run);
    MM1_TRY(mm1_start(ctx, &sp, MM1_FOREVER, &child_addr));
    say("started; ");
    MM1_TRY(mm1_sleep(ctx, MS));
    return MM1_INTERNAL; /* a linked child dies with it */
}
Test(edges, child_links, .init = setup, .fini = teardown)
{
    play(starter2);
    mini_advance(&world, 100 * MS);
    say("%zu left", mm1_node_actors(node.node));
    expect("link ok; started; 1 left");
}
/* The parent does. */
static mm1_status ready_child(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, MS));
    mm1_init_done(ctx, mm1_self(ctx));
    return say_all(ctx);
}
static mm1_status starter2b(struct mm1_ctx *ctx)
{
    struct mm1_start start = {0};
    script *run = ready_child;
    struct mm1_spawn sp = spawn_of(&run);
    MM1_TRY(mm1_start_begin(ctx, &start, &sp, MM1_FOREVER));
    MM1_TRY(mm1_link(ctx, start.child));
    MM1_TRY(mm1_sleep(ctx, 5 * MS));
    return MM1_INTERNAL;
}
Test(edges, parent_links, .init = setup, .fini = teardown)
{
    play(starter2b);
    mini_advance(&world, 100 * MS);
    say("%zu left", mm1_node_actors(node.node));
    expect("1 left");
}

/* A child cannot unlink from its starter before it is ready: its end is told. */
static mm1_status unlinks_parent(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_unlink(ctx, mm1_parent(ctx)));
    MM1_TRY(mm1_sleep(ctx, MS));
    return MM1_INTERNAL;
}
static mm1_status starter3(struct mm1_ctx *ctx)
{
    script *run = unlinks_parent;
    struct mm1_spawn sp = spawn_of(&run);
    mm1_status st = mm1_start(ctx, &sp, MM1_FOREVER, &child_addr);
    say("start %s; ", mm1_status_text(st));
    return MM1_OK;
}
Test(edges, child_unlinks, .init = setup, .fini = teardown)
{
    play(starter3);
    mini_advance(&world, 1000 * MS);
    expect("start exited; ");
}

/* The same where a fork is the starter. */
static mm1_status unlinks_done(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_unlink(ctx, mm1_parent(ctx)));
    MM1_TRY(mm1_sleep(ctx, MS));
    mm1_init_done(ctx, mm1_self(ctx));
    return say_all(ctx);
}
static mm1_status fork_starts(struct mm1_ctx *ctx, const void *a)
{
    (void)a;
    script *run = unlinks_done;
    struct mm1_spawn sp = spawn_of(&run);
    mm1_status st = mm1_start(ctx, &sp, MM1_FOREVER, &child_addr);
    say("fork: start %s; ", mm1_status_text(st));
    return say_all(ctx);
}
static const struct mm1_function fork_starter = MM1_FUNCTION("fs", fork_starts);
static mm1_status starter4(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_fork(ctx, &(struct mm1_fork){.behaviour = &fork_starter.behaviour}, &fork_addr));
    return say_all(ctx);
}
Test(edges, child_unlinks_fork, .init = setup, .fini = teardown)
{
    play(starter4);
    mini_advance(&world, 1000 * MS);
    expect("fork: start exited; ");
}

/* Ask a fork that ends, or never was. */
static mm1_status fork_deaf(struct mm1_ctx *ctx, const void *a)
{
    (void)a;
    const struct mm1_envelope *e;
    MM1_TRY(mm1_recv(ctx, &e));
    return MM1_OK;
}
static const struct mm1_function deaf = MM1_FUNCTION("deaf", fork_deaf);
static mm1_status forker(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_fork(ctx, &(struct mm1_fork){.behaviour = &deaf.behaviour}, &fork_addr));
    return say_all(ctx);
}
static mm1_status asks_fork(struct mm1_ctx *ctx)
{
    const struct result *r;
    mm1_status st = mm1_ask(ctx, fork_addr, MM1_FOREVER, job, result, &r, .n = 1);
    say("ask %s; ", mm1_status_text(st));
    return MM1_OK;
}
Test(edges, ask_fork_ends, .init = setup, .fini = teardown)
{
    play(forker);
    play(asks_fork);
    mini_advance(&world, 1000 * MS);
    expect("ask exited; ");
}
Test(edges, ask_no_fork, .init = setup, .fini = teardown)
{
    play(hello);
    expect("hello; ");
    fork_addr = MM1_ADDR(actor.bits + 9);
    play(asks_fork);
    mini_advance(&world, 1000 * MS);
    expect("ask no such actor; ");
}

/* Closed and a selective receive. */
static mm1_status closes(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *e;
    MM1_TRY(mm1_sleep(ctx, MS));
    MM1_TRY(mm1_close(ctx));
    mm1_status st = mm1_recv_type(ctx, MM1_FOREVER, &word_type, &e);
    say("%s; ", mm1_status_text(st));
    st = mm1_recv(ctx, &e);
    say("%s; ", mm1_status_text(st));
    st = mm1_recv(ctx, &e);
    say("%s; ", mm1_status_text(st));
    return MM1_OK;
}
Test(edges, closed_selective, .init = setup, .fini = teardown)
{
    play(closes);
    tell(1);
    mini_advance(&world, 100 * MS);
    say("%zu left", mm1_node_actors(node.node));
    expect("closed; ok; closed; 1 left");
}

/* Bind after close. */
#define NET ((struct mm1_net){.addr = {0xfff0000000000100u}, .mask = 60})
static mm1_status binds_closed(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_close(ctx));
    mm1_status st = mm1_bind(ctx, NET, 0);
    say("bind %s; ", mm1_status_text(st));
    MM1_TRY(mm1_sleep(ctx, 50 * MS));
    return say_all(ctx);
}
Test(edges, bind_after_close, .init = setup, .fini = teardown)
{
    play(binds_closed);
    mini_settle(&world);
    mm1_status st = mm1_node_send(node.node, NET.addr, &note_type, &(struct note){.n = 1}, NULL);
    say("send %s; ", mm1_status_text(st));
    mini_advance(&world, 100 * MS);
    expect("bind ok; send closed; ");
}

/* A starter that ends normally. */
static mm1_status never_ready(struct mm1_ctx *ctx)
{
    return say_all(ctx);
}
static mm1_status starter5(struct mm1_ctx *ctx)
{
    struct mm1_start start = {0};
    script *run = never_ready;
    struct mm1_spawn sp = spawn_of(&run);
    MM1_TRY(mm1_start_begin(ctx, &start, &sp, MM1_FOREVER));
    return MM1_OK;
}
Test(edges, starter_ends_normal, .init = setup, .fini = teardown)
{
    play(starter5);
    mini_advance(&world, 10 * MS);
    say("%zu left", mm1_node_actors(node.node));
    expect("1 left");
}

/* A watch of another context is flushed. */
static uint64_t wref;
static mm1_addr victim;
static mm1_status w_init(struct mm1_ctx *ctx, void *s, const void *a)
{
    (void)s;
    (void)a;
    return mm1_watch(ctx, victim, &wref);
}
static mm1_status w_recv(struct mm1_ctx *ctx, void *s, const struct mm1_envelope *e)
{
    (void)s;
    MM1_ON(e, mm1_down, d) {
        (void)d;
        say("down set aside; ");
        mm1_postpone(ctx);
        return MM1_OK;
    }
    MM1_ON(e, note, n) {
        (void)n;
        mm1_unpostpone(ctx);
        return MM1_OK;
    }
    return MM1_OK;
}
static const struct mm1_behaviour watching = {.name = "w", .init = w_init, .receive = w_recv};
static mm1_status flushes(struct mm1_ctx *ctx)
{
    victim = child(ctx, hello, false);
    MM1_TRY(mm1_fork(ctx, &(struct mm1_fork){.behaviour = &watching}, &fork_addr));
    MM1_TRY(mm1_sleep(ctx, MS));
    mm1_kill(ctx, victim);
    MM1_TRY(mm1_sleep(ctx, MS));
    bool st = mm1_unwatch_flush(ctx, wref);
    say("flush %d; ", st);
    MM1_TRY(mm1_tell(ctx, fork_addr, note, .n = 1));
    return say_all(ctx);
}
Test(edges, flush_other_ctx, .init = setup, .fini = teardown)
{
    play(flushes);
    mini_advance(&world, 10 * MS);
    expect("hello; down set aside; flush 0; ");
}

/* Times and subnets at their ends. */
static mm1_status edges(struct mm1_ctx *ctx)
{
    uint64_t id;
    const struct mm1_envelope *e;
    say("bind0 %s; ", mm1_status_text(mm1_bind(ctx, (struct mm1_net){.mask = 0}, 0)));
    say("bind65 %s; ", mm1_status_text(mm1_bind(
                           ctx, (struct mm1_net){.addr = {0xfff0000000000000u}, .mask = 65}, 0)));
    MM1_TRY(mm1_close(ctx));
    MM1_TRY(mm1_close(ctx));
    MM1_TRY(mm1_timer_start(
        ctx,
        &(struct mm1_timer_spec){.at_ns = 1, .type = &note_type, .msg = &(struct note){.n = 5}},
        &id));
    MM1_TRY(mm1_every(ctx, 0, &id, note, .n = 6));
    MM1_TRY(mm1_timer_start(ctx,
                            &(struct mm1_timer_spec){.at_ns = UINT64_MAX,
                                                     .every_ns = UINT64_MAX,
                                                     .type = &note_type,
                                                     .msg = &(struct note){.n = 7}},
                            &id));
    MM1_TRY(mm1_after(ctx, UINT64_MAX, &id, note, .n = 8));
    for (int i = 0; i < 3; i++) {
        mm1_status st = mm1_recv(ctx, &e);
        if (st == MM1_OK)
            say_message(e);
        else
            say("%s; ", mm1_status_text(st));
    }
    say("shut %s; ", mm1_status_text(mm1_shutdown(ctx, mm1_self(ctx), MM1_FOREVER)));
    return MM1_OK;
}
Test(edges, of_subnets_and_times, .init = setup, .fini = teardown)
{
    play(edges);
    mini_advance(&world, 10 * MS);
    expect("bind0 conflict; bind65 invalid argument; closed; 5; 6; ");
    cr_assert_eq(mm1_node_actors(node.node), 1);
}
static unsigned ticks;
static mm1_status fast(struct mm1_ctx *ctx)
{
    uint64_t id;
    const struct mm1_envelope *e;
    MM1_TRY(mm1_every(ctx, 1, &id, note, .n = 6));
    for (ticks = 0; ticks < 1000; ticks++) {
        MM1_TRY(mm1_recv(ctx, &e));
    }
    return MM1_OK;
}
Test(edges, period_1, .init = setup, .fini = teardown)
{
    play(fast);
    mini_advance(&world, MS);
    cr_assert_eq(ticks, 1000);
}

static mm1_status start0(struct mm1_ctx *ctx)
{
    script *run = ready_child;
    struct mm1_spawn sp = spawn_of(&run);
    mm1_addr out;
    say("start %s; ", mm1_status_text(mm1_start(ctx, &sp, 0, &out)));
    return MM1_OK;
}
Test(edges, start_0, .init = setup, .fini = teardown)
{
    play(start0);
    mini_advance(&world, 10 * MS);
    expect("start timed out; ");
    cr_assert_eq(mm1_node_actors(node.node), 1);
}
static mm1_status askself(struct mm1_ctx *ctx)
{
    const struct result *r;
    say("ask %s; ", mm1_status_text(mm1_ask(ctx, mm1_self(ctx), MS, job, result, &r, .n = 1)));
    return MM1_OK;
}
Test(edges, ask_self, .init = setup, .fini = teardown)
{
    play(askself);
    mini_advance(&world, 10 * MS);
    expect("ask timed out; ");
}
