/* Tall matrices, for each type of numbers: see cdt_tall.h. Tiles of the long side are packed as rows of doubles, which stay in the
 * nearest cache; what comes two tiles later is fetched meanwhile, a line at a time: fetched all at once, it would wait for memory. */
#include "cdt_tall.h"
/* Rows in a block of a Gram matrix, basis vectors and rows at once in projections: as many as registers hold sums for. */
#if CDT_SIMD == 512
#define TALL_BLOCK 5
#define TALL_BASIS 10
#define TALL_ROWS 8
#else
#define TALL_BLOCK 3
#define TALL_BASIS 6
#define TALL_ROWS 4
#endif
#define TALL_LANES ((size_t)LANES_F8)
/* Columns of a tile: 20 rows of them take half of the nearest cache. */
#define TALL_TILE ((size_t)160)
/* Squares of columns that vanish beside 1: no reflection is accurate there. What rounding leaves of dependent columns gets there. */
#define TALL_LEAST 1e-290

static inline double LEVEL(tall_sum)(vf8 v)
{
    double sum = 0;
    for (size_t i = 0; i < TALL_LANES; i++) sum += v[i];
    return sum;
}

/* sums (pairs of blocks, in order) += products of all pairs of rows of the tile; `ahead` has the lines to fetch, row by row. */
INLINE void LEVEL(tall_pair)(const double *a, const double *b, const char *fetch, size_t fetch_stride, vf8 *sums)
{
    vf8 c[TALL_BLOCK][TALL_BLOCK];
UNROLL
    for (int i = 0; i < TALL_BLOCK * TALL_BLOCK; i++) c[i / TALL_BLOCK][i % TALL_BLOCK] = sums[i];
    for (size_t k = 0; k < TALL_TILE; k += TALL_LANES) {
        __builtin_prefetch(fetch + 8 * k, 0, 2);
        __builtin_prefetch(fetch + fetch_stride + 8 * k, 0, 2);
        vf8 left[TALL_BLOCK];
UNROLL
        for (int i = 0; i < TALL_BLOCK; i++) left[i] = LOAD_F8(a + (size_t)i * TALL_TILE + k);
UNROLL
        for (int j = 0; j < TALL_BLOCK; j++) {
            const vf8 right = LOAD_F8(b + (size_t)j * TALL_TILE + k);
UNROLL
            for (int i = 0; i < TALL_BLOCK; i++) c[i][j] += left[i] * right;
        }
    }
UNROLL
    for (int i = 0; i < TALL_BLOCK * TALL_BLOCK; i++) sums[i] = c[i / TALL_BLOCK][i % TALL_BLOCK];
}

static void LEVEL(tall_products)(const double *tile, size_t blocks, const char *ahead, size_t ahead_stride, size_t ahead_rows, vf8 *sums)
{
    size_t row = 0;
    for (size_t i = 0; i < blocks; i++)
        for (size_t j = i; j < blocks; j++) {
            const char *fetch = row < ahead_rows ? ahead + row * ahead_stride : (const char *)tile;
            LEVEL(tall_pair)(tile + i * TALL_BLOCK * TALL_TILE, tile + j * TALL_BLOCK * TALL_TILE, fetch, row + 1 < ahead_rows ? ahead_stride : 0, sums);
            row += 2;
            sums += TALL_BLOCK * TALL_BLOCK;
        }
}

static void LEVEL(tall_add_gram)(const vf8 *sums, size_t blocks, size_t n, double *gram)
{
    for (size_t i = 0; i < blocks; i++)
        for (size_t j = i; j < blocks; j++, sums += TALL_BLOCK * TALL_BLOCK)
            for (size_t p = 0; p < TALL_BLOCK; p++)
                for (size_t q = 0; q < TALL_BLOCK; q++) {
                    const size_t row = i * TALL_BLOCK + p, column = j * TALL_BLOCK + q;
                    if (row >= n || column >= n || row > column) continue;
                    const double sum = LEVEL(tall_sum)(sums[p * TALL_BLOCK + q]);
                    gram[row * n + column] += sum;
                    if (row != column) gram[column * n + row] += sum;
                }
}

