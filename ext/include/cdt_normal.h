/* The product of a tall matrix's normal matrix with a block of vectors: y += (x - mean)^T ((x - mean) v), reading x once.
 *
 * x is (rows, columns) with contiguous rows that are `stride` numbers apart; mean is (columns) or NULL. v and y are row-major
 * and contiguous, (columns rounded up to CDT_NORMAL_SIDE, width): the rows of v beyond `columns` are zero, those of y stay what
 * they were. width is a multiple of CDT_NORMAL_WIDTH (columns of zeros at the end where there are fewer vectors). y must not
 * overlap the others. Sums are in double precision; the mean is subtracted from each value before it is multiplied, in a tile
 * that stays in the second cache (some 300 KB; 24 rows of more than 1600 columns need more), the only work memory but one row of
 * `width` for each of the tile's, so no digit is lost to a large mean. Numbers lie at addresses that are multiples of their size.
 * Returns CDT_BAD_ARGUMENT for a width that is no such multiple or 0, CDT_NO_MEMORY.
 */
#ifndef CDT_NORMAL_H
#define CDT_NORMAL_H
#include "cdt_status.h"
#include <stddef.h>

#define CDT_NORMAL_SIDE 12
#define CDT_NORMAL_WIDTH 8

/* Of the same x: adds to sums (columns) the numbers of each column less `shift` (columns), and returns the sum of their squares;
 * NaN or Inf where x has one (or where the squares are too large for a double). */
typedef double cdt_moments_f4(const float *x, size_t rows, size_t columns, size_t stride, const double *shift, double *sums);
typedef double cdt_moments_f8(const double *x, size_t rows, size_t columns, size_t stride, const double *shift, double *sums);

typedef struct {
    cdt_moments_f4 *moments_f4;
    cdt_moments_f8 *moments_f8;
    int (*f4)(const float *x, size_t rows, size_t columns, size_t stride, const double *mean, const double *v, size_t width, double *y);
    int (*f8)(const double *x, size_t rows, size_t columns, size_t stride, const double *mean, const double *v, size_t width, double *y);
} cdt_normal_kernels;

#endif
