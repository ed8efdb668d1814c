/* Statistics of one type, included once for each: T, U (unsigned of the same width), SUFFIX, IS_FLOAT. */
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define NAME(base) CAT(base, SUFFIX)

typedef struct {
    T least, most;
    double total, mean, m2;
    int64_t finite, zeros;
} NAME(tile_);

/* Sum of a tile. LANES sums, so that the order of additions is the same on every path. */
static CDT_DISPATCH double NAME(tile_sum_)(const T *restrict x, size_t n)
{
    double sums[LANES] = {0}, total = 0;
    size_t i;
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++)
            sums[k] += (double)x[i + k];
    for (; i < n; i++)
        sums[i % LANES] += (double)x[i];
    for (size_t k = 0; k < LANES; k++)
        total += sums[k];
    return total;
}

/* Moments of a tile of n > 0 finite values with the sum `total`. */
static CDT_DISPATCH void NAME(tile_moments_)(const T *restrict x, size_t n, double total, NAME(tile_) *restrict tile)
{
    T least = x[0], most = x[0];
    uint32_t zeros = 0;
    double squares[LANES] = {0};
    size_t i;
    SIMD(reduction(min : least) reduction(max : most))
    for (i = 0; i < n; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    for (i = 0; i < n; i++)
        zeros += x[i] == 0;
    const double mean = total / (double)n;
    for (i = 0; i + LANES <= n; i += LANES)
        for (size_t k = 0; k < LANES; k++) {
            const double d = (double)x[i + k] - mean;
            squares[k] += d * d;
        }
    for (; i < n; i++) {
        const double d = (double)x[i] - mean;
        squares[i % LANES] += d * d;
    }
    tile->m2 = 0;
    for (size_t k = 0; k < LANES; k++)
        tile->m2 += squares[k];
    tile->least = least;
    tile->most = most;
    tile->total = total;
    tile->mean = mean;
    tile->finite = (int64_t)n;
    tile->zeros = (int64_t)zeros;
}

/* Copies the finite, not missing values of a tile to `kept` and counts the others. */
static size_t NAME(keep_finite_)(const T *x, const uint8_t *mask, size_t n, T *kept, cdt_moments *moments)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (mask && mask[i]) {
            moments->missing++;
            continue;
        }
#if IS_FLOAT
        if (x[i] != x[i]) {
            moments->nan++;
            continue;
        }
        if (x[i] - x[i] != 0) {
            moments->positive_infinite += x[i] > 0;
            moments->negative_infinite += x[i] < 0;
            continue;
        }
#endif
        kept[count++] = x[i];
    }
    return count;
}

static void NAME(take_tile_)(const NAME(tile_) *tile, cdt_moments *moments, T *least, T *most)
{
    if (!moments->finite || tile->least < *least)
        *least = tile->least;
    if (!moments->finite || tile->most > *most)
        *most = tile->most;
    const double left = (double)moments->finite, right = (double)tile->finite, shift = tile->mean - moments->mean;
    moments->mean += shift * right / (left + right);
    moments->m2 += tile->m2 + shift * shift * left * right / (left + right);
    moments->total += tile->total;
    moments->finite += tile->finite;
    moments->zeros += tile->zeros;
}

/* Takes a tile of which some values may be missing or not finite; `kept` receives the others. Returns how many these are. */
static size_t NAME(take_finite_)(const T *x, const uint8_t *mask, size_t n, T *kept, cdt_moments *moments, T *least,
                                 T *most)
{
    NAME(tile_) tile;
    const size_t count = NAME(keep_finite_)(x, mask, n, kept, moments);
    if (!count)
        return 0;
    NAME(tile_moments_)(kept, count, NAME(tile_sum_)(kept, count), &tile);
    NAME(take_tile_)(&tile, moments, least, most);
    return count;
}

int NAME(cdt_describe_)(const T *x, const uint8_t *mask, size_t n, cdt_moments *moments, T *least, T *most)
{
    T kept[TILE];
    NAME(tile_) tile;
    memset(moments, 0, sizeof *moments);
    for (size_t start = 0; start < n; start += TILE) {
        const size_t count = n - start < TILE ? n - start : TILE;
        const uint8_t *m = mask && any_set(mask + start, count) ? mask + start : NULL;
        const double total = NAME(tile_sum_)(x + start, count);
        if (m || !(fabs(total) <= DBL_MAX)) { /* a value that is not finite leaves no finite sum */
            NAME(take_finite_)(x + start, m, count, kept, moments, least, most);
        } else {
            NAME(tile_moments_)(x + start, count, total, &tile);
            NAME(take_tile_)(&tile, moments, least, most);
        }
    }
    return CDT_OK;
}

#include "compare.template.h"

#undef NAME
#undef CAT
#undef CAT_
