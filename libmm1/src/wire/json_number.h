/* Numbers in JSON, the same in every locale. */
#ifndef MM1_WIRE_JSON_NUMBER_H
#define MM1_WIRE_JSON_NUMBER_H

#include <mm1/bytes.h>

/* Appends a number in decimal. */
MM1_NODISCARD mm1_status mm1__json_uint(uint64_t value, struct mm1_buf *out);
MM1_NODISCARD mm1_status mm1__json_int(int64_t value, struct mm1_buf *out);
/* As above, but as a string beyond 2^53, which a reader with doubles could not hold. */
MM1_NODISCARD mm1_status mm1__json_uint_safe(uint64_t value, struct mm1_buf *out);
MM1_NODISCARD mm1_status mm1__json_int_safe(int64_t value, struct mm1_buf *out);
/* Appends a decimal of 15 to 17 digits, without zeros at its end, that reads back as the same bits; "nan", "inf" and
 * "-inf" are strings. */
MM1_NODISCARD mm1_status mm1__json_f64(double value, struct mm1_buf *out);

#endif