/* Reflect `count` rows w of a tile, and the numbers `over` them in r, by v with `head` over it; `scale` is 2 / |(head, v)|^2. */
INLINE void LEVEL(tall_reflect_rows)(const double *v, double head, double scale, size_t length, double *w, double *over, const int count)
{
    vf8 dots[4] = {{0}, {0}, {0}, {0}};
    double share[4];
    for (size_t k = 0; k < length; k += TALL_LANES) {
        const vf8 at = LOAD_F8(v + k);
UNROLL
        for (int q = 0; q < count; q++) dots[q] += at * LOAD_F8(w + (size_t)q * TALL_TILE + k);
    }
UNROLL
    for (int q = 0; q < count; q++) {
        share[q] = scale * (head * over[q] + LEVEL(tall_sum)(dots[q]));
        over[q] -= share[q] * head;
    }
    for (size_t k = 0; k < length; k += TALL_LANES) {
        const vf8 at = LOAD_F8(v + k);
UNROLL
        for (int q = 0; q < count; q++) {
            double *to = w + (size_t)q * TALL_TILE + k;
            STORE_F8(to, LOAD_F8(to) - share[q] * at);
        }
    }
}

/* Reflect the rows of the tile, as columns below r, into r. */
static void LEVEL(tall_reflect)(double *tile, size_t n, size_t length, double *r)
{
    for (size_t j = 0; j < n; j++) {
        const double *v = tile + j * TALL_TILE;
        double *row = r + j * n;
        vf8 squares = {0};
        for (size_t k = 0; k < length; k += TALL_LANES) squares += LOAD_F8(v + k) * LOAD_F8(v + k);
        const double below = LEVEL(tall_sum)(squares), top = row[j];
        if (below == 0 || top * top + below < TALL_LEAST) continue;
        const double diagonal = top > 0 ? -__builtin_sqrt(top * top + below) : __builtin_sqrt(top * top + below);
        const double head = top - diagonal, scale = 2 / (head * head + below);
        row[j] = diagonal;
        size_t i = j + 1;
        for (; i + 4 <= n; i += 4) LEVEL(tall_reflect_rows)(v, head, scale, length, tile + i * TALL_TILE, row + i, 4);
        for (; i < n; i++) LEVEL(tall_reflect_rows)(v, head, scale, length, tile + i * TALL_TILE, row + i, 1);
    }
}

