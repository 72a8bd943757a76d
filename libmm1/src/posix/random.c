/* The random port: the kernel gives one key at the start; each draw is a word of Threefry under it. Not for secrets. */
#include <errno.h>
#include <sys/random.h>

#include "base/prng.h"
#include "posix/random.h"

static uint64_t draw(struct mm1_random *self, enum mm1_random_purpose purpose, uint64_t entity,
                     uint64_t nth, uint64_t n)
{
    const struct mm1__posix_random *random = MM1_CONTAINER_OF(self, struct mm1__posix_random, base);
    uint64_t stream = mm1_prng_word(random->key[0], random->key[1], entity, (uint64_t)purpose);
    return mm1_prng_below(mm1_prng_word(stream, random->key[1], nth, 0), n);
}

static const struct mm1_random_ops OPS = {.name = "posix", .draw = draw};

mm1_status mm1__posix_random_open(struct mm1__posix_random *random)
{
    *random = (struct mm1__posix_random){.base.ops = &OPS};
    /* Up to 256 bytes come whole once the kernel's pool is ready; only a signal can come between. */
    for (;;) {
        ssize_t got = getrandom(random->key, sizeof(random->key), 0);
        if (got == (ssize_t)sizeof(random->key)) {
            return MM1_OK;
        }
        if (got >= 0 || errno != EINTR) {
            return MM1_IO;
        }
    }
}
