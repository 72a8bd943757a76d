/* One block of Threefry2x64-20, of which a draw uses the first word. */
#include <Random123/threefry.h>

#include "base/prng.h"

uint64_t mm1_prng_word(uint64_t key0, uint64_t key1, uint64_t counter0, uint64_t counter1)
{
    threefry2x64_ctr_t counter = {{counter0, counter1}};
    threefry2x64_key_t key = {{key0, key1}};
    return threefry2x64_R(20, counter, key).v[0];
}
