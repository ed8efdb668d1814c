/* Products of matrices with any strides, for those that tensor decompositions consist of: one side some hundreds at most.
 *
 * y, (m, n) and contiguous rows, is added a b, where a is (m, depth) and b (depth, n), both with strides in numbers, not bytes.
 * upper: y is square and symmetric when done (b is a transposed), and only what is on and above its diagonal need be added;
 * what is below holds anything. y overlaps neither a nor b; numbers lie at addresses that are multiples of their size. Work memory:
 * one tile of at most 32 KiB. CDT_NO_MEMORY.
 */
#ifndef CDT_PRODUCT_H
#define CDT_PRODUCT_H
#include "cdt_status.h"
#include <stddef.h>

typedef struct {
    size_t m, n, depth;
    size_t a_row, a_column, b_row, b_column; /* strides */
    int upper;
} cdt_product_shape;

typedef struct {
    int (*f4)(const float *a, const float *b, const cdt_product_shape *shape, float *y);
    int (*f8)(const double *a, const double *b, const cdt_product_shape *shape, double *y);
} cdt_product_kernels;

#endif
