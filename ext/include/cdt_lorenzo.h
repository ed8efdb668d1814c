/* Lorenzo prediction of codes: differences along axes, modulo 2^32 or 2^64, and the choice of axes (Ibarria et al. 2003).
 *
 * `dim`: batch, z, y, x; a block of at least one code, x fastest. `orders`: how often the difference along each is taken, 0..2;
 * before the first code of an axis there are zeros. All arithmetic wraps, so that cumulate undoes difference exactly.
 */
#ifndef CDT_LORENZO_H
#define CDT_LORENZO_H
#include <stddef.h>
#include <stdint.h>

#define CDT_LORENZO_DECL(U)                                                                                              \
    struct {                                                                                                             \
        /* `residuals` may be `codes` itself, or overlap them nowhere. */                                                \
        void (*difference)(const U *codes, const size_t dim[4], const uint8_t orders[4], U *residuals);                  \
        /* In place. */                                                                                                  \
        void (*cumulate)(U *codes, const size_t dim[4], const uint8_t orders[4]);                                        \
        /* The orders with the cheapest residuals on a sample that is spread over the block. `thorough`: more samples    \
         * and candidates, at about ten times the time. */                                                               \
        void (*choose)(const U *codes, const size_t dim[4], int thorough, uint8_t orders[4]);                            \
    }

typedef struct {
    CDT_LORENZO_DECL(uint32_t) u4;
    CDT_LORENZO_DECL(uint64_t) u8;
} cdt_lorenzo_kernels;

#endif
