/* Level-wise interpolation: each point is predicted from reconstructed points around it at coarser levels and earlier classes, with
 * weights fitted by least squares for each class and level.
 *
 * A prediction is base + sum of w_f * (f - base). The base is the mean of the two next points along the first odd axis (x, y, z in
 * this order); features f are the mean of the two after them; for each other odd axis the mean of its two next and of the two after;
 * for each pair of odd axes the mean of 4 diagonal points; for three odd axes the mean of the 8 corners. Points outside the grid are
 * the nearest inside, or go on in a straight line from the last two. The coarsest grid is predicted by the point before.
 */
#ifndef CDT_INTERPOLATE_H
#define CDT_INTERPOLATE_H
#include "cdt_pyramid.h"
#include "cdt_rans.h"
#include "cdt_rows.h"

/* Levels with weights of their own; coarser ones use those of the last. Weights are in units of 1/1024. */
#define CDT_FITTED 4
#define CDT_WEIGHT_UNIT 1024

typedef struct {
    cdt_cells cells;
    double origin;                         /* before the first point of the coarsest grid */
    unsigned fitted;                       /* levels with weights */
    int straight;                          /* points outside the grid go on in a straight line; else they are the nearest inside */
    int16_t weights[CDT_FITTED][8][9];     /* by level and class */
    const void *missing;                   /* codes that no point becomes; none for whole numbers, whose maps know them */
    size_t n_missing;
    double low, high;                      /* whole numbers in cells: the least and the largest that the type has */
    double max_error;                      /* of points that keep the bound */
    size_t bad;                            /* points that do not */
} cdt_interpolation;

#define CDT_INTERPOLATE_DECL(S, T)                                                                                       \
    /* Values (contiguous, no NaN) into the places of the pyramid. */                                                     \
    void cdt_interpolate_place_##S(const cdt_pyramid *pyramid, const T *values, int straight, T *places);                 \
    /* Fit weights to the placed values; `bits` is about what the residuals of the levels with weights will take. */       \
    int cdt_interpolate_fit_##S(const cdt_pyramid *pyramid, const T *places, cdt_interpolation *with, double *bits);      \
    /* Add what those of the coarser levels will take. */                                                                 \
    int cdt_interpolate_estimate_##S(const cdt_pyramid *pyramid, const T *places, const cdt_interpolation *with,          \
                                     double *bits);                                                                       \
    /* Residuals of placed values (NaN: none) as tokens and extra bits; places then hold what a decoder finds. Bit i of   \
     * `bad` (zeros before) is set for the i-th point, in C order, that is there and does not keep the bound. */            \
    int cdt_interpolate_encode_##S(const cdt_pyramid *pyramid, T *places, cdt_interpolation *with, uint8_t *tokens,       \
                                   cdt_bits_writer *extra, uint8_t *bad);                                                 \
    /* Values of tokens (0 in the padding of their rows), at a level: 0 for all, k for those at multiples of 2^k along    \
     * the split axes. */                                                                                                 \
    int cdt_interpolate_decode_##S(const cdt_pyramid *pyramid, const cdt_interpolation *with, const uint8_t *tokens,      \
                                   cdt_bits_reader *extra, unsigned level, T *places, T *values);

CDT_INTERPOLATE_DECL(f4, float)
CDT_INTERPOLATE_DECL(f8, double)

/* The same for residuals that are there, in rows of `row`. */
double cdt_estimate_residuals(const int32_t *residuals, size_t n, size_t row);

#endif
