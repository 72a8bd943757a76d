/* What begins with the life of a child: a watch that never misses its end, and a child that says it is not needed. */
#include "puppet.h"

static struct puppet a, b, c, f;
static struct mm1_spawn how; /* of the next child: link, start and watch, the last two just not 0 */
static puppet_fn *with_child;
static puppet_fn *first_word; /* of the child, in its init */

static void birth(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_addr addr = {0};
    c = (struct puppet){.name = "c", .at_init = first_word, .init_status = c.init_status};
    struct mm1_spawn spec = SPAWN_OF(&c);
    spec.link = how.link;
    spec.start = how.start == 0 ? 0 : mm1_next_ref(ctx);
    spec.watch = how.watch == 0 ? 0 : mm1_next_ref(ctx);
    p->refs[0] = spec.watch;
    p->status = mm1_spawn(ctx, &spec, &addr);
    c.addr = addr;
    if (p->status == MM1_OK && with_child != NULL) {
        with_child(ctx, p);
    }
}

static mm1_status parent_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct puppet *p = *(struct puppet **)state;
    MM1_ON(envelope, mm1_started, m) {
        write_down(p, "started %s #%llu; ", name_of(m->addr), (unsigned long long)m->start);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_start_failed, m) {
        struct mm1_buf buf = MM1_BUF(&world.own.base);
        write_down(p, "%s %s#%llu %s; ", m->ignored ? "ignored" : "failed", name_of(m->child),
                   (unsigned long long)m->start, why_text(&m->why, &buf));
        mm1_buf_close(&buf);
        return MM1_OK;
    }
    return puppet_receive(ctx, state, envelope);
}

static const struct mm1_behaviour parent = {.name = "parent",
                                            .state_size = sizeof(struct puppet *),
                                            .init = puppet_init,
                                            .receive = parent_receive,
                                            .fini = puppet_fini};

static void ready(struct mm1_spawn spec, puppet_fn *word)
{
    how = spec;
    first_word = word;
    with_child = NULL;
    c.init_status = MM1_OK;
    spawn(&b, "b");
    enrol(&a, "a");
    struct mm1_spawn of_a = SPAWN_OF(&a);
    of_a.behaviour = &parent;
    cr_assert_eq(mm1_node_spawn(home.node, &of_a, &a.addr), MM1_OK);
    mini_settle(&world);
    cast[cast_size++] = &c;
}

static void bear(void)
{
    call(&a, birth);
    cr_assert_eq(a.status, MM1_OK);
}

static size_t watchers_of(const struct puppet *p)
{
    return mm1_tree_count(&mm1__live(home.node, p->addr.bits)->watchers);
}

static size_t watches_of(const struct puppet *p)
{
    return mm1_tree_count(&mm1__live(home.node, p->addr.bits)->bonds->watches);
}

#define WATCHED ((struct mm1_spawn){.watch = 1})
#define AWAITED ((struct mm1_spawn){.watch = 1, .start = 1})
#define ALL ((struct mm1_spawn){.watch = 1, .start = 1, .link = true})

/* --- the watch ------------------------------------------------------------------------------------------------ */

static void kill_c(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    cr_assert_eq(mm1_kill(ctx, c.addr), MM1_OK);
}

static void leave_with_shutdown(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_quit(ctx, MM1_SHUTDOWN);
}

CORE_TEST(birth, watch_of_one_whose_init_fails)
{
    ready(WATCHED, NULL);
    c.init_status = MM1_REFUSED;
    bear();
    expect_log(&a, "down c#1 init_failed; ");
    cr_assert_eq(watches_of(&a), 0);
}

CORE_TEST(birth, watch_of_one_that_quits_in_init)
{
    ready(WATCHED, leave_with_shutdown);
    bear();
    expect_log(&a, "down c#1 shutdown; ");
}

CORE_TEST(birth, watch_of_one_that_is_killed_at_once)
{
    ready(WATCHED, NULL);
    with_child = kill_c;
    bear();
    cr_assert_eq(c.finis, 0, "its init never ran");
    expect_log(&a, "down c#1 killed; ");
}

CORE_TEST(birth, watch_of_one_that_lives_on)
{
    ready(WATCHED, NULL);
    bear();
    expect_log(&a, "");
    cr_assert(watches_of(&a) == 1 && watchers_of(&c) == 1);
    make(&a, OP_WATCH, c.addr, 0); /* another one beside it */
    make(&c, OP_FAIL, c.addr, MM1_IO);
    expect_log(&a,
               "down c#1 error 18: input/output error; down c#2 error 18: input/output error; ");
    cr_assert_eq(watches_of(&a), 0);
}

/* It is told in both ways, and so is a link that has begun to speak. */
CORE_TEST(birth, watch_and_start)
{
    ready(AWAITED, NULL);
    c.init_status = MM1_REFUSED;
    bear();
    expect_log(&a, "failed c#1 init_failed; down c#2 init_failed; ");
    with_child = kill_c;
    bear();
    expect_log(&a, "failed c#3 killed; down c#4 killed; ");
}

