/* Row kernels for one type of float: T, LIMIT (the largest |k|), MAGIC (1.5 * 2^mantissa bits: adding it rounds), BITS and UBITS (the
 * integers of T's size), INFINITE (the bits of infinity); with vectors VECTOR, FLOATS (operations on it), NOT_BELOW (AVX-512). One
 * order of operations, no contraction: decoders on every machine find the same y. */

/* By order-preserving integers, so that NaN and infinities drop out of the minimum without a branch. */
static void NAME(rows_extremes)(const T *values, size_t n, T *low, T *high)
{
    enum { WIDE = 256 / sizeof(T) };
    const BITS *bits = (const BITS *)(const void *)values;
    const int shift = 8 * (int)sizeof(BITS) - 1;
    const BITS top = (BITS)(((UBITS)1 << shift) - 1), infinite = (BITS)INFINITE;
    BITS lows[WIDE], highs[WIDE], least = top, most = ~top;
    for (int j = 0; j < WIDE; j++) {
        lows[j] = top;
        highs[j] = ~top;
    }
    size_t i = 0;
#if CDT_SIMD == 2
    if (NAME(rows_range)(values, n, low, high)) return;
#endif
#define LOOK(b, low, high)                                                                                               \
    {                                                                                                                    \
        const BITS key = (b) ^ (((b) >> shift) & top);                                                                   \
        const int finite = ((b) & top) < infinite;                                                                       \
        const BITS from_below = finite ? key : top, from_above = finite ? key : ~top;                                    \
        (low) = from_below < (low) ? from_below : (low);                                                                 \
        (high) = from_above > (high) ? from_above : (high);                                                              \
    }
    for (; i + WIDE <= n; i += WIDE)
        for (int j = 0; j < WIDE; j++) LOOK(bits[i + j], lows[j], highs[j])
    for (; i < n; i++) LOOK(bits[i], lows[0], highs[0])
#undef LOOK
    for (int j = 0; j < WIDE; j++) {
        least = lows[j] < least ? lows[j] : least;
        most = highs[j] > most ? highs[j] : most;
    }
    if (least > most) return;
    least ^= (least >> shift) & top;
    most ^= (most >> shift) & top;
    memcpy(low, &least, sizeof *low);
    memcpy(high, &most, sizeof *high);
    *low += 0; /* zeros are equal, and both are found as 0 */
    *high += 0;
}

/* A byte of bits at a time; the compiler makes vectors of eight comparisons where it can. */
static void NAME(rows_apart)(const T *x, const T *y, size_t n, T bound, uint8_t *bits)
{
    size_t i = 0;
#if CDT_SIMD == 512
    for (; i + 64 / sizeof(T) <= n; i += 64 / sizeof(T)) {
        const uint16_t far = NOT_BELOW(FLOATS(abs)(y ? FLOATS(sub)(FLOATS(loadu)(x + i), FLOATS(loadu)(y + i)) : FLOATS(loadu)(x + i)),
                                       FLOATS(set1)(bound));
        memcpy(bits + i / 8, &far, 8 / sizeof(T));
    }
#elif CDT_SIMD == 2
    for (; i + 8 <= n; i += 8) bits[i / 8] = (uint8_t)NAME(rows_far)(x + i, y ? y + i : NULL, bound);
#endif
    for (; i < n; i += 8) {
        unsigned byte = 0;
        for (unsigned j = 0; j < 8 && i + j < n; j++) {
            const T d = y ? x[i + j] - y[i + j] : x[i + j];
            byte |= (unsigned)!((d < 0 ? -d : d) < bound) << j;
        }
        bits[i / 8] = (uint8_t)byte;
    }
}

static void NAME(rows_split)(const T *restrict in, size_t n, T *restrict even, T *restrict odd)
{
    const size_t half = n / 2;
    for (size_t i = 0; i < half; i++) {
        even[i] = in[2 * i];
        odd[i] = in[2 * i + 1];
    }
    if (n & 1) even[half] = in[n - 1];
}

