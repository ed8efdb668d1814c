/* Sets of places as runs: how many places are out, in, out ... of the set, after the places one lag before were subtracted. */
#ifndef CDT_MASK_H
#define CDT_MASK_H
#include <stddef.h>
#include <stdint.h>

/* Bit i % 8 of bits[i / 8] says that place i is in the set; bitmaps have 8 spare bytes. */

/* The most bytes that cdt_mask_encode writes for a set of n places. */
size_t cdt_mask_bound(size_t n);

/* `lags`: distances (0 and more) to choose from. Returns the bytes written; 0 without memory. */
size_t cdt_mask_encode(const uint8_t *bits, size_t n, const size_t *lags, unsigned count, uint8_t *out);

/* Returns the bytes read; 0 when they are no set of n places. */
size_t cdt_mask_decode(const uint8_t *in, size_t length, size_t n, const size_t *lags, unsigned count, uint8_t *bits);

#endif
