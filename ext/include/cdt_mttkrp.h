/* Matricised tensor times Khatri-Rao product, of three-way tensors; more ways are three ways seen from the Python side.
 *
 * x has the shape (n[0], n[1], n[2]), the last axis contiguous. a, b, c are the factors of the three axes, (n[k], width) each,
 * row-major and contiguous; width is a multiple of CDT_MTTKRP_WIDTH (of zeros at the end where the rank is no multiple).
 * The factor of the asked axis is not read and may be NULL; y, (n[axis], width), receives
 *
 *     axis 0: y[i, r] = sum over j, k of x[i, j, k] b[j, r] c[k, r]         and so on for axes 1 and 2.
 *
 * Nothing is as large as an unfolding or a Khatri-Rao product: the work memory is one tile of some tens of KiB.
 * Returns CDT_BAD_ARGUMENT for such a width or axis, CDT_NO_MEMORY.
 */
#ifndef CDT_MTTKRP_H
#define CDT_MTTKRP_H
#include "cdt_status.h"
#include <stddef.h>

#define CDT_MTTKRP_WIDTH 16

typedef struct {
    int (*f4)(const float *x, const size_t *n, const float *const *factors, size_t width, int axis, float *y);
    int (*f8)(const double *x, const size_t *n, const double *const *factors, size_t width, int axis, double *y);
} cdt_mttkrp_kernels;

#endif
