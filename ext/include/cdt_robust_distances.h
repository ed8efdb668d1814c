/* Passes over the updates of n sites, one row of numbers each, for rules that go by distance (cdt_levels.h: once for each level).
 *
 * `rows` has the address of each row's first number; numbers lie at multiples of their size. A call reads columns from..to-1 of
 * every row, so that long rows can be taken in parts. Rows may be the same memory; outputs are no inputs. Products and sums may be
 * contracted: levels differ by rounding, except of window_mean, which has none to contract (but halves of subnormal doubles).
 */
#ifndef CDT_ROBUST_DISTANCES_H
#define CDT_ROBUST_DISTANCES_H
#include <stddef.h>
#include <stdint.h>

#include "cdt_levels.h"

/* What gram returns besides CDT_OK and CDT_NO_MEMORY. */
enum {
    CDT_NOT_CENTRED = 64 /* a centred number is not finite: an input is not, or `scale` is too large for the differences */
};

/* For one type of numbers. */
typedef struct {
    /* gram (n, n), its upper triangle, += the products of the rows, each scaled by `scale` (a power of two) and less the mean of the
     * `central` rows (`centrals` of them). Products in the type of the numbers, 64 to a sum and at most 64 such sums to the next,
     * then double; the range of a row does not matter. Work space: about 400 KiB, from some hundred rows on 1 KiB a row (doubles: 2). */
    int (*gram)(const void *const *rows, size_t n, size_t from, size_t to, const uint32_t *central, size_t centrals, double scale,
                double *gram);
    /* squares[p] += |scale (row pairs[2p] - row pairs[2p + 1])|^2, each difference rounded once. */
    int (*apart)(const void *const *rows, size_t from, size_t to, const uint32_t *pairs, size_t count, double scale, double *squares);
    /* z (numbers, `to` of them; columns from.. are used) = keep z + sum of weights[i] row i, in double, rounded once; weights NULL: z
     * as it is. squares (NULL: not wanted) += |scale (row i - z)|^2 for each row. */
    int (*weigh)(const void *const *rows, size_t n, size_t from, size_t to, const double *weights, double keep, void *z, double scale,
                 double *squares);
    /* out[column] = the mean of the `kept` values of a column that are nearest to its median, of two equally near windows the lower;
     * 1 <= kept <= n. Every value must be finite. The median of an even number is the mean of the middle two. */
    int (*window_mean)(const void *const *rows, size_t n, size_t from, size_t to, size_t kept, void *out);
} cdt_distances_kernels;

struct cdt_kernels {
    cdt_distances_kernels distances[2]; /* of floats, of doubles */
};

#endif