static void say_done(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_init_done(ctx, mm1_self(ctx));
}

CORE_TEST(birth, watch_and_start_and_link)
{
    ready(ALL, say_done);
    bear();
    expect_log(&a, "started c #1; ");
    make(&a, OP_TRAP, a.addr, 1);
    make(&c, OP_QUIT, c.addr, MM1_REASON_SHUTDOWN);
    expect_log(&a, "exited c shutdown; down c#2 shutdown; ");
}

/* --- the watch is ended --------------------------------------------------------------------------------------- */

static void unwatch_c(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_unwatch(ctx, p->refs[0]);
}

static void flush_c(struct mm1_ctx *ctx, struct puppet *p)
{
    p->answer = mm1_unwatch_flush(ctx, p->refs[0]);
}

CORE_TEST(birth, unwatch)
{
    ready(WATCHED, NULL);
    bear();
    call(&a, unwatch_c);
    cr_assert(watches_of(&a) == 0 && watchers_of(&c) == 0);
    make(&b, OP_KILL, c.addr, 0);
    expect_log(&a, "");
}

/* The child ends in its first turn, with the unwatch on its way or not. */
CORE_TEST(birth, unwatch_at_once)
{
    ready(WATCHED, leave_with_shutdown);
    with_child = unwatch_c;
    bear();
    with_child = flush_c;
    bear();
    cr_assert(a.answer);
    world.hold_signals = true;
    bear();
    cr_assert_not(lives(&c));
    mini_land_all(&world);
    expect_log(&a, "");
    world.hold_signals = false;
    with_child = NULL;
    bear();
    expect_log(&a, "down c#4 shutdown; ");
    call(&a, flush_c);
    cr_assert_not(a.answer);
}

/* The child's end waits in the queue already when its parent loses interest. */
CORE_TEST(birth, unwatch_flush_of_a_down_that_waits)
{
    ready(WATCHED, leave_with_shutdown);
    tell_call(&a, birth);
    cr_assert_eq(mini_run(&world, 1), 1);
    cr_assert_eq(mm1_node_suspend(home.node, a.addr), MM1_OK);
    tell_call(&a, flush_c);
    mini_settle(&world);
    cr_assert_not(lives(&c));
    cr_assert_eq(watches_of(&a), 0);
    a.answer = true;
    cr_assert_eq(mm1_node_resume(home.node, a.addr), MM1_OK);
    mini_settle(&world);
    cr_assert_not(a.answer);
    expect_log(&a, "");
}

/* --- whose watch it is ---------------------------------------------------------------------------------------- */

CORE_TEST(birth, watcher_ends)
{
    ready(WATCHED, NULL);
    bear();
    make(&b, OP_KILL, a.addr, 0);
    cr_assert(lives(&c));
    cr_assert_eq(watchers_of(&c), 0);
}

static void end_here(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_fork_end(ctx);
}

static void fork_f(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_addr addr;
    struct mm1_fork spec = {
        .behaviour = &parent, .arg = &(struct puppet *){&f}, .arg_size = sizeof(struct puppet *)};
    f = (struct puppet){.name = "f", .at_init = birth};
    p->status = mm1_fork(ctx, &spec, &addr);
}

/* A fork that spawns is told what it asked for; with its end the watch is over. */
CORE_TEST(birth, watch_of_a_fork)
{
    ready(ALL, NULL);
    call(&a, fork_f);
    cr_assert(a.status == MM1_OK && f.status == MM1_OK);
    make(&c, OP_FAIL, c.addr, MM1_IO);
    expect_log(&f,
               "failed c#1 error 18: input/output error; down c#2 error 18: input/output error; ");
    expect_log(&a, "");
    how = WATCHED;
    call(&a, fork_f);
    cr_assert(lives(&c) && watchers_of(&c) == 1);
    struct cmd end = {.op = OP_CALL, .call = (uint64_t)(uintptr_t)end_here};
    cr_assert_eq(mm1_node_send(home.node, f.addr, &cmd_type, &end, NULL), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(watchers_of(&c), 0);
}

/* --- not needed ----------------------------------------------------------------------------------------------- */

static void say_ignore(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)p;
    mm1_init_ignore(ctx);
}

CORE_TEST(birth, ignore)
{
    ready(AWAITED, say_ignore);
    bear();
    cr_assert_eq(c.finis, 1);
    expect_log(&a, "ignored c#1 normal; down c#2 normal; ");
    make(&a, OP_TRAP, a.addr, 1);
    how = ALL;
    bear();
    expect_log(&a, "ignored c#3 normal; down c#4 normal; ");
}

