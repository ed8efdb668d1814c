/* Integer codes: n-d Lorenzo prediction (differences along axes, modulo 2^w) and storage as byte or bit planes.
 *
 * `orders` holds one small number per axis: how often the difference along it is taken (0, 1 or 2). Differences along several axes
 * are the Lorenzo predictor of those axes (Ibarria et al. 2003). All arithmetic is modulo 2^w, so that every step is exactly
 * reversible. At most CDT_MAX_AXES axes.
 */
#ifndef CDT_CODES_H
#define CDT_CODES_H
#include <stddef.h>
#include <stdint.h>

#define CDT_MAX_AXES 8

#define CDT_CODES_DECL(W, U)                                                                                             \
    int cdt_difference_u##W(U *codes, const size_t *shape, size_t axes, const uint8_t *orders);                           \
    int cdt_cumulate_u##W(U *codes, const size_t *shape, size_t axes, const uint8_t *orders);                             \
    /* The orders with the least sum of bit lengths on a sample of the codes. */                                          \
    int cdt_choose_u##W(const U *codes, const size_t *shape, size_t axes, uint8_t *orders);                               \
    /* Zigzag in place; `bits` receives how many of the low bits are used by any code. */                                 \
    int cdt_zigzag_u##W(U *codes, size_t n, unsigned *bits);                                                              \
    int cdt_unzigzag_u##W(U *codes, size_t n);                                                                            \
    /* Byte planes: plane p, at out + p * n, holds byte p of every code. */                                               \
    int cdt_to_bytes_u##W(const U *codes, size_t n, unsigned planes, uint8_t *out);                                       \
    int cdt_from_bytes_u##W(const uint8_t *in, size_t n, unsigned planes, U *codes);                                      \
    /* Bit planes of (n + 7) / 8 bytes: bit i % 8 of byte i / 8 of plane p is bit p of code i. */                         \
    int cdt_to_bits_u##W(const U *codes, size_t n, unsigned planes, uint8_t *out);                                        \
    int cdt_from_bits_u##W(const uint8_t *in, size_t n, unsigned planes, U *codes);

CDT_CODES_DECL(1, uint8_t)
CDT_CODES_DECL(2, uint16_t)
CDT_CODES_DECL(4, uint32_t)
CDT_CODES_DECL(8, uint64_t)

#endif
