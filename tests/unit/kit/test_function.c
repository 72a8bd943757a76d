/* Function actors: receiving, waiting, forks, and the end with all that belongs to it. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "script.h"

/* --- receiving --------------------------------------------------------------------------------------------------- */

Test(function, messages_come_in_order_and_priority_overtakes, .init = setup, .fini = teardown)
{
    play(say_all);
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    tell(1);
    tell(2);
    send_to(actor, &note_type, &(struct note){.n = 3}, true);
    mini_settle(&world);
    expect("");
    cr_assert_eq(mm1_node_resume(node.node, actor), MM1_OK);
    mini_settle(&world);
    expect("3; 1; 2; ");
}

static mm1_status with_timeout(struct mm1_ctx *ctx)
{
    for (;;) {
        const struct mm1_envelope *envelope;
        mm1_status status = mm1_recv_for(ctx, 10 * MS, &envelope);
        if (status == MM1_TIMEOUT) {
            say("timeout at %u; ", (unsigned)(mm1_now(ctx) / MS % 1000));
        } else {
            MM1_TRY(status);
            say_message(envelope);
        }
    }
}

Test(function, recv_with_a_timeout, .init = setup, .fini = teardown)
{
    play(with_timeout);
    mini_advance(&world, 9 * MS);
    tell(1);
    mini_settle(&world);
    expect("1; ");
    mini_advance(&world, 21 * MS);
    expect("timeout at 19; timeout at 29; ");
}

/* S7, S14: `after 0` takes what has arrived, whatever lies before it. */
static mm1_status only_looks(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = 1));
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = 2));
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), word, .text = MM1_TEXT("a")));
    MM1_TRY(mm1_recv_type(ctx, 0, &word_type, &envelope));
    say_message(envelope);
    say("%s; ", mm1_status_text(mm1_recv_type(ctx, 0, &word_type, &envelope)));
    MM1_TRY(mm1_recv_for(ctx, 0, &envelope));
    say_message(envelope);
    MM1_TRY(mm1_recv_for(ctx, 0, &envelope));
    say_message(envelope);
    say("%s; ", mm1_status_text(mm1_recv_for(ctx, 0, &envelope)));
    return MM1_OK;
}

Test(function, a_timeout_of_zero_takes_what_has_arrived, .init = setup, .fini = teardown)
{
    play(only_looks);
    mini_advance(&world, 0);
    expect("a; timed out; 1; 2; timed out; ");
    cr_assert_eq(mm1_node_actors(node.node), 1);
}

static bool is_even(const struct mm1_envelope *envelope, void *arg)
{
    (void)arg;
    return mm1_is(envelope, &note_type) && ((const struct note *)envelope->msg)->n % 2 == 0;
}

/* S3: the first that matches, in the order of arrival; the others keep theirs. */
static mm1_status evens_first(struct mm1_ctx *ctx)
{
    for (unsigned i = 0; i < 3; i++) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv_if(ctx, MM1_FOREVER, is_even, NULL, &envelope));
        say_message(envelope);
    }
    return say_all(ctx);
}

Test(function, selective_receive_keeps_the_order, .init = setup, .fini = teardown)
{
    play(evens_first);
    for (uint32_t n = 1; n <= 4; n++) {
        tell(n);
        mini_settle(&world);
    }
    tell_word("a");
    mini_settle(&world);
    expect("2; 4; ");
    tell(6);
    tell(7);
    mini_settle(&world);
    expect("6; 1; 3; a; 7; ");
}

static mm1_status waits_for_a_word(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    say("%s; ", mm1_status_text(mm1_recv_type(ctx, 10 * MS, &word_type, &envelope)));
    return say_all(ctx);
}

Test(function, a_message_in_the_queue_wins_over_the_timeout, .init = setup, .fini = teardown)
{
    play(waits_for_a_word);
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    for (uint32_t n = 0; n < 5; n++) {
        tell(n);
    }
    tell_word("in time");
    mini_advance(&world, 20 * MS);
    cr_assert_eq(mm1_node_resume(node.node, actor), MM1_OK);
    mini_settle(&world);
    expect("ok; 0; 1; 2; 3; 4; ");
    cr_assert_eq(mm1_node_unrest(node.node), 0);
}

static mm1_status closes(struct mm1_ctx *ctx)
{
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    MM1_TRY(mm1_close(ctx));
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    mm1_status status = say_all(ctx);
    say("%s; ", mm1_status_text(status));
    return MM1_OK;
}

Test(function, a_closed_inbox_is_emptied_first, .init = setup, .fini = teardown)
{
    play(closes);
    tell(1);
    tell(2);
    mini_advance(&world, 10 * MS);
    struct note late = {.n = 3};
    cr_assert_eq(mm1_node_send(node.node, actor, &note_type, &late, NULL), MM1_CLOSED);
    mini_advance(&world, 10 * MS);
    expect("1; 2; closed; ");
}

