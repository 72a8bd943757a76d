/* Three-way comparison of numbers. */
#ifndef MM1_BASE_ORDER_H
#define MM1_BASE_ORDER_H

#include <stdint.h>

static inline int mm1__order_u64(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

#endif
