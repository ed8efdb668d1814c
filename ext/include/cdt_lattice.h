/* Values to lattice integers and back, verified in the decoder's own arithmetic.
 *
 * A value x is kept as the integer k with y = (T)(k * step), or, for keys, as the order-preserving integer of its bits over an
 * integer step. Every y is recomputed exactly as the decoder will, and compared with x. A value that does not hold the bound
 * (NaN, infinity, missing codes, lattice overflow, rounding) is exact: its position and its bits are kept apart, and its code
 * repeats the one before it.
 *
 * All arrays are contiguous and do not overlap. `codes` are the two's complement integers as unsigned.
 * Compile with -ffp-contract=off: a fused multiply-add here is a broken bound there.
 */
#ifndef CDT_LATTICE_H
#define CDT_LATTICE_H
#include <stddef.h>
#include <stdint.h>

#define CDT_LATTICE_DECL(SUFFIX, T, U)                                                                                   \
    /* Linear lattice: |x - y| <= bound. `exact` has room for n positions, `missing` holds codes that stay bit-exact.  */ \
    /* max_error receives the largest |x - y| over values on the lattice.                                               */ \
    int cdt_linear_encode_##SUFFIX(const T *x, size_t n, double bound, T step, const T *missing, size_t n_missing,        \
                                   U *codes, uint32_t *exact, size_t *n_exact, double *max_error);                        \
    int cdt_linear_decode_##SUFFIX(const U *codes, size_t n, T step, T *y);

CDT_LATTICE_DECL(f4, float, uint32_t)
CDT_LATTICE_DECL(f8, double, uint64_t)

#define CDT_KEY_DECL(SUFFIX, T, U)                                                                                       \
    /* Key lattice: |x - y| <= bound * |x|; step >= 1 in units of the last place at the bottom of a binade. step = 1    */ \
    /* with bound < 0 asks for the bare keys of lossless coding: every value, NaN too, is its key.                       */ \
    int cdt_key_encode_##SUFFIX(const T *x, size_t n, double bound, U step, const T *missing, size_t n_missing, U *codes, \
                                uint32_t *exact, size_t *n_exact, double *max_error);                                     \
    int cdt_key_decode_##SUFFIX(const U *codes, size_t n, U step, T *y);

CDT_KEY_DECL(f4, float, uint32_t)
CDT_KEY_DECL(f8, double, uint64_t)

#define CDT_STEPS_DECL(SUFFIX, T, U)                                                                                     \
    /* Integers in steps of 2 * bound + 1: |x - y| <= bound. y that would leave the type, or meet a missing code that x  */ \
    /* is not, is exact.                                                                                                 */ \
    int cdt_steps_encode_##SUFFIX(const T *x, size_t n, U bound, const T *missing, size_t n_missing, U *codes,            \
                                  uint32_t *exact, size_t *n_exact, double *max_error);                                   \
    int cdt_steps_decode_##SUFFIX(const U *codes, size_t n, U bound, T *y);

CDT_STEPS_DECL(i1, int8_t, uint8_t)
CDT_STEPS_DECL(i2, int16_t, uint16_t)
CDT_STEPS_DECL(i4, int32_t, uint32_t)
CDT_STEPS_DECL(i8, int64_t, uint64_t)
CDT_STEPS_DECL(u1, uint8_t, uint8_t)
CDT_STEPS_DECL(u2, uint16_t, uint16_t)
CDT_STEPS_DECL(u4, uint32_t, uint32_t)
CDT_STEPS_DECL(u8, uint64_t, uint64_t)

#endif
