#include "cdt_interpolate.h"
#include "cdt_simd.h"
#include "cdt_memory.h"
#include <math.h>
#include <string.h>

/* Normal equations of one class: sums of products of features and of the target, which is last. */
typedef struct {
    unsigned features;
    double samples, products[10][10];
} cdt_fit;

/* Weights without data: cubic interpolation along each odd axis, and their mean. */
static const int16_t cubic[3][9] = {
    {-128}, {-64, 576, -64, 0}, {-43, 384, -43, 384, -43, 0, 0, 0, 0}};

static void fall_back(unsigned odd, int16_t *weights)
{
    memcpy(weights, cubic[odd - 1], sizeof cubic[0]);
}

/* How many points each feature is a mean of. */
static double points_of_feature(unsigned odd, unsigned feature)
{
    if (odd == 3 && feature == 8) return 8;
    return feature < 2 * odd - 1 ? 2 : 4;
}

/* Solve by Cholesky. Reconstructed points are off by up to the bound, evenly: their variance, bound^2 / 3, is added where a decoder
 * will meet it, so that weights do not rely on differences that quantisation drowns. */
static void cdt_fit_solve(cdt_fit *fit, unsigned odd, double bound, int16_t *weights)
{
    const unsigned n = fit->features;
    double a[9][9], b[9], noise = fit->samples * bound * bound / 3.0;
    fall_back(odd, weights);
    if (fit->samples < 8.0 * n) return;
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j < n; j++) a[i][j] = fit->products[i][j] + noise / 2.0;
        a[i][i] += noise / points_of_feature(odd, i) + 1e-9 * fit->products[i][i];
        b[i] = fit->products[i][n] + noise / 2.0;
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned j = 0; j <= i; j++) {
            double sum = a[i][j];
            for (unsigned k = 0; k < j; k++) sum -= a[i][k] * a[j][k];
            if (i == j) {
                if (!(sum > 1e-12 * a[i][i])) return;
                a[i][i] = sqrt(sum);
            } else a[i][j] = sum / a[j][j];
        }
    }
    for (unsigned i = 0; i < n; i++) {
        for (unsigned k = 0; k < i; k++) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (unsigned i = n; i-- > 0;) {
        for (unsigned k = i + 1; k < n; k++) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
    for (unsigned i = 0; i < n; i++)
        if (!(fabs(b[i]) < 8.0)) return;
    for (unsigned i = 0; i < n; i++) weights[i] = (int16_t)lrint(b[i] * CDT_WEIGHT_UNIT);
}

/* Points of each class that an estimate looks at, about. */
enum { ESTIMATED = 2048 };
/* Points of each class that weights are fitted to, at most. */
enum { FITTED = 6144 };

/* Standard deviation of a weighted sum of points that are each off by an even error of one cell, in cells. */
static double noise_gain(unsigned odd, const double *weights)
{
    double base = 1, sum = 0;
    for (unsigned f = 0; f < odd * odd; f++) {
        base -= weights[f];
        sum += weights[f] * weights[f] / points_of_feature(odd, f);
    }
    return sqrt(sum + base * base / 2.0);
}

/* Even noise from -1/2 to 1/2, the same in every run. */
static double noise(size_t i)
{
    const uint32_t mixed = ((uint32_t)i + 1u) * 2654435761u;
    return (double)((mixed ^ mixed >> 15) * 2246822519u >> 8) * 0x1p-24 - 0.5;
}

/* The token of a residual, and its extra bits. */
static unsigned token_of(double residual, unsigned *extra)
{
    *extra = 0;
    if (!(fabs(residual) < 1e9)) {
        *extra = 30;
        return CDT_TOKENS_4 - 1;
    }
    const int32_t q = (int32_t)lrint(residual);
    const uint32_t u = (uint32_t)q << 1 ^ (uint32_t)(q >> 31);
    if (u < 16) return u;
    const unsigned e = 31u - (unsigned)__builtin_clz(u);
    *extra = e - 1;
    return 16 + 2 * (e - 4) + (u >> (e - 1) & 1);
}

static double entropy_of(const uint32_t *counts, unsigned symbols)
{
    double total = 0, bits = 0;
    for (unsigned i = 0; i < symbols; i++) total += counts[i];
    for (unsigned i = 0; i < symbols; i++)
        if (counts[i]) bits -= counts[i] * log2(counts[i] / total);
    return bits;
}

double cdt_estimate_residuals(const int32_t *residuals, size_t n, size_t row)
{
    uint32_t counts[CDT_TOKENS_4] = {0};
    uint64_t extra = 0, seen = 0;
    const size_t rows = n / row, every = n > 8 * ESTIMATED ? 1 + rows * row / (8 * ESTIMATED) : 1;
    for (size_t r = every / 2 % rows; r < rows; r += every) {
        const size_t m = row < 8 * ESTIMATED ? row : 8 * ESTIMATED;
        for (size_t i = 0; i < m; i++) {
            unsigned below;
            counts[token_of((double)residuals[r * row + i], &below)]++;
            extra += below;
        }
        seen += m;
    }
    return (entropy_of(counts, CDT_TOKENS_4) + (double)extra) * (double)n / (double)seen;
}

#define T float
#define ROWS f4
#define NAME(name) name##f4
#include "fit.template.h"
#include "interpolate.template.h"
#undef T
#undef ROWS
#undef NAME
#define T double
#define ROWS f8
#define NAME(name) name##f8
#include "fit.template.h"
#include "interpolate.template.h"
