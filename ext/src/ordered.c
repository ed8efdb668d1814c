#include "cdt_ordered.h"
#include "cdt_status.h"
#include <string.h>

/* A row plus another one times a factor: two roundings for each number, whatever the vectors' width. */
CDT_DISPATCH static void add(double *restrict out, const double *restrict row, double factor, size_t n)
{
    for (size_t j = 0; j < n; j++)
        out[j] += factor * row[j];
}

/* Places [first, stop) of rows. */
static void product_of_rows(const double *basis, const double *x, size_t rank, size_t n, size_t first, size_t stop, double *out)
{
    for (size_t k = 0; k < rank; k++)
        add(out + first, basis + k * n + first, x[k], stop - first);
}

static void product_of_slices(
    const double *basis, const double *x, size_t rank, size_t n, size_t after, size_t first, size_t stop, double *out)
{
    for (size_t i = first; i < stop; i++)
        for (size_t k = 0; k < rank; k++)
            add(out + i * after, x + k * after, basis[k * n + i], after);
}

void cdt_ordered_product(
    const double *basis, const double *x, size_t rank, size_t n, size_t after, size_t start, size_t stop, double *out)
{
    while (start < stop) {
        const size_t a = start / n, first = start % n, left = stop - start, end = left < n - first ? first + left : n;
        if (after == 1)
            product_of_rows(basis, x + a * rank, rank, n, first, end, out + a * n);
        else
            product_of_slices(basis, x + a * rank * after, rank, n, after, first, end, out + a * n * after);
        start += end - first;
    }
}

void cdt_ordered_energies(const double *x, size_t before, size_t n, size_t after, double *sums)
{
    memset(sums, 0, n * sizeof *sums);
    for (size_t a = 0; a < before; a++)
        for (size_t i = 0; i < n; i++) {
            double sum = 0.0;
            for (size_t j = 0; j < after; j++)
                sum += x[(a * n + i) * after + j] * x[(a * n + i) * after + j];
            sums[i] += sum;
        }
}
