#include "cdt_interpolate.h"
#include "cdt_simd.h"
#include "cdt_tables.h"
#include "cdt_memory.h"
#include "error_above.h"
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

static unsigned odd_axes(const cdt_segment *s)
{
    const unsigned c = s->class_bits;
    return (c & 1u) + (c >> 1 & 1u) + (c >> 2);
}

/* How many points each feature is a mean of. */
static double points_of_feature(unsigned odd, unsigned feature)
{
    if (odd == 3 && feature == 8) return 8;
    return feature < 2 * odd - 1 ? 2 : 4;
}

/* Solve by Cholesky. Reconstructed points are off by up to the bound, evenly: their variance, bound^2 / 3, is added where a decoder
 * will meet it, so that weights do not rely on differences that quantisation drowns. Returns 0, and leaves the weights, where there
 * is no solution. */
static int cdt_fit_solve(const cdt_fit *fit, unsigned odd, double bound, size_t seen, int16_t *weights)
{
    const unsigned n = fit->features;
    double a[9][9], b[9], noise = fit->samples * bound * bound / 3.0;
    if (seen < 8 * n || !(fit->samples > 0)) return 0;
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
                if (!(sum > 1e-12 * a[i][i])) return 0;
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
        if (!(fabs(b[i]) < 8.0)) return 0;
    for (unsigned i = 0; i < n; i++) weights[i] = (int16_t)lrint(b[i] * CDT_WEIGHT_UNIT);
    return 1;
}

/* Points of each class that an estimate looks at, about. */
enum { ESTIMATED = 2048 };
/* Long rows are looked at in pieces of so many points. */
enum { ROW_PART = 64 };
/* Points of each class that weights are fitted to, at most. */
enum { FITTED = 8192 };
/* Of these, so many at most are looked at to choose between two fits. */
enum { COMPARED = 4096 };
/* Residuals become tokens, and tokens residuals, about so many at a time. */
enum { AT_ONCE = 4096 };
/* Points that are compared at a time. */
enum { STRIP = 512 };

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

/* A number from k * every on, before the next and before `end`: samples at even distances could be in step with what they look at. */
static size_t scattered(size_t k, size_t every, size_t end)
{
    const uint32_t mixed = ((uint32_t)k + 1u) * 2654435761u;
    const size_t at = k * every + (mixed ^ mixed >> 15) % every;
    return at < end ? at : end - 1;
}

/* Pieces of the rows of a segment, of `part` points each, `in_row` in a row: one of `every` is looked at. */
typedef struct {
    size_t part, in_row, all, every;
} row_pieces;

static row_pieces pieces_of(size_t rows, size_t cols)
{
    const size_t part = cols < ROW_PART ? cols : ROW_PART;
    return (row_pieces){.part = part, .in_row = cols / part, .all = rows * (cols / part), .every = 1};
}

static size_t between(size_t n, size_t least, size_t most)
{
    return n < least ? least : n > most ? most : n;
}

/* Look at so many pieces that they have about so many points. */
static void look_at_about(row_pieces *pieces, size_t points)
{
    const size_t wanted = points / pieces->part + 1;
    pieces->every = pieces->all > wanted ? pieces->all / wanted : 1;
}

/* Where the k-th piece that is looked at is: its row, and the first of its points. Returns its number. */
static size_t next_piece(const row_pieces *pieces, size_t k, size_t *row, size_t *from)
{
    const size_t i = scattered(k, pieces->every, pieces->all);
    *row = i / pieces->in_row;
    *from = i % pieces->in_row * pieces->part;
    return i;
}

/* Even noise from -1/2 to 1/2, the same in every run. */
static double noise(size_t i)
{
    const uint32_t mixed = ((uint32_t)i + 1u) * 2654435761u;
    return (double)((mixed ^ mixed >> 15) * 2246822519u >> 8) * 0x1p-24 - 0.5;
}

/* Tokens of sampled rows, by the size of the one before: about what contexts will find. */
enum { NEARBY = 6 };

typedef struct {
    uint32_t counts[NEARBY][CDT_TOKENS_4];
    uint64_t extra, seen;
    unsigned nearby;
} sampled;

static inline void sampled_add(sampled *tokens, int32_t residual)
{
    static const uint8_t nearby[16] = {0, 1, 2, 3, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};
    const uint32_t u = (uint32_t)residual << 1 ^ (uint32_t)(residual >> 31);
    const unsigned below = 30u - (unsigned)__builtin_clz(u | 8), is_large = u >= 16;
    tokens->counts[tokens->nearby][is_large ? 2 * below + 8 + (u >> below) : u]++;
    tokens->extra += is_large ? below : 0;
    tokens->seen++;
    tokens->nearby = is_large ? NEARBY - 1 : nearby[u];
}

/* A residual in cells; what is far beyond is as far as tokens go. */
static inline int32_t whole(double residual)
{
    return fabs(residual) < 1e9 ? (int32_t)lrint(residual) : INT32_MAX;
}

static double sampled_bits(const sampled *tokens)
{
    uint64_t bits = 0;
    for (unsigned near = 0; near < NEARBY; near++) {
        uint32_t total = 0;
        for (unsigned i = 0; i < CDT_TOKENS_4; i++) {
            total += tokens->counts[near][i];
            bits -= cdt_n_log_n(tokens->counts[near][i]);
        }
        bits += cdt_n_log_n(total);
    }
    return (double)tokens->extra + (double)bits * 0x1p-16;
}

double cdt_estimate_residuals(const int32_t *residuals, size_t n, size_t row)
{
    sampled tokens = {.extra = 0};
    row_pieces pieces = pieces_of(n / row, row);
    look_at_about(&pieces, between(n / 8, ESTIMATED, 8 * ESTIMATED));
    for (size_t k = 0, r, from; k * pieces.every < pieces.all; k++) {
        next_piece(&pieces, k, &r, &from);
        tokens.nearby = 0;
        for (size_t i = 0; i < pieces.part; i++) sampled_add(&tokens, residuals[r * row + from + i]);
    }
    return sampled_bits(&tokens) * (double)n / (double)tokens.seen;
}

#define T float
#define ROWS f4
#define NAME(name) name##f4
#include "fit.template.h"
#include "interpolate.template.h"
#include "interpolate_coding.template.h"
#undef T
#undef ROWS
#undef NAME
#define T double
#define ROWS f8
#define NAME(name) name##f8
#include "fit.template.h"
#include "interpolate.template.h"
#include "interpolate_coding.template.h"
