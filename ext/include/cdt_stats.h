/* Statistics of one array, or of two side by side, in one pass over memory.
 *
 * Moments are of the values that are finite and not missing (mask byte 0; mask NULL: none is missing), by tiles: sums within a
 * tile, tiles merged by the pairwise formulas of Chan, Golub & LeVeque (1979). Results depend only on the values and their order.
 */
#ifndef CDT_STATS_H
#define CDT_STATS_H
#include <stddef.h>
#include <stdint.h>

typedef struct {
    int64_t missing, nan, positive_infinite, negative_infinite, zeros, finite;
    double total, mean, m2;
} cdt_moments;

typedef enum { CDT_BOUND_NONE = 0, CDT_BOUND_LOSSLESS = 1, CDT_BOUND_ABS = 2, CDT_BOUND_PW_REL = 3 } cdt_bound_kind;

typedef struct {
    cdt_moments x, y;
    int64_t finite, mismatched, over_bound;
    double max_error, max_relative_error, sum_error, sum_squared_error, co_moment, pair_mean_x, pair_mean_y;
} cdt_comparison;

/* What histograms are over: value bins from `low` to `high`, error bins from -bound to bound (0 bins: none). */
typedef struct {
    double low, high, bound;
    cdt_bound_kind kind;
    int32_t bins, error_bins;
    int64_t *counts_x, *counts_y, *counts_error;
} cdt_histograms;

#define CDT_STATS_DECL(SUFFIX, T)                                                                                        \
    /* least, most: extremes of the finite values, untouched without one. */                                              \
    int cdt_describe_##SUFFIX(const T *x, const uint8_t *mask, size_t n, cdt_moments *moments, T *least, T *most);        \
    /* y == x is allowed, and skips all that compares. extremes: least x, most x, least y, most y. */                     \
    int cdt_compare_##SUFFIX(const T *x, const T *y, const uint8_t *mask, size_t n, const cdt_histograms *histograms,     \
                             cdt_comparison *comparison, T *extremes);

CDT_STATS_DECL(f4, float)
CDT_STATS_DECL(f8, double)
CDT_STATS_DECL(i1, int8_t)
CDT_STATS_DECL(i2, int16_t)
CDT_STATS_DECL(i4, int32_t)
CDT_STATS_DECL(i8, int64_t)
CDT_STATS_DECL(u1, uint8_t)
CDT_STATS_DECL(u2, uint16_t)
CDT_STATS_DECL(u4, uint32_t)
CDT_STATS_DECL(u8, uint64_t)

/* 64-bit hashes of `rows` runs of `width` bytes each, one after the other. Not against an adversary. */
int cdt_row_hashes(const uint8_t *bytes, size_t rows, size_t width, uint64_t *hashes);

#endif
