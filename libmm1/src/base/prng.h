/* The generator: Threefry2x64-20 of Random123, counter-based. A stream is a key, a draw is an index: one more draw
 * in one stream shifts nothing in another. Its version is part of a run's identity. */
#ifndef MM1_BASE_PRNG_H
#define MM1_BASE_PRNG_H

#include <stdint.h>

#define MM1_PRNG_NAME "threefry2x64-20"

/* The word at (key0, key1) and counter (counter0, counter1). Pure. */
uint64_t mm1_prng_word(uint64_t key0, uint64_t key1, uint64_t counter0, uint64_t counter1);

/* Maps a word to [0, n) by the high half of the 128-bit product; n = 0 gives the word itself. The bias is below
 * n / 2^64, and the same on every machine. */
static inline uint64_t mm1_prng_below(uint64_t word, uint64_t n)
{
    return n == 0 ? word : (uint64_t)((__extension__(unsigned __int128) word * n) >> 64);
}

#endif