static mm1_status sleeps(struct mm1_ctx *ctx)
{
    uint64_t began = mm1_now(ctx);
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    say("slept %u; ", (unsigned)((mm1_now(ctx) - began) / MS));
    return say_all(ctx);
}

Test(function, messages_wait_while_it_sleeps, .init = setup, .fini = teardown)
{
    play(sleeps);
    tell(1);
    mini_advance(&world, 5 * MS);
    tell(2);
    send_to(actor, &note_type, &(struct note){.n = 3}, true);
    mini_advance(&world, 4 * MS);
    expect("");
    mini_advance(&world, 1 * MS);
    expect("slept 10; 3; 1; 2; ");
}

/* --- what stays valid -------------------------------------------------------------------------------------------- */

struct greeting {
    char text[32];
};

static mm1_status greets(struct mm1_ctx *ctx, const void *arg)
{
    const struct greeting *greeting = arg;
    const struct mm1_envelope *envelope;
    MM1_TRY(mm1_recv(ctx, &envelope));
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    const struct word *m = envelope->msg;
    const struct result *twice;
    MM1_TRY(mm1_ask(ctx, server, 10 * MS, job, result, &twice, .n = 21));
    say("%s %.*s %u; ", greeting->text, (int)m->text.size, m->text.data, twice->n);
    const struct mm1_envelope *second;
    MM1_TRY(mm1_recv(ctx, &second));
    MM1_TRY(mm1_sleep(ctx, 10 * MS));
    m = second->msg;
    const struct result *four_times;
    MM1_TRY(mm1_ask(ctx, server, 10 * MS, job, result, &four_times, .n = twice->n));
    say("%s %.*s %u; ", greeting->text, (int)m->text.size, m->text.data, four_times->n);
    return MM1_OK;
}

static const struct mm1_function greeter = MM1_FUNCTION("greeter", greets);

Test(function, what_was_received_stays_until_the_next_of_its_kind, .init = setup, .fini = teardown)
{
    struct greeting greeting = {.text = "hello"};
    struct mm1_spawn spawn = {
        .behaviour = &greeter.behaviour, .arg = &greeting, .arg_size = sizeof(greeting)};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &actor), MM1_OK);
    memset(&greeting, 'x', sizeof(greeting));
    tell_word("world");
    mini_advance(&world, 10 * MS);
    expect("hello world 42; ");
    tell_word("there");
    mini_advance(&world, 10 * MS);
    expect("hello there 84; ");
}

static mm1_status keeps_by_itself(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    MM1_TRY(mm1_recv(ctx, &envelope));
    struct mm1_kept *kept = mm1_keep(ctx);
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    const struct mm1_envelope *second;
    MM1_TRY(mm1_recv(ctx, &second));
    mm1_postpone(ctx);
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    say_message(mm1_kept_envelope(kept));
    mm1_kept_drop(kept);
    mm1_unpostpone(ctx);
    return say_all(ctx);
}

Test(function, it_may_keep_and_postpone_by_itself, .init = setup, .fini = teardown)
{
    play(keeps_by_itself);
    for (uint32_t n = 1; n <= 3; n++) {
        tell(n);
    }
    mini_advance(&world, 10 * MS);
    expect("1; 2; 3; ");
}

static mm1_status ticks(struct mm1_ctx *ctx)
{
    uint64_t timer;
    MM1_TRY(mm1_every(ctx, 10 * MS, &timer, note, .n = 1));
    for (unsigned i = 0; i < 3; i++) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        say("%u; ", (unsigned)(mm1_now(ctx) / MS % 1000));
        MM1_TRY(mm1_sleep(ctx, 1 * MS));
    }
    cr_assert(mm1_timer_cancel(ctx, timer));
    return MM1_OK;
}

Test(function, a_periodic_timer_goes_on, .init = setup, .fini = teardown)
{
    play(ticks);
    mini_advance(&world, 40 * MS);
    expect("10; 20; 30; ");
}

static mm1_status traces(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    const struct result *twice;
    MM1_TRY(mm1_recv(ctx, &envelope));
    say("%u ", (unsigned)mm1_trace_id(ctx));
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    say("%u ", (unsigned)mm1_trace_id(ctx));
    MM1_TRY(mm1_ask(ctx, server, 10 * MS, job, result, &twice, .n = 1));
    say("%u ", (unsigned)mm1_trace_id(ctx));
    (void)!mm1_ask(ctx, server, 10 * MS, job, result, &twice, .silent = true);
    say("%u ", (unsigned)mm1_trace_id(ctx));
    mm1_status status = mm1_recv_for(ctx, 1 * MS, &envelope);
    say("%u %s; ", (unsigned)mm1_trace_id(ctx), mm1_status_text(status));
    return MM1_OK;
}

