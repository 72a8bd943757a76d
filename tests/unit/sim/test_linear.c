/* The check of linearizability: classic histories, unknown outcomes, the bound, refused memory, and agreement with a
 * search that tries every order. */
#include <mm1/linear.h>

#include "base/prng.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define UNKNOWN UINT64_MAX
#define BOUND 1000000u

/* A register: reads, writes, and a fetch-and-add whose output is the value before. */
enum { READ, WRITE, ADD };

static bool register_step(uint64_t state, const struct mm1_linear_op *op, uint64_t *after)
{
    bool known = op->returned != UNKNOWN;
    *after = op->kind == WRITE ? op->input : op->kind == ADD ? state + op->input : state;
    return op->kind == WRITE || !known || op->output == state;
}

static const struct mm1_linear_model model = {.initial = 0, .step = register_step};

static struct mm1_linear_op read_of(uint64_t value, uint64_t invoked, uint64_t returned)
{
    return (struct mm1_linear_op){
        .kind = READ, .output = value, .invoked = invoked, .returned = returned};
}

static struct mm1_linear_op write_of(uint64_t value, uint64_t invoked, uint64_t returned)
{
    return (struct mm1_linear_op){
        .kind = WRITE, .input = value, .invoked = invoked, .returned = returned};
}

static struct mm1_linear_result check(struct mm1_linear_op *ops, size_t count, uint64_t bound)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_linear_result result;
    cr_assert_eq(mm1_linear_check(&model, ops, count, bound, &alloc.base, &result), MM1_OK);
    cr_assert_eq(alloc.live, 0);
    return result;
}

#define CHECK(...)                                                                                 \
    check((struct mm1_linear_op[]){__VA_ARGS__},                                                   \
          MM1_COUNT_OF(((struct mm1_linear_op[]){__VA_ARGS__})), BOUND)                            \
        .verdict

Test(linear, nothing_is_linearizable)
{
    struct mm1_linear_result result = check(NULL, 0, 0);
    cr_assert_eq(result.verdict, MM1_PASS);
    cr_assert_eq(result.steps, 0);
}

Test(linear, one_after_the_other)
{
    cr_expect_eq(CHECK(write_of(1, 1, 2), read_of(1, 3, 4), write_of(2, 5, 6), read_of(2, 7, 8)),
                 MM1_PASS);
    cr_expect_eq(CHECK(write_of(1, 1, 2), read_of(0, 3, 4)), MM1_VIOLATED, "a write is lost");
    cr_expect_eq(CHECK(read_of(1, 1, 2), write_of(1, 3, 4)), MM1_VIOLATED, "a read of the future");
    cr_expect_eq(CHECK(read_of(0, 1, 2)), MM1_PASS);
    cr_expect_eq(CHECK(read_of(5, 1, 2)), MM1_VIOLATED, "a value from nowhere");
}

Test(linear, overlapping)
{
    /* A read beside a write may see either value, but once the new one was seen the old one is gone. */
    cr_expect_eq(CHECK(write_of(1, 1, 6), read_of(0, 2, 3), read_of(1, 4, 5)), MM1_PASS);
    cr_expect_eq(CHECK(write_of(1, 1, 6), read_of(1, 2, 3), read_of(0, 4, 5)), MM1_VIOLATED);
    /* Two writes beside each other have one order for all. */
    cr_expect_eq(CHECK(write_of(1, 1, 10), write_of(2, 2, 9), read_of(1, 11, 12)), MM1_PASS);
    cr_expect_eq(CHECK(write_of(1, 1, 10), write_of(2, 2, 9), read_of(2, 11, 12)), MM1_PASS);
    cr_expect_eq(
        CHECK(write_of(1, 1, 10), write_of(2, 2, 9), read_of(1, 11, 12), read_of(2, 13, 14)),
        MM1_VIOLATED);
    /* Two readers that disagree on that order. */
    cr_expect_eq(CHECK(write_of(1, 1, 20), write_of(2, 2, 19), read_of(1, 3, 4), read_of(2, 5, 6),
                       read_of(1, 7, 8)),
                 MM1_VIOLATED);
}

