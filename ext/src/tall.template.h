/* The kernels of cdt_tall.h for numbers of one type: TALL_NUMBER, read and written as vectors of doubles. */

/* Pack columns of a matrix by rows: rows of TALL_TILE doubles, zeros behind the last. */
static void TALL(pack_rows)(const TALL_NUMBER *x, size_t n, size_t columns, size_t stride, double *tile)
{
    for (size_t i = 0; i < n; i++) {
        const TALL_NUMBER *row = x + i * stride;
        double *to = tile + i * TALL_TILE;
        size_t k = 0;
        for (; k + TALL_LANES <= columns; k += TALL_LANES) STORE_F8(to + k, TALL_LOAD(row + k));
        for (; k < TALL_TILE; k++) to[k] = k < columns ? (double)row[k] : 0;
    }
}

/* Pack rows of a matrix by columns, turned; `readable` numbers follow x in memory at least. */
static void TALL(pack_columns)(const TALL_NUMBER *x, size_t n, size_t rows, size_t readable, double *tile)
{
    size_t k = 0;
    for (; k + TALL_LANES <= rows && (k + TALL_LANES) * n + TALL_LANES <= readable; k += TALL_LANES)
        for (size_t j = 0; j < n; j += TALL_LANES) {
            vf8 v[TALL_LANES];
UNROLL
            for (size_t i = 0; i < TALL_LANES; i++) v[i] = TALL_LOAD(x + (k + i) * n + j);
            LEVEL(tall_turn)(v);
            if (j + TALL_LANES <= n) {
UNROLL
                for (size_t i = 0; i < TALL_LANES; i++) STORE_F8(tile + (j + i) * TALL_TILE + k, v[i]);
            } else {
UNROLL
                for (size_t i = 0; i < TALL_LANES; i++)
                    if (j + i < n) STORE_F8(tile + (j + i) * TALL_TILE + k, v[i]);
            }
        }
    for (; k < TALL_TILE; k++)
        for (size_t j = 0; j < n; j++) tile[j * TALL_TILE + k] = k < rows ? (double)x[k * n + j] : 0;
}

/* A tile for n rows, and after it sums for all pairs of blocks; zeros. */
static double *TALL(work)(size_t n, vf8 **sums)
{
    const size_t blocks = (n + TALL_BLOCK - 1) / TALL_BLOCK, rows = blocks * TALL_BLOCK * TALL_TILE;
    const size_t pairs = blocks * (blocks + 1) / 2 * TALL_BLOCK * TALL_BLOCK * TALL_LANES;
    double *tile = aligned_alloc(64, ((rows + pairs) * sizeof(double) + 63) / 64 * 64);
    if (!tile) return NULL;
    memset(tile, 0, (rows + pairs) * sizeof(double));
    *sums = (vf8 *)(tile + rows);
    return tile;
}

static int TALL(gram_rows)(const void *numbers, size_t n, size_t m, size_t stride, double *gram)
{
    const TALL_NUMBER *x = numbers;
    const size_t blocks = (n + TALL_BLOCK - 1) / TALL_BLOCK;
    vf8 *sums;
    double *tile = TALL(work)(n, &sums);
    if (!tile) return CDT_NO_MEMORY;
    for (size_t at = 0; at < m; at += TALL_TILE) {
        TALL(pack_rows)(x + at, n, m - at < TALL_TILE ? m - at : TALL_TILE, stride, tile);
        const size_t ahead = at + 3 * TALL_TILE <= m ? at + 2 * TALL_TILE : 0;
        LEVEL(tall_products)(tile, blocks, (const char *)(x + ahead), stride * sizeof *x, n, sums);
    }
    LEVEL(tall_add_gram)(sums, blocks, n, gram);
    free(tile);
    return CDT_OK;
}

static int TALL(gram_columns)(const void *numbers, size_t n, size_t m, double *gram)
{
    const TALL_NUMBER *x = numbers;
    const size_t blocks = (n + TALL_BLOCK - 1) / TALL_BLOCK;
    vf8 *sums;
    double *tile = TALL(work)(n, &sums);
    if (!tile) return CDT_NO_MEMORY;
    for (size_t at = 0; at < m; at += TALL_TILE) {
        TALL(pack_columns)(x + at * n, n, m - at < TALL_TILE ? m - at : TALL_TILE, (m - at) * n, tile);
        const size_t ahead = at + 3 * TALL_TILE <= m ? at + 2 * TALL_TILE : 0;
        LEVEL(tall_products)(tile, blocks, (const char *)(x + ahead * n), TALL_TILE * sizeof *x, n, sums);
    }
    LEVEL(tall_add_gram)(sums, blocks, n, gram);
    free(tile);
    return CDT_OK;
}