static void NAME(rows_merge)(const T *restrict even, const T *restrict odd, size_t n, T *restrict out)
{
    const size_t half = n / 2;
    for (size_t i = 0; i < half; i++) {
        out[2 * i] = even[i];
        out[2 * i + 1] = odd[i];
    }
    if (n & 1) out[n - 1] = even[half];
}

#define MEAN2(a, b) (((a)[i] + (b)[i]) * (T)0.5)
#define MEAN4(a) ((((a)[0][i] + (a)[1][i]) + ((a)[2][i] + (a)[3][i])) * (T)0.25)
#define MEAN8(a)                                                                                                         \
    (((((a)[0][i] + (a)[1][i]) + ((a)[2][i] + (a)[3][i])) + (((a)[4][i] + (a)[5][i]) + ((a)[6][i] + (a)[7][i]))) * (T)0.125)

static void NAME(rows_predict_1)(const T *const *a, const T *w, size_t n, T *restrict p)
{
    const T *const a0 = a[0], *const a1 = a[1], *const a2 = a[2], *const a3 = a[3];
    const T w0 = w[0];
    for (size_t i = 0; i < n; i++) {
        const T near = MEAN2(a0, a1);
        p[i] = near + w0 * (MEAN2(a2, a3) - near);
    }
}

static void NAME(rows_predict_2)(const T *const *around, const T *w, size_t n, T *restrict p)
{
    const T *a[12];
    memcpy(a, around, sizeof a);
    const T w0 = w[0], w1 = w[1], w2 = w[2], w3 = w[3];
    for (size_t i = 0; i < n; i++) {
        const T near = MEAN2(a[0], a[1]);
        const T first = w0 * (MEAN2(a[2], a[3]) - near), second = w1 * (MEAN2(a[4], a[5]) - near);
        const T third = w2 * (MEAN2(a[6], a[7]) - near), fourth = w3 * (MEAN4(a + 8) - near);
        p[i] = near + ((first + second) + (third + fourth));
    }
}

static void NAME(rows_predict_3)(const T *const *around, const T *w, size_t n, T *restrict p)
{
    const T *a[32];
    memcpy(a, around, sizeof a);
    for (size_t i = 0; i < n; i++) {
        const T near = MEAN2(a[0], a[1]);
        const T f0 = w[0] * (MEAN2(a[2], a[3]) - near), f1 = w[1] * (MEAN2(a[4], a[5]) - near);
        const T f2 = w[2] * (MEAN2(a[6], a[7]) - near), f3 = w[3] * (MEAN2(a[8], a[9]) - near);
        const T f4 = w[4] * (MEAN2(a[10], a[11]) - near), f5 = w[5] * (MEAN4(a + 12) - near);
        const T f6 = w[6] * (MEAN4(a + 16) - near), f7 = w[7] * (MEAN4(a + 20) - near);
        const T f8 = w[8] * (MEAN8(a + 24) - near);
        p[i] = near + ((((f0 + f1) + (f2 + f3)) + ((f4 + f5) + (f6 + f7))) + f8);
    }
}

static void NAME(rows_predict)(const T *const *around, unsigned odd, const T *weights, size_t n, T *p)
{
    if (odd == 1) NAME(rows_predict_1)(around, weights, n, p);
    else if (odd == 2) NAME(rows_predict_2)(around, weights, n, p);
    else NAME(rows_predict_3)(around, weights, n, p);
}

