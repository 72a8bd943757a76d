/* Quantities as texts with a unit: durations, sizes, ratios, 64-bit numbers. Integers only. */
#ifndef MM1_HOST_UNITS_H
#define MM1_HOST_UNITS_H

#include <stdint.h>

#include <mm1/bytes.h>
#include <mm1/status.h>

/* Each: MM1_MALFORMED when it is not written so, MM1_TOO_LARGE when it does not fit; both leave `*out`. */

/* "150ms": digits and one of ns, us, ms, s, m, h. In nanoseconds. */
MM1_NODISCARD mm1_status mm1__duration_parse(struct mm1_text text, uint64_t *out);
/* "64KiB": digits and one of B, KiB, MiB, GiB. In bytes. */
MM1_NODISCARD mm1_status mm1__size_parse(struct mm1_text text, uint64_t *out);
/* "1/100": num <= den, den > 0, both below 2^32. */
MM1_NODISCARD mm1_status mm1__ratio_parse(struct mm1_text text, uint32_t *num, uint32_t *den);
/* "123" or "0x7b". Decimal digits without a leading zero; hex digits in any number up to 16. */
MM1_NODISCARD mm1_status mm1__u64_parse(struct mm1_text text, uint64_t *out);

#endif
