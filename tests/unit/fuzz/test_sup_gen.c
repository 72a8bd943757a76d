/* The generator: a seed is a case, every case can be read back, and everything occurs. */
#include <stdio.h>

#include "fuzz/sup_gen.h"
#include "mm1_test.h"
#include "test_alloc.h"

#define SEEDS 2000

static struct test_alloc alloc;

static void init(void)
{
    test_alloc_init(&alloc);
}

static void done(void)
{
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_gen, .init = init, .fini = done);

static void generate(uint64_t seed, const struct sup_gen_options *options, struct mm1_buf *out,
                     struct sup_case *the_case, struct mm1__arena *arena)
{
    mm1__arena_init(arena);
    cr_assert_eq(sup_generate(arena, seed, options, the_case), MM1_OK);
    cr_assert_eq(sup_case_print(the_case, out), MM1_OK);
}

static bool same(const struct mm1_buf *a, const struct mm1_buf *b)
{
    return mm1_text_equal(mm1_buf_text(a), mm1_buf_text(b));
}

static void print(uint64_t seed, const struct sup_gen_options *options, struct mm1_buf *out)
{
    struct mm1__arena arena;
    struct sup_case the_case;
    generate(seed, options, out, &the_case, &arena);
    mm1__arena_close(&arena);
}

Test(sup_gen, a_seed_is_a_case)
{
    struct mm1_buf first = MM1_BUF(&alloc.base);
    struct mm1_buf second = MM1_BUF(&alloc.base);
    struct mm1_buf other = MM1_BUF(&alloc.base);
    print(17, NULL, &first);
    print(17, NULL, &second);
    print(18, NULL, &other);
    cr_assert(same(&first, &second));
    cr_assert(!same(&first, &other));
    mm1_buf_close(&first);
    mm1_buf_close(&second);
    mm1_buf_close(&other);
}

/* What the first seeds of this version are, for ever. */
Test(sup_gen, the_version_is_kept)
{
    struct mm1_buf text = MM1_BUF(&alloc.base);
    uint64_t hash = 14695981039346656037u;
    for (uint64_t seed = 0; seed < 100; seed++) {
        print(seed, NULL, &text);
        print(seed, &(struct sup_gen_options){.otp = true}, &text);
    }
    for (size_t i = 0; i < text.size; i++) {
        hash = (hash ^ text.data[i]) * 1099511628211u;
    }
    cr_assert_eq(SUP_GEN_VERSION, 1);
    cr_assert_eq(hash, UINT64_C(0x921bc58d725151bd), "%llx", (unsigned long long)hash);
    mm1_buf_close(&text);
}

static void round_trip(uint64_t seed, const struct sup_gen_options *options, uint32_t *seen)
{
    struct mm1__arena arena;
    struct sup_case made;
    struct sup_cases cases;
    char error[SUP_CASE_ERROR_MAX];
    struct mm1_buf text = MM1_BUF(&alloc.base);
    struct mm1_buf again = MM1_BUF(&alloc.base);
    generate(seed, options, &text, &made, &arena);
    mm1_status status =
        sup_cases_read(&alloc.base, mm1_buf_text(&text), "made", !options->otp, &cases, error);
    cr_assert_eq(status, MM1_OK, "seed %llu: %s\n%.*s", (unsigned long long)seed, error,
                 (int)text.size, (const char *)text.data);
    cr_assert_eq(cases.count, 1);
    cr_assert_eq(sup_case_print(&cases.cases[0], &again), MM1_OK);
    cr_assert(same(&text, &again), "seed %llu", (unsigned long long)seed);
    cr_assert_eq(sup_dimensions_of(&made), sup_dimensions_of(&cases.cases[0]));
    *seen |= sup_dimensions_of(&made);
    sup_cases_close(&cases);
    mm1__arena_close(&arena);
    mm1_buf_close(&text);
    mm1_buf_close(&again);
}

Test(sup_gen, cases_read_back_and_every_dimension_occurs)
{
    uint32_t seen = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        round_trip(seed, &(struct sup_gen_options){0}, &seen);
    }
    for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
        cr_assert((seen & 1u << i) != 0, "%s", sup_dimension_text((enum sup_dimension)i));
    }
}

Test(sup_gen, cases_for_otp_are_cases_of_otp)
{
    static const uint32_t never = 1u << SUP_DIM_SLOW | 1u << SUP_DIM_HANG | 1u << SUP_DIM_WAITS |
                                  1u << SUP_DIM_UNACKED | 1u << SUP_DIM_ANNOUNCED;
    uint32_t seen = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        round_trip(seed, &(struct sup_gen_options){.otp = true}, &seen);
    }
    for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
        bool expected = (never & 1u << i) == 0 && i != SUP_DIM_WINDOW_EDGES;
        cr_assert_eq((seen & 1u << i) != 0, expected, "%s",
                     sup_dimension_text((enum sup_dimension)i));
    }
}

/* Each is off in some cases, and in some cases little else is on. */
Test(sup_gen, dimensions_are_off_as_well)
{
    unsigned on[SUP_DIMENSIONS] = {0};
    size_t few = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct mm1__arena arena;
        struct sup_case made;
        mm1__arena_init(&arena);
        cr_assert_eq(sup_generate(&arena, seed, NULL, &made), MM1_OK);
        uint32_t found = sup_dimensions_of(&made);
        for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
            on[i] += (found & 1u << i) != 0 ? 1 : 0;
        }
        few += __builtin_popcount(found) <= 4 ? 1 : 0;
        mm1__arena_close(&arena);
    }
    for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
        cr_assert(on[i] >= SEEDS / 200 && on[i] <= SEEDS * 19 / 20, "%s: %u",
                  sup_dimension_text((enum sup_dimension)i), on[i]);
    }
    cr_assert(few > SEEDS / 50, "%zu", few);
}

static unsigned depth_of(const struct sup_case *the_case, size_t index)
{
    unsigned depth = 1;
    for (; index != 0; index = the_case->members[index].parent) {
        depth++;
    }
    return depth;
}

Test(sup_gen, sizes_are_as_said)
{
    const struct sup_gen_options small = {.depth_max = 2, .members_max = 5, .events_max = 7};
    size_t members = 0;
    unsigned depth = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct mm1__arena arena;
        struct sup_case made;
        mm1__arena_init(&arena);
        cr_assert_eq(sup_generate(&arena, seed, NULL, &made), MM1_OK);
        members = made.member_count > members ? made.member_count : members;
        for (size_t i = 0; i < made.member_count; i++) {
            unsigned at = made.members[i].is_supervisor ? depth_of(&made, i) : 1;
            depth = at > depth ? at : depth;
        }
        cr_assert_eq(sup_generate(&arena, seed, &small, &made), MM1_OK);
        /* the root, and the template of the last one */
        cr_assert_leq(made.member_count, 7);
        for (size_t i = 0; i < made.member_count; i++) {
            cr_assert(!made.members[i].is_supervisor || depth_of(&made, i) <= 2);
        }
        mm1__arena_close(&arena);
    }
    cr_assert(members > 50 && members <= 66, "%zu", members);
    cr_assert_eq(depth, 4);
}
