/* Sets of places, after the places one lag before were subtracted: as runs, which say how many places are out, in, out ... of the
 * set; or as a bitmap without its empty bytes, which takes more bytes where places are scattered, and far less time. */
#ifndef CDT_MASK_H
#define CDT_MASK_H
#include <stddef.h>
#include <stdint.h>

/* Bit i % 8 of bits[i / 8] says that place i is in the set; bitmaps have 8 spare bytes. */

/* The most bytes that cdt_mask_encode writes for a set of n places. */
size_t cdt_mask_bound(size_t n);

/* `lags`: distances to choose from, `choices` of them, at most 8, the first of them 0. `quick`: a bitmap unless it is much larger than
 * runs. Bits of the last byte beyond the last place are 0. Returns the bytes written; 0 without memory. */
size_t cdt_mask_encode(const uint8_t *bits, size_t n, const size_t *lags, unsigned choices, int quick, uint8_t *out);

/* Returns the bytes read; 0 when they are no set of n places, or without memory. */
size_t cdt_mask_decode(const uint8_t *in, size_t length, size_t n, const size_t *lags, unsigned choices, uint8_t *bits);

#endif
