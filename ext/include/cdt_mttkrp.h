/* Matricised tensor times Khatri-Rao product, of three-way tensors; more ways are three ways seen from the Python side.
 *
 * x has the shape (n[0], n[1], n[2]), the last axis contiguous. The factors of the three axes are (n[k], width) each,
 * row-major and contiguous; a row is a multiple of CDT_MTTKRP_BYTES (of zeros at the end where the rank is none).
 *
 * f4, f8: the factor of the asked axis is not read and may be NULL; y, (n[axis], width), receives
 *     axis 0: y[i, r] = sum over j, k of x[i, j, k] b[j, r] c[k, r]         and so on for axes 1 and 2.
 * Nothing is as large as an unfolding or a Khatri-Rao product: the work memory is one tile of 256 rows of `width`.
 *
 * fold_f4, fold_f8: one axis of t, (n[0], n[1], width), is weighted with its factor and summed; the asked axis stays:
 *     axis 0: y[i, r] = sum over j of t[i, j, r] factor[j, r]               and so on for axis 1.
 *
 * y overlaps nothing; numbers lie at addresses that are multiples of their size. All return CDT_BAD_ARGUMENT for any other width or
 * axis; f4 and f8 CDT_NO_MEMORY, too.
 */
#ifndef CDT_MTTKRP_H
#define CDT_MTTKRP_H
#include "cdt_status.h"
#include <stddef.h>

#define CDT_MTTKRP_BYTES 64

typedef struct {
    int (*f4)(const float *x, const size_t *n, const float *const *factors, size_t width, int axis, float *y);
    int (*f8)(const double *x, const size_t *n, const double *const *factors, size_t width, int axis, double *y);
    int (*fold_f4)(const float *t, const size_t *n, const float *factor, size_t width, int axis, float *y);
    int (*fold_f8)(const double *t, const size_t *n, const double *factor, size_t width, int axis, double *y);
} cdt_mttkrp_kernels;

#endif
