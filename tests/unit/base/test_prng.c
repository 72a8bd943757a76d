/* The generator against the published known-answer vectors of Threefry2x64-20, and the bounded draw. */
#include "base/prng.h"
#include "mm1_test.h"

Test(prng, known_answers)
{
    uint64_t ones = UINT64_MAX;
    cr_assert_eq(mm1_prng_word(0, 0, 0, 0), 0xc2b6e3a8c2c69865u);
    cr_assert_eq(mm1_prng_word(ones, ones, ones, ones), 0xe02cb7c4d95d277au);
    cr_assert_eq(mm1_prng_word(0xa4093822299f31d0u, 0x082efa98ec4e6c89u, 0x243f6a8885a308d3u,
                               0x13198a2e03707344u),
                 0x263c7d30bb0f0af1u);
}

Test(prng, each_argument_counts)
{
    uint64_t word = mm1_prng_word(1, 2, 3, 4);
    cr_assert_eq(word, mm1_prng_word(1, 2, 3, 4));
    cr_assert_neq(word, mm1_prng_word(2, 2, 3, 4));
    cr_assert_neq(word, mm1_prng_word(1, 3, 3, 4));
    cr_assert_neq(word, mm1_prng_word(1, 2, 4, 4));
    cr_assert_neq(word, mm1_prng_word(1, 2, 3, 5));
}

Test(prng, below_is_the_high_half_of_the_product)
{
    cr_assert_eq(mm1_prng_below(0, 10), 0);
    cr_assert_eq(mm1_prng_below(UINT64_MAX, 10), 9);
    cr_assert_eq(mm1_prng_below((uint64_t)1 << 63, 10), 5);
    cr_assert_eq(mm1_prng_below(UINT64_MAX, 1), 0);
    cr_assert_eq(mm1_prng_below(12345, 0), 12345);
    cr_assert_eq(mm1_prng_below(UINT64_MAX, UINT64_MAX), UINT64_MAX - 1);
    unsigned counts[7] = {0};
    for (uint64_t i = 0; i < 70000; i++) {
        counts[mm1_prng_below(mm1_prng_word(9, 9, i, 0), 7)]++;
    }
    for (unsigned i = 0; i < 7; i++) {
        cr_expect(counts[i] > 9500 && counts[i] < 10500, "%u of 10000 for %u", counts[i], i);
    }
}