static void NAME(rows_features)(const T *const *around, unsigned odd, const T *restrict x, size_t n, size_t room,
                                T *restrict out)
{
    const T *a[32];
    memcpy(a, around, (odd == 1 ? 4 : odd == 2 ? 12 : 32) * sizeof *a);
    for (size_t i = 0; i < n; i++) {
        const T near = MEAN2(a[0], a[1]);
        out[i] = MEAN2(a[2], a[3]) - near;
    }
    size_t rows = 1;
    for (unsigned axis = 1; axis < odd; axis++)
        for (unsigned far = 0; far < 2; far++, rows++) {
            const T *const b = a[4 * axis + 2 * far], *const c = a[4 * axis + 2 * far + 1];
            for (size_t i = 0; i < n; i++) out[rows * room + i] = MEAN2(b, c) - MEAN2(a[0], a[1]);
        }
    const unsigned pairs = odd * (odd - 1) / 2;
    for (unsigned pair = 0; pair < pairs; pair++, rows++)
        for (size_t i = 0; i < n; i++) out[rows * room + i] = MEAN4(a + 4 * odd + 4 * pair) - MEAN2(a[0], a[1]);
    if (odd == 3) {
        for (size_t i = 0; i < n; i++) out[rows * room + i] = MEAN8(a + 24) - MEAN2(a[0], a[1]);
        rows++;
    }
    for (size_t i = 0; i < n; i++) out[rows * room + i] = x[i] - MEAN2(a[0], a[1]);
}

static T NAME(rows_quantise)(const T *restrict x, T *restrict p, size_t n, const cdt_cells *cells, int32_t *restrict k,
                             T *restrict y, size_t *bad_count)
{
    const T step = (T)cells->step, inverse = (T)1 / step, bound = (T)cells->bound;
    size_t bad = 0;
    BITS largest = 0;
    if (cells->snap)
        for (size_t i = 0; i < n; i++) p[i] = (p[i] + (T)MAGIC) - (T)MAGIC;
    for (size_t i = 0; i < n; i++) {
        T s = (x[i] - p[i]) * inverse;
        s = (s < (T)LIMIT && s > -(T)LIMIT) ? s : (T)0;
        const T whole = (s + (T)MAGIC) - (T)MAGIC;
        const T back = p[i] + whole * step;
        const T error = x[i] - back;
        union { T t; BITS b; } size;
        size.t = error < 0 ? -error : error;
        y[i] = back;
        k[i] = (int32_t)whole;
        const int fits = size.t < bound;
        bad += !fits;
        const BITS bits = fits ? size.b : 0;
        largest = bits > largest ? bits : largest;
    }
    *bad_count = bad;
    union { T t; BITS b; } most = {.b = largest};
    return most.t;
}

static T NAME(rows_quantise_flat)(const T *restrict x, size_t n, const cdt_cells *cells, int32_t *restrict k, size_t *bad_count)
{
    const T step = (T)cells->step, inverse = (T)1 / step, bound = (T)cells->bound, p = (T)cells->offset;
    UBITS bad = 0;
    BITS largest = 0;
    T most = 0;
    size_t i = 0;
#if CDT_SIMD
    enum { LANES = sizeof(VECTOR) / sizeof(T) };
    T each[LANES];
    VECTOR most_of = FLOATS(setzero)();
#if CDT_SIMD == 2
    i = NAME(rows_near)(x, n, cells, k, &most);
#endif
    size_t fit = i;
    for (; i + LANES <= n; i += LANES) {
        const VECTOR from = FLOATS(loadu)(x + i), s = FLOATS(mul)(FLOATS(sub)(from, FLOATS(set1)(p)), FLOATS(set1)(inverse));
        const VECTOR back = FLOATS(add)(FLOATS(set1)(p), FLOATS(mul)(NAME(rows_whole)(s, k + i), FLOATS(set1)(step)));
        most_of = NAME(rows_fit)(FLOATS(sub)(from, back), FLOATS(set1)(bound), most_of, &fit);
    }
    bad = (UBITS)(i - fit);
    FLOATS(storeu)(each, most_of);
    for (unsigned j = 0; j < LANES; j++) most = each[j] > most ? each[j] : most;
#endif
    for (; i < n; i++) {
        T s = (x[i] - p) * inverse;
        s = (s < (T)LIMIT && s > -(T)LIMIT) ? s : (T)0;
        const T whole = (s + (T)MAGIC) - (T)MAGIC;
        const T error = x[i] - (p + whole * step);
        union { T t; BITS b; UBITS u; } size = {.t = error};
        size.u &= ~((UBITS)1 << (8 * sizeof(T) - 1));
        k[i] = (int32_t)whole;
        const int fits = size.t < bound;
        bad += (UBITS)!fits;
        const BITS bits = fits ? size.b : 0;
        largest = bits > largest ? bits : largest;
    }
    *bad_count = (size_t)bad;
    union { T t; BITS b; } rest = {.b = largest};
    return rest.t > most ? rest.t : most;
}