Test(function, the_trace_is_that_of_the_message_received, .init = setup, .fini = teardown)
{
    play(traces);
    struct note m = {.n = 1};
    struct mm1_header header = {.trace_id = 7};
    cr_assert_eq(mm1_node_send(node.node, actor, &note_type, &m, &header), MM1_OK);
    mini_advance(&world, 20 * MS);
    expect("7 7 7 7 7 timed out; ");
}

/* --- the end ----------------------------------------------------------------------------------------------------- */

static void clean_up(void *arg)
{
    say("%s, ", (const char *)arg);
}

static mm1_status owns(struct mm1_ctx *ctx)
{
    char *text = mm1_arena_take(ctx, 16);
    cr_assert_not_null(text);
    snprintf(text, 16, "in the arena");
    MM1_TRY(mm1_defer(ctx, clean_up, text));
    cr_assert_not_null(mm1_arena_take(ctx, 100000));
    cr_assert_null(mm1_arena_take(ctx, SIZE_MAX - 3));
    static char second[] = "second";
    return mm1_defer(ctx, clean_up, second);
}

static mm1_status owns_and_returns(struct mm1_ctx *ctx)
{
    return owns(ctx);
}

static mm1_status owns_and_fails(struct mm1_ctx *ctx)
{
    MM1_TRY(owns(ctx));
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    return MM1_TOO_LARGE;
}

static mm1_status owns_and_ends(struct mm1_ctx *ctx)
{
    MM1_TRY(owns(ctx));
    mm1_end(ctx, mm1_reason_error(7, "enough"));
}

static mm1_status owns_and_sleeps(struct mm1_ctx *ctx)
{
    MM1_TRY(owns(ctx));
    MM1_TRY(mm1_sleep(ctx, MM1_NS_PER_SEC));
    say("never; ");
    return MM1_OK;
}

/* Runs each of them, watches it, and kills the last. */
static mm1_status undertaker(struct mm1_ctx *ctx)
{
    script *const all[] = {owns_and_returns, owns_and_fails, owns_and_ends, owns_and_sleeps};
    for (size_t i = 0; i < MM1_COUNT_OF(all); i++) {
        uint64_t ref;
        const struct mm1_envelope *envelope;
        mm1_addr addr = child(ctx, all[i], false);
        MM1_TRY(mm1_watch(ctx, addr, &ref));
        if (all[i] == owns_and_sleeps) {
            MM1_TRY(mm1_sleep(ctx, 1 * MS));
            MM1_TRY(mm1_kill(ctx, addr));
        }
        MM1_TRY(mm1_recv(ctx, &envelope));
        say_message(envelope);
    }
    return MM1_OK;
}

Test(function, clean_ups_run_and_the_arena_is_freed_however_it_ends, .init = setup,
     .fini = teardown)
{
    play(undertaker);
    mini_advance(&world, 10 * MS);
    expect("second, in the arena, down normal; "
           "second, in the arena, down error 16: too large; "
           "second, in the arena, down error 7: enough; "
           "second, in the arena, down killed; ");
    cr_assert_eq(mm1_node_actors(node.node), 1);
}

Test(function, a_closed_node_runs_the_clean_ups, .init = setup)
{
    play(owns_and_sleeps);
    teardown();
    expect("second, in the arena, ");
}

static mm1_status quits_and_waits(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_quit(ctx, MM1_SHUTDOWN);
    MM1_TRY(mm1_recv(ctx, &envelope));
    say("never; ");
    return MM1_OK;
}

