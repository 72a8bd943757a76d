/* UTF-8: what is well-formed (Unicode: no surrogates, no overlong forms, nothing above U+10FFFF). */
#ifndef MM1_BASE_UTF8_H
#define MM1_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

#include <mm1/check.h>

/* The length of the well-formed sequence at the start of `data`, 1 to 4; 0 when there is none. `size` > 0. */
size_t mm1__utf8_sequence(const char *data, size_t size);
/* True when all of `data` is well-formed. */
bool mm1__utf8_valid(const char *data, size_t size);

#endif
