/* An example of function actors: a pool that hands requests to workers, and replaces those that fail. */
#include "script.h"

#define CRUNCH_FIELDS(F) F(u32, n)
MM1_MSG_DECLARE(crunch, CRUNCH_FIELDS)
MM1_MSG_DEFINE(crunch, "pool::Crunch", CRUNCH_FIELDS)
MM1_REQUEST_DECLARE(crunch)
MM1_REQUEST_DEFINE(crunch, "pool::Crunch")
#define CRUNCHED_FIELDS(F) F(u64, sum)
MM1_MSG_DECLARE(crunched, CRUNCHED_FIELDS)
MM1_MSG_DEFINE(crunched, "pool::Crunched", CRUNCHED_FIELDS)
MM1_RESPONSE_DECLARE(crunched)
MM1_RESPONSE_DEFINE(crunched, "pool::Crunched")
#define IDLE_FIELDS(F) F(addr, worker)
MM1_MSG_DECLARE(idle, IDLE_FIELDS)
MM1_MSG_DEFINE(idle, "pool::Idle", IDLE_FIELDS)

#define WORKERS 3

/* --- a worker: takes a while for each number, and fails at 0 ------------------------------------------------------ */

static mm1_status worker_main(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    mm1_init_done(ctx, mm1_self(ctx));
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv_type(ctx, MM1_FOREVER, &crunch_request_type, &envelope));
        const struct crunch_request *rq = envelope->msg;
        uint64_t n = rq->body.n;
        if (n == 0) {
            return MM1_INVALID;
        }
        MM1_TRY(mm1_sleep(ctx, n * MS));
        MM1_TRY(mm1_reply(ctx, &rq->header, crunched, .sum = n * (n + 1) / 2));
        MM1_TRY(mm1_tell(ctx, mm1_parent(ctx), idle, .worker = mm1_self(ctx)));
    }
}

static const struct mm1_function worker = MM1_FUNCTION("worker", worker_main);

/* --- the pool: while all workers are busy it listens to them alone, and requests wait in its inbox ---------------- */

static mm1_status start_worker(struct mm1_ctx *ctx, mm1_addr *out)
{
    return mm1_start(ctx, &(struct mm1_spawn){.behaviour = &worker.behaviour, .link = true},
                     10 * MS, out);
}

static bool is_of_a_worker(const struct mm1_envelope *envelope, void *arg)
{
    (void)arg;
    return mm1_is(envelope, &idle_type) || mm1_is(envelope, &mm1_exited_type);
}

static mm1_status pool_main(struct mm1_ctx *ctx, const void *arg)
{
    mm1_addr at_rest[WORKERS];
    unsigned count;
    (void)arg;
    mm1_trap_exit(ctx, true);
    for (count = 0; count < WORKERS; count++) {
        MM1_TRY(start_worker(ctx, &at_rest[count]));
    }
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv_if(ctx, MM1_FOREVER, count == 0 ? is_of_a_worker : NULL, NULL, &envelope));
        MM1_ON(envelope, crunch_request, rq) {
            MM1_TRY(mm1_forward(ctx, at_rest[--count], envelope));
        }
        MM1_ON(envelope, idle, m) {
            at_rest[count++] = m->worker;
        }
        MM1_ON(envelope, mm1_exited, exited) {
            if (mm1_addr_equal(exited->peer, mm1_parent(ctx))) {
                mm1_end(ctx, mm1_reason_of_why(&exited->why));
            }
            MM1_TRY(start_worker(ctx, &at_rest[count]));
            count++;
        }
    }
}

static const struct mm1_function pool = MM1_FUNCTION("pool", pool_main);

/* --- clients, and what they tell ---------------------------------- */

struct client {
    mm1_addr pool;
    uint32_t n;
};

static mm1_status client_main(struct mm1_ctx *ctx, const void *arg)
{
    const struct client *client = arg;
    const struct crunched *answer;
    mm1_status status =
        mm1_ask(ctx, client->pool, 50 * MS, crunch, crunched, &answer, .n = client->n);
    say("%u: %s %u; ", client->n, mm1_status_text(status),
        status == MM1_OK ? (unsigned)answer->sum : 0);
    return MM1_OK;
}

static const struct mm1_function client_function = MM1_FUNCTION("client", client_main);

static mm1_status main_main(struct mm1_ctx *ctx)
{
    struct client client;
    struct mm1_spawn spawn = {
        .behaviour = &client_function.behaviour, .arg = &client, .arg_size = sizeof(client)};
    MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &pool.behaviour, .link = true},
                      &client.pool));
    static const uint32_t numbers[] = {9, 8, 0, 7, 6, 5, 4, 0, 3};
    for (unsigned i = 0; i < MM1_COUNT_OF(numbers); i++) {
        mm1_addr addr;
        client.n = numbers[i];
        MM1_TRY(mm1_spawn(ctx, &spawn, &addr));
    }
    MM1_TRY(mm1_sleep(ctx, 100 * MS));
    return MM1_OK;
}

Test(function_example, a_pool_of_workers, .init = setup, .fini = teardown)
{
    const struct mm1_msg_type *const more[] = {&crunch_request_type, &crunched_response_type,
                                               &idle_type};
    for (size_t i = 0; i < MM1_COUNT_OF(more); i++) {
        cr_assert_eq(mm1_msg_register(&types, more[i]), MM1_OK);
    }
    play(main_main);
    mini_advance(&world, 200 * MS);
    expect("7: ok 28; 8: ok 36; 9: ok 45; 6: ok 21; 5: ok 15; 4: ok 10; 3: ok 6; "
           "0: timed out 0; 0: timed out 0; ");
    struct mm1_reason reason;
    cr_assert(mm1_node_main_ended(node.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_NORMAL);
}
