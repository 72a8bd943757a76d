/* Asks, as far as mm1's statements go and no other test: ASK-02, ASK-04, ASK-06. */
#include "script.h"

/* A server of jobs answers with a result; this one expects another type. */
MM1_MSG_DECLARE(riddle, NOTE_FIELDS)
MM1_MSG_DEFINE(riddle, "test::Riddle", NOTE_FIELDS)
MM1_RESPONSE_DECLARE(riddle)
MM1_RESPONSE_DEFINE(riddle, "test::Riddle")

static mm1_status expects_another_type(struct mm1_ctx *ctx)
{
    const struct riddle *none;
    const struct result *twice;
    say("%s; ", mm1_status_text(mm1_ask(ctx, server, 10 * MS, job, riddle, &none, .n = 1)));
    MM1_TRY(mm1_ask(ctx, server, 10 * MS, job, result, &twice, .n = 2));
    say("%u; ", twice->n);
    return say_all(ctx);
}

/* ASK-06: it times out, and the answer that nobody expected is not received later either. */
Test(parity_asks, an_answer_of_another_type_is_none, .init = setup, .fini = teardown)
{
    play(expects_another_type);
    mini_advance(&world, 9 * MS);
    expect("");
    mini_advance(&world, 11 * MS);
    expect("timed out; 4; ");
}

static mm1_status fails_at_once(struct mm1_ctx *ctx)
{
    (void)ctx;
    return MM1_IO;
}

/* ASK-04: what is told while it waits keeps its order too, signals among messages. */
static mm1_status asks_while_children_end(struct mm1_ctx *ctx)
{
    uint64_t ref;
    const struct result *twice;
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = 1));
    (void)child(ctx, fails_at_once, true);
    MM1_TRY(mm1_sleep(ctx, 1 * MS));
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = 2));
    MM1_TRY(mm1_watch(ctx, child(ctx, fails_at_once, false), &ref));
    MM1_TRY(mm1_ask(ctx, server, 10 * MS, job, result, &twice, .n = 5, .delay = 2 * MS));
    say("%u; ", twice->n);
    MM1_TRY(mm1_tell(ctx, mm1_self(ctx), note, .n = 3));
    return say_all(ctx);
}

Test(parity_asks, signals_among_bystanders_keep_their_place, .init = setup, .fini = teardown)
{
    play(asks_while_children_end);
    mini_advance(&world, 20 * MS);
    expect("10; 1; exited error 18: input/output error; 2; down error 18: input/output error; 3; ");
}

static mm1_status asks_once(struct mm1_ctx *ctx)
{
    const struct result *twice;
    mm1_status status = mm1_ask(ctx, server, 10 * MS, job, result, &twice, .n = 4, .delay = 9 * MS);
    say("%s %u; ", mm1_status_text(status), status == MM1_OK ? twice->n : 0);
    return say_all(ctx);
}

/* OTP's G8: the answer was there before the time was over, though the asker looks only after it. */
Test(parity_asks, an_answer_in_the_queue_wins_over_the_timeout, .init = setup, .fini = teardown)
{
    play(asks_once);
    cr_assert_eq(mm1_node_suspend(node.node, actor), MM1_OK);
    mini_advance(&world, 20 * MS);
    expect("");
    cr_assert_eq(mm1_node_resume(node.node, actor), MM1_OK);
    mini_advance(&world, 20 * MS);
    expect("ok 8; ");
}
