/* Memory: each request in turn is refused in a scenario that uses all verbs. Nothing leaks, nothing crashes, and what
 * needs no memory is not lost: the end of an actor is told to its watchers and links, kills and timers arrive. */
#include "puppet.h"

static struct puppet boss, watcher, child;
static unsigned refused; /* verbs that said MM1_NOMEM */

/* Notes what a verb said; true: it was carried out. */
static bool done(mm1_status status)
{
    if (status == MM1_NOMEM) {
        refused++;
        return false;
    }
    cr_assert_eq(status, MM1_OK, "%s", mm1_status_text(status));
    return true;
}

/* A handle may be gone: the dial failed for want of memory. */
static bool done_or_gone(mm1_status status)
{
    return status == MM1_NOT_FOUND || done(status);
}

static bool watched;
static bool linked_to;
static bool timer_set;

static void use_all(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_bytes bytes = {.data = (const uint8_t *)"hi", .size = 2};
    mm1_handle handle;
    uint64_t id;
    struct note m = {.no = 4};
    struct mm1_timer_spec ticks = {
        .after_ns = 10, .every_ns = 10, .type = &note_type, .msg = &m, .background = true};
    mm1_trap_exit(ctx, true);
    (void)done(mm1_bind(ctx, (struct mm1_net){.addr = {0xaa10000000000100u}, .mask = 60}, 0));
    if (done(mm1_timer_start(ctx, &ticks, &id))) {
        cr_assert(mm1_timer_cancel(ctx, id));
    }
    timer_set = done(mm1_after(ctx, 5, &id, note, .no = 1));
    (void)done(mm1_tell(ctx, p->addr, note, .no = 2));
    (void)done(mm1_tell(ctx, MM1_ADDR(0xaa10000000000101u), note, .no = 2));
    if (done(mm1_link(ctx, watcher.addr))) {
        (void)done(mm1_unlink(ctx, watcher.addr));
        (void)done(mm1_link(ctx, watcher.addr));
        (void)done(mm1_unlink(ctx, watcher.addr));
    }
    if (done(mm1_watch(ctx, watcher.addr, &id))) {
        mm1_unwatch(ctx, id);
    }
    if (done(mm1_net_dial(ctx, MM1_TEXT("there"), &handle))) {
        (void)done_or_gone(mm1_net_send(ctx, handle, bytes));
        (void)done_or_gone(mm1_net_read(ctx, handle, 10));
        mm1_net_close(ctx, handle);
    }
    (void)done(mm1_net_listen(ctx, MM1_TEXT("here"), &handle));
    (void)done(mm1_log_open(ctx, MM1_TEXT("log"), &handle));
}

static void bear(struct mm1_ctx *ctx, struct puppet *p)
{
    static struct puppet *arg = &child;
    struct mm1_spawn spec = {
        .behaviour = &puppet_behaviour, .arg = &arg, .arg_size = sizeof(arg), .link = true};
    mm1_trap_exit(ctx, true);
    linked_to = false;
    watched = false;
    if (done(mm1_spawn(ctx, &spec, &child.addr))) {
        linked_to = true;
        watched = done(mm1_watch(ctx, child.addr, &p->refs[0]));
    }
}

/* Makes the child go, in one of the ways that need no memory. */
static void end_child(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    if (linked_to) {
        cr_assert_eq(mm1_kill(ctx, child.addr), MM1_OK);
    }
}

static bool tell_or_not(struct puppet *p, puppet_fn *fn)
{
    struct cmd m = {.op = OP_CALL, .call = (uint64_t)(uintptr_t)fn};
    bool told = done(mm1_node_send(home.node, p->addr, &cmd_type, &m, NULL));
    mini_settle(&world);
    return told;
}

/* What was promised is there, although memory is refused from now on. */
static void expect_promises(void)
{
    size_t exited = 0;
    size_t downs = 0;
    size_t timers = 0;
    for (const char *at = boss.log; (at = strstr(at, "exited child")) != NULL; at++) {
        exited++;
    }
    for (const char *at = boss.log; (at = strstr(at, "down child")) != NULL; at++) {
        downs++;
    }
    for (const char *at = boss.log; (at = strstr(at, "note 1; ")) != NULL; at++) {
        timers++;
    }
    cr_assert_eq(exited, linked_to ? 1 : 0, "%s", boss.log);
    cr_assert_eq(downs, watched ? 1 : 0, "%s", boss.log);
    cr_assert_eq(timers, timer_set ? 1 : 0, "%s", boss.log);
}

/* Runs the scenario with the k-th request refused; with `rest`, all after it too. True: it came to that. */
static bool run(size_t k, bool rest)
{
    struct mm1_node_config config = home_config();
    static struct puppet *args[] = {&boss, &watcher};
    struct mm1_spawn spec = {.behaviour = &puppet_behaviour, .arg_size = sizeof(args[0])};
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    cr_assert_eq(mm1_msg_register(&types, &cmd_type), MM1_OK);
    cr_assert_eq(mm1_msg_register(&types, &note_type), MM1_OK);
    (void)mini_listen(&world, "there");
    boss = (struct puppet){.name = "boss"};
    watcher = (struct puppet){.name = "watcher"};
    child = (struct puppet){.name = "child"};
    cast[0] = &boss;
    cast[1] = &watcher;
    cast[2] = &child;
    cast_size = 3;
    timer_set = linked_to = watched = false;
    world.alloc.fail_rest = rest;
    test_alloc_fail_at(&world.alloc, k);
    refused = 0;
    if (done(mini_node_open(&world, &home, &config))) {
        bool all = true;
        for (unsigned i = 0; i < 2 && all; i++) {
            spec.arg = &args[i];
            all = done(mm1_node_spawn(home.node, &spec, &args[i]->addr));
        }
        mini_settle(&world);
        if (all) {
            (void)tell_or_not(&boss, bear);
            (void)tell_or_not(&boss, use_all);
            bool told = tell_or_not(&boss, end_child);
            if (!told && linked_to) {
                world.alloc.fail_rest = false; /* so that somebody can be told to kill */
                cr_assert(tell_or_not(&boss, end_child));
            }
            mini_advance(&world, 1000);
            expect_promises();
            if (mm1_node_exit(home.node, watcher.addr, mm1_reason_of(MM1_REASON_KILL)) == MM1_OK) {
                mini_settle(&world);
                cr_assert_not(lives(&watcher));
            } else {
                refused++;
            }
        }
        mini_settle(&world);
        cr_assert_eq(mm1_node_unrest(home.node), 0);
        mini_node_close(&home);
        cr_assert_eq(boss.finis + watcher.finis, all ? 2 : boss.finis + watcher.finis);
    }
    bool reached = k != 0 && world.alloc.requests >= k;
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
    return reached;
}

Test(nomem, one_at_a_time)
{
    size_t k = 1;
    while (run(k, false)) {
        k++;
    }
    cr_assert_gt(k, 40);
    cr_assert_eq(refused, 0);
}

Test(nomem, from_one_on)
{
    size_t k = 1;
    while (run(k, true)) {
        k++;
    }
    cr_assert_gt(k, 40);
}

/* The scenario does what it is meant to do when nothing is refused. */
Test(nomem, none)
{
    cr_assert_not(run(0, false));
    cr_assert_eq(refused, 0);
    cr_assert(linked_to && watched && timer_set);
    cr_assert_not_null(strstr(boss.log, "exited child killed; down child#1 killed; "));
    cr_assert_not_null(strstr(boss.log, "note 1; "));
}