/* Rows of vectors become columns. */
INLINE void LEVEL(tall_turn)(vf8 *v)
{
    vf8 t[TALL_LANES];
#if CDT_SIMD == 512
UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 8, 2, 10, 4, 12, 6, 14);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    }
UNROLL
    for (int p = 0; p < 4; p++) {
        const int i = (p & 1) + 4 * (p >> 1);
        v[i] = __builtin_shufflevector(t[i], t[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        v[i + 2] = __builtin_shufflevector(t[i], t[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
UNROLL
    for (int i = 0; i < 4; i++) {
        t[i] = __builtin_shufflevector(v[i], v[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        t[i + 4] = __builtin_shufflevector(v[i], v[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#elif CDT_SIMD == 2
UNROLL
    for (int i = 0; i < 4; i += 2) {
        t[i] = __builtin_shufflevector(v[i], v[i + 1], 0, 4, 2, 6);
        t[i + 1] = __builtin_shufflevector(v[i], v[i + 1], 1, 5, 3, 7);
    }
    v[0] = __builtin_shufflevector(t[0], t[2], 0, 1, 4, 5);
    v[1] = __builtin_shufflevector(t[1], t[3], 0, 1, 4, 5);
    v[2] = __builtin_shufflevector(t[0], t[2], 2, 3, 6, 7);
    v[3] = __builtin_shufflevector(t[1], t[3], 2, 3, 6, 7);
UNROLL
    for (int i = 0; i < 4; i++) t[i] = v[i];
#else
    t[0] = __builtin_shufflevector(v[0], v[1], 0, 2);
    t[1] = __builtin_shufflevector(v[0], v[1], 1, 3);
#endif
UNROLL
    for (size_t i = 0; i < TALL_LANES; i++) v[i] = t[i];
}

/* A projection at work: a chunk of x as rows (n) of `columns` doubles, those times left (r), and times right (chunk, padded). */
typedef struct {
    size_t n, k, r, s, chunk, columns, padded;
    const double *left;
    double *tile, *projected, *basis, *made;
} tall_projection;

/* Work space for the projection of `c` places, and `right` (k, s) in rows of vectors. */
static int LEVEL(tall_start)(tall_projection *p, size_t c, const double *right)
{
    const size_t step = 2 * TALL_LANES, chunk = p->k < 40 ? 320 / p->k / 8 * 8 : 8;
    p->chunk = chunk < c ? chunk : c;
    p->columns = (p->chunk * p->k + step - 1) / step * step;
    p->padded = right ? (p->s + TALL_LANES - 1) / TALL_LANES * TALL_LANES : 0;
    const size_t tile = p->n * p->columns, projected = p->left ? p->r * p->columns : 0;
    p->tile = aligned_alloc(64, ((tile + projected + (p->k + p->chunk) * p->padded) * sizeof(double) + 63) / 64 * 64);
    if (!p->tile) return CDT_NO_MEMORY;
    p->projected = p->left ? p->tile + tile : p->tile;
    p->basis = p->tile + tile + projected;
    p->made = p->basis + p->k * p->padded;
    for (size_t i = 0; i < p->k && right; i++)
        for (size_t q = 0; q < p->padded; q++) p->basis[i * p->padded + q] = q < p->s ? right[i * p->s + q] : 0;
    return CDT_OK;
}

/* `count` basis vectors times 2 vectors of columns of the tile, while what the same columns of another tile have is fetched. */
INLINE void LEVEL(tall_left_vectors)(const tall_projection *p, const double *tile, const double *left, int count,
                                                                           double *out, const char *ahead, size_t ahead_stride, size_t gap)
{
    vf8 c[TALL_BASIS][2];
UNROLL
    for (int q = 0; q < count; q++) c[q][0] = c[q][1] = (vf8){0};
    for (size_t i = 0; i < p->n; i++) {
        const vf8 a = LOAD_F8(tile + i * p->columns), b = LOAD_F8(tile + i * p->columns + TALL_LANES);
        __builtin_prefetch(ahead + i * ahead_stride, 0, 2);
        __builtin_prefetch(ahead + i * ahead_stride + gap, 0, 2);
UNROLL
        for (int q = 0; q < count; q++) {
            c[q][0] += left[i * p->r + (size_t)q] * a;
            c[q][1] += left[i * p->r + (size_t)q] * b;
        }
    }
UNROLL
    for (int q = 0; q < count; q++) {
        STORE_F8(out + (size_t)q * p->columns, c[q][0]);
        STORE_F8(out + (size_t)q * p->columns + TALL_LANES, c[q][1]);
    }
}

/* The tile times left. `ahead` has the rows of a later tile, of numbers of `width` bytes. */
static void LEVEL(tall_left)(const tall_projection *p, const char *ahead, size_t ahead_stride, size_t width)
{
    const size_t gap = TALL_LANES * width;
    for (size_t k = 0; k < p->columns; k += 2 * TALL_LANES) {
        const double *tile = p->tile + k;
        double *out = p->projected + k;
        const char *fetch = ahead + k * width;
        size_t q = 0;
        for (; q + TALL_BASIS <= p->r; q += TALL_BASIS) LEVEL(tall_left_vectors)(p, tile, p->left + q, TALL_BASIS, out + q * p->columns, fetch, ahead_stride, gap);
        for (; q + 4 <= p->r; q += 4) LEVEL(tall_left_vectors)(p, tile, p->left + q, 4, out + q * p->columns, fetch, ahead_stride, gap);
        for (; q < p->r; q++) LEVEL(tall_left_vectors)(p, tile, p->left + q, 1, out + q * p->columns, fetch, ahead_stride, gap);
    }
}

/* `count` rows of `wide` vectors: rows of x (k) times the basis. */
INLINE void LEVEL(tall_right_vectors)(const double *x, size_t k, const double *basis, size_t padded, int count, int wide,
                                                                            double *out)
{
    vf8 c[TALL_ROWS][3];
UNROLL
    for (int p = 0; p < count * wide; p++) c[p / wide][p % wide] = (vf8){0};
    for (size_t i = 0; i < k; i++) {
        vf8 right[3];
UNROLL
        for (int q = 0; q < wide; q++) right[q] = LOAD_F8(basis + i * padded + (size_t)q * TALL_LANES);
UNROLL
        for (int p = 0; p < count * wide; p++) c[p / wide][p % wide] += x[(size_t)(p / wide) * k + i] * right[p % wide];
    }
UNROLL
    for (int p = 0; p < count * wide; p++) STORE_F8(out + (size_t)(p / wide) * padded + (size_t)(p % wide) * TALL_LANES, c[p / wide][p % wide]);
}

INLINE void LEVEL(tall_right_wide)(const tall_projection *p, const double *x, size_t rows, size_t from, int wide)
{
    size_t i = 0;
    for (; i + TALL_ROWS <= rows; i += TALL_ROWS) LEVEL(tall_right_vectors)(x + i * p->k, p->k, p->basis + from, p->padded, TALL_ROWS, wide, p->made + i * p->padded + from);
    for (; i < rows; i++) LEVEL(tall_right_vectors)(x + i * p->k, p->k, p->basis + from, p->padded, 1, wide, p->made + i * p->padded + from);
}

/* Rows of x (rows, k) times the basis: rows of `padded` doubles. */
static void LEVEL(tall_right)(const tall_projection *p, const double *x, size_t rows)
{
    size_t q = 0;
    for (; q + 3 * TALL_LANES <= p->padded; q += 3 * TALL_LANES) LEVEL(tall_right_wide)(p, x, rows, q, 3);
    if (p->padded - q == 2 * TALL_LANES) LEVEL(tall_right_wide)(p, x, rows, q, 2);
    if (p->padded - q == TALL_LANES) LEVEL(tall_right_wide)(p, x, rows, q, 1);
}

#define TALL_NUMBER float
#define TALL_LOAD LOAD_F4_WIDE
#define TALL_STORE STORE_F4_NARROW
#define TALL(name) LEVEL_JOIN(LEVEL_JOIN(tall_##name, f4), CDT_LEVEL)
#include "tall.template.h"
#undef TALL_NUMBER
#undef TALL_LOAD
#undef TALL_STORE
#undef TALL

#define TALL_NUMBER double
#define TALL_LOAD LOAD_F8
#define TALL_STORE STORE_F8
#define TALL(name) LEVEL_JOIN(LEVEL_JOIN(tall_##name, f8), CDT_LEVEL)
#include "tall.template.h"
#undef TALL_NUMBER
#undef TALL_LOAD
#undef TALL_STORE
#undef TALL

#define TALL_OF(F)                                                                                                              \
    {                                                                                                                           \
        LEVEL(tall_gram_rows_##F), LEVEL(tall_gram_columns_##F), LEVEL(tall_triangle_rows_##F), LEVEL(tall_triangle_columns_##F), \
            LEVEL(tall_project_##F)                                                                                             \
    }
