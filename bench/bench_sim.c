/* Steps per second of the simulator, and of the least that could be called the same work: a bare loop that encodes each
 * message, decodes it, and passes it on through a ring buffer of envelopes. Each round measures all of them, so that
 * the ratios compare what ran side by side. */
#define _GNU_SOURCE /* sched_setaffinity */
#include "bench.h"

#define HOPS 2000000u

/* --- the bare loop -------------------------------------------------------------------------------------------- */

#define BARE_TOKEN_FIELDS(F) F(u64, hops_left) F(addr, home)
MM1_MSG_DECLARE(bare_token, BARE_TOKEN_FIELDS)
MM1_MSG_DEFINE(bare_token, "bench::Token", BARE_TOKEN_FIELDS)

#define SLOTS 1024u /* a power of two */
#define BLOCK_MAX 64u

struct slot {
    struct mm1_envelope env;
    _Alignas(max_align_t) uint8_t block[BLOCK_MAX];
};

struct bare {
    struct slot slots[SLOTS];
    size_t first;
    size_t end;
    uint64_t sent;
    struct mm1_buf buf;
    struct mm1_msg_registry types;
};

static void bare_send(struct bare *bare, mm1_addr to, const struct bare_token *token)
{
    struct slot *slot = &bare->slots[bare->end++ % SLOTS];
    size_t size;
    mm1_buf_clear(&bare->buf);
    if (mm1_msg_encode(&bare_token_type, token, &bare->buf) != MM1_OK ||
        mm1_msg_decoded_size(&bare_token_type, mm1_buf_bytes(&bare->buf), &bare->types, &size) !=
            MM1_OK ||
        size > BLOCK_MAX) {
        bench_die("the bare loop cannot send");
    }
    mm1_msg_decode(&bare_token_type, mm1_buf_bytes(&bare->buf), &bare->types, slot->block);
    slot->env = (struct mm1_envelope){.type = &bare_token_type,
                                      .msg = slot->block,
                                      .to = to,
                                      .no = ++bare->sent,
                                      .ttl = MM1_TTL_DEFAULT};
}

static double bare_run(struct bare *bare, uint64_t actors)
{
    double begun = bench_seconds();
    bare_send(bare, MM1_ADDR(0), &(struct bare_token){.hops_left = HOPS, .home = MM1_ADDR(7)});
    while (bare->first != bare->end) {
        const struct slot *slot = &bare->slots[bare->first++ % SLOTS];
        MM1_ON(&slot->env, bare_token, m) {
            uint64_t next = (slot->env.to.bits + 1) % actors;
            if (m->hops_left != 0) {
                bare_send(bare, MM1_ADDR(next),
                          &(struct bare_token){.hops_left = m->hops_left - 1, .home = m->home});
            }
        }
    }
    return HOPS / (bench_seconds() - begun);
}

static void *heap_take(struct mm1_alloc *self, size_t size)
{
    (void)self;
    return malloc(size);
}

static void heap_give(struct mm1_alloc *self, void *block, size_t size)
{
    (void)self;
    (void)size;
    free(block);
}

static const struct mm1_alloc_ops heap_ops = {
    .name = "malloc", .take = heap_take, .give = heap_give};

/* --- the simulator -------------------------------------------------------------------------------------------- */

static double sim_steps(const struct bench_scenario *bench)
{
    struct sim_result result;
    double took = bench_run(bench, 1, NULL, &result);
    return (double)result.steps / took;
}

int main(void)
{
    struct mm1_alloc alloc = {.ops = &heap_ops};
    static struct bare bare;
    struct bench_scenario pair;
    struct bench_scenario ring;
    double bare_rates[BENCH_ROUNDS];
    double pair_rates[BENCH_ROUNDS];
    double ring_rates[BENCH_ROUNDS];
    double pair_shares[BENCH_ROUNDS];
    double ring_shares[BENCH_ROUNDS];
    bench_pin();
    bare.buf = MM1_BUF(&alloc);
    bare.types = MM1_MSG_REGISTRY(&alloc);
    bench_open_ring(&pair, 2, HOPS);
    bench_open_ring(&ring, 1000, HOPS);
    for (int round = 0; round < BENCH_ROUNDS; round++) {
        bare_rates[round] = bare_run(&bare, 1000);
        pair_rates[round] = sim_steps(&pair);
        ring_rates[round] = sim_steps(&ring);
        pair_shares[round] = 100 * pair_rates[round] / bare_rates[round];
        ring_shares[round] = 100 * ring_rates[round] / bare_rates[round];
    }
    bench_row("simulation: 2 actors, ping-pong", bench_median(pair_rates), 0, "steps/s", 2e6);
    bench_row("simulation: 1,000 actors in a ring", bench_median(ring_rates), 0, "steps/s", 2e6);
    bench_row("limit: bare loop with a ring buffer", bench_median(bare_rates), 0, "messages/s", 0);
    bench_row("simulation against the limit: ping-pong", bench_median(pair_shares), 1, "%", 0);
    bench_row("simulation against the limit: ring", bench_median(ring_shares), 1, "%", 0);
    bench_close(&pair);
    bench_close(&ring);
    mm1_buf_close(&bare.buf);
    return 0;
}
