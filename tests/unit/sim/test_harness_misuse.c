/* The step harness: verbs that are held, memory that fails or leaks, and what a wrong test is told. */
#include "harness_actors.h"

static const struct mm1_net served = {.addr = {0xfff0000000010000u}, .mask = 48};

/* --- holding ------------------------------------------------------------------------------------------------------ */

Test(harness, a_held_actor_lets_others_go_on)
{
    open_plain();
    mm1_addr a = spawn_named("a");
    mm1_addr b = spawn_named("b");
    mm1_harness_run(h);
    script = do_tell;
    mm1_harness_tell(h, a, go, .mm1_unit = 0);
    mm1_harness_tell(h, b, go, .mm1_unit = 0);
    mm1_harness_tell(h, a, note, .no = 1);
    const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_SEND);
    cr_assert(mm1_addr_equal(step->context, a));
    mm1_harness_hold(h);
    step = mm1_harness_expect(h, MM1_EFFECT_SEND);
    cr_assert(mm1_addr_equal(step->context, b));
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, b);
    mm1_harness_expect_rest(h);
    FAILS((void)mm1_harness_take_up(h, b), "held in no verb");
    step = mm1_harness_take_up(h, a);
    cr_assert_eq(step->effect.kind, MM1_EFFECT_SEND);
    answer(MM1_CLOSED, 0);
    mm1_harness_expect_wait(h, a);
    cr_assert_eq(seen.status, MM1_CLOSED);
    mm1_harness_expect_wait(h, a);
    cr_assert_eq(seen.note_count, 1);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

Test(harness, close_abandons_what_was_not_resolved)
{
    for (int i = 0; i < 2; i++) {
        open_plain();
        (void)actor_that(do_hold_memory);
        mm1_harness_expect(h, MM1_EFFECT_SEND);
        if (i == 0) {
            mm1_harness_hold(h);
            mm1_harness_expect_rest(h);
        }
        mm1_harness_close(h);
        cr_assert_eq(seen.finis, 0, "as a power loss in its turn");
    }
}

/* --- memory ------------------------------------------------------------------------------------------------------- */

Test(harness, close_tells_of_leaks)
{
    open_plain();
    seen.flag = true;
    mm1_addr addr = actor_that(do_hold_memory);
    mm1_harness_expect(h, MM1_EFFECT_SEND);
    uint64_t request = mm1_harness_requests(h);
    mm1_harness_pass(h);
    mm1_harness_expect_wait(h, addr);
    char text[100];
    snprintf(text, sizeof(text),
             "1 blocks of memory (40 bytes), 0 stacks; the oldest block, 40 bytes, was request %u",
             (unsigned)request);
    FAILS(mm1_harness_close(h), text);
}

Test(harness, memory_outside_turns_does_not_count)
{
    open_plain();
    mm1_harness_fail_at(h, 1);
    mm1_addr addr = spawn_named(NULL);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    script = do_hold_memory;
    cr_assert_eq(mm1_harness_requests(h), 0);
    mm1_harness_expect_wait(h, addr);
    const struct mm1_step *step = mm1_harness_expect_ended(h, addr, MM1_REASON_ERROR);
    cr_assert_eq(step->reason.code, MM1_NOMEM);
    cr_assert_eq(mm1_harness_requests(h), 1);
    mm1_harness_close(h);
}

/* Everything that takes memory, once. */
static mm1_status do_much(struct mm1_ctx *ctx)
{
    mm1_addr child;
    uint64_t ref;
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &taker, .link = true}, &child));
    MM1_TRY(mm1_watch(ctx, child, &ref));
    MM1_TRY(mm1_after(ctx, 5, &ref, note, .no = 1));
    MM1_TRY(mm1_fork(ctx, &(struct mm1_fork){.behaviour = &taker}, &seen.addr));
    MM1_TRY(mm1_bind(ctx, served, 0));
    MM1_TRY(mm1_exit(ctx, child, MM1_SHUTDOWN));
    MM1_TRY(mm1_tell(ctx, child, note, .no = 2));
    seen.flag = true;
    return MM1_OK;
}

