/* The properties of the key-value store, on histories told by hand: what they let pass, what they find, and the words
 * in which they say it. */
#include "messages.h"
#include "mm1_test.h"
#include "properties.h"
#include "test_alloc.h"

/* All properties, side by side. */
struct judge {
    struct test_alloc alloc;
    struct {
        _Alignas(16) char state[512];
    } of[KV_PROPERTY_COUNT];
    enum mm1_verdict verdict[KV_PROPERTY_COUNT];
    struct mm1_finding finding[KV_PROPERTY_COUNT];
    uint64_t evaluated[KV_PROPERTY_COUNT];
    uint64_t seq;
    uint64_t now_ms;
};

enum { SURVIVAL, LINEARIZABLE, ONCE };

static void judge_open(struct judge *judge)
{
    memset(judge, 0, sizeof(*judge));
    test_alloc_init(&judge->alloc);
    for (size_t i = 0; i < KV_PROPERTY_COUNT; i++) {
        cr_assert_leq(kv_properties[i].state_size, sizeof(judge->of[i].state));
    }
}

static void see(struct judge *judge, const struct mm1_msg_type *type, const void *msg)
{
    struct mm1_event event = {.kind = MM1_EVENT_OBSERVE, .type = type, .msg = msg};
    judge->now_ms += 100;
    struct mm1_sight sight = {.seq = ++judge->seq,
                              .time_ns = judge->now_ms * MM1_NS_PER_MS,
                              .node = "x",
                              .event = &event};
    for (size_t i = 0; i < KV_PROPERTY_COUNT; i++) {
        if (judge->verdict[i] == MM1_PASS) {
            judge->verdict[i] = kv_properties[i].see(judge->of[i].state, &judge->alloc.base, &sight,
                                                     &judge->finding[i]);
        }
    }
}

static void judge_close(struct judge *judge)
{
    for (size_t i = 0; i < KV_PROPERTY_COUNT; i++) {
        if (judge->verdict[i] == MM1_PASS) {
            judge->verdict[i] = kv_properties[i].end(judge->of[i].state, &judge->alloc.base,
                                                     &judge->evaluated[i], &judge->finding[i]);
        }
        kv_properties[i].close(judge->of[i].state, &judge->alloc.base);
    }
    cr_assert_eq(judge->alloc.live, 0);
}

/* The four things that can happen; the key is 3. */
static void asks_write(struct judge *judge, uint64_t client, uint64_t number, uint64_t value)
{
    see(judge, &kv_invoked_type,
        &(struct kv_invoked){
            .client = client, .number = number, .op = KV_WRITE, .key = 3, .value = value});
}
static void asks_read(struct judge *judge, uint64_t client, uint64_t number)
{
    see(judge, &kv_invoked_type,
        &(struct kv_invoked){.client = client, .number = number, .op = KV_READ, .key = 3});
}
static void is_told(struct judge *judge, uint64_t client, uint64_t number, uint64_t value,
                    uint64_t version)
{
    see(judge, &kv_returned_type,
        &(struct kv_returned){
            .client = client, .number = number, .key = 3, .value = value, .version = version});
}
static void gives_up(struct judge *judge, uint64_t client, uint64_t number)
{
    see(judge, &kv_gave_up_type, &(struct kv_gave_up){.client = client, .number = number});
}

Test(kv_properties, a_good_history)
{
    struct judge judge;
    judge_open(&judge);
    asks_read(&judge, 1, 1);
    is_told(&judge, 1, 1, 0, 0);
    asks_write(&judge, 2, 1, 17);
    asks_read(&judge, 1, 2);
    is_told(&judge, 1, 2, 17, 1); /* seen before its writer knows */
    is_told(&judge, 2, 1, 17, 1);
    asks_write(&judge, 2, 2, 18);
    is_told(&judge, 2, 2, 18, 2);
    asks_read(&judge, 1, 3);
    is_told(&judge, 1, 3, 18, 2);
    judge_close(&judge);
    cr_expect_eq(judge.verdict[SURVIVAL], MM1_PASS);
    cr_expect_eq(judge.verdict[LINEARIZABLE], MM1_PASS);
    cr_expect_eq(judge.evaluated[SURVIVAL], 2, "the last write, and the last read");
    cr_expect_eq(judge.evaluated[LINEARIZABLE], 5);
}

Test(kv_properties, a_lost_write)
{
    struct judge judge;
    judge_open(&judge);
    asks_write(&judge, 1, 1, 4);
    is_told(&judge, 1, 1, 4, 4);
    asks_write(&judge, 2, 1, 17);
    is_told(&judge, 2, 1, 17, 5);
    asks_read(&judge, 1, 2);
    is_told(&judge, 1, 2, 4, 4);
    judge_close(&judge);
    cr_assert_eq(judge.verdict[SURVIVAL], MM1_VIOLATED);
    cr_expect_str_eq(judge.finding[SURVIVAL].text,
                     "client 2 was told at 0.400s that k3=17 (version 5) is stored; a read by "
                     "client 1, asked at "
                     "0.500s, returned version 4 at 0.600s");
    cr_assert_eq(judge.verdict[LINEARIZABLE], MM1_VIOLATED);
    cr_expect_str_eq(judge.finding[LINEARIZABLE].text,
                     "k3: no order of its operations explains that client 1 read 4 at 0.600s "
                     "(asked at 0.500s); the "
                     "longest one that fits has 2 operations");
}