static void NAME(rows_rebuild_flat)(const int32_t *restrict k, size_t n, const cdt_cells *cells, T *restrict y)
{
    const T step = (T)cells->step, p = (T)cells->offset;
    for (size_t i = 0; i < n; i++) y[i] = p + (T)k[i] * step;
}

static void NAME(rows_rebuild)(T *restrict p, const int32_t *restrict k, size_t n, const cdt_cells *cells, T *restrict y)
{
    const T step = (T)cells->step;
    if (cells->snap)
        for (size_t i = 0; i < n; i++) p[i] = (p[i] + (T)MAGIC) - (T)MAGIC;
    for (size_t i = 0; i < n; i++) y[i] = p[i] + (T)k[i] * step;
}

/* Residuals of `n` samples: the target, which is row `count` of features (a distance of `room` apart), minus the weighted others. */
static void NAME(rows_residuals)(const T *rows, size_t room, size_t n, unsigned count, const T *weights, T *restrict residuals)
{
    memcpy(residuals, rows + count * room, n * sizeof *residuals);
    for (unsigned f = 0; f < count; f++) {
        const T weight = weights[f], *const row = rows + f * room;
        for (size_t i = 0; i < n; i++) residuals[i] -= weight * row[i];
    }
}

/* 1 / (1 + (r * inverse)^2) in place, 0 where that is next to nothing or not a number. */
static void NAME(rows_weigh)(T *residuals, size_t n, T inverse)
{
    for (size_t i = 0; i < n; i++) {
        const T r = residuals[i] * inverse, w = (T)1 / ((T)1 + r * r);
        residuals[i] = w >= (T)1e-12 ? w : (T)0;
    }
}

/* Weighted sums of products of `all` rows, in 16 parts of each stretch of 512 samples, joined in one order. */
static void NAME(rows_products)(const T *rows, size_t room, size_t n, unsigned all, const T *weights, double (*products)[10])
{
    enum { PARTS = 16, STRETCH = 512 };
    for (unsigned f = 0; f < all; f++)
        for (unsigned g = 0; g < all; g++) products[f][g] = 0;
    for (size_t from = 0; from < n; from += STRETCH) {
        const size_t m = n - from < STRETCH ? n - from : STRETCH;
        T weighted[STRETCH];
        for (unsigned f = 0; f < all; f++) {
            const T *a = rows + f * room + from;
            for (size_t i = 0; i < m; i++) weighted[i] = a[i] * weights[from + i];
            for (unsigned g = f; g < all; g++) {
                const T *b = rows + g * room + from;
                T part[PARTS] = {0};
                size_t i = 0;
                for (; i + PARTS <= m; i += PARTS)
                    for (int j = 0; j < PARTS; j++) part[j] += weighted[i + j] * b[i + j];
                for (int j = 0; i < m; i++, j++) part[j] += weighted[i] * b[i];
                double sum = 0;
                for (int j = 0; j < PARTS; j++) sum += (double)part[j];
                products[f][g] += sum;
            }
        }
    }
    for (unsigned f = 0; f < all; f++)
        for (unsigned g = 0; g < f; g++) products[f][g] = products[g][f];
}

#undef MEAN2
#undef MEAN4
#undef MEAN8
#undef T
#undef BITS
#undef UBITS
#undef INFINITE
#undef LIMIT
#undef MAGIC
#undef FLOATS
#undef NOT_BELOW
#undef VECTOR
#undef NAME
