/* Errors of numbers, rounded up: what a stream states is never below what is true. */
#ifndef CDT_ERROR_ABOVE_H
#define CDT_ERROR_ABOVE_H
#include <math.h>

/* |x - y|, or the next number of binary64 above it: what the difference rounds away (two-sum, Knuth) says which. */
static inline double error_above(double x, double y)
{
    const double d = x - y, back = x - d, lost = (x - (d + back)) + (back - y);
    const int more = d < 0 ? lost < 0 : lost > 0;
    return more ? nextafter(fabs(d), INFINITY) : fabs(d);
}

/* |x - y| / |x|, or the next numbers of binary64 above it. */
static inline double ratio_above(double x, double y)
{
    /* Far from the least numbers, so that what the quotient leaves is one. */
    const double scale = fabs(x) < 0x1p-900 ? 0x1p200 : 1, size = fabs(x) * scale, error = error_above(x, y) * scale;
    const double ratio = error / size;
    return fma(ratio, size, -error) < 0 ? nextafter(ratio, INFINITY) : ratio;
}

#endif