Test(kv_properties, a_read_beside_the_acknowledgement_may_see_the_old_value)
{
    struct judge judge;
    judge_open(&judge);
    asks_write(&judge, 2, 1, 17);
    asks_read(&judge, 1, 1);
    is_told(&judge, 2, 1, 17, 1);
    is_told(&judge, 1, 1, 0, 0);
    judge_close(&judge);
    cr_expect_eq(judge.verdict[SURVIVAL], MM1_PASS);
    cr_expect_eq(judge.verdict[LINEARIZABLE], MM1_PASS);
    cr_expect_eq(judge.evaluated[SURVIVAL], 0);
}

Test(kv_properties, a_version_given_twice)
{
    struct judge judge;
    judge_open(&judge);
    asks_write(&judge, 1, 1, 17);
    asks_write(&judge, 2, 1, 18);
    is_told(&judge, 1, 1, 17, 1);
    is_told(&judge, 2, 1, 18, 1);
    judge_close(&judge);
    cr_assert_eq(judge.verdict[SURVIVAL], MM1_VIOLATED);
    cr_expect_str_eq(judge.finding[SURVIVAL].text,
                     "client 1 was told at 0.300s that k3=17 (version 1) is stored; client 2 was "
                     "told at 0.400s that "
                     "this version is k3=18");
    cr_expect_eq(judge.verdict[LINEARIZABLE], MM1_PASS, "the values alone tell nothing");
}

Test(kv_properties, a_later_write_gets_a_later_version)
{
    struct judge judge;
    judge_open(&judge);
    asks_write(&judge, 1, 1, 17);
    is_told(&judge, 1, 1, 17, 1);
    asks_write(&judge, 2, 1, 18);
    is_told(&judge, 2, 1, 18, 1);
    judge_close(&judge);
    cr_assert_eq(judge.verdict[SURVIVAL], MM1_VIOLATED);
}

Test(kv_properties, what_was_read_stays_as_well)
{
    struct judge judge;
    judge_open(&judge);
    asks_write(&judge, 1, 1, 17);
    asks_read(&judge, 2, 1);
    is_told(&judge, 2, 1, 17, 1);
    asks_read(&judge, 3, 1);
    is_told(&judge, 3, 1, 0, 0);
    judge_close(&judge);
    cr_assert_eq(judge.verdict[SURVIVAL], MM1_VIOLATED);
    cr_expect_not_null(
        strstr(judge.finding[SURVIVAL].text, "k3=17 (version 1) is there; a read by client 3"));
    cr_expect_eq(judge.verdict[LINEARIZABLE], MM1_VIOLATED);
}

Test(kv_properties, a_retry_applied_twice)
{
    struct judge judge;
    judge_open(&judge);
    asks_write(&judge, 1, 1, 17);
    gives_up(&judge, 1, 1);
    asks_read(&judge, 2, 1);
    is_told(&judge, 2, 1, 17, 1);
    asks_read(&judge, 2, 2);
    is_told(&judge, 2, 2, 17, 2);
    judge_close(&judge);
    cr_expect_eq(judge.verdict[SURVIVAL], MM1_PASS);
    cr_expect_eq(judge.verdict[LINEARIZABLE], MM1_PASS);
    cr_assert_eq(judge.verdict[ONCE], MM1_VIOLATED);
    cr_expect_str_eq(judge.finding[ONCE].text,
                     "k3 was to be written 1 times, and client 2 was told at 0.600s that it is at "
                     "version 2: a write was applied twice");
}

Test(kv_properties, an_unknown_outcome_is_left_open)
{
    for (uint64_t happened = 0; happened < 2; happened++) {
        struct judge judge;
        judge_open(&judge);
        asks_write(&judge, 1, 1, 17);
        gives_up(&judge, 1, 1);
        asks_read(&judge, 1, 2);
        is_told(&judge, 1, 2, 0, 0);
        asks_read(&judge, 1, 3);
        is_told(&judge, 1, 3, 17 * happened, happened);
        judge_close(&judge);
        cr_expect_eq(judge.verdict[SURVIVAL], MM1_PASS);
        cr_expect_eq(judge.verdict[LINEARIZABLE], MM1_PASS);
    }
}

Test(kv_properties, an_empty_run_says_that_nothing_was_checked)
{
    struct judge judge;
    judge_open(&judge);
    judge_close(&judge);
    cr_expect_eq(judge.evaluated[SURVIVAL], 0);
    cr_expect_eq(judge.evaluated[LINEARIZABLE], 0);
}

Test(kv_properties, refused_memory_is_inconclusive)
{
    bool inconclusive = true;
    size_t k = 0;
    while (inconclusive) {
        struct judge judge;
        judge_open(&judge);
        test_alloc_fail_at(&judge.alloc, ++k);
        asks_write(&judge, 1, 1, 17);
        is_told(&judge, 1, 1, 17, 1);
        asks_read(&judge, 1, 2);
        is_told(&judge, 1, 2, 17, 1);
        judge_close(&judge);
        inconclusive = false;
        for (size_t i = 0; i < KV_PROPERTY_COUNT; i++) {
            inconclusive = inconclusive || judge.verdict[i] == MM1_INCONCLUSIVE;
            cr_expect_neq(judge.verdict[i], MM1_VIOLATED);
        }
    }
    cr_assert_gt(k, 5);
}
