/* Tall matrices: one side of at most CDT_TALL_MOST numbers, the other long. Everything is summed in double precision.
 *
 * A matrix lies in memory in one of two ways:
 *   by rows:    n rows of m numbers, a row every `stride` numbers; the rows are the short side;
 *   by columns: m rows of n numbers without gaps; the columns are the short side.
 * Numbers lie at addresses that are multiples of their size. Output is no input. Kernels allocate nothing but work space: project
 * about (n + r) max(320, 8 k) doubles, less where x is smaller (it is made for n and k of some hundreds), the others less than
 * 1 MiB. CDT_NO_MEMORY is the only failure.
 */
#ifndef CDT_TALL_H
#define CDT_TALL_H
#include <stddef.h>

enum { CDT_TALL_MOST = 128 };

/* For one type of numbers; x is of that type. */
typedef struct {
    /* gram (n, n, both triangles) += x x^T of a matrix by rows, or x^T x of one by columns. */
    int (*gram_rows)(const void *x, size_t n, size_t m, size_t stride, double *gram);
    int (*gram_columns)(const void *x, size_t n, size_t m, double *gram);
    /* r (n, n, upper triangle by rows) of the matrix that has the old r above x (by rows: x^T); Householder reflections. */
    int (*triangle_rows)(const void *x, size_t n, size_t m, size_t stride, double *r);
    int (*triangle_columns)(const void *x, size_t n, size_t m, double *r);
    /* out (r, c, s) = the projections of x (n, c, k) by left (n, r) and right (k, s); x has a row every `stride` numbers, out every
     * `out_stride`. left or right NULL: not projected there, r = n or s = k. energies += sums of squares of x and of out, before out is rounded. */
    int (*project)(const void *x, size_t n, size_t c, size_t k, size_t stride, const double *left, size_t r, const double *right, size_t s,
                   void *out, size_t out_stride, double energies[2]);
} cdt_tall_kernels;

#endif
