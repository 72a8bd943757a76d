/* The random port on a key from the kernel. */
#ifndef MM1_POSIX_RANDOM_H
#define MM1_POSIX_RANDOM_H

#include <mm1/random.h>
#include <mm1/status.h>

struct mm1__posix_random {
    struct mm1_random base;
    uint64_t key[2];
};

/* Draws the key. MM1_IO: the kernel gives none. */
MM1_NODISCARD mm1_status mm1__posix_random_open(struct mm1__posix_random *random);

#endif