Test(linear, unknown_outcomes)
{
    cr_expect_eq(CHECK(write_of(1, 1, UNKNOWN), read_of(0, 2, 3)), MM1_PASS, "it may never happen");
    cr_expect_eq(CHECK(write_of(1, 1, UNKNOWN), read_of(1, 2, 3)), MM1_PASS,
                 "it may have happened");
    cr_expect_eq(
        CHECK(write_of(1, 1, UNKNOWN), read_of(0, 2, 3), write_of(2, 4, 5), read_of(1, 6, 7)),
        MM1_PASS, "it may happen late");
    cr_expect_eq(CHECK(write_of(1, 1, UNKNOWN), read_of(1, 2, 3), read_of(0, 4, 5)), MM1_VIOLATED,
                 "it does not unhappen");
    cr_expect_eq(
        CHECK(write_of(1, 1, UNKNOWN), read_of(1, 2, 3), write_of(2, 4, 5), read_of(1, 6, 7)),
        MM1_VIOLATED, "it does not happen twice");
    cr_expect_eq(CHECK(read_of(1, 1, 2), write_of(1, 3, UNKNOWN)), MM1_VIOLATED,
                 "nor before it was asked for");
    cr_expect_eq(CHECK(read_of(7, 1, UNKNOWN)), MM1_PASS, "a read that nobody saw");
    cr_expect_eq(CHECK(write_of(1, 1, UNKNOWN), write_of(2, 2, UNKNOWN)), MM1_PASS);
}

Test(linear, says_where)
{
    struct mm1_linear_op ops[] = {read_of(9, 11, 12), write_of(1, 1, 2), write_of(2, 3, 4),
                                  read_of(2, 5, 6), write_of(4, 7, 8)};
    ops[1].partition = 7; /* alone and fine */
    struct mm1_linear_result result = check(ops, MM1_COUNT_OF(ops), BOUND);
    cr_assert_eq(result.verdict, MM1_VIOLATED);
    cr_assert_eq(result.partition, 0);
    cr_assert_eq(ops[result.stuck].output, 9);
    cr_assert_eq(result.longest, 3);
    cr_assert_gt(result.steps, 3);
}

Test(linear, keys_are_apart)
{
    struct mm1_linear_op ops[] = {write_of(1, 1, 2), read_of(0, 3, 4), read_of(1, 5, 6)};
    ops[1].partition = 1;
    cr_assert_eq(check(ops, 3, BOUND).verdict, MM1_PASS);
    struct mm1_linear_op bad[] = {read_of(5, 1, 2), write_of(1, 3, 4), read_of(6, 5, 6)};
    bad[0].partition = UINT64_MAX;
    bad[2].partition = 3;
    struct mm1_linear_result result = check(bad, 3, BOUND);
    cr_assert_eq(result.verdict, MM1_VIOLATED);
    cr_assert_eq(result.partition, 3, "the first that fails");
}

Test(linear, a_bound_ends_it)
{
    /* Many writes at once, and then a value that none of them wrote. */
    struct mm1_linear_op ops[20];
    for (uint64_t i = 0; i < 19; i++) {
        ops[i] = write_of(i + 1, i + 1, i + 101);
    }
    ops[19] = read_of(77, 201, 202);
    struct mm1_linear_result result = check(ops, 20, 500);
    cr_assert_eq(result.verdict, MM1_INCONCLUSIVE);
    cr_assert_eq(result.steps, 500);
    cr_assert_lt(result.stuck, 20);
    /* A violation elsewhere outweighs it, although it comes later. */
    struct mm1_linear_op more[21];
    memcpy(more, ops, sizeof(ops));
    more[20] = read_of(1, 301, 302);
    more[20].partition = 9;
    result = check(more, 21, 500);
    cr_assert_eq(result.verdict, MM1_VIOLATED);
    cr_assert_eq(result.partition, 9);
    cr_assert_eq(check(ops, 20, 0).verdict, MM1_INCONCLUSIVE);
}

Test(linear, the_set_of_states_makes_it_feasible)
{
    /* 14 writes at once and no solution: 14! orders, at most 14 * 2^14 states. */
    struct mm1_linear_op ops[15];
    for (uint64_t i = 0; i < 14; i++) {
        ops[i] = write_of(i + 1, i + 1, i + 101);
    }
    ops[14] = read_of(77, 201, 202);
    struct mm1_linear_result result = check(ops, 15, 4000000);
    cr_assert_eq(result.verdict, MM1_VIOLATED);
    cr_assert_leq(result.steps, 14u * 14u * 16384u);
}