Test(harness, every_request_for_memory_can_fail)
{
    uint64_t k = 1;
    for (;; k++) {
        open_plain();
        mm1_addr addr = actor_that(do_much);
        mm1_harness_fail_at(h, k);
        mm1_harness_run(h);
        mm1_harness_advance(h, 10);
        mm1_harness_run(h);
        bool failed = k <= mm1_harness_requests(h);
        cr_assert_eq(seen.flag, !failed, "request %u", (unsigned)k);
        cr_assert_eq(mm1_harness_kill(h, addr), failed ? MM1_NOPROC : MM1_OK);
        mm1_harness_close(h);
        if (!failed) {
            break;
        }
    }
    cr_assert(k > 8 && k < 100, "%u requests", (unsigned)k);
}

/* --- what a wrong test is told ------------------------------------------------------------------------------------ */

Test(harness, expectations_name_both)
{
    open_plain();
    FAILS((void)mm1_harness_expect(h, MM1_EFFECT_SEND), "expected send; came: no step");
    mm1_addr addr = actor_that(do_tell);
    FAILS((void)mm1_harness_expect(h, MM1_EFFECT_SPAWN),
          "expected spawn; came: send test::Note {\"no\":7} to <fff87777:100>, by "
          "/harness/test#1/doer.1");
    FAILS((void)mm1_harness_next(h), "neither passed, answered nor held: send test::Note");
    FAILS((void)mm1_harness_take_up(h, addr), "another verb is to be resolved first");
    mm1_harness_pass(h);
    FAILS(mm1_harness_expect_rest(h), "expected no step; came: wait, by /harness");
    FAILS(mm1_harness_pass(h), "the last step is no verb");
    script = do_quit_badly;
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    FAILS((void)mm1_harness_expect_wait(h, addr), "came: quit error 3: three, by /harness");
    FAILS(mm1_harness_must(h, MM1_FULL), mm1_status_text(MM1_FULL));
    mm1_harness_pass(h);
    FAILS((void)mm1_harness_expect_ended(h, addr, MM1_REASON_NORMAL), "came: ended error 3: three");
    cr_assert_not_null(strstr(said, "expected ended by <"), "%s", said);
    mm1_harness_close(h);
}

Test(harness, expected_messages_name_both)
{
    open_plain();
    mm1_addr addr = actor_that(do_tell);
    FAILS((void)mm1_harness_expect_tell(h, addr, note), "expected send test::Note to <fff8");
    mm1_harness_run(h);
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    FAILS((void)mm1_harness_expect_tell(h, FAR, go), "expected send test::Go to <fff87");
    mm1_harness_run(h);
    mm1_harness_close(h);
}

Test(harness, without_fail_it_aborts, .signal = 6)
{
    struct mm1_harness *silent;
    cr_assert_eq(mm1_harness_open(NULL, &silent), MM1_OK);
    (void)mm1_harness_expect(silent, MM1_EFFECT_SEND);
}

Test(harness, a_bad_configuration_is_told)
{
    struct mm1_harness *none = NULL;
    const struct mm1_net overlap = MM1_NET_DEFAULT_AUTO;
    const struct mm1_node_config config = {.locals = &overlap, .local_count = 1};
    cr_assert_eq(mm1_harness_open(&(struct mm1_harness_options){.node = &config}, &none),
                 MM1_INVALID);
    cr_assert_null(none);
}

/* --- twice the same ----------------------------------------------------------------------------------------------- */

static void write_steps(char *out, size_t size)
{
    size_t used = 0;
    const struct mm1_step *step;
    while ((step = mm1_harness_next(h)) != NULL) {
        char text[MM1_STEP_TEXT_MAX];
        cr_assert_eq(mm1_step_print(step, text), strlen(text));
        int more = snprintf(out + used, size - used, "%s\n", text);
        cr_assert(more > 0 && (size_t)more < size - used);
        used += (size_t)more;
        if (step->kind == MM1_STEP_VERB) {
            mm1_harness_pass(h);
        }
    }
}

Test(harness, twice_the_same)
{
    static char texts[2][16384];
    for (int i = 0; i < 2; i++) {
        open_plain();
        (void)actor_that(do_much);
        mm1_harness_advance(h, 10);
        write_steps(texts[i], sizeof(texts[i]));
        mm1_harness_close(h);
    }
    cr_assert_str_eq(texts[0], texts[1]);
    cr_assert_not_null(strstr(texts[0], "bind <fff:10000>/48, by /harness/test#1/doer.1\n"), "%s",
                       texts[0]);
    cr_assert_not_null(strstr(texts[0], "wait, by /harness/test#1/doer.1, its fork <"));
}
