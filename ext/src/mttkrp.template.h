/* One type's MTTKRP. x is seen as a matrix of n[0] n[1] rows (pairs i, j) and n[2] columns (k).
 *
 * Axes 0 and 1: a tile of rows times c gives sums t[(i, j), r]; they are weighted with b (or a) and added to y.
 * Axis 0, with rows too short for that: weights w[(j, k), r] = b[j, r] c[k, r] of a tile of columns are made, and y += x w.
 * Axis 2: weights w[(i, j), r] = a[i, r] b[j, r] of a tile of rows are made, and y += x^T w.
 * All are made by one micro-kernel, which walks along x's rows for the first two and down its columns for the third.
 */

/* PANEL x 2 accumulators, of 32 or 16 registers. */
#ifndef MTTKRP_TILES
#define MTTKRP_TILES
#if CDT_SIMD == 512
#define PANEL 8
#else
#define PANEL 6
#endif
#define ROWS 96   /* rows of x in a tile: a multiple of every PANEL, and <= DEPTH */
#define FAR 2048  /* numbers of x to fetch ahead, at least */
#define DEPTH 256 /* columns of x in a tile: its part of c stays in the nearest cache */
#endif

/* y[i * pitch + .] += sum over steps s of x[i * across + s * along] w[s * width + .], of m rows i and LANES * vectors columns;
 * fetches what is `ahead` of x. */
INLINE void NAME(mttkrp_panel)(const REAL *restrict x, size_t across, size_t along, size_t steps, const REAL *restrict w,
                               size_t width, REAL *restrict y, size_t pitch, ptrdiff_t ahead, const int m, const int vectors)
{
    VECTOR sums[PANEL][2] = {{{0}}};
    for (size_t s = 0, turn = 0; s < steps; s++, turn = turn + 1 == (size_t)m ? 0 : turn + 1) {
        const REAL *const at = x + s * along;
        __builtin_prefetch(at + ahead + turn * across);
        VECTOR row[2] = {LOAD(w + s * width), vectors > 1 ? LOAD(w + s * width + LANES) : LOAD(w + s * width)};
        UNROLL for (int i = 0; i < m; i++)
        {
            const REAL value = at[i * across];
            UNROLL for (int v = 0; v < vectors; v++) sums[i][v] += value * row[v];
        }
    }
    UNROLL for (int i = 0; i < m; i++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            REAL *const to = y + i * pitch + v * LANES;
            STORE(to, LOAD(to) + sums[i][v]);
        }
    }
}

#define MTTKRP_CASE(M)                                                                        \
    case M:                                                                                   \
        NAME(mttkrp_panel)(x, across, along, steps, w, width, y, pitch, ahead, M, vectors);          \
        break;

/* The same for any m <= PANEL. */
INLINE void NAME(mttkrp_rows)(const REAL *x, size_t across, size_t along, size_t steps, const REAL *w, size_t width, REAL *y,
                              size_t pitch, ptrdiff_t ahead, size_t m, const int vectors)
{
    switch (m) {
        MTTKRP_CASE(1)
        MTTKRP_CASE(2)
        MTTKRP_CASE(3)
        MTTKRP_CASE(4)
        MTTKRP_CASE(5)
        MTTKRP_CASE(6)
#if PANEL > 6
        MTTKRP_CASE(7)
        MTTKRP_CASE(8)
#endif
    }
}
#undef MTTKRP_CASE

/* A panel for all columns of w, two vectors at a time. */
static void NAME(mttkrp_all)(const REAL *x, size_t across, size_t along, size_t steps, const REAL *w, size_t width, REAL *y,
                             ptrdiff_t ahead, size_t m)
{
    size_t r = 0;
    for (; r + 2 * LANES <= width; r += 2 * LANES)
        NAME(mttkrp_rows)(x, across, along, steps, w + r, width, y + r, width, ahead, m, 2);
    for (; r < width; r += LANES) NAME(mttkrp_rows)(x, across, along, steps, w + r, width, y + r, width, ahead, m, 1);
}

/* How many of `left` rows come next: panels of nearly one size, so that none at the end is thin. */
static size_t NAME(mttkrp_next)(size_t left)
{
    const size_t panels = (left + PANEL - 1) / PANEL;
    return (left + panels - 1) / panels;
}

/* Axes 0 and 1: t = x c, of a tile's rows. */
static void NAME(mttkrp_sums)(const REAL *x, const size_t *n, const REAL *c, size_t width, size_t rows, REAL *t)
{
    const ptrdiff_t ahead = 2 * PANEL * n[2] < FAR ? FAR : 2 * PANEL * n[2];
    memset(t, 0, rows * width * sizeof *t);
    for (size_t k = 0; k < n[2]; k += DEPTH) {
        const size_t steps = n[2] - k < DEPTH ? n[2] - k : DEPTH;
        for (size_t p = 0, m; p < rows; p += m) {
            m = NAME(mttkrp_next)(rows - p);
            NAME(mttkrp_all)(x + p * n[2] + k, n[2], 1, steps, c + k * width, width, t + p * width, ahead, m);
        }
    }
}

