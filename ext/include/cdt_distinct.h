/* Distinct numbers of an array: which they are, and whether there are few. */
#ifndef CDT_DISTINCT_H
#define CDT_DISTINCT_H
#include "cdt_array.h"

/* The distinct ones of n numbers, at most `most` (1 at least), as keys in order (memory of their own, to be dropped), and of each
 * number the rank of its key. Numbers of the bitmap `exact` from bit `place` on (NULL: none) do not count and have the rank of the
 * one before, the first ones 0; of none but those, the key is 0. CDT_BAD_ARGUMENT: there are more; CDT_NO_MEMORY. */
int cdt_distinct(cdt_type type, const void *values, size_t n, const uint8_t *exact, size_t place, size_t most, uint32_t *ranks,
                 int64_t **keys, size_t *count);

#endif