static int TALL(triangle_rows)(const void *numbers, size_t n, size_t m, size_t stride, double *r)
{
    const TALL_NUMBER *x = numbers;
    vf8 *sums;
    double *tile = TALL(work)(n, &sums);
    if (!tile) return CDT_NO_MEMORY;
    for (size_t at = 0; at < m; at += TALL_TILE) {
        TALL(pack_rows)(x + at, n, m - at < TALL_TILE ? m - at : TALL_TILE, stride, tile);
        LEVEL(tall_reflect)(tile, n, TALL_TILE, r);
    }
    free(tile);
    return CDT_OK;
}

static int TALL(triangle_columns)(const void *numbers, size_t n, size_t m, double *r)
{
    const TALL_NUMBER *x = numbers;
    vf8 *sums;
    double *tile = TALL(work)(n, &sums);
    if (!tile) return CDT_NO_MEMORY;
    for (size_t at = 0; at < m; at += TALL_TILE) {
        TALL(pack_columns)(x + at * n, n, m - at < TALL_TILE ? m - at : TALL_TILE, (m - at) * n, tile);
        LEVEL(tall_reflect)(tile, n, TALL_TILE, r);
    }
    free(tile);
    return CDT_OK;
}

/* Numbers as doubles, zeros up to `padded`; returns their sum of squares. */
static double TALL(take)(const TALL_NUMBER *from, size_t count, size_t padded, double *out)
{
    vf8 squares[2] = {{0}, {0}};
    double rest = 0;
    size_t i = 0;
    for (; i + 2 * TALL_LANES <= count; i += 2 * TALL_LANES) {
        const vf8 a = TALL_LOAD(from + i), b = TALL_LOAD(from + i + TALL_LANES);
        squares[0] += a * a;
        squares[1] += b * b;
        STORE_F8(out + i, a);
        STORE_F8(out + i + TALL_LANES, b);
    }
    for (; i < padded; i++) {
        out[i] = i < count ? (double)from[i] : 0;
        rest += out[i] * out[i];
    }
    return rest + LEVEL(tall_sum)(squares[0] + squares[1]);
}

/* Rows of s of `padded` doubles, one after the other; returns their sum of squares. */
static double TALL(put)(const double *from, size_t rows, size_t padded, TALL_NUMBER *out, size_t s)
{
    vf8 squares = {0};
    double rest = 0;
    for (size_t p = 0; p < rows; p++, from += padded, out += s) {
        size_t q = 0;
        for (; q + TALL_LANES <= s; q += TALL_LANES) {
            const vf8 v = LOAD_F8(from + q);
            squares += v * v;
            TALL_STORE(out + q, v);
        }
        for (; q < s; q++) {
            rest += from[q] * from[q];
            out[q] = (TALL_NUMBER)from[q];
        }
    }
    return rest + LEVEL(tall_sum)(squares);
}

static int TALL(project)(const void *numbers, size_t n, size_t c, size_t k, size_t stride, const double *left, size_t r, const double *right, size_t s,
                         void *projected, size_t out_stride, double energies[2])
{
    const TALL_NUMBER *x = numbers;
    TALL_NUMBER *out = projected;
    tall_projection p = {.n = n, .k = k, .r = left ? r : n, .s = s, .left = left};
    if (LEVEL(tall_start)(&p, c, right) != CDT_OK) return CDT_NO_MEMORY;
    for (size_t at = 0; at < c; at += p.chunk) {
        const size_t now = c - at < p.chunk ? c - at : p.chunk, ahead = at + 3 * p.chunk <= c ? at + 2 * p.chunk : at;
        for (size_t i = 0; i < n; i++) energies[0] += TALL(take)(x + i * stride + at * k, now * k, p.columns, p.tile + i * p.columns);
        if (left) LEVEL(tall_left)(&p, (const char *)(x + ahead * k), stride * sizeof *x, sizeof *x);
        for (size_t q = 0; q < p.r; q++) {
            const double *row = p.projected + q * p.columns;
            TALL_NUMBER *to = out + q * out_stride + at * s;
            if (right) LEVEL(tall_right)(&p, row, now);
            energies[1] += right ? TALL(put)(p.made, now, p.padded, to, s) : TALL(put)(row, 1, p.columns, to, now * k);
        }
    }
    free(p.tile);
    return CDT_OK;
}