Test(function, it_never_comes_back_from_a_wait_after_its_end, .init = setup, .fini = teardown)
{
    play(quits_and_waits);
    tell(1);
    mini_settle(&world);
    expect("");
    struct mm1_reason reason;
    cr_assert(mm1_node_main_ended(node.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_SHUTDOWN);
}

/* --- forks ------------------------------------------------------------------------------------------------------- */

static mm1_addr forked;

static mm1_status in_the_fork(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    const struct result *twice;
    cr_assert(mm1_is_fork(ctx));
    MM1_TRY(mm1_recv(ctx, &envelope));
    say("fork: ");
    say_message(envelope);
    MM1_TRY(mm1_ask(ctx, server, 10 * MS, job, result, &twice, .n = 4));
    say("fork: %u; ", twice->n);
    return owns(ctx);
}

static mm1_status forks(struct mm1_ctx *ctx)
{
    script *run = in_the_fork;
    struct mm1_fork fork = {.behaviour = &scripted.behaviour, .arg = &run, .arg_size = sizeof(run)};
    MM1_TRY(mm1_fork(ctx, &fork, &forked));
    return say_all(ctx);
}

static mm1_status watches_the_fork(struct mm1_ctx *ctx)
{
    uint64_t ref;
    MM1_TRY(mm1_watch(ctx, forked, &ref));
    return say_all(ctx);
}

Test(function, a_fork_that_returns_ends_alone, .init = setup, .fini = teardown)
{
    play(forks);
    mm1_addr main = actor;
    play(watches_the_fork);
    actor = main;
    tell(1);
    send_to(forked, &note_type, &(struct note){.n = 2}, false);
    mini_settle(&world);
    expect("1; fork: 2; fork: 8; second, in the arena, down normal; ");
    tell(3);
    mini_settle(&world);
    expect("3; ");
}

static mm1_status ends_all(struct mm1_ctx *ctx)
{
    MM1_TRY(owns(ctx));
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    mm1_end(ctx, MM1_SHUTDOWN);
}

static mm1_status forks_its_end(struct mm1_ctx *ctx)
{
    script *run = ends_all;
    struct mm1_fork fork = {.behaviour = &scripted.behaviour, .arg = &run, .arg_size = sizeof(run)};
    MM1_TRY(mm1_fork(ctx, &fork, &forked));
    MM1_TRY(owns(ctx));
    return say_all(ctx);
}

Test(function, the_end_in_a_fork_is_that_of_the_actor, .init = setup, .fini = teardown)
{
    play(forks_its_end);
    mini_advance(&world, 1 * MS);
    expect("second, in the arena, second, in the arena, ");
    cr_assert_eq(mm1_node_actors(node.node), 1);
}

/* --- misuse ------------------------------------------------------------------------------------------------------ */

static mm1_status waits_where_it_cannot(struct mm1_ctx *ctx, void *state,
                                        const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_recv(ctx, &envelope);
}

Test(function, a_behaviour_cannot_wait, .init = setup, .signal = SIGABRT)
{
    static const struct mm1_behaviour plain = {.name = "plain", .receive = waits_where_it_cannot};
    struct mm1_spawn spawn = {.behaviour = &plain};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &actor), MM1_OK);
    tell(1);
    mini_settle(&world);
}

static struct mm1_alloc_ops unguarded;
static void *(*take_guarded)(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded);
static char *low_end;

static void *take_unguarded(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    low_end = take_guarded(self, size, usable, guarded);
    *guarded = false;
    return low_end;
}

static void *take_noted(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    low_end = take_guarded(self, size, usable, guarded);
    return low_end;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PAGES_AT_REST 3 /* their frames are larger */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PAGES_AT_REST 3
#endif
#endif
#ifndef PAGES_AT_REST
#define PAGES_AT_REST 1
#endif

static mm1_status waits_only(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    for (;;) {
        MM1_TRY(mm1_recv(ctx, &envelope));
    }
}

/* How many pages of the stack that was taken last were touched. */
static size_t pages_touched(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char resident[64] = {0};
    size_t count = 0;
    cr_assert_leq(MM1_FUNCTION_STACK / page, sizeof(resident));
    cr_assert_eq(mincore(low_end, MM1_FUNCTION_STACK, resident), 0);
    for (size_t i = 0; i < MM1_FUNCTION_STACK / page; i++) {
        count += resident[i] & 1;
    }
    return count;
}

Test(function, at_rest_it_takes_a_page_of_its_stack, .init = setup, .fini = teardown)
{
    unguarded = *world.alloc.base.ops;
    take_guarded = unguarded.take_stack;
    unguarded.take_stack = take_noted;
    world.alloc.base.ops = &unguarded;
    play(waits_only);
    for (uint32_t n = 0; n < 10; n++) {
        tell(n);
    }
    mini_settle(&world);
    cr_assert_leq(pages_touched(), PAGES_AT_REST, "%zu", pages_touched());
}

static mm1_status overflows(struct mm1_ctx *ctx)
{
    memset(low_end, 0, 64);
    return mm1_sleep(ctx, 1);
}

Test(function, an_overflow_without_a_guard_ends_the_process_and_names_the_actor, .init = setup,
     .fini = teardown)
{
    int ends[2];
    char text[512] = "";
    cr_assert_eq(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        unguarded = *world.alloc.base.ops;
        take_guarded = unguarded.take_stack;
        unguarded.take_stack = take_unguarded;
        world.alloc.base.ops = &unguarded;
        play(overflows);
        _exit(0);
    }
    (void)close(ends[1]);
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert_gt(read(ends[0], text, sizeof(text) - 1), 0);
    (void)close(ends[0]);
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    cr_assert_not_null(strstr(text, "stack overflow in /n/script.2"), "%s", text);
}
