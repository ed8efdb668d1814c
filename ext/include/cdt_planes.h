/* Residuals as sign and magnitude in bit planes: the entropy stage of the `fast` profile. FORMAT.md specifies the bytes.
 *
 * Signed residuals, two's complement, 4 or 8 bytes each; n >= 1. Encoding is for any residuals; decoding any bytes.
 */
#ifndef CDT_PLANES_H
#define CDT_PLANES_H
#include <stddef.h>
#include <stdint.h>

/* The most bytes that n residuals of `width` (4 or 8) bytes can take, and what encoders may write beyond their end. */
size_t cdt_planes_bound(size_t n, size_t width);

typedef struct {
    /* Bytes written to `out`, which has room for cdt_planes_bound(n, width). */
    size_t (*encode_4)(const int32_t *residuals, size_t n, uint8_t *out);
    /* CDT_CORRUPT: the `length` bytes are not exactly n residuals. Nothing outside [in, in + length) is read. */
    int (*decode_4)(const uint8_t *in, size_t length, int32_t *residuals, size_t n);
    size_t (*encode_8)(const int64_t *residuals, size_t n, uint8_t *out);
    int (*decode_8)(const uint8_t *in, size_t length, int64_t *residuals, size_t n);
} cdt_planes_kernels;

#endif