/* Of rows first .. first + rows of t: y[i] += f[j] t[i, j] (axis 0), or y[j] += f[i] t[i, j] (axis 1). */
static void NAME(mttkrp_weigh)(const REAL *t, size_t columns, const REAL *f, size_t width, int axis, size_t first, size_t rows,
                               REAL *y)
{
    for (size_t p = 0; p < rows; p++) {
        const size_t i = (first + p) / columns, j = (first + p) % columns;
        const REAL *const weight = f + (axis ? i : j) * width;
        REAL *const to = y + (axis ? j : i) * width;
        for (size_t r = 0; r < width; r += LANES)
            STORE(to + r, LOAD(to + r) + LOAD(weight + r) * LOAD(t + p * width + r));
    }
}

/* w[(i, j)] = a[i] b[j] of pairs first .. first + rows, where b has `columns` rows. */
static void NAME(mttkrp_weights)(const REAL *a, const REAL *b, size_t columns, size_t width, size_t first, size_t rows, REAL *w)
{
    for (size_t p = 0; p < rows; p++) {
        const REAL *const i = a + (first + p) / columns * width, *const j = b + (first + p) % columns * width;
        for (size_t r = 0; r < width; r += LANES) STORE(w + p * width + r, LOAD(i + r) * LOAD(j + r));
    }
}

/* Axis 2: y += x^T w, of a tile's rows. */
static void NAME(mttkrp_columns)(const REAL *x, size_t columns, const REAL *w, size_t width, size_t rows, REAL *y)
{
    for (size_t k = 0, m; k < columns; k += m) {
        m = NAME(mttkrp_next)(columns - k);
        NAME(mttkrp_all)(x + k, 1, columns, rows, w, width, y + k * width, 2 * PANEL, m);
    }
}

/* Axis 0 of a tensor with short rows: y += x w, of a tile's columns (pairs j, k). */
static void NAME(mttkrp_pairs)(const REAL *x, const size_t *n, const REAL *w, size_t width, size_t columns, REAL *y)
{
    const size_t row = n[1] * n[2];
    for (size_t p = 0, m; p < n[0]; p += m) {
        m = NAME(mttkrp_next)(n[0] - p);
        NAME(mttkrp_all)(x + p * row, row, 1, columns, w, width, y + p * width, 2 * PANEL * row, m);
    }
}

static void NAME(mttkrp_short_rows)(const REAL *x, const size_t *n, const REAL *const *f, size_t width, REAL *tile, REAL *y)
{
    const size_t all = n[1] * n[2];
    for (size_t q = 0; q < all; q += DEPTH) {
        const size_t columns = all - q < DEPTH ? all - q : DEPTH;
        NAME(mttkrp_weights)(f[1], f[2], n[2], width, q, columns, tile);
        NAME(mttkrp_pairs)(x + q, n, tile, width, columns, y);
    }
}

static void NAME(mttkrp_long_rows)(const REAL *x, const size_t *n, const REAL *const *f, size_t width, int axis, REAL *tile,
                                   REAL *y)
{
    const size_t all = n[0] * n[1];
    for (size_t p = 0; p < all; p += ROWS) {
        const size_t rows = all - p < ROWS ? all - p : ROWS;
        if (axis < 2) {
            NAME(mttkrp_sums)(x + p * n[2], n, f[2], width, rows, tile);
            NAME(mttkrp_weigh)(tile, n[1], f[1 - axis], width, axis, p, rows, y);
        } else {
            NAME(mttkrp_weights)(f[0], f[1], n[1], width, p, rows, tile);
            NAME(mttkrp_columns)(x + p * n[2], n[2], tile, width, rows, y);
        }
    }
}

static int NAME(mttkrp)(const REAL *x, const size_t *n, const REAL *const *factors, size_t width, int axis, REAL *y)
{
    if (axis < 0 || axis > 2 || !width || width * sizeof *x % CDT_MTTKRP_BYTES) return CDT_BAD_ARGUMENT;
    memset(y, 0, n[axis] * width * sizeof *y);
    if (!n[0] || !n[1] || !n[2]) return CDT_OK;
    REAL *const tile = malloc(DEPTH * width * sizeof *tile);
    if (!tile) return CDT_NO_MEMORY;
    if (axis == 0 && n[0] > n[2])
        NAME(mttkrp_short_rows)(x, n, factors, width, tile, y);
    else
        NAME(mttkrp_long_rows)(x, n, factors, width, axis, tile, y);
    free(tile);
    return CDT_OK;
}

static int NAME(mttkrp_fold)(const REAL *t, const size_t *n, const REAL *factor, size_t width, int axis, REAL *y)
{
    if (axis < 0 || axis > 1 || !width || width * sizeof *t % CDT_MTTKRP_BYTES) return CDT_BAD_ARGUMENT;
    memset(y, 0, n[axis] * width * sizeof *y);
    NAME(mttkrp_weigh)(t, n[1], factor, width, axis, 0, n[0] * n[1], y);
    return CDT_OK;
}
