/* Exact numbers of a block: sets of places whose numbers have one pattern of bits, or one each. */
#ifndef CDT_EXACT_H
#define CDT_EXACT_H
#include "cdt_array.h"
#include "cdt_bytes.h"

/* The most bytes that `count` exact numbers of n take. */
size_t cdt_exact_bound(size_t n, size_t count, size_t size);

/* A set of those like the most common one, a set of the others, and an end. `exact`: bitmap with 8 spare bytes, not looked at where
 * `count` is 0. `quick`: places may take some more bytes where that is faster. NULL: no memory. */
uint8_t *cdt_exact_put(uint8_t *at, const void *values, size_t size, const size_t *sides, unsigned axes, const uint8_t *exact,
                       size_t count, int quick);

/* Go behind the exact numbers, of which places are not looked at. CDT_CORRUPT. */
int cdt_exact_skip(cdt_bytes *in, size_t size, size_t n);

/* Put the exact numbers, which cdt_exact_skip has met, in their places, and go behind them. CDT_CORRUPT, CDT_NO_MEMORY. */
int cdt_exact_get(cdt_bytes *in, void *values, size_t size, const size_t *sides, unsigned axes);

#endif
