/* Products and sums whose additions have one order on every machine: what decoders may stand on. */
#ifndef CDT_ORDERED_H
#define CDT_ORDERED_H
#include <stddef.h>

/* out (before, n, after) = sum over k of basis (rank, n) and x (before, rank, after), k rising; all in C order, `out` apart from both, and
 * zero. Of the before * n places, those from `start` to before `stop`: a caller may stop between them. */
void cdt_ordered_product(
    const double *basis, const double *x, size_t rank, size_t n, size_t after, size_t start, size_t stop, double *out);

/* Sums of squares of the slices of x (before, n, after) along its middle axis, into `sums` (n). */
void cdt_ordered_energies(const double *x, size_t before, size_t n, size_t after, double *sums);

#endif