Test(linear, long_histories)
{
    /* More operations than a word has bits; in the second one the last read is wrong. */
    static struct mm1_linear_op ops[2000];
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        for (uint64_t i = 0; i < 1000; i++) {
            ops[2 * i] = write_of(i + 1, 10 * i + 1, 10 * i + 8);
            ops[2 * i + 1] = read_of(i + 1, 10 * i + 3, 10 * i + 12);
        }
        ops[1999].output -= wrong * 5;
        cr_assert_eq(check(ops, 2000, BOUND).verdict, wrong ? MM1_VIOLATED : MM1_PASS);
    }
}

/* --- every order ----------------------------------------------------------------------------------------------- */

#define SMALL 6u

static bool may_be_next(const struct mm1_linear_op *ops, size_t count, unsigned taken, size_t op)
{
    for (size_t i = 0; i < count; i++) {
        if ((taken >> i & 1) == 0 && ops[i].returned < ops[op].invoked) {
            return false;
        }
    }
    return (taken >> op & 1) == 0;
}

static bool some_order(const struct mm1_linear_op *ops, size_t count, unsigned taken,
                       uint64_t state)
{
    bool done = true;
    for (size_t i = 0; i < count; i++) {
        done = done && ((taken >> i & 1) != 0 || ops[i].returned == UNKNOWN);
    }
    for (size_t i = 0; i < count && !done; i++) {
        uint64_t after;
        done = may_be_next(ops, count, taken, i) && register_step(state, &ops[i], &after) &&
               some_order(ops, count, taken | 1u << i, after);
    }
    return done;
}

/* A small history: calls and responses at distinct positions, values from a small set. */
static size_t random_history(uint64_t seed, struct mm1_linear_op ops[SMALL])
{
    uint64_t draws = 0;
#define DRAW(n) mm1_prng_below(mm1_prng_word(seed, 1, draws++, 0), (n))
    size_t count = 1 + (size_t)DRAW(SMALL);
    uint64_t position = 0;
    size_t begun = 0;
    unsigned open = 0;
    while (begun < count || open != 0) {
        size_t op = (size_t)DRAW(count);
        position++;
        if (op >= begun && begun < count) {
            ops[begun] =
                (struct mm1_linear_op){.invoked = position, .returned = UNKNOWN, .kind = DRAW(3)};
            ops[begun].input = ops[begun].kind == READ ? 0 : 1 + DRAW(2);
            ops[begun].output = DRAW(4);
            open |= 1u << begun++;
        } else if ((open >> op & 1) != 0) {
            open &= ~(1u << op);
            ops[op].returned = DRAW(5) == 0 ? UNKNOWN : position;
        }
    }
#undef DRAW
    return count;
}

Test(linear, agrees_with_a_search_of_every_order)
{
    unsigned passed = 0;
    unsigned failed = 0;
    for (uint64_t seed = 0; seed < 20000; seed++) {
        struct mm1_linear_op ops[SMALL];
        size_t count = random_history(seed, ops);
        bool expected = some_order(ops, count, 0, 0);
        struct mm1_linear_result result = check(ops, count, BOUND);
        cr_assert_eq(result.verdict, expected ? MM1_PASS : MM1_VIOLATED, "history %llu",
                     (unsigned long long)seed);
        passed += expected;
        failed += !expected;
        if (!expected) {
            cr_assert_lt(result.stuck, count);
            cr_assert_neq(ops[result.stuck].returned, UNKNOWN);
            cr_assert_lt(result.longest, count);
        }
    }
    cr_assert_gt(passed, 4000);
    cr_assert_gt(failed, 4000);
}

Test(linear, refused_memory)
{
    struct mm1_linear_op ops[15];
    for (uint64_t i = 0; i < 14; i++) {
        ops[i] = write_of(i + 1, i + 1, i + 101);
    }
    ops[14] = read_of(77, 201, 202);
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_linear_result result;
    size_t k = 0;
    mm1_status status;
    do {
        test_alloc_fail_at(&alloc, ++k);
        status = mm1_linear_check(&model, ops, 15, 4000000, &alloc.base, &result);
        cr_assert(status == MM1_OK || status == MM1_NOMEM);
        cr_assert_eq(alloc.live, 0);
    } while (status == MM1_NOMEM);
    cr_assert_gt(k, 8);
    cr_assert_eq(result.verdict, MM1_VIOLATED);
}