CORE_TEST(birth, ignore_later)
{
    ready(AWAITED, NULL);
    bear();
    expect_log(&a, "");
    call(&c, say_ignore);
    expect_log(&a, "ignored c#1 normal; down c#2 normal; ");
}

/* Nobody awaits it, or not any more: it quits. */
CORE_TEST(birth, ignore_unheard)
{
    ready(WATCHED, say_ignore);
    bear();
    expect_log(&a, "down c#1 normal; ");
    call(&b, say_ignore);
    cr_assert_not(lives(&b));
    how = ALL;
    first_word = say_done;
    bear();
    make(&a, OP_TRAP, a.addr, 1);
    call(&c, say_ignore);
    expect_log(&a, "started c #2; exited c normal; down c#3 normal; ");
}

static void ignore_and_quit(struct mm1_ctx *ctx, struct puppet *p)
{
    say_ignore(ctx, p);
    mm1_quit(ctx, MM1_SHUTDOWN);
    say_done(ctx, p);
}

static void quit_and_ignore(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_quit(ctx, MM1_NORMAL);
    say_ignore(ctx, p);
}

/* What was said first counts. */
CORE_TEST(birth, ignore_and_other_words)
{
    ready(AWAITED, ignore_and_quit);
    bear();
    expect_log(&a, "ignored c#1 normal; down c#2 normal; ");
    first_word = quit_and_ignore;
    bear();
    expect_log(&a, "failed c#3 normal; down c#4 normal; ");
    first_word = say_ignore;
    c.init_status = MM1_REFUSED;
    bear();
    expect_log(&a, "failed c#5 init_failed; down c#6 init_failed; ");
}

/* The slot is used again: what its last actor said is none of the next one's. */
CORE_TEST(birth, ignore_is_not_inherited)
{
    ready(AWAITED, say_ignore);
    for (unsigned i = 0; i < 8; i++) {
        bear();
    }
    a.log_size = 0;
    first_word = NULL;
    how.start = 1;
    bear();
    make(&c, OP_QUIT, c.addr, MM1_REASON_NORMAL);
    expect_log(&a, "failed c#17 normal; down c#18 normal; ");
}

static void say_ignore_and_be_answered(struct mm1_ctx *ctx, struct puppet *p)
{
    say_ignore(ctx, p);
    write_down(p, "goes on; ");
}

static bool answer_ignore(struct mini_world *w, struct mm1_runnable *runnable,
                          const struct mm1_effect *effect, struct mm1_answer *answer)
{
    (void)w, (void)runnable;
    *answer = (struct mm1_answer){.status = MM1_OK};
    return effect->kind != MM1_EFFECT_INIT_IGNORE;
}

CORE_TEST(birth, ignore_is_a_verb)
{
    cr_assert_str_eq(mm1_effect_text(MM1_EFFECT_INIT_IGNORE), "init_ignore");
    world.effect = answer_ignore;
    ready(AWAITED, say_ignore_and_be_answered);
    bear();
    expect_log(&c, "goes on; ");
    expect_log(&a, "");
    cr_assert(lives(&c));
}

/* --- memory --------------------------------------------------------------------------------------------------- */

/* A birth that is refused leaves nothing: no actor, no record, no link. */
CORE_TEST(birth, no_memory)
{
    const struct mm1_spawn hows[] = {WATCHED, AWAITED, ALL};
    const unsigned blocks[] = {5, 7, 8};
    ready(ALL, say_ignore);
    bear();
    cr_assert_not(lives(&c));
    for (unsigned i = 0; i < MM1_COUNT_OF(hows); i++) {
        how = hows[i];
        unsigned refused = 0;
        for (unsigned k = 1;; k++) {
            a.log_size = 0;
            a.log[0] = '\0';
            size_t actors = mm1_node_actors(home.node);
            tell_call(&a, birth);
            test_alloc_fail_at(&world.alloc, k);
            mini_run(&world, 1);
            test_alloc_fail_at(&world.alloc, 0);
            if (a.status == MM1_OK) {
                break;
            }
            cr_assert_eq(a.status, MM1_NOMEM);
            refused++;
            cr_assert_eq(mm1_node_actors(home.node), actors);
            cr_assert_eq(watches_of(&a), 0);
            cr_assert_eq(mm1_tree_count(&mm1__live(home.node, a.addr.bits)->links), 0);
            mini_settle(&world);
            cr_assert_eq(mm1_node_unrest(home.node), 0);
            expect_log(&a, "");
        }
        cr_assert_geq(refused, blocks[i], "%u", refused);
        world.alloc.fail_rest = true; /* its end needs none */
        test_alloc_fail_at(&world.alloc, 1);
        mini_settle(&world);
        world.alloc.fail_rest = false;
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert_not(lives(&c));
        cr_assert_eq(watches_of(&a), 0);
        cr_assert_not_null(strstr(a.log, "down c#"));
    }
}
