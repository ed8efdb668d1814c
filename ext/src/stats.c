#include "cdt_stats.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "cdt_status.h"

/* A tile of two arrays, its work copies and bin numbers stay in the first-level cache. */
#define TILE 1024
/* Sums run in so many lanes: what vectors do anyway, and one order of additions on every path. */
#define LANES 8

static void count_bins(const int32_t *where, size_t n, int64_t *counts)
{
    for (size_t i = 0; i < n; i++)
        counts[where[i]]++;
}

/* What rounding took from |a - b| (Knuth, The Art of Computer Programming, vol. 2, theorem 4.2.2 B). */
static double lost_in_error(double a, double b)
{
    const double s = a - b, virtual_b = a - s, virtual_a = s + virtual_b;
    const double rest = (a - virtual_a) + (virtual_b - b);
    return s < 0 ? -rest : rest;
}

/* Whether |a - b| > bound * |a| where both round to one number: what rounding took from each decides. */
static int is_over_product(double a, double b, double bound)
{
    if (fabs(a - b) > DBL_MAX) {
        a *= 0.5;
        b *= 0.5;
    }
    const double d = fabs(a - b), most = bound * fabs(a);
    if (d != most || d == 0)
        return d > most;
    return (long double)lost_in_error(a, b) > fmal(bound, fabsl(a), -(long double)most);
}

#define T float
#define U uint32_t
#define SUFFIX f4
#define IS_FLOAT 1
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T double
#define U uint64_t
#define SUFFIX f8
#define IS_FLOAT 1
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int8_t
#define U uint8_t
#define SUFFIX i1
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int16_t
#define U uint16_t
#define SUFFIX i2
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int32_t
#define U uint32_t
#define SUFFIX i4
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T int64_t
#define U uint64_t
#define SUFFIX i8
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint8_t
#define U uint8_t
#define SUFFIX u1
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint16_t
#define U uint16_t
#define SUFFIX u2
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint32_t
#define U uint32_t
#define SUFFIX u4
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT

#define T uint64_t
#define U uint64_t
#define SUFFIX u8
#define IS_FLOAT 0
#include "stats.template.h"
#undef T
#undef U
#undef SUFFIX
#undef IS_FLOAT
